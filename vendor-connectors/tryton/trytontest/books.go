package trytontest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/vendor-connectors/connectortest"
)

// caller makes calls by the server's own words, apart from the connector's.
type caller struct {
	url, user, password string
	client              *http.Client
	session             string
}

func (c *caller) login() error {
	var session []any
	c.session = ""
	if err := c.call(&session, "common.db.login", c.user, map[string]string{"password": c.password}); err != nil {
		return err
	}
	if len(session) < 2 {
		return fmt.Errorf("no session: %v", session)
	}
	c.session = base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%s:%v:%v", c.user, session[0], session[1]))
	return nil
}

func (c *caller) call(into any, method string, params ...any) error {
	encoded, err := json.Marshal(map[string]any{"id": 1, "method": method, "params": params})
	if err != nil {
		return err
	}
	request, err := http.NewRequest(http.MethodPost, c.url, bytes.NewReader(encoded))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	if c.session != "" {
		request.Header.Set("Authorization", "Session "+c.session)
	}
	response, err := c.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	var answer struct {
		Result json.RawMessage `json:"result"`
		Error  json.RawMessage `json:"error"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %d %s", method, response.StatusCode, body)
	}
	if len(answer.Error) > 0 {
		return fmt.Errorf("%s: %s", method, answer.Error)
	}
	decoder := json.NewDecoder(bytes.NewReader(answer.Result))
	decoder.UseNumber()
	if into == nil {
		return nil
	}
	return decoder.Decode(into)
}

func (s *Server) must(t *testing.T, into any, method string, params ...any) {
	t.Helper()
	if err := s.rpc.call(into, method, params...); err != nil {
		t.Fatal(err)
	}
}

func (s *Server) context() map[string]any { return map[string]any{"company": s.made.Company} }

func decimal(text string) map[string]string {
	return map[string]string{"__class__": "Decimal", "decimal": text}
}

// party finds a party by its name, or makes it with an address by mail made of it.
func (s *Server) party(t *testing.T, name string) (party, address int64) {
	t.Helper()
	var ids []int64
	s.must(t, &ids, "model.party.party.search", []any{[]any{"name", "=", name}}, 0, 1, nil, s.context())
	if len(ids) == 0 {
		email := strings.ToLower(strings.Join(strings.Fields(name), "-")) + "@customer.example"
		s.must(t, &ids, "model.party.party.create", []any{map[string]any{"name": name, "addresses": []any{[]any{"create", []any{map[string]any{}}}},
			"contact_mechanisms": []any{[]any{"create", []any{map[string]any{"type": "email", "value": email}}}}}}, s.context())
	}
	var rows []struct {
		Addresses []int64 `json:"addresses"`
	}
	s.must(t, &rows, "model.party.party.read", ids, []string{"addresses"}, s.context())
	return ids[0], rows[0].Addresses[0]
}

// post makes and posts an invoice, or a credit note when the price is below zero.
func (s *Server) post(t *testing.T, account, currency, price, term string) string {
	t.Helper()
	party, address := s.party(t, account)
	var journals, ids []int64
	s.must(t, &journals, "model.account.journal.search", []any{[]any{"type", "=", "revenue"}}, 0, 1, nil, s.context())
	code := s.made.Currencies[currency]
	s.must(t, &ids, "model.account.invoice.create", []any{map[string]any{"type": "out", "company": s.made.Company, "party": party, "invoice_address": address, "currency": code,
		"account": s.made.Receivable, "journal": journals[0], "payment_term": s.made.Terms[term], "invoice_date": day(time.Now()),
		"lines": []any{[]any{"create", []any{map[string]any{"type": "line", "invoice_type": "out", "company": s.made.Company, "currency": code, "party": party, "description": "Goods",
			"quantity": 1, "unit_price": decimal(price), "account": s.made.Revenue}}}}}}, s.context())
	s.must(t, nil, "model.account.invoice.post", ids, s.context())
	return "invoice-" + strconv.FormatInt(ids[0], 10)
}

var _ connectortest.Books = (*Server)(nil)

// Invoice implements connectortest.Books.
func (s *Server) Invoice(t *testing.T, account, currency, total string) string {
	return s.post(t, account, currency, total, "Net 30")
}

// Credit implements connectortest.Books.
func (s *Server) Credit(t *testing.T, account, currency, total string) string {
	return s.post(t, account, currency, "-"+total, "Net 30")
}

func number(id string) int64 {
	n, _ := strconv.ParseInt(strings.TrimPrefix(id, "invoice-"), 10, 64)
	return n
}

// State is Tryton's own word for how an invoice is: "posted", "paid", "cancelled".
func (s *Server) State(t *testing.T, id string) string {
	t.Helper()
	var rows []struct {
		State string `json:"state"`
	}
	s.must(t, &rows, "model.account.invoice.read", []int64{number(id)}, []string{"state"}, s.context())
	return rows[0].State
}

// Number is the number that Tryton gave an invoice.
func (s *Server) Number(t *testing.T, id string) string {
	t.Helper()
	var rows []struct {
		Number string `json:"number"`
	}
	s.must(t, &rows, "model.account.invoice.read", []int64{number(id)}, []string{"number"}, s.context())
	return rows[0].Number
}

// Open implements connectortest.Books.
func (s *Server) Open(t *testing.T, id string) string {
	t.Helper()
	var rows []struct {
		AmountToPay map[string]string `json:"amount_to_pay"`
	}
	s.must(t, &rows, "model.account.invoice.read", []int64{number(id)}, []string{"amount_to_pay"}, s.context())
	return strings.TrimPrefix(rows[0].AmountToPay["decimal"], "-")
}

// Change implements connectortest.Books: somebody agrees on more time, each time ten
// days. Tryton lets nobody change what was posted but this, and does not date the
// invoice for it.
func (s *Server) Change(t *testing.T, invoice string) {
	t.Helper()
	s.later++
	s.must(t, nil, "model.account.move.line.write", s.linesToPay(t, invoice), map[string]any{"maturity_date": day(time.Now().AddDate(0, 0, 30+10*s.later))}, s.context())
}

// Pay implements connectortest.Books.
func (s *Server) Pay(t *testing.T, invoice, amount string) {
	t.Helper()
	about := map[string]any{"active_model": "account.invoice", "active_id": number(invoice), "active_ids": []int64{number(invoice)}, "company": s.made.Company}
	var methods []int64
	s.must(t, &methods, "model.account.invoice.payment.method.search", []any{[]any{"name", "=", "Sheaf clearing"}}, 0, 1, nil, s.context())
	var begun []any
	s.must(t, &begun, "wizard.account.invoice.pay.create", about)
	type step struct {
		View *struct {
			Defaults map[string]any `json:"defaults"`
		} `json:"view"`
	}
	var first, next step
	s.must(t, &first, "wizard.account.invoice.pay.execute", begun[0], map[string]any{}, "start", about)
	start := fields(first.View.Defaults)
	start["amount"], start["description"], start["payment_method"], start["date"] = decimal(amount), "By hand", methods[0], day(time.Now())
	s.must(t, &next, "wizard.account.invoice.pay.execute", begun[0], map[string]any{"start": start}, "choice", about)
	if next.View != nil {
		ask := fields(next.View.Defaults)
		ask["type"] = "partial"
		s.must(t, nil, "wizard.account.invoice.pay.execute", begun[0], map[string]any{"start": start, "ask": ask}, "pay", about)
	}
}

// fields leaves out what a client shows beside them.
func fields(defaults map[string]any) map[string]any {
	kept := map[string]any{}
	for name, value := range defaults {
		if !strings.HasSuffix(name, ".") {
			kept[name] = value
		}
	}
	return kept
}

// Void implements connectortest.Books.
func (s *Server) Void(t *testing.T, invoice string) bool {
	t.Helper()
	s.must(t, nil, "model.account.invoice.cancel", []int64{number(invoice)}, s.context())
	return true
}

// Delete implements connectortest.Books: Tryton deletes nothing that was posted.
func (s *Server) Delete(*testing.T, string) bool { return false }

// Booked implements connectortest.Books. Without a reference it counts all of ours.
func (s *Server) Booked(t *testing.T, invoice, reference string) (int, string) {
	t.Helper()
	var moves []struct {
		Description string  `json:"description"`
		Lines       []int64 `json:"lines"`
	}
	s.must(t, &moves, "model.account.move.search_read", []any{[]any{"origin", "=", "account.invoice," + strconv.FormatInt(number(invoice), 10)},
		[]any{"description", "like", "Sheaf %"}}, 0, 500, nil, []string{"lines", "description"}, s.context())
	sum, digits, times := big.NewRat(0, 1), 0, 0
	for _, move := range moves {
		if own, _, _ := strings.Cut(strings.TrimPrefix(move.Description, "Sheaf "), " "); reference != "" && own != reference {
			continue
		}
		times++
		for _, line := range s.sides(t, move.Lines) {
			amount, good := new(big.Rat).SetString(line)
			if !good {
				t.Fatalf("%q is no amount", line)
			}
			_, fraction, _ := strings.Cut(line, ".")
			sum, digits = sum.Add(sum, amount), max(digits, len(fraction))
		}
	}
	return times, sum.FloatString(digits)
}

// sides are the debits of a move's lines, in the invoice's currency.
func (s *Server) sides(t *testing.T, ids []int64) []string {
	t.Helper()
	type number = map[string]string
	var lines []struct {
		Debit  number `json:"debit"`
		Second number `json:"amount_second_currency"`
		In     *int64 `json:"second_currency"`
	}
	s.must(t, &lines, "model.account.move.line.read", ids, []string{"debit", "amount_second_currency", "second_currency"}, s.context())
	var debits []string
	for _, line := range lines {
		debit := line.Debit["decimal"]
		switch {
		case strings.Trim(debit, "0.") == "":
		case line.In != nil:
			debits = append(debits, strings.TrimPrefix(line.Second["decimal"], "-"))
		default:
			debits = append(debits, debit)
		}
	}
	return debits
}

// Misbehave implements connectortest.Books, by a proxy before the server.
func (s *Server) Misbehave(_ *testing.T, troubles ...connectortest.Trouble) bool {
	return s.calls.Play(troubles...)
}

// Skew implements connectortest.Books.
func (s *Server) Skew(t *testing.T, by time.Duration) bool {
	s.setClock(t, by)
	return true
}

// Calls implements connectortest.Books.
func (s *Server) Calls() int { return s.calls.Calls() }
