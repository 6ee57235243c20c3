package console

import (
	"context"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/web/page"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// mostReturns bounds the refunds and chargebacks that stand on a payment's page.
const mostReturns = 100

// fillReturns adds to a payment's page what went back of it, and the form that
// gives more back.
func (h *Handlers) fillReturns(r at, share payment.VendorShare, view *PaymentView) error {
	refunds, _, err := h.Payment.VendorRefunds(r.ctx(), r.vendor.ID, share.ID, store.PageRequest{Limit: mostReturns})
	if err != nil {
		return err
	}
	for _, refund := range refunds {
		view.Refunds = append(view.Refunds, r.refundRow(refund))
	}
	chargebacks, _, err := h.Payment.ListVendorChargebacks(r.ctx(), r.vendor.ID, payment.ChargebackFilter{ShareID: share.ID}, store.PageRequest{Limit: mostReturns})
	for _, chargeback := range chargebacks {
		view.Chargebacks = append(view.Chargebacks, r.chargebackRow(chargeback))
	}
	if left := share.Returnable(); left > 0 && share.Status != payment.ChargedBack {
		view.Refund.Left = money.New(left, share.Currency)
		if view.Refund.Key == "" {
			view.Refund.Amount, view.Refund.Key = view.Refund.Left.Decimal(), store.NewID()
		}
	}
	return err
}

func (r at) refundRow(refund payment.Refund) RefundRow {
	row := RefundRow{ID: refund.ID, Amount: money.New(refund.Amount, refund.Currency), Reason: refund.Reason, By: refund.RequestedBy,
		At: r.local(refund.CreatedAt), State: refundStatus(refund), Decide: refund.Decidable()}
	if refund.Decidable() || refund.GivenUp() {
		row.Why = refund.LastAnswer
	}
	if refund.Origin == payment.FromGateway {
		row.By = "the hub's operator"
	}
	return row
}

// refundStatus says in plain words how far a refund is.
func refundStatus(refund payment.Refund) Status {
	switch {
	case refund.GivenUp() && refund.State == "failed":
		return Status{ui.ToneNeutral, "Given up"}
	case refund.GivenUp():
		return Status{ui.ToneBad, "Came back"}
	case refund.State == "failed":
		return Status{ui.ToneBad, "Refused"}
	case refund.State == "unknown":
		return Status{ui.ToneWarn, "Being checked"}
	case refund.State != "done":
		return Status{ui.ToneInfo, "Asked"}
	case refund.Phase == string(payment.PhaseSucceeded):
		return Status{ui.ToneGood, "Arrived"}
	}
	return Status{ui.ToneInfo, "On its way"}
}

func refundForm(c *fiber.Ctx) RefundForm {
	return RefundForm{Amount: strings.TrimSpace(page.Form(c, "amount", 40)), Reason: page.Form(c, "reason", 1200), Key: page.Form(c, "key", 100)}
}

// ReviewRefund says what a refund would do, before it is asked for. POST
// /vendor/payments/:id/refund-reviews
func (h *Handlers) ReviewRefund(c *fiber.Ctx) error {
	r, err := h.open(c, "Give money back", "/vendor/payments")
	if err != nil {
		return err
	}
	form := refundForm(c)
	share, err := h.Payment.VendorShare(r.ctx(), r.vendor.ID, page.Param(c, "id"))
	if err != nil {
		return err
	}
	plan, err := h.Payment.PlanRefund(r.ctx(), r.vendor.ID, share.ID, form.Amount)
	problems := refused(err)
	if err != nil && problems == nil {
		return err
	}
	if strings.TrimSpace(form.Reason) == "" {
		problems = append(problems, ui.FieldError{Field: "reason", Text: "Say why, so that the payer's bank and your colleagues know."})
	}
	if len(problems) > 0 {
		return h.showPayment(c, share.ID, form, problems)
	}
	form.Amount = plan.Amount.Decimal()
	if err := h.countWaiting(r); err != nil {
		return err
	}
	view := RefundReview{Frame: r.frame, URL: paymentURL(share.ID), Reference: share.Reference, Payer: payerOf(share), Form: form, Plan: plan}
	view.Page.Narrow, view.Page.Wide = true, false
	return page.Render(c, fiber.StatusOK, ReviewRefund(view))
}

// payerOf is the vendor's own name of who paid, as far as its lines tell.
func payerOf(share payment.VendorShare) string {
	for _, line := range share.Lines {
		if line.Account != "" {
			return "account " + line.Account
		}
	}
	return "the payer"
}

// AskRefund gives money back. POST /vendor/payments/:id/refunds
func (h *Handlers) AskRefund(c *fiber.Ctx) error {
	r, err := h.open(c, "Give money back", "/vendor/payments")
	if err != nil {
		return err
	}
	form, shareID := refundForm(c), page.Param(c, "id")
	refund, fresh, err := h.Payment.AskRefund(r.ctx(), r.session.Actor, r.vendor.ID, payment.RefundWish{ShareID: shareID, Amount: form.Amount, Reason: form.Reason, RequestKey: form.Key})
	if problems := refused(err); problems != nil {
		return h.showPayment(c, shareID, form, problems)
	}
	if err != nil {
		return err
	}
	words := money.New(refund.Amount, refund.Currency).String() + " go back to the payer"
	if !fresh {
		words = "This refund was asked for already: it is made once"
	}
	return h.Kit.Done(c, paymentURL(shareID), words)
}

// ShowRefund shows the payment of a refund. GET /vendor/refunds/:id
func (h *Handlers) ShowRefund(c *fiber.Ctx) error {
	r, err := h.open(c, "Refund", "/vendor/payments")
	if err != nil {
		return err
	}
	refund, err := h.Payment.VendorRefund(r.ctx(), r.vendor.ID, page.Param(c, "id"))
	if err != nil {
		return err
	}
	return h.showPayment(c, refund.ShareID, RefundForm{}, nil)
}

// RetryRefund tries a refused refund again. POST /vendor/refunds/:id/retries
func (h *Handlers) RetryRefund(c *fiber.Ctx) error {
	return h.decideRefund(c, "The refund is tried again", func(ctx context.Context, r at, id string) error {
		return h.Payment.RetryRefund(ctx, r.session.Actor, r.vendor.ID, id)
	})
}

// GiveUpRefund ends a refused refund. POST /vendor/refunds/:id/ends
func (h *Handlers) GiveUpRefund(c *fiber.Ctx) error {
	return h.decideRefund(c, "The refund is given up: the payer gets nothing, and you owe nothing for it", func(ctx context.Context, r at, id string) error {
		return h.Payment.GiveUpRefund(ctx, r.session.Actor, r.vendor.ID, id)
	})
}

func (h *Handlers) decideRefund(c *fiber.Ctx, done string, decide func(ctx context.Context, r at, id string) error) error {
	r, err := h.open(c, "Refund", "/vendor/payments")
	if err != nil {
		return err
	}
	refund, err := h.Payment.VendorRefund(r.ctx(), r.vendor.ID, page.Param(c, "id"))
	if err != nil {
		return err
	}
	to := paymentURL(refund.ShareID)
	if err := decide(r.ctx(), r, refund.ID); err != nil {
		return h.back(c, to, err)
	}
	return h.Kit.Done(c, to, done)
}

// debts are what the vendor owes the hub, for the pages on which it looks at its
// money.
func (h *Handlers) debts(r at) ([]DebtRow, error) {
	debts, err := h.Payment.VendorDebts(r.ctx(), r.vendor.ID)
	rows := make([]DebtRow, len(debts))
	for i, debt := range debts {
		rows[i].Amount = money.New(debt.Amount, debt.Currency)
		for _, cause := range debt.Causes {
			row := CauseRow{URL: paymentURL(cause.ShareID), Words: "refund of " + cause.Reference, Amount: money.New(cause.Amount, cause.Currency), At: r.local(cause.At)}
			if cause.Kind == "chargeback" {
				row.URL, row.Words = chargebackURL(cause.ID), "chargeback of "+cause.Reference
			}
			rows[i].Causes = append(rows[i].Causes, row)
		}
	}
	return rows, err
}
