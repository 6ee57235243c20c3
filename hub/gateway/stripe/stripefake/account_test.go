package stripefake_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"

	"github.com/sheaf-hub/sheaf/hub/gateway/stripe/stripefake"
)

func accountParams(country string) *stripe.AccountParams {
	return &stripe.AccountParams{Type: stripe.String("express"), Country: stripe.String(country), Email: stripe.String("ar@oak.example"),
		BusinessProfile: &stripe.AccountBusinessProfileParams{Name: stripe.String("Oak Paper")},
		Capabilities:    &stripe.AccountCapabilitiesParams{Transfers: &stripe.AccountCapabilitiesTransfersParams{Requested: stripe.Bool(true)}},
		Metadata:        map[string]string{"vendor": "v-1"}}
}

// link makes an account link.
func (w *world) link(account string) string {
	w.t.Helper()
	link, err := w.api.AccountLinks.New(&stripe.AccountLinkParams{Account: stripe.String(account), Type: stripe.String("account_onboarding"),
		RefreshURL: stripe.String("https://sheaf.example/again"), ReturnURL: stripe.String("https://sheaf.example/done")})
	if err != nil {
		w.t.Fatal(err)
	}
	return link.URL
}

func TestAccountBecomesReady(t *testing.T) {
	w := newWorld(t)
	connect := w.AddEndpoint(stripefake.Endpoint{Secret: secret, Connect: true})
	a, err := w.api.Accounts.New(accountParams("US"))
	if err != nil || a.DetailsSubmitted || a.PayoutsEnabled || a.Capabilities.Transfers != "inactive" || len(a.Requirements.CurrentlyDue) == 0 ||
		a.Metadata["vendor"] != "v-1" || a.BusinessProfile.Name != "Oak Paper" || a.DefaultCurrency != "usd" {
		t.Fatalf("%+v, %v", a, err)
	}
	link := w.link(a.ID)
	if next, err := w.Onboard(link, stripefake.Leave); err != nil || next != "https://sheaf.example/done" {
		t.Errorf("leaving goes to %q, %v", next, err)
	}
	if next, err := w.Onboard(link, stripefake.Finish); err != nil || next != "https://sheaf.example/again" {
		t.Errorf("a used link goes to %q, %v", next, err)
	}
	late := w.link(a.ID)
	w.wait(5 * time.Minute)
	if next, err := w.Onboard(late, stripefake.Finish); err != nil || next != "https://sheaf.example/again" {
		t.Errorf("an old link goes to %q, %v", next, err)
	}
	if next, err := w.Onboard(w.link(a.ID), stripefake.Restrict); err != nil || next != "https://sheaf.example/done" {
		t.Errorf("finishing goes to %q, %v", next, err)
	}
	if a, err = w.api.Accounts.GetByID(a.ID, nil); err != nil || !a.DetailsSubmitted || a.Capabilities.Transfers != "inactive" || a.Requirements.DisabledReason != "requirements.past_due" {
		t.Errorf("%+v, %v", a, err)
	}
	if _, err := w.Onboard(w.link(a.ID), stripefake.Finish); err != nil {
		t.Fatal(err)
	}
	if a, err = w.api.Accounts.GetByID(a.ID, nil); err != nil || !a.PayoutsEnabled || a.Capabilities.Transfers != "active" || len(a.Requirements.CurrentlyDue) != 0 {
		t.Errorf("%+v, %v", a, err)
	}
	w.wantEvents() // none of the platform
	events := w.Take(connect, 0)
	if len(events) != 2 || events[0].Type != "account.updated" || events[0].Account != a.ID || !strings.Contains(string(events[0].Payload), `"account":"`+a.ID+`"`) {
		t.Errorf("its events are %+v", events)
	}
}

func TestAccountDeadline(t *testing.T) {
	w := newWorld(t)
	oak := w.account("US")
	if err := w.DueBy(oak, w.now().Add(7*day)); err != nil {
		t.Fatal(err)
	}
	a, err := w.api.Accounts.GetByID(oak, nil)
	if err != nil || a.Capabilities.Transfers != "active" || a.Requirements.CurrentDeadline != w.now().Add(7*day).Unix() || len(a.Requirements.CurrentlyDue) != 1 {
		t.Errorf("%+v, %v", a, err)
	}
	w.wait(7 * day)
	if a, err = w.api.Accounts.GetByID(oak, nil); err != nil || a.Capabilities.Transfers != "inactive" || len(a.Requirements.PastDue) != 1 {
		t.Errorf("after the deadline: %+v, %v", a, err)
	}
}

