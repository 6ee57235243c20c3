package quickbooks

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"github.com/sheaf-hub/sheaf/hub/money"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/rest"
)

const (
	// mostRestarts is how often one list may change under our hands in one pull.
	mostRestarts = 50
	// mostReads bounds the pages of one list in one pull.
	mostReads = 100_000
	// mostPayments are read at once, because each can bring many invoices to the page.
	mostPayments = 100
	// saveEvery is how often a cursor is given out although nothing changed, so that it
	// stays younger than the thirty days that change data capture knows.
	saveEvery = 24 * time.Hour
)

// list is one of the lists that are read.
type list struct {
	entity string
	where  []string // always
	first  []string // and when everything is read: what is open
	// changesAlone: what was there before the first reading is not read.
	changesAlone bool
	most         int // records of a page, where a full one would be too many; 0: it is not
	add          func(p *pulling, ctx context.Context, page *connectors.Page, records []json.RawMessage) error
}

// lists stand in the order in which they are read: what others name comes first. Of
// payments only the news is read, for the documents that they touched.
func lists() []list {
	return []list{
		{entity: "Customer", where: []string{everyState}, add: (*pulling).customers},
		{entity: txnInvoice, first: []string{"Balance > '0'"}, add: (*pulling).invoices},
		{entity: txnCredit, add: (*pulling).creditMemos},
		{entity: txnPayment, changesAlone: true, most: mostPayments, add: (*pulling).payments},
	}
}

// pulling is one pull.
type pulling struct {
	*Client
	at    *cursor
	sink  func(connectors.Page) error
	given bool // a page was handed on
	terms map[string]string
	home  money.Currency
}

// Pull reads customers, invoices and credit memos. Without a cursor it takes customers,
// open invoices and all credit memos, and then what changed while it did; with one, what
// changed since, and what was deleted. ErrCursor: more than thirty days ago, or so
// much changed that QuickBooks does not list all that was deleted.
func (c *Client) Pull(ctx context.Context, text string, sink func(connectors.Page) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p := &pulling{Client: c, sink: sink}
	if err := p.begin(ctx, text); err != nil {
		return err
	}
	for _, first := range []bool{true, false} {
		for i := range p.at.Lists {
			if first && !p.at.Lists[i].First {
				continue
			}
			if err := p.readList(ctx, i); err != nil {
				return err
			}
		}
	}
	return p.deletions(ctx)
}

// begin opens a cursor or makes one, and reads what every record needs: the terms and
// the home currency.
func (p *pulling) begin(ctx context.Context, text string) error {
	if text != "" {
		at, err := parseCursor(text)
		if err != nil {
			return err
		}
		p.at = at
		for i := range at.Lists {
			at.Lists[i].resume()
		}
	}
	terms, err := p.all(ctx, statement{entity: "Term", where: []string{everyState}})
	if err != nil {
		return err
	}
	p.terms = map[string]string{}
	for _, raw := range terms.records {
		var term wireTerm
		if json.Unmarshal(raw, &term) == nil { // else the records come without their terms
			p.terms[term.ID] = term.words()
		}
	}
	if p.home, err = p.homeCurrency(ctx); err != nil {
		return err
	}
	if p.at == nil {
		p.at = newCursor(terms.at)
		return p.count(ctx)
	}
	if !p.at.first() {
		p.at.Done, p.at.Total = 0, 0
	}
	return p.at.young(terms.at)
}

// homeCurrency is that of a company. It is empty when QuickBooks does not say it:
// records that need it are then rejected.
func (c *Client) homeCurrency(ctx context.Context) (money.Currency, error) {
	var answer struct {
		Preferences *struct {
			CurrencyPrefs struct{ HomeCurrency ref }
		}
	}
	if _, err := c.call(ctx, rest.Call{Path: "/preferences"}, &answer); err != nil {
		return "", err
	}
	if answer.Preferences == nil {
		return "", unusable("its preferences")
	}
	currency, err := money.ParseCurrency(answer.Preferences.CurrencyPrefs.HomeCurrency.Value)
	if err != nil {
		return "", nil
	}
	return currency, nil
}

