package payment

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/ledger"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// Transfers is a job table of this room.
const Transfers store.JobTable = "transfers"

// The kinds of transfers.
const (
	transferShare  = "share"  // what a vendor gets of a payment
	transferReturn = "return" // what was taken from it in vain
)

// What a transfer can wait for.
const (
	waitsForVendor  = "vendor"  // it is suspended
	waitsForAccount = "account" // it cannot take money yet
	waitsForFunds   = "funds"   // the money is not available yet
)

// toldNetted stands where the gateway's reference would, when there was nothing
// left to send.
const toldNetted = "netted"

// SendTransfer makes one attempt at sending a share to its vendor.
func (s *Service) SendTransfer(ctx context.Context, ref store.JobRef) error {
	transfer, err := readTransfer(ctx, s.DB, ref.ID)
	if err != nil || transfer.Attempts != ref.Attempt {
		return err
	}
	account, wait, err := s.mayReceive(ctx, transfer.VendorID)
	if err != nil {
		return err
	}
	if transfer.State == "pending" && wait.reason != "" {
		return s.postpone(ctx, transfer, wait)
	}
	call := effect{table: Transfers, id: transfer.ID, word: "transfer", key: transfer.IdempotencyKey, state: transfer.State, attempts: transfer.Attempts,
		claimedUntil: transfer.ClaimedUntil, keyUsedAt: transfer.KeyUsedAt, insufficient: "pending"}
	return s.attempt(ctx, call, ref, hands{
		do:   func(ctx context.Context, key string) error { return s.send(ctx, transfer, account, key) },
		find: func(ctx context.Context) error { return s.findTransfer(ctx, transfer) },
	})
}

// wait says what a transfer waits for, in words, and until when at the latest.
type wait struct {
	reason string
	why    string
	until  time.Duration
}

// postpone lets a transfer wait. The first of a vendor that waits for its account
// tells its staff to open one.
func (s *Service) postpone(ctx context.Context, transfer Transfer, wait wait) error {
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := postponeTransfer(ctx, tx, transfer, wait, s.Now()); err != nil || wait.reason != waitsForAccount || transfer.WaitsFor == wait.reason {
			return err
		}
		return s.task(ctx, tx, Task{VendorID: transfer.VendorID, Kind: "share_waits", SubjectID: transfer.VendorID, Title: "Money waits for you: say where it should go",
			Text: "A customer has paid " + money.New(transfer.net(), transfer.Currency).String() + " to you, and your account at the payment service cannot take it yet. " +
				"An owner opens it, or goes on where it was left, on the payouts page. Nothing is lost meanwhile."})
	})
}

// mayReceive finds the account that a vendor's money goes to.
func (s *Service) mayReceive(ctx context.Context, vendorID string) (string, wait, error) {
	vendor, err := s.Party.Vendor(ctx, vendorID)
	if err != nil {
		return "", wait{}, err
	}
	if vendor.Status == party.VendorSuspended {
		return "", wait{waitsForVendor, "The vendor is suspended: its share waits.", time.Hour}, nil
	}
	if s.Accounts == nil {
		return "", wait{}, nil
	}
	account, found, err := payoutAccount(ctx, s.DB, s.Gateway.Name(), vendorID)
	if err != nil {
		return "", wait{}, err
	}
	if !found || !account.CanReceive {
		return "", wait{waitsForAccount, "The vendor's account at the gateway cannot take money yet: its share waits.", 6 * time.Hour}, nil
	}
	return account.AccountRef, wait{}, nil
}

