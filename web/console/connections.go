package console

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/intake"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/web/page"
	"github.com/sheaf-hub/sheaf/web/ui"
)

const connectionsPath = "/vendor/connections/"

// ListKinds shows which books can be connected. GET /vendor/connections/new
func (h *Handlers) ListKinds(c *fiber.Ctx) error {
	r, err := h.open(c, "Connect your books", "/vendor/imports")
	if err != nil {
		return err
	}
	view := KindsView{Frame: r.frame, Query: strings.TrimSpace(page.Query(c, "q", 100))}
	for _, name := range slices.Sorted(maps.Keys(h.Intake.Connectors)) {
		d := h.Intake.Connectors[name].Descriptor
		if d.SignIn || !mentions(d, view.Query) { // signing in at the books is not built into this page yet
			continue
		}
		view.Kinds = append(view.Kinds, KindRow{URL: connectionsPath + "new/" + d.Kind, Title: d.Title, Summary: d.Summary, Writes: d.WriteBack, Proven: !d.Unproven})
	}
	return page.Render(c, fiber.StatusOK, ConnectionKinds(view))
}

func mentions(d connectors.Descriptor, query string) bool {
	return strings.Contains(strings.ToLower(d.Title+" "+d.Summary+" "+d.Kind), strings.ToLower(query))
}

func (v KindsView) clear() string {
	if v.Query == "" {
		return ""
	}
	return connectionsPath + "new"
}

// kind is a kind that this page can connect.
func (h *Handlers) kind(name string) (connectors.Descriptor, error) {
	known, found := h.Intake.Connectors[name]
	if !found || known.Descriptor.SignIn {
		return connectors.Descriptor{}, fault.New(fault.NotFound, "There is no such kind of books here.")
	}
	return known.Descriptor, nil
}

// AskConnection shows the form of a kind. GET /vendor/connections/new/:kind
func (h *Handlers) AskConnection(c *fiber.Ctx) error {
	r, err := h.open(c, "Connect your books", "/vendor/imports")
	if err != nil {
		return err
	}
	d, err := h.kind(page.Param(c, "kind"))
	if err != nil {
		return err
	}
	return h.showConnectionForm(r, d, ConnectionFormView{WriteBack: string(firstChoice(d))}, nil, nil)
}

func firstChoice(d connectors.Descriptor) intake.WriteBack {
	if d.WriteBack {
		return intake.Book
	}
	return intake.TellOnly
}

func (h *Handlers) showConnectionForm(r at, d connectors.Descriptor, view ConnectionFormView, values map[string]string, problems []ui.FieldError) error {
	r.frame.Page.Title, r.frame.Page.Errors = "Connect "+d.Title, problems
	view.Frame, view.Kind, view.Title, view.Summary, view.Proven = r.frame, d.Kind, d.Title, d.Summary, !d.Unproven
	view.Fields, view.Choices = settingFieldsOf(d, values, r.frame.Page), writeBackChoices(d)
	code := fiber.StatusOK
	if len(problems) > 0 {
		code = fiber.StatusUnprocessableEntity
	}
	return page.Render(r.Ctx, code, ConnectionForm(view))
}

// settingID is a setting's name in forms, apart from the names of our own fields.
func settingID(name string) string { return "set-" + name }

func settingFieldsOf(d connectors.Descriptor, values map[string]string, p ui.Page) []SettingField {
	fields := make([]SettingField, 0, len(d.Fields))
	for _, asked := range d.Fields {
		id := settingID(asked.Name)
		field := ui.Field{Name: id, ID: id, Label: asked.Label, Hint: asked.Help, Value: values[asked.Name], Error: p.ErrorFor(id), Autocomplete: "off",
			MaxLength: mostSetting, Width: ui.WidthMedium, Optional: !asked.Required}
		if asked.Sealed { // what was typed is not sent back
			field.Type, field.Value, field.Autocomplete = "password", "", "new-password"
		}
		one := SettingField{Field: field}
		for _, choice := range asked.Choices {
			one.Options = append(one.Options, ui.Option{Value: choice.Value, Label: choice.Label})
		}
		fields = append(fields, one)
	}
	return fields
}

