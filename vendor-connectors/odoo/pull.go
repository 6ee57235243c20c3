package odoo

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/rounds"
)

const (
	perPage   = 100  // records of one call
	mostAside = 5000 // records of one call beside them: lines, contacts, payments, papers
)

// Pull is connectors.Connector.Pull. Odoo sets write_date also when a payment lowers
// what is open, as its ORM does for computed fields.
func (c *Client) Pull(ctx context.Context, cursor string, sink func(connectors.Page) error) error {
	customers := domain{"|", term("customer_rank", ">", 0), term("commercial_partner_id.customer_rank", ">", 0)}
	moves := domain{term("move_type", "in", []string{typeInvoice, typeCredit})}
	open := append(domain{term("state", "=", movePosted), term("payment_state", "not in", []string{statePaid, stateInPayment, stateReversed, stateLegacy})}, moves...)
	return rounds.Reader{Now: c.now, Lists: []rounds.List{
		{Look: c.look("res.partner", customers, customers), Read: c.read("res.partner", customers, customers, partnerFields(), c.partners)},
		{Look: c.look("account.move", moves, open), Read: c.read("account.move", moves, open, moveFields(), c.moves)},
	}}.Pull(ctx, cursor, sink)
}

// look asks how far a model is. What the first round reads may be less than all.
func (c *Client) look(model string, all, first domain) func(context.Context) (rounds.Look, error) {
	return func(ctx context.Context) (rounds.Look, error) {
		var newest []struct {
			Changed stamp `json:"write_date"`
		}
		answer, err := c.search(ctx, model, all, []string{"write_date"}, "write_date desc", 1, &newest)
		if err != nil {
			return rounds.Look{}, err
		}
		var look rounds.Look
		if now, err := http.ParseTime(answer.Header.Get("Date")); err == nil {
			look.Now = now.UTC()
		}
		if len(newest) > 0 {
			look.Newest = newest[0].Changed.time()
		}
		_, err = c.call(ctx, model, "search_count", args{"domain": first, "context": map[string]any{"active_test": false}}, &look.Count)
		return look, err
	}
}

// read gives pages in the order of the ids, which no change disturbs. The first
// round reads only what is open; what changes while it does comes in the next.
func (c *Client) read(model string, all, first domain, fields []string, records func(context.Context, []json.RawMessage) ([]rounds.Record, error)) func(context.Context, time.Time, string) (rounds.Batch, error) {
	return func(ctx context.Context, since time.Time, after string) (rounds.Batch, error) {
		condition := append(domain{}, all...)
		if since.IsZero() {
			condition = append(domain{}, first...)
		} else {
			condition = append(condition, term("write_date", ">=", since.Format(stampLayout)))
		}
		if id, err := strconv.ParseInt(after, 10, 64); err == nil {
			condition = append(condition, term("id", ">", id))
		}
		var raws []json.RawMessage
		if _, err := c.search(ctx, model, condition, fields, "id", perPage, &raws); err != nil {
			return rounds.Batch{}, err
		}
		if len(raws) == 0 {
			return rounds.Batch{}, nil
		}
		list, err := records(ctx, raws)
		if err != nil {
			return rounds.Batch{}, err
		}
		batch := rounds.Batch{Records: list}
		if len(raws) >= perPage {
			var last struct {
				ID int64 `json:"id"`
			}
			if err := json.Unmarshal(raws[len(raws)-1], &last); err != nil || last.ID == 0 {
				return rounds.Batch{}, fmt.Errorf("%w: Odoo gives a %s without an id", connectors.ErrUnreachable, model)
			}
			batch.Next = strconv.FormatInt(last.ID, 10)
		}
		return batch, nil
	}
}

// moves turns a page of invoices and credit notes into records, with their lines,
// papers and payments, which are asked for once a page.
func (c *Client) moves(ctx context.Context, raws []json.RawMessage) ([]rounds.Record, error) {
	moves, unread := make([]wireMove, len(raws)), map[int]bool{}
	var ids, payments []int64
	for i, raw := range raws {
		if json.Unmarshal(raw, &moves[i]) != nil {
			unread[i] = true
			continue
		}
		ids, payments = append(ids, moves[i].ID), append(payments, moves[i].Payments...)
	}
	aside, err := c.aside(ctx, ids, payments)
	if err != nil {
		return nil, err
	}
	var list []rounds.Record
	for i, move := range moves {
		if unread[i] {
			list = append(list, unreadable("invoice", raws[i]))
			continue
		}
		list = append(list, rounds.Record{ID: "m" + strconv.FormatInt(move.ID, 10), Changed: move.Changed.time(), Raw: raws[i], Add: aside.record(move)})
	}
	return list, nil
}

// aside is what belongs to the moves of one page.
type aside struct {
	lines  map[int64][]connectors.Line
	papers map[int64][]connectors.Document
	memos  map[int64]string // of payments that stand
}

func (c *Client) aside(ctx context.Context, ids, payments []int64) (aside, error) {
	a := aside{lines: map[int64][]connectors.Line{}, papers: map[int64][]connectors.Document{}, memos: map[int64]string{}}
	var lines []wireLine
	if _, err := c.search(ctx, "account.move.line", domain{term("move_id", "in", ids), term("display_type", "=", "product")},
		[]string{"move_id", "name", "quantity", "price_unit", "price_subtotal"}, "move_id, id", mostAside, &lines); err != nil {
		return a, err
	}
	for _, line := range lines {
		a.lines[line.Move.ID] = append(a.lines[line.Move.ID], connectors.Line{Description: string(line.Name), Quantity: line.Quantity.String(),
			UnitPrice: line.Price.String(), Amount: line.Amount.String()})
	}
	var papers []wireAttachment
	if _, err := c.search(ctx, "ir.attachment", domain{term("res_model", "=", "account.move"), term("res_field", "=", pdfField), term("res_id", "in", ids)},
		[]string{"id", "name", "res_id", "mimetype", "res_model", "res_field"}, "id", mostAside, &papers); err != nil {
		return a, err
	}
	for _, paper := range papers {
		a.papers[paper.Record] = append(a.papers[paper.Record], connectors.Document{Name: string(paper.Name), ContentType: pdfType, Ref: strconv.FormatInt(paper.ID, 10)})
	}
	if len(payments) == 0 {
		return a, nil
	}
	var memos []wirePayment
	if _, err := c.search(ctx, "account.payment", domain{term("id", "in", payments)}, []string{"id", "memo", "state"}, "id", mostAside, &memos); err != nil {
		return a, err
	}
	for _, payment := range memos {
		if payment.stands() {
			a.memos[payment.ID] = string(payment.Memo)
		}
	}
	return a, nil
}
