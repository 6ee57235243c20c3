// Package quickbooksfake plays one QuickBooks Online company for tests and demos: its
// sign-in (OAuth 2, with a refresh token that changes once a day), the part of the
// Accounting API v3 that Sheaf uses, and webhooks. It keeps state as QuickBooks does:
// payments change balances and the time of the last change of what they pay, deleted
// records are listed by change data capture for thirty days, a request id is answered as
// before, calls are counted against the limits of a minute and at once. And it
// misbehaves when told to, through connectortest/trouble.
//
// It is an http.Handler for every address that QuickBooks has. Time is Config.Now; the
// time of a change is kept to the second, so that many changes have the same. Where
// QuickBooks is not known to the letter, the fake is the stricter one, but for
// amounts, which it takes with as many digits as the currency has.
package quickbooksfake

import (
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/vendor-connectors/connectortest"
	"github.com/sheaf-hub/sheaf/vendor-connectors/connectortest/trouble"
)

// Config says what company is played.
type Config struct {
	Now           func() time.Time // required
	Seed          uint64           // of tokens
	ClientID      string           // of the hub; empty: "hub"
	ClientSecret  string           // empty: "secret"
	VerifierToken string           // signs webhooks; empty: "verifier-token"
	Company       string           // its id; empty: "9130350000000000001"
	Home          money.Currency   // empty: EUR
	CaptureMost   int              // objects that change data capture lists; 0: 1,000
	Limits        Limits
	// ForgetsRequests lets request ids have no effect, as some have seen it.
	ForgetsRequests bool
	// NoFiles lets questions for attachments be refused.
	NoFiles bool

	// Watch is told of each call of the API that was answered; nil: nobody is.
	Watch func(Exchange)
}

// Limits are how many calls are taken; 0 is QuickBooks' own number, negative none.
type Limits struct {
	AtOnce int // 10
	Minute int // 500
}

// Exchange is one call and its answer.
type Exchange struct {
	Method, Path, Query string
	Body                []byte

	Status int
	Answer []byte
}

// Names of the accounts that every fake has from the start.
const (
	BankAccount     = "Business Checking"
	ClearingAccount = "Card clearing"
	DiscountAccount = "Discounts given"
	SalesAccount    = "Sales"
	bankNumber      = "1010"
)

// Fake is one company.
type Fake struct {
	cfg     Config
	trouble *trouble.Handler

	mu       sync.Mutex
	random   *rand.Rand
	skew     time.Duration
	serial   int
	underWay int
	began    time.Time // of the minute in which calls are counted
	count    int
	revoked  bool
	faulty   int // calls that are answered with 200 and a fault

	codes     map[string]grant
	access    map[string]time.Time // and when it ends
	refreshes map[string]refresh
	requests  map[string]answer

	accounts  []*account
	terms     []*term
	customers []*customer
	documents []*document
	payments  []*payment
	journals  []*journal
	files     []*file
	deleted   []deletion
}

// record is what all records have.
type record struct {
	id, token int
	made      time.Time
	updated   time.Time // to the second
}

type account struct {
	record
	name, parent, number, kind string
	currency                   money.Currency
	inactive                   bool
}

type term struct {
	record
	name                       string
	due, discountDays, percent int
}

// Customer is what a customer says of itself.
type Customer struct {
	Name, Given, Family, Phone string

	Email    string // several with commas between them
	Currency money.Currency
	Terms    string // one of the terms' names; empty: none
	Inactive bool
}

type customer struct {
	record
	Customer
}

// document is an invoice or a credit memo.
type document struct {
	record
	kind     string
	number   string
	customer *customer
	issued   money.Date
	due      money.Date
	total    money.Amount
	open     money.Amount
	note     string // private
	links    []*payment

	purchaseOrder, billEmail, billEmailCc string
}

// applied is an amount that a payment brings to a document, or takes from a credit.
type applied struct {
	document *document // nil: journal
	journal  *journal
	amount   money.Amount
}

type payment struct {
	record
	customer     *customer
	number, note string
	date         string
	total        money.Amount
	unapplied    money.Amount
	account      *account // nil: QuickBooks' own
	lines        []applied
}

