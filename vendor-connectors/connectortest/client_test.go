package connectortest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/sheaf-hub/sheaf/hub/money"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

// client is the connector to a ledger. Its fault breaks one promise.
type client struct {
	ledger *ledger
	fault  string

	mu       sync.Mutex
	token    string
	renewals int
	pulls    int
	looked   map[string]int
	current  connectors.Payment
	booked   int
	late     []connectors.Account
}

var _ connectors.PaymentRecorder = (*client)(nil)

func (c *client) Describe() connectors.Descriptor {
	return connectors.Descriptor{Kind: "ledger", Title: "Ledger", Summary: "Books in memory.", Deletions: true, WriteBack: c.fault != "claims no write-back"}
}

func (c *client) Check(ctx context.Context) error {
	if c.fault == "check fails" {
		return errors.New("no")
	}
	err := c.call(ctx, false, func() error { return nil })
	if c.fault == "check takes nonsense" && errors.Is(err, errNonsense) {
		return nil
	}
	return err
}

// call makes one call and renews the token, and says in the contract's words what
// went wrong.
func (c *client) call(ctx context.Context, write bool, do func() error) error {
	if c.fault == "waits for ever" {
		var cancel func()
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), patience+grace+time.Second)
		defer cancel()
	}
	c.mu.Lock()
	token := c.token
	c.mu.Unlock()
	err := c.ledger.serve(ctx, token, do)
	if errors.Is(err, errUnauthorized) && c.mayRenew() {
		token := c.ledger.renew()
		c.mu.Lock()
		c.token = token
		c.mu.Unlock()
		err = c.ledger.serve(ctx, token, do)
	}
	return c.judged(write, err)
}

func (c *client) mayRenew() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.renewals++
	return c.fault != "does not renew" && (c.fault != "renews once" || c.renewals == 1)
}

func (c *client) judged(write bool, err error) error {
	lost := connectors.ErrUnreachable
	if write {
		lost = connectors.ErrUnknown
	}
	switch {
	case write && c.fault == "unknown is unreachable":
		lost = connectors.ErrUnreachable
	case write && c.fault == "unknown is refused", c.fault == "500 is a refusal" && errors.Is(err, errServer):
		lost = connectors.ErrRefused
	}
	switch {
	case err == nil:
		return nil
	case write && c.fault == "lost is done" && errors.Is(err, errConnection), write && c.fault == "silence is done" && errors.Is(err, errServer):
		return nil
	case errors.Is(err, errSlower) && c.fault == "does not say how long":
		return &connectors.ThrottledError{}
	case errors.Is(err, errSlower) && c.fault == "429 is a refusal":
		return connectors.ErrRefused
	case errors.Is(err, errSlower):
		return &connectors.ThrottledError{RetryAfter: time.Second}
	case errors.Is(err, errUnauthorized) && c.fault == "revoked is unreachable":
		return connectors.ErrUnreachable
	case errors.Is(err, errUnauthorized):
		return fmt.Errorf("%w: sign in again", connectors.ErrCredentials)
	case errors.Is(err, errNonsense) && c.fault == "panics on nonsense":
		panic("nonsense")
	case errors.Is(err, errServer), errors.Is(err, errConnection), errors.Is(err, errNonsense), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w: %w", lost, err)
	}
	return err
}

const pageSize = 3

func (c *client) Pull(ctx context.Context, cursor string, sink func(connectors.Page) error) error {
	from, err := strconv.ParseInt("0"+cursor, 10, 64)
	if err != nil {
		return err
	}
	c.pulls++
	pull := pulling{client: c, first: from == 0, from: from, last: -1}
	if c.fault == "forgets the cursor" || c.fault == "everything again" && pull.atEnd() {
		pull.from = 0
	}
	if c.fault == "says it otherwise" && pull.atEnd() {
		return sink(connectors.Page{Accounts: []connectors.Account{{ExternalID: "Account 0", Name: "Account nought"}}, Cursor: cursor})
	}
	for pages := range 1000 {
		if c.fault == "ignores the context" {
			ctx = context.WithoutCancel(ctx)
		}
		page, more, err := pull.next(ctx)
		if err != nil {
			switch {
			case c.fault == "nonsense is the end" && errors.Is(err, errNonsense):
				return nil
			case c.fault == "half a page" && errors.Is(err, errConnection) && len(page.Invoices) > 0:
				page.Invoices[0].Open.Minor = 0
				return errors.Join(sink(page), err)
			}
			return err
		}
		if !more {
			return nil
		}
		page.Done = int64(pages + 1)
		c.spoil(&page, pages)
		if err := sink(page); err != nil && c.fault != "ignores the sink" {
			return err
		}
	}
	return errors.New("the ledger does not end")
}

