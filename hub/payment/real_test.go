package payment_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/gateway/stripe"
	"github.com/sheaf-hub/sheaf/hub/gateway/stripe/stripefake"
	"github.com/sheaf-hub/sheaf/hub/ledger"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/hub/store/storetest"
)

// real is the room with the Stripe gateway, over a Stripe that is played with
// true states, keys and signatures.
type real struct {
	*till
	stripe *stripe.Gateway
	fake   *stripefake.Fake
	hooks  []string // the endpoints' ids: the platform's, the connected accounts'
	boss   access.Actor
}

func eachReal(t *testing.T, run func(t *testing.T, r *real)) {
	storetest.Each(t, func(t *testing.T, db *store.DB) { run(t, newReal(t, db, 1)) })
}

func newReal(t *testing.T, db *store.DB, seed uint64) *real {
	t.Helper()
	r := &real{till: newTill(t, db), boss: access.Actor{Kind: access.KindOperator, ID: "boss", Name: "Operator"}}
	r.now = r.now.Truncate(time.Second) // Stripe's clock has whole seconds
	r.fake = stripefake.New(stripefake.Config{Now: r.clock, Seed: seed, Sleep: func(context.Context, time.Duration) error { return nil }})
	for _, connect := range []bool{false, true} {
		r.hooks = append(r.hooks, r.fake.AddEndpoint(stripefake.Endpoint{Secret: fmt.Sprintf("whsec_%t", connect), Connect: connect}))
	}
	var err error
	r.stripe, err = stripe.New(stripe.Config{Key: r.fake.Key(), WebhookSecrets: []string{"whsec_false", "whsec_true"}, HTTPClient: r.fake.Client(), Now: r.clock})
	r.must(err)
	r.Gateway, r.Accounts, r.Disputes, r.Messages = r.stripe, r.stripe, r.stripe, r.stripe
	return r
}

// hear takes what Stripe sends now, as the webhook does.
func (r *real) hear() {
	r.t.Helper()
	for range 50 {
		heard := 0
		for _, hook := range r.hooks {
			for _, message := range r.fake.Take(hook, 0) {
				heard++
				hint, err := r.stripe.Parse(message.Payload, message.Signature)
				r.must(err)
				r.must(r.Notify(context.Background(), hint))
			}
		}
		if heard == 0 {
			return
		}
	}
	r.t.Fatal("Stripe does not stop sending")
}

// work does what is due now, as the queue does, until nothing is.
func (r *real) work() {
	r.t.Helper()
	for range 30 {
		done := 0
		for _, table := range []struct {
			name store.JobTable
			send func(context.Context, store.JobRef) error
		}{{payment.Transfers, r.SendTransfer}, {payment.Refunds, r.SendRefund}, {payment.Reversals, r.SendReversal}} {
			refs, err := r.DB.TakeDue(context.Background(), table.name, "vendor_id", r.clock(), 100, 20*time.Second)
			r.must(err)
			for _, ref := range refs {
				done++
				r.must(table.send(context.Background(), ref))
			}
		}
		if done == 0 {
			return
		}
		r.hear()
	}
}

func (r *real) later(d time.Duration) {
	r.t.Helper()
	r.pass(d)
	r.fake.Pass()
	r.hear()
	r.work()
}

// onboard opens a vendor's account at Stripe; ready says whether Stripe knows enough.
func (r *real) onboard(vendor party.Vendor, ready bool) string {
	r.t.Helper()
	link, err := r.StartOnboarding(context.Background(), r.boss, vendor.ID, "US")
	r.must(err)
	if !strings.HasPrefix(link, "https://") {
		r.t.Fatal(link)
	}
	account, found, err := r.Account(context.Background(), vendor.ID)
	if err != nil || !found || account.AccountRef == "" {
		r.t.Fatalf("%+v, %v", account, err)
	}
	if ready {
		r.must(r.fake.SetAccount(account.AccountRef, stripefake.Ready))
	}
	r.hear()
	return account.AccountRef
}

