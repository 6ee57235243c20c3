package example_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/connectortest"
	"github.com/sheaf-hub/sheaf/vendor-connectors/example"
	"github.com/sheaf-hub/sheaf/vendor-connectors/example/examplefake"
)

func connect(t *testing.T, fake *examplefake.Fake) connectors.Connector {
	t.Helper()
	connector, err := example.New(fake.Settings(), connectors.Deps{HTTP: fake.Client(), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return connector
}

// TestTheContract is all that most connectors need: books with more records than fit
// into one page, and the number of them.
func TestTheContract(t *testing.T) {
	connectortest.Run(t, func(t *testing.T) connectortest.Harness {
		fake := examplefake.New(t)
		for i := range 130 {
			fake.Invoice(t, fmt.Sprintf("Customer %d", i%4), "USD", fmt.Sprintf("%d.50", 100+i))
		}
		for i := range 3 {
			fake.Credit(t, fmt.Sprintf("Customer %d", i), "USD", "40")
		}
		return connectortest.Harness{Connector: connect(t, fake), Accounts: 4, Invoices: 130, Credits: 3, Books: fake}
	})
}

func TestSettingsAreJudgedInWords(t *testing.T) {
	fake := examplefake.New(t)
	for name, c := range map[string]struct{ field, value, words string }{
		"no address":   {"url", "", "address"},
		"no server":    {"url", "ledger", "https://"},
		"no key":       {"key", " ", "whole key"},
		"wrong key":    {"key", "another", "Settings, Keys"},
		"another path": {"url", fake.Settings()["url"] + "/elsewhere", "no ledger answers"},
		"no account":   {connectors.PaymentAccount, "", "to which account"},
	} {
		settings := fake.Settings()
		settings[c.field] = c.value
		connector, err := example.New(settings, connectors.Deps{HTTP: fake.Client(), Now: time.Now})
		if err == nil {
			err = connector.Check(t.Context())
		}
		if err == nil || !strings.Contains(err.Error(), c.words) || strings.Contains(err.Error(), examplefake.Key) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhatARecordSays(t *testing.T) {
	fake := examplefake.New(t)
	id := fake.Invoice(t, "Acme Ltd", "KWD", "12.345")
	connector := connect(t, fake)
	var all connectors.Page
	pull := func() {
		all = connectors.Page{}
		err := connector.Pull(t.Context(), "", func(page connectors.Page) error {
			all.Accounts, all.Invoices, all.Rejected = append(all.Accounts, page.Accounts...), append(all.Invoices, page.Invoices...), append(all.Rejected, page.Rejected...)
			return nil
		})
		if err != nil || len(all.Accounts) != 1 || len(all.Invoices) != 1 || len(all.Rejected) != 0 {
			t.Fatalf("%+v, %v", all, err)
		}
	}
	pull()
	account, invoice := all.Accounts[0], all.Invoices[0]
	if account.Name != "Acme Ltd" || account.Terms != "Net 30" || account.Currency != "KWD" || len(account.Contacts) != 1 || account.Contacts[0].Email != "ap@acme-ltd.example" {
		t.Errorf("%+v", account)
	}
	if invoice.ExternalID != id || invoice.Account != account.ExternalID || invoice.Total.Decimal() != "12.345" || invoice.DueOn == "" || len(invoice.Documents) != 1 {
		t.Errorf("%+v", invoice)
	}
	payment := connectors.Payment{Reference: "SHF-1", Date: "2026-11-27", Currency: "KWD", Method: "card", Clearing: true, Lines: []connectors.PaymentLine{{Invoice: id, Amount: "2.345"}}}
	if _, err := connector.(connectors.PaymentRecorder).RecordPayment(t.Context(), payment); err != nil {
		t.Fatal(err)
	}
	pull()
	if invoice := all.Invoices[0]; invoice.Open.Decimal() != "10.000" || len(invoice.Applied) != 1 || invoice.Applied[0] != "SHF-1" {
		t.Errorf("%+v", invoice)
	}
}

func TestACursorOfAnotherKindIsToldAndReferencesAreKeptApart(t *testing.T) {
	fake := examplefake.New(t)
	id := fake.Invoice(t, "Acme Ltd", "USD", "100")
	connector := connect(t, fake)
	if err := connector.Pull(t.Context(), "2026-11-27", func(connectors.Page) error { return nil }); !errors.Is(err, connectors.ErrCursor) {
		t.Errorf("%v", err)
	}
	for _, reference := range []string{"SHF-12", "SHF-1", "SHF-1/2"} { // one begins like another
		payment := connectors.Payment{Reference: reference, Date: "2026-11-27", Currency: "USD", Lines: []connectors.PaymentLine{{Invoice: id, Amount: "10"}}}
		if _, err := connector.(connectors.PaymentRecorder).RecordPayment(t.Context(), payment); err != nil {
			t.Fatal(err)
		}
		if n, sum := fake.Booked(t, id, reference); n != 1 || sum != "10.00" {
			t.Errorf("%s: %d, %s", reference, n, sum)
		}
	}
	if open := fake.Open(t, id); open != "70.00" {
		t.Errorf("%s", open)
	}
}
