package payment

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/party"
)

// startBatch bounds how many planned payments one run starts.
const startBatch = 100

// startDue starts what is due, the earliest first. One that fails holds up no
// other.
func (s *Service) startDue(ctx context.Context) (int, error) {
	due, err := dueSchedules(ctx, s.DB, s.Now(), startBatch)
	if err != nil {
		return 0, err
	}
	moved := 0
	var failures []error
	for _, schedule := range due {
		if ctx.Err() != nil {
			break
		}
		claimed, err := claimSchedule(ctx, s.DB, &schedule, s.Now())
		if err == nil && claimed {
			moved++
			err = s.startPlanned(ctx, schedule)
		}
		if err != nil {
			failures = append(failures, fmt.Errorf("scheduled payment %s: %w", schedule.ID, err))
		}
	}
	return moved, errors.Join(failures...)
}

// startPlanned turns a claimed plan into a payment, and charges it. A crash in
// between is made up for: before the payment is there by the next claim, after
// that by reconciling.
func (s *Service) startPlanned(ctx context.Context, schedule Schedule) error {
	var payment Payment
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		var err error
		payment, err = s.beginPlanned(ctx, tx, schedule)
		return err
	})
	var wait *waitError
	var refused *fault.Error
	switch {
	case err == nil && payment.Status == Pending && payment.OffSession:
		return s.charge(ctx, payment)
	case err == nil:
		return nil
	case errors.As(err, &wait):
		return postponeSchedule(ctx, s.DB, schedule, wait.Error(), s.Now().Add(wait.until), s.Now())
	case errors.As(err, &refused) && refused.Code != fault.Unavailable:
		return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
			return s.endPlanned(ctx, tx, schedule, StartFailed, refused.Message)
		})
	default: // tried again soon, until it is too late
		return errors.Join(err, postponeSchedule(ctx, s.DB, schedule, err.Error(), s.Now().Add(startRetry), s.Now()))
	}
}

// waitError says that a start is better made a little later.
type waitError struct {
	why   string
	until time.Duration
}

func (e *waitError) Error() string { return e.why }

// beginPlanned takes what is still payable, at most what was promised, and
// begins its payment: one transaction with the plan's own row.
func (s *Service) beginPlanned(ctx context.Context, tx bun.IDB, schedule Schedule) (Payment, error) {
	mine, err := lockClaimed(ctx, s.DB, tx, schedule)
	if err != nil || !mine {
		return Payment{}, err
	}
	if s.Now().After(schedule.StartsAt.Add(MostLate)) {
		return Payment{}, s.endPlanned(ctx, tx, schedule, StartFailed, "It could not be started in time, and now it would come as a surprise.")
	}
	contact, err := s.Party.ContactTx(ctx, tx, schedule.ContactID)
	if err != nil {
		return Payment{}, err
	}
	method, err := lockOwnMethod(ctx, s.DB, tx, contact.ID, schedule.MethodID)
	if fault.Is(err, fault.NotFound) {
		err = fault.New(fault.Gone, "The means of payment is no longer saved.")
	}
	if err != nil {
		return Payment{}, err
	}
	if err := s.chargeable(method, money.DateOf(s.Now(), contact.Zone())); err != nil {
		return Payment{}, err
	}
	payer := Payer{Contact: contact, Viewer: billing.Viewer{CustomerID: contact.CustomerID}}
	selection, err := s.stillOwed(ctx, tx, payer, schedule, s.methodOf(method, schedule.Currency))
	if err != nil {
		return Payment{}, err
	}
	if len(selection.Invoices) == 0 {
		return Payment{}, s.endPlanned(ctx, tx, schedule, NothingLeft, "")
	}
	// its own holds end here: from now on the payment's hold them
	if err := s.Billing.LiftScheduledTx(ctx, tx, schedule.ID); err != nil {
		return Payment{}, err
	}
	quote, out, err := s.asPromised(ctx, tx, payer, schedule, selection)
	if err != nil {
		return Payment{}, err
	}
	payment, err := s.startSaved(ctx, tx, payer, quote.ID, quote.Hash, schedule.Currency, method, schedule.StartsAt.Add(MostLate))
	if err != nil {
		return Payment{}, err
	}
	if payment.Amount > schedule.Amount { // whatever was added since, the payer did not see it
		return Payment{}, fault.New(fault.Conflict, "It would have cost more than you planned.")
	}
	if len(out) == 0 {
		return payment, linkSchedule(ctx, tx, schedule, payment.ID, "", s.Now())
	}
	if err := linkSchedule(ctx, tx, schedule, payment.ID, "Left out, as it would have cost more than you planned: "+leftOutWords(out)+".", s.Now()); err != nil {
		return payment, err
	}
	return payment, s.tellLeftOut(ctx, tx, schedule, out, quote.Currencies[0])
}

