package payment_test

import (
	"context"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/gateway/stripe/stripefake"
	"github.com/sheaf-hub/sheaf/hub/payment"
)

// slowDisputes holds back the first answer until something else has happened.
type slowDisputes struct {
	payment.Disputes
	meanwhile func()
}

func (d *slowDisputes) LookDispute(ctx context.Context, ref string) (payment.Dispute, error) {
	dispute, err := d.Disputes.LookDispute(ctx, ref)
	if meanwhile := d.meanwhile; meanwhile != nil {
		d.meanwhile = nil
		meanwhile()
	}
	return dispute, err
}

// A process asks Stripe of an open chargeback and is slow; meanwhile it is won, and
// another process books that. What the first one heard is old by then: it asks
// again, instead of booking that the money is gone once more.
func TestAnOldAnswerDoesNotUndoAChargebackThatWasWon(t *testing.T) {
	eachReal(t, func(t *testing.T, r *real) {
		one, _, a, _, payer := r.shop()
		p := r.start(payer, tick(a))
		r.pay(p, stripefake.Succeed)
		r.work()
		dispute, err := r.fake.OpenDispute(r.fake.Charges()[0].ID, 12500, "fraudulent")
		r.must(err)
		r.hear()
		r.want(p.ID, payment.ChargedBack)
		slow := &slowDisputes{Disputes: r.stripe, meanwhile: func() {
			r.pass(time.Second)
			r.must(r.fake.CloseDispute(dispute, stripefake.Won))
			r.hear() // another process
		}}
		r.Disputes = slow
		r.must(r.Notify(t.Context(), payment.Hint{EventID: "evt_slow", Type: "charge.dispute.updated", Subject: payment.SubjectDispute, Ref: dispute}))
		r.Disputes = r.stripe
		r.want(p.ID, payment.Settled)
		if share := r.share(one); share.ChargedBack != 0 {
			t.Errorf("%+v", share)
		}
		if n := r.count("gateway_events", "handled_at IS NULL"); n != 0 {
			t.Errorf("%d messages are not followed", n)
		}
		r.fake.TopUp("eur", 100000)
		r.later(time.Hour)
		r.sound()
	})
}
