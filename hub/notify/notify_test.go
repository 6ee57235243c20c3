package notify_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/mail"
	"github.com/sheaf-hub/sheaf/hub/mail/mailtest"
	"github.com/sheaf-hub/sheaf/hub/mail/smtp"
	"github.com/sheaf-hub/sheaf/hub/notify"
	"github.com/sheaf-hub/sheaf/hub/notify/outbound"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/hub/store/storetest"
	"github.com/sheaf-hub/sheaf/web/ui/mails"
)

// desk is the room on a fresh database with a real mail server and a real
// receiver of webhooks beside it, and a clock moved by hand.
type desk struct {
	*notify.Service
	t      *testing.T
	post   *mailtest.Server
	hook   *receiver
	mu     sync.Mutex
	now    time.Time
	vendor party.Vendor
}

// receiver is a vendor's webhook endpoint: it keeps what came and answers as told.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	got    []received
	answer func(w http.ResponseWriter)
}

type received struct {
	header http.Header
	body   []byte
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, _ := io.ReadAll(request.Body)
	r.mu.Lock()
	r.got = append(r.got, received{request.Header.Clone(), body})
	answer := r.answer
	r.mu.Unlock()
	answer(w)
}

func (r *receiver) answers(answer func(w http.ResponseWriter)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

func (r *receiver) all() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]received(nil), r.got...)
}

func status(code int) func(w http.ResponseWriter) {
	return func(w http.ResponseWriter) { w.WriteHeader(code) }
}

// calm adds no jitter.
type calm struct{}

func (calm) Uint64() uint64 { return 0 }

func each(t *testing.T, run func(t *testing.T, d *desk)) {
	storetest.Each(t, func(t *testing.T, db *store.DB) { run(t, newDesk(t, db)) })
}

func newDesk(t *testing.T, db *store.DB) *desk {
	t.Helper()
	sealer, err := store.NewSealer(store.NewSealKey())
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{t: t, now: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC), post: mailtest.Start(t), hook: &receiver{answer: status(204)}}
	d.hook.Server = httptest.NewServer(d.hook)
	t.Cleanup(d.hook.Close)
	sender, err := smtp.New(smtp.Config{URL: d.post.URL() + "?tls=none"})
	d.must(err)
	client, err := outbound.New(outbound.Config{AllowPrivate: []string{"127.0.0.1"}, Timeout: 2 * time.Second})
	d.must(err)
	parties := &party.Service{DB: db, Sealer: sealer, Now: d.clock}
	d.Service = &notify.Service{DB: db, Outbox: &outbox.Service{DB: db, Sealer: sealer, Now: d.clock}, Party: parties,
		Billing: &billing.Service{DB: db, Party: parties, Now: d.clock}, Client: client, Sender: sender, Letters: mails.New(),
		From: mail.Address{Name: "Sheaf", Email: "hub@hub.example"}, PublicURL: "https://hub.example", Jitter: calm{}, Now: d.clock}
	d.vendor = d.addVendor("North")
	return d
}

func (d *desk) addVendor(name string) party.Vendor {
	d.t.Helper()
	var vendor party.Vendor
	d.must(d.DB.InTx(context.Background(), func(ctx context.Context, tx bun.Tx) error {
		var err error
		vendor, err = d.Party.AddVendorTx(ctx, tx, party.Profile{Name: name, Email: "ar@" + strings.ToLower(name) + ".example", TimeZone: "Europe/Oslo"}, party.VendorApproved, "whsec_x")
		return err
	}))
	return vendor
}

func (d *desk) clock() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now
}

func (d *desk) pass(wait time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now = d.now.Add(wait)
}

func (d *desk) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

// endpoint adds one and returns it with its secret.
func (d *desk) endpoint(kind, target string, events ...string) (outbox.Endpoint, string) {
	d.t.Helper()
	endpoint, secret, err := d.Outbox.PutEndpoint(context.Background(), d.vendor.ID, kind, target, events)
	d.must(err)
	return endpoint, secret
}

func (d *desk) event(kind string, data any) outbox.Event {
	d.t.Helper()
	event, err := outbox.NewEvent(d.vendor.ID, "", kind, "", data, d.clock())
	d.must(err)
	d.must(d.Outbox.AppendTx(context.Background(), d.DB, event))
	return event
}

// delivery reads the one of an event.
func (d *desk) delivery(event outbox.Event) outbox.Delivery {
	d.t.Helper()
	var delivery outbox.Delivery
	d.must(d.DB.NewSelect().Model(&delivery).Where("event_id = ?", event.ID).Scan(context.Background()))
	return delivery
}

// deliver makes the next attempt and returns how the delivery stands.
func (d *desk) deliver(event outbox.Event) outbox.Delivery {
	d.t.Helper()
	delivery := d.delivery(event)
	d.must(d.Deliver(context.Background(), store.JobRef{ID: delivery.ID, Attempt: delivery.Attempts}))
	return d.delivery(event)
}

func (d *desk) want(delivery outbox.Delivery, state string, code int, answer string) {
	d.t.Helper()
	if delivery.State != state || delivery.LastStatus != code || !strings.Contains(delivery.LastAnswer, answer) {
		d.t.Fatalf("the delivery is %s with %d %q, want %s with %d %q", delivery.State, delivery.LastStatus, delivery.LastAnswer, state, code, answer)
	}
}
