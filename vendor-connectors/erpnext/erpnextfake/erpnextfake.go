// Package erpnextfake is an ERPNext for tests and demos: it keeps customers, contacts,
// sales invoices, payment and journal entries and answers the REST calls that the
// connector makes. Its clock is its own, and in a zone of its own, as a site's is.
package erpnextfake

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
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
	Key     = "4f0e8a2c1d3b5a7"
	Secret  = "9b1c2d3e4f5a6b7"
	Company = "Northwind"

	zoneName = "Asia/Kolkata" // five and a half hours before UTC, all year
)

// Fake is the server. It is its own connectortest.Books.
type Fake struct {
	trouble trouble.Handler
	server  *httptest.Server

	mu        sync.Mutex
	skew      time.Duration
	revoked   bool
	unprivate bool // the user is no system manager
	serial    int
	customers []*customer
	invoices  []*invoice
	entries   []*entry
	deleted   []deletion
}

var _ connectortest.Books = (*Fake)(nil)

type customer struct {
	name, currency, email string
	changed, contact      time.Time // contact: when its billing contact changed
}

type invoice struct {
	name, customer string
	isReturn       bool
	status         int
	due            time.Time
	posted         time.Time
	total, open    money.Amount // of a return below nothing
	changed        time.Time
}

// entry is a payment entry or a journal entry.
type entry struct {
	name, reference, customer, into string
	journal                         bool
	status                          int
	parts                           []part
	made                            time.Time
}

type part struct {
	invoice string
	amount  money.Amount
}

type deletion struct {
	name, invoice string
	at            time.Time
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
	return map[string]string{"url": f.server.URL, "key": Key, "secret": Secret, "discount_account": "Discounts - NW",
		connectors.PaymentAccount: "Bank USD - NW; Bank EUR - NW; Bank JPY - NW; Bank GBP - NW; Bank KWD - NW", connectors.ClearingAccount: "Clearing USD - NW; Clearing EUR - NW"}
}

// Client is an HTTP client that reaches the fake. It gives up on silence in time.
func (f *Fake) Client() *http.Client {
	return &http.Client{Timeout: 10 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func (f *Fake) now() time.Time { return time.Now().Add(f.skew).UTC().Truncate(time.Microsecond) }

// local writes a time as the site does.
func local(at time.Time) string {
	return at.In(time.FixedZone(zoneName, 5*3600+1800)).Format("2006-01-02 15:04:05.000000")
}

// Invoice is connectortest.Books.Invoice.
func (f *Fake) Invoice(t *testing.T, account, currency, total string) string {
	return f.post(t, false, account, currency, total)
}

// Credit is connectortest.Books.Credit.
func (f *Fake) Credit(t *testing.T, account, currency, total string) string {
	return f.post(t, true, account, currency, total)
}

func (f *Fake) post(t *testing.T, isReturn bool, account, currency, total string) string {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	amount, err := money.Parse(total, money.Currency(currency))
	if err != nil {
		t.Fatal(err)
	}
	f.customer(account, currency)
	f.serial++
	one := &invoice{name: fmt.Sprintf("ACC-SINV-2026-%05d", (f.serial*617)%100000), customer: account, isReturn: isReturn, status: 1, posted: f.now(), due: f.now().AddDate(0, 0, 30), total: amount, changed: f.now()}
	if isReturn {
		one.total = amount.Neg()
	}
	one.open = one.total
	f.invoices = append(f.invoices, one)
	return one.name
}

func (f *Fake) customer(name, currency string) *customer {
	for _, one := range f.customers {
		if one.name == name {
			return one
		}
	}
	one := &customer{name: name, currency: currency, email: "ap@customer.example", changed: f.now(), contact: f.now()}
	f.customers = append(f.customers, one)
	return one
}

// ContactChange gives the billing contact of an account another mailbox.
func (f *Fake) ContactChange(_ *testing.T, account, email string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	one := f.customer(account, "")
	one.email, one.contact = email, f.now()
}

// AccountID is the external id of the account of an invoice or a credit.
func (f *Fake) AccountID(t *testing.T, id string) string {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.invoice(t, id).customer
}

func (f *Fake) invoice(t *testing.T, name string) *invoice {
	t.Helper()
	if found := f.find(name); found != nil {
		return found
	}
	t.Fatalf("the fake has no %q", name)
	return nil
}

func (f *Fake) find(name string) *invoice {
	at := slices.IndexFunc(f.invoices, func(one *invoice) bool { return one.name == name })
	if at < 0 {
		return nil
	}
	return f.invoices[at]
}

// Change is connectortest.Books.Change.
func (f *Fake) Change(t *testing.T, name string) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	one := f.invoice(t, name)
	one.due, one.changed = one.due.AddDate(0, 0, 1), f.now()
}

// Pay is connectortest.Books.Pay.
func (f *Fake) Pay(t *testing.T, name, amount string) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	one := f.invoice(t, name)
	paid, err := money.Parse(amount, one.total.Currency)
	if err != nil || paid.Minor > one.open.Minor {
		t.Fatalf("pay %q of %s: %v", amount, one.open, err)
	}
	f.submit(&entry{customer: one.customer, reference: "CHEQUE-" + fmt.Sprint(f.serial), parts: []part{{name, paid}}})
}

