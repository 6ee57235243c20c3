package ledger_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/sheaf-hub/sheaf/hub/store"
)

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

// text is one value out of the database.
func (b book) text(query string, arguments ...any) string {
	b.t.Helper()
	var value string
	if err := b.DB.NewRaw(query, arguments...).Scan(context.Background(), &value); err != nil {
		b.t.Fatalf("%s: %v", query, err)
	}
	return value
}

// rows of the second batch that the tests below alter: its first transaction,
// the first entry of that, and the transaction of another batch.
func (b book) rows() (transaction, entry, other string) {
	transaction = b.text("SELECT CAST(id AS TEXT) FROM ledger_transactions WHERE batch = 2 ORDER BY id LIMIT 1")
	entry = b.text("SELECT CAST(id AS TEXT) FROM ledger_entries WHERE transaction_id = ? ORDER BY id LIMIT 1", transaction)
	other = b.text("SELECT CAST(id AS TEXT) FROM ledger_transactions WHERE batch = 3 ORDER BY id LIMIT 1")
	return transaction, entry, other
}

// TestAnyAlterationNamesItsRow changes each column of each table, one at a
// time, and puts it back: Check names the row, and the column where it is told.
func TestAnyAlterationNamesItsRow(t *testing.T) {
	each(t, func(t *testing.T, b book) {
		for range 3 {
			b.fill(2)
			b.seal(2)
		}
		b.check(6)
		transaction, entry, other := b.rows()
		fresh := store.NewID()
		for _, c := range []struct{ table, column, to, row, what string }{
			{"ledger_transactions", "kind", "'refund'", transaction, "its kind was altered"},
			{"ledger_transactions", "payment_id", "'" + fresh + "'", transaction, "its payment was altered"},
			{"ledger_transactions", "payment_id", "NULL", transaction, "its payment was altered"},
			{"ledger_transactions", "vendor_id", "'" + fresh + "'", transaction, "its vendor was altered"},
			{"ledger_transactions", "currency", "'USD'", transaction, "its currency was altered"},
			{"ledger_transactions", "memo", "memo || ' '", transaction, "its memo was altered"},
			{"ledger_transactions", "created_at", "'2026-11-22 09:00:00.123457+00:00'", transaction, "its time was altered"},
			{"ledger_transactions", "batch", "3", transaction, "was added to batch 3"},
			{"ledger_transactions", "batch", "NULL", transaction, "was sealed and taken out of its batch"},
			{"ledger_transactions", "batch", "99", transaction, "is of batch 99, which does not exist"},
			{"ledger_transactions", "seal", "'x'", transaction, "its seal was altered, the transaction itself was not"},
			{"ledger_transactions", "seal", "seal || '0'", transaction, "its seal was altered, the transaction itself was not"},
			{"ledger_transactions", "seal", "NULL", transaction, "its seal was altered, the transaction itself was not"},
			{"ledger_entries", "id", "'" + fresh + "'", transaction, "entry " + fresh + " was added; an entry is missing"},
			{"ledger_entries", "account", "'hub:fees'", transaction, "the account of entry " + entry + " was altered"},
			{"ledger_entries", "currency", "'USD'", transaction, "the currency of entry " + entry + " was altered"},
			{"ledger_entries", "amount", "amount + 1", transaction, "the amount of entry " + entry + " was altered"},
			{"ledger_entries", "transaction_id", "'" + other + "'", transaction, "an entry is missing"},
			{"ledger_entries", "transaction_id", "'" + other + "'", other, "entry " + entry + " was added"},
			{"ledger_entries", "booked_at", "'2026-11-21 09:00:00+00:00'", entry, "is not timed as its transaction"},
			{"ledger_entries", "booked_at", "NULL", entry, "is not timed as its transaction"},
			{"ledger_batches", "number", "7", "batch 7", "does not follow on batch 3"},
			{"ledger_batches", "transactions", "3", "batch 2 ", "its own row"},
			{"ledger_batches", "previous", "'x'", "batch 2 ", "its own row"},
			{"ledger_batches", "hash", "'x'", "batch 2 ", "was altered"},
			{"ledger_batches", "hash", "'seals:x'", "batch 2 ", "its own row"},
			{"ledger_batches", "sealed_at", "'2026-11-22 09:00:01+00:00'", "batch 2 ", "its own row"},
			{"ledger_batches", "members", "members || ' " + fresh + "'", "batch 2 ", "its list of members"},
			{"ledger_batches", "members", "NULL", "batch 2 ", "its list of members"},
			{"ledger_batches", "members", "'" + transaction + "'", "batch 2 ", "its list of members"},
		} {
			b.alter(c.table, c.column, c.to, transaction, entry, c.row, c.what)
		}
		b.check(6)
	})
}

