package access_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/store"
)

func (h *hub) audit(actor access.Actor, change access.Change) error {
	return h.DB.InTx(context.Background(), func(ctx context.Context, tx bun.Tx) error { return h.AuditTx(ctx, tx, actor, change) })
}

func TestAuditKeepsBeforeAndAfterForItsVendor(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		type state struct {
			Status string `json:"status"`
		}
		subject := store.NewID()
		for _, vendorID := range []string{h.one, h.two, h.one, "", h.one} {
			err := h.audit(h.asContact(), access.Change{Action: "case.resolved", SubjectKind: "case", SubjectID: subject,
				VendorID: vendorID, CustomerID: h.customer, Before: state{"open"}, After: state{"resolved"}})
			if err != nil {
				t.Fatal(err)
			}
		}
		page, next, err := h.ListAudit(t.Context(), h.one, store.PageRequest{Limit: 2})
		if err != nil || len(page) != 2 || next == "" || page[0].ID < page[1].ID {
			t.Fatalf("%+v, %v", page, err)
		}
		entry := page[0]
		if entry.Before != `{"status":"open"}` || entry.After != `{"status":"resolved"}` || entry.ActorKind != "contact" || entry.ActorID != h.contact ||
			entry.SubjectID != subject || entry.CustomerID != h.customer || !entry.At.Equal(h.clock.Now()) {
			t.Fatalf("%+v", entry)
		}
		page, next, err = h.ListAudit(t.Context(), h.one, store.PageRequest{Limit: 2, Cursor: next})
		if err != nil || len(page) != 1 || next != "" || page[0].VendorID != h.one {
			t.Fatalf("%+v, %v", page, err)
		}
		all, _, err := h.ListAllAudit(t.Context(), store.PageRequest{})
		if err != nil || len(all) != 5 {
			t.Fatalf("%d, %v", len(all), err)
		}
		if _, _, err := h.ListAudit(t.Context(), "", store.PageRequest{}); err == nil {
			t.Fatal("no vendor listed everything")
		}
	})
}

func TestAuditIsBoundedAndOptional(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		if err := h.audit(access.SystemActor("test"), access.Change{Action: "a", SubjectKind: "s", SubjectID: "1", After: strings.Repeat("x", 1<<20)}); err != nil {
			t.Fatal(err)
		}
		if err := h.audit(access.SystemActor("test"), access.Change{Action: "b", SubjectKind: "s", SubjectID: "1"}); err != nil {
			t.Fatal(err)
		}
		all, _, err := h.ListAllAudit(t.Context(), store.PageRequest{})
		if err != nil || len(all) != 2 || all[0].Before+all[0].After != "" || all[1].After != `{"too_long_to_keep_bytes":1048578}` {
			t.Fatalf("%+v, %v", all, err)
		}
		if err := h.audit(access.Actor{Kind: "ghost"}, access.Change{}); err == nil {
			t.Fatal("an actor of no kind")
		}
		if err := h.audit(access.SystemActor("test"), access.Change{After: make(chan int)}); err == nil {
			t.Fatal("what JSON cannot hold was kept")
		}
	})
}

func TestPurgeDeletesOnlyWhatIsLongDead(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		_, remembered := h.signIn(access.KindContact, ann, true)
		h.signIn(access.KindContact, ann, false)
		_, out := h.signIn(access.KindContact, ann, true)
		if err := h.SignOut(t.Context(), out); err != nil {
			t.Fatal(err)
		}
		_, token := h.digestLink()
		purged, err := h.PurgeExpired(t.Context())
		if err != nil || purged != (access.Purged{}) {
			t.Fatalf("%+v, %v", purged, err)
		}
		h.clock.pass(8 * 24 * time.Hour)
		purged, err = h.PurgeExpired(t.Context())
		if err != nil || purged != (access.Purged{SignInLinks: 3, Sessions: 2}) {
			t.Fatalf("%+v, %v", purged, err)
		}
		if _, err := h.Session(t.Context(), remembered); err != nil {
			t.Fatal(err)
		}
		if _, err := h.DigestLink(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		h.clock.pass(200 * 24 * time.Hour)
		purged, err = h.PurgeExpired(t.Context())
		if err != nil || purged != (access.Purged{Sessions: 1, DigestLinks: 1}) {
			t.Fatalf("%+v, %v", purged, err)
		}
	})
}

func TestPurgeGoesOnInBatches(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		const many = 1203
		at := h.clock.Now()
		err := h.DB.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
			for range many {
				if _, err := tx.ExecContext(ctx, `INSERT INTO sign_in_links (id, token_hash, kind, email, next, created_at, expires_at)
					VALUES (?, ?, 'contact', 'e', '', ?, ?)`, store.NewID(), store.NewID(), at, at); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		h.clock.pass(48 * time.Hour)
		if purged, err := h.PurgeExpired(t.Context()); err != nil || purged.SignInLinks != many {
			t.Fatalf("%+v, %v", purged, err)
		}
	})
}
