package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/gateway/stripe"
	"github.com/sheaf-hub/sheaf/hub/gateway/stripe/stripefake"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/store"
)

const (
	vendorsInAll   = 4
	customersInAll = 100
	price          = 12500 // of each invoice, in cents
	inserted       = 500   // rows of one statement
)

// person is a payer, who is the contact of a customer.
type person struct {
	party.Contact
	account string // external id, the same at each vendor
}

// pending is a payment that its payer has paid at Stripe and of which the hub
// has not heard yet.
type pending struct {
	payment.Payment
	shares   []payment.Share
	lines    []payment.Line
	invoices map[string]billing.Invoice // as they are before
	accounts map[string]string          // external ids, by invoice
	message  stripefake.Signed
}

// settleIn adds vendors that hear of everything by a webhook, and payers whom
// all of them list and who know them.
func (h *hub) settleIn(ctx context.Context) error {
	var accounts []party.AccountRecord
	for i := range customersInAll {
		h.people = append(h.people, person{account: fmt.Sprintf("C-%d", i)})
		accounts = append(accounts, party.AccountRecord{ExternalID: h.people[i].account, Name: "Customer", Currency: "USD",
			Contacts: []party.ContactRecord{{Email: fmt.Sprintf("ap@c%d.example", i), Role: party.Payables}}})
	}
	for i := range vendorsInAll {
		var vendor party.Vendor
		err := h.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
			var err error
			vendor, err = h.party.AddVendorTx(ctx, tx, party.Profile{Name: fmt.Sprintf("Vendor %d", i), Email: fmt.Sprintf("ar@v%d.example", i)}, party.VendorApproved, "whsec_x")
			return err
		})
		if err != nil {
			return err
		}
		endpoint, _, err := h.outbox.PutEndpoint(ctx, vendor.ID, outbox.Webhook, fmt.Sprintf("https://v%d.example/hook", i), []string{"*"})
		if err != nil {
			return err
		}
		if _, err := h.billing.Upsert(ctx, vendor, billing.Batch{Accounts: accounts}); err != nil {
			return err
		}
		h.vendors, h.endpoints = append(h.vendors, vendor), append(h.endpoints, endpoint)
	}
	var known []party.Acquaintance
	for i := range h.people {
		contact, err := h.party.ContactByEmail(ctx, fmt.Sprintf("ap@c%d.example", i))
		if err != nil {
			return err
		}
		h.people[i].Contact = contact
		for _, vendor := range h.vendors {
			known = append(known, party.Acquaintance{ContactID: contact.ID, VendorID: vendor.ID})
		}
	}
	return h.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error { return h.party.AcceptVendorsTx(ctx, tx, known) })
}

// stock makes n payments ready. Invoices come through the room that takes them
// from vendors; payments are written as payment.Service.Start leaves them, but
// many in one statement; with paid set, each is also paid at Stripe, and its
// webhook is there, signed.
func (h *hub) stock(ctx context.Context, s shape, n int, paid bool) ([]pending, error) {
	numbers, err := h.bill(ctx, s, n)
	if err != nil {
		return nil, err
	}
	list := make([]pending, n)
	for i := range list {
		list[i] = h.newPending(i, s)
		if paid {
			if err := h.pay(ctx, &list[i]); err != nil {
				return nil, err
			}
		}
	}
	if err := h.assign(ctx, s, numbers, list); err != nil {
		return nil, err
	}
	if err := h.store(ctx, list); err != nil {
		return nil, err
	}
	if err := h.learn(ctx); err != nil || !paid {
		return list, err
	}
	return list, h.hear(ctx, list)
}

// learn lets PostgreSQL look at what was filled in, as its autovacuum does before
// long and pgbench's preparation does at once.
func (h *hub) learn(ctx context.Context) error {
	if h.db.Kind != store.Postgres {
		return nil
	}
	_, err := h.db.ExecContext(ctx, "ANALYZE")
	return err
}

