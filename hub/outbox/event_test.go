package outbox_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/store"
)

func TestAnEventIsToldOncePerSubjectAndType(t *testing.T) {
	each(t, func(t *testing.T, b *box) {
		b.endpoint(b.one, outbox.Webhook, "https://vendor.example/hook", "*")
		subject := store.NewID()
		b.mustAppend(b.event(b.one, outbox.PaymentSettled, subject))
		b.mustAppend(b.event(b.one, outbox.PaymentSettled, subject), b.event(b.one, outbox.PaymentRefunded, subject))
		b.mustAppend(b.event(b.one, outbox.PaymentSettled, subject))
		twice := b.event(b.one, outbox.CaseMessage, "")
		again := b.event(b.one, outbox.CaseMessage, "") // no subject: each is a fact of its own
		b.mustAppend(twice, again)
		b.mustAppend()
		if events, deliveries := b.count("events", "TRUE"), b.count("deliveries", "TRUE"); events != 4 || deliveries != 4 {
			t.Fatalf("%d events, %d deliveries", events, deliveries)
		}
		if _, err := outbox.NewEvent(b.one, "", "t", "", make(chan int), b.clock()); err == nil {
			t.Fatal("what JSON cannot hold became an event")
		}
	})
}

func TestTwoTransactionsTellOneFactOnce(t *testing.T) {
	each(t, func(t *testing.T, b *box) {
		b.endpoint(b.one, outbox.Webhook, "https://vendor.example/hook", "*")
		subject := store.NewID()
		errs := make([]error, 6)
		var writers sync.WaitGroup
		for i := range errs {
			event := b.event(b.one, outbox.TransferSent, subject)
			writers.Go(func() { errs[i] = b.append(event) })
		}
		writers.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		if b.count("events", "TRUE") != 1 || b.count("deliveries", "TRUE") != 1 {
			t.Fatal("told more than once")
		}
	})
}

func TestOnlyEndpointsThatAskedAreTold(t *testing.T) {
	each(t, func(t *testing.T, b *box) {
		all := b.endpoint(b.one, outbox.Webhook, "https://vendor.example/all", "*")
		some := b.endpoint(b.one, outbox.Webhook, "https://vendor.example/some", outbox.CaseOpened)
		staff := b.endpoint(b.one, outbox.Mail, "ar@vendor.example", outbox.CaseOpened, outbox.PaymentSettled)
		gone := b.endpoint(b.one, outbox.Books, store.NewID(), "*")
		if err := b.DisableEndpoint(t.Context(), b.one, gone.ID, "test"); err != nil {
			t.Fatal(err)
		}
		other := b.endpoint(b.two, outbox.Webhook, "https://other.example/all", "*")
		settled, opened, theirs := b.event(b.one, outbox.PaymentSettled, ""), b.event(b.one, outbox.CaseOpened, ""), b.event(b.two, outbox.CaseOpened, "")
		b.mustAppend(settled, opened, theirs)
		for _, c := range []struct {
			event    outbox.Event
			endpoint outbox.Endpoint
			want     int
		}{{settled, all, 1}, {settled, some, 0}, {settled, staff, 1}, {opened, all, 1}, {opened, some, 1}, {opened, staff, 1}, {opened, other, 0},
			{theirs, other, 1}, {theirs, all, 0}, {settled, gone, 0}} {
			if n := b.count("deliveries", "event_id = ? AND endpoint_id = ? AND vendor_id = ? AND state = 'pending'", c.event.ID, c.endpoint.ID, c.event.VendorID); n != c.want {
				t.Errorf("%s to %s: %d deliveries", c.event.Type, c.endpoint.Target, n)
			}
		}
		if n := b.count("deliveries", "TRUE"); n != 6 {
			t.Fatalf("%d deliveries", n)
		}
	})
}

func TestNothingIsToldOfWhatWasRolledBack(t *testing.T) {
	each(t, func(t *testing.T, b *box) {
		b.endpoint(b.one, outbox.Webhook, "https://vendor.example/hook", "*")
		undo := errors.New("undo")
		err := b.DB.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
			if err := b.AppendTx(ctx, tx, b.event(b.one, outbox.CaseOpened, "")); err != nil {
				return err
			}
			return undo
		})
		if !errors.Is(err, undo) || b.count("events", "TRUE")+b.count("deliveries", "TRUE") != 0 {
			t.Fatal("something stayed", err)
		}
	})
}

func TestTheFeedPagesOneVendorsEvents(t *testing.T) {
	each(t, func(t *testing.T, b *box) {
		for range 5 {
			b.mustAppend(b.event(b.one, outbox.CaseMessage, ""), b.event(b.two, outbox.CaseMessage, ""))
			b.pass(time.Hour)
		}
		var seen []outbox.Event
		cursor := ""
		for page := 1; ; page++ {
			events, next, err := b.ListEvents(t.Context(), b.one, time.Time{}, store.PageRequest{Limit: 2, Cursor: cursor})
			if err != nil {
				t.Fatal(err)
			}
			seen = append(seen, events...)
			if cursor = next; cursor == "" {
				if page != 3 {
					t.Fatalf("%d pages", page)
				}
				break
			}
		}
		if len(seen) != 5 {
			t.Fatalf("%d events", len(seen))
		}
		for i, event := range seen {
			if event.VendorID != b.one || event.Data != `{"amount":"5.00"}` || (i > 0 && event.ID <= seen[i-1].ID) {
				t.Fatalf("%+v", event)
			}
		}
		late, _, err := b.ListEvents(t.Context(), b.one, seen[3].CreatedAt, store.PageRequest{})
		if err != nil || len(late) != 2 {
			t.Fatalf("%d since, %v", len(late), err)
		}
		if _, _, err := b.ListEvents(t.Context(), b.one, time.Time{}, store.PageRequest{Cursor: "x"}); !fault.Is(err, fault.Invalid) {
			t.Fatal(err)
		}
	})
}
