package payment_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/gateway/stripe/stripefake"
	"github.com/sheaf-hub/sheaf/hub/payment"
)

func TestAShareWaitsForItsVendorsAccount(t *testing.T) {
	eachStripe(t, func(t *testing.T, s *stripeTill) {
		one, two, a, b, payer := s.two()
		s.onboard(two, stripefake.Finish)
		s.settled(payer, tick(a, b))
		s.relay()
		if len(s.fake.Transfers()) != 1 || s.count("transfers", "vendor_id = ? AND waits_for = 'account'", one.ID) != 1 {
			t.Fatal("not the ready vendor's share alone went")
		}
		waiting, err := s.Waiting(t.Context(), one.ID)
		if err != nil || len(waiting) != 1 || waiting[0].Amount != 12500 || waiting[0].Currency != "EUR" || waiting[0].For != "account" || waiting[0].Shares != 1 || waiting[0].Since.IsZero() {
			t.Fatalf("%+v, %v", waiting, err)
		}
		if told := s.told("share_waits"); len(told) != 1 || told[0].VendorID != one.ID || !strings.Contains(told[0].Text, "125.00") {
			t.Fatalf("%+v", told)
		}
		s.sound()
		if back := s.onboard(one, stripefake.Leave); back != "https://hub.example/vendor/payouts?returned=1" {
			t.Error(back)
		}
		if account := s.accountNow(one); account.Standing() != payment.Wanting || account.Country != "DE" || !slices.Contains(payment.Wanted(account.Due), "the bank account that your money goes to") {
			t.Fatalf("%s: %+v", account.Standing(), account)
		}
		s.pass(7 * time.Hour)
		s.relay()
		if len(s.fake.Transfers()) != 1 || len(s.told("share_waits")) != 1 {
			t.Fatal("a share went to an account that takes no money, or was told twice")
		}
		s.onboard(one, stripefake.Finish) // resumes
		if account := s.accountNow(one); account.Standing() != payment.Ready || len(s.fake.Accounts()) != 2 {
			t.Fatalf("%+v, %d accounts", account, len(s.fake.Accounts()))
		}
		if len(s.told("account_ready")) != 2 {
			t.Error("not told that they are ready")
		}
		s.relay() // at once: the account woke it
		if len(s.fake.Transfers()) != 2 {
			t.Fatal("what waited was not sent")
		}
		if waiting, err := s.Waiting(t.Context(), one.ID); err != nil || len(waiting) != 0 {
			t.Fatalf("%+v, %v", waiting, err)
		}
		s.sound()
	})
}

func TestAnAccountThatIsRestrictedLater(t *testing.T) {
	eachStripe(t, func(t *testing.T, s *stripeTill) {
		one, _, a, _, payer := s.two()
		s.onboard(one, stripefake.Finish)
		account := s.accountNow(one)
		deadline := s.clock().Add(10 * 24 * time.Hour)
		s.must(s.fake.DueBy(account.AccountRef, deadline))
		s.hear()
		s.hear()
		account = s.accountNow(one)
		told := s.told("account_due")
		if account.Standing() != payment.Warned || !account.DueBy.Equal(deadline.Truncate(time.Second)) || len(told) != 1 || !strings.Contains(told[0].Title, "2 Dec") || !strings.Contains(told[0].Text, "your identity document") {
			t.Fatalf("%s %+v\n%+v", account.Standing(), account, told)
		}
		s.pass(11 * 24 * time.Hour)
		s.hear()
		if account = s.accountNow(one); account.Standing() != payment.ShutDown || payment.ShutBecause(account.Disabled) == "" || len(s.told("account_shut")) != 1 {
			t.Fatalf("%s %+v", account.Standing(), account)
		}
		s.settled(payer, tick(a))
		s.relay()
		if len(s.fake.Transfers()) != 0 {
			t.Fatal("money went to an account that is shut")
		}
		s.must(s.fake.SetAccount(account.AccountRef, stripefake.Ready))
		s.fake.SetFaults(stripefake.Faults{Event: func(stripefake.Event) stripefake.EventFate { return stripefake.EventFate{Drop: true} }})
		s.pass(25 * time.Hour) // the message is lost: the daily look finds it
		if n, err := s.RefreshAccounts(t.Context()); err != nil || n != 1 {
			t.Fatal(n, err)
		}
		s.relay()
		if len(s.fake.Transfers()) != 1 {
			t.Fatal("what waited was not sent")
		}
		s.sound()
	})
}

// The account is made and the answer lost, at once or for longer than a key lives:
// there is one account in the end.
func TestOpeningAnAccountAcrossLostAnswers(t *testing.T) {
	eachStripe(t, func(t *testing.T, s *stripeTill) {
		for name, fate := range map[string]stripefake.Fate{"lost answer": {LoseAnswer: true}, "500 after": {ErrorAfter: true}, "500 before": {ErrorBefore: true}, "lost request": {LoseRequest: true}} {
			for _, pause := range []time.Duration{0, time.Hour, 30 * time.Hour} {
				t.Run(name+" "+pause.String(), func(t *testing.T) { s.lostOpening(t, name+pause.String(), fate, pause) })
			}
		}
	})
}

