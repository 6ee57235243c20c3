package payment

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// mostMethods bounds how many means of payment a team's page lists.
const mostMethods = 200

func noMethod() error {
	return fault.New(fault.NotFound, "There is no such saved means of payment, or it is not yours.")
}

// payerRef is a customer as the gateway knows it, "" when it does not yet.
func payerRef(ctx context.Context, tx bun.IDB, customerID, gateway string) (string, error) {
	var refs []string
	err := tx.NewSelect().TableExpr("payers").Column("payer_ref").Where("customer_id = ?", customerID).Where("gateway = ?", gateway).Scan(ctx, &refs)
	if err != nil {
		return "", fmt.Errorf("read payer: %w", err)
	}
	if len(refs) == 0 {
		return "", nil
	}
	return refs[0], nil
}

// keepPayer keeps the first reference that the gateway gave a customer.
func keepPayer(ctx context.Context, tx bun.IDB, customerID, gateway, ref string, now time.Time) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO payers (customer_id, gateway, payer_ref, created_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		customerID, gateway, ref, now.UTC())
	if err != nil {
		return fmt.Errorf("keep payer: %w", err)
	}
	return nil
}

// keepSetup adds a setup, or reads the one that its key made.
func keepSetup(ctx context.Context, tx bun.IDB, setup Setup) (Setup, error) {
	if _, err := tx.NewInsert().Model(&setup).On("CONFLICT (contact_id, request_key) DO NOTHING").Exec(ctx); err != nil {
		return setup, fmt.Errorf("add setup: %w", err)
	}
	var kept Setup
	err := tx.NewSelect().Model(&kept).Where("contact_id = ?", setup.ContactID).Where("request_key = ?", setup.RequestKey).Scan(ctx)
	if err != nil {
		return kept, fmt.Errorf("read setup: %w", err)
	}
	return kept, nil
}

func findSetup(ctx context.Context, query *bun.SelectQuery) (Setup, bool, error) {
	var list []Setup
	if err := query.Model(&list).Limit(1).Scan(ctx); err != nil {
		return Setup{}, false, fmt.Errorf("read setup: %w", err)
	}
	if len(list) == 0 {
		return Setup{}, false, nil
	}
	return list[0], true, nil
}

func contactsSetup(ctx context.Context, db bun.IDB, contactID, id string) (Setup, error) {
	if !store.ValidID(id) {
		return Setup{}, noMethod()
	}
	setup, found, err := findSetup(ctx, db.NewSelect().Where("contact_id = ?", contactID).Where("id = ?", id))
	if err == nil && !found {
		err = noMethod()
	}
	return setup, err
}

func setupByRef(ctx context.Context, db bun.IDB, gateway, ref string) (Setup, bool, error) {
	if ref == "" {
		return Setup{}, false, nil
	}
	return findSetup(ctx, db.NewSelect().Where("gateway = ?", gateway).Where("gateway_ref = ?", ref))
}

func openSetups(ctx context.Context, db bun.IDB, gateway string, limit int64) ([]Setup, error) {
	var list []Setup
	if err := db.NewSelect().Model(&list).Where("phase = 'open'").Where("gateway = ?", gateway).Order("id").Limit(limit).Scan(ctx); err != nil {
		return nil, fmt.Errorf("read open setups: %w", err)
	}
	return list, nil
}

// setSetup notes how far the making of the page is; a page that is there stays.
func setSetup(ctx context.Context, db bun.IDB, setup Setup, state, ref, url string, now time.Time) error {
	query := db.NewUpdate().Model((*Setup)(nil)).Set("state = ?", state).Set("updated_at = ?", now.UTC()).Where("id = ?", setup.ID)
	if ref != "" {
		query = query.Set("gateway_ref = ?", ref).Set("page_url = ?", url)
	} else {
		query = query.Where("gateway_ref = ''")
	}
	if _, err := query.Exec(ctx); err != nil {
		return fmt.Errorf("store setup: %w", err)
	}
	return nil
}

