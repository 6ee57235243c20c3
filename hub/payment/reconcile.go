package payment

import (
	"context"
	"errors"
	"fmt"
)

// Reconcile walks what is open at the gateway, in batches, and brings each
// payment to the state that the gateway reports: what a lost message would have
// told. It returns how many it looked at. Checkouts past their time are closed.
func (s *Service) Reconcile(ctx context.Context) (int, error) {
	const batch = 100
	looked := 0
	var failures []error
	after := ""
	for range 1000 {
		list, err := openPayments(ctx, s.DB, after, batch)
		if err != nil {
			return looked, err
		}
		for _, payment := range list {
			after = payment.ID
			looked++
			if err := s.reconcileOne(ctx, payment); err != nil {
				failures = append(failures, fmt.Errorf("payment %s: %w", payment.ID, err))
			}
			if ctx.Err() != nil {
				return looked, ctx.Err()
			}
		}
		if len(list) < batch {
			break
		}
	}
	return looked, errors.Join(failures...)
}

func (s *Service) reconcileOne(ctx context.Context, payment Payment) error {
	if payment.Gateway != s.Gateway.Name() {
		return nil // of a gateway that is not set up now: nothing is known of it
	}
	if payment.OffSession && payment.Status == Pending {
		return s.resolveCharge(ctx, payment)
	}
	if payment.Status == Pending && !s.Now().Before(payment.ExpiresAt) {
		return s.close(ctx, payment, "The payment page was open too long.")
	}
	if payment.GatewayRef == "" {
		return nil
	}
	return s.Refresh(ctx, payment.GatewayRef)
}
