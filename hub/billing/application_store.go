package billing

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/store"
)

func lockRows(ctx context.Context, db *store.DB, tx bun.IDB, invoiceIDs, creditIDs []string, beside ...store.Question) (map[string]Invoice, map[string]Credit, error) {
	var invoiceList []Invoice
	var creditList []Credit
	questions := []store.Question{store.ByIDs(&invoiceList, "SELECT * FROM invoices WHERE id IN (?) ORDER BY id FOR UPDATE", invoiceIDs),
		store.ByIDs(&creditList, "SELECT * FROM credits WHERE id IN (?) ORDER BY id FOR UPDATE", creditIDs)}
	if err := db.Ask(ctx, tx, append(questions, beside...)...); err != nil {
		return nil, nil, fmt.Errorf("lock invoices and credits: %w", err)
	}
	invoices, credits := make(map[string]Invoice, len(invoiceIDs)), make(map[string]Credit, len(creditIDs))
	for _, invoice := range invoiceList {
		invoices[invoice.ID] = invoice
	}
	for _, credit := range creditList {
		credits[credit.ID] = credit
	}
	return invoices, credits, nil
}

// owedBy is what each table's rows owe, before it is bounded by nothing and the total.
var owedBy = map[string]string{"invoices": "(source_open - applied + reopened)", "credits": "(source_open - applied)"}

// recompute sets open and status from source_open and applied, as settle does.
func recompute(ctx context.Context, tx bun.IDB, table string, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	owed := owedBy[table]
	_, err := tx.NewUpdate().TableExpr("?", bun.Ident(table)).
		Set("open = CASE WHEN status = 'void' OR "+owed+" < 0 THEN 0 WHEN "+owed+" > total THEN total ELSE "+owed+" END").
		Set("status = CASE WHEN status = 'void' THEN 'void' WHEN "+owed+" > 0 THEN 'open' ELSE 'paid' END").
		Where("id IN (?)", bun.List(ids)).Exec(ctx)
	if err != nil {
		return fmt.Errorf("recompute %s: %w", table, err)
	}
	return nil
}

func keys(m map[string]int64) []string {
	list := make([]string, 0, len(m))
	for key := range m {
		list = append(list, key)
	}
	return list
}

func acknowledge(ctx context.Context, tx bun.IDB, vendorID, reference string, now time.Time) error {
	_, err := tx.NewUpdate().Model((*Application)(nil)).Set("acknowledged_at = ?", now).
		Where("vendor_id = ?", vendorID).Where("reference = ?", reference).Where("acknowledged_at IS NULL").Exec(ctx)
	if err != nil {
		return fmt.Errorf("acknowledge: %w", err)
	}
	return nil
}

func applicationsByReference(ctx context.Context, tx bun.IDB, vendorID, reference string) ([]Application, error) {
	var list []Application
	err := tx.NewSelect().Model(&list).Where("vendor_id = ?", vendorID).Where("reference = ?", reference).Where("voided_at IS NULL").Order("id").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read applications: %w", err)
	}
	return list, nil
}

// unreflected are the applications that the books do not show yet, of invoices or of credits.
func unreflected(ctx context.Context, tx bun.IDB, column string, ids []string) ([]Application, error) {
	var list []Application
	if len(ids) == 0 {
		return nil, nil
	}
	query := tx.NewSelect().Model(&list).Where("? IN (?)", bun.Ident(column), bun.List(ids)).Where("voided_at IS NULL").Order("id")
	if column == "credit_id" {
		query = query.Where("credit_reflected_at IS NULL")
	} else {
		query = query.Where("reflected_at IS NULL")
	}
	if err := query.Scan(ctx); err != nil {
		return nil, fmt.Errorf("read applications: %w", err)
	}
	return list, nil
}

// markReflected notes that the books show applications, on the invoice's side or the credit's.
func markReflected(ctx context.Context, tx bun.IDB, column string, ids []string, now time.Time) error {
	if len(ids) == 0 {
		return nil
	}
	_, err := tx.NewUpdate().Model((*Application)(nil)).Set("? = ?", bun.Ident(column), now).Where("id IN (?)", bun.List(ids)).Exec(ctx)
	if err != nil {
		return fmt.Errorf("mark reflected: %w", err)
	}
	return nil
}

// confirmReflected reads the applications under the locks: a pull, or the same
// confirmation, may have come between.
func confirmReflected(ctx context.Context, db *store.DB, tx bun.IDB, vendorID, reference string, invoiceIDs, creditIDs []string, now time.Time) error {
	if _, _, err := lockRows(ctx, db, tx, invoiceIDs, creditIDs); err != nil {
		return err
	}
	list, err := applicationsByReference(ctx, tx, vendorID, reference)
	if err != nil {
		return err
	}
	byInvoice, byCredit := map[string]int64{}, map[string]int64{}
	var invoiceSide, creditSide []string
	for _, application := range list {
		if application.ReflectedAt.IsZero() {
			byInvoice[application.InvoiceID] += application.Amount
			invoiceSide = append(invoiceSide, application.ID)
		}
		if application.CreditID != "" && application.CreditReflectedAt.IsZero() {
			byCredit[application.CreditID] += application.Amount
			creditSide = append(creditSide, application.ID)
		}
	}
	for table, deltas := range map[string]map[string]int64{"invoices": byInvoice, "credits": byCredit} {
		if err := takeOffSource(ctx, tx, table, deltas, now); err != nil {
			return err
		}
	}
	if err := markReflected(ctx, tx, "reflected_at", invoiceSide, now); err != nil {
		return err
	}
	return markReflected(ctx, tx, "credit_reflected_at", creditSide, now)
}

// takeOffSource moves amounts from "applied here" into what the books say.
func takeOffSource(ctx context.Context, tx bun.IDB, table string, deltas map[string]int64, now time.Time) error {
	if err := addEach(ctx, tx, table, "applied", negated(deltas), now); err != nil {
		return err
	}
	lower := map[string]int64{}
	var rows []struct {
		ID         string `bun:"id"`
		SourceOpen int64  `bun:"source_open"`
	}
	if len(deltas) == 0 {
		return nil
	}
	if err := tx.NewSelect().TableExpr("?", bun.Ident(table)).Column("id", "source_open").Where("id IN (?)", bun.List(keys(deltas))).Scan(ctx, &rows); err != nil {
		return fmt.Errorf("read %s: %w", table, err)
	}
	for _, row := range rows {
		lower[row.ID] = -min(row.SourceOpen, deltas[row.ID])
	}
	if err := addEach(ctx, tx, table, "source_open", lower, now); err != nil {
		return err
	}
	return recompute(ctx, tx, table, keys(deltas))
}
