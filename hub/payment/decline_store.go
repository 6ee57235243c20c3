package payment

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/store"
)

type declineRow struct {
	bun.BaseModel `bun:"table:declines,alias:de"`
	ID            string    `bun:"id,pk"`
	PaymentID     string    `bun:"payment_id"`
	ContactID     string    `bun:"contact_id"`
	Address       string    `bun:"address"`
	At            time.Time `bun:"at"`
}

func insertDeclines(ctx context.Context, tx bun.IDB, payment Payment, total, fresh int, now time.Time) error {
	rows := make([]declineRow, fresh)
	for i := range rows {
		rows[i] = declineRow{ID: store.NewID(), PaymentID: payment.ID, ContactID: payment.ContactID, Address: payment.StartedFrom, At: now}
	}
	if _, err := tx.NewInsert().Model(&rows).Exec(ctx); err != nil {
		return fmt.Errorf("count declines: %w", err)
	}
	if _, err := tx.NewUpdate().Model((*Payment)(nil)).Set("declines = ?", total).Where("id = ?", payment.ID).Exec(ctx); err != nil {
		return fmt.Errorf("count declines: %w", err)
	}
	return nil
}

// countDeclines is the larger of what one payer and what one address had declined.
func countDeclines(ctx context.Context, db bun.IDB, contactID, address string, since time.Time) (int, error) {
	var n int
	err := db.NewRaw(`SELECT CASE WHEN a.n > b.n THEN a.n ELSE b.n END FROM
		(SELECT COUNT(*) AS n FROM declines WHERE contact_id = ? AND at > ?) AS a,
		(SELECT COUNT(*) AS n FROM declines WHERE address = ? AND address <> '' AND at > ?) AS b`, contactID, since.UTC(), address, since.UTC()).Scan(ctx, &n)
	if err != nil {
		return 0, fmt.Errorf("count declines: %w", err)
	}
	return n, nil
}
