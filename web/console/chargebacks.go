package console

import (
	"io"
	"mime/multipart"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/web/page"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// ListChargebacks lists what payers' banks took back. GET /vendor/chargebacks
func (h *Handlers) ListChargebacks(c *fiber.Ctx) error {
	r, err := h.open(c, "Chargebacks", "/vendor/payments")
	if err != nil {
		return err
	}
	view := ChargebacksView{Frame: r.frame, Waiting: page.Query(c, "waiting", 5) == "yes"}
	list, next, err := h.Payment.ListVendorChargebacks(r.ctx(), r.vendor.ID, payment.ChargebackFilter{Waiting: view.Waiting}, page.Cursor(c, onOnePage))
	if err != nil {
		return err
	}
	for _, chargeback := range list {
		view.Rows = append(view.Rows, r.chargebackRow(chargeback))
	}
	view.Pages = page.CursorPages(c, next)
	if view.Tabs, err = h.paymentTabs(r, "/vendor/chargebacks"); err != nil {
		return err
	}
	return page.Render(c, fiber.StatusOK, Chargebacks(view))
}

// paymentTabs lead between payments and chargebacks; those that wait are counted.
func (h *Handlers) paymentTabs(r at, current string) ([]ui.NavItem, error) {
	waiting, err := h.Payment.CountWaitingChargebacks(r.ctx(), r.vendor.ID)
	return marked([]ui.NavItem{{Label: "Payments", URL: "/vendor/payments"}, {Label: "Chargebacks", URL: "/vendor/chargebacks", Count: waiting}}, current), err
}

func (r at) chargebackRow(chargeback payment.VendorChargeback) ChargebackRow {
	return ChargebackRow{URL: chargebackURL(chargeback.ID), Reference: chargeback.Reference, Amount: money.New(chargeback.Amount, chargeback.Currency),
		State: chargebackStatus(chargeback.ChargebackShare), Reason: chargebackReason(chargeback.Reason).Title, At: r.local(chargeback.CreatedAt), Due: r.local(chargeback.EvidenceDueAt),
		Open: !chargeback.Over()}
}

// ShowChargeback shows one. GET /vendor/chargebacks/:id
func (h *Handlers) ShowChargeback(c *fiber.Ctx) error {
	return h.showChargeback(c, nil, nil)
}

func (h *Handlers) showChargeback(c *fiber.Ctx, entered *payment.Evidence, problems []ui.FieldError) error {
	r, err := h.open(c, "Chargeback", "/vendor/payments")
	if err != nil {
		return err
	}
	found, err := h.Payment.VendorChargeback(r.ctx(), r.vendor.ID, page.Param(c, "id"))
	if err != nil {
		return err
	}
	if c.Method() != fiber.MethodGet { // the page comes again with what was entered
		if err := h.countWaiting(r); err != nil {
			return err
		}
	}
	view := r.chargebackView(found, h.Kit.Now())
	if entered != nil {
		view.Form.Text, view.Form.Mails, view.Form.Visits = entered.Text, entered.Mails, entered.Visits
	}
	view.Page.Errors = problems
	status := fiber.StatusOK
	if len(problems) > 0 {
		status = fiber.StatusUnprocessableEntity
	}
	return page.Render(c, status, Chargeback(view))
}

func (r at) chargebackView(found payment.ChargebackView, now time.Time) ChargebackView {
	amount := func(minor int64) money.Amount { return money.New(minor, found.Currency) }
	reason := chargebackReason(found.Reason)
	view := ChargebackView{Frame: r.frame, ID: found.ID, Amount: amount(found.Amount), Reference: found.Reference, State: chargebackStatus(found.ChargebackShare),
		Reason: reason, Inquiry: found.State == payment.ChargebackInquiry, Reopened: amount(found.Reopened), MayAnswer: found.MayAnswer(now),
		Given: !found.EvidenceAt.IsZero(), Accepted: !found.AcceptedAt.IsZero(), Standing: r.standing(found, now)}
	view.Page.Title = "Chargeback of " + found.Reference
	view.Facts = []ui.Fact{{Label: "Payment", Body: link(paymentURL(found.ShareID), found.Reference)}, {Label: "Taken back", Body: ui.Money(view.Amount)}}
	if found.Fee > 0 {
		view.Facts = append(view.Facts, ui.Fact{Label: "Fee of the bank, borne by you", Body: ui.Money(amount(found.Fee))})
	}
	view.Facts = append(view.Facts, ui.Fact{Label: "Since", Body: ui.Moment(r.local(found.CreatedAt), r.today)})
	if !found.EvidenceDueAt.IsZero() {
		view.Facts = append(view.Facts, ui.Fact{Label: "Deadline", Text: r.local(found.EvidenceDueAt).Format("Monday, 2 January 2006, 15:04 MST")})
	}
	for _, line := range found.Lines {
		view.Lines = append(view.Lines, PaymentLine{URL: invoiceURL(line.InvoiceID), Number: line.Number, Account: line.Account, By: byWord(line.CreditNumber), Amount: amount(line.Amount)})
	}
	view.Form = EvidenceForm{Text: found.Evidence, Mails: found.MailLog != "", Visits: found.AccessLog != "", MailLog: found.Logs.Mails, VisitLog: found.Logs.Visits}
	for _, paper := range found.Papers {
		view.Form.Papers = append(view.Form.Papers, Paper{ID: paper.ID, Name: paper.Name, Detail: sizeWords(paper.ContentType, paper.Bytes), URL: "/vendor/evidence/" + paper.ID})
	}
	for _, paper := range found.Offered {
		view.Form.Offered = append(view.Form.Offered, Paper{ID: paper.ID, Name: paper.Name, Detail: "invoice " + paper.Invoice + ", " + sizeWords(paper.ContentType, paper.Bytes), URL: "/vendor/documents/" + paper.ID})
	}
	view.Form.By, view.Form.At = found.EvidenceBy, r.local(found.EvidenceAt)
	return view
}

func sizeWords(contentType string, bytes int) string {
	kind := map[string]string{"application/pdf": "PDF", "image/png": "PNG", "image/jpeg": "JPEG"}[contentType]
	return kind + ", " + strconv.Itoa(max(1, bytes>>10)) + " KB"
}

// standing says where it stands, in a sentence.
func (r at) standing(found payment.ChargebackView, now time.Time) string {
	day := func(at time.Time) string { return r.local(at).Format("2 January 2006, 15:04 MST") }
	switch {
	case found.State == payment.ChargebackWon:
		return "The bank decided for you. The money is yours again, and the invoices are paid here."
	case found.State == payment.ChargebackLost:
		return "The bank decided for the payer. The invoices stay open here: agree with the customer how they are paid."
	case found.State == payment.ChargebackClosed:
		return "The bank asked and took nothing. There is nothing to do."
	case !found.SentAt.IsZero() && found.EvidenceAt.IsZero() && found.AcceptedAt.IsZero():
		return "The answer to the bank left without yours on " + day(found.SentAt) + ". An answer is final; the bank decides within weeks."
	case !found.AcceptedAt.IsZero():
		return "You accepted it on " + day(found.AcceptedAt) + ": it is not contested for you. The bank closes it after the deadline."
	case !found.SentAt.IsZero():
		return "Your evidence was sent to the bank on " + day(found.SentAt) + ". An answer is final; the bank decides within weeks."
	case found.Leaving:
		return "Your evidence is on its way to the bank. An answer is final."
	case !found.EvidenceDueAt.IsZero() && !now.Before(found.EvidenceDueAt):
		return "The deadline has passed: the bank takes no answer any more, and decides."
	case !found.EvidenceAt.IsZero() && !found.LeavesAt.IsZero():
		return "Your evidence is kept, and leaves for the bank by " + day(found.LeavesAt) + " at the latest. Until it has left you can change it."
	case !found.EvidenceAt.IsZero():
		return "Your evidence is kept. Until it has left for the bank you can change it."
	case found.EvidenceDueAt.IsZero():
		return "It waits for your answer."
	}
	return "It waits for your answer: " + leftWords(found.EvidenceDueAt.Sub(now)) + ", until " + day(found.EvidenceDueAt) + "."
}

// leftWords is how much time is left: "3 days and 4 hours are left".
func leftWords(left time.Duration) string {
	days, hours := int(left/(24*time.Hour)), int(left/time.Hour)%24
	switch {
	case days > 1 && hours > 0:
		return ui.Count(days, "day", "days") + " and " + ui.Count(hours, "hour", "hours") + " are left"
	case days > 1:
		return ui.Count(days, "day", "days") + " are left"
	case left >= 2*time.Hour:
		return ui.Count(int(left/time.Hour), "hour", "hours") + " are left"
	}
	return ui.Count(max(1, int(left/time.Minute)), "minute is", "minutes are") + " left"
}

// mostUpload bounds one file of a form, well over what all may come to.
const mostUpload = payment.MostEvidenceBytes + 1

// GiveEvidence keeps what speaks for the vendor. POST /vendor/chargebacks/:id/evidence
func (h *Handlers) GiveEvidence(c *fiber.Ctx) error {
	r, err := h.open(c, "Chargeback", "/vendor/payments")
	if err != nil {
		return err
	}
	id := page.Param(c, "id")
	evidence, err := evidenceOf(c)
	if err == nil {
		err = h.Payment.GiveEvidence(r.ctx(), r.session.Actor, r.vendor.ID, id, evidence)
	}
	if fault.Is(err, fault.Conflict) {
		return h.back(c, chargebackURL(id), err)
	}
	if problems := refused(err); problems != nil {
		return h.showChargeback(c, &evidence, problems)
	}
	if err != nil {
		return err
	}
	return h.Kit.Done(c, chargebackURL(id), "Your evidence is kept")
}

// evidenceOf reads the form: text, mails, visits, documents, keep, kind, files.
func evidenceOf(c *fiber.Ctx) (payment.Evidence, error) {
	evidence := payment.Evidence{Text: page.Form(c, "text", 6*payment.MostEvidenceText), Mails: page.Form(c, "mails", 5) == "yes", Visits: page.Form(c, "visits", 5) == "yes"}
	form, err := c.MultipartForm()
	if err != nil { // posted without files
		evidence.Documents, evidence.Keep = ids(posted(c, "documents")), ids(posted(c, "keep"))
		return evidence, nil
	}
	evidence.Documents, evidence.Keep = ids(form.Value["documents"]), ids(form.Value["keep"])
	for _, header := range form.File["files"] {
		if header.Filename == "" && header.Size == 0 {
			continue
		}
		if len(evidence.Files) == payment.MostEvidencePapers {
			return evidence, fault.At("files", "Choose at most %d papers: put several into one PDF.", payment.MostEvidencePapers)
		}
		content, err := contentOf(header)
		if err != nil {
			return evidence, err
		}
		evidence.Files = append(evidence.Files, payment.EvidenceFile{Kind: page.Form(c, "kind", 20), Name: strings.ToValidUTF8(strings.Clone(header.Filename), ""), Content: content})
	}
	return evidence, nil
}

// posted are all values of a name in a form without files.
func posted(c *fiber.Ctx, name string) []string {
	var values []string
	for _, value := range c.Request().PostArgs().PeekMulti(name) {
		values = append(values, string(value))
	}
	return values
}

// ids are a form's values that outlive the handler.
func ids(values []string) []string {
	out := make([]string, 0, min(len(values), onOnePage))
	for _, value := range values[:min(len(values), onOnePage)] {
		out = append(out, strings.Clone(value))
	}
	return out
}

func contentOf(header *multipart.FileHeader) ([]byte, error) {
	if header.Size >= mostUpload {
		return nil, fault.At("files", "The papers come to more than 4 MB together, and the bank takes no more. Make them smaller or leave one out.")
	}
	opened, err := header.Open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = opened.Close() }()
	return io.ReadAll(io.LimitReader(opened, mostUpload))
}

