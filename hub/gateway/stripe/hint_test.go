package stripe_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	stripego "github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/webhook"

	"github.com/sheaf-hub/sheaf/hub/gateway/stripe"
	"github.com/sheaf-hub/sheaf/hub/gateway/stripe/stripefake"
	"github.com/sheaf-hub/sheaf/hub/payment"
)

func event(kind, account, object string) string {
	return fmt.Sprintf(`{"id":"evt_1","object":"event","api_version":%q,"created":1763640000,"livemode":false,"type":%q,"account":%q,"data":{"object":%s}}`, stripego.APIVersion, kind, account, object)
}

func signed(body, secret string, at time.Time) string {
	return fmt.Sprintf("t=%d,v1=%x", at.Unix(), webhook.ComputeSignature(at, []byte(body), secret))
}

func hooked(t *testing.T, key string) *stripe.Gateway {
	t.Helper()
	g, err := stripe.New(stripe.Config{Key: key, WebhookSecrets: []string{hookSecret, "whsec_connect"}, Now: fixed})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestWhatEventsSpeakOf(t *testing.T) {
	g := hooked(t, "sk_test_1")
	for _, c := range []struct {
		kind, account, object string
		want                  payment.Hint
	}{
		{"checkout.session.completed", "", `{"id":"cs_1","object":"checkout.session","mode":"payment","payment_intent":"pi_1","metadata":{"payment_id":"p1"}}`,
			payment.Hint{Subject: payment.SubjectPayment, Ref: "cs_1", PaymentID: "p1"}},
		{"checkout.session.expired", "", `{"id":"cs_1","object":"checkout.session","mode":"payment","payment_intent":null,"client_reference_id":"p1","metadata":null}`,
			payment.Hint{Subject: payment.SubjectPayment, Ref: "cs_1", PaymentID: "p1"}},
		{"checkout.session.completed", "", `{"id":"cs_2","object":"checkout.session","mode":"setup","metadata":{"setup_id":"s1"}}`, payment.Hint{Subject: payment.SubjectSetup, Ref: "cs_2"}},
		{"checkout.session.completed", "", `{"id":"cs_3","object":"checkout.session","mode":"subscription"}`, payment.Hint{}},
		{"payment_intent.processing", "", `{"id":"pi_1","object":"payment_intent","metadata":{"payment_id":"p1"}}`, payment.Hint{Subject: payment.SubjectPayment, Ref: "pi_1", PaymentID: "p1"}},
		{"charge.refunded", "", `{"id":"ch_1","object":"charge","payment_intent":"pi_1","metadata":{"payment_id":"p1"}}`, payment.Hint{Subject: payment.SubjectPayment, Ref: "pi_1", PaymentID: "p1", SourceRef: "ch_1"}},
		{"charge.failed", "", `{"id":"ch_1","object":"charge","payment_intent":{"id":"pi_1","object":"payment_intent"},"metadata":{}}`, payment.Hint{Subject: payment.SubjectPayment, Ref: "pi_1", SourceRef: "ch_1"}},
		{"charge.failed", "", `{"id":"ch_1","object":"charge","payment_intent":null}`, payment.Hint{}},
		{"charge.refund.updated", "", `{"id":"re_1","object":"refund","payment_intent":"pi_1","metadata":{"refund_id":"r1"}}`, payment.Hint{Subject: payment.SubjectPayment, Ref: "pi_1", RefundID: "r1"}},
		{"refund.failed", "", `{"id":"re_1","object":"refund","payment_intent":"pi_1","metadata":{"refund_id":"r1"}}`, payment.Hint{Subject: payment.SubjectPayment, Ref: "pi_1", RefundID: "r1"}},
		{"charge.dispute.funds_withdrawn", "", `{"id":"dp_1","object":"dispute","payment_intent":"pi_1"}`, payment.Hint{Subject: payment.SubjectDispute, Ref: "dp_1"}},
		{"transfer.reversed", "", `{"id":"tr_1","object":"transfer","metadata":{"transfer_id":"t1"}}`, payment.Hint{Subject: payment.SubjectTransfer, Ref: "tr_1", TransferID: "t1"}},
		{"account.updated", "acct_1", `{"id":"acct_1","object":"account"}`, payment.Hint{Subject: payment.SubjectAccount, Ref: "acct_1", AccountRef: "acct_1"}},
		{"account.application.deauthorized", "acct_1", `{"id":"ca_1","object":"application"}`, payment.Hint{Subject: payment.SubjectAccount, Ref: "acct_1", AccountRef: "acct_1"}},
		{"capability.updated", "acct_1", `{"id":"transfers","object":"capability","account":"acct_1"}`, payment.Hint{Subject: payment.SubjectAccount, Ref: "acct_1", AccountRef: "acct_1"}},
		{"payout.failed", "acct_1", `{"id":"po_1","object":"payout"}`, payment.Hint{Subject: payment.SubjectPayout, Ref: "po_1", AccountRef: "acct_1"}},
		{"payout.paid", "", `{"id":"po_1","object":"payout"}`, payment.Hint{}},
		{"payment_intent.succeeded", "acct_1", `{"id":"pi_9","object":"payment_intent","metadata":{"payment_id":"p1"}}`, payment.Hint{AccountRef: "acct_1"}},
		{"charge.refunded", "acct_1", `{"id":"py_1","object":"charge","payment_intent":null}`, payment.Hint{AccountRef: "acct_1"}},
		{"invoice.paid", "", `{"id":"in_1","object":"invoice","payment_intent":"pi_1"}`, payment.Hint{}},
		{"account.updated", "", `{"id":"acct_0","object":"account"}`, payment.Hint{}},
	} {
		body := event(c.kind, c.account, c.object)
		got, err := g.Parse([]byte(body), signed(body, hookSecret, noon))
		c.want.EventID, c.want.Type, c.want.At = "evt_1", c.kind, time.Unix(1763640000, 0).UTC()
		if err != nil || got != c.want {
			t.Errorf("%s:\n got %+v, %v\nwant %+v", c.kind, got, err, c.want)
		}
	}
}

func TestMessagesThatAreNotBelieved(t *testing.T) {
	body := event("checkout.session.completed", "", `{"id":"cs_1","object":"checkout.session","mode":"payment"}`)
	good := signed(body, hookSecret, noon)
	other := func(alter func(string) string) (string, string) {
		changed := alter(body)
		return changed, signed(changed, hookSecret, noon)
	}
	version, versionSigned := other(func(s string) string { return strings.Replace(s, stripego.APIVersion, "2024-06-20", 1) })
	live, liveSigned := other(func(s string) string { return strings.Replace(s, `"livemode":false`, `"livemode":true`, 1) })
	text, textSigned := other(func(string) string { return "hello" })
	array, arraySigned := other(func(string) string { return "[]" })
	charge, chargeSigned := other(func(string) string { return `{"id":"ch_1","object":"charge"}` })
	nothing, nothingSigned := other(func(string) string {
		return fmt.Sprintf(`{"id":"evt_1","object":"event","type":"x","api_version":%q}`, stripego.APIVersion)
	})
	object, objectSigned := other(func(s string) string {
		return strings.Replace(s, `{"id":"cs_1","object":"checkout.session","mode":"payment"}`, `{"id":5}`, 1)
	})
	g := hooked(t, "sk_test_1")
	for _, c := range []struct {
		name, body, signature string
		want                  payment.HintRefusal
	}{
		{"no signature", body, "", payment.HintUnsigned},
		{"nothing at all", "", "", payment.HintUnsigned},
		{"no body", "", good, payment.HintUnsigned},
		{"a signature of another kind", body, "Basic abc", payment.HintUnsigned},
		{"a time that is none", body, "t=soon,v1=00", payment.HintUnsigned},
		{"only an older scheme", body, strings.Replace(good, "v1=", "v0=", 1), payment.HintForged},
		{"another secret", body, signed(body, "whsec_else", noon), payment.HintForged},
		{"an empty secret", body, signed(body, "", noon), payment.HintForged},
		{"another body", body + " ", good, payment.HintForged},
		{"another time", body, strings.Replace(good, fmt.Sprint(noon.Unix()), fmt.Sprint(noon.Unix()+1), 1), payment.HintForged},
		{"six minutes old", body, signed(body, hookSecret, noon.Add(-6*time.Minute)), payment.HintStale},
		{"from the future", body, signed(body, hookSecret, noon.Add(6*time.Minute)), payment.HintStale},
		{"of 1970", body, signed(body, hookSecret, time.Unix(0, 0)), payment.HintStale},
		{"a second time that is younger", body, signed(body, hookSecret, noon.Add(-time.Hour)) + fmt.Sprintf(",t=%d", noon.Unix()), payment.HintForged},
		{"another version", version, versionSigned, payment.HintVersion},
		{"a live event", live, liveSigned, payment.HintMode},
		{"text", text, textSigned, payment.HintUnreadable},
		{"a list", array, arraySigned, payment.HintUnreadable},
		{"no event", charge, chargeSigned, payment.HintUnreadable},
		{"an event of nothing", nothing, nothingSigned, payment.HintUnreadable},
		{"an object that is none", object, objectSigned, payment.HintUnreadable},
	} {
		hint, err := g.Parse([]byte(c.body), c.signature)
		var refusal payment.HintRefusal
		if !errors.As(err, &refusal) || refusal != c.want || hint != (payment.Hint{}) {
			t.Errorf("%s: %+v, %v; want %s", c.name, hint, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "whsec") {
			t.Errorf("%s: says %v", c.name, err)
		}
	}
	if _, err := g.Parse([]byte(body), good); err != nil {
		t.Errorf("the good one: %v", err)
	}
	rolled := good + ",v1=" + strings.TrimPrefix(strings.Split(signed(body, "whsec_old", noon), ",")[1], "v1=")
	if _, err := g.Parse([]byte(body), rolled); err != nil {
		t.Errorf("signed twice while a secret is rolled: %v", err)
	}
	if _, err := g.Parse([]byte(body), signed(body, "whsec_connect", noon.Add(-4*time.Minute))); err != nil {
		t.Errorf("by the second secret: %v", err)
	}
}

// Stripe sends the test events of connected accounts to live endpoints as well:
// they are taken and mean nothing. A live event never reaches a test key.
func TestModes(t *testing.T) {
	body := event("payout.failed", "acct_1", `{"id":"po_1","object":"payout"}`)
	if hint, err := hooked(t, "sk_live_1").Parse([]byte(body), signed(body, hookSecret, noon)); err != nil || hint.Subject != payment.SubjectNone || hint.EventID != "evt_1" {
		t.Errorf("%+v, %v", hint, err)
	}
	own := event("charge.refunded", "", `{"id":"ch_1","object":"charge","payment_intent":"pi_1"}`)
	if _, err := hooked(t, "sk_live_1").Parse([]byte(own), signed(own, hookSecret, noon)); !errors.Is(err, payment.HintMode) {
		t.Errorf("a test event, a live key: %v", err)
	}
	real := strings.Replace(body, `"livemode":false`, `"livemode":true`, 1)
	if _, err := hooked(t, "sk_test_1").Parse([]byte(real), signed(real, hookSecret, noon)); !errors.Is(err, payment.HintMode) {
		t.Errorf("a live event of a connected account, a test key: %v", err)
	}
}

// Every event that the fake sends, signed as Stripe signs, is understood.
func TestEventsOfTheFake(t *testing.T) {
	h := newHouse(t)
	own := h.fake.AddEndpoint(stripefake.Endpoint{Secret: hookSecret})
	connect := h.fake.AddEndpoint(stripefake.Endpoint{Secret: "whsec_connect", Connect: true})
	request, checkout := h.paid(payment.MethodAny, stripefake.Succeed)
	vendor := h.account()
	state := h.look(checkout.Ref)
	if _, err := h.Transfer(t.Context(), payment.TransferRequest{TransferID: "t1", Key: "k", AccountRef: vendor, SourceRef: state.SourceRef, Amount: request.Amount}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.fake.OpenDispute(state.SourceRef, 0, "fraudulent"); err != nil {
		t.Fatal(err)
	}
	seen := map[payment.Subject]bool{}
	for _, endpoint := range []string{own, connect} {
		for _, message := range h.fake.Take(endpoint, 0) {
			hint, err := h.Parse(message.Payload, message.Signature)
			if err != nil || hint.EventID != message.EventID || hint.Type != message.Type || hint.AccountRef != message.Account {
				t.Errorf("%s: %+v, %v", message.Type, hint, err)
			}
			if strings.HasPrefix(hint.Type, "checkout.session") && (hint.PaymentID != request.PaymentID || hint.Ref != checkout.Ref) {
				t.Errorf("%+v", hint)
			}
			if hint.Subject == payment.SubjectTransfer && hint.TransferID != "t1" {
				t.Errorf("%+v", hint)
			}
			seen[hint.Subject] = true
		}
	}
	for _, subject := range []payment.Subject{payment.SubjectPayment, payment.SubjectTransfer, payment.SubjectDispute, payment.SubjectAccount} {
		if !seen[subject] {
			t.Errorf("no event of a %s", subject)
		}
	}
}

func FuzzParse(f *testing.F) {
	g, err := stripe.New(stripe.Config{Key: "sk_test_1", WebhookSecrets: []string{hookSecret}, Now: fixed})
	if err != nil {
		f.Fatal(err)
	}
	for _, object := range []string{`{"id":"cs_1","object":"checkout.session","mode":"payment"}`, `{"object":"charge","payment_intent":{"id":5}}`, `null`, `[]`} {
		f.Add([]byte(event("checkout.session.completed", "", object)), "t=1,v1=00", true)
	}
	f.Fuzz(func(t *testing.T, body []byte, signature string, sign bool) {
		if sign {
			signature = signed(string(body), hookSecret, noon)
		}
		hint, err := g.Parse(body, signature)
		var refusal payment.HintRefusal
		if err != nil && (!errors.As(err, &refusal) || hint != (payment.Hint{})) {
			t.Errorf("%+v, %v", hint, err)
		}
		if err == nil && (!json.Valid(body) || hint.EventID == "") {
			t.Errorf("believed %q as %+v", body, hint)
		}
	})
}