const mostSetting = 4096

func settingValues(c *fiber.Ctx, d connectors.Descriptor) map[string]string {
	values := map[string]string{}
	for _, field := range d.Fields {
		values[field.Name] = page.Form(c, settingID(field.Name), mostSetting)
	}
	return values
}

// aboutSettings puts what is wrong with a setting at its field.
func aboutSettings(problems []ui.FieldError, d connectors.Descriptor) []ui.FieldError {
	for i, problem := range problems {
		if slices.ContainsFunc(d.Fields, func(f connectors.Field) bool { return f.Name == problem.Field }) {
			problems[i].Field = settingID(problem.Field)
		}
	}
	return problems
}

func writeBackChoices(d connectors.Descriptor) []ui.Option {
	choices := []ui.Option{{Value: string(intake.TellOnly), Label: "Only tell us", Hint: "By mail and webhook; you book it."}}
	if d.WriteBack {
		if slices.ContainsFunc(d.Fields, func(f connectors.Field) bool { return f.Name == connectors.ClearingAccount }) {
			choices = append([]ui.Option{{Value: string(intake.Clearing), Label: "Put it in the clearing account", Hint: "The invoice is paid; you match the clearing account with your bank."}}, choices...)
		}
		choices = append([]ui.Option{{Value: string(intake.Book), Label: "Book it for us", Hint: "The invoice is paid in your books within a minute."}}, choices...)
	}
	return choices
}

// AddConnection tries a connection and keeps it. POST /vendor/connections/new/:kind (owner)
func (h *Handlers) AddConnection(c *fiber.Ctx) error {
	r, err := h.owner(c, "Connect your books", "/vendor/imports")
	if err != nil {
		return err
	}
	d, err := h.kind(page.Param(c, "kind"))
	if err != nil {
		return err
	}
	values := settingValues(c, d)
	view := ConnectionFormView{Name: page.Form(c, "name", 100), WriteBack: page.Form(c, "write_back", 20)}
	if view.WriteBack == string(intake.Clearing) && strings.TrimSpace(values[connectors.ClearingAccount]) == "" {
		return h.showConnectionForm(r, d, view, values, []ui.FieldError{{Field: settingID(connectors.ClearingAccount), Text: "Name what payments are cleared with, or choose another way for them below."}})
	}
	connection, err := h.Intake.AddConnection(r.ctx(), r.session.Actor, r.vendor.ID, d.Kind, view.Name, values)
	if problems := refused(err); problems != nil {
		return h.showConnectionForm(r, d, view, values, aboutSettings(problems, d))
	}
	if err != nil {
		return err
	}
	to := connectionsPath + connection.ID
	if view.WriteBack != "" {
		if err := h.Intake.SetWriteBack(r.ctx(), r.session.Actor, r.vendor.ID, connection.ID, intake.WriteBack(view.WriteBack)); err != nil {
			return h.back(c, to, err)
		}
	}
	return h.Kit.Done(c, to, d.Title+" is connected, and is being read")
}

// ShowConnection shows how a connection is. GET /vendor/connections/:id
func (h *Handlers) ShowConnection(c *fiber.Ctx) error {
	r, err := h.open(c, "Connection", "/vendor/imports")
	if err != nil {
		return err
	}
	return h.showConnection(r, page.Param(c, "id"), ConnectionView{}, nil, nil)
}

