package payment_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/gateway/sandbox"
	"github.com/sheaf-hub/sheaf/hub/ledger"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/hub/store/storetest"
)

// till is the room with the sandbox as its gateway, on a fresh database, with a
// clock moved by hand.
type till struct {
	*payment.Service
	t        *testing.T
	bank     *sandbox.Gateway
	mu       sync.Mutex
	now      time.Time
	overpaid []payment.Share
	tasks    []payment.Task
}

func each(t *testing.T, run func(t *testing.T, s *till)) {
	storetest.Each(t, func(t *testing.T, db *store.DB) { run(t, newTill(t, db)) })
}

func newTill(t *testing.T, db *store.DB) *till {
	t.Helper()
	sealer, err := store.NewSealer(store.NewSealKey())
	if err != nil {
		t.Fatal(err)
	}
	s := &till{t: t, now: time.Date(2026, 11, 22, 9, 0, 0, 123456789, time.UTC)}
	parties := &party.Service{DB: db, Sealer: sealer, Now: s.clock}
	s.bank = &sandbox.Gateway{DB: db, PublicURL: "https://hub.example", Now: s.clock}
	s.Service = &payment.Service{DB: db, Party: parties, Billing: &billing.Service{DB: db, Party: parties, Now: s.clock},
		Ledger: &ledger.Service{DB: db, Now: s.clock}, Outbox: &outbox.Service{DB: db, Sealer: sealer, Now: s.clock},
		Gateway: s.bank, PublicURL: "https://hub.example", Now: s.clock}
	s.Access = &access.Service{DB: db, Sealer: sealer, Outbox: s.Outbox, Party: parties, PublicURL: "https://hub.example", Now: s.clock}
	s.AddTask = func(_ context.Context, _ bun.IDB, task payment.Task) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.tasks = append(s.tasks, task)
		return nil
	}
	s.Overpaid = func(_ context.Context, _ bun.IDB, share payment.Share) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.overpaid = append(s.overpaid, share)
		return nil
	}
	return s
}

func (s *till) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *till) pass(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}

func (s *till) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// vendor adds an approved vendor that wants to hear of everything.
func (s *till) vendor(name string) party.Vendor {
	s.t.Helper()
	var vendor party.Vendor
	s.must(s.DB.InTx(context.Background(), func(ctx context.Context, tx bun.Tx) error {
		var err error
		if vendor, err = s.Party.AddVendorTx(ctx, tx, party.Profile{Name: name, Email: "ar@vendor.example"}, party.VendorApproved, "whsec_x"); err != nil {
			return err
		}
		_, _, err = s.Outbox.PutEndpointTx(ctx, tx, vendor.ID, outbox.Webhook, "https://"+strings.ToLower(name)+".example/hook", []string{"*"})
		return err
	}))
	return vendor
}

func (s *till) status(vendor party.Vendor, status party.VendorStatus) {
	s.t.Helper()
	s.must(s.DB.InTx(context.Background(), func(ctx context.Context, tx bun.Tx) error {
		_, _, err := s.Party.SetVendorStatusTx(ctx, tx, vendor.ID, status, "for the test")
		return err
	}))
}

func (s *till) account(vendor party.Vendor, id string, emails ...string) {
	s.t.Helper()
	record := party.AccountRecord{ExternalID: id, Name: "Acme", Currency: "EUR"}
	for _, email := range emails {
		record.Contacts = append(record.Contacts, party.ContactRecord{Email: email, Role: party.Payables})
	}
	s.push(vendor, billing.Batch{Accounts: []party.AccountRecord{record}})
}

func (s *till) push(vendor party.Vendor, batch billing.Batch) billing.Result {
	s.t.Helper()
	result, err := s.Billing.Upsert(context.Background(), vendor, batch)
	s.must(err)
	if len(result.Rejected) > 0 {
		s.t.Fatalf("rejected: %+v", result.Rejected)
	}
	return result
}

