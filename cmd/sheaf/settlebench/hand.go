package main

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/gateway/stripe"
	"github.com/sheaf-hub/sheaf/hub/ledger"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// receiptRow and eventRow are tables that no room shows.
type receiptRow struct {
	bun.BaseModel `bun:"table:receipts"`
	ID            string    `bun:"id,pk"`
	CustomerID    string    `bun:"customer_id"`
	PaymentID     string    `bun:"payment_id"`
	ContactID     string    `bun:"contact_id"`
	State         string    `bun:"state"`
	Attempts      int       `bun:"attempts"`
	NextAttemptAt time.Time `bun:"next_attempt_at"`
	LastAnswer    string    `bun:"last_answer"`
	CreatedAt     time.Time `bun:"created_at"`
	UpdatedAt     time.Time `bun:"updated_at"`
}

type eventRow struct {
	bun.BaseModel `bun:"table:gateway_events"`
	Gateway       string    `bun:"gateway,pk"`
	EventID       string    `bun:"event_id,pk"`
	Type          string    `bun:"type"`
	ObjectRef     string    `bun:"object_ref"`
	ReceivedAt    time.Time `bun:"received_at"`
	HandledAt     time.Time `bun:"handled_at"`
	Attempts      int       `bun:"attempts"`
	LastError     string    `bun:"last_error"`
	Subject       string    `bun:"subject"`
	PaymentID     string    `bun:"payment_id"`
	AccountRef    string    `bun:"account_ref"`
	TransferID    string    `bun:"transfer_id"`
}

// feeOf is what a card costs at the fake: 2.9 % and 30 cents.
func feeOf(amount int64) int64 { return (amount*290+5000)/10000 + 30 }

// written are the rows that settling one payment leaves, known beforehand.
type written struct {
	allocations  []payment.Allocation
	transfers    []payment.Transfer
	applications []billing.Application
	history      []billing.History
	bookings     []ledger.Transaction
	entries      []ledger.Entry
	events       []outbox.Event
	deliveries   []outbox.Delivery
	receipts     []receiptRow
	messages     []eventRow
}

// rowsOf knows all of it without reading or checking anything: that is what makes
// it a floor.
func (h *hub) rowsOf(p *pending, now time.Time) (written, error) {
	fee := feeOf(p.Amount)
	w := written{receipts: []receiptRow{{ID: store.NewID(), CustomerID: p.CustomerID, PaymentID: p.ID, ContactID: p.ContactID, State: "pending", NextAttemptAt: now,
		CreatedAt: now, UpdatedAt: now}},
		messages: []eventRow{{Gateway: stripe.Name, EventID: "evt_" + store.NewID(), Type: "checkout.session.completed", ObjectRef: "cs_" + p.ID, ReceivedAt: now, HandledAt: now,
			Attempts: 1, Subject: string(payment.SubjectPayment), PaymentID: p.ID}}}
	settlement := w.book(p, "settlement", "payment "+p.Number, now)
	w.enter(settlement, ledger.Gateway, p.Amount, now)
	for i, share := range p.shares {
		w.enter(settlement, ledger.VendorPayable(share.VendorID), -share.Amount, now)
		id := store.NewID()
		w.transfers = append(w.transfers, payment.Transfer{ID: id, CustomerID: p.CustomerID, VendorID: share.VendorID, PaymentID: p.ID, ShareID: share.ID, Kind: "share",
			Currency: p.Currency, Amount: share.Amount, State: "pending", IdempotencyKey: "transfer-" + id, NextAttemptAt: now, CreatedAt: now, UpdatedAt: now})
		view := payment.View{ID: share.ID, Reference: share.Reference, Status: payment.Settled, Currency: p.Currency, Amount: money.New(share.Amount, p.Currency).Decimal(),
			Credit: "0.00", Discount: "0.00", LateFee: "0.00", Unapplied: "0.00", Refunded: "0.00", ChargedBack: "0.00", Method: "card", CreatedAt: now, SettledAt: &now}
		for _, line := range p.lines {
			if line.ShareID == share.ID {
				view.Invoices = append(view.Invoices, w.allocate(p, share, line, now))
			}
		}
		event, err := outbox.NewEvent(share.VendorID, p.CustomerID, outbox.PaymentSettled, share.ID, view, now)
		if err != nil {
			return w, err
		}
		w.events = append(w.events, event)
		w.deliveries = append(w.deliveries, outbox.Delivery{ID: store.NewID(), VendorID: share.VendorID, CustomerID: p.CustomerID, EventID: event.ID, EndpointID: h.endpoints[i].ID,
			Kind: outbox.Webhook, State: outbox.Pending, NextAttemptAt: now, CreatedAt: now, UpdatedAt: now})
	}
	costs := w.book(p, "fee", "fees of payment "+p.Number, now)
	w.enter(costs, ledger.Gateway, -fee, now)
	w.enter(costs, ledger.HubFees, fee, now)
	return w, nil
}