// alter changes one value, wants a line of Check with both texts, and restores it.
func (b book) alter(table, column, to, transaction, entry, row, what string) {
	b.t.Helper()
	key := map[string]string{"ledger_transactions": "id = '" + transaction + "'", "ledger_entries": "id = '" + entry + "'", "ledger_batches": "number = 2"}[table]
	b.exec(fmt.Sprintf("CREATE TABLE kept AS SELECT %s FROM %s WHERE %s", column, table, key))
	b.exec(fmt.Sprintf("UPDATE %s SET %s = %s WHERE %s", table, column, to, key))
	_, broken, err := b.Check(context.Background())
	named := false
	for _, line := range broken {
		named = named || strings.Contains(line, row) && strings.Contains(line, what)
	}
	if err != nil || !named {
		b.t.Errorf("%s.%s = %s: %q names no %q that %q; %v", table, column, to, broken, row, what, err)
	}
	switch column {
	case "number":
		key = "number = 7"
	case "id":
		key = "id = " + to
	}
	b.exec(fmt.Sprintf("UPDATE %s SET %s = (SELECT %s FROM kept) WHERE %s", table, column, column, key))
	b.exec("DROP TABLE kept")
}

func TestMissingAndAddedRowsAreNamed(t *testing.T) {
	each(t, func(t *testing.T, b book) {
		for range 2 {
			b.fill(2)
			b.seal(2)
		}
		first := b.text("SELECT CAST(id AS TEXT) FROM ledger_transactions WHERE batch = 1 ORDER BY id LIMIT 1")
		second := b.text("SELECT CAST(id AS TEXT) FROM ledger_transactions WHERE batch = 2 ORDER BY id LIMIT 1")
		added, entry := store.NewID(), store.NewID()
		b.exec("INSERT INTO ledger_entries (id, transaction_id, account, currency, amount, booked_at) SELECT ?, id, 'x', 'EUR', 5, created_at FROM ledger_transactions WHERE id = ?", entry, first)
		b.check(4, first+" does not sum to zero", first+" of batch 1: entry "+entry+" was added")
		b.exec("DELETE FROM ledger_entries WHERE id = ?", entry)
		b.check(4)
		b.exec("INSERT INTO ledger_transactions SELECT ?, kind, payment_id, vendor_id, currency, memo, created_at, batch, seal FROM ledger_transactions WHERE id = ?", added, first)
		b.check(5, added+" does not sum to zero", added+" was added to batch 1 after it was sealed")
		b.exec("DELETE FROM ledger_transactions WHERE id = ?", added)
		b.check(4)
		b.exec("DELETE FROM ledger_entries WHERE transaction_id = ?", second)
		b.check(4, second+" does not sum to zero", second+" of batch 2: 3 entries are missing")
		b.exec("DELETE FROM ledger_transactions WHERE id = ?", second)
		b.check(3, second+" of batch 2 is missing")
		b.exec("DELETE FROM ledger_batches WHERE number = 1")
		b.check(3, first+" is of batch 1, which does not exist", "is of batch 1, which does not exist", "batch 2 does not follow on batch 0", second+" of batch 2 is missing")
	})
}

// TestARowAndItsSealAlteredTogetherAreFound has an attacker who knows how seals are made.
func TestARowAndItsSealAlteredTogetherAreFound(t *testing.T) {
	each(t, func(t *testing.T, b book) {
		b.fill(2)
		b.seal(2)
		b.fill(3)
		b.seal(3)
		transaction := b.text("SELECT CAST(id AS TEXT) FROM ledger_transactions WHERE batch = 2 ORDER BY id LIMIT 1")
		entry := b.text("SELECT CAST(id AS TEXT) FROM ledger_entries WHERE transaction_id = ? ORDER BY id LIMIT 1", transaction)
		b.exec("UPDATE ledger_entries SET account = 'hub:fees' WHERE id = ?", entry)
		b.exec("UPDATE ledger_transactions SET memo = 'other' WHERE id = ?", transaction)
		b.exec("UPDATE ledger_transactions SET seal = ? WHERE id = ?", b.sealIn(2, transaction), transaction)
		b.check(5, "batch 2 was altered after it was sealed: its own row, or a transaction together with its seal")
	})
}

