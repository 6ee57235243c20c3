package quickbooks

import (
	"encoding/json"
	"fmt"
	"slices"
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

// creditPrefix stands before the ids of credit memos, so that none is ever taken for
// an invoice's.
const creditPrefix = "creditmemo/"

// voided is what QuickBooks writes into the private note of a transaction that is
// voided, whose amounts become zero.
const voided = "Voided"

// reader turns QuickBooks' records into neutral ones and adds them to a page.
type reader struct {
	page  *connectors.Page
	terms map[string]string // by id
	home  money.Currency    // of records that name none

	references map[string]string                // our references, by the id of the payment
	files      map[string][]connectors.Document // by the id of the invoice
}

func (r reader) reject(place, id string, problems ...connectors.Problem) {
	r.page.Rejected = append(r.page.Rejected, connectors.Rejected{Place: clip(place, 200), ExternalID: id, Problems: problems})
}

func wrong(field, format string, values ...any) connectors.Problem {
	return connectors.Problem{Field: field, Message: fmt.Sprintf(format, values...)}
}

// unreadable is what is said of a record that is not even of the right shape.
func unreadable(err error) connectors.Problem {
	return wrong("", "QuickBooks gives a record that cannot be read (%s). Open it in QuickBooks and save it again; if that does not help, tell the hub's operator.", clip(err.Error(), 200))
}

// idIn looks for the id in a record that cannot be read as a whole.
func idIn(raw json.RawMessage) string {
	var found struct {
		ID string `json:"Id"`
	}
	_ = json.Unmarshal(raw, &found) // what could be read counts
	if !isID(found.ID) {
		return ""
	}
	return found.ID
}

// customer adds an account. Inactive ones come too, because their invoices may be open.
func (r reader) customer(raw json.RawMessage) {
	var wire wireCustomer
	if err := json.Unmarshal(raw, &wire); err != nil {
		r.reject("customer", idIn(raw), unreadable(err))
		return
	}
	if wire.Status == statusDeleted {
		return // merged into another one, which has its invoices now
	}
	name := firstOf(wire.DisplayName, wire.FullyQualifiedName, wire.CompanyName)
	if !isID(wire.ID) || name == "" {
		r.reject("customer "+clip(name, 100), idIn(raw), wrong("/DisplayName", "The customer has no name or no id. Give it a name in QuickBooks."))
		return
	}
	account := connectors.Account{ExternalID: wire.ID, Name: name, Terms: r.terms[wire.SalesTermRef.Value]}
	if currency, err := r.currency(wire.CurrencyRef); err == nil {
		account.Currency = currency
	}
	person := clip(strings.TrimSpace(wire.GivenName+" "+wire.FamilyName), 200)
	phone := clip(strings.Join(strings.Fields(wire.PrimaryPhone.FreeFormNumber), " "), 60)
	contacts, problems := mailboxes("/PrimaryEmailAddr/Address", wire.PrimaryEmailAddr.Address, connectors.Contact{Name: person, Phone: phone, Role: connectors.RolePayables})
	account.Contacts = contacts
	if len(problems) > 0 {
		r.reject("customer "+clip(name, 100), wire.ID, problems...)
	}
	r.page.Accounts = append(r.page.Accounts, account)
}

func firstOf(texts ...string) string {
	for _, text := range texts {
		if text = strings.TrimSpace(text); text != "" {
			return text
		}
	}
	return ""
}

// mailboxes reads a field that may hold several addresses, with commas between them.
func mailboxes(field, text string, like connectors.Contact) ([]connectors.Contact, []connectors.Problem) {
	var list []connectors.Contact
	var problems []connectors.Problem
	seen := map[string]bool{}
	for _, one := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(",; \t\r\n", r) }) {
		address, err := connectors.ParseEmail(one)
		switch {
		case err != nil && len(problems) < mostContacts:
			problems = append(problems, wrong(field, "%s. Correct it in QuickBooks; until then the customer comes without this address.", err))
		case err == nil && !seen[strings.ToLower(address)] && len(list) < mostContacts:
			seen[strings.ToLower(address)] = true
			like.Email = address
			list = append(list, like)
		}
	}
	return list, problems
}

// currency is that of a record; companies with one currency need not name it.
func (r reader) currency(of ref) (money.Currency, error) {
	if of.Value == "" {
		if r.home == "" {
			return "", fmt.Errorf("it names no currency, and the company has no home currency")
		}
		return r.home, nil
	}
	currency, err := money.ParseCurrency(of.Value)
	if err != nil {
		return "", fmt.Errorf("%q is not a currency", clip(of.Value, 20))
	}
	return currency, nil
}

