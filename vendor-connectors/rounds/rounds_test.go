package rounds_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/money"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/rounds"
)

// books are a list in memory with a clock of their own. A change gets its time when
// it begins and shows when it is committed, as in a database.
type books struct {
	clock   time.Time // as they say it
	passed  time.Duration
	records map[string]record
	pending []change
	reads   int
}

type record struct {
	changed time.Time
	value   int64
}

type change struct {
	id      string
	record  record
	visible time.Duration // when so much time has passed
}

func (b *books) commit() {
	b.pending = slices.DeleteFunc(b.pending, func(c change) bool {
		if c.visible <= b.passed {
			b.records[c.id] = c.record
		}
		return c.visible <= b.passed
	})
}

func (b *books) list() rounds.List {
	return rounds.List{
		Look: func(context.Context) (rounds.Look, error) {
			look := rounds.Look{Now: b.clock, Count: int64(len(b.records))}
			for _, one := range b.records {
				if one.changed.After(look.Newest) {
					look.Newest = one.changed
				}
			}
			return look, nil
		},
		Read: func(_ context.Context, since time.Time, after string) (rounds.Batch, error) {
			b.reads++
			b.commit()
			var batch rounds.Batch
			for _, id := range slices.Sorted(maps.Keys(b.records)) {
				one := b.records[id]
				if id <= after || one.changed.Before(since) {
					continue
				}
				if len(batch.Records) == 3 {
					batch.Next = batch.Records[2].ID
					break
				}
				batch.Records = append(batch.Records, rounds.Record{ID: id, Changed: one.changed, Raw: fmt.Append(nil, one.value), Add: func(page *connectors.Page) {
					page.Invoices = append(page.Invoices, connectors.Invoice{ExternalID: id, Open: money.New(one.value, "EUR")})
				}})
			}
			return batch, nil
		},
	}
}

var errCrash = errors.New("the process dies")

// TestNothingIsLost plays books that change while they are read, commit late and set
// their clock, and a hub that dies between pages: after quiet pulls it knows all.
func TestNothingIsLost(t *testing.T) {
	for seed := range uint64(100) {
		random := rand.New(rand.NewPCG(seed, 0))
		ours := time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC)
		b := &books{clock: ours.Add(time.Duration(random.IntN(7200)-3600) * time.Second), records: map[string]record{}}
		pass := func(by time.Duration) { ours, b.clock, b.passed = ours.Add(by), b.clock.Add(by), b.passed+by }
		edit := func() {
			id := fmt.Sprintf("%02d", random.IntN(30))
			if slices.ContainsFunc(b.pending, func(c change) bool { return c.id == id }) {
				return // its row is locked
			}
			b.pending = append(b.pending, change{id, record{b.clock.Truncate(time.Second), random.Int64N(1000)}, b.passed + time.Duration(random.IntN(600))*time.Second})
			b.commit()
		}
		hub, cursor := map[string]int64{}, ""
		reader := rounds.Reader{Lists: []rounds.List{b.list()}, Now: func() time.Time { return ours }}
		pull := func(quiet bool) {
			err := reader.Pull(t.Context(), cursor, func(page connectors.Page) error {
				if !quiet && random.IntN(8) == 0 {
					return errCrash
				}
				for _, one := range page.Invoices {
					hub[one.ExternalID] = one.Open.Minor
				}
				cursor = page.Cursor
				for range random.IntN(3) {
					if !quiet {
						edit()
					}
				}
				pass(time.Duration(random.IntN(90)) * time.Second)
				return nil
			})
			if err != nil && !errors.Is(err, errCrash) {
				t.Fatal(err)
			}
		}
		for range 40 {
			for range random.IntN(4) {
				edit()
			}
			pull(false)
			pass(time.Duration(random.IntN(1800)) * time.Second)
			if random.IntN(10) == 0 && len(b.pending) == 0 { // somebody sets the books' clock
				b.clock = b.clock.Add(time.Duration(random.IntN(14400)-7200) * time.Second)
			}
		}
		for range 4 {
			pass(10 * time.Minute)
			pull(true)
		}
		want := map[string]int64{}
		for id, one := range b.records {
			want[id] = one.value
		}
		if !maps.Equal(hub, want) {
			t.Fatalf("seed %d: the hub knows %v, the books hold %v", seed, hub, want)
		}
		before := b.reads
		pages := 0
		if err := reader.Pull(t.Context(), cursor, func(page connectors.Page) error { pages += len(page.Invoices); return nil }); err != nil || pages > 0 {
			t.Fatalf("seed %d: a pull of quiet books brings %d records (%d reads): %v", seed, pages, b.reads-before, err)
		}
	}
}

func TestACursorOfSomebodyElseIsForgotten(t *testing.T) {
	b := &books{clock: time.Now(), records: map[string]record{"a": {time.Now(), 1}}}
	reader := rounds.Reader{Lists: []rounds.List{b.list()}, Now: time.Now}
	for _, cursor := range []string{"x", "e30", "eyJyZWFkaW5nIjp0cnVlfQ", strings.Repeat("A", 1<<21), "bnVsbA"} {
		err := reader.Pull(t.Context(), cursor, func(connectors.Page) error { return nil })
		if !errors.Is(err, connectors.ErrCursor) {
			t.Errorf("%.20q: %v", cursor, err)
		}
	}
}

// A cursor stays small, also when everything changed a moment ago.
func TestACursorIsBounded(t *testing.T) {
	b := &books{clock: time.Now(), records: map[string]record{}}
	for i := range 3000 {
		b.records[fmt.Sprintf("%06d", i)] = record{b.clock, int64(i)}
	}
	reader := rounds.Reader{Lists: []rounds.List{b.list()}, Now: time.Now}
	most := 0
	if err := reader.Pull(t.Context(), "", func(page connectors.Page) error { most = max(most, len(page.Cursor)); return nil }); err != nil || most > 64<<10 {
		t.Errorf("%d bytes: %v", most, err)
	}
}
