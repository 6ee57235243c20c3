// Package sandbox is a gateway that moves no money: another company's computer,
// played by us. It keeps its own memory in its own transactions, so that
// answers can be lost, come twice or come late, exactly as with a real one.
//
// Its checkout page has three buttons. "succeed" pays at once. "decline" ends
// the checkout without money; the payer starts again from the hub. "process"
// pays slowly, as a bank debit does: after Delay the checkout succeeds, or, when
// its minor units end in 13, fails, as a returned debit does.
//
// Its page to leave a means of payment offers some: one that works, one that is
// always declined, one that soon expires, a bank account, and one whose debits
// come back.
package sandbox

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// Name is what payments of this gateway say of themselves.
const Name = "sandbox"

// DefaultDelay is how long a slow payment takes when Delay is not set.
const DefaultDelay = 20 * time.Second

// The methods that a payer can pay by.
const (
	methodCard  = payment.MethodCard
	methodDebit = payment.MethodBankDebit
)

// Gateway is the sandbox. It implements payment.Gateway.
type Gateway struct {
	DB        *store.DB
	PublicURL string // without a slash at the end
	Now       func() time.Time
	Delay     time.Duration // of slow payments; 0: DefaultDelay
	Faults    Faults        // for tests
}

// Faults make the sandbox as unreliable as a network. op is "checkout", "look",
// "close", "transfer", "refund", "reverse", "setup", "charge", "forget" or "find".
type Faults struct {
	// Before is answered instead of doing anything, when it is an error.
	Before func(op string) error
	// LoseAnswer says that the effect is made but its answer does not arrive.
	LoseAnswer func(op string) bool
}

var _ payment.Gateway = (*Gateway)(nil)

// ErrLost is what the caller sees of an answer that did not arrive: nobody
// knows whether it happened.
var ErrLost = errors.New("the connection broke before the answer came")

// Name says "sandbox".
func (g *Gateway) Name() string { return Name }

// Checkout makes the page, or gives again the one that the key made. The same
// key with other content is payment.ErrRefused.
func (g *Gateway) Checkout(ctx context.Context, request payment.CheckoutRequest) (payment.Checkout, error) {
	if err := g.Faults.before("checkout"); err != nil {
		return payment.Checkout{}, err
	}
	row, err := g.newCheckout(request)
	if err != nil {
		return payment.Checkout{}, err
	}
	var kept checkoutRow
	err = g.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		var err error
		kept, err = keepCheckout(ctx, g.DB, tx, row)
		return err
	})
	if err != nil {
		return payment.Checkout{}, err
	}
	if err := g.sameCheckout(kept, row); err != nil {
		return payment.Checkout{}, err
	}
	return payment.Checkout{Ref: kept.Ref, URL: g.PublicURL + "/sandbox/checkout/" + kept.Ref}, g.Faults.after("checkout")
}

func (g *Gateway) newCheckout(request payment.CheckoutRequest) (checkoutRow, error) {
	if request.Key == "" || !request.Amount.Positive() || !request.Amount.Currency.Valid() {
		return checkoutRow{}, fmt.Errorf("%w: a checkout needs a key and an amount of more than zero", payment.ErrRefused)
	}
	lines, err := json.Marshal(request.Lines)
	if err != nil {
		return checkoutRow{}, fmt.Errorf("encode lines: %w", err)
	}
	now := g.Now().UTC()
	return checkoutRow{Ref: "sbx_" + store.NewToken(), Key: request.Key, Currency: request.Amount.Currency, Amount: request.Amount.Minor,
		ReturnURL: request.ReturnURL, CancelURL: request.CancelURL, Lines: string(lines), Method: request.Method, State: stateOpen, SettlesAt: request.ExpiresAt.UTC(),
		CreatedAt: now, UpdatedAt: now}, nil
}

// sameCheckout holds what a key made against what is asked for now.
func (g *Gateway) sameCheckout(kept, asked checkoutRow) error {
	fresh := kept.Ref == asked.Ref
	if !fresh && (kept.Currency != asked.Currency || kept.Amount != asked.Amount || kept.Lines != asked.Lines || kept.Method != asked.Method || kept.ReturnURL != asked.ReturnURL) {
		return fmt.Errorf("%w: this key was used for another checkout", payment.ErrRefused)
	}
	return nil
}

// Look fetches a checkout as it is now.
func (g *Gateway) Look(ctx context.Context, ref string) (payment.State, error) {
	if err := g.Faults.before("look"); err != nil {
		return payment.State{}, err
	}
	row, err := g.change(ctx, ref, func(*checkoutRow) error { return nil })
	if err != nil {
		return payment.State{}, err
	}
	state := row.phase()
	rows, err := returnsOf(ctx, g.DB, ref)
	if err != nil {
		return payment.State{}, err
	}
	for _, row := range rows {
		state.Refunds = append(state.Refunds, row.refund())
	}
	return state, g.Faults.after("look")
}

// FindPayment looks a paid checkout up by its key, which is made of the hub's id.
func (g *Gateway) FindPayment(ctx context.Context, paymentID string, _, _ time.Time) (string, error) {
	if err := g.Faults.before("find"); err != nil {
		return "", err
	}
	ref, err := paidCheckout(ctx, g.DB, "checkout-"+paymentID)
	if err != nil {
		return "", err
	}
	return ref, g.Faults.after("find")
}

// Close ends an open checkout; one that was paid, or is being paid, stays so.
func (g *Gateway) Close(ctx context.Context, ref string) (payment.State, error) {
	if err := g.Faults.before("close"); err != nil {
		return payment.State{}, err
	}
	row, err := g.change(ctx, ref, func(row *checkoutRow) error {
		if row.State == stateOpen {
			row.State, row.SettlesAt = stateExpired, time.Time{}
		}
		return nil
	})
	if err != nil {
		return payment.State{}, err
	}
	return row.phase(), g.Faults.after("close")
}

