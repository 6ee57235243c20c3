package payment_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/gateway/sandbox"
	"github.com/sheaf-hub/sheaf/hub/mail/letter"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/store"
)

func (d *desk) plan(payer payment.Payer, method payment.SavedMethod, selection payment.Selection, on money.Date) payment.Schedule {
	d.t.Helper()
	quote := d.quote(payer, selection)
	schedule, err := d.PlanPayment(context.Background(), payer, quote.ID, quote.Hash, "EUR", method.ID, on, 0)
	d.must(err)
	return schedule
}

func (d *desk) run() {
	d.t.Helper()
	_, err := d.RunSchedules(context.Background())
	d.must(err)
}

func (d *desk) until(at time.Time) { d.pass(at.Sub(d.clock())) }

func (d *desk) schedule(id string) payment.Schedule {
	d.t.Helper()
	var schedule payment.Schedule
	d.must(d.DB.NewSelect().Model(&schedule).Where("id = ?", id).Scan(context.Background()))
	return schedule
}

func (d *desk) wantState(id string, state payment.ScheduleState) payment.Schedule {
	d.t.Helper()
	schedule := d.schedule(id)
	if schedule.State != state {
		d.t.Fatalf("the plan is %s (%s, %s), want %s", schedule.State, schedule.Failure, schedule.LastAnswer, state)
	}
	return schedule
}

// told are the kinds of mails so far, and that each was committed.
func (d *desk) told(want ...letter.ScheduleKind) {
	d.t.Helper()
	var kinds []string
	for _, one := range d.letters {
		kinds = append(kinds, string(one.Kind))
	}
	var wanted []string
	for _, kind := range want {
		wanted = append(wanted, string(kind))
	}
	if strings.Join(kinds, " ") != strings.Join(wanted, " ") || d.count("mails", "kind = 'schedule'") != len(want) {
		d.t.Fatalf("told %v, want %v; %d mails", kinds, wanted, d.count("mails", "kind = 'schedule'"))
	}
}

func TestAPlannedPaymentIsToldThenPaid(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		one, _, a, b, payer := d.two()
		card := d.save(payer, sandbox.SaveCard)
		schedule := d.plan(payer, card, tick(a, b), "2026-12-03")
		if schedule.Amount != 16500 || !schedule.StartsAt.Equal(time.Date(2026, 12, 3, 6, 0, 0, 0, time.UTC)) || !schedule.TellAt.Equal(time.Date(2026, 12, 2, 10, 0, 0, 0, time.UTC)) {
			t.Fatalf("%+v", schedule)
		}
		item, err := d.Billing.Item(t.Context(), payer.Viewer, a.ID, "2026-11-22")
		hold, held := item.HoldOf(billing.HoldScheduled, "2026-12-11")
		if err != nil || !held || hold.PaysOn() != "2026-12-03" || item.Payable() != 12500 {
			t.Fatalf("%+v, %v", item, err)
		}
		d.sound()
		d.run()
		d.told()
		d.until(schedule.TellAt)
		d.run()
		d.run()
		d.told(letter.ScheduleAhead)
		if said := d.letters[0]; said.Amount.Minor != 16500 || said.Method != "Visa ending 4242" || len(said.Vendors) != 2 || said.URL != "https://hub.example/me/schedules#"+schedule.ID {
			t.Fatalf("%+v", said)
		}
		d.until(schedule.StartsAt.Add(-time.Second))
		d.run()
		d.wantState(schedule.ID, payment.Scheduled)
		d.pass(time.Second)
		var workers sync.WaitGroup
		for range 3 {
			workers.Go(func() {
				if _, err := d.RunSchedules(context.Background()); err != nil {
					t.Error(err)
				}
			})
		}
		workers.Wait()
		started := d.wantState(schedule.ID, payment.StartedOn)
		p := d.want(started.PaymentID, payment.Settled)
		if p.Captured != 16500 || !p.OffSession || d.book(one, "INV-1").Open != 0 || d.count("payments", "TRUE") != 1 || d.count("sandbox_checkouts", "TRUE") != 1 {
			t.Fatalf("%+v", p)
		}
		if err := d.CancelSchedule(t.Context(), payer, schedule.ID); !fault.Is(err, fault.Conflict) {
			t.Fatal("cancelled after it started", err)
		}
		d.told(letter.ScheduleAhead)
		past, _, err := d.PastSchedules(t.Context(), payer.Contact, store.PageRequest{})
		if err != nil || len(past) != 1 || len(past[0].Lines) != 2 || past[0].PaymentStatus != payment.Settled || past[0].MethodDetail != "Visa ending 4242" {
			t.Fatalf("%+v, %v", past, err)
		}
		d.sound()
	})
}

