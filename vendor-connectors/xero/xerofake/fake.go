// Package xerofake plays one Xero organisation for tests and demos: its sign-in
// (OAuth 2 with PKCE and refresh tokens that rotate), the part of the Accounting API
// 2.0 that Sheaf uses, and webhooks. It keeps state as Xero does: payments and
// allocations change what is due, idempotency keys are forgotten after six minutes, a
// used refresh token works for thirty minutes more, calls are counted against the limits
// of a minute, a day and at once. And it misbehaves when told to: see Trouble.
//
// It is an http.Handler for every address that Xero has. Time is Config.Now; each
// change is at least a millisecond after the one before, as in books that are written
// one thing after the other. Where Xero is not known to the letter, the fake is the
// stricter one.
package xerofake

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/sheaf-hub/sheaf/hub/money"
)

// Config says what organisation is played.
type Config struct {
	Now          func() time.Time // required
	Seed         uint64           // of ids and tokens
	ClientID     string           // of the hub; empty: "hub"
	ClientSecret string           // empty: "secret"
	WebhookKey   string           // signs webhooks; empty: "webhook-key"
	PageMost     int              // records of a page at most; 0: 1,000
	Limits       Limits

	// Watch is told of each call of the API that was answered, with the answer as it
	// was before any trouble befell it; nil: nobody is.
	Watch func(Exchange)
}

// Limits are how many calls are taken; 0 is Xero's own number, negative none.
type Limits struct {
	AtOnce int // 5
	Minute int // 60
	Day    int // 5,000
}

// Exchange is one call and its answer.
type Exchange struct {
	Method, Path, Query string
	Header              map[string][]string
	Body                []byte

	Status       int
	AnswerHeader map[string][]string
	Answer       []byte
}

// Names of what every fake has from the start.
const (
	BankCode     = "090" // a bank account
	ClearingCode = "810" // takes payments
	DiscountCode = "415" // takes payments
	SalesCode    = "200" // takes none
)

// Fake is one organisation.
type Fake struct {
	cfg    Config
	tenant string

	mu       sync.Mutex
	random   *rand.Rand
	skew     time.Duration
	last     time.Time // of the last change
	calls    int
	underWay int
	minute   window
	day      window
	troubles []Trouble
	revoked  bool

	codes     map[string]grant
	access    map[string]time.Time // and when it ends
	refreshes map[string]*refresh
	keys      map[string]kept

	accounts []Account
	contacts []*contact
	invoices []*document
	credits  []*document
	payments []*payment
	history  map[string][]note
	files    map[string][]file
}

// Account is one of the chart of accounts.
type Account struct {
	ID, Code, Name, Type string
	TakesPayments        bool
}

// Person is one of a contact's people.
type Person struct {
	First, Last, Email string
	InEmails           bool
}

// Contact is what a contact says of itself.
type Contact struct {
	Name, Email, First, Last, Phone string

	People   []Person
	Currency string
	TermDays int    // of sales
	TermType string // "DAYSAFTERBILLDATE"; empty: no terms
	Status   string // empty: ACTIVE
}

type contact struct {
	Contact
	id      string
	updated time.Time
}

// Kinds of credits.
const (
	CreditNote  = "CreditNotes"
	Overpayment = "Overpayments"
	Prepayment  = "Prepayments"
)

// document is an invoice or any credit.
type document struct {
	kind, id, number, reference, status string

	bill      bool // of a supplier
	contact   *contact
	issued    money.Date
	due       money.Date
	total     money.Amount
	open      money.Amount
	updated   time.Time
	allocated []*allocation // of a credit
}

type allocation struct {
	id      string
	invoice *document
	amount  money.Amount
	date    money.Date
}

type payment struct {
	id, reference, status string

	invoice *document
	account Account
	amount  money.Amount
	date    money.Date
	updated time.Time
}

type note struct {
	text string
	at   time.Time
}

type file struct {
	id, name, kind string
	online         bool
	content        []byte
}

// New makes an organisation with a chart of accounts and nothing else.
func New(cfg Config) *Fake {
	fill := func(text *string, instead string) {
		if *text == "" {
			*text = instead
		}
	}
	fill(&cfg.ClientID, "hub")
	fill(&cfg.ClientSecret, "secret")
	fill(&cfg.WebhookKey, "webhook-key")
	if cfg.PageMost == 0 {
		cfg.PageMost = 1000
	}
	limit := func(number *int, instead int) {
		if *number == 0 {
			*number = instead
		}
	}
	limit(&cfg.Limits.AtOnce, 5)
	limit(&cfg.Limits.Minute, 60)
	limit(&cfg.Limits.Day, 5000)
	f := &Fake{cfg: cfg, random: rand.New(rand.NewPCG(cfg.Seed, 0x9e3779b97f4a7c15)), codes: map[string]grant{}, access: map[string]time.Time{},
		refreshes: map[string]*refresh{}, keys: map[string]kept{}, history: map[string][]note{}, files: map[string][]file{}}
	f.minute.length, f.minute.most = time.Minute, cfg.Limits.Minute
	f.day.length, f.day.most = 24*time.Hour, cfg.Limits.Day
	f.tenant = f.id()
	f.accounts = []Account{{ID: f.id(), Code: BankCode, Name: "Business account", Type: "BANK"},
		{ID: f.id(), Code: ClearingCode, Name: "Clearing", Type: "CURRENT", TakesPayments: true},
		{ID: f.id(), Code: DiscountCode, Name: "Discounts given", Type: "EXPENSE", TakesPayments: true},
		{ID: f.id(), Code: SalesCode, Name: "Sales", Type: "REVENUE"}}
	return f
}

// Tenant is the organisation's id.
func (f *Fake) Tenant() string { return f.tenant }

// now is Xero's clock.
func (f *Fake) now() time.Time { return f.cfg.Now().Add(f.skew).UTC().Truncate(time.Millisecond) }

// tick is the time of a change.
func (f *Fake) tick() time.Time {
	now := f.now()
	if !now.After(f.last) {
		now = f.last.Add(time.Millisecond)
	}
	f.last = now
	return now
}

// id makes a UUID.
func (f *Fake) id() string {
	a, b := f.random.Uint64(), f.random.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", a>>32, a>>16&0xffff, a&0xfff, b>>48&0x3fff|0x8000, b&0xffffffffffff)
}

// secret makes a token.
func (f *Fake) secret() string {
	return fmt.Sprintf("%016x%016x", f.random.Uint64(), f.random.Uint64())
}
