package billing

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/store"
)

// liftHolds ends holds that nobody else ends meanwhile.
func liftHolds(ctx context.Context, db *store.DB, tx bun.IDB, ids []string, now time.Time) error {
	rows := make([][]any, len(ids))
	for i, id := range ids {
		rows[i] = []any{id, now}
	}
	return db.UpdateRows(ctx, tx, "holds", []store.Column{{Name: "lifted_at", Type: "{{time}}"}}, rows)
}

func insertApplications(ctx context.Context, db *store.DB, tx bun.IDB, applications []Application) error {
	if err := store.InsertAll(ctx, db, tx, applications, ""); err != nil {
		return fmt.Errorf("apply: %w", err)
	}
	return nil
}

var balanceColumns = []store.Column{{Name: "applied", Type: "{{minor}}"}, {Name: "held", Type: "{{minor}}"}, {Name: "open", Type: "{{minor}}"},
	{Name: "status"}, {Name: "updated_at", Type: "{{time}}"}}

// writeBalances writes what changed on locked invoices, in one statement.
func writeBalances(ctx context.Context, db *store.DB, tx bun.IDB, invoices map[string]Invoice, which map[string]bool, now time.Time) error {
	var rows [][]any
	for _, id := range sortedKeys(which) {
		invoice := invoices[id]
		invoice.UpdatedAt = now
		invoices[id] = invoice
		rows = append(rows, []any{id, invoice.Applied, invoice.Held, invoice.Open, string(invoice.Status), now, invoice.Reopened})
	}
	columns := append(slices.Clone(balanceColumns), store.Column{Name: "reopened", Type: "{{minor}}"})
	return db.UpdateRows(ctx, tx, "invoices", columns, rows)
}

func writeCreditBalances(ctx context.Context, db *store.DB, tx bun.IDB, credits map[string]Credit, which map[string]bool, now time.Time) error {
	var rows [][]any
	for _, id := range sortedKeys(which) {
		credit := credits[id]
		credit.UpdatedAt = now
		credits[id] = credit
		rows = append(rows, []any{id, credit.Applied, credit.Held, credit.Open, string(credit.Status), now})
	}
	return db.UpdateRows(ctx, tx, "credits", balanceColumns, rows)
}

// sortedKeys: rows are changed in one order everywhere.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func appliedInvoices(ctx context.Context, tx bun.IDB, vendorID, reference string) ([]string, error) {
	var ids []string
	err := tx.NewSelect().Model((*Application)(nil)).ColumnExpr("DISTINCT invoice_id").Where("vendor_id = ?", vendorID).
		Where("reference = ?", reference).Where("kind <> ?", AppliedCredit).Scan(ctx, &ids)
	if err != nil {
		return nil, fmt.Errorf("read applications: %w", err)
	}
	return ids, nil
}

func moneyByReference(ctx context.Context, tx bun.IDB, vendorID, reference string) ([]Application, error) {
	var list []Application
	err := tx.NewSelect().Model(&list).Where("vendor_id = ?", vendorID).Where("reference = ?", reference).Where("kind <> ?", AppliedCredit).
		Order("id").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read applications: %w", err)
	}
	return list, nil
}

func markVoided(ctx context.Context, tx bun.IDB, ids []string, now time.Time) error {
	if len(ids) == 0 {
		return nil
	}
	if _, err := tx.NewUpdate().Model((*Application)(nil)).Set("voided_at = ?", now).Where("id IN (?)", bun.List(ids)).Exec(ctx); err != nil {
		return fmt.Errorf("void applications: %w", err)
	}
	return nil
}

// unmarkVoided lets applications count again; those in again are not in the books.
func unmarkVoided(ctx context.Context, tx bun.IDB, ids, again []string) error {
	if len(ids) == 0 {
		return nil
	}
	if _, err := tx.NewUpdate().Model((*Application)(nil)).Set("voided_at = NULL").Where("id IN (?)", bun.List(ids)).Exec(ctx); err != nil {
		return fmt.Errorf("restore applications: %w", err)
	}
	if len(again) == 0 {
		return nil
	}
	if _, err := tx.NewUpdate().Model((*Application)(nil)).Set("reflected_at = NULL").Where("id IN (?)", bun.List(again)).Exec(ctx); err != nil {
		return fmt.Errorf("restore applications: %w", err)
	}
	return nil
}
