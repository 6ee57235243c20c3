package files

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/csv"
)

// state is the cursor: which files were read to their end, and how far the present
// one was. Files that are gone from the place are forgotten, so it stays as small
// as the place is.
type state struct {
	Whole bool   `json:"whole,omitempty"` // Read holds the one table that was the whole list
	Read  string `json:"read"`            // marks, with a space between
	Open  string `json:"open,omitempty"`  // mark of a table that was read in part
	Pages int    `json:"pages,omitempty"` // of it
}

func (s state) cursor() string {
	encoded, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings and a number
	}
	return string(encoded)
}

// Pull reads what the place holds and the cursor does not know.
func (c *Client) Pull(ctx context.Context, cursor string, sink func(connectors.Page) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var before state
	if cursor != "" && json.Unmarshal([]byte(cursor), &before) != nil {
		before = state{}
	}
	p, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer p.close()
	if c.whole {
		return c.pullWhole(ctx, p, cursor, before, sink)
	}
	return c.pullChanges(ctx, p, before, sink)
}

// pullChanges reads the files that are not read yet. One that is still being
// written waits for the next pull.
func (c *Client) pullChanges(ctx context.Context, p place, before state, sink func(connectors.Page) error) error {
	files, err := listed(ctx, p)
	if err != nil {
		return err
	}
	known := map[string]bool{}
	if !before.Whole {
		for _, mark := range strings.Fields(before.Read) {
			known[mark] = true
		}
	}
	unread := slices.DeleteFunc(slices.Clone(files), func(f file) bool { return known[f.mark()] })
	if len(unread) == 0 {
		return ctx.Err()
	}
	if unread, err = c.settled(ctx, p, unread); err != nil {
		return err
	}
	run := &run{client: c, place: p, sink: sink, read: map[string]bool{}, open: before.Open, pages: before.Pages}
	for _, f := range files {
		if mark := f.mark(); known[mark] {
			run.read[mark] = true
		}
	}
	for _, f := range unread {
		run.total += f.size
	}
	for _, f := range unread {
		if err := run.file(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

// pullWhole reads the newest table from its beginning, or says that there is none
// newer than the one that was read last.
func (c *Client) pullWhole(ctx context.Context, p place, cursor string, before state, sink func(connectors.Page) error) error {
	files, err := listed(ctx, p)
	if err != nil {
		return err
	}
	newest, found := newestTable(files)
	if !found {
		return fmt.Errorf("%w: there is no table (CSV or XLSX) in the folder yet", connectors.ErrUnreachable)
	}
	if cursor != "" {
		if before.Whole && before.Read == newest.mark() && before.Open == "" {
			return ctx.Err()
		}
		return fmt.Errorf("%w: %s is a newer list", connectors.ErrCursor, clip(newest.name))
	}
	quiet, err := c.settled(ctx, p, []file{newest})
	if err != nil {
		return err
	}
	if len(quiet) == 0 {
		return fmt.Errorf("%w: %s is being written just now", connectors.ErrUnreachable, clip(newest.name))
	}
	run := &run{client: c, place: p, sink: sink, read: map[string]bool{}, total: newest.size}
	return run.file(ctx, newest)
}

// settled leaves the files that stay as they are while it waits.
func (c *Client) settled(ctx context.Context, p place, files []file) ([]file, error) {
	timer := time.NewTimer(c.quiet)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	again, err := listed(ctx, p)
	if err != nil {
		return nil, err
	}
	still := map[string]bool{}
	for _, f := range again {
		still[f.mark()] = true
	}
	return slices.DeleteFunc(files, func(f file) bool { return !still[f.mark()] }), nil
}

// run is one pull.
type run struct {
	client      *Client
	place       place
	sink        func(connectors.Page) error
	read        map[string]bool // marks of the files that were read
	open        string          // the table that an earlier pull read in part
	pages       int             // of it
	done, total int64           // bytes
}

// state is what is read with what is open of the present file.
func (r *run) state(open string, pages int) string {
	return state{Whole: r.client.whole, Read: strings.Join(slices.Sorted(maps.Keys(r.read)), " "), Open: open, Pages: pages}.cursor()
}

// file reads one file to its end. What is wrong with the file itself is one
// rejection, so that it does not stand in the way of the others; where it is the
// whole list it is an error, for nothing may be closed then.
func (r *run) file(ctx context.Context, f file) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	reader, err := r.place.read(ctx, f.name)
	if err != nil {
		return inFile(ctx, f.name, err)
	}
	defer reader.Close()
	if f.table() {
		return r.table(ctx, f, &pages{run: r, file: f}, func(each func(connectors.Page) error) error {
			return csv.Read(ctx, only(reader, mostTable), 0, r.client.options, each)
		})
	}
	page, wrong, err := readEInvoice(f.name, reader)
	if err != nil {
		return inFile(ctx, f.name, err)
	}
	if wrong != nil {
		page = rejected(f.name, wrong)
	}
	return r.last(ctx, f, page)
}

func rejected(name string, wrong error) connectors.Page {
	return connectors.Page{Rejected: []connectors.Rejected{{Place: clip(name), Problems: []connectors.Problem{{Message: wrong.Error()}}}}}
}

func (r *run) table(ctx context.Context, f file, pages *pages, read func(func(connectors.Page) error) error) error {
	err := read(func(page connectors.Page) error { return pages.take(ctx, page) })
	var format *csv.FormatError
	switch {
	case pages.failed != nil:
		return pages.failed
	case err == nil:
		return r.last(ctx, f, pages.held)
	case !errors.As(err, &format) || r.client.whole:
		return inFile(ctx, f.name, err)
	}
	if pages.waits {
		if err := pages.flush(ctx); err != nil {
			return err
		}
	}
	return r.last(ctx, f, rejected(f.name, format))
}

// last hands the page over after which a file is read.
func (r *run) last(ctx context.Context, f file, page connectors.Page) error {
	r.read[f.mark()] = true
	r.done += f.size
	page.Cursor, page.Done, page.Total = r.state("", 0), min(r.done, r.total), r.total
	return r.give(ctx, page)
}

func (r *run) give(ctx context.Context, page connectors.Page) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return r.sink(page)
}

// pages are those of one table. One is held back, for only the page after it tells
// that it is not the last.
type pages struct {
	run    *run
	file   file
	held   connectors.Page
	waits  bool
	count  int   // that were handed over, now or by an earlier pull
	failed error // what the sink or the context said
}

func (p *pages) take(ctx context.Context, page connectors.Page) error {
	if p.waits {
		if err := p.flush(ctx); err != nil {
			p.failed = err
			return err
		}
	}
	for i := range page.Rejected {
		page.Rejected[i].Place = clip(p.file.name) + " " + page.Rejected[i].Place
	}
	p.held, p.waits = page, true
	return nil
}

// flush hands over the page that was held back, unless an earlier pull did.
func (p *pages) flush(ctx context.Context) error {
	p.count++
	mark := p.file.mark()
	if p.run.open == mark && p.count <= p.run.pages {
		return nil
	}
	page := p.held
	if page.Total > 0 {
		page.Done = p.run.done + int64(float64(p.file.size)*float64(page.Done)/float64(page.Total))
	}
	page.Done, page.Total = min(page.Done, p.run.total), p.run.total
	page.Cursor = p.run.state(mark, p.count)
	return p.run.give(ctx, page)
}
