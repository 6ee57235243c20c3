package payment_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/gateway/sandbox"
	"github.com/sheaf-hub/sheaf/hub/ledger"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/payment"
)

func TestSettledOnceHoweverOftenTold(t *testing.T) {
	each(t, func(t *testing.T, s *till) {
		_, _, a, b, payer := s.two()
		p := s.start(payer, tick(a, b))
		event, err := s.bank.Decide(t.Context(), ref(p), sandbox.Succeed)
		s.must(err)
		var messages sync.WaitGroup
		for i := range 8 {
			messages.Go(func() {
				id := event
				if i%2 == 0 {
					id += string(rune('a' + i)) // another event of the same checkout
				}
				if err := s.Notify(context.Background(), payment.Hint{EventID: id, Type: "checkout", Subject: payment.SubjectPayment, Ref: ref(p)}); err != nil {
					t.Error(err)
				}
			})
		}
		messages.Wait()
		s.must(s.Notify(t.Context(), payment.Hint{EventID: event, Type: "checkout", Subject: payment.SubjectPayment, Ref: ref(p)}))
		state := payment.State{Phase: payment.PhaseSucceeded, Captured: money.New(16500, "EUR"), Method: "card"}
		s.must(s.Settle(t.Context(), p.ID, state))
		s.want(p.ID, payment.Settled)
		for table, want := range map[string]int{"allocations": 2, "applications": 2, "transfers": 2, "ledger_transactions": 1, "events": 2, "deliveries": 2} {
			if n := s.count(table, "TRUE"); n != want {
				t.Errorf("%d %s, want %d", n, table, want)
			}
		}
		s.must(s.Notify(t.Context(), payment.Hint{EventID: "forged", Type: "checkout", Subject: payment.SubjectPayment, Ref: "sbx_forged"}))
		s.sound()
	})
}

func TestTheAmountCapturedMustBeTheAmountAsked(t *testing.T) {
	each(t, func(t *testing.T, s *till) {
		_, _, a, _, payer := s.two()
		p := s.start(payer, tick(a))
		for _, captured := range []money.Amount{money.New(12499, "EUR"), money.New(12500, "USD"), {}} {
			if err := s.Settle(t.Context(), p.ID, payment.State{Phase: payment.PhaseSucceeded, Captured: captured}); err == nil {
				t.Errorf("%s settled a payment of EUR 125.00", captured)
			}
		}
		s.want(p.ID, payment.Pending)
		s.sound()
	})
}

func TestMoneyThatNoInvoiceTakesStaysWithItsVendor(t *testing.T) {
	each(t, func(t *testing.T, s *till) {
		one, _, a, b, payer := s.two()
		p := s.start(payer, tick(a, b))
		s.push(one, billing.Batch{Invoices: []billing.InvoiceRecord{bill("C-1", "INV-1", 12500, 2000)}}) // paid elsewhere meanwhile
		s.press(p, sandbox.Succeed)
		p = s.want(p.ID, payment.Settled)
		if p.Unapplied != 10500 || p.Captured != 16500 || len(s.overpaid) != 1 || s.overpaid[0].VendorID != one.ID || s.overpaid[0].Unapplied != 10500 {
			t.Fatalf("%+v %+v", p, s.overpaid)
		}
		if invoice := s.book(one, "INV-1"); invoice.Open != 0 || invoice.Applied != 2000 || invoice.Held != 0 {
			t.Fatalf("%+v", invoice)
		}
		unapplied, err := s.Ledger.Balance(t.Context(), ledger.CustomerUnapplied(payer.Contact.CustomerID), "EUR")
		if err != nil || unapplied.Minor != -10500 {
			t.Fatal(unapplied, err)
		}
		s.sound()
		s.relay() // the whole share goes to its vendor
		if held, err := s.Ledger.Balance(t.Context(), ledger.Gateway, "EUR"); err != nil || held.Minor != 0 {
			t.Fatal(held, err)
		}
		s.sound()
	})
}

func TestAnInvoiceThatWasWithdrawnTakesNothing(t *testing.T) {
	each(t, func(t *testing.T, s *till) {
		one, _, a, _, payer := s.two()
		p := s.start(payer, tick(a))
		void := bill("C-1", "INV-1", 12500, 12500)
		void.Status = billing.Void
		s.push(one, billing.Batch{Invoices: []billing.InvoiceRecord{void}})
		s.press(p, sandbox.Succeed)
		if p := s.want(p.ID, payment.Settled); p.Unapplied != 12500 {
			t.Fatalf("%+v", p)
		}
		if n := s.count("allocations", "TRUE"); n != 0 {
			t.Fatal("a withdrawn invoice took money")
		}
		s.sound()
	})
}

