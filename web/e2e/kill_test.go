package e2e

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/uptrace/bun/driver/pgdriver"

	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/hub/store/storetest"
)

// atOnce is how many of the runs below go side by side: most of their time is
// waiting for claims of the dead to run out.
const atOnce = 8

// TestKill9 runs the main job again and again, with kill -9 of its processes at
// random moments. E2E_KILLS says how often; each seed is one run.
func TestKill9(t *testing.T) {
	kills := 50
	if testing.Short() {
		kills = 5
	}
	if wish := os.Getenv("E2E_KILLS"); wish != "" {
		var err error
		if kills, err = strconv.Atoi(wish); err != nil {
			t.Fatalf("E2E_KILLS is %q; write a number", wish)
		}
	}
	molds := map[size]*mold{}
	for _, size := range sizes() {
		molds[size] = newMold(t, size)
	}
	seeds := make(chan int)
	var workers sync.WaitGroup
	for range atOnce {
		workers.Go(func() {
			for seed := range seeds {
				size := embedded
				if seed%5 == 4 && molds[production] != nil {
					size = production
				}
				t.Run(fmt.Sprintf("%02d-%s", seed, size), func(t *testing.T) { newOrdeal(t, molds[size], seed).run() })
			}
		})
	}
	for seed := range kills {
		seeds <- seed
	}
	close(seeds)
	workers.Wait()
}

// mold is a hub that has three vendors and nothing else, to be copied.
type mold struct {
	size     size
	folder   string
	database string // URL; production
	vendors  []*vendor
}

func newMold(t *testing.T, size size) *mold {
	t.Helper()
	h := newHub(t, size)
	return &mold{size: size, folder: h.folder, database: h.store.URL, vendors: newTrio(h).vendors}
}

// cast makes a hub of its own from the mold.
func (m *mold) cast(t *testing.T) *trio {
	t.Helper()
	folder, database := t.TempDir(), ""
	if m.size == production {
		database = m.copyDatabase(t)
	} else if err := os.CopyFS(folder, os.DirFS(m.folder)); err != nil && !errors.Is(err, fs.ErrExist) {
		t.Fatal(err)
	}
	tr := &trio{hub: newHubOn(t, m.size, folder, database), due: time.Now().UTC().AddDate(0, 0, -20)}
	for _, like := range m.vendors {
		v := &vendor{hub: tr.hub, receiver: newReceiver(t), Email: like.Email, ID: like.ID, Name: like.Name, APIKey: like.APIKey, WebhookSecret: like.WebhookSecret}
		v.receiver.trust(t, v.WebhookSecret)
		tr.vendors = append(tr.vendors, v)
	}
	return tr
}

func (m *mold) copyDatabase(t *testing.T) string {
	t.Helper()
	from, err := url.Parse(m.database)
	if err != nil {
		t.Fatal(err)
	}
	server := sql.OpenDB(pgdriver.NewConnector(pgdriver.WithDSN(os.Getenv(storetest.PostgresURL))))
	name := "sheaf_" + strings.ReplaceAll(store.NewID(), "-", "")
	admin := func(statement string) error {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		_, err := server.ExecContext(ctx, statement)
		return err
	}
	// another copy may be made just now, and keeps the mold to itself meanwhile
	if err := within(20*time.Second, func() error {
		return admin("CREATE DATABASE " + name + " TEMPLATE " + filepath.Base(from.Path))
	}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := admin("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			t.Error(err)
		}
		_ = server.Close()
	})
	from.Path = "/" + name
	return from.String()
}

// ordeal is one run with its deaths.
type ordeal struct {
	*trio
	seed    int
	random  *rand.Rand // of the killer alone
	worker  bool       // the digest is sent by the worker's own schedule, not by `digest run`
	lapses  bool       // claims of dead processes run out at once, instead of after a minute or two
	at      time.Time
	revived time.Time // when the last process was started again
	visitor *visitor
	signed  bool

	took  atomic.Int64 // of the journey; 0 while it lasts
	early int          // deaths before its end
	mutex sync.Mutex
	cli   *process // `digest run`, while it runs
}

