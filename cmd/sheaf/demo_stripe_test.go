package main

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

var (
	playedAt   = regexp.MustCompile(`Stripe is played at (http://127\.0\.0\.1:\d+)/`)
	mailPage   = regexp.MustCompile(`/dev/mail/[^"/]+`)
	signInLink = regexp.MustCompile(`/sign-in/[\w-]{20,}`)
	waitFact   = regexp.MustCompile(`that wait</dt><dd>0<`)
	payoutFact = regexp.MustCompile(`Payouts to banks</dt><dd>[1-9]`)
)

// press a button of the played Stripe's page, as a browser does.
func press(t *testing.T, base, what, origin string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/", strings.NewReader(url.Values{"do": {what}}.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Origin", origin)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// until asks again for two minutes at most: days that pass bring much to do.
func until(t *testing.T, what string, good func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !good(); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after two minutes: not %s", what)
		}
	}
}

// console signs in as a vendor's owner by the mail that is sent.
func (r *running) console(t *testing.T, email string) *http.Client {
	t.Helper()
	client := r.visitor(t)
	r.fetch(t, client, http.MethodPost, r.base+"/vendor/sign-in?email="+url.QueryEscape(email))
	link := ""
	until(t, "a sign-in mail", func() bool {
		for _, address := range mailPage.FindAllString(r.fetch(t, client, http.MethodGet, r.base+"/dev/mail"), 12) { // others may have come after it
			page := r.fetch(t, client, http.MethodGet, r.base+address)
			if link = signInLink.FindString(page); link != "" && strings.Contains(page, email) {
				return true
			}
		}
		return false
	})
	r.fetch(t, client, http.MethodPost, r.base+link)
	return client
}

func TestDemoWithStripePlayed(t *testing.T) {
	r := startDemo(t, "--gateway", "stripe-fake")
	found := playedAt.FindStringSubmatch(r.out.String())
	if found == nil {
		t.Fatalf("no address of the played Stripe:\n%s", r.out.String())
	}
	played := found[1]
	anybody := r.visitor(t)
	until(t, "heard of every message", func() bool { return waitFact.MatchString(r.fetch(t, anybody, http.MethodGet, played+"/")) })
	wants(t, "Kestrel's payouts", r.signIn(t, r.links[2], "/vendor/payouts"), "Not finished", "Waits in the hub", "Germany", "bank account that your money goes to")
	wants(t, "what waits", r.signIn(t, r.links[4], "/operator/payouts"), "Kestrel Freight", "Not finished")
	if status, _ := press(t, played, "day", "https://elsewhere.example"); status != http.StatusForbidden {
		t.Error("another site moved the clock")
	}
	for range 2 {
		if status, page := press(t, played, "day", played); status != http.StatusOK {
			t.Fatal(page)
		}
	}
	until(t, "paid out", func() bool { return payoutFact.MatchString(r.fetch(t, anybody, http.MethodGet, played+"/")) })
	millbrook := r.console(t, "accounts@millbrook-flour.example")
	payout := regexp.MustCompile(`/vendor/payouts/[0-9a-f-]{36}`)
	page := ""
	until(t, "shown to the vendor", func() bool {
		page = r.fetch(t, millbrook, http.MethodGet, r.base+"/vendor/payouts")
		return payout.MatchString(page)
	})
	wants(t, "Millbrook's payouts", page, "Ready")
	wants(t, "its payout", r.fetch(t, millbrook, http.MethodGet, r.base+payout.FindString(page)), "MF-9041")
	if status, page := press(t, played, "dispute", played); status != http.StatusOK || !strings.Contains(page, "was taken back") {
		t.Error(page)
	}
	for what, word := range map[string]string{"refund": "no refund yet", "nonsense": "no such button"} {
		if status, page := press(t, played, what, played); status != http.StatusConflict || !strings.Contains(page, word) {
			t.Errorf("%s: %d %s", what, status, page)
		}
	}
}

func TestDemoRefusesAGatewayThatItCannotPlay(t *testing.T) {
	for _, c := range []struct {
		args []string
		word string
	}{{[]string{"--gateway", "cash"}, "sandbox or stripe-fake"}, {[]string{"--gateway", "stripe-fake", "--data", t.TempDir()}, "leave out --data"}} {
		command := root()
		command.SetOut(&bytes.Buffer{})
		command.SetErr(&bytes.Buffer{})
		command.SetArgs(append([]string{"demo", "--addr", "127.0.0.1:0"}, c.args...))
		if err := command.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), c.word) {
			t.Errorf("%v: %v", c.args, err)
		}
	}
}
