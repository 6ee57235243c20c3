package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/gateway/stripe"
	"github.com/sheaf-hub/sheaf/hub/gateway/stripe/stripefake"
	"github.com/sheaf-hub/sheaf/hub/ledger"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// TestMoneySurvivesKill9 lets many customers pay many vendors through a Stripe
// that loses, doubles, shuffles and delays, while processes of the hub die of
// kill -9 at seeded moments. In the end every cent is where the ledger says, here
// and at Stripe, and nobody was paid twice or told nothing.
//
// E2E_MONEY_PAYMENTS, E2E_MONEY_KILLS and E2E_MONEY_SEED set another scale; `make
// soak` takes 5,000 and 200.
func TestMoneySurvivesKill9(t *testing.T) {
	size, payments, kills := production, 200, 16
	if testing.Short() {
		size, payments, kills = embedded, 40, 4
	}
	payments, kills = wish(t, "E2E_MONEY_PAYMENTS", payments), wish(t, "E2E_MONEY_KILLS", kills)
	u := newTurmoil(t, size, payments, kills, uint64(wish(t, "E2E_MONEY_SEED", 1)))
	u.open()
	began := time.Now()
	u.live()
	u.t.Logf("%d payment pages were paid and %d processes killed in %s", u.paid.Load(), u.deaths, time.Since(began).Round(time.Second))
	u.rest()
	u.judge()
}

func wish(t *testing.T, name string, fallback int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return fallback
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s is %q; write a number", name, text)
	}
	return n
}

// turmoil is a hub whose processes die, and all who have to do with it.
type turmoil struct {
	*hub
	seed            uint64
	payments, kills int
	random          *rand.Rand // of the killer alone
	fake            *stripefake.Fake
	post            *postman
	vendors         []*vendor
	payers          []*moneyPayer
	staff           *payment.Service // the hands of vendors' staff, who need no process of ours
	db              *store.DB
	posts           []*station
	paid            atomic.Int64 // pages of the gateway that ended well
	refunds         int
	deaths          int
	revived         time.Time // when the last process was started again
}

// station is where one process of the hub runs, again and again.
type station struct {
	base      string // "": it does not serve
	env       []string
	arguments []string
	process   *process
}

const (
	moneyVendors = 6
	moneyTopUp   = 1_000_000_000 // the hub's own money at Stripe, for the fees it bears
)

var moneyCurrencies = []string{"USD", "EUR"}

