package xero

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"github.com/sheaf-hub/sheaf/hub/money"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/connectortest"
	"github.com/sheaf-hub/sheaf/vendor-connectors/signin"
	"github.com/sheaf-hub/sheaf/vendor-connectors/xero/xerofake"
)

// clock is the hub's and, but for a skew, Xero's.
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

// world is a fake Xero, served over HTTP, and a connector on it.
type world struct {
	fake   *xerofake.Fake
	clock  *clock
	tokens *tokens
	app    signin.App
	deps   connectors.Deps
	api    string
	client *Client
}

// newWorld makes one. Without limits given there are none; the connector's own are
// off, so that tests need not wait for them.
func newWorld(t *testing.T, cfg xerofake.Config) *world {
	t.Helper()
	w := &world{clock: &clock{now: time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)}, tokens: &tokens{}}
	cfg.Now, cfg.Watch = w.clock.Now, watch(t)
	if cfg.Limits == (xerofake.Limits{}) {
		cfg.Limits = xerofake.Limits{AtOnce: -1, Minute: -1, Day: -1}
	}
	w.fake = xerofake.New(cfg)
	server := httptest.NewServer(w.fake)
	transport := &http.Transport{}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.CloseClientConnections()
		server.Close()
	})
	w.api = server.URL
	w.app = App("hub", "secret")
	w.app.AuthorizeURL, w.app.TokenURL = server.URL+"/identity/connect/authorize", server.URL+"/connect/token"
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
	all := map[string]string{"tenant": w.fake.Tenant(), connectors.PaymentAccount: xerofake.BankCode,
		connectors.ClearingAccount: xerofake.ClearingCode, "discount_account": xerofake.DiscountCode}
	for name, value := range settings {
		all[name] = value
	}
	client, err := (&Server{App: w.app, API: w.api}).connect(all, w.deps)
	if err != nil {
		t.Fatal(err)
	}
	client.limits.rate.SetLimit(rate.Inf)
	client.timeout = 2 * time.Second
	return client
}

// books are the fake's hands as the contract wants them.
type books struct{ *world }

func amount(t *testing.T, currency, text string) money.Amount {
	t.Helper()
	parsed, err := money.Parse(text, money.Currency(currency))
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func (b books) Invoice(t *testing.T, account, currency, total string) string {
	t.Helper()
	return b.fake.AddInvoice(account, amount(t, currency, total))
}

func (b books) Credit(t *testing.T, account, currency, total string) string {
	t.Helper()
	return b.fake.AddCredit(xerofake.CreditNote, account, amount(t, currency, total))
}

func (b books) Change(t *testing.T, invoice string) {
	t.Helper()
	if err := b.fake.Redate(invoice, "2027-03-31"); err != nil {
		t.Fatal(err)
	}
}

func (b books) open(t *testing.T, id string) money.Amount {
	t.Helper()
	_, plain, _ := splitCredit(id)
	left, ok := b.fake.Open(plain)
	if !ok {
		t.Fatalf("there is no %s", id)
	}
	return left
}

func (b books) Pay(t *testing.T, invoice, text string) {
	t.Helper()
	if err := b.fake.Receive(invoice, amount(t, string(b.open(t, invoice).Currency), text), ""); err != nil {
		t.Fatal(err)
	}
}

func (b books) Void(t *testing.T, invoice string) bool {
	t.Helper()
	if err := b.fake.Void(invoice); err != nil {
		t.Fatal(err)
	}
	return true
}

func (b books) Delete(t *testing.T, invoice string) bool {
	t.Helper()
	if err := b.fake.Delete(invoice); err != nil {
		t.Fatal(err)
	}
	return true
}

func (b books) Open(t *testing.T, id string) string {
	t.Helper()
	return b.open(t, id).Decimal()
}

// Booked counts payments by their reference, and allocations by the notes that the
// connector leaves on the credit.
func (b books) Booked(t *testing.T, invoice, reference string) (int, string) {
	t.Helper()
	count, sum := 0, money.New(0, b.open(t, invoice).Currency)
	for _, one := range b.fake.Bookings(invoice) {
		ours := one.Reference == reference
		if one.Credit != "" {
			for _, text := range b.fake.History(one.Credit) {
				ours = ours || strings.HasPrefix(text, "Payment "+reference+" against invoice "+invoice+": ")
			}
		}
		if ours {
			count, sum.Minor = count+1, sum.Minor+one.Amount.Minor
		}
	}
	return count, sum.Decimal()
}

func (b books) Misbehave(_ *testing.T, troubles ...connectortest.Trouble) bool {
	for _, trouble := range troubles {
		b.fake.Misbehave(xerofake.Trouble(trouble))
	}
	return true
}

func (b books) Skew(_ *testing.T, by time.Duration) bool {
	b.fake.Skew(by)
	return true
}

func (b books) Calls() int { return b.fake.Calls() }

var _ connectortest.Books = books{}

// filled is a world with a few pages of everything.
func filled(t *testing.T, apart time.Duration) *world {
	t.Helper()
	w := newWorld(t, xerofake.Config{PageMost: 3})
	for i, name := range []string{"Acme", "Birch", "Cedar", "Dale", "Elm"} {
		for range i + 1 {
			w.fake.AddInvoice(name, money.New(int64(10000+i), "EUR"))
			w.clock.pass(apart)
		}
		kind := []string{xerofake.CreditNote, xerofake.Overpayment, xerofake.Prepayment}[i%3]
		w.fake.AddCredit(kind, name, money.New(2500, "EUR"))
		w.clock.pass(apart)
	}
	w.fake.AddBill("Supplier", money.New(700, "EUR"))
	return w
}

func TestContract(t *testing.T) {
	for name, apart := range map[string]time.Duration{"all at once": 0, "a second apart": time.Second, "a minute apart": time.Minute} {
		t.Run(name, func(t *testing.T) {
			connectortest.Run(t, func(t *testing.T) connectortest.Harness {
				w := filled(t, apart)
				return connectortest.Harness{Connector: w.client, Accounts: 6, Invoices: 15, Credits: 5, Books: books{w}}
			})
		})
	}
}
