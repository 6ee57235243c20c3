package payment

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/store"
)

func findAccount(ctx context.Context, query *bun.SelectQuery) (PayoutAccount, bool, error) {
	var list []PayoutAccount
	if err := query.Model(&list).Limit(1).Scan(ctx); err != nil {
		return PayoutAccount{}, false, fmt.Errorf("read account: %w", err)
	}
	if len(list) == 0 {
		return PayoutAccount{}, false, nil
	}
	return list[0], true, nil
}

func payoutAccount(ctx context.Context, db bun.IDB, gateway, vendorID string) (PayoutAccount, bool, error) {
	return findAccount(ctx, db.NewSelect().Where("gateway = ?", gateway).Where("vendor_id = ?", vendorID))
}

func lockAccount(ctx context.Context, db *store.DB, tx bun.IDB, gateway, vendorID string) (PayoutAccount, bool, error) {
	return findAccount(ctx, db.ForUpdate(tx.NewSelect().Where("gateway = ?", gateway).Where("vendor_id = ?", vendorID)))
}

func accountByRef(ctx context.Context, db bun.IDB, gateway, ref string) (PayoutAccount, bool, error) {
	return findAccount(ctx, db.NewSelect().Where("gateway = ?", gateway).Where("account_ref = ?", ref))
}

func insertAccount(ctx context.Context, tx bun.IDB, account PayoutAccount) error {
	if _, err := tx.NewInsert().Model(&account).Exec(ctx); err != nil {
		return fmt.Errorf("store account: %w", err)
	}
	return nil
}

// beginAccount notes that a key leaves the hub. fault.Conflict when another click
// has opened the account, or took the row's place, meanwhile.
func beginAccount(ctx context.Context, db bun.IDB, id, key string, now time.Time) error {
	result, err := db.NewUpdate().Model((*PayoutAccount)(nil)).Set("state = 'sending'").Set("key_used_at = COALESCE(key_used_at, ?)", now.UTC()).
		Where("id = ?", id).Where("idempotency_key = ?", key).Where("account_ref = ''").Exec(ctx)
	if err != nil {
		return fmt.Errorf("open account: %w", err)
	}
	return changedOne(result)
}

func changedOne(result sql.Result) error {
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		return fault.Wrap(fault.Conflict, err, "Somebody else is doing this just now. Try again.")
	}
	return nil
}

// refuseAccount records a refusal, unless another try has gone further meanwhile.
func refuseAccount(ctx context.Context, db bun.IDB, id, usedKey, key, answer string, now time.Time) error {
	_, err := db.NewUpdate().Model((*PayoutAccount)(nil)).Set("state = 'failed'").Set("idempotency_key = ?", key).Set("key_used_at = NULL").
		Set("last_answer = ?", clipped(answer)).Set("updated_at = ?", now.UTC()).Where("id = ?", id).Where("idempotency_key = ?", usedKey).Where("account_ref = ''").Exec(ctx)
	if err != nil {
		return fmt.Errorf("record account: %w", err)
	}
	return nil
}

// renewAccountKey gives a row another key in place of the one that was read, or
// answers with the one that somebody else gave it.
func renewAccountKey(ctx context.Context, db bun.IDB, account PayoutAccount) (string, error) {
	_, err := db.NewUpdate().Model((*PayoutAccount)(nil)).Set("idempotency_key = ?", "account-"+account.ID+"-"+store.NewID()).Set("key_used_at = NULL").
		Where("id = ?", account.ID).Where("idempotency_key = ?", account.IdempotencyKey).Where("account_ref = ''").Exec(ctx)
	if err != nil {
		return "", fmt.Errorf("renew key: %w", err)
	}
	now, found, err := findAccount(ctx, db.NewSelect().Where("id = ?", account.ID))
	if err == nil && !found {
		err = fmt.Errorf("renew key: account %s is gone", account.ID)
	}
	return now.IdempotencyKey, err
}

// removeAccount makes place for another account of the vendor; fault.Conflict when
// the row has changed meanwhile.
func removeAccount(ctx context.Context, tx bun.IDB, account PayoutAccount) error {
	result, err := tx.NewDelete().Model((*PayoutAccount)(nil)).Where("id = ?", account.ID).Where("state = ?", account.State).
		Where("account_ref = ?", account.AccountRef).Where("idempotency_key = ?", account.IdempotencyKey).Exec(ctx)
	if err != nil {
		return fmt.Errorf("make place for an account: %w", err)
	}
	return changedOne(result)
}

func updateAccount(ctx context.Context, tx bun.IDB, account PayoutAccount) error {
	_, err := tx.NewUpdate().Model(&account).ExcludeColumn("id", "vendor_id", "gateway", "country", "idempotency_key", "key_used_at", "created_at",
		"payouts_until", "payouts_from", "payouts_cursor", "payouts_tried_at").WherePK().Exec(ctx)
	if err != nil {
		return fmt.Errorf("change account: %w", err)
	}
	return nil
}

func staleAccounts(ctx context.Context, db bun.IDB, gateway string, before time.Time, limit int64) ([]PayoutAccount, error) {
	var list []PayoutAccount
	err := db.NewSelect().Model(&list).Where("gateway = ?", gateway).Where("account_ref <> ''").Where("(looked_at IS NULL OR looked_at < ?)", before.UTC()).
		Order("looked_at", "id").Limit(limit).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read accounts: %w", err)
	}
	return list, nil
}
