package odoo_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/connectortest"
	"github.com/sheaf-hub/sheaf/vendor-connectors/odoo"
	"github.com/sheaf-hub/sheaf/vendor-connectors/odoo/odoofake"
)

func connect(t *testing.T, fake *odoofake.Fake) connectors.Connector {
	t.Helper()
	connector, err := odoo.New(fake.Settings(), connectors.Deps{HTTP: fake.Client(), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return connector
}

func TestContract(t *testing.T) {
	connectortest.Run(t, func(t *testing.T) connectortest.Harness {
		fake := odoofake.New(t)
		for i := range 130 {
			fake.Invoice(t, fmt.Sprintf("Customer %d", i%3), []string{"USD", "EUR", "JPY"}[i%3], fmt.Sprintf("%d", 100+i))
		}
		for i := range 3 {
			fake.Credit(t, fmt.Sprintf("Customer %d", i), []string{"USD", "EUR", "JPY"}[i], "40")
		}
		return connectortest.Harness{Connector: connect(t, fake), Accounts: 3, Invoices: 130, Credits: 3, Books: fake}
	})
}

func pull(t *testing.T, connector connectors.Connector, cursor string) (connectors.Page, string) {
	t.Helper()
	var all connectors.Page
	err := connector.Pull(t.Context(), cursor, func(page connectors.Page) error {
		all.Accounts, all.Invoices, all.Credits = append(all.Accounts, page.Accounts...), append(all.Invoices, page.Invoices...), append(all.Credits, page.Credits...)
		all.Gone, all.Rejected = append(all.Gone, page.Gone...), append(all.Rejected, page.Rejected...)
		cursor = page.Cursor
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all, cursor
}

func record(t *testing.T, connector connectors.Connector, payment connectors.Payment) (connectors.Recorded, error) {
	t.Helper()
	return connector.(connectors.PaymentRecorder).RecordPayment(t.Context(), payment)
}

func TestWhatARecordSays(t *testing.T) {
	fake := odoofake.New(t)
	id := fake.Invoice(t, "Acme", "EUR", "125.50")
	connector := connect(t, fake)
	all, _ := pull(t, connector, "")
	if len(all.Accounts) != 1 || len(all.Invoices) != 1 {
		t.Fatalf("%+v", all)
	}
	account, invoice := all.Accounts[0], all.Invoices[0]
	if account.Name != "Acme" || account.Terms != "30 Days" || len(account.Contacts) != 2 || account.Contacts[0].Email != "ap@customer.example" || account.Contacts[1].Email != "ap2@customer.example" {
		t.Errorf("the account: %+v", account)
	}
	if invoice.ExternalID != id || invoice.Account != account.ExternalID || invoice.Total.Decimal() != "125.50" || invoice.Total.Currency != "EUR" || len(invoice.Lines) != 1 {
		t.Errorf("the invoice: %+v", invoice)
	}
	document, err := connector.Fetch(t.Context(), invoice.Documents[0].Ref)
	if err != nil || document.ContentType != "application/pdf" || !strings.Contains(string(document.Content), "125.50") {
		t.Errorf("%+v, %v", document, err)
	}
	for _, ref := range []string{"", "999", "x", "1;2"} {
		if _, err := connector.Fetch(t.Context(), ref); !errors.Is(err, connectors.ErrGone) {
			t.Errorf("%q: %v", ref, err)
		}
	}
}

func TestAContactThatChangesBringsItsAccount(t *testing.T) {
	fake := odoofake.New(t)
	fake.Invoice(t, "Acme", "EUR", "125.50")
	connector := connect(t, fake)
	_, cursor := pull(t, connector, "")
	fake.ContactChange(t, "Acme", "new@customer.example")
	all, _ := pull(t, connector, cursor)
	if len(all.Accounts) != 1 || len(all.Invoices) != 0 || all.Accounts[0].Contacts[0].Email != "new@customer.example" {
		t.Errorf("%+v", all)
	}
}

func TestAnInvoiceThatIsTakenBackToDraftIsNotOwed(t *testing.T) {
	fake := odoofake.New(t)
	id := fake.Invoice(t, "Acme", "EUR", "125.50")
	connector := connect(t, fake)
	_, cursor := pull(t, connector, "")
	fake.Draft(t, id)
	if all, _ := pull(t, connector, cursor); len(all.Invoices) != 1 || all.Invoices[0].Status != connectors.StatusVoid {
		t.Errorf("%+v", all)
	}
}

func TestAPaymentWithCreditDiscountAndFee(t *testing.T) {
	fake := odoofake.New(t)
	first, second, credit := fake.Invoice(t, "Acme", "USD", "100"), fake.Invoice(t, "Acme", "USD", "50"), fake.Credit(t, "Acme", "USD", "30")
	connector := connect(t, fake)
	payment := connectors.Payment{Reference: "SHF-1", Account: fake.AccountID(t, first), Date: "2026-11-27", Currency: "USD", Method: "card", Clearing: true, Lines: []connectors.PaymentLine{
		{Invoice: first, Amount: "68.00", Discount: "2.00"}, {Invoice: first, Credit: credit, Amount: "30.00"}, {Invoice: second, Amount: "55.00", LateFee: "5.00"}}}
	recorded, err := record(t, connector, payment)
	if err != nil || recorded.ExternalID == "" || recorded.At.IsZero() {
		t.Fatalf("%+v, %v", recorded, err)
	}
	if again, err := record(t, connector, payment); err != nil || again.ExternalID != recorded.ExternalID {
		t.Errorf("the second time %+v, %v", again, err)
	}
	for _, id := range []string{first, second, credit} {
		if open := fake.Open(t, id); open != "0.00" {
			t.Errorf("%s is open of %s", open, id)
		}
	}
	if n, sum := fake.Booked(t, first, "SHF-1"); n != 1 || sum != "68.00" {
		t.Errorf("booked %d times, %s", n, sum)
	}
	if journal := fake.Journal(t, "SHF-1"); journal != "CLR1" {
		t.Errorf("booked in %s", journal)
	}
}

func TestWhatCannotBeBookedIsRefusedInWords(t *testing.T) {
	fake := odoofake.New(t)
	invoice, credit := fake.Invoice(t, "Acme", "USD", "100"), fake.Credit(t, "Acme", "USD", "30")
	account := fake.AccountID(t, invoice)
	for name, line := range map[string]connectors.PaymentLine{
		"nothing": {Invoice: invoice, Amount: "0"}, "no invoice": {Amount: "1"}, "gone": {Invoice: "99999", Amount: "1"}, "digits": {Invoice: invoice, Amount: "1.001"},
		"all fee": {Invoice: invoice, Amount: "5", LateFee: "5"}, "negative": {Invoice: invoice, Amount: "-5"}, "a discount too small": {Invoice: invoice, Amount: "50", Discount: "1"},
		"a part of a credit": {Invoice: invoice, Credit: credit, Amount: "10"},
	} {
		_, err := record(t, connect(t, fake), connectors.Payment{Reference: "SHF-" + name, Account: account, Date: "2026-11-27", Currency: "USD", Lines: []connectors.PaymentLine{line}})
		if !errors.Is(err, connectors.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if open := fake.Open(t, invoice); open != "100.00" {
		t.Errorf("%s open", open)
	}
}

func TestSettingsAreJudged(t *testing.T) {
	for _, settings := range []map[string]string{{}, {"url": "odoo.example", "key": "x"}, {"url": "https://a.example"}, {"url": "https://a.example", "key": "a b"}, {"url": "https://a.example", "key": "x", "database": "a\nb"}} {
		if _, err := odoo.New(settings, connectors.Deps{}); err == nil {
			t.Errorf("%v passes", settings)
		}
	}
	fake := odoofake.New(t)
	settings := fake.Settings()
	settings[connectors.PaymentAccount] = "NONE"
	connector, err := odoo.New(settings, connectors.Deps{HTTP: fake.Client(), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	if err := connector.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "NONE") {
		t.Errorf("a journal that is not there: %v", err)
	}
	fake.Misbehave(t, connectortest.Revoked)
	if err := connect(t, fake).Check(t.Context()); !errors.Is(err, connectors.ErrCredentials) || !strings.Contains(err.Error(), "Make a new one") {
		t.Errorf("a refused key: %v", err)
	}
}
