package billing

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/money"
)

func insertHolds(ctx context.Context, tx bun.IDB, holds []Hold) error {
	if len(holds) == 0 {
		return nil
	}
	if _, err := tx.NewInsert().Model(&holds).Exec(ctx); err != nil {
		return fmt.Errorf("hold invoices: %w", err)
	}
	return nil
}

func liftCaseHolds(ctx context.Context, tx bun.IDB, caseID string, now time.Time) error {
	_, err := tx.NewUpdate().Model((*Hold)(nil)).Set("lifted_at = ?", now).Where("case_id = ?", caseID).Where("lifted_at IS NULL").Exec(ctx)
	if err != nil {
		return fmt.Errorf("lift holds: %w", err)
	}
	return nil
}

func liftManual(ctx context.Context, tx bun.IDB, vendorID, invoiceID string, now time.Time) error {
	_, err := tx.NewUpdate().Model((*Hold)(nil)).Set("lifted_at = ?", now).Where("vendor_id = ?", vendorID).
		Where("invoice_id = ?", invoiceID).Where("kind = ?", HoldManual).Where("lifted_at IS NULL").Exec(ctx)
	if err != nil {
		return fmt.Errorf("lift hold: %w", err)
	}
	return nil
}

func liftScheduled(ctx context.Context, tx bun.IDB, scheduleID string, now time.Time) error {
	_, err := tx.NewUpdate().Model((*Hold)(nil)).Set("lifted_at = ?", now).Where("schedule_id = ?", scheduleID).Where("lifted_at IS NULL").Exec(ctx)
	if err != nil {
		return fmt.Errorf("lift scheduled holds: %w", err)
	}
	return nil
}

// attachHolds reads the active holds of all items in one query.
func attachHolds(ctx context.Context, db bun.IDB, items []Item, today money.Date) error {
	if len(items) == 0 {
		return nil
	}
	ids := make([]string, len(items))
	at := make(map[string]int, len(items))
	for i, item := range items {
		ids[i], at[item.ID] = item.ID, i
	}
	var holds []Hold
	query := db.NewSelect().Model(&holds).Where("invoice_id IN (?)", bun.List(ids)).Where("lifted_at IS NULL").Order("id")
	if today != "" {
		query = query.Where("(ends_on IS NULL OR ends_on > ?)", string(today))
	}
	if err := query.Scan(ctx); err != nil {
		return fmt.Errorf("read holds: %w", err)
	}
	for _, hold := range holds {
		i := at[hold.InvoiceID]
		items[i].Holds = append(items[i].Holds, hold)
	}
	return nil
}

// liftPayment ends a payment's holds; false when they were lifted before.
func liftPayment(ctx context.Context, tx bun.IDB, paymentID string, now time.Time) (bool, error) {
	result, err := tx.NewUpdate().Model((*Hold)(nil)).Set("lifted_at = ?", now).Where("payment_id = ?", paymentID).
		Where("lifted_at IS NULL").Exec(ctx)
	if err != nil {
		return false, fmt.Errorf("release holds: %w", err)
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

// addEach adds to one column of many rows in one statement; deltas is by id.
func addEach(ctx context.Context, tx bun.IDB, table, column string, deltas map[string]int64, now time.Time) error {
	if len(deltas) == 0 {
		return nil
	}
	ids := make([]string, 0, len(deltas))
	for id := range deltas {
		ids = append(ids, id)
	}
	sort.Strings(ids) // rows are locked in one order everywhere
	cases, args := strings.Builder{}, []any{bun.Ident(column), bun.Ident(column)}
	for _, id := range ids {
		cases.WriteString(" WHEN id = ? THEN ?")
		args = append(args, id, deltas[id])
	}
	_, err := tx.NewUpdate().TableExpr("?", bun.Ident(table)).Set("? = ? + CASE"+cases.String()+" ELSE 0 END", args...).
		Set("updated_at = ?", now).Where("id IN (?)", bun.List(ids)).Exec(ctx)
	if err != nil {
		return fmt.Errorf("reserve %s: %w", table, err)
	}
	return nil
}
