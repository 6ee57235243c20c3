package operator

import (
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/reminder"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/web/page"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// ListDigests lists digests by state. GET /operator/digests
func (h *Handlers) ListDigests(c *fiber.Ctx) error {
	base, _, err := h.open(c, "Digests", "/operator/digests")
	if err != nil {
		return err
	}
	view := DigestsView{Page: base, State: known(page.Query(c, "state", 20), digestStates())}
	if view.State == "" {
		view.State = string(reminder.Unknown)
	}
	view.Decide = view.State == string(reminder.Unknown)
	counts, err := h.Reminder.Counts(c.UserContext())
	if err != nil {
		return err
	}
	for _, state := range reminder.States() {
		view.Tabs = append(view.Tabs, ui.NavItem{Label: sentence(string(state)), URL: "/operator/digests?state=" + string(state),
			Current: string(state) == view.State, Count: counts[state]})
	}
	digests, next, err := h.Reminder.List(c.UserContext(), reminder.State(view.State), page.Cursor(c, onOnePage))
	if err != nil {
		return err
	}
	for _, digest := range digests {
		row := DigestRow{ID: digest.ID, Email: digest.Email, Period: digest.Period, Subject: digest.Subject, State: stateStatus(string(digest.State)),
			Lines: strconv.Itoa(digest.Lines), Attempts: strconv.Itoa(digest.Attempts), Due: utc(digest.DueAt), Sent: utc(digest.SentAt),
			Answer: digest.LastAnswer, Message: digest.MessageID}
		if digest.DecidedBy != "" {
			row.Decided = "decided by " + digest.DecidedBy
		}
		view.Rows = append(view.Rows, row)
	}
	view.Pages = page.CursorPages(c, next)
	return page.Render(c, fiber.StatusOK, Digests(view))
}

// utc keeps the zero time zero.
func utc(at time.Time) time.Time {
	if at.IsZero() {
		return at
	}
	return at.UTC()
}

// DecideDigest settles an unknown digest: sent is "yes" or "no". POST /operator/digests/:id/decision
func (h *Handlers) DecideDigest(c *fiber.Ctx) error {
	_, session, err := h.open(c, "Digests", "/operator/digests")
	if err != nil {
		return err
	}
	digestID, err := id(c, "digest")
	if err != nil {
		return err
	}
	sent := page.Form(c, "sent", 5)
	if sent != "yes" && sent != "no" {
		return h.back(c, "/operator/digests", fault.New(fault.Invalid, "Say whether it was sent."))
	}
	if err := h.Reminder.Decide(c.UserContext(), session.Actor, digestID, sent == "yes"); err != nil {
		return h.back(c, "/operator/digests", err)
	}
	if sent == "yes" {
		return h.Kit.Done(c, "/operator/digests", "The digest counts as sent")
	}
	return h.Kit.Done(c, "/operator/digests", "The digest is on its way again")
}

// ListDeadLetters lists deliveries, mails or receipts that nobody tries any more. GET /operator/dead-letters
func (h *Handlers) ListDeadLetters(c *fiber.Ctx) error {
	base, _, err := h.open(c, "Dead letters", "/operator/dead-letters")
	if err != nil {
		return err
	}
	view := DeadLettersView{Page: base, Kind: "deliveries"}
	switch page.Query(c, "kind", 20) {
	case "mails":
		view.Kind = "mails"
		err = h.fillMails(c, &view)
	case "receipts":
		view.Kind = "receipts"
		err = h.fillReceipts(c, &view)
	default:
		err = h.fillDeliveries(c, &view)
	}
	if err != nil {
		return err
	}
	return page.Render(c, fiber.StatusOK, DeadLetters(view))
}

func (h *Handlers) fillDeliveries(c *fiber.Ctx, view *DeadLettersView) error {
	rows, next, err := h.Outbox.DeadLetters(c.UserContext(), page.Cursor(c, onOnePage))
	if err != nil {
		return err
	}
	ids := make([]string, len(rows))
	for i, row := range rows {
		ids[i] = row.VendorID
	}
	names, err := h.vendorNames(c.UserContext(), ids)
	for _, row := range rows {
		view.Deliveries = append(view.Deliveries, DeadDelivery{ID: row.ID, VendorID: row.VendorID, Vendor: names[row.VendorID], Type: row.EventType, Target: row.Target,
			At: row.CreatedAt.UTC(), Attempts: strconv.Itoa(row.Attempts), Answer: answerWord(row.LastStatus, row.LastAnswer)})
	}
	view.Pages = page.CursorPages(c, next)
	return err
}

func (h *Handlers) fillMails(c *fiber.Ctx, view *DeadLettersView) error {
	rows, next, err := h.Outbox.DeadMails(c.UserContext(), page.Cursor(c, onOnePage))
	for _, row := range rows {
		view.Mails = append(view.Mails, DeadMail{ID: row.ID, Kind: sentence(row.Kind), To: row.Recipient, Subject: row.Subject, At: row.CreatedAt.UTC(),
			Attempts: strconv.Itoa(row.Attempts), Answer: answerWord(0, row.LastAnswer), Expired: !row.ExpiresAt.IsZero() && h.Kit.Now().After(row.ExpiresAt)})
	}
	view.Pages = page.CursorPages(c, next)
	return err
}

func (h *Handlers) fillReceipts(c *fiber.Ctx, view *DeadLettersView) error {
	rows, next, err := h.Payment.FailedReceipts(c.UserContext(), page.Cursor(c, onOnePage))
	for _, row := range rows {
		view.Receipts = append(view.Receipts, DeadReceipt{ID: row.ID, Number: row.Number, To: row.Email, At: row.CreatedAt.UTC(), Attempts: strconv.Itoa(row.Attempts),
			Answer: answerWord(0, row.LastAnswer)})
	}
	view.Pages = page.CursorPages(c, next)
	return err
}

// answerWord is an answer on one line of a list.
func answerWord(status int, answer string) string {
	const most = 120
	text := strings.Join(strings.Fields(answer), " ")
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "…"
	}
	if status == 0 {
		return text
	}
	return strings.TrimSpace(strconv.Itoa(status) + " " + text)
}

