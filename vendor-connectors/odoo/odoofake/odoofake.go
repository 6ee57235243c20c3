// Package odoofake is an Odoo 19 for tests and demos: it keeps partners, invoices,
// credit notes and payments and answers the JSON-2 calls that the connector makes.
// Its clock is its own, with microseconds that it keeps and does not tell, as Odoo does.
package odoofake

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/money"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/connectortest"
	"github.com/sheaf-hub/sheaf/vendor-connectors/connectortest/trouble"
)

// What a connection to the fake uses.
const (
	Key      = "6578616d706c65206a736f6e20617069206b6579"
	Database = "northwind"

	bankJournal, clearingJournal, discountAccount = 7, 8, 70
)

// Fake is the server. It is its own connectortest.Books.
type Fake struct {
	trouble trouble.Handler
	server  *httptest.Server

	mu       sync.Mutex
	skew     time.Duration
	revoked  bool
	serial   int64
	partners []*partner
	moves    []*move
	payments []*payment
	partials []*partial
	wizards  map[int64]wizard
}

var _ connectortest.Books = (*Fake)(nil)

type partner struct {
	id, company       int64 // company: the commercial partner, itself or its parent
	name, email, kind string
	rank              int
	changed           time.Time
}

type move struct {
	id, customer int64
	credit       bool
	state        string
	due          time.Time
	issued       time.Time
	total, open  money.Amount
	changed      time.Time
	payments     []int64
}

type payment struct {
	id, invoice, journal int64
	memo, state          string
	amount               money.Amount
	made                 time.Time
}

type partial struct {
	id, invoice, credit int64
	amount              money.Amount
	made                time.Time
}

// New starts a server that ends with the test.
func New(t *testing.T) *Fake {
	f := &Fake{wizards: map[int64]wizard{}}
	f.trouble.Books = http.HandlerFunc(f.serve)
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
	return map[string]string{"url": f.server.URL, "database": Database, "key": Key, connectors.PaymentAccount: "BNK1", connectors.ClearingAccount: "CLR1", "discount_account": "4730"}
}

// Client is an HTTP client that reaches the fake. It gives up on silence in time.
func (f *Fake) Client() *http.Client {
	return &http.Client{Timeout: 10 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func (f *Fake) now() time.Time { return time.Now().Add(f.skew).UTC().Truncate(time.Microsecond) }

func (f *Fake) id() int64 {
	f.serial++
	return f.serial
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
	m := &move{customer: f.customer(account).id, id: f.id(), credit: credit, state: "posted", issued: f.now(), due: f.now().AddDate(0, 0, 30), total: amount, open: amount, changed: f.now()}
	f.moves = append(f.moves, m)
	return strconv.FormatInt(m.id, 10)
}

// customer is a company with an address for invoices and a person.
func (f *Fake) customer(name string) *partner {
	for _, one := range f.partners {
		if one.name == name && one.id == one.company {
			return one
		}
	}
	company := &partner{id: f.id(), name: name, email: "office@customer.example", kind: "contact", rank: 1, changed: f.now()}
	company.company = company.id
	f.partners = append(f.partners, company,
		&partner{id: f.id(), company: company.id, name: "Accounts payable", email: "Ann <ap@customer.example>; ap2@customer.example", kind: "invoice", changed: f.now()},
		&partner{id: f.id(), company: company.id, name: "Sam Seller", email: "sam@customer.example", kind: "contact", changed: f.now()})
	return company
}

// AccountID is the external id of the account of an invoice or a credit.
func (f *Fake) AccountID(t *testing.T, id string) string {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	return strconv.FormatInt(f.move(t, id).customer, 10)
}

// ContactChange gives the address for invoices of an account another mailbox.
func (f *Fake) ContactChange(t *testing.T, account, email string) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	company := f.customer(account).id
	for _, one := range f.partners {
		if one.company == company && one.kind == "invoice" {
			one.email, one.changed = email, f.now()
		}
	}
}

func (f *Fake) move(t *testing.T, id string) *move {
	t.Helper()
	number, err := strconv.ParseInt(id, 10, 64)
	if found := f.find(number); err == nil && found != nil {
		return found
	}
	t.Fatalf("the fake has no %q", id)
	return nil
}

func (f *Fake) find(id int64) *move {
	at := slices.IndexFunc(f.moves, func(m *move) bool { return m.id == id })
	if at < 0 {
		return nil
	}
	return f.moves[at]
}

// Change is connectortest.Books.Change.
func (f *Fake) Change(t *testing.T, invoice string) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.move(t, invoice)
	m.due, m.changed = m.due.AddDate(0, 0, 1), f.now()
}

// Pay is connectortest.Books.Pay.
func (f *Fake) Pay(t *testing.T, invoice, amount string) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.move(t, invoice)
	paid, err := money.Parse(amount, m.total.Currency)
	if err != nil || paid.Minor > m.open.Minor {
		t.Fatalf("pay %q of %s: %v", amount, m.open, err)
	}
	f.book(m, payment{invoice: m.id, journal: bankJournal, memo: "INV/" + invoice, state: "paid", amount: paid}, paid)
}

// book adds a payment that settles some of an invoice.
func (f *Fake) book(m *move, p payment, settles money.Amount) *payment {
	p.id, p.made = f.id(), f.now()
	f.payments = append(f.payments, &p)
	m.payments = append(m.payments, p.id)
	m.open.Minor, m.changed = m.open.Minor-settles.Minor, f.now()
	return &p
}

// Void is connectortest.Books.Void: reset to draft, then cancelled.
func (f *Fake) Void(t *testing.T, invoice string) bool {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.move(t, invoice)
	m.state, m.changed = "cancel", f.now()
	return true
}

// Delete is connectortest.Books.Delete.
func (f *Fake) Delete(t *testing.T, invoice string) bool {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	gone := f.move(t, invoice)
	f.moves = slices.DeleteFunc(f.moves, func(m *move) bool { return m == gone })
	return true
}

// Draft takes an invoice back to draft, as its users do to correct it.
func (f *Fake) Draft(t *testing.T, invoice string) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.move(t, invoice)
	m.state, m.changed = "draft", f.now()
}

// Open is connectortest.Books.Open.
func (f *Fake) Open(t *testing.T, id string) string {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.move(t, id).open.Decimal()
}

// Booked is connectortest.Books.Booked.
func (f *Fake) Booked(t *testing.T, invoice, reference string) (int, string) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.move(t, invoice)
	count, sum := 0, money.New(0, m.total.Currency)
	for _, one := range f.payments {
		if one.memo == reference && one.invoice == m.id {
			count++
			sum.Minor += one.amount.Minor
		}
	}
	return count, sum.Decimal()
}

// Journal is the short code of the journal of a reference's payment.
func (f *Fake) Journal(_ *testing.T, reference string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, one := range f.payments {
		if one.memo == reference && one.journal == clearingJournal {
			return "CLR1"
		}
	}
	return "BNK1"
}

// Misbehave is connectortest.Books.Misbehave. Keys do not expire here.
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
