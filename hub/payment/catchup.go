package payment

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// How far back the gateway's list of messages is read: from an hour before what
// was read last, since messages can be listed late; the first time, as far as it
// reaches.
const (
	catchUpSlack = time.Hour
	catchUpMost  = 30 * 24 * time.Hour
)

// The list comes newest first, so it is read window by window, the oldest window
// first, and what was read for good is noted after each: a run that is stopped,
// or meets its bounds, is gone on with and not begun again. A window with more
// than its pages hold is made shorter, to a second at the least.
const (
	catchUpPages   = 50  // of a window
	catchUpWindows = 200 // of a run
	catchUpLeast   = time.Second
)

// CatchUp reads what the gateway says has happened and follows every message
// that never arrived here: also of payments that were settled long ago, which
// Reconcile does not look at. It returns how many it followed.
func (s *Service) CatchUp(ctx context.Context) (int, error) {
	if s.Messages == nil {
		return 0, nil
	}
	now := s.Now().UTC().Truncate(time.Second).Add(time.Second) // the list has whole seconds, and this one is in it
	from, err := heardUntil(ctx, s.DB, s.Gateway.Name())
	if err != nil {
		return 0, err
	}
	from = from.Add(-catchUpSlack)
	if earliest := now.Add(-catchUpMost); from.Before(earliest) {
		from = earliest
	}
	followed, span := 0, now.Sub(from)
	for range catchUpWindows {
		until := from.Add(span)
		if until.After(now) {
			until = now
		}
		missed, whole, err := s.missedHints(ctx, from, until)
		if err != nil {
			return followed, err
		}
		if !whole && span > catchUpLeast {
			span = max((span / 8).Truncate(time.Second), catchUpLeast)
			continue
		}
		n, err := s.followMissed(ctx, missed)
		followed += n
		if err != nil {
			return followed, err
		}
		if !whole {
			return followed, fmt.Errorf("the gateway lists more than %d pages of messages for %s", catchUpPages, from.Format(time.RFC3339))
		}
		if err := setHeardUntil(ctx, s.DB, s.Gateway.Name(), until); err != nil || !until.Before(now) {
			return followed, err
		}
		from, span = until, 2*span
	}
	return followed, nil
}

// missedHints are the messages of a window that no row knows, the newest first;
// false: the window has more than was read.
func (s *Service) missedHints(ctx context.Context, from, until time.Time) ([]Hint, bool, error) {
	var missed []Hint
	cursor := ""
	for range catchUpPages {
		page, next, err := s.Messages.ListHints(ctx, from, until, cursor)
		if err != nil {
			return nil, false, fmt.Errorf("list the gateway's messages: %w", err)
		}
		fresh, err := unknownHints(ctx, s.DB, s.Gateway.Name(), page)
		if err != nil {
			return nil, false, err
		}
		missed = append(missed, fresh...)
		if cursor = next; cursor == "" {
			return missed, true, nil
		}
	}
	return missed, false, nil
}

// followMissed follows messages, the oldest first, and says how many.
func (s *Service) followMissed(ctx context.Context, missed []Hint) (int, error) {
	var failures []error
	for i := len(missed) - 1; i >= 0; i-- {
		if ctx.Err() != nil {
			return len(missed) - 1 - i, ctx.Err()
		}
		failures = append(failures, s.Notify(ctx, missed[i]))
	}
	return len(missed), errors.Join(failures...)
}
