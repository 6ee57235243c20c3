package access

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/store"
)

// emailKnown says whether a contact, or staff that is not disabled, has the address.
func emailKnown(ctx context.Context, tx bun.IDB, kind, email string) (bool, error) {
	query := tx.NewSelect().TableExpr("contacts").ColumnExpr("id").Where("email = ?", email)
	if kind == KindStaff {
		query = tx.NewSelect().TableExpr("staff").ColumnExpr("id").Where("email = ?", email).Where("disabled_at IS NULL")
	}
	known, err := query.Exists(ctx)
	if err != nil {
		return false, fmt.Errorf("look for the address: %w", err)
	}
	return known, nil
}

// lockAddress makes requests for one address follow each other, so that the
// count before them is right. On SQLite the transaction does it.
func lockAddress(ctx context.Context, db *store.DB, tx bun.IDB, email string) error {
	if db.Kind != store.Postgres {
		return nil
	}
	if _, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock(hashtextextended(?, 7433285002))", email); err != nil {
		return fmt.Errorf("lock the address: %w", err)
	}
	return nil
}

func countLinks(ctx context.Context, tx bun.IDB, email string, since time.Time) (int, error) {
	n, err := tx.NewSelect().Model((*link)(nil)).Where("email = ?", email).Where("created_at > ?", since).Count(ctx)
	if err != nil {
		return 0, fmt.Errorf("count sign-in links: %w", err)
	}
	return int(n), nil
}

func insertLink(ctx context.Context, tx bun.IDB, fresh link) error {
	if _, err := tx.NewInsert().Model(&fresh).Exec(ctx); err != nil {
		return fmt.Errorf("keep the sign-in link: %w", err)
	}
	return nil
}

func readLink(ctx context.Context, db bun.IDB, hash string) (link, bool, error) {
	var found link
	err := db.NewSelect().Model(&found).Where("token_hash = ?", hash).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return link{}, false, nil
	}
	if err != nil {
		return link{}, false, fmt.Errorf("read the sign-in link: %w", err)
	}
	return found, true, nil
}

// useLink marks the link used if it still can be: one statement, so that one
// caller alone gets it.
func useLink(ctx context.Context, tx bun.IDB, hash string, now time.Time) (link, bool, error) {
	var used link
	err := tx.NewUpdate().Model(&used).Set("used_at = ?", now).Where("token_hash = ?", hash).
		Where("used_at IS NULL").Where("expires_at > ?", now).Returning("*").Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return link{}, false, nil
	}
	if err != nil {
		return link{}, false, fmt.Errorf("use the sign-in link: %w", err)
	}
	return used, used.ID != "", nil
}