// RetryDelivery tries a dead delivery again. POST /operator/dead-letters/deliveries/:id/retries
func (h *Handlers) RetryDelivery(c *fiber.Ctx) error {
	_, session, err := h.open(c, "Dead letters", "/operator/dead-letters")
	if err != nil {
		return err
	}
	deliveryID, err := id(c, "delivery")
	if err != nil {
		return err
	}
	vendorID := page.Form(c, "vendor", 40)
	if !store.ValidID(vendorID) {
		return fault.New(fault.NotFound, "There is no such delivery.")
	}
	change := access.Change{Action: "delivery.replayed", SubjectKind: "delivery", SubjectID: deliveryID, VendorID: vendorID}
	if err := h.Outbox.Replay(c.UserContext(), vendorID, deliveryID); err != nil {
		return h.back(c, "/operator/dead-letters", err)
	}
	if err := h.note(c.UserContext(), session.Actor, change); err != nil {
		return err
	}
	return h.Kit.Done(c, "/operator/dead-letters", "The delivery is on its way again")
}

// RetryMail tries a dead mail again. POST /operator/dead-letters/mails/:id/retries
func (h *Handlers) RetryMail(c *fiber.Ctx) error {
	_, session, err := h.open(c, "Dead letters", "/operator/dead-letters")
	if err != nil {
		return err
	}
	mailID, err := id(c, "mail")
	if err != nil {
		return err
	}
	if err := h.Outbox.RetryMail(c.UserContext(), mailID); err != nil {
		return h.back(c, "/operator/dead-letters?kind=mails", err)
	}
	if err := h.note(c.UserContext(), session.Actor, access.Change{Action: "mail.retried", SubjectKind: "mail", SubjectID: mailID}); err != nil {
		return err
	}
	return h.Kit.Done(c, "/operator/dead-letters?kind=mails", "The mail is on its way again")
}

