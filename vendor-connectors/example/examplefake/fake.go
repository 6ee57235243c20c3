// Package examplefake is the ledger of package example, for its tests: it keeps
// accounts, invoices, credits and payments, and refuses what the real one would. It
// is a fake to copy, too. A good one is
//
//   - stateful: what is booked by a call shows in the next one;
//   - strict: it refuses what the real books refuse, and what nobody documents;
//   - a clock of its own, so that the two can differ;
//   - apart from the connector: it shares no code with it, and no wire structs, or a
//     mistake would be made on both sides and never be found.
package examplefake

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/vendor-connectors/connectortest"
	"github.com/sheaf-hub/sheaf/vendor-connectors/connectortest/trouble"
)

// Key is taken until it is revoked, and BankAccount and ClearingAccount are where
// payments can be booked to.
const (
	Key             = "fake-key-0123456789"
	BankAccount     = "1200"
	ClearingAccount = "1360"
)

// Fake is the ledger. It is its own connectortest.Books.
type Fake struct {
	trouble trouble.Handler // stands before the routes and lets calls go wrong
	server  *httptest.Server

	mu       sync.Mutex
	skew     time.Duration
	serial   int
	tokens   map[string]bool
	revoked  bool
	accounts []*account
	dues     []*due
	payments []*payment
}

var _ connectortest.Books = (*Fake)(nil)

type account struct {
	id, name, currency string
	changed            time.Time
}

// due is an invoice or a credit.
type due struct {
	id, number    string
	account       *account
	credit        bool
	issued, dueOn money.Date
	total, open   money.Amount
	cancelled     bool
	deleted       bool
	changed       time.Time
}

type payment struct {
	id, reference, invoice, credit, to string
	date                               money.Date
	amount, discount, fee              money.Amount
	booked                             time.Time
}

// New starts a ledger that ends with the test.
func New(t *testing.T) *Fake {
	t.Helper()
	f := &Fake{tokens: map[string]bool{}}
	f.trouble.Books = f.routes()
	f.trouble.Expire = func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		clear(f.tokens)
	}
	f.trouble.Revoke = func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		clear(f.tokens)
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
	return map[string]string{"url": f.server.URL, "key": Key, "payment_account": BankAccount, "clearing_account": ClearingAccount}
}

// Client is an HTTP client like the hub's: it follows no redirect.
func (f *Fake) Client() *http.Client {
	client := f.server.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return client
}

func (f *Fake) now() time.Time { return time.Now().Add(f.skew).UTC() }

// id hashes a serial number: the order of ids must not be that of changes, or a
// connector that mistakes one for the other would pass.
func (f *Fake) id() string {
	f.serial++
	return fmt.Sprintf("%04d-%d", f.serial*7919%9973, f.serial)
}

// Invoice is connectortest.Books.Invoice.
func (f *Fake) Invoice(t *testing.T, account, currency, total string) string {
	t.Helper()
	return f.post(t, account, currency, total, false)
}

// Credit is connectortest.Books.Credit.
func (f *Fake) Credit(t *testing.T, account, currency, total string) string {
	t.Helper()
	return f.post(t, account, currency, total, true)
}

func (f *Fake) post(t *testing.T, name, currency, total string, credit bool) string {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	amount, err := money.Parse(total, money.Currency(currency))
	if err != nil {
		t.Fatal(err)
	}
	today := money.DateOf(f.now(), time.UTC)
	d := &due{id: f.id(), account: f.named(name, currency), credit: credit, issued: today, dueOn: today.AddDays(30), total: amount, open: amount, changed: f.now()}
	d.number = fmt.Sprintf("%s-%04d", map[bool]string{false: "INV", true: "CR"}[credit], f.serial)
	f.dues = append(f.dues, d)
	return d.id
}

// named is the account of a name, made when it is new.
func (f *Fake) named(name, currency string) *account {
	for _, one := range f.accounts {
		if one.name == name {
			return one
		}
	}
	one := &account{id: f.id(), name: name, currency: currency, changed: f.now()}
	f.accounts = append(f.accounts, one)
	return one
}

func (f *Fake) find(id string, credit bool) *due {
	at := slices.IndexFunc(f.dues, func(d *due) bool { return d.id == id && d.credit == credit && !d.deleted })
	if at < 0 {
		return nil
	}
	return f.dues[at]
}

// change does something to an open invoice, and notes when.
func (f *Fake) change(t *testing.T, id string, do func(*due)) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	d := f.find(id, false)
	if d == nil || d.cancelled {
		t.Fatalf("the fake has no open invoice %q", id)
	}
	do(d)
	d.changed = f.now()
}

// Change is connectortest.Books.Change.
func (f *Fake) Change(t *testing.T, invoice string) {
	t.Helper()
	f.change(t, invoice, func(d *due) { d.dueOn = d.dueOn.AddDays(1) })
}

// Pay is connectortest.Books.Pay.
func (f *Fake) Pay(t *testing.T, invoice, amount string) {
	t.Helper()
	f.change(t, invoice, func(d *due) {
		paid, err := money.Parse(amount, d.total.Currency)
		if err != nil || paid.Minor > d.open.Minor {
			t.Fatalf("pay %q of %s: %v", amount, d.open, err)
		}
		d.open.Minor -= paid.Minor
		f.payments = append(f.payments, &payment{id: f.id(), reference: "Bank transfer", invoice: invoice, to: BankAccount, amount: paid, booked: f.now()})
	})
}

// Void is connectortest.Books.Void.
func (f *Fake) Void(t *testing.T, invoice string) bool {
	t.Helper()
	f.change(t, invoice, func(d *due) { d.cancelled, d.open.Minor = true, 0 })
	return true
}

// Delete is connectortest.Books.Delete.
func (f *Fake) Delete(t *testing.T, invoice string) bool {
	t.Helper()
	f.change(t, invoice, func(d *due) { d.deleted = true })
	return true
}

// Open is connectortest.Books.Open.
func (f *Fake) Open(t *testing.T, id string) string {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, credit := range []bool{false, true} {
		if d := f.find(id, credit); d != nil {
			return d.open.Decimal()
		}
	}
	t.Fatalf("the fake has no %q", id)
	return ""
}

// Booked is connectortest.Books.Booked. Money that settles the invoice counts: not
// what came from a credit, and no late fee.
func (f *Fake) Booked(t *testing.T, invoice, reference string) (int, string) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	d := f.find(invoice, false)
	if d == nil {
		t.Fatalf("the fake has no invoice %q", invoice)
	}
	count, sum := 0, money.New(0, d.total.Currency)
	for _, one := range f.payments {
		if one.invoice == invoice && strings.HasPrefix(one.reference, reference+" line ") {
			count++
			sum.Minor += one.amount.Minor - one.fee.Minor
		}
	}
	return count, sum.Decimal()
}

// Misbehave is connectortest.Books.Misbehave.
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
