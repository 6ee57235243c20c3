package portal

import (
	"github.com/gofiber/fiber/v2"

	"github.com/sheaf-hub/sheaf/hub/cases"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/store"
	kit "github.com/sheaf-hub/sheaf/web/page"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// ListCases are the questions, disputes and the rest, the last changed first.
// Query: state (open, resolved), cursor. GET /me/cases for a contact.
func (h *Handlers) ListCases(c *fiber.Ctx) error {
	who, err := h.contact(c)
	if err != nil {
		return h.refuse(c, err)
	}
	v := CasesView{State: kit.Query(c, "state", 20)}
	var filter cases.Filter
	switch v.State {
	case "open":
		filter.Active = true
	case "resolved":
		filter.Status = cases.Resolved
	default:
		v.State = ""
	}
	v.Filter = v.State != ""
	list, next, err := h.Cases.ListForCustomer(c.UserContext(), who.viewer(), filter, kit.Cursor(c, store.DefaultPage))
	if err != nil {
		return err
	}
	if v.Page, err = h.view(c, who, "Questions and disputes", "/me/cases"); err != nil {
		return err
	}
	v.Cases, v.Pages = caseRows(who, list), kit.CursorPages(c, next)
	return kit.Render(c, fiber.StatusOK, Cases(v))
}

// ShowCase is one case with its thread. GET /me/cases/:id for a contact.
func (h *Handlers) ShowCase(c *fiber.Ctx) error {
	who, err := h.contact(c)
	if err != nil {
		return h.refuse(c, err)
	}
	return h.renderCase(c, who, fiber.StatusOK, "", nil)
}

func (h *Handlers) renderCase(c *fiber.Ctx, who visitor, status int, text string, problems []ui.FieldError) error {
	thread, err := h.Cases.CustomerCase(c.UserContext(), who.viewer(), kit.Param(c, "id"))
	if err != nil {
		return err
	}
	v := CasePage{InvoiceURL: "/me/invoices/" + thread.InvoiceID, Number: thread.InvoiceNumber, Vendor: thread.VendorName}
	if v.Page, err = h.view(c, who, ui.Sentence(thread.Kind.Words())+" on "+thread.InvoiceNumber, "/me/cases"); err != nil {
		return err
	}
	v.Page.Errors = problems
	team, err := h.team(c.UserContext(), who)
	if err != nil {
		return err
	}
	v.Case = caseOf(who, thread, team)
	v.Case.Text = text
	return kit.Render(c, status, ShownCase(v))
}

// ReplyToCase adds the customer's words. Posted: text, file.
// POST /me/cases/:id/messages for a contact.
func (h *Handlers) ReplyToCase(c *fiber.Ctx) error {
	who, err := h.contact(c)
	if err != nil {
		return h.refuse(c, err)
	}
	id, text := kit.Param(c, "id"), kit.Form(c, "text", longText)
	file, err := fileOf(c, "file")
	if err == nil {
		_, err = h.Cases.Reply(c.UserContext(), h.author(who), id, text, file)
	}
	if problems, ok := kit.Problems(err); ok {
		for i := range problems {
			switch problems[i].Field {
			case "text":
				problems[i].Field = "reply-" + id
			case "file":
				problems[i].Field = "reply-file-" + id
			}
		}
		return h.renderCase(c, who, kit.Status(fault.CodeOf(err)), text, problems)
	}
	if err != nil {
		return err
	}
	return h.Kit.Done(c, "/me/cases/"+id, "Your reply was sent.")
}

// WithdrawCase ends a case that is no longer meant. POST /me/cases/:id/withdrawal
// for a contact.
func (h *Handlers) WithdrawCase(c *fiber.Ctx) error {
	who, err := h.contact(c)
	if err != nil {
		return h.refuse(c, err)
	}
	id := kit.Param(c, "id")
	withdrawn, err := h.Cases.Withdraw(c.UserContext(), h.author(who), id)
	if problems, ok := kit.Problems(err); ok {
		return h.renderCase(c, who, kit.Status(fault.CodeOf(err)), "", problems)
	}
	if err != nil {
		return err
	}
	return h.Kit.Done(c, "/me/cases/"+id, "Your "+withdrawn.Kind.Words()+" is withdrawn.")
}
