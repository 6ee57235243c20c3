package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/recover"
	"github.com/gofiber/fiber/v2/middleware/requestid"
	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/cases"
	"github.com/sheaf-hub/sheaf/hub/intake"
	"github.com/sheaf-hub/sheaf/hub/ledger"
	"github.com/sheaf-hub/sheaf/hub/mail"
	"github.com/sheaf-hub/sheaf/hub/mail/letter"
	"github.com/sheaf-hub/sheaf/hub/notify/outbound"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/hub/store/storetest"
	"github.com/sheaf-hub/sheaf/web/api"
)

// route is one line of the list that routes.go repeats.
type route struct {
	method, path string
	handler      func(*api.Handlers) fiber.Handler
	open         bool // needs no key
}

func routes() []route {
	return []route{
		{"PUT", "/api/v1/accounts", func(h *api.Handlers) fiber.Handler { return h.PutAccounts }, false},
		{"PUT", "/api/v1/invoices", func(h *api.Handlers) fiber.Handler { return h.PutInvoices }, false},
		{"PUT", "/api/v1/credits", func(h *api.Handlers) fiber.Handler { return h.PutCredits }, false},
		{"GET", "/api/v1/invoices", func(h *api.Handlers) fiber.Handler { return h.GetInvoices }, false},
		{"GET", "/api/v1/credits", func(h *api.Handlers) fiber.Handler { return h.GetCredits }, false},
		{"GET", "/api/v1/payments", func(h *api.Handlers) fiber.Handler { return h.GetPayments }, false},
		{"PATCH", "/api/v1/payments/:id", func(h *api.Handlers) fiber.Handler { return h.PatchPayment }, false},
		{"POST", "/api/v1/payments/:id/refunds", func(h *api.Handlers) fiber.Handler { return h.PostRefund }, false},
		{"GET", "/api/v1/payments/:id/refunds", func(h *api.Handlers) fiber.Handler { return h.GetRefunds }, false},
		{"GET", "/api/v1/cases", func(h *api.Handlers) fiber.Handler { return h.GetCases }, false},
		{"GET", "/api/v1/cases/:id", func(h *api.Handlers) fiber.Handler { return h.GetCase }, false},
		{"POST", "/api/v1/cases/:id/messages", func(h *api.Handlers) fiber.Handler { return h.PostCaseMessage }, false},
		{"PATCH", "/api/v1/cases/:id", func(h *api.Handlers) fiber.Handler { return h.PatchCase }, false},
		{"GET", "/api/v1/events", func(h *api.Handlers) fiber.Handler { return h.GetEvents }, false},
		{"GET", "/api/v1/deliveries", func(h *api.Handlers) fiber.Handler { return h.GetDeliveries }, false},
		{"POST", "/api/v1/deliveries/:id/replay", func(h *api.Handlers) fiber.Handler { return h.PostDeliveryReplay }, false},
		{"GET", "/api/v1/webhook-endpoints", func(h *api.Handlers) fiber.Handler { return h.GetWebhookEndpoints }, false},
		{"PUT", "/api/v1/webhook-endpoints", func(h *api.Handlers) fiber.Handler { return h.PutWebhookEndpoint }, false},
		{"DELETE", "/api/v1/webhook-endpoints/:id", func(h *api.Handlers) fiber.Handler { return h.DeleteWebhookEndpoint }, false},
		{"GET", "/api/openapi.json", func(h *api.Handlers) fiber.Handler { return h.OpenAPI }, true},
		{"GET", "/api/docs", func(h *api.Handlers) fiber.Handler { return h.Docs }, true},
	}
}

type letters struct{}

func (letters) CaseUpdate(update letter.CaseUpdate) (letter.Rendered, error) {
	return letter.Rendered{Subject: "About " + update.Invoice, Text: update.Message}, nil
}

// noGateway is for payments by credits alone.
type noGateway struct{ payment.Gateway }

func (noGateway) Name() string { return "none" }

