package odoofake

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sheaf-hub/sheaf/hub/money"
)

// call is the body of any call: arguments by name.
type call struct {
	IDs     []int64 `json:"ids"`
	Domain  []any   `json:"domain"`
	Fields  []string
	Order   string
	Limit   int
	Values  []map[string]any `json:"vals_list"`
	LineID  int64            `json:"line_id"`
	Context struct {
		Model string  `json:"active_model"`
		IDs   []int64 `json:"active_ids"`
	} `json:"context"`
}

// wizard is an open "Register payment" window.
type wizard struct {
	invoice, journal int64
	amount           money.Amount
	memo             string
	writesOff        bool
}

func say(w http.ResponseWriter, status int, answer any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer) // whoever asked may have gone
}

func fail(w http.ResponseWriter, status int, name, message string) {
	say(w, status, map[string]any{"name": name, "message": message, "arguments": []any{message}, "context": map[string]any{}, "debug": "Traceback …"})
}

func (f *Fake) serve(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock() // a call is one transaction
	defer f.mu.Unlock()
	w.Header().Set("Date", f.now().Format(http.TimeFormat))
	path, under := strings.CutPrefix(r.URL.Path, "/json/2/")
	model, method, _ := strings.Cut(path, "/")
	var c call
	decoder := json.NewDecoder(r.Body)
	decoder.UseNumber()
	switch {
	case !under || r.Method != http.MethodPost || r.Header.Get("X-Odoo-Database") != Database:
		fail(w, http.StatusNotFound, "werkzeug.exceptions.NotFound", "Did you mean POST /json/2/<model>/<method>?")
		return
	case r.Header.Get("Authorization") != "bearer "+Key || f.revoked:
		fail(w, http.StatusUnauthorized, "werkzeug.exceptions.Unauthorized", "Invalid apikey")
		return
	case decoder.Decode(&c) != nil:
		fail(w, http.StatusBadRequest, "werkzeug.exceptions.BadRequest", "could not parse the body as json")
		return
	}
	answer, err := f.run(model, method, c)
	var missing notFound
	switch {
	case errors.As(err, &missing):
		fail(w, http.StatusNotFound, "werkzeug.exceptions.NotFound", err.Error())
	case err != nil:
		fail(w, http.StatusUnprocessableEntity, "odoo.exceptions.UserError", err.Error())
	default:
		say(w, http.StatusOK, answer)
	}
}

type notFound string

func (n notFound) Error() string { return string(n) }

func (f *Fake) run(model, method string, c call) (any, error) {
	switch model + "/" + method {
	case "res.users/context_get":
		return map[string]any{"lang": "en_US", "tz": "UTC", "uid": 2}, nil
	case "account.payment.register/create":
		return f.openWizard(c)
	case "account.payment.register/action_create_payments":
		return f.register(c)
	case "account.payment/create":
		return f.createPayment(c)
	case "account.payment/action_post":
		return f.postPayment(c)
	case "account.move/js_assign_outstanding_line":
		return f.assign(c)
	}
	rows, known := f.table(model)
	if !known || method != "search_read" && method != "search_count" {
		return nil, notFound(fmt.Sprintf("the model %q or its method %q does not exist", model, method))
	}
	found := rows[:0:0]
	for _, one := range rows {
		ok, err := holds(one, c.Domain)
		if err != nil {
			return nil, err
		}
		if ok {
			found = append(found, one)
		}
	}
	if method == "search_count" {
		return len(found), nil
	}
	return read(found, c)
}

// read sorts, cuts and shows rows.
func read(found []row, c call) (any, error) {
	columns := strings.Split(c.Order, ",")
	slices.Reverse(columns)
	for _, column := range columns { // the last counts least
		name, direction, _ := strings.Cut(strings.TrimSpace(column), " ")
		slices.SortStableFunc(found, func(a, b row) int {
			if direction == "desc" {
				a, b = b, a
			}
			return strings.Compare(sortable(a[name]), sortable(b[name]))
		})
	}
	if c.Limit > 0 {
		found = found[:min(c.Limit, len(found))]
	}
	answer := []map[string]any{}
	for _, one := range found {
		shown := map[string]any{"id": one["id"]}
		for _, field := range c.Fields {
			value, known := one[field]
			if !known {
				return nil, problem(fmt.Sprintf("Invalid field %q", field))
			}
			if at, ok := value.(time.Time); ok {
				value = at.Format(stampLayout)
			}
			shown[field] = value
		}
		answer = append(answer, shown)
	}
	return answer, nil
}