func TestAccountRegions(t *testing.T) {
	w := newWorld(t)
	_, err := w.api.Accounts.New(accountParams("DE"))
	wantError(t, err, 400, "", "service agreement")
	params := accountParams("DE")
	params.TOSAcceptance = &stripe.AccountTOSAcceptanceParams{ServiceAgreement: stripe.String("recipient")}
	if a, err := w.api.Accounts.New(params); err != nil || a.DefaultCurrency != "eur" || a.TOSAcceptance.ServiceAgreement != "recipient" {
		t.Errorf("%+v, %v", a, err)
	}
	_, err = w.api.Accounts.New(accountParams("XX"))
	wantError(t, err, 400, "country_unsupported", "XX")
	_, err = w.api.Accounts.GetByID("acct_none", nil)
	wantError(t, err, 403, "account_invalid", "acct_none")

	europe := newWorld(t, func(c *stripefake.Config) { c.Country = "DE" })
	if a, err := europe.api.Accounts.New(accountParams("FR")); err != nil || a.DefaultCurrency != "eur" {
		t.Errorf("a German platform and a French account: %+v, %v", a, err)
	}
	_, err = europe.api.Accounts.New(accountParams("US"))
	wantError(t, err, 400, "", "platforms based in DE")
	if own, err := europe.api.Accounts.Get(); err != nil || own.Country != "DE" || own.ID != europe.PlatformID() {
		t.Errorf("the platform is %+v, %v", own, err)
	}
	if spec, err := europe.api.CountrySpecs.Get("DE", nil); err != nil || spec.DefaultCurrency != "eur" || len(spec.SupportedTransferCountries) < 20 {
		t.Errorf("the country is %+v, %v", spec, err)
	}
}

func TestAccountUpdate(t *testing.T) {
	w := newWorld(t)
	oak := w.account("US")
	a, err := w.api.Accounts.Update(oak, &stripe.AccountParams{Metadata: map[string]string{"vendor": "v-2"}, Email: stripe.String("new@oak.example")})
	if err != nil || a.Metadata["vendor"] != "v-2" || a.Email != "new@oak.example" || a.Capabilities.Transfers != "active" {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestPages(t *testing.T) {
	w := newWorld(t, func(c *stripefake.Config) { c.PublicBase = "http://pay.example" })
	browser := w.Client()
	browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	visit := func(method, address, outcome string) (int, string, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(url.Values{"outcome": {outcome}}.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		response, err := browser.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, response.Header.Get("Location"), string(body)
	}
	params := sessionParams(5000, "usd")
	params.LineItems[0].PriceData.ProductData.Name = stripe.String("<b>Oak</b> & Co")
	s, err := w.api.CheckoutSessions.New(params)
	if err != nil {
		t.Fatal(err)
	}
	status, _, body := visit("GET", s.URL, "")
	for _, part := range []string{`name="outcome" value="succeed"`, `value="decline"`, `value="bank"`, `value="bank_fail"`, `value="abandon"`, "&lt;b&gt;Oak&lt;/b&gt; &amp; Co", "USD 50.00", `<html lang="en">`} {
		if status != 200 || !strings.Contains(body, part) {
			t.Errorf("%d: the page lacks %q:\n%s", status, part, body)
		}
	}
	if strings.Contains(body, "<script") {
		t.Error("the page has a script")
	}
	if status, to, _ := visit("POST", s.URL, "abandon"); status != 303 || to != "https://sheaf.example/stop" {
		t.Errorf("leaving: %d to %q", status, to)
	}
	if status, _, body := visit("POST", s.URL, "decline"); status != 200 || !strings.Contains(body, `role="alert"`) || !strings.Contains(body, "declined") {
		t.Errorf("a declined card: %d\n%s", status, body)
	}
	if status, _, _ := visit("POST", s.URL, "steal"); status != 400 {
		t.Errorf("an unknown button: %d", status)
	}
	if status, to, _ := visit("POST", s.URL, "succeed"); status != 303 || to != "https://sheaf.example/back?s="+s.ID {
		t.Errorf("paying: %d to %q", status, to)
	}
	if status, _, body := visit("GET", s.URL, ""); status != 410 || !strings.Contains(body, "has ended") {
		t.Errorf("afterwards: %d\n%s", status, body)
	}
	if status, _, _ := visit("GET", "http://pay.example/c/pay/cs_none", ""); status != 404 {
		t.Errorf("no such session: %d", status)
	}
	a, err := w.api.Accounts.New(accountParams("US"))
	if err != nil {
		t.Fatal(err)
	}
	link := w.link(a.ID)
	if status, _, body := visit("GET", link, ""); status != 200 || !strings.Contains(body, `value="finish"`) {
		t.Errorf("onboarding: %d\n%s", status, body)
	}
	if status, to, _ := visit("GET", link, ""); status != 303 || to != "https://sheaf.example/again" {
		t.Errorf("a second visit: %d to %q", status, to)
	}
	if status, to, _ := visit("POST", link, "finish"); status != 303 || to != "https://sheaf.example/done" {
		t.Errorf("finishing: %d to %q", status, to)
	}
	if status, _, _ := visit("POST", link, "finish"); status != 400 {
		t.Errorf("finishing twice: %d", status)
	}
	if ready := w.Accounts()[0]; ready.Transfers != stripefake.Active {
		t.Errorf("the account is %+v", ready)
	}
}