// shop is two vendors with accounts at Stripe, and a payer with an invoice of each in euros.
func (r *real) shop() (one, two party.Vendor, a, b billing.Invoice, payer payment.Payer) {
	r.t.Helper()
	one, two, a, b, payer = r.two()
	r.onboard(one, true)
	r.onboard(two, true)
	return one, two, a, b, payer
}

func (r *real) pay(p payment.Payment, outcome string) {
	r.t.Helper()
	_, err := r.fake.Pay(ref(p), outcome)
	r.must(err)
	r.hear()
}

func (r *real) balance(account string) int64 {
	r.t.Helper()
	amount, err := r.Ledger.Balance(context.Background(), account, "EUR")
	r.must(err)
	return amount.Minor
}

// owed are the accounts that must be empty once nothing is on its way.
func (r *real) wantBalance(account string, want int64) {
	r.t.Helper()
	if got := r.balance(account); got != want {
		r.t.Errorf("%s holds %d, want %d", account, got, want)
	}
}

// agrees says that Stripe holds what the ledger says it does.
func (r *real) agrees() {
	r.t.Helper()
	r.sound()
	if wrong := r.fake.Check(); len(wrong) > 0 {
		r.t.Fatalf("the fake: %v", wrong)
	}
	available, pending := r.fake.Balance("", "eur")
	if held := r.balance(ledger.Gateway); held != available+pending {
		r.t.Errorf("Stripe holds %d + %d, the ledger says %d", available, pending, held)
	}
}

func (r *real) share(vendor party.Vendor) payment.Share {
	r.t.Helper()
	var share payment.Share
	r.must(r.DB.NewSelect().Model(&share).Where("vendor_id = ?", vendor.ID).OrderExpr("id DESC").Limit(1).Scan(context.Background()))
	return share
}

func (r *real) refund(vendor party.Vendor, amount string) payment.Refund {
	r.t.Helper()
	refund, err := r.RequestRefund(context.Background(), r.boss, vendor.ID, payment.RefundWish{ShareID: r.share(vendor).ID, Amount: amount, Reason: "paid twice", RequestKey: store.NewID()})
	r.must(err)
	return refund
}

func TestACardPaymentReachesItsVendorsAtStripe(t *testing.T) {
	eachReal(t, func(t *testing.T, r *real) {
		one, two, a, b, payer := r.shop()
		r.must(r.SetFeePolicy(t.Context(), r.boss, one.ID, payment.FeePolicy{Processing: payment.VendorBears, HubRate: 100}))
		p := r.start(payer, tick(a, b)) // EUR 125.00 and EUR 40.00
		r.pay(p, stripefake.Succeed)
		settled := r.want(p.ID, payment.Settled)
		if settled.Fee != 509 || settled.MethodDetail != "Visa ending 4242" || settled.SourceRef == "" { // 2.9 % of 165.00 and 0.30
			t.Fatalf("%+v", settled)
		}
		r.work()
		r.agrees()
		share := r.share(one)
		if share.ProcessingFee != 386 || share.HubFee != 125 { // 5.09 × 125/165 = 3.856, the odd cent to the largest; 1 % of 125.00
			t.Errorf("fees %d and %d", share.ProcessingFee, share.HubFee)
		}
		sent := map[string]int64{}
		for _, transfer := range r.fake.Transfers() {
			sent[transfer.Metadata["reference"]] = transfer.Amount
		}
		if len(sent) != 2 || sent[share.Reference] != 12500-386-125 || sent[r.share(two).Reference] != 4000 {
			t.Errorf("sent %v", sent)
		}
		r.wantBalance(ledger.VendorPayable(one.ID), 0)
		r.wantBalance(ledger.VendorPayable(two.ID), 0)
		r.wantBalance(ledger.HubFees, 509-386-125) // what it bears, less what it earned
	})
}