// hub is the API on a fresh database, with two vendors and a key for each.
type hub struct {
	t                *testing.T
	handlers         *api.Handlers
	app              *fiber.App
	mu               sync.Mutex
	now              time.Time
	north, south     party.Vendor
	northKey, keyOfS string
}

const northSecret = "whsec_bm9ydGggZnJlaWdodCBzZWNyZXQgZm9yIHRlc3Rz"

func each(t *testing.T, run func(t *testing.T, h *hub)) {
	storetest.Each(t, func(t *testing.T, db *store.DB) { run(t, newHub(t, db)) })
}

func newHub(t *testing.T, db *store.DB) *hub {
	t.Helper()
	sealer, err := store.NewSealer(store.NewSealKey())
	if err != nil {
		t.Fatal(err)
	}
	client, err := outbound.New(outbound.Config{})
	if err != nil {
		t.Fatal(err)
	}
	h := &hub{t: t, now: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	parties := &party.Service{DB: db, Sealer: sealer, Now: h.clock}
	box := &outbox.Service{DB: db, Sealer: sealer, Now: h.clock}
	guard := &access.Service{DB: db, Sealer: sealer, Outbox: box, PublicURL: "https://hub.example", Now: h.clock}
	bills := &billing.Service{DB: db, Party: parties, Now: h.clock}
	h.handlers = &api.Handlers{DB: db, Access: guard, Party: parties, Billing: bills, Outbox: box, CheckURL: client.CheckURL, Log: log, Now: h.clock,
		Cases: &cases.Service{DB: db, Party: parties, Billing: bills, Access: guard, Outbox: box, Letters: letters{},
			From: mail.Address{Email: "hub@hub.example"}, PublicURL: "https://hub.example", Now: h.clock},
		Payment: &payment.Service{DB: db, Party: parties, Billing: bills, Ledger: &ledger.Service{DB: db, Now: h.clock}, Outbox: box,
			Access: guard, Gateway: noGateway{}, PublicURL: "https://hub.example", Now: h.clock},
		Intake: &intake.Service{DB: db, Party: parties, Access: guard, Billing: bills, Outbox: box, Sealer: sealer, Log: log, Now: h.clock}}
	h.north, h.northKey = h.vendor("North Freight", northSecret)
	h.south, h.keyOfS = h.vendor("South Paper", "whsec_c291dGggcGFwZXIgc2VjcmV0IGZvciB0ZXN0cyE=")
	h.app = h.serve()
	return h
}

// serve builds the app as package web does.
func (h *hub) serve() *fiber.App {
	app := fiber.New(fiber.Config{ErrorHandler: h.handlers.Error, BodyLimit: api.MaxBody + 1<<20, DisableStartupMessage: true})
	app.Use(requestid.New(), recover.New())
	for _, route := range routes() {
		if route.open {
			app.Add(route.method, route.path, route.handler(h.handlers))
		} else {
			app.Add(route.method, route.path, h.handlers.Authenticate, route.handler(h.handlers))
		}
	}
	app.Get("/api/panics", func(*fiber.Ctx) error { panic("secret detail") })
	return app
}

func (h *hub) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *hub) pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

func (h *hub) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *hub) vendor(name, secret string) (party.Vendor, string) {
	h.t.Helper()
	var vendor party.Vendor
	err := h.handlers.DB.InTx(context.Background(), func(ctx context.Context, tx bun.Tx) error {
		var err error
		vendor, err = h.handlers.Party.AddVendorTx(ctx, tx, party.Profile{Name: name, Email: "ar@vendor.example"}, party.VendorApproved, secret)
		return err
	})
	h.must(err)
	key, _, err := h.handlers.Access.NewAPIKey(context.Background(), vendor.ID, "ERP", access.SystemActor("test"))
	h.must(err)
	return vendor, key
}

// answer is a response with its body read.
type answer struct {
	status int
	header http.Header
	body   []byte
	t      *testing.T
}

