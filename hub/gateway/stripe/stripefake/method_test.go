package stripefake_test

import (
	"testing"

	"github.com/stripe/stripe-go/v76"

	"github.com/sheaf-hub/sheaf/hub/gateway/stripe/stripefake"
)

func (w *world) customer() string {
	w.t.Helper()
	customer, err := w.api.Customers.New(&stripe.CustomerParams{Email: stripe.String("ap@acme.example"), Metadata: map[string]string{"contact": "c-1"}})
	if err != nil {
		w.t.Fatal(err)
	}
	return customer.ID
}

func (w *world) charge(customer, method string) (*stripe.PaymentIntent, error) {
	return w.api.PaymentIntents.New(&stripe.PaymentIntentParams{Amount: stripe.Int64(5000), Currency: stripe.String("usd"), Customer: stripe.String(customer),
		PaymentMethod: stripe.String(method), OffSession: stripe.Bool(true), Confirm: stripe.Bool(true), Metadata: map[string]string{"payment": "p-1"},
		PaymentMethodTypes: stripe.StringSlice([]string{"card", "us_bank_account"})})
}

func TestOffSession(t *testing.T) {
	for behaviour, c := range map[string]struct {
		status   stripe.PaymentIntentStatus
		code     stripe.ErrorCode
		decline  stripe.DeclineCode
		declines bool
	}{
		stripefake.GoodCard:          {status: "succeeded"},
		stripefake.GoodBank:          {status: "processing"},
		stripefake.FailingBank:       {status: "processing"},
		stripefake.DecliningCard:     {code: "card_declined", decline: "generic_decline", declines: true},
		stripefake.PoorCard:          {code: "card_declined", decline: "insufficient_funds", declines: true},
		stripefake.ExpiredCard:       {code: "expired_card", decline: "expired_card", declines: true},
		stripefake.AuthenticatedCard: {code: "authentication_required", decline: "authentication_required", declines: true},
	} {
		t.Run(behaviour, func(t *testing.T) {
			w := newWorld(t)
			customer := w.customer()
			method, err := w.SaveMethod(customer, behaviour)
			if err != nil {
				t.Fatal(err)
			}
			intent, err := w.charge(customer, method)
			if !c.declines {
				if err != nil || intent.Status != c.status {
					t.Fatalf("%+v, %v", intent, err)
				}
				w.wait(10 * day)
				return
			}
			problem := wantError(t, err, 402, c.code, "")
			if problem.Type != "card_error" || problem.DeclineCode != c.decline || problem.PaymentIntent == nil || problem.PaymentIntent.Status != "requires_payment_method" ||
				problem.ChargeID == "" || problem.PaymentIntent.Metadata["payment"] != "p-1" {
				t.Errorf("%+v", problem)
			}
			other, err := w.SaveMethod(customer, stripefake.GoodCard)
			if err != nil {
				t.Fatal(err)
			}
			if intent, err = w.api.PaymentIntents.Confirm(problem.PaymentIntent.ID, &stripe.PaymentIntentConfirmParams{PaymentMethod: stripe.String(other)}); err != nil || intent.Status != "succeeded" {
				t.Errorf("with another card: %+v, %v", intent, err)
			}
			_, err = w.api.PaymentIntents.Confirm(intent.ID, nil)
			wantError(t, err, 400, "payment_intent_unexpected_state", "")
		})
	}
}

func TestSavedMethodMustBeTheCustomers(t *testing.T) {
	w := newWorld(t)
	mine, other := w.customer(), w.customer()
	method, err := w.SaveMethod(mine, stripefake.GoodCard)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.charge(other, method)
	wantError(t, err, 400, "", "must be attached")
	if list := w.api.PaymentMethods.List(&stripe.PaymentMethodListParams{Customer: stripe.String(mine)}); !list.Next() || list.PaymentMethod().ID != method {
		t.Errorf("the customer's methods are wrong: %v", list.Err())
	}
	if detached, err := w.api.PaymentMethods.Detach(method, nil); err != nil || detached.Customer != nil {
		t.Errorf("%+v, %v", detached, err)
	}
	_, err = w.charge(mine, method)
	wantError(t, err, 400, "", "may not be used again")
	_, err = w.api.PaymentMethods.Detach(method, nil)
	wantError(t, err, 400, "", "not attached")
	if n := len(w.Charges()); n != 0 {
		t.Errorf("%d charges", n)
	}
}

func TestSavedWhilePaying(t *testing.T) {
	w := newWorld(t)
	params := sessionParams(5000, "usd")
	params.PaymentIntentData.SetupFutureUsage = stripe.String("off_session")
	params.CustomerEmail = stripe.String("ap@acme.example")
	s, err := w.api.CheckoutSessions.New(params)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Pay(s.ID, stripefake.SucceedThenAuthentication); err != nil {
		t.Fatal(err)
	}
	s = w.session(s.ID)
	if s.Customer == nil || s.CustomerDetails.Email != "ap@acme.example" || s.PaymentIntent.Customer.ID != s.Customer.ID {
		t.Fatalf("%+v", s)
	}
	_, err = w.charge(s.Customer.ID, s.PaymentIntent.PaymentMethod.ID)
	wantError(t, err, 402, "authentication_required", "")
	list := w.api.PaymentIntents.List(&stripe.PaymentIntentListParams{Customer: stripe.String(s.Customer.ID)})
	n := 0
	for list.Next() {
		n++
	}
	if n != 2 || list.Err() != nil {
		t.Errorf("the customer has %d intents, %v", n, list.Err())
	}
}
