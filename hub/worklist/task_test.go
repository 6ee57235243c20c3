package worklist_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/hub/store/storetest"
	"github.com/sheaf-hub/sheaf/hub/worklist"
)

// the settlement tells this room through this type
var _ payment.OverpaidTx = (&worklist.Service{}).Overpaid

// list is the room on a fresh database with two vendors.
type list struct {
	*worklist.Service
	t           *testing.T
	north, last string
}

func each(t *testing.T, run func(t *testing.T, l *list)) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
		clock := func() time.Time { return now }
		l := &list{t: t, north: store.NewID(), last: store.NewID(), Service: &worklist.Service{DB: db, Access: &access.Service{DB: db, Now: clock}, Now: clock}}
		for _, id := range []string{l.north, l.last} {
			l.exec(`INSERT INTO vendors (id, name, email, phone, website, contact_name, time_zone, status, status_reason, webhook_secret, created_at, updated_at)
				VALUES (?, 'V', 'ar@vendor.example', '', '', '', 'UTC', 'approved', '', '', ?, ?)`, id, now, now)
		}
		run(t, l)
	})
}

func (l *list) exec(statement string, arguments ...any) {
	l.t.Helper()
	if _, err := l.DB.ExecContext(context.Background(), statement, arguments...); err != nil {
		l.t.Fatalf("%s: %v", statement, err)
	}
}

func (l *list) inTx(work func(ctx context.Context, tx bun.Tx) error) {
	l.t.Helper()
	if err := l.DB.InTx(l.t.Context(), work); err != nil {
		l.t.Fatal(err)
	}
}

func (l *list) add(task worklist.Task) {
	l.t.Helper()
	l.inTx(func(ctx context.Context, tx bun.Tx) error { return l.AddTx(ctx, tx, task) })
}

func (l *list) open(vendorID string) []worklist.Task {
	l.t.Helper()
	var all []worklist.Task
	page := store.PageRequest{Limit: 2}
	for {
		var tasks []worklist.Task
		var err error
		if vendorID == "" {
			tasks, page.Cursor, err = l.ListOperator(l.t.Context(), page)
		} else {
			tasks, page.Cursor, err = l.List(l.t.Context(), vendorID, page)
		}
		if err != nil {
			l.t.Fatal(err)
		}
		if all = append(all, tasks...); page.Cursor == "" {
			return all
		}
	}
}

func TestAdd(t *testing.T) {
	each(t, func(t *testing.T, l *list) {
		for _, subject := range []string{"a", "b", "c", "a"} {
			l.add(worklist.Task{VendorID: l.north, Kind: "look", SubjectID: subject, Title: "Look\r\n at " + subject + "\u202e"})
		}
		l.add(worklist.Task{VendorID: l.last, Kind: "look", SubjectID: "d", Title: "Theirs"})
		l.add(worklist.Task{Kind: "look", SubjectID: "e", Title: "The operator's"})
		var titles []string
		for _, task := range l.open(l.north) {
			titles = append(titles, task.Title)
		}
		if got := strings.Join(titles, ", "); got != "Look at c, Look at b, Look at a" {
			t.Errorf("north has %q", got)
		}
		if tasks := l.open(""); len(tasks) != 1 || tasks[0].Title != "The operator's" {
			t.Errorf("the operator has %+v", tasks)
		}
		for vendorID, want := range map[string]int64{l.north: 3, l.last: 1, "": 1} {
			if n, err := l.Count(t.Context(), vendorID); err != nil || n != want {
				t.Errorf("%q counts %d, %v", vendorID, n, err)
			}
		}
		for _, bad := range []worklist.Task{{Kind: "look", SubjectID: "x"}, {Kind: "look", Title: "x"}, {SubjectID: "x", Title: "x"}} {
			err := l.DB.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error { return l.AddTx(ctx, tx, bad) })
			if !fault.Is(err, fault.Internal) {
				t.Errorf("%+v: %v", bad, err)
			}
		}
		if _, _, err := l.List(t.Context(), l.north, store.PageRequest{Cursor: "nonsense"}); !fault.Is(err, fault.Invalid) {
			t.Errorf("a foreign cursor: %v", err)
		}
	})
}

func TestAddGoesWithItsChange(t *testing.T) {
	each(t, func(t *testing.T, l *list) {
		stop := errors.New("the change failed")
		err := l.DB.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
			if err := l.AddTx(ctx, tx, worklist.Task{VendorID: l.north, Kind: "look", SubjectID: "a", Title: "Look"}); err != nil {
				return err
			}
			return stop
		})
		if !errors.Is(err, stop) || len(l.open(l.north)) != 0 {
			t.Errorf("%v, %+v", err, l.open(l.north))
		}
	})
}

