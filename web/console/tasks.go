package console

import (
	"github.com/gofiber/fiber/v2"

	"github.com/sheaf-hub/sheaf/hub/worklist"
	"github.com/sheaf-hub/sheaf/web/page"
)

// ListTasks is the work that waits. GET /vendor/tasks
func (h *Handlers) ListTasks(c *fiber.Ctx) error {
	r, err := h.open(c, "Tasks", "/vendor/tasks")
	if err != nil {
		return err
	}
	tasks, next, err := h.Worklist.List(r.ctx(), r.vendor.ID, page.Cursor(r.Ctx, onOnePage))
	if err != nil {
		return err
	}
	view := TasksView{Frame: r.frame, Pages: page.CursorPages(r.Ctx, next)}
	for _, task := range tasks {
		row := TaskRow{ID: task.ID, Title: task.Title, Text: task.Text, Made: r.local(task.CreatedAt)}
		row.URL, row.Link = taskLink(task)
		view.Rows = append(view.Rows, row)
	}
	return page.Render(c, fiber.StatusOK, Tasks(view))
}

// taskLink leads to what a task is about; empty: nowhere.
func taskLink(task worklist.Task) (url, words string) {
	switch task.Kind {
	case worklist.KindOverpaid:
		return paymentURL(task.SubjectID), "See the payment"
	case "chargeback", "chargeback_won", "chargeback_reminder", "chargeback_unanswered":
		return chargebackURL(task.SubjectID), "See the chargeback"
	case "refund_failed":
		return "/vendor/refunds/" + task.SubjectID, "See the refund"
	case "share_waits", "account_shut", "account_due", "account_ready":
		return payoutsPath, "See the payouts page"
	case "payout_failed":
		return payoutsPath + "/" + task.SubjectID, "See the payout"
	}
	return "", ""
}

// CompleteTask ticks one off. POST /vendor/tasks/:id/completions
func (h *Handlers) CompleteTask(c *fiber.Ctx) error {
	r, err := h.open(c, "Tasks", "/vendor/tasks")
	if err != nil {
		return err
	}
	if err := h.Worklist.Done(r.ctx(), r.session.Actor, r.vendor.ID, page.Param(c, "id")); err != nil {
		return err
	}
	return h.Kit.Done(c, "/vendor/tasks", "The task is done")
}
