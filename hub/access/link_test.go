package access_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/fault"
)

func TestSignInLinkOpensOneSession(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		token := h.token(access.KindContact, ann)
		view, err := h.LookAtLink(t.Context(), token)
		if err != nil || view.Email != "a•••@acme.example" || view.Kind != access.KindContact || !view.ExpiresAt.Equal(h.clock.Now().Add(10*time.Minute)) {
			t.Fatalf("%+v, %v", view, err)
		}
		if _, err := h.LookAtLink(t.Context(), token); err != nil {
			t.Fatalf("looking used the link up: %v", err)
		}
		session, sessionToken, err := h.ConsumeLink(t.Context(), token, "Firefox\u202e on\nLinux", false)
		if err != nil || session.Next != "/me?tab=open" || session.Device != "Firefox on Linux" || session.Email != ann {
			t.Fatalf("%+v, %v", session, err)
		}
		want := access.Actor{Kind: access.KindContact, ID: h.contact, Name: ann, CustomerID: h.customer, ContactID: h.contact}
		if session.Actor != want || session.Kind() != access.KindContact {
			t.Fatalf("actor %+v", session.Actor)
		}
		_, _, err = h.ConsumeLink(t.Context(), token, "", false)
		wantCode(t, err, fault.Gone, "used already")
		_, err = h.LookAtLink(t.Context(), token)
		wantCode(t, err, fault.Gone, "used already")
		read, err := h.Session(t.Context(), sessionToken)
		if err != nil || read.ID != session.ID || read.Actor != want {
			t.Fatalf("%+v, %v", read, err)
		}
		for _, secret := range []string{token, sessionToken} {
			if h.count("sign_in_links", "token_hash = ?", secret)+h.count("sessions", "token_hash = ?", secret) != 0 {
				t.Fatal("a token is stored in the clear")
			}
			if h.count("audit_log", "subject_id LIKE ? OR before LIKE ? OR after LIKE ?", "%"+secret+"%", "%"+secret+"%", "%"+secret+"%") != 0 {
				t.Fatal("a token stands in the audit log")
			}
		}
		if h.count("audit_log", "action = 'session.opened' AND actor_kind = 'contact'") != 1 {
			t.Fatal("signing in is not in the audit log")
		}
	})
}

func TestTwoTabsAndOneLink(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		for round := range 4 {
			h.clock.pass(20 * time.Minute)
			token := h.token(access.KindContact, ann)
			errs := make([]error, 4)
			var tabs sync.WaitGroup
			for i := range errs {
				tabs.Go(func() { _, _, errs[i] = h.ConsumeLink(t.Context(), token, "tab", false) })
			}
			tabs.Wait()
			won := 0
			for _, err := range errs {
				if err == nil {
					won++
				} else if !fault.Is(err, fault.Gone) {
					t.Fatalf("a loser was told %v", err)
				}
			}
			if won != 1 || h.count("sessions", "revoked_at IS NULL") != round+1 {
				t.Fatalf("%d tabs won", won)
			}
		}
	})
}

func TestLinkExpiresByTheClock(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		token := h.token(access.KindContact, ann)
		h.clock.pass(10*time.Minute - time.Second)
		if _, err := h.LookAtLink(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		h.clock.pass(time.Second)
		_, err := h.LookAtLink(t.Context(), token)
		wantCode(t, err, fault.Gone, "expired")
		_, _, err = h.ConsumeLink(t.Context(), token, "", true)
		wantCode(t, err, fault.Gone, "expired")
		for _, bad := range []string{"", "nonsense", strings.Repeat("x", 5000)} {
			_, _, err = h.ConsumeLink(t.Context(), bad, "", true)
			wantCode(t, err, fault.NotFound, "do not know")
		}
		if h.count("sessions", "TRUE") != 0 {
			t.Fatal("a session was opened")
		}
	})
}

