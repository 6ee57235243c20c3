package payment

import (
	"context"
	"time"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// Receipt is a payment with each vendor's part, for the payer.
type Receipt struct {
	Payment Payment
	Shares  []ReceiptShare
}

// ReceiptShare is one vendor's part and how far it is.
type ReceiptShare struct {
	Share         `bun:",extend"`
	VendorName    string `bun:"vendor_name"`
	TransferState string `bun:"transfer_state"` // of the money on its way to the vendor; empty: none
	Lines         []ReceiptLine
	Returns       []Return
}

// ReceiptLine is what one invoice got, in minor units: of the money, or, with
// CreditNumber set, of that credit.
type ReceiptLine struct {
	InvoiceID    string
	ExternalID   string
	Number       string
	Account      string // external id
	AccountName  string // as the vendor calls it
	CreditNumber string
	Amount       int64 // of money: with LateFee
	LateFee      int64 // part of Amount that did not pay the invoice
	Discount     int64 // settled more of the invoice without money
}

// Return is money of a share that went back to the payer, or is about to.
type Return struct {
	Kind   ReturnKind
	Amount int64
	Asked  time.Time // when it was asked for, or taken
	Ended  time.Time // of a chargeback that the vendor won: when the money came back
	Done   bool      // the payer's bank has it, as far as the gateway knows
}

// ReturnKind is why money goes back.
type ReturnKind string

// The kinds of money that goes back. A chargeback that the vendor won leaves
// the money where it is.
const (
	ReturnRefund        ReturnKind = "refund"
	ReturnChargeback    ReturnKind = "chargeback"
	ReturnChargebackWon ReturnKind = "chargeback_won"
)

// Words names the kind for both sides: "Refund".
func (k ReturnKind) Words() string {
	switch k {
	case ReturnRefund:
		return "Refund"
	case ReturnChargebackWon:
		return "Chargeback, decided for the vendor"
	}
	return "Chargeback"
}

// InvoicePart is all that one invoice got of a share, in minor units.
type InvoicePart struct {
	ReceiptLine
	Credit  int64 // by Credits together
	Credits []CreditGiven
}

// CreditGiven is what one credit gave.
type CreditGiven struct {
	Number string
	Amount int64
}

// Settled is by how much the invoice is less open: money without the late fee,
// credits and discount.
func (p InvoicePart) Settled() int64 { return p.Amount - p.LateFee + p.Discount + p.Credit }

// InvoiceParts puts the lines of each invoice together, in the order of their first.
func InvoiceParts(lines []ReceiptLine) []InvoicePart {
	var parts []InvoicePart
	at := map[string]int{}
	for _, line := range lines {
		i, seen := at[line.InvoiceID]
		if !seen {
			i = len(parts)
			at[line.InvoiceID] = i
			parts = append(parts, InvoicePart{ReceiptLine: ReceiptLine{InvoiceID: line.InvoiceID, ExternalID: line.ExternalID, Number: line.Number,
				Account: line.Account, AccountName: line.AccountName}})
		}
		if line.CreditNumber != "" {
			parts[i].Credit += line.Amount
			parts[i].Credits = append(parts[i].Credits, CreditGiven{Number: line.CreditNumber, Amount: line.Amount})
			continue
		}
		parts[i].Amount += line.Amount
		parts[i].LateFee += line.LateFee
		parts[i].Discount += line.Discount
	}
	return parts
}

// Payment reads a payment of the payer's customer; fault.NotFound otherwise.
func (s *Service) Payment(ctx context.Context, payer Payer, paymentID string) (Payment, error) {
	if !store.ValidID(paymentID) {
		return Payment{}, noPayment()
	}
	payment, found, err := customersPayment(ctx, s.DB, payer.Contact.CustomerID, paymentID)
	if err == nil && !found {
		err = noPayment()
	}
	return payment, err
}

func noPayment() error {
	return fault.New(fault.NotFound, "There is no such payment, or it is not yours to see.")
}

// Receipt reads a payment with its parts.
func (s *Service) Receipt(ctx context.Context, payer Payer, paymentID string) (Receipt, error) {
	payment, err := s.Payment(ctx, payer, paymentID)
	if err != nil {
		return Receipt{}, err
	}
	return s.receiptOf(ctx, payment)
}

func (s *Service) receiptOf(ctx context.Context, payment Payment) (Receipt, error) {
	shares, err := receiptShares(ctx, s.DB, payment.ID)
	if err != nil {
		return Receipt{}, err
	}
	bare := make([]Share, len(shares))
	for i := range shares {
		bare[i] = shares[i].Share
	}
	lines, err := receiptLines(ctx, s.DB, bare)
	if err != nil {
		return Receipt{}, err
	}
	returns, err := shareReturns(ctx, s.DB, bare)
	for i := range shares {
		shares[i].Lines, shares[i].Returns = lines[shares[i].ID], returns[shares[i].ID]
	}
	return Receipt{Payment: payment, Shares: shares}, err
}

// ListForCustomer pages through a customer's payments, newest first.
func (s *Service) ListForCustomer(ctx context.Context, customerID string, page store.PageRequest) ([]Payment, string, error) {
	return listPayments(ctx, s.DB, customerID, page)
}
