package erpnextfake

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/sheaf-hub/sheaf/hub/money"
)

func (f *Fake) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/method/frappe.auth.get_logged_user", func(w http.ResponseWriter, _ *http.Request) {
		say(w, http.StatusOK, map[string]any{"message": "sheaf@northwind.example"})
	})
	mux.HandleFunc("GET /api/method/frappe.client.get_time_zone", func(w http.ResponseWriter, _ *http.Request) {
		say(w, http.StatusOK, map[string]any{"message": map[string]any{"time_zone": zoneName}})
	})
	mux.HandleFunc("POST /api/method/frappe.client.get_count", f.count)
	mux.HandleFunc("POST /api/method/frappe.client.get_list", f.getList)
	mux.HandleFunc("GET /api/method/frappe.utils.print_format.download_pdf", f.pdf)
	mux.HandleFunc("GET /api/resource/{doctype}", f.listResource)
	mux.HandleFunc("POST /api/resource/Payment Entry", f.postPayment)
	mux.HandleFunc("POST /api/resource/Journal Entry", f.postJournal)
	mux.HandleFunc("PUT /api/resource/Payment Entry/{name}", f.putPayment)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock() // one call at a time
		defer f.mu.Unlock()
		w.Header().Set("Date", f.now().Format(http.TimeFormat))
		if r.Header.Get("Authorization") != "token "+Key+":"+Secret || f.revoked {
			fail(w, http.StatusUnauthorized, "AuthenticationError", "Invalid API key or secret")
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func say(w http.ResponseWriter, status int, answer any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer) // whoever asked may have gone
}

// fail answers as Frappe does: messages are JSON in JSON in JSON.
func fail(w http.ResponseWriter, status int, kind, text string) {
	one, err := json.Marshal(map[string]any{"message": text, "indicator": "red"})
	if err != nil {
		panic(err) // two texts
	}
	all, err := json.Marshal([]string{string(one)})
	if err != nil {
		panic(err)
	}
	say(w, status, map[string]any{"exc_type": kind, "exception": "frappe.exceptions." + kind + ": " + text, "_server_messages": string(all)})
}

func refuse(w http.ResponseWriter, err error) {
	fail(w, http.StatusExpectationFailed, "ValidationError", err.Error())
}

func decode(text string, into any) error {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	return decoder.Decode(into)
}

func (f *Fake) listResource(w http.ResponseWriter, r *http.Request) {
	values := r.URL.Query()
	q := query{doctype: r.PathValue("doctype"), order: values.Get("order_by"), limit: atoi(values.Get("limit_page_length"), 20)}
	if decode(values.Get("fields"), &q.fields) != nil || decode(values.Get("filters"), &q.filters) != nil {
		refuse(w, problem("fields and filters must be JSON"))
		return
	}
	if q.doctype == "Deleted Document" && f.unprivate {
		fail(w, http.StatusForbidden, "PermissionError", "No permission for Deleted Document")
		return
	}
	rows, err := f.run(q)
	if err != nil {
		refuse(w, err)
		return
	}
	say(w, http.StatusOK, map[string]any{"data": rows})
}

func (f *Fake) asked(r *http.Request) (query, error) {
	var body struct {
		Doctype string   `json:"doctype"`
		Fields  []string `json:"fields"`
		Filters [][]any  `json:"filters"`
		Limit   int      `json:"limit_page_length"`
	}
	decoder := json.NewDecoder(r.Body)
	decoder.UseNumber()
	if err := decoder.Decode(&body); err != nil {
		return query{}, err
	}
	return query{doctype: body.Doctype, fields: body.Fields, filters: body.Filters, limit: body.Limit}, nil
}

func (f *Fake) getList(w http.ResponseWriter, r *http.Request) {
	q, err := f.asked(r)
	if err == nil {
		var rows []map[string]any
		if rows, err = f.run(q); err == nil {
			say(w, http.StatusOK, map[string]any{"message": rows})
			return
		}
	}
	refuse(w, err)
}

func (f *Fake) count(w http.ResponseWriter, r *http.Request) {
	q, err := f.asked(r)
	if err == nil {
		q.fields, q.limit = []string{"name"}, 1<<30
		var rows []map[string]any
		if rows, err = f.run(q); err == nil {
			say(w, http.StatusOK, map[string]any{"message": len(rows)})
			return
		}
	}
	refuse(w, err)
}

func (f *Fake) pdf(w http.ResponseWriter, r *http.Request) {
	one := f.find(r.URL.Query().Get("name"))
	if one == nil || r.URL.Query().Get("doctype") != "Sales Invoice" {
		fail(w, http.StatusNotFound, "DoesNotExistError", "Sales Invoice not found")
		return
	}
	w.Header().Set("Content-Type", "application/pdf")
	fmt.Fprintf(w, "%%PDF-1.4 %s %s", one.name, one.total.Decimal())
}

