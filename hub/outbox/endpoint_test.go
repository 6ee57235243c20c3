package outbox_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/store"
)

func TestSecretsAreSealedAndKept(t *testing.T) {
	each(t, func(t *testing.T, b *box) {
		endpoint, secret, err := b.PutEndpoint(t.Context(), b.one, outbox.Webhook, "https://vendor.example/hook", []string{outbox.CaseOpened})
		if err != nil || !strings.HasPrefix(secret, "whsec_") || len(secret) < 40 {
			t.Fatal(secret, err)
		}
		if b.count("endpoints", "secret LIKE ?", "%"+strings.TrimPrefix(secret, "whsec_")+"%") != 0 || b.count("endpoints", "secret LIKE 'v1.%'") != 1 {
			t.Fatal("the secret is stored in the clear")
		}
		changed, same, err := b.PutEndpoint(t.Context(), b.one, outbox.Webhook, "https://vendor.example/hook", []string{"*"})
		if err != nil || changed.ID != endpoint.ID || same != secret || !changed.Wants(outbox.PaymentFailed) {
			t.Fatalf("%+v %v", changed, err)
		}
		list, err := b.Endpoints(t.Context(), b.one, outbox.Webhook)
		if err != nil || len(list) != 1 || !slices.Equal(list[0].Events, []string{"*"}) {
			t.Fatalf("%+v %v", list, err)
		}
		if opened, err := b.Secret(list[0]); err != nil || opened != secret {
			t.Fatal(opened, err)
		}
		stolen := list[0]
		stolen.ID = store.NewID() // the same sealed text in another row
		if _, err := b.Secret(stolen); !errors.Is(err, store.ErrSealed) {
			t.Fatal("a secret was moved to another endpoint")
		}
		if _, secret, err = b.PutEndpoint(t.Context(), b.one, outbox.Mail, "ar@vendor.example", []string{"*"}); err != nil || secret != "" {
			t.Fatal("a mail address has a secret", err)
		}
		if err := b.DisableEndpoint(t.Context(), b.one, endpoint.ID, "test"); err != nil {
			t.Fatal(err)
		}
		fresh, newSecret, err := b.PutEndpoint(t.Context(), b.one, outbox.Webhook, "https://vendor.example/hook", []string{"*"})
		if err != nil || fresh.ID == endpoint.ID || newSecret == same {
			t.Fatal("a disabled endpoint came back", err)
		}
	})
}

func TestEndpointsAreCheckedAndBounded(t *testing.T) {
	each(t, func(t *testing.T, b *box) {
		for _, events := range [][]string{nil, {"payment.imagined"}, {outbox.CaseOpened, ""}} {
			if _, _, err := b.PutEndpoint(t.Context(), b.one, outbox.Webhook, "https://vendor.example/hook", events); !fault.Is(err, fault.Invalid) {
				t.Errorf("%q: %v", events, err)
			}
		}
		for i := range outbox.MostEndpoints {
			b.endpoint(b.one, outbox.Webhook, fmt.Sprintf("https://vendor.example/%d", i), "*")
		}
		if _, _, err := b.PutEndpoint(t.Context(), b.one, outbox.Webhook, "https://vendor.example/more", []string{"*"}); !fault.Is(err, fault.Conflict) {
			t.Fatal(err)
		}
		b.endpoint(b.one, outbox.Webhook, "https://vendor.example/3", outbox.CaseOpened) // a change is not one more
		b.endpoint(b.two, outbox.Webhook, "https://vendor.example/3", "*")               // another vendor's list is its own
	})
}

func TestDisablingCancelsWhatWaits(t *testing.T) {
	each(t, func(t *testing.T, b *box) {
		ref := b.delivery()
		endpoint := b.claim(ref).Endpoint
		kept := b.endpoint(b.one, outbox.Webhook, "https://vendor.example/kept", outbox.CaseOpened)
		b.mustAppend(b.event(b.one, outbox.CaseOpened, ""))
		if err := b.DisableEndpoint(t.Context(), b.two, endpoint.ID, "not mine"); !fault.Is(err, fault.NotFound) {
			t.Fatalf("another vendor: %v", err)
		}
		if err := b.DisableEndpoint(t.Context(), b.one, endpoint.ID, "moved away"); err != nil {
			t.Fatal(err)
		}
		if err := b.DisableEndpoint(t.Context(), b.one, endpoint.ID, "again"); !fault.Is(err, fault.NotFound) {
			t.Fatalf("twice: %v", err)
		}
		if b.count("deliveries", "endpoint_id = ? AND state = 'cancelled' AND next_attempt_at IS NULL AND last_answer LIKE '%moved away'", endpoint.ID) != 2 {
			t.Fatal("not all that waited was cancelled")
		}
		if b.count("deliveries", "endpoint_id = ? AND state = 'pending'", kept.ID) != 1 {
			t.Fatal("another endpoint's delivery was touched")
		}
		if err := b.Replay(t.Context(), b.one, ref.ID); !fault.Is(err, fault.Conflict) {
			t.Fatalf("replay to a disabled endpoint: %v", err)
		}
	})
}

func TestADisabledEndpointIsNotCalledEvenByARace(t *testing.T) {
	each(t, func(t *testing.T, b *box) {
		ref := b.delivery()
		// disabled by a transaction that did not see this delivery
		b.exec("UPDATE endpoints SET disabled_at = ?, disabled_reason = 'gone' WHERE vendor_id = ?", b.clock(), b.one)
		if _, ok, err := b.Claim(t.Context(), ref); ok || err != nil {
			t.Fatal("it was handed out", err)
		}
		if row := b.row(ref.ID); row.State != outbox.Cancelled || row.LastAnswer != "The endpoint was disabled: gone" {
			t.Fatalf("%+v", row)
		}
	})
}

func TestTheReceiverCanDisableTheEndpoint(t *testing.T) {
	each(t, func(t *testing.T, b *box) {
		first := b.claim(b.delivery())
		b.mustAppend(b.event(b.one, outbox.CaseOpened, ""))
		second := b.claim(b.due(outbox.Deliveries, "vendor_id")[0])
		gone := outbox.Outcome{Status: 410, State: outbox.Dead, Disable: "it answered 410 Gone"}
		b.record(first.Delivery, gone)
		b.record(second.Delivery, gone) // was cancelled by the first
		if first := b.row(first.Delivery.ID); first.State != outbox.Dead || first.LastStatus != 410 {
			t.Fatalf("%+v", first)
		}
		if second := b.row(second.Delivery.ID); second.State != outbox.Cancelled {
			t.Fatalf("%+v", second)
		}
		if b.count("endpoints", "disabled_reason = 'it answered 410 Gone'") != 1 {
			t.Fatal("the endpoint is not disabled")
		}
	})
}

func TestAnAttemptIsKeptThoughItsEndpointIsDisabledAlready(t *testing.T) {
	each(t, func(t *testing.T, b *box) {
		parcel := b.claim(b.delivery())
		b.exec("UPDATE endpoints SET disabled_at = ? WHERE vendor_id = ?", b.clock(), b.one)
		b.record(parcel.Delivery, outbox.Outcome{Status: 410, State: outbox.Dead, Disable: "gone"})
		if row := b.row(parcel.Delivery.ID); row.State != outbox.Dead || b.count("delivery_attempts", "status = 410") != 1 {
			t.Fatalf("%+v", row)
		}
	})
}
