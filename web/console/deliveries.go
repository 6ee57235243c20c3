package console

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/web/page"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// ListDeliveries is the log. GET /vendor/deliveries
func (h *Handlers) ListDeliveries(c *fiber.Ctx) error {
	r, err := h.open(c, "Deliveries", "/vendor/deliveries")
	if err != nil {
		return err
	}
	view := DeliveriesView{Frame: r.frame, State: known(page.Query(c, "state", 20), deliveryStates()), Type: known(page.Query(c, "type", 40), eventTypes())}
	rows, next, err := h.Outbox.List(r.ctx(), r.vendor.ID, outbox.Filter{State: view.State, Type: view.Type}, page.Cursor(r.Ctx, onOnePage))
	if err != nil {
		return err
	}
	for _, row := range rows {
		view.Rows = append(view.Rows, DeliveryRow{URL: deliveryURL(row.ID), Type: row.EventType, Kind: endpointWord(row.Kind), Target: row.Target,
			At: r.local(row.CreatedAt), State: deliveryStatus(row.State), Attempts: strconv.Itoa(row.Attempts),
			Answer: answerWord(row.LastStatus, row.LastAnswer), Next: r.local(row.NextAttemptAt)})
	}
	view.Pages = page.CursorPages(r.Ctx, next)
	return page.Render(c, fiber.StatusOK, Deliveries(view))
}

func deliveryURL(id string) string { return "/vendor/deliveries/" + id }

func endpointWord(kind string) string {
	switch kind {
	case outbox.Webhook:
		return "Webhook"
	case outbox.Mail:
		return "Mail to your staff"
	case outbox.Books:
		return "Your books"
	}
	return kind
}

// answerWord is an answer on one line of a list.
func answerWord(status int, answer string) string {
	const most = 90
	text := strings.Join(strings.Fields(answer), " ")
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "…"
	}
	if status == 0 {
		return text
	}
	return strings.TrimSpace(strconv.Itoa(status) + " " + text)
}

// ShowDelivery shows one event on its way to one endpoint. GET /vendor/deliveries/:id
func (h *Handlers) ShowDelivery(c *fiber.Ctx) error {
	r, err := h.open(c, "Delivery", "/vendor/deliveries")
	if err != nil {
		return err
	}
	id := page.Param(c, "id")
	parcel, err := h.delivery(r, id)
	if err != nil {
		return err
	}
	attempts, err := h.Outbox.Attempts(r.ctx(), r.vendor.ID, id)
	if err != nil {
		return err
	}
	d := parcel.Delivery
	view := DeliveryView{Frame: r.frame, URL: deliveryURL(id), Type: parcel.Event.Type, Target: parcel.Endpoint.Target, State: deliveryStatus(d.State),
		Done: d.State == outbox.Done, MayReplay: d.State != outbox.Sending && parcel.Endpoint.DisabledAt.IsZero(), Body: bodyOf(parcel.Event)}
	view.Page.Title = parcel.Event.Type
	switch {
	case !parcel.Endpoint.DisabledAt.IsZero():
		view.WhyNot = "Its endpoint is disabled, so it cannot be sent again: " + parcel.Endpoint.DisabledReason
	case d.State == outbox.Sending:
		view.WhyNot = "An attempt is being made right now."
	}
	view.Facts = []ui.Fact{{Label: "Event id", Text: d.EventID}, {Label: "To", Text: endpointWord(d.Kind)}, {Label: "Happened", Body: ui.Moment(r.local(parcel.Event.CreatedAt), r.today)},
		{Label: "Attempts", Text: strconv.Itoa(d.Attempts)}}
	if d.State == outbox.Pending {
		view.Facts = append(view.Facts, ui.Fact{Label: "Next attempt", Body: ui.Moment(r.local(d.NextAttemptAt), r.today)})
	}
	if answer := answerWord(d.LastStatus, d.LastAnswer); answer != "" {
		view.Facts = append(view.Facts, ui.Fact{Label: "Last answer", Text: answer})
	}
	for _, attempt := range attempts {
		view.Attempts = append(view.Attempts, AttemptRow{Number: strconv.Itoa(attempt.Number), At: r.local(attempt.At), Took: strconv.FormatInt(attempt.TookMS, 10) + " ms",
			Status: statusWord(attempt.Status), Answer: attempt.Answer})
	}
	return page.Render(c, fiber.StatusOK, Delivery(view))
}

