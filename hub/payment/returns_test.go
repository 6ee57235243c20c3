package payment_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/gateway/stripe"
	"github.com/sheaf-hub/sheaf/hub/gateway/stripe/stripefake"
	"github.com/sheaf-hub/sheaf/hub/ledger"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/hub/store/storetest"
)

// counter is the room with Stripe's gateway over a fake Stripe: two vendors with
// accounts there, one payer.
type counter struct {
	*till
	fake       *stripefake.Fake
	north, bay party.Vendor
	payer      payment.Payer
	endpoint   string
	gateway    *stripe.Gateway
}

func eachCounter(t *testing.T, run func(t *testing.T, c *counter)) {
	storetest.Each(t, func(t *testing.T, db *store.DB) { run(t, newCounter(t, db)) })
}

func newCounter(t *testing.T, db *store.DB) *counter {
	t.Helper()
	c := &counter{till: newTill(t, db)}
	c.fake = stripefake.New(stripefake.Config{Now: c.clock, Seed: 3, Key: "sk_test_fake"})
	gateway, err := stripe.New(stripe.Config{Key: "sk_test_fake", WebhookSecrets: []string{"whsec_x"}, HTTPClient: c.fake.Client(), Now: c.clock})
	c.must(err)
	c.gateway = gateway
	c.endpoint = c.fake.AddEndpoint(stripefake.Endpoint{Secret: "whsec_x"})
	c.Gateway, c.Accounts, c.Disputes = gateway, gateway, gateway
	c.north, c.bay = c.vendor("Northwind"), c.vendor("Baywater")
	for _, vendor := range []party.Vendor{c.north, c.bay} {
		c.account(vendor, "C-1", "ap@acme.example")
		_, err := c.StartOnboarding(t.Context(), access.SystemActor("test"), vendor.ID, "US")
		c.must(err)
		account, _, err := c.Account(t.Context(), vendor.ID)
		c.must(err)
		c.must(c.fake.SetAccount(account.AccountRef, stripefake.Ready))
		c.must(c.RefreshAccount(t.Context(), vendor.ID))
	}
	c.payer = c.till.payer("ap@acme.example")
	return c
}

func (c *counter) owed(vendor party.Vendor, number string, total int64) billing.Invoice {
	c.t.Helper()
	record := bill("C-1", number, total, total)
	record.Currency = "USD"
	record.Documents = []billing.DocumentRecord{{Name: number + ".pdf", ContentType: "application/pdf", Content: []byte("%PDF-1.4 " + number)}}
	c.push(vendor, billing.Batch{Invoices: []billing.InvoiceRecord{record}})
	return c.book(vendor, number)
}

// paid settles a card payment of invoices and sends the shares.
func (c *counter) paid(invoices ...billing.Invoice) payment.Payment {
	c.t.Helper()
	quote := c.quote(c.payer, tick(invoices...))
	started, err := c.Start(context.Background(), c.payer, quote.ID, quote.Hash, "USD")
	c.must(err)
	_, err = c.fake.Pay(started.Payment.GatewayRef, stripefake.Succeed)
	c.must(err)
	c.listen()
	p := c.want(started.Payment.ID, payment.Settled)
	c.work()
	return p
}

// listen follows what Stripe says, as web/hooks does.
func (c *counter) listen() {
	c.t.Helper()
	for _, signed := range c.fake.Take(c.endpoint, 0) {
		hint, err := c.gateway.Parse(signed.Payload, signed.Signature)
		c.must(err)
		c.must(c.Notify(context.Background(), hint))
	}
}

// work does what is due, as the queue does.
func (c *counter) work() {
	c.t.Helper()
	for table, send := range map[store.JobTable]func(context.Context, store.JobRef) error{payment.Transfers: c.SendTransfer, payment.Refunds: c.SendRefund,
		payment.Reversals: c.SendReversal, payment.Submissions: c.SendEvidence} {
		refs, err := c.DB.TakeDue(context.Background(), table, "id", c.clock(), 100, time.Minute)
		c.must(err)
		for _, ref := range refs {
			c.must(send(context.Background(), ref))
		}
	}
	c.listen()
}

