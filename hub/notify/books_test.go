package notify_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/store"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

// ledgerBooks are books that a test lets go wrong.
type ledgerBooks struct {
	err    error
	booked []string // "connection event", every attempt
}

func (b *ledgerBooks) Book(_ context.Context, connectionID string, event outbox.Event) (string, error) {
	b.booked = append(b.booked, connectionID+" "+event.ID)
	if b.err != nil {
		return "", b.err
	}
	return "Booked as P-1.", nil
}

func TestAPaymentGoesIntoTheBooksLikeAnyDelivery(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		books := &ledgerBooks{}
		var told []string
		d.Books = books
		d.NotBooked = func(_ context.Context, event outbox.Event, why string) error {
			told = append(told, event.ID+" "+why)
			return nil
		}
		connection := store.NewID()
		d.endpoint(outbox.Books, connection, outbox.PaymentSettled)
		settled := func() outbox.Event {
			return d.event(outbox.PaymentSettled, map[string]any{"reference": "SH-1"})
		}
		good := settled()
		d.want(d.deliver(good), outbox.Done, 0, "Booked as P-1.")
		if len(books.booked) != 1 || books.booked[0] != connection+" "+good.ID {
			t.Errorf("%v", books.booked)
		}
		for _, c := range []struct {
			err   error
			words string
			wait  time.Duration
		}{
			{fmt.Errorf("%w: reset", connectors.ErrUnknown), "looks before it tries again", 5 * time.Second},
			{fmt.Errorf("%w: no route", connectors.ErrUnreachable), "cannot be reached", 5 * time.Second},
			{fmt.Errorf("%w: 401", connectors.ErrCredentials), "credentials", 5 * time.Second},
			{&connectors.ThrottledError{RetryAfter: time.Hour}, "slow down", time.Hour},
			{errors.New("strange"), "could not be read", 5 * time.Second},
		} {
			books.err = c.err
			event := settled()
			got := d.deliver(event)
			d.want(got, outbox.Pending, 0, c.words)
			if wait := got.NextAttemptAt.Sub(d.clock()); wait < c.wait {
				t.Errorf("%v: tried again after %s", c.err, wait)
			}
			d.pass(got.NextAttemptAt.Sub(d.clock()))
			books.err = nil
			d.want(d.deliver(event), outbox.Done, 0, "Booked")
		}
		books.err = fmt.Errorf("%w: the period is closed", connectors.ErrRefused)
		refused := settled()
		d.want(d.deliver(refused), outbox.Dead, 0, "by hand")
		if len(told) != 1 || told[0][:len(refused.ID)] != refused.ID {
			t.Errorf("%v", told)
		}
	})
}
