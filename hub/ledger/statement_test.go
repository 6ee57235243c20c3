package ledger_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/ledger"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/store"
)

var (
	start         = time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)
	north, south  = store.NewID(), store.NewID()
	acme          = store.NewID()
	northPayable  = ledger.VendorPayable(north)
	southPayable  = ledger.VendorPayable(south)
	acmeUnapplied = ledger.CustomerUnapplied(acme)
)

// move posts at an instant: amount goes from one account to another.
func (b book) move(at time.Time, kind, from, to string, amount int64, currency money.Currency) {
	b.t.Helper()
	b.Now = func() time.Time { return at }
	err := b.post(ledger.Transaction{Kind: kind, Currency: currency, Memo: "=" + kind, PaymentID: north, VendorID: south,
		Entries: []ledger.Entry{{Account: to, Amount: amount}, {Account: from, Amount: -amount}}})
	if err != nil {
		b.t.Fatal(err)
	}
}

// readAll reads a whole statement page by page.
func (b book) readAll(account string, currency money.Currency, period ledger.Period, limit int) ledger.Statement {
	b.t.Helper()
	whole, balance := ledger.Statement{}, int64(0)
	for cursor, first := "", true; first || cursor != ""; first = false {
		page, err := b.Statement(context.Background(), account, currency, period, store.PageRequest{Limit: limit, Cursor: cursor})
		if err != nil || len(page.Lines) > limit {
			b.t.Fatalf("%d lines: %v", len(page.Lines), err)
		}
		if first {
			whole, balance = page, page.Opening
			whole.Lines = nil
		}
		if page.Before != balance || page.Opening != whole.Opening || page.Closing != whole.Closing {
			b.t.Fatalf("a page begins at %d of %d to %d, the one before ended at %d of %d to %d", page.Before, page.Opening, page.Closing, balance, whole.Opening, whole.Closing)
		}
		for _, line := range page.Lines {
			if balance += line.Amount; line.Balance != balance {
				b.t.Fatalf("the balance runs to %d, not %d", line.Balance, balance)
			}
		}
		whole.Lines = append(whole.Lines, page.Lines...)
		cursor = page.Next
	}
	if balance != whole.Closing {
		b.t.Fatalf("the lines lead to %d, the closing balance is %d", balance, whole.Closing)
	}
	return whole
}

func TestStatementOpensRunsAndCloses(t *testing.T) {
	each(t, func(t *testing.T, b book) {
		for i := range 7 {
			b.move(start.AddDate(0, 0, i), "settlement", northPayable, ledger.Gateway, int64(100+i), "EUR")
		}
		b.move(start.AddDate(0, 0, 3), "transfer", ledger.Gateway, northPayable, 103, "EUR")
		b.move(start, "settlement", northPayable, ledger.Gateway, 9, "JPY")
		for _, c := range []struct {
			from, to         string
			opening, closing int64
			lines            int
		}{
			{"", "", 0, -618, 8}, {"2026-11-03", "", -201, -618, 6}, {"", "2026-11-02", 0, -201, 2}, {"2026-11-04", "2026-11-04", -303, -303, 2},
			{"2026-11-01", "2026-11-01", 0, -100, 1}, {"2027-01-01", "", -618, -618, 0}, {"", "2026-10-31", 0, 0, 0},
		} {
			period, err := ledger.Days(c.from, c.to)
			if err != nil {
				t.Fatal(err)
			}
			for _, limit := range []int{1, 2, 50} {
				got := b.readAll(northPayable, "EUR", period, limit)
				if got.Opening != c.opening || got.Closing != c.closing || len(got.Lines) != c.lines {
					t.Errorf("%s to %s by %d: %d … %d in %d lines, want %+v", c.from, c.to, limit, got.Opening, got.Closing, len(got.Lines), c)
				}
			}
		}
		line := b.readAll(northPayable, "EUR", ledger.Period{}, 50).Lines[4]
		if line.Kind != "transfer" || line.Memo != "=transfer" || line.PaymentID != north || line.VendorID != south || line.Amount != 103 || !line.At.Equal(start.AddDate(0, 0, 3)) {
			t.Errorf("%+v", line)
		}
		if empty := b.readAll("nobody", "EUR", ledger.Period{}, 50); len(empty.Lines) != 0 || empty.Closing != 0 {
			t.Errorf("%+v", empty)
		}
		if list, err := b.Currencies(t.Context(), northPayable); err != nil || fmt.Sprint(list) != "[EUR JPY]" {
			t.Errorf("%v, %v", list, err)
		}
		if _, err := b.Statement(t.Context(), northPayable, "EUR", ledger.Period{}, store.PageRequest{Cursor: "!"}); !fault.Is(err, fault.Invalid) {
			t.Error(err)
		}
	})
}

