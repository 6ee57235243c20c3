package portal

import (
	"bytes"
	"context"
	"errors"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/store"
	kit "github.com/sheaf-hub/sheaf/web/page"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// Quote freezes what was ticked and goes to the page to check it. Posted:
// invoice and credit values, amount-ID; or quote, currency and method, to pay one
// currency of an earlier quote by another method. POST /me/quotes for a contact, POST
// /d/:token/quotes for whoever holds the link.
func (h *Handlers) Quote(c *fiber.Ctx) error {
	who, err := h.visitor(c)
	if err != nil {
		return h.refuse(c, err)
	}
	if id := kit.Form(c, "quote", 40); id != "" {
		return h.byMethod(c, who, id, money.Currency(kit.Form(c, "currency", 3)), payment.MethodClass(kit.Form(c, "method", 20)))
	}
	selection, marked := readSelection(c)
	quote, err := h.Payment.Quote(c.UserContext(), who.payer, selection)
	if problems, ok := kit.Problems(err); ok {
		return h.renderMe(c, who, fiber.StatusUnprocessableEntity, marked, problems)
	}
	if err != nil {
		return err
	}
	return c.Redirect(who.base+"/quotes/"+quote.ID, fiber.StatusSeeOther)
}

// byMethod makes an earlier selection again, with one currency to be paid by
// another method, and goes to check it.
func (h *Handlers) byMethod(c *fiber.Ctx, who visitor, id string, currency money.Currency, method payment.MethodClass) error {
	old, err := h.Payment.ReadQuote(c.UserContext(), who.payer, id)
	if err != nil {
		return err
	}
	for i := range old.Currencies {
		if old.Currencies[i].Currency == currency {
			old.Currencies[i].Method = method
		}
	}
	fresh, _, err := h.requote(c.UserContext(), who, old)
	if err != nil {
		return err
	}
	if fresh.ID == "" {
		return h.nothingLeft(c, who)
	}
	return c.Redirect(who.base+"/quotes/"+fresh.ID, fiber.StatusSeeOther)
}

func (h *Handlers) nothingLeft(c *fiber.Ctx, who visitor) error {
	h.Kit.Flash(c, ui.Flash{Tone: ui.ToneInfo, Title: "There is nothing left to pay", Text: "Everything that you had ticked is paid or closed. Nothing was charged."})
	return c.Redirect(who.base, fiber.StatusSeeOther)
}

// readSelection reads the pay form. What is beyond the most that can be paid at
// once is read too, by one, so that the answer says so.
func readSelection(c *fiber.Ctx) (payment.Selection, ticks) {
	const longest = 40 // bytes of an id or an amount
	marked := newTicks()
	marked.typed = true
	form := c.Context().PostArgs()
	var ids []string
	for _, value := range form.PeekMulti("invoice") {
		if id := clipped(value, longest); len(ids) <= payment.MostSelected {
			ids = append(ids, id)
			marked.amounts[id] = ""
		}
	}
	form.VisitAll(func(name, value []byte) { // the form posts the amounts of all rows, ticked or not
		if id, found := bytes.CutPrefix(name, []byte("amount-")); found {
			if _, ticked := marked.amounts[string(id)]; ticked {
				marked.amounts[string(id)] = strings.TrimSpace(clipped(value, longest))
			}
		}
	})
	var selection payment.Selection
	for _, id := range ids {
		selection.Invoices = append(selection.Invoices, payment.Wish{InvoiceID: id, Amount: marked.amounts[id]})
	}
	for _, value := range form.PeekMulti("credit") {
		if id := clipped(value, longest); len(selection.Credits) <= payment.MostSelected {
			marked.credits[id] = true
			selection.Credits = append(selection.Credits, id)
		}
	}
	return selection, marked
}

func clipped(value []byte, most int) string {
	return strings.ToValidUTF8(string(value[:min(len(value), most)]), "")
}

// ReviewQuote shows a selection before it is paid. GET /me/quotes/:id for the
// contact that made it, GET /d/:token/quotes/:id for the link that did.
func (h *Handlers) ReviewQuote(c *fiber.Ctx) error {
	who, err := h.visitor(c)
	if err != nil {
		return h.refuse(c, err)
	}
	quote, err := h.Payment.ReadQuote(c.UserContext(), who.payer, kit.Param(c, "id"))
	if err != nil {
		return err
	}
	paid, err := h.paymentsOf(c.UserContext(), who, quote.ID)
	if err != nil {
		return err
	}
	return h.renderQuote(c, who, fiber.StatusOK, quoteOf(who, quote, paid), "Check before you pay")
}

func (h *Handlers) renderQuote(c *fiber.Ctx, who visitor, status int, v QuoteView, title string) error {
	view, err := h.view(c, who, title, "/me")
	if err != nil {
		return err
	}
	if err := h.offerSaved(c, who, &v); err != nil {
		return err
	}
	view.Errors = v.Page.Errors
	v.Page = view
	return kit.Render(c, status, Quote(v))
}

// paymentsOf are the payments that a quote led to, by currency. A quote lives
// for minutes, so they are among the newest.
func (h *Handlers) paymentsOf(ctx context.Context, who visitor, quoteID string) (map[money.Currency]payment.Payment, error) {
	list, _, err := h.Payment.ListForCustomer(ctx, who.contact().CustomerID, store.PageRequest{Limit: 100})
	if err != nil {
		return nil, err
	}
	paid := map[money.Currency]payment.Payment{}
	for _, p := range list {
		if p.QuoteID == quoteID {
			paid[p.Currency] = p
		}
	}
	return paid, nil
}

// StartPayment pays one currency of a quote: to the gateway's page, or, with
// nothing to charge, to the receipt. What changed meanwhile is shown with the
// new amounts (409), and nothing is charged. Posted: hash, currency.
// POST /me/quotes/:id/payments for a contact, POST /d/:token/quotes/:id/payments
// for whoever holds the link.
func (h *Handlers) StartPayment(c *fiber.Ctx) error {
	who, err := h.visitor(c)
	if err != nil {
		return h.refuse(c, err)
	}
	id, hash, currency := kit.Param(c, "id"), kit.Form(c, "hash", 100), money.Currency(kit.Form(c, "currency", 3))
	started, err := h.Payment.Start(c.UserContext(), who.payer, id, hash, currency)
	var changed *payment.ChangedError
	switch {
	case err == nil:
		h.rememberPayer(c, who, started.Payment.ID)
		return c.Redirect(started.RedirectURL, fiber.StatusSeeOther)
	case errors.As(err, &changed):
		return h.changedQuote(c, who, id, changed.Differences)
	case fault.Is(err, fault.Gone):
		return h.freshQuote(c, who, id, "That selection was too old to pay.")
	case fault.Is(err, fault.Conflict):
		return h.endedQuote(c, who, id, currency, err)
	}
	return err
}

// changedQuote says what changed and offers the same selection as it is now.
func (h *Handlers) changedQuote(c *fiber.Ctx, who visitor, id string, differences []payment.Difference) error {
	old, err := h.Payment.ReadQuote(c.UserContext(), who.payer, id)
	if err != nil {
		return err
	}
	fresh, b, err := h.requote(c.UserContext(), who, old)
	if err != nil {
		return err
	}
	v := quoteOf(who, fresh, nil)
	v.Changed = differencesOf(old, differences)
	if v.Elsewhere, err = h.inTheWay(c, who, b, differences); err != nil {
		return err
	}
	return h.renderQuote(c, who, fiber.StatusConflict, v, "Some amounts changed")
}

// inTheWay are the checkouts that hold what was to be paid.
func (h *Handlers) inTheWay(c *fiber.Ctx, who visitor, b books, differences []payment.Difference) ([]PayingElsewhere, error) {
	holding := map[string]bool{}
	for _, d := range differences {
		if d.PaymentID != "" {
			holding[d.PaymentID] = true
		}
	}
	for id := range b.underWay {
		if !holding[id] {
			delete(b.underWay, id)
		}
	}
	return h.elsewhere(c, who, b)
}

// freshQuote makes the selection again and goes to check it.
func (h *Handlers) freshQuote(c *fiber.Ctx, who visitor, id, why string) error {
	old, err := h.Payment.ReadQuote(c.UserContext(), who.payer, id)
	if err != nil {
		return err
	}
	fresh, _, err := h.requote(c.UserContext(), who, old)
	if err != nil {
		return err
	}
	if fresh.ID == "" {
		return h.nothingLeft(c, who)
	}
	h.Kit.Flash(c, ui.Flash{Tone: ui.ToneInfo, Title: why, Text: "Nothing was charged. Here it is again, with the amounts as they are now."})
	return c.Redirect(who.base+"/quotes/"+fresh.ID, fiber.StatusSeeOther)
}

// endedQuote: a checkout of this quote that failed or was left is begun anew;
// any other conflict is shown as it is.
func (h *Handlers) endedQuote(c *fiber.Ctx, who visitor, id string, currency money.Currency, cause error) error {
	paid, err := h.paymentsOf(c.UserContext(), who, id)
	if err != nil {
		return err
	}
	if p, tried := paid[currency]; tried && (p.Status == payment.Failed || p.Status == payment.Expired) {
		return h.freshQuote(c, who, id, "That payment had ended without money.")
	}
	return cause
}

// requote asks for the same selection as it can be paid now. Currencies that
// are paid or being paid are left out; an empty quote: nothing is left.
func (h *Handlers) requote(ctx context.Context, who visitor, old payment.Quote) (payment.Quote, books, error) {
	b, err := h.read(ctx, who)
	if err != nil {
		return payment.Quote{}, b, err
	}
	paid, err := h.paymentsOf(ctx, who, old.ID)
	if err != nil {
		return payment.Quote{}, b, err
	}
	selection := again(old, paid, b)
	if len(selection.Invoices) == 0 {
		return payment.Quote{}, b, nil
	}
	quote, err := h.Payment.Quote(ctx, who.payer, selection)
	if _, aboutValues := kit.Problems(err); aboutValues && len(selection.Credits) > 0 {
		selection.Credits = nil // one of them fits no longer; the page shows what is charged without
		quote, err = h.Payment.Quote(ctx, who.payer, selection)
	}
	return quote, b, err
}
