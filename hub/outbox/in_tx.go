package outbox

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/fault"
)

// DisableEndpointTx is DisableEndpoint inside the caller's transaction, so that
// the audit log's line commits with it.
func (s *Service) DisableEndpointTx(ctx context.Context, tx bun.IDB, vendorID, endpointID, reason string) error {
	return s.disableEndpoint(ctx, tx, vendorID, endpointID, reason)
}

// Endpoint reads one endpoint of a vendor; fault.NotFound for another's.
func (s *Service) Endpoint(ctx context.Context, vendorID, endpointID string) (Endpoint, error) {
	endpoints, err := s.Endpoints(ctx, vendorID, Webhook)
	if err != nil {
		return Endpoint{}, err
	}
	for _, endpoint := range endpoints {
		if endpoint.ID == endpointID {
			return endpoint, nil
		}
	}
	return Endpoint{}, fault.New(fault.NotFound, "There is no such endpoint.")
}
