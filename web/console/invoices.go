package console

import (
	"context"
	"fmt"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/web/page"
	"github.com/sheaf-hub/sheaf/web/ui"
)

const onOnePage = 50

// ListInvoices lists the vendor's invoices. GET /vendor/invoices
func (h *Handlers) ListInvoices(c *fiber.Ctx) error {
	r, err := h.open(c, "Invoices", "/vendor/invoices")
	if err != nil {
		return err
	}
	view := InvoicesView{Frame: r.frame, Query: page.Query(c, "q", 100), Status: known(page.Query(c, "status", 10), invoiceStatuses())}
	view.Set = view.Query != "" || (view.Status != "" && view.Status != "open")
	if view.Status == "" {
		view.Status = "open"
	}
	filter := billing.InvoiceFilter{Search: view.Query}
	switch view.Status {
	case "overdue":
		filter.Status, filter.DueBefore = billing.Open, r.today
	case "all":
	default:
		filter.Status = billing.Status(view.Status)
	}
	items, next, err := h.Billing.ListInvoices(r.ctx(), r.vendor.ID, filter, true, page.Cursor(r.Ctx, onOnePage))
	if err != nil {
		return err
	}
	for _, item := range items {
		view.Rows = append(view.Rows, invoiceRowOf(item, r.today))
	}
	view.Pages = page.CursorPages(r.Ctx, next)
	return page.Render(c, fiber.StatusOK, Invoices(view))
}

func invoiceRowOf(item billing.Item, today money.Date) InvoiceRow {
	amount := func(minor int64) money.Amount { return money.New(minor, item.Currency) }
	return InvoiceRow{URL: invoiceURL(item.ID), Number: item.Number, Account: item.AccountName, Issued: item.IssuedOn, Due: item.DueOn,
		Total: amount(item.Total), Open: amount(item.Open), Held: amount(item.Held),
		Statuses: append([]Status{invoiceStatus(item, today)}, holdStatuses(item, today)...)}
}

// ListUnreachable lists the invoices that nobody can be reminded of. GET /vendor/unreachable
func (h *Handlers) ListUnreachable(c *fiber.Ctx) error {
	r, err := h.open(c, "Cannot be reminded", "/vendor/invoices")
	if err != nil {
		return err
	}
	list, next, err := h.Billing.ListUnreachable(r.ctx(), r.vendor.ID, page.Cursor(r.Ctx, onOnePage))
	if err != nil {
		return err
	}
	view := UnreachableView{Frame: r.frame, Pages: page.CursorPages(r.Ctx, next)}
	for _, item := range list {
		view.Rows = append(view.Rows, UnreachableRow{URL: invoiceURL(item.ID), Number: item.Number, Account: item.AccountName,
			AccountNumber: item.AccountExternalID, Due: item.DueOn, Open: item.OpenAmount(), Reason: item.Reason})
	}
	return page.Render(c, fiber.StatusOK, Unreachable(view))
}

// ShowInvoice shows one invoice with all that happened to it. GET /vendor/invoices/:id
func (h *Handlers) ShowInvoice(c *fiber.Ctx) error {
	r, err := h.open(c, "Invoice", "/vendor/invoices")
	if err != nil {
		return err
	}
	return h.showInvoice(r, page.Param(c, "id"), "", nil)
}

func (h *Handlers) showInvoice(r at, id, until string, problems []ui.FieldError) error {
	item, err := h.Billing.VendorInvoice(r.ctx(), r.vendor.ID, id)
	if err != nil {
		return err
	}
	view := h.invoiceView(r, item)
	view.HoldUntil, view.Page.Errors = until, problems
	if view.Payments, err = h.paymentsOf(r, item); err != nil {
		return err
	}
	if view.Cases, err = h.casesOf(r, item.ID); err != nil {
		return err
	}
	documents, err := h.Billing.Documents(r.ctx(), item.Invoice)
	if err != nil {
		return err
	}
	for _, document := range documents {
		view.Files = append(view.Files, fileLink(document))
	}
	history, _, err := h.Billing.HistoryOf(r.ctx(), item.Invoice, store.PageRequest{Limit: 100})
	if err != nil {
		return err
	}
	for _, entry := range history {
		view.History = append(view.History, ui.Happening{At: r.local(entry.At), Text: entry.Text})
	}
	status := fiber.StatusOK
	if len(problems) > 0 {
		status = fiber.StatusUnprocessableEntity
	}
	return page.Render(r.Ctx, status, Invoice(view))
}

