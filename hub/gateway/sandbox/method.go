package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/store"
)

var _ payment.Methods = (*Gateway)(nil)

// What the buttons of the page to leave a means of payment stand for.
const (
	SaveCard          = "card"           // works
	SaveDecliningCard = "card-declining" // is declined whenever it is charged
	SaveExpiringCard  = "card-expiring"  // works, until the end of this month
	SaveBank          = "bank"           // a debit: settles after Delay
	SaveReturningBank = "bank-returning" // its debits come back after Delay
	SaveNothing       = "leave"
)

// kinds are the means of payment that can be left, as people know them.
var kinds = map[string]struct {
	class  payment.MethodClass
	detail string
}{
	SaveCard:          {methodCard, "Visa ending 4242"},
	SaveDecliningCard: {methodCard, "Visa ending 0341"},
	SaveExpiringCard:  {methodCard, "Visa ending 1881"},
	SaveBank:          {methodDebit, "bank account ending 6789"},
	SaveReturningBank: {methodDebit, "bank account ending 0013"},
}

// SaveMethod makes the page to leave a means of payment, or gives again the one
// that the key made.
func (g *Gateway) SaveMethod(ctx context.Context, request payment.SetupRequest) (payment.Checkout, error) {
	if err := g.Faults.before("setup"); err != nil {
		return payment.Checkout{}, err
	}
	if request.Key == "" || request.SetupID == "" || !request.Currency.Valid() {
		return payment.Checkout{}, fmt.Errorf("%w: a setup needs a key, an id and a currency", payment.ErrRefused)
	}
	now := g.Now().UTC()
	row := setupRow{Ref: "sbx_seti_" + store.NewToken(), Key: request.Key, SetupID: request.SetupID, PayerRef: request.PayerRef, Currency: request.Currency,
		ReturnURL: request.ReturnURL, CancelURL: request.CancelURL, State: stateOpen, ExpiresAt: request.ExpiresAt.UTC(), CreatedAt: now, UpdatedAt: now}
	if row.PayerRef == "" {
		row.PayerRef = "sbx_cus_" + request.CustomerID
	}
	var kept setupRow
	err := g.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		var err error
		kept, err = keepSetup(ctx, tx, row)
		return err
	})
	if err != nil {
		return payment.Checkout{}, err
	}
	if kept.SetupID != row.SetupID || kept.Currency != row.Currency || kept.ReturnURL != row.ReturnURL {
		return payment.Checkout{}, fmt.Errorf("%w: this key was used for another setup", payment.ErrRefused)
	}
	return payment.Checkout{Ref: kept.Ref, URL: g.PublicURL + "/sandbox/methods/" + kept.Ref}, g.Faults.after("setup")
}

// LookSetup fetches such a page as it is now.
func (g *Gateway) LookSetup(ctx context.Context, ref string) (payment.SetupState, error) {
	if err := g.Faults.before("look"); err != nil {
		return payment.SetupState{}, err
	}
	row, err := g.changeSetup(ctx, ref, func(context.Context, bun.Tx, *setupRow) error { return nil })
	if err != nil {
		return payment.SetupState{}, err
	}
	state := payment.SetupState{Phase: payment.Phase(row.State), SetupID: row.SetupID, PayerRef: row.PayerRef}
	if row.State == stateSucceeded {
		method, err := readMethod(ctx, g.DB, row.MethodRef)
		if err != nil {
			return payment.SetupState{}, err
		}
		kind := kinds[method.Kind]
		state.MethodRef, state.Method, state.Detail, state.Expires = method.Ref, kind.class, kind.detail, method.Expires
		if kind.class == methodDebit {
			state.Mandate = "sbx_mandate_" + row.SetupID
		}
	}
	return state, g.Faults.after("look")
}

// SetupPage is what the page to leave a means of payment shows.
type SetupPage struct {
	Open      bool
	ReturnURL string
	CancelURL string
}

// SetupPage reads such a page; fault.NotFound when there is none.
func (g *Gateway) SetupPage(ctx context.Context, ref string) (SetupPage, error) {
	row, err := g.changeSetup(ctx, ref, func(context.Context, bun.Tx, *setupRow) error { return nil })
	if err != nil {
		return SetupPage{}, forPage(err)
	}
	return SetupPage{Open: row.State == stateOpen, ReturnURL: row.ReturnURL, CancelURL: row.CancelURL}, nil
}

// DecideSetup is a button of that page. A second click on the same button
// changes nothing. Faults: NotFound; Invalid for another button; Conflict when
// the page has ended differently.
func (g *Gateway) DecideSetup(ctx context.Context, ref, outcome string) error {
	_, known := kinds[outcome]
	if !known && outcome != SaveNothing {
		return fault.At("outcome", "Press one of the buttons.")
	}
	row, err := g.changeSetup(ctx, ref, func(ctx context.Context, tx bun.Tx, row *setupRow) error {
		if row.State != stateOpen {
			return nil
		}
		if row.State = stateExpired; !known {
			return nil
		}
		row.State, row.MethodRef = stateSucceeded, "sbx_pm_"+outcome+"_"+store.NewToken()
		return insertMethod(ctx, tx, methodRow{Ref: row.MethodRef, PayerRef: row.PayerRef, Kind: outcome, Expires: g.expires(outcome), CreatedAt: g.Now().UTC()})
	})
	if err != nil {
		return forPage(err)
	}
	if !strings.HasPrefix(row.MethodRef, "sbx_pm_"+outcome+"_") && (known || row.State != stateExpired) {
		return fault.New(fault.Conflict, "This page has ended (%s). Go back to see what is saved.", row.State)
	}
	return nil
}

