package payment

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/ledger"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// Reversals is a job table of this room.
const Reversals store.JobTable = "reversals"

// Reversal is money on its way back from a vendor's account, for a refund or a
// chargeback.
type Reversal struct {
	bun.BaseModel  `bun:"table:reversals,alias:rv"`
	ID             string         `bun:"id,pk"`
	CustomerID     string         `bun:"customer_id"`
	VendorID       string         `bun:"vendor_id"`
	PaymentID      string         `bun:"payment_id"`
	ShareID        string         `bun:"share_id"`
	TransferID     string         `bun:"transfer_id"`
	CauseID        string         `bun:"cause_id"` // the refund, or the chargeback's part
	Currency       money.Currency `bun:"currency"`
	Amount         int64          `bun:"amount"`
	State          string         `bun:"state"`
	IdempotencyKey string         `bun:"idempotency_key"`
	KeyUsedAt      time.Time      `bun:"key_used_at,nullzero"`
	GatewayRef     string         `bun:"gateway_ref"`
	Attempts       int            `bun:"attempts"`
	NextAttemptAt  time.Time      `bun:"next_attempt_at,nullzero"`
	ClaimedUntil   time.Time      `bun:"claimed_until,nullzero"`
	LastAnswer     string         `bun:"last_answer"`
	CreatedAt      time.Time      `bun:"created_at"`
	UpdatedAt      time.Time      `bun:"updated_at"`
}

// toldCovered stands where the gateway's reference would, when nothing had to be
// taken back any more.
const toldCovered = "covered"

// owedTx is what a vendor owes and no reversal on its way will bring: what its
// next shares are lessened by.
func (s *Service) owedTx(ctx context.Context, tx bun.IDB, vendorID string, currency money.Currency) (int64, error) {
	owed, err := s.Ledger.BalanceTx(ctx, tx, ledger.VendorReceivable(vendorID), currency)
	if err != nil || owed <= 0 {
		return owed, err
	}
	coming, err := reversalsUnderWay(ctx, tx, vendorID, currency, "")
	return owed - coming, err
}

// planReversal takes money back from the vendor's account, as far as the share's
// transfer brought it there. One that has not been settled for good yet will be
// lessened instead (Transfer.Netted).
func (s *Service) planReversal(ctx context.Context, tx bun.IDB, share Share, causeID string, amount int64) error {
	transfer, found, err := lockShareTransfer(ctx, s.DB, tx, share.ID)
	if err != nil || !found || transfer.FixedAt.IsZero() {
		return err
	}
	amount = min(amount, transfer.net()-transfer.Reversed)
	if amount <= 0 {
		return nil
	}
	now := s.Now().UTC()
	id := store.NewID()
	if err := setReversed(ctx, tx, transfer.ID, amount); err != nil {
		return err
	}
	return insertReversal(ctx, tx, Reversal{ID: id, CustomerID: share.CustomerID, VendorID: share.VendorID, PaymentID: share.PaymentID, ShareID: share.ID,
		TransferID: transfer.ID, CauseID: causeID, Currency: share.Currency, Amount: amount, State: "pending", IdempotencyKey: "reversal-" + id,
		NextAttemptAt: now, CreatedAt: now, UpdatedAt: now})
}

// SendReversal makes one attempt at taking money back from a vendor's account.
func (s *Service) SendReversal(ctx context.Context, ref store.JobRef) error {
	reversal, err := readReversal(ctx, s.DB, ref.ID)
	if err != nil || reversal.Attempts != ref.Attempt {
		return err
	}
	transfer, err := readTransfer(ctx, s.DB, reversal.TransferID)
	if err != nil {
		return err
	}
	if reversal.State == "pending" && transfer.State != "done" {
		return failJob(ctx, s.DB, Reversals, reversal.ID, reversal.Attempts, "pending", "The transfer has not arrived yet.", s.Now().Add(time.Minute), s.Now())
	}
	if reversal.State == "pending" && reversal.KeyUsedAt.IsZero() {
		over, err := s.lessenReversal(ctx, &reversal)
		if err != nil || over {
			return err
		}
	}
	request := ReversalRequest{ReversalID: reversal.ID, Key: reversal.IdempotencyKey, TransferRef: transfer.GatewayRef, Amount: money.New(reversal.Amount, reversal.Currency)}
	call := effect{table: Reversals, id: reversal.ID, word: "reversal", key: reversal.IdempotencyKey, state: reversal.State, attempts: reversal.Attempts,
		claimedUntil: reversal.ClaimedUntil, keyUsedAt: reversal.KeyUsedAt, insufficient: "failed"}
	return s.attempt(ctx, call, ref, hands{
		do: func(ctx context.Context, key string) error {
			request.Key = key
			result, err := s.Gateway.Reverse(ctx, request)
			if err != nil {
				return err
			}
			return s.reversalDone(ctx, reversal, result)
		},
		find: func(ctx context.Context) error {
			result, err := s.Gateway.FindReversal(ctx, request)
			if err != nil {
				return err
			}
			return s.reversalDone(ctx, reversal, result)
		},
	})
}