// count is how many records the first reading will bring.
func (p *pulling) count(ctx context.Context) error {
	for _, one := range lists() {
		if one.changesAlone {
			continue
		}
		got, err := p.query(ctx, statement{entity: one.entity, where: append(append([]string{}, one.where...), one.first...), count: true})
		if err != nil {
			return err
		}
		p.at.Total += got.count
	}
	return nil
}

// readList reads one list to its end, from where the cursor stands in it.
func (p *pulling) readList(ctx context.Context, i int) error {
	one, at := lists()[i], &p.at.Lists[i]
	restarts := 0
	for range mostReads {
		got, err := p.readPage(ctx, one, *at)
		if err != nil {
			return err
		}
		if at.Skip > 0 {
			if len(got.keys) == 0 || got.keys[0] != at.Last {
				if restarts++; restarts > mostRestarts {
					return fmt.Errorf("%w: QuickBooks' records change faster than they can be read", connectors.ErrUnreachable)
				}
				at.Skip = 0
				continue
			}
			got.keys, got.records = got.keys[1:], got.records[1:]
		}
		page, err := p.gather(ctx, one, at, got)
		if err != nil {
			return err
		}
		if got.last {
			at.end(got.now)
		} else {
			at.advance(got.keys)
		}
		if err := p.give(ctx, page); err != nil || got.last {
			return err
		}
	}
	return fmt.Errorf("%w: QuickBooks' list of %s does not end", connectors.ErrUnreachable, one.entity)
}

// listPage is what came of one list.
type listPage struct {
	records []json.RawMessage
	keys    []key // of the records
	now     time.Time
	last    bool
}

func (p *pulling) readPage(ctx context.Context, one list, at progress) (listPage, error) {
	most := p.pageSize
	if one.most > 0 {
		most = min(most, one.most)
	}
	s := statement{entity: one.entity, where: append([]string{}, one.where...), order: "MetaData.LastUpdatedTime, Id", start: at.Skip, most: most}
	if at.First {
		s.where = append(s.where, one.first...)
	}
	if at.Floor > 0 {
		s.where = append(s.where, changedSince(at.Floor))
	}
	answer, err := p.query(ctx, s)
	if err != nil {
		return listPage{}, err
	}
	got := listPage{records: answer.records, now: answer.at, last: len(answer.records) < most}
	before := at.Floor
	for _, raw := range got.records {
		place := keyOf(raw, before)
		if place.At < before {
			return listPage{}, fmt.Errorf("%w: QuickBooks does not give its list of %s in the order of changes", connectors.ErrUnreachable, one.entity)
		}
		before = place.At
		got.keys = append(got.keys, place)
	}
	return got, nil
}

// keyOf is a record's place. One that does not say when it changed stands with the
// one before it, and one without an id is known by what it says.
func keyOf(raw json.RawMessage, before int64) key {
	var found head
	_ = json.Unmarshal(raw, &found) // a record that cannot be read is judged later
	place := key{At: before, ID: found.ID}
	if at, err := parseTime(found.MetaData.LastUpdatedTime); err == nil {
		place.At = at.Unix()
	}
	if !isID(place.ID) {
		place.ID = fingerprint(raw)
	}
	return place
}

// gather puts what was not given yet on a page.
func (p *pulling) gather(ctx context.Context, one list, at *progress, got listPage) (connectors.Page, error) {
	var page connectors.Page
	var fresh []json.RawMessage
	for i, record := range got.keys {
		print := fingerprint(got.records[i])
		if at.has(record.At, print) {
			continue
		}
		fresh = append(fresh, got.records[i])
		at.remember(record.At, print)
	}
	if len(fresh) == 0 {
		return page, nil
	}
	p.at.Done += int64(len(fresh))
	if p.at.Total > 0 {
		p.at.Done = min(p.at.Done, p.at.Total)
	}
	return page, one.add(p, ctx, &page, fresh)
}

