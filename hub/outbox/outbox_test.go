package outbox_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/hub/store/storetest"
)

// box is the room on a fresh database with two vendors and a clock moved by hand.
type box struct {
	*outbox.Service
	t        *testing.T
	mu       sync.Mutex
	now      time.Time
	one, two string
}

func each(t *testing.T, run func(t *testing.T, b *box)) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		sealer, err := store.NewSealer(store.NewSealKey())
		if err != nil {
			t.Fatal(err)
		}
		// nanoseconds, which neither database keeps
		b := &box{t: t, now: time.Date(2026, 11, 22, 9, 0, 0, 123456789, time.UTC), one: store.NewID(), two: store.NewID()}
		b.Service = &outbox.Service{DB: db, Sealer: sealer, Now: b.clock}
		for _, id := range []string{b.one, b.two} {
			b.exec(`INSERT INTO vendors (id, name, email, phone, website, contact_name, time_zone, status, status_reason, webhook_secret, created_at, updated_at)
				VALUES (?, 'V', 'ar@vendor.example', '', '', '', 'UTC', 'approved', '', '', ?, ?)`, id, b.now, b.now)
		}
		run(t, b)
	})
}

func (b *box) clock() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *box) pass(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

func (b *box) exec(statement string, arguments ...any) {
	b.t.Helper()
	if _, err := b.DB.ExecContext(context.Background(), statement, arguments...); err != nil {
		b.t.Fatalf("%s: %v", statement, err)
	}
}

func (b *box) count(table, where string, arguments ...any) int {
	b.t.Helper()
	n := 0
	if err := b.DB.NewRaw("SELECT count(*) FROM "+table+" WHERE "+where, arguments...).Scan(context.Background(), &n); err != nil {
		b.t.Fatal(err)
	}
	return n
}

func (b *box) endpoint(vendorID, kind, target string, events ...string) outbox.Endpoint {
	b.t.Helper()
	endpoint, _, err := b.PutEndpoint(context.Background(), vendorID, kind, target, events)
	if err != nil {
		b.t.Fatal(err)
	}
	return endpoint
}

func (b *box) event(vendorID, kind, subject string) outbox.Event {
	b.t.Helper()
	event, err := outbox.NewEvent(vendorID, "", kind, subject, struct {
		Amount string `json:"amount"`
	}{"5.00"}, b.clock())
	if err != nil {
		b.t.Fatal(err)
	}
	return event
}

func (b *box) append(events ...outbox.Event) error {
	return b.DB.InTx(context.Background(), func(ctx context.Context, tx bun.Tx) error { return b.AppendTx(ctx, tx, events...) })
}

func (b *box) mustAppend(events ...outbox.Event) {
	b.t.Helper()
	if err := b.append(events...); err != nil {
		b.t.Fatal(err)
	}
}

// due takes what is due, as the relay does.
func (b *box) due(table store.JobTable, group string) []store.JobRef {
	b.t.Helper()
	refs, err := b.DB.TakeDue(context.Background(), table, group, b.clock(), 100, time.Minute)
	if err != nil {
		b.t.Fatal(err)
	}
	return refs
}

// one delivery, waiting.
func (b *box) delivery() store.JobRef {
	b.t.Helper()
	b.endpoint(b.one, outbox.Webhook, "https://vendor.example/hook", "*")
	b.mustAppend(b.event(b.one, outbox.PaymentSettled, store.NewID()))
	refs := b.due(outbox.Deliveries, "vendor_id")
	if len(refs) != 1 || refs[0].Group != b.one || refs[0].Attempt != 0 {
		b.t.Fatalf("%+v", refs)
	}
	return refs[0]
}

func (b *box) claim(ref store.JobRef) outbox.Parcel {
	b.t.Helper()
	parcel, ok, err := b.Claim(context.Background(), ref)
	if err != nil || !ok {
		b.t.Fatalf("claim %+v: %v, %v", ref, ok, err)
	}
	return parcel
}

func (b *box) record(delivery outbox.Delivery, outcome outbox.Outcome) {
	b.t.Helper()
	if err := b.Record(context.Background(), delivery, outcome); err != nil {
		b.t.Fatal(err)
	}
}

func (b *box) row(id string) outbox.Delivery {
	b.t.Helper()
	var delivery outbox.Delivery
	if err := b.DB.NewSelect().Model(&delivery).Where("id = ?", id).Scan(context.Background()); err != nil {
		b.t.Fatal(err)
	}
	return delivery
}
