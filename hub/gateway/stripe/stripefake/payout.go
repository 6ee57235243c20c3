package stripefake

import (
	"fmt"
	"slices"
	"time"
)

// The states of a payout, besides Failed.
const (
	InTransit = "in_transit"
	Paid      = "paid"
)

// Payout is money on its way from a balance to a bank.
type Payout struct {
	ID, Account, Currency string // Account "" is the platform
	Amount                int64
	Status                string // InTransit, Paid or Failed
	FailureCode           string
	Automatic             bool
	Transaction           string
	FailureTransaction    string
	Created, Arrives      time.Time
}

// planPayout plans the daily run of an account after a time: the next midnight.
func (f *Fake) planPayout(a *Account, after time.Time) {
	when := after.UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
	if a.planned == nil {
		a.planned = map[int64]bool{}
	}
	if a.planned[when.Unix()] {
		return
	}
	a.planned[when.Unix()] = true
	f.at(when, func() {
		delete(a.planned, when.Unix())
		f.payOutAll(a)
	})
}

// payOutAll pays out what an account has available, one payout per currency.
func (f *Fake) payOutAll(a *Account) {
	if !a.PayoutsEnabled {
		return
	}
	for _, currency := range f.currenciesOf(a.ID) {
		var included []*Transaction
		amount := int64(0)
		for _, t := range f.unpaid[a.ID] {
			if t.Currency == currency && !t.AvailableOn.After(f.now) {
				included = append(included, t)
				amount += t.Net()
			}
		}
		if amount <= 0 {
			continue
		}
		p := f.payOut(a.ID, currency, amount, true)
		for _, t := range included {
			t.Payout = p.ID
		}
		f.transactions.get(p.Transaction).Payout = p.ID
		f.unpaid[a.ID] = slices.DeleteFunc(f.unpaid[a.ID], func(t *Transaction) bool { return t.Payout != "" })
		f.emit("payout.created", a.ID, f.viewPayout(p), nil)
		f.emit("payout.reconciliation_completed", a.ID, f.viewPayout(p), nil)
	}
}

// payOut books a payout that arrives in two days, or fails then.
func (f *Fake) payOut(account, currency string, amount int64, automatic bool) *Payout {
	p := &Payout{ID: f.id("po"), Account: account, Currency: currency, Amount: amount, Status: InTransit, Automatic: automatic, Created: f.now,
		Arrives: f.now.Truncate(24 * time.Hour).Add(2 * 24 * time.Hour)}
	p.Transaction = f.book(Transaction{Account: account, Type: "payout", Source: p.ID, Currency: currency, Amount: -amount, Description: "STRIPE PAYOUT"}).ID
	f.payouts.add(p.ID, p)
	f.at(p.Arrives, func() {
		if p.Status != InTransit {
			return
		}
		if a := f.accounts.get(account); a != nil && a.PayoutFailure != "" {
			f.failPayout(p, a.PayoutFailure)
			return
		}
		p.Status = Paid
		f.emit("payout.paid", account, f.viewPayout(p), nil)
	})
	return p
}

// failPayout returns the money and stops further payouts of the account.
func (f *Fake) failPayout(p *Payout, code string) {
	p.Status, p.FailureCode = Failed, code
	p.FailureTransaction = f.book(Transaction{Account: p.Account, Type: "payout_failure", Source: p.ID, Currency: p.Currency, Amount: p.Amount, Description: "STRIPE PAYOUT FAILURE"}).ID
	f.emit("payout.failed", p.Account, f.viewPayout(p), nil)
	if a := f.accounts.get(p.Account); a != nil {
		f.setAccount(a, func(a *Account) {
			a.PayoutsEnabled = false
			a.CurrentlyDue, a.PastDue, a.EventuallyDue = []string{"external_account"}, []string{"external_account"}, []string{"external_account"}
		})
	}
}

// FailPayout lets a payout come back, even one that was already paid. code is
// such as "account_closed" or "no_account".
func (f *Fake) FailPayout(id, code string) error {
	return f.act(func() error {
		p := f.payouts.get(id)
		if p == nil || p.Status == Failed {
			return fmt.Errorf("stripefake: payout %q cannot fail", id)
		}
		f.failPayout(p, code)
		return nil
	})
}

// PayOut takes money out of the platform's available balance, as a person in
// the dashboard does. Automatic payouts of the platform are off.
func (f *Fake) PayOut(currency string, amount int64) (string, error) {
	var id string
	err := f.act(func() error {
		if f.purse("", currency).available < amount {
			return fmt.Errorf("stripefake: the available balance does not cover %s", spoken(amount, currency))
		}
		p := f.payOut("", currency, amount, false)
		id = p.ID
		f.emit("payout.created", "", f.viewPayout(p), nil)
		return nil
	})
	return id, err
}

func (f *Fake) viewPayout(p *Payout) obj {
	var message any
	if p.FailureCode != "" {
		message = "The bank could not process this payout (" + p.FailureCode + ")."
	}
	reconciled := "not_applicable"
	if p.Automatic {
		reconciled = "completed"
	}
	return obj{"id": p.ID, "object": "payout", "amount": p.Amount, "arrival_date": p.Arrives.Unix(), "automatic": p.Automatic, "balance_transaction": p.Transaction,
		"created": p.Created.Unix(), "currency": p.Currency, "description": "STRIPE PAYOUT", "destination": "ba_" + p.ID, "failure_balance_transaction": null(p.FailureTransaction),
		"failure_code": null(p.FailureCode), "failure_message": message, "livemode": f.cfg.Live, "metadata": obj{}, "method": "standard", "original_payout": nil,
		"reconciliation_status": reconciled, "reversed_by": nil, "source_type": "card", "statement_descriptor": nil, "status": p.Status, "type": "bank_account"}
}

func (f *Fake) getPayout(c *call) (obj, error) {
	if err := c.p.done(); err != nil {
		return nil, err
	}
	p := f.payouts.get(c.ids[0])
	if p == nil || p.Account != c.account {
		return nil, missing("payout", c.ids[0], "id")
	}
	return f.viewPayout(p), nil
}

func (f *Fake) listPayouts(c *call) (obj, error) {
	status := c.p.oneOf("status", Pending, Paid, Failed, Canceled, InTransit)
	arrived := c.p.window("arrival_date")
	return page(c, f.payouts.order, func(p *Payout) string { return p.ID }, func(p *Payout) time.Time { return p.Created },
		func(p *Payout) bool {
			return p.Account == c.account && (status == "" || p.Status == status) && arrived(p.Arrives)
		}, f.viewPayout)
}

// Payouts lists all payouts, oldest first.
func (f *Fake) Payouts() []Payout { return all(f, &f.payouts) }
