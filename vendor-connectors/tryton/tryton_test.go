package tryton_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/connectortest"
	"github.com/sheaf-hub/sheaf/vendor-connectors/tryton"
	"github.com/sheaf-hub/sheaf/vendor-connectors/tryton/trytontest"
)

func connect(t *testing.T, s *trytontest.Server, change ...string) *tryton.Client {
	t.Helper()
	chosen := map[string]string{"url": s.URL, "database": s.Database, "user": s.User, "password": s.Password, "payment_method": s.PaymentMethod, connectors.ClearingAccount: "Sheaf clearing"}
	for i := 0; i+1 < len(change); i += 2 {
		chosen[change[i]] = change[i+1]
	}
	connector, err := tryton.New(chosen, connectors.Deps{HTTP: &http.Client{Timeout: 30 * time.Second}, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return connector.(*tryton.Client)
}

// shelf is what came of a pull.
type shelf struct {
	accounts map[string]connectors.Account
	invoices map[string]connectors.Invoice
	credits  map[string]connectors.Credit
	cursor   string
}

func pull(t *testing.T, c connectors.Connector, cursor string) shelf {
	t.Helper()
	s := shelf{map[string]connectors.Account{}, map[string]connectors.Invoice{}, map[string]connectors.Credit{}, cursor}
	err := c.Pull(t.Context(), cursor, func(page connectors.Page) error {
		for _, one := range page.Accounts {
			s.accounts[one.ExternalID] = one
		}
		for _, one := range page.Invoices {
			s.invoices[one.ExternalID] = one
		}
		for _, one := range page.Credits {
			s.credits[one.ExternalID] = one
		}
		if len(page.Rejected) > 0 {
			t.Errorf("rejected: %+v", page.Rejected)
		}
		s.cursor = page.Cursor
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func record(t *testing.T, c connectors.PaymentRecorder, reference, currency string, lines ...connectors.PaymentLine) (connectors.Recorded, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	return c.RecordPayment(ctx, connectors.Payment{Reference: reference, Currency: currency, Date: time.Now().UTC().Format(time.DateOnly), Lines: lines})
}

func pays(invoice, amount string) connectors.PaymentLine {
	return connectors.PaymentLine{Invoice: invoice, Amount: amount}
}

func TestBooksComeAsTheyAre(t *testing.T) {
	s := trytontest.Start(t)
	c := connect(t, s)
	if err := c.Check(t.Context()); err != nil { // of books without an invoice
		t.Fatal(err)
	}
	one, euro := s.Invoice(t, "Acme Ltd", "USD", "125.00"), s.Invoice(t, "Acme Ltd", "EUR", "80.50")
	yen, dinar := s.Invoice(t, "Birch", "JPY", "12000"), s.Invoice(t, "Birch", "KWD", "1.250")
	parts, credit := s.InvoiceInParts(t, "Acme Ltd", "USD", "100.00"), s.Credit(t, "Acme Ltd", "USD", "40.00")
	got := pull(t, c, "")
	for id, want := range map[string]string{one: "USD 125.00", euro: "EUR 80.50", yen: "JPY 12000", dinar: "KWD 1.250"} {
		invoice := got.invoices[id]
		if words := string(invoice.Total.Currency) + " " + invoice.Total.Decimal(); words != want || invoice.Open != invoice.Total || invoice.Status != connectors.StatusOpen {
			t.Errorf("%s: %+v, want %s", id, invoice, want)
		}
	}
	invoice, account := got.invoices[one], got.accounts[got.invoices[one].Account]
	if string(invoice.DueOn) != in(30) || invoice.Terms != "Net 30" || invoice.Number != s.Number(t, one) || string(invoice.IssuedOn) != in(0) {
		t.Errorf("%+v", invoice)
	}
	if want := (connectors.Line{Description: "Goods", Quantity: "1", UnitPrice: "125.00", Amount: "125.00"}); len(invoice.Lines) != 1 || invoice.Lines[0] != want {
		t.Errorf("%+v", invoice.Lines)
	}
	if account.Name != "Acme Ltd" || len(account.Contacts) != 1 || account.Contacts[0] != (connectors.Contact{Email: "acme-ltd@customer.example", Role: connectors.RolePayables}) {
		t.Errorf("%+v", account)
	}
	if string(got.invoices[parts].DueOn) != in(10) {
		t.Errorf("of two parts the first is due on %s", got.invoices[parts].DueOn)
	}
	if one := got.credits[credit]; one.Open.Decimal() != "40.00" || one.Total.Decimal() != "40.00" || one.Status != connectors.StatusOpen || len(got.invoices) != 5 || len(got.credits) != 1 {
		t.Errorf("%+v, %d invoices", one, len(got.invoices))
	}
	got = pull(t, c, got.cursor) // what the first had no party list for may come once more
	if got = pull(t, c, got.cursor); len(got.invoices)+len(got.credits)+len(got.accounts) != 0 {
		t.Errorf("nothing has changed, and %+v came", got)
	}
	if err := c.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// in is the date so many days from now.
func in(days int) string { return time.Now().UTC().AddDate(0, 0, days).Format(time.DateOnly) }

// TestChangesThatTrytonDoesNotDateCome: Tryton gives an invoice a new write_date for
// some of these, and for others not.
func TestChangesThatTrytonDoesNotDateCome(t *testing.T) {
	s := trytontest.Start(t)
	c := connect(t, s, "user", "admin") // who may read the module account_payment's payments
	parts, whole, linked := s.InvoiceInParts(t, "Acme", "USD", "100.00"), s.Invoice(t, "Acme", "USD", "70.00"), s.Invoice(t, "Acme", "USD", "60.00")
	moved, collected, cancelled := s.Invoice(t, "Acme", "USD", "50.00"), s.Invoice(t, "Birch", "USD", "40.00"), s.Invoice(t, "Birch", "USD", "30.00")
	cursor := pull(t, c, pull(t, c, "").cursor).cursor
	open := func(id, want string, status connectors.Status) func(shelf) error {
		return func(got shelf) error {
			if one := got.invoices[id]; one.Open.Decimal() != want || one.Status != status || len(one.Applied) > 0 {
				return fmt.Errorf("%+v, want %s open and %s", one, want, status)
			}
			return nil
		}
	}
	for _, step := range []struct {
		what string
		do   func()
		want func(shelf) error
	}{
		{"a part is reconciled by hand", func() { s.Reconcile(t, parts, 0, s.Receive(t, "Acme", "50.00")) }, open(parts, "50.00", connectors.StatusOpen)},
		{"the rest is reconciled by hand", func() { s.Reconcile(t, parts, 1, s.Receive(t, "Acme", "50.00")) }, open(parts, "0.00", connectors.StatusPaid)},
		{"a whole invoice is reconciled by hand", func() { s.Reconcile(t, whole, 0, s.Receive(t, "Acme", "70.00")) }, open(whole, "0.00", connectors.StatusPaid)},
		{"money is linked to an invoice", func() { s.Link(t, linked, s.Receive(t, "Acme", "25.00")) }, open(linked, "35.00", connectors.StatusOpen)},
		{"the wizard pays a part", func() { s.Pay(t, linked, "5.00") }, open(linked, "30.00", connectors.StatusOpen)},
		{"more time is given", func() { s.Change(t, moved) }, func(got shelf) error {
			if due := string(got.invoices[moved].DueOn); due != in(40) {
				return fmt.Errorf("it is due on %q, want %s", due, in(40))
			}
			return nil
		}},
		{"money is on its way", func() { s.Collect(t, collected, "15.00") }, open(collected, "25.00", connectors.StatusOpen)},
		{"an invoice is cancelled", func() { s.Void(t, cancelled) }, open(cancelled, "0.00", connectors.StatusVoid)},
		{"an address changes", func() { s.Move(t, "Birch", "new@customer.example") }, func(got shelf) error {
			for _, account := range got.accounts {
				if account.Name == "Birch" && account.Contacts[0].Email == "new@customer.example" {
					return nil
				}
			}
			return fmt.Errorf("%+v", got.accounts)
		}},
	} {
		step.do()
		got := pull(t, c, cursor)
		if err := step.want(got); err != nil {
			t.Errorf("%s: %v", step.what, err)
		}
		if len(got.invoices) > 1 {
			t.Errorf("%s: %d invoices came", step.what, len(got.invoices))
		}
		cursor = got.cursor
	}
}

func TestPartsCreditsDiscountsAndWhatCannotBeBooked(t *testing.T) {
	s := trytontest.Start(t)
	c := connect(t, s)
	one, two, credit := s.Invoice(t, "Acme", "USD", "125.00"), s.Invoice(t, "Acme", "EUR", "80.00"), s.Credit(t, "Acme", "USD", "40.00")
	onCredit := connectors.PaymentLine{Invoice: one, Credit: credit, Amount: "40.00"}
	for range 2 {
		if recorded, err := record(t, c, "SH-1", "USD", onCredit, pays(one, "50.00")); err != nil || recorded.ExternalID == "" || recorded.At.IsZero() {
			t.Fatal(recorded, err)
		}
	}
	if s.Open(t, one) != "35.00" || s.State(t, credit) != "paid" {
		t.Errorf("%s is open on the invoice, the credit note is %s", s.Open(t, one), s.State(t, credit))
	}
	for range 2 {
		if _, err := record(t, c, "SH-2", "EUR", connectors.PaymentLine{Invoice: two, Amount: "78.40", Discount: "1.60"}); err != nil || s.State(t, two) != "paid" {
			t.Errorf("%v, Tryton says %s", err, s.State(t, two))
		}
	}
	refused := func(what, words, reference, currency string, lines ...connectors.PaymentLine) {
		t.Helper()
		if _, err := record(t, c, reference, currency, lines...); !errors.Is(err, connectors.ErrRefused) || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", what, err)
		}
	}
	refused("more than is open", "35.00", "SH-3", "USD", pays(one, "36.00"))
	refused("more than is open, in two lines", "5.00 open", "SH-3", "USD", connectors.PaymentLine{Invoice: one, Credit: s.Credit(t, "Acme", "USD", "30.00"), Amount: "30.00"}, pays(one, "6.00"))
	refused("another currency", "is in USD", "SH-4", "EUR", pays(one, "1.00"))
	refused("a reference that could not be found again", "no spaces", "SH 4", "USD", pays(one, "1.00"))
	if s.Open(t, one) != "35.00" {
		t.Errorf("what was refused is booked: %s", s.Open(t, one))
	}
	for range 2 {
		refused("a late fee", "late fee", "SH-5", "USD", connectors.PaymentLine{Invoice: one, Amount: "40.00", LateFee: "5.00"})
		if s.State(t, one) != "paid" {
			t.Errorf("the money beside the late fee is not booked: %s", s.Open(t, one))
		}
	}
	three := s.Invoice(t, "Acme", "USD", "100.00")
	for range 2 {
		refused("a discount on a part", "discount", "SH-6", "USD", connectors.PaymentLine{Invoice: three, Amount: "40.00", Discount: "2.00"})
		if s.Open(t, three) != "60.00" {
			t.Errorf("the money beside the discount: %s", s.Open(t, three))
		}
	}
	whole := pull(t, c, "")
	if got := strings.Join(whole.invoices[one].Applied, " "); got != "SH-1 SH-5" {
		t.Errorf("the books show %q", got)
	}
	if got := strings.Join(whole.credits[credit].Applied, " "); got != "SH-1" {
		t.Errorf("the books show %q on the credit note", got)
	}
}

// TestAnotherRateIsWrittenOff: the invoice's euros were worth something else on the day
// of the payment, and Tryton still calls it paid.
func TestAnotherRateIsWrittenOff(t *testing.T) {
	s := trytontest.Start(t)
	c := connect(t, s)
	invoice := s.Invoice(t, "Acme", "EUR", "80.00")
	s.Rate(t, "EUR", time.Now().UTC().AddDate(0, 0, 1), "2.5")
	payment := connectors.Payment{Reference: "SH-1", Currency: "EUR", Date: in(1), Lines: []connectors.PaymentLine{pays(invoice, "80.00")}}
	if _, err := c.RecordPayment(t.Context(), payment); err != nil || s.State(t, invoice) != "paid" {
		t.Errorf("%v, Tryton says %s, %s is open", err, s.State(t, invoice), s.Open(t, invoice))
	}
}

// TestSeveralInvoicesAreBookedOnce loses the answer to each call of a payment.
func TestSeveralInvoicesAreBookedOnce(t *testing.T) {
	s := trytontest.Start(t)
	c := connect(t, s)
	if err := c.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	for at := range 9 {
		lines := []connectors.PaymentLine{pays(s.Invoice(t, "Acme", "USD", "125.00"), "125.00"), pays(s.Invoice(t, "Acme", "USD", "80.00"), "30.00")}
		reference := fmt.Sprintf("SH-%d", at)
		s.Misbehave(t, append(slices.Repeat([]connectortest.Trouble{connectortest.Fine}, at), connectortest.LostAnswer)...)
		before := s.Calls()
		_, err := record(t, c, reference, "USD", lines...)
		if s.Calls()-before <= at {
			t.Fatalf("a payment takes %d calls now; lose each of them", s.Calls()-before)
		}
		if n, _ := s.Booked(t, lines[0].Invoice, reference); n > 0 && err != nil && !errors.Is(err, connectors.ErrUnknown) {
			t.Errorf("call %d is lost: it is booked, and the error is %v", at, err)
		}
		for range 2 {
			if _, again := record(t, c, reference, "USD", lines...); again != nil {
				t.Fatalf("call %d is lost (%v), again: %v", at, err, again)
			}
		}
		for i, want := range []string{"paid", "posted"} {
			id := lines[i].Invoice
			if n, sum := s.Booked(t, id, reference); n != 1 || sum != lines[i].Amount || s.State(t, id) != want {
				t.Errorf("call %d is lost: booked %d times, %s; Tryton says %s", at, n, sum, s.State(t, id))
			}
		}
	}
}

func TestWhatIsWrongIsSaidInWords(t *testing.T) {
	s := trytontest.Start(t)
	s.Invoice(t, "Acme", "USD", "125.00")
	for name, c := range map[string]struct {
		change []string
		kind   error
		words  string
	}{
		"password":  {[]string{"password", "wrong"}, connectors.ErrCredentials, "user and password"},
		"user":      {[]string{"user", "nobody"}, connectors.ErrCredentials, "user and password"},
		"database":  {[]string{"database", "none"}, connectors.ErrRefused, `no database "none"`},
		"rights":    {[]string{"user", trytontest.Outsider}, connectors.ErrRefused, "group Account"},
		"module":    {[]string{"database", trytontest.Bare, "user", "admin"}, connectors.ErrRefused, "module account_invoice must be activated"},
		"method":    {[]string{"payment_method", "Gold"}, connectors.ErrRefused, `no payment method "Gold". It has: Sheaf, Sheaf clearing`},
		"clearing":  {[]string{connectors.ClearingAccount, "Gold"}, connectors.ErrRefused, "Gold"},
		"write-off": {[]string{"write_off", "Gold"}, connectors.ErrRefused, `no write-off "Gold". It has: Discounts given`},
		"server":    {[]string{"url", "http://127.0.0.1:1"}, connectors.ErrUnreachable, "127.0.0.1:1"},
		"path":      {[]string{"url", s.URL + "/else"}, connectors.ErrRefused, "as a Tryton server does"},
	} {
		err := connect(t, s, c.change...).Check(t.Context())
		if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.words) || strings.Contains(err.Error(), s.Password) {
			t.Errorf("%s: %v", name, err)
		}
	}
	s.LeaveCompany(t)
	if err := connect(t, s).Check(t.Context()); !errors.Is(err, connectors.ErrRefused) || !strings.Contains(err.Error(), "has no company") {
		t.Errorf("without a company: %v", err)
	}
	for name, value := range map[string]string{"url": "tryton", "database": "a/b", "user": "", "password": "", "payment_method": ""} {
		settings := map[string]string{"url": s.URL, "database": s.Database, "user": s.User, "password": s.Password, "payment_method": s.PaymentMethod}
		settings[name] = value
		if _, err := tryton.New(settings, connectors.Deps{}); err == nil {
			t.Errorf("%s %q is taken", name, value)
		}
	}
}

func TestAnInvoiceIsPrinted(t *testing.T) {
	s := trytontest.Start(t)
	c := connect(t, s)
	invoice := s.Invoice(t, "Acme", "USD", "125.00")
	promised := pull(t, c, "").invoices[invoice].Documents[0]
	document, err := c.Fetch(t.Context(), promised.Ref)
	if err != nil || len(document.Content) < 1000 || document.ContentType != promised.ContentType || document.Name != promised.Name || document.Held != "" {
		t.Errorf("%s %s %d bytes, %v; the pull says %+v", document.Name, document.ContentType, len(document.Content), err, promised)
	}
	if !strings.HasPrefix(document.Name, s.Number(t, invoice)+".") {
		t.Errorf("%q", document.Name)
	}
	for _, ref := range []string{"report/999999", "report/x", "report/-1", "1", ""} {
		if _, err := c.Fetch(t.Context(), ref); !errors.Is(err, connectors.ErrGone) {
			t.Errorf("%q: %v", ref, err)
		}
	}
}

func TestANoteIsWrittenOnce(t *testing.T) {
	s := trytontest.Start(t)
	c := connect(t, s)
	invoice := s.Invoice(t, "Acme", "USD", "125.00")
	at := time.Date(2026, 11, 27, 10, 30, 0, 0, time.UTC)
	for range 2 {
		for _, reference := range []string{"N_1", "N_11", "N-1"} {
			if err := c.RecordNote(t.Context(), connectors.Note{Reference: reference, Invoice: invoice, At: at, Text: "Two boxes were empty."}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if notes := s.Notes(t, invoice); len(notes) != 3 || !strings.Contains(strings.Join(notes, "\n"), "2026-11-27 10:30 UTC: Two boxes were empty. [N_1]") {
		t.Errorf("%q", notes)
	}
	if err := c.RecordNote(t.Context(), connectors.Note{Reference: "N-1", Invoice: "x", At: at}); !errors.Is(err, connectors.ErrRefused) {
		t.Error(err)
	}
}

// TestTheContract has one server for all parts: the suite counts before it changes.
// Pages grow with the books, so that there are always some and never many.
func TestTheContract(t *testing.T) {
	const invoices = 5
	s := trytontest.Start(t)
	for range invoices {
		s.Invoice(t, "Acme", "USD", "100.00")
	}
	s.Credit(t, "Birch", "USD", "4.00")
	connectortest.Run(t, func(t *testing.T) connectortest.Harness {
		s.Skew(t, 0)
		h := connectortest.Harness{Connector: tryton.WithPages(connect(t, s), max(4, s.Count(t)/3)), Accounts: 2, Invoices: invoices, Credits: 1, Timeout: time.Minute, Slow: true}
		if os.Getenv("TRYTON_CONTRACT") != "" { // the parts in which the books change take four minutes; the tests above have their own
			h.Books = s
		}
		return h
	})
}
