// Package notify takes one delivery to one vendor: a signed webhook, a mail to its
// staff, or a payment for its books. What it does is at least once: a receiver tells a repetition by
// the webhook-id, a mail by its Message-ID.
package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/mail"
	"github.com/sheaf-hub/sheaf/hub/mail/letter"
	"github.com/sheaf-hub/sheaf/hub/notify/outbound"
	"github.com/sheaf-hub/sheaf/hub/notify/standardwebhooks"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// Letters renders mails to a vendor's staff; letter.Renderer is one.
type Letters interface {
	VendorEvent(letter.VendorEvent) (letter.Rendered, error)
}

// Service is the room's entrance.
type Service struct {
	DB        *store.DB
	Outbox    *outbox.Service
	Party     *party.Service
	Billing   *billing.Service
	Client    *outbound.Client
	Sender    mail.Sender
	Letters   Letters
	From      mail.Address
	PublicURL string
	Footer    letter.Footer
	Jitter    rand.Source // of retries; safe for concurrent use
	Books     Books
	// NotBooked is told of a payment that the hub could not write into the vendor's
	// books and tries no more; nil: nobody is.
	NotBooked func(ctx context.Context, event outbox.Event, why string) error
	Now       func() time.Time
}

// Deliver makes one attempt at a delivery and records it. A ref that has moved
// on is nothing. Only a database that cannot be reached is an error: the claim
// then runs out and the delivery is due again.
func (s *Service) Deliver(ctx context.Context, ref store.JobRef) error {
	parcel, ok, err := s.Outbox.Claim(ctx, ref)
	if err != nil || !ok {
		return err
	}
	started := s.Now()
	outcome := s.attempt(ctx, parcel)
	outcome.Took, outcome.Answer = s.Now().Sub(started), loggable(outcome.Answer)
	// a stopping worker records what happened all the same
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
	defer cancel()
	if err := s.Outbox.Record(ctx, parcel.Delivery, outcome); err != nil {
		return err
	}
	switch kind := parcel.Delivery.Kind; {
	case outcome.State == outbox.Done && (kind == outbox.Webhook || kind == outbox.Books):
		return s.acknowledge(ctx, parcel.Event)
	case outcome.State == outbox.Dead && kind == outbox.Books:
		return s.notBooked(ctx, parcel, outcome.Answer)
	}
	return nil
}

func (s *Service) attempt(ctx context.Context, parcel outbox.Parcel) outbox.Outcome {
	switch parcel.Delivery.Kind {
	case outbox.Webhook:
		return s.webhook(ctx, parcel)
	case outbox.Mail:
		return s.mail(ctx, parcel)
	case outbox.Books:
		return s.books(ctx, parcel)
	}
	return outbox.Outcome{State: outbox.Dead, Answer: "This hub does not know how to deliver to " + parcel.Delivery.Kind + "."}
}

// retry is the next attempt of the Standard Webhooks schedule, or the end of it.
func (s *Service) retry(delivery outbox.Delivery, outcome outbox.Outcome, atLeast time.Duration) outbox.Outcome {
	wait, again := standardwebhooks.Wait(delivery.Attempts, s.Jitter)
	if !again {
		outcome.State = outbox.Dead
		return outcome
	}
	outcome.State, outcome.Next = outbox.Pending, s.Now().Add(max(wait, atLeast))
	return outcome
}

// acknowledge: a vendor that took the news of a share has had the chance to
// book it; see billing.Reflected for what follows from that.
func (s *Service) acknowledge(ctx context.Context, event outbox.Event) error {
	if event.Type != outbox.PaymentSettled && event.Type != outbox.CreditApplied {
		return nil
	}
	var data struct {
		Reference string `json:"reference"`
	}
	if err := json.Unmarshal([]byte(event.Data), &data); err != nil {
		return fmt.Errorf("decode event %s: %w", event.ID, err)
	}
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		return s.Billing.AcknowledgeTx(ctx, tx, event.VendorID, data.Reference)
	})
}

// SendMail makes one attempt at a single mail: a sign-in link, an answer, a receipt.
func (s *Service) SendMail(ctx context.Context, ref store.JobRef) error {
	row, message, ok, err := s.Outbox.ClaimMail(ctx, ref)
	if err != nil || !ok {
		return err
	}
	if !row.ExpiresAt.IsZero() && !s.Now().Before(row.ExpiresAt) {
		return s.Outbox.RecordMail(ctx, row, outbox.Dead, "It is worth nothing any more: it expired before a mail server took it.", time.Time{})
	}
	failure := s.Sender.Send(ctx, message)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
	defer cancel()
	switch {
	case failure == nil:
		return s.Outbox.RecordMail(ctx, row, outbox.Done, "", time.Time{})
	case errors.Is(failure, mail.ErrRejected):
		return s.Outbox.RecordMail(ctx, row, outbox.Dead, loggable(failure.Error()), time.Time{})
	}
	// unknown is tried again: a second copy of such a mail does no harm, a missing one does
	wait, again := standardwebhooks.Wait(row.Attempts, s.Jitter)
	if !again {
		return s.Outbox.RecordMail(ctx, row, outbox.Dead, loggable(failure.Error()), time.Time{})
	}
	return s.Outbox.RecordMail(ctx, row, outbox.Pending, loggable(failure.Error()), s.Now().Add(wait))
}

// Jitter is a source of randomness that many goroutines may share.
type Jitter struct{}

// Uint64 implements rand.Source.
func (Jitter) Uint64() uint64 { return rand.Uint64() }
