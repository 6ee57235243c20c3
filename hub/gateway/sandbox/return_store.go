package sandbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/payment"
)

// returnRow is money that went back: a refund of a checkout, or the reversal of
// a transfer.
type returnRow struct {
	bun.BaseModel `bun:"table:sandbox_returns,alias:sr"`
	Ref           string         `bun:"ref,pk"`
	Key           string         `bun:"key"`
	Kind          string         `bun:"kind"`
	OfRef         string         `bun:"of_ref"`
	OurID         string         `bun:"our_id"`
	Currency      money.Currency `bun:"currency"`
	Amount        int64          `bun:"amount"`
	CreatedAt     time.Time      `bun:"created_at"`
}

// keepReturn adds a return, or reads the one that its key made. All returns of
// one thing come to no more than most.
func keepReturn(ctx context.Context, tx bun.IDB, row returnRow, most int64) (returnRow, error) {
	if _, err := tx.NewInsert().Model(&row).On("CONFLICT DO NOTHING").Exec(ctx); err != nil {
		return row, fmt.Errorf("add %s: %w", row.Kind, err)
	}
	var kept returnRow
	err := tx.NewSelect().Model(&kept).Where("key = ?", row.Key).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return kept, fmt.Errorf("%w: this %s was made under another key", payment.ErrRefused, row.Kind)
	}
	if err != nil {
		return kept, fmt.Errorf("read %s: %w", row.Kind, err)
	}
	var sum int64
	if err := tx.NewSelect().Model((*returnRow)(nil)).ColumnExpr("COALESCE(SUM(amount), 0)").Where("of_ref = ?", row.OfRef).Scan(ctx, &sum); err != nil {
		return kept, fmt.Errorf("sum %ss: %w", row.Kind, err)
	}
	if sum > most {
		return kept, fmt.Errorf("%w: that is more than is left of %s", payment.ErrRefused, row.OfRef)
	}
	return kept, nil
}

// returnsOf lists what went back of one checkout or transfer, the first first.
func returnsOf(ctx context.Context, db bun.IDB, of string) ([]returnRow, error) {
	var rows []returnRow
	if err := db.NewSelect().Model(&rows).Where("of_ref = ?", of).Order("created_at", "ref").Scan(ctx); err != nil {
		return nil, fmt.Errorf("read what went back of %s: %w", of, err)
	}
	return rows, nil
}

func readReturn(ctx context.Context, db bun.IDB, ref string) (returnRow, error) {
	var row returnRow
	err := db.NewSelect().Model(&row).Where("ref = ?", ref).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return row, payment.ErrNotFound
	}
	if err != nil {
		return row, fmt.Errorf("read what went back: %w", err)
	}
	return row, nil
}
