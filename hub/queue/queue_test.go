package queue_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/mail"
	"github.com/sheaf-hub/sheaf/hub/notify"
	"github.com/sheaf-hub/sheaf/hub/notify/outbound"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/queue"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/hub/store/storetest"
)

// redisURL names the real server, set by .ci/with-servers.
const redisURL = "SHEAF_TEST_REDIS_URL"

// yard is one database and one Redis that any number of processes share, with a
// vendor whose endpoint counts what comes, by webhook-id.
type yard struct {
	t      *testing.T
	db     *store.DB
	redis  asynq.RedisConnOpt
	flush  func()
	rooms  queue.Rooms
	outbox *outbox.Service
	vendor party.Vendor
	url    string

	mu     sync.Mutex
	ahead  time.Duration
	seen   map[string]int
	takes  time.Duration // how long the endpoint takes to answer
	mailed []string
}

// each runs a test on both databases with an in-process Redis.
func each(t *testing.T, run func(t *testing.T, y *yard)) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		mini := miniredis.RunT(t)
		run(t, newYard(t, db, asynq.RedisClientOpt{Addr: mini.Addr()}, mini.FlushAll))
	})
}

// realRedis is a database of its own on a real server; nobody else's is touched.
func realRedis(t *testing.T) (asynq.RedisConnOpt, func()) {
	t.Helper()
	address := os.Getenv(redisURL)
	if address == "" {
		t.Fatalf("%s is not set: run make test, or make test-short for the embedded half", redisURL)
	}
	options, err := redis.ParseURL(address)
	if err != nil {
		t.Fatal(err)
	}
	options.DB = 13
	client := redis.NewClient(options)
	flush := func() {
		if err := client.FlushDB(context.Background()).Err(); err != nil {
			t.Error(err)
		}
	}
	flush()
	t.Cleanup(func() { flush(); _ = client.Close() })
	return asynq.RedisClientOpt{Addr: options.Addr, Username: options.Username, Password: options.Password, DB: options.DB}, flush
}

func newYard(t *testing.T, db *store.DB, connection asynq.RedisConnOpt, flush func()) *yard {
	t.Helper()
	y := &yard{t: t, db: db, redis: connection, flush: flush, seen: map[string]int{}}
	server := httptest.NewServer(y)
	t.Cleanup(server.Close)
	y.url = server.URL
	sealer, err := store.NewSealer(store.NewSealKey())
	y.must(err)
	client, err := outbound.New(outbound.Config{AllowPrivate: []string{"127.0.0.1"}})
	y.must(err)
	parties := &party.Service{DB: db, Sealer: sealer, Now: y.now}
	y.outbox = &outbox.Service{DB: db, Sealer: sealer, Now: y.now}
	y.rooms.Notify = &notify.Service{DB: db, Outbox: y.outbox, Party: parties, Billing: &billing.Service{DB: db, Party: parties, Now: y.now}, Client: client,
		Sender: y, From: mail.Address{Email: "hub@hub.example"}, PublicURL: "https://hub.example", Jitter: notify.Jitter{}, Now: y.now}
	y.must(db.InTx(context.Background(), func(ctx context.Context, tx bun.Tx) error {
		var err error
		y.vendor, err = parties.AddVendorTx(ctx, tx, party.Profile{Name: "North", Email: "ar@north.example"}, party.VendorApproved, "whsec_x")
		return err
	}))
	_, _, err = y.outbox.PutEndpoint(context.Background(), y.vendor.ID, outbox.Webhook, y.url, []string{"*"})
	y.must(err)
	return y
}

func (y *yard) ServeHTTP(_ http.ResponseWriter, request *http.Request) {
	y.mu.Lock()
	y.seen[request.Header.Get("webhook-id")]++
	takes := y.takes
	y.mu.Unlock()
	time.Sleep(takes)
}

// Send takes mails, and panics over one.
func (y *yard) Send(_ context.Context, message mail.Message) error {
	if message.To.Email == "panic@acme.example" {
		panic("a defect")
	}
	y.mu.Lock()
	defer y.mu.Unlock()
	y.mailed = append(y.mailed, message.To.Email)
	return nil
}

func (y *yard) now() time.Time {
	y.mu.Lock()
	defer y.mu.Unlock()
	return time.Now().Add(y.ahead)
}

