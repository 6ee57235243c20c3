package payment

import (
	"context"
	"fmt"
	"strings"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/mail/letter"
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
// more than was agreed to. A late fee counts as shown today: the payer agrees to it.
// One that is waived then is not, since nobody sees it.
func (s *Service) priceOnDate(ctx context.Context, tx bun.IDB, schedule *Schedule, lines []ScheduledLine, part CurrencyQuote, invoices map[string]billing.Invoice, method MethodClass, agreed int64) error {
	list := make([]billing.Invoice, 0, len(lines))
	for _, line := range lines {
		list = append(list, invoices[line.InvoiceID])
	}
	facts, err := s.incentiveFacts(ctx, tx, list)
	if err != nil {
		return err
	}
	earlier, err := plannedFor(ctx, tx, invoicesOf(lines), schedule.StartsAt)
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
		invoice.Held += earlier[invoice.ID] // this plan may be the one that takes the rest, and bears the fee
		incentives := then.of(invoice, line.Amount, lines[i].Pays, method)
		discount, fee, _ := sums(incentives)
		lines[i].Amount = lines[i].Pays - discount + fee
		schedule.Amount += lines[i].Amount
		if fee > 0 {
			notices = append(notices, facts.notices(invoice, incentives)...)
		}
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
	var why []string
	switch {
	case discount == line.Discount:
	case discount == 0:
		why = append(why, "Without the discount of "+whyOf(line.Incentives, EarlyDiscount, DebitDiscount)+".")
	default:
		why = append(why, "With another discount: "+whyOf(then, EarlyDiscount, DebitDiscount)+".")
	}
	switch {
	case fee > line.LateFee:
		why = append(why, "With a "+whyOf(then, LateFee)+".")
	case fee < line.LateFee:
		why = append(why, "Without its late fee.")
	}
	return strings.Join(why, " ")
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

// leftOut takes out of a quote what a plan promised to pay for less, and says how
// much each costs now. What is kept can be quoted again as it is.
func leftOut(lines []ScheduledLine, selection Selection, part CurrencyQuote) (kept Selection, out []Difference) {
	promised := make(map[string]int64, len(lines))
	for _, line := range lines {
		promised[line.InvoiceID] = line.Amount
	}
	dear := map[string]bool{}
	for _, vendor := range part.Vendors {
		for _, line := range vendor.Lines {
			if line.Charge > promised[line.InvoiceID] {
				dear[line.InvoiceID] = true
				out = append(out, Difference{InvoiceID: line.InvoiceID, Number: line.Number, Currency: part.Currency, Was: promised[line.InvoiceID], Is: line.Charge,
					Charge: true, Why: whyOf(line.Incentives, LateFee)})
			}
		}
	}
	kept = selection
	kept.Invoices = nil
	for _, wish := range selection.Invoices {
		if !dear[wish.InvoiceID] {
			kept.Invoices = append(kept.Invoices, wish)
		}
	}
	return kept, out
}

// leftOutWords name what a plan leaves out: "INV-1 (EUR 102.00 instead of
// EUR 100.00)". Of many only the first.
func leftOutWords(out []Difference) string {
	const most = 10
	words := make([]string, 0, min(len(out), most+1))
	for _, d := range out[:min(len(out), most)] {
		text := fmt.Sprintf("%s (%s instead of %s", d.Number, money.New(d.Is, d.Currency), money.New(d.Was, d.Currency))
		if d.Why != "" {
			text += ", with a " + d.Why
		}
		words = append(words, text+")")
	}
	if more := len(out) - most; more > 0 {
		words = append(words, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(words, ", ")
}

// tellLeftOut notes on invoices that a plan did not pay them, and tells the payer
// what it pays instead.
func (s *Service) tellLeftOut(ctx context.Context, tx bun.IDB, schedule Schedule, out []Difference, paid CurrencyQuote) error {
	ids := make([]string, len(out))
	for i, d := range out {
		ids[i] = d.InvoiceID
	}
	invoices, _, err := s.Billing.LockTx(ctx, tx, ids, nil)
	if err != nil {
		return err
	}
	notes := make([]billing.Note, 0, len(out))
	for _, d := range out {
		notes = append(notes, billing.Note{Invoice: invoices[d.InvoiceID], Kind: "scheduled", Text: fmt.Sprintf("Left out of the payment that was planned for %s: it would cost %s, and %s was planned.",
			schedule.PayOn.Human(""), money.New(d.Is, d.Currency), money.New(d.Was, d.Currency))})
	}
	if err := s.Billing.NoteTx(ctx, tx, notes...); err != nil {
		return err
	}
	return s.mailSchedule(ctx, tx, schedule, letter.Schedule{Kind: letter.ScheduleLeftOut, Reason: leftOutWords(out), Charged: money.New(paid.Charge, paid.Currency), Vendors: quotedVendors(paid)})
}

func quotedVendors(part CurrencyQuote) []letter.ScheduleVendor {
	vendors := make([]letter.ScheduleVendor, 0, len(part.Vendors))
	for _, vendor := range part.Vendors {
		told := letter.ScheduleVendor{Name: vendor.Name, Amount: money.New(vendor.Charge, part.Currency)}
		for _, line := range vendor.Lines {
			told.Lines = append(told.Lines, letter.VendorLine{Invoice: line.Number, Amount: money.New(line.Charge, part.Currency)})
		}
		vendors = append(vendors, told)
	}
	return vendors
}
