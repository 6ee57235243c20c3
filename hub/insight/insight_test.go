package insight_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/insight"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/hub/store/storetest"
)

// books are two vendors' on a fresh database; cases are written as rows, so
// that each has the times that a test wants.
type books struct {
	*insight.Service
	t            *testing.T
	now          time.Time
	billing      *billing.Service
	north, south party.Vendor
	made         int
}

func each(t *testing.T, run func(t *testing.T, b *books)) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		sealer, err := store.NewSealer(store.NewSealKey())
		if err != nil {
			t.Fatal(err)
		}
		b := &books{t: t, now: time.Date(2026, 11, 22, 9, 0, 0, 123456000, time.UTC)}
		clock := func() time.Time { return b.now }
		parties := &party.Service{DB: db, Sealer: sealer, Now: clock}
		b.billing = &billing.Service{DB: db, Party: parties, Now: clock}
		b.Service = &insight.Service{DB: db, Now: clock}
		for name, vendor := range map[string]*party.Vendor{"North": &b.north, "South": &b.south} {
			err := db.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
				var err error
				*vendor, err = parties.AddVendorTx(ctx, tx, party.Profile{Name: name, Email: "ar@vendor.example"}, party.VendorApproved, "whsec_x")
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		run(t, b)
	})
}

// owe brings in an invoice and returns its id.
func (b *books) owe(vendor party.Vendor, currency money.Currency, open int64, due money.Date) string {
	b.t.Helper()
	b.made++
	number := "I-" + strconv.Itoa(b.made)
	result, err := b.billing.Upsert(b.t.Context(), vendor, billing.Batch{
		Accounts: []party.AccountRecord{{ExternalID: "C", Name: "Acme", Currency: "EUR", Contacts: []party.ContactRecord{{Email: "ann@acme.example", Role: party.Payables}}}},
		Invoices: []billing.InvoiceRecord{{ExternalID: number, Number: number, Account: "C", Currency: currency, Total: open, Open: open, DueOn: due, Status: billing.Open}}})
	if err != nil || len(result.Rejected) > 0 {
		b.t.Fatalf("%v, %+v", err, result.Rejected)
	}
	var id string
	if err := b.DB.NewRaw("SELECT id FROM invoices WHERE number = ?", number).Scan(b.t.Context(), &id); err != nil {
		b.t.Fatal(err)
	}
	return id
}

// tell writes a case of an age with its first answer; answer negative: none.
func (b *books) tell(invoiceID, kind, status, resolution string, age, answer time.Duration) {
	b.t.Helper()
	opened := b.now.Add(-age)
	var answered *time.Time
	if answer >= 0 {
		at := opened.Add(answer)
		answered = &at
	}
	_, err := b.DB.ExecContext(context.Background(), `INSERT INTO cases (id, customer_id, vendor_id, account_id, invoice_id, contact_id, kind, status, reason, amount,
			currency, details, resolution, resolution_note, created_at, updated_at, answered_at)
		SELECT ?, i.customer_id, i.vendor_id, i.account_id, i.id, co.id, ?, ?, '', 0, 'EUR', '{}', ?, '', ?, ?, ?
		FROM invoices AS i, contacts AS co WHERE i.id = ? AND co.email = 'ann@acme.example'`,
		store.NewID(), kind, status, resolution, opened, opened, answered, invoiceID)
	if err != nil {
		b.t.Fatal(err)
	}
}

const never = time.Duration(-1)

func TestResponseTimes(t *testing.T) {
	each(t, func(t *testing.T, b *books) {
		north, south := b.owe(b.north, "EUR", 100, ""), b.owe(b.south, "EUR", 100, "")
		b.tell(north, "question", "answered", "", 80*time.Hour, 30*time.Minute)
		b.tell(north, "dispute", "resolved", "declined", 70*time.Hour, 3*time.Hour)
		ids := []string{b.north.ID, b.south.ID}
		if times, err := b.ResponseTimes(t.Context(), ids); err != nil || len(times) != 0 {
			t.Fatalf("two answers say nothing: %+v, %v", times, err)
		}
		b.tell(north, "plan", "resolved", "agreed", 60*time.Hour, 20*time.Hour)
		b.tell(north, "question", "open", "", 3*time.Hour, never)               // still fresh
		b.tell(north, "question", "answered", "", 91*24*time.Hour, time.Minute) // too old
		b.tell(north, "promise", "resolved", "noted", 50*time.Hour, time.Minute)
		for range 3 {
			b.tell(south, "question", "answered", "", 80*24*time.Hour, 30*time.Hour)
		}
		times, err := b.ResponseTimes(t.Context(), ids)
		if err != nil {
			t.Fatal(err)
		}
		if got := times[b.north.ID]; got.Median != 3*time.Hour || got.Answers != 3 || got.Words() != "usually answers within 4 hours" {
			t.Errorf("north %+v %q", got, got.Words())
		}
		if got := times[b.south.ID]; got.Median != 30*time.Hour || got.Words() != "usually answers within 2 days" {
			t.Errorf("south %+v %q", got, got.Words())
		}
		for range 4 { // silence is no speed
			b.tell(north, "question", "open", "", 30*24*time.Hour, never)
		}
		if times, err = b.ResponseTimes(t.Context(), ids[:1]); err != nil || len(times) != 1 || times[b.north.ID].Median != 30*24*time.Hour || times[b.north.ID].Answers != 3 {
			t.Errorf("with four that wait: %+v, %v", times, err)
		}
		if times, err := b.ResponseTimes(t.Context(), nil); err != nil || len(times) != 0 {
			t.Errorf("of nobody: %+v, %v", times, err)
		}
	})
}