// AcceptChargeback does not contest it. POST /vendor/chargebacks/:id/acceptances
func (h *Handlers) AcceptChargeback(c *fiber.Ctx) error {
	r, err := h.open(c, "Chargeback", "/vendor/payments")
	if err != nil {
		return err
	}
	id := page.Param(c, "id")
	if err := h.Payment.AcceptChargeback(r.ctx(), r.session.Actor, r.vendor.ID, id); err != nil {
		return h.back(c, chargebackURL(id), err)
	}
	return h.Kit.Done(c, chargebackURL(id), "You accept the chargeback")
}

// BookChargeback is the word that the books show it. POST /vendor/chargebacks/:id/bookings
func (h *Handlers) BookChargeback(c *fiber.Ctx) error {
	r, err := h.open(c, "Chargeback", "/vendor/payments")
	if err != nil {
		return err
	}
	id := page.Param(c, "id")
	if err := h.Payment.ConfirmChargebackBooked(r.ctx(), r.session.Actor, r.vendor.ID, id); err != nil {
		return h.back(c, chargebackURL(id), err)
	}
	return h.Kit.Done(c, chargebackURL(id), "From now on your books alone say what is open")
}

// SendPaper sends a paper of the evidence. GET /vendor/evidence/:id
func (h *Handlers) SendPaper(c *fiber.Ctx) error {
	r, err := h.open(c, "Chargeback", "/vendor/payments")
	if err != nil {
		return err
	}
	paper, err := h.Payment.EvidencePaper(r.ctx(), r.vendor.ID, page.Param(c, "id"))
	if err != nil {
		return err
	}
	c.Attachment(paper.Name)
	c.Set(fiber.HeaderContentType, paper.ContentType)
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	return c.Send(paper.Content)
}
