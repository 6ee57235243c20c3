package console

import (
	"strconv"

	"github.com/gofiber/fiber/v2"

	"github.com/sheaf-hub/sheaf/hub/intake"
	"github.com/sheaf-hub/sheaf/web/page"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// ListImports shows connections and runs. GET /vendor/imports
func (h *Handlers) ListImports(c *fiber.Ctx) error {
	r, err := h.open(c, "Imports", "/vendor/imports")
	if err != nil {
		return err
	}
	connections, err := h.Intake.ListConnections(r.ctx(), r.vendor.ID)
	if err != nil {
		return err
	}
	runs, next, err := h.Intake.ListSyncs(r.ctx(), r.vendor.ID, page.Cursor(r.Ctx, onOnePage))
	if err != nil {
		return err
	}
	view := ImportsView{Frame: r.frame, Pages: page.CursorPages(r.Ctx, next)}
	for _, connection := range connections {
		view.Connections = append(view.Connections, r.connectionRow(connection))
	}
	for _, run := range runs {
		view.Runs = append(view.Runs, RunRow{URL: "/vendor/imports/" + run.ID, Source: run.Source, Started: r.local(run.StartedAt), State: runStatus(run.State),
			Created: strconv.Itoa(run.Created), Updated: strconv.Itoa(run.Updated), Unchanged: strconv.Itoa(run.Unchanged), Rejected: strconv.Itoa(run.Rejected)})
	}
	return page.Render(c, fiber.StatusOK, Imports(view))
}

func (r at) connectionRow(connection intake.Connection) ConnectionRow {
	row := ConnectionRow{ID: connection.ID, Name: connection.Name, Kind: connection.Kind, Error: connection.LastError, LastGood: r.local(connection.LastGoodAt),
		Next: r.local(connection.NextSyncAt), Held: connection.Held(), Health: Status{ui.ToneGood, "Good"}}
	switch {
	case !connection.DisabledAt.IsZero():
		row.Health, row.Held = Status{ui.ToneNeutral, "Removed"}, 0
	case row.Held > 0:
		row.Health = Status{ui.ToneWarn, "Waits for your yes"}
	case connection.LastError != "":
		row.Health = Status{ui.ToneBad, "Failing"}
	case connection.LastGoodAt.IsZero():
		row.Health = Status{ui.ToneInfo, "Not read yet"}
	}
	return row
}

func runStatus(state intake.SyncState) Status {
	switch state {
	case intake.Done:
		return Status{ui.ToneGood, "Done"}
	case intake.Failed:
		return Status{ui.ToneBad, "Failed"}
	case intake.Stopped:
		return Status{ui.ToneNeutral, "Stopped"}
	}
	return Status{ui.ToneInfo, "Running"}
}

// ShowImport shows one run and what it did not take. GET /vendor/imports/:id
func (h *Handlers) ShowImport(c *fiber.Ctx) error {
	r, err := h.open(c, "Import", "/vendor/imports")
	if err != nil {
		return err
	}
	id := page.Param(c, "id")
	run, err := h.Intake.Run(r.ctx(), r.vendor.ID, id)
	if err != nil {
		return err
	}
	rejections, next, err := h.Intake.Rejections(r.ctx(), r.vendor.ID, id, page.Cursor(r.Ctx, onOnePage))
	if err != nil {
		return err
	}
	view := ImportView{Frame: r.frame, Source: run.Source, State: runStatus(run.State), Error: run.Error, Pages: page.CursorPages(r.Ctx, next), Facts: r.runFacts(run)}
	for _, rejection := range rejections {
		problems, err := rejection.List()
		if err != nil {
			return err
		}
		row := RejectionRow{Place: rejection.Place, ExternalID: rejection.ExternalID}
		for _, problem := range problems {
			row.Problems = append(row.Problems, asSentence(problem.Message))
		}
		view.Rows = append(view.Rows, row)
	}
	return page.Render(c, fiber.StatusOK, Import(view))
}

func (r at) runFacts(run intake.Sync) []ui.Fact {
	facts := []ui.Fact{{Label: "Started", Body: ui.Moment(r.local(run.StartedAt), r.today)}}
	if !run.FinishedAt.IsZero() {
		facts = append(facts, ui.Fact{Label: "Ended", Body: ui.Moment(r.local(run.FinishedAt), r.today)})
	}
	return append(facts, ui.Fact{Label: "New", Text: strconv.Itoa(run.Created)}, ui.Fact{Label: "Changed", Text: strconv.Itoa(run.Updated)},
		ui.Fact{Label: "Unchanged", Text: strconv.Itoa(run.Unchanged)}, ui.Fact{Label: "Not taken", Text: strconv.Itoa(run.Rejected)})
}

// ConfirmSnapshot is the yes to closing what the books no longer hold. POST /vendor/connections/:id/confirmations (owner)
func (h *Handlers) ConfirmSnapshot(c *fiber.Ctx) error {
	r, err := h.owner(c, "Imports", "/vendor/imports")
	if err != nil {
		return err
	}
	if err := h.Intake.ConfirmSnapshot(r.ctx(), r.session.Actor, r.vendor.ID, page.Param(c, "id")); err != nil {
		return h.back(c, "/vendor/imports", err)
	}
	return h.Kit.Done(c, "/vendor/imports", "The next run closes what your books no longer hold")
}
