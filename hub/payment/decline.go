package payment

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// Whoever has stolen card numbers tries them out wherever small payments are
// taken. More declines than these from one payer, or from one address, within an
// hour, and no further payment page is opened for it; others pay on.
const (
	MostDeclines  = 10
	declineWindow = time.Hour
)

// mostCounted bounds how many declines one look at a payment page adds.
const mostCounted = 50

// HashAddress is what is kept of a payer's network address: enough to count by,
// and not the address.
func HashAddress(address string) string {
	if address == "" {
		return ""
	}
	return store.HashToken("payer's address|" + address)[:32]
}

// countDeclines keeps the tries that the gateway declined on an open page. When
// they are too many the page is closed.
func (s *Service) countDeclines(ctx context.Context, payment Payment, state State) error {
	open := false
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		locked, err := lockPayment(ctx, s.DB, tx, payment.ID)
		if err != nil || locked.Declines >= state.Declines {
			return err
		}
		payment, open = locked, locked.Status == Pending
		fresh := min(state.Declines-locked.Declines, mostCounted)
		return insertDeclines(ctx, tx, locked, state.Declines, fresh, s.Now().UTC())
	})
	if err != nil || !open {
		return err
	}
	if s.throttled(ctx, payment.ContactID, payment.StartedFrom) == nil {
		return nil
	}
	return s.close(ctx, payment, "Too many cards were declined.")
}

// throttled is fault.Limited for a payer or an address with too many declines.
func (s *Service) throttled(ctx context.Context, contactID, address string) error {
	n, err := countDeclines(ctx, s.DB, contactID, address, s.Now().Add(-declineWindow))
	if err != nil {
		return err
	}
	if n < MostDeclines {
		return nil
	}
	return fault.New(fault.Limited, "Too many cards were declined in the last hour, so no new payment can be begun from here for a while. Nothing was charged. "+
		"Try again in an hour, or pay your vendor in another way.")
}
