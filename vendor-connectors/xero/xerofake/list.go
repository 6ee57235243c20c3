package xerofake

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sheaf-hub/sheaf/hub/money"
)

// row is one record of any list.
type row struct {
	id      string
	updated time.Time
	fields  map[string]string // what where and the other parameters may ask for
	view    func() obj
}

// list answers a list: filtered, in the order of changes, cut into pages.
func (f *Fake) list(r *http.Request, name string) answer {
	q := r.URL.Query()
	rows := f.rows(name, q.Get("includeArchived") == "true")
	tests, understood := parseWhere(q.Get("where"))
	if !understood {
		return jsonAnswer(http.StatusBadRequest, obj{"ErrorNumber": 16, "Type": "QueryParseException", "Message": "No property or field of that name exists, or the expression cannot be read"})
	}
	since, fine := parseSince(r.Header.Get("If-Modified-Since"))
	if !fine {
		return jsonAnswer(http.StatusBadRequest, obj{"ErrorNumber": 17, "Type": "QueryParseException", "Message": "If-Modified-Since cannot be read"})
	}
	rows = slices.DeleteFunc(rows, func(one row) bool {
		for field, value := range tests {
			if one.fields[field] != value {
				return true
			}
		}
		for parameter, field := range map[string]string{"Statuses": "Status", "IDs": "ID"} {
			if asked := q.Get(parameter); asked != "" && !slices.Contains(strings.Split(strings.ToLower(asked), ","), strings.ToLower(one.fields[field])) {
				return true
			}
		}
		return !since.IsZero() && !one.updated.After(since)
	})
	slices.SortFunc(rows, func(a, b row) int {
		if c := a.updated.Compare(b.updated); c != 0 {
			return c
		}
		return strings.Compare(a.id, b.id)
	})
	switch q.Get("order") {
	case "", "UpdatedDateUTC ASC":
	case "UpdatedDateUTC DESC":
		slices.Reverse(rows)
	default:
		return jsonAnswer(http.StatusBadRequest, obj{"ErrorNumber": 16, "Type": "QueryParseException", "Message": "order cannot be read"})
	}
	return f.cut(name, rows, q.Get("page"), q.Get("pageSize"))
}

// cut takes one page. Sizes outside of what is allowed are put right without a word,
// as Xero does.
func (f *Fake) cut(name string, rows []row, pageText, sizeText string) answer {
	size, err := strconv.Atoi(sizeText)
	if err != nil {
		size = 100
	}
	size = min(max(size, 1), f.cfg.PageMost)
	page, err := strconv.Atoi(pageText)
	if err != nil || page < 1 {
		page = 1
	}
	views := []obj{}
	for i := (page - 1) * size; i < min(page*size, len(rows)); i++ {
		views = append(views, rows[i].view())
	}
	return f.envelope(obj{name: views, "pagination": obj{"page": page, "pageSize": size, "pageCount": (len(rows) + size - 1) / size, "itemCount": len(rows)}})
}

func (f *Fake) rows(name string, archived bool) []row {
	var rows []row
	switch name {
	case "Contacts":
		for _, one := range f.contacts {
			if archived || one.Status != "ARCHIVED" {
				rows = append(rows, row{id: one.id, updated: one.updated, fields: map[string]string{"ID": one.id, "Name": one.Name}, view: one.view})
			}
		}
	case "Payments":
		for _, one := range f.payments {
			rows = append(rows, row{id: one.id, updated: one.updated, fields: map[string]string{"ID": one.id, "Status": one.status, "Reference": one.reference}, view: one.view})
		}
	default:
		for _, one := range append(append([]*document(nil), f.invoices...), f.credits...) {
			if one.kind == name {
				rows = append(rows, row{id: one.id, updated: one.updated, fields: map[string]string{"ID": one.id, "Type": one.kindName(), "Status": one.status},
					view: func() obj { return f.view(one, false) }})
			}
		}
	}
	return rows
}

var whereTest = regexp.MustCompile(`^(Type|Status|Reference|Name)==?"([^"]*)"$`)

// parseWhere reads tests for equality that are joined by AND, all that Sheaf sends.
func parseWhere(text string) (map[string]string, bool) {
	tests := map[string]string{}
	if text == "" {
		return tests, true
	}
	for _, one := range strings.Split(text, " AND ") {
		found := whereTest.FindStringSubmatch(strings.TrimSpace(one))
		if found == nil {
			return nil, false
		}
		tests[found[1]] = found[2]
	}
	return tests, true
}

// parseSince reads If-Modified-Since, which Xero keeps to the second.
func parseSince(text string) (time.Time, bool) {
	if text == "" {
		return time.Time{}, true
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", http.TimeFormat} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC().Truncate(time.Second), true
		}
	}
	return time.Time{}, false
}

func number(amount money.Amount) json.Number { return json.Number(amount.Decimal()) }

func (a Account) view() obj {
	return obj{"AccountID": a.ID, "Code": a.Code, "Name": a.Name, "Type": a.Type, "Status": "ACTIVE", "EnablePaymentsToAccount": a.TakesPayments}
}

