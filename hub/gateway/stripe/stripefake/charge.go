package stripefake

import (
	"time"
)

// The states of a charge.
const (
	Succeeded = "succeeded"
	Pending   = "pending"
	Failed    = "failed"
)

// Charge is one attempt to take money from a payer.
type Charge struct {
	ID, Intent, Customer, Method string
	Currency                     string
	Amount, Refunded             int64
	Status                       string // Succeeded, Pending or Failed
	FailureCode, FailureMessage  string
	DeclineCode                  string
	Disputed                     bool
	Dispute                      string
	Description                  string
	TransferGroup                string
	Transaction                  string // balance transaction, once succeeded
	Transferred                  int64  // sum of the transfers that name it as their source
	Kind                         string // card, us_bank_account, …
	Created                      time.Time
	Metadata                     map[string]string
	refunds                      []*Refund
	available                    time.Time
}

// cardFee is what Stripe keeps of a card payment.
func (f *Fake) cardFee(amount int64, currency string) int64 {
	fixed := max(0, f.cfg.CardFeeFixed)
	if listed(zeroDecimal, currency) {
		fixed = 0
	}
	return min(amount, (amount*max(0, f.cfg.CardFeeBasis)+5000)/10000+fixed)
}

// bankFee is 0.8 %, at most 5.00.
func bankFee(amount int64) int64 { return min(500, (amount*80+5000)/10000) }

// newCharge makes an attempt on an intent, in no state yet.
func (f *Fake) newCharge(intent *Intent, method *Method) *Charge {
	charge := &Charge{ID: f.id("ch"), Intent: intent.ID, Customer: intent.Customer, Method: method.ID, Currency: intent.Currency,
		Amount: intent.Amount, Description: intent.Description, TransferGroup: intent.TransferGroup, Kind: method.Type,
		Created: f.now, Metadata: intent.Metadata}
	intent.LatestCharge = charge.ID
	intent.Charges = append(intent.Charges, charge.ID)
	return f.charges.add(charge.ID, charge)
}

// succeed books the money of a charge.
func (f *Fake) succeed(charge *Charge) {
	charge.Status = Succeeded
	fee, wait, kind := f.cardFee(charge.Amount, charge.Currency), f.cfg.CardWait, "charge"
	if charge.Kind != "card" {
		fee, wait, kind = bankFee(charge.Amount), f.cfg.BankWait, "payment"
	}
	charge.available = f.now.Add(wait)
	charge.Transaction = f.book(Transaction{Type: kind, Category: "charge", Source: charge.ID, Currency: charge.Currency, Amount: charge.Amount,
		Fee: fee, FeeWhat: "Stripe processing fees", AvailableOn: charge.available, Description: charge.Description}).ID
	f.emit("charge.succeeded", "", f.viewCharge(charge), nil)
}

func (f *Fake) failCharge(charge *Charge, code, decline, message string) {
	charge.Status, charge.FailureCode, charge.DeclineCode, charge.FailureMessage = Failed, code, decline, message
	f.emit("charge.failed", "", f.viewCharge(charge), nil)
}

func (f *Fake) viewCharge(c *Charge) obj {
	captured := int64(0)
	if c.Status == Succeeded {
		captured = c.Amount
	}
	return obj{"id": c.ID, "object": "charge", "amount": c.Amount, "amount_captured": captured, "amount_refunded": c.Refunded, "application": nil,
		"application_fee": nil, "application_fee_amount": nil, "balance_transaction": null(c.Transaction), "billing_details": viewBilling(f.methods.get(c.Method)),
		"calculated_statement_descriptor": "SHEAF", "captured": c.Status != Failed, "created": c.Created.Unix(), "currency": c.Currency,
		"customer": null(c.Customer), "description": null(c.Description), "disputed": c.Disputed,
		"failure_balance_transaction": nil, "failure_code": null(c.FailureCode), "failure_message": null(c.FailureMessage), "fraud_details": obj{},
		"invoice": nil, "livemode": f.cfg.Live, "metadata": c.Metadata, "on_behalf_of": nil, "outcome": viewOutcome(c),
		"paid": c.Status == Succeeded, "payment_intent": null(c.Intent), "payment_method": null(c.Method),
		"payment_method_details": viewMethodDetails(f.methods.get(c.Method)), "receipt_email": nil, "receipt_number": nil,
		"receipt_url": nil, "refunded": c.Status == Succeeded && c.Refunded == c.Amount, "review": nil, "shipping": nil,
		"source_transfer": nil, "statement_descriptor": nil, "statement_descriptor_suffix": nil, "status": c.Status, "transfer_data": nil,
		"transfer_group": null(c.TransferGroup)}
}

func viewOutcome(c *Charge) obj {
	switch c.Status {
	case Failed:
		return obj{"network_status": "declined_by_network", "reason": null(c.DeclineCode), "risk_level": "normal", "risk_score": 20,
			"seller_message": "The bank did not return any further details with this decline.", "type": "issuer_declined"}
	case Pending:
		return obj{"network_status": "approved_by_network", "reason": nil, "risk_level": "not_assessed", "seller_message": "Payment pending.", "type": "authorized"}
	}
	return obj{"network_status": "approved_by_network", "reason": nil, "risk_level": "normal", "risk_score": 20,
		"seller_message": "Payment complete.", "type": "authorized"}
}

func (f *Fake) getCharge(c *call) (obj, error) {
	if err := c.p.done(); err != nil {
		return nil, err
	}
	if c.account != "" {
		payment := f.received.get(c.ids[0])
		if payment == nil || payment.Account != c.account {
			return nil, missing("charge", c.ids[0], "id")
		}
		return f.viewPayment(payment), nil
	}
	charge := f.charges.get(c.ids[0])
	if charge == nil {
		return nil, missing("charge", c.ids[0], "id")
	}
	return f.viewCharge(charge), nil
}

func (f *Fake) listCharges(c *call) (obj, error) {
	intent, customer, group := c.p.text("payment_intent"), c.p.text("customer"), c.p.text("transfer_group")
	if c.account != "" {
		return page(c, f.received.order, func(p *Payment) string { return p.ID }, func(p *Payment) time.Time { return p.Created },
			func(p *Payment) bool { return p.Account == c.account && intent == "" && customer == "" }, f.viewPayment)
	}
	return page(c, f.charges.order, func(ch *Charge) string { return ch.ID }, func(ch *Charge) time.Time { return ch.Created },
		func(ch *Charge) bool {
			return (intent == "" || ch.Intent == intent) && (customer == "" || ch.Customer == customer) && (group == "" || ch.TransferGroup == group)
		}, f.viewCharge)
}

// Charges lists all attempts, oldest first.
func (f *Fake) Charges() []Charge { return all(f, &f.charges) }
