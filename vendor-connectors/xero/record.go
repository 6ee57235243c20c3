package xero

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/sheaf-hub/sheaf/hub/money"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

// Bounds of one record, which the hub has too.
const (
	mostContacts = 50
	mostLines    = 1000
	mostApplied  = 200
)

// Statuses of Xero. Drafts and what waits for approval are not asked for.
const (
	authorised = "AUTHORISED"
	paid       = "PAID"
	voided     = "VOIDED"
	deleted    = "DELETED"
)

// reader turns Xero's records into neutral ones and adds them to a page.
type reader struct{ page *connectors.Page }

func (r reader) reject(place, id string, problems ...connectors.Problem) {
	r.page.Rejected = append(r.page.Rejected, connectors.Rejected{Place: clip(place, 200), ExternalID: id, Problems: problems})
}

func wrong(field, format string, values ...any) connectors.Problem {
	return connectors.Problem{Field: field, Message: fmt.Sprintf(format, values...)}
}

// unreadable is what is said of a record that is not even of the right shape.
func unreadable(err error) connectors.Problem {
	return wrong("", "Xero gives a record that cannot be read (%s). Open it in Xero and save it again; if that does not help, tell the hub's operator.", clip(err.Error(), 200))
}

// contact adds an account. All of them come, whether Xero calls them customers or
// not: it does so with the first invoice, and does not count that as a change.
func (r reader) contact(raw json.RawMessage) {
	var wire wireContact
	if err := json.Unmarshal(raw, &wire); err != nil {
		r.reject("contact", idIn(raw), unreadable(err))
		return
	}
	place := "contact " + clip(wire.Name, 100)
	if !isID(wire.ContactID) || strings.TrimSpace(wire.Name) == "" {
		r.reject(place, idIn(raw), wrong("/name", "The contact has no name or no id. Give it a name in Xero."))
		return
	}
	account := connectors.Account{ExternalID: wire.ContactID, Name: wire.Name, Terms: wire.terms()}
	if wire.DefaultCurrency != "" {
		if currency, err := money.ParseCurrency(wire.DefaultCurrency); err == nil {
			account.Currency = currency
		}
	}
	if wire.ContactStatus != "GDPRREQUEST" { // asked to be forgotten
		var problems []connectors.Problem
		account.Contacts, problems = wire.mailboxes()
		if len(problems) > 0 {
			r.reject(place, wire.ContactID, problems...)
		}
	}
	r.page.Accounts = append(r.page.Accounts, account)
}

// terms are Xero's default terms for sales, in words. Only days after the date of
// the invoice read as such; the others name a month, so that nobody counts days.
func (w wireContact) terms() string {
	if w.PaymentTerms == nil || w.PaymentTerms.Sales == nil || w.PaymentTerms.Sales.Day < 0 || w.PaymentTerms.Sales.Day > 999 {
		return ""
	}
	switch day := w.PaymentTerms.Sales.Day; w.PaymentTerms.Sales.Type {
	case "DAYSAFTERBILLDATE":
		return fmt.Sprintf("Net %d", day)
	case "DAYSAFTERBILLMONTH":
		return fmt.Sprintf("%d days after the end of the invoice month", day)
	case "OFCURRENTMONTH":
		return fmt.Sprintf("Day %d of the current month", day)
	case "OFFOLLOWINGMONTH":
		return fmt.Sprintf("Day %d of the following month", day)
	}
	return ""
}

// mailboxes are the contact's own address, and those of its people whom Xero
// includes in e-mails; when it has none of its own, these are who pays.
func (w wireContact) mailboxes() ([]connectors.Contact, []connectors.Problem) {
	var list []connectors.Contact
	var problems []connectors.Problem
	seen := map[string]bool{}
	add := func(field, text, name, phone, role string) {
		for _, one := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ';' || r == ' ' }) {
			address, err := connectors.ParseEmail(one)
			if err != nil {
				problems = append(problems, wrong(field, "%s. Correct it in Xero; until then the customer comes without this address.", err))
				continue
			}
			if !seen[strings.ToLower(address)] && len(list) < mostContacts {
				seen[strings.ToLower(address)] = true
				list = append(list, connectors.Contact{Email: address, Name: name, Phone: phone, Role: role})
			}
		}
	}
	add("/EmailAddress", w.EmailAddress, fullName(w.FirstName, w.LastName), w.phone(), connectors.RolePayables)
	role := connectors.RoleCopy
	if len(list) == 0 {
		role = connectors.RolePayables
	}
	for i, person := range w.ContactPersons {
		if person.IncludeInEmails {
			add(fmt.Sprintf("/ContactPersons/%d/EmailAddress", i), person.EmailAddress, fullName(person.FirstName, person.LastName), "", role)
		}
	}
	return list, problems
}

