package stripefake_test

import (
	"slices"
	"testing"

	"github.com/stripe/stripe-go/v76"

	"github.com/sheaf-hub/sheaf/hub/gateway/stripe/stripefake"
)

func TestRefundOfCard(t *testing.T) {
	w := newWorld(t)
	s := w.paid(10000, "usd", stripefake.Succeed)
	w.events()
	refund := func(amount int64) (*stripe.Refund, error) {
		return w.api.Refunds.New(&stripe.RefundParams{PaymentIntent: stripe.String(s.PaymentIntent.ID), Amount: stripe.Int64(amount), Metadata: map[string]string{"refund": "r-1"}})
	}
	first, err := refund(4000)
	if err != nil || first.Status != "succeeded" || first.Charge.ID != s.PaymentIntent.LatestCharge.ID || first.BalanceTransaction.ID == "" {
		t.Fatalf("%+v, %v", first, err)
	}
	w.wantEvents("charge.refunded")
	_, err = refund(6001)
	wantError(t, err, 400, "", "greater than unrefunded")
	_, err = refund(0)
	wantError(t, err, 400, "parameter_invalid_integer", "")
	second, err := w.api.Refunds.New(&stripe.RefundParams{Charge: stripe.String(first.Charge.ID)})
	if err != nil || second.Amount != 6000 {
		t.Fatalf("the rest is %+v, %v", second, err)
	}
	_, err = refund(1)
	wantError(t, err, 400, "charge_already_refunded", "already been refunded")
	if charge := w.session(s.ID).PaymentIntent.LatestCharge; charge.AmountRefunded != 10000 || !charge.Refunded {
		t.Errorf("the charge says %d refunded", charge.AmountRefunded)
	}
	a, p := w.Balance("", "usd")
	if a+p != -320 {
		t.Errorf("the balance is %d, want the fee to be lost", a+p)
	}
	list := w.api.Refunds.List(&stripe.RefundListParams{PaymentIntent: stripe.String(s.PaymentIntent.ID)})
	var found []string
	for list.Next() {
		found = append(found, list.Refund().ID)
	}
	if !slices.Equal(found, []string{second.ID, first.ID}) {
		t.Errorf("the list is %v, %v", found, list.Err())
	}
	if err := w.FailRefund(first.ID, "expired_or_canceled_card"); err != nil {
		t.Fatal(err)
	}
	w.wantEvents("charge.refunded", "charge.refund.updated", "refund.failed")
	failed, err := w.api.Refunds.Get(first.ID, nil)
	if err != nil || failed.Status != "failed" || failed.FailureReason != "expired_or_canceled_card" || failed.FailureBalanceTransaction.ID == "" {
		t.Errorf("%+v, %v", failed, err)
	}
	if charge := w.session(s.ID).PaymentIntent.LatestCharge; charge.AmountRefunded != 6000 || charge.Refunded {
		t.Errorf("after it came back the charge says %d refunded", charge.AmountRefunded)
	}
}

func TestRefundOfBankDebit(t *testing.T) {
	w := newWorld(t)
	s := w.paid(10000, "usd", stripefake.Bank)
	_, err := w.api.Refunds.New(&stripe.RefundParams{PaymentIntent: stripe.String(s.PaymentIntent.ID)})
	wantError(t, err, 400, "", "does not have a successful charge")
	w.wait(5 * day)
	w.events()
	refund, err := w.api.Refunds.New(&stripe.RefundParams{PaymentIntent: stripe.String(s.PaymentIntent.ID)})
	if err != nil || refund.Status != "pending" {
		t.Fatal(refund, err)
	}
	w.balance("", "usd", -80, 0)
	w.wait(5 * day)
	w.wantEvents("charge.refunded", "charge.refund.updated")
	if refund, err = w.api.Refunds.Get(refund.ID, nil); err != nil || refund.Status != "succeeded" {
		t.Errorf("after five days it is %+v, %v", refund, err)
	}
}

func TestRefundRefused(t *testing.T) {
	w := newWorld(t)
	_, err := w.api.Refunds.New(&stripe.RefundParams{})
	wantError(t, err, 400, "parameter_missing", "payment_intent or charge")
	_, err = w.api.Refunds.New(&stripe.RefundParams{Charge: stripe.String("ch_none")})
	wantError(t, err, 400, "resource_missing", "ch_none")
	charge := w.paid(10000, "usd", stripefake.Succeed).PaymentIntent.LatestCharge.ID
	if _, err := w.OpenDispute(charge, 0, "fraudulent"); err != nil {
		t.Fatal(err)
	}
	_, err = w.api.Refunds.New(&stripe.RefundParams{Charge: stripe.String(charge)})
	wantError(t, err, 400, "charge_disputed", "charged back")
}