// bill sends invoices in, as many of each vendor as there are to pay; they are
// numbered alike at each, and payment i gets the next ones of its payer.
func (h *hub) bill(ctx context.Context, s shape, n int) ([]string, error) {
	each := s.invoices / s.vendors
	numbers := make([]string, 0, n*each)
	for i := range n * each {
		h.bills++
		numbers = append(numbers, fmt.Sprintf("INV-%d-%d", h.bills, i/each%customersInAll))
	}
	for _, vendor := range h.vendors[:s.vendors] {
		for from := 0; from < len(numbers); from += 1000 {
			var batch billing.Batch
			for i := from; i < min(from+1000, len(numbers)); i++ {
				batch.Invoices = append(batch.Invoices, billing.InvoiceRecord{ExternalID: numbers[i], Number: numbers[i], Account: h.people[i/each%customersInAll].account,
					IssuedOn: "2026-01-01", DueOn: "2026-02-01", Currency: "USD", Total: price, Open: price})
			}
			result, err := h.billing.Upsert(ctx, vendor, batch)
			if err != nil || len(result.Rejected) > 0 {
				return nil, fmt.Errorf("bill: %v, %w", result.Rejected, err)
			}
		}
	}
	return numbers, nil
}

func (h *hub) newPending(i int, s shape) pending {
	now, who := clock(), h.people[i%customersInAll]
	id := store.NewID()
	amount := int64(s.invoices * price)
	p := pending{invoices: map[string]billing.Invoice{}, accounts: map[string]string{}, Payment: payment.Payment{ID: id, CustomerID: who.CustomerID, ContactID: who.ID,
		QuoteID: store.NewID(), Number: "R-" + id, Currency: "USD", Amount: amount, Status: payment.Pending, Gateway: stripe.Name, IdempotencyKey: "checkout-" + id,
		CheckoutState: "pending", CreatedAt: now, UpdatedAt: now, ExpiresAt: now.Add(payment.CheckoutLife)}}
	for _, vendor := range h.vendors[:s.vendors] {
		shareID := store.NewID()
		p.shares = append(p.shares, payment.Share{ID: shareID, CustomerID: who.CustomerID, VendorID: vendor.ID, PaymentID: id, Reference: "SH-" + shareID, Currency: "USD",
			Amount: amount / int64(s.vendors), Status: payment.Pending, CreatedAt: now, UpdatedAt: now})
	}
	return p
}

// pay opens the page at Stripe through the gateway and pays there by card.
func (h *hub) pay(ctx context.Context, p *pending) error {
	checkout, err := h.gateway.Checkout(ctx, payment.CheckoutRequest{PaymentID: p.ID, Key: p.IdempotencyKey, Amount: money.New(p.Amount, p.Currency),
		PayerEmail: "ap@payer.example", ReturnURL: publicURL + "/pay/" + p.ID, CancelURL: publicURL + "/pay/" + p.ID, ExpiresAt: p.ExpiresAt})
	if err != nil {
		return err
	}
	p.GatewayRef, p.CheckoutURL, p.CheckoutState = checkout.Ref, checkout.URL, "done"
	_, err = h.fake.Pay(checkout.Ref, stripefake.Succeed)
	return err
}

// assign gives each payment its invoices.
func (h *hub) assign(ctx context.Context, s shape, numbers []string, list []pending) error {
	each := s.invoices / s.vendors
	for v, vendor := range h.vendors[:s.vendors] {
		invoices := make(map[string]billing.Invoice, len(numbers))
		for from := 0; from < len(numbers); from += inserted {
			var some []billing.Invoice
			err := h.db.NewSelect().Model(&some).Where("vendor_id = ?", vendor.ID).
				Where("external_id IN (?)", bun.List(numbers[from:min(from+inserted, len(numbers))])).Scan(ctx)
			if err != nil {
				return err
			}
			for _, invoice := range some {
				invoices[invoice.ExternalID] = invoice
			}
		}
		for i := range list {
			p := &list[i]
			for _, number := range numbers[i*each : (i+1)*each] {
				invoice := invoices[number]
				p.invoices[invoice.ID], p.accounts[invoice.ID] = invoice, h.people[i%customersInAll].account
				p.lines = append(p.lines, payment.Line{ID: store.NewID(), CustomerID: p.CustomerID, VendorID: vendor.ID, PaymentID: p.ID, ShareID: p.shares[v].ID,
					InvoiceID: invoice.ID, Amount: price})
			}
		}
	}
	return nil
}

