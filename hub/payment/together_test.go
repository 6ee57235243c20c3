package payment_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/gateway/sandbox"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/payment"
)

// tangle is payments of one customer that share invoices: each pays a part of
// several, in an order of its own.
func (s *till) tangle(random *rand.Rand, payments int) []payment.Payment {
	s.t.Helper()
	var invoices []billing.Invoice
	for v := range 3 {
		vendor := s.vendor([]string{"Northwind", "Brightwell", "Kestrel"}[v])
		s.account(vendor, "C", "ap@acme.example")
		for i := range 5 {
			invoices = append(invoices, s.invoice(vendor, "C", fmt.Sprintf("I-%d-%d", v, i), 100_000))
		}
	}
	payer := s.payer("ap@acme.example")
	list := make([]payment.Payment, payments)
	for i := range list {
		var selection payment.Selection
		for _, at := range random.Perm(len(invoices))[:2+random.IntN(6)] {
			selection.Invoices = append(selection.Invoices, payment.Wish{InvoiceID: invoices[at].ID, Amount: fmt.Sprintf("%d.00", 1+random.IntN(9))})
		}
		list[i] = s.start(payer, selection)
	}
	return list
}

// TestTwoProcessesSettleTheSamePayments: messages of one payment reach two
// processes, several times and all at once, among those of other payments of the
// same invoices. Each payment is settled once, and nobody is left with a deadlock.
func TestTwoProcessesSettleTheSamePayments(t *testing.T) {
	each(t, func(t *testing.T, one *till) {
		two := newTill(t, one.DB) // a process of its own: another group, the same database
		const payments = 40
		list := one.tangle(rand.New(rand.NewPCG(7, 7)), payments)
		hints := make([]payment.Hint, payments)
		states := make([]payment.State, payments)
		for i, p := range list {
			event, err := one.bank.Decide(t.Context(), ref(p), sandbox.Succeed)
			one.must(err)
			hints[i] = payment.Hint{EventID: event, Type: "checkout", Subject: payment.SubjectPayment, Ref: ref(p)}
			states[i], err = one.Gateway.Look(t.Context(), ref(p))
			one.must(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var all sync.WaitGroup
		failures := make(chan error, 4*payments)
		begin := make(chan struct{})
		for i, process := range []*till{one, two} {
			for _, at := range rand.New(rand.NewPCG(7, uint64(i))).Perm(payments) {
				all.Go(func() {
					<-begin
					failures <- process.Settle(ctx, list[at].ID, states[at])
				})
				all.Go(func() {
					<-begin
					failures <- process.Notify(ctx, hints[at])
				})
			}
		}
		close(begin)
		all.Wait()
		close(failures)
		var met []error
		for err := range failures {
			met = append(met, err)
		}
		one.must(errors.Join(met...))
		one.settledOnce(list)
	})
}

// settledOnce: everything that a settlement writes is there once.
func (s *till) settledOnce(list []payment.Payment) {
	s.t.Helper()
	captured := int64(0)
	for _, p := range list {
		settled := s.want(p.ID, payment.Settled)
		captured += settled.Captured
		if settled.Captured != p.Amount || settled.Unapplied != 0 {
			s.t.Errorf("payment of %d captured %d, %d unapplied", p.Amount, settled.Captured, settled.Unapplied)
		}
		shares := s.count("shares", "payment_id = ?", p.ID)
		for what, got := range map[string]int{
			"bookings":  s.count("ledger_transactions", "payment_id = ? AND kind = 'settlement'", p.ID) * shares,
			"transfers": s.count("transfers", "payment_id = ?", p.ID),
			"news":      s.count("events", "type = 'payment.settled' AND subject_id IN (SELECT id FROM shares WHERE payment_id = ?)", p.ID),
			"receipts":  s.count("receipts", "payment_id = ?", p.ID) * shares,
		} {
			if got != shares {
				s.t.Errorf("payment %s of %d shares: %d %s", p.ID, shares, got, what)
			}
		}
	}
	allocated := 0
	s.must(s.DB.NewRaw("SELECT SUM(amount) FROM allocations").Scan(context.Background(), &allocated))
	if int64(allocated) != captured {
		s.t.Errorf("captured %d, allocated %d", captured, allocated)
	}
	if n := s.count("gateway_events", "handled_at IS NULL OR attempts <> 1 OR last_error <> ''"); n != 0 {
		s.t.Errorf("%d messages met a failure", n)
	}
	if n := s.count("invoices", "held <> 0"); n != 0 {
		s.t.Errorf("%d invoices are held still", n)
	}
	s.sound()
}

// TestTwoProcessesTakeOneInvoiceTwice: two checkouts of the same invoice, the
// second begun after the first was given up here and captured all the same. Both
// settle at once in two processes: one pays the invoice, the other's money is
// unapplied, and which one is which does not matter.
func TestTwoProcessesTakeOneInvoiceTwice(t *testing.T) {
	each(t, func(t *testing.T, one *till) {
		two := newTill(t, one.DB)
		vendor := one.vendor("Northwind")
		one.account(vendor, "C", "ap@acme.example")
		payer := one.payer("ap@acme.example")
		for round := range 12 {
			number := fmt.Sprintf("TWICE-%d", round)
			invoice := one.invoice(vendor, "C", number, 9900)
			first := one.start(payer, tick(invoice))
			_, err := one.Cancel(t.Context(), payer, first.ID)
			one.must(err)
			second := one.start(payer, tick(invoice))
			results := make(chan error, 4)
			for _, process := range []*till{one, two} {
				for _, p := range []payment.Payment{first, second} {
					go func() {
						ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
						defer cancel()
						results <- process.Settle(ctx, p.ID, payment.State{Phase: payment.PhaseSucceeded, Captured: moneyOf(p), Method: payment.MethodCard})
					}()
				}
			}
			for range 4 {
				one.must(<-results)
			}
			if over := one.want(first.ID, payment.Settled).Unapplied + one.want(second.ID, payment.Settled).Unapplied; over != 9900 {
				t.Fatalf("round %d: %d unapplied of two payments for one invoice", round, over)
			}
			if invoice := one.book(party.Vendor{ID: vendor.ID}, number); invoice.Open != 0 || invoice.Held != 0 {
				t.Fatalf("round %d: %+v", round, invoice)
			}
		}
		one.sound()
	})
}

func moneyOf(p payment.Payment) money.Amount { return money.New(p.Amount, p.Currency) }
