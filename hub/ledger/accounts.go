package ledger

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/money"
)

// VendorDiscounts is what a vendor let its customers keep; it is no money of the
// hub's, and is booked so that it can be told.
func VendorDiscounts(vendorID string) string { return "vendor:" + vendorID + ":discounts" }

// CustomerDiscounts is what a customer was spared, the other side of VendorDiscounts.
func CustomerDiscounts(customerID string) string { return "customer:" + customerID + ":discounts" }

// CustomerRefunds is money that was promised back to a customer and has not left yet.
func CustomerRefunds(customerID string) string { return "customer:" + customerID + ":refunds" }

// BalanceTx is Balance in minor units, inside the caller's transaction.
func (s *Service) BalanceTx(ctx context.Context, tx bun.IDB, account string, currency money.Currency) (int64, error) {
	return sumOf(ctx, tx, account, currency)
}
