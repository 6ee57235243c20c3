package cases

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/mail"
	"github.com/sheaf-hub/sheaf/hub/mail/letter"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// Outcomes are the ways in which a case of a kind can end, with the words that
// the customer reads.
func Outcomes(kind Kind) []Choice {
	switch kind {
	case Question:
		return []Choice{{"answered", "answered"}}
	case Disputed:
		return []Choice{{"accepted", "accepted: a credit or a corrected invoice will follow"},
			{"partly_accepted", "accepted in part: a credit or a corrected invoice will follow for that part"},
			{"declined", "declined: the invoice stands"}}
	case Promised:
		return []Choice{{"kept", "kept, thank you"}, {"broken", "the day passed without payment"}, {"noted", "noted, thank you"}}
	case Planned:
		return []Choice{{"agreed", "agreed: pay each instalment on its day"}, {"declined", "declined: the invoice is due as it says"}}
	case Notice:
		return []Choice{{"received", "received, thank you"}, {"not_received", "not received: please look into it"}}
	}
	return nil
}

// OutcomeWords are the outcome for people, empty while there is none.
func (c Case) OutcomeWords() string {
	words, _ := wordsOf(Outcomes(c.Kind), c.Resolution)
	return words
}

// Resolution is how the vendor ends a case. Outcome is a key of
// Outcomes(kind); Note goes to the customer, and what is declined needs one.
type Resolution struct{ Outcome, Note string }

// Answer adds the vendor's words to a case and mails them to who opened it.
// fault.NotFound for a case of another vendor, fault.Conflict when it is over.
func (s *Service) Answer(ctx context.Context, actor access.Actor, vendorID, caseID, text string) (Message, error) {
	text, err := written("text", text, true)
	if err != nil {
		return Message{}, err
	}
	var message Message
	err = s.changeByVendor(ctx, actor, vendorID, caseID, func(ctx context.Context, tx bun.IDB, before Case, invoice billing.Invoice, vendor party.Vendor) error {
		side, name := speaker(actor, vendor)
		if message, err = s.addMessage(ctx, tx, before, side, actor.ID, name, text); err != nil {
			return err
		}
		after := before
		after.Status, after.UpdatedAt = Answered, s.now()
		if after.AnsweredAt.IsZero() {
			after.AnsweredAt = s.now()
		}
		if err := updateCase(ctx, tx, after); err != nil {
			return err
		}
		if err := s.record(ctx, tx, actor, "case.answered", "", after.ID, &before, Item{Case: after}, nil); err != nil {
			return err
		}
		return s.mailCustomer(ctx, tx, after, invoice, vendor, letter.CaseUpdate{Message: text, Author: signed(name, vendor)})
	})
	return message, err
}

// Resolve ends a case with an outcome: its hold is lifted, the customer is
// mailed and the vendor's systems are told. Two outcomes keep the invoice from
// being chased: a promise that is noted holds until its day is over, an agreed
// plan for as long as its instalments come. fault.Conflict when it is over.
func (s *Service) Resolve(ctx context.Context, actor access.Actor, vendorID, caseID string, resolution Resolution) (Case, error) {
	note, err := written("note", resolution.Note, false)
	if err != nil {
		return Case{}, err
	}
	var after Case
	err = s.changeByVendor(ctx, actor, vendorID, caseID, func(ctx context.Context, tx bun.IDB, before Case, invoice billing.Invoice, vendor party.Vendor) error {
		words, known := wordsOf(Outcomes(before.Kind), resolution.Outcome)
		if !known {
			return fault.At("outcome", "A %s cannot end as %q. Choose one of: %s.", before.Kind.Words(), party.PlainText(resolution.Outcome, 40), keysOf(Outcomes(before.Kind)))
		}
		if resolution.Outcome == "declined" && note == "" {
			return fault.At("note", "Say why, so that the customer knows what to do.")
		}
		after = s.resolved(before, resolution.Outcome, note)
		if after.AnsweredAt.IsZero() {
			after.AnsweredAt = after.ResolvedAt
		}
		if err := s.closeTx(ctx, tx, after, invoice, "The vendor closed the "+before.Kind.Words()+": "+words+"."); err != nil {
			return err
		}
		if err := s.holdOn(ctx, tx, after, invoice); err != nil {
			return err
		}
		item, err := itemTx(ctx, tx, after.ID)
		if err != nil {
			return err
		}
		if err := s.record(ctx, tx, actor, "case.resolved", outbox.CaseResolved, after.ID, &before, item, nil); err != nil {
			return err
		}
		_, name := speaker(actor, vendor)
		return s.mailCustomer(ctx, tx, after, invoice, vendor, letter.CaseUpdate{Resolved: true, Outcome: words, Message: note, Author: signed(name, vendor)})
	})
	return after, err
}

