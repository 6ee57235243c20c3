package page

import (
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/fault"
)

// SessionCookie holds the session's token.
const SessionCookie = "sheaf_session"

const sessionKey = "session"

// LoadSession is the middleware that finds out who is signed in. No cookie, or
// one that is worth nothing any more, is nobody.
func (k *Kit) LoadSession(c *fiber.Ctx) error {
	token := strings.Clone(c.Cookies(SessionCookie))
	if token == "" {
		return c.Next()
	}
	session, err := k.Access.Session(c.UserContext(), token)
	switch code := fault.CodeOf(err); {
	case err == nil:
		c.Locals(sessionKey, session)
	case code == fault.Internal || code == fault.Unavailable:
		return err
	default:
		k.clearCookie(c, SessionCookie)
	}
	return c.Next()
}

// Session is who is signed in.
func Session(c *fiber.Ctx) (access.Session, bool) {
	session, ok := c.Locals(sessionKey).(access.Session)
	return session, ok
}

// Token is the session's token, for signing out.
func Token(c *fiber.Ctx) string { return strings.Clone(c.Cookies(SessionCookie)) }

// SetSession gives the browser a session.
func (k *Kit) SetSession(c *fiber.Ctx, token string, session access.Session) {
	cookie := &fiber.Cookie{Name: SessionCookie, Value: token, Path: "/", HTTPOnly: true, Secure: k.Secure, SameSite: fiber.CookieSameSiteLaxMode}
	if session.Remembered {
		cookie.Expires = session.ExpiresAt
	}
	c.Cookie(cookie)
}

// EndSession takes it away again.
func (k *Kit) EndSession(c *fiber.Ctx) { k.clearCookie(c, SessionCookie) }

func (k *Kit) clearCookie(c *fiber.Ctx, name string) {
	c.Cookie(&fiber.Cookie{Name: name, Value: "", Path: "/", HTTPOnly: true, Secure: k.Secure, SameSite: fiber.CookieSameSiteLaxMode, MaxAge: -1})
}

// RequireContact lets contacts in and sends everybody else to sign in.
func RequireContact(c *fiber.Ctx) error {
	session, ok := Session(c)
	if !ok || session.Actor.Kind != access.KindContact {
		return signIn(c, "/")
	}
	return c.Next()
}

// RequireStaff lets a vendor's staff in.
func RequireStaff(c *fiber.Ctx) error {
	session, ok := Session(c)
	if !ok || session.Actor.Kind != access.KindStaff {
		return signIn(c, "/vendor/sign-in")
	}
	return c.Next()
}

// RequireOperator lets the hub's own staff in.
func RequireOperator(c *fiber.Ctx) error {
	session, ok := Session(c)
	if !ok || session.Actor.Kind != access.KindOperator {
		return signIn(c, "/operator/sign-in")
	}
	return c.Next()
}

// signIn redirects to the sign-in page, which leads back here. Who posts
// without a session gets a page that says so: what was entered is not lost
// silently in a redirect.
func signIn(c *fiber.Ctx, to string) error {
	if c.Method() != fiber.MethodGet && c.Method() != fiber.MethodHead {
		return fault.New(fault.Unauthenticated, "You are not signed in any more, so nothing was changed. Sign in and try again.")
	}
	next := string(c.Request().URI().RequestURI())
	return c.Redirect(to+"?next="+url.QueryEscape(next), fiber.StatusSeeOther)
}

// SameOrigin refuses changes that another site's page asks for: browsers say
// where a request comes from (Sec-Fetch-Site, or Origin in older ones). A
// program that sends neither has no ambient cookie to abuse.
func (k *Kit) SameOrigin(c *fiber.Ctx) error {
	switch c.Method() {
	case fiber.MethodGet, fiber.MethodHead, fiber.MethodOptions:
		return c.Next()
	}
	switch c.Get("Sec-Fetch-Site") {
	case "same-origin", "none":
		return c.Next()
	case "":
		origin := c.Get(fiber.HeaderOrigin)
		if origin == "" || origin == k.PublicURL || sameHost(origin, string(c.Request().Host())) {
			return c.Next()
		}
	}
	return fault.New(fault.Forbidden, "This came from another site's page, so nothing was changed. Open the page here and try again.")
}

func sameHost(origin, host string) bool {
	parsed, err := url.Parse(origin)
	return err == nil && parsed.Host != "" && parsed.Host == host
}
