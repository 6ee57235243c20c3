package api

import (
	_ "embed"

	"github.com/gofiber/fiber/v2"
)

//go:embed openapi.json
var openAPI []byte

//go:embed docs.html
var docs []byte

// OpenAPI is GET /api/openapi.json: the description for machines. No key.
func (h *Handlers) OpenAPI(c *fiber.Ctx) error {
	c.Set(fiber.HeaderContentType, "application/json; charset=utf-8")
	c.Set(fiber.HeaderCacheControl, "public, max-age=300")
	return c.Send(openAPI)
}

// Docs is GET /api/docs: the description for people. No key, no scripts.
func (h *Handlers) Docs(c *fiber.Ctx) error {
	c.Set(fiber.HeaderContentType, "text/html; charset=utf-8")
	c.Set(fiber.HeaderContentSecurityPolicy, "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'")
	c.Set(fiber.HeaderCacheControl, "public, max-age=300")
	return c.Send(docs)
}
