package payment_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

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
		dearer := d.asked(payer, card, quote, "2026-12-06", 0)
		fee := a.Open / 50
		if dearer.Total.Minor != a.Open+fee || !strings.Contains(dearer.Differences[0].Why, "late fee of 2") {
			t.Fatalf("%+v", *dearer)
		}
		schedule, err := d.PlanPayment(t.Context(), payer, quote.ID, quote.Hash, "EUR", card.ID, "2026-12-06", dearer.Total.Minor)
		d.must(err)
		p := d.started(schedule)
		if p.Captured != a.Open+fee || d.share(p, one).LateFee != fee || d.book(one, "INV-1").Open != 0 {
			t.Fatalf("captured %d, %+v", p.Captured, d.share(p, one))
		}
		if n := d.count("allocations", "payment_id = ? AND amount = ? AND late_fee = ?", p.ID, a.Open+fee, fee); n != 1 {
			t.Fatalf("%d allocations are the late fee", n)
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
		said, failure := d.letters[0], d.schedule(schedule.ID).Failure
		if said.Reason != a.Number+" (EUR\u00a0127.50 instead of EUR\u00a0125.00, with a late fee of 2\u00a0%, as it was not paid by 1 Dec)" || failure != "Left out, as it would have cost more than you planned: "+said.Reason+"." {
			t.Fatalf("%q, %q", said.Reason, failure)
		}
		if said.Charged.Minor != b.Open || len(said.Vendors) != 1 || said.Vendors[0].Lines[0].Invoice != b.Number || said.Amount.Minor != a.Open+b.Open {
			t.Fatalf("%+v", said)
		}
		if n := d.count("invoice_history", "invoice_id = ? AND text LIKE 'Left out of the payment that was planned for 5 Dec 2026: it would cost %127.50%'", a.ID); n != 1 {
			t.Fatalf("%d notes on what was left out", n)
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
		if !strings.HasPrefix(failed.Failure, "It would have cost more than you planned: "+a.Number+" (EUR\u00a0127.50 instead of EUR\u00a0125.00") || d.count("payments", "TRUE") != 0 {
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

// TestPlanningTakesNoDayOfAWaiver: a late fee is waived on a plan's day as if its
// payer paid by hand then, and who plans and cancels loses none of the days.
func TestPlanningTakesNoDayOfAWaiver(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		one, _, a, b, payer := d.two() // due 1 Dec
		card := d.save(payer, sandbox.SaveCard)
		d.incentives(one, payment.Incentives{LateRate: 200, LateDays: 1, WaivedDays: 14})
		waived := d.plan(payer, card, tick(a, b), "2026-12-16") // the 14th day from 2 Dec
		if waived.Amount != a.Open+b.Open || d.count("late_fee_notices", "TRUE") != 0 {
			t.Fatalf("%d is planned, %d notices of what nobody saw", waived.Amount, d.count("late_fee_notices", "TRUE"))
		}
		d.must(d.CancelSchedule(t.Context(), payer, waived.ID))
		quote := d.quote(payer, tick(a))
		dearer := &payment.DearerError{}
		if _, err := d.PlanPayment(t.Context(), payer, quote.ID, quote.Hash, "EUR", card.ID, "2026-12-17", 0); !errors.As(err, &dearer) {
			t.Fatalf("the fee of the 15th day: %v", err)
		}
		borne, err := d.PlanPayment(t.Context(), payer, quote.ID, quote.Hash, "EUR", card.ID, "2026-12-17", dearer.Total.Minor)
		d.must(err)
		if n := d.count("late_fee_notices", "shown_on = '2026-11-22'"); n != 1 {
			t.Fatalf("%d notices of what the payer agreed to", n)
		}
		d.must(d.CancelSchedule(t.Context(), payer, borne.ID))
		d.until(time.Date(2026, 12, 16, 12, 0, 0, 0, time.UTC))
		if line := lineOf(t, d.quote(payer, tick(a)), "INV-1"); line.LateFee != 0 || line.LateFeeWaived != 250 || line.Incentives[0].By != "2026-12-16" {
			t.Fatalf("planning took days of the waiver: %+v", line)
		}
		d.sound()
	})
}

// TestTheLaterOfTwoPlansBearsTheFee: as it takes the rest of the invoice.
func TestTheLaterOfTwoPlansBearsTheFee(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		one, _, a, _, payer := d.two()
		card := d.save(payer, sandbox.SaveCard)
		d.incentives(one, payment.Incentives{LateFixed: money.Amounts{"EUR": 300}, LateDays: 1})
		first := d.plan(payer, card, part(a, 5_000), "2026-12-05")
		rest := d.quote(payer, part(a, a.Open-5_000))
		_, err := d.PlanPayment(t.Context(), payer, rest.ID, rest.Hash, "EUR", card.ID, "2026-12-06", 0)
		var dearer *payment.DearerError
		if !errors.As(err, &dearer) || dearer.Total.Minor != a.Open-5_000+300 {
			t.Fatalf("%v", err)
		}
		second, err := d.PlanPayment(t.Context(), payer, rest.ID, rest.Hash, "EUR", card.ID, "2026-12-06", dearer.Total.Minor)
		d.must(err)
		if p, q := d.started(first), d.started(second); p.Captured != 5_000 || q.Captured != a.Open-5_000+300 || d.book(one, "INV-1").Open != 0 {
			t.Fatalf("captured %d and %d", p.Captured, q.Captured)
		}
		d.sound()
	})
}

