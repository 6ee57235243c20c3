package connectors

import "github.com/sheaf-hub/sheaf/hub/money"

// Roles of a contact on an account.
const (
	RolePayables = "payables"
	RoleApprover = "approver"
	RoleCopy     = "copy"
)

// Account is one vendor's record of one customer.
type Account struct {
	ExternalID  string
	Name        string
	Terms       string         // as the books say it: "Net 30"
	Currency    money.Currency // the account's usual currency; may be empty
	CreditLimit *money.Amount  // nil: the books name none
	Contacts    []Contact
}

// Contact is a mailbox that the account lists.
type Contact struct {
	Email string
	Name  string
	Phone string
	Role  string // payables, approver or copy; empty means payables
}

// Status of an invoice or credit in the vendor's books.
type Status string

// The states that the books can give; a paid or void record is closed.
const (
	StatusOpen Status = "open"
	StatusPaid Status = "paid"
	StatusVoid Status = "void"
)

// Invoice is what is owed, as the books say it. Total and Open share one
// currency; Open is what remains to be paid as written, never recomputed.
type Invoice struct {
	ExternalID    string
	Number        string
	Account       string // external id of the account
	IssuedOn      money.Date
	DueOn         money.Date // empty: the account's terms decide, or nobody knows
	Terms         string     // as printed on the invoice; may be empty
	Total         money.Amount
	Open          money.Amount
	PurchaseOrder string
	Note          string
	Status        Status
	Lines         []Line
	Documents     []Document
	Applied       []string // our payment references that the books list on it
	AccountSeen   *Account // what the document itself says of the buyer (e-invoices, CSV); creates the account when it is new
}

// Line is one line of an invoice, for reading only: nothing is computed from it.
type Line struct {
	Description string `json:"description"`
	Quantity    string `json:"quantity,omitempty"`
	UnitPrice   string `json:"unit_price,omitempty"`
	Amount      string `json:"amount,omitempty"` // decimal, major units
}

// Credit is what may be set against invoices of the same account and
// currency. Total and Open are positive.
type Credit struct {
	ExternalID  string
	Number      string
	Account     string
	IssuedOn    money.Date
	Total       money.Amount
	Open        money.Amount
	Note        string
	Status      Status
	Documents   []Document
	Applied     []string
	AccountSeen *Account
}

// Document is a paper that belongs to a record.
type Document struct {
	Name        string
	ContentType string
	Content     []byte // nil when Ref is set
	Ref         string // the books' own name for it, for Fetch; at most 500 bytes; empty: Content is here
	Held        string // why it is held back ("virus test string found"); empty: it may be shown
}
