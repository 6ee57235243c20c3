package access

import (
	"context"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/mail"
	"github.com/sheaf-hub/sheaf/hub/mail/letter"
	"github.com/sheaf-hub/sheaf/hub/party"
)

// InvitationLetters renders the mail that asks a colleague; letter.Renderer is one.
type InvitationLetters interface {
	Invitation(letter.Invitation) (letter.Rendered, error)
}

// InviteColleague asks a mailbox to join the contact's team: the invitation,
// its mail and its line in the audit log, all or nothing.
func (s *Service) InviteColleague(ctx context.Context, actor Actor, contact party.Contact, email string) (party.Invitation, error) {
	var invitation party.Invitation
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		var err error
		if invitation, err = s.Party.InviteColleagueTx(ctx, tx, contact, email); err != nil {
			return err
		}
		if err := s.mailInvitation(ctx, tx, contact, invitation); err != nil {
			return err
		}
		return s.auditTeam(ctx, tx, actor, "team.invited", invitation)
	})
	return invitation, err
}

func (s *Service) mailInvitation(ctx context.Context, tx bun.IDB, from party.Contact, invitation party.Invitation) error {
	letters, ok := s.Letters.(InvitationLetters)
	if !ok {
		return errors.New("the letters cannot write invitations")
	}
	rendered, err := letters.Invitation(letter.Invitation{From: from.DisplayName(), Email: from.Email,
		URL: s.PublicURL + "/me/team/invitations/" + invitation.ID, Days: int(party.InvitationLife / (24 * time.Hour)), Footer: s.Footer})
	if err != nil {
		return err
	}
	return s.Outbox.AppendMailTx(ctx, tx, "team invitation", mail.Message{From: s.From, To: mail.Address{Email: invitation.Email},
		Subject: rendered.Subject, Text: rendered.Text, HTML: rendered.HTML, AutoReply: true}, invitation.ExpiresAt)
}

func (s *Service) auditTeam(ctx context.Context, tx bun.IDB, actor Actor, action string, invitation party.Invitation) error {
	return s.AuditTx(ctx, tx, actor, Change{Action: action, SubjectKind: "invitation", SubjectID: invitation.ID,
		CustomerID: invitation.CustomerID, After: invitation.Email})
}

// Answers to an invitation.
const (
	TeamAccepted  = "team.accepted"
	TeamDeclined  = "team.declined"
	TeamWithdrawn = "team.withdrawn"
)

// AnswerInvitation accepts, declines or withdraws one; fault.NotFound when it is
// not this contact's to answer, or was answered before.
func (s *Service) AnswerInvitation(ctx context.Context, actor Actor, contact party.Contact, id, answer string) error {
	answers := map[string]func(context.Context, bun.IDB, party.Contact, string) (party.Invitation, error){
		TeamAccepted: s.Party.AcceptInvitationTx, TeamDeclined: s.Party.DeclineInvitationTx, TeamWithdrawn: s.Party.WithdrawInvitationTx}
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		invitation, err := answers[answer](ctx, tx, contact, id)
		if err != nil {
			return err
		}
		return s.auditTeam(ctx, tx, actor, answer, invitation)
	})
}

// LeaveTeam makes the contact a customer of its own again.
func (s *Service) LeaveTeam(ctx context.Context, actor Actor, contact party.Contact) error {
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := s.Party.LeaveTeamTx(ctx, tx, contact); err != nil {
			return err
		}
		return s.AuditTx(ctx, tx, actor, Change{Action: "team.left", SubjectKind: "contact", SubjectID: contact.ID, CustomerID: contact.CustomerID, Before: contact.CustomerID})
	})
}
