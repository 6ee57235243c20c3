package party

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/mail"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// InvitationLife is how long a colleague may think about it.
const InvitationLife = 30 * 24 * time.Hour

// MostTeam bounds the members of a team, and its open invitations.
const MostTeam = 50

// Invitation asks a mailbox to join a contact's customer.
type Invitation struct {
	bun.BaseModel `bun:"table:team_invitations,alias:ti"`
	ID            string    `bun:"id,pk"`
	CustomerID    string    `bun:"customer_id"`
	InviterID     string    `bun:"inviter_id"`
	Email         string    `bun:"email"`
	CreatedAt     time.Time `bun:"created_at"`
	ExpiresAt     time.Time `bun:"expires_at"`
	AnsweredAt    time.Time `bun:"answered_at,nullzero"`
	Answer        string    `bun:"answer"`
}

// Received is an invitation as the invited one sees it: only who asks.
type Received struct {
	Invitation   `bun:",extend"`
	InviterEmail string `bun:"inviter_email"`
	InviterName  string `bun:"inviter_name"`
}

// InviteColleagueTx asks a mailbox to join the contact's team. Asked again, it
// answers with the open invitation. It tells nothing of whether the hub knows
// the mailbox.
func (s *Service) InviteColleagueTx(ctx context.Context, tx bun.IDB, inviter Contact, email string) (Invitation, error) {
	clean, err := mail.CleanAddress(email)
	if err != nil {
		return Invitation{}, fault.At("email", "Enter an e-mail address, like ann@customer.example.")
	}
	team, err := teamOf(ctx, tx, inviter.CustomerID)
	if err != nil {
		return Invitation{}, err
	}
	for _, member := range team {
		if member.Email == clean {
			return Invitation{}, fault.At("email", "%s is in your team already.", clean)
		}
	}
	open, err := openInvitations(ctx, tx, "customer_id", inviter.CustomerID, s.Now())
	if err != nil {
		return Invitation{}, err
	}
	for _, invitation := range open {
		if invitation.Email == clean {
			return invitation, nil
		}
	}
	if len(team)+len(open) >= MostTeam {
		return Invitation{}, fault.At("email", "A team has at most %d members.", MostTeam)
	}
	if err := s.ensureContact(ctx, tx, clean, inviter); err != nil {
		return Invitation{}, err
	}
	now := s.Now().UTC()
	invitation := Invitation{ID: store.NewID(), CustomerID: inviter.CustomerID, InviterID: inviter.ID, Email: clean, CreatedAt: now, ExpiresAt: now.Add(InvitationLife)}
	return invitation, insertInvitation(ctx, tx, invitation, now)
}

// ensureContact makes a contact of a colleague whom no vendor lists, so that it
// can sign in and answer. It is a customer of its own until it says yes.
func (s *Service) ensureContact(ctx context.Context, tx bun.IDB, email string, inviter Contact) error {
	known, err := contactsByEmail(ctx, tx, []string{email})
	if err != nil || len(known) > 0 {
		return err
	}
	contacts, customers := s.newContacts(map[string]seenContact{email: {customer: email}}, zoneName(inviter))
	return insertContacts(ctx, tx, contacts, customers)
}

// ReceivedInvitation is one open invitation for a mailbox.
func (s *Service) ReceivedInvitation(ctx context.Context, contact Contact, id string) (Received, error) {
	list, err := s.InvitationsFor(ctx, contact)
	if err != nil {
		return Received{}, err
	}
	for _, invitation := range list {
		if invitation.ID == id {
			return invitation, nil
		}
	}
	return Received{}, fault.New(fault.NotFound, "There is no such open invitation for you. Sign in with the address that the mail was sent to, or ask for a new one.")
}

// Invitations are a team's open ones.
func (s *Service) Invitations(ctx context.Context, customerID string) ([]Invitation, error) {
	return openInvitations(ctx, s.DB, "customer_id", customerID, s.Now())
}

// InvitationsFor are the open ones for a mailbox.
func (s *Service) InvitationsFor(ctx context.Context, contact Contact) ([]Received, error) {
	return receivedInvitations(ctx, s.DB, contact.Email, s.Now())
}

// WithdrawInvitationTx takes back an invitation of the contact's team.
func (s *Service) WithdrawInvitationTx(ctx context.Context, tx bun.IDB, contact Contact, id string) (Invitation, error) {
	return s.answer(ctx, tx, id, "withdrawn", func(i Invitation) bool { return i.CustomerID == contact.CustomerID })
}

// DeclineInvitationTx says no.
func (s *Service) DeclineInvitationTx(ctx context.Context, tx bun.IDB, contact Contact, id string) (Invitation, error) {
	return s.answer(ctx, tx, id, "declined", func(i Invitation) bool { return i.Email == contact.Email })
}

// AcceptInvitationTx says yes: the contact, with the accounts of which it is
// the first payables mailbox, goes over to the team's customer.
func (s *Service) AcceptInvitationTx(ctx context.Context, tx bun.IDB, contact Contact, id string) (Invitation, error) {
	invitation, err := s.answer(ctx, tx, id, "accepted", func(i Invitation) bool { return i.Email == contact.Email })
	if err != nil {
		return invitation, err
	}
	return invitation, moveContact(ctx, tx, contact, invitation.CustomerID)
}

func (s *Service) answer(ctx context.Context, tx bun.IDB, id, answer string, may func(Invitation) bool) (Invitation, error) {
	missing := fault.New(fault.NotFound, "There is no such open invitation.")
	if !store.ValidID(id) {
		return Invitation{}, missing
	}
	invitation, found, err := lockInvitation(ctx, s.DB, tx, id)
	if err != nil {
		return invitation, err
	}
	if !found || !may(invitation) || !invitation.AnsweredAt.IsZero() || !s.Now().Before(invitation.ExpiresAt) {
		return invitation, missing
	}
	invitation.Answer, invitation.AnsweredAt = answer, s.Now().UTC()
	return invitation, updateInvitation(ctx, tx, invitation)
}

// LeaveTeamTx makes the contact a customer of its own again. Nobody leaves a
// team of one.
func (s *Service) LeaveTeamTx(ctx context.Context, tx bun.IDB, contact Contact) error {
	team, err := teamOf(ctx, tx, contact.CustomerID)
	if err != nil {
		return err
	}
	if len(team) < 2 {
		return fault.New(fault.Conflict, "You are not in a team.")
	}
	customer := Customer{ID: store.NewID(), Name: contact.DisplayName(), CreatedAt: s.Now().UTC()}
	if err := insertCustomers(ctx, tx, []Customer{customer}); err != nil {
		return err
	}
	return moveContact(ctx, tx, contact, customer.ID)
}
