package payment

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/store"
)

func readTransfer(ctx context.Context, db bun.IDB, id string) (Transfer, error) {
	var transfer Transfer
	if err := db.NewSelect().Model(&transfer).Where("id = ?", id).Scan(ctx); err != nil {
		return transfer, fmt.Errorf("read transfer: %w", err)
	}
	return transfer, nil
}

func lockTransfer(ctx context.Context, db *store.DB, tx bun.IDB, id string) error {
	var transfer Transfer
	if err := db.ForUpdate(tx.NewSelect().Model(&transfer).Where("id = ?", id)).Scan(ctx); err != nil {
		return fmt.Errorf("lock transfer: %w", err)
	}
	return nil
}

func postponeTransfer(ctx context.Context, db bun.IDB, transfer Transfer, wait wait, now time.Time) error {
	_, err := db.NewUpdate().Model((*Transfer)(nil)).Set("last_answer = ?", wait.why).Set("waits_for = ?", wait.reason).
		Set("next_attempt_at = ?", now.Add(wait.until).UTC()).
		Set("updated_at = ?", now.UTC()).Where("id = ?", transfer.ID).Where("state = 'pending'").Exec(ctx)
	if err != nil {
		return fmt.Errorf("postpone transfer: %w", err)
	}
	return nil
}

// wakeTransfers makes a vendor's transfers that wait for something due at once.
func wakeTransfers(ctx context.Context, tx bun.IDB, vendorID, waitsFor string, now time.Time) error {
	_, err := tx.NewUpdate().Model((*Transfer)(nil)).Set("next_attempt_at = ?", now.UTC()).
		Where("vendor_id = ?", vendorID).Where("waits_for = ?", waitsFor).Where("state = 'pending'").Exec(ctx)
	if err != nil {
		return fmt.Errorf("wake transfers: %w", err)
	}
	return nil
}

func fixTransfer(ctx context.Context, tx bun.IDB, transfer Transfer) error {
	_, err := tx.NewUpdate().Model((*Transfer)(nil)).Set("netted = ?", transfer.Netted).Set("account_ref = ?", transfer.AccountRef).
		Set("fixed_at = ?", transfer.FixedAt).Set("waits_for = ''").Where("id = ?", transfer.ID).Where("fixed_at IS NULL").Exec(ctx)
	if err != nil {
		return fmt.Errorf("fix transfer: %w", err)
	}
	return nil
}

func completeTransfer(ctx context.Context, tx bun.IDB, transfer Transfer, ref string, now time.Time) (bool, error) {
	return completeJob(ctx, tx, Transfers, transfer.ID, func(q *bun.UpdateQuery) *bun.UpdateQuery {
		return q.Set("gateway_ref = ?", ref).Set("waits_for = ''").Set("sent_at = ?", now.UTC())
	}, now)
}

// lockShareTransfer locks the transfer of a share; false when nothing of it was to be sent.
func lockShareTransfer(ctx context.Context, db *store.DB, tx bun.IDB, shareID string) (Transfer, bool, error) {
	var list []Transfer
	err := db.ForUpdate(tx.NewSelect().Model(&list).Where("share_id = ?", shareID).Where("kind = ?", transferShare)).Scan(ctx)
	if err != nil || len(list) == 0 {
		return Transfer{}, false, err
	}
	return list[0], true, nil
}

func setReversed(ctx context.Context, tx bun.IDB, transferID string, delta int64) error {
	if _, err := tx.NewUpdate().Model((*Transfer)(nil)).Set("reversed = reversed + ?", delta).Where("id = ?", transferID).Exec(ctx); err != nil {
		return fmt.Errorf("note reversal: %w", err)
	}
	return nil
}

func listTransfers(ctx context.Context, db bun.IDB, state string, page store.PageRequest) ([]Transfer, string, error) {
	var list []Transfer
	query := db.NewSelect().Model(&list).Order("id DESC").Limit(page.Fetch())
	if state != "" {
		query = query.Where("state = ?", state)
	}
	if page.Cursor != "" {
		_, id, err := store.DecodeCursor(page.Cursor)
		if err != nil {
			return nil, "", err
		}
		query = query.Where("id < ?", id)
	}
	if err := query.Scan(ctx); err != nil {
		return nil, "", fmt.Errorf("list transfers: %w", err)
	}
	list, next := store.CutPage(list, page, func(t Transfer) (time.Time, string) { return t.CreatedAt, t.ID })
	return list, next, nil
}

func doneTransfer(ctx context.Context, db bun.IDB, id string) (Transfer, bool, error) {
	var list []Transfer
	err := db.NewSelect().Model(&list).Where("id = ?", id).Where("state = 'done'").Where("gateway_ref <> ?", toldNetted).Scan(ctx)
	if err != nil || len(list) == 0 {
		return Transfer{}, false, err
	}
	return list[0], true, nil
}

// reversedSoFar is what the hub knows to be taken back from a transfer, and
// whether more of it is on its way.
func reversedSoFar(ctx context.Context, tx bun.IDB, transferID string) (int64, bool, error) {
	var sums struct {
		Done     int64 `bun:"done"`
		UnderWay int64 `bun:"under_way"`
	}
	err := tx.NewSelect().Model((*Reversal)(nil)).
		ColumnExpr("COALESCE(SUM(CASE WHEN state = 'done' AND gateway_ref <> ? THEN amount ELSE 0 END), 0) AS done", toldCovered).
		ColumnExpr("COALESCE(SUM(CASE WHEN state IN ('pending', 'sending', 'unknown') THEN 1 ELSE 0 END), 0) AS under_way").
		Where("transfer_id = ?", transferID).Scan(ctx, &sums)
	if err != nil {
		return 0, false, fmt.Errorf("sum reversals: %w", err)
	}
	return sums.Done, sums.UnderWay > 0, nil
}