// sealIn makes a seal by hand, as the documentation of proof.go says it is made.
func (b book) sealIn(batch int, id string) string {
	b.t.Helper()
	found, err := b.Transaction(context.Background(), id)
	if err != nil {
		b.t.Fatal(err)
	}
	short := func(values ...string) string {
		text := ""
		for _, value := range values {
			sum := sha256.Sum256([]byte(value))
			text += hex.EncodeToString(sum[:])[:8]
		}
		return text
	}
	const layout = "2006-01-02T15:04:05.999999999Z07:00"
	at := found.CreatedAt.UTC().Format(layout)
	if found.Altered == nil {
		b.t.Fatal("the altered transaction passes for what was sealed")
	}
	text := fmt.Sprintf("%d|%s|%q|%q|%q|%q|%q|%s\n", batch, id, found.Kind, found.PaymentID, found.VendorID, found.Currency, found.Memo, at)
	words := short(fmt.Sprint(batch), found.Kind, found.PaymentID, found.VendorID, string(found.Currency), found.Memo, at)
	for _, e := range found.Entries {
		text += fmt.Sprintf(" %s|%q|%q|%d\n", e.ID, e.Account, e.Currency, e.Amount)
		words += " " + short(e.ID, e.Account, string(e.Currency), fmt.Sprint(e.Amount))
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:]) + " " + words
}

// TestBatchesOfTheReleaseBeforeStillVerify has a batch sealed when transactions
// had no seals, and one sealed on top of it by the rule of today.
func TestBatchesOfTheReleaseBeforeStillVerify(t *testing.T) {
	each(t, func(t *testing.T, b book) {
		const id, one, two = "0193a5b2-7c11-7d5e-8a61-3f0a52f1c001", "0193a5b2-7c11-7d5e-8a61-3f0a52f1c002", "0193a5b2-7c11-7d5e-8a61-3f0a52f1c003"
		b.exec("INSERT INTO ledger_transactions (id, kind, currency, memo, created_at, batch) VALUES (?, 'settlement', 'EUR', 'payment 1', '2026-11-20 08:00:00+00:00', 1)", id)
		b.exec("INSERT INTO ledger_entries (id, transaction_id, account, currency, amount, booked_at) VALUES (?, ?, 'gateway', 'EUR', 5, '2026-11-20 08:00:00+00:00'), (?, ?, 'hub:fees', 'EUR', -5, '2026-11-20 08:00:00+00:00')", one, id, two, id)
		sum := sha256.Sum256([]byte("1||2026-11-20T08:01:00Z\n" + id + `|"settlement"|""|""|"EUR"|"payment 1"|2026-11-20T08:00:00Z` + "\n " +
			one + `|"gateway"|"EUR"|5` + "\n " + two + `|"hub:fees"|"EUR"|-5` + "\n"))
		b.exec("INSERT INTO ledger_batches (number, transactions, previous, hash, sealed_at) VALUES (1, 1, '', ?, '2026-11-20 08:01:00+00:00')", hex.EncodeToString(sum[:]))
		b.check(1)
		b.fill(2)
		b.seal(2)
		b.check(3)
		b.exec("UPDATE ledger_entries SET account = 'vendor:1:payable' WHERE id = ?", one)
		b.check(3, "ledger batch 1 was altered after it was sealed, by a release that kept no seal")
		b.exec("UPDATE ledger_entries SET account = 'gateway' WHERE id = ?", one)
		b.exec("DELETE FROM ledger_batches WHERE number = 1")
		b.check(3, "is of batch 1, which does not exist", "batch 2 does not follow on batch 0")
	})
}

// TestEntriesOfAnOlderProcessGetTheirTime posts as a process does that still
// runs the release before, beside one that has migrated.
func TestEntriesOfAnOlderProcessGetTheirTime(t *testing.T) {
	each(t, func(t *testing.T, b book) {
		b.fill(2)
		b.exec("UPDATE ledger_entries SET booked_at = NULL")
		b.check(2) // not broken: it is not sealed yet
		b.seal(2)
		b.check(2)
		if n := b.text("SELECT CAST(count(*) AS TEXT) FROM ledger_entries WHERE booked_at IS NULL"); n != "0" {
			t.Fatalf("%s entries have no time", n)
		}
	})
}

// TestManyAlterationsAreCounted keeps the answer short when everything is broken.
func TestManyAlterationsAreCounted(t *testing.T) {
	each(t, func(t *testing.T, b book) {
		b.fill(120)
		b.seal(120)
		b.exec("UPDATE ledger_transactions SET memo = 'x'")
		_, broken, err := b.Check(t.Context())
		if err != nil || len(broken) != 51 || broken[50] != "and 70 more alterations of sealed rows" {
			t.Fatalf("%d lines, the last %q: %v", len(broken), broken[len(broken)-1], err)
		}
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
