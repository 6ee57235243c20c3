package intake

import (
	"context"
	"errors"
	"fmt"

	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/store"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

// Import brings in files given by hand. read hands over the pages; source names
// them ("csv open-items.csv"). What is missing from a file is not closed: the
// file may be a part of the books. When ctx ends, the run is stopped and what
// was stored stays. The error, if any, is also in the Sync, which is always
// the run as it ended.
func (s *Service) Import(ctx context.Context, vendor party.Vendor, source string, read func(ctx context.Context, sink func(connectors.Page) error) error, progress func(Progress)) (Sync, error) {
	run := &run{service: s, vendor: vendor, again: rejectLater, seen: newSeen(), progress: progress,
		sync: Sync{ID: store.NewID(), VendorID: vendor.ID, Source: clip(source), State: Running, StartedAt: s.now()}}
	if err := insertSync(ctx, s.DB, run.sync); err != nil {
		return run.sync, err
	}
	err := guarded(func() error { return read(ctx, func(page connectors.Page) error { return run.page(ctx, page) }) })
	switch {
	case ctx.Err() != nil:
		err = ctx.Err()
		return run.sync, errors.Join(err, run.finish(ctx, Stopped, "It was stopped. What was stored before stays; the same file again goes on from there."))
	case err != nil:
		s.Log.Warn("import failed", "sync", run.sync.ID, "vendor", vendor.ID, "error", err)
		return run.sync, errors.Join(err, run.finish(ctx, Failed, wordsOfFile(err)))
	}
	return run.sync, run.finish(ctx, Done, "")
}

// wordsOfFile is what the vendor's staff read of a file that could not be
// read: a reader's own words, and nothing of the database's.
func wordsOfFile(err error) string {
	var panicked *panicError
	switch {
	case errors.As(err, &panicked), errors.Is(err, errStore):
		return "The hub could not store this file. That is the hub's mistake; its operator can find it in the log."
	}
	return err.Error()
}

// errStore marks errors of the hub's own database.
var errStore = errors.New("store what was read")

// panicError is a defect of a reader, which must not take the process along.
type panicError struct{ value any }

func (e *panicError) Error() string { return fmt.Sprintf("defect: %v", e.value) }

func guarded(work func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &panicError{value}
		}
	}()
	return work()
}
