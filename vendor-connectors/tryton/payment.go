package tryton

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sheaf-hub/sheaf/hub/money"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

// A payment is a move whose origin is the invoice. Its description says of which of
// our payments it is, and for what: that is how it is found again.

const marks = "Sheaf "

// booking is one move to make: an amount on one invoice by one method.
type booking struct {
	invoice     int64
	amount      string // decimal; below zero on a credit note
	description string
	method      string
}

// RecordPayment implements connectors.PaymentRecorder. Each invoice is paid by the
// wizard of its own, which is one transaction in Tryton; a payment on several that
// breaks off goes on where it was. Setting a credit note against an invoice pays
// both by the same method, so that nothing remains on its account.
func (c *Client) RecordPayment(ctx context.Context, payment connectors.Payment) (connectors.Recorded, error) {
	bookings, left, err := c.bookings(payment)
	if err != nil {
		return connectors.Recorded{}, err
	}
	if err := c.login(ctx); err != nil { // paying asks for a session that is fresh
		return connectors.Recorded{}, err
	}
	date, err := time.Parse(time.DateOnly, payment.Date)
	if err != nil {
		return connectors.Recorded{}, fmt.Errorf("%w: %q is no date", connectors.ErrRefused, payment.Date)
	}
	var moves []string
	for _, one := range bookings {
		move, err := c.book(ctx, one, money.Currency(payment.Currency), date)
		if err != nil {
			return connectors.Recorded{}, err
		}
		moves = append(moves, move)
	}
	if len(left) > 0 {
		return connectors.Recorded{}, fmt.Errorf("%w: the money is booked, and %s is left for you to book", connectors.ErrRefused, strings.Join(left, ", and "))
	}
	return connectors.Recorded{ExternalID: strings.Join(slices.Compact(moves), ", "), At: c.now()}, nil
}

// bookings are what a payment comes to, and in words what this connection cannot
// book.
func (c *Client) bookings(payment connectors.Payment) (list []booking, left []string, err error) {
	method := c.settings["payment_method"]
	if payment.Clearing {
		if method = c.settings[connectors.ClearingAccount]; method == "" {
			return nil, nil, fmt.Errorf("%w: no payment method for clearing is set", connectors.ErrRefused)
		}
	}
	currency := money.Currency(payment.Currency)
	for _, line := range payment.Lines {
		invoice, err := idOf(line.Invoice)
		if err != nil {
			return nil, nil, err
		}
		amount, err := money.Parse(line.Amount, currency)
		if err != nil {
			return nil, nil, fmt.Errorf("%w: the amount %q: %w", connectors.ErrRefused, line.Amount, err)
		}
		if line.LateFee != "" {
			fee, err := money.Parse(line.LateFee, currency)
			if err != nil {
				return nil, nil, fmt.Errorf("%w: the late fee %q: %w", connectors.ErrRefused, line.LateFee, err)
			}
			amount.Minor -= fee.Minor
			left = append(left, "the late fee of "+fee.String())
		}
		if line.Credit != "" {
			credit, err := idOf(line.Credit)
			if err != nil {
				return nil, nil, err
			}
			list = append(list, booking{credit, "-" + amount.Decimal(), marks + payment.Reference + " on " + line.Invoice, method},
				booking{invoice, amount.Decimal(), marks + payment.Reference + " by " + line.Credit, method})
			continue
		}
		if amount.Minor > 0 {
			list = append(list, booking{invoice, amount.Decimal(), marks + payment.Reference, method})
		}
		if line.Discount == "" {
			continue
		}
		if c.settings["discount_method"] == "" {
			left = append(left, "the discount of "+payment.Currency+" "+line.Discount)
			continue
		}
		list = append(list, booking{invoice, line.Discount, marks + payment.Reference + " discount", c.settings["discount_method"]})
	}
	return list, left, nil
}

// moved looks for the move of a booking.
func (c *Client) moved(ctx context.Context, one booking) (string, bool, error) {
	var found []struct {
		ID     int64   `json:"id"`
		Number *string `json:"number"`
	}
	origin := "account.invoice," + strconv.FormatInt(one.invoice, 10)
	err := c.search(ctx, "account.move", []any{[]any{"origin", "=", origin}, []any{"description", "=", one.description}}, page{limit: 1}, []string{"number"}, &found)
	if err != nil || len(found) == 0 {
		return "", false, err
	}
	if number := text(found[0].Number); number != "" {
		return number, true, nil
	}
	return "move " + strconv.FormatInt(found[0].ID, 10), true, nil
}

func (c *Client) book(ctx context.Context, one booking, currency money.Currency, date time.Time) (string, error) {
	move, booked, err := c.moved(ctx, one)
	if err != nil || booked {
		return move, err
	}
	row, err := c.payable(ctx, one, currency)
	if err != nil {
		return "", err
	}
	method, err := c.method(ctx, one.method)
	if err != nil {
		return "", err
	}
	if err := c.pay(ctx, one, row, method, date); err != nil {
		return "", err
	}
	move, booked, err = c.moved(ctx, one)
	if err == nil && !booked {
		err = fmt.Errorf("%w: Tryton took the payment and does not show it", connectors.ErrUnknown)
	}
	return move, err
}