func TestDeclinedThenPaidAnew(t *testing.T) {
	each(t, func(t *testing.T, s *till) {
		one, _, a, _, payer := s.two()
		p := s.start(payer, tick(a))
		s.press(p, sandbox.Decline)
		if p := s.want(p.ID, payment.Failed); p.Failure == "" || p.Captured != 0 {
			t.Fatalf("%+v", p)
		}
		if s.book(one, "INV-1").Held != 0 || s.count("events", "TRUE") != 0 {
			t.Fatal("a declined card left a trace with the vendor")
		}
		s.sound()
		again := s.start(payer, tick(a))
		s.press(again, sandbox.Succeed)
		s.want(again.ID, payment.Settled)
		s.sound()
	})
}

func TestWhatWasCapturedAfterAFailureIsBooked(t *testing.T) {
	each(t, func(t *testing.T, s *till) {
		one, _, a, _, payer := s.two()
		p := s.start(payer, tick(a))
		s.must(s.bankSays(p, "declined"))
		s.must(s.Refresh(t.Context(), ref(p)))
		s.want(p.ID, payment.Failed)
		second := s.start(payer, tick(a)) // the invoice is free again
		s.must(s.bankSays(p, "succeeded"))
		s.must(s.Notify(t.Context(), payment.Hint{EventID: "late", Type: "checkout", Subject: payment.SubjectPayment, Ref: ref(p)}))
		if late := s.want(p.ID, payment.Settled); late.Captured != 12500 || late.Failure != "" {
			t.Fatalf("%+v", late)
		}
		s.sound()
		s.press(second, sandbox.Succeed) // paid twice: the second money is unapplied
		if p := s.want(second.ID, payment.Settled); p.Unapplied != 12500 {
			t.Fatalf("%+v", p)
		}
		if invoice := s.book(one, "INV-1"); invoice.Open != 0 || invoice.Applied != 12500 || invoice.Held != 0 {
			t.Fatalf("%+v", invoice)
		}
		s.sound()
	})
}

// bankSays changes a checkout as only the gateway's own staff could.
func (s *till) bankSays(p payment.Payment, state string) error {
	_, err := s.DB.ExecContext(context.Background(), `UPDATE sandbox_checkouts SET state = ?, settles_at = NULL WHERE ref = ?`, state, ref(p))
	return err
}

func TestSlowPayments(t *testing.T) {
	each(t, func(t *testing.T, s *till) {
		one, _, _, _, payer := s.two()
		good, bad := s.invoice(one, "C-1", "INV-8", 10000), s.invoice(one, "C-1", "INV-9", 10013)
		ends := map[string]payment.Status{}
		for invoice, want := range map[*billing.Invoice]payment.Status{&good: payment.Settled, &bad: payment.Failed} {
			p := s.start(payer, tick(*invoice))
			s.press(p, sandbox.Process)
			if p := s.want(p.ID, payment.Processing); p.ProcessingAt.IsZero() || p.Captured != 0 {
				t.Fatalf("%+v", p)
			}
			ends[p.ID] = want
			if now := s.book(one, invoice.Number); now.Held != now.Open || now.Payable() != 0 || now.Open == 0 {
				t.Fatalf("%+v", now)
			}
			if cancelled, err := s.Cancel(t.Context(), payer, p.ID); err != nil || cancelled.Status != payment.Processing {
				t.Fatal("money on its way was cancelled", cancelled.Status, err)
			}
			if _, err := s.Quote(t.Context(), payer, tick(*invoice)); !fault.Is(err, fault.Invalid) {
				t.Fatal("an invoice with money on its way could be paid again", err)
			}
		}
		if n, err := s.Reconcile(t.Context()); n != 2 || err != nil {
			t.Fatal(n, err)
		}
		s.pass(time.Minute)
		if n, err := s.Reconcile(t.Context()); n != 2 || err != nil { // what a lost message would have told
			t.Fatal(n, err)
		}
		for id, want := range ends {
			s.want(id, want)
		}
		if now := s.book(one, "INV-9"); now.Open != 10013 || now.Held != 0 {
			t.Fatalf("%+v", now)
		}
		for kind, want := range map[string]int{outbox.PaymentProcessing: 2, outbox.PaymentSettled: 1, outbox.PaymentFailed: 1} {
			if n := s.count("events", "type = ?", kind); n != want {
				t.Errorf("%d %s", n, kind)
			}
		}
		s.sound()
	})
}