// fix settles for good what is sent where, before the first attempt: less what
// the vendor owes back, which is kept.
func (s *Service) fix(ctx context.Context, transfer Transfer, account string) (Transfer, error) {
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := lockTransfer(ctx, s.DB, tx, transfer.ID); err != nil { // a refund asked for meanwhile is seen below
			return err
		}
		owed, err := s.owedTx(ctx, tx, transfer.VendorID, transfer.Currency)
		if err == nil && owed > 0 { // two transfers of one vendor must not keep the same debt
			if err = s.Party.LockBooksTx(ctx, tx, transfer.VendorID); err == nil {
				owed, err = s.owedTx(ctx, tx, transfer.VendorID, transfer.Currency)
			}
		}
		if err != nil {
			return err
		}
		transfer.Netted, transfer.AccountRef, transfer.FixedAt = min(max(owed, 0), transfer.Amount), account, s.Now().UTC()
		if err := fixTransfer(ctx, tx, transfer); err != nil {
			return err
		}
		return s.Ledger.PostTx(ctx, tx, ledger.Transaction{Kind: "netting", PaymentID: transfer.PaymentID, VendorID: transfer.VendorID,
			Currency: transfer.Currency, Memo: "kept for what the vendor owed", Entries: []ledger.Entry{
				{Account: ledger.VendorPayable(transfer.VendorID), Amount: transfer.Netted},
				{Account: ledger.VendorReceivable(transfer.VendorID), Amount: -transfer.Netted}}})
	})
	return transfer, err
}

// net is what really leaves.
func (t Transfer) net() int64 { return t.Amount - t.Netted }

func (s *Service) send(ctx context.Context, transfer Transfer, account, key string) error {
	if transfer.FixedAt.IsZero() {
		var err error
		if transfer, err = s.fix(ctx, transfer, account); err != nil {
			return err
		}
	}
	if transfer.net() == 0 {
		return s.transferDone(ctx, transfer, TransferResult{Ref: toldNetted})
	}
	request, err := s.transferRequest(ctx, transfer, key)
	if err != nil {
		return err
	}
	result, err := s.Gateway.Transfer(ctx, request)
	if err != nil {
		return err
	}
	return s.transferDone(ctx, transfer, result)
}

func (s *Service) findTransfer(ctx context.Context, transfer Transfer) error {
	if transfer.FixedAt.IsZero() || transfer.net() == 0 { // it died before anything could be sent
		return ErrNotFound
	}
	request, err := s.transferRequest(ctx, transfer, transfer.IdempotencyKey)
	if err != nil {
		return err
	}
	result, err := s.Gateway.FindTransfer(ctx, request)
	if err != nil {
		return err
	}
	return s.transferDone(ctx, transfer, result)
}

func (s *Service) transferRequest(ctx context.Context, transfer Transfer, key string) (TransferRequest, error) {
	payment, err := readPayment(ctx, s.DB, transfer.PaymentID)
	if err != nil {
		return TransferRequest{}, err
	}
	share, err := readShare(ctx, s.DB, transfer.ShareID)
	if err != nil {
		return TransferRequest{}, err
	}
	request := TransferRequest{TransferID: transfer.ID, Key: key, VendorID: transfer.VendorID, AccountRef: transfer.AccountRef,
		PaymentRef: payment.GatewayRef, Amount: money.New(transfer.net(), transfer.Currency), Reference: share.Reference, Since: transfer.CreatedAt}
	if transfer.Kind == transferShare {
		request.SourceRef = payment.SourceRef
	}
	return request, nil
}

func (s *Service) transferDone(ctx context.Context, transfer Transfer, result TransferResult) error {
	if result.Ref != toldNetted && result.Amount != money.New(transfer.net(), transfer.Currency) {
		return fmt.Errorf("%w: it sent %s instead of %s", ErrRefused, result.Amount, money.New(transfer.net(), transfer.Currency))
	}
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		fresh, err := completeTransfer(ctx, tx, transfer, result.Ref, s.Now())
		if err != nil || !fresh {
			return err
		}
		share, err := readShare(ctx, tx, transfer.ShareID)
		if err != nil {
			return err
		}
		unapplied := share.Unapplied
		if transfer.Kind == transferReturn {
			unapplied = 0
		}
		err = s.Ledger.PostTx(ctx, tx, ledger.Transaction{Kind: "transfer", PaymentID: transfer.PaymentID, VendorID: transfer.VendorID,
			Currency: transfer.Currency, Memo: "transfer of " + share.Reference, Entries: []ledger.Entry{
				{Account: ledger.VendorPayable(transfer.VendorID), Amount: transfer.net() - unapplied},
				{Account: ledger.CustomerUnapplied(share.CustomerID), Amount: unapplied},
				{Account: ledger.Gateway, Amount: -transfer.net()},
			}})
		if err != nil {
			return err
		}
		return s.tellTransfer(ctx, tx, transfer, share)
	})
}

