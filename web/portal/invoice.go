package portal

import (
	"context"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/cases"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/store"
	kit "github.com/sheaf-hub/sheaf/web/page"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// Invoice is the page of one invoice. GET /me/invoices/:id for a contact; GET
// /d/:token/invoices/:id for whoever holds the link, to read and pay alone.
func (h *Handlers) Invoice(c *fiber.Ctx) error {
	who, err := h.visitor(c)
	if err != nil {
		return h.refuse(c, err)
	}
	return h.renderInvoice(c, who, fiber.StatusOK, InvoiceView{ID: kit.Param(c, "id")}, nil)
}

// renderInvoice fills what is missing of a view: after a failed form it holds
// what was entered.
func (h *Handlers) renderInvoice(c *fiber.Ctx, who visitor, status int, v InvoiceView, problems []ui.FieldError) error {
	facts, err := h.readInvoice(c.UserContext(), who, v.ID)
	if err != nil {
		return err
	}
	if v.Page, err = h.view(c, who, "Invoice "+facts.item.Number, "/me"); err != nil {
		return err
	}
	v.Page.Errors = problems
	if v.Elsewhere, err = h.invoiceElsewhere(c, who, facts); err != nil {
		return err
	}
	if err := h.shownFees(c.UserContext(), facts.books); err != nil {
		return err
	}
	fillInvoice(&v, who, facts)
	return kit.Render(c, status, Invoice(v))
}

// invoiceFacts is all that the page of one invoice says.
type invoiceFacts struct {
	item    billing.Item
	books   books // of this invoice alone
	papers  []billing.Document
	history []billing.History
	threads []cases.Thread
	team    map[string]party.Contact
}

// readInvoice reads one invoice in a fixed number of queries.
func (h *Handlers) readInvoice(ctx context.Context, who visitor, id string) (invoiceFacts, error) {
	facts := invoiceFacts{books: books{day: who.today}}
	var err error
	if facts.item, err = h.Billing.Item(ctx, who.viewer(), id, who.today); err != nil {
		return facts, err
	}
	b := &facts.books
	b.items = []billing.Item{facts.item}
	if b.states, err = h.Party.VendorStates(ctx, h.DB, who.contact()); err != nil {
		return facts, err
	}
	if b.vendors, err = h.Party.Vendors(ctx, h.DB, []string{facts.item.VendorID}); err != nil {
		return facts, err
	}
	if b.answers, err = h.Insight.ResponseTimes(ctx, []string{facts.item.VendorID}); err != nil {
		return facts, err
	}
	if b.offers, err = h.Payment.Offers(ctx, b.items); err != nil {
		return facts, err
	}
	if err := h.readUnderWay(ctx, who, b); err != nil {
		return facts, err
	}
	if facts.papers, err = h.Billing.Documents(ctx, facts.item.Invoice); err != nil {
		return facts, err
	}
	if !who.signedIn() { // a link can be forwarded: it shows the invoice, and nothing that was said
		return facts, nil
	}
	if facts.history, _, err = h.Billing.HistoryOf(ctx, facts.item.Invoice, store.PageRequest{Limit: store.DefaultPage}); err != nil {
		return facts, err
	}
	if facts.threads, err = h.Cases.CasesOfInvoice(ctx, who.viewer(), id); err != nil {
		return facts, err
	}
	facts.team, err = h.team(ctx, who)
	return facts, err
}

func (h *Handlers) invoiceElsewhere(c *fiber.Ctx, who visitor, facts invoiceFacts) (*PayingElsewhere, error) {
	list, err := h.elsewhere(c, who, facts.books)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}

func (h *Handlers) author(who visitor) cases.Author {
	return cases.Author{Actor: who.actor, Contact: who.contact(), Viewer: who.viewer()}
}

// tell is what the five forms of an invoice share: say it, then come back to
// the case, or to the form with what was entered.
func (h *Handlers) tell(c *fiber.Ctx, form string, say func(ctx context.Context, by cases.Author, invoiceID string) (cases.Case, error), keep func(*InvoiceView), done string) error {
	who, err := h.contact(c)
	if err != nil {
		return h.refuse(c, err)
	}
	id := kit.Param(c, "id")
	said, err := say(c.UserContext(), h.author(who), id)
	if problems, ok := kit.Problems(err); ok {
		v := InvoiceView{ID: id}
		keep(&v)
		return h.renderInvoice(c, who, kit.Status(fault.CodeOf(err)), v, prefixed(form, problems))
	}
	if err != nil {
		return err
	}
	return h.Kit.Done(c, "/me/invoices/"+id+"#"+said.ID, done)
}

// prefixed gives the problems of a form the IDs of its fields.
func prefixed(form string, problems []ui.FieldError) []ui.FieldError {
	for i := range problems {
		if problems[i].Field != "" {
			problems[i].Field = form + "-" + problems[i].Field
		}
	}
	return problems
}

// Ask opens a question. Posted: text. POST /me/invoices/:id/questions for a contact.
func (h *Handlers) Ask(c *fiber.Ctx) error {
	text := kit.Form(c, "text", longText)
	return h.tell(c, "question", func(ctx context.Context, by cases.Author, id string) (cases.Case, error) {
		return h.Cases.Ask(ctx, by, id, text)
	}, func(v *InvoiceView) { v.Question = QuestionForm{Open: true, Text: text} }, "Your question was sent.")
}

// longText bounds a note before the room judges it: more runes than it takes.
const longText = 4*cases.MostText + 4

// OpenDispute contests an invoice. Posted: reason, amount, note, file.
// POST /me/invoices/:id/disputes for a contact.
func (h *Handlers) OpenDispute(c *fiber.Ctx) error {
	dispute := cases.Dispute{Reason: kit.Form(c, "reason", 40), Amount: strings.TrimSpace(kit.Form(c, "amount", 40)), Note: kit.Form(c, "note", longText)}
	return h.tell(c, "dispute", func(ctx context.Context, by cases.Author, id string) (cases.Case, error) {
		file, err := fileOf(c, "file")
		if err != nil {
			return cases.Case{}, err
		}
		dispute.File = file
		return h.Cases.OpenDispute(ctx, by, id, dispute)
	}, func(v *InvoiceView) {
		v.Dispute = DisputeForm{Open: true, Reason: dispute.Reason, Amount: dispute.Amount, Note: dispute.Note}
	}, "Your dispute was sent. You are not reminded of this invoice meanwhile.")
}

// fileOf is the file of a form, nil when none was chosen.
func fileOf(c *fiber.Ctx, field string) (*billing.DocumentRecord, error) {
	header, err := c.FormFile(field)
	if err != nil || header.Filename == "" && header.Size == 0 {
		return nil, nil // a form without a file, or not multipart
	}
	if header.Size > billing.MostDocumentBytes {
		return nil, fault.At(field, "The file is larger than 10 MB. Choose a smaller one.")
	}
	opened, err := header.Open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = opened.Close() }()
	content, err := io.ReadAll(io.LimitReader(opened, billing.MostDocumentBytes))
	if err != nil {
		return nil, err
	}
	kind, known := typeOf(content)
	if !known {
		return nil, fault.At(field, "Choose a PDF or a picture (PNG or JPEG).")
	}
	return &billing.DocumentRecord{Name: strings.ToValidUTF8(strings.Clone(header.Filename), ""), ContentType: kind, Content: content}, nil
}

