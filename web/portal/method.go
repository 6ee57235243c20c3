package portal

import (
	"context"
	"net/url"
	"slices"

	"github.com/gofiber/fiber/v2"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/store"
	kit "github.com/sheaf-hub/sheaf/web/page"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// keeps says whether means of payment are kept here at all.
func (h *Handlers) keeps() bool { return h.Payment.Methods != nil }

// keeper is the signed-in contact, where means of payment are kept.
func (h *Handlers) keeper(c *fiber.Ctx) (visitor, error) {
	if !h.keeps() {
		return visitor{}, fault.New(fault.NotFound, "Means of payment cannot be kept here.")
	}
	return h.contact(c)
}

// Methods lists the means of payment that the contact and its colleagues keep,
// with the form to keep another. quote and currency in the address: where the
// contact came from, to pay. GET /me/methods for a contact.
func (h *Handlers) Methods(c *fiber.Ctx) error {
	who, err := h.keeper(c)
	if err != nil {
		return h.refuse(c, err)
	}
	form := MethodForm{Currency: kit.Query(c, "currency", 3), Quote: kit.Query(c, "quote", 40), Key: store.NewToken()}
	return h.renderMethods(c, who, fiber.StatusOK, form, nil)
}

func (h *Handlers) renderMethods(c *fiber.Ctx, who visitor, status int, form MethodForm, problems []ui.FieldError) error {
	list, err := h.Payment.ListMethods(c.UserContext(), who.contact())
	if err != nil {
		return err
	}
	team, err := h.team(c.UserContext(), who)
	if err != nil {
		return err
	}
	v := methodsOf(who, list, team)
	v.Form = form
	v.Form.Version, v.Form.Consent = payment.ConsentVersion, h.Payment.ConsentText()
	if v.Form.Currencies, err = h.currencies(c.UserContext(), who, form.Currency); err != nil {
		return err
	}
	if v.Page, err = h.view(c, who, "Saved cards and accounts", "/me/payments"); err != nil {
		return err
	}
	v.Page.Errors = problems
	return kit.Render(c, status, Methods(v))
}

// currencies are those of the contact's open invoices, and one that is asked
// for; a means of payment is saved for one of them.
func (h *Handlers) currencies(ctx context.Context, who visitor, asked string) ([]ui.Option, error) {
	items, _, err := h.Billing.OpenItems(ctx, who.viewer(), who.today)
	if err != nil {
		return nil, err
	}
	var codes []string
	if currency, err := money.ParseCurrency(asked); err == nil {
		codes = append(codes, string(currency))
	}
	for _, item := range items {
		if !slices.Contains(codes, string(item.Currency)) {
			codes = append(codes, string(item.Currency))
		}
	}
	slices.Sort(codes)
	if len(codes) == 0 {
		codes = []string{"EUR", "USD"}
	}
	options := make([]ui.Option, len(codes))
	for i, code := range codes {
		options[i] = ui.Option{Value: code, Label: code}
	}
	return options, nil
}

// SaveMethod goes to the page where a means of payment is left, once the contact
// has agreed. Posted: consent (the version of the terms), currency, quote, key.
// POST /me/methods for a contact.
func (h *Handlers) SaveMethod(c *fiber.Ctx) error {
	who, err := h.keeper(c)
	if err != nil {
		return h.refuse(c, err)
	}
	form := MethodForm{Currency: kit.Form(c, "currency", 3), Quote: kit.Form(c, "quote", 40), Key: kit.Form(c, "key", 100)}
	setup, err := h.Payment.SaveMethod(c.UserContext(), who.payer, form.Key, money.Currency(form.Currency), form.Quote,
		payment.Consent{Version: kit.Form(c, "consent", 20), From: c.IP()})
	if fault.Is(err, fault.Gone) { // an old form sent again
		return c.Redirect(withQuery("/me/methods", url.Values{"currency": {form.Currency}}), fiber.StatusSeeOther)
	}
	if problems, ok := kit.Problems(err); ok {
		form.Key = store.NewToken()
		return h.renderMethods(c, who, fiber.StatusUnprocessableEntity, form, problems)
	}
	if err != nil {
		return err
	}
	return c.Redirect(setup.PageURL, fiber.StatusSeeOther)
}

// FinishMethod is where the gateway sends the payer back to, whatever happened.
// GET /me/methods/setups/:id for the contact that began it.
func (h *Handlers) FinishMethod(c *fiber.Ctx) error {
	who, err := h.keeper(c)
	if err != nil {
		return h.refuse(c, err)
	}
	setup, err := h.Payment.FinishSetup(c.UserContext(), who.payer, kit.Param(c, "id"))
	if err != nil {
		return err
	}
	back := "/me/methods"
	if setup.QuoteID != "" {
		back = "/me/quotes/" + setup.QuoteID
	}
	if setup.Phase == payment.PhaseSucceeded {
		return h.Kit.Done(c, back, "It is saved. You can pay with it now, or on a date that you choose.")
	}
	h.Kit.Flash(c, ui.Flash{Tone: ui.ToneInfo, Title: "Nothing was saved"})
	return c.Redirect(back, fiber.StatusSeeOther)
}

// Method shows one of the contact's own means of payment, with what it agreed to
// and what is planned with it. GET /me/methods/:id for the contact that keeps it.
func (h *Handlers) Method(c *fiber.Ctx) error {
	who, err := h.keeper(c)
	if err != nil {
		return h.refuse(c, err)
	}
	return h.renderMethod(c, who, fiber.StatusOK, kit.Param(c, "id"), nil)
}

func (h *Handlers) renderMethod(c *fiber.Ctx, who visitor, status int, id string, problems []ui.FieldError) error {
	method, err := h.Payment.Method(c.UserContext(), who.contact(), id)
	if err != nil {
		return err
	}
	planned, err := h.Payment.PlannedWith(c.UserContext(), who.contact(), id)
	if err != nil {
		return err
	}
	v := methodOf(who, method, planned)
	if v.Page, err = h.view(c, who, method.Name(), "/me/payments"); err != nil {
		return err
	}
	v.Page.Errors = problems
	return kit.Render(c, status, Method(v))
}

// RemoveMethod takes a means of payment away. Posted: planned, "cancel" when the
// payments that are planned with it are to be cancelled.
// POST /me/methods/:id/removals for the contact that keeps it.
func (h *Handlers) RemoveMethod(c *fiber.Ctx) error {
	who, err := h.keeper(c)
	if err != nil {
		return h.refuse(c, err)
	}
	id := kit.Param(c, "id")
	err = h.Payment.RemoveMethod(c.UserContext(), who.payer, id, kit.Form(c, "planned", 10) == "cancel")
	if problems, ok := kit.Problems(err); ok {
		for i := range problems {
			problems[i].Field = "planned"
		}
		return h.renderMethod(c, who, fiber.StatusConflict, id, problems)
	}
	if err != nil {
		return err
	}
	return h.Kit.Done(c, "/me/methods", "It is removed.")
}

// ChargeQuote pays one currency of a quote with a means of payment that the
// contact keeps. Posted: hash, currency, method.
// POST /me/quotes/:id/charges for the contact that made the quote.
func (h *Handlers) ChargeQuote(c *fiber.Ctx) error {
	who, err := h.keeper(c)
	if err != nil {
		return h.refuse(c, err)
	}
	id, currency := kit.Param(c, "id"), money.Currency(kit.Form(c, "currency", 3))
	started, err := h.Payment.StartSaved(c.UserContext(), who.payer, id, kit.Form(c, "hash", 100), currency, kit.Form(c, "method", 40))
	if err != nil {
		return h.cannotPay(c, who, id, currency, SchedulePick{}, err)
	}
	return c.Redirect(started.RedirectURL, fiber.StatusSeeOther)
}

// SandboxSetup plays the gateway's page to leave a means of payment.
// GET /sandbox/methods/:ref for whoever has the address, as with a real one.
func (h *Handlers) SandboxSetup(c *fiber.Ctx) error {
	return h.renderSetup(c, fiber.StatusOK, kit.Param(c, "ref"))
}

func (h *Handlers) renderSetup(c *fiber.Ctx, status int, ref string) error {
	if h.Sandbox == nil {
		return fiber.ErrNotFound
	}
	setup, err := h.Sandbox.SetupPage(c.UserContext(), ref)
	if err != nil {
		return err
	}
	return kit.Render(c, status, SandboxMethods(SandboxMethodsView{Page: h.outside(c, "Save a means of payment"), Action: "/sandbox/methods/" + ref,
		Open: setup.Open, Return: setup.ReturnURL}))
}

// DecideSetup is a button of that page. Posted: outcome.
// POST /sandbox/methods/:ref for whoever has the address.
func (h *Handlers) DecideSetup(c *fiber.Ctx) error {
	if h.Sandbox == nil {
		return fiber.ErrNotFound
	}
	ref := kit.Param(c, "ref")
	err := h.Sandbox.DecideSetup(c.UserContext(), ref, kit.Form(c, "outcome", 20))
	if fault.Is(err, fault.Conflict) {
		return h.renderSetup(c, fiber.StatusConflict, ref)
	}
	if err != nil {
		return err
	}
	setup, err := h.Sandbox.SetupPage(c.UserContext(), ref)
	if err != nil {
		return err
	}
	return c.Redirect(setup.ReturnURL, fiber.StatusSeeOther)
}
