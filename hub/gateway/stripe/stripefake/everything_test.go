package stripefake_test

import (
	"testing"

	"github.com/stripe/stripe-go/v76"

	"github.com/sheaf-hub/sheaf/hub/gateway/stripe/stripefake"
)

// everything asks for each endpoint once, as the gateway does.
func everything(t *testing.T, w *world) {
	t.Helper()
	must := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	a, err := w.api.Accounts.New(accountParams("US"))
	must("account", err)
	_, err = w.Onboard(w.link(a.ID), stripefake.Finish)
	must("onboarding", err)
	_, err = w.api.Accounts.GetByID(a.ID, nil)
	must("account", err)
	_, err = w.api.Accounts.Get()
	must("own account", err)
	_, err = w.api.CountrySpecs.Get("US", nil)
	must("country", err)
	customer := w.customer()
	_, err = w.api.Customers.Get(customer, nil)
	must("customer", err)

	card := sessionParams(10000, "usd")
	card.Customer, card.ClientReferenceID, card.Metadata = stripe.String(customer), stripe.String("p-1"), map[string]string{"payment": "p-1"}
	card.ExpiresAt = stripe.Int64(w.now().Unix() + 3600)
	card.PaymentIntentData.Description, card.PaymentIntentData.SetupFutureUsage = stripe.String("Sheaf p-1"), stripe.String("off_session")
	card.PaymentMethodTypes = stripe.StringSlice([]string{"card", "us_bank_account"})
	s, err := w.api.CheckoutSessions.New(card)
	must("session", err)
	_, err = w.Pay(s.ID, stripefake.Succeed)
	must("paying", err)
	s = w.session(s.ID)
	_, err = w.api.CheckoutSessions.Get(s.ID, nil)
	must("session", err)
	lines := w.api.CheckoutSessions.ListLineItems(&stripe.CheckoutSessionListLineItemsParams{Session: stripe.String(s.ID)})
	must("lines", lines.Err())
	must("sessions", w.api.CheckoutSessions.List(&stripe.CheckoutSessionListParams{PaymentIntent: stripe.String(s.PaymentIntent.ID)}).Err())
	other, err := w.api.CheckoutSessions.New(sessionParams(10000, "usd"))
	must("session", err)
	_, err = w.api.CheckoutSessions.Expire(other.ID, nil)
	must("expiry", err)
	setup, err := w.api.CheckoutSessions.New(&stripe.CheckoutSessionParams{Mode: stripe.String("setup"), Currency: stripe.String("usd"),
		SuccessURL: stripe.String("https://sheaf.example/ok"), Customer: stripe.String(customer)})
	must("setup", err)
	_, err = w.Pay(setup.ID, stripefake.Succeed)
	must("saving", err)
	setup = w.session(setup.ID)
	_, err = w.api.SetupIntents.Get(setup.SetupIntent.ID, nil)
	must("setup intent", err)
	_, err = w.api.PaymentMethods.Get(setup.SetupIntent.PaymentMethod.ID, nil)
	must("method", err)
	must("methods", w.api.PaymentMethods.List(&stripe.PaymentMethodListParams{Customer: stripe.String(customer), Type: stripe.String("card")}).Err())
	_, err = w.charge(customer, setup.SetupIntent.PaymentMethod.ID)
	must("off session", err)
	must("intents", w.api.PaymentIntents.List(&stripe.PaymentIntentListParams{Customer: stripe.String(customer)}).Err())
	_, err = w.api.PaymentIntents.Get(s.PaymentIntent.ID, nil)
	must("intent", err)
	_, err = w.api.PaymentMethods.Detach(setup.SetupIntent.PaymentMethod.ID, nil)
	must("detaching", err)

	chargeID := s.PaymentIntent.LatestCharge.ID
	params := transferParams(a.ID, 6000, "usd", chargeID)
	params.TransferGroup, params.Metadata, params.Description = stripe.String("oak-1"), map[string]string{"share": "s-1"}, stripe.String("Invoices")
	sent, err := w.api.Transfers.New(params)
	must("transfer", err)
	_, err = w.api.TransferReversals.New(&stripe.TransferReversalParams{ID: stripe.String(sent.ID), Amount: stripe.Int64(1000), Metadata: map[string]string{"refund": "r-1"}})
	must("reversal", err)
	must("reversals", w.api.TransferReversals.List(&stripe.TransferReversalListParams{ID: stripe.String(sent.ID)}).Err())
	_, err = w.api.Transfers.Get(sent.ID, nil)
	must("transfer", err)
	_, err = w.api.Transfers.Update(sent.ID, &stripe.TransferParams{Metadata: map[string]string{"share": "s-2"}})
	must("transfer", err)
	must("transfers", w.api.Transfers.List(&stripe.TransferListParams{Destination: stripe.String(a.ID), TransferGroup: stripe.String("oak-1"),
		CreatedRange: &stripe.RangeQueryParams{GreaterThanOrEqual: 1}}).Err())
	refund, err := w.api.Refunds.New(&stripe.RefundParams{PaymentIntent: stripe.String(s.PaymentIntent.ID), Amount: stripe.Int64(1000), Metadata: map[string]string{"refund": "r-1"}})
	must("refund", err)
	_, err = w.api.Refunds.Get(refund.ID, nil)
	must("refund", err)
	must("refunds", w.api.Refunds.List(&stripe.RefundListParams{Charge: stripe.String(chargeID)}).Err())

	everythingLater(t, w, a.ID, chargeID, must)
}

// everythingLater asks for what only time or the payer's bank brings.
func everythingLater(t *testing.T, w *world, account, charge string, must func(string, error)) {
	t.Helper()
	id, err := w.OpenDispute(charge, 2000, "fraudulent")
	must("dispute", err)
	file, err := w.file("%PDF-1.4")
	must("file", err)
	_, err = w.api.Disputes.Update(id, &stripe.DisputeParams{Submit: stripe.Bool(true), Evidence: &stripe.DisputeEvidenceParams{Receipt: stripe.String(file.ID), CustomerName: stripe.String("Ann")}})
	must("evidence", err)
	_, err = w.api.Disputes.Get(id, nil)
	must("dispute", err)
	must("disputes", w.api.Disputes.List(&stripe.DisputeListParams{Charge: stripe.String(charge)}).Err())
	expanded := &stripe.ChargeParams{}
	expanded.AddExpand("balance_transaction")
	_, err = w.api.Charges.Get(charge, expanded)
	must("charge", err)
	w.wait(5 * day)
	_, err = w.api.Balance.Get(nil)
	must("balance", err)
	for _, payout := range w.payouts(account) {
		get := &stripe.PayoutParams{}
		get.SetStripeAccount(account)
		_, err = w.api.Payouts.Get(payout.ID, get)
		must("payout", err)
		list := &stripe.BalanceTransactionListParams{Payout: stripe.String(payout.ID)}
		list.SetStripeAccount(account)
		list.AddExpand("data.source")
		must("lines", w.api.BalanceTransactions.List(list).Err())
	}
	must("events", w.api.Events.List(&stripe.EventListParams{Types: stripe.StringSlice([]string{"charge.refunded", "transfer.created"})}).Err())
	for _, event := range w.Events() {
		if event.Account == "" {
			_, err = w.api.Events.Get(event.ID, nil)
			must("event", err)
		}
	}
}
