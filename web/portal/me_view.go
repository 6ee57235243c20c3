package portal

import (
	"strconv"

	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// MeView is the page with every vendor's open invoices, at /me and, with less
// on it, at /d/{token}.
type MeView struct {
	Page        ui.Page
	ContactName string
	Digest      *DigestNote // set: the page came by a digest's link
	Base        string      // the page itself: "/me" or "/d/TOKEN"; filters send GET to it
	PayAction   string      // where the pay form posts: "/me/quotes" or "/d/TOKEN/quotes"
	Summaries   []CurrencySummary
	Filter      MeFilter
	Propose     ProposeForm
	Elsewhere   []PayingElsewhere
	Vendors     []VendorSection
	New         []NewVendor
	NewAction   string // base of the answers: "/me/vendors"; empty: cannot be answered here
	Selected    int    // how many invoices are ticked as the page is sent
	Totals      []money.Amount
	Shown       int // invoices on this page
	Of          int // invoices there are, without filters
	Pages       ui.Pager
	CSV         string // exports; empty: none
	Calendar    string
	Statement   string
}

// DigestNote says what the reader of a digest's link sees, and what not.
type DigestNote struct {
	SentOn money.Date
	To     string // the address it was sent to, masked
	SignIn string
}

// CurrencySummary is the state of things in one currency.
type CurrencySummary struct {
	Overdue      money.Amount
	OverdueCount int
	Soon         money.Amount
	Later        money.Amount
	Disputed     money.Amount
	Processing   money.Amount
	Credits      money.Amount
}

// MeFilter is what the list is narrowed to: the query's q, state, vendor,
// currency and sort.
type MeFilter struct {
	Query      string
	State      string // "", overdue, soon, later, disputed, processing
	Vendor     string
	Currency   string
	Sort       string // "", amount, number, issued
	Vendors    []ui.Option
	Currencies []ui.Option
	Set        bool // any of them narrows the list
}

// ProposeForm is "I have so much: propose a split": the query's have and
// have_currency.
type ProposeForm struct {
	Amount     string
	Currency   string
	Currencies []ui.Option
	Error      string
	Result     *Proposal
}

// Proposal says what a split came to; the rows carry the ticks and amounts.
type Proposal struct {
	Have     money.Amount
	Used     money.Amount
	Left     money.Amount // zero: all of it is used
	Invoices int
	Partial  string // the number of the one that is paid in part; may be empty
}

// VendorSection is one vendor with what is open there.
type VendorSection struct {
	ID       string
	Name     string
	Account  string // our customer number there; may be empty
	Contact  string
	Phone    string // as people read it
	PhoneURI string // for the tel: link
	Email    string
	Answers  string // "usually answers within 4 hours"; empty: not known
	Open     []money.Amount
	Credits  []CreditRow
	Invoices []InvoiceRow // overdue first
}

// InvoiceRow is one invoice of the list.
type InvoiceRow struct {
	ID       string
	Number   string
	URL      string // empty where the reader may not look deeper
	Order    string // purchase order; may be empty
	Issued   money.Date
	Due      money.Date
	Open     money.Amount
	Total    money.Amount
	Statuses []Status // beside how it stands to its due date
	Held     bool     // not asked for now: the due date is shown without alarm
	Payable  bool     // has a box to tick
	Checked  bool
	Amount   string // what stands in the amount field; empty: all that is open
	Error    string // at the amount field
	Files    []ui.FileLink
	Note     string       // of a discount or a late fee: "USD 98.00 if paid by 11 Dec (2 % discount)"; may be empty
	Full     money.Amount // with Note: paying so much of it, no less,
	Charge   money.Amount // … is charged so
}

// Status is one chip.
type Status struct {
	Tone ui.Tone
	Text string
}

// CreditRow is one credit on hand.
type CreditRow struct {
	ID      string
	Number  string
	Open    money.Amount
	Against string // "any invoice in EUR of this vendor"
	Checked bool
}

// NewVendor says that the contact is its billing contact. It carries none of
// the vendor's free text.
type NewVendor struct {
	ID       string
	Name     string
	Invoices []InvoiceRow
}

// PayingElsewhere is a checkout that holds some of the invoices.
type PayingElsewhere struct {
	Numbers  []string
	Total    money.Amount
	Who      string // "You" or the colleague's name
	When     string // "2 minutes ago, on another device"
	Continue string // where that checkout goes on; empty: not ours to continue
	Cancel   string // where a POST cancels it; empty: not ours
}

// sumColumn is one figure beside what is overdue.
type sumColumn struct {
	label string
	of    func(CurrencySummary) money.Amount
	some  bool // shown only where a currency has some of it
}

// sumColumns are the same for every currency, so that figures stand in line.
func sumColumns(list []CurrencySummary) []sumColumn {
	every := []sumColumn{
		{"Due within 7 days", func(s CurrencySummary) money.Amount { return s.Soon }, false},
		{"Due later", func(s CurrencySummary) money.Amount { return s.Later }, false},
		{"In dispute", func(s CurrencySummary) money.Amount { return s.Disputed }, true},
		{"Processing", func(s CurrencySummary) money.Amount { return s.Processing }, true},
		{"Credits on hand", func(s CurrencySummary) money.Amount { return s.Credits }, true},
	}
	kept := every[:0]
	for _, column := range every {
		has := !column.some
		for _, summary := range list {
			has = has || column.of(summary).Positive()
		}
		if has {
			kept = append(kept, column)
		}
	}
	return kept
}

// zeroed gives an amount that was left empty the currency of its summary.
func zeroed(amount money.Amount, summary CurrencySummary) money.Amount {
	return money.New(amount.Minor, summary.Overdue.Currency)
}

func (v MeView) reviewHint() string {
	if v.Selected == 0 {
		return "Tick what you want to pay."
	}
	return ui.Count(v.Selected, "invoice", "invoices") + " ticked."
}

func (r InvoiceRow) amount() string {
	if r.Amount != "" {
		return r.Amount
	}
	return r.Open.Decimal()
}

func (r InvoiceRow) partly() bool { return r.Total.Minor != r.Open.Minor && r.Total.Positive() }

func (r InvoiceRow) label() string {
	return "Pay invoice " + r.Number + ", " + r.Open.String() + " open"
}

func (r InvoiceRow) dueTone(today money.Date) ui.Tone {
	if r.Held || r.Open.Zero() {
		return ui.ToneNeutral
	}
	return ui.DueTone(r.Due, today)
}

func (r InvoiceRow) showDue(today money.Date) bool {
	return !r.Held && r.dueTone(today) != ui.ToneNeutral
}

func minor(amount money.Amount) string { return strconv.FormatInt(amount.Minor, 10) }

func digits(currency money.Currency) string { return strconv.Itoa(currency.Digits()) }

func stateOptions() []ui.Option {
	return []ui.Option{
		{Value: "", Label: "All that is open"},
		{Value: "overdue", Label: "Overdue"},
		{Value: "soon", Label: "Due within 7 days"},
		{Value: "later", Label: "Due later"},
		{Value: "disputed", Label: "In dispute"},
		{Value: "processing", Label: "Payment processing"},
	}
}

func sortOptions() []ui.Option {
	return []ui.Option{
		{Value: "", Label: "Due date"},
		{Value: "amount", Label: "Amount"},
		{Value: "number", Label: "Number"},
		{Value: "issued", Label: "Date of issue"},
	}
}

func withAll(label string, options []ui.Option) []ui.Option {
	return append([]ui.Option{{Value: "", Label: label}}, options...)
}
