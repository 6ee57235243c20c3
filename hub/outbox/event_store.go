package outbox

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/store"
)

func insertEvents(ctx context.Context, tx bun.IDB, events []Event) ([]Event, error) {
	var told []string
	// RETURNING names the rows that were really new
	err := tx.NewInsert().Model(&events).On("CONFLICT DO NOTHING").Returning("id").Scan(ctx, &told)
	if err != nil {
		return nil, fmt.Errorf("append events: %w", err)
	}
	isNew := make(map[string]bool, len(told))
	for _, id := range told {
		isNew[id] = true
	}
	fresh := make([]Event, 0, len(events))
	for _, event := range events {
		if isNew[event.ID] {
			fresh = append(fresh, event)
		}
	}
	return fresh, nil
}

// EndpointsOf asks for the endpoints of vendors that hear of events now.
func EndpointsOf(endpoints *[]Endpoint, vendors []string) store.Question {
	return store.ByIDs(endpoints, "SELECT * FROM endpoints WHERE vendor_id IN (?) AND disabled_at IS NULL ORDER BY vendor_id, id", vendors)
}

func insertDeliveries(ctx context.Context, db *store.DB, tx bun.IDB, deliveries []Delivery) error {
	if err := store.InsertAll(ctx, db, tx, deliveries, ""); err != nil {
		return fmt.Errorf("append deliveries: %w", err)
	}
	return nil
}
