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

// inVendor narrows to one vendor's staff; empty is the operator's.
func inVendor(query *bun.SelectQuery, vendorID string) *bun.SelectQuery {
	if vendorID == "" {
		return query.Where("st.vendor_id IS NULL")
	}
	return query.Where("st.vendor_id = ?", vendorID)
}

// putStaff inserts the row, or revives the disabled one with its address; added
// is false, with the row as it stands, when it was active already.
func putStaff(ctx context.Context, tx bun.IDB, fresh Staff) (staff Staff, added bool, err error) {
	result, err := tx.NewInsert().Model(&fresh).On("CONFLICT DO NOTHING").Exec(ctx)
	if err != nil {
		return Staff{}, false, fmt.Errorf("add staff: %w", err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 1 {
		return fresh, err == nil, err
	}
	if err := inVendor(tx.NewSelect().Model(&staff), fresh.VendorID).Where("st.email = ?", fresh.Email).Scan(ctx); err != nil {
		return Staff{}, false, fmt.Errorf("read staff: %w", err)
	}
	if staff.DisabledAt.IsZero() {
		return staff, false, nil
	}
	staff.Name, staff.Role, staff.DisabledAt = fresh.Name, fresh.Role, time.Time{}
	_, err = tx.NewUpdate().Model(&staff).Column("name", "role", "disabled_at").WherePK().Exec(ctx)
	if err != nil {
		return Staff{}, false, fmt.Errorf("revive staff: %w", err)
	}
	return staff, true, nil
}

func countActiveStaff(ctx context.Context, tx bun.IDB, vendorID string) (int, error) {
	n, err := inVendor(tx.NewSelect().Model((*Staff)(nil)), vendorID).Where("disabled_at IS NULL").Count(ctx)
	if err != nil {
		return 0, fmt.Errorf("count staff: %w", err)
	}
	return int(n), nil
}

func isActiveOwner(ctx context.Context, tx bun.IDB, vendorID, staffID string) (bool, error) {
	owner, err := inVendor(tx.NewSelect().Model((*Staff)(nil)), vendorID).Where("id = ?", staffID).Where("role = ?", RoleOwner).
		Where("disabled_at IS NULL").Exists(ctx)
	if err != nil {
		return false, fmt.Errorf("read staff: %w", err)
	}
	return owner, nil
}

// lockLeaders are the ids of the active owners (or operators), locked, so that
// two of them cannot disable each other.
func lockLeaders(ctx context.Context, db *store.DB, tx bun.IDB, vendorID string) ([]string, error) {
	var ids []string
	query := inVendor(tx.NewSelect().Model((*Staff)(nil)).Column("id"), vendorID).
		Where("role IN (?, ?)", RoleOwner, RoleOperator).Where("disabled_at IS NULL").Order("id")
	if err := db.ForUpdate(query).Scan(ctx, &ids); err != nil {
		return nil, fmt.Errorf("lock the owners: %w", err)
	}
	return ids, nil
}

func readStaff(ctx context.Context, tx bun.IDB, vendorID, staffID string) (Staff, bool, error) {
	var staff Staff
	err := inVendor(tx.NewSelect().Model(&staff), vendorID).Where("id = ?", staffID).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return Staff{}, false, nil
	}
	if err != nil {
		return Staff{}, false, fmt.Errorf("read staff: %w", err)
	}
	return staff, true, nil
}

func markStaffDisabled(ctx context.Context, tx bun.IDB, staffID string, now time.Time) error {
	_, err := tx.NewUpdate().Model((*Staff)(nil)).Set("disabled_at = ?", now).Where("id = ?", staffID).Exec(ctx)
	if err != nil {
		return fmt.Errorf("disable staff: %w", err)
	}
	return nil
}

func listStaff(ctx context.Context, tx bun.IDB, vendorID string, page store.PageRequest) ([]Staff, string, error) {
	var staffs []Staff
	query := inVendor(tx.NewSelect().Model(&staffs), vendorID).Order("id").Limit(page.Fetch())
	if page.Cursor != "" {
		_, id, err := store.DecodeCursor(page.Cursor)
		if err != nil {
			return nil, "", err
		}
		query = query.Where("id > ?", id)
	}
	if err := query.Scan(ctx); err != nil {
		return nil, "", fmt.Errorf("list staff: %w", err)
	}
	staffs, next := store.CutPage(staffs, page, func(staff Staff) (time.Time, string) { return staff.CreatedAt, staff.ID })
	return staffs, next, nil
}

// activeStaffs are all rows that a person may work as, the operator's first.
func activeStaffs(ctx context.Context, tx bun.IDB, email string) ([]Staff, error) {
	var staffs []Staff
	err := tx.NewSelect().Model(&staffs).ColumnExpr("st.*").ColumnExpr("COALESCE(v.name, '') AS vendor_name").
		Join("LEFT JOIN vendors AS v ON v.id = st.vendor_id").Where("st.email = ?", email).Where("st.disabled_at IS NULL").
		OrderExpr("st.vendor_id IS NOT NULL, v.name, st.id").Limit(store.MaxPage).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read staff: %w", err)
	}
	return staffs, nil
}
