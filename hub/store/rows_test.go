package store_test

import (
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/hub/store/storetest"
)

func TestUpdateRowsSetsEachRowItsOwn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		now := time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC)
		ids := []string{store.NewID(), store.NewID(), store.NewID()}
		for _, id := range ids {
			if _, err := db.ExecContext(t.Context(), `INSERT INTO customers (id, name, created_at) VALUES (?, 'before', ?)`, id, now); err != nil {
				t.Fatal(err)
			}
		}
		columns := []store.Column{{Name: "name"}, {Name: "created_at", Type: "{{time}}"}}
		if err := db.UpdateRows(t.Context(), db, "customers", columns, [][]any{{ids[0], "it's ?", now.Add(time.Hour)}, {ids[2], "third", now.Add(2 * time.Hour)}}); err != nil {
			t.Fatal(err)
		}
		if err := db.UpdateRows(t.Context(), db, "customers", columns, nil); err != nil {
			t.Fatal(err)
		}
		for i, want := range []string{"it's ?", "before", "third"} {
			var name string
			var at time.Time
			if err := db.NewRaw(`SELECT name, created_at FROM customers WHERE id = ?`, ids[i]).Scan(t.Context(), &name, &at); err != nil {
				t.Fatal(err)
			}
			if name != want || (i == 2) != at.Equal(now.Add(2*time.Hour)) {
				t.Errorf("row %d: %q %v", i, name, at)
			}
		}
	})
}
