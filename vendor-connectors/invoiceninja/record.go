package invoiceninja

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/sheaf-hub/sheaf/hub/money"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

const (
	mostLines  = 500 // of an invoice
	mostPapers = 20  // of an invoice
)

// nothing adds nothing: a draft, or a client that was deleted.
func nothing(*connectors.Page) {}

func rejected(kind string, raw json.RawMessage, field, message string) func(*connectors.Page) {
	id, _ := stamped(raw)
	return func(page *connectors.Page) {
		page.Rejected = append(page.Rejected, connectors.Rejected{Place: kind + " " + id, ExternalID: id,
			Problems: []connectors.Problem{{Field: field, Message: message}}})
	}
}

// client reads an account. Contacts are those whom Invoice Ninja itself writes to.
func (b *books) client(ctx context.Context, raw json.RawMessage) (func(*connectors.Page), error) {
	var wire wireClient
	if err := json.Unmarshal(raw, &wire); err != nil || wire.ID == "" {
		return rejected("client", raw, "", "Invoice Ninja gives a client that cannot be read. Open and save it there."), nil
	}
	if wire.IsDeleted {
		return nothing, nil
	}
	number, err := b.number(ctx, wire)
	if err != nil {
		return nil, err
	}
	account := accountOf(wire, b.currencies[number])
	return func(page *connectors.Page) { page.Accounts = append(page.Accounts, account) }, nil
}

func accountOf(wire wireClient, currency money.Currency) connectors.Account {
	account := connectors.Account{ExternalID: wire.ID, Name: wire.Name, Currency: currency}
	if account.Name == "" {
		account.Name = wire.DisplayName
	}
	for _, contact := range wire.Contacts {
		email, err := connectors.ParseEmail(contact.Email)
		if err != nil || !contact.SendEmail || !contact.Archived.time().IsZero() || !contact.Deleted.time().IsZero() {
			continue
		}
		account.Contacts = append(account.Contacts, connectors.Contact{Email: email, Phone: contact.Phone,
			Name: strings.TrimSpace(contact.FirstName + " " + contact.LastName)})
	}
	return account
}

// due is what invoices and credits have alike.
type due struct {
	wireDue
	total, open money.Amount
	issued, due money.Date
	seen        *connectors.Account // its client, which may be newer than the list of clients
}

// readDue reads what both have; a func that is not nil is all that there is to say.
func (b *books) readDue(ctx context.Context, kind, draft string, raw json.RawMessage) (due, func(*connectors.Page), error) {
	var d due
	if err := json.Unmarshal(raw, &d.wireDue); err != nil || d.ID == "" || d.ClientID == "" {
		return d, rejected(kind, raw, "", "Invoice Ninja gives a record that cannot be read. Open and save it there."), nil
	}
	if d.IsDeleted {
		return d, func(page *connectors.Page) { page.Gone = append(page.Gone, d.ID) }, nil
	}
	if d.StatusID == draft {
		return d, nothing, nil
	}
	currency, err := b.currency(ctx, d.ClientID, d.Client)
	if err != nil {
		if !errors.Is(err, connectors.ErrGone) {
			return d, nil, err
		}
		return d, rejected(kind, raw, "/account", "Its client is not in Invoice Ninja."), nil
	}
	d.seen = &connectors.Account{ExternalID: d.ClientID, Name: d.ClientID, Currency: currency}
	if d.Client != nil && d.Client.ID == d.ClientID {
		account := accountOf(*d.Client, currency)
		d.seen = &account
	}
	refuse := func(field string, err error) (due, func(*connectors.Page), error) {
		return d, rejected(kind, raw, field, err.Error()), nil
	}
	if d.total, err = money.Parse(d.Amount.String(), currency); err != nil {
		return refuse("/total", err)
	}
	if d.open, err = money.Parse(d.Balance.String(), currency); err != nil {
		return refuse("/open", err)
	}
	if d.issued, err = date(d.Date); err != nil {
		return refuse("/issued_on", err)
	}
	if d.due, err = date(d.DueDate); err != nil {
		return refuse("/due_on", err)
	}
	switch {
	case d.total.Minor < 0 || d.open.Minor < 0:
		return refuse("/total", fmt.Errorf("it comes to %s with %s open. Write what you owe the customer as a credit", d.total, d.open))
	case d.open.Minor > d.total.Minor:
		return refuse("/open", fmt.Errorf("%s are open of %s. Correct it in Invoice Ninja", d.open, d.total))
	}
	return d, nil, nil
}

