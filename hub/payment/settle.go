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

// Settle books a payment that the gateway has captured, in one transaction:
// allocations, ledger, holds, shares, transfers, and one event per vendor.
// Payments that wait at the same time share a transaction. Again changes nothing.
func (s *Service) Settle(ctx context.Context, paymentID string, state State) error {
	return s.group.settle(ctx, s, &settling{paymentID: paymentID, state: state})
}

// settling is one payment that waits to be settled, with what the gateway says
// of it, and the message that said so.
type settling struct {
	paymentID string
	state     State
	hint      *Hint  // marked as handled with the settlement; nil: none
	ref       string // of the page that was paid, when nobody has held the payment's row against it; empty: somebody has
	err       error  // of this one alone; the others in its transaction are settled
}

// errOtherPage says that what was paid is not what the payment's row names.
var errOtherPage = errors.New("the payment's row names another page")

// settlement collects what is written for the payments of one transaction.
type settlement struct {
	now          time.Time
	payments     []*settledPayment
	invoices     map[string]billing.Invoice
	credits      map[string]billing.Credit
	open         map[string]int64 // of each invoice, after what was allocated so far
	usable       map[string]int64 // of each credit
	policies     map[string]FeePolicy
	accounts     map[string]account   // of each invoice
	strangers    []party.Acquaintance // vendors that their payers have not called their own yet
	endpoints    []outbox.Endpoint    // of the vendors
	ended        []billing.Hold
	released     []billing.Reservation
	allocations  []Allocation
	applications []billing.Application
	transfers    []Transfer
	notes        []billing.Note
	bookings     []ledger.Transaction
	converted    []*settledPayment // whose fee was taken in another currency
}

// account is a vendor's account that an invoice is on.
type account struct{ id, externalID string }

// settlingParts are payments with what belongs to them.
type settlingParts struct {
	payments []Payment
	shares   []settlingShare
	lines    []settlingLine
	holds    []billing.Hold
}

// settledPayment is one payment with its parts.
type settledPayment struct {
	Payment
	state  State
	shares []Share
	lines  []Line
}

// settleTx settles payments together. What is wrong with one stands in its err;
// an error returned spoils them all. Those that are booked already are left as
// they are.
func (s *Service) settleTx(ctx context.Context, tx bun.IDB, list []*settling) (map[string]Payment, error) {
	work := &settlement{now: s.Now().UTC(), policies: map[string]FeePolicy{}, accounts: map[string]account{}, open: map[string]int64{}, usable: map[string]int64{}}
	ids := make([]string, len(list))
	for i, item := range list {
		ids[i] = item.paymentID
	}
	parts, err := lockSettling(ctx, s.DB, tx, ids)
	if err != nil {
		return nil, err
	}
	known := s.beginSettlement(work, parts.payments, list)
	if len(work.payments) == 0 {
		return known, nil
	}
	if err := s.gather(ctx, tx, work, parts); err != nil {
		return nil, err
	}
	for _, payment := range work.payments {
		work.allocate(payment)
		if err := work.charge(payment); err != nil {
			return nil, err
		}
		work.plan(payment)
		work.book(payment)
		known[payment.ID] = payment.Payment
	}
	return known, s.commitSettlement(ctx, tx, work)
}

// beginSettlement keeps the locked payments that can be settled.
func (s *Service) beginSettlement(work *settlement, locked []Payment, list []*settling) map[string]Payment {
	known := make(map[string]Payment, len(locked))
	for _, payment := range locked {
		known[payment.ID] = payment
	}
	taken := map[string]bool{}
	for _, item := range list {
		payment, found := known[item.paymentID]
		asked := money.New(payment.Amount, payment.Currency)
		switch {
		case item.ref != "" && (!found || item.ref != payment.GatewayRef || payment.Gateway != s.Gateway.Name()):
			item.err = errOtherPage
		case !found:
			item.err = noPayment()
		case payment.Status.booked() || taken[payment.ID]:
		case item.state.Captured != asked:
			item.err = fmt.Errorf("payment %s asked for %s and the gateway captured %s", payment.ID, asked.Decimal(), item.state.Captured)
		default:
			taken[payment.ID] = true
			work.payments = append(work.payments, &settledPayment{Payment: payment, state: item.state})
		}
	}
	return known
}