func TestDaysRefuses(t *testing.T) {
	for _, c := range [][2]string{{"yesterday", ""}, {"", "2026-02-30"}, {"2026-11-02", "2026-11-01"}} {
		if _, err := ledger.Days(c[0], c[1]); !fault.Is(err, fault.Invalid) {
			t.Errorf("%v: %v", c, err)
		}
	}
}

func TestTransactionIsReadWithItsProof(t *testing.T) {
	each(t, func(t *testing.T, b book) {
		b.move(start, "settlement", northPayable, ledger.Gateway, 5, "EUR")
		b.move(start, "refund", northPayable, ledger.Gateway, 6, "EUR")
		id := b.text("SELECT CAST(id AS TEXT) FROM ledger_transactions WHERE kind = 'settlement'")
		got, err := b.Transaction(t.Context(), id)
		if err != nil || len(got.Entries) != 2 || !got.SealedAt.IsZero() || got.Altered != nil || got.Memo != "=settlement" {
			t.Fatalf("%+v, %v", got, err)
		}
		b.seal(2)
		if got, err = b.Transaction(t.Context(), id); err != nil || got.SealedAt.IsZero() || got.Batch != 1 || got.BatchHash == "" || got.Altered != nil {
			t.Fatalf("%+v, %v", got, err)
		}
		b.exec("UPDATE ledger_entries SET amount = amount * 2 WHERE transaction_id = ?", id)
		if got, err = b.Transaction(t.Context(), id); err != nil || len(got.Altered) != 2 || !strings.HasPrefix(got.Altered[0], "the amount of entry ") {
			t.Fatalf("%+v, %v", got, err)
		}
		if list, err := b.OfPayment(t.Context(), north); err != nil || len(list) != 2 || list[0].ID != id || len(list[1].Entries) != 2 {
			t.Fatalf("%+v, %v", list, err)
		}
		for _, id := range []string{store.NewID(), "x", ""} {
			if _, err := b.Transaction(t.Context(), id); !fault.Is(err, fault.NotFound) {
				t.Errorf("%q: %v", id, err)
			}
			if list, err := b.OfPayment(t.Context(), id); err != nil || len(list) != 0 {
				t.Errorf("%q: %v, %v", id, list, err)
			}
		}
	})
}

func (b book) held(filter ledger.Filter, limit int) []string {
	b.t.Helper()
	var all []string
	for cursor, first := "", true; first || cursor != ""; first = false {
		list, next, err := b.Held(context.Background(), filter, store.PageRequest{Limit: limit, Cursor: cursor})
		if err != nil || len(list) > limit {
			b.t.Fatal(len(list), err)
		}
		for _, h := range list {
			all = append(all, fmt.Sprintf("%s %s %d %s", h.Account, h.Currency, h.Amount, h.Since.UTC().Format(time.DateOnly)))
		}
		cursor = next
	}
	return all
}

