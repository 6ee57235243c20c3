package payment

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/money"
)

// Bearer is who pays a fee.
type Bearer string

// Who can bear a fee. A payer never does: it pays what its invoices say.
const (
	HubBears    Bearer = "hub"
	VendorBears Bearer = "vendor"
)

// FeePolicy says who bears what a vendor's part of a payment costs. Fees come
// off the vendor's share; the payer never sees them.
type FeePolicy struct {
	Processing Bearer // of the gateway's fee
	HubRate    int64  // what the hub takes of the share, in basis points (1/100 of a percent), 0 to 10,000
}

// defaultPolicy is that of a vendor with whom nothing was agreed.
var defaultPolicy = FeePolicy{Processing: HubBears}

// charge splits the fees of a payment over its shares: the gateway's in
// proportion to what each vendor gets, the hub's by each vendor's rate. No
// vendor bears more than its share; what is left over the hub bears.
func (w *settlement) charge(payment *settledPayment) error {
	payment.Fee = 0
	switch fee := payment.state.Fee; {
	case fee.Minor < 0:
		return fmt.Errorf("payment %s: the gateway says its fee is %s", payment.ID, fee)
	case fee.Minor == 0:
	case fee.Currency != payment.Currency:
		w.converted = append(w.converted, payment)
	default:
		payment.Fee = fee.Minor
	}
	amounts := make([]int64, len(payment.shares))
	var sum int64
	for i, share := range payment.shares {
		amounts[i] = share.Amount
		sum += share.Amount
	}
	parts, err := money.Split(min(payment.Fee, sum), amounts)
	if err != nil {
		return fmt.Errorf("split the fee of payment %s: %w", payment.ID, err)
	}
	for i := range payment.shares {
		share := &payment.shares[i]
		policy, set := w.policies[share.VendorID]
		if !set {
			policy = defaultPolicy
		}
		share.ProcessingFee, share.HubFee = 0, 0
		if policy.Processing == VendorBears {
			share.ProcessingFee = parts[i]
		}
		share.HubFee = min(rateOf(share.Amount, policy.HubRate), share.Amount-share.ProcessingFee)
	}
	return nil
}

// rateOf is a rate in basis points of an amount, rounded half up. MaxMinor times
// 10,000 fits an int64.
func rateOf(amount, basisPoints int64) int64 { return (amount*basisPoints + 5000) / 10000 }

// FeePolicy reads a vendor's policy.
func (s *Service) FeePolicy(ctx context.Context, vendorID string) (FeePolicy, error) {
	policies, err := feePolicies(ctx, s.DB, []string{vendorID})
	if policy, set := policies[vendorID]; set || err != nil {
		return policy, err
	}
	return defaultPolicy, nil
}

// SetFeePolicy agrees on fees with a vendor: for payments that settle from now
// on. The operator's alone to do.
func (s *Service) SetFeePolicy(ctx context.Context, actor access.Actor, vendorID string, policy FeePolicy) error {
	if policy.Processing != HubBears && policy.Processing != VendorBears {
		return fault.At("processing", "Say who bears the gateway's fee: hub or vendor.")
	}
	if policy.HubRate < 0 || policy.HubRate > 10000 {
		return fault.At("hub_rate", "The hub's rate lies between 0 and 100 percent.")
	}
	if _, err := s.Party.Vendor(ctx, vendorID); err != nil {
		return err
	}
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		before, err := feePolicies(ctx, tx, []string{vendorID})
		if err != nil {
			return err
		}
		was, set := before[vendorID]
		if !set {
			was = defaultPolicy
		}
		if was == policy {
			return nil
		}
		if err := putFeePolicy(ctx, tx, vendorID, policy, s.Now().UTC()); err != nil {
			return err
		}
		return s.Access.AuditTx(ctx, tx, actor, access.Change{Action: "fees.changed", SubjectKind: "vendor", SubjectID: vendorID, VendorID: vendorID,
			Before: was.audited(), After: policy.audited()})
	})
}

func (p FeePolicy) audited() any {
	return struct {
		Processing Bearer `json:"processing"`
		HubRate    int64  `json:"hub_rate_basis_points"`
	}{p.Processing, p.HubRate}
}
