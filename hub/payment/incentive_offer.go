package payment

import (
	"context"
	"strings"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/money"
)

// Offer is what paying all that is payable of an invoice comes to today, by
// money alone and by a method of the payer's choice.
type Offer struct {
	Payable    money.Amount
	Discount   int64 // of all that is payable; a part of it earns none
	LateFee    int64
	Waived     int64 // what LateFee would be
	Incentives []Incentive
}

// Charge is what would be charged.
func (o Offer) Charge() money.Amount {
	return money.New(o.Payable.Minor-o.Discount+o.LateFee, o.Payable.Currency)
}

// Note says it in words, with the dates until which it is so: "USD 98.00 if paid
// by 11 Dec (2 % discount)". Empty: nothing is off or on top.
func (o Offer) Note(today money.Date) string {
	var words []string
	for _, incentive := range o.Incentives {
		amount := money.New(incentive.Amount, o.Payable.Currency).String()
		switch incentive.Kind {
		case EarlyDiscount:
			less := money.New(o.Payable.Minor-incentive.Amount, o.Payable.Currency).String()
			words = append(words, less+" if paid by "+incentive.By.Human(today)+" ("+incentive.Rate.String()+" discount)")
		case LateFee:
			words = append(words, "plus a late fee of "+amount)
		case LateFeeWaived:
			words = append(words, "late fee of "+amount+" waived if paid by "+incentive.By.Human(today))
		}
	}
	return strings.Join(words, ", ")
}

// Offers are the offers on some invoices that have any, by invoice. It tells
// nobody: what shows them to a customer calls Shown.
func (s *Service) Offers(ctx context.Context, items []billing.Item) (map[string]Offer, error) {
	facts, err := s.incentiveFacts(ctx, s.DB, bare(items))
	if err != nil {
		return nil, err
	}
	offers := map[string]Offer{}
	for _, item := range items {
		list := facts.of(item.Invoice, item.Payable(), item.Payable(), MethodAny)
		if len(list) == 0 {
			continue
		}
		offer := Offer{Payable: money.New(item.Payable(), item.Currency), Incentives: list}
		offer.Discount, offer.LateFee, offer.Waived = sums(list)
		offers[item.ID] = offer
	}
	return offers, nil
}

// Shown notes that a customer was shown the offers on some invoices: the days in
// which a late fee is waived are counted from the first time.
func (s *Service) Shown(ctx context.Context, items []billing.Item) error {
	facts, err := s.incentiveFacts(ctx, s.DB, bare(items))
	if err != nil {
		return err
	}
	var notices []feeNotice
	for _, item := range items {
		notices = append(notices, facts.notices(item.Invoice, facts.of(item.Invoice, item.Payable(), item.Payable(), MethodAny))...)
	}
	if len(notices) == 0 {
		return nil
	}
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error { return insertNotices(ctx, tx, notices) })
}

func bare(items []billing.Item) []billing.Invoice {
	invoices := make([]billing.Invoice, len(items))
	for i, item := range items {
		invoices[i] = item.Invoice
	}
	return invoices
}

// Example is what an invoice would cost a customer under some settings, for a
// vendor that is about to make them: issued, due and paid on the given days.
func (in Incentives) Example(open money.Amount, issuedOn, dueOn, paidOn money.Date, method MethodClass) (charge money.Amount, list []Incentive) {
	invoice := billing.Invoice{IssuedOn: issuedOn, DueOn: dueOn, Currency: open.Currency, Total: open.Minor, SourceOpen: open.Minor, Open: open.Minor, Status: billing.Open}
	list = in.of(owing{invoice: invoice, today: paidOn, amount: open.Minor, pays: open.Minor, method: method})
	discount, fee, _ := sums(list)
	return money.New(open.Minor-discount+fee, open.Currency), list
}
