package stripefake_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"

	"github.com/sheaf-hub/sheaf/hub/gateway/stripe/stripefake"
)

func TestSessionPaidByCard(t *testing.T) {
	w := newWorld(t)
	s, err := w.api.CheckoutSessions.New(sessionParams(10000, "usd"))
	if err != nil {
		t.Fatal(err)
	}
	if s.Status != stripe.CheckoutSessionStatusOpen || s.PaymentStatus != "unpaid" || s.PaymentIntent != nil || s.AmountTotal != 10000 ||
		s.URL != "https://pay.stripe.example/c/pay/"+s.ID || len(s.PaymentMethodTypes) != 2 {
		t.Errorf("a new session is %+v", s)
	}
	next, err := w.Pay(s.ID, stripefake.Succeed)
	if err != nil || next != "https://sheaf.example/back?s="+s.ID {
		t.Errorf("the payer goes to %q, %v", next, err)
	}
	s = w.session(s.ID)
	charge := s.PaymentIntent.LatestCharge
	if s.Status != "complete" || s.PaymentStatus != "paid" || s.URL != "" || s.PaymentIntent.Status != "succeeded" ||
		s.PaymentIntent.Metadata["payment"] != "p-1" || charge.Metadata["payment"] != "p-1" || charge.PaymentMethodDetails.Card.Last4 != "4242" {
		t.Errorf("a paid session is %+v with %+v", s, charge)
	}
	if line := charge.BalanceTransaction; line.Fee != 320 || line.Net != 9680 || line.Status != "pending" || line.AvailableOn != w.now().Add(2*day).Unix() {
		t.Errorf("its balance line is %+v", line)
	}
	w.balance("", "usd", 0, 9680)
	w.wait(2 * day)
	w.balance("", "usd", 9680, 0)
	w.wantEvents("payment_intent.created", "charge.succeeded", "payment_intent.succeeded", "checkout.session.completed")
	if _, err := w.Pay(s.ID, stripefake.Succeed); !errors.Is(err, stripefake.ErrClosed) {
		t.Errorf("paying twice gives %v", err)
	}
}

func TestSessionDeclined(t *testing.T) {
	w := newWorld(t)
	s, err := w.api.CheckoutSessions.New(sessionParams(10000, "usd"))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := w.Pay(s.ID, stripefake.Decline); !errors.Is(err, stripefake.ErrDeclined) {
			t.Fatalf("a declined card gives %v", err)
		}
	}
	s = w.session(s.ID)
	if s.Status != "open" || s.PaymentIntent.Status != "requires_payment_method" || s.PaymentIntent.LastPaymentError.DeclineCode != "generic_decline" ||
		s.PaymentIntent.LatestCharge.FailureCode != "card_declined" {
		t.Errorf("a declined session is %+v", s.PaymentIntent)
	}
	if next, err := w.Pay(s.ID, stripefake.Abandon); err != nil || next != "https://sheaf.example/stop" {
		t.Errorf("leaving goes to %q, %v", next, err)
	}
	w.wantEvents("payment_intent.created", "charge.failed", "payment_intent.payment_failed", "charge.failed", "payment_intent.payment_failed")
	if _, err := w.Pay(s.ID, stripefake.Succeed); err != nil {
		t.Fatal(err)
	}
	if attempts := w.Intents()[0].Charges; len(attempts) != 3 {
		t.Errorf("%d attempts, want 3", len(attempts))
	}
	w.wantEvents("charge.succeeded", "payment_intent.succeeded", "checkout.session.completed")
}

func TestSessionPaidByBank(t *testing.T) {
	w := newWorld(t)
	s := w.paid(100000, "usd", stripefake.Bank)
	if s.Status != "complete" || s.PaymentStatus != "unpaid" || s.PaymentIntent.Status != "processing" || s.PaymentIntent.LatestCharge.Status != "pending" ||
		s.PaymentIntent.LatestCharge.Paid || s.PaymentIntent.LatestCharge.BalanceTransaction != nil {
		t.Errorf("a slow payment is %+v", s.PaymentIntent)
	}
	w.wantEvents("payment_intent.created", "charge.pending", "payment_intent.processing", "checkout.session.completed")
	w.wait(4*day - time.Second)
	w.wantEvents()
	w.wait(time.Second)
	s = w.session(s.ID)
	if s.PaymentStatus != "paid" || s.PaymentIntent.LatestCharge.BalanceTransaction.Fee != 500 || s.PaymentIntent.LatestCharge.PaymentMethodDetails.USBankAccount == nil {
		t.Errorf("after four days it is %+v", s.PaymentIntent.LatestCharge)
	}
	w.wantEvents("charge.succeeded", "payment_intent.succeeded", "checkout.session.async_payment_succeeded")
	w.balance("", "usd", 0, 99500)
	w.wait(day)
	w.balance("", "usd", 99500, 0)
}