// bill is an invoice as the books say it: number, total and open in euro cents.
func bill(account, number string, total, open int64) billing.InvoiceRecord {
	return billing.InvoiceRecord{ExternalID: number, Number: number, Account: account, IssuedOn: "2026-11-01", DueOn: "2026-12-01",
		Currency: "EUR", Total: total, Open: open}
}

func (s *till) invoice(vendor party.Vendor, account, number string, total int64) billing.Invoice {
	s.t.Helper()
	s.push(vendor, billing.Batch{Invoices: []billing.InvoiceRecord{bill(account, number, total, total)}})
	return s.book(vendor, number)
}

// book reads an invoice as it is now.
func (s *till) book(vendor party.Vendor, number string) billing.Invoice {
	s.t.Helper()
	var invoice billing.Invoice
	s.must(s.DB.NewSelect().Model(&invoice).Where("vendor_id = ?", vendor.ID).Where("external_id = ?", number).Scan(context.Background()))
	return invoice
}

func (s *till) credit(vendor party.Vendor, account, number string, total int64) billing.Credit {
	s.t.Helper()
	s.push(vendor, billing.Batch{Credits: []billing.CreditRecord{{ExternalID: number, Number: number, Account: account, Currency: "EUR", Total: total, Open: total}}})
	return s.creditNow(vendor, number)
}

func (s *till) creditNow(vendor party.Vendor, number string) billing.Credit {
	s.t.Helper()
	var credit billing.Credit
	s.must(s.DB.NewSelect().Model(&credit).Where("vendor_id = ?", vendor.ID).Where("external_id = ?", number).Scan(context.Background()))
	return credit
}

func (s *till) payer(email string) payment.Payer {
	s.t.Helper()
	contact, err := s.Party.ContactByEmail(context.Background(), email)
	s.must(err)
	return payment.Payer{Contact: contact, Viewer: billing.Viewer{CustomerID: contact.CustomerID}}
}

func tick(invoices ...billing.Invoice) payment.Selection {
	var selection payment.Selection
	for _, invoice := range invoices {
		selection.Invoices = append(selection.Invoices, payment.Wish{InvoiceID: invoice.ID})
	}
	return selection
}

func (s *till) quote(payer payment.Payer, selection payment.Selection) payment.Quote {
	s.t.Helper()
	quote, err := s.Quote(context.Background(), payer, selection)
	s.must(err)
	return quote
}

// start begins a checkout in euros.
func (s *till) start(payer payment.Payer, selection payment.Selection) payment.Payment {
	s.t.Helper()
	quote := s.quote(payer, selection)
	started, err := s.Start(context.Background(), payer, quote.ID, quote.Hash, "EUR")
	s.must(err)
	return started.Payment
}

func ref(p payment.Payment) string { return p.GatewayRef }

// press a button of the checkout page and tell the hub.
func (s *till) press(p payment.Payment, outcome string) {
	s.t.Helper()
	event, err := s.bank.Decide(context.Background(), ref(p), outcome)
	s.must(err)
	s.must(s.Notify(context.Background(), payment.Hint{EventID: event, Type: "checkout", Subject: payment.SubjectPayment, Ref: ref(p)}))
}

func (s *till) read(id string) payment.Payment {
	s.t.Helper()
	var p payment.Payment
	s.must(s.DB.NewSelect().Model(&p).Where("id = ?", id).Scan(context.Background()))
	return p
}

func (s *till) want(id string, status payment.Status) payment.Payment {
	s.t.Helper()
	p := s.read(id)
	if p.Status != status {
		s.t.Fatalf("payment is %s (%s), want %s", p.Status, p.Failure, status)
	}
	return p
}

func (s *till) count(table, where string, arguments ...any) int {
	s.t.Helper()
	n := 0
	s.must(s.DB.NewRaw("SELECT count(*) FROM "+table+" WHERE "+where, arguments...).Scan(context.Background(), &n))
	return n
}

