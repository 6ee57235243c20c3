package ledger_test

import (
	"context"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/ledger"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/hub/store/storetest"
)

type book struct {
	*ledger.Service
	t *testing.T
}

func each(t *testing.T, run func(t *testing.T, b book)) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		at := time.Date(2026, 11, 22, 9, 0, 0, 123456789, time.UTC)
		run(t, book{Service: &ledger.Service{DB: db, Now: func() time.Time { return at }}, t: t})
	})
}

func (b book) post(transactions ...ledger.Transaction) error {
	return b.DB.InTx(context.Background(), func(ctx context.Context, tx bun.Tx) error { return b.PostTx(ctx, tx, transactions...) })
}

func (b book) exec(statement string, arguments ...any) {
	b.t.Helper()
	if _, err := b.DB.ExecContext(context.Background(), statement, arguments...); err != nil {
		b.t.Fatalf("%s: %v", statement, err)
	}
}

// settlement is money of two vendors coming in.
func settlement(currency money.Currency, one, two int64) ledger.Transaction {
	return ledger.Transaction{Kind: "settlement", PaymentID: store.NewID(), Currency: currency, Memo: "INV-1 | \"quoted\"\nline", Entries: []ledger.Entry{
		{Account: ledger.Gateway, Amount: one + two}, {Account: "vendor:1:payable", Amount: -one}, {Account: "vendor:2:payable", Amount: -two}}}
}

func (b book) fill(n int) {
	b.t.Helper()
	list := make([]ledger.Transaction, n)
	for i := range list {
		list[i] = settlement("EUR", int64(i+1), 7)
	}
	if err := b.post(list...); err != nil {
		b.t.Fatal(err)
	}
}

func (b book) seal(want int) {
	b.t.Helper()
	if n, err := b.Seal(context.Background()); err != nil || n != want {
		b.t.Fatalf("sealed %d, want %d: %v", n, want, err)
	}
}

func (b book) check(wantTotal int, wantBroken ...string) {
	b.t.Helper()
	total, broken, err := b.Check(context.Background())
	if err != nil || total != wantTotal || len(broken) != len(wantBroken) {
		b.t.Fatalf("%d, %q, %v; want %d, %q", total, broken, err, wantTotal, wantBroken)
	}
	for i, words := range wantBroken {
		if !strings.Contains(broken[i], words) {
			b.t.Fatalf("%q does not say %q", broken[i], words)
		}
	}
}

func TestPostRefusesWhatDoesNotSumToZero(t *testing.T) {
	each(t, func(t *testing.T, b book) {
		bad := settlement("EUR", 100, 50)
		bad.Entries[0].Amount = 149
		if err := b.post(settlement("EUR", 1, 2), bad); err == nil || !strings.Contains(err.Error(), "-1") {
			t.Fatal(err)
		}
		const huge = math.MaxInt64/2 + 1 // four of them wrap around to zero
		wraps := ledger.Transaction{Kind: "k", Currency: "EUR", Entries: []ledger.Entry{{Account: "a", Amount: huge}, {Account: "b", Amount: huge}, {Account: "c", Amount: huge}, {Account: "d", Amount: huge}}}
		if err := b.post(wraps); err == nil {
			t.Fatal("a sum that overflows was booked")
		}
		b.check(0) // the good one in the same call was not booked either
		if err := b.post(); err != nil {
			t.Fatal(err)
		}
		if err := b.post(ledger.Transaction{Kind: "nothing", Currency: "EUR", Entries: []ledger.Entry{{Account: "a"}, {Account: "b"}}}); err != nil {
			t.Fatal(err)
		}
		b.check(0) // entries of nothing are no transaction
	})
}

func TestBalancesPerAccountAndCurrency(t *testing.T) {
	each(t, func(t *testing.T, b book) {
		if err := b.post(settlement("EUR", 100, 50), settlement("EUR", 1, 0), settlement("JPY", 7, 3)); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			account  string
			currency money.Currency
			want     int64
		}{{ledger.Gateway, "EUR", 151}, {ledger.Gateway, "JPY", 10}, {"vendor:1:payable", "EUR", -101}, {"vendor:2:payable", "EUR", -50}, {"nobody", "EUR", 0}, {ledger.Gateway, "USD", 0}} {
			if got, err := b.Balance(t.Context(), c.account, c.currency); err != nil || got != money.New(c.want, c.currency) {
				t.Errorf("%s %s: %v, %v", c.account, c.currency, got, err)
			}
		}
		var seen []string
		sums := map[money.Currency]int64{}
		for cursor, first := "", true; first || cursor != ""; first = false {
			list, next, err := b.Balances(t.Context(), store.PageRequest{Limit: 4, Cursor: cursor})
			if err != nil || len(list) > 4 {
				t.Fatalf("%+v, %v", list, err)
			}
			for _, balance := range list {
				seen = append(seen, balance.Account+" "+string(balance.Currency))
				sums[balance.Currency] += balance.Amount
			}
			cursor = next
		}
		want := "gateway EUR,gateway JPY,vendor:1:payable EUR,vendor:1:payable JPY,vendor:2:payable EUR,vendor:2:payable JPY"
		if strings.Join(seen, ",") != want || sums["EUR"] != 0 || sums["JPY"] != 0 {
			t.Fatalf("%q %v", seen, sums)
		}
		for _, bad := range []string{"!", "bm9uZQ", "AHwA"} {
			if _, _, err := b.Balances(t.Context(), store.PageRequest{Cursor: bad}); !fault.Is(err, fault.Invalid) {
				t.Errorf("cursor %q: %v", bad, err)
			}
		}
	})
}