// date reads a date, which some versions give with a time behind it.
func date(text string) (money.Date, error) {
	if text == "" {
		return "", nil
	}
	if len(text) > 10 {
		text = text[:10]
	}
	return money.ParseDate(text)
}

func (b *books) invoice(ctx context.Context, raw json.RawMessage) (func(*connectors.Page), error) {
	d, said, err := b.readDue(ctx, "invoice", invoiceDraft, raw)
	if err != nil || said != nil {
		return said, err
	}
	invoice := connectors.Invoice{ExternalID: d.ID, Number: d.Number, Account: d.ClientID, IssuedOn: d.issued, DueOn: d.due, Total: d.total, Open: d.open,
		PurchaseOrder: d.Order, Note: plain(d.Notes), Lines: lines(d.Items), Documents: d.papers("invoice"), AccountSeen: d.seen}
	switch d.StatusID {
	case invoiceSent, invoicePartial:
		invoice.Status = connectors.StatusOpen
	case invoicePaid:
		invoice.Status = connectors.StatusPaid
	case invoiceCancelled, invoiceReversed:
		invoice.Status = connectors.StatusVoid
	default:
		return rejected("invoice", raw, "/status", fmt.Sprintf("Invoice Ninja gives it the status %.10q, which is not known.", d.StatusID)), nil
	}
	if invoice.Number == "" {
		invoice.Number = d.ID
	}
	for _, payment := range d.Payments {
		if payment.stands() && payment.Reference != "" {
			invoice.Applied = append(invoice.Applied, payment.Reference)
		}
	}
	return func(page *connectors.Page) { page.Invoices = append(page.Invoices, invoice) }, nil
}

func (b *books) credit(ctx context.Context, raw json.RawMessage) (func(*connectors.Page), error) {
	d, said, err := b.readDue(ctx, "credit", creditDraft, raw)
	if err != nil || said != nil {
		return said, err
	}
	if d.total.Zero() {
		return nothing, nil
	}
	credit := connectors.Credit{ExternalID: d.ID, Number: d.Number, Account: d.ClientID, IssuedOn: d.issued, Total: d.total, Open: d.open,
		Note: plain(d.Notes), Status: connectors.StatusOpen, Documents: d.papers("credit"), AccountSeen: d.seen}
	if d.StatusID == creditApplied || d.open.Zero() {
		credit.Status = connectors.StatusPaid
	}
	if credit.Number == "" {
		credit.Number = d.ID
	}
	return func(page *connectors.Page) { page.Credits = append(page.Credits, credit) }, nil
}

// plain leaves out notes that are written in HTML, as the web editor does.
func plain(notes string) string {
	if strings.Contains(notes, "<") {
		return ""
	}
	return notes
}

func lines(items json.RawMessage) []connectors.Line {
	var wire []wireItem
	if json.Unmarshal(items, &wire) != nil {
		return nil // for reading only
	}
	var list []connectors.Line
	for _, item := range wire[:min(len(wire), mostLines)] {
		description := plain(item.Notes)
		if description == "" {
			description = item.Product
		}
		list = append(list, connectors.Line{Description: description, Quantity: item.Quantity.String(), UnitPrice: item.Cost.String(), Amount: item.Total.String()})
	}
	return list
}

// papers are the record's own PDF and the documents that its client may see.
func (d due) papers(kind string) []connectors.Document {
	var list []connectors.Document
	if len(d.Invitations) > 0 && d.Invitations[0].Key != "" {
		list = append(list, connectors.Document{Name: kind + " " + d.Number + ".pdf", ContentType: pdfType, Ref: kind + "/" + d.Invitations[0].Key})
	}
	for _, document := range d.Documents[:min(len(d.Documents), mostPapers)] {
		if document.IsPublic && document.ID != "" {
			list = append(list, connectors.Document{Name: document.Name, ContentType: typeOf(document.Name), Ref: "document/" + document.ID})
		}
	}
	return list
}
