package stripe_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/gateway/stripe"
	"github.com/sheaf-hub/sheaf/hub/gateway/stripe/stripefake"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/payment"
)

const hookSecret = "whsec_platform"

// house is the gateway with a Stripe of its own, whose clock is the test's.
type house struct {
	*stripe.Gateway
	t    *testing.T
	fake *stripefake.Fake
	now  time.Time
	n    int
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, now: noon}
	h.fake = stripefake.New(stripefake.Config{Now: func() time.Time { return h.now }, Seed: 7, Key: "sk_test_fake"})
	g, err := stripe.New(stripe.Config{Key: "sk_test_fake", WebhookSecrets: []string{hookSecret, "whsec_connect"}, HTTPClient: h.fake.Client(), Now: func() time.Time { return h.now }})
	if err != nil {
		t.Fatal(err)
	}
	h.Gateway = g
	return h
}

func (h *house) pass(d time.Duration) {
	h.now = h.now.Add(d)
	h.fake.Pass()
}

// page opens a checkout of USD 125.00 for two vendors.
func (h *house) page(method payment.MethodClass) payment.CheckoutRequest {
	h.n++
	return payment.CheckoutRequest{PaymentID: fmt.Sprintf("pay-%d", h.n), Key: fmt.Sprintf("key-%d", h.n), Amount: money.New(12500, "USD"), Method: method,
		PayerEmail: "ann@acme.example", ReturnURL: "https://hub.example/me/payments/1", CancelURL: "https://hub.example/me", ExpiresAt: h.now.Add(35 * time.Minute),
		Lines: []payment.CheckoutLine{{Vendor: "Northwind", Number: "INV-1", Amount: money.New(10000, "USD")}, {Vendor: "Harbour", Number: "H-7", Amount: money.New(2500, "USD")}}}
}

func (h *house) open(request payment.CheckoutRequest) payment.Checkout {
	h.t.Helper()
	checkout, err := h.Checkout(h.t.Context(), request)
	if err != nil || !strings.HasPrefix(checkout.Ref, "cs_") || !strings.HasPrefix(checkout.URL, "https://") {
		h.t.Fatalf("%+v, %v", checkout, err)
	}
	return checkout
}

func (h *house) paid(method payment.MethodClass, outcome string) (payment.CheckoutRequest, payment.Checkout) {
	h.t.Helper()
	request := h.page(method)
	checkout := h.open(request)
	if _, err := h.fake.Pay(checkout.Ref, outcome); err != nil {
		h.t.Fatal(err)
	}
	return request, checkout
}

func (h *house) look(ref string) payment.State {
	h.t.Helper()
	state, err := h.Look(h.t.Context(), ref)
	if err != nil {
		h.t.Fatalf("look at %s: %v", ref, err)
	}
	return state
}

func (h *house) account() string {
	h.t.Helper()
	ref, err := h.fake.NewAccount("US", "Northwind")
	if err != nil {
		h.t.Fatal(err)
	}
	return ref
}

func TestACardPaymentFromPageToVendor(t *testing.T) {
	h := newHouse(t)
	request, checkout := h.paid(payment.MethodAny, stripefake.Succeed)
	state := h.look(checkout.Ref)
	if state.Phase != payment.PhaseSucceeded || state.PaymentID != request.PaymentID || state.Captured != request.Amount || state.Method != payment.MethodCard ||
		state.Detail != "Visa ending 4242" || !strings.HasPrefix(state.SourceRef, "ch_") || !state.AvailableAt.IsZero() || state.Reason != "" {
		t.Fatalf("%+v", state)
	}
	if state.Fee != money.New(393, "USD") { // 2.9 % and 30 cents, as the fake takes them
		t.Errorf("fee %s", state.Fee)
	}
	intent := h.fake.Intents()[0].ID
	if byIntent := h.look(intent); byIntent.Phase != state.Phase || byIntent.PaymentID != state.PaymentID || byIntent.SourceRef != state.SourceRef {
		t.Errorf("by the intent: %+v", byIntent)
	}
	vendor := h.account()
	transfer := payment.TransferRequest{TransferID: "tr-1", Key: "tk-1", VendorID: "v1", AccountRef: vendor, SourceRef: state.SourceRef, PaymentRef: checkout.Ref,
		Amount: money.New(9700, "USD"), Reference: "R-1", Since: h.now}
	sent, err := h.Transfer(t.Context(), transfer)
	if err != nil || sent.Amount != transfer.Amount || !sent.Reversed.Zero() {
		t.Fatalf("%+v, %v", sent, err)
	}
	again, err := h.Transfer(t.Context(), transfer)
	found, findErr := h.FindTransfer(t.Context(), transfer)
	if err != nil || again != sent || findErr != nil || found != sent || len(h.fake.Transfers()) != 1 {
		t.Errorf("again %+v, %v; found %+v, %v; %d transfers", again, err, found, findErr, len(h.fake.Transfers()))
	}
	other := transfer
	other.Amount = money.New(1, "USD")
	if _, err := h.Transfer(t.Context(), other); !errors.Is(err, payment.ErrRefused) || !strings.Contains(err.Error(), "said something else") {
		t.Errorf("the same key for another amount: %v", err)
	}
	if _, err := h.FindTransfer(t.Context(), payment.TransferRequest{TransferID: "tr-2", AccountRef: vendor}); !errors.Is(err, payment.ErrNotFound) {
		t.Errorf("a transfer that never was: %v", err)
	}
}

