package stripefake

import "time"

// Reversal takes back a transfer, or a part of it.
type Reversal struct {
	ID, Transfer, Currency string
	Amount                 int64
	Description            string
	Transaction            string
	Created                time.Time
	Metadata               map[string]string
}

func (f *Fake) createReversal(c *call) (obj, error) {
	t := f.transfers.get(c.ids[0])
	if t == nil {
		return nil, missing("transfer", c.ids[0], "id")
	}
	amount, given := c.p.number("amount")
	description, metadata := c.p.text("description"), c.p.metadata("metadata", nil)
	c.p.flag("refund_application_fee")
	if given && amount < 1 {
		c.p.fail(invalid("amount", "parameter_invalid_integer", "Invalid positive integer"))
	}
	if err := c.p.done(); err != nil {
		return nil, err
	}
	rest := t.Amount - t.Reversed
	if !given {
		amount = rest
	}
	purse := f.purse(t.Destination, t.Currency)
	switch {
	case rest == 0:
		return nil, refused("", "", "Transfer %s is already fully reversed.", t.ID)
	case amount > rest:
		return nil, refused("amount", "", "Reversal amount (%s) is greater than unreversed amount on transfer (%s)", spoken(amount, t.Currency), spoken(rest, t.Currency))
	case purse.available+purse.pending < amount:
		return nil, refused("", "insufficient_funds", "Insufficient funds in the connected account %s: its balance of %s does not cover a reversal of %s.",
			t.Destination, spoken(purse.available+purse.pending, t.Currency), spoken(amount, t.Currency))
	}
	return f.viewReversal(f.reverse(t, amount, description, metadata)), nil
}

// reverse books a reversal on both sides. What was still pending there comes
// back as pending.
func (f *Fake) reverse(t *Transfer, amount int64, description string, metadata map[string]string) *Reversal {
	r := &Reversal{ID: f.id("trr"), Transfer: t.ID, Currency: t.Currency, Amount: amount, Description: description, Created: f.now, Metadata: metadata}
	f.reversals.add(r.ID, r)
	was := t.Reversed
	t.Reversed += amount
	t.reversals = append(t.reversals, r)
	payment := f.received.get(t.Payment)
	payment.Refunded += amount
	r.Transaction = f.book(Transaction{Type: "transfer_refund", Category: "transfer_reversal", Source: r.ID, Currency: t.Currency, Amount: amount, AvailableOn: t.available}).ID
	f.book(Transaction{Account: t.Destination, Type: "payment_refund", Category: "refund", Source: t.Payment, Currency: t.Currency, Amount: -amount, AvailableOn: t.available})
	f.emit("transfer.reversed", "", f.viewTransfer(t), obj{"amount_reversed": was})
	f.emit("charge.refunded", t.Destination, f.viewPayment(payment), nil)
	return r
}

func (f *Fake) viewReversal(r *Reversal) obj {
	return obj{"id": r.ID, "object": "transfer_reversal", "amount": r.Amount, "balance_transaction": null(r.Transaction), "created": r.Created.Unix(),
		"currency": r.Currency, "destination_payment_refund": nil, "metadata": r.Metadata, "source_refund": nil, "transfer": r.Transfer}
}

func (f *Fake) getReversal(c *call) (obj, error) {
	if err := c.p.done(); err != nil {
		return nil, err
	}
	r := f.reversals.get(c.ids[1])
	if r == nil || r.Transfer != c.ids[0] {
		return nil, missing("transfer reversal", c.ids[1], "id")
	}
	return f.viewReversal(r), nil
}

func (f *Fake) updateReversal(c *call) (obj, error) {
	r := f.reversals.get(c.ids[1])
	if r == nil || r.Transfer != c.ids[0] {
		return nil, missing("transfer reversal", c.ids[1], "id")
	}
	metadata := c.p.metadata("metadata", r.Metadata)
	if err := c.p.done(); err != nil {
		return nil, err
	}
	r.Metadata = metadata
	return f.viewReversal(r), nil
}

func (f *Fake) listReversals(c *call) (obj, error) {
	t := f.transfers.get(c.ids[0])
	if t == nil {
		return nil, missing("transfer", c.ids[0], "id")
	}
	return page(c, t.reversals, func(r *Reversal) string { return r.ID }, func(r *Reversal) time.Time { return r.Created },
		func(*Reversal) bool { return true }, f.viewReversal)
}

// Reversals lists all reversals, oldest first.
func (f *Fake) Reversals() []Reversal { return all(f, &f.reversals) }
