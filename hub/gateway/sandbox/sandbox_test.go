package sandbox_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/gateway/sandbox"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/hub/store/storetest"
)

// bench is a sandbox on a fresh database with a clock moved by hand.
type bench struct {
	*sandbox.Gateway
	t   *testing.T
	now time.Time
}

func each(t *testing.T, run func(t *testing.T, b *bench)) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := &bench{t: t, now: time.Date(2026, 11, 22, 9, 0, 0, 123456789, time.UTC)}
		b.Gateway = &sandbox.Gateway{DB: db, PublicURL: "https://hub.example", Now: func() time.Time { return b.now }}
		run(t, b)
	})
}

func (b *bench) request(minor int64) payment.CheckoutRequest {
	id := store.NewID()
	amount := money.New(minor, "EUR")
	return payment.CheckoutRequest{PaymentID: id, Key: "checkout-" + id, Amount: amount, PayerEmail: "ap@payer.example",
		Lines:     []payment.CheckoutLine{{Vendor: "Northwind", Number: "INV-1", Amount: amount}},
		ReturnURL: "https://hub.example/pay/" + id, CancelURL: "https://hub.example/pay/" + id, ExpiresAt: b.now.Add(35 * time.Minute)}
}

func (b *bench) open(minor int64) string {
	b.t.Helper()
	checkout, err := b.Checkout(context.Background(), b.request(minor))
	if err != nil {
		b.t.Fatal(err)
	}
	return checkout.Ref
}

func (b *bench) decide(ref, outcome string) string {
	b.t.Helper()
	id, err := b.Decide(context.Background(), ref, outcome)
	if err != nil {
		b.t.Fatal(err)
	}
	return id
}

func (b *bench) phase(ref string, want payment.Phase) payment.State {
	b.t.Helper()
	state, err := b.Look(context.Background(), ref)
	if err != nil || state.Phase != want {
		b.t.Fatalf("%+v, %v; want %s", state, err, want)
	}
	return state
}

func TestOneKeyMakesOnePage(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		request := b.request(12500)
		first, err := b.Checkout(t.Context(), request)
		if err != nil || !strings.HasPrefix(first.Ref, "sbx_") || first.URL != "https://hub.example/sandbox/checkout/"+first.Ref || len(first.Ref) < 30 {
			t.Fatalf("%+v, %v", first, err)
		}
		again, err := b.Checkout(t.Context(), request)
		if err != nil || again != first {
			t.Fatalf("%+v, %v", again, err)
		}
		for name, alter := range map[string]func(r *payment.CheckoutRequest){
			"amount":   func(r *payment.CheckoutRequest) { r.Amount.Minor++ },
			"currency": func(r *payment.CheckoutRequest) { r.Amount.Currency = "USD" },
			"lines": func(r *payment.CheckoutRequest) {
				r.Lines = append(r.Lines[:1:1], payment.CheckoutLine{Vendor: "Other"})
			},
			"return": func(r *payment.CheckoutRequest) { r.ReturnURL += "x" },
		} {
			other := request
			alter(&other)
			if _, err := b.Checkout(t.Context(), other); !errors.Is(err, payment.ErrRefused) {
				t.Errorf("another %s under the same key: %v", name, err)
			}
		}
		for name, alter := range map[string]func(r *payment.CheckoutRequest){
			"no amount":   func(r *payment.CheckoutRequest) { r.Amount.Minor = 0 },
			"no currency": func(r *payment.CheckoutRequest) { r.Amount.Currency = "XQQ" },
			"no key":      func(r *payment.CheckoutRequest) { r.Key = "" },
		} {
			other := b.request(100)
			alter(&other)
			if _, err := b.Checkout(t.Context(), other); !errors.Is(err, payment.ErrRefused) {
				t.Errorf("%s: %v", name, err)
			}
		}
		var tabs sync.WaitGroup
		refs := make([]string, 6)
		together := b.request(900)
		for i := range refs {
			tabs.Go(func() {
				checkout, err := b.Checkout(context.Background(), together)
				if err != nil {
					t.Error(err)
				}
				refs[i] = checkout.Ref
			})
		}
		tabs.Wait()
		for _, ref := range refs {
			if ref != refs[0] {
				t.Fatalf("two pages of one key: %v", refs)
			}
		}
	})
}

func TestThePagesButtons(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		paid := b.open(12500)
		b.phase(paid, payment.PhaseOpen)
		event := b.decide(paid, sandbox.Succeed)
		if state := b.phase(paid, payment.PhaseSucceeded); state.Captured != money.New(12500, "EUR") || state.Method != "card" {
			t.Fatalf("%+v", state)
		}
		if again := b.decide(paid, sandbox.Succeed); again != event {
			t.Fatal("a second click is told as another event")
		}
		if _, err := b.Decide(t.Context(), paid, sandbox.Decline); !fault.Is(err, fault.Conflict) {
			t.Fatal(err)
		}
		if state, err := b.Close(t.Context(), paid); err != nil || state.Phase != payment.PhaseSucceeded {
			t.Fatal("closing took paid money back", state, err)
		}
		declined := b.open(100)
		b.decide(declined, sandbox.Decline)
		if state := b.phase(declined, payment.PhaseFailed); state.Reason == "" || state.Captured.Minor != 0 {
			t.Fatalf("%+v", state)
		}
		if _, err := b.Decide(t.Context(), declined, "give"); !fault.Is(err, fault.Invalid) {
			t.Fatal(err)
		}
		for _, ref := range []string{"", "sbx_unknown", "cs_1", "sbx_" + strings.Repeat("x", 200)} {
			if _, err := b.Decide(t.Context(), ref, sandbox.Succeed); !fault.Is(err, fault.NotFound) {
				t.Error(err)
			}
			if _, err := b.Look(t.Context(), ref); !errors.Is(err, payment.ErrNotFound) {
				t.Error(err)
			}
			if _, err := b.Page(t.Context(), ref); !fault.Is(err, fault.NotFound) {
				t.Error(err)
			}
		}
	})
}

