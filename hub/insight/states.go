package insight

import (
	"context"
	"fmt"
	"time"
)

// What StateCounts counts.
const (
	Vendors    = "vendors"
	Digests    = "digests"
	Payments   = "payments"
	Transfers  = "transfers"
	Deliveries = "deliveries"
	Mails      = "mails"
	Receipts   = "receipts"
	// Refunds that were given up are a state of their own: nobody has to decide them.
	Refunds     = "refunds"
	Reversals   = "reversals"
	Chargebacks = "chargebacks"
	Messages    = "messages" // of the gateway, that could not be followed
)

// StateCount is how many of one thing are in one state.
type StateCount struct {
	What  string `bun:"what"`
	State string `bun:"state"`
	Count int    `bun:"count"`
}

// StateCounts are the counts of the whole hub; a state that nothing is in is missing.
type StateCounts []StateCount

// Of is one count, 0 when nothing is in that state.
func (c StateCounts) Of(what, state string) int {
	for _, count := range c {
		if count.What == what && count.State == state {
			return count.Count
		}
	}
	return 0
}

// States counts everything on its way by state, for the operator. It walks
// whole tables, so it is given ten seconds.
func (s *Service) States(ctx context.Context) (StateCounts, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var counts StateCounts
	err := s.DB.NewRaw(`SELECT 'vendors' AS what, status AS state, COUNT(*) AS count FROM vendors GROUP BY status
		UNION ALL SELECT 'digests', state, COUNT(*) FROM digests GROUP BY state
		UNION ALL SELECT 'payments', status, COUNT(*) FROM payments GROUP BY status
		UNION ALL SELECT 'transfers', state, COUNT(*) FROM transfers GROUP BY state
		UNION ALL SELECT 'refunds', CASE WHEN phase = 'failed' THEN 'given_up' ELSE state END, COUNT(*) FROM refunds GROUP BY 2
		UNION ALL SELECT 'reversals', state, COUNT(*) FROM reversals GROUP BY state
		UNION ALL SELECT 'chargebacks', phase, COUNT(*) FROM chargebacks GROUP BY phase
		UNION ALL SELECT 'messages', CASE WHEN next_attempt_at IS NULL THEN 'given_up' ELSE 'waiting' END, COUNT(*) FROM gateway_events WHERE handled_at IS NULL GROUP BY 2
		UNION ALL SELECT 'deliveries', state, COUNT(*) FROM deliveries GROUP BY state
		UNION ALL SELECT 'mails', state, COUNT(*) FROM mails GROUP BY state
		UNION ALL SELECT 'receipts', state, COUNT(*) FROM receipts GROUP BY state
		ORDER BY 1, 2`).Scan(ctx, &counts)
	if err != nil {
		return nil, fmt.Errorf("count by state: %w", err)
	}
	return counts, nil
}
