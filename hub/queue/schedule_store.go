package queue

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/store"
)

// leaseJob takes a due job; false when it is not due or somebody has it.
func leaseJob(ctx context.Context, db *store.DB, job Job, holder string, now time.Time) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	due, err := db.NewSelect().TableExpr("schedules").Where("name = ?", job.Name).
		Where("(next_at > ? OR leased_until > ?)", now.UTC(), now.UTC()).Exists(ctx)
	if err != nil || due {
		return false, err
	}
	_, err = db.ExecContext(ctx, `INSERT INTO schedules (name, next_at, holder, last_result) VALUES (?, ?, '', '') ON CONFLICT (name) DO NOTHING`, job.Name, now.UTC())
	if err != nil {
		return false, fmt.Errorf("note job: %w", err)
	}
	result, err := db.NewUpdate().TableExpr("schedules").Set("leased_until = ?", now.Add(job.Lease).UTC()).Set("holder = ?", holder).
		Where("name = ?", job.Name).Where("next_at <= ?", now.UTC()).Where("(leased_until IS NULL OR leased_until <= ?)", now.UTC()).Exec(ctx)
	if err != nil {
		return false, fmt.Errorf("lease job: %w", err)
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

func returnJob(ctx context.Context, db *store.DB, job Job, holder, result string, now time.Time) error {
	const most = 300
	if len(result) > most {
		result = result[:most]
	}
	// a cut in the middle of a letter, or a NUL, would be refused as text
	result = strings.ReplaceAll(strings.ToValidUTF8(result, ""), "\x00", "")
	_, err := db.NewUpdate().TableExpr("schedules").Set("leased_until = NULL").Set("last_at = ?", now.UTC()).Set("last_result = ?", result).
		Set("next_at = ?", now.Add(job.Every).UTC()).Where("name = ?", job.Name).Where("holder = ?", holder).Exec(ctx)
	return err
}

func listJobs(ctx context.Context, db bun.IDB) ([]Scheduled, error) {
	var list []Scheduled
	err := db.NewSelect().TableExpr("schedules").Column("name", "next_at", "last_at", "last_result", "holder").Order("name").Limit(store.MaxPage).Scan(ctx, &list)
	return list, err
}
