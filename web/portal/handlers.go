package portal

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/cases"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/insight"
	"github.com/sheaf-hub/sheaf/hub/mail"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/reminder"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/hub/worklist"
	kit "github.com/sheaf-hub/sheaf/web/page"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// Handlers are the customer's pages. One method per route; each parses, calls
// one method of a room and renders.
type Handlers struct {
	Kit      *kit.Kit
	DB       *store.DB
	Access   *access.Service
	Party    *party.Service
	Billing  *billing.Service
	Payment  *payment.Service
	Cases    *cases.Service
	Reminder *reminder.Service
	Insight  *insight.Service
	Worklist *worklist.Service
	Sandbox  SandboxGateway // nil: payments go to a real gateway
	Mailbox  mail.Mailbox   // nil: mail is sent
	HelpURL  string         // footer link; may be empty
}

// visitor is who looks at a page, and what it may see: a signed-in contact, or
// whoever holds a digest's link.
type visitor struct {
	payer payment.Payer
	actor access.Actor
	base  string // "/me" or "/d/TOKEN"
	token string // of the digest's link; empty: signed in
	link  access.Link
	today money.Date // in the contact's zone
}

func (v visitor) signedIn() bool { return v.token == "" }

func (v visitor) viewer() billing.Viewer { return v.payer.Viewer }

func (v visitor) contact() party.Contact { return v.payer.Contact }

// local is an instant in the visitor's zone.
func (v visitor) local(at time.Time) time.Time {
	if at.IsZero() {
		return at
	}
	return at.In(v.payer.Contact.Zone())
}

// contact is the signed-in contact; fault.Unauthenticated when nobody is.
func (h *Handlers) contact(c *fiber.Ctx) (visitor, error) {
	session, ok := kit.Session(c)
	if !ok || session.Actor.Kind != access.KindContact {
		return visitor{}, fault.New(fault.Unauthenticated, "You are not signed in any more, so nothing was changed. Sign in and try again.")
	}
	contact, err := h.Party.Contact(c.UserContext(), session.Actor.ContactID)
	if err != nil {
		return visitor{}, err
	}
	return visitor{base: "/me", actor: session.Actor, today: money.DateOf(h.Kit.Now(), contact.Zone()),
		payer: payment.Payer{Contact: contact, Viewer: billing.Viewer{CustomerID: contact.CustomerID}}}, nil
}

// holder is whoever holds a digest's link: it sees what that digest lists.
func (h *Handlers) holder(ctx context.Context, token string) (visitor, error) {
	link, err := h.Access.DigestLink(ctx, token)
	if err != nil {
		return visitor{}, err
	}
	contact, err := h.Party.Contact(ctx, link.ContactID)
	if err != nil {
		return visitor{}, err
	}
	ids, err := h.Reminder.InvoiceIDs(ctx, link.DigestID)
	if err != nil {
		return visitor{}, err
	}
	if ids == nil {
		ids = []string{} // nil would be no restriction
	}
	return visitor{base: "/d/" + url.PathEscape(token), token: token, link: link, actor: link.Actor(), today: money.DateOf(h.Kit.Now(), contact.Zone()),
		payer: payment.Payer{Contact: contact, Viewer: billing.Viewer{CustomerID: contact.CustomerID, Only: ids}, DigestID: link.DigestID}}, nil
}

// visitor is the holder of the link in the path, or else the signed-in contact.
func (h *Handlers) visitor(c *fiber.Ctx) (visitor, error) {
	who, err := h.contactOrHolder(c)
	who.payer.Address = strings.Clone(c.IP())
	return who, err
}

func (h *Handlers) contactOrHolder(c *fiber.Ctx) (visitor, error) {
	if token := kit.Param(c, "token"); token != "" {
		return h.holder(c.UserContext(), token)
	}
	return h.contact(c)
}

// refuse answers what stopped a page before it began: who is not signed in goes
// to sign in and comes back; a digest's link that has run out says so.
func (h *Handlers) refuse(c *fiber.Ctx, err error) error {
	switch {
	case fault.Is(err, fault.Unauthenticated) && (c.Method() == fiber.MethodGet || c.Method() == fiber.MethodHead):
		return c.Redirect("/?next="+url.QueryEscape(string(c.Request().URI().RequestURI())), fiber.StatusSeeOther)
	case fault.Is(err, fault.Gone) && strings.HasPrefix(c.Path(), "/d/"):
		view := h.Kit.Page(c, ui.AreaPortal, "This link has expired")
		view.Narrow = true
		return kit.Render(c, fiber.StatusGone, Expired(ExpiredView{Page: view, Action: "/sign-in", Digest: true}))
	}
	return err
}

// view begins a page of a visitor. current is the path of its place in the header.
func (h *Handlers) view(c *fiber.Ctx, who visitor, title, current string) (ui.Page, error) {
	view := h.Kit.Page(c, ui.AreaPortal, title)
	view.Today, view.Help = who.today, h.HelpURL
	if !who.signedIn() {
		view.Home = who.base
		return view, nil
	}
	waiting, err := h.Cases.CountForCustomer(c.UserContext(), who.viewer())
	if err != nil {
		return view, err
	}
	view.Nav = []ui.NavItem{
		{Label: "Invoices", URL: "/me"},
		{Label: "Payments", URL: "/me/payments"},
		{Label: "Questions and disputes", URL: "/me/cases", Count: int(waiting)},
		{Label: "Settings", URL: "/me/settings"},
	}
	for i := range view.Nav {
		view.Nav[i].Current = view.Nav[i].URL == current
	}
	return view, nil
}

func withQuery(path string, values url.Values) string {
	if len(values) == 0 {
		return path
	}
	return path + "?" + values.Encode()
}
