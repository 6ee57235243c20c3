package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/hibiken/asynq"
	"github.com/spf13/cobra"

	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/queue"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/web"
)

func serveCommand(settings *settings) *cobra.Command {
	var noWorker bool
	command := &cobra.Command{
		Use: "serve", Short: "Run the server, and a worker in the same process", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := openApp(cmd.Context(), settings, cmd.ErrOrStderr(), systemClock)
			if err != nil {
				return err
			}
			defer a.close()
			return a.run(cmd.Context(), true, !noWorker, func(string) {})
		},
	}
	command.Flags().BoolVar(&noWorker, "no-worker", false, "only serve; run `sheaf work` elsewhere")
	return command
}

func workCommand(settings *settings) *cobra.Command {
	return &cobra.Command{
		Use: "work", Short: "Run a worker", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := openApp(cmd.Context(), settings, cmd.ErrOrStderr(), systemClock)
			if err != nil {
				return err
			}
			defer a.close()
			return a.run(cmd.Context(), false, true, func(string) {})
		},
	}
}

// shutdownTime is how long requests under way may take when the server stops.
const shutdownTime = 20 * time.Second

// run serves and works until ctx ends; ready is told the address once it
// accepts connections.
func (a *app) run(ctx context.Context, serve, work bool, ready func(addr string)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if a.config.OperatorEmail != "" {
		if _, err := a.access.EnsureOperator(ctx, a.config.OperatorEmail); err != nil {
			return fmt.Errorf("SHEAF_OPERATOR_EMAIL: %w", plain(err))
		}
	}
	redis, stopRedis, err := a.openRedis(ctx)
	if err != nil {
		return err
	}
	defer stopRedis()
	carrier := a.newQueue(redis)
	ends := make(chan error, 2)
	running := 0
	if work {
		running++
		go func() { ends <- carrier.Work(ctx) }()
	}
	if serve {
		listener, err := net.Listen("tcp", a.config.Addr)
		if err != nil {
			return fmt.Errorf("listen on %s: %w. Is another program there? Set SHEAF_ADDR, or ask `sheaf doctor`", a.config.Addr, err)
		}
		running++
		go func() { ends <- a.serve(ctx, listener, carrier) }()
		ready(listener.Addr().String())
		a.log.Info("serving", "addr", listener.Addr().String(), "public", a.config.PublicURL, "worker", work)
	} else {
		a.log.Info("working")
	}
	return waitAll(ends, running, cancel)
}

// waitAll ends everything when one part ends, and waits for all of it.
func waitAll(ends <-chan error, running int, cancel context.CancelFunc) error {
	var failures []error
	for range running {
		failures = append(failures, <-ends)
		cancel()
	}
	return errors.Join(failures...)
}

func (a *app) serve(ctx context.Context, listener net.Listener, carrier *queue.Queue) error {
	server := web.New(a.webDeps(carrier))
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		stopped <- server.ShutdownWithTimeout(shutdownTime)
	}()
	if err := server.Listener(listener); err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	return <-stopped
}

// openRedis is the Redis that the settings name, or one in this process whose
// clock is moved by hand, because miniredis's own stands still.
func (a *app) openRedis(ctx context.Context) (asynq.RedisConnOpt, func(), error) {
	if a.config.RedisURL != "" {
		opt, err := redisOption(a.config.RedisURL)
		return opt, func() {}, err
	}
	mini := miniredis.NewMiniRedis()
	if err := mini.StartAddr("127.0.0.1:0"); err != nil {
		return nil, nil, fmt.Errorf("start the Redis of this process: %w", err)
	}
	done := make(chan struct{})
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer close(done)
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		last := time.Now()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				now := time.Now() // monotonic
				mini.FastForward(now.Sub(last))
				last = now
			}
		}
	}()
	return asynq.RedisClientOpt{Addr: mini.Addr()}, func() { cancel(); <-done; mini.Close() }, nil
}

func redisOption(url string) (asynq.RedisConnOpt, error) {
	opt, err := asynq.ParseRedisURI(url)
	if err != nil {
		return nil, fmt.Errorf("SHEAF_REDIS_URL: %w; write it like redis://127.0.0.1:6379/0 or redis-sentinel://…", err)
	}
	return opt, nil
}

func (a *app) newQueue(redis asynq.RedisConnOpt) *queue.Queue {
	host, err := os.Hostname()
	if err != nil {
		host = "hub"
	}
	return &queue.Queue{DB: a.db, Redis: redis, Rooms: queue.Rooms{Notify: a.notify, Reminder: a.reminder, Payment: a.payment},
		Jobs: a.jobs(), Log: a.log, Now: a.now, Holder: fmt.Sprintf("%s/%d/%s", host, os.Getpid(), strings.ToLower(store.NewID()[24:])), Done: a.metrics.task}
}

// jobs is all that recurs. A lease is as long as a process that was killed can
// hold a job up: each of these goes on next time where it was cut off.
func (a *app) jobs() []queue.Job {
	return []queue.Job{
		{Name: "digests", Every: time.Minute, Lease: 2 * time.Minute, Run: counted("planned", a.reminder.Plan)},
		{Name: "payments", Every: 10 * time.Second, Lease: time.Minute, Run: counted("looked at", a.payment.Reconcile)},
		{Name: "gateway messages", Every: 10 * time.Second, Lease: 2 * time.Minute, Run: counted("tried again", a.payment.FollowHints)},
		{Name: "chargeback deadlines", Every: 10 * time.Minute, Lease: 10 * time.Minute, Run: counted("near", a.payment.FollowDeadlines)},
		{Name: "gateway catch-up", Every: time.Hour, Lease: 20 * time.Minute, Run: counted("followed", a.payment.CatchUp)},
		{Name: "payout accounts", Every: time.Hour, Lease: 10 * time.Minute, Run: counted("looked at", a.payment.RefreshAccounts)},
		{Name: "planned payments", Every: 20 * time.Second, Lease: 2 * time.Minute, Run: counted("moved", a.payment.RunSchedules)},
		{Name: "saved methods", Every: 30 * time.Second, Lease: 2 * time.Minute, Run: counted("looked at", a.payment.TidyMethods)},
		{Name: "payouts", Every: 10 * time.Minute, Lease: 10 * time.Minute, Run: counted("accounts read", a.payment.SyncPayouts)},
		{Name: "ledger seal", Every: time.Minute, Lease: 2 * time.Minute, Run: counted("sealed", a.ledger.Seal)},
		{Name: "promises", Every: time.Hour, Lease: 10 * time.Minute, Run: counted("ended", func(ctx context.Context) (int, error) {
			return a.cases.ExpirePromises(ctx, money.DateOf(a.now(), time.UTC))
		})},
		{Name: "connections", Every: 5 * time.Second, Lease: 30 * time.Minute, Run: counted("pulled", a.syncDue)},
		{Name: "expired links", Every: time.Hour, Lease: 10 * time.Minute, Run: func(ctx context.Context) (string, error) {
			purged, err := a.access.PurgeExpired(ctx)
			return fmt.Sprintf("%d links, %d sessions", purged.SignInLinks+purged.DigestLinks, purged.Sessions), err
		}},
	}
}

func counted(word string, run func(context.Context) (int, error)) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		n, err := run(ctx)
		return fmt.Sprintf("%s %d", word, n), err
	}
}
