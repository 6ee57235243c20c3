package reminder_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/reminder"
	"github.com/sheaf-hub/sheaf/hub/store"
)

func (d *desk) prefers(email, zone string, day time.Weekday, hour int, unsubscribed bool) {
	d.t.Helper()
	contact := d.contact(email)
	d.inTx(func(ctx context.Context, tx bun.Tx) error {
		_, _, err := d.Party.ChangePreferencesTx(ctx, tx, contact.ID, party.Preferences{Weekday: day, Hour: hour, TimeZone: zone, Unsubscribed: unsubscribed})
		return err
	})
}

func TestPlansOnTheContactsOwnDayAndHour(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		north := d.vendor("North")
		for zone, email := range map[string]string{"Asia/Tokyo": "tok@acme.example", "UTC": ann, "America/Los_Angeles": "lax@acme.example"} {
			d.bring(north, "C-"+email, email, party.Payables, bill("N-"+email, 12500, "2026-11-01"))
			d.prefers(email, zone, time.Wednesday, 8, false)
		}
		steps := []struct {
			at    string
			email string // who is planned then; empty: nobody
		}{
			{"2026-11-24T22:59:59Z", ""}, {"2026-11-24T23:00:00Z", "tok@acme.example"}, {"2026-11-25T07:59:59Z", ""},
			{"2026-11-25T08:00:00Z", ann}, {"2026-11-25T15:59:59Z", ""}, {"2026-11-25T16:00:00Z", "lax@acme.example"}, {"2026-11-26T00:00:00Z", ""},
			{"2026-12-01T23:00:00Z", "tok@acme.example"},
		}
		for _, step := range steps {
			at, err := time.Parse(time.RFC3339, step.at)
			d.must(err)
			d.at(at)
			n := d.plan()
			if step.email == "" {
				if n != 0 {
					t.Fatalf("%s: planned %d, want nobody", step.at, n)
				}
				continue
			}
			if digest := d.digest(step.email); n != 1 || digest.State != reminder.Pending || !digest.DueAt.Equal(at) {
				t.Fatalf("%s: planned %d, %+v", step.at, n, digest)
			}
		}
	})
}

// Nine o'clock stays nine o'clock when the clocks change, and an hour that they
// skip is neither lost nor doubled.
func TestPlansAcrossClockChanges(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.bring(d.vendor("North"), "C-1", ann, party.Payables, bill("N-1", 12500, "2026-11-01"))
		cases := []struct {
			from  string
			hour  int
			weeks []string
		}{
			{"2027-03-20T12:00:00Z", 2, []string{"2027-03-21T01:00:00Z", "2027-03-28T01:00:00Z", "2027-04-04T00:00:00Z"}}, // Berlin skips 02:00 on 28 March
			{"2026-10-17T12:00:00Z", 9, []string{"2026-10-18T07:00:00Z", "2026-10-25T08:00:00Z", "2026-11-01T08:00:00Z"}},
			{"2026-10-17T12:00:00Z", 2, []string{"2026-10-18T00:00:00Z", "2026-10-25T01:00:00Z", "2026-11-01T01:00:00Z"}}, // 02:00 comes twice on 25 October
		}
		for _, c := range cases {
			d.exec("DELETE FROM digests")
			from, err := time.Parse(time.RFC3339, c.from)
			d.must(err)
			d.at(from)
			d.prefers(ann, "Europe/Berlin", time.Sunday, c.hour, false)
			for _, week := range c.weeks {
				at, err := time.Parse(time.RFC3339, week)
				d.must(err)
				d.at(at.Add(-time.Second))
				before := d.plan()
				d.at(at)
				after := d.plan()
				d.pass(2 * time.Hour)
				if again := d.plan(); before != 0 || after != 1 || again != 0 {
					t.Errorf("%d:00 at %s: planned %d before, %d then, %d later", c.hour, week, before, after, again)
				}
			}
		}
		d.sound()
	})
}

