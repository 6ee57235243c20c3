package payment

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/money"
)

// DearerError says that a payment comes to more on the date for which it was to
// be planned than the payer saw: a discount has ended by then, or a late fee has
// begun. Nothing is planned; it can be asked for again with Total agreed to.
type DearerError struct {
	PayOn       money.Date
	Total       money.Amount // what it comes to then
	Differences []Difference // of each invoice that costs more or less then
}

func (e *DearerError) Error() string {
	return fmt.Sprintf("on %s it comes to %s", e.PayOn, e.Total)
}

// methodOf is how a kept means of payment counts in a quote.
func (s *Service) methodOf(method SavedMethod, currency money.Currency) MethodClass {
	if method.Class == MethodBankDebit && s.takesDebit(currency) {
		return MethodBankDebit
	}
	return MethodAny
}

// keepsDiscount refuses a card for what was quoted as a bank debit.
func (s *Service) keepsDiscount(quoted MethodClass, method SavedMethod) error {
	if quoted == MethodBankDebit && method.Class != MethodBankDebit {
		return fault.At("method", "These amounts are for a bank debit, and %s is none. Choose a bank account, or press \u201cPay another way\u201d to see the amounts for it.", method.Name())
	}
	return nil
}

// priceOnDate sets what is charged for the lines of a plan on its day, and refuses
// more than was agreed to. The days in which a late fee is waived count from today,
// since the payer is shown it now.
func (s *Service) priceOnDate(ctx context.Context, tx bun.IDB, schedule *Schedule, lines []ScheduledLine, part CurrencyQuote, invoices map[string]billing.Invoice, method MethodClass, agreed int64) error {
	list := make([]billing.Invoice, 0, len(lines))
	for _, line := range lines {
		list = append(list, invoices[line.InvoiceID])
	}
	facts, err := s.incentiveFacts(ctx, tx, list)
	if err != nil {
		return err
	}
	then := facts.at(schedule.StartsAt, list)
	quoted := quotedLines(part)
	dearer := &DearerError{PayOn: schedule.PayOn}
	var notices []feeNotice
	schedule.Amount = 0
	for i := range lines {
		invoice, line := invoices[lines[i].InvoiceID], quoted[lines[i].InvoiceID]
		incentives := then.of(invoice, line.Amount, lines[i].Pays, method)
		discount, fee, _ := sums(incentives)
		lines[i].Amount = lines[i].Pays - discount + fee
		schedule.Amount += lines[i].Amount
		notices = append(notices, facts.notices(invoice, incentives)...)
		if difference, differs := compareIncentives(line, part.Currency, incentives); differs {
			difference.Why = whyThen(line, incentives)
			dearer.Differences = append(dearer.Differences, difference)
		}
	}
	if agreed == 0 {
		agreed = part.Charge
	}
	if schedule.Amount > agreed {
		dearer.Total = money.New(schedule.Amount, schedule.Currency)
		return dearer
	}
	return insertNotices(ctx, tx, notices)
}

// whyThen says why an invoice costs another amount on a later day.
func whyThen(line QuoteLine, then []Incentive) string {
	discount, fee, _ := sums(then)
	switch {
	case fee > line.LateFee:
		return "With a " + whyOf(then, LateFee) + "."
	case fee < line.LateFee:
		return "Without its late fee."
	case discount == 0:
		return "Without the discount of " + whyOf(line.Incentives, EarlyDiscount, DebitDiscount) + "."
	}
	return "With another discount: " + whyOf(then, EarlyDiscount, DebitDiscount) + "."
}

func quotedLines(part CurrencyQuote) map[string]QuoteLine {
	lines := map[string]QuoteLine{}
	for _, vendor := range part.Vendors {
		for _, line := range vendor.Lines {
			lines[line.InvoiceID] = line
		}
	}
	return lines
}

// leftOut takes out of a quote what a plan promised to pay for less, and says of
// each line why. What is left can be quoted again as it is.
func leftOut(lines []ScheduledLine, selection Selection, part CurrencyQuote) (Selection, []string) {
	promised := make(map[string]int64, len(lines))
	for _, line := range lines {
		promised[line.InvoiceID] = line.Amount
	}
	dear := map[string]bool{}
	var why []string
	for _, vendor := range part.Vendors {
		for _, line := range vendor.Lines {
			if line.Charge > promised[line.InvoiceID] {
				dear[line.InvoiceID] = true
				why = append(why, fmt.Sprintf("Invoice %s was left out: it now costs %s, and you planned %s.", line.Number, money.New(line.Charge, part.Currency),
					money.New(promised[line.InvoiceID], part.Currency)))
			}
		}
	}
	kept := selection
	kept.Invoices = nil
	for _, wish := range selection.Invoices {
		if !dear[wish.InvoiceID] {
			kept.Invoices = append(kept.Invoices, wish)
		}
	}
	return kept, why
}
