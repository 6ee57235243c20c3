package connectortest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/money"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

// ledger is some books in memory. Each of its calls can go wrong.
type ledger struct {
	mu       sync.Mutex
	skew     time.Duration
	rev      int64
	docs     []*doc
	bookings []posted
	troubles []Trouble
	calls    int
	token    string
	renewals int
	revoked  bool
}

type doc struct {
	id, account   string
	credit        bool
	total, open   money.Amount
	due           money.Date
	void, deleted bool
	rev           int64 // of the last change
	changed       time.Time
	applied       []string
	paidByHand    bool
}

type posted struct {
	reference, invoice string
	line               int
	amount             money.Amount
}

var _ Books = (*ledger)(nil)

func newLedger() *ledger { return &ledger{token: "token 0"} }

func (l *ledger) stamp(d *doc) {
	l.rev++
	d.rev, d.changed = l.rev, time.Now().Add(l.skew)
}

func (l *ledger) post(t *testing.T, account, currency, total string, credit bool) string {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	amount, err := money.Parse(total, money.Currency(currency))
	if err != nil {
		t.Fatal(err)
	}
	d := &doc{id: fmt.Sprintf("D%d", len(l.docs)+1), account: account, credit: credit, total: amount, open: amount, due: "2026-12-01"}
	l.stamp(d)
	l.docs = append(l.docs, d)
	return d.id
}

func (l *ledger) Invoice(t *testing.T, account, currency, total string) string {
	return l.post(t, account, currency, total, false)
}

func (l *ledger) Credit(t *testing.T, account, currency, total string) string {
	return l.post(t, account, currency, total, true)
}

func (l *ledger) find(id string) *doc {
	at := slices.IndexFunc(l.docs, func(d *doc) bool { return d.id == id && !d.deleted })
	if at < 0 {
		return nil
	}
	return l.docs[at]
}

func (l *ledger) change(t *testing.T, id string, do func(*doc)) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	d := l.find(id)
	if d == nil {
		t.Fatalf("there is no %q", id)
	}
	do(d)
	l.stamp(d)
}

func (l *ledger) Change(t *testing.T, id string) {
	l.change(t, id, func(d *doc) { d.due = d.due.AddDays(1) })
}

func (l *ledger) Pay(t *testing.T, id, amount string) {
	l.change(t, id, func(d *doc) {
		paid, err := money.Parse(amount, d.total.Currency)
		if err != nil {
			t.Fatal(err)
		}
		d.open.Minor -= paid.Minor
		d.paidByHand = true
	})
}

func (l *ledger) Void(t *testing.T, id string) bool {
	l.change(t, id, func(d *doc) { d.void, d.open.Minor = true, 0 })
	return true
}

func (l *ledger) Delete(t *testing.T, id string) bool {
	l.change(t, id, func(d *doc) { d.deleted = true })
	return true
}

func (l *ledger) Open(t *testing.T, id string) string {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	d := l.find(id)
	if d == nil {
		t.Fatalf("there is no %q", id)
	}
	return d.open.Decimal()
}

func (l *ledger) Booked(t *testing.T, invoice, reference string) (int, string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	n, sum := 0, money.New(0, l.find(invoice).total.Currency)
	for _, one := range l.bookings {
		if one.reference == reference && one.invoice == invoice {
			n, sum.Minor = n+1, sum.Minor+one.amount.Minor
		}
	}
	return n, sum.Decimal()
}

func (l *ledger) Misbehave(_ *testing.T, troubles ...Trouble) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.troubles = append(l.troubles, troubles...)
	return true
}

func (l *ledger) Skew(_ *testing.T, by time.Duration) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.skew = by
	return true
}

func (l *ledger) Calls() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.calls
}

// What a call comes back with, besides what it did.
var (
	errSlower       = errors.New("429")
	errUnauthorized = errors.New("401")
	errServer       = errors.New("500")
	errNonsense     = errors.New("<html>")
	errConnection   = errors.New("connection reset")
)

// serve is one call. Do runs under the lock.
func (l *ledger) serve(ctx context.Context, token string, do func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	trouble, err := l.carryOut(token, do)
	switch trouble {
	case Throttled:
		return errSlower
	case LostAnswer, LostRequest, Cut:
		return errConnection
	case Silent:
		<-ctx.Done()
		return ctx.Err()
	case Broken, BrokenLate:
		return errServer
	case Nonsense:
		return errNonsense
	}
	return err
}

func (l *ledger) carryOut(token string, do func() error) (Trouble, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls++
	trouble := Fine
	if len(l.troubles) > 0 {
		trouble, l.troubles = l.troubles[0], l.troubles[1:]
	}
	switch trouble {
	case Expired:
		l.renewals++
		l.token = fmt.Sprintf("token %d", l.renewals)
	case Revoked:
		l.revoked = true
	case Throttled, LostRequest, Broken:
		return trouble, nil
	}
	if l.revoked || token != l.token {
		return Fine, errUnauthorized
	}
	return trouble, do()
}

// renew gives the token that is good now.
func (l *ledger) renew() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.token
}

// book is called under the lock.
func (l *ledger) book(reference string, at int, line connectors.PaymentLine, currency, fault string) error {
	d := l.find(line.Invoice)
	if d == nil || d.credit {
		if fault == "an unknown invoice passes" {
			return nil
		}
		return fmt.Errorf("%w: there is no invoice %q", connectors.ErrRefused, line.Invoice)
	}
	if string(d.total.Currency) != currency && fault != "any currency" {
		return fmt.Errorf("%w: the invoice is in %s", connectors.ErrRefused, d.total.Currency)
	}
	parse := func(text string) (money.Amount, error) {
		if text == "" {
			return money.New(0, d.total.Currency), nil
		}
		amount, err := money.Parse(text, d.total.Currency)
		if fault == "rounds what it is told" && errors.Is(err, money.ErrPrecision) {
			return money.New(500, d.total.Currency), nil
		}
		return amount, err
	}
	amount, err := parse(line.Amount)
	discount, err2 := parse(line.Discount)
	fee, err3 := parse(line.LateFee)
	if err := errors.Join(err, err2, err3); err != nil {
		return fmt.Errorf("%w: %w", connectors.ErrRefused, err)
	}
	switch fault {
	case "another amount":
		amount.Minor--
	case "forgets the discount":
		discount.Minor = 0
	case "discounts twice":
		discount.Minor *= 2
	case "books the late fee":
		fee.Minor = 0
	}
	settles := amount.Minor - fee.Minor + discount.Minor
	if amount.Minor <= 0 || settles > d.open.Minor && fault != "takes more than is open" {
		return fmt.Errorf("%w: %s cannot be booked on %s open", connectors.ErrRefused, amount, d.open)
	}
	if line.Credit != "" {
		credit := l.find(line.Credit)
		if credit == nil || credit.open.Minor < amount.Minor {
			return fmt.Errorf("%w: there is no such credit", connectors.ErrRefused)
		}
		if fault != "the credit stays" {
			credit.open.Minor -= amount.Minor
		}
		l.stamp(credit)
	}
	d.open.Minor -= settles
	d.applied = append(d.applied, reference)
	l.stamp(d)
	l.bookings = append(l.bookings, posted{reference, line.Invoice, at, money.New(amount.Minor-fee.Minor, amount.Currency)})
	return nil
}