// What reaches one vendor's account names no other, and shares no id with one.
func TestVendorsAccountsHaveNothingInCommon(t *testing.T) {
	h := newHouse(t)
	_, checkout := h.paid(payment.MethodAny, stripefake.Succeed)
	state := h.look(checkout.Ref)
	north, harbour := h.account(), h.account()
	for i, account := range []string{north, harbour} {
		if _, err := h.Transfer(t.Context(), payment.TransferRequest{TransferID: fmt.Sprintf("tr-%d", i), Key: fmt.Sprintf("k%d", i), VendorID: []string{"vendor-north", "vendor-harbour"}[i],
			AccountRef: account, SourceRef: state.SourceRef, PaymentRef: checkout.Ref, Amount: money.New(2000, "USD"), Reference: fmt.Sprintf("R-%d", i)}); err != nil {
			t.Fatal(err)
		}
	}
	groups := map[string]bool{}
	for _, transfer := range h.fake.Transfers() {
		groups[transfer.Group] = true
		if len(transfer.Metadata) != 2 || transfer.Metadata["transfer_id"] == "" || transfer.Metadata["reference"] == "" || transfer.Description != "" {
			t.Errorf("metadata %v, description %q", transfer.Metadata, transfer.Description)
		}
	}
	if len(groups) != 2 || groups[""] {
		t.Errorf("groups %v", groups)
	}
	for _, account := range []string{north, harbour} {
		other := map[string]string{north: harbour, harbour: north}[account]
		for _, text := range h.fake.Sent(account) {
			for _, secret := range []string{other, "vendor-", "Northwind · ", "Harbour", checkout.Ref, "INV-1", "H-7", "pay-1"} {
				if strings.Contains(text, secret) {
					t.Errorf("account %s sees %q in %s", account, secret, text)
				}
			}
		}
	}
	for _, intent := range h.fake.Intents() {
		if len(intent.Metadata) != 1 || intent.Metadata["payment_id"] == "" || intent.Description != "" || intent.TransferGroup != "" {
			t.Errorf("the intent says %v %q %q", intent.Metadata, intent.Description, intent.TransferGroup)
		}
	}
}

func TestABankDebitTakesItsTime(t *testing.T) {
	h := newHouse(t)
	request, checkout := h.paid(payment.MethodBankDebit, stripefake.Bank)
	if state := h.look(checkout.Ref); state.Phase != payment.PhaseProcessing || state.Method != payment.MethodBankDebit || state.PaymentID != request.PaymentID {
		t.Fatalf("%+v", state)
	}
	if closed, err := h.Close(t.Context(), checkout.Ref); err != nil || closed.Phase != payment.PhaseProcessing {
		t.Errorf("closing what is being paid: %+v, %v", closed, err)
	}
	h.pass(4*24*time.Hour + time.Minute)
	state := h.look(checkout.Ref)
	if state.Phase != payment.PhaseSucceeded || state.Captured != request.Amount || state.SourceRef == "" || !strings.HasPrefix(state.Detail, "Bank account ending ") || state.AvailableAt.IsZero() {
		t.Fatalf("%+v", state)
	}
	transfer := payment.TransferRequest{TransferID: "t", Key: "k", AccountRef: h.account(), PaymentRef: checkout.Ref, Amount: money.New(100, "USD")}
	if state.AvailableAt.After(h.now) {
		if _, err := h.Transfer(t.Context(), transfer); !errors.Is(err, payment.ErrInsufficient) {
			t.Errorf("before the money is there: %v", err)
		}
		h.pass(state.AvailableAt.Sub(h.now) + time.Minute)
	}
	transfer.Key = "k2" // Stripe keeps the refusal for the first one
	if _, err := h.Transfer(t.Context(), transfer); err != nil {
		t.Error(err)
	}
}

