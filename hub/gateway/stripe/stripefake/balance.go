package stripefake

import (
	"slices"
	"time"
)

// Transaction is one line of an account's balance.
type Transaction struct {
	ID, Account string // Account "" is the platform
	Type        string // charge, payment, refund, transfer, transfer_refund, payment_refund, payout, …
	Category    string // reporting_category
	Source      string
	Description string
	Payout      string // that paid it out, "" as yet
	Currency    string
	Amount, Fee int64
	FeeWhat     string
	Created     time.Time
	AvailableOn time.Time
}

// Net is what the line adds to the balance.
func (t *Transaction) Net() int64 { return t.Amount - t.Fee }

// purse is one currency of one account's balance.
type purse struct {
	available, pending int64
	waiting            []*Transaction // not yet available
	next               time.Time      // when the first of them becomes available
}

// mature moves what has become available.
func (p *purse) mature(now time.Time) {
	if len(p.waiting) == 0 || p.next.After(now) {
		return
	}
	p.next = time.Time{}
	p.waiting = slices.DeleteFunc(p.waiting, func(t *Transaction) bool {
		if !t.AvailableOn.After(now) {
			p.pending -= t.Net()
			p.available += t.Net()
			return true
		}
		if p.next.IsZero() || t.AvailableOn.Before(p.next) {
			p.next = t.AvailableOn
		}
		return false
	})
}

// purse finds one currency of an account as it stands now.
func (f *Fake) purse(account, currency string) *purse {
	book := f.books[account]
	if book == nil {
		book = map[string]*purse{}
		f.books[account] = book
	}
	p := book[currency]
	if p == nil {
		p = &purse{}
		book[currency] = p
	}
	p.mature(f.now)
	return p
}

// book adds a line to a balance. Its AvailableOn is now when it is not later.
func (f *Fake) book(t Transaction) *Transaction {
	t.ID, t.Created = f.id("txn"), f.now
	if t.Category == "" {
		t.Category = t.Type
	}
	p := f.purse(t.Account, t.Currency)
	line := f.transactions.add(t.ID, &t)
	if t.Account != "" {
		f.unpaid[t.Account] = append(f.unpaid[t.Account], line)
	}
	if line.AvailableOn.After(f.now) {
		p.pending += line.Net()
		p.waiting = append(p.waiting, line)
		if len(p.waiting) == 1 || line.AvailableOn.Before(p.next) {
			p.next = line.AvailableOn
		}
		return line
	}
	line.AvailableOn = f.now
	p.available += line.Net()
	return line
}

func (f *Fake) viewTransaction(t *Transaction) obj {
	fees := []obj{}
	if t.Fee != 0 {
		fees = append(fees, obj{"amount": t.Fee, "application": nil, "currency": t.Currency, "description": t.FeeWhat, "type": "stripe_fee"})
	}
	status := "available"
	if t.AvailableOn.After(f.now) {
		status = "pending"
	}
	return obj{"id": t.ID, "object": "balance_transaction", "amount": t.Amount, "available_on": t.AvailableOn.Unix(), "created": t.Created.Unix(),
		"currency": t.Currency, "description": null(t.Description), "exchange_rate": nil, "fee": t.Fee, "fee_details": fees, "net": t.Net(),
		"reporting_category": t.Category, "source": null(t.Source), "status": status, "type": t.Type}
}

func (f *Fake) getBalance(c *call) (obj, error) {
	if err := c.p.done(); err != nil {
		return nil, err
	}
	book := f.books[c.account]
	currencies := make([]string, 0, len(book)+1)
	for currency := range book {
		currencies = append(currencies, currency)
	}
	home := f.platform.Currency
	if c.account != "" {
		home = f.accounts.get(c.account).Currency
	}
	if !slices.Contains(currencies, home) {
		currencies = append(currencies, home)
	}
	slices.Sort(currencies)
	available, pending := []obj{}, []obj{}
	for _, currency := range currencies {
		p := f.purse(c.account, currency)
		available = append(available, obj{"amount": p.available, "currency": currency, "source_types": obj{"card": p.available}})
		pending = append(pending, obj{"amount": p.pending, "currency": currency, "source_types": obj{"card": p.pending}})
	}
	found := obj{"object": "balance", "available": available, "pending": pending, "livemode": f.cfg.Live}
	if c.account == "" {
		found["connect_reserved"] = []obj{{"amount": 0, "currency": home}}
	}
	return found, nil
}

func (f *Fake) getTransaction(c *call) (obj, error) {
	if err := c.p.done(); err != nil {
		return nil, err
	}
	t := f.transactions.get(c.ids[0])
	if t == nil || t.Account != c.account {
		return nil, missing("balance transaction", c.ids[0], "id")
	}
	return f.viewTransaction(t), nil
}

func (f *Fake) listTransactions(c *call) (obj, error) {
	payout, kind, source, currency := c.p.text("payout"), c.p.text("type"), c.p.text("source"), c.p.text("currency")
	if payout != "" {
		if p := f.payouts.get(payout); p == nil || p.Account != c.account {
			return nil, missing("payout", payout, "payout")
		} else if !p.Automatic {
			return nil, invalid("payout", "", "Balance transaction history can only be filtered on automatic transfers, not manual.")
		}
	}
	return page(c, f.transactions.order, func(t *Transaction) string { return t.ID }, func(t *Transaction) time.Time { return t.Created },
		func(t *Transaction) bool {
			return t.Account == c.account && (payout == "" || t.Payout == payout) && (kind == "" || t.Type == kind) &&
				(source == "" || t.Source == source) && (currency == "" || t.Currency == currency)
		}, f.viewTransaction)
}

// Balance is what an account has in one currency, in minor units. Account ""
// is the platform.
func (f *Fake) Balance(account, currency string) (available, pending int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pass()
	p := f.purse(account, currency)
	return p.available, p.pending
}

// Transactions lists all lines of all balances, oldest first.
func (f *Fake) Transactions() []Transaction { return all(f, &f.transactions) }

// TopUp adds money from outside to the platform's available balance.
func (f *Fake) TopUp(currency string, amount int64) {
	_ = f.act(func() error {
		f.book(Transaction{Type: "topup", Currency: currency, Amount: amount, Description: "Top-up"})
		return nil
	})
}