// asPromised quotes what a plan can take now. What would cost more than was
// promised for it is left out, and returned; the rest is paid.
func (s *Service) asPromised(ctx context.Context, tx bun.IDB, payer Payer, schedule Schedule, selection Selection) (Quote, []Difference, error) {
	quote, err := s.quote(ctx, tx, payer, selection)
	if err != nil {
		return Quote{}, nil, err
	}
	lines, err := scheduledLines(ctx, tx, schedule.ID)
	if err != nil {
		return Quote{}, nil, err
	}
	kept, out := leftOut(lines, selection, quote.Currencies[0])
	if len(out) == 0 {
		return quote, nil, nil
	}
	if len(kept.Invoices) == 0 {
		return Quote{}, nil, fault.New(fault.Conflict, "It would have cost more than you planned: %s.", leftOutWords(out))
	}
	quote, err = s.quote(ctx, tx, payer, kept)
	return quote, out, err
}

// stillOwed is what a plan can take of its invoices now. What was paid, voided
// or is disputed, and what the payer no longer sees, is left out. While a payer
// stands at a page that holds some of it, the start waits for that to end.
func (s *Service) stillOwed(ctx context.Context, tx bun.IDB, payer Payer, schedule Schedule, by MethodClass) (Selection, error) {
	lines, err := scheduledLines(ctx, tx, schedule.ID)
	if err != nil {
		return Selection{}, err
	}
	ids := invoicesOf(lines)
	if _, _, err := s.Billing.LockTx(ctx, tx, ids, nil); err != nil {
		return Selection{}, err
	}
	items, err := s.Billing.ItemsTx(ctx, tx, payer.Viewer, ids)
	if err != nil {
		return Selection{}, err
	}
	seen := make(map[string]billing.Item, len(items))
	for _, item := range items {
		seen[item.ID] = item
	}
	disputed, err := disputedInvoices(ctx, tx, ids, money.DateOf(s.Now(), payer.Contact.Zone()))
	if err != nil {
		return Selection{}, err
	}
	states, err := s.Party.VendorStates(ctx, tx, payer.Contact)
	if err != nil {
		return Selection{}, err
	}
	if err := s.waitForPages(ctx, tx, payer, schedule, ids); err != nil {
		return Selection{}, err
	}
	selection := Selection{Methods: map[money.Currency]MethodClass{schedule.Currency: by}}
	for _, line := range lines {
		item, visible := seen[line.InvoiceID]
		take := min(line.Pays, item.Payable())
		if !visible || take <= 0 || item.Currency != schedule.Currency || disputed[line.InvoiceID] || states[item.VendorID] == party.VendorNotMine {
			continue
		}
		selection.Invoices = append(selection.Invoices, Wish{InvoiceID: line.InvoiceID, Amount: money.New(take, item.Currency).Decimal()})
	}
	return selection, nil
}

// waitForPages waits a while for open checkouts: they hold what may come free
// again.
func (s *Service) waitForPages(ctx context.Context, tx bun.IDB, payer Payer, schedule Schedule, ids []string) error {
	if s.Now().After(schedule.StartsAt.Add(MostLate - 2*CheckoutLife)) {
		return nil
	}
	holders, err := holdersOf(ctx, tx, payer.Contact.CustomerID, ids)
	if err != nil || len(holders) == 0 {
		return err
	}
	return &waitError{why: "some of it is in an open checkout", until: startRetry}
}

// endPlanned ends a plan that has been claimed, without a payment, and tells the
// payer.
func (s *Service) endPlanned(ctx context.Context, tx bun.IDB, schedule Schedule, state ScheduleState, why string) error {
	ended, err := endSchedule(ctx, tx, schedule, Starting, state, why, s.Now())
	if err != nil || !ended {
		return err
	}
	if _, err := s.letGo(ctx, tx, schedule, "The payment that was planned for %s was not made."); err != nil {
		return err
	}
	schedule.State, schedule.Failure = state, why
	return s.tellEnd(ctx, tx, schedule)
}

// scheduleFailed is told, inside the change, of a payment that ends without
// money: if it was planned, the plan has failed and the payer hears of it.
func (s *Service) scheduleFailed(ctx context.Context, tx bun.IDB, payment Payment) error {
	if !payment.OffSession {
		return nil
	}
	schedule, found, err := scheduleOfPayment(ctx, tx, payment.ID)
	if err != nil || !found {
		return err
	}
	ended, err := endSchedule(ctx, tx, schedule, StartedOn, StartFailed, payment.Failure, s.Now())
	if err != nil || !ended {
		return err
	}
	schedule.State, schedule.Failure = StartFailed, payment.Failure
	return s.tellEnd(ctx, tx, schedule)
}
