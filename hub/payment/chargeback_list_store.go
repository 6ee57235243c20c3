package payment

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/store"
)

func selectVendorChargebacks(tx bun.IDB, list *[]VendorChargeback, vendorID string) *bun.SelectQuery {
	return tx.NewSelect().Model(list).ColumnExpr("cs.*, s.reference").Join("JOIN shares AS s ON s.id = cs.share_id").Where("cs.vendor_id = ?", vendorID)
}

// waiting narrows to parts that the vendor has said nothing to and still can.
func waiting(query *bun.SelectQuery, now time.Time) *bun.SelectQuery {
	return query.Where("cs.state IN (?, ?)", ChargebackInquiry, ChargebackOpen).Where("cs.evidence_at IS NULL").Where("cs.accepted_at IS NULL").
		Where("(cs.evidence_due_at IS NULL OR cs.evidence_due_at > ?)", now.UTC())
}

func vendorChargebacks(ctx context.Context, tx bun.IDB, vendorID string, filter ChargebackFilter, now time.Time, page store.PageRequest) ([]VendorChargeback, string, error) {
	var list []VendorChargeback
	query := selectVendorChargebacks(tx, &list, vendorID).OrderExpr("cs.created_at DESC, cs.id DESC").Limit(page.Fetch())
	if filter.Waiting {
		query = waiting(query, now)
	}
	if filter.ShareID != "" {
		query = query.Where("cs.share_id = ?", filter.ShareID)
	}
	if page.Cursor != "" {
		at, id, err := store.DecodeCursor(page.Cursor)
		if err != nil {
			return nil, "", err
		}
		query = query.Where("(cs.created_at, cs.id) < (?, ?)", at, id)
	}
	if err := query.Scan(ctx); err != nil {
		return nil, "", fmt.Errorf("list chargebacks: %w", err)
	}
	list, next := store.CutPage(list, page, func(c VendorChargeback) (time.Time, string) { return c.CreatedAt, c.ID })
	return list, next, nil
}

func countWaiting(ctx context.Context, tx bun.IDB, vendorID string, now time.Time) (int, error) {
	n, err := waiting(tx.NewSelect().Model((*ChargebackShare)(nil)).Where("cs.vendor_id = ?", vendorID), now).Count(ctx)
	if err != nil {
		return 0, fmt.Errorf("count chargebacks: %w", err)
	}
	return int(n), nil
}

func vendorChargeback(ctx context.Context, tx bun.IDB, vendorID, id string) (VendorChargeback, error) {
	var list []VendorChargeback
	if err := selectVendorChargebacks(tx, &list, vendorID).Where("cs.id = ?", id).Scan(ctx); err != nil {
		return VendorChargeback{}, fmt.Errorf("read chargeback: %w", err)
	}
	if len(list) == 0 {
		return VendorChargeback{}, noChargeback()
	}
	return list[0], nil
}

// reopenedOf sums what is open of a share's invoices beyond what the books say.
func reopenedOf(ctx context.Context, tx bun.IDB, vendorID, reference string) (int64, error) {
	var sum int64
	err := tx.NewRaw(`SELECT COALESCE(SUM(i.reopened), 0) FROM invoices AS i WHERE i.vendor_id = ? AND i.id IN
		(SELECT ap.invoice_id FROM applications AS ap WHERE ap.vendor_id = ? AND ap.reference = ?)`, vendorID, vendorID, reference).Scan(ctx, &sum)
	if err != nil {
		return 0, fmt.Errorf("read invoices: %w", err)
	}
	return sum, nil
}

func listChargebacks(ctx context.Context, db bun.IDB, open bool, page store.PageRequest) ([]Chargeback, string, error) {
	var list []Chargeback
	query := db.NewSelect().Model(&list).OrderExpr("created_at DESC, id DESC").Limit(page.Fetch())
	if open {
		query = query.Where("closed_at IS NULL")
	}
	if page.Cursor != "" {
		at, id, err := store.DecodeCursor(page.Cursor)
		if err != nil {
			return nil, "", err
		}
		query = query.Where("(created_at, id) < (?, ?)", at, id)
	}
	if err := query.Scan(ctx); err != nil {
		return nil, "", fmt.Errorf("list chargebacks: %w", err)
	}
	list, next := store.CutPage(list, page, func(c Chargeback) (time.Time, string) { return c.CreatedAt, c.ID })
	return list, next, nil
}
