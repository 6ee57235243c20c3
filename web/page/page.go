// Package page is what every handler of pages shares: rendering, error pages,
// sessions, flashes, and the guard against forged requests. The layouts and
// components themselves are web/ui.
package page

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/a-h/templ"
	"github.com/gofiber/fiber/v2"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// Kit is what handlers of pages need besides their rooms.
type Kit struct {
	Access    *access.Service
	Log       *slog.Logger
	Now       func() time.Time
	HubName   string
	PublicURL string // without a slash at the end
	Secure    bool   // cookies only over https
}

// Render writes a component with a status.
func Render(c *fiber.Ctx, status int, component templ.Component) error {
	c.Status(status).Set(fiber.HeaderContentType, "text/html; charset=utf-8")
	return component.Render(c.UserContext(), c.Response().BodyWriter())
}

// Page begins the view of a page: who is signed in, what day it is, and the
// flash of the action before, which is shown once.
func (k *Kit) Page(c *fiber.Ctx, area ui.Area, title string) ui.Page {
	view := ui.Page{Title: title, Area: area, HubName: k.HubName, Today: money.DateOf(k.Now(), time.UTC), Flash: k.takeFlash(c)}
	if session, ok := Session(c); ok {
		view.SignedInAs, view.SignOut, view.Of = session.Email, "/sign-out", session.VendorName
	}
	return view
}

// Status maps a fault's code to HTTP: the one place.
func Status(code fault.Code) int {
	switch code {
	case fault.Invalid:
		return fiber.StatusUnprocessableEntity
	case fault.Malformed:
		return fiber.StatusBadRequest
	case fault.Unauthenticated:
		return fiber.StatusUnauthorized
	case fault.Forbidden:
		return fiber.StatusForbidden
	case fault.NotFound:
		return fiber.StatusNotFound
	case fault.Conflict:
		return fiber.StatusConflict
	case fault.Gone:
		return fiber.StatusGone
	case fault.TooLarge:
		return fiber.StatusRequestEntityTooLarge
	case fault.Unsupported:
		return fiber.StatusUnsupportedMediaType
	case fault.Limited:
		return fiber.StatusTooManyRequests
	case fault.Unavailable:
		return fiber.StatusServiceUnavailable
	}
	return fiber.StatusInternalServerError
}

// Error renders an error page: the fault's safe message, or, for everything
// else, that it is our mistake, with the request's id for the operator.
func (k *Kit) Error(c *fiber.Ctx, err error) error {
	view := ui.ErrorView{Page: k.Page(c, area(c.Path()), ""), Status: fiber.StatusInternalServerError}
	var shown *fault.Error
	var http *fiber.Error
	switch {
	case errors.As(err, &shown):
		view.Status, view.Text = Status(shown.Code), shown.Message
	case errors.As(err, &http):
		view.Status = http.Code
	}
	if view.Status == fiber.StatusGone || view.Status == fiber.StatusUnauthorized {
		view.Action, view.URL = "Sign in", "/"
	}
	if view.Status >= 500 {
		view.RequestID = RequestID(c)
		k.Log.Error("request failed", "id", view.RequestID, "method", c.Method(), "route", c.Route().Path, "error", err)
	}
	return Render(c, view.Status, ui.ErrorPage(view))
}

func area(path string) ui.Area {
	switch {
	case strings.HasPrefix(path, "/vendor"):
		return ui.AreaConsole
	case strings.HasPrefix(path, "/operator"):
		return ui.AreaOperator
	}
	return ui.AreaPortal
}

// Problems turns a fault into the lines of an error summary; ok is false when
// it is not about what was entered, and belongs on an error page.
func Problems(err error) (lines []ui.FieldError, ok bool) {
	var shown *fault.Error
	if !errors.As(err, &shown) || (shown.Code != fault.Invalid && shown.Code != fault.Conflict) {
		return nil, false
	}
	for _, problem := range shown.Problems {
		lines = append(lines, ui.FieldError{Field: field(problem.Pointer), Text: sentence(problem.Message)})
	}
	if len(lines) == 0 {
		lines = []ui.FieldError{{Field: field(shown.Pointer), Text: shown.Message}}
	}
	return lines, true
}

func field(pointer string) string {
	return strings.ReplaceAll(strings.TrimPrefix(pointer, "/"), "/", "-")
}

func sentence(text string) string {
	if text == "" {
		return text
	}
	text = strings.ToUpper(text[:1]) + text[1:]
	if !strings.HasSuffix(text, ".") && !strings.HasSuffix(text, "?") {
		text += "."
	}
	return text
}

// RequestID is the id that the request-id middleware gave.
func RequestID(c *fiber.Ctx) string {
	return fmt.Sprint(c.Locals("requestid"))
}

// Param is a path parameter that outlives the handler (Fiber reuses its strings).
func Param(c *fiber.Ctx, name string) string { return strings.Clone(c.Params(name)) }

// Query is a query parameter that outlives the handler, at most limit bytes.
func Query(c *fiber.Ctx, name string, limit int) string { return bounded(c.Query(name), limit) }

// Form is a form value that outlives the handler, at most limit bytes.
func Form(c *fiber.Ctx, name string, limit int) string { return bounded(c.FormValue(name), limit) }

func bounded(value string, limit int) string {
	if len(value) > limit {
		value = value[:limit]
	}
	// PostgreSQL takes no NUL in a text
	return strings.ReplaceAll(strings.ToValidUTF8(strings.Clone(value), ""), "\x00", "")
}
