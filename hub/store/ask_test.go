package store_test

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/hub/store/storetest"
)

// sample has a column of every type that our tables have.
type sample struct {
	bun.BaseModel `bun:"table:samples,alias:sm"`
	ID            string     `bun:"id,pk"`
	Minor         int64      `bun:"minor"`
	Small         int        `bun:"small"`
	Yes           bool       `bun:"yes"`
	Said          string     `bun:"said"`
	Perhaps       string     `bun:"perhaps,nullzero"`
	Other         string     `bun:"other,nullzero"` // an id
	Data          string     `bun:"data"`           // JSON
	Day           money.Date `bun:"day"`
	At            time.Time  `bun:"at"`
	Ended         time.Time  `bun:"ended,nullzero"`
}

// withSamples makes the table of samples.
func withSamples(t *testing.T, run func(t *testing.T, db *store.DB)) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ddl := `CREATE TABLE samples (id TEXT PRIMARY KEY, minor INTEGER NOT NULL, small INTEGER NOT NULL, yes INTEGER NOT NULL, said TEXT NOT NULL, perhaps TEXT, other TEXT,
			data TEXT NOT NULL, day TEXT, at TEXT NOT NULL, ended TEXT) STRICT`
		if db.Kind == store.Postgres {
			ddl = `CREATE TABLE samples (id uuid PRIMARY KEY, minor bigint NOT NULL, small integer NOT NULL, yes boolean NOT NULL, said text NOT NULL, perhaps text, other uuid,
				data jsonb NOT NULL, day date, at timestamptz NOT NULL, ended timestamptz)`
		}
		if _, err := db.ExecContext(t.Context(), ddl); err != nil {
			t.Fatal(err)
		}
		run(t, db)
	})
}

func newSamples() []sample {
	at := time.Date(2026, 11, 27, 8, 0, 0, 123456000, time.UTC)
	return []sample{
		{ID: store.NewID(), Minor: -1 << 53, Small: -7, Yes: true, Said: `it's; ? $1 "{a,b}" \ ` + "\n€", Perhaps: "x", Other: store.NewID(), Data: `{"a": [1, null]}`,
			Day: "2026-02-28", At: at, Ended: at.Add(time.Microsecond)},
		{ID: store.NewID(), Data: `[]`, Day: "1999-12-31", At: time.Date(1969, 7, 20, 20, 17, 0, 0, time.UTC)},
	}
}

func TestWhatAPipelineWritesItReadsAgain(t *testing.T) {
	withSamples(t, func(t *testing.T, db *store.DB) {
		want := newSamples()
		ids := []string{want[0].ID, want[1].ID}
		var inside, outside []sample
		var none []sample
		err := db.InPipeline(t.Context(), func(ctx context.Context, tx bun.IDB) error {
			for range 2 { // the second changes nothing
				if err := store.InsertAll(ctx, db, tx, want, "CONFLICT (id) DO NOTHING"); err != nil {
					return err
				}
			}
			return db.Ask(ctx, tx, store.ByIDs(&none, "SELECT * FROM samples WHERE id IN (?)", nil),
				store.ByIDs(&inside, "SELECT * FROM samples WHERE id IN (?) OR other IN (?) ORDER BY id FOR UPDATE", ids))
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := db.NewSelect().Model(&outside).Order("id").Scan(t.Context()); err != nil {
			t.Fatal(err)
		}
		for i := range want { // the one driver and the other name UTC differently
			for _, list := range [][]sample{inside, outside} {
				if len(list) == len(want) {
					list[i].At, want[i].At = list[i].At.UTC(), want[i].At.UTC()
					if !list[i].Ended.IsZero() {
						list[i].Ended = list[i].Ended.UTC()
					}
				}
			}
		}
		if !reflect.DeepEqual(inside, want) || !reflect.DeepEqual(outside, want) || none != nil {
			t.Errorf("wrote %+v\nread inside %+v\nand outside %+v", want, inside, outside)
		}
	})
}

func TestAPipelineUpdatesEachRowToItsOwn(t *testing.T) {
	withSamples(t, func(t *testing.T, db *store.DB) {
		rows := newSamples()
		at := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
		columns := []store.Column{{Name: "minor", Type: "{{minor}}"}, {Name: "said"}, {Name: "yes", Type: "{{bool}}"}, {Name: "ended", Type: "{{time}}"}, {Name: "other", Type: "{{uuid}}"}}
		err := db.InPipeline(t.Context(), func(ctx context.Context, tx bun.IDB) error {
			if err := store.InsertAll(ctx, db, tx, rows, ""); err != nil {
				return err
			}
			return db.UpdateRows(ctx, tx, "samples", columns, [][]any{{rows[0].ID, int64(1), "one", false, nil, nil}, {rows[1].ID, int64(2), "two", true, at, rows[0].ID}})
		})
		if err != nil {
			t.Fatal(err)
		}
		var got []sample
		if err := db.NewSelect().Model(&got).Order("id").Scan(t.Context()); err != nil {
			t.Fatal(err)
		}
		one, two := got[0], got[1]
		if one.Minor != 1 || one.Said != "one" || one.Yes || !one.Ended.IsZero() || one.Other != "" || one.Perhaps != "x" ||
			two.Minor != 2 || two.Said != "two" || !two.Yes || !two.Ended.Equal(at) || two.Other != rows[0].ID {
			t.Fatalf("%+v", got)
		}
	})
}

func TestAPipelineNamesTheConstraintThatItBreaks(t *testing.T) {
	withSamples(t, func(t *testing.T, db *store.DB) {
		rows := newSamples()
		rows[1].ID = rows[0].ID
		err := db.InPipeline(t.Context(), func(ctx context.Context, tx bun.IDB) error { return store.InsertAll(ctx, db, tx, rows, "") })
		if db.Kind == store.Postgres && !store.Violates(err, "samples_pkey") || err == nil {
			t.Fatal(err)
		}
		var broken *store.ConstraintError
		if _, down := store.Down(err); down || !errors.As(err, &broken) {
			t.Fatal(err)
		}
	})
}

func TestAQuestionAfterABrokenWriteSaysWhatBroke(t *testing.T) {
	withSamples(t, func(t *testing.T, db *store.DB) {
		rows := newSamples()
		rows[1].ID = rows[0].ID
		err := db.InPipeline(t.Context(), func(ctx context.Context, tx bun.IDB) error {
			if err := store.InsertAll(ctx, db, tx, rows, ""); err != nil {
				return err
			}
			n := 0
			return tx.QueryRowContext(ctx, "SELECT count(*) FROM samples").Scan(&n)
		})
		var broken *store.ConstraintError
		if !errors.As(err, &broken) {
			t.Fatal(err)
		}
	})
}

// odd cannot be sent in a pipeline: its column is not there, or its type is not known.
type odd struct {
	bun.BaseModel `bun:"table:samples,alias:sm"`
	ID            string   `bun:"id,pk"`
	Missing       []string `bun:"missing"`
}

func TestAPipelineRefusesWhatItCannotSend(t *testing.T) {
	withSamples(t, func(t *testing.T, db *store.DB) {
		err := db.InPipeline(t.Context(), func(ctx context.Context, tx bun.IDB) error {
			return store.InsertAll(ctx, db, tx, []odd{{ID: store.NewID(), Missing: []string{"x"}}}, "")
		})
		if err == nil {
			t.Fatal("it was written")
		}
		n, err := db.NewSelect().Table("samples").Count(t.Context())
		if err != nil || n != 0 {
			t.Fatalf("%d rows, %v", n, err)
		}
	})
}
