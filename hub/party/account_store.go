package party

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/store"
)

func accountsByExternalID(ctx context.Context, db *store.DB, tx bun.IDB, vendorID string, ids []string, lock bool) (map[string]Account, error) {
	found := make(map[string]Account, len(ids))
	if len(ids) == 0 {
		return found, nil
	}
	var list []Account
	query := tx.NewSelect().Model(&list).Where("vendor_id = ?", vendorID).Where("external_id IN (?)", bun.List(ids)).Order("id")
	if lock {
		query = db.ForUpdate(query)
	}
	if err := query.Scan(ctx); err != nil {
		return nil, fmt.Errorf("read accounts: %w", err)
	}
	for _, account := range list {
		found[account.ExternalID] = account
	}
	return found, nil
}

func writeAccountBatch(ctx context.Context, tx bun.IDB, vendorID string, batch accountBatch, now time.Time) error {
	if err := insertCustomers(ctx, tx, batch.customers); err != nil {
		return err
	}
	ids := make([]string, len(batch.accounts))
	for i, account := range batch.accounts {
		ids[i] = account.ID
	}
	_, err := tx.NewInsert().Model(&batch.accounts).On("CONFLICT (id) DO UPDATE").
		Set("customer_id = EXCLUDED.customer_id, name = EXCLUDED.name, terms = EXCLUDED.terms, currency = EXCLUDED.currency").
		Set("credit_limit = EXCLUDED.credit_limit, source_hash = EXCLUDED.source_hash, updated_at = EXCLUDED.updated_at").Exec(ctx)
	if err != nil {
		return fmt.Errorf("write accounts: %w", err)
	}
	for _, model := range []any{(*accountContact)(nil), (*unusableContact)(nil)} {
		if _, err := tx.NewDelete().Model(model).Where("account_id IN (?)", bun.List(ids)).Exec(ctx); err != nil {
			return fmt.Errorf("write contacts: %w", err)
		}
	}
	if len(batch.unusable) > 0 {
		if _, err := tx.NewInsert().Model(&batch.unusable).Exec(ctx); err != nil {
			return fmt.Errorf("write contacts: %w", err)
		}
	}
	if err := writeListed(ctx, tx, vendorID, batch.listed, now); err != nil {
		return err
	}
	return moveAccounts(ctx, tx, batch.moved)
}

func writeListed(ctx context.Context, tx bun.IDB, vendorID string, listed []accountContact, now time.Time) error {
	if len(listed) == 0 {
		return nil
	}
	if _, err := tx.NewInsert().Model(&listed).Exec(ctx); err != nil {
		return fmt.Errorf("write contacts: %w", err)
	}
	met := make([]contactVendor, 0, len(listed))
	seen := map[string]bool{}
	for _, entry := range listed {
		if !seen[entry.ContactID] {
			seen[entry.ContactID] = true
			met = append(met, contactVendor{ContactID: entry.ContactID, VendorID: vendorID, State: VendorNew, CreatedAt: now})
		}
	}
	if _, err := tx.NewInsert().Model(&met).On("CONFLICT (contact_id, vendor_id) DO NOTHING").Exec(ctx); err != nil {
		return fmt.Errorf("introduce vendor: %w", err)
	}
	return nil
}

// followers hold customer_id beside what leads to the account: it follows the account when the
// books list other mailboxes, or a team forms. What a row belongs to stands before it.
var followers = []struct{ table, by, owner string }{
	{"invoices", "account_id", "accounts"},
	{"credits", "account_id", "accounts"},
	{"cases", "account_id", "accounts"},
	{"documents", "invoice_id", "invoices"},
	{"documents", "credit_id", "credits"},
	{"documents", "case_id", "cases"},
	{"messages", "case_id", "cases"},
	{"applications", "invoice_id", "invoices"},
	{"holds", "invoice_id", "invoices"},
	{"invoice_history", "invoice_id", "invoices"},
}

// moveAccounts lets everything follow accounts whose rows name their new
// customer already: one statement a table, however many accounts.
func moveAccounts(ctx context.Context, tx bun.IDB, accounts []Account) error {
	if len(accounts) == 0 {
		return nil
	}
	ids := make([]string, len(accounts))
	for i, account := range accounts {
		ids[i] = account.ID
	}
	for _, follower := range followers {
		key := "account_id"
		if follower.owner == "accounts" {
			key = "id"
		}
		_, err := tx.NewRaw(`UPDATE ? AS f SET customer_id = (SELECT o.customer_id FROM ? AS o WHERE o.id = f.?)
			WHERE f.? IN (SELECT o.id FROM ? AS o WHERE o.? IN (?))`, bun.Ident(follower.table), bun.Ident(follower.owner), bun.Ident(follower.by),
			bun.Ident(follower.by), bun.Ident(follower.owner), bun.Ident(key), bun.List(ids)).Exec(ctx)
		if err != nil {
			return fmt.Errorf("move %s: %w", follower.table, err)
		}
	}
	return nil
}

func readAccount(ctx context.Context, db bun.IDB, vendorID, accountID string) (Account, error) {
	var account Account
	err := db.NewSelect().Model(&account).Where("vendor_id = ?", vendorID).Where("id = ?", accountID).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return account, fault.New(fault.NotFound, "There is no such account.")
	}
	if err != nil {
		return account, fmt.Errorf("read account: %w", err)
	}
	return account, nil
}

func listedContacts(ctx context.Context, tx bun.IDB, vendorID, accountID string) ([]ListedContact, error) {
	var list []ListedContact
	err := tx.NewSelect().Model(&list).ColumnExpr("co.*, ac.role").Join("JOIN account_contacts AS ac ON ac.contact_id = co.id").
		Where("ac.vendor_id = ?", vendorID).Where("ac.account_id = ?", accountID).Order("ac.position").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read contacts of account: %w", err)
	}
	return list, nil
}

func visibleAccountIDs(ctx context.Context, db bun.IDB, customerID string) ([]string, error) {
	var ids []string
	err := db.NewSelect().TableExpr("account_contacts AS ac").ColumnExpr("DISTINCT ac.account_id").
		Join("JOIN contacts AS co ON co.id = ac.contact_id").Where("co.customer_id = ?", customerID).Scan(ctx, &ids)
	if err != nil {
		return nil, fmt.Errorf("read visible accounts: %w", err)
	}
	return ids, nil
}

func seesAccount(ctx context.Context, db bun.IDB, customerID, accountID string) (bool, error) {
	return db.NewSelect().TableExpr("account_contacts AS ac").Join("JOIN contacts AS co ON co.id = ac.contact_id").
		Where("co.customer_id = ?", customerID).Where("ac.account_id = ?", accountID).Exists(ctx)
}
