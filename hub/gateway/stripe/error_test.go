package stripe_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/gateway/stripe"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/payment"
)

const testKey = "sk_test_51SecretSecretSecret"

// tripper plays the network.
type tripper func(*http.Request) (*http.Response, error)

func (f tripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

func answered(request *http.Request, status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Status: http.StatusText(status), Header: http.Header{"Request-Id": {"req_1"}}, Body: io.NopCloser(strings.NewReader(body)), Request: request}
}

func gateway(t *testing.T, network http.RoundTripper) *stripe.Gateway {
	t.Helper()
	g, err := stripe.New(stripe.Config{Key: testKey, WebhookSecrets: []string{"whsec_1"}, HTTPClient: &http.Client{Transport: network}, Now: fixed})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func aTransfer() payment.TransferRequest {
	return payment.TransferRequest{TransferID: "t1", Key: "kt", VendorID: "v1", AccountRef: "acct_1", Amount: money.New(12500, "USD"), Reference: "R-1", Since: noon}
}

func problem(kind, code, message string) string {
	return fmt.Sprintf(`{"error":{"type":%q,"code":%q,"message":%q}}`, kind, code, message)
}

var errUnknown = errors.New("nobody knows")

// kindOf names the error of a gateway that err is, errUnknown for any other.
func kindOf(err error) error {
	for _, kind := range []error{payment.ErrNotFound, payment.ErrRefused, payment.ErrUnavailable, payment.ErrInsufficient} {
		if errors.Is(err, kind) {
			return kind
		}
	}
	if err != nil {
		return errUnknown
	}
	return nil
}

func TestWhatAnAnswerMeans(t *testing.T) {
	cases := []struct {
		name           string
		status         int
		body           string
		changes, looks error
	}{
		{"a wrong parameter", 400, problem("invalid_request_error", "parameter_invalid_integer", "Invalid integer"), payment.ErrRefused, payment.ErrRefused},
		{"an unknown object", 404, problem("invalid_request_error", "resource_missing", "No such thing"), payment.ErrRefused, payment.ErrNotFound},
		{"a declined card", 402, problem("card_error", "card_declined", "Your card was declined."), payment.ErrRefused, payment.ErrRefused},
		{"a key used for something else", 400, problem("idempotency_error", "", "Keys for idempotent requests can only be used with the same parameters"), payment.ErrRefused, payment.ErrRefused},
		{"a key in use", 409, problem("idempotency_error", "idempotency_key_in_use", "There is currently another in-progress request"), payment.ErrUnavailable, payment.ErrUnavailable},
		{"too many requests", 429, problem("invalid_request_error", "rate_limit", "Too many requests"), payment.ErrUnavailable, payment.ErrUnavailable},
		{"a lock", 429, problem("invalid_request_error", "lock_timeout", "This object cannot be accessed right now"), payment.ErrUnavailable, payment.ErrUnavailable},
		{"a wrong key", 401, problem("invalid_request_error", "api_key_expired", "Invalid API Key provided: "+testKey), payment.ErrUnavailable, payment.ErrUnavailable},
		{"a key without the permission", 403, problem("invalid_request_error", "", "The provided key does not have the required permissions"), payment.ErrUnavailable, payment.ErrUnavailable},
		{"an account that has left", 403, problem("invalid_request_error", "account_invalid", "Application access may have been revoked"), payment.ErrRefused, payment.ErrNotFound},
		{"no money", 400, problem("invalid_request_error", "balance_insufficient", "You have insufficient funds"), payment.ErrInsufficient, payment.ErrInsufficient},
		{"no money of a connected account", 400, problem("invalid_request_error", "insufficient_funds", "Insufficient funds"), payment.ErrInsufficient, payment.ErrInsufficient},
		{"a failure", 500, problem("api_error", "", "Something went wrong"), errUnknown, errUnknown},
		{"a failure in between", 502, "<html>Bad gateway " + testKey + "</html>", errUnknown, errUnknown},
		{"a proxy that speaks for Stripe", 404, "<html>not here</html>", errUnknown, errUnknown},
		{"an api error below 500", 400, problem("api_error", "", "hm"), errUnknown, errUnknown},
		{"an answer cut short", 200, `{"id":"tr_1","amount":125`, errUnknown, errUnknown},
		{"nothing", 200, "", errUnknown, errUnknown},
		{"another place", 302, "", errUnknown, errUnknown},
		{"an error without a body", 400, "{}", errUnknown, errUnknown},
	}
	for _, c := range cases {
		asked := 0
		g := gateway(t, tripper(func(request *http.Request) (*http.Response, error) {
			asked++
			response := answered(request, c.status, c.body)
			if c.status == 302 {
				response.Header.Set("Location", "https://elsewhere.example/")
			}
			return response, nil
		}))
		_, changed := g.Transfer(t.Context(), aTransfer())
		_, looked := g.FindTransfer(t.Context(), aTransfer())
		if kindOf(changed) != c.changes || kindOf(looked) != c.looks {
			t.Errorf("%s: a change is %v, a look is %v", c.name, changed, looked)
		}
		for _, err := range []error{changed, looked} {
			if text := err.Error(); strings.Contains(text, "51Secret") || len(text) > 600 || strings.Contains(text, "<html>") {
				t.Errorf("%s: says %q", c.name, text)
			}
		}
		if asked != 2 {
			t.Errorf("%s: asked %d times for two calls: rows decide on trying again", c.name, asked)
		}
	}
}

func TestReversalsOfAnEmptyAccount(t *testing.T) {
	g := gateway(t, tripper(func(request *http.Request) (*http.Response, error) {
		return answered(request, 400, problem("invalid_request_error", "balance_insufficient", "The connected account has insufficient funds")), nil
	}))
	if _, err := g.Reverse(t.Context(), payment.ReversalRequest{ReversalID: "x", Key: "k", TransferRef: "tr_1", Amount: money.New(5, "USD")}); !errors.Is(err, payment.ErrInsufficient) {
		t.Errorf("%v", err)
	}
}

// A request that never had a connection surely had no effect; one that had may.
func TestBrokenConnections(t *testing.T) {
	var hits atomic.Int64
	cut := func(w http.ResponseWriter, answer string) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(conn, answer)
		_ = conn.Close()
	}
	behaviour := map[string]http.HandlerFunc{
		"cut before the answer": func(w http.ResponseWriter, _ *http.Request) { cut(w, "") },
		"cut within the answer": func(w http.ResponseWriter, _ *http.Request) {
			cut(w, "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"id\":\"tr_1\",")
		},
		"too slow": func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-r.Context().Done():
			case <-time.After(20 * time.Second):
			}
		},
	}
	for name, handler := range behaviour {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			hits.Add(1)
			_, _ = io.Copy(io.Discard, r.Body)
			handler(w, r)
		}))
		g, err := stripe.New(stripe.Config{Key: testKey, WebhookSecrets: []string{"whsec_1"}, APIBase: server.URL, HTTPClient: &http.Client{Timeout: 2 * time.Second}, Now: fixed})
		if err != nil {
			t.Fatal(err)
		}
		before := hits.Load()
		_, err = g.Transfer(t.Context(), aTransfer())
		if kindOf(err) != errUnknown || hits.Load() == before {
			t.Errorf("%s: %v after %d requests", name, err, hits.Load()-before)
		}
		server.CloseClientConnections()
		server.Close()
	}
}

