package billing

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// Credit is what may be set against invoices of the same account and currency.
type Credit struct {
	bun.BaseModel `bun:"table:credits,alias:c"`
	ID            string         `bun:"id,pk"`
	CustomerID    string         `bun:"customer_id"`
	VendorID      string         `bun:"vendor_id"`
	AccountID     string         `bun:"account_id"`
	ExternalID    string         `bun:"external_id"`
	Number        string         `bun:"number"`
	IssuedOn      money.Date     `bun:"issued_on"`
	Currency      money.Currency `bun:"currency"`
	Total         int64          `bun:"total"`
	SourceOpen    int64          `bun:"source_open"`
	Applied       int64          `bun:"applied"`
	Held          int64          `bun:"held"`
	Open          int64          `bun:"open"`
	Status        Status         `bun:"status"`
	Note          string         `bun:"note"`
	SourceHash    string         `bun:"source_hash"`
	SourceAt      time.Time      `bun:"source_at"`
	CreatedAt     time.Time      `bun:"created_at"`
	UpdatedAt     time.Time      `bun:"updated_at"`
	ConnectionID  string         `bun:"connection_id,nullzero"` // whose books said it last; empty: pushed, or from a file
}

// Usable is what may still be set against invoices.
func (c Credit) Usable() int64 { return max(0, c.Open-c.Held) }

func (c *Credit) settle(void bool) {
	c.Open = max(0, c.SourceOpen-c.Applied)
	switch {
	case void:
		c.Status, c.Open = Void, 0
	case c.Open > 0:
		c.Status = Open
	default:
		c.Status = Paid
	}
}

// OpenCredits are the open credits of approved vendors that a viewer sees. By a
// digest's link none are: they are not among what it lists.
func (s *Service) OpenCredits(ctx context.Context, viewer Viewer) ([]Credit, error) {
	if viewer.Only != nil {
		return nil, nil
	}
	return openCredits(ctx, s.DB, viewer, MostShown)
}

// CreditsTx reads the credits of a selection that a viewer sees.
func (s *Service) CreditsTx(ctx context.Context, tx bun.IDB, viewer Viewer, ids []string) ([]Credit, error) {
	return seenCredits(ctx, tx, viewer, ids)
}

// ListCredits pages through one vendor's credits, the first changed first.
func (s *Service) ListCredits(ctx context.Context, vendorID string, since time.Time, page store.PageRequest) ([]CreditItem, string, error) {
	var list []CreditItem
	var next string
	err := s.DB.AsVendor(ctx, vendorID, func(ctx context.Context, tx bun.Tx) error {
		var err error
		list, next, err = listCredits(ctx, tx, vendorID, since, page)
		return err
	})
	return list, next, err
}

// CreditItem is a credit with its account's external id.
type CreditItem struct {
	Credit            `bun:",extend"`
	AccountExternalID string `bun:"account_external_id"`
}
