package access

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/store"
)

func countKeys(ctx context.Context, tx bun.IDB, vendorID string) (int, error) {
	n, err := tx.NewSelect().Model((*APIKey)(nil)).Where("vendor_id = ?", vendorID).Where("revoked_at IS NULL").Count(ctx)
	if err != nil {
		return 0, fmt.Errorf("count API keys: %w", err)
	}
	return int(n), nil
}

func insertKey(ctx context.Context, tx bun.IDB, row APIKey) error {
	if _, err := tx.NewInsert().Model(&row).Exec(ctx); err != nil {
		return fmt.Errorf("keep the API key: %w", err)
	}
	return nil
}

func readKey(ctx context.Context, db bun.IDB, hash string) (APIKey, string, bool, error) {
	var found struct {
		APIKey `bun:",extend"`
		Status string `bun:"status"`
	}
	err := db.NewSelect().Model(&found).ColumnExpr("ak.*, v.status").Join("JOIN vendors AS v ON v.id = ak.vendor_id").
		Where("ak.key_hash = ?", hash).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return APIKey{}, "", false, nil
	}
	if err != nil {
		return APIKey{}, "", false, fmt.Errorf("read the API key: %w", err)
	}
	return found.APIKey, found.Status, true, nil
}

// touchKey writes nothing when another request did so meanwhile.
func touchKey(ctx context.Context, db bun.IDB, id string, now, unlessAfter time.Time) error {
	_, err := db.NewUpdate().Model((*APIKey)(nil)).Set("last_used_at = ?", now).Where("id = ?", id).
		Where("(last_used_at IS NULL OR last_used_at <= ?)", unlessAfter).Exec(ctx)
	if err != nil {
		return fmt.Errorf("note the API key as used: %w", err)
	}
	return nil
}

func keyOf(ctx context.Context, tx bun.IDB, vendorID, keyID string) (APIKey, bool, error) {
	var row APIKey
	err := tx.NewSelect().Model(&row).Where("vendor_id = ?", vendorID).Where("id = ?", keyID).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return APIKey{}, false, nil
	}
	if err != nil {
		return APIKey{}, false, fmt.Errorf("read the API key: %w", err)
	}
	return row, true, nil
}

func markKeyRevoked(ctx context.Context, tx bun.IDB, vendorID, keyID string, now time.Time) (bool, error) {
	result, err := tx.NewUpdate().Model((*APIKey)(nil)).Set("revoked_at = ?", now).
		Where("vendor_id = ?", vendorID).Where("id = ?", keyID).Where("revoked_at IS NULL").Exec(ctx)
	if err != nil {
		return false, fmt.Errorf("revoke the API key: %w", err)
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

func listKeys(ctx context.Context, tx bun.IDB, vendorID string, page store.PageRequest) ([]APIKey, string, error) {
	var keys []APIKey
	query := tx.NewSelect().Model(&keys).ExcludeColumn("key_hash").Where("vendor_id = ?", vendorID).Order("id DESC").Limit(page.Fetch())
	if page.Cursor != "" {
		_, id, err := store.DecodeCursor(page.Cursor)
		if err != nil {
			return nil, "", err
		}
		query = query.Where("id < ?", id)
	}
	if err := query.Scan(ctx); err != nil {
		return nil, "", fmt.Errorf("list API keys: %w", err)
	}
	keys, next := store.CutPage(keys, page, func(key APIKey) (time.Time, string) { return key.CreatedAt, key.ID })
	return keys, next, nil
}
