// Package letter says what stands in each mail that Sheaf writes, and nothing
// of how it looks. The hub's rooms fill these structs; web/ui/mails renders
// them, and cmd/sheaf hands that renderer to the rooms, so that no room knows
// of web.
//
// Every text field is plain text: a renderer escapes it, and turns none of it
// into a link. URL fields are made by the hub from its public URL, never by a
// vendor.
package letter

import (
	"time"

	"github.com/sheaf-hub/sheaf/hub/money"
)

// Renderer turns letters into what a mail carries. Its errors are defects of
// the letter (a missing link, say), never passing ones: do not try again.
type Renderer interface {
	Digest(Digest) (Rendered, error)
	SignIn(SignIn) (Rendered, error)
	CaseUpdate(CaseUpdate) (Rendered, error)
	VendorEvent(VendorEvent) (Rendered, error)
	Receipt(Receipt) (Rendered, error)
	Invitation(Invitation) (Rendered, error)
	Schedule(Schedule) (Rendered, error)
}

// Rendered is one mail: a subject of one line, and two parts that say the same.
type Rendered struct {
	Subject string
	Text    string
	HTML    string
}

// Footer is the end of every mail.
type Footer struct {
	HubName string   // who runs the hub, as customers know it: "Sheaf"
	Postal  []string // its postal address, one line each
	HelpURL string   // may be empty
}

// Digest is one bundled reminder to one contact for one period.
type Digest struct {
	Today       money.Date // in the contact's zone
	ContactName string     // empty: the greeting goes without a name
	Vendors     []DigestVendor
	New         []NewVendor // vendors that this contact has not answered for
	Totals      []DigestTotal
	More        int    // lines that stand on the page but not in this mail, all vendors together
	PageURL     string // the digest's link: all that it lists
	PayAllURL   string // the same with everything due ticked; empty: nothing to pay
	SettingsURL string
	Unsubscribe string // the visible link; the header takes the same
	Rhythm      string // "every Tuesday at 09:00, Europe/Berlin"
	Footer      Footer
}

// DigestVendor is one vendor's part of a digest. A section may be empty; a
// vendor with nothing in any section does not belong in the digest.
type DigestVendor struct {
	Name       string
	Contact    string // a person to ask; may be empty
	Phone      string // as people read it; may be empty
	PhoneURI   string // "+4930123456" for a tel: link; may be empty
	Email      string // may be empty
	Answers    string // "usually answers within 4 hours"; empty: not known
	Overdue    []DigestLine
	Soon       []DigestLine // due within seven days
	Later      []DigestLine
	Disputed   []DigestLine // not asked for
	Scheduled  []DigestLine // will be paid on a date of the contact's choice; not asked for
	Processing []DigestLine // not asked for
	Credits    []DigestCredit
	More       int // of this vendor's lines, how many stand on the page only
}

// DigestLine is one invoice.
type DigestLine struct {
	Number string
	Issued money.Date
	Due    money.Date   // empty: none is known
	Open   money.Amount // what is asked for; in Disputed, Scheduled and Processing what is held
	Total  money.Amount // shown where it differs from Open
	Note   string       // the hub's words: "promised for 3 Dec", "approved by nobody yet"; may be empty
	PayURL string       // opens the page with this one ticked; empty where nothing is asked for
}

// DigestCredit is one credit on hand.
type DigestCredit struct {
	Number string
	Open   money.Amount
}

// DigestTotal is one currency's sums over every vendor but the new ones.
type DigestTotal struct {
	Overdue money.Amount
	Soon    money.Amount
	Later   money.Amount
	ToPay   money.Amount // overdue, soon and later together
	Credits money.Amount // on hand; zero: none
}

// NewVendor says that it is owed money by a contact who has not said whether
// that is so. It carries none of the vendor's free text.
type NewVendor struct {
	Name     string
	Invoices int
	Totals   []money.Amount // open, one per currency
	Lines    []DigestLine   // without links to pay; a number stands only where it looks like one
	More     int            // of its lines, how many stand on the page only
}

// SignIn is the mail with a sign-in link.
type SignIn struct {
	URL     string
	Minutes int    // how long the link works
	Asked   string // "from Chromium on Linux, 22 Nov 2026 at 09:14 UTC"; may be empty
	Footer  Footer
}

// Invitation asks a colleague to join a contact's team.
type Invitation struct {
	From   string // who asks: a name, or the address
	Email  string // its address
	URL    string // where to say yes or no, after signing in
	Days   int    // how long it can be answered
	Footer Footer
}

