package stripefake

import (
	"fmt"
	"maps"
	"slices"
	"time"
	"unicode/utf8"
)

// The states of a dispute.
const (
	NeedsResponse        = "needs_response"
	UnderReview          = "under_review"
	Won                  = "won"
	Lost                 = "lost"
	WarningNeedsResponse = "warning_needs_response"
	WarningUnderReview   = "warning_under_review"
	WarningClosed        = "warning_closed"
)

// disputeFee is what a chargeback costs, in minor units; it does not come back.
const disputeFee = 1500

// Dispute is a payer's bank asking for the money back.
type Dispute struct {
	ID, Charge, Intent, Currency string
	Amount                       int64
	Reason, Status               string
	Due                          time.Time // of the evidence
	Evidence                     map[string]string
	Submissions                  int
	Transactions                 []string
	Created                      time.Time
	Metadata                     map[string]string
}

func evidenceTexts() []string {
	return []string{"access_activity_log", "billing_address", "cancellation_policy_disclosure", "cancellation_rebuttal", "customer_email_address", "customer_name",
		"customer_purchase_ip", "duplicate_charge_explanation", "duplicate_charge_id", "product_description", "refund_policy_disclosure",
		"refund_refusal_explanation", "service_date", "shipping_address", "shipping_carrier", "shipping_date", "shipping_tracking_number", "uncategorized_text"}
}

func evidenceFiles() []string {
	return []string{"cancellation_policy", "customer_communication", "customer_signature", "duplicate_charge_documentation", "receipt", "refund_policy",
		"service_documentation", "shipping_documentation", "uncategorized_file"}
}

// refundable says whether its charge may still be refunded.
func (d *Dispute) refundable() bool {
	return d.Status == WarningNeedsResponse || d.Status == WarningUnderReview || d.Status == WarningClosed || d.Status == Won
}

func (d *Dispute) inquiry() bool {
	return d.Status == WarningNeedsResponse || d.Status == WarningUnderReview
}

func (d *Dispute) open() bool {
	return d.Status == NeedsResponse || d.Status == UnderReview || d.inquiry()
}

// OpenDispute charges a payment back: amount (0 is all that was not refunded)
// and a fee leave the platform's balance. reason is such as "fraudulent".
func (f *Fake) OpenDispute(charge string, amount int64, reason string) (string, error) {
	return f.newDispute(charge, amount, reason, NeedsResponse)
}

// OpenInquiry asks before a chargeback: no money moves.
func (f *Fake) OpenInquiry(charge string, amount int64, reason string) (string, error) {
	return f.newDispute(charge, amount, reason, WarningNeedsResponse)
}

func (f *Fake) newDispute(chargeID string, amount int64, reason, status string) (string, error) {
	var id string
	err := f.act(func() error {
		charge := f.charges.get(chargeID)
		if charge == nil || charge.Status != Succeeded {
			return fmt.Errorf("stripefake: charge %q cannot be disputed", chargeID)
		}
		if old := f.disputes.get(charge.Dispute); old != nil && old.open() {
			return fmt.Errorf("stripefake: charge %q is already disputed by %s", chargeID, old.ID)
		}
		if amount == 0 {
			amount = charge.Amount - charge.Refunded
		}
		if amount < 1 || amount > charge.Amount {
			return fmt.Errorf("stripefake: %d of charge %q cannot be disputed", amount, chargeID)
		}
		d := &Dispute{ID: f.id("dp"), Charge: charge.ID, Intent: charge.Intent, Currency: charge.Currency, Amount: amount, Reason: reason, Status: status,
			Due: f.now.Truncate(24 * time.Hour).Add(10*24*time.Hour - time.Second), Evidence: map[string]string{}, Created: f.now, Metadata: map[string]string{}}
		id = d.ID
		f.disputes.add(d.ID, d)
		charge.Disputed, charge.Dispute = true, d.ID
		if status == NeedsResponse {
			f.withdraw(d)
		}
		f.emit("charge.dispute.created", "", f.viewDispute(d), nil)
		if status == NeedsResponse {
			f.emit("charge.dispute.funds_withdrawn", "", f.viewDispute(d), nil)
		}
		return nil
	})
	return id, err
}