func newTurmoil(t *testing.T, size size, payments, kills int, seed uint64) *turmoil {
	t.Helper()
	u := &turmoil{hub: newHub(t, size), seed: seed, payments: payments, kills: kills, random: rand.New(rand.NewPCG(seed, 9))}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { u.fake.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	u.fake = stripefake.New(stripefake.Config{Now: now, Seed: seed, PublicBase: server.URL,
		BankDelay: 3 * time.Second, BankWait: 2 * time.Second, CardWait: 2 * time.Second})
	u.post = newPostman(u.fake, seed)
	u.env = append(u.env, "STRIPE_SECRET_KEY="+u.fake.Key(), "STRIPE_WEBHOOK_SECRET="+strings.Join(u.post.secrets(), ","), "STRIPE_API_BASE="+server.URL,
		"STRIPE_CURRENCIES="+strings.Join(moneyCurrencies, ","))
	u.posts = []*station{{base: u.base, env: u.env, arguments: []string{"serve"}}}
	if size == production { // three workers, one of which serves, and one that only serves
		second := fmt.Sprintf("127.0.0.1:%d", freePort(t))
		u.posts[0].arguments = []string{"serve", "--no-worker"}
		u.posts = append(u.posts, &station{base: "http://" + second, env: append(u.env[:len(u.env):len(u.env)], "SHEAF_ADDR="+second), arguments: []string{"serve"}},
			&station{env: u.env, arguments: []string{"work"}}, &station{env: u.env, arguments: []string{"work"}})
	}
	for _, place := range u.posts {
		if place.base != "" {
			u.post.addresses = append(u.post.addresses, place.base+"/webhooks/stripe")
		}
	}
	return u
}

func now() time.Time { return time.Now().UTC() }

// open brings vendors, their accounts at Stripe and what their customers owe.
func (u *turmoil) open() {
	u.t.Helper()
	for i := range moneyVendors {
		name := []string{"Alder", "Birch", "Cedar", "Damson", "Elder", "Fir"}[i]
		u.vendors = append(u.vendors, u.addVendor(name+" Supplies", "ar@"+strings.ToLower(name)+".example"))
	}
	for _, place := range u.posts {
		u.begin(place)
	}
	u.staffUp()
	u.post.start(u.t)
	for _, v := range u.vendors {
		u.onboard(v)
	}
	for currency := range moneyCurrencies {
		u.fake.TopUp(strings.ToLower(moneyCurrencies[currency]), moneyTopUp)
	}
	u.bill()
	if err := within(30*time.Second, func() error {
		if n := u.number("SELECT COUNT(*) FROM payout_accounts WHERE can_receive"); n != moneyVendors {
			return fmt.Errorf("%d accounts can receive", n)
		}
		return nil
	}); err != nil {
		u.t.Fatal(err)
	}
	u.fake.SetFaults(u.faults())
}

// faults are rare enough that payers get on, and frequent enough that each kind
// happens in every run.
func (u *turmoil) faults() stripefake.Faults {
	faults := stripefake.RandomFaults(u.seed, stripefake.Rates{LoseRequest: .002, LoseAnswer: .01, ErrorBefore: .004, TooMany: .004,
		Drop: .02, Duplicate: .1, Late: .1, LateBy: 4 * time.Second, Shuffle: true})
	fate := faults.Event
	faults.Event = func(e stripefake.Event) stripefake.EventFate {
		f := fate(e)
		f.Drop = f.Drop && e.Account == "" // Stripe's list has no events of vendors' own accounts
		return f
	}
	return faults
}

// begin starts the process of a place, and waits until one that serves answers.
func (u *turmoil) begin(p *station) {
	u.t.Helper()
	p.process = launch(u.t, p.env, binary(u.t), p.arguments...)
	u.server, u.workers = u.posts[0].process, nil // for what is shown when the test fails
	for _, other := range u.posts[1:] {
		u.workers = append(u.workers, other.process)
	}
	if p.base == "" {
		return
	}
	err := within(30*time.Second, func() error {
		if !p.process.running() {
			return fmt.Errorf("it ended: %s", tail(p.process.out.String(), 2000))
		}
		answer, err := quickClient().Get(p.base + "/readyz")
		if err != nil {
			return err
		}
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			return fmt.Errorf("readyz: %d", answer.StatusCode)
		}
		return nil
	})
	if err != nil {
		u.t.Fatalf("sheaf %s is not ready: %v", strings.Join(p.arguments, " "), err)
	}
}

// staffUp makes a room of the test's own on the hub's database: nobody kills it.
func (u *turmoil) staffUp() {
	u.t.Helper()
	u.hub.store.MaxConns = 4
	u.db = u.database()
	gateway, err := stripe.New(stripe.Config{Key: u.fake.Key(), WebhookSecrets: u.post.secrets(), HTTPClient: u.fake.Client(), Now: now})
	if err != nil {
		u.t.Fatal(err)
	}
	parties := &party.Service{DB: u.db, Now: now}
	u.staff = &payment.Service{DB: u.db, Party: parties, Billing: &billing.Service{DB: u.db, Party: parties, Now: now}, Ledger: &ledger.Service{DB: u.db, Now: now},
		Outbox: &outbox.Service{DB: u.db, Now: now}, Access: &access.Service{DB: u.db, Party: parties, Now: now}, PublicURL: u.base, Now: now,
		Gateway: gateway, Accounts: gateway, Disputes: gateway, Messages: gateway}
}

var moneyBoss = access.Actor{Kind: access.KindOperator, ID: "boss", Name: "Operator"}

// onboard opens the vendor's account and finishes Stripe's own form; every second
// vendor bears its fees.
func (u *turmoil) onboard(v *vendor) {
	u.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	link, err := u.staff.StartOnboarding(ctx, moneyBoss, v.ID, "US")
	if err != nil {
		u.t.Fatal(err)
	}
	if _, err := u.fake.Onboard(link, stripefake.Finish); err != nil {
		u.t.Fatal(err)
	}
	if len(v.Name)%2 == 0 {
		if err := u.staff.SetFeePolicy(ctx, moneyBoss, v.ID, payment.FeePolicy{Processing: payment.VendorBears, HubRate: 75}); err != nil {
			u.t.Fatal(err)
		}
	}
}

