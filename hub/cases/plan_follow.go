package cases

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/money"
)

// PlanGrace is how many days an instalment may take to show in the books.
const PlanGrace = 2

// holdUntil is the first day on which an instalment holds the invoice no more.
func (i Instalment) holdUntil() money.Date { return i.On.AddDays(PlanGrace + 1) }

// An agreed plan holds its invoice from instalment to instalment: each time,
// followPlans looks whether what is due by then was paid. If nobody looks, the
// hold ends by itself, so that a forgotten plan never silences an invoice.
func (s *Service) followPlans(ctx context.Context, today money.Date) (int, error) {
	total := 0
	for range expireBatches {
		done := 0
		err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
			due, err := duePlans(ctx, tx, today, expireBatch)
			if err != nil || len(due) == 0 {
				return err
			}
			ids := make([]string, len(due))
			for i, item := range due {
				ids[i] = item.InvoiceID
			}
			invoices, _, err := s.Billing.LockTx(ctx, tx, ids, nil)
			if err != nil {
				return err
			}
			if due, err = duePlans(ctx, tx, today, expireBatch); err != nil { // as they are, now that nobody else can follow them
				return err
			}
			done = 0
			for _, item := range due {
				invoice, locked := invoices[item.InvoiceID]
				if !locked {
					continue // it came up meanwhile: the next batch has it
				}
				if err := s.followPlan(ctx, tx, item.Case, invoice, today); err != nil {
					return err
				}
				done++
			}
			return nil
		})
		total += done
		if err != nil || done < expireBatch {
			return total, err
		}
	}
	return total, nil
}

// followPlan holds on until the next instalment, or lets go of the invoice.
func (s *Service) followPlan(ctx context.Context, tx bun.IDB, plan Case, invoice billing.Invoice, today money.Date) error {
	if err := s.Billing.LiftCaseHoldsTx(ctx, tx, plan.ID); err != nil {
		return err
	}
	due, next := int64(0), Instalment{}
	for _, part := range plan.Details.Instalments {
		if part.On.AddDays(PlanGrace) > today {
			next = part
			break
		}
		due += part.Amount
	}
	switch {
	case invoice.Status != billing.Open || next.On == "":
		return nil
	case plan.Amount-invoice.Payable() >= due:
		return s.Billing.HoldTx(ctx, tx, invoice, billing.HoldPlan, plan.ID, plan.Amount, next.holdUntil())
	}
	return s.Billing.NoteTx(ctx, tx, billing.Note{Invoice: invoice, Kind: "case", Text: "An instalment of the agreed plan was missed: " +
		money.New(due, plan.Currency).String() + " was due by now. The invoice is asked for again."})
}
