package payment_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/gateway/sandbox"
	"github.com/sheaf-hub/sheaf/hub/mail"
	"github.com/sheaf-hub/sheaf/hub/mail/letter"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/hub/store/storetest"
)

// desk is a till that keeps means of payment, with what its mails say.
type desk struct {
	*till
	letters []letter.Schedule
}

// deskLetters keeps what payers are told of their plans.
type deskLetters struct {
	payment.Letters
	d *desk
}

// Schedule implements payment.Letters.
func (l deskLetters) Schedule(view letter.Schedule) (letter.Rendered, error) {
	return l.d.keepLetter(view)
}

func (d *desk) keepLetter(view letter.Schedule) (letter.Rendered, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.letters = append(d.letters, view)
	return letter.Rendered{Subject: string(view.Kind), Text: view.URL, HTML: view.URL}, nil
}

func eachDesk(t *testing.T, run func(t *testing.T, d *desk)) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := &desk{till: newTill(t, db)}
		d.Methods, d.Letters, d.From = d.bank, deskLetters{d: d}, mail.Address{Name: "Sheaf", Email: "hub@hub.example"}
		d.Access = &access.Service{DB: db, Party: d.Party, Outbox: d.Outbox, Now: d.clock}
		d.bank.Delay = time.Hour
		run(t, d)
	})
}

var consent = payment.Consent{Version: payment.ConsentVersion, From: "192.0.2.7"}

// save leaves a means of payment by a button of the sandbox's page.
func (d *desk) save(payer payment.Payer, button string) payment.SavedMethod {
	d.t.Helper()
	setup, err := d.SaveMethod(context.Background(), payer, store.NewToken(), "EUR", "", consent)
	d.must(err)
	d.must(d.bank.DecideSetup(context.Background(), setup.GatewayRef, button))
	if setup, err = d.FinishSetup(context.Background(), payer, setup.ID); err != nil || setup.Phase != payment.PhaseSucceeded {
		d.t.Fatalf("%+v, %v", setup, err)
	}
	list, err := d.ListMethods(context.Background(), payer.Contact)
	d.must(err)
	for _, method := range list {
		if method.SetupID == setup.ID {
			return method
		}
	}
	d.t.Fatal("the method was not kept")
	return payment.SavedMethod{}
}

// colleague joins somebody's team.
func (d *desk) colleague(of payment.Payer, email string) payment.Payer {
	d.t.Helper()
	d.must(d.DB.InTx(context.Background(), func(ctx context.Context, tx bun.Tx) error {
		invitation, err := d.Party.InviteColleagueTx(ctx, tx, of.Contact, email)
		if err != nil {
			return err
		}
		contact, err := d.Party.ContactByEmail(ctx, email)
		if err != nil {
			var list []party.Contact
			if err := tx.NewSelect().Model(&list).Where("email = ?", email).Scan(ctx); err != nil {
				return err
			}
			contact = list[0]
		}
		_, err = d.Party.AcceptInvitationTx(ctx, tx, contact, invitation.ID)
		return err
	}))
	return d.payer(email)
}

func TestConsentIsKeptWordForWord(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		_, _, _, _, payer := d.two()
		for name, refused := range map[string]payment.Consent{"none": {}, "old": {Version: "2020-01", From: "192.0.2.7"}} {
			if _, err := d.SaveMethod(t.Context(), payer, "key-1", "EUR", "", refused); !fault.Is(err, fault.Invalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		byLink := payer
		byLink.DigestID = store.NewID()
		if _, err := d.SaveMethod(t.Context(), byLink, "key-1", "EUR", "", consent); !fault.Is(err, fault.Forbidden) {
			t.Error("a digest's link keeps a card", err)
		}
		if n := d.count("method_setups", "TRUE") + d.count("sandbox_setups", "TRUE"); n != 0 {
			t.Fatal("something was begun")
		}
		method := d.save(payer, sandbox.SaveCard)
		if method.Detail != "Visa ending 4242" || method.Class != payment.MethodCard || method.ConsentText != d.ConsentText() || method.ConsentVersion != payment.ConsentVersion ||
			method.ConsentFrom != "192.0.2.7" || method.ConsentedAt.IsZero() || method.ContactID != payer.Contact.ID || method.LastDay() != "2028-11-30" {
			t.Fatalf("%+v", method)
		}
		if n := d.count("audit_log", "action = 'method.saved' AND subject_id = ? AND actor_id = ? AND after LIKE '%192.0.2.7%'", method.ID, payer.Contact.ID); n != 1 {
			t.Fatalf("%d audit entries", n)
		}
		if n := d.count("payers", "customer_id = ? AND gateway = 'sandbox' AND payer_ref = ?", payer.Contact.CustomerID, method.PayerRef); n != 1 {
			t.Fatal("the payer is not known")
		}
	})
}