func (c *contact) view() obj {
	status := c.Status
	if status == "" {
		status = "ACTIVE"
	}
	people := []obj{}
	for _, one := range c.People {
		people = append(people, obj{"FirstName": one.First, "LastName": one.Last, "EmailAddress": one.Email, "IncludeInEmails": one.InEmails})
	}
	view := obj{"ContactID": c.id, "ContactStatus": status, "Name": c.Name, "FirstName": c.First, "LastName": c.Last, "EmailAddress": c.Email, "ContactPersons": people,
		"Addresses": []obj{}, "Phones": []obj{{"PhoneType": "DEFAULT", "PhoneNumber": c.Phone, "PhoneAreaCode": "", "PhoneCountryCode": ""}},
		"UpdatedDateUTC": instant(c.updated), "IsSupplier": false, "IsCustomer": true, "HasValidationErrors": false}
	if c.Currency != "" {
		view["DefaultCurrency"] = c.Currency
	}
	if c.TermType != "" {
		view["PaymentTerms"] = obj{"Sales": obj{"Day": c.TermDays, "Type": c.TermType}}
	}
	return view
}

func (c *contact) summary() obj {
	return obj{"ContactID": c.id, "Name": c.Name, "Addresses": []obj{}, "Phones": []obj{}, "ContactGroups": []obj{}, "ContactPersons": []obj{}, "HasValidationErrors": false}
}

func dated(view obj, name string, date money.Date) {
	if date != "" {
		view[name], view[name+"String"] = instant(date.Time()), string(date)+"T00:00:00"
	}
}

// kindName is the Type of a document.
func (d *document) kindName() string {
	switch d.kind {
	case CreditNote:
		return map[bool]string{false: "ACCRECCREDIT", true: "ACCPAYCREDIT"}[d.bill]
	case Overpayment:
		return map[bool]string{false: "RECEIVE-OVERPAYMENT", true: "SPEND-OVERPAYMENT"}[d.bill]
	case Prepayment:
		return map[bool]string{false: "RECEIVE-PREPAYMENT", true: "SPEND-PREPAYMENT"}[d.bill]
	}
	return map[bool]string{false: "ACCREC", true: "ACCPAY"}[d.bill]
}

// view is a document as Xero shows it; alone it says more than in a list.
func (f *Fake) view(d *document, alone bool) obj {
	view := obj{"Type": d.kindName(), "Contact": d.contact.summary(), "Status": d.status, "LineAmountTypes": "NoTax", "SubTotal": number(d.total), "TotalTax": 0,
		"Total": number(d.total), "CurrencyCode": string(d.total.Currency), "CurrencyRate": 1, "UpdatedDateUTC": instant(d.updated),
		"HasAttachments": len(f.files[d.id]) > 0, "Reference": d.reference,
		"LineItems": []obj{{"Description": "Work", "Quantity": 1, "UnitAmount": number(d.total), "LineAmount": number(d.total), "AccountCode": SalesCode, "TaxType": "NONE"}}}
	dated(view, "Date", d.issued)
	if d.kind == "Invoices" {
		dated(view, "DueDate", d.due)
		return f.invoiceView(d, view)
	}
	view["RemainingCredit"] = number(d.open)
	allocations := []obj{}
	for _, one := range d.allocated {
		shown := obj{"Amount": number(one.amount), "Date": instant(one.date.Time()), "Invoice": obj{"InvoiceID": one.invoice.id, "InvoiceNumber": one.invoice.number}}
		if alone {
			shown["AllocationID"] = one.id
		}
		allocations = append(allocations, shown)
	}
	view["Allocations"] = allocations
	switch d.kind {
	case CreditNote:
		view["CreditNoteID"], view["CreditNoteNumber"] = d.id, d.number
	case Overpayment:
		view["OverpaymentID"] = d.id
	case Prepayment:
		view["PrepaymentID"], view["InvoiceNumber"] = d.id, d.number
	}
	return view
}

func (f *Fake) invoiceView(d *document, view obj) obj {
	received, credited := money.New(0, d.total.Currency), money.New(0, d.total.Currency)
	payments := []obj{}
	for _, one := range f.payments {
		if one.invoice == d && one.status != "DELETED" {
			received.Minor += one.amount.Minor
			payments = append(payments, obj{"PaymentID": one.id, "Date": instant(one.date.Time()), "Amount": number(one.amount), "Reference": one.reference, "CurrencyRate": 1, "HasAccount": false})
		}
	}
	for _, credit := range f.credits {
		for _, one := range credit.allocated {
			if one.invoice == d {
				credited.Minor += one.amount.Minor
			}
		}
	}
	view["InvoiceID"], view["InvoiceNumber"], view["Payments"] = d.id, d.number, payments
	view["AmountDue"], view["AmountPaid"], view["AmountCredited"] = number(d.open), number(received), number(credited)
	view["CreditNotes"], view["Prepayments"], view["Overpayments"] = []obj{}, []obj{}, []obj{}
	view["SentToContact"], view["HasErrors"], view["IsDiscounted"] = true, false, false
	return view
}

func (p *payment) view() obj {
	return obj{"PaymentID": p.id, "Date": instant(p.date.Time()), "Amount": number(p.amount), "BankAmount": number(p.amount), "Reference": p.reference, "CurrencyRate": 1,
		"PaymentType": "ACCRECPAYMENT", "Status": p.status, "UpdatedDateUTC": instant(p.updated), "HasAccount": true, "IsReconciled": false,
		"Account": obj{"AccountID": p.account.ID, "Code": p.account.Code},
		"Invoice": obj{"Type": p.invoice.kindName(), "InvoiceID": p.invoice.id, "InvoiceNumber": p.invoice.number, "CurrencyCode": string(p.invoice.total.Currency), "Contact": p.invoice.contact.summary()}}
}
