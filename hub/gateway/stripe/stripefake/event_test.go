package stripefake_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/webhook"

	"github.com/sheaf-hub/sheaf/hub/gateway/stripe/stripefake"
)

func TestEventIsASnapshot(t *testing.T) {
	w := newWorld(t)
	s := w.paid(10000, "usd", stripefake.Bank)
	w.wait(5 * day)
	var pending stripe.CheckoutSession
	for _, signed := range w.Take(w.hook, 0) {
		event, err := webhook.ConstructEventWithOptions(signed.Payload, signed.Signature, secret, webhook.ConstructEventOptions{IgnoreTolerance: true})
		if err != nil {
			t.Fatal(err)
		}
		if event.APIVersion != stripe.APIVersion || event.Livemode || event.Account != "" || event.ID != signed.EventID {
			t.Errorf("%+v", event)
		}
		if event.Type == "checkout.session.completed" {
			if err := json.Unmarshal(event.Data.Raw, &pending); err != nil {
				t.Fatal(err)
			}
		}
	}
	if pending.ID != s.ID || pending.PaymentStatus != "unpaid" || w.session(s.ID).PaymentStatus != "paid" {
		t.Errorf("the event says %+v", pending)
	}
}

func TestSignatures(t *testing.T) {
	w := newWorld(t)
	w.paid(10000, "usd", stripefake.Succeed)
	signed := w.Take(w.hook, 1)[0]
	check := func(payload []byte, header, key string) error {
		_, err := webhook.ConstructEventWithOptions(payload, header, key, webhook.ConstructEventOptions{IgnoreTolerance: true})
		return err
	}
	if err := check(signed.Payload, signed.Signature, secret); err != nil {
		t.Error(err)
	}
	if err := check(append(slices.Clone(signed.Payload), ' '), signed.Signature, secret); !errors.Is(err, webhook.ErrNoValidSignature) {
		t.Errorf("an altered body: %v", err)
	}
	if err := check(signed.Payload, signed.Signature, "whsec_other"); !errors.Is(err, webhook.ErrNoValidSignature) {
		t.Errorf("another secret: %v", err)
	}
	fresh := stripefake.Signature(signed.Payload, secret, time.Now())
	if err := webhook.ValidatePayload(signed.Payload, fresh, secret); err != nil {
		t.Errorf("a signature of now: %v", err)
	}
	if err := webhook.ValidatePayload(signed.Payload, stripefake.Signature(signed.Payload, secret, time.Now().Add(-time.Hour)), secret); !errors.Is(err, webhook.ErrTooOld) {
		t.Errorf("an old signature: %v", err)
	}
}

func TestDeliveryIsRetried(t *testing.T) {
	var mu sync.Mutex
	answer, got := http.StatusInternalServerError, []string{}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		body, _ := io.ReadAll(r.Body)
		event, err := webhook.ConstructEventWithOptions(body, r.Header.Get("Stripe-Signature"), "whsec_http", webhook.ConstructEventOptions{IgnoreTolerance: true})
		if err != nil {
			t.Error(err)
		}
		got = append(got, event.ID)
		rw.WriteHeader(answer)
	}))
	defer server.Close()
	w := newWorld(t)
	w.AddEndpoint(stripefake.Endpoint{URL: server.URL, Secret: "whsec_http", Types: []string{"checkout.session.completed"}})
	w.paid(10000, "usd", stripefake.Succeed)
	if n := w.Deliver(t.Context()); n != 0 || len(got) != 1 {
		t.Fatalf("%d taken, %d sent", n, len(got))
	}
	if n := w.Deliver(t.Context()); n != 0 || len(got) != 1 {
		t.Fatalf("it came again at once: %d", len(got))
	}
	w.wait(5 * time.Minute)
	w.Deliver(t.Context())
	w.wait(29 * time.Minute)
	w.Deliver(t.Context())
	if len(got) != 2 {
		t.Fatalf("%d deliveries after 34 minutes", len(got))
	}
	mu.Lock()
	answer = http.StatusOK
	mu.Unlock()
	w.wait(time.Minute)
	if n := w.Drain(t.Context(), 10); n != 1 || len(got) != 3 || got[0] != got[2] {
		t.Errorf("%d taken, %v sent", n, got)
	}
	mu.Lock()
	answer = http.StatusNotFound
	mu.Unlock()
	w.paid(10000, "usd", stripefake.Succeed)
	for range 100 {
		w.Deliver(t.Context())
		w.wait(time.Hour)
	}
	if tries := len(got) - 3; tries != 10 {
		t.Errorf("a deaf endpoint was tried %d times", tries)
	}
}