func (c *counter) later(d time.Duration) {
	c.pass(d)
	c.fake.Pass()
	c.listen()
}

func (c *counter) share(vendor party.Vendor, p payment.Payment) payment.Share {
	c.t.Helper()
	var share payment.Share
	c.must(c.DB.NewSelect().Model(&share).Where("vendor_id = ?", vendor.ID).Where("payment_id = ?", p.ID).Scan(context.Background()))
	return share
}

func (c *counter) staff(vendor party.Vendor) access.Actor {
	return access.Actor{Kind: access.KindStaff, ID: vendor.ID, Name: "Mel", VendorID: vendor.ID}
}

func (c *counter) refund(vendor party.Vendor, share payment.Share, amount, key string) payment.Refund {
	c.t.Helper()
	refund, err := c.RequestRefund(context.Background(), c.staff(vendor), vendor.ID, payment.RefundWish{ShareID: share.ID, Amount: amount, Reason: "sent back", RequestKey: key})
	c.must(err)
	return refund
}

// charged opens a dispute over all of a payment.
func (c *counter) charged(p payment.Payment) string {
	c.t.Helper()
	dispute, err := c.fake.OpenDispute(c.read(p.ID).SourceRef, 0, "product_not_received")
	c.must(err)
	c.listen()
	return dispute
}

func (c *counter) part(vendor party.Vendor) payment.ChargebackView {
	c.t.Helper()
	list, _, err := c.ListVendorChargebacks(context.Background(), vendor.ID, payment.ChargebackFilter{}, store.PageRequest{})
	c.must(err)
	if len(list) != 1 {
		c.t.Fatalf("%s has %d chargebacks", vendor.Name, len(list))
	}
	view, err := c.VendorChargeback(context.Background(), vendor.ID, list[0].ID)
	c.must(err)
	return view
}

func (c *counter) receivable(vendor party.Vendor, want int64) {
	c.t.Helper()
	got, err := c.Ledger.Balance(context.Background(), ledger.VendorReceivable(vendor.ID), "USD")
	c.must(err)
	if got.Minor != want {
		c.t.Fatalf("%s owes %d, want %d", vendor.Name, got.Minor, want)
	}
}

func (c *counter) wantFault(err error, code fault.Code, words string) {
	c.t.Helper()
	if !fault.Is(err, code) || !strings.Contains(err.Error(), words) {
		c.t.Errorf("%v, want %s with %q", err, code, words)
	}
}

func (c *counter) tasked(kind string) int {
	n := 0
	seen := map[string]bool{}
	for _, task := range c.tasks {
		if task.Kind == kind && !seen[task.SubjectID] {
			seen[task.SubjectID] = true
			n++
		}
	}
	return n
}

