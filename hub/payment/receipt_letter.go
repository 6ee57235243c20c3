package payment

import (
	"context"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/mail/letter"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/party"
)

// ReceiptLetter is what the receipt of a payment says, on paper as by mail, in
// the payer's zone. Who paid is left open: not every reader may know.
// fault.NotFound for another customer's payment; fault.Conflict while there is
// nothing to give a receipt for.
func (s *Service) ReceiptLetter(ctx context.Context, payer Payer, paymentID string) (letter.Receipt, error) {
	receipt, err := s.Receipt(ctx, payer, paymentID)
	if err != nil {
		return letter.Receipt{}, err
	}
	if !receipt.Payment.Status.booked() {
		return letter.Receipt{}, noReceipt(receipt.Payment)
	}
	return s.letterOf(receipt, payer.Contact), nil
}

func noReceipt(payment Payment) error {
	switch payment.Status {
	case Pending:
		return fault.New(fault.Conflict, "There is no receipt: this payment is not finished. Nothing has been charged.")
	case Processing:
		return fault.New(fault.Conflict, "There is no receipt yet: the money is on its way. The receipt is made when the payment is settled, and comes by mail.")
	}
	return fault.New(fault.Conflict, "There is no receipt: nothing was paid.")
}

func (s *Service) letterOf(receipt Receipt, reader party.Contact) letter.Receipt {
	p := receipt.Payment
	of := func(minor int64) money.Amount { return money.New(minor, p.Currency) }
	out := letter.Receipt{Today: money.DateOf(s.Now(), reader.Zone()), ContactName: reader.Name, Number: p.Number, Status: string(p.Status),
		Charged: of(p.Captured), Credits: of(0), Discount: of(0), LateFee: of(0), Unapplied: of(p.Unapplied), Refunded: of(0), ChargedBack: of(0),
		Method: p.methodWords(), At: p.SettledAt, Zone: reader.Zone().String(), URL: s.PublicURL + "/pay/" + p.ID, Footer: s.Footer}
	for _, share := range receipt.Shares {
		out.Credits.Minor += share.CreditAmount
		out.Discount.Minor += share.Discount
		out.LateFee.Minor += share.LateFee
		out.Refunded.Minor += share.Refunded
		out.ChargedBack.Minor += share.ChargedBack
		out.Vendors = append(out.Vendors, share.letter())
	}
	return out
}

// methodWords is how it was paid, as the payer knows it: "Visa ending 4242".
func (p Payment) methodWords() string {
	if p.MethodDetail != "" {
		return p.MethodDetail
	}
	return p.Method
}

func (r ReceiptShare) letter() letter.ReceiptVendor {
	of := func(minor int64) money.Amount { return money.New(minor, r.Currency) }
	out := letter.ReceiptVendor{Name: r.VendorName, Reference: r.Reference, Amount: of(r.Amount), Unapplied: of(r.Unapplied), State: r.stateWords()}
	for _, part := range InvoiceParts(r.Lines) {
		line := letter.ReceiptLine{Invoice: part.Number, Account: part.Account, Settled: of(part.Settled()), Credit: of(part.Credit),
			Discount: of(part.Discount), LateFee: of(part.LateFee), Paid: of(part.Amount)}
		for _, credit := range part.Credits {
			line.Credits = append(line.Credits, letter.ReceiptCredit{Number: credit.Number, Amount: of(credit.Amount)})
		}
		out.Lines = append(out.Lines, line)
	}
	for _, back := range r.Returns {
		what := back.Kind.Words()
		if !back.Done {
			what += ", on its way"
		}
		out.Returns = append(out.Returns, letter.ReceiptReturn{What: what, At: back.Asked, Amount: of(back.Amount)})
	}
	return out
}

func (r ReceiptShare) stateWords() string {
	switch {
	case r.Status == Refunded:
		return "refunded"
	case r.Status == ChargedBack:
		return "charged back"
	case r.Amount == 0:
		return "settled by credits"
	case r.TransferState == "done":
		return "sent to the vendor"
	}
	return "paid, on its way to the vendor"
}
