package connectortest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sheaf-hub/sheaf/hub/money"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

// mostInPage is what the hub takes in one page (hub/intake.MostInPage).
const mostInPage = 10_000

// units is an amount of whole units of a currency as Books want it.
func units(n int64, currency money.Currency) string {
	for range currency.Digits() {
		n *= 10
	}
	return money.New(n, currency).Decimal()
}

// currency is one that these books use.
func (s *shelf) currency() (money.Currency, error) {
	for _, id := range s.order {
		if r, there := s.invoices[id]; there {
			return r.Total.Currency, nil
		}
	}
	return "", errors.New("the harness must hold an invoice, so that its currency is known")
}

func pages(ctx context.Context, h Harness) error {
	got, err := pull(ctx, h, "")
	if err != nil {
		return err
	}
	if len(got) < 2 && !h.Connector.Describe().Snapshot {
		return errors.New("everything came in one page: the harness must hold more than fits into one")
	}
	s, done := newShelf(), int64(0)
	for i, page := range got {
		s.put(page)
		if n := len(keys(page)); n > mostInPage {
			return fmt.Errorf("page %d holds %d records; the hub takes %d", i, n, mostInPage)
		}
		if page.Done < done {
			return fmt.Errorf("page %d: %d are done, and %d were before", i, page.Done, done)
		}
		done = page.Done
	}
	return s.same(s) // no record before its account
}

func unchanged(ctx context.Context, h Harness) error {
	if h.Connector.Describe().Snapshot {
		return leftSnapshot
	}
	first, err := pull(ctx, h, "")
	if err != nil || len(first) == 0 {
		return err
	}
	cursor := first[len(first)-1].Cursor
	for again := range 3 {
		next, err := pull(ctx, h, cursor)
		if err != nil {
			return fmt.Errorf("pull %d of what did not change: %w", again+1, err)
		}
		if err := goesOn(next, first, len(first)); err != nil {
			return fmt.Errorf("pull %d of what did not change: %w", again+1, err)
		}
		if len(next) > 0 {
			cursor = next[len(next)-1].Cursor
		}
	}
	return nil
}

// changeTwice is a hub that stored a page and died before it stored the cursor.
func changeTwice(ctx context.Context, h Harness) error {
	if err := h.needsBooks(); err != nil {
		return err
	}
	s, err := whole(ctx, h)
	if err != nil {
		return err
	}
	currency, err := s.currency()
	if err != nil {
		return err
	}
	id := h.Books.Invoice(h.t, "Twice Ltd", string(currency), units(100, currency))
	cursor := s.cursor
	first, err := pull(ctx, h, cursor)
	if err != nil {
		return err
	}
	second, err := pull(ctx, h, cursor)
	if err != nil {
		return err
	}
	if err := same(allKeys(second), allKeys(first)); err != nil {
		return fmt.Errorf("the same change came otherwise the second time: %w", err)
	}
	for _, page := range second {
		s.put(page)
	}
	if _, there := s.invoices[id]; !there {
		return fmt.Errorf("the new invoice %q came neither time", id)
	}
	return s.agrees(ctx, h)
}

// editsBetweenPages edits the books while a page is being stored, for pages from the first
// to the last, and lets every other pull break there and go on from the stored cursor.
func editsBetweenPages(ctx context.Context, h Harness) error {
	if err := h.needsBooks(); err != nil {
		return err
	}
	first, err := pull(ctx, h, "")
	if err != nil {
		return err
	}
	for i, at := range spread(len(first), h.few(6)) {
		breaks := i%2 == 0
		if err := editAt(ctx, h, at, breaks); err != nil {
			return fmt.Errorf("edits after page %d (the pull breaks there: %t): %w", at, breaks, err)
		}
	}
	return nil
}

// spread picks at most so many of the numbers below n, with the first and the last.
func spread(n, most int) []int {
	var out []int
	for i := range min(n, most) {
		at := i
		if n > most {
			at = i * (n - 1) / (most - 1)
		}
		out = append(out, at)
	}
	return out
}

var errBreak = errors.New("the hub dies here")

// edit is one edit of an invoice, and what must have come of it.
type edit struct {
	id   string
	want func(s *shelf) error
}

