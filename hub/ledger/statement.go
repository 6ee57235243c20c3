package ledger

import (
	"context"
	"time"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// Period is from an instant, included, to another, not included. A zero instant
// leaves that end open.
type Period struct {
	From time.Time
	To   time.Time
}

// Days is the period from one day to another, both included, in UTC. An empty
// date leaves that end open. fault.Invalid at /from and /to for what is no date,
// or when it ends before it begins.
func Days(from, to string) (Period, error) {
	var period Period
	if from != "" {
		date, err := money.ParseDate(from)
		if err != nil {
			return Period{}, fault.At("from", "%q is not a date. Write it like 2026-11-01.", from)
		}
		period.From = date.Time()
	}
	if to != "" {
		date, err := money.ParseDate(to)
		if err != nil {
			return Period{}, fault.At("to", "%q is not a date. Write it like 2026-11-30.", to)
		}
		period.To = date.AddDays(1).Time()
	}
	if !period.From.IsZero() && !period.To.IsZero() && !period.From.Before(period.To) {
		return Period{}, fault.At("to", "The period ends on %s, before it begins on %s.", to, from)
	}
	return period, nil
}

// bounds are the period's ends as the database compares them.
func (p Period) bounds() (from, to time.Time) {
	from, to = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
	if !p.From.IsZero() {
		from = p.From.UTC()
	}
	if !p.To.IsZero() {
		to = p.To.UTC()
	}
	return from, to
}

// Statement is one account in one currency over a period: a page of its
// entries, oldest first. Amounts are minor units, signed as the account has them.
type Statement struct {
	Account  string
	Currency money.Currency
	Opening  int64 // before the period
	Closing  int64 // at its end, whichever page this is
	Before   int64 // before the first line of this page
	Lines    []Line
	Next     string // cursor of the next page; empty at the end
}

// Line is one entry of a statement with what it was booked for.
type Line struct {
	EntryID       string
	TransactionID string
	At            time.Time
	Kind          string
	Memo          string
	PaymentID     string // may be empty
	VendorID      string // may be empty
	Amount        int64
	Balance       int64 // after it
}

// Statement reads an account. An account that nothing is booked on has an empty
// statement; a fault at /cursor when the cursor is not one of ours.
func (s *Service) Statement(ctx context.Context, account string, currency money.Currency, period Period, page store.PageRequest) (Statement, error) {
	after, afterID := time.Time{}, ""
	if page.Cursor != "" {
		var err error
		if after, afterID, err = store.DecodeCursor(page.Cursor); err != nil {
			return Statement{}, err
		}
	}
	sums, lines, err := readStatement(ctx, s.DB, account, currency, period, after, afterID, page.Fetch())
	if err != nil {
		return Statement{}, err
	}
	statement := Statement{Account: account, Currency: currency, Opening: sums.Opening, Closing: sums.Closing, Before: sums.Before}
	statement.Lines, statement.Next = store.CutPage(lines, page, func(line Line) (time.Time, string) { return line.At, line.EntryID })
	balance := sums.Before
	for i := range statement.Lines {
		balance += statement.Lines[i].Amount
		statement.Lines[i].Balance = balance
	}
	return statement, nil
}

// Currencies lists the currencies in which something is booked on an account,
// in order of name; none when the ledger does not have the account.
func (s *Service) Currencies(ctx context.Context, account string) ([]money.Currency, error) {
	return currenciesOf(ctx, s.DB, account)
}

// Booked is a transaction with its entries, and the batch that seals it.
type Booked struct {
	Transaction
	SealedAt  time.Time // zero: not sealed yet
	BatchHash string
	Altered   []string // what is no longer as it was sealed, in words
}

// Transaction reads one transaction; fault.NotFound when there is none. Batches
// of releases before seals, and the chain itself, are held to proof by Check alone.
func (s *Service) Transaction(ctx context.Context, id string) (Booked, error) {
	if !store.ValidID(id) {
		return Booked{}, fault.New(fault.NotFound, "There is no such transaction.")
	}
	booked, err := readTransaction(ctx, s.DB, id)
	if err != nil {
		return Booked{}, err
	}
	if booked.Entries, err = entriesOf(ctx, s.DB, []string{id}); err != nil {
		return Booked{}, err
	}
	if booked.Seal != "" {
		booked.Altered = alterations(booked.Transaction, booked.Entries)
	}
	return booked, nil
}

// mostOfPayment bounds what OfPayment returns: a payment has a settlement, and a
// transfer, a refund and so on of each vendor.
const mostOfPayment = 500

// OfPayment lists all that was booked for a payment, oldest first, with entries.
func (s *Service) OfPayment(ctx context.Context, paymentID string) ([]Transaction, error) {
	if !store.ValidID(paymentID) {
		return nil, nil
	}
	list, err := transactionsOfPayment(ctx, s.DB, paymentID, mostOfPayment)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return s.withEntries(ctx, list)
}

func (s *Service) withEntries(ctx context.Context, list []Transaction) ([]Transaction, error) {
	entries, err := entriesOf(ctx, s.DB, idsOf(list))
	if err != nil {
		return nil, err
	}
	byTransaction := grouped(entries)
	for i := range list {
		list[i].Entries = byTransaction[list[i].ID]
	}
	return list, nil
}
