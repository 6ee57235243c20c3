package notify

import (
	"context"
	"errors"
	"time"

	"github.com/sheaf-hub/sheaf/hub/intake"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

// BooksTimeout bounds one attempt at writing a payment into a vendor's books: less
// than a handler may take, so that what happened is recorded.
const BooksTimeout = 30 * time.Second

// Books writes payments into vendors' books; intake.Service does.
type Books interface {
	Book(ctx context.Context, connectionID string, event outbox.Event) (string, error)
}

// books writes one payment into the vendor's books. Every attempt looks for it
// there first, so that one whose answer was lost is not booked twice.
func (s *Service) books(ctx context.Context, parcel outbox.Parcel) outbox.Outcome {
	ctx, cancel := context.WithTimeout(ctx, BooksTimeout)
	defer cancel()
	said, err := s.Books.Book(ctx, parcel.Endpoint.Target, parcel.Event)
	if err == nil {
		return outbox.Outcome{State: outbox.Done, Answer: said}
	}
	words, again := intake.RetryWords(err)
	outcome := outbox.Outcome{State: outbox.Dead, Answer: words}
	if again {
		var throttled *connectors.ThrottledError
		var wait time.Duration
		if errors.As(err, &throttled) {
			wait = throttled.RetryAfter
		}
		outcome = s.retry(parcel.Delivery, outcome, wait)
	}
	return outcome
}

// notBooked leaves a task for the vendor's staff when the hub has given up.
func (s *Service) notBooked(ctx context.Context, parcel outbox.Parcel, why string) error {
	if s.NotBooked == nil {
		return nil
	}
	return s.NotBooked(ctx, parcel.Event, why)
}
