package portal

import (
	"time"

	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// QuoteView is the page between ticking and paying. Each currency posts
// quote, hash and currency to PayAction.
type QuoteView struct {
	Page       ui.Page
	ID         string
	Hash       string
	PayAction  string // "/me/payments" or "/d/TOKEN/payments"
	Back       string // where the selection can be changed
	Currencies []QuoteCurrency
	Changed    []Difference // set: answered with 409, these are what changed
	Requote    string       // where quote, currency and method post, to pay one currency by another method
	Elsewhere  []PayingElsewhere
}

// QuoteCurrency is one checkout.
type QuoteCurrency struct {
	Invoices money.Amount // what the lines come to
	Credits  money.Amount // set against it
	Discount money.Amount // taken off
	LateFee  money.Amount // on top
	Saving   money.Amount // how much less it is by bank debit; zero: that is not offered
	Debit    bool         // to be paid by bank debit alone
	Refused  string       // why it cannot be paid here, and what to do; empty: it can
	Charge   money.Amount // zero: credits alone
	Vendors  []QuoteVendor
	State    ui.StepState // done: paid; current: the next to pay
	Receipt  string       // of a done one
	Saved    *SavedOffer  // how to pay with what the contact keeps; nil: not offered
	Pick     SchedulePick // kept after an error
}

// QuoteVendor is one vendor's part.
type QuoteVendor struct {
	Name   string
	Charge money.Amount
	Lines  []QuoteLine
}

// QuoteLine is one invoice with the credits that are set against it.
type QuoteLine struct {
	Number  string
	Amount  money.Amount // of this invoice, credits included
	Open    money.Amount // when Amount is less, the rest stays open
	Credits []QuoteCredit
	Extras  []QuoteExtra
	Waived  string // says that a late fee is not taken; may be empty
}

// QuoteExtra is a discount, less than nothing, or a late fee.
type QuoteExtra struct {
	Label  string
	Amount money.Amount
}

// QuoteCredit is a credit set against a line.
type QuoteCredit struct {
	Number string
	Amount money.Amount
}

// Difference is what changed in the vendor's books since the quote.
type Difference struct {
	Vendor string
	Number string
	Was    money.Amount
	Now    money.Amount // zero: nothing is open any more
	Charge bool         // both are what is paid, not what is open
	Why    string       // "paid elsewhere", "the vendor credited it"; may be empty
}

// PaymentView is one payment: its state, and its receipt.
type PaymentView struct {
	Page        ui.Page
	Number      string
	Status      string // pending, processing, settled, failed, expired, refunded, charged_back
	Currency    money.Currency
	Charged     money.Amount
	Credits     money.Amount
	Discount    money.Amount // given by the vendors
	LateFee     money.Amount // part of Charged
	Refunded    money.Amount // so far
	ChargedBack money.Amount // so far
	Method      string
	Started     time.Time // in the contact's zone
	Settled     time.Time // zero: not yet
	Payer       string
	Failure     string // in words, of a failed one
	Charging    bool   // of a pending one: a kept method is being charged, there is no page to go on with
	Continue    string // of a pending one: where the checkout goes on
	Cancel      string // of a pending one: a POST
	Again       string // of a failed or expired one: the page with the same ticks
	Next        *NextCheckout
	Vendors     []PaymentVendor
	PDF         string
	Base        string // "/me" or "/d/TOKEN": where Back leads
}

// NextCheckout is the next currency of the same quote.
type NextCheckout struct {
	Charge money.Amount
	URL    string
}

// PaymentVendor is one vendor's part of a payment.
type PaymentVendor struct {
	Name      string
	Reference string
	Amount    money.Amount
	Unapplied money.Amount // paid, but no invoice took it: the vendor keeps it for the customer
	State     Status       // "Sent to the vendor", "Processing", …
	Lines     []PaidLine
	Returns   []PaidBack
}

// PaidLine is what one invoice got; Settled less credits and discount, and with
// the late fee, is what was paid for it.
type PaidLine struct {
	Number   string
	Settled  money.Amount
	Credits  []QuoteCredit
	Discount money.Amount
	LateFee  money.Amount
}

// PaidBack is money that went back to the payer.
type PaidBack struct {
	What   string // "Refund", "Chargeback"
	At     time.Time
	Amount money.Amount
	Waits  bool // it is on its way
}

// PaymentsView lists payments, at /me/payments.
type PaymentsView struct {
	Page     ui.Page
	Payments []PaymentRow
	Pages    ui.CursorPager
	Saved    bool // means of payment are kept here, and payments planned
}

// PaymentRow is one payment of the list.
type PaymentRow struct {
	URL     string
	Number  string
	When    time.Time
	Vendors string // "3 vendors", "Northwind Freight"
	Charged money.Amount
	Credits money.Amount
	Status  Status
	Payer   string
}

// SandboxView is the sandbox gateway's own checkout page; its buttons post
// outcome = succeed, decline or process to Action.
type SandboxView struct {
	Page      ui.Page
	Amount    money.Amount
	Number    string
	Action    string
	DebitOnly bool   // the payer asked to pay by bank debit
	Cancel    string // back, nothing paid
	Vendors   []SandboxVendor
	Finished  string // says that this checkout is over; empty: it is open
	Return    string
}

// SandboxVendor is one line of the sandbox's checkout.
type SandboxVendor struct {
	Name   string
	Amount money.Amount
	Detail string // "2 invoices"
}

// PaymentStatus is the chip of a payment's status.
func PaymentStatus(status string) Status {
	switch status {
	case "settled":
		return Status{Tone: ui.ToneGood, Text: "Paid"}
	case "processing":
		return Status{Tone: ui.ToneInfo, Text: "Processing"}
	case "pending":
		return Status{Tone: ui.ToneWarn, Text: "Not finished"}
	case "failed":
		return Status{Tone: ui.ToneBad, Text: "Failed"}
	case "refunded":
		return Status{Tone: ui.ToneNeutral, Text: "Refunded"}
	case "charged_back":
		return Status{Tone: ui.ToneBad, Text: "Charged back"}
	default:
		return Status{Tone: ui.ToneNeutral, Text: "Expired"}
	}
}

// outcome is the sentence that a payment's page begins with.
func (v PaymentView) outcome() (tone ui.Tone, title, text string) {
	switch v.Status {
	case "settled":
		return ui.ToneGood, "Paid: " + v.paid(), "Each vendor has been told of its part. This page is your receipt."
	case "processing":
		return ui.ToneInfo, "Processing: " + v.Charged.String(), "It takes up to 4 business days. This page says when it is settled, and nobody reminds you of these invoices until then."
	case "pending":
		if v.Charging {
			return ui.ToneInfo, "Being charged: " + v.Charged.String(), "The payment provider has not answered yet. This page says so when it has; nothing is charged twice. You need not do anything."
		}
		return ui.ToneWarn, "This payment is not finished", "Nothing has been charged. Continue it, or cancel it to free the invoices."
	case "failed":
		return ui.ToneBad, "This payment failed", "Nothing was charged, and the invoices are open as before. " + v.Failure
	case "refunded":
		return ui.ToneInfo, "Refunded: " + v.Charged.String(), "The money goes back to where it came from."
	case "charged_back":
		return ui.ToneBad, "Charged back: " + v.Charged.String(), "Your bank took the money back. The invoices are open again."
	default:
		return ui.ToneInfo, "This payment expired", "It was not finished in time. Nothing was charged, and the invoices are open as before."
	}
}

func (v PaymentView) paid() string {
	if v.Charged.Zero() && v.Credits.Positive() {
		return v.Credits.String() + " by credits"
	}
	return v.Charged.String()
}

// chargedLabel says "charged" of money that was.
func (v PaymentView) chargedLabel() string {
	if v.Settled.IsZero() {
		return "Amount"
	}
	return "Charged"
}

func (v PaymentView) facts() []ui.Fact {
	today := v.Page.Today
	facts := []ui.Fact{
		{Label: "Number", Text: v.Number},
		{Label: v.chargedLabel(), Body: ui.Money(v.Charged)},
	}
	for _, sum := range []struct {
		label  string
		amount money.Amount
	}{{"Of which late fees", v.LateFee}, {"Credits applied", v.Credits}, {"Discounts given", v.Discount}, {"Refunded so far", v.Refunded}, {"Charged back so far", v.ChargedBack}} {
		if sum.amount.Positive() {
			facts = append(facts, ui.Fact{Label: sum.label, Body: ui.Money(sum.amount)})
		}
	}
	if v.Method != "" {
		facts = append(facts, ui.Fact{Label: "Method", Text: v.Method})
	}
	facts = append(facts, ui.Fact{Label: "Begun", Body: ui.Moment(v.Started, today)})
	if !v.Settled.IsZero() {
		facts = append(facts, ui.Fact{Label: "Settled", Body: ui.Moment(v.Settled, today)})
	}
	if v.Payer != "" {
		facts = append(facts, ui.Fact{Label: "Paid by", Text: v.Payer})
	}
	return facts
}

func (l QuoteLine) rest() money.Amount {
	return money.New(l.Open.Minor-l.Amount.Minor, l.Open.Currency)
}

func (v QuoteView) steps() []ui.Step {
	steps := make([]ui.Step, 0, len(v.Currencies))
	for _, c := range v.Currencies {
		steps = append(steps, ui.Step{Label: c.label(), State: c.State})
	}
	return steps
}

func (c QuoteCurrency) label() string {
	if c.Charge.Zero() {
		return "Apply credits in " + string(c.Invoices.Currency)
	}
	return "Pay " + c.Charge.String()
}
