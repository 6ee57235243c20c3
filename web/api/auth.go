package api

import (
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/fault"
)

const actorKey = "api.actor"

// Authenticate lets in who carries a vendor's API key: the middleware of
// everything under /api/v1. A key is found by its hash, so that the time of an
// answer tells nothing of any key.
func (h *Handlers) Authenticate(c *fiber.Ctx) error {
	c.Set(fiber.HeaderCacheControl, "no-store")
	scheme, key, found := strings.Cut(c.Get(fiber.HeaderAuthorization), " ")
	if !found || !strings.EqualFold(scheme, "Bearer") {
		return fault.New(fault.Unauthenticated, "Send your API key as Authorization: Bearer KEY. Keys are made under API keys in the console.")
	}
	ctx, cancel := deadline(c, readTimeout)
	defer cancel()
	actor, err := h.Access.ActorByKey(ctx, strings.Clone(strings.TrimSpace(key)))
	if err != nil {
		return err
	}
	if wait := h.Limiter.take(actor.ID, h.Now()); wait > 0 {
		c.Set(fiber.HeaderRetryAfter, seconds(wait))
		return fault.New(fault.Limited, "This key calls too often. Wait %s seconds, and send more records in one call instead.", seconds(wait))
	}
	c.Locals(actorKey, actor)
	return c.Next()
}

// caller is whose key it is. A route that forgot Authenticate answers nobody.
func caller(c *fiber.Ctx) (access.Actor, error) {
	actor, ok := c.Locals(actorKey).(access.Actor)
	if !ok || actor.Kind != access.KindKey || actor.VendorID == "" {
		return access.Actor{}, fault.New(fault.Unauthenticated, "Send your API key as Authorization: Bearer KEY.")
	}
	return actor, nil
}