func TestABankDebitThatComesBack(t *testing.T) {
	h := newHouse(t)
	_, checkout := h.paid(payment.MethodBankDebit, stripefake.BankFail)
	h.pass(5 * 24 * time.Hour)
	if state := h.look(checkout.Ref); state.Phase != payment.PhaseFailed || state.Method != payment.MethodBankDebit || !strings.HasSuffix(state.Reason, "Nothing was charged.") {
		t.Errorf("%+v", state)
	}
}

func TestDeclinesLeaveThePageOpen(t *testing.T) {
	h := newHouse(t)
	checkout := h.open(h.page(payment.MethodAny))
	if state := h.look(checkout.Ref); state.Phase != payment.PhaseOpen || state.Declines != 0 {
		t.Errorf("%+v", state)
	}
	for n := range 3 {
		if _, err := h.fake.Pay(checkout.Ref, stripefake.Decline); !errors.Is(err, stripefake.ErrDeclined) {
			t.Fatal(err)
		}
		if state := h.look(checkout.Ref); state.Phase != payment.PhaseOpen || state.Declines != n+1 || state.PaymentID != "pay-1" {
			t.Errorf("after %d: %+v", n+1, state)
		}
	}
	if _, err := h.fake.Pay(checkout.Ref, stripefake.Succeed); err != nil {
		t.Fatal(err)
	}
	if state := h.look(checkout.Ref); state.Phase != payment.PhaseSucceeded {
		t.Errorf("%+v", state)
	}
}

func TestClosing(t *testing.T) {
	h := newHouse(t)
	open := h.open(h.page(payment.MethodAny))
	for range 2 {
		if state, err := h.Close(t.Context(), open.Ref); err != nil || state.Phase != payment.PhaseExpired || state.PaymentID != "pay-1" {
			t.Errorf("%+v, %v", state, err)
		}
	}
	if _, err := h.fake.Pay(open.Ref, stripefake.Succeed); !errors.Is(err, stripefake.ErrClosed) {
		t.Errorf("a closed page takes money: %v", err)
	}
	_, paid := h.paid(payment.MethodAny, stripefake.Succeed)
	if state, err := h.Close(t.Context(), paid.Ref); err != nil || state.Phase != payment.PhaseSucceeded || state.Captured.Zero() {
		t.Errorf("closing what was just paid: %+v, %v", state, err)
	}
	left := h.open(h.page(payment.MethodAny))
	h.pass(36 * time.Minute)
	if state := h.look(left.Ref); state.Phase != payment.PhaseExpired {
		t.Errorf("a page that was left: %+v", state)
	}
	if _, err := h.Close(t.Context(), "cs_test_nothing"); !errors.Is(err, payment.ErrNotFound) {
		t.Errorf("no such page: %v", err)
	}
	if _, err := h.Look(t.Context(), "cs_test_nothing"); !errors.Is(err, payment.ErrNotFound) {
		t.Errorf("no such page: %v", err)
	}
}

// The answer is lost after the change was made: the same key finds it, and so
// does a search by our own ids.
func TestLostAnswers(t *testing.T) {
	h := newHouse(t)
	_, checkout := h.paid(payment.MethodAny, stripefake.Succeed)
	state, vendor, ctx := h.look(checkout.Ref), h.account(), t.Context()
	transfer := payment.TransferRequest{TransferID: "t1", Key: "kt", AccountRef: vendor, SourceRef: state.SourceRef, PaymentRef: checkout.Ref, Amount: money.New(5000, "USD"), Since: h.now}
	refund := payment.RefundRequest{RefundID: "r1", Key: "kr", PaymentRef: checkout.Ref, SourceRef: state.SourceRef, Amount: money.New(2500, "USD")}
	reversal := payment.ReversalRequest{ReversalID: "x1", Key: "kx", Amount: money.New(1000, "USD")}
	account := payment.AccountRequest{VendorID: "v9", Key: "ka", Name: "Harbour", Email: "h@harbour.example", Country: "US"}
	request := h.page(payment.MethodAny)
	steps := []struct {
		name      string
		do, found func() error
		made      func() int
	}{
		{"checkout", func() error { _, err := h.Checkout(ctx, request); return err }, nil, func() int { return len(h.fake.Sessions()) - 1 }},
		{"transfer", func() error {
			result, err := h.Transfer(ctx, transfer)
			reversal.TransferRef = result.Ref
			return err
		}, func() error { _, err := h.FindTransfer(ctx, transfer); return err }, func() int { return len(h.fake.Transfers()) }},
		{"refund", func() error { _, err := h.Refund(ctx, refund); return err }, func() error { _, err := h.FindRefund(ctx, refund); return err }, func() int { return len(h.fake.Refunds()) }},
		{"reversal", func() error { _, err := h.Reverse(ctx, reversal); return err }, func() error { _, err := h.FindReversal(ctx, reversal); return err }, func() int { return len(h.fake.Reversals()) }},
		{"account", func() error { _, err := h.OpenAccount(ctx, account); return err }, func() error { _, err := h.FindAccount(ctx, account); return err }, func() int { return len(h.fake.Accounts()) - 1 }},
	}
	for _, step := range steps {
		if step.found != nil {
			if err := step.found(); !errors.Is(err, payment.ErrNotFound) {
				t.Errorf("%s before it was made: %v", step.name, err)
			}
		}
		h.fake.SetFaults(stripefake.Faults{Request: func(r stripefake.Request) stripefake.Fate { return stripefake.Fate{LoseAnswer: r.Method == "POST"} }})
		if err := step.do(); kindOf(err) != errUnknown {
			t.Errorf("%s, its answer lost: %v", step.name, err)
		}
		h.fake.SetFaults(stripefake.Faults{})
		if step.found != nil {
			if err := step.found(); err != nil {
				t.Errorf("%s is not found: %v", step.name, err)
			}
		}
		if err := step.do(); err != nil || step.made() != 1 {
			t.Errorf("%s again: %v, made %d times", step.name, err, step.made())
		}
	}
	if problems := h.fake.Check(); len(problems) > 0 {
		t.Errorf("the fake's books: %q", problems)
	}
}

