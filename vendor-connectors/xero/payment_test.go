package xero

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/money"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/xero/xerofake"
)

func payment(lines ...connectors.PaymentLine) connectors.Payment {
	return connectors.Payment{Reference: "PAY-1", Account: "any", Date: "2026-11-27", Currency: "EUR", Method: "card", Lines: lines}
}

func bookings(w *world, invoice string) []string {
	var list []string
	for _, one := range w.fake.Bookings(invoice) {
		if one.Credit != "" {
			one.Reference = "credit"
		}
		list = append(list, strings.TrimSpace(fmt.Sprintf("%s %s %s", one.Reference, one.Account, one.Amount.Decimal())))
	}
	return list
}

func TestAPaymentIsBooked(t *testing.T) {
	w := newWorld(t, xerofake.Config{})
	first := w.fake.AddInvoice("Acme", money.New(10000, "EUR"))
	second := w.fake.AddInvoice("Acme", money.New(5000, "EUR"))
	credits := []string{w.fake.AddCredit(xerofake.CreditNote, "Acme", money.New(3000, "EUR")),
		"overpayment/" + w.fake.AddCredit(xerofake.Overpayment, "Acme", money.New(700, "EUR")),
		"prepayment/" + w.fake.AddCredit(xerofake.Prepayment, "Acme", money.New(300, "EUR"))}
	w.clock.pass(time.Hour)
	paid := payment(
		connectors.PaymentLine{Invoice: first, Amount: "62.00", LateFee: "2.00", Discount: "1.50"},
		connectors.PaymentLine{Invoice: second, Amount: "20.00"}, connectors.PaymentLine{Invoice: second, Amount: "20.00"},
		connectors.PaymentLine{Invoice: first, Credit: credits[0], Amount: "20.00"},
		connectors.PaymentLine{Invoice: first, Credit: credits[1], Amount: "7"},
		connectors.PaymentLine{Invoice: first, Credit: credits[2], Amount: "3.00"})
	for try := range 3 {
		recorded, err := w.client.RecordPayment(t.Context(), paid)
		if err != nil {
			t.Fatal(err)
		}
		if recorded.ExternalID == "" || recorded.At.Before(w.clock.Now()) || recorded.At.After(w.clock.Now().Add(time.Second)) {
			t.Errorf("try %d: %+v", try, recorded)
		}
		if got, want := bookings(w, first), []string{"PAY-1 090 60.00", "PAY-1 discount 415 1.50", "credit  20.00", "credit  7.00", "credit  3.00"}; !slices.Equal(got, want) {
			t.Errorf("try %d: first invoice %q, want %q", try, got, want)
		}
		if got, want := bookings(w, second), []string{"PAY-1 090 40.00"}; !slices.Equal(got, want) {
			t.Errorf("try %d: second invoice %q, want %q", try, got, want)
		}
	}
	if left := (books{w}).Open(t, credits[0]); left != "10.00" {
		t.Errorf("the credit note has %s left, want 10.00", left)
	}
}