func TestSessionBankFails(t *testing.T) {
	w := newWorld(t)
	s := w.paid(100000, "eur", stripefake.BankFail)
	w.events()
	w.wait(40 * day) // it happens at its own time, however late somebody looks
	s = w.session(s.ID)
	if s.Status != "complete" || s.PaymentStatus != "unpaid" || s.PaymentIntent.Status != "requires_payment_method" ||
		s.PaymentIntent.LatestCharge.FailureCode != "insufficient_funds" {
		t.Errorf("a failed debit is %+v", s.PaymentIntent)
	}
	w.wantEvents("charge.failed", "payment_intent.payment_failed", "checkout.session.async_payment_failed")
	events := w.Events()
	if last := events[len(events)-1]; !last.Created.Equal(w.now().Add(-36 * day)) {
		t.Errorf("it failed at %s", last.Created)
	}
	w.balance("", "eur", 0, 0)
}

func TestSessionExpires(t *testing.T) {
	w := newWorld(t)
	params := sessionParams(5000, "usd")
	params.ExpiresAt = stripe.Int64(w.now().Add(30 * time.Minute).Unix())
	s, err := w.api.CheckoutSessions.New(params)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Pay(s.ID, stripefake.Decline); !errors.Is(err, stripefake.ErrDeclined) {
		t.Fatal(err)
	}
	w.events()
	w.wait(30 * time.Minute)
	if s = w.session(s.ID); s.Status != "expired" || s.PaymentIntent.Status != "canceled" {
		t.Errorf("it is %s, its intent %s", s.Status, s.PaymentIntent.Status)
	}
	w.wantEvents("payment_intent.canceled", "checkout.session.expired")
	if _, err := w.Pay(s.ID, stripefake.Succeed); !errors.Is(err, stripefake.ErrClosed) {
		t.Errorf("paying an expired page gives %v", err)
	}
	_, err = w.api.CheckoutSessions.Expire(s.ID, nil)
	wantError(t, err, 400, "", "can be expired")

	other, err := w.api.CheckoutSessions.New(sessionParams(5000, "usd"))
	if err != nil {
		t.Fatal(err)
	}
	if other, err = w.api.CheckoutSessions.Expire(other.ID, nil); err != nil || other.Status != "expired" || other.URL != "" {
		t.Errorf("expired by hand: %+v, %v", other, err)
	}
	w.wait(25 * time.Hour)
	w.wantEvents("checkout.session.expired")
}

func TestSessionRefused(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		change func(*stripe.CheckoutSessionParams)
		code   stripe.ErrorCode
		words  string
	}{
		"no success_url": {func(p *stripe.CheckoutSessionParams) { p.SuccessURL = nil }, "parameter_missing", "success_url"},
		"no lines":       {func(p *stripe.CheckoutSessionParams) { p.LineItems = nil }, "parameter_missing", "line_items"},
		"no mode":        {func(p *stripe.CheckoutSessionParams) { p.Mode = nil }, "parameter_missing", "mode"},
		"soon": {func(p *stripe.CheckoutSessionParams) {
			p.ExpiresAt = stripe.Int64(w.now().Add(29 * time.Minute).Unix())
		}, "", "at least 30 minutes"},
		"late":           {func(p *stripe.CheckoutSessionParams) { p.ExpiresAt = stripe.Int64(w.now().Add(25 * time.Hour).Unix()) }, "", "less than 24 hours"},
		"unknown":        {func(p *stripe.CheckoutSessionParams) { p.AddExtra("colour", "red") }, "parameter_unknown", "colour"},
		"no customer":    {func(p *stripe.CheckoutSessionParams) { p.Customer = stripe.String("cus_none") }, "resource_missing", "cus_none"},
		"not an address": {func(p *stripe.CheckoutSessionParams) { p.CustomerEmail = stripe.String("ann") }, "email_invalid", "ann"},
		"not a URL":      {func(p *stripe.CheckoutSessionParams) { p.CancelURL = stripe.String("javascript:alert(1)") }, "url_invalid", "URL"},
		"long metadata":  {func(p *stripe.CheckoutSessionParams) { p.AddMetadata("k", string(make([]byte, 501))) }, "", "500 characters"},
		"other currency": {func(p *stripe.CheckoutSessionParams) {
			p.PaymentMethodTypes = stripe.StringSlice([]string{"sepa_debit"})
		}, "", "cannot be used"},
		"not expandable": {func(p *stripe.CheckoutSessionParams) { p.AddExpand("amount_total") }, "", "cannot be expanded"},
		"two currencies": {func(p *stripe.CheckoutSessionParams) {
			p.LineItems = append(p.LineItems, sessionParams(1, "eur").LineItems...)
		}, "", "same currency"},
		"invalid integer": {func(p *stripe.CheckoutSessionParams) {
			p.LineItems[0].Quantity = nil
			p.AddExtra("line_items[0][quantity]", "x")
		}, "parameter_invalid_integer", "x"},
	} {
		params := sessionParams(5000, "usd")
		c.change(params)
		_, err := w.api.CheckoutSessions.New(params)
		t.Run(name, func(t *testing.T) { wantError(t, err, 400, c.code, c.words) })
	}
	_, err := w.api.CheckoutSessions.Get("cs_test_none", nil)
	wantError(t, err, 404, "resource_missing", "No such checkout.session")
}

