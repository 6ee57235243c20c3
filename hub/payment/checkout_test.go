package payment_test

import (
	"strings"
	"testing"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/gateway/stripe/stripefake"
	"github.com/sheaf-hub/sheaf/hub/payment"
)

// Stripe makes the page, fails, and gives the same failure for that key for ever.
// The payer presses Pay again and gets a page, the same one from every process;
// the lost one was never shown to anybody.
func TestAPageWhoseKeyIsSpentIsOpenedAgain(t *testing.T) {
	eachReal(t, func(t *testing.T, r *real) {
		_, _, a, b, payer := r.shop()
		r.fake.SetFaults(stripefake.Faults{Request: func(request stripefake.Request) stripefake.Fate {
			return stripefake.Fate{ErrorAfter: strings.HasPrefix(request.Path, "/v1/checkout/sessions") && request.Method == "POST"}
		}})
		quote := r.quote(payer, tick(a, b))
		if _, err := r.Start(t.Context(), payer, quote.ID, quote.Hash, "EUR"); !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "Press Pay again") {
			t.Fatal(err)
		}
		r.fake.SetFaults(stripefake.Faults{})
		two := newTill(t, r.DB) // another process
		two.now, two.Gateway, two.Accounts = r.now, r.stripe, r.stripe
		type result struct {
			started payment.Started
			err     error
		}
		results := make(chan result, 6)
		for i := range cap(results) {
			process := []*till{r.till, two}[i%2]
			go func() {
				started, err := process.Start(t.Context(), payer, quote.ID, quote.Hash, "EUR")
				results <- result{started, err}
			}()
		}
		pages := map[string]bool{}
		var paid payment.Payment
		for range cap(results) {
			got := <-results
			r.must(got.err)
			paid = got.started.Payment
			pages[got.started.RedirectURL] = true
		}
		if len(pages) != 1 || len(r.fake.Sessions()) != 2 {
			t.Fatalf("pages %v, %d sessions", pages, len(r.fake.Sessions()))
		}
		r.pay(paid, stripefake.Succeed)
		r.want(paid.ID, payment.Settled)
		r.work()
		r.later(payment.CheckoutLife) // the lost page closes by itself, and changes nothing
		r.want(paid.ID, payment.Settled)
		if charges := r.fake.Charges(); len(charges) != 1 {
			t.Errorf("%d charges", len(charges))
		}
		r.agrees()
	})
}
