package xero

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"github.com/sheaf-hub/sheaf/hub/money"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/xero/xerofake"
)

// mirror is what a hub keeps of the books: records and the cursor, page by page.
type mirror struct {
	cursor   string
	accounts map[string]connectors.Account
	invoices map[string]connectors.Invoice
	credits  map[string]connectors.Credit
	rejected []connectors.Rejected
	pages    int
	records  int
}

func newMirror() *mirror {
	return &mirror{accounts: map[string]connectors.Account{}, invoices: map[string]connectors.Invoice{}, credits: map[string]connectors.Credit{}}
}

func (m *mirror) store(page connectors.Page) {
	for _, one := range page.Accounts {
		m.accounts[one.ExternalID] = one
	}
	for _, one := range page.Invoices {
		m.invoices[one.ExternalID] = one
	}
	for _, one := range page.Credits {
		m.credits[one.ExternalID] = one
	}
	for _, id := range page.Gone {
		delete(m.invoices, id)
		delete(m.credits, id)
	}
	m.rejected = append(m.rejected, page.Rejected...)
	m.cursor = page.Cursor
	m.pages++
	m.records += len(page.Accounts) + len(page.Invoices) + len(page.Credits) + len(page.Gone)
}

// pull reads to the end, whatever befalls it.
func (m *mirror) pull(t *testing.T, client *Client, between func() error) {
	t.Helper()
	for range 500 {
		err := client.Pull(t.Context(), m.cursor, func(page connectors.Page) error {
			if err := between(); err != nil {
				return err
			}
			m.store(page)
			return nil
		})
		if err == nil {
			return
		}
		if !errors.Is(err, errCrash) && !errors.Is(err, connectors.ErrUnreachable) && !errors.Is(err, connectors.ErrThrottled) {
			t.Fatal(err)
		}
	}
	t.Fatal("the pull comes to no end")
}

var errCrash = errors.New("the hub crashed before it stored the page")

// vendor changes its books at random.
type vendor struct {
	*world
	random   *rand.Rand
	invoices []string
	credits  []string // as the hub knows them
}

func (v *vendor) act() {
	cents := int64(100 + v.random.IntN(10000))
	name := fmt.Sprintf("Customer %d", v.random.IntN(12))
	some := ""
	if len(v.invoices) > 0 {
		some = v.invoices[v.random.IntN(len(v.invoices))]
	}
	switch v.random.IntN(8) { // what Xero does not let it do changes nothing
	case 0, 1, 2:
		v.invoices = append(v.invoices, v.fake.AddInvoice(name, money.New(cents, "EUR")))
	case 3:
		kinds := []creditKind{creditNotes, overpayments, prepayments}
		kind := kinds[v.random.IntN(3)]
		v.credits = append(v.credits, kind.prefix+v.fake.AddCredit(strings.TrimPrefix(kind.path, "/"), name, money.New(cents, "EUR")))
	case 4:
		_ = v.fake.Redate(some, money.Date(fmt.Sprintf("2027-01-%02d", 1+v.random.IntN(28))))
	case 5:
		if left, ok := v.fake.Open(some); ok && left.Minor > 0 {
			_ = v.fake.Receive(some, money.New(1+v.random.Int64N(left.Minor), "EUR"), "by hand")
		}
	case 6:
		if left, ok := v.fake.Open(some); ok && left.Minor > 0 {
			_ = v.fake.Receive(some, left, "by hand")
		}
	case 7:
		if v.random.IntN(2) == 0 {
			_ = v.fake.Void(some)
		} else {
			_ = v.fake.Delete(some)
		}
	}
}

// compare holds a mirror against the books: what is open there is there as it is, and
// nothing else is open.
func (v *vendor) compare(t *testing.T, m *mirror) {
	t.Helper()
	for _, id := range v.invoices {
		left, _ := v.fake.Open(id)
		seen, known := m.invoices[id]
		switch {
		case left.Minor > 0 && (!known || seen.Open != left || seen.Status != connectors.StatusOpen):
			t.Errorf("invoice %s has %s open, the hub thinks %s %q (known: %t)", id, left, seen.Open, seen.Status, known)
		case left.Minor == 0 && known && (seen.Status == connectors.StatusOpen || !seen.Open.Zero()):
			t.Errorf("invoice %s is closed, the hub thinks %s %q", id, seen.Open, seen.Status)
		case known && m.accounts[seen.Account].Name == "":
			t.Errorf("the account of invoice %s never came", id)
		}
	}
	for _, id := range v.credits {
		_, plain, _ := splitCredit(id)
		if left, _ := v.fake.Open(plain); m.credits[id].Open != left {
			t.Errorf("credit %s has %s open, the hub thinks %s", id, left, m.credits[id].Open)
		}
	}
	if len(m.rejected) > 0 {
		t.Errorf("rejected: %+v", m.rejected)
	}
}

