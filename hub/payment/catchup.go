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
	catchUpPages = 500
)

// CatchUp reads what the gateway says has happened and follows every message
// that never arrived here: also of payments that were settled long ago, which
// Reconcile does not look at. It returns how many it followed.
func (s *Service) CatchUp(ctx context.Context) (int, error) {
	if s.Messages == nil {
		return 0, nil
	}
	begun := s.Now().UTC()
	since, err := heardUntil(ctx, s.DB, s.Gateway.Name())
	if err != nil {
		return 0, err
	}
	since = since.Add(-catchUpSlack)
	if earliest := begun.Add(-catchUpMost); since.Before(earliest) {
		since = earliest
	}
	followed, cursor := 0, ""
	var missed []Hint
	for range catchUpPages {
		page, next, err := s.Messages.ListHints(ctx, since, cursor)
		if err != nil {
			return followed, fmt.Errorf("list the gateway's messages: %w", err)
		}
		fresh, err := unknownHints(ctx, s.DB, s.Gateway.Name(), page)
		if err != nil {
			return followed, err
		}
		missed = append(missed, fresh...)
		if cursor = next; cursor == "" {
			break
		}
	}
	var failures []error
	for i := len(missed) - 1; i >= 0; i-- { // the oldest first
		if ctx.Err() != nil {
			return followed, ctx.Err()
		}
		followed++
		failures = append(failures, s.Notify(ctx, missed[i]))
	}
	if err := errors.Join(failures...); err != nil || cursor != "" { // not read to its end: the next run begins there again
		return followed, err
	}
	return followed, setHeardUntil(ctx, s.DB, s.Gateway.Name(), begun)
}