func TestAskingIsThrottledByAddressAndTellsNothing(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		for range 8 {
			for _, email := range []string{" ANN@acme.example ", "nobody@acme.example"} {
				if err := h.RequestSignIn(t.Context(), access.KindContact, email, ""); err != nil {
					t.Fatal(err)
				}
			}
			h.clock.pass(time.Second)
		}
		tokens := h.tokens()
		if len(tokens) != 1 || len(tokens[ann]) != access.MostLinks {
			t.Fatalf("mails: %v", tokens)
		}
		if h.count("sign_in_links", "email = ?", "nobody@acme.example") != access.MostLinks {
			t.Fatal("an unknown address is not counted like a known one")
		}
		h.clock.pass(access.LinksWithin)
		if err := h.RequestSignIn(t.Context(), access.KindContact, ann, ""); err != nil {
			t.Fatal(err)
		}
		if n := len(h.tokens()[ann]); n != access.MostLinks+1 {
			t.Fatalf("after a while: %d mails", n)
		}
		wantCode(t, h.RequestSignIn(t.Context(), access.KindContact, "not an address", ""), fault.Invalid, "name@company")
		// a contact is not staff
		if err := h.RequestSignIn(t.Context(), access.KindStaff, ann, ""); err != nil || len(h.tokens()[ann]) != access.MostLinks+1 {
			t.Fatal("a contact got a link for staff", err)
		}
		if err := h.RequestSignIn(t.Context(), access.KindKey, ann, ""); err == nil {
			t.Fatal("a sign-in for keys")
		}
	})
}

func TestThrottleHoldsAgainstManyAtOnce(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		for round := range 8 { // the first ones only warm the connections
			email := fmt.Sprintf("ann%d@acme.example", round)
			h.newContact(email)
			var askers sync.WaitGroup
			errs := make([]error, 12)
			for i := range errs {
				askers.Go(func() { errs[i] = h.RequestSignIn(t.Context(), access.KindContact, email, "") })
			}
			askers.Wait()
			if err := errors.Join(errs...); err != nil {
				t.Fatal(err)
			}
			if n := len(h.tokens()[email]); n != access.MostLinks {
				t.Fatalf("%d mails", n)
			}
		}
	})
}

func TestLinkOfOneWhoLostAccess(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		h.staff(h.one, "boss@vendor.example", access.RoleOwner)
		member := h.staff(h.one, "m@vendor.example", access.RoleMember)
		token := h.token(access.KindStaff, "m@vendor.example")
		if err := h.DisableStaff(t.Context(), h.one, member.ID, access.SystemActor("test")); err != nil {
			t.Fatal(err)
		}
		_, _, err := h.ConsumeLink(t.Context(), token, "", false)
		wantCode(t, err, fault.Gone, "may not sign in")
		if err := h.RequestSignIn(t.Context(), access.KindStaff, "m@vendor.example", ""); err != nil || len(h.tokens()["m@vendor.example"]) != 1 {
			t.Fatal("disabled staff was sent a link", err)
		}
	})
}

func TestLocalPath(t *testing.T) {
	for _, good := range []string{"/", "/me", "/me?filter=overdue&q=a%20b", "/d/abc#x", "/vendor/cases?next=//x"} {
		if access.LocalPath(good) != good {
			t.Errorf("%q was dropped", good)
		}
	}
	for _, bad := range []string{"", "me", "//evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example", "/\t/evil.example", "//", "//?x", "//#x",
		"/\n/evil.example", "///evil.example", "/a//b", "javascript:alert(1)", " /me", "/me\x00", "/%2f/evil.example", "/%5cevil.example", "/ä",
		"/" + strings.Repeat("a", 2000), "/%zz"} {
		if got := access.LocalPath(bad); got != "" {
			t.Errorf("%q passed as %q", bad, got)
		}
	}
}

func FuzzLocalPath(f *testing.F) {
	for _, seed := range []string{"/me", "//x", "/\\x", "/%2e%2e//x", "/?x=//"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, next string) {
		path := access.LocalPath(next)
		if path != "" && (path != next || path[0] != '/' || (len(path) > 1 && (path[1] == '/' || path[1] == '\\'))) {
			t.Fatalf("%q became %q", next, path)
		}
	})
}
