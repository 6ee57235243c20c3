package payment

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// insertReceipts plans receipts; one that its payment has already is nothing.
func insertReceipts(ctx context.Context, db *store.DB, tx bun.IDB, jobs []receiptJob) error {
	if err := store.InsertAll(ctx, db, tx, jobs, "CONFLICT (payment_id) DO NOTHING"); err != nil {
		return fmt.Errorf("plan receipts: %w", err)
	}
	return nil
}

func readReceiptJob(ctx context.Context, db bun.IDB, id string) (receiptJob, error) {
	var job receiptJob
	if err := db.NewSelect().Model(&job).Where("id = ?", id).Scan(ctx); err != nil {
		return job, fmt.Errorf("read receipt: %w", err)
	}
	return job, nil
}

// finishReceipt ends an attempt; false when another has begun meanwhile.
func finishReceipt(ctx context.Context, db bun.IDB, job receiptJob, state, answer string, now time.Time) (bool, error) {
	result, err := db.NewUpdate().Model((*receiptJob)(nil)).Set("state = ?", state).Set("last_answer = ?", answer).Set("claimed_until = NULL").
		Set("next_attempt_at = NULL").Set("updated_at = ?", now.UTC()).
		Where("id = ?", job.ID).Where("attempts = ?", job.Attempts).Where("state = 'sending'").Exec(ctx)
	if err != nil {
		return false, fmt.Errorf("record receipt: %w", err)
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

func failedReceipts(ctx context.Context, db bun.IDB, page store.PageRequest) ([]FailedReceipt, string, error) {
	var list []FailedReceipt
	query := db.NewSelect().TableExpr("receipts AS rc").ColumnExpr("rc.id, p.number, COALESCE(c.email, '') AS email, rc.attempts, rc.last_answer, rc.created_at").
		Join("JOIN payments AS p ON p.id = rc.payment_id").Join("LEFT JOIN contacts AS c ON c.id = rc.contact_id").
		Where("rc.state = 'failed'").OrderExpr("rc.id DESC").Limit(page.Fetch())
	if page.Cursor != "" {
		_, id, err := store.DecodeCursor(page.Cursor)
		if err != nil {
			return nil, "", err
		}
		query = query.Where("rc.id < ?", id)
	}
	if err := query.Scan(ctx, &list); err != nil {
		return nil, "", fmt.Errorf("list receipts: %w", err)
	}
	list, next := store.CutPage(list, page, func(r FailedReceipt) (time.Time, string) { return r.CreatedAt, r.ID })
	return list, next, nil
}

// reviveReceipt counts its attempts anew: a person has looked at it.
func reviveReceipt(ctx context.Context, db bun.IDB, id string, now time.Time) error {
	result, err := db.NewUpdate().Model((*receiptJob)(nil)).Set("state = 'pending'").Set("attempts = 0").Set("next_attempt_at = ?", now.UTC()).
		Set("updated_at = ?", now.UTC()).Where("id = ?", id).Where("state = 'failed'").Exec(ctx)
	if err != nil {
		return fmt.Errorf("revive receipt: %w", err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return fault.New(fault.NotFound, "There is no such failed receipt.")
	}
	return nil
}
