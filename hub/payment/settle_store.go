package payment

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/store"
)

var settledPaymentColumns = []store.Column{{Name: "captured", Type: "{{minor}}"}, {Name: "unapplied", Type: "{{minor}}"}, {Name: "fee", Type: "{{minor}}"},
	{Name: "status"}, {Name: "method"}, {Name: "method_detail"}, {Name: "failure"}, {Name: "source_ref"}, {Name: "intent_ref"}, {Name: "available_at", Type: "{{time}}"},
	{Name: "settled_at", Type: "{{time}}"}, {Name: "updated_at", Type: "{{time}}"}}

var settledShareColumns = []store.Column{{Name: "credit_amount", Type: "{{minor}}"}, {Name: "unapplied", Type: "{{minor}}"}, {Name: "discount", Type: "{{minor}}"},
	{Name: "late_fee", Type: "{{minor}}"}, {Name: "processing_fee", Type: "{{minor}}"}, {Name: "hub_fee", Type: "{{minor}}"}, {Name: "status"}, {Name: "method"},
	{Name: "settled_at", Type: "{{time}}"}, {Name: "updated_at", Type: "{{time}}"}}

// settlingShare is a share with what was agreed with its vendor on fees; empty
// Processing: nothing was.
type settlingShare struct {
	Share      `bun:",extend"`
	Processing Bearer `bun:"processing"`
	HubRate    int64  `bun:"hub_rate"`
}

// settlingLine is a line with whether its payment holds anything still, and the
// account that its invoice is on.
type settlingLine struct {
	Line      `bun:",extend"`
	Holds     bool   `bun:"holds"`
	AccountID string `bun:"account_id"`
	Account   string `bun:"account"` // external id
}

// settlingParts reads what belongs to locked payments, in a fixed order. Two
// statements know what five did, because each one more makes all wait: see
// store.InPipeline.
func settlingParts(ctx context.Context, tx bun.IDB, paymentIDs []string) ([]settlingShare, []settlingLine, error) {
	var shares []settlingShare
	err := tx.NewSelect().Model(&shares).ColumnExpr("s.*, COALESCE(fp.processing, '') AS processing, COALESCE(fp.hub_rate, 0) AS hub_rate").
		Join("LEFT JOIN fee_policies AS fp ON fp.vendor_id = s.vendor_id").Where("s.payment_id IN (?)", bun.List(paymentIDs)).Order("s.id").Scan(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("read shares: %w", err)
	}
	var lines []settlingLine
	// sub-selects, not joins: whatever the planner knows of the tables, it looks up the few rows
	err = tx.NewSelect().Model(&lines).ColumnExpr("pl.*, (SELECT i.account_id FROM invoices AS i WHERE i.id = pl.invoice_id) AS account_id").
		ColumnExpr("(SELECT a.external_id FROM accounts AS a WHERE a.id = (SELECT i.account_id FROM invoices AS i WHERE i.id = pl.invoice_id)) AS account").
		ColumnExpr("EXISTS (SELECT 1 FROM holds AS h WHERE h.payment_id = pl.payment_id AND h.lifted_at IS NULL) AS holds").
		Where("pl.payment_id IN (?)", bun.List(paymentIDs)).OrderExpr("pl.credit_id IS NULL, pl.id").Scan(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("read lines: %w", err)
	}
	return shares, lines, nil
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
	if len(w.allocations) > 0 {
		if _, err := tx.NewInsert().Model(&w.allocations).Exec(ctx); err != nil {
			return fmt.Errorf("allocate: %w", err)
		}
	}
	return insertTransfers(ctx, tx, w.transfers)
}

func insertTransfers(ctx context.Context, tx bun.IDB, transfers []Transfer) error {
	if len(transfers) == 0 {
		return nil
	}
	if _, err := tx.NewInsert().Model(&transfers).Returning("NULL").Exec(ctx); err != nil {
		return fmt.Errorf("plan transfers: %w", err)
	}
	return nil
}
