package intake_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/intake"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/store"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

func (h *hub) connect(vendor party.Vendor, kind string) intake.Connection {
	h.t.Helper()
	settings := map[string]string{}
	if kind == "books" {
		settings = map[string]string{"url": "https://erp.north.example", "password": "hush-hush"}
	}
	connection, err := h.AddConnection(context.Background(), access.SystemActor("test"), vendor.ID, kind, "", settings)
	h.must(err)
	return connection
}

func (h *hub) pull(connection intake.Connection) intake.Sync {
	h.t.Helper()
	sync, err := h.Sync(context.Background(), connection.ID)
	h.must(err)
	return sync
}

// health reads a connection as it is now.
func (h *hub) health(connection intake.Connection) intake.Connection {
	h.t.Helper()
	list, err := h.ListConnections(context.Background(), connection.VendorID)
	h.must(err)
	for _, one := range list {
		if one.ID == connection.ID {
			return one
		}
	}
	h.t.Fatal("the connection is gone")
	return connection
}

func TestConnectionsAreTriedSealedAndAudited(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		add := func(kind string, settings map[string]string) error {
			_, err := h.AddConnection(t.Context(), access.SystemActor("test"), h.north.ID, kind, "ERP", settings)
			return err
		}
		for name, err := range map[string]error{
			"kind":    add("sap", nil),
			"missing": add("books", map[string]string{"url": "x"}),
			"unknown": add("books", map[string]string{"url": "x", "password": "y", "colour": "red"}),
			"long":    add("books", map[string]string{"url": strings.Repeat("x", 5000), "password": "y"}),
		} {
			if !fault.Is(err, fault.Invalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		h.books.check = fmt.Errorf("%w: 401", connectors.ErrCredentials)
		if err := add("books", map[string]string{"url": "x", "password": "y"}); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "refused the credentials") {
			t.Errorf("%v", err)
		}
		h.books.check = nil
		if _, err := h.AddConnection(t.Context(), access.SystemActor("test"), store.NewID(), "books", "", map[string]string{"url": "x", "password": "y"}); !fault.Is(err, fault.NotFound) {
			t.Errorf("%v", err)
		}
		connection := h.connect(h.north, "books")
		if strings.Contains(connection.Settings, "hush") || !strings.HasPrefix(connection.Settings, "v1.") || connection.Name != "Books" {
			t.Errorf("%+v", connection)
		}
		entries, _, err := h.Access.ListAudit(t.Context(), h.north.ID, store.PageRequest{})
		if err != nil || len(entries) != 1 || entries[0].Action != "connection.added" || strings.Contains(entries[0].After, "hush") || !strings.Contains(entries[0].After, "password") {
			t.Errorf("%+v %v", entries, err)
		}
		if due, err := h.DueConnections(t.Context(), 10); err != nil || len(due) != 1 || due[0] != connection.ID {
			t.Errorf("%v %v", due, err)
		}
		if list, err := h.ListConnections(t.Context(), h.south.ID); err != nil || len(list) != 0 {
			t.Errorf("%v %v", list, err)
		}
		if err := h.RemoveConnection(t.Context(), access.SystemActor("test"), h.south.ID, connection.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("%v", err)
		}
		h.must(h.RemoveConnection(t.Context(), access.SystemActor("test"), h.north.ID, connection.ID))
		if gone := h.health(connection); gone.DisabledAt.IsZero() || gone.Settings != "" {
			t.Errorf("%+v", gone)
		}
		if due, err := h.DueConnections(t.Context(), 10); err != nil || len(due) != 0 {
			t.Errorf("%v %v", due, err)
		}
		if _, err := h.Sync(t.Context(), connection.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("%v", err)
		}
	})
}

func TestSyncGoesOnFromTheLastStoredPage(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		connection := h.connect(h.north, "books")
		h.books.pages = []connectors.Page{
			{Accounts: []connectors.Account{account("C", "ap@acme.example")}, Invoices: []connectors.Invoice{invoice("A", 100), invoice("A", 300)}, Cursor: "1", Done: 1, Total: 2},
			{Invoices: []connectors.Invoice{invoice("B", 200)}, Cursor: "2", Done: 2, Total: 2}}
		h.books.fail = fmt.Errorf("%w: connection reset", connectors.ErrUnreachable)
		sync := h.pull(connection)
		if sync.State != intake.Failed || !strings.Contains(sync.Error, "cannot be reached") || sync.Created != 3 {
			t.Fatalf("%+v", sync)
		}
		if open := h.open(h.north); open != "A=3.00 B=2.00" { // the later change of a page counts
			t.Errorf("%s", open)
		}
		if now := h.health(connection); now.Cursor != "2" || now.LastError == "" || !now.LastGoodAt.IsZero() {
			t.Errorf("%+v", now)
		}
		h.books.fail = nil
		h.books.pages = append(h.books.pages, connectors.Page{Invoices: []connectors.Invoice{invoice("D", 400)}, Cursor: "3"})
		sync = h.pull(connection)
		if sync.State != intake.Done || sync.Created != 1 || h.books.asked != "2" {
			t.Errorf("%+v, asked from %q", sync, h.books.asked)
		}
		if now := h.health(connection); now.Cursor != "3" || now.LastError != "" || now.LastGoodAt.IsZero() || now.NextSyncAt.Sub(h.clock()) > intake.SyncEvery {
			t.Errorf("%+v", now)
		}
		if open := h.open(h.north); open != "A=3.00 B=2.00 D=4.00" { // nothing is closed
			t.Errorf("%s", open)
		}
	})
}

