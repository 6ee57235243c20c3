package payment

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/store"
)

func insertReversal(ctx context.Context, tx bun.IDB, reversal Reversal) error {
	if _, err := tx.NewInsert().Model(&reversal).Exec(ctx); err != nil {
		return fmt.Errorf("store reversal: %w", err)
	}
	return nil
}

func readReversal(ctx context.Context, db bun.IDB, id string) (Reversal, error) {
	var reversal Reversal
	if err := db.NewSelect().Model(&reversal).Where("id = ?", id).Scan(ctx); err != nil {
		return reversal, fmt.Errorf("read reversal: %w", err)
	}
	return reversal, nil
}

func lockReversalOf(ctx context.Context, db *store.DB, tx bun.IDB, causeID string) (Reversal, bool, error) {
	var list []Reversal
	if err := db.ForUpdate(tx.NewSelect().Model(&list).Where("cause_id = ?", causeID)).Scan(ctx); err != nil {
		return Reversal{}, false, fmt.Errorf("read reversal: %w", err)
	}
	if len(list) == 0 {
		return Reversal{}, false, nil
	}
	return list[0], true, nil
}

// reversalsUnderWay sums what reversals will still bring of a vendor, but for one.
func reversalsUnderWay(ctx context.Context, tx bun.IDB, vendorID string, currency money.Currency, but string) (int64, error) {
	var sum int64
	query := tx.NewSelect().Model((*Reversal)(nil)).ColumnExpr("COALESCE(SUM(amount), 0)").Where("vendor_id = ?", vendorID).
		Where("currency = ?", currency).Where("state IN ('pending', 'sending', 'unknown')")
	if but != "" {
		query = query.Where("id <> ?", but)
	}
	if err := query.Scan(ctx, &sum); err != nil {
		return 0, fmt.Errorf("sum reversals: %w", err)
	}
	return sum, nil
}

func completeReversal(ctx context.Context, tx bun.IDB, id, ref string, now time.Time) (bool, error) {
	return completeJob(ctx, tx, Reversals, id, func(q *bun.UpdateQuery) *bun.UpdateQuery { return q.Set("gateway_ref = ?", ref) }, now)
}

func lessenReversal(ctx context.Context, tx bun.IDB, id string, amount int64, now time.Time) error {
	if _, err := tx.NewUpdate().Model((*Reversal)(nil)).Set("amount = ?", amount).Set("updated_at = ?", now.UTC()).Where("id = ?", id).Exec(ctx); err != nil {
		return fmt.Errorf("lessen reversal: %w", err)
	}
	return nil
}