func fullName(first, last string) string {
	return clip(strings.TrimSpace(strings.TrimSpace(first)+" "+strings.TrimSpace(last)), 200)
}

func (w wireContact) phone() string {
	for _, phone := range w.Phones {
		if phone.PhoneType == "DEFAULT" && phone.PhoneNumber != "" {
			return clip(strings.Join(strings.Fields(phone.PhoneCountryCode+" "+phone.PhoneAreaCode+" "+phone.PhoneNumber), " "), 60)
		}
	}
	return ""
}

// invoice adds a sales invoice, or its id to what is gone.
func (r reader) invoice(raw json.RawMessage) {
	var wire wireInvoice
	if err := json.Unmarshal(raw, &wire); err != nil {
		r.reject("invoice", idIn(raw), unreadable(err))
		return
	}
	switch {
	case wire.Type != "ACCREC":
		return // a bill of a supplier
	case wire.Status == deleted && isID(wire.InvoiceID):
		r.page.Gone = append(r.page.Gone, wire.InvoiceID)
		return
	}
	number := wire.InvoiceNumber
	if strings.TrimSpace(number) == "" {
		number = wire.InvoiceID
	}
	status, known := statusOf(wire.Status)
	if !known {
		return // a draft
	}
	var problems []connectors.Problem
	total, open, bad := amounts(wire.CurrencyCode, wire.Total, wire.AmountDue, "/AmountDue")
	problems = append(problems, bad...)
	issued, fine := parseDate(wire.DateString, wire.Date)
	if !fine {
		problems = append(problems, wrong("/Date", "%q is not a date.", clip(wire.DateString+wire.Date, 40)))
	}
	due, fine := parseDate(wire.DueDateString, wire.DueDate)
	if !fine {
		problems = append(problems, wrong("/DueDate", "%q is not a date.", clip(wire.DueDateString+wire.DueDate, 40)))
	}
	problems = append(problems, badIDs(wire.InvoiceID, wire.Contact)...)
	if len(problems) > 0 {
		r.reject("invoice "+clip(number, 100), wire.InvoiceID, problems...)
		return
	}
	r.page.Invoices = append(r.page.Invoices, connectors.Invoice{ExternalID: wire.InvoiceID, Number: number, Account: wire.Contact.ContactID,
		IssuedOn: issued, DueOn: due, Total: total, Open: open, PurchaseOrder: wire.Reference, Status: status,
		Lines: wire.lines(), Documents: papers(refInvoice, wire.InvoiceID, number, wire.HasAttachments), Applied: wire.applied(), AccountSeen: seen(wire.Contact)})
}

// lines are for reading: the amounts as Xero writes them.
func (w wireInvoice) lines() []connectors.Line {
	var lines []connectors.Line
	for _, line := range w.LineItems {
		if len(lines) == mostLines {
			break
		}
		lines = append(lines, connectors.Line{Description: clip(line.Description, 500), Quantity: line.Quantity.String(),
			UnitPrice: line.UnitAmount.String(), Amount: line.LineAmount.String()})
	}
	return lines
}

// applied are the references of the payments on an invoice.
func (w wireInvoice) applied() []string {
	var references []string
	for _, payment := range w.Payments {
		if payment.Reference != "" && len(payment.Reference) <= mostReference && payment.Status != deleted && len(references) < mostApplied {
			references = append(references, payment.Reference)
		}
	}
	return references
}

// creditKind is one of the three things in Xero that can be set against invoices.
type creditKind struct {
	prefix string   // of the external id
	path   string   // in the API
	title  string   // for people
	types  []string // of customers; the others are of suppliers
	paper  string   // the ref of its papers; empty: it has none
}

var (
	creditNotes  = creditKind{path: "/CreditNotes", title: "Credit note", types: []string{"ACCRECCREDIT"}, paper: refCredit}
	overpayments = creditKind{prefix: "overpayment/", path: "/Overpayments", title: "Overpayment", types: []string{"RECEIVE-OVERPAYMENT", "AROVERPAYMENT"}}
	prepayments  = creditKind{prefix: "prepayment/", path: "/Prepayments", title: "Prepayment", types: []string{"RECEIVE-PREPAYMENT", "ARPREPAYMENT"}}
)

// splitCredit finds the kind and Xero's id in a credit's external id.
func splitCredit(externalID string) (creditKind, string, bool) {
	for _, kind := range []creditKind{overpayments, prepayments, creditNotes} {
		if id, ok := strings.CutPrefix(externalID, kind.prefix); ok {
			return kind, id, isID(id)
		}
	}
	return creditKind{}, "", false
}

func (k creditKind) id(wire wireCredit) string {
	switch k.prefix {
	case overpayments.prefix:
		return wire.OverpaymentID
	case prepayments.prefix:
		return wire.PrepaymentID
	}
	return wire.CreditNoteID
}

