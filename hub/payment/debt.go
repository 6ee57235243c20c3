package payment

import (
	"context"
	"slices"
	"time"

	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// Debt is what a vendor owes the hub in one currency, beyond what is on its way
// back from its account: it is kept from its next shares.
type Debt struct {
	VendorID string
	Currency money.Currency
	Amount   int64
	Causes   []DebtCause // the newest first, as far as they explain Amount; of a vendor's own debts alone
}

// DebtCause is a refund or chargeback that the vendor's account did not cover.
type DebtCause struct {
	Kind      string         `bun:"kind"` // "refund" or "chargeback"
	ID        string         `bun:"id"`   // of the refund, or of the vendor's part
	ShareID   string         `bun:"share_id"`
	Reference string         `bun:"reference"`
	Currency  money.Currency `bun:"currency"`
	Amount    int64          `bun:"amount"` // not covered by the vendor's account
	At        time.Time      `bun:"at"`
}

// VendorDebts is what a vendor owes, with why; none: nothing.
func (s *Service) VendorDebts(ctx context.Context, vendorID string) ([]Debt, error) {
	if !store.ValidID(vendorID) {
		return nil, nil
	}
	rows, err := debtsOf(ctx, s.DB, vendorID)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	causes, err := debtCauses(ctx, s.DB, vendorID)
	if err != nil {
		return nil, err
	}
	debts := make([]Debt, len(rows))
	for i, row := range rows {
		debts[i] = Debt{VendorID: vendorID, Currency: row.Currency, Amount: row.Amount, Causes: explain(row.Amount, row.Currency, causes)}
	}
	return debts, nil
}

// explain takes the newest causes until they come to the debt: what was kept of
// shares before has paid for the oldest.
func explain(amount int64, currency money.Currency, causes []DebtCause) []DebtCause {
	var out []DebtCause
	for _, cause := range causes {
		if cause.Currency != currency || cause.Amount <= 0 || amount <= 0 {
			continue
		}
		cause.Amount = min(cause.Amount, amount)
		amount -= cause.Amount
		out = append(out, cause)
	}
	return slices.Clip(out)
}

// ListDebts pages through what vendors owe, by vendor, for the operator.
func (s *Service) ListDebts(ctx context.Context, page store.PageRequest) ([]Debt, string, error) {
	after := ""
	if page.Cursor != "" {
		var err error
		if _, after, err = store.DecodeCursor(page.Cursor); err != nil {
			return nil, "", err
		}
	}
	rows, err := allDebts(ctx, s.DB, after, page.Fetch())
	if err != nil {
		return nil, "", err
	}
	next := ""
	if len(rows) > page.Size() { // a vendor's currencies stay together
		last := rows[len(rows)-1].VendorID
		cut := slices.IndexFunc(rows, func(row debtRow) bool { return row.VendorID == last })
		if cut > 0 {
			rows = rows[:cut]
		}
		next = store.EncodeCursor(time.Time{}, rows[len(rows)-1].VendorID)
	}
	debts := make([]Debt, len(rows))
	for i, row := range rows {
		debts[i] = Debt{VendorID: row.VendorID, Currency: row.Currency, Amount: row.Amount}
	}
	return debts, next, nil
}
