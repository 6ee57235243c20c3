package csv

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

// Read streams a file's records into sink, PageSize at a time and each row
// judged by itself: what is wrong with a row stands in the page's Rejected,
// with line and column. size is the file's length in bytes for progress, 0
// when it is not known. A reader that can seek is read in place; any other is
// kept in a temporary file first.
//
// Nothing reaches sink while a question is open: the first is the error, an
// *AmbiguousError. A malformed file is a *FormatError; pages before the place
// were delivered then. An error of sink or of the context ends the reading.
func Read(ctx context.Context, r io.Reader, size int64, options Options, sink func(connectors.Page) error) error {
	if err := options.check(); err != nil {
		return err
	}
	if size > MaxBytes {
		return &FormatError{Message: fmt.Sprintf("the file is larger than the %d MB that are accepted; split it", MaxBytes>>20)}
	}
	s, err := newSource(ctx, r, options.Sheet)
	if err != nil {
		return err
	}
	defer s.done()
	p, err := makePlan(s, options)
	if err != nil {
		return err
	}
	if len(p.proposal.Questions) > 0 {
		return p.proposal.Questions[0]
	}
	return (&reading{plan: p, source: s, sink: sink, seed: maphash.MakeSeed(), seen: map[uint64]earlier{}}).run(ctx)
}

// reading is one pass that makes records.
type reading struct {
	plan   *plan
	source *source
	sink   func(connectors.Page) error
	page   connectors.Page
	seed   maphash.Seed
	seen   map[uint64]earlier // by hash of kind and id: all that grows with the file, some 50 bytes a row
}

// earlier is what a row above said under the same number.
type earlier struct {
	content uint64
	line    int
}

func (r *reading) run(ctx context.Context) error {
	rows, err := r.plan.rows(r.source)
	if err != nil {
		return err
	}
	for {
		row, err := rows.next()
		if errors.Is(err, io.EOF) {
			return r.flush(true)
		}
		if ended := ctx.Err(); ended != nil {
			return ended
		}
		if err != nil {
			if flushed := r.flush(false); flushed != nil {
				return flushed
			}
			return err
		}
		if blank(row) {
			continue
		}
		r.take(row, rows.line)
		if len(r.page.Invoices)+len(r.page.Credits)+len(r.page.Rejected) < PageSize {
			continue
		}
		if err := r.flush(false); err != nil {
			return err
		}
	}
}

// flush hands the page over; the last one goes even when it is empty, so that
// progress ends at the end.
func (r *reading) flush(last bool) error {
	count := len(r.page.Invoices) + len(r.page.Credits) + len(r.page.Rejected)
	if count == 0 && !last {
		return nil
	}
	r.page.Total, r.page.Done = r.source.size, min(r.source.passed, r.source.size)
	if last {
		r.page.Done = r.source.size
	}
	page := r.page
	r.page = connectors.Page{}
	return r.sink(page)
}

func (r *reading) take(row []string, line int) {
	record := &rowRecord{plan: r.plan, row: row, line: line}
	record.read()
	if len(record.problems) == 0 {
		if again := r.repeated(record); again {
			return
		}
	}
	switch {
	case len(record.problems) > 0:
		r.page.Rejected = append(r.page.Rejected, record.rejected())
	case record.credit:
		r.page.Credits = append(r.page.Credits, record.asCredit())
	default:
		r.page.Invoices = append(r.page.Invoices, record.asInvoice())
	}
}

// repeated says whether the same record was read above; the same number with
// other content is a problem of the later row.
func (r *reading) repeated(record *rowRecord) bool {
	key := maphash.String(r.seed, fmt.Sprintf("%t\x00%s", record.credit, record.id()))
	content := maphash.String(r.seed, record.content())
	before, known := r.seen[key]
	if !known {
		r.seen[key] = earlier{content: content, line: record.line}
		return false
	}
	if before.content == content {
		return true
	}
	record.problem(FieldNumber, fmt.Sprintf("%s has the same number %q with other content; one number is one invoice", record.place(before.line), clip(record.id())))
	return false
}
