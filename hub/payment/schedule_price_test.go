package payment_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/gateway/sandbox"
	"github.com/sheaf-hub/sheaf/hub/mail/letter"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/payment"
)

// started runs a plan on its day and returns its payment.
func (d *desk) started(schedule payment.Schedule) payment.Payment {
	d.t.Helper()
	d.until(schedule.StartsAt)
	d.run()
	return d.read(d.wantState(schedule.ID, payment.StartedOn).PaymentID)
}

// later lets bank debits arrive.
func (d *desk) later() {
	d.t.Helper()
	d.pass(2 * d.bank.Delay)
	_, err := d.Reconcile(context.Background())
	d.must(err)
}

// asked plans a quote and wants to be asked first.
func (d *desk) asked(payer payment.Payer, method payment.SavedMethod, quote payment.Quote, on money.Date, agreed int64) *payment.DearerError {
	d.t.Helper()
	_, err := d.PlanPayment(context.Background(), payer, quote.ID, quote.Hash, "EUR", method.ID, on, agreed)
	var dearer *payment.DearerError
	if !errors.As(err, &dearer) || d.count("scheduled_payments", "TRUE") != 0 {
		d.t.Fatalf("want to be asked first, got %v", err)
	}
	return dearer
}

func TestAPlanTakesTheDiscountOfItsDay(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		one, _, _, _, payer := d.two()
		d.incentives(one, payment.Incentives{EarlyRate: 200, EarlyDays: 10})
		a := d.early(one, "C-1", "INV-9", 10_000, "")
		schedule := d.plan(payer, d.save(payer, sandbox.SaveCard), tick(a), "2026-11-30")
		if schedule.Amount != 9_800 {
			t.Fatalf("%d is planned", schedule.Amount)
		}
		d.sound()
		p := d.started(schedule)
		if share := d.share(p, one); p.Captured != 9_800 || share.Discount != 200 || d.book(one, "INV-9").Open != 0 {
			t.Fatalf("captured %d, %+v, open %d", p.Captured, share, d.book(one, "INV-9").Open)
		}
		d.sound()
	})
}

func TestAPlanAfterTheDiscountIsAskedForAgain(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		one, _, _, _, payer := d.two()
		d.incentives(one, payment.Incentives{EarlyRate: 200, EarlyDays: 10})
		a := d.early(one, "C-1", "INV-9", 10_000, "")
		card := d.save(payer, sandbox.SaveCard)
		quote := d.quote(payer, tick(a))
		dearer := d.asked(payer, card, quote, "2026-12-01", 0)
		if dearer.Total.Minor != 10_000 || len(dearer.Differences) != 1 || !strings.HasPrefix(dearer.Differences[0].Why, "Without the discount of 2") {
			t.Fatalf("%+v", *dearer)
		}
		d.asked(payer, card, quote, "2026-12-01", 9_999)
		schedule, err := d.PlanPayment(t.Context(), payer, quote.ID, quote.Hash, "EUR", card.ID, "2026-12-01", 10_000)
		d.must(err)
		if again, err := d.PlanPayment(t.Context(), payer, quote.ID, quote.Hash, "EUR", card.ID, "2026-12-01", 10_000); err != nil || again.ID != schedule.ID {
			t.Fatalf("%+v, %v", again, err)
		}
		if p := d.started(schedule); p.Captured != 10_000 || d.book(one, "INV-9").Open != 0 {
			t.Fatalf("captured %d", p.Captured)
		}
		d.sound()
	})
}

func TestAPlanBearsTheLateFeeOfItsDay(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		one, _, a, _, payer := d.two() // due 1 Dec
		d.incentives(one, payment.Incentives{LateRate: 200, LateDays: 1, WaivedDays: 3})
		card := d.save(payer, sandbox.SaveCard)
		quote := d.quote(payer, tick(a))
		dearer := d.asked(payer, card, quote, "2026-12-05", 0)
		fee := a.Open / 50
		if dearer.Total.Minor != a.Open+fee || !strings.Contains(dearer.Differences[0].Why, "late fee of 2") {
			t.Fatalf("%+v", *dearer)
		}
		schedule, err := d.PlanPayment(t.Context(), payer, quote.ID, quote.Hash, "EUR", card.ID, "2026-12-05", dearer.Total.Minor)
		d.must(err)
		if p := d.started(schedule); p.Captured != a.Open+fee || d.share(p, one).LateFee != fee || d.book(one, "INV-1").Open != 0 {
			t.Fatalf("captured %d, %+v", p.Captured, d.share(p, one))
		}
		d.told()
		d.sound()
	})
}

