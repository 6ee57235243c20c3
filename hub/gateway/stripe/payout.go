package stripe

import (
	"context"
	"strings"
	"time"

	stripego "github.com/stripe/stripe-go/v76"

	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/payment"
)

// ListPayouts pages through the payouts of a vendor's account made since, newest
// first. The cursor is the last one of the page before.
func (g *Gateway) ListPayouts(ctx context.Context, accountRef string, since time.Time, cursor string) ([]payment.Payout, string, error) {
	if accountRef == "" {
		return nil, "", payment.ErrNotFound
	}
	params := &stripego.PayoutListParams{ListParams: onePage(ctx, cursor), Expand: expand("data.destination")}
	params.StripeAccount = &accountRef
	if !since.IsZero() {
		params.CreatedRange = &stripego.RangeQueryParams{GreaterThanOrEqual: since.Unix()}
	}
	list := g.api.Payouts.List(params)
	var payouts []payment.Payout
	last := ""
	for list.Next() {
		payout, err := payoutOf(list.Payout())
		if err != nil {
			return nil, "", err
		}
		payouts, last = append(payouts, payout), payout.Ref
	}
	if err := list.Err(); err != nil {
		return nil, "", reading("list the payouts", err)
	}
	return payouts, next(last, list.Meta()), nil
}

// next is the cursor of the page after this one, "" after the last.
func next(last string, meta *stripego.ListMeta) string {
	if meta == nil || !meta.HasMore {
		return ""
	}
	return last
}

func payoutOf(from *stripego.Payout) (payment.Payout, error) {
	amount, err := fromUnits(from.Amount, from.Currency)
	payout := payment.Payout{Ref: from.ID, Amount: amount, Status: string(from.Status), Reason: clip(from.FailureMessage, 300), Statement: from.StatementDescriptor,
		ArrivalOn: money.DateOf(time.Unix(from.ArrivalDate, 0), time.UTC), CreatedAt: time.Unix(from.Created, 0).UTC(),
		Itemizable: from.Automatic && from.ReconciliationStatus == stripego.PayoutReconciliationStatusCompleted}
	if payout.Reason == "" {
		payout.Reason = strings.ReplaceAll(string(from.FailureCode), "_", " ")
	}
	if to := from.Destination; to != nil {
		switch {
		case to.BankAccount != nil && to.BankAccount.BankName != "":
			payout.Bank = ending(to.BankAccount.BankName, to.BankAccount.Last4)
		case to.BankAccount != nil:
			payout.Bank = ending("Bank account", to.BankAccount.Last4)
		case to.Card != nil:
			payout.Bank = ending(cardName(strings.ToLower(string(to.Card.Brand))), to.Card.Last4)
		}
	}
	return payout, err
}

// PayoutLines pages through what a payout is made of, without the payout itself.
func (g *Gateway) PayoutLines(ctx context.Context, accountRef, payoutRef, cursor string) ([]payment.PayoutLine, string, error) {
	if accountRef == "" || payoutRef == "" {
		return nil, "", payment.ErrNotFound
	}
	params := &stripego.BalanceTransactionListParams{ListParams: onePage(ctx, cursor), Payout: &payoutRef, Expand: expand("data.source")}
	params.StripeAccount = &accountRef
	list := g.api.BalanceTransactions.List(params)
	var lines []payment.PayoutLine
	last := ""
	for list.Next() {
		booked := list.BalanceTransaction()
		last = booked.ID
		if booked.Type == stripego.BalanceTransactionTypePayout {
			continue
		}
		line, err := g.payoutLine(ctx, accountRef, booked)
		if err != nil {
			return nil, "", err
		}
		lines = append(lines, line)
	}
	if err := list.Err(); err != nil {
		return nil, "", reading("list what the payout is made of", err)
	}
	return lines, next(last, list.Meta()), nil
}

// payoutLine: on a vendor's account our transfer is a payment whose source is
// the transfer, and a reversal is that payment's refund.
func (g *Gateway) payoutLine(ctx context.Context, accountRef string, booked *stripego.BalanceTransaction) (payment.PayoutLine, error) {
	line := payment.PayoutLine{Ref: booked.ID, Kind: strings.ReplaceAll(string(booked.Type), "_", " ")}
	switch booked.Type {
	case stripego.BalanceTransactionTypeStripeFee, stripego.BalanceTransactionTypeTaxFee, stripego.BalanceTransactionTypeApplicationFee, stripego.BalanceTransactionTypeStripeFxFee:
		line.Kind = "fee"
	}
	var err error
	if line.TransferRef, err = g.sentBy(ctx, accountRef, booked.Source); err != nil {
		return line, err
	}
	if line.TransferRef != "" {
		line.Kind = "transfer"
		if booked.Type != stripego.BalanceTransactionTypePayment {
			line.Kind = "reversal"
		}
	}
	if line.Amount, err = fromUnits(booked.Amount, booked.Currency); err != nil {
		return line, err
	}
	line.Fee, err = fromUnits(booked.Fee, booked.Currency)
	return line, err
}

// sentBy is the transfer that an account's payment, or the refund of one, comes
// from; "" for anything else. A refund names its payment by id alone, which is
// then fetched: there are few of them.
func (g *Gateway) sentBy(ctx context.Context, accountRef string, source *stripego.BalanceTransactionSource) (string, error) {
	if source == nil {
		return "", nil
	}
	received := source.Charge
	if source.Refund != nil && source.Refund.Charge != nil {
		params := &stripego.ChargeParams{Params: stripego.Params{Context: ctx, StripeAccount: &accountRef}}
		var err error
		if received, err = g.api.Charges.Get(source.Refund.Charge.ID, params); err != nil {
			return "", reading("look at the payment that was taken back", err)
		}
	}
	if received == nil || received.SourceTransfer == nil {
		return "", nil
	}
	return received.SourceTransfer.ID, nil
}
