package console

import (
	"time"

	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/payment"
)

// RefundRow is one refund of a payment.
type RefundRow struct {
	ID     string
	Amount money.Amount
	Reason string
	By     string
	At     time.Time
	State  Status
	Why    string // it was refused, or came back
	Decide bool   // it can be tried again or given up
}

// RefundForm gives money back. Field IDs for Page.Errors: amount, reason. Left
// is the most; without a currency there is nothing to give back.
type RefundForm struct {
	Amount string
	Reason string
	Key    string
	Left   money.Amount
}

// RefundReview is the step between asking and doing.
type RefundReview struct {
	Frame
	URL       string // of the payment
	Reference string
	Payer     string
	Form      RefundForm
	Plan      payment.RefundPlan
}

// DebtRow is what the vendor owes in one currency.
type DebtRow struct {
	Amount money.Amount
	Causes []CauseRow
}

// CauseRow is why.
type CauseRow struct {
	URL    string
	Words  string
	Amount money.Amount
	At     time.Time
}

func (f RefundForm) possible() bool { return f.Left.Positive() }

func (v PaymentView) hasReturns() bool { return len(v.Refunds) > 0 || v.Refund.possible() }
