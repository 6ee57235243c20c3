package billing

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/store"
)

func lockInvoicesByExternalID(ctx context.Context, db *store.DB, tx bun.IDB, vendorID string, ids []string) ([]Invoice, error) {
	var list []Invoice
	query := tx.NewSelect().Model(&list).Where("vendor_id = ?", vendorID).Where("external_id IN (?)", bun.List(ids)).Order("id")
	if err := db.ForUpdate(query).Scan(ctx); err != nil {
		return nil, fmt.Errorf("read invoices: %w", err)
	}
	return list, nil
}

func invoicesByNumber(ctx context.Context, tx bun.IDB, vendorID string, numbers []string) ([]Invoice, error) {
	var list []Invoice
	err := tx.NewSelect().Model(&list).Column("account_id", "number", "external_id").Where("vendor_id = ?", vendorID).
		Where("number IN (?)", bun.List(numbers)).Where("status <> ?", Void).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read numbers: %w", err)
	}
	return list, nil
}

func lockCreditsByExternalID(ctx context.Context, db *store.DB, tx bun.IDB, vendorID string, ids []string) (map[string]Credit, error) {
	var list []Credit
	query := tx.NewSelect().Model(&list).Where("vendor_id = ?", vendorID).Where("external_id IN (?)", bun.List(ids)).Order("id")
	if err := db.ForUpdate(query).Scan(ctx); err != nil {
		return nil, fmt.Errorf("read credits: %w", err)
	}
	found := make(map[string]Credit, len(list))
	for _, credit := range list {
		found[credit.ExternalID] = credit
	}
	return found, nil
}

// writeInvoices stores new and changed invoices in one statement. held is not
// written: it belongs to payments, and the rows are locked.
func writeInvoices(ctx context.Context, tx bun.IDB, invoices []Invoice) error {
	if len(invoices) == 0 {
		return nil
	}
	query := tx.NewInsert().Model(&invoices).On("CONFLICT (id) DO UPDATE")
	for _, column := range []string{"customer_id", "account_id", "number", "issued_on", "due_on", "due_note", "terms", "currency", "total",
		"source_open", "applied", "reopened", "open", "status", "purchase_order", "note", "lines", "source_hash", "source_at", "updated_at", "connection_id"} {
		query = query.Set("? = EXCLUDED.?", bun.Ident(column), bun.Ident(column))
	}
	if _, err := query.Exec(ctx); err != nil {
		return fmt.Errorf("write invoices: %w", err)
	}
	return nil
}

func writeCredits(ctx context.Context, tx bun.IDB, credits []Credit) error {
	if len(credits) == 0 {
		return nil
	}
	query := tx.NewInsert().Model(&credits).On("CONFLICT (id) DO UPDATE")
	for _, column := range []string{"customer_id", "account_id", "number", "issued_on", "currency", "total", "source_open", "applied",
		"open", "status", "note", "source_hash", "source_at", "updated_at", "connection_id"} {
		query = query.Set("? = EXCLUDED.?", bun.Ident(column), bun.Ident(column))
	}
	if _, err := query.Exec(ctx); err != nil {
		return fmt.Errorf("write credits: %w", err)
	}
	return nil
}
