package odoo

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/sheaf-hub/sheaf/hub/money"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/rounds"
)

func nothing(*connectors.Page) {}

// unreadable is a record that is not as Odoo's are.
func unreadable(kind string, raw json.RawMessage) rounds.Record {
	var known struct {
		ID      int64 `json:"id"`
		Changed stamp `json:"write_date"`
	}
	_ = json.Unmarshal(raw, &known) // what cannot be read stays empty
	id := strconv.FormatInt(known.ID, 10)
	return rounds.Record{ID: kind + id, Changed: known.Changed.time(), Raw: raw, Add: func(page *connectors.Page) {
		page.Rejected = append(page.Rejected, connectors.Rejected{Place: kind + " " + id, ExternalID: id,
			Problems: []connectors.Problem{{Message: "Odoo gives it in a form that cannot be read. Open it there, look at its fields, and save it."}}})
	}}
}

// record turns a move into an invoice, a credit or a rejection.
func (a aside) record(move wireMove) func(*connectors.Page) {
	id := strconv.FormatInt(move.ID, 10)
	refuse := func(field, message string) func(*connectors.Page) {
		return func(page *connectors.Page) {
			page.Rejected = append(page.Rejected, connectors.Rejected{Place: string(move.Name), ExternalID: id, Problems: []connectors.Problem{{Field: field, Message: message}}})
		}
	}
	status, known := status(move)
	switch {
	case move.State == moveDraft && !move.PostedBefore:
		return nothing // never was an invoice
	case !known:
		return refuse("/status", fmt.Sprintf("Odoo gives it the state %.20q, which is not known", move.State))
	case move.Customer.ID == 0:
		return refuse("/account", "It names no customer. Choose one in Odoo.")
	}
	currency, err := money.ParseCurrency(move.Currency.Name)
	if err != nil {
		return refuse("/currency", err.Error())
	}
	total, err := money.Parse(move.Total.String(), currency)
	if err != nil {
		return refuse("/total", err.Error())
	}
	open, err := money.Parse(move.Residual.String(), currency)
	if err != nil {
		return refuse("/open", err.Error())
	}
	issued, err := date(move.Date)
	if err != nil {
		return refuse("/issued_on", err.Error())
	}
	due, err := date(move.Due)
	if err != nil {
		return refuse("/due_on", err.Error())
	}
	if status != connectors.StatusOpen {
		open.Minor = 0 // of a payment that waits for its bank line Odoo may still show all as open
	}
	if open.Minor < 0 || open.Minor > total.Minor {
		return refuse("/open", fmt.Sprintf("%s are open of %s. Correct it in Odoo", open, total))
	}
	seen := &connectors.Account{ExternalID: move.Customer.id(), Name: move.Customer.Name} // one that is newer than the list of customers
	if move.Type == typeCredit {
		if total.Zero() {
			return nothing
		}
		credit := connectors.Credit{ExternalID: id, Number: number(move), Account: move.Customer.id(), IssuedOn: issued, Total: total, Open: open, Status: status,
			Documents: a.papers[move.ID], Applied: a.applied(move), AccountSeen: seen}
		return func(page *connectors.Page) { page.Credits = append(page.Credits, credit) }
	}
	invoice := connectors.Invoice{ExternalID: id, Number: number(move), Account: move.Customer.id(), IssuedOn: issued, DueOn: due, Terms: move.Terms.Name, Total: total, Open: open,
		PurchaseOrder: string(move.Reference), Status: status, Lines: a.lines[move.ID], Documents: a.papers[move.ID], Applied: a.applied(move), AccountSeen: seen}
	return func(page *connectors.Page) { page.Invoices = append(page.Invoices, invoice) }
}

// status of an invoice that is taken back to draft is void until it is posted again.
func status(move wireMove) (connectors.Status, bool) {
	switch move.State {
	case moveDraft, moveCancelled:
		return connectors.StatusVoid, true
	case movePosted:
		switch move.PaymentState {
		case statePaid, stateInPayment, stateReversed, stateLegacy:
			return connectors.StatusPaid, true
		}
		return connectors.StatusOpen, true
	}
	return "", false
}

