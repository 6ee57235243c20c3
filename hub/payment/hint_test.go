package payment_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/payment"
)

// deafGateway does not answer when it is asked how a payment stands.
type deafGateway struct{ payment.Gateway }

func (deafGateway) Look(context.Context, string) (payment.State, error) {
	return payment.State{}, errors.New("no answer")
}

// The first failure counts once, and the message is tried again after the first
// pause, not the second. (PostgreSQL keeps microseconds of a time, the clock has
// more: two times that were one must not be compared.)
func TestAMessageThatFailsIsTriedAgainAfterTheFirstPause(t *testing.T) {
	each(t, func(t *testing.T, s *till) {
		_, _, a, _, payer := s.two()
		p := s.start(payer, tick(a))
		hint := payment.Hint{EventID: "evt_1", Type: "checkout", Subject: payment.SubjectPayment, Ref: ref(p)}
		s.Gateway = deafGateway{s.bank}
		s.must(s.Notify(t.Context(), hint))
		if n := s.count("gateway_events", "attempts = 1 AND handled_at IS NULL"); n != 1 {
			t.Error("the first failure was counted twice")
		}
		s.pass(10*time.Second + time.Millisecond)
		if tried, err := s.FollowHints(t.Context()); err != nil || tried != 1 {
			t.Errorf("after ten seconds: %d, %v", tried, err)
		}
		if n := s.count("gateway_events", "attempts = 2 AND handled_at IS NULL"); n != 1 {
			t.Error("the second failure was not counted")
		}
		s.Gateway = s.bank
		s.pass(time.Minute + time.Second)
		if tried, err := s.FollowHints(t.Context()); err != nil || tried != 1 || s.count("gateway_events", "handled_at IS NOT NULL AND last_error = ''") != 1 {
			t.Errorf("after a minute: %d, %v", tried, err)
		}
	})
}
