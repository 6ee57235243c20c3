package stripefake_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"
	"github.com/stripe/stripe-go/v76/webhook"

	"github.com/sheaf-hub/sheaf/hub/gateway/stripe/stripefake"
)

// world is a fake, a clock that the test turns, and the real client.
type world struct {
	*stripefake.Fake
	t     *testing.T
	mu    sync.Mutex
	clock time.Time
	api   *client.API
	hook  string // an endpoint whose events wait for Take
}

const secret = "whsec_test"

func newWorld(t *testing.T, change ...func(*stripefake.Config)) *world {
	t.Helper()
	w := &world{t: t, clock: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)}
	config := stripefake.Config{Now: w.now, Seed: 7}
	for _, c := range change {
		c(&config)
	}
	w.Fake = stripefake.New(config)
	w.api = w.clientOf(w.Client(), "https://api.stripe.com")
	w.hook = w.AddEndpoint(stripefake.Endpoint{Secret: secret})
	t.Cleanup(func() {
		if wrong := w.Check(); len(wrong) > 0 {
			t.Errorf("the fake's books are wrong: %s", strings.Join(wrong, "; "))
		}
	})
	return w
}

// clientOf is stripe-go without retries of its own.
func (w *world) clientOf(h *http.Client, address string) *client.API {
	config := &stripe.BackendConfig{HTTPClient: h, URL: stripe.String(address), MaxNetworkRetries: stripe.Int64(0),
		EnableTelemetry: stripe.Bool(false), LeveledLogger: &stripe.LeveledLogger{}}
	return client.New(w.Key(), &stripe.Backends{API: stripe.GetBackendWithConfig(stripe.APIBackend, config),
		Connect: stripe.GetBackendWithConfig(stripe.ConnectBackend, config), Uploads: stripe.GetBackendWithConfig(stripe.UploadsBackend, config)})
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.clock
}

func (w *world) wait(d time.Duration) {
	w.mu.Lock()
	w.clock = w.clock.Add(d)
	w.mu.Unlock()
	w.Pass()
}

const day = 24 * time.Hour

func sessionParams(amount int64, currency string) *stripe.CheckoutSessionParams {
	return &stripe.CheckoutSessionParams{
		Mode: stripe.String("payment"), SuccessURL: stripe.String("https://sheaf.example/back?s={CHECKOUT_SESSION_ID}"), CancelURL: stripe.String("https://sheaf.example/stop"),
		LineItems: []*stripe.CheckoutSessionLineItemParams{{Quantity: stripe.Int64(1), PriceData: &stripe.CheckoutSessionLineItemPriceDataParams{
			Currency: stripe.String(currency), UnitAmount: stripe.Int64(amount),
			ProductData: &stripe.CheckoutSessionLineItemPriceDataProductDataParams{Name: stripe.String("Oak Paper · INV-1")}}}},
		PaymentIntentData: &stripe.CheckoutSessionPaymentIntentDataParams{Metadata: map[string]string{"payment": "p-1"}},
	}
}

// paid makes a session, pays it as told, and returns it with its charge expanded.
func (w *world) paid(amount int64, currency, outcome string) *stripe.CheckoutSession {
	w.t.Helper()
	s, err := w.api.CheckoutSessions.New(sessionParams(amount, currency))
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.Pay(s.ID, outcome); err != nil {
		w.t.Fatal(err)
	}
	return w.session(s.ID)
}

