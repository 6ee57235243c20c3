package console

import (
	"time"

	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// ChargebacksView is /vendor/chargebacks.
type ChargebacksView struct {
	Frame
	Waiting bool // only those that wait for an answer
	Tabs    []ui.NavItem
	Rows    []ChargebackRow
	Pages   ui.CursorPager
}

// ChargebackRow is one chargeback.
type ChargebackRow struct {
	URL       string
	Reference string
	Amount    money.Amount
	State     Status
	Reason    string
	At        time.Time
	Due       time.Time // zero: no deadline is known
	Open      bool
}

// ChargebackView is /vendor/chargebacks/ID. Field IDs for Page.Errors: text, files.
type ChargebackView struct {
	Frame
	ID        string
	Amount    money.Amount
	Reference string
	State     Status
	Reason    Reason
	Inquiry   bool   // the bank asks, no money is gone
	Standing  string // where it stands, in a sentence
	Facts     []ui.Fact
	Lines     []PaymentLine
	Reopened  money.Amount // open here and not in the books
	MayAnswer bool
	Given     bool
	Accepted  bool
	Form      EvidenceForm
}

// EvidenceForm is what speaks for the vendor: as given, or as entered.
type EvidenceForm struct {
	Text     string
	Mails    bool
	Visits   bool
	MailLog  string // what would be sent; empty: the hub knows nothing
	VisitLog string
	Papers   []Paper // given
	Offered  []Paper // of the invoices, not chosen yet
	By       string
	At       time.Time
}

// Paper is a file that can be chosen.
type Paper struct {
	ID, Name, Detail, URL string
}

// Reason is why a bank took money back, in words, and what helps against it.
type Reason struct {
	Title string
	Help  string
}

func (v ChargebacksView) clear() string {
	if v.Waiting {
		return "/vendor/chargebacks"
	}
	return ""
}

func (v ChargebacksView) emptyTitle() string {
	if v.Waiting {
		return "No chargeback waits for your answer"
	}
	return "Nothing was charged back"
}

func chargebackURL(id string) string { return "/vendor/chargebacks/" + id }

func chargebackStatus(part payment.ChargebackShare) Status {
	switch {
	case part.State == payment.ChargebackWon:
		return Status{ui.ToneGood, "Decided for you"}
	case part.State == payment.ChargebackLost:
		return Status{ui.ToneBad, "Decided for the payer"}
	case part.State == payment.ChargebackClosed:
		return Status{ui.ToneNeutral, "Closed"}
	case !part.AcceptedAt.IsZero():
		return Status{ui.ToneNeutral, "Accepted by you"}
	case !part.EvidenceAt.IsZero():
		return Status{ui.ToneInfo, "Answered"}
	case part.State == payment.ChargebackInquiry:
		return Status{ui.ToneWarn, "The bank asks"}
	}
	return Status{ui.ToneBad, "Waits for you"}
}

// chargebackReason puts the networks' words, as gateways pass them on, into ours.
func chargebackReason(word string) Reason {
	reason, known := map[string]Reason{
		"fraudulent":                {"The payer says that it did not make this payment", "Show that the payer knew of it: mails about the invoices, sign-ins, an order or contract, earlier payments that nobody contested."},
		"unrecognized":              {"The payer does not recognise the payment", "Show what it was for: the invoices, and the mails in which the payer heard of them."},
		"product_not_received":      {"The payer says that the goods or services did not come", "Show that they did: a delivery note, a signature, the date and the address."},
		"product_unacceptable":      {"The payer says that the goods or services are not what was agreed", "Show what was agreed and what was delivered, and what you offered when the payer complained."},
		"duplicate":                 {"The payer says that it paid twice", "Show that the payments were for different invoices: add both."},
		"credit_not_processed":      {"The payer says that it waits for money that you promised back", "Show that it was given back, or why nothing is owed."},
		"subscription_canceled":     {"The payer says that it had ended a subscription", "Show the terms, and that the service went on or the notice never came."},
		"incorrect_account_details": {"The account that was debited is not right", "Ask the customer to pay in another way; contesting seldom helps."},
		"insufficient_funds":        {"There was not enough money in the account", "Ask the customer to pay in another way; contesting seldom helps."},
		"bank_cannot_process":       {"The payer's bank could not process it", "Ask the customer to pay in another way; contesting seldom helps."},
		"debit_not_authorized":      {"The payer says that it did not allow this debit", "Show the mandate or the payer's consent, and the invoices."},
		"customer_initiated":        {"The payer had its bank take the debit back", "Ask the customer why. Show the invoices and what was agreed."},
		"check_returned":            {"A check was returned", "Ask the customer to pay in another way; contesting seldom helps."},
	}[word]
	if !known {
		return Reason{"The payer's bank gave no reason that we know", "Show what the payment was for and that the payer got it."}
	}
	return reason
}

func (v ChargebackView) title() string {
	if v.Inquiry {
		return "The bank asks about " + v.Amount.String()
	}
	return v.Amount.String() + " charged back"
}

func (v ChargebackView) sendWord() string {
	if v.Given {
		return "Change what speaks for us"
	}
	return "Contest it with this"
}

// added says which logs went along.
func (v ChargebackView) added() string {
	switch {
	case v.Form.Mails && v.Form.Visits:
		return "With the logs of reminders and sign-ins."
	case v.Form.Mails:
		return "With the log of reminders."
	case v.Form.Visits:
		return "With the log of sign-ins."
	}
	return ""
}

func (f EvidenceForm) files() []ui.FileLink {
	links := make([]ui.FileLink, len(f.Papers))
	for i, paper := range f.Papers {
		links[i] = ui.FileLink{Name: paper.Name, URL: paper.URL, Detail: paper.Detail}
	}
	return links
}
