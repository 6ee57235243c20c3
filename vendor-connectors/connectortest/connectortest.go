// Package connectortest is the contract that every connector passes. A
// connector's test calls Run with a harness on books that are its alone: a
// stateful fake, or a real server.
package connectortest

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

// Harness is a connector on books that hold at least a few pages.
type Harness struct {
	Connector connectors.Connector
	// Accounts, Invoices and Credits are how many the books hold.
	Accounts, Invoices, Credits int
	// Timeout bounds each call; 30 seconds when it is 0.
	Timeout time.Duration
	// Slow says that calls take long, as those of a real server do: of the places at
	// which calls go wrong, and of the ways, fewer are tried.
	Slow bool
	// Books is where the connector reads, for the parts in which they change while
	// it does; nil: they cannot change, and those parts are left out.
	Books Books

	t        *testing.T    // of the part that runs, for Books
	patience time.Duration // with a call that gets no answer
	changed  map[string]bool
}

// Run holds a connector to the contract, each part with a fresh harness. What these
// books or this connector cannot do is skipped, and the test says so.
//
// Where starting books is slow, as with a real server, the harnesses may share them:
// the parts that count the records come before those that change the books, and the
// credentials are revoked in the last one.
func Run(t *testing.T, newHarness func(t *testing.T) Harness) {
	t.Helper()
	for _, part := range parts() {
		t.Run(part.name, func(t *testing.T) {
			err := part.try(t, newHarness(t))
			var left leftOut
			switch {
			case errors.As(err, &left):
				t.Skip(left.Error())
			case err != nil:
				t.Error(err)
			}
		})
	}
}

const (
	callTimeout = 30 * time.Second
	partTimeout = 15 * time.Minute // of a whole part on a slow server
)

// part is one promise. Check answers an error, so that it can be tried on
// connectors that break the promise, or leftOut.
type part struct {
	name  string
	check func(context.Context, Harness) error
}

func (p part) try(t *testing.T, h Harness) error {
	h.t, h.changed = t, map[string]bool{}
	if h.Timeout == 0 {
		h.Timeout = callTimeout
	}
	ctx, cancel := context.WithTimeout(t.Context(), partTimeout)
	defer cancel()
	return p.check(ctx, h)
}

func parts() []part {
	return []part{
		{"describes itself", describes},
		{"check answers", checks},
		{"pull brings everything", pullsEverything},
		{"pull comes in pages", pages},
		{"pull twice is the same", pullsTheSameTwice},
		{"pull resumes after every page", resumes},
		{"pull stops when sink fails", stopsWithSink},
		{"pull stops when the context ends", stopsWithContext},
		{"a pull of what did not change brings nothing", unchanged},
		{"papers are fetched", papers},
		{"broken answers of a pull lose nothing", brokenAnswers},
		{"the same change twice is the same", changeTwice},
		{"edits between pages are not lost", editsBetweenPages},
		{"voids and deletions come", closings},
		{"payments made in the books come", paidByHand},
		{"currencies keep their digits", currencies},
		{"credit notes come", creditNotes},
		{"slowing down when asked", throttled},
		{"expired tokens are renewed unnoticed", expired},
		{"silence ends with the time-out", silence},
		{"a payment is booked exactly", books},
		{"a payment is booked once whatever happens", bookedOnce},
		{"a payment of several invoices is booked once whatever happens", severalBookedOnce},
		{"a payment is booked once when trouble comes twice", bookedOnceAfterTwoTroubles},
		{"payments at the same time are booked once each", atTheSameTime},
		{"credits move once", creditsMoveOnce},
		{"discounts settle without money", discounts},
		{"late fees are not booked on the invoice", lateFees},
		{"what cannot be booked is refused in words", refusals},
		{"nothing is lost when the books' clock is ahead", ahead},
		{"nothing is lost when the books' clock is behind", behind},
		{"revoked credentials are told", revoked},
	}
}

// leftOut says why a part was not tried.
type leftOut string

func (l leftOut) Error() string { return string(l) }

const (
	leftNoBooks   = leftOut("the harness has no Books: these books cannot change while the test runs")
	leftNoWriting = leftOut("this kind does not write payments back")
	leftNoTrouble = leftOut("these Books cannot misbehave like this")
	leftSnapshot  = leftOut("each pull of this kind is the whole book, without a cursor")
)

// needsBooks and needsRecorder answer why a part cannot be tried.
func (h Harness) needsBooks() error {
	if h.Books == nil {
		return leftNoBooks
	}
	return nil
}

func (h Harness) needsRecorder() error {
	if err := h.needsBooks(); err != nil {
		return err
	}
	if _, writes := h.Connector.(connectors.PaymentRecorder); !writes {
		return leftNoWriting
	}
	return nil
}

