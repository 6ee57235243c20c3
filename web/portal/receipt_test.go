package portal_test

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/web/paper/papertest"
)

// A receipt is for whoever may see the payment, and for nobody else.
func TestReceiptAsPDF(t *testing.T) {
	w := usual(t)
	b, bobs := w.signIn(ann), w.signIn(bob)
	review := b.post("/me/quotes", "invoice", w.id("NF-1"), "amount-"+w.id("NF-1"), "60.00", "invoice", w.id("AT-1")).goes("/me/quotes/")
	checkout := b.pay(review, "EUR").goes("/sandbox/checkout/")
	receipt := b.post(checkout, "outcome", "process").goes("/pay/")
	id := strings.TrimPrefix(receipt, "/pay/")
	for _, path := range []string{receipt + "/receipt.pdf", "/me/payments/" + id + "/receipt.pdf"} {
		b.get(path).want(409, "There is no receipt yet: the money is on its way.")
	}
	b.get(receipt).want(200, "Processing").without("Receipt (PDF)")
	w.clock.pass(time.Minute)
	b.get(receipt).want(200, "Paid: EUR 100.00", "Receipt (PDF)")
	for _, path := range []string{receipt + "/receipt.pdf", "/me/payments/" + id + "/receipt.pdf"} {
		file := b.get(path).want(200)
		if file.header.Get("Content-Type") != "application/pdf" || !strings.Contains(file.header.Get("Content-Disposition"), "receipt-R-") || file.header.Get("Cache-Control") != "private, no-store" {
			t.Errorf("%v", file.header)
		}
		text := papertest.Text(t, []byte(file.body))
		for _, part := range []string{"Receipt R-", "Ann Weatherby", "24 November 2026, 08:01 UTC", "Northwind Freight", "Alder Timber", "NF-1", "EUR 60.00", "AT-1", "EUR 40.00", "EUR 100.00", "SH-", "not a tax invoice", "Page 1 of 1"} {
			if !strings.Contains(text, part) {
				t.Errorf("the receipt lacks %q:\n%s", part, text)
			}
		}
		bobs.get(path).want(404)
		w.browser().get(path).goes("/?next=")
	}
	b.get("/pay/" + id + "x/receipt.pdf").want(404)
}

// Whoever paid by a digest's link gets the paper on that device, without the
// name that the link does not tell; the mail goes to the contact.
func TestReceiptOfALink(t *testing.T) {
	w := usual(t)
	link := w.digest(ann)
	b := w.browser()
	b.get(link).want(200)
	review := b.post(link+"/quotes", "invoice", w.id("NF-1")).goes(link + "/quotes/")
	receipt := b.post(b.pay(review, "EUR").goes("/sandbox/"), "outcome", "succeed").goes("/pay/")
	b.get(receipt).want(200, "Receipt (PDF)").without("/me/payments/")
	text := papertest.Text(t, []byte(b.get(receipt+"/receipt.pdf").want(200).body))
	if !strings.Contains(text, "Northwind Freight") || strings.Contains(text, "Weatherby") || strings.Contains(text, ann) {
		t.Errorf("the paper of a link:\n%s", text)
	}
	w.browser().get(receipt + "/receipt.pdf").goes("/?next=")
	refs, err := w.DB.TakeDue(context.Background(), payment.Receipts, "contact_id", w.clock.Now(), 10, time.Minute)
	w.must(err)
	for _, ref := range refs {
		w.must(w.Payment.SendReceipt(context.Background(), ref))
	}
	to := ""
	w.must(w.DB.NewRaw("SELECT recipient FROM mails WHERE kind = 'receipt'").Scan(context.Background(), &to))
	if len(refs) != 1 || to != ann {
		t.Fatalf("%d receipts, the last to %q", len(refs), to)
	}
	w.mailed()
	list := w.browser().get("/dev/mail?q=Receipt").want(200, "Receipt R-")
	mail := regexp.MustCompile(`/dev/mail/[^"?]+`).FindString(list.body)
	w.browser().get(mail).want(200, "Attached", "receipt-R-", "application/pdf")
	if text := papertest.Text(t, []byte(w.browser().get(mail+"/attachments/1").want(200).body)); !strings.Contains(text, "Ann Weatherby") || !strings.Contains(text, "EUR 100.00") {
		t.Errorf("what is attached:\n%s", text)
	}
	for _, number := range []string{"0", "2", "-1", "x", "9999999999999999999999"} {
		w.browser().get(mail + "/attachments/" + number).want(404)
	}
}

// mailed sends the receipts of the outbox, as the queue does.
func (w *world) mailed() {
	w.t.Helper()
	out := w.Payment.Outbox
	var ids []string
	w.must(w.DB.NewSelect().TableExpr("mails").Column("id").Where("kind = 'receipt'").Scan(context.Background(), &ids))
	for _, id := range ids {
		_, message, ok, err := out.ClaimMail(context.Background(), store.JobRef{ID: id})
		w.must(err)
		if ok {
			w.must(w.box.Send(context.Background(), message))
		}
	}
}
