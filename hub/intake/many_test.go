package intake_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/intake"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

// stream is books of many invoices, made while they are read.
type stream struct {
	*books
	invoices int
	after    func(page int)
}

func (s stream) Pull(_ context.Context, cursor string, sink func(connectors.Page) error) error {
	const size = 500
	from, _ := strconv.Atoi(cursor)
	for page := from; page*size < s.invoices; page++ {
		batch := connectors.Page{Cursor: strconv.Itoa(page + 1), Done: int64(page+1) * size, Total: int64(s.invoices)}
		for i := page * size; i < min((page+1)*size, s.invoices); i++ {
			id := fmt.Sprintf("C-%d", i/20)
			if i%20 == 0 {
				batch.Accounts = append(batch.Accounts, account(id, fmt.Sprintf("ap%d@customer.example", i/20)))
			}
			one := invoice(fmt.Sprintf("I-%d", i), 12_500)
			one.Account = id
			batch.Invoices = append(batch.Invoices, one)
		}
		if err := sink(batch); err != nil {
			return err
		}
		s.after(page)
	}
	return nil
}

// TestManyInvoicesStreamAndAreNotWrittenTwice reads INTAKE_MANY invoices (4,000), then
// all of them again. The memory in use must not grow with what was read before.
func TestManyInvoicesStreamAndAreNotWrittenTwice(t *testing.T) {
	many := 4000
	if said, err := strconv.Atoi(os.Getenv("INTAKE_MANY")); err == nil {
		many = said
	}
	each(t, func(t *testing.T, h *hub) {
		var heap []uint64
		source := stream{books: h.books, invoices: many, after: func(page int) {
			if page%(many/500/8+1) == 0 {
				runtime.GC()
				var now runtime.MemStats
				runtime.ReadMemStats(&now)
				heap = append(heap, now.HeapAlloc)
			}
		}}
		h.Connectors["many"] = intake.Kind{Descriptor: connectors.Descriptor{Kind: "many", Title: "Many", Deletions: true},
			New: func(map[string]string, connectors.Deps) (connectors.Connector, error) { return source, nil }}
		connection := h.connect(h.north, "many")
		began := time.Now()
		first := h.pull(connection)
		took := time.Since(began)
		if first.State != intake.Done || first.Created != many+(many+19)/20 || first.Rejected != 0 {
			t.Fatalf("%+v", first)
		}
		if grown := int64(heap[len(heap)-1]) - int64(heap[0]); grown > 16<<20 {
			t.Errorf("the heap grew by %d MB: %v", grown>>20, heap)
		}
		h.pass(time.Hour)
		if _, err := h.DB.ExecContext(t.Context(), "UPDATE connections SET cursor = ''"); err != nil {
			t.Fatal(err)
		}
		began = time.Now()
		again := h.pull(connection)
		written := 0
		for _, table := range []string{"invoices", "accounts", "invoice_history"} {
			column := map[string]string{"invoice_history": "at"}[table]
			if column == "" {
				column = "updated_at"
			}
			n := 0
			if err := h.DB.NewRaw("SELECT count(*) FROM "+table+" WHERE "+column+" >= ?", h.clock().Add(-time.Minute)).Scan(t.Context(), &n); err != nil {
				t.Fatal(err)
			}
			written += n
		}
		if again.State != intake.Done || again.Created+again.Updated != 0 || again.Unchanged != first.Created || written != 0 {
			t.Errorf("%d rows were written again: %+v", written, again)
		}
		t.Logf("%d invoices: %s, and %s unchanged; heap %v", many, took, time.Since(began), heap)
	})
}
