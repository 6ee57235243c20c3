package payment

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/money"
)

type debtRow struct {
	VendorID string         `bun:"vendor_id"`
	Currency money.Currency `bun:"currency"`
	Amount   int64          `bun:"amount"`
}

// owedBalances is what vendors owe in each currency in which something of theirs went
// back, less what reversals will bring: see Service.owedTx.
const owedBalances = `SELECT vendor_id, currency, balance - coming AS amount FROM (
	SELECT d.vendor_id, d.currency,
		(SELECT COALESCE(SUM(e.amount), 0) FROM ledger_entries AS e
			WHERE e.account = 'vendor:' || CAST(d.vendor_id AS TEXT) || ':receivable' AND e.currency = d.currency) AS balance,
		(SELECT COALESCE(SUM(r.amount), 0) FROM reversals AS r
			WHERE r.vendor_id = d.vendor_id AND r.currency = d.currency AND r.state IN ('pending', 'sending', 'unknown')) AS coming
	FROM (SELECT vendor_id, currency FROM refunds UNION SELECT vendor_id, currency FROM chargeback_shares) AS d
	WHERE ?) AS owed WHERE balance - coming > 0 ORDER BY vendor_id, currency LIMIT ?`

func debtsOf(ctx context.Context, db bun.IDB, vendorID string) ([]debtRow, error) {
	return scanDebts(ctx, db, bun.SafeQuery("d.vendor_id = ?", vendorID), 200)
}

func allDebts(ctx context.Context, db bun.IDB, after string, limit int64) ([]debtRow, error) {
	if after == "" {
		return scanDebts(ctx, db, bun.SafeQuery("1 = 1"), limit)
	}
	return scanDebts(ctx, db, bun.SafeQuery("d.vendor_id > ?", after), limit)
}

func scanDebts(ctx context.Context, db bun.IDB, where any, limit int64) ([]debtRow, error) {
	var rows []debtRow
	if err := db.NewRaw(owedBalances, where, limit).Scan(ctx, &rows); err != nil {
		return nil, fmt.Errorf("read debts: %w", err)
	}
	return rows, nil
}

// debtCauses are a vendor's refunds and chargebacks with what its account did
// not cover, the newest first.
func debtCauses(ctx context.Context, db bun.IDB, vendorID string) ([]DebtCause, error) {
	const covered = `(SELECT COALESCE(SUM(r.amount), 0) FROM reversals AS r WHERE r.cause_id = x.id AND r.state <> 'failed' AND r.gateway_ref <> '` + toldCovered + `')`
	var causes []DebtCause
	err := db.NewRaw(`SELECT 'refund' AS kind, x.id, x.share_id, s.reference, x.currency, x.amount - `+covered+` AS amount, x.created_at AS at
			FROM refunds AS x JOIN shares AS s ON s.id = x.share_id WHERE x.vendor_id = ? AND x.phase <> 'failed'
		UNION ALL SELECT 'chargeback', x.id, x.share_id, s.reference, x.currency,
			CASE WHEN x.state IN ('open', 'lost') THEN x.amount + x.fee ELSE x.fee END - `+covered+`, x.created_at
			FROM chargeback_shares AS x JOIN shares AS s ON s.id = x.share_id WHERE x.vendor_id = ?
		ORDER BY 7 DESC, 2 DESC LIMIT 100`, vendorID, vendorID).Scan(ctx, &causes)
	if err != nil {
		return nil, fmt.Errorf("read debts: %w", err)
	}
	return causes, nil
}
