package stripefake

import (
	"fmt"
	"net/http"
	"time"
)

// Refund is money on its way back to the payer.
type Refund struct {
	ID, Charge, Intent, Currency string
	Amount                       int64
	Status                       string // Succeeded, Pending or Failed
	Reason, FailureReason        string
	Transaction                  string
	FailureTransaction           string
	Created                      time.Time
	Metadata                     map[string]string
}

func (f *Fake) createRefund(c *call) (obj, error) {
	chargeID, intentID := c.p.text("charge"), c.p.text("payment_intent")
	amount, given := c.p.number("amount")
	reason := c.p.oneOf("reason", "duplicate", "fraudulent", "requested_by_customer")
	metadata := c.p.metadata("metadata", nil)
	if chargeID == "" && intentID == "" {
		c.p.fail(invalid("", "parameter_missing", "One of the following params should be provided for this request: payment_intent or charge."))
	}
	if err := c.p.done(); err != nil {
		return nil, err
	}
	charge, problem := f.refundable(chargeID, intentID)
	if problem != nil {
		return nil, problem
	}
	rest := charge.Amount - charge.Refunded
	if !given {
		amount = rest
	}
	switch {
	case rest == 0:
		return nil, refused("", "charge_already_refunded", "Charge %s has already been refunded.", charge.ID)
	case given && amount < 1:
		return nil, invalid("amount", "parameter_invalid_integer", "Invalid positive integer")
	case amount > rest:
		return nil, refused("amount", "", "Refund amount (%s) is greater than unrefunded amount on charge (%s)", spoken(amount, charge.Currency), spoken(rest, charge.Currency))
	}
	return f.viewRefund(f.refund(charge, amount, reason, metadata)), nil
}

// refundable finds the charge to refund.
func (f *Fake) refundable(chargeID, intentID string) (*Charge, *Problem) {
	if intentID != "" {
		intent := f.intents.get(intentID)
		if intent == nil {
			return nil, missing("payment_intent", intentID, "payment_intent")
		}
		if intent.Status != Succeeded {
			return nil, refused("", "", "This PaymentIntent (%s) does not have a successful charge to refund.", intentID)
		}
		if chargeID != "" && chargeID != intent.LatestCharge {
			return nil, refused("charge", "", "The charge %s does not belong to the payment_intent %s.", chargeID, intentID)
		}
		chargeID = intent.LatestCharge
	}
	charge := f.charges.get(chargeID)
	switch {
	case charge == nil:
		return nil, missing("charge", chargeID, "charge")
	case charge.Status != Succeeded:
		return nil, refused("", "charge_not_refundable", "Charge %s has not succeeded and cannot be refunded.", charge.ID)
	}
	if dispute := f.disputes.get(charge.Dispute); dispute != nil && !dispute.refundable() {
		return nil, refused("", "charge_disputed", "Charge %s has been charged back; cannot issue a refund.", charge.ID)
	}
	return charge, nil
}

// refund books a refund: at once for cards, and in five days for bank debits.
func (f *Fake) refund(charge *Charge, amount int64, reason string, metadata map[string]string) *Refund {
	r := &Refund{ID: f.id("re"), Charge: charge.ID, Intent: charge.Intent, Currency: charge.Currency, Amount: amount, Status: Succeeded, Reason: reason,
		Created: f.now, Metadata: metadata}
	kind := "refund"
	if charge.Kind != "card" {
		r.Status, kind = Pending, "payment_refund"
		f.at(f.now.Add(5*24*time.Hour), func() {
			if r.Status == Pending {
				r.Status = Succeeded
				f.emit("charge.refund.updated", "", f.viewRefund(r), obj{"status": Pending})
			}
		})
	}
	r.Transaction = f.book(Transaction{Type: kind, Category: "refund", Source: r.ID, Currency: r.Currency, Amount: -amount, Description: "REFUND FOR CHARGE"}).ID
	was := charge.Refunded
	charge.Refunded += amount
	charge.refunds = append(charge.refunds, r)
	f.refunds.add(r.ID, r)
	f.emit("charge.refunded", "", f.viewCharge(charge), obj{"amount_refunded": was})
	return r
}