func TestPlanningTwiceIsOnePlan(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		_, _, a, _, payer := d.two()
		card := d.save(payer, sandbox.SaveCard)
		quote := d.quote(payer, tick(a))
		ids := make([]string, 5)
		var clicks sync.WaitGroup
		for i := range ids {
			clicks.Go(func() {
				schedule, err := d.PlanPayment(context.Background(), payer, quote.ID, quote.Hash, "EUR", card.ID, "2026-11-23", 0)
				if err != nil {
					t.Error(err)
				}
				ids[i] = schedule.ID
			})
		}
		clicks.Wait()
		for _, id := range ids {
			if id != ids[0] {
				t.Fatal(ids)
			}
		}
		d.told(letter.ScheduleAhead) // for tomorrow: at once, and once
		d.must(d.CancelSchedule(t.Context(), payer, ids[0]))
		again, err := d.PlanPayment(t.Context(), payer, quote.ID, quote.Hash, "EUR", card.ID, "2026-11-24", 0)
		if err != nil || again.ID == ids[0] || again.PayOn != "2026-11-24" {
			t.Fatalf("%+v, %v", again, err)
		}
		d.sound()
	})
}

func TestPlansThatCannotBeMade(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		one, _, a, b, payer := d.two()
		card, expiring := d.save(payer, sandbox.SaveCard), d.save(payer, sandbox.SaveExpiringCard)
		quote := d.quote(payer, tick(a))
		plan := func(payer payment.Payer, quote payment.Quote, method payment.SavedMethod, on money.Date) error {
			_, err := d.PlanPayment(context.Background(), payer, quote.ID, quote.Hash, "EUR", method.ID, on, 0)
			return err
		}
		for name, c := range map[string]struct {
			err  error
			want fault.Code
		}{
			"today":     {plan(payer, quote, card, "2026-11-22"), fault.Invalid},
			"yesterday": {plan(payer, quote, card, "2026-11-21"), fault.Invalid},
			"91 days":   {plan(payer, quote, card, "2027-02-21"), fault.Invalid},
			"no date":   {plan(payer, quote, card, ""), fault.Invalid},
			"expired":   {plan(payer, quote, expiring, "2026-12-01"), fault.Invalid},
		} {
			if !fault.Is(c.err, c.want) {
				t.Errorf("%s: %v", name, c.err)
			}
		}
		byLink := payer
		byLink.DigestID = a.ID
		if err := plan(byLink, quote, card, "2026-12-01"); !fault.Is(err, fault.Forbidden) {
			t.Error("a digest's link plans", err)
		}
		withCredit := tick(a)
		withCredit.Credits = []string{d.credit(one, "C-1", "CR-1", 100).ID}
		if err := plan(payer, d.quote(payer, withCredit), card, "2026-12-01"); !fault.Is(err, fault.Invalid) {
			t.Error("a credit is planned", err)
		}
		d.push(one, billing.Batch{Invoices: []billing.InvoiceRecord{bill("C-1", "INV-1", 12500, 12400)}})
		var changed *payment.ChangedError
		if err := plan(payer, quote, card, "2026-12-01"); !errors.As(err, &changed) {
			t.Error("what changed is planned", err)
		}
		old := d.quote(payer, tick(b))
		d.pass(payment.QuoteLife)
		if err := plan(payer, old, card, "2026-12-01"); !fault.Is(err, fault.Gone) {
			t.Error("an old quote is planned", err)
		}
		if n := d.count("scheduled_payments", "TRUE") + d.count("holds", "TRUE"); n != 0 {
			t.Fatal("something is planned")
		}
		last := d.plan(payer, expiring, tick(a), "2026-11-30")
		if err := plan(payer, d.quote(payer, tick(a)), card, "2026-12-01"); !fault.Is(err, fault.Invalid) {
			t.Error("one invoice is planned twice", err)
		}
		d.until(last.StartsAt)
		d.run()
		d.want(d.wantState(last.ID, payment.StartedOn).PaymentID, payment.Settled)
		d.sound()
	})
}