// Transfer sends money of a succeeded checkout to a vendor, once per key.
func (g *Gateway) Transfer(ctx context.Context, request payment.TransferRequest) (payment.TransferResult, error) {
	if err := g.Faults.before("transfer"); err != nil {
		return payment.TransferResult{}, err
	}
	state, err := g.change(ctx, request.PaymentRef, func(*checkoutRow) error { return nil })
	if errors.Is(err, payment.ErrNotFound) || (err == nil && (state.State != stateSucceeded || state.Currency != request.Amount.Currency)) {
		return payment.TransferResult{}, fmt.Errorf("%w: there is no such money to send", payment.ErrRefused)
	}
	if err != nil {
		return payment.TransferResult{}, err
	}
	row := transferRow{Ref: transferRef(request.TransferID), Key: request.Key, VendorID: request.VendorID,
		Currency: request.Amount.Currency, Amount: request.Amount.Minor, CreatedAt: g.Now().UTC()}
	var kept transferRow
	err = g.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		var err error
		kept, err = keepTransfer(ctx, tx, row)
		return err
	})
	if err != nil {
		return payment.TransferResult{}, err
	}
	if kept.Ref != row.Ref || kept.VendorID != row.VendorID || kept.Currency != row.Currency || kept.Amount != row.Amount {
		return payment.TransferResult{}, fmt.Errorf("%w: this key was used for another transfer", payment.ErrRefused)
	}
	return kept.result(), g.Faults.after("transfer")
}

// FindTransfer looks a transfer up by the hub's id.
func (g *Gateway) FindTransfer(ctx context.Context, request payment.TransferRequest) (payment.TransferResult, error) {
	if err := g.Faults.before("find"); err != nil {
		return payment.TransferResult{}, err
	}
	row, err := readTransfer(ctx, g.DB, transferRef(request.TransferID))
	if err != nil {
		return payment.TransferResult{}, err
	}
	return row.result(), g.Faults.after("find")
}

// Limits says that the sandbox takes every currency and amount.
func (g *Gateway) Limits(currency money.Currency) payment.Limits {
	return payment.Limits{Supported: currency.Valid()}
}

// transferRef carries the hub's id, as a real gateway's metadata would.
func transferRef(transferID string) string { return "sbx_tr_" + transferID }

func (f Faults) before(op string) error {
	if f.Before == nil {
		return nil
	}
	return f.Before(op)
}

func (f Faults) after(op string) error {
	if f.LoseAnswer != nil && f.LoseAnswer(op) {
		return fmt.Errorf("%s: %w", op, ErrLost)
	}
	return nil
}

// change locks a checkout, lets time pass for it, changes it and keeps it.
func (g *Gateway) change(ctx context.Context, ref string, change func(row *checkoutRow) error) (checkoutRow, error) {
	var row checkoutRow
	if !strings.HasPrefix(ref, "sbx_") || len(ref) > 100 {
		return row, payment.ErrNotFound
	}
	err := g.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		var err error
		if row, err = lockCheckout(ctx, g.DB, tx, ref); err != nil {
			return err
		}
		before := row.State
		now := g.Now().UTC()
		row.pass(now)
		if err := change(&row); err != nil {
			return err
		}
		if row.State == before {
			return nil
		}
		row.UpdatedAt = now
		return updateCheckout(ctx, tx, row)
	})
	return row, err
}

// pass does what happens by itself: an open page closes, a debit settles or
// comes back.
func (r *checkoutRow) pass(now time.Time) {
	if r.SettlesAt.IsZero() || now.Before(r.SettlesAt) {
		return
	}
	switch {
	case r.State == stateOpen:
		r.State = stateExpired
	case r.State == stateProcessing && r.comesBack():
		r.State = stateFailed
	case r.State == stateProcessing:
		r.State = stateSucceeded
	}
	if r.State == stateExpired {
		r.SettlesAt = time.Time{}
	}
}

// comesBack: amounts ending in 13 fail later, and so do debits of an account
// that is made for it.
func (r *checkoutRow) comesBack() bool { return r.Returned || r.Amount%100 == 13 }

func (r *checkoutRow) phase() payment.State {
	state := r.bare()
	state.Detail = r.Detail
	return state
}

func (r *checkoutRow) bare() payment.State {
	switch r.State {
	case stateSucceeded:
		return payment.State{Phase: payment.PhaseSucceeded, Captured: money.New(r.Amount, r.Currency), Method: r.method()}
	case stateProcessing:
		return payment.State{Phase: payment.PhaseProcessing, Method: methodDebit}
	case stateDeclined:
		if r.Method == methodDebit {
			return payment.State{Phase: payment.PhaseFailed, Method: methodDebit, Reason: "The bank refused the debit. Nothing was charged."}
		}
		return payment.State{Phase: payment.PhaseFailed, Method: methodCard, Reason: "The card was declined. Nothing was charged.", Declines: 1}
	case stateFailed:
		return payment.State{Phase: payment.PhaseFailed, Method: methodDebit, Reason: "The bank returned the debit. Nothing was charged."}
	case stateExpired:
		return payment.State{Phase: payment.PhaseExpired}
	}
	return payment.State{Phase: payment.PhaseOpen}
}

// method: only a debit has a time of settling in its memory.
func (r *checkoutRow) method() payment.MethodClass {
	if !r.SettlesAt.IsZero() {
		return methodDebit
	}
	return methodCard
}

// eventID names one change of one checkout, the same however often it is told.
func eventID(ref, state string) string {
	sum := sha256.Sum256([]byte(ref + "|" + state))
	return "sbx_ev_" + hex.EncodeToString(sum[:12])
}
