package payment_test

import (
	"errors"
	"testing"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/gateway/sandbox"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/store"
)

func TestQuotePerCurrencyAndVendor(t *testing.T) {
	each(t, func(t *testing.T, s *till) {
		one, two, a, b, payer := s.two()
		dollars := bill("C-1", "INV-USD", 9900, 9900)
		dollars.Currency = "USD"
		s.push(one, billing.Batch{Invoices: []billing.InvoiceRecord{dollars}})
		selection := tick(a, b, s.book(one, "INV-USD"))
		selection.Invoices[0].Amount = " 1 00.50 "
		quote := s.quote(payer, selection)
		if len(quote.Currencies) != 2 || quote.Currencies[0].Currency != "EUR" || quote.Currencies[1].Currency != "USD" {
			t.Fatalf("%+v", quote.Currencies)
		}
		euro := quote.Currencies[0]
		if euro.Charge != 14050 || euro.Credit != 0 || len(euro.Vendors) != 2 || euro.Vendors[0].VendorID != two.ID || euro.Vendors[0].Charge != 4000 ||
			euro.Vendors[1].Charge != 10050 || euro.Vendors[1].Lines[0].Open != 12500 {
			t.Fatalf("%+v", euro)
		}
		read, err := s.ReadQuote(t.Context(), payer, quote.ID)
		if err != nil || read.Hash != quote.Hash || len(read.Currencies) != 2 {
			t.Fatal(read, err)
		}
		// one checkout after the other
		for _, currency := range []money.Currency{"EUR", "USD"} {
			started, err := s.Start(t.Context(), payer, quote.ID, quote.Hash, currency)
			s.must(err)
			s.press(started.Payment, sandbox.Succeed)
			s.want(started.Payment.ID, payment.Settled)
			s.sound()
		}
		if s.book(one, "INV-1").Open != 2450 || s.book(one, "INV-USD").Open != 0 || s.book(two, "B-7").Open != 0 {
			t.Fatal("not paid as quoted")
		}
	})
}

func TestCreditsGoToTheEarliestDue(t *testing.T) {
	each(t, func(t *testing.T, s *till) {
		one, _, a, b, payer := s.two()
		early := bill("C-1", "INV-0", 2000, 2000)
		early.DueOn = "2026-11-10"
		s.push(one, billing.Batch{Invoices: []billing.InvoiceRecord{early}})
		credit := s.credit(one, "C-1", "CR-1", 3000)
		selection := tick(a, b, s.book(one, "INV-0"))
		selection.Credits = []string{credit.ID, credit.ID} // ticked twice is ticked
		quote := s.quote(payer, selection)
		vendor := quote.Currencies[0].Vendors[1]
		if quote.Currencies[0].Credit != 3000 || quote.Currencies[0].Charge != 15500 || vendor.Lines[0].Number != "INV-0" ||
			vendor.Lines[0].Charge != 0 || vendor.Lines[0].Credits[0].Amount != 2000 || vendor.Lines[1].Credits[0].Amount != 1000 || vendor.Lines[1].Charge != 11500 {
			t.Fatalf("%+v", vendor)
		}
	})
}