func TestAShareWaitsUntilItsVendorsAccountIsReady(t *testing.T) {
	eachReal(t, func(t *testing.T, r *real) {
		one, two, a, b, payer := r.two()
		r.onboard(one, true)
		p := r.start(payer, tick(a, b))
		r.pay(p, stripefake.Succeed)
		r.work()
		if n := r.count("transfers", "state = 'pending' AND waits_for = 'account'"); n != 1 {
			t.Fatalf("%d transfers wait for an account", n)
		}
		r.wantBalance(ledger.VendorPayable(two.ID), -4000)
		account := r.onboard(two, false) // opened, and not ready yet
		r.later(time.Hour)
		if n := len(r.fake.Transfers()); n != 1 {
			t.Fatalf("%d transfers", n)
		}
		r.must(r.fake.SetAccount(account, stripefake.Ready))
		r.hear() // account.updated makes it due at once
		r.work()
		if n := len(r.fake.Transfers()); n != 2 {
			t.Fatalf("%d transfers", n)
		}
		r.wantBalance(ledger.VendorPayable(two.ID), 0)
		r.agrees()
		if link, err := r.StartOnboarding(t.Context(), r.boss, two.ID, "US"); err != nil || link == "" || len(r.fake.Accounts()) != 2 {
			t.Errorf("resumed: %q, %v, %d accounts", link, err, len(r.fake.Accounts()))
		}
		if _, err := r.StartOnboarding(t.Context(), r.boss, r.vendor("Abroad").ID, "KP"); err == nil || !strings.Contains(err.Error(), "can pay vendors in") {
			t.Errorf("a country that cannot be paid: %v", err)
		}
	})
}

func TestABankDebitIsSentOnOnceItsMoneyIsThere(t *testing.T) {
	eachReal(t, func(t *testing.T, r *real) {
		one, _, a, _, payer := r.shop()
		p := r.start(payer, tick(a))
		r.pay(p, stripefake.Bank)
		r.want(p.ID, payment.Processing)
		if held := r.book(one, "INV-1"); held.Held != 12500 || held.Open != 12500 {
			t.Fatalf("%+v", held)
		}
		r.later(4*24*time.Hour + time.Minute)
		settled := r.want(p.ID, payment.Settled)
		if settled.AvailableAt.IsZero() || len(r.fake.Transfers()) != 0 {
			t.Fatalf("%+v, %d transfers", settled, len(r.fake.Transfers()))
		}
		if n := r.count("transfers", "waits_for = 'funds'"); n != 1 {
			t.Fatal(n)
		}
		r.later(settled.AvailableAt.Sub(r.clock()) + time.Minute)
		if n := len(r.fake.Transfers()); n != 1 {
			t.Fatalf("%d transfers", n)
		}
		r.agrees()

		c := r.invoice(one, "C-1", "INV-9", 7000)
		p = r.start(payer, tick(c))
		r.pay(p, stripefake.BankFail)
		r.later(4*24*time.Hour + time.Minute)
		if failed := r.want(p.ID, payment.Failed); failed.Failure == "" {
			t.Error("it does not say why")
		}
		if free := r.book(one, "INV-9"); free.Held != 0 || free.Open != 7000 {
			t.Errorf("%+v", free)
		}
		r.agrees()
	})
}

