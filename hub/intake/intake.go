// Package intake brings the vendors' books in: what they push, files given by
// hand, and connections that are read again and again. It turns the
// connectors' neutral records into what billing keeps, and remembers how each
// run went.
package intake

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/store"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

// Limits of what comes in.
const (
	MostInPage      = 10_000 // records of one page of a connector
	MostRejections  = 5_000  // that are kept of one run; all are counted
	MostConnections = 20     // active ones of one vendor
	mostContacts    = 50     // of one account
	mostLines       = 1_000  // of one invoice
	mostDocuments   = 20     // of one record
)

// Kind is one kind of connector that this hub can run.
type Kind struct {
	Descriptor connectors.Descriptor
	// New makes a connector from its settings. The error is for the person who
	// typed them.
	New func(settings map[string]string, deps connectors.Deps) (connectors.Connector, error)
}

// Service is the room's entrance. All fields are needed; Connectors is keyed by
// Descriptor.Kind.
type Service struct {
	DB         *store.DB
	Party      *party.Service
	Access     *access.Service
	Billing    *billing.Service
	Outbox     *outbox.Service
	Sealer     *store.Sealer
	Connectors map[string]Kind
	HTTP       *http.Client                                                         // goes where outgoing calls may
	Dial       func(ctx context.Context, network, address string) (net.Conn, error) // the same without HTTP
	Log        *slog.Logger
	Now        func() time.Time
}

// now is the clock as both databases keep it: UTC, whole microseconds.
func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

// deps is what a vendor's connector is lent.
func (s *Service) deps(vendorID string) connectors.Deps {
	return connectors.Deps{HTTP: s.HTTP, Dial: s.Dial, Vendor: vendorID, Now: s.Now}
}

func (s *Service) depsOf(kind Kind, connection Connection) connectors.Deps {
	deps := s.deps(connection.VendorID)
	if kind.Descriptor.SignIn {
		deps.Tokens = tokens{service: s, connectionID: connection.ID}
	}
	return deps
}
