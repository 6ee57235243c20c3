package stripefake_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"

	"github.com/sheaf-hub/sheaf/hub/gateway/stripe/stripefake"
)

// player does things at random, many of which are refused.
type player struct {
	*world
	random   *rand.Rand
	name     string
	accounts []string
	n        int
}

func pick[T any](random *rand.Rand, from []T) (picked T, ok bool) {
	if len(from) == 0 {
		return picked, false
	}
	return from[random.IntN(len(from))], true
}

// step does one thing; its errors are part of the play.
func (p *player) step() {
	p.n++
	amount := 1 + p.random.Int64N(20000)
	key := stripe.String(fmt.Sprintf("%s-%d", p.name, p.n))
	switch p.random.IntN(12) {
	case 0, 1:
		params := sessionParams(50+amount, []string{"usd", "eur"}[p.random.IntN(2)])
		params.IdempotencyKey = key
		_, _ = p.api.CheckoutSessions.New(params)
	case 2, 3:
		outcomes := []string{stripefake.Succeed, stripefake.Decline, stripefake.Bank, stripefake.BankFail}
		open := slices.DeleteFunc(p.Sessions(), func(s stripefake.Session) bool { return s.Status != stripefake.Open && p.random.IntN(5) > 0 })
		if s, ok := pick(p.random, open); ok {
			_, _ = p.Pay(s.ID, outcomes[p.random.IntN(len(outcomes))])
		}
	case 4:
		p.send(amount, key)
	case 5:
		if sent, ok := pick(p.random, p.Transfers()); ok {
			_, _ = p.api.TransferReversals.New(&stripe.TransferReversalParams{ID: stripe.String(sent.ID), Amount: stripe.Int64(1 + amount/8)})
		}
	case 6:
		if charge, ok := pick(p.random, p.Charges()); ok {
			params := &stripe.RefundParams{Charge: stripe.String(charge.ID), Amount: stripe.Int64(amount)}
			params.IdempotencyKey = key
			_, _ = p.api.Refunds.New(params)
		}
	case 7, 10:
		p.bank()
	case 8:
		account, _ := pick(p.random, p.accounts)
		change := stripefake.Ready
		if p.random.IntN(5) == 0 {
			change = stripefake.Restricted
		}
		_ = p.SetAccount(account, change)
	case 9, 11:
		p.wait(time.Duration(p.random.Int64N(int64(day))))
		p.Take(p.hook, 5)
	}
}

func (p *player) send(amount int64, key *string) {
	account, _ := pick(p.random, p.accounts)
	charge, ok := pick(p.random, p.Charges())
	currency, source := "usd", ""
	if ok && p.random.IntN(5) > 0 {
		currency, source, amount = charge.Currency, charge.ID, 1+amount*charge.Amount/40000
	}
	params := transferParams(account, amount, currency, source)
	params.IdempotencyKey = key
	began := p.now()
	first, err := p.api.Transfers.New(params)
	again, errAgain := p.api.Transfers.New(params)
	if err == nil && errAgain == nil && first.ID != again.ID && p.now().Sub(began) < day {
		p.t.Errorf("one key made %s and %s", first.ID, again.ID)
	}
}

// bank is what the payers' banks do.
func (p *player) bank() {
	switch p.random.IntN(4) {
	case 0:
		if charge, ok := pick(p.random, p.Charges()); ok {
			_, _ = p.OpenDispute(charge.ID, 0, "fraudulent")
		}
	case 1:
		if d, ok := pick(p.random, p.Disputes()); ok {
			_ = p.CloseDispute(d.ID, []string{stripefake.Won, stripefake.Lost}[p.random.IntN(2)])
		}
	case 2:
		if r, ok := pick(p.random, p.Refunds()); ok {
			_ = p.FailRefund(r.ID, "unknown")
		}
	case 3:
		if payout, ok := pick(p.random, p.Payouts()); ok {
			_ = p.FailPayout(payout.ID, "account_closed")
		}
	}
}

func (w *world) player(seed uint64, name string) *player {
	return &player{world: w, random: rand.New(rand.NewPCG(seed, 1)), name: name, accounts: []string{w.account("US"), w.account("US")}}
}

func rates() stripefake.Rates {
	return stripefake.Rates{LoseRequest: 0.02, LoseAnswer: 0.02, ErrorBefore: 0.02, ErrorAfter: 0.02, TooMany: 0.02, Drop: 0.1, Duplicate: 0.1, Late: 0.1, Shuffle: true}
}

// TestBooksBalance plays at random and looks at the fake's books all the time.
func TestBooksBalance(t *testing.T) {
	done := map[string]int{}
	for seed := range uint64(20) {
		w := newWorld(t)
		w.SetFaults(stripefake.RandomFaults(seed, rates()))
		p := w.player(seed, "p")
		for step := range 200 {
			p.step()
			if wrong := w.Check(); len(wrong) > 0 {
				t.Fatalf("seed %d, step %d: %s", seed, step, strings.Join(wrong, "; "))
			}
		}
		done["transfers"] += len(w.Transfers())
		done["reversals"] += len(w.Reversals())
		done["refunds"] += len(w.Refunds())
		done["disputes"] += len(w.Disputes())
		done["payouts"] += len(w.Payouts())
		done["charges"] += len(w.Charges())
	}
	t.Logf("done in all: %v", done)
	for _, what := range []string{"transfers", "reversals", "refunds", "disputes", "payouts", "charges"} {
		if done[what] < 20 {
			t.Errorf("only %d %s in all: the play is too tame", done[what], what)
		}
	}
}

// TestManyAtOnce is for the race detector.
func TestManyAtOnce(t *testing.T) {
	w := newWorld(t)
	w.SetFaults(stripefake.RandomFaults(1, rates()))
	var group sync.WaitGroup
	for i := range 6 {
		p := w.player(uint64(i), fmt.Sprint("p", i))
		group.Go(func() {
			for range 100 {
				p.step()
			}
		})
	}
	group.Wait()
}

// TestOneKeyAtOnce is the retry that overtakes its first try.
func TestOneKeyAtOnce(t *testing.T) {
	w := newWorld(t)
	oak := w.account("US")
	w.TopUp("usd", 100000)
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() { _, _ = w.keyed("k-1", oak, 1000) })
	}
	group.Wait()
	if n := len(w.Transfers()); n != 1 {
		t.Errorf("sixteen at once made %d transfers", n)
	}
}

func BenchmarkPayment(b *testing.B) {
	now := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	w := &world{t: nil, clock: now}
	w.Fake = stripefake.New(stripefake.Config{Now: w.now, Seed: 7})
	w.api = w.clientOf(w.Client(), "https://api.stripe.com")
	hook := w.AddEndpoint(stripefake.Endpoint{Secret: secret})
	oak, err := w.NewAccount("US", "Oak Paper")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		s, err := w.api.CheckoutSessions.New(sessionParams(10000, "usd"))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := w.Pay(s.ID, stripefake.Succeed); err != nil {
			b.Fatal(err)
		}
		params := &stripe.CheckoutSessionParams{}
		params.AddExpand("payment_intent.latest_charge.balance_transaction")
		if s, err = w.api.CheckoutSessions.Get(s.ID, params); err != nil {
			b.Fatal(err)
		}
		if _, err := w.api.Transfers.New(transferParams(oak, 1000, "usd", s.PaymentIntent.LatestCharge.ID)); err != nil {
			b.Fatal(err)
		}
		w.Take(hook, 0)
	}
}
