package payment_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/gateway/sandbox"
	"github.com/sheaf-hub/sheaf/hub/mail"
	"github.com/sheaf-hub/sheaf/hub/mail/letter"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// clerk renders receipts, and remembers what they said.
type clerk struct {
	payment.Letters // of plans, which it is not asked for
	mu              sync.Mutex
	wrote           []letter.Receipt
	fail            error
}

func (c *clerk) Receipt(r letter.Receipt) (letter.Rendered, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wrote = append(c.wrote, r)
	return letter.Rendered{Subject: "Receipt " + r.Number, Text: r.URL}, c.fail
}

// printer makes the paper of a receipt.
type printer struct{}

func (printer) Receipt(r letter.Receipt) ([]byte, error) { return []byte("%PDF of " + r.Number), nil }

func (s *till) hire() *clerk {
	c := &clerk{Letters: s.Letters}
	s.Letters, s.Papers, s.From = c, printer{}, mail.Address{Name: "Sheaf", Email: "hub@hub.example"}
	return c
}

func (s *till) dueReceipts() []store.JobRef {
	s.t.Helper()
	refs, err := s.DB.TakeDue(context.Background(), payment.Receipts, "contact_id", s.clock(), 100, time.Minute)
	s.must(err)
	return refs
}

// mails are the receipts in the outbox.
func (s *till) mails() []mail.Message {
	s.t.Helper()
	var ids []string
	s.must(s.DB.NewSelect().TableExpr("mails").Column("id").Where("kind = 'receipt'").Where("state = 'pending'").Order("id").Scan(context.Background(), &ids))
	var list []mail.Message
	for _, id := range ids {
		_, message, ok, err := s.Outbox.ClaimMail(context.Background(), store.JobRef{ID: id})
		s.must(err)
		if !ok {
			s.t.Fatal("a mail cannot be claimed")
		}
		list = append(list, message)
	}
	return list
}

func TestOneMailPerPayment(t *testing.T) {
	each(t, func(t *testing.T, s *till) {
		wrote := s.hire()
		_, _, a, b, payer := s.two()
		p := s.start(payer, tick(a, b))
		s.press(p, sandbox.Process)
		if refs := s.dueReceipts(); len(refs) != 0 {
			t.Fatal("money on its way has a receipt")
		}
		if _, err := s.ReceiptLetter(t.Context(), payer, p.ID); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "on its way") {
			t.Fatalf("a receipt of money on its way: %v", err)
		}
		s.pass(time.Minute)
		for range 3 { // told again and again
			s.must(s.Refresh(t.Context(), ref(p)))
			s.must(s.Settle(t.Context(), p.ID, payment.State{Phase: payment.PhaseSucceeded, Captured: money.New(p.Amount, "EUR"), Method: "card"}))
		}
		refs := s.dueReceipts()
		if len(refs) != 1 || s.count("receipts", "true") != 1 {
			t.Fatalf("%d receipts are due", len(refs))
		}
		for range 3 {
			s.must(s.SendReceipt(t.Context(), refs[0]))
		}
		mails := s.mails()
		if len(mails) != 1 || s.count("receipts", "state = 'done' AND attempts = 1 AND next_attempt_at IS NULL AND claimed_until IS NULL") != 1 {
			t.Fatalf("%d mails", len(mails))
		}
		got, said := mails[0], wrote.wrote[0]
		if got.To.Email != "ap@acme.example" || got.From.Email != "hub@hub.example" || !got.AutoReply || len(got.Attachments) != 1 ||
			got.Attachments[0].Name != "receipt-"+p.Number+".pdf" || string(got.Attachments[0].Content) != "%PDF of "+p.Number || got.Unsubscribe != "" {
			t.Fatalf("%+v", got)
		}
		if said.URL != "https://hub.example/pay/"+p.ID || said.Charged != money.New(16500, "EUR") || len(said.Vendors) != 2 || !said.Attached || said.Payer != "ap@acme.example" {
			t.Fatalf("%+v", said)
		}
		s.sound()
	})
}

