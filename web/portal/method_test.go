package portal_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/payment"
)

// keep saves a means of payment by a button of the sandbox's page, and returns
// where that leads.
func (b *browser) keep(button string, pairs ...string) string {
	b.w.t.Helper()
	form := b.get("/me/methods").want(200, "Save ", "I allow Sheaf to keep this means of payment")
	page := b.post("/me/methods", append([]string{"key", form.field("key"), "consent", payment.ConsentVersion, "currency", "EUR"}, pairs...)...).goes("/sandbox/methods/")
	b.get(page).want(200, "no money moves", "A card that works")
	back := b.post(page, "outcome", button).goes("/me/methods/setups/")
	return b.get(back).goes("/me/")
}

// review ticks invoices and returns the page to check them.
func (b *browser) review(numbers ...string) string {
	b.w.t.Helper()
	var pairs []string
	for _, number := range numbers {
		pairs = append(pairs, "invoice", b.w.id(number))
	}
	return b.post("/me/quotes", pairs...).goes("/me/quotes/")
}

func (w *world) one(query string) string {
	w.t.Helper()
	var value string
	w.must(w.DB.NewRaw(query).Scan(w.t.Context(), &value))
	return value
}

func TestSaveACardAndPayWithIt(t *testing.T) {
	w := usual(t)
	b := w.signIn(ann)
	b.get("/me/payments").want(200, "Planned payments", "Saved cards and accounts")
	b.post("/me/methods", "key", "k", "currency", "EUR").want(422, "Read the terms and tick that you agree")
	review := b.review("NF-1")
	b.get(review).want(200, "Save a card or a bank account").without("Pay on a date")
	quote := strings.TrimPrefix(review, "/me/quotes/")
	if to := b.keep("card", "quote", quote); to != review {
		t.Fatalf("the payer is lost at %s", to)
	}
	page := b.get(review).want(200, "It is saved", "Pay with Visa ending 4242 now", "Pay on a date", "Pay EUR 100.00")
	method := w.one("SELECT id FROM saved_methods")
	receipt := b.post(review+"/charges", "hash", page.field("hash"), "currency", "EUR", "method", method).goes("/pay/")
	b.get(receipt).want(200, "Paid: EUR 100.00", "Visa ending 4242")
	if w.open("NF-1") != 0 {
		t.Fatal("not paid")
	}
	b.get("/me/methods/"+method).want(200, "Visa ending 4242", "What you agreed to", "Nothing is planned with it")
	b.post("/me/methods/" + method + "/removals").goes("/me/methods")
	b.get("/me/methods").want(200, "It is removed", "You have saved none")
	b.get("/me/methods/" + method).want(404)
	w.verify()
}

func TestADeclinedCardSaysSo(t *testing.T) {
	w := usual(t)
	b := w.signIn(ann)
	b.keep("card-declining")
	review := b.review("NF-1")
	page := b.get(review).want(200, "Visa ending 0341")
	receipt := b.post(review+"/charges", "hash", page.field("hash"), "currency", "EUR", "method", w.one("SELECT id FROM saved_methods")).goes("/pay/")
	b.get(receipt).want(200, "This payment failed", "The card was declined", "Try again")
	w.gateway.Faults.LoseAnswer = func(op string) bool { return op == "charge" }
	b.keep("card")
	review = b.review("NF-1")
	page = b.get(review)
	receipt = b.post(review+"/charges", "hash", page.field("hash"), "currency", "EUR", "method", w.one("SELECT id FROM saved_methods WHERE detail = 'Visa ending 4242'")).goes("/pay/")
	b.get(receipt).want(200, "Being charged: EUR 100.00").without("Continue the payment")
	w.verify()
}

