package access_test

import (
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/store"
)

func TestSessionLastsTwelveHoursUnlessRemembered(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		h.staff(h.one, "s@vendor.example", access.RoleOwner)
		_, short := h.signIn(access.KindContact, ann, false)
		_, long := h.signIn(access.KindContact, ann, true)
		staff, work := h.signIn(access.KindStaff, "s@vendor.example", true)
		if got := staff.ExpiresAt.Sub(staff.CreatedAt); got != access.StaffRemembered {
			t.Fatalf("staff is remembered for %v", got)
		}
		h.clock.pass(11*time.Hour + 59*time.Minute)
		if _, err := h.Session(t.Context(), short); err != nil {
			t.Fatal(err)
		}
		h.clock.pass(time.Minute) // being seen did not prolong it
		_, err := h.Session(t.Context(), short)
		wantCode(t, err, fault.Unauthenticated, "away")
		h.clock.pass(89 * 24 * time.Hour)
		slid, err := h.Session(t.Context(), long)
		if err != nil || !slid.ExpiresAt.Equal(h.clock.Now().Add(access.ContactRemembered)) {
			t.Fatalf("%+v, %v", slid, err)
		}
		h.clock.pass(89 * 24 * time.Hour)
		if _, err := h.Session(t.Context(), long); err != nil {
			t.Fatalf("a remembered device was forgotten: %v", err)
		}
		h.clock.pass(90 * 24 * time.Hour)
		_, err = h.Session(t.Context(), long)
		wantCode(t, err, fault.Unauthenticated, "away")
		_, err = h.Session(t.Context(), work)
		wantCode(t, err, fault.Unauthenticated, "away")
		_, err = h.Session(t.Context(), "")
		wantCode(t, err, fault.Unauthenticated, "Sign in")
	})
}

func TestSessionIsNotedAsSeenEveryFiveMinutes(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		opened, token := h.signIn(access.KindContact, ann, true)
		h.clock.pass(5*time.Minute - time.Microsecond)
		if seen, err := h.Session(t.Context(), token); err != nil || !seen.SeenAt.Equal(opened.SeenAt) {
			t.Fatalf("%+v, %v", seen, err)
		}
		h.clock.pass(time.Microsecond)
		if seen, err := h.Session(t.Context(), token); err != nil || !seen.SeenAt.Equal(h.clock.Now()) {
			t.Fatalf("%+v, %v", seen, err)
		}
		at := h.clock.Now()
		h.clock.pass(time.Minute)
		if seen, err := h.Session(t.Context(), token); err != nil || !seen.SeenAt.Equal(at) {
			t.Fatalf("what was noted is not stored: %+v, %v", seen, err)
		}
	})
}

func TestSignOutHereAndEverywhere(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		h.newContact("bob@acme.example")
		_, first := h.signIn(access.KindContact, ann, true)
		second, secondToken := h.signIn(access.KindContact, ann, false)
		bob, bobToken := h.signIn(access.KindContact, "bob@acme.example", true)
		if first == secondToken {
			t.Fatal("two sign-ins share a token")
		}
		mine, next, err := h.ListSessions(t.Context(), second.Actor, store.PageRequest{Limit: 1})
		if err != nil || len(mine) != 1 || mine[0].ID != second.ID || next == "" {
			t.Fatalf("%+v %q %v", mine, next, err)
		}
		rest, next, err := h.ListSessions(t.Context(), second.Actor, store.PageRequest{Limit: 1, Cursor: next})
		if err != nil || len(rest) != 1 || rest[0].ID == second.ID || next != "" {
			t.Fatalf("%+v %q %v", rest, next, err)
		}
		wantCode(t, h.EndSession(t.Context(), second.Actor, bob.ID), fault.NotFound, "session")
		wantCode(t, h.EndSession(t.Context(), second.Actor, "x"), fault.NotFound, "session")
		if err := h.EndSession(t.Context(), second.Actor, rest[0].ID); err != nil {
			t.Fatal(err)
		}
		_, err = h.Session(t.Context(), first)
		wantCode(t, err, fault.Unauthenticated, "signed out")
		if err := h.SignOut(t.Context(), secondToken); err != nil {
			t.Fatal(err)
		}
		_, err = h.Session(t.Context(), secondToken)
		wantCode(t, err, fault.Unauthenticated, "signed out")
		_, third := h.signIn(access.KindContact, ann, true)
		if err := h.SignOutEverywhere(t.Context(), second.Actor); err != nil {
			t.Fatal(err)
		}
		_, err = h.Session(t.Context(), third)
		wantCode(t, err, fault.Unauthenticated, "signed out")
		if _, err := h.Session(t.Context(), bobToken); err != nil {
			t.Fatalf("somebody else was signed out: %v", err)
		}
		link := access.Link{ContactID: h.contact, CustomerID: h.customer}.Actor()
		wantCode(t, h.SignOutEverywhere(t.Context(), link), fault.Forbidden, "Sign in")
		_, _, err = h.ListSessions(t.Context(), link, store.PageRequest{})
		wantCode(t, err, fault.Forbidden, "Sign in")
		wantCode(t, h.EndSession(t.Context(), link, bob.ID), fault.NotFound, "session")
	})
}