func (s *till) exec(statement string, arguments ...any) {
	s.t.Helper()
	_, err := s.DB.ExecContext(context.Background(), statement, arguments...)
	s.must(err)
}

// relay sends every transfer that is due, as the queue does.
func (s *till) relay() {
	s.t.Helper()
	refs, err := s.DB.TakeDue(context.Background(), payment.Transfers, "vendor_id", s.clock(), 100, time.Minute)
	s.must(err)
	for _, ref := range refs {
		s.must(s.SendTransfer(context.Background(), ref))
	}
}

// broken is what verify would say.
func (s *till) broken() []string {
	s.t.Helper()
	var all []string
	for _, check := range []func(context.Context) (int, []string, error){s.Check, s.Billing.Check, s.Outbox.Check} {
		_, broken, err := check(context.Background())
		s.must(err)
		all = append(all, broken...)
	}
	n := 0
	s.must(s.DB.NewRaw(`SELECT count(*) FROM (SELECT transaction_id FROM ledger_entries GROUP BY transaction_id HAVING SUM(amount) <> 0) AS b`).Scan(context.Background(), &n))
	if n > 0 {
		all = append(all, fmt.Sprintf("%d ledger transactions do not sum to zero", n))
	}
	return all
}

func (s *till) sound() {
	s.t.Helper()
	if broken := s.broken(); len(broken) > 0 {
		s.t.Fatalf("verify says:\n%s", strings.Join(broken, "\n"))
	}
}

// two vendors that both list ap@acme.example, each with an invoice.
func (s *till) two() (one, two party.Vendor, a, b billing.Invoice, payer payment.Payer) {
	s.t.Helper()
	one, two = s.vendor("Northwind"), s.vendor("Brightwell")
	s.account(one, "C-1", "ap@acme.example")
	s.account(two, "K-9", "ap@acme.example")
	return one, two, s.invoice(one, "C-1", "INV-1", 12500), s.invoice(two, "K-9", "B-7", 4000), s.payer("ap@acme.example")
}

func TestPayingTwoVendorsAtOnce(t *testing.T) {
	each(t, func(t *testing.T, s *till) {
		one, two, a, b, payer := s.two()
		p := s.start(payer, tick(a, b))
		if p.Amount != 16500 || p.Status != payment.Pending || p.CheckoutURL == "" {
			t.Fatalf("%+v", p)
		}
		if s.book(one, "INV-1").Held != 12500 {
			t.Fatal("an invoice in a checkout is not held")
		}
		s.sound()
		s.press(p, sandbox.Succeed)
		p = s.want(p.ID, payment.Settled)
		if p.Captured != 16500 || p.Unapplied != 0 || p.Method != "card" {
			t.Fatalf("%+v", p)
		}
		for vendor, number := range map[party.Vendor]string{one: "INV-1", two: "B-7"} {
			if invoice := s.book(vendor, number); invoice.Open != 0 || invoice.Status != billing.Paid || invoice.Held != 0 {
				t.Fatalf("%+v", invoice)
			}
		}
		s.sound()
		s.relay()
		if n := s.count("transfers", "state = 'done' AND gateway_ref <> ''"); n != 2 {
			t.Fatalf("%d transfers are done", n)
		}
		for _, balance := range []struct {
			account string
			want    int64
		}{{ledger.Gateway, 0}, {ledger.VendorPayable(one.ID), 0}, {ledger.VendorPayable(two.ID), 0}} {
			if got, err := s.Ledger.Balance(t.Context(), balance.account, "EUR"); err != nil || got.Minor != balance.want {
				t.Errorf("%s: %v, %v", balance.account, got, err)
			}
		}
		receipt, err := s.Receipt(t.Context(), payer, p.ID)
		if err != nil || len(receipt.Shares) != 2 || receipt.Shares[0].VendorName != "Brightwell" || receipt.Shares[0].TransferState != "done" ||
			len(receipt.Shares[1].Lines) != 1 || receipt.Shares[1].Lines[0].Number != "INV-1" || receipt.Shares[1].Lines[0].Amount != 12500 {
			t.Fatalf("%+v, %v", receipt, err)
		}
		states, err := s.Party.VendorStates(t.Context(), s.DB, payer.Contact)
		if err != nil || states[one.ID] != party.VendorMine || states[two.ID] != party.VendorMine {
			t.Fatal("paying is a yes", states, err)
		}
		s.sound()
	})
}

