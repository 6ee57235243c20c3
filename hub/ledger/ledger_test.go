package ledger_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync"
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

func TestSealCoversEverythingOnce(t *testing.T) {
	each(t, func(t *testing.T, b book) {
		b.seal(0)
		b.fill(3)
		b.check(3) // not sealed yet is not broken
		b.seal(3)
		b.seal(0)
		b.fill(1001) // more than one batch holds
		b.seal(1001)
		b.check(1004)
		var batches int
		if err := b.DB.NewRaw("SELECT count(*) FROM ledger_batches").Scan(t.Context(), &batches); err != nil || batches != 3 {
			t.Fatal(batches, err)
		}
	})
}

// TestAnyAlterationIsFound changes each column of each table, one at a time, and puts it back.
func TestAnyAlterationIsFound(t *testing.T) {
	each(t, func(t *testing.T, b book) {
		for range 3 {
			b.fill(2)
			b.seal(2)
		}
		b.check(6)
		other := store.NewID()
		for _, c := range []struct{ table, column, to string }{
			{"ledger_transactions", "kind", "'refund'"}, {"ledger_transactions", "payment_id", "'" + other + "'"}, {"ledger_transactions", "payment_id", "NULL"},
			{"ledger_transactions", "vendor_id", "'" + other + "'"}, {"ledger_transactions", "currency", "'USD'"}, {"ledger_transactions", "memo", "memo || ' '"},
			{"ledger_transactions", "created_at", "'2026-11-22 09:00:00.123457+00:00'"}, {"ledger_transactions", "batch", "3"}, {"ledger_transactions", "batch", "NULL"}, {"ledger_transactions", "batch", "99"},
			{"ledger_entries", "account", "'hub:fees'"}, {"ledger_entries", "currency", "'USD'"}, {"ledger_entries", "amount", "amount + 1"},
			{"ledger_entries", "transaction_id", "(SELECT id FROM ledger_transactions WHERE batch = 3 ORDER BY id LIMIT 1)"},
			{"ledger_batches", "transactions", "3"}, {"ledger_batches", "previous", "'x'"}, {"ledger_batches", "hash", "'x'"}, {"ledger_batches", "number", "7"},
			{"ledger_batches", "sealed_at", "'2026-11-22 09:00:01+00:00'"},
		} {
			b.alter(c.table, c.column, c.to)
		}
		b.check(6)
	})
}

func (b book) alter(table, column, to string) {
	b.t.Helper()
	where := map[string]string{
		"ledger_transactions": "id = (SELECT id FROM ledger_transactions WHERE batch = 2 ORDER BY id LIMIT 1)",
		"ledger_entries":      "id = (SELECT e.id FROM ledger_entries e JOIN ledger_transactions t ON t.id = e.transaction_id WHERE t.batch = 2 ORDER BY e.id LIMIT 1)",
		"ledger_batches":      "number = 2",
	}[table]
	b.exec(fmt.Sprintf("CREATE TABLE kept AS SELECT * FROM %s WHERE %s", table, where))
	key := map[bool]string{true: "number", false: "id"}[table == "ledger_batches"]
	b.exec(fmt.Sprintf("UPDATE %s SET %s = %s WHERE %s", table, column, to, where))
	_, broken, err := b.Check(context.Background())
	if err != nil || len(broken) == 0 {
		b.t.Errorf("%s.%s = %s was not found: %v", table, column, to, err)
	}
	if column == "number" {
		b.exec("UPDATE ledger_batches SET number = 2 WHERE number = 7")
	} else {
		b.exec(fmt.Sprintf("UPDATE %s SET %s = (SELECT %s FROM kept) WHERE %s = (SELECT %s FROM kept)", table, column, column, key, key))
	}
	b.exec("DROP TABLE kept")
}

func TestMissingAndAddedRowsAreFound(t *testing.T) {
	each(t, func(t *testing.T, b book) {
		for range 2 {
			b.fill(2)
			b.seal(2)
		}
		b.exec("DELETE FROM ledger_batches WHERE number = 2") // the last link of the chain
		b.check(4, "batch that does not exist")
		b.exec("UPDATE ledger_transactions SET batch = NULL WHERE batch = 2")
		b.check(4) // as if they had never been sealed
		b.seal(2)
		b.exec("INSERT INTO ledger_entries (id, transaction_id, account, currency, amount) SELECT ?, id, 'x', 'EUR', 5 FROM ledger_transactions WHERE batch = 1 ORDER BY id LIMIT 1", store.NewID())
		b.check(4, "1 ledger transactions do not sum to zero", "batch 1 was altered")
		b.exec("DELETE FROM ledger_entries WHERE account = 'x'")
		b.check(4)
		b.exec("DELETE FROM ledger_entries WHERE transaction_id = (SELECT id FROM ledger_transactions WHERE batch = 2 ORDER BY id LIMIT 1)")
		b.check(4, "do not sum to zero", "batch 2 was altered")
		b.exec("DELETE FROM ledger_batches WHERE number = 1")
		b.check(4, "do not sum", "does not exist", "does not follow")
	})
}

func TestManySealersAtOnceMakeOneChain(t *testing.T) {
	each(t, func(t *testing.T, b book) {
		const each, rounds = 40, 6
		for range rounds {
			b.fill(each)
			errs := make([]error, 4)
			var sealers sync.WaitGroup
			for i := range errs {
				sealers.Go(func() { _, errs[i] = b.Seal(context.Background()) })
			}
			sealers.Go(func() {
				if err := b.post(settlement("EUR", 5, 5)); err != nil {
					t.Error(err)
				}
			})
			sealers.Wait()
			for _, err := range errs {
				if err != nil {
					t.Fatalf("a sealer that came second is told %v", err)
				}
			}
		}
		if _, err := b.Seal(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.check(rounds * (each + 1))
		var unsealed int
		if err := b.DB.NewRaw("SELECT count(*) FROM ledger_transactions WHERE batch IS NULL").Scan(t.Context(), &unsealed); err != nil || unsealed != 0 {
			t.Fatal(unsealed, err)
		}
	})
}
