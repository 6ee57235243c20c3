package stripe

import (
	"bytes"
	"context"
	"fmt"
	"time"

	stripego "github.com/stripe/stripe-go/v76"

	"github.com/sheaf-hub/sheaf/hub/payment"
)

// Sizes of evidence (docs.stripe.com/disputes/responding and /file-upload).
const (
	mostText     = 20_000  // characters of one field
	mostEvidence = 4 << 20 // bytes of all files of one dispute; Stripe's bound is 4.5 MB
	cutMark      = "\n[… shortened: this field holds no more]"
)

// LookDispute fetches a dispute as it is now.
func (g *Gateway) LookDispute(ctx context.Context, ref string) (payment.Dispute, error) {
	if ref == "" {
		return payment.Dispute{}, payment.ErrNotFound
	}
	dispute, err := g.api.Disputes.Get(ref, &stripego.DisputeParams{Params: stripego.Params{Context: ctx}, Expand: expand("payment_intent")})
	if err != nil {
		return payment.Dispute{}, reading("look at the dispute", err)
	}
	return g.disputeState(dispute)
}

func (g *Gateway) disputeState(dispute *stripego.Dispute) (payment.Dispute, error) {
	if dispute.Livemode != g.live {
		return payment.Dispute{}, fmt.Errorf("%w: this dispute is of the other mode, live or test, than the key", payment.ErrNotFound)
	}
	amount, err := fromUnits(dispute.Amount, dispute.Currency)
	if err != nil {
		return payment.Dispute{}, err
	}
	state := payment.Dispute{Ref: dispute.ID, Phase: disputePhase(dispute.Status), Amount: amount, Reason: string(dispute.Reason)}
	if dispute.PaymentIntent != nil {
		state.PaymentRef, state.PaymentID = dispute.PaymentIntent.ID, dispute.PaymentIntent.Metadata[metaPayment]
	}
	if dispute.Charge != nil {
		state.SourceRef = dispute.Charge.ID
	}
	if details := dispute.EvidenceDetails; details != nil {
		state.Submitted = details.SubmissionCount > 0
		if details.DueBy > 0 {
			state.EvidenceDue = time.Unix(details.DueBy, 0).UTC()
		}
	}
	return withdrawn(state, dispute)
}

// withdrawn adds up what the dispute moved on the platform's balance: the money
// goes with the first booking and comes back with the second. The currency of a
// fee is that of the balance.
func withdrawn(state payment.Dispute, dispute *stripego.Dispute) (payment.Dispute, error) {
	var moved, fee int64
	currency := dispute.Currency
	for _, booked := range dispute.BalanceTransactions {
		moved, fee, currency = moved+booked.Amount, fee+booked.Fee, booked.Currency
	}
	var err error
	state.Withdrawn = moved < 0
	state.Fee, err = fromUnits(fee, currency)
	return state, err
}

func disputePhase(status stripego.DisputeStatus) payment.DisputePhase {
	switch status {
	case stripego.DisputeStatusWarningNeedsResponse, stripego.DisputeStatusWarningUnderReview:
		return payment.DisputeInquiry
	case stripego.DisputeStatusWarningClosed:
		return payment.DisputeClosed
	case stripego.DisputeStatusUnderReview:
		return payment.DisputeInReview
	case stripego.DisputeStatusWon:
		return payment.DisputeWon
	case stripego.DisputeStatusLost:
		return payment.DisputeLost
	}
	return payment.DisputeOpen
}

// SendEvidence gives a dispute what speaks for the vendors: the files first, each
// with a key of its own, then what names them.
func (g *Gateway) SendEvidence(ctx context.Context, request payment.EvidenceRequest) (payment.Dispute, error) {
	common, err := with(ctx, request.Key)
	if err != nil {
		return payment.Dispute{}, err
	}
	if request.DisputeRef == "" {
		return payment.Dispute{}, fmt.Errorf("%w: evidence needs a dispute", payment.ErrRefused)
	}
	evidence := &stripego.DisputeEvidenceParams{UncategorizedText: optional(cut(request.Text)), AccessActivityLog: optional(cut(request.AccessLog))}
	places, err := placesFor(evidence, request.Files)
	if err != nil {
		return payment.Dispute{}, err
	}
	for i, file := range request.Files {
		ref, err := g.upload(ctx, fmt.Sprintf("%s-file-%d", request.Key, i), file)
		if err != nil {
			return payment.Dispute{}, err
		}
		*places[i] = &ref
	}
	dispute, err := g.api.Disputes.Update(request.DisputeRef, &stripego.DisputeParams{Params: common, Evidence: evidence, Submit: &request.Submit, Expand: expand("payment_intent")})
	if err != nil {
		return payment.Dispute{}, changing("send the evidence", err)
	}
	return g.disputeState(dispute)
}

// placesFor gives each file its field of the evidence: the first of a kind in the
// kind's own, one more as what has no kind.
func placesFor(evidence *stripego.DisputeEvidenceParams, files []payment.EvidenceFile) ([]**string, error) {
	own := map[string]**string{"receipt": &evidence.Receipt, "communication": &evidence.CustomerCommunication}
	rest := []**string{&evidence.UncategorizedFile, &evidence.ServiceDocumentation}
	var places []**string
	size := 0
	for _, file := range files {
		size += len(file.Content)
		switch file.ContentType {
		case "application/pdf", "image/png", "image/jpeg":
		default:
			return nil, fmt.Errorf("%w: %s is no PDF, PNG or JPEG, and Stripe takes nothing else as evidence", payment.ErrRefused, clip(file.Name, 60))
		}
		if place, free := own[file.Kind]; free {
			places = append(places, place)
			delete(own, file.Kind)
			continue
		}
		if len(rest) == 0 {
			return nil, fmt.Errorf("%w: Stripe takes no more than one file of a kind and two others; put them together", payment.ErrRefused)
		}
		places, rest = append(places, rest[0]), rest[1:]
	}
	if size > mostEvidence {
		return nil, fmt.Errorf("%w: the files come to %d kB and Stripe takes %d", payment.ErrRefused, size>>10, mostEvidence>>10)
	}
	return places, nil
}

func (g *Gateway) upload(ctx context.Context, key string, file payment.EvidenceFile) (string, error) {
	name := file.Name
	if name == "" {
		name = "evidence"
	}
	kept, err := g.api.Files.New(&stripego.FileParams{Params: stripego.Params{Context: ctx, IdempotencyKey: &key}, Purpose: stripego.String(string(stripego.FilePurposeDisputeEvidence)),
		FileReader: bytes.NewReader(file.Content), Filename: stripego.String(clip(name, 100))})
	if err != nil {
		return "", changing("send a file of the evidence", err)
	}
	return kept.ID, nil
}

// cut shortens a text to what a field takes, and says so at its end.
func cut(text string) string {
	runes, mark := []rune(text), []rune(cutMark)
	if len(runes) <= mostText {
		return text
	}
	return string(runes[:mostText-len(mark)]) + cutMark
}