func TestVendorsHearOnlyOfTheirOwnPart(t *testing.T) {
	each(t, func(t *testing.T, s *till) {
		one, two, a, b, payer := s.two()
		p := s.start(payer, tick(a, b))
		s.press(p, sandbox.Process)
		s.pass(time.Minute)
		s.must(s.Refresh(t.Context(), ref(p)))
		s.relay()
		var events []outbox.Event
		s.must(s.DB.NewSelect().Model(&events).Order("id").Scan(t.Context()))
		if len(events) != 6 { // processing, settled, transfer sent; each vendor its own
			t.Fatalf("%d events", len(events))
		}
		// canary: everything that names the other vendor, the bundle or the payment
		foreign := map[string][]string{one.ID: {two.ID, b.ID, b.Number, "K-9", "40.00"}, two.ID: {one.ID, a.ID, a.Number, "C-1", "125.00"}}
		for _, share := range s.shares(p.ID) {
			for vendor := range foreign {
				if vendor != share.VendorID {
					foreign[vendor] = append(foreign[vendor], share.ID, share.Reference)
				}
			}
		}
		for _, event := range events {
			for _, canary := range append(foreign[event.VendorID], p.ID, p.Number, p.GatewayRef, "165.00", payer.Contact.ID, payer.Contact.CustomerID, "ap@acme.example") {
				if strings.Contains(event.Data, canary) {
					t.Errorf("%s tells a vendor of %q: %s", event.Type, canary, event.Data)
				}
			}
		}
		for _, vendor := range []party.Vendor{one, two} {
			views, next, err := s.ListForVendor(t.Context(), vendor.ID, time.Time{}, store.PageRequest{})
			if err != nil || next != "" || len(views) != 1 || len(views[0].Invoices) != 1 || views[0].Status != payment.Settled || views[0].SettledAt == nil {
				t.Fatalf("%+v, %v", views, err)
			}
			shares, _, err := s.ListVendorShares(t.Context(), vendor.ID, payment.ShareFilter{}, store.PageRequest{})
			if err != nil || len(shares) != 1 || shares[0].VendorID != vendor.ID || shares[0].TransferState != "done" || len(shares[0].Lines) != 1 {
				t.Fatalf("%+v, %v", shares, err)
			}
			other := map[string]string{one.ID: two.ID, two.ID: one.ID}[vendor.ID]
			if _, err := s.VendorShare(t.Context(), other, shares[0].ID); !fault.Is(err, fault.NotFound) {
				t.Fatal("a vendor read another's share", err)
			}
		}
		s.sound()
	})
}

func (s *till) shares(paymentID string) []payment.Share {
	s.t.Helper()
	var shares []payment.Share
	s.must(s.DB.NewSelect().Model(&shares).Where("payment_id = ?", paymentID).Order("id").Scan(context.Background()))
	return shares
}

func TestStartIsTheSameHoweverOften(t *testing.T) {
	each(t, func(t *testing.T, s *till) {
		_, _, a, b, payer := s.two()
		quote := s.quote(payer, tick(a, b))
		ids, urls := make([]string, 6), make([]string, 6)
		var clicks sync.WaitGroup
		for i := range ids {
			clicks.Go(func() {
				started, err := s.Start(context.Background(), payer, quote.ID, quote.Hash, "EUR")
				if err != nil {
					t.Error(err)
				}
				ids[i], urls[i] = started.Payment.ID, started.RedirectURL
			})
		}
		clicks.Wait()
		for i := range ids {
			if ids[i] != ids[0] || urls[i] != urls[0] || ids[i] == "" {
				t.Fatalf("%v %v", ids, urls)
			}
		}
		s.sound()
		p := s.read(ids[0])
		s.press(p, sandbox.Succeed)
		again, err := s.Start(t.Context(), payer, quote.ID, quote.Hash, "EUR")
		if err != nil || again.RedirectURL != "https://hub.example/pay/"+p.ID {
			t.Fatalf("%+v, %v", again, err)
		}
	})
}

