// Package invoiceninjafake is an Invoice Ninja v5 for tests and demos: it keeps
// clients, invoices, credits and payments and answers the REST calls that the
// connector makes, with what the real one refuses refused too. Its clock is its own.
package invoiceninjafake

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/vendor-connectors/connectortest"
	"github.com/sheaf-hub/sheaf/vendor-connectors/connectortest/trouble"
)

// Token is the API token that is taken until it is revoked.
const Token = "fake-token-0123456789"

// Fake is the server. It is its own connectortest.Books.
type Fake struct {
	trouble trouble.Handler
	server  *httptest.Server

	mu       sync.Mutex
	skew     time.Duration
	revoked  bool
	serial   int
	clients  []*client
	dues     []*due // invoices and credits
	payments []*payment
}

var _ connectortest.Books = (*Fake)(nil)

type client struct {
	id, name, currency string // the currency's number; empty: the company's
	updated            time.Time
	deleted            bool
}

type due struct {
	id, number, client string
	credit, deleted    bool
	status             string
	issued, due        string
	total, open        money.Amount
	updated            time.Time
}

type payment struct {
	id, client, reference, idempotency string
	created                            time.Time
	amount                             money.Amount
	invoices, credits                  []applied
}

type applied struct {
	id     string
	amount money.Amount
}

// The currencies of the fake, by Invoice Ninja's numbers. The company's is USD.
func currencies() map[string]money.Currency {
	return map[string]money.Currency{"1": "USD", "2": "GBP", "3": "EUR", "45": "JPY", "77": "KWD"}
}

// New starts a server that ends with the test.
func New(t *testing.T) *Fake {
	f := &Fake{}
	f.trouble.Books = f.routes()
	f.trouble.Revoke = func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.revoked = true
	}
	f.server = httptest.NewServer(&f.trouble)
	t.Cleanup(func() {
		f.trouble.Close()
		f.server.Close()
	})
	return f
}

// Settings are those of a connection to the fake.
func (f *Fake) Settings() map[string]string {
	return map[string]string{"url": f.server.URL, "token": Token}
}

// Client is an HTTP client that reaches the fake. It gives up on silence in time.
func (f *Fake) Client() *http.Client {
	return &http.Client{Timeout: 10 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// now is the fake's clock: seconds, as Invoice Ninja keeps them.
func (f *Fake) now() time.Time { return time.Now().Add(f.skew).UTC().Truncate(time.Second) }

// id hashes the next number, so that the order of ids is not that of the records.
func (f *Fake) id() string {
	f.serial++
	return fmt.Sprintf("%03dVolejRe%d", (f.serial*617)%1000, f.serial)
}

// Invoice is connectortest.Books.Invoice.
func (f *Fake) Invoice(t *testing.T, account, currency, total string) string {
	return f.post(t, false, account, currency, total)
}

// Credit is connectortest.Books.Credit.
func (f *Fake) Credit(t *testing.T, account, currency, total string) string {
	return f.post(t, true, account, currency, total)
}

func (f *Fake) post(t *testing.T, credit bool, account, currency, total string) string {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	amount, err := money.Parse(total, money.Currency(currency))
	if err != nil {
		t.Fatal(err)
	}
	d := &due{id: f.id(), client: f.account(t, account, amount.Currency).id, credit: credit, status: "2", total: amount, open: amount,
		issued: f.now().Format(time.DateOnly), due: f.now().AddDate(0, 0, 30).Format(time.DateOnly), updated: f.now()}
	d.number = fmt.Sprintf("%04d", f.serial)
	f.dues = append(f.dues, d)
	return d.id
}

func (f *Fake) account(t *testing.T, name string, currency money.Currency) *client {
	t.Helper()
	number := ""
	for candidate, code := range currencies() {
		if code == currency {
			number = candidate
		}
	}
	switch number {
	case "":
		t.Fatalf("the fake does not know %q", currency)
	case "1":
		number = "" // the company's: a client need not say it
	}
	for _, one := range f.clients {
		if one.name == name && one.currency == number {
			return one
		}
	}
	one := &client{id: f.id(), name: name, currency: number, updated: f.now()}
	f.clients = append(f.clients, one)
	return one
}

// AccountID is the external id of the account of an invoice or a credit.
func (f *Fake) AccountID(t *testing.T, id string) string {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.due(t, id).client
}

func (f *Fake) due(t *testing.T, id string) *due {
	t.Helper()
	if found := f.find(id); found != nil {
		return found
	}
	t.Fatalf("the fake has no %q", id)
	return nil
}

func (f *Fake) find(id string) *due {
	at := slices.IndexFunc(f.dues, func(d *due) bool { return d.id == id })
	if at < 0 {
		return nil
	}
	return f.dues[at]
}

// Change is connectortest.Books.Change.
func (f *Fake) Change(t *testing.T, invoice string) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	d := f.due(t, invoice)
	day, err := time.Parse(time.DateOnly, d.due)
	if err != nil {
		t.Fatal(err)
	}
	d.due, d.updated = day.AddDate(0, 0, 1).Format(time.DateOnly), f.now()
}

// Pay is connectortest.Books.Pay.
func (f *Fake) Pay(t *testing.T, invoice, amount string) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	d := f.due(t, invoice)
	paid, err := money.Parse(amount, d.total.Currency)
	if err != nil || paid.Minor > d.open.Minor {
		t.Fatalf("pay %q of %s: %v", amount, d.open, err)
	}
	f.payments = append(f.payments, &payment{id: f.id(), client: d.client, created: f.now(), amount: paid, invoices: []applied{{invoice, paid}}})
	f.take(d, paid)
}

// take lowers what is open.
func (f *Fake) take(d *due, amount money.Amount) {
	d.open.Minor -= amount.Minor
	d.status, d.updated = "3", f.now()
	if d.open.Zero() {
		d.status = "4"
	}
}

// Void cancels an invoice, which leaves nothing of it open.
func (f *Fake) Void(t *testing.T, invoice string) bool {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	d := f.due(t, invoice)
	d.status, d.open.Minor, d.updated = "5", 0, f.now()
	return true
}

// Delete deletes an invoice as its users can: it stays in the lists, marked.
func (f *Fake) Delete(t *testing.T, invoice string) bool {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	d := f.due(t, invoice)
	d.deleted, d.updated = true, f.now()
	return true
}

// Purge removes an invoice as purging its client does: no list names it any more.
func (f *Fake) Purge(t *testing.T, invoice string) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	gone := f.due(t, invoice)
	f.dues = slices.DeleteFunc(f.dues, func(d *due) bool { return d == gone })
}

// Open is connectortest.Books.Open.
func (f *Fake) Open(t *testing.T, id string) string {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.due(t, id).open.Decimal()
}

// Booked is connectortest.Books.Booked.
func (f *Fake) Booked(t *testing.T, invoice, reference string) (int, string) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	count, sum := 0, money.New(0, f.due(t, invoice).total.Currency)
	for _, one := range f.payments {
		for _, part := range one.invoices {
			if one.reference == reference && part.id == invoice {
				count++
				sum.Minor += part.amount.Minor
			}
		}
	}
	return count, sum.Decimal()
}

// Misbehave is connectortest.Books.Misbehave. Tokens do not expire here.
func (f *Fake) Misbehave(_ *testing.T, troubles ...connectortest.Trouble) bool {
	return f.trouble.Play(troubles...)
}

// Skew is connectortest.Books.Skew.
func (f *Fake) Skew(_ *testing.T, by time.Duration) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.skew = by
	return true
}

// Calls is connectortest.Books.Calls.
func (f *Fake) Calls() int { return f.trouble.Calls() }
