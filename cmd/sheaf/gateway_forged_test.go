package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/gateway/stripe/stripefake"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/web"
)

// gate is the whole server with a Stripe behind it, whose clock the test moves.
type gate struct {
	t    *testing.T
	a    *app
	web  *fiber.App
	fake *stripefake.Fake
	now  time.Time
}

const platformSecret = "whsec_platform"

// newGate has a vendor whose account was opened and made ready: messages of it
// have something to change.
func newGate(t *testing.T, live bool) *gate {
	t.Helper()
	g := &gate{t: t, now: time.Now().UTC().Truncate(time.Second)}
	clock := func() time.Time { return g.now }
	key := "sk_test_fake"
	g.fake = stripefake.New(stripefake.Config{Now: clock, Key: key, Live: live})
	server := httptest.NewServer(g.fake)
	t.Cleanup(server.Close)
	var err error
	if g.a, err = openApp(t.Context(), stripeSettings(t, server.URL), io.Discard, clock); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.a.close)
	g.web = web.New(g.a.webDeps(nil))
	return g
}

func (g *gate) ask(request *http.Request) (int, string) {
	g.t.Helper()
	response, err := g.web.Test(request, 20_000)
	if err != nil {
		g.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

func (g *gate) send(payload []byte, signature string) int {
	g.t.Helper()
	request := httptest.NewRequest(http.MethodPost, "/webhooks/stripe", bytes.NewReader(payload))
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	if signature != "" {
		request.Header.Set("Stripe-Signature", signature)
	}
	status, _ := g.ask(request)
	return status
}

// counted is what the metrics say of a result.
func (g *gate) counted(result string) string {
	g.t.Helper()
	_, figures := g.ask(httptest.NewRequest(http.MethodGet, "/metrics", nil))
	start := fmt.Sprintf("sheaf_gateway_hooks_total{result=%q} ", result)
	for _, line := range strings.Split(figures, "\n") {
		if figure, found := strings.CutPrefix(line, start); found {
			return figure
		}
	}
	return ""
}

// everything is all that the database holds, table by table and row by row.
func (g *gate) everything() map[string]string {
	g.t.Helper()
	var tables []string
	if err := g.a.db.NewRaw(`SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`).Scan(g.t.Context(), &tables); err != nil {
		g.t.Fatal(err)
	}
	all := make(map[string]string, len(tables))
	for _, table := range tables {
		var rows []map[string]any
		if err := g.a.db.NewRaw(`SELECT * FROM `+table+` ORDER BY rowid`).Scan(g.t.Context(), &rows); err != nil {
			g.t.Fatalf("%s: %v", table, err)
		}
		all[table] = fmt.Sprintf("%d rows: %v", len(rows), rows)
	}
	if len(all) < 30 {
		g.t.Fatalf("only %d tables were looked at", len(all))
	}
	return all
}

func (g *gate) unchanged(before map[string]string, what string) {
	g.t.Helper()
	after := g.everything()
	for table, rows := range after {
		if before[table] != rows {
			g.t.Errorf("%s: %s was %s and is %s", what, table, before[table], rows)
		}
	}
}

// shut is what Stripe says when a vendor's account, which is ready here, has been
// shut: a message that changes something whenever it is believed.
func (g *gate) shut() stripefake.Signed {
	g.t.Helper()
	ctx := context.Background()
	boss := access.Actor{Kind: access.KindOperator, ID: "boss", Name: "Operator"}
	added, err := g.a.enroll(ctx, boss, party.Profile{Name: "North", Email: "ar@north.example"}, party.VendorApproved)
	if err != nil {
		g.t.Fatal(err)
	}
	if _, err := g.a.payment.StartOnboarding(ctx, boss, added.Vendor.ID, "US"); err != nil {
		g.t.Fatal(err)
	}
	ref := g.fake.Accounts()[0].ID
	if err := g.fake.SetAccount(ref, stripefake.Ready); err != nil {
		g.t.Fatal(err)
	}
	if err := g.a.payment.RefreshAccount(ctx, added.Vendor.ID); err != nil {
		g.t.Fatal(err)
	}
	endpoint := g.fake.AddEndpoint(stripefake.Endpoint{Secret: "whsec_connect", Connect: true})
	if err := g.fake.SetAccount(ref, stripefake.Restricted); err != nil {
		g.t.Fatal(err)
	}
	return g.fake.Take(endpoint, 1)[0]
}

// TestWhatIsNotStripesChangesNothing sends what an attacker, a wrong endpoint and
// a slow network can send: no row of any table changes, and each is counted.
func TestWhatIsNotStripesChangesNothing(t *testing.T) {
	g := newGate(t, false)
	good := g.shut()
	sign := func(payload []byte, secret string) string { return stripefake.Signature(payload, secret, g.now) }
	swapped := func(old, fresh string) []byte {
		payload := bytes.Replace(good.Payload, []byte(old), []byte(fresh), 1)
		if bytes.Equal(payload, good.Payload) {
			t.Fatalf("the message has no %s", old)
		}
		return payload
	}
	otherVersion, liveMode := swapped(`"api_version":"2023-10-16"`, `"api_version":"2024-06-20"`), swapped(`"livemode":false`, `"livemode":true`)
	past, future := g.now.Add(-6*time.Minute), g.now.Add(6*time.Minute)
	cases := []struct {
		what, result string
		payload      []byte
		signature    string
	}{
		{"no signature", "unsigned", good.Payload, ""},
		{"no content", "unsigned", nil, good.Signature},
		{"neither", "unsigned", nil, ""},
		{"words for a signature", "unsigned", good.Payload, "please"},
		{"no scheme of ours", "forged", good.Payload, strings.ReplaceAll(good.Signature, "v1=", "v0=")},
		{"an empty secret", "forged", good.Payload, sign(good.Payload, "")},
		{"a guessed secret", "forged", good.Payload, sign(good.Payload, "whsec_guess")},
		{"altered afterwards", "forged", swapped(`"account.updated"`, `"account.deleted"`), good.Signature},
		{"signed for something else", "forged", good.Payload, sign([]byte("{}"), platformSecret)},
		{"a later time put in", "forged", good.Payload, strings.Replace(good.Signature, fmt.Sprint(g.now.Unix()), fmt.Sprint(g.now.Unix()+1), 1)},
		{"a good one of six minutes ago", "stale", good.Payload, stripefake.Signature(good.Payload, "whsec_connect", past)},
		{"one from the future", "stale", good.Payload, stripefake.Signature(good.Payload, "whsec_connect", future)},
		{"another API version", "wrong version", otherVersion, sign(otherVersion, platformSecret)},
		{"a live event with a test key", "wrong mode", liveMode, sign(liveMode, platformSecret)},
		{"no event", "unreadable", []byte("{}"), sign([]byte("{}"), platformSecret)},
		{"no JSON", "unreadable", []byte("\x00\xff"), sign([]byte("\x00\xff"), platformSecret)},
	}
	before, times := g.everything(), map[string]int{}
	for _, c := range cases {
		if status := g.send(c.payload, c.signature); status != http.StatusBadRequest {
			t.Errorf("%s: %d", c.what, status)
		}
		times[c.result]++
		if got := g.counted(c.result); got != fmt.Sprint(times[c.result]) {
			t.Errorf("%s: %s messages are counted as %s, and should be %d", c.what, got, c.result, times[c.result])
		}
		g.unchanged(before, c.what)
	}
	if g.counted("handled") != "0" || g.counted("failed") != "0" {
		t.Errorf("handled %s, failed %s", g.counted("handled"), g.counted("failed"))
	}
	g.replay(good, before)
}

// replay: the true message is taken once; again in time it changes nothing but
// is answered like the first, and later it is stale.
func (g *gate) replay(good stripefake.Signed, before map[string]string) {
	g.t.Helper()
	if status := g.send(good.Payload, good.Signature); status != http.StatusOK {
		g.t.Fatalf("the true message: %d", status)
	}
	taken := g.everything()
	if taken["payout_accounts"] == before["payout_accounts"] || !strings.HasPrefix(taken["gateway_events"], "1 rows") {
		g.t.Fatalf("the true message changed nothing, so nothing is proven: %s", taken["gateway_events"])
	}
	if status := g.send(good.Payload, good.Signature); status != http.StatusOK || g.counted("handled") != "2" {
		g.t.Errorf("replayed in time: %d, handled %s", status, g.counted("handled"))
	}
	g.unchanged(taken, "replayed in time")
	g.now = g.now.Add(6 * time.Minute)
	if status := g.send(good.Payload, good.Signature); status != http.StatusBadRequest || g.counted("stale") != "3" {
		g.t.Errorf("replayed late: %d, stale %s", status, g.counted("stale"))
	}
	g.unchanged(taken, "replayed late")
}

// TestALiveMessageMeetsATestKey: true to the last letter, and still not of this hub's mode.
func TestALiveMessageMeetsATestKey(t *testing.T) {
	g := newGate(t, true)
	endpoint := g.fake.AddEndpoint(stripefake.Endpoint{Secret: platformSecret, Connect: true})
	if _, err := g.fake.NewAccount("US", "Northwind"); err != nil {
		t.Fatal(err)
	}
	message, before := g.fake.Take(endpoint, 1)[0], g.everything()
	if status := g.send(message.Payload, message.Signature); status != http.StatusBadRequest || g.counted("wrong mode") != "1" {
		t.Errorf("%d, counted %s", status, g.counted("wrong mode"))
	}
	g.unchanged(before, "a live message")
}
