package portal

import (
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// InvoiceView is the page of one invoice. The IDs of the fields, for
// Page.Errors: question-text; dispute-reason, dispute-amount, dispute-note,
// dispute-file; promise-date, promise-note; notice-method, notice-number,
// notice-date, notice-address; reply-CASEID; amount-INVOICEID.
type InvoiceView struct {
	Page      ui.Page
	ID        string
	Base      string // "/me/invoices/ID": forms post under it
	Number    string
	Vendor    VendorSection // Credits and Invoices stay empty
	Row       InvoiceRow    // as in the list
	Order     string
	Terms     string
	DueNote   string // "from your account's terms, Net 30"; may be empty
	Paid      money.Amount
	Note      string // the vendor's, plain text
	Lines     []InvoiceLine
	Files     []ui.FileLink
	History   []ui.Happening
	Cases     []CaseView
	PayAction string // "/me/quotes"
	Elsewhere *PayingElsewhere
	Question  QuestionForm
	Dispute   DisputeForm
	Promise   PromiseForm
	Notice    NoticeForm
	Plan      PlanForm // no rows: it is not offered
	BackURL   string   // empty: "/me"
	ReadOnly  bool     // by a digest's link: to read and pay, not to tell
}

// InvoiceLine is one line of an invoice.
type InvoiceLine struct {
	Text     string
	Quantity string // may be empty
	Price    string // of one; may be empty
	Amount   money.Amount
}

// QuestionForm posts text to Base/questions.
type QuestionForm struct {
	Open bool // shown unfolded: it had an error
	Text string
}

// DisputeForm posts reason, amount, note and file to Base/disputes.
type DisputeForm struct {
	Open    bool
	Barred  string // why it cannot be disputed now; empty: it can
	Reason  string
	Reasons []ui.Option
	Amount  string
	Note    string
}

// PromiseForm posts date and note to Base/promises.
type PromiseForm struct {
	Open   bool
	Barred string
	Date   string
	Latest money.Date // the last date a vendor takes; empty: any
	Note   string
}

// NoticeForm ("payment is on its way") posts method, number, date and address
// to Base/notices.
type NoticeForm struct {
	Open    bool
	Barred  string
	Method  string // cheque, transfer or other
	Number  string
	Date    string
	Address string
}

// PlanForm ("pay in instalments") posts on-N, amount-N and note to Base/plans.
// Field IDs: plan-on-N, plan-amount-N, plan-note.
type PlanForm struct {
	Open   bool
	Barred string
	Rows   []PlanRow
	Note   string
}

// PlanRow is one instalment as entered.
type PlanRow struct {
	On     string
	Amount string
}

// CaseView is one case with its thread.
type CaseView struct {
	ID       string
	Kind     string // question, dispute, promise, plan or sent
	Title    string // "Dispute", "Question", …
	Status   Status
	Facts    []ui.Fact // reason, amount, promised date
	Messages []ui.Message
	Outcome  string // of a resolved one; may be empty
	Reply    string // where a reply posts text (and file); empty: closed
	Text     string // kept after an error
	Withdraw string // where a POST withdraws it; empty: it cannot be
}

// CasesView lists what the customer asked of all vendors, at /me/cases.
type CasesView struct {
	Page   ui.Page
	State  string // "", open, resolved
	Cases  []CaseRow
	Pages  ui.CursorPager
	Filter bool
}

// CaseRow is one case of the list.
type CaseRow struct {
	URL     string
	Kind    string // "Dispute"
	Invoice string
	Vendor  string
	Status  Status
	Amount  money.Amount // no currency: none
	Updated string       // "22 Nov at 09:14"
	Last    string       // the first words of the last message
}

func (v InvoiceView) back() string { return orElse(v.BackURL, "/me") }

func methodOptions() []ui.Option {
	return []ui.Option{
		{Value: "", Label: "Choose one"},
		{Value: "transfer", Label: "Bank transfer"},
		{Value: "cheque", Label: "Cheque by post"},
		{Value: "other", Label: "Another way"},
	}
}

func (v InvoiceView) facts() []ui.Fact {
	today := v.Page.Today
	facts := []ui.Fact{
		{Label: "Open", Body: ui.Money(v.Row.Open)},
		{Label: "Total", Body: ui.Money(v.Row.Total)},
	}
	if v.Paid.Positive() {
		facts = append(facts, ui.Fact{Label: "Paid or credited", Body: ui.Money(v.Paid)})
	}
	facts = append(facts,
		ui.Fact{Label: "Issued", Body: ui.Day(v.Row.Issued, today)},
		ui.Fact{Label: "Due", Body: dueFact(v)},
	)
	for _, extra := range []ui.Fact{{Label: "Terms", Text: v.Terms}, {Label: "Your order", Text: v.Order}, {Label: "Your account there", Text: v.Vendor.Account}} {
		if extra.Text != "" {
			facts = append(facts, extra)
		}
	}
	return facts
}
