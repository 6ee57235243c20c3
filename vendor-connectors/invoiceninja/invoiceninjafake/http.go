package invoiceninjafake

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/sheaf-hub/sheaf/hub/money"
)

func (f *Fake) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/ping", f.ping)
	mux.HandleFunc("GET /api/v1/statics", f.statics)
	mux.HandleFunc("POST /api/v1/companies/current", f.company)
	mux.HandleFunc("GET /api/v1/clients", f.listClients)
	mux.HandleFunc("GET /api/v1/clients/{id}", f.showClient)
	mux.HandleFunc("GET /api/v1/invoices", func(w http.ResponseWriter, r *http.Request) { f.listDues(w, r, false) })
	mux.HandleFunc("GET /api/v1/credits", func(w http.ResponseWriter, r *http.Request) { f.listDues(w, r, true) })
	mux.HandleFunc("GET /api/v1/invoices/{id}", f.showInvoice)
	mux.HandleFunc("GET /api/v1/payments", f.listPayments)
	mux.HandleFunc("POST /api/v1/payments", f.pay)
	mux.HandleFunc("GET /api/v1/{kind}/{key}/download", f.download)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock() // one call at a time
		defer f.mu.Unlock()
		w.Header().Set("Date", f.now().Format(http.TimeFormat))
		if r.Header.Get("X-API-TOKEN") != Token || f.revoked {
			say(w, http.StatusForbidden, map[string]any{"message": "Invalid token"})
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

func refuse(w http.ResponseWriter, field, message string) {
	say(w, http.StatusUnprocessableEntity, map[string]any{"message": message, "errors": map[string][]string{field: {message}}})
}

func (f *Fake) ping(w http.ResponseWriter, _ *http.Request) {
	say(w, http.StatusOK, map[string]any{"company_name": "Northwind", "user_name": "Nora North"})
}

func (f *Fake) statics(w http.ResponseWriter, _ *http.Request) {
	var list []map[string]any
	for id, code := range currencies() {
		list = append(list, map[string]any{"id": id, "code": code, "precision": code.Digits()})
	}
	say(w, http.StatusOK, map[string]any{"currencies": list})
}

func (f *Fake) company(w http.ResponseWriter, _ *http.Request) {
	say(w, http.StatusOK, map[string]any{"data": map[string]any{"id": "company1", "settings": map[string]any{"currency_id": "1", "name": "Northwind"}}})
}

// row is a record with what lists sort and filter by.
type row struct {
	serial  int
	updated time.Time
	body    map[string]any
}

// paginate answers a list as Laravel's paginator and Invoice Ninja's filters do.
func paginate(w http.ResponseWriter, r *http.Request, rows []row) {
	query := r.URL.Query()
	if since, err := strconv.ParseInt(query.Get("updated_at"), 10, 64); err == nil && since > 0 {
		kept := rows[:0:0]
		for _, one := range rows {
			if one.updated.Unix() >= since {
				kept = append(kept, one)
			}
		}
		rows = kept
	}
	column, direction, _ := strings.Cut(query.Get("sort"), "|")
	sort.SliceStable(rows, func(i, j int) bool {
		if direction == "desc" {
			i, j = j, i
		}
		if column == "updated_at" && !rows[i].updated.Equal(rows[j].updated) {
			return rows[i].updated.Before(rows[j].updated)
		}
		return rows[i].serial < rows[j].serial
	})
	number := func(name string, otherwise int) int {
		if n, err := strconv.Atoi(query.Get(name)); err == nil && n > 0 {
			return n
		}
		return otherwise
	}
	page, per := number("page", 1), number("per_page", 20)
	from, to := min((page-1)*per, len(rows)), min(page*per, len(rows))
	data := []map[string]any{}
	for _, one := range rows[from:to] {
		data = append(data, one.body)
	}
	say(w, http.StatusOK, map[string]any{"data": data, "meta": map[string]any{"pagination": map[string]any{"total": len(rows), "count": len(data),
		"per_page": per, "current_page": page, "total_pages": max(1, (len(rows)+per-1)/per)}}})
}

func (f *Fake) listClients(w http.ResponseWriter, r *http.Request) {
	var rows []row
	for i, one := range f.clients {
		rows = append(rows, row{i, one.updated, clientBody(one)})
	}
	paginate(w, r, rows)
}

func (f *Fake) showClient(w http.ResponseWriter, r *http.Request) {
	if one := f.client(r.PathValue("id")); one != nil {
		say(w, http.StatusOK, map[string]any{"data": clientBody(one)})
		return
	}
	say(w, http.StatusNotFound, map[string]any{"message": "Record not found"})
}

func (f *Fake) client(id string) *client {
	for _, one := range f.clients {
		if one.id == id {
			return one
		}
	}
	return nil
}

func clientBody(one *client) map[string]any {
	var settings any = []any{} // PHP's empty object
	if one.currency != "" {
		settings = map[string]any{"currency_id": one.currency}
	}
	slug := strings.ToLower(strings.ReplaceAll(one.name, " ", "-"))
	return map[string]any{"id": one.id, "name": one.name, "display_name": one.name, "settings": settings, "group_settings_id": "", "is_deleted": one.deleted,
		"updated_at": one.updated.Unix(), "archived_at": 0, "contacts": []any{
			map[string]any{"id": "c" + one.id, "first_name": "Ann", "last_name": "Payer", "email": "ap@" + slug + ".example", "phone": "", "send_email": true, "is_primary": true, "archived_at": 0},
			map[string]any{"id": "d" + one.id, "first_name": "Sam", "last_name": "Seller", "email": "sales@" + slug + ".example", "phone": "", "send_email": false, "is_primary": false, "archived_at": 0}}}
}

func (f *Fake) listDues(w http.ResponseWriter, r *http.Request, credit bool) {
	var rows []row
	for i, one := range f.dues {
		if one.credit == credit {
			rows = append(rows, row{i, one.updated, f.dueBody(one, r.URL.Query().Get("include"))})
		}
	}
	paginate(w, r, rows)
}

// dueBody writes amounts as PHP writes floats.
func (f *Fake) dueBody(one *due, include string) map[string]any {
	body := map[string]any{"id": one.id, "number": one.number, "client_id": one.client, "status_id": one.status, "is_deleted": one.deleted,
		"amount": json.Number(one.total.Decimal()), "balance": json.Number(one.open.Decimal()), "date": one.issued, "due_date": one.due, "po_number": "PO-7",
		"public_notes": "", "updated_at": one.updated.Unix(), "archived_at": 0, "created_at": one.updated.Unix(),
		"line_items":  []any{map[string]any{"product_key": "work", "notes": "Work done", "quantity": 1, "cost": json.Number(one.total.Decimal()), "line_total": json.Number(one.total.Decimal())}},
		"invitations": []any{map[string]any{"id": "i" + one.id, "key": "key" + one.id}}, "documents": []any{
			map[string]any{"id": "doc" + one.id, "name": "timesheet.pdf", "is_public": true}, map[string]any{"id": "sec" + one.id, "name": "margin.xlsx", "is_public": false}}}
	for _, wanted := range strings.Split(include, ",") {
		switch wanted {
		case "client":
			body["client"] = clientBody(f.client(one.client))
		case "payments":
			list := []any{}
			for _, p := range f.payments {
				for _, part := range p.invoices {
					if part.id == one.id {
						list = append(list, paymentBody(p))
					}
				}
			}
			body["payments"] = list
		}
	}
	return body
}

func paymentBody(p *payment) map[string]any {
	return map[string]any{"id": p.id, "transaction_reference": p.reference, "status_id": "4", "is_deleted": false, "client_id": p.client,
		"amount": json.Number(p.amount.Decimal()), "created_at": p.created.Unix(), "updated_at": p.created.Unix()}
}

func (f *Fake) showInvoice(w http.ResponseWriter, r *http.Request) {
	one := f.find(r.PathValue("id"))
	if one == nil || one.credit {
		say(w, http.StatusNotFound, map[string]any{"message": "Record not found"})
		return
	}
	say(w, http.StatusOK, map[string]any{"data": f.dueBody(one, r.URL.Query().Get("include"))})
}

func (f *Fake) listPayments(w http.ResponseWriter, r *http.Request) {
	var rows []row
	for i, one := range f.payments {
		rows = append(rows, row{i, one.created, paymentBody(one)})
	}
	paginate(w, r, rows)
}

func (f *Fake) download(w http.ResponseWriter, r *http.Request) {
	kind, key := r.PathValue("kind"), r.PathValue("key")
	prefix, name := "key", kind+".pdf"
	if kind == "documents" {
		prefix, name = "doc", "timesheet.pdf"
	}
	one := f.find(strings.TrimPrefix(key, prefix))
	if one == nil || !strings.HasPrefix(key, prefix) {
		say(w, http.StatusNotFound, map[string]any{"message": "Record not found"})
		return
	}
	w.Header().Set("Content-Type", "application/pdf")
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	fmt.Fprintf(w, "%%PDF-1.4 %s %s %s", kind, one.number, one.total.Decimal())
}

// pay is POST /payments, with the rules of StorePaymentRequest.
func (f *Fake) pay(w http.ResponseWriter, r *http.Request) {
	var body struct {
		ClientID    string      `json:"client_id"`
		Amount      json.Number `json:"amount"`
		Date        string      `json:"date"`
		Reference   string      `json:"transaction_reference"`
		Idempotency string      `json:"idempotency_key"`
		Invoices    []struct {
			ID       string      `json:"invoice_id"`
			Amount   json.Number `json:"amount"`
			Discount json.Number `json:"cash_discount"`
		} `json:"invoices"`
		Credits []struct {
			ID     string      `json:"credit_id"`
			Amount json.Number `json:"amount"`
		} `json:"credits"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		say(w, http.StatusBadRequest, map[string]any{"message": "Malformed JSON"})
		return
	}
	owner := f.client(body.ClientID)
	if owner == nil {
		refuse(w, "client_id", "The selected client id is invalid.")
		return
	}
	if _, err := time.Parse(time.DateOnly, body.Date); err != nil {
		refuse(w, "date", "The date is not a valid date.")
		return
	}
	for _, one := range f.payments {
		if body.Idempotency != "" && one.idempotency == body.Idempotency {
			refuse(w, "idempotency_key", "The idempotency key has already been taken.")
			return
		}
	}
	currency := currencies()[owner.currency]
	if owner.currency == "" {
		currency = "USD"
	}
	read := func(text json.Number) money.Amount {
		amount, err := money.Parse(text.String(), currency)
		if err != nil {
			return money.New(-1, currency)
		}
		return amount
	}
	made := &payment{client: owner.id, reference: body.Reference, idempotency: body.Idempotency, created: f.now(), amount: read(body.Amount)}
	balance := made.amount.Minor
	settled := map[*due]money.Amount{}
	part := func(id string, amount, discount money.Amount, credit bool) bool {
		one := f.find(id)
		if one == nil || one.credit != credit || one.client != owner.id || one.deleted || settled[one].Minor > 0 || amount.Minor <= 0 {
			return false
		}
		settled[one] = money.New(amount.Minor+discount.Minor, currency)
		return settled[one].Minor <= one.open.Minor
	}
	for _, line := range body.Credits {
		if !part(line.ID, read(line.Amount), money.New(0, currency), true) {
			refuse(w, "credits", "The selected credit is invalid, or less is left of it.")
			return
		}
		made.credits = append(made.credits, applied{line.ID, read(line.Amount)})
		balance += read(line.Amount).Minor
	}
	for _, line := range body.Invoices {
		discount := money.New(0, currency)
		if line.Discount != "" {
			discount = read(line.Discount)
		}
		if !part(line.ID, read(line.Amount), discount, false) {
			refuse(w, "invoices.0.amount", "The amount is greater than the invoice balance, or the invoice is not the client's.")
			return
		}
		made.invoices = append(made.invoices, applied{line.ID, read(line.Amount)})
		balance -= read(line.Amount).Minor
	}
	if balance < 0 || made.amount.Minor < 0 {
		refuse(w, "amount", "The amounts of the invoices are more than payment and credits.")
		return
	}
	made.id = f.id()
	f.payments = append(f.payments, made)
	for one, amount := range settled {
		f.take(one, amount)
	}
	say(w, http.StatusOK, map[string]any{"data": paymentBody(made)})
}
