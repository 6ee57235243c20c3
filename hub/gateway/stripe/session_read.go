package stripe

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	stripego "github.com/stripe/stripe-go/v76"
	"github.com/tidwall/gjson"
)

// Looking at a page that was paid is what the hub asks Stripe most. The library
// reads the answer, of some kilobytes, more than once for each object in it, which
// took more than half of the hub's own time of a settlement (measured with
// cmd/sheaf/settlebench). So the answer is put aside before the library reads it,
// and of a page that was simply paid only what a state is made of is read. Any
// other answer is read by the library as ever.

// asideKey is the context's key of an answer that is put aside.
type asideKey struct{}

// aside holds the body of an answer; empty: none came.
type aside struct{ body []byte }

// putAside keeps a good answer for whoever asked for that, and leaves the library
// an empty object. What else comes goes its way.
func putAside(ctx context.Context, response *http.Response) (*http.Response, error) {
	kept, wanted := ctx.Value(asideKey{}).(*aside)
	if !wanted || response.StatusCode != http.StatusOK {
		return response, nil
	}
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close() // it was read to its end, or is of no use
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	kept.body = body
	response.Body = io.NopCloser(bytes.NewReader([]byte("{}")))
	return response, nil
}

// session fetches a page with all that its state is read from.
func (g *Gateway) session(ctx context.Context, ref string) (*stripego.CheckoutSession, error) {
	var kept aside
	params := &stripego.CheckoutSessionParams{Params: stripego.Params{Context: context.WithValue(ctx, asideKey{}, &kept)}, Expand: sessionExpansions()}
	session, err := g.api.CheckoutSessions.Get(ref, params)
	if err != nil {
		return nil, reading("look at the payment page", err)
	}
	if paid := paidSession(kept.body); paid != nil {
		return paid, nil
	}
	if err := json.Unmarshal(kept.body, session); err != nil {
		return nil, reading("look at the payment page", fmt.Errorf("an answer that cannot be read: %w", err))
	}
	return session, nil
}

// paidSession reads a page that was paid by card and on which nothing else has
// happened; nil when it is anything else.
func paidSession(body []byte) *stripego.CheckoutSession {
	if !gjson.ValidBytes(body) {
		return nil
	}
	page := gjson.ParseBytes(body)
	intent := page.Get("payment_intent")
	charge := intent.Get("latest_charge")
	booked, refunds, details := charge.Get("balance_transaction"), charge.Get("refunds"), charge.Get("payment_method_details")
	simply := intent.Get("status").Str == string(stripego.PaymentIntentStatusSucceeded) && booked.IsObject() && details.Get("type").Str == "card" &&
		details.Get("card").IsObject() && charge.Get("disputed").Type == gjson.False && refunds.Get("has_more").Type == gjson.False &&
		refunds.Get("data").IsArray() && refunds.Get("data.#").Int() == 0
	if !simply {
		return nil
	}
	return &stripego.CheckoutSession{ID: page.Get("id").Str, Livemode: page.Get("livemode").Bool(), Mode: stripego.CheckoutSessionMode(page.Get("mode").Str),
		Status: stripego.CheckoutSessionStatus(page.Get("status").Str), Metadata: ours(page),
		PaymentIntent: &stripego.PaymentIntent{ID: intent.Get("id").Str, Livemode: intent.Get("livemode").Bool(), Status: stripego.PaymentIntentStatusSucceeded,
			Metadata: ours(intent), AmountReceived: intent.Get("amount_received").Int(), Currency: stripego.Currency(intent.Get("currency").Str),
			LatestCharge: &stripego.Charge{ID: charge.Get("id").Str, Refunds: &stripego.RefundList{},
				PaymentMethodDetails: &stripego.ChargePaymentMethodDetails{Type: "card", Card: &stripego.ChargePaymentMethodDetailsCard{
					Brand: stripego.PaymentMethodCardBrand(details.Get("card.brand").Str), Last4: details.Get("card.last4").Str}},
				BalanceTransaction: &stripego.BalanceTransaction{Currency: stripego.Currency(booked.Get("currency").Str), Fee: booked.Get("fee").Int(),
					AvailableOn: booked.Get("available_on").Int()}}}}
}

// ours is the one thing that the hub writes into metadata and reads here.
func ours(object gjson.Result) map[string]string {
	return map[string]string{metaPayment: object.Get("metadata." + metaPayment).Str}
}
