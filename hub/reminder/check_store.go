package reminder

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"
)

func checkDigests(ctx context.Context, db bun.IDB) (checked int, doubles, late []string, err error) {
	total, err := db.NewSelect().Model((*Digest)(nil)).Count(ctx)
	if err != nil {
		return 0, nil, nil, fmt.Errorf("count digests: %w", err)
	}
	err = db.NewSelect().Model((*Digest)(nil)).Column("contact_id").Group("contact_id", "period").Having("count(*) > 1").Limit(20).Scan(ctx, &doubles)
	if err != nil {
		return 0, nil, nil, fmt.Errorf("look for double digests: %w", err)
	}
	// the claim comes before the sending: what was claimed before the contact
	// said stop may still have left a moment after
	err = db.NewRaw(`SELECT dg.id FROM digests AS dg JOIN contacts AS co ON co.id = dg.contact_id
		WHERE dg.state = 'done' AND dg.decided_by = '' AND (dg.created_at > co.unsubscribed_at OR dg.created_at > co.bounced_at) LIMIT 20`).Scan(ctx, &late)
	if err != nil {
		return 0, nil, nil, fmt.Errorf("look for unwanted digests: %w", err)
	}
	return int(total), doubles, late, nil
}
