package notify_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	official "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/notify/outbound"
	"github.com/sheaf-hub/sheaf/hub/notify/standardwebhooks"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/store"
)

type note struct {
	Reference string `json:"reference"`
	Text      string `json:"text,omitempty"`
}

func TestWebhookToTheLetter(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		endpoint, secret := d.endpoint(outbox.Webhook, d.hook.URL+"/sheaf?from=1", "*")
		// the official library knows no clock but the machine's
		d.pass(time.Until(d.clock()) * -1)
		event := d.event(outbox.CaseOpened, note{Reference: "SH-1", Text: "größer & <b>\u2028"})
		d.hook.answers(status(500))
		d.want(d.deliver(event), outbox.Pending, 500, "")
		d.pass(5 * time.Second)
		d.hook.answers(func(w http.ResponseWriter) { _, _ = w.Write([]byte("thanks")) })
		d.want(d.deliver(event), outbox.Done, 200, "thanks")
		got := d.hook.all()
		if len(got) != 2 || !bytes.Equal(got[0].body, got[1].body) {
			t.Fatalf("%d attempts, with the same bytes: %t", len(got), len(got) == 2 && bytes.Equal(got[0].body, got[1].body))
		}
		webhook, err := official.NewWebhook(secret)
		d.must(err)
		for i, attempt := range got {
			if err := webhook.Verify(attempt.body, attempt.header); err != nil {
				t.Errorf("attempt %d: %v", i+1, err)
			}
			if attempt.header.Get("webhook-id") != event.ID || attempt.header.Get("Content-Type") != "application/json" {
				t.Errorf("headers %v", attempt.header)
			}
			if err := webhook.Verify(append(attempt.body, ' '), attempt.header); err == nil {
				t.Error("a changed body was taken")
			}
		}
		if got[0].header.Get("webhook-timestamp") == got[1].header.Get("webhook-timestamp") {
			t.Error("each attempt has its own time")
		}
		var body struct {
			ID, Type  string
			Timestamp time.Time
			Data      note
		}
		d.must(json.Unmarshal(got[0].body, &body))
		if body.ID != event.ID || body.Type != outbox.CaseOpened || !body.Timestamp.Equal(event.CreatedAt.Truncate(time.Microsecond)) || body.Data.Text != "größer & <b>\u2028" {
			t.Errorf("the body is %s", got[0].body)
		}
		attempts, err := d.Outbox.Attempts(context.Background(), d.vendor.ID, d.delivery(event).ID)
		if d.must(err); len(attempts) != 2 || attempts[0].Status != 500 || attempts[1].Answer != "thanks" || endpoint.VendorID != d.vendor.ID {
			t.Errorf("the log: %+v", attempts)
		}
	})
}

func TestRetriesFollowTheScheduleUntilItEnds(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.endpoint(outbox.Webhook, d.hook.URL, "*")
		d.hook.answers(status(503))
		event := d.event(outbox.CaseOpened, note{})
		schedule := standardwebhooks.Schedule()
		for i := 1; i < len(schedule); i++ {
			delivery := d.deliver(event)
			if d.want(delivery, outbox.Pending, 503, ""); !delivery.NextAttemptAt.Equal(d.clock().Add(schedule[i])) || delivery.Attempts != i {
				t.Fatalf("after attempt %d the next is at %s, want %s", i, delivery.NextAttemptAt, d.clock().Add(schedule[i]))
			}
			d.pass(schedule[i] - time.Second)
			if due, err := d.DB.HasDue(context.Background(), outbox.Deliveries, d.clock()); err != nil || due {
				t.Fatalf("due before its time: %v", err)
			}
			d.pass(time.Second)
		}
		delivery := d.deliver(event)
		if d.want(delivery, outbox.Dead, 503, ""); !delivery.NextAttemptAt.IsZero() || len(d.hook.all()) != standardwebhooks.Attempts {
			t.Fatalf("%d attempts, %+v", len(d.hook.all()), delivery)
		}
		dead, _, err := d.Outbox.DeadLetters(context.Background(), store.PageRequest{})
		if d.must(err); len(dead) != 1 {
			t.Fatalf("the operator is shown %d", len(dead))
		}
		d.hook.answers(status(200))
		d.must(d.Outbox.Replay(context.Background(), d.vendor.ID, delivery.ID))
		d.want(d.deliver(event), outbox.Done, 200, "")
	})
}

