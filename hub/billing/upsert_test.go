package billing_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/party"
)

func TestEachRecordIsJudgedByItself(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		result := d.push(d.vendor, billing.Batch{
			Invoices: []billing.InvoiceRecord{invoice("INV-1"), invoice("INV-2", func(r *billing.InvoiceRecord) { r.Account = "C-404" }), invoice("INV-3")},
			Credits:  []billing.CreditRecord{credit("CR-1", 5000), credit("CR-2", 5001)}})
		if result.Invoices != (party.Counts{Created: 2}) || result.Credits != (party.Counts{Created: 1}) || len(result.Rejected) != 2 {
			t.Fatalf("%+v", result)
		}
		first, second := result.Rejected[0], result.Rejected[1]
		if first.Kind != "invoice" || first.Index != 1 || first.ExternalID != "INV-2" || first.Problems[0].Pointer != "/account" || !strings.Contains(first.Problems[0].Message, "C-404") ||
			second.Kind != "credit" || second.Index != 1 || second.Problems[0].Pointer != "/open" {
			t.Fatalf("%+v", result.Rejected)
		}
		if d.count("invoices", "TRUE") != 2 || d.count("credits", "TRUE") != 1 {
			t.Fatal("something of a rejected record was stored")
		}
		d.sound()
	})
}

func TestARepeatedCallWritesNothing(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		batch := billing.Batch{Accounts: []party.AccountRecord{account("C-1", "ap@acme.example")}, Credits: []billing.CreditRecord{credit("CR-1", 5000)},
			Invoices: []billing.InvoiceRecord{invoice("INV-1", func(r *billing.InvoiceRecord) {
				r.Lines = []billing.Line{{Description: "Freight", Amount: "100.00"}}
				r.Documents = []billing.DocumentRecord{{Name: "INV-1.pdf", ContentType: "application/pdf", Content: []byte("%PDF-1")}}
			})}}
		d.push(d.vendor, batch)
		before, credited := d.book("INV-1"), d.creditNow("CR-1")
		histories := d.count("invoice_history", "TRUE")
		d.pass(time.Hour)
		result := d.push(d.vendor, batch)
		if result.Invoices != (party.Counts{Unchanged: 1}) || result.Credits != (party.Counts{Unchanged: 1}) || result.Accounts != (party.Counts{Unchanged: 1}) {
			t.Fatalf("%+v", result)
		}
		if after := d.book("INV-1"); !after.UpdatedAt.Equal(before.UpdatedAt) || !after.SourceAt.Equal(before.SourceAt) || len(after.Lines) != 1 ||
			!d.creditNow("CR-1").UpdatedAt.Equal(credited.UpdatedAt) || d.count("invoice_history", "TRUE") != histories || d.count("documents", "TRUE") != 1 {
			t.Fatalf("%+v", after)
		}
		batch.Invoices[0].Note = "Thank you"
		if result = d.push(d.vendor, batch); result.Invoices != (party.Counts{Updated: 1}) || d.count("documents", "TRUE") != 1 || d.book("INV-1").Note != "Thank you" {
			t.Fatalf("%+v", result)
		}
		batch.Invoices[0].Documents[0].Content = []byte("%PDF-2")
		if d.push(d.vendor, batch); d.count("documents", "TRUE") != 2 {
			t.Fatal("a new version of a paper was not kept")
		}
		d.sound()
	})
}

func TestEveryRejection(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.bring(invoice("PAID", open(9000)), invoice("TAKEN"), invoice("VOID", func(r *billing.InvoiceRecord) { r.Status = billing.Void }))
		d.must(d.apply("PAID", "", 1000, "SH-1"))
		d.push(d.vendor, billing.Batch{Credits: []billing.CreditRecord{credit("CR-1", 5000)}})
		d.must(d.apply("TAKEN", "CR-1", 100, "SH-2"))
		for name, c := range map[string]struct {
			alter   func(r *billing.InvoiceRecord)
			pointer string // empty: taken
		}{
			"no external id":         {func(r *billing.InvoiceRecord) { r.ExternalID = "" }, "/external_id"},
			"long external id":       {func(r *billing.InvoiceRecord) { r.ExternalID = strings.Repeat("x", 201) }, "/external_id"},
			"no number":              {func(r *billing.InvoiceRecord) { r.Number = "" }, "/number"},
			"invisible number":       {func(r *billing.InvoiceRecord) { r.Number = "\u200b\x00 " }, "/number"},
			"long number":            {func(r *billing.InvoiceRecord) { r.Number = strings.Repeat("9", 201) }, "/number"},
			"unknown account":        {func(r *billing.InvoiceRecord) { r.Account = "C-9" }, "/account"},
			"unknown currency":       {func(r *billing.InvoiceRecord) { r.Currency = "XQX" }, "/currency"},
			"no currency":            {func(r *billing.InvoiceRecord) { r.Currency = "" }, "/currency"},
			"zero total":             {func(r *billing.InvoiceRecord) { r.Total, r.Open = 0, 0 }, "/total"},
			"negative total":         {func(r *billing.InvoiceRecord) { r.Total, r.Open = -1, 0 }, "/total"},
			"huge total":             {func(r *billing.InvoiceRecord) { r.Total = money.MaxMinor + 1 }, "/total"},
			"negative open":          {open(-1), "/open"},
			"open beyond total":      {open(10001), "/open"},
			"due before issue":       {func(r *billing.InvoiceRecord) { r.DueOn = "2026-10-31" }, "/due_on"},
			"number in use":          {func(r *billing.InvoiceRecord) { r.Number = "TAKEN" }, "/number"},
			"number in disguise":     {func(r *billing.InvoiceRecord) { r.Number = " TAKEN\u200b" }, "/number"},
			"number of a void":       {func(r *billing.InvoiceRecord) { r.ExternalID, r.Number = "NEW", "VOID" }, ""},
			"same in other account":  {func(r *billing.InvoiceRecord) { r.ExternalID, r.Account, r.Number = "NEW2", "C-2", "TAKEN" }, ""},
			"currency of a paid one": {func(r *billing.InvoiceRecord) { r.ExternalID, r.Number, r.Currency = "PAID", "PAID", "USD" }, "/currency"},
			"account of a paid one":  {func(r *billing.InvoiceRecord) { r.ExternalID, r.Number, r.Account = "PAID", "PAID", "C-2" }, "/account"},
		} {
			record := invoice("INV-9", c.alter)
			result := d.bring(record)
			if c.pointer == "" {
				if len(result.Rejected) != 0 || result.Invoices.Created != 1 {
					t.Errorf("%s: %+v", name, result)
				}
				continue
			}
			if len(result.Rejected) != 1 || result.Rejected[0].Problems[0].Pointer != c.pointer || result.Rejected[0].Problems[0].Message == "" || result.Invoices != (party.Counts{}) {
				t.Errorf("%s: %+v", name, result)
			}
		}
		if d.count("invoices", "external_id = 'INV-9'") != 0 {
			t.Fatal("a rejected record was stored")
		}
		used := credit("CR-1", 5000)
		used.Currency = "USD"
		if result := d.push(d.vendor, billing.Batch{Credits: []billing.CreditRecord{used}}); len(result.Rejected) != 1 || result.Rejected[0].Problems[0].Pointer != "/currency" {
			t.Fatalf("%+v", result)
		}
		// of another vendor: the same account and numbers are others there
		other := d.addVendor("Brightwell")
		if result := d.push(other, billing.Batch{Invoices: []billing.InvoiceRecord{invoice("TAKEN")}}); len(result.Rejected) != 1 || result.Rejected[0].Problems[0].Pointer != "/account" {
			t.Fatalf("%+v", result)
		}
		d.sound()
	})
}

