package erpnextfake

import (
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sheaf-hub/sheaf/hub/money"
)

// row is a document, or one joined with a row of its child table: a field to its value.
type row map[string]any

// document is a row with the rows of one child table.
type document struct {
	row
	child    string // its doctype: "Dynamic Link"
	table    string // its field: "links"
	children []row
}

func float(amount money.Amount) json.Number { return json.Number(amount.Decimal()) }

func flag(is bool) int {
	if is {
		return 1
	}
	return 0
}

// documents are a doctype as the site would read it now; false: there is none.
func (f *Fake) documents(doctype string) ([]document, bool) {
	var list []document
	switch doctype {
	case "Customer":
		for _, one := range f.customers {
			list = append(list, document{row: row{"name": one.name, "customer_name": one.name + " Ltd", "default_currency": one.currency, "payment_terms": "Net 30", "email_id": "primary@customer.example", "modified": local(one.changed)}})
		}
	case "Contact":
		for i, one := range f.customers {
			link := []row{{"link_doctype": "Customer", "link_name": one.name}}
			for n, kind := range []string{"Billing", "Primary", "Other"} {
				contact := row{"name": fmt.Sprintf("%s-%d", kind, i), "first_name": kind, "last_name": "Person", "email_id": strings.ToLower(kind) + "@customer.example", "phone": "", "is_primary_contact": flag(n == 1),
					"is_billing_contact": flag(n == 0), "modified": local(one.changed)}
				if n == 0 {
					contact["email_id"], contact["modified"] = one.email, local(one.contact)
				}
				list = append(list, document{contact, "Dynamic Link", "links", link})
			}
		}
		list = append(list, document{row{"name": "Supplier's", "first_name": "Sue", "last_name": "", "email_id": "sue@supplier.example", "phone": "", "is_primary_contact": 1, "is_billing_contact": 0, "modified": local(time.Unix(1_700_000_000, 0))},
			"Dynamic Link", "links", []row{{"link_doctype": "Supplier", "link_name": "Acme"}}})
	case "Sales Invoice":
		for _, one := range f.invoices {
			list = append(list, invoiceDocument(one))
		}
	case "Payment Entry", "Journal Entry":
		for _, one := range f.entries {
			if one.journal == (doctype == "Journal Entry") {
				list = append(list, entryDocument(one))
			}
		}
	case "Deleted Document":
		for _, one := range f.deleted {
			list = append(list, document{row: row{"name": one.name, "deleted_doctype": "Sales Invoice", "deleted_name": one.invoice, "restored": 0, "creation": local(one.at)}})
		}
	case "Account":
		for _, currency := range []string{"USD", "EUR", "JPY", "GBP", "KWD"} {
			for _, kind := range []string{"Bank", "Clearing", "Debtors"} {
				list = append(list, document{row: row{"name": kind + " " + currency + " - NW", "account_currency": currency, "company": Company, "is_group": 0}})
			}
		}
		list = append(list, document{row: row{"name": "Discounts - NW", "account_currency": "USD", "company": Company, "is_group": 0}}, document{row: row{"name": "Bank Accounts - NW", "account_currency": "USD", "company": Company, "is_group": 1}})
	case "Company":
		list = []document{{row: row{"name": Company, "cost_center": "Main - NW"}}}
	default:
		return nil, false
	}
	return list, true
}

func invoiceDocument(one *invoice) document {
	return document{row{"name": one.name, "customer": one.customer, "customer_name": one.customer + " Ltd", "company": Company, "posting_date": one.posted.Format(time.DateOnly), "due_date": one.due.Format(time.DateOnly), "currency": string(one.total.Currency),
		"party_account_currency": string(one.total.Currency), "debit_to": "Debtors " + string(one.total.Currency) + " - NW", "grand_total": float(one.total), "rounded_total": json.Number("0.0"),
		"outstanding_amount": float(one.open), "is_return": flag(one.isReturn), "docstatus": one.status, "po_no": "PO-7", "payment_terms_template": "Net 30", "modified": local(one.changed)},
		"Sales Invoice Item", "items", []row{{"idx": 1, "item_name": "Work", "qty": json.Number("1.0"), "rate": float(one.total), "amount": float(one.total)}}}
}

