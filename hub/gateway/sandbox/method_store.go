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
	"github.com/sheaf-hub/sheaf/hub/store"
)

// setupRow is a page to leave a means of payment.
type setupRow struct {
	bun.BaseModel `bun:"table:sandbox_setups,alias:ss"`
	Ref           string         `bun:"ref,pk"`
	Key           string         `bun:"key"`
	SetupID       string         `bun:"setup_id"`
	PayerRef      string         `bun:"payer_ref"`
	Currency      money.Currency `bun:"currency"`
	ReturnURL     string         `bun:"return_url"`
	CancelURL     string         `bun:"cancel_url"`
	State         string         `bun:"state"`
	MethodRef     string         `bun:"method_ref"`
	ExpiresAt     time.Time      `bun:"expires_at"`
	CreatedAt     time.Time      `bun:"created_at"`
	UpdatedAt     time.Time      `bun:"updated_at"`
}

// methodRow is a means of payment that was left.
type methodRow struct {
	bun.BaseModel `bun:"table:sandbox_methods,alias:sm"`
	Ref           string    `bun:"ref,pk"`
	PayerRef      string    `bun:"payer_ref"`
	Kind          string    `bun:"kind"` // the button that left it
	Expires       string    `bun:"expires"`
	CreatedAt     time.Time `bun:"created_at"`
	ForgottenAt   time.Time `bun:"forgotten_at,nullzero"`
}

// keepSetup adds a setup, or reads the one that its key made.
func keepSetup(ctx context.Context, tx bun.IDB, row setupRow) (setupRow, error) {
	if _, err := tx.NewInsert().Model(&row).On("CONFLICT (key) DO NOTHING").Exec(ctx); err != nil {
		return row, fmt.Errorf("add setup: %w", err)
	}
	var kept setupRow
	if err := tx.NewSelect().Model(&kept).Where("key = ?", row.Key).Scan(ctx); err != nil {
		return kept, fmt.Errorf("read setup: %w", err)
	}
	return kept, nil
}

func lockSetup(ctx context.Context, db *store.DB, tx bun.IDB, ref string) (setupRow, error) {
	var row setupRow
	err := db.ForUpdate(tx.NewSelect().Model(&row).Where("ref = ?", ref)).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return row, payment.ErrNotFound
	}
	if err != nil {
		return row, fmt.Errorf("read setup: %w", err)
	}
	return row, nil
}

func updateSetup(ctx context.Context, tx bun.IDB, row setupRow) error {
	if _, err := tx.NewUpdate().Model(&row).Column("state", "method_ref", "updated_at").WherePK().Exec(ctx); err != nil {
		return fmt.Errorf("change setup: %w", err)
	}
	return nil
}

func insertMethod(ctx context.Context, tx bun.IDB, row methodRow) error {
	if _, err := tx.NewInsert().Model(&row).Exec(ctx); err != nil {
		return fmt.Errorf("keep method: %w", err)
	}
	return nil
}

func readMethod(ctx context.Context, db bun.IDB, ref string) (methodRow, error) {
	var row methodRow
	err := db.NewSelect().Model(&row).Where("ref = ?", ref).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return row, payment.ErrNotFound
	}
	if err != nil {
		return row, fmt.Errorf("read method: %w", err)
	}
	return row, nil
}

func forgetMethod(ctx context.Context, db bun.IDB, ref string, now time.Time) error {
	_, err := db.NewUpdate().Model((*methodRow)(nil)).Set("forgotten_at = ?", now.UTC()).Where("ref = ?", ref).Where("forgotten_at IS NULL").Exec(ctx)
	if err != nil {
		return fmt.Errorf("forget method: %w", err)
	}
	return nil
}