func TestAmounts(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		amount   int64
		currency string
		code     stripe.ErrorCode
		ok       bool
	}{
		{50, "usd", "", true}, {49, "usd", "amount_too_small", false}, {30, "gbp", "", true}, {29, "gbp", "amount_too_small", false},
		{50, "jpy", "", true}, {49, "jpy", "amount_too_small", false}, {17500, "huf", "", true}, {17499, "huf", "amount_too_small", false},
		{99_999_999, "usd", "", true}, {5010, "kwd", "", true}, {5011, "kwd", "", false}, {5000, "xyz", "", false}, {5000, "btc", "", false},
	} {
		_, err := w.api.CheckoutSessions.New(sessionParams(c.amount, c.currency))
		if c.ok != (err == nil) {
			t.Errorf("%d %s: %v", c.amount, c.currency, err)
		} else if !c.ok {
			wantError(t, err, 400, c.code, "")
		}
	}
	params := sessionParams(60_000_000, "usd")
	params.LineItems = append(params.LineItems, params.LineItems...)
	_, err := w.api.CheckoutSessions.New(params)
	wantError(t, err, 400, "amount_too_large", "999999.99")
}

func TestSessionSavesMethod(t *testing.T) {
	w := newWorld(t)
	customer, err := w.api.Customers.New(&stripe.CustomerParams{Email: stripe.String("ap@acme.example")})
	if err != nil {
		t.Fatal(err)
	}
	s, err := w.api.CheckoutSessions.New(&stripe.CheckoutSessionParams{Mode: stripe.String("setup"), SuccessURL: stripe.String("https://sheaf.example/ok"),
		Currency: stripe.String("usd"), Customer: stripe.String(customer.ID)})
	if err != nil || s.SetupIntent == nil || s.PaymentStatus != "no_payment_required" {
		t.Fatal(s, err)
	}
	if _, err := w.Pay(s.ID, stripefake.Succeed); err != nil {
		t.Fatal(err)
	}
	s = w.session(s.ID)
	if s.Status != "complete" || s.SetupIntent.Status != "succeeded" || s.SetupIntent.PaymentMethod.Card.Last4 != "4242" || s.SetupIntent.PaymentMethod.Customer.ID != customer.ID {
		t.Errorf("a saved method is %+v", s.SetupIntent)
	}
	w.wantEvents("customer.created", "setup_intent.created", "payment_method.attached", "setup_intent.succeeded", "checkout.session.completed")
	_, err = w.api.CheckoutSessions.New(&stripe.CheckoutSessionParams{Mode: stripe.String("setup"), SuccessURL: stripe.String("https://sheaf.example/ok")})
	wantError(t, err, 400, "parameter_missing", "currency")
}

func TestSessionList(t *testing.T) {
	w := newWorld(t)
	var made []string
	for range 12 {
		s, err := w.api.CheckoutSessions.New(sessionParams(5000, "usd"))
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, s.ID)
	}
	params := &stripe.CheckoutSessionListParams{}
	params.Limit = stripe.Int64(5)
	var seen []string
	list := w.api.CheckoutSessions.List(params)
	for list.Next() {
		seen = append(seen, list.CheckoutSession().ID)
	}
	if list.Err() != nil || len(seen) != 12 || seen[0] != made[11] || seen[11] != made[0] {
		t.Errorf("the list is %v, %v", seen, list.Err())
	}
	bad := &stripe.CheckoutSessionListParams{}
	bad.StartingAfter = stripe.String("cs_test_none")
	list = w.api.CheckoutSessions.List(bad)
	if list.Next() || list.Err() == nil {
		t.Error("starting_after an id that is not there gave a list")
	}
}