// give hands a page on, unless nothing is on it.
func (p *pulling) give(ctx context.Context, page connectors.Page) error {
	if len(page.Accounts)+len(page.Invoices)+len(page.Credits)+len(page.Gone)+len(page.Rejected) > 0 {
		return p.hand(ctx, page)
	}
	return ctx.Err()
}

func (p *pulling) hand(ctx context.Context, page connectors.Page) error {
	p.given = true
	page.Cursor, page.Done, page.Total = p.at.String(), p.at.Done, p.at.Total
	if err := p.sink(page); err != nil {
		return err
	}
	return ctx.Err()
}

func (p *pulling) reader(page *connectors.Page) reader {
	return reader{page: page, terms: p.terms, home: p.home}
}

func (p *pulling) customers(_ context.Context, page *connectors.Page, records []json.RawMessage) error {
	r := p.reader(page)
	for _, raw := range records {
		r.customer(raw)
	}
	return nil
}

// invoices need what QuickBooks keeps beside them: the payments that they are linked
// to, and the files.
func (p *pulling) invoices(ctx context.Context, page *connectors.Page, records []json.RawMessage) error {
	r := p.reader(page)
	var err error
	if r.references, err = p.references(ctx, records); err != nil {
		return err
	}
	if r.files, err = p.attached(ctx, records); err != nil {
		return err
	}
	for _, raw := range records {
		r.invoice(raw)
	}
	return nil
}

func (p *pulling) creditMemos(ctx context.Context, page *connectors.Page, records []json.RawMessage) error {
	r := p.reader(page)
	var err error
	if r.references, err = p.references(ctx, records); err != nil {
		return err
	}
	for _, raw := range records {
		r.creditMemo(raw)
	}
	return nil
}

// references finds our own references among the payments that documents are linked to.
func (p *pulling) references(ctx context.Context, records []json.RawMessage) (map[string]string, error) {
	var ids []string
	known := map[string]bool{}
	for _, raw := range records {
		var document struct{ LinkedTxn []wireLink }
		_ = json.Unmarshal(raw, &document) // a record that cannot be read is judged later
		for _, link := range document.LinkedTxn {
			if link.TxnType == txnPayment && isID(link.TxnID) && !known[link.TxnID] {
				known[link.TxnID] = true
				ids = append(ids, link.TxnID)
			}
		}
	}
	payments, err := p.byID(ctx, txnPayment, ids)
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	for _, raw := range payments {
		var payment wirePayment
		if json.Unmarshal(raw, &payment) == nil { // one that cannot be read has no reference of ours
			found[payment.ID] = payment.reference()
		}
	}
	return found, nil
}

// payments bring the invoices and credit memos that they pay or use.
func (p *pulling) payments(ctx context.Context, page *connectors.Page, records []json.RawMessage) error {
	ids := map[string][]string{}
	known := map[wireLink]bool{}
	for _, raw := range records {
		var payment wirePayment
		_ = json.Unmarshal(raw, &payment) // one that cannot be read touches nothing that we know
		for _, line := range payment.Line {
			for _, link := range line.LinkedTxn {
				if isID(link.TxnID) && !known[link] {
					known[link] = true
					ids[link.TxnType] = append(ids[link.TxnType], link.TxnID)
				}
			}
		}
	}
	invoices, err := p.byID(ctx, txnInvoice, ids[txnInvoice])
	if err != nil {
		return err
	}
	if err := p.invoices(ctx, page, invoices); err != nil {
		return err
	}
	credits, err := p.byID(ctx, txnCredit, ids[txnCredit])
	if err != nil {
		return err
	}
	return p.creditMemos(ctx, page, credits)
}

const (
	// cdcReach is how far back change data capture knows, less an hour for the call itself
	// (developer.intuit.com, "Change data capture operation": 30 days, 1,000 objects).
	cdcReach = 30*24*time.Hour - time.Hour
	cdcMost  = 1000
	// deletedOverlap is how far behind QuickBooks' clock deletions are read again. It is
	// short, because all that changed meanwhile counts toward the thousand.
	deletedOverlap = 5 * time.Minute
)