func TestPagesThatNobodyPaidOnExpire(t *testing.T) {
	each(t, func(t *testing.T, s *till) {
		one, _, a, b, payer := s.two()
		left := s.start(payer, tick(a))
		paid := s.start(payer, tick(b))
		_, err := s.bank.Decide(t.Context(), ref(paid), sandbox.Succeed) // its message is lost
		s.must(err)
		s.pass(payment.CheckoutLife + time.Second)
		if n, err := s.Reconcile(t.Context()); n != 2 || err != nil {
			t.Fatal(n, err)
		}
		s.want(left.ID, payment.Expired)
		s.want(paid.ID, payment.Settled)
		if s.book(one, "INV-1").Held != 0 {
			t.Fatal("a page that was closed still holds")
		}
		if n, err := s.Reconcile(t.Context()); n != 0 || err != nil {
			t.Fatal(n, err)
		}
		s.sound()
	})
}

func TestCancellingRacesWithPaying(t *testing.T) {
	each(t, func(t *testing.T, s *till) {
		_, _, a, _, payer := s.two()
		for range 4 {
			p := s.start(payer, tick(a))
			var both sync.WaitGroup
			var paid error
			both.Go(func() {
				var event string
				if event, paid = s.bank.Decide(context.Background(), ref(p), sandbox.Succeed); paid == nil {
					if err := s.Notify(context.Background(), payment.Hint{EventID: event, Type: "checkout", Subject: payment.SubjectPayment, Ref: ref(p)}); err != nil {
						t.Error(err)
					}
				}
			})
			both.Go(func() {
				if _, err := s.Cancel(context.Background(), payer, p.ID); err != nil {
					t.Error(err)
				}
			})
			both.Wait()
			s.sound()
			if paid == nil {
				s.want(p.ID, payment.Settled)
				return
			}
			if !fault.Is(paid, fault.Conflict) {
				t.Fatal(paid)
			}
			s.want(p.ID, payment.Expired)
		}
	})
}

func TestCancellingWhatWasPaidJustBefore(t *testing.T) {
	each(t, func(t *testing.T, s *till) {
		_, _, a, b, payer := s.two()
		p := s.start(payer, tick(a))
		_, err := s.bank.Decide(t.Context(), ref(p), sandbox.Succeed)
		s.must(err)
		if cancelled, err := s.Cancel(t.Context(), payer, p.ID); err != nil || cancelled.Status != payment.Settled {
			t.Fatal(cancelled.Status, err)
		}
		open := s.start(payer, tick(b))
		if resumed, err := s.Resume(t.Context(), payer, open.ID); err != nil || resumed.RedirectURL != open.CheckoutURL {
			t.Fatal(resumed, err)
		}
		s.bank.Faults.Before = func(string) error { return payment.ErrUnavailable }
		if _, err := s.Cancel(t.Context(), payer, open.ID); !fault.Is(err, fault.Unavailable) {
			t.Fatal(err)
		}
		s.want(open.ID, payment.Pending) // nobody knows: it stays held
		s.bank.Faults.Before = nil
		s.account(s.vendor("Third"), "T-1", "ap@other.example")
		stranger := s.payer("ap@other.example")
		if _, err := s.Cancel(t.Context(), stranger, open.ID); !fault.Is(err, fault.NotFound) {
			t.Fatal(err)
		}
		s.sound()
	})
}