func TestARefundTakesItsMoneyBackFromTheVendor(t *testing.T) {
	eachReal(t, func(t *testing.T, r *real) {
		one, _, a, b, payer := r.shop()
		p := r.start(payer, tick(a, b))
		r.pay(p, stripefake.Succeed)
		r.work()
		r.refund(one, "25.00")
		r.work()
		r.agrees()
		share := r.share(one)
		if share.Refunded != 2500 || share.Status != payment.Settled || r.read(p.ID).Status != payment.Settled {
			t.Fatalf("%+v", share)
		}
		if refunds, reversals := r.fake.Refunds(), r.fake.Reversals(); len(refunds) != 1 || refunds[0].Amount != 2500 || len(reversals) != 1 || reversals[0].Amount != 2500 {
			t.Fatalf("%+v %+v", refunds, reversals)
		}
		r.wantBalance(ledger.VendorReceivable(one.ID), 0)
		r.wantBalance(ledger.CustomerRefunds(p.CustomerID), 0)
		if invoice := r.book(one, "INV-1"); invoice.Open != 0 {
			t.Error("a refund opened the invoice again")
		}
		for _, wrong := range []string{"100.01", "0", "-5", "abc", "1.001"} {
			if _, err := r.RequestRefund(t.Context(), r.boss, one.ID, payment.RefundWish{ShareID: share.ID, Amount: wrong, Reason: "x", RequestKey: wrong}); err == nil {
				t.Errorf("%s was given back", wrong)
			}
		}
		wish := payment.RefundWish{ShareID: share.ID, Reason: "all of it", RequestKey: "twice"}
		first, err := r.RequestRefund(t.Context(), r.boss, one.ID, wish)
		r.must(err)
		again, err := r.RequestRefund(t.Context(), r.boss, one.ID, wish)
		if err != nil || again.ID != first.ID || first.Amount != 10000 {
			t.Fatalf("%+v, %v", again, err)
		}
		r.work()
		if share := r.share(one); share.Status != payment.Refunded || r.read(p.ID).Status != payment.Settled { // the other vendor's stands
			t.Errorf("%s, payment %s", share.Status, r.read(p.ID).Status)
		}
		r.agrees()
	})
}

func TestWhatAVendorCannotGiveBackIsKeptFromItsNextShares(t *testing.T) {
	eachReal(t, func(t *testing.T, r *real) {
		one, _, a, _, payer := r.shop()
		p := r.start(payer, tick(a))
		r.pay(p, stripefake.Succeed)
		r.work()
		r.later(10 * 24 * time.Hour) // its account has paid everything out
		r.refund(one, "125.00")
		r.work()
		if n := r.count("reversals", "state = 'failed'"); n != 1 {
			t.Fatalf("%d reversals failed", n)
		}
		r.wantBalance(ledger.VendorReceivable(one.ID), 12500)
		r.agrees()
		c := r.invoice(one, "C-1", "INV-7", 10000)
		r.pay(r.start(payer, tick(c)), stripefake.Succeed)
		r.work()
		r.wantBalance(ledger.VendorReceivable(one.ID), 2500)
		d := r.invoice(one, "C-1", "INV-8", 10000)
		r.pay(r.start(payer, tick(d)), stripefake.Succeed)
		r.work()
		r.wantBalance(ledger.VendorReceivable(one.ID), 0)
		r.wantBalance(ledger.VendorPayable(one.ID), 0)
		var netted []int64
		r.must(r.DB.NewRaw(`SELECT netted FROM transfers ORDER BY created_at, id`).Scan(t.Context(), &netted))
		if fmt.Sprint(netted) != "[0 10000 2500]" {
			t.Errorf("netted %v", netted)
		}
		r.agrees()
		// tried again, the reversal finds nothing that is owed any more
		var id string
		r.must(r.DB.NewRaw(`SELECT id FROM reversals`).Scan(t.Context(), &id))
		r.must(r.RetryReversal(t.Context(), r.boss, id))
		r.work()
		if n := len(r.fake.Reversals()); n != 0 {
			t.Errorf("%d reversals", n)
		}
		r.agrees()
	})
}

func TestARefundBeforeTheTransferLessensIt(t *testing.T) {
	eachReal(t, func(t *testing.T, r *real) {
		one, _, a, _, payer := r.shop()
		p := r.start(payer, tick(a))
		r.pay(p, stripefake.Succeed)
		r.refund(one, "100.00") // nothing was sent yet
		r.work()
		if transfers := r.fake.Transfers(); len(transfers) != 1 || transfers[0].Amount != 2500 || len(r.fake.Reversals()) != 0 {
			t.Fatalf("%+v", transfers)
		}
		r.wantBalance(ledger.VendorReceivable(one.ID), 0)
		r.wantBalance(ledger.VendorPayable(one.ID), 0)
		r.agrees()
	})
}

