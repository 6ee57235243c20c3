package tryton

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/sheaf-hub/sheaf/hub/money"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

const (
	pageSize = 200 // invoices that are read at once
	// overlap is how long a change may take in Tryton: it is dated when its
	// transaction begins, and seen when that ends.
	overlap = 10 * time.Minute
	// mostRecent bounds what a cursor remembers of that time.
	mostRecent = 2000
	mostPages  = 100_000
)

// cursor is where to go on: behind the invoice with this time of its last change and
// this id. Recent are those that were brought within overlap, with the time of the
// change that was brought: at the end of a pull they are looked at again, and only
// what has changed once more comes again.
type cursor struct {
	Time   string           `json:"t"` // RFC 3339, the server's clock
	ID     int64            `json:"id"`
	End    bool             `json:"end,omitempty"`    // a pull came to its end here
	Recent map[string]int64 `json:"recent,omitempty"` // by id, microseconds since 1970
}

func parseCursor(text string) (cursor, time.Time, error) {
	var c cursor
	if text == "" {
		return cursor{Recent: map[string]int64{}}, time.Time{}, nil
	}
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return c, time.Time{}, fmt.Errorf("%w: it cannot be read", connectors.ErrCursor)
	}
	at, err := time.Parse(time.RFC3339Nano, c.Time)
	if err != nil {
		return c, at, fmt.Errorf("%w: it cannot be read", connectors.ErrCursor)
	}
	if c.Recent == nil {
		c.Recent = map[string]int64{}
	}
	return c, at, nil
}

// Pull implements connectors.Connector. Invoices come in the order of their last
// change; whatever changes what is open on one changes the invoice too.
func (c *Client) Pull(ctx context.Context, from string, sink func(connectors.Page) error) error {
	at, since, err := parseCursor(from)
	if err != nil {
		return err
	}
	if at.End { // again, as far back as a change may have taken
		since, at.ID, at.End = since.Add(-overlap), 0, false
	}
	done := int64(0)
	for range mostPages {
		if err := ctx.Err(); err != nil {
			return err
		}
		rows, err := c.changed(ctx, since, at.ID)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return nil
		}
		fresh := at.fresh(rows)
		page, err := c.page(ctx, fresh)
		if err != nil {
			return err
		}
		last := rows[len(rows)-1]
		since, at.ID = last.WriteDate.Time, last.ID
		at.Time, at.End = since.Format(time.RFC3339Nano), len(rows) < c.pageSize
		at.remember(fresh, since)
		done += int64(len(fresh))
		encoded, err := json.Marshal(at)
		if err != nil {
			return fmt.Errorf("encode the cursor: %w", err)
		}
		page.Cursor, page.Done = string(encoded), done
		if len(fresh) > 0 {
			if err := sink(page); err != nil {
				return err
			}
		}
		if at.End {
			return nil
		}
	}
	return fmt.Errorf("%w: the books do not come to an end", connectors.ErrUnreachable)
}

// fresh leaves out what was brought as it is.
func (c cursor) fresh(rows []invoiceRow) []invoiceRow {
	var fresh []invoiceRow
	for _, row := range rows {
		if c.Recent[strconv.FormatInt(row.ID, 10)] != row.WriteDate.UnixMicro() {
			fresh = append(fresh, row)
		}
	}
	return fresh
}

// remember notes what was brought, and forgets what is long ago.
func (c cursor) remember(rows []invoiceRow, now time.Time) {
	for _, row := range rows {
		c.Recent[strconv.FormatInt(row.ID, 10)] = row.WriteDate.UnixMicro()
	}
	oldest := now.Add(-overlap).UnixMicro()
	for id, at := range c.Recent {
		if at < oldest || len(c.Recent) > mostRecent {
			delete(c.Recent, id) // what is forgotten too early comes again, and is the same
		}
	}
}

func customers() []any {
	return []any{[]any{"type", "=", "out"}, []any{"state", "in", []string{"posted", "paid", "cancelled"}}, []any{"number", "!=", nil}}
}

// changed are the next invoices in the order of their last change. One that was
// posted was changed after it was made, so each has such a time.
func (c *Client) changed(ctx context.Context, since time.Time, id int64) ([]invoiceRow, error) {
	domain := customers()
	if !since.IsZero() {
		at := moment{since}.datetime()
		domain = append(domain, []any{"OR", []any{[]any{"write_date", ">", at}}, []any{[]any{"write_date", "=", at}, []any{"id", ">", id}}})
	}
	return c.invoices(ctx, domain, c.pageSize)
}

// page turns invoices into neutral records, with the accounts that they are on.
func (c *Client) page(ctx context.Context, rows []invoiceRow) (connectors.Page, error) {
	var page connectors.Page
	if len(rows) == 0 {
		return page, nil
	}
	due, err := c.dueDates(ctx, rows)
	if err != nil {
		return page, err
	}
	applied, err := c.references(ctx, rows)
	if err != nil {
		return page, err
	}
	if page.Accounts, err = c.accounts(ctx, rows); err != nil {
		return page, err
	}
	for _, row := range rows {
		total, open, err := row.amounts()
		if err != nil {
			page.Rejected = append(page.Rejected, connectors.Rejected{Place: row.Number, ExternalID: row.externalID(),
				Problems: []connectors.Problem{{Field: "/total", Message: err.Error()}}})
			continue
		}
		if total.Minor < 0 {
			page.Credits = append(page.Credits, row.credit(total, open, applied[row.ID]))
		} else {
			page.Invoices = append(page.Invoices, row.invoice(total, open, due[row.ID], applied[row.ID]))
		}
	}
	return page, nil
}

func (r invoiceRow) amounts() (total, open money.Amount, err error) {
	currency := money.Currency(r.Currency.Code)
	if total, err = money.Parse(string(r.TotalAmount), currency); err != nil {
		return total, open, fmt.Errorf("the total %q %s cannot be read: %w", r.TotalAmount, currency, err)
	}
	if open, err = money.Parse(string(r.AmountToPay), currency); err != nil {
		return total, open, fmt.Errorf("the amount to pay %q %s cannot be read: %w", r.AmountToPay, currency, err)
	}
	return total, open, nil
}