func TestDone(t *testing.T) {
	each(t, func(t *testing.T, l *list) {
		l.add(worklist.Task{VendorID: l.north, Kind: "look", SubjectID: "a", Title: "Look"})
		l.add(worklist.Task{Kind: "look", SubjectID: "e", Title: "The operator's"})
		task, hubs := l.open(l.north)[0].ID, l.open("")[0].ID
		sam := access.Actor{Kind: access.KindStaff, ID: "s", Name: "Sam", VendorID: l.north}
		ola := access.Actor{Kind: access.KindOperator, ID: "o", Name: "Ola"}
		for _, c := range []struct {
			actor        access.Actor
			vendorID, id string
		}{
			{access.Actor{Kind: access.KindStaff, VendorID: l.last}, l.north, task},
			{access.Actor{Kind: access.KindStaff, VendorID: l.last}, l.last, task},
			{access.Actor{Kind: access.KindKey, VendorID: l.north}, l.north, task},
			{access.Actor{Kind: access.KindStaff}, "", hubs},
			{sam, "", hubs}, {sam, l.north, hubs}, {sam, l.north, "nonsense"}, {sam, l.north, store.NewID()},
			{ola, "nonsense", task}, {ola, "", task}, {access.Actor{}, l.north, task},
		} {
			if err := l.Done(t.Context(), c.actor, c.vendorID, c.id); !fault.Is(err, fault.NotFound) {
				t.Errorf("%+v: %v", c, err)
			}
		}
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				if err := l.Done(t.Context(), sam, l.north, task); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if err := l.Done(t.Context(), ola, "", hubs); err != nil {
			t.Error(err)
		}
		if len(l.open(l.north))+len(l.open("")) != 0 {
			t.Error("a ticked task is still listed")
		}
		audited := 0
		if err := l.DB.NewRaw("SELECT count(*) FROM audit_log WHERE action = 'task.done'").Scan(t.Context(), &audited); err != nil || audited != 2 {
			t.Errorf("%d audit entries, %v", audited, err)
		}
		l.add(worklist.Task{VendorID: l.north, Kind: "look", SubjectID: "a", Title: "Look"})
		if len(l.open(l.north)) != 0 {
			t.Error("what was done came back")
		}
	})
}

// share stores a paid share of North's for one invoice of each account.
func (l *list) share(accounts ...string) payment.Share {
	l.t.Helper()
	now, ctx := l.Now(), l.t.Context()
	parties := &party.Service{DB: l.DB, Now: l.Now}
	batch := billing.Batch{}
	for _, name := range accounts {
		batch.Accounts = append(batch.Accounts, party.AccountRecord{ExternalID: name, Name: name, Contacts: []party.ContactRecord{{Email: "ann@acme.example"}}})
		batch.Invoices = append(batch.Invoices, billing.InvoiceRecord{ExternalID: name, Number: name, Account: name, Currency: "EUR", Total: 7500, Open: 7500, Status: billing.Open})
	}
	if _, err := (&billing.Service{DB: l.DB, Party: parties, Now: l.Now}).Upsert(ctx, party.Vendor{ID: l.north, TimeZone: "UTC"}, batch); err != nil {
		l.t.Fatal(err)
	}
	ann, err := parties.ContactByEmail(ctx, "ann@acme.example")
	if err != nil {
		l.t.Fatal(err)
	}
	quote, paid := store.NewID(), payment.Payment{ID: store.NewID(), CustomerID: ann.CustomerID, ContactID: ann.ID, Number: "R-1", Currency: "EUR", Amount: 12500,
		Captured: 12500, Unapplied: 5000, Status: payment.Settled, CheckoutState: "done", CreatedAt: now, UpdatedAt: now, ExpiresAt: now}
	l.exec("INSERT INTO quotes (id, customer_id, contact_id, hash, content, created_at, expires_at) VALUES (?, ?, ?, '', '', ?, ?)", quote, ann.CustomerID, ann.ID, now, now)
	paid.QuoteID = quote
	share := payment.Share{ID: store.NewID(), VendorID: l.north, CustomerID: ann.CustomerID, PaymentID: paid.ID, Reference: "SHF-12345-ABCDE", Currency: "EUR",
		Amount: 12500, Unapplied: 5000, Status: payment.Settled, CreatedAt: now, UpdatedAt: now}
	for _, row := range []any{&paid, &share} {
		if _, err := l.DB.NewInsert().Model(row).Exec(ctx); err != nil {
			l.t.Fatal(err)
		}
	}
	l.exec(`INSERT INTO payment_lines (id, customer_id, vendor_id, payment_id, share_id, invoice_id, amount)
		SELECT i.id, i.customer_id, i.vendor_id, ?, ?, i.id, 100 FROM invoices AS i WHERE i.vendor_id = ?`, paid.ID, share.ID, l.north)
	return share
}

func TestOverpaid(t *testing.T) {
	each(t, func(t *testing.T, l *list) {
		share := l.share("Acme Ltd", "Acme Trading")
		for range 2 {
			l.inTx(func(ctx context.Context, tx bun.Tx) error { return l.Overpaid(ctx, tx, share) })
		}
		nothing := share
		nothing.ID, nothing.Unapplied = store.NewID(), 0
		l.inTx(func(ctx context.Context, tx bun.Tx) error { return l.Overpaid(ctx, tx, nothing) })
		tasks := l.open(l.north)
		if len(tasks) != 1 || strings.ReplaceAll(tasks[0].Title, "\u00a0", " ") != "Money that no invoice took: EUR 50.00" {
			t.Fatalf("tasks %+v", tasks)
		}
		text := strings.ReplaceAll(tasks[0].Text, "\u00a0", " ")
		if !strings.HasPrefix(text, "Acme Ltd, Acme Trading paid EUR 125.00 under the reference SHF-12345-ABCDE. EUR 50.00 of it") ||
			strings.Contains(text, share.PaymentID) || strings.Contains(text, share.CustomerID) {
			t.Errorf("text %q", text)
		}
	})
}

func TestNotMine(t *testing.T) {
	each(t, func(t *testing.T, l *list) {
		ann, vendor := party.Contact{ID: store.NewID(), CustomerID: store.NewID(), Email: "ann@acme.example"}, party.Vendor{ID: l.north, Name: "North"}
		for range 2 {
			l.inTx(func(ctx context.Context, tx bun.Tx) error { return l.NotMineTx(ctx, tx, ann, vendor) })
		}
		if tasks := l.open(""); len(tasks) != 1 || !strings.Contains(tasks[0].Title, "ann@acme.example") || !strings.Contains(tasks[0].Title, "North") {
			t.Errorf("tasks %+v", tasks)
		}
		if tasks := l.open(l.north); len(tasks) != 0 {
			t.Errorf("the vendor reads %+v", tasks)
		}
	})
}
