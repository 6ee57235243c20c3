package payment

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/ledger"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// Refunds is a job table of this room.
const Refunds store.JobTable = "refunds"

// Refund is money on its way back to its payer, out of one vendor's share. The
// invoice stays as it is: whether it is owed again, the vendor's books say.
type Refund struct {
	bun.BaseModel  `bun:"table:refunds,alias:rf"`
	ID             string         `bun:"id,pk"`
	CustomerID     string         `bun:"customer_id"`
	VendorID       string         `bun:"vendor_id"`
	PaymentID      string         `bun:"payment_id"`
	ShareID        string         `bun:"share_id"`
	RequestKey     string         `bun:"request_key"`
	Currency       money.Currency `bun:"currency"`
	Amount         int64          `bun:"amount"`
	Reason         string         `bun:"reason"`
	Origin         string         `bun:"origin"`
	RequestedBy    string         `bun:"requested_by"`
	State          string         `bun:"state"`
	Phase          string         `bun:"phase"` // the gateway's, once it is done
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

// Where a refund comes from.
const (
	FromVendor   = "vendor"
	FromOperator = "operator"
	FromGateway  = "gateway" // made there by hand
)

// RefundWish is what a vendor's staff asks for. Amount is decimal, as typed;
// empty: all that is left of the share. RequestKey is made with the form, so that
// a second click is the same refund.
type RefundWish struct {
	ShareID, Amount, Reason, RequestKey string
}

// RequestRefund gives a part of a vendor's share back to the payer. What the
// vendor's account cannot give back the vendor owes, and it is kept from its next
// shares. Faults name the field: amount, reason.
func (s *Service) RequestRefund(ctx context.Context, actor access.Actor, vendorID string, wish RefundWish) (Refund, error) {
	refund, _, err := s.AskRefund(ctx, actor, vendorID, wish)
	return refund, err
}

// AskRefund is RequestRefund that says too whether the refund is new; false: the
// key had asked for it before. fault.Conflict when the key asked for another amount.
func (s *Service) AskRefund(ctx context.Context, actor access.Actor, vendorID string, wish RefundWish) (Refund, bool, error) {
	if !store.ValidID(wish.ShareID) {
		return Refund{}, false, fault.New(fault.NotFound, "There is no such payment.")
	}
	if wish.RequestKey == "" || len(wish.RequestKey) > 100 {
		return Refund{}, false, fault.New(fault.Invalid, "Load the page again, then ask for the refund.")
	}
	wish.Reason = party.PlainText(wish.Reason, 300)
	if wish.Reason == "" {
		return Refund{}, false, fault.At("reason", "Say why, so that the payer's bank and your colleagues know.")
	}
	origin := FromVendor
	if actor.Kind == access.KindOperator {
		origin = FromOperator
	}
	var refund Refund
	fresh := false
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		share, err := lockVendorShare(ctx, s.DB, tx, vendorID, wish.ShareID)
		if err != nil {
			return err
		}
		known, found, err := refundByKey(ctx, tx, share.ID, wish.RequestKey)
		if err != nil {
			return err
		}
		if refund, fresh = known, !found; found {
			return sameWish(known, wish.Amount)
		}
		amount, err := wishedRefund(share, wish.Amount)
		if err != nil {
			return err
		}
		refund = s.newRefund(share, amount, origin)
		refund.RequestKey, refund.Reason, refund.RequestedBy, refund.NextAttemptAt = wish.RequestKey, wish.Reason, party.PlainText(actor.Name, 200), refund.CreatedAt
		if err := s.bookRefund(ctx, tx, share, refund); err != nil {
			return err
		}
		return s.Access.AuditTx(ctx, tx, actor, access.Change{Action: "refund.requested", SubjectKind: "share", SubjectID: share.ID, VendorID: vendorID,
			CustomerID: share.CustomerID, After: struct {
				Amount money.Amount `json:"amount"`
				Reason string       `json:"reason"`
			}{money.New(amount, share.Currency), wish.Reason}})
	})
	return refund, fresh && err == nil, err
}

// sameWish refuses a key that is used again for another amount.
func sameWish(known Refund, typed string) error {
	if typed == "" {
		return nil
	}
	amount, err := money.Parse(cleanTyped(typed, known.Currency.Digits()), known.Currency)
	if err != nil || amount.Minor != known.Amount {
		return fault.New(fault.Conflict, "%s were asked for with this key before; another refund needs another key.", money.New(known.Amount, known.Currency))
	}
	return nil
}

