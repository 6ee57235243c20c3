// Package outbox keeps the facts that were committed and each fact's way to
// each endpoint of one vendor. Facts are appended inside the transaction that
// makes them true; nothing is sent from here.
package outbox

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/store"
)

// Types of events, the same words as in the vendor API.
const (
	PaymentProcessing     = "payment.processing"
	PaymentSettled        = "payment.settled"
	PaymentFailed         = "payment.failed"
	PaymentRefunded       = "payment.refunded"
	PaymentChargedBack    = "payment.charged_back"
	CreditApplied         = "credit.applied"
	CaseOpened            = "case.opened"
	CaseMessage           = "case.message"
	CaseResolved          = "case.resolved"
	TransferSent          = "transfer.sent"
	AccountContactBounced = "account.contact_bounced"
	ConnectionFailing     = "connection.failing"
)

// Types lists all of them, in the order of the documentation.
func Types() []string {
	return []string{PaymentProcessing, PaymentSettled, PaymentFailed, PaymentRefunded, PaymentChargedBack, CreditApplied,
		CaseOpened, CaseMessage, CaseResolved, TransferSent, AccountContactBounced, ConnectionFailing}
}

// Event is one fact for one vendor. Its id is made for that vendor alone and is
// the webhook-id. SubjectID, when set, makes the event happen once per type.
type Event struct {
	bun.BaseModel `bun:"table:events,alias:e"`
	ID            string    `bun:"id,pk"`
	VendorID      string    `bun:"vendor_id"`
	CustomerID    string    `bun:"customer_id,nullzero"`
	Type          string    `bun:"type"`
	SubjectID     string    `bun:"subject_id,nullzero"`
	Data          string    `bun:"data"` // JSON
	CreatedAt     time.Time `bun:"created_at"`
}

// NewEvent encodes data, which must be built from an allow-list for this vendor.
func NewEvent(vendorID, customerID, kind, subjectID string, data any, now time.Time) (Event, error) {
	encoded, err := json.Marshal(data)
	if err != nil {
		return Event{}, fmt.Errorf("encode %s: %w", kind, err)
	}
	return Event{ID: store.NewID(), VendorID: vendorID, CustomerID: customerID, Type: kind, SubjectID: subjectID,
		Data: string(encoded), CreatedAt: now.UTC()}, nil
}

// Delivery is one event on its way to one endpoint.
type Delivery struct {
	bun.BaseModel `bun:"table:deliveries,alias:d"`
	ID            string    `bun:"id,pk"`
	VendorID      string    `bun:"vendor_id"`
	CustomerID    string    `bun:"customer_id,nullzero"`
	EventID       string    `bun:"event_id"`
	EndpointID    string    `bun:"endpoint_id"`
	Kind          string    `bun:"kind"`
	State         string    `bun:"state"`
	Attempts      int       `bun:"attempts"`
	NextAttemptAt time.Time `bun:"next_attempt_at,nullzero"`
	ClaimedUntil  time.Time `bun:"claimed_until,nullzero"`
	LastStatus    int       `bun:"last_status"`
	LastAnswer    string    `bun:"last_answer"`
	CreatedAt     time.Time `bun:"created_at"`
	UpdatedAt     time.Time `bun:"updated_at"`
}

// States of a delivery.
const (
	Pending   = "pending"
	Sending   = "sending"
	Done      = "done"
	Dead      = "dead"
	Unknown   = "unknown"
	Cancelled = "cancelled" // its endpoint was disabled
)

// Attempt is one try of a delivery.
type Attempt struct {
	bun.BaseModel `bun:"table:delivery_attempts,alias:da"`
	ID            string    `bun:"id,pk"`
	VendorID      string    `bun:"vendor_id"`
	DeliveryID    string    `bun:"delivery_id"`
	Number        int       `bun:"number"`
	At            time.Time `bun:"at"`
	TookMS        int64     `bun:"took_ms"`
	Status        int       `bun:"status"`
	Answer        string    `bun:"answer"`
}

// Deliveries is the job table of this room.
const Deliveries store.JobTable = "deliveries"

// Service is the outbox.
type Service struct {
	DB     *store.DB
	Sealer *store.Sealer
	Now    func() time.Time
}

// AppendTx commits events with the change that makes them true, and one
// delivery for each endpoint that asks for them. An event that was told before
// (same subject and type) is passed over.
func (s *Service) AppendTx(ctx context.Context, tx bun.IDB, events ...Event) error {
	if len(events) == 0 {
		return nil
	}
	fresh, err := insertEvents(ctx, tx, events)
	if err != nil || len(fresh) == 0 {
		return err
	}
	vendors := make([]string, 0, len(fresh))
	for _, event := range fresh {
		if !slices.Contains(vendors, event.VendorID) {
			vendors = append(vendors, event.VendorID)
		}
	}
	var endpoints []Endpoint
	if err := s.DB.Ask(ctx, tx, EndpointsOf(&endpoints, vendors)); err != nil {
		return fmt.Errorf("read endpoints: %w", err)
	}
	return insertDeliveries(ctx, s.DB, tx, s.deliveries(fresh, endpoints))
}

// AppendFirstTx is AppendTx for events that cannot have been told before, with the
// endpoints that EndpointsOf gave of their vendors in the same transaction, after
// the events' CreatedAt. So nothing has to be read here.
func (s *Service) AppendFirstTx(ctx context.Context, tx bun.IDB, endpoints []Endpoint, events ...Event) error {
	if err := store.InsertAll(ctx, s.DB, tx, events, ""); err != nil {
		return fmt.Errorf("append events: %w", err)
	}
	return insertDeliveries(ctx, s.DB, tx, s.deliveries(events, endpoints))
}

func (s *Service) deliveries(events []Event, endpoints []Endpoint) []Delivery {
	now := s.Now().UTC()
	var deliveries []Delivery
	for _, event := range events {
		for _, endpoint := range endpoints {
			if endpoint.VendorID == event.VendorID && endpoint.Wants(event.Type) {
				deliveries = append(deliveries, Delivery{ID: store.NewID(), VendorID: event.VendorID, CustomerID: event.CustomerID,
					EventID: event.ID, EndpointID: endpoint.ID, Kind: endpoint.Kind, State: Pending, NextAttemptAt: now, CreatedAt: now, UpdatedAt: now})
			}
		}
	}
	return deliveries
}