func TestWords(t *testing.T) {
	for median, want := range map[time.Duration]string{
		0: "usually answers within an hour", time.Hour: "usually answers within an hour", time.Hour + time.Second: "usually answers within 2 hours",
		8 * time.Hour: "usually answers within 8 hours", 9 * time.Hour: "usually answers within a day", 24 * time.Hour: "usually answers within a day",
		25 * time.Hour: "usually answers within 2 days", 7 * 24 * time.Hour: "usually answers within 7 days",
		7*24*time.Hour + time.Second: "usually takes more than a week to answer",
	} {
		if got := (insight.ResponseTime{Median: median}).Words(); got != want {
			t.Errorf("%s: %q, want %q", median, got, want)
		}
	}
}

func TestAging(t *testing.T) {
	each(t, func(t *testing.T, b *books) {
		const today = money.Date("2026-11-22")
		amount := int64(1)
		for _, overdue := range []int{-10, 0, 1, 30, 31, 60, 61, 90, 91, 400} {
			b.owe(b.north, "EUR", amount, today.AddDays(-overdue))
			amount *= 10
		}
		b.owe(b.north, "EUR", 5*amount, "") // never due
		b.owe(b.north, "JPY", 7, today.AddDays(-5))
		paid := b.owe(b.north, "EUR", 3, today.AddDays(-5))
		if _, err := b.DB.ExecContext(t.Context(), "UPDATE invoices SET status = 'paid', open = 0 WHERE id = ?", paid); err != nil {
			t.Fatal(err)
		}
		b.owe(b.south, "USD", 999, today)
		list, err := b.Aging(t.Context(), b.north.ID, today)
		if err != nil {
			t.Fatal(err)
		}
		want := []insight.Aging{
			{Currency: "EUR", Invoices: 11, Current: 5*amount + 11, Days30: 1100, Days60: 110_000, Days90: 11_000_000, Older: 1_100_000_000, Total: 5*amount + 1_111_111_111},
			{Currency: "JPY", Invoices: 1, Days30: 7, Total: 7}}
		if len(list) != 2 || list[0] != want[0] || list[1] != want[1] {
			t.Errorf("got  %+v\nwant %+v", list, want)
		}
		if list, err := b.Aging(t.Context(), store.NewID(), today); err != nil || len(list) != 0 {
			t.Errorf("an unknown vendor: %+v, %v", list, err)
		}
	})
}

func TestAccuracyAndAccountability(t *testing.T) {
	each(t, func(t *testing.T, b *books) {
		if counted, err := b.Accuracy(t.Context(), b.north.ID); err != nil || counted != (insight.Accuracy{}) {
			t.Errorf("of nothing: %+v, %v", counted, err)
		}
		var ids []string
		for range 6 {
			ids = append(ids, b.owe(b.north, "EUR", 100, ""))
		}
		theirs := b.owe(b.south, "EUR", 100, "")
		b.tell(ids[0], "dispute", "resolved", "accepted", time.Hour, 0)
		b.tell(ids[0], "dispute", "resolved", "partly_accepted", 2*time.Hour, 0) // one invoice, once
		b.tell(ids[1], "dispute", "resolved", "declined", time.Hour, 0)
		b.tell(ids[2], "dispute", "open", "", time.Hour, never)
		b.tell(ids[3], "dispute", "withdrawn", "", time.Hour, never)
		b.tell(theirs, "dispute", "resolved", "accepted", time.Hour, 0)
		if counted, err := b.Accuracy(t.Context(), b.north.ID); err != nil || counted != (insight.Accuracy{Invoices: 6, Disputed: 3, Accepted: 1}) {
			t.Errorf("accuracy %+v, %v", counted, err)
		}
		b.tell(ids[0], "promise", "resolved", "kept", time.Hour, never)
		b.tell(ids[1], "promise", "resolved", "kept", time.Hour, never)
		b.tell(ids[2], "promise", "resolved", "broken", time.Hour, never)
		b.tell(ids[3], "promise", "open", "", time.Hour, never)
		b.tell(ids[4], "promise", "withdrawn", "", time.Hour, never)
		b.tell(ids[5], "promise", "resolved", "kept", 91*24*time.Hour, never)
		b.tell(theirs, "promise", "resolved", "kept", time.Hour, never)
		counted, err := b.Accountability(t.Context(), b.north.ID)
		if err != nil || counted != (insight.Accountability{Promises: 4, Kept: 2, Broken: 1}) {
			t.Errorf("accountability %+v, %v", counted, err)
		}
		if got := insight.PerMille(counted.Kept, counted.Kept+counted.Broken); got != 666 {
			t.Errorf("%d ‰", got)
		}
		if got := insight.PerMille(0, 0); got != 0 {
			t.Errorf("of nothing %d ‰", got)
		}
		b.now = b.now.Add(91 * 24 * time.Hour)
		if counted, err := b.Accuracy(t.Context(), b.north.ID); err != nil || counted != (insight.Accuracy{}) {
			t.Errorf("beyond the window: %+v, %v", counted, err)
		}
	})
}