func TestEventFaults(t *testing.T) {
	w := newWorld(t)
	fates := map[string]stripefake.EventFate{"payment_intent.created": {Drop: true}, "charge.succeeded": {Extra: 1}, "payment_intent.succeeded": {Delay: 3 * day}}
	w.SetFaults(stripefake.Faults{Event: func(e stripefake.Event) stripefake.EventFate { return fates[e.Type] }})
	w.paid(10000, "usd", stripefake.Succeed)
	w.wantEvents("charge.succeeded", "charge.succeeded", "checkout.session.completed")
	if due, waits := w.NextDelivery(); !waits || !due.Equal(w.now().Add(3*day)) || w.Waiting() != 1 {
		t.Errorf("the next one is due %s, %v", due, waits)
	}
	w.wait(3 * day)
	w.wantEvents("payment_intent.succeeded")
	list := w.api.Events.List(&stripe.EventListParams{Type: stripe.String("payment_intent.created")})
	if !list.Next() { // dropped on its way, but still to be had
		t.Errorf("the dropped event is not in the list: %v", list.Err())
	}
	w.wait(30 * day)
	if list = w.api.Events.List(&stripe.EventListParams{}); list.Next() {
		t.Errorf("an event of %d is still there", list.Event().Created)
	}
}

func TestEventsShuffled(t *testing.T) {
	w := newWorld(t)
	w.SetFaults(stripefake.Faults{Shuffle: func(n int, swap func(i, j int)) {
		for i := range n / 2 {
			swap(i, n-1-i)
		}
	}})
	w.paid(10000, "usd", stripefake.Succeed)
	w.wantEvents("checkout.session.completed", "payment_intent.succeeded", "charge.succeeded", "payment_intent.created")
}

func TestSendInProcess(t *testing.T) {
	w := newWorld(t)
	var types []string
	w.AddEndpoint(stripefake.Endpoint{Secret: secret, Send: func(_ context.Context, payload []byte, signature string) (int, error) {
		event, err := webhook.ConstructEventWithOptions(payload, signature, secret, webhook.ConstructEventOptions{IgnoreTolerance: true})
		types = append(types, string(event.Type))
		return 200, err
	}})
	w.paid(10000, "usd", stripefake.Succeed)
	if n := w.Drain(t.Context(), 5); n != 4 || len(types) != 4 {
		t.Errorf("%d taken: %v", n, types)
	}
}

func TestRandomFaultsRepeat(t *testing.T) {
	draw := func() (fates []stripefake.Fate) {
		faults := stripefake.RandomFaults(3, stripefake.Rates{LoseAnswer: 0.2, ErrorAfter: 0.2, TooMany: 0.2, Drop: 0.1, Late: 0.5})
		for range 200 {
			fates = append(fates, faults.Request(stripefake.Request{}))
			faults.Event(stripefake.Event{})
		}
		return fates
	}
	first, second := draw(), draw()
	hits := 0
	for i := range first {
		if first[i] != second[i] {
			t.Fatal("the same seed gives other faults")
		}
		if first[i].LoseAnswer {
			hits++
		}
		if first[i].LoseRequest || first[i].ErrorBefore {
			t.Fatal("a fault without a rate was drawn")
		}
	}
	if hits < 20 || hits > 60 {
		t.Errorf("%d of 200 answers were lost, want about 40", hits)
	}
}

func TestLiveMode(t *testing.T) {
	w := newWorld(t, func(c *stripefake.Config) { c.Live = true })
	s := w.paid(10000, "usd", stripefake.Succeed)
	signed := w.Take(w.hook, 1)[0]
	event, err := webhook.ConstructEventWithOptions(signed.Payload, signed.Signature, secret, webhook.ConstructEventOptions{IgnoreTolerance: true})
	if err != nil || !event.Livemode || !s.Livemode || !s.PaymentIntent.LatestCharge.Livemode {
		t.Errorf("a live account says %+v, %v", event, err)
	}
}