func number(values map[string]any, field string) int64 {
	if n, ok := values[field].(json.Number); ok {
		id, _ := n.Int64() // 0 is none
		return id
	}
	return 0
}

func amount(values map[string]any, currency money.Currency) (money.Amount, error) {
	n, ok := values["amount"].(json.Number)
	if !ok {
		return money.Amount{}, problem("the amount is missing")
	}
	paid, err := money.Parse(n.String(), currency)
	if err == nil && paid.Minor <= 0 {
		err = problem("the amount must be more than nothing")
	}
	return paid, err
}

// openWizard is create on account.payment.register: nothing is booked.
func (f *Fake) openWizard(c call) (any, error) {
	if len(c.Values) != 1 || c.Context.Model != "account.move" || len(c.Context.IDs) != 1 {
		return nil, problem("this fake registers a payment of one invoice")
	}
	m := f.find(c.Context.IDs[0])
	switch {
	case m == nil:
		return nil, notFound("Record does not exist or has been deleted.")
	case m.state != "posted":
		return nil, problem("You can only register payment for posted journal entries.")
	case m.open.Zero():
		return nil, problem("You can't register a payment because there is nothing left to pay on the selected journal items.")
	}
	values := c.Values[0]
	paid, err := amount(values, m.total.Currency)
	if err != nil {
		return nil, err
	}
	memo, _ := values["communication"].(string)
	made := wizard{invoice: m.id, journal: number(values, "journal_id"), amount: paid, memo: memo, writesOff: values["payment_difference_handling"] == "reconcile"}
	if number(values, "currency_id") != currencyID(m.total.Currency) || made.journal != bankJournal && made.journal != clearingJournal {
		return nil, problem("The journal or the currency is not one of this company.")
	}
	if made.writesOff && number(values, "writeoff_account_id") != discountAccount {
		return nil, problem("The difference account is missing.")
	}
	id := f.id()
	f.wizards[id] = made
	return []int64{id}, nil
}

// register is action_create_payments: it books, posts and reconciles.
func (f *Fake) register(c call) (any, error) {
	if len(c.IDs) != 1 {
		return nil, problem("Expected singleton")
	}
	made, known := f.wizards[c.IDs[0]]
	m := f.find(made.invoice)
	if !known || m == nil {
		return nil, notFound("Record does not exist or has been deleted.")
	}
	settles := money.New(min(made.amount.Minor, m.open.Minor), m.total.Currency)
	if made.writesOff {
		settles = m.open
	}
	booked := f.book(m, payment{invoice: m.id, journal: made.journal, memo: made.memo, state: "in_process", amount: made.amount}, settles)
	return map[string]any{"type": "ir.actions.act_window", "res_model": "account.payment", "res_id": booked.id}, nil
}

func (f *Fake) createPayment(c call) (any, error) {
	if len(c.Values) != 1 {
		return nil, problem("this fake makes one payment at a time")
	}
	paid, err := amount(c.Values[0], "USD")
	if err != nil {
		return nil, err
	}
	memo, _ := c.Values[0]["memo"].(string)
	made := &payment{id: f.id(), journal: number(c.Values[0], "journal_id"), memo: memo, state: "draft", amount: paid, made: f.now()}
	f.payments = append(f.payments, made)
	return []int64{made.id}, nil
}

func (f *Fake) postPayment(c call) (any, error) {
	for _, one := range f.payments {
		if slices.Contains(c.IDs, one.id) && one.state == "draft" {
			one.state = "in_process"
		}
	}
	return nil, nil
}

// assign is what the button "Add" beside an outstanding credit does.
func (f *Fake) assign(c call) (any, error) {
	if len(c.IDs) != 1 {
		return nil, problem("Expected singleton")
	}
	invoice, credit := f.find(c.IDs[0]), f.find(c.LineID/100)
	if invoice == nil || credit == nil || invoice.customer != credit.customer || invoice.total.Currency != credit.total.Currency {
		return nil, notFound("Record does not exist or has been deleted.")
	}
	used := money.New(min(invoice.open.Minor, credit.open.Minor), invoice.total.Currency)
	if used.Zero() {
		return nil, problem("You are trying to reconcile some entries that are already reconciled.")
	}
	f.partials = append(f.partials, &partial{id: f.id(), invoice: invoice.id, credit: credit.id, amount: used, made: f.now()})
	for _, one := range []*move{invoice, credit} {
		one.open.Minor, one.changed = one.open.Minor-used.Minor, f.now()
	}
	return nil, nil
}

// problem is what Odoo says is wrong, in its own words.
type problem string

func (p problem) Error() string { return string(p) }
