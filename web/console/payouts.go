package console

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/web/page"
	"github.com/sheaf-hub/sheaf/web/ui"
)

const payoutsPath = "/vendor/payouts"

// mostSent is how many transfers that are in no payout yet are listed.
const mostSent = 20

// lookTime bounds how long a page waits for the gateway.
const lookTime = 8 * time.Second

// ListPayouts shows where the vendor's account stands, what waits, what is on its
// way, and what arrived. GET /vendor/payouts
func (h *Handlers) ListPayouts(c *fiber.Ctx) error {
	r, err := h.open(c, "Payouts", payoutsPath)
	if err != nil {
		return err
	}
	note := ""
	switch {
	case page.Query(c, "returned", 1) == "1": // from the gateway's page: see at once what it brought
		note = h.lookAgain(r)
	case page.Query(c, "expired", 1) == "1":
		note = "The payment service's page works once, for a few minutes, and this time had passed. Nothing that was entered is lost: the button opens a new one."
	}
	return h.showPayouts(r, note, "", nil)
}

// lookAgain fetches the account as it is now; the answer says why it could not.
func (h *Handlers) lookAgain(r at) string {
	ctx, cancel := context.WithTimeout(r.ctx(), lookTime)
	defer cancel()
	if err := h.Payment.RefreshAccount(ctx, r.vendor.ID); err != nil {
		h.Kit.Log.Warn("a vendor's account could not be looked at", "vendor", r.vendor.ID, "error", err)
		return "The payment service does not answer just now, so what you told it may not show here yet. Load this page again in a minute."
	}
	return ""
}

// StartPayouts leads to the gateway's page on which the vendor says who it is.
// POST /vendor/payouts/onboardings (owner)
func (h *Handlers) StartPayouts(c *fiber.Ctx) error {
	r, err := h.owner(c, "Payouts", payoutsPath)
	if err != nil {
		return err
	}
	if !h.Payment.NeedsAccounts() {
		return c.Redirect(payoutsPath, fiber.StatusSeeOther) // which says so
	}
	country := page.Form(c, "country", 10)
	ctx, cancel := context.WithTimeout(r.ctx(), 30*time.Second)
	defer cancel()
	link, err := h.Payment.StartOnboarding(ctx, r.session.Actor, r.vendor.ID, country)
	if problems := refused(err); problems != nil {
		return h.showPayouts(r, "", country, problems)
	}
	var shown *fault.Error
	if errors.As(err, &shown) && shown.Code == fault.Unavailable {
		h.Kit.Log.Warn("a vendor could not go on to the gateway", "vendor", r.vendor.ID, "error", err)
		h.Kit.Flash(c, ui.Flash{Tone: ui.ToneBad, Title: "Not yet", Text: shown.Message})
		return c.Redirect(payoutsPath, fiber.StatusSeeOther)
	}
	if err != nil {
		return h.back(c, payoutsPath, err)
	}
	return c.Redirect(link, fiber.StatusSeeOther)
}

func (h *Handlers) showPayouts(r at, note, country string, problems []ui.FieldError) error {
	view := PayoutsView{Frame: r.frame, NoAccounts: !h.Payment.NeedsAccounts(), CSV: payoutsPath + ".csv"}
	view.Page.Errors = problems
	if view.NoAccounts {
		return page.Render(r.Ctx, fiber.StatusOK, Payouts(view))
	}
	account, _, err := h.Payment.Account(r.ctx(), r.vendor.ID)
	if err != nil {
		return err
	}
	if view.Account, err = h.accountView(r, account, country); err != nil {
		return err
	}
	if note != "" {
		view.Account.Note = note
	}
	if err := h.fillUnderWay(r, account, &view); err != nil {
		return err
	}
	filter, set := period(r.Ctx)
	view.From, view.To, view.Set = filter.From, filter.To, set
	if set {
		view.CSV += "?" + url.Values{"from": {string(filter.From)}, "to": {string(filter.To)}}.Encode()
	}
	payouts, next, err := h.Payment.ListPayouts(r.ctx(), r.vendor.ID, filter, page.Cursor(r.Ctx, onOnePage))
	if err != nil {
		return err
	}
	for _, payout := range payouts {
		view.Rows = append(view.Rows, PayoutRow{URL: payoutsPath + "/" + payout.ID, Arrives: payout.ArrivalOn, Amount: money.New(payout.Amount, payout.Currency),
			Bank: payout.Bank, Statement: payout.Statement, Status: payoutStatus(payout.Status), Reason: payout.Reason})
	}
	view.Pages = page.CursorPages(r.Ctx, next)
	return page.Render(r.Ctx, statusOf(problems), Payouts(view))
}