// After the change was made Stripe says 500, and says it again for that key: only
// a search knows.
func TestAFailureAfterTheChange(t *testing.T) {
	h := newHouse(t)
	_, checkout := h.paid(payment.MethodAny, stripefake.Succeed)
	transfer := payment.TransferRequest{TransferID: "t1", Key: "kt", AccountRef: h.account(), SourceRef: h.look(checkout.Ref).SourceRef, PaymentRef: checkout.Ref, Amount: money.New(5000, "USD"), Since: h.now}
	h.fake.SetFaults(stripefake.Faults{Request: func(r stripefake.Request) stripefake.Fate { return stripefake.Fate{ErrorAfter: r.Method == "POST"} }})
	_, err := h.Transfer(t.Context(), transfer)
	h.fake.SetFaults(stripefake.Faults{})
	_, again := h.Transfer(t.Context(), transfer)
	if kindOf(err) != errUnknown || kindOf(again) != errUnknown {
		t.Errorf("%v, then %v", err, again)
	}
	if found, err := h.FindTransfer(t.Context(), transfer); err != nil || found.Amount != transfer.Amount || len(h.fake.Transfers()) != 1 {
		t.Errorf("%+v, %v", found, err)
	}
	h.fake.SetFaults(stripefake.Faults{Request: func(stripefake.Request) stripefake.Fate { return stripefake.Fate{TooMany: true} }})
	transfer.TransferID, transfer.Key = "t2", "kt2"
	if _, err := h.Transfer(t.Context(), transfer); !errors.Is(err, payment.ErrUnavailable) {
		t.Errorf("too many: %v", err)
	}
}

func TestRefundsAndReversals(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	_, checkout := h.paid(payment.MethodAny, stripefake.Succeed)
	state := h.look(checkout.Ref)
	vendor := h.account()
	sent, err := h.Transfer(ctx, payment.TransferRequest{TransferID: "t1", Key: "kt", AccountRef: vendor, SourceRef: state.SourceRef, Amount: money.New(9000, "USD")})
	if err != nil {
		t.Fatal(err)
	}
	refund := payment.RefundRequest{RefundID: "r1", Key: "kr1", PaymentRef: checkout.Ref, SourceRef: state.SourceRef, Amount: money.New(4000, "USD")}
	made, err := h.Refund(ctx, refund)
	if err != nil || made.Phase != payment.PhaseSucceeded || made.RefundID != "r1" || made.Amount != refund.Amount {
		t.Fatalf("%+v, %v", made, err)
	}
	for _, kept := range h.fake.Refunds() {
		if len(kept.Metadata) != 1 || kept.Metadata["refund_id"] != "r1" {
			t.Errorf("the refund says %v", kept.Metadata)
		}
	}
	back, err := h.Reverse(ctx, payment.ReversalRequest{ReversalID: "x1", Key: "kx1", TransferRef: sent.Ref, Amount: money.New(4000, "USD")})
	if err != nil || back.Amount != money.New(4000, "USD") {
		t.Fatalf("%+v, %v", back, err)
	}
	if found, err := h.FindTransfer(ctx, payment.TransferRequest{TransferID: "t1"}); err != nil || found.Reversed != money.New(4000, "USD") {
		t.Errorf("%+v, %v", found, err)
	}
	if err := h.fake.FailRefund(made.Ref, "expired_or_canceled_card"); err != nil {
		t.Fatal(err)
	}
	refunds := h.look(checkout.Ref).Refunds
	if len(refunds) != 1 || refunds[0].Phase != payment.PhaseFailed || refunds[0].Reason == "" || refunds[0].RefundID != "r1" {
		t.Errorf("%+v", refunds)
	}
	too := refund
	too.RefundID, too.Key, too.Amount = "r2", "kr2", money.New(999999, "USD")
	if _, err := h.Refund(ctx, too); !errors.Is(err, payment.ErrRefused) {
		t.Errorf("more than was paid: %v", err)
	}
	if _, err := h.Reverse(ctx, payment.ReversalRequest{ReversalID: "x2", Key: "kx2", TransferRef: sent.Ref, Amount: money.New(99999, "USD")}); !errors.Is(err, payment.ErrRefused) {
		t.Errorf("more than was sent: %v", err)
	}
}