func TestARefundThatFailsLaterIsGivenBackToTheVendor(t *testing.T) {
	eachReal(t, func(t *testing.T, r *real) {
		one, _, a, _, payer := r.shop()
		p := r.start(payer, tick(a))
		r.pay(p, stripefake.Succeed)
		r.work()
		r.refund(one, "50.00")
		r.work()
		r.must(r.fake.FailRefund(r.fake.Refunds()[0].ID, "expired_or_canceled_card"))
		r.hear()
		r.fake.TopUp("eur", 100000) // the platform's own balance is pending still
		r.later(time.Hour)
		share := r.share(one)
		if share.Refunded != 0 || share.Status != payment.Settled {
			t.Fatalf("%+v", share)
		}
		if n := r.count("transfers", "kind = 'return' AND state = 'done' AND amount = 5000"); n != 1 {
			t.Fatalf("%d returns", n)
		}
		r.wantBalance(ledger.VendorReceivable(one.ID), 0)
		r.wantBalance(ledger.VendorPayable(one.ID), 0)
		r.wantBalance(ledger.CustomerRefunds(p.CustomerID), 0)
		r.sound()
		if tasks := r.tasksBut("account_ready"); len(tasks) != 1 || tasks[0].Kind != "refund_failed" {
			t.Errorf("%+v", tasks)
		}
	})
}

func TestARefundMadeAtStripeByHandIsBooked(t *testing.T) {
	eachReal(t, func(t *testing.T, r *real) {
		one, two, a, b, payer := r.shop()
		p := r.start(payer, tick(a, b))
		r.pay(p, stripefake.Succeed)
		r.work()
		if _, err := r.stripe.Refund(t.Context(), payment.RefundRequest{RefundID: "", Key: "by-hand", PaymentRef: ref(p), SourceRef: r.read(p.ID).SourceRef, Amount: money.New(3300, "EUR")}); err != nil {
			t.Fatal(err)
		}
		r.hear()
		r.hear()
		r.work()
		if x, y := r.share(one).Refunded, r.share(two).Refunded; x != 2500 || y != 800 { // in proportion to 125 and 40
			t.Errorf("refunded %d and %d", x, y)
		}
		r.agrees()
	})
}

func TestAChargebackOpensTheInvoicesAndIsWon(t *testing.T) {
	eachReal(t, func(t *testing.T, r *real) {
		one, two, a, b, payer := r.shop()
		r.must(r.SetFeePolicy(t.Context(), r.boss, one.ID, payment.FeePolicy{Processing: payment.VendorBears}))
		p := r.start(payer, tick(a, b))
		r.pay(p, stripefake.Succeed)
		r.work()
		dispute, err := r.fake.OpenDispute(r.fake.Charges()[0].ID, 16500, "fraudulent")
		r.must(err)
		r.hear()
		r.work()
		if r.read(p.ID).Status != payment.ChargedBack || r.share(one).ChargedBack != 12500 || r.share(two).Status != payment.ChargedBack {
			t.Fatalf("%+v", r.share(one))
		}
		for vendor, number := range map[string]string{one.ID: a.ExternalID, two.ID: b.ExternalID} {
			if invoice := r.book(party.Vendor{ID: vendor}, number); invoice.Status != billing.Open || invoice.Open != invoice.Total {
				t.Errorf("%s: %+v", number, invoice)
			}
		}
		tasks := r.tasksBut("account_ready")
		if n := r.count("events", "type = 'payment.charged_back'"); n != 2 || len(tasks) != 2 || !strings.Contains(tasks[0].Title, " by ") {
			t.Errorf("%d events, tasks %+v", n, tasks)
		}
		r.agrees()
		if _, err := r.RequestRefund(t.Context(), r.boss, one.ID, payment.RefundWish{ShareID: r.share(one).ID, Reason: "x", RequestKey: "k"}); err == nil {
			t.Error("a refund of what the bank took back")
		}
		r.must(r.fake.CloseDispute(dispute, "won"))
		r.fake.TopUp("eur", 100000)
		r.later(time.Hour)
		if r.read(p.ID).Status != payment.Settled || r.share(one).ChargedBack != 0 {
			t.Fatalf("%+v", r.share(one))
		}
		if invoice := r.book(one, "INV-1"); invoice.Status != billing.Paid || invoice.Open != 0 {
			t.Errorf("%+v", invoice)
		}
		r.wantBalance(ledger.VendorPayable(one.ID), 0)
		r.wantBalance(ledger.VendorPayable(two.ID), 0)
		r.sound()
	})
}

