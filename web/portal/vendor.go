package portal

import (
	"context"

	"github.com/gofiber/fiber/v2"
	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/store"
	kit "github.com/sheaf-hub/sheaf/web/page"
)

// AnswerVendors says of all new vendors at once that they are the contact's
// own. Posted: answer = all-mine. POST /me/vendors for a contact.
func (h *Handlers) AnswerVendors(c *fiber.Ctx) error {
	if kit.Form(c, "answer", 20) != "all-mine" {
		return fault.At("answer", "Press one of the buttons.")
	}
	return h.decide(c, nil, party.VendorMine)
}

// AnswerVendor says whether one vendor is the contact's own. Posted: answer =
// mine or not-mine. POST /me/vendors/:id for a contact.
func (h *Handlers) AnswerVendor(c *fiber.Ctx) error {
	id := kit.Param(c, "id")
	switch kit.Form(c, "answer", 20) {
	case "mine":
		return h.decide(c, []string{id}, party.VendorMine)
	case "not-mine":
		return h.decide(c, []string{id}, party.VendorNotMine)
	}
	return fault.At("answer", "Press one of the buttons.")
}

// auditedAnswer is what the audit log keeps of a contact's word on a vendor.
type auditedAnswer struct {
	State party.VendorState `json:"state"`
}

// decide records the contact's word on vendors that list it; ids nil: on all
// that are new. The audit entry names each vendor, and is the contact's own:
// no vendor reads it.
func (h *Handlers) decide(c *fiber.Ctx, ids []string, state party.VendorState) error {
	who, err := h.contact(c)
	if err != nil {
		return h.refuse(c, err)
	}
	err = h.DB.InTx(c.UserContext(), func(ctx context.Context, tx bun.Tx) error {
		states, err := h.Party.VendorStates(ctx, tx, who.contact())
		if err != nil {
			return err
		}
		asked := ids
		if ids == nil {
			for id, was := range states {
				if was == party.VendorNew {
					asked = append(asked, id)
				}
			}
		}
		for _, id := range asked {
			if _, lists := states[id]; !lists || !store.ValidID(id) {
				return fault.New(fault.NotFound, "There is no such vendor, or it does not list your address.")
			}
		}
		changed, err := h.Party.DecideVendorsTx(ctx, tx, who.contact().ID, asked, state)
		if err != nil {
			return err
		}
		for _, id := range changed {
			change := access.Change{Action: "vendor.answered", SubjectKind: "vendor", SubjectID: id, CustomerID: who.contact().CustomerID,
				Before: auditedAnswer{states[id]}, After: auditedAnswer{state}}
			if err := h.Access.AuditTx(ctx, tx, who.actor, change); err != nil {
				return err
			}
		}
		if state != party.VendorNotMine {
			return nil
		}
		return h.tellOperator(ctx, tx, who, changed)
	})
	if err != nil {
		return err
	}
	if state == party.VendorMine {
		return h.Kit.Done(c, "/me", "Thank you. They are among your vendors now.")
	}
	return h.Kit.Done(c, "/me", "Thank you. You hear no more of that vendor, and we look into it. Your settings list it, should it be yours after all.")
}

// tellOperator makes a task of each vendor that is not the contact's.
func (h *Handlers) tellOperator(ctx context.Context, tx bun.IDB, who visitor, vendorIDs []string) error {
	vendors, err := h.Party.Vendors(ctx, tx, vendorIDs)
	if err != nil {
		return err
	}
	for _, id := range vendorIDs {
		if err := h.Worklist.NotMineTx(ctx, tx, who.contact(), vendors[id]); err != nil {
			return err
		}
	}
	return nil
}