func TestSelectionsThatCannotBeQuoted(t *testing.T) {
	each(t, func(t *testing.T, s *till) {
		one, two, a, b, payer := s.two()
		s.account(one, "C-2", "ap@other.example")
		theirs := s.invoice(one, "C-2", "INV-77", 500)
		theirCredit := s.credit(one, "C-2", "CR-77", 500)
		used := s.credit(one, "C-1", "CR-0", 500)
		s.push(one, billing.Batch{Credits: []billing.CreditRecord{{ExternalID: "CR-0", Number: "CR-0", Account: "C-1", Currency: "EUR", Total: 500, Open: 0}}})
		credit := s.credit(one, "C-1", "CR-1", 500)
		gone := s.vendor("Gone")
		s.account(gone, "G-1", "ap@acme.example")
		silenced := s.invoice(gone, "G-1", "G-7", 700)
		s.status(gone, party.VendorSuspended)
		s.push(two, billing.Batch{Invoices: []billing.InvoiceRecord{bill("K-9", "B-8", 100, 0)}})
		with := func(amount string, credits ...string) payment.Selection {
			selection := tick(a)
			selection.Invoices[0].Amount, selection.Credits = amount, credits
			return selection
		}
		many := payment.Selection{}
		for range payment.MostSelected + 1 {
			many.Invoices = append(many.Invoices, payment.Wish{InvoiceID: a.ID})
		}
		for name, c := range map[string]struct {
			selection payment.Selection
			want      fault.Code
		}{
			"nothing":            {payment.Selection{}, fault.Invalid},
			"too many":           {many, fault.Invalid},
			"another customer's": {tick(a, theirs), fault.NotFound},
			"suspended vendor's": {tick(silenced), fault.NotFound},
			"no id":              {payment.Selection{Invoices: []payment.Wish{{InvoiceID: "' OR 1=1"}}}, fault.Invalid},
			"paid":               {tick(s.book(two, "B-8")), fault.Invalid},
			"zero":               {with("0"), fault.Invalid},
			"negative":           {with("-5"), fault.Invalid},
			"words":              {with("all of it"), fault.Invalid},
			"decimal comma":      {with("125,00"), fault.Invalid},
			"three digits":       {with("1.005"), fault.Invalid},
			"too much":           {with("125.01"), fault.Invalid},
			"their credit":       {with("", theirCredit.ID), fault.NotFound},
			"no credit":          {with("", "x"), fault.Invalid},
			"used credit":        {with("", used.ID), fault.Invalid},
			"credit elsewhere":   {func() payment.Selection { x := tick(b); x.Credits = []string{credit.ID}; return x }(), fault.Invalid},
		} {
			_, err := s.Quote(t.Context(), payer, c.selection)
			if !fault.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		byLink := payer
		byLink.Viewer.Only, byLink.DigestID = []string{a.ID}, store.NewID()
		if _, err := s.Quote(t.Context(), byLink, tick(b)); !fault.Is(err, fault.NotFound) {
			t.Error("a digest's link paid what it does not list", err)
		}
		if _, err := s.Quote(t.Context(), byLink, with("", credit.ID)); !fault.Is(err, fault.Invalid) {
			t.Error("a digest's link used a credit", err)
		}
		if _, err := s.Quote(t.Context(), byLink, tick(a)); err != nil {
			t.Error(err)
		}
		var wrong *fault.Error
		if _, err := s.Quote(t.Context(), payer, with("9.999")); !errors.As(err, &wrong) || len(wrong.Problems) != 1 || wrong.Problems[0].Pointer != "amount-"+a.ID {
			t.Errorf("%v", err)
		}
	})
}

func TestPropose(t *testing.T) {
	item := func(id string, due money.Date, open, held int64, currency money.Currency, holds ...billing.Hold) billing.Item {
		return billing.Item{Invoice: billing.Invoice{ID: id, Number: id, DueOn: due, Open: open, Held: held, Currency: currency}, Holds: holds}
	}
	items := []billing.Item{
		item("undated", "", 900, 0, "EUR"),
		item("later", "2026-12-24", 1000, 0, "EUR"),
		item("oldest", "2026-09-01", 500, 0, "EUR"),
		item("overdue", "2026-11-01", 700, 200, "EUR"),
		item("disputed", "2026-08-01", 5000, 0, "EUR", billing.Hold{Kind: billing.HoldDispute}),
		item("was disputed", "2026-11-15", 300, 0, "EUR", billing.Hold{Kind: billing.HoldDispute, EndsOn: "2026-11-20"}),
		item("paying", "2026-08-02", 400, 400, "EUR"),
		item("dollars", "2026-08-03", 400, 0, "USD"),
	}
	for _, c := range []struct {
		amount int64
		parts  map[string]int64
		left   int64
	}{
		{600, map[string]int64{"oldest": 500, "overdue": 100}, 0},
		{1400, map[string]int64{"oldest": 500, "overdue": 500, "was disputed": 300, "later": 100}, 0},
		{9999, map[string]int64{"oldest": 500, "overdue": 500, "was disputed": 300, "later": 1000, "undated": 900}, 6799},
		{0, map[string]int64{}, 0},
	} {
		got := payment.Propose(items, money.New(c.amount, "EUR"), "2026-11-22")
		if got.Left != c.left || len(got.Parts) != len(c.parts) {
			t.Errorf("%d: %+v", c.amount, got)
		}
		for id, part := range c.parts {
			if got.Parts[id] != part {
				t.Errorf("%d: %s gets %d, want %d", c.amount, id, got.Parts[id], part)
			}
		}
	}
}

func TestTypedAmounts(t *testing.T) {
	for _, c := range []struct {
		typed    string
		currency money.Currency
		want     int64 // -1: refused
	}{
		{"5,000.00", "EUR", 500000}, {"5000", "EUR", 500000}, {"5 000", "EUR", 500000}, {"5\u202f000.5", "EUR", 500050}, {"1,234,567.89", "EUR", 123456789},
		{"5,00", "EUR", -1}, {"5.000,00", "EUR", -1}, {"1,2345", "EUR", -1}, {",500", "EUR", -1}, {"0", "EUR", -1}, {"-3", "EUR", -1}, {"1e3", "EUR", -1},
		{"", "EUR", -1}, {"5.001", "EUR", -1}, {"1,234", "KWD", -1}, {"1,234.000", "KWD", 1234000}, {"1,234", "JPY", 1234}, {"1.5", "JPY", -1}, {"5", "XXQ", -1},
	} {
		got, err := payment.TypedAmount(c.typed, c.currency)
		if (err != nil) != (c.want < 0) || (err == nil && got != money.New(c.want, c.currency)) {
			t.Errorf("%q in %s: %v, %v", c.typed, c.currency, got, err)
		}
	}
}
