package e2e

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"
)

// TestRedisLost: Redis only carries. It is emptied again and again while the job
// runs, then killed in the middle of a second payment and started again.
func TestRedisLost(t *testing.T) {
	if testing.Short() {
		t.Log("the embedded half has no Redis that could be lost apart from its process: TestKill9 does that")
		return
	}
	t.Parallel()
	tr := newTrio(newHub(t, production))
	tr.start()
	tr.pushAll()
	tr.digestRun(tuesday())
	link := linkIn(tr.oneDigest().Text)

	stop, emptied := make(chan struct{}), sync.WaitGroup{}
	emptied.Go(func() {
		for {
			tr.redis.empty(t)
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	})
	tr.payAll(link)
	time.Sleep(500 * time.Millisecond)
	close(stop)
	emptied.Wait()
	tr.vendorsAreTold()

	tr.payWithoutRedis()
	for _, p := range append(tr.workers, tr.server) {
		if !p.running() {
			t.Errorf("%v ended by itself: %v", p.command.Args, p.err)
		}
	}
	tr.verify()
}

// payWithoutRedis pays one more invoice of each vendor while there is no Redis.
func (tr *trio) payWithoutRedis() {
	tr.t.Helper()
	for i, v := range tr.vendors {
		more := tr.invoices(i)[0]
		more.ExternalID, more.Number = mark(i)+"-ROW-3", mark(i)+"-2026-003"
		if _, err := v.push("invoices", []invoice{more}); err != nil {
			tr.t.Fatal(err)
		}
	}
	v := newVisitor(tr.t)
	page, err := tr.signIn(v, "/", payer)
	page = must(tr.t, page, err)
	tr.redis.process.kill()
	receipt, ready, err := v.pay(page, "succeed")
	if err != nil || !ready {
		tr.t.Fatalf("without Redis nothing could be paid: %v", err)
	}
	if err := paidOn(receipt); err != nil {
		tr.t.Error(err)
	}
	time.Sleep(2 * time.Second) // let the relay fail a few times
	tr.redis.start(tr.t)
	for _, v := range tr.vendors {
		err := within(90*time.Second, func() error {
			if n := v.receiver.events()["payment.settled"]; n != 2 {
				return fmt.Errorf("%s heard of %d payments, and should of 2", v.Name, n)
			}
			return nil
		})
		if err != nil {
			tr.t.Error(err)
		}
	}
}

// TestPostgresRestart: the database crashes in the middle. The hub's processes
// are left alone: they must find it again, and what they had acknowledged is there.
func TestPostgresRestart(t *testing.T) {
	if testing.Short() {
		t.Log("the embedded half has no PostgreSQL")
		return
	}
	t.Parallel()
	server := newPostgresServer(t)
	tr := newTrio(newHubOn(t, production, t.TempDir(), server.url()))
	tr.start()
	tr.pushAll()
	other := tr.account(0)
	other.ExternalID, other.Contacts = "ALDX-ACCOUNT-8", []contact{{Email: "ap@other-cafe.example"}}
	if _, err := tr.vendors[0].push("accounts", []account{other}); err != nil {
		t.Fatal(err)
	}

	var taken []string
	pushed := make(chan error, 1)
	stop := make(chan struct{})
	go func() { pushed <- tr.keepPushing(stop, &taken) }()
	for range 2 {
		time.Sleep(700 * time.Millisecond)
		server.crash(t)
	}
	time.Sleep(700 * time.Millisecond)
	close(stop)
	if err := <-pushed; err != nil {
		t.Fatal(err)
	}
	tr.hasAll(taken)

	tr.digestRun(tuesday())
	link := linkIn(tr.digests()[0].Text)
	crashed := make(chan struct{})
	go func() {
		defer close(crashed)
		time.Sleep(150 * time.Millisecond)
		server.crash(t)
	}()
	o := &ordeal{trio: tr, visitor: newVisitor(t)}
	if err := within(60*time.Second, func() error { return o.settle(link) }); err != nil {
		t.Fatal(err)
	}
	<-crashed
	for _, v := range tr.vendors {
		if err := within(110*time.Second, v.heardAll); err != nil {
			t.Error(err)
		}
	}
	for _, p := range append(tr.workers, tr.server) {
		if !p.running() {
			t.Errorf("%v ended by itself: %v", p.command.Args, p.err)
		}
	}
	tr.verify()
}

// keepPushing sends one new invoice after the other and keeps those that were
// acknowledged.
func (tr *trio) keepPushing(stop <-chan struct{}, taken *[]string) error {
	v := tr.vendors[0]
	for i := range 10_000 {
		select {
		case <-stop:
			return nil
		default:
		}
		one := tr.invoices(0)[1]
		one.ExternalID, one.Number, one.Account = fmt.Sprintf("ALDX-MORE-%d", i), fmt.Sprintf("ALDX-MORE-%d", i), "ALDX-ACCOUNT-8"
		if _, err := v.push("invoices", []invoice{one}); err == nil {
			*taken = append(*taken, one.ExternalID)
		} else {
			time.Sleep(20 * time.Millisecond)
		}
	}
	return nil
}

func (tr *trio) hasAll(taken []string) {
	tr.t.Helper()
	var rows []invoiceRow
	err := within(30*time.Second, func() (err error) {
		rows, err = list[invoiceRow](tr.vendors[0], "/invoices")
		return err
	})
	if err != nil {
		tr.t.Fatalf("the hub did not recover: %v", err)
	}
	if len(taken) < 20 {
		tr.t.Fatalf("only %d invoices were taken: the crash hit nothing", len(taken))
	}
	for _, id := range taken {
		if !slices.ContainsFunc(rows, func(row invoiceRow) bool { return row.ExternalID == id }) {
			tr.t.Errorf("%s was acknowledged and is gone", id)
		}
	}
	tr.t.Logf("%d invoices acknowledged over two crashes, all there", len(taken))
}
