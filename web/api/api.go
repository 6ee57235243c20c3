// Package api is the vendors' API, /api/v1: JSON in and out, bearer keys, and
// problems as RFC 9457. routes.go in package web lists the routes; each handler
// here names its own. The description is openapi.json.
package api

import (
	"context"
	"log/slog"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/cases"
	"github.com/sheaf-hub/sheaf/hub/intake"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// MaxBody bounds the body of a call, in bytes. The server's own limit must not
// be smaller, or its answer comes first.
const MaxBody = 20 << 20

// smallBody bounds the calls that carry one thing.
const smallBody = 64 << 10

// How long a call may take.
const (
	readTimeout  = 15 * time.Second
	writeTimeout = 60 * time.Second
)

// Handlers are the API's handlers. All fields are needed but for Limiter.
type Handlers struct {
	DB       *store.DB
	Access   *access.Service
	Party    *party.Service
	Billing  *billing.Service
	Cases    *cases.Service
	Payment  *payment.Service
	Outbox   *outbox.Service
	Intake   *intake.Service
	CheckURL func(raw string) error // of webhook endpoints: outbound.Client.CheckURL
	Limiter  *Limiter               // nil: no limit per key
	Log      *slog.Logger
	Now      func() time.Time
}

// deadline is the context of one call.
func deadline(c *fiber.Ctx, most time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(c.UserContext(), most)
}

// list is the answer of every GET that pages.
type list[T any] struct {
	Data       []T     `json:"data"`
	NextCursor *string `json:"next_cursor"`
}

// listOf answers a page; an empty list is [] and the last page's cursor null.
func listOf[S, T any](c *fiber.Ctx, rows []S, next string, view func(S) T) error {
	answer := list[T]{Data: make([]T, 0, len(rows))}
	for _, row := range rows {
		answer.Data = append(answer.Data, view(row))
	}
	if next != "" {
		answer.NextCursor = &next
	}
	return c.JSON(answer)
}

// instant is a time in JSON; nil for none.
func instant(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	at = at.UTC()
	return &at
}
