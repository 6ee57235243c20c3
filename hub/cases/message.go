package cases

import (
	"context"
	"strings"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// Reply adds the customer's words, and a file if there is one, to a case that
// is not over. The case waits for the vendor again.
func (s *Service) Reply(ctx context.Context, by Author, caseID, text string, file *billing.DocumentRecord) (Message, error) {
	text, err := written("text", text, true)
	if err != nil {
		return Message{}, err
	}
	var message Message
	err = s.changeByCustomer(ctx, by, caseID, func(ctx context.Context, tx bun.IDB, before Case, item billing.Item) error {
		if message, err = s.sayTx(ctx, tx, by, before, text, file, item.Invoice); err != nil {
			return err
		}
		after := before
		after.Status, after.UpdatedAt = Open, s.now()
		if err := updateCase(ctx, tx, after); err != nil {
			return err
		}
		return s.record(ctx, tx, by.Actor, "case.message", outbox.CaseMessage, message.ID, &before, itemOf(after, item), &message)
	})
	return message, err
}

// Withdraw ends a case that its customer no longer means; its hold is lifted
// and the vendor is told. Only who opened it, or a colleague in the same team, may.
func (s *Service) Withdraw(ctx context.Context, by Author, caseID string) (Case, error) {
	var after Case
	err := s.changeByCustomer(ctx, by, caseID, func(ctx context.Context, tx bun.IDB, before Case, item billing.Item) error {
		opener, err := s.Party.ContactTx(ctx, tx, before.ContactID)
		if err != nil {
			return err
		}
		if opener.CustomerID != by.Contact.CustomerID {
			return fault.New(fault.Forbidden, "Only who opened this %s, or a colleague on the same team, can withdraw it.", before.Kind.Words())
		}
		after = before
		after.Status, after.UpdatedAt, after.ResolvedAt = Withdrawn, s.now(), s.now()
		if err := s.closeTx(ctx, tx, after, item.Invoice, "The customer withdrew the "+before.Kind.Words()+"."); err != nil {
			return err
		}
		return s.record(ctx, tx, by.Actor, "case.withdrawn", outbox.CaseResolved, after.ID, &before, itemOf(after, item), nil)
	})
	return after, err
}

// closeTx stores a case that is over, lifts its holds and notes it.
func (s *Service) closeTx(ctx context.Context, tx bun.IDB, after Case, invoice billing.Invoice, history string) error {
	if err := updateCase(ctx, tx, after); err != nil {
		return err
	}
	if err := s.Billing.LiftCaseHoldsTx(ctx, tx, after.ID); err != nil {
		return err
	}
	return s.Billing.NoteTx(ctx, tx, billing.Note{Invoice: invoice, Kind: "case", Text: history})
}

// changeByCustomer locks the invoice and then the case, and refuses a case that is over.
func (s *Service) changeByCustomer(ctx context.Context, by Author, caseID string, change func(context.Context, bun.IDB, Case, billing.Item) error) error {
	if err := by.check(); err != nil {
		return err
	}
	if !store.ValidID(caseID) {
		return noCase()
	}
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		seen, found, err := seenCase(ctx, tx, by.Viewer, caseID)
		if err != nil {
			return err
		}
		if !found {
			return noCase()
		}
		item, err := s.lockSeen(ctx, tx, by.Viewer, seen.InvoiceID)
		if err != nil {
			return err
		}
		before, err := s.lockAlive(ctx, tx, caseID)
		if err != nil {
			return err
		}
		return change(ctx, tx, before, item)
	})
}

// lockAlive locks a case that the caller may see; fault.Conflict when it is over.
func (s *Service) lockAlive(ctx context.Context, tx bun.IDB, caseID string) (Case, error) {
	locked, err := lockCase(ctx, s.DB, tx, caseID)
	switch {
	case err != nil:
		return locked, err
	case locked.Status == Withdrawn:
		return locked, fault.New(fault.Conflict, "This %s was withdrawn meanwhile.", locked.Kind.Words())
	case locked.Status == Resolved:
		return locked, fault.New(fault.Conflict, "This %s is resolved already: %s. For anything else, ask a new question.", locked.Kind.Words(), locked.OutcomeWords())
	}
	return locked, nil
}

// sayTx adds a customer's message with its file.
func (s *Service) sayTx(ctx context.Context, tx bun.IDB, by Author, about Case, text string, file *billing.DocumentRecord, invoice billing.Invoice) (Message, error) {
	name, err := s.nameFor(ctx, tx, about.AccountID, by.Contact)
	if err != nil {
		return Message{}, err
	}
	message, err := s.addMessage(ctx, tx, about, SideCustomer, by.Contact.ID, name, text)
	if err != nil || file == nil {
		return message, err
	}
	if len(file.Content) == 0 {
		return message, fault.At("file", "The file is empty. Choose it again.")
	}
	n, err := countFiles(ctx, tx, about.ID)
	if err != nil {
		return message, err
	}
	if n >= MostFiles {
		return message, fault.At("file", "There are %d files on this case already. Send this one by mail.", n)
	}
	return message, s.Billing.AttachTx(ctx, tx, invoice, about.ID, *file)
}

// nameFor is a contact's name as the vendor may see it: a vendor that does not
// list the mailbox learns only whose colleague wrote.
func (s *Service) nameFor(ctx context.Context, tx bun.IDB, accountID string, contact party.Contact) (string, error) {
	listed, err := listedNames(ctx, tx, accountID, contact.CustomerID)
	if err != nil {
		return "", err
	}
	for _, entry := range listed {
		if entry.ID == contact.ID {
			return contact.DisplayName(), nil
		}
	}
	if len(listed) == 0 {
		return "A colleague", nil
	}
	return "A colleague of " + listed[0].DisplayName(), nil
}

func (s *Service) addMessage(ctx context.Context, tx bun.IDB, about Case, side, authorID, author, text string) (Message, error) {
	n, err := countMessages(ctx, tx, about.ID)
	if err != nil {
		return Message{}, err
	}
	if n >= MostMessages {
		return Message{}, fault.New(fault.Limited, "There are %d messages on this case already. Ask a new question.", n)
	}
	message := Message{ID: store.NewID(), CustomerID: about.CustomerID, VendorID: about.VendorID, CaseID: about.ID, Side: side,
		AuthorID: authorID, AuthorName: author, Text: text, CreatedAt: s.now()}
	return message, insertMessage(ctx, tx, message)
}

// speaker is how an actor of the vendor's side signs what it writes: keys have
// names for machines, and the operator speaks for the hub.
func speaker(actor access.Actor, vendor party.Vendor) (side, name string) {
	switch actor.Kind {
	case access.KindStaff, access.KindKey:
		if actor.Kind == access.KindKey || strings.Contains(actor.Name, "@") { // a private address, where no name was given
			return SideVendor, vendor.Name
		}
		return SideVendor, party.PlainText(actor.Name, 120)
	default:
		return SideHub, "Sheaf"
	}
}

// mayAnswer lets in the vendor's staff and keys, the operator and the hub.
func mayAnswer(actor access.Actor, vendorID string) bool {
	switch actor.Kind {
	case access.KindOperator, access.KindSystem:
		return true
	case access.KindStaff, access.KindKey:
		return actor.VendorID == vendorID && vendorID != ""
	}
	return false
}
