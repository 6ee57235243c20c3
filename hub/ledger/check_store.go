package ledger

import (
	"context"

	"github.com/uptrace/bun"
)

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

// sound are the questions to the whole ledger whose answers are broken rows.
// Each selects text under the name words, in order of id.
var sound = []string{
	`SELECT 'ledger transaction ' || CAST(t.id AS TEXT) || ' does not sum to zero' AS words FROM ledger_transactions AS t
		LEFT JOIN ledger_entries AS e ON e.transaction_id = t.id AND e.currency = t.currency
		GROUP BY t.id HAVING COALESCE(SUM(e.amount), 1) <> 0 ORDER BY t.id LIMIT ?`,
	`SELECT 'ledger transaction ' || CAST(t.id AS TEXT) || ' is of batch ' || CAST(t.batch AS TEXT) || ', which does not exist' AS words FROM ledger_transactions AS t
		WHERE t.batch IS NOT NULL AND NOT EXISTS (SELECT 1 FROM ledger_batches AS b WHERE b.number = t.batch) ORDER BY t.id LIMIT ?`,
	`SELECT 'ledger transaction ' || CAST(t.id AS TEXT) || ' was sealed and taken out of its batch' AS words FROM ledger_transactions AS t
		WHERE t.batch IS NULL AND t.seal IS NOT NULL ORDER BY t.id LIMIT ?`,
	`SELECT 'ledger entry ' || CAST(e.id AS TEXT) || ' of transaction ' || CAST(t.id AS TEXT) || ' is not timed as its transaction' AS words FROM ledger_entries AS e
		JOIN ledger_transactions AS t ON t.id = e.transaction_id
		WHERE e.booked_at <> t.created_at OR (e.booked_at IS NULL AND t.batch IS NOT NULL) ORDER BY e.id LIMIT ?`,
	`SELECT 'ledger entry ' || CAST(e.id AS TEXT) || ' of transaction ' || CAST(t.id AS TEXT) || ' is not in the currency of its transaction' AS words FROM ledger_entries AS e
		JOIN ledger_transactions AS t ON t.id = e.transaction_id WHERE e.currency <> t.currency ORDER BY e.id LIMIT ?`,
}

func ask(ctx context.Context, db bun.IDB, question string, limit int) ([]string, error) {
	var words []string
	err := db.NewRaw(question, limit).Scan(ctx, &words)
	return words, err
}

func countTransactions(ctx context.Context, db bun.IDB) (int, error) {
	n, err := db.NewSelect().Model((*Transaction)(nil)).Count(ctx)
	return int(n), err
}
