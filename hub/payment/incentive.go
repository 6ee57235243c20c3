package payment

import (
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/money"
)

// Incentives are what one vendor takes off or adds to what its customers pay
// here. The zero value takes and adds nothing.
//
// Every day is a plain date in the vendor's own time zone, and the day that
// counts is the one on which a checkout begins: a bank debit takes days to
// arrive. Rates are rounded half up to whole minor units.
type Incentives struct {
	bun.BaseModel `bun:"table:incentives,alias:inc"`
	VendorID      string        `bun:"vendor_id,pk"`
	EarlyRate     money.Rate    `bun:"early_rate"` // for paying all that is open within EarlyDays of the invoice's date
	EarlyDays     int           `bun:"early_days"`
	FromTerms     bool          `bun:"from_terms"` // a discount that the terms of invoice or account name goes before EarlyRate
	DebitRate     money.Rate    `bun:"debit_rate"` // for paying by bank debit
	DebitMost     money.Amounts `bun:"debit_most"` // per invoice; a currency that is not named has no bound
	LateRate      money.Rate    `bun:"late_rate"`  // of what money pays, from LateDays after the due date on
	LateFixed     money.Amounts `bun:"late_fixed"` // beside LateRate
	LateMost      money.Amounts `bun:"late_most"`
	LateDays      int           `bun:"late_days"`
	WaivedBy      money.Date    `bun:"waived_by,nullzero"` // whoever pays by this day pays no late fee; empty: no such day
	WaivedDays    int           `bun:"waived_days"`        // nor who pays within so many days of first being shown it; 0: off
	UpdatedAt     time.Time     `bun:"updated_at"`
}

// IncentiveKind is what an incentive is for.
type IncentiveKind string

// The kinds of incentives.
const (
	EarlyDiscount IncentiveKind = "early payment"
	DebitDiscount IncentiveKind = "bank debit"
	LateFee       IncentiveKind = "late fee"
	LateFeeWaived IncentiveKind = "late fee waived"
)

// Incentive is one sum that a vendor takes off, adds, or does not add to one
// invoice.
type Incentive struct {
	Kind   IncentiveKind `json:"kind"`
	Amount int64         `json:"amount"`         // minor units, more than nothing
	Rate   money.Rate    `json:"rate,omitempty"` // of a discount
	Why    string        `json:"why"`            // for the payer, with its dates: "2 % for paying by 11 Dec"
	By     money.Date    `json:"by,omitempty"`   // the last day on which it is so; empty: no such day
}

// owing is one invoice as incentives look at it.
type owing struct {
	invoice billing.Invoice
	terms   string      // of its account
	today   money.Date  // in the vendor's zone
	amount  int64       // money and credits together
	pays    int64       // what money pays of it, before incentives
	method  MethodClass // MethodBankDebit: by bank debit alone
	excused bool        // of the late fee: it was charged before, or the invoice is disputed
	shownOn money.Date  // when its late fee was first shown; empty: not yet
}

// of are the incentives on one invoice: discounts first. Together discounts stay
// below what money pays, so that something is left to pay; credits were taken
// off before, and earn none. A part of an invoice earns no discount for paying
// early, and bears no late fee: the payment that takes the rest does.
func (in Incentives) of(o owing) []Incentive {
	if o.pays <= 0 {
		return nil
	}
	var list []Incentive
	left := o.pays - 1
	for _, discount := range []Incentive{in.early(o), in.debit(o)} {
		if discount.Amount = min(discount.Amount, left); discount.Amount > 0 {
			left -= discount.Amount
			list = append(list, discount)
		}
	}
	if fee := in.late(o); fee.Amount > 0 {
		list = append(list, fee)
	}
	return list
}

// early is the discount for paying all that is open early.
func (in Incentives) early(o owing) Incentive {
	rate, days := in.earlyTerms(o)
	if rate == 0 || days == 0 || o.invoice.IssuedOn == "" || o.amount != o.invoice.Open {
		return Incentive{}
	}
	last := o.invoice.IssuedOn.AddDays(days)
	if o.today > last {
		return Incentive{}
	}
	return Incentive{Kind: EarlyDiscount, Amount: rate.Of(o.pays), Rate: rate, Why: rate.String() + " for paying by " + last.Human(o.today), By: last}
}