// FailRefund lets a refund come back, as with a closed bank account: its money
// returns to the platform. reason is such as "lost_or_stolen_card",
// "expired_or_canceled_card" or "unknown".
func (f *Fake) FailRefund(id, reason string) error {
	return f.act(func() error {
		r := f.refunds.get(id)
		if r == nil || r.Status == Failed {
			return fmt.Errorf("stripefake: refund %q cannot fail", id)
		}
		was := r.Status
		r.Status, r.FailureReason = Failed, reason
		r.FailureTransaction = f.book(Transaction{Type: "refund_failure", Source: r.ID, Currency: r.Currency, Amount: r.Amount, Description: "REFUND FAILURE"}).ID
		f.charges.get(r.Charge).Refunded -= r.Amount
		f.emit("charge.refund.updated", "", f.viewRefund(r), obj{"status": was})
		f.emit("refund.failed", "", f.viewRefund(r), nil)
		return nil
	})
}

func (f *Fake) viewRefund(r *Refund) obj {
	found := obj{"id": r.ID, "object": "refund", "amount": r.Amount, "balance_transaction": null(r.Transaction), "charge": r.Charge, "created": r.Created.Unix(),
		"currency": r.Currency, "destination_details": obj{"type": "card", "card": obj{"type": "refund"}}, "metadata": r.Metadata, "payment_intent": null(r.Intent),
		"reason": null(r.Reason), "receipt_number": nil, "source_transfer_reversal": nil, "status": r.Status, "transfer_reversal": nil}
	if charge := f.charges.get(r.Charge); charge.Kind != "card" {
		kind := map[string]string{"us_bank_account": "us_bank_transfer", "sepa_debit": "eu_bank_transfer", "bacs_debit": "gb_bank_transfer"}[charge.Kind]
		found["destination_details"] = obj{"type": kind, kind: obj{}}
		if kind == "" {
			found["destination_details"] = nil
		}
	}
	if r.FailureReason != "" {
		found["failure_reason"], found["failure_balance_transaction"] = r.FailureReason, r.FailureTransaction
	}
	return found
}

func (f *Fake) getRefund(c *call) (obj, error) {
	if err := c.p.done(); err != nil {
		return nil, err
	}
	r := f.refunds.get(c.ids[0])
	if r == nil {
		return nil, missing("refund", c.ids[0], "id")
	}
	return f.viewRefund(r), nil
}

func (f *Fake) updateRefund(c *call) (obj, error) {
	r := f.refunds.get(c.ids[0])
	if r == nil {
		return nil, missing("refund", c.ids[0], "id")
	}
	metadata := c.p.metadata("metadata", r.Metadata)
	if err := c.p.done(); err != nil {
		return nil, err
	}
	r.Metadata = metadata
	f.emit("charge.refund.updated", "", f.viewRefund(r), nil)
	return f.viewRefund(r), nil
}

func (f *Fake) listRefunds(c *call) (obj, error) {
	charge, intent := c.p.text("charge"), c.p.text("payment_intent")
	if charge != "" && f.charges.get(charge) == nil {
		return nil, &Problem{Status: http.StatusBadRequest, Type: "invalid_request_error", Code: "resource_missing", Param: "charge",
			Message: fmt.Sprintf("No such charge: '%s'", charge)}
	}
	return page(c, f.refunds.order, func(r *Refund) string { return r.ID }, func(r *Refund) time.Time { return r.Created },
		func(r *Refund) bool {
			return (charge == "" || r.Charge == charge) && (intent == "" || r.Intent == intent)
		}, f.viewRefund)
}

// Refunds lists all refunds, oldest first.
func (f *Fake) Refunds() []Refund { return all(f, &f.refunds) }

// RefundByHand refunds a charge as somebody does on the dashboard: without
// metadata of the hub's.
func (f *Fake) RefundByHand(charge string, amount int64) error {
	return f.act(func() error {
		c, problem := f.refundable(charge, "")
		if problem != nil {
			return problem
		}
		if amount <= 0 || amount > c.Amount-c.Refunded {
			return fmt.Errorf("stripefake: %d cannot be refunded of charge %q", amount, charge)
		}
		f.refund(c, amount, "requested_by_customer", map[string]string{})
		return nil
	})
}
