package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/sheaf-hub/sheaf/hub/gateway/stripe/stripefake"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// postman carries Stripe's messages to whichever server he finds, several at
// once, again until they are taken. Some he keeps until all is over.
type postman struct {
	fake      *stripefake.Fake
	endpoints map[string]string // id → signing secret
	addresses []string
	client    *http.Client
	letters   chan *moneyLetter

	mutex   sync.Mutex
	random  *rand.Rand
	open    int // taken from Stripe and not delivered
	kept    []*moneyLetter
	refused []string // answers that no message of Stripe's may get
}

type moneyLetter struct {
	stripefake.Signed
	secret string
	tries  int
}

func newPostman(fake *stripefake.Fake, seed uint64) *postman {
	p := &postman{fake: fake, endpoints: map[string]string{}, letters: make(chan *moneyLetter, 1<<17), random: rand.New(rand.NewPCG(seed, 21)),
		client: &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 16}}}
	for _, connect := range []bool{false, true} {
		secret := fmt.Sprintf("whsec_money_%t", connect)
		p.endpoints[fake.AddEndpoint(stripefake.Endpoint{Secret: secret, Connect: connect})] = secret
	}
	return p
}

func (p *postman) secrets() []string {
	var list []string
	for _, secret := range p.endpoints {
		list = append(list, secret)
	}
	return list
}

// start carries until the test ends.
func (p *postman) start(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var carriers sync.WaitGroup
	carriers.Go(func() {
		for ctx.Err() == nil {
			p.collect()
			time.Sleep(25 * time.Millisecond)
		}
	})
	for range 8 {
		carriers.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case l := <-p.letters:
					p.deliver(l)
				}
			}
		})
	}
	t.Cleanup(func() { cancel(); carriers.Wait() })
}

func (p *postman) collect() {
	for id, secret := range p.endpoints {
		for _, signed := range p.fake.Take(id, 0) {
			l := &moneyLetter{Signed: signed, secret: secret}
			p.mutex.Lock()
			if p.random.IntN(100) == 0 {
				p.kept = append(p.kept, l)
			} else {
				p.open++
				p.letters <- l
			}
			p.mutex.Unlock()
		}
	}
}

// deliver tries once; what nobody took comes again.
func (p *postman) deliver(l *moneyLetter) {
	status, err := p.hand(l)
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if err == nil && status == http.StatusOK {
		p.open--
		return
	}
	if err == nil && status < 500 {
		p.refused = append(p.refused, fmt.Sprintf("%s %s: %d", l.Type, l.EventID, status))
	}
	l.tries++
	time.AfterFunc(min(time.Duration(l.tries)*100*time.Millisecond, 2*time.Second), func() { p.letters <- l })
}

func (p *postman) hand(l *moneyLetter) (int, error) {
	p.mutex.Lock()
	address := p.addresses[p.random.IntN(len(p.addresses))]
	p.mutex.Unlock()
	request, err := http.NewRequest(http.MethodPost, address, bytes.NewReader(l.Payload))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	request.Header.Set("Stripe-Signature", stripefake.Signature(l.Payload, l.secret, now()))
	answer, err := p.client.Do(request)
	if err != nil {
		return 0, err
	}
	defer func() { _ = answer.Body.Close() }()
	_, err = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode, err
}

func (p *postman) waiting() int {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.open
}

// deliverKept brings what is late by far: nothing may change by it.
func (p *postman) deliverKept() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for _, l := range p.kept {
		p.open++
		p.letters <- l
	}
	p.kept = nil
}

// moneyPayer is one customer with a browser.
type moneyPayer struct {
	email, currency string
	at              []int // the vendors that bill it
	quota           int   // payments
	visitor         *visitor
	random          *rand.Rand
	paid            int
	trouble         error // the last
}

const paymentsEach = 20

