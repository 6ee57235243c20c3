package api

import (
	"context"

	"github.com/gofiber/fiber/v2"
	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/web/page"
)

// bookedPayment is what the audit log keeps of a confirmation.
type bookedPayment struct {
	Reference string `json:"reference"`
}

// PatchPayment is PATCH /api/v1/payments/:id {"status":"booked"}: the vendor's
// word that its books show the payment, so that what they say is open is not
// lowered by it again. Said twice, it changes nothing.
func (h *Handlers) PatchPayment(c *fiber.Ctx) error {
	actor, err := caller(c)
	if err != nil {
		return err
	}
	var form struct {
		Status string `json:"status" validate:"required,oneof=booked"`
	}
	if err := decode(c, &form); err != nil {
		return err
	}
	ctx, cancel := deadline(c, writeTimeout)
	defer cancel()
	view, err := h.Payment.VendorView(ctx, actor.VendorID, page.Param(c, "id"))
	if err != nil {
		return err
	}
	if view.Status == payment.Processing || view.Status == payment.Failed {
		return fault.New(fault.Conflict, "This payment is %s: there is nothing to book.", view.Status)
	}
	err = h.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := h.Billing.ConfirmReflectedTx(ctx, tx, actor.VendorID, view.Reference); err != nil {
			return err
		}
		return h.Access.AuditTx(ctx, tx, actor, access.Change{Action: "payment.booked", SubjectKind: "payment", SubjectID: view.ID,
			VendorID: actor.VendorID, After: bookedPayment{Reference: view.Reference}})
	})
	if err != nil {
		return err
	}
	return c.JSON(view)
}