func TestNoConnectionAtAll(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "http://" + listener.Addr().String()
	_ = listener.Close()
	for _, base := range []string{closed, "http://no-such-host.invalid"} {
		g, err := stripe.New(stripe.Config{Key: testKey, WebhookSecrets: []string{"whsec_1"}, APIBase: base, HTTPClient: &http.Client{Transport: &http.Transport{}}, Now: fixed})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		_, err = g.Transfer(ctx, aTransfer())
		cancel()
		if !errors.Is(err, payment.ErrUnavailable) {
			t.Errorf("%s: %v", base, err)
		}
	}
}

func TestAConnectionThatIsGivenUpWhileItIsMade(t *testing.T) {
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := gateway(t, transport).Transfer(ctx, aTransfer()); !errors.Is(err, payment.ErrUnavailable) {
		t.Errorf("nothing had been sent: %v", err)
	}
}

// A transport that says nothing of its connections is not believed to have had none.
func TestAnUnknownFailureIsUnknown(t *testing.T) {
	for _, failure := range []error{io.ErrUnexpectedEOF, errors.New("broken"), context.DeadlineExceeded, context.Canceled} {
		g := gateway(t, tripper(func(*http.Request) (*http.Response, error) { return nil, failure }))
		if _, err := g.Transfer(t.Context(), aTransfer()); kindOf(err) != errUnknown {
			t.Errorf("%v: %v", failure, err)
		}
	}
}

