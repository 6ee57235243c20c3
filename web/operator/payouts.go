package operator

import (
	"context"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/web/page"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// ListWaiting lists the vendors whose money waits. GET /operator/payouts
func (h *Handlers) ListWaiting(c *fiber.Ctx) error {
	base, _, err := h.open(c, "Money that waits", "/operator/vendors")
	if err != nil {
		return err
	}
	vendors, next, err := h.Payment.ListWaiting(c.UserContext(), page.Cursor(c, onOnePage))
	if err != nil {
		return err
	}
	view := WaitingView{Page: base, Pages: page.CursorPages(c, next)}
	for _, vendor := range vendors {
		row := WaitingRow{URL: "/operator/vendors/" + vendor.VendorID, Name: vendor.Name, Money: moneyRows(vendor.Money)}
		row.Account, row.Why = accountState(h.Payment.NeedsAccounts(), vendor.Account)
		view.Rows = append(view.Rows, row)
	}
	return page.Render(c, fiber.StatusOK, Waiting(view))
}

func moneyRows(waiting []payment.WaitingMoney) []WaitingSum {
	rows := make([]WaitingSum, len(waiting))
	for i, w := range waiting {
		rows[i] = WaitingSum{Amount: money.New(w.Amount, w.Currency), Shares: int(w.Shares), Why: waitsWord(w.For), Since: utc(w.Since)}
	}
	return rows
}

// fillPayouts says where a vendor's account stands, and what waits for it.
func (h *Handlers) fillPayouts(ctx context.Context, vendorID string, view *VendorView) error {
	waiting, err := h.Payment.Waiting(ctx, vendorID)
	if err != nil {
		return err
	}
	view.Waiting, view.NeedsAccount = moneyRows(waiting), h.Payment.NeedsAccounts()
	if !view.NeedsAccount {
		return nil
	}
	account, _, err := h.Payment.Account(ctx, vendorID)
	if err != nil {
		return err
	}
	view.Account, view.AccountWhy = accountState(true, account)
	if account.ID == "" {
		return nil
	}
	view.AccountFacts = []ui.Fact{{Label: "Country", Text: account.Country}, {Label: "Last looked at", Body: ui.Moment(utc(account.LookedAt), view.Page.Today)}}
	if account.AccountRef != "" {
		view.AccountFacts = append(view.AccountFacts, ui.Fact{Label: "Reference", Text: account.AccountRef})
	}
	if !account.DueBy.IsZero() {
		view.AccountFacts = append(view.AccountFacts, ui.Fact{Label: "Must answer by", Body: ui.Moment(account.DueBy.UTC(), view.Page.Today)})
	}
	if account.LastAnswer != "" {
		view.AccountFacts = append(view.AccountFacts, ui.Fact{Label: "Last answer", Text: account.LastAnswer})
	}
	return nil
}

// accountState is where an account stands, and why, as the operator reads it.
func accountState(needed bool, account payment.PayoutAccount) (Status, string) {
	if !needed {
		return Status{ui.ToneNeutral, "None needed"}, ""
	}
	why := ""
	if wants := payment.Wanted(account.Due); len(wants) > 0 {
		why = "The gateway asks for: " + strings.Join(wants, ", ") + "."
	}
	if because := payment.ShutBecause(account.Disabled); because != "" && account.Standing() != payment.Wanting {
		why = strings.TrimSpace(ui.Sentence(because) + ". " + why)
	}
	words := map[payment.Standing]Status{payment.NotStarted: {ui.ToneWarn, "Not started"}, payment.Opening: {ui.ToneWarn, "Being opened"}, payment.Refused: {ui.ToneBad, "Refused"},
		payment.Wanting: {ui.ToneWarn, "Not finished"}, payment.Checking: {ui.ToneInfo, "Being checked"}, payment.Ready: {ui.ToneGood, "Ready"}, payment.Warned: {ui.ToneWarn, "Ready, wants more"},
		payment.Held: {ui.ToneBad, "Not paid out"}, payment.ShutDown: {ui.ToneBad, "Shut"}, payment.Closed: {ui.ToneBad, "Closed"}}
	return words[account.Standing()], why
}

func waitsWord(reason string) string {
	switch reason {
	case "account":
		return "for its account"
	case "vendor":
		return "it is suspended"
	case "funds":
		return "for the payer's bank"
	}
	return reason
}
