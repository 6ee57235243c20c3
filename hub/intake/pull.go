package intake

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/store"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

// When a connection is read again.
const (
	SyncEvery   = 15 * time.Minute
	SyncBackoff = 6 * time.Hour    // the longest wait after errors
	SyncTimeout = 30 * time.Minute // one run; after it another may begin
	tellEvery   = 24 * time.Hour   // how often the staff hears that a connection fails, at most
)

// failing is what a vendor's endpoints hear of a connection that broke.
type failing struct {
	Connection failingConnection `json:"connection"`
	Error      string            `json:"error"`
}

type failingConnection struct {
	ID   string `json:"id"`
	Kind string `json:"kind"`
	Name string `json:"name"`
}

// Sync reads a connection: every page is stored together with the cursor after
// it, so that a run that breaks goes on from there. What the books answer is
// in the Sync's State and Error, and in the connection's health; the error says
// that the hub itself could not do it, fault.NotFound that there is no such
// active connection, fault.Conflict that it is being read just now.
func (s *Service) Sync(ctx context.Context, connectionID string) (Sync, error) {
	connection, vendor, run, err := s.begin(ctx, connectionID)
	if err != nil {
		return Sync{}, err
	}
	pulling, cancel := context.WithTimeout(ctx, SyncTimeout)
	defer cancel()
	held, err := s.pull(pulling, &connection, run)
	state, words := Done, held
	var wait time.Duration
	switch {
	case ctx.Err() != nil:
		state, words = Stopped, "It was stopped. It goes on from where it was."
	case err != nil:
		s.Log.Warn("sync failed", "sync", run.sync.ID, "connection", connection.ID, "vendor", vendor.ID, "error", err)
		state = Failed
		words, wait = wordsOf(err)
	}
	if err := run.finish(ctx, state, words); err != nil {
		return run.sync, err
	}
	return run.sync, s.record(ctx, connection, run.sync, words, wait)
}

// begin claims a connection for one run.
func (s *Service) begin(ctx context.Context, connectionID string) (Connection, party.Vendor, *run, error) {
	if !store.ValidID(connectionID) {
		return Connection{}, party.Vendor{}, nil, noSuch("connection")
	}
	var connection Connection
	var vendor party.Vendor
	var begun *run
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		var found bool
		var err error
		if connection, found, err = lockConnection(ctx, s.DB, tx, connectionID); err != nil {
			return err
		}
		if !found || !connection.DisabledAt.IsZero() {
			return noSuch("connection")
		}
		vendors, err := s.Party.Vendors(ctx, tx, []string{connection.VendorID})
		if err != nil {
			return err
		}
		vendor = vendors[connection.VendorID]
		now := s.now()
		if err := s.endLost(ctx, tx, connectionID, now); err != nil {
			return err
		}
		connection.NextSyncAt, connection.UpdatedAt = now.Add(SyncTimeout+time.Minute), now
		if err := updateConnection(ctx, tx, connection); err != nil {
			return err
		}
		begun = &run{service: s, vendor: vendor, again: lastWins,
			sync: Sync{ID: store.NewID(), VendorID: vendor.ID, ConnectionID: connectionID, Source: clip(connection.Kind + " " + connection.Name), State: Running, StartedAt: now}}
		return insertSync(ctx, tx, begun.sync)
	})
	return connection, vendor, begun, err
}

// endLost closes a run whose process died, and refuses beside one that lives.
func (s *Service) endLost(ctx context.Context, tx bun.IDB, connectionID string, now time.Time) error {
	lost, found, err := runningSync(ctx, tx, connectionID)
	if err != nil || !found {
		return err
	}
	if now.Sub(lost.StartedAt) < SyncTimeout {
		return fault.New(fault.Conflict, "This connection is being read just now. Wait until that is done.")
	}
	lost.State, lost.Error, lost.FinishedAt = Stopped, "It was interrupted.", now
	return updateSync(ctx, tx, lost)
}

// pull reads the books into the hub. The text says what waits for the vendor's
// yes, empty for nothing.
func (s *Service) pull(ctx context.Context, connection *Connection, run *run) (string, error) {
	kind, connector, err := s.open(*connection)
	if err != nil {
		return "", err
	}
	if !kind.Descriptor.Snapshot {
		run.cursor = func(ctx context.Context, tx bun.Tx, cursor string) error {
			return setCursor(ctx, tx, connection.ID, cursor, s.now())
		}
		if !s.readsWhole(kind, *connection) {
			err := run.read(ctx, connector, connection.Cursor)
			if !errors.Is(err, connectors.ErrCursor) {
				if err == nil && connection.WholeAt.IsZero() { // the first reading had broken off, and is done now
					connection.WholeAt = s.now()
				}
				return "", err
			}
		}
	}
	run.seen = newSeen()
	if connection.Cursor == "" && connection.WholeAt.IsZero() && !kind.Descriptor.Snapshot {
		run.seen = nil // the first time there is nothing that could be missing
	}
	if err := run.read(ctx, connector, ""); err != nil {
		return "", err
	}
	connection.WholeAt = s.now()
	if run.seen == nil {
		return "", nil
	}
	return s.closeMissing(ctx, connection, run)
}

// WholeEvery is how often the books of a kind that does not tell of deletions are
// read from the beginning.
const WholeEvery = 7 * 24 * time.Hour

