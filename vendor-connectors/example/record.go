package example

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/sheaf-hub/sheaf/hub/money"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

// A record that cannot be read goes to Page.Rejected: with its place, and with words
// that let somebody at the vendor mend it. The pull goes on.

func problem(field, words string, args ...any) connectors.Problem {
	return connectors.Problem{Field: field, Message: fmt.Sprintf(words, args...)}
}

func reject(page *connectors.Page, place, id string, problems ...connectors.Problem) {
	page.Rejected = append(page.Rejected, connectors.Rejected{Place: place, ExternalID: id, Problems: problems})
}

func account(head wireHead, raw json.RawMessage, page *connectors.Page) {
	var wire wireAccount
	if err := json.Unmarshal(raw, &wire); err != nil {
		reject(page, "account "+head.ID, head.ID, problem("", "It cannot be read: %v.", err))
		return
	}
	if head.Deleted {
		return // Gone is for invoices and credits; an account without any does no harm
	}
	record := connectors.Account{ExternalID: head.ID, Name: wire.Name, Terms: wire.Terms}
	if currency, err := money.ParseCurrency(wire.Currency); err == nil {
		record.Currency = currency
	}
	for i, contact := range wire.Contacts {
		email, err := connectors.ParseEmail(contact.Email)
		if err != nil { // the account is good without this mailbox
			reject(page, "account "+wire.Name, "", problem(fmt.Sprintf("/contacts/%d/email", i), "%v.", err))
			continue
		}
		record.Contacts = append(record.Contacts, connectors.Contact{Email: email, Name: contact.Name})
	}
	page.Accounts = append(page.Accounts, record)
}

// due is what invoices and credits have in common.
type due struct {
	wire        wireDue
	total, open money.Amount
	issued      money.Date
	status      connectors.Status
	documents   []connectors.Document
	applied     []string
	seen        *connectors.Account
}

func invoice(head wireHead, raw json.RawMessage, page *connectors.Page) {
	d, good := readDue("invoice ", head, raw, page)
	if !good {
		return
	}
	record := connectors.Invoice{ExternalID: head.ID, Number: d.wire.Number, Account: d.wire.Account.ID, IssuedOn: d.issued, Total: d.total, Open: d.open,
		Status: d.status, Documents: d.documents, Applied: d.applied, AccountSeen: d.seen}
	if d.wire.DueOn != "" {
		on, err := money.ParseDate(d.wire.DueOn)
		if err != nil {
			reject(page, "invoice "+d.wire.Number, head.ID, problem("/due_on", "%v. Correct the due date in the ledger.", err))
			return
		}
		record.DueOn = on
	}
	page.Invoices = append(page.Invoices, record)
}

func credit(head wireHead, raw json.RawMessage, page *connectors.Page) {
	d, good := readDue("credit ", head, raw, page)
	if !good {
		return
	}
	page.Credits = append(page.Credits, connectors.Credit{ExternalID: head.ID, Number: d.wire.Number, Account: d.wire.Account.ID, IssuedOn: d.issued,
		Total: d.total, Open: d.open, Status: d.status, Documents: d.documents, Applied: d.applied, AccountSeen: d.seen})
}

// readDue reads what is due. False: it went to the page already, as gone or rejected.
func readDue(what string, head wireHead, raw json.RawMessage, page *connectors.Page) (due, bool) {
	if head.Deleted {
		page.Gone = append(page.Gone, head.ID)
		return due{}, false
	}
	var d due
	if err := json.Unmarshal(raw, &d.wire); err != nil {
		reject(page, what+head.ID, head.ID, problem("", "It cannot be read: %v.", err))
		return due{}, false
	}
	if problems := d.fill(); len(problems) > 0 {
		reject(page, what+d.wire.Number, head.ID, problems...)
		return due{}, false
	}
	return d, true
}

func (d *due) fill() []connectors.Problem {
	var problems []connectors.Problem
	currency, err := money.ParseCurrency(d.wire.Currency)
	if err != nil {
		return append(problems, problem("/currency", "%v. Correct it in the ledger.", err))
	}
	// What is open is taken as written. Total less payments would be a guess: books know
	// roundings, write-offs and much else that we do not.
	for field, one := range map[string]struct {
		text json.Number
		into *money.Amount
	}{"/total": {d.wire.Total, &d.total}, "/open": {d.wire.Open, &d.open}} {
		if *one.into, err = money.Parse(one.text.String(), currency); err != nil {
			problems = append(problems, problem(field, "%v.", err))
		}
	}
	if d.wire.IssuedOn != "" {
		if d.issued, err = money.ParseDate(d.wire.IssuedOn); err != nil {
			problems = append(problems, problem("/issued_on", "%v. Correct it in the ledger.", err))
		}
	}
	known := true
	if d.status, known = states()[d.wire.State]; !known { // never guess: a state that we do not know may mean anything
		problems = append(problems, problem("/status", "%q is a state that the hub does not know. Tell its operator.", d.wire.State))
	}
	d.seen = &connectors.Account{ExternalID: d.wire.Account.ID, Name: d.wire.Account.Name}
	for _, paper := range d.wire.Papers {
		d.documents = append(d.documents, connectors.Document{Name: paper.Name, ContentType: "application/pdf", Ref: paper.ID})
	}
	for _, payment := range d.wire.Payments {
		if ours, line := ourReference(payment.Reference); line && !slices.Contains(d.applied, ours) {
			d.applied = append(d.applied, ours)
		}
	}
	return problems
}

func states() map[string]connectors.Status {
	return map[string]connectors.Status{"open": connectors.StatusOpen, "paid": connectors.StatusPaid, "cancelled": connectors.StatusVoid}
}
