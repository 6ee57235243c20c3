package reminder

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// planBatch is how many contacts one transaction plans.
const planBatch = 200

// Plan makes a digest for every contact whose day and hour have come and that
// has something open, and moves each on to its next. Two planners at once plan
// nobody twice: contacts are locked, and the row is unique per period. It
// returns how many it planned.
func (s *Service) Plan(ctx context.Context) (int, error) {
	planned, err := s.plan(ctx)
	return len(planned), err
}

func (s *Service) plan(ctx context.Context) ([]store.JobRef, error) {
	var all []store.JobRef
	for range 10_000 { // bounded: two million contacts in one run
		contacts, planned, err := s.planSome(ctx)
		if err != nil {
			return all, err
		}
		all = append(all, planned...)
		if contacts < planBatch {
			break
		}
	}
	return all, nil
}

func (s *Service) planSome(ctx context.Context) (contacts int, planned []store.JobRef, err error) {
	now := s.Now().UTC()
	err = s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		due, err := s.Party.DueContactsTx(ctx, tx, now, planBatch)
		if err != nil || len(due) == 0 {
			return err
		}
		contacts = len(due)
		owing, err := contactsWithOpen(ctx, tx, due)
		if err != nil {
			return err
		}
		var digests []Digest
		for _, contact := range due {
			if owing[contact.ID] {
				digests = append(digests, newDigest(contact, now))
			}
		}
		if planned, err = insertDigests(ctx, tx, digests); err != nil {
			return err
		}
		return s.Party.SetNextDigestTx(ctx, tx, due, now)
	})
	return contacts, planned, err
}

func newDigest(contact party.Contact, now time.Time) Digest {
	return Digest{ID: store.NewID(), CustomerID: contact.CustomerID, ContactID: contact.ID, Period: contact.DigestPeriod(now), State: Pending,
		DueAt: contact.NextDigestAt, NextAttemptAt: now, CreatedAt: now, UpdatedAt: now}
}

// RunCounts is what one run did.
type RunCounts struct {
	Planned int
	By      map[State]int
}

// Run plans what is due now and sends until nothing of it waits any more. What
// another worker has claimed is waited for, for at most its lease. progress,
// when not nil, is called after each digest.
func (s *Service) Run(ctx context.Context, progress func(done int)) (RunCounts, error) {
	counts := RunCounts{By: map[State]int{}}
	refs, err := s.plan(ctx)
	counts.Planned = len(refs)
	if err != nil {
		return counts, err
	}
	var all []store.JobRef
	seen := map[string]bool{}
	// what was planned here is ours to answer for, even when a relay beside us
	// has taken it already; then what waited before; then what that freed
	for range 3 {
		for _, ref := range refs {
			if err := s.Send(ctx, ref); err != nil {
				return counts, err
			}
			if !seen[ref.ID] {
				seen[ref.ID], all = true, append(all, ref)
			}
			if progress != nil {
				progress(len(all))
			}
		}
		if refs, err = dueDigests(ctx, s.DB, s.Now()); err != nil {
			return counts, err
		}
	}
	return counts, s.await(ctx, all, counts.By)
}

// await counts how the digests ended, waiting for those that others send.
func (s *Service) await(ctx context.Context, refs []store.JobRef, by map[State]int) error {
	deadline := time.NewTimer(Lease)
	defer deadline.Stop()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		states, err := statesOf(ctx, s.DB, refs)
		if err != nil {
			return err
		}
		if states[Sending] == 0 {
			for state, n := range states {
				by[state] = n
			}
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-deadline.C:
			for state, n := range states {
				by[state] = n
			}
			return nil
		case <-tick.C:
		}
	}
}