// gather sorts what belongs to the payments, and locks and reads what they touch.
func (s *Service) gather(ctx context.Context, tx bun.IDB, work *settlement, parts settlingParts) error {
	byID := make(map[string]*settledPayment, len(work.payments))
	for _, payment := range work.payments {
		byID[payment.ID] = payment
	}
	lines := work.sort(byID, parts)
	var vendors []string
	for vendorID := range work.vendors() {
		vendors = append(vendors, vendorID)
	}
	invoiceIDs, creditIDs := idsOf(lines)
	var err error
	if work.invoices, work.credits, err = s.Billing.LockTx(ctx, tx, invoiceIDs, creditIDs, outbox.EndpointsOf(&work.endpoints, vendors)); err != nil {
		return err
	}
	for id, invoice := range work.invoices {
		work.open[id] = invoice.Open
	}
	for id, credit := range work.credits {
		work.usable[id] = credit.Open
	}
	return nil
}

// sort gives each payment its parts, and ends the holds of those that hold
// something still. Nobody else ends them without the payment's lock.
func (w *settlement) sort(byID map[string]*settledPayment, parts settlingParts) []Line {
	for _, share := range parts.shares {
		payment := byID[share.PaymentID]
		if payment == nil {
			continue
		}
		payment.shares = append(payment.shares, share.Share)
		if share.Processing != "" {
			w.policies[share.VendorID] = FeePolicy{Processing: share.Processing, HubRate: share.HubRate}
		}
		if share.Stranger {
			w.strangers = append(w.strangers, party.Acquaintance{ContactID: payment.ContactID, VendorID: share.VendorID})
		}
	}
	var lines []Line
	for _, line := range parts.lines {
		if payment := byID[line.PaymentID]; payment != nil {
			payment.lines, lines = append(payment.lines, line.Line), append(lines, line.Line)
			w.accounts[line.InvoiceID] = account{id: line.AccountID, externalID: line.Account}
		}
	}
	holding := map[string]bool{}
	for _, hold := range parts.holds {
		payment := byID[hold.PaymentID]
		if payment == nil || payment.Status.Final() {
			continue
		}
		w.ended = append(w.ended, hold)
		if !holding[hold.PaymentID] {
			holding[hold.PaymentID] = true
			w.released = append(w.released, reservations(payment.lines)...)
		}
	}
	return lines
}

func (w *settlement) vendors() map[string]bool {
	vendors := map[string]bool{}
	for _, share := range w.allShares() {
		vendors[share.VendorID] = true
	}
	return vendors
}

// allocate gives each line what its invoice can still take; the rest of the
// money becomes unapplied money with that vendor. A payment that had failed
// here and was captured all the same is settled like any other.
func (w *settlement) allocate(payment *settledPayment) {
	state := payment.state
	payment.Unapplied = 0
	for i := range payment.shares {
		share := &payment.shares[i]
		share.CreditAmount, share.Unapplied, share.Discount, share.LateFee = 0, 0, 0, 0
		for _, line := range payment.lines {
			if line.ShareID == share.ID {
				w.allocateLine(share, line)
			}
		}
		share.Status, share.Method, share.SettledAt, share.UpdatedAt = Settled, string(state.Method), w.now, w.now
		payment.Unapplied += share.Unapplied
	}
	payment.Captured, payment.Status, payment.Method, payment.MethodDetail = state.Captured.Minor, Settled, string(state.Method), state.Detail
	payment.SourceRef, payment.IntentRef, payment.AvailableAt = state.SourceRef, state.IntentRef, state.AvailableAt
	payment.SettledAt, payment.UpdatedAt, payment.Failure = w.now, w.now, ""
}

func (w *settlement) allocateLine(share *Share, line Line) {
	if line.CreditID != "" {
		w.applyCredit(share, line)
		return
	}
	principal := line.Amount - line.LateFee
	paid := min(principal, w.open[line.InvoiceID])
	if paid == 0 { // nothing was left to pay: neither is a fee for paying it late
		share.Unapplied += line.Amount
		return
	}
	share.Unapplied += principal - paid
	share.LateFee += line.LateFee
	invoice := w.invoices[line.InvoiceID]
	w.apply(share, line, billing.AppliedMoney, paid)
	w.allocations = append(w.allocations, Allocation{ID: store.NewID(), CustomerID: share.CustomerID, VendorID: share.VendorID, PaymentID: share.PaymentID,
		ShareID: share.ID, InvoiceID: line.InvoiceID, Amount: paid + line.LateFee, LateFee: line.LateFee, CreatedAt: w.now})
	w.notes = append(w.notes, billing.Note{Invoice: invoice, Kind: "paid", Text: fmt.Sprintf("Paid: %s (reference %s).", money.New(paid, share.Currency), share.Reference)})
	if line.LateFee > 0 {
		w.notes = append(w.notes, billing.Note{Invoice: invoice, Kind: "late_fee", Text: fmt.Sprintf("Late fee paid: %s.", money.New(line.LateFee, share.Currency))})
	}
	if given := min(line.Discount, w.open[line.InvoiceID]); given > 0 {
		share.Discount += given
		w.apply(share, line, billing.AppliedDiscount, given)
		w.notes = append(w.notes, billing.Note{Invoice: invoice, Kind: "discount", Text: fmt.Sprintf("Discount taken: %s.", money.New(given, share.Currency))})
	}
}