func TestAnswersThatAreNotAYes(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a redirect was followed") }))
		t.Cleanup(elsewhere.Close)
		d.endpoint(outbox.Webhook, d.hook.URL, "*")
		cases := map[string]struct {
			answer func(w http.ResponseWriter)
			code   int
			text   string
			wait   time.Duration
		}{
			"redirect":         {func(w http.ResponseWriter) { w.Header().Set("Location", elsewhere.URL); w.WriteHeader(302) }, 302, "redirect", 5 * time.Second},
			"not modified":     {status(304), 304, "redirect", 5 * time.Second},
			"bad request":      {status(400), 400, "", 5 * time.Second},
			"Retry-After":      {retryAfter("3600", 429), 429, "", time.Hour},
			"a date":           {retryAfter(d.clock().Add(2*time.Hour).Format(http.TimeFormat), 503), 503, "", 2 * time.Hour},
			"less than ours":   {retryAfter("1", 503), 503, "", 5 * time.Second},
			"nonsense":         {retryAfter("soon", 503), 503, "", 5 * time.Second},
			"for ever":         {retryAfter("99999999", 503), 503, "", 24 * time.Hour},
			"bytes, not text":  {func(w http.ResponseWriter) { w.WriteHeader(500); _, _ = w.Write([]byte("a\x00b\xffc")) }, 500, "", 5 * time.Second},
			"text with a NUL":  {func(w http.ResponseWriter) { w.WriteHeader(500); _, _ = w.Write([]byte("oops\x00")) }, 500, "oops", 5 * time.Second},
			"a very long text": {func(w http.ResponseWriter) { w.WriteHeader(500); _, _ = w.Write(bytes.Repeat([]byte("ä"), 99_999)) }, 500, "ää", 5 * time.Second},
		}
		for name, c := range cases {
			d.hook.answers(c.answer)
			event := d.event(outbox.CaseOpened, note{Reference: name})
			delivery := d.deliver(event)
			if delivery.State != outbox.Pending || delivery.LastStatus != c.code || !bytes.Contains([]byte(delivery.LastAnswer), []byte(c.text)) || len(delivery.LastAnswer) > 2000 {
				t.Errorf("%s: %s with %d %.80q", name, delivery.State, delivery.LastStatus, delivery.LastAnswer)
			}
			if wait := delivery.NextAttemptAt.Sub(d.clock()); wait != c.wait {
				t.Errorf("%s: tried again after %s, want %s", name, wait, c.wait)
			}
		}
	})
}

func retryAfter(value string, code int) func(w http.ResponseWriter) {
	return func(w http.ResponseWriter) { w.Header().Set("Retry-After", value); w.WriteHeader(code) }
}

func TestGoneDisablesTheEndpoint(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.endpoint(outbox.Webhook, d.hook.URL, "*")
		first, second := d.event(outbox.CaseOpened, note{}), d.event(outbox.CaseMessage, note{})
		d.hook.answers(status(410))
		d.want(d.deliver(first), outbox.Dead, 410, "")
		d.want(d.delivery(second), outbox.Cancelled, 0, "410")
		endpoints, err := d.Outbox.Endpoints(context.Background(), d.vendor.ID, outbox.Webhook)
		if d.must(err); len(endpoints) != 1 || endpoints[0].DisabledAt.IsZero() {
			t.Fatalf("endpoints: %+v", endpoints)
		}
		d.deliver(second)
		if n := len(d.hook.all()); n != 1 {
			t.Fatalf("called %d times", n)
		}
	})
}

func TestCallsThatGetNoAnswer(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.endpoint(outbox.Webhook, d.hook.URL, "*")
		release := make(chan struct{})
		t.Cleanup(func() { close(release) })
		d.hook.answers(func(http.ResponseWriter) { <-release })
		client, err := outbound.New(outbound.Config{AllowPrivate: []string{"127.0.0.1"}, Timeout: 150 * time.Millisecond})
		d.must(err)
		d.Client = client
		d.want(d.deliver(d.event(outbox.CaseOpened, note{Reference: "slow"})), outbox.Pending, 0, "no answer within")
		strict, err := outbound.New(outbound.Config{})
		d.must(err)
		d.Client = strict
		before := len(d.hook.all())
		d.want(d.deliver(d.event(outbox.CaseOpened, note{Reference: "private"})), outbox.Pending, 0, "")
		if len(d.hook.all()) != before {
			t.Fatal("a private address was called")
		}
		d.Client = client
		d.hook.CloseClientConnections()
		d.hook.Listener.Close()
		d.want(d.deliver(d.event(outbox.CaseOpened, note{Reference: "down"})), outbox.Pending, 0, "")
	})
}

