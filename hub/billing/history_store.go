package billing

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/store"
)

func insertHistory(ctx context.Context, db *store.DB, tx bun.IDB, rows []History) error {
	if err := store.InsertAll(ctx, db, tx, rows, ""); err != nil {
		return fmt.Errorf("write history: %w", err)
	}
	return nil
}

func historyOf(ctx context.Context, db bun.IDB, invoiceID string, page store.PageRequest) ([]History, string, error) {
	var rows []History
	query := db.NewSelect().Model(&rows).Where("invoice_id = ?", invoiceID).Order("id DESC").Limit(page.Fetch())
	if page.Cursor != "" {
		_, id, err := store.DecodeCursor(page.Cursor)
		if err != nil {
			return nil, "", err
		}
		query = query.Where("id < ?", id)
	}
	if err := query.Scan(ctx); err != nil {
		return nil, "", fmt.Errorf("read history: %w", err)
	}
	rows, next := store.CutPage(rows, page, func(h History) (time.Time, string) { return h.At, h.ID })
	return rows, next, nil
}
