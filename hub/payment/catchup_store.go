package payment

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"
)

type gatewayMark struct {
	bun.BaseModel `bun:"table:gateway_marks,alias:gm"`
	Gateway       string    `bun:"gateway,pk"`
	HeardUntil    time.Time `bun:"heard_until"`
}

func heardUntil(ctx context.Context, db bun.IDB, gateway string) (time.Time, error) {
	var mark gatewayMark
	err := db.NewSelect().Model(&mark).Where("gateway = ?", gateway).Scan(ctx)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, fmt.Errorf("read how far the gateway was heard: %w", err)
	}
	return mark.HeardUntil, nil
}

func setHeardUntil(ctx context.Context, db bun.IDB, gateway string, until time.Time) error {
	mark := gatewayMark{Gateway: gateway, HeardUntil: until.UTC()}
	_, err := db.NewInsert().Model(&mark).On("CONFLICT (gateway) DO UPDATE").Set("heard_until = EXCLUDED.heard_until").Exec(ctx)
	if err != nil {
		return fmt.Errorf("note how far the gateway was heard: %w", err)
	}
	return nil
}

// unknownHints are those of a page that no row knows.
func unknownHints(ctx context.Context, db bun.IDB, gateway string, page []Hint) ([]Hint, error) {
	if len(page) == 0 {
		return nil, nil
	}
	ids := make([]string, len(page))
	for i, hint := range page {
		ids[i] = hint.EventID
	}
	var known []string
	err := db.NewSelect().Model((*gatewayEvent)(nil)).Column("event_id").Where("gateway = ?", gateway).Where("event_id IN (?)", bun.List(ids)).Scan(ctx, &known)
	if err != nil {
		return nil, fmt.Errorf("read gateway events: %w", err)
	}
	seen := make(map[string]bool, len(known))
	for _, id := range known {
		seen[id] = true
	}
	var fresh []Hint
	for _, hint := range page {
		if !seen[hint.EventID] {
			fresh = append(fresh, hint)
		}
	}
	return fresh, nil
}