func TestOneFormSavesOneMethod(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		_, _, _, _, payer := d.two()
		setups := make([]payment.Setup, 4)
		var clicks sync.WaitGroup
		for i := range setups {
			clicks.Go(func() {
				var err error
				if setups[i], err = d.SaveMethod(context.Background(), payer, "one-form", "EUR", "", consent); err != nil {
					t.Error(err)
				}
			})
		}
		clicks.Wait()
		for _, setup := range setups {
			if setup.PageURL == "" || setup.PageURL != setups[0].PageURL {
				t.Fatalf("%+v", setups)
			}
		}
		d.must(d.bank.DecideSetup(t.Context(), setups[0].GatewayRef, sandbox.SaveBank))
		var looks sync.WaitGroup
		for range 4 {
			looks.Go(func() {
				if err := d.RefreshSetup(context.Background(), setups[0].GatewayRef); err != nil {
					t.Error(err)
				}
			})
		}
		looks.Wait()
		if n := d.count("saved_methods", "detail = 'bank account ending 6789' AND expires = '' AND mandate <> ''"); n != 1 {
			t.Fatalf("%d methods", n)
		}
		d.must(d.RefreshSetup(t.Context(), "sbx_seti_forged"))
		// nobody came back: looking finds it
		left, err := d.SaveMethod(t.Context(), payer, "another", "EUR", "", consent)
		d.must(err)
		d.must(d.bank.DecideSetup(t.Context(), left.GatewayRef, sandbox.SaveCard))
		if n, err := d.TidyMethods(t.Context()); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		if n := d.count("saved_methods", "TRUE"); n != 2 {
			t.Fatalf("%d methods", n)
		}
		// one that is left, and one that is open too long
		leave, err := d.SaveMethod(t.Context(), payer, "leave", "EUR", "", consent)
		d.must(err)
		d.must(d.bank.DecideSetup(t.Context(), leave.GatewayRef, sandbox.SaveNothing))
		if leave, err = d.FinishSetup(t.Context(), payer, leave.ID); err != nil || leave.Phase != payment.PhaseExpired {
			t.Fatal(leave.Phase, err)
		}
		_, err = d.SaveMethod(t.Context(), payer, "slow", "EUR", "", consent)
		d.must(err)
		d.pass(payment.SetupLife)
		_, err = d.TidyMethods(t.Context())
		d.must(err)
		if n := d.count("method_setups", "phase = 'open'"); n != 0 {
			t.Fatalf("%d pages are open", n)
		}
	})
}

func TestAColleagueSeesAMethodAndCannotUseIt(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		_, _, a, _, ann := d.two()
		method := d.save(ann, sandbox.SaveCard)
		bea := d.colleague(ann, "bea@acme.example")
		list, err := d.ListMethods(t.Context(), bea.Contact)
		if err != nil || len(list) != 1 || list[0].ContactID != ann.Contact.ID {
			t.Fatalf("%+v, %v", list, err)
		}
		if usable, err := d.UsableMethods(t.Context(), bea.Contact, "2026-11-22"); err != nil || len(usable) != 0 {
			t.Fatalf("%+v, %v", usable, err)
		}
		quote := d.quote(bea, tick(a))
		if _, err := d.StartSaved(t.Context(), bea, quote.ID, quote.Hash, "EUR", method.ID); !fault.Is(err, fault.NotFound) {
			t.Error("a colleague pays with it", err)
		}
		if _, err := d.PlanPayment(t.Context(), bea, quote.ID, quote.Hash, "EUR", method.ID, "2026-12-01", 0); !fault.Is(err, fault.NotFound) {
			t.Error("a colleague plans with it", err)
		}
		if err := d.RemoveMethod(t.Context(), bea, method.ID, true); !fault.Is(err, fault.NotFound) {
			t.Error("a colleague removes it", err)
		}
		if _, err := d.Method(t.Context(), bea.Contact, method.ID); !fault.Is(err, fault.NotFound) {
			t.Error("a colleague reads it", err)
		}
		if n := d.count("payments", "TRUE") + d.count("scheduled_payments", "TRUE"); n != 0 {
			t.Fatal("something was begun")
		}
		d.sound()
	})
}

// payNow pays with a kept method.
func (d *desk) payNow(payer payment.Payer, method payment.SavedMethod, selection payment.Selection) payment.Payment {
	d.t.Helper()
	quote := d.quote(payer, selection)
	started, err := d.StartSaved(context.Background(), payer, quote.ID, quote.Hash, "EUR", method.ID)
	d.must(err)
	return started.Payment
}