// endSetup takes a setup to its end; false when it had come there before.
func endSetup(ctx context.Context, tx bun.IDB, id string, phase Phase, now time.Time) (bool, error) {
	result, err := tx.NewUpdate().Model((*Setup)(nil)).Set("phase = ?", phase).Set("updated_at = ?", now.UTC()).
		Where("id = ?", id).Where("phase = 'open'").Exec(ctx)
	if err != nil {
		return false, fmt.Errorf("end setup: %w", err)
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

func insertMethod(ctx context.Context, tx bun.IDB, method SavedMethod) error {
	if _, err := tx.NewInsert().Model(&method).Exec(ctx); err != nil {
		return fmt.Errorf("keep method: %w", err)
	}
	return nil
}

func readMethod(ctx context.Context, db bun.IDB, id string) (SavedMethod, error) {
	var method SavedMethod
	if err := db.NewSelect().Model(&method).Where("id = ?", id).Scan(ctx); err != nil {
		return method, fmt.Errorf("read method: %w", err)
	}
	return method, nil
}

// teamsMethods are those of the contacts that are the contact's customer now.
func teamsMethods(ctx context.Context, db bun.IDB, contact party.Contact, gateway string) ([]SavedMethod, error) {
	var list []SavedMethod
	err := db.NewSelect().Model(&list).Where("sm.contact_id IN (SELECT co.id FROM contacts AS co WHERE co.customer_id = ?)", contact.CustomerID).
		Where("sm.gateway = ?", gateway).Where("sm.removed_at IS NULL").
		OrderExpr("CASE WHEN sm.contact_id = ? THEN 0 ELSE 1 END, sm.id", contact.ID).Limit(mostMethods).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("list methods: %w", err)
	}
	return list, nil
}

func selectOwnMethod(db bun.IDB, list *[]SavedMethod, contactID, id string) *bun.SelectQuery {
	return db.NewSelect().Model(list).Where("contact_id = ?", contactID).Where("id = ?", id).Where("removed_at IS NULL")
}

func oneMethod(ctx context.Context, list *[]SavedMethod, id string, query *bun.SelectQuery) (SavedMethod, error) {
	if !store.ValidID(id) {
		return SavedMethod{}, noMethod()
	}
	if err := query.Scan(ctx); err != nil {
		return SavedMethod{}, fmt.Errorf("read method: %w", err)
	}
	if len(*list) == 0 {
		return SavedMethod{}, noMethod()
	}
	return (*list)[0], nil
}

func ownMethod(ctx context.Context, db bun.IDB, contactID, id string) (SavedMethod, error) {
	var list []SavedMethod
	return oneMethod(ctx, &list, id, selectOwnMethod(db, &list, contactID, id))
}

// lockOwnMethod is ownMethod for whoever begins something with it, or removes
// it: one after the other.
func lockOwnMethod(ctx context.Context, db *store.DB, tx bun.IDB, contactID, id string) (SavedMethod, error) {
	var list []SavedMethod
	return oneMethod(ctx, &list, id, db.ForUpdate(selectOwnMethod(tx, &list, contactID, id)))
}

// methodBusy says whether a charge of a method may still reach the gateway.
func methodBusy(ctx context.Context, tx bun.IDB, id string) (bool, error) {
	busy, err := tx.NewSelect().Model((*Payment)(nil)).Where("saved_method_id = ?", id).Where("status = ?", Pending).Exists(ctx)
	if err != nil {
		return false, fmt.Errorf("look for charges: %w", err)
	}
	if busy {
		return true, nil
	}
	busy, err = tx.NewSelect().Model((*Schedule)(nil)).Where("method_id = ?", id).Where("state = ?", Starting).Exists(ctx)
	if err != nil {
		return false, fmt.Errorf("look for starts: %w", err)
	}
	return busy, nil
}

func removeMethod(ctx context.Context, tx bun.IDB, id string, now time.Time) error {
	_, err := tx.NewUpdate().Model((*SavedMethod)(nil)).Set("removed_at = ?", now.UTC()).Set("state = 'pending'").Set("next_attempt_at = ?", now.UTC()).
		Set("updated_at = ?", now.UTC()).Where("id = ?", id).Where("removed_at IS NULL").Exec(ctx)
	if err != nil {
		return fmt.Errorf("remove method: %w", err)
	}
	return nil
}

func recordForgetting(ctx context.Context, db bun.IDB, method SavedMethod, state, answer string, next, now time.Time) error {
	query := db.NewUpdate().Model((*SavedMethod)(nil)).Set("state = ?", state).Set("last_answer = ?", answer).Set("claimed_until = NULL").
		Set("updated_at = ?", now.UTC()).Where("id = ?", method.ID).Where("attempts = ?", method.Attempts)
	if next.IsZero() {
		query = query.Set("next_attempt_at = NULL")
	} else {
		query = query.Set("next_attempt_at = ?", next.UTC())
	}
	if _, err := query.Exec(ctx); err != nil {
		return fmt.Errorf("record forgetting: %w", err)
	}
	return nil
}
