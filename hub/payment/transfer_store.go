package payment

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/store"
)

func readTransfer(ctx context.Context, db bun.IDB, id string) (Transfer, error) {
	var transfer Transfer
	if err := db.NewSelect().Model(&transfer).Where("id = ?", id).Scan(ctx); err != nil {
		return transfer, fmt.Errorf("read transfer: %w", err)
	}
	return transfer, nil
}

func markKeyUsed(ctx context.Context, db bun.IDB, id string, now time.Time) error {
	_, err := db.NewUpdate().Model((*Transfer)(nil)).Set("key_used_at = ?", now.UTC()).Where("id = ?", id).Where("key_used_at IS NULL").Exec(ctx)
	if err != nil {
		return fmt.Errorf("mark key: %w", err)
	}
	return nil
}

func postponeTransfer(ctx context.Context, db bun.IDB, transfer Transfer, why string, next, now time.Time) error {
	_, err := db.NewUpdate().Model((*Transfer)(nil)).Set("last_answer = ?", why).Set("next_attempt_at = ?", next.UTC()).
		Set("updated_at = ?", now.UTC()).Where("id = ?", transfer.ID).Where("state = 'pending'").Exec(ctx)
	if err != nil {
		return fmt.Errorf("postpone transfer: %w", err)
	}
	return nil
}

// failTransfer records an attempt that did not end well. It changes nothing
// when another attempt has begun meanwhile.
func failTransfer(ctx context.Context, db bun.IDB, transfer Transfer, state, answer string, next, now time.Time) error {
	query := db.NewUpdate().Model((*Transfer)(nil)).Set("state = ?", state).Set("last_answer = ?", answer).Set("claimed_until = NULL").
		Set("updated_at = ?", now.UTC()).Where("id = ?", transfer.ID).Where("attempts = ?", transfer.Attempts).Where("state <> 'done'")
	if next.IsZero() {
		query = query.Set("next_attempt_at = NULL")
	} else {
		query = query.Set("next_attempt_at = ?", next.UTC())
	}
	if _, err := query.Exec(ctx); err != nil {
		return fmt.Errorf("record transfer: %w", err)
	}
	return nil
}

func completeTransfer(ctx context.Context, tx bun.IDB, transfer Transfer, ref string, now time.Time) (bool, error) {
	result, err := tx.NewUpdate().Model((*Transfer)(nil)).Set("state = 'done'").Set("gateway_ref = ?", ref).Set("claimed_until = NULL").
		Set("next_attempt_at = NULL").Set("last_answer = ''").Set("updated_at = ?", now.UTC()).Set("sent_at = ?", now.UTC()).
		Where("id = ?", transfer.ID).Where("state <> 'done'").Exec(ctx)
	if err != nil {
		return false, fmt.Errorf("complete transfer: %w", err)
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

func listTransfers(ctx context.Context, db bun.IDB, state string, page store.PageRequest) ([]Transfer, string, error) {
	var list []Transfer
	query := db.NewSelect().Model(&list).Order("id DESC").Limit(page.Fetch())
	if state != "" {
		query = query.Where("state = ?", state)
	}
	if page.Cursor != "" {
		_, id, err := store.DecodeCursor(page.Cursor)
		if err != nil {
			return nil, "", err
		}
		query = query.Where("id < ?", id)
	}
	if err := query.Scan(ctx); err != nil {
		return nil, "", fmt.Errorf("list transfers: %w", err)
	}
	list, next := store.CutPage(list, page, func(t Transfer) (time.Time, string) { return t.CreatedAt, t.ID })
	return list, next, nil
}

func reviveTransfer(ctx context.Context, db bun.IDB, id string, now time.Time) error {
	result, err := db.NewUpdate().Model((*Transfer)(nil)).Set("state = 'pending'").Set("next_attempt_at = ?", now.UTC()).
		Set("updated_at = ?", now.UTC()).Where("id = ?", id).Where("state = 'failed'").Exec(ctx)
	if err != nil {
		return fmt.Errorf("revive transfer: %w", err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return fault.New(fault.NotFound, "There is no such failed transfer.")
	}
	return nil
}

// gatewayEvent is a message of the gateway, stored once.
type gatewayEvent struct {
	bun.BaseModel `bun:"table:gateway_events,alias:ge"`
	Gateway       string    `bun:"gateway,pk"`
	EventID       string    `bun:"event_id,pk"`
	Type          string    `bun:"type"`
	ObjectRef     string    `bun:"object_ref"`
	ReceivedAt    time.Time `bun:"received_at"`
	HandledAt     time.Time `bun:"handled_at,nullzero"`
	Attempts      int       `bun:"attempts"`
	NextAttemptAt time.Time `bun:"next_attempt_at,nullzero"`
	LastError     string    `bun:"last_error"`
}

// storeGatewayEvent answers false for one that was handled before.
func storeGatewayEvent(ctx context.Context, db bun.IDB, gateway, eventID, kind, ref string, now time.Time) (bool, error) {
	event := gatewayEvent{Gateway: gateway, EventID: eventID, Type: kind, ObjectRef: ref, ReceivedAt: now.UTC(), NextAttemptAt: now.UTC()}
	if _, err := db.NewInsert().Model(&event).On("CONFLICT DO NOTHING").Exec(ctx); err != nil {
		return false, fmt.Errorf("store gateway event: %w", err)
	}
	return db.NewSelect().Model((*gatewayEvent)(nil)).Where("gateway = ?", gateway).Where("event_id = ?", eventID).
		Where("handled_at IS NULL").Exists(ctx)
}

func finishGatewayEvent(ctx context.Context, db bun.IDB, gateway, eventID string, failure error, now time.Time) error {
	query := db.NewUpdate().Model((*gatewayEvent)(nil)).Set("attempts = attempts + 1").Where("gateway = ?", gateway).Where("event_id = ?", eventID)
	if failure == nil {
		query = query.Set("handled_at = ?", now.UTC()).Set("next_attempt_at = NULL").Set("last_error = ''")
	} else {
		query = query.Set("next_attempt_at = ?", now.Add(time.Minute).UTC()).Set("last_error = ?", failure.Error())
	}
	if _, err := query.Exec(ctx); err != nil {
		return fmt.Errorf("record gateway event: %w", err)
	}
	return nil
}
