package outbox_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/store"
)

func TestOneOfManyClaimersWins(t *testing.T) {
	each(t, func(t *testing.T, b *box) {
		ref := b.delivery()
		var won sync.Map
		var claimers sync.WaitGroup
		for i := range 8 {
			claimers.Go(func() {
				parcel, ok, err := b.Claim(t.Context(), ref)
				if err != nil {
					t.Error(err)
				}
				if ok {
					won.Store(i, parcel)
				}
			})
		}
		claimers.Wait()
		n := 0
		won.Range(func(_, value any) bool {
			n++
			parcel := value.(outbox.Parcel)
			if parcel.Delivery.State != outbox.Sending || parcel.Delivery.Attempts != 1 || parcel.Event.Type != outbox.PaymentSettled || parcel.Endpoint.Kind != outbox.Webhook {
				t.Errorf("%+v", parcel)
			}
			return true
		})
		if n != 1 {
			t.Fatalf("%d claimers won", n)
		}
		if refs := b.due(outbox.Deliveries, "vendor_id"); len(refs) != 0 {
			t.Fatalf("what is being sent is due: %+v", refs)
		}
	})
}

func TestRelayTakesADueRowOnceUntilItIsLost(t *testing.T) {
	each(t, func(t *testing.T, b *box) {
		ref := b.delivery() // taken by the relay once
		if refs := b.due(outbox.Deliveries, "vendor_id"); len(refs) != 0 {
			t.Fatalf("%+v", refs)
		}
		b.pass(time.Minute) // what carried it is lost
		if refs := b.due(outbox.Deliveries, "vendor_id"); len(refs) != 1 || refs[0] != ref {
			t.Fatalf("%+v", refs)
		}
	})
}

func TestAStaleClaimIsRetakenAndItsHolderChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, b *box) {
		ref := b.delivery()
		slow := b.claim(ref)
		if _, ok, err := b.Claim(t.Context(), ref); ok || err != nil {
			t.Fatal("claimed twice", err)
		}
		retry := store.JobRef{ID: ref.ID, Attempt: 1}
		b.pass(outbox.Lease - time.Millisecond)
		if _, ok, err := b.Claim(t.Context(), retry); ok || err != nil {
			t.Fatal("taken before the lease was over", err)
		}
		b.pass(time.Millisecond)
		refs := b.due(outbox.Deliveries, "vendor_id")
		if len(refs) != 1 || refs[0].Attempt != 1 {
			t.Fatalf("%+v", refs)
		}
		fast := b.claim(refs[0])
		b.record(slow.Delivery, outbox.Outcome{Status: 500, State: outbox.Dead, Answer: "too late"})
		if row := b.row(ref.ID); row.State != outbox.Sending || row.LastAnswer != "" || b.count("delivery_attempts", "TRUE") != 0 {
			t.Fatalf("%+v", row)
		}
		b.record(fast.Delivery, outbox.Outcome{Status: 200, State: outbox.Done, Answer: "ok", Took: 30 * time.Millisecond})
		b.record(slow.Delivery, outbox.Outcome{Status: 500, State: outbox.Dead})
		b.record(fast.Delivery, outbox.Outcome{Status: 500, State: outbox.Dead})
		row := b.row(ref.ID)
		if row.State != outbox.Done || row.LastStatus != 200 || !row.NextAttemptAt.IsZero() || !row.ClaimedUntil.IsZero() {
			t.Fatalf("%+v", row)
		}
		attempts, err := b.Attempts(t.Context(), b.one, ref.ID)
		if err != nil || len(attempts) != 1 || attempts[0].Number != 2 || attempts[0].TookMS != 30 || attempts[0].Answer != "ok" {
			t.Fatalf("%+v, %v", attempts, err)
		}
	})
}

func TestAHolderFromBeforeAReplayChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, b *box) {
		ref := b.delivery()
		ghost := b.claim(ref) // attempt 1, and its worker hangs
		b.pass(outbox.Lease)
		b.record(b.claim(store.JobRef{ID: ref.ID, Attempt: 1}).Delivery, outbox.Outcome{Status: 400, State: outbox.Dead})
		if err := b.Replay(t.Context(), b.one, ref.ID); err != nil {
			t.Fatal(err)
		}
		replayed := b.claim(ref) // attempt 1 once more
		b.record(ghost.Delivery, outbox.Outcome{Status: 500, State: outbox.Dead, Answer: "ghost"})
		if row := b.row(ref.ID); row.State != outbox.Sending {
			t.Fatalf("the ghost ended it: %+v", row)
		}
		b.record(replayed.Delivery, outbox.Outcome{Status: 200, State: outbox.Done})
		if row := b.row(ref.ID); row.State != outbox.Done {
			t.Fatalf("%+v", row)
		}
	})
}

func TestAFailedAttemptWaitsForItsTime(t *testing.T) {
	each(t, func(t *testing.T, b *box) {
		ref := b.delivery()
		next := b.clock().Add(5 * time.Minute)
		b.record(b.claim(ref).Delivery, outbox.Outcome{Status: 503, State: outbox.Pending, Next: next, Answer: strings.Repeat("ä", 5000)})
		row := b.row(ref.ID)
		if row.State != outbox.Pending || !row.NextAttemptAt.Equal(next.Truncate(time.Microsecond)) || len([]rune(row.LastAnswer)) != 1001 {
			t.Fatalf("%+v", row)
		}
		b.pass(5*time.Minute - time.Millisecond)
		if refs := b.due(outbox.Deliveries, "vendor_id"); len(refs) != 0 {
			t.Fatalf("too early: %+v", refs)
		}
		b.pass(time.Millisecond)
		if refs := b.due(outbox.Deliveries, "vendor_id"); len(refs) != 1 || refs[0].Attempt != 1 {
			t.Fatalf("%+v", refs)
		}
	})
}

