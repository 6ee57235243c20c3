package xero

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/signin"
	"github.com/sheaf-hub/sheaf/vendor-connectors/xero/xerofake"
)

// TestSigningIn goes the whole way of a person: to Xero, back with a code, and on to
// the choice of an organisation.
func TestSigningIn(t *testing.T) {
	w := newWorld(t, xerofake.Config{})
	verifier := signin.NewVerifier()
	response, err := w.deps.HTTP.Get(w.app.Address("https://hub.example/connected", "state-1", verifier))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	back, err := url.Parse(response.Header.Get("Location"))
	if err != nil || response.StatusCode != http.StatusFound {
		t.Fatalf("%d %v", response.StatusCode, err)
	}
	q := back.Query()
	if back.Host != "hub.example" || q.Get("state") != "state-1" || !strings.Contains(q.Get("scope"), "offline_access") {
		t.Errorf("back at %s", back)
	}
	if _, err := w.app.Exchange(t.Context(), w.deps.HTTP, "https://hub.example/connected", q.Get("code"), "another verifier"); !errors.Is(err, connectors.ErrCredentials) {
		t.Errorf("without the verifier: %v", err)
	}
	response, err = w.deps.HTTP.Get(w.app.Address("https://hub.example/connected", "state-1", verifier))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if back, err = url.Parse(response.Header.Get("Location")); err != nil {
		t.Fatal(err)
	}
	if w.tokens.kept, err = w.app.Exchange(t.Context(), w.deps.HTTP, "https://hub.example/connected", back.Query().Get("code"), verifier); err != nil {
		t.Fatal(err)
	}
	w.tokens.kept.ExpiresAt = time.Time{} // counted from the real clock by the exchange
	tenants, err := (&Server{App: w.app, API: w.api}).Tenants(t.Context(), w.deps)
	if err != nil || len(tenants) != 1 || tenants[0] != (Tenant{ID: w.fake.Tenant(), Name: "Fake Organisation"}) {
		t.Errorf("%+v, %v", tenants, err)
	}
	if err := w.client.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestTokensRotate(t *testing.T) {
	w := newWorld(t, xerofake.Config{})
	first := w.tokens.kept
	for range 10 {
		w.clock.pass(25 * 24 * time.Hour)
		if err := w.client.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if w.tokens.kept.Refresh == first.Refresh {
		t.Error("the refresh token is still the first one")
	}
	lost := w.tokens.kept
	w.clock.pass(time.Hour)
	if err := w.client.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.tokens.kept = lost // the answer with the new one was lost
	w.clock.pass(29 * time.Minute)
	if err := w.client.Check(t.Context()); err != nil {
		t.Errorf("within the grace: %v", err)
	}
	w.tokens.kept = lost
	w.clock.pass(2 * time.Minute)
	if err := w.client.Check(t.Context()); !errors.Is(err, connectors.ErrCredentials) {
		t.Errorf("after the grace: %v", err)
	}
}

func TestASignInThatEnds(t *testing.T) {
	w := newWorld(t, xerofake.Config{})
	w.fake.Misbehave(xerofake.Revoked)
	if err := w.client.Check(t.Context()); !errors.Is(err, connectors.ErrCredentials) {
		t.Errorf("revoked: %v", err)
	}
	w = newWorld(t, xerofake.Config{})
	w.clock.pass(61 * 24 * time.Hour)
	if err := w.client.Check(t.Context()); !errors.Is(err, connectors.ErrCredentials) {
		t.Errorf("not used for longer than Xero keeps a refresh token: %v", err)
	}
}

func TestSettingsAreJudgedInWords(t *testing.T) {
	w := newWorld(t, xerofake.Config{})
	for words, settings := range map[string]map[string]string{
		"choose the Xero organisation":  {"tenant": "mine"},
		"is not an account of Xero":     {connectors.PaymentAccount: "a code that is too long"},
		"enter the code of the account": {connectors.PaymentAccount: " "},
	} {
		all := map[string]string{"tenant": w.fake.Tenant(), connectors.PaymentAccount: xerofake.BankCode}
		for name, value := range settings {
			all[name] = value
		}
		if _, err := New(w.app, all, w.deps); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%v, want %q", err, words)
		}
	}
	if _, err := New(w.app, map[string]string{"tenant": w.fake.Tenant(), connectors.PaymentAccount: "090"}, connectors.Deps{}); err == nil {
		t.Error("a connector without a client")
	}
	for words, settings := range map[string]map[string]string{
		"not let into this organisation": {"tenant": "00000000-0000-4000-8000-000000000000"},
		"no active account \"999\"":      {connectors.PaymentAccount: "999"},
		"takes no payments":              {connectors.ClearingAccount: xerofake.SalesCode},
		"(for discounts)":                {"discount_account": "998"},
	} {
		if err := w.connect(t, settings).Check(t.Context()); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%v, want %q", err, words)
		}
	}
	if err := w.connect(t, map[string]string{"tenant": "00000000-0000-4000-8000-000000000000"}).Pull(t.Context(), "", nil); !errors.Is(err, connectors.ErrCredentials) || !strings.Contains(err.Error(), "AuthenticationUnsuccessful") {
		t.Errorf("another organisation's books: %v", err)
	}
}