// Returnable is what of a share can still go back to its payer.
func (s Share) Returnable() int64 {
	if s.Status != Settled {
		return 0
	}
	return max(0, s.Amount-s.Refunded-s.ChargedBack)
}

func wishedRefund(share Share, typed string) (int64, error) {
	left := share.Returnable()
	if share.Status == ChargedBack {
		return 0, fault.At("amount", "The payer's bank took this payment back already; a refund would pay it a second time.")
	}
	if left == 0 {
		return 0, fault.At("amount", "Nothing is left of this payment to give back.")
	}
	if typed == "" {
		return left, nil
	}
	amount, err := money.Parse(cleanTyped(typed, share.Currency.Digits()), share.Currency)
	if err != nil || !amount.Positive() {
		return 0, fault.At("amount", "Write an amount in %s, such as %s.", share.Currency, money.New(left, share.Currency).Decimal())
	}
	if amount.Minor > left {
		return 0, fault.At("amount", "%s is more than the %s that is left of this payment.", amount, money.New(left, share.Currency))
	}
	return amount.Minor, nil
}

func (s *Service) newRefund(share Share, amount int64, origin string) Refund {
	now := s.Now().UTC()
	id := store.NewID()
	return Refund{ID: id, CustomerID: share.CustomerID, VendorID: share.VendorID, PaymentID: share.PaymentID, ShareID: share.ID, RequestKey: id, Currency: share.Currency,
		Amount: amount, Origin: origin, State: "pending", IdempotencyKey: "refund-" + id, CreatedAt: now, UpdatedAt: now}
}

// bookRefund commits a refund with all that follows from it here: the share, the
// ledger, and the way back of the money from the vendor's account. The share is
// locked.
func (s *Service) bookRefund(ctx context.Context, tx bun.IDB, share Share, refund Refund) error {
	if err := insertRefund(ctx, tx, refund); err != nil {
		return err
	}
	share.Refunded += refund.Amount
	if share.Refunded+share.ChargedBack >= share.Amount {
		share.Status = Refunded
	}
	share.UpdatedAt = s.Now().UTC()
	if err := s.saveShare(ctx, tx, share); err != nil {
		return err
	}
	err := s.Ledger.PostTx(ctx, tx, ledger.Transaction{Kind: "refund", PaymentID: refund.PaymentID, VendorID: refund.VendorID, Currency: refund.Currency,
		Memo: "refund of " + share.Reference, Entries: []ledger.Entry{
			{Account: ledger.VendorReceivable(refund.VendorID), Amount: refund.Amount},
			{Account: ledger.CustomerRefunds(refund.CustomerID), Amount: -refund.Amount}}})
	if err != nil {
		return err
	}
	if err := s.planReversal(ctx, tx, share, refund.ID, refund.Amount); err != nil {
		return err
	}
	return s.tellAbout(ctx, tx, outbox.PaymentRefunded, refund.ID, share, func(view *View) {
		view.RefundID, view.Refund, view.Reason = refund.ID, money.New(refund.Amount, refund.Currency).Decimal(), refund.Reason
	})
}

// SendRefund makes one attempt at giving money back.
func (s *Service) SendRefund(ctx context.Context, ref store.JobRef) error {
	refund, err := readRefund(ctx, s.DB, ref.ID)
	if err != nil || refund.Attempts != ref.Attempt {
		return err
	}
	payment, err := readPayment(ctx, s.DB, refund.PaymentID)
	if err != nil {
		return err
	}
	request := RefundRequest{RefundID: refund.ID, Key: refund.IdempotencyKey, PaymentRef: payment.GatewayRef, SourceRef: payment.SourceRef,
		Amount: money.New(refund.Amount, refund.Currency)}
	call := effect{table: Refunds, id: refund.ID, word: "refund", key: refund.IdempotencyKey, state: refund.State, attempts: refund.Attempts,
		claimedUntil: refund.ClaimedUntil, keyUsedAt: refund.KeyUsedAt, insufficient: "pending"}
	return s.attempt(ctx, call, ref, hands{
		do: func(ctx context.Context, key string) error {
			request.Key = key
			result, err := s.Gateway.Refund(ctx, request)
			if err != nil {
				return err
			}
			return s.refundDone(ctx, refund, result)
		},
		find: func(ctx context.Context) error {
			result, err := s.Gateway.FindRefund(ctx, request)
			if err != nil {
				return err
			}
			return s.refundDone(ctx, refund, result)
		},
	})
}

