package quickbooks

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/quickbooks/quickbooksfake"
	"github.com/sheaf-hub/sheaf/vendor-connectors/rest"
	"github.com/sheaf-hub/sheaf/vendor-connectors/signin"
)

// TestFaults holds each of QuickBooks' ways to say no against what the hub hears.
func TestFaults(t *testing.T) {
	body := func(kind, code, detail string) string {
		return fmt.Sprintf(`{"Fault":{"Error":[{"Message":"It is wrong","Detail":%q,"code":%q,"element":""}],"type":%q},"time":"2026-11-27T01:00:00.000-08:00"}`, detail, code, kind)
	}
	for _, one := range []struct {
		name   string
		status int
		body   string
		read   error
		write  error
		words  string
	}{
		{"validation", 400, body("ValidationFault", "6000", "the balance"), connectors.ErrRefused, connectors.ErrRefused, "It is wrong: the balance (6000)"},
		{"validation with 200", 200, body("ValidationFault", "2050", ""), connectors.ErrRefused, connectors.ErrRefused, "(2050)"},
		{"authentication", 401, strings.ToLower(body("AUTHENTICATION", "3200", "token expired")), connectors.ErrCredentials, connectors.ErrCredentials, ""},
		{"authentication with 400", 400, body("AuthenticationFault", "003200", ""), connectors.ErrCredentials, connectors.ErrCredentials, "003200"},
		{"another company", 403, body("AuthorizationFault", "003100", ""), connectors.ErrCredentials, connectors.ErrCredentials, "003100"},
		{"throttled", 429, body("THROTTLED", "003001", ""), connectors.ErrThrottled, connectors.ErrThrottled, ""},
		{"throttled with 403", 403, body("SERVICE", "3001", ""), connectors.ErrThrottled, connectors.ErrThrottled, ""},
		{"throttled with 200", 200, body("SERVICE", "3001", ""), connectors.ErrThrottled, connectors.ErrThrottled, ""},
		{"not there", 400, body("ValidationFault", "610", "Object Not Found"), connectors.ErrGone, connectors.ErrRefused, "610"},
		{"system", 200, body("SystemFault", "10000", ""), connectors.ErrUnreachable, connectors.ErrUnknown, "10000"},
		{"system with 500", 500, body("", "", ""), connectors.ErrUnreachable, connectors.ErrUnknown, "It is wrong"},
		{"no fault", 404, "<html>", connectors.ErrGone, connectors.ErrGone, "404"},
		{"nonsense", 200, "<html>", connectors.ErrUnreachable, connectors.ErrUnknown, "JSON"},
		{"a fault that is none", 200, `{"Customer":{"Name":"Fault"},"x":"\"Fault\"","y":["Fault"]}`, nil, nil, ""},
	} {
		t.Run(one.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(one.status)
				fmt.Fprint(w, one.body)
			}))
			defer server.Close()
			kept := &tokens{kept: connectors.Token{Access: "a", ExpiresAt: time.Now().Add(time.Hour)}}
			c, err := (&Server{App: App("hub", "secret"), API: server.URL}).connect(map[string]string{settingCompany: "1"}, connectors.Deps{HTTP: server.Client(), Tokens: kept, Now: time.Now})
			must(t, err)
			for write, want := range map[bool]error{false: one.read, true: one.write} {
				var into struct{}
				_, err := c.call(t.Context(), rest.Call{Path: "/query", Write: write}, &into)
				if !errors.Is(err, want) || want != nil && !strings.Contains(err.Error(), one.words) {
					t.Errorf("write %t: %v, want %v with %q", write, err, want, one.words)
				}
				var told *connectors.ThrottledError
				if want == connectors.ErrThrottled && (!errors.As(err, &told) || told.RetryAfter != time.Minute) {
					t.Errorf("write %t: %v does not say how long to wait", write, err)
				}
			}
		})
	}
}

