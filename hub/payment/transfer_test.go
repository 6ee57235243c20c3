package payment_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/gateway/sandbox"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// paid is one vendor's share of EUR 125.00, settled, its transfer due.
func (s *till) paid() (party.Vendor, payment.Payment) {
	s.t.Helper()
	one, _, a, _, payer := s.two()
	p := s.start(payer, tick(a))
	s.press(p, sandbox.Succeed)
	return one, s.want(p.ID, payment.Settled)
}

func (s *till) transfer(state string) payment.Transfer {
	s.t.Helper()
	var transfer payment.Transfer
	s.must(s.DB.NewSelect().Model(&transfer).Scan(context.Background()))
	if transfer.State != state {
		s.t.Fatalf("transfer is %s (%s), want %s", transfer.State, transfer.LastAnswer, state)
	}
	return transfer
}

func TestALostAnswerIsAskedForAndNotSentAgain(t *testing.T) {
	each(t, func(t *testing.T, s *till) {
		s.paid()
		s.bank.Faults.LoseAnswer = func(op string) bool { return op == "transfer" || op == "find" }
		s.relay()
		unknown := s.transfer("unknown")
		if unknown.LastAnswer == "" || unknown.NextAttemptAt.IsZero() {
			t.Fatalf("%+v", unknown)
		}
		s.sound()
		if list, _, err := s.ListTransfers(t.Context(), "unknown", store.PageRequest{}); err != nil || len(list) != 1 {
			t.Fatal("the operator is not shown it", err)
		}
		s.pass(time.Minute)
		s.relay() // asks, and the answer is lost again
		s.transfer("unknown")
		s.bank.Faults = sandbox.Faults{}
		s.pass(time.Hour)
		s.relay()
		if done := s.transfer("done"); done.GatewayRef == "" || s.count("sandbox_transfers", "TRUE") != 1 {
			t.Fatalf("%+v", done)
		}
		if n := s.count("ledger_transactions", "kind = 'transfer'"); n != 1 {
			t.Fatal(n)
		}
		s.sound()
	})
}

func TestAnAttemptThatWasNeverMadeIsMade(t *testing.T) {
	each(t, func(t *testing.T, s *till) {
		s.paid()
		once := true
		s.bank.Faults.Before = func(op string) error {
			if op == "transfer" && once {
				once = false
				return errors.New("the network is gone") // nobody knows whether it arrived
			}
			return nil
		}
		s.relay()
		s.transfer("unknown")
		s.pass(time.Minute)
		s.relay()
		s.transfer("pending") // it surely was not made
		s.relay()
		s.transfer("done")
		if s.count("sandbox_transfers", "TRUE") != 1 || s.count("events", "type = ?", outbox.TransferSent) != 1 {
			t.Fatal("not once")
		}
		s.sound()
	})
}

func TestTransfersThatAreRefused(t *testing.T) {
	each(t, func(t *testing.T, s *till) {
		s.paid()
		s.bank.Faults.Before = func(op string) error { return payment.ErrUnavailable }
		s.relay()
		if transfer := s.transfer("pending"); transfer.Attempts != 1 || !transfer.NextAttemptAt.After(s.clock()) {
			t.Fatalf("%+v", transfer)
		}
		s.bank.Faults.Before = func(op string) error { return payment.ErrRefused }
		s.pass(time.Minute)
		s.relay()
		failed := s.transfer("failed")
		if !failed.NextAttemptAt.IsZero() || failed.LastAnswer == "" {
			t.Fatalf("%+v", failed)
		}
		s.sound()
		s.bank.Faults = sandbox.Faults{}
		s.must(s.RetryTransfer(t.Context(), failed.ID))
		if err := s.RetryTransfer(t.Context(), failed.ID); !fault.Is(err, fault.NotFound) {
			t.Fatal(err)
		}
		s.relay()
		s.transfer("done")
		s.sound()
	})
}

func TestAnOldKeyIsNotTrusted(t *testing.T) {
	each(t, func(t *testing.T, s *till) {
		s.paid()
		s.bank.Faults.LoseAnswer = func(op string) bool { return op == "transfer" }
		s.relay()
		transfer := s.transfer("unknown")
		// as if somebody had decided that it was not made, and the gateway forgot the key
		s.exec(`UPDATE transfers SET state = 'failed', next_attempt_at = NULL`)
		s.exec(`UPDATE sandbox_transfers SET key = 'forgotten'`)
		s.bank.Faults.LoseAnswer = nil
		s.pass(payment.KeyLife + time.Hour)
		sent := 0
		s.bank.Faults.Before = func(op string) error {
			if op == "transfer" {
				sent++
			}
			return nil
		}
		s.must(s.RetryTransfer(t.Context(), transfer.ID))
		s.relay()
		if s.transfer("done"); sent != 0 || s.count("sandbox_transfers", "TRUE") != 1 {
			t.Fatal("a share was sent again under a key that the gateway had forgotten")
		}
		s.sound()
	})
}

func TestASuspendedVendorsShareWaits(t *testing.T) {
	each(t, func(t *testing.T, s *till) {
		one, _ := s.paid()
		s.status(one, party.VendorSuspended)
		s.relay()
		if waiting := s.transfer("pending"); waiting.Attempts != 0 || waiting.LastAnswer == "" || !waiting.NextAttemptAt.After(s.clock()) {
			t.Fatalf("%+v", waiting)
		}
		s.sound()
		s.status(one, party.VendorApproved)
		s.pass(2 * time.Hour)
		s.relay()
		s.transfer("done")
		s.sound()
	})
}

func TestWorkersSendOneTransferOnce(t *testing.T) {
	each(t, func(t *testing.T, s *till) {
		s.paid()
		refs, err := s.DB.TakeDue(t.Context(), payment.Transfers, "vendor_id", s.clock(), 10, time.Minute)
		if err != nil || len(refs) != 1 {
			t.Fatal(refs, err)
		}
		var workers sync.WaitGroup
		for range 6 {
			workers.Go(func() {
				if err := s.SendTransfer(context.Background(), refs[0]); err != nil {
					t.Error(err)
				}
			})
		}
		workers.Wait()
		if done := s.transfer("done"); done.Attempts != 1 || s.count("ledger_transactions", "kind = 'transfer'") != 1 {
			t.Fatalf("%+v", done)
		}
		s.must(s.SendTransfer(t.Context(), refs[0])) // a task that comes late
		s.sound()
	})
}

func TestAWorkerThatDiedIsAskedAfter(t *testing.T) {
	each(t, func(t *testing.T, s *till) {
		s.paid()
		refs, err := s.DB.TakeDue(t.Context(), payment.Transfers, "vendor_id", s.clock(), 10, time.Minute)
		s.must(err)
		ok, err := s.DB.Claim(t.Context(), payment.Transfers, refs[0], s.clock(), payment.EffectLease, false) // and dies
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		s.sound()
		s.relay()
		s.transfer("sending")
		s.pass(2 * time.Minute)
		s.relay()
		s.transfer("pending")
		s.relay()
		s.transfer("done")
		s.sound()
	})
}