func editAt(ctx context.Context, h Harness, at int, breaks bool) error {
	before, err := h.prepared(ctx, 9)
	if err != nil {
		return err
	}
	var edits []edit
	hub := newShelf()
	err = hub.pull(ctx, h, func(page int) error {
		switch {
		case page == at:
			edits = h.edit(before)
		case page > at && breaks:
			return errBreak
		}
		return nil
	})
	if err != nil && !errors.Is(err, errBreak) {
		return err
	}
	if err != nil { // the next one goes on where this one broke, and only then is a new one due
		if err := hub.pull(ctx, h, nil); err != nil {
			return fmt.Errorf("the pull that goes on: %w", err)
		}
	}
	if edits == nil {
		edits = h.edit(before)
	}
	if err := hub.pull(ctx, h, nil); err != nil {
		return fmt.Errorf("the next pull: %w", err)
	}
	for _, edit := range edits {
		if err := edit.want(hub); err != nil {
			return err
		}
	}
	return hub.agrees(ctx, h)
}

// prepared is what the books hold, once they have so many open invoices.
func (h Harness) prepared(ctx context.Context, open int) (*shelf, error) {
	s, err := whole(ctx, h)
	if err != nil {
		return nil, err
	}
	return s, s.stock(ctx, h, open)
}

// stock adds invoices to the books until the hub has so many open ones.
func (s *shelf) stock(ctx context.Context, h Harness, open int) error {
	currency, err := s.currency()
	if err != nil {
		return err
	}
	missing := open + len(h.changed) - len(s.openInvoices()) // what was changed once is left alone
	if missing <= 0 {
		return nil
	}
	for range missing {
		h.Books.Invoice(h.t, "Edited Ltd", string(currency), units(100, currency))
	}
	if err := s.pull(ctx, h, nil); err != nil {
		return err
	}
	if n := len(s.openInvoices()); n < open+len(h.changed) {
		return fmt.Errorf("%d invoices were added to the books, and after the next pull %d are open, want %d at least", missing, n, open)
	}
	return nil
}

// edit does to the books all that people do: to what is read early in a pull and to
// what is read late.
func (h Harness) edit(before *shelf) []edit {
	open := slices.DeleteFunc(before.openInvoices(), func(id string) bool { return h.changed[id] })
	last := len(open) - 1
	var edits []edit
	for _, id := range []string{open[0], open[last]} {
		h.Books.Change(h.t, id)
		h.changed[id] = true // once: the due date that it gets may be the same each time
		was := content(before.invoices[id])
		edits = append(edits, edit{id, func(s *shelf) error {
			if content(s.invoices[id]) == was {
				return fmt.Errorf("the change of invoice %q was lost: the hub still has %s", id, was)
			}
			return nil
		}})
	}
	for _, id := range []string{open[1], open[last-1]} {
		h.Books.Pay(h.t, id, before.invoices[id].Open.Decimal())
		edits = append(edits, edit{id, func(s *shelf) error { return s.closed(id, connectors.StatusPaid) }})
	}
	for _, id := range []string{open[2], open[last-2]} {
		if h.Books.Void(h.t, id) {
			edits = append(edits, edit{id, func(s *shelf) error { return s.closed(id, connectors.StatusVoid) }})
		}
	}
	if id := open[3]; h.Connector.Describe().Deletions && h.Books.Delete(h.t, id) {
		edits = append(edits, edit{id, func(s *shelf) error { return s.closed(id, connectors.StatusVoid) }})
	}
	currency := before.invoices[open[0]].Total.Currency
	for _, account := range []string{"Edited Ltd", fmt.Sprintf("New after %d", len(before.order))} {
		id := h.Books.Invoice(h.t, account, string(currency), units(100, currency))
		edits = append(edits, edit{id, func(s *shelf) error {
			if _, there := s.invoices[id]; !there {
				return fmt.Errorf("the new invoice %q was lost", id)
			}
			return nil
		}})
	}
	return edits
}