func TestPlanAPaymentSeeItAndCancelIt(t *testing.T) {
	w := usual(t)
	b := w.signIn(ann)
	b.keep("card")
	review := b.review("NF-1", "AT-1", "AT-2")
	page := b.get(review).want(200, "From 25 Nov to 22 Feb 2027")
	method := w.one("SELECT id FROM saved_methods")
	plan := func(date string) answer {
		return b.post(review+"/schedules", "hash", page.field("hash"), "currency", "EUR", "method", method, "date", date)
	}
	for _, date := range []string{"", "2026-11-24", "soon", "2030-01-01"} {
		plan(date).want(422, "There is a problem", "Choose a date from 25 Nov 2026 to 22 Feb 2027")
	}
	plan("2026-12-03").goes("/me/schedules")
	plan("2026-12-03").goes("/me/schedules") // a second click
	if n := w.one("SELECT count(*) FROM scheduled_payments"); n != "1" {
		t.Fatalf("%s plans", n)
	}
	b.get("/me/schedules").want(200, "EUR 140.00 will be paid on 3 Dec", "Visa ending 4242", "Northwind Freight", "NF-1", "Alder Timber", "Cancel this payment").without("AT-2")
	b.get("/me").want(200, "Will be paid on 3 Dec")
	b.get("/me/invoices/"+w.id("NF-1")).want(200, "Will be paid on 3 Dec", "Will be paid on 3 Dec 2026: EUR 100.00.")
	schedule := w.one("SELECT id FROM scheduled_payments")

	link := w.digest(ann)
	w.browser().get(link).want(200, "Will be paid on 3 Dec")
	found := false
	list, _, err := w.box.List(50, "")
	w.must(err)
	for _, sent := range list {
		opened, err := w.box.Open(sent.ID)
		w.must(err)
		if strings.Contains(opened.Text, "Planned by you") {
			found = strings.Contains(opened.Text, "NF-1  EUR 100.00\n    due 10 Nov · will be paid on 3 Dec\n") && !strings.Contains(opened.Text, "?invoice="+w.id("NF-1"))
		}
	}
	if !found {
		t.Error("the digest asks for what is planned, or says nothing of it")
	}

	// the digest's link shows and pays what it lists, and nothing of what is saved
	stranger := w.browser()
	quote := stranger.post(link+"/quotes", "invoice", w.id("NF-2")).goes(link + "/quotes/")
	stranger.get(quote).want(200, "Pay EUR 250.00").without("Visa ending 4242", "Pay on a date")
	hash := stranger.get(quote).field("hash")
	stranger.post("/me/quotes/"+quote[strings.LastIndex(quote, "/")+1:]+"/charges", "hash", hash, "currency", "EUR", "method", method).want(401)

	b.get("/me/methods/"+method).want(200, "These payments are planned with it")
	b.post("/me/methods/"+method+"/removals").want(409, "Payments are planned with it")
	b.post("/me/schedules/" + schedule + "/cancellations").goes("/me/schedules")
	b.get("/me/schedules").want(200, "That payment is cancelled", "Cancelled").without("Cancel this payment")
	b.get("/me").without("Will be paid on 3 Dec")
	b.post("/me/schedules/" + schedule + "/cancellations").goes("/me/schedules")
	b.get("/me/schedules").want(200, "started or ended already")
	w.verify()
}

func TestAPlanComesTrueAndTheOtherCustomerSeesNothing(t *testing.T) {
	w := usual(t)
	b := w.signIn(ann)
	b.keep("card")
	review := b.review("NF-1")
	b.post(review+"/schedules", "hash", b.get(review).field("hash"), "currency", "EUR", "method", w.one("SELECT id FROM saved_methods"), "date", "2026-11-25").goes("/me/schedules")
	schedule, method := w.one("SELECT id FROM scheduled_payments"), w.one("SELECT id FROM saved_methods")
	other := w.signIn(bob)
	other.get("/me/schedules").want(200, "Nothing is planned").without("NF-1")
	other.get("/me/methods").want(200, "You have saved none").without("4242")
	other.get("/me/methods/" + method).want(404)
	other.get("/me/methods/setups/" + w.one("SELECT id FROM method_setups")).want(404)
	other.post("/me/methods/"+method+"/removals", "planned", "cancel").want(404)
	other.post("/me/schedules/" + schedule + "/cancellations").want(404)
	w.clock.pass(24 * time.Hour)
	_, err := w.Payment.RunSchedules(t.Context())
	w.must(err)
	b.get("/me/schedules").want(200, "Paid", "See the payment")
	if w.open("NF-1") != 0 {
		t.Fatal("not paid")
	}
	w.Payment.Methods = nil // a gateway that keeps nothing
	b.get("/me/methods").want(404)
	b.get("/me/schedules").want(404)
	b.get("/me/payments").want(200).without("Planned payments")
	b.get(b.review("NF-2")).want(200, "Pay EUR 250.00").without("Save a card", "Pay on a date")
	w.verify()
}

