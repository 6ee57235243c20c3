package stripefake

import (
	"slices"
	"strings"
	"time"
)

// Transfer is money that was sent to a connected account.
type Transfer struct {
	ID, Destination, Currency string
	Amount, Reversed          int64
	Source                    string // source_transaction: a charge, "" when from the balance
	Group, Description        string
	Payment                   string // destination_payment
	Transaction               string
	Created                   time.Time
	Metadata                  map[string]string
	reversals                 []*Reversal
	available                 time.Time
}

// Payment is a transfer as the connected account sees it: a charge py_….
type Payment struct {
	ID, Account, Transfer string
	Currency              string
	Amount, Refunded      int64
	Transaction           string
	Created               time.Time
}

func (f *Fake) createTransfer(c *call) (obj, error) {
	c.p.need("amount")
	amount, _ := c.p.number("amount")
	t := &Transfer{Amount: amount, Currency: c.p.currency("currency"), Destination: c.p.need("destination"), Source: c.p.text("source_transaction"),
		Group: c.p.text("transfer_group"), Description: c.p.text("description"), Metadata: c.p.metadata("metadata", nil), Created: f.now}
	c.p.oneOf("source_type", "card", "bank_account", "fpx")
	if amount < 1 {
		c.p.fail(invalid("amount", "parameter_invalid_integer", "Invalid positive integer"))
	}
	if err := c.p.done(); err != nil {
		return nil, err
	}
	if problem := f.checkDestination(t); problem != nil {
		return nil, problem
	}
	if problem := f.checkFunds(t); problem != nil {
		return nil, problem
	}
	f.transfer(t)
	return f.viewTransfer(t), nil
}

func (f *Fake) checkDestination(t *Transfer) *Problem {
	account := f.accounts.get(t.Destination)
	switch {
	case account == nil || account.Deleted:
		return missing("destination", t.Destination, "destination")
	case account.Transfers != Active:
		return refused("destination", "insufficient_capabilities_for_transfer", "Your destination account needs to have at least one of the following capabilities enabled: transfers, crypto_transfers, legacy_payments")
	case !account.Recipient && !sameRegion(f.platform.Country, account.Country):
		return refused("destination", "transfers_not_allowed", "Funds can't be sent to accounts located in %s because it's restricted outside of your platform's region. Please see: https://stripe.com/docs/connect/account-capabilities#transfers-cross-border", account.Country)
	}
	return nil
}

// checkFunds bounds a transfer by its charge, or by the available balance.
func (f *Fake) checkFunds(t *Transfer) *Problem {
	if t.Source == "" {
		if f.purse("", t.Currency).available < t.Amount {
			return refused("", "balance_insufficient", "You have insufficient available funds in your Stripe account. One likely reason you have insufficient funds is that your funds are automatically being paid out; try enabling manual payouts by going to https://dashboard.stripe.com/account/payouts.")
		}
		return nil
	}
	charge := f.charges.get(t.Source)
	switch {
	case charge == nil:
		return missing("charge", t.Source, "source_transaction")
	case charge.Status != Succeeded:
		return refused("source_transaction", "", "The charge %s has not succeeded and cannot be the source of a transfer.", charge.ID)
	case charge.Currency != t.Currency:
		return refused("currency", "", "The currency of source_transaction's balance transaction (%s) must be the same as the transfer currency (%s)", charge.Currency, t.Currency)
	case charge.Transferred+t.Amount > charge.Amount && charge.Transferred == 0:
		return refused("amount", "", "Transfers using this transaction as a source must not exceed the source amount of %s.", spoken(charge.Amount, charge.Currency))
	case charge.Transferred+t.Amount > charge.Amount:
		return refused("amount", "", "Transfers using this transaction as a source must not exceed the source amount of %s. (There are already transfers using this source, amounting to %s.)",
			spoken(charge.Amount, charge.Currency), spoken(charge.Transferred, charge.Currency))
	}
	return nil
}

// transfer books a transfer on both sides.
func (f *Fake) transfer(t *Transfer) {
	t.ID, t.Payment = f.id("tr"), f.id("py")
	t.available = f.now
	if charge := f.charges.get(t.Source); charge != nil {
		charge.Transferred += t.Amount
		if charge.available.After(f.now) {
			t.available = charge.available
		}
		f.groupOf(t, charge)
	}
	f.transfers.add(t.ID, t)
	t.Transaction = f.book(Transaction{Type: "transfer", Source: t.ID, Currency: t.Currency, Amount: -t.Amount, AvailableOn: t.available, Description: t.Description}).ID
	payment := f.received.add(t.Payment, &Payment{ID: t.Payment, Account: t.Destination, Transfer: t.ID, Currency: t.Currency, Amount: t.Amount, Created: f.now})
	payment.Transaction = f.book(Transaction{Account: t.Destination, Type: "payment", Category: "charge", Source: t.Payment, Currency: t.Currency, Amount: t.Amount, AvailableOn: t.available}).ID
	f.planPayout(f.accounts.get(t.Destination), t.available)
	f.emit("transfer.created", "", f.viewTransfer(t), nil)
	f.emit("payment.created", t.Destination, f.viewPayment(payment), nil)
}

