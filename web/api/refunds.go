package api

import (
	"context"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/web/page"
)

// refundView is a refund as its vendor sees it.
type refundView struct {
	ID          string         `json:"id"`
	PaymentID   string         `json:"payment_id"` // of the share
	Currency    money.Currency `json:"currency"`
	Amount      string         `json:"amount"`
	Reason      string         `json:"reason"`
	Status      string         `json:"status"` // asked, sent, arrived, refused, failed
	Failure     string         `json:"failure,omitempty"`
	RequestedBy string         `json:"requested_by"`
	CreatedAt   time.Time      `json:"created_at"`
	UpdatedAt   time.Time      `json:"updated_at"`
}

func viewRefund(r payment.Refund) refundView {
	view := refundView{ID: r.ID, PaymentID: r.ShareID, Currency: r.Currency, Amount: money.New(r.Amount, r.Currency).Decimal(), Reason: r.Reason, Status: "asked",
		RequestedBy: r.RequestedBy, CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC()}
	switch {
	case r.GivenUp():
		view.Status, view.Failure = "failed", r.LastAnswer
	case r.State == "failed":
		view.Status, view.Failure = "refused", r.LastAnswer
	case r.State == "done" && r.Phase == string(payment.PhaseSucceeded):
		view.Status = "arrived"
	case r.State == "done":
		view.Status = "sent"
	}
	return view
}

// PostRefund is POST /api/v1/payments/:id/refunds
// {"amount":"12.00","reason":…,"idempotency_key":…}: it gives money of a share back
// to its payer. 201; the same key again is the same refund, 200.
func (h *Handlers) PostRefund(c *fiber.Ctx) error {
	actor, err := caller(c)
	if err != nil {
		return err
	}
	var form struct {
		Amount string `json:"amount" validate:"required,max=40"`
		Reason string `json:"reason" validate:"required"`
		Key    string `json:"idempotency_key" validate:"required,max=100"`
	}
	if err := decode(c, &form); err != nil {
		return err
	}
	if strings.ContainsAny(form.Amount, ", ") { // people write so; programs send what the schema says
		return fault.At("/amount", "Write the amount as a decimal in major units, such as 1250.40.")
	}
	ctx, cancel := deadline(c, writeTimeout)
	defer cancel()
	refund, fresh, err := h.Payment.AskRefund(ctx, actor, actor.VendorID, payment.RefundWish{ShareID: page.Param(c, "id"), Amount: form.Amount, Reason: form.Reason, RequestKey: form.Key})
	if err != nil {
		return repoint(err, map[string]string{"amount": "/amount", "reason": "/reason"})
	}
	status := fiber.StatusOK
	if fresh {
		status = fiber.StatusCreated
	}
	return c.Status(status).JSON(viewRefund(refund))
}

// GetRefunds is GET /api/v1/payments/:id/refunds: those of one payment, newest first.
func (h *Handlers) GetRefunds(c *fiber.Ctx) error {
	shareID := page.Param(c, "id")
	return paged(c, func(ctx context.Context, vendorID string, q query) ([]payment.Refund, string, error) {
		if !q.since.IsZero() {
			return nil, "", fault.At("updated_since", "The refunds of one payment are few: this list takes cursor and limit.")
		}
		return h.Payment.VendorRefunds(ctx, vendorID, shareID, q.page)
	}, viewRefund)
}