func TestAPlanThatCostsMoreOnItsDayIsAskedForAgain(t *testing.T) {
	w := usual(t)
	w.incentives(w.north, payment.Incentives{LateRate: 200, LateDays: 60}) // NF-1 is due on 10 Nov
	b := w.signIn(ann)
	b.keep("card")
	review := b.review("NF-1")
	page := b.get(review).want(200, "EUR 100.00")
	fields := []string{"hash", page.field("hash"), "currency", "EUR", "method", w.one("SELECT id FROM saved_methods"), "date", "2027-01-20"}
	asked := b.post(review+"/schedules", fields...).want(409, "On 20 Jan 2027 this comes to EUR 102.00, not EUR 100.00", "Nothing is planned yet", "What differs on that date", "With a late fee of 2", "With Visa ending 4242. We write to you the day before", "Plan EUR 102.00 for 20 Jan 2027")
	for _, agreed := range []string{"", "-1", "x", "10199"} {
		b.post(review+"/schedules", append(fields, "agreed", agreed)...).want(409, "Nothing is planned yet")
	}
	b.post(review+"/schedules", append(fields, "agreed", asked.field("agreed"))...).goes("/me/schedules")
	b.get("/me/schedules").want(200, "EUR 102.00 will be paid on 20 Jan 2027")
	w.verify()
}

func TestThePayerReadsWhatAPlanLeftOut(t *testing.T) {
	w := usual(t)
	b := w.signIn(ann)
	b.keep("card")
	review := b.review("NF-1", "AT-1")
	b.post(review+"/schedules", "hash", b.get(review).field("hash"), "currency", "EUR", "method", w.one("SELECT id FROM saved_methods"), "date", "2026-11-25").goes("/me/schedules")
	w.incentives(w.north, payment.Incentives{LateRate: 200, LateDays: 1}) // NF-1 is due on 10 Nov
	w.clock.pass(24 * time.Hour)
	_, err := w.Payment.RunSchedules(t.Context())
	w.must(err)
	b.get("/me/schedules").want(200, "Left out, as it would have cost more than you planned: NF-1 (EUR 102.00 instead of EUR 100.00, with a late fee of 2", "See the payment")
	b.get("/me/invoices/"+w.id("NF-1")).want(200, "Left out of the payment that was planned for 25 Nov 2026: it would cost EUR 102.00, and EUR 100.00 was planned.").without("Will be paid on 25 Nov<")
	if w.open("NF-1") == 0 || w.open("AT-1") != 0 {
		t.Error("the wrong invoice is left out")
	}
	w.verify()
}

func TestACardDoesNotTakeTheDiscountForABankDebit(t *testing.T) {
	w := usual(t)
	w.incentives(w.north, payment.Incentives{DebitRate: 100})
	b := w.signIn(ann)
	b.keep("card")
	b.keep("bank")
	review := b.review("NF-1")
	page := b.get(review).want(200, "Pay with Visa ending 4242 now", "Pay with bank account ending 6789 and save EUR 1.00", "you see the lower amount first", "Bank account ending 6789, EUR 1.00 less")
	page.without("Pay with bank account ending 6789 now")
	debit := b.post("/me/quotes", "quote", page.field("quote"), "hash", page.field("hash"), "currency", "EUR", "method", "bank debit").goes("/me/quotes/")
	page = b.get(debit).want(200, "EUR 99.00", "Pay with bank account ending 6789 now").without("Pay with Visa", "Visa ending 4242, until")
	card := w.one("SELECT id FROM saved_methods WHERE detail = 'Visa ending 4242'")
	b.post(debit+"/charges", "hash", page.field("hash"), "currency", "EUR", "method", card).want(422, "These amounts are for a bank debit", "press “Pay another way”")
	b.post(debit+"/schedules", "hash", page.field("hash"), "currency", "EUR", "method", card, "date", "2026-12-03").want(422, "These amounts are for a bank debit")
	bank := w.one("SELECT id FROM saved_methods WHERE detail = 'bank account ending 6789'")
	b.post(debit+"/charges", "hash", page.field("hash"), "currency", "EUR", "method", bank).goes("/pay/")
	if got := w.one("SELECT amount FROM payments"); got != "9900" {
		t.Errorf("%s is charged", got)
	}
	w.verify()
}
