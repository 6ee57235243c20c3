package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/hub/store/storetest"
)

const addCustomer = `INSERT INTO customers (id, name, created_at) VALUES (?, ?, ?)`

func customers(t *testing.T, db bun.IDB) int {
	t.Helper()
	n := 0
	if err := db.NewRaw(`SELECT count(*) FROM customers`).Scan(t.Context(), &n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestAPipelineReadsWhatItWroteAndCommits(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		now := time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC)
		err := db.InPipeline(t.Context(), func(ctx context.Context, tx bun.IDB) error {
			for range 2 {
				if _, err := tx.NewRaw(addCustomer, store.NewID(), "it's; ? --", now).Exec(ctx); err != nil {
					return err
				}
			}
			if n := customers(t, tx); n != 2 {
				t.Errorf("it reads %d of its own", n)
			}
			if n := customers(t, db); db.Kind == store.Postgres && n != 0 { // SQLite's writer would be waited for
				t.Errorf("another sees %d before the commit", n)
			}
			_, err := tx.NewRaw(addCustomer, store.NewID(), "with the commit", now).Exec(ctx)
			return err
		})
		if n := customers(t, db); err != nil || n != 3 {
			t.Fatalf("%d customers, %v", n, err)
		}
	})
}

func TestAPipelineLeavesNothingBehindWhenItFails(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		now, id, undo := time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC), store.NewID(), errors.New("undo")
		add := func(ctx context.Context, tx bun.IDB) error {
			_, err := tx.NewRaw(addCustomer, id, "x", now).Exec(ctx)
			return err
		}
		for range 30 { // as many as there are connections: none may stay in a transaction
			err := db.InPipeline(t.Context(), func(ctx context.Context, tx bun.IDB) error { return errors.Join(add(ctx, tx), undo) })
			if !errors.Is(err, undo) {
				t.Fatal(err)
			}
		}
		err := db.InPipeline(t.Context(), func(ctx context.Context, tx bun.IDB) error { return errors.Join(add(ctx, tx), add(ctx, tx)) })
		var broken *store.ConstraintError // the same name twice, found at the commit at the latest
		if !errors.As(err, &broken) {
			t.Fatalf("%v", err)
		}
		if n := customers(t, db); n != 0 {
			t.Fatalf("%d customers", n)
		}
		func() {
			defer func() { _ = recover() }()
			_ = db.InPipeline(t.Context(), func(ctx context.Context, tx bun.IDB) error {
				_ = add(ctx, tx)
				panic("in the middle")
			})
		}()
		if err := db.InPipeline(t.Context(), add); err != nil {
			t.Fatal(err)
		}
		if n := customers(t, db); n != 1 {
			t.Fatalf("%d customers", n)
		}
	})
}

func TestAPipelineHasNoTransactionsInside(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		err := db.InPipeline(t.Context(), func(ctx context.Context, tx bun.IDB) error {
			if _, err := tx.BeginTx(ctx, nil); db.Kind == store.Postgres && err == nil {
				t.Error("a transaction inside began")
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
