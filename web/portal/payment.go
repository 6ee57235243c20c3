package portal

import (
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/store"
	kit "github.com/sheaf-hub/sheaf/web/page"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// payCookieLife is how long whoever paid by a digest's link may come back to the
// receipt: longer than a checkout lasts.
const payCookieLife = 2 * 60 * 60 // seconds

func payCookie(paymentID string) string {
	return "sheaf_pay_" + paymentID[max(0, len(paymentID)-12):]
}

// rememberPayer lets this browser come back to /pay/ID without a session: the
// cookie holds the digest's token and goes to that path alone.
func (h *Handlers) rememberPayer(c *fiber.Ctx, who visitor, paymentID string) {
	if who.signedIn() {
		return
	}
	c.Cookie(&fiber.Cookie{Name: payCookie(paymentID), Value: who.token, Path: "/pay/" + paymentID, HTTPOnly: true, Secure: h.Kit.Secure,
		SameSite: fiber.CookieSameSiteLaxMode, MaxAge: payCookieLife})
}

// payerOf is who comes back to a payment: the signed-in contact, or the holder
// of the digest's link by which it began, on the same device.
func (h *Handlers) payerOf(c *fiber.Ctx, id string) (visitor, payment.Payment, error) {
	session, signedIn := kit.Session(c)
	signedIn = signedIn && session.Actor.Kind == access.KindContact
	if signedIn {
		who, err := h.contact(c)
		if err != nil {
			return who, payment.Payment{}, err
		}
		p, err := h.Payment.Payment(c.UserContext(), who.payer, id)
		if err == nil || !fault.Is(err, fault.NotFound) {
			return who, p, err
		}
	}
	missing := fault.New(fault.NotFound, "There is no such payment, or it is not yours to see.")
	if token := strings.Clone(c.Cookies(payCookie(id))); store.ValidID(id) && token != "" {
		who, p, err := h.payerByLink(c, token, id)
		if err == nil || !fault.Is(err, fault.NotFound) && !fault.Is(err, fault.Gone) {
			return who, p, err
		}
	}
	if signedIn {
		return visitor{}, payment.Payment{}, missing
	}
	return visitor{}, payment.Payment{}, fault.New(fault.Unauthenticated, "Sign in to see this payment.")
}

func (h *Handlers) payerByLink(c *fiber.Ctx, token, id string) (visitor, payment.Payment, error) {
	who, err := h.holder(c.UserContext(), token)
	if err != nil {
		return who, payment.Payment{}, err
	}
	p, err := h.Payment.Payment(c.UserContext(), who.payer, id)
	if err != nil {
		return who, p, err
	}
	_, err = h.Payment.ReadQuote(c.UserContext(), who.payer, p.QuoteID) // begun by this link, not only by this customer
	return who, p, err
}

// Pay is where the gateway sends the payer back to, and the receipt. The state
// is fetched from the gateway first. GET /pay/:id for a contact of the customer,
// or for the device that paid by a digest's link.
func (h *Handlers) Pay(c *fiber.Ctx) error {
	who, p, err := h.payerOf(c, kit.Param(c, "id"))
	if err != nil {
		return h.refuse(c, err)
	}
	return h.renderPayment(c, who, p)
}

// ContactPayment is the same page in the list of payments. GET /me/payments/:id
// for a contact.
func (h *Handlers) ContactPayment(c *fiber.Ctx) error {
	who, err := h.contact(c)
	if err != nil {
		return h.refuse(c, err)
	}
	p, err := h.Payment.Payment(c.UserContext(), who.payer, kit.Param(c, "id"))
	if err != nil {
		return err
	}
	return h.renderPayment(c, who, p)
}

func (h *Handlers) renderPayment(c *fiber.Ctx, who visitor, p payment.Payment) error {
	if !p.Status.Final() && p.GatewayRef != "" {
		if err := h.Payment.Refresh(c.UserContext(), p.GatewayRef); err != nil {
			// the page says what is known here; reconciling brings the rest
			h.Kit.Log.Warn("payment not refreshed", "payment", p.ID, "error", err)
		}
	}
	receipt, err := h.Payment.Receipt(c.UserContext(), who.payer, p.ID)
	if err != nil {
		return err
	}
	_, err = h.Payment.ReadQuote(c.UserContext(), who.payer, receipt.Payment.QuoteID)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	v := paymentOf(who, receipt, err == nil)
	returns, err := h.Payment.PayerReturns(c.UserContext(), who.payer, receipt.Payment.ID)
	if err != nil {
		return err
	}
	v.Returns = returnRows(who, returns)
	if v.Payer, err = h.payerName(c, who, receipt.Payment); err != nil {
		return err
	}
	if v.Next, err = h.nextCheckout(c, who, receipt.Payment); err != nil {
		return err
	}
	if v.Page, err = h.view(c, who, "Payment "+receipt.Payment.Number, "/me/payments"); err != nil {
		return err
	}
	return kit.Render(c, fiber.StatusOK, Payment(v))
}

// payerName is who paid, where the reader may know: one's own team.
func (h *Handlers) payerName(c *fiber.Ctx, who visitor, p payment.Payment) (string, error) {
	if !who.signedIn() {
		return "", nil
	}
	if p.ContactID == who.contact().ID {
		return who.contact().DisplayName(), nil
	}
	team, err := h.team(c.UserContext(), who)
	if colleague, known := team[p.ContactID]; known {
		return colleague.DisplayName(), err
	}
	return "", err
}

// nextCheckout is the next currency of the selection that was paid.
func (h *Handlers) nextCheckout(c *fiber.Ctx, who visitor, p payment.Payment) (*NextCheckout, error) {
	if p.Status != payment.Settled && p.Status != payment.Processing {
		return nil, nil
	}
	quote, err := h.Payment.ReadQuote(c.UserContext(), who.payer, p.QuoteID)
	if fault.Is(err, fault.NotFound) {
		return nil, nil // a colleague's, or begun by a link
	}
	if err != nil || len(quote.Currencies) < 2 || h.Kit.Now().After(quote.ExpiresAt) {
		return nil, err
	}
	paid, err := h.paymentsOf(c.UserContext(), who, quote.ID)
	if err != nil {
		return nil, err
	}
	for _, part := range quoteOf(who, quote, paid).Currencies {
		if part.State == ui.StepCurrent {
			return &NextCheckout{Charge: part.Charge, URL: who.base + "/quotes/" + quote.ID}, nil
		}
	}
	return nil, nil
}

// ContinuePayment leads back to an open checkout. GET /pay/:id/continue, for
// whom Pay is.
func (h *Handlers) ContinuePayment(c *fiber.Ctx) error {
	id := kit.Param(c, "id")
	who, _, err := h.payerOf(c, id)
	if err != nil {
		return h.refuse(c, err)
	}
	started, err := h.Payment.Resume(c.UserContext(), who.payer, id)
	if err != nil {
		return err
	}
	return c.Redirect(started.RedirectURL, fiber.StatusSeeOther)
}

// CancelPayment closes an open checkout, so that the invoices are free again.
// POST /pay/:id/cancel, for whom Pay is.
func (h *Handlers) CancelPayment(c *fiber.Ctx) error {
	id := kit.Param(c, "id")
	who, _, err := h.payerOf(c, id)
	if err != nil {
		return h.refuse(c, err)
	}
	p, err := h.Payment.Cancel(c.UserContext(), who.payer, id)
	if err != nil {
		return err
	}
	if p.Status == payment.Failed || p.Status == payment.Expired {
		return h.cancelled(c, who, p)
	}
	return c.Redirect("/pay/"+p.ID, fiber.StatusSeeOther) // it was paid just before: the page says so
}

// cancelled goes back to the page, with what was chosen ticked.
func (h *Handlers) cancelled(c *fiber.Ctx, who visitor, p payment.Payment) error {
	receipt, err := h.Payment.Receipt(c.UserContext(), who.payer, p.ID)
	if err != nil {
		return err
	}
	_, err = h.Payment.ReadQuote(c.UserContext(), who.payer, p.QuoteID)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	return h.Kit.Done(c, againURL(who, receipt, err == nil), "That payment is cancelled. Nothing was charged.")
}

// Payments lists the customer's payments, newest first. GET /me/payments for a contact.
func (h *Handlers) Payments(c *fiber.Ctx) error {
	who, err := h.contact(c)
	if err != nil {
		return h.refuse(c, err)
	}
	list, next, err := h.Payment.ListForCustomer(c.UserContext(), who.contact().CustomerID, kit.Cursor(c, store.DefaultPage))
	if err != nil {
		return err
	}
	team, err := h.team(c.UserContext(), who)
	if err != nil {
		return err
	}
	payees, err := h.Payment.Payees(c.UserContext(), list)
	if err != nil {
		return err
	}
	view, err := h.view(c, who, "Payments", "/me/payments")
	if err != nil {
		return err
	}
	return kit.Render(c, fiber.StatusOK, Payments(PaymentsView{Page: view, Payments: paymentRows(who, list, payees, team), Pages: kit.CursorPages(c, next)}))
}