// RetryReceipt tries a failed receipt again. POST /operator/dead-letters/receipts/:id/retries
func (h *Handlers) RetryReceipt(c *fiber.Ctx) error {
	_, session, err := h.open(c, "Dead letters", "/operator/dead-letters")
	if err != nil {
		return err
	}
	receiptID, err := id(c, "receipt")
	if err != nil {
		return err
	}
	if err := h.Payment.RetryReceipt(c.UserContext(), receiptID); err != nil {
		return h.back(c, "/operator/dead-letters?kind=receipts", err)
	}
	if err := h.note(c.UserContext(), session.Actor, access.Change{Action: "receipt.retried", SubjectKind: "receipt", SubjectID: receiptID}); err != nil {
		return err
	}
	return h.Kit.Done(c, "/operator/dead-letters?kind=receipts", "The receipt is on its way again")
}

// ListTransfers lists the sendings of shares by state. GET /operator/transfers
func (h *Handlers) ListTransfers(c *fiber.Ctx) error {
	base, _, err := h.open(c, "Transfers", "/operator/transfers")
	if err != nil {
		return err
	}
	view := TransfersView{Page: base, State: known(page.Query(c, "state", 20), transferStates())}
	if view.State == "" {
		view.State = "failed"
	}
	transfers, next, err := h.Payment.ListTransfers(c.UserContext(), view.State, page.Cursor(c, onOnePage))
	if err != nil {
		return err
	}
	ids := make([]string, len(transfers))
	for i, transfer := range transfers {
		ids[i] = transfer.VendorID
	}
	names, err := h.vendorNames(c.UserContext(), ids)
	if err != nil {
		return err
	}
	for _, t := range transfers {
		view.Rows = append(view.Rows, TransferRow{ID: t.ID, Vendor: names[t.VendorID], Amount: money.New(t.Amount, t.Currency), State: stateStatus(t.State),
			Attempts: strconv.Itoa(t.Attempts), Next: utc(t.NextAttemptAt), Changed: utc(t.UpdatedAt), Ref: t.GatewayRef, Answer: answerWord(0, t.LastAnswer),
			Retry: t.State == "failed", Netted: money.New(t.Netted, t.Currency), Note: transferNote(t)})
	}
	view.Pages = page.CursorPages(c, next)
	return page.Render(c, fiber.StatusOK, Transfers(view))
}

// transferNote says what is particular to a transfer.
func transferNote(t payment.Transfer) string {
	var notes []string
	if t.Kind == "return" {
		notes = append(notes, "gives back what was taken in vain")
	}
	if words := map[string]string{"account": "waits for the vendor's account", "vendor": "waits: the vendor is suspended", "funds": "waits until the money is available"}[t.WaitsFor]; words != "" {
		notes = append(notes, words)
	}
	return strings.Join(notes, "; ")
}

// RetryTransfer tries a failed transfer again. POST /operator/transfers/:id/retries
func (h *Handlers) RetryTransfer(c *fiber.Ctx) error {
	_, session, err := h.open(c, "Transfers", "/operator/transfers")
	if err != nil {
		return err
	}
	transferID, err := id(c, "transfer")
	if err != nil {
		return err
	}
	if err := h.Payment.RetryTransfer(c.UserContext(), transferID); err != nil {
		return h.back(c, "/operator/transfers", err)
	}
	if err := h.note(c.UserContext(), session.Actor, access.Change{Action: "transfer.retried", SubjectKind: "transfer", SubjectID: transferID}); err != nil {
		return err
	}
	return h.Kit.Done(c, "/operator/transfers", "The transfer is on its way again")
}