func (f *Fake) postPayment(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Status     int         `json:"docstatus"`
		Type       string      `json:"payment_type"`
		Party      string      `json:"party"`
		From       string      `json:"paid_from"`
		To         string      `json:"paid_to"`
		Paid       json.Number `json:"paid_amount"`
		Reference  string      `json:"reference_no"`
		References []struct {
			Name      string      `json:"reference_name"`
			Allocated json.Number `json:"allocated_amount"`
		} `json:"references"`
		Deductions []struct {
			Account string      `json:"account"`
			Center  string      `json:"cost_center"`
			Amount  json.Number `json:"amount"`
		} `json:"deductions"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil || len(body.References) == 0 {
		refuse(w, problem("references are missing"))
		return
	}
	first := f.find(body.References[0].Name)
	if first == nil {
		refuse(w, problem("Could not find <b>Sales Invoice</b>"))
		return
	}
	currency := first.total.Currency
	made := &entry{customer: body.Party, reference: body.Reference, into: body.To}
	have, err := money.Parse(body.Paid.String(), currency)
	for _, one := range body.Deductions {
		amount, amountErr := money.Parse(one.Amount.String(), currency)
		if one.Account != "Discounts - NW" || one.Center != "Main - NW" {
			amountErr = problem("Could not find the account or cost center of a deduction")
		}
		err, have.Minor = errors.Join(err, amountErr), have.Minor+amount.Minor
	}
	for _, one := range body.References {
		amount, amountErr := money.Parse(one.Allocated.String(), currency)
		paid := f.find(one.Name)
		switch {
		case paid == nil || paid.status != 1 || paid.customer != body.Party || paid.isReturn:
			amountErr = problem(fmt.Sprintf("Row #1: %s is not an invoice of %s", one.Name, body.Party))
		case amount.Minor > paid.open.Minor:
			amountErr = problem("Row #1: Allocated Amount cannot be greater than outstanding amount.")
		}
		err, have.Minor = errors.Join(err, amountErr), have.Minor-amount.Minor
		made.parts = append(made.parts, part{one.Name, amount})
	}
	switch {
	case err != nil:
	case have.Minor < 0:
		err = problem("Difference Amount must be zero")
	case body.Status != 1 || body.Type != "Receive" || body.Reference == "" || body.From != "Debtors "+string(currency)+" - NW" || !strings.Contains(body.To, " "+string(currency)+" - NW"):
		err = problem("Something mandatory is missing or of another currency")
	}
	f.booked(w, made, err)
}

// putPayment submits a draft.
func (f *Fake) putPayment(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Status int `json:"docstatus"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil || body.Status != 1 {
		refuse(w, problem("Nothing but submitting is played here"))
		return
	}
	for _, one := range f.entries {
		if one.name == r.PathValue("name") && one.status == 0 && !one.journal {
			f.settle(one)
			say(w, http.StatusOK, map[string]any{"data": map[string]any{"name": one.name, "docstatus": 1, "creation": local(one.made)}})
			return
		}
	}
	fail(w, http.StatusNotFound, "DoesNotExistError", "Payment Entry not found")
}

func (f *Fake) postJournal(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Status    int    `json:"docstatus"`
		Reference string `json:"cheque_no"`
		Accounts  []struct {
			Party  string      `json:"party"`
			Debit  json.Number `json:"debit_in_account_currency"`
			Credit json.Number `json:"credit_in_account_currency"`
			Name   string      `json:"reference_name"`
		} `json:"accounts"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil || body.Status != 1 || body.Reference == "" {
		refuse(w, problem("Something mandatory is missing"))
		return
	}
	made := &entry{reference: body.Reference, journal: true}
	var err error
	balance := int64(0)
	for _, one := range body.Accounts {
		paid := f.find(one.Name)
		if paid == nil || paid.customer != one.Party || paid.status != 1 {
			err = errors.Join(err, problem(fmt.Sprintf("Could not find %s", one.Name)))
			continue
		}
		text, sign := one.Credit, int64(1)
		if one.Debit != "" {
			text, sign = one.Debit, -1
		}
		amount, amountErr := money.Parse(text.String(), paid.total.Currency)
		amount.Minor *= sign
		if sign*amount.Minor > sign*paid.open.Minor {
			amountErr = problem("Row #1: Allocated Amount cannot be greater than outstanding amount.")
		}
		err, balance = errors.Join(err, amountErr), balance+amount.Minor
		made.customer, made.parts = one.Party, append(made.parts, part{one.Name, amount})
	}
	if balance != 0 || len(made.parts) == 0 {
		err = errors.Join(err, problem("Total Debit must be equal to Total Credit."))
	}
	f.booked(w, made, err)
}

func (f *Fake) booked(w http.ResponseWriter, made *entry, err error) {
	if err != nil {
		refuse(w, err)
		return
	}
	f.submit(made)
	say(w, http.StatusOK, map[string]any{"data": map[string]any{"name": made.name, "docstatus": 1, "creation": local(made.made)}})
}

// problem is what ERPNext says is wrong, in its own words.
type problem string

func (p problem) Error() string { return string(p) }