type journal struct {
	record
	number, note, date string

	customer *customer
	lines    []journalLine
	amount   money.Amount
	open     money.Amount // of the customer's credit
}

type journalLine struct {
	posting, description string

	account *account
	entity  *customer
}

type file struct {
	record
	name, kind string
	invoice    *document
	sent       bool
	content    []byte
}

// deletion is what is left of a record.
type deletion struct {
	entity string
	id     int
	at     time.Time
}

// New makes a company with a chart of accounts, a few terms and nothing else.
func New(cfg Config) *Fake {
	fill := func(text *string, instead string) {
		if *text == "" {
			*text = instead
		}
	}
	fill(&cfg.ClientID, "hub")
	fill(&cfg.ClientSecret, "secret")
	fill(&cfg.VerifierToken, "verifier-token")
	fill(&cfg.Company, "9130350000000000001")
	fill((*string)(&cfg.Home), "EUR")
	limit := func(number *int, instead int) {
		if *number == 0 {
			*number = instead
		}
	}
	limit(&cfg.CaptureMost, 1000)
	limit(&cfg.Limits.AtOnce, 10)
	limit(&cfg.Limits.Minute, 500)
	f := &Fake{cfg: cfg, random: rand.New(rand.NewPCG(cfg.Seed, 0x9e3779b97f4a7c15)), codes: map[string]grant{}, access: map[string]time.Time{},
		refreshes: map[string]refresh{}, requests: map[string]answer{}}
	f.trouble = &trouble.Handler{Books: http.HandlerFunc(f.api), Expire: f.Expire, Revoke: f.Revoke}
	for _, one := range []account{{name: BankAccount, number: bankNumber, kind: "Bank"}, {name: ClearingAccount, kind: "Other Current Asset"},
		{name: "Undeposited Funds", kind: "Other Current Asset"}, {name: DiscountAccount, parent: "Income", kind: "Income"}, {name: SalesAccount, parent: "Income", kind: "Income"},
		{name: "Discounts given", parent: "Old", kind: "Income", inactive: true}} {
		one.record, one.currency = f.record(), cfg.Home
		f.accounts = append(f.accounts, &one)
	}
	f.receivables(cfg.Home)
	f.terms = []*term{{record: f.record(), name: "Net 30", due: 30}, {record: f.record(), name: "Early bird", due: 30, discountDays: 10, percent: 2}}
	return f
}

// receivables is the account of what is owed in a currency, made when it is new.
func (f *Fake) receivables(currency money.Currency) *account {
	for _, one := range f.accounts {
		if one.kind == "Accounts Receivable" && one.currency == currency {
			return one
		}
	}
	made := &account{record: f.record(), name: "Accounts Receivable (A/R) - " + string(currency), kind: "Accounts Receivable", currency: currency}
	f.accounts = append(f.accounts, made)
	return made
}

// now is QuickBooks' clock.
func (f *Fake) now() time.Time { return f.cfg.Now().Add(f.skew) }

func (f *Fake) record() record {
	f.serial++
	at := f.now().Truncate(time.Second)
	return record{id: f.serial, made: at, updated: at}
}

// touch is a change of a record.
func (f *Fake) touch(r *record) {
	r.token++
	r.updated = f.now().Truncate(time.Second)
}

func (r record) key() string { return strconv.Itoa(r.id) }

// Company is the company's id.
func (f *Fake) Company() string { return f.cfg.Company }

// ServeHTTP answers for every host of QuickBooks.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) { f.mux().ServeHTTP(w, r) }

// Misbehave lets the next calls of the API go wrong, one after the other. It answers
// false when it cannot play one.
func (f *Fake) Misbehave(troubles ...connectortest.Trouble) bool { return f.trouble.Play(troubles...) }

// Calls is how many calls of the API came so far.
func (f *Fake) Calls() int { return f.trouble.Calls() }

// Close ends the calls that are kept waiting, so that a server can be closed.
func (f *Fake) Close() { f.trouble.Close() }
