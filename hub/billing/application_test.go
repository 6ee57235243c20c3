package billing_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/store"
)

func TestApplying(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.bring(invoice("INV-1"))
		d.push(d.vendor, billing.Batch{Credits: []billing.CreditRecord{credit("CR-1", 5000)}})
		d.must(d.apply("INV-1", "", 4000, "SH-1"))
		d.want("INV-1", 6000, 4000, 0, billing.Open)
		d.must(d.apply("INV-1", "CR-1", 5000, "SH-2"))
		d.want("INV-1", 1000, 9000, 0, billing.Open)
		if row := d.creditNow("CR-1"); row.Open != 0 || row.Status != billing.Paid {
			t.Fatalf("%+v", row)
		}
		if err := d.apply("INV-1", "", 1001, "SH-3"); err == nil {
			t.Fatal("more than is open was applied")
		}
		d.push(d.vendor, billing.Batch{Credits: []billing.CreditRecord{credit("CR-2", 300)}})
		if err := d.apply("INV-1", "CR-2", 301, "SH-4"); err == nil {
			t.Fatal("more than the credit has was applied")
		}
		d.must(d.apply("INV-1", "", 1000, "SH-5"))
		d.want("INV-1", 0, 10000, 0, billing.Paid)
		d.bring(invoice("INV-1", open(9500))) // somebody paid 5.00 elsewhere too
		d.want("INV-1", 0, 10000, 0, billing.Paid)
		d.bring(invoice("INV-1", func(r *billing.InvoiceRecord) { r.Total, r.Open = 12000, 12000 }))
		d.want("INV-1", 2000, 10000, 0, billing.Open)
	})
}

func TestReservingAndReleasing(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.bring(invoice("INV-1"))
		d.push(d.vendor, billing.Batch{Credits: []billing.CreditRecord{credit("CR-1", 5000)}})
		row, payment := d.book("INV-1"), store.NewID()
		lines := []billing.Reservation{{InvoiceID: row.ID, Amount: 2500}, {InvoiceID: row.ID, CreditID: d.creditNow("CR-1").ID, Amount: 1500}}
		d.must(d.inTx(func(ctx context.Context, tx bun.Tx) error {
			invoices, _, err := d.LockTx(ctx, tx, []string{row.ID}, []string{lines[1].CreditID})
			if err != nil {
				return err
			}
			return d.ReserveTx(ctx, tx, payment, invoices, lines)
		}))
		d.want("INV-1", 10000, 0, 4000, billing.Open)
		if c := d.creditNow("CR-1"); c.Held != 1500 || c.Usable() != 3500 || d.book("INV-1").Payable() != 6000 {
			t.Fatalf("%+v", c)
		}
		d.bring(invoice("INV-1", open(3000))) // a pull does not touch what is held
		d.want("INV-1", 3000, 0, 4000, billing.Open)
		if payable := d.book("INV-1").Payable(); payable != 0 {
			t.Fatal(payable)
		}
		for range 2 { // the second changes nothing
			d.must(d.inTx(func(ctx context.Context, tx bun.Tx) error { return d.ReleaseTx(ctx, tx, payment, lines) }))
			d.want("INV-1", 3000, 0, 0, billing.Open)
			if d.creditNow("CR-1").Held != 0 {
				t.Fatal("the credit is still held")
			}
		}
	})
}

func TestTheBooksCatchUp(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		listed := func(minor int64, references ...string) billing.InvoiceRecord {
			return invoice("INV-1", open(minor), func(r *billing.InvoiceRecord) { r.Applied = references })
		}
		d.bring(invoice("INV-1"))
		d.must(d.apply("INV-1", "", 3000, "SH-1"))
		d.bring(listed(7000, "SH-1"))
		d.want("INV-1", 7000, 0, 0, billing.Open)
		d.must(d.apply("INV-1", "", 2000, "SH-2"))
		d.bring(listed(6500, "SH-1")) // another payment of 5.00, ours is not there yet
		d.want("INV-1", 4500, 2000, 0, billing.Open)
		d.must(d.AcknowledgeTx(t.Context(), d.DB, d.vendor.ID, "SH-2"))
		d.bring(listed(4500, "SH-1")) // books that cannot list references
		d.want("INV-1", 4500, 0, 0, billing.Open)
		d.must(d.apply("INV-1", "", 4500, "SH-3"))
		d.want("INV-1", 0, 4500, 0, billing.Paid)
		var vendors sync.WaitGroup
		row := d.book("INV-1")
		d.must(d.inTx(func(ctx context.Context, tx bun.Tx) error { // the vendor's own word, said five times while a pull has the row
			if _, _, err := d.LockTx(ctx, tx, []string{row.ID}, nil); err != nil {
				return err
			}
			for range 5 {
				vendors.Go(func() {
					if err := d.ConfirmReflected(context.Background(), d.vendor.ID, "SH-3"); err != nil {
						t.Error(err)
					}
				})
			}
			time.Sleep(100 * time.Millisecond) // until they have read and wait for the lock
			return nil
		}))
		vendors.Wait()
		d.want("INV-1", 0, 0, 0, billing.Paid)
		d.must(d.ConfirmReflected(t.Context(), d.vendor.ID, "SH-unknown"))
		if row := d.book("INV-1"); row.SourceOpen != 0 {
			t.Fatalf("%+v", row)
		}
		// withdrawn with something applied
		d.bring(invoice("INV-2"))
		d.must(d.apply("INV-2", "", 100, "SH-4"))
		d.bring(invoice("INV-2", func(r *billing.InvoiceRecord) { r.Status = billing.Void }))
		d.want("INV-2", 0, 0, 0, billing.Void)
		d.bring(invoice("INV-2"))
		d.want("INV-2", 10000, 0, 0, billing.Open)
	})
}

