package ledger

import (
	"context"
	"fmt"
	"strings"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/store"
)

func insertTransactions(ctx context.Context, db *store.DB, tx bun.IDB, transactions []Transaction, entries []Entry) error {
	if err := store.InsertAll(ctx, db, tx, transactions, ""); err != nil {
		return fmt.Errorf("post to the ledger: %w", err)
	}
	if err := store.InsertAll(ctx, db, tx, entries, ""); err != nil {
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

// where keeps the entries of the accounts that the filter chooses.
func (f Filter) where(query *bun.SelectQuery) *bun.SelectQuery {
	if f.Account != "" {
		query = query.Where("account = ?", f.Account)
	}
	if names := f.names(); names != nil {
		query = query.Where("account IN (?)", bun.List(names))
	}
	if f.Kind != "" {
		query = query.Where("account LIKE ?", "%:"+strings.NewReplacer("%", "", "_", "").Replace(f.Kind))
	}
	if f.Currency != "" {
		query = query.Where("currency = ?", f.Currency)
	}
	return query
}

// balances are the accounts after the given one; empty is the first.
func balances(ctx context.Context, db bun.IDB, filter Filter, account, currency string, limit int64) ([]AccountBalance, error) {
	var list []AccountBalance
	err := filter.where(db.NewSelect().Model((*Entry)(nil))).ColumnExpr("account, currency, SUM(amount) AS amount").
		Where("(account, currency) > (?, ?)", account, currency).
		GroupExpr("account, currency").OrderExpr("account, currency").Limit(limit).Scan(ctx, &list)
	if err != nil {
		return nil, fmt.Errorf("balances: %w", err)
	}
	return list, nil
}