// TestSigningIn goes the whole way of a person: to QuickBooks and back with a code and a
// company.
func TestSigningIn(t *testing.T) {
	w := newWorld(t, quickbooksfake.Config{})
	verifier := signin.NewVerifier()
	response, err := w.deps.HTTP.Get(w.app.Address("https://hub.example/connected", "state-1", verifier))
	must(t, err)
	response.Body.Close()
	back, err := url.Parse(response.Header.Get("Location"))
	if err != nil || response.StatusCode != http.StatusFound || back.Host != "hub.example" || back.Query().Get("state") != "state-1" {
		t.Fatalf("%d %s %v", response.StatusCode, back, err)
	}
	company, err := Company(back.Query())
	if err != nil || company != w.fake.Company() {
		t.Errorf("company %q, %v", company, err)
	}
	if _, err := Company(url.Values{"realmId": {"../1"}}); err == nil {
		t.Error("a company that is none")
	}
	if w.tokens.kept, err = w.app.Exchange(t.Context(), w.deps.HTTP, "https://hub.example/connected", back.Query().Get("code"), verifier); err != nil {
		t.Fatal(err)
	}
	w.tokens.kept.ExpiresAt = w.clock.Now().Add(time.Hour)
	must(t, w.client.Check(t.Context()))
	if _, err := w.app.Exchange(t.Context(), w.deps.HTTP, "https://hub.example/connected", back.Query().Get("code"), verifier); !errors.Is(err, connectors.ErrCredentials) {
		t.Errorf("the same code twice: %v", err)
	}
}

func TestTokensRotate(t *testing.T) {
	w := newWorld(t, quickbooksfake.Config{})
	first := w.tokens.kept
	w.clock.pass(59 * time.Minute)
	must(t, w.client.Check(t.Context()))
	if w.tokens.kept.Access == first.Access || w.tokens.kept.Refresh != first.Refresh {
		t.Errorf("after an hour %+v became %+v", first, w.tokens.kept)
	}
	for range 30 {
		w.clock.pass(5 * time.Hour)
		must(t, w.client.Check(t.Context()))
	}
	if w.tokens.kept.Refresh == first.Refresh {
		t.Error("the refresh token is still the first one")
	}
	w.clock.pass(101 * 24 * time.Hour)
	if err := w.client.Check(t.Context()); !errors.Is(err, connectors.ErrCredentials) {
		t.Errorf("not used for longer than QuickBooks keeps a refresh token: %v", err)
	}
}

func TestSettingsAreJudgedInWords(t *testing.T) {
	w := newWorld(t, quickbooksfake.Config{})
	for words, settings := range map[string]map[string]string{
		"choose the company":              {settingCompany: "mine"},
		"is not an account of QuickBooks": {connectors.PaymentAccount: strings.Repeat("x", 600)},
	} {
		all := map[string]string{settingCompany: w.fake.Company()}
		for name, value := range settings {
			all[name] = value
		}
		if _, err := New(w.app, all, w.deps); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%v, want %q", err, words)
		}
	}
	if _, err := New(w.app, map[string]string{settingCompany: "1"}, connectors.Deps{}); err == nil {
		t.Error("a connector without a client")
	}
	for words, settings := range map[string]map[string]string{
		"not authorized for this company":    {settingCompany: "123"},
		`no active account "Safe"`:           {connectors.PaymentAccount: "Safe"},
		`of the type "Income"`:               {connectors.PaymentAccount: quickbooksfake.SalesAccount},
		`no active account "Old:Discounts g`: {settingDiscount: "Old:" + quickbooksfake.DiscountAccount},
	} {
		if err := w.connect(t, settings).Check(t.Context()); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%v, want %q", err, words)
		}
	}
	twice := chart{{ID: "1", Name: "Fees", FullyQualifiedName: "A:Fees"}, {ID: "2", Name: "Fees", FullyQualifiedName: "B:Fees"}}
	if _, err := twice.find("fees", "discounts"); err == nil || !strings.Contains(err.Error(), "2 accounts") {
		t.Errorf("two accounts of one name: %v", err)
	}
	if one, err := twice.find("b:fees", "discounts"); err != nil || one.ID != "2" {
		t.Errorf("%+v %v", one, err)
	}
}
