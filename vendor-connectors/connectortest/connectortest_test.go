package connectortest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"

	"github.com/sheaf-hub/sheaf/hub/money"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

// book is a connector in memory. Its fault breaks one promise.
type book struct {
	fault string
	pulls int
}

func (b *book) Describe() connectors.Descriptor {
	d := connectors.Descriptor{Kind: "book", Title: "Book", Summary: "Books in memory."}
	if b.fault == "claims write-back" {
		d.WriteBack = true
	}
	return d
}

func (b *book) Check(context.Context) error {
	if b.fault == "check fails" {
		return errors.New("no")
	}
	return nil
}

func (b *book) Pull(ctx context.Context, cursor string, sink func(connectors.Page) error) error {
	b.pulls++
	from, err := strconv.Atoi("0" + cursor)
	if err != nil {
		return err
	}
	if b.fault == "forgets the cursor" {
		from = 0
	}
	for i := from; i < 3; i++ {
		if err := ctx.Err(); err != nil && b.fault != "ignores the context" {
			return err
		}
		page := b.page(i)
		if err := sink(page); err != nil && b.fault != "ignores the sink" {
			return err
		}
	}
	return nil
}

func (b *book) Fetch(context.Context, string) (connectors.Document, error) {
	return connectors.Document{}, connectors.ErrGone
}

func (b *book) page(i int) connectors.Page {
	amount := money.New(int64(100+i), "EUR")
	id := fmt.Sprint(i)
	page := connectors.Page{Cursor: fmt.Sprint(i + 1), Done: int64(i + 1), Total: 3,
		Invoices: []connectors.Invoice{{ExternalID: "I" + id, Number: id, Account: "A" + id, Total: amount, Open: amount, Status: connectors.StatusOpen}},
		Accounts: []connectors.Account{{ExternalID: "A" + id, Name: "Account " + id}}}
	switch b.fault {
	case "no cursor":
		page.Cursor = ""
	case "open above total":
		page.Invoices[0].Open = money.New(5000, "EUR")
	case "no external id":
		page.Accounts[0].ExternalID = ""
	case "loses a record":
		page.Accounts = nil
	case "changes by itself":
		page.Invoices[0].Open = money.New(int64(b.pulls), "EUR")
	case "counts too far":
		page.Done = 9
	}
	return page
}

func harness(fault string) Harness {
	return Harness{Connector: &book{fault: fault}, Accounts: 3, Invoices: 3}
}

func TestAGoodConnectorPasses(t *testing.T) {
	Run(t, func(*testing.T) Harness { return harness("") })
}

func TestFaultsAreFound(t *testing.T) {
	for fault, part := range map[string]string{
		"claims write-back": "describes itself", "check fails": "check answers", "forgets the cursor": "pull resumes after every page",
		"ignores the context": "pull stops when the context ends", "ignores the sink": "pull stops when sink fails",
		"no cursor": "pull brings everything", "open above total": "pull brings everything", "no external id": "pull brings everything",
		"loses a record": "pull brings everything", "counts too far": "pull brings everything", "changes by itself": "pull twice is the same",
	} {
		found := false
		for _, check := range parts {
			if err := check.check(context.Background(), harness(fault)); err != nil && check.name == part {
				found = true
			}
		}
		if !found {
			t.Errorf("%q went unnoticed by %q", fault, part)
		}
	}
}
