package console_test

import (
	"encoding/csv"
	"strings"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/gateway/stripe"
	"github.com/sheaf-hub/sheaf/hub/gateway/stripe/stripefake"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/hub/store/storetest"
	"github.com/sheaf-hub/sheaf/web/hubtest"
	"github.com/sheaf-hub/sheaf/web/ui/uitest"
)

// bank is the desk with Stripe, played in Germany, in place of the sandbox.
type bank struct {
	*desk
	fake *stripefake.Fake
}

func bankOn(t *testing.T, db *store.DB) *bank {
	t.Helper()
	b := &bank{desk: deskOn(t, db)}
	b.fake = stripefake.New(stripefake.Config{Now: b.Now, Seed: 3, Country: "DE"})
	gateway, err := stripe.New(stripe.Config{Key: b.fake.Key(), WebhookSecrets: []string{"whsec_x"}, HTTPClient: b.fake.Client(), Now: b.Now})
	b.Must(err)
	b.Payment.Gateway, b.Payment.Accounts, b.Payment.Payouts = gateway, gateway, gateway
	return b
}

// paid pays an invoice by card, and sends what is due.
func (b *bank) paid(t *testing.T, number string) {
	t.Helper()
	ann := b.Ann()
	payer := payment.Payer{Contact: ann, Viewer: billing.Viewer{CustomerID: ann.CustomerID}}
	quote, err := b.Payment.Quote(t.Context(), payer, payment.Selection{Invoices: []payment.Wish{{InvoiceID: b.Invoice(number).ID}}})
	b.Must(err)
	started, err := b.Payment.Start(t.Context(), payer, quote.ID, quote.Hash, "EUR")
	b.Must(err)
	_, err = b.fake.Pay(started.Payment.GatewayRef, stripefake.Succeed)
	b.Must(err)
	b.Must(b.Payment.Refresh(t.Context(), started.Payment.GatewayRef))
	b.send(t)
}

func (b *bank) send(t *testing.T) {
	t.Helper()
	refs, err := b.DB.TakeDue(t.Context(), payment.Transfers, "vendor_id", b.Now(), 100, time.Minute)
	b.Must(err)
	for _, ref := range refs {
		b.Must(b.Payment.SendTransfer(t.Context(), ref))
	}
}

func TestOnboardingPages(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := bankOn(t, db)
		page := b.owner.Get("/vendor/payouts").Want(t, 200, "Not started", "Nothing is lost", "Germany", "exchanged", "Start", `value="FR"`)
		uitest.Check(t, []byte(page.Body))
		b.member.Get("/vendor/payouts").Want(t, 200, "An owner of your company").Without(t, `action="/vendor/payouts/onboardings"`)
		b.paid(t, "N-1")
		b.owner.Get("/vendor/payouts").Want(t, 200, "Waits in the hub", "125.00")
		b.owner.Get("/vendor/payments").Want(t, 200, "Waits for your account").Without(t, "On its way</")
		b.owner.Get("/vendor/tasks").Want(t, 200, "Money waits for you", "See the payouts page")

		b.member.Post("/vendor/payouts/onboardings", "country", "DE").Want(t, 403)
		b.nobody.Post("/vendor/payouts/onboardings", "country", "DE").Want(t, 401)
		for _, country := range []string{"US", "", "<b>"} {
			bad := b.owner.Post("/vendor/payouts/onboardings", "country", country).Want(t, 422, "This hub can pay vendors in")
			uitest.Check(t, []byte(bad.Body))
		}
		if b.Count("payout_accounts", "TRUE") != 0 {
			t.Fatal("an account was begun")
		}
		b.fake.SetFaults(stripefake.Faults{Request: func(stripefake.Request) stripefake.Fate { return stripefake.Fate{TooMany: true} }})
		b.owner.Get("/vendor/payouts").Want(t, 200, "does not answer just now")
		b.owner.Post("/vendor/payouts/onboardings", "country", "DE").Leads(t, "/vendor/payouts")
		b.fake.SetFaults(stripefake.Faults{})

		link := b.owner.Post("/vendor/payouts/onboardings", "country", "de").Want(t, 303).Header.Get("Location")
		back, err := b.fake.Onboard(link, stripefake.Restrict)
		b.Must(err)
		b.audited(t, "payouts.started", 1)
		path := strings.TrimPrefix(back, hubtest.PublicURL)
		page = b.owner.Get(path).Want(t, 200, "Shut", "did not come in time", "Your identity document", "Set it right")
		uitest.Check(t, []byte(page.Body))
		b.owner.Get("/vendor/payouts?expired=1").Want(t, 200, "works once", "opens a new one")
		b.Pass(time.Minute) // a link is for one visit
		link = b.owner.Post("/vendor/payouts/onboardings").Want(t, 303).Header.Get("Location")
		_, err = b.fake.Onboard(link, stripefake.Finish)
		b.Must(err)
		b.fake.SetFaults(stripefake.Faults{Request: func(stripefake.Request) stripefake.Fate { return stripefake.Fate{ErrorBefore: true} }})
		b.owner.Get(path).Want(t, 200, "may not show here yet", "Shut")
		b.fake.SetFaults(stripefake.Faults{})
		b.owner.Get(path).Want(t, 200, "Ready", "125.00", "It is being sent now").Without(t, "Shut", "cannot take money")
		b.send(t)
		b.owner.Get("/vendor/payouts").Want(t, 200, "On its way to your bank", "125.00").Without(t, "Waits in the hub")
		b.south.Get("/vendor/payouts").Want(t, 200, "Not started").Without(t, "125.00", "acct_")
	})
}