func TestPlansNobodyWithoutSomethingToSay(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		north, south := d.vendor("North"), d.vendor("South")
		d.bring(north, "C-paid", "paid@acme.example", party.Payables, billing.InvoiceRecord{ExternalID: "p", Number: "N-p", Currency: "EUR", Total: 100})
		d.bring(north, "C-none", "none@acme.example", party.Payables)
		d.bring(north, "C-boss", "boss@acme.example", party.Approver, bill("N-boss", 100, "2026-11-01"))
		d.bring(north, "C-gone", "gone@acme.example", party.Payables, bill("N-gone", 100, "2026-11-01"))
		d.bring(north, "C-back", "back@acme.example", party.Payables, bill("N-back", 100, "2026-11-01"))
		d.bring(south, "S-1", "only-south@acme.example", party.Payables, bill("S-1", 100, "2026-11-01"))
		d.bring(north, "C-copy", "copy@acme.example", party.Copy, bill("N-copy", 100, "2026-11-01"))
		d.prefers("gone@acme.example", "UTC", time.Tuesday, 9, true)
		d.inTx(func(ctx context.Context, tx bun.Tx) error {
			if err := d.Party.RecordBounceTx(ctx, tx, d.contactTx(tx, "back@acme.example"), "no such mailbox"); err != nil {
				return err
			}
			_, _, err := d.Party.SetVendorStatusTx(ctx, tx, south.ID, party.VendorSuspended, "for the test")
			return err
		})
		d.tuesday()
		if n := d.plan(); n != 1 || d.digest("copy@acme.example").State != reminder.Pending {
			t.Fatalf("planned %d, want the copy's mailbox alone", n)
		}
		// the others moved on to the next week instead of being asked about again
		if next := d.contact("none@acme.example").NextDigestAt; !next.Equal(d.clock().AddDate(0, 0, 7)) {
			t.Fatalf("next digest at %s", next)
		}
	})
}

func (d *desk) contactTx(tx bun.Tx, email string) string {
	d.t.Helper()
	var id string
	d.must(tx.NewRaw("SELECT id FROM contacts WHERE email = ?", email).Scan(context.Background(), &id))
	return id
}

// counter counts statements.
type counter struct{ n atomic.Int64 }

func (c *counter) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context { return ctx }
func (c *counter) AfterQuery(context.Context, *bun.QueryEvent)                        { c.n.Add(1) }

func (d *desk) crowd(n int) {
	d.t.Helper()
	north := d.vendor("North")
	batch := billing.Batch{}
	for i := range n {
		id := fmt.Sprintf("C-%04d", i)
		batch.Accounts = append(batch.Accounts, party.AccountRecord{ExternalID: id, Name: id, Currency: "EUR",
			Contacts: []party.ContactRecord{{Email: strings.ToLower(id) + "@crowd.example", Role: party.Payables}}})
		invoice := bill("N-"+id, 12500, "2026-11-01")
		invoice.Account = id
		batch.Invoices = append(batch.Invoices, invoice)
	}
	d.push(north, batch)
}

func TestPlansAThousandContactsInFewQueries(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.crowd(1000)
		d.tuesday()
		count := &counter{}
		d.DB.DB = d.DB.WithQueryHook(count)
		if n := d.plan(); n != 1000 {
			t.Fatalf("planned %d", n)
		}
		// six batches (the last finds nobody), each at most eight statements
		if n := count.n.Load(); n > 48 {
			t.Fatalf("%d statements for 1000 contacts", n)
		}
		d.sound()
	})
}

func TestTwoPlannersAtOncePlanEachOnce(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.crowd(600)
		d.tuesday()
		var planned atomic.Int64
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				n, err := d.Plan(context.Background())
				if err != nil {
					t.Error(err)
				}
				planned.Add(int64(n))
			})
		}
		group.Wait()
		planned.Add(int64(d.plan())) // those whose rows another planner held when it passed them
		rows := 0
		d.must(d.DB.NewRaw("SELECT count(*) FROM digests").Scan(context.Background(), &rows))
		if planned.Load() != 600 || rows != 600 {
			t.Fatalf("planned %d, %d rows", planned.Load(), rows)
		}
		d.sound()
	})
}