func (w *written) book(p *pending, kind, memo string, now time.Time) string {
	id := store.NewID()
	w.bookings = append(w.bookings, ledger.Transaction{ID: id, Kind: kind, PaymentID: p.ID, Currency: p.Currency, Memo: memo, CreatedAt: now})
	return id
}

func (w *written) enter(transaction, account string, amount int64, now time.Time) {
	w.entries = append(w.entries, ledger.Entry{ID: store.NewID(), TransactionID: transaction, Account: account, Currency: "USD", Amount: amount, BookedAt: now})
}

func (w *written) allocate(p *pending, share payment.Share, line payment.Line, now time.Time) payment.InvoiceView {
	invoice := p.invoices[line.InvoiceID]
	paid := money.New(line.Amount, p.Currency)
	w.allocations = append(w.allocations, payment.Allocation{ID: store.NewID(), CustomerID: p.CustomerID, VendorID: share.VendorID, PaymentID: p.ID, ShareID: share.ID,
		InvoiceID: invoice.ID, Amount: line.Amount, CreatedAt: now})
	w.applications = append(w.applications, billing.Application{ID: store.NewID(), CustomerID: p.CustomerID, VendorID: share.VendorID, InvoiceID: invoice.ID, PaymentID: p.ID,
		Amount: line.Amount, Currency: p.Currency, Reference: share.Reference, Kind: billing.AppliedMoney, CreatedAt: now})
	w.history = append(w.history, billing.History{ID: store.NewID(), CustomerID: p.CustomerID, VendorID: share.VendorID, InvoiceID: invoice.ID, At: now, Kind: "paid",
		Text: fmt.Sprintf("Paid: %s (reference %s).", paid, share.Reference)})
	return payment.InvoiceView{ExternalID: invoice.ExternalID, Number: invoice.Number, Account: p.accounts[invoice.ID], Amount: paid.Decimal(), Discount: "0.00", LateFee: "0.00"}
}

// statement is an insert or an update: a part of a larger one, or run by itself.
type statement interface {
	bun.Query
	Exec(ctx context.Context, dest ...any) (sql.Result, error)
}

// queries are the statements of one payment; the last one changes the payment's
// own row.
func (w *written) queries(db bun.IDB, p *pending, now time.Time) ([]statement, *bun.UpdateQuery) {
	insert := func(rows any) statement { return db.NewInsert().Model(rows).Returning("NULL") }
	invoices := make([]string, 0, len(p.lines))
	for _, line := range p.lines {
		invoices = append(invoices, line.InvoiceID)
	}
	return []statement{
			db.NewUpdate().Model((*payment.Share)(nil)).Set("status = ?", payment.Settled).Set("method = 'card'").Set("settled_at = ?", now).Set("updated_at = ?", now).
				Where("payment_id = ?", p.ID),
			db.NewUpdate().Model((*billing.Hold)(nil)).Set("lifted_at = ?", now).Where("payment_id = ?", p.ID),
			db.NewUpdate().Model((*billing.Invoice)(nil)).Set("applied = applied + ?", price).Set("held = held - ?", price).Set("open = open - ?", price).
				Set("status = ?", billing.Paid).Set("updated_at = ?", now).Where("id IN (?)", bun.List(invoices)),
			insert(&w.allocations), insert(&w.applications), insert(&w.transfers), insert(&w.history), insert(&w.bookings), insert(&w.entries),
			insert(&w.receipts), insert(&w.messages), insert(&w.events), insert(&w.deliveries),
		}, db.NewUpdate().Model((*payment.Payment)(nil)).Set("captured = amount").Set("fee = ?", feeOf(p.Amount)).Set("status = ?", payment.Settled).Set("method = 'card'").
			Set("method_detail = 'Visa ending 4242'").Set("source_ref = ?", "ch_"+p.ID).Set("intent_ref = ?", "pi_"+p.ID).Set("settled_at = ?", now).Set("updated_at = ?", now).
			Where("id = ?", p.ID)
}

// byHand writes one payment: on PostgreSQL in one statement; SQLite has no such
// statement, so there it is one transaction.
func (h *hub) byHand(ctx context.Context, db *store.DB, p *pending) error {
	now := clock()
	rows, err := h.rowsOf(p, now)
	if err != nil {
		return err
	}
	if db.Kind == store.Postgres {
		parts, last := rows.queries(db, p, now)
		for i, part := range parts {
			last = last.With(fmt.Sprintf("part%d", i), part)
		}
		_, err := last.Exec(ctx)
		return err
	}
	return db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		parts, last := rows.queries(tx, p, now)
		for _, part := range append(parts, last) {
			if _, err := part.Exec(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}