func TestARefundFromAskedToArrived(t *testing.T) {
	eachCounter(t, func(t *testing.T, c *counter) {
		p := c.paid(c.owed(c.north, "N-1", 10000), c.owed(c.bay, "B-1", 5000))
		share := c.share(c.north, p)
		plan, err := c.PlanRefund(t.Context(), c.north.ID, share.ID, "30.00")
		if err != nil || plan.Amount.Minor != 3000 || plan.FromAccount.Minor != 3000 || plan.FromShares.Minor != 0 || plan.Left.Minor != 7000 {
			t.Fatalf("%+v, %v", plan, err)
		}
		refund := c.refund(c.north, share, "30.00", "k1")
		again, fresh, err := c.AskRefund(t.Context(), c.staff(c.north), c.north.ID, payment.RefundWish{ShareID: share.ID, Amount: "30.00", Reason: "sent back", RequestKey: "k1"})
		if err != nil || fresh || again.ID != refund.ID || c.count("refunds", "TRUE") != 1 {
			t.Fatalf("a second click: %+v, %t, %v", again, fresh, err)
		}
		_, err = c.RequestRefund(t.Context(), c.staff(c.north), c.north.ID, payment.RefundWish{ShareID: share.ID, Amount: "31.00", Reason: "x", RequestKey: "k1"})
		c.wantFault(err, fault.Conflict, "another key")
		for amount, words := range map[string]string{"70.01": "more than", "0": "Write an amount", "-1": "Write an amount", "x": "Write an amount", "1.005": "Write an amount"} {
			_, err := c.PlanRefund(t.Context(), c.north.ID, share.ID, amount)
			c.wantFault(err, fault.Invalid, words)
			_, err = c.RequestRefund(t.Context(), c.staff(c.north), c.north.ID, payment.RefundWish{ShareID: share.ID, Amount: amount, Reason: "x", RequestKey: "wrong"})
			c.wantFault(err, fault.Invalid, words)
		}
		_, err = c.RequestRefund(t.Context(), c.staff(c.bay), c.bay.ID, payment.RefundWish{ShareID: share.ID, Reason: "x", RequestKey: "k"})
		c.wantFault(err, fault.NotFound, "no such payment")
		_, _, err = c.VendorRefunds(t.Context(), c.bay.ID, share.ID, store.PageRequest{})
		c.wantFault(err, fault.NotFound, "no such payment")
		_, err = c.VendorRefund(t.Context(), c.bay.ID, refund.ID)
		c.wantFault(err, fault.NotFound, "no such refund")
		c.work()
		c.receivable(c.north, 0)
		list, _, err := c.VendorRefunds(t.Context(), c.north.ID, share.ID, store.PageRequest{})
		if err != nil || len(list) != 1 || list[0].State != "done" || list[0].Phase != "succeeded" || len(c.fake.Refunds()) != 1 || len(c.fake.Reversals()) != 1 {
			t.Fatalf("%+v, %v", list, err)
		}
		c.sound()
		c.must(c.fake.FailRefund(c.fake.Refunds()[0].ID, "lost_or_stolen_card"))
		c.listen()
		c.fake.TopUp("usd", 50000)
		c.work() // what was taken from the vendor goes back to it
		if c.tasked("refund_failed") != 1 || c.share(c.north, p).Refunded != 0 || c.count("transfers", "kind = 'return' AND state = 'done'") != 1 {
			t.Fatalf("%+v", c.tasks)
		}
		if view, err := c.VendorShare(t.Context(), c.north.ID, share.ID); err != nil || view.TransferState != "done" {
			t.Fatalf("%+v, %v", view, err)
		}
		shares, _, err := c.ListVendorShares(t.Context(), c.north.ID, payment.ShareFilter{}, store.PageRequest{})
		if err != nil || len(shares) != 1 {
			t.Fatalf("a share that was sent a return is listed %d times, %v", len(shares), err)
		}
		c.receivable(c.north, 0)
		c.sound()
		if problems := c.fake.Check(); len(problems) > 0 {
			t.Error(problems)
		}
	})
}

