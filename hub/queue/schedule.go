package queue

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Job is work that recurs. One process at a time runs it, by a leased row; a
// run that was missed is made up once.
type Job struct {
	Name  string
	Every time.Duration
	Lease time.Duration // longer than any run; also its time-out
	Run   func(ctx context.Context) (result string, err error)
}

// schedule runs due jobs until ctx ends, each in its own goroutine, never twice
// at once in this process or, by the lease, in another.
func (q *Queue) schedule(ctx context.Context) {
	var running sync.WaitGroup
	defer running.Wait()
	busy := make(map[string]chan struct{}, len(q.Jobs))
	for _, job := range q.Jobs {
		busy[job.Name] = make(chan struct{}, 1)
	}
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		for _, job := range q.Jobs {
			select {
			case busy[job.Name] <- struct{}{}:
				running.Add(1)
				go q.guard(job.Name, func() {
					defer running.Done()
					defer func() { <-busy[job.Name] }()
					q.runDue(ctx, job)
				})
			default: // still running
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (q *Queue) runDue(ctx context.Context, job Job) {
	leased, err := leaseJob(ctx, q.DB, job, q.Holder, q.Now())
	if err != nil {
		if ctx.Err() == nil {
			q.Log.Warn("the schedule could not be read", "job", job.Name, "error", err)
		}
		return
	}
	if !leased {
		return
	}
	runCtx, cancel := context.WithTimeout(ctx, job.Lease)
	defer cancel()
	result, failure := job.Run(runCtx)
	if failure != nil {
		result = "failed: " + failure.Error()
		if ctx.Err() == nil {
			q.Log.Error("a scheduled job failed", "job", job.Name, "error", failure)
		}
	}
	// the lease is given back even when the process is stopping
	backCtx, done := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer done()
	if err := returnJob(backCtx, q.DB, job, q.Holder, result, q.Now()); err != nil {
		q.Log.Warn("a lease could not be given back; it runs out by itself", "job", job.Name, "error", err)
	}
}

// Scheduled is a job as the operator sees it.
type Scheduled struct {
	Name       string    `bun:"name"`
	NextAt     time.Time `bun:"next_at"`
	LastAt     time.Time `bun:"last_at,nullzero"`
	LastResult string    `bun:"last_result"`
	Holder     string    `bun:"holder"`
}

// Schedule lists the jobs with their next run and last result.
func (q *Queue) Schedule(ctx context.Context) ([]Scheduled, error) {
	list, err := listJobs(ctx, q.DB)
	if err != nil {
		return nil, fmt.Errorf("read the schedule: %w", err)
	}
	return list, nil
}