// invoice adds an invoice, or its id to what is gone.
func (r reader) invoice(raw json.RawMessage) {
	var wire wireDocument
	if err := json.Unmarshal(raw, &wire); err != nil {
		r.reject("invoice", idIn(raw), unreadable(err))
		return
	}
	if wire.Status == statusDeleted && isID(wire.ID) {
		r.page.Gone = append(r.page.Gone, wire.ID)
		return
	}
	number := firstOf(wire.DocNumber, wire.ID)
	total, open, problems := r.amounts(wire, wire.Balance, "/Balance")
	issued, err := parseDate(wire.TxnDate)
	if err != nil {
		problems = append(problems, wrong("/TxnDate", "%s.", err))
	}
	due, err := parseDate(wire.DueDate)
	if err != nil {
		problems = append(problems, wrong("/DueDate", "%s.", err))
	}
	problems = append(problems, badIDs(wire)...)
	if len(problems) > 0 {
		r.reject("invoice "+clip(number, 100), idIn(raw), problems...)
		return
	}
	status := wire.state(total, open)
	if status == connectors.StatusVoid {
		open.Minor = 0
	}
	invoice := connectors.Invoice{ExternalID: wire.ID, Number: number, Account: wire.CustomerRef.Value, IssuedOn: issued, DueOn: due,
		Terms: r.terms[wire.SalesTermRef.Value], Total: total, Open: open, Status: status, PurchaseOrder: wire.purchaseOrder(),
		Note: clip(strings.TrimSpace(wire.CustomerMemo.Value), 1000), Lines: wire.lines(), Applied: r.applied(wire), AccountSeen: seen(wire)}
	invoice.Documents = append([]connectors.Document{paper(refInvoice, wire.ID, number)}, r.files[wire.ID]...)
	r.page.Invoices = append(r.page.Invoices, invoice)
}

// state is closed when nothing is open. Voiding makes the amounts zero and says so in
// the private note; a note of that word alone means the same, whatever the amounts.
func (w wireDocument) state(total, open money.Amount) connectors.Status {
	note := strings.TrimSpace(w.PrivateNote)
	switch {
	case note == voided, total.Zero() && open.Zero() && strings.HasPrefix(note, voided):
		return connectors.StatusVoid
	case open.Zero():
		return connectors.StatusPaid
	}
	return connectors.StatusOpen
}

// purchaseOrder stands in a field of the vendor's own making.
func (w wireDocument) purchaseOrder() string {
	for _, field := range w.CustomField {
		name := strings.ToLower(strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
				return r
			}
			return -1
		}, field.Name))
		if slices.Contains([]string{"po", "pono", "ponumber", "ponum", "purchaseorder", "purchaseorderno", "purchaseordernumber", "customerpo", "customerponumber"}, name) {
			return clip(strings.TrimSpace(field.StringValue), 100)
		}
	}
	return ""
}

// lines are for reading: the amounts as QuickBooks writes them. The subtotal is left
// out, and a discount is written as what it takes away.
func (w wireDocument) lines() []connectors.Line {
	var lines []connectors.Line
	for _, line := range w.Line {
		if len(lines) == mostLines {
			break
		}
		if line.DetailType == "SubTotalLineDetail" {
			continue
		}
		one := connectors.Line{Description: clip(firstOf(line.Description, line.SalesItemLineDetail.ItemRef.Name), 500),
			Quantity: line.SalesItemLineDetail.Qty.String(), UnitPrice: line.SalesItemLineDetail.UnitPrice.String(), Amount: line.Amount.String()}
		if line.DetailType == "DiscountLineDetail" {
			one.Description = firstOf(one.Description, "Discount")
			one.Amount = lessThanNothing(one.Amount)
		}
		lines = append(lines, one)
	}
	return lines
}

func lessThanNothing(amount string) string {
	if amount == "" || strings.HasPrefix(amount, "-") || strings.Trim(amount, "0.") == "" {
		return amount
	}
	return "-" + amount
}

// applied are our references among the payments that an invoice is linked to.
func (r reader) applied(w wireDocument) []string {
	var list []string
	for _, link := range w.LinkedTxn {
		reference := r.references[link.TxnID]
		if link.TxnType == txnPayment && reference != "" && !slices.Contains(list, reference) && len(list) < mostApplied {
			list = append(list, reference)
		}
	}
	return list
}

