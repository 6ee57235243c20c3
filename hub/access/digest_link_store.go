package access

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"
)

func insertDigestLink(ctx context.Context, tx bun.IDB, row digestLink) error {
	if _, err := tx.NewInsert().Model(&row).Exec(ctx); err != nil {
		return fmt.Errorf("keep the digest link: %w", err)
	}
	return nil
}

func readDigestLink(ctx context.Context, db bun.IDB, hash string) (digestLink, string, bool, error) {
	var found struct {
		digestLink `bun:",extend"`
		CustomerID string `bun:"customer_id"`
	}
	err := db.NewSelect().Model(&found).ColumnExpr("dl.*, c.customer_id").Join("JOIN contacts AS c ON c.id = dl.contact_id").
		Where("dl.token_hash = ?", hash).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return digestLink{}, "", false, nil
	}
	if err != nil {
		return digestLink{}, "", false, fmt.Errorf("read the digest link: %w", err)
	}
	return found.digestLink, found.CustomerID, true, nil
}

func revokeDigestLinks(ctx context.Context, tx bun.IDB, contactID string, now time.Time) error {
	_, err := tx.NewUpdate().Model((*digestLink)(nil)).Set("revoked_at = ?", now).
		Where("contact_id = ?", contactID).Where("revoked_at IS NULL").Exec(ctx)
	if err != nil {
		return fmt.Errorf("revoke digest links: %w", err)
	}
	return nil
}
