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

// The states of a checkout in the sandbox's own words.
const (
	stateOpen       = "open"
	stateDeclined   = "declined"
	stateProcessing = "processing"
	stateSucceeded  = "succeeded"
	stateFailed     = "failed"
	stateExpired    = "expired"
)

// checkoutRow is a checkout page. SettlesAt is when it changes by itself: an
// open one closes, a processing one settles or comes back; it stays after a
// debit has ended, and so tells it from a card.
type checkoutRow struct {
	bun.BaseModel `bun:"table:sandbox_checkouts,alias:sc"`
	Ref           string              `bun:"ref,pk"`
	Key           string              `bun:"key"`
	Currency      money.Currency      `bun:"currency"`
	Amount        int64               `bun:"amount"`
	ReturnURL     string              `bun:"return_url"`
	CancelURL     string              `bun:"cancel_url"`
	Lines         string              `bun:"lines"`
	Method        payment.MethodClass `bun:"method"`
	State         string              `bun:"state"`
	SettlesAt     time.Time           `bun:"settles_at,nullzero"`
	CreatedAt     time.Time           `bun:"created_at"`
	UpdatedAt     time.Time           `bun:"updated_at"`
	Detail        string              `bun:"detail"`   // of a charge: the method's
	Returned      bool                `bun:"returned"` // the debit comes back, whatever its amount
}

type transferRow struct {
	bun.BaseModel `bun:"table:sandbox_transfers,alias:st"`
	Ref           string         `bun:"ref,pk"`
	Key           string         `bun:"key"`
	VendorID      string         `bun:"vendor_id"`
	Currency      money.Currency `bun:"currency"`
	Amount        int64          `bun:"amount"`
	CreatedAt     time.Time      `bun:"created_at"`
}

func (r transferRow) result() payment.TransferResult {
	return payment.TransferResult{Ref: r.Ref, Amount: money.New(r.Amount, r.Currency)}
}

// keepCheckout adds a checkout, or reads the one that its key made.
func keepCheckout(ctx context.Context, db *store.DB, tx bun.IDB, row checkoutRow) (checkoutRow, error) {
	if _, err := tx.NewInsert().Model(&row).On("CONFLICT (key) DO NOTHING").Exec(ctx); err != nil {
		return row, fmt.Errorf("add checkout: %w", err)
	}
	var kept checkoutRow
	if err := db.ForUpdate(tx.NewSelect().Model(&kept).Where("key = ?", row.Key)).Scan(ctx); err != nil {
		return kept, fmt.Errorf("read checkout: %w", err)
	}
	return kept, nil
}

func lockCheckout(ctx context.Context, db *store.DB, tx bun.IDB, ref string) (checkoutRow, error) {
	var row checkoutRow
	err := db.ForUpdate(tx.NewSelect().Model(&row).Where("ref = ?", ref)).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return row, payment.ErrNotFound
	}
	if err != nil {
		return row, fmt.Errorf("read checkout: %w", err)
	}
	return row, nil
}

// paidCheckout is the reference of a checkout on which somebody pays or has paid.
func paidCheckout(ctx context.Context, db bun.IDB, key string) (string, error) {
	var row checkoutRow
	err := db.NewSelect().Model(&row).Where("key = ?", key).Where("state IN (?, ?)", stateProcessing, stateSucceeded).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return "", payment.ErrNotFound
	}
	if err != nil {
		return "", fmt.Errorf("read checkout: %w", err)
	}
	return row.Ref, nil
}

func updateCheckout(ctx context.Context, tx bun.IDB, row checkoutRow) error {
	if _, err := tx.NewUpdate().Model(&row).Column("state", "settles_at", "updated_at").WherePK().Exec(ctx); err != nil {
		return fmt.Errorf("change checkout: %w", err)
	}
	return nil
}

// keepTransfer adds a transfer, or reads the one that its key made.
func keepTransfer(ctx context.Context, tx bun.IDB, row transferRow) (transferRow, error) {
	if _, err := tx.NewInsert().Model(&row).On("CONFLICT DO NOTHING").Exec(ctx); err != nil {
		return row, fmt.Errorf("add transfer: %w", err)
	}
	var kept transferRow
	err := tx.NewSelect().Model(&kept).Where("key = ?", row.Key).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) { // the hub's id was sent before under another key
		return kept, fmt.Errorf("%w: this transfer was made under another key", payment.ErrRefused)
	}
	if err != nil {
		return kept, fmt.Errorf("read transfer: %w", err)
	}
	return kept, nil
}

func readTransfer(ctx context.Context, db bun.IDB, ref string) (transferRow, error) {
	var row transferRow
	err := db.NewSelect().Model(&row).Where("ref = ?", ref).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return row, payment.ErrNotFound
	}
	if err != nil {
		return row, fmt.Errorf("read transfer: %w", err)
	}
	return row, nil
}
