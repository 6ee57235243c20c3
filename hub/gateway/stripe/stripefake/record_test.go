package stripefake_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/gateway/stripe/stripefake"
)

// TestEveryEndpoint asks for each endpoint as the gateway does. Where
// STRIPE_MOCK names the binary of stripe-mock, that one is asked the same, and
// the answers must have the same fields.
func TestEveryEndpoint(t *testing.T) {
	w := newWorld(t)
	w.Record(true)
	everything(t, w)
	endpoints := map[string]bool{}
	for _, e := range w.Exchanges() {
		if e.Status != http.StatusOK {
			t.Errorf("%s %s: %d %s", e.Method, e.Path, e.Status, e.Body)
		}
		parts := strings.Split(e.Path, "/")
		endpoints[e.Method+" "+parts[2]+fmt.Sprint(len(parts))] = true
	}
	if len(endpoints) < 30 {
		t.Errorf("only %d endpoints were asked: %v", len(endpoints), endpoints)
	}
	if binary := os.Getenv("STRIPE_MOCK"); binary != "" {
		for _, problem := range stripefake.Replay(t.Context(), http.DefaultClient, startMock(t, binary), w.Exchanges()) {
			t.Error(problem)
		}
	}
}

// startMock starts stripe-mock on a free port and waits until it answers.
func startMock(t *testing.T, binary string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	ctx, cancel := context.WithCancel(context.Background())
	command := exec.CommandContext(ctx, binary, "-http-addr", address, "-strict-version-check")
	if err := command.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = command.Wait() })
	for range 100 {
		if connection, err := net.Dial("tcp", address); err == nil {
			connection.Close()
			return "http://" + address
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("stripe-mock does not answer")
	return ""
}

// TestReplay plays a stripe-mock that differs.
func TestReplay(t *testing.T) {
	w := newWorld(t)
	w.Record(true)
	w.customer()
	if _, err := w.api.Balance.Get(nil); err != nil {
		t.Fatal(err)
	}
	w.Record(false)
	w.customer()
	if n := len(w.Exchanges()); n != 2 {
		t.Fatalf("%d exchanges were recorded", n)
	}
	mock := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Header.Get("Stripe-Version") != "2023-10-16" || !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer sk_test_") {
			http.Error(rw, "no key", http.StatusUnauthorized)
			return
		}
		if r.URL.Path == "/v1/balance" {
			fmt.Fprint(rw, `{"object":"balance","available":[{"amount":"0","currency":"usd","source_types":{}}],"pending":[],"livemode":false,"instant_available":[]}`)
			return
		}
		http.Error(rw, "unknown parameter in "+string(body), http.StatusBadRequest)
	}))
	defer mock.Close()
	problems := stripefake.Replay(t.Context(), mock.Client(), mock.URL, w.Exchanges())
	for _, words := range []string{
		"POST /v1/customers is refused with 400: unknown parameter in email=ap%40acme.example",
		"GET /v1/balance → lacks instant_available",
		"GET /v1/balance → has connect_reserved, which is not there",
		"GET /v1/balance → available[0] amount is float64, there string",
	} {
		if !slices.ContainsFunc(problems, func(p string) bool { return strings.HasPrefix(p, words) }) {
			t.Errorf("it does not say %q but\n%s", words, strings.Join(problems, "\n"))
		}
	}
	if len(problems) != 4 {
		t.Errorf("%d problems, want 4", len(problems))
	}
}
