package cases

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/outbox"
)

// How much one run of ExpirePromises does: so many batches of so many cases.
const (
	expireBatch   = 100
	expireBatches = 20
)

// ExpirePromises resolves the promises whose day is over before today: kept
// when the invoice is paid, broken when something of it is still to pay, noted
// when the vendor cancelled it. One whose payment is on its way waits for it.
// The vendor is told by an event; the customer hears of a broken one in its
// next digest. Then it follows the agreed plans: one whose instalments came
// holds its invoice until the next, one that missed one does not. Run it at
// least once a day. It returns how many cases it judged, and leaves what is
// beyond its bound to the next run.
func (s *Service) ExpirePromises(ctx context.Context, today money.Date) (int, error) {
	promises, err := s.expirePromises(ctx, today)
	if err != nil {
		return promises, err
	}
	plans, err := s.followPlans(ctx, today)
	return promises + plans, err
}

func (s *Service) expirePromises(ctx context.Context, today money.Date) (int, error) {
	total := 0
	for range expireBatches {
		done, read := 0, 0
		err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
			var err error
			done, read, err = s.expireTx(ctx, tx, today)
			return err
		})
		if err != nil {
			return total, err
		}
		total += done
		if done == 0 || read < expireBatch {
			break
		}
	}
	return total, nil
}

func (s *Service) expireTx(ctx context.Context, tx bun.IDB, today money.Date) (done, read int, err error) {
	due, err := duePromises(ctx, tx, today, expireBatch)
	if err != nil || len(due) == 0 {
		return 0, 0, err
	}
	ids := make([]string, len(due))
	for i, item := range due {
		ids[i] = item.InvoiceID
	}
	invoices, _, err := s.Billing.LockTx(ctx, tx, ids, nil)
	if err != nil {
		return 0, 0, err
	}
	for _, item := range due {
		expired, err := s.expireOne(ctx, tx, item, invoices[item.InvoiceID])
		if err != nil {
			return 0, 0, err
		}
		if expired {
			done++
		}
	}
	return done, len(due), nil
}

// expireOne judges by the locked rows: between reading and locking, the vendor
// may have resolved it, or a payment begun.
func (s *Service) expireOne(ctx context.Context, tx bun.IDB, item Item, invoice billing.Invoice) (bool, error) {
	before, err := lockCase(ctx, s.DB, tx, item.ID)
	if err != nil || before.Status.Over() {
		return false, err
	}
	outcome, history := "", ""
	switch {
	case invoice.Status == billing.Paid:
		outcome, history = "kept", "The promise to pay by "+before.PromisedOn.Human("")+" was kept."
	case invoice.Status == billing.Void:
		outcome, history = "noted", "The vendor cancelled the invoice, so that its promise is no more."
	case invoice.Payable() > 0:
		outcome, history = "broken", "The promised day, "+before.PromisedOn.Human("")+", passed without payment in full."
	default:
		return false, nil
	}
	item.Case = s.resolved(before, outcome, "")
	if err := s.closeTx(ctx, tx, item.Case, invoice, history); err != nil {
		return false, err
	}
	return true, s.record(ctx, tx, access.SystemActor("promises"), "case.resolved", outbox.CaseResolved, item.ID, &before, item, nil)
}
