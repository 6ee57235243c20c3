// Package cases keeps what customers tell vendors about invoices: questions,
// disputes, promises, plans and notices that money is on its way, each with its
// thread, its files and its outcome.
//
// What a customer says here may hold an invoice, so that it is not chased; the
// hold ends with the case or by itself. Every change commits the case, the
// message, the hold, a line of the invoice's history, one event for the vendor
// and the audit entry together.
package cases

import (
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/mail"
	"github.com/sheaf-hub/sheaf/hub/mail/letter"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// Service is the room's entrance. All fields are needed, but for Footer.
type Service struct {
	DB        *store.DB
	Party     *party.Service
	Billing   *billing.Service
	Access    *access.Service
	Outbox    *outbox.Service
	Letters   Letters
	From      mail.Address // who tells customers of answers
	PublicURL string       // the hub's own address, without a slash at the end
	Footer    letter.Footer
	Now       func() time.Time
}

// Letters renders the mail that tells a customer of an answer; letter.Renderer is one.
type Letters interface {
	CaseUpdate(letter.CaseUpdate) (letter.Rendered, error)
}

// now is the clock as both databases keep it: UTC, whole microseconds.
func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

// Kind is what a case is about.
type Kind string

// The kinds of cases.
const (
	Question Kind = "question"
	Disputed Kind = "dispute"
	Promised Kind = "promise"
	Planned  Kind = "plan"
	Notice   Kind = "sent" // "the check is in the mail"
)

// Words names a kind in a sentence: "payment promise".
func (k Kind) Words() string {
	switch k {
	case Promised:
		return "promise to pay"
	case Planned:
		return "payment plan"
	case Notice:
		return "payment notice"
	}
	return string(k)
}

// Status says who has to do something about a case.
type Status string

// An open case waits for the vendor, an answered one for the customer; the
// others are over.
const (
	Open      Status = "open"
	Answered  Status = "answered"
	Resolved  Status = "resolved"
	Withdrawn Status = "withdrawn"
)

// Over says whether nothing more can be said on the case.
func (s Status) Over() bool { return s == Resolved || s == Withdrawn }

// Instalment is one part of a plan. Amount is in minor units of the case's currency.
type Instalment struct {
	On     money.Date `json:"on"`
	Amount int64      `json:"amount"`
}

// Details is what only some kinds have: a plan its instalments, a notice how
// and when the money was sent.
type Details struct {
	Instalments []Instalment `json:"instalments,omitempty"`
	Method      string       `json:"method,omitempty"` // cheque, transfer or other
	Number      string       `json:"number,omitempty"`
	SentOn      money.Date   `json:"sent_on,omitempty"`
	Address     string       `json:"address,omitempty"`
}

// Case is one thing that a customer told a vendor about an invoice. Amount is
// in minor units: disputed, promised, planned or sent; 0 for a question.
type Case struct {
	bun.BaseModel  `bun:"table:cases,alias:k"`
	ID             string         `bun:"id,pk"`
	CustomerID     string         `bun:"customer_id"`
	VendorID       string         `bun:"vendor_id"`
	AccountID      string         `bun:"account_id"`
	InvoiceID      string         `bun:"invoice_id"`
	ContactID      string         `bun:"contact_id"` // who opened it; never leaves for the vendor
	Kind           Kind           `bun:"kind"`
	Status         Status         `bun:"status"`
	Reason         string         `bun:"reason"` // of a dispute: a key of Reasons
	Amount         int64          `bun:"amount"`
	Currency       money.Currency `bun:"currency"`
	PromisedOn     money.Date     `bun:"promised_on"`
	Details        Details        `bun:"details"`
	Resolution     string         `bun:"resolution"` // a key of Outcomes(Kind); empty: none
	ResolutionNote string         `bun:"resolution_note"`
	CreatedAt      time.Time      `bun:"created_at"`
	UpdatedAt      time.Time      `bun:"updated_at"`
	AnsweredAt     time.Time      `bun:"answered_at,nullzero"` // first answer of the vendor
	ResolvedAt     time.Time      `bun:"resolved_at,nullzero"`
}

// Author is a contact who speaks on a case, and on whose behalf: it sees what
// its customer sees.
type Author struct {
	Actor   access.Actor
	Contact party.Contact
	Viewer  billing.Viewer
}

// check refuses everybody but a signed-in contact: a digest's link can be
// forwarded, so it may show and pay, and never speak.
func (a Author) check() error {
	if a.Actor.Kind != access.KindContact || a.Actor.ContactID != a.Contact.ID || a.Viewer.Only != nil {
		return fault.New(fault.Forbidden, "This link is for viewing and paying. Sign in with your e-mail address to write to the vendor.")
	}
	if a.Viewer.CustomerID != a.Contact.CustomerID || a.Actor.CustomerID != a.Contact.CustomerID || a.Contact.ID == "" {
		return noCase()
	}
	return nil
}

func (a Author) today(now time.Time) money.Date { return money.DateOf(now, a.Contact.Zone()) }

func noCase() error {
	return fault.New(fault.NotFound, "There is no such case, or it is not yours to see.")
}

// Limits of what one case holds.
const (
	MostText     = 4000 // runes of one message or note
	MostCases    = 50   // of one invoice
	MostMessages = 500  // of one case
	MostFiles    = 10   // of one case
)

// written checks and cleans text from outside; field is whom to blame.
func written(field, text string, needed bool) (string, error) {
	if len(text) > 4*MostText || len([]rune(text)) > MostText {
		return "", fault.At(field, "This is longer than %d characters. Shorten it, or send the rest as a file.", MostText)
	}
	text = party.PlainLines(text, MostText)
	if text == "" && needed {
		return "", fault.At(field, "Write something first.")
	}
	return text, nil
}

// Message is one thing said on a case.
type Message struct {
	bun.BaseModel `bun:"table:messages,alias:m"`
	ID            string    `bun:"id,pk"`
	CustomerID    string    `bun:"customer_id"`
	VendorID      string    `bun:"vendor_id"`
	CaseID        string    `bun:"case_id"`
	Side          string    `bun:"author_side"`
	AuthorID      string    `bun:"author_id"` // never leaves for the other side
	AuthorName    string    `bun:"author_name"`
	Text          string    `bun:"text"`
	CreatedAt     time.Time `bun:"created_at"`
}

// Sides of a case.
const (
	SideCustomer = "customer"
	SideVendor   = "vendor"
	SideHub      = "hub"
)