// A worker that stops after claiming leaves the receipt to the next one.
func TestACrashBetweenClaimAndCommit(t *testing.T) {
	each(t, func(t *testing.T, s *till) {
		s.hire()
		_, _, a, _, payer := s.two()
		s.press(s.start(payer, tick(a)), sandbox.Succeed)
		first := s.dueReceipts()[0]
		good := s.Papers
		s.Papers = stopping{}
		if panics(func() { _ = s.SendReceipt(t.Context(), first) }) != "the worker stops" {
			t.Fatal("the worker did not stop")
		}
		s.Papers = good
		s.must(s.SendReceipt(t.Context(), store.JobRef{ID: first.ID, Attempt: 1}))
		if s.count("receipts", "state = 'sending'") != 1 || len(s.mails()) != 0 {
			t.Fatal("a claim that holds was taken over")
		}
		s.pass(payment.ReceiptLease + time.Minute)
		refs := s.dueReceipts()
		if len(refs) != 1 || refs[0].Attempt != 1 {
			t.Fatalf("%+v", refs)
		}
		s.must(s.SendReceipt(t.Context(), first)) // late
		s.must(s.SendReceipt(t.Context(), refs[0]))
		s.must(s.SendReceipt(t.Context(), refs[0]))
		if n := len(s.mails()); n != 1 || s.count("receipts", "state = 'done' AND attempts = 2") != 1 {
			t.Fatalf("%d mails", n)
		}
	})
}

// A worker so slow that its claim ran out throws its work away.
func TestASlowWorkerMakesNoSecondMail(t *testing.T) {
	each(t, func(t *testing.T, s *till) {
		wrote := s.hire()
		_, _, a, _, payer := s.two()
		s.press(s.start(payer, tick(a)), sandbox.Succeed)
		first := s.dueReceipts()[0]
		s.Letters = meanwhile{func() {
			s.Letters = wrote
			s.pass(payment.ReceiptLease + time.Minute)
			s.must(s.SendReceipt(t.Context(), s.dueReceipts()[0]))
		}, wrote}
		s.must(s.SendReceipt(t.Context(), first))
		if n := len(s.mails()); n != 1 || len(wrote.wrote) != 2 || s.count("receipts", "state = 'done' AND attempts = 2") != 1 {
			t.Fatalf("%d mails of %d written", n, len(wrote.wrote))
		}
	})
}

// A receipt that stops every worker is shown to a person, who may try again.
func TestAReceiptThatNeverEnds(t *testing.T) {
	each(t, func(t *testing.T, s *till) {
		s.hire()
		_, _, a, _, payer := s.two()
		p := s.start(payer, tick(a))
		s.press(p, sandbox.Succeed)
		good := s.Papers
		s.Papers = stopping{}
		for range payment.MostReceiptAttempts {
			refs := s.dueReceipts()
			if len(refs) != 1 || panics(func() { _ = s.SendReceipt(t.Context(), refs[0]) }) == nil {
				t.Fatalf("%+v", refs)
			}
			s.pass(payment.ReceiptLease + time.Minute)
		}
		s.must(s.SendReceipt(t.Context(), s.dueReceipts()[0]))
		failed, _, err := s.FailedReceipts(t.Context(), store.PageRequest{})
		if err != nil || len(failed) != 1 || failed[0].Number != p.Number || failed[0].Email != "ap@acme.example" || !strings.Contains(failed[0].LastAnswer, "begun 8 times") {
			t.Fatalf("%+v, %v", failed, err)
		}
		s.Papers = good
		s.must(s.RetryReceipt(t.Context(), failed[0].ID))
		if err := s.RetryReceipt(t.Context(), failed[0].ID); !fault.Is(err, fault.NotFound) {
			t.Fatal(err)
		}
		s.must(s.SendReceipt(t.Context(), s.dueReceipts()[0]))
		if len(s.mails()) != 1 {
			t.Fatal("tried again, and no mail")
		}
	})
}

