package payment

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/ledger"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// OverpaidTx is told of a share with money that no invoice took.
type OverpaidTx func(ctx context.Context, tx bun.IDB, share Share) error

// Notify takes a hint of the gateway that something happened to a checkout.
// The event is stored once; the object is then fetched again, so that order
// and duplicates do not matter. It is safe to call with a forged reference.
func (s *Service) Notify(ctx context.Context, eventID, kind, ref string) error {
	fresh, err := storeGatewayEvent(ctx, s.DB, s.Gateway.Name(), eventID, kind, ref, s.Now())
	if err != nil {
		return err
	}
	if !fresh {
		return nil
	}
	handled := s.Refresh(ctx, ref)
	return errors.Join(handled, finishGatewayEvent(ctx, s.DB, s.Gateway.Name(), eventID, handled, s.Now()))
}

// Refresh fetches a checkout again and brings its payment to the same state.
// An unknown reference is nothing. One that had failed or expired here is looked
// at too: what the gateway captured all the same must be booked.
func (s *Service) Refresh(ctx context.Context, ref string) error {
	payment, found, err := paymentByRef(ctx, s.DB, s.Gateway.Name(), ref)
	if err != nil || !found || payment.Status.booked() {
		return err
	}
	state, err := s.Gateway.Look(ctx, ref)
	if err != nil {
		return fmt.Errorf("look at checkout %s: %w", ref, err)
	}
	return s.converge(ctx, payment.ID, state, "")
}

// converge brings a payment to the state that the gateway reports.
func (s *Service) converge(ctx context.Context, paymentID string, state State, why string) error {
	switch state.Phase {
	case PhaseSucceeded:
		return s.Settle(ctx, paymentID, state)
	case PhaseProcessing:
		return s.process(ctx, paymentID, state)
	case PhaseFailed:
		return s.fail(ctx, paymentID, Failed, state.Reason)
	case PhaseExpired:
		if why == "" {
			why = "The payment page was open too long."
		}
		return s.fail(ctx, paymentID, Expired, why)
	}
	return nil
}

// Settle books a payment that the gateway has captured, in one transaction:
// allocations, ledger, holds, shares, transfers, and one event per vendor.
// Again changes nothing.
func (s *Service) Settle(ctx context.Context, paymentID string, state State) error {
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		payment, err := lockPayment(ctx, s.DB, tx, paymentID)
		if err != nil || payment.Status.booked() {
			return err
		}
		_, err = s.settle(ctx, tx, payment, state)
		return err
	})
}

// settlement collects what one settlement writes.
type settlement struct {
	payment      Payment
	shares       []Share
	lines        []Line
	invoices     map[string]billing.Invoice
	credits      map[string]billing.Credit
	allocations  []Allocation
	applications []billing.Application
	transfers    []Transfer
	notes        []billing.Note
	now          time.Time
}

func (s *Service) settle(ctx context.Context, tx bun.IDB, payment Payment, state State) (Payment, error) {
	if state.Captured.Currency != payment.Currency || state.Captured.Minor != payment.Amount {
		return payment, fmt.Errorf("payment %s asked for %s and the gateway captured %s", payment.ID,
			money.New(payment.Amount, payment.Currency).Decimal(), state.Captured)
	}
	work := &settlement{payment: payment, now: s.Now().UTC()}
	var err error
	if work.shares, work.lines, err = partsOf(ctx, tx, payment.ID); err != nil {
		return payment, err
	}
	if !payment.Status.Final() {
		if err := s.Billing.ReleaseTx(ctx, tx, payment.ID, reservations(work.lines)); err != nil {
			return payment, err
		}
	}
	invoiceIDs, creditIDs := idsOf(work.lines)
	if work.invoices, work.credits, err = s.Billing.LockTx(ctx, tx, invoiceIDs, creditIDs); err != nil {
		return payment, err
	}
	work.allocate(state)
	if err := s.Billing.ApplyTx(ctx, tx, work.applications, work.invoices, work.credits); err != nil {
		return payment, err
	}
	return work.payment, s.commitSettlement(ctx, tx, work)
}

