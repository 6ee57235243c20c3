package console_test

import (
	"encoding/csv"
	"strings"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/gateway/sandbox"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/hub/store/storetest"
	"github.com/sheaf-hub/sheaf/web/paper/papertest"
	"github.com/sheaf-hub/sheaf/web/ui/uitest"
)

func (d *desk) shareID(t *testing.T) string {
	t.Helper()
	var id string
	d.Must(d.DB.NewRaw("SELECT id FROM shares WHERE vendor_id = ?", d.North.ID).Scan(t.Context(), &id))
	return id
}

func (d *desk) sendTransfers(t *testing.T) {
	t.Helper()
	refs, err := d.DB.TakeDue(t.Context(), payment.Transfers, "vendor_id", d.Now(), 100, time.Minute)
	d.Must(err)
	for _, ref := range refs {
		d.Must(d.Payment.SendTransfer(t.Context(), ref))
	}
}

// One share, on paper, as a file, and in the file of its month: all that the
// vendor needs, and nothing of anybody else.
func TestRemittanceAdvice(t *testing.T) {
	storetest.Each(t, remittanceAdvice)
}

func remittanceAdvice(t *testing.T, db *store.DB) {
	d := deskOn(t, db)
	d.Exec("UPDATE invoices SET number = '=HYPERLINK(1)' WHERE number = 'N-2'")
	d.Exec("UPDATE accounts SET name = '@Acme' WHERE vendor_id = ?", d.North.ID)
	p := d.Pay(sandbox.Succeed, "=HYPERLINK(1)", "N-1", "S-1")
	id := d.shareID(t)
	d.Exec("UPDATE shares SET processing_fee = 300, hub_fee = 25, refunded = 500 WHERE id = ?", id)
	d.Exec("UPDATE transfers SET amount = amount - 325, netted = 75, fixed_at = ? WHERE share_id = ?", d.Now(), id)
	d.Exec("UPDATE allocations SET late_fee = 100 WHERE invoice_id = ?", d.Invoice("N-1").ID)
	d.Exec("UPDATE applications SET amount = amount - 100 WHERE invoice_id = ?", d.Invoice("N-1").ID)
	d.Exec(`INSERT INTO refunds (id, customer_id, vendor_id, payment_id, share_id, request_key, currency, amount, reason, origin, requested_by, state, phase, idempotency_key, gateway_ref, attempts, last_answer, created_at, updated_at)
		VALUES (?, ?, ?, ?, ?, 'k', 'EUR', 500, '', 'vendor', '', 'done', 'succeeded', 'x', '', 1, '', ?, ?)`, store.NewID(), p.CustomerID, d.North.ID, p.ID, id, d.Now(), d.Now())
	d.sendTransfers(t)
	foreign := []string{"South", "S-1", "99.00", "304.00", p.ID, p.Number, p.QuoteID, p.GatewayRef, d.South.ID, d.Ann().Email, d.Ann().ID, p.CustomerID}

	base := "/vendor/payments/" + id
	page := d.member.Get(base).Want(t, 200, base+"/remittance.pdf", base+"/remittance.csv", "of it a late fee", "Processing fee", "Kept for what you owed", "Refunded").Without(t, foreign...)
	uitest.Check(t, []byte(page.Body))
	pdf := d.member.Get(base+"/remittance.pdf").Want(t, 200)
	text := papertest.Text(t, []byte(pdf.Body))
	for _, part := range []string{"Remittance advice", "North", "@Acme (C-1)", "=HYPERLINK(1)", "id ext-N-2", "EUR 125.00", "EUR 124.00", "EUR 1.00", "Your share", "EUR 205.00", "EUR −3.00", "EUR −0.25", "EUR −0.75",
		"Sent to you", "EUR 201.00", "Refund, 22 November 2026", "EUR −5.00", "22 November 2026, 09:00 UTC"} {
		if !strings.Contains(text, part) {
			t.Errorf("the advice lacks %q:\n%s", part, text)
		}
	}
	one := d.member.Get(base+"/remittance.csv").Want(t, 200)
	month := d.member.Get("/vendor/remittance.csv?from=2026-11-22&to=2026-11-22").Want(t, 200)
	if one.Body != month.Body {
		t.Errorf("the month's file says something else:\n%s\n%s", one.Body, month.Body)
	}
	for _, file := range []string{text, pdf.Body, one.Body} {
		for _, name := range foreign {
			if strings.Contains(file, name) {
				t.Errorf("an advice bears %q", name)
			}
		}
	}
	rows, err := csv.NewReader(strings.NewReader(one.Body)).ReadAll()
	d.Must(err)
	if len(rows) != 5 { // head, two invoices, transfer, refund
		t.Fatalf("%d rows:\n%s", len(rows), one.Body)
	}
	sums := map[string]string{}
	for _, row := range rows[1:] {
		sums[row[0]] += strings.Join(row[6:19], "|") + "\n"
	}
	want := map[string]string{
		"invoice":  "C-1|'@Acme|N-1|ext-N-1|125.00|1.00|0.00|0.00|||||\nC-1|'@Acme|'=HYPERLINK(1)|ext-N-2|80.00|0.00|0.00|0.00|||||\n",
		"transfer": "|||||||||3.00|0.25|0.75|201.00\n",
		"refund":   "||||-5.00||||||||\n",
	}
	for record, cells := range want {
		if sums[record] != cells {
			t.Errorf("%s:\n%swant\n%s", record, sums[record], cells)
		}
	}
	for _, path := range []string{base + "/remittance.pdf", base + "/remittance.csv"} {
		d.south.Get(path).Want(t, 404)
		d.nobody.Get(path).Want(t, 303)
	}
	d.south.Get("/vendor/remittance.csv").Want(t, 200, "S-1", "99.00").Without(t, "N-1", "ext-N")
}

