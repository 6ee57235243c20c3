package erpnext

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sheaf-hub/sheaf/hub/money"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/rounds"
)

func nothing(*connectors.Page) {}

// unreadable is a document that is not as ERPNext's are.
func unreadable(doctype string, raw json.RawMessage) rounds.Record {
	var known struct {
		Name     string `json:"name"`
		Modified stamp  `json:"modified"`
	}
	_ = json.Unmarshal(raw, &known) // what cannot be read stays empty
	return rounds.Record{ID: known.Name, Changed: known.Modified.time(), Raw: raw, Add: func(page *connectors.Page) {
		page.Rejected = append(page.Rejected, connectors.Rejected{Place: doctype + " " + known.Name, ExternalID: known.Name,
			Problems: []connectors.Problem{{Message: "ERPNext gives it in a form that cannot be read. Open it there, look at its fields, and save it."}}})
	}}
}

// invoices turns a page of sales invoices into records, with their lines and our
// references, which are asked for once a page.
func (c *Client) invoices(ctx context.Context, raws []json.RawMessage) ([]rounds.Record, error) {
	wire, unread := make([]wireInvoice, len(raws)), map[int]bool{}
	var names []string
	for i, raw := range raws {
		if json.Unmarshal(raw, &wire[i]) != nil {
			unread[i] = true
			continue
		}
		names = append(names, wire[i].Name)
	}
	lines, err := c.lines(ctx, names)
	if err != nil {
		return nil, err
	}
	applied, err := c.applied(ctx, names)
	if err != nil {
		return nil, err
	}
	var list []rounds.Record
	for i, one := range wire {
		if unread[i] {
			list = append(list, unreadable(invoiceType, raws[i]))
			continue
		}
		list = append(list, rounds.Record{ID: one.Name, Changed: one.Modified.time(), Raw: raws[i], Add: record(one, lines[one.Name], applied[one.Name])})
	}
	return list, nil
}

func (c *Client) lines(ctx context.Context, names []string) (map[string][]connectors.Line, error) {
	var items message[[]wireItem]
	if _, err := c.aside(ctx, invoiceType, []string{"name", "items.idx as idx", "items.item_name as item_name", "items.qty as qty", "items.rate as rate", "items.amount as amount"},
		[]filter{{"name", "in", names}}, &items); err != nil {
		return nil, err
	}
	slices.SortStableFunc(items.Message, func(a, b wireItem) int { return cmp.Compare(a.Index, b.Index) })
	lines := map[string][]connectors.Line{}
	for _, item := range items.Message {
		lines[item.Invoice] = append(lines[item.Invoice], connectors.Line{Description: item.Item, Quantity: item.Quantity.String(), UnitPrice: item.Rate.String(), Amount: item.Amount.String()})
	}
	return lines, nil
}

// applied are the references of the entries that pay an invoice.
func (c *Client) applied(ctx context.Context, names []string) (map[string][]string, error) {
	applied := map[string][]string{}
	for _, source := range []struct {
		doctype, child, table, kind, reference string
	}{
		{paymentType, "Payment Entry Reference", "references", "reference_doctype", "reference_no"},
		{journalType, "Journal Entry Account", "accounts", "reference_type", "cheque_no"},
	} {
		var found message[[]wireApplied]
		if _, err := c.aside(ctx, source.doctype, []string{source.reference, source.table + ".reference_name as invoice"}, []filter{{"docstatus", "=", submitted},
			{source.child, source.kind, "=", invoiceType}, {source.child, "reference_name", "in", names}}, &found); err != nil {
			return nil, err
		}
		for _, one := range found.Message {
			if reference := one.Payment + one.Journal; reference != "" && !slices.Contains(applied[one.Invoice], reference) {
				applied[one.Invoice] = append(applied[one.Invoice], reference)
			}
		}
	}
	return applied, nil
}

