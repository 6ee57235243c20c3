package portal

import (
	"github.com/gofiber/fiber/v2"

	"github.com/sheaf-hub/sheaf/hub/payment"
	kit "github.com/sheaf-hub/sheaf/web/page"
	"github.com/sheaf-hub/sheaf/web/paper"
)

// PayReceipt is the receipt as a PDF. GET /pay/:id/receipt.pdf, for whom Pay is.
func (h *Handlers) PayReceipt(c *fiber.Ctx) error {
	who, p, err := h.payerOf(c, kit.Param(c, "id"))
	if err != nil {
		return h.refuse(c, err)
	}
	return h.sendReceipt(c, who, p)
}

// ContactReceipt is the same in the list of payments. GET
// /me/payments/:id/receipt.pdf for a contact.
func (h *Handlers) ContactReceipt(c *fiber.Ctx) error {
	who, err := h.contact(c)
	if err != nil {
		return h.refuse(c, err)
	}
	p, err := h.Payment.Payment(c.UserContext(), who.payer, kit.Param(c, "id"))
	if err != nil {
		return err
	}
	return h.sendReceipt(c, who, p)
}

func (h *Handlers) sendReceipt(c *fiber.Ctx, who visitor, p payment.Payment) error {
	view, err := h.Payment.ReceiptLetter(c.UserContext(), who.payer, p.ID)
	if err != nil {
		return err
	}
	if view.Payer, err = h.payerName(c, who, p); err != nil {
		return err
	}
	view.Footer.HubName = orElse(h.Kit.HubName, view.Footer.HubName)
	file, err := paper.Writer{}.Receipt(view)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, "application/pdf")
	c.Set(fiber.HeaderContentDisposition, dispositionOf("attachment", "receipt-"+p.Number+".pdf"))
	c.Set(fiber.HeaderCacheControl, "private, no-store")
	return c.Send(file)
}
