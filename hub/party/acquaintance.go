package party

import (
	"context"
	"time"

	"github.com/uptrace/bun"
)

// VendorState is what a contact says of a vendor that lists it.
type VendorState string

// A new vendor stands apart, without its words, until the contact says yes;
// "not mine" silences it.
const (
	VendorNew     VendorState = "new"
	VendorMine    VendorState = "mine"
	VendorNotMine VendorState = "not_mine"
)

type contactVendor struct {
	bun.BaseModel `bun:"table:contact_vendors,alias:cv"`
	ContactID     string      `bun:"contact_id,pk"`
	VendorID      string      `bun:"vendor_id,pk"`
	State         VendorState `bun:"state"`
	CreatedAt     time.Time   `bun:"created_at"`
	DecidedAt     time.Time   `bun:"decided_at,nullzero"`
}

// VendorStates are what a contact said of each vendor that lists it. A vendor
// that one member of a team accepted is mine for the team, unless this contact
// said otherwise itself.
func (s *Service) VendorStates(ctx context.Context, db bun.IDB, contact Contact) (map[string]VendorState, error) {
	rows, err := vendorStates(ctx, db, contact.CustomerID)
	if err != nil {
		return nil, err
	}
	states := map[string]VendorState{}
	own := map[string]VendorState{}
	for _, row := range rows {
		if row.ContactID == contact.ID && row.State != VendorNew { // its own word stands above the team's
			own[row.VendorID] = row.State
		}
		switch {
		case row.State == VendorMine:
			states[row.VendorID] = VendorMine
		case states[row.VendorID] == "": // another member's "not mine" speaks for that member alone
			states[row.VendorID] = VendorNew
		}
	}
	for vendorID, state := range own {
		states[vendorID] = state
	}
	return states, nil
}

// DecideVendorsTx records the contact's word on vendors that list it, and
// returns those whose state it changed.
func (s *Service) DecideVendorsTx(ctx context.Context, tx bun.IDB, contactID string, vendorIDs []string, state VendorState) ([]string, error) {
	if len(vendorIDs) == 0 {
		return nil, nil
	}
	return decideVendors(ctx, tx, contactID, vendorIDs, state, s.Now().UTC())
}

// Acquaintance is a contact with a vendor that lists it.
type Acquaintance struct{ ContactID, VendorID string }

// AcceptVendorsTx records that contacts know vendors: of many at once.
func (s *Service) AcceptVendorsTx(ctx context.Context, tx bun.IDB, list []Acquaintance) error {
	if len(list) == 0 {
		return nil
	}
	return acceptVendors(ctx, tx, list, s.Now().UTC())
}
