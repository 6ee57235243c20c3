package web

import (
	"context"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/adaptor"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/sheaf-hub/sheaf/web/ui"
)

// Health answers machines that watch the hub.
type Health struct {
	// Ready says what is missing before the hub can serve; nil: nothing.
	Ready    func(ctx context.Context) error
	Registry *prometheus.Registry
}

// Alive says that the process answers. GET /healthz for everybody.
func (h *Health) Alive(c *fiber.Ctx) error { return c.SendString("ok\n") }

// IsReady says whether the peers answer. GET /readyz for everybody.
func (h *Health) IsReady(c *fiber.Ctx) error {
	ctx, cancel := context.WithTimeout(c.UserContext(), 3*time.Second)
	defer cancel()
	if err := h.Ready(ctx); err != nil {
		return c.Status(fiber.StatusServiceUnavailable).SendString("not ready: " + err.Error() + "\n")
	}
	return c.SendString("ready\n")
}

// Metrics are the figures for Prometheus: counts, and nothing of any tenant.
// GET /metrics for everybody; keep it from the outside at the proxy.
func (h *Health) Metrics(c *fiber.Ctx) error {
	return adaptor.HTTPHandler(promhttp.HandlerFor(h.Registry, promhttp.HandlerOpts{}))(c)
}

// Asset sends a file of the look; its URL holds its hash, so it may be kept for
// ever. GET /assets/:name for everybody.
func (h *Health) Asset(c *fiber.Ctx) error {
	content, contentType, ok := ui.OpenAsset(c.Path())
	if !ok {
		return fiber.ErrNotFound
	}
	c.Set(fiber.HeaderContentType, contentType)
	c.Set(fiber.HeaderCacheControl, "public, max-age=31536000, immutable")
	return c.Send(content)
}
