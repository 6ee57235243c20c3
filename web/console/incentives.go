package console

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/web/page"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// ShowIncentives shows the vendor's discounts and late fees with an example.
// GET /vendor/incentives
func (h *Handlers) ShowIncentives(c *fiber.Ctx) error {
	r, err := h.open(c, "Discounts and late fees", "/vendor/profile")
	if err != nil {
		return err
	}
	in, err := h.Payment.Incentives(r.ctx(), r.vendor.ID)
	if err != nil {
		return err
	}
	return h.showIncentives(r, incentiveForm(in), in, nil)
}

func (h *Handlers) showIncentives(r at, view IncentivesView, in payment.Incentives, problems []ui.FieldError) error {
	view.Frame = r.frame
	view.Page.Errors = problems
	if len(problems) == 0 {
		currency, err := h.usualCurrency(r)
		if err != nil {
			return err
		}
		view.Example, view.Rows = incentiveExample(in, currency, r.today)
	}
	return page.Render(r.Ctx, statusOf(problems), IncentivesPage(view))
}

// usualCurrency is one that the vendor has open invoices in.
func (h *Handlers) usualCurrency(r at) (money.Currency, error) {
	totals, err := h.Billing.VendorTotals(r.ctx(), r.vendor.ID, r.today)
	best := money.Currency("USD")
	most := 0
	for _, total := range totals {
		if total.Invoices > most {
			best, most = total.Currency, total.Invoices
		}
	}
	return best, err
}

// ChangeIncentives saves them, or, with do=example, shows what they would come to.
// POST /vendor/incentives (owner)
func (h *Handlers) ChangeIncentives(c *fiber.Ctx) error {
	r, err := h.owner(c, "Discounts and late fees", "/vendor/profile")
	if err != nil {
		return err
	}
	view := IncentivesView{EarlyRate: field(c, "early_rate"), EarlyDays: field(c, "early_days"), FromTerms: page.Form(c, "from_terms", 5) != "",
		DebitRate: field(c, "debit_rate"), DebitMost: field(c, "debit_most"), LateRate: field(c, "late_rate"), LateFixed: field(c, "late_fixed"),
		LateMost: field(c, "late_most"), LateDays: field(c, "late_days"), WaivedBy: field(c, "waived_by"), WaivedDays: field(c, "waived_days")}
	in, problems := view.read()
	if len(problems) == 0 {
		problems = refused(in.Check())
	}
	if len(problems) > 0 || page.Form(c, "do", 10) == "example" {
		return h.showIncentives(r, view, in, problems)
	}
	err = h.DB.InTx(r.ctx(), func(ctx context.Context, tx bun.Tx) error {
		before, after, err := h.Payment.SetIncentivesTx(ctx, tx, r.vendor.ID, in)
		if err != nil || before.Same(after) {
			return err
		}
		return h.Access.AuditTx(ctx, tx, r.session.Actor, access.Change{Action: "vendor.incentives_changed", SubjectKind: "vendor", SubjectID: r.vendor.ID,
			VendorID: r.vendor.ID, Before: before.Log(), After: after.Log()})
	})
	if err != nil {
		return err
	}
	return h.Kit.Done(c, "/vendor/incentives", "Saved: your customers see it from now on")
}

func field(c *fiber.Ctx, name string) string { return strings.TrimSpace(page.Form(c, name, 500)) }

