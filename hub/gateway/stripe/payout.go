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
	// the transfer of a reversal is known by the payment that it takes from
	params := &stripego.BalanceTransactionListParams{ListParams: onePage(ctx, cursor), Payout: &payoutRef, Expand: expand("data.source", "data.source.charge")}
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
		line, err := payoutLine(booked)
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
func payoutLine(booked *stripego.BalanceTransaction) (payment.PayoutLine, error) {
	line := payment.PayoutLine{Ref: booked.ID, Kind: strings.ReplaceAll(string(booked.Type), "_", " ")}
	switch booked.Type {
	case stripego.BalanceTransactionTypeStripeFee, stripego.BalanceTransactionTypeTaxFee, stripego.BalanceTransactionTypeApplicationFee, stripego.BalanceTransactionTypeStripeFxFee:
		line.Kind = "fee"
	}
	if line.TransferRef = sentBy(booked.Source); line.TransferRef != "" {
		line.Kind = "transfer"
		if booked.Type != stripego.BalanceTransactionTypePayment {
			line.Kind = "reversal"
		}
	}
	var err error
	if line.Amount, err = fromUnits(booked.Amount, booked.Currency); err != nil {
		return line, err
	}
	line.Fee, err = fromUnits(booked.Fee, booked.Currency)
	return line, err
}

// sentBy is the transfer that an account's payment, or the refund of one, comes
// from; "" for anything else.
func sentBy(source *stripego.BalanceTransactionSource) string {
	if source == nil {
		return ""
	}
	received := source.Charge
	if source.Refund != nil {
		received = source.Refund.Charge
	}
	if received == nil || received.SourceTransfer == nil {
		return ""
	}
	return received.SourceTransfer.ID
}
