package main

import (
	"context"
	"fmt"
	"time"
)

const (
	// syncsAtOnce is how many connections a process reads beside each other: what is
	// slow are mostly the books.
	syncsAtOnce = 4
	// syncLook is how soon a connection that has come due is seen while others are read.
	syncLook = 2 * time.Second
)

// syncDue reads every connection that is due, some at once, and goes on as long as
// any is being read: one that is slow holds up no other, also none that comes due
// meanwhile. One that fails has its own error and next try; one that the hub itself
// could not read is left for the next run.
func (a *app) syncDue(ctx context.Context) (int, error) {
	type result struct {
		id  string
		err error
	}
	ended := make(chan result, syncsAtOnce)
	running, failed := map[string]bool{}, map[string]bool{}
	defer func() { // whatever is running ends with the context
		for range running {
			<-ended
		}
	}()
	for done := 0; ; {
		ids, err := a.intake.DueConnections(ctx, mostSyncs)
		if err != nil {
			return done, err
		}
		for _, id := range ids {
			if len(running) < syncsAtOnce && !running[id] && !failed[id] {
				running[id] = true
				done++
				go func() { ended <- result{id, a.syncOne(ctx, id)} }()
			}
		}
		if len(running) == 0 {
			return done, nil
		}
		select {
		case one := <-ended:
			delete(running, one.id)
			if one.err != nil {
				failed[one.id] = true
				a.log.Warn("a connection could not be pulled", "connection", one.id, "error", one.err)
			}
		case <-time.After(syncLook):
		case <-ctx.Done():
			return done, ctx.Err()
		}
	}
}

func (a *app) syncOne(ctx context.Context, id string) (err error) {
	defer func() {
		if broken := recover(); broken != nil {
			err = fmt.Errorf("panic: %v", broken)
		}
	}()
	_, err = a.intake.Sync(ctx, id)
	return err
}
