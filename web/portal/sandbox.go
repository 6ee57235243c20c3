package portal

import (
	"context"

	"github.com/gofiber/fiber/v2"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/payment"
	kit "github.com/sheaf-hub/sheaf/web/page"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// SandboxGateway is the sandbox's side of its checkout page; cmd/sheaf gives it.
type SandboxGateway interface {
	// Page reads a checkout; fault.NotFound when there is none.
	Page(ctx context.Context, ref string) (SandboxCheckout, error)
	// Decide is a button of the page. It returns the id of the event that a real
	// gateway would send; fault.Conflict when the page has ended differently.
	Decide(ctx context.Context, ref, outcome string) (eventID string, err error)
	// SetupPage reads the page to leave a means of payment; fault.NotFound when
	// there is none.
	SetupPage(ctx context.Context, ref string) (SandboxSetup, error)
	// DecideSetup is a button of that page; fault.Conflict when it has ended
	// differently.
	DecideSetup(ctx context.Context, ref, outcome string) error
}

// SandboxSetup is what the sandbox's page to leave a means of payment shows.
type SandboxSetup struct {
	Open      bool
	ReturnURL string
}

// SandboxCheckout is what the sandbox's page shows.
type SandboxCheckout struct {
	Amount    money.Amount
	Lines     []payment.CheckoutLine
	Method    payment.MethodClass
	Phase     payment.Phase
	ReturnURL string
	CancelURL string
}

// SandboxPage plays the gateway's page. GET /sandbox/checkout/:ref for whoever
// has the address, as with a real one.
func (h *Handlers) SandboxPage(c *fiber.Ctx) error {
	return h.renderSandbox(c, fiber.StatusOK, kit.Param(c, "ref"))
}

func (h *Handlers) renderSandbox(c *fiber.Ctx, status int, ref string) error {
	if h.Sandbox == nil {
		return fiber.ErrNotFound
	}
	checkout, err := h.Sandbox.Page(c.UserContext(), ref)
	if err != nil {
		return err
	}
	v := SandboxView{Page: h.outside(c, "Pay "+checkout.Amount.String()), Amount: checkout.Amount, Number: ref, Action: "/sandbox/checkout/" + ref,
		Cancel: checkout.CancelURL, Return: checkout.ReturnURL, Vendors: sandboxVendors(checkout.Lines)}
	v.DebitOnly = checkout.Method == payment.MethodBankDebit
	if checkout.Phase != payment.PhaseOpen {
		v.Finished = "This payment page is over: " + phaseWords(checkout.Phase) + "."
	}
	return kit.Render(c, status, Sandbox(v))
}

func phaseWords(phase payment.Phase) string {
	switch phase {
	case payment.PhaseSucceeded:
		return "it was paid"
	case payment.PhaseProcessing:
		return "the bank is working on it"
	case payment.PhaseFailed:
		return "the payment failed"
	default:
		return "it was closed"
	}
}

func sandboxVendors(lines []payment.CheckoutLine) []SandboxVendor {
	var vendors []SandboxVendor
	counts := map[string]int{}
	at := map[string]int{}
	for _, line := range lines {
		i, seen := at[line.Vendor]
		if !seen {
			i = len(vendors)
			at[line.Vendor] = i
			vendors = append(vendors, SandboxVendor{Name: line.Vendor, Amount: money.New(0, line.Amount.Currency)})
		}
		vendors[i].Amount.Minor += line.Amount.Minor
		counts[line.Vendor]++
		vendors[i].Detail = ui.Count(counts[line.Vendor], "invoice", "invoices")
	}
	return vendors
}

// DecideSandbox is a button of the sandbox's page: the gateway changes, tells
// the hub as a webhook would, and sends the payer back. Posted: outcome.
// POST /sandbox/checkout/:ref for whoever has the address.
func (h *Handlers) DecideSandbox(c *fiber.Ctx) error {
	if h.Sandbox == nil {
		return fiber.ErrNotFound
	}
	ref := kit.Param(c, "ref")
	eventID, err := h.Sandbox.Decide(c.UserContext(), ref, kit.Form(c, "outcome", 20))
	if fault.Is(err, fault.Conflict) {
		return h.renderSandbox(c, fiber.StatusConflict, ref)
	}
	if err != nil {
		return err
	}
	if err := h.Payment.Notify(c.UserContext(), payment.Hint{EventID: eventID, Type: "checkout.decided", Subject: payment.SubjectPayment, Ref: ref}); err != nil {
		// as with a lost webhook: the return page fetches the state itself
		h.Kit.Log.Warn("the sandbox's event was not taken", "ref", ref, "error", err)
	}
	checkout, err := h.Sandbox.Page(c.UserContext(), ref)
	if err != nil {
		return err
	}
	return c.Redirect(checkout.ReturnURL, fiber.StatusSeeOther)
}
