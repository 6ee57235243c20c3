package party

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"
)

func vendorStates(ctx context.Context, db bun.IDB, customerID string) ([]contactVendor, error) {
	var rows []contactVendor
	err := db.NewSelect().Model(&rows).Join("JOIN contacts AS co ON co.id = cv.contact_id").
		Where("co.customer_id = ?", customerID).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read vendors of contact: %w", err)
	}
	return rows, nil
}

func decideVendors(ctx context.Context, tx bun.IDB, contactID string, vendorIDs []string, state VendorState, now time.Time) ([]string, error) {
	var changed []string
	err := tx.NewUpdate().Model((*contactVendor)(nil)).Set("state = ?", state).Set("decided_at = ?", now).
		Where("contact_id = ?", contactID).Where("vendor_id IN (?)", bun.List(vendorIDs)).Where("state <> ?", state).
		Returning("vendor_id").Scan(ctx, &changed)
	if err != nil {
		return nil, fmt.Errorf("decide on vendors: %w", err)
	}
	return changed, nil
}

// acceptVendors changes only what says otherwise, so that most payments write nothing.
func acceptVendors(ctx context.Context, tx bun.IDB, list []Acquaintance, now time.Time) error {
	_, err := tx.NewUpdate().Model((*contactVendor)(nil)).Set("state = ?", VendorMine).Set("decided_at = ?", now).
		Where("state <> ?", VendorMine).WhereGroup(" AND ", func(q *bun.UpdateQuery) *bun.UpdateQuery {
		for _, one := range list {
			q = q.WhereOr("contact_id = ? AND vendor_id = ?", one.ContactID, one.VendorID)
		}
		return q
	}).Exec(ctx)
	if err != nil {
		return fmt.Errorf("accept vendors: %w", err)
	}
	return nil
}