// pulling is one pull: from a revision on.
type pulling struct {
	client *client
	first  bool
	from   int64
	last   int64 // the newest revision when it began; -1: not asked yet
}

func (p *pulling) atEnd() bool {
	p.client.ledger.mu.Lock()
	defer p.client.ledger.mu.Unlock()
	return p.from >= p.client.ledger.rev
}

func (p *pulling) next(ctx context.Context) (connectors.Page, bool, error) {
	var page connectors.Page
	more := false
	err := p.client.call(ctx, false, func() error {
		page, more = p.read(p.client.ledger)
		return nil
	})
	if p.client.fault == "passes over a page that fails" && errors.Is(err, errServer) {
		p.from += pageSize
		return p.next(ctx)
	}
	return page, more, err
}

// read gathers a page under the ledger's lock.
func (p *pulling) read(l *ledger) (connectors.Page, bool) {
	fault := p.client.fault
	if p.last < 0 {
		p.last = l.rev
	}
	size := pageSize
	if fault == "one page" {
		size = 1000
	}
	changed := slices.Clone(l.docs)
	slices.SortFunc(changed, func(a, b *doc) int { return cmp.Compare(a.rev, b.rev) })
	newest := time.Time{}
	for _, d := range changed {
		if d.rev <= p.from && d.changed.After(newest) {
			newest = d.changed
		}
	}
	var page connectors.Page
	n, to := 0, p.from
	for _, d := range changed {
		switch {
		case d.rev <= p.from:
			continue
		case fault == "passes over edits" && d.rev > p.last:
			to = d.rev
			continue
		case fault == "by id with the last change" && n == size:
			continue
		case fault == "nothing later than our clock" && d.changed.After(time.Now()), fault == "nothing earlier than the last" && d.changed.Before(newest.Add(-time.Minute)):
			to = d.rev
			continue
		}
		if n == size {
			break
		}
		n, to = n+1, d.rev
		p.add(&page, d)
	}
	if fault == "by id with the last change" && n > 0 && n < size {
		to = l.rev + 2 // a cursor of the time of the reading
	}
	more := to > p.from
	p.from = to
	page.Cursor = strconv.FormatInt(to, 10)
	return page, more
}

func (p *pulling) add(page *connectors.Page, d *doc) {
	fault := p.client.fault
	status := connectors.StatusOpen
	switch {
	case d.void:
		status = connectors.StatusVoid
	case d.open.Minor == 0, fault == "closes at the first payment" && d.paidByHand:
		status = connectors.StatusPaid
	}
	if d.deleted {
		if fault != "leaves out what is deleted" {
			page.Gone = append(page.Gone, d.id)
		}
		return
	}
	if fault == "leaves out what is void" && d.void || fault == "leaves out what is paid" && status == connectors.StatusPaid && !p.first {
		return
	}
	if p.first || fault != "new accounts do not come" {
		if !slices.ContainsFunc(page.Accounts, func(a connectors.Account) bool { return a.ExternalID == d.account }) {
			page.Accounts = append(page.Accounts, connectors.Account{ExternalID: d.account, Name: d.account})
		}
	}
	total, open := d.total, d.open
	if fault == "two digits for all" && total.Currency == "JPY" {
		total.Minor, open.Minor = total.Minor*100, open.Minor*100
	}
	if d.credit && fault == "only the first credits" && !p.first {
		return
	}
	if d.credit && fault != "credits are invoices" {
		page.Credits = append(page.Credits, connectors.Credit{ExternalID: d.id, Number: d.id, Account: d.account, Total: total, Open: open, Status: status})
		return
	}
	invoice := connectors.Invoice{ExternalID: d.id, Number: d.id, Account: d.account, DueOn: d.due, Total: total, Open: open, Status: status,
		Applied: slices.Clone(d.applied), Documents: []connectors.Document{{Name: d.id + ".pdf", ContentType: "application/pdf", Ref: "paper/" + d.id}}}
	if fault == "lists its payments everywhere" {
		for _, one := range p.client.ledger.bookings {
			invoice.Applied = append(invoice.Applied, one.reference)
		}
	}
	page.Invoices = append(page.Invoices, invoice)
}