// lessenReversal lessens a reversal that has not been tried under its key to what the
// vendor still owes: its next shares may have paid it meanwhile. True: nothing is.
func (s *Service) lessenReversal(ctx context.Context, reversal *Reversal) (bool, error) {
	over := false
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := s.Party.LockBooksTx(ctx, tx, reversal.VendorID); err != nil {
			return err
		}
		owed, err := s.Ledger.BalanceTx(ctx, tx, ledger.VendorReceivable(reversal.VendorID), reversal.Currency)
		if err != nil {
			return err
		}
		others, err := reversalsUnderWay(ctx, tx, reversal.VendorID, reversal.Currency, reversal.ID)
		if err != nil {
			return err
		}
		amount := min(reversal.Amount, max(0, owed-others))
		if amount == reversal.Amount {
			return nil
		}
		if err := setReversed(ctx, tx, reversal.TransferID, amount-reversal.Amount); err != nil {
			return err
		}
		if over = amount == 0; over {
			_, err := completeReversal(ctx, tx, reversal.ID, toldCovered, s.Now())
			return err
		}
		reversal.Amount = amount
		return lessenReversal(ctx, tx, reversal.ID, amount, s.Now())
	})
	return over, err
}

func (s *Service) reversalDone(ctx context.Context, reversal Reversal, result ReversalResult) error {
	if result.Amount != money.New(reversal.Amount, reversal.Currency) {
		return fmt.Errorf("%w: the gateway took %s back instead of %s", ErrRefused, result.Amount, money.New(reversal.Amount, reversal.Currency))
	}
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		share, err := lockVendorShare(ctx, s.DB, tx, reversal.VendorID, reversal.ShareID)
		if err != nil {
			return err
		}
		fresh, err := completeReversal(ctx, tx, reversal.ID, result.Ref, s.Now())
		if err != nil || !fresh {
			return err
		}
		err = s.Ledger.PostTx(ctx, tx, ledger.Transaction{Kind: "reversal", PaymentID: reversal.PaymentID, VendorID: reversal.VendorID, Currency: reversal.Currency,
			Memo: "taken back from the transfer of " + share.Reference, Entries: []ledger.Entry{{Account: ledger.Gateway, Amount: reversal.Amount},
				{Account: ledger.VendorReceivable(reversal.VendorID), Amount: -reversal.Amount}}})
		if err != nil {
			return err
		}
		return s.returnOver(ctx, tx, share, reversal.ID) // its cause may have come to nothing meanwhile
	})
}

// settleReturn ends what a cause took from a vendor, when the cause came to
// nothing: a reversal that was not tried yet is not made, and what the hub owes
// the vendor now is sent.
func (s *Service) settleReturn(ctx context.Context, tx bun.IDB, share Share, causeID string) error {
	reversal, found, err := lockReversalOf(ctx, s.DB, tx, causeID)
	if err != nil {
		return err
	}
	if found && (reversal.State == "pending" && reversal.KeyUsedAt.IsZero() || reversal.State == "failed") {
		if err := setReversed(ctx, tx, reversal.TransferID, -reversal.Amount); err != nil {
			return err
		}
		if _, err := completeReversal(ctx, tx, reversal.ID, toldCovered, s.Now()); err != nil {
			return err
		}
	}
	return s.returnOver(ctx, tx, share, causeID)
}

// returnOver sends a vendor what it has given back too much.
func (s *Service) returnOver(ctx context.Context, tx bun.IDB, share Share, causeID string) error {
	if err := s.Party.LockBooksTx(ctx, tx, share.VendorID); err != nil {
		return err
	}
	owed, err := s.Ledger.BalanceTx(ctx, tx, ledger.VendorReceivable(share.VendorID), share.Currency)
	if err != nil || owed >= 0 {
		return err
	}
	now := s.Now().UTC()
	id := store.NewID()
	err = insertTransfers(ctx, s.DB, tx, []Transfer{{ID: id, CustomerID: share.CustomerID, VendorID: share.VendorID, PaymentID: share.PaymentID, ShareID: share.ID,
		Kind: transferReturn, CauseID: causeID, Currency: share.Currency, Amount: -owed, State: "pending", IdempotencyKey: "transfer-" + id,
		NextAttemptAt: now, CreatedAt: now, UpdatedAt: now}})
	if err != nil {
		return err
	}
	return s.Ledger.PostTx(ctx, tx, ledger.Transaction{Kind: "return", PaymentID: share.PaymentID, VendorID: share.VendorID, Currency: share.Currency,
		Memo: "owed to the vendor again", Entries: []ledger.Entry{{Account: ledger.VendorPayable(share.VendorID), Amount: owed},
			{Account: ledger.VendorReceivable(share.VendorID), Amount: -owed}}})
}

// RetryReversal tries a failed reversal again, as far as the vendor still owes it.
func (s *Service) RetryReversal(ctx context.Context, actor access.Actor, id string) error {
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := reviveJob(ctx, tx, Reversals, id, s.Now(), "There is no such failed reversal."); err != nil {
			return err
		}
		reversal, err := readReversal(ctx, tx, id)
		if err != nil {
			return err
		}
		return s.Access.AuditTx(ctx, tx, actor, access.Change{Action: "reversal.retried", SubjectKind: "reversal", SubjectID: id, VendorID: reversal.VendorID,
			CustomerID: reversal.CustomerID})
	})
}