// record turns a sales invoice into an invoice, a credit or a rejection.
func record(wire wireInvoice, lines []connectors.Line, applied []string) func(*connectors.Page) {
	refuse := func(field string, err error) func(*connectors.Page) {
		return func(page *connectors.Page) {
			page.Rejected = append(page.Rejected, connectors.Rejected{Place: wire.Name, ExternalID: wire.Name, Problems: []connectors.Problem{{Field: field, Message: err.Error()}}})
		}
	}
	currency, err := money.ParseCurrency(wire.Currency)
	if err != nil {
		return refuse("/currency", err)
	}
	if wire.AccountCurrency != "" && wire.AccountCurrency != wire.Currency {
		return refuse("/currency", fmt.Errorf("it is in %s, but its receivable account is kept in %s, so nobody knows what is open in %s. Give the customer a receivable account in %s",
			wire.Currency, wire.AccountCurrency, wire.Currency, wire.Currency))
	}
	total, err := total(wire, currency)
	if err != nil {
		return refuse("/total", err)
	}
	open, err := money.Parse(wire.Outstanding.String(), currency)
	if err != nil {
		return refuse("/open", err)
	}
	issued, err := date(wire.Posted)
	if err != nil {
		return refuse("/issued_on", err)
	}
	due, err := date(wire.Due)
	if err != nil {
		return refuse("/due_on", err)
	}
	if wire.IsReturn != 0 {
		total, open = total.Neg(), open.Neg() // a return is an invoice below nothing
	}
	open.Minor = max(open.Minor, 0) // paid too much, or used up on the invoice that it returns
	status := connectors.StatusOpen
	switch {
	case wire.Status == cancelled:
		status, open.Minor = connectors.StatusVoid, 0
	case open.Zero():
		status = connectors.StatusPaid
	}
	if total.Minor < 0 || open.Minor > total.Minor {
		return refuse("/open", fmt.Errorf("%s are open of %s. Correct it in ERPNext", open, total))
	}
	papers := []connectors.Document{{Name: strings.ReplaceAll(wire.Name, "/", "-") + ".pdf", ContentType: pdfType, Ref: wire.Name}}
	seen := &connectors.Account{ExternalID: wire.Customer, Name: wire.Title} // one that is newer than the list of customers
	if wire.IsReturn != 0 {
		if total.Zero() {
			return nothing
		}
		credit := connectors.Credit{ExternalID: wire.Name, Number: wire.Name, Account: wire.Customer, IssuedOn: issued, Total: total, Open: open, Status: status, Documents: papers, Applied: applied, AccountSeen: seen}
		return func(page *connectors.Page) { page.Credits = append(page.Credits, credit) }
	}
	invoice := connectors.Invoice{ExternalID: wire.Name, Number: wire.Name, Account: wire.Customer, IssuedOn: issued, DueOn: due, Terms: wire.Terms, Total: total, Open: open,
		PurchaseOrder: wire.Order, Status: status, Lines: lines, Documents: papers, Applied: applied, AccountSeen: seen}
	return func(page *connectors.Page) { page.Invoices = append(page.Invoices, invoice) }
}

// total is what the invoice asks for: rounded, unless that is switched off.
func total(wire wireInvoice, currency money.Currency) (money.Amount, error) {
	if rounded, err := money.Parse(wire.Rounded.String(), currency); err == nil && !rounded.Zero() {
		return rounded, nil
	}
	return money.Parse(wire.Total.String(), currency)
}

func date(text string) (money.Date, error) {
	if text == "" {
		return "", nil
	}
	return money.ParseDate(text)
}

// customers turns a page of customers into accounts.
func (c *Client) customers(ctx context.Context, raws []json.RawMessage) ([]rounds.Record, error) {
	var wire []wireCustomer
	var readable []json.RawMessage
	var list []rounds.Record
	for _, raw := range raws {
		var one wireCustomer
		if json.Unmarshal(raw, &one) != nil {
			list = append(list, unreadable(customerType, raw))
			continue
		}
		wire, readable = append(wire, one), append(readable, raw)
	}
	accounts, err := c.accounts(ctx, wire)
	if err != nil {
		return nil, err
	}
	for i, one := range wire {
		account := accounts[i]
		list = append(list, rounds.Record{ID: one.Name, Changed: one.Modified.time(), Raw: readable[i], Add: func(page *connectors.Page) { page.Accounts = append(page.Accounts, account) }})
	}
	return list, nil
}

// untold reads a page of contacts and tells nothing of them.
func untold(_ context.Context, raws []json.RawMessage) ([]rounds.Record, error) {
	var list []rounds.Record
	for _, raw := range raws {
		var one struct {
			Name     string `json:"name"`
			Modified stamp  `json:"modified"`
		}
		if err := json.Unmarshal(raw, &one); err != nil {
			return nil, fmt.Errorf("%w: ERPNext gives a contact that cannot be read: %w", connectors.ErrUnreachable, err)
		}
		list = append(list, rounds.Record{ID: one.Name, Changed: one.Modified.time(), Raw: raw, Add: nothing})
	}
	return list, nil
}