func newOrdeal(t *testing.T, m *mold, seed int) *ordeal {
	o := &ordeal{trio: m.cast(t), seed: seed, random: rand.New(rand.NewPCG(uint64(seed), 9)), at: tuesday(), visitor: newVisitor(t)}
	o.worker, o.lapses = seed%2 == 0, m.size == embedded && seed%8 != 0
	o.mail.Delay(time.Duration(o.random.IntN(200)) * time.Millisecond)
	for _, v := range o.vendors {
		v.receiver.dawdle(time.Duration(o.random.IntN(150)) * time.Millisecond)
	}
	if seed%6 == 5 { // a receiver that fails at first
		o.vendors[o.random.IntN(3)].receiver.answer(http.StatusServiceUnavailable, 1)
	}
	return o
}

func (o *ordeal) run() {
	o.start()
	done := make(chan error, 1)
	began := time.Now()
	go func() {
		done <- o.journey()
		o.took.Store(int64(time.Since(began)))
	}()
	o.kill()
	if err := <-done; err != nil {
		o.t.Fatalf("seed %d: %v", o.seed, err)
	}
	if o.lapses {
		o.lapse()
	}
	o.judge()
	o.t.Logf("%d deaths before the job was done", o.early)
}

// kill ends processes at random moments, and starts them again.
func (o *ordeal) kill() {
	for range 2 + o.random.IntN(4) {
		time.Sleep(time.Duration(o.random.IntN(450)) * time.Millisecond)
		if o.took.Load() == 0 {
			o.early++
		}
		victim := o.random.IntN(4)
		server, workers := o.size == embedded && victim < 3 || victim == 0 || victim == 3, o.size == production && victim != 0
		o.mutex.Lock()
		if cli := o.cli; cli != nil && (victim == 3 || o.size == production && victim == 2) {
			cli.kill()
		}
		o.mutex.Unlock()
		if server {
			o.server.kill()
		}
		if workers {
			o.workers[0].kill()
			o.workers[1].kill()
		}
		time.Sleep(time.Duration(o.random.IntN(150)) * time.Millisecond)
		if workers {
			o.workers = nil
			o.startWorker()
			o.startWorker()
		}
		o.revived = time.Now().UTC()
		if server {
			o.startServer()
		}
	}
}

// journey is what vendors and the customer do; what fails because nobody answers
// they do again, as people and programs would.
func (o *ordeal) journey() error {
	const patience = 45 * time.Second
	for i := range o.vendors {
		if err := within(patience, func() error { return o.push(i) }); err != nil {
			return fmt.Errorf("pushing: %w", err)
		}
	}
	link, err := o.remind(patience)
	if err != nil {
		return fmt.Errorf("reminding: %w", err)
	}
	if err := within(patience, func() error { return o.settle(link) }); err != nil {
		return fmt.Errorf("paying: %w", err)
	}
	return nil
}

// remind has the digest sent; the link is empty when it never left, or nobody
// can know, because somebody was killed in the middle of it.
func (o *ordeal) remind(patience time.Duration) (string, error) {
	if o.worker {
		return o.remindByWorker(patience)
	}
	for i := range 4 {
		moment := o.at
		if i > 0 {
			moment = o.at.Add(3 * time.Minute) // claims of the dead have run out by then
		}
		if err := within(patience, func() error { return o.digestCommand(moment) }); err != nil {
			return "", err
		}
		if link := o.link(); link != "" {
			return link, nil
		}
	}
	return "", nil
}

// digestCommand is `digest run` where the killer finds it.
func (o *ordeal) digestCommand(at time.Time) error {
	o.mutex.Lock()
	cli, err := begin(o.env, binary(o.t), "digest", "run", "--now", at.Format(time.RFC3339))
	o.cli = cli
	o.mutex.Unlock()
	if err != nil {
		return err
	}
	<-cli.ended
	o.mutex.Lock()
	o.cli = nil
	o.mutex.Unlock()
	if cli.err != nil {
		return fmt.Errorf("digest run: %w: %s", cli.err, cli.out.String())
	}
	return nil
}