// TestNothingIsLost reads books that change between pages, over a connection that
// breaks and in a hub that crashes.
func TestNothingIsLost(t *testing.T) {
	for seed := range uint64(6) {
		// Old records and later changes are so far apart: one thing after the other, or
		// all of it long ago in one go.
		for _, pace := range []struct{ old, apart time.Duration }{{0, 0}, {300 * time.Millisecond, 300 * time.Millisecond}, {4 * time.Second, 4 * time.Second},
			{time.Minute, time.Minute}, {0, 3 * time.Minute}, {0, time.Hour}} {
			apart := pace.apart
			t.Run(fmt.Sprintf("%d %s and %s apart", seed, pace.old, apart), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, xerofake.Config{PageMost: 2 + int(seed%5), Seed: seed})
				v := &vendor{world: w, random: rand.New(rand.NewPCG(seed, uint64(pace.old+apart)))}
				for range 30 {
					v.act()
					w.clock.pass(pace.old)
				}
				w.clock.pass(apart)
				v.invoices = append(v.invoices, w.fake.AddInvoice("Customer 1", money.New(100, "EUR")))
				m := newMirror()
				changes := 60
				between := func() error {
					for range v.random.IntN(3) {
						if changes--; changes > 0 {
							v.act()
							w.clock.pass(apart)
						}
					}
					switch v.random.IntN(6) {
					case 0:
						w.fake.Misbehave([]xerofake.Trouble{xerofake.Throttled, xerofake.Expired, xerofake.LostAnswer, xerofake.LostRequest, xerofake.Broken,
							xerofake.BrokenLate, xerofake.Nonsense, xerofake.Cut}[v.random.IntN(8)])
					case 1:
						return errCrash
					}
					return nil
				}
				for range 4 {
					m.pull(t, w.client, between)
				}
				m.pull(t, w.client, func() error { return nil }) // and once in peace
				v.compare(t, m)
				before := m.records
				m.pull(t, w.client, func() error { return nil })
				if m.records != before {
					t.Errorf("books that did not change gave %d records again", m.records-before)
				}
			})
		}
	}
}

// TestAChangeThatShowsLate has a time that lies before what was read already.
func TestAChangeThatShowsLate(t *testing.T) {
	w := filled(t, time.Minute)
	m := newMirror()
	quiet := func() error { return nil }
	m.pull(t, w.client, quiet)
	id := w.fake.AddInvoice("Acme", money.New(4200, "EUR"))
	if err := w.fake.Backdate(id, overlap-time.Second); err != nil {
		t.Fatal(err)
	}
	m.pull(t, w.client, quiet)
	if _, known := m.invoices[id]; !known {
		t.Error("it was not read")
	}
}

func TestAPullOfQuietBooksIsCheap(t *testing.T) {
	w := filled(t, time.Minute)
	m := newMirror()
	quiet := func() error { return nil }
	m.pull(t, w.client, quiet)
	before := w.fake.Calls()
	m.pull(t, w.client, quiet)
	if calls := w.fake.Calls() - before; calls != len(lists()) {
		t.Errorf("%d calls, want one per list", calls)
	}
}

func TestManyInvoicesComeInFewPages(t *testing.T) {
	w := newWorld(t, xerofake.Config{})
	for range 1700 {
		w.fake.AddInvoice("Acme", money.New(100, "EUR"))
	}
	m := newMirror()
	m.pull(t, w.client, func() error { return nil })
	if len(m.invoices) != 1700 || m.pages > 9 || len(m.cursor) > 8<<10 {
		t.Errorf("%d invoices on %d pages; the cursor has %d bytes", len(m.invoices), m.pages, len(m.cursor))
	}
}

// TestBooksWithAnotherClock are ahead or behind by hours.
func TestBooksWithAnotherClock(t *testing.T) {
	for _, skew := range []time.Duration{-5 * time.Hour, 5 * time.Hour} {
		w := newWorld(t, xerofake.Config{PageMost: 3})
		w.fake.Skew(skew)
		access, refresh, ends := w.fake.SignIn()
		w.tokens.kept = connectors.Token{Access: access, Refresh: refresh, ExpiresAt: ends}
		id := w.fake.AddInvoice("Acme", money.New(10000, "EUR"))
		m := newMirror()
		m.pull(t, w.client, func() error { return nil })
		w.clock.pass(10 * time.Minute)
		if err := w.fake.Receive(id, money.New(4000, "EUR"), "PAY-1"); err != nil {
			t.Fatal(err)
		}
		m.pull(t, w.client, func() error { return nil })
		if got := m.invoices[id]; got.Open != money.New(6000, "EUR") || !slices.Equal(got.Applied, []string{"PAY-1"}) {
			t.Errorf("skew %s: %+v", skew, got)
		}
	}
}

