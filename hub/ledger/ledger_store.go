package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/store"
)

func insertTransactions(ctx context.Context, tx bun.IDB, transactions []Transaction, entries []Entry) error {
	if len(transactions) == 0 {
		return nil
	}
	if _, err := tx.NewInsert().Model(&transactions).Exec(ctx); err != nil {
		return fmt.Errorf("post to the ledger: %w", err)
	}
	if _, err := tx.NewInsert().Model(&entries).Exec(ctx); err != nil {
		return fmt.Errorf("post to the ledger: %w", err)
	}
	return nil
}

func sumOf(ctx context.Context, db bun.IDB, account string, currency money.Currency) (int64, error) {
	var sum int64
	err := db.NewSelect().Model((*Entry)(nil)).ColumnExpr("COALESCE(SUM(amount), 0)").
		Where("account = ?", account).Where("currency = ?", currency).Scan(ctx, &sum)
	if err != nil {
		return 0, fmt.Errorf("balance of %s: %w", account, err)
	}
	return sum, nil
}

// balances are the accounts after the given one; empty is the first.
func balances(ctx context.Context, db bun.IDB, account, currency string, limit int64) ([]AccountBalance, error) {
	var list []AccountBalance
	err := db.NewSelect().Model((*Entry)(nil)).ColumnExpr("account, currency, SUM(amount) AS amount").
		Where("(account, currency) > (?, ?)", account, currency).
		GroupExpr("account, currency").OrderExpr("account, currency").Limit(limit).Scan(ctx, &list)
	if err != nil {
		return nil, fmt.Errorf("balances: %w", err)
	}
	return list, nil
}

// batchRow is one sealed batch.
type batchRow struct {
	bun.BaseModel `bun:"table:ledger_batches,alias:lb"`
	Number        int64     `bun:"number,pk"`
	Transactions  int       `bun:"transactions"`
	Previous      string    `bun:"previous"`
	Hash          string    `bun:"hash"`
	SealedAt      time.Time `bun:"sealed_at"`
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
	query := tx.NewSelect().Model(&list).Where("batch IS NULL").Order("id").Limit(limit)
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

func sealRows(ctx context.Context, tx bun.IDB, batch batchRow, ids []string) error {
	if _, err := tx.NewInsert().Model(&batch).Exec(ctx); err != nil {
		return fmt.Errorf("seal: %w", err)
	}
	_, err := tx.NewUpdate().Model((*Transaction)(nil)).Set("batch = ?", batch.Number).Where("id IN (?)", bun.List(ids)).Exec(ctx)
	return err
}

func batchesAfter(ctx context.Context, db bun.IDB, number int64, limit int64) ([]batchRow, error) {
	var list []batchRow
	err := db.NewSelect().Model(&list).Where("number > ?", number).Order("number").Limit(limit).Scan(ctx)
	return list, err
}

func transactionsOf(ctx context.Context, db bun.IDB, batch int64) ([]Transaction, error) {
	var list []Transaction
	err := db.NewSelect().Model(&list).Where("batch = ?", batch).Order("id").Scan(ctx)
	return list, err
}

// unbalanced counts transactions whose entries do not sum to zero, and those without entries.
func unbalanced(ctx context.Context, db bun.IDB) (int, error) {
	var n int
	err := db.NewRaw(`SELECT count(*) FROM (
		SELECT t.id FROM ledger_transactions t LEFT JOIN ledger_entries e ON e.transaction_id = t.id AND e.currency = t.currency
		GROUP BY t.id HAVING COALESCE(SUM(e.amount), 1) <> 0) AS broken`).Scan(ctx, &n)
	return n, err
}

// strays counts transactions that say they are in a batch which does not exist.
func strays(ctx context.Context, db bun.IDB) (int, error) {
	n, err := db.NewSelect().Model((*Transaction)(nil)).Where("batch IS NOT NULL").
		Where("NOT EXISTS (SELECT 1 FROM ledger_batches AS b WHERE b.number = lt.batch)").Count(ctx)
	return int(n), err
}

func countTransactions(ctx context.Context, db bun.IDB) (int, error) {
	n, err := db.NewSelect().Model((*Transaction)(nil)).Count(ctx)
	return int(n), err
}
