// Package connectors is the border between a vendor's books and the hub: the
// interface that every connector implements and the neutral records that cross
// it. It knows nothing of the hub but its money; the list of all kinds stands
// in cmd/sheaf.
package connectors

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"
)

// Connector reads one vendor's books. Implementations keep no state between
// calls other than their configuration; everything to resume from is the
// cursor. Calls carry a deadline and must respect it.
type Connector interface {
	// Describe says what the kind can do and which fields configure it.
	Describe() Descriptor
	// Check tries the configuration without changing anything. The error is
	// shown to the vendor's staff: it says what is wrong and what to do.
	Check(ctx context.Context) error
	// Pull streams what changed since cursor (empty: everything) into sink,
	// page by page, oldest change first. When sink returns an error Pull stops
	// and returns it. A page's Cursor resumes after that page.
	//
	// An account comes before the invoices and credits that name it or on the same
	// page, or they bring it in AccountSeen: the hub refuses a record of an account
	// that it does not know.
	//
	// Without a cursor every open record comes, and closed ones may. With one, every
	// record that changed since: also what was paid, voided or deleted there. A record
	// may come twice, and what changes while it is being read comes in this pull or
	// in the next; none is left out. ErrCursor says that the books no longer know
	// that far back: the hub then reads everything and closes what is missing.
	Pull(ctx context.Context, cursor string, sink func(Page) error) error
	// Fetch reads one paper that a record named by its Document.Ref, when somebody
	// wants to see it. ErrGone: the books do not have it (any more).
	Fetch(ctx context.Context, ref string) (Document, error)
}

// PaymentRecorder is the optional half: writing a payment into the books.
type PaymentRecorder interface {
	// RecordPayment books one payment, found again by Payment.Reference: a
	// reference that the books already know is answered with what they hold,
	// never booked twice, also when an earlier try booked a part of it or its answer
	// was lost. ErrUnknown says that it may have been booked: the next try looks first.
	RecordPayment(ctx context.Context, payment Payment) (Recorded, error)
}

// NoteRecorder may be implemented beside it by kinds whose books keep notes on an
// invoice, so that the vendor reads there what its customer says.
type NoteRecorder interface {
	// RecordNote writes a note, found again by Note.Reference where the books can
	// be asked for it.
	RecordNote(ctx context.Context, note Note) error
}

// Deps is what the hub lends to a connector.
type Deps struct {
	// HTTP goes only where the hub may go, follows no redirect and waits no longer
	// than the call's context. Every call to the books goes through it.
	HTTP *http.Client
	// Dial is the same for books that do not speak HTTP: a connection to where the
	// hub may go, or an error. The caller bounds what follows by the call's context.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Vendor is whose books these are: the hub's own id of it, which keeps apart what
	// vendors share on the hub's machine. It never goes to the books.
	Vendor string
	// Tokens keeps what signing in by OAuth gave; nil for kinds without it.
	Tokens TokenStore
	// Now is the hub's clock. The books have another: compare their times with theirs.
	Now func() time.Time
}

// Token is what signing in gave. Books that give a new Refresh with each use no
// longer take the one before.
type Token struct {
	Access    string    `json:"access"`
	Refresh   string    `json:"refresh,omitempty"`
	ExpiresAt time.Time `json:"expires_at"` // of Access; zero: it does not say
}

// TokenStore keeps one connection's token, sealed. Two processes may refresh at
// once; the first to keep its token wins, and the other goes on with that one.
type TokenStore interface {
	// Token is the one that is kept now.
	Token(ctx context.Context) (Token, error)
	// Replace keeps next if was is still what is kept, and returns what is kept then.
	// It must be called, and have succeeded, before next is used.
	Replace(ctx context.Context, was, next Token) (Token, error)
}

