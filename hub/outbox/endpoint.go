package outbox

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// Kinds of endpoints.
const (
	Webhook = "webhook"
	Mail    = "mail"
	Books   = "books"
)

// MostEndpoints bounds how many webhook endpoints one vendor may have.
const MostEndpoints = 10

// Endpoint is where a vendor hears of its events.
type Endpoint struct {
	bun.BaseModel  `bun:"table:endpoints,alias:ep"`
	ID             string    `bun:"id,pk"`
	VendorID       string    `bun:"vendor_id"`
	Kind           string    `bun:"kind"`
	Target         string    `bun:"target"`
	Events         []string  `bun:"events"`
	Secret         string    `bun:"secret"` // sealed
	CreatedAt      time.Time `bun:"created_at"`
	DisabledAt     time.Time `bun:"disabled_at,nullzero"`
	DisabledReason string    `bun:"disabled_reason"`
	EventsSince    time.Time `bun:"events_since,nullzero"` // when Events last changed; zero: never
}

// Wants says whether the endpoint asked for a type.
func (e Endpoint) Wants(kind string) bool {
	return slices.Contains(e.Events, "*") || slices.Contains(e.Events, kind)
}

func sealContext(id string) string { return "endpoint:" + id }

// PutEndpoint makes the endpoint, or changes the events of the one that has
// this target, and returns it with its secret in the clear (webhooks only). The
// caller has checked the target.
func (s *Service) PutEndpoint(ctx context.Context, vendorID, kind, target string, events []string) (Endpoint, string, error) {
	var endpoint Endpoint
	var secret string
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		var err error
		endpoint, secret, err = s.PutEndpointTx(ctx, tx, vendorID, kind, target, events)
		return err
	})
	return endpoint, secret, err
}

// PutEndpointTx is PutEndpoint inside the caller's transaction.
func (s *Service) PutEndpointTx(ctx context.Context, tx bun.IDB, vendorID, kind, target string, events []string) (Endpoint, string, error) {
	return s.putEndpoint(ctx, tx, vendorID, kind, target, events, "")
}

// PutWebhookTx is PutEndpointTx for a webhook whose secret begins as the given
// one; an endpoint that is there already keeps its own.
func (s *Service) PutWebhookTx(ctx context.Context, tx bun.IDB, vendorID, target string, events []string, secret string) (Endpoint, string, error) {
	return s.putEndpoint(ctx, tx, vendorID, Webhook, target, events, secret)
}

func (s *Service) putEndpoint(ctx context.Context, tx bun.IDB, vendorID, kind, target string, events []string, secret string) (Endpoint, string, error) {
	if err := checkEvents(events); err != nil {
		return Endpoint{}, "", err
	}
	existing, err := endpointsOf(ctx, tx, vendorID, kind)
	if err != nil {
		return Endpoint{}, "", err
	}
	active := 0
	for _, endpoint := range existing {
		if endpoint.DisabledAt.IsZero() {
			active++
			if endpoint.Target == target {
				return s.changeEvents(ctx, tx, endpoint, events)
			}
		}
	}
	if active >= MostEndpoints {
		return Endpoint{}, "", fault.New(fault.Conflict, "There are %d endpoints already, which is the most. Disable one first.", active)
	}
	return s.newEndpoint(ctx, tx, vendorID, kind, target, events, secret)
}

func checkEvents(events []string) error {
	if len(events) == 0 {
		return fault.At("/events", "Name at least one event type, or [\"*\"] for all.")
	}
	known := append(Types(), "*")
	for i, kind := range events {
		if !slices.Contains(known, kind) {
			return fault.At(fmt.Sprintf("/events/%d", i), "There is no event type %q. The types are: %v.", kind, Types())
		}
	}
	return nil
}

func (s *Service) changeEvents(ctx context.Context, tx bun.IDB, endpoint Endpoint, events []string) (Endpoint, string, error) {
	if !slices.Equal(endpoint.Events, events) {
		endpoint.Events, endpoint.EventsSince = events, s.Now().UTC()
	}
	secret, err := s.Secret(endpoint)
	if err != nil {
		return Endpoint{}, "", err
	}
	return endpoint, secret, updateEndpointEvents(ctx, tx, endpoint)
}

// newEndpoint makes an endpoint; an empty secret is made too.
func (s *Service) newEndpoint(ctx context.Context, tx bun.IDB, vendorID, kind, target string, events []string, secret string) (Endpoint, string, error) {
	endpoint := Endpoint{ID: store.NewID(), VendorID: vendorID, Kind: kind, Target: target, Events: events, CreatedAt: s.Now().UTC()}
	if kind == Webhook {
		if secret == "" {
			secret = newSecret()
		}
		sealed, err := s.Sealer.Seal(secret, sealContext(endpoint.ID))
		if err != nil {
			return Endpoint{}, "", err
		}
		endpoint.Secret = sealed
	}
	return endpoint, secret, insertEndpoint(ctx, tx, endpoint)
}

// Secret opens the endpoint's signing secret; empty for kinds that have none.
func (s *Service) Secret(endpoint Endpoint) (string, error) {
	if endpoint.Secret == "" {
		return "", nil
	}
	return s.Sealer.Open(endpoint.Secret, sealContext(endpoint.ID))
}

// Endpoints lists a vendor's endpoints of a kind, the active ones first.
func (s *Service) Endpoints(ctx context.Context, vendorID, kind string) ([]Endpoint, error) {
	var endpoints []Endpoint
	err := s.DB.AsVendor(ctx, vendorID, func(ctx context.Context, tx bun.Tx) error {
		var err error
		endpoints, err = endpointsOf(ctx, tx, vendorID, kind)
		return err
	})
	return endpoints, err
}

// DisableEndpoint stops an endpoint; what was still on its way to it is
// cancelled, and says so.
func (s *Service) DisableEndpoint(ctx context.Context, vendorID, endpointID, reason string) error {
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		return s.disableEndpoint(ctx, tx, vendorID, endpointID, reason)
	})
}

// DisableTargetTx stops the endpoint of a kind and target, if there is one.
func (s *Service) DisableTargetTx(ctx context.Context, tx bun.IDB, vendorID, kind, target, reason string) error {
	existing, err := endpointsOf(ctx, tx, vendorID, kind)
	if err != nil {
		return err
	}
	for _, endpoint := range existing {
		if endpoint.Target == target && endpoint.DisabledAt.IsZero() {
			return s.disableEndpoint(ctx, tx, vendorID, endpoint.ID, reason)
		}
	}
	return nil
}

func (s *Service) disableEndpoint(ctx context.Context, tx bun.IDB, vendorID, endpointID, reason string) error {
	found, err := markDisabled(ctx, tx, vendorID, endpointID, reason, s.Now())
	if err != nil {
		return err
	}
	if !found {
		return fault.New(fault.NotFound, "There is no such active endpoint.")
	}
	return cancelDeliveries(ctx, tx, endpointID, disabledAnswer(reason), s.Now())
}

func disabledAnswer(reason string) string { return clip("The endpoint was disabled: " + reason) }

// newSecret is a Standard Webhooks secret: whsec_ and 32 random bytes in base64.
func newSecret() string {
	raw := make([]byte, 32)
	if _, err := rand.Read(raw); err != nil {
		panic(fmt.Sprintf("no randomness: %v", err))
	}
	return "whsec_" + base64.StdEncoding.EncodeToString(raw)
}
