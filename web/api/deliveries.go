package api

import (
	"context"

	"github.com/gofiber/fiber/v2"
	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/web/page"
)

// PostDeliveryReplay is POST /api/v1/deliveries/:id/replay: it is sent again,
// from the first attempt. It answers the delivery, 202.
func (h *Handlers) PostDeliveryReplay(c *fiber.Ctx) error {
	actor, err := caller(c)
	if err != nil {
		return err
	}
	id := page.Param(c, "id")
	if !store.ValidID(id) {
		return fault.New(fault.NotFound, "There is no such delivery.")
	}
	ctx, cancel := deadline(c, writeTimeout)
	defer cancel()
	err = h.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := h.Outbox.ReplayTx(ctx, tx, actor.VendorID, id); err != nil {
			return err
		}
		return h.Access.AuditTx(ctx, tx, actor, access.Change{Action: "delivery.replayed", SubjectKind: "delivery", SubjectID: id, VendorID: actor.VendorID})
	})
	if err != nil {
		return err
	}
	parcel, err := h.Outbox.Delivery(ctx, actor.VendorID, id)
	if err != nil {
		return err
	}
	row := outbox.Row{Delivery: parcel.Delivery, EventType: parcel.Event.Type, Target: parcel.Endpoint.Target}
	return c.Status(fiber.StatusAccepted).JSON(viewDelivery(row))
}
