package stripefake_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stripe/stripe-go/v76"

	"github.com/sheaf-hub/sheaf/hub/gateway/stripe/stripefake"
)

func (w *world) file(content string) (*stripe.File, error) {
	return w.api.Files.New(&stripe.FileParams{FileReader: bytes.NewReader([]byte(content)), Filename: stripe.String("INV-1.pdf"), Purpose: stripe.String("dispute_evidence")})
}

func TestDisputeWon(t *testing.T) {
	w := newWorld(t)
	s := w.paid(10000, "usd", stripefake.Succeed)
	w.wait(2 * day)
	w.events()
	id, err := w.OpenDispute(s.PaymentIntent.LatestCharge.ID, 0, "fraudulent")
	if err != nil {
		t.Fatal(err)
	}
	w.wantEvents("charge.dispute.created", "charge.dispute.funds_withdrawn")
	w.balance("", "usd", -320-1500, 0)
	d, err := w.api.Disputes.Get(id, nil)
	if err != nil || d.Status != "needs_response" || d.Amount != 10000 || d.Reason != "fraudulent" || len(d.BalanceTransactions) != 1 ||
		d.BalanceTransactions[0].Fee != 1500 || d.BalanceTransactions[0].Net != -11500 || d.EvidenceDetails.DueBy <= w.now().Unix() || d.PaymentIntent.ID != s.PaymentIntent.ID {
		t.Fatalf("%+v, %v", d, err)
	}
	if charge := w.session(s.ID).PaymentIntent.LatestCharge; !charge.Disputed || charge.Refunded {
		t.Errorf("%+v", charge)
	}
	file, err := w.file("%PDF-1.4 the invoice")
	if err != nil || file.Size != 20 || file.Type != "pdf" || file.Filename != "INV-1.pdf" {
		t.Fatalf("%+v, %v", file, err)
	}
	update := func(submit bool, evidence *stripe.DisputeEvidenceParams) (*stripe.Dispute, error) {
		return w.api.Disputes.Update(id, &stripe.DisputeParams{Evidence: evidence, Submit: stripe.Bool(submit)})
	}
	if d, err = update(false, &stripe.DisputeEvidenceParams{Receipt: stripe.String(file.ID)}); err != nil || d.Status != "needs_response" || !d.EvidenceDetails.HasEvidence || d.Evidence.Receipt.ID != file.ID {
		t.Errorf("staged: %+v, %v", d, err)
	}
	_, err = update(true, &stripe.DisputeEvidenceParams{Receipt: stripe.String("file_none")})
	wantError(t, err, 400, "resource_missing", "file_none")
	if d, err = update(true, &stripe.DisputeEvidenceParams{UncategorizedText: stripe.String("three mails")}); err != nil || d.Status != "under_review" || d.EvidenceDetails.SubmissionCount != 1 || d.Evidence.Receipt == nil {
		t.Errorf("submitted: %+v, %v", d, err)
	}
	_, err = update(true, &stripe.DisputeEvidenceParams{UncategorizedText: stripe.String("a fourth")})
	wantError(t, err, 400, "", "already submitted")
	if err := w.CloseDispute(id, stripefake.Won); err != nil {
		t.Fatal(err)
	}
	w.wantEvents("charge.dispute.updated", "charge.dispute.updated", "charge.dispute.closed", "charge.dispute.funds_reinstated")
	w.balance("", "usd", 10000-320-1500, 0)
	if err := w.CloseDispute(id, stripefake.Lost); err == nil {
		t.Error("a closed dispute was closed again")
	}
}

func TestDisputeLost(t *testing.T) {
	w := newWorld(t)
	charge := w.paid(10000, "usd", stripefake.Succeed).PaymentIntent.LatestCharge.ID
	w.wait(2 * day)
	id, err := w.OpenDispute(charge, 4000, "product_not_received")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.OpenDispute(charge, 0, "fraudulent"); err == nil {
		t.Error("it was disputed twice at once")
	}
	w.events()
	if d, err := w.api.Disputes.Close(id, nil); err != nil || d.Status != "lost" {
		t.Errorf("%+v, %v", d, err)
	}
	w.wantEvents("charge.dispute.closed")
	w.balance("", "usd", 10000-320-4000-1500, 0)
}

func TestInquiry(t *testing.T) {
	w := newWorld(t)
	charge := w.paid(10000, "usd", stripefake.Succeed).PaymentIntent.LatestCharge.ID
	w.wait(2 * day)
	w.events()
	id, err := w.OpenInquiry(charge, 0, "general")
	if err != nil {
		t.Fatal(err)
	}
	w.balance("", "usd", 9680, 0)
	if _, err := w.api.Refunds.New(&stripe.RefundParams{Charge: stripe.String(charge), Amount: stripe.Int64(1000)}); err != nil {
		t.Errorf("an inquiry forbids no refund: %v", err)
	}
	if err := w.CloseDispute(id, stripefake.Won); err != nil {
		t.Fatal(err)
	}
	w.wantEvents("charge.dispute.created", "charge.refunded", "charge.dispute.closed")
	if id, err = w.OpenInquiry(charge, 0, "general"); err != nil {
		t.Fatal(err)
	}
	if err := w.EscalateInquiry(id); err != nil {
		t.Fatal(err)
	}
	w.wantEvents("charge.dispute.created", "charge.dispute.updated", "charge.dispute.funds_withdrawn")
	w.balance("", "usd", 9680-1000-9000-1500, 0)
	w.wait(11 * day)
	_, err = w.api.Disputes.Update(id, &stripe.DisputeParams{Evidence: &stripe.DisputeEvidenceParams{UncategorizedText: stripe.String("late")}})
	wantError(t, err, 400, "", "deadline")
}

func TestFiles(t *testing.T) {
	w := newWorld(t)
	_, err := w.file("just words")
	wantError(t, err, 400, "", "file format")
	_, err = w.file("%PDF-" + strings.Repeat("x", 5<<20))
	wantError(t, err, 400, "", "too large")
	_, err = w.file("")
	wantError(t, err, 400, "", "empty")
	if n := len(w.Files()); n != 0 {
		t.Errorf("%d files were kept", n)
	}
}
