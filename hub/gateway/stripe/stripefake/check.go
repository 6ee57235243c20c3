package stripefake

import (
	"fmt"
	"slices"
)

// currenciesOf lists the currencies of an account's balance, sorted.
func (f *Fake) currenciesOf(account string) []string {
	book := f.books[account]
	found := make([]string, 0, len(book))
	for currency := range book {
		found = append(found, currency)
	}
	slices.Sort(found)
	return found
}

// place is one balance: an account and a currency.
type place struct{ account, currency string }

// Check proves that the fake's own books are right, from its objects and not
// from its balance lines; it returns what is wrong, in words.
func (f *Fake) Check() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pass()
	var wrong []string
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	want := map[place]int64{}
	f.sumPlatform(want, say)
	f.sumAccounts(want, say)
	for account := range f.books {
		for _, currency := range f.currenciesOf(account) {
			p := f.purse(account, currency)
			if have := p.available + p.pending; have != want[place{account, currency}] {
				say("balance of %q in %s is %d, its objects say %d", account, currency, have, want[place{account, currency}])
			}
			delete(want, place{account, currency})
		}
	}
	for where, amount := range want {
		if amount != 0 {
			say("no balance of %q in %s, its objects say %d", where.account, where.currency, amount)
		}
	}
	slices.Sort(wrong)
	return wrong
}

// sumPlatform adds up what the platform's objects say of its balance.
func (f *Fake) sumPlatform(want map[place]int64, say func(string, ...any)) {
	for _, c := range f.charges.order {
		if c.Status != Succeeded {
			continue
		}
		want[place{"", c.Currency}] += c.Amount - f.transactions.get(c.Transaction).Fee
		refunded := int64(0)
		for _, r := range c.refunds {
			if r.Status != Failed {
				refunded += r.Amount
			}
		}
		want[place{"", c.Currency}] -= refunded
		if refunded != c.Refunded || refunded > c.Amount {
			say("charge %s of %d says %d refunded, its refunds say %d", c.ID, c.Amount, c.Refunded, refunded)
		}
	}
	sent := map[string]int64{}
	for _, t := range f.transfers.order {
		sent[t.Source] += t.Amount
	}
	for _, c := range f.charges.order {
		if sent[c.ID] != c.Transferred || c.Transferred > c.Amount {
			say("charge %s of %d says %d transferred, its transfers say %d", c.ID, c.Amount, c.Transferred, sent[c.ID])
		}
	}
	for _, d := range f.disputes.order {
		switch {
		case len(d.Transactions) == 0: // an inquiry moved nothing
		case d.Status == Won:
			want[place{"", d.Currency}] -= disputeFee
		default:
			want[place{"", d.Currency}] -= d.Amount + disputeFee
		}
	}
	for _, t := range f.transactions.order {
		if t.Type == "topup" {
			want[place{t.Account, t.Currency}] += t.Amount
		}
	}
}

// sumAccounts adds transfers, reversals and payouts on both sides.
func (f *Fake) sumAccounts(want map[place]int64, say func(string, ...any)) {
	for _, t := range f.transfers.order {
		reversed := int64(0)
		for _, r := range t.reversals {
			reversed += r.Amount
		}
		if reversed != t.Reversed || reversed > t.Amount {
			say("transfer %s of %d says %d reversed, its reversals say %d", t.ID, t.Amount, t.Reversed, reversed)
		}
		want[place{"", t.Currency}] -= t.Amount - reversed
		want[place{t.Destination, t.Currency}] += t.Amount - reversed
	}
	for _, p := range f.payouts.order {
		if p.Status != Failed {
			want[place{p.Account, p.Currency}] -= p.Amount
		}
	}
}