// The same key goes out with each try, and a 500 that Stripe keeps for it stays unknown.
func TestAKeyIsSentAgain(t *testing.T) {
	var keys []string
	g := gateway(t, tripper(func(request *http.Request) (*http.Response, error) {
		keys = append(keys, request.Header.Get("Idempotency-Key"))
		response := answered(request, 500, problem("api_error", "", "Something went wrong"))
		response.Header.Set("Idempotent-Replayed", "true")
		return response, nil
	}))
	for range 2 {
		if _, err := g.Transfer(t.Context(), aTransfer()); kindOf(err) != errUnknown {
			t.Error(err)
		}
	}
	if len(keys) != 2 || keys[0] != "kt" || keys[1] != "kt" {
		t.Errorf("keys %q", keys)
	}
}

func TestWhatIsRefusedBeforeItIsSent(t *testing.T) {
	g := gateway(t, tripper(func(request *http.Request) (*http.Response, error) {
		t.Errorf("asked %s %s", request.Method, request.URL)
		return nil, errors.New("no")
	}))
	ctx, usd := t.Context(), money.New(100, "USD")
	page := payment.CheckoutRequest{PaymentID: "p", Key: "k", Amount: usd, ReturnURL: "https://hub.example"}
	change := func(alter func(*payment.CheckoutRequest)) func() error {
		return func() error {
			request := page
			alter(&request)
			_, err := g.Checkout(ctx, request)
			return err
		}
	}
	for name, ask := range map[string]func() error{
		"no key":           change(func(r *payment.CheckoutRequest) { r.Key = "" }),
		"nothing":          change(func(r *payment.CheckoutRequest) { r.Amount.Minor = 0 }),
		"less than none":   change(func(r *payment.CheckoutRequest) { r.Amount.Minor = -5 }),
		"no such currency": change(func(r *payment.CheckoutRequest) { r.Amount.Currency = "IQD" }),
		"no such method":   change(func(r *payment.CheckoutRequest) { r.Method = payment.MethodCredit }),
		"no debit":         change(func(r *payment.CheckoutRequest) { r.Amount, r.Method = money.New(500, "JPY"), payment.MethodBankDebit }),
		"a thousandth":     change(func(r *payment.CheckoutRequest) { r.Amount = money.New(5124, "KWD") }),
		"wrong sum": change(func(r *payment.CheckoutRequest) {
			r.Lines = []payment.CheckoutLine{{Vendor: "A", Number: "1", Amount: money.New(99, "USD")}}
		}),
		"two currencies": change(func(r *payment.CheckoutRequest) {
			r.Lines = []payment.CheckoutLine{{Vendor: "A", Number: "1", Amount: usd}, {Vendor: "A", Number: "2", Amount: money.New(0, "EUR")}}
		}),
		"a transfer to nobody": func() error {
			_, err := g.Transfer(ctx, payment.TransferRequest{TransferID: "t", Key: "k", Amount: usd})
			return err
		},
		"a reversal of nothing": func() error {
			_, err := g.Reverse(ctx, payment.ReversalRequest{ReversalID: "r", Key: "k", Amount: usd})
			return err
		},
		"a refund of nothing": func() error {
			_, err := g.Refund(ctx, payment.RefundRequest{RefundID: "r", Key: "k", PaymentRef: "sbx_1", Amount: usd})
			return err
		},
		"a refund without a key": func() error {
			_, err := g.Refund(ctx, payment.RefundRequest{RefundID: "r", PaymentRef: "pi_1", Amount: usd})
			return err
		},
	} {
		if err := ask(); !errors.Is(err, payment.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, ask := range map[string]func() error{
		"look":         func() error { _, err := g.Look(ctx, "sbx_1"); return err },
		"close":        func() error { _, err := g.Close(ctx, "pi_1"); return err },
		"look account": func() error { _, err := g.LookAccount(ctx, "../account"); return err },
		"look setup":   func() error { _, err := g.LookSetup(ctx, ""); return err },
	} {
		if err := ask(); !errors.Is(err, payment.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Nothing that was asked to change: a page that cannot be looked at leaves the
// refund for later.
func TestARefundWhosePaymentCannotBeLookedAt(t *testing.T) {
	g := gateway(t, tripper(func(request *http.Request) (*http.Response, error) {
		if request.Method != http.MethodGet {
			t.Errorf("%s %s", request.Method, request.URL.Path)
		}
		return answered(request, 500, problem("api_error", "", "hm")), nil
	}))
	if _, err := g.Refund(t.Context(), payment.RefundRequest{RefundID: "r", Key: "k", PaymentRef: "cs_test_1", Amount: money.New(5, "USD")}); !errors.Is(err, payment.ErrUnavailable) {
		t.Error(err)
	}
}

func TestConfigs(t *testing.T) {
	good := stripe.Config{Key: "sk_test_1", WebhookSecrets: []string{"whsec_1"}, Now: fixed}
	for key, live := range map[string]bool{"sk_test_1": false, "rk_test_1": false, "sk_live_1": true, "rk_live_1": true} {
		config := good
		config.Key = key
		if g, err := stripe.New(config); err != nil || g.Live() != live || g.Name() != "stripe" {
			t.Errorf("%s: %v", key, err)
		}
	}
	for name, alter := range map[string]func(*stripe.Config){
		"no key":             func(c *stripe.Config) { c.Key = "" },
		"a publishable key":  func(c *stripe.Config) { c.Key = "pk_test_1" },
		"a webhook secret":   func(c *stripe.Config) { c.Key = "whsec_1" },
		"a key of no mode":   func(c *stripe.Config) { c.Key = "sk_1" },
		"a key of a mode":    func(c *stripe.Config) { c.Key = "sk_test_" },
		"no secret":          func(c *stripe.Config) { c.WebhookSecrets = nil },
		"an empty secret":    func(c *stripe.Config) { c.WebhookSecrets = []string{"whsec_1", ""} },
		"a blank secret":     func(c *stripe.Config) { c.WebhookSecrets = []string{" "} },
		"no clock":           func(c *stripe.Config) { c.Now = nil },
		"a path":             func(c *stripe.Config) { c.APIBase = "http://127.0.0.1:1/v1" },
		"no scheme":          func(c *stripe.Config) { c.APIBase = "127.0.0.1:1" },
		"a user in the base": func(c *stripe.Config) { c.APIBase = "https://a:b@mock.example" },
		"live in the clear":  func(c *stripe.Config) { c.Key, c.APIBase = "sk_live_abc", "http://127.0.0.1:1" },
	} {
		config := good
		alter(&config)
		if _, err := stripe.New(config); err == nil || (len(config.Key) > 8 && strings.Contains(err.Error(), config.Key)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
