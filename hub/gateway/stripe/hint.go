package stripe

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	stripego "github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/webhook"

	"github.com/sheaf-hub/sheaf/hub/payment"
)

// tolerance is how far the time of a signature may be from ours.
const tolerance = webhook.DefaultTolerance

// Parse believes a message of Stripe's when one of the webhook secrets signed it
// lately, and says what it speaks of. signature is the header Stripe-Signature.
// Its errors wrap a payment.HintRefusal; nothing may be changed by such a message.
func (g *Gateway) Parse(body []byte, signature string) (payment.Hint, error) {
	return g.parse(body, signature, g.config.Now())
}

func (g *Gateway) parse(body []byte, signature string, now time.Time) (payment.Hint, error) {
	if err := g.verify(body, signature, now); err != nil {
		return payment.Hint{}, err
	}
	var event signedEvent
	if err := json.Unmarshal(body, &event); err != nil || event.Object != "event" || event.ID == "" || event.Type == "" || event.Data == nil {
		return payment.Hint{}, fmt.Errorf("%w: it is signed, but is no event", payment.HintUnreadable)
	}
	if event.APIVersion != APIVersion {
		return payment.Hint{}, fmt.Errorf("%w: the event is of %q and the hub speaks %s: make the webhook endpoint again with that version", payment.HintVersion,
			clip(event.APIVersion, 30), APIVersion)
	}
	hint := payment.Hint{EventID: event.ID, Type: event.Type, AccountRef: event.Account, At: time.Unix(event.Created, 0).UTC()}
	if event.Livemode != g.live {
		if g.live && event.Account != "" {
			return hint, nil // Stripe sends connected accounts' test events to live endpoints too: there is nothing to do
		}
		return payment.Hint{}, fmt.Errorf("%w: live: the event %t, the key %t", payment.HintMode, event.Livemode, g.live)
	}
	event.Data.Object.point(&hint)
	return hint, nil
}

// verify holds a message against each secret.
func (g *Gateway) verify(body []byte, signature string, now time.Time) error {
	if signature == "" || len(body) == 0 {
		return fmt.Errorf("%w: it has no signature, or no content", payment.HintUnsigned)
	}
	signed := false
	for _, secret := range g.config.WebhookSecrets {
		err := webhook.ValidatePayloadIgnoringTolerance(body, signature, secret)
		if errors.Is(err, webhook.ErrInvalidHeader) || errors.Is(err, webhook.ErrNotSigned) {
			return fmt.Errorf("%w: its signature cannot be read", payment.HintUnsigned)
		}
		signed = signed || err == nil
	}
	if !signed {
		return fmt.Errorf("%w: no webhook secret of ours made its signature", payment.HintForged)
	}
	// the library compares with the clock of the machine; time is given here
	if age := now.Sub(signedAt(signature)); age > tolerance || age < -tolerance {
		return fmt.Errorf("%w: it was signed %s ago", payment.HintStale, age.Round(time.Second))
	}
	return nil
}

// signedAt reads the time of a header that was found good. Of several times, the
// last one is what was signed.
func signedAt(signature string) time.Time {
	var at time.Time
	for _, part := range strings.Split(signature, ",") {
		if text, ok := strings.CutPrefix(part, "t="); ok {
			if seconds, err := strconv.ParseInt(text, 10, 64); err == nil {
				at = time.Unix(seconds, 0)
			}
		}
	}
	return at
}

// signedEvent is an event as it comes, read once: stripe-go's own type reads its
// object three times, and nothing of it is used but ids.
type signedEvent struct {
	ID         string `json:"id"`
	Object     string `json:"object"`
	Type       string `json:"type"`
	Account    string `json:"account"`
	APIVersion string `json:"api_version"`
	Created    int64  `json:"created"`
	Livemode   bool   `json:"livemode"`
	Data       *struct {
		Object eventObject `json:"object"`
	} `json:"data"`
}

// eventObject is what a hint is read from, of any object: ids alone.
type eventObject struct {
	ID                string            `json:"id"`
	Object            string            `json:"object"`
	Mode              string            `json:"mode"`           // of a session
	PaymentStatus     string            `json:"payment_status"` // of a session
	ClientReferenceID string            `json:"client_reference_id"`
	Metadata          map[string]string `json:"metadata"`
	PaymentIntent     reference         `json:"payment_intent"`
	Charge            reference         `json:"charge"`  // of a refund
	Account           reference         `json:"account"` // of a capability
}

// reference is an id, or the object that stands in its place.
type reference string

// UnmarshalJSON implements json.Unmarshaler.
func (r *reference) UnmarshalJSON(raw []byte) error {
	var id string
	if json.Unmarshal(raw, &id) == nil {
		*r = reference(id)
		return nil
	}
	var object struct {
		ID string `json:"id"`
	}
	err := json.Unmarshal(raw, &object)
	*r = reference(object.ID)
	return err
}

// point says what the event speaks of. What happens on a vendor's own account is
// the vendor's, but for the state of the account and its payouts.
func (o eventObject) point(hint *payment.Hint) {
	family, _, _ := strings.Cut(hint.Type, ".")
	if hint.AccountRef != "" {
		switch {
		case family == "account" || family == "capability":
			hint.Subject, hint.Ref = payment.SubjectAccount, hint.AccountRef
		case o.Object == "payout":
			hint.Subject, hint.Ref = payment.SubjectPayout, o.ID
		}
		return
	}
	switch o.Object {
	case "checkout.session":
		o.pointSession(hint)
	case "payment_intent":
		hint.Subject, hint.Ref, hint.PaymentID = payment.SubjectPayment, o.ID, o.Metadata[metaPayment]
	case "charge", "refund":
		if o.PaymentIntent != "" {
			hint.Subject, hint.Ref, hint.PaymentID, hint.RefundID = payment.SubjectPayment, string(o.PaymentIntent), o.Metadata[metaPayment], o.Metadata[metaRefund]
			if hint.SourceRef = string(o.Charge); o.Object == "charge" {
				hint.SourceRef = o.ID
			}
		}
	case "dispute":
		hint.Subject, hint.Ref = payment.SubjectDispute, o.ID
	case "transfer":
		hint.Subject, hint.Ref, hint.TransferID = payment.SubjectTransfer, o.ID, o.Metadata[metaTransfer]
	}
}

func (o eventObject) pointSession(hint *payment.Hint) {
	switch o.Mode {
	case string(stripego.CheckoutSessionModePayment):
		hint.Subject, hint.Ref, hint.PaymentID = payment.SubjectPayment, o.ID, o.Metadata[metaPayment]
		if hint.PaymentID == "" {
			hint.PaymentID = o.ClientReferenceID
		}
		hint.Paid = o.PaymentStatus == string(stripego.CheckoutSessionPaymentStatusPaid)
	case string(stripego.CheckoutSessionModeSetup):
		hint.Subject, hint.Ref = payment.SubjectSetup, o.ID
	}
}
