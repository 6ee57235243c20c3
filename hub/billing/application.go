package billing

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// ApplicationKind is what was applied.
type ApplicationKind string

// The kinds of applications.
const (
	AppliedMoney    ApplicationKind = "money"
	AppliedCredit   ApplicationKind = "credit"
	AppliedDiscount ApplicationKind = "discount"
)

// Application is what the hub applied to one invoice: money of a payment, a
// credit, or a discount that its vendor gives. Until it is reflected the books
// do not show it; one that was voided counts no more.
type Application struct {
	bun.BaseModel     `bun:"table:applications,alias:ap"`
	ID                string         `bun:"id,pk"`
	CustomerID        string         `bun:"customer_id"`
	VendorID          string         `bun:"vendor_id"`
	InvoiceID         string         `bun:"invoice_id"`
	CreditID          string         `bun:"credit_id,nullzero"`
	PaymentID         string         `bun:"payment_id"`
	Amount            int64          `bun:"amount"`
	Currency          money.Currency `bun:"currency"`
	Reference         string         `bun:"reference"`
	CreatedAt         time.Time      `bun:"created_at"`
	AcknowledgedAt    time.Time      `bun:"acknowledged_at,nullzero"`
	ReflectedAt       time.Time      `bun:"reflected_at,nullzero"`
	CreditReflectedAt time.Time      `bun:"credit_reflected_at,nullzero"`

	Kind     ApplicationKind `bun:"kind"`
	VoidedAt time.Time       `bun:"voided_at,nullzero"`
}

// Reservation is what a payment on its way takes of an invoice, by money or by
// a credit.
type Reservation struct {
	InvoiceID string
	CreditID  string // empty: money
	Amount    int64
}

// LockTx locks invoices and credits, always in the same order, and returns them
// as they are now. Whatever changes open or held calls it first. More questions
// may be asked with it.
func (s *Service) LockTx(ctx context.Context, tx bun.IDB, invoiceIDs, creditIDs []string, beside ...store.Question) (map[string]Invoice, map[string]Credit, error) {
	return lockRows(ctx, s.DB, tx, invoiceIDs, creditIDs, beside...)
}

// ReserveTx holds invoices and credits for a payment. The rows are locked and
// checked by the caller.
func (s *Service) ReserveTx(ctx context.Context, tx bun.IDB, paymentID string, invoices map[string]Invoice, lines []Reservation) error {
	now := s.Now().UTC()
	byInvoice, byCredit := sums(lines)
	holds := make([]Hold, 0, len(byInvoice))
	for id, amount := range byInvoice {
		invoice := invoices[id]
		holds = append(holds, Hold{ID: store.NewID(), CustomerID: invoice.CustomerID, VendorID: invoice.VendorID, InvoiceID: id,
			Kind: HoldPayment, PaymentID: paymentID, Amount: amount, CreatedAt: now})
	}
	if err := insertHolds(ctx, tx, holds); err != nil {
		return err
	}
	if err := addEach(ctx, tx, "invoices", "held", byInvoice, now); err != nil {
		return err
	}
	return addEach(ctx, tx, "credits", "held", byCredit, now)
}

// ReleaseTx gives back what ReserveTx took; again changes nothing.
func (s *Service) ReleaseTx(ctx context.Context, tx bun.IDB, paymentID string, lines []Reservation) error {
	now := s.Now().UTC()
	held, err := liftPayment(ctx, tx, paymentID, now)
	if err != nil || !held {
		return err
	}
	byInvoice, byCredit := sums(lines)
	if err := addEach(ctx, tx, "invoices", "held", negated(byInvoice), now); err != nil {
		return err
	}
	return addEach(ctx, tx, "credits", "held", negated(byCredit), now)
}

func sums(lines []Reservation) (byInvoice, byCredit map[string]int64) {
	byInvoice, byCredit = map[string]int64{}, map[string]int64{}
	for _, line := range lines {
		byInvoice[line.InvoiceID] += line.Amount
		if line.CreditID != "" {
			byCredit[line.CreditID] += line.Amount
		}
	}
	return byInvoice, byCredit
}

func negated(amounts map[string]int64) map[string]int64 {
	out := make(map[string]int64, len(amounts))
	for id, amount := range amounts {
		out[id] = -amount
	}
	return out
}

// AcknowledgeTx notes that the vendor took the news of a share.
func (s *Service) AcknowledgeTx(ctx context.Context, tx bun.IDB, vendorID, reference string) error {
	return acknowledge(ctx, tx, vendorID, reference, s.Now().UTC())
}

// ConfirmReflected is the vendor's own word that its books show a share.
func (s *Service) ConfirmReflected(ctx context.Context, vendorID, reference string) error {
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		return s.ConfirmReflectedTx(ctx, tx, vendorID, reference)
	})
}

// ConfirmReflectedTx is ConfirmReflected inside the caller's transaction, so
// that the audit log's line commits with it.
func (s *Service) ConfirmReflectedTx(ctx context.Context, tx bun.IDB, vendorID, reference string) error {
	list, err := applicationsByReference(ctx, tx, vendorID, reference)
	if err != nil || len(list) == 0 {
		return err
	}
	var invoiceIDs, creditIDs []string
	for _, application := range list {
		invoiceIDs = append(invoiceIDs, application.InvoiceID)
		if application.CreditID != "" {
			creditIDs = append(creditIDs, application.CreditID)
		}
	}
	// the books show it: from now on source_open alone speaks, so what the
	// hub had applied comes off there
	return confirmReflected(ctx, s.DB, tx, vendorID, reference, invoiceIDs, creditIDs, s.Now().UTC())
}
