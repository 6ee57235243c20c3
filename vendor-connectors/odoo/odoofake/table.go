package odoofake

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sheaf-hub/sheaf/hub/money"
)

const stampLayout = "2006-01-02 15:04:05"

// row is a record of a model: a field to what is told of it. Keys with a dot are
// there for conditions alone.
type row map[string]any

func link(id int64, name string) any {
	if id == 0 {
		return false
	}
	return []any{id, name}
}

func float(amount money.Amount) json.Number { return json.Number(amount.Decimal()) }

// table is a model as Odoo would read it now; false: there is no such model.
func (f *Fake) table(model string) ([]row, bool) {
	var rows []row
	switch model {
	case "res.partner":
		for _, one := range f.partners {
			rows = append(rows, f.partnerRow(one))
		}
	case "account.move":
		for _, one := range f.moves {
			rows = append(rows, f.moveRow(one))
		}
	case "account.move.line":
		for _, one := range f.moves {
			rows = append(rows, lineRow(one, 1, "product"), lineRow(one, 2, "payment_term"))
		}
	case "account.payment":
		for _, one := range f.payments {
			linked := []int64{}
			if one.invoice != 0 {
				linked = append(linked, one.invoice)
			}
			rows = append(rows, row{"id": one.id, "memo": one.memo, "state": one.state, "amount": float(one.amount), "invoice_ids": linked, "reconciled_invoice_ids": linked, "create_date": one.made, "write_date": one.made})
		}
	case "account.partial.reconcile":
		for _, one := range f.partials {
			rows = append(rows, row{"id": one.id, "debit_move_id.move_id": one.invoice, "credit_move_id.move_id": one.credit, "debit_amount_currency": float(one.amount), "create_date": one.made})
		}
	case "account.journal":
		rows = []row{{"id": int64(bankJournal), "code": "BNK1", "type": "bank", "company_id": link(1, "Northwind")}, {"id": int64(clearingJournal), "code": "CLR1", "type": "bank", "company_id": link(1, "Northwind")}}
	case "account.account":
		rows = []row{{"id": int64(discountAccount), "code": "4730"}}
	case "ir.attachment":
		for _, one := range f.moves {
			if !one.credit {
				pdf := fmt.Sprintf("%%PDF-1.4 %d %s", one.id, one.total.Decimal())
				rows = append(rows, row{"id": one.id * 10, "name": "INV_" + strconv.FormatInt(one.id, 10) + ".pdf", "res_model": "account.move", "res_id": one.id, "res_field": "invoice_pdf_report_file",
					"mimetype": "application/pdf", "datas": base64.StdEncoding.EncodeToString([]byte(pdf))})
			}
		}
	default:
		return nil, false
	}
	return rows, true
}

func (f *Fake) partnerRow(one *partner) row {
	company := one
	for _, other := range f.partners {
		if other.id == one.company {
			company = other
		}
	}
	return row{"id": one.id, "name": one.name, "email": one.email, "phone": false, "type": one.kind, "active": true, "commercial_partner_id": link(company.id, company.name),
		"property_payment_term_id": link(3, "30 Days"), "write_date": one.changed, "customer_rank": int64(one.rank), "commercial_partner_id.customer_rank": int64(company.rank)}
}

func (f *Fake) moveRow(one *move) row {
	kind, prefix := "out_invoice", "INV/2026/"
	if one.credit {
		kind, prefix = "out_refund", "RINV/2026/"
	}
	payment := "partial"
	switch {
	case one.open.Zero():
		payment = "paid"
	case one.open == one.total:
		payment = "not_paid"
	}
	return row{"id": one.id, "name": prefix + strconv.FormatInt(one.id, 10), "move_type": kind, "state": one.state, "payment_state": payment, "posted_before": true,
		"commercial_partner_id": link(one.customer, "customer"), "currency_id": link(currencyID(one.total.Currency), string(one.total.Currency)), "company_id": link(1, "Northwind"),
		"amount_total": float(one.total), "amount_residual": float(one.open), "invoice_date": one.issued.Format(time.DateOnly), "invoice_date_due": one.due.Format(time.DateOnly),
		"invoice_payment_term_id": link(3, "30 Days"), "ref": false, "matched_payment_ids": append([]int64{}, one.payments...), "write_date": one.changed}
}

func currencyID(currency money.Currency) int64 {
	return int64(100 + slices.Index([]money.Currency{"EUR", "USD", "JPY", "GBP", "KWD"}, currency))
}

func lineRow(one *move, n int64, kind string) row {
	line := row{"id": one.id*100 + n, "move_id": link(one.id, "move"), "name": "Work", "quantity": json.Number("1.0"), "price_unit": float(one.total), "price_subtotal": float(one.total),
		"display_type": kind, "account_type": "income", "reconciled": false}
	if kind == "payment_term" {
		line["account_type"], line["reconciled"] = "asset_receivable", one.open.Zero()
	}
	return line
}

// holds evaluates a condition in Odoo's prefix notation, as far as the connector
// uses it.
func holds(one row, condition []any) (bool, error) {
	all := true
	for len(condition) > 0 {
		ok, rest, err := next(one, condition)
		if err != nil {
			return false, err
		}
		all, condition = all && ok, rest
	}
	return all, nil
}

func next(one row, condition []any) (bool, []any, error) {
	if len(condition) == 0 {
		return false, nil, problem("a domain that ends too soon")
	}
	if condition[0] == "|" {
		left, rest, err := next(one, condition[1:])
		if err != nil {
			return false, nil, err
		}
		right, rest, err := next(one, rest)
		return left || right, rest, err
	}
	parts, ok := condition[0].([]any)
	if !ok || len(parts) != 3 {
		return false, nil, problem(fmt.Sprintf("a term that is none: %v", condition[0]))
	}
	field, _ := parts[0].(string)
	operator, _ := parts[1].(string)
	value, known := one[field]
	if !known {
		return false, nil, problem(fmt.Sprintf("Invalid field %q", field))
	}
	ok, err := compare(value, operator, parts[2])
	return ok, condition[1:], err
}

// compare brings both sides to text that sorts as they do.
func compare(value any, operator string, wanted any) (bool, error) {
	have := sortable(value)
	switch operator {
	case "=":
		return have == sortable(wanted), nil
	case ">":
		return have > sortable(wanted), nil
	case ">=":
		return have >= sortable(wanted), nil
	case "in", "not in":
		list, ok := wanted.([]any)
		if !ok {
			return false, problem(fmt.Sprintf("in what? %v", wanted))
		}
		found := slices.ContainsFunc(list, func(one any) bool { return sortable(one) == have })
		return found == (operator == "in"), nil
	}
	return false, problem(fmt.Sprintf("Invalid operator %q", operator))
}

func sortable(value any) string {
	switch value := value.(type) {
	case time.Time:
		return value.Format(stampLayout + ".000000")
	case int64:
		return fmt.Sprintf("%020d", value)
	case json.Number:
		n, err := value.Int64()
		if err != nil {
			return value.String()
		}
		return fmt.Sprintf("%020d", n)
	case []any: // a link is its id
		if len(value) > 0 {
			return sortable(value[0])
		}
	}
	return strings.TrimSpace(fmt.Sprint(value))
}
