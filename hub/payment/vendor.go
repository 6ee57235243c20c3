package payment

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// VendorShare is one share as the console of its vendor shows it: with how far
// its money is on the way, and what each invoice gets.
type VendorShare struct {
	Share          `bun:",extend"`
	TransferState  string    `bun:"transfer_state"` // empty: nothing is transferred yet, or there was no money
	TransferRef    string    `bun:"transfer_ref"`
	TransferAnswer string    `bun:"transfer_answer"`
	TransferAt     time.Time `bun:"transfer_at,nullzero"` // when its state last changed
	WaitsFor       string    `bun:"waits_for"`            // "account", "vendor", "funds"; empty: nothing
	TransferAmount int64     `bun:"transfer_amount"`      // the share without the fees that the vendor bears
	Netted         int64     `bun:"netted"`               // of that, kept for what the vendor owed
	SentAt         time.Time `bun:"sent_at,nullzero"`     // when the rest was sent
	Lines          []ReceiptLine
	Returns        []Return
}

// Sent is what the transfer carries, or will: its amount without what is netted.
func (s VendorShare) Sent() int64 { return s.TransferAmount - s.Netted }

// ShareFilter narrows a vendor's shares.
type ShareFilter struct {
	Status    Status // empty: all but those that nobody paid on
	InvoiceID string // empty: any invoice
	Unapplied bool   // only those with money that no invoice took
	// SettledFrom and SettledBefore are a period by settlement; both or none.
	SettledFrom, SettledBefore time.Time
	// Returned adds to that period the shares of which money went back in it, or
	// came back after a chargeback.
	Returned bool
}

// ListVendorShares pages through a vendor's shares, the newest first.
func (s *Service) ListVendorShares(ctx context.Context, vendorID string, filter ShareFilter, page store.PageRequest) ([]VendorShare, string, error) {
	var shares []VendorShare
	var next string
	err := s.DB.AsVendor(ctx, vendorID, func(ctx context.Context, tx bun.Tx) error {
		var err error
		if shares, next, err = vendorShares(ctx, tx, vendorID, filter, page); err != nil {
			return err
		}
		return attachVendorLines(ctx, tx, shares)
	})
	return shares, next, err
}

// VendorShare reads one share of a vendor; fault.NotFound for another's.
func (s *Service) VendorShare(ctx context.Context, vendorID, shareID string) (VendorShare, error) {
	missing := fault.New(fault.NotFound, "There is no such payment.")
	if !store.ValidID(shareID) {
		return VendorShare{}, missing
	}
	var share VendorShare
	err := s.DB.AsVendor(ctx, vendorID, func(ctx context.Context, tx bun.Tx) error {
		var list []VendorShare
		if err := selectVendorShares(tx, &list, vendorID).Where("s.id = ?", shareID).Scan(ctx); err != nil {
			return fmt.Errorf("read payment: %w", err)
		}
		if len(list) == 0 {
			return missing
		}
		err := attachVendorLines(ctx, tx, list)
		share = list[0]
		return err
	})
	return share, err
}

func selectVendorShares(tx bun.IDB, list *[]VendorShare, vendorID string) *bun.SelectQuery {
	return tx.NewSelect().Model(list).ColumnExpr("s.*").
		ColumnExpr("COALESCE(t.state, '') AS transfer_state, COALESCE(t.gateway_ref, '') AS transfer_ref, COALESCE(t.last_answer, '') AS transfer_answer, t.updated_at AS transfer_at, COALESCE(t.waits_for, '') AS waits_for").
		ColumnExpr("COALESCE(t.amount, 0) AS transfer_amount, COALESCE(t.netted, 0) AS netted, t.sent_at").
		Join("LEFT JOIN transfers AS t ON t.share_id = s.id AND t.kind = 'share'").Where("s.vendor_id = ?", vendorID).
		Where("s.status NOT IN (?, ?)", Pending, Expired) // of a page that nobody paid on, a vendor need not know
}

func vendorShares(ctx context.Context, tx bun.IDB, vendorID string, filter ShareFilter, page store.PageRequest) ([]VendorShare, string, error) {
	var list []VendorShare
	query := selectVendorShares(tx, &list, vendorID).OrderExpr("s.created_at DESC, s.id DESC").Limit(page.Fetch())
	if filter.Status != "" {
		query = query.Where("s.status = ?", filter.Status)
	}
	if filter.InvoiceID != "" {
		query = query.Where("EXISTS (SELECT 1 FROM payment_lines AS pl WHERE pl.share_id = s.id AND pl.invoice_id = ?)", filter.InvoiceID)
	}
	if filter.Unapplied {
		query = query.Where("s.unapplied > 0")
	}
	if !filter.SettledBefore.IsZero() {
		query = filter.period(query, vendorID)
	}
	if page.Cursor != "" {
		at, id, err := store.DecodeCursor(page.Cursor)
		if err != nil {
			return nil, "", err
		}
		query = query.Where("(s.created_at, s.id) < (?, ?)", at, id)
	}
	if err := query.Scan(ctx); err != nil {
		return nil, "", fmt.Errorf("list payments: %w", err)
	}
	list, next := store.CutPage(list, page, func(s VendorShare) (time.Time, string) { return s.CreatedAt, s.ID })
	return list, next, nil
}

func (f ShareFilter) period(query *bun.SelectQuery, vendorID string) *bun.SelectQuery {
	from, before := f.SettledFrom.UTC(), f.SettledBefore.UTC()
	return query.WhereGroup(" AND ", func(q *bun.SelectQuery) *bun.SelectQuery {
		q = q.Where("s.settled_at >= ? AND s.settled_at < ?", from, before)
		if !f.Returned {
			return q
		}
		return q.WhereOr("s.id IN (SELECT rf.share_id FROM refunds AS rf WHERE rf.vendor_id = ? AND rf.created_at >= ? AND rf.created_at < ?)", vendorID, from, before).
			WhereOr("s.id IN (SELECT cs.share_id FROM chargeback_shares AS cs WHERE cs.vendor_id = ? AND cs.created_at < ? AND cs.updated_at >= ?)", vendorID, before, from)
	})
}

func attachVendorLines(ctx context.Context, tx bun.IDB, list []VendorShare) error {
	shares := make([]Share, len(list))
	for i, share := range list {
		shares[i] = share.Share
	}
	lines, err := receiptLines(ctx, tx, shares)
	if err != nil {
		return err
	}
	returns, err := shareReturns(ctx, tx, shares)
	for i := range list {
		list[i].Lines, list[i].Returns = lines[list[i].ID], returns[list[i].ID]
	}
	return err
}