// creditMemo adds a credit, or its id to what is gone: one that is voided has no
// amount any more, and so there is nothing to set against an invoice.
func (r reader) creditMemo(raw json.RawMessage) {
	var wire wireDocument
	if err := json.Unmarshal(raw, &wire); err != nil {
		r.reject("credit memo", credited(idIn(raw)), unreadable(err))
		return
	}
	if wire.Status == statusDeleted && isID(wire.ID) {
		r.page.Gone = append(r.page.Gone, creditPrefix+wire.ID)
		return
	}
	left := wire.RemainingCredit
	if left == "" {
		left = wire.Balance
	}
	number := firstOf(wire.DocNumber, wire.ID)
	total, open, problems := r.amounts(wire, left, "/RemainingCredit")
	issued, err := parseDate(wire.TxnDate)
	if err != nil {
		problems = append(problems, wrong("/TxnDate", "%s.", err))
	}
	problems = append(problems, badIDs(wire)...)
	if len(problems) > 0 {
		r.reject("credit memo "+clip(number, 100), credited(idIn(raw)), problems...)
		return
	}
	status := wire.state(total, open)
	if total.Zero() || status == connectors.StatusVoid {
		r.page.Gone = append(r.page.Gone, creditPrefix+wire.ID)
		return
	}
	r.page.Credits = append(r.page.Credits, connectors.Credit{ExternalID: creditPrefix + wire.ID, Number: number, Account: wire.CustomerRef.Value, IssuedOn: issued,
		Total: total, Open: open, Note: clip(strings.TrimSpace(wire.CustomerMemo.Value), 1000), Status: status, Applied: r.applied(wire),
		Documents: []connectors.Document{paper(refCredit, wire.ID, number)}, AccountSeen: seen(wire)})
}

func credited(id string) string {
	if id == "" {
		return ""
	}
	return creditPrefix + id
}

// amounts reads a total and what is open of it, as they are written.
func (r reader) amounts(wire wireDocument, open json.Number, field string) (money.Amount, money.Amount, []connectors.Problem) {
	currency, err := r.currency(wire.CurrencyRef)
	if err != nil {
		return money.Amount{}, money.Amount{}, []connectors.Problem{wrong("/CurrencyRef", "%s.", err)}
	}
	total, err := parseAmount(wire.TotalAmt, currency)
	if err != nil {
		return total, total, []connectors.Problem{wrong("/TotalAmt", "%s.", err)}
	}
	left, err := parseAmount(open, currency)
	switch {
	case err != nil:
		return total, left, []connectors.Problem{wrong(field, "%s.", err)}
	case left.Minor < 0 || left.Minor > total.Minor:
		return total, left, []connectors.Problem{wrong(field, "%s is open of a total of %s. Look the record up in QuickBooks.", left.Decimal(), total.Decimal())}
	}
	return total, left, nil
}

func badIDs(wire wireDocument) []connectors.Problem {
	var problems []connectors.Problem
	if !isID(wire.ID) {
		problems = append(problems, wrong("/Id", "QuickBooks gives no id for it."))
	}
	if !isID(wire.CustomerRef.Value) {
		problems = append(problems, wrong("/CustomerRef", "It names no customer, so nobody can be asked to pay it. Choose one in QuickBooks."))
	}
	return problems
}

// seen is what a document says of its customer, for one that was made after the
// customers were read: where it was sent to, too. A mailbox of one invoice is not
// added to a customer that is known, because it would see all invoices there.
func seen(wire wireDocument) *connectors.Account {
	name := strings.TrimSpace(wire.CustomerRef.Name)
	if name == "" {
		return nil
	}
	account := &connectors.Account{ExternalID: wire.CustomerRef.Value, Name: name}
	to, _ := mailboxes("", wire.BillEmail.Address, connectors.Contact{Role: connectors.RolePayables}) // what is wrong is told with the customer
	copies, _ := mailboxes("", wire.BillEmailCc.Address, connectors.Contact{Role: connectors.RoleCopy})
	for _, one := range append(to, copies...) {
		known := slices.ContainsFunc(account.Contacts, func(c connectors.Contact) bool { return strings.EqualFold(c.Email, one.Email) })
		if !known && len(account.Contacts) < mostContacts {
			account.Contacts = append(account.Contacts, one)
		}
	}
	return account
}

// words are the terms as people read them. Those with a discount for early payment
// are written out, because the name that a vendor gives them need not say it.
func (t wireTerm) words() string {
	percent, days, net := t.DiscountPercent.String(), t.DiscountDays.String(), t.DueDays.String()
	if strings.Trim(percent, "0.") == "" || strings.Trim(days, "0") == "" || net == "" {
		return clip(t.Name, 100)
	}
	return clip(fmt.Sprintf("%s%% %s days, net %s", strings.TrimSuffix(strings.TrimRight(percent, "0"), "."), days, net), 100)
}