func TestACrashedAttemptIsMadeAgainWithTheSameID(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		ctx := context.Background()
		d.endpoint(outbox.Webhook, d.hook.URL, "*")
		event := d.event(outbox.CaseOpened, note{})
		if _, ok, err := d.Outbox.Claim(ctx, store.JobRef{ID: d.delivery(event).ID}); err != nil || !ok {
			t.Fatal(ok, err)
		}
		d.want(d.deliver(event), outbox.Sending, 0, "") // the claim still holds
		d.pass(outbox.Lease)
		d.want(d.deliver(event), outbox.Done, 204, "")
		d.must(d.Deliver(ctx, store.JobRef{ID: d.delivery(event).ID, Attempt: 1})) // moved on
		if got := d.hook.all(); len(got) != 1 || got[0].header.Get("webhook-id") != event.ID {
			t.Fatalf("%d calls", len(got))
		}
	})
}

func TestAYesAcknowledgesWhatWasApplied(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		ctx := context.Background()
		d.endpoint(outbox.Webhook, d.hook.URL, "*")
		_, err := d.Billing.Upsert(ctx, d.vendor, billing.Batch{Accounts: []party.AccountRecord{{ExternalID: "C-1", Name: "Acme", Currency: "EUR"}},
			Invoices: []billing.InvoiceRecord{{ExternalID: "N-1", Number: "N-1", Account: "C-1", Currency: "EUR", Total: 12500, Open: 12500, DueOn: money.Date("2026-11-01")}}})
		d.must(err)
		var invoice billing.Invoice
		d.must(d.DB.NewSelect().Model(&invoice).Where("number = 'N-1'").Scan(ctx))
		for _, reference := range []string{"SH-1", "SH-2"} {
			d.must(d.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
				_, err := tx.NewInsert().Model(&billing.Application{ID: store.NewID(), CustomerID: invoice.CustomerID, VendorID: d.vendor.ID, InvoiceID: invoice.ID, PaymentID: store.NewID(), Currency: "EUR",
					Reference: reference, Amount: 100, CreatedAt: d.clock()}).Exec(ctx)
				return err
			}))
		}
		d.hook.answers(status(500))
		event := d.event(outbox.PaymentSettled, note{Reference: "SH-1"})
		d.deliver(event)
		if got := d.acknowledged(); len(got) != 0 {
			t.Fatalf("a failure acknowledged %v", got)
		}
		d.hook.answers(status(200))
		d.pass(5 * time.Second)
		d.want(d.deliver(event), outbox.Done, 200, "")
		d.want(d.deliver(d.event(outbox.CaseOpened, note{Reference: "SH-2"})), outbox.Done, 200, "")
		if got := d.acknowledged(); len(got) != 1 || got[0] != "SH-1" {
			t.Fatalf("acknowledged %v", got)
		}
	})
}

func (d *desk) acknowledged() []string {
	d.t.Helper()
	var references []string
	d.must(d.DB.NewSelect().Model((*billing.Application)(nil)).Column("reference").Where("acknowledged_at IS NOT NULL").Scan(context.Background(), &references))
	return references
}

// An event names nothing that belongs to another vendor, and Check finds one that does.
func TestCheckFindsAForeignID(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		ctx := context.Background()
		south := d.addVendor("South")
		for i := range 3 {
			d.event(outbox.CaseOpened, note{Reference: d.vendor.ID, Text: "own " + strconv.Itoa(i) + " and unknown " + store.NewID()})
		}
		checked, broken, err := d.Check(ctx)
		if d.must(err); checked != 3 || len(broken) != 0 {
			t.Fatalf("%d checked, %v", checked, broken)
		}
		_, err = d.Billing.Upsert(ctx, south, billing.Batch{Accounts: []party.AccountRecord{{ExternalID: "S-1", Name: "Acme", Currency: "EUR", Contacts: []party.ContactRecord{{Email: "ann@acme.example", Role: party.Payables}}}}})
		d.must(err)
		contact, err := d.Party.ContactByEmail(ctx, "ann@acme.example")
		d.must(err)
		var account string
		d.must(d.DB.NewRaw("SELECT id FROM accounts").Scan(ctx, &account))
		for i, id := range []string{south.ID, contact.ID, contact.CustomerID, account} {
			d.event(outbox.CaseOpened, note{Reference: "SH-1", Text: "see " + id})
			if _, broken, err = d.Check(ctx); err != nil || len(broken) != i+1 {
				t.Fatalf("planted %d: %v %v", i+1, broken, err)
			}
		}
	})
}
