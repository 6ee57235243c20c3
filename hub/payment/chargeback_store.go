package payment

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/store"
)

func lockChargeback(ctx context.Context, db *store.DB, tx bun.IDB, gateway, ref string) (Chargeback, bool, error) {
	var list []Chargeback
	err := db.ForUpdate(tx.NewSelect().Model(&list).Where("gateway = ?", gateway).Where("gateway_ref = ?", ref)).Scan(ctx)
	if err != nil {
		return Chargeback{}, false, fmt.Errorf("read chargeback: %w", err)
	}
	if len(list) == 0 {
		return Chargeback{}, false, nil
	}
	return list[0], true, nil
}

// chargebackAsOf is when a chargeback was changed last; zero: it is not known.
func chargebackAsOf(ctx context.Context, db bun.IDB, gateway, ref string) (time.Time, error) {
	var list []Chargeback
	err := db.NewSelect().Model(&list).Column("updated_at").Where("gateway = ?", gateway).Where("gateway_ref = ?", ref).Scan(ctx)
	if err != nil {
		return time.Time{}, fmt.Errorf("read chargeback: %w", err)
	}
	if len(list) == 0 {
		return time.Time{}, nil
	}
	return list[0].UpdatedAt, nil
}

func lockChargebackShares(ctx context.Context, db *store.DB, tx bun.IDB, chargebackID string) ([]ChargebackShare, error) {
	var list []ChargebackShare
	err := db.ForUpdate(tx.NewSelect().Model(&list).Where("chargeback_id = ?", chargebackID).Order("id")).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read chargeback: %w", err)
	}
	return list, nil
}

func insertChargeback(ctx context.Context, tx bun.IDB, chargeback Chargeback, parts []ChargebackShare) error {
	if _, err := tx.NewInsert().Model(&chargeback).Exec(ctx); err != nil {
		return fmt.Errorf("store chargeback: %w", err)
	}
	if len(parts) == 0 {
		return nil
	}
	if _, err := tx.NewInsert().Model(&parts).Exec(ctx); err != nil {
		return fmt.Errorf("store chargeback: %w", err)
	}
	return nil
}

func updateChargeback(ctx context.Context, tx bun.IDB, chargeback Chargeback) error {
	_, err := tx.NewUpdate().Model(&chargeback).Column("fee", "reason", "phase", "withdrawn", "evidence_due_at", "submitted_at", "updated_at", "closed_at").
		WherePK().Exec(ctx)
	if err != nil {
		return fmt.Errorf("change chargeback: %w", err)
	}
	return nil
}

var chargebackShareColumns = []store.Column{{Name: "fee", Type: "{{minor}}"}, {Name: "state"}, {Name: "reason"},
	{Name: "evidence_due_at", Type: "{{time}}"}, {Name: "updated_at", Type: "{{time}}"}}

func updateChargebackShares(ctx context.Context, db *store.DB, tx bun.IDB, parts []ChargebackShare) error {
	rows := make([][]any, len(parts))
	for i, part := range parts {
		rows[i] = []any{part.ID, part.Fee, part.State, part.Reason, nullTime(part.EvidenceDueAt), part.UpdatedAt}
	}
	return db.UpdateRows(ctx, tx, "chargeback_shares", chargebackShareColumns, rows)
}

// nullTime is a time as a column takes it that may be empty.
func nullTime(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return at.UTC()
}
