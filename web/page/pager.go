package page

import (
	"net/url"

	"github.com/gofiber/fiber/v2"

	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// Cursor asks for the page of a list that the query names.
func Cursor(c *fiber.Ctx, limit int) store.PageRequest {
	return store.PageRequest{Cursor: Query(c, "cursor", 200), Limit: limit}
}

// CursorPages leads through a list that goes on after next, keeping its filters.
func CursorPages(c *fiber.Ctx, next string) ui.CursorPager {
	query, err := url.ParseQuery(string(c.Request().URI().QueryString()))
	if err != nil {
		query = url.Values{}
	}
	path := string(c.Request().URI().Path())
	link := func(cursor string) string {
		query.Del("cursor")
		if cursor != "" {
			query.Set("cursor", cursor)
		}
		if len(query) == 0 {
			return path
		}
		return path + "?" + query.Encode()
	}
	var pages ui.CursorPager
	if query.Get("cursor") != "" {
		pages.First = link("")
	}
	if next != "" {
		pages.Next = link(next)
	}
	return pages
}
