package connectortest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

// shelf is what a hub holds of some books: the last word on each record, and the
// cursor that was stored with it.
type shelf struct {
	accounts map[string]connectors.Account
	invoices map[string]connectors.Invoice
	credits  map[string]connectors.Credit
	gone     map[string]bool
	order    []string // invoices, as they came first
	orphans  []string // records that came before their accounts: the hub refuses them
	rejected int
	cursor   string
}

func newShelf() *shelf {
	return &shelf{accounts: map[string]connectors.Account{}, invoices: map[string]connectors.Invoice{},
		credits: map[string]connectors.Credit{}, gone: map[string]bool{}}
}

func (s *shelf) put(page connectors.Page) {
	for _, r := range page.Accounts {
		s.accounts[r.ExternalID] = r
	}
	for _, r := range page.Invoices {
		s.needs(r.ExternalID, r.Account, r.AccountSeen)
		if _, known := s.invoices[r.ExternalID]; !known {
			s.order = append(s.order, r.ExternalID)
		}
		s.invoices[r.ExternalID] = r
		delete(s.gone, r.ExternalID)
	}
	for _, r := range page.Credits {
		s.needs(r.ExternalID, r.Account, r.AccountSeen)
		s.credits[r.ExternalID] = r
		delete(s.gone, r.ExternalID)
	}
	for _, id := range page.Gone {
		delete(s.invoices, id)
		delete(s.credits, id)
		s.gone[id] = true
	}
	s.rejected += len(page.Rejected)
	s.cursor = page.Cursor
}

func (s *shelf) needs(id, account string, seen *connectors.Account) {
	if _, known := s.accounts[account]; !known && seen == nil {
		s.orphans = append(s.orphans, fmt.Sprintf("%q, of account %q", id, account))
	}
}

// pull brings the shelf up to date, as a hub does: from the stored cursor, or all
// over again with books that are a snapshot each time. Each is asked after every
// page that was put, counted from 0, and stops the pull with an error; nil: nobody is.
func (s *shelf) pull(ctx context.Context, h Harness, each func(page int) error) error {
	onto := s
	if h.Connector.Describe().Snapshot {
		onto = newShelf()
	}
	n := 0
	err := h.pull(ctx, onto.cursor, func(page connectors.Page) error {
		onto.put(page)
		n++
		if each == nil {
			return nil
		}
		return each(n - 1)
	})
	if err == nil && onto != s {
		*s = *onto
	}
	return err
}

// whole is a shelf of a pull without a cursor.
func whole(ctx context.Context, h Harness) (*shelf, error) {
	s := newShelf()
	return s, s.pull(ctx, h, nil)
}

// agrees holds what the hub gathered change by change against a reading of the
// whole book: no record is missing or old, and none is open that the book closed.
func (s *shelf) agrees(ctx context.Context, h Harness) error {
	book, err := whole(ctx, h)
	if err != nil {
		return fmt.Errorf("reading everything again: %w", err)
	}
	return s.same(book)
}

func (s *shelf) same(book *shelf) error {
	if err := holds("account", s.accounts, book.accounts, func(connectors.Account) bool { return false }); err != nil {
		return err
	}
	if err := holds("invoice", s.invoices, book.invoices, func(r connectors.Invoice) bool { return r.Status == connectors.StatusOpen }); err != nil {
		return err
	}
	if err := holds("credit", s.credits, book.credits, func(r connectors.Credit) bool { return r.Status == connectors.StatusOpen }); err != nil {
		return err
	}
	if len(s.orphans) > 0 {
		return fmt.Errorf("the hub refuses %d records that come before their account and without AccountSeen, the first is %s", len(s.orphans), s.orphans[0])
	}
	return nil
}

// holds finds the first record in which a hub differs from the books.
func holds[R any](what string, hub, books map[string]R, open func(R) bool) error {
	for _, id := range slices.Sorted(maps.Keys(books)) {
		got, there := hub[id]
		if !there {
			return fmt.Errorf("%s %q was lost: the books hold %s", what, id, content(books[id]))
		}
		if content(got) != content(books[id]) {
			return fmt.Errorf("a change of %s %q was lost:\nthe hub has    %s\nthe books hold %s", what, id, content(got), content(books[id]))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(hub)) {
		if _, there := books[id]; !there && open(hub[id]) {
			return fmt.Errorf("%s %q is open for the hub, and the books do not hold it open any more: %s", what, id, content(hub[id]))
		}
	}
	return nil
}

// content is all that a record says, as text that is the same for the same record.
func content(record any) string {
	text, err := json.Marshal(record)
	if err != nil { // neutral records are plain values
		return fmt.Sprintf("%T that cannot be compared: %v", record, err)
	}
	return string(text)
}

// closed says whether the hub no longer has an invoice open.
func (s *shelf) closed(id string, status connectors.Status) error {
	r, there := s.invoices[id]
	switch {
	case s.gone[id] && status == connectors.StatusVoid:
		return nil
	case !there:
		return fmt.Errorf("invoice %q should have come as %s", id, status)
	case r.Status != status:
		return fmt.Errorf("invoice %q is %s, want %s", id, r.Status, status)
	case status == connectors.StatusPaid && r.Open.Minor != 0:
		return fmt.Errorf("invoice %q is paid and has %s open", id, r.Open)
	}
	return nil
}

// openInvoices are the ids of what is open, in the order in which it came.
func (s *shelf) openInvoices() []string {
	var out []string
	for _, id := range s.order {
		if r, there := s.invoices[id]; there && r.Status == connectors.StatusOpen && r.Open.Minor == r.Total.Minor {
			out = append(out, id)
		}
	}
	return out
}
