package portal_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/payment"
)

func (w *world) incentives(vendor party.Vendor, in payment.Incentives) {
	w.t.Helper()
	w.must(w.DB.InTx(context.Background(), func(ctx context.Context, tx bun.Tx) error {
		_, _, err := w.Payment.SetIncentivesTx(ctx, tx, vendor.ID, in)
		return err
	}))
}

// What a page says of a discount is what the next one charges, by either method.
func TestDiscountsAreShownBeforePaying(t *testing.T) {
	w := usual(t)
	early := bill("NF-9", "200.00", "EUR", "2026-12-20")
	early.IssuedOn = "2026-11-20"
	w.bring(w.north, ann, nil, early)
	w.incentives(w.north, payment.Incentives{EarlyRate: 200, EarlyDays: 10})
	w.incentives(w.timber, payment.Incentives{DebitRate: 100})
	b := w.signIn(ann)
	me := b.get("/me?invoice="+w.id("NF-9")).want(200, "EUR 196.00 if paid by 30 Nov (2 % discount)", "1 invoice ticked. EUR 196.00")
	if !strings.Contains(me.body, `data-full="20000" data-charge="19600"`) {
		t.Error("the module cannot count the discount")
	}
	b.get("/me/invoices/"+w.id("NF-9")).want(200, "EUR 196.00 if paid by 30 Nov (2 % discount)")

	review := b.post("/me/quotes", "invoice", w.id("NF-9"), "invoice", w.id("AT-1")).goes("/me/quotes/")
	b.get(review).want(200, "Discount: 2 % for paying by 30 Nov", "Discounts EUR −4.00", "To pay EUR 236.00", "Pay by bank debit and save EUR 0.40")
	b.post("/me/quotes", "quote", strings.TrimPrefix(review, "/me/quotes/"), "currency", "EUR", "method", "cash").want(422)
	cheaper := b.post("/me/quotes", "quote", strings.TrimPrefix(review, "/me/quotes/"), "currency", "EUR", "method", "bank debit").goes("/me/quotes/")
	b.get(cheaper).want(200, "1 % for paying by bank debit", "To pay EUR 235.60", "By bank debit alone", "Pay another way").without("and save")
	back := b.post("/me/quotes", "quote", strings.TrimPrefix(cheaper, "/me/quotes/"), "currency", "EUR", "method", "").goes("/me/quotes/")
	b.get(back).want(200, "To pay EUR 236.00", "and save EUR 0.40")

	checkout := b.pay(cheaper, "EUR").goes("/sandbox/checkout/")
	if page := b.get(checkout).want(200, "Pay EUR 235.60", "slow bank debit"); strings.Contains(page.body, `value="succeed"`) {
		t.Error("a card is offered")
	}
	b.get(review).want(200) // an older page is still there, and paying it is refused
	b.pay(review, "EUR").want(409, "being paid in another checkout")
	receipt := b.post(checkout, "outcome", "process").goes("/pay/")
	b.get(receipt).want(200, "EUR 235.60", "Discount EUR −4.00")
	w.verify()
}

func TestAFeeThatArisesMeanwhileIsShownFirst(t *testing.T) {
	w := usual(t)
	late := bill("NF-8", "100.00", "EUR", "2026-11-23")
	w.bring(w.north, ann, nil, late)
	w.incentives(w.north, payment.Incentives{LateFixed: money.Amounts{"EUR": 750}, LateDays: 2})
	b := w.signIn(ann)
	review := b.post("/me/quotes", "invoice", w.id("NF-8")).goes("/me/quotes/")
	b.get(review).want(200, "To pay EUR 100.00", "Pay EUR 100.00").without("ate fee")
	w.incentives(w.north, payment.Incentives{LateFixed: money.Amounts{"EUR": 750}, LateDays: 1})
	b.pay(review, "EUR").want(409, "A discount or a late fee changed since you looked", "It now bears a late fee of EUR 7.50", "EUR 107.50", "Pay the new amount: EUR 107.50")
	b.get("/me").want(200, "plus a late fee of EUR 7.50")

	w.incentives(w.north, payment.Incentives{LateFixed: money.Amounts{"EUR": 750}, LateDays: 1, WaivedDays: 2})
	b.get("/me").want(200, "late fee of EUR 7.50 waived if paid by 26 Nov")
	w.clock.pass(24 * time.Hour)
	b.get("/me").want(200, "late fee of EUR 7.50 waived if paid by 26 Nov") // from the first showing
	review = b.post("/me/quotes", "invoice", w.id("NF-8")).goes("/me/quotes/")
	b.get(review).want(200, "waived for paying by 26 Nov", "To pay EUR 100.00")
	w.clock.pass(48 * time.Hour)
	b.get("/me").want(200, "plus a late fee of EUR 7.50")
	w.verify()
}
