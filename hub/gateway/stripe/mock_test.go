package stripe_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/gateway/stripe"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/payment"
)

// mockVersion is the stripe-mock whose specification is held against every
// request.
const mockVersion = "v0.183.0"

// mockBinary finds stripe-mock, or builds it for this test alone.
func mockBinary(t *testing.T) string {
	t.Helper()
	if path, err := exec.LookPath("stripe-mock"); err == nil {
		return path
	}
	if out, err := exec.CommandContext(t.Context(), "go", "env", "GOPATH").Output(); err == nil {
		path := filepath.Join(strings.TrimSpace(string(out)), "bin", "stripe-mock")
		if info, err := os.Stat(path); err == nil && info.Mode()&0o111 != 0 {
			return path
		}
	}
	folder := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, "go", "install", "github.com/stripe/stripe-mock@"+mockVersion)
	command.Env = append(os.Environ(), "GOBIN="+folder)
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("install stripe-mock: %v\n%s", err, out)
	}
	return filepath.Join(folder, "stripe-mock")
}

// startMock runs stripe-mock for this test and returns its address.
func startMock(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("stripe-mock is a server of its own; -short does without")
	}
	binary := mockBinary(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close()
	command := exec.Command(binary, "-http-addr", address, "-strict-version-check")
	said, err := os.Create(filepath.Join(t.TempDir(), "stripe-mock.log"))
	if err != nil {
		t.Fatal(err)
	}
	command.Stdout, command.Stderr = said, said
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
		_ = said.Close()
	})
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			_ = conn.Close()
			return "http://" + address
		}
		if time.Now().After(deadline) {
			log, _ := os.ReadFile(said.Name())
			t.Fatalf("stripe-mock does not answer at %s: %v\n%s", address, err, log)
		}
	}
}

// recorder passes requests on and keeps what was asked and answered.
type recorder struct {
	mu    sync.Mutex
	calls []call
}

type call struct {
	method, path, query, body, answer string
	header                            http.Header
	status                            int
}

func (r *recorder) RoundTrip(request *http.Request) (*http.Response, error) {
	kept := call{method: request.Method, path: request.URL.Path, query: request.URL.RawQuery, header: request.Header.Clone()}
	if request.Body != nil {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			return nil, err
		}
		kept.body = string(body)
		request.Body = io.NopCloser(bytes.NewReader(body))
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	response.Body = io.NopCloser(bytes.NewReader(answer))
	kept.status, kept.answer = response.StatusCode, string(answer)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, kept)
	return response, nil
}

func (r *recorder) take() []call {
	r.mu.Lock()
	defer r.mu.Unlock()
	calls := r.calls
	r.calls = nil
	return calls
}

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func fixed() time.Time { return noon }

