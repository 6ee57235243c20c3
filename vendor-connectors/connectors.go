// Package connectors is the border between a vendor's books and the hub: the
// interface that every connector implements and the neutral records that cross
// it. It knows nothing of the hub but its money; the list of all kinds stands
// in cmd/sheaf.
package connectors

import (
	"context"
	"errors"
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
	Pull(ctx context.Context, cursor string, sink func(Page) error) error
}

// PaymentRecorder is the optional half: writing a payment into the books.
type PaymentRecorder interface {
	// RecordPayment books one payment, found again by Payment.Reference: a
	// reference that the books already know is answered with what they hold,
	// never booked twice.
	RecordPayment(ctx context.Context, payment Payment) (Recorded, error)
}

// Descriptor tells the console and the hub what a kind is.
type Descriptor struct {
	Kind      string  // "tryton"; stored with the connection, never changed
	Title     string  // "Tryton"
	Summary   string  // one sentence for the person who chooses
	Fields    []Field // what to ask for
	Snapshot  bool    // each pull without cursor is the whole book: what is missing is closed
	WriteBack bool    // implements PaymentRecorder
	Unproven  bool    // not proven against a live server yet; shown as such
}

// Field is one thing to ask for when a connection is made.
type Field struct {
	Name     string // "url"
	Label    string // "Address of your Tryton server"
	Help     string
	Required bool
	Sealed   bool // a secret: sealed at rest, never shown again
}

// Page is a batch of records and where to go on after it.
type Page struct {
	Accounts []Account
	Invoices []Invoice
	Credits  []Credit
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
	Lines     []PaymentLine
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
)

// ThrottledError carries how long the other side wants us to wait.
type ThrottledError struct{ RetryAfter time.Duration }

func (e *ThrottledError) Error() string { return ErrThrottled.Error() }

// Unwrap makes errors.Is(err, ErrThrottled) true.
func (e *ThrottledError) Unwrap() error { return ErrThrottled }
