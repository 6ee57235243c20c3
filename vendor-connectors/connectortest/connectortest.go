// Package connectortest is the contract that every connector passes. A
// connector's test calls Run with a harness whose books do not change while
// the test runs.
package connectortest

import (
	"context"
	"errors"
	"fmt"
	"regexp"
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
	// Books is where the connector reads, for the parts in which they change while
	// it does; nil: they cannot change, and those parts are left out.
	Books Books
}

// Run holds a connector to the contract, each part with a fresh harness.
func Run(t *testing.T, newHarness func(t *testing.T) Harness) {
	t.Helper()
	for _, part := range parts {
		t.Run(part.name, func(t *testing.T) {
			h := newHarness(t)
			if h.Timeout == 0 {
				h.Timeout = 30 * time.Second
			}
			ctx, cancel := context.WithTimeout(context.Background(), h.Timeout)
			defer cancel()
			if err := part.check(ctx, h); err != nil {
				t.Error(err)
			}
		})
	}
}

// parts are functions that answer an error, so that they can be tried on
// connectors that break the contract.
var parts = []struct {
	name  string
	check func(context.Context, Harness) error
}{
	{"describes itself", describes},
	{"check answers", checks},
	{"pull brings everything", pullsEverything},
	{"pull twice is the same", pullsTheSameTwice},
	{"pull resumes after every page", resumes},
	{"pull stops when sink fails", stopsWithSink},
	{"pull stops when the context ends", stopsWithContext},
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
	if err := h.Connector.Check(ctx); err != nil {
		return fmt.Errorf("good books fail the check: %w", err)
	}
	return nil
}

// pull gathers the pages from a cursor on.
func pull(ctx context.Context, h Harness, cursor string) ([]connectors.Page, error) {
	var pages []connectors.Page
	err := h.Connector.Pull(ctx, cursor, func(page connectors.Page) error {
		pages = append(pages, page)
		return nil
	})
	return pages, err
}

// keys names every record of a page with what the hub would see change.
func keys(page connectors.Page) []string {
	var out []string
	for _, r := range page.Accounts {
		out = append(out, fmt.Sprintf("account %s %+v", r.ExternalID, r))
	}
	for _, r := range page.Invoices {
		out = append(out, fmt.Sprintf("invoice %s %s %s %s %s", r.ExternalID, r.Account, r.Total, r.Open, r.Status))
	}
	for _, r := range page.Credits {
		out = append(out, fmt.Sprintf("credit %s %s %s %s %s", r.ExternalID, r.Account, r.Total, r.Open, r.Status))
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

func pullsEverything(ctx context.Context, h Harness) error {
	pages, err := pull(ctx, h, "")
	if err != nil {
		return err
	}
	accounts, invoices, credits := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for i, page := range pages {
		if page.Cursor == "" {
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
		if err := same(allKeys(rest), allKeys(pages[i+1:])); err != nil {
			return fmt.Errorf("resume after page %d: %w", i, err)
		}
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
	err := h.Connector.Pull(ctx, "", func(connectors.Page) error {
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
	err := h.Connector.Pull(during, "", func(connectors.Page) error {
		calls++
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) || calls != 1 {
		return fmt.Errorf("the context ended in page 1; Pull brought %d and answered %v", calls, err)
	}
	return nil
}
