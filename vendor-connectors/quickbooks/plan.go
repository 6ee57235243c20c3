package quickbooks

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"slices"
	"strings"

	"github.com/sheaf-hub/sheaf/hub/money"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

const (
	mostReference   = 200 // bytes; QuickBooks keeps 4,000 characters of a note
	mostPaymentLine = 500
	mostNumber      = 21 // characters of PaymentRefNum and DocNumber
)

// notePrefix begins the private note of what we book. Our reference follows it.
const notePrefix = "Sheaf payment "

// number is our reference as QuickBooks keeps it in a field that queries can find: the
// reference itself when it fits, and else 75 bits of its hash.
func number(reference string) string {
	const prefix = "SHEAF-"
	if len(reference) <= mostNumber && !strings.HasPrefix(reference, prefix) {
		return reference
	}
	sum := sha256.Sum256([]byte(reference))
	return prefix + base32.HexEncoding.EncodeToString(sum[:])[:mostNumber-len(prefix)]
}

// reference is the one of ours that a payment carries: the whole of it stands in the
// note, and where somebody changed that, what fits in its number.
func (w wirePayment) reference() string {
	first, _, _ := strings.Cut(w.PrivateNote, "\n")
	if reference, ours := strings.CutPrefix(strings.TrimSpace(first), notePrefix); ours {
		return clip(strings.TrimSpace(reference), mostReference)
	}
	return clip(w.PaymentRefNum, mostNumber)
}

// plan is a payment as QuickBooks will hold it: one payment per customer, because a
// payment there is of one.
type plan struct {
	reference string
	date      money.Date
	currency  money.Currency
	clearing  bool
	shares    []share // by invoice
}

// share is what one invoice gets.
type share struct {
	invoice                  string
	money, discount, lateFee int64 // minor units; money is without the late fee
	credits                  []use
}

// use is an amount of a credit memo that goes to an invoice.
type use struct {
	credit string // QuickBooks' own id
	minor  int64
}

func (s share) total() int64 {
	total := s.money + s.discount
	for _, one := range s.credits {
		total += one.minor
	}
	return total
}

// newPlan checks a payment before anything of it is booked.
func newPlan(payment connectors.Payment) (plan, error) {
	p := plan{reference: payment.Reference, clearing: payment.Clearing}
	if p.reference == "" || len(p.reference) > mostReference || strings.ContainsFunc(p.reference, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`'"\`, r) }) {
		return p, refused("a payment's reference has 1 to %d plain characters, without spaces and quotes", mostReference)
	}
	var err error
	if p.date, err = money.ParseDate(payment.Date); err != nil {
		return p, refused("the date of the payment: %s", err)
	}
	if p.currency, err = money.ParseCurrency(payment.Currency); err != nil {
		return p, refused("the currency of the payment: %s", err)
	}
	if len(payment.Lines) == 0 || len(payment.Lines) > mostPaymentLine {
		return p, refused("a payment has 1 to %d lines, this one has %d", mostPaymentLine, len(payment.Lines))
	}
	for _, line := range payment.Lines {
		if err := p.add(line); err != nil {
			return p, err
		}
	}
	p.shares = slices.DeleteFunc(p.shares, func(s share) bool { return s.total() == 0 })
	if len(p.shares) == 0 {
		return p, refused("the payment has nothing for any invoice")
	}
	return p, nil
}

// add puts a line into the plan. Lines of one invoice become one share.
func (p *plan) add(line connectors.PaymentLine) error {
	if !isID(line.Invoice) {
		return refused("%q is no invoice of QuickBooks", clip(line.Invoice, 60))
	}
	amount, err := p.part(line.Amount)
	if err != nil {
		return err
	}
	fee, err := p.part(line.LateFee)
	if err != nil {
		return err
	}
	discount, err := p.part(line.Discount)
	if err != nil {
		return err
	}
	credit, isCredit := strings.CutPrefix(line.Credit, creditPrefix)
	switch {
	case fee > amount:
		return refused("the late fee is larger than the amount of its line")
	case line.Credit != "" && (!isCredit || !isID(credit)):
		return refused("%q is no credit memo of QuickBooks", clip(line.Credit, 60))
	case line.Credit != "" && (fee > 0 || discount > 0):
		return refused("a credit pays no late fee and earns no discount")
	}
	s := p.share(line.Invoice)
	if line.Credit != "" {
		s.use(credit, amount)
		return p.bounded(s)
	}
	s.money, s.discount, s.lateFee = s.money+amount-fee, s.discount+discount, s.lateFee+fee
	return p.bounded(s)
}

// bounded keeps sums within what an amount can be.
func (p *plan) bounded(s *share) error {
	if s.total() > money.MaxMinor || s.lateFee > money.MaxMinor {
		return refused("the lines of invoice %s come to more than an amount can be", s.invoice)
	}
	return nil
}

func (p *plan) share(invoice string) *share {
	at := slices.IndexFunc(p.shares, func(s share) bool { return s.invoice == invoice })
	if at < 0 {
		at = len(p.shares)
		p.shares = append(p.shares, share{invoice: invoice})
	}
	return &p.shares[at]
}

func (s *share) use(credit string, minor int64) {
	at := slices.IndexFunc(s.credits, func(u use) bool { return u.credit == credit })
	if at < 0 {
		s.credits = append(s.credits, use{credit: credit, minor: minor})
		return
	}
	s.credits[at].minor += minor
}

func (p *plan) part(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	amount, err := money.Parse(text, p.currency)
	if err != nil || amount.Minor < 0 {
		return 0, refused("%q is not an amount of %s", clip(text, 40), p.currency)
	}
	return amount.Minor, nil
}

func (p *plan) decimal(minor int64) string { return money.New(minor, p.currency).Decimal() }

// invoices and credits are the ids of the plan, each once.
func (p *plan) invoices() []string {
	ids := make([]string, len(p.shares))
	for i, one := range p.shares {
		ids[i] = one.invoice
	}
	return ids
}

func (p *plan) credits() []string {
	var ids []string
	for _, one := range p.shares {
		for _, use := range one.credits {
			if use.minor > 0 && !slices.Contains(ids, use.credit) {
				ids = append(ids, use.credit)
			}
		}
	}
	return ids
}

// group is the part of a plan that is of one customer.
type group struct {
	*plan
	customer string
	shares   []share
}

// sums of a group, in minor units.
func (g group) money() int64 {
	return g.sum(func(s share) int64 { return s.money })
}

func (g group) discount() int64 {
	return g.sum(func(s share) int64 { return s.discount })
}

func (g group) lateFee() int64 {
	return g.sum(func(s share) int64 { return s.lateFee })
}

func (g group) sum(of func(share) int64) int64 {
	sum := int64(0)
	for _, one := range g.shares {
		sum += of(one)
	}
	return sum
}

// uses are the credits of a group, each once, in the order of the plan.
func (g group) uses() []use {
	var whole share
	for _, one := range g.shares {
		for _, use := range one.credits {
			if use.minor > 0 {
				whole.use(use.credit, use.minor)
			}
		}
	}
	return whole.credits
}

// note is the private note of the booking.
func (g group) note() string {
	text := notePrefix + g.reference
	if fee := g.lateFee(); fee > 0 {
		text += fmt.Sprintf("\nA late fee of %s %s was paid beside it. It is on no invoice and is not booked here.", g.currency, g.decimal(fee))
	}
	return text
}
