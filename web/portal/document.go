package portal

import (
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v2"

	kit "github.com/sheaf-hub/sheaf/web/page"
)

// inlineTypes may be looked at in the browser, sent as what is written here;
// XML is text there, so that nothing in it is followed.
var inlineTypes = map[string]string{"application/pdf": "application/pdf", "image/png": "image/png", "image/jpeg": "image/jpeg",
	"text/plain": "text/plain; charset=utf-8", "text/csv": "text/plain; charset=utf-8", "application/xml": "text/plain; charset=utf-8", "text/xml": "text/plain; charset=utf-8"}

// Document downloads a paper, or with ?view=1 shows it. GET /me/documents/:id
// for a contact, GET /d/:token/documents/:id for whoever holds the link.
func (h *Handlers) Document(c *fiber.Ctx) error {
	who, err := h.visitor(c)
	if err != nil {
		return h.refuse(c, err)
	}
	document, err := h.Billing.Document(c.UserContext(), who.viewer(), kit.Param(c, "id"))
	if err != nil {
		return err
	}
	kind, disposition := "application/octet-stream", "attachment"
	if shown := inlineTypes[document.ContentType]; shown != "" && c.Query("view") == "1" {
		kind, disposition = shown, "inline"
	}
	c.Set(fiber.HeaderContentType, kind)
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	c.Set(fiber.HeaderContentSecurityPolicy, documentPolicy(kind))
	c.Set(fiber.HeaderContentDisposition, dispositionOf(disposition, document.Name))
	c.Set(fiber.HeaderCacheControl, "private, no-store")
	return c.Send(document.Content)
}

// documentPolicy lets nothing in a paper act. Chrome's own viewer refuses a
// sandboxed PDF, and runs none of its scripts as ours; so that alone is not.
func documentPolicy(kind string) string {
	if kind == "application/pdf" {
		return "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'"
	}
	return "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; sandbox"
}

// dispositionOf names a file as RFC 6266 has it: plainly for old browsers, and
// in UTF-8 for the others.
func dispositionOf(disposition, name string) string {
	plain := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || strings.ContainsRune(`"\%/;`, r) {
			return '_'
		}
		return r
	}, name)
	return disposition + `; filename="` + plain + `"; filename*=UTF-8''` + strings.ReplaceAll(url.QueryEscape(name), "+", "%20")
}