// spoil breaks a page that is right.
func (c *client) spoil(page *connectors.Page, n int) {
	switch c.fault {
	case "no cursor":
		page.Cursor = ""
	case "counts too far":
		page.Done, page.Total = 9, 3
	case "counts back":
		page.Done = int64(100 - n)
	case "no accounts":
		page.Accounts = nil
	case "accounts come a page late":
		page.Accounts, c.late = c.late, page.Accounts
	case "one pull forgets":
		for i := range page.Invoices {
			page.Invoices[i].Note = fmt.Sprint(c.pulls)
		}
	}
	if len(page.Invoices) == 0 {
		return
	}
	switch c.fault {
	case "open above total":
		page.Invoices[0].Open = money.New(500000, "EUR")
	case "no external id":
		page.Invoices[0].ExternalID = ""
	case "loses a record":
		page.Invoices = page.Invoices[1:]
	case "changes by itself":
		page.Invoices[0].Open = money.New(int64(c.pulls), "EUR")
	}
}

func (c *client) Fetch(ctx context.Context, ref string) (connectors.Document, error) {
	var document connectors.Document
	err := c.call(ctx, false, func() error {
		found := c.fault == "every paper is there"
		for _, d := range c.ledger.docs {
			found = found || ref == "paper/"+d.id && !d.deleted
		}
		if !found {
			return fmt.Errorf("%w: no paper %q", connectors.ErrGone, ref)
		}
		document = connectors.Document{Name: "invoice.pdf", ContentType: "application/pdf", Content: []byte("%PDF-1.7")}
		if c.fault == "papers are empty" {
			document.Content = nil
		}
		return nil
	})
	return document, err
}

func (c *client) RecordPayment(ctx context.Context, payment connectors.Payment) (connectors.Recorded, error) {
	held, err := c.held(ctx, payment)
	if err != nil {
		return connectors.Recorded{}, err
	}
	if c.fault == "one payment in mind" {
		c.remember(payment)
		time.Sleep(20 * time.Millisecond)
	}
	for i, line := range payment.Lines {
		if held[i] || c.fault == "one line is all" && len(held) > 0 {
			continue
		}
		reference := payment.Reference
		if c.fault == "one payment in mind" {
			reference = c.remembered().Reference
		}
		err := c.call(ctx, true, func() error { return c.ledger.book(reference, i, line, payment.Currency, c.fault) })
		if err != nil && c.fault == "refuses without words" && errors.Is(err, connectors.ErrRefused) {
			err = connectors.ErrRefused
		}
		if err != nil {
			return connectors.Recorded{}, err
		}
	}
	return c.recorded(payment), nil
}

func (c *client) recorded(payment connectors.Payment) connectors.Recorded {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.booked++
	id := "P-" + payment.Reference
	switch c.fault {
	case "no id":
		id = ""
	case "another id each time":
		id = fmt.Sprint(c.booked)
	}
	return connectors.Recorded{ExternalID: id}
}

// held are the lines that the books know already.
func (c *client) held(ctx context.Context, payment connectors.Payment) (map[int]bool, error) {
	held := map[int]bool{}
	err := c.call(ctx, false, func() error {
		for _, one := range c.ledger.bookings {
			if one.reference == payment.Reference {
				held[one.line] = true
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.looked == nil {
		c.looked = map[string]int{}
	}
	c.looked[payment.Reference]++
	again := c.looked[payment.Reference]
	switch c.fault {
	case "does not look":
		clear(held)
	case "looks only once":
		if again == 3 {
			clear(held)
		}
	case "begins again":
		if len(held) < len(payment.Lines) {
			clear(held)
		}
	case "does not look at credits":
		for i, line := range payment.Lines {
			if line.Credit != "" {
				delete(held, i)
			}
		}
	}
	return held, nil
}

func (c *client) remember(payment connectors.Payment) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.current = payment
}

func (c *client) remembered() connectors.Payment {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.current
}