// allocate gives each line what its invoice can still take; the rest of the
// money becomes unapplied money with that vendor. A payment that had failed
// here and was captured all the same is settled like any other.
func (w *settlement) allocate(state State) {
	open := make(map[string]int64, len(w.invoices))
	usable := make(map[string]int64, len(w.credits))
	for id, invoice := range w.invoices {
		open[id] = invoice.Open
	}
	for id, credit := range w.credits {
		usable[id] = credit.Open
	}
	for i := range w.shares {
		share := &w.shares[i]
		share.CreditAmount, share.Unapplied = 0, 0
		for _, line := range w.lines {
			if line.ShareID != share.ID {
				continue
			}
			w.allocateLine(share, line, open, usable)
		}
		share.Status, share.Method, share.SettledAt, share.UpdatedAt = Settled, string(state.Method), w.now, w.now
		w.payment.Unapplied += share.Unapplied
		if share.Amount > 0 {
			id := store.NewID()
			w.transfers = append(w.transfers, Transfer{ID: id, CustomerID: share.CustomerID, VendorID: share.VendorID, PaymentID: w.payment.ID,
				ShareID: share.ID, Currency: share.Currency, Amount: share.Amount, State: "pending", IdempotencyKey: "transfer-" + id,
				NextAttemptAt: w.now, CreatedAt: w.now, UpdatedAt: w.now})
		}
	}
	w.payment.Captured, w.payment.Status, w.payment.Method = state.Captured.Minor, Settled, string(state.Method)
	w.payment.SettledAt, w.payment.UpdatedAt, w.payment.Failure = w.now, w.now, ""
}

func (w *settlement) allocateLine(share *Share, line Line, open, usable map[string]int64) {
	take := min(line.Amount, open[line.InvoiceID])
	if line.CreditID != "" {
		take = min(take, usable[line.CreditID])
		usable[line.CreditID] -= take
		share.CreditAmount += take
	} else {
		share.Unapplied += line.Amount - take
	}
	if take == 0 {
		return
	}
	open[line.InvoiceID] -= take
	invoice := w.invoices[line.InvoiceID]
	w.applications = append(w.applications, billing.Application{CustomerID: invoice.CustomerID, VendorID: share.VendorID, InvoiceID: line.InvoiceID,
		CreditID: line.CreditID, PaymentID: share.PaymentID, Amount: take, Currency: share.Currency, Reference: share.Reference})
	amount := money.New(take, share.Currency)
	if line.CreditID != "" {
		w.notes = append(w.notes, billing.Note{Invoice: invoice, Kind: "credit", Text: fmt.Sprintf("Credit %s applied: %s.", w.credits[line.CreditID].Number, amount)})
		return
	}
	w.allocations = append(w.allocations, Allocation{ID: store.NewID(), CustomerID: share.CustomerID, VendorID: share.VendorID, PaymentID: share.PaymentID,
		ShareID: share.ID, InvoiceID: line.InvoiceID, Amount: take, CreatedAt: w.now})
	w.notes = append(w.notes, billing.Note{Invoice: invoice, Kind: "paid", Text: fmt.Sprintf("Paid: %s (reference %s).", amount, share.Reference)})
}

func (s *Service) commitSettlement(ctx context.Context, tx bun.IDB, w *settlement) error {
	if err := updatePayment(ctx, tx, w.payment); err != nil {
		return err
	}
	if err := writeSettlement(ctx, tx, w); err != nil {
		return err
	}
	if err := s.Ledger.PostTx(ctx, tx, w.booking()); err != nil {
		return err
	}
	if err := s.Billing.NoteTx(ctx, tx, w.notes...); err != nil {
		return err
	}
	if s.Overpaid != nil {
		for _, share := range w.shares {
			if share.Unapplied > 0 {
				if err := s.Overpaid(ctx, tx, share); err != nil {
					return err
				}
			}
		}
	}
	if err := s.greet(ctx, tx, w.payment, w.shares); err != nil {
		return err
	}
	return s.tell(ctx, tx, outbox.PaymentSettled, w.shares)
}

// greet: whoever pays a vendor's invoice has said that the vendor is its own.
func (s *Service) greet(ctx context.Context, tx bun.IDB, payment Payment, shares []Share) error {
	ids := make([]string, len(shares))
	for i, share := range shares {
		ids[i] = share.VendorID
	}
	_, err := s.Party.DecideVendorsTx(ctx, tx, payment.ContactID, ids, party.VendorMine)
	return err
}

func (w *settlement) booking() ledger.Transaction {
	booking := ledger.Transaction{Kind: "settlement", PaymentID: w.payment.ID, Currency: w.payment.Currency, Memo: "payment " + w.payment.Number,
		Entries: []ledger.Entry{{Account: ledger.Gateway, Amount: w.payment.Captured}}}
	for _, share := range w.shares {
		booking.Entries = append(booking.Entries, ledger.Entry{Account: ledger.VendorPayable(share.VendorID), Amount: -(share.Amount - share.Unapplied)})
	}
	booking.Entries = append(booking.Entries, ledger.Entry{Account: ledger.CustomerUnapplied(w.payment.CustomerID), Amount: -w.payment.Unapplied})
	return booking
}

