package example

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/sheaf-hub/sheaf/hub/money"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/rest"
)

// RecordPayment is connectors.PaymentRecorder.RecordPayment.
//
// The ledger books what it is sent, twice when it is sent twice, and takes one line
// at a time. So each line is marked with our reference and its number, and every try
// begins by asking which of them the ledger holds. Whatever happened to the try
// before, a lost answer or a crash between two lines, the next one books what is
// missing and nothing else.
func (c *Client) RecordPayment(ctx context.Context, payment connectors.Payment) (connectors.Recorded, error) {
	lines, err := c.lines(payment) // all are judged before the first is booked
	if err != nil {
		return connectors.Recorded{}, fmt.Errorf("%w: %w", connectors.ErrRefused, err)
	}
	held, err := c.held(ctx, payment.Reference)
	if err != nil {
		return connectors.Recorded{}, err
	}
	var recorded connectors.Recorded
	for i, line := range lines {
		booked, there := held[line.Reference]
		if !there {
			if booked, err = c.book(ctx, line); err != nil {
				return connectors.Recorded{}, fmt.Errorf("line %d of %d, those before it are booked: %w", i+1, len(lines), err)
			}
		}
		if recorded.ExternalID == "" { // the first line stands for all: the same on every try
			recorded.ExternalID = booked.ID
		}
		if booked.BookedAt.After(recorded.At) {
			recorded.At = booked.BookedAt
		}
	}
	return recorded, nil
}

// held are the lines of a payment that the ledger holds, by their marks.
func (c *Client) held(ctx context.Context, reference string) (map[string]wirePayment, error) {
	var found wirePayments
	if _, err := c.api.JSON(ctx, rest.Call{Path: "/payments", Query: url.Values{"reference_begins": {mark(reference, 0)}}}, &found); err != nil {
		return nil, err
	}
	held := map[string]wirePayment{}
	for _, one := range found.Records {
		held[one.Reference] = one
	}
	return held, nil
}

// book sends one line. Write tells rest that a missing answer is ErrUnknown.
func (c *Client) book(ctx context.Context, line wirePayment) (wirePayment, error) {
	var booked wirePayment
	_, err := c.api.JSON(ctx, rest.Call{Method: http.MethodPost, Path: "/payments", Body: line, Write: true}, &booked)
	switch {
	case errors.Is(err, connectors.ErrGone): // of the invoice: trying again does not help
		return wirePayment{}, fmt.Errorf("%w: %w", connectors.ErrRefused, err)
	case err != nil:
		return wirePayment{}, err
	case booked.ID == "" || booked.Reference != line.Reference:
		return wirePayment{}, fmt.Errorf("%w: the ledger does not say what it booked", connectors.ErrUnknown)
	}
	return booked, nil
}

// lines are what is sent. The error is for the vendor's staff.
func (c *Client) lines(payment connectors.Payment) ([]wirePayment, error) {
	currency, err := money.ParseCurrency(payment.Currency)
	if err != nil {
		return nil, err
	}
	to := c.account[payment.Clearing]
	if to == "" {
		return nil, errors.New("the connection does not say which account to book to; add it to its settings")
	}
	if payment.Reference == "" || len(payment.Lines) == 0 {
		return nil, errors.New("a payment needs a reference and lines")
	}
	var out []wirePayment
	for i, line := range payment.Lines {
		one := wirePayment{Reference: mark(payment.Reference, i+1), Account: to, Date: payment.Date, Currency: payment.Currency,
			Invoice: line.Invoice, Credit: line.Credit}
		if line.Credit != "" {
			one.Account = "" // no money comes
		}
		for _, part := range []struct {
			text string
			into *json.Number
		}{{line.Amount, &one.Amount}, {line.Discount, &one.Discount}, {line.LateFee, &one.Fee}} {
			if part.text == "" {
				continue
			}
			amount, err := money.Parse(part.text, currency)
			if err != nil || !amount.Positive() {
				return nil, fmt.Errorf("line %d: %q is not an amount above zero in %s", i+1, part.text, currency)
			}
			*part.into = json.Number(amount.Decimal())
		}
		if one.Invoice == "" || one.Amount == "" {
			return nil, fmt.Errorf("line %d needs an invoice and an amount", i+1)
		}
		out = append(out, one)
	}
	return out, nil
}

const between = " line "

// mark is what a line is found by: "SHF-1 line 2". Line 0 is how all of them begin.
// The word between keeps SHF-1 apart from SHF-12.
func mark(reference string, line int) string {
	if line == 0 {
		return reference + between
	}
	return reference + between + strconv.Itoa(line)
}

// ourReference takes a mark apart; false: it is none of ours.
func ourReference(text string) (string, bool) {
	reference, line, marked := strings.Cut(text, between)
	_, err := strconv.Atoi(line)
	return reference, marked && err == nil && reference != ""
}