// payable reads the invoice and holds the booking against it: Tryton would take
// more than is open for an overpayment.
func (c *Client) payable(ctx context.Context, one booking, currency money.Currency) (invoicePayable, error) {
	var rows []invoicePayable
	err := c.search(ctx, "account.invoice", []any{[]any{"id", "=", one.invoice}}, page{limit: 1}, []string{"number", "state", "amount_to_pay", "currency.code"}, &rows)
	if err != nil {
		return invoicePayable{}, err
	}
	if len(rows) == 0 {
		return invoicePayable{}, fmt.Errorf("%w: Tryton does not have this invoice any more", connectors.ErrRefused)
	}
	row := rows[0]
	if row.Currency.Code != string(currency) {
		return row, fmt.Errorf("%w: %s is in %s in Tryton, and was paid in %s", connectors.ErrRefused, row.Number, row.Currency.Code, currency)
	}
	open, err := money.Parse(string(row.AmountToPay), currency)
	if err != nil {
		return row, fmt.Errorf("%w: what is open on %s: %w", connectors.ErrRefused, row.Number, err)
	}
	amount, err := money.Parse(one.amount, currency)
	if err != nil {
		return row, fmt.Errorf("%w: the amount %q: %w", connectors.ErrRefused, one.amount, err)
	}
	if row.State != "posted" || amount.Minor > 0 && amount.Minor > open.Minor || amount.Minor < 0 && amount.Minor < open.Minor {
		return row, fmt.Errorf("%w: %s has %s open in Tryton (%s), and %s was paid on it here", connectors.ErrRefused, row.Number, open, row.State, amount)
	}
	return row, nil
}

type invoicePayable struct {
	ID          int64   `json:"id"`
	Number      string  `json:"number"`
	State       string  `json:"state"`
	AmountToPay decimal `json:"amount_to_pay"`
	Currency    struct {
		Code string `json:"code"`
	} `json:"currency."`
}

// step is where a wizard stands: at a form with what Tryton proposes, or at its end.
type step struct {
	View *form `json:"view"`
}

type form struct {
	State    string         `json:"state"`
	Defaults map[string]any `json:"defaults"`
}

// values are the fields of a form. What a client shows of them comes beside them,
// under names that end in a dot, and is no field.
func (f form) values() map[string]any {
	values := make(map[string]any, len(f.Defaults))
	for name, value := range f.Defaults {
		if !strings.HasSuffix(name, ".") {
			values[name] = value
		}
	}
	return values
}

// pay leads the wizard account.invoice.pay to its end: what to pay, and, when Tryton
// asks what becomes of the rest, that it stays open.
func (c *Client) pay(ctx context.Context, one booking, row invoicePayable, method int64, date time.Time) error {
	const wizard = "wizard.account.invoice.pay."
	about := map[string]any{"active_model": "account.invoice", "active_id": row.ID, "active_ids": []int64{row.ID}}
	var begun []any
	if err := c.call(ctx, false, &begun, wizard+"create", about); err != nil { // nothing is booked yet
		return err
	}
	if len(begun) == 0 {
		return fmt.Errorf("%w: Tryton's wizard does not begin", connectors.ErrUnreachable)
	}
	session := begun[0]
	var first, next step
	if err := c.call(ctx, false, &first, wizard+"execute", session, map[string]any{}, "start", about); err != nil {
		return err
	}
	if first.View == nil {
		return fmt.Errorf("%w: Tryton's wizard does not ask what to pay", connectors.ErrUnreachable)
	}
	start := first.View.values()
	start["amount"], start["description"], start["payment_method"], start["date"] = decimal(one.amount).wire(), one.description, method, moment{date}.date()
	if err := c.call(ctx, true, &next, wizard+"execute", session, map[string]any{"start": start}, "choice", about); err != nil {
		return err
	}
	if next.View != nil && next.View.State == "ask" {
		ask := next.View.values()
		ask["type"] = "partial"
		if err := c.call(ctx, true, nil, wizard+"execute", session, map[string]any{"start": start, "ask": ask}, "pay", about); err != nil {
			return err
		}
	}
	_ = c.call(ctx, false, nil, wizard+"delete", session, map[string]any{}) // Tryton ends what is left by itself
	return nil
}

// references are those of our payments that Tryton holds on invoices.
func (c *Client) references(ctx context.Context, rows []invoiceRow) (map[int64][]string, error) {
	origins := make([]string, len(rows))
	for i, row := range rows {
		origins[i] = "account.invoice," + strconv.FormatInt(row.ID, 10)
	}
	var moves []struct {
		Origin      string  `json:"origin"`
		Description *string `json:"description"`
	}
	err := c.search(ctx, "account.move", []any{[]any{"origin", "in", origins}, []any{"description", "like", marks + "%"}}, page{limit: 50 * len(rows), order: []any{[]any{"id", "ASC"}}},
		[]string{"origin", "description"}, &moves)
	if err != nil {
		return nil, err
	}
	references := map[int64][]string{}
	for _, move := range moves {
		id, err := strconv.ParseInt(strings.TrimPrefix(move.Origin, "account.invoice,"), 10, 64)
		rest, ours := strings.CutPrefix(text(move.Description), marks)
		reference, _, _ := strings.Cut(rest, " ")
		if err == nil && ours && !slices.Contains(references[id], reference) {
			references[id] = append(references[id], reference)
		}
	}
	return references, nil
}
