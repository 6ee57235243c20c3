// Package camt writes ISO 20022 notifications of debits and credits
// (camt.054.001.08, BankToCustomerDebitCreditNotificationV08), which accounting
// programs take in as they take in those of a bank: for vendors whose books no
// connector reaches. The account that they speak of is the vendor's with the hub.
package camt

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"strings"
	"time"

	"github.com/sheaf-hub/sheaf/hub/money"
)

// Namespace is the one of the message.
const Namespace = "urn:iso:std:iso:20022:tech:xsd:camt.054.001.08"

// Bounds of the schema's texts, in characters.
const (
	max34  = 34
	max35  = 35
	max70  = 70
	max140 = 140
	max500 = 500
)

// Notification is what one vendor's file says, and nothing of anybody else.
type Notification struct {
	Hub      string
	Vendor   string // name
	VendorID string
	From, To time.Time // the period, To not included; zero: it is of one payment
	Made     time.Time
	Zone     *time.Location // the vendor's: in it stand the dates
	Entries  []Entry
}

// Entry is money that came for the vendor, or went back. It stands under the
// day on which it was booked, in minor units of its currency.
type Entry struct {
	Kind      Kind
	Reference string // of the share, as the vendor's books list it
	Currency  money.Currency
	Amount    int64 // above zero
	Booked    time.Time
	Pending   bool      // it is asked for and not yet done
	Valued    time.Time // when it was sent on to the vendor; zero: not yet
	Transfer  string    // the reference under which it was sent on
	Method    string    // "card"
	Charges   []Charge
	Parts     []Part // they add up to Amount; of money that goes back: none
}

// Kind says what an entry is.
type Kind string

// The kinds of entries.
const (
	Settled       Kind = "settled"        // a credit
	Refund        Kind = "refund"         // a debit
	Chargeback    Kind = "chargeback"     // a debit
	ChargebackWon Kind = "chargeback won" // a credit that takes the debit back
)

// Charge is a fee that the vendor bears. It is not taken from the entry's amount.
type Charge struct {
	Name   string
	Amount int64
}

// Part is what one invoice gets of an entry; without an Invoice, what none took.
type Part struct {
	Invoice    string // number
	InvoiceID  string // in the vendor's books
	Account    string // in the vendor's books
	Name       string // as the vendor calls its customer
	Amount     int64  // of money: with LateFee
	LateFee    int64
	Discount   int64 // given
	Credit     int64 // by credit notes
	CreditNote []string
}

// Write makes the file.
func (n Notification) Write() ([]byte, error) {
	message := document{Space: Namespace, Message: notificationMessage{
		Header: header{ID: n.id(""), Created: n.moment(n.Made)}}}
	for _, currency := range n.currencies() {
		message.Message.Notifications = append(message.Message.Notifications, n.account(currency))
	}
	var out bytes.Buffer
	out.WriteString(xml.Header)
	encoder := xml.NewEncoder(&out)
	encoder.Indent("", "  ")
	if err := encoder.Encode(message); err != nil {
		return nil, fmt.Errorf("write a notification: %w", err)
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// currencies are those of the entries in the order of their first; a file without
// entries still has one notification, which says so.
func (n Notification) currencies() []money.Currency {
	var list []money.Currency
	seen := map[money.Currency]bool{}
	for _, entry := range n.Entries {
		if !seen[entry.Currency] {
			seen[entry.Currency] = true
			list = append(list, entry.Currency)
		}
	}
	if list == nil {
		list = []money.Currency{""}
	}
	return list
}

// id names the message, and its part of one currency: the same for the same
// vendor, period and moment.
func (n Notification) id(currency money.Currency) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{n.VendorID, n.From.UTC().String(), n.To.UTC().String(), n.Made.UTC().String(), n.only()}, "\x00")))
	id := "SHEAF-" + n.Made.UTC().Format("20060102") + "-" + hex.EncodeToString(sum[:6])
	if currency != "" {
		id += "-" + string(currency)
	}
	return cut(id, max35)
}

// only is the reference of a file of one payment.
func (n Notification) only() string {
	if len(n.Entries) == 0 || !n.To.IsZero() {
		return ""
	}
	return n.Entries[0].Reference
}

func (n Notification) account(currency money.Currency) notification {
	out := notification{ID: n.id(currency), Created: n.moment(n.Made),
		Account: account{ID: cut(strings.ReplaceAll(n.VendorID, "-", ""), max34), Scheme: "SHEAF", Currency: string(currency), Name: cut(n.Vendor, max70), Servicer: cut(n.Hub, max140)}}
	if currency == "" {
		out.ID = n.id("XXX") // ISO 4217 for no currency
		out.Remark = "There are no entries in this period."
	}
	if !n.To.IsZero() {
		out.Period = &period{n.moment(n.From), n.moment(n.To.Add(-time.Second))}
	}
	for _, entry := range n.Entries {
		if entry.Currency == currency {
			out.Entries = append(out.Entries, n.entry(entry))
		}
	}
	out.Sums = sums(n.Entries, currency)
	return out
}

func sums(entries []Entry, currency money.Currency) *totals {
	var credit, debit int64
	out := &totals{}
	for _, entry := range entries {
		switch {
		case entry.Currency != currency:
		case entry.Kind.credit():
			credit += entry.Amount
			out.Credits.Count++
		default:
			debit += entry.Amount
			out.Debits.Count++
		}
	}
	if currency == "" {
		return nil
	}
	out.Credits.Sum, out.Debits.Sum = money.New(credit, currency).Decimal(), money.New(debit, currency).Decimal()
	return out
}

