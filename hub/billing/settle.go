package billing

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/store"
)

// HoldsOfPayments asks for what payments hold still.
func HoldsOfPayments(holds *[]Hold, paymentIDs []string) store.Question {
	return store.ByIDs(holds, "SELECT * FROM holds WHERE payment_id IN (?) AND lifted_at IS NULL", paymentIDs)
}

// EndHoldsTx ends holds of payments that the caller has locked. What they reserved
// is given back by SettleTx.
func (s *Service) EndHoldsTx(ctx context.Context, tx bun.IDB, holds []Hold) error {
	ids := make([]string, len(holds))
	for i, hold := range holds {
		ids[i] = hold.ID
	}
	return liftHolds(ctx, s.DB, tx, ids, s.Now().UTC())
}

// SettleTx gives back reservations and applies money, credits and discounts, to
// invoices and credits that LockTx has locked, and brings the maps up to date.
// No application may exceed what is open: that is the caller's to see to.
func (s *Service) SettleTx(ctx context.Context, tx bun.IDB, released []Reservation, applications []Application, invoices map[string]Invoice, credits map[string]Credit) error {
	touchedInvoices, touchedCredits := map[string]bool{}, map[string]bool{}
	byInvoice, byCredit := sums(released)
	for id, amount := range byInvoice {
		invoice := invoices[id]
		invoice.Held -= amount
		invoices[id], touchedInvoices[id] = invoice, true
	}
	for id, amount := range byCredit {
		credit := credits[id]
		credit.Held -= amount
		credits[id], touchedCredits[id] = credit, true
	}
	for i := range applications {
		if err := s.apply(&applications[i], invoices, credits); err != nil {
			return err
		}
		touchedInvoices[applications[i].InvoiceID] = true
		if applications[i].CreditID != "" {
			touchedCredits[applications[i].CreditID] = true
		}
	}
	if err := insertApplications(ctx, s.DB, tx, applications); err != nil {
		return err
	}
	now := s.Now().UTC()
	if err := writeBalances(ctx, s.DB, tx, invoices, touchedInvoices, now); err != nil {
		return err
	}
	return writeCreditBalances(ctx, s.DB, tx, credits, touchedCredits, now)
}

func (s *Service) apply(application *Application, invoices map[string]Invoice, credits map[string]Credit) error {
	application.ID, application.CreatedAt = store.NewID(), s.Now().UTC()
	switch {
	case application.CreditID != "":
		application.Kind = AppliedCredit
	case application.Kind == "":
		application.Kind = AppliedMoney
	}
	invoice, ok := invoices[application.InvoiceID]
	if !ok || invoice.Open < application.Amount {
		return fmt.Errorf("apply %d to invoice %s, of which %d is open", application.Amount, application.InvoiceID, invoice.Open)
	}
	invoice.Applied += application.Amount
	invoice.settle(invoice.Status == Void)
	invoices[invoice.ID] = invoice
	if application.CreditID == "" {
		return nil
	}
	credit, ok := credits[application.CreditID]
	if !ok || credit.Open < application.Amount {
		return fmt.Errorf("apply %d of credit %s, of which %d is open", application.Amount, application.CreditID, credit.Open)
	}
	credit.Applied += application.Amount
	credit.settle(credit.Status == Void)
	credits[credit.ID] = credit
	return nil
}