func (w *settlement) applyCredit(share *Share, line Line) {
	used := min(line.Amount, w.open[line.InvoiceID], w.usable[line.CreditID])
	if used == 0 {
		return
	}
	share.CreditAmount += used
	w.notes = append(w.notes, billing.Note{Invoice: w.invoices[line.InvoiceID], Kind: "credit",
		Text: fmt.Sprintf("Credit %s applied: %s.", w.credits[line.CreditID].Number, money.New(used, share.Currency))})
	w.apply(share, line, billing.AppliedCredit, used)
	w.usable[line.CreditID] -= used
}

// apply notes an application and counts it off what is open, for the lines and
// payments that follow.
func (w *settlement) apply(share *Share, line Line, kind billing.ApplicationKind, amount int64) {
	invoice := w.invoices[line.InvoiceID]
	w.applications = append(w.applications, billing.Application{CustomerID: invoice.CustomerID, VendorID: share.VendorID, InvoiceID: line.InvoiceID,
		CreditID: line.CreditID, PaymentID: share.PaymentID, Amount: amount, Currency: share.Currency, Reference: share.Reference, Kind: kind})
	w.open[line.InvoiceID] -= amount
}

// plan makes the transfer of each share: what is left of it after the fees that
// its vendor bears.
func (w *settlement) plan(payment *settledPayment) {
	for _, share := range payment.shares {
		amount := share.Amount - share.ProcessingFee - share.HubFee
		if amount <= 0 {
			continue
		}
		id := store.NewID()
		transfer := Transfer{ID: id, CustomerID: share.CustomerID, VendorID: share.VendorID, PaymentID: payment.ID, ShareID: share.ID, Kind: transferShare,
			Currency: share.Currency, Amount: amount, State: "pending", IdempotencyKey: "transfer-" + id, NextAttemptAt: w.now, CreatedAt: w.now, UpdatedAt: w.now}
		if payment.AvailableAt.After(w.now) { // a bank debit's; a card's money can be sent on before it is here
			transfer.NextAttemptAt, transfer.WaitsFor = payment.AvailableAt, waitsForFunds
		}
		w.transfers = append(w.transfers, transfer)
	}
}

// book writes what the ledger says of one payment. Late fees and discounts are
// transactions of their own, so that they can be told apart for ever.
func (w *settlement) book(payment *settledPayment) {
	of := func(kind, vendorID, memo string, entries ...ledger.Entry) {
		w.bookings = append(w.bookings, ledger.Transaction{Kind: kind, PaymentID: payment.ID, VendorID: vendorID, Currency: payment.Currency, Memo: memo, Entries: entries})
	}
	var late int64
	var owed []ledger.Entry
	for _, share := range payment.shares {
		late += share.LateFee
		owed = append(owed, ledger.Entry{Account: ledger.VendorPayable(share.VendorID), Amount: -(share.Amount - share.Unapplied - share.LateFee)})
	}
	of("settlement", "", "payment "+payment.Number, append([]ledger.Entry{{Account: ledger.Gateway, Amount: payment.Captured - late},
		{Account: ledger.CustomerUnapplied(payment.CustomerID), Amount: -payment.Unapplied}}, owed...)...)
	fees := []ledger.Entry{{Account: ledger.Gateway, Amount: -payment.Fee}}
	hub := payment.Fee
	for _, share := range payment.shares {
		if share.LateFee > 0 {
			of("late_fee", share.VendorID, "late fee in "+share.Reference, ledger.Entry{Account: ledger.Gateway, Amount: share.LateFee},
				ledger.Entry{Account: ledger.VendorPayable(share.VendorID), Amount: -share.LateFee})
		}
		if share.Discount > 0 {
			of("discount", share.VendorID, "discount in "+share.Reference, ledger.Entry{Account: ledger.VendorDiscounts(share.VendorID), Amount: share.Discount},
				ledger.Entry{Account: ledger.CustomerDiscounts(payment.CustomerID), Amount: -share.Discount})
		}
		borne := share.ProcessingFee + share.HubFee
		hub -= borne
		fees = append(fees, ledger.Entry{Account: ledger.VendorPayable(share.VendorID), Amount: borne})
	}
	of("fee", "", "fees of payment "+payment.Number, append(fees, ledger.Entry{Account: ledger.HubFees, Amount: hub})...)
}

