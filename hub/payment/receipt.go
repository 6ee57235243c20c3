package payment

import (
	"context"

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
}

// ReceiptLine is what one invoice got; CreditNumber set: by that credit.
type ReceiptLine struct {
	InvoiceID    string
	Number       string
	CreditNumber string
	Amount       int64 // of money: with LateFee
	LateFee      int64
	Discount     int64 // settled without money, beside Amount
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
	shares, err := receiptShares(ctx, s.DB, payment.ID)
	if err != nil {
		return Receipt{}, err
	}
	bare := make([]Share, len(shares))
	for i := range shares {
		bare[i] = shares[i].Share
	}
	lines, err := viewLines(ctx, s.DB, bare)
	if err != nil {
		return Receipt{}, err
	}
	for i := range shares {
		for _, line := range lines {
			if line.ShareID == shares[i].ID {
				shares[i].Lines = append(shares[i].Lines, ReceiptLine{InvoiceID: line.InvoiceID, Number: line.Number, CreditNumber: line.CreditNumber,
					Amount: line.Amount, LateFee: line.LateFee, Discount: line.Discount})
			}
		}
	}
	return Receipt{Payment: payment, Shares: shares}, nil
}

// ListForCustomer pages through a customer's payments, newest first.
func (s *Service) ListForCustomer(ctx context.Context, customerID string, page store.PageRequest) ([]Payment, string, error) {
	return listPayments(ctx, s.DB, customerID, page)
}