func TestWhatBecameDearerIsLeftOut(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		one, two, a, b, payer := d.two()
		schedule := d.plan(payer, d.save(payer, sandbox.SaveCard), tick(a, b), "2026-12-05")
		d.incentives(one, payment.Incentives{LateRate: 200, LateDays: 1})
		p := d.started(schedule)
		if p.Captured != b.Open || d.book(one, "INV-1").Open != a.Open || d.book(two, b.Number).Open != 0 {
			t.Fatalf("captured %d, open %d and %d", p.Captured, d.book(one, "INV-1").Open, d.book(two, b.Number).Open)
		}
		d.told(letter.ScheduleLeftOut)
		if said := d.letters[0].Reason; !strings.Contains(said, "Invoice "+a.Number+" was left out: it now costs") || d.schedule(schedule.ID).Failure != said {
			t.Fatalf("%q, %q", said, d.schedule(schedule.ID).Failure)
		}
		d.sound()
	})
}

func TestAPlanOfWhatBecameDearerAloneFails(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		one, _, a, _, payer := d.two()
		schedule := d.plan(payer, d.save(payer, sandbox.SaveCard), tick(a), "2026-12-05")
		d.incentives(one, payment.Incentives{LateRate: 200, LateDays: 1})
		d.until(schedule.StartsAt)
		d.run()
		failed := d.wantState(schedule.ID, payment.StartFailed)
		if !strings.HasPrefix(failed.Failure, "It would have come to more than you planned. Invoice "+a.Number) || d.count("payments", "TRUE") != 0 {
			t.Fatal(failed.Failure)
		}
		d.told(letter.ScheduleFailed)
		d.sound()
	})
}

func TestASavedBankAccountEarnsTheDiscountForIt(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		one, _, a, _, payer := d.two()
		d.incentives(one, payment.Incentives{DebitRate: 100})
		bank, card := d.save(payer, sandbox.SaveBank), d.save(payer, sandbox.SaveCard)
		schedule := d.plan(payer, bank, part(a, a.Open/2), "2026-11-24")
		off := money.Rate(100).Of(a.Open / 2)
		if schedule.Amount != a.Open/2-off {
			t.Fatalf("%d is planned", schedule.Amount)
		}
		p := d.started(schedule)
		d.later()
		if open := d.book(one, "INV-1").Open; open != a.Open-a.Open/2 || d.share(p, one).Discount != off {
			t.Fatalf("open %d, %+v", open, d.share(p, one))
		}
		selection := tick(a)
		selection.Methods = map[money.Currency]payment.MethodClass{"EUR": payment.MethodBankDebit}
		quote := d.quote(payer, selection)
		for _, try := range []func() error{
			func() error {
				_, err := d.StartSaved(t.Context(), payer, quote.ID, quote.Hash, "EUR", card.ID)
				return err
			},
			func() error {
				_, err := d.PlanPayment(t.Context(), payer, quote.ID, quote.Hash, "EUR", card.ID, "2026-12-01", 0)
				return err
			},
		} {
			if err := try(); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "for a bank debit") {
				t.Fatalf("a card took the discount for a bank debit: %v", err)
			}
		}
		started, err := d.StartSaved(t.Context(), payer, quote.ID, quote.Hash, "EUR", bank.ID)
		d.must(err)
		if started.Payment.Amount != quote.Currencies[0].Charge || quote.Currencies[0].Discount == 0 {
			t.Fatalf("%+v", started.Payment)
		}
		d.later()
		d.sound()
	})
}

// part wishes to pay a part of an invoice.
func part(invoice billing.Invoice, minor int64) payment.Selection {
	return payment.Selection{Invoices: []payment.Wish{{InvoiceID: invoice.ID, Amount: money.New(minor, invoice.Currency).Decimal()}}}
}

// TestPlansOverDatesAndTerms: whatever the terms and the day, a plan charges what
// was agreed to, and never more.
func TestPlansOverDatesAndTerms(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		one, _, _, _, payer := d.two()
		card := d.save(payer, sandbox.SaveCard)
		n := 0
		for _, terms := range []payment.Incentives{{}, {EarlyRate: 200, EarlyDays: 10}, {LateRate: 150, LateDays: 3}, {EarlyRate: 50, EarlyDays: 40, LateRate: 100, LateDays: 1}, {LateRate: 300, LateDays: 1, WaivedBy: "2026-12-24"}} {
			for _, days := range []int{1, 9, 33} {
				n++
				d.incentives(one, terms)
				invoice := d.early(one, "C-1", "P-"+string(rune('A'+n)), int64(1_000*n+7), "")
				on := money.DateOf(d.clock(), payer.Contact.Zone()).AddDays(days)
				quote := d.quote(payer, tick(invoice))
				schedule, err := d.PlanPayment(t.Context(), payer, quote.ID, quote.Hash, "EUR", card.ID, on, 0)
				var dearer *payment.DearerError
				if errors.As(err, &dearer) {
					schedule, err = d.PlanPayment(t.Context(), payer, quote.ID, quote.Hash, "EUR", card.ID, on, dearer.Total.Minor)
				}
				d.must(err)
				if p := d.started(schedule); p.Captured != schedule.Amount || d.book(one, invoice.Number).Open != 0 {
					t.Errorf("%+v in %d days: captured %d of %d, open %d", terms, days, p.Captured, schedule.Amount, d.book(one, invoice.Number).Open)
				}
			}
		}
		d.sound()
	})
}
