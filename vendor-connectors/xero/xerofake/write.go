package xerofake

import (
	"encoding/json"
	"strings"

	"github.com/sheaf-hub/sheaf/hub/money"
)

const mostNote = 2500

// putPayments books payments. Each is judged before any is booked.
func (f *Fake) putPayments(body []byte) answer {
	var wire struct {
		Payments []struct {
			Invoice         struct{ InvoiceID string }
			Account         struct{ AccountID, Code string }
			Date, Reference string
			Amount          json.Number
		}
	}
	if !decode(body, &wire) || len(wire.Payments) == 0 {
		return f.invalid("The payments cannot be read")
	}
	var made []*payment
	for _, one := range wire.Payments {
		next := &payment{id: f.id(), reference: one.Reference, status: "AUTHORISED", invoice: f.document("Invoices", one.Invoice.InvoiceID)}
		for _, account := range f.accounts {
			if account.ID == one.Account.AccountID || account.Code == one.Account.Code && one.Account.Code != "" {
				next.account = account
			}
		}
		if wrong := f.judge(next, one.Date, one.Amount); wrong != "" {
			return f.invalid(wrong)
		}
		made = append(made, next)
	}
	views := []obj{}
	for _, one := range made {
		f.bookPayment(one)
		views = append(views, one.view())
	}
	return f.envelope(obj{"Payments": views})
}

// judge fills a payment in, or says in Xero's words why it is not taken.
func (f *Fake) judge(p *payment, date string, amount json.Number) string {
	if p.invoice == nil || p.invoice.bill {
		return "Invoice could not be found"
	}
	var err error
	if p.date, err = money.ParseDate(date); err != nil {
		return "The payment date is not valid"
	}
	if p.amount, err = money.Parse(amount.String(), p.invoice.total.Currency); err != nil || !p.amount.Positive() {
		return "Payment amount must be greater than zero"
	}
	switch {
	case p.account.ID == "":
		return "Account could not be found"
	case p.account.Type != "BANK" && !p.account.TakesPayments:
		return "Account code '" + p.account.Code + "' is not a valid code for this document."
	case p.invoice.status != "AUTHORISED":
		return "Payments can only be made against Authorised documents"
	case p.amount.Minor > p.invoice.open.Minor:
		return "Payment amount exceeds the amount outstanding on this document"
	case len(p.reference) > 255:
		return "The reference is longer than 255 characters"
	}
	return ""
}

func (f *Fake) bookPayment(p *payment) {
	p.updated = f.tick()
	f.payments = append(f.payments, p)
	f.settle(p.invoice, p.amount)
	p.invoice.updated = p.updated
}

// settle takes an amount off what a document has open.
func (f *Fake) settle(d *document, amount money.Amount) {
	d.open.Minor -= amount.Minor
	if d.open.Minor == 0 {
		d.status = "PAID"
	}
}

// putAllocations sets a credit against invoices.
func (f *Fake) putAllocations(credit *document, body []byte) answer {
	var wire struct {
		Allocations []struct {
			Invoice struct{ InvoiceID string }
			Amount  json.Number
			Date    string
		}
	}
	if !decode(body, &wire) || len(wire.Allocations) != 1 {
		return f.invalid("The allocation cannot be read")
	}
	one := wire.Allocations[0]
	invoice := f.document("Invoices", one.Invoice.InvoiceID)
	amount, amountErr := money.Parse(one.Amount.String(), credit.total.Currency)
	date, dateErr := money.ParseDate(one.Date)
	switch {
	case invoice == nil || invoice.bill != credit.bill:
		return f.invalid("Invoice could not be found")
	case amountErr != nil || !amount.Positive() || dateErr != nil:
		return f.invalid("The allocation has no valid amount or date")
	case invoice.contact != credit.contact || invoice.total.Currency != credit.total.Currency:
		return f.invalid("The invoice must have the same contact and currency as the credit")
	case credit.status != "AUTHORISED" || invoice.status != "AUTHORISED":
		return f.invalid("Only Authorised documents can be allocated")
	case amount.Minor > credit.open.Minor:
		return f.invalid("The amount exceeds the remaining credit")
	case amount.Minor > invoice.open.Minor:
		return f.invalid("The amount exceeds the amount outstanding on this document")
	}
	credit.allocated = append(credit.allocated, &allocation{id: f.id(), invoice: invoice, amount: amount, date: date})
	f.settle(credit, amount)
	f.settle(invoice, amount)
	credit.updated = f.tick()
	invoice.updated = credit.updated
	return f.envelope(obj{"Allocations": []obj{{"Amount": number(amount), "Date": instant(date.Time()), "Invoice": obj{"InvoiceID": invoice.id}, "ValidationErrors": []obj{}}}})
}

func (f *Fake) getHistory(d *document) answer {
	views := []obj{}
	for _, one := range f.history[d.id] {
		views = append(views, obj{"Changes": "Note", "Details": one.text, "User": "System Generated", "DateUTC": instant(one.at)})
	}
	return f.envelope(obj{"HistoryRecords": views})
}

func (f *Fake) putHistory(d *document, body []byte) answer {
	var wire struct{ HistoryRecords []struct{ Details string } }
	if !decode(body, &wire) || len(wire.HistoryRecords) == 0 {
		return f.invalid("The history record cannot be read")
	}
	views := []obj{}
	for _, one := range wire.HistoryRecords {
		if strings.TrimSpace(one.Details) == "" || len([]rune(one.Details)) > mostNote {
			return f.invalid("The details must have 1 to 2500 characters")
		}
		made := note{text: one.Details, at: f.now()}
		f.history[d.id] = append(f.history[d.id], made)
		views = append(views, obj{"Details": made.text, "DateUTC": instant(made.at), "ValidationErrors": []obj{}})
	}
	return f.envelope(obj{"HistoryRecords": views})
}
