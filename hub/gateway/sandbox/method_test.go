package sandbox_test

import (
	"errors"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/gateway/sandbox"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/store"
)

func (b *bench) setup() payment.SetupRequest {
	id := store.NewID()
	return payment.SetupRequest{SetupID: id, Key: "setup-" + id, CustomerID: store.NewID(), Currency: "EUR", ReturnURL: "https://hub.example/back", ExpiresAt: b.now.Add(time.Hour)}
}

// leave leaves a means of payment by a button.
func (b *bench) leave(button string) payment.SetupState {
	b.t.Helper()
	page, err := b.SaveMethod(b.t.Context(), b.setup())
	if err == nil {
		err = b.DecideSetup(b.t.Context(), page.Ref, button)
	}
	state, lookErr := b.LookSetup(b.t.Context(), page.Ref)
	if err != nil || lookErr != nil || state.Phase != payment.PhaseSucceeded || state.MethodRef == "" || state.PayerRef == "" {
		b.t.Fatalf("%+v, %v, %v", state, err, lookErr)
	}
	return state
}

func (b *bench) chargeOf(kept payment.SetupState, minor int64) payment.ChargeRequest {
	id := store.NewID()
	amount := money.New(minor, "EUR")
	return payment.ChargeRequest{PaymentID: id, Key: "checkout-" + id, PayerRef: kept.PayerRef, MethodRef: kept.MethodRef, Method: kept.Method, Amount: amount,
		Lines: []payment.CheckoutLine{{Vendor: "Northwind", Number: "INV-1", Amount: amount}}, Since: b.now}
}

func TestAPageToLeaveAMethod(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		request := b.setup()
		first, err := b.SaveMethod(t.Context(), request)
		if err != nil || first.URL != "https://hub.example/sandbox/methods/"+first.Ref {
			t.Fatalf("%+v, %v", first, err)
		}
		if again, err := b.SaveMethod(t.Context(), request); err != nil || again != first {
			t.Fatalf("%+v, %v", again, err)
		}
		other := request
		other.Currency = "USD"
		if _, err := b.SaveMethod(t.Context(), other); !errors.Is(err, payment.ErrRefused) {
			t.Error("another currency under the same key", err)
		}
		if err := b.DecideSetup(t.Context(), first.Ref, "gold"); !fault.Is(err, fault.Invalid) {
			t.Error(err)
		}
		for range 2 { // a second click
			if err := b.DecideSetup(t.Context(), first.Ref, sandbox.SaveCard); err != nil {
				t.Fatal(err)
			}
		}
		if err := b.DecideSetup(t.Context(), first.Ref, sandbox.SaveBank); !fault.Is(err, fault.Conflict) {
			t.Error("a second choice", err)
		}
		state, err := b.LookSetup(t.Context(), first.Ref)
		if err != nil || state.SetupID != request.SetupID || state.Detail != "Visa ending 4242" || state.Expires != "2028-11" || state.Method != payment.MethodCard {
			t.Fatalf("%+v, %v", state, err)
		}
		late, err := b.SaveMethod(t.Context(), b.setup())
		if err != nil {
			t.Fatal(err)
		}
		b.now = b.now.Add(time.Hour)
		if state, err := b.LookSetup(t.Context(), late.Ref); err != nil || state.Phase != payment.PhaseExpired {
			t.Fatalf("%+v, %v", state, err)
		}
		if _, err := b.LookSetup(t.Context(), "sbx_seti_none"); !errors.Is(err, payment.ErrNotFound) {
			t.Error(err)
		}
	})
}

func TestChargingWhatWasLeft(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		for _, c := range []struct {
			button string
			first  payment.Phase
			later  payment.Phase
		}{
			{sandbox.SaveCard, payment.PhaseSucceeded, payment.PhaseSucceeded},
			{sandbox.SaveExpiringCard, payment.PhaseSucceeded, payment.PhaseSucceeded},
			{sandbox.SaveDecliningCard, payment.PhaseFailed, payment.PhaseFailed},
			{sandbox.SaveBank, payment.PhaseProcessing, payment.PhaseSucceeded},
			{sandbox.SaveReturningBank, payment.PhaseProcessing, payment.PhaseFailed},
		} {
			kept := b.leave(c.button)
			request := b.chargeOf(kept, 12500)
			if _, _, err := b.FindCharge(t.Context(), request); !errors.Is(err, payment.ErrNotFound) {
				t.Fatalf("%s: found before it was made: %v", c.button, err)
			}
			ref, state, err := b.ChargeSaved(t.Context(), request)
			if err != nil || state.Phase != c.first || state.Detail != kept.Detail || ref == "" {
				t.Fatalf("%s: %q %+v, %v", c.button, ref, state, err)
			}
			again, _, err := b.ChargeSaved(t.Context(), request)
			if err != nil || again != ref {
				t.Fatalf("%s: %q, %v", c.button, again, err)
			}
			b.now = b.now.Add(time.Minute)
			found, state, err := b.FindCharge(t.Context(), request)
			if err != nil || found != ref || state.Phase != c.later {
				t.Fatalf("%s: %q %+v, %v", c.button, found, state, err)
			}
			b.phase(ref, c.later)
			more := request
			more.Amount.Minor++
			if _, _, err := b.ChargeSaved(t.Context(), more); !errors.Is(err, payment.ErrRefused) {
				t.Errorf("%s: another amount under the same key: %v", c.button, err)
			}
			foreign := b.chargeOf(kept, 100)
			foreign.PayerRef = "sbx_cus_other"
			if _, _, err := b.ChargeSaved(t.Context(), foreign); !errors.Is(err, payment.ErrRefused) {
				t.Errorf("%s: another payer charges it: %v", c.button, err)
			}
		}
		expiring := b.leave(sandbox.SaveExpiringCard)
		b.now = b.now.AddDate(0, 1, 0)
		if _, state, err := b.ChargeSaved(t.Context(), b.chargeOf(expiring, 100)); err != nil || state.Phase != payment.PhaseFailed {
			t.Errorf("an expired card pays: %+v, %v", state, err)
		}
		kept := b.leave(sandbox.SaveCard)
		for range 2 {
			if err := b.ForgetMethod(t.Context(), kept.MethodRef); err != nil {
				t.Fatal(err)
			}
		}
		if _, _, err := b.ChargeSaved(t.Context(), b.chargeOf(kept, 100)); !errors.Is(err, payment.ErrRefused) {
			t.Errorf("a forgotten card pays: %v", err)
		}
	})
}