func TestManyRefundsAreAllSeen(t *testing.T) {
	h := newHouse(t)
	_, checkout := h.paid(payment.MethodAny, stripefake.Succeed)
	for i := range 130 {
		if _, err := h.Refund(t.Context(), payment.RefundRequest{RefundID: fmt.Sprintf("r%d", i), Key: fmt.Sprintf("k%d", i), PaymentRef: checkout.Ref, Amount: money.New(1, "USD")}); err != nil {
			t.Fatal(err)
		}
	}
	if refunds := h.look(checkout.Ref).Refunds; len(refunds) != 130 {
		t.Errorf("%d refunds", len(refunds))
	}
	if found, err := h.FindRefund(t.Context(), payment.RefundRequest{RefundID: "r0", PaymentRef: checkout.Ref}); err != nil || found.RefundID != "r0" {
		t.Errorf("the oldest: %+v, %v", found, err)
	}
}

func TestAVendorWithoutMoneyLeft(t *testing.T) {
	h := newHouse(t)
	_, checkout := h.paid(payment.MethodAny, stripefake.Succeed)
	state, vendor := h.look(checkout.Ref), h.account()
	sent, err := h.Transfer(t.Context(), payment.TransferRequest{TransferID: "t1", Key: "kt", AccountRef: vendor, SourceRef: state.SourceRef, Amount: money.New(9000, "USD")})
	if err != nil {
		t.Fatal(err)
	}
	h.pass(14 * 24 * time.Hour) // its money has gone to its bank
	payouts, cursor, err := h.ListPayouts(t.Context(), vendor, noon, "")
	if err != nil || len(payouts) == 0 || cursor != "" {
		t.Fatalf("%+v, %q, %v", payouts, cursor, err)
	}
	payout := payouts[0]
	if payout.Amount != money.New(9000, "USD") || payout.Status != "paid" || !payout.Itemizable || payout.ArrivalOn == "" || payout.CreatedAt.IsZero() {
		t.Errorf("%+v", payout)
	}
	lines, _, err := h.PayoutLines(t.Context(), vendor, payout.Ref, "")
	if err != nil || len(lines) != 1 || lines[0].Kind != "transfer" || lines[0].TransferRef != sent.Ref || lines[0].Amount != payout.Amount {
		t.Errorf("%+v, %v", lines, err)
	}
	if _, err := h.Reverse(t.Context(), payment.ReversalRequest{ReversalID: "x", Key: "kx", TransferRef: sent.Ref, Amount: money.New(9000, "USD")}); !errors.Is(err, payment.ErrInsufficient) {
		t.Errorf("%v", err)
	}
	if err := h.fake.FailPayout(payout.Ref, "account_closed"); err != nil {
		t.Fatal(err)
	}
	failed, _, err := h.ListPayouts(t.Context(), vendor, time.Time{}, "")
	if err != nil || len(failed) == 0 || failed[len(failed)-1].Status != "failed" || failed[len(failed)-1].Reason == "" {
		t.Errorf("%+v, %v", failed, err)
	}
	if _, _, err := h.ListPayouts(t.Context(), "acct_gone", noon, ""); !errors.Is(err, payment.ErrNotFound) {
		t.Errorf("an account that has left: %v", err)
	}
}

