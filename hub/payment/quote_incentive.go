package payment

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/money"
)

// DebitTaker is a gateway that says in which currencies it takes bank debits;
// of one that does not say, all that it takes.
type DebitTaker interface {
	TakesDebit(currency money.Currency) bool
}

func (s *Service) takesDebit(currency money.Currency) bool {
	taker, says := s.Gateway.(DebitTaker)
	return !says || taker.TakesDebit(currency)
}

// setIncentives puts discounts and late fees on the lines, after their credits.
func (s *Service) setIncentives(ctx context.Context, tx bun.IDB, methods map[money.Currency]MethodClass, lines []*wished) error {
	for currency, method := range methods {
		if method != MethodAny && (method != MethodBankDebit || !s.takesDebit(currency)) {
			return fault.At("method", "Payments in %s cannot be restricted to this method.", currency)
		}
	}
	invoices := make([]billing.Invoice, len(lines))
	for i, line := range lines {
		invoices[i] = line.item.Invoice
	}
	facts, err := s.incentiveFacts(ctx, tx, invoices)
	if err != nil {
		return err
	}
	var notices []feeNotice
	for _, line := range lines {
		invoice, pays, method := line.item.Invoice, line.line.Charge, methods[line.item.Currency]
		line.line.set(facts.of(invoice, line.line.Amount, pays, method), pays)
		notices = append(notices, facts.notices(invoice, line.line.Incentives)...)
		if method == MethodAny && s.takesDebit(invoice.Currency) {
			other, _, _ := sums(facts.of(invoice, line.line.Amount, pays, MethodBankDebit))
			line.debitSaving = other - line.line.Discount
		}
	}
	return insertNotices(ctx, tx, notices)
}

// set puts incentives on a line of which money pays so much without them.
func (l *QuoteLine) set(list []Incentive, pays int64) {
	l.Incentives = list
	l.Discount, l.LateFee, l.LateFeeWaived = sums(list)
	l.Charge = pays - l.Discount + l.LateFee
}

// pays is what money pays of the line without its incentives.
func (l QuoteLine) pays() int64 { return l.Charge + l.Discount - l.LateFee }

// compareIncentives says what is different when the incentives on a line are not
// what the payer saw: the day or the vendor's settings have changed.
func compareIncentives(line QuoteLine, currency money.Currency, now []Incentive) (Difference, bool) {
	discount, fee, _ := sums(now)
	if discount == line.Discount && fee == line.LateFee {
		return Difference{}, false
	}
	difference := Difference{InvoiceID: line.InvoiceID, Number: line.Number, Currency: currency, Charge: true,
		Was: line.Charge, Is: line.pays() - discount + fee}
	switch {
	case fee > line.LateFee:
		difference.Why = "It now bears a " + whyOf(now, LateFee) + "."
	case fee < line.LateFee:
		difference.Why = "Its late fee no longer applies."
	case discount == 0:
		difference.Why = "The discount has ended: " + whyOf(line.Incentives, EarlyDiscount, DebitDiscount) + "."
	default:
		difference.Why = "Its discount is another one now: " + whyOf(now, EarlyDiscount, DebitDiscount) + "."
	}
	return difference, true
}

// gatewayLines are a quoted invoice as the gateway's page names it: what is paid
// of it, and its late fee.
func (l QuoteLine) gatewayLines(vendor string, currency money.Currency) []CheckoutLine {
	if l.Charge == 0 {
		return nil
	}
	first := CheckoutLine{Vendor: vendor, Number: l.Number, Amount: money.New(l.Charge-l.LateFee, currency)}
	if l.Discount > 0 {
		first.Note = "less " + money.New(l.Discount, currency).String() + ": " + whyOf(l.Incentives, EarlyDiscount, DebitDiscount)
	}
	lines := []CheckoutLine{first}
	if l.LateFee > 0 {
		lines = append(lines, CheckoutLine{Vendor: vendor, Number: l.Number, Amount: money.New(l.LateFee, currency), Note: whyOf(l.Incentives, LateFee)})
	}
	return lines
}