func (s *Service) tellTransfer(ctx context.Context, tx bun.IDB, transfer Transfer, share Share) error {
	return s.tellAbout(ctx, tx, outbox.TransferSent, transfer.ID, share, func(view *View) {
		view.TransferID = transfer.ID
		view.Fees = money.New(share.ProcessingFee+share.HubFee, share.Currency).Decimal()
		view.Netted, view.Sent = money.New(transfer.Netted, transfer.Currency).Decimal(), money.New(transfer.net(), transfer.Currency).Decimal()
	})
}

// ListTransfers pages through transfers in a state, newest first: for the operator.
func (s *Service) ListTransfers(ctx context.Context, state string, page store.PageRequest) ([]Transfer, string, error) {
	return listTransfers(ctx, s.DB, state, page)
}

// RetryTransfer tries a failed transfer again.
func (s *Service) RetryTransfer(ctx context.Context, id string) error {
	return reviveJob(ctx, s.DB, Transfers, id, s.Now(), "There is no such failed transfer.")
}

// followTransfer fetches a transfer again. What was taken back from it at the
// gateway by hand is booked, and the operator is told: the vendor is owed it
// again, unless it had owed as much.
func (s *Service) followTransfer(ctx context.Context, transferID string) error {
	if !store.ValidID(transferID) {
		return nil
	}
	transfer, found, err := doneTransfer(ctx, s.DB, transferID)
	if err != nil || !found {
		return err
	}
	request, err := s.transferRequest(ctx, transfer, transfer.IdempotencyKey)
	if err != nil {
		return err
	}
	result, err := s.Gateway.FindTransfer(ctx, request)
	if err != nil {
		return fmt.Errorf("look at transfer %s: %w", transferID, err)
	}
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := lockTransfer(ctx, s.DB, tx, transfer.ID); err != nil {
			return err
		}
		ours, underWay, err := reversedSoFar(ctx, tx, transfer.ID)
		if err != nil || underWay || result.Reversed.Minor <= ours { // one of ours, whose answer is not here yet
			return err
		}
		return s.adoptReversal(ctx, tx, transfer, result.Reversed.Minor-ours)
	})
}

func (s *Service) adoptReversal(ctx context.Context, tx bun.IDB, transfer Transfer, amount int64) error {
	now := s.Now().UTC()
	id := store.NewID()
	if err := setReversed(ctx, tx, transfer.ID, amount); err != nil {
		return err
	}
	err := insertReversal(ctx, tx, Reversal{ID: id, CustomerID: transfer.CustomerID, VendorID: transfer.VendorID, PaymentID: transfer.PaymentID, ShareID: transfer.ShareID,
		TransferID: transfer.ID, CauseID: id, Currency: transfer.Currency, Amount: amount, State: "done", GatewayRef: "by hand", CreatedAt: now, UpdatedAt: now})
	if err != nil {
		return err
	}
	err = s.Ledger.PostTx(ctx, tx, ledger.Transaction{Kind: "reversal", PaymentID: transfer.PaymentID, VendorID: transfer.VendorID, Currency: transfer.Currency,
		Memo: "taken back from transfer " + transfer.GatewayRef + " at the gateway by hand", Entries: []ledger.Entry{{Account: ledger.Gateway, Amount: amount},
			{Account: ledger.VendorReceivable(transfer.VendorID), Amount: -amount}}})
	if err != nil {
		return err
	}
	sum := money.New(amount, transfer.Currency).String()
	return s.task(ctx, tx, Task{Kind: "reversal_adopted", SubjectID: id, Title: sum + " was taken back from a vendor at the gateway by hand",
		Text: "Transfer " + transfer.GatewayRef + " was reversed there and not here. It is booked: what the vendor owed is less by it, and if it owed less, the hub owes it the rest."})
}
