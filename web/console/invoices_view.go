package console

import (
	"time"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// InvoicesView is /vendor/invoices.
type InvoicesView struct {
	Frame
	Query  string
	Status string // open, overdue, paid, void or all
	Set    bool   // a filter narrows the list beyond what it begins with
	Rows   []InvoiceRow
	Pages  ui.CursorPager
}

// InvoiceRow is one line of the list.
type InvoiceRow struct {
	URL      string
	Number   string
	Account  string
	Issued   money.Date
	Due      money.Date
	Total    money.Amount
	Open     money.Amount
	Held     money.Amount // on its way by payments
	Statuses []Status
}

// UnreachableView is /vendor/unreachable.
type UnreachableView struct {
	Frame
	Rows  []UnreachableRow
	Pages ui.CursorPager
}

// UnreachableRow is one invoice that nobody can be reminded of.
type UnreachableRow struct {
	URL           string
	Number        string
	Account       string
	AccountNumber string
	Due           money.Date
	Open          money.Amount
	Reason        string
}

// InvoiceView is /vendor/invoices/ID. Field IDs for Page.Errors: until.
type InvoiceView struct {
	Frame
	URL        string
	Number     string
	Account    string
	Statuses   []Status
	SourceOpen money.Amount
	Applied    money.Amount
	Held       money.Amount
	Open       money.Amount
	BooksAt    time.Time
	Closed     bool // nothing is open
	Facts      []ui.Fact
	Holds      []HoldRow
	ManualHold bool
	HoldUntil  string // kept after an error
	Cases      []CaseRow
	Payments   []InvoicePayment
	Files      []ui.FileLink
	Lines      []billing.Line
	History    []ui.Happening
}

// HoldRow is one active hold.
type HoldRow struct {
	Status  Status
	Since   time.Time
	Until   money.Date
	CaseURL string // of the case that holds it; may be empty
}

// InvoicePayment is what one payment gives to the invoice.
type InvoicePayment struct {
	URL       string
	Reference string
	At        time.Time
	Amount    money.Amount
	By        string // "money" or a credit's number
	Status    Status
}

func (v InvoicesView) clear() string {
	if v.Set {
		return "/vendor/invoices"
	}
	return ""
}

func invoiceStatuses() []ui.Option {
	return []ui.Option{{Value: "open", Label: "Open"}, {Value: "overdue", Label: "Overdue"}, {Value: "paid", Label: "Paid"},
		{Value: "void", Label: "Void"}, {Value: "all", Label: "All"}}
}

func invoiceURL(id string) string { return "/vendor/invoices/" + id }