func TestSlowMethodsEndLater(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		good, bad := b.open(10012), b.open(10013)
		for _, ref := range []string{good, bad} {
			b.decide(ref, sandbox.Process)
			b.phase(ref, payment.PhaseProcessing)
			if state, err := b.Close(t.Context(), ref); err != nil || state.Phase != payment.PhaseProcessing {
				t.Fatal("money on its way was called back", state, err)
			}
		}
		page, err := b.Page(t.Context(), bad)
		if err != nil || !page.ComesBack || page.Phase != payment.PhaseProcessing || !page.ChangesAt.Equal(b.now.Add(sandbox.DefaultDelay).Truncate(time.Microsecond)) {
			t.Fatalf("%+v, %v", page, err)
		}
		b.now = b.now.Add(19 * time.Second)
		b.phase(good, payment.PhaseProcessing)
		b.now = b.now.Add(2 * time.Second)
		if state := b.phase(good, payment.PhaseSucceeded); state.Method != "bank debit" {
			t.Fatalf("%+v", state)
		}
		if state := b.phase(bad, payment.PhaseFailed); state.Reason == "" {
			t.Fatalf("%+v", state)
		}
		b.now = b.now.Add(24 * time.Hour)
		if state := b.phase(good, payment.PhaseSucceeded); state.Method != "bank debit" || state.Captured.Minor != 10012 {
			t.Fatalf("%+v", state)
		}
	})
}

func TestPagesClose(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		closed, late := b.open(100), b.open(200)
		if state, err := b.Close(t.Context(), closed); err != nil || state.Phase != payment.PhaseExpired {
			t.Fatal(state, err)
		}
		if _, err := b.Decide(t.Context(), closed, sandbox.Succeed); !fault.Is(err, fault.Conflict) {
			t.Fatal("a closed page was paid", err)
		}
		page, err := b.Page(t.Context(), late)
		if err != nil || page.Amount != money.New(200, "EUR") || len(page.Lines) != 1 || page.Lines[0].Number != "INV-1" ||
			page.Lines[0].Amount.Minor != 200 || !strings.HasPrefix(page.ReturnURL, "https://hub.example/pay/") || page.CancelURL == "" || page.ChangesAt.IsZero() {
			t.Fatalf("%+v, %v", page, err)
		}
		b.now = b.now.Add(36 * time.Minute)
		if _, err := b.Decide(t.Context(), late, sandbox.Succeed); !fault.Is(err, fault.Conflict) {
			t.Fatal("a page was paid after its time", err)
		}
		b.phase(late, payment.PhaseExpired)
	})
}

func TestOneKeyMakesOneTransfer(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		ref := b.open(12500)
		id, vendor := store.NewID(), store.NewID()
		request := payment.TransferRequest{TransferID: id, Key: "transfer-" + id, VendorID: vendor, PaymentRef: ref, Amount: money.New(500, "EUR")}
		if _, err := b.Transfer(t.Context(), request); !errors.Is(err, payment.ErrRefused) {
			t.Fatal("money was sent that nobody paid", err)
		}
		b.decide(ref, sandbox.Succeed)
		if _, err := b.FindTransfer(t.Context(), payment.TransferRequest{TransferID: id}); !errors.Is(err, payment.ErrNotFound) {
			t.Fatal(err)
		}
		first, err := b.Transfer(t.Context(), request)
		if err != nil || first.Amount != money.New(500, "EUR") {
			t.Fatal(first, err)
		}
		again, err := b.Transfer(t.Context(), request)
		if err != nil || again != first {
			t.Fatal(again, err)
		}
		if found, err := b.FindTransfer(t.Context(), payment.TransferRequest{TransferID: id}); err != nil || found != first {
			t.Fatal(found, err)
		}
		for name, alter := range map[string]func(r *payment.TransferRequest){
			"amount": func(r *payment.TransferRequest) { r.Amount.Minor++ },
			"vendor": func(r *payment.TransferRequest) { r.VendorID = store.NewID() },
			"id":     func(r *payment.TransferRequest) { r.TransferID = store.NewID() },
			"key":    func(r *payment.TransferRequest) { r.Key = "another" },
		} {
			other := request
			alter(&other)
			if _, err := b.Transfer(t.Context(), other); !errors.Is(err, payment.ErrRefused) {
				t.Errorf("another %s: %v", name, err)
			}
		}
	})
}

func TestFaultsLoseAnswersAndNotEffects(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		b.Faults.LoseAnswer = func(op string) bool { return op == "checkout" }
		request := b.request(700)
		if _, err := b.Checkout(t.Context(), request); !errors.Is(err, sandbox.ErrLost) {
			t.Fatal(err)
		}
		n, err := b.DB.NewSelect().TableExpr("sandbox_checkouts").Count(t.Context())
		if err != nil || n != 1 {
			t.Fatal(n, err)
		}
		b.Faults = sandbox.Faults{Before: func(string) error { return payment.ErrUnavailable }}
		if _, err := b.Checkout(t.Context(), b.request(800)); !errors.Is(err, payment.ErrUnavailable) {
			t.Fatal(err)
		}
		if n, err := b.DB.NewSelect().TableExpr("sandbox_checkouts").Count(t.Context()); err != nil || n != 1 {
			t.Fatal(n, err)
		}
		b.Faults = sandbox.Faults{}
		if _, err := b.Checkout(t.Context(), request); err != nil {
			t.Fatal(err)
		}
	})
}
