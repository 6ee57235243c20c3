package payment

import (
	"context"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/ledger"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// Transfers is the job table of this room.
const Transfers store.JobTable = "transfers"

// TransferLease is how long one attempt may take before it counts as unknown.
const TransferLease = 60 * time.Second

// KeyLife is how long a key is trusted: the gateway forgets it after 24 hours
// (Stripe's documentation of idempotent requests), so an older attempt is looked
// up instead.
const KeyLife = 23 * time.Hour

// transferBackoff is how long to wait after each failed attempt; the last one repeats.
var transferBackoff = []time.Duration{5 * time.Second, 30 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 6 * time.Hour}

// SendTransfer makes one attempt at sending a share to its vendor.
func (s *Service) SendTransfer(ctx context.Context, ref store.JobRef) error {
	transfer, err := readTransfer(ctx, s.DB, ref.ID)
	if err != nil || transfer.Attempts != ref.Attempt {
		return err
	}
	if transfer.State == "unknown" || transfer.State == "sending" {
		return s.resolveTransfer(ctx, transfer)
	}
	vendor, err := s.Party.Vendor(ctx, transfer.VendorID)
	if err != nil {
		return err
	}
	if vendor.Status == party.VendorSuspended {
		return postponeTransfer(ctx, s.DB, transfer, "The vendor is suspended: its share waits.", s.Now().Add(time.Hour), s.Now())
	}
	ok, err := s.DB.Claim(ctx, Transfers, ref, s.Now(), TransferLease, false)
	if err != nil || !ok {
		return err
	}
	transfer.Attempts++
	return s.send(ctx, transfer)
}

func (s *Service) send(ctx context.Context, transfer Transfer) error {
	payment, err := readPayment(ctx, s.DB, transfer.PaymentID)
	if err != nil {
		return err
	}
	if err := markKeyUsed(ctx, s.DB, transfer.ID, s.Now()); err != nil {
		return err
	}
	if !transfer.KeyUsedAt.IsZero() && s.Now().Sub(transfer.KeyUsedAt) > KeyLife {
		result, err := s.Gateway.FindTransfer(ctx, TransferRequest{TransferID: transfer.ID})
		if err == nil {
			return s.transferDone(ctx, transfer, result)
		}
		if !errors.Is(err, ErrNotFound) {
			return failTransfer(ctx, s.DB, transfer, "unknown", err.Error(), s.Now().Add(backoff(transfer.Attempts)), s.Now())
		}
	}
	result, err := s.Gateway.Transfer(ctx, TransferRequest{TransferID: transfer.ID, Key: transfer.IdempotencyKey, VendorID: transfer.VendorID,
		PaymentRef: payment.GatewayRef, Amount: money.New(transfer.Amount, transfer.Currency)})
	switch {
	case err == nil:
		return s.transferDone(ctx, transfer, result)
	case errors.Is(err, ErrUnavailable):
		return failTransfer(ctx, s.DB, transfer, "pending", err.Error(), s.Now().Add(backoff(transfer.Attempts)), s.Now())
	case errors.Is(err, ErrRefused):
		return failTransfer(ctx, s.DB, transfer, "failed", err.Error(), time.Time{}, s.Now())
	default:
		return failTransfer(ctx, s.DB, transfer, "unknown", err.Error(), s.Now().Add(backoff(transfer.Attempts)), s.Now())
	}
}

func backoff(attempt int) time.Duration {
	return transferBackoff[min(max(attempt-1, 0), len(transferBackoff)-1)]
}

// resolveTransfer asks the gateway whether an attempt without an answer was
// made. Only when it surely was not is the share sent again.
func (s *Service) resolveTransfer(ctx context.Context, transfer Transfer) error {
	if transfer.State == "sending" && s.Now().Before(transfer.ClaimedUntil) {
		return nil
	}
	result, err := s.Gateway.FindTransfer(ctx, TransferRequest{TransferID: transfer.ID})
	switch {
	case err == nil:
		return s.transferDone(ctx, transfer, result)
	case errors.Is(err, ErrNotFound):
		return failTransfer(ctx, s.DB, transfer, "pending", "The gateway has no such transfer: it is sent again.", s.Now(), s.Now())
	default:
		return failTransfer(ctx, s.DB, transfer, "unknown", err.Error(), s.Now().Add(backoff(transfer.Attempts)), s.Now())
	}
}

func (s *Service) transferDone(ctx context.Context, transfer Transfer, result TransferResult) error {
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		fresh, err := completeTransfer(ctx, tx, transfer, result.Ref, s.Now())
		if err != nil || !fresh {
			return err
		}
		share, err := readShare(ctx, tx, transfer.ShareID)
		if err != nil {
			return err
		}
		payment, err := readPayment(ctx, tx, transfer.PaymentID)
		if err != nil {
			return err
		}
		err = s.Ledger.PostTx(ctx, tx, ledger.Transaction{Kind: "transfer", PaymentID: transfer.PaymentID, VendorID: transfer.VendorID,
			Currency: transfer.Currency, Memo: "transfer of " + share.Reference, Entries: []ledger.Entry{
				{Account: ledger.VendorPayable(transfer.VendorID), Amount: transfer.Amount - share.Unapplied},
				{Account: ledger.CustomerUnapplied(payment.CustomerID), Amount: share.Unapplied},
				{Account: ledger.Gateway, Amount: -transfer.Amount},
			}})
		if err != nil {
			return err
		}
		views, err := s.viewsTx(ctx, tx, []Share{share})
		if err != nil {
			return err
		}
		view := views[share.ID]
		view.TransferID = transfer.ID
		event, err := outbox.NewEvent(transfer.VendorID, transfer.CustomerID, outbox.TransferSent, transfer.ID, view, s.Now())
		if err != nil {
			return err
		}
		return s.Outbox.AppendTx(ctx, tx, event)
	})
}

// ListTransfers pages through transfers in a state, newest first: for the operator.
func (s *Service) ListTransfers(ctx context.Context, state string, page store.PageRequest) ([]Transfer, string, error) {
	return listTransfers(ctx, s.DB, state, page)
}

// RetryTransfer tries a failed transfer again.
func (s *Service) RetryTransfer(ctx context.Context, id string) error {
	return reviveTransfer(ctx, s.DB, id, s.Now())
}
