package party

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/store"
)

func insertVendor(ctx context.Context, tx bun.IDB, vendor Vendor) error {
	if _, err := tx.NewInsert().Model(&vendor).Exec(ctx); err != nil {
		return fmt.Errorf("add vendor: %w", err)
	}
	return nil
}

func readVendor(ctx context.Context, db bun.IDB, id string) (Vendor, error) {
	var vendor Vendor
	err := db.NewSelect().Model(&vendor).Where("id = ?", id).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return vendor, fault.New(fault.NotFound, "There is no such vendor.")
	}
	if err != nil {
		return vendor, fmt.Errorf("read vendor: %w", err)
	}
	return vendor, nil
}

func readVendors(ctx context.Context, db bun.IDB, ids []string) (map[string]Vendor, error) {
	found := make(map[string]Vendor, len(ids))
	if len(ids) == 0 {
		return found, nil
	}
	var list []Vendor
	if err := db.NewSelect().Model(&list).Where("id IN (?)", bun.List(ids)).Scan(ctx); err != nil {
		return nil, fmt.Errorf("read vendors: %w", err)
	}
	for _, vendor := range list {
		found[vendor.ID] = vendor
	}
	return found, nil
}

func vendorsNamed(ctx context.Context, db bun.IDB, name string, limit int64) ([]Vendor, error) {
	var list []Vendor
	if err := db.NewSelect().Model(&list).Where("lower(name) = lower(?)", name).Order("id").Limit(limit).Scan(ctx); err != nil {
		return nil, fmt.Errorf("find a vendor: %w", err)
	}
	return list, nil
}

// lockBooks takes the lock that foreign keys to the vendor do not wait for.
func lockBooks(ctx context.Context, db *store.DB, tx bun.IDB, vendorID string) error {
	if db.Kind != store.Postgres { // SQLite has one writer anyway
		return nil
	}
	if _, err := tx.NewRaw("SELECT 1 FROM vendors WHERE id = ? FOR NO KEY UPDATE", vendorID).Exec(ctx); err != nil {
		return fmt.Errorf("lock the vendor's books: %w", err)
	}
	return nil
}

func updateVendor(ctx context.Context, tx bun.IDB, vendor Vendor) error {
	_, err := tx.NewUpdate().Model(&vendor).WherePK().ExcludeColumn("id", "created_at", "webhook_secret").Exec(ctx)
	if err != nil {
		return fmt.Errorf("change vendor: %w", err)
	}
	return nil
}

func listVendors(ctx context.Context, db bun.IDB, status VendorStatus, page store.PageRequest) ([]Vendor, string, error) {
	var list []Vendor
	query := db.NewSelect().Model(&list).Order("id DESC").Limit(page.Fetch())
	if status != "" {
		query = query.Where("status = ?", status)
	}
	if page.Cursor != "" {
		_, id, err := store.DecodeCursor(page.Cursor)
		if err != nil {
			return nil, "", err
		}
		query = query.Where("id < ?", id)
	}
	if err := query.Scan(ctx); err != nil {
		return nil, "", fmt.Errorf("list vendors: %w", err)
	}
	list, next := store.CutPage(list, page, func(v Vendor) (time.Time, string) { return v.CreatedAt, v.ID })
	return list, next, nil
}
