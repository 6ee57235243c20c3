package xero

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/rest"
)

const (
	// step is how far before the last change of a page the next window begins.
	step = 10 * time.Second
	// mostRestarts is how often one list may change under our hands in one pull.
	mostRestarts = 50
	// mostReads bounds the pages of one list in one pull.
	mostReads = 100_000
)

// list is one of the lists that are read.
type list struct {
	path  string
	first url.Values // what is asked for when everything is read: what is open
	since url.Values // and when what changed is: what is closed too
	add   func(reader, json.RawMessage)
	pick  func(envelope) []json.RawMessage
	id    func(head) string
}

// envelope is a page of any list. A list that is not there stays nil.
type envelope struct {
	Contacts, Invoices, CreditNotes, Overpayments, Prepayments []json.RawMessage

	Pagination pagination `json:"pagination"`
}

// lists stand in the order in which a first reading takes them.
func lists() []list {
	credit := func(kind creditKind) func(reader, json.RawMessage) {
		return func(r reader, raw json.RawMessage) { r.credit(kind, raw) }
	}
	return []list{
		{path: "/Contacts", first: url.Values{"includeArchived": {"true"}}, since: url.Values{"includeArchived": {"true"}},
			add: reader.contact, pick: func(e envelope) []json.RawMessage { return e.Contacts }, id: func(h head) string { return h.ContactID }},
		{path: "/Invoices", first: url.Values{"where": {`Type=="ACCREC"`}, "Statuses": {authorised}},
			since: url.Values{"where": {`Type=="ACCREC"`}, "Statuses": {authorised + "," + paid + "," + voided + "," + deleted}},
			add:   reader.invoice, pick: func(e envelope) []json.RawMessage { return e.Invoices }, id: func(h head) string { return h.InvoiceID }},
		{path: creditNotes.path, first: url.Values{"where": {`Type=="ACCRECCREDIT" AND Status=="AUTHORISED"`}}, since: url.Values{"where": {`Type=="ACCRECCREDIT"`}},
			add: credit(creditNotes), pick: func(e envelope) []json.RawMessage { return e.CreditNotes }, id: func(h head) string { return h.CreditNoteID }},
		{path: overpayments.path, first: url.Values{"where": {`Status=="AUTHORISED"`}}, since: url.Values{},
			add: credit(overpayments), pick: func(e envelope) []json.RawMessage { return e.Overpayments }, id: func(h head) string { return h.OverpaymentID }},
		{path: prepayments.path, first: url.Values{"where": {`Status=="AUTHORISED"`}}, since: url.Values{},
			add: credit(prepayments), pick: func(e envelope) []json.RawMessage { return e.Prepayments }, id: func(h head) string { return h.PrepaymentID }},
	}
}

// Pull reads contacts, sales invoices, credit notes, overpayments and prepayments.
// Without a cursor it takes what is open, and then what changed while it did; with
// one, what changed since, in every list.
func (c *Client) Pull(ctx context.Context, text string, sink func(connectors.Page) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	at, err := c.begin(ctx, text)
	if err != nil {
		return err
	}
	for at.First {
		if err := c.readList(ctx, at, sink); err != nil {
			return err
		}
	}
	// From where the cursor stands, once around: a pull that goes on after another
	// one's last page reads the lists before it too.
	for from, i := at.List, 0; i < len(at.Lists); i++ {
		if i > 0 {
			at.begin((from + i) % len(at.Lists))
		}
		if err := c.readList(ctx, at, sink); err != nil {
			return err
		}
	}
	return nil
}

// begin opens a cursor or, without one, notes where each list ends now: the first
// reading takes the open records alone, and one that is closed meanwhile leaves it.
func (c *Client) begin(ctx context.Context, text string) (*cursor, error) {
	if text != "" {
		at, err := parseCursor(text)
		if err == nil && !at.First {
			at.Done, at.Total = 0, 0
		}
		return at, err
	}
	at := &cursor{Version: cursorVersion, First: true, Lists: make([]progress, len(lists()))}
	for i, one := range lists() {
		newest, err := c.readPage(ctx, one, request{query: one.since, order: "UpdatedDateUTC DESC", page: 1, size: 1})
		if err != nil {
			return nil, err
		}
		if len(newest.keys) > 0 {
			at.Lists[i].Mark = max(newest.keys[0].At-overlap.Milliseconds(), 0)
		}
		count, err := c.readPage(ctx, one, request{query: one.first, order: ascending, page: 1, size: 1})
		if err != nil {
			return nil, err
		}
		at.Total += int64(count.items)
	}
	at.begin(0)
	return at, nil
}

// readList reads one list to its end, from where the cursor stands in it.
func (c *Client) readList(ctx context.Context, at *cursor, sink func(connectors.Page) error) error {
	one, query := lists()[at.List], lists()[at.List].since
	if at.First {
		query = lists()[at.List].first
	}
	restarts := 0
	for range mostReads {
		got, err := c.readPage(ctx, one, request{query: query, order: ascending, floor: at.Floor, page: at.Pages + 1, size: c.pageSize})
		if err != nil {
			return err
		}
		if at.Pages > 0 {
			still, err := c.stillThere(ctx, one, query, at, got)
			if err != nil {
				return err
			}
			if !still {
				if restarts++; restarts > mostRestarts {
					return fmt.Errorf("%w: Xero's records change faster than they can be read", connectors.ErrUnreachable)
				}
				at.Pages, at.Size = 0, 0
				continue
			}
		}
		page := c.gather(one, at, got)
		ended := at.advance(got)
		if err := give(ctx, page, at, sink); err != nil || ended {
			return err
		}
	}
	return fmt.Errorf("%w: Xero's list of %s does not end", connectors.ErrUnreachable, one.path[1:])
}