func TestCancellingAgainstStarting(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		one, _, _, _, payer := d.two()
		card := d.save(payer, sandbox.SaveCard)
		started, cancelled := 0, 0
		for round := range 8 {
			number := "RACE-" + string(rune('A'+round))
			invoice := d.invoice(one, "C-1", number, 1000)
			on := money.DateOf(d.clock(), time.UTC).AddDays(2)
			schedule := d.plan(payer, card, tick(invoice), on)
			d.until(schedule.StartsAt)
			var race sync.WaitGroup
			var cancel error
			race.Go(func() { cancel = d.CancelSchedule(context.Background(), payer, schedule.ID) })
			for range 2 {
				race.Go(func() {
					if _, err := d.RunSchedules(context.Background()); err != nil {
						t.Error(err)
					}
				})
			}
			race.Wait()
			charges := d.count("payments AS p JOIN scheduled_payments AS sp ON sp.payment_id = p.id", "sp.id = ?", schedule.ID)
			switch {
			case cancel == nil:
				cancelled++
				d.wantState(schedule.ID, payment.Cancelled)
				if charges != 0 || d.book(one, number).Open != 1000 {
					t.Fatal("charged after it was cancelled")
				}
			case fault.Is(cancel, fault.Conflict):
				started++
				d.want(d.wantState(schedule.ID, payment.StartedOn).PaymentID, payment.Settled)
			default:
				t.Fatal(cancel)
			}
			d.sound()
		}
		t.Logf("%d started, %d were cancelled", started, cancelled)
	})
}

func TestDownForDays(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		one, _, a, b, payer := d.two()
		card := d.save(payer, sandbox.SaveCard)
		late := d.plan(payer, card, tick(a), "2026-11-26")
		tooLate := d.plan(payer, card, tick(b), "2026-11-24")
		d.letters = nil
		d.exec("DELETE FROM mails")
		d.until(late.StartsAt.Add(3 * 24 * time.Hour))
		d.exec("UPDATE scheduled_payments SET starts_at = ?, next_attempt_at = ? WHERE id = ?", d.clock().Add(-payment.MostLate-time.Minute), d.clock().Add(-payment.MostLate), tooLate.ID)
		d.run()
		d.run()
		d.want(d.wantState(late.ID, payment.StartedOn).PaymentID, payment.Settled)
		if d.wantState(tooLate.ID, payment.StartFailed).PaymentID != "" || d.count("payments", "TRUE") != 1 {
			t.Fatal("a week late, it is a surprise")
		}
		d.told(letter.ScheduleFailed)
		if d.count("holds", "kind = 'scheduled' AND lifted_at IS NULL") != 0 || d.book(one, "INV-1").Open != 0 {
			t.Fatal("held still, or not paid")
		}
		d.sound()
	})
}

func TestAClockThatJumpsBackStartsNothingTwice(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		_, _, a, _, payer := d.two()
		schedule := d.plan(payer, d.save(payer, sandbox.SaveCard), tick(a), "2026-11-25")
		d.until(schedule.StartsAt)
		d.run()
		d.pass(-48 * time.Hour)
		d.run()
		d.pass(96 * time.Hour)
		d.run()
		d.told() // its day had come: it is paid, not told of
		d.wantState(schedule.ID, payment.StartedOn)
		if d.count("payments", "TRUE") != 1 {
			t.Fatal("started twice")
		}
		d.sound()
	})
}

func TestWhatChangedMeanwhileIsLeftOut(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		one, two, a, b, payer := d.two()
		c := d.invoice(one, "C-1", "INV-3", 3000)
		v := d.invoice(one, "C-1", "INV-4", 700)
		card := d.save(payer, sandbox.SaveCard)
		schedule := d.plan(payer, card, tick(a, b, c, v), "2026-12-03")
		part := tick(a)
		part.Invoices[0].Amount = "100.00"
		d.press(d.start(payer, part), sandbox.Succeed) // paid in part elsewhere
		d.status(two, party.VendorSuspended)           // B-7
		d.must(d.DB.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
			return d.Billing.HoldTx(ctx, tx, c, billing.HoldDispute, "", 0, "")
		}))
		void := bill("C-1", "INV-4", 700, 700)
		void.Status = billing.Void
		d.push(one, billing.Batch{Invoices: []billing.InvoiceRecord{void}})
		d.until(schedule.StartsAt)
		d.run()
		p := d.want(d.wantState(schedule.ID, payment.StartedOn).PaymentID, payment.Settled)
		if p.Captured != 2500 || d.book(one, "INV-1").Open != 0 || d.book(one, "INV-3").Open != 3000 || d.book(two, "B-7").Open != 4000 {
			t.Fatalf("%+v", p)
		}
		d.sound()
	})
}

func TestNothingLeft(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		_, _, a, _, payer := d.two()
		schedule := d.plan(payer, d.save(payer, sandbox.SaveCard), tick(a), "2026-12-03")
		d.press(d.start(payer, tick(a)), sandbox.Succeed)
		d.until(schedule.StartsAt)
		d.run()
		d.wantState(schedule.ID, payment.NothingLeft)
		d.told(letter.ScheduleNothing)
		if d.count("payments", "off_session") != 0 {
			t.Fatal("something was charged")
		}
		d.sound()
	})
}