func (s *Service) refundDone(ctx context.Context, refund Refund, result RefundResult) error {
	if result.Amount != money.New(refund.Amount, refund.Currency) {
		return fmt.Errorf("%w: the gateway gave %s back instead of %s", ErrRefused, result.Amount, money.New(refund.Amount, refund.Currency))
	}
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		fresh, err := completeRefund(ctx, tx, refund.ID, result.Ref, string(PhaseProcessing), s.Now())
		if err != nil || !fresh {
			return err
		}
		if err := s.postRefund(ctx, tx, refund, "refund_sent", refund.Amount); err != nil {
			return err
		}
		refund.GatewayRef, refund.State, refund.Phase = result.Ref, "done", string(PhaseProcessing)
		return s.refundPhase(ctx, tx, refund, result)
	})
}

func (s *Service) postRefund(ctx context.Context, tx bun.IDB, refund Refund, kind string, amount int64) error {
	return s.Ledger.PostTx(ctx, tx, ledger.Transaction{Kind: kind, PaymentID: refund.PaymentID, VendorID: refund.VendorID, Currency: refund.Currency,
		Memo: "refund " + refund.ID, Entries: []ledger.Entry{{Account: ledger.CustomerRefunds(refund.CustomerID), Amount: amount},
			{Account: ledger.Gateway, Amount: -amount}}})
}

// refundPhase follows a refund that the gateway has made: it can fail days later
// (the payer's account is closed), and then the money is back with us.
func (s *Service) refundPhase(ctx context.Context, tx bun.IDB, refund Refund, result RefundResult) error {
	if refund.State != "done" || refund.Phase == string(PhaseFailed) || refund.Phase == string(result.Phase) {
		return nil
	}
	if err := setRefundPhase(ctx, tx, refund.ID, string(result.Phase), result.Reason, s.Now()); err != nil || result.Phase != PhaseFailed {
		return err
	}
	if err := s.postRefund(ctx, tx, refund, "refund_failed", -refund.Amount); err != nil {
		return err
	}
	return s.undoRefund(ctx, tx, refund, "The refund of "+money.New(refund.Amount, refund.Currency).String()+" did not reach the payer: "+orWords(strings.TrimSuffix(result.Reason, "."), "its bank refused it")+".")
}

// undoRefund takes back what was booked for a refund that came to nothing. What
// was taken from the vendor for it is sent to the vendor again.
func (s *Service) undoRefund(ctx context.Context, tx bun.IDB, refund Refund, why string) error {
	share, err := lockVendorShare(ctx, s.DB, tx, refund.VendorID, refund.ShareID)
	if err != nil {
		return err
	}
	share.Refunded -= refund.Amount
	if share.Status == Refunded {
		share.Status = Settled
	}
	share.UpdatedAt = s.Now().UTC()
	if err := s.saveShare(ctx, tx, share); err != nil {
		return err
	}
	err = s.Ledger.PostTx(ctx, tx, ledger.Transaction{Kind: "refund_undone", PaymentID: refund.PaymentID, VendorID: refund.VendorID, Currency: refund.Currency,
		Memo: "refund of " + share.Reference + " came to nothing", Entries: []ledger.Entry{
			{Account: ledger.VendorReceivable(refund.VendorID), Amount: -refund.Amount},
			{Account: ledger.CustomerRefunds(refund.CustomerID), Amount: refund.Amount}}})
	if err != nil {
		return err
	}
	if err := s.settleReturn(ctx, tx, share, refund.ID); err != nil {
		return err
	}
	return s.task(ctx, tx, Task{VendorID: refund.VendorID, CustomerID: refund.CustomerID, Kind: "refund_failed", SubjectID: refund.ID,
		Title: "A refund did not reach the payer", Text: why + " Agree with the customer how else it gets its money (reference " + share.Reference + ")."})
}