func (k creditKind) ofCustomers(kind string) bool {
	for _, one := range k.types {
		if one == kind {
			return true
		}
	}
	return false
}

// number is what people know a credit by. An overpayment has none, only what the
// payer wrote.
func (k creditKind) number(wire wireCredit, id string, issued money.Date) string {
	for _, text := range []string{wire.CreditNoteNumber, wire.InvoiceNumber} {
		if strings.TrimSpace(text) != "" {
			return text
		}
	}
	if k.prefix != "" && wire.Reference != "" {
		return k.title + " " + clip(wire.Reference, 100)
	}
	if k.prefix != "" && issued != "" {
		return k.title + " of " + string(issued)
	}
	return id
}

// credit adds a credit of a customer, or its id to what is gone.
func (r reader) credit(kind creditKind, raw json.RawMessage) {
	var wire wireCredit
	if err := json.Unmarshal(raw, &wire); err != nil {
		r.reject(kind.title, idIn(raw), unreadable(err))
		return
	}
	if !kind.ofCustomers(wire.Type) {
		return
	}
	id := kind.id(wire)
	if wire.Status == deleted && isID(id) {
		r.page.Gone = append(r.page.Gone, kind.prefix+id)
		return
	}
	status, known := statusOf(wire.Status)
	if !known {
		return
	}
	total, open, problems := amounts(wire.CurrencyCode, wire.Total, wire.RemainingCredit, "/RemainingCredit")
	if len(problems) == 0 && total.Zero() {
		problems = append(problems, wrong("/Total", "The total is zero, so there is nothing to set against an invoice."))
	}
	issued, fine := parseDate(wire.DateString, wire.Date)
	if !fine {
		problems = append(problems, wrong("/Date", "%q is not a date.", clip(wire.DateString+wire.Date, 40)))
	}
	number := kind.number(wire, id, issued)
	problems = append(problems, badIDs(id, wire.Contact)...)
	if len(problems) > 0 {
		r.reject(kind.title+" "+clip(number, 100), kind.prefix+id, problems...)
		return
	}
	credit := connectors.Credit{ExternalID: kind.prefix + id, Number: number, Account: wire.Contact.ContactID, IssuedOn: issued,
		Total: total, Open: open, Status: status, AccountSeen: seen(wire.Contact)}
	if kind.paper != "" {
		credit.Documents = papers(kind.paper, id, number, wire.HasAttachments)
	}
	r.page.Credits = append(r.page.Credits, credit)
}

// statusOf is false for drafts and what waits for approval, which nobody owes yet.
func statusOf(status string) (connectors.Status, bool) {
	switch status {
	case authorised:
		return connectors.StatusOpen, true
	case paid:
		return connectors.StatusPaid, true
	case voided:
		return connectors.StatusVoid, true
	}
	return "", false
}

// amounts reads a total and what is open of it, as they are written.
func amounts(code string, total, open json.Number, field string) (money.Amount, money.Amount, []connectors.Problem) {
	currency, err := money.ParseCurrency(code)
	if err != nil {
		return money.Amount{}, money.Amount{}, []connectors.Problem{wrong("/CurrencyCode", "%q is not a currency.", clip(code, 20))}
	}
	of, err := money.Parse(total.String(), currency)
	if err != nil {
		return of, of, []connectors.Problem{wrong("/Total", "%s.", err)}
	}
	left, err := money.Parse(open.String(), currency)
	switch {
	case err != nil:
		return of, left, []connectors.Problem{wrong(field, "%s.", err)}
	case left.Minor < 0 || left.Minor > of.Minor:
		return of, left, []connectors.Problem{wrong(field, "%s is open of a total of %s. Look the record up in Xero.", left.Decimal(), of.Decimal())}
	}
	return of, left, nil
}

func badIDs(id string, contact wireParty) []connectors.Problem {
	var problems []connectors.Problem
	if !isID(id) {
		problems = append(problems, wrong("", "Xero gives no id for it."))
	}
	if !isID(contact.ContactID) {
		problems = append(problems, wrong("/Contact", "It names no contact, so nobody can be asked to pay it."))
	}
	return problems
}

// seen is the little that an invoice or credit says of its contact, for one that
// was made after the contacts were read.
func seen(contact wireParty) *connectors.Account {
	if strings.TrimSpace(contact.Name) == "" {
		return nil
	}
	return &connectors.Account{ExternalID: contact.ContactID, Name: contact.Name}
}

// idIn looks for the id in a record that cannot be read as a whole.
func idIn(raw json.RawMessage) string {
	var found head
	_ = json.Unmarshal(raw, &found) // what could be read counts
	for _, id := range []string{found.InvoiceID, found.CreditNoteID, found.OverpaymentID, found.PrepaymentID, found.ContactID} {
		if isID(id) {
			return id
		}
	}
	return ""
}
