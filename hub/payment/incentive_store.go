package payment

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/money"
)

// configured is a vendor's incentives with the zone of its days.
type configured struct {
	Incentives `bun:",extend"`
	TimeZone   string `bun:"time_zone"`
}

func readIncentives(ctx context.Context, db bun.IDB, vendorIDs []string) (map[string]configured, error) {
	var list []configured
	err := db.NewSelect().Model(&list).ColumnExpr("inc.*, v.time_zone").Join("JOIN vendors AS v ON v.id = inc.vendor_id").
		Where("inc.vendor_id IN (?)", bun.List(vendorIDs)).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read incentives: %w", err)
	}
	found := make(map[string]configured, len(list))
	for _, row := range list {
		found[row.VendorID] = row
	}
	return found, nil
}

func putIncentives(ctx context.Context, tx bun.IDB, row Incentives) error {
	_, err := tx.NewInsert().Model(&row).On("CONFLICT (vendor_id) DO UPDATE").
		Set("early_rate = EXCLUDED.early_rate, early_days = EXCLUDED.early_days, from_terms = EXCLUDED.from_terms").
		Set("debit_rate = EXCLUDED.debit_rate, debit_most = EXCLUDED.debit_most").
		Set("late_rate = EXCLUDED.late_rate, late_fixed = EXCLUDED.late_fixed, late_most = EXCLUDED.late_most, late_days = EXCLUDED.late_days").
		Set("waived_by = EXCLUDED.waived_by, waived_days = EXCLUDED.waived_days, updated_at = EXCLUDED.updated_at").Exec(ctx)
	if err != nil {
		return fmt.Errorf("store incentives: %w", err)
	}
	return nil
}

// accountTerms are the payment terms of accounts, by id.
func accountTerms(ctx context.Context, db bun.IDB, accountIDs []string) (map[string]string, error) {
	var rows []struct {
		ID    string `bun:"id"`
		Terms string `bun:"terms"`
	}
	if err := db.NewSelect().TableExpr("accounts").Column("id", "terms").Where("id IN (?)", bun.List(accountIDs)).Scan(ctx, &rows); err != nil {
		return nil, fmt.Errorf("read terms: %w", err)
	}
	terms := make(map[string]string, len(rows))
	for _, row := range rows {
		terms[row.ID] = row.Terms
	}
	return terms, nil
}

// feesTaken are the invoices whose late fee was paid here, or is on its way. A
// fee that the payer's bank took back was not paid.
func feesTaken(ctx context.Context, db bun.IDB, invoiceIDs []string) (map[string]bool, error) {
	var ids []string
	err := db.NewRaw(`SELECT al.invoice_id FROM allocations AS al JOIN payments AS p ON p.id = al.payment_id
			WHERE al.late_fee > 0 AND p.status <> 'charged_back' AND al.invoice_id IN (?)
		UNION SELECT pl.invoice_id FROM payment_lines AS pl JOIN payments AS p ON p.id = pl.payment_id
			WHERE pl.late_fee > 0 AND p.status IN ('pending', 'processing') AND pl.invoice_id IN (?)`,
		bun.List(invoiceIDs), bun.List(invoiceIDs)).Scan(ctx, &ids)
	if err != nil {
		return nil, fmt.Errorf("read late fees: %w", err)
	}
	return setOf(ids), nil
}

// disputed are the invoices that their customers dispute now.
func disputed(ctx context.Context, db bun.IDB, invoiceIDs []string) (map[string]bool, error) {
	var ids []string
	err := db.NewSelect().TableExpr("holds").ColumnExpr("DISTINCT invoice_id").Where("invoice_id IN (?)", bun.List(invoiceIDs)).
		Where("kind = 'dispute'").Where("lifted_at IS NULL").Scan(ctx, &ids)
	if err != nil {
		return nil, fmt.Errorf("read disputes: %w", err)
	}
	return setOf(ids), nil
}

func setOf(ids []string) map[string]bool {
	set := make(map[string]bool, len(ids))
	for _, id := range ids {
		set[id] = true
	}
	return set
}

func feesShown(ctx context.Context, db bun.IDB, invoiceIDs []string) (map[string]money.Date, error) {
	var list []feeNotice
	if err := db.NewSelect().Model(&list).Where("invoice_id IN (?)", bun.List(invoiceIDs)).Scan(ctx); err != nil {
		return nil, fmt.Errorf("read notices of late fees: %w", err)
	}
	shown := make(map[string]money.Date, len(list))
	for _, row := range list {
		shown[row.InvoiceID] = row.ShownOn
	}
	return shown, nil
}

// insertNotices keeps the first showing of each: a second one changes nothing.
func insertNotices(ctx context.Context, tx bun.IDB, rows []feeNotice) error {
	if len(rows) == 0 {
		return nil
	}
	if _, err := tx.NewInsert().Model(&rows).On("CONFLICT (invoice_id) DO NOTHING").Exec(ctx); err != nil {
		return fmt.Errorf("store notices of late fees: %w", err)
	}
	return nil
}