// quote is what payments refer to.
type quote struct {
	bun.BaseModel `bun:"table:quotes"`
	ID            string    `bun:"id,pk"`
	CustomerID    string    `bun:"customer_id"`
	ContactID     string    `bun:"contact_id"`
	Hash          string    `bun:"hash"`
	Content       string    `bun:"content"`
	CreatedAt     time.Time `bun:"created_at"`
	ExpiresAt     time.Time `bun:"expires_at"`
}

func (h *hub) store(ctx context.Context, list []pending) error {
	var quotes []quote
	var payments []payment.Payment
	var shares []payment.Share
	var lines []payment.Line
	var holds []billing.Hold
	for _, p := range list {
		quotes = append(quotes, quote{ID: p.QuoteID, CustomerID: p.CustomerID, ContactID: p.ContactID, Content: "[]", CreatedAt: p.CreatedAt, ExpiresAt: p.ExpiresAt})
		payments, shares, lines = append(payments, p.Payment), append(shares, p.shares...), append(lines, p.lines...)
		for _, line := range p.lines {
			holds = append(holds, billing.Hold{ID: store.NewID(), CustomerID: p.CustomerID, VendorID: line.VendorID, InvoiceID: line.InvoiceID, Kind: billing.HoldPayment,
				PaymentID: p.ID, Amount: line.Amount, CreatedAt: p.CreatedAt})
		}
	}
	return h.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		for _, insert := range []func() error{
			func() error { return insertAll(ctx, tx, quotes) }, func() error { return insertAll(ctx, tx, payments) },
			func() error { return insertAll(ctx, tx, shares) }, func() error { return insertAll(ctx, tx, lines) },
			func() error { return insertAll(ctx, tx, holds) },
		} {
			if err := insert(); err != nil {
				return err
			}
		}
		for from := 0; from < len(holds); from += inserted {
			var ids []string
			for _, hold := range holds[from:min(from+inserted, len(holds))] {
				ids = append(ids, hold.InvoiceID)
			}
			if _, err := tx.NewUpdate().Model((*billing.Invoice)(nil)).Set("held = ?", price).Where("id IN (?)", bun.List(ids)).Exec(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}

func insertAll[T any](ctx context.Context, tx bun.IDB, rows []T) error {
	for from := 0; from < len(rows); from += inserted {
		some := rows[from:min(from+inserted, len(rows))]
		if _, err := tx.NewInsert().Model(&some).Returning("NULL").Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

// hear takes Stripe's messages, and keeps what Stripe says of each payment for
// the figures without that question.
func (h *hub) hear(ctx context.Context, list []pending) error {
	at := make(map[string]int, len(list))
	for i, p := range list {
		at[p.ID] = i
	}
	for _, message := range h.fake.Take(h.endpoint, 0) {
		var event struct {
			Data struct {
				Object struct {
					PaymentID string `json:"client_reference_id"`
				} `json:"object"`
			} `json:"data"`
		}
		if err := json.Unmarshal(message.Payload, &event); err != nil {
			return err
		}
		if i, known := at[event.Data.Object.PaymentID]; known {
			list[i].message = message
		}
	}
	h.memory.on.Store(false)
	for _, p := range list {
		if !strings.HasPrefix(p.message.Signature, "t=") {
			return fmt.Errorf("the fake says nothing of payment %s", p.ID)
		}
		state, err := h.gateway.Look(ctx, p.GatewayRef)
		if err != nil {
			return err
		}
		h.memory.states.Store(p.GatewayRef, state)
	}
	return nil
}