// Descriptor tells the console and the hub what a kind is.
type Descriptor struct {
	Kind      string  // "tryton"; stored with the connection, never changed
	Title     string  // "Tryton"
	Summary   string  // one sentence for the person who chooses
	Fields    []Field // what to ask for
	Snapshot  bool    // each pull is the whole book, without a cursor: what is missing is closed
	Deletions bool    // a pull with a cursor tells of deletions; if not, the hub reads everything again now and then
	WriteBack bool    // implements PaymentRecorder
	SignIn    bool    // connected by signing in there (OAuth 2) and not by fields alone; needs Deps.Tokens
	Unproven  bool    // not proven against a live server yet; shown as such
}

// Field is one thing to ask for when a connection is made.
type Field struct {
	Name     string // "url"
	Label    string // "Address of your Tryton server"
	Help     string
	Required bool
	Sealed   bool // a secret: sealed at rest, never shown again

	// Choices, when there are any, are all that it may be. The first is meant when
	// nothing is said and it is Required.
	Choices []Choice
}

// Choice is one value that a field may have, and its words for people.
type Choice struct{ Value, Label string }

// Names of fields that mean the same in every kind that writes payments back.
const (
	PaymentAccount  = "payment_account"  // where money goes in the books when it is booked for the vendor
	ClearingAccount = "clearing_account" // where it goes when the vendor wants to match it to its bank line by itself
)

// Page is a batch of records and where to go on after it.
type Page struct {
	Accounts []Account
	Invoices []Invoice
	Credits  []Credit
	Gone     []string   // external ids of invoices and credits that the books deleted
	Rejected []Rejected // what could not be read, each with its place
	Cursor   string     // resumes after this page; stored only once the page is
	Done     int64      // progress so far, in the unit of Total (records or bytes)
	Total    int64      // 0 when it is not known
}

// Rejected is one record that could not become a neutral record.
type Rejected struct {
	Place      string // "line 17", "invoice.xml line 4 column 12", "INV-9"
	ExternalID string
	Problems   []Problem
}

// Problem is one thing wrong with one field.
type Problem struct {
	Field   string `json:"field"`   // a JSON pointer inside the record ("/due_on") or a column's name
	Message string `json:"message"` // what is wrong and what to do, for people
}

// Payment is a settled share on its way into the books.
type Payment struct {
	Reference string // ours; the same on every try
	Account   string // the account's external id
	Date      string // YYYY-MM-DD
	Currency  string
	Method    string // "card", "bank debit", "credit"
	Clearing  bool   // into the ClearingAccount of the settings, not the PaymentAccount
	Lines     []PaymentLine
}

// Note is what a customer said of one invoice: that it disputes it, or asks.
type Note struct {
	Reference string // ours; the same on every try
	Invoice   string // external id
	At        time.Time
	Text      string // plain text
}

// PaymentLine is what one invoice gets of a payment. A line with a credit is
// money that moves from that credit to the invoice.
type PaymentLine struct {
	Invoice string // external id
	Credit  string // external id; empty for money
	Amount  string // decimal, major units; of money: with LateFee

	Discount string // given for this payment: settles more of the invoice without money; empty: none
	LateFee  string // part of Amount that does not pay the invoice; empty: none
}

// Recorded is what the books say of a payment that they hold.
type Recorded struct {
	ExternalID string    // the books' own id of the booking
	At         time.Time // when the books say it was written
}

// Errors that a connector wraps, so that the hub knows what to do next.
var (
	ErrCredentials = errors.New("the books refused the credentials")    // a person has to act
	ErrThrottled   = errors.New("the books ask to slow down")           // try later; see RetryAfter
	ErrUnknown     = errors.New("no answer: it may have been booked")   // look it up before trying again
	ErrRefused     = errors.New("the books refused the record")         // trying again does not help
	ErrUnreachable = errors.New("the books cannot be reached just now") // try again later
	ErrCursor      = errors.New("the books no longer know what changed since then")
	ErrGone        = errors.New("the books do not have it")
)

// ThrottledError carries how long the other side wants us to wait.
type ThrottledError struct{ RetryAfter time.Duration }

func (e *ThrottledError) Error() string { return ErrThrottled.Error() }

// Unwrap makes errors.Is(err, ErrThrottled) true.
func (e *ThrottledError) Unwrap() error { return ErrThrottled }