// few is a number of places that are tried.
func (h Harness) few(n int) int {
	if h.Slow {
		return max(2, n/3)
	}
	return n
}

// step is from one place that is tried to the next.
func (h Harness) step() int {
	if h.Slow {
		return 3
	}
	return 1
}

// some are the first of the troubles, the ones that differ most, or all.
func (h Harness) some(n int, troubles ...Trouble) []Trouble {
	if h.Slow {
		return troubles[:n]
	}
	return troubles
}

// guarded runs one call of the connector within the time of one, and turns a panic
// into an error.
func (h Harness) guarded(ctx context.Context, call func(context.Context) error) (err error) {
	ctx, cancel := context.WithTimeout(ctx, h.Timeout)
	defer cancel()
	defer func() {
		if caught := recover(); caught != nil {
			err = fmt.Errorf("it panics: %v\n%s", caught, debug.Stack())
		}
	}()
	return call(ctx)
}

func (h Harness) pull(ctx context.Context, cursor string, sink func(connectors.Page) error) error {
	return h.guarded(ctx, func(ctx context.Context) error { return h.Connector.Pull(ctx, cursor, sink) })
}

func (h Harness) check(ctx context.Context) error { return h.guarded(ctx, h.Connector.Check) }

func (h Harness) fetch(ctx context.Context, ref string) (document connectors.Document, err error) {
	err = h.guarded(ctx, func(ctx context.Context) error {
		document, err = h.Connector.Fetch(ctx, ref)
		return err
	})
	return document, err
}

func (h Harness) record(ctx context.Context, payment connectors.Payment) (recorded connectors.Recorded, err error) {
	recorder, writes := h.Connector.(connectors.PaymentRecorder)
	if !writes {
		return recorded, leftNoWriting
	}
	err = h.guarded(ctx, func(ctx context.Context) error {
		recorded, err = recorder.RecordPayment(ctx, payment)
		return err
	})
	return recorded, err
}

var kindName = regexp.MustCompile(`^[a-z][a-z0-9_]{1,39}$`)

func describes(_ context.Context, h Harness) error {
	d := h.Connector.Describe()
	if !kindName.MatchString(d.Kind) || d.Title == "" || d.Summary == "" {
		return fmt.Errorf("a kind, a title and a summary are needed: %+v", d)
	}
	seen := map[string]bool{}
	for _, field := range d.Fields {
		if field.Name == "" || field.Label == "" || seen[field.Name] {
			return fmt.Errorf("field %q needs a label and a name of its own", field.Name)
		}
		seen[field.Name] = true
	}
	if _, writes := h.Connector.(connectors.PaymentRecorder); writes != d.WriteBack {
		return fmt.Errorf("WriteBack is %t, RecordPayment is there: %t", d.WriteBack, writes)
	}
	return nil
}

func checks(ctx context.Context, h Harness) error {
	if err := h.check(ctx); err != nil {
		return fmt.Errorf("good books fail the check: %w", err)
	}
	return nil
}

// pull gathers the pages from a cursor on.
func pull(ctx context.Context, h Harness, cursor string) ([]connectors.Page, error) {
	var pages []connectors.Page
	err := h.pull(ctx, cursor, func(page connectors.Page) error {
		pages = append(pages, page)
		return nil
	})
	return pages, err
}

// keys names every record of a page with all that it says.
func keys(page connectors.Page) []string {
	var out []string
	for _, r := range page.Accounts {
		out = append(out, "account "+content(r))
	}
	for _, r := range page.Invoices {
		out = append(out, "invoice "+content(r))
	}
	for _, r := range page.Credits {
		out = append(out, "credit "+content(r))
	}
	for _, id := range page.Gone {
		out = append(out, "gone "+id)
	}
	for _, r := range page.Rejected {
		out = append(out, fmt.Sprintf("rejected %s %s", r.Place, r.ExternalID))
	}
	return out
}

func allKeys(pages []connectors.Page) []string {
	var out []string
	for _, page := range pages {
		out = append(out, keys(page)...)
	}
	return out
}

// largest is how many records the fullest page holds: so many may come once more.
func largest(pages []connectors.Page) int {
	most := 0
	for _, page := range pages {
		most = max(most, len(keys(page)))
	}
	return most
}

