package billing

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// Line is one line of an invoice, for reading only.
type Line struct {
	Description string `json:"description"`
	Quantity    string `json:"quantity,omitempty"`
	UnitPrice   string `json:"unit_price,omitempty"`
	Amount      string `json:"amount,omitempty"`
}

// Why an invoice's due date is what it is.
const (
	DueGiven     = ""      // the invoice says so
	DueFromTerms = "terms" // the account's terms gave it
	DueUnknown   = "none"  // nobody says: it is never overdue
)

// Invoice is what is owed. Amounts are minor units of Currency.
type Invoice struct {
	bun.BaseModel `bun:"table:invoices,alias:i"`
	ID            string         `bun:"id,pk"`
	CustomerID    string         `bun:"customer_id"`
	VendorID      string         `bun:"vendor_id"`
	AccountID     string         `bun:"account_id"`
	ExternalID    string         `bun:"external_id"`
	Number        string         `bun:"number"`
	IssuedOn      money.Date     `bun:"issued_on"`
	DueOn         money.Date     `bun:"due_on"`
	DueNote       string         `bun:"due_note"`
	Terms         string         `bun:"terms"`
	Currency      money.Currency `bun:"currency"`
	Total         int64          `bun:"total"`
	SourceOpen    int64          `bun:"source_open"`
	Applied       int64          `bun:"applied"`
	Held          int64          `bun:"held"`
	Open          int64          `bun:"open"`
	Status        Status         `bun:"status"`
	PurchaseOrder string         `bun:"purchase_order"`
	Note          string         `bun:"note"`
	Lines         []Line         `bun:"lines"`
	SourceHash    string         `bun:"source_hash"`
	SourceAt      time.Time      `bun:"source_at"`
	CreatedAt     time.Time      `bun:"created_at"`
	UpdatedAt     time.Time      `bun:"updated_at"`
	Reopened      int64          `bun:"reopened"`               // by chargebacks, and not in the books yet
	ConnectionID  string         `bun:"connection_id,nullzero"` // whose books said it last; empty: pushed, or from a file
}

// OpenAmount is what is owed on it now.
func (i Invoice) OpenAmount() money.Amount { return money.New(i.Open, i.Currency) }

// Payable is what a new payment may take: open less what is on its way.
func (i Invoice) Payable() int64 { return max(0, i.Open-i.Held) }

// Overdue says whether it was due before today and still has something to pay.
func (i Invoice) Overdue(today money.Date) bool {
	return i.DueOn != "" && i.DueOn < today && i.Payable() > 0
}

// settle recomputes open and status from the books and what the hub applied.
func (i *Invoice) settle(void bool) {
	i.Open = min(i.Total, max(0, i.SourceOpen-i.Applied+i.Reopened))
	switch {
	case void:
		i.Status, i.Open = Void, 0
	case i.Open > 0:
		i.Status = Open
	default:
		i.Status = Paid
	}
}

// Item is an invoice as a page shows it.
type Item struct {
	Invoice           `bun:",extend"`
	AccountName       string `bun:"account_name"`
	AccountExternalID string `bun:"account_external_id"`
	Documents         int    `bun:"documents"`
	Holds             []Hold `bun:"-"`
}

// HoldOf is the active hold of a kind at a date, if there is one.
func (i Item) HoldOf(kind HoldKind, today money.Date) (Hold, bool) {
	for _, hold := range i.Holds {
		if hold.Kind == kind && hold.Active(today) {
			return hold, true
		}
	}
	return Hold{}, false
}

// Viewer is on whose behalf a customer's page reads: everything that the
// customer's contacts are listed for, or, by a digest's link, only some
// invoices of it.
type Viewer struct {
	CustomerID string
	Only       []string // invoice ids; nil: no restriction
	// Reminded restricts to what one contact is to be reminded of: the accounts
	// that list it in any role but approver. Empty: no restriction.
	Reminded string
}

// MostShown bounds how many open invoices one page of a customer holds.
const MostShown = 2000