// TestAPageIsStoredWithItsCursorOrNotAtAll breaks the storing of a page.
func TestAPageIsStoredWithItsCursorOrNotAtAll(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		connection := h.connect(h.north, "books")
		huge := connectors.Page{Cursor: "2"}
		for i := range intake.MostInPage + 1 {
			huge.Invoices = append(huge.Invoices, invoice(fmt.Sprint(i), 1))
		}
		h.books.pages = []connectors.Page{{Invoices: []connectors.Invoice{seen("A", 100, account("C"))}, Cursor: "1"}, huge}
		if sync := h.pull(connection); sync.State != intake.Failed || sync.Created != 2 {
			t.Errorf("%+v", sync)
		}
		if now := h.health(connection); now.Cursor != "1" {
			t.Errorf("%+v", now)
		}
	})
}

func TestErrorsBackOffAndAreToldOnce(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		connection := h.connect(h.north, "books")
		h.books.fail = fmt.Errorf("%w: no route", connectors.ErrUnreachable)
		var waits []time.Duration
		for range 7 {
			h.pull(connection)
			next := h.health(connection).NextSyncAt
			waits = append(waits, next.Sub(h.clock()).Round(time.Minute))
			h.pass(next.Sub(h.clock()) + time.Second)
		}
		if got := fmt.Sprint(waits); got != "[15m0s 30m0s 1h0m0s 2h0m0s 4h0m0s 6h0m0s 6h0m0s]" {
			t.Errorf("%s", got)
		}
		events, _, err := h.Outbox.ListEvents(t.Context(), h.north.ID, time.Time{}, store.PageRequest{})
		if err != nil || len(events) != 1 || events[0].Type != outbox.ConnectionFailing || !strings.Contains(events[0].Data, connection.ID) {
			t.Fatalf("%+v %v", events, err)
		}
		h.books.fail = nil
		h.pull(connection)
		for _, test := range []struct {
			fail  error
			words string
			wait  time.Duration
		}{
			{fmt.Errorf("%w: 401", connectors.ErrCredentials), "credentials", intake.SyncBackoff},
			{&connectors.ThrottledError{RetryAfter: 50 * time.Minute}, "slow down", 50 * time.Minute},
			{errors.New("strange"), "could not be read", intake.SyncEvery},
		} {
			h.books.fail = test.fail
			h.pass(time.Minute)
			h.pull(connection)
			if now := h.health(connection); !strings.Contains(now.LastError, test.words) || now.NextSyncAt.Sub(h.clock()).Round(time.Minute) != test.wait {
				t.Errorf("%v: %q, next in %s", test.fail, now.LastError, now.NextSyncAt.Sub(h.clock()))
			}
			h.books.fail = nil
			h.pass(time.Minute)
			h.pull(connection)
		}
		h.books.during = func() { panic("index out of range") }
		if sync := h.pull(connection); sync.State != intake.Failed || strings.Contains(sync.Error, "index") {
			t.Errorf("%+v", sync)
		}
	})
}

func TestOneRunAtATime(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		connection := h.connect(h.north, "books")
		h.books.during = func() {
			if _, err := h.Sync(t.Context(), connection.ID); !fault.Is(err, fault.Conflict) {
				t.Errorf("a second run: %v", err)
			}
			if due, err := h.DueConnections(t.Context(), 10); err != nil || len(due) != 0 {
				t.Errorf("due while it runs: %v %v", due, err)
			}
		}
		h.pull(connection)
		h.books.during = nil
		// a run whose process died does not stand in the way for ever
		if _, err := h.DB.ExecContext(t.Context(), "UPDATE syncs SET state = 'running', finished_at = NULL"); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Sync(t.Context(), connection.ID); !fault.Is(err, fault.Conflict) {
			t.Errorf("%v", err)
		}
		h.pass(intake.SyncTimeout + time.Second)
		h.pull(connection)
		list, _, err := h.ListSyncs(t.Context(), h.north.ID, store.PageRequest{})
		if err != nil || len(list) != 2 || list[1].State != intake.Stopped || list[0].State != intake.Done {
			t.Errorf("%+v %v", list, err)
		}
	})
}

func TestASyncStops(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		connection := h.connect(h.north, "books")
		ctx, cancel := context.WithCancel(t.Context())
		h.books.pages = []connectors.Page{{Invoices: []connectors.Invoice{seen("A", 100, account("C"))}, Cursor: "1"}}
		h.books.during = cancel
		sync, err := h.Sync(ctx, connection.ID)
		if err != nil || sync.State != intake.Stopped {
			t.Fatalf("%+v %v", sync, err)
		}
		now := h.health(connection)
		if now.LastError != "" || now.Cursor != "" || now.NextSyncAt.After(h.clock()) {
			t.Errorf("%+v", now)
		}
	})
}

