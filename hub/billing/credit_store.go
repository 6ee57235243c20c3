package billing

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/store"
)

func openCredits(ctx context.Context, db bun.IDB, viewer Viewer, limit int64) ([]Credit, error) {
	var list []Credit
	err := viewer.scope(db.NewSelect().Model(&list), "c.account_id").Where("c.status = ?", Open).
		Order("c.vendor_id", "c.issued_on", "c.id").Limit(limit).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read credits: %w", err)
	}
	return list, nil
}

func seenCredits(ctx context.Context, db bun.IDB, viewer Viewer, ids []string) ([]Credit, error) {
	var list []Credit
	if len(ids) == 0 {
		return nil, nil
	}
	err := viewer.scope(db.NewSelect().Model(&list), "c.account_id").Where("c.id IN (?)", bun.List(ids)).Order("c.id").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read credits: %w", err)
	}
	return list, nil
}

func listCredits(ctx context.Context, tx bun.IDB, vendorID string, since time.Time, page store.PageRequest) ([]CreditItem, string, error) {
	var list []CreditItem
	query := tx.NewSelect().Model(&list).ColumnExpr("c.*, a.external_id AS account_external_id").
		Join("JOIN accounts AS a ON a.id = c.account_id").Where("c.vendor_id = ?", vendorID).Limit(page.Fetch())
	if !since.IsZero() {
		query = query.Where("c.updated_at >= ?", since.UTC())
	}
	query, err := byUpdated(query, "c", false, page)
	if err != nil {
		return nil, "", err
	}
	if err := query.Scan(ctx); err != nil {
		return nil, "", fmt.Errorf("list credits: %w", err)
	}
	list, next := store.CutPage(list, page, func(c CreditItem) (time.Time, string) { return c.UpdatedAt, c.ID })
	return list, next, nil
}