func TestAChargebackThatIsLostStaysOpenAndIsPaidAgain(t *testing.T) {
	eachReal(t, func(t *testing.T, r *real) {
		one, _, a, _, payer := r.shop()
		p := r.start(payer, tick(a))
		r.pay(p, stripefake.Succeed)
		r.work()
		// the books show the payment before the bank takes it back
		r.push(one, billing.Batch{Invoices: []billing.InvoiceRecord{{ExternalID: "INV-1", Number: "INV-1", Account: "C-1", IssuedOn: "2026-11-01", DueOn: "2026-12-01",
			Currency: "EUR", Total: 12500, Open: 0, Status: billing.Paid, Applied: []string{r.share(one).Reference}}}})
		dispute, err := r.fake.OpenDispute(r.fake.Charges()[0].ID, 12500, "product_not_received")
		r.must(err)
		r.hear()
		if invoice := r.book(one, "INV-1"); invoice.Open != 12500 || invoice.Reopened != 12500 {
			t.Fatalf("%+v", invoice)
		}
		r.must(r.fake.CloseDispute(dispute, "lost"))
		r.hear()
		r.work()
		r.agrees()
		// the vendor books the chargeback: its books speak again, and nothing is asked for twice
		r.push(one, billing.Batch{Invoices: []billing.InvoiceRecord{bill("C-1", "INV-1", 12500, 12500)}})
		if invoice := r.book(one, "INV-1"); invoice.Open != 12500 || invoice.Reopened != 0 {
			t.Fatalf("%+v", invoice)
		}
		r.pay(r.start(payer, tick(r.book(one, "INV-1"))), stripefake.Succeed)
		r.work()
		if invoice := r.book(one, "INV-1"); invoice.Open != 0 {
			t.Fatalf("%+v", invoice)
		}
		r.agrees()
	})
}

func TestManySettleTogetherAndOneThatCannotHoldsUpNoOther(t *testing.T) {
	eachReal(t, func(t *testing.T, r *real) {
		one, _, _, _, payer := r.shop()
		var list []payment.Payment
		for i := range 12 {
			list = append(list, r.start(payer, tick(r.invoice(one, "C-1", fmt.Sprintf("M-%d", i), int64(1000+i)))))
		}
		results := make(chan error, len(list))
		for i, p := range list {
			captured := money.New(p.Amount, "EUR")
			if i == 5 {
				captured.Minor-- // Stripe would never; the others must not suffer for it
			}
			go func() {
				results <- r.Settle(context.Background(), p.ID, payment.State{Phase: payment.PhaseSucceeded, Captured: captured, Method: payment.MethodCard})
			}()
		}
		var failures []error
		for range list {
			if err := <-results; err != nil {
				failures = append(failures, err)
			}
		}
		if len(failures) != 1 || !strings.Contains(failures[0].Error(), "captured") {
			t.Fatalf("%v", errors.Join(failures...))
		}
		for i, p := range list {
			if got := r.read(p.ID).Status; (got == payment.Settled) == (i == 5) {
				t.Errorf("payment %d is %s", i, got)
			}
		}
		r.sound()
	})
}

