package intake

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/store"
)

// Run reads one run of a vendor; fault.NotFound for another's.
func (s *Service) Run(ctx context.Context, vendorID, syncID string) (Sync, error) {
	if !store.ValidID(syncID) {
		return Sync{}, noSuch("import")
	}
	var run Sync
	err := s.DB.AsVendor(ctx, vendorID, func(ctx context.Context, tx bun.Tx) error {
		var found bool
		var err error
		if run, found, err = readSync(ctx, tx, vendorID, syncID); err == nil && !found {
			err = noSuch("import")
		}
		return err
	})
	return run, err
}