// period is what the query asks for; a date that is none is no bound.
func period(c *fiber.Ctx) (payment.PayoutFilter, bool) {
	var filter payment.PayoutFilter
	if from, err := money.ParseDate(page.Query(c, "from", 10)); err == nil {
		filter.From = from
	}
	if to, err := money.ParseDate(page.Query(c, "to", 10)); err == nil {
		filter.To = to
	}
	return filter, filter != payment.PayoutFilter{}
}

// fillUnderWay says what waits for the vendor, and what is on its way to its bank.
func (h *Handlers) fillUnderWay(r at, account payment.PayoutAccount, view *PayoutsView) error {
	waiting, err := h.Payment.Waiting(r.ctx(), r.vendor.ID)
	if err != nil {
		return err
	}
	for _, w := range waiting {
		why := waitsWord(w.For)
		if w.For == "account" && account.CanReceive { // since moments ago
			why = "It is being sent now"
		}
		view.Waiting = append(view.Waiting, WaitingRow{Amount: money.New(w.Amount, w.Currency), Shares: int(w.Shares), Why: why, Since: r.local(w.Since)})
	}
	sums, sent, err := h.Payment.OnItsWay(r.ctx(), account, mostSent+1)
	view.OnItsWay, view.MoreSent = sums, len(sent) > mostSent
	for _, one := range sent[:min(len(sent), mostSent)] {
		view.Sent = append(view.Sent, SentRow{URL: paymentURL(one.ShareID), Reference: one.Reference, Amount: money.New(one.Amount, one.Currency), At: r.local(one.SentAt)})
	}
	return err
}

// accountView says in words where an account stands, and what is to be done.
func (h *Handlers) accountView(r at, account payment.PayoutAccount, country string) (AccountView, error) {
	standing := account.Standing()
	view := accountWords(standing, account)
	view.Wants, view.Country = payment.Wanted(account.Due), country
	if view.Country == "" {
		view.Country = account.Country
	}
	if !account.DueBy.IsZero() {
		view.WantsBy = money.DateOf(account.DueBy, r.zone)
	}
	if account.AccountRef != "" {
		view.Facts = []ui.Fact{{Label: "Country", Text: countryName(account.Country)}, {Label: "Account", Text: account.AccountRef}, {Label: "Last looked at", Body: ui.Moment(r.local(account.LookedAt), r.today)}}
		if account.Currency != "" {
			view.Facts = append(view.Facts[:1:1], append([]ui.Fact{{Label: "Currency", Text: string(account.Currency)}}, view.Facts[1:]...)...)
		}
	}
	switch standing {
	case payment.NotStarted, payment.Refused, payment.Closed:
		return view, h.offerCountries(r, &view)
	}
	return view, nil
}

// offerCountries says, before anything begins, where this hub can pay and what.
func (h *Handlers) offerCountries(r at, view *AccountView) error {
	ctx, cancel := context.WithTimeout(r.ctx(), lookTime)
	defer cancel()
	countries, err := h.Payment.AccountCountries(ctx)
	if err != nil {
		h.Kit.Log.Warn("the gateway does not say which countries it pays", "error", err)
		view.Button, view.Note = "", "The payment service does not answer just now. Load this page again in a minute."
		return nil
	}
	names := make([]string, len(countries))
	for i, code := range countries {
		names[i] = countryName(code)
		view.Countries = append(view.Countries, ui.Option{Value: code, Label: names[i]})
	}
	slices.SortFunc(view.Countries, func(a, b ui.Option) int { return strings.Compare(a.Label, b.Label) })
	slices.Sort(names)
	if len(names) == 1 {
		view.Country, view.Limits = countries[0], []string{"This hub can pay companies in " + names[0] + ", to a bank account there."}
	} else {
		view.Limits = []string{"This hub can pay companies in these " + strconv.Itoa(len(names)) + " countries, to a bank account there: " + strings.Join(names, ", ") + "."}
	}
	totals, err := h.Billing.VendorTotals(r.ctx(), r.vendor.ID, r.today)
	if err != nil {
		return err
	}
	var taken, not []string
	for _, total := range totals {
		if h.Payment.Gateway.Limits(total.Currency).Supported {
			taken = append(taken, string(total.Currency))
		} else {
			not = append(not, string(total.Currency))
		}
	}
	if len(taken) > 0 {
		view.Limits = append(view.Limits, "Your customers can pay what you have open in "+strings.Join(taken, ", ")+" here. An amount in another currency than your bank account's is exchanged by the payment service.")
	}
	if len(not) > 0 {
		view.Limits = append(view.Limits, "What you have open in "+strings.Join(not, ", ")+" cannot be paid here; your customers are reminded of it, and told to pay you directly.")
	}
	return nil
}

