package trytontest

import (
	"strings"
	"testing"
	"time"
)

// What people do in Tryton beside what every books' hands can do.

func day(at time.Time) map[string]any {
	return map[string]any{"__class__": "date", "year": at.Year(), "month": int(at.Month()), "day": at.Day()}
}

// InvoiceInParts posts an invoice whose first half is due in ten days and the rest in
// forty.
func (s *Server) InvoiceInParts(t *testing.T, account, currency, total string) string {
	t.Helper()
	return s.post(t, account, currency, total, "Half now, half later")
}

// one is the first id that a search finds.
func (s *Server) one(t *testing.T, model string, domain ...any) int64 {
	t.Helper()
	var ids []int64
	s.must(t, &ids, "model."+model+".search", domain, 0, 1, nil, s.context())
	if len(ids) == 0 {
		t.Fatalf("the books have no %s of %v", model, domain)
	}
	return ids[0]
}

func (s *Server) linesToPay(t *testing.T, invoice string) []int64 {
	t.Helper()
	var rows []struct {
		Lines []int64 `json:"lines_to_pay"`
	}
	s.must(t, &rows, "model.account.invoice.read", []int64{number(invoice)}, []string{"lines_to_pay"}, s.context())
	return rows[0].Lines
}

// Receive enters money of a party in the books, without saying for what it is, as a
// bank statement does; the line can be reconciled with a part of an invoice.
func (s *Server) Receive(t *testing.T, account, amount string) int64 {
	t.Helper()
	party, _ := s.party(t, account)
	cash := s.one(t, "account.account", []any{"name", "ilike", "%cash%"}, []any{"type", "!=", nil})
	period := s.one(t, "account.period", []any{"start_date", "<=", day(time.Now())}, []any{"end_date", ">=", day(time.Now())}, []any{"type", "=", "standard"})
	var moves []int64
	s.must(t, &moves, "model.account.move.create", []any{map[string]any{"journal": s.one(t, "account.journal", []any{"type", "=", "cash"}), "period": period, "date": day(time.Now()), "company": s.made.Company,
		"lines": []any{[]any{"create", []any{
			map[string]any{"account": s.made.Receivable, "party": party, "debit": decimal("0"), "credit": decimal(amount)},
			map[string]any{"account": cash, "debit": decimal(amount), "credit": decimal("0")}}}}}}, s.context())
	s.must(t, nil, "model.account.move.post", moves, s.context())
	return s.one(t, "account.move.line", []any{"move", "=", moves[0]}, []any{"account", "=", s.made.Receivable})
}

// Reconcile sets money that was received against a part of an invoice that is as much.
func (s *Server) Reconcile(t *testing.T, invoice string, part int, received int64) {
	t.Helper()
	lines := []int64{s.linesToPay(t, invoice)[part], received}
	about := map[string]any{"active_model": "account.move.line", "active_id": lines[0], "active_ids": lines, "company": s.made.Company}
	var begun []any
	s.must(t, &begun, "wizard.account.move.reconcile_lines.create", about)
	s.must(t, nil, "wizard.account.move.reconcile_lines.execute", begun[0], map[string]any{}, begun[1], about)
}

// Link puts money that was received on an invoice as a payment in part.
func (s *Server) Link(t *testing.T, invoice string, received int64) {
	t.Helper()
	s.must(t, nil, "model.account.move.line.write", []int64{received}, map[string]any{"invoice_payment": number(invoice)}, s.context())
}

// Collect makes a payment of the module account_payment for an invoice, which lowers
// what is open on it before any money has come.
func (s *Server) Collect(t *testing.T, invoice, amount string) {
	t.Helper()
	var ids []int64
	s.must(t, &ids, "model.account.payment.journal.search", []any{}, 0, 1, nil, s.context())
	if len(ids) == 0 {
		s.must(t, &ids, "model.account.payment.journal.create", []any{map[string]any{"name": "By hand", "company": s.made.Company, "currency": s.made.Currencies["USD"], "process_method": "manual"}}, s.context())
	}
	var rows []struct {
		Party int64 `json:"party"`
	}
	s.must(t, &rows, "model.account.invoice.read", []int64{number(invoice)}, []string{"party"}, s.context())
	s.must(t, nil, "model.account.payment.create", []any{map[string]any{"company": s.made.Company, "journal": ids[0], "kind": "receivable", "party": rows[0].Party, "date": day(time.Now()),
		"amount": decimal(amount), "line": s.linesToPay(t, invoice)[0]}}, s.context())
}

// Rate sets how many units of a currency a dollar is from a day on.
func (s *Server) Rate(t *testing.T, currency string, from time.Time, rate string) {
	t.Helper()
	s.must(t, nil, "model.currency.currency.rate.create", []any{map[string]any{"currency": s.made.Currencies[currency], "date": day(from), "rate": decimal(rate)}}, s.context())
}

// Move gives a party another address by mail.
func (s *Server) Move(t *testing.T, account, email string) {
	t.Helper()
	party, _ := s.party(t, account)
	mechanism := s.one(t, "party.contact_mechanism", []any{"party", "=", party})
	s.must(t, nil, "model.party.contact_mechanism.write", []int64{mechanism}, map[string]any{"value": email}, s.context())
}

// Notes are what is noted on an invoice.
func (s *Server) Notes(t *testing.T, invoice string) []string {
	t.Helper()
	var rows []struct {
		Message string `json:"message"`
	}
	s.must(t, &rows, "model.ir.note.search_read", []any{[]any{"resource", "=", "account.invoice," + strings.TrimPrefix(invoice, "invoice-")}}, 0, 100, nil, []string{"message"}, s.context())
	var notes []string
	for _, row := range rows {
		notes = append(notes, row.Message)
	}
	return notes
}

// LeaveCompany takes the company from the hub's user.
func (s *Server) LeaveCompany(t *testing.T) {
	t.Helper()
	user := s.one(t, "res.user", []any{"login", "=", s.User})
	s.must(t, nil, "model.res.user.write", []int64{user}, map[string]any{"company": nil}, s.context())
}

// Count is how many invoices and credit notes the books hold.
func (s *Server) Count(t *testing.T) int {
	t.Helper()
	var n int
	s.must(t, &n, "model.account.invoice.search_count", []any{}, s.context())
	return n
}
