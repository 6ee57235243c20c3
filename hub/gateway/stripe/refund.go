package stripe

import (
	"context"
	"errors"
	"fmt"
	"strings"

	stripego "github.com/stripe/stripe-go/v76"

	"github.com/sheaf-hub/sheaf/hub/payment"
)

// Refund gives money of a settled payment back to its payer, once per key.
func (g *Gateway) Refund(ctx context.Context, request payment.RefundRequest) (payment.RefundResult, error) {
	common, err := with(ctx, request.Key)
	if err != nil {
		return payment.RefundResult{}, err
	}
	units, err := positive(request.Amount)
	if err != nil {
		return payment.RefundResult{}, err
	}
	intent, err := g.intentRef(ctx, request.PaymentRef)
	if errors.Is(err, payment.ErrNotFound) {
		return payment.RefundResult{}, fmt.Errorf("%w: Stripe has no such payment", payment.ErrRefused)
	}
	if err != nil { // nothing was asked to change yet
		return payment.RefundResult{}, fmt.Errorf("%w: %w", payment.ErrUnavailable, err)
	}
	refund, err := g.api.Refunds.New(&stripego.RefundParams{Params: common, PaymentIntent: &intent, Amount: &units,
		Metadata: map[string]string{metaRefund: request.RefundID}})
	if err != nil {
		return payment.RefundResult{}, changing("refund the payment", err)
	}
	return refundResult(refund)
}

// FindRefund looks a refund up among those of its payment.
func (g *Gateway) FindRefund(ctx context.Context, request payment.RefundRequest) (payment.RefundResult, error) {
	intent, err := g.intentRef(ctx, request.PaymentRef)
	if err != nil {
		return payment.RefundResult{}, err
	}
	result, found := payment.RefundResult{}, false
	err = g.eachRefund(ctx, intent, func(refund *stripego.Refund) (bool, error) {
		if request.RefundID == "" || refund.Metadata[metaRefund] != request.RefundID {
			return false, nil
		}
		var err error
		result, err = refundResult(refund)
		found = true
		return true, err
	})
	if err == nil && !found {
		err = payment.ErrNotFound
	}
	return result, err
}

// intentRef is the payment intent of a reference that Checkout or ChargeSaved gave.
func (g *Gateway) intentRef(ctx context.Context, ref string) (string, error) {
	switch {
	case strings.HasPrefix(ref, "pi_"):
		return ref, nil
	case !strings.HasPrefix(ref, "cs_"):
		return "", payment.ErrNotFound
	}
	session, err := g.api.CheckoutSessions.Get(ref, &stripego.CheckoutSessionParams{Params: stripego.Params{Context: ctx}})
	if err != nil {
		return "", reading("look at the payment page", err)
	}
	if session.PaymentIntent == nil || session.PaymentIntent.ID == "" {
		return "", fmt.Errorf("%w: nothing was paid on this page", payment.ErrNotFound)
	}
	return session.PaymentIntent.ID, nil
}

// eachRefund goes through a payment's refunds, newest first, until visit says
// that it has seen enough.
func (g *Gateway) eachRefund(ctx context.Context, intent string, visit func(*stripego.Refund) (bool, error)) error {
	list := g.api.Refunds.List(&stripego.RefundListParams{ListParams: allPages(ctx), PaymentIntent: &intent})
	for n := 0; list.Next(); n++ {
		if n == pageSize*mostPages {
			return tooMany("refunds of one payment")
		}
		if enough, err := visit(list.Refund()); enough || err != nil {
			return err
		}
	}
	return reading("list the payment's refunds", list.Err())
}

func refundResult(refund *stripego.Refund) (payment.RefundResult, error) {
	amount, err := fromUnits(refund.Amount, refund.Currency)
	result := payment.RefundResult{Ref: refund.ID, RefundID: refund.Metadata[metaRefund], Amount: amount}
	switch refund.Status {
	case stripego.RefundStatusSucceeded:
		result.Phase = payment.PhaseSucceeded
	case stripego.RefundStatusFailed, stripego.RefundStatusCanceled:
		result.Phase, result.Reason = payment.PhaseFailed, refundReason(refund)
	default: // pending, or the payer is asked where to send it
		result.Phase = payment.PhaseProcessing
	}
	return result, err
}

func refundReason(refund *stripego.Refund) string {
	switch refund.FailureReason {
	case stripego.RefundFailureReasonLostOrStolenCard:
		return "The card was lost or stolen."
	case stripego.RefundFailureReasonExpiredOrCanceledCard:
		return "The card has expired or was cancelled."
	case "insufficient_funds":
		return "The hub's balance could not cover it."
	case "declined", "charge_for_pending_refund_disputed":
		return "The bank did not take it."
	}
	if refund.Status == stripego.RefundStatusCanceled {
		return "It was called off."
	}
	return "The bank could not take it."
}