// countryName is a country as people call it, or its code.
func countryName(code string) string {
	region, err := language.ParseRegion(code)
	if err != nil {
		return code
	}
	return display.English.Regions().Name(region)
}

// ShowPayout explains one bank line by invoices. GET /vendor/payouts/:id
func (h *Handlers) ShowPayout(c *fiber.Ctx) error {
	r, err := h.open(c, "Payout", payoutsPath)
	if err != nil {
		return err
	}
	payout, sums, err := h.Payment.Payout(r.ctx(), r.vendor.ID, page.Param(c, "id"))
	if err != nil {
		return err
	}
	items, next, err := h.Payment.PayoutItems(r.ctx(), payout, page.Cursor(c, onOnePage))
	if err != nil {
		return err
	}
	view := PayoutView{Frame: r.frame, Arrives: payout.ArrivalOn, Amount: money.New(payout.Amount, payout.Currency), Status: payoutStatus(payout.Status), Failed: payout.Status == "failed",
		Reason: payout.Reason, Sums: sumRows(payout, sums), Missing: missingWord(payout), CSV: payoutsPath + "/" + payout.ID + "/lines.csv", Pages: page.CursorPages(c, next)}
	view.Page.Title = "Payout of " + view.Amount.String()
	view.Facts = []ui.Fact{{Label: arrivesWord(payout.Status), Body: ui.Day(payout.ArrivalOn, r.today)}}
	for _, fact := range []ui.Fact{{Label: "Bank", Text: payout.Bank}, {Label: "On the statement", Text: payout.Statement}, {Label: "Reference", Text: payout.GatewayRef}} {
		if fact.Text != "" {
			view.Facts = append(view.Facts, fact)
		}
	}
	view.Facts = append(view.Facts, ui.Fact{Label: "Sent off", Body: ui.Moment(r.local(payout.CreatedAt), r.today)})
	for _, item := range items {
		view.Lines = append(view.Lines, lineRows(payout.Currency, item)...)
	}
	return page.Render(c, fiber.StatusOK, Payout(view))
}

func sumRows(payout payment.VendorPayout, sums payment.PayoutSums) []SumRow {
	if sums.Lines == 0 {
		return nil
	}
	amount := func(minor int64) money.Amount { return money.New(minor, payout.Currency) }
	rows := []SumRow{{Label: "Payments of your customers", Hint: "less what you bear of their cost", Amount: amount(sums.Transfers)}}
	for _, row := range []SumRow{{Label: "Taken back", Hint: "for refunds and chargebacks", Amount: amount(sums.TakenBack)},
		{Label: "Not from this hub", Hint: "also payouts that your bank sent back", Amount: amount(sums.Other)},
		{Label: "Fees of the payment service", Amount: amount(-sums.Fees)}, {Label: "Not explained by the payment service", Amount: amount(sums.Unexplained)}} {
		if !row.Amount.Zero() {
			rows = append(rows, row)
		}
	}
	return append(rows, SumRow{Label: "The payout", Amount: amount(payout.Amount)})
}

// lineRows are a line's parts, the first of which names the line.
func lineRows(currency money.Currency, item payment.PayoutItem) []PayoutLineRow {
	head := PayoutLineRow{Head: true, Reference: item.Reference, What: lineWord(item)}
	if item.Ours {
		head.URL = paymentURL(item.ShareID)
	}
	if item.Exchanged { // its invoices are in another currency
		head.What += ", exchanged from " + item.Sent.String()
		head.Amount = money.New(item.Amount-item.Fee, currency)
		return []PayoutLineRow{head}
	}
	rows := make([]PayoutLineRow, 0, len(item.Parts))
	for i, part := range item.Parts {
		row := PayoutLineRow{Part: partWord(part), Account: part.Account, Amount: money.New(part.Amount, currency)}
		if part.InvoiceID != "" {
			row.PartURL = invoiceURL(part.InvoiceID)
		}
		if i == 0 {
			row.Head, row.URL, row.Reference, row.What = true, head.URL, head.Reference, head.What
		}
		rows = append(rows, row)
	}
	return rows
}
