package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/money"
)

// noID sorts before every id.
const noID = "00000000-0000-0000-0000-000000000000"

type statementSums struct{ Opening, Before, Closing int64 }

// statementRow is a line with the sums beside it: one statement reads both, so
// that what is booked meanwhile is in both or in neither.
type statementRow struct {
	Opening       int64     `bun:"opening"`
	Before        int64     `bun:"before_page"`
	Closing       int64     `bun:"closing"`
	ID            string    `bun:"id,nullzero"`
	TransactionID string    `bun:"transaction_id,nullzero"`
	BookedAt      time.Time `bun:"booked_at,nullzero"`
	Amount        int64     `bun:"amount,nullzero"`
	Kind          string    `bun:"kind,nullzero"`
	Memo          string    `bun:"memo,nullzero"`
	PaymentID     string    `bun:"payment_id,nullzero"`
	VendorID      string    `bun:"vendor_id,nullzero"`
}

func readStatement(ctx context.Context, db bun.IDB, account string, currency money.Currency, period Period, after time.Time, afterID string, limit int64) (statementSums, []Line, error) {
	from, to := period.bounds()
	if afterID == "" || after.Before(from) {
		after, afterID = from, noID
	}
	var rows []statementRow
	err := db.NewRaw(`SELECT sums.opening, sums.before_page, sums.closing, l.* FROM (
			SELECT COALESCE(SUM(CASE WHEN booked_at < ?0 THEN amount END), 0) AS opening,
				COALESCE(SUM(CASE WHEN (booked_at, id) <= (?1, ?2) THEN amount END), 0) AS before_page,
				COALESCE(SUM(amount), 0) AS closing
			FROM ledger_entries WHERE account = ?3 AND currency = ?4 AND booked_at < ?5) AS sums
		LEFT JOIN (SELECT e.id, e.transaction_id, e.booked_at, e.amount, t.kind, t.memo, t.payment_id, t.vendor_id
			FROM ledger_entries AS e JOIN ledger_transactions AS t ON t.id = e.transaction_id
			WHERE e.account = ?3 AND e.currency = ?4 AND e.booked_at < ?5 AND (e.booked_at, e.id) > (?1, ?2)
			ORDER BY e.booked_at, e.id LIMIT ?6) AS l ON TRUE
		ORDER BY l.booked_at, l.id`, from, after.UTC(), afterID, account, string(currency), to, limit).Scan(ctx, &rows)
	if err != nil {
		return statementSums{}, nil, fmt.Errorf("statement of %s: %w", account, err)
	}
	var sums statementSums
	lines := make([]Line, 0, len(rows))
	for _, row := range rows {
		sums = statementSums{row.Opening, row.Before, row.Closing}
		if row.ID != "" {
			lines = append(lines, Line{EntryID: row.ID, TransactionID: row.TransactionID, At: row.BookedAt, Kind: row.Kind, Memo: row.Memo,
				PaymentID: row.PaymentID, VendorID: row.VendorID, Amount: row.Amount})
		}
	}
	return sums, lines, nil
}

func currenciesOf(ctx context.Context, db bun.IDB, account string) ([]money.Currency, error) {
	var list []money.Currency
	err := db.NewSelect().Model((*Entry)(nil)).ColumnExpr("DISTINCT currency").Where("account = ?", account).OrderExpr("currency").Limit(200).Scan(ctx, &list)
	if err != nil {
		return nil, fmt.Errorf("currencies of %s: %w", account, err)
	}
	return list, nil
}

func readTransaction(ctx context.Context, db bun.IDB, id string) (Booked, error) {
	var booked Booked
	err := db.NewSelect().Model(&booked.Transaction).Where("id = ?", id).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return booked, fault.New(fault.NotFound, "There is no such transaction.")
	}
	if err != nil || booked.Batch == 0 {
		return booked, err
	}
	var batch batchRow
	err = db.NewSelect().Model(&batch).Where("number = ?", booked.Batch).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) { // Check says so
		return booked, nil
	}
	booked.SealedAt, booked.BatchHash = batch.SealedAt, batch.Hash
	return booked, err
}

func transactionsOfPayment(ctx context.Context, db bun.IDB, paymentID string, limit int) ([]Transaction, error) {
	var list []Transaction
	err := db.NewSelect().Model(&list).Where("payment_id = ?", paymentID).Order("created_at", "id").Limit(int64(limit)).Scan(ctx)
	return list, err
}

// transactionsAfter are the transactions of a period after one of them, in order of time and id.
func transactionsAfter(ctx context.Context, db bun.IDB, period Period, after time.Time, afterID string, limit int) ([]Transaction, error) {
	from, to := period.bounds()
	if afterID == "" {
		after, afterID = from, noID
	}
	var list []Transaction
	err := db.NewSelect().Model(&list).Where("(created_at, id) > (?, ?)", after.UTC(), afterID).Where("created_at < ?", to).
		Order("created_at", "id").Limit(int64(limit)).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read transactions: %w", err)
	}
	return list, nil
}

func countInPeriod(ctx context.Context, db bun.IDB, period Period) (int64, error) {
	from, to := period.bounds()
	n, err := db.NewSelect().Model((*Transaction)(nil)).Where("created_at >= ?", from).Where("created_at < ?", to).Count(ctx)
	return int64(n), err
}
