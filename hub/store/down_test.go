package store_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/hub/store/storetest"
)

func TestDown(t *testing.T) {
	for _, c := range []struct {
		err  error
		down bool
	}{
		{nil, false},
		{errors.New("a bug"), false},
		{fmt.Errorf("read invoices: %w", io.EOF), true},
		{errors.New("write invoices: database or disk is full (13)"), true},
		{errors.New("disk I/O error: file too large (778)"), true},
	} {
		if why, down := store.Down(c.err); down != c.down || (why != "") != c.down {
			t.Errorf("%v: %q %v", c.err, why, down)
		}
	}
}

func TestAConstraintIsNotADatabaseThatIsDown(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		_, err := db.ExecContext(t.Context(), "INSERT INTO customers (id, name, created_at) VALUES (?, NULL, ?)", store.NewID(), time.Now())
		if _, down := store.Down(err); err == nil || down {
			t.Fatal(err)
		}
	})
}

func TestAServerThatIsGoneIsDown(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, err := store.Open(ctx, store.Config{URL: "postgres://nobody@127.0.0.1:1/none?sslmode=disable"})
	if _, down := store.Down(err); !down {
		t.Fatalf("a closed port is %v", err)
	}
}