func TestThePeriodOfAnAdvice(t *testing.T) {
	d := newDesk(t)
	d.Pay(sandbox.Succeed, "N-1") // on 22 November at nine, in UTC
	for query, want := range map[string]int{"": 3, "from=2026-11-01&to=2026-11-21": 1, "from=2026-11-23&to=2026-12-31": 1, "from=2025-11-22&to=2026-11-22": 3} {
		answer := d.member.Get("/vendor/remittance.csv?"+query).Want(t, 200, "record,reference")
		if n := strings.Count(answer.Body, "\n"); n != want {
			t.Errorf("%s: %d lines, want %d", query, n, want)
		}
	}
	for _, query := range []string{"from=2026-11-22&to=2026-11-21", "from=2024-01-01&to=2026-11-22", "from=yesterday", "to=2026-02-30"} {
		d.member.Get("/vendor/remittance.csv?"+query).Want(t, 422)
	}
	d.Exec("UPDATE vendors SET time_zone = 'Pacific/Auckland' WHERE id = ?", d.North.ID) // where it is evening then
	d.Exec("UPDATE shares SET settled_at = ?", time.Date(2026, 11, 22, 11, 30, 0, 0, time.UTC))
	d.member.Get("/vendor/remittance.csv?from=2026-11-23&to=2026-11-23").Want(t, 200, "N-1")
}

func TestNoAdviceBeforeTheMoney(t *testing.T) {
	d := newDesk(t)
	d.Pay(sandbox.Process, "N-1")
	id := d.shareID(t)
	d.member.Get("/vendor/payments/"+id).Want(t, 200).Without(t, "remittance.pdf")
	for _, kind := range []string{"pdf", "csv", "xml"} {
		d.member.Get("/vendor/payments/"+id+"/remittance."+kind).Want(t, 409, "Do not book it before it is")
	}
	d.member.Get("/vendor/remittance.csv").Want(t, 200).Without(t, "N-1")
}

// The notification of a period says what the advice says, under the day on which
// it moved, and nothing of anybody else.
func TestNotification(t *testing.T) {
	storetest.Each(t, notification)
}

func notification(t *testing.T, db *store.DB) {
	d := deskOn(t, db)
	d.Exec("UPDATE accounts SET name = '<Acme>' WHERE vendor_id = ?", d.North.ID)
	p := d.Pay(sandbox.Succeed, "N-2", "N-1", "S-1")
	id := d.shareID(t)
	later := d.Now().AddDate(0, 1, 0)
	d.Exec("UPDATE shares SET processing_fee = 300, refunded = 500 WHERE id = ?", id)
	d.Exec(`INSERT INTO refunds (id, customer_id, vendor_id, payment_id, share_id, request_key, currency, amount, reason, origin, requested_by, state, phase, idempotency_key, gateway_ref, attempts, last_answer, created_at, updated_at)
		VALUES (?, ?, ?, ?, ?, 'k', 'EUR', 500, '', 'vendor', '', 'done', 'succeeded', 'x', '', 1, '', ?, ?)`, store.NewID(), p.CustomerID, d.North.ID, p.ID, id, later, later)
	d.sendTransfers(t)
	var reference string
	d.Must(d.DB.NewRaw("SELECT reference FROM shares WHERE id = ?", id).Scan(t.Context(), &reference))
	foreign := []string{"South", "S-1", "99.00", "304.00", p.ID, p.Number, p.QuoteID, p.GatewayRef, d.South.ID, d.Ann().Email, d.Ann().ID, p.CustomerID}
	credit, debit := "<CdtDbtInd>CRDT</CdtDbtInd>", "<CdtDbtInd>DBIT</CdtDbtInd>\n        <Sts>"

	base := "/vendor/payments/" + id
	d.member.Get(base).Want(t, 200, base+"/remittance.xml")
	one := d.member.Get(base+"/remittance.xml").Want(t, 200, "camt.054.001.08", "<EndToEndId>"+reference+"</EndToEndId>", `<Amt Ccy="EUR">205.00</Amt>`, "<Nb>N-1</Nb>", "<Nb>N-2</Nb>", "<Nm>&lt;Acme&gt;</Nm>",
		`<Amt Ccy="EUR">3.00</Amt>`, credit, debit, "REFUND").Without(t, foreign...)
	if kind := one.Header.Get("Content-Type"); !strings.HasPrefix(kind, "application/xml") || !strings.Contains(one.Header.Get("Content-Disposition"), "remittance-"+reference+".xml") {
		t.Errorf("%v", one.Header)
	}
	d.member.Get("/vendor/remittance.xml?from=2026-11-22&to=2026-11-22").Want(t, 200, credit, "<Dt>2026-11-22</Dt>").Without(t, debit).Without(t, foreign...)
	d.member.Get("/vendor/remittance?as=camt&from=2026-12-01&to=2026-12-31").Want(t, 200, debit, `<Amt Ccy="EUR">5.00</Amt>`, "<Dt>2026-12-22</Dt>").Without(t, "205.00", "N-1")
	d.member.Get("/vendor/remittance?as=csv&from=2026-11-22&to=2026-11-22").Want(t, 200, "record,reference", "N-1")
	d.member.Get("/vendor/remittance.xml?from=2026-11-23&to=2026-11-30").Want(t, 200, "There are no entries in this period.")
	d.member.Get("/vendor/remittance?as=pdf").Want(t, 422)
	d.south.Get(base+"/remittance.xml").Want(t, 404)
	d.south.Get("/vendor/remittance.xml?from=2026-11-01&to=2026-12-31").Want(t, 200, "S-1").Without(t, "N-1", "ext-N", reference)
	d.nobody.Get("/vendor/remittance.xml").Want(t, 303)
}
