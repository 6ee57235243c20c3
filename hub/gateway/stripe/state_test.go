package stripe_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/payment"
)

// page is a session of Stripe's with an intent in it.
func page(status, intent string) string {
	return fmt.Sprintf(`{"id":"cs_1","object":"checkout.session","mode":"payment","status":%q,"metadata":{"payment_id":"p1"},"payment_intent":%s}`, status, intent)
}

func intent(status, more string) string {
	return fmt.Sprintf(`{"id":"pi_1","object":"payment_intent","status":%q,"currency":"usd","amount_received":1000,"metadata":{"payment_id":"p1"}%s}`, status, more)
}

// bookedCharge is a latest_charge that Stripe has booked, by some method.
func bookedCharge(kind, particulars, currency string, fee int64) string {
	return fmt.Sprintf(`,"latest_charge":{"id":"ch_1","object":"charge","status":"succeeded","payment_method_details":{"type":%q,%q:%s},"refunds":{"object":"list","data":[]},`+
		`"balance_transaction":{"id":"txn_1","object":"balance_transaction","currency":%q,"fee":%d,"available_on":1764000000}}`, kind, kind, particulars, currency, fee)
}

func TestStatesOfAPage(t *testing.T) {
	later := time.Unix(1764000000, 0).UTC()
	usd := money.New(1000, "USD")
	card := bookedCharge("card", `{"brand":"amex","last4":"0005"}`, "usd", 59)
	for name, c := range map[string]struct {
		object string
		want   payment.State
	}{
		"open":                 {page("open", "null"), payment.State{Phase: payment.PhaseOpen}},
		"open, being tried":    {page("open", intent("processing", "")), payment.State{Phase: payment.PhaseOpen}},
		"open, but paid":       {page("open", intent("succeeded", card)), payment.State{Phase: payment.PhaseSucceeded, Captured: usd, Fee: money.New(59, "USD"), Method: payment.MethodCard, Detail: "American Express ending 0005", SourceRef: "ch_1"}},
		"expired":              {page("expired", "null"), payment.State{Phase: payment.PhaseExpired}},
		"expired after a try":  {page("expired", intent("canceled", "")), payment.State{Phase: payment.PhaseExpired}},
		"expired, but paid":    {page("expired", intent("succeeded", card)), payment.State{Phase: payment.PhaseSucceeded, Captured: usd, Fee: money.New(59, "USD"), Method: payment.MethodCard, Detail: "American Express ending 0005", SourceRef: "ch_1"}},
		"not booked yet":       {page("complete", intent("succeeded", `,"latest_charge":{"id":"ch_1","object":"charge","balance_transaction":null,"payment_method_details":{"type":"card","card":{"brand":"visa","last4":"4242"}}}`)), payment.State{Phase: payment.PhaseProcessing, Method: payment.MethodCard, Detail: "Visa ending 4242"}},
		"without its charge":   {page("complete", intent("succeeded", "")), payment.State{Phase: payment.PhaseProcessing}},
		"not expanded":         {page("complete", intent("succeeded", `,"latest_charge":{"id":"ch_1","object":"charge","balance_transaction":"txn_1"}`)), payment.State{Phase: payment.PhaseProcessing}},
		"a debit on its way":   {page("complete", intent("processing", `,"payment_method_types":["sepa_debit"]`)), payment.State{Phase: payment.PhaseProcessing, Method: payment.MethodBankDebit}},
		"small deposits":       {page("complete", intent("requires_action", `,"payment_method_types":["us_bank_account"]`)), payment.State{Phase: payment.PhaseProcessing, Method: payment.MethodBankDebit}},
		"a debit that came":    {page("complete", intent("succeeded", bookedCharge("sepa_debit", `{"last4":"3000"}`, "usd", 35))), payment.State{Phase: payment.PhaseSucceeded, Captured: usd, Fee: money.New(35, "USD"), Method: payment.MethodBankDebit, Detail: "Bank account ending 3000", AvailableAt: later}},
		"a debit that failed":  {page("complete", intent("requires_payment_method", `,"last_payment_error":{"type":"card_error","code":"payment_intent_payment_attempt_failed"},"latest_charge":{"id":"py_1","failure_code":"account_closed","payment_method_details":{"type":"us_bank_account","us_bank_account":{"last4":"6789"}}}`)), payment.State{Phase: payment.PhaseFailed, Method: payment.MethodBankDebit, Detail: "Bank account ending 6789", Reason: "The bank account is closed or cannot be debited. Nothing was charged."}},
		"called off":           {page("complete", intent("canceled", "")), payment.State{Phase: payment.PhaseFailed, Reason: "The payment was called off. Nothing was charged."}},
		"by Link":              {page("complete", intent("succeeded", bookedCharge("link", `{"country":"US"}`, "usd", 59))), payment.State{Phase: payment.PhaseSucceeded, Captured: usd, Fee: money.New(59, "USD"), Method: payment.MethodCard, Detail: "Link", SourceRef: "ch_1"}},
		"by something else":    {page("complete", intent("succeeded", bookedCharge("some_new_way", `{}`, "usd", 59))), payment.State{Phase: payment.PhaseSucceeded, Captured: usd, Fee: money.New(59, "USD"), Method: payment.MethodCard, Detail: "Some new way", AvailableAt: later}},
		"kept in another one":  {page("complete", intent("succeeded", bookedCharge("card", `{"brand":"visa","last4":"4242"}`, "eur", 52))), payment.State{Phase: payment.PhaseSucceeded, Captured: usd, Fee: money.New(52, "EUR"), Method: payment.MethodCard, Detail: "Visa ending 4242", SourceRef: "ch_1"}},
		"an intent by itself":  {intent("requires_payment_method", `,"last_payment_error":{"type":"card_error","code":"card_declined","decline_code":"insufficient_funds"}`), payment.State{Phase: payment.PhaseFailed, Reason: "There was not enough money in the account. Nothing was charged."}},
		"an unheard-of reason": {intent("requires_payment_method", `,"last_payment_error":{"type":"card_error","code":"zzz"}`), payment.State{Phase: payment.PhaseFailed, Reason: "The payment did not go through. Nothing was charged."}},
		"stolen":               {intent("requires_payment_method", `,"last_payment_error":{"type":"card_error","code":"card_declined","decline_code":"stolen_card"}`), payment.State{Phase: payment.PhaseFailed, Reason: "The card was declined. Nothing was charged."}},
	} {
		ref := "cs_1"
		if strings.HasPrefix(c.object, `{"id":"pi_`) {
			ref = "pi_1"
		}
		g := gateway(t, tripper(func(request *http.Request) (*http.Response, error) {
			if request.Method != http.MethodGet || !strings.HasSuffix(request.URL.Path, ref) {
				return answered(request, 200, `{"object":"list","data":[]}`), nil
			}
			return answered(request, 200, c.object), nil
		}))
		c.want.PaymentID = "p1"
		state, err := g.Look(t.Context(), ref)
		if err != nil || fmt.Sprintf("%+v", state) != fmt.Sprintf("%+v", c.want) {
			t.Errorf("%s:\n got %+v, %v\nwant %+v", name, state, err, c.want)
		}
	}
}

