package console

import (
	"fmt"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"github.com/sheaf-hub/sheaf/hub/cases"
	"github.com/sheaf-hub/sheaf/hub/insight"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/web/page"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// ShowOverview says what is open and what waits for the vendor. GET /vendor
func (h *Handlers) ShowOverview(c *fiber.Ctx) error {
	r, err := h.open(c, "Overview", "/vendor")
	if err != nil {
		return err
	}
	view := OverviewView{Frame: r.frame, Vendor: r.vendor.Name}
	for _, fill := range []func(at, *OverviewView) error{h.fillMoney, h.fillTiles, h.fillCases, h.fillPayments, h.fillAnswers} {
		if err := fill(r, &view); err != nil {
			return err
		}
	}
	return page.Render(c, fiber.StatusOK, Overview(view))
}

func (h *Handlers) fillMoney(r at, view *OverviewView) error {
	totals, err := h.Billing.VendorTotals(r.ctx(), r.vendor.ID, r.today)
	if err != nil {
		return err
	}
	for _, t := range totals {
		view.Money = append(view.Money, Figures{Invoices: t.Invoices, Open: money.New(t.Open, t.Currency),
			Overdue: money.New(t.Overdue, t.Currency), Held: money.New(t.Held, t.Currency)})
	}
	aging, err := h.Insight.Aging(r.ctx(), r.vendor.ID, r.today)
	for _, row := range aging {
		if row.Total > 0 {
			view.Aging = append(view.Aging, agingRow(row))
		}
	}
	return err
}

func agingRow(a insight.Aging) AgingRow {
	cell := func(label string, minor int64) AgingCell {
		return AgingCell{Label: label, Amount: money.New(minor, a.Currency)}
	}
	return AgingRow{Currency: string(a.Currency), Cells: []AgingCell{cell("Not due", a.Current), cell("1–30 days", a.Days30),
		cell("31–60", a.Days60), cell("61–90", a.Days90), cell("Over 90", a.Older)}}
}

func (h *Handlers) fillTiles(r at, view *OverviewView) error {
	open, err := h.Cases.CountForVendor(r.ctx(), r.vendor.ID)
	if err != nil {
		return err
	}
	tasks, err := h.Worklist.Count(r.ctx(), r.vendor.ID)
	if err != nil {
		return err
	}
	unreachable, more, err := h.Billing.ListUnreachable(r.ctx(), r.vendor.ID, store.PageRequest{Limit: countedAtMost})
	if err != nil {
		return err
	}
	dead, moreDead, err := h.Outbox.List(r.ctx(), r.vendor.ID, outbox.Filter{State: outbox.Dead}, store.PageRequest{Limit: countedAtMost})
	if err != nil {
		return err
	}
	waiting, err := h.Payment.CountWaitingChargebacks(r.ctx(), r.vendor.ID)
	if err != nil {
		return err
	}
	failing, err := h.failing(r)
	view.Tiles = []ui.Tile{
		tile(strconv.FormatInt(open, 10), "Cases that wait for you", "/vendor/cases", ui.ToneWarn),
		tile(strconv.FormatInt(tasks, 10), "Tasks", "/vendor/tasks", ui.ToneWarn),
		tile(strconv.Itoa(waiting), "Chargebacks to answer", "/vendor/chargebacks?waiting=yes", ui.ToneBad),
		tile(counted(len(unreachable), more != ""), "Cannot be reminded", "/vendor/unreachable", ui.ToneWarn),
		tile(counted(len(dead), moreDead != ""), "Deliveries given up", "/vendor/deliveries?state=dead", ui.ToneBad),
		tile(strconv.Itoa(failing), "Connections that fail", "/vendor/imports", ui.ToneBad),
	}
	return err
}

// countedAtMost bounds what is counted by listing.
const countedAtMost = 200

func counted(n int, more bool) string {
	if more {
		return strconv.Itoa(n) + "+"
	}
	return strconv.Itoa(n)
}

// tile has its tone only while it counts something.
func tile(figure, label, url string, tone ui.Tone) ui.Tile {
	if figure == "0" {
		tone = ui.ToneNeutral
	}
	return ui.Tile{Figure: figure, Label: label, URL: url, Tone: tone}
}

// failing counts the active connections whose last run was not good, or that wait for a yes.
func (h *Handlers) failing(r at) (int, error) {
	connections, err := h.Intake.ListConnections(r.ctx(), r.vendor.ID)
	n := 0
	for _, connection := range connections {
		if connection.DisabledAt.IsZero() && connection.LastError != "" {
			n++
		}
	}
	return n, err
}

func (h *Handlers) fillCases(r at, view *OverviewView) error {
	list, _, err := h.Cases.ListForVendor(r.ctx(), r.vendor.ID, cases.Filter{Status: cases.Open}, true, store.PageRequest{Limit: 5})
	for _, item := range list {
		view.Cases = append(view.Cases, r.caseRow(item))
	}
	return err
}

func (h *Handlers) fillPayments(r at, view *OverviewView) error {
	shares, _, err := h.Payment.ListVendorShares(r.ctx(), r.vendor.ID, payment.ShareFilter{}, store.PageRequest{Limit: 5})
	if err != nil {
		return err
	}
	for _, share := range shares {
		view.Payments = append(view.Payments, r.paymentRow(share))
	}
	view.Debts, err = h.debts(r)
	return err
}

func (h *Handlers) fillAnswers(r at, view *OverviewView) error {
	times, err := h.Insight.ResponseTimes(r.ctx(), []string{r.vendor.ID})
	if known, ok := times[r.vendor.ID]; ok {
		view.Answers = fmt.Sprintf("Your customers read: %s %s.", r.vendor.Name, known.Words())
	}
	return err
}