func TestTwoTabsPayOneInvoiceOnce(t *testing.T) {
	each(t, func(t *testing.T, s *till) {
		_, _, a, b, payer := s.two()
		for round := range 3 {
			tabs := []payment.Quote{s.quote(payer, tick(a, b)), s.quote(payer, tick(a)), s.quote(payer, tick(b, a))}
			errs, started := make([]error, len(tabs)), make([]payment.Started, len(tabs))
			var together sync.WaitGroup
			for i, quote := range tabs {
				together.Go(func() {
					started[i], errs[i] = s.Start(context.Background(), payer, quote.ID, quote.Hash, "EUR")
				})
			}
			together.Wait()
			won := -1
			for i, err := range errs {
				var changed *payment.ChangedError
				switch {
				case err == nil && won < 0:
					won = i
				case err == nil:
					t.Fatalf("round %d: two tabs pay one invoice", round)
				case !errors.As(err, &changed) || len(changed.Differences) == 0:
					t.Fatalf("round %d: %v", round, err)
				}
			}
			if won < 0 {
				t.Fatal("no tab won")
			}
			for _, err := range errs {
				var changed *payment.ChangedError
				if errors.As(err, &changed) && changed.Differences[0].PaymentID != started[won].Payment.ID {
					t.Fatalf("the second tab is not shown the first: %+v", changed.Differences[0])
				}
			}
			s.sound()
			if _, err := s.Cancel(t.Context(), payer, started[won].Payment.ID); err != nil {
				t.Fatal(err)
			}
			s.want(started[won].Payment.ID, payment.Expired)
			s.sound()
		}
	})
}

func TestWhatChangedIsNotPaid(t *testing.T) {
	each(t, func(t *testing.T, s *till) {
		one, _, a, b, payer := s.two()
		credit := s.credit(one, "C-1", "CR-1", 3000)
		withCredit := tick(a, b)
		withCredit.Credits = []string{credit.ID}
		for name, change := range map[string]func(){
			"less": func() {
				s.push(one, billing.Batch{Invoices: []billing.InvoiceRecord{bill("C-1", "INV-1", 12500, 12400)}})
			},
			"void": func() {
				r := bill("C-1", "INV-1", 12500, 12500)
				r.Status = billing.Void
				s.push(one, billing.Batch{Invoices: []billing.InvoiceRecord{r}})
			},
			"paid": func() { s.push(one, billing.Batch{Invoices: []billing.InvoiceRecord{bill("C-1", "INV-1", 12500, 0)}}) },
			"currency": func() {
				r := bill("C-1", "INV-1", 12500, 12500)
				r.Currency = "USD"
				s.push(one, billing.Batch{Invoices: []billing.InvoiceRecord{r}})
			},
			"suspended": func() { s.status(one, party.VendorSuspended) },
			"unlisted":  func() { s.account(one, "C-1", "other@acme.example") },
			"credit": func() {
				s.push(one, billing.Batch{Credits: []billing.CreditRecord{{ExternalID: "CR-1", Number: "CR-1", Account: "C-1", Currency: "EUR", Total: 3000, Open: 2999}}})
			},
		} {
			quote := s.quote(payer, withCredit)
			change()
			_, err := s.Start(t.Context(), payer, quote.ID, quote.Hash, "EUR")
			var changed *payment.ChangedError
			if !errors.As(err, &changed) || len(changed.Differences) != 1 || changed.Differences[0].InvoiceID != a.ID || changed.Differences[0].Why == "" {
				t.Errorf("%s: %v %+v", name, err, changed)
			}
			if n := s.count("payments", "TRUE") + s.count("sandbox_checkouts", "TRUE"); n != 0 {
				t.Fatalf("%s: something was begun", name)
			}
			s.status(one, party.VendorApproved)
			s.account(one, "C-1", "ap@acme.example")
			s.push(one, billing.Batch{Invoices: []billing.InvoiceRecord{bill("C-1", "INV-1", 12500, 12500)},
				Credits: []billing.CreditRecord{{ExternalID: "CR-1", Number: "CR-1", Account: "C-1", Currency: "EUR", Total: 3000, Open: 3000}}})
			s.sound()
		}
	})
}

