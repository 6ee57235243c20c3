package console

import (
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/web/page"
	"github.com/sheaf-hub/sheaf/web/ui"
)

func (h *Handlers) outside(c *fiber.Ctx, title string) ui.Page {
	view := h.Kit.Page(c, ui.AreaConsole, title)
	view.Narrow, view.Home = true, "/vendor/sign-in"
	return view
}

// AskAddress asks for an address to send a link to. GET /vendor/sign-in (nobody)
func (h *Handlers) AskAddress(c *fiber.Ctx) error {
	next := access.LocalPath(page.Query(c, "next", 500))
	return page.Render(c, fiber.StatusOK, SignIn(SignInView{Page: h.outside(c, "Sign in"), Next: next, Mailbox: h.Mailbox}))
}

// SendLink mails a sign-in link, if the address is staff's. POST /vendor/sign-in (nobody)
func (h *Handlers) SendLink(c *fiber.Ctx) error {
	email, next := page.Form(c, "email", 300), access.LocalPath(page.Form(c, "next", 500))
	if next == "" {
		next = "/vendor"
	}
	err := h.Access.RequestSignIn(c.UserContext(), access.KindStaff, email, next)
	if problems := refused(err); problems != nil {
		view := SignInView{Page: h.outside(c, "Sign in"), Email: email, Next: next, Mailbox: h.Mailbox}
		view.Page.Errors = problems
		return page.Render(c, fiber.StatusUnprocessableEntity, SignIn(view))
	}
	if err != nil {
		return err
	}
	return page.Render(c, fiber.StatusOK, CheckMail(CheckMailView{Page: h.outside(c, "Check your mail"), Email: email,
		Minutes: int(access.LinkLasts / time.Minute), Mailbox: h.Mailbox}))
}

// ListChoices lists for whom the person may work. GET /vendor/switch
func (h *Handlers) ListChoices(c *fiber.Ctx) error {
	session, _ := page.Session(c)
	staffs, err := h.Access.Staffs(c.UserContext(), session)
	if err != nil {
		return err
	}
	view := SwitchView{Page: h.Kit.Page(c, ui.AreaConsole, "Choose"), Email: session.Email}
	view.Page.Wide, view.Page.Narrow = false, true
	for _, staff := range staffs {
		choice := Choice{ID: staff.ID, Name: staff.VendorName, Role: sentence(staff.Role), Current: staff.ID == session.Actor.ID}
		if staff.VendorID == "" {
			choice.Name = "The hub itself"
		}
		view.Choices = append(view.Choices, choice)
	}
	return page.Render(c, fiber.StatusOK, Switch(view))
}

// SwitchStaff lets the session go on for another vendor, or as operator. POST /vendor/switch
func (h *Handlers) SwitchStaff(c *fiber.Ctx) error {
	session, _ := page.Session(c)
	switched, err := h.Access.SwitchStaff(c.UserContext(), session, page.Form(c, "staff", 40))
	if err != nil {
		return err
	}
	if switched.Role == access.RoleOperator {
		return h.Kit.Done(c, "/operator", "You work as operator now")
	}
	return h.Kit.Done(c, "/vendor", "You work for "+switched.VendorName+" now")
}
