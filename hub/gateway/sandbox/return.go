package sandbox

import (
	"context"
	"errors"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/payment"
)

// The kinds of money that goes back.
const (
	kindRefund   = "refund"
	kindReversal = "reversal"
)

// Refund gives a part of a succeeded checkout back, once per key and never more
// than it took.
func (g *Gateway) Refund(ctx context.Context, request payment.RefundRequest) (payment.RefundResult, error) {
	if err := g.Faults.before("refund"); err != nil {
		return payment.RefundResult{}, err
	}
	checkout, err := g.change(ctx, request.PaymentRef, func(*checkoutRow) error { return nil })
	if errors.Is(err, payment.ErrNotFound) || (err == nil && (checkout.State != stateSucceeded || checkout.Currency != request.Amount.Currency)) {
		return payment.RefundResult{}, fmt.Errorf("%w: there is no such money to give back", payment.ErrRefused)
	}
	if err != nil {
		return payment.RefundResult{}, err
	}
	kept, err := g.giveBack(ctx, kindRefund, checkout.Ref, checkout.Amount, request.RefundID, request.Key, request.Amount)
	if err != nil {
		return payment.RefundResult{}, err
	}
	return kept.refund(), g.Faults.after("refund")
}

// FindRefund looks a refund up by the hub's id.
func (g *Gateway) FindRefund(ctx context.Context, request payment.RefundRequest) (payment.RefundResult, error) {
	if err := g.Faults.before("find"); err != nil {
		return payment.RefundResult{}, err
	}
	row, err := readReturn(ctx, g.DB, returnRef(kindRefund, request.RefundID))
	if err != nil {
		return payment.RefundResult{}, err
	}
	return row.refund(), g.Faults.after("find")
}

// Reverse takes a part of a transfer back. A vendor's account in the sandbox
// holds whatever was ever sent to it.
func (g *Gateway) Reverse(ctx context.Context, request payment.ReversalRequest) (payment.ReversalResult, error) {
	if err := g.Faults.before("reverse"); err != nil {
		return payment.ReversalResult{}, err
	}
	sent, err := readTransfer(ctx, g.DB, request.TransferRef)
	if errors.Is(err, payment.ErrNotFound) || (err == nil && sent.Currency != request.Amount.Currency) {
		return payment.ReversalResult{}, fmt.Errorf("%w: there is no such transfer to take back from", payment.ErrRefused)
	}
	if err != nil {
		return payment.ReversalResult{}, err
	}
	kept, err := g.giveBack(ctx, kindReversal, sent.Ref, sent.Amount, request.ReversalID, request.Key, request.Amount)
	if err != nil {
		return payment.ReversalResult{}, err
	}
	return kept.reversal(), g.Faults.after("reverse")
}

// FindReversal looks a reversal up by the hub's id.
func (g *Gateway) FindReversal(ctx context.Context, request payment.ReversalRequest) (payment.ReversalResult, error) {
	if err := g.Faults.before("find"); err != nil {
		return payment.ReversalResult{}, err
	}
	row, err := readReturn(ctx, g.DB, returnRef(kindReversal, request.ReversalID))
	if err != nil {
		return payment.ReversalResult{}, err
	}
	return row.reversal(), g.Faults.after("find")
}

func (g *Gateway) giveBack(ctx context.Context, kind, of string, most int64, ourID, key string, amount money.Amount) (returnRow, error) {
	if key == "" || !amount.Positive() {
		return returnRow{}, fmt.Errorf("%w: a %s needs a key and an amount of more than zero", payment.ErrRefused, kind)
	}
	row := returnRow{Ref: returnRef(kind, ourID), Key: key, Kind: kind, OfRef: of, OurID: ourID, Currency: amount.Currency,
		Amount: amount.Minor, CreatedAt: g.Now().UTC()}
	var kept returnRow
	err := g.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		var err error
		kept, err = keepReturn(ctx, tx, row, most)
		return err
	})
	if err == nil && (kept.Ref != row.Ref || kept.OfRef != row.OfRef || kept.Amount != row.Amount) {
		err = fmt.Errorf("%w: this key was used for another %s", payment.ErrRefused, kind)
	}
	return kept, err
}

// returnRef carries the hub's id, as a real gateway's metadata would.
func returnRef(kind, id string) string { return "sbx_" + kind + "_" + id }

func (r returnRow) refund() payment.RefundResult {
	return payment.RefundResult{Ref: r.Ref, RefundID: r.OurID, Amount: money.New(r.Amount, r.Currency), Phase: payment.PhaseSucceeded}
}

func (r returnRow) reversal() payment.ReversalResult {
	return payment.ReversalResult{Ref: r.Ref, Amount: money.New(r.Amount, r.Currency)}
}