func TestHeldSaysForWhomAndSinceWhen(t *testing.T) {
	each(t, func(t *testing.T, b book) {
		day := func(n int) time.Time { return start.AddDate(0, 0, n) }
		b.move(day(0), "settlement", northPayable, ledger.Gateway, 100, "EUR")
		b.move(day(1), "settlement", northPayable, ledger.Gateway, 50, "EUR")
		b.move(day(2), "transfer", ledger.Gateway, northPayable, 100, "EUR") // covers the first, whole
		b.move(day(3), "settlement", southPayable, ledger.Gateway, 80, "EUR")
		b.move(day(4), "transfer", ledger.Gateway, southPayable, 79, "EUR") // a cent is left of the first
		b.move(day(5), "settlement", southPayable, ledger.Gateway, 1, "EUR")
		b.move(day(0), "settlement", southPayable, ledger.Gateway, 7, "JPY")
		b.move(day(1), "transfer", ledger.Gateway, southPayable, 7, "JPY") // nothing is left
		b.move(day(2), "settlement", acmeUnapplied, ledger.Gateway, 5, "EUR")
		b.move(day(6), "refund", ledger.CustomerRefunds(acme), ledger.VendorReceivable(north), 4, "EUR")
		b.move(day(7), "transfer", ledger.Gateway, northPayable, 3, "USD") // overdrawn
		b.move(day(7), "fee", ledger.HubFees, northPayable, 2, "EUR")
		want := []string{
			northPayable + " EUR 48 2026-11-02", acmeUnapplied + " EUR 5 2026-11-03", southPayable + " EUR 2 2026-11-04",
			ledger.CustomerRefunds(acme) + " EUR 4 2026-11-07", northPayable + " USD -3 2026-11-08",
		}
		for _, limit := range []int{1, 2, 50} {
			if got := b.held(ledger.Filter{}, limit); strings.Join(got, "\n") != strings.Join(want, "\n") {
				t.Errorf("by %d:\n%s\nwant\n%s", limit, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		}
		for filter, want := range map[ledger.Filter]int{{VendorID: north}: 2, {VendorID: north, Currency: "EUR"}: 1, {CustomerID: acme}: 2, {Kind: ledger.Payable}: 3, {Kind: ledger.Receivable}: 0, {Account: southPayable}: 1, {Kind: "%"}: 0} {
			if got := b.held(filter, 50); len(got) != want {
				t.Errorf("%+v: %q, want %d", filter, got, want)
			}
		}
		sums, err := b.HeldSums(t.Context(), ledger.Filter{})
		if got := fmt.Sprint(sums); err != nil || got != "[{payable EUR 50 2} {refunds EUR 4 1} {unapplied EUR 5 1} {payable USD -3 1}]" {
			t.Errorf("%s, %v", got, err)
		}
		for _, bad := range []string{"!", "bm9uZQ", "fHx8"} {
			if _, _, err := b.Held(t.Context(), ledger.Filter{}, store.PageRequest{Cursor: bad}); !fault.Is(err, fault.Invalid) {
				t.Errorf("cursor %q: %v", bad, err)
			}
		}
	})
}

// TestHeldAgainstAModel holds the query against a queue of coins, for random movements.
func TestHeldAgainstAModel(t *testing.T) {
	each(t, func(t *testing.T, b book) {
		random := rand.New(rand.NewPCG(7, 11))
		type coin struct {
			at     time.Time
			amount int64
		}
		queues := map[string][]coin{}
		for i := range 300 {
			account := []string{northPayable, southPayable, acmeUnapplied}[random.IntN(3)]
			at, amount := start.Add(time.Duration(i)*time.Hour), 1+random.Int64N(50)
			if random.IntN(2) == 0 {
				b.move(at, "settlement", account, ledger.Gateway, amount, "EUR")
				queues[account] = append(queues[account], coin{at, amount})
				continue
			}
			held := int64(0)
			for _, c := range queues[account] {
				held += c.amount
			}
			if amount = min(amount, held); amount == 0 {
				continue
			}
			b.move(at, "transfer", ledger.Gateway, account, amount, "EUR")
			for amount > 0 {
				taken := min(amount, queues[account][0].amount)
				queues[account][0].amount -= taken
				if amount -= taken; queues[account][0].amount == 0 {
					queues[account] = queues[account][1:]
				}
			}
		}
		list, _, err := b.Held(t.Context(), ledger.Filter{}, store.PageRequest{})
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range list {
			held := int64(0)
			for _, c := range queues[h.Account] {
				held += c.amount
			}
			if h.Amount != held || !h.Since.Equal(queues[h.Account][0].at) {
				t.Errorf("%s: %d since %s, want %d since %s", h.Account, h.Amount, h.Since, held, queues[h.Account][0].at)
			}
			delete(queues, h.Account)
		}
		for account, left := range queues {
			if len(left) > 0 {
				t.Errorf("%s holds %v and is not listed", account, left)
			}
		}
	})
}

func TestBalancesOfSome(t *testing.T) {
	each(t, func(t *testing.T, b book) {
		b.move(start, "settlement", northPayable, ledger.Gateway, 5, "EUR")
		b.move(start, "settlement", southPayable, ledger.Gateway, 5, "JPY")
		b.move(start, "chargeback", ledger.Gateway, ledger.VendorReceivable(north), 5, "EUR")
		for filter, want := range map[ledger.Filter]int{{}: 5, {VendorID: north}: 2, {Kind: ledger.Payable}: 2, {Currency: "EUR"}: 3, {Account: ledger.Gateway}: 2, {Account: ledger.Gateway, Currency: "JPY"}: 1, {CustomerID: acme}: 0} {
			if list, _, err := b.BalancesOf(t.Context(), filter, store.PageRequest{}); err != nil || len(list) != want {
				t.Errorf("%+v: %+v, want %d; %v", filter, list, want, err)
			}
		}
	})
}

func TestAccountNames(t *testing.T) {
	for name, want := range map[string]ledger.Account{
		ledger.Gateway: {}, ledger.HubFees: {}, northPayable: {VendorID: north, Kind: "payable"}, ledger.VendorReceivable(north): {VendorID: north, Kind: "receivable"},
		ledger.VendorDiscounts(north): {VendorID: north, Kind: "discounts"}, acmeUnapplied: {CustomerID: acme, Kind: "unapplied"},
		ledger.CustomerRefunds(acme): {CustomerID: acme, Kind: "refunds"}, ledger.CustomerDiscounts(acme): {CustomerID: acme, Kind: "discounts"},
	} {
		if got, ok := ledger.ParseAccount(name); !ok || got != want {
			t.Errorf("%s: %+v, %v", name, got, ok)
		}
	}
	for _, bad := range []string{"", "Gateway", "vendor", "vendor:" + north, "vendor:1:payable", "vendor:" + north + ":unapplied", "customer:" + acme + ":payable", "hub:" + acme + ":payable", northPayable + ":x"} {
		if got, ok := ledger.ParseAccount(bad); ok {
			t.Errorf("%s: %+v", bad, got)
		}
	}
}

func TestExportIsStableAndSafe(t *testing.T) {
	each(t, func(t *testing.T, b book) {
		list := make([]ledger.Transaction, 1203) // more than two pages, all at one instant
		for i := range list {
			list[i] = settlement("KWD", int64(i+1), 7)
			list[i].Memo = "=HYPERLINK(\"x\")"
		}
		if err := b.post(list...); err != nil {
			t.Fatal(err)
		}
		b.move(start.AddDate(0, 0, -1), "fee", ledger.HubFees, northPayable, 5, "JPY")
		var one, two bytes.Buffer
		var told [][2]int64
		n, err := b.Export(t.Context(), ledger.Period{}, &one, func(done, total int64) { told = append(told, [2]int64{done, total}) })
		if err != nil || n != 3*1203+2 || fmt.Sprint(told) != "[[500 1204] [1000 1204] [1204 1204]]" {
			t.Fatal(n, told, err)
		}
		if _, err := b.Export(t.Context(), ledger.Period{}, &two, nil); err != nil || !bytes.Equal(one.Bytes(), two.Bytes()) {
			t.Fatal("the same ledger makes two files:", err)
		}
		rows, err := csv.NewReader(&one).ReadAll()
		if err != nil || len(rows) != int(n)+1 {
			t.Fatal(len(rows), err)
		}
		if first := rows[1]; first[0] != "2026-10-31T09:00:00Z" || first[5] != "'=fee" || first[8] != northPayable || first[10] != "5" || first[11] != "5" || rows[2][10] != "-5" {
			t.Errorf("%q", rows[1:3])
		}
		sum := int64(0)
		for _, row := range rows[1:] {
			minor, err := strconv.ParseInt(row[11], 10, 64)
			decimal, parseErr := money.Parse(row[10], money.Currency(row[9]))
			if err != nil || parseErr != nil || decimal.Minor != minor || !strings.HasPrefix(row[5], "'=") {
				t.Fatalf("%q: %v, %v", row, err, parseErr)
			}
			sum += minor
		}
		if sum != 0 {
			t.Errorf("the file sums to %d", sum)
		}
		period, err := ledger.Days("2026-10-31", "2026-10-31")
		if err != nil {
			t.Fatal(err)
		}
		if n, err := b.Export(t.Context(), period, &two, nil); err != nil || n != 2 {
			t.Error(n, err)
		}
	})
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no room") }

func TestExportStops(t *testing.T) {
	each(t, func(t *testing.T, b book) {
		b.fill(600)
		if _, err := b.Export(t.Context(), ledger.Period{}, full{}, nil); err == nil || !strings.Contains(err.Error(), "no room") {
			t.Error(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var out bytes.Buffer
		if _, err := b.Export(ctx, ledger.Period{}, &out, func(int64, int64) { cancel() }); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}