// asksOf are all calls of the gateway, and the requests that each makes of Stripe.
func asksOf(g *stripe.Gateway, ctx context.Context) map[string]struct {
	run  func() error
	want []string
} {
	usd, eur := money.New(12500, "USD"), money.New(12500, "EUR")
	lines := []payment.CheckoutLine{{Vendor: "Northwind", Number: "INV-1", Amount: money.New(10000, "USD")},
		{Vendor: "Harbour", Number: "H-7", Amount: money.New(2500, "USD"), Note: "with a late fee of USD 5.00"}}
	checkout := func(amount money.Amount, method payment.MethodClass, lines []payment.CheckoutLine) error {
		_, err := g.Checkout(ctx, payment.CheckoutRequest{PaymentID: "p1", Key: "k-" + string(amount.Currency) + string(method), Amount: amount, Lines: lines, Method: method,
			PayerEmail: "ann@acme.example", ReturnURL: "https://hub.example/me", CancelURL: "https://hub.example/me/cancel", ExpiresAt: time.Now().Add(time.Hour)})
		return err
	}
	transfer := payment.TransferRequest{TransferID: "t1", Key: "kt", VendorID: "v1", AccountRef: "acct_1", SourceRef: "ch_1", PaymentRef: "cs_test_1", Amount: usd, Reference: "R-1", Since: noon}
	refund := payment.RefundRequest{RefundID: "r1", Key: "kr", PaymentRef: "cs_test_1", Amount: usd}
	reversal := payment.ReversalRequest{ReversalID: "x1", Key: "kx", TransferRef: "tr_1", Amount: usd}
	account := payment.AccountRequest{VendorID: "v1", Key: "ka", Name: "Northwind", Email: "books@northwind.example", Country: "US"}
	setup := payment.SetupRequest{SetupID: "s1", Key: "ks", CustomerID: "c1", Email: "ann@acme.example", Currency: "USD", ReturnURL: "https://hub.example/me", CancelURL: "https://hub.example/me", ExpiresAt: time.Now().Add(time.Hour)}
	known := setup
	known.PayerRef, known.Key = "cus_1", "ks2"
	charge := payment.ChargeRequest{PaymentID: "p2", Key: "kc", PayerRef: "cus_1", MethodRef: "pm_1", Method: payment.MethodCard, Amount: usd, Since: noon}
	debit := charge
	debit.Method, debit.Key = payment.MethodBankDebit, "kd"
	evidence := payment.EvidenceRequest{DisputeRef: "dp_1", Key: "ke", Text: "They ordered it.", AccessLog: "2026-11-02 viewed", Submit: true, Files: []payment.EvidenceFile{
		{Kind: "receipt", Name: "INV-1.pdf", ContentType: "application/pdf", Content: []byte("%PDF-1.4\n")},
		{Kind: "communication", Name: "mails.pdf", ContentType: "application/pdf", Content: []byte("%PDF-1.4\n")},
		{Kind: "receipt", Name: "INV-2.png", ContentType: "image/png", Content: []byte("\x89PNG\r\n")}}}
	session, intents := "/v1/checkout/sessions", "/v1/payment_intents"
	return map[string]struct {
		run  func() error
		want []string
	}{
		"checkout":               {func() error { return checkout(usd, payment.MethodAny, lines) }, []string{"POST " + session}},
		"checkout by card":       {func() error { return checkout(usd, payment.MethodCard, lines) }, []string{"POST " + session}},
		"checkout by ACH debit":  {func() error { return checkout(usd, payment.MethodBankDebit, lines) }, []string{"POST " + session}},
		"checkout by SEPA debit": {func() error { return checkout(eur, payment.MethodBankDebit, nil) }, []string{"POST " + session}},
		"checkout by Bacs debit": {func() error { return checkout(money.New(9900, "GBP"), payment.MethodBankDebit, nil) }, []string{"POST " + session}},
		"checkout by PAD":        {func() error { return checkout(money.New(9900, "CAD"), payment.MethodBankDebit, nil) }, []string{"POST " + session}},
		"checkout by BECS debit": {func() error { return checkout(money.New(9900, "AUD"), payment.MethodBankDebit, nil) }, []string{"POST " + session}},
		"look by session":        {func() error { _, err := g.Look(ctx, "cs_test_1"); return err }, []string{"GET " + session + "/cs_test_1"}},
		"look by intent":         {func() error { _, err := g.Look(ctx, "pi_1"); return err }, []string{"GET " + intents + "/pi_1"}},
		"close":                  {func() error { _, err := g.Close(ctx, "cs_test_1"); return err }, []string{"POST " + session + "/cs_test_1/expire"}},
		"transfer":               {func() error { _, err := g.Transfer(ctx, transfer); return err }, []string{"POST /v1/transfers"}},
		"find transfer":          {func() error { _, err := g.FindTransfer(ctx, transfer); return err }, []string{"GET /v1/transfers"}},
		"refund":                 {func() error { _, err := g.Refund(ctx, refund); return err }, []string{"GET " + session + "/cs_test_1"}},
		"refund by intent": {func() error {
			_, err := g.Refund(ctx, payment.RefundRequest{RefundID: "r2", Key: "kr2", PaymentRef: "pi_1", Amount: usd})
			return err
		}, []string{"POST /v1/refunds"}},
		"find refund": {func() error {
			_, err := g.FindRefund(ctx, payment.RefundRequest{RefundID: "r2", PaymentRef: "pi_1"})
			return err
		}, []string{"GET /v1/refunds"}},
		"reverse":       {func() error { _, err := g.Reverse(ctx, reversal); return err }, []string{"POST /v1/transfers/tr_1/reversals"}},
		"find reversal": {func() error { _, err := g.FindReversal(ctx, reversal); return err }, []string{"GET /v1/transfers/tr_1/reversals"}},
		"open account":  {func() error { _, err := g.OpenAccount(ctx, account); return err }, []string{"POST /v1/accounts"}},
		"find account":  {func() error { _, err := g.FindAccount(ctx, account); return err }, []string{"GET /v1/accounts"}},
		"account link": {func() error {
			_, err := g.AccountLink(ctx, "acct_1", "https://hub.example/a", "https://hub.example/b")
			return err
		}, []string{"POST /v1/account_links"}},
		"look at account":          {func() error { _, err := g.LookAccount(ctx, "acct_1"); return err }, []string{"GET /v1/accounts/acct_1"}},
		"countries":                {func() error { _, err := g.AccountCountries(ctx); return err }, []string{"GET /v1/account"}},
		"save method":              {func() error { _, err := g.SaveMethod(ctx, setup); return err }, []string{"POST /v1/customers", "POST " + session}},
		"save another method":      {func() error { _, err := g.SaveMethod(ctx, known); return err }, []string{"POST " + session}},
		"look at setup":            {func() error { _, err := g.LookSetup(ctx, "cs_test_1"); return err }, []string{"GET " + session + "/cs_test_1"}},
		"charge saved card":        {func() error { _, _, err := g.ChargeSaved(ctx, charge); return err }, []string{"GET /v1/payment_methods/pm_1", "POST " + intents}},
		"charge saved account":     {func() error { _, _, err := g.ChargeSaved(ctx, debit); return err }, []string{"GET /v1/payment_methods/pm_1", "POST " + intents}},
		"find charge":              {func() error { _, _, err := g.FindCharge(ctx, charge); return err }, []string{"GET " + intents}},
		"forget method":            {func() error { return g.ForgetMethod(ctx, "pm_1") }, []string{"POST /v1/payment_methods/pm_1/detach"}},
		"look at dispute":          {func() error { _, err := g.LookDispute(ctx, "dp_1"); return err }, []string{"GET /v1/disputes/dp_1"}},
		"evidence":                 {func() error { _, err := g.SendEvidence(ctx, evidence); return err }, []string{"POST /v1/files", "POST /v1/files", "POST /v1/files", "POST /v1/disputes/dp_1"}},
		"payouts":                  {func() error { _, _, err := g.ListPayouts(ctx, "acct_1", noon, ""); return err }, []string{"GET /v1/payouts"}},
		"payouts, the next page":   {func() error { _, _, err := g.ListPayouts(ctx, "acct_1", noon, "po_1"); return err }, []string{"GET /v1/payouts"}},
		"what a payout is made of": {func() error { _, _, err := g.PayoutLines(ctx, "acct_1", "po_1", "txn_1"); return err }, []string{"GET /v1/balance_transactions"}},
	}
}