func pullsEverything(ctx context.Context, h Harness) error {
	pages, err := pull(ctx, h, "")
	if err != nil {
		return err
	}
	accounts, invoices, credits := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for i, page := range pages {
		if page.Cursor == "" && !h.Connector.Describe().Snapshot {
			return fmt.Errorf("page %d has no cursor to resume from", i)
		}
		if page.Total > 0 && page.Done > page.Total {
			return fmt.Errorf("page %d: %d of %d done", i, page.Done, page.Total)
		}
		for _, r := range page.Accounts {
			accounts[r.ExternalID] = true
		}
		for _, r := range page.Invoices {
			if err := soundInvoice(r); err != nil {
				return err
			}
			invoices[r.ExternalID] = true
		}
		for _, r := range page.Credits {
			if r.Total.Minor <= 0 || r.Open.Minor < 0 || r.Open.Minor > r.Total.Minor {
				return fmt.Errorf("credit %q: %s open of %s", r.ExternalID, r.Open, r.Total)
			}
			credits[r.ExternalID] = true
		}
	}
	if accounts[""] || invoices[""] || credits[""] {
		return errors.New("a record has no external id")
	}
	if len(accounts) != h.Accounts || len(invoices) != h.Invoices || len(credits) != h.Credits {
		return fmt.Errorf("%d accounts, %d invoices, %d credits; the books hold %d, %d, %d",
			len(accounts), len(invoices), len(credits), h.Accounts, h.Invoices, h.Credits)
	}
	return nil
}

func soundInvoice(r connectors.Invoice) error {
	switch {
	case r.Account == "" || r.Number == "":
		return fmt.Errorf("invoice %q has no account or no number", r.ExternalID)
	case r.Total.Currency == "" || !r.Total.Currency.Valid() || r.Total.Currency != r.Open.Currency:
		return fmt.Errorf("invoice %q: currencies %q and %q", r.ExternalID, r.Total.Currency, r.Open.Currency)
	case r.Open.Minor < 0 || r.Open.Minor > r.Total.Minor:
		return fmt.Errorf("invoice %q: %s open of %s", r.ExternalID, r.Open, r.Total)
	case r.Status != connectors.StatusOpen && r.Status != connectors.StatusPaid && r.Status != connectors.StatusVoid:
		return fmt.Errorf("invoice %q: status %q", r.ExternalID, r.Status)
	}
	return nil
}

func pullsTheSameTwice(ctx context.Context, h Harness) error {
	first, err := pull(ctx, h, "")
	if err != nil {
		return err
	}
	second, err := pull(ctx, h, "")
	if err != nil {
		return err
	}
	return same(allKeys(second), allKeys(first))
}

func resumes(ctx context.Context, h Harness) error {
	if h.Connector.Describe().Snapshot {
		return leftSnapshot
	}
	pages, err := pull(ctx, h, "")
	if err != nil {
		return err
	}
	if len(pages) < 2 {
		return errors.New("the harness must hold at least two pages, so that resuming can be tried")
	}
	for i, page := range pages {
		rest, err := pull(ctx, h, page.Cursor)
		if err != nil {
			return fmt.Errorf("resume after page %d: %w", i, err)
		}
		if err := goesOn(rest, pages, i+1); err != nil {
			return fmt.Errorf("resume after page %d: %w", i, err)
		}
	}
	return nil
}

// goesOn holds a resumed pull against the pages of the first: all that comes from a
// page on must come, and of what came before a page's worth may come again, unchanged.
func goesOn(rest, pages []connectors.Page, from int) error {
	got, want, before := allKeys(rest), allKeys(pages[from:]), allKeys(pages[:from])
	for _, key := range want {
		if !slices.Contains(got, key) {
			return fmt.Errorf("this does not come any more: %s", key)
		}
	}
	again := 0
	for _, key := range got {
		switch {
		case slices.Contains(want, key):
		case slices.Contains(before, key):
			again++
		default:
			return fmt.Errorf("this came otherwise before: %s", key)
		}
	}
	if most := largest(pages); again > most {
		return fmt.Errorf("%d records come again that came before the cursor; a few may, at most a page of %d", again, most)
	}
	return nil
}

func same(got, want []string) error {
	if slices.Equal(got, want) {
		return nil
	}
	return fmt.Errorf("%d records, want %d:\ngot  %s\nwant %s", len(got), len(want), strings.Join(got, "; "), strings.Join(want, "; "))
}

var errSink = errors.New("the sink is full")

func stopsWithSink(ctx context.Context, h Harness) error {
	calls := 0
	err := h.pull(ctx, "", func(connectors.Page) error {
		calls++
		return errSink
	})
	if !errors.Is(err, errSink) || calls != 1 {
		return fmt.Errorf("after %d calls Pull answered %v, want the sink's own error after one", calls, err)
	}
	return nil
}

func stopsWithContext(ctx context.Context, h Harness) error {
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if pages, err := pull(ended, h, ""); !errors.Is(err, context.Canceled) || len(pages) > 0 {
		return fmt.Errorf("with an ended context Pull brought %d pages and answered %v", len(pages), err)
	}
	during, cancel := context.WithCancel(ctx)
	defer cancel()
	calls := 0
	err := h.pull(during, "", func(connectors.Page) error {
		calls++
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) || calls != 1 {
		return fmt.Errorf("the context ended in page 1; Pull brought %d and answered %v", calls, err)
	}
	return nil
}