// call asks with a key and holds the answer to the description.
func (h *hub) call(method, path, key, body string, headers ...string) answer {
	h.t.Helper()
	request := httptest.NewRequest(method, path, strings.NewReader(body))
	if key != "" {
		request.Header.Set("Authorization", "Bearer "+key)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := h.app.Test(request, -1)
	h.must(err)
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	h.must(err)
	got := answer{status: response.StatusCode, header: response.Header, body: content, t: h.t}
	conforms(h.t, method, path, got)
	return got
}

func (a answer) into(value any) {
	a.t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(a.body))
	if err := decoder.Decode(value); err != nil {
		a.t.Fatalf("%v in %s", err, a.body)
	}
}

func (a answer) want(status int) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("status %d, want %d: %s", a.status, status, a.body)
	}
	return a
}

// problem wants a problem of that status whose text holds all words.
func (a answer) problem(status int, words ...string) api.Problem {
	a.t.Helper()
	a.want(status)
	var problem api.Problem
	a.into(&problem)
	if a.header.Get("Content-Type") != api.ProblemType || problem.Status != status || problem.Title == "" || problem.Detail == "" || problem.Instance == "" {
		a.t.Errorf("not a problem: %s %s", a.header.Get("Content-Type"), a.body)
	}
	for _, word := range words {
		if !strings.Contains(string(a.body), word) {
			a.t.Errorf("%q is not in %s", word, a.body)
		}
	}
	return problem
}

// bulk is the answer of the bulk calls.
type bulk struct {
	Created, Updated, Unchanged int
	Rejected                    []struct {
		Index      int
		ExternalID string `json:"external_id"`
		Problems   []struct{ Pointer, Message string }
	}
}

func (h *hub) put(key, path, body string) bulk {
	h.t.Helper()
	var got bulk
	h.call("PUT", path, key, body).want(200).into(&got)
	return got
}

const (
	acme   = `{"accounts":[{"external_id":"C-104","name":"Acme Ltd","terms":"Net 30","credit_limit":"50000.00","currency":"USD","contacts":[{"email":"ap@acme.example","name":"Ann","role":"payables"}]}]}`
	first  = `{"invoices":[{"external_id":"INV-1","number":"INV-1","account":"C-104","issued_on":"2026-11-01","due_on":"2026-12-01","currency":"USD","total":"125.00","open":"125.00","purchase_order":"PO-7","status":"open","documents":[{"name":"INV-1.pdf","content_type":"application/pdf","content_base64":"JVBERi0="}]}]}`
	credit = `{"credits":[{"external_id":"CR-1","number":"CR-1","account":"C-104","currency":"USD","total":"40.00","open":"40.00"}]}`
)

// filled brings one account, one invoice and one credit of North in.
func (h *hub) filled() {
	h.t.Helper()
	h.put(h.northKey, "/api/v1/accounts", acme)
	h.put(h.northKey, "/api/v1/invoices", first)
	h.put(h.northKey, "/api/v1/credits", credit)
}

// paid pays 40.00 of INV-1 with CR-1 and answers the share's id.
func (h *hub) paid() string {
	h.t.Helper()
	ctx := context.Background()
	contact, err := h.handlers.Party.ContactByEmail(ctx, "ap@acme.example")
	h.must(err)
	payer := payment.Payer{Contact: contact, Viewer: billing.Viewer{CustomerID: contact.CustomerID}}
	items, _, err := h.handlers.Billing.OpenItems(ctx, payer.Viewer, "")
	h.must(err)
	credits, err := h.handlers.Billing.OpenCredits(ctx, payer.Viewer)
	h.must(err)
	quote, err := h.handlers.Payment.Quote(ctx, payer, payment.Selection{Invoices: []payment.Wish{{InvoiceID: items[0].ID, Amount: "40.00"}}, Credits: []string{credits[0].ID}})
	h.must(err)
	started, err := h.handlers.Payment.Start(ctx, payer, quote.ID, quote.Hash, "USD")
	h.must(err)
	if started.Payment.Status != payment.Settled {
		h.t.Fatalf("%+v", started.Payment)
	}
	views, _, err := h.handlers.Payment.ListForVendor(ctx, h.north.ID, time.Time{}, store.PageRequest{})
	h.must(err)
	return views[0].ID
}
