package reminder

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/mail"
	"github.com/sheaf-hub/sheaf/hub/mail/letter"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// deferrals is how long to wait when the mail server says "later"; the last repeats.
var deferrals = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour}

// Send makes one attempt at a digest: claim, look at every line again, render,
// hand it to the mail server, record. A ref that has moved on is nothing.
func (s *Service) Send(ctx context.Context, ref store.JobRef) error {
	digest, err := readDigest(ctx, s.DB, ref.ID)
	if err != nil || digest.Attempts != ref.Attempt {
		return err
	}
	if digest.State == Sending {
		return s.recover(ctx, digest)
	}
	ok, err := s.DB.Claim(ctx, Digests, ref, s.Now(), Lease, false)
	if err != nil || !ok {
		return err
	}
	digest.Attempts++
	contact, err := s.Party.Contact(ctx, digest.ContactID)
	if err != nil {
		return err
	}
	if why := unreachable(contact); why != "" {
		return s.record(ctx, digest, Skipped, why, time.Time{})
	}
	bundle, err := s.gather(ctx, contact)
	if err != nil {
		return err
	}
	if len(bundle.lines) == 0 {
		return s.record(ctx, digest, Skipped, "Nothing is open any more.", time.Time{})
	}
	return s.deliver(ctx, digest, contact, bundle)
}

func unreachable(contact party.Contact) string {
	switch {
	case !contact.UnsubscribedAt.IsZero():
		return "The contact has unsubscribed."
	case !contact.BouncedAt.IsZero():
		return "Mail to the contact comes back: " + contact.BounceReason
	}
	return ""
}

// recover settles a claim that ran out. Before SMTP began nothing can have
// left; after, nobody knows.
func (s *Service) recover(ctx context.Context, digest Digest) error {
	if s.Now().Before(digest.ClaimedUntil) {
		return nil
	}
	if digest.MessageID == "" {
		return s.record(ctx, digest, Pending, "The worker stopped before sending.", s.Now())
	}
	return s.record(ctx, digest, Unknown, "The worker stopped while sending: the mail server may have taken it.", time.Time{})
}

// deliver stores what the digest lists and its link, then sends. The row says
// that SMTP begins before it does.
func (s *Service) deliver(ctx context.Context, digest Digest, contact party.Contact, bundle bundle) error {
	token, err := s.begin(ctx, digest, contact, bundle)
	if err != nil {
		return err
	}
	rendered, err := s.Letters.Digest(s.letter(contact, bundle, s.PublicURL+"/d/"+token))
	if err != nil {
		return s.record(ctx, digest, Failed, "The mail cannot be written: "+err.Error(), time.Time{})
	}
	digest.MessageID = digest.ID + "@" + domainOf(s.From.Email)
	if err := startSMTP(ctx, s.DB, digest, rendered.Subject, len(bundle.lines), s.Now()); err != nil {
		return err
	}
	failure := s.Sender.Send(ctx, s.message(digest, contact, rendered))
	return s.conclude(ctx, digest, contact, bundle, failure)
}

func (s *Service) begin(ctx context.Context, digest Digest, contact party.Contact, bundle bundle) (string, error) {
	var token string
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := replaceLines(ctx, tx, digest.ID, bundle.lines); err != nil {
			return err
		}
		var err error
		token, err = s.Access.NewDigestLinkTx(ctx, tx, digest.ID, contact.ID)
		return err
	})
	return token, err
}

func (s *Service) message(digest Digest, contact party.Contact, rendered letter.Rendered) mail.Message {
	return mail.Message{MessageID: digest.MessageID, From: s.From, To: mail.Address{Name: contact.Name, Email: contact.Email},
		Subject: rendered.Subject, Text: rendered.Text, HTML: rendered.HTML, Date: s.Now().UTC(), ListID: s.ListID,
		Unsubscribe: s.unsubscribeURL(contact), AutoReply: true}
}