func (f *Fake) withdraw(d *Dispute) {
	d.Transactions = append(d.Transactions, f.book(Transaction{Type: "adjustment", Category: "dispute", Source: d.ID, Currency: d.Currency, Amount: -d.Amount,
		Fee: disputeFee, FeeWhat: "Dispute fee", Description: "Chargeback withdrawal for " + d.Charge}).ID)
}

// EscalateInquiry makes a chargeback of an inquiry: now the money leaves.
func (f *Fake) EscalateInquiry(id string) error {
	return f.act(func() error {
		d := f.disputes.get(id)
		if d == nil || !d.inquiry() {
			return fmt.Errorf("stripefake: dispute %q is no open inquiry", id)
		}
		d.Status = NeedsResponse
		f.withdraw(d)
		f.emit("charge.dispute.updated", "", f.viewDispute(d), nil)
		f.emit("charge.dispute.funds_withdrawn", "", f.viewDispute(d), nil)
		return nil
	})
}

// CloseDispute ends a dispute as Won or Lost; an inquiry ends as warning_closed
// whatever is given. What was won comes back, without the fee.
func (f *Fake) CloseDispute(id, outcome string) error {
	return f.act(func() error {
		d := f.disputes.get(id)
		if d == nil || !d.open() || outcome != Won && outcome != Lost {
			return fmt.Errorf("stripefake: dispute %q cannot be closed as %q", id, outcome)
		}
		f.closeDispute(d, outcome)
		return nil
	})
}

func (f *Fake) closeDispute(d *Dispute, outcome string) {
	if d.inquiry() {
		d.Status = WarningClosed
		f.charges.get(d.Charge).Disputed = false
		f.emit("charge.dispute.closed", "", f.viewDispute(d), nil)
		return
	}
	d.Status = outcome
	if outcome == Won {
		d.Transactions = append(d.Transactions, f.book(Transaction{Type: "adjustment", Category: "dispute_reversal", Source: d.ID, Currency: d.Currency,
			Amount: d.Amount, Description: "Chargeback reversal for " + d.Charge}).ID)
	}
	f.emit("charge.dispute.closed", "", f.viewDispute(d), nil)
	if outcome == Won {
		f.emit("charge.dispute.funds_reinstated", "", f.viewDispute(d), nil)
	}
}

func (f *Fake) viewDispute(d *Dispute) obj {
	lines := []obj{}
	for _, id := range d.Transactions {
		lines = append(lines, f.viewTransaction(f.transactions.get(id)))
	}
	evidence := obj{}
	for _, name := range append(evidenceTexts(), evidenceFiles()...) {
		evidence[name] = null(d.Evidence[name])
	}
	network := obj{"brand": "visa", "network_reason_code": "10.4"}
	return obj{"id": d.ID, "object": "dispute", "amount": d.Amount, "balance_transactions": lines, "charge": d.Charge, "created": d.Created.Unix(),
		"currency": d.Currency, "evidence": evidence, "evidence_details": obj{"due_by": d.Due.Unix(), "has_evidence": len(d.Evidence) > 0,
			"past_due": f.now.After(d.Due), "submission_count": d.Submissions},
		"is_charge_refundable": d.refundable(), "livemode": f.cfg.Live, "metadata": d.Metadata, "payment_intent": null(d.Intent),
		"payment_method_details": obj{"card": network, "type": "card"}, "reason": d.Reason, "status": d.Status}
}