func TestAccountsBecomeReady(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	request := payment.AccountRequest{VendorID: "v1", Key: "ka", Name: "Northwind", Email: "books@northwind.example", Country: "US"}
	opened, err := h.OpenAccount(ctx, request)
	if err != nil || opened.VendorID != "v1" || opened.CanReceive || opened.CanPayOut || opened.DetailsSubmitted || len(opened.Due) == 0 || opened.Country != "US" || opened.Currency != "USD" {
		t.Fatalf("%+v, %v", opened, err)
	}
	if again, err := h.OpenAccount(ctx, request); err != nil || again.Ref != opened.Ref {
		t.Errorf("%+v, %v", again, err)
	}
	links := map[string]bool{}
	for range 2 {
		h.now = h.now.Add(time.Second)
		link, err := h.AccountLink(ctx, opened.Ref, "https://hub.example/done", "https://hub.example/again")
		if err != nil {
			t.Fatal(err)
		}
		links[link] = true
	}
	if len(links) != 2 {
		t.Errorf("a link was given twice: %v", links)
	}
	for link := range links {
		if next, err := h.fake.Onboard(link, stripefake.Finish); err != nil || next != "https://hub.example/done" {
			t.Errorf("%q, %v", next, err)
		}
		break
	}
	ready, err := h.LookAccount(ctx, opened.Ref)
	if err != nil || !ready.CanReceive || !ready.CanPayOut || !ready.DetailsSubmitted || len(ready.Due) != 0 || ready.Disabled != "" {
		t.Errorf("%+v, %v", ready, err)
	}
	if err := h.fake.SetAccount(opened.Ref, stripefake.Restricted); err != nil {
		t.Fatal(err)
	}
	shut, err := h.LookAccount(ctx, opened.Ref)
	if err != nil || shut.CanReceive || shut.CanPayOut || shut.Disabled == "" || !slices.Equal(shut.Due, []string{"individual.verification.document"}) {
		t.Errorf("%+v, %v", shut, err)
	}
	if _, err := h.Transfer(ctx, payment.TransferRequest{TransferID: "t", Key: "k", AccountRef: opened.Ref, Amount: money.New(5, "USD")}); err == nil || errors.Is(err, payment.ErrUnavailable) {
		t.Errorf("a transfer to an account that is shut: %v", err)
	}
	if countries, err := h.AccountCountries(ctx); err != nil || !slices.Equal(countries, []string{"US"}) {
		t.Errorf("%v, %v", countries, err)
	}
	if platform, err := h.Check(ctx); err != nil || platform.Country != "US" || platform.Currency != "USD" || !platform.CanCharge {
		t.Errorf("%+v, %v", platform, err)
	}
	abroad := request
	abroad.VendorID, abroad.Key, abroad.Country = "v2", "kb", "FR"
	if state, err := h.OpenAccount(ctx, abroad); err == nil {
		t.Logf("the fake opens an account in France: %+v", state)
	} else if !errors.Is(err, payment.ErrRefused) {
		t.Errorf("%v", err)
	}
}

func (h *house) saved(outcome string) (payment.SetupRequest, payment.SetupState) {
	h.t.Helper()
	h.n++
	request := payment.SetupRequest{SetupID: fmt.Sprintf("set-%d", h.n), Key: fmt.Sprintf("ks-%d", h.n), CustomerID: "c1", Email: "ann@acme.example", Currency: "USD",
		ReturnURL: "https://hub.example/me/settings", CancelURL: "https://hub.example/me/settings", ExpiresAt: h.now.Add(35 * time.Minute)}
	page, err := h.SaveMethod(h.t.Context(), request)
	if err != nil {
		h.t.Fatal(err)
	}
	if state, err := h.LookSetup(h.t.Context(), page.Ref); err != nil || state.Phase != payment.PhaseOpen || state.SetupID != request.SetupID {
		h.t.Errorf("%+v, %v", state, err)
	}
	if _, err := h.fake.Pay(page.Ref, outcome); err != nil {
		h.t.Fatal(err)
	}
	state, err := h.LookSetup(h.t.Context(), page.Ref)
	if err != nil || state.Phase != payment.PhaseSucceeded || state.PayerRef == "" || state.MethodRef == "" {
		h.t.Fatalf("%+v, %v", state, err)
	}
	return request, state
}