func TestPayingWithASavedMethod(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		one, _, a, b, payer := d.two()
		card, bank := d.save(payer, sandbox.SaveCard), d.save(payer, sandbox.SaveBank)
		quote := d.quote(payer, tick(a))
		var clicks sync.WaitGroup
		for range 4 {
			clicks.Go(func() {
				if _, err := d.StartSaved(context.Background(), payer, quote.ID, quote.Hash, "EUR", card.ID); err != nil {
					t.Error(err)
				}
			})
		}
		clicks.Wait()
		if n := d.count("sandbox_checkouts", "TRUE"); n != 1 {
			t.Fatalf("%d charges", n)
		}
		started, err := d.StartSaved(t.Context(), payer, quote.ID, quote.Hash, "EUR", card.ID)
		d.must(err)
		p := d.want(started.Payment.ID, payment.Settled)
		if !p.OffSession || p.SavedMethodID != card.ID || p.GatewayRef == "" || p.Captured != 12500 || p.MethodDetail != "Visa ending 4242" || d.book(one, "INV-1").Open != 0 {
			t.Fatalf("%+v", p)
		}
		again, err := d.Start(t.Context(), payer, quote.ID, quote.Hash, "EUR")
		if err != nil || again.RedirectURL != "https://hub.example/pay/"+p.ID {
			t.Fatalf("%+v, %v", again, err)
		}
		slow := d.payNow(payer, bank, tick(b))
		d.want(slow.ID, payment.Processing)
		d.pass(time.Hour)
		_, err = d.Reconcile(t.Context())
		d.must(err)
		d.want(slow.ID, payment.Settled)
		d.relay()
		d.sound()
	})
}

func TestADeclineFailsThePaymentAndFreesTheInvoices(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		one, _, a, b, payer := d.two()
		declining, returning := d.save(payer, sandbox.SaveDecliningCard), d.save(payer, sandbox.SaveReturningBank)
		p := d.payNow(payer, declining, tick(a))
		if p.Status != payment.Failed || !strings.Contains(p.Failure, "declined") || d.book(one, "INV-1").Held != 0 {
			t.Fatalf("%+v", p)
		}
		p = d.payNow(payer, returning, tick(a, b))
		d.want(p.ID, payment.Processing)
		d.pass(2 * time.Hour)
		_, err := d.Reconcile(t.Context())
		d.must(err)
		if p = d.want(p.ID, payment.Failed); !strings.Contains(p.Failure, "returned") {
			t.Fatal(p.Failure)
		}
		if d.book(one, "INV-1").Payable() != 12500 {
			t.Fatal("the invoice is held")
		}
		d.press(d.start(payer, tick(a, b)), sandbox.Succeed) // and is paid in another way
		d.sound()
	})
}

func TestALostAnswerChargesOnce(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		_, _, a, b, payer := d.two()
		card := d.save(payer, sandbox.SaveCard)
		lose := map[string]bool{"charge": true}
		d.bank.Faults.LoseAnswer = func(op string) bool { return lose[op] }
		p := d.payNow(payer, card, tick(a))
		if p.Status != payment.Pending || p.CheckoutState != "unknown" {
			t.Fatalf("%+v", p)
		}
		for range 3 { // finding it fails as well
			lose["find"] = true
			if _, err := d.Reconcile(t.Context()); err == nil {
				t.Fatal("nobody says that the gateway did not answer")
			}
			d.pass(10 * time.Second)
		}
		delete(lose, "find")
		_, err := d.Reconcile(t.Context())
		d.must(err)
		d.want(p.ID, payment.Settled)
		delete(lose, "charge")

		// it broke before anything was charged: found out, and charged then
		broken := true
		d.bank.Faults.Before = func(op string) error {
			if op == "charge" && broken {
				return errors.New("broken pipe")
			}
			return nil
		}
		p = d.payNow(payer, card, tick(b))
		if p.CheckoutState != "unknown" {
			t.Fatalf("%+v", p)
		}
		if _, err := d.StartSaved(t.Context(), payer, p.QuoteID, d.hash(p.QuoteID), "EUR", card.ID); err != nil {
			t.Fatal(err)
		}
		broken = false
		if _, err := d.Cancel(t.Context(), payer, p.ID); err != nil || d.read(p.ID).CheckoutState != "unknown" {
			t.Fatal("given up while the request may be on its way", err)
		}
		for range 3 { // waits, finds nothing, then charges
			_, err := d.Reconcile(t.Context())
			d.must(err)
			if d.read(p.ID).CheckoutState == "unknown" {
				d.pass(payment.ChargeLease)
			}
		}
		d.want(p.ID, payment.Settled)
		if n := d.count("sandbox_checkouts", "state = 'succeeded'"); n != 2 {
			t.Fatalf("%d charges", n)
		}
		d.sound()
	})
}

func (d *desk) hash(quoteID string) string {
	d.t.Helper()
	var hash string
	d.must(d.DB.NewRaw("SELECT hash FROM quotes WHERE id = ?", quoteID).Scan(context.Background(), &hash))
	return hash
}