// bill makes the payers and sends each vendor's accounts and invoices.
func (u *turmoil) bill() {
	u.t.Helper()
	random := rand.New(rand.NewPCG(u.seed, 33))
	accounts, invoices := make([][]account, moneyVendors), make([][]invoice, moneyVendors)
	day := func(offset int) string { return now().AddDate(0, 0, offset).Format(time.DateOnly) }
	for left := u.payments; left > 0; left -= paymentsEach {
		n := len(u.payers)
		p := &moneyPayer{email: fmt.Sprintf("ap@customer%d.example", n), currency: moneyCurrencies[n%2], quota: min(left, paymentsEach),
			at: random.Perm(moneyVendors)[:3], visitor: newVisitor(u.t), random: rand.New(rand.NewPCG(u.seed, 100+uint64(n)))}
		u.payers = append(u.payers, p)
		for _, i := range p.at {
			accounts[i] = append(accounts[i], account{ExternalID: fmt.Sprintf("C-%d", n), Name: fmt.Sprintf("Customer %d", n), Currency: p.currency,
				Contacts: []contact{{Email: p.email, Role: "payables"}}})
		}
		for k := range p.quota * 9 / 4 { // two to a payment, and some that stay
			i := p.at[random.IntN(len(p.at))]
			id := fmt.Sprintf("I-%d-%d", n, k)
			invoices[i] = append(invoices[i], invoice{ExternalID: id, Number: id, Account: fmt.Sprintf("C-%d", n), IssuedOn: day(-20), DueOn: day(10), Currency: p.currency,
				Total: fmt.Sprintf("%d.%02d", 5+random.IntN(900), random.IntN(100))})
		}
	}
	for i, v := range u.vendors {
		if err := v.listen(); err != nil {
			u.t.Fatal(err)
		}
		pushAll(u.t, v, "accounts", accounts[i])
		pushAll(u.t, v, "invoices", invoices[i])
	}
}

func pushAll[T any](t testing.TB, v *vendor, kind string, records []T) {
	t.Helper()
	for start := 0; start < len(records); start += 1000 {
		if _, err := v.push(kind, records[start:min(start+1000, len(records))]); err != nil {
			t.Fatal(err)
		}
	}
}

// payAll lets the payers pay, some at a time.
func (u *turmoil) payAll(ctx context.Context) error {
	queue := make(chan *moneyPayer, len(u.payers))
	for _, p := range u.payers {
		queue <- p
	}
	close(queue)
	var payers sync.WaitGroup
	var mutex sync.Mutex
	var failures []error
	for range 10 {
		payers.Go(func() {
			for p := range queue {
				if err := u.payAs(ctx, p); err != nil {
					mutex.Lock()
					failures = append(failures, err)
					mutex.Unlock()
				}
			}
		})
	}
	payers.Wait()
	return errors.Join(failures...)
}

// payAs is one payer from the sign-in to its last payment; what fails because
// nobody answers it does again, as people do.
func (u *turmoil) payAs(ctx context.Context, p *moneyPayer) error {
	signed := false
	for p.paid < p.quota {
		if ctx.Err() != nil {
			return fmt.Errorf("%s has paid %d of %d, and time is over: %w", p.email, p.paid, p.quota, p.trouble)
		}
		if !signed {
			if signed, p.trouble = u.signedIn(p); p.trouble != nil {
				time.Sleep(100 * time.Millisecond)
			}
			continue
		}
		over, err := u.payOnce(p)
		if p.trouble = err; err != nil {
			time.Sleep(100 * time.Millisecond)
			continue
		}
		if over {
			return nil
		}
		p.paid++
		u.paid.Add(1)
	}
	return nil
}

// signedIn signs a payer in, unless it is: a process may die between the cookie
// and the page that it leads to.
func (u *turmoil) signedIn(p *moneyPayer) (bool, error) {
	if page, err := p.visitor.get(u.base + "/me"); err != nil || page.Status == http.StatusOK && page.URL.Path == "/me" {
		return err == nil, err
	}
	_, err := u.signIn(p.visitor, "/", p.email)
	return err == nil, err
}

