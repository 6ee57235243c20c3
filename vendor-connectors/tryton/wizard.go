package tryton

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/sheaf-hub/sheaf/hub/money"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

const wizard = "wizard.account.invoice.pay."

// till is what the bookings of one payment are made with.
type till struct {
	*Client
	*order
	rows    map[int64]*invoiceRow
	open    map[int64]money.Amount // as it will be after the bookings before
	methods choices
	offs    *choices // nil: not asked for yet
	session any      // of the wizard
}

// book makes bookings. All are held against the invoices before the first is made:
// Tryton would take more than is open as an overpayment.
func (c *Client) book(ctx context.Context, o *order, bookings []booking) error {
	t := &till{Client: c, order: o, rows: map[int64]*invoiceRow{}, open: map[int64]money.Amount{}}
	if err := t.read(ctx, bookings); err != nil {
		return err
	}
	for _, one := range bookings {
		if err := t.fits(one); err != nil {
			return fmt.Errorf("%w: %w", connectors.ErrRefused, err)
		}
	}
	if err := t.choose(ctx, bookings); err != nil {
		return err
	}
	var begun []any
	if _, err := c.call(ctx, false, &begun, wizard+"create", t.about(bookings[0])); err != nil { // nothing is booked yet
		return err
	}
	if len(begun) == 0 {
		return fmt.Errorf("%w: Tryton's wizard does not begin", connectors.ErrUnreachable)
	}
	t.session = begun[0]
	for i, one := range bookings {
		if err := t.pay(ctx, one); err != nil {
			if i > 0 && errors.Is(err, connectors.ErrRefused) {
				err = fmt.Errorf("%d of %d invoices are booked, and on the next: %w", i, len(bookings), err)
			}
			return err
		}
	}
	_, _ = c.call(ctx, false, nil, wizard+"delete", nil, t.session) // Tryton ends what is left by itself
	return nil
}

// read gathers the invoices and the ways to pay them.
func (t *till) read(ctx context.Context, bookings []booking) error {
	var ids []int64
	for _, one := range bookings {
		ids = append(ids, one.invoice)
	}
	rows, err := searchAll[invoiceRow](ctx, t.Client, query{model: "account.invoice", domain: append(customers(), term("id", "in", ids)), fields: invoiceFields()})
	if err != nil {
		return err
	}
	for i, row := range rows {
		t.rows[row.ID] = &rows[i]
		if _, t.open[row.ID], err = row.amounts(); err != nil {
			return fmt.Errorf("%w: %s: %w", connectors.ErrRefused, row.Number, err)
		}
	}
	return nil
}

// fits holds a booking against what is open.
func (t *till) fits(one booking) error {
	row := t.rows[one.invoice]
	if row == nil {
		return fmt.Errorf("there is no posted customer invoice %d in Tryton (any more)", one.invoice)
	}
	open := t.open[one.invoice]
	switch {
	case row.Currency.Code != string(t.currency):
		return fmt.Errorf("%s is in %s in Tryton, and was paid in %s", row.Number, row.Currency.Code, t.currency)
	case t.payment.Account != "" && accountID(row.PartyID) != t.payment.Account:
		return fmt.Errorf("%s belongs to another party in Tryton than the payment", row.Number)
	case row.State != "posted", one.amount.Minor > 0 && one.amount.Minor > open.Minor, one.amount.Minor < 0 && one.amount.Minor < open.Minor:
		return fmt.Errorf("%s has %s open in Tryton, where it is %s, and %s was paid on it here", row.Number, open, row.State, one.amount)
	}
	t.open[one.invoice] = money.New(open.Minor-one.amount.Minor, t.currency)
	return nil
}

// choose finds the payment method for each of the bookings.
func (t *till) choose(ctx context.Context, bookings []booking) (err error) {
	if t.method() == "" {
		return fmt.Errorf("%w: no payment method for clearing is set in this connection", connectors.ErrRefused)
	}
	if t.methods, err = t.Client.methods(ctx); err != nil {
		return err
	}
	for _, one := range bookings {
		if _, err := t.methods.named(t.method(), t.rows[one.invoice].CompanyID); err != nil {
			return err
		}
	}
	return nil
}

// method is the name of the way to pay.
func (t *till) method() string {
	if t.payment.Clearing {
		return t.settings[connectors.ClearingAccount]
	}
	return t.settings[settingMethod]
}

func (t *till) about(one booking) map[string]any {
	return map[string]any{"active_model": "account.invoice", "active_id": one.invoice, "active_ids": []int64{one.invoice}, "company": t.rows[one.invoice].CompanyID}
}

// step is where a wizard stands: at a form with what Tryton proposes, or at its end.
type step struct {
	View *struct {
		State    string         `json:"state"`
		Defaults map[string]any `json:"defaults"`
	} `json:"view"`
}

// pay leads the wizard account.invoice.pay to its end: what to pay, and, when Tryton
// asks what becomes of the rest, that it stays open or is written off.
func (t *till) pay(ctx context.Context, one booking) error {
	row := t.rows[one.invoice]
	method, err := t.methods.named(t.method(), row.CompanyID)
	if err != nil {
		return err
	}
	start := map[string]any{"amount": wireDecimal(one.amount), "currency": row.Currency.ID, "currency_digits": row.Currency.Digits, "company": row.CompanyID,
		"invoice_account": row.AccountID, "description": one.description, "payment_method": method, "date": wireDate(t.date)}
	var next step
	if _, err := t.call(ctx, true, &next, wizard+"execute", t.about(one), t.session, map[string]any{"start": start}, "choice"); err != nil {
		return err
	}
	if next.View == nil {
		return nil
	}
	if next.View.State != "ask" {
		return fmt.Errorf("%w: Tryton's wizard asks something that the hub does not know, %.40q", connectors.ErrRefused, next.View.State)
	}
	ask := map[string]any{}
	for name, value := range next.View.Defaults {
		if !strings.HasSuffix(name, ".") { // what a client shows beside the fields
			ask[name] = value
		}
	}
	ask["type"] = "partial"
	off, settles, err := t.writesOff(ctx, one)
	if err != nil {
		return err
	}
	if settles {
		ask["type"], ask["writeoff"], ask["lines"] = "writeoff", off, ask["lines_to_pay"]
	}
	_, err = t.call(ctx, true, nil, wizard+"execute", t.about(one), t.session, map[string]any{"start": start, "ask": ask}, "pay")
	return err
}

// writesOff says with what the rest is written off: a discount, or a difference of
// exchange rates since the invoice. Tryton writes off all that the payment leaves
// open, so that must be the discount and nothing else.
func (t *till) writesOff(ctx context.Context, one booking) (int64, bool, error) {
	if t.open[one.invoice].Minor != one.discount.Minor {
		return 0, false, nil
	}
	if t.offs == nil {
		offs, err := t.writeOffs(ctx)
		if err != nil {
			return 0, false, err
		}
		t.offs = &offs
	}
	company := t.rows[one.invoice].CompanyID
	if title := t.settings[settingWriteOff]; title != "" {
		off, err := t.offs.named(title, company)
		return off, err == nil, nil // Check says when there is none
	}
	off, only := t.offs.only(company)
	return off, only, nil
}