func (s *Service) commitSettlement(ctx context.Context, tx bun.IDB, w *settlement) error {
	if err := s.Billing.EndHoldsTx(ctx, tx, w.ended); err != nil {
		return err
	}
	if err := s.Billing.SettleTx(ctx, tx, w.released, w.applications, w.invoices, w.credits); err != nil {
		return err
	}
	if err := writeSettlement(ctx, s.DB, tx, w); err != nil {
		return err
	}
	if err := insertReceipts(ctx, s.DB, tx, receiptsFor(w.now, w.settled()...)); err != nil {
		return err
	}
	if err := s.Ledger.PostTx(ctx, tx, w.bookings...); err != nil {
		return err
	}
	if err := s.Billing.NoteTx(ctx, tx, w.notes...); err != nil {
		return err
	}
	if err := s.remind(ctx, tx, w); err != nil {
		return err
	}
	if w.moved() {
		return s.tell(ctx, tx, outbox.PaymentSettled, w.allShares())
	}
	events, err := eventsOf(outbox.PaymentSettled, w.allShares(), w.views(), w.now)
	if err != nil {
		return err
	}
	return s.Outbox.AppendFirstTx(ctx, tx, w.endpoints, events...) // a payment is settled once, under its lock
}

func (w *settlement) settled() []Payment {
	list := make([]Payment, len(w.payments))
	for i, payment := range w.payments {
		list[i] = payment.Payment
	}
	return list
}

func (w *settlement) allShares() []Share {
	var shares []Share
	for _, payment := range w.payments {
		shares = append(shares, payment.shares...)
	}
	return shares
}

// remind makes the tasks that a settlement leaves, and takes a payer's word:
// whoever pays a vendor's invoice has said that the vendor is its own.
func (s *Service) remind(ctx context.Context, tx bun.IDB, w *settlement) error {
	for _, share := range w.allShares() {
		if share.Unapplied > 0 && s.Overpaid != nil {
			if err := s.Overpaid(ctx, tx, share); err != nil {
				return err
			}
		}
	}
	for _, payment := range w.converted {
		if err := s.task(ctx, tx, Task{Kind: "fee_converted", SubjectID: payment.ID, Title: "Stripe converted payment " + payment.Number,
			Text: "Its fee of " + payment.state.Fee.String() + " was taken in another currency than the payment's, so it is not in the ledger. Add a bank account in " +
				string(payment.Currency) + " to the platform account, so that payments in it are kept in it."}); err != nil {
			return err
		}
	}
	return s.Party.AcceptVendorsTx(ctx, tx, w.strangers)
}

// tell commits one event per vendor, each built for that vendor alone.
func (s *Service) tell(ctx context.Context, tx bun.IDB, kind string, shares []Share) error {
	views, err := s.viewsTx(ctx, tx, shares)
	if err != nil {
		return err
	}
	events, err := eventsOf(kind, shares, views, s.Now())
	if err != nil {
		return err
	}
	return s.Outbox.AppendTx(ctx, tx, events...)
}

func eventsOf(kind string, shares []Share, views map[string]View, now time.Time) ([]outbox.Event, error) {
	var events []outbox.Event
	for _, share := range shares {
		view := views[share.ID]
		event, err := outbox.NewEvent(share.VendorID, share.CustomerID, kind, share.ID, view, now)
		if err != nil {
			return nil, err
		}
		events = append(events, event)
		if kind == outbox.PaymentSettled && slices.ContainsFunc(view.Invoices, func(line InvoiceView) bool { return line.Credit != nil }) {
			applied, err := outbox.NewEvent(share.VendorID, share.CustomerID, outbox.CreditApplied, share.ID, view, now)
			if err != nil {
				return nil, err
			}
			events = append(events, applied)
		}
	}
	return events, nil
}
