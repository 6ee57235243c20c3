package billing_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/hub/store/storetest"
)

// desk is the room on a fresh database with one vendor, two of its accounts and
// a clock moved by hand.
type desk struct {
	*billing.Service
	t      *testing.T
	mu     sync.Mutex
	now    time.Time
	vendor party.Vendor
}

func each(t *testing.T, run func(t *testing.T, d *desk)) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		sealer, err := store.NewSealer(store.NewSealKey())
		if err != nil {
			t.Fatal(err)
		}
		d := &desk{t: t, now: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)}
		d.Service = &billing.Service{DB: db, Party: &party.Service{DB: db, Sealer: sealer, Now: d.clock}, Now: d.clock}
		d.vendor = d.addVendor("Northwind")
		d.push(d.vendor, billing.Batch{Accounts: []party.AccountRecord{account("C-1", "ap@acme.example"), account("C-2", "ap@other.example")}})
		run(t, d)
	})
}

func account(id string, emails ...string) party.AccountRecord {
	record := party.AccountRecord{ExternalID: id, Name: "Customer " + id, Currency: "EUR", Terms: "Net 30"}
	for _, email := range emails {
		record.Contacts = append(record.Contacts, party.ContactRecord{Email: email, Role: party.Payables})
	}
	return record
}

func (d *desk) clock() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now
}

func (d *desk) pass(by time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now = d.now.Add(by)
}

func (d *desk) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) inTx(work func(ctx context.Context, tx bun.Tx) error) error {
	return d.DB.InTx(context.Background(), work)
}

func (d *desk) addVendor(name string) party.Vendor {
	d.t.Helper()
	var vendor party.Vendor
	d.must(d.inTx(func(ctx context.Context, tx bun.Tx) error {
		var err error
		vendor, err = d.Party.AddVendorTx(ctx, tx, party.Profile{Name: name, Email: "ar@vendor.example"}, party.VendorApproved, "whsec_x")
		return err
	}))
	return vendor
}

func (d *desk) push(vendor party.Vendor, batch billing.Batch) billing.Result {
	d.t.Helper()
	result, err := d.Upsert(context.Background(), vendor, batch)
	d.must(err)
	return result
}

// invoice is a record of EUR 100.00, open in full.
func invoice(number string, alter ...func(r *billing.InvoiceRecord)) billing.InvoiceRecord {
	record := billing.InvoiceRecord{ExternalID: number, Number: number, Account: "C-1", IssuedOn: "2026-11-01", DueOn: "2026-12-01",
		Currency: "EUR", Total: 10000, Open: 10000}
	for _, change := range alter {
		change(&record)
	}
	return record
}

func open(minor int64) func(r *billing.InvoiceRecord) {
	return func(r *billing.InvoiceRecord) { r.Open = minor }
}

func credit(number string, openNow int64) billing.CreditRecord {
	return billing.CreditRecord{ExternalID: number, Number: number, Account: "C-1", Currency: "EUR", Total: 5000, Open: openNow}
}

func (d *desk) bring(records ...billing.InvoiceRecord) billing.Result {
	d.t.Helper()
	return d.push(d.vendor, billing.Batch{Invoices: records})
}

func (d *desk) book(number string) billing.Invoice {
	d.t.Helper()
	var row billing.Invoice
	d.must(d.DB.NewSelect().Model(&row).Where("vendor_id = ?", d.vendor.ID).Where("external_id = ?", number).Scan(context.Background()))
	return row
}

func (d *desk) creditNow(number string) billing.Credit {
	d.t.Helper()
	var row billing.Credit
	d.must(d.DB.NewSelect().Model(&row).Where("vendor_id = ?", d.vendor.ID).Where("external_id = ?", number).Scan(context.Background()))
	return row
}

// want holds an invoice's numbers: open, applied here, held.
func (d *desk) want(number string, openNow, applied, held int64, status billing.Status) {
	d.t.Helper()
	row := d.book(number)
	if row.Open != openNow || row.Applied != applied || row.Held != held || row.Status != status {
		d.t.Fatalf("%s: open %d applied %d held %d %s, want %d %d %d %s", number, row.Open, row.Applied, row.Held, row.Status, openNow, applied, held, status)
	}
	d.sound()
}

func (d *desk) sound() {
	d.t.Helper()
	if _, broken, err := d.Check(context.Background()); err != nil || len(broken) > 0 {
		d.t.Fatalf("%v\n%s", err, strings.Join(broken, "\n"))
	}
}

func (d *desk) count(table, where string, arguments ...any) int {
	d.t.Helper()
	n := 0
	d.must(d.DB.NewRaw("SELECT count(*) FROM "+table+" WHERE "+where, arguments...).Scan(context.Background(), &n))
	return n
}

func (d *desk) viewer(email string) billing.Viewer {
	d.t.Helper()
	contact, err := d.Party.ContactByEmail(context.Background(), email)
	d.must(err)
	return billing.Viewer{CustomerID: contact.CustomerID}
}

// apply settles a payment of one invoice, by money or by a credit.
func (d *desk) apply(number, creditNumber string, amount int64, reference string) error {
	row := d.book(number)
	application := billing.Application{CustomerID: row.CustomerID, VendorID: row.VendorID, InvoiceID: row.ID, PaymentID: store.NewID(),
		Amount: amount, Currency: row.Currency, Reference: reference}
	var credits []string
	if creditNumber != "" {
		application.CreditID = d.creditNow(creditNumber).ID
		credits = []string{application.CreditID}
	}
	return d.inTx(func(ctx context.Context, tx bun.Tx) error {
		invoices, byID, err := d.LockTx(ctx, tx, []string{row.ID}, credits)
		if err != nil {
			return err
		}
		return d.SettleTx(ctx, tx, nil, []billing.Application{application}, invoices, byID)
	})
}
