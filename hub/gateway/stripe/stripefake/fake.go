// Package stripefake plays the parts of Stripe's HTTP API that Sheaf uses, at
// version 2023-10-16. It keeps states as Stripe does: balances, slow bank
// debits, accounts that are not ready, disputes, idempotency keys, signed
// events. And it fails as Stripe does: see Faults.
//
// It is an http.Handler, which also serves its own checkout and onboarding
// pages, and Client calls it without a network. Time is Config.Now; what falls
// due happens when somebody next looks, or at Pass. Ids come from Config.Seed.
//
// Where the real one is not known to the letter, the fake is the stricter: it
// refuses source_transaction with a charge that has not succeeded, and
// parameters that it does not know. It settles every currency in that
// currency, without exchange.
package stripefake

import (
	"context"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// Version is the API version that the fake speaks.
const Version = "2023-10-16"

// Config says what kind of platform account is played.
type Config struct {
	Now        func() time.Time // required
	Seed       uint64           // of ids and secrets
	Key        string           // the secret key; empty: "sk_test_fake"
	Country    string           // of the platform; empty: "US"
	PublicBase string           // where its pages are reached, without a slash at the end; empty: "https://pay.stripe.example"
	Live       bool             // the livemode of every object

	CardFeeBasis int64         // fee of a card payment in hundredths of a per cent; 0: 290; negative: none
	CardFeeFixed int64         // and in minor units; 0: 30; negative, or a currency without minor units: none
	BankDelay    time.Duration // until a bank debit succeeds or fails; 0: four days
	CardWait     time.Duration // until the money of a card is available; 0: two days
	BankWait     time.Duration // and of a bank debit, once it succeeded; 0: one day

	// Sleep waits for slow answers; nil: real time.
	Sleep func(ctx context.Context, d time.Duration) error
}

// Fake is one platform account with all that belongs to it.
type Fake struct {
	cfg Config

	mu     sync.Mutex
	now    time.Time // of the request or of the due thing that runs
	random *rand.Rand
	faults Faults
	call   *call // that runs, for what its events say of it
	due    schedule
	serial int64

	keys         map[string]*keptAnswer
	books        map[string]map[string]*purse
	unpaid       map[string][]*Transaction // of connected accounts: not in a payout
	customers    table[Customer]
	methods      table[Method]
	sessions     table[Session]
	intents      table[Intent]
	setups       table[Setup]
	charges      table[Charge]
	refunds      table[Refund]
	transactions table[Transaction]
	transfers    table[Transfer]
	reversals    table[Reversal]
	received     table[Payment]
	accounts     table[Account]
	links        map[string]*accountLink
	payouts      table[Payout]
	disputes     table[Dispute]
	files        table[File]
	events       table[Event]
	endpoints    []*endpoint
	deliveries   []*delivery
	platform     Account
	recording    bool
	exchanges    []Exchange
}

// New makes a platform account without customers or connected accounts.
func New(cfg Config) *Fake {
	if cfg.Key == "" {
		cfg.Key = "sk_test_fake"
	}
	if cfg.Country == "" {
		cfg.Country = "US"
	}
	if cfg.PublicBase == "" {
		cfg.PublicBase = "https://pay.stripe.example"
	}
	if cfg.CardFeeBasis == 0 {
		cfg.CardFeeBasis = 290
	}
	if cfg.CardFeeFixed == 0 {
		cfg.CardFeeFixed = 30
	}
	if cfg.BankDelay == 0 {
		cfg.BankDelay = 4 * 24 * time.Hour
	}
	if cfg.CardWait == 0 {
		cfg.CardWait = 2 * 24 * time.Hour
	}
	if cfg.BankWait == 0 {
		cfg.BankWait = 24 * time.Hour
	}
	if cfg.Sleep == nil {
		cfg.Sleep = sleep
	}
	f := &Fake{cfg: cfg, random: rand.New(rand.NewPCG(cfg.Seed, 0x5deece66d)),
		keys: map[string]*keptAnswer{}, links: map[string]*accountLink{},
		books: map[string]map[string]*purse{}, unpaid: map[string][]*Transaction{}}
	f.now = cfg.Now().UTC()
	f.platform = Account{ID: f.id("acct"), Type: "standard", Country: cfg.Country, Currency: currencyOf(cfg.Country), Created: f.now,
		Email: "platform@stripe.example", DetailsSubmitted: true, ChargesEnabled: true, PayoutsEnabled: true,
		Transfers: Active, CardPayments: Active, Metadata: map[string]string{}}
	return f
}

// ServeHTTP answers a request of the API or of a page. A lost answer cuts the
// connection.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a, err := f.answer(r)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	for name, values := range a.header {
		w.Header()[name] = values
	}
	w.WriteHeader(a.status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(a.body) // a client that has gone is no matter of ours
	}
}

// PlatformID is the id of the platform's own account.
func (f *Fake) PlatformID() string { return f.platform.ID }

// Key is the secret key that requests must bear.
func (f *Fake) Key() string { return f.cfg.Key }

// Pass lets everything happen that is due by now: debits succeed or fail,
// sessions expire, payouts arrive. It delivers nothing; see Deliver.
func (f *Fake) Pass() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pass()
}

// pass runs what is due, each at its own time, then sets the clock to now.
func (f *Fake) pass() {
	now := f.cfg.Now().UTC()
	for len(f.due) > 0 && !f.due[0].at.After(now) {
		next := f.due.pop()
		if next.at.After(f.now) {
			f.now = next.at
		}
		next.run()
	}
	if now.After(f.now) {
		f.now = now
	}
}

// act runs a change that comes from a page or from Go, not from the API.
func (f *Fake) act(change func() error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pass()
	return change()
}

const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// id makes an id such as pi_1Qx…: unique by its serial number, unguessed by the rest.
func (f *Fake) id(prefix string) string {
	f.serial++
	return prefix + "_" + f.word(18)
}

// word makes random letters that end in the serial number.
func (f *Fake) word(length int) string {
	text := make([]byte, length)
	for i := range text {
		text[i] = letters[f.random.IntN(len(letters))]
	}
	n := f.serial
	for i := range 6 {
		text[length-1-i] = letters[n%62]
		n /= 62
	}
	return string(text)
}

// table keeps things by id and in the order in which they were made.
type table[T any] struct {
	byID  map[string]*T
	order []*T
}

func (t *table[T]) add(id string, v *T) *T {
	if t.byID == nil {
		t.byID = map[string]*T{}
	}
	t.byID[id] = v
	t.order = append(t.order, v)
	return v
}

func (t *table[T]) get(id string) *T { return t.byID[id] }

// all returns copies, oldest first.
func all[T any](f *Fake, t *table[T]) []T {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pass()
	copies := make([]T, len(t.order))
	for i, v := range t.order {
		copies[i] = *v
	}
	return copies
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