func TestAnOpenPageIsWaitedFor(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		one, _, a, _, payer := d.two()
		schedule := d.plan(payer, d.save(payer, sandbox.SaveCard), tick(a), "2026-12-03")
		d.until(schedule.StartsAt.Add(-time.Minute))
		abandoned := d.start(payer, tick(a))
		d.pass(time.Minute)
		d.run()
		d.wantState(schedule.ID, payment.Scheduled)
		d.pass(payment.CheckoutLife)
		_, err := d.Reconcile(t.Context())
		d.must(err)
		d.want(abandoned.ID, payment.Expired)
		d.run()
		d.wantState(schedule.ID, payment.StartedOn)
		if d.book(one, "INV-1").Open != 0 {
			t.Fatal("not paid")
		}
		d.sound()
	})
}

func TestAPlannedPaymentThatIsDeclined(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		one, _, a, b, payer := d.two()
		declined := d.plan(payer, d.save(payer, sandbox.SaveDecliningCard), tick(a), "2026-12-03")
		returned := d.plan(payer, d.save(payer, sandbox.SaveReturningBank), tick(b), "2026-12-03")
		d.until(declined.StartsAt)
		d.run()
		d.told(letter.ScheduleFailed)
		failed := d.wantState(declined.ID, payment.StartFailed)
		d.want(failed.PaymentID, payment.Failed)
		if said := d.letters[0]; !strings.Contains(said.Reason, "declined") || said.URL != "https://hub.example/me" || d.book(one, "INV-1").Payable() != 12500 {
			t.Fatalf("%+v", said)
		}
		d.want(d.wantState(returned.ID, payment.StartedOn).PaymentID, payment.Processing)
		d.pass(time.Hour)
		_, err := d.Reconcile(t.Context())
		d.must(err)
		d.wantState(returned.ID, payment.StartFailed) // days later, the bank sends it back
		d.told(letter.ScheduleFailed, letter.ScheduleFailed)
		if d.count("holds", "lifted_at IS NULL") != 0 {
			t.Fatal("held still")
		}
		d.sound()
	})
}

func TestALostAnswerOfAPlannedPayment(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		_, _, a, b, payer := d.two()
		card := d.save(payer, sandbox.SaveCard)
		lost, down := d.plan(payer, card, tick(a), "2026-12-03"), d.plan(payer, card, tick(b), "2026-12-04")
		d.until(lost.StartsAt)
		d.bank.Faults.LoseAnswer = func(op string) bool { return op == "charge" }
		d.run()
		d.bank.Faults.LoseAnswer = nil
		p := d.want(d.wantState(lost.ID, payment.StartedOn).PaymentID, payment.Pending)
		d.run()
		_, err := d.Reconcile(t.Context())
		d.must(err)
		d.want(p.ID, payment.Settled)
		// the gateway is away for a day: late, and not skipped
		d.until(down.StartsAt)
		d.bank.Faults.Before = func(op string) error {
			if op == "charge" {
				return payment.ErrUnavailable
			}
			return nil
		}
		d.run()
		p = d.want(d.wantState(down.ID, payment.StartedOn).PaymentID, payment.Pending)
		d.pass(24 * time.Hour)
		_, err = d.Reconcile(t.Context())
		d.must(err)
		d.want(p.ID, payment.Pending)
		d.bank.Faults.Before = nil
		_, err = d.Reconcile(t.Context())
		d.must(err)
		d.want(p.ID, payment.Settled)
		if n := d.count("sandbox_checkouts", "TRUE"); n != 2 {
			t.Fatalf("%d charges", n)
		}
		d.sound()
	})
}

func TestACrashBetweenClaimAndPayment(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		_, _, a, _, payer := d.two()
		schedule := d.plan(payer, d.save(payer, sandbox.SaveCard), tick(a), "2026-12-03")
		d.until(schedule.StartsAt)
		d.exec("UPDATE scheduled_payments SET state = 'starting', attempts = 1, claimed_until = ?, next_attempt_at = ? WHERE id = ?", d.clock().Add(time.Minute), d.clock().Add(time.Minute), schedule.ID)
		d.run()
		d.wantState(schedule.ID, payment.Starting)
		if err := d.RemoveMethod(t.Context(), payer, schedule.MethodID, true); !fault.Is(err, fault.Conflict) {
			t.Fatal("removed while it starts", err)
		}
		d.pass(time.Minute)
		d.run()
		d.want(d.wantState(schedule.ID, payment.StartedOn).PaymentID, payment.Settled)
		d.sound()
	})
}

