package payment

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// VendorChargeback is a vendor's part of a chargeback as its console lists it.
type VendorChargeback struct {
	ChargebackShare `bun:",extend"`
	Reference       string `bun:"reference"` // of the share, as the vendor's books list it
}

// Answerable says whether something can still be said to it, as far as its own
// row knows.
func (c VendorChargeback) Answerable(now time.Time) bool {
	return !c.Over() && (c.EvidenceDueAt.IsZero() || now.Before(c.EvidenceDueAt))
}

// ChargebackFilter narrows a vendor's chargebacks.
type ChargebackFilter struct {
	Waiting bool   // only those that wait for the vendor's answer
	ShareID string // empty: of any payment
}

// ListVendorChargebacks pages through a vendor's chargebacks, newest first.
func (s *Service) ListVendorChargebacks(ctx context.Context, vendorID string, filter ChargebackFilter, page store.PageRequest) ([]VendorChargeback, string, error) {
	var list []VendorChargeback
	var next string
	err := s.DB.AsVendor(ctx, vendorID, func(ctx context.Context, tx bun.Tx) error {
		var err error
		list, next, err = vendorChargebacks(ctx, tx, vendorID, filter, s.Now(), page)
		return err
	})
	return list, next, err
}

// CountWaitingChargebacks counts those that wait for a vendor's answer.
func (s *Service) CountWaitingChargebacks(ctx context.Context, vendorID string) (int, error) {
	n := 0
	err := s.DB.AsVendor(ctx, vendorID, func(ctx context.Context, tx bun.Tx) error {
		var err error
		n, err = countWaiting(ctx, tx, vendorID, s.Now())
		return err
	})
	return n, err
}

// ChargebackView is all that a vendor sees of its part of a chargeback.
type ChargebackView struct {
	VendorChargeback
	Reopened int64 // of the share's invoices, still open beyond what the books say; minor units
	SentAt   time.Time
	Leaving  bool // the answer is made, and on its way to the bank
	Lines    []ReceiptLine
	Papers   []EvidencePaper // without their content
	Offered  []OfferedPaper
	Logs     Logs // what the hub could say now
	LeavesAt time.Time
}

// MayAnswer says whether the vendor can still say something to it.
func (v ChargebackView) MayAnswer(now time.Time) bool {
	return v.Answerable(now) && v.SentAt.IsZero() && !v.Leaving
}

// VendorChargeback reads a vendor's part of a chargeback; fault.NotFound for
// another's.
func (s *Service) VendorChargeback(ctx context.Context, vendorID, partID string) (ChargebackView, error) {
	if !store.ValidID(partID) {
		return ChargebackView{}, noChargeback()
	}
	var view ChargebackView
	err := s.DB.AsVendor(ctx, vendorID, func(ctx context.Context, tx bun.Tx) error {
		var err error
		if view.VendorChargeback, err = vendorChargeback(ctx, tx, vendorID, partID); err != nil {
			return err
		}
		if view.Papers, err = papersOf(ctx, tx, []string{partID}, false); err != nil {
			return err
		}
		lines, err := partLines(ctx, tx, view.ChargebackShare)
		if err != nil {
			return err
		}
		for _, line := range lines {
			view.Lines = append(view.Lines, ReceiptLine{InvoiceID: line.InvoiceID, Number: line.Number, Account: line.Account, CreditNumber: line.CreditNumber, Amount: line.Amount})
		}
		if view.Reopened, err = reopenedOf(ctx, tx, vendorID, view.Reference); err != nil {
			return err
		}
		view.Offered, err = s.offeredTo(ctx, tx, view.ChargebackShare, view.Papers)
		return err
	})
	if err != nil {
		return ChargebackView{}, err
	}
	return view, s.fillWhole(ctx, &view)
}

// fillWhole adds what only the hub may read: how far the whole is, and what it
// could say of this vendor's own invoices.
func (s *Service) fillWhole(ctx context.Context, view *ChargebackView) error {
	chargeback, err := readChargeback(ctx, s.DB, view.ChargebackID)
	if err != nil {
		return err
	}
	submission, found, err := submissionOf(ctx, s.DB, chargeback.ID)
	if err != nil {
		return err
	}
	view.SentAt, view.Leaving = chargeback.SubmittedAt, found && submission.State != "done"
	if !chargeback.EvidenceDueAt.IsZero() {
		view.LeavesAt = chargeback.EvidenceDueAt.Add(-submitBefore)
	}
	view.Logs, err = s.logsOf(ctx, s.DB, view.ChargebackShare)
	return err
}

// EvidencePaper reads one paper of a vendor's evidence with its content;
// fault.NotFound for another's.
func (s *Service) EvidencePaper(ctx context.Context, vendorID, id string) (EvidencePaper, error) {
	missing := fault.New(fault.NotFound, "There is no such paper.")
	if !store.ValidID(id) {
		return EvidencePaper{}, missing
	}
	var paper EvidencePaper
	err := s.DB.AsVendor(ctx, vendorID, func(ctx context.Context, tx bun.Tx) error {
		found := false
		var err error
		if paper, found, err = readPaper(ctx, tx, vendorID, id); err == nil && !found {
			return missing
		}
		return err
	})
	return paper, err
}

// ListChargebacks pages through the chargebacks, newest first, for the operator;
// open: only those that are not decided.
func (s *Service) ListChargebacks(ctx context.Context, open bool, page store.PageRequest) ([]Chargeback, string, error) {
	return listChargebacks(ctx, s.DB, open, page)
}

// ChargebackDetail is a whole chargeback with each vendor's part.
type ChargebackDetail struct {
	Chargeback
	PaymentNumber string
	Parts         []ChargebackShare
	Papers        map[string][]EvidencePaper // by part, without their content
	Submission    *Submission                // nil: nothing is on its way to the bank
}

// Chargeback reads a whole chargeback, for the operator.
func (s *Service) Chargeback(ctx context.Context, id string) (ChargebackDetail, error) {
	chargeback, err := readChargeback(ctx, s.DB, id)
	if err != nil {
		return ChargebackDetail{}, err
	}
	detail := ChargebackDetail{Chargeback: chargeback, Papers: map[string][]EvidencePaper{}}
	payment, err := readPayment(ctx, s.DB, chargeback.PaymentID)
	if err != nil {
		return detail, err
	}
	detail.PaymentNumber = payment.Number
	if detail.Parts, err = chargebackParts(ctx, s.DB, id); err != nil {
		return detail, err
	}
	ids := make([]string, len(detail.Parts))
	for i, part := range detail.Parts {
		ids[i] = part.ID
	}
	papers, err := papersOf(ctx, s.DB, ids, false)
	if err != nil {
		return detail, err
	}
	for _, paper := range papers {
		detail.Papers[paper.ChargebackShareID] = append(detail.Papers[paper.ChargebackShareID], paper)
	}
	submission, found, err := submissionOf(ctx, s.DB, id)
	if found {
		detail.Submission = &submission
	}
	return detail, err
}
