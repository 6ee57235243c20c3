package outbox_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/store"
)

func (b *box) broken() (int, string) {
	b.t.Helper()
	n, broken, err := b.Check(context.Background())
	if err != nil {
		b.t.Fatal(err)
	}
	return n, strings.Join(broken, "\n")
}

func (b *box) sound() {
	b.t.Helper()
	if _, broken := b.broken(); broken != "" {
		b.t.Fatal(broken)
	}
}

func TestCheckFindsNewsThatNobodyCarries(t *testing.T) {
	each(t, func(t *testing.T, b *box) {
		early := b.event(b.one, outbox.CaseOpened, "") // before there was an endpoint
		b.mustAppend(early)
		b.pass(time.Minute)
		all := b.endpoint(b.one, outbox.Webhook, "https://vendor.example/all", "*")
		some := b.endpoint(b.one, outbox.Mail, "ar@vendor.example", outbox.CaseOpened)
		b.endpoint(b.two, outbox.Webhook, "https://other.example/all", "*")
		opened, settled := b.event(b.one, outbox.CaseOpened, ""), b.event(b.one, outbox.PaymentSettled, "")
		b.mustAppend(opened, settled)
		b.pass(time.Minute)
		b.endpoint(b.one, outbox.Mail, "ar@vendor.example", outbox.CaseOpened, outbox.PaymentSettled) // asks for more from now on
		b.sound()
		b.pass(time.Minute)
		later := b.event(b.one, outbox.PaymentSettled, "")
		b.mustAppend(later)
		b.sound()
		if n, _ := b.broken(); n != 4+5 {
			t.Fatalf("%d checked", n)
		}
		b.pass(time.Minute)
		if err := b.DisableEndpoint(t.Context(), b.one, some.ID, "test"); err != nil {
			t.Fatal(err)
		}
		b.pass(time.Minute)
		b.mustAppend(b.event(b.one, outbox.CaseOpened, ""))
		b.sound()
		for _, lost := range []struct{ event, endpoint string }{{settled.ID, all.ID}, {later.ID, some.ID}} {
			b.exec(`UPDATE deliveries SET endpoint_id = (SELECT id FROM endpoints WHERE vendor_id = ?) WHERE event_id = ? AND endpoint_id = ?`, b.two, lost.event, lost.endpoint)
			_, broken := b.broken()
			if !strings.Contains(broken, "event "+lost.event+": an endpoint") || !strings.Contains(broken, "to another vendor's endpoint") {
				t.Fatalf("not found in %q", broken)
			}
			b.exec(`UPDATE deliveries SET endpoint_id = ? WHERE event_id = ? AND endpoint_id = (SELECT id FROM endpoints WHERE vendor_id = ?)`, lost.endpoint, lost.event, b.two)
			b.sound()
		}
	})
}

func TestCheckNamesAtMostTwenty(t *testing.T) {
	each(t, func(t *testing.T, b *box) {
		b.endpoint(b.one, outbox.Webhook, "https://vendor.example/all", "*")
		for range 25 {
			b.mustAppend(b.event(b.one, outbox.CaseMessage, ""))
		}
		b.exec(`DELETE FROM deliveries`)
		if n, broken := b.broken(); n != 25 || strings.Count(broken, "\n") != outbox.MostBroken-1 {
			t.Fatalf("%d checked: %s", n, broken)
		}
	})
}

// TestCheckFindsDeliveriesThatStandStill takes the database's own check away first.
func TestCheckFindsDeliveriesThatStandStill(t *testing.T) {
	each(t, func(t *testing.T, b *box) {
		ref := b.delivery()
		forget := `ALTER TABLE deliveries DROP CONSTRAINT deliveries_next_check`
		if b.DB.Kind == store.SQLite {
			b.DB.SetMaxOpenConns(1)
			forget = `PRAGMA ignore_check_constraints = ON`
		}
		b.exec(forget)
		b.exec(`UPDATE deliveries SET next_attempt_at = NULL WHERE id = ?`, ref.ID)
		if _, broken := b.broken(); !strings.Contains(broken, "delivery "+ref.ID+" waits without a next attempt") {
			t.Fatal(broken)
		}
		b.exec(`UPDATE deliveries SET state = 'dead', next_attempt_at = ? WHERE id = ?`, b.clock(), ref.ID)
		if _, broken := b.broken(); !strings.Contains(broken, "delivery "+ref.ID+" has ended and still has a next attempt") {
			t.Fatal(broken)
		}
		b.exec(`UPDATE deliveries SET next_attempt_at = NULL WHERE id = ?`, ref.ID)
		b.sound()
	})
}
