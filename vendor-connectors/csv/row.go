package csv

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/sheaf-hub/sheaf/hub/money"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/csv/workbook"
)

// rowRecord is one row on its way to a record.
type rowRecord struct {
	plan     *plan
	row      []string
	line     int
	problems []connectors.Problem
	firstAt  string // header of the first column with a problem

	externalID, number, account, accountName, terms, order string
	contacts                                               []connectors.Contact
	issued, due                                            money.Date
	currency                                               money.Currency
	total, open                                            money.Amount
	status                                                 connectors.Status
	credit                                                 bool
}

const maxText = 500

func (r *rowRecord) read() {
	if !r.fits() {
		return
	}
	r.externalID, r.number = r.text(FieldExternalID), r.text(FieldNumber)
	r.account, r.accountName = r.text(FieldAccount), r.text(FieldAccountName)
	r.terms, r.order = r.text(FieldTerms), r.text(FieldPurchaseOrder)
	if r.id() == "" {
		r.problem(FieldNumber, "the row has no invoice number")
	}
	if r.number == "" {
		r.number = r.externalID
	}
	if r.account == "" {
		r.account = connectors.AccountSlug(r.accountName)
	}
	if r.account == "" {
		r.problem(FieldAccount, "the row names no customer")
	}
	if r.accountName == "" {
		r.accountName = r.account
	}
	r.issued, r.due = r.date(FieldIssuedOn), r.date(FieldDueOn)
	if r.issued != "" && r.due != "" && r.due < r.issued {
		r.problem(FieldDueOn, fmt.Sprintf("due on %s, before the invoice date %s", r.due, r.issued))
	}
	r.readEmails()
	r.readKind()
	r.readAmounts()
}

// fits refuses rows that do not have the header's shape.
func (r *rowRecord) fits() bool {
	columns := r.plan.proposal.Columns
	for i, cell := range r.row {
		switch {
		case len(cell) > MaxCell:
			r.say(i, fmt.Sprintf("a cell of %d KB; %d KB are accepted", len(cell)>>10, MaxCell>>10))
			return false
		case r.wrong(cell) != "":
			if i < len(columns) && columns[i].Field != "" {
				r.say(i, r.wrong(cell))
			}
		case i >= len(columns) && strings.TrimSpace(cell) != "" && r.plan.proposal.Sheet != "":
			r.say(i, fmt.Sprintf("something stands in column %d, to the right of the header; give the column a header or delete it", i+1))
			return false
		case i >= len(columns) && strings.TrimSpace(cell) != "":
			r.say(i, fmt.Sprintf("the row has %d cells, the header %d; quote cells that hold the delimiter %q", len(r.row), len(columns), r.plan.proposal.Delimiter))
			return false
		}
	}
	return len(r.problems) == 0
}

// wrong says what a spreadsheet could not compute: its marks of an error are no
// customer's name.
func (r *rowRecord) wrong(cell string) string {
	switch cell = strings.TrimSpace(cell); cell {
	case workbook.NotComputed:
		return "the cell holds a formula without its result; open the file in a spreadsheet program and save it"
	case "#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!", "#SPILL!", "#CALC!":
		return fmt.Sprintf("the cell shows the error %s; mend its formula", cell)
	}
	return ""
}

func (r *rowRecord) id() string {
	if r.externalID != "" {
		return r.externalID
	}
	return r.number
}

// cell is a field's cell as written, trimmed; "" when there is none.
func (r *rowRecord) cell(field string) string { return strings.TrimSpace(bare(r.marked(field))) }

// marked is the same with the mark of a number of a workbook.
func (r *rowRecord) marked(field string) string {
	at, ok := r.plan.at[field]
	if !ok || at >= len(r.row) {
		return ""
	}
	return strings.TrimSpace(r.row[at])
}