func closings(ctx context.Context, h Harness) error {
	if err := h.needsBooks(); err != nil {
		return err
	}
	hub, err := h.prepared(ctx, 4)
	if err != nil {
		return err
	}
	tells := h.Connector.Describe().Deletions
	open := hub.openInvoices()
	voids, deletes := h.Books.Void(h.t, open[0]), h.Books.Delete(h.t, open[1])
	if !voids && !deletes {
		return leftOut("these Books can neither void nor delete")
	}
	if err := hub.pull(ctx, h, nil); err != nil {
		return err
	}
	if voids {
		if err := hub.closed(open[0], connectors.StatusVoid); err != nil {
			return fmt.Errorf("after it was voided: %w", err)
		}
	}
	if deletes && tells {
		if err := hub.closed(open[1], connectors.StatusVoid); err != nil {
			return fmt.Errorf("after it was deleted, which the kind says it tells: %w", err)
		}
	}
	book, err := whole(ctx, h)
	if err != nil {
		return err
	}
	if r, there := book.invoices[open[1]]; deletes && there && r.Status == connectors.StatusOpen {
		return fmt.Errorf("invoice %q was deleted, and comes as open", open[1])
	}
	if tells {
		return hub.same(book)
	}
	return nil
}

func paidByHand(ctx context.Context, h Harness) error {
	if err := h.needsBooks(); err != nil {
		return err
	}
	hub, err := whole(ctx, h)
	if err != nil {
		return err
	}
	currency, err := hub.currency()
	if err != nil {
		return err
	}
	id := h.Books.Invoice(h.t, "Partial Ltd", string(currency), units(100, currency))
	for _, step := range []struct {
		pays, open int64
		status     connectors.Status
	}{{0, 100, connectors.StatusOpen}, {40, 60, connectors.StatusOpen}, {25, 35, connectors.StatusOpen}, {35, 0, connectors.StatusPaid}} {
		if step.pays > 0 {
			h.Books.Pay(h.t, id, units(step.pays, currency))
		}
		if err := hub.pull(ctx, h, nil); err != nil {
			return err
		}
		r, there := hub.invoices[id]
		if want := units(step.open, currency); !there || r.Open.Decimal() != want || r.Status != step.status || r.Total.Decimal() != units(100, currency) {
			return fmt.Errorf("%s was paid in the books: want %s open of %s and %s, got %s", units(step.pays, currency), want, units(100, currency), step.status, content(r))
		}
	}
	return hub.agrees(ctx, h)
}

// strange are amounts in currencies without, with two and with three digits.
func strange() []struct {
	currency money.Currency
	total    string
	minor    int64
} {
	return []struct {
		currency money.Currency
		total    string
		minor    int64
	}{{"JPY", "12345", 12345}, {"KWD", "12.345", 12345}, {"EUR", "0.07", 7}, {"EUR", "1234567.89", 123456789}}
}

func currencies(ctx context.Context, h Harness) error {
	if err := h.needsBooks(); err != nil {
		return err
	}
	hub, err := whole(ctx, h)
	if err != nil {
		return err
	}
	for _, one := range strange() {
		id := h.Books.Invoice(h.t, "Payer in "+string(one.currency), string(one.currency), one.total)
		if err := hub.pull(ctx, h, nil); err != nil {
			return err
		}
		want := money.New(one.minor, one.currency)
		if r := hub.invoices[id]; r.Total != want || r.Open != want {
			return fmt.Errorf("an invoice of %s came as %s, %s open", want, r.Total, r.Open)
		}
		if h.needsRecorder() != nil {
			continue
		}
		payment := connectors.Payment{Reference: "SHF-DIGITS-" + id, Account: hub.invoices[id].Account, Date: paidOn, Currency: string(one.currency), Method: "card",
			Lines: []connectors.PaymentLine{{Invoice: id, Amount: one.total}}}
		if _, err := h.record(ctx, payment); inWords(err) && h.left(id, want) == nil {
			h.t.Logf("not tried: paying in %s is refused in words: %v", one.currency, err)
			continue
		} else if err != nil {
			return fmt.Errorf("paying %s: %w", want, err)
		}
		if err := h.left(id, money.New(0, one.currency)); err != nil {
			return fmt.Errorf("after %s was paid: %w", want, err)
		}
		if n, sum := h.Books.Booked(h.t, id, payment.Reference); n != 1 || !equal(sum, want) {
			return fmt.Errorf("%s was paid, and is booked %d times: %s", want, n, sum)
		}
	}
	return hub.refresh(ctx, h)
}