// followRefunds brings in what the gateway knows of a payment's refunds: how ours
// went on, and those that were made there by hand.
func (s *Service) followRefunds(ctx context.Context, paymentID string, results []RefundResult) error {
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		payment, err := lockPayment(ctx, s.DB, tx, paymentID)
		if err != nil || !payment.Status.booked() {
			return err
		}
		known, err := refundsOf(ctx, tx, paymentID)
		if err != nil {
			return err
		}
		for _, result := range results {
			if err := s.followRefund(ctx, tx, payment, known, result); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Service) followRefund(ctx context.Context, tx bun.IDB, payment Payment, known []Refund, result RefundResult) error {
	seen := false
	for _, refund := range known {
		switch {
		case refund.ID == result.RefundID && refund.State != "done":
			return nil // its own attempt finds it
		case refund.ID == result.RefundID, refund.GatewayRef == result.Ref:
			seen = true
			if refund.Origin == FromGateway {
				result.Amount = money.New(refund.Amount, refund.Currency)
			}
			if err := s.refundPhase(ctx, tx, refund, result); err != nil {
				return err
			}
		}
	}
	if seen || result.Phase == PhaseFailed || result.Amount.Currency != payment.Currency {
		return nil
	}
	return s.adoptRefund(ctx, tx, payment, result)
}

// adoptRefund books a refund that somebody made at the gateway by hand: nobody
// said whose it is, so each vendor bears it in proportion to what is left of its
// share, and the operator is told.
func (s *Service) adoptRefund(ctx context.Context, tx bun.IDB, payment Payment, result RefundResult) error {
	shares, _, err := partsOf(ctx, tx, payment.ID)
	if err != nil {
		return err
	}
	parts, err := splitReturned(result.Amount.Minor, shares)
	if err != nil {
		return err
	}
	for i, share := range shares {
		if parts[i] == 0 {
			continue
		}
		refund := s.newRefund(share, parts[i], FromGateway)
		refund.Reason, refund.State, refund.Phase, refund.GatewayRef = "made at the gateway by hand", "done", string(PhaseProcessing), result.Ref
		if err := s.bookRefund(ctx, tx, share, refund); err != nil {
			return err
		}
		if err := s.postRefund(ctx, tx, refund, "refund_sent", refund.Amount); err != nil {
			return err
		}
		if err := s.refundPhase(ctx, tx, refund, result); err != nil {
			return err
		}
	}
	text := "Refund " + result.Ref + " of " + result.Amount.String() + " was made at the gateway and not here. It was booked to the vendors of payment " + payment.Number +
		" in proportion to their shares. Ask for refunds on the payment's page instead: there it is said whose they are."
	return s.task(ctx, tx, Task{CustomerID: payment.CustomerID, Kind: "refund_adopted", SubjectID: result.Ref, Title: "A refund was made at the gateway by hand", Text: text})
}

// RetryRefund tries a refund again that the gateway refused and nobody gave up.
func (s *Service) RetryRefund(ctx context.Context, actor access.Actor, vendorID, id string) error {
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		refund, err := lockRefund(ctx, s.DB, tx, vendorID, id)
		if err != nil {
			return err
		}
		if !refund.Decidable() {
			return fault.New(fault.Conflict, "Only a refund that the gateway refused can be tried again.")
		}
		if err := reviveJob(ctx, tx, Refunds, id, s.Now(), "There is no such failed refund."); err != nil {
			return err
		}
		return s.Access.AuditTx(ctx, tx, actor, access.Change{Action: "refund.retried", SubjectKind: "refund", SubjectID: id, VendorID: vendorID, CustomerID: refund.CustomerID})
	})
}

// GiveUpRefund ends a refund that the gateway refused: the payer gets nothing,
// and nothing is owed by the vendor for it.
func (s *Service) GiveUpRefund(ctx context.Context, actor access.Actor, vendorID, id string) error {
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		refund, err := lockRefund(ctx, s.DB, tx, vendorID, id)
		if err != nil {
			return err
		}
		if !refund.Decidable() {
			return fault.New(fault.Conflict, "Only a refund that the gateway refused can be given up, and only once.")
		}
		if err := setRefundPhase(ctx, tx, refund.ID, string(PhaseFailed), "given up", s.Now()); err != nil {
			return err
		}
		if err := s.undoRefund(ctx, tx, refund, "The gateway refused the refund ("+refund.LastAnswer+"), and it was given up."); err != nil {
			return err
		}
		return s.Access.AuditTx(ctx, tx, actor, access.Change{Action: "refund.given_up", SubjectKind: "refund", SubjectID: id, VendorID: vendorID, CustomerID: refund.CustomerID})
	})
}

func orWords(text, fallback string) string {
	if text == "" {
		return fallback
	}
	return text
}

// saveShare stores a share whose money went back, and brings its payment's
// status along: refunded or charged back when all of its shares are.
func (s *Service) saveShare(ctx context.Context, tx bun.IDB, share Share) error {
	if err := updateReturns(ctx, tx, share); err != nil {
		return err
	}
	return derivePayment(ctx, tx, share.PaymentID, s.Now().UTC())
}