// contacts turns a page of contacts into the accounts of the customers that they
// belong to.
func (c *Client) contacts(ctx context.Context, raws []json.RawMessage) ([]rounds.Record, error) {
	list, err := untold(ctx, raws)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, one := range list {
		names = append(names, one.ID)
	}
	owners, err := c.linked(ctx, filter{"name", "in", names})
	if err != nil {
		return nil, err
	}
	var customers []string
	for _, one := range owners {
		if !slices.Contains(customers, one.Customer) {
			customers = append(customers, one.Customer)
		}
	}
	if len(customers) == 0 {
		return list, nil
	}
	var wire message[[]wireCustomer]
	if _, err := c.aside(ctx, customerType, customerFields(), []filter{{"name", "in", customers}}, &wire); err != nil {
		return nil, err
	}
	accounts, err := c.accounts(ctx, wire.Message)
	if err != nil {
		return nil, err
	}
	byName := map[string]connectors.Account{}
	for _, account := range accounts {
		byName[account.ExternalID] = account
	}
	for i := range list {
		list[i].Add = func(page *connectors.Page) {
			for _, one := range owners {
				account, known := byName[one.Customer]
				told := slices.ContainsFunc(page.Accounts, func(a connectors.Account) bool { return a.ExternalID == account.ExternalID })
				if one.Name == list[i].ID && known && !told {
					page.Accounts = append(page.Accounts, account)
				}
			}
		}
	}
	return list, nil
}

// linked are contacts with the customers that they are linked to.
func (c *Client) linked(ctx context.Context, which filter) ([]wireContact, error) {
	fields := []string{"name", "first_name", "last_name", "email_id", "phone", "is_primary_contact", "links.link_name as customer"}
	filters := []filter{which, {"Dynamic Link", "link_doctype", "=", customerType}}
	var found message[[]wireContact]
	answer, err := c.aside(ctx, contactType, append(slices.Clone(fields), "is_billing_contact"), filters, &found)
	if err != nil && bytes.Contains(answer.Body, []byte("is_billing_contact")) {
		_, err = c.aside(ctx, contactType, fields, filters, &found) // not every version has that field
	}
	return found.Message, err
}

// accounts reads the contacts of customers. We write to those for billing; where there
// are none to the primary one; where there is none to all.
func (c *Client) accounts(ctx context.Context, customers []wireCustomer) ([]connectors.Account, error) {
	var names []string
	for _, one := range customers {
		names = append(names, one.Name)
	}
	contacts, err := c.linked(ctx, filter{"Dynamic Link", "link_name", "in", names})
	if err != nil {
		return nil, err
	}
	var list []connectors.Account
	for _, one := range customers {
		account := connectors.Account{ExternalID: one.Name, Name: one.Title, Terms: one.Terms}
		if account.Name == "" {
			account.Name = one.Name
		}
		if currency, err := money.ParseCurrency(one.Currency); err == nil {
			account.Currency = currency
		}
		account.Contacts = mailboxes(one, contacts)
		list = append(list, account)
	}
	return list, nil
}

func mailboxes(customer wireCustomer, contacts []wireContact) []connectors.Contact {
	chosen := 0
	var list []connectors.Contact
	for _, contact := range contacts {
		email, err := connectors.ParseEmail(contact.Email)
		if err != nil || contact.Customer != customer.Name {
			continue
		}
		rank := 1
		switch {
		case contact.IsBilling != 0:
			rank = 3
		case contact.IsPrimary != 0 || contact.Email == customer.Email:
			rank = 2
		}
		if rank < chosen {
			continue
		}
		if rank > chosen {
			chosen, list = rank, nil
		}
		list = append(list, connectors.Contact{Email: email, Name: strings.TrimSpace(contact.First + " " + contact.Last), Phone: contact.Phone})
	}
	if email, err := connectors.ParseEmail(customer.Email); err == nil && len(list) == 0 {
		list = append(list, connectors.Contact{Email: email})
	}
	return list
}

var errNoPDF = errors.New("ERPNext gives something that is not a PDF")
