package party

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/store"
)

// insertInvitation adds an invitation; one to the same mailbox that has run out
// makes room for it.
func insertInvitation(ctx context.Context, tx bun.IDB, invitation Invitation, now time.Time) error {
	_, err := tx.NewUpdate().Model((*Invitation)(nil)).Set("answered_at = ?", now).Set("answer = 'withdrawn'").
		Where("customer_id = ?", invitation.CustomerID).Where("email = ?", invitation.Email).Where("answered_at IS NULL").Where("expires_at <= ?", now).Exec(ctx)
	if err != nil {
		return fmt.Errorf("clear invitations: %w", err)
	}
	if _, err := tx.NewInsert().Model(&invitation).Exec(ctx); err != nil {
		return fmt.Errorf("invite: %w", err)
	}
	return nil
}

func openInvitations(ctx context.Context, db bun.IDB, column, value string, now time.Time) ([]Invitation, error) {
	var list []Invitation
	err := db.NewSelect().Model(&list).Where("? = ?", bun.Ident(column), value).Where("answered_at IS NULL").
		Where("expires_at > ?", now.UTC()).Order("id").Limit(MostTeam).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read invitations: %w", err)
	}
	return list, nil
}

func receivedInvitations(ctx context.Context, db bun.IDB, email string, now time.Time) ([]Received, error) {
	var list []Received
	err := db.NewSelect().Model(&list).ColumnExpr("ti.*, co.email AS inviter_email, co.name AS inviter_name").
		Join("JOIN contacts AS co ON co.id = ti.inviter_id").Where("ti.email = ?", email).Where("ti.answered_at IS NULL").
		Where("ti.expires_at > ?", now.UTC()).Order("ti.id").Limit(MostTeam).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read invitations: %w", err)
	}
	return list, nil
}

func lockInvitation(ctx context.Context, db *store.DB, tx bun.IDB, id string) (Invitation, bool, error) {
	var list []Invitation
	if err := db.ForUpdate(tx.NewSelect().Model(&list).Where("id = ?", id)).Scan(ctx); err != nil {
		return Invitation{}, false, fmt.Errorf("read invitation: %w", err)
	}
	if len(list) == 0 {
		return Invitation{}, false, nil
	}
	return list[0], true, nil
}

func updateInvitation(ctx context.Context, tx bun.IDB, invitation Invitation) error {
	_, err := tx.NewUpdate().Model(&invitation).Column("answer", "answered_at").WherePK().Exec(ctx)
	if err != nil {
		return fmt.Errorf("answer invitation: %w", err)
	}
	return nil
}

// moveContact takes a contact, and the accounts that count as its own, to
// another customer. Payments stay with the customer that made them.
func moveContact(ctx context.Context, tx bun.IDB, contact Contact, customerID string) error {
	if contact.CustomerID == customerID {
		return nil
	}
	_, err := tx.NewUpdate().Model((*Contact)(nil)).Set("customer_id = ?", customerID).Where("id = ?", contact.ID).Exec(ctx)
	if err != nil {
		return fmt.Errorf("move contact: %w", err)
	}
	// its own are the accounts whose first payables mailbox it is
	var accounts []Account
	err = tx.NewRaw(`UPDATE accounts SET customer_id = ? WHERE customer_id = ? AND id IN (
			SELECT ac.account_id FROM account_contacts AS ac WHERE ac.contact_id = ? AND ac.role = 'payables' AND NOT EXISTS (
				SELECT 1 FROM account_contacts AS other WHERE other.account_id = ac.account_id AND other.role = 'payables' AND other.position < ac.position))
		RETURNING id, customer_id`, customerID, contact.CustomerID, contact.ID).Scan(ctx, &accounts)
	if err != nil {
		return fmt.Errorf("move accounts: %w", err)
	}
	return moveAccounts(ctx, tx, accounts)
}