func TestACrashBeforeTheAnswerIsMadeUpFor(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		_, _, a, _, payer := d.two()
		card := d.save(payer, sandbox.SaveCard)
		d.bank.Faults.LoseAnswer = func(op string) bool { return op == "charge" }
		p := d.payNow(payer, card, tick(a))
		d.bank.Faults.LoseAnswer = nil
		// as a process leaves it that dies while it waits for the answer
		d.exec("UPDATE payments SET checkout_state = 'sending' WHERE id = ?", p.ID)
		_, err := d.Reconcile(t.Context())
		d.must(err)
		d.want(p.ID, payment.Pending) // somebody may be waiting still
		d.pass(payment.ChargeLease)
		_, err = d.Reconcile(t.Context())
		d.must(err)
		d.want(p.ID, payment.Settled)
		if n := d.count("sandbox_checkouts", "TRUE"); n != 1 {
			t.Fatalf("%d charges", n)
		}
		d.sound()
	})
}

func TestAChargeThatCannotBeMadeIsGivenUp(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		one, _, a, b, payer := d.two()
		card := d.save(payer, sandbox.SaveCard)
		d.bank.Faults.Before = func(op string) error {
			if op == "charge" {
				return payment.ErrUnavailable
			}
			return nil
		}
		cancelled, p := d.payNow(payer, card, tick(b)), d.payNow(payer, card, tick(a))
		if _, err := d.Cancel(t.Context(), payer, cancelled.ID); err != nil {
			t.Fatal(err)
		}
		d.want(cancelled.ID, payment.Expired)
		_, err := d.Reconcile(t.Context())
		d.must(err)
		d.want(p.ID, payment.Pending)
		d.pass(payment.CheckoutLife)
		d.bank.Faults.Before = nil
		_, err = d.Reconcile(t.Context())
		d.must(err)
		d.want(p.ID, payment.Expired)
		if d.book(one, "INV-1").Held != 0 || d.count("sandbox_checkouts", "TRUE") != 0 {
			t.Fatal("held, or charged")
		}
		// the gateway has forgotten the card
		d.must(d.bank.ForgetMethod(t.Context(), card.MethodRef))
		if p := d.payNow(payer, card, tick(a)); p.Status != payment.Failed {
			t.Fatalf("%+v", p)
		}
		d.sound()
	})
}

func TestAPageAndASavedMethodDoNotMix(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		_, _, a, _, payer := d.two()
		card := d.save(payer, sandbox.SaveCard)
		quote := d.quote(payer, tick(a))
		open, err := d.Start(t.Context(), payer, quote.ID, quote.Hash, "EUR")
		d.must(err)
		saved, err := d.StartSaved(t.Context(), payer, quote.ID, quote.Hash, "EUR", card.ID)
		if err != nil || saved.Payment.ID != open.Payment.ID || saved.Payment.OffSession || d.count("sandbox_checkouts", "TRUE") != 1 {
			t.Fatalf("%+v, %v", saved, err)
		}
		d.press(open.Payment, sandbox.Succeed)
		d.sound()
	})
}

func TestRemovingAMethod(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		_, _, a, b, payer := d.two()
		card := d.save(payer, sandbox.SaveCard)
		d.plan(payer, card, tick(a), "2026-12-03")
		if err := d.RemoveMethod(t.Context(), payer, card.ID, false); !fault.Is(err, fault.Conflict) {
			t.Fatal("removed although a payment is planned", err)
		}
		d.must(d.RemoveMethod(t.Context(), payer, card.ID, true))
		if n := d.count("scheduled_payments", "state = 'cancelled'"); n != 1 {
			t.Fatal("what was planned is not cancelled")
		}
		quote := d.quote(payer, tick(b))
		if _, err := d.StartSaved(t.Context(), payer, quote.ID, quote.Hash, "EUR", card.ID); !fault.Is(err, fault.NotFound) {
			t.Fatal("a removed card pays", err)
		}
		lost := true
		d.bank.Faults.LoseAnswer = func(op string) bool { return op == "forget" && lost }
		_, err := d.TidyMethods(t.Context())
		d.must(err)
		if n := d.count("saved_methods", "state = 'pending' AND attempts = 1"); n != 1 {
			t.Fatal("it is not tried again")
		}
		lost = false
		d.pass(time.Minute)
		_, err = d.TidyMethods(t.Context())
		d.must(err)
		if d.count("saved_methods", "state = 'done' AND next_attempt_at IS NULL") != 1 || d.count("sandbox_methods", "forgotten_at IS NOT NULL") != 1 {
			t.Fatal("the gateway keeps it")
		}
		if n := d.count("audit_log", "action IN ('method.removed', 'payment.scheduled', 'payment.schedule_cancelled')"); n != 3 {
			t.Fatalf("%d audit entries", n)
		}
		d.sound()
	})
}
