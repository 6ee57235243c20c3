package portal

import (
	"errors"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/fault"
	kit "github.com/sheaf-hub/sheaf/web/page"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// Home asks who comes, and lets a signed-in contact go on to its page.
// GET / for everybody.
func (h *Handlers) Home(c *fiber.Ctx) error {
	next := access.LocalPath(kit.Query(c, "next", 1000))
	if session, ok := kit.Session(c); ok && session.Actor.Kind == access.KindContact {
		if next == "" {
			next = "/me"
		}
		return c.Redirect(next, fiber.StatusSeeOther)
	}
	return h.signInForm(c, fiber.StatusOK, "", next, nil)
}

func (h *Handlers) signInForm(c *fiber.Ctx, status int, email, next string, problems []ui.FieldError) error {
	view := h.outside(c, "Sign in")
	view.Errors = problems
	return kit.Render(c, status, SignIn(SignInView{Page: view, Action: "/sign-in", Email: email, Next: next, Demo: h.Mailbox != nil}))
}

// outside begins a page for somebody who is not signed in.
func (h *Handlers) outside(c *fiber.Ctx, title string) ui.Page {
	view := h.Kit.Page(c, ui.AreaPortal, title)
	view.Narrow, view.Help = true, h.HelpURL
	return view
}

// RequestSignIn mails a link to a contact; the answer is the same for an
// address that nobody has. POST /sign-in (email, next) for everybody.
func (h *Handlers) RequestSignIn(c *fiber.Ctx) error {
	email, next := strings.TrimSpace(kit.Form(c, "email", 300)), access.LocalPath(kit.Form(c, "next", 1000))
	err := h.Access.RequestSignIn(c.UserContext(), access.KindContact, email, next)
	if problems, ok := kit.Problems(err); ok {
		return h.signInForm(c, fiber.StatusUnprocessableEntity, email, next, problems)
	}
	if err != nil {
		return err
	}
	view := CheckMailView{Page: h.outside(c, "Check your mail"), Email: email, Minutes: int(access.LinkLasts.Minutes()), Again: "/"}
	if h.Mailbox != nil {
		view.Mailbox = "/dev/mail"
	}
	return kit.Render(c, fiber.StatusOK, CheckMail(view))
}

// LookAtLink shows the button behind a sign-in link and changes nothing.
// GET /sign-in/:token for everybody: contacts, staff and operators.
func (h *Handlers) LookAtLink(c *fiber.Ctx) error {
	token := kit.Param(c, "token")
	link, err := h.Access.LookAtLink(c.UserContext(), token)
	if err != nil {
		return h.spentLink(c, err)
	}
	return kit.Render(c, fiber.StatusOK, Confirm(ConfirmView{Page: h.outside(c, "Sign in"), Action: "/sign-in/" + token, Token: token, Email: link.Email}))
}

// ConsumeLink uses a sign-in link up. The token is taken from the path.
// POST /sign-in/:token (remember) for everybody.
func (h *Handlers) ConsumeLink(c *fiber.Ctx) error {
	device := deviceName(strings.Clone(c.Get(fiber.HeaderUserAgent)))
	session, token, err := h.Access.ConsumeLink(c.UserContext(), kit.Param(c, "token"), device, kit.Form(c, "remember", 10) != "")
	if err != nil {
		return h.spentLink(c, err)
	}
	if old := kit.Token(c); old != "" { // whoever was signed in here before is not any more
		if err := h.Access.SignOut(c.UserContext(), old); err != nil {
			return err
		}
	}
	h.Kit.SetSession(c, token, session)
	return c.Redirect(landing(session), fiber.StatusSeeOther)
}

func landing(session access.Session) string {
	switch {
	case session.Next != "":
		return session.Next
	case session.Actor.Kind == access.KindStaff:
		return "/vendor"
	case session.Actor.Kind == access.KindOperator:
		return "/operator"
	}
	return "/me"
}

// spentLink offers a new link for one that cannot be used.
func (h *Handlers) spentLink(c *fiber.Ctx, err error) error {
	code := fault.CodeOf(err)
	if code != fault.Gone && code != fault.NotFound {
		return err
	}
	var said *fault.Error
	used := errors.As(err, &said) && strings.Contains(said.Message, "used already")
	return kit.Render(c, kit.Status(code), Expired(ExpiredView{Page: h.outside(c, "Sign in again"), Used: used, Action: "/sign-in"}))
}

// SignOut ends this browser's session. POST /sign-out for everybody signed in.
func (h *Handlers) SignOut(c *fiber.Ctx) error {
	if err := h.Access.SignOut(c.UserContext(), kit.Token(c)); err != nil {
		return err
	}
	to := "/"
	if session, ok := kit.Session(c); ok {
		switch session.Actor.Kind {
		case access.KindStaff:
			to = "/vendor/sign-in"
		case access.KindOperator:
			to = "/operator/sign-in"
		}
	}
	h.Kit.EndSession(c)
	return h.Kit.Done(c, to, "You are signed out.")
}

// SignOutEverywhere ends all sessions of whoever is signed in.
// POST /sign-out-everywhere for everybody signed in.
func (h *Handlers) SignOutEverywhere(c *fiber.Ctx) error {
	session, ok := kit.Session(c)
	if !ok {
		return fault.New(fault.Unauthenticated, "You are not signed in any more on this device. Sign in and try again.")
	}
	if err := h.Access.SignOutEverywhere(c.UserContext(), session.Actor); err != nil {
		return err
	}
	h.Kit.EndSession(c)
	return h.Kit.Done(c, "/", "You are signed out on all devices.")
}

// deviceName says in a few words what browser it is, for the list of sessions.
func deviceName(agent string) string {
	find := func(otherwise string, pairs ...[2]string) string {
		for _, pair := range pairs {
			if strings.Contains(agent, pair[0]) {
				return pair[1]
			}
		}
		return otherwise
	}
	browser := find("A browser", [2]string{"Edg/", "Edge"}, [2]string{"OPR/", "Opera"}, [2]string{"Firefox/", "Firefox"}, [2]string{"CriOS/", "Chrome"},
		[2]string{"Chrome/", "Chrome"}, [2]string{"Safari/", "Safari"}, [2]string{"curl/", "curl"})
	system := find("", [2]string{"iPhone", "iPhone"}, [2]string{"iPad", "iPad"}, [2]string{"Android", "Android"}, [2]string{"Windows", "Windows"},
		[2]string{"Mac OS X", "Mac"}, [2]string{"CrOS", "ChromeOS"}, [2]string{"Linux", "Linux"})
	if system == "" {
		return browser
	}
	return browser + " on " + system
}