func TestWhoGetsAReceipt(t *testing.T) {
	for name, c := range map[string]struct {
		change string // of the contact
		fail   error  // of the renderer
		state  string
		why    string
	}{
		"unsubscribed": {change: "unsubscribed_at = created_at", state: "done"},
		"bounced":      {change: "bounced_at = created_at, bounce_reason = '550 no such mailbox'", state: "failed", why: "550 no such mailbox"},
		"unwritable":   {fail: errors.New("no URL"), state: "failed", why: "cannot be written: no URL"},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, s *till) {
				s.hire().fail = c.fail
				_, _, a, _, payer := s.two()
				if c.change != "" {
					s.exec("UPDATE contacts SET " + c.change)
				}
				s.press(s.start(payer, tick(a)), sandbox.Succeed)
				s.must(s.SendReceipt(t.Context(), s.dueReceipts()[0]))
				mails := map[string]int{"done": 1}[c.state]
				if s.count("receipts", "state = ? AND last_answer LIKE ? AND next_attempt_at IS NULL", c.state, "%"+c.why+"%") != 1 || len(s.mails()) != mails {
					t.Fatal("it did not end as it should")
				}
			})
		})
	}
}

// Credits alone settle invoices too; what was declined has no receipt.
func TestWhichPaymentsHaveReceipts(t *testing.T) {
	each(t, func(t *testing.T, s *till) {
		wrote := s.hire()
		one, _, a, b, payer := s.two()
		credit := s.credit(one, "C-1", "CR-1", 12500)
		selection := tick(a)
		selection.Credits = []string{credit.ID}
		p := s.start(payer, selection)
		if p.Status != payment.Settled {
			t.Fatalf("%+v", p)
		}
		s.must(s.SendReceipt(t.Context(), s.dueReceipts()[0]))
		if said := wrote.wrote[0]; said.Charged.Minor != 0 || said.Credits.Minor != 12500 || said.Vendors[0].State != "settled by credits" ||
			len(said.Vendors[0].Lines) != 1 || said.Vendors[0].Lines[0].Credits[0].Number != "CR-1" || said.Vendors[0].Lines[0].Paid.Minor != 0 {
			t.Fatalf("%+v", said)
		}
		declined := s.start(payer, tick(b))
		s.press(declined, sandbox.Decline)
		if s.count("receipts", "true") != 1 {
			t.Fatal("a declined payment has a receipt")
		}
		if _, err := s.ReceiptLetter(t.Context(), payer, declined.ID); !fault.Is(err, fault.Conflict) {
			t.Fatal(err)
		}
		stranger := payer
		stranger.Contact.CustomerID = store.NewID()
		if _, err := s.ReceiptLetter(t.Context(), stranger, p.ID); !fault.Is(err, fault.NotFound) {
			t.Fatalf("another customer: %v", err)
		}
	})
}