func TestSnapshotsCloseWhatIsMissingAndHoldForAYes(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		connection := h.connect(h.north, "whole")
		whole := func(ids ...string) {
			page := connectors.Page{Accounts: []connectors.Account{account("C", "ap@acme.example")}}
			for _, id := range ids {
				page.Invoices = append(page.Invoices, invoice(id, 100))
			}
			h.books.pages = []connectors.Page{page}
			h.pass(time.Minute)
		}
		whole("A", "B", "D", "E")
		h.pull(connection)
		whole("A", "B", "D")
		if sync := h.pull(connection); sync.State != intake.Done || sync.Updated != 1 {
			t.Errorf("%+v", sync)
		}
		if open := h.open(h.north); open != "A=1.00 B=1.00 D=1.00" {
			t.Fatalf("%s", open)
		}
		whole("A") // two of three
		if sync := h.pull(connection); sync.State != intake.Done || !strings.Contains(sync.Error, "2 of your 3") {
			t.Errorf("%+v", sync)
		}
		held := h.health(connection)
		if held.Held() != 2 || !strings.HasPrefix(held.LastError, "Held:") || h.open(h.north) != "A=1.00 B=1.00 D=1.00" {
			t.Fatalf("%+v, open: %s", held, h.open(h.north))
		}
		if err := h.ConfirmSnapshot(t.Context(), access.SystemActor("test"), h.south.ID, connection.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("%v", err)
		}
		h.must(h.ConfirmSnapshot(t.Context(), access.SystemActor("test"), h.north.ID, connection.ID))
		if due, err := h.DueConnections(t.Context(), 10); err != nil || len(due) != 1 {
			t.Errorf("%v %v", due, err)
		}
		whole() // now more is missing than the vendor said yes to
		if sync := h.pull(connection); !strings.Contains(sync.Error, "3 of your 3") {
			t.Errorf("%+v", sync)
		}
		h.must(h.ConfirmSnapshot(t.Context(), access.SystemActor("test"), h.north.ID, connection.ID))
		whole("A")
		h.pull(connection)
		if now := h.health(connection); h.open(h.north) != "A=1.00" || now.Held() != 0 || now.LastError != "" {
			t.Errorf("%+v, open: %s", now, h.open(h.north))
		}
		if err := h.ConfirmSnapshot(t.Context(), access.SystemActor("test"), h.north.ID, connection.ID); !fault.Is(err, fault.Conflict) {
			t.Errorf("%v", err)
		}
	})
}

func TestSnapshotsCloseNothingThatTheyDidNotRead(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		connection := h.connect(h.north, "whole")
		all := connectors.Page{Accounts: []connectors.Account{account("C")}, Invoices: []connectors.Invoice{invoice("A", 100), invoice("B", 100), invoice("D", 100), invoice("E", 100), invoice("F", 100)},
			Credits: []connectors.Credit{{ExternalID: "CR", Account: "C", Total: usd(50), Open: usd(50)}}}
		h.books.pages = []connectors.Page{all}
		h.pull(connection)
		h.pass(time.Minute)
		// a pull that breaks, one that names a record it cannot read, and a push meanwhile
		some := all
		some.Invoices, some.Credits = all.Invoices[:3], nil
		h.books.pages, h.books.fail = []connectors.Page{some}, fmt.Errorf("%w", connectors.ErrUnreachable)
		h.pull(connection)
		h.books.fail = nil
		some.Rejected = []connectors.Rejected{{Place: "E", ExternalID: "E", Problems: []connectors.Problem{{Message: "no"}}}}
		h.books.pages = []connectors.Page{some}
		h.books.during = func() {
			h.pass(time.Second)
			h.push(h.north, connectors.Page{Invoices: []connectors.Invoice{invoice("PUSHED", 700)}})
		}
		h.pass(time.Minute)
		if sync := h.pull(connection); sync.Updated != 2 { // F and the credit
			t.Errorf("%+v", sync)
		}
		if open := h.open(h.north); open != "A=1.00 B=1.00 D=1.00 E=1.00 PUSHED=7.00" {
			t.Errorf("%s", open)
		}
		credits, _, err := h.Billing.ListCredits(t.Context(), h.north.ID, time.Time{}, store.PageRequest{})
		if err != nil || len(credits) != 1 || credits[0].Open != 0 {
			t.Errorf("%+v %v", credits, err)
		}
		// what other books brought is nothing to these
		h.books.during = nil
		other := h.connect(h.north, "books")
		h.books.pages = []connectors.Page{{Invoices: []connectors.Invoice{invoice("OTHER", 300)}, Cursor: "1"}}
		h.pull(other)
		some.Invoices, some.Rejected = all.Invoices[:2], nil
		h.books.pages = []connectors.Page{some}
		h.pass(time.Minute)
		h.pull(connection)
		if open := h.open(h.north); open != "A=1.00 B=1.00 PUSHED=7.00 OTHER=3.00" {
			t.Errorf("%s", open)
		}
	})
}
