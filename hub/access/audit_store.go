package access

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/store"
)

func insertEntry(ctx context.Context, tx bun.IDB, entry Entry) error {
	if _, err := tx.NewInsert().Model(&entry).Exec(ctx); err != nil {
		return fmt.Errorf("write the audit log: %w", err)
	}
	return nil
}

// listEntries pages by id, newest first; vendorID empty is every vendor.
func listEntries(ctx context.Context, db bun.IDB, vendorID string, page store.PageRequest) ([]Entry, string, error) {
	var entries []Entry
	query := db.NewSelect().Model(&entries).Order("id DESC").Limit(page.Fetch())
	if vendorID != "" {
		query = query.Where("vendor_id = ?", vendorID)
	}
	if page.Cursor != "" {
		_, id, err := store.DecodeCursor(page.Cursor)
		if err != nil {
			return nil, "", err
		}
		query = query.Where("id < ?", id)
	}
	if err := query.Scan(ctx); err != nil {
		return nil, "", fmt.Errorf("list the audit log: %w", err)
	}
	entries, next := store.CutPage(entries, page, func(entry Entry) (time.Time, string) { return entry.At, entry.ID })
	return entries, next, nil
}
