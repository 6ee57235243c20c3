package tryton

import (
	"context"
	"errors"
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

const (
	marks         = "Sheaf "
	mostReference = 100 // bytes
	origins       = "account.invoice,"
)

// booking is one move to make: an amount on one invoice or credit note.
type booking struct {
	invoice     int64
	amount      money.Amount // below zero on a credit note
	discount    money.Amount // settles more of the invoice without money
	description string
}

func (b booking) origin() string { return origins + strconv.FormatInt(b.invoice, 10) }

// order is a payment as it is to be booked, and what of it never is.
type order struct {
	payment  connectors.Payment
	currency money.Currency
	date     time.Time
	bookings []booking
	left     []string // in words
}

// RecordPayment implements connectors.PaymentRecorder. Each invoice is paid by the
// wizard of its own, which is one transaction in Tryton; a payment on several that
// breaks off goes on where it was. A credit note is set against an invoice by paying
// both with the same method, so that nothing remains on its account. A discount is
// written off when the payment settles the rest of the invoice. What cannot be booked,
// a late fee or another discount, is said in an ErrRefused once the money is booked.
func (c *Client) RecordPayment(ctx context.Context, payment connectors.Payment) (connectors.Recorded, error) {
	o, err := newOrder(payment)
	if err != nil {
		return connectors.Recorded{}, fmt.Errorf("%w: %w", connectors.ErrRefused, err)
	}
	held, err := c.held(ctx, o.bookings)
	if err != nil {
		return connectors.Recorded{}, err
	}
	missing := slices.DeleteFunc(slices.Clone(o.bookings), func(b booking) bool { return held.has(b) })
	if len(missing) > 0 {
		if err := c.book(ctx, o, missing); err != nil {
			return connectors.Recorded{}, err
		}
		if held, err = c.held(ctx, o.bookings); err != nil {
			return connectors.Recorded{}, errors.Join(connectors.ErrUnknown, err)
		}
	}
	for _, one := range o.bookings {
		if !held.has(one) {
			return connectors.Recorded{}, fmt.Errorf("%w: Tryton took the payment and does not show it", connectors.ErrUnknown)
		}
	}
	left, err := c.left(ctx, o)
	if err != nil {
		return connectors.Recorded{}, err
	}
	if len(left) > 0 {
		return connectors.Recorded{}, fmt.Errorf("%w: the money is booked, and this is left for you: %s", connectors.ErrRefused, strings.Join(left, "; "))
	}
	return held.recorded(), nil
}

func soundReference(reference string) error {
	if reference == "" || len(reference) > mostReference || strings.ContainsAny(reference, " \t\r\n%") {
		return fmt.Errorf("a reference has 1 to %d bytes and no spaces", mostReference)
	}
	return nil
}

// newOrder adds up the lines of a payment: credits first, so that a discount is what
// is left then, and one booking for each invoice.
func newOrder(payment connectors.Payment) (*order, error) {
	if err := soundReference(payment.Reference); err != nil {
		return nil, err
	}
	currency, err := money.ParseCurrency(payment.Currency)
	if err != nil {
		return nil, err
	}
	date, err := time.Parse(time.DateOnly, payment.Date)
	if err != nil {
		return nil, fmt.Errorf("%.20q is no date; write it like 2026-11-30", payment.Date)
	}
	if len(payment.Lines) == 0 {
		return nil, errors.New("a payment needs lines")
	}
	o := &order{payment: payment, currency: currency, date: date}
	for _, credits := range []bool{true, false} {
		for i, line := range payment.Lines {
			if (line.Credit != "") != credits {
				continue
			}
			if err := o.add(line); err != nil {
				return nil, fmt.Errorf("line %d: %w", i+1, err)
			}
		}
	}
	return o, nil
}

func (o *order) add(line connectors.PaymentLine) error {
	invoice, err := idOf(line.Invoice)
	if err != nil {
		return err
	}
	amount, amountErr := o.positive(line.Amount, true)
	discount, discountErr := o.positive(line.Discount, false)
	fee, feeErr := o.positive(line.LateFee, false)
	if err := errors.Join(amountErr, discountErr, feeErr); err != nil {
		return err
	}
	pays := money.New(amount.Minor-fee.Minor, o.currency)
	if line.Credit != "" {
		credit, err := idOf(line.Credit)
		if err != nil {
			return err
		}
		if discount.Minor != 0 || fee.Minor != 0 {
			return errors.New("a credit has neither a discount nor a late fee")
		}
		mark := marks + o.payment.Reference
		o.put(booking{credit, money.New(-pays.Minor, o.currency), discount, mark + " on " + line.Invoice})
		o.put(booking{invoice, pays, discount, mark + " by " + line.Credit})
		return nil
	}
	if pays.Minor <= 0 {
		return fmt.Errorf("of %s, a late fee of %s leaves nothing for the invoice", amount, fee)
	}
	if fee.Minor > 0 {
		o.left = append(o.left, fmt.Sprintf("a late fee of %s came with the payment of %s; write an invoice for it in Tryton and pay that", fee, line.Invoice))
	}
	o.put(booking{invoice, pays, discount, marks + o.payment.Reference})
	return nil
}

func (o *order) positive(text string, needed bool) (money.Amount, error) {
	if text == "" && !needed {
		return money.New(0, o.currency), nil
	}
	amount, err := money.Parse(text, o.currency)
	if err == nil && (amount.Minor < 0 || needed && amount.Minor == 0) {
		err = fmt.Errorf("the amount %s is not above zero", amount)
	}
	return amount, err
}

func (o *order) put(one booking) {
	for i, known := range o.bookings {
		if known.invoice == one.invoice && known.description == one.description {
			o.bookings[i].amount.Minor += one.amount.Minor
			o.bookings[i].discount.Minor += one.discount.Minor
			return
		}
	}
	o.bookings = append(o.bookings, one)
}

// moveRow is a move that is a payment of ours.
type moveRow struct {
	ID          int64   `json:"id"`
	Number      *string `json:"number"`
	Origin      string  `json:"origin"`
	Description *string `json:"description"`
	CreateDate  moment  `json:"create_date"`
}

func (r moveRow) key() int64 { return r.ID }

// held are the moves of a payment that Tryton has.
type held []moveRow

func (h held) has(one booking) bool {
	return slices.ContainsFunc(h, func(move moveRow) bool {
		return move.Origin == one.origin() && text(move.Description) == one.description
	})
}

func (h held) recorded() connectors.Recorded {
	var numbers []string
	recorded := connectors.Recorded{}
	for _, move := range h {
		number := text(move.Number)
		if number == "" {
			number = "move " + strconv.FormatInt(move.ID, 10)
		}
		numbers = append(numbers, number)
		if move.CreateDate.After(recorded.At) {
			recorded.At = move.CreateDate.Time
		}
	}
	recorded.ExternalID = strings.Join(numbers, ", ")
	return recorded
}

func (c *Client) held(ctx context.Context, bookings []booking) (held, error) {
	var origins, descriptions []string
	for _, one := range bookings {
		origins, descriptions = append(origins, one.origin()), append(descriptions, one.description)
	}
	return searchAll[moveRow](ctx, c, query{model: "account.move", domain: []any{term("origin", "in", origins), term("description", "in", descriptions)},
		fields: []string{"number", "origin", "description", "create_date"}})
}

// references are those of our payments that Tryton holds on invoices.
func (c *Client) references(ctx context.Context, invoices []int64) (map[int64][]string, error) {
	var from []string
	for _, id := range invoices {
		from = append(from, origins+strconv.FormatInt(id, 10))
	}
	moves, err := searchAll[moveRow](ctx, c, query{model: "account.move", domain: []any{term("origin", "in", from), term("description", "like", marks+"%")},
		fields: []string{"origin", "description"}})
	if err != nil {
		return nil, err
	}
	references := map[int64][]string{}
	for _, move := range moves {
		id, err := strconv.ParseInt(strings.TrimPrefix(move.Origin, origins), 10, 64)
		rest, ours := strings.CutPrefix(text(move.Description), marks)
		reference, _, _ := strings.Cut(rest, " ")
		if err == nil && ours && !slices.Contains(references[id], reference) {
			references[id] = append(references[id], reference)
		}
	}
	return references, nil
}

// left says what of a booked payment is not: late fees, and discounts that still are
// to be paid.
func (c *Client) left(ctx context.Context, o *order) ([]string, error) {
	left := slices.Clone(o.left)
	for _, one := range o.bookings {
		if one.discount.Minor == 0 {
			continue
		}
		rows, err := c.invoices(ctx, []any{term("id", "=", one.invoice)}, 1)
		if err != nil {
			return nil, err
		}
		if len(rows) == 0 || rows[0].State != "posted" {
			continue
		}
		if _, open, err := rows[0].amounts(); err == nil && open.Minor == 0 {
			continue
		}
		left = append(left, fmt.Sprintf("a discount of %s on %s is not written off: Tryton writes off all that a payment leaves open or nothing, "+
			"and needs one write-off method to do it with; name yours in this connection if you have several", one.discount, rows[0].Number))
	}
	return left, nil
}
