package stripefake

import (
	"strings"
	"testing"
	"time"
)

// TestCheckSees alters the books behind the fake's back.
func TestCheckSees(t *testing.T) {
	for words, alter := range map[string]func(*Fake){
		`balance of "" in usd`:  func(f *Fake) { f.books[""]["usd"].available++ },
		"says 1 refunded":       func(f *Fake) { f.charges.order[0].Refunded++ },
		"says 4001 transferred": func(f *Fake) { f.charges.order[0].Transferred++ },
		"says 1 reversed":       func(f *Fake) { f.transfers.order[0].Reversed++ },
		`no balance of "acct_9" in eur`: func(f *Fake) {
			f.payouts.add("po_9", &Payout{ID: "po_9", Account: "acct_9", Currency: "eur", Amount: 5, Status: Paid})
		},
	} {
		now := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
		f := New(Config{Now: func() time.Time { return now }})
		account, err := f.NewAccount("US", "Oak Paper")
		if err != nil {
			t.Fatal(err)
		}
		f.mu.Lock()
		intent := f.newIntent(Intent{Amount: 9000, Currency: "usd"})
		f.attempt(intent, f.newMethod(GoodCard, "usd", "", ""), nil)
		f.transfer(&Transfer{Destination: account, Source: intent.LatestCharge, Amount: 4000, Currency: "usd", Created: now})
		f.mu.Unlock()
		if wrong := f.Check(); len(wrong) > 0 {
			t.Fatalf("before anything was altered: %v", wrong)
		}
		alter(f)
		if wrong := strings.Join(f.Check(), "\n"); !strings.Contains(wrong, words) {
			t.Errorf("Check does not say %q but %q", words, wrong)
		}
	}
}