// text is a field's cell as one line of plain text.
func (r *rowRecord) text(field string) string {
	raw := strings.Map(func(c rune) rune {
		if unicode.IsControl(c) && !unicode.IsSpace(c) || unicode.Is(unicode.Bidi_Control, c) {
			return -1
		}
		return c
	}, r.cell(field))
	text := strings.Join(strings.Fields(raw), " ")
	if len([]rune(text)) > maxText {
		r.problem(field, fmt.Sprintf("longer than %d characters", maxText))
		return ""
	}
	return text
}

// standIn is the field that a problem is shown at when its own has no column.
var standIn = map[string]string{FieldAccount: FieldAccountName, FieldNumber: FieldExternalID, FieldTotal: FieldOpen}

func (r *rowRecord) problem(field, message string) {
	at, ok := r.plan.at[field]
	if !ok {
		at, ok = r.plan.at[standIn[field]]
	}
	if !ok {
		r.note(field, "", message)
		return
	}
	r.say(at, message)
}

func (r *rowRecord) say(at int, message string) {
	header := fmt.Sprintf("%d", at+1)
	if at < len(r.plan.proposal.Columns) && r.plan.proposal.Columns[at].Header != "" {
		header = r.plan.proposal.Columns[at].Header
	}
	r.note(header, header, message)
}

func (r *rowRecord) note(field, header, message string) {
	if len(r.problems) == 0 {
		r.firstAt = header
	}
	r.problems = append(r.problems, connectors.Problem{Field: field, Message: message})
}

func (r *rowRecord) rejected() connectors.Rejected {
	place := r.place(r.line)
	if r.firstAt != "" {
		place += ", column " + r.firstAt
	}
	return connectors.Rejected{Place: place, ExternalID: strings.Clone(r.id()), Problems: r.problems}
}

// place names a line as the file's own program does.
func (r *rowRecord) place(line int) string {
	if r.plan.proposal.Sheet != "" {
		return fmt.Sprintf("row %d", line)
	}
	return fmt.Sprintf("line %d", line)
}

func (r *rowRecord) date(field string) money.Date {
	cell := r.cell(field)
	if cell == "" {
		return ""
	}
	order := r.plan.proposal.Columns[r.plan.at[field]].DateOrder
	date, err := parseDate(cell, order, r.plan.options.DateOrder != "")
	if err != nil {
		r.problem(field, err.Error())
	}
	return date
}

func (r *rowRecord) readEmails() {
	seen := map[string]bool{}
	for _, part := range strings.FieldsFunc(r.cell(FieldEmail), func(c rune) bool { return c == ';' || c == ',' || unicode.IsSpace(c) }) {
		email, err := connectors.ParseEmail(part)
		if err != nil {
			r.problem(FieldEmail, err.Error())
			continue
		}
		if key := strings.ToLower(email); !seen[key] && len(seen) < 50 {
			seen[key] = true
			r.contacts = append(r.contacts, connectors.Contact{Email: email, Role: connectors.RolePayables})
		}
	}
}

func (r *rowRecord) readKind() {
	word := squeeze(r.cell(FieldKind))
	switch {
	case word == "" || kindWords(invoiceWords, word):
	case kindWords(creditWords, word):
		r.credit = true
	default:
		r.problem(FieldKind, fmt.Sprintf("%q is neither an invoice nor a credit; leave such rows out", clip(r.cell(FieldKind))))
	}
	switch word := squeeze(r.cell(FieldStatus)); {
	case kindWords(paidWords, word):
		r.status = connectors.StatusPaid
	case kindWords(voidWords, word):
		r.status = connectors.StatusVoid
	case kindWords(draftWords, word):
		r.problem(FieldStatus, fmt.Sprintf("%q: a draft is not owed yet; leave drafts out", clip(r.cell(FieldStatus))))
	}
}

func (r *rowRecord) readAmounts() {
	r.readCurrency()
	if r.currency == "" {
		return
	}
	total, hasTotal := r.amount(FieldTotal)
	open, hasOpen := r.amount(FieldOpen)
	if len(r.problems) > 0 {
		return
	}
	closed := r.status == connectors.StatusPaid || r.status == connectors.StatusVoid
	switch {
	case !hasTotal && !hasOpen:
		r.problem(FieldTotal, "the row has no amount")
		return
	case !hasTotal:
		total = open
	case !hasOpen && closed:
		open = money.New(0, r.currency)
	case !hasOpen:
		open = r.openFromPaid(total)
	}
	if open.Minor < 0 || (open.Minor == 0 && total.Minor < 0) {
		r.credit = true
	}
	r.total, r.open = positive(total), positive(open)
	r.judgeAmounts()
}