// submit books an entry.
func (f *Fake) submit(one *entry) {
	f.serial++
	kind := "PAY"
	if one.journal {
		kind = "JV"
	}
	one.name, one.made = fmt.Sprintf("ACC-%s-2026-%05d", kind, f.serial), f.now()
	f.entries = append(f.entries, one)
	f.settle(one)
}

// settle lets an entry count.
func (f *Fake) settle(one *entry) {
	one.status = 1
	for _, part := range one.parts {
		paid := f.find(part.invoice)
		paid.open.Minor, paid.changed = paid.open.Minor-part.amount.Minor, f.now()
	}
}

// Draft leaves a payment entry with a reference unfinished, as somebody may who
// looks at it, and gives its name.
func (f *Fake) Draft(t *testing.T, name, reference, amount string) string {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	one := f.invoice(t, name)
	paid, err := money.Parse(amount, one.total.Currency)
	if err != nil {
		t.Fatal(err)
	}
	f.serial++
	made := &entry{name: fmt.Sprintf("ACC-PAY-2026-%05d", f.serial), customer: one.customer, reference: reference, parts: []part{{name, paid}}, made: f.now()}
	f.entries = append(f.entries, made)
	return made.name
}

// Void is connectortest.Books.Void.
func (f *Fake) Void(t *testing.T, name string) bool {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	one := f.invoice(t, name)
	one.status, one.changed = 2, f.now()
	return true
}

// Delete is connectortest.Books.Delete.
func (f *Fake) Delete(t *testing.T, name string) bool {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	gone := f.invoice(t, name)
	f.invoices = slices.DeleteFunc(f.invoices, func(one *invoice) bool { return one == gone })
	f.serial++
	f.deleted = append(f.deleted, deletion{name: fmt.Sprintf("%x", 0xdead0000+f.serial), invoice: name, at: f.now()})
	return true
}

// Demote takes from the user the right to read what was deleted.
func (f *Fake) Demote(_ *testing.T) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.unprivate = true
}

// Open is connectortest.Books.Open.
func (f *Fake) Open(t *testing.T, name string) string {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	one := f.invoice(t, name)
	if one.isReturn {
		return one.open.Neg().Decimal()
	}
	return one.open.Decimal()
}

// Booked is connectortest.Books.Booked.
func (f *Fake) Booked(t *testing.T, name, reference string) (int, string) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	count, sum := 0, money.New(0, f.invoice(t, name).total.Currency)
	for _, one := range f.entries {
		for _, part := range one.parts {
			if one.reference == reference && part.invoice == name {
				count++
				sum.Minor += part.amount.Minor
			}
		}
	}
	return count, sum.Decimal()
}

// Into is the account into which a reference was paid.
func (f *Fake) Into(_ *testing.T, reference string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, one := range f.entries {
		if one.reference == reference && one.into != "" {
			return one.into
		}
	}
	return ""
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