// updateDispute takes evidence. As with the real one, submit is true unless
// given, and evidence can be submitted once.
func (f *Fake) updateDispute(c *call) (obj, error) {
	d := f.disputes.get(c.ids[0])
	if d == nil {
		return nil, missing("dispute", c.ids[0], "id")
	}
	evidence, problem := f.readEvidence(c.p, d)
	submit := !c.p.has("submit") || c.p.flag("submit")
	metadata := c.p.metadata("metadata", d.Metadata)
	told := c.p.below("evidence") || c.p.has("submit")
	if err := c.p.done(); err != nil {
		return nil, err
	}
	switch {
	case problem != nil:
		return nil, problem
	case told && !d.open():
		return nil, refused("", "", "This dispute is already closed")
	case told && d.Submissions > 0:
		return nil, refused("evidence", "", "You have already submitted evidence for this dispute.")
	case told && f.now.After(d.Due):
		return nil, refused("evidence", "", "The deadline for submitting evidence on this dispute has passed.")
	}
	d.Evidence, d.Metadata = evidence, metadata
	if told && submit {
		d.Submissions++
		d.Status = map[string]string{NeedsResponse: UnderReview, WarningNeedsResponse: WarningUnderReview}[d.Status]
	}
	f.emit("charge.dispute.updated", "", f.viewDispute(d), nil)
	return f.viewDispute(d), nil
}

func (f *Fake) readEvidence(p *params, d *Dispute) (map[string]string, *Problem) {
	evidence := map[string]string{}
	for name, value := range d.Evidence {
		evidence[name] = value
	}
	size := 0
	children := p.children("evidence")
	for _, name := range slices.Sorted(maps.Keys(children)) {
		value := children[name]
		param := "evidence[" + name + "]"
		isFile := slices.Contains(evidenceFiles(), name)
		switch {
		case !isFile && !slices.Contains(evidenceTexts(), name):
			p.fail(invalid(param, "parameter_unknown", "Received unknown parameter: %s", param))
		case value == "":
			delete(evidence, name)
		case isFile:
			if file := f.files.get(value); file == nil {
				return nil, missing("file upload", value, param)
			} else if file.Purpose != "dispute_evidence" {
				return nil, invalid(param, "", "The file %s has the purpose %s; evidence must be uploaded with the purpose dispute_evidence.", value, file.Purpose)
			}
			evidence[name] = value
		case utf8.RuneCountInString(value) > 20_000:
			p.fail(invalid(param, "", "Invalid string: must be at most 20000 characters"))
		default:
			size += utf8.RuneCountInString(value)
			evidence[name] = value
		}
	}
	if size > 150_000 {
		p.fail(invalid("evidence", "", "The combined character count of all evidence fields is limited to 150,000."))
	}
	return evidence, nil
}

// postCloseDispute accepts a dispute: it is lost.
func (f *Fake) postCloseDispute(c *call) (obj, error) {
	if err := c.p.done(); err != nil {
		return nil, err
	}
	d := f.disputes.get(c.ids[0])
	if d == nil {
		return nil, missing("dispute", c.ids[0], "id")
	}
	if d.Status != NeedsResponse && d.Status != WarningNeedsResponse {
		return nil, refused("", "", "This dispute is already closed")
	}
	f.closeDispute(d, Lost)
	return f.viewDispute(d), nil
}

func (f *Fake) getDispute(c *call) (obj, error) {
	if err := c.p.done(); err != nil {
		return nil, err
	}
	d := f.disputes.get(c.ids[0])
	if d == nil {
		return nil, missing("dispute", c.ids[0], "id")
	}
	return f.viewDispute(d), nil
}

func (f *Fake) listDisputes(c *call) (obj, error) {
	charge, intent := c.p.text("charge"), c.p.text("payment_intent")
	return page(c, f.disputes.order, func(d *Dispute) string { return d.ID }, func(d *Dispute) time.Time { return d.Created },
		func(d *Dispute) bool {
			return (charge == "" || d.Charge == charge) && (intent == "" || d.Intent == intent)
		}, f.viewDispute)
}

// Disputes lists all disputes, oldest first.
func (f *Fake) Disputes() []Dispute { return all(f, &f.disputes) }