// live lets everybody act until the payers have paid and the killer has killed.
func (u *turmoil) live() {
	u.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(60+u.payments/2+3*u.kills)*time.Second)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- u.payAll(ctx) }()
	over, others := make(chan struct{}), make(chan struct{}, 2)
	for _, one := range []func(<-chan struct{}){u.refundNowAndThen, u.disputeNowAndThen} {
		go func() { one(over); others <- struct{}{} }()
	}
	finished := u.killAll(done)
	if !finished {
		if err := <-done; err != nil {
			u.t.Errorf("seed %d: %v", u.seed, err)
		}
	}
	close(over)
	<-others
	<-others
}

// killAll kills at seeded moments, spread over the payments; true: the payers
// ended meanwhile.
func (u *turmoil) killAll(done chan error) bool {
	u.t.Helper()
	finished := false
	for i := range u.kills {
		for u.paid.Load() < int64(i)*int64(u.payments)/int64(u.kills) && !finished {
			select {
			case err := <-done:
				if finished = true; err != nil {
					u.t.Errorf("seed %d: %v", u.seed, err)
				}
			case <-time.After(5 * time.Millisecond):
			}
		}
		time.Sleep(time.Duration(u.random.IntN(250)) * time.Millisecond)
		u.killSome()
		if (i+1)%20 == 0 {
			u.t.Logf("%d of %d deaths, %d of %d payments", i+1, u.kills, u.paid.Load(), u.payments)
		}
	}
	return finished
}

// killSome ends one process, now and then two or all, and starts them again.
func (u *turmoil) killSome() {
	u.t.Helper()
	victims := u.random.Perm(len(u.posts))
	switch most := 1; {
	case u.random.IntN(20) == 0:
	case u.random.IntN(5) == 0:
		most = min(2, len(victims))
		fallthrough
	default:
		victims = victims[:most]
	}
	u.deaths++
	for _, i := range victims {
		u.posts[i].process.kill()
	}
	time.Sleep(time.Duration(u.random.IntN(150)) * time.Millisecond)
	u.revived = now()
	for _, i := range victims {
		u.begin(u.posts[i])
	}
}

// rest waits until nothing is on its way any more: claims of the dead run out,
// what was put off is due, pages that were left open are closed.
func (u *turmoil) rest() {
	u.t.Helper()
	u.fake.SetFaults(stripefake.Faults{})
	time.Sleep(2 * time.Second) // claims that the living made before the last death are over by then
	u.lapse()
	patience := 60*time.Second + time.Duration(u.payments/20)*time.Second
	u.settleDown(patience)
	u.reconcileNow(true)
	u.settleDown(patience)
	u.post.deliverKept()
	u.settleDown(patience)
	if again := u.reconcileNow(false); !strings.Contains(again, "ok  0  messages of the gateway that never arrived") || !strings.Contains(again, "ok  0  payments that are open") {
		u.t.Errorf("seed %d: after all was quiet, this was found still:\n%s", u.seed, again)
	}
}

// reconcileNow is what an operator does after an outage. Pages that payers left
// open are past their time then.
func (u *turmoil) reconcileNow(expire bool) string {
	u.t.Helper()
	if expire {
		u.change("UPDATE payments SET expires_at = ? WHERE status = 'pending'", now())
	}
	return u.run("reconcile")
}

// lapse lets the claims of dead processes run out now: those that were made
// before the last one was started again.
func (u *turmoil) lapse() {
	u.t.Helper()
	for _, table := range []string{"deliveries", "mails", "transfers", "refunds", "reversals", "receipts"} {
		u.change("UPDATE "+table+" SET claimed_until = ?, next_attempt_at = ? WHERE state = 'sending' AND claimed_until < ?", now(), now(), u.revived.Add(payment.EffectLease))
	}
	alive := make([]string, len(u.posts))
	for i, place := range u.posts {
		alive[i] = fmt.Sprintf("holder NOT LIKE '%%/%d/%%'", place.process.command.Process.Pid)
	}
	u.change("UPDATE schedules SET leased_until = NULL WHERE " + strings.Join(alive, " AND "))
}

