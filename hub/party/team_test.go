package party_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/party"
)

// invite asks and returns the invitation's id.
func (h *hall) invite(from party.Contact, email string) (party.Invitation, error) {
	var invitation party.Invitation
	err := h.inTx(func(ctx context.Context, tx bun.Tx) error {
		var err error
		invitation, err = h.InviteColleagueTx(ctx, tx, from, email)
		return err
	})
	return invitation, err
}

func (h *hall) accept(contact party.Contact, id string) error {
	return h.inTx(func(ctx context.Context, tx bun.Tx) error {
		_, err := h.AcceptInvitationTx(ctx, tx, contact, id)
		return err
	})
}

func TestATeamSeesWhatAnyMemberSeesUntilItIsLeft(t *testing.T) {
	each(t, func(t *testing.T, h *hall) {
		one, two := h.vendor("Northwind"), h.vendor("Brightwell")
		h.upsert(one, party.AccountRecord{ExternalID: "C-1", Name: "Acme", Contacts: listed(party.Payables, "ann@acme.example")})
		h.upsert(two, party.AccountRecord{ExternalID: "K-1", Name: "Acme", Contacts: listed(party.Payables, "bob@acme.example")})
		ann, bob := h.contact("ann@acme.example"), h.contact("bob@acme.example")
		invitation, err := h.invite(ann, " Bob@acme.example")
		h.must(err)
		if again, err := h.invite(ann, "bob@acme.example"); err != nil || again.ID != invitation.ID {
			t.Fatal("asked twice, there are two invitations", err)
		}
		if err := h.accept(ann, invitation.ID); !fault.Is(err, fault.NotFound) {
			t.Fatal("somebody else accepted", err)
		}
		received, err := h.InvitationsFor(t.Context(), bob)
		if err != nil || len(received) != 1 || received[0].InviterEmail != ann.Email {
			t.Fatalf("%+v %v", received, err)
		}
		h.must(h.accept(bob, invitation.ID))
		if err := h.accept(bob, invitation.ID); !fault.Is(err, fault.NotFound) {
			t.Fatal("accepted twice", err)
		}
		bob = h.contact("bob@acme.example")
		seen, err := h.VisibleAccountIDs(t.Context(), h.DB, ann.CustomerID)
		h.must(err)
		if bob.CustomerID != ann.CustomerID || len(seen) != 2 || h.account(two, "K-1").CustomerID != ann.CustomerID {
			t.Fatalf("the team sees %v", seen)
		}
		h.must(h.inTx(func(ctx context.Context, tx bun.Tx) error { return h.LeaveTeamTx(ctx, tx, bob) }))
		bob = h.contact("bob@acme.example")
		annSees, err := h.VisibleAccountIDs(t.Context(), h.DB, ann.CustomerID)
		h.must(err)
		bobSees, err := h.VisibleAccountIDs(t.Context(), h.DB, bob.CustomerID)
		h.must(err)
		if !slices.Equal(annSees, []string{h.account(one, "C-1").ID}) || !slices.Equal(bobSees, []string{h.account(two, "K-1").ID}) || h.account(two, "K-1").CustomerID != bob.CustomerID {
			t.Fatalf("after leaving, %v and %v", annSees, bobSees)
		}
		if err := h.inTx(func(ctx context.Context, tx bun.Tx) error { return h.LeaveTeamTx(ctx, tx, bob) }); !fault.Is(err, fault.Conflict) {
			t.Fatal("left a team of one", err)
		}
	})
}

func TestAnInvitationCanBeRefusedWithdrawnAndRunsOut(t *testing.T) {
	each(t, func(t *testing.T, h *hall) {
		vendor := h.vendor("Northwind")
		h.upsert(vendor, party.AccountRecord{ExternalID: "C-1", Name: "Acme", Contacts: listed(party.Payables, "ann@acme.example", "bob@acme.example")})
		ann, bob := h.contact("ann@acme.example"), h.contact("bob@acme.example")
		end := func(end func(context.Context, bun.IDB, party.Contact, string) (party.Invitation, error), who party.Contact, id string) error {
			return h.inTx(func(ctx context.Context, tx bun.Tx) error {
				_, err := end(ctx, tx, who, id)
				return err
			})
		}
		first, err := h.invite(ann, bob.Email)
		h.must(err)
		h.must(end(h.DeclineInvitationTx, bob, first.ID))
		second, err := h.invite(ann, bob.Email)
		h.must(err)
		if err := end(h.WithdrawInvitationTx, bob, second.ID); !fault.Is(err, fault.NotFound) {
			t.Fatal("another team's invitation was withdrawn", err)
		}
		h.must(end(h.WithdrawInvitationTx, ann, second.ID))
		third, err := h.invite(ann, bob.Email)
		h.must(err)
		h.pass(party.InvitationLife + time.Minute)
		if err := h.accept(bob, third.ID); !fault.Is(err, fault.NotFound) {
			t.Fatal("an old invitation was accepted", err)
		}
		if fourth, err := h.invite(ann, bob.Email); err != nil || fourth.ID == third.ID {
			t.Fatal("an old invitation stands in the way", err)
		}
		if _, err := h.invite(ann, "not an address"); !fault.Is(err, fault.Invalid) {
			t.Fatal(err)
		}
		if _, err := h.invite(ann, ann.Email); !fault.Is(err, fault.Invalid) {
			t.Fatal("invited herself", err)
		}
	})
}