func number(move wireMove) string {
	if move.Name == "" || move.Name == "/" {
		return strconv.FormatInt(move.ID, 10)
	}
	return string(move.Name)
}

func (a aside) applied(move wireMove) []string {
	var list []string
	for _, id := range move.Payments {
		if memo := a.memos[id]; memo != "" {
			list = append(list, memo)
		}
	}
	return list
}

func date(day text) (money.Date, error) {
	if day == "" {
		return "", nil
	}
	return money.ParseDate(string(day))
}

// partners turns a page of partners into the accounts that they belong to.
func (c *Client) partners(ctx context.Context, raws []json.RawMessage) ([]rounds.Record, error) {
	var changed []wirePartner
	var ids []int64
	var list []rounds.Record
	for _, raw := range raws {
		var one wirePartner
		if json.Unmarshal(raw, &one) != nil {
			list = append(list, unreadable("contact", raw))
			continue
		}
		changed, ids = append(changed, one), append(ids, one.Customer.ID)
	}
	var family []wirePartner
	if _, err := c.search(ctx, "res.partner", domain{term("commercial_partner_id", "in", ids)}, partnerFields(), "id", mostAside, &family); err != nil {
		return nil, err
	}
	accounts := accountsOf(family)
	told := map[int64]bool{}
	for _, partner := range changed {
		account, found := accounts[partner.Customer.ID]
		record := rounds.Record{ID: "p" + strconv.FormatInt(partner.ID, 10), Changed: partner.Changed.time(), Add: nothing}
		if found {
			encoded, err := json.Marshal(account)
			if err != nil {
				return nil, fmt.Errorf("encode an account: %w", err)
			}
			record.Raw = encoded
			if !told[partner.Customer.ID] {
				record.Add = func(page *connectors.Page) { page.Accounts = append(page.Accounts, account) }
			}
			told[partner.Customer.ID] = true
		}
		list = append(list, record)
	}
	return list, nil
}

// accountsOf gathers companies with their contacts. Like Odoo, we write to the
// addresses for invoices; where there are none to the company's own; where it has none
// to its people.
func accountsOf(family []wirePartner) map[int64]connectors.Account {
	accounts, chosen := map[int64]connectors.Account{}, map[int64]int{}
	for _, partner := range family {
		if partner.ID == partner.Customer.ID {
			accounts[partner.ID] = connectors.Account{ExternalID: strconv.FormatInt(partner.ID, 10), Name: string(partner.Name), Terms: partner.Terms.Name}
		}
	}
	for _, partner := range family {
		account, found := accounts[partner.Customer.ID]
		contacts := contactsOf(partner)
		rank := 1
		switch {
		case partner.Type == "invoice":
			rank = 3
		case partner.ID == partner.Customer.ID:
			rank = 2
		case partner.Type != "contact":
			continue
		}
		if !found || !partner.Active || len(contacts) == 0 || rank < chosen[partner.Customer.ID] {
			continue
		}
		if rank > chosen[partner.Customer.ID] {
			account.Contacts = nil
		}
		chosen[partner.Customer.ID] = rank
		account.Contacts = append(account.Contacts, contacts...)
		accounts[partner.Customer.ID] = account
	}
	return accounts
}

// contactsOf reads the addresses of a partner; Odoo allows several in one field.
func contactsOf(partner wirePartner) []connectors.Contact {
	var list []connectors.Contact
	for _, part := range strings.FieldsFunc(string(partner.Email), func(r rune) bool { return r == ',' || r == ';' }) {
		if open := strings.LastIndexByte(part, '<'); open >= 0 {
			part = strings.TrimSuffix(strings.TrimSpace(part[open+1:]), ">")
		}
		if email, err := connectors.ParseEmail(part); err == nil {
			list = append(list, connectors.Contact{Email: email, Name: string(partner.Name), Phone: string(partner.Phone)})
		}
	}
	return list
}
