package billing

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// HoldKind is why an invoice is not chased now.
type HoldKind string

// The kinds of holds.
const (
	HoldDispute HoldKind = "dispute"
	HoldPromise HoldKind = "promise"
	HoldPlan    HoldKind = "plan"
	HoldSent    HoldKind = "sent" // "the check is in the mail"
	HoldPayment HoldKind = "payment"
	HoldManual  HoldKind = "manual"
	// HoldScheduled: it is paid on a date of the payer's choice. It reserves nothing.
	HoldScheduled HoldKind = "scheduled"
)

// ScheduledSlack is how many days after the chosen date a scheduled payment's
// hold ends by itself: later than a payment may start at the latest, so that no
// invoice is chased while it still can.
const ScheduledSlack = 9

// Hold stops the chasing of an invoice until it ends or is lifted. A payment's
// hold also reserves Amount.
type Hold struct {
	bun.BaseModel `bun:"table:holds,alias:h"`
	ID            string     `bun:"id,pk"`
	CustomerID    string     `bun:"customer_id"`
	VendorID      string     `bun:"vendor_id"`
	InvoiceID     string     `bun:"invoice_id"`
	Kind          HoldKind   `bun:"kind"`
	CaseID        string     `bun:"case_id,nullzero"`
	PaymentID     string     `bun:"payment_id,nullzero"`
	Amount        int64      `bun:"amount"` // minor units of the invoice's currency
	EndsOn        money.Date `bun:"ends_on"`
	CreatedAt     time.Time  `bun:"created_at"`
	LiftedAt      time.Time  `bun:"lifted_at,nullzero"`
	ScheduleID    string     `bun:"schedule_id,nullzero"`
}

// PaysOn is the date that a scheduled payment's hold was made for.
func (h Hold) PaysOn() money.Date { return h.EndsOn.AddDays(-ScheduledSlack) }

// Active says whether it holds on a day; the empty day means whenever not lifted.
func (h Hold) Active(today money.Date) bool {
	return h.LiftedAt.IsZero() && (h.EndsOn == "" || today == "" || today < h.EndsOn)
}

// HoldTx puts an invoice on hold. EndsOn empty: until lifted.
func (s *Service) HoldTx(ctx context.Context, tx bun.IDB, invoice Invoice, kind HoldKind, caseID string, amount int64, endsOn money.Date) error {
	return insertHolds(ctx, tx, []Hold{{ID: store.NewID(), CustomerID: invoice.CustomerID, VendorID: invoice.VendorID, InvoiceID: invoice.ID,
		Kind: kind, CaseID: caseID, Amount: amount, EndsOn: endsOn, CreatedAt: s.Now().UTC()}})
}

// LiftCaseHoldsTx lifts what a case held.
func (s *Service) LiftCaseHoldsTx(ctx context.Context, tx bun.IDB, caseID string) error {
	return liftCaseHolds(ctx, tx, caseID, s.Now().UTC())
}

// LiftManualTx lifts the vendor's own hold on an invoice.
func (s *Service) LiftManualTx(ctx context.Context, tx bun.IDB, vendorID, invoiceID string) error {
	return liftManual(ctx, tx, vendorID, invoiceID, s.Now().UTC())
}

// HoldScheduledTx keeps invoices from being chased until they are paid on a
// date; amounts is what is promised of each, by id. Nothing is reserved.
func (s *Service) HoldScheduledTx(ctx context.Context, tx bun.IDB, scheduleID string, invoices map[string]Invoice, amounts map[string]int64, payOn money.Date) error {
	holds := make([]Hold, 0, len(amounts))
	for id, amount := range amounts {
		invoice := invoices[id]
		holds = append(holds, Hold{ID: store.NewID(), CustomerID: invoice.CustomerID, VendorID: invoice.VendorID, InvoiceID: id, Kind: HoldScheduled,
			ScheduleID: scheduleID, Amount: amount, EndsOn: payOn.AddDays(ScheduledSlack), CreatedAt: s.Now().UTC()})
	}
	return insertHolds(ctx, tx, holds)
}

// LiftScheduledTx lifts what a scheduled payment held.
func (s *Service) LiftScheduledTx(ctx context.Context, tx bun.IDB, scheduleID string) error {
	return liftScheduled(ctx, tx, scheduleID, s.Now().UTC())
}
