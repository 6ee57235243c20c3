package examplefake

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sheaf-hub/sheaf/hub/money"
)

const (
	mostBody = 1 << 20
	mostPage = 100
	lifetime = time.Hour // of a token
)

type obj map[string]any

func (f *Fake) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/token", f.sellToken)
	mux.HandleFunc("GET /v1/accounts", f.signedIn(f.listAccounts))
	mux.HandleFunc("GET /v1/invoices", f.signedIn(f.listDues(false)))
	mux.HandleFunc("GET /v1/credits", f.signedIn(f.listDues(true)))
	mux.HandleFunc("GET /v1/papers/{id}", f.signedIn(f.paper))
	mux.HandleFunc("GET /v1/payments", f.signedIn(f.listPayments))
	mux.HandleFunc("POST /v1/payments", f.signedIn(f.bookPayment))
	return mux
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // whoever asked may be gone
}

func refuse(w http.ResponseWriter, status int, words string, args ...any) {
	answer(w, status, obj{"error": fmt.Sprintf(words, args...)})
}

func (f *Fake) sellToken(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Key string `json:"key"`
	}
	if err := decode(r, &asked); err != nil {
		refuse(w, http.StatusBadRequest, "%v", err)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.revoked || asked.Key != Key {
		refuse(w, http.StatusUnauthorized, "This key is not known.")
		return
	}
	token := "token-" + f.id()
	f.tokens[token] = true
	answer(w, http.StatusOK, obj{"access_token": token, "expires_in": int(lifetime.Seconds())})
}

// decode reads a body strictly: a field that the ledger does not know is a mistake.
func decode(r *http.Request, into any) error {
	decoder := json.NewDecoder(io.LimitReader(r.Body, mostBody))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("the body cannot be read: %w", err)
	}
	_, err := io.Copy(io.Discard, r.Body) // to its end, so that a caller who goes away is noticed
	return err
}

// signedIn lets a handler run under the lock, for calls with a token that is good.
func (f *Fake) signedIn(handle http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !bearer || !f.tokens[token] {
			refuse(w, http.StatusUnauthorized, "This token is not good.")
			return
		}
		handle(w, r)
	}
}

// record is a record of a list as it goes out.
type record struct {
	id      string
	changed time.Time
	view    obj
}

// list answers one page: what changed at a time or later, by id, behind an id.
func (f *Fake) list(w http.ResponseWriter, r *http.Request, all []record) {
	query := r.URL.Query()
	limit, err := strconv.Atoi(query.Get("limit"))
	if err != nil || limit < 0 || limit > mostPage {
		refuse(w, http.StatusBadRequest, "limit must be 0 to %d.", mostPage)
		return
	}
	var from time.Time
	if text := query.Get("changed_from"); text != "" {
		if from, err = time.Parse(time.RFC3339Nano, text); err != nil {
			refuse(w, http.StatusBadRequest, "changed_from is not a time.")
			return
		}
	}
	slices.SortFunc(all, func(a, b record) int { return cmp.Compare(a.id, b.id) })
	records, more := []obj{}, false
	var newest time.Time
	for _, one := range all {
		if one.changed.After(newest) {
			newest = one.changed
		}
		if one.changed.Before(from) || one.id <= query.Get("after") {
			continue
		}
		if len(records) == limit {
			more = true
			continue
		}
		one.view["id"], one.view["changed_at"] = one.id, one.changed
		records = append(records, one.view)
	}
	answer(w, http.StatusOK, obj{"now": f.now(), "newest": newest, "count": len(all), "records": records, "more": more})
}

func (f *Fake) listAccounts(w http.ResponseWriter, r *http.Request) {
	var all []record
	for _, one := range f.accounts {
		mailbox := "ap@" + strings.ToLower(strings.ReplaceAll(one.name, " ", "-")) + ".example"
		all = append(all, record{one.id, one.changed, obj{"name": one.name, "terms": "Net 30", "currency": one.currency,
			"contacts": []obj{{"email": mailbox, "name": "Ann Payer"}}}})
	}
	f.list(w, r, all)
}

func (f *Fake) listDues(credit bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var all []record
		for _, one := range f.dues {
			if one.credit == credit {
				all = append(all, record{one.id, one.changed, f.view(one)})
			}
		}
		f.list(w, r, all)
	}
}

func (f *Fake) view(d *due) obj {
	if d.deleted {
		return obj{"deleted": true}
	}
	state := "open"
	switch {
	case d.cancelled:
		state = "cancelled"
	case d.open.Zero():
		state = "paid"
	}
	payments := []obj{}
	for _, one := range f.payments {
		if one.invoice == d.id || one.credit == d.id {
			payments = append(payments, obj{"reference": one.reference})
		}
	}
	return obj{"number": d.number, "account": obj{"id": d.account.id, "name": d.account.name}, "issued_on": d.issued, "due_on": d.dueOn,
		"currency": d.total.Currency, "total": json.Number(d.total.Decimal()), "open": json.Number(d.open.Decimal()), "state": state,
		"papers": []obj{{"id": "paper-" + d.id, "name": d.number + ".pdf"}}, "payments": payments}
}

