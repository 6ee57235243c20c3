package payment

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/store"
)

// unreadAccounts are those whose payouts were not read lately, longest ago first.
func unreadAccounts(ctx context.Context, db bun.IDB, gateway string, before time.Time, limit int64) ([]PayoutAccount, error) {
	var list []PayoutAccount
	err := db.NewSelect().Model(&list).Where("gateway = ?", gateway).Where("account_ref <> ''").Where("disabled NOT IN ('closed', 'deleted')").
		Where("(payouts_tried_at IS NULL OR payouts_tried_at < ?)", before.UTC()).
		OrderExpr("payouts_tried_at IS NOT NULL, payouts_tried_at, id").Limit(limit).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read accounts: %w", err)
	}
	return list, nil
}

func markPayoutsTried(ctx context.Context, db bun.IDB, accountID string, now time.Time) error {
	return setPayouts(ctx, db, accountID, func(q *bun.UpdateQuery) *bun.UpdateQuery { return q.Set("payouts_tried_at = ?", now.UTC()) })
}

// finishPayouts notes that all payouts made before an instant are here.
func finishPayouts(ctx context.Context, db bun.IDB, accountID string, until time.Time) error {
	return setPayouts(ctx, db, accountID, func(q *bun.UpdateQuery) *bun.UpdateQuery {
		return q.Set("payouts_until = ?", until.UTC()).Set("payouts_from = NULL").Set("payouts_cursor = ''")
	})
}

// pausePayouts notes where a reading that began at from goes on; from zero: it
// missed something.
func pausePayouts(ctx context.Context, db bun.IDB, accountID string, from time.Time, cursor string) error {
	return setPayouts(ctx, db, accountID, func(q *bun.UpdateQuery) *bun.UpdateQuery {
		if from.IsZero() {
			return q.Set("payouts_from = NULL").Set("payouts_cursor = ?", cursor)
		}
		return q.Set("payouts_from = ?", from.UTC()).Set("payouts_cursor = ?", cursor)
	})
}

func setPayouts(ctx context.Context, db bun.IDB, accountID string, sets func(*bun.UpdateQuery) *bun.UpdateQuery) error {
	if _, err := sets(db.NewUpdate().Model((*PayoutAccount)(nil))).Where("id = ?", accountID).Exec(ctx); err != nil {
		return fmt.Errorf("note how far payouts are read: %w", err)
	}
	return nil
}

// oldestMoving is when the oldest payout of an account that has not arrived was made.
func oldestMoving(ctx context.Context, db bun.IDB, account PayoutAccount) (time.Time, bool, error) {
	var list []VendorPayout
	err := db.NewSelect().Model(&list).Where("vendor_id = ?", account.VendorID).Where("account_ref = ?", account.AccountRef).
		Where("status IN ('pending', 'in_transit')").Order("created_at").Limit(1).Scan(ctx)
	if err != nil || len(list) == 0 {
		return time.Time{}, false, err
	}
	return list[0].CreatedAt, true, nil
}

func payoutByRef(ctx context.Context, db bun.IDB, account PayoutAccount, ref string) (VendorPayout, bool, error) {
	var list []VendorPayout
	err := db.NewSelect().Model(&list).Where("gateway = ?", account.Gateway).Where("account_ref = ?", account.AccountRef).Where("gateway_ref = ?", ref).Scan(ctx)
	if err != nil {
		return VendorPayout{}, false, fmt.Errorf("read payout: %w", err)
	}
	if len(list) == 0 {
		return VendorPayout{}, false, nil
	}
	return list[0], true, nil
}

func savePayout(ctx context.Context, tx bun.IDB, row VendorPayout, known bool) error {
	var err error
	if known {
		_, err = tx.NewUpdate().Model(&row).ExcludeColumn("id", "vendor_id", "gateway", "account_ref", "gateway_ref").WherePK().Exec(ctx)
	} else {
		_, err = tx.NewInsert().Model(&row).Exec(ctx)
	}
	if err != nil {
		return fmt.Errorf("store payout: %w", err)
	}
	return nil
}

// replaceLines stores what a payout is made of, in place of what was known.
func replaceLines(ctx context.Context, tx bun.IDB, payout VendorPayout, lines []PayoutLine) error {
	if _, err := tx.NewDelete().Model((*payoutLine)(nil)).Where("payout_id = ?", payout.ID).Exec(ctx); err != nil {
		return fmt.Errorf("replace lines: %w", err)
	}
	const batch = 500
	rows := make([]payoutLine, 0, min(len(lines), batch))
	for i, line := range lines {
		rows = append(rows, payoutLine{ID: store.NewID(), VendorID: payout.VendorID, PayoutID: payout.ID, Position: i, Kind: line.Kind,
			TransferRef: line.TransferRef, GatewayRef: line.Ref, Amount: line.Amount.Minor, Fee: line.Fee.Minor})
		if len(rows) < batch && i < len(lines)-1 {
			continue
		}
		if _, err := tx.NewInsert().Model(&rows).Exec(ctx); err != nil {
			return fmt.Errorf("store lines: %w", err)
		}
		rows = rows[:0]
	}
	return matchLines(ctx, tx, payout.VendorID)
}

// matchLines finds the vendor's own transfers that lines come from. One whose
// answer was lost may be found later.
func matchLines(ctx context.Context, db bun.IDB, vendorID string) error {
	const ours = "SELECT t.id FROM transfers AS t WHERE t.vendor_id = pol.vendor_id AND t.state = 'done' AND t.gateway_ref = pol.transfer_ref"
	_, err := db.NewRaw("UPDATE payout_lines AS pol SET transfer_id = ("+ours+" LIMIT 1) WHERE pol.vendor_id = ? AND pol.transfer_id IS NULL AND pol.transfer_ref <> '' AND EXISTS ("+ours+")",
		vendorID).Exec(ctx)
	if err != nil {
		return fmt.Errorf("match lines: %w", err)
	}
	return nil
}
