package payment

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/store"
)

var settledPaymentColumns = []store.Column{{Name: "captured", Type: "{{minor}}"}, {Name: "unapplied", Type: "{{minor}}"}, {Name: "fee", Type: "{{minor}}"},
	{Name: "status"}, {Name: "method"}, {Name: "method_detail"}, {Name: "failure"}, {Name: "source_ref"}, {Name: "intent_ref"}, {Name: "available_at", Type: "{{time}}"},
	{Name: "settled_at", Type: "{{time}}"}, {Name: "updated_at", Type: "{{time}}"}}

var settledShareColumns = []store.Column{{Name: "credit_amount", Type: "{{minor}}"}, {Name: "unapplied", Type: "{{minor}}"}, {Name: "discount", Type: "{{minor}}"},
	{Name: "late_fee", Type: "{{minor}}"}, {Name: "processing_fee", Type: "{{minor}}"}, {Name: "hub_fee", Type: "{{minor}}"}, {Name: "status"}, {Name: "method"},
	{Name: "settled_at", Type: "{{time}}"}, {Name: "updated_at", Type: "{{time}}"}}

// settlingShare is a share with what was agreed with its vendor on fees; empty
// Processing: nothing was. Stranger: the payer has not said yet that the vendor is
// its own.
type settlingShare struct {
	Share      `bun:",extend"`
	Processing Bearer `bun:"processing,scanonly"`
	HubRate    int64  `bun:"hub_rate,scanonly"`
	Stranger   bool   `bun:"stranger,scanonly"`
}

// settlingLine is a line with the account that its invoice is on.
type settlingLine struct {
	Line      `bun:",extend"`
	AccountID string `bun:"account_id,scanonly"`
	Account   string `bun:"account,scanonly"` // external id
}

// sub-selects, not joins: whatever the planner knows of the tables, it looks up the few rows
const (
	sharesToSettle = `SELECT s.*, COALESCE((SELECT fp.processing FROM fee_policies AS fp WHERE fp.vendor_id = s.vendor_id), '') AS processing,
			COALESCE((SELECT fp.hub_rate FROM fee_policies AS fp WHERE fp.vendor_id = s.vendor_id), 0) AS hub_rate,
			EXISTS (SELECT 1 FROM contact_vendors AS cv WHERE cv.contact_id = (SELECT p.contact_id FROM payments AS p WHERE p.id = s.payment_id)
				AND cv.vendor_id = s.vendor_id AND cv.state <> 'mine') AS stranger
		FROM shares AS s WHERE s.payment_id IN (?) ORDER BY s.id`
	linesToSettle = `SELECT pl.*, (SELECT i.account_id FROM invoices AS i WHERE i.id = pl.invoice_id) AS account_id,
			(SELECT a.external_id FROM accounts AS a WHERE a.id = (SELECT i.account_id FROM invoices AS i WHERE i.id = pl.invoice_id)) AS account
		FROM payment_lines AS pl WHERE pl.payment_id IN (?) ORDER BY pl.credit_id IS NULL, pl.id`
)

// lockSettling locks payments in the one order in which they are locked
// everywhere, and reads what belongs to them, as it is behind the locks.
func lockSettling(ctx context.Context, db *store.DB, tx bun.IDB, ids []string) (settlingParts, error) {
	var parts settlingParts
	err := db.Ask(ctx, tx, store.ByIDs(&parts.payments, "SELECT * FROM payments WHERE id IN (?) ORDER BY id FOR UPDATE", ids),
		store.ByIDs(&parts.shares, sharesToSettle, ids), store.ByIDs(&parts.lines, linesToSettle, ids), billing.HoldsOfPayments(&parts.holds, ids))
	if err != nil {
		return parts, fmt.Errorf("lock payments: %w", err)
	}
	return parts, nil
}

// writeSettlement writes what a settlement does in this room, one statement a table.
func writeSettlement(ctx context.Context, db *store.DB, tx bun.IDB, w *settlement) error {
	var payments, shares [][]any
	for _, p := range w.payments {
		payments = append(payments, []any{p.ID, p.Captured, p.Unapplied, p.Fee, string(p.Status), p.Method, p.MethodDetail, p.Failure, p.SourceRef, p.IntentRef, nullTime(p.AvailableAt),
			p.SettledAt, p.UpdatedAt})
		for _, s := range p.shares {
			shares = append(shares, []any{s.ID, s.CreditAmount, s.Unapplied, s.Discount, s.LateFee, s.ProcessingFee, s.HubFee, string(s.Status), s.Method,
				s.SettledAt, s.UpdatedAt})
		}
	}
	if err := db.UpdateRows(ctx, tx, "payments", settledPaymentColumns, payments); err != nil {
		return err
	}
	if err := db.UpdateRows(ctx, tx, "shares", settledShareColumns, shares); err != nil {
		return err
	}
	if err := store.InsertAll(ctx, db, tx, w.allocations, ""); err != nil {
		return fmt.Errorf("allocate: %w", err)
	}
	return insertTransfers(ctx, db, tx, w.transfers)
}

func insertTransfers(ctx context.Context, db *store.DB, tx bun.IDB, transfers []Transfer) error {
	if err := store.InsertAll(ctx, db, tx, transfers, ""); err != nil {
		return fmt.Errorf("plan transfers: %w", err)
	}
	return nil
}
