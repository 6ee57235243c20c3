// Package ledger is double entry, append only. A transaction is posted inside
// the change that it books; later, off the hot path, transactions are sealed in
// batches by a hash chain, so that an altered row is found.
//
// Amounts are signed minor units: what an account receives is positive, what it
// gives is negative, and every transaction sums to zero.
package ledger

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// Transaction is one booking.
type Transaction struct {
	bun.BaseModel `bun:"table:ledger_transactions,alias:lt"`
	ID            string         `bun:"id,pk"`
	Kind          string         `bun:"kind"` // "settlement", "transfer", "refund", …
	PaymentID     string         `bun:"payment_id,nullzero"`
	VendorID      string         `bun:"vendor_id,nullzero"`
	Currency      money.Currency `bun:"currency"`
	Memo          string         `bun:"memo"`
	CreatedAt     time.Time      `bun:"created_at"`
	Batch         int64          `bun:"batch,nullzero"`
	Seal          string         `bun:"seal,nullzero"` // what it was when it was sealed
	Entries       []Entry        `bun:"-"`
}

// Entry is one side of a booking.
type Entry struct {
	bun.BaseModel `bun:"table:ledger_entries,alias:le"`
	ID            string         `bun:"id,pk"`
	TransactionID string         `bun:"transaction_id"`
	Account       string         `bun:"account"`
	Currency      money.Currency `bun:"currency"`
	Amount        int64          `bun:"amount"`
	BookedAt      time.Time      `bun:"booked_at,nullzero"` // its transaction's CreatedAt
}

// Service is the ledger.
type Service struct {
	DB  *store.DB
	Now func() time.Time
}

// PostTx books transactions; entries of nothing are left out. It refuses one
// that does not sum to zero: that is a defect of the caller.
func (s *Service) PostTx(ctx context.Context, tx bun.IDB, transactions ...Transaction) error {
	now := s.Now().UTC()
	kept := make([]Transaction, 0, len(transactions))
	var entries []Entry
	for _, transaction := range transactions {
		transaction.ID, transaction.CreatedAt = store.NewID(), now
		sum := money.New(0, transaction.Currency)
		before := len(entries)
		for _, entry := range transaction.Entries {
			if entry.Amount == 0 {
				continue
			}
			var err error
			if sum, err = sum.Add(money.New(entry.Amount, transaction.Currency)); err != nil {
				return fmt.Errorf("ledger: a %s of %s: %w", transaction.Kind, transaction.PaymentID, err)
			}
			entry.ID, entry.TransactionID, entry.Currency, entry.BookedAt = store.NewID(), transaction.ID, transaction.Currency, now
			entries = append(entries, entry)
		}
		if !sum.Zero() {
			return fmt.Errorf("ledger: a %s of %s does not sum to zero but to %d", transaction.Kind, transaction.PaymentID, sum.Minor)
		}
		if len(entries) > before {
			kept = append(kept, transaction)
		}
	}
	return insertTransactions(ctx, s.DB, tx, kept, entries)
}

// Balance is the sum of one account in one currency.
func (s *Service) Balance(ctx context.Context, account string, currency money.Currency) (money.Amount, error) {
	sum, err := sumOf(ctx, s.DB, account, currency)
	return money.New(sum, currency), err
}

// Balances lists every account with its sum, in order of name and currency,
// and the next page's cursor, empty at the end.
func (s *Service) Balances(ctx context.Context, page store.PageRequest) ([]AccountBalance, string, error) {
	return s.BalancesOf(ctx, Filter{}, page)
}

// BalancesOf is Balances of the accounts that the filter chooses.
func (s *Service) BalancesOf(ctx context.Context, filter Filter, page store.PageRequest) ([]AccountBalance, string, error) {
	account, currency, err := decodeCursor(page.Cursor)
	if err != nil {
		return nil, "", err
	}
	list, err := balances(ctx, s.DB, filter, account, currency, page.Fetch())
	if err != nil || len(list) <= page.Size() {
		return list, "", err
	}
	list = list[:page.Size()]
	last := list[len(list)-1]
	return list, base64.RawURLEncoding.EncodeToString([]byte(string(last.Currency) + "|" + last.Account)), nil
}

func decodeCursor(cursor string) (account, currency string, err error) {
	if cursor == "" {
		return "", "", nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	currency, account, found := strings.Cut(string(raw), "|")
	if err != nil || !found || !utf8.Valid(raw) || strings.ContainsRune(account, 0) {
		return "", "", fault.At("cursor", "This cursor is not one that this list gave. Start again without it.")
	}
	return account, currency, nil
}

// AccountBalance is one account's sum in one currency.
type AccountBalance struct {
	Account  string         `bun:"account"`
	Currency money.Currency `bun:"currency"`
	Amount   int64          `bun:"amount"`
}
