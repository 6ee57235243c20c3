package payment

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/party"
)

// converge brings a payment to the state that the gateway reports.
func (s *Service) converge(ctx context.Context, paymentID string, state State, why string) error {
	switch state.Phase {
	case PhaseSucceeded:
		return s.Settle(ctx, paymentID, state)
	case PhaseProcessing:
		return s.process(ctx, paymentID, state)
	case PhaseFailed:
		return s.fail(ctx, paymentID, Failed, state.Reason)
	case PhaseExpired:
		if why == "" {
			why = "The payment page was open too long."
		}
		return s.fail(ctx, paymentID, Expired, why)
	}
	return nil
}

// process notes that the money is on its way: the invoices stay held and are
// not chased, but nothing is paid yet.
func (s *Service) process(ctx context.Context, paymentID string, state State) error {
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		payment, err := lockPayment(ctx, s.DB, tx, paymentID)
		if err != nil || payment.Status != Pending {
			return err
		}
		payment.Status, payment.Method, payment.MethodDetail = Processing, string(state.Method), state.Detail
		payment.ProcessingAt, payment.UpdatedAt = s.Now().UTC(), s.Now().UTC()
		shares, _, err := s.moveShares(ctx, tx, payment)
		if err != nil {
			return err
		}
		mine := make([]party.Acquaintance, len(shares))
		for i, share := range shares {
			mine[i] = party.Acquaintance{ContactID: payment.ContactID, VendorID: share.VendorID}
		}
		if err := s.Party.AcceptVendorsTx(ctx, tx, mine); err != nil {
			return err
		}
		return s.tell(ctx, tx, outbox.PaymentProcessing, shares)
	})
}

// moveShares takes all shares of a payment to its status and notes it on the invoices.
func (s *Service) moveShares(ctx context.Context, tx bun.IDB, payment Payment) ([]Share, []Line, error) {
	shares, lines, err := partsOf(ctx, tx, payment.ID)
	if err != nil {
		return nil, nil, err
	}
	for i := range shares {
		shares[i].Status, shares[i].Method, shares[i].UpdatedAt = payment.Status, payment.Method, payment.UpdatedAt
	}
	if err := updatePayment(ctx, tx, payment); err != nil {
		return nil, nil, err
	}
	if err := updateShares(ctx, tx, payment); err != nil {
		return nil, nil, err
	}
	if payment.Status == Expired { // nobody needs to read of a page that was closed
		return shares, lines, nil
	}
	invoiceIDs, _ := idsOf(lines)
	invoices, _, err := s.Billing.LockTx(ctx, tx, invoiceIDs, nil)
	if err != nil {
		return nil, nil, err
	}
	var notes []billing.Note
	for _, line := range lines {
		if line.CreditID != "" {
			continue
		}
		amount := money.New(line.Amount, payment.Currency)
		text := fmt.Sprintf("A payment of %s did not go through.", amount)
		if payment.Status == Processing {
			text = fmt.Sprintf("A payment of %s is on its way by %s.", amount, payment.Method)
		}
		notes = append(notes, billing.Note{Invoice: invoices[line.InvoiceID], Kind: string(payment.Status), Text: text})
	}
	return shares, lines, s.Billing.NoteTx(ctx, tx, notes...)
}

// fail ends a payment without money and lets go of what it held. Vendors hear
// of it only when they had heard that it was on its way.
func (s *Service) fail(ctx context.Context, paymentID string, status Status, why string) error {
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		payment, err := lockPayment(ctx, s.DB, tx, paymentID)
		if err != nil || payment.Status.Final() {
			return err
		}
		told := payment.Status == Processing
		payment.Status, payment.Failure, payment.UpdatedAt = status, why, s.Now().UTC()
		shares, lines, err := s.moveShares(ctx, tx, payment)
		if err != nil {
			return err
		}
		if err := s.Billing.ReleaseTx(ctx, tx, payment.ID, reservations(lines)); err != nil {
			return err
		}
		if err := s.scheduleFailed(ctx, tx, payment); err != nil || !told {
			return err
		}
		return s.tell(ctx, tx, outbox.PaymentFailed, shares)
	})
}