func TestReplay(t *testing.T) {
	each(t, func(t *testing.T, b *box) {
		ref := b.delivery()
		if err := b.Replay(t.Context(), b.two, ref.ID); !fault.Is(err, fault.NotFound) {
			t.Fatalf("another vendor's: %v", err)
		}
		if err := b.Replay(t.Context(), b.one, store.NewID()); !fault.Is(err, fault.NotFound) {
			t.Fatalf("none: %v", err)
		}
		sending := b.claim(ref)
		if err := b.Replay(t.Context(), b.one, ref.ID); err != nil || b.row(ref.ID).Attempts != 1 || b.row(ref.ID).State != outbox.Sending {
			t.Fatal("what is on its way was touched", err)
		}
		b.record(sending.Delivery, outbox.Outcome{State: outbox.Pending, Next: b.clock().Add(time.Hour)})
		if err := b.Replay(t.Context(), b.one, ref.ID); err != nil {
			t.Fatal(err)
		}
		refs := b.due(outbox.Deliveries, "vendor_id")
		if len(refs) != 1 || refs[0].Attempt != 1 {
			t.Fatalf("what waits was not brought forward: %+v", refs)
		}
		b.record(b.claim(refs[0]).Delivery, outbox.Outcome{State: outbox.Unknown})
		for _, state := range []string{outbox.Unknown, outbox.Done, outbox.Dead} {
			b.exec("UPDATE deliveries SET state = ? WHERE id = ?", state, ref.ID)
			if err := b.Replay(t.Context(), b.one, ref.ID); err != nil {
				t.Fatal(err)
			}
			refs := b.due(outbox.Deliveries, "vendor_id")
			if len(refs) != 1 || refs[0].Attempt != 0 {
				t.Fatalf("%s: %+v", state, refs)
			}
			b.record(b.claim(refs[0]).Delivery, outbox.Outcome{State: outbox.Done})
		}
		if b.count("delivery_attempts", "TRUE") != 5 {
			t.Fatal("the log of attempts is not whole")
		}
	})
}

func TestTheLogPagesAndFilters(t *testing.T) {
	each(t, func(t *testing.T, b *box) {
		b.endpoint(b.one, outbox.Webhook, "https://vendor.example/hook", "*")
		b.endpoint(b.two, outbox.Webhook, "https://other.example/hook", "*")
		for i := range 5 {
			kind := outbox.CaseMessage
			if i == 2 {
				kind = outbox.PaymentSettled
			}
			b.mustAppend(b.event(b.one, kind, ""), b.event(b.two, outbox.CaseMessage, ""))
		}
		seen := map[string]bool{}
		last, cursor := "~", ""
		for {
			rows, next, err := b.List(t.Context(), b.one, outbox.Filter{}, store.PageRequest{Limit: 2, Cursor: cursor})
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range rows {
				if row.VendorID != b.one || row.Target != "https://vendor.example/hook" || row.EventType == "" || seen[row.ID] || row.ID >= last {
					t.Fatalf("%+v", row)
				}
				seen[row.ID], last = true, row.ID
			}
			if cursor = next; cursor == "" {
				break
			}
		}
		if len(seen) != 5 {
			t.Fatalf("%d rows", len(seen))
		}
		b.pass(time.Hour)
		dead := b.due(outbox.Deliveries, "vendor_id")[0]
		parcel := b.claim(dead)
		b.record(parcel.Delivery, outbox.Outcome{State: outbox.Dead})
		for _, c := range []struct {
			filter outbox.Filter
			want   int
		}{{outbox.Filter{Type: outbox.PaymentSettled}, 1}, {outbox.Filter{Since: b.clock().Add(time.Hour)}, 0}, {outbox.Filter{State: outbox.Done}, 0}} {
			if rows, _, err := b.List(t.Context(), b.one, c.filter, store.PageRequest{}); err != nil || len(rows) != c.want {
				t.Errorf("%+v: %d, %v", c.filter, len(rows), err)
			}
		}
		vendor := parcel.Delivery.VendorID
		rows, _, err := b.List(t.Context(), vendor, outbox.Filter{State: outbox.Dead, Since: b.clock().Truncate(time.Microsecond)}, store.PageRequest{})
		if err != nil || len(rows) != 1 || rows[0].ID != dead.ID {
			t.Fatalf("%+v, %v", rows, err)
		}
		if letters, _, err := b.DeadLetters(t.Context(), store.PageRequest{}); err != nil || len(letters) != 1 {
			t.Fatalf("%+v, %v", letters, err)
		}
		other := map[string]string{b.one: b.two, b.two: b.one}[vendor]
		if _, err := b.Delivery(t.Context(), other, dead.ID); !fault.Is(err, fault.NotFound) {
			t.Fatalf("another vendor read it: %v", err)
		}
		if attempts, err := b.Attempts(t.Context(), other, dead.ID); err != nil || len(attempts) != 0 {
			t.Fatalf("another vendor read its attempts: %v, %v", attempts, err)
		}
		if mine, err := b.Delivery(t.Context(), vendor, dead.ID); err != nil || mine.Delivery.State != outbox.Dead {
			t.Fatal(err)
		}
	})
}