func (g *Gateway) expires(kind string) string {
	switch {
	case kinds[kind].class != methodCard:
		return ""
	case kind == SaveExpiringCard:
		return g.Now().UTC().Format("2006-01")
	}
	return g.Now().UTC().AddDate(2, 0, 0).Format("2006-01")
}

// changeSetup locks a setup, lets time pass for it, changes it and keeps it.
func (g *Gateway) changeSetup(ctx context.Context, ref string, change func(context.Context, bun.Tx, *setupRow) error) (setupRow, error) {
	var row setupRow
	if !strings.HasPrefix(ref, "sbx_seti_") || len(ref) > 100 {
		return row, payment.ErrNotFound
	}
	err := g.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		var err error
		if row, err = lockSetup(ctx, g.DB, tx, ref); err != nil {
			return err
		}
		before := row.State
		if row.State == stateOpen && !g.Now().Before(row.ExpiresAt) {
			row.State = stateExpired
		}
		if err := change(ctx, tx, &row); err != nil || row.State == before {
			return err
		}
		row.UpdatedAt = g.Now().UTC()
		return updateSetup(ctx, tx, row)
	})
	return row, err
}

// ChargeSaved charges a kept method, once per key. A card pays or is declined at
// once; a debit takes Delay.
func (g *Gateway) ChargeSaved(ctx context.Context, request payment.ChargeRequest) (string, payment.State, error) {
	if err := g.Faults.before("charge"); err != nil {
		return "", payment.State{}, err
	}
	row, err := g.newCharge(ctx, request)
	if err != nil {
		return "", payment.State{}, err
	}
	var kept checkoutRow
	err = g.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		var err error
		kept, err = keepCheckout(ctx, g.DB, tx, row)
		return err
	})
	if err != nil {
		return "", payment.State{}, err
	}
	if kept.Ref != row.Ref || kept.Currency != row.Currency || kept.Amount != row.Amount || kept.Detail != row.Detail {
		return "", payment.State{}, fmt.Errorf("%w: this key was used for another charge", payment.ErrRefused)
	}
	kept.pass(g.Now().UTC())
	return kept.Ref, kept.phase(), g.Faults.after("charge")
}

func (g *Gateway) newCharge(ctx context.Context, request payment.ChargeRequest) (checkoutRow, error) {
	if request.Key == "" || !request.Amount.Positive() || !request.Amount.Currency.Valid() {
		return checkoutRow{}, fmt.Errorf("%w: a charge needs a key and an amount of more than zero", payment.ErrRefused)
	}
	method, err := readMethod(ctx, g.DB, request.MethodRef)
	if errors.Is(err, payment.ErrNotFound) || (err == nil && (!method.ForgottenAt.IsZero() || method.PayerRef != request.PayerRef)) {
		return checkoutRow{}, fmt.Errorf("%w: this payer keeps no such method", payment.ErrRefused)
	}
	if err != nil {
		return checkoutRow{}, err
	}
	lines, err := json.Marshal(request.Lines)
	if err != nil {
		return checkoutRow{}, fmt.Errorf("encode lines: %w", err)
	}
	now := g.Now().UTC()
	row := checkoutRow{Ref: chargeRef(request.PaymentID), Key: request.Key, Currency: request.Amount.Currency, Amount: request.Amount.Minor,
		Lines: string(lines), Detail: kinds[method.Kind].detail, CreatedAt: now, UpdatedAt: now}
	switch {
	case kinds[method.Kind].class == methodDebit:
		row.State, row.SettlesAt, row.Returned = stateProcessing, now.Add(g.delay()), method.Kind == SaveReturningBank
	case method.Kind == SaveDecliningCard, expired(method.Expires, now):
		row.State = stateDeclined
	default:
		row.State = stateSucceeded
	}
	return row, nil
}

func expired(month string, now time.Time) bool { return month != "" && month < now.Format("2006-01") }

// chargeRef carries the hub's id, as a real gateway's metadata would.
func chargeRef(paymentID string) string { return "sbx_pi_" + paymentID }

// FindCharge looks a charge up by the hub's id.
func (g *Gateway) FindCharge(ctx context.Context, request payment.ChargeRequest) (string, payment.State, error) {
	if err := g.Faults.before("find"); err != nil {
		return "", payment.State{}, err
	}
	row, err := g.change(ctx, chargeRef(request.PaymentID), func(*checkoutRow) error { return nil })
	if err != nil {
		return "", payment.State{}, err
	}
	return row.Ref, row.phase(), g.Faults.after("find")
}

// ForgetMethod removes a kept method; one that is gone is no error.
func (g *Gateway) ForgetMethod(ctx context.Context, ref string) error {
	if err := g.Faults.before("forget"); err != nil {
		return err
	}
	if err := forgetMethod(ctx, g.DB, ref, g.Now()); err != nil {
		return err
	}
	return g.Faults.after("forget")
}
