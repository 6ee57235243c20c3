package push

import (
	"fmt"
	"strings"

	"github.com/sheaf-hub/sheaf/hub/money"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

func (r *reader) id() string {
	r.externalID = r.required("external_id", maxID)
	return r.externalID
}

func account(r *reader) connectors.Account {
	record := connectors.Account{
		ExternalID: r.id(), Name: r.required("name", maxName), Terms: r.line("terms", maxTerms), Currency: r.currency(false),
	}
	if found := r.field("credit_limit"); found != nil {
		if record.Currency == "" {
			r.problem("credit_limit", "needs a currency beside it")
		} else if limit, ok := r.amount("credit_limit", record.Currency); ok {
			if limit.Minor < 0 {
				r.problem("credit_limit", "must not be negative")
			}
			record.CreditLimit = &limit
		}
	}
	seen := map[string]bool{}
	r.each("contacts", maxContacts, func(c *reader) {
		contact := connectors.Contact{Name: c.line("name", maxName), Phone: c.line("phone", 60), Role: c.role()}
		contact.Email = c.email()
		if key := strings.ToLower(contact.Email); key != "" && seen[key] {
			c.problem("email", "stands in this account already")
		} else {
			seen[key] = true
		}
		record.Contacts = append(record.Contacts, contact)
	})
	return record
}

func (r *reader) role() string {
	switch role := r.line("role", 40); role {
	case "":
		return connectors.RolePayables
	case connectors.RolePayables, connectors.RoleApprover, connectors.RoleCopy:
		return role
	default:
		r.problem("role", "must be payables, approver or copy")
		return ""
	}
}

func (r *reader) email() string {
	text := r.required("email", 400)
	if text == "" {
		return ""
	}
	email, err := connectors.ParseEmail(text)
	if err != nil {
		r.problem("email", err.Error())
	}
	return email
}

func invoice(r *reader) connectors.Invoice {
	record := connectors.Invoice{
		ExternalID: r.id(), Number: r.line("number", maxID), Account: r.required("account", maxID),
		IssuedOn: r.date("issued_on"), DueOn: r.date("due_on"), Terms: r.line("terms", maxTerms),
		PurchaseOrder: r.line("purchase_order", maxID), Note: r.text("note", maxNote),
		Documents: r.documents(), Applied: r.strings("applied", maxApplied),
	}
	if record.Number == "" {
		record.Number = record.ExternalID
	}
	if record.IssuedOn != "" && record.DueOn != "" && record.DueOn < record.IssuedOn {
		r.problem("due_on", fmt.Sprintf("%s is before the issue date %s", record.DueOn, record.IssuedOn))
	}
	record.Total, record.Open, record.Status = r.owed("; send what you owe the customer as a credit")
	r.each("lines", maxLines, func(l *reader) {
		record.Lines = append(record.Lines, connectors.Line{
			Description: l.text("description", 500), Quantity: l.line("quantity", 40), UnitPrice: l.line("unit_price", 40), Amount: l.line("amount", 40),
		})
	})
	return record
}

func credit(r *reader) connectors.Credit {
	record := connectors.Credit{
		ExternalID: r.id(), Number: r.line("number", maxID), Account: r.required("account", maxID),
		IssuedOn: r.date("issued_on"), Note: r.text("note", maxNote),
		Documents: r.documents(), Applied: r.strings("applied", maxApplied),
	}
	if record.Number == "" {
		record.Number = record.ExternalID
	}
	record.Total, record.Open, record.Status = r.owed("; credits are written without a sign")
	return record
}

// owed reads currency, total, open and status, which depend on one another:
// an open amount that is absent is the total of an open record and nothing of
// a closed one, and an open record of which nothing is open is paid.
func (r *reader) owed(advice string) (total, open money.Amount, status connectors.Status) {
	currency := r.currency(true)
	status = r.status()
	total, hasTotal := r.amount("total", currency)
	hasOpen := r.field("open") != nil
	open, openRead := r.amount("open", currency)
	switch {
	case r.field("total") == nil:
		r.problem("total", "is missing")
	case hasTotal && total.Minor <= 0:
		r.problem("total", "must be more than zero"+advice)
	}
	if !hasOpen {
		open = money.New(0, currency)
		if status == connectors.StatusOpen {
			open = total
		}
		return total, open, status
	}
	if !openRead || !hasTotal {
		return total, open, status
	}
	switch {
	case open.Minor < 0:
		r.problem("open", "must not be negative"+advice)
	case open.Minor > total.Minor:
		r.problem("open", fmt.Sprintf("%s is more than the total of %s", open, total))
	case status != connectors.StatusOpen && !open.Zero():
		r.problem("open", fmt.Sprintf("%s is open, yet the status is %s", open, status))
	case status == connectors.StatusOpen && open.Zero():
		status = connectors.StatusPaid
	}
	return total, open, status
}

func (r *reader) status() connectors.Status {
	switch status := connectors.Status(r.line("status", 40)); status {
	case "":
		return connectors.StatusOpen
	case connectors.StatusOpen, connectors.StatusPaid, connectors.StatusVoid:
		return status
	default:
		r.problem("status", "must be open, paid or void")
		return connectors.StatusOpen
	}
}