func TestTwoClicksOnTheAgreedAmount(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		one, _, a, _, payer := d.two()
		card := d.save(payer, sandbox.SaveCard)
		d.incentives(one, payment.Incentives{LateRate: 200, LateDays: 1, WaivedDays: 1})
		quote := d.quote(payer, tick(a))
		dearer := d.asked(payer, card, quote, "2026-12-05", 0)
		ids := make([]string, 4)
		var clicks sync.WaitGroup
		for i := range ids {
			clicks.Go(func() {
				schedule, err := d.PlanPayment(context.Background(), payer, quote.ID, quote.Hash, "EUR", card.ID, "2026-12-05", dearer.Total.Minor)
				if err != nil {
					t.Error(err)
				}
				ids[i] = schedule.ID
			})
		}
		clicks.Wait()
		if n := d.count("scheduled_payments", "TRUE"); n != 1 || slices.ContainsFunc(ids, func(id string) bool { return id != ids[0] }) {
			t.Fatalf("%d plans: %v", n, ids)
		}
		if p := d.started(d.schedule(ids[0])); p.Captured != dearer.Total.Minor {
			t.Fatalf("captured %d", p.Captured)
		}
		d.sound()
	})
}

// TestTheAgreedAmountIsAskedForAgainWhenItGrows: the vendor raises its fee while
// the payer looks at the question.
func TestTheAgreedAmountIsAskedForAgainWhenItGrows(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		one, _, a, _, payer := d.two()
		card := d.save(payer, sandbox.SaveCard)
		d.incentives(one, payment.Incentives{LateRate: 200, LateDays: 1})
		quote := d.quote(payer, tick(a))
		first := d.asked(payer, card, quote, "2026-12-05", 0)
		d.incentives(one, payment.Incentives{LateRate: 300, LateDays: 1})
		second := d.asked(payer, card, quote, "2026-12-05", first.Total.Minor)
		if first.Total.Minor != 12_750 || second.Total.Minor != 12_875 {
			t.Fatal(first.Total, second.Total)
		}
		d.incentives(one, payment.Incentives{LateRate: 100, LateDays: 1}) // less than agreed to is planned
		schedule, err := d.PlanPayment(t.Context(), payer, quote.ID, quote.Hash, "EUR", card.ID, "2026-12-05", second.Total.Minor)
		if err != nil || schedule.Amount != 12_625 {
			t.Fatalf("%d, %v", schedule.Amount, err)
		}
		d.sound()
	})
}

// part wishes to pay a part of an invoice.
func part(invoice billing.Invoice, minor int64) payment.Selection {
	return payment.Selection{Invoices: []payment.Wish{{InvoiceID: invoice.ID, Amount: money.New(minor, invoice.Currency).Decimal()}}}
}

// TestPlansOverDatesAndTerms: whatever the terms, the day and the means of payment,
// a plan is what paying by hand on its day would come to, is asked about when that is
// more than the page said, charges exactly that, and leaves nothing open.
func TestPlansOverDatesAndTerms(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		one, _, _, _, payer := d.two()
		card, bank := d.save(payer, sandbox.SaveCard), d.save(payer, sandbox.SaveBank)
		n, asked := 0, 0
		for _, terms := range []payment.Incentives{{}, {EarlyRate: 200, EarlyDays: 10}, {LateRate: 150, LateDays: 3, DebitRate: 100}, {EarlyRate: 50, EarlyDays: 40, LateRate: 100, LateDays: 1},
			{LateRate: 300, LateDays: 1, WaivedBy: "2026-12-24"}, {EarlyRate: 200, EarlyDays: 10, DebitRate: 50, LateFixed: money.Amounts{"EUR": 500}, LateDays: 1}} {
			for _, days := range []int{1, 9, 28, 30, 33} {
				n++
				method, class := card, payment.MethodAny
				if n%2 == 0 { // five days: each is paid by both
					method, class = bank, payment.MethodBankDebit
				}
				today := money.DateOf(d.clock(), payer.Contact.Zone())
				if terms.WaivedBy != "" { // a month ahead, whatever the day
					terms.WaivedBy = today.AddDays(31)
				}
				d.incentives(one, terms)
				record := bill("C-1", fmt.Sprintf("P-%d", n), int64(1_000*n+7), int64(1_000*n+7))
				record.IssuedOn, record.DueOn = today.AddDays(-2), today.AddDays(28)
				d.push(one, billing.Batch{Invoices: []billing.InvoiceRecord{record}})
				invoice, on := d.book(one, record.Number), today.AddDays(days)
				quote := d.quote(payer, tick(invoice))
				want, _ := terms.Example(money.New(invoice.Open, "EUR"), invoice.IssuedOn, invoice.DueOn, on, class)
				schedule, err := d.PlanPayment(t.Context(), payer, quote.ID, quote.Hash, "EUR", method.ID, on, 0)
				var dearer *payment.DearerError
				if errors.As(err, &dearer) != (want.Minor > quote.Currencies[0].Charge) {
					t.Fatalf("%+v in %d days: %s instead of %d, and %v", terms, days, want, quote.Currencies[0].Charge, err)
				}
				if dearer != nil {
					asked++
					schedule, err = d.PlanPayment(t.Context(), payer, quote.ID, quote.Hash, "EUR", method.ID, on, dearer.Total.Minor)
				}
				d.must(err)
				p := d.started(schedule)
				d.later()
				if p = d.read(p.ID); schedule.Amount != want.Minor || p.Captured != want.Minor || d.book(one, invoice.Number).Open != 0 {
					t.Errorf("%+v in %d days: planned %d, captured %d, want %s; open %d", terms, days, schedule.Amount, p.Captured, want, d.book(one, invoice.Number).Open)
				}
			}
		}
		if asked < 10 {
			t.Errorf("asked %d of %d times: the test proves little of it", asked, n)
		}
		d.sound()
	})
}
