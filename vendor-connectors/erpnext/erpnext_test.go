package erpnext_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/connectortest"
	"github.com/sheaf-hub/sheaf/vendor-connectors/erpnext"
	"github.com/sheaf-hub/sheaf/vendor-connectors/erpnext/erpnextfake"
)

func connect(t *testing.T, fake *erpnextfake.Fake) connectors.Connector {
	t.Helper()
	connector, err := erpnext.New(fake.Settings(), connectors.Deps{HTTP: fake.Client(), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return connector
}

func TestContract(t *testing.T) {
	connectortest.Run(t, func(t *testing.T) connectortest.Harness {
		fake := erpnextfake.New(t)
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
	fake := erpnextfake.New(t)
	id := fake.Invoice(t, "Acme", "EUR", "125.50")
	connector := connect(t, fake)
	all, _ := pull(t, connector, "")
	if len(all.Accounts) != 1 || len(all.Invoices) != 1 {
		t.Fatalf("%+v", all)
	}
	account, invoice := all.Accounts[0], all.Invoices[0]
	if account.ExternalID != "Acme" || account.Name != "Acme Ltd" || account.Terms != "Net 30" || len(account.Contacts) != 1 || account.Contacts[0].Email != "ap@customer.example" {
		t.Errorf("the account: %+v", account)
	}
	if invoice.ExternalID != id || invoice.Account != "Acme" || invoice.Total.Decimal() != "125.50" || invoice.Total.Currency != "EUR" || len(invoice.Lines) != 1 || invoice.PurchaseOrder != "PO-7" {
		t.Errorf("the invoice: %+v", invoice)
	}
	document, err := connector.Fetch(t.Context(), invoice.Documents[0].Ref)
	if err != nil || document.ContentType != "application/pdf" || !strings.Contains(string(document.Content), "125.50") {
		t.Errorf("%+v, %v", document, err)
	}
	for _, ref := range []string{"", "none"} {
		if _, err := connector.Fetch(t.Context(), ref); !errors.Is(err, connectors.ErrGone) {
			t.Errorf("%q: %v", ref, err)
		}
	}
}

func TestAContactThatChangesBringsItsAccount(t *testing.T) {
	fake := erpnextfake.New(t)
	fake.Invoice(t, "Acme", "EUR", "125.50")
	fake.Invoice(t, "Other", "EUR", "125.50")
	connector := connect(t, fake)
	_, cursor := pull(t, connector, "")
	fake.ContactChange(t, "Acme", "new@customer.example")
	all, _ := pull(t, connector, cursor)
	if len(all.Accounts) != 1 || len(all.Invoices) != 0 || all.Accounts[0].Contacts[0].Email != "new@customer.example" {
		t.Errorf("%+v", all)
	}
}

func TestDeletionsAreToldWhereTheUserMayReadThem(t *testing.T) {
	for _, may := range []bool{true, false} {
		fake := erpnextfake.New(t)
		first, second := fake.Invoice(t, "Acme", "EUR", "10"), fake.Invoice(t, "Acme", "EUR", "20")
		if !may {
			fake.Demote(t)
		}
		connector := connect(t, fake)
		_, cursor := pull(t, connector, "")
		fake.Delete(t, first)
		all, cursor := pull(t, connector, cursor)
		if slices.Contains(all.Gone, first) != may || len(all.Gone) > 1 {
			t.Errorf("may read them: %t; gone: %q", may, all.Gone)
		}
		fake.Delete(t, second)
		if all, _ = pull(t, connector, cursor); slices.Contains(all.Gone, second) != may || len(all.Gone) > 1 {
			t.Errorf("may read them: %t; gone then: %q", may, all.Gone)
		}
	}
}

func TestAPaymentWithCreditDiscountAndFee(t *testing.T) {
	fake := erpnextfake.New(t)
	first, second, credit := fake.Invoice(t, "Acme", "USD", "100"), fake.Invoice(t, "Acme", "USD", "50"), fake.Credit(t, "Acme", "USD", "30")
	connector := connect(t, fake)
	payment := connectors.Payment{Reference: "SHF-1", Account: "Acme", Date: "2026-11-27", Currency: "USD", Method: "card", Clearing: true, Lines: []connectors.PaymentLine{
		{Invoice: first, Amount: "68.00", Discount: "2.00"}, {Invoice: first, Credit: credit, Amount: "30.00"}, {Invoice: second, Amount: "55.00", LateFee: "5.00"}}}
	recorded, err := record(t, connector, payment)
	if err != nil || recorded.ExternalID == "" || time.Since(recorded.At).Abs() > time.Minute {
		t.Fatalf("%+v, %v", recorded, err)
	}
	if again, err := record(t, connector, payment); err != nil || again != recorded {
		t.Errorf("the second time %+v, %v", again, err)
	}
	for _, id := range []string{first, second, credit} {
		if open := fake.Open(t, id); open != "0.00" {
			t.Errorf("%s is open of %s", open, id)
		}
	}
	if into := fake.Into(t, "SHF-1"); into != "Clearing USD - NW" {
		t.Errorf("paid into %q", into)
	}
	all, _ := pull(t, connector, "")
	if len(all.Invoices)+len(all.Credits) != 0 {
		t.Errorf("still open: %+v", all)
	}
}

func TestADraftWithOurReferenceIsSubmitted(t *testing.T) {
	fake := erpnextfake.New(t)
	invoice := fake.Invoice(t, "Acme", "USD", "100")
	name := fake.Draft(t, invoice, "SHF-1", "100")
	recorded, err := record(t, connect(t, fake), connectors.Payment{Reference: "SHF-1", Account: "Acme", Date: "2026-11-27", Currency: "USD", Lines: []connectors.PaymentLine{{Invoice: invoice, Amount: "100"}}})
	if n, _ := fake.Booked(t, invoice, "SHF-1"); err != nil || recorded.ExternalID != name || n != 1 || fake.Open(t, invoice) != "0.00" {
		t.Errorf("%+v, %v; booked %d times", recorded, err, n)
	}
}

func TestWhatCannotBeBookedIsRefusedInWords(t *testing.T) {
	fake := erpnextfake.New(t)
	invoice, credit := fake.Invoice(t, "Acme", "USD", "100"), fake.Credit(t, "Acme", "USD", "30")
	for name, line := range map[string]connectors.PaymentLine{
		"too much": {Invoice: invoice, Amount: "101"}, "nothing": {Invoice: invoice, Amount: "0"}, "no invoice": {Amount: "1"}, "gone": {Invoice: "nowhere", Amount: "1"},
		"digits": {Invoice: invoice, Amount: "1.001"}, "all fee": {Invoice: invoice, Amount: "5", LateFee: "5"}, "negative": {Invoice: invoice, Amount: "-5"},
		"more than the credit": {Invoice: invoice, Credit: credit, Amount: "31"}, "no credit": {Invoice: invoice, Credit: invoice, Amount: "1"},
	} {
		_, err := record(t, connect(t, fake), connectors.Payment{Reference: "SHF-" + name, Account: "Acme", Date: "2026-11-27", Currency: "USD", Lines: []connectors.PaymentLine{line}})
		if !errors.Is(err, connectors.ErrRefused) || strings.Contains(err.Error(), "<b>") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if open := fake.Open(t, invoice); open != "100.00" {
		t.Errorf("%s open", open)
	}
}

func TestSettingsAreJudged(t *testing.T) {
	for _, settings := range []map[string]string{{}, {"url": "erp.example", "key": "x", "secret": "y"}, {"url": "https://a.example", "key": "x"}, {"url": "https://a.example", "key": "a b", "secret": "y"}} {
		if _, err := erpnext.New(settings, connectors.Deps{}); err == nil {
			t.Errorf("%v passes", settings)
		}
	}
	fake := erpnextfake.New(t)
	for account, words := range map[string]string{"None - NW": "no account", "Bank Accounts - NW": "is a group"} {
		settings := fake.Settings()
		settings[connectors.PaymentAccount] = account
		connector, err := erpnext.New(settings, connectors.Deps{HTTP: fake.Client(), Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		if err := connector.Check(t.Context()); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%q: %v", account, err)
		}
	}
	fake.Misbehave(t, connectortest.Revoked)
	if err := connect(t, fake).Check(t.Context()); !errors.Is(err, connectors.ErrCredentials) || !strings.Contains(err.Error(), "Generate new ones") {
		t.Errorf("refused keys: %v", err)
	}
}