func (w *world) session(id string) *stripe.CheckoutSession {
	w.t.Helper()
	params := &stripe.CheckoutSessionParams{}
	params.AddExpand("payment_intent.latest_charge.balance_transaction")
	params.AddExpand("setup_intent.payment_method")
	s, err := w.api.CheckoutSessions.Get(id, params)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func (w *world) account(country string) string {
	w.t.Helper()
	id, err := w.NewAccount(country, "Oak Paper")
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

// events takes the waiting events, checks their signatures with the real
// library, and returns their types.
func (w *world) events() []string {
	w.t.Helper()
	var types []string
	for _, signed := range w.Take(w.hook, 0) {
		event, err := webhook.ConstructEventWithOptions(signed.Payload, signed.Signature, secret, webhook.ConstructEventOptions{IgnoreTolerance: true})
		if err != nil {
			w.t.Fatalf("event %s: %v", signed.Payload, err)
		}
		types = append(types, string(event.Type))
	}
	return types
}

func (w *world) wantEvents(want ...string) {
	w.t.Helper()
	if got := w.events(); !slices.Equal(got, want) {
		w.t.Errorf("events are\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// wantError checks what the real client makes of an error.
func wantError(t *testing.T, err error, status int, code stripe.ErrorCode, words string) *stripe.Error {
	t.Helper()
	var problem *stripe.Error
	if !errors.As(err, &problem) {
		t.Fatalf("got %v, want a Stripe error %d %s", err, status, code)
	}
	if problem.HTTPStatusCode != status || problem.Code != code || !strings.Contains(problem.Msg, words) {
		t.Errorf("got %d %q %q, want %d %q with %q", problem.HTTPStatusCode, problem.Code, problem.Msg, status, code, words)
	}
	if problem.RequestID == "" {
		t.Error("the error has no Request-Id")
	}
	return problem
}

func (w *world) balance(account, currency string, available, pending int64) {
	w.t.Helper()
	if a, p := w.Balance(account, currency); a != available || p != pending {
		w.t.Errorf("balance of %q in %s is %d and %d pending, want %d and %d", account, currency, a, p, available, pending)
	}
}

func TestKeyAndVersion(t *testing.T) {
	w := newWorld(t)
	ask := func(key, version, account string) *http.Response {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://api.stripe.com/v1/balance", nil)
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range map[string]string{"Authorization": key, "Stripe-Version": version, "Stripe-Account": account} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		response, err := w.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response
	}
	for _, c := range []struct {
		key, version, account string
		status                int
	}{
		{"Bearer " + w.Key(), "", "", 200},
		{"Bearer " + w.Key(), "2023-10-16", "", 200},
		{"Bearer " + w.Key(), "2099-01-01", "", 400},
		{"Bearer sk_test_other", "", "", 401},
		{"", "", "", 401},
		{"Bearer " + w.Key(), "", "acct_none", 403},
		{"Bearer " + w.Key(), "", w.PlatformID(), 200},
	} {
		if got := ask(c.key, c.version, c.account); got.StatusCode != c.status || got.Header.Get("Request-Id") == "" {
			t.Errorf("%+v: status %d", c, got.StatusCode)
		}
	}
}

func TestSameSeedSameIDs(t *testing.T) {
	run := func() []string {
		w := newWorld(t)
		s := w.paid(5000, "usd", stripefake.Succeed)
		return []string{w.PlatformID(), s.ID, s.PaymentIntent.ID, s.PaymentIntent.LatestCharge.ID}
	}
	if first, second := run(), run(); !slices.Equal(first, second) {
		t.Errorf("%v, then %v", first, second)
	}
}

func TestOverHTTP(t *testing.T) {
	w := newWorld(t)
	server := serve(t, w)
	api := w.clientOf(server.Client(), server.URL)
	s, err := api.CheckoutSessions.New(sessionParams(5000, "usd"))
	if err != nil || s.URL == "" {
		t.Fatal(s, err)
	}
	w.SetFaults(stripefake.Faults{Request: func(stripefake.Request) stripefake.Fate { return stripefake.Fate{LoseAnswer: true} }})
	if _, err := api.CheckoutSessions.New(sessionParams(5000, "usd")); err == nil || errors.As(err, new(*stripe.Error)) {
		t.Errorf("a lost answer is %v", err)
	}
	if n := len(w.Sessions()); n != 2 {
		t.Errorf("%d sessions, want 2: it was made before its answer was lost", n)
	}
}

func TestContextEnds(t *testing.T) {
	w := newWorld(t)
	w.SetFaults(stripefake.Faults{Request: func(stripefake.Request) stripefake.Fate { return stripefake.Fate{Slow: time.Hour} }})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	params := sessionParams(5000, "usd")
	params.Context = ctx
	if _, err := w.api.CheckoutSessions.New(params); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a slow answer ends with %v", err)
	}
	if n := len(w.Sessions()); n != 1 {
		t.Errorf("%d sessions, want the one that was made meanwhile", n)
	}
}
