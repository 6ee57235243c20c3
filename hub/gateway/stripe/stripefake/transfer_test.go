package stripefake_test

import (
	"slices"
	"testing"

	"github.com/stripe/stripe-go/v76"

	"github.com/sheaf-hub/sheaf/hub/gateway/stripe/stripefake"
)

func transferParams(account string, amount int64, currency, source string) *stripe.TransferParams {
	params := &stripe.TransferParams{Amount: stripe.Int64(amount), Currency: stripe.String(currency), Destination: stripe.String(account)}
	if source != "" {
		params.SourceTransaction = stripe.String(source)
	}
	return params
}

func TestTransferFromCharge(t *testing.T) {
	w := newWorld(t)
	oak, elm := w.account("US"), w.account("US")
	charge := w.paid(10000, "usd", stripefake.Succeed).PaymentIntent.LatestCharge.ID
	w.events()
	params := transferParams(oak, 6000, "usd", charge)
	params.TransferGroup, params.Metadata = stripe.String("oak-1"), map[string]string{"share": "s-1"}
	sent, err := w.api.Transfers.New(params)
	if err != nil || sent.Metadata["share"] != "s-1" || sent.TransferGroup != "oak-1" || sent.SourceTransaction.ID != charge || sent.DestinationPayment.ID == "" {
		t.Fatalf("%+v, %v", sent, err)
	}
	w.wantEvents("transfer.created")
	w.balance(oak, "usd", 0, 6000)
	w.balance("", "usd", 0, 10000-320-6000)
	_, err = w.api.Transfers.New(transferParams(elm, 4001, "usd", charge))
	wantError(t, err, 400, "", "must not exceed the source amount")
	_, err = w.api.Transfers.New(transferParams(elm, 4000, "eur", charge))
	wantError(t, err, 400, "", "must be the same")
	if _, err = w.api.Transfers.New(transferParams(elm, 4000, "usd", charge)); err != nil {
		t.Fatal(err)
	}
	w.balance("", "usd", 0, -320)
	w.wait(2 * day)
	w.balance("", "usd", -320, 0)
	list := &stripe.TransferListParams{Destination: stripe.String(oak)}
	found := w.api.Transfers.List(list)
	if !found.Next() || found.Transfer().ID != sent.ID || found.Next() {
		t.Errorf("the list of one account is wrong: %v", found.Err())
	}
	if seen := w.Sent(oak); !slices.Contains(seen, "oak-1") || !slices.Contains(seen, "s-1") {
		t.Errorf("the account sees %v", seen)
	}
}

func TestTransferGroupIsShared(t *testing.T) {
	w := newWorld(t)
	oak, elm := w.account("US"), w.account("US")
	charge := w.paid(10000, "usd", stripefake.Succeed).PaymentIntent.LatestCharge.ID
	var groups []string
	for _, account := range []string{oak, elm} {
		sent, err := w.api.Transfers.New(transferParams(account, 1000, "usd", charge))
		if err != nil {
			t.Fatal(err)
		}
		groups = append(groups, sent.TransferGroup)
	}
	if groups[0] == "" || groups[0] != groups[1] || !slices.Contains(w.Sent(oak), groups[0]) || !slices.Contains(w.Sent(elm), groups[0]) {
		t.Errorf("groups are %v: the made-up one is shared by all of a charge", groups)
	}
}

func TestTransferFromBalance(t *testing.T) {
	w := newWorld(t)
	oak := w.account("US")
	w.paid(100000, "usd", stripefake.Bank)
	_, err := w.api.Transfers.New(transferParams(oak, 50000, "usd", ""))
	wantError(t, err, 400, "balance_insufficient", "insufficient available funds")
	w.wait(4 * day) // succeeded, not yet available
	_, err = w.api.Transfers.New(transferParams(oak, 50000, "usd", ""))
	wantError(t, err, 400, "balance_insufficient", "")
	w.wait(day)
	if _, err := w.api.Transfers.New(transferParams(oak, 50000, "usd", "")); err != nil {
		t.Fatal(err)
	}
	w.balance(oak, "usd", 50000, 0)
	_, err = w.api.Transfers.New(transferParams(oak, 50000, "usd", "")) // the fee took 500
	wantError(t, err, 400, "balance_insufficient", "")
}

func TestTransferRefused(t *testing.T) {
	w := newWorld(t)
	oak := w.account("US")
	w.TopUp("usd", 100000)
	_, err := w.api.Transfers.New(transferParams("acct_none", 1000, "usd", ""))
	wantError(t, err, 400, "resource_missing", "No such destination")
	_, err = w.api.Transfers.New(transferParams(oak, 0, "usd", ""))
	wantError(t, err, 400, "parameter_invalid_integer", "")
	_, err = w.api.Transfers.New(transferParams(oak, 1000, "usd", "ch_none"))
	wantError(t, err, 400, "resource_missing", "ch_none")
	if err := w.SetAccount(oak, stripefake.Restricted); err != nil {
		t.Fatal(err)
	}
	_, err = w.api.Transfers.New(transferParams(oak, 1000, "usd", ""))
	wantError(t, err, 400, "insufficient_capabilities_for_transfer", "transfers")
	if n := len(w.Transfers()); n != 0 {
		t.Errorf("%d transfers were made", n)
	}
}

func TestReversal(t *testing.T) {
	w := newWorld(t)
	oak := w.account("US")
	w.TopUp("usd", 10000)
	sent, err := w.api.Transfers.New(transferParams(oak, 6000, "usd", ""))
	if err != nil {
		t.Fatal(err)
	}
	w.events()
	reverse := func(amount int64) error {
		_, err := w.api.TransferReversals.New(&stripe.TransferReversalParams{ID: stripe.String(sent.ID), Amount: stripe.Int64(amount), Metadata: map[string]string{"refund": "r-1"}})
		return err
	}
	if err := reverse(2000); err != nil {
		t.Fatal(err)
	}
	w.wantEvents("transfer.reversed")
	w.balance(oak, "usd", 4000, 0)
	w.balance("", "usd", 6000, 0)
	wantError(t, reverse(4001), 400, "", "greater than unreversed")
	w.wait(day) // the account is paid out at midnight
	w.balance(oak, "usd", 0, 0)
	wantError(t, reverse(1000), 400, "insufficient_funds", "does not cover")
	if again, err := w.api.Transfers.Get(sent.ID, nil); err != nil || again.AmountReversed != 2000 || again.Reversed || again.Reversals.Data[0].Metadata["refund"] != "r-1" {
		t.Errorf("%+v, %v", again, err)
	}
	if _, err := w.api.Transfers.New(transferParams(oak, 5000, "usd", "")); err != nil {
		t.Fatal(err)
	}
	if err := reverse(4000); err != nil {
		t.Fatal(err)
	}
	wantError(t, reverse(1), 400, "", "already fully reversed")
	list := w.api.TransferReversals.List(&stripe.TransferReversalListParams{ID: stripe.String(sent.ID)})
	var amounts []int64
	for list.Next() {
		amounts = append(amounts, list.TransferReversal().Amount)
	}
	if !slices.Equal(amounts, []int64{4000, 2000}) {
		t.Errorf("reversals are %v, %v", amounts, list.Err())
	}
}
