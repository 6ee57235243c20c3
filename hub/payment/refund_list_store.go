package payment

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/store"
)

func ownShare(ctx context.Context, tx bun.IDB, vendorID, shareID string) error {
	own, err := tx.NewSelect().Model((*Share)(nil)).Where("vendor_id = ?", vendorID).Where("id = ?", shareID).Exists(ctx)
	if err != nil {
		return fmt.Errorf("read share: %w", err)
	}
	if !own {
		return fault.New(fault.NotFound, "There is no such payment.")
	}
	return nil
}

func listRefunds(ctx context.Context, query *bun.SelectQuery, page store.PageRequest) ([]Refund, string, error) {
	var list []Refund
	query = query.Model(&list).OrderExpr("rf.created_at DESC, rf.id DESC").Limit(page.Fetch())
	if page.Cursor != "" {
		at, id, err := store.DecodeCursor(page.Cursor)
		if err != nil {
			return nil, "", err
		}
		query = query.Where("(rf.created_at, rf.id) < (?, ?)", at, id)
	}
	if err := query.Scan(ctx); err != nil {
		return nil, "", fmt.Errorf("list refunds: %w", err)
	}
	list, next := store.CutPage(list, page, func(r Refund) (time.Time, string) { return r.CreatedAt, r.ID })
	return list, next, nil
}

func listReversals(ctx context.Context, db bun.IDB, state string, page store.PageRequest) ([]Reversal, string, error) {
	var list []Reversal
	query := db.NewSelect().Model(&list).Where("rv.state = ?", state).OrderExpr("rv.created_at DESC, rv.id DESC").Limit(page.Fetch())
	if page.Cursor != "" {
		at, id, err := store.DecodeCursor(page.Cursor)
		if err != nil {
			return nil, "", err
		}
		query = query.Where("(rv.created_at, rv.id) < (?, ?)", at, id)
	}
	if err := query.Scan(ctx); err != nil {
		return nil, "", fmt.Errorf("list reversals: %w", err)
	}
	list, next := store.CutPage(list, page, func(r Reversal) (time.Time, string) { return r.CreatedAt, r.ID })
	return list, next, nil
}

// shareTransfer is the transfer that sends a share to its vendor.
func shareTransfer(ctx context.Context, db bun.IDB, shareID string) (Transfer, bool, error) {
	var list []Transfer
	if err := db.NewSelect().Model(&list).Where("share_id = ?", shareID).Where("kind = ?", transferShare).Scan(ctx); err != nil {
		return Transfer{}, false, fmt.Errorf("read transfer: %w", err)
	}
	if len(list) == 0 {
		return Transfer{}, false, nil
	}
	return list[0], true, nil
}