func TestPagesThatAreNotOurs(t *testing.T) {
	for name, object := range map[string]string{
		"live":         strings.Replace(page("open", "null"), `"mode"`, `"livemode":true,"mode"`, 1),
		"for a method": strings.Replace(page("open", "null"), `"payment"`, `"setup"`, 1),
	} {
		g := gateway(t, tripper(func(request *http.Request) (*http.Response, error) { return answered(request, 200, object), nil }))
		if state, err := g.Look(t.Context(), "cs_1"); kindOf(err) != payment.ErrNotFound {
			t.Errorf("%s: %+v, %v", name, state, err)
		}
	}
	for name, object := range map[string]string{
		"complete without a payment": page("complete", "null"),
		"of no status":               page("", "null"),
		"of a currency unheard of":   strings.Replace(page("complete", intent("succeeded", bookedCharge("card", `{}`, "usd", 1))), `"currency":"usd","amount_received"`, `"currency":"zzz","amount_received"`, 1),
	} {
		g := gateway(t, tripper(func(request *http.Request) (*http.Response, error) { return answered(request, 200, object), nil }))
		if state, err := g.Look(t.Context(), "cs_1"); kindOf(err) != errUnknown {
			t.Errorf("%s: %+v, %v", name, state, err)
		}
	}
}
