package quickbooks

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"github.com/sheaf-hub/sheaf/hub/money"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/connectortest"
	"github.com/sheaf-hub/sheaf/vendor-connectors/quickbooks/quickbooksfake"
	"github.com/sheaf-hub/sheaf/vendor-connectors/signin"
)

// clock is the hub's and, but for a skew, QuickBooks'.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// tokens keeps one token, as the hub does.
type tokens struct {
	mu   sync.Mutex
	kept connectors.Token
}

func (s *tokens) Token(context.Context) (connectors.Token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.kept, nil
}

func (s *tokens) Replace(_ context.Context, was, next connectors.Token) (connectors.Token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kept == was {
		s.kept = next
	}
	return s.kept, nil
}

// world is a fake QuickBooks, served over HTTP, and a connector on it.
type world struct {
	fake   *quickbooksfake.Fake
	clock  *clock
	tokens *tokens
	app    signin.App
	deps   connectors.Deps
	api    string
	client *Client

	mu   sync.Mutex
	seen []quickbooksfake.Exchange
}

// testPage is how many records the tests read at once.
const testPage = 4

// newWorld makes one. Without limits given there are none; the connector's own are
// off, so that tests need not wait for them.
func newWorld(t *testing.T, cfg quickbooksfake.Config) *world {
	t.Helper()
	w := &world{clock: &clock{now: time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)}, tokens: &tokens{}}
	cfg.Now = w.clock.Now
	cfg.Watch = func(one quickbooksfake.Exchange) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.seen = append(w.seen, one)
	}
	if cfg.Limits == (quickbooksfake.Limits{}) {
		cfg.Limits = quickbooksfake.Limits{AtOnce: -1, Minute: -1}
	}
	w.fake = quickbooksfake.New(cfg)
	server := httptest.NewServer(w.fake)
	transport := &http.Transport{}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		w.fake.Close()
		server.CloseClientConnections()
		server.Close()
	})
	w.api = server.URL
	w.app = App("hub", "secret")
	w.app.AuthorizeURL, w.app.TokenURL = server.URL+"/connect/oauth2", server.URL+"/oauth2/v1/tokens/bearer"
	access, refresh, ends := w.fake.SignIn()
	w.tokens.kept = connectors.Token{Access: access, Refresh: refresh, ExpiresAt: ends}
	w.deps = connectors.Deps{Tokens: w.tokens, Now: w.clock.Now, HTTP: &http.Client{Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	w.client = w.connect(t, nil)
	return w
}

// connect makes another connector on the same books.
func (w *world) connect(t *testing.T, settings map[string]string) *Client {
	t.Helper()
	all := map[string]string{settingCompany: w.fake.Company(), connectors.PaymentAccount: quickbooksfake.BankAccount,
		connectors.ClearingAccount: quickbooksfake.ClearingAccount, settingDiscount: "Income:" + quickbooksfake.DiscountAccount}
	for name, value := range settings {
		all[name] = value
	}
	client, err := (&Server{App: w.app, API: w.api}).connect(all, w.deps)
	if err != nil {
		t.Fatal(err)
	}
	client.limits.rate.SetLimit(rate.Inf)
	client.timeout, client.pageSize = 2*time.Second, testPage
	return client
}

// exchanges are the calls so far.
func (w *world) exchanges() []quickbooksfake.Exchange {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.seen)
}

func amount(t *testing.T, currency, text string) money.Amount {
	t.Helper()
	parsed, err := money.Parse(text, money.Currency(currency))
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func (w *world) invoice(t *testing.T, customer, currency, total string) string {
	t.Helper()
	id, err := w.fake.AddInvoice(customer, amount(t, currency, total))
	must(t, err)
	return id
}

func (w *world) credit(t *testing.T, customer, currency, total string) string {
	t.Helper()
	id, err := w.fake.AddCredit(customer, amount(t, currency, total))
	must(t, err)
	return creditPrefix + id
}

func (w *world) open(t *testing.T, id string) money.Amount {
	t.Helper()
	left, ok := w.fake.Open(strings.TrimPrefix(id, creditPrefix))
	if !ok {
		t.Fatalf("there is no %s", id)
	}
	return left
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// books are the fake's hands as the contract wants them.
type books struct{ *world }

func (b books) Invoice(t *testing.T, account, currency, total string) string {
	t.Helper()
	return b.invoice(t, account, currency, total)
}

func (b books) Credit(t *testing.T, account, currency, total string) string {
	t.Helper()
	return b.credit(t, account, currency, total)
}

func (b books) Change(t *testing.T, invoice string) {
	t.Helper()
	must(t, b.fake.Redate(invoice, "2027-03-31"))
}

func (b books) Pay(t *testing.T, invoice, text string) {
	t.Helper()
	_, err := b.fake.Receive(invoice, amount(t, string(b.open(t, invoice).Currency), text), "")
	must(t, err)
}

func (b books) Void(t *testing.T, invoice string) bool {
	t.Helper()
	must(t, b.fake.Void(invoice))
	return true
}

func (b books) Delete(t *testing.T, invoice string) bool {
	t.Helper()
	must(t, b.fake.Delete(invoice))
	return true
}

func (b books) Open(t *testing.T, id string) string {
	t.Helper()
	return b.world.open(t, id).Decimal()
}

func (b books) Booked(t *testing.T, invoice, reference string) (int, string) {
	t.Helper()
	count, sum := 0, money.New(0, b.world.open(t, invoice).Currency)
	for _, one := range b.fake.Bookings(invoice) {
		if one.Note == notePrefix+reference || strings.HasPrefix(one.Note, notePrefix+reference+"\n") {
			count, sum.Minor = count+1, sum.Minor+one.Amount.Minor
		}
	}
	return count, sum.Decimal()
}

func (b books) Misbehave(_ *testing.T, troubles ...connectortest.Trouble) bool {
	return b.fake.Misbehave(troubles...)
}

func (b books) Skew(_ *testing.T, by time.Duration) bool {
	b.fake.Skew(by)
	return true
}

func (b books) Calls() int { return b.fake.Calls() }

var _ connectortest.Books = books{}

// filled is a world with a few pages of everything.
func filled(t *testing.T, apart time.Duration, cfg quickbooksfake.Config) *world {
	t.Helper()
	w := newWorld(t, cfg)
	for i, name := range []string{"Acme", "Birch", "Cedar", "Dale", "Elm"} {
		for range i + 1 {
			w.invoice(t, name, "EUR", "100.50")
			w.clock.pass(apart)
		}
		w.credit(t, name, "EUR", "25")
		w.clock.pass(apart)
	}
	return w
}

func TestContract(t *testing.T) {
	for name, one := range map[string]struct {
		apart time.Duration
		cfg   quickbooksfake.Config
	}{
		"all at once":           {},
		"ten minutes apart":     {apart: 10 * time.Minute},
		"request ids forgotten": {apart: time.Second, cfg: quickbooksfake.Config{ForgetsRequests: true}},
	} {
		t.Run(name, func(t *testing.T) {
			connectortest.Run(t, func(t *testing.T) connectortest.Harness {
				w := filled(t, one.apart, one.cfg)
				return connectortest.Harness{Connector: w.client, Accounts: 5, Invoices: 15, Credits: 5, Books: books{w}}
			})
		})
	}
}
