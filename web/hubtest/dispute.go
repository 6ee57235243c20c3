package hubtest

import (
	"context"
	"time"

	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// Bankers are payers' banks that take payments back when a test says so: the
// sandbox knows no disputes.
type Bankers struct {
	Disputes map[string]payment.Dispute
	Sent     []payment.EvidenceRequest
}

// LookDispute implements payment.Disputes.
func (b *Bankers) LookDispute(_ context.Context, ref string) (payment.Dispute, error) {
	dispute, found := b.Disputes[ref]
	if !found {
		return dispute, payment.ErrNotFound
	}
	return dispute, nil
}

// SendEvidence implements payment.Disputes.
func (b *Bankers) SendEvidence(ctx context.Context, request payment.EvidenceRequest) (payment.Dispute, error) {
	dispute, err := b.LookDispute(ctx, request.DisputeRef)
	if err != nil {
		return dispute, err
	}
	b.Sent = append(b.Sent, request)
	dispute.Submitted, dispute.Phase = true, payment.DisputeInReview
	b.Disputes[request.DisputeRef] = dispute
	return dispute, nil
}

// ChargeBack lets the payer's bank take a whole payment back; the deadline is ten
// days away.
func (h *Hub) ChargeBack(p payment.Payment, reason string) *Bankers {
	h.t.Helper()
	ref := "dp_" + p.ID
	bankers := &Bankers{Disputes: map[string]payment.Dispute{ref: {Ref: ref, PaymentID: p.ID, Phase: payment.DisputeOpen, Amount: money.New(p.Amount, p.Currency), Withdrawn: true,
		Fee: money.New(0, p.Currency), Reason: reason, EvidenceDue: h.Now().Add(10 * 24 * time.Hour)}}}
	h.Payment.Disputes = bankers
	h.Must(h.Payment.Notify(context.Background(), payment.Hint{EventID: store.NewID(), Type: "dispute", Subject: payment.SubjectDispute, Ref: ref}))
	return bankers
}

// Carry does once what is due of money: transfers, refunds, reversals and evidence.
func (h *Hub) Carry() {
	h.t.Helper()
	for _, work := range []struct {
		table store.JobTable
		send  func(context.Context, store.JobRef) error
	}{{payment.Transfers, h.Payment.SendTransfer}, {payment.Refunds, h.Payment.SendRefund}, {payment.Reversals, h.Payment.SendReversal}, {payment.Submissions, h.Payment.SendEvidence}} {
		refs, err := h.DB.TakeDue(context.Background(), work.table, "id", h.Now(), 100, time.Minute)
		h.Must(err)
		for _, ref := range refs {
			h.Must(work.send(context.Background(), ref))
		}
	}
}
