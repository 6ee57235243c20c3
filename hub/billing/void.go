package billing

import (
	"context"

	"github.com/uptrace/bun"
)

// Reopening is what a chargeback opened again on one invoice, or closed when it
// was won.
type Reopening struct {
	Invoice Invoice // as it is now
	Amount  int64   // minor units
}

// ReopenTx opens again what a share's money had paid, because it was taken back:
// amount at most, of applications with that reference. The books may show the
// payment already; then what is open here is more than they say, until they
// follow (Invoice.Reopened). A discount that came with the money goes with it
// when all of the money does.
func (s *Service) ReopenTx(ctx context.Context, tx bun.IDB, vendorID, reference string, amount int64) ([]Reopening, error) {
	list, invoices, err := s.lockApplied(ctx, tx, vendorID, reference)
	if err != nil {
		return nil, err
	}
	var money int64
	for _, application := range list {
		if application.Kind == AppliedMoney && application.VoidedAt.IsZero() {
			money += application.Amount
		}
	}
	whole := amount >= money
	var voided []string
	reopened := map[string]int64{}
	for _, application := range list {
		if !application.VoidedAt.IsZero() {
			continue
		}
		part := application.Amount
		if !whole {
			if application.Kind != AppliedMoney {
				continue
			}
			part = min(part, amount)
			amount -= part
		}
		if part == 0 {
			continue
		}
		invoice := invoices[application.InvoiceID]
		if whole {
			voided = append(voided, application.ID)
		}
		if whole && application.ReflectedAt.IsZero() {
			invoice.Applied -= part
		} else {
			invoice.Reopened = min(invoice.Total, invoice.Reopened+part)
		}
		invoice.settle(invoice.Status == Void)
		invoices[invoice.ID] = invoice
		reopened[invoice.ID] += part
	}
	now := s.Now().UTC()
	if err := markVoided(ctx, tx, voided, now); err != nil {
		return nil, err
	}
	return listReopened(reopened, invoices), writeBalances(ctx, s.DB, tx, invoices, touched(reopened), now)
}

// RestoreTx undoes ReopenTx for money that came back.
func (s *Service) RestoreTx(ctx context.Context, tx bun.IDB, vendorID, reference string, amount int64) ([]Reopening, error) {
	list, invoices, err := s.lockApplied(ctx, tx, vendorID, reference)
	if err != nil {
		return nil, err
	}
	var restored, again []string // again: the books had followed the chargeback, so they do not show the payment any more
	closed := map[string]int64{}
	for _, application := range list {
		invoice := invoices[application.InvoiceID]
		part := application.Amount
		switch {
		case application.VoidedAt.IsZero(): // a part was opened, and nothing voided
			part = min(part, amount, invoice.Reopened)
			invoice.Reopened -= part
		case !application.ReflectedAt.IsZero() && invoice.Reopened >= part:
			invoice.Reopened -= part
			restored = append(restored, application.ID)
		default:
			invoice.Applied += part
			restored, again = append(restored, application.ID), append(again, application.ID)
		}
		amount -= min(part, amount)
		if part == 0 {
			continue
		}
		invoice.settle(invoice.Status == Void)
		invoices[invoice.ID] = invoice
		closed[invoice.ID] += part
	}
	now := s.Now().UTC()
	if err := unmarkVoided(ctx, tx, restored, again); err != nil {
		return nil, err
	}
	return listReopened(closed, invoices), writeBalances(ctx, s.DB, tx, invoices, touched(closed), now)
}

// ConfirmReopenedTx is the vendor's word that its books show what a chargeback
// opened again, or that it was paid since: from now on the books alone speak.
func (s *Service) ConfirmReopenedTx(ctx context.Context, tx bun.IDB, vendorID, reference string) error {
	_, invoices, err := s.lockApplied(ctx, tx, vendorID, reference)
	if err != nil {
		return err
	}
	changed := map[string]bool{}
	for id, invoice := range invoices {
		if invoice.Reopened > 0 {
			invoice.Reopened = 0
			invoice.settle(invoice.Status == Void)
			invoices[id], changed[id] = invoice, true
		}
	}
	return writeBalances(ctx, s.DB, tx, invoices, changed, s.Now().UTC())
}

// lockApplied locks the invoices that a share's money and discounts were applied
// to, and reads those applications, voided ones too, the first first.
func (s *Service) lockApplied(ctx context.Context, tx bun.IDB, vendorID, reference string) ([]Application, map[string]Invoice, error) {
	ids, err := appliedInvoices(ctx, tx, vendorID, reference)
	if err != nil {
		return nil, nil, err
	}
	invoices, _, err := lockRows(ctx, s.DB, tx, ids, nil)
	if err != nil {
		return nil, nil, err
	}
	list, err := moneyByReference(ctx, tx, vendorID, reference)
	return list, invoices, err
}

func touched(amounts map[string]int64) map[string]bool {
	out := make(map[string]bool, len(amounts))
	for id := range amounts {
		out[id] = true
	}
	return out
}

func listReopened(amounts map[string]int64, invoices map[string]Invoice) []Reopening {
	var list []Reopening
	for _, id := range sortedKeys(amounts) {
		list = append(list, Reopening{Invoice: invoices[id], Amount: amounts[id]})
	}
	return list
}