func (h *Handlers) delivery(r at, id string) (outbox.Parcel, error) {
	if !store.ValidID(id) {
		return outbox.Parcel{}, fault.New(fault.NotFound, "There is no such delivery.")
	}
	return h.Outbox.Delivery(r.ctx(), r.vendor.ID, id)
}

func statusWord(status int) string {
	if status == 0 {
		return "No answer"
	}
	return strconv.Itoa(status)
}

// bodyOf is the event as it is sent, indented for people.
func bodyOf(event outbox.Event) string {
	raw, err := json.Marshal(struct {
		ID        string          `json:"id"`
		Type      string          `json:"type"`
		Timestamp time.Time       `json:"timestamp"`
		Data      json.RawMessage `json:"data"`
	}{event.ID, event.Type, event.CreatedAt.UTC(), json.RawMessage(event.Data)})
	if err != nil {
		return event.Data
	}
	return indented(string(raw))
}

func indented(text string) string {
	var out bytes.Buffer
	if json.Indent(&out, []byte(text), "", "  ") != nil {
		return text
	}
	return out.String()
}

// ReplayDelivery sends one again. POST /vendor/deliveries/:id/replays
func (h *Handlers) ReplayDelivery(c *fiber.Ctx) error {
	r, err := h.open(c, "Delivery", "/vendor/deliveries")
	if err != nil {
		return err
	}
	id := page.Param(c, "id")
	parcel, err := h.delivery(r, id)
	if err != nil {
		return err
	}
	change := access.Change{Action: "delivery.replayed", SubjectKind: "delivery", SubjectID: id, After: replayLog{Type: parcel.Event.Type, Target: parcel.Endpoint.Target}}
	err = h.change(r, change, func(ctx context.Context, tx bun.IDB) error {
		return h.Outbox.ReplayTx(ctx, tx, r.vendor.ID, id)
	})
	if err != nil {
		return h.back(c, deliveryURL(id), err)
	}
	return h.Kit.Done(c, deliveryURL(id), "It is on its way again")
}

type replayLog struct {
	Type   string `json:"type"`
	Target string `json:"target"`
}

// ListWebhooks lists the vendor's endpoints. GET /vendor/webhooks
func (h *Handlers) ListWebhooks(c *fiber.Ctx) error {
	r, err := h.open(c, "Webhook endpoints", "/vendor/profile")
	if err != nil {
		return err
	}
	return h.showWebhooks(r, WebhooksView{Events: eventBoxes([]string{"*"})}, nil)
}

func (h *Handlers) showWebhooks(r at, view WebhooksView, problems []ui.FieldError) error {
	endpoints, err := h.Outbox.Endpoints(r.ctx(), r.vendor.ID, outbox.Webhook)
	if err != nil {
		return err
	}
	view.Frame = r.frame
	view.Page.Errors = problems
	for _, endpoint := range endpoints {
		row := EndpointRow{ID: endpoint.ID, Target: endpoint.Target, Events: eventsWord(endpoint.Events), Added: r.local(endpoint.CreatedAt),
			Active: endpoint.DisabledAt.IsZero(), State: Status{ui.ToneGood, "Active"}, Reason: endpoint.DisabledReason}
		if !row.Active {
			row.State = Status{ui.ToneNeutral, "Disabled"}
		}
		view.Rows = append(view.Rows, row)
	}
	status := fiber.StatusOK
	if len(problems) > 0 {
		status = fiber.StatusUnprocessableEntity
	}
	if view.Secret != "" {
		r.Set(fiber.HeaderCacheControl, "no-store")
	}
	return page.Render(r.Ctx, status, Webhooks(view))
}

func eventsWord(events []string) string {
	if slices.Contains(events, "*") {
		return "All events"
	}
	return strings.Join(events, ", ")
}

func eventBoxes(checked []string) []Check {
	checks := []Check{{Value: "*", Label: "All events, new ones too"}}
	for _, kind := range outbox.Types() {
		checks = append(checks, Check{Value: kind, Label: kind})
	}
	for i := range checks {
		checks[i].Checked = slices.Contains(checked, checks[i].Value)
	}
	return checks
}