// ListTasks is the work that waits for the operator. GET /operator/tasks
func (h *Handlers) ListTasks(c *fiber.Ctx) error {
	base, _, err := h.open(c, "Tasks", "/operator/tasks")
	if err != nil {
		return err
	}
	tasks, next, err := h.Worklist.ListOperator(c.UserContext(), page.Cursor(c, onOnePage))
	if err != nil {
		return err
	}
	view := TasksView{Page: base, Pages: page.CursorPages(c, next)}
	for _, task := range tasks {
		view.Rows = append(view.Rows, TaskRow{ID: task.ID, Title: task.Title, Text: task.Text, Made: task.CreatedAt.UTC()})
	}
	return page.Render(c, fiber.StatusOK, Tasks(view))
}

// CompleteTask ticks one off. POST /operator/tasks/:id/completions
func (h *Handlers) CompleteTask(c *fiber.Ctx) error {
	_, session, err := h.open(c, "Tasks", "/operator/tasks")
	if err != nil {
		return err
	}
	if err := h.Worklist.Done(c.UserContext(), session.Actor, "", page.Param(c, "id")); err != nil {
		return err
	}
	return h.Kit.Done(c, "/operator/tasks", "The task is done")
}

// ShowQueues shows whether the work moves. GET /operator/queues
func (h *Handlers) ShowQueues(c *fiber.Ctx) error {
	base, _, err := h.open(c, "Queues", "/operator/queues")
	if err != nil {
		return err
	}
	state, err := h.Queues(c.UserContext())
	view := QueuesView{Page: base}
	if err != nil { // Redis may be down: the page says so, with the schedule that the database knows
		h.Kit.Log.Warn("queues cannot be read", "error", err)
		view.Problem = "Redis did not answer. Work waits in the database and goes on when Redis is back."
	}
	for _, q := range state.Queues {
		view.Queues = append(view.Queues, QueueRow{Name: q.Name, Active: strconv.Itoa(q.Active), Pending: strconv.Itoa(q.Pending), Scheduled: strconv.Itoa(q.Scheduled),
			Retry: strconv.Itoa(q.Retry), Archived: strconv.Itoa(q.Archived), Processed: strconv.Itoa(q.Processed), Failed: strconv.Itoa(q.Failed),
			Latency: q.Latency.Round(time.Millisecond).String()})
	}
	for _, s := range state.Schedules {
		view.Schedules = append(view.Schedules, ScheduleRow{Name: sentence(strings.ReplaceAll(s.Name, "-", " ")), Last: utc(s.LastRun), Result: s.LastResult,
			Next: utc(s.NextRun), Late: h.Kit.Now().Sub(s.NextRun) > time.Minute})
	}
	return page.Render(c, fiber.StatusOK, Queues(view))
}

// ListAudit is everything that was changed. GET /operator/audit
func (h *Handlers) ListAudit(c *fiber.Ctx) error {
	base, _, err := h.open(c, "Audit log", "/operator/audit")
	if err != nil {
		return err
	}
	entries, next, err := h.Access.ListAllAudit(c.UserContext(), page.Cursor(c, onOnePage))
	if err != nil {
		return err
	}
	var ids []string
	for _, entry := range entries {
		if entry.VendorID != "" {
			ids = append(ids, entry.VendorID)
		}
	}
	names, err := h.vendorNames(c.UserContext(), ids)
	if err != nil {
		return err
	}
	view := AuditView{Page: base, Pages: page.CursorPages(c, next)}
	for _, entry := range entries {
		view.Rows = append(view.Rows, AuditRow{At: entry.At.UTC(), Who: entry.ActorName, WhoKind: sentence(entry.ActorKind), What: sentence(entry.Action),
			Vendor: names[entry.VendorID], Before: indented(entry.Before), After: indented(entry.After)})
	}
	return page.Render(c, fiber.StatusOK, Audit(view))
}
