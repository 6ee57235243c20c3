package payment

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/store"
)

// hintBackoff is how long to wait after each failed try to follow a hint; the
// last one repeats, until hintTries is reached. Reconciling finds by itself what
// a hint that was given up would have told.
var hintBackoff = []time.Duration{10 * time.Second, time.Minute, 5 * time.Minute, 30 * time.Minute, time.Hour}

const hintTries = 40

// Notify takes a message of the gateway that something happened. Its object is
// fetched again, so that order, repetition and forged contents do not matter.
// When it cannot be followed now it is kept and tried again; an error means that
// it could not even be kept, and the gateway should send it again.
func (s *Service) Notify(ctx context.Context, hint Hint) error {
	recorded, failure := s.follow(ctx, &hint)
	if recorded {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return recordHint(ctx, s.DB, s.Gateway.Name(), hint, failure, s.Now())
}

// follow brings what a hint speaks of up to date. True: the hint was recorded
// with it.
func (s *Service) follow(ctx context.Context, hint *Hint) (bool, error) {
	switch hint.Subject {
	case SubjectPayment:
		return s.followPayment(ctx, hint)
	case SubjectDispute:
		return false, s.followDispute(ctx, hint.Ref)
	case SubjectAccount:
		return false, s.followAccount(ctx, hint.Ref)
	case SubjectSetup:
		return false, s.RefreshSetup(ctx, hint.Ref)
	case SubjectTransfer:
		return false, s.followTransfer(ctx, hint.TransferID)
	case SubjectPayout:
		return false, s.followPayout(ctx, hint.AccountRef)
	}
	return false, nil
}

func (s *Service) followPayment(ctx context.Context, hint *Hint) (bool, error) {
	if hint.Paid {
		if settled, err := s.settlePaid(ctx, hint); err != nil || settled {
			return settled, err
		}
	}
	payment, found, err := s.hinted(ctx, hint)
	if err != nil || !found {
		return false, err
	}
	if payment.OffSession && payment.GatewayRef == "" && payment.Status == Pending {
		return false, s.resolveCharge(ctx, payment)
	}
	if payment.GatewayRef == "" && payment.CheckoutState != "pending" {
		// a page was made, and its answer was lost: the message may name it
		if payment, err = s.findPage(ctx, payment, hint.Ref); err != nil {
			return false, err
		}
	}
	if payment.GatewayRef != "" {
		if recorded, err := s.refresh(ctx, payment, hint); err != nil || recorded || hint.Ref == payment.GatewayRef {
			return recorded, err
		}
	}
	return false, s.followElsewhere(ctx, payment.ID, hint.Ref)
}

// settlePaid is the short way of the message that comes most: a page was paid, and
// nothing else has happened. Whether it is so the gateway and the payment's own row
// say; in all other cases nothing is done, and the long way is taken.
func (s *Service) settlePaid(ctx context.Context, hint *Hint) (bool, error) {
	if !store.ValidID(hint.PaymentID) || hint.Ref == "" {
		return false, nil
	}
	state, err := s.Gateway.Look(ctx, hint.Ref)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look at %s: %w", hint.Ref, err)
	}
	if state.Phase != PhaseSucceeded || state.PaymentID != hint.PaymentID || state.Declines > 0 || len(state.Refunds) > 0 || len(state.Disputes) > 0 {
		return false, nil
	}
	item := &settling{paymentID: hint.PaymentID, state: state, hint: hint, ref: hint.Ref}
	err = s.group.settle(ctx, s, item)
	if errors.Is(err, errOtherPage) {
		return false, nil
	}
	return err == nil, err
}

// findPage looks for the page of a payment whose answer was lost: first where a
// message points, since the money is there when it was paid; then by its key,
// which gives the same page again while it lives.
func (s *Service) findPage(ctx context.Context, payment Payment, ref string) (Payment, error) {
	if err := s.followElsewhere(ctx, payment.ID, ref); err != nil {
		return payment, err
	}
	payment, err := readPayment(ctx, s.DB, payment.ID)
	if err != nil || payment.GatewayRef != "" || payment.Status.Final() || !s.Now().Before(payment.ExpiresAt) {
		return payment, err
	}
	started, err := s.openCheckout(ctx, payment)
	return started.Payment, err
}

// followElsewhere looks at money that a message names and the payment's row does
// not: of a page whose answer was lost for good. A payment that has its money
// already was charged twice, and a person has to see to it.
func (s *Service) followElsewhere(ctx context.Context, paymentID, ref string) error {
	payment, err := readPayment(ctx, s.DB, paymentID)
	if err != nil || ref == payment.IntentRef || ref == "" {
		return err
	}
	state, err := s.Gateway.Look(ctx, ref)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look at %s: %w", ref, err)
	}
	if state.PaymentID != payment.ID || state.IntentRef == payment.IntentRef && state.IntentRef != "" {
		return nil
	}
	if payment.Status.booked() {
		if state.Phase != PhaseSucceeded || state.SourceRef == payment.SourceRef {
			return nil
		}
		return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
			return s.task(ctx, tx, Task{CustomerID: payment.CustomerID, Kind: "charged_twice", SubjectID: ref, Title: "Payment " + payment.Number + " was charged twice",
				Text: "The gateway's " + ref + " took " + state.Captured.String() + " for a payment that was settled already, and it is not in the ledger. Refund it at the gateway."})
		})
	}
	if state.Phase != PhaseSucceeded && state.Phase != PhaseProcessing {
		return nil
	}
	if err := adoptRef(ctx, s.DB, payment.ID, payment.GatewayRef, ref, s.Now()); err != nil {
		return err
	}
	payment.GatewayRef = ref
	_, err = s.refresh(ctx, payment, nil)
	return err
}

