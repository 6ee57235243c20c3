package payment

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"
)

type feePolicyRow struct {
	bun.BaseModel `bun:"table:fee_policies,alias:fp"`
	VendorID      string    `bun:"vendor_id,pk"`
	Processing    Bearer    `bun:"processing"`
	HubRate       int64     `bun:"hub_rate"`
	UpdatedAt     time.Time `bun:"updated_at"`
}

// feePolicies are those that were agreed, by vendor.
func feePolicies(ctx context.Context, db bun.IDB, vendorIDs []string) (map[string]FeePolicy, error) {
	policies := map[string]FeePolicy{}
	if len(vendorIDs) == 0 {
		return policies, nil
	}
	var rows []feePolicyRow
	if err := db.NewSelect().Model(&rows).Where("vendor_id IN (?)", bun.List(vendorIDs)).Scan(ctx); err != nil {
		return nil, fmt.Errorf("read fee policies: %w", err)
	}
	for _, row := range rows {
		policies[row.VendorID] = FeePolicy{Processing: row.Processing, HubRate: row.HubRate}
	}
	return policies, nil
}

func putFeePolicy(ctx context.Context, tx bun.IDB, vendorID string, policy FeePolicy, now time.Time) error {
	row := feePolicyRow{VendorID: vendorID, Processing: policy.Processing, HubRate: policy.HubRate, UpdatedAt: now}
	_, err := tx.NewInsert().Model(&row).On("CONFLICT (vendor_id) DO UPDATE").
		Set("processing = EXCLUDED.processing, hub_rate = EXCLUDED.hub_rate, updated_at = EXCLUDED.updated_at").Exec(ctx)
	if err != nil {
		return fmt.Errorf("store fee policy: %w", err)
	}
	return nil
}
