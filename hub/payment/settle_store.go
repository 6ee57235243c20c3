package payment

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/store"
)

var settledPaymentColumns = []store.Column{{Name: "captured", Type: "{{minor}}"}, {Name: "unapplied", Type: "{{minor}}"}, {Name: "fee", Type: "{{minor}}"},
	{Name: "status"}, {Name: "method"}, {Name: "method_detail"}, {Name: "failure"}, {Name: "source_ref"}, {Name: "intent_ref"}, {Name: "available_at", Type: "{{time}}"},
	{Name: "settled_at", Type: "{{time}}"}, {Name: "updated_at", Type: "{{time}}"}}

var settledShareColumns = []store.Column{{Name: "credit_amount", Type: "{{minor}}"}, {Name: "unapplied", Type: "{{minor}}"}, {Name: "discount", Type: "{{minor}}"},
	{Name: "late_fee", Type: "{{minor}}"}, {Name: "processing_fee", Type: "{{minor}}"}, {Name: "hub_fee", Type: "{{minor}}"}, {Name: "status"}, {Name: "method"},
	{Name: "settled_at", Type: "{{time}}"}, {Name: "updated_at", Type: "{{time}}"}}

// writeSettlement writes what a settlement does in this room, one statement a table.
func writeSettlement(ctx context.Context, db *store.DB, tx bun.IDB, w *settlement) error {
	var payments, shares [][]any
	for _, p := range w.payments {
		payments = append(payments, []any{p.ID, p.Captured, p.Unapplied, p.Fee, string(p.Status), p.Method, p.MethodDetail, p.Failure, p.SourceRef, p.IntentRef, nullTime(p.AvailableAt),
			p.SettledAt, p.UpdatedAt})
		for _, s := range p.shares {
			shares = append(shares, []any{s.ID, s.CreditAmount, s.Unapplied, s.Discount, s.LateFee, s.ProcessingFee, s.HubFee, string(s.Status), s.Method,
				s.SettledAt, s.UpdatedAt})
		}
	}
	if err := db.UpdateRows(ctx, tx, "payments", settledPaymentColumns, payments); err != nil {
		return err
	}
	if err := db.UpdateRows(ctx, tx, "shares", settledShareColumns, shares); err != nil {
		return err
	}
	if len(w.allocations) > 0 {
		if _, err := tx.NewInsert().Model(&w.allocations).Exec(ctx); err != nil {
			return fmt.Errorf("allocate: %w", err)
		}
	}
	return insertTransfers(ctx, tx, w.transfers)
}

func insertTransfers(ctx context.Context, tx bun.IDB, transfers []Transfer) error {
	if len(transfers) == 0 {
		return nil
	}
	if _, err := tx.NewInsert().Model(&transfers).Exec(ctx); err != nil {
		return fmt.Errorf("plan transfers: %w", err)
	}
	return nil
}
