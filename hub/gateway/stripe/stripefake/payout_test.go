package stripefake_test

import (
	"slices"
	"testing"

	"github.com/stripe/stripe-go/v76"

	"github.com/sheaf-hub/sheaf/hub/gateway/stripe/stripefake"
)

// payouts lists an account's payouts, newest first.
func (w *world) payouts(account string) []*stripe.Payout {
	w.t.Helper()
	params := &stripe.PayoutListParams{}
	params.SetStripeAccount(account)
	list := w.api.Payouts.List(params)
	var found []*stripe.Payout
	for list.Next() {
		found = append(found, list.Payout())
	}
	if list.Err() != nil {
		w.t.Fatal(list.Err())
	}
	return found
}

func TestPayoutNamesItsTransfers(t *testing.T) {
	w := newWorld(t)
	connect := w.AddEndpoint(stripefake.Endpoint{Secret: secret, Connect: true, Types: []string{"payout.*"}})
	oak := w.account("US")
	charge := w.paid(10000, "usd", stripefake.Succeed).PaymentIntent.LatestCharge.ID
	sent, err := w.api.Transfers.New(transferParams(oak, 6000, "usd", charge))
	if err != nil {
		t.Fatal(err)
	}
	w.wait(2 * day)
	if n := len(w.payouts(oak)); n != 0 {
		t.Fatalf("%d payouts before the money is available", n)
	}
	w.wait(day)
	paidOut := w.payouts(oak)
	if len(paidOut) != 1 || paidOut[0].Amount != 6000 || paidOut[0].Status != "in_transit" || !paidOut[0].Automatic {
		t.Fatalf("payouts are %+v", paidOut)
	}
	w.balance(oak, "usd", 0, 0)
	params := &stripe.BalanceTransactionListParams{Payout: stripe.String(paidOut[0].ID)}
	params.SetStripeAccount(oak)
	params.AddExpand("data.source")
	list := w.api.BalanceTransactions.List(params)
	var transfers, kinds []string
	for list.Next() {
		line := list.BalanceTransaction()
		kinds = append(kinds, string(line.Type))
		if line.Type == "payment" {
			transfers = append(transfers, line.Source.Charge.SourceTransfer.ID)
		}
	}
	if list.Err() != nil || !slices.Equal(transfers, []string{sent.ID}) || !slices.Contains(kinds, "payout") {
		t.Errorf("the payout holds %v of %v, %v", kinds, transfers, list.Err())
	}
	w.wait(2 * day)
	if got := w.payouts(oak); got[0].Status != "paid" {
		t.Errorf("it is %s", got[0].Status)
	}
	var types []string
	for _, event := range w.Take(connect, 0) {
		types = append(types, event.Type)
		if event.Account != oak {
			t.Errorf("%s is of %q", event.Type, event.Account)
		}
	}
	if !slices.Equal(types, []string{"payout.created", "payout.reconciliation_completed", "payout.paid"}) {
		t.Errorf("events are %v", types)
	}
}

func TestPayoutFails(t *testing.T) {
	w := newWorld(t)
	oak := w.account("US")
	w.TopUp("usd", 10000)
	if _, err := w.api.Transfers.New(transferParams(oak, 6000, "usd", "")); err != nil {
		t.Fatal(err)
	}
	if err := w.SetAccount(oak, func(a *stripefake.Account) { a.PayoutFailure = "account_closed" }); err != nil {
		t.Fatal(err)
	}
	w.wait(4 * day)
	got := w.payouts(oak)
	if len(got) != 1 || got[0].Status != "failed" || got[0].FailureCode != "account_closed" || got[0].FailureBalanceTransaction.ID == "" {
		t.Fatalf("%+v", got)
	}
	w.balance(oak, "usd", 6000, 0)
	a, err := w.api.Accounts.GetByID(oak, nil)
	if err != nil || a.PayoutsEnabled || !slices.Equal(a.Requirements.CurrentlyDue, []string{"external_account"}) || a.Capabilities.Transfers != "active" {
		t.Errorf("%+v, %v", a, err)
	}
	if err := w.SetAccount(oak, func(a *stripefake.Account) { stripefake.Ready(a); a.PayoutFailure = "" }); err != nil {
		t.Fatal(err)
	}
	w.wait(3 * day)
	if got := w.payouts(oak); len(got) != 2 || got[0].Status != "paid" || got[0].Amount != 6000 {
		t.Errorf("the second try is %+v", got[0])
	}
	if err := w.FailPayout(w.payouts(oak)[0].ID, "no_account"); err != nil {
		t.Fatal(err)
	}
	w.balance(oak, "usd", 6000, 0)
}

func TestPlatformPayout(t *testing.T) {
	w := newWorld(t)
	oak := w.account("US")
	w.TopUp("usd", 10000)
	if _, err := w.PayOut("usd", 10001); err == nil {
		t.Error("more than the balance was paid out")
	}
	if _, err := w.PayOut("usd", 9000); err != nil {
		t.Fatal(err)
	}
	_, err := w.api.Transfers.New(transferParams(oak, 1001, "usd", ""))
	wantError(t, err, 400, "balance_insufficient", "")
	balance, err := w.api.Balance.Get(nil)
	if err != nil || balance.Available[0].Amount != 1000 || balance.Available[0].Currency != "usd" {
		t.Errorf("%+v, %v", balance, err)
	}
	w.wait(30 * day) // its payouts are not automatic
	w.balance("", "usd", 1000, 0)
}