func TestOnePersonWithSeveralRolesSwitches(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		const pat = "pat@firm.example"
		north := h.staff(h.one, pat, access.RoleOwner)
		paper := h.staff(h.two, pat, access.RoleMember)
		other := h.staff(h.two, "other@vendor.example", access.RoleOwner)
		operator, err := h.EnsureOperator(t.Context(), pat)
		if err != nil {
			t.Fatal(err)
		}
		session, token := h.signIn(access.KindStaff, pat, false)
		if session.Actor.Kind != access.KindOperator || session.Actor.ID != operator.ID || session.Actor.VendorID != "" || len(session.Staffs) != 3 {
			t.Fatalf("%+v", session)
		}
		if session.Staffs[1].VendorName != "Bright Paper" || session.Staffs[2].VendorName != "North Freight" {
			t.Fatalf("order %+v", session.Staffs)
		}
		switched, err := h.SwitchStaff(t.Context(), session, north.ID)
		if err != nil || switched.Actor.Kind != access.KindStaff || switched.Actor.VendorID != h.one || switched.Role != access.RoleOwner || switched.VendorStatus != "approved" {
			t.Fatalf("%+v, %v", switched, err)
		}
		read, err := h.Session(t.Context(), token)
		if err != nil || read.Actor.VendorID != h.one || read.VendorName != "North Freight" {
			t.Fatalf("%+v, %v", read, err)
		}
		_, err = h.SwitchStaff(t.Context(), read, other.ID)
		wantCode(t, err, fault.NotFound, "for you")
		if err := h.DisableStaff(t.Context(), h.two, paper.ID, access.SystemActor("test")); err != nil {
			t.Fatal(err)
		}
		_, err = h.SwitchStaff(t.Context(), read, paper.ID)
		wantCode(t, err, fault.NotFound, "for you")
		contact, _ := h.signIn(access.KindContact, ann, false)
		_, err = h.SwitchStaff(t.Context(), contact, north.ID)
		wantCode(t, err, fault.NotFound, "for you")
		// signing out everywhere ends what the other roles opened
		if err := h.SignOutEverywhere(t.Context(), access.Actor{Kind: access.KindOperator, ID: operator.ID}); err != nil {
			t.Fatal(err)
		}
		_, err = h.Session(t.Context(), token)
		wantCode(t, err, fault.Unauthenticated, "signed out")
		_, err = h.SwitchStaff(t.Context(), read, operator.ID)
		wantCode(t, err, fault.NotFound, "for you")
	})
}

func TestStaffOfASuspendedVendorStillSignsIn(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		h.staff(h.one, "s@vendor.example", access.RoleOwner)
		h.exec("UPDATE vendors SET status = 'suspended' WHERE id = ?", h.one)
		session, token := h.signIn(access.KindStaff, "s@vendor.example", false)
		if session.VendorStatus != "suspended" {
			t.Fatalf("%+v", session)
		}
		if _, err := h.Session(t.Context(), token); err != nil {
			t.Fatal(err)
		}
	})
}
