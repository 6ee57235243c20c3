package operator

import (
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/web/page"
	"github.com/sheaf-hub/sheaf/web/ui"
)

func (h *Handlers) outside(c *fiber.Ctx, title string) ui.Page {
	view := h.Kit.Page(c, ui.AreaOperator, title)
	view.Narrow, view.Home = true, "/operator/sign-in"
	return view
}

// AskAddress asks for an address to send a link to. GET /operator/sign-in (nobody)
func (h *Handlers) AskAddress(c *fiber.Ctx) error {
	next := access.LocalPath(page.Query(c, "next", 500))
	return page.Render(c, fiber.StatusOK, SignIn(SignInView{Page: h.outside(c, "Sign in"), Next: next, Mailbox: h.Mailbox}))
}

// SendLink mails a sign-in link, if the address is staff's. POST /operator/sign-in (nobody)
func (h *Handlers) SendLink(c *fiber.Ctx) error {
	view := SignInView{Page: h.outside(c, "Sign in"), Email: page.Form(c, "email", 300), Next: access.LocalPath(page.Form(c, "next", 500)), Mailbox: h.Mailbox}
	if view.Next == "" {
		view.Next = "/operator"
	}
	err := h.Access.RequestSignIn(c.UserContext(), access.KindStaff, view.Email, view.Next)
	if problems, ok := page.Problems(err); ok {
		view.Page.Errors = problems
		return page.Render(c, fiber.StatusUnprocessableEntity, SignIn(view))
	}
	if err != nil {
		return err
	}
	view.Sent, view.Minutes, view.Page.Title = true, strconv.Itoa(int(access.LinkLasts/time.Minute)), "Check your mail"
	return page.Render(c, fiber.StatusOK, SignIn(view))
}

// ListChoices lists for whom the person may work. GET /operator/switch
func (h *Handlers) ListChoices(c *fiber.Ctx) error {
	base, session, err := h.open(c, "Choose", "")
	if err != nil {
		return err
	}
	staffs, err := h.Access.Staffs(c.UserContext(), session)
	if err != nil {
		return err
	}
	base.Wide, base.Narrow = false, true
	view := SwitchView{Page: base, Email: session.Email}
	for _, staff := range staffs {
		choice := Choice{ID: staff.ID, Name: staff.VendorName, Role: sentence(staff.Role), Current: staff.ID == session.Actor.ID}
		if staff.VendorID == "" {
			choice.Name = "The hub itself"
		}
		view.Choices = append(view.Choices, choice)
	}
	return page.Render(c, fiber.StatusOK, Switch(view))
}

// SwitchStaff lets the session go on for a vendor. POST /operator/switch
func (h *Handlers) SwitchStaff(c *fiber.Ctx) error {
	_, session, err := h.open(c, "Choose", "")
	if err != nil {
		return err
	}
	switched, err := h.Access.SwitchStaff(c.UserContext(), session, page.Form(c, "staff", 40))
	if err != nil {
		return err
	}
	if switched.Role == access.RoleOperator {
		return h.Kit.Done(c, "/operator", "You work as operator")
	}
	return h.Kit.Done(c, "/vendor", "You work for "+switched.VendorName+" now")
}