// earlyTerms are what the terms of the invoice say, of the account where the
// invoice has none, else what the vendor gives everybody.
func (in Incentives) earlyTerms(o owing) (money.Rate, int) {
	if in.FromTerms {
		terms := o.invoice.Terms
		if strings.TrimSpace(terms) == "" {
			terms = o.terms
		}
		if rate, days, ok := money.DiscountTerms(terms); ok {
			return rate, days
		}
	}
	return in.EarlyRate, in.EarlyDays
}

// debit is the discount for paying by bank debit.
func (in Incentives) debit(o owing) Incentive {
	if o.method != MethodBankDebit || in.DebitRate == 0 {
		return Incentive{}
	}
	amount, why := in.DebitRate.Of(o.pays), in.DebitRate.String()+" for paying by bank debit"
	if most, bounded := in.DebitMost[o.invoice.Currency]; bounded && amount > most {
		amount, why = most, why+", at most "+money.New(most, o.invoice.Currency).String()
	}
	return Incentive{Kind: DebitDiscount, Amount: amount, Rate: in.DebitRate, Why: why}
}

// late is the late fee of an invoice, or that it is waived.
func (in Incentives) late(o owing) Incentive {
	fixed := in.LateFixed[o.invoice.Currency]
	if o.excused || o.invoice.DueOn == "" || in.LateRate == 0 && fixed == 0 || o.amount != o.invoice.Payable() {
		return Incentive{}
	}
	from := o.invoice.DueOn.AddDays(max(1, in.LateDays))
	if o.today < from {
		return Incentive{}
	}
	fee := Incentive{Kind: LateFee, Amount: in.LateRate.Of(o.pays) + fixed}
	why := "late fee of " + in.lateWords(fixed, o.invoice.Currency)
	if most, bounded := in.LateMost[o.invoice.Currency]; bounded && fee.Amount > most {
		fee.Amount, why = most, why+", at most "+money.New(most, o.invoice.Currency).String()
	}
	fee.Amount = min(fee.Amount, money.MaxMinor)
	fee.Why = why + ", as it was not paid by " + from.AddDays(-1).Human(o.today)
	if until := in.waivedUntil(o, from); o.today <= until {
		fee.Kind, fee.By, fee.Why = LateFeeWaived, until, why+", waived for paying by "+until.Human(o.today)
	}
	return fee
}

func (in Incentives) lateWords(fixed int64, currency money.Currency) string {
	var parts []string
	if in.LateRate > 0 {
		parts = append(parts, in.LateRate.String())
	}
	if fixed > 0 {
		parts = append(parts, money.New(fixed, currency).String())
	}
	return strings.Join(parts, " and ")
}

// waivedUntil is the last day without a late fee that begins on a day; empty:
// there is none. Who was shown the fee before that day, planning a payment, loses
// none of the days.
func (in Incentives) waivedUntil(o owing, from money.Date) money.Date {
	until := in.WaivedBy
	if in.WaivedDays > 0 {
		shown := o.shownOn
		if shown == "" {
			shown = o.today
		}
		until = max(until, max(shown, from).AddDays(in.WaivedDays))
	}
	return until
}

// sums are a list's discounts, late fee and what of it is waived.
func sums(list []Incentive) (discount, fee, waived int64) {
	for _, incentive := range list {
		switch incentive.Kind {
		case EarlyDiscount, DebitDiscount:
			discount += incentive.Amount
		case LateFee:
			fee += incentive.Amount
		case LateFeeWaived:
			waived += incentive.Amount
		}
	}
	return discount, fee, waived
}

// whyOf are the reasons of some kinds, one after the other.
func whyOf(list []Incentive, kinds ...IncentiveKind) string {
	var words []string
	for _, incentive := range list {
		for _, kind := range kinds {
			if incentive.Kind == kind {
				words = append(words, incentive.Why)
			}
		}
	}
	return strings.Join(words, ", ")
}
