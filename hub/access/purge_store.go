package access

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"
)

func deleteDead(ctx context.Context, db bun.IDB, table, dead string, before time.Time, limit int) (int, error) {
	arguments := []any{bun.Ident(table), bun.Ident(table)}
	for range strings.Count(dead, "?") {
		arguments = append(arguments, before)
	}
	result, err := db.NewRaw("DELETE FROM ? WHERE id IN (SELECT id FROM ? WHERE "+dead+" LIMIT ?)", append(arguments, limit)...).Exec(ctx)
	if err != nil {
		return 0, fmt.Errorf("purge %s: %w", table, err)
	}
	n, err := result.RowsAffected()
	return int(n), err
}
