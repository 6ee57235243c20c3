// Package web is the hub's face: pages, the vendor API and inbound webhooks.
// routes.go is the one list of all of them; here stands what every request
// passes through.
package web

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/compress"
	"github.com/gofiber/fiber/v2/middleware/recover"
	"github.com/gofiber/fiber/v2/middleware/requestid"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/web/page"
)

// Times and sizes of one request.
const (
	requestTimeout = 30 * time.Second
	// MaxBody bounds a request (bytes): a push of invoices with papers is the largest.
	MaxBody = 32 << 20
)

// Deps is what the server needs from cmd/sheaf.
type Deps struct {
	Handlers
	Kit            *page.Kit
	Log            *slog.Logger
	TrustedProxies []string // addresses or networks; empty: none is trusted
	PayOrigin      string   // of the gateway's pages, where they are not https: a played gateway's
	// Observe is told of each answered request by its route, for metrics.
	Observe func(method, route string, status int, took time.Duration)
}

// New is the server, ready to listen.
func New(deps Deps) *fiber.App {
	app := fiber.New(fiber.Config{
		AppName: "Sheaf", ServerHeader: "", DisableStartupMessage: true, BodyLimit: MaxBody, ReadTimeout: 60 * time.Second,
		WriteTimeout: 90 * time.Second, IdleTimeout: 120 * time.Second, ReadBufferSize: 16 << 10,
		EnableTrustedProxyCheck: true, TrustedProxies: deps.TrustedProxies, ProxyHeader: proxyHeader(deps), EnableIPValidation: true,
		ErrorHandler: deps.onError,
	})
	app.Use(requestid.New(), deps.observe, recover.New(recover.Config{EnableStackTrace: true, StackTraceHandler: deps.onPanic}), deps.secure, refuseEncoded, withTimeout)
	app.Use(compress.New(compress.Config{Level: compress.LevelBestSpeed, Next: func(c *fiber.Ctx) bool { return strings.HasPrefix(c.Path(), "/api") }}))
	for _, route := range routes(&deps.Handlers, deps.Kit) {
		if route.Method == get {
			app.Add(fiber.MethodHead, route.Path, route.chain()...)
		}
		app.Add(route.Method, route.Path, route.chain()...)
	}
	app.Use(func(*fiber.Ctx) error { return fiber.ErrNotFound })
	return app
}

func proxyHeader(deps Deps) string {
	if len(deps.TrustedProxies) == 0 {
		return ""
	}
	return fiber.HeaderXForwardedFor
}

func (d *Deps) secure(c *fiber.Ctx) error {
	d.protect(c)
	return c.Next()
}

// protect sets what every answer carries.
func (d *Deps) protect(c *fiber.Ctx) {
	// a form may lead on to the gateway's page (https) or to the hub by its public name
	c.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; frame-src 'self'; "+
		"form-action 'self' https: "+strings.TrimSpace(d.Kit.PublicURL+" "+d.PayOrigin)+"; base-uri 'none'; frame-ancestors 'none'")
	c.Set("X-Content-Type-Options", "nosniff")
	c.Set("X-Frame-Options", "DENY")
	c.Set("Referrer-Policy", "same-origin") // links of digests hold a token
	c.Set("Cross-Origin-Opener-Policy", "same-origin")
	c.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
	c.Set(fiber.HeaderCacheControl, "no-store")
}

// refuseEncoded: a small compressed body can swell past every limit, so none is taken.
func refuseEncoded(c *fiber.Ctx) error {
	if encoding := c.Get(fiber.HeaderContentEncoding); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return fault.New(fault.Unsupported, "A compressed body is not taken. Send it without Content-Encoding.")
	}
	return c.Next()
}

func withTimeout(c *fiber.Ctx) error {
	parent := c.UserContext()
	ctx, cancel := context.WithTimeout(parent, requestTimeout)
	defer cancel()
	defer c.SetUserContext(parent) // the error page outside is still to be written
	c.SetUserContext(ctx)
	return c.Next()
}

func (d *Deps) observe(c *fiber.Ctx) error {
	started := time.Now()
	err := c.Next()
	if err != nil {
		// answered here, so that the status below is the one that was sent
		if failure := d.onError(c, err); failure != nil {
			return failure
		}
	}
	if d.Observe != nil {
		d.Observe(strings.Clone(c.Method()), c.Route().Path, c.Response().StatusCode(), time.Since(started))
	}
	return nil
}

// onError answers in the form of the place: a problem for programs, a page for people.
func (d *Deps) onError(c *fiber.Ctx, err error) error {
	d.protect(c) // what the server itself refuses, such as too large a body, never came by secure
	if errors.Is(err, context.DeadlineExceeded) {
		err = fault.Wrap(fault.Unavailable, err, "This took too long and was given up. Try again in a minute.")
	} else if why, down := store.Down(err); down && fault.CodeOf(err) == fault.Internal {
		c.Set(fiber.HeaderRetryAfter, "5")
		err = fault.Wrap(fault.Unavailable, err, "%s Nothing is half done; try again in a moment.", why)
	}
	if strings.HasPrefix(c.Path(), "/api") || strings.HasPrefix(c.Path(), "/webhooks") {
		return d.API.Error(c, err)
	}
	return d.Kit.Error(c, err)
}

func (d *Deps) onPanic(c *fiber.Ctx, fault any) {
	d.Log.Error("a handler panicked", "id", page.RequestID(c), "method", c.Method(), "route", c.Route().Path, "fault", fault)
}
