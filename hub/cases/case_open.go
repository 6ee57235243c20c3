package cases

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// draft is a case before it is stored, as its kind's rules made it.
type draft struct {
	reason     string
	amount     int64
	promisedOn money.Date
	details    Details
	text       string // the first message
	file       *billing.DocumentRecord
	held       bool       // stops the chasing
	heldUntil  money.Date // the first day on which it holds no more; empty: until resolved
	history    string
}

// open locks the invoice, lets the kind's rules judge it as it is now, and
// stores what they made, all in one transaction.
func (s *Service) open(ctx context.Context, by Author, kind Kind, invoiceID string, judge func(billing.Item) (draft, error)) (Case, error) {
	if err := by.check(); err != nil {
		return Case{}, err
	}
	if !store.ValidID(invoiceID) {
		return Case{}, noInvoice()
	}
	var opened Case
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		item, err := s.lockSeen(ctx, tx, by.Viewer, invoiceID)
		if err != nil {
			return err
		}
		d, err := judge(item)
		if err != nil {
			return err
		}
		opened, err = s.openTx(ctx, tx, by, kind, item, d)
		return err
	})
	if store.Violates(err, "cases_one_open_key") {
		return Case{}, fault.Wrap(fault.Conflict, err, "There is an open %s for this invoice already. Write on that one, or withdraw it first.", kind.Words())
	}
	return opened, err
}

func noInvoice() error {
	return fault.New(fault.NotFound, "There is no such invoice, or it is not yours to see.")
}

// lockSeen reads an invoice that the viewer sees and locks it, so that what is
// judged is what is stored. Everything here locks the invoice before the case.
func (s *Service) lockSeen(ctx context.Context, tx bun.IDB, viewer billing.Viewer, invoiceID string) (billing.Item, error) {
	items, err := s.Billing.ItemsTx(ctx, tx, viewer, []string{invoiceID})
	if err != nil {
		return billing.Item{}, err
	}
	if len(items) == 0 {
		return billing.Item{}, noInvoice()
	}
	locked, _, err := s.Billing.LockTx(ctx, tx, []string{invoiceID}, nil)
	if err != nil {
		return billing.Item{}, err
	}
	items[0].Invoice = locked[invoiceID]
	return items[0], nil
}

func (s *Service) openTx(ctx context.Context, tx bun.IDB, by Author, kind Kind, item billing.Item, d draft) (Case, error) {
	n, err := countCases(ctx, tx, item.ID)
	if err != nil {
		return Case{}, err
	}
	if n >= MostCases {
		return Case{}, fault.New(fault.Limited, "There are %d cases about this invoice already. Go on with one of them, or call the vendor.", n)
	}
	now := s.now()
	opened := Case{ID: store.NewID(), CustomerID: item.CustomerID, VendorID: item.VendorID, AccountID: item.AccountID, InvoiceID: item.ID,
		ContactID: by.Contact.ID, Kind: kind, Status: Open, Reason: d.reason, Amount: d.amount, Currency: item.Currency,
		PromisedOn: d.promisedOn, Details: d.details, CreatedAt: now, UpdatedAt: now}
	if err := insertCase(ctx, tx, opened); err != nil {
		return Case{}, err
	}
	message, err := s.sayTx(ctx, tx, by, opened, d.text, d.file, item.Invoice)
	if err != nil {
		return Case{}, err
	}
	if d.held {
		if err := s.Billing.HoldTx(ctx, tx, item.Invoice, billing.HoldKind(kind), opened.ID, d.amount, d.heldUntil); err != nil {
			return Case{}, err
		}
	}
	if err := s.Billing.NoteTx(ctx, tx, billing.Note{Invoice: item.Invoice, Kind: "case", Text: d.history}); err != nil {
		return Case{}, err
	}
	return opened, s.record(ctx, tx, by.Actor, "case.opened", outbox.CaseOpened, opened.ID, nil, itemOf(opened, item), &message)
}

// record tells the vendor and writes the audit log. An empty event type tells
// nobody: the vendor did it itself.
func (s *Service) record(ctx context.Context, tx bun.IDB, actor access.Actor, action, event, subject string, before *Case, after Item, message *Message) error {
	if event != "" {
		view := after.View()
		if message != nil {
			view.Messages = []MessageView{message.view()}
		}
		fact, err := outbox.NewEvent(after.VendorID, after.CustomerID, event, subject, view, s.Now())
		if err != nil {
			return err
		}
		if err := s.Outbox.AppendTx(ctx, tx, fact); err != nil {
			return err
		}
	}
	change := access.Change{Action: action, SubjectKind: "case", SubjectID: after.ID, VendorID: after.VendorID, CustomerID: after.CustomerID,
		After: audited(after.Case)}
	if before != nil {
		change.Before = audited(*before)
	}
	return s.Access.AuditTx(ctx, tx, actor, change)
}

// auditedCase is what the audit log keeps of a case.
type auditedCase struct {
	Kind       Kind       `json:"kind"`
	Status     Status     `json:"status"`
	Reason     string     `json:"reason,omitempty"`
	Amount     int64      `json:"amount,omitempty"` // minor units
	PromisedOn money.Date `json:"promised_on,omitempty"`
	Resolution string     `json:"resolution,omitempty"`
	Note       string     `json:"resolution_note,omitempty"`
}

func audited(c Case) auditedCase {
	return auditedCase{Kind: c.Kind, Status: c.Status, Reason: c.Reason, Amount: c.Amount, PromisedOn: c.PromisedOn,
		Resolution: c.Resolution, Note: c.ResolutionNote}
}
