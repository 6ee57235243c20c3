// Package operator is what the hub's own staff sees: which vendors may take
// part, what needs a decision, what could not be sent, and whether the queues
// move.
package operator

import (
	"context"
	"errors"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/insight"
	"github.com/sheaf-hub/sheaf/hub/intake"
	"github.com/sheaf-hub/sheaf/hub/ledger"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/reminder"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/hub/worklist"
	"github.com/sheaf-hub/sheaf/web/page"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// Handlers are the pages at /operator. All fields are needed, but for Mailbox.
type Handlers struct {
	Kit      *page.Kit
	DB       *store.DB
	Party    *party.Service
	Access   *access.Service
	Billing  *billing.Service
	Payment  *payment.Service
	Outbox   *outbox.Service
	Ledger   *ledger.Service
	Reminder *reminder.Service
	Worklist *worklist.Service
	Insight  *insight.Service
	Intake   *intake.Service
	// Enroll adds a vendor with its first owner, key and secret, in one transaction.
	Enroll func(ctx context.Context, actor access.Actor, profile party.Profile) (Enrolled, error)
	// Queues reads the queues and the schedule as they are now.
	Queues  func(ctx context.Context) (QueueState, error)
	Gateway string // name of the payment gateway
	Mailbox string // where captured mail is read; empty: mail is sent
}

// Enrolled is a fresh vendor with what is shown this once.
type Enrolled struct {
	VendorID      string
	APIKey        string
	WebhookSecret string
}

// QueueState is what moves the work.
type QueueState struct {
	Queues    []QueueFigures
	Schedules []Schedule
}

// QueueFigures are one queue of Asynq. Latency is how long the oldest waiting
// task has waited; Processed and Failed count today.
type QueueFigures struct {
	Name                                        string
	Active, Pending, Scheduled, Retry, Archived int
	Processed, Failed                           int
	Latency                                     time.Duration
}

// Schedule is one leased row of the schedule.
type Schedule struct {
	Name       string
	LastRun    time.Time // zero: never
	LastResult string    // "planned 12", or the error
	NextRun    time.Time
}

const onOnePage = 50

// open begins a request: current names the entry of the navigation.
func (h *Handlers) open(c *fiber.Ctx, title, current string) (ui.Page, access.Session, error) {
	session, ok := page.Session(c)
	if !ok || session.Actor.Kind != access.KindOperator {
		return ui.Page{}, session, fault.New(fault.Unauthenticated, "Sign in to see this page.")
	}
	view := h.Kit.Page(c, ui.AreaOperator, title)
	view.Nav, view.Of, view.Wide = marked(navigation(), current), "Operator", true
	return view, session, nil
}

func navigation() []ui.NavItem {
	return []ui.NavItem{
		{Label: "Overview", URL: "/operator"}, {Label: "Vendors", URL: "/operator/vendors"}, {Label: "Digests", URL: "/operator/digests"},
		{Label: "Dead letters", URL: "/operator/dead-letters"}, {Label: "Transfers", URL: "/operator/transfers"}, {Label: "Refunds", URL: "/operator/refunds"}, {Label: "Tasks", URL: "/operator/tasks"},
		{Label: "Queues", URL: "/operator/queues"}, {Label: "Ledger", URL: "/operator/ledger"}, {Label: "Audit log", URL: "/operator/audit"},
	}
}

func marked(items []ui.NavItem, current string) []ui.NavItem {
	for i := range items {
		items[i].Current = items[i].URL == current
	}
	return items
}

// change makes a change and its line in the audit log, in one transaction.
func (h *Handlers) change(ctx context.Context, actor access.Actor, change access.Change, work func(ctx context.Context, tx bun.IDB) error) error {
	return h.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := work(ctx, tx); err != nil {
			return err
		}
		return h.Access.AuditTx(ctx, tx, actor, change)
	})
}

// note keeps what was done by a room that takes no transaction.
func (h *Handlers) note(ctx context.Context, actor access.Actor, change access.Change) error {
	return h.change(ctx, actor, change, func(context.Context, bun.IDB) error { return nil })
}

// back says on the list before why nothing was done: also for what has left the
// list meanwhile, by another tab or by itself.
func (h *Handlers) back(c *fiber.Ctx, to string, err error) error {
	var shown *fault.Error
	if !errors.As(err, &shown) || (shown.Code != fault.Conflict && shown.Code != fault.Invalid && shown.Code != fault.NotFound) {
		return err
	}
	h.Kit.Flash(c, ui.Flash{Tone: ui.ToneBad, Title: "Nothing was changed", Text: shown.Message})
	return c.Redirect(to, fiber.StatusSeeOther)
}

// vendorNames are the names of the vendors with these ids.
func (h *Handlers) vendorNames(ctx context.Context, ids []string) (map[string]string, error) {
	names := make(map[string]string, len(ids))
	if len(ids) == 0 {
		return names, nil
	}
	vendors, err := h.Party.Vendors(ctx, h.DB, ids)
	for id, vendor := range vendors {
		names[id] = vendor.Name
	}
	return names, err
}

// id is the id in the path; fault.NotFound when it is none.
func id(c *fiber.Ctx, what string) (string, error) {
	value := page.Param(c, "id")
	if !store.ValidID(value) {
		return "", fault.New(fault.NotFound, "There is no such %s.", what)
	}
	return value, nil
}
