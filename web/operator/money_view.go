package operator

import (
	"time"

	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// ReturnsView is /operator/refunds and /operator/reversals.
type ReturnsView struct {
	Page  ui.Page
	Title string
	URL   string
	State string
	Tabs  []ui.NavItem
	Rows  []ReturnRow
	Pages ui.CursorPager
}

// ReturnRow is one refund or reversal.
type ReturnRow struct {
	ID       string
	VendorID string
	Vendor   string
	Amount   money.Amount
	State    Status
	Why      string // of a refund
	Attempts string
	At       time.Time
	Next     time.Time
	Ref      string
	Answer   string
	Retry    bool
	GiveUp   bool
}

// ChargebacksView is /operator/chargebacks.
type ChargebacksView struct {
	Page  ui.Page
	All   bool // decided ones too
	Tabs  []ui.NavItem
	Rows  []ChargebackRow
	Pages ui.CursorPager
}

// ChargebackRow is one chargeback.
type ChargebackRow struct {
	URL    string
	Ref    string
	Amount money.Amount
	Phase  Status
	Reason string
	At     time.Time
	Due    time.Time
	Sent   time.Time
}

// ChargebackView is /operator/chargebacks/ID.
type ChargebackView struct {
	Page    ui.Page
	URL     string
	Amount  money.Amount
	Phase   Status
	Facts   []ui.Fact
	Parts   []PartRow
	Refused bool   // the answer was
	Answer  string // why
}

// PartRow is one vendor's part.
type PartRow struct {
	VendorURL string
	Vendor    string
	Amount    money.Amount
	Fee       money.Amount
	Said      Status
	Text      string
	Papers    string
	By        string
	At        time.Time
}

// DebtsView is /operator/debts.
type DebtsView struct {
	Page  ui.Page
	Tabs  []ui.NavItem
	Rows  []DebtRow
	Pages ui.CursorPager
}

// DebtRow is what a vendor owes in one currency.
type DebtRow struct {
	VendorURL string
	Vendor    string
	Amount    money.Amount
	LedgerURL string
}

// MessagesView is /operator/gateway-messages.
type MessagesView struct {
	Page  ui.Page
	Tabs  []ui.NavItem
	Rows  []MessageRow
	Pages ui.CursorPager
}

// MessageRow is one message of the gateway that could not be followed.
type MessageRow struct {
	EventID  string
	Type     string
	Ref      string
	At       time.Time
	Attempts string
	Next     time.Time // zero: given up
	Answer   string
}

// FeeForm is who bears what a vendor's payments cost. Field IDs for Page.Errors:
// processing, hub_rate.
type FeeForm struct {
	Processing string // hub or vendor
	Rate       string // percent
	Example    FeeExample
}

// FeeExample is what the stored policy comes to.
type FeeExample struct {
	Share       money.Amount
	Gateway     money.Amount
	Hub         money.Amount
	VendorBears bool
	Sent        money.Amount
}

// vendorEntered is what was typed into a form of a vendor's page, kept after an error.
type vendorEntered struct {
	reason string
	fees   *FeeForm
}

func (v ChargebacksView) clear() string {
	if v.All {
		return "/operator/chargebacks"
	}
	return ""
}

func (v ReturnsView) lead() string {
	if v.URL == "/operator/reversals" {
		return "Money that comes back from vendors' accounts for refunds and chargebacks. What an account cannot cover the vendor owes; its next shares pay it."
	}
	return "Money on its way back to payers."
}

// words say what the stored policy does, on an example.
func (e FeeExample) words() string {
	text := "As agreed now: of a share of " + e.Share.String() + ", for which the gateway keeps " + e.Gateway.String() + ", the hub takes " + e.Hub.String()
	if e.VendorBears {
		return text + " and the vendor bears the gateway's fee: " + e.Sent.String() + " are sent."
	}
	return text + " and bears the gateway's fee: " + e.Sent.String() + " are sent."
}

func partFacts(part PartRow, today money.Date) []ui.Fact {
	facts := []ui.Fact{{Label: "Its part", Body: ui.Money(part.Amount)}}
	if part.Fee.Positive() {
		facts = append(facts, ui.Fact{Label: "Of the fee", Body: ui.Money(part.Fee)})
	}
	if part.By != "" {
		facts = append(facts, ui.Fact{Label: "By", Text: part.By}, ui.Fact{Label: "Evidence", Text: part.Papers})
	}
	if !part.At.IsZero() {
		facts = append(facts, ui.Fact{Label: "When", Body: ui.Moment(part.At, today)})
	}
	return facts
}
