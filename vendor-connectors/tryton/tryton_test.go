package tryton_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/connectortest"
	"github.com/sheaf-hub/sheaf/vendor-connectors/tryton"
	"github.com/sheaf-hub/sheaf/vendor-connectors/tryton/trytontest"
)

func settings(s *trytontest.Server) map[string]string {
	return map[string]string{"url": s.URL, "database": s.Database, "user": s.User, "password": s.Password, "payment_method": s.PaymentMethod,
		connectors.ClearingAccount: "Sheaf clearing", "discount_method": "Discounts given"}
}

func connect(t *testing.T, s *trytontest.Server, change ...string) connectors.Connector {
	t.Helper()
	chosen := settings(s)
	for i := 0; i+1 < len(change); i += 2 {
		chosen[change[i]] = change[i+1]
	}
	connector, err := tryton.New(chosen, connectors.Deps{HTTP: &http.Client{Timeout: 30 * time.Second}, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return connector
}

func pull(t *testing.T, c connectors.Connector, cursor string) (invoices map[string]connectors.Invoice, credits map[string]connectors.Credit, next string) {
	t.Helper()
	invoices, credits, next = map[string]connectors.Invoice{}, map[string]connectors.Credit{}, cursor
	err := c.Pull(t.Context(), cursor, func(page connectors.Page) error {
		for _, one := range page.Invoices {
			invoices[one.ExternalID] = one
		}
		for _, one := range page.Credits {
			credits[one.ExternalID] = one
		}
		if len(page.Rejected) > 0 {
			t.Errorf("rejected: %+v", page.Rejected)
		}
		next = page.Cursor
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return invoices, credits, next
}

func record(t *testing.T, c connectors.Connector, payment connectors.Payment) (connectors.Recorded, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if payment.Date == "" {
		payment.Date = time.Now().Format(time.DateOnly)
	}
	return c.(connectors.PaymentRecorder).RecordPayment(ctx, payment)
}

func TestBooksComeAsTheyAreAndAsTheyChange(t *testing.T) {
	s := trytontest.Start(t)
	c := connect(t, s)
	if err := c.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	one, euro := s.Invoice(t, "Acme", "USD", "125.00"), s.Invoice(t, "Acme", "EUR", "80.50")
	yen, dinar := s.Invoice(t, "Birch", "JPY", "12000"), s.Invoice(t, "Birch", "KWD", "1.250")
	credit := s.Credit(t, "Acme", "USD", "40.00")
	invoices, credits, cursor := pull(t, c, "")
	for id, want := range map[string]string{one: "USD 125.00 of USD 125.00", euro: "EUR 80.50 of EUR 80.50", yen: "JPY 12,000 of JPY 12,000", dinar: "KWD 1.250 of KWD 1.250"} {
		got := strings.ReplaceAll(invoices[id].Open.String()+" of "+invoices[id].Total.String(), "\u00a0", " ")
		if got != want || invoices[id].Status != connectors.StatusOpen {
			t.Errorf("%s: %s %s, want %s", id, got, invoices[id].Status, want)
		}
	}
	due := time.Now().AddDate(0, 0, 30).Format(time.DateOnly)
	if got := invoices[one]; string(got.DueOn) != due || got.Terms != "Net 30" || got.Number != s.Number(t, one) || string(got.IssuedOn) != time.Now().Format(time.DateOnly) {
		t.Errorf("%+v", got)
	}
	if got := credits[credit]; got.Open.Decimal() != "40.00" || got.Total.Decimal() != "40.00" || len(invoices) != 4 || len(credits) != 1 {
		t.Errorf("%+v, %d invoices", got, len(invoices))
	}
	if again, more, _ := pull(t, c, cursor); len(again)+len(more) != 0 {
		t.Errorf("nothing has changed, and %v %v came", again, more)
	}
	time.Sleep(time.Second) // Tryton on SQLite dates changes by the second
	s.Pay(t, one, "25.00")
	s.Void(t, yen)
	s.Change(t, euro)
	s.Pay(t, dinar, "1.250")
	invoices, _, _ = pull(t, c, cursor)
	if got := invoices[one]; got.Open.Decimal() != "100.00" || got.Status != connectors.StatusOpen || len(got.Applied) != 0 {
		t.Errorf("after a part was paid there: %+v", got)
	}
	if invoices[yen].Status != connectors.StatusVoid || invoices[dinar].Status != connectors.StatusPaid || len(invoices) != 3 {
		t.Errorf("%+v", invoices)
	}
	if whole, _, _ := pull(t, c, ""); string(whole[euro].DueOn) <= due { // comes with the next reading of everything
		t.Errorf("%+v", whole[euro])
	}
}

func TestPaymentsAreBookedOnceWhateverHappens(t *testing.T) {
	s := trytontest.Start(t)
	c := connect(t, s)
	// from signing in to looking for what was booked; the seventh call books
	for trouble, calls := range map[connectortest.Trouble][]int{connectortest.LostAnswer: {0, 1, 3, 4, 5, 6, 7}, connectortest.BrokenLate: {4, 6, 7}, connectortest.Nonsense: {5, 6, 7},
		connectortest.LostRequest: {6}, connectortest.Broken: {6}, connectortest.Cut: {6}} {
		for _, at := range calls {
			invoice, reference := s.Invoice(t, "Acme", "USD", "125.00"), "SH-"+strings.ReplaceAll(string(trouble), " ", "-")+string(rune('A'+at))
			payment := connectors.Payment{Reference: reference, Account: "party-1", Currency: "USD", Lines: []connectors.PaymentLine{{Invoice: invoice, Amount: "125.00"}}}
			troubles := make([]connectortest.Trouble, at+1)
			for i := range troubles {
				troubles[i] = connectortest.Fine
			}
			troubles[at] = trouble
			s.Misbehave(t, troubles...)
			_, err := record(t, c, payment)
			s.Misbehave(t)
			if n, _ := s.Booked(t, invoice, reference); err != nil && n > 0 && !errors.Is(err, connectors.ErrUnknown) && !errors.Is(err, connectors.ErrUnreachable) {
				t.Errorf("%s at call %d: it is booked, and the error is %v", trouble, at, err)
			}
			for range 2 {
				if _, err := record(t, c, payment); err != nil {
					t.Fatalf("%s at call %d, again: %v", trouble, at, err)
				}
			}
			if n, sum := s.Booked(t, invoice, reference); n != 1 || sum != "125.00" || s.State(t, invoice) != "paid" {
				t.Errorf("%s at call %d: booked %d times, %s; Tryton says %s", trouble, at, n, sum, s.State(t, invoice))
			}
		}
	}
}

func TestPartsCreditsDiscountsAndWhatCannotBeBooked(t *testing.T) {
	s := trytontest.Start(t)
	c := connect(t, s)
	one, two, credit := s.Invoice(t, "Acme", "USD", "125.00"), s.Invoice(t, "Acme", "EUR", "80.00"), s.Credit(t, "Acme", "USD", "40.00")
	paid := func(reference, currency string, lines ...connectors.PaymentLine) error {
		_, err := record(t, c, connectors.Payment{Reference: reference, Currency: currency, Lines: lines})
		return err
	}
	for range 2 {
		if err := paid("SH-1", "USD", connectors.PaymentLine{Invoice: one, Credit: credit, Amount: "40.00"}, connectors.PaymentLine{Invoice: one, Amount: "50.00"}); err != nil {
			t.Fatal(err)
		}
	}
	if s.Open(t, one) != "35.00" || s.Open(t, credit) != "0" && s.Open(t, credit) != "0.00" && s.Open(t, credit) != "0.0" {
		t.Errorf("%s is open on the invoice, %s on the credit note", s.Open(t, one), s.Open(t, credit))
	}
	if err := paid("SH-2", "EUR", connectors.PaymentLine{Invoice: two, Amount: "78.40", Discount: "1.60"}); err != nil || s.State(t, two) != "paid" {
		t.Errorf("%v, Tryton says %s", err, s.State(t, two))
	}
	if err := paid("SH-3", "USD", connectors.PaymentLine{Invoice: one, Amount: "36.00"}); !errors.Is(err, connectors.ErrRefused) || !strings.Contains(err.Error(), "35.00") {
		t.Errorf("more than is open: %v", err)
	}
	if err := paid("SH-4", "EUR", connectors.PaymentLine{Invoice: one, Amount: "1.00"}); !errors.Is(err, connectors.ErrRefused) {
		t.Errorf("another currency: %v", err)
	}
	if err := paid("SH-5", "USD", connectors.PaymentLine{Invoice: one, Amount: "40.00", LateFee: "5.00"}); !errors.Is(err, connectors.ErrRefused) || !strings.Contains(err.Error(), "late fee") {
		t.Errorf("a late fee: %v", err)
	}
	if s.State(t, one) != "paid" {
		t.Errorf("the money beside the late fee is not booked: %s", s.Open(t, one))
	}
	invoices, _, _ := pull(t, c, "")
	if got := strings.Join(invoices[one].Applied, " "); got != "SH-1 SH-5" {
		t.Errorf("the books show %q", got)
	}
}

func TestWhatIsWrongIsSaidInWords(t *testing.T) {
	s := trytontest.Start(t)
	for name, c := range map[string]struct {
		change []string
		kind   error
		words  string
	}{
		"password": {[]string{"password", "wrong"}, connectors.ErrCredentials, "user and password"},
		"database": {[]string{"database", "none"}, nil, ""},
		"method":   {[]string{"payment_method", "Gold"}, connectors.ErrRefused, "Discounts given, Sheaf, Sheaf clearing"},
		"clearing": {[]string{connectors.ClearingAccount, "Gold"}, connectors.ErrRefused, "Gold"},
		"server":   {[]string{"url", "http://127.0.0.1:1"}, connectors.ErrUnreachable, "127.0.0.1:1"},
	} {
		err := connect(t, s, c.change...).Check(t.Context())
		if err == nil || (c.kind != nil && !errors.Is(err, c.kind)) || !strings.Contains(err.Error(), c.words) || strings.Contains(err.Error(), s.Password) {
			t.Errorf("%s: %v", name, err)
		}
	}
	s.Misbehave(t, connectortest.Revoked)
	c := connect(t, s)
	if err := c.Check(t.Context()); !errors.Is(err, connectors.ErrCredentials) {
		t.Errorf("%v", err)
	}
}

func TestAnInvoiceIsPrinted(t *testing.T) {
	s := trytontest.Start(t)
	c := connect(t, s)
	invoice := s.Invoice(t, "Acme", "USD", "125.00")
	invoices, _, _ := pull(t, c, "")
	document, err := c.Fetch(t.Context(), invoices[invoice].Documents[0].Ref)
	if err != nil || len(document.Content) < 1000 || document.ContentType == "" {
		t.Errorf("%s %s %d bytes, %v", document.Name, document.ContentType, len(document.Content), err)
	}
	for _, ref := range []string{"report/999999", "report/x", ""} {
		if _, err := c.Fetch(t.Context(), ref); !errors.Is(err, connectors.ErrGone) {
			t.Errorf("%q: %v", ref, err)
		}
	}
}

func TestTheContract(t *testing.T) {
	const invoices = 5
	// One server for all parts, so its books may not change: what happens when they do is above.
	s := trytontest.Start(t)
	for range invoices {
		s.Invoice(t, "Acme", "USD", "10.00")
	}
	s.Credit(t, "Birch", "USD", "4.00")
	connectortest.Run(t, func(t *testing.T) connectortest.Harness {
		return connectortest.Harness{Connector: tryton.WithPages(connect(t, s), 2), Accounts: 2, Invoices: invoices, Credits: 1, Timeout: time.Minute}
	})
}