func TestKeptMethods(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	request, kept := h.saved(stripefake.Succeed)
	if kept.Method != payment.MethodCard || kept.Detail != "Visa ending 4242" || len(kept.Expires) != len("2028-11") {
		t.Errorf("%+v", kept)
	}
	if page, err := h.SaveMethod(ctx, request); err != nil || page.Ref == "" || len(h.fake.Customers()) != 1 || len(h.fake.Sessions()) != 1 {
		t.Errorf("the same key again: %+v, %v; %d customers", page, err, len(h.fake.Customers()))
	}
	charge := payment.ChargeRequest{PaymentID: "p1", Key: "kc1", PayerRef: kept.PayerRef, MethodRef: kept.MethodRef, Method: kept.Method, Amount: money.New(7700, "USD"), Since: h.now}
	if _, _, err := h.FindCharge(ctx, charge); !errors.Is(err, payment.ErrNotFound) {
		t.Errorf("before it was made: %v", err)
	}
	ref, state, err := h.ChargeSaved(ctx, charge)
	if err != nil || state.Phase != payment.PhaseSucceeded || state.Captured != charge.Amount || state.PaymentID != "p1" || !strings.HasPrefix(ref, "pi_") || state.SourceRef == "" {
		t.Fatalf("%q %+v, %v", ref, state, err)
	}
	again, _, err := h.ChargeSaved(ctx, charge)
	found, foundState, findErr := h.FindCharge(ctx, charge)
	if err != nil || again != ref || findErr != nil || found != ref || foundState.Phase != payment.PhaseSucceeded || len(h.fake.Charges()) != 1 {
		t.Errorf("again %q, %v; found %q %+v, %v", again, err, found, foundState, findErr)
	}
	for range 2 {
		if err := h.ForgetMethod(ctx, kept.MethodRef); err != nil {
			t.Errorf("forget: %v", err)
		}
	}
	if err := h.ForgetMethod(ctx, "pm_never"); err != nil {
		t.Errorf("one that never was: %v", err)
	}
	late := charge
	late.PaymentID, late.Key = "p2", "kc2"
	if _, state, err := h.ChargeSaved(ctx, late); err == nil && state.Phase == payment.PhaseSucceeded {
		t.Error("a forgotten method was charged")
	}
}

func TestKeptMethodsThatDoNotPay(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	for outcome, words := range map[string]string{stripefake.SucceedThenDecline: "declined", stripefake.SucceedThenAuthentication: "confirm"} {
		_, kept := h.saved(outcome)
		h.n++
		charge := payment.ChargeRequest{PaymentID: fmt.Sprintf("p%d", h.n), Key: fmt.Sprintf("kc%d", h.n), PayerRef: kept.PayerRef, MethodRef: kept.MethodRef, Method: kept.Method, Amount: money.New(7700, "USD"), Since: h.now}
		for range 2 {
			ref, state, err := h.ChargeSaved(ctx, charge)
			if err != nil || state.Phase != payment.PhaseFailed || !strings.Contains(state.Reason, words) || !strings.HasPrefix(ref, "pi_") || state.PaymentID != charge.PaymentID {
				t.Errorf("%s: %q %+v, %v", outcome, ref, state, err)
			}
			if looked := h.look(ref); looked.Phase != payment.PhaseFailed || !strings.Contains(looked.Reason, words) {
				t.Errorf("%s, looked at: %+v", outcome, looked)
			}
		}
	}
	_, bank := h.saved(stripefake.Bank)
	if bank.Method != payment.MethodBankDebit || bank.Expires != "" {
		t.Errorf("%+v", bank)
	}
	ref, state, err := h.ChargeSaved(ctx, payment.ChargeRequest{PaymentID: "pb", Key: "kb", PayerRef: bank.PayerRef, MethodRef: bank.MethodRef, Method: bank.Method, Amount: money.New(500, "USD"), Since: h.now})
	if err != nil || state.Phase != payment.PhaseProcessing {
		t.Fatalf("%q %+v, %v", ref, state, err)
	}
	h.pass(5 * 24 * time.Hour)
	if state := h.look(ref); state.Phase != payment.PhaseSucceeded || state.PaymentID != "pb" {
		t.Errorf("%+v", state)
	}
}

