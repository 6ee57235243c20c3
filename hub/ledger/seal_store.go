package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/store"
)

// batchRow is one sealed batch.
type batchRow struct {
	bun.BaseModel `bun:"table:ledger_batches,alias:lb"`
	Number        int64     `bun:"number,pk"`
	Transactions  int       `bun:"transactions"`
	Previous      string    `bun:"previous"`
	Hash          string    `bun:"hash"`
	SealedAt      time.Time `bun:"sealed_at"`
	Members       string    `bun:"members,nullzero"` // ids of its transactions in order, by spaces; empty: sealed by the old rule
}

func lastBatch(ctx context.Context, tx bun.IDB) (batchRow, error) {
	var last batchRow
	err := tx.NewSelect().Model(&last).Order("number DESC").Limit(1).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return batchRow{}, nil
	}
	return last, err
}

func lockUnsealed(ctx context.Context, db *store.DB, tx bun.IDB, limit int64) ([]Transaction, error) {
	var list []Transaction
	query := tx.NewSelect().Model(&list).Where("batch IS NULL").Where("seal IS NULL").Order("id").Limit(limit)
	if err := db.SkipLocked(query).Scan(ctx); err != nil {
		return nil, fmt.Errorf("read unsealed: %w", err)
	}
	return list, nil
}

func entriesOf(ctx context.Context, tx bun.IDB, ids []string) ([]Entry, error) {
	var entries []Entry
	err := tx.NewSelect().Model(&entries).Where("transaction_id IN (?)", bun.List(ids)).Order("transaction_id", "id").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read entries: %w", err)
	}
	return entries, nil
}

// sealRows writes the batch and what each of its transactions was, all at once.
func sealRows(ctx context.Context, db *store.DB, tx bun.IDB, batch batchRow, seals []sealOf) error {
	if _, err := tx.NewInsert().Model(&batch).Exec(ctx); err != nil {
		return fmt.Errorf("seal: %w", err)
	}
	id := "v.column1"
	if db.Kind == store.Postgres {
		id = "CAST(v.column1 AS uuid)"
	}
	arguments := make([]any, 0, 2*len(seals)+1)
	arguments = append(arguments, batch.Number)
	for _, seal := range seals {
		arguments = append(arguments, seal.id, seal.text)
	}
	values := strings.TrimSuffix(strings.Repeat("(?, ?), ", len(seals)), ", ")
	_, err := tx.NewRaw("UPDATE ledger_transactions SET batch = ?, seal = v.column2 FROM (VALUES "+values+") AS v WHERE ledger_transactions.id = "+id, arguments...).Exec(ctx)
	if err != nil {
		return fmt.Errorf("seal: %w", err)
	}
	return nil
}

// timeEntries gives entries that a process of the release before has posted the
// time of their transaction.
func timeEntries(ctx context.Context, tx bun.IDB, ids []string) error {
	_, err := tx.NewRaw(`UPDATE ledger_entries SET booked_at = (SELECT t.created_at FROM ledger_transactions AS t WHERE t.id = ledger_entries.transaction_id)
		WHERE booked_at IS NULL AND transaction_id IN (?)`, bun.List(ids)).Exec(ctx)
	if err != nil {
		return fmt.Errorf("time the entries: %w", err)
	}
	return nil
}