func (h *Handlers) invoiceView(r at, item billing.Item) InvoiceView {
	amount := func(minor int64) money.Amount { return money.New(minor, item.Currency) }
	view := InvoiceView{Frame: r.frame, URL: invoiceURL(item.ID), Number: item.Number, Account: item.AccountName,
		Statuses:   append([]Status{invoiceStatus(item, r.today)}, holdStatuses(item, r.today)...),
		SourceOpen: amount(item.SourceOpen), Applied: amount(item.Applied), Held: amount(item.Held), Open: amount(item.Open),
		BooksAt: r.local(item.SourceAt), Closed: item.Open == 0, Lines: item.Lines, Facts: invoiceFacts(item, r.today)}
	view.Page.Title = "Invoice " + item.Number
	for _, hold := range item.Holds {
		if !hold.Active(r.today) {
			continue
		}
		row := HoldRow{Status: Status{holdTone(hold.Kind), holdWord(hold.Kind)}, Since: r.local(hold.CreatedAt), Until: hold.EndsOn}
		if hold.CaseID != "" {
			row.CaseURL = caseURL(hold.CaseID)
		}
		view.ManualHold = view.ManualHold || hold.Kind == billing.HoldManual
		view.Holds = append(view.Holds, row)
	}
	return view
}

func invoiceFacts(item billing.Item, today money.Date) []ui.Fact {
	due := ui.Fact{Label: "Due", Body: ui.Day(item.DueOn, today)}
	switch item.DueNote {
	case billing.DueFromTerms:
		due = ui.Fact{Label: "Due", Text: item.DueOn.Human(today) + ", from the account's terms"}
	case billing.DueUnknown:
		due = ui.Fact{Label: "Due", Text: "No date, and no terms give one: it never counts as overdue"}
	}
	facts := []ui.Fact{
		{Label: "Customer", Text: item.AccountName}, {Label: "Your customer number", Text: item.AccountExternalID},
		{Label: "Your id", Text: item.ExternalID}, {Label: "Issued", Body: ui.Day(item.IssuedOn, today)}, due,
		{Label: "Total", Body: ui.Money(money.New(item.Total, item.Currency))},
	}
	for _, more := range []ui.Fact{{Label: "Terms", Text: item.Terms}, {Label: "Purchase order", Text: item.PurchaseOrder}, {Label: "Note", Text: item.Note}} {
		if more.Text != "" {
			facts = append(facts, more)
		}
	}
	return facts
}

func (h *Handlers) paymentsOf(r at, item billing.Item) ([]InvoicePayment, error) {
	shares, _, err := h.Payment.ListVendorShares(r.ctx(), r.vendor.ID, payment.ShareFilter{InvoiceID: item.ID}, store.PageRequest{Limit: 50})
	if err != nil {
		return nil, err
	}
	var rows []InvoicePayment
	for _, share := range shares {
		for _, line := range share.Lines {
			if line.InvoiceID == item.ID {
				rows = append(rows, InvoicePayment{URL: paymentURL(share.ID), Reference: share.Reference, At: r.local(share.CreatedAt),
					Amount: money.New(line.Amount, share.Currency), By: byWord(line.CreditNumber), Status: paymentStatus(share.Status)})
			}
		}
	}
	return rows, nil
}

func byWord(credit string) string {
	if credit == "" {
		return "Money"
	}
	return "Credit " + credit
}

func fileLink(document billing.Document) ui.FileLink {
	kind := strings.ToUpper(document.ContentType[strings.LastIndex(document.ContentType, "/")+1:])
	if document.Held != "" {
		return ui.FileLink{Name: document.Name, URL: "/vendor/documents/" + document.ID, Detail: "held back: " + document.Held}
	}
	return ui.FileLink{Name: document.Name, URL: "/vendor/documents/" + document.ID, Detail: kind + ", " + ui.Bytes(int64(document.Bytes))}
}

