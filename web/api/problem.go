package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/vendor-connectors/push"
	"github.com/sheaf-hub/sheaf/web/page"
)

// ProblemType is the media type of every error.
const ProblemType = "application/problem+json"

// Problem is an error as RFC 9457 writes it. Type leads to its description.
type Problem struct {
	Type      string         `json:"type"`
	Title     string         `json:"title"`
	Status    int            `json:"status"`
	Detail    string         `json:"detail"`
	Instance  string         `json:"instance"`
	RequestID string         `json:"request_id,omitempty"`
	Line      int            `json:"line,omitempty"`   // of a body that cannot be read, from 1
	Column    int            `json:"column,omitempty"` // in bytes, from 1
	Errors    []ProblemError `json:"errors,omitempty"`
}

// ProblemError is one thing wrong at one place: a JSON pointer into the body,
// or a query or path parameter's name.
type ProblemError struct {
	Pointer   *string `json:"pointer,omitempty"` // "" is the whole body
	Parameter string  `json:"parameter,omitempty"`
	Detail    string  `json:"detail"`
}

// word is the end of a problem's type and the anchor of its description.
func word(status int) string {
	switch status {
	case fiber.StatusBadRequest:
		return "malformed"
	case fiber.StatusUnauthorized:
		return "unauthenticated"
	case fiber.StatusForbidden:
		return "forbidden"
	case fiber.StatusNotFound:
		return "not-found"
	case fiber.StatusMethodNotAllowed:
		return "method-not-allowed"
	case fiber.StatusConflict:
		return "conflict"
	case fiber.StatusGone:
		return "gone"
	case fiber.StatusRequestEntityTooLarge, fiber.StatusRequestHeaderFieldsTooLarge:
		return "too-large"
	case fiber.StatusUnsupportedMediaType:
		return "unsupported-media-type"
	case fiber.StatusUnprocessableEntity:
		return "invalid"
	case fiber.StatusTooManyRequests:
		return "too-many-requests"
	case fiber.StatusServiceUnavailable:
		return "unavailable"
	}
	if status < fiber.StatusInternalServerError {
		return "malformed"
	}
	return "internal"
}

// Error writes any error as a problem: the one place for everything under
// /api, routes that do not exist and panics that were recovered too. What is
// not meant for the caller goes to the log alone.
func (h *Handlers) Error(c *fiber.Ctx, err error) error {
	problem := problemOf(err)
	problem.Type, problem.Title = "/api/docs#"+word(problem.Status), http.StatusText(problem.Status)
	problem.Instance = strings.Clone(c.Path())
	if id, ok := c.Locals("requestid").(string); ok {
		problem.RequestID = id
	}
	if problem.Status >= fiber.StatusInternalServerError {
		h.Log.Error("api call failed", "id", problem.RequestID, "method", c.Method(), "route", c.Route().Path, "error", err)
	}
	if problem.Status == fiber.StatusUnauthorized {
		c.Set(fiber.HeaderWWWAuthenticate, `Bearer realm="Sheaf"`)
	}
	encoded, err := json.Marshal(problem)
	if err != nil { // strings and numbers only
		return err
	}
	c.Set(fiber.HeaderContentType, ProblemType)
	return c.Status(problem.Status).Send(encoded)
}

func problemOf(err error) Problem {
	var body *push.BodyError
	var shown *fault.Error
	var http *fiber.Error
	switch {
	case errors.As(err, &body):
		return bodyProblem(body)
	case errors.As(err, &shown):
		return faultProblem(shown)
	case errors.As(err, &http):
		return httpProblem(http)
	}
	return Problem{Status: fiber.StatusInternalServerError, Detail: "This is the hub's mistake, not yours. Try again; if it stays, send the request's id to the hub's operator."}
}

// bodyProblem: with a pointer the body was read, and what stands there is wrong.
func bodyProblem(body *push.BodyError) Problem {
	problem := Problem{Status: fiber.StatusBadRequest, Detail: body.Error(), Line: body.Line, Column: body.Column,
		Errors: []ProblemError{at(body.Pointer, body.Message)}}
	if body.Pointer != "" {
		problem.Status = fiber.StatusUnprocessableEntity
	}
	return problem
}

func faultProblem(shown *fault.Error) Problem {
	problem := Problem{Status: page.Status(shown.Code), Detail: shown.Message}
	if shown.Code == fault.Internal {
		problem.Detail = "This is the hub's mistake, not yours."
	}
	for _, one := range shown.Problems {
		problem.Errors = append(problem.Errors, place(one.Pointer, one.Message))
	}
	if len(problem.Errors) == 0 && shown.Pointer != "" {
		problem.Errors = []ProblemError{place(shown.Pointer, shown.Message)}
	}
	return problem
}

// place tells a pointer into the body from a parameter's name.
func place(pointer, message string) ProblemError {
	if strings.HasPrefix(pointer, "/") {
		return at(pointer, message)
	}
	return ProblemError{Parameter: pointer, Detail: message}
}

func at(pointer, message string) ProblemError {
	return ProblemError{Pointer: &pointer, Detail: message}
}

// httpProblem is what the server itself refuses.
func httpProblem(err *fiber.Error) Problem {
	problem := Problem{Status: err.Code, Detail: err.Message}
	switch err.Code {
	case fiber.StatusNotFound:
		problem.Detail = "There is no such address here. The description is at /api/docs."
	case fiber.StatusMethodNotAllowed:
		problem.Detail = "This address does not take that method; the Allow header names those that it takes."
	case fiber.StatusRequestEntityTooLarge:
		problem.Detail = "The body is larger than the server takes. Send fewer records in one call."
	}
	if err.Code == fiber.StatusRequestHeaderFieldsTooLarge {
		problem.Detail = "The address or the headers are longer than the server takes."
	}
	if err.Code >= fiber.StatusInternalServerError {
		problem.Detail = "The hub cannot answer just now. Try again later."
	}
	return problem
}