// payOnce is one try; over: there is nothing left to pay.
func (u *turmoil) payOnce(p *moneyPayer) (over bool, err error) {
	page, err := p.visitor.get(u.base + "/me")
	if err != nil {
		return false, err
	}
	if page.Status != http.StatusOK {
		return false, fmt.Errorf("/me: %d %s", page.Status, tail(page.text(), 300))
	}
	if address, open := page.link("/continue"); open { // begun, and cut off
		checkout, err := p.visitor.get(address)
		if err != nil {
			return false, err
		}
		return false, u.decide(p, checkout)
	}
	f, found := page.form(func(n *html.Node) bool { return attr(n, "id") == "pay" })
	if !found {
		return true, nil
	}
	choices := f.choices("invoice")
	if len(choices) == 0 {
		return true, nil
	}
	p.random.Shuffle(len(choices), func(i, j int) { choices[i], choices[j] = choices[j], choices[i] })
	f.Values["invoice"] = choices[:min(1+p.random.IntN(3), len(choices))]
	checkout, err := p.visitor.check(f)
	if err != nil {
		return false, err
	}
	return false, u.decide(p, checkout)
}

// decide pays on the gateway's page, by card or by bank debit; some debits come back.
func (u *turmoil) decide(p *moneyPayer, checkout *sheet) error {
	if strings.HasPrefix(checkout.URL.String(), u.base) { // it was paid before: the receipt says so
		return paidOn(checkout)
	}
	buttons, found := checkout.form(func(n *html.Node) bool { return attr(n, "method") == "post" })
	if !found {
		return fmt.Errorf("%s (%d) is no page to pay at: %s", checkout.URL, checkout.Status, tail(checkout.text(), 300))
	}
	outcome := stripefake.Succeed
	switch n := p.random.IntN(100); {
	case n < 4:
		outcome = stripefake.BankFail
	case n < 15:
		outcome = stripefake.Bank
	}
	_, err := p.visitor.submit(buttons, "outcome", outcome)
	return err
}

// refundNowAndThen is vendors' staff: of every thirtieth payment something is given back.
func (u *turmoil) refundNowAndThen(over <-chan struct{}) {
	random := rand.New(rand.NewPCG(u.seed, 55))
	for u.pause(over) {
		if int64(u.refunds)*30 >= u.paid.Load() {
			continue
		}
		var shares []struct {
			ID       string `bun:"id"`
			VendorID string `bun:"vendor_id"`
		}
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		err := u.db.NewRaw("SELECT id, vendor_id FROM shares WHERE status = 'settled' AND refunded = 0 ORDER BY settled_at DESC LIMIT 100").Scan(ctx, &shares)
		if err == nil && len(shares) > 0 {
			share := shares[random.IntN(len(shares))]
			amount := []string{"1.00", "2.50", ""}[random.IntN(3)]
			_, err = u.staff.RequestRefund(ctx, moneyBoss, share.VendorID, payment.RefundWish{ShareID: share.ID, Amount: amount, Reason: "sent back", RequestKey: store.NewID()})
			if err == nil {
				u.refunds++
			}
		}
		cancel()
		if err != nil {
			u.t.Logf("a refund was not taken: %v", err) // a bank was faster, say
		}
	}
}

// disputeNowAndThen is payers' banks: they take back, and give some of it back again.
func (u *turmoil) disputeNowAndThen(over <-chan struct{}) {
	random := rand.New(rand.NewPCG(u.seed, 66))
	var open []string
	opened := 0
	for u.pause(over) {
		if len(open) > 2 || len(open) > 0 && random.IntN(3) == 0 {
			outcome := []string{stripefake.Won, stripefake.Lost}[random.IntN(2)]
			if err := u.fake.CloseDispute(open[0], outcome); err != nil {
				u.t.Errorf("closing a dispute: %v", err)
			}
			open = open[1:]
		}
		if int64(opened)*50 >= u.paid.Load() {
			continue
		}
		charges := u.fake.Charges()
		charge := charges[random.IntN(len(charges))]
		if charge.Status != stripefake.Succeeded || charge.Dispute != "" || charge.Refunded == charge.Amount {
			continue
		}
		dispute, err := u.fake.OpenDispute(charge.ID, 0, "fraudulent")
		if err != nil {
			u.t.Errorf("opening a dispute: %v", err)
			continue
		}
		opened++
		open = append(open, dispute)
	}
}

// pause waits a moment; false: it is over.
func (u *turmoil) pause(over <-chan struct{}) bool {
	select {
	case <-over:
		return false
	case <-time.After(150 * time.Millisecond):
		return true
	}
}
