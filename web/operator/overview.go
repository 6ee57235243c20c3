package operator

import (
	"strconv"

	"github.com/gofiber/fiber/v2"

	"github.com/sheaf-hub/sheaf/hub/insight"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/web/page"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// ShowOverview says what needs somebody, and how everything stands. GET /operator
func (h *Handlers) ShowOverview(c *fiber.Ctx) error {
	view, _, err := h.open(c, "Overview", "/operator")
	if err != nil {
		return err
	}
	states, err := h.Insight.States(c.UserContext())
	if err != nil {
		return err
	}
	tasks, err := h.Worklist.Count(c.UserContext(), "")
	if err != nil {
		return err
	}
	debts, _, err := h.Payment.ListDebts(c.UserContext(), store.PageRequest{Limit: store.MaxPage})
	if err != nil {
		return err
	}
	count := func(what, state string) int { return states.Of(what, state) }
	decide := []ui.Tile{
		tile(count(insight.Digests, "unknown"), "Digests: sent or not?", "/operator/digests?state=unknown", ui.ToneWarn),
		tile(count(insight.Vendors, "pending"), "Vendors that wait for approval", "/operator/vendors?status=pending", ui.ToneWarn),
		tile(count(insight.Transfers, "failed"), "Transfers that failed", "/operator/transfers?state=failed", ui.ToneBad),
		tile(count(insight.Transfers, "unknown"), "Transfers being checked", "/operator/transfers?state=unknown", ui.ToneInfo),
		tile(count(insight.Refunds, "failed"), "Refunds that were refused", "/operator/refunds?state=failed", ui.ToneBad),
		tile(count(insight.Refunds, "unknown"), "Refunds being checked", "/operator/refunds?state=unknown", ui.ToneInfo),
		tile(count(insight.Reversals, "failed"), "Not taken back from vendors", "/operator/reversals?state=failed", ui.ToneWarn),
		tile(count(insight.Chargebacks, "needs_response")+count(insight.Chargebacks, "inquiry"), "Chargebacks without an answer", "/operator/chargebacks", ui.ToneBad),
		tile(len(debts), "Debts of vendors", "/operator/debts", ui.ToneWarn),
		tile(count(insight.Messages, "waiting")+count(insight.Messages, "given_up"), "Gateway messages not followed", "/operator/gateway-messages", ui.ToneWarn),
		tile(count(insight.Deliveries, "dead"), "Deliveries given up", "/operator/dead-letters", ui.ToneBad),
		tile(count(insight.Mails, "dead"), "Mails given up", "/operator/dead-letters?kind=mails", ui.ToneBad),
		tile(count(insight.Receipts, "failed"), "Receipts that nobody got", "/operator/dead-letters?kind=receipts", ui.ToneBad),
		tile(int(tasks), "Tasks", "/operator/tasks", ui.ToneWarn),
	}
	return page.Render(c, fiber.StatusOK, Overview(OverviewView{Page: view, Decide: decide, States: stateRows(states), Gateway: h.Gateway}))
}

// tile has its tone only while it counts something.
func tile(n int, label, url string, tone ui.Tone) ui.Tile {
	if n == 0 {
		tone = ui.ToneNeutral
	}
	return ui.Tile{Figure: strconv.Itoa(n), Label: label, URL: url, Tone: tone}
}

func stateRows(states insight.StateCounts) []StateRow {
	kinds := []struct{ what, label, url string }{
		{insight.Vendors, "Vendors", "/operator/vendors"}, {insight.Digests, "Digests", "/operator/digests"}, {insight.Payments, "Payments", ""},
		{insight.Transfers, "Transfers", "/operator/transfers"}, {insight.Refunds, "Refunds", "/operator/refunds"},
		{insight.Reversals, "Taken back from vendors", "/operator/reversals"}, {insight.Chargebacks, "Chargebacks", "/operator/chargebacks"}, {insight.Deliveries, "Deliveries", "/operator/dead-letters"}, {insight.Mails, "Mails", "/operator/dead-letters?kind=mails"},
		{insight.Receipts, "Receipts", "/operator/dead-letters?kind=receipts"},
	}
	rows := make([]StateRow, 0, len(kinds))
	for _, kind := range kinds {
		row := StateRow{Label: kind.label, URL: kind.url}
		for _, count := range states {
			if count.What == kind.what {
				row.Cells = append(row.Cells, StateCell{Status: stateStatus(count.State), Count: strconv.Itoa(count.Count)})
			}
		}
		rows = append(rows, row)
	}
	return rows
}
