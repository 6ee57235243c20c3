package ledger_test

import (
	"io/fs"
	"testing"
	"testing/fstest"
	"time"

	"github.com/sheaf-hub/sheaf/hub/ledger"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/hub/store/storetest"
	"github.com/sheaf-hub/sheaf/migrations"
)

// TestALedgerOfTheReleaseBeforeIsTaken migrates a ledger with rows in it: its
// entries get their times, and its statement reads.
func TestALedgerOfTheReleaseBeforeIsTaken(t *testing.T) {
	configs := map[string]func() store.Config{"sqlite": func() store.Config { return store.Config{Folder: t.TempDir()} }}
	if !testing.Short() {
		configs["postgres"] = func() store.Config { return store.Config{URL: storetest.NewPostgres(t), MaxConns: 4} }
	}
	for name, config := range configs {
		t.Run(name, func(t *testing.T) { takeOld(t, config()) })
	}
}

func takeOld(t *testing.T, config store.Config) {
	db, err := store.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	before := fstest.MapFS{}
	text, err := fs.ReadFile(migrations.Files, "0006_ledger.sql")
	if err != nil {
		t.Fatal(err)
	}
	before["0006_ledger.sql"] = &fstest.MapFile{Data: text}
	if _, err := db.Migrate(t.Context(), before, start); err != nil {
		t.Fatal(err)
	}
	b := book{Service: &ledger.Service{DB: db, Now: func() time.Time { return start }}, t: t}
	id, one, two := store.NewID(), store.NewID(), store.NewID()
	b.exec("INSERT INTO ledger_transactions (id, kind, currency, memo, created_at) VALUES (?, 'settlement', 'EUR', 'payment 1', ?)", id, start)
	b.exec("INSERT INTO ledger_entries (id, transaction_id, account, currency, amount) VALUES (?, ?, 'gateway', 'EUR', 5), (?, ?, 'hub:fees', 'EUR', -5)", one, id, two, id)
	if ran, err := db.Migrate(t.Context(), migrations.Files, start); err != nil || len(ran) == 0 {
		t.Fatal(ran, err)
	}
	b.check(1)
	b.seal(1)
	b.check(1)
	lines := b.readAll(ledger.Gateway, "EUR", ledger.Period{}, 50).Lines
	if len(lines) != 1 || !lines[0].At.Equal(start) || lines[0].Balance != 5 {
		t.Fatalf("%+v", lines)
	}
}
