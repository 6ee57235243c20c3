package ledger

import (
	"context"
	"encoding/base64"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// Held is money that the gateway holds for somebody: the balance of a vendor's
// payable, or of a customer's unapplied money or refunds.
type Held struct {
	Account  string         `bun:"account"`
	Currency money.Currency `bun:"currency"`
	Amount   int64          `bun:"amount"` // minor units; negative: more went out than came in
	// Since is when the oldest money of it came: what goes out covers the oldest
	// that came in first.
	Since time.Time `bun:"since"`
}

// Held lists what is held, oldest first, and the next page's cursor. Of the
// filter, Kind should be one of Payable, Unapplied and Refunds: the other
// accounts hold nothing for anybody.
func (s *Service) Held(ctx context.Context, filter Filter, page store.PageRequest) ([]Held, string, error) {
	after, err := decodeHeld(page.Cursor)
	if err != nil {
		return nil, "", err
	}
	list, err := heldAfter(ctx, s.DB, filter, after, page.Fetch())
	if err != nil || len(list) <= page.Size() {
		return list, "", err
	}
	list = list[:page.Size()]
	last := list[len(list)-1]
	key := strings.Join([]string{last.Since.UTC().Format(time.RFC3339Nano), string(last.Currency), last.Account}, "|")
	return list, base64.RawURLEncoding.EncodeToString([]byte(key)), nil
}

func decodeHeld(cursor string) (Held, error) {
	if cursor == "" {
		return Held{}, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	parts := strings.SplitN(string(raw), "|", 3)
	if err == nil && len(parts) == 3 && utf8.Valid(raw) && !strings.ContainsRune(string(raw), 0) {
		if at, err := time.Parse(time.RFC3339Nano, parts[0]); err == nil {
			return Held{Since: at, Currency: money.Currency(parts[1]), Account: parts[2]}, nil
		}
	}
	return Held{}, fault.At("cursor", "This cursor is not one that this list gave. Start again without it.")
}

// HeldSum is all that is held of one kind in one currency.
type HeldSum struct {
	Kind     string         `bun:"kind"` // Payable, Unapplied or Refunds
	Currency money.Currency `bun:"currency"`
	Amount   int64          `bun:"amount"`   // minor units
	Accounts int            `bun:"accounts"` // how many have a balance
}

// HeldSums adds up what Held lists, per kind and currency.
func (s *Service) HeldSums(ctx context.Context, filter Filter) ([]HeldSum, error) {
	return heldSums(ctx, s.DB, filter)
}