func TestPayoutPages(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := bankOn(t, db)
		link := b.owner.Post("/vendor/payouts/onboardings", "country", "DE").Want(t, 303).Header.Get("Location")
		_, err := b.fake.Onboard(link, stripefake.Finish)
		b.Must(err)
		b.Must(b.Payment.RefreshAccount(t.Context(), b.North.ID))
		b.paid(t, "N-1")
		b.paid(t, "N-2")
		b.Exec("UPDATE invoices SET number = '=1-1' WHERE id = ?", b.Invoice("N-2").ID)
		for range 20 {
			b.Pass(6 * time.Hour)
			b.fake.Pass()
		}
		b.owner, b.south = b.SignIn(b.app, b.North.Owner), b.SignIn(b.app, b.South.Owner) // days have passed
		_, err = b.Payment.SyncPayouts(t.Context())
		b.Must(err)
		var id string
		b.Must(b.DB.NewRaw("SELECT id FROM payouts WHERE vendor_id = ?", b.North.ID).Scan(t.Context(), &id))
		list := b.owner.Get("/vendor/payouts").Want(t, 200, "205.00", "Ready", "/vendor/payouts/"+id).Without(t, "On its way to your bank")
		uitest.Check(t, []byte(list.Body))
		b.owner.Get("/vendor/payouts?from=2030-01-01").Want(t, 200, "No payout here", "Clear filters")
		b.owner.Get("/vendor/payouts?from=nonsense&cursor=nonsense").Want(t, 422)
		one := b.owner.Get("/vendor/payouts/"+id).Want(t, 200, "205.00", "N-1", ">=1-1<", "125.00", "80.00", "Sums")
		one.Without(t, "Not from this hub", "Not explained")
		uitest.Check(t, []byte(one.Body))
		for _, path := range []string{"/vendor/payouts/" + id + "/lines.csv", "/vendor/payouts.csv", "/vendor/payouts.csv?from=2026-11-01&to=2026-12-31"} {
			rows, err := csv.NewReader(strings.NewReader(b.owner.Get(path).Want(t, 200).Body)).ReadAll()
			b.Must(err)
			sum := int64(0)
			for _, row := range rows[1:] {
				part, err := money.Parse(row[11], "EUR")
				b.Must(err)
				sum += part.Minor
			}
			if len(rows) != 3 || sum != 20500 || rows[1][6] != "205.00" || rows[2][9] != "N-1" || rows[1][9] != "'=1-1" || rows[1][10] != "C-1" || rows[1][8] == rows[2][8] {
				t.Errorf("%s: %q", path, rows)
			}
		}
		if got := b.owner.Get("/vendor/payouts.csv?to=2026-01-01").Want(t, 200).Body; strings.Count(got, "\n") != 1 {
			t.Error(got)
		}
		for _, path := range []string{"/vendor/payouts/" + id, "/vendor/payouts/" + id + "/lines.csv", "/vendor/payouts/nonsense"} {
			b.south.Get(path).Want(t, 404)
		}
		b.south.Get("/vendor/payouts.csv").Want(t, 200).Without(t, "N-1", "205.00")
	})
}
