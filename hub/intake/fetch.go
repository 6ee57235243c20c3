package intake

import (
	"context"
	"errors"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/party"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

// Fetch reads a paper that stays in a connection's books. It is billing's Fetch: the
// error's words are for whoever wants to see the paper, so they say nothing of the
// vendor's connection but that it cannot be had now.
func (s *Service) Fetch(ctx context.Context, connectionID, ref string) (billing.DocumentRecord, error) {
	connection, found, err := readConnection(ctx, s.DB, connectionID)
	if err != nil {
		return billing.DocumentRecord{}, err
	}
	if !found || !connection.DisabledAt.IsZero() {
		return billing.DocumentRecord{}, fault.New(fault.NotFound, "The vendor's books are no longer connected, and this document was never fetched from them. Ask the vendor for it.")
	}
	_, connector, err := s.open(connection)
	if err != nil {
		return billing.DocumentRecord{}, err
	}
	var document connectors.Document
	err = guarded(func() error {
		var err error
		document, err = connector.Fetch(ctx, ref)
		return err
	})
	switch {
	case errors.Is(err, connectors.ErrGone):
		return billing.DocumentRecord{}, fault.Wrap(fault.NotFound, err, "The vendor's books do not have this document any more. Ask the vendor for it.")
	case err != nil:
		s.Log.Warn("document not fetched", "connection", connection.ID, "vendor", connection.VendorID, "error", err)
		return billing.DocumentRecord{}, fault.Wrap(fault.Unavailable, err, "The vendor's books cannot give this document just now. Try again in a few minutes.")
	}
	return billing.DocumentRecord{Name: document.Name, ContentType: party.PlainText(document.ContentType, 120), Content: document.Content,
		Held: connectors.HoldReason(document.Content)}, nil
}
