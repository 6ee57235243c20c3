// Package queue carries work to workers with Asynq, and nothing more: tasks
// hold ids, rows hold the truth. What Redis loses is found again by the relay,
// which looks for due rows and enqueues them anew.
package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/hibiken/asynq"

	"github.com/sheaf-hub/sheaf/hub/notify"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/reminder"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// Task names.
const (
	TaskDeliver  = "delivery:send"
	TaskMail     = "mail:send"
	TaskDigest   = "digest:send"
	TaskTransfer = "transfer:send"
	TaskRefund   = "refund:send"
	TaskReversal = "reversal:send"
	TaskReceipt  = "receipt:send"
	TaskEvidence = "evidence:send"
)

// Queues and their weights: a worker takes from money twice as often as from mail.
const (
	QueueMoney = "money"
	QueueNews  = "news"
	QueueMail  = "mail"
)

// Times. A handler ends before the shutdown does, so that a stopping worker
// cuts nothing off.
const (
	HandlerTimeout  = 40 * time.Second
	ShutdownTimeout = 45 * time.Second
	relayEvery      = 300 * time.Millisecond
	relayLease      = 20 * time.Second // how long an enqueued row is not enqueued again
	relayBatch      = 500
	perTask         = 20 // rows of one vendor that one task carries
)

// Rooms are what the handlers call.
type Rooms struct {
	Notify   *notify.Service
	Reminder *reminder.Service
	Payment  *payment.Service
}

// Queue is the carrier of one process.
type Queue struct {
	DB          *store.DB
	Redis       asynq.RedisConnOpt
	Rooms       Rooms
	Jobs        []Job
	Concurrency int // 0: 16
	Log         *slog.Logger
	Now         func() time.Time
	Holder      string // names this process in leases
	// Done is told of each handled task and of each relayed row, for metrics; may be nil.
	Done func(task string, failed bool, took time.Duration)
}

// source is one table of due rows and the task that handles them.
type source struct {
	table store.JobTable
	group string // column by which one task may carry several rows
	task  string
	queue string
	batch int
}

func sources() []source {
	return []source{
		{payment.Transfers, "vendor_id", TaskTransfer, QueueMoney, 1},
		{payment.Refunds, "vendor_id", TaskRefund, QueueMoney, 1},
		{payment.Reversals, "vendor_id", TaskReversal, QueueMoney, 1},
		{payment.Submissions, "id", TaskEvidence, QueueMoney, 1},
		{outbox.Deliveries, "vendor_id", TaskDeliver, QueueNews, perTask},
		{outbox.Mails, "id", TaskMail, QueueMail, 1},
		{reminder.Digests, "contact_id", TaskDigest, QueueMail, 1},
		{payment.Receipts, "contact_id", TaskReceipt, QueueMail, 1},
	}
}

// payload is what a task carries.
type payload struct {
	Refs []store.JobRef `json:"refs"`
}

// Work runs workers, relay and schedule until ctx ends, then lets what is being
// handled finish.
func (q *Queue) Work(ctx context.Context) error {
	concurrency := q.Concurrency
	if concurrency == 0 {
		concurrency = 16
	}
	server := asynq.NewServer(q.Redis, asynq.Config{
		Concurrency: concurrency, ShutdownTimeout: ShutdownTimeout, TaskCheckInterval: 500 * time.Millisecond,
		Queues:   map[string]int{QueueMoney: 4, QueueNews: 3, QueueMail: 2},
		Logger:   logger{q.Log},
		LogLevel: asynq.WarnLevel,
	})
	if err := server.Start(q.mux()); err != nil {
		return fmt.Errorf("start the workers: %w", err)
	}
	client := asynq.NewClient(q.Redis)
	relayDone := make(chan struct{})
	go q.guard("relay", func() { defer close(relayDone); q.relay(ctx, client) })
	q.schedule(ctx)
	<-relayDone
	server.Shutdown()
	return client.Close()
}

// guard keeps one loop's panic from ending the process without a word.
func (q *Queue) guard(what string, run func()) {
	defer func() {
		if fault := recover(); fault != nil {
			q.Log.Error("a background loop panicked", "loop", what, "fault", fault)
		}
	}()
	run()
}

