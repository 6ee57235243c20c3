package outbox

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"
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

func activeEndpoints(ctx context.Context, tx bun.IDB, vendors []string) ([]Endpoint, error) {
	var endpoints []Endpoint
	err := tx.NewSelect().Model(&endpoints).Where("vendor_id IN (?)", bun.List(vendors)).Where("disabled_at IS NULL").
		Order("vendor_id", "id").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read endpoints: %w", err)
	}
	return endpoints, nil
}

func insertDeliveries(ctx context.Context, tx bun.IDB, deliveries []Delivery) error {
	if len(deliveries) == 0 {
		return nil
	}
	if _, err := tx.NewInsert().Model(&deliveries).Returning("NULL").Exec(ctx); err != nil {
		return fmt.Errorf("append deliveries: %w", err)
	}
	return nil
}
