package einvoice

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/sheaf-hub/sheaf/hub/money"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

// facts are the elements of a file that matter, still as written. Both
// syntaxes end here, so that the same invoice gives the same record.
type facts struct {
	root        *node
	syntax      string
	creditRoot  bool // the root element says that it is a credit note
	number      *node
	typeCode    *node
	issued      *node
	currency    *node
	payable     *node
	total       *node
	prepaid     *node
	order       *node
	notes       []*node
	terms       []*node
	due         []dueDate
	discounts   []*node
	buyer       buyer
	attachments []attachment
	lines       []connectors.Line
	cut         bool
}

type dueDate struct {
	at    *node
	early bool // the date of an offer of discount, not of the debt
}

type buyer struct {
	name, contact, phone *node
	ids                  []*node // best first; nil where there is none
	emails               []*node
}

// creditCodes are the document types of UNTDID 1001 that credit the buyer.
var creditCodes = map[string]bool{
	"81": true, "83": true, "261": true, "262": true, "296": true, "308": true,
	"381": true, "396": true, "420": true, "458": true, "532": true,
}

// assembly builds a Result and gathers what is wrong on the way.
type assembly struct {
	facts  *facts
	result Result
	broken bool // something that a record cannot be without
}

func (f *facts) result(file string, limits Limits) Result {
	a := &assembly{facts: f, result: Result{File: file, Syntax: f.syntax, TypeCode: f.typeCode.value()}}
	a.identify()
	a.readAmounts()
	a.readDates()
	a.readAccount()
	a.result.Documents = a.readAttachments(limits)
	if f.cut {
		a.say("/lines", nil, fmt.Sprintf("only the first %d lines are kept for reading", limits.Lines))
	}
	if !a.broken {
		a.build()
	}
	return a.result
}

// say notes something that does not stop the record; refuse something that does.
func (a *assembly) say(field string, at *node, message string) {
	if at != nil {
		message = at.place() + ": " + message
	}
	a.result.Problems = append(a.result.Problems, connectors.Problem{Field: field, Message: message})
}

func (a *assembly) refuse(field string, at *node, message string) {
	a.broken = true
	a.say(field, at, message)
}

func (a *assembly) identify() {
	f := a.facts
	a.result.Number = plainText(f.number.value(), 200)
	if a.result.Number == "" {
		a.refuse("/number", f.root, "the invoice has no number")
	}
	code := firstOf(f.currency, currencyAttr(f.payable))
	currency, err := money.ParseCurrency(code.value())
	switch {
	case code == nil:
		a.refuse("/currency", f.root, "the invoice names no currency")
	case err != nil:
		a.refuse("/currency", f.currency, err.Error())
	}
	a.result.Currency = currency
	a.result.Kind = KindInvoice
	if f.creditRoot || creditCodes[f.typeCode.value()] {
		a.result.Kind = KindCredit
	}
}

// currencyAttr makes the currency of an amount readable as if it were an
// element, for UBL files that name it nowhere else.
func currencyAttr(amount *node) *node {
	code := amount.attr("currencyID")
	if code == "" {
		return nil
	}
	return &node{name: "currencyID", text: code, line: amount.line, column: amount.column}
}

// readAmounts takes both amounts as written. A negative payable amount on an
// invoice is a credit; one on a credit note stays a credit, since nobody
// should be chased for what a paper calls a credit, and is pointed out.
func (a *assembly) readAmounts() {
	f := a.facts
	if a.result.Currency == "" {
		return
	}
	if f.payable == nil && (f.total == nil || strings.Trim(f.prepaid.value(), "0.") != "") {
		a.refuse("/open", f.root, "the invoice has no payable amount")
		return
	}
	if f.payable == nil { // the basic profile of ZUGFeRD 1 has none
		f.payable = f.total
		a.say("/open", f.total, "there is no payable amount; nothing is said to be prepaid, so the total counts")
	}
	open, ok := a.amount("/open", f.payable)
	if !ok {
		a.broken = true
		return
	}
	total := open
	if f.total != nil && f.total != f.payable {
		if total, ok = a.amount("/total", f.total); !ok {
			total = open // the total is for reading; what is payable counts
		}
	}
	if open.Minor < 0 || (open.Minor == 0 && total.Minor < 0) {
		if a.result.Kind == KindCredit {
			a.say("/open", f.payable, "a credit note with a negative amount is read as a credit of that amount; look whether an invoice was meant")
		}
		a.result.Kind = KindCredit
	}
	a.result.Open, a.result.Total = magnitude(open), magnitude(total)
	if a.result.Open.Minor > a.result.Total.Minor {
		a.say("/total", f.payable, fmt.Sprintf("%s is payable, more than the total with tax of %s; the payable amount counts as the total",
			a.result.Open, a.result.Total))
		a.result.Total = a.result.Open
	}
}

func magnitude(a money.Amount) money.Amount {
	if a.Minor < 0 {
		return a.Neg()
	}
	return a
}

// amount reads an amount; false when it cannot be read, with the problem noted.
func (a *assembly) amount(field string, at *node) (money.Amount, bool) {
	currency := a.result.Currency
	if own := at.attr("currencyID"); own != "" && !strings.EqualFold(own, string(currency)) {
		a.say(field, at, fmt.Sprintf("the amount is in %s, the invoice in %s", clip(own), currency))
		return money.Amount{}, false
	}
	amount, err := money.Parse(plainDecimal(at.value()), currency)
	if err != nil {
		message := err.Error()
		if errors.Is(err, money.ErrPrecision) {
			message = fmt.Sprintf("%q has more digits than %s has (%d)", clip(at.value()), currency, currency.Digits())
		}
		a.say(field, at, message)
		return money.Amount{}, false
	}
	return amount, true
}

// plainDecimal rewrites what xsd:decimal allows beyond money.Parse: a leading
// plus, ".5" and "5.".
func plainDecimal(text string) string {
	text = strings.TrimPrefix(text, "+")
	body, negative := strings.CutPrefix(text, "-")
	whole, fraction, dotted := strings.Cut(body, ".")
	if dotted && whole == "" && fraction != "" {
		whole = "0"
	}
	body = whole
	if dotted && fraction != "" {
		body += "." + fraction
	}
	if negative {
		return "-" + body
	}
	return body
}

var digitsOnly = regexp.MustCompile(`^[0-9]+$`)

// parseDate reads xsd:date (with or without zone) and the UNTDID 2379 formats
// that carry a whole day with a four-digit year.
func parseDate(at *node) (money.Date, error) {
	text := at.value()
	switch format := at.attr("format"); {
	case (format == "102" || format == "" || format == "203" || format == "204") && digitsOnly.MatchString(text) && len(text) >= 8:
		return money.ParseDate(text[:4] + "-" + text[4:6] + "-" + text[6:8])
	case len(text) >= 10 && text[4] == '-':
		rest := text[10:]
		if rest == "" || rest == "Z" || rest[0] == 'T' || rest[0] == '+' || rest[0] == '-' || rest[0] == ' ' {
			return money.ParseDate(text[:10])
		}
	}
	return "", fmt.Errorf("%q is not a date that can be read without guessing", clip(text))
}
