package portal

import (
	"errors"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/store"
	kit "github.com/sheaf-hub/sheaf/web/page"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// Schedules lists what is planned, and what came of what was, by the contact and
// its colleagues. GET /me/schedules for a contact.
func (h *Handlers) Schedules(c *fiber.Ctx) error {
	who, err := h.keeper(c)
	if err != nil {
		return h.refuse(c, err)
	}
	ctx := c.UserContext()
	upcoming, err := h.Payment.Upcoming(ctx, who.contact())
	if err != nil {
		return err
	}
	past, next, err := h.Payment.PastSchedules(ctx, who.contact(), kit.Cursor(c, store.DefaultPage))
	if err != nil {
		return err
	}
	team, err := h.team(ctx, who)
	if err != nil {
		return err
	}
	view, err := h.view(c, who, "Planned payments", "/me/payments")
	if err != nil {
		return err
	}
	return kit.Render(c, fiber.StatusOK, Schedules(SchedulesView{Page: view, Upcoming: scheduleRows(who, upcoming, team),
		Past: scheduleRows(who, past, team), Pages: kit.CursorPages(c, next)}))
}

// PlanQuote plans to pay one currency of a quote on a date. Posted: hash,
// currency, method, date, and agreed once the payer was shown that it costs more
// on that date. POST /me/quotes/:id/schedules for the contact that made
// the quote.
func (h *Handlers) PlanQuote(c *fiber.Ctx) error {
	who, err := h.keeper(c)
	if err != nil {
		return h.refuse(c, err)
	}
	id, currency := kit.Param(c, "id"), money.Currency(kit.Form(c, "currency", 3))
	pick := SchedulePick{Method: kit.Form(c, "method", 40), Date: kit.Form(c, "date", 20)}
	on, err := money.ParseDate(pick.Date)
	if err != nil {
		on = "" // the room says what is expected
	}
	agreed, err := strconv.ParseInt(kit.Form(c, "agreed", 20), 10, 64)
	if err != nil || agreed < 0 {
		agreed = 0 // to what the quote says
	}
	schedule, err := h.Payment.PlanPayment(c.UserContext(), who.payer, id, kit.Form(c, "hash", 100), currency, pick.Method, on, agreed)
	if err != nil {
		return h.cannotPay(c, who, id, currency, pick, err)
	}
	h.Kit.Flash(c, ui.Flash{Tone: ui.ToneGood, Title: money.New(schedule.Amount, schedule.Currency).String() + " will be paid on " + schedule.PayOn.Human(who.today),
		Text: "We write to you the day before. You can cancel it until it starts."})
	return c.Redirect("/me/schedules", fiber.StatusSeeOther)
}

// CancelSchedule takes a planned payment back.
// POST /me/schedules/:id/cancellations for the contact that planned it.
func (h *Handlers) CancelSchedule(c *fiber.Ctx) error {
	who, err := h.keeper(c)
	if err != nil {
		return h.refuse(c, err)
	}
	err = h.Payment.CancelSchedule(c.UserContext(), who.payer, kit.Param(c, "id"))
	if fault.Is(err, fault.Conflict) {
		h.Kit.Flash(c, ui.Flash{Tone: ui.ToneBad, Title: "That payment has started or ended already", Text: "It could not be cancelled. This page says how it stands."})
		return c.Redirect("/me/schedules", fiber.StatusSeeOther)
	}
	if err != nil {
		return err
	}
	return h.Kit.Done(c, "/me/schedules", "That payment is cancelled. Nothing will be charged.")
}

// cannotPay answers why a quote can be neither paid nor planned as it was asked:
// what changed, that it is too old, or what is wrong with what was chosen.
func (h *Handlers) cannotPay(c *fiber.Ctx, who visitor, id string, currency money.Currency, pick SchedulePick, cause error) error {
	var changed *payment.ChangedError
	var dearer *payment.DearerError
	switch {
	case errors.As(cause, &dearer):
		return h.dearerPlan(c, who, id, currency, pick, dearer)
	case errors.As(cause, &changed):
		return h.changedQuote(c, who, id, changed.Differences)
	case fault.Is(cause, fault.Gone):
		return h.freshQuote(c, who, id, "That selection was too old to pay.")
	case fault.Is(cause, fault.Conflict):
		return h.endedQuote(c, who, id, currency, cause)
	}
	problems, aboutValues := kit.Problems(cause)
	if !aboutValues {
		return cause
	}
	for i := range problems {
		problems[i].Field += "-" + string(currency)
	}
	return h.pickAgain(c, who, id, currency, fiber.StatusUnprocessableEntity, problems, func(payment.Quote) SchedulePick { return pick })
}

// dearerPlan asks whether a payment is to be planned although it comes to more on
// its date.
func (h *Handlers) dearerPlan(c *fiber.Ctx, who visitor, id string, currency money.Currency, pick SchedulePick, dearer *payment.DearerError) error {
	return h.pickAgain(c, who, id, currency, fiber.StatusConflict, nil, func(quote payment.Quote) SchedulePick {
		pick.Dearer = &SchedulePrice{On: dearer.PayOn, Total: dearer.Total, Agreed: strconv.FormatInt(dearer.Total.Minor, 10), Differences: differencesOf(quote, dearer.Differences)}
		return pick
	})
}

// pickAgain shows the review page with what was chosen on it.
func (h *Handlers) pickAgain(c *fiber.Ctx, who visitor, id string, currency money.Currency, status int, problems []ui.FieldError, pick func(payment.Quote) SchedulePick) error {
	quote, err := h.Payment.ReadQuote(c.UserContext(), who.payer, id)
	if err != nil {
		return err
	}
	paid, err := h.paymentsOf(c.UserContext(), who, quote.ID)
	if err != nil {
		return err
	}
	v := quoteOf(who, quote, paid)
	v.Page.Errors = problems
	for i := range v.Currencies {
		if v.Currencies[i].Invoices.Currency == currency {
			v.Currencies[i].Pick = pick(quote)
		}
	}
	return h.renderQuote(c, who, status, v, "Check before you pay")
}

// offerSaved puts the contact's own means of payment on the review page. A
// digest's link, which can be forwarded, is offered none.
func (h *Handlers) offerSaved(c *fiber.Ctx, who visitor, v *QuoteView) error {
	if !who.signedIn() || !h.keeps() {
		return nil
	}
	methods, err := h.Payment.UsableMethods(c.UserContext(), who.contact(), who.today)
	if err != nil {
		return err
	}
	first, last := h.Payment.ScheduleBounds(who.contact(), payment.SavedMethod{})
	for i := range v.Currencies {
		part := &v.Currencies[i]
		if part.State == ui.StepDone || !part.Charge.Positive() || v.ID == "" {
			continue
		}
		part.Saved = &SavedOffer{Charge: "/me/quotes/" + v.ID + "/charges", Plan: "/me/quotes/" + v.ID + "/schedules", First: first, Last: last,
			Add: "/me/methods?currency=" + string(part.Charge.Currency) + "&quote=" + v.ID, Credits: part.Credits.Positive()}
		for _, method := range methods {
			if part.Debit && method.Class != payment.MethodBankDebit {
				continue // the amounts are for a bank debit
			}
			button := SavedButton{ID: method.ID, Name: method.Name()}
			label := ui.Sentence(button.Name)
			if until := expiryText(method); until != "" {
				label += ", " + until
			}
			if method.Class == payment.MethodBankDebit && part.Saving.Positive() {
				button.Less = part.Saving
				label += ", " + button.Less.String() + " less"
			}
			part.Saved.Methods = append(part.Saved.Methods, ui.Option{Value: method.ID, Label: label})
			part.Saved.Buttons = append(part.Saved.Buttons, button)
		}
	}
	return nil
}