// settleDown waits until nothing is on its way, and hurries what was put off.
func (u *turmoil) settleDown(most time.Duration) {
	u.t.Helper()
	hurried := time.Time{}
	err := within(most, func() error {
		if time.Since(hurried) > 3*time.Second {
			hurried = time.Now()
			u.hurry()
		}
		time.Sleep(200 * time.Millisecond)
		return u.restless()
	})
	if err != nil {
		u.t.Fatalf("seed %d: it does not come to rest: %v%s", u.seed, err, u.reasons())
	}
}

// reasons is what the rows say of their last tries.
func (u *turmoil) reasons() string {
	u.t.Helper()
	type reason struct {
		What     string `bun:"what"`
		Attempts int    `bun:"attempts"`
		Words    string `bun:"words"`
	}
	var words strings.Builder
	for _, query := range []string{
		"SELECT type || ' ' || object_ref AS what, attempts, last_error AS words FROM gateway_events WHERE handled_at IS NULL LIMIT 10",
		"SELECT 'transfer ' || state || ' ' || waits_for AS what, attempts, last_answer AS words FROM transfers WHERE state <> 'done' LIMIT 10",
		"SELECT 'refund ' || state AS what, attempts, last_answer AS words FROM refunds WHERE state <> 'done' LIMIT 10",
		"SELECT 'reversal ' || state AS what, attempts, last_answer AS words FROM reversals WHERE state <> 'done' LIMIT 10",
		"SELECT 'delivery by ' || kind || ' ' || state AS what, attempts, last_answer AS words FROM deliveries WHERE state <> 'done' LIMIT 10",
		"SELECT 'job ' || name AS what, 0 AS attempts, holder || ' ' || last_result AS words FROM schedules",
	} {
		for _, r := range scan[reason](u, query) {
			fmt.Fprintf(&words, "\n\t%s, tried %d times: %s", r.What, r.Attempts, r.Words)
		}
	}
	return words.String()
}

func (u *turmoil) hurry() {
	u.t.Helper()
	soon := now().Add(2 * time.Second)
	for _, table := range []string{"transfers", "refunds", "reversals", "deliveries", "mails", "receipts"} {
		where := " WHERE state IN ('pending', 'unknown') AND next_attempt_at > ?"
		if table == "transfers" {
			where += " AND waits_for = ''"
		}
		u.change("UPDATE "+table+" SET next_attempt_at = ?"+where, now(), soon)
	}
	u.change("UPDATE gateway_events SET next_attempt_at = ? WHERE next_attempt_at > ?", now(), soon)
}

// restless says what is on its way still.
func (u *turmoil) restless() error {
	if n := u.post.waiting(); n > 0 || u.fake.Waiting() > 0 {
		return fmt.Errorf("%d messages of Stripe's are on their way, %d wait there", n, u.fake.Waiting())
	}
	for what, query := range map[string]string{
		"payments that are processing": "SELECT COUNT(*) FROM payments WHERE status = 'processing'",
		"transfers that are not done":  "SELECT COUNT(*) FROM transfers WHERE state NOT IN ('done', 'failed')",
		"refunds":                      "SELECT COUNT(*) FROM refunds WHERE state NOT IN ('done', 'failed')",
		"reversals":                    "SELECT COUNT(*) FROM reversals WHERE state NOT IN ('done', 'failed')",
		"messages of the gateway that are not followed": "SELECT COUNT(*) FROM gateway_events WHERE handled_at IS NULL",
		"deliveries": "SELECT COUNT(*) FROM deliveries WHERE state IN ('pending', 'sending')",
		"mails":      "SELECT COUNT(*) FROM mails WHERE state IN ('pending', 'sending')",
		"receipts":   "SELECT COUNT(*) FROM receipts WHERE state IN ('pending', 'sending')",
	} {
		if n := u.number(query); n > 0 {
			return fmt.Errorf("%s: %d", what, n)
		}
	}
	return nil
}

func (u *turmoil) number(query string, args ...any) int64 {
	u.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var n int64
	if err := u.db.NewRaw(query, args...).Scan(ctx, &n); err != nil {
		u.t.Fatalf("%s: %v", query, err)
	}
	return n
}

func (u *turmoil) change(query string, args ...any) {
	u.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if _, err := u.db.NewRaw(query, args...).Exec(ctx); err != nil {
		u.t.Fatalf("%s: %v", query, err)
	}
}
