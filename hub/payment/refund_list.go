package payment

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// GivenUp says that nothing comes of a refund any more: it was refused and
// given up, or came back from the payer's bank.
func (r Refund) GivenUp() bool { return r.Phase == string(PhaseFailed) }

// Decidable says that the gateway refused it, and nobody has decided yet what
// becomes of it.
func (r Refund) Decidable() bool { return r.State == "failed" && !r.GivenUp() }

// VendorRefunds lists the refunds of a vendor's share, newest first;
// fault.NotFound for another's share.
func (s *Service) VendorRefunds(ctx context.Context, vendorID, shareID string, page store.PageRequest) ([]Refund, string, error) {
	if !store.ValidID(shareID) {
		return nil, "", fault.New(fault.NotFound, "There is no such payment.")
	}
	var list []Refund
	var next string
	err := s.DB.AsVendor(ctx, vendorID, func(ctx context.Context, tx bun.Tx) error {
		if err := ownShare(ctx, tx, vendorID, shareID); err != nil {
			return err
		}
		var err error
		list, next, err = listRefunds(ctx, tx.NewSelect().Where("rf.vendor_id = ?", vendorID).Where("rf.share_id = ?", shareID), page)
		return err
	})
	return list, next, err
}

// VendorRefund reads one refund of a vendor; fault.NotFound for another's.
func (s *Service) VendorRefund(ctx context.Context, vendorID, id string) (Refund, error) {
	if !store.ValidID(id) {
		return Refund{}, noRefund()
	}
	var refund Refund
	err := s.DB.AsVendor(ctx, vendorID, func(ctx context.Context, tx bun.Tx) error {
		found := false
		var err error
		if refund, found, err = findRefund(ctx, tx.NewSelect().Where("vendor_id = ?", vendorID).Where("id = ?", id)); err == nil && !found {
			return noRefund()
		}
		return err
	})
	return refund, err
}

// RefundPlan is what a refund would do, before it is asked for.
type RefundPlan struct {
	Amount      money.Amount // goes to the payer
	FromAccount money.Amount // is taken from the vendor's account at the gateway
	FromShares  money.Amount // is kept from what the vendor gets next
	Left        money.Amount // of the share, afterwards
}

// PlanRefund says what a refund would do; amount is decimal, as typed, empty: all
// that is left. Its faults are those of RequestRefund.
func (s *Service) PlanRefund(ctx context.Context, vendorID, shareID, amount string) (RefundPlan, error) {
	share, err := s.VendorShare(ctx, vendorID, shareID)
	if err != nil {
		return RefundPlan{}, err
	}
	minor, err := wishedRefund(share.Share, amount)
	if err != nil {
		return RefundPlan{}, err
	}
	transfer, found, err := shareTransfer(ctx, s.DB, share.ID)
	if err != nil {
		return RefundPlan{}, err
	}
	taken := int64(0)
	if found && !transfer.FixedAt.IsZero() {
		taken = max(0, min(minor, transfer.net()-transfer.Reversed))
	}
	of := func(minor int64) money.Amount { return money.New(minor, share.Currency) }
	return RefundPlan{Amount: of(minor), FromAccount: of(taken), FromShares: of(minor - taken), Left: of(share.Returnable() - minor)}, nil
}

// ListRefunds pages through refunds in a state, newest first, for the operator.
// Of the failed ones, those that were given up are left out.
func (s *Service) ListRefunds(ctx context.Context, state string, page store.PageRequest) ([]Refund, string, error) {
	query := s.DB.NewSelect().Where("rf.state = ?", state)
	if state == "failed" {
		query = query.Where("rf.phase = ''")
	}
	return listRefunds(ctx, query, page)
}

// ListReversals pages through reversals in a state, newest first, for the operator.
func (s *Service) ListReversals(ctx context.Context, state string, page store.PageRequest) ([]Reversal, string, error) {
	return listReversals(ctx, s.DB, state, page)
}
