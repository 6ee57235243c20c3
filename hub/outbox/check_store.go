package outbox

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"
)

// rule is one statement that finds the rows that break it.
type rule struct{ words, query string }

var rules = []rule{
	{"event %s: an endpoint that asked for it has no delivery of it", `SELECT DISTINCT CAST(e.id AS TEXT) AS id FROM events AS e
		JOIN endpoints AS ep ON ep.vendor_id = e.vendor_id AND COALESCE(ep.events_since, ep.created_at) <= e.created_at
			AND (ep.disabled_at IS NULL OR ep.disabled_at > e.created_at)
			AND (REPLACE(ep.events, '"*"', '') <> ep.events OR REPLACE(ep.events, '"' || e.type || '"', '') <> ep.events)
		LEFT JOIN deliveries AS d ON d.event_id = e.id AND d.endpoint_id = ep.id
		WHERE d.id IS NULL ORDER BY 1 LIMIT ?`},
	{"delivery %s waits without a next attempt", `SELECT CAST(id AS TEXT) AS id FROM deliveries
		WHERE state IN ('pending', 'sending') AND next_attempt_at IS NULL ORDER BY 1 LIMIT ?`},
	{"delivery %s has ended and still has a next attempt", `SELECT CAST(id AS TEXT) AS id FROM deliveries
		WHERE state NOT IN ('pending', 'sending') AND next_attempt_at IS NOT NULL ORDER BY 1 LIMIT ?`},
	{"delivery %s takes an event to another vendor's endpoint", `SELECT CAST(d.id AS TEXT) AS id FROM deliveries AS d
		JOIN events AS e ON e.id = d.event_id JOIN endpoints AS ep ON ep.id = d.endpoint_id
		WHERE e.vendor_id <> d.vendor_id OR ep.vendor_id <> d.vendor_id ORDER BY 1 LIMIT ?`},
}

func (r rule) broken(ctx context.Context, db bun.IDB) ([]string, error) {
	var ids []string
	if err := db.NewRaw(r.query, MostBroken).Scan(ctx, &ids); err != nil {
		return nil, fmt.Errorf("check "+r.words+": %w", "…", err)
	}
	for i, id := range ids {
		ids[i] = fmt.Sprintf(r.words, id)
	}
	return ids, nil
}

func countChecked(ctx context.Context, db bun.IDB) (int, error) {
	n := 0
	err := db.NewRaw(`SELECT (SELECT count(*) FROM events) + (SELECT count(*) FROM deliveries)`).Scan(ctx, &n)
	if err != nil {
		return 0, fmt.Errorf("count events: %w", err)
	}
	return n, nil
}
