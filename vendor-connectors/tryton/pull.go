package tryton

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/rounds"
)

const pageSize = 200 // invoices, or parties, that are read at once

// pulling is one pull.
type pulling struct {
	*Client
	first    bool // without a cursor
	looked   bool // for payments of the module account_payment
	payments bool // invoices can be searched by them
}

// Pull implements connectors.Connector. Tryton dates an invoice anew when a payment is
// put on it and when its state changes, but not when a line of its move is reconciled
// by hand or gets another day to pay, nor when a payment of the module account_payment
// lowers what is open. So an invoice has changed when any of these has. Each is dated
// when its transaction begins, and seen when that is committed: package rounds looks
// back as far as that may take. An account comes with its invoices, and when its party
// or the party's addresses change.
func (c *Client) Pull(ctx context.Context, cursor string, sink func(connectors.Page) error) error {
	p := &pulling{Client: c, first: cursor == ""}
	return rounds.Reader{Now: c.now, Lists: []rounds.List{
		{Look: p.lookAtParties, Read: p.readParties},
		{Look: p.lookAtInvoices, Read: p.readInvoices},
	}}.Pull(ctx, cursor, sink)
}

func (p *pulling) lookAtParties(ctx context.Context) (rounds.Look, error) {
	return p.look(ctx, "party.party")
}

func (p *pulling) lookAtInvoices(ctx context.Context) (rounds.Look, error) {
	look, err := p.look(ctx, "account.invoice")
	if err != nil || !p.first {
		return look, err
	}
	_, err = p.call(ctx, false, &look.Count, "model.account.invoice.search_count", nil, customers())
	return look, err
}

// look asks when something was changed last, by the clock of the database.
func (p *pulling) look(ctx context.Context, model string) (rounds.Look, error) {
	var newest []struct {
		WriteDate moment `json:"write_date"`
	}
	now, err := p.search(ctx, query{model: model, domain: []any{term("write_date", "!=", nil)}, limit: 1, order: []any{[]any{"write_date", "DESC"}}, fields: []string{"write_date"}}, &newest)
	look := rounds.Look{Now: now}
	if len(newest) > 0 {
		look.Newest = newest[0].WriteDate.Time
	}
	return look, err
}

// customers is the domain of what is pulled: what was posted and has a number. Such an
// invoice is never deleted in Tryton.
func customers() []any {
	return []any{term("type", "=", "out"), term("state", "in", []string{"posted", "paid", "cancelled"}), term("number", "!=", nil)}
}

// changedSince is a domain; a row that was never written has only the date of its making.
func changedSince(since time.Time, paths ...string) []any {
	either := []any{"OR"}
	for _, path := range paths {
		either = append(either, term(path+"write_date", ">=", wireDatetime(since)), term(path+"create_date", ">=", wireDatetime(since)))
	}
	return either
}

// page adds to a domain where a page begins.
func page(domain []any, after string) ([]any, error) {
	if after == "" {
		return domain, nil
	}
	id, err := strconv.ParseInt(after, 10, 64)
	if err != nil || id < 0 {
		return nil, fmt.Errorf("%w: the cursor is not one of this connector", connectors.ErrCursor)
	}
	return append(domain, term("id", ">", id)), nil
}

// next is the place after a page; empty: there is no more.
func next[R row](rows []R, size int) string {
	if len(rows) < size {
		return ""
	}
	return strconv.FormatInt(rows[len(rows)-1].key(), 10)
}

func (p *pulling) readInvoices(ctx context.Context, since time.Time, after string) (rounds.Batch, error) {
	domain := customers()
	if !since.IsZero() {
		paths := []string{"", "move.lines.", "payment_lines."}
		if err := p.lookForPayments(ctx); err != nil {
			return rounds.Batch{}, err
		}
		if p.payments {
			paths = append(paths, "move.lines.payments.")
		}
		domain = append(domain, changedSince(since, paths...))
	}
	domain, err := page(domain, after)
	if err != nil {
		return rounds.Batch{}, err
	}
	rows, err := p.invoices(ctx, domain, p.pageSize)
	if err != nil || len(rows) == 0 {
		return rounds.Batch{}, err
	}
	records, err := p.records(ctx, rows, since)
	return rounds.Batch{Records: records, Next: next(rows, p.pageSize)}, err
}