func (f *Fake) paper(w http.ResponseWriter, r *http.Request) {
	for _, one := range f.dues {
		if "paper-"+one.id == r.PathValue("id") && !one.deleted {
			answer(w, http.StatusOK, obj{"name": one.number + ".pdf", "content_type": "application/pdf", "content": []byte("%PDF-1.7\n% " + one.number + "\n")})
			return
		}
	}
	refuse(w, http.StatusNotFound, "There is no such paper.")
}

func viewPayment(p *payment) obj {
	return obj{"id": p.id, "booked_at": p.booked, "reference": p.reference, "account": p.to, "date": p.date, "currency": p.amount.Currency,
		"invoice": p.invoice, "credit": p.credit, "amount": json.Number(p.amount.Decimal())}
}

func (f *Fake) listPayments(w http.ResponseWriter, r *http.Request) {
	begins := r.URL.Query().Get("reference_begins")
	if begins == "" {
		refuse(w, http.StatusBadRequest, "reference_begins is missing.")
		return
	}
	found := []obj{}
	for _, one := range f.payments {
		if strings.HasPrefix(one.reference, begins) {
			found = append(found, viewPayment(one))
		}
	}
	answer(w, http.StatusOK, obj{"records": found})
}

// asked is a payment as it comes in.
type asked struct {
	Reference string      `json:"reference"`
	Account   string      `json:"account"`
	Date      string      `json:"date"`
	Currency  string      `json:"currency"`
	Invoice   string      `json:"invoice"`
	Credit    string      `json:"credit"`
	Amount    json.Number `json:"amount"`
	Discount  json.Number `json:"discount"`
	Fee       json.Number `json:"fee"`
}

// bookPayment books what it is sent, as often as it is sent.
func (f *Fake) bookPayment(w http.ResponseWriter, r *http.Request) {
	var in asked
	if err := decode(r, &in); err != nil {
		refuse(w, http.StatusBadRequest, "%v", err)
		return
	}
	invoice := f.find(in.Invoice, false)
	if invoice == nil || invoice.cancelled {
		refuse(w, http.StatusNotFound, "There is no open invoice %q.", in.Invoice)
		return
	}
	made, words := f.judge(in, invoice)
	if words != "" {
		refuse(w, http.StatusUnprocessableEntity, "%s", words)
		return
	}
	now := f.now()
	made.id, made.booked = f.id(), now
	invoice.open.Minor -= settles(made)
	invoice.changed = now
	if made.credit != "" {
		credit := f.find(made.credit, true)
		credit.open.Minor -= made.amount.Minor
		credit.changed = now
	}
	f.payments = append(f.payments, made)
	answer(w, http.StatusCreated, viewPayment(made))
}

// settles is what an invoice owes less after a payment.
func settles(p *payment) int64 { return p.amount.Minor - p.fee.Minor + p.discount.Minor }

// judge reads a payment of an invoice, and says what is wrong with it.
func (f *Fake) judge(in asked, invoice *due) (*payment, string) {
	currency := invoice.total.Currency
	if in.Currency != string(currency) {
		return nil, fmt.Sprintf("The invoice is in %s.", currency)
	}
	made := &payment{reference: in.Reference, invoice: in.Invoice, credit: in.Credit, to: in.Account}
	var err error
	if made.date, err = money.ParseDate(in.Date); err != nil {
		return nil, err.Error()
	}
	for _, part := range []struct {
		text json.Number
		into *money.Amount
	}{{in.Amount, &made.amount}, {in.Discount, &made.discount}, {in.Fee, &made.fee}} {
		if part.text == "" {
			part.text = "0"
		}
		if *part.into, err = money.Parse(part.text.String(), currency); err != nil || part.into.Minor < 0 {
			return nil, fmt.Sprintf("%q is not an amount in %s.", part.text, currency)
		}
	}
	switch settled := settles(made); {
	case !made.amount.Positive() || settled <= 0:
		return nil, "A payment must be more than nothing."
	case settled > invoice.open.Minor:
		return nil, fmt.Sprintf("Only %s of the invoice is open.", invoice.open)
	}
	if in.Credit == "" {
		if in.Account != BankAccount && in.Account != ClearingAccount {
			return nil, fmt.Sprintf("There is no account %q.", in.Account)
		}
		return made, ""
	}
	credit := f.find(in.Credit, true)
	switch {
	case in.Account != "":
		return nil, "Money from a credit goes to no account."
	case credit == nil || credit.account != invoice.account || credit.total.Currency != currency:
		return nil, fmt.Sprintf("There is no credit %q for this invoice.", in.Credit)
	case credit.open.Minor < made.amount.Minor:
		return nil, fmt.Sprintf("Only %s of the credit is open.", credit.open)
	}
	return made, ""
}