// process notes that the money is on its way: the invoices stay held and are
// not chased, but nothing is paid yet.
func (s *Service) process(ctx context.Context, paymentID string, state State) error {
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		payment, err := lockPayment(ctx, s.DB, tx, paymentID)
		if err != nil || payment.Status != Pending {
			return err
		}
		payment.Status, payment.Method, payment.ProcessingAt, payment.UpdatedAt = Processing, string(state.Method), s.Now().UTC(), s.Now().UTC()
		shares, err := s.moveShares(ctx, tx, payment)
		if err != nil {
			return err
		}
		if err := s.greet(ctx, tx, payment, shares); err != nil {
			return err
		}
		return s.tell(ctx, tx, outbox.PaymentProcessing, shares)
	})
}

// moveShares takes all shares of a payment to its status and notes it on the invoices.
func (s *Service) moveShares(ctx context.Context, tx bun.IDB, payment Payment) ([]Share, error) {
	shares, lines, err := partsOf(ctx, tx, payment.ID)
	if err != nil {
		return nil, err
	}
	for i := range shares {
		shares[i].Status, shares[i].Method, shares[i].UpdatedAt = payment.Status, payment.Method, payment.UpdatedAt
	}
	if err := updatePayment(ctx, tx, payment); err != nil {
		return nil, err
	}
	if err := updateShares(ctx, tx, payment); err != nil {
		return nil, err
	}
	invoiceIDs, _ := idsOf(lines)
	invoices, _, err := s.Billing.LockTx(ctx, tx, invoiceIDs, nil)
	if err != nil {
		return nil, err
	}
	var notes []billing.Note
	for _, line := range lines {
		if line.CreditID != "" {
			continue
		}
		amount := money.New(line.Amount, payment.Currency)
		text := fmt.Sprintf("A payment of %s did not go through.", amount)
		if payment.Status == Processing {
			text = fmt.Sprintf("A payment of %s is on its way by %s.", amount, payment.Method)
		}
		notes = append(notes, billing.Note{Invoice: invoices[line.InvoiceID], Kind: string(payment.Status), Text: text})
	}
	if payment.Status == Expired { // nobody needs to read of a page that was closed
		notes = nil
	}
	return shares, s.Billing.NoteTx(ctx, tx, notes...)
}

// fail ends a payment without money and lets go of what it held. Vendors hear
// of it only when they had heard that it was on its way.
func (s *Service) fail(ctx context.Context, paymentID string, status Status, why string) error {
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		payment, err := lockPayment(ctx, s.DB, tx, paymentID)
		if err != nil || payment.Status.Final() {
			return err
		}
		told := payment.Status == Processing
		payment.Status, payment.Failure, payment.UpdatedAt = status, why, s.Now().UTC()
		shares, err := s.moveShares(ctx, tx, payment)
		if err != nil {
			return err
		}
		_, lines, err := partsOf(ctx, tx, payment.ID)
		if err != nil {
			return err
		}
		if err := s.Billing.ReleaseTx(ctx, tx, payment.ID, reservations(lines)); err != nil {
			return err
		}
		if err := s.scheduleFailed(ctx, tx, payment); err != nil || !told {
			return err
		}
		return s.tell(ctx, tx, outbox.PaymentFailed, shares)
	})
}

// tell commits one event per vendor, each built for that vendor alone.
func (s *Service) tell(ctx context.Context, tx bun.IDB, kind string, shares []Share) error {
	views, err := s.viewsTx(ctx, tx, shares)
	if err != nil {
		return err
	}
	var events []outbox.Event
	for _, share := range shares {
		view := views[share.ID]
		event, err := outbox.NewEvent(share.VendorID, share.CustomerID, kind, share.ID, view, s.Now())
		if err != nil {
			return err
		}
		events = append(events, event)
		if kind == outbox.PaymentSettled && slices.ContainsFunc(view.Invoices, func(line InvoiceView) bool { return line.Credit != nil }) {
			applied, err := outbox.NewEvent(share.VendorID, share.CustomerID, outbox.CreditApplied, share.ID, view, s.Now())
			if err != nil {
				return err
			}
			events = append(events, applied)
		}
	}
	return s.Outbox.AppendTx(ctx, tx, events...)
}
