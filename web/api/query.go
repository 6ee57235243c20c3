package api

import (
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// query is what every list takes.
type query struct {
	page  store.PageRequest
	since time.Time
}

// queryOf reads ?cursor= &limit= &updated_since=. A parameter that is misspelt
// must not be passed over: it would answer with everything.
func queryOf(c *fiber.Ctx) (query, error) {
	var q query
	var problems []fault.Problem
	wrong := func(name, message string) {
		problems = append(problems, fault.Problem{Pointer: name, Message: message})
	}
	unknown := 0
	c.Request().URI().QueryArgs().VisitAll(func(key, value []byte) {
		text := string(value)
		switch name := string(key); name {
		case "cursor":
			q.page.Cursor = text
			if at, _, err := store.DecodeCursor(text); text != "" && (err != nil || outOfTime(at)) {
				wrong(name, "This cursor is not one that this list gave. Start again without it.")
			}
		case "limit":
			limit, err := strconv.Atoi(text)
			if q.page.Limit = limit; err != nil || limit < 1 || limit > store.MaxPage {
				wrong(name, "The limit must be a number from 1 to "+strconv.Itoa(store.MaxPage)+".")
			}
		case "updated_since":
			since, err := time.Parse(time.RFC3339, text)
			if q.since = since; err != nil || outOfTime(since) {
				wrong(name, "Write an instant as RFC 3339 does, such as 2026-11-22T09:00:00Z; a + must be sent as %2B.")
			}
		default:
			if unknown++; unknown <= 5 {
				wrong(short(name), "This parameter is not known here. Lists take cursor, limit and updated_since.")
			}
		}
	})
	if len(problems) > 0 {
		return q, &fault.Error{Code: fault.Invalid, Message: "The list was not read: a parameter is wrong.", Problems: problems}
	}
	return q, nil
}

// outOfTime says that no row is that old or that new; a database may not even
// know such an instant.
func outOfTime(at time.Time) bool { return at.Year() < 1970 || at.Year() > 9998 }

// short bounds what is repeated of a caller's text.
func short(text string) string {
	const most = 60
	text = strings.ToValidUTF8(text, "\uFFFD")
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}