func TestCreditsCatchUp(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.bring(invoice("INV-1"))
		d.push(d.vendor, billing.Batch{Credits: []billing.CreditRecord{credit("CR-1", 5000)}})
		d.must(d.apply("INV-1", "CR-1", 2000, "SH-1"))
		shown := credit("CR-1", 3000)
		shown.Applied = []string{"SH-1"}
		d.push(d.vendor, billing.Batch{Credits: []billing.CreditRecord{shown}})
		if row := d.creditNow("CR-1"); row.Open != 3000 || row.Applied != 0 {
			t.Fatalf("%+v", row)
		}
		d.want("INV-1", 8000, 2000, 0, billing.Open) // the invoice's side is not there yet
		d.must(d.ConfirmReflected(t.Context(), d.vendor.ID, "SH-1"))
		d.want("INV-1", 8000, 0, 0, billing.Open)
		if row := d.creditNow("CR-1"); row.Open != 3000 {
			t.Fatalf("confirmed twice: %+v", row)
		}
	})
}

func TestReflected(t *testing.T) {
	acknowledged := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	app := func(id string, amount int64, told bool) billing.Application {
		application := billing.Application{ID: id, Reference: "SH-" + id, Amount: amount}
		if told {
			application.AcknowledgedAt = acknowledged
		}
		return application
	}
	for name, c := range map[string]struct {
		applications []billing.Application
		references   []string
		before, now  int64
		closed       bool
		ids          string
		sum          int64
	}{
		"nothing":                          {nil, nil, 100, 50, false, "", 0},
		"listed":                           {[]billing.Application{app("a", 40, false), app("b", 30, false)}, []string{"SH-b"}, 100, 70, false, "b", 30},
		"listed though nothing fell":       {[]billing.Application{app("a", 40, false)}, []string{"SH-a"}, 100, 100, false, "a", 40},
		"foreign reference":                {[]billing.Application{app("a", 40, false)}, []string{"SH-z"}, 100, 60, false, "", 0},
		"closed":                           {[]billing.Application{app("a", 40, false), app("b", 30, true)}, nil, 100, 90, true, "ab", 70},
		"nothing open":                     {[]billing.Application{app("a", 40, false)}, nil, 100, 0, false, "a", 40},
		"fell exactly while being told":    {[]billing.Application{app("a", 40, false)}, nil, 100, 60, false, "a", 40},
		"fell more, nobody was told":       {[]billing.Application{app("a", 40, false)}, nil, 100, 50, false, "", 0},
		"fell more, one was not told":      {[]billing.Application{app("a", 40, true), app("b", 10, false)}, nil, 100, 40, false, "", 0},
		"told and fell exactly":            {[]billing.Application{app("a", 40, true)}, nil, 100, 60, false, "a", 40},
		"told and fell more":               {[]billing.Application{app("a", 40, true)}, nil, 100, 30, false, "a", 40},
		"told and fell less":               {[]billing.Application{app("a", 40, true)}, nil, 100, 61, false, "", 0},
		"told and rose":                    {[]billing.Application{app("a", 40, true)}, nil, 100, 120, false, "", 0},
		"the oldest of two":                {[]billing.Application{app("a", 40, true), app("b", 30, true)}, nil, 100, 60, false, "a", 40},
		"the younger alone is not guessed": {[]billing.Application{app("a", 40, true), app("b", 30, true)}, nil, 100, 70, false, "", 0},
		"both":                             {[]billing.Application{app("a", 40, true), app("b", 30, true)}, nil, 100, 30, false, "ab", 70},
		"between the two is not guessed":   {[]billing.Application{app("a", 40, true), app("b", 30, true)}, nil, 100, 50, false, "", 0},
		"listed and told fall apart":       {[]billing.Application{app("a", 40, true), app("b", 30, false)}, []string{"SH-b"}, 100, 30, false, "ba", 70},
		"only the listed one fell":         {[]billing.Application{app("a", 40, true), app("b", 30, false)}, []string{"SH-b"}, 100, 70, false, "b", 30},
	} {
		ids, sum := billing.Reflected(c.applications, c.references, c.before, c.now, c.closed)
		got := strings.Join(ids, "")
		if len(got) != len(c.ids) || sum != c.sum || !sameLetters(got, c.ids) {
			t.Errorf("%s: %q %d, want %q %d", name, got, sum, c.ids, c.sum)
		}
	}
}

func sameLetters(a, b string) bool {
	for _, r := range b {
		if !strings.ContainsRune(a, r) {
			return false
		}
	}
	return true
}
