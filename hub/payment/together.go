package payment

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/uptrace/bun"
)

// mostTogether bounds how many payments one transaction settles: enough to
// share a commit among many, few enough to hold locks for milliseconds.
const mostTogether = 64

// mostLeading is how many groups are settled at once, and secondLeads how many
// must wait before a second one is begun: while one waits for the disk, the other
// is worked on. One or two that wait are better off with the next group.
const (
	mostLeading = 2
	secondLeads = 3
)

// groupTimeout bounds one shared transaction.
const groupTimeout = 20 * time.Second

// together lets settlements that wait at the same time share one transaction. The
// first to come leads: it settles all that wait, its own among them, then hands
// the lead to one that came meanwhile. Nobody waits for company: a payment that
// comes alone is settled alone, at once. When many wait, a second one leads
// beside the first. The zero value is ready.
type together struct {
	mu      sync.Mutex
	waiting []*waiter
	leading int // how many settle now
}

type waiter struct {
	item *settling
	done chan error    // the result, once
	lead chan struct{} // closed: settle yourself, with those that wait

	leads bool // it was asked to, or came when it should
}

// settle waits until the item is settled or ctx ends; it may be settled after
// that all the same, as with any commit whose answer is lost.
func (g *together) settle(ctx context.Context, s *Service, item *settling) error {
	w := &waiter{item: item, done: make(chan error, 1), lead: make(chan struct{})}
	g.mu.Lock()
	g.waiting = append(g.waiting, w)
	leads := g.leading == 0 || g.leading < mostLeading && len(g.waiting) >= secondLeads
	if leads {
		w.leads = true
		g.leading++
	}
	g.mu.Unlock()
	if !leads {
		select {
		case err := <-w.done:
			return err
		case <-w.lead:
		case <-ctx.Done():
			return g.leave(w, ctx.Err())
		}
	}
	g.runOnce(ctx, s, w)
	return <-w.done
}

// leave takes a waiter out; when it was asked to lead meanwhile, the lead goes on.
func (g *together) leave(w *waiter, why error) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, other := range g.waiting {
		if other == w {
			g.waiting = append(g.waiting[:i], g.waiting[i+1:]...)
			break
		}
	}
	select {
	case <-w.lead:
		g.handOn()
	default:
	}
	return why
}

// handOn gives the lead to the first that waits, or to nobody; mu is held.
func (g *together) handOn() {
	for _, w := range g.waiting {
		if !w.leads {
			w.leads = true
			close(w.lead)
			return
		}
	}
	g.leading--
}

// runOnce settles the leader and whoever waits with it, and hands the lead on.
func (g *together) runOnce(ctx context.Context, s *Service, leader *waiter) {
	g.mu.Lock()
	batch := []*waiter{leader}
	var rest []*waiter
	for _, w := range g.waiting {
		switch {
		case w == leader:
		case !w.leads && len(batch) < mostTogether: // who leads brings itself
			batch = append(batch, w)
		default:
			rest = append(rest, w)
		}
	}
	g.waiting = rest
	g.mu.Unlock()
	defer func() { // also when the settlement panics: nobody may wait for ever
		for _, w := range batch {
			select {
			case w.done <- errors.New("the settlement was cut off"):
			default: // it has its result
			}
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		g.handOn()
	}()
	// the leader's request may be cut off; the others' must not be cut off with it
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), groupTimeout)
	defer cancel()
	for i, err := range s.settleTogether(ctx, batch) {
		batch[i].done <- err
	}
}

// settleTogether settles a batch in one transaction; when that fails, each by
// itself, so that one that cannot be settled holds up no other.
func (s *Service) settleTogether(ctx context.Context, batch []*waiter) []error {
	items := make([]*settling, len(batch))
	for i, w := range batch {
		items[i] = w.item
	}
	results := make([]error, len(batch))
	err := s.settleInTx(ctx, items)
	for i, item := range items {
		switch {
		case err == nil:
			results[i] = item.err
		case len(items) == 1 || ctx.Err() != nil:
			results[i] = err
		default:
			results[i] = errors.Join(s.settleInTx(ctx, []*settling{item}), item.err)
		}
	}
	return results
}

func (s *Service) settleInTx(ctx context.Context, items []*settling) error {
	return s.DB.InPipeline(ctx, func(ctx context.Context, tx bun.IDB) error {
		var hints []Hint
		for _, item := range items {
			item.err = nil
		}
		if _, err := s.settleTx(ctx, tx, items); err != nil {
			return err
		}
		for _, item := range items {
			if item.hint != nil && item.err == nil {
				hints = append(hints, *item.hint)
			}
		}
		return recordHandled(ctx, s.DB, tx, s.Gateway.Name(), hints, s.Now())
	})
}