func TestLostAnswersOfTheCheckout(t *testing.T) {
	each(t, func(t *testing.T, s *till) {
		one, _, a, b, payer := s.two()
		lose := true
		s.bank.Faults.LoseAnswer = func(op string) bool { return op == "checkout" && lose }
		quote := s.quote(payer, tick(a))
		if _, err := s.Start(t.Context(), payer, quote.ID, quote.Hash, "EUR"); !fault.Is(err, fault.Unavailable) {
			t.Fatal(err)
		}
		var p payment.Payment
		s.must(s.DB.NewSelect().Model(&p).Scan(t.Context()))
		if p.Status != payment.Pending || p.CheckoutState != "unknown" || s.book(one, "INV-1").Held != 12500 {
			t.Fatalf("%+v", p)
		}
		s.sound()
		lose = false
		// the gateway is down for a moment: what may exist is not given up
		s.bank.Faults.Before = func(string) error { return payment.ErrUnavailable }
		if _, err := s.Start(t.Context(), payer, quote.ID, quote.Hash, "EUR"); !fault.Is(err, fault.Unavailable) {
			t.Fatal(err)
		}
		s.want(p.ID, payment.Pending)
		s.bank.Faults.Before = nil
		started, err := s.Start(t.Context(), payer, quote.ID, quote.Hash, "EUR")
		if err != nil || started.Payment.ID != p.ID || s.count("sandbox_checkouts", "TRUE") != 1 {
			t.Fatal("the lost page was not found again", err)
		}
		s.press(started.Payment, sandbox.Succeed)
		s.want(p.ID, payment.Settled)
		// one whose answer is lost and that nobody comes back to
		lose = true
		left := s.quote(payer, tick(b))
		if _, err := s.Start(t.Context(), payer, left.ID, left.Hash, "EUR"); err == nil {
			t.Fatal("no answer, no error")
		}
		lose = false
		s.pass(payment.CheckoutLife + time.Second)
		_, err = s.Reconcile(t.Context())
		s.must(err)
		if s.count("payments", "status = 'expired'") != 1 {
			t.Fatal("a page whose answer was lost holds for ever")
		}
		s.sound()
	})
}

func TestAGatewayThatIsDownChargesNothing(t *testing.T) {
	each(t, func(t *testing.T, s *till) {
		one, _, a, _, payer := s.two()
		for _, down := range []error{payment.ErrUnavailable, payment.ErrRefused} {
			s.bank.Faults.Before = func(string) error { return down }
			quote := s.quote(payer, tick(a))
			if _, err := s.Start(t.Context(), payer, quote.ID, quote.Hash, "EUR"); !fault.Is(err, fault.Unavailable) || !errors.Is(err, down) {
				t.Fatal(err)
			}
			if _, err := s.Start(t.Context(), payer, quote.ID, quote.Hash, "EUR"); !fault.Is(err, fault.Conflict) {
				t.Fatal(err)
			}
			if s.book(one, "INV-1").Held != 0 {
				t.Fatal("a payment that cannot be made holds")
			}
			s.sound()
		}
		if n := s.count("payments", "status = 'failed'"); n != 2 {
			t.Fatal(n)
		}
	})
}

func TestCreditsAlone(t *testing.T) {
	each(t, func(t *testing.T, s *till) {
		one, _, a, _, payer := s.two()
		credit := s.credit(one, "C-1", "CR-1", 20000)
		selection := tick(a)
		selection.Credits = []string{credit.ID}
		quote := s.quote(payer, selection)
		started, err := s.Start(t.Context(), payer, quote.ID, quote.Hash, "EUR")
		if err != nil || started.Payment.Status != payment.Settled || started.RedirectURL != "https://hub.example/pay/"+started.Payment.ID {
			t.Fatalf("%+v, %v", started, err)
		}
		if n := s.count("sandbox_checkouts", "TRUE") + s.count("transfers", "TRUE") + s.count("ledger_entries", "TRUE"); n != 0 {
			t.Fatal("nothing was to be charged")
		}
		if s.book(one, "INV-1").Open != 0 || s.creditNow(one, "CR-1").Open != 7500 || s.creditNow(one, "CR-1").Held != 0 {
			t.Fatal("the credit was not applied")
		}
		if s.count("events", "type = ?", outbox.CreditApplied) != 1 || s.count("events", "type = ?", outbox.PaymentSettled) != 1 {
			t.Fatal("the vendor was not told")
		}
		s.sound()
	})
}

func TestMoneyAndCreditsTogether(t *testing.T) {
	each(t, func(t *testing.T, s *till) {
		one, _, a, b, payer := s.two()
		credit := s.credit(one, "C-1", "CR-1", 3000)
		selection := tick(a, b)
		selection.Credits = []string{credit.ID}
		p := s.start(payer, selection)
		if p.Amount != 13500 || p.CreditAmount != 3000 || s.creditNow(one, "CR-1").Held != 3000 || s.book(one, "INV-1").Held != 12500 {
			t.Fatalf("%+v", p)
		}
		s.sound()
		s.press(p, sandbox.Succeed)
		s.relay()
		if s.book(one, "INV-1").Open != 0 || s.creditNow(one, "CR-1").Open != 0 || s.creditNow(one, "CR-1").Held != 0 {
			t.Fatal("not applied")
		}
		s.sound()
	})
}