func (s *Service) unsubscribeURL(contact party.Contact) string {
	return s.PublicURL + "/u/" + s.Access.UnsubscribeToken(contact.ID)
}

// conclude records how the sending ended. The context of a stopping worker may
// be over by now; what happened is recorded all the same.
func (s *Service) conclude(ctx context.Context, digest Digest, contact party.Contact, bundle bundle, failure error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
	defer cancel()
	switch {
	case failure == nil:
		if err := s.succeeded(ctx, digest, bundle); err != nil || s.Told == nil {
			return err
		}
		return s.Told(ctx, bundle.asked())
	case errors.Is(failure, mail.ErrRejected):
		return s.bounced(ctx, digest, contact, bundle, failure)
	case errors.Is(failure, mail.ErrDeferred) && digest.Attempts < MostAttempts:
		wait := deferrals[min(digest.Attempts-1, len(deferrals)-1)]
		return s.record(ctx, digest, Pending, failure.Error(), s.Now().Add(wait))
	case errors.Is(failure, mail.ErrDeferred):
		return s.record(ctx, digest, Failed, failure.Error(), time.Time{})
	default:
		return s.record(ctx, digest, Unknown, failure.Error(), time.Time{})
	}
}

func (s *Service) succeeded(ctx context.Context, digest Digest, bundle bundle) error {
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		held, err := finishDigest(ctx, tx, digest, Done, "", time.Time{}, s.Now().UTC())
		if err != nil || !held {
			return err
		}
		notes := make([]billing.Note, 0, len(bundle.lines))
		for _, line := range bundle.lines {
			if line.asked {
				notes = append(notes, billing.Note{Invoice: line.item.Invoice, Kind: "reminded", Text: "Listed in a reminder by mail."})
			}
		}
		return s.Billing.NoteTx(ctx, tx, notes...)
	})
}

// bounced remembers that the mailbox cannot be reached and tells every vendor
// that was to be bundled.
func (s *Service) bounced(ctx context.Context, digest Digest, contact party.Contact, bundle bundle, failure error) error {
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		held, err := finishDigest(ctx, tx, digest, Failed, party.PlainText(failure.Error(), 500), time.Time{}, s.Now().UTC())
		if err != nil || !held {
			return err
		}
		if err := s.Party.RecordBounceTx(ctx, tx, contact.ID, failure.Error()); err != nil {
			return err
		}
		events, err := s.bounceEvents(contact, bundle, failure)
		if err != nil {
			return err
		}
		return s.Outbox.AppendTx(ctx, tx, events...)
	})
}

// bounceData is what a vendor hears of a mailbox that it lists.
type bounceData struct {
	Email    string   `json:"email"`
	Reason   string   `json:"reason"`
	Accounts []string `json:"accounts"` // external ids
}

func (s *Service) bounceEvents(contact party.Contact, bundle bundle, failure error) ([]outbox.Event, error) {
	accounts := map[string]map[string]bool{}
	for _, line := range bundle.lines {
		if accounts[line.item.VendorID] == nil {
			accounts[line.item.VendorID] = map[string]bool{}
		}
		accounts[line.item.VendorID][line.item.AccountExternalID] = true
	}
	var events []outbox.Event
	for _, vendorID := range sortedKeys(accounts) {
		data := bounceData{Email: contact.Email, Reason: party.PlainText(failure.Error(), 300), Accounts: sortedKeys(accounts[vendorID])}
		event, err := outbox.NewEvent(vendorID, contact.CustomerID, outbox.AccountContactBounced, "", data, s.Now())
		if err != nil {
			return nil, err
		}
		events = append(events, event)
	}
	return events, nil
}

func (s *Service) record(ctx context.Context, digest Digest, state State, answer string, next time.Time) error {
	if _, err := finishDigest(ctx, s.DB, digest, state, party.PlainText(answer, 500), next, s.Now().UTC()); err != nil {
		return fmt.Errorf("record digest: %w", err)
	}
	return nil
}