// read reads the form; its problems name the fields.
func (v IncentivesView) read() (payment.Incentives, []ui.FieldError) {
	var problems []ui.FieldError
	refuse := func(name, text string) { problems = append(problems, ui.FieldError{Field: name, Text: text}) }
	rate := func(name, typed string) money.Rate {
		if typed == "" {
			return 0
		}
		rate, err := money.ParseRate(typed)
		if err != nil {
			refuse(name, "Write a percentage like 2 or 1.5.")
		}
		return rate
	}
	days := func(name, typed string) int {
		if typed == "" {
			return 0
		}
		n, err := strconv.Atoi(typed)
		if err != nil {
			refuse(name, "Write a whole number of days, like 10.")
		}
		return n
	}
	amounts := func(name, typed string) money.Amounts {
		list, err := money.ParseAmounts(typed)
		if err != nil {
			refuse(name, "Write one amount for each currency, like EUR 5.00, USD 6.00.")
		}
		return list
	}
	in := payment.Incentives{EarlyRate: rate("early_rate", v.EarlyRate), EarlyDays: days("early_days", v.EarlyDays), FromTerms: v.FromTerms,
		DebitRate: rate("debit_rate", v.DebitRate), DebitMost: amounts("debit_most", v.DebitMost),
		LateRate: rate("late_rate", v.LateRate), LateFixed: amounts("late_fixed", v.LateFixed), LateMost: amounts("late_most", v.LateMost),
		LateDays: days("late_days", v.LateDays), WaivedDays: days("waived_days", v.WaivedDays)}
	if v.WaivedBy != "" {
		day, err := money.ParseDate(v.WaivedBy)
		if err != nil {
			refuse("waived_by", "Write a date like 2026-11-30.")
		}
		in.WaivedBy = day
	}
	return in, problems
}

// incentiveForm is the form as it stands for saved settings: what is off is empty.
func incentiveForm(in payment.Incentives) IncentivesView {
	percent := func(rate money.Rate) string {
		if rate == 0 {
			return ""
		}
		return rate.Percent()
	}
	days := func(n int) string {
		if n == 0 {
			return ""
		}
		return strconv.Itoa(n)
	}
	return IncentivesView{EarlyRate: percent(in.EarlyRate), EarlyDays: days(in.EarlyDays), FromTerms: in.FromTerms, DebitRate: percent(in.DebitRate),
		DebitMost: in.DebitMost.String(), LateRate: percent(in.LateRate), LateFixed: in.LateFixed.String(), LateMost: in.LateMost.String(),
		LateDays: days(in.LateDays), WaivedBy: string(in.WaivedBy), WaivedDays: days(in.WaivedDays)}
}

// incentiveExample is what an invoice of today, due in thirty days, costs a
// customer, depending on when and how it pays.
func incentiveExample(in payment.Incentives, currency money.Currency, today money.Date) (money.Amount, []IncentiveRow) {
	open := money.New(1000, currency)
	for range currency.Digits() {
		open.Minor *= 10
	}
	const term = 30
	due := today.AddDays(term)
	late := due.AddDays(max(1, in.LateDays))
	type scene struct {
		when   string
		on     money.Date
		method payment.MethodClass
	}
	cases := []scene{
		{"Paid at once", today, payment.MethodAny},
		{"Paid at once, by bank debit", today, payment.MethodBankDebit},
		{"Paid on the day it is due, " + due.Human(today), due, payment.MethodAny},
		{"Paid on " + late.Human(today) + ", " + ui.Count(due.DaysUntil(late), "day", "days") + " late", late, payment.MethodAny},
	}
	if in.EarlyRate > 0 && in.EarlyDays > 0 && in.EarlyDays < term {
		last := today.AddDays(in.EarlyDays)
		cases[0].when, cases[0].on = "Paid by "+last.Human(today), last
		cases[1].when, cases[1].on = cases[0].when+", by bank debit", last
	}
	if in.DebitRate == 0 {
		cases = slices.Delete(cases, 1, 2)
	}
	rows := make([]IncentiveRow, 0, len(cases))
	for _, one := range cases {
		charge, list := in.Example(open, today, due, one.on, one.method)
		row := IncentiveRow{When: one.when, Charge: charge}
		for _, incentive := range list {
			sign := money.New(-incentive.Amount, currency)
			if incentive.Kind == payment.LateFee {
				sign.Minor = incentive.Amount
			}
			if incentive.Kind == payment.LateFeeWaived {
				row.Why = append(row.Why, ui.Sentence(incentive.Why))
			} else {
				row.Why = append(row.Why, sign.String()+": "+incentive.Why)
			}
		}
		rows = append(rows, row)
	}
	return open, rows
}
