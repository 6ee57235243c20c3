package intake

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/store"
)

func insertSync(ctx context.Context, db bun.IDB, sync Sync) error {
	if _, err := db.NewInsert().Model(&sync).Exec(ctx); err != nil {
		return fmt.Errorf("begin a run: %w", err)
	}
	return nil
}

func updateSync(ctx context.Context, db bun.IDB, sync Sync) error {
	_, err := db.NewUpdate().Model(&sync).Column("state", "done", "total", "created", "updated", "unchanged", "rejected", "error", "finished_at").WherePK().Exec(ctx)
	if err != nil {
		return fmt.Errorf("record a run: %w", err)
	}
	return nil
}

func insertRejections(ctx context.Context, tx bun.IDB, rows []Rejection) error {
	const most = 500
	for from := 0; from < len(rows); from += most {
		some := rows[from:min(from+most, len(rows))]
		if _, err := tx.NewInsert().Model(&some).Exec(ctx); err != nil {
			return fmt.Errorf("record rejections: %w", err)
		}
	}
	return nil
}

func readSync(ctx context.Context, db bun.IDB, vendorID, id string) (Sync, bool, error) {
	var sync Sync
	err := db.NewSelect().Model(&sync).Where("vendor_id = ?", vendorID).Where("id = ?", id).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return sync, false, nil
	}
	if err != nil {
		return sync, false, fmt.Errorf("read a run: %w", err)
	}
	return sync, true, nil
}

// listSyncs pages by id, newest first.
func listSyncs(ctx context.Context, tx bun.IDB, vendorID string, page store.PageRequest) ([]Sync, string, error) {
	var list []Sync
	query := tx.NewSelect().Model(&list).Where("vendor_id = ?", vendorID).Order("id DESC").Limit(page.Fetch())
	if page.Cursor != "" {
		_, id, err := store.DecodeCursor(page.Cursor)
		if err != nil {
			return nil, "", err
		}
		query = query.Where("id < ?", id)
	}
	if err := query.Scan(ctx); err != nil {
		return nil, "", fmt.Errorf("list runs: %w", err)
	}
	list, next := store.CutPage(list, page, func(s Sync) (time.Time, string) { return s.StartedAt, s.ID })
	return list, next, nil
}

// listRejections pages by id, the order in which they were found.
func listRejections(ctx context.Context, tx bun.IDB, run Sync, page store.PageRequest) ([]Rejection, string, error) {
	var list []Rejection
	query := tx.NewSelect().Model(&list).Where("vendor_id = ?", run.VendorID).Where("sync_id = ?", run.ID).Order("id").Limit(page.Fetch())
	if page.Cursor != "" {
		_, id, err := store.DecodeCursor(page.Cursor)
		if err != nil {
			return nil, "", err
		}
		query = query.Where("id > ?", id)
	}
	if err := query.Scan(ctx); err != nil {
		return nil, "", fmt.Errorf("list rejections: %w", err)
	}
	list, next := store.CutPage(list, page, func(r Rejection) (time.Time, string) { return run.StartedAt, r.ID })
	return list, next, nil
}

// runningSync is the unfinished run of a connection, if there is one.
func runningSync(ctx context.Context, tx bun.IDB, connectionID string) (Sync, bool, error) {
	var sync Sync
	err := tx.NewSelect().Model(&sync).Where("connection_id = ?", connectionID).Where("state = ?", Running).Order("id DESC").Limit(1).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return sync, false, nil
	}
	if err != nil {
		return sync, false, fmt.Errorf("read a run: %w", err)
	}
	return sync, true, nil
}

// failuresSince counts the failed runs of a connection since a moment, at most most.
func failuresSince(ctx context.Context, db bun.IDB, connectionID string, since time.Time, most int) (int, error) {
	var ids []string
	err := db.NewSelect().Model((*Sync)(nil)).Column("id").Where("connection_id = ?", connectionID).Where("state = ?", Failed).
		Where("started_at > ?", since.UTC()).Limit(int64(most)).Scan(ctx, &ids)
	if err != nil {
		return 0, fmt.Errorf("count failed runs: %w", err)
	}
	return len(ids), nil
}