func TestFiftyDeclinesStopOnePayerAndNoOther(t *testing.T) {
	eachReal(t, func(t *testing.T, r *real) {
		one, _, _, _, payer := r.shop()
		r.account(one, "C-2", "other@zenith.example")
		other := r.payer("other@zenith.example")
		payer.Address, other.Address = "192.0.2.7", "192.0.2.8"
		refused, tried := 0, 0
		for i := range 50 {
			quote := r.quote(payer, tick(r.invoice(one, "C-1", fmt.Sprintf("D-%d", i), 1000)))
			started, err := r.Start(t.Context(), payer, quote.ID, quote.Hash, "EUR")
			if err != nil {
				refused++
				continue
			}
			tried++
			if _, err := r.fake.Pay(ref(started.Payment), stripefake.Decline); err == nil {
				t.Fatal("the card was not declined")
			}
			r.hear()
			_, err = r.Cancel(t.Context(), payer, started.Payment.ID)
			r.must(err)
		}
		if tried != payment.MostDeclines || refused != 50-payment.MostDeclines {
			t.Fatalf("%d cards were tried, %d refused", tried, refused)
		}
		thief := other // another mailbox from the same address is refused too
		thief.Address = payer.Address
		quote := r.quote(other, tick(r.invoice(one, "C-2", "O-1", 1000)))
		if _, err := r.Start(t.Context(), thief, quote.ID, quote.Hash, "EUR"); err == nil {
			t.Error("the same address may go on under another name")
		}
		started, err := r.Start(t.Context(), other, quote.ID, quote.Hash, "EUR")
		r.must(err)
		r.pay(started.Payment, stripefake.Succeed)
		r.want(started.Payment.ID, payment.Settled)
		r.pass(time.Hour + time.Minute)
		quote = r.quote(payer, tick(r.invoice(one, "C-1", "D-99", 1000)))
		if _, err := r.Start(t.Context(), payer, quote.ID, quote.Hash, "EUR"); err != nil {
			t.Errorf("after an hour: %v", err)
		}
	})
}

func TestWhatStripeNeverToldIsFoundInItsList(t *testing.T) {
	eachReal(t, func(t *testing.T, r *real) {
		one, _, a, _, payer := r.shop()
		p := r.start(payer, tick(a))
		r.pay(p, stripefake.Succeed)
		r.work()
		r.fake.SetFaults(stripefake.Faults{Event: func(stripefake.Event) stripefake.EventFate { return stripefake.EventFate{Drop: true} }})
		if _, err := r.fake.OpenDispute(r.fake.Charges()[0].ID, 12500, "fraudulent"); err != nil {
			t.Fatal(err)
		}
		r.hear()
		r.want(p.ID, payment.Settled) // nobody said a word
		r.pass(time.Hour)
		followed, err := r.CatchUp(t.Context())
		if err != nil || followed < 2 {
			t.Fatalf("%d, %v", followed, err)
		}
		r.want(p.ID, payment.ChargedBack)
		if again, err := r.CatchUp(t.Context()); err != nil || again != 0 {
			t.Errorf("%d again, %v", again, err)
		}
		if r.share(one).ChargedBack != 12500 {
			t.Error("the share does not know")
		}
		r.work()
		r.sound()
	})
}

func TestLimitsAreToldBeforeACheckout(t *testing.T) {
	eachReal(t, func(t *testing.T, r *real) {
		one, _, _, _, payer := r.shop()
		small := r.invoice(one, "C-1", "S-1", 30)
		quote := r.quote(payer, tick(small))
		if refused := quote.Currencies[0].Refused; !strings.Contains(refused, "least that can be paid here") {
			t.Fatalf("%q", refused)
		}
		if _, err := r.Start(t.Context(), payer, quote.ID, quote.Hash, "EUR"); err == nil || !strings.Contains(err.Error(), "Nothing was charged") {
			t.Errorf("%v", err)
		}
		if n := len(r.fake.Sessions()); n != 0 || r.count("payments", "TRUE") != 0 {
			t.Errorf("%d pages were made", n)
		}
		large := r.invoice(one, "C-1", "L-1", 10000)
		if quote := r.quote(payer, tick(small, large)); quote.Currencies[0].Refused != "" {
			t.Errorf("together: %q", quote.Currencies[0].Refused)
		}
	})
}