// One payment with all that a receipt can speak of.
func TestWhatAReceiptSays(t *testing.T) {
	each(t, func(t *testing.T, s *till) {
		s.hire()
		one, two, a, b, payer := s.two()
		credit := s.credit(one, "C-1", "CR-1", 2500)
		selection := tick(a, b)
		selection.Credits = []string{credit.ID}
		p := s.start(payer, selection)
		s.press(p, sandbox.Succeed)
		// of the 100.00 for INV-1, 5.00 are a late fee, and the vendor gives 3.00
		s.exec("UPDATE allocations SET late_fee = 500 WHERE invoice_id = ?", a.ID)
		s.exec("UPDATE applications SET amount = amount - 500 WHERE invoice_id = ? AND credit_id IS NULL", a.ID)
		share := s.shareOf(one)
		s.must(s.DB.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
			_, err := tx.NewInsert().Model(&billing.Application{ID: store.NewID(), CustomerID: a.CustomerID, VendorID: one.ID, InvoiceID: a.ID, PaymentID: p.ID, Amount: 300,
				Currency: "EUR", Reference: share.Reference, CreatedAt: s.clock(), Kind: billing.AppliedDiscount}).Exec(ctx)
			return err
		}))
		s.exec("UPDATE shares SET late_fee = 500, discount = 300, refunded = 1000 WHERE id = ?", share.ID)
		s.exec(`INSERT INTO refunds (id, customer_id, vendor_id, payment_id, share_id, request_key, currency, amount, reason, origin, requested_by, state, phase, idempotency_key, gateway_ref, attempts, last_answer, created_at, updated_at)
			VALUES (?, ?, ?, ?, ?, 'k', 'EUR', 1000, '', 'vendor', '', 'done', 'processing', 'x', '', 1, '', ?, ?), (?, ?, ?, ?, ?, 'l', 'EUR', 77, '', 'vendor', '', 'done', 'failed', 'y', '', 1, '', ?, ?)`,
			store.NewID(), p.CustomerID, one.ID, p.ID, share.ID, s.clock(), s.clock(), store.NewID(), p.CustomerID, one.ID, p.ID, share.ID, s.clock(), s.clock())
		said, err := s.ReceiptLetter(t.Context(), payer, p.ID)
		s.must(err)
		if said.Discount.Minor != 300 || said.LateFee.Minor != 500 || said.Credits.Minor != 2500 || said.Refunded.Minor != 1000 || said.Charged.Minor != 14000 || said.Payer != "" {
			t.Fatalf("%+v", said)
		}
		north := said.Vendors[1]
		line := north.Lines[0]
		if north.Name != "Northwind" || len(north.Lines) != 1 || line.Settled.Minor != 12300 || line.Paid.Minor != 10000 || line.LateFee.Minor != 500 || line.Discount.Minor != 300 ||
			line.Credit.Minor != 2500 || line.Account != "C-1" {
			t.Fatalf("%+v", north)
		}
		if len(north.Returns) != 1 || north.Returns[0].What != "Refund, on its way" || north.Returns[0].Amount.Minor != 1000 || len(said.Vendors[0].Returns) != 0 {
			t.Fatalf("what failed to go back, or another vendor's, is told: %+v", said.Vendors)
		}
		seen, err := s.VendorShare(t.Context(), one.ID, share.ID)
		s.must(err)
		if parts := payment.InvoiceParts(seen.Lines); len(parts) != 1 || parts[0].Settled() != 12300 || parts[0].ExternalID != "INV-1" || parts[0].AccountName != "Acme" || len(seen.Returns) != 1 {
			t.Fatalf("%+v", seen)
		}
		if other, err := s.VendorShare(t.Context(), two.ID, s.shareOf(two).ID); err != nil || len(other.Returns) != 0 || len(other.Lines) != 1 {
			t.Fatalf("%+v, %v", other, err)
		}
	})
}

func (s *till) shareOf(vendor party.Vendor) payment.Share {
	s.t.Helper()
	var share payment.Share
	s.must(s.DB.NewSelect().Model(&share).Where("vendor_id = ?", vendor.ID).Scan(context.Background()))
	return share
}

func TestSharesOfAPeriod(t *testing.T) {
	each(t, func(t *testing.T, s *till) {
		s.hire()
		one, _, a, b, payer := s.two()
		s.press(s.start(payer, tick(a, b)), sandbox.Succeed)
		s.relay()
		at := s.shareOf(one).SettledAt
		for _, c := range []struct {
			from, before time.Time
			want         int
		}{{at, at.Add(time.Second), 1}, {at.Add(-time.Hour), at, 0}, {at.Add(time.Second), at.Add(time.Hour), 0}} {
			list, _, err := s.ListVendorShares(t.Context(), one.ID, payment.ShareFilter{SettledFrom: c.from, SettledBefore: c.before}, store.PageRequest{})
			if err != nil || len(list) != c.want {
				t.Errorf("from %s: %d, %v", c.from, len(list), err)
			}
			if len(list) == 1 && (list[0].Sent() != 12500 || list[0].SentAt.IsZero() || list[0].TransferRef == "") {
				t.Errorf("%+v", list[0])
			}
		}
	})
}

type stopping struct{}

func (stopping) Receipt(letter.Receipt) ([]byte, error) { panic("the worker stops") }

type meanwhile struct {
	do func()
	payment.Letters
}

func (m meanwhile) Receipt(r letter.Receipt) (letter.Rendered, error) {
	m.do()
	return m.Letters.Receipt(r)
}

func panics(do func()) (what any) {
	defer func() { what = recover() }()
	do()
	return nil
}
