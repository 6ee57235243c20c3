package payment

import (
	"context"
	"errors"
	"time"

	"github.com/sheaf-hub/sheaf/hub/store"
)

// EffectLease is how long one attempt at a transfer, refund, reversal or
// submission may take before it counts as unknown.
const EffectLease = 60 * time.Second

// KeyLife is how long a key is trusted: the gateway forgets it after 24 hours
// (Stripe's documentation of idempotent requests), so an older attempt is looked
// up instead.
const KeyLife = 23 * time.Hour

// keySettles is after how long a request that got no answer is surely over: what
// cannot be found then was never made, and may be tried with a fresh key. The
// old one may answer for ever with the error that it met (Stripe keeps what a key
// gave, also a failure).
const keySettles = 15 * time.Minute

// effectBackoff is how long to wait after each failed attempt; the last one repeats.
var effectBackoff = []time.Duration{5 * time.Second, 30 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 6 * time.Hour}

func backoff(attempt int) time.Duration {
	return effectBackoff[min(max(attempt-1, 0), len(effectBackoff)-1)]
}

// effect is one row of a job table of this room, as it is before an attempt.
type effect struct {
	table        store.JobTable
	id           string
	word         string // begins its keys: "transfer"
	key          string
	state        string
	attempts     int
	claimedUntil time.Time
	keyUsedAt    time.Time
	insufficient string // the state that ErrInsufficient leads to: "pending" waits for money, "failed" does not
}

// hands are what an effect does: do makes it under a key and records that it is
// done; find looks whether it was made, and records it then.
type hands struct {
	do   func(ctx context.Context, key string) error
	find func(ctx context.Context) error
}

// attempt makes one attempt at an effect, or resolves one without an answer: by
// asking, never by trying again blindly.
func (s *Service) attempt(ctx context.Context, e effect, ref store.JobRef, hands hands) error {
	if e.state == "unknown" || e.state == "sending" {
		return s.resolve(ctx, e, hands)
	}
	ok, err := s.DB.Claim(ctx, e.table, ref, s.Now(), EffectLease, false)
	if err != nil || !ok {
		return err
	}
	e.attempts++
	if err := markKeyUsed(ctx, s.DB, e.table, e.id, s.Now()); err != nil {
		return err
	}
	if !e.keyUsedAt.IsZero() && s.Now().Sub(e.keyUsedAt) > KeyLife {
		err := hands.find(ctx)
		if err == nil {
			return nil
		}
		if !errors.Is(err, ErrNotFound) {
			return s.record(ctx, e, "unknown", err)
		}
		if e.key, err = freshKey(ctx, s.DB, e.table, e.id, e.word, s.Now()); err != nil {
			return err
		}
	}
	err = hands.do(ctx, e.key)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrUnavailable):
		return s.record(ctx, e, "pending", err)
	case errors.Is(err, ErrInsufficient), errors.Is(err, ErrRefused):
		// the key would give the same answer again, although its reason may be gone
		if _, keyErr := freshKey(ctx, s.DB, e.table, e.id, e.word, time.Time{}); keyErr != nil {
			return errors.Join(err, keyErr)
		}
		if errors.Is(err, ErrInsufficient) {
			return s.record(ctx, e, e.insufficient, err)
		}
		return s.record(ctx, e, "failed", err)
	default:
		return s.record(ctx, e, "unknown", err)
	}
}

// resolve asks whether an attempt without an answer was made. Only when it surely
// was not is it made again.
func (s *Service) resolve(ctx context.Context, e effect, hands hands) error {
	if e.state == "sending" && s.Now().Before(e.claimedUntil) {
		return nil
	}
	err := hands.find(ctx)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrNotFound):
		if !e.keyUsedAt.IsZero() && s.Now().Sub(e.keyUsedAt) > keySettles {
			if _, err := freshKey(ctx, s.DB, e.table, e.id, e.word, time.Time{}); err != nil {
				return err
			}
		}
		return failJob(ctx, s.DB, e.table, e.id, e.attempts, "pending", "The gateway has none of it: it is made again.", s.Now(), s.Now())
	default:
		return s.record(ctx, e, "unknown", err)
	}
}

// record keeps how an attempt went that did not end well. A stopping worker
// records it all the same.
func (s *Service) record(ctx context.Context, e effect, state string, why error) error {
	next := s.Now().Add(backoff(e.attempts))
	if state == "failed" {
		next = time.Time{}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
	defer cancel()
	return failJob(ctx, s.DB, e.table, e.id, e.attempts, state, why.Error(), next, s.Now())
}
