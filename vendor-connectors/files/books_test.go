package files

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/vendor-connectors/connectortest"
)

// books are a program that writes a file for each change of an invoice.
type books struct {
	folder string
	skew   time.Duration
	count  int
	known  map[string]*record
	way    *way // to a server; nil: a folder of this machine, which cannot misbehave
	opened int  // how often the folder was
}

type record struct {
	account, currency, total, open, status, kind, due string
}

var _ connectortest.Books = (*books)(nil)

func newBooks(folder string) *books { return &books{folder: folder, known: map[string]*record{}} }

// of is a record that was written before, also by fill.
func (b *books) of(id string) *record {
	if b.known[id] == nil {
		b.known[id] = &record{account: "Acme", currency: "EUR", total: "10.00", open: "10.00", due: "2026-12-01", kind: "invoice", status: "open"}
	}
	return b.known[id]
}

func (b *books) write(t *testing.T, id string) {
	t.Helper()
	b.count++
	r := b.of(id)
	text := fmt.Sprintf("Number,Customer,Due Date,Total,Open,Currency,Status,Type\n%s,%s,%s,%s,%s,%s,%s,%s\n", id, r.account, r.due, r.total, r.open, r.currency, r.status, r.kind)
	name := filepath.Join(b.folder, fmt.Sprintf("change-%05d.csv", b.count))
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	at := time.Now().Add(b.skew)
	if err := os.Chtimes(name, at, at); err != nil {
		t.Fatal(err)
	}
}

func (b *books) post(t *testing.T, kind, account, currency, total string) string {
	t.Helper()
	id := fmt.Sprintf("B-%d", len(b.known)+1)
	b.known[id] = &record{account: account, currency: currency, total: total, open: total, kind: kind, due: "2026-12-01", status: "open"}
	b.write(t, id)
	return id
}

func (b *books) Invoice(t *testing.T, account, currency, total string) string {
	return b.post(t, "invoice", account, currency, total)
}

func (b *books) Credit(t *testing.T, account, currency, total string) string {
	return b.post(t, "credit", account, currency, total)
}

func (b *books) Change(t *testing.T, invoice string) {
	r := b.of(invoice)
	r.due = string(money.Date(r.due).AddDays(1))
	b.write(t, invoice)
}

func (b *books) Pay(t *testing.T, invoice, amount string) {
	t.Helper()
	r := b.of(invoice)
	open, err := money.Parse(r.open, money.Currency(r.currency))
	if err != nil {
		t.Fatal(err)
	}
	paid, err := money.Parse(amount, money.Currency(r.currency))
	if err != nil {
		t.Fatal(err)
	}
	r.open = money.New(open.Minor-paid.Minor, open.Currency).Decimal()
	if open.Minor == paid.Minor {
		r.status = "paid"
	}
	b.write(t, invoice)
}

func (b *books) Void(t *testing.T, invoice string) bool {
	b.of(invoice).status = "void"
	b.of(invoice).open = "0"
	b.write(t, invoice)
	return true
}

// Delete is nothing that a file could say.
func (b *books) Delete(*testing.T, string) bool { return false }

func (b *books) Open(_ *testing.T, id string) string             { return b.of(id).open }
func (b *books) Booked(*testing.T, string, string) (int, string) { return 0, "0" }
func (b *books) Misbehave(_ *testing.T, troubles ...connectortest.Trouble) bool {
	return b.way != nil && b.way.misbehave(troubles)
}

func (b *books) Calls() int {
	if b.way != nil {
		return b.way.calls()
	}
	return b.opened
}

// watch counts how often a connector opens its place.
func (b *books) watch(c *Client) *Client {
	open := c.open
	c.open = func(ctx context.Context) (place, error) {
		b.opened++
		return open(ctx)
	}
	return c
}

func (b *books) Skew(_ *testing.T, by time.Duration) bool {
	b.skew = by
	return true
}
