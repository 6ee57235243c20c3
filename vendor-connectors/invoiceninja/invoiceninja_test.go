package invoiceninja_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/connectortest"
	"github.com/sheaf-hub/sheaf/vendor-connectors/invoiceninja"
	"github.com/sheaf-hub/sheaf/vendor-connectors/invoiceninja/invoiceninjafake"
)

func connect(t *testing.T, fake *invoiceninjafake.Fake) connectors.Connector {
	t.Helper()
	connector, err := invoiceninja.New(fake.Settings(), connectors.Deps{HTTP: fake.Client(), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return connector
}

func TestContract(t *testing.T) {
	connectortest.Run(t, func(t *testing.T) connectortest.Harness {
		fake := invoiceninjafake.New(t)
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
	fake := invoiceninjafake.New(t)
	id := fake.Invoice(t, "Acme", "EUR", "125.50")
	connector := connect(t, fake)
	all, _ := pull(t, connector, "")
	account, invoice := all.Accounts[0], all.Invoices[0]
	if account.Name != "Acme" || account.Currency != "EUR" || len(account.Contacts) != 1 || account.Contacts[0].Email != "ap@acme.example" || account.Contacts[0].Name != "Ann Payer" {
		t.Errorf("the account: %+v", account)
	}
	if invoice.ExternalID != id || invoice.Account != account.ExternalID || invoice.Total.Decimal() != "125.50" || invoice.Total.Currency != "EUR" || invoice.PurchaseOrder != "PO-7" || len(invoice.Lines) != 1 {
		t.Errorf("the invoice: %+v", invoice)
	}
	if len(invoice.Documents) != 2 {
		t.Fatalf("the papers: %+v", invoice.Documents)
	}
	for _, paper := range invoice.Documents {
		document, err := connector.Fetch(t.Context(), paper.Ref)
		if err != nil || document.ContentType != "application/pdf" || !strings.HasPrefix(string(document.Content), "%PDF-") {
			t.Errorf("%s: %+v, %v", paper.Ref, document, err)
		}
	}
	for _, ref := range []string{"", "invoice/", "invoice/none", "client/" + id, "invoice/../clients", "document/secret"} {
		if _, err := connector.Fetch(t.Context(), ref); !errors.Is(err, connectors.ErrGone) {
			t.Errorf("%q: %v", ref, err)
		}
	}
}

func TestAPurgeBetweenTwoPagesHidesNothing(t *testing.T) {
	fake := invoiceninjafake.New(t)
	var ids []string
	for range 250 {
		ids = append(ids, fake.Invoice(t, "Acme", "USD", "10"))
	}
	seen, pages := map[string]bool{}, 0
	err := connect(t, fake).Pull(t.Context(), "", func(page connectors.Page) error {
		for _, invoice := range page.Invoices {
			seen[invoice.ExternalID] = true
		}
		if pages++; pages == 2 { // the first hundred invoices are read
			for _, id := range ids[:30] {
				fake.Purge(t, id)
			}
		}
		return nil
	})
	if err != nil || len(seen) != 250 {
		t.Errorf("%d of 250 seen: %v", len(seen), err)
	}
}

func TestAPaymentWithCreditDiscountAndFee(t *testing.T) {
	fake := invoiceninjafake.New(t)
	first, second, credit := fake.Invoice(t, "Acme", "USD", "100"), fake.Invoice(t, "Acme", "USD", "50"), fake.Credit(t, "Acme", "USD", "30")
	connector := connect(t, fake)
	payment := connectors.Payment{Reference: "SHF-1", Account: fake.AccountID(t, first), Date: "2026-11-27", Currency: "USD", Method: "card", Lines: []connectors.PaymentLine{
		{Invoice: first, Amount: "68.00", Discount: "2.00"}, {Invoice: first, Credit: credit, Amount: "30.00"}, {Invoice: second, Amount: "55.00", LateFee: "5.00"}}}
	recorded, err := record(t, connector, payment)
	if err != nil || recorded.ExternalID == "" || recorded.At.IsZero() {
		t.Fatalf("%+v, %v", recorded, err)
	}
	again, err := record(t, connector, payment)
	if err != nil || again != recorded {
		t.Errorf("the second time %+v, %v", again, err)
	}
	for _, id := range []string{first, second, credit} {
		if open := fake.Open(t, id); open != "0.00" {
			t.Errorf("%s is open of %s", open, id)
		}
	}
	all, _ := pull(t, connector, "")
	for _, invoice := range all.Invoices {
		if invoice.Status != connectors.StatusPaid || len(invoice.Applied) != 1 || invoice.Applied[0] != "SHF-1" {
			t.Errorf("%+v", invoice)
		}
	}
}

func TestWhatCannotBeBookedIsRefusedInWords(t *testing.T) {
	fake := invoiceninjafake.New(t)
	invoice := fake.Invoice(t, "Acme", "USD", "100")
	account := fake.AccountID(t, invoice)
	for name, line := range map[string]connectors.PaymentLine{
		"too much": {Invoice: invoice, Amount: "101"}, "nothing": {Invoice: invoice, Amount: "0"}, "no invoice": {Amount: "1"}, "gone": {Invoice: "nowhere", Amount: "1"},
		"digits": {Invoice: invoice, Amount: "1.001"}, "all fee": {Invoice: invoice, Amount: "5", LateFee: "5"}, "negative": {Invoice: invoice, Amount: "-5"},
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
	for _, settings := range []map[string]string{{}, {"url": "invoicing.co", "token": "x"}, {"url": "https://a.example"}, {"url": "https://u:p@a.example", "token": "x"}, {"url": "https://a.example", "token": "a b"}} {
		if _, err := invoiceninja.New(settings, connectors.Deps{}); err == nil {
			t.Errorf("%v passes", settings)
		}
	}
	fake := invoiceninjafake.New(t)
	fake.Misbehave(t, connectortest.Revoked)
	if err := connect(t, fake).Check(t.Context()); !errors.Is(err, connectors.ErrCredentials) || !strings.Contains(err.Error(), "Make a new one") {
		t.Errorf("a refused token: %v", err)
	}
}
