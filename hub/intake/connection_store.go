package intake

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/store"
)

func insertConnection(ctx context.Context, tx bun.IDB, connection Connection) error {
	if _, err := tx.NewInsert().Model(&connection).Exec(ctx); err != nil {
		return fmt.Errorf("add connection: %w", err)
	}
	return nil
}

func updateConnection(ctx context.Context, tx bun.IDB, connection Connection) error {
	_, err := tx.NewUpdate().Model(&connection).WherePK().
		Column("settings", "token", "cursor", "updated_at", "disabled_at", "last_good_at", "last_error", "next_sync_at", "write_back", "stale_days", "whole_at", "closing", "told_at", "live_at").Exec(ctx)
	if err != nil {
		return fmt.Errorf("change connection: %w", err)
	}
	return nil
}

func setCursor(ctx context.Context, tx bun.IDB, id, cursor string, now time.Time) error {
	_, err := tx.NewUpdate().Model((*Connection)(nil)).Set("cursor = ?", cursor).Set("updated_at = ?", now).Where("id = ?", id).Exec(ctx)
	if err != nil {
		return fmt.Errorf("keep the cursor: %w", err)
	}
	return nil
}

func lockConnection(ctx context.Context, db *store.DB, tx bun.IDB, id string) (Connection, bool, error) {
	var connection Connection
	err := db.ForUpdate(tx.NewSelect().Model(&connection).Where("id = ?", id)).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return connection, false, nil
	}
	if err != nil {
		return connection, false, fmt.Errorf("read connection: %w", err)
	}
	return connection, true, nil
}

func activeConnections(ctx context.Context, db bun.IDB, vendorID string) (int, error) {
	n, err := db.NewSelect().Model((*Connection)(nil)).Where("vendor_id = ?", vendorID).Where("disabled_at IS NULL").Count(ctx)
	if err != nil {
		return 0, fmt.Errorf("count connections: %w", err)
	}
	return int(n), nil
}

// listConnections is bounded: MostConnections active ones, and as many removed.
func listConnections(ctx context.Context, tx bun.IDB, vendorID string) ([]Connection, error) {
	var list []Connection
	err := tx.NewSelect().Model(&list).Where("vendor_id = ?", vendorID).OrderExpr("disabled_at IS NOT NULL, id DESC").Limit(2 * MostConnections).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("list connections: %w", err)
	}
	return list, nil
}

func dueConnections(ctx context.Context, db bun.IDB, now time.Time, limit int) ([]string, error) {
	var ids []string
	err := db.NewSelect().Model((*Connection)(nil)).Column("id").Where("next_sync_at <= ?", now).Where("disabled_at IS NULL").
		Order("next_sync_at", "id").Limit(int64(min(max(limit, 1), store.MaxPage))).Scan(ctx, &ids)
	if err != nil {
		return nil, fmt.Errorf("read due connections: %w", err)
	}
	return ids, nil
}

// owedInvoices are the invoices on which a connection's books last said that
// something is owed, page by page in order of id.
func owedInvoices(ctx context.Context, db bun.IDB, vendorID, connectionID, after string, limit int) ([]billing.Item, error) {
	var list []billing.Item
	query := db.NewSelect().Model(&list).ColumnExpr("i.*").ColumnExpr("a.name AS account_name, a.external_id AS account_external_id").
		Join("JOIN accounts AS a ON a.id = i.account_id").Where("i.vendor_id = ?", vendorID).Where("i.connection_id = ?", connectionID).Where("i.source_open > 0").Order("i.id").Limit(int64(limit))
	if after != "" {
		query = query.Where("i.id > ?", after)
	}
	if err := query.Scan(ctx); err != nil {
		return nil, fmt.Errorf("read open invoices: %w", err)
	}
	return list, nil
}

func owedCredits(ctx context.Context, db bun.IDB, vendorID, connectionID, after string, limit int) ([]billing.CreditItem, error) {
	var list []billing.CreditItem
	query := db.NewSelect().Model(&list).ColumnExpr("c.*").ColumnExpr("a.external_id AS account_external_id").
		Join("JOIN accounts AS a ON a.id = c.account_id").Where("c.vendor_id = ?", vendorID).Where("c.connection_id = ?", connectionID).Where("c.source_open > 0").Order("c.id").Limit(int64(limit))
	if after != "" {
		query = query.Where("c.id > ?", after)
	}
	if err := query.Scan(ctx); err != nil {
		return nil, fmt.Errorf("read open credits: %w", err)
	}
	return list, nil
}

// invoicesNamed are a connection's invoices of these external ids, and creditsNamed
// its credits.
func invoicesNamed(ctx context.Context, db bun.IDB, vendorID, connectionID string, ids []string) ([]billing.Item, error) {
	var list []billing.Item
	err := db.NewSelect().Model(&list).ColumnExpr("i.*").ColumnExpr("a.name AS account_name, a.external_id AS account_external_id").
		Join("JOIN accounts AS a ON a.id = i.account_id").Where("i.vendor_id = ?", vendorID).Where("i.connection_id = ?", connectionID).
		Where("i.external_id IN (?)", bun.List(ids)).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read invoices: %w", err)
	}
	return list, nil
}

func creditsNamed(ctx context.Context, db bun.IDB, vendorID, connectionID string, ids []string) ([]billing.CreditItem, error) {
	var list []billing.CreditItem
	err := db.NewSelect().Model(&list).ColumnExpr("c.*").ColumnExpr("a.external_id AS account_external_id").
		Join("JOIN accounts AS a ON a.id = c.account_id").Where("c.vendor_id = ?", vendorID).Where("c.connection_id = ?", connectionID).
		Where("c.external_id IN (?)", bun.List(ids)).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read credits: %w", err)
	}
	return list, nil
}

func readConnection(ctx context.Context, db bun.IDB, id string) (Connection, bool, error) {
	var connection Connection
	err := db.NewSelect().Model(&connection).Where("id = ?", id).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return connection, false, nil
	}
	if err != nil {
		return connection, false, fmt.Errorf("read connection: %w", err)
	}
	return connection, true, nil
}

// staleConnections are those of a list that are not live, or were last read well
// before their limit.
func staleConnections(ctx context.Context, db bun.IDB, ids []string, now time.Time) ([]Connection, error) {
	var list []Connection
	err := db.NewSelect().Model(&list).Column("id", "created_at", "last_good_at", "stale_days", "live_at").Where("id IN (?)", bun.List(ids)).
		Where("last_good_at IS NULL OR last_good_at < ? OR live_at IS NULL", now.Add(-24*time.Hour)).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read connections: %w", err)
	}
	return list, nil
}