// young says whether change data capture still knows what was deleted since.
func (c *cursor) young(now time.Time) error {
	if since := time.Unix(c.Deleted.Mark, 0); now.Sub(since) > cdcReach {
		return fmt.Errorf("%w: QuickBooks knows for thirty days what was deleted, and the last pull was %d days ago", connectors.ErrCursor, int(now.Sub(since).Hours()/24))
	}
	return nil
}

// deletions brings what was deleted since the last pull, which no list shows. With it
// comes the cursor of the whole pull, when there was any page or the last one is a day old.
func (p *pulling) deletions(ctx context.Context) error {
	gone, now, err := p.capture(ctx, txnInvoice, txnCredit)
	if err != nil {
		return err
	}
	var page connectors.Page
	r, at := p.reader(&page), &p.at.Deleted
	for _, one := range gone {
		place := keyOf(one.raw, at.Mark)
		place.At = max(place.At, at.Mark)
		print := fingerprint([]byte(one.entity + " " + place.ID))
		if at.has(place.At, print) {
			continue
		}
		at.remember(place.At, print)
		if one.entity == txnInvoice {
			r.invoice(one.raw)
		} else {
			r.creditMemo(one.raw)
		}
	}
	at.reach(max(at.Mark, now.Add(-deletedOverlap).Unix()))
	if len(page.Gone) == 0 && !p.given && now.Unix()-p.at.Saved < int64(saveEvery.Seconds()) {
		return ctx.Err()
	}
	p.at.Saved = now.Unix()
	return p.hand(ctx, page)
}

// deleted is one record that change data capture lists as deleted.
type deleted struct {
	entity string
	raw    json.RawMessage
}

// capture asks what was deleted. An answer that is full leaves some out, and the
// deleted ones stand last in it: then each entity is asked for alone, and when that is
// full too, nobody but a reading of everything can tell.
func (p *pulling) capture(ctx context.Context, entities ...string) ([]deleted, time.Time, error) {
	names := ""
	for _, entity := range entities {
		names += "," + entity
	}
	var answer struct {
		CDCResponse []struct{ QueryResponse []map[string]json.RawMessage }
		Time        string
	}
	query := url.Values{"entities": {names[1:]}, "changedSince": {stamp(p.at.Deleted.Mark)}}
	if _, err := p.call(ctx, rest.Call{Path: "/cdc", Query: query}, &answer); err != nil {
		return nil, time.Time{}, err
	}
	now, err := parseTime(answer.Time)
	if err != nil || answer.CDCResponse == nil {
		return nil, now, unusable("its list of changes")
	}
	var gone []deleted
	objects := 0
	for _, response := range answer.CDCResponse {
		for _, lists := range response.QueryResponse {
			for _, entity := range entities {
				var records []json.RawMessage
				if list, there := lists[entity]; there && json.Unmarshal(list, &records) != nil {
					return nil, now, unusable("its list of changes")
				}
				objects += len(records)
				for _, raw := range records {
					var found head
					if json.Unmarshal(raw, &found) == nil && found.Status == statusDeleted {
						gone = append(gone, deleted{entity: entity, raw: raw})
					}
				}
			}
		}
	}
	switch {
	case objects < cdcMost:
		return gone, now, nil
	case len(entities) == 1:
		return nil, now, fmt.Errorf("%w: %d and more of %s changed since the last pull, too many for QuickBooks to say which were deleted", connectors.ErrCursor, cdcMost, entities[0])
	}
	return p.captureEach(ctx, entities)
}

func (p *pulling) captureEach(ctx context.Context, entities []string) ([]deleted, time.Time, error) {
	var gone []deleted
	var first time.Time // deletions between the calls are for the next pull
	for _, entity := range entities {
		more, now, err := p.capture(ctx, entity)
		if err != nil {
			return nil, now, err
		}
		gone = append(gone, more...)
		if first.IsZero() {
			first = now
		}
	}
	return gone, first, nil
}
