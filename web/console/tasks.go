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
		if task.Kind == worklist.KindOverpaid {
			row.URL, row.Link = paymentURL(task.SubjectID), "See the payment"
		}
		switch task.Kind {
		case "share_waits", "account_shut", "account_due", "account_ready":
			row.URL, row.Link = payoutsPath, "See the payouts page"
		case "payout_failed":
			row.URL, row.Link = payoutsPath+"/"+task.SubjectID, "See the payout"
		}
		view.Rows = append(view.Rows, row)
	}
	return page.Render(c, fiber.StatusOK, Tasks(view))
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
