package odoo

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/sheaf-hub/sheaf/hub/money"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

// credit sets a credit note against an invoice. Odoo keeps no reference on that, but
// after it one of the two is used up: that the two are matched at all is how it is
// found again.
func (b *booking) credit(ctx context.Context, line connectors.PaymentLine) error {
	invoiceID, err := strconv.ParseInt(line.Invoice, 10, 64)
	if err != nil {
		return fmt.Errorf("%w: %w", connectors.ErrRefused, err)
	}
	creditID, err := strconv.ParseInt(line.Credit, 10, 64)
	if err != nil {
		return fmt.Errorf("%w: %.40q is no credit note of Odoo's", connectors.ErrRefused, line.Credit)
	}
	amount, err := b.amount(line.Amount)
	if err != nil {
		return fmt.Errorf("%w: %w", connectors.ErrRefused, err)
	}
	if held, err := b.matched(ctx, invoiceID, creditID, amount); err != nil || held {
		return err
	}
	invoice, err := b.move(ctx, invoiceID)
	if err != nil {
		return err
	}
	note, err := b.move(ctx, creditID)
	if err != nil {
		return err
	}
	owed, owedErr := money.Parse(invoice.Residual.String(), b.currency)
	left, leftErr := money.Parse(note.Residual.String(), b.currency)
	if owedErr != nil || leftErr != nil || note.Type != typeCredit || min(owed.Minor, left.Minor) != amount.Minor {
		return fmt.Errorf("%w: Odoo can only use all of a credit note that an invoice has room for: %s of %s, and %s of %s are open, %s is asked for. Match them by hand",
			connectors.ErrRefused, left, number(note), owed, number(invoice), amount)
	}
	var lines []struct {
		ID int64 `json:"id"`
	}
	if _, err := b.search(ctx, "account.move.line", domain{term("move_id", "=", creditID), term("account_type", "=", "asset_receivable"), term("reconciled", "=", false)},
		[]string{"id"}, "id", 2, &lines); err != nil {
		return err
	}
	if len(lines) != 1 {
		return fmt.Errorf("%w: %s is due in several parts, which have to be matched by hand", connectors.ErrRefused, number(note))
	}
	var ignored any
	if err := b.write(ctx, "account.move", "js_assign_outstanding_line", args{"ids": []int64{invoiceID}, "line_id": lines[0].ID}, &ignored); err != nil {
		return err
	}
	held, err := b.matched(ctx, invoiceID, creditID, amount)
	if err == nil && !held {
		err = fmt.Errorf("%w: Odoo does not show %s on %s", connectors.ErrUnknown, number(note), number(invoice))
	}
	return err
}

// matched says whether a credit note is set against an invoice already.
func (b *booking) matched(ctx context.Context, invoice, credit int64, amount money.Amount) (bool, error) {
	var partials []struct {
		ID      int64       `json:"id"`
		Amount  json.Number `json:"debit_amount_currency"`
		Created stamp       `json:"create_date"`
	}
	if _, err := b.search(ctx, "account.partial.reconcile", domain{term("debit_move_id.move_id", "=", invoice), term("credit_move_id.move_id", "=", credit)},
		[]string{"id", "debit_amount_currency", "create_date"}, "id", mostAside, &partials); err != nil || len(partials) == 0 {
		return false, err
	}
	sum := money.New(0, b.currency)
	for _, one := range partials {
		part, err := money.Parse(one.Amount.String(), b.currency)
		if err != nil {
			return false, fmt.Errorf("%w: what credit note %d pays of invoice %d: %w", connectors.ErrRefused, credit, invoice, err)
		}
		sum.Minor += part.Minor
		b.note("match "+strconv.FormatInt(one.ID, 10), one.Created.time())
	}
	if sum.Minor < amount.Minor {
		return false, fmt.Errorf("%w: credit note %d pays %s of invoice %d in Odoo, and not %s", connectors.ErrRefused, credit, sum, invoice, amount)
	}
	return true, nil
}
