package queue_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/queue"
)

func (y *yard) job(run func() (string, error)) queue.Job {
	return queue.Job{Name: "count", Every: time.Hour, Lease: time.Minute, Run: func(context.Context) (string, error) { return run() }}
}

// still fails when the job runs more often than it should within two ticks.
func (y *yard) still(runs *atomic.Int64, want int64) {
	y.t.Helper()
	y.wait("the run", func() bool { return runs.Load() >= want })
	time.Sleep(2300 * time.Millisecond)
	if n := runs.Load(); n != want {
		y.t.Fatalf("%d runs, want %d", n, want)
	}
}

func TestAJobRunsOncePerPeriodWhoeverHoldsIt(t *testing.T) {
	each(t, func(t *testing.T, y *yard) {
		t.Parallel()
		var runs atomic.Int64
		job := y.job(func() (string, error) { runs.Add(1); return "x" + strings.Repeat("ä", 400) + "\x00", nil })
		stop := y.start(y.process("one", job))
		y.start(y.process("two", job))
		y.still(&runs, 1)
		list, err := y.process("three").Schedule(context.Background())
		y.must(err)
		if len(list) != 1 || list[0].Name != "count" || list[0].LastAt.IsZero() || !strings.HasPrefix(list[0].LastResult, "xäää") || list[0].NextAt.Sub(y.now()) < 50*time.Minute {
			t.Fatalf("the schedule: %+v", list)
		}
		y.pass(time.Hour)
		y.still(&runs, 2)
		stop() // the other goes on
		y.pass(5 * time.Hour)
		y.still(&runs, 3) // five runs were missed, one is made up
	})
}

func TestACrashedHoldersLeaseRunsOut(t *testing.T) {
	each(t, func(t *testing.T, y *yard) {
		t.Parallel()
		var runs atomic.Int64
		job := y.job(func() (string, error) { runs.Add(1); return "", errors.New("no luck") })
		_, err := y.db.ExecContext(context.Background(), "INSERT INTO schedules (name, next_at, leased_until, holder, last_result) VALUES ('count', ?, ?, 'dead', '')",
			y.now().Add(-time.Second).UTC(), y.now().Add(time.Minute).UTC())
		y.must(err)
		process := y.process("one", job)
		y.start(process)
		y.still(&runs, 0)
		y.pass(time.Minute)
		y.still(&runs, 1)
		list, err := process.Schedule(context.Background())
		if y.must(err); list[0].Holder != "one" || list[0].LastResult != "failed: no luck" {
			t.Fatalf("the schedule: %+v", list)
		}
	})
}

func TestAJobThatPanicsIsTriedAgainAndStopsNobody(t *testing.T) {
	each(t, func(t *testing.T, y *yard) {
		t.Parallel()
		var runs atomic.Int64
		y.start(y.process("one", y.job(func() (string, error) {
			if runs.Add(1) == 1 {
				panic("a defect")
			}
			return "", nil
		})))
		y.wait("the first run", func() bool { return runs.Load() == 1 })
		y.events(3)
		y.delivered(3)
		y.pass(time.Minute + time.Second)
		y.still(&runs, 2)
	})
}
