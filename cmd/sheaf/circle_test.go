package main

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/gateway/sandbox"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/vendor-connectors/tryton/trytontest"
)

// circle is a hub whose one vendor keeps its books in a real Tryton.
type circle struct {
	folder string
	server *trytontest.Server
	vendor string
}

// run is one command of the binary; it returns what it printed.
func (c circle) run(t *testing.T, args ...string) string {
	t.Helper()
	var out, beside bytes.Buffer
	command := root()
	command.SetOut(&out)
	command.SetErr(&beside)
	command.SetArgs(append(args, "--data", c.folder, "--database-url", "", "--redis-url", "", "--smtp-url", "", "--allow-private-hosts", "127.0.0.1"))
	if err := command.ExecuteContext(t.Context()); err != nil {
		t.Fatalf("%v: %v\n%s%s", args, err, out.String(), beside.String())
	}
	return strings.TrimSpace(out.String() + beside.String())
}

func (c circle) open(t *testing.T) *app {
	t.Helper()
	a, err := openApp(t.Context(), &settings{Addr: "127.0.0.1:8080", Data: c.folder, HubName: "Sheaf", LogFormat: "text", AllowPrivateHosts: "127.0.0.1"}, &bytes.Buffer{}, systemClock)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.close)
	return a
}

// TestTheWholeCircleOnRealBooks: an invoice that is posted in Tryton is reminded of,
// paid here, paid in Tryton's own words, and never asked for again.
func TestTheWholeCircleOnRealBooks(t *testing.T) {
	c := circle{folder: t.TempDir(), server: trytontest.Start(t)}
	paid, left := c.server.Invoice(t, "Acme", "USD", "125.00"), c.server.Invoice(t, "Acme", "USD", "80.00")
	var added addedVendor
	if err := json.Unmarshal([]byte(c.run(t, "vendor", "add", "North", "--email", "ar@north.example", "--json")), &added); err != nil {
		t.Fatal(err)
	}
	c.vendor = added.ID
	s := c.server
	connection := c.run(t, "connection", "add", c.vendor, "tryton", "--set", "url="+s.URL, "--set", "database="+s.Database, "--set", "user="+s.User, "--set", "password="+s.Password,
		"--set", "payment_method="+s.PaymentMethod)
	if !store.ValidID(connection) {
		t.Fatalf("%q is no connection's id", connection)
	}
	if said := c.run(t, "sync", connection); !strings.Contains(said, "created 3, updated 0, unchanged 0, rejected 0") {
		t.Fatal(said)
	}
	const ann = "acme@customer.example"
	number := s.Number(t, paid)
	if mail := c.run(t, "digest", "preview", "--contact", ann); !strings.Contains(mail, number) || !strings.Contains(mail, s.Number(t, left)) {
		t.Fatal(mail)
	}
	a := c.open(t)
	c.pay(t, a, ann, number)
	c.deliver(t, a)
	if state := s.State(t, paid); state != "paid" {
		t.Fatalf("Tryton says %s", state)
	}
	if n, sum := s.Booked(t, paid, ""); n != 1 || sum != "125.00" {
		t.Errorf("booked %d times, %s", n, sum)
	}
	c.deliver(t, a) // nothing is left to do
	if said := c.run(t, "sync", connection); !strings.Contains(said, "updated 1, ") {
		t.Error(said)
	}
	if said := c.run(t, "sync", connection); !strings.Contains(said, "created 0, updated 0, ") {
		t.Errorf("nothing has changed there: %s", said)
	}
	c.reflected(t, a, number)
	if mail := c.run(t, "digest", "preview", "--contact", ann); strings.Contains(mail, number) || !strings.Contains(mail, s.Number(t, left)) {
		t.Error(mail)
	}
	s.Pay(t, left, "80.00") // the other one is paid there, by hand
	time.Sleep(time.Second) // Tryton on SQLite dates changes by the second
	c.run(t, "sync", connection)
	if _, err := a.reminder.Preview(t.Context(), ann); !fault.Is(err, fault.NotFound) {
		t.Errorf("something is still asked for: %v", err)
	}
	verified(t, c.folder)
}

// pay pays one invoice as its contact, on the sandbox's page.
func (c circle) pay(t *testing.T, a *app, email, number string) {
	t.Helper()
	contact, err := a.party.ContactByEmail(t.Context(), email)
	if err != nil {
		t.Fatal(err)
	}
	payer := payment.Payer{Contact: contact, Viewer: billing.Viewer{CustomerID: contact.CustomerID}}
	items, _, err := a.billing.ListInvoices(t.Context(), c.vendor, billing.InvoiceFilter{}, false, store.PageRequest{})
	if err != nil {
		t.Fatal(err)
	}
	var selection payment.Selection
	for _, item := range items {
		if item.Number == number {
			selection.Invoices = append(selection.Invoices, payment.Wish{InvoiceID: item.ID})
		}
	}
	quote, err := a.payment.Quote(t.Context(), payer, selection)
	if err != nil {
		t.Fatal(err)
	}
	started, err := a.payment.Start(t.Context(), payer, quote.ID, quote.Hash, "USD")
	if err != nil {
		t.Fatal(err)
	}
	event, err := a.sandbox.Decide(t.Context(), started.Payment.GatewayRef, sandbox.Succeed)
	if err != nil {
		t.Fatal(err)
	}
	hint := payment.Hint{EventID: event, Type: "checkout.decided", Subject: payment.SubjectPayment, Ref: started.Payment.GatewayRef}
	if err := a.payment.Notify(t.Context(), hint); err != nil {
		t.Fatal(err)
	}
}

// deliver makes one attempt at all that is due for the books.
func (c circle) deliver(t *testing.T, a *app) {
	t.Helper()
	var due []outbox.Delivery
	err := a.db.NewSelect().Model(&due).Where("kind = ?", outbox.Books).Where("state = ?", outbox.Pending).Scan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, delivery := range due {
		if err := a.notify.Deliver(context.WithoutCancel(t.Context()), store.JobRef{ID: delivery.ID, Attempt: delivery.Attempts}); err != nil {
			t.Fatal(err)
		}
	}
	var failed []outbox.Delivery
	if err := a.db.NewSelect().Model(&failed).Where("kind = ?", outbox.Books).Where("state <> ?", outbox.Done).Scan(t.Context()); err != nil || len(failed) > 0 {
		t.Fatalf("%+v %v", failed, err)
	}
}

// reflected holds that the books' own word has taken the place of the hub's.
func (c circle) reflected(t *testing.T, a *app, number string) {
	t.Helper()
	items, _, err := a.billing.ListInvoices(t.Context(), c.vendor, billing.InvoiceFilter{}, false, store.PageRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, item := range items {
		if item.Number == number && (item.Status != billing.Paid || item.SourceOpen != 0 || item.Applied != 0) {
			t.Errorf("%+v", item.Invoice)
		}
	}
}