func TestAVoidGivesItsNumberBack(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.bring(invoice("OLD", func(r *billing.InvoiceRecord) { r.Number = "7" }))
		void := invoice("OLD", func(r *billing.InvoiceRecord) { r.Number, r.Status = "7", billing.Void })
		result := d.bring(void, invoice("NEW", func(r *billing.InvoiceRecord) { r.Number = "7" }))
		if len(result.Rejected) != 0 || result.Invoices != (party.Counts{Created: 1, Updated: 1}) {
			t.Fatalf("%+v", result)
		}
		if result = d.bring(void); len(result.Rejected) != 0 {
			t.Fatalf("%+v", result)
		}
		// renumbered: the old number is free in the same call
		result = d.bring(invoice("NEW", func(r *billing.InvoiceRecord) { r.Number = "8" }), invoice("THIRD", func(r *billing.InvoiceRecord) { r.Number = "7" }))
		if len(result.Rejected) != 0 {
			t.Fatalf("%+v", result)
		}
		d.want("OLD", 0, 0, 0, billing.Void)
	})
}

func TestDueDates(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.push(d.vendor, billing.Batch{Accounts: []party.AccountRecord{{ExternalID: "NOTERMS", Name: "N", Currency: "EUR"}}})
		for number, c := range map[string]struct {
			alter func(r *billing.InvoiceRecord)
			due   money.Date
			note  string
		}{
			"given":     {func(*billing.InvoiceRecord) {}, "2026-12-01", billing.DueGiven},
			"own terms": {func(r *billing.InvoiceRecord) { r.DueOn, r.Terms = "", "Net 10" }, "2026-11-11", billing.DueFromTerms},
			"account's": {func(r *billing.InvoiceRecord) { r.DueOn = "" }, "2026-12-01", billing.DueFromTerms},
			"undated":   {func(r *billing.InvoiceRecord) { r.DueOn, r.IssuedOn = "", "" }, "", billing.DueUnknown},
			"no terms":  {func(r *billing.InvoiceRecord) { r.DueOn, r.Account = "", "NOTERMS" }, "", billing.DueUnknown},
			"riddle":    {func(r *billing.InvoiceRecord) { r.DueOn, r.Account, r.Terms = "", "NOTERMS", "soon" }, "", billing.DueUnknown},
		} {
			d.bring(invoice(number, c.alter))
			if row := d.book(number); row.DueOn != c.due || row.DueNote != c.note {
				t.Errorf("%s: %q %q", number, row.DueOn, row.DueNote)
			}
		}
	})
}

func TestTwoCallsAtOnceBringARecordOnce(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		results, errs := make([]billing.Result, 6), make([]error, 6)
		var calls sync.WaitGroup
		for i := range results {
			calls.Go(func() {
				results[i], errs[i] = d.Upsert(context.Background(), d.vendor, billing.Batch{Accounts: []party.AccountRecord{account("NEW", "ap@new.example")},
					Invoices: []billing.InvoiceRecord{invoice("INV-1", func(r *billing.InvoiceRecord) { r.Account = "NEW" })}})
			})
		}
		calls.Wait()
		created := 0
		for i := range results {
			created += results[i].Invoices.Created
			if errs[i] != nil {
				t.Error(errs[i])
			}
		}
		if created != 1 || d.count("invoices", "TRUE") != 1 || d.count("accounts", "external_id = 'NEW'") != 1 {
			t.Fatalf("%d were created", created)
		}
	})
}