func (y *yard) pass(d time.Duration) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.ahead += d
}

func (y *yard) must(err error) {
	y.t.Helper()
	if err != nil {
		y.t.Fatal(err)
	}
}

// events commits n events.
func (y *yard) events(n int) {
	y.t.Helper()
	for range n {
		event, err := outbox.NewEvent(y.vendor.ID, "", outbox.CaseOpened, "", struct{}{}, y.now())
		y.must(err)
		y.must(y.outbox.AppendTx(context.Background(), y.db, event))
	}
}

func (y *yard) process(holder string, jobs ...queue.Job) *queue.Queue {
	return &queue.Queue{DB: y.db, Redis: y.redis, Rooms: y.rooms, Jobs: jobs, Concurrency: 8, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Now: y.now, Holder: holder}
}

// start runs a process; the returned function stops it and waits for it.
func (y *yard) start(process *queue.Queue) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- process.Work(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				y.t.Errorf("%s: %v", process.Holder, err)
			}
		case <-time.After(queue.ShutdownTimeout):
			y.t.Errorf("%s did not stop", process.Holder)
		}
	})
	y.t.Cleanup(stop)
	return stop
}

func (y *yard) count(table, where string) int {
	y.t.Helper()
	n := 0
	y.must(y.db.NewRaw("SELECT count(*) FROM "+table+" WHERE "+where).Scan(context.Background(), &n))
	return n
}