// readsWhole says whether a run reads everything: the first one, one that the vendor
// has said yes to closing for, and now and then where deletions are not told.
func (s *Service) readsWhole(kind Kind, connection Connection) bool {
	return connection.Cursor == "" || strings.HasPrefix(connection.Closing, markConfirmed) ||
		!kind.Descriptor.Deletions && !connection.WholeAt.IsZero() && s.now().Sub(connection.WholeAt) > WholeEvery
}

// read reads the books from a cursor on.
func (r *run) read(ctx context.Context, connector connectors.Connector, cursor string) error {
	err := guarded(func() error {
		return connector.Pull(ctx, cursor, func(page connectors.Page) error { return r.page(ctx, page) })
	})
	if err == nil {
		err = ctx.Err() // a connector that swallows it must not close what it did not read
	}
	return err
}

// record keeps the connection's health and when it is read again, and tells
// the vendor when it has just begun to fail.
func (s *Service) record(ctx context.Context, connection Connection, sync Sync, words string, wait time.Duration) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		current, found, err := lockConnection(ctx, s.DB, tx, connection.ID)
		if err != nil || !found || !current.DisabledAt.IsZero() {
			return err
		}
		now := s.now()
		current.UpdatedAt, current.NextSyncAt = now, now.Add(SyncEvery)
		current.WholeAt, current.Closing = connection.WholeAt, connection.Closing
		switch sync.State {
		case Done:
			current.LastGoodAt, current.LastError = now, words
		case Stopped:
			current.NextSyncAt = now
		default:
			current.LastError = words
			if current.NextSyncAt, err = s.nextTry(ctx, tx, current, wait); err != nil {
				return err
			}
			if now.Sub(current.ToldAt) >= tellEvery {
				current.ToldAt = now
				if err := s.tellFailing(ctx, tx, current); err != nil {
					return err
				}
			}
		}
		return updateConnection(ctx, tx, current)
	})
}

// nextTry doubles the wait with every failure since the last good run.
func (s *Service) nextTry(ctx context.Context, tx bun.IDB, connection Connection, wait time.Duration) (time.Time, error) {
	const most = 6
	failures, err := failuresSince(ctx, tx, connection.ID, connection.LastGoodAt, most)
	if err != nil {
		return time.Time{}, err
	}
	backoff := min(SyncEvery<<max(failures-1, 0), SyncBackoff)
	return s.now().Add(min(max(backoff, wait), 24*time.Hour)), nil
}

func (s *Service) tellFailing(ctx context.Context, tx bun.IDB, connection Connection) error {
	event, err := outbox.NewEvent(connection.VendorID, "", outbox.ConnectionFailing, "",
		failing{Connection: failingConnection{ID: connection.ID, Kind: connection.Kind, Name: connection.Name}, Error: connection.LastError}, s.now())
	if err != nil {
		return err
	}
	return s.Outbox.AppendTx(ctx, tx, event)
}

// wordsOf says in words for the vendor's staff what the books answered, and
// how long to wait at least before asking again.
func wordsOf(err error) (string, time.Duration) {
	var throttled *connectors.ThrottledError
	var panicked *panicError
	switch {
	case errors.As(err, &throttled):
		return "The books ask to slow down. The hub tries again later by itself.", throttled.RetryAfter
	case errors.Is(err, errStore), errors.As(err, &panicked), errors.Is(err, store.ErrSealed):
		return "The hub could not store what it read. That is the hub's mistake; its operator can find it in the log.", 0
	case errors.Is(err, errPage):
		return "The books sent too many records at once. That is the connector's mistake; tell the hub's operator.", SyncBackoff
	case errors.Is(err, connectors.ErrCredentials):
		return detailed("The books refused the credentials. Enter new ones.", err), SyncBackoff
	case errors.Is(err, connectors.ErrThrottled):
		return "The books ask to slow down. The hub tries again later by itself.", 0
	case errors.Is(err, connectors.ErrUnreachable), errors.Is(err, context.DeadlineExceeded):
		return detailed("The books cannot be reached just now. The hub tries again by itself.", err), 0
	case errors.Is(err, connectors.ErrRefused):
		return detailed("The books refused to answer.", err), 0
	}
	return detailed("The books could not be read.", err), 0
}

// trialWords says what the books answered when settings were tried: nothing is tried
// again by itself then.
func trialWords(err error) string {
	switch {
	case errors.Is(err, connectors.ErrCredentials):
		return detailed("The books refused the credentials.", err)
	case errors.Is(err, connectors.ErrUnreachable), errors.Is(err, context.DeadlineExceeded):
		return detailed("The books cannot be reached.", err)
	case errors.Is(err, connectors.ErrThrottled):
		return "The books ask to slow down. Try again in a few minutes."
	}
	return detailed("The books did not take these settings.", err)
}

// detailed adds the connector's own words, which are meant for the vendor, without
// the hub's name for what kind of error they are.
func detailed(words string, err error) string {
	text := err.Error()
	for _, kind := range []error{connectors.ErrCredentials, connectors.ErrUnreachable, connectors.ErrRefused, connectors.ErrUnknown, connectors.ErrGone} {
		text = strings.TrimPrefix(text, kind.Error()+": ")
	}
	return fmt.Sprintf("%s (%s)", words, party.PlainText(text, 300))
}