// typeOf looks at the bytes, not at what the sender calls them.
func typeOf(content []byte) (string, bool) {
	for prefix, kind := range map[string]string{"%PDF-": "application/pdf", "\x89PNG\r\n\x1a\n": "image/png", "\xff\xd8\xff": "image/jpeg"} {
		if strings.HasPrefix(string(content[:min(len(content), 8)]), prefix) {
			return kind, true
		}
	}
	return "", len(content) == 0 // an empty file is the room's to refuse
}

// Promise says that the invoice will be paid by a date. Posted: date, note.
// POST /me/invoices/:id/promises for a contact.
func (h *Handlers) Promise(c *fiber.Ctx) error {
	date, note := kit.Form(c, "date", 20), kit.Form(c, "note", longText)
	return h.tell(c, "promise", func(ctx context.Context, by cases.Author, id string) (cases.Case, error) {
		return h.Cases.Promise(ctx, by, id, date, note)
	}, func(v *InvoiceView) { v.Promise = PromiseForm{Open: true, Date: date, Note: note} }, "Your promise was sent. You are not reminded of this invoice until then.")
}

// SendNotice says that money was sent outside the hub. Posted: method, number,
// date, address. POST /me/invoices/:id/notices for a contact.
func (h *Handlers) SendNotice(c *fiber.Ctx) error {
	sent := cases.Sent{Method: kit.Form(c, "method", 20), Number: kit.Form(c, "number", 200), On: kit.Form(c, "date", 20), Address: kit.Form(c, "address", 2000)}
	return h.tell(c, "notice", func(ctx context.Context, by cases.Author, id string) (cases.Case, error) {
		return h.Cases.SentNotice(ctx, by, id, sent)
	}, func(v *InvoiceView) {
		v.Notice = NoticeForm{Open: true, Method: sent.Method, Number: sent.Number, Date: sent.On, Address: sent.Address}
	}, "Your notice was sent. You are not reminded of this invoice while the money is on its way.")
}

// planRows is how many instalments the form takes; empty rows are left out.
const planRows = 6

// ProposePlan proposes instalments. Posted: on-N and amount-N from 0, note.
// POST /me/invoices/:id/plans for a contact.
func (h *Handlers) ProposePlan(c *fiber.Ctx) error {
	form := PlanForm{Open: true, Note: kit.Form(c, "note", longText)}
	var parts []cases.Part
	var at []string // the row of each part, for its errors
	for i := range planRows {
		row := PlanRow{On: kit.Form(c, "on-"+strconv.Itoa(i), 20), Amount: strings.TrimSpace(kit.Form(c, "amount-"+strconv.Itoa(i), 40))}
		form.Rows = append(form.Rows, row)
		if row != (PlanRow{}) {
			parts = append(parts, cases.Part{On: row.On, Amount: row.Amount})
			at = append(at, strconv.Itoa(i))
		}
	}
	return h.tell(c, "plan", func(ctx context.Context, by cases.Author, id string) (cases.Case, error) {
		opened, err := h.Cases.Plan(ctx, by, id, parts, form.Note)
		return opened, planFault(err, at)
	}, func(v *InvoiceView) { v.Plan = form }, "Your proposal was sent. You are not reminded of this invoice until the vendor answers.")
}

// planFault points at the form's row instead of the instalment.
func planFault(err error, at []string) error {
	var said *fault.Error
	if !errors.As(err, &said) {
		return err
	}
	rest, found := strings.CutPrefix(said.Pointer, "instalments")
	if !found {
		return err
	}
	pointer := "on-0"
	if parts := strings.Split(rest, "/"); len(parts) == 3 {
		if n, convErr := strconv.Atoi(parts[1]); convErr == nil && n < len(at) {
			pointer = parts[2] + "-" + at[n]
		}
	}
	return fault.At(pointer, "%s", said.Message)
}