func TestACreditIsNotGivenTwice(t *testing.T) {
	each(t, func(t *testing.T, s *till) {
		one, _, a, _, payer := s.two()
		c, d := s.invoice(one, "C-1", "INV-2", 6000), s.invoice(one, "C-1", "INV-3", 4000)
		credit := s.credit(one, "C-1", "CR-1", 10000)
		both := tick(c, d)
		both.Credits = []string{credit.ID}
		quote := s.quote(payer, both) // 60 and 40 of it
		other := tick(a)
		other.Invoices[0].Amount = "30.00"
		other.Credits = []string{credit.ID}
		p := s.start(payer, other) // takes 30 of it: each line still fits, both do not
		s.want(p.ID, payment.Settled)
		_, err := s.Start(t.Context(), payer, quote.ID, quote.Hash, "EUR")
		var changed *payment.ChangedError
		if !errors.As(err, &changed) || len(changed.Differences) != 1 || changed.Differences[0].InvoiceID != d.ID {
			t.Fatalf("%v", err)
		}
		s.sound()
	})
}

func TestQuotesThatCannotBeStarted(t *testing.T) {
	each(t, func(t *testing.T, s *till) {
		one, _, a, b, payer := s.two()
		s.account(one, "C-2", "ap@other.example")
		stranger := s.payer("ap@other.example")
		quote := s.quote(payer, tick(a, b))
		start := func(payer payment.Payer, id, hash string, currency money.Currency) error {
			_, err := s.Start(context.Background(), payer, id, hash, currency)
			return err
		}
		for name, c := range map[string]struct {
			err  error
			want fault.Code
		}{
			"hash":     {start(payer, quote.ID, strings.Repeat("0", 64), "EUR"), fault.Conflict},
			"stranger": {start(stranger, quote.ID, quote.Hash, "EUR"), fault.NotFound},
			"currency": {start(payer, quote.ID, quote.Hash, "USD"), fault.NotFound},
			"no id":    {start(payer, "x", quote.Hash, "EUR"), fault.NotFound},
			"unknown":  {start(payer, store.NewID(), quote.Hash, "EUR"), fault.NotFound},
		} {
			if !fault.Is(c.err, c.want) {
				t.Errorf("%s: %v", name, c.err)
			}
		}
		byLink := payer
		byLink.DigestID = store.NewID()
		if err := start(byLink, quote.ID, quote.Hash, "EUR"); !fault.Is(err, fault.NotFound) {
			t.Error("a digest's link started the quote of a session", err)
		}
		altered := s.quote(payer, tick(a))
		s.exec(`UPDATE quotes SET content = REPLACE(content, '12500', '1') WHERE id = ?`, altered.ID)
		if err := start(payer, altered.ID, altered.Hash, "EUR"); !fault.Is(err, fault.Conflict) {
			t.Error("a quote altered in the store was started", err)
		}
		s.pass(payment.QuoteLife)
		if err := start(payer, quote.ID, quote.Hash, "EUR"); !fault.Is(err, fault.Gone) {
			t.Error(err)
		}
		if n := s.count("payments", "TRUE"); n != 0 {
			t.Fatal("something was begun")
		}
	})
}