// hinted finds the payment that a hint speaks of, by our id or the gateway's, or
// by one of its refunds.
func (s *Service) hinted(ctx context.Context, hint *Hint) (Payment, bool, error) {
	if store.ValidID(hint.PaymentID) {
		payment, found, err := findPayment(ctx, s.DB.NewSelect().Where("id = ?", hint.PaymentID).Where("gateway = ?", s.Gateway.Name()))
		if err != nil || found {
			return payment, found, err
		}
	}
	if hint.RefundID != "" || hint.SourceRef != "" {
		payment, found, err := refundedPayment(ctx, s.DB, s.Gateway.Name(), hint.RefundID, hint.SourceRef)
		if found {
			hint.PaymentID = payment.ID // kept with the hint, when it has to wait
		}
		if err != nil || found {
			return payment, found, err
		}
	}
	payment, found, err := paymentByRef(ctx, s.DB, s.Gateway.Name(), hint.Ref)
	if err != nil || found || hint.Ref == "" {
		return payment, found, err
	}
	// the gateway may call the payment by another name, and knows ours
	state, err := s.Gateway.Look(ctx, hint.Ref)
	if errors.Is(err, ErrNotFound) || err == nil && !store.ValidID(state.PaymentID) {
		return Payment{}, false, nil
	}
	if err != nil {
		return Payment{}, false, fmt.Errorf("look at %s: %w", hint.Ref, err)
	}
	return findPayment(ctx, s.DB.NewSelect().Where("id = ?", state.PaymentID).Where("gateway = ?", s.Gateway.Name()))
}

// Refresh fetches a payment again and brings it to the same state. An unknown
// reference is nothing. One that had failed or expired here is looked at too:
// what the gateway captured all the same must be booked.
func (s *Service) Refresh(ctx context.Context, ref string) error {
	payment, found, err := paymentByRef(ctx, s.DB, s.Gateway.Name(), ref)
	if err != nil || !found {
		return err
	}
	_, err = s.refresh(ctx, payment, nil)
	return err
}

func (s *Service) refresh(ctx context.Context, payment Payment, hint *Hint) (bool, error) {
	state, err := s.Gateway.Look(ctx, payment.GatewayRef)
	if err != nil {
		return false, fmt.Errorf("look at payment %s: %w", payment.ID, err)
	}
	if state.PaymentID != "" && state.PaymentID != payment.ID {
		return false, fmt.Errorf("payment %s: the gateway's %s is of another payment", payment.ID, payment.GatewayRef)
	}
	recorded := false
	switch {
	case payment.Status.booked():
	case state.Phase == PhaseSucceeded:
		if err := s.group.settle(ctx, s, &settling{paymentID: payment.ID, state: state, hint: hint}); err != nil {
			return false, err
		}
		recorded = hint != nil
	default:
		if err := s.converge(ctx, payment.ID, state, ""); err != nil {
			return false, err
		}
	}
	return recorded, s.followUp(ctx, payment, state)
}

// followUp looks after what comes beside a payment's own state: tries that were
// declined, money that went back, and what the payer's bank asks.
func (s *Service) followUp(ctx context.Context, payment Payment, state State) error {
	var failures []error
	if state.Declines > payment.Declines {
		failures = append(failures, s.countDeclines(ctx, payment, state))
	}
	if len(state.Refunds) > 0 {
		failures = append(failures, s.followRefunds(ctx, payment.ID, state.Refunds))
	}
	for _, ref := range state.Disputes {
		failures = append(failures, s.followDispute(ctx, ref))
	}
	return errors.Join(failures...)
}

// FollowHints tries again what could not be followed when it came, and returns
// how many hints it tried.
func (s *Service) FollowHints(ctx context.Context) (int, error) {
	const batch = 100
	tried := 0
	var failures []error
	for range 20 { // bounded: the next run goes on
		hints, err := dueHints(ctx, s.DB, s.Gateway.Name(), s.Now(), batch)
		if err != nil {
			return tried, err
		}
		for i := range hints {
			if ctx.Err() != nil {
				return tried, ctx.Err()
			}
			tried++
			failures = append(failures, s.Notify(ctx, hints[i]))
		}
		if len(hints) < batch {
			break
		}
	}
	return tried, errors.Join(failures...)
}
