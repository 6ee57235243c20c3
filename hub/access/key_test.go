package access_test

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/store"
)

var keyShape = regexp.MustCompile(`^shf_[0-9a-f]{8}_[A-Za-z0-9_-]{32}$`)

func TestAPIKeyLives(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		staff := asStaff(h.staff(h.one, "s@vendor.example", access.RoleMember))
		key, row, err := h.NewAPIKey(t.Context(), h.one, "ERP", staff)
		if err != nil || !keyShape.MatchString(key) || !strings.HasPrefix(key, row.Prefix+"_") {
			t.Fatalf("%q %+v %v", key, row, err)
		}
		vendorID, keyID, err := h.VendorByKey(t.Context(), key)
		if err != nil || vendorID != h.one || keyID != row.ID {
			t.Fatal(vendorID, keyID, err)
		}
		actor, err := h.ActorByKey(t.Context(), key)
		if err != nil || actor != (access.Actor{Kind: access.KindKey, ID: row.ID, Name: "ERP", VendorID: h.one}) {
			t.Fatalf("%+v %v", actor, err)
		}
		for _, bad := range []string{"", "shf_", key[:len(key)-1], key + "x", "Bearer " + key, strings.Repeat("shf_", 1000)} {
			if _, _, err := h.VendorByKey(t.Context(), bad); !fault.Is(err, fault.Unauthenticated) {
				t.Errorf("%.20q: %v", bad, err)
			}
		}
		h.exec("UPDATE vendors SET status = 'suspended' WHERE id = ?", h.one)
		_, _, err = h.VendorByKey(t.Context(), key)
		wantCode(t, err, fault.Forbidden, "suspended")
		h.exec("UPDATE vendors SET status = 'approved' WHERE id = ?", h.one)
		if err := h.RevokeAPIKey(t.Context(), h.one, row.ID, staff); err != nil {
			t.Fatal(err)
		}
		if err := h.RevokeAPIKey(t.Context(), h.one, row.ID, staff); err != nil {
			t.Fatalf("revoking twice: %v", err)
		}
		_, _, err = h.VendorByKey(t.Context(), key)
		wantCode(t, err, fault.Unauthenticated, row.Prefix+"… was revoked on 22 November 2026")
		entries, _, err := h.ListAudit(t.Context(), h.one, store.PageRequest{})
		if err != nil || len(entries) != 3 || entries[0].Action != "key.revoked" || entries[1].Action != "key.made" {
			t.Fatalf("%+v, %v", entries, err)
		}
		log, _ := json.Marshal(entries)
		if strings.Contains(string(log), key) || strings.Contains(string(log), store.HashToken(key)) {
			t.Fatal("the key stands in the audit log")
		}
	})
}

func TestAPIKeyIsNotedAsUsedEveryMinute(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		key, _, err := h.NewAPIKey(t.Context(), h.one, "ERP", access.SystemActor("test"))
		if err != nil {
			t.Fatal(err)
		}
		used := func() time.Time {
			if _, _, err := h.VendorByKey(t.Context(), key); err != nil {
				t.Fatal(err)
			}
			keys, _, err := h.ListAPIKeys(t.Context(), h.one, store.PageRequest{})
			if err != nil || len(keys) != 1 || keys[0].KeyHash != "" {
				t.Fatalf("%+v %v", keys, err)
			}
			return keys[0].LastUsedAt
		}
		start := h.clock.Now()
		if at := used(); !at.Equal(start) {
			t.Fatal(at)
		}
		h.clock.pass(59 * time.Second)
		if at := used(); !at.Equal(start) {
			t.Fatal("written again within the minute")
		}
		h.clock.pass(time.Second)
		if at := used(); !at.Equal(start.Add(time.Minute)) {
			t.Fatal(at)
		}
	})
}

func TestAPIKeysKeepToTheirVendor(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		staff := asStaff(h.staff(h.one, "s@vendor.example", access.RoleOwner))
		_, theirs, err := h.NewAPIKey(t.Context(), h.two, "theirs", access.SystemActor("test"))
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = h.NewAPIKey(t.Context(), h.two, "mine", staff)
		wantCode(t, err, fault.NotFound, "vendor")
		_, _, err = h.NewAPIKey(t.Context(), h.two, "self", access.Actor{Kind: access.KindKey, ID: theirs.ID, VendorID: h.two})
		wantCode(t, err, fault.NotFound, "vendor")
		_, _, err = h.NewAPIKey(t.Context(), h.one, " \n", staff)
		wantCode(t, err, fault.Invalid, "Name the key")
		wantCode(t, h.RevokeAPIKey(t.Context(), h.two, theirs.ID, staff), fault.NotFound, "key")
		wantCode(t, h.RevokeAPIKey(t.Context(), h.one, theirs.ID, staff), fault.NotFound, "key")
		for i := range access.MostKeys {
			if _, _, err := h.NewAPIKey(t.Context(), h.one, fmt.Sprint("key ", i), staff); err != nil {
				t.Fatal(err)
			}
		}
		_, _, err = h.NewAPIKey(t.Context(), h.one, "one more", staff)
		wantCode(t, err, fault.Conflict, "Revoke one")
		seen := map[string]bool{}
		for cursor := "start"; cursor != ""; {
			keys, next, err := h.ListAPIKeys(t.Context(), h.one, store.PageRequest{Limit: 7, Cursor: strings.TrimPrefix(cursor, "start")})
			if err != nil {
				t.Fatal(err)
			}
			for _, key := range keys {
				if key.VendorID != h.one || seen[key.ID] {
					t.Fatalf("%+v", key)
				}
				seen[key.ID] = true
			}
			cursor = next
		}
		if len(seen) != access.MostKeys {
			t.Fatalf("%d keys listed", len(seen))
		}
		// made in a transaction that fails: no key
		err = h.DB.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
			if _, _, err := h.NewAPIKeyTx(ctx, tx, h.two, "lost", access.SystemActor("test")); err != nil {
				return err
			}
			return context.Canceled
		})
		if err == nil || h.count("api_keys", "name = 'lost'") != 0 {
			t.Fatal("the key outlived its transaction", err)
		}
	})
}
