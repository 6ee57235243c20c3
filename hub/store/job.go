package store

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"
)

// JobTable names a table of effects on the outside: rows with the columns id,
// state ('pending' → 'sending' → an end), attempts, next_attempt_at and
// claimed_until. Redis only carries their ids; these rows are the truth.
type JobTable string

// JobRef is one due attempt: a task made from it is worth nothing once the
// row has gone on to another attempt.
type JobRef struct {
	ID      string `bun:"id" json:"id"`
	Group   string `bun:"grp" json:"-"` // what one task may carry together: the vendor
	Attempt int    `bun:"attempts" json:"attempt"`
}

// TakeDue returns up to limit rows whose next attempt is due, oldest first, and
// pushes them forward by relay, so that they are taken again when whatever
// carries them is lost. group is the column to group by.
func (db *DB) TakeDue(ctx context.Context, table JobTable, group string, now time.Time, limit int, relay time.Duration) ([]JobRef, error) {
	lock := ""
	if db.Kind == Postgres {
		lock = " FOR UPDATE SKIP LOCKED"
	}
	var refs []JobRef
	err := db.NewRaw(`UPDATE ? SET next_attempt_at = ? WHERE id IN (
			SELECT id FROM ? WHERE next_attempt_at <= ? ORDER BY next_attempt_at, id LIMIT ?`+lock+`)
		RETURNING id, ? AS grp, attempts`,
		bun.Ident(table), now.Add(relay).UTC(), bun.Ident(table), now.UTC(), limit, bun.Ident(group)).Scan(ctx, &refs)
	if err != nil {
		return nil, fmt.Errorf("take due %s: %w", table, err)
	}
	return refs, nil
}

// Claim begins one attempt: the row becomes 'sending' until now+lease and
// attempts grows by one. False: somebody else has it, or it has moved on.
// When retake is set, a row whose claim has run out may be claimed again.
func (db *DB) Claim(ctx context.Context, table JobTable, ref JobRef, now time.Time, lease time.Duration, retake bool) (bool, error) {
	until := now.Add(lease).UTC()
	query := db.NewUpdate().TableExpr("?", bun.Ident(table)).
		Set("state = 'sending'").Set("attempts = attempts + 1").Set("claimed_until = ?", until).Set("next_attempt_at = ?", until).
		Where("id = ?", ref.ID).Where("attempts = ?", ref.Attempt)
	if retake {
		query = query.Where("(state = 'pending' OR (state = 'sending' AND claimed_until <= ?))", now.UTC())
	} else {
		query = query.Where("state = 'pending'")
	}
	result, err := query.Exec(ctx)
	if err != nil {
		return false, fmt.Errorf("claim %s %s: %w", table, ref.ID, err)
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

// HasDue says whether any row is due, without locking anything: what an idle
// relay asks most of the time.
func (db *DB) HasDue(ctx context.Context, table JobTable, now time.Time) (bool, error) {
	due, err := db.NewSelect().TableExpr("?", bun.Ident(table)).Where("next_attempt_at <= ?", now.UTC()).Exists(ctx)
	if err != nil {
		return false, fmt.Errorf("look for due %s: %w", table, err)
	}
	return due, nil
}

// CountJobs counts the rows of each state but 'done', for the operator's figures.
func (db *DB) CountJobs(ctx context.Context, table JobTable) (map[string]int64, error) {
	var rows []struct {
		State string `bun:"state"`
		N     int64  `bun:"n"`
	}
	err := db.NewSelect().TableExpr("?", bun.Ident(table)).ColumnExpr("state, count(*) AS n").Where("state <> 'done'").Group("state").Scan(ctx, &rows)
	if err != nil {
		return nil, fmt.Errorf("count %s: %w", table, err)
	}
	counts := make(map[string]int64, len(rows))
	for _, row := range rows {
		counts[row.State] = row.N
	}
	return counts, nil
}