// openFromPaid serves exports that have a column for what was paid instead of
// one for what is open.
func (r *rowRecord) openFromPaid(total money.Amount) money.Amount {
	cell := r.marked(FieldPaid)
	switch word := squeeze(cell); {
	case cell == "" || kindWords(noWords, word):
		return total
	case kindWords(yesWords, word):
		return money.New(0, r.currency)
	}
	if _, err := takeDate(cell); err == nil { // the date on which it was paid; a number bears its mark and is none
		return money.New(0, r.currency)
	}
	paid, _ := r.amount(FieldPaid)
	open, err := total.Add(positive(paid).Neg())
	if total.Minor < 0 {
		open, err = total.Add(positive(paid))
	}
	if err != nil {
		r.problem(FieldPaid, err.Error())
	}
	return open
}

func (r *rowRecord) judgeAmounts() {
	switch {
	case len(r.problems) > 0:
	case r.total.Zero():
		r.problem(FieldTotal, "the total is zero: nothing is owed")
	case r.open.Minor > r.total.Minor:
		r.problem(FieldOpen, fmt.Sprintf("%s is open, more than the total of %s", r.open, r.total))
	case r.status == connectors.StatusPaid && !r.open.Zero():
		r.problem(FieldStatus, fmt.Sprintf("the row is marked as paid, yet %s is open", r.open))
	case r.status == "" && r.open.Zero():
		r.status = connectors.StatusPaid
	case r.status == "":
		r.status = connectors.StatusOpen
	}
}

func positive(a money.Amount) money.Amount {
	if a.Minor < 0 {
		return a.Neg()
	}
	return a
}

func (r *rowRecord) readCurrency() {
	written := r.cell(FieldCurrency)
	if full, known := signs[written]; known {
		written = full
	}
	if written == "" {
		written = r.inAmounts()
	}
	if written == "" {
		written = r.plan.proposal.Currency
	}
	if written == "" {
		r.problem(FieldCurrency, "the row names no currency")
		return
	}
	currency, err := money.ParseCurrency(written)
	if err != nil {
		r.problem(FieldCurrency, err.Error())
		return
	}
	r.currency = currency
}

// inAmounts is the currency that the row's own amounts name, "" when none does
// or the sign is one of several currencies.
func (r *rowRecord) inAmounts() string {
	for _, field := range []string{FieldOpen, FieldTotal} {
		if n, err := takeApart(r.cell(field)); err == nil && n.currency != "" && !severalSigns[n.currency] {
			return n.currency
		}
	}
	return ""
}

func (r *rowRecord) amount(field string) (money.Amount, bool) {
	cell := r.marked(field)
	if cell == "" || cell == "-" {
		return money.Amount{}, false
	}
	n, err := takeApart(cell)
	if err != nil {
		r.problem(field, err.Error())
		return money.Amount{}, false
	}
	if n.currency != "" && n.currency != string(r.currency) && !severalSigns[n.currency] {
		r.problem(field, fmt.Sprintf("the amount is in %s, the row in %s", n.currency, r.currency))
		return money.Amount{}, false
	}
	mark := r.plan.proposal.Decimal
	if mark == "" {
		mark = "."
	}
	text, err := n.decimal(mark)
	if err != nil {
		r.problem(field, err.Error())
		return money.Amount{}, false
	}
	amount, err := money.Parse(text, r.currency)
	if err != nil {
		if errors.Is(err, money.ErrPrecision) {
			err = fmt.Errorf("%q has more digits than %s has (%d)", clip(cell), r.currency, r.currency.Digits())
		}
		r.problem(field, err.Error())
		return money.Amount{}, false
	}
	return amount, true
}