// CaseUpdate tells a customer that a vendor answered or resolved a case.
type CaseUpdate struct {
	Today       money.Date
	ContactName string
	Vendor      string
	Kind        string // question, dispute, promise, plan or sent
	Invoice     string // number
	Resolved    bool
	Outcome     string // of a resolved one, in the hub's words: "accepted: a credit will follow"
	Message     string // the vendor's words; may be empty
	Author      string // who wrote them
	URL         string
	Footer      Footer
}

// VendorEvent tells a vendor's staff of one event. It holds this vendor's own
// things alone.
type VendorEvent struct {
	Today     money.Date
	Vendor    string
	Type      string       // the event's type: "payment.settled", "case.opened", …
	Account   string       // the customer's account, as the vendor calls it; may be empty
	Reference string       // what the vendor's books will list; may be empty
	Amount    money.Amount // of the share or case; zero without a currency: none
	Lines     []VendorLine
	Facts     []Fact // further facts, such as "Reason" and "Promised for"
	Message   string // the customer's words; may be empty
	URL       string // where the vendor's staff see it
	Footer    Footer
}

// VendorLine is what one invoice got, or what it is about.
type VendorLine struct {
	Invoice string
	Amount  money.Amount
	Note    string // "partial: EUR 40.00 stays open", "by credit CN-7"; may be empty
}

// Fact is one label and its value.
type Fact struct{ Label, Value string }

// Receipt tells a customer what a payment did. Amounts that are zero are not
// spoken of, but for Charged.
type Receipt struct {
	Today       money.Date
	ContactName string
	Payer       string // who paid, where the reader may know; may be empty
	Number      string
	Status      string       // processing, settled, failed, refunded or charged_back
	Charged     money.Amount // of money, late fees with it
	Credits     money.Amount // set against the invoices
	Discount    money.Amount // given by vendors, and not paid
	LateFee     money.Amount // part of Charged
	Unapplied   money.Amount // part of Charged that no invoice took
	Refunded    money.Amount // so far
	ChargedBack money.Amount // so far
	Method      string       // "card ending 4242"; may be empty
	At          time.Time    // when it was settled
	Zone        string       // the contact's zone, by which times are written; empty: UTC
	Vendors     []ReceiptVendor
	Attached    bool // the same goes with the mail as a PDF
	URL         string
	Footer      Footer
}

// ScheduleKind is what a mail about a planned payment says.
type ScheduleKind string

// The kinds of such mails.
const (
	ScheduleAhead   ScheduleKind = "ahead"   // it starts tomorrow
	ScheduleFailed  ScheduleKind = "failed"  // nothing was paid, and the invoices are open
	ScheduleNothing ScheduleKind = "nothing" // nothing was left to pay
	ScheduleLeftOut ScheduleKind = "leftout" // it was paid, but for invoices that cost more than planned
)

// Schedule tells a payer of a payment that it planned for a date.
type Schedule struct {
	Kind        ScheduleKind
	Today       money.Date
	ContactName string
	PayOn       money.Date
	Amount      money.Amount     // promised: at most this is charged
	Charged     money.Amount     // of one with invoices left out: what is charged
	Method      string           // "Visa ending 4242"
	Reason      string           // why it failed, or what was left out; may be empty
	Vendors     []ScheduleVendor // what was planned; of one with invoices left out: what is paid
	URL         string           // where it can be cancelled, or the invoices paid in another way
	Footer      Footer
}

// ScheduleVendor is one vendor's part of it.
type ScheduleVendor struct {
	Name   string
	Amount money.Amount
	Lines  []VendorLine
}

// ReceiptVendor is one vendor's part of a payment.
type ReceiptVendor struct {
	Name      string
	Reference string
	Amount    money.Amount // of money
	Unapplied money.Amount // part of Amount that the vendor keeps for the customer
	State     string       // "sent to the vendor", in the hub's words
	Lines     []ReceiptLine
	Returns   []ReceiptReturn // what went back, the oldest first
}

// ReceiptLine is what one invoice got: Settled = Paid − LateFee + Discount + Credit.
type ReceiptLine struct {
	Invoice  string       // number
	Account  string       // the customer's number with the vendor; may be empty
	Settled  money.Amount // by how much less the invoice is open
	Credit   money.Amount // of that, by Credits together
	Credits  []ReceiptCredit
	Discount money.Amount // of that, given by the vendor
	LateFee  money.Amount // part of Paid that does not pay the invoice
	Paid     money.Amount // of money
}

// ReceiptCredit is what one credit gave to a line.
type ReceiptCredit struct {
	Number string
	Amount money.Amount
}

// ReceiptReturn is money that went back to the payer.
type ReceiptReturn struct {
	What   string // "Refund", "Chargeback"
	At     time.Time
	Amount money.Amount
}