func (q *Queue) mux() *asynq.ServeMux {
	mux := asynq.NewServeMux()
	mux.HandleFunc(TaskDeliver, q.each(q.Rooms.Notify.Deliver))
	mux.HandleFunc(TaskMail, q.each(q.Rooms.Notify.SendMail))
	mux.HandleFunc(TaskDigest, q.each(q.Rooms.Reminder.Send))
	mux.HandleFunc(TaskTransfer, q.each(q.Rooms.Payment.SendTransfer))
	mux.HandleFunc(TaskRefund, q.each(q.Rooms.Payment.SendRefund))
	mux.HandleFunc(TaskReversal, q.each(q.Rooms.Payment.SendReversal))
	mux.HandleFunc(TaskReceipt, q.each(q.Rooms.Payment.SendReceipt))
	mux.HandleFunc(TaskEvidence, q.each(q.Rooms.Payment.SendEvidence))
	return mux
}

// each handles the rows of one task, one after the other. A row that fails
// says so in the log and is due again by itself; Asynq's own retries would only
// repeat what the rows know better.
func (q *Queue) each(handle func(context.Context, store.JobRef) error) asynq.HandlerFunc {
	return func(ctx context.Context, task *asynq.Task) error {
		var body payload
		if err := json.Unmarshal(task.Payload(), &body); err != nil {
			return fmt.Errorf("decode %s: %w: %w", task.Type(), err, asynq.SkipRetry)
		}
		for _, ref := range body.Refs {
			if ctx.Err() != nil {
				return nil // the rest is due again soon
			}
			q.handle(ctx, task.Type(), ref, handle)
		}
		return nil
	}
}

func (q *Queue) handle(ctx context.Context, task string, ref store.JobRef, handle func(context.Context, store.JobRef) error) {
	started := q.Now()
	failed := true
	defer func() {
		if fault := recover(); fault != nil {
			q.Log.Error("a handler panicked", "task", task, "id", ref.ID, "fault", fault)
		}
		if q.Done != nil {
			q.Done(task, failed, q.Now().Sub(started))
		}
	}()
	if err := handle(ctx, ref); err != nil {
		q.Log.Error("a task failed", "task", task, "id", ref.ID, "attempt", ref.Attempt, "error", err)
		return
	}
	failed = false
}

// relay looks for due rows again and again and enqueues their ids.
func (q *Queue) relay(ctx context.Context, client *asynq.Client) {
	ticker := time.NewTicker(relayEvery)
	defer ticker.Stop()
	for {
		for _, source := range sources() {
			q.guard("relay", func() {
				if err := q.relayOne(ctx, client, source); err != nil && ctx.Err() == nil {
					q.Log.Warn("the relay could not carry", "table", source.table, "error", err)
				}
			})
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (q *Queue) relayOne(ctx context.Context, client *asynq.Client, source source) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	due, err := q.DB.HasDue(ctx, source.table, q.Now())
	if err != nil || !due {
		return err
	}
	refs, err := q.DB.TakeDue(ctx, source.table, source.group, q.Now(), relayBatch, relayLease)
	if err != nil {
		return err
	}
	groups := map[string][]store.JobRef{}
	for _, ref := range refs {
		groups[ref.Group] = append(groups[ref.Group], ref)
	}
	var failures []error
	for _, group := range groups {
		for start := 0; start < len(group); start += source.batch {
			failures = append(failures, enqueue(ctx, client, source, group[start:min(start+source.batch, len(group))]))
		}
	}
	return errors.Join(failures...)
}

// enqueue carries rows; what cannot be enqueued now is due again after the relay's lease.
func enqueue(ctx context.Context, client *asynq.Client, source source, refs []store.JobRef) error {
	body, err := json.Marshal(payload{Refs: refs})
	if err != nil {
		return fmt.Errorf("encode %s: %w", source.task, err)
	}
	_, err = client.EnqueueContext(ctx, asynq.NewTask(source.task, body), asynq.Queue(source.queue), asynq.MaxRetry(1), asynq.Timeout(HandlerTimeout))
	return err
}

// logger gives Asynq's words to slog.
type logger struct{ log *slog.Logger }

func (l logger) Debug(args ...any) { l.log.Debug(fmt.Sprint(args...), "from", "asynq") }
func (l logger) Info(args ...any)  { l.log.Info(fmt.Sprint(args...), "from", "asynq") }
func (l logger) Warn(args ...any)  { l.log.Warn(fmt.Sprint(args...), "from", "asynq") }
func (l logger) Error(args ...any) { l.log.Error(fmt.Sprint(args...), "from", "asynq") }

// Fatal must not end the process: the supervisor of the process decides that.
func (l logger) Fatal(args ...any) { l.log.Error(fmt.Sprint(args...), "from", "asynq", "fatal", true) }
