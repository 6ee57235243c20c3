package portal

import (
	"github.com/gofiber/fiber/v2"

	"github.com/sheaf-hub/sheaf/hub/access"
	kit "github.com/sheaf-hub/sheaf/web/page"
)

// InviteColleague asks a colleague to join the team. Posted: email.
// POST /me/team/invitations for a contact.
func (h *Handlers) InviteColleague(c *fiber.Ctx) error {
	who, err := h.contact(c)
	if err != nil {
		return h.refuse(c, err)
	}
	email := kit.Form(c, "email", 254)
	invitation, err := h.Access.InviteColleague(c.UserContext(), who.actor, who.contact(), email)
	if problems, ok := kit.Problems(err); ok {
		for i := range problems {
			problems[i].Field = "invite-email"
		}
		v := settingsOf(who.contact())
		v.InviteEmail = email
		return h.renderSettings(c, who, fiber.StatusUnprocessableEntity, v, problems)
	}
	if err != nil {
		return err
	}
	return h.Kit.Done(c, "/me/settings", "We have written to "+invitation.Email+". Nothing is shared before the invitation is accepted.")
}

// LookAtInvitation asks the invited contact. GET /me/team/invitations/:id
func (h *Handlers) LookAtInvitation(c *fiber.Ctx) error {
	who, err := h.contact(c)
	if err != nil {
		return h.refuse(c, err)
	}
	invitation, err := h.Party.ReceivedInvitation(c.UserContext(), who.contact(), kit.Param(c, "id"))
	if err != nil {
		return err
	}
	v := InvitationView{From: orElse(invitation.InviterName, invitation.InviterEmail), Email: invitation.InviterEmail,
		Accept: "/me/team/invitations/" + invitation.ID + "/acceptance", Decline: "/me/team/invitations/" + invitation.ID + "/refusal"}
	if v.Page, err = h.view(c, who, "Join a team", ""); err != nil {
		return err
	}
	return kit.Render(c, fiber.StatusOK, InvitationPage(v))
}

// AcceptInvitation says yes. POST /me/team/invitations/:id/acceptance for the invited contact.
func (h *Handlers) AcceptInvitation(c *fiber.Ctx) error {
	return h.answerInvitation(c, access.TeamAccepted, "You have joined the team. Its invoices are here too.")
}

// DeclineInvitation says no. POST /me/team/invitations/:id/refusal for the invited contact.
func (h *Handlers) DeclineInvitation(c *fiber.Ctx) error {
	return h.answerInvitation(c, access.TeamDeclined, "You have said no. Nothing was shared.")
}

// WithdrawInvitation takes one back. POST /me/team/invitations/:id/withdrawals for a member of the team.
func (h *Handlers) WithdrawInvitation(c *fiber.Ctx) error {
	return h.answerInvitation(c, access.TeamWithdrawn, "The invitation is withdrawn.")
}

func (h *Handlers) answerInvitation(c *fiber.Ctx, answer, done string) error {
	who, err := h.contact(c)
	if err != nil {
		return h.refuse(c, err)
	}
	if err := h.Access.AnswerInvitation(c.UserContext(), who.actor, who.contact(), kit.Param(c, "id"), answer); err != nil {
		return err
	}
	to := "/me/settings"
	if answer == access.TeamAccepted {
		to = "/me"
	}
	return h.Kit.Done(c, to, done)
}

// LeaveTeam leaves it. POST /me/team/departures for a contact.
func (h *Handlers) LeaveTeam(c *fiber.Ctx) error {
	who, err := h.contact(c)
	if err != nil {
		return h.refuse(c, err)
	}
	if err := h.Access.LeaveTeam(c.UserContext(), who.actor, who.contact()); err != nil {
		return err
	}
	return h.Kit.Done(c, "/me/settings", "You have left the team. You see your own invoices only.")
}