func (k Kind) credit() bool { return k == Settled || k == ChargebackWon }

func (k Kind) indicator() string {
	if k.credit() {
		return "CRDT"
	}
	return "DBIT"
}

// codes are the entry's domain, family and sub-family (ISO 20022 external code
// list of bank transaction codes).
func (k Kind) codes() bankCode {
	code := bankCode{Domain: "PMNT", Family: "RCDT", SubFamily: "OTHR", Own: strings.ToUpper(string(k)), Issuer: "Sheaf"}
	switch k {
	case Refund:
		code.Family = "ICDT"
	case Chargeback, ChargebackWon:
		code.SubFamily = "RRTN"
	}
	return code
}

// reference tells the entries of one share apart, and stays what it is when others
// come or go.
func (e Entry) reference() string {
	if e.Kind == Settled {
		return cut(e.Reference, max35)
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d %d", e.Kind, e.Booked.UnixMicro(), e.Amount))
	letter := map[Kind]string{Refund: "R", Chargeback: "C", ChargebackWon: "W"}[e.Kind]
	return cut(e.Reference, max35-8) + "-" + letter + hex.EncodeToString(sum[:3])
}

func (n Notification) entry(e Entry) entry {
	of := func(minor int64) amount { return amount{string(e.Currency), money.New(minor, e.Currency).Decimal()} }
	out := entry{Reference: e.reference(), Amount: of(e.Amount), Indicator: e.Kind.indicator(), Status: "BOOK", Booked: n.day(e.Booked), ServicerRef: e.reference(),
		Code: e.Kind.codes(), Remark: cut(e.remark(), max500)}
	if e.Pending {
		out.Status = "PDNG"
	}
	if e.Kind == ChargebackWon {
		reversal := true
		out.Reversal = &reversal
	}
	if !e.Valued.IsZero() {
		valued := n.day(e.Valued)
		out.Valued = &valued
	}
	for _, charge := range e.Charges {
		if charge.Amount > 0 {
			if out.Charges == nil {
				out.Charges = &charges{}
			}
			out.Charges.Records = append(out.Charges.Records, chargeRecord{Amount: of(charge.Amount), Indicator: "DBIT", Kind: cut(charge.Name, max35)})
		}
	}
	for _, part := range e.Parts {
		out.Details = append(out.Details, part.details(e, of))
	}
	if len(e.Parts) == 0 {
		out.Details = []details{{Refs: e.refs(), Amount: of(e.Amount), Indicator: out.Indicator, Plain: []string{cut(e.remark(), max140)}}}
	}
	return out
}

func (e Entry) refs() refs { return refs{Servicer: e.reference(), EndToEnd: cut(e.Reference, max35)} }

func (e Entry) remark() string {
	words := map[Kind]string{Settled: "Payment", Refund: "Refund of payment", Chargeback: "Chargeback of payment", ChargebackWon: "Chargeback decided for you, payment"}[e.Kind] + " " + e.Reference
	if e.Kind == Settled && e.Method != "" {
		words += ", " + e.Method
	}
	if e.Transfer != "" {
		words += ", sent on as " + e.Transfer
	}
	return words
}

// details is what one invoice gets.
func (p Part) details(e Entry, of func(int64) amount) details {
	out := details{Refs: e.refs(), Amount: of(p.Amount), Indicator: e.Kind.indicator()}
	if p.Invoice == "" {
		out.Plain = []string{"Not taken by any invoice"}
		return out
	}
	out.Debtor = &debtor{Name: cut(p.Name, max140)}
	if fits(p.Account) {
		out.Debtor.ID = &p.Account
	}
	structured := &remittance{}
	if fits(p.Invoice) {
		structured.Document = &document7{Code: "CINV", Number: p.Invoice}
	} else {
		out.Plain = append(out.Plain, cut("Invoice "+p.Invoice, max140))
	}
	if p.Discount > 0 {
		given := of(p.Discount)
		structured.Amounts.Discount = &given
	}
	if p.Credit > 0 {
		credit := of(p.Credit)
		structured.Amounts.Credit = &credit
	}
	if p.LateFee > 0 {
		structured.Amounts.Adjustment = &adjustment{Amount: of(p.LateFee), Indicator: "CRDT", Words: "Late fee, part of the amount"}
	}
	structured.Amounts.Remitted = of(p.Amount)
	if p.InvoiceID != "" && p.InvoiceID != p.Invoice {
		structured.Notes = append(structured.Notes, cut("Id "+p.InvoiceID, max140))
	}
	if len(p.CreditNote) > 0 {
		structured.Notes = append(structured.Notes, cut("Credits "+strings.Join(p.CreditNote, ", "), max140))
	}
	out.Structured = structured
	return out
}

// fits says whether a reference can stand whole: one that is cut would be another.
func fits(reference string) bool { return reference != "" && len([]rune(reference)) <= max35 }

func cut(text string, most int) string {
	runes := []rune(strings.Join(strings.Fields(text), " "))
	return string(runes[:min(len(runes), most)])
}

func (n Notification) moment(at time.Time) string { return at.In(n.Zone).Format(time.RFC3339) }

func (n Notification) day(at time.Time) day { return day{string(money.DateOf(at, n.Zone))} }
