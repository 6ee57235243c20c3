package billing_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/store"
)

func TestWhoSeesWhat(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		other := d.addVendor("Brightwell")
		paper := func(r *billing.InvoiceRecord) {
			r.Documents = []billing.DocumentRecord{{Name: `C:\inv.html`, ContentType: "text/html; x", Content: []byte("<script>")}, {Name: "held.pdf", ContentType: "application/pdf", Content: []byte("x"), Held: "it holds a program"}}
		}
		d.push(d.vendor, billing.Batch{Invoices: []billing.InvoiceRecord{invoice("MINE", paper), invoice("THEIRS", paper, func(r *billing.InvoiceRecord) { r.Account = "C-2" })},
			Credits: []billing.CreditRecord{credit("CR-1", 5000)}})
		d.push(other, billing.Batch{Accounts: []party.AccountRecord{account("K-1", "ap@acme.example")}, Invoices: []billing.InvoiceRecord{invoice("B-1", func(r *billing.InvoiceRecord) { r.Account = "K-1" })}})
		mine, theirs := d.viewer("ap@acme.example"), d.viewer("ap@other.example")
		numbers := func(viewer billing.Viewer) string {
			items, more, err := d.OpenItems(t.Context(), viewer, "2026-11-22")
			if err != nil || more {
				t.Fatal(more, err)
			}
			var list []string
			for _, item := range items {
				list = append(list, item.Number)
			}
			return strings.Join(list, " ")
		}
		if got := numbers(mine); got != "B-1 MINE" {
			t.Fatal(got)
		}
		if got := numbers(theirs); got != "THEIRS" {
			t.Fatal(got)
		}
		if got := numbers(billing.Viewer{CustomerID: mine.CustomerID, Only: []string{d.book("MINE").ID, d.book("THEIRS").ID}}); got != "MINE" {
			t.Fatal("a digest's link shows", got)
		}
		if got := numbers(billing.Viewer{CustomerID: mine.CustomerID, Only: []string{}}) + numbers(billing.Viewer{CustomerID: store.NewID()}); got != "" {
			t.Fatal(got)
		}
		if _, err := d.Item(t.Context(), mine, d.book("THEIRS").ID, ""); !fault.Is(err, fault.NotFound) {
			t.Fatal(err)
		}
		item, err := d.Item(t.Context(), mine, d.book("MINE").ID, "")
		if err != nil || item.Documents != 2 || item.AccountName != "Customer C-1" || item.AccountExternalID != "C-1" {
			t.Fatalf("%+v, %v", item, err)
		}
		d.papers(mine, theirs)
		credits, err := d.OpenCredits(t.Context(), mine)
		if err != nil || len(credits) != 1 {
			t.Fatal(credits, err)
		}
		for _, viewer := range []billing.Viewer{theirs, {CustomerID: mine.CustomerID, Only: []string{d.book("MINE").ID}}} {
			if credits, err := d.OpenCredits(t.Context(), viewer); err != nil || len(credits) != 0 {
				t.Fatal(credits, err)
			}
		}
		d.must(d.inTx(func(ctx context.Context, tx bun.Tx) error {
			_, _, err := d.Party.SetVendorStatusTx(ctx, tx, d.vendor.ID, party.VendorSuspended, "unpaid fees")
			return err
		}))
		if got := numbers(mine); got != "B-1" {
			t.Fatal("a suspended vendor is shown:", got)
		}
		if _, err := d.Item(t.Context(), mine, item.ID, ""); !fault.Is(err, fault.NotFound) {
			t.Fatal(err)
		}
		if credits, err := d.OpenCredits(t.Context(), mine); err != nil || len(credits) != 0 {
			t.Fatal(credits, err)
		}
	})
}

// papers: who may read the two papers of the invoice MINE.
func (d *desk) papers(mine, theirs billing.Viewer) {
	d.t.Helper()
	ctx := context.Background()
	list, err := d.Documents(ctx, d.book("MINE"))
	if err != nil || len(list) != 2 || len(list[0].Content) != 0 || list[0].Name != "inv.html" || list[0].ContentType != "application/octet-stream" {
		d.t.Fatalf("%+v, %v", list, err)
	}
	if document, err := d.Document(ctx, mine, list[0].ID); err != nil || string(document.Content) != "<script>" {
		d.t.Fatal(document, err)
	}
	if _, err := d.Document(ctx, mine, list[1].ID); !fault.Is(err, fault.Forbidden) {
		d.t.Fatal("a paper that is held back was given", err)
	}
	for _, viewer := range []billing.Viewer{theirs, {CustomerID: mine.CustomerID, Only: []string{d.book("THEIRS").ID}}} {
		if _, err := d.Document(ctx, viewer, list[0].ID); !fault.Is(err, fault.NotFound) {
			d.t.Fatal(err)
		}
	}
	if _, err := d.VendorDocument(ctx, d.vendor.ID, list[0].ID); err != nil {
		d.t.Fatal(err)
	}
	if _, err := d.VendorDocument(ctx, store.NewID(), list[0].ID); !fault.Is(err, fault.NotFound) {
		d.t.Fatal(err)
	}
}