// groupOf does as Stripe does with a transfer that has a source and no group:
// the charge and all such transfers of it share one made-up group.
func (f *Fake) groupOf(t *Transfer, charge *Charge) {
	if t.Group != "" {
		return
	}
	if charge.TransferGroup == "" {
		charge.TransferGroup = "group_" + charge.ID
		if intent := f.intents.get(charge.Intent); intent != nil {
			charge.TransferGroup = "group_" + intent.ID
			intent.TransferGroup = charge.TransferGroup
		}
	}
	t.Group = charge.TransferGroup
}

func (f *Fake) viewTransfer(t *Transfer) obj {
	data := []obj{}
	for _, r := range slices.Backward(t.reversals) {
		data = append(data, f.viewReversal(r))
	}
	more := len(data) > 10
	if more {
		data = data[:10]
	}
	reversals := list("/v1/transfers/"+t.ID+"/reversals", data)
	reversals["has_more"] = more
	return obj{"id": t.ID, "object": "transfer", "amount": t.Amount, "amount_reversed": t.Reversed, "balance_transaction": t.Transaction,
		"created": t.Created.Unix(), "currency": t.Currency, "description": null(t.Description), "destination": t.Destination,
		"destination_payment": t.Payment, "livemode": f.cfg.Live, "metadata": t.Metadata, "reversals": reversals, "reversed": t.Reversed == t.Amount,
		"source_transaction": null(t.Source), "source_type": "card", "transfer_group": null(t.Group)}
}

// viewPayment shows a transfer as the connected account's charge.
func (f *Fake) viewPayment(p *Payment) obj {
	t := f.transfers.get(p.Transfer)
	charge := &Charge{ID: p.ID, Currency: p.Currency, Amount: p.Amount, Refunded: p.Refunded, Status: Succeeded, Transaction: p.Transaction, Created: p.Created,
		Metadata: map[string]string{}, TransferGroup: t.Group, Description: t.Description}
	found := f.viewCharge(charge)
	found["source_transfer"] = p.Transfer
	found["payment_method_details"] = obj{"type": "stripe_account", "stripe_account": obj{}}
	return found
}

func (f *Fake) getTransfer(c *call) (obj, error) {
	if err := c.p.done(); err != nil {
		return nil, err
	}
	t := f.transfers.get(c.ids[0])
	if t == nil {
		return nil, missing("transfer", c.ids[0], "id")
	}
	return f.viewTransfer(t), nil
}

func (f *Fake) updateTransfer(c *call) (obj, error) {
	t := f.transfers.get(c.ids[0])
	if t == nil {
		return nil, missing("transfer", c.ids[0], "id")
	}
	description := t.Description
	if c.p.has("description") {
		description = c.p.text("description")
	}
	metadata := c.p.metadata("metadata", t.Metadata)
	if err := c.p.done(); err != nil {
		return nil, err
	}
	t.Description, t.Metadata = description, metadata
	f.emit("transfer.updated", "", f.viewTransfer(t), nil)
	return f.viewTransfer(t), nil
}

func (f *Fake) listTransfers(c *call) (obj, error) {
	destination, group := c.p.text("destination"), c.p.text("transfer_group")
	return page(c, f.transfers.order, func(t *Transfer) string { return t.ID }, func(t *Transfer) time.Time { return t.Created },
		func(t *Transfer) bool {
			return (destination == "" || t.Destination == destination) && (group == "" || t.Group == group)
		}, f.viewTransfer)
}

// Transfers lists all transfers, oldest first.
func (f *Fake) Transfers() []Transfer { return all(f, &f.transfers) }

// Payments lists what all connected accounts received, oldest first.
func (f *Fake) Payments() []Payment { return all(f, &f.received) }

// Sent returns every free text that a connected account gets to see: of its
// account, its transfers and their reversals. A test looks in them for what
// belongs to somebody else.
func (f *Fake) Sent(account string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pass()
	var seen []string
	add := func(metadata map[string]string, words ...string) {
		for key, value := range metadata {
			seen = append(seen, key, value)
		}
		seen = append(seen, words...)
	}
	if a := f.accounts.get(account); a != nil {
		add(a.Metadata, a.Email, a.Country, a.BusinessName, a.BusinessURL, a.BusinessType, a.ProductDescription)
	}
	for _, t := range f.transfers.order {
		if t.Destination != account {
			continue
		}
		add(t.Metadata, t.Group, t.Description)
		for _, r := range t.reversals {
			add(r.Metadata, r.Description)
		}
	}
	seen = slices.DeleteFunc(seen, func(word string) bool { return strings.TrimSpace(word) == "" })
	slices.Sort(seen)
	return slices.Compact(seen)
}
