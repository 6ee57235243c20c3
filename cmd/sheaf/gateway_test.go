package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/gateway/stripe/stripefake"
	"github.com/sheaf-hub/sheaf/web"
)

// stripeSettings are those of an embedded hub that pays through a Stripe of the test's.
func stripeSettings(t *testing.T, base string) *settings {
	t.Helper()
	return &settings{Addr: "127.0.0.1:8080", Data: t.TempDir(), HubName: "Sheaf", LogFormat: "text", StripeKey: "sk_test_fake",
		StripeWebhookSecret: "whsec_platform, whsec_connect", StripeAPIBase: base, StripeCurrencies: "USD,eur"}
}

func fakeStripe(t *testing.T) (*stripefake.Fake, string) {
	t.Helper()
	fake := stripefake.New(stripefake.Config{Now: systemClock, Key: "sk_test_fake"})
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	return fake, server.URL
}

func TestSettingsOfStripe(t *testing.T) {
	for name, c := range map[string]struct {
		alter func(*settings)
		words string
	}{
		"a key alone":           {func(s *settings) { s.StripeWebhookSecret = "" }, "STRIPE_WEBHOOK_SECRET"},
		"a secret of commas":    {func(s *settings) { s.StripeWebhookSecret = " , ," }, "STRIPE_WEBHOOK_SECRET"},
		"a secret alone":        {func(s *settings) { s.StripeKey = "" }, "STRIPE_SECRET_KEY"},
		"a publishable key":     {func(s *settings) { s.StripeKey = "pk_test_1" }, "sk_"},
		"a base with a path":    {func(s *settings) { s.StripeAPIBase = "http://127.0.0.1:1/v1" }, "STRIPE_API_BASE"},
		"live over plain http":  {func(s *settings) { s.StripeKey = "sk_live_1" }, "plain http"},
		"a currency that's not": {func(s *settings) { s.StripeCurrencies = "USD,EURO" }, "STRIPE_CURRENCIES"},
	} {
		s := stripeSettings(t, "http://127.0.0.1:1")
		c.alter(s)
		if _, err := s.check(); err == nil || !strings.Contains(err.Error(), c.words) || strings.Contains(err.Error(), "whsec_") {
			t.Errorf("%s: %v", name, err)
		}
	}
	config, err := stripeSettings(t, "http://127.0.0.1:1").check()
	if err != nil || len(config.currencies) != 2 || config.currencies[1] != "EUR" {
		t.Errorf("the good ones: %v", err)
	}
}

func TestTheHubPaysThroughStripe(t *testing.T) {
	fake, base := fakeStripe(t)
	a, err := openApp(t.Context(), stripeSettings(t, base), io.Discard, systemClock)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.close)
	if a.payment.Gateway.Name() != "stripe" || a.payment.Accounts == nil || a.sandbox != nil {
		t.Fatalf("gateway %q", a.payment.Gateway.Name())
	}
	app := web.New(a.webDeps(nil))
	send := func(payload, signature string) int {
		t.Helper()
		request := httptest.NewRequest(http.MethodPost, "/webhooks/stripe", strings.NewReader(payload))
		request.Header.Set("Stripe-Signature", signature)
		response, err := app.Test(request, 20_000)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		return response.StatusCode
	}
	endpoint := fake.AddEndpoint(stripefake.Endpoint{Secret: "whsec_connect", Connect: true})
	if _, err := fake.NewAccount("US", "Northwind"); err != nil {
		t.Fatal(err)
	}
	message := fake.Take(endpoint, 1)[0]
	for range 2 { // the second is a copy
		if status := send(string(message.Payload), message.Signature); status != 200 {
			t.Errorf("a message of Stripe's: %d", status)
		}
	}
	if status := send(string(message.Payload)+" ", message.Signature); status != 400 {
		t.Errorf("a forged one: %d", status)
	}
	if status := send("{}", ""); status != 400 {
		t.Errorf("an unsigned one: %d", status)
	}
	response, err := app.Test(httptest.NewRequest(http.MethodGet, "/metrics", nil), 20_000)
	if err != nil {
		t.Fatal(err)
	}
	figures, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	for result, want := range map[string]int{"handled": 2, "forged": 1, "unsigned": 1, "stale": 0} {
		if line := fmt.Sprintf("sheaf_gateway_hooks_total{result=%q} %d\n", result, want); !strings.Contains(string(figures), line) {
			t.Errorf("the figures lack %q", line)
		}
	}
	page := httptest.NewRequest(http.MethodGet, "/sandbox/checkout/sbx_1", nil)
	if response, err := app.Test(page, 20_000); err != nil || response.StatusCode != 404 {
		t.Errorf("the sandbox's page beside Stripe: %v, %v", response, err)
	}
}

func TestTheSandboxTakesNoMessages(t *testing.T) {
	a := openFolder(t, t.TempDir())
	app := web.New(a.webDeps(nil))
	if response, err := app.Test(httptest.NewRequest(http.MethodPost, "/webhooks/stripe", strings.NewReader("{}")), 20_000); err != nil || response.StatusCode != 404 {
		t.Errorf("%v, %v", response, err)
	}
}

func TestTheDoctorAsksStripe(t *testing.T) {
	_, base := fakeStripe(t)
	config, err := stripeSettings(t, base).check()
	if err != nil {
		t.Fatal(err)
	}
	said := fmt.Sprint(diagnoseGateway(t.Context(), config))
	for _, words := range []string{"Stripe answers for acct_", "in US", "no money moves", "2 signing secrets", "/webhooks/stripe"} {
		if !strings.Contains(said, words) {
			t.Errorf("no %q in %s", words, said)
		}
	}
	if strings.Contains(said, "FAIL") || strings.Contains(said, "warn") || strings.Contains(said, "whsec_") || strings.Contains(said, "sk_test_fake") {
		t.Error(said)
	}
	config.StripeCurrencies, config.currencies, config.StripeWebhookSecret = "", nil, "whsec_1"
	if said := fmt.Sprint(diagnoseGateway(t.Context(), config)); !strings.Contains(said, "STRIPE_CURRENCIES is empty") || !strings.Contains(said, "keeps USD") || !strings.Contains(said, "one signing secret") {
		t.Error(said)
	}
	config.StripeKey = "sk_test_revoked"
	if said := fmt.Sprint(diagnoseGateway(t.Context(), config)); !strings.Contains(said, "FAIL") || !strings.Contains(said, "STRIPE_SECRET_KEY") {
		t.Error(said)
	}
	config.StripeAPIBase = "http://127.0.0.1:1"
	started := time.Now()
	if said := fmt.Sprint(diagnoseGateway(t.Context(), config)); !strings.Contains(said, "cannot be reached") || time.Since(started) > 15*time.Second {
		t.Error(said)
	}
}
