// Package hooks takes the messages that other companies' computers send to the
// hub: of the payment gateway, that something happened there.
package hooks

import (
	"context"
	"errors"
	"log/slog"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/payment"
)

// MaxMessage bounds one message (bytes); Stripe's largest events have some tens
// of kilobytes.
const MaxMessage = 1 << 20

// Results that are counted beside the words of payment.HintRefusal.
const (
	Handled  = "handled"
	Failed   = "failed" // believed, but not stored: the gateway sends it again
	TooLarge = "too large"
)

// Results lists every result that is counted.
func Results() []string {
	results := []string{Handled, Failed, TooLarge}
	for _, refusal := range []payment.HintRefusal{payment.HintUnsigned, payment.HintForged, payment.HintStale, payment.HintVersion, payment.HintMode, payment.HintUnreadable} {
		results = append(results, string(refusal))
	}
	return results
}

// Handlers answer them. Without Parse there is no gateway that sends any.
type Handlers struct {
	// Parse believes a message by its signature, and says what it speaks of; its
	// errors wrap a payment.HintRefusal.
	Parse func(body []byte, signature string) (payment.Hint, error)
	// Notify stores what was believed and brings the hub up to date.
	Notify func(ctx context.Context, hint payment.Hint) error
	// Counted is told of each message's result, for metrics and alerts.
	Counted func(result string)
	Log     *slog.Logger
}

// Stripe takes one event of Stripe's. POST /webhooks/stripe for whoever can sign
// it. 200: stored; 400: not believed, nothing changed; anything else: Stripe is
// to send it again.
func (h *Handlers) Stripe(c *fiber.Ctx) error {
	if h == nil || h.Parse == nil {
		return fiber.ErrNotFound
	}
	body := c.BodyRaw()
	if len(body) > MaxMessage {
		h.Counted(TooLarge)
		return fault.New(fault.TooLarge, "A message has at most %d bytes.", MaxMessage)
	}
	hint, err := h.Parse(body, strings.Clone(c.Get("Stripe-Signature")))
	if err != nil {
		return h.refuse(err)
	}
	if err := h.Notify(c.UserContext(), hint); err != nil {
		h.Counted(Failed)
		h.Log.Error("a message of the gateway could not be handled", "event", hint.EventID, "type", hint.Type, "error", err)
		return fault.Wrap(fault.Internal, err, "This could not be stored. Send it again.")
	}
	h.Counted(Handled)
	return c.SendString("ok\n")
}

// refuse counts why a message is not believed. Only who signed it rightly is told
// more than that: it is Stripe then, and the operator reads the answer there.
func (h *Handlers) refuse(err error) error {
	refusal := payment.HintUnreadable
	errors.As(err, &refusal)
	h.Counted(string(refusal))
	switch refusal {
	case payment.HintVersion, payment.HintMode, payment.HintUnreadable:
		h.Log.Error("a message of the gateway is not taken: its webhook endpoint must be set right", "why", refusal, "error", err)
		return fault.Wrap(fault.Malformed, err, "%s", err.Error())
	}
	h.Log.Warn("a message that is not the gateway's", "why", refusal, "error", err)
	return fault.Wrap(fault.Malformed, err, "The signature is missing, wrong or too old.")
}