func TestDisputes(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	request, checkout := h.paid(payment.MethodAny, stripefake.Succeed)
	charge := h.look(checkout.Ref).SourceRef
	ref, err := h.fake.OpenDispute(charge, 0, "fraudulent")
	if err != nil {
		t.Fatal(err)
	}
	if state := h.look(checkout.Ref); !slices.Equal(state.Disputes, []string{ref}) || state.Phase != payment.PhaseSucceeded {
		t.Errorf("%+v", state)
	}
	dispute, err := h.LookDispute(ctx, ref)
	if err != nil || dispute.PaymentID != request.PaymentID || dispute.SourceRef != charge || !strings.HasPrefix(dispute.PaymentRef, "pi_") || dispute.Phase != payment.DisputeOpen ||
		dispute.Amount != request.Amount || !dispute.Withdrawn || dispute.Fee != money.New(1500, "USD") || dispute.Reason != "fraudulent" || dispute.EvidenceDue.IsZero() || dispute.Submitted {
		t.Fatalf("%+v, %v", dispute, err)
	}
	evidence := payment.EvidenceRequest{DisputeRef: ref, Key: "ke", Text: strings.Repeat("ä", 30_000), AccessLog: "seen", Submit: true,
		Files: []payment.EvidenceFile{{Kind: "receipt", Name: "INV-1.pdf", ContentType: "application/pdf", Content: []byte("%PDF-1.4 one")},
			{Kind: "receipt", Name: "INV-2.pdf", ContentType: "application/pdf", Content: []byte("%PDF-1.4 two")},
			{Kind: "communication", Name: "mails.pdf", ContentType: "application/pdf", Content: []byte("%PDF-1.4 mails")}}}
	for range 2 { // the second is the first's answer again
		sent, err := h.SendEvidence(ctx, evidence)
		if err != nil || sent.Phase != payment.DisputeInReview || !sent.Submitted {
			t.Fatalf("%+v, %v", sent, err)
		}
	}
	said := h.fake.Disputes()[0].Evidence
	text := said["uncategorized_text"]
	if len([]rune(text)) != 20_000 || !strings.HasSuffix(text, "holds no more]") || said["access_activity_log"] != "seen" || len(h.fake.Files()) != 3 {
		t.Errorf("%d characters, %q, %d files", len([]rune(text)), said["access_activity_log"], len(h.fake.Files()))
	}
	if said["receipt"] == "" || said["customer_communication"] == "" || said["uncategorized_file"] == "" || said["receipt"] == said["uncategorized_file"] {
		t.Errorf("%v", said)
	}
	if err := h.fake.CloseDispute(ref, stripefake.Won); err != nil {
		t.Fatal(err)
	}
	if won, err := h.LookDispute(ctx, ref); err != nil || won.Phase != payment.DisputeWon || won.Withdrawn {
		t.Errorf("%+v, %v", won, err)
	}
}

func TestInquiriesTakeNoMoney(t *testing.T) {
	h := newHouse(t)
	_, checkout := h.paid(payment.MethodAny, stripefake.Succeed)
	ref, err := h.fake.OpenInquiry(h.look(checkout.Ref).SourceRef, 0, "general")
	if err != nil {
		t.Fatal(err)
	}
	if inquiry, err := h.LookDispute(t.Context(), ref); err != nil || inquiry.Phase != payment.DisputeInquiry || inquiry.Withdrawn || !inquiry.Fee.Zero() {
		t.Errorf("%+v, %v", inquiry, err)
	}
	if err := h.fake.EscalateInquiry(ref); err != nil {
		t.Fatal(err)
	}
	if dispute, err := h.LookDispute(t.Context(), ref); err != nil || dispute.Phase != payment.DisputeOpen || !dispute.Withdrawn {
		t.Errorf("%+v, %v", dispute, err)
	}
	if _, err := h.LookDispute(t.Context(), "dp_none"); !errors.Is(err, payment.ErrNotFound) {
		t.Errorf("%v", err)
	}
}

func TestEvidenceThatStripeWouldNotTake(t *testing.T) {
	h := newHouse(t)
	paper := payment.EvidenceFile{Kind: "receipt", Name: "a.pdf", ContentType: "application/pdf", Content: []byte("%PDF")}
	large := paper
	large.Content = make([]byte, 5<<20)
	text := paper
	text.ContentType = "text/plain"
	for name, files := range map[string][]payment.EvidenceFile{"too large": {large}, "no paper": {text}, "too many": {paper, paper, paper, paper}} {
		if _, err := h.SendEvidence(t.Context(), payment.EvidenceRequest{DisputeRef: "dp_1", Key: "k", Files: files}); !errors.Is(err, payment.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(h.fake.Files()) != 0 {
		t.Error("something was sent all the same")
	}
}

// A checkout of every currency that the gateway says it takes is taken.
func TestEveryCurrencyIsTaken(t *testing.T) {
	h := newHouse(t)
	for _, code := range []money.Currency{"USD", "EUR", "GBP", "JPY", "KWD", "BHD", "ISK", "UGX", "HUF", "TWD", "MGA", "IDR", "CLP", "XOF", "CHF", "SEK"} {
		limits := h.Limits(code)
		request := h.page(payment.MethodAny)
		request.Amount, request.Lines = money.New(max(limits.Least, limits.Step*100), code), nil
		checkout, err := h.Checkout(context.Background(), request)
		if err != nil {
			t.Errorf("%s: %v", code, err)
			continue
		}
		if _, err := h.fake.Pay(checkout.Ref, stripefake.Succeed); err != nil {
			t.Errorf("%s: %v", code, err)
			continue
		}
		if code == "ISK" || code == "UGX" {
			continue // their fees are no whole units here
		}
		if state, err := h.Look(context.Background(), checkout.Ref); err != nil || state.Captured != request.Amount {
			t.Errorf("%s: %+v, %v; want %s", code, state, err, request.Amount)
		}
	}
}
