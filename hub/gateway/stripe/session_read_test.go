package stripe

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	stripego "github.com/stripe/stripe-go/v76"
)

const paidByCard = `{"id":"cs_1","object":"checkout.session","livemode":false,"mode":"payment","status":"complete","metadata":{"payment_id":"p1","more":"x"},
	"payment_intent":{"id":"pi_1","object":"payment_intent","livemode":false,"status":"succeeded","currency":"jpy","amount_received":1200,"metadata":{"payment_id":"p1"},
	"latest_charge":{"id":"ch_1","object":"charge","disputed":false,"refunded":false,"refunds":{"object":"list","data":[],"has_more":false},
	"payment_method_details":{"type":"card","card":{"brand":"visa","last4":"4242"}},
	"balance_transaction":{"id":"txn_1","object":"balance_transaction","currency":"usd","fee":59,"available_on":1764000000}}}}`

func TestAPageThatWasSimplyPaidIsReadAsTheLibraryReadsIt(t *testing.T) {
	quick := paidSession([]byte(paidByCard))
	if quick == nil {
		t.Fatal("it is not seen as simply paid")
	}
	var whole stripego.CheckoutSession
	if err := json.Unmarshal([]byte(paidByCard), &whole); err != nil {
		t.Fatal(err)
	}
	g := &Gateway{}
	want, err := g.stateOfSession(t.Context(), &whole)
	if err != nil {
		t.Fatal(err)
	}
	got, err := g.stateOfSession(t.Context(), quick)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%+v, %v; the library's reading gives %+v", got, err, want)
	}
}

func TestAnythingElseIsLeftToTheLibrary(t *testing.T) {
	for name, change := range map[string][2]string{
		"disputed":                   {`"disputed":false`, `"disputed":true`},
		"refunded":                   {`"data":[]`, `"data":[{"id":"re_1"}]`},
		"more refunds":               {`"has_more":false`, `"has_more":true`},
		"refunds that are not told":  {`"refunds":{"object":"list","data":[],"has_more":false},`, ``},
		"a dispute that is not told": {`"disputed":false,`, ``},
		"processing":                 {`"status":"succeeded"`, `"status":"processing"`},
		"a debit":                    {`"type":"card","card":`, `"type":"sepa_debit","sepa_debit":`},
		"not booked":                 {`"balance_transaction":{`, `"balance_transaction":null,"was":{`},
		"not expanded":               {`"balance_transaction":{`, `"balance_transaction":"txn_1","was":{`},
		"cut off":                    {`}}}}`, `}}`},
	} {
		body := strings.Replace(paidByCard, change[0], change[1], 1)
		if body == paidByCard {
			t.Fatalf("%s changes nothing", name)
		}
		if paidSession([]byte(body)) != nil {
			t.Errorf("%s is taken for simply paid", name)
		}
	}
	if paidSession(nil) != nil {
		t.Error("no answer is taken for simply paid")
	}
}
