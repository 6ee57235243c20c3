package ledger

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"
)

// standing are the accounts that hold money for somebody and are not at zero.
func standing(db bun.IDB, filter Filter) *bun.SelectQuery {
	return filter.where(db.NewSelect().Model((*Entry)(nil))).ColumnExpr("account, currency, SUM(amount) AS amount").
		Where("(account LIKE 'vendor:%:payable' OR account LIKE 'customer:%:unapplied' OR account LIKE 'customer:%:refunds')").
		GroupExpr("account, currency").Having("SUM(amount) <> 0")
}

// heldAfter reads a page in one query. What an account gave (negative entries)
// is what is held; walking its entries from the oldest, the first that brings the
// sum of what came above the sum of all that went is the oldest not yet covered.
// For an account that is overdrawn the two change places.
func heldAfter(ctx context.Context, db bun.IDB, filter Filter, after Held, limit int64) ([]Held, error) {
	moved := db.NewSelect().TableExpr("ledger_entries AS e").Join("JOIN standing AS b ON b.account = e.account AND b.currency = e.currency").
		ColumnExpr("e.account, e.currency, b.amount AS balance, e.booked_at").
		ColumnExpr("CASE WHEN b.amount < 0 THEN -e.amount ELSE e.amount END AS moved").
		ColumnExpr(`SUM(CASE WHEN (e.amount < 0) = (b.amount < 0) THEN ABS(e.amount) ELSE 0 END)
			OVER (PARTITION BY e.account, e.currency ORDER BY e.booked_at, e.id ROWS UNBOUNDED PRECEDING) AS came`).
		ColumnExpr("SUM(CASE WHEN (e.amount < 0) = (b.amount < 0) THEN 0 ELSE ABS(e.amount) END) OVER (PARTITION BY e.account, e.currency) AS went")
	since := db.NewSelect().TableExpr("moved").ColumnExpr("account, currency, -balance AS amount, MIN(booked_at) AS since").
		Where("moved > 0").Where("came > went").GroupExpr("account, currency, balance")
	query := db.NewSelect().With("standing", standing(db, filter)).With("moved", moved).With("since", since).
		TableExpr("since").ColumnExpr("account, currency, amount, since").OrderExpr("since, currency, account").Limit(limit)
	if after.Account != "" {
		query = query.Where("(since, currency, account) > (?, ?, ?)", after.Since.UTC(), string(after.Currency), after.Account)
	}
	var list []Held
	if err := query.Scan(ctx, &list); err != nil {
		return nil, fmt.Errorf("read what is held: %w", err)
	}
	return list, nil
}

func heldSums(ctx context.Context, db bun.IDB, filter Filter) ([]HeldSum, error) {
	var list []HeldSum
	kind := "CASE WHEN account LIKE 'vendor:%' THEN 'payable' WHEN account LIKE '%:refunds' THEN 'refunds' ELSE 'unapplied' END"
	err := db.NewSelect().With("standing", standing(db, filter)).TableExpr("standing").
		ColumnExpr(kind+" AS kind, currency, CAST(-SUM(amount) AS BIGINT) AS amount, COUNT(*) AS accounts").
		GroupExpr(kind+", currency").OrderExpr("currency, kind").Scan(ctx, &list)
	if err != nil {
		return nil, fmt.Errorf("add up what is held: %w", err)
	}
	return list, nil
}