// refresh pulls and holds the hub against the books.
func (s *shelf) refresh(ctx context.Context, h Harness) error {
	if err := s.pull(ctx, h, nil); err != nil {
		return err
	}
	return s.agrees(ctx, h)
}

func creditNotes(ctx context.Context, h Harness) error {
	if err := h.needsBooks(); err != nil {
		return err
	}
	hub, err := whole(ctx, h)
	if err != nil {
		return err
	}
	currency, err := hub.currency()
	if err != nil {
		return err
	}
	id := h.Books.Credit(h.t, "Credited Ltd", string(currency), units(40, currency))
	if err := hub.pull(ctx, h, nil); err != nil {
		return err
	}
	r, there := hub.credits[id]
	if want := units(40, currency); !there || r.Total.Decimal() != want || r.Open.Decimal() != want || r.Status != connectors.StatusOpen || r.Account == "" {
		return fmt.Errorf("a credit of %s came as %s", want, content(r))
	}
	if _, wrong := hub.invoices[id]; wrong {
		return fmt.Errorf("the credit %q came as an invoice too", id)
	}
	return hub.agrees(ctx, h)
}

func ahead(ctx context.Context, h Harness) error  { return skewed(ctx, h, 10*time.Minute) }
func behind(ctx context.Context, h Harness) error { return skewed(ctx, h, -10*time.Minute) }

// skewed edits books whose clock is off, in a first pull and after it.
func skewed(ctx context.Context, h Harness, by time.Duration) error {
	if err := h.needsBooks(); err != nil {
		return err
	}
	if !h.Books.Skew(h.t, by) {
		return leftOut("these Books cannot set their clock")
	}
	defer h.Books.Skew(h.t, 0)
	if err := editAt(ctx, h, 0, false); err != nil {
		return err
	}
	hub, err := h.prepared(ctx, 9)
	if err != nil {
		return err
	}
	for range 2 {
		edits := h.edit(hub)
		if err := hub.pull(ctx, h, nil); err != nil {
			return err
		}
		for _, edit := range edits {
			if err := edit.want(hub); err != nil {
				return err
			}
		}
		if err := hub.stock(ctx, h, 9); err != nil {
			return err
		}
	}
	return hub.agrees(ctx, h)
}

// papers fetches the first paper that a record only names, and ones that nobody has.
func papers(ctx context.Context, h Harness) error {
	hub, err := whole(ctx, h)
	if err != nil {
		return err
	}
	var found connectors.Document
	look := func(documents []connectors.Document) {
		at := slices.IndexFunc(documents, func(d connectors.Document) bool { return d.Ref != "" })
		if found.Ref == "" && at >= 0 {
			found = documents[at]
		}
	}
	for _, id := range hub.order {
		look(hub.invoices[id].Documents)
	}
	for _, r := range hub.credits {
		look(r.Documents)
	}
	for _, ref := range []string{"", "no-such-paper", "../../etc/passwd", found.Ref + "-gone"} {
		if document, err := h.fetch(ctx, ref); !errors.Is(err, connectors.ErrGone) || len(document.Content) > 0 {
			return fmt.Errorf("the paper %q is not there; Fetch answers %d bytes and %w, want ErrGone", ref, len(document.Content), orNil(err))
		}
	}
	if found.Ref == "" {
		return nil // none is there to be fetched
	}
	if len(found.Ref) > 500 || found.Content != nil || found.Name == "" {
		return fmt.Errorf("a paper that is only named needs a name, no content and at most 500 bytes of Ref: %+v", found)
	}
	document, err := h.fetch(ctx, found.Ref)
	if err != nil {
		return fmt.Errorf("fetch %q: %w", found.Ref, err)
	}
	if len(document.Content) == 0 || document.Name == "" || document.ContentType == "" {
		return fmt.Errorf("fetch %q: %d bytes, name %q, type %q", found.Ref, len(document.Content), document.Name, document.ContentType)
	}
	return nil
}

var errNone = errors.New("no error")

// orNil lets no error be printed.
func orNil(err error) error {
	if err == nil {
		return errNone
	}
	return err
}