func (y *yard) wait(what string, done func() bool) {
	y.t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !done() {
		if time.Now().After(deadline) {
			y.t.Fatalf("not within 30 s: %s; %d deliveries are done", what, y.count("deliveries", "state = 'done'"))
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (y *yard) delivered(n int) {
	y.t.Helper()
	y.wait(fmt.Sprintf("%d deliveries", n), func() bool { return y.count("deliveries", "state = 'done'") == n })
}

// once fails unless n webhooks came, each exactly once.
func (y *yard) once(n int) {
	y.t.Helper()
	y.mu.Lock()
	defer y.mu.Unlock()
	if len(y.seen) != n {
		y.t.Errorf("%d different webhooks came, want %d", len(y.seen), n)
	}
	for id, times := range y.seen {
		if times != 1 {
			y.t.Errorf("%s came %d times", id, times)
		}
	}
}

func TestRowsAreCarriedToWorkers(t *testing.T) {
	each(t, func(t *testing.T, y *yard) {
		ctx := context.Background()
		process := y.process("one")
		var mu sync.Mutex
		handled := 0
		process.Done = func(task string, failed bool, _ time.Duration) {
			mu.Lock()
			defer mu.Unlock()
			if task == queue.TaskDeliver && !failed {
				handled++
			}
		}
		if warning, err := process.Ping(ctx); err != nil || warning != "" {
			t.Errorf("ping: %q %v", warning, err)
		}
		empty, err := process.Figures(ctx)
		if y.must(err); len(empty) != 3 || empty[0].Processed != 0 {
			t.Errorf("figures before: %+v", empty)
		}
		y.events(50)
		stop := y.start(process)
		y.delivered(50)
		y.events(10)
		y.delivered(60)
		stop()
		y.once(60)
		if mu.Lock(); handled != 60 {
			t.Errorf("%d were told of", handled)
		}
		mu.Unlock()
		figures, err := process.Figures(ctx)
		y.must(err)
		for _, f := range figures {
			if f.Name == queue.QueueNews && (f.Processed == 0 || f.Size != 0 || f.Failed != 0 || f.Archived != 0) {
				t.Errorf("figures: %+v", f)
			}
		}
	})
}

func emptied(t *testing.T, y *yard) {
	y.takes = 15 * time.Millisecond
	y.events(60)
	y.start(y.process("one"))
	y.wait("the first ones", func() bool { return y.count("deliveries", "state = 'done'") >= 5 })
	y.flush()
	y.events(20)
	time.Sleep(400 * time.Millisecond)
	y.flush()
	y.pass(21 * time.Second) // the relay's lease of what was lost
	y.wait("everything", func() bool {
		left := y.count("deliveries", "state <> 'done'")
		if left > 0 {
			y.pass(time.Second) // a flush under a running handler may need a second lease
		}
		return left == 0
	})
	y.mu.Lock()
	defer y.mu.Unlock()
	if len(y.seen) != 80 {
		t.Errorf("%d of 80 came", len(y.seen))
	}
}

func TestAnEmptiedRedisLosesNothing(t *testing.T) {
	each(t, emptied)
}

func TestAnEmptiedRealRedisLosesNothing(t *testing.T) {
	if testing.Short() { // the embedded half has no server
		return
	}
	connection, flush := realRedis(t)
	y := newYard(t, storetest.Postgres(t), connection, flush)
	if _, err := y.process("one").Ping(context.Background()); err != nil {
		t.Fatal(err)
	}
	emptied(t, y)
}

func TestTwoProcessesDeliverEachOnce(t *testing.T) {
	each(t, func(t *testing.T, y *yard) {
		y.start(y.process("one"))
		y.start(y.process("two"))
		for range 5 {
			y.events(40)
		}
		y.delivered(200)
		y.once(200)
		if n := y.count("delivery_attempts", "1 = 1"); n != 200 {
			t.Errorf("%d attempts for 200 deliveries", n)
		}
	})
}

func TestAPanicStopsNobodyElse(t *testing.T) {
	each(t, func(t *testing.T, y *yard) {
		ctx := context.Background()
		for _, to := range []string{"a@acme.example", "panic@acme.example", "b@acme.example", "c@acme.example"} {
			y.must(y.outbox.AppendMailTx(ctx, y.db, "test", mail.Message{From: mail.Address{Email: "hub@hub.example"}, To: mail.Address{Email: to}, Subject: "Hello"}, time.Time{}))
		}
		y.events(5)
		y.start(y.process("one"))
		y.wait("the other mails", func() bool { return y.count("mails", "state = 'done'") == 3 })
		y.delivered(5)
		if n := y.count("mails", "state = 'sending' AND recipient = 'panic@acme.example'"); n != 1 {
			t.Error("the one that panics is not kept")
		}
		y.pass(outbox.MailLease + time.Second) // it is due again, panics again, and still nothing stops
		y.wait("a second attempt", func() bool { return y.count("mails", "attempts = 2") == 1 })
		y.events(5)
		y.delivered(10)
	})
}

func TestStoppingLetsTheHandledFinish(t *testing.T) {
	each(t, func(t *testing.T, y *yard) {
		y.takes = 700 * time.Millisecond
		y.events(1)
		stop := y.start(y.process("one"))
		y.wait("the call", func() bool { y.mu.Lock(); defer y.mu.Unlock(); return len(y.seen) == 1 })
		stop()
		if n := y.count("deliveries", "state = 'done'"); n != 1 {
			t.Error("what was being handled was cut off")
		}
		y.once(1)
	})
}

func TestPingSaysThatRedisIsAway(t *testing.T) {
	mini := miniredis.RunT(t)
	y := newYard(t, storetest.SQLite(t), asynq.RedisClientOpt{Addr: mini.Addr()}, mini.FlushAll)
	process := y.process("one")
	mini.Close()
	if _, err := process.Ping(context.Background()); err == nil {
		t.Error("nobody answers, and nobody says so")
	}
	if _, err := process.Figures(context.Background()); err == nil {
		t.Error("figures of a Redis that is away")
	}
}

// A process whose relay is gone looks well and delivers nothing.
func TestARelayThatPanicsGoesOn(t *testing.T) {
	each(t, func(t *testing.T, y *yard) {
		hook := &faulty{}
		y.db.DB = y.db.WithQueryHook(hook)
		y.events(3)
		y.start(y.process("one"))
		y.wait("the panic", hook.panicked.Load)
		y.delivered(3)
		y.once(3)
	})
}

// faulty panics over the first look for due deliveries.
type faulty struct{ panicked atomic.Bool }

func (f *faulty) BeforeQuery(ctx context.Context, event *bun.QueryEvent) context.Context {
	if strings.Contains(event.Query, "SELECT EXISTS") && strings.Contains(event.Query, "deliveries") && f.panicked.CompareAndSwap(false, true) {
		panic("a defect")
	}
	return ctx
}

func (f *faulty) AfterQuery(context.Context, *bun.QueryEvent) {}