// However often it is asked for, and at whatever moment of the week.
func TestAtMostOneDigestInAPeriod(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		ctx := context.Background()
		d.bring(d.vendor("North"), "C-1", ann, party.Payables, bill("N-1", 12500, "2026-11-01"))
		d.tuesday()
		progress := 0
		first, err := d.Run(ctx, func(n int) { progress = n })
		d.must(err)
		if first.Planned != 1 || first.By[reminder.Done] != 1 || progress != 1 {
			t.Fatalf("first run: %+v, progress %d", first, progress)
		}
		for _, day := range []time.Weekday{time.Tuesday, time.Wednesday, time.Friday, time.Sunday} {
			d.prefers(ann, "UTC", day, 10, false)
			d.at(d.contact(ann).NextDigestAt)
			if d.clock().After(time.Date(2026, 11, 29, 23, 59, 59, 0, time.UTC)) {
				t.Fatalf("%s is next week", day)
			}
			again, err := d.Run(ctx, nil)
			d.must(err)
			if again.Planned != 0 || len(again.By) != 0 {
				t.Fatalf("%s again: %+v", day, again)
			}
		}
		d.at(d.contact(ann).NextDigestAt)
		next, err := d.Run(ctx, nil)
		d.must(err)
		if next.Planned != 1 || next.By[reminder.Done] != 1 || len(d.post.To(ann)) != 2 {
			t.Fatalf("next week: %+v and %d mails", next, len(d.post.To(ann)))
		}
		d.sound()
	})
}

func TestManyRunsAtOnceSendEachOnce(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.crowd(40)
		d.tuesday()
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				if _, err := d.Run(context.Background(), nil); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if _, err := d.Run(context.Background(), nil); err != nil {
			t.Fatal(err)
		}
		if n := len(d.post.Messages()); n != 40 {
			t.Fatalf("%d mails to 40 contacts", n)
		}
		counts, err := d.Counts(context.Background())
		d.must(err)
		if counts[reminder.Done] != 40 {
			t.Fatalf("counts %v", counts)
		}
	})
}

// A relay beside a run may take what the run planned: the run still answers for it.
func TestRunAnswersForWhatARelayTook(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		ctx := context.Background()
		d.bring(d.vendor("North"), "C-1", ann, party.Payables, bill("N-1", 12500, "2026-11-01"))
		d.tuesday()
		beside := &relay{d: d}
		d.DB.DB = d.DB.WithQueryHook(beside)
		counts, err := d.Run(ctx, nil)
		d.must(err)
		if !beside.done || counts.Planned != 1 || counts.By[reminder.Done] != 1 || len(d.post.To(ann)) != 1 {
			t.Fatalf("%+v and %d mails; relayed: %t", counts, len(d.post.To(ann)), beside.done)
		}
	})
}

// relay takes what is due as soon as a plan is committed.
type relay struct {
	d    *desk
	done bool
}

func (r *relay) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context { return ctx }
func (r *relay) AfterQuery(_ context.Context, event *bun.QueryEvent) {
	if r.done || event.Query != "COMMIT" || event.Err != nil && event.Err != sql.ErrNoRows {
		return
	}
	r.done = true
	refs, err := r.d.DB.TakeDue(context.Background(), reminder.Digests, "contact_id", r.d.clock(), 10, 20*time.Second)
	if err != nil || len(refs) != 1 {
		r.d.t.Errorf("the relay took %v: %v", refs, err)
	}
}

func TestRunSendsWhatAStoppedWorkerHadClaimed(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		ctx := context.Background()
		d.bring(d.vendor("North"), "C-1", ann, party.Payables, bill("N-1", 12500, "2026-11-01"))
		d.tuesday()
		d.plan()
		digest := d.digest(ann)
		ok, err := d.DB.Claim(ctx, reminder.Digests, store.JobRef{ID: digest.ID}, d.clock(), reminder.Lease, false)
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		d.pass(reminder.Lease)
		counts, err := d.Run(ctx, nil)
		d.must(err)
		if counts.By[reminder.Done] != 1 || len(d.post.To(ann)) != 1 {
			t.Fatalf("%+v and %d mails", counts, len(d.post.To(ann)))
		}
	})
}
