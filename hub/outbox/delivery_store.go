package outbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/store"
)

func readParcel(ctx context.Context, db bun.IDB, deliveryID string) (Parcel, error) {
	var parcel Parcel
	err := db.NewSelect().Model(&parcel.Delivery).Where("id = ?", deliveryID).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return Parcel{}, fault.New(fault.NotFound, "There is no such delivery.")
	}
	if err != nil {
		return Parcel{}, fmt.Errorf("read delivery: %w", err)
	}
	if err := db.NewSelect().Model(&parcel.Event).Where("id = ?", parcel.Delivery.EventID).Scan(ctx); err != nil {
		return Parcel{}, fmt.Errorf("read event: %w", err)
	}
	if err := db.NewSelect().Model(&parcel.Endpoint).Where("id = ?", parcel.Delivery.EndpointID).Scan(ctx); err != nil {
		return Parcel{}, fmt.Errorf("read endpoint: %w", err)
	}
	return parcel, nil
}

// finishAttempt fences by claimed_until too, since a replay counts attempts anew.
func finishAttempt(ctx context.Context, tx bun.IDB, delivery Delivery, outcome Outcome, now time.Time) (bool, error) {
	query := tx.NewUpdate().Model((*Delivery)(nil)).Set("state = ?", outcome.State).Set("claimed_until = NULL").
		Set("last_status = ?", outcome.Status).Set("last_answer = ?", outcome.Answer).Set("updated_at = ?", now).
		Where("id = ?", delivery.ID).Where("attempts = ?", delivery.Attempts).Where("state = ?", Sending).
		Where("claimed_until = ?", delivery.ClaimedUntil)
	if outcome.State == Pending {
		query = query.Set("next_attempt_at = ?", outcome.Next.UTC())
	} else {
		query = query.Set("next_attempt_at = NULL")
	}
	result, err := query.Exec(ctx)
	if err != nil {
		return false, fmt.Errorf("record delivery: %w", err)
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

func insertAttempt(ctx context.Context, tx bun.IDB, attempt Attempt) error {
	if _, err := tx.NewInsert().Model(&attempt).Exec(ctx); err != nil {
		return fmt.Errorf("log attempt: %w", err)
	}
	return nil
}

func attemptsOf(ctx context.Context, tx bun.IDB, vendorID, deliveryID string) ([]Attempt, error) {
	var attempts []Attempt
	err := tx.NewSelect().Model(&attempts).Where("vendor_id = ?", vendorID).Where("delivery_id = ?", deliveryID).
		Order("id").Limit(store.MaxPage).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read attempts: %w", err)
	}
	return attempts, nil
}

// listDeliveries pages by id, newest first; vendorID empty is every vendor.
func listDeliveries(ctx context.Context, db bun.IDB, vendorID string, filter Filter, page store.PageRequest) ([]Row, string, error) {
	var rows []Row
	query := db.NewSelect().Model(&rows).ColumnExpr("d.*").ColumnExpr("e.type AS event_type").ColumnExpr("ep.target AS target").
		Join("JOIN events AS e ON e.id = d.event_id").Join("JOIN endpoints AS ep ON ep.id = d.endpoint_id").
		Order("d.id DESC").Limit(page.Fetch())
	if vendorID != "" {
		query = query.Where("d.vendor_id = ?", vendorID)
	}
	if filter.State != "" {
		query = query.Where("d.state = ?", filter.State)
	}
	if filter.Type != "" {
		query = query.Where("e.type = ?", filter.Type)
	}
	if !filter.Since.IsZero() {
		query = query.Where("d.updated_at >= ?", filter.Since.UTC())
	}
	if page.Cursor != "" {
		_, id, err := store.DecodeCursor(page.Cursor)
		if err != nil {
			return nil, "", err
		}
		query = query.Where("d.id < ?", id)
	}
	if err := query.Scan(ctx); err != nil {
		return nil, "", fmt.Errorf("list deliveries: %w", err)
	}
	rows, next := store.CutPage(rows, page, func(row Row) (time.Time, string) { return row.CreatedAt, row.ID })
	return rows, next, nil
}

type replayOutcome int

const (
	replayed replayOutcome = iota
	replayDisabled
	replayMissing
)

func replayDelivery(ctx context.Context, db bun.IDB, vendorID, deliveryID string, now time.Time) (replayOutcome, error) {
	var disabled bool
	err := db.NewSelect().TableExpr("deliveries AS d").ColumnExpr("ep.disabled_at IS NOT NULL").Join("JOIN endpoints AS ep ON ep.id = d.endpoint_id").
		Where("d.id = ?", deliveryID).Where("d.vendor_id = ?", vendorID).Scan(ctx, &disabled)
	if errors.Is(err, sql.ErrNoRows) {
		return replayMissing, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read delivery: %w", err)
	}
	if disabled {
		return replayDisabled, nil
	}
	_, err = db.NewUpdate().Model((*Delivery)(nil)).Set("state = ?", Pending).Set("attempts = 0").Set("next_attempt_at = ?", now.UTC()).
		Set("updated_at = ?", now.UTC()).Where("vendor_id = ?", vendorID).Where("id = ?", deliveryID).
		Where("state NOT IN (?, ?)", Pending, Sending).Exec(ctx)
	if err != nil {
		return 0, fmt.Errorf("replay delivery: %w", err)
	}
	// one that waits for its next attempt is brought forward
	_, err = db.NewUpdate().Model((*Delivery)(nil)).Set("next_attempt_at = ?", now.UTC()).
		Where("vendor_id = ?", vendorID).Where("id = ?", deliveryID).Where("state = ?", Pending).Exec(ctx)
	return replayed, err
}

func listEvents(ctx context.Context, tx bun.IDB, vendorID string, since time.Time, page store.PageRequest) ([]Event, string, error) {
	var events []Event
	query := tx.NewSelect().Model(&events).Where("vendor_id = ?", vendorID).Order("id").Limit(page.Fetch())
	if !since.IsZero() {
		query = query.Where("created_at >= ?", since.UTC())
	}
	if page.Cursor != "" {
		_, id, err := store.DecodeCursor(page.Cursor)
		if err != nil {
			return nil, "", err
		}
		query = query.Where("id > ?", id)
	}
	if err := query.Scan(ctx); err != nil {
		return nil, "", fmt.Errorf("list events: %w", err)
	}
	events, next := store.CutPage(events, page, func(event Event) (time.Time, string) { return event.CreatedAt, event.ID })
	return events, next, nil
}
