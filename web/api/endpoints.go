package api

import (
	"context"
	"fmt"

	"github.com/gofiber/fiber/v2"
	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/web/page"
)

// auditedEndpoint is what the audit log keeps: never the secret.
type auditedEndpoint struct {
	URL    string   `json:"url"`
	Events []string `json:"events"`
}

// PutWebhookEndpoint is PUT /api/v1/webhook-endpoints {"url":…,"events":["*"]}.
// The URL is the key: again, it changes which events are sent there.
func (h *Handlers) PutWebhookEndpoint(c *fiber.Ctx) error {
	actor, err := caller(c)
	if err != nil {
		return err
	}
	var form struct {
		URL    string   `json:"url" validate:"required"`
		Events []string `json:"events" validate:"required,max=50,dive,required,max=100"`
	}
	if err := decode(c, &form); err != nil {
		return err
	}
	if err := h.CheckURL(form.URL); err != nil {
		return fault.At("/url", "%s.", err)
	}
	if most := len(outbox.Types()) + 1; len(form.Events) > most {
		return fault.At("/events", "There are %d events; name each once, or send [\"*\"].", len(form.Events))
	}
	ctx, cancel := deadline(c, writeTimeout)
	defer cancel()
	view, err := h.putEndpoint(ctx, actor, form.URL, form.Events)
	if err != nil {
		return err
	}
	return c.JSON(view)
}

func (h *Handlers) putEndpoint(ctx context.Context, actor access.Actor, url string, events []string) (endpointView, error) {
	vendor, err := h.Party.Vendor(ctx, actor.VendorID)
	if err != nil {
		return endpointView{}, err
	}
	first, err := h.Party.Secret(vendor)
	if err != nil {
		return endpointView{}, fmt.Errorf("open the vendor's secret: %w", err)
	}
	var view endpointView
	err = h.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		endpoint, secret, err := h.Outbox.PutWebhookTx(ctx, tx, actor.VendorID, url, events, first)
		if err != nil {
			return err
		}
		view = viewEndpoint(endpoint)
		view.Secret = secret
		return h.Access.AuditTx(ctx, tx, actor, access.Change{Action: "endpoint.put", SubjectKind: "endpoint", SubjectID: endpoint.ID,
			VendorID: actor.VendorID, After: auditedEndpoint{URL: url, Events: events}})
	})
	return view, err
}

// GetWebhookEndpoints is GET /api/v1/webhook-endpoints: all of them, the active
// ones first, without their secrets.
func (h *Handlers) GetWebhookEndpoints(c *fiber.Ctx) error {
	actor, err := caller(c)
	if err != nil {
		return err
	}
	ctx, cancel := deadline(c, readTimeout)
	defer cancel()
	endpoints, err := h.Outbox.Endpoints(ctx, actor.VendorID, outbox.Webhook)
	if err != nil {
		return err
	}
	return listOf(c, endpoints, "", viewEndpoint)
}

// DeleteWebhookEndpoint is DELETE /api/v1/webhook-endpoints/:id: nothing more is
// sent there, what was on its way is cancelled. 204.
func (h *Handlers) DeleteWebhookEndpoint(c *fiber.Ctx) error {
	actor, err := caller(c)
	if err != nil {
		return err
	}
	id := page.Param(c, "id")
	if !store.ValidID(id) {
		return fault.New(fault.NotFound, "There is no such active endpoint.")
	}
	ctx, cancel := deadline(c, writeTimeout)
	defer cancel()
	endpoint, err := h.Outbox.Endpoint(ctx, actor.VendorID, id) // a webhook: other kinds are not the API's
	if err != nil {
		return err
	}
	err = h.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := h.Outbox.DisableEndpointTx(ctx, tx, actor.VendorID, id, "Removed by the vendor's API key."); err != nil {
			return err
		}
		return h.Access.AuditTx(ctx, tx, actor, access.Change{Action: "endpoint.disabled", SubjectKind: "endpoint", SubjectID: id,
			VendorID: actor.VendorID, Before: auditedEndpoint{URL: endpoint.Target, Events: endpoint.Events}})
	})
	if err != nil {
		return err
	}
	return c.SendStatus(fiber.StatusNoContent)
}
