package console

import (
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/sheaf-hub/sheaf/hub/cases"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/web/page"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// ListCases is the inbox. GET /vendor/cases
func (h *Handlers) ListCases(c *fiber.Ctx) error {
	r, err := h.open(c, "Cases", "/vendor/cases")
	if err != nil {
		return err
	}
	view := CasesView{Frame: r.frame, Status: known(page.Query(c, "status", 20), caseStatuses()), Kind: known(page.Query(c, "kind", 20), caseKinds())}
	if view.Status == "" {
		view.Status = "open"
	}
	filter := cases.Filter{Kind: cases.Kind(view.Kind)}
	if view.Status != "all" {
		filter.Status = cases.Status(view.Status)
	}
	items, next, err := h.Cases.ListForVendor(r.ctx(), r.vendor.ID, filter, true, page.Cursor(r.Ctx, onOnePage))
	if err != nil {
		return err
	}
	for _, item := range items {
		view.Rows = append(view.Rows, r.caseRow(item))
	}
	view.Pages = page.CursorPages(r.Ctx, next)
	return page.Render(c, fiber.StatusOK, Cases(view))
}

func (r at) caseRow(item cases.Item) CaseRow {
	row := CaseRow{URL: caseURL(item.ID), Kind: asTitle(item.Kind.Words()), Invoice: item.InvoiceNumber, Account: item.AccountName,
		Status: caseStatus(item.Status), Updated: r.local(item.UpdatedAt), Last: shortened(item.LastText)}
	if item.Kind != cases.Question {
		row.Amount = item.Value()
	}
	return row
}

// casesOf are the cases on one invoice.
func (h *Handlers) casesOf(r at, invoiceID string) ([]CaseRow, error) {
	items, _, err := h.Cases.ListForVendor(r.ctx(), r.vendor.ID, cases.Filter{InvoiceID: invoiceID}, true, store.PageRequest{Limit: cases.MostCases})
	rows := make([]CaseRow, len(items))
	for i, item := range items {
		rows[i] = r.caseRow(item)
	}
	return rows, err
}

func caseStatus(s cases.Status) Status {
	switch s {
	case cases.Open:
		return Status{ui.ToneWarn, "Waits for you"}
	case cases.Answered:
		return Status{ui.ToneInfo, "Answered"}
	case cases.Resolved:
		return Status{ui.ToneGood, "Resolved"}
	}
	return Status{ui.ToneNeutral, "Withdrawn"}
}

// shortened is the beginning of a message, for a list.
func shortened(text string) string {
	const most = 100
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

func asTitle(words string) string {
	if words == "" {
		return words
	}
	return strings.ToUpper(words[:1]) + words[1:]
}

// ShowCase is one thread. GET /vendor/cases/:id
func (h *Handlers) ShowCase(c *fiber.Ctx) error {
	r, err := h.open(c, "Case", "/vendor/cases")
	if err != nil {
		return err
	}
	return h.showCase(r, page.Param(c, "id"), CaseView{}, nil)
}

func (h *Handlers) showCase(r at, id string, view CaseView, problems []ui.FieldError) error {
	thread, err := h.Cases.VendorCase(r.ctx(), r.vendor.ID, id)
	if err != nil {
		return err
	}
	view.Frame, view.URL = r.frame, caseURL(id)
	view.Page.Errors = problems
	view.Title = asTitle(thread.Kind.Words()) + " on " + thread.InvoiceNumber
	view.Page.Title, view.Account, view.Status = view.Title, thread.AccountName, caseStatus(thread.Status)
	view.Facts = r.caseFacts(thread)
	view.Over, view.Outcome, view.OutcomeNote = thread.Status.Over(), outcomeLine(thread.Case), thread.ResolutionNote
	for _, message := range thread.Said {
		view.Messages = append(view.Messages, ui.Message{Author: message.AuthorName, Side: sideWord(message.Side), Mine: message.Side != cases.SideCustomer,
			At: r.local(message.CreatedAt), Text: message.Text})
	}
	for _, part := range thread.Details.Instalments {
		view.Plan = append(view.Plan, PlanPart{On: part.On, Amount: money.New(part.Amount, thread.Currency)})
	}
	for _, file := range thread.Files {
		view.Files = append(view.Files, fileLink(file))
	}
	for _, outcome := range cases.Outcomes(thread.Kind) {
		view.Outcomes = append(view.Outcomes, ui.Option{Value: outcome.Key, Label: asTitle(outcome.Words)})
	}
	if view.Resolution == "" && len(view.Outcomes) == 1 {
		view.Resolution = view.Outcomes[0].Value
	}
	return page.Render(r.Ctx, statusOf(problems), Case(view))
}

func outcomeLine(c cases.Case) string {
	if c.Status == cases.Withdrawn {
		return "The customer withdrew it"
	}
	return "Resolved: " + c.OutcomeWords()
}

func sideWord(side string) string {
	switch side {
	case cases.SideCustomer:
		return "Customer"
	case cases.SideVendor:
		return "You"
	}
	return "Sheaf"
}

func (r at) caseFacts(t cases.VendorThread) []ui.Fact {
	facts := []ui.Fact{{Label: "Invoice", Body: link(invoiceURL(t.InvoiceID), t.InvoiceNumber)}, {Label: "Open on it", Body: ui.Money(t.Invoice.OpenAmount())},
		{Label: "Customer", Text: t.AccountName}, {Label: "Your customer number", Text: t.AccountExternalID}, {Label: "Who wrote", Text: t.ContactName}}
	if t.ContactEmail != "" {
		facts = append(facts, ui.Fact{Label: "Address", Text: t.ContactEmail})
	}
	if t.Kind != cases.Question {
		facts = append(facts, ui.Fact{Label: "Amount", Body: ui.Money(t.Value())})
	}
	if t.PromisedOn != "" && t.Kind == cases.Promised {
		facts = append(facts, ui.Fact{Label: "Promised for", Body: ui.Day(t.PromisedOn, r.today)})
	}
	details := []ui.Fact{{Label: "Reason", Text: t.ReasonWords()}, {Label: "Sent by", Text: asTitle(t.Details.Method)}, {Label: "Number", Text: t.Details.Number},
		{Label: "Sent on", Text: dateText(t.Details.SentOn, r.today)}, {Label: "Sent to", Text: t.Details.Address}}
	for _, fact := range details {
		if fact.Text != "" {
			facts = append(facts, fact)
		}
	}
	return append(facts, ui.Fact{Label: "Opened", Body: ui.Moment(r.local(t.CreatedAt), r.today)})
}

func dateText(date, today money.Date) string {
	if date == "" {
		return ""
	}
	return date.Human(today)
}

// AnswerCase adds the vendor's words, which the customer gets by mail. POST /vendor/cases/:id/messages
func (h *Handlers) AnswerCase(c *fiber.Ctx) error {
	r, err := h.open(c, "Case", "/vendor/cases")
	if err != nil {
		return err
	}
	id, text := page.Param(c, "id"), page.Form(c, "text", 20_000)
	_, err = h.Cases.Answer(r.ctx(), r.session.Actor, r.vendor.ID, id, text)
	if fault.Is(err, fault.Conflict) {
		return h.back(c, caseURL(id), err)
	}
	if problems := refused(err); problems != nil {
		return h.showCase(r, id, CaseView{Reply: text}, problems)
	}
	if err != nil {
		return err
	}
	return h.Kit.Done(c, caseURL(id), "Your reply is on its way to the customer")
}

// ResolveCase ends a case with an outcome. POST /vendor/cases/:id/resolution
func (h *Handlers) ResolveCase(c *fiber.Ctx) error {
	r, err := h.open(c, "Case", "/vendor/cases")
	if err != nil {
		return err
	}
	id := page.Param(c, "id")
	outcome, note := page.Form(c, "outcome", 40), page.Form(c, "note", 20_000)
	if outcome == "" {
		return h.showCase(r, id, CaseView{Note: note}, []ui.FieldError{{Field: "outcome", Text: "Choose how the case ends."}})
	}
	_, err = h.Cases.Resolve(r.ctx(), r.session.Actor, r.vendor.ID, id, cases.Resolution{Outcome: outcome, Note: note})
	if fault.Is(err, fault.Conflict) {
		return h.back(c, caseURL(id), err)
	}
	if problems := refused(err); problems != nil {
		return h.showCase(r, id, CaseView{Resolution: outcome, Note: note}, problems)
	}
	if err != nil {
		return err
	}
	return h.Kit.Done(c, caseURL(id), "The case is resolved, and the customer is told")
}