func (h *Handlers) showConnection(r at, id string, view ConnectionView, values map[string]string, problems []ui.FieldError) error {
	connection, run, err := h.Intake.Connection(r.ctx(), r.vendor.ID, id)
	if err != nil {
		return err
	}
	d := h.Intake.Connectors[connection.Kind].Descriptor
	if values == nil {
		if values, err = h.Intake.OpenSettings(connection); err != nil {
			return err
		}
	}
	r.frame.Page.Title, r.frame.Page.Errors = connection.Name, problems
	row := r.connectionRow(connection)
	view.Frame, view.ID, view.Name, view.Kind, view.Health, view.Error, view.Held = r.frame, connection.ID, connection.Name, d.Title, row.Health, connection.LastError, row.Held
	if view.Kind == view.Name {
		view.Kind = d.Summary
	}
	view.Removed, view.Live, view.Ready = !connection.DisabledAt.IsZero(), !connection.LiveAt.IsZero(), !connection.LastGoodAt.IsZero()
	view.Facts, view.Run, view.Steps = r.connectionFacts(connection, h.Kit.Now().Sub(connection.LastGoodAt).Hours()), progressOf(run), connectionSteps(connection)
	view.Choices, view.Fields = writeBackChoices(d), settingFieldsOf(d, values, r.frame.Page)
	if view.WriteBack == "" {
		view.WriteBack = string(connection.WriteBack)
	}
	if view.StaleDays == "" {
		view.StaleDays = strconv.Itoa(connection.StaleDays)
	}
	if !view.Removed && connection.Stale(h.Kit.Now()) {
		view.Error = strings.TrimSpace(view.Error + " Reminders for its invoices have stopped, because the books were last read too long ago.")
	}
	code := fiber.StatusOK
	if len(problems) > 0 {
		code = fiber.StatusUnprocessableEntity
	}
	return page.Render(r.Ctx, code, ConnectionPage(view))
}

func (r at) connectionFacts(connection intake.Connection, hours float64) []ui.Fact {
	facts := []ui.Fact{}
	if !connection.LastGoodAt.IsZero() {
		facts = append(facts, ui.Fact{Label: "Last read well", Body: ui.Moment(r.local(connection.LastGoodAt), r.today)})
		if hours >= 1 {
			facts = append(facts, ui.Fact{Label: "Behind by", Text: ui.Count(int(hours), "hour", "hours")})
		}
	}
	if !connection.NextSyncAt.IsZero() && connection.DisabledAt.IsZero() {
		facts = append(facts, ui.Fact{Label: "Read next", Body: ui.Moment(r.local(connection.NextSyncAt), r.today)})
	}
	if !connection.LiveAt.IsZero() {
		facts = append(facts, ui.Fact{Label: "Live since", Body: ui.Moment(r.local(connection.LiveAt), r.today)})
	}
	return facts
}

func progressOf(run *intake.Sync) *RunProgress {
	if run == nil {
		return nil
	}
	progress := &RunProgress{Percent: -1, Done: ui.Count(int(run.Done), "record", "records"),
		Counts: strconv.Itoa(run.Created) + " new, " + strconv.Itoa(run.Updated) + " changed, " + strconv.Itoa(run.Unchanged) + " as before, " + strconv.Itoa(run.Rejected) + " not taken"}
	if run.Total > 0 {
		progress.Percent = int(min(run.Done, run.Total) * 100 / run.Total)
		progress.Done = strconv.Itoa(progress.Percent) + " %"
	}
	return progress
}

// connectionSteps is where a vendor stands on its way to reminders.
func connectionSteps(connection intake.Connection) []ui.Step {
	done := []bool{true, !connection.LastGoodAt.IsZero(), !connection.LiveAt.IsZero()}
	steps := []ui.Step{{Label: "Connect"}, {Label: "Read the books"}, {Label: "Look, and go live"}}
	current := false
	for i := range steps {
		switch {
		case done[i]:
			steps[i].State = ui.StepDone
		case !current:
			steps[i].State, current = ui.StepCurrent, true
		default:
			steps[i].State = ui.StepTodo
		}
	}
	return steps
}

// liveState says whether the page looks again by itself.
func (v ConnectionView) liveState() string {
	if v.Run != nil || !v.Ready && v.Error == "" && !v.Removed {
		return "running"
	}
	return ""
}