// stillThere says whether the record that ended the pages before is still where it
// was, after the page behind it was read: then nothing before it moved, and no record
// fell between the two.
func (c *Client) stillThere(ctx context.Context, one list, query url.Values, at *cursor, got listPage) (bool, error) {
	if got.size != at.Size {
		return false, nil // pages of another size begin elsewhere
	}
	before, err := c.readPage(ctx, one, request{query: query, order: ascending, floor: at.Floor, page: at.Pages * at.Size, size: 1})
	if err != nil {
		return false, err
	}
	return len(before.keys) == 1 && before.keys[0] == at.Last, nil
}

// gather puts what was not given yet on a page.
func (c *Client) gather(one list, at *cursor, got listPage) connectors.Page {
	var page connectors.Page
	progress := &at.Lists[at.List]
	for i, record := range got.keys {
		if progress.has(record) {
			continue
		}
		one.add(reader{&page}, got.records[i])
		progress.remember(record)
		at.Done++
	}
	if at.Total > 0 {
		at.Done = min(at.Done, at.Total)
	}
	return page
}

// advance moves the cursor behind a page and says whether the list ended with it.
func (c *cursor) advance(got listPage) bool {
	if len(got.keys) > 0 {
		c.Last = got.keys[len(got.keys)-1]
	}
	if got.last {
		c.end()
		return true
	}
	c.Pages, c.Size = c.Pages+1, got.size
	// A window that began before this page would read what is behind us again.
	if floor := c.Last.At - c.Last.At%1000 - step.Milliseconds(); floor > c.Floor && len(got.keys) > 0 && floor >= got.keys[0].At {
		c.Floor, c.Pages, c.Size = floor, 0, 0
	}
	return false
}

// give hands a page on, unless nothing is on it.
func give(ctx context.Context, page connectors.Page, at *cursor, sink func(connectors.Page) error) error {
	if len(page.Accounts)+len(page.Invoices)+len(page.Credits)+len(page.Gone)+len(page.Rejected) > 0 {
		page.Cursor, page.Done, page.Total = at.String(), at.Done, at.Total
		if err := sink(page); err != nil {
			return err
		}
	}
	return ctx.Err()
}

const ascending = "UpdatedDateUTC ASC"

// request is what is asked of a list.
type request struct {
	query url.Values
	order string
	floor int64 // what changed since; 0: whenever
	page  int
	size  int
}

// listPage is what came.
type listPage struct {
	records []json.RawMessage
	keys    []key // of the records
	size    int   // of a page, as Xero cuts them
	items   int   // of all pages
	last    bool
}

func (c *Client) readPage(ctx context.Context, one list, r request) (listPage, error) {
	query := url.Values{"order": {r.order}, "page": {strconv.Itoa(r.page)}, "pageSize": {strconv.Itoa(r.size)}}
	for name, values := range r.query {
		query[name] = values
	}
	call := rest.Call{Path: accounting + one.path, Query: query}
	if r.floor > 0 {
		call.Header = http.Header{"If-Modified-Since": {time.UnixMilli(r.floor).UTC().Format("2006-01-02T15:04:05Z")}}
	}
	var got envelope
	answer, err := c.call(ctx, call, &got)
	if err != nil {
		return listPage{}, err
	}
	records := one.pick(got)
	if answer.Status == http.StatusNotModified {
		return listPage{size: r.size, last: true}, nil
	}
	if records == nil {
		return listPage{}, fmt.Errorf("%w: Xero answers something that is not its list of %s", connectors.ErrUnreachable, one.path[1:])
	}
	return cutPage(one, r, records, got.Pagination)
}

// cutPage finds the place of each record, and whether more follow.
func cutPage(one list, r request, records []json.RawMessage, said pagination) (listPage, error) {
	got := listPage{records: records, size: r.size, items: said.ItemCount}
	if said.PageSize > 0 {
		got.size = said.PageSize
	}
	got.last = len(records) < got.size
	if said.PageCount > 0 {
		got.last = len(records) == 0 || r.page >= said.PageCount
	}
	before := r.floor - r.floor%1000
	for _, raw := range records {
		place := keyOf(one, raw, before)
		if r.order == ascending && place.At < before {
			return listPage{}, fmt.Errorf("%w: Xero does not give its list of %s in the order of changes", connectors.ErrUnreachable, one.path[1:])
		}
		before = place.At
		got.keys = append(got.keys, place)
	}
	return got, nil
}

// keyOf is a record's place. One that does not say when it changed stands with the
// one before it, and one without an id is known by what it says.
func keyOf(one list, raw json.RawMessage, before int64) key {
	var found head
	_ = json.Unmarshal(raw, &found) // a record that cannot be read is judged later
	place := key{At: before, ID: one.id(found)}
	if at, ok := parseInstant(found.UpdatedDateUTC); ok {
		place.At = at.UnixMilli()
	}
	if !isID(place.ID) {
		place.ID = key{ID: string(raw)}.print()
	}
	return place
}
