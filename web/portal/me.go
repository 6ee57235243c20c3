package portal

import (
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/store"
	kit "github.com/sheaf-hub/sheaf/web/page"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// Me is the one page for all vendors. Query: q, state, vendor, currency, sort,
// page narrow and order it; have and have_currency propose a split; select
// (overdue, all, a vendor's id), invoice (any number), quote and again tick.
// GET /me for a contact.
func (h *Handlers) Me(c *fiber.Ctx) error { return h.mePage(c) }

// Digest is the same page with what a digest lists. GET /d/:token for whoever
// holds the link.
func (h *Handlers) Digest(c *fiber.Ctx) error { return h.mePage(c) }

func (h *Handlers) mePage(c *fiber.Ctx) error {
	who, err := h.visitor(c)
	if err != nil {
		return h.refuse(c, err)
	}
	asked, err := h.askedTicks(c, who)
	if err != nil {
		return err
	}
	return h.renderMe(c, who, fiber.StatusOK, asked, nil)
}

func (h *Handlers) renderMe(c *fiber.Ctx, who visitor, status int, marked ticks, problems []ui.FieldError) error {
	view, err := h.view(c, who, "Invoices to pay", "/me")
	if err != nil {
		return err
	}
	view.Errors = problems
	b, err := h.read(c.UserContext(), who)
	if err != nil {
		return err
	}
	if b.papers, err = h.Billing.InvoiceDocuments(c.UserContext(), b.items); err != nil {
		return err
	}
	me := meOf(who, b, readMeQuery(c), marked, problems)
	me.Page = view
	me.Page.Errors = pointed(problems, me)
	if me.Elsewhere, err = h.elsewhere(c, who, b); err != nil {
		return err
	}
	if err := h.shownFees(c.UserContext(), b); err != nil {
		return err
	}
	return kit.Render(c, status, Me(me))
}

// meQuery is what the address of the page asks for.
type meQuery struct {
	filter       MeFilter
	selected     string // "overdue", "all" or a vendor's id
	have         string
	haveCurrency string
	page         int
}

func readMeQuery(c *fiber.Ctx) meQuery {
	q := meQuery{filter: MeFilter{Query: strings.TrimSpace(kit.Query(c, "q", 100)), State: kit.Query(c, "state", 20), Vendor: kit.Query(c, "vendor", 40),
		Currency: kit.Query(c, "currency", 3), Sort: kit.Query(c, "sort", 20)},
		selected: kit.Query(c, "select", 40), have: strings.TrimSpace(kit.Query(c, "have", 40)), haveCurrency: kit.Query(c, "have_currency", 3), page: c.QueryInt("page", 1)}
	if amount := strings.TrimSpace(kit.Query(c, "amount", 40)); amount != "" && q.have == "" { // the short form, for links
		q.have, q.haveCurrency, q.filter.Currency = amount, q.filter.Currency, ""
	}
	f := q.filter
	q.filter.Set = f.Query != "" || f.State != "" || f.Vendor != "" || f.Currency != ""
	return q
}

// ticks is what is ticked: amounts as typed by invoice id, and credits.
type ticks struct {
	amounts map[string]string // empty: all that can be paid
	credits map[string]bool
	typed   bool // posted: what is not ticked stays unticked
}

func newTicks() ticks { return ticks{amounts: map[string]string{}, credits: map[string]bool{}} }

// askedTicks are the ticks that the page's address names: invoices, a quote
// that is to be changed, or a payment that is tried again.
func (h *Handlers) askedTicks(c *fiber.Ctx, who visitor) (ticks, error) {
	marked := newTicks()
	for i, id := range c.Context().QueryArgs().PeekMulti("invoice") {
		if i < payment.MostSelected && store.ValidID(string(id)) {
			marked.amounts[string(id)] = ""
		}
	}
	if id := kit.Query(c, "quote", 40); id != "" {
		quote, err := h.Payment.ReadQuote(c.UserContext(), who.payer, id)
		if err != nil {
			return marked, err
		}
		markQuote(marked, quote)
	}
	if id := kit.Query(c, "again", 40); id != "" {
		p, err := h.Payment.Payment(c.UserContext(), who.payer, id)
		if err != nil {
			return marked, err
		}
		quote, err := h.Payment.ReadQuote(c.UserContext(), who.payer, p.QuoteID)
		if err != nil {
			return marked, err
		}
		for _, part := range quote.Currencies {
			if part.Currency == p.Currency {
				markQuote(marked, payment.Quote{Currencies: []payment.CurrencyQuote{part}})
			}
		}
	}
	return marked, nil
}
