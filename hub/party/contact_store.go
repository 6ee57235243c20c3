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

func readContact(ctx context.Context, db bun.IDB, column, value string) (Contact, error) {
	var contact Contact
	err := db.NewSelect().Model(&contact).Where("? = ?", bun.Ident(column), value).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return contact, fault.New(fault.NotFound, "There is no such contact.")
	}
	if err != nil {
		return contact, fmt.Errorf("read contact: %w", err)
	}
	return contact, nil
}

func contactsByEmail(ctx context.Context, tx bun.IDB, emails []string) (map[string]Contact, error) {
	found := make(map[string]Contact, len(emails))
	if len(emails) == 0 {
		return found, nil
	}
	var list []Contact
	if err := tx.NewSelect().Model(&list).Where("email IN (?)", bun.List(emails)).Scan(ctx); err != nil {
		return nil, fmt.Errorf("read contacts: %w", err)
	}
	for _, contact := range list {
		found[contact.Email] = contact
	}
	return found, nil
}

// insertContacts adds contacts with their customers. Another transaction may
// add the same mailbox at the same time: the caller reads again afterwards.
func insertContacts(ctx context.Context, tx bun.IDB, contacts []Contact, customers []Customer) error {
	if len(contacts) == 0 {
		return nil
	}
	if _, err := tx.NewInsert().Model(&customers).Exec(ctx); err != nil {
		return fmt.Errorf("add customers: %w", err)
	}
	if _, err := tx.NewInsert().Model(&contacts).On("CONFLICT (email) DO NOTHING").Exec(ctx); err != nil {
		return fmt.Errorf("add contacts: %w", err)
	}
	return nil
}

func insertCustomers(ctx context.Context, tx bun.IDB, customers []Customer) error {
	if len(customers) == 0 {
		return nil
	}
	if _, err := tx.NewInsert().Model(&customers).Exec(ctx); err != nil {
		return fmt.Errorf("add customers: %w", err)
	}
	return nil
}

func readCustomers(ctx context.Context, db bun.IDB, ids []string) (map[string]Customer, error) {
	found := make(map[string]Customer, len(ids))
	if len(ids) == 0 {
		return found, nil
	}
	var list []Customer
	if err := db.NewSelect().Model(&list).Where("id IN (?)", bun.List(ids)).Scan(ctx); err != nil {
		return nil, fmt.Errorf("read customers: %w", err)
	}
	for _, customer := range list {
		found[customer.ID] = customer
	}
	return found, nil
}

func updateContact(ctx context.Context, tx bun.IDB, contact Contact) error {
	_, err := tx.NewUpdate().Model(&contact).WherePK().ExcludeColumn("id", "customer_id", "email", "created_at").Exec(ctx)
	if err != nil {
		return fmt.Errorf("change contact: %w", err)
	}
	return nil
}

func dueContacts(ctx context.Context, db *store.DB, tx bun.IDB, at time.Time, limit int64) ([]Contact, error) {
	var list []Contact
	query := tx.NewSelect().Model(&list).Where("next_digest_at <= ?", at.UTC()).Where("unsubscribed_at IS NULL").
		Where("bounced_at IS NULL").Order("next_digest_at", "id").Limit(limit)
	if err := db.SkipLocked(query).Scan(ctx); err != nil {
		return nil, fmt.Errorf("read due contacts: %w", err)
	}
	return list, nil
}

// setNextDigests writes many contacts' next digest in one statement.
func setNextDigests(ctx context.Context, tx bun.IDB, contacts []Contact) error {
	if len(contacts) == 0 {
		return nil
	}
	byTime := map[time.Time][]string{}
	for _, contact := range contacts {
		byTime[contact.NextDigestAt] = append(byTime[contact.NextDigestAt], contact.ID)
	}
	for at, ids := range byTime { // one statement per distinct hour: at most 24 × 7 × zones
		_, err := tx.NewUpdate().Model((*Contact)(nil)).Set("next_digest_at = ?", at.UTC()).Where("id IN (?)", bun.List(ids)).Exec(ctx)
		if err != nil {
			return fmt.Errorf("set next digests: %w", err)
		}
	}
	return nil
}

func teamOf(ctx context.Context, db bun.IDB, customerID string) ([]Contact, error) {
	var list []Contact
	err := db.NewSelect().Model(&list).Where("customer_id = ?", customerID).Order("id").Limit(store.MaxPage).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read team: %w", err)
	}
	return list, nil
}