func TestSummerTime(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		_, _, a, b, payer := d.two()
		d.until(time.Date(2027, 3, 20, 12, 0, 0, 0, time.UTC))
		d.exec("UPDATE contacts SET time_zone = 'Europe/Berlin' WHERE id = ?", payer.Contact.ID)
		payer = d.payer("ap@acme.example")
		card := d.save(payer, sandbox.SaveCard)
		winter, summer := d.plan(payer, card, tick(a), "2027-03-27"), d.plan(payer, card, tick(b), "2027-03-28") // the clocks go forward on the 28th
		if !winter.StartsAt.Equal(time.Date(2027, 3, 27, 5, 0, 0, 0, time.UTC)) || !summer.StartsAt.Equal(time.Date(2027, 3, 28, 4, 0, 0, 0, time.UTC)) ||
			!summer.TellAt.Equal(time.Date(2027, 3, 27, 9, 0, 0, 0, time.UTC)) {
			t.Fatal(winter.StartsAt, summer.StartsAt, summer.TellAt)
		}
		// late in the evening, tomorrow is the payer's tomorrow
		d.until(time.Date(2027, 3, 20, 23, 30, 0, 0, time.UTC))
		if first, last := d.ScheduleBounds(payer.Contact, card); first != "2027-03-22" || last != "2027-06-19" {
			t.Fatal(first, last)
		}
		d.until(summer.StartsAt.Add(-time.Second))
		d.run()
		d.wantState(winter.ID, payment.StartedOn)
		d.wantState(summer.ID, payment.Scheduled)
		d.pass(time.Second)
		d.run()
		d.wantState(summer.ID, payment.StartedOn)
		d.sound()
	})
}

func TestACheckOfPlansFindsWhatIsBroken(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		_, _, a, b, payer := d.two()
		card := d.save(payer, sandbox.SaveCard)
		started := d.plan(payer, card, tick(a), "2026-12-03")
		d.until(started.StartsAt)
		d.run()
		waiting := d.plan(payer, card, tick(b), "2026-12-10")
		p := d.wantState(started.ID, payment.StartedOn).PaymentID
		if n, broken, err := d.CheckSchedules(t.Context()); n != 2 || len(broken) != 0 || err != nil {
			t.Fatal(n, broken, err)
		}
		of := func(set, id string) string {
			return "UPDATE scheduled_payments SET " + set + " WHERE id = '" + id + "'"
		}
		for name, c := range map[string]struct{ plant, undo, words string }{
			"no payment":    {of("payment_id = NULL", started.ID), of("payment_id = '"+p+"'", started.ID), "without exactly one payment"},
			"cancelled":     {of("state = 'cancelled'", started.ID), of("state = 'started'", started.ID), "charged although it was cancelled"},
			"more":          {"UPDATE scheduled_lines SET amount = amount - 1 WHERE schedule_id = '" + started.ID + "'", "UPDATE scheduled_lines SET amount = amount + 1 WHERE schedule_id = '" + started.ID + "'", "took more than was promised"},
			"pays more":     {"UPDATE scheduled_lines SET pays = pays - 1 WHERE schedule_id = '" + started.ID + "'", "UPDATE scheduled_lines SET pays = pays + 1 WHERE schedule_id = '" + started.ID + "'", "took more than was promised"},
			"sum":           {of("amount = amount + 1", waiting.ID), of("amount = amount - 1", waiting.ID), "not the sum"},
			"no hold":       {"UPDATE holds SET schedule_id = NULL WHERE schedule_id = '" + waiting.ID + "'", "UPDATE holds SET schedule_id = '" + waiting.ID + "' WHERE kind = 'scheduled' AND lifted_at IS NULL", "does not hold an invoice"},
			"held too long": {of("state = 'nothing_left', next_attempt_at = NULL", waiting.ID), of("state = 'scheduled', next_attempt_at = starts_at", waiting.ID), "does not wait any more"},
			"never":         {of("next_attempt_at = NULL", waiting.ID), of("next_attempt_at = starts_at", waiting.ID), "without a next attempt"},
			"no method":     {"UPDATE payments SET saved_method_id = NULL WHERE id = '" + p + "'", "UPDATE payments SET saved_method_id = '" + card.ID + "' WHERE id = '" + p + "'", "with no method"},
		} {
			d.exec(c.plant)
			if _, broken, err := d.CheckSchedules(t.Context()); err != nil || !strings.Contains(strings.Join(broken, "\n"), c.words) {
				t.Errorf("%s: %v, %v", name, broken, err)
			}
			d.exec(c.undo)
		}
		d.sound()
	})
}