// lookForPayments asks whether the module account_payment is activated and the user
// may read its payments: only then can invoices be searched by them.
func (p *pulling) lookForPayments(ctx context.Context) error {
	if p.looked {
		return nil
	}
	const payment = "account.payment"
	var fields map[string]struct {
		Relation string `json:"relation"`
	}
	if _, err := p.call(ctx, false, &fields, "model.account.move.line.fields_get", nil, []string{"payments"}); err != nil {
		return err
	}
	if p.looked = true; fields["payments"].Relation != payment {
		return nil
	}
	var access map[string]struct {
		Read int `json:"read"`
	}
	_, err := p.call(ctx, false, &access, "model.ir.model.access.get_access", nil, []string{payment})
	p.payments = access[payment].Read > 0
	return err
}

func (p *pulling) readParties(ctx context.Context, since time.Time, after string) (rounds.Batch, error) {
	if since.IsZero() {
		return rounds.Batch{}, nil // they come with their invoices
	}
	domain, err := page([]any{changedSince(since, "", "contact_mechanisms."), term("active", "in", []bool{true, false})}, after)
	if err != nil {
		return rounds.Batch{}, err
	}
	var changed []idRow
	if _, err := p.search(ctx, query{model: "party.party", domain: domain, order: byID(), limit: p.pageSize, fields: []string{"id"}}, &changed); err != nil || len(changed) == 0 {
		return rounds.Batch{}, err
	}
	owing, err := p.withInvoices(ctx, changed)
	if err != nil {
		return rounds.Batch{}, err
	}
	accounts, err := p.accounts(ctx, owing)
	if err != nil {
		return rounds.Batch{}, err
	}
	batch := rounds.Batch{Next: next(changed, p.pageSize)}
	for _, one := range accounts {
		record, err := one.record(since)
		if err != nil {
			return rounds.Batch{}, err
		}
		batch.Records = append(batch.Records, record)
	}
	return batch, nil
}

type idRow struct {
	ID int64 `json:"id"`
}

func (r idRow) key() int64 { return r.ID }

// withInvoices are those of some parties that have invoices here. One that has many
// hides the others in a search, so it is left out of the next.
func (p *pulling) withInvoices(ctx context.Context, parties []idRow) ([]int64, error) {
	var owing, asked []int64
	for _, party := range parties {
		asked = append(asked, party.ID)
	}
	for len(asked) > 0 {
		var rows []struct {
			Party int64 `json:"party"`
		}
		q := query{model: "account.invoice", domain: append(customers(), term("party", "in", asked)), order: byID(), limit: mostRows, fields: []string{"party"}}
		if _, err := p.search(ctx, q, &rows); err != nil {
			return nil, err
		}
		found := len(owing)
		for _, row := range rows {
			if !slices.Contains(owing, row.Party) {
				owing = append(owing, row.Party)
			}
		}
		if len(rows) < mostRows || len(owing) == found {
			break
		}
		asked = slices.DeleteFunc(asked, func(id int64) bool { return slices.Contains(owing, id) })
	}
	slices.Sort(owing)
	return owing, nil
}

// record is what rounds compares: the neutral record itself, so that what nobody here
// would see change is no change. What was found by a change that bears another date
// counts as changed now.
func record(id string, changed, since time.Time, neutral any, add func(*connectors.Page)) (rounds.Record, error) {
	raw, err := json.Marshal(neutral)
	if err != nil {
		return rounds.Record{}, fmt.Errorf("encode %s: %w", id, err)
	}
	if !since.IsZero() && changed.Before(since) {
		changed = endOfTime()
	}
	return rounds.Record{ID: id, Changed: changed, Raw: raw, Add: add}, nil
}

func endOfTime() time.Time { return time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC) }
