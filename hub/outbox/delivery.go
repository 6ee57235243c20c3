package outbox

import (
	"context"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// Lease is how long one attempt may take before another worker may try again
// (webhooks carry the same webhook-id, so a receiver can tell).
const Lease = 60 * time.Second

// Parcel is a claimed delivery with all that is needed to send it.
type Parcel struct {
	Delivery Delivery
	Event    Event
	Endpoint Endpoint
}

// Outcome is how one attempt ended.
type Outcome struct {
	Status  int           // HTTP status or SMTP code; 0: no answer
	Answer  string        // what the other side said, or what went wrong, bounded
	Took    time.Duration // how long it took
	State   string        // Done, Pending (try again at Next), Dead or Unknown
	Next    time.Time     // of Pending
	Disable string        // not empty: the endpoint is disabled for this reason
}

// Claim begins an attempt; ok is false when the delivery has moved on.
func (s *Service) Claim(ctx context.Context, ref store.JobRef) (Parcel, bool, error) {
	ok, err := s.DB.Claim(ctx, Deliveries, ref, s.Now(), Lease, true)
	if err != nil || !ok {
		return Parcel{}, false, err
	}
	parcel, err := readParcel(ctx, s.DB, ref.ID)
	if err != nil || parcel.Delivery.Attempts != ref.Attempt+1 { // another claim came between
		return Parcel{}, false, err
	}
	if !parcel.Endpoint.DisabledAt.IsZero() { // its event was committed while the endpoint was being disabled
		_, err := finishAttempt(ctx, s.DB, parcel.Delivery, Outcome{State: Cancelled, Answer: disabledAnswer(parcel.Endpoint.DisabledReason)}, s.Now().UTC())
		return Parcel{}, false, err
	}
	return parcel, true, nil
}

// Record ends the attempt that Claim began and keeps it in the log. It changes
// nothing when another attempt has begun meanwhile.
func (s *Service) Record(ctx context.Context, delivery Delivery, outcome Outcome) error {
	now := s.Now().UTC()
	outcome.Answer = clip(outcome.Answer)
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		held, err := finishAttempt(ctx, tx, delivery, outcome, now)
		if err != nil || !held {
			return err
		}
		attempt := Attempt{ID: store.NewID(), VendorID: delivery.VendorID, DeliveryID: delivery.ID, Number: delivery.Attempts,
			At: now, TookMS: outcome.Took.Milliseconds(), Status: outcome.Status, Answer: outcome.Answer}
		if err := insertAttempt(ctx, tx, attempt); err != nil {
			return err
		}
		if outcome.Disable == "" {
			return nil
		}
		err = s.disableEndpoint(ctx, tx, delivery.VendorID, delivery.EndpointID, outcome.Disable)
		if fault.Is(err, fault.NotFound) { // it is disabled already: the attempt is kept all the same
			return nil
		}
		return err
	})
}

func clip(answer string) string {
	const most = 1000
	// PostgreSQL takes neither NUL nor what is not UTF-8
	runes := []rune(strings.ReplaceAll(strings.ToValidUTF8(answer, ""), "\x00", ""))
	if len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return string(runes)
}

// Row is one line of the delivery log.
type Row struct {
	Delivery  `bun:",extend"`
	EventType string `bun:"event_type"`
	Target    string `bun:"target"`
}

// Filter narrows the delivery log.
type Filter struct {
	State string // empty: all
	Type  string // event type; empty: all
	Since time.Time
}

// List is a vendor's delivery log, newest first.
func (s *Service) List(ctx context.Context, vendorID string, filter Filter, page store.PageRequest) ([]Row, string, error) {
	var rows []Row
	var next string
	err := s.DB.AsVendor(ctx, vendorID, func(ctx context.Context, tx bun.Tx) error {
		var err error
		rows, next, err = listDeliveries(ctx, tx, vendorID, filter, page)
		return err
	})
	return rows, next, err
}

// DeadLetters lists what no attempt will be made for any more, of every vendor:
// for the operator.
func (s *Service) DeadLetters(ctx context.Context, page store.PageRequest) ([]Row, string, error) {
	return listDeliveries(ctx, s.DB, "", Filter{State: Dead}, page)
}

// Attempts are all tries of one delivery, oldest first.
func (s *Service) Attempts(ctx context.Context, vendorID, deliveryID string) ([]Attempt, error) {
	var attempts []Attempt
	err := s.DB.AsVendor(ctx, vendorID, func(ctx context.Context, tx bun.Tx) error {
		var err error
		attempts, err = attemptsOf(ctx, tx, vendorID, deliveryID)
		return err
	})
	return attempts, err
}

// Delivery reads one line of the log with its event.
func (s *Service) Delivery(ctx context.Context, vendorID, deliveryID string) (Parcel, error) {
	var parcel Parcel
	err := s.DB.AsVendor(ctx, vendorID, func(ctx context.Context, tx bun.Tx) error {
		var err error
		parcel, err = readParcel(ctx, tx, deliveryID)
		return err
	})
	if err == nil && parcel.Delivery.VendorID != vendorID {
		err = fault.New(fault.NotFound, "There is no such delivery.")
	}
	return parcel, err
}

// Replay sends a delivery again from the first attempt of the schedule. What is
// on its way already stays as it is.
func (s *Service) Replay(ctx context.Context, vendorID, deliveryID string) error {
	return s.ReplayTx(ctx, s.DB, vendorID, deliveryID)
}

// ReplayTx is Replay inside the caller's transaction.
func (s *Service) ReplayTx(ctx context.Context, tx bun.IDB, vendorID, deliveryID string) error {
	outcome, err := replayDelivery(ctx, tx, vendorID, deliveryID, s.Now())
	if err != nil {
		return err
	}
	switch outcome {
	case replayDisabled:
		return fault.New(fault.Conflict, "Its endpoint is disabled. Make a new endpoint first.")
	case replayMissing:
		return fault.New(fault.NotFound, "There is no such delivery.")
	}
	return nil
}

// ListEvents is a vendor's feed of events, oldest first.
func (s *Service) ListEvents(ctx context.Context, vendorID string, since time.Time, page store.PageRequest) ([]Event, string, error) {
	var events []Event
	var next string
	err := s.DB.AsVendor(ctx, vendorID, func(ctx context.Context, tx bun.Tx) error {
		var err error
		events, next, err = listEvents(ctx, tx, vendorID, since, page)
		return err
	})
	return events, next, err
}
