package access_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/store"
)

func TestInvitedStaffSignsInAndIsDisabled(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		owner := h.staff(h.one, "owner@vendor.example", access.RoleOwner)
		invited, err := h.InviteStaff(t.Context(), h.one, "New@vendor.example", "Nia\nNew", access.RoleMember, asStaff(owner))
		if err != nil || invited.Email != "new@vendor.example" || invited.Name != "Nia New" {
			t.Fatalf("%+v, %v", invited, err)
		}
		tokens := h.tokens()["new@vendor.example"]
		if len(tokens) != 1 {
			t.Fatalf("mails: %v", h.tokens())
		}
		session, token, err := h.ConsumeLink(t.Context(), tokens[0], "", true)
		if err != nil || session.Actor != asStaff(invited) || session.Next != "/vendor" {
			t.Fatalf("%+v, %v", session, err)
		}
		_, err = h.InviteStaff(t.Context(), h.one, "new@vendor.example", "", access.RoleMember, asStaff(owner))
		wantCode(t, err, fault.Conflict, "already")
		// a member may not manage, and another vendor's owner sees nothing here
		_, err = h.InviteStaff(t.Context(), h.one, "x@vendor.example", "", access.RoleMember, asStaff(invited))
		wantCode(t, err, fault.Forbidden, "owner")
		stranger := h.staff(h.two, "stranger@vendor.example", access.RoleOwner)
		_, err = h.InviteStaff(t.Context(), h.one, "x@vendor.example", "", access.RoleOwner, asStaff(stranger))
		wantCode(t, err, fault.NotFound, "vendor")
		wantCode(t, h.DisableStaff(t.Context(), h.one, invited.ID, asStaff(stranger)), fault.NotFound, "vendor")
		wantCode(t, h.DisableStaff(t.Context(), h.two, invited.ID, asStaff(stranger)), fault.NotFound, "member of staff")
		wantCode(t, h.DisableStaff(t.Context(), "", invited.ID, asStaff(stranger)), fault.NotFound, "vendor")
		if err := h.DisableStaff(t.Context(), h.one, invited.ID, asStaff(owner)); err != nil {
			t.Fatal(err)
		}
		_, err = h.Session(t.Context(), token)
		wantCode(t, err, fault.Unauthenticated, "")
		back, err := h.InviteStaff(t.Context(), h.one, "new@vendor.example", "Nia", access.RoleOwner, asStaff(owner))
		if err != nil || back.ID != invited.ID || back.Role != access.RoleOwner || !back.DisabledAt.IsZero() {
			t.Fatalf("coming back: %+v, %v", back, err)
		}
		_, err = h.Session(t.Context(), token)
		wantCode(t, err, fault.Unauthenticated, "") // the old session stays ended
	})
}

func TestBadStaff(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		add := func(fresh access.NewStaff) error {
			return h.DB.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
				_, err := h.AddStaffTx(ctx, tx, fresh, access.SystemActor("test"))
				return err
			})
		}
		wantCode(t, add(access.NewStaff{VendorID: h.one, Email: "x", Role: access.RoleOwner}), fault.Invalid, "e-mail")
		wantCode(t, add(access.NewStaff{VendorID: h.one, Email: "x@v.example", Role: access.RoleOperator}), fault.Invalid, "owner or member")
		wantCode(t, add(access.NewStaff{Email: "x@v.example", Role: access.RoleOwner}), fault.NotFound, "vendor")
	})
}

func TestTheLastOwnerStays(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		first := h.staff(h.one, "first@vendor.example", access.RoleOwner)
		h.staff(h.one, "member@vendor.example", access.RoleMember)
		wantCode(t, h.DisableStaff(t.Context(), h.one, first.ID, asStaff(first)), fault.Conflict, "last owner")
		operator, err := h.EnsureOperator(t.Context(), "ops@hub.example")
		if err != nil {
			t.Fatal(err)
		}
		again, err := h.EnsureOperator(t.Context(), "OPS@hub.example")
		if err != nil || again.ID != operator.ID || h.count("staff", "role = 'operator'") != 1 {
			t.Fatalf("%+v, %v", again, err)
		}
		wantCode(t, h.DisableStaff(t.Context(), "", operator.ID, access.SystemActor("test")), fault.Conflict, "last operator")
	})
}

func TestTwoOwnersCannotDisableEachOther(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		for round := range 12 { // the first ones only warm the connections
			vendor := store.NewID()
			h.vendor(vendor, "V")
			owners := make([]access.Staff, 6)
			for i := range owners {
				owners[i] = h.staff(vendor, fmt.Sprintf("o%d@vendor.example", i), access.RoleOwner)
			}
			var all sync.WaitGroup
			errs := make([]error, len(owners))
			for i, owner := range owners {
				all.Go(func() { errs[i] = h.DisableStaff(t.Context(), vendor, owner.ID, access.SystemActor("test")) })
			}
			all.Wait()
			stays := 0
			for _, err := range errs {
				if err != nil {
					wantCode(t, err, fault.Conflict, "last owner")
					stays++
				}
			}
			if stays != 1 || h.count("staff", "vendor_id = ? AND disabled_at IS NULL", vendor) != 1 {
				t.Fatalf("round %d: %d stay", round, stays)
			}
		}
	})
}

func TestListStaffKeepsToItsVendor(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		for _, email := range []string{"a@vendor.example", "b@vendor.example", "c@vendor.example"} {
			h.staff(h.one, email, access.RoleOwner)
		}
		h.staff(h.two, "z@vendor.example", access.RoleOwner)
		if _, err := h.EnsureOperator(t.Context(), "ops@hub.example"); err != nil {
			t.Fatal(err)
		}
		page, next, err := h.ListStaff(t.Context(), h.one, store.PageRequest{Limit: 2})
		if err != nil || len(page) != 2 || page[0].Email != "a@vendor.example" {
			t.Fatalf("%+v, %v", page, err)
		}
		page, next, err = h.ListStaff(t.Context(), h.one, store.PageRequest{Limit: 2, Cursor: next})
		if err != nil || len(page) != 1 || page[0].Email != "c@vendor.example" || next != "" {
			t.Fatalf("%+v, %v", page, err)
		}
		operators, _, err := h.ListOperators(t.Context(), store.PageRequest{})
		if err != nil || len(operators) != 1 || operators[0].Email != "ops@hub.example" {
			t.Fatalf("%+v, %v", operators, err)
		}
		if _, _, err := h.ListStaff(t.Context(), "", store.PageRequest{}); err == nil {
			t.Fatal("no vendor listed something")
		}
	})
}