// OpenItems are the open invoices of approved vendors that a viewer sees, with
// their active holds, the earliest due first; at most MostShown, more is true
// when there are others.
func (s *Service) OpenItems(ctx context.Context, viewer Viewer, today money.Date) (items []Item, more bool, err error) {
	items, err = openItems(ctx, s.DB, viewer, MostShown+1)
	if err != nil {
		return nil, false, err
	}
	if len(items) > MostShown {
		items, more = items[:MostShown], true
	}
	return items, more, attachHolds(ctx, s.DB, items, today)
}

// Item reads one invoice that a viewer sees, of any status; fault.NotFound otherwise.
func (s *Service) Item(ctx context.Context, viewer Viewer, invoiceID string, today money.Date) (Item, error) {
	if !store.ValidID(invoiceID) {
		return Item{}, notFound()
	}
	items, err := seenItems(ctx, s.DB, viewer, []string{invoiceID})
	if err != nil {
		return Item{}, err
	}
	if len(items) == 0 {
		return Item{}, notFound()
	}
	err = attachHolds(ctx, s.DB, items[:1], today)
	return items[0], err
}

// ItemsTx reads and locks the invoices of a selection that a viewer sees, by
// id. What is not seen is missing.
func (s *Service) ItemsTx(ctx context.Context, tx bun.IDB, viewer Viewer, ids []string) ([]Item, error) {
	return seenItems(ctx, tx, viewer, ids)
}

func notFound() error {
	return fault.New(fault.NotFound, "There is no such invoice, or it is not yours to see.")
}

// InvoiceFilter narrows a vendor's list.
type InvoiceFilter struct {
	Status       Status
	Search       string // in number, external id and account name
	AccountID    string
	DueBefore    money.Date // due before it and still open; empty: no bound
	UpdatedSince time.Time
}

// ListInvoices pages through one vendor's invoices, the last changed first when
// newest is set (pages), else the first changed first (the API's feed).
func (s *Service) ListInvoices(ctx context.Context, vendorID string, filter InvoiceFilter, newest bool, page store.PageRequest) ([]Item, string, error) {
	var items []Item
	var next string
	err := s.DB.AsVendor(ctx, vendorID, func(ctx context.Context, tx bun.Tx) error {
		var err error
		if items, next, err = listInvoices(ctx, tx, vendorID, filter, newest, page); err != nil {
			return err
		}
		return attachHolds(ctx, tx, items, "")
	})
	return items, next, err
}

// VendorInvoice reads one invoice of a vendor.
func (s *Service) VendorInvoice(ctx context.Context, vendorID, invoiceID string) (Item, error) {
	if !store.ValidID(invoiceID) {
		return Item{}, notFound()
	}
	var item Item
	err := s.DB.AsVendor(ctx, vendorID, func(ctx context.Context, tx bun.Tx) error {
		items, err := vendorItems(ctx, tx, vendorID, []string{invoiceID})
		if err != nil {
			return err
		}
		if len(items) == 0 {
			return notFound()
		}
		err = attachHolds(ctx, tx, items, "")
		item = items[0] // with its holds
		return err
	})
	return item, err
}

// Unreachable is an open invoice that nobody can be reminded of, with why.
type Unreachable struct {
	Item
	Reason string
}

// ListUnreachable pages through the open invoices of a vendor whose account
// lists no usable address.
func (s *Service) ListUnreachable(ctx context.Context, vendorID string, page store.PageRequest) ([]Unreachable, string, error) {
	var list []Unreachable
	var next string
	err := s.DB.AsVendor(ctx, vendorID, func(ctx context.Context, tx bun.Tx) error {
		var err error
		list, next, err = listUnreachable(ctx, tx, vendorID, page)
		return err
	})
	return list, next, err
}

// Totals is a sum per currency of a vendor's open invoices.
type Totals struct {
	Currency money.Currency `bun:"currency"`
	Invoices int            `bun:"invoices"`
	Open     int64          `bun:"open"`
	Overdue  int64          `bun:"overdue"`
	Held     int64          `bun:"held"`
}

// VendorTotals sums a vendor's open invoices per currency.
func (s *Service) VendorTotals(ctx context.Context, vendorID string, today money.Date) ([]Totals, error) {
	var totals []Totals
	err := s.DB.AsVendor(ctx, vendorID, func(ctx context.Context, tx bun.Tx) error {
		var err error
		totals, err = vendorTotals(ctx, tx, vendorID, today)
		return err
	})
	return totals, err
}