func TestWhatIsClosedWhileTheFirstPullRuns(t *testing.T) {
	w := newWorld(t, xerofake.Config{PageMost: 2})
	var ids []string
	for range 6 {
		ids = append(ids, w.fake.AddInvoice("Acme", money.New(10000, "EUR")))
		w.clock.pass(time.Hour)
	}
	deleted, cancelled, settled := ids[0], ids[1], ids[2]
	m, once := newMirror(), false
	m.pull(t, w.client, func() error {
		if len(m.invoices) < 4 || once {
			return nil
		}
		once = true
		return errors.Join(w.fake.Delete(deleted), w.fake.Void(cancelled), w.fake.Receive(settled, money.New(10000, "EUR"), ""))
	})
	if _, known := m.invoices[deleted]; known {
		t.Error("a deleted invoice did not go")
	}
	if m.invoices[cancelled].Status != connectors.StatusVoid || m.invoices[settled].Status != connectors.StatusPaid {
		t.Errorf("%+v, %+v", m.invoices[cancelled], m.invoices[settled])
	}
}

func TestCursorsThatAreNotOurs(t *testing.T) {
	w := newWorld(t, xerofake.Config{})
	for _, text := range []string{"x", "{}", `{"v":1}`, `{"v":1,"list":9,"lists":[{},{},{},{},{}]}`, `{"v":1,"pages":-1,"lists":[{},{},{},{},{}]}`, strings.Repeat("x", mostCursor+1)} {
		err := w.client.Pull(t.Context(), text, func(connectors.Page) error { return nil })
		if !errors.Is(err, connectors.ErrCursor) {
			t.Errorf("%.40q: %v", text, err)
		}
	}
}

// TestLimits passes each of Xero's limits.
func TestLimits(t *testing.T) {
	for name, one := range map[string]struct {
		limits      xerofake.Limits
		least, most time.Duration
	}{
		"minute": {xerofake.Limits{AtOnce: -1, Minute: 10, Day: -1}, time.Second, time.Minute},
		"day":    {xerofake.Limits{AtOnce: -1, Minute: -1, Day: 10}, 23 * time.Hour, 24 * time.Hour},
	} {
		w := newWorld(t, xerofake.Config{Limits: one.limits})
		w.clock.pass(time.Second)
		var throttled *connectors.ThrottledError
		for range 3 {
			if err := w.client.Pull(t.Context(), "", func(connectors.Page) error { return nil }); errors.As(err, &throttled) {
				break
			}
		}
		if throttled == nil || throttled.RetryAfter < one.least || throttled.RetryAfter > one.most {
			t.Fatalf("%s: %+v", name, throttled)
		}
		w.clock.pass(throttled.RetryAfter)
		w.tokens.kept.Access, w.tokens.kept.Refresh, w.tokens.kept.ExpiresAt = w.fake.SignIn()
		if err := w.client.Check(t.Context()); err != nil {
			t.Errorf("%s: after the wait: %v", name, err)
		}
	}
}

func TestTooManyAtOnce(t *testing.T) {
	w := newWorld(t, xerofake.Config{Limits: xerofake.Limits{Minute: -1, Day: -1}})
	w.fake.Misbehave(slices.Repeat([]xerofake.Trouble{xerofake.Silent}, 5)...)
	other := w.connect(t, nil) // has limits of its own
	other.timeout = 300 * time.Millisecond
	results := make(chan error)
	for range 5 {
		go func() {
			_, err := other.history(t.Context(), "/Invoices/"+w.fake.Tenant())
			results <- err
		}()
	}
	for w.fake.Calls() < 5 {
		time.Sleep(time.Millisecond)
	}
	var throttled *connectors.ThrottledError
	if err := w.client.Check(t.Context()); !errors.As(err, &throttled) || throttled.RetryAfter != waitOthers {
		t.Errorf("a sixth call at once: %v", err)
	}
	for range 5 {
		if err := <-results; !errors.Is(err, connectors.ErrUnreachable) {
			t.Error(err)
		}
	}
}

// TestOurOwnLimits: no minute sees more than Xero takes, and connectors of one
// organisation share them.
func TestOurOwnLimits(t *testing.T) {
	if burst+perMinute > 60 || mostAtOnce > 5 {
		t.Error("the limits are above Xero's")
	}
	w := newWorld(t, xerofake.Config{})
	server := &Server{App: w.app, API: w.api}
	settings := map[string]string{"tenant": w.fake.Tenant(), connectors.PaymentAccount: xerofake.BankCode}
	first, err := server.connect(settings, w.deps)
	if err != nil {
		t.Fatal(err)
	}
	second, err := server.connect(settings, w.deps)
	if err != nil {
		t.Fatal(err)
	}
	if first.limits != second.limits || first.limits.rate.Limit() != rate.Limit(perMinute)/60 {
		t.Errorf("limits %v and %v", first.limits, second.limits)
	}
}