func (v ConnectionView) settingsWrong() bool {
	return slices.ContainsFunc(v.Page.Errors, func(e ui.FieldError) bool { return strings.HasPrefix(e.Field, settingID("")) })
}

// changed does one thing to a connection and says so on its page.
func (h *Handlers) changed(c *fiber.Ctx, ownerOnly bool, said string, do func(r at, id string) error) error {
	begin := h.open
	if ownerOnly {
		begin = h.owner
	}
	r, err := begin(c, "Connection", "/vendor/imports")
	if err != nil {
		return err
	}
	id := page.Param(c, "id")
	to := connectionsPath + url.PathEscape(id)
	if err := do(r, id); err != nil {
		return h.back(c, to, err)
	}
	return h.Kit.Done(c, to, said)
}

// ReadConnection makes it due at once. POST /vendor/connections/:id/syncs
func (h *Handlers) ReadConnection(c *fiber.Ctx) error {
	return h.changed(c, false, "Your books are read in a moment", func(r at, id string) error {
		return h.Intake.ReadNow(r.ctx(), r.session.Actor, r.vendor.ID, id)
	})
}

// StartConnection goes live. POST /vendor/connections/:id/starts (owner)
func (h *Handlers) StartConnection(c *fiber.Ctx) error {
	return h.changed(c, true, "You are live: your customers are reminded from their next digest on", func(r at, id string) error {
		return h.Intake.GoLive(r.ctx(), r.session.Actor, r.vendor.ID, id)
	})
}

// ChooseWriteBack says what becomes of payments. POST /vendor/connections/:id/write-back (owner)
func (h *Handlers) ChooseWriteBack(c *fiber.Ctx) error {
	return h.changed(c, true, "Saved, for payments from now on", func(r at, id string) error {
		return h.Intake.SetWriteBack(r.ctx(), r.session.Actor, r.vendor.ID, id, intake.WriteBack(page.Form(c, "write_back", 20)))
	})
}

// LimitConnection says how old the books may be. POST /vendor/connections/:id/limits (owner)
func (h *Handlers) LimitConnection(c *fiber.Ctx) error {
	r, err := h.owner(c, "Connection", "/vendor/imports")
	if err != nil {
		return err
	}
	id, typed := page.Param(c, "id"), strings.TrimSpace(page.Form(c, "stale_days", 10))
	days, _ := strconv.Atoi(typed) // what is no number is refused like 0
	err = h.Intake.SetStaleDays(r.ctx(), r.session.Actor, r.vendor.ID, id, days)
	if problems := refused(err); problems != nil {
		return h.showConnection(r, id, ConnectionView{StaleDays: typed}, nil, problems)
	}
	if err != nil {
		return err
	}
	return h.Kit.Done(c, connectionsPath+id, "Saved")
}

// ChangeConnection tries other settings and keeps them. POST /vendor/connections/:id/settings (owner)
func (h *Handlers) ChangeConnection(c *fiber.Ctx) error {
	r, err := h.owner(c, "Connection", "/vendor/imports")
	if err != nil {
		return err
	}
	id := page.Param(c, "id")
	connection, _, err := h.Intake.Connection(r.ctx(), r.vendor.ID, id)
	if err != nil {
		return err
	}
	d := h.Intake.Connectors[connection.Kind].Descriptor
	values := settingValues(c, d)
	err = h.Intake.ChangeSettings(r.ctx(), r.session.Actor, r.vendor.ID, id, values)
	if problems := refused(err); problems != nil {
		return h.showConnection(r, id, ConnectionView{}, values, aboutSettings(problems, d))
	}
	if err != nil {
		return err
	}
	return h.Kit.Done(c, connectionsPath+id, "The new settings work and are kept")
}

// RemoveConnection ends it for good. POST /vendor/connections/:id/removals (owner)
func (h *Handlers) RemoveConnection(c *fiber.Ctx) error {
	return h.changed(c, true, "The connection is removed", func(r at, id string) error {
		return h.Intake.RemoveConnection(r.ctx(), r.session.Actor, r.vendor.ID, id)
	})
}