// SendDocument sends one of the vendor's papers as a download. GET /vendor/documents/:id
func (h *Handlers) SendDocument(c *fiber.Ctx) error {
	r, err := h.open(c, "Document", "")
	if err != nil {
		return err
	}
	document, err := h.Billing.VendorDocument(r.ctx(), r.vendor.ID, page.Param(c, "id"))
	if err != nil {
		return err
	}
	if document.Held != "" {
		return fault.New(fault.Forbidden, "This paper is held back: %s", document.Held)
	}
	c.Attachment(document.Name)
	c.Set(fiber.HeaderContentType, fiber.MIMEOctetStream) // Attachment guesses one from the name
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	return c.Send(document.Content)
}

// HoldInvoice stops the reminders of an invoice. POST /vendor/invoices/:id/holds
func (h *Handlers) HoldInvoice(c *fiber.Ctx) error {
	r, err := h.open(c, "Invoice", "/vendor/invoices")
	if err != nil {
		return err
	}
	id, until := page.Param(c, "id"), strings.TrimSpace(page.Form(c, "until", 20))
	endsOn, err := holdUntil(until, r.today)
	if err == nil {
		err = h.hold(r, id, endsOn)
	}
	if problems := refused(err); problems != nil {
		return h.showInvoice(r, id, until, problems)
	}
	if err != nil {
		return err
	}
	return h.Kit.Done(c, invoiceURL(id), "The invoice is on hold: nobody is reminded of it")
}

func holdUntil(text string, today money.Date) (money.Date, error) {
	if text == "" {
		return "", nil
	}
	date, err := money.ParseDate(text)
	if err != nil || date <= today || date > today.AddDays(366) {
		return "", fault.At("until", "Enter a date after today and within a year, like %s.", today.AddDays(14))
	}
	return date, nil
}

func (h *Handlers) hold(r at, id string, endsOn money.Date) error {
	item, err := h.Billing.VendorInvoice(r.ctx(), r.vendor.ID, id)
	if err != nil {
		return err
	}
	if _, held := item.HoldOf(billing.HoldManual, r.today); held || item.Open == 0 {
		return fault.At("until", "It is on hold already, or nothing is open on it any more.")
	}
	change := access.Change{Action: "invoice.held", SubjectKind: "invoice", SubjectID: id, CustomerID: item.CustomerID, After: heldLog{Number: item.Number, Until: endsOn}}
	return h.change(r, change, func(ctx context.Context, tx bun.IDB) error {
		if _, _, err := h.Billing.LockTx(ctx, tx, []string{id}, nil); err != nil {
			return err
		}
		if err := h.Billing.LiftManualTx(ctx, tx, r.vendor.ID, id); err != nil { // two tabs make one hold
			return err
		}
		if err := h.Billing.HoldTx(ctx, tx, item.Invoice, billing.HoldManual, "", 0, endsOn); err != nil {
			return err
		}
		text := "The vendor put it on hold."
		if endsOn != "" {
			text = fmt.Sprintf("The vendor put it on hold until %s.", endsOn.Time().Format("2 January 2006"))
		}
		return h.Billing.NoteTx(ctx, tx, billing.Note{Invoice: item.Invoice, Kind: "held", Text: text})
	})
}

type heldLog struct {
	Number string     `json:"number"`
	Until  money.Date `json:"until,omitempty"`
}

// ReleaseInvoice lifts the vendor's own hold. POST /vendor/invoices/:id/releases
func (h *Handlers) ReleaseInvoice(c *fiber.Ctx) error {
	r, err := h.open(c, "Invoice", "/vendor/invoices")
	if err != nil {
		return err
	}
	item, err := h.Billing.VendorInvoice(r.ctx(), r.vendor.ID, page.Param(c, "id"))
	if err != nil {
		return err
	}
	if _, held := item.HoldOf(billing.HoldManual, ""); held {
		change := access.Change{Action: "invoice.released", SubjectKind: "invoice", SubjectID: item.ID, CustomerID: item.CustomerID, After: heldLog{Number: item.Number}}
		err = h.change(r, change, func(ctx context.Context, tx bun.IDB) error {
			if err := h.Billing.LiftManualTx(ctx, tx, r.vendor.ID, item.ID); err != nil {
				return err
			}
			return h.Billing.NoteTx(ctx, tx, billing.Note{Invoice: item.Invoice, Kind: "released", Text: "The vendor lifted its hold."})
		})
		if err != nil {
			return err
		}
	}
	return h.Kit.Done(c, invoiceURL(item.ID), "The hold is lifted: it is in the next reminder when it is due")
}
