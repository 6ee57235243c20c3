package payment_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/gateway/stripe"
	"github.com/sheaf-hub/sheaf/hub/gateway/stripe/stripefake"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/hub/store/storetest"
)

// stripeTill is the room with Stripe as its gateway: the fake one, in Germany,
// whose events reach the hub signed.
type stripeTill struct {
	*till
	fake *stripefake.Fake
}

func eachStripe(t *testing.T, run func(t *testing.T, s *stripeTill)) {
	storetest.Each(t, func(t *testing.T, db *store.DB) { run(t, newStripeTill(t, db)) })
}

func newStripeTill(t *testing.T, db *store.DB) *stripeTill {
	t.Helper()
	s := &stripeTill{till: newTill(t, db)}
	s.fake = stripefake.New(stripefake.Config{Now: s.clock, Seed: 11, Key: "sk_test_fake", Country: "DE"})
	secrets := []string{"whsec_platform", "whsec_connect"}
	gateway, err := stripe.New(stripe.Config{Key: "sk_test_fake", WebhookSecrets: secrets, HTTPClient: s.fake.Client(), Now: s.clock})
	s.must(err)
	s.Gateway, s.Accounts, s.Disputes, s.Payouts = gateway, gateway, gateway, gateway
	for i, secret := range secrets {
		s.fake.AddEndpoint(stripefake.Endpoint{Secret: secret, Connect: i == 1, Send: func(ctx context.Context, payload []byte, signature string) (int, error) {
			hint, err := gateway.Parse(payload, signature)
			if err != nil {
				return 400, err
			}
			if err := s.Notify(ctx, hint); err != nil {
				return 500, err
			}
			return 200, nil
		}})
	}
	return s
}

// hear lets the fake act and tell the hub.
func (s *stripeTill) hear() {
	s.t.Helper()
	s.fake.Pass()
	s.fake.Drain(context.Background(), 50)
}

// wait lets days pass, hour by hour, as they would.
func (s *stripeTill) wait(days int) {
	s.t.Helper()
	for range days * 4 {
		s.pass(6 * time.Hour)
		s.hear()
	}
}

// settled is a card payment of one vendor's invoice, settled, its transfer due.
func (s *stripeTill) settled(payer payment.Payer, selection payment.Selection) payment.Payment {
	s.t.Helper()
	p := s.start(payer, selection)
	_, err := s.fake.Pay(ref(p), stripefake.Succeed)
	s.must(err)
	s.hear()
	return s.want(p.ID, payment.Settled)
}

func (s *stripeTill) onboard(vendor party.Vendor, outcome string) string {
	s.t.Helper()
	link, err := s.StartOnboarding(context.Background(), access.SystemActor("test"), vendor.ID, "DE")
	s.must(err)
	back, err := s.fake.Onboard(link, outcome)
	s.must(err)
	s.hear()
	return back
}

func (s *stripeTill) accountNow(vendor party.Vendor) payment.PayoutAccount {
	s.t.Helper()
	account, _, err := s.Account(context.Background(), vendor.ID)
	s.must(err)
	return account
}

// told are the tasks of a kind.
func (s *till) told(kind string) []payment.Task {
	var list []payment.Task
	for _, task := range s.tasks {
		if task.Kind == kind {
			list = append(list, task)
		}
	}
	return list
}

// tasksBut are the tasks of all other kinds.
func (s *till) tasksBut(kind string) []payment.Task {
	return slices.DeleteFunc(slices.Clone(s.tasks), func(task payment.Task) bool { return task.Kind == kind })
}