// AddWebhook makes an endpoint, or changes the events of one, and shows its
// secret once. POST /vendor/webhooks
func (h *Handlers) AddWebhook(c *fiber.Ctx) error {
	r, err := h.owner(c, "Webhook endpoints", "/vendor/profile")
	if err != nil {
		return err
	}
	target, events := strings.TrimSpace(page.Form(c, "url", 2100)), formValues(c, "events")
	view := WebhooksView{URL: target, Events: eventBoxes(events)}
	if problems := h.checkWebhook(target, events); len(problems) > 0 {
		return h.showWebhooks(r, view, problems)
	}
	var endpoint outbox.Endpoint
	var secret string
	change := access.Change{Action: "webhook.saved", SubjectKind: "endpoint", SubjectID: target, After: endpointLog{Target: target, Events: events}}
	err = h.change(r, change, func(ctx context.Context, tx bun.IDB) error {
		var err error
		endpoint, secret, err = h.Outbox.PutEndpointTx(ctx, tx, r.vendor.ID, outbox.Webhook, target, events)
		return err
	})
	if problems := refused(err); problems != nil {
		for i := range problems { // a type of event that there is not is said at the boxes
			if strings.HasPrefix(problems[i].Field, "events") {
				problems[i].Field = "events"
			}
		}
		return h.showWebhooks(r, view, problems)
	}
	if err != nil {
		return err
	}
	r.frame.Page.Flash = &ui.Flash{Tone: ui.ToneGood, Title: "The endpoint is saved", Text: "Events from now on are sent there."}
	return h.showWebhooks(r, WebhooksView{Events: eventBoxes([]string{"*"}), Secret: secret, SecretOf: endpoint.Target}, nil)
}

func (h *Handlers) checkWebhook(target string, events []string) []ui.FieldError {
	var problems []ui.FieldError
	if target == "" {
		problems = append(problems, ui.FieldError{Field: "url", Text: "Enter the address, like https://erp.vendor.example/sheaf."})
	} else if err := h.CheckURL(target); err != nil {
		problems = append(problems, ui.FieldError{Field: "url", Text: asSentence(err.Error())})
	}
	if len(events) == 0 {
		problems = append(problems, ui.FieldError{Field: "events", Text: "Tick at least one event, or all."})
	}
	return problems
}

type endpointLog struct {
	Target string   `json:"target"`
	Events []string `json:"events,omitempty"`
}

// formValues are all values of one name, bounded.
func formValues(c *fiber.Ctx, name string) []string {
	var values []string
	for _, raw := range c.Context().PostArgs().PeekMulti(name) {
		if len(values) < 50 && len(raw) <= 100 {
			values = append(values, string(raw))
		}
	}
	return values
}

// ShowWebhookSecret shows an endpoint's secret to an owner. POST /vendor/webhooks/:id/secrets
func (h *Handlers) ShowWebhookSecret(c *fiber.Ctx) error {
	r, err := h.owner(c, "Webhook endpoints", "/vendor/profile")
	if err != nil {
		return err
	}
	endpoint, err := h.Outbox.Endpoint(r.ctx(), r.vendor.ID, page.Param(c, "id"))
	if err != nil {
		return err
	}
	secret, err := h.Outbox.Secret(endpoint)
	if err != nil {
		return err
	}
	change := access.Change{Action: "webhook.secret_shown", SubjectKind: "endpoint", SubjectID: endpoint.ID, After: endpointLog{Target: endpoint.Target}}
	if err := h.change(r, change, func(context.Context, bun.IDB) error { return nil }); err != nil {
		return err
	}
	return h.showWebhooks(r, WebhooksView{Events: eventBoxes([]string{"*"}), Secret: secret, SecretOf: endpoint.Target}, nil)
}

// DisableWebhook stops an endpoint. POST /vendor/webhooks/:id/disablings
func (h *Handlers) DisableWebhook(c *fiber.Ctx) error {
	r, err := h.owner(c, "Webhook endpoints", "/vendor/profile")
	if err != nil {
		return err
	}
	endpoint, err := h.Outbox.Endpoint(r.ctx(), r.vendor.ID, page.Param(c, "id"))
	if err != nil {
		return err
	}
	if endpoint.DisabledAt.IsZero() {
		change := access.Change{Action: "webhook.disabled", SubjectKind: "endpoint", SubjectID: endpoint.ID, Before: endpointLog{Target: endpoint.Target, Events: endpoint.Events}}
		err = h.change(r, change, func(ctx context.Context, tx bun.IDB) error {
			return h.Outbox.DisableEndpointTx(ctx, tx, r.vendor.ID, endpoint.ID, "by "+r.session.Actor.Name)
		})
		if err != nil {
			return err
		}
	}
	return h.Kit.Done(c, "/vendor/webhooks", "The endpoint is disabled")
}