func TestAPaymentIsMatchedByTheVendor(t *testing.T) {
	w := newWorld(t, xerofake.Config{})
	invoice := w.fake.AddInvoice("Acme", money.New(10000, "EUR"))
	paid := payment(connectors.PaymentLine{Invoice: invoice, Amount: "100.00"})
	paid.Clearing = true
	if _, err := w.client.RecordPayment(t.Context(), paid); err != nil {
		t.Fatal(err)
	}
	if got, want := bookings(w, invoice), []string{"PAY-1 810 100.00"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestAPaymentIsRefusedInWords(t *testing.T) {
	w := newWorld(t, xerofake.Config{})
	invoice := w.fake.AddInvoice("Acme", money.New(10000, "EUR"))
	bill := w.fake.AddBill("Acme", money.New(10000, "EUR"))
	dollars := w.fake.AddInvoice("Acme", money.New(10000, "USD"))
	other := w.fake.AddCredit(xerofake.CreditNote, "Birch", money.New(3000, "EUR"))
	line := func(id, amount string) connectors.Payment {
		return payment(connectors.PaymentLine{Invoice: id, Amount: amount})
	}
	change := func(p connectors.Payment, do func(*connectors.Payment)) connectors.Payment { do(&p); return p }
	bare := w.connect(t, map[string]string{connectors.ClearingAccount: "", "discount_account": ""})
	sales := w.connect(t, map[string]string{connectors.PaymentAccount: xerofake.SalesCode})
	for words, one := range map[string]struct {
		client  *Client
		payment connectors.Payment
	}{
		"exceeds the amount outstanding":   {w.client, line(invoice, "100.01")},
		"is in USD, the payment is in EUR": {w.client, line(dollars, "1.00")},
		"is no sales invoice":              {w.client, line(bill, "1.00")},
		"Xero has no invoice":              {w.client, line("00000000-0000-4000-8000-000000000000", "1.00")},
		"is no invoice of Xero":            {w.client, line("INV-1", "1.00")},
		"is not an amount of EUR":          {w.client, line(invoice, "1.001")},
		"same contact":                     {w.client, payment(connectors.PaymentLine{Invoice: invoice, Credit: other, Amount: "1.00"})},
		"is no credit of Xero":             {w.client, payment(connectors.PaymentLine{Invoice: invoice, Credit: "CN-1", Amount: "1.00"})},
		"late fee is larger":               {w.client, payment(connectors.PaymentLine{Invoice: invoice, Amount: "1.00", LateFee: "2.00"})},
		"account for discounts":            {bare, payment(connectors.PaymentLine{Invoice: invoice, Amount: "1.00", Discount: "2.00"})},
		"name no clearing account":         {bare, change(line(invoice, "1.00"), func(p *connectors.Payment) { p.Clearing = true })},
		"is not a valid code":              {sales, line(invoice, "1.00")},
		"the date of the payment":          {w.client, change(line(invoice, "1.00"), func(p *connectors.Payment) { p.Date = "today" })},
		"without quotes":                   {w.client, change(line(invoice, "1.00"), func(p *connectors.Payment) { p.Reference = `a" OR "1"=="1` })},
	} {
		_, err := one.client.RecordPayment(t.Context(), one.payment)
		if !errors.Is(err, connectors.ErrRefused) || !strings.Contains(err.Error(), words) {
			t.Errorf("%v, want a refusal with %q", err, words)
		}
	}
	if got := bookings(w, invoice); got != nil {
		t.Errorf("a refused payment was booked: %q", got)
	}
}

// TestNothingIsBookedTwice lets each call of a payment go wrong in each way, and tries
// until the payment is booked, soon and after Xero forgot the idempotency keys.
func TestNothingIsBookedTwice(t *testing.T) {
	troubles := []xerofake.Trouble{xerofake.Throttled, xerofake.Expired, xerofake.LostAnswer, xerofake.LostRequest, xerofake.Silent, xerofake.Broken,
		xerofake.BrokenLate, xerofake.Nonsense, xerofake.Cut}
	for _, trouble := range troubles {
		for _, pause := range []time.Duration{0, 7 * time.Minute} {
			t.Run(fmt.Sprintf("%s after %s", trouble, pause), func(t *testing.T) { troubled(t, trouble, pause) })
		}
	}
}

func troubled(t *testing.T, trouble xerofake.Trouble, pause time.Duration) {
	t.Parallel()
	w := newWorld(t, xerofake.Config{})
	w.client.timeout = 300 * time.Millisecond
	for call := 0; ; call++ {
		name := fmt.Sprintf("Customer %d", call)
		invoice := w.fake.AddInvoice(name, money.New(10000, "EUR"))
		credit := w.fake.AddCredit(xerofake.CreditNote, name, money.New(3000, "EUR"))
		paid := payment(connectors.PaymentLine{Invoice: invoice, Amount: "50.00", Discount: "1.00"}, connectors.PaymentLine{Invoice: invoice, Credit: credit, Amount: "20.00"})
		paid.Reference = fmt.Sprintf("PAY-%d", call)
		w.fake.Misbehave(append(slices.Repeat([]xerofake.Trouble{xerofake.Fine}, call), trouble)...)
		before, tries := w.fake.Calls(), 0
		for ; ; tries++ {
			_, err := w.client.RecordPayment(t.Context(), paid)
			if err == nil {
				break
			}
			if tries == 5 {
				t.Fatalf("call %d: %v", call, err)
			}
			if !slices.ContainsFunc([]error{connectors.ErrUnknown, connectors.ErrUnreachable, connectors.ErrThrottled}, func(kind error) bool { return errors.Is(err, kind) }) {
				t.Errorf("call %d: %v is not an error after which the hub tries again", call, err)
			}
			w.clock.pass(pause)
		}
		if got, want := bookings(w, invoice), []string{paid.Reference + " 090 50.00", paid.Reference + " discount 415 1.00", "credit  20.00"}; !slices.Equal(got, want) {
			t.Fatalf("call %d, %d tries: %q, want %q", call, tries, got, want)
		}
		if w.fake.Calls()-before <= call { // the trouble lies behind the last call
			return
		}
	}
}

func TestAWriteWithoutAnAnswerIsUnknown(t *testing.T) {
	for _, trouble := range []xerofake.Trouble{xerofake.Silent, xerofake.BrokenLate, xerofake.Nonsense, xerofake.Cut} {
		w := newWorld(t, xerofake.Config{})
		w.client.timeout = 200 * time.Millisecond
		invoice := w.fake.AddInvoice("Acme", money.New(10000, "EUR"))
		w.fake.Misbehave(xerofake.Fine, xerofake.Fine, trouble) // look at the invoice, look for the payment, book it
		if _, err := w.client.RecordPayment(t.Context(), payment(connectors.PaymentLine{Invoice: invoice, Amount: "50.00"})); !errors.Is(err, connectors.ErrUnknown) {
			t.Errorf("%s: %v, want that it is unknown", trouble, err)
		}
	}
}

// TestAnEarlierTryThatIsStillUnderWay is a first write that Xero carries out only after
// the second try looked for it: the idempotency key keeps it single.
func TestAnEarlierTryThatIsStillUnderWay(t *testing.T) {
	w := newWorld(t, xerofake.Config{})
	invoice := w.fake.AddInvoice("Acme", money.New(10000, "EUR"))
	p, err := w.client.plan(payment(connectors.PaymentLine{Invoice: invoice, Amount: "50.00"}))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := w.client.book(t.Context(), p, p.bookings[0]); err != nil {
			t.Fatal(err)
		}
	}
	if got := bookings(w, invoice); len(got) != 1 {
		t.Errorf("booked %q", got)
	}
}

func TestTwoPaymentsMoveTheSameOfACredit(t *testing.T) {
	w := newWorld(t, xerofake.Config{})
	invoice := w.fake.AddInvoice("Acme", money.New(10000, "EUR"))
	credit := w.fake.AddCredit(xerofake.CreditNote, "Acme", money.New(5000, "EUR"))
	for range 2 { // each is tried again
		for _, reference := range []string{"PAY-1", "PAY-2"} {
			paid := payment(connectors.PaymentLine{Invoice: invoice, Credit: credit, Amount: "20.00"})
			paid.Reference = reference
			if _, err := w.client.RecordPayment(t.Context(), paid); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := bookings(w, invoice); len(got) != 2 {
		t.Errorf("two payments with the same amount of the same credit are %q", got)
	}
}

func TestANoteIsWrittenOnce(t *testing.T) {
	w := newWorld(t, xerofake.Config{})
	invoice := w.fake.AddInvoice("Acme", money.New(10000, "EUR"))
	note := connectors.Note{Reference: "case-7", Invoice: invoice, At: time.Date(2026, 11, 27, 8, 30, 0, 0, time.UTC), Text: "Two boxes were missing."}
	w.fake.Misbehave(xerofake.Fine, xerofake.BrokenLate) // look for it, write it
	if err := w.client.RecordNote(t.Context(), note); !errors.Is(err, connectors.ErrUnknown) {
		t.Errorf("without an answer: %v", err)
	}
	for range 3 {
		if err := w.client.RecordNote(t.Context(), note); err != nil {
			t.Fatal(err)
		}
		w.clock.pass(7 * time.Minute)
	}
	if got, want := w.fake.History(invoice), []string{"2026-11-27 08:30 UTC: Two boxes were missing. [case-7]"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	note.Reference, note.Text = "case-8", strings.Repeat("ä", 5000)
	if err := w.client.RecordNote(t.Context(), note); err != nil {
		t.Errorf("a long note: %v", err)
	}
	note.Invoice = "00000000-0000-4000-8000-000000000000"
	if err := w.client.RecordNote(t.Context(), note); !errors.Is(err, connectors.ErrGone) {
		t.Errorf("a note on an invoice that is not there: %v", err)
	}
}

func TestAContextEndsAPayment(t *testing.T) {
	w := newWorld(t, xerofake.Config{})
	invoice := w.fake.AddInvoice("Acme", money.New(10000, "EUR"))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.client.RecordPayment(ended, payment(connectors.PaymentLine{Invoice: invoice, Amount: "50.00"})); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want that the context ended", err)
	}
}
