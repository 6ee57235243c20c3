package access_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/store"
)

func (h *hub) digestLink() (digestID, token string) {
	h.t.Helper()
	digestID = store.NewID()
	now := h.clock.Now()
	h.exec(`INSERT INTO digests (id, customer_id, contact_id, period, state, due_at, attempts, message_id, subject, lines, last_answer, decided_by, created_at, updated_at)
		VALUES (?, ?, ?, ?, 'done', ?, 1, 'm', 's', 1, '', '', ?, ?)`, digestID, h.customer, h.contact, digestID, now, now, now)
	err := h.DB.InTx(context.Background(), func(ctx context.Context, tx bun.Tx) error {
		var err error
		token, err = h.NewDigestLinkTx(ctx, tx, digestID, h.contact)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return digestID, token
}

func TestDigestLinkWorksForSixtyDays(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		digestID, token := h.digestLink()
		h.clock.pass(access.DigestLinkLasts - time.Second)
		link, err := h.DigestLink(t.Context(), token)
		if err != nil || link.DigestID != digestID || link.ContactID != h.contact || link.CustomerID != h.customer {
			t.Fatalf("%+v, %v", link, err)
		}
		if actor := link.Actor(); actor.Kind != access.KindLink || actor.ID != link.ID || actor.ContactID != h.contact || actor.VendorID != "" {
			t.Fatalf("%+v", actor)
		}
		h.clock.pass(time.Second)
		_, err = h.DigestLink(t.Context(), token)
		wantCode(t, err, fault.Gone, "expired")
		for _, bad := range []string{"", "x", strings.Repeat("x", 999)} {
			_, err = h.DigestLink(t.Context(), bad)
			wantCode(t, err, fault.NotFound, "do not know")
		}
		_, fresh := h.digestLink()
		wantCode(t, h.RevokeDigestLinks(t.Context(), link.Actor()), fault.Forbidden, "Sign in")
		if err := h.RevokeDigestLinks(t.Context(), h.asContact()); err != nil {
			t.Fatal(err)
		}
		_, err = h.DigestLink(t.Context(), fresh)
		wantCode(t, err, fault.Gone, "withdrawn")
	})
}

func TestUnsubscribeTokenNeedsNoState(t *testing.T) {
	first, second := store.NewSealKey(), store.NewSealKey()
	with := func(keys string) *access.Service {
		sealer, err := store.NewSealer(keys)
		if err != nil {
			t.Fatal(err)
		}
		return &access.Service{Sealer: sealer}
	}
	contact := store.NewID()
	token := with(first).UnsubscribeToken(contact)
	for _, keys := range []string{first, second + "," + first} {
		if id, err := with(keys).ContactByUnsubscribeToken(token); err != nil || id != contact {
			t.Fatal(id, err)
		}
	}
	_, mac, _ := strings.Cut(token, ".")
	for _, bad := range []string{"", contact, contact + ".", store.NewID() + "." + mac, token + "A", token[:len(token)-2], strings.ToUpper(token)} {
		_, err := with(first).ContactByUnsubscribeToken(bad)
		wantCode(t, err, fault.NotFound, "do not know")
	}
	_, err := with(second).ContactByUnsubscribeToken(token)
	wantCode(t, err, fault.NotFound, "")
	if with(first).Sealer.CheckMAC("another use", contact, mac) {
		t.Fatal("a token of one use is good for another")
	}
}