func entryDocument(one *entry) document {
	d := document{row: row{"name": one.name, "docstatus": one.status, "creation": local(one.made), "modified": local(one.made)}, child: "Payment Entry Reference", table: "references"}
	kind := "reference_doctype"
	if one.journal {
		d.child, d.table, kind = "Journal Entry Account", "accounts", "reference_type"
		d.row["cheque_no"] = one.reference
	} else {
		d.row["reference_no"] = one.reference
	}
	for _, part := range one.parts {
		d.children = append(d.children, row{kind: "Sales Invoice", "reference_name": part.invoice})
	}
	return d
}

// query is what a list is asked for.
type query struct {
	doctype string
	fields  []string
	filters [][]any
	order   string
	limit   int
}

// run answers a list. A query that names a field of the child table gets a row for each
// of its rows, as the join of the database does.
func (f *Fake) run(q query) ([]map[string]any, error) {
	documents, known := f.documents(q.doctype)
	if !known {
		return nil, problem(fmt.Sprintf("DocType %s not found", q.doctype))
	}
	joined := slices.ContainsFunc(q.fields, func(field string) bool { return strings.Contains(field, ".") }) || slices.ContainsFunc(q.filters, func(one []any) bool { return len(one) == 4 })
	var rows []row
	for _, one := range documents {
		if !joined {
			rows = append(rows, one.row)
			continue
		}
		for _, child := range one.children {
			both := row{}
			for field, value := range one.row {
				both[field] = value
			}
			for field, value := range child {
				both[one.child+"."+field], both[one.table+"."+field] = value, value
			}
			rows = append(rows, both)
		}
	}
	kept := rows[:0:0]
	for _, one := range rows {
		ok, err := holds(one, q.filters)
		if err != nil {
			return nil, err
		}
		if ok {
			kept = append(kept, one)
		}
	}
	column, direction, _ := strings.Cut(q.order, " ")
	slices.SortStableFunc(kept, func(a, b row) int {
		if direction == "desc" {
			a, b = b, a
		}
		return compare(a[column], b[column])
	})
	return show(kept[:min(len(kept), q.limit)], q.fields)
}

func show(rows []row, fields []string) ([]map[string]any, error) {
	answer := []map[string]any{}
	for _, one := range rows {
		shown := map[string]any{}
		for _, field := range fields {
			source, alias, named := strings.Cut(field, " as ")
			value, known := one[source]
			if !known {
				return nil, problem(fmt.Sprintf("Field not permitted in query: %s", source))
			}
			if !named {
				alias = source
			}
			shown[alias] = value
		}
		answer = append(answer, shown)
	}
	return answer, nil
}

func holds(one row, filters [][]any) (bool, error) {
	for _, filter := range filters {
		if len(filter) == 4 { // its child's doctype stands first
			filter = []any{fmt.Sprint(filter[0], ".", filter[1]), filter[2], filter[3]}
		}
		if len(filter) != 3 {
			return false, problem(fmt.Sprintf("a filter that is none: %v", filter))
		}
		value, known := one[fmt.Sprint(filter[0])]
		if !known {
			return false, problem(fmt.Sprintf("Field not permitted in query: %v", filter[0]))
		}
		ok := false
		switch filter[1] {
		case "=":
			ok = compare(value, filter[2]) == 0
		case "!=":
			ok = compare(value, filter[2]) != 0
		case ">":
			ok = compare(value, filter[2]) > 0
		case ">=":
			ok = compare(value, filter[2]) >= 0
		case "in":
			list, _ := filter[2].([]any) // none holds nothing
			ok = slices.ContainsFunc(list, func(wanted any) bool { return compare(value, wanted) == 0 })
		default:
			return false, problem(fmt.Sprintf("an operator that is none: %v", filter[1]))
		}
		if !ok {
			return false, nil
		}
	}
	return true, nil
}

// compare compares numbers as numbers, and all else as text.
func compare(a, b any) int {
	left, leftOK := rational(a)
	right, rightOK := rational(b)
	if leftOK && rightOK {
		return left.Cmp(right)
	}
	return strings.Compare(fmt.Sprint(a), fmt.Sprint(b))
}

func rational(value any) (*big.Rat, bool) {
	switch value := value.(type) {
	case int:
		return big.NewRat(int64(value), 1), true
	case json.Number:
		return new(big.Rat).SetString(value.String())
	}
	return nil, false
}

func atoi(text string, otherwise int) int {
	if n, err := strconv.Atoi(text); err == nil && n > 0 {
		return n
	}
	return otherwise
}
