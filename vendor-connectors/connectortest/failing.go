package connectortest

import (
	"context"
	"errors"
	"fmt"
	"time"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

const (
	mostCalls = 24                     // of one pull or payment that are made to go wrong, one by one
	mostTries = 6                      // until a payment is booked
	shortest  = 250 * time.Millisecond // wait for a call that gets no answer
	patience  = 750 * time.Millisecond // wait where nothing is known of how fast the books are
	grace     = 3 * time.Second        // until a call whose time is over must have come back
)

// misbehave lets the call at a place among the next ones go wrong. False: these Books
// cannot play it.
func (h Harness) misbehave(at int, trouble Trouble) bool {
	return h.Books.Misbehave(h.t, append(fine(at), trouble)...)
}

func fine(n int) []Trouble {
	out := make([]Trouble, n, n+2)
	for i := range out {
		out[i] = Fine
	}
	return out
}

// settle takes back what was queued and not reached, whether Misbehave replaces the
// queue or adds to it: by calls that nobody needs.
func (h Harness) settle(ctx context.Context, before, queued int) {
	h.Books.Misbehave(h.t)
	for range queued {
		if h.Books.Calls()-before >= queued {
			return
		}
		short, cancel := context.WithTimeout(ctx, patience)
		_ = h.check(short) // it is here to be called, whatever comes of it
		cancel()
	}
}

// callsOf counts the calls of something that goes well.
func (h Harness) callsOf(do func() error) (int, error) {
	before := h.Books.Calls()
	err := do()
	return h.Books.Calls() - before, err
}

// triedAgain knows the errors that a connector may answer when the other side fails:
// those after which the hub tries again by itself.
func triedAgain(err error) bool {
	for _, kind := range []error{connectors.ErrUnreachable, connectors.ErrThrottled, connectors.ErrUnknown, context.DeadlineExceeded} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

func throttled(ctx context.Context, h Harness) error {
	if err := h.needsBooks(); err != nil {
		return err
	}
	var good *shelf
	calls, err := h.callsOf(func() (err error) { good, err = whole(ctx, h); return err })
	if err != nil {
		return err
	}
	for _, at := range spread(calls, h.few(8)) {
		if !h.misbehave(at, Throttled) {
			return leftNoTrouble
		}
		hub, before := newShelf(), h.Books.Calls()
		err := hub.pull(ctx, h, nil)
		if wrong := waits(err); wrong != nil {
			return fmt.Errorf("429 at call %d of a pull: %w", at, wrong)
		}
		h.settle(ctx, before, at+1)
		if err := hub.pull(ctx, h, nil); err != nil {
			return fmt.Errorf("the pull after a 429 at call %d: %w", at, err)
		}
		if err := hub.same(good); err != nil {
			return fmt.Errorf("after a 429 at call %d: %w", at, err)
		}
	}
	if h.needsRecorder() != nil {
		return nil
	}
	return throttledPayment(ctx, h)
}

func throttledPayment(ctx context.Context, h Harness) error {
	payer, err := h.payer(ctx, "Throttled Ltd")
	if err != nil {
		return err
	}
	for at := 0; at < mostCalls; at += h.step() {
		payment := payer.payment(h, 1)
		before := h.Books.Calls()
		h.misbehave(at, Throttled)
		_, err := h.record(ctx, payment.Payment)
		if wrong := waits(err); wrong != nil {
			return fmt.Errorf("429 at call %d of a payment: %w", at, wrong)
		}
		reached := h.Books.Calls()-before > at
		h.settle(ctx, before, at+1)
		if err := payment.finish(ctx, h); err != nil {
			return fmt.Errorf("after a 429 at call %d: %w", at, err)
		}
		if !reached {
			return nil
		}
	}
	return nil
}

// waits holds an error against a Retry-After of a second.
func waits(err error) error {
	var told *connectors.ThrottledError
	switch {
	case err == nil:
		return nil // it was waited out
	case !errors.As(err, &told):
		return fmt.Errorf("want a ThrottledError, got %w", err)
	case told.RetryAfter < 500*time.Millisecond || told.RetryAfter > 5*time.Second:
		return fmt.Errorf("the books ask to wait a second; the error says %s", told.RetryAfter)
	}
	return nil
}

func expired(ctx context.Context, h Harness) error {
	if err := h.needsBooks(); err != nil {
		return err
	}
	var good *shelf
	calls, err := h.callsOf(func() (err error) { good, err = whole(ctx, h); return err })
	if err != nil {
		return err
	}
	for _, at := range spread(calls, h.few(6)) {
		before := h.Books.Calls()
		if !h.Books.Misbehave(h.t, append(fine(at), Expired, Fine, Fine, Fine, Expired)...) { // the renewed one expires too, once it was used
			return leftOut("the credentials of these books do not expire")
		}
		hub, err := whole(ctx, h)
		if err != nil {
			return fmt.Errorf("a token that expires at call %d of a pull is noticed: %w", at, err)
		}
		h.settle(ctx, before, at+5)
		if err := hub.same(good); err != nil {
			return fmt.Errorf("after a token expired at call %d: %w", at, err)
		}
	}
	if h.needsRecorder() != nil {
		return nil
	}
	payer, err := h.payer(ctx, "Expired Ltd")
	if err != nil {
		return err
	}
	for at := 0; at < mostCalls; at += h.step() {
		payment := payer.payment(h, 1)
		before := h.Books.Calls()
		h.misbehave(at, Expired)
		_, err := h.record(ctx, payment.Payment)
		if err != nil {
			return fmt.Errorf("a token that expires at call %d of a payment is noticed: %w", at, err)
		}
		reached := h.Books.Calls()-before > at
		h.settle(ctx, before, at+1)
		if err := payment.finish(ctx, h); err != nil {
			return fmt.Errorf("after a token expired at call %d: %w", at, err)
		}
		if !reached {
			return nil
		}
	}
	return nil
}

func revoked(ctx context.Context, h Harness) error {
	if err := h.needsBooks(); err != nil {
		return err
	}
	writes := h.needsRecorder() == nil
	var payment booking
	if writes {
		payer, err := h.payer(ctx, "Revoked Ltd")
		if err != nil {
			return err
		}
		payment = payer.payment(h, 1)
	}
	if !h.Books.Misbehave(h.t, Revoked) {
		return leftOut("the credentials of these books cannot be revoked")
	}
	if _, err := pull(ctx, h, ""); !errors.Is(err, connectors.ErrCredentials) {
		return fmt.Errorf("with revoked credentials Pull answers %w, want ErrCredentials", orNil(err))
	}
	if err := h.check(ctx); !errors.Is(err, connectors.ErrCredentials) {
		return fmt.Errorf("with revoked credentials Check answers %w, want ErrCredentials", orNil(err))
	}
	if !writes {
		return nil
	}
	if _, err := h.record(ctx, payment.Payment); !errors.Is(err, connectors.ErrCredentials) {
		return fmt.Errorf("with revoked credentials RecordPayment answers %w, want ErrCredentials", orNil(err))
	}
	return payment.untouched(h)
}

// silence: nobody waits for ever.
func silence(ctx context.Context, h Harness) error {
	if err := h.needsBooks(); err != nil {
		return err
	}
	calls := map[string]func(context.Context) error{
		"Check": h.check,
		"Pull":  func(ctx context.Context) error { _, err := pull(ctx, h, ""); return err },
	}
	if h.needsRecorder() == nil {
		payer, err := h.payer(ctx, "Silent Ltd")
		if err != nil {
			return err
		}
		payment := payer.payment(h, 1)
		calls["RecordPayment"] = func(ctx context.Context) error { _, err := h.record(ctx, payment.Payment); return err }
	}
	for name, call := range calls {
		before := h.Books.Calls()
		if !h.Books.Misbehave(h.t, Silent) {
			return leftNoTrouble
		}
		short, cancel := context.WithTimeout(ctx, patience)
		began := time.Now()
		err := call(short)
		took := time.Since(began)
		cancel()
		h.settle(ctx, before, 1)
		if took > patience+grace {
			return fmt.Errorf("%s had %s, and came back after %s", name, patience, took)
		}
		if !triedAgain(err) {
			return fmt.Errorf("%s got no answer and says %w, want ErrUnreachable or the context's error", name, orNil(err))
		}
	}
	return nil
}

func brokenAnswers(ctx context.Context, h Harness) error {
	if err := h.needsBooks(); err != nil {
		return err
	}
	var good *shelf
	calls, err := h.callsOf(func() (err error) { good, err = whole(ctx, h); return err })
	if err != nil {
		return err
	}
	for _, trouble := range h.some(3, Nonsense, Cut, Broken, LostAnswer, LostRequest) {
		for _, at := range spread(calls, h.few(12)) {
			if err := brokenAt(ctx, h, good, trouble, at); err != nil {
				return fmt.Errorf("%q at call %d of a pull: %w", trouble, at, err)
			}
		}
	}
	for _, trouble := range []Trouble{Nonsense, Cut, Broken} { // HTTP clients repeat a GET by themselves when no answer began
		before := h.Books.Calls()
		h.misbehave(0, trouble)
		if err := h.check(ctx); !triedAgain(err) {
			return fmt.Errorf("%q: Check answers %w, want ErrUnreachable", trouble, orNil(err))
		}
		h.settle(ctx, before, 1)
	}
	return nil
}

func brokenAt(ctx context.Context, h Harness, good *shelf, trouble Trouble, at int) error {
	before := h.Books.Calls()
	if !h.misbehave(at, trouble) {
		return leftNoTrouble
	}
	hub := newShelf()
	err := hub.pull(ctx, h, nil)
	if err != nil && !triedAgain(err) {
		return fmt.Errorf("want ErrUnreachable, got %w", err)
	}
	if err == nil {
		if err := hub.same(good); err != nil {
			return fmt.Errorf("the pull says that this was all, and %w", err)
		}
	}
	for id, r := range hub.invoices {
		if content(r) != content(good.invoices[id]) {
			return fmt.Errorf("invoice %q came as %s, and is %s", id, content(r), content(good.invoices[id]))
		}
	}
	if hub.rejected > good.rejected || len(hub.gone) > len(good.gone) {
		return fmt.Errorf("records are rejected or gone that are there: %d, %d", hub.rejected, len(hub.gone))
	}
	h.settle(ctx, before, at+1)
	if err := hub.pull(ctx, h, nil); err != nil {
		return fmt.Errorf("the next pull: %w", err)
	}
	return hub.same(good)
}