// The vendor has spent its money: the hub pays the payer, the vendor owes it, and
// its next share pays that.
func TestWhatAVendorCannotGiveBackIsKeptFromItsNextShare(t *testing.T) {
	eachCounter(t, func(t *testing.T, c *counter) {
		p := c.paid(c.owed(c.north, "N-1", 10000))
		account, _, err := c.Account(t.Context(), c.north.ID)
		c.must(err)
		c.fake.TopUp("usd", 50000)
		c.later(3 * 24 * time.Hour) // its automatic payout empties the account
		if available, pending := c.fake.Balance(account.AccountRef, "usd"); available+pending != 0 {
			t.Fatalf("the vendor still has %d and %d", available, pending)
		}
		share := c.share(c.north, p)
		refund := c.refund(c.north, share, "40.00", "k1")
		c.work()
		reversals, _, err := c.ListReversals(t.Context(), "failed", store.PageRequest{})
		if err != nil || len(reversals) != 1 || reversals[0].CauseID != refund.ID || reversals[0].LastAnswer == "" {
			t.Fatalf("%+v, %v", reversals, err)
		}
		c.receivable(c.north, 4000)
		debts, err := c.VendorDebts(t.Context(), c.north.ID)
		if err != nil || len(debts) != 1 || debts[0].Amount != 4000 || len(debts[0].Causes) != 1 || debts[0].Causes[0].ID != refund.ID || debts[0].Causes[0].Amount != 4000 || debts[0].Causes[0].Reference != share.Reference {
			t.Fatalf("%+v, %v", debts, err)
		}
		all, next, err := c.ListDebts(t.Context(), store.PageRequest{})
		if err != nil || next != "" || len(all) != 1 || all[0].VendorID != c.north.ID || all[0].Amount != 4000 {
			t.Fatalf("%+v, %v", all, err)
		}
		if none, err := c.VendorDebts(t.Context(), c.bay.ID); err != nil || len(none) != 0 {
			t.Fatalf("%+v, %v", none, err)
		}
		c.paid(c.owed(c.north, "N-2", 7000))
		c.receivable(c.north, 0)
		if c.count("transfers", "netted = 4000 AND state = 'done'") != 1 {
			t.Fatal("the debt was not kept from the next share")
		}
		if debts, err := c.VendorDebts(t.Context(), c.north.ID); err != nil || len(debts) != 0 {
			t.Fatalf("%+v, %v", debts, err)
		}
		c.must(c.RetryReversal(t.Context(), access.Actor{Kind: access.KindOperator, Name: "Olive"}, reversals[0].ID))
		c.work() // nothing is owed any more, so nothing is taken
		if len(c.fake.Reversals()) != 0 || c.count("reversals", "state = 'done' AND gateway_ref = 'covered'") != 1 {
			t.Fatal("a debt was paid twice")
		}
		c.sound()
	})
}

func TestARefusedRefundIsGivenUpOnceOrTriedAgain(t *testing.T) {
	eachCounter(t, func(t *testing.T, c *counter) {
		p := c.paid(c.owed(c.north, "N-1", 10000))
		share, by := c.share(c.north, p), c.staff(c.north)
		refund := c.refund(c.north, share, "", "k1")
		c.wantFault(c.GiveUpRefund(t.Context(), by, c.north.ID, refund.ID), fault.Conflict, "refused")
		c.exec("UPDATE refunds SET state = 'failed', next_attempt_at = NULL, last_answer = 'the charge is disputed' WHERE id = ?", refund.ID)
		c.wantFault(c.RetryRefund(t.Context(), c.staff(c.bay), c.bay.ID, refund.ID), fault.NotFound, "no such refund")
		c.must(c.RetryRefund(t.Context(), by, c.north.ID, refund.ID))
		c.wantFault(c.RetryRefund(t.Context(), by, c.north.ID, refund.ID), fault.Conflict, "refused")
		c.exec("UPDATE refunds SET state = 'failed', next_attempt_at = NULL WHERE id = ?", refund.ID)
		c.must(c.GiveUpRefund(t.Context(), by, c.north.ID, refund.ID))
		c.wantFault(c.GiveUpRefund(t.Context(), by, c.north.ID, refund.ID), fault.Conflict, "only once")
		c.wantFault(c.RetryRefund(t.Context(), by, c.north.ID, refund.ID), fault.Conflict, "refused")
		c.work()
		if c.share(c.north, p).Refunded != 0 || len(c.fake.Refunds()) != 0 || c.count("audit_log", "action IN ('refund.given_up', 'refund.retried')") != 2 {
			t.Fatal("a refund that was given up went on")
		}
		c.receivable(c.north, 0)
		if list, _, err := c.ListRefunds(t.Context(), "failed", store.PageRequest{}); err != nil || len(list) != 0 {
			t.Fatalf("%+v, %v", list, err)
		}
		c.sound()
	})
}
