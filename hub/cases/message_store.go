package cases

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/party"
)

func insertMessage(ctx context.Context, tx bun.IDB, message Message) error {
	if _, err := tx.NewInsert().Model(&message).Exec(ctx); err != nil {
		return fmt.Errorf("add message: %w", err)
	}
	return nil
}

func countMessages(ctx context.Context, tx bun.IDB, caseID string) (int64, error) {
	return tx.NewSelect().Model((*Message)(nil)).Where("case_id = ?", caseID).Count(ctx)
}

func countFiles(ctx context.Context, tx bun.IDB, caseID string) (int64, error) {
	return tx.NewSelect().Model((*billing.Document)(nil)).Where("case_id = ?", caseID).Count(ctx)
}

// messagesOf reads whole threads, oldest first; addMessage bounds each.
func messagesOf(ctx context.Context, db bun.IDB, caseIDs []string) ([]Message, error) {
	var list []Message
	err := db.NewSelect().Model(&list).Where("case_id IN (?)", bun.List(orNobody(caseIDs))).Order("id").Limit(MostMessages * MostCases).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read messages: %w", err)
	}
	return list, nil
}

// listedNames are the contacts of one customer that an account lists, in the
// vendor's order.
func listedNames(ctx context.Context, tx bun.IDB, accountID, customerID string) ([]party.Contact, error) {
	var list []party.Contact
	err := tx.NewSelect().Model(&list).Join("JOIN account_contacts AS ac ON ac.contact_id = co.id").
		Where("ac.account_id = ?", accountID).Where("co.customer_id = ?", customerID).Order("ac.position").Limit(100).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read contacts of account: %w", err)
	}
	return list, nil
}
