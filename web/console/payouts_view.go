package console

import (
	"time"

	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// PayoutsView is /vendor/payouts.
type PayoutsView struct {
	Frame
	NoAccounts bool // the hub's gateway needs none: nothing else is shown
	Account    AccountView
	Waiting    []WaitingRow
	OnItsWay   []money.Amount // sent to the account, and in no payout yet
	Sent       []SentRow      // the newest of it
	MoreSent   bool
	From, To   money.Date // the period that is listed; empty: no bound
	Set        bool       // a period is set
	CSV        string
	Rows       []PayoutRow
	Pages      ui.CursorPager
}

// AccountView is where the vendor's account at the gateway stands.
type AccountView struct {
	Status    Status
	Tone      ui.Tone
	Title     string
	Text      string
	Wants     []string // what the gateway still wants to know
	WantsBy   money.Date
	Button    string // of the form that leads to the gateway; empty: nothing to do there
	Country   string
	Countries []ui.Option // a choice, when there is one to make
	Limits    []string    // what this hub can pay, said before anything begins
	Facts     []ui.Fact
	Note      string // the page of the gateway had expired, or it does not answer
}

// WaitingRow is what waits in the hub, of one currency and for one reason.
type WaitingRow struct {
	Amount money.Amount
	Shares int
	Why    string
	Since  time.Time
}

// SentRow is one transfer that stands in no payout yet.
type SentRow struct {
	URL       string
	Reference string
	Amount    money.Amount
	At        time.Time
}

// PayoutRow is one line on the vendor's bank statement.
type PayoutRow struct {
	URL       string
	Arrives   money.Date
	Amount    money.Amount
	Bank      string
	Statement string
	Status    Status
	Reason    string
}

// PayoutView is /vendor/payouts/ID.
type PayoutView struct {
	Frame
	Arrives money.Date
	Amount  money.Amount
	Status  Status
	Failed  bool
	Reason  string
	Facts   []ui.Fact
	Sums    []SumRow // they add up to Amount
	Missing string   // why the gateway does not say what it is made of; empty: it does
	CSV     string
	Lines   []PayoutLineRow
	Pages   ui.CursorPager
}

// SumRow is one summand of a payout.
type SumRow struct {
	Label  string
	Hint   string
	Amount money.Amount
}

// PayoutLineRow is one line of a payout, or one part of it: Head is set on the
// first row of each line.
type PayoutLineRow struct {
	Head      bool
	URL       string // of the share; empty: it is not one of this hub's
	Reference string
	What      string
	PartURL   string // of the invoice
	Part      string
	Account   string
	Amount    money.Amount
}

func (v PayoutsView) clear() string {
	if v.Set {
		return "/vendor/payouts"
	}
	return ""
}

func (v PayoutsView) emptyText() string {
	if v.Set {
		return "Choose another period."
	}
	return "The payment service sends what your account holds to your bank, usually every day. Each payout then stands here, with the invoices that it is made of."
}

func (v PayoutView) failedText() string {
	text := "The money is back in your account at the payment service, and stands in a later payout as a payout that your bank sent back. Set the bank account right under Payouts."
	if v.Reason != "" {
		text = "It says: " + asSentence(v.Reason) + " " + text
	}
	return text
}

// countryOptions begin with none, so that nobody is in a country by accident.
func countryOptions(v AccountView) []ui.Option {
	return append([]ui.Option{{Value: "", Label: "Choose a country"}}, v.Countries...)
}

func buttonKind(v AccountView) ui.ButtonKind {
	if v.Tone == ui.ToneGood {
		return ui.Secondary
	}
	return ui.Primary
}

func (v AccountView) wantsLine(today money.Date) string {
	if v.WantsBy == "" {
		return "The payment service asks for:"
	}
	return "Until " + v.WantsBy.Human(today) + ", the payment service asks for:"
}