// TestStripeMockTakesEveryRequest holds every request of the gateway against
// Stripe's specification of its API: names, types, enumerations and expansions.
// What comes back are examples without a state, so only the shape is judged.
func TestStripeMockTakesEveryRequest(t *testing.T) {
	base := startMock(t)
	wire := &recorder{}
	g, err := stripe.New(stripe.Config{Key: "sk_test_123", WebhookSecrets: []string{"whsec_1"}, APIBase: base, HTTPClient: &http.Client{Transport: wire}, Now: fixed})
	if err != nil {
		t.Fatal(err)
	}
	for name, ask := range asksOf(g, t.Context()) {
		said := ask.run()
		calls := wire.take()
		var asked []string
		for _, call := range calls {
			asked = append(asked, call.method+" "+call.path)
			if call.status >= 400 {
				t.Errorf("%s: %s %s?%s\n%s\nwas refused: %d %s", name, call.method, call.path, call.query, call.body, call.status, call.answer)
			}
			judgeHeaders(t, name, call)
		}
		for _, want := range ask.want {
			if !slices.Contains(asked, want) {
				t.Errorf("%s: asked for %q and not for %q (%v)", name, asked, want, said)
			}
		}
		if len(asked) < len(ask.want) {
			t.Errorf("%s: asked for %q, want %q (%v)", name, asked, ask.want, said)
		}
	}
	judgesNothing(t, base)
}

// judgesNothing fails when stripe-mock takes what there is not.
func judgesNothing(t *testing.T, base string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/v1/checkout/sessions", strings.NewReader("mode=payment&no_such=1"))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer sk_test_123")
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode < 400 {
		t.Errorf("stripe-mock took a parameter that there is not: it judges nothing")
	}
}

// primed answers some paths itself, so that the gateway comes to ask what it asks
// only then; the rest goes on.
type primed struct {
	answers map[string]string // by method and path
	next    http.RoundTripper
}

func (p primed) RoundTrip(request *http.Request) (*http.Response, error) {
	body, known := p.answers[request.Method+" "+request.URL.Path]
	if !known {
		return p.next.RoundTrip(request)
	}
	status := 200
	if strings.Contains(body, `"error"`) {
		status = 400
	}
	return answered(request, status, body), nil
}

