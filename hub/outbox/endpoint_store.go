package outbox

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"
)

// most endpoints of one vendor that are ever read at once, disabled ones too
const mostListed = 100

func endpointsOf(ctx context.Context, tx bun.IDB, vendorID, kind string) ([]Endpoint, error) {
	var endpoints []Endpoint
	err := tx.NewSelect().Model(&endpoints).Where("vendor_id = ?", vendorID).Where("kind = ?", kind).
		OrderExpr("disabled_at IS NOT NULL, id DESC").Limit(mostListed).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read endpoints: %w", err)
	}
	return endpoints, nil
}

func insertEndpoint(ctx context.Context, tx bun.IDB, endpoint Endpoint) error {
	_, err := tx.NewInsert().Model(&endpoint).Exec(ctx)
	if err != nil {
		return fmt.Errorf("add endpoint: %w", err)
	}
	return nil
}

func updateEndpointEvents(ctx context.Context, tx bun.IDB, endpoint Endpoint) error {
	_, err := tx.NewUpdate().Model(&endpoint).Column("events", "events_since").Where("vendor_id = ?", endpoint.VendorID).WherePK().Exec(ctx)
	if err != nil {
		return fmt.Errorf("change endpoint: %w", err)
	}
	return nil
}

func markDisabled(ctx context.Context, tx bun.IDB, vendorID, endpointID, reason string, now time.Time) (bool, error) {
	result, err := tx.NewUpdate().Model((*Endpoint)(nil)).Set("disabled_at = ?", now.UTC()).Set("disabled_reason = ?", reason).
		Where("vendor_id = ?", vendorID).Where("id = ?", endpointID).Where("disabled_at IS NULL").Exec(ctx)
	if err != nil {
		return false, fmt.Errorf("disable endpoint: %w", err)
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

func cancelDeliveries(ctx context.Context, tx bun.IDB, endpointID, why string, now time.Time) error {
	_, err := tx.NewUpdate().Model((*Delivery)(nil)).Set("state = ?", Cancelled).Set("next_attempt_at = NULL").Set("claimed_until = NULL").
		Set("last_answer = ?", why).Set("updated_at = ?", now.UTC()).
		Where("endpoint_id = ?", endpointID).Where("state IN (?, ?)", Pending, Sending).Exec(ctx)
	if err != nil {
		return fmt.Errorf("cancel deliveries: %w", err)
	}
	return nil
}