// remindByWorker lets the hour of the contact come now, for the hub's own schedule.
func (o *ordeal) remindByWorker(patience time.Duration) (string, error) {
	db := o.database()
	defer func() { _ = db.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	now := time.Now().UTC()
	if _, err := db.ExecContext(ctx, "UPDATE contacts SET next_digest_at = ?", now); err != nil {
		return "", err
	}
	if _, err := db.ExecContext(ctx, "UPDATE schedules SET next_at = ?, leased_until = NULL WHERE name = 'digests'", now); err != nil {
		return "", err
	}
	link := ""
	_ = within(6*time.Second, func() error {
		if link = o.link(); link == "" {
			return errors.New("not yet")
		}
		return nil
	})
	return link, nil
}

func (o *ordeal) link() string {
	for _, message := range o.digests() {
		return linkIn(message.Text)
	}
	return ""
}

// settle is one try at paying everything, from the digest's link or else signed in.
func (o *ordeal) settle(link string) error {
	v := o.visitor
	if link == "" {
		if !o.signed {
			if _, err := o.signIn(v, "/", payer); err != nil {
				return err
			}
			o.signed = true
		}
		link = o.base + "/me"
	}
	page, err := v.get(link)
	if err != nil {
		return err
	}
	receipt, ready, err := v.pay(page, "succeed")
	switch {
	case err != nil:
		return err
	case ready:
		return paidOn(receipt)
	}
	if address, open := page.link("/continue"); open {
		return o.goOn(address)
	}
	return o.allPaid()
}

// goOn continues a checkout that was begun before somebody died.
func (o *ordeal) goOn(address string) error {
	checkout, err := o.visitor.get(address)
	if err != nil {
		return err
	}
	if _, open := checkout.byAction("/sandbox/checkout/"); open {
		receipt, err := o.visitor.press(checkout, "succeed")
		if err != nil {
			return err
		}
		return paidOn(receipt)
	}
	if back, found := checkout.link("/pay/"); found {
		if checkout, err = o.visitor.get(back); err != nil {
			return err
		}
	}
	return paidOn(checkout)
}

func paidOn(receipt *sheet) error {
	if len(find(receipt.root, hasPaid)) == 0 {
		return fmt.Errorf("%s (%d) does not say that it is paid: %s", receipt.URL.Path, receipt.Status, tail(receipt.text(), 500))
	}
	return nil
}

func (o *ordeal) allPaid() error {
	for _, v := range o.vendors {
		rows, err := list[invoiceRow](v, "/invoices")
		if err != nil {
			return err
		}
		for _, row := range rows {
			if row.Open != "0.00" {
				return fmt.Errorf("%s can be neither ticked nor continued, and %s is open", row.ExternalID, row.Open)
			}
		}
	}
	return nil
}

// lapse lets the claims of dead processes run out now: those that were made
// before the last one was started again.
func (o *ordeal) lapse() {
	o.t.Helper()
	db := o.database()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	now := time.Now().UTC()
	for table, lease := range map[string]time.Duration{"deliveries": 60 * time.Second, "mails": 60 * time.Second, "transfers": 60 * time.Second, "receipts": 60 * time.Second, "digests": 2 * time.Minute} {
		if _, err := db.ExecContext(ctx, "UPDATE "+table+" SET claimed_until = ?, next_attempt_at = ? WHERE state = 'sending' AND claimed_until < ?",
			now, now, o.revived.Add(lease)); err != nil {
			o.t.Fatal(err)
		}
		if _, err := db.ExecContext(ctx, "UPDATE "+table+" SET next_attempt_at = ? WHERE state = 'pending' AND next_attempt_at < ?", now, o.revived.Add(20*time.Second)); err != nil {
			o.t.Fatal(err)
		}
	}
	alive := fmt.Sprintf("%%/%d/%%", o.server.command.Process.Pid)
	if _, err := db.ExecContext(ctx, "UPDATE schedules SET leased_until = NULL WHERE holder NOT LIKE ?", alive); err != nil {
		o.t.Fatal(err)
	}
}
