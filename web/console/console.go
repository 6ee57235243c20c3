// Package console is what a vendor's staff sees: its invoices and what the hub
// did to them, its cases, payments, deliveries, and its own settings. A
// handler parses, calls one method and renders; the signed-in vendor scopes
// every call.
package console

import (
	"context"
	"errors"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/cases"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/insight"
	"github.com/sheaf-hub/sheaf/hub/intake"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/reminder"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/hub/worklist"
	"github.com/sheaf-hub/sheaf/web/page"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// Handlers are the pages at /vendor. All fields are needed, but for Mailbox.
type Handlers struct {
	Kit      *page.Kit
	DB       *store.DB
	Party    *party.Service
	Access   *access.Service
	Billing  *billing.Service
	Cases    *cases.Service
	Payment  *payment.Service
	Outbox   *outbox.Service
	Reminder *reminder.Service
	Worklist *worklist.Service
	Insight  *insight.Service
	Intake   *intake.Service
	CheckURL func(string) error // judges an address that is to be called
	Mailbox  string             // where captured mail is read; empty: mail is sent
}

// Frame is what every page of the console begins with.
type Frame struct {
	Page   ui.Page
	Status party.VendorStatus // of the vendor; not approved: a banner says so
	Reason string
	Owner  bool // may manage staff and keys
}

// at is one request: who asks, for which vendor, on which day there.
type at struct {
	*fiber.Ctx
	session access.Session
	vendor  party.Vendor
	zone    *time.Location
	today   money.Date
	frame   Frame
}

func (r at) ctx() context.Context { return r.UserContext() }

// local is an instant in the vendor's zone.
func (r at) local(instant time.Time) time.Time {
	if instant.IsZero() {
		return instant
	}
	return instant.In(r.zone)
}

// open begins a request: current names the entry of the navigation.
func (h *Handlers) open(c *fiber.Ctx, title, current string) (at, error) {
	session, ok := page.Session(c)
	if !ok || session.Actor.Kind != access.KindStaff || session.Actor.VendorID == "" {
		return at{}, fault.New(fault.Unauthenticated, "Sign in to see this page.")
	}
	vendor, err := h.Party.Vendor(c.UserContext(), session.Actor.VendorID)
	if err != nil {
		return at{}, err
	}
	r := at{Ctx: c, session: session, vendor: vendor, zone: zoneOf(vendor.TimeZone)}
	r.today = money.DateOf(h.Kit.Now(), r.zone)
	r.frame = Frame{Page: h.Kit.Page(c, ui.AreaConsole, title), Status: vendor.Status, Reason: vendor.StatusReason, Owner: session.Role == access.RoleOwner}
	r.frame.Page.Today, r.frame.Page.Nav, r.frame.Page.Wide = r.today, navigation(current), true
	if c.Method() != fiber.MethodGet { // what follows a change is a redirect
		return r, nil
	}
	return r, h.countWaiting(r)
}

// countWaiting puts beside Cases and Tasks how many wait.
func (h *Handlers) countWaiting(r at) error {
	open, err := h.Cases.CountForVendor(r.ctx(), r.vendor.ID)
	if err != nil {
		return err
	}
	tasks, err := h.Worklist.Count(r.ctx(), r.vendor.ID)
	for i, item := range r.frame.Page.Nav {
		switch item.URL {
		case "/vendor/cases":
			r.frame.Page.Nav[i].Count = int(open)
		case "/vendor/tasks":
			r.frame.Page.Nav[i].Count = int(tasks)
		}
	}
	return err
}

func zoneOf(name string) *time.Location {
	if zone, err := time.LoadLocation(name); err == nil {
		return zone
	}
	return time.UTC
}

// owner is open for what only an owner may do.
func (h *Handlers) owner(c *fiber.Ctx, title, current string) (at, error) {
	r, err := h.open(c, title, current)
	if err == nil && !r.frame.Owner {
		err = fault.New(fault.Forbidden, "Only an owner may do this. Ask an owner of your company's account.")
	}
	return r, err
}

// change makes a change and its line in the audit log, in one transaction.
func (h *Handlers) change(r at, change access.Change, work func(ctx context.Context, tx bun.IDB) error) error {
	change.VendorID = r.vendor.ID
	return h.DB.InTx(r.ctx(), func(ctx context.Context, tx bun.Tx) error {
		if err := work(ctx, tx); err != nil {
			return err
		}
		return h.Access.AuditTx(ctx, tx, r.session.Actor, change)
	})
}

// refused is a fault that a form can show; anything else belongs on an error page.
func refused(err error) []ui.FieldError {
	if lines, ok := page.Problems(err); ok {
		return lines
	}
	return nil
}

// back says on the page before why nothing was done, when that is worth a
// sentence; what is not found or not allowed is an error page.
func (h *Handlers) back(c *fiber.Ctx, to string, err error) error {
	var shown *fault.Error
	if !errors.As(err, &shown) || (shown.Code != fault.Conflict && shown.Code != fault.Invalid) {
		return err
	}
	h.Kit.Flash(c, ui.Flash{Tone: ui.ToneBad, Title: "Nothing was changed", Text: shown.Message})
	return c.Redirect(to, fiber.StatusSeeOther)
}

func navigation(current string) []ui.NavItem {
	items := []ui.NavItem{
		{Label: "Overview", URL: "/vendor"},
		{Label: "Invoices", URL: "/vendor/invoices"},
		{Label: "Payments", URL: "/vendor/payments"},
		{Label: "Payouts", URL: payoutsPath},
		{Label: "Cases", URL: "/vendor/cases"},
		{Label: "Tasks", URL: "/vendor/tasks"},
		{Label: "Imports", URL: "/vendor/imports"},
		{Label: "Deliveries", URL: "/vendor/deliveries"},
		{Label: "Preview", URL: "/vendor/preview"},
		{Label: "Settings", URL: "/vendor/profile"},
	}
	return marked(items, current)
}

func invoiceTabs(current string) []ui.NavItem {
	return marked([]ui.NavItem{{Label: "All invoices", URL: "/vendor/invoices"}, {Label: "Cannot be reminded", URL: "/vendor/unreachable"}}, current)
}

func settingTabs(current string) []ui.NavItem {
	return marked([]ui.NavItem{{Label: "Profile", URL: "/vendor/profile"}, {Label: "Staff", URL: "/vendor/staff"}, {Label: "API keys", URL: "/vendor/keys"},
		{Label: "Webhooks", URL: "/vendor/webhooks"}, {Label: "Discounts and late fees", URL: "/vendor/incentives"}, {Label: "Audit log", URL: "/vendor/audit"}}, current)
}

func marked(items []ui.NavItem, current string) []ui.NavItem {
	for i := range items {
		items[i].Current = items[i].URL == current
	}
	return items
}
