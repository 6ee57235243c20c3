package payment

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// What transfers, refunds, reversals and evidence have in common as effects on
// the outside: see store.JobTable.

// markKeyUsed notes when a key first left the hub.
func markKeyUsed(ctx context.Context, db bun.IDB, table store.JobTable, id string, now time.Time) error {
	_, err := db.NewUpdate().TableExpr("?", bun.Ident(table)).Set("key_used_at = ?", now.UTC()).Where("id = ?", id).Where("key_used_at IS NULL").Exec(ctx)
	if err != nil {
		return fmt.Errorf("mark key: %w", err)
	}
	return nil
}

// freshKey gives a row another key, because the old one is too old or answers
// with its old error. used is when it leaves the hub; zero: not now.
func freshKey(ctx context.Context, db bun.IDB, table store.JobTable, id, word string, used time.Time) (string, error) {
	key := word + "-" + id + "-" + store.NewID()
	query := db.NewUpdate().TableExpr("?", bun.Ident(table)).Set("idempotency_key = ?", key).Where("id = ?", id).Where("state <> 'done'")
	if used.IsZero() {
		query = query.Set("key_used_at = NULL")
	} else {
		query = query.Set("key_used_at = ?", used.UTC())
	}
	if _, err := query.Exec(ctx); err != nil {
		return "", fmt.Errorf("change key: %w", err)
	}
	return key, nil
}

// failJob records an attempt that did not end well; a zero next: a person has to
// look. It changes nothing when another attempt has begun meanwhile.
func failJob(ctx context.Context, db bun.IDB, table store.JobTable, id string, attempts int, state, answer string, next, now time.Time) error {
	query := db.NewUpdate().TableExpr("?", bun.Ident(table)).Set("state = ?", state).Set("last_answer = ?", clipped(answer)).Set("claimed_until = NULL").
		Set("updated_at = ?", now.UTC()).Where("id = ?", id).Where("attempts = ?", attempts).Where("state <> 'done'")
	if next.IsZero() {
		query = query.Set("next_attempt_at = NULL")
	} else {
		query = query.Set("next_attempt_at = ?", next.UTC())
	}
	if _, err := query.Exec(ctx); err != nil {
		return fmt.Errorf("record %s: %w", table, err)
	}
	return nil
}

// completeJob ends a row well, once.
func completeJob(ctx context.Context, tx bun.IDB, table store.JobTable, id string, sets func(*bun.UpdateQuery) *bun.UpdateQuery, now time.Time) (bool, error) {
	query := tx.NewUpdate().TableExpr("?", bun.Ident(table)).Set("state = 'done'").Set("claimed_until = NULL").Set("next_attempt_at = NULL").
		Set("last_answer = ''").Set("updated_at = ?", now.UTC()).Where("id = ?", id).Where("state <> 'done'")
	result, err := sets(query).Exec(ctx)
	if err != nil {
		return false, fmt.Errorf("complete %s: %w", table, err)
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

func reviveJob(ctx context.Context, db bun.IDB, table store.JobTable, id string, now time.Time, missing string) error {
	result, err := db.NewUpdate().TableExpr("?", bun.Ident(table)).Set("state = 'pending'").Set("next_attempt_at = ?", now.UTC()).
		Set("updated_at = ?", now.UTC()).Where("id = ?", id).Where("state = 'failed'").Exec(ctx)
	if err != nil {
		return fmt.Errorf("revive %s: %w", table, err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return fault.New(fault.NotFound, "%s", missing)
	}
	return nil
}
