package payment

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/store"
)

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
	Subject       Subject   `bun:"subject"`
	PaymentID     string    `bun:"payment_id"`
	AccountRef    string    `bun:"account_ref"`
	TransferID    string    `bun:"transfer_id"`
}

func newGatewayEvent(gateway string, hint Hint, now time.Time) gatewayEvent {
	return gatewayEvent{Gateway: gateway, EventID: hint.EventID, Type: hint.Type, ObjectRef: hint.Ref, ReceivedAt: now.UTC(), Attempts: 1,
		Subject: hint.Subject, PaymentID: hint.PaymentID, AccountRef: hint.AccountRef, TransferID: hint.TransferID}
}

// recordHint keeps a hint with how it went; one that was handled before stays so.
func recordHint(ctx context.Context, db *store.DB, gateway string, hint Hint, failure error, now time.Time) error {
	if failure == nil {
		return recordHandled(ctx, db, db, gateway, []Hint{hint}, now)
	}
	event := newGatewayEvent(gateway, hint, now)
	event.LastError, event.NextAttemptAt = clipped(failure.Error()), now.Add(hintBackoff[0]).UTC()
	result, err := db.NewInsert().Model(&event).On("CONFLICT (gateway, event_id) DO NOTHING").Exec(ctx)
	if err != nil {
		return fmt.Errorf("store gateway event: %w", err)
	}
	if fresh, err := result.RowsAffected(); err != nil || fresh == 1 {
		return err
	}
	var kept gatewayEvent
	if err := db.NewSelect().Model(&kept).Where("gateway = ?", gateway).Where("event_id = ?", hint.EventID).Scan(ctx); err != nil {
		return fmt.Errorf("read gateway event: %w", err)
	}
	if !kept.HandledAt.IsZero() {
		return nil
	}
	query := db.NewUpdate().Model((*gatewayEvent)(nil)).Set("attempts = attempts + 1").Set("last_error = ?", event.LastError).
		Where("gateway = ?", gateway).Where("event_id = ?", hint.EventID).Where("handled_at IS NULL")
	if kept.Attempts+1 >= hintTries {
		query = query.Set("next_attempt_at = NULL")
	} else {
		query = query.Set("next_attempt_at = ?", now.Add(hintBackoff[min(kept.Attempts, len(hintBackoff)-1)]).UTC())
	}
	if _, err := query.Exec(ctx); err != nil {
		return fmt.Errorf("record gateway event: %w", err)
	}
	return nil
}

// recordHandled keeps hints that were followed, in one statement.
func recordHandled(ctx context.Context, db *store.DB, tx bun.IDB, gateway string, hints []Hint, now time.Time) error {
	var events []gatewayEvent
	seen := map[string]bool{} // two of one id in a statement would be one too many
	for _, hint := range hints {
		if hint.EventID == "" || seen[hint.EventID] {
			continue
		}
		seen[hint.EventID] = true
		event := newGatewayEvent(gateway, hint, now)
		event.HandledAt = now.UTC()
		events = append(events, event)
	}
	err := store.InsertAll(ctx, db, tx, events, "CONFLICT (gateway, event_id) DO UPDATE SET handled_at = COALESCE(ge.handled_at, EXCLUDED.handled_at), "+
		"next_attempt_at = NULL, last_error = ''")
	if err != nil {
		return fmt.Errorf("record gateway event: %w", err)
	}
	return nil
}

func dueHints(ctx context.Context, db bun.IDB, gateway string, now time.Time, limit int64) ([]Hint, error) {
	var events []gatewayEvent
	err := db.NewSelect().Model(&events).Where("gateway = ?", gateway).Where("next_attempt_at <= ?", now.UTC()).
		Order("next_attempt_at", "event_id").Limit(limit).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read gateway events: %w", err)
	}
	hints := make([]Hint, len(events))
	for i, event := range events {
		hints[i] = event.hint()
	}
	return hints, nil
}

func (e gatewayEvent) hint() Hint {
	return Hint{EventID: e.EventID, Type: e.Type, Subject: e.Subject, Ref: e.ObjectRef, PaymentID: e.PaymentID, AccountRef: e.AccountRef, TransferID: e.TransferID, At: e.ReceivedAt}
}

// clipped bounds what is kept of an answer.
func clipped(text string) string { return text[:min(len(text), 500)] }

// GatewayEvent is a message of the gateway that could not be followed, for the operator.
type GatewayEvent struct {
	EventID       string
	Type          string
	Ref           string
	ReceivedAt    time.Time
	Attempts      int
	NextAttemptAt time.Time // zero: given up
	LastError     string
}

// ListStuckHints pages through the messages that are not handled, newest first.
func (s *Service) ListStuckHints(ctx context.Context, page store.PageRequest) ([]GatewayEvent, string, error) {
	var events []gatewayEvent
	query := s.DB.NewSelect().Model(&events).Where("handled_at IS NULL").Order("received_at DESC", "event_id DESC").Limit(page.Fetch())
	if page.Cursor != "" {
		at, id, err := store.DecodeCursor(page.Cursor)
		if err != nil {
			return nil, "", err
		}
		query = query.Where("(received_at, event_id) < (?, ?)", at, id)
	}
	if err := query.Scan(ctx); err != nil {
		return nil, "", fmt.Errorf("list gateway events: %w", err)
	}
	events, next := store.CutPage(events, page, func(e gatewayEvent) (time.Time, string) { return e.ReceivedAt, e.EventID })
	list := make([]GatewayEvent, len(events))
	for i, e := range events {
		list[i] = GatewayEvent{EventID: e.EventID, Type: e.Type, Ref: e.ObjectRef, ReceivedAt: e.ReceivedAt, Attempts: e.Attempts,
			NextAttemptAt: e.NextAttemptAt, LastError: e.LastError}
	}
	return list, next, nil
}

// RetryHint makes a message that was given up due again; fault.NotFound when
// there is none.
func (s *Service) RetryHint(ctx context.Context, eventID string) error {
	result, err := s.DB.NewUpdate().Model((*gatewayEvent)(nil)).Set("next_attempt_at = ?", s.Now().UTC()).Set("attempts = 0").
		Where("gateway = ?", s.Gateway.Name()).Where("event_id = ?", eventID).Where("handled_at IS NULL").Exec(ctx)
	if err != nil {
		return fmt.Errorf("retry gateway event: %w", err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return fault.New(fault.NotFound, "There is no such message that waits.")
	}
	return nil
}