func (s *stripeTill) lostOpening(t *testing.T, name string, fate stripefake.Fate, pause time.Duration) {
	one, before := s.vendor(strings.ReplaceAll(name, " ", "")), len(s.fake.Accounts())
	s.fake.SetFaults(stripefake.Faults{Request: func(r stripefake.Request) stripefake.Fate {
		if r.Method == "POST" && r.Path == "/v1/accounts" {
			return fate
		}
		return stripefake.Fate{}
	}})
	if _, err := s.StartOnboarding(t.Context(), access.SystemActor("test"), one.ID, "DE"); !fault.Is(err, fault.Unavailable) {
		t.Fatal(err)
	}
	if account := s.accountNow(one); account.Standing() != payment.Opening || account.State != "sending" {
		t.Fatalf("%+v", account)
	}
	s.fake.SetFaults(stripefake.Faults{})
	s.pass(pause)
	link, err := s.StartOnboarding(t.Context(), access.SystemActor("test"), one.ID, "DE")
	if err != nil && pause == 0 { // within minutes the key may still answer with the error that it met
		s.pass(time.Hour)
		link, err = s.StartOnboarding(t.Context(), access.SystemActor("test"), one.ID, "DE")
	}
	if err != nil || !strings.HasPrefix(link, "https://") {
		t.Fatal(link, err)
	}
	if n := len(s.fake.Accounts()) - before; n != 1 {
		t.Fatalf("%d accounts", n)
	}
	if n := s.count("audit_log", "action = 'payouts.started' AND vendor_id = ?", one.ID); n != 1 {
		t.Fatalf("%d lines in the audit log", n)
	}
}

func TestTwoClicksOpenOneAccount(t *testing.T) {
	eachStripe(t, func(t *testing.T, s *stripeTill) {
		one := s.vendor("Northwind")
		var clicks sync.WaitGroup
		var mu sync.Mutex
		good := 0
		for range 6 {
			clicks.Go(func() {
				link, err := s.StartOnboarding(t.Context(), access.SystemActor("test"), one.ID, "DE")
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil && link != "":
					good++
				case fault.Is(err, fault.Conflict), fault.Is(err, fault.Unavailable):
				default:
					t.Error(err)
				}
			})
		}
		clicks.Wait()
		if good == 0 || len(s.fake.Accounts()) != 1 || s.count("payout_accounts", "account_ref <> ''") != 1 || s.count("audit_log", "action = 'payouts.started'") != 1 {
			t.Fatalf("%d good, %d accounts", good, len(s.fake.Accounts()))
		}
	})
}

func TestCountriesThatCannotBePaid(t *testing.T) {
	eachStripe(t, func(t *testing.T, s *stripeTill) {
		one := s.vendor("Northwind")
		for _, country := range []string{"US", "", "Germany", "de\x00"} {
			_, err := s.StartOnboarding(t.Context(), access.SystemActor("test"), one.ID, country)
			if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "DE") {
				t.Errorf("%q: %v", country, err)
			}
		}
		if s.count("payout_accounts", "TRUE") != 0 || len(s.fake.Accounts()) != 0 {
			t.Fatal("something was made")
		}
		// the gateway refuses what the list allowed: the next try may be in another country
		s.fake.SetFaults(stripefake.Faults{Request: func(r stripefake.Request) stripefake.Fate {
			if r.Path == "/v1/accounts" && r.Method == "POST" {
				r.Form.Set("email", "nonsense")
			}
			return stripefake.Fate{}
		}})
		if _, err := s.StartOnboarding(t.Context(), access.SystemActor("test"), one.ID, "FR"); !fault.Is(err, fault.Conflict) {
			t.Fatal(err)
		}
		if account := s.accountNow(one); account.Standing() != payment.Refused || account.LastAnswer == "" {
			t.Fatalf("%+v", account)
		}
		s.fake.SetFaults(stripefake.Faults{})
		s.onboard(one, stripefake.Finish)
		if account := s.accountNow(one); account.Country != "DE" || account.Standing() != payment.Ready || len(s.fake.Accounts()) != 1 {
			t.Fatalf("%+v", account)
		}
	})
}

func TestAnAccountThatIsClosed(t *testing.T) {
	eachStripe(t, func(t *testing.T, s *stripeTill) {
		one := s.vendor("Northwind")
		s.onboard(one, stripefake.Finish)
		old := s.accountNow(one)
		s.must(s.fake.SetAccount(old.AccountRef, func(a *stripefake.Account) {
			a.Deleted, a.Transfers, a.PayoutsEnabled = true, stripefake.Inactive, false
		}))
		s.must(s.RefreshAccount(t.Context(), one.ID))
		if account := s.accountNow(one); account.Standing() != payment.Closed || len(s.told("account_shut")) != 1 {
			t.Fatalf("%+v", account)
		}
		if n, err := s.SyncPayouts(t.Context()); err != nil || n != 0 {
			t.Fatal("payouts of an account that is no more are read", n, err)
		}
		s.onboard(one, stripefake.Finish)
		if account := s.accountNow(one); account.Standing() != payment.Ready || account.AccountRef == old.AccountRef {
			t.Fatalf("%+v", account)
		}
	})
}

func TestWordsForWhatIsWanted(t *testing.T) {
	for name, want := range map[string]string{
		"external_account": "the bank account that your money goes to", "tos_acceptance.date": "your yes to the payment service's terms",
		"individual.dob.day": "your date of birth", "representative.first_name": "the name of whoever represents the company",
		"person_1NvXYZ.verification.document": "the identity document of a person of the company", "company.address.city": "the company's address",
		"owners.first_name": "who owns the company", "business_profile.support_phone": "how customers reach you", "interv_1abc.something_new.form": "interv 1abc something new form",
		"": "",
	} {
		if got := payment.Wanted([]string{name})[0]; got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got := payment.Wanted([]string{"individual.dob.day", "individual.dob.month", "external_account", "individual.dob.year"}); len(got) != 2 {
		t.Errorf("%q", got)
	}
	for reason, want := range map[string]string{"": "", "rejected.fraud": "the payment service suspects fraud", "new_word.of_it": "new word: of it"} {
		if got := payment.ShutBecause(reason); got != want {
			t.Errorf("%s: %q", reason, got)
		}
	}
}
