package store_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/hub/store/storetest"
	"github.com/sheaf-hub/sheaf/migrations"
)

func TestMigrateTwiceChangesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ran, err := db.Migrate(t.Context(), migrations.Files, time.Now())
		if err != nil || len(ran) != 0 {
			t.Fatalf("second run: %v, %v", ran, err)
		}
		list, err := db.Migrations(t.Context(), migrations.Files)
		if err != nil || len(list) < 9 {
			t.Fatalf("list: %d, %v", len(list), err)
		}
		for _, migration := range list {
			if migration.AppliedAt.IsZero() {
				t.Errorf("%s has no mark", migration.Name)
			}
		}
	})
}

func TestConstraintHasTheSameNameOnBoth(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		insert := func() error {
			return db.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
				_, err := tx.ExecContext(ctx, `INSERT INTO mails (id, kind, recipient, subject, content, message_id, state, attempts, last_answer, created_at, updated_at)
					VALUES (?, 'k', 'r', 's', 'c', 'm', 'nonsense', 0, '', ?, ?)`, store.NewID(), time.Now().UTC(), time.Now().UTC())
				return err
			})
		}
		var constraint *store.ConstraintError
		if err := insert(); !errors.As(err, &constraint) {
			t.Fatalf("a broken CHECK is %v", err)
		}
		link := func() error {
			return db.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
				_, err := tx.ExecContext(ctx, `INSERT INTO sign_in_links (id, token_hash, kind, email, next, created_at, expires_at) VALUES (?, 'same', 'contact', 'e', '', ?, ?)`,
					store.NewID(), time.Now().UTC(), time.Now().UTC())
				return err
			})
		}
		if err := link(); err != nil {
			t.Fatal(err)
		}
		if err := link(); !store.Violates(err, "sign_in_links_token_key") {
			t.Fatalf("a broken unique index is %v", err)
		}
	})
}

func TestAsVendorSeesNoOtherVendorsRows(t *testing.T) {
	db := storetest.SQLite(t)
	if !testing.Short() {
		db = storetest.Postgres(t)
	}
	one, two := store.NewID(), store.NewID()
	now := time.Now().UTC()
	for _, id := range []string{one, two} {
		if _, err := db.ExecContext(t.Context(), `INSERT INTO vendors VALUES (?, 'V', 'v@vendor.example', '', '', '', 'UTC', 'approved', '', '', ?, ?)`, id, now, now); err != nil {
			t.Fatal(err)
		}
	}
	count := 0
	err := db.AsVendor(t.Context(), one, func(ctx context.Context, tx bun.Tx) error {
		return tx.NewRaw("SELECT count(*) FROM vendors").Scan(ctx, &count)
	})
	if err != nil {
		t.Fatal(err)
	}
	if db.Kind == store.Postgres && count != 1 {
		t.Fatalf("a query without a condition saw %d vendors", count)
	}
}

func TestSealerBindsContextAndRotates(t *testing.T) {
	first, second := store.NewSealKey(), store.NewSealKey()
	old, err := store.NewSealer(first)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := old.Seal("whsec_x", "endpoint:1")
	if err != nil || strings.Contains(sealed, "whsec") {
		t.Fatal(sealed, err)
	}
	rotated, err := store.NewSealer(second + "," + first)
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := rotated.Open(sealed, "endpoint:1"); err != nil || plain != "whsec_x" {
		t.Fatal(plain, err)
	}
	if _, err := rotated.Open(sealed, "endpoint:2"); !errors.Is(err, store.ErrSealed) {
		t.Fatal("a secret was moved to another row")
	}
	if _, err := store.NewSealer("short"); err == nil {
		t.Fatal("a short key was taken")
	}
}