func TestTheVendorsLists(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.push(d.vendor, billing.Batch{Accounts: []party.AccountRecord{account("SILENT"), account("BROKEN", "not an address")},
			Invoices: []billing.InvoiceRecord{invoice("INV-1"), invoice("INV_2", func(r *billing.InvoiceRecord) { r.DueOn = "2026-11-10" }),
				invoice("S-1", func(r *billing.InvoiceRecord) { r.Account = "SILENT" }), invoice("X-1", func(r *billing.InvoiceRecord) { r.Account = "BROKEN" })}})
		totals, err := d.VendorTotals(t.Context(), d.vendor.ID, "2026-11-22")
		if err != nil || len(totals) != 1 || totals[0] != (billing.Totals{Currency: "EUR", Invoices: 4, Open: 40000, Overdue: 10000}) {
			t.Fatalf("%+v, %v", totals, err)
		}
		found, _, err := d.ListInvoices(t.Context(), d.vendor.ID, billing.InvoiceFilter{Search: "v_2"}, true, store.PageRequest{})
		if err != nil || len(found) != 1 || found[0].Number != "INV_2" {
			t.Fatal(found, err)
		}
		seen, cursor := map[string]bool{}, ""
		for pages := 1; ; pages++ {
			items, next, err := d.ListInvoices(t.Context(), d.vendor.ID, billing.InvoiceFilter{}, false, store.PageRequest{Limit: 3, Cursor: cursor})
			if err != nil {
				t.Fatal(err)
			}
			for _, item := range items {
				seen[item.Number] = true
			}
			if cursor = next; cursor == "" {
				if pages != 2 || len(seen) != 4 {
					t.Fatal(pages, seen)
				}
				break
			}
		}
		silent, _, err := d.ListUnreachable(t.Context(), d.vendor.ID, store.PageRequest{})
		if err != nil || len(silent) != 2 {
			t.Fatal(silent, err)
		}
		for _, invoice := range silent {
			want := map[string]string{"S-1": "lists no e-mail address", "X-1": "not an address that mail can reach"}[invoice.Number]
			if want == "" || !strings.Contains(invoice.Reason, want) {
				t.Errorf("%s: %s", invoice.Number, invoice.Reason)
			}
		}
		if items, _, err := d.ListInvoices(t.Context(), d.addVendor("Other").ID, billing.InvoiceFilter{}, true, store.PageRequest{}); err != nil || len(items) != 0 {
			t.Fatal(items, err)
		}
		d.push(d.vendor, billing.Batch{Credits: []billing.CreditRecord{credit("CR-1", 5000)}})
		if credits, _, err := d.ListCredits(t.Context(), d.vendor.ID, time.Time{}, store.PageRequest{}); err != nil || len(credits) != 1 || credits[0].AccountExternalID != "C-1" {
			t.Fatal(credits, err)
		}
	})
}

func TestCheckFindsWhatIsBroken(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.bring(invoice("INV-1"), invoice("INV-2"))
		d.push(d.vendor, billing.Batch{Credits: []billing.CreditRecord{credit("CR-1", 5000)}})
		d.must(d.apply("INV-1", "CR-1", 1000, "SH-1"))
		if n, _, err := d.Check(t.Context()); n != 3 || err != nil {
			t.Fatal(n, err)
		}
		for name, c := range map[string]struct{ plant, undo, words string }{
			"open":           {`UPDATE invoices SET open = open - 1 WHERE number = 'INV-2'`, `UPDATE invoices SET open = open + 1 WHERE number = 'INV-2'`, "invoice " + d.book("INV-2").ID + ": what is open is not what the books say"},
			"open credit":    {`UPDATE credits SET open = open - 1`, `UPDATE credits SET open = open + 1`, "credit " + d.creditNow("CR-1").ID + ": what is open is not"},
			"status":         {`UPDATE invoices SET status = 'paid' WHERE number = 'INV-2'`, `UPDATE invoices SET status = 'open' WHERE number = 'INV-2'`, "its status does not fit"},
			"credit status":  {`UPDATE credits SET status = 'paid'`, `UPDATE credits SET status = 'open'`, "its status does not fit"},
			"applied":        {`UPDATE applications SET reflected_at = created_at`, `UPDATE applications SET reflected_at = NULL`, "invoice " + d.book("INV-1").ID + ": applied"},
			"applied credit": {`UPDATE applications SET credit_reflected_at = created_at`, `UPDATE applications SET credit_reflected_at = NULL`, "credit " + d.creditNow("CR-1").ID + ": applied"},
			"held":           {`UPDATE invoices SET held = 5 WHERE number = 'INV-2'`, `UPDATE invoices SET held = 0 WHERE number = 'INV-2'`, "held is not the sum"},
			"currency":       {`UPDATE applications SET currency = 'USD'`, `UPDATE applications SET currency = 'EUR'`, "in another currency"},
		} {
			d.exec(c.plant)
			_, broken, err := d.Check(t.Context())
			if err != nil || !strings.Contains(strings.Join(broken, "\n"), c.words) {
				t.Errorf("%s: not found in %v, %v", name, broken, err)
			}
			d.exec(c.undo)
			d.sound()
		}
		var broken *store.ConstraintError
		if _, err := d.DB.ExecContext(t.Context(), `UPDATE invoices SET open = total + 1`); !errors.As(d.DB.Typed(err), &broken) || broken.Name != "invoices_open_check" {
			t.Fatal("the database takes more open than the total", err)
		}
	})
}

func (d *desk) exec(statement string) {
	d.t.Helper()
	_, err := d.DB.ExecContext(context.Background(), statement)
	d.must(err)
}
