package ledger

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"
)

// standing are the accounts that hold money for somebody and are not at zero,
// each with the sum of what went the other way than its balance stands.
func standing(db bun.IDB, filter Filter) *bun.SelectQuery {
	return filter.where(db.NewSelect().Model((*Entry)(nil))).ColumnExpr("account, currency, SUM(amount) AS amount").
		ColumnExpr("CASE WHEN SUM(amount) < 0 THEN SUM(CASE WHEN amount > 0 THEN amount ELSE 0 END) ELSE SUM(CASE WHEN amount < 0 THEN -amount ELSE 0 END) END AS went").
		Where("(account LIKE 'vendor:%:payable' OR account LIKE 'customer:%:unapplied' OR account LIKE 'customer:%:refunds')").
		GroupExpr("account, currency").Having("SUM(amount) <> 0")
}

// heldAfter reads a page in one query. What an account gave (negative entries)
// is what is held; walking these from the oldest, the first that brings the sum of
// what came above the sum of all that went is the oldest not yet covered. For an
// account that is overdrawn the two change places.
func heldAfter(ctx context.Context, db bun.IDB, filter Filter, after Held, limit int64) ([]Held, error) {
	moved := db.NewSelect().TableExpr("ledger_entries AS e").Join("JOIN standing AS b ON b.account = e.account AND b.currency = e.currency").
		ColumnExpr("e.account, e.currency, b.amount AS balance, b.went, e.booked_at").
		ColumnExpr("SUM(ABS(e.amount)) OVER (PARTITION BY e.account, e.currency ORDER BY e.booked_at, e.id ROWS UNBOUNDED PRECEDING) AS came").
		Where("(e.amount < 0) = (b.amount < 0)")
	since := db.NewSelect().TableExpr("moved").ColumnExpr("account, currency, -balance AS amount, MIN(booked_at) AS since").
		Where("came > went").GroupExpr("account, currency, balance")
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