// TestStripeMockTakesWhatIsAskedLater does the same for the requests that depend
// on a state.
func TestStripeMockTakesWhatIsAskedLater(t *testing.T) {
	base := startMock(t)
	const charge = `{"id":"ch_1","object":"charge","status":"%s","disputed":true,"balance_transaction":{"id":"txn_1","currency":"usd","fee":5},` +
		`"refunds":{"object":"list","has_more":true,"data":[]},"payment_method_details":{"type":"card","card":{"brand":"visa","last4":"4242"}}}`
	intent := `{"id":"pi_1","object":"payment_intent","status":"%s","amount_received":100,"currency":"usd","latest_charge":` + charge + `}`
	answers := map[string]string{
		"GET /v1/payment_intents/pi_1":           fmt.Sprintf(intent, "succeeded", "succeeded"),
		"GET /v1/checkout/sessions/cs_open":      fmt.Sprintf(`{"id":"cs_open","object":"checkout.session","mode":"payment","status":"open","payment_intent":`+intent+`}`, "requires_payment_method", "failed"),
		"POST /v1/payment_methods/pm_1/detach":   problem("invalid_request_error", "", "not attached"),
		"GET /v1/balance_transactions":           `{"object":"list","has_more":false,"data":[{"id":"txn_1","type":"payment_refund","currency":"usd","amount":-5,"source":{"id":"pyr_1","object":"refund","charge":"py_1"}}]}`,
		"GET /v1/checkout/sessions/cs_paid":      `{"id":"cs_paid","object":"checkout.session","mode":"payment","status":"complete","payment_intent":"pi_7"}`,
		"POST /v1/checkout/sessions/cs_1/expire": problem("invalid_request_error", "", "not open"),
	}
	wire := &recorder{}
	g, err := stripe.New(stripe.Config{Key: "sk_test_123", WebhookSecrets: []string{"whsec_1"}, APIBase: base, HTTPClient: &http.Client{Transport: primed{answers, wire}}, Now: fixed})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	for name, ask := range map[string]struct {
		run  func() error
		want []string
	}{
		"a payment with refunds and disputes": {func() error { _, err := g.Look(ctx, "pi_1"); return err }, []string{"GET /v1/refunds", "GET /v1/disputes"}},
		"an open page with a decline":         {func() error { _, err := g.Look(ctx, "cs_open"); return err }, []string{"GET /v1/charges"}},
		"a method that is gone":               {func() error { return g.ForgetMethod(ctx, "pm_1") }, []string{"GET /v1/payment_methods/pm_1"}},
		"a reversal in a payout":              {func() error { _, _, err := g.PayoutLines(ctx, "acct_1", "po_1", ""); return err }, []string{"GET /v1/charges/py_1"}},
		"a refund by the page": {func() error {
			_, err := g.Refund(ctx, payment.RefundRequest{RefundID: "r", Key: "k", PaymentRef: "cs_paid", Amount: money.New(5, "USD")})
			return err
		}, []string{"POST /v1/refunds"}},
		"closing what is not open": {func() error { _, err := g.Close(ctx, "cs_1"); return err }, []string{"GET /v1/checkout/sessions/cs_1"}},
	} {
		said := ask.run()
		var asked []string
		for _, call := range wire.take() {
			asked = append(asked, call.method+" "+call.path)
			if call.status >= 400 {
				t.Errorf("%s: %s %s?%s was refused: %d %s", name, call.method, call.path, call.query, call.status, call.answer)
			}
			if want := strings.HasPrefix(call.path, "/v1/charges/py_"); (call.header.Get("Stripe-Account") == "acct_1") != want {
				t.Errorf("%s: %s for account %q", name, call.path, call.header.Get("Stripe-Account"))
			}
		}
		for _, want := range ask.want {
			if !slices.Contains(asked, want) {
				t.Errorf("%s: asked for %q and not for %q (%v)", name, asked, want, said)
			}
		}
	}
}

func judgeHeaders(t *testing.T, name string, call call) {
	t.Helper()
	if call.header.Get("Stripe-Version") != stripe.APIVersion || call.header.Get("Authorization") != "Bearer sk_test_123" {
		t.Errorf("%s: version %q", name, call.header.Get("Stripe-Version"))
	}
	if call.method == http.MethodPost && call.header.Get("Idempotency-Key") == "" {
		t.Errorf("%s: %s %s has no key", name, call.method, call.path)
	}
	if call.header.Get("X-Stripe-Client-Telemetry") != "" {
		t.Errorf("%s: sends telemetry", name)
	}
	onAccount := strings.HasPrefix(call.path, "/v1/payouts") || strings.HasPrefix(call.path, "/v1/balance_transactions")
	if (call.header.Get("Stripe-Account") != "") != onAccount {
		t.Errorf("%s: %s for account %q", name, call.path, call.header.Get("Stripe-Account"))
	}
}