func (s *Service) resolved(before Case, outcome, note string) Case {
	after := before
	after.Status, after.Resolution, after.ResolutionNote = Resolved, outcome, note
	after.UpdatedAt, after.ResolvedAt = s.now(), s.now()
	return after
}

// holdOn keeps what was agreed from being chased before its day is over.
func (s *Service) holdOn(ctx context.Context, tx bun.IDB, after Case, invoice billing.Invoice) error {
	until := after.PromisedOn.AddDays(1)
	switch {
	case after.Resolution == "agreed" && len(after.Details.Instalments) > 0:
		until = after.Details.Instalments[0].holdUntil()
	case after.Resolution != "noted":
		return nil
	}
	return s.Billing.HoldTx(ctx, tx, invoice, billing.HoldKind(after.Kind), after.ID, after.Amount, until)
}

func keysOf(list []Choice) string {
	keys := ""
	for i, choice := range list {
		if i > 0 {
			keys += ", "
		}
		keys += choice.Key
	}
	return keys
}

// signed leaves the author out where it would only repeat the vendor's name.
func signed(name string, vendor party.Vendor) string {
	if name == vendor.Name {
		return ""
	}
	return name
}

func (s *Service) changeByVendor(ctx context.Context, actor access.Actor, vendorID, caseID string,
	change func(context.Context, bun.IDB, Case, billing.Invoice, party.Vendor) error) error {
	if !mayAnswer(actor, vendorID) || !store.ValidID(vendorID) || !store.ValidID(caseID) {
		return noCase()
	}
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		seen, found, err := vendorCase(ctx, tx, vendorID, caseID)
		if err != nil {
			return err
		}
		if !found {
			return noCase()
		}
		invoices, _, err := s.Billing.LockTx(ctx, tx, []string{seen.InvoiceID}, nil)
		if err != nil {
			return err
		}
		before, err := s.lockAlive(ctx, tx, caseID)
		if err != nil {
			return err
		}
		vendors, err := s.Party.Vendors(ctx, tx, []string{vendorID})
		if err != nil {
			return err
		}
		return change(ctx, tx, before, invoices[before.InvoiceID], vendors[vendorID])
	})
}

// mailCustomer commits the mail to who opened the case, unless that mailbox
// cannot be reached or no longer sees the invoice.
func (s *Service) mailCustomer(ctx context.Context, tx bun.IDB, about Case, invoice billing.Invoice, vendor party.Vendor, update letter.CaseUpdate) error {
	contact, err := s.Party.ContactTx(ctx, tx, about.ContactID)
	if err != nil {
		return err
	}
	if !contact.BouncedAt.IsZero() {
		return nil
	}
	if err := s.Party.Sees(ctx, tx, contact.CustomerID, about.AccountID); fault.Is(err, fault.NotFound) {
		return nil
	} else if err != nil {
		return err
	}
	update.Today, update.ContactName, update.Vendor = money.DateOf(s.Now(), contact.Zone()), contact.Name, vendor.Name
	update.Kind, update.Invoice, update.Footer = string(about.Kind), invoice.Number, s.Footer
	update.URL = s.PublicURL + "/me/invoices/" + invoice.ID + "#" + about.ID
	rendered, err := s.Letters.CaseUpdate(update)
	if err != nil {
		return fmt.Errorf("render the answer: %w", err)
	}
	return s.Outbox.AppendMailTx(ctx, tx, "case", mail.Message{From: s.From, To: mail.Address{Name: contact.Name, Email: contact.Email},
		Subject: rendered.Subject, Text: rendered.Text, HTML: rendered.HTML, AutoReply: true}, time.Time{})
}
