package console

import (
	"time"

	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// PaymentsView is /vendor/payments.
type PaymentsView struct {
	Frame
	Status string
	CSV    string
	Rows   []PaymentRow
	From   string // of the remittance advice that the page offers
	To     string
	Pages  ui.CursorPager
	Tabs   []ui.NavItem
	Debts  []DebtRow
}

// PaymentRow is one share.
type PaymentRow struct {
	URL         string
	Reference   string
	At          time.Time
	Amount      money.Amount
	Credit      money.Amount
	Invoices    string // "INV-1, INV-2 and 3 more"
	Status      Status
	HasTransfer bool
	Transfer    Status
}

// PaymentView is /vendor/payments/ID. Field IDs for Page.Errors: those of RefundForm.
type PaymentView struct {
	Frame
	URL           string
	Refunds       []RefundRow
	Refund        RefundForm
	Chargebacks   []ChargebackRow
	Reference     string
	Status        Status
	Amount        money.Amount
	Unapplied     money.Amount
	Lines         []PaymentLine
	Facts         []ui.Fact
	HasTransfer   bool
	TransferFacts []ui.Fact
	PDF           string // the remittance advice; empty: not settled
	CSV           string
	XML           string
}

// PaymentLine is what one invoice gets.
type PaymentLine struct {
	URL     string
	Number  string
	Account string
	By      string // "Money", "Credit CR-1" or "Discount"
	Note    string // may be empty
	Amount  money.Amount
}

func (v PaymentsView) clear() string {
	if v.Status != "" {
		return "/vendor/payments"
	}
	return ""
}

func (v PaymentsView) emptyTitle() string {
	if v.Status != "" {
		return "No payment has this status"
	}
	return "Nothing was paid here yet"
}

func (v PaymentView) noTransfer() string {
	if v.Amount.Zero() {
		return "It was paid by credits alone, so there is no money to send."
	}
	return "Money is sent to you once the payment is settled."
}

func paymentStatuses() []ui.Option {
	options := []ui.Option{{Value: "", Label: "Any status"}}
	for _, s := range []payment.Status{payment.Processing, payment.Settled, payment.Failed, payment.Refunded, payment.ChargedBack} {
		options = append(options, ui.Option{Value: string(s), Label: paymentStatus(s).Text})
	}
	return options
}

func paymentURL(id string) string { return "/vendor/payments/" + id }

func methodWord(method string) string {
	if method == "" {
		return "Not known yet"
	}
	return sentence(method)
}
