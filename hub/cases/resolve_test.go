package cases_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/cases"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/store"
)

func TestThread(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		opened := r.dispute()
		if n := r.count("mails", "1 = 1"); n != 0 {
			t.Errorf("%d mails before an answer", n)
		}
		r.now = r.now.Add(90 * time.Minute)
		answer, err := r.Answer(t.Context(), staff(r.north), r.north.ID, opened.ID, "Which line?")
		r.must(err)
		first := r.now
		if answer.Side != cases.SideVendor || answer.AuthorName != "Sam" {
			t.Errorf("answer %+v", answer)
		}
		mailed := r.letters.last(t)
		if mailed.Message != "Which line?" || mailed.Author != "Sam" || mailed.Vendor != "North" || mailed.Invoice != "N-1" || mailed.Kind != "dispute" || mailed.Resolved ||
			mailed.URL != "https://sheaf.example/me/invoices/"+r.invoice+"#"+opened.ID || mailed.Today != "2026-11-23" {
			t.Errorf("mail %+v", mailed)
		}
		if n := r.count("mails", "recipient = ? AND kind = 'case'", r.ann.Email); n != 1 {
			t.Errorf("%d mails to who opened it", n)
		}
		if n := r.count("events", "1 = 1"); n != 1 {
			t.Errorf("the vendor is told of its own answer: %d events", n)
		}
		if got, err := r.CountForCustomer(t.Context(), viewer(r.ann)); err != nil || got != 1 {
			t.Errorf("waiting for the customer: %d, %v", got, err)
		}
		r.now = r.now.Add(time.Hour)
		reply, err := r.Reply(t.Context(), as(r.bob), opened.ID, "The second.", &billing.DocumentRecord{Name: "note.txt", ContentType: "text/plain", Content: []byte("x")})
		r.must(err)
		if n := r.count("events", "type = ? AND subject_id = ?", outbox.CaseMessage, reply.ID); n != 1 {
			t.Errorf("%d events of the reply", n)
		}
		if n, err := r.CountForVendor(t.Context(), r.north.ID); err != nil || n != 1 {
			t.Errorf("after the reply %d wait for the vendor, %v", n, err)
		}
		_, err = r.Answer(t.Context(), access.Actor{Kind: access.KindKey, ID: "k", Name: "erp", VendorID: r.north.ID}, r.north.ID, opened.ID, "Thank you.")
		r.must(err)
		thread, err := r.VendorCase(t.Context(), r.north.ID, opened.ID)
		r.must(err)
		if thread.Status != cases.Answered || !thread.AnsweredAt.Equal(first.UTC().Truncate(time.Microsecond)) || thread.ContactName != "Ann" || thread.ContactEmail != r.ann.Email {
			t.Errorf("thread %+v", thread.Item)
		}
		var said []string
		for _, message := range thread.Said {
			said = append(said, message.AuthorName+": "+message.Text)
		}
		if got := strings.Join(said, " | "); got != "Ann: It was 100. | Sam: Which line? | A colleague of Ann: The second. | North: Thank you." {
			t.Errorf("said %q", got)
		}
		if len(thread.Files) != 1 || thread.Invoice.Number != "N-1" || thread.Messages != 4 || thread.LastSide != cases.SideVendor || thread.LastText != "Thank you." {
			t.Errorf("thread %+v", thread)
		}
		ours, err := r.CustomerCase(t.Context(), viewer(r.ann), opened.ID)
		r.must(err)
		if ours.Said[2].AuthorName != "Bob" || ours.ContactEmail != "" {
			t.Errorf("for its own team: %+v", ours.Said[2])
		}
		if view := thread.View(); len(view.Messages) != 4 || len(view.Files) != 1 || view.AnsweredAt == nil || view.Reason != "wrong_price" || view.Amount != "25.00" {
			t.Errorf("view %+v", view)
		}
	})
}

func TestOthersSeeNothing(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		opened := r.dispute()
		south := staff(r.south)
		for _, actor := range []access.Actor{south, {Kind: access.KindKey, VendorID: r.south.ID}, as(r.ann).Actor, {}, {Kind: access.KindStaff}} {
			_, err := r.Answer(t.Context(), actor, r.north.ID, opened.ID, "Mine now")
			r.refused(err, fault.NotFound, "", "no such case")
			_, err = r.Resolve(t.Context(), actor, r.north.ID, opened.ID, cases.Resolution{Outcome: "accepted"})
			r.refused(err, fault.NotFound, "", "no such case")
		}
		for _, id := range []string{opened.ID, store.NewID(), "nonsense", ""} {
			_, err := r.VendorCase(t.Context(), r.south.ID, id)
			r.refused(err, fault.NotFound, "", "no such case")
			_, err = r.Answer(t.Context(), south, r.south.ID, id, "Mine now")
			r.refused(err, fault.NotFound, "", "no such case")
			_, err = r.Resolve(t.Context(), south, r.south.ID, id, cases.Resolution{Outcome: "accepted"})
			r.refused(err, fault.NotFound, "", "no such case")
			_, err = r.CustomerCase(t.Context(), viewer(r.eve), id)
			r.refused(err, fault.NotFound, "", "no such case")
			_, err = r.Reply(t.Context(), as(r.eve), id, "Mine now", nil)
			r.refused(err, fault.NotFound, "", "no such case")
			_, err = r.Withdraw(t.Context(), as(r.eve), id)
			r.refused(err, fault.NotFound, "", "no such case")
		}
		if list, _, err := r.ListForVendor(t.Context(), r.south.ID, cases.Filter{}, true, store.PageRequest{}); err != nil || len(list) != 0 {
			t.Errorf("South sees %+v, %v", list, err)
		}
		if list, _, err := r.ListForCustomer(t.Context(), viewer(r.eve), cases.Filter{}, store.PageRequest{}); err != nil || len(list) != 0 {
			t.Errorf("Eve sees %+v, %v", list, err)
		}
		if list, err := r.CasesOfInvoice(t.Context(), viewer(r.eve), r.invoice); err != nil || len(list) != 0 {
			t.Errorf("Eve sees %+v, %v", list, err)
		}
		link := viewer(r.ann)
		link.Only = []string{r.second}
		if list, _, err := r.ListForCustomer(t.Context(), link, cases.Filter{}, store.PageRequest{}); err != nil || len(list) != 0 {
			t.Errorf("a link to another invoice sees %+v, %v", list, err)
		}
		if r.count("messages", "1 = 1") != 1 || r.count("cases", "status = 'open'") != 1 {
			t.Error("somebody changed something")
		}
	})
}

func TestResolve(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		opened := r.dispute()
		for outcome, words := range map[string]string{"": "accepted, partly_accepted, declined", "kept": "cannot end", "declined": "why"} {
			_, err := r.Resolve(t.Context(), staff(r.north), r.north.ID, opened.ID, cases.Resolution{Outcome: outcome})
			pointer := "outcome"
			if outcome == "declined" {
				pointer = "note"
			}
			r.refused(err, fault.Invalid, pointer, words)
		}
		nameless := staff(r.north)
		nameless.Name = "sam@private.example"
		resolved, err := r.Resolve(t.Context(), nameless, r.north.ID, opened.ID, cases.Resolution{Outcome: "accepted", Note: "Sorry."})
		r.must(err)
		if resolved.Status != cases.Resolved || resolved.Resolution != "accepted" || resolved.ResolvedAt.IsZero() || resolved.AnsweredAt.IsZero() {
			t.Errorf("resolved %+v", resolved)
		}
		if len(r.holds(r.invoice, "")) != 0 {
			t.Error("the hold is still there")
		}
		mailed := r.letters.last(t)
		if !mailed.Resolved || !strings.HasPrefix(mailed.Outcome, "accepted") || mailed.Message != "Sorry." || mailed.Author != "" {
			t.Errorf("mail %+v", mailed)
		}
		data := r.text("SELECT data FROM events WHERE type = 'case.resolved' AND subject_id = ?", opened.ID)
		if !strings.Contains(data, `"resolution":"accepted"`) || !strings.Contains(data, `"external_id":"ext-N-1"`) || strings.Contains(data, r.ann.ID) {
			t.Errorf("event %s", data)
		}
		_, err = r.Resolve(t.Context(), staff(r.north), r.north.ID, opened.ID, cases.Resolution{Outcome: "declined", Note: "No."})
		r.refused(err, fault.Conflict, "", "resolved already: accepted")
		_, err = r.Answer(t.Context(), staff(r.north), r.north.ID, opened.ID, "Once more")
		r.refused(err, fault.Conflict, "", "resolved already")
		_, err = r.Reply(t.Context(), as(r.ann), opened.ID, "Once more", nil)
		r.refused(err, fault.Conflict, "", "new question")
		_, err = r.Withdraw(t.Context(), as(r.ann), opened.ID)
		r.refused(err, fault.Conflict, "", "resolved already")
		if again := r.dispute(); again.ID == opened.ID {
			t.Error("a new dispute may be opened after the first is over")
		}
		if n := r.count("audit_log", "action = 'case.resolved' AND before LIKE '%open%' AND after LIKE '%accepted%'"); n != 1 {
			t.Errorf("%d audit entries", n)
		}
	})
}

func TestTwoResolveAtOnce(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		opened := r.dispute()
		var group sync.WaitGroup
		results := make([]error, 4)
		for i := range results {
			group.Go(func() {
				if i == 3 {
					_, results[i] = r.Withdraw(t.Context(), as(r.ann), opened.ID)
					return
				}
				outcome := []string{"accepted", "partly_accepted", "declined"}[i]
				_, results[i] = r.Resolve(t.Context(), staff(r.north), r.north.ID, opened.ID, cases.Resolution{Outcome: outcome, Note: outcome})
			})
		}
		group.Wait()
		won := 0
		for _, err := range results {
			if err == nil {
				won++
			} else if !fault.Is(err, fault.Conflict) {
				t.Errorf("a loser got %v", err)
			}
		}
		if n := r.count("events", "type = 'case.resolved'"); won != 1 || n != 1 || r.count("mails", "1 = 1") > 1 {
			t.Errorf("%d won, %d events, %d mails", won, n, r.count("mails", "1 = 1"))
		}
	})
}

func TestWithdraw(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		opened := r.dispute()
		// Eve is listed on the account too, without being of the team
		r.exec(`INSERT INTO account_contacts (account_id, contact_id, vendor_id, role, position)
			SELECT account_id, ?, vendor_id, 'copy', 1 FROM account_contacts WHERE contact_id = ?`, r.eve.ID, r.ann.ID)
		_, err := r.Withdraw(t.Context(), as(r.eve), opened.ID)
		r.refused(err, fault.Forbidden, "", "same team")
		_, err = r.Reply(t.Context(), as(r.eve), opened.ID, "I see it too.", nil)
		r.must(err)
		r.exec("UPDATE contacts SET name = '' WHERE id IN (?, ?)", r.ann.ID, r.eve.ID)
		r.exec("UPDATE messages SET author_name = 'eve@zenith.example' WHERE author_id = ?", r.eve.ID)
		for _, reader := range []party.Contact{r.ann, r.eve} {
			thread, err := r.CustomerCase(t.Context(), viewer(reader), opened.ID)
			r.must(err)
			shown := thread.ContactName + ", " + thread.Said[0].AuthorName + ", " + thread.Said[1].AuthorName + thread.ContactEmail + thread.Colleague
			want := map[string]string{r.ann.ID: "ann@acme.example, ann@acme.example, Another contact", r.eve.ID: "Another contact, Ann, eve@zenith.example"}[reader.ID]
			if shown != want {
				t.Errorf("%s reads %q, want %q", reader.Email, shown, want)
			}
		}
		withdrawn, err := r.Withdraw(t.Context(), as(r.bob), opened.ID)
		r.must(err)
		if withdrawn.Status != cases.Withdrawn || len(r.holds(r.invoice, "")) != 0 {
			t.Errorf("withdrawn %+v", withdrawn)
		}
		if data := r.text("SELECT data FROM events WHERE type = 'case.resolved'"); !strings.Contains(data, `"status":"withdrawn"`) {
			t.Errorf("event %s", data)
		}
		_, err = r.Withdraw(t.Context(), as(r.ann), opened.ID)
		r.refused(err, fault.Conflict, "", "withdrawn")
		_, err = r.Resolve(t.Context(), staff(r.north), r.north.ID, opened.ID, cases.Resolution{Outcome: "accepted"})
		r.refused(err, fault.Conflict, "", "withdrawn")
	})
}

func TestMailFindsNobody(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		opened := r.dispute()
		r.exec("UPDATE contacts SET bounced_at = ? WHERE id = ?", r.now, r.ann.ID)
		_, err := r.Answer(t.Context(), staff(r.north), r.north.ID, opened.ID, "Hello?")
		r.must(err)
		r.exec("UPDATE contacts SET bounced_at = NULL WHERE id = ?", r.ann.ID)
		r.exec("DELETE FROM account_contacts WHERE contact_id = ?", r.ann.ID)
		_, err = r.Answer(t.Context(), staff(r.north), r.north.ID, opened.ID, "Still there?")
		r.must(err)
		if n := r.count("mails", "1 = 1"); n != 0 {
			t.Errorf("%d mails to a mailbox that bounced or is not listed any more", n)
		}
		thread, err := r.VendorCase(t.Context(), r.north.ID, opened.ID)
		r.must(err)
		if thread.ContactEmail != "" || thread.ContactName != "A colleague" {
			t.Errorf("who opened it is %q %q", thread.ContactName, thread.ContactEmail)
		}
	})
}

func TestLists(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		var opened []cases.Case
		for _, text := range []string{"one", "two", "three"} {
			r.now = r.now.Add(time.Minute)
			question, err := r.Ask(t.Context(), as(r.ann), r.invoice, text)
			r.must(err)
			opened = append(opened, question)
		}
		r.now = r.now.Add(time.Minute)
		promise, err := r.Promise(t.Context(), as(r.ann), r.second, "2026-12-24", "")
		r.must(err)
		_, err = r.Resolve(t.Context(), staff(r.north), r.north.ID, opened[0].ID, cases.Resolution{Outcome: "answered"})
		r.must(err)
		// the first question was resolved in the minute of the promise: their ids decide
		r.now = r.now.Add(time.Minute)
		_, err = r.Reply(t.Context(), as(r.ann), opened[1].ID, "And?", nil)
		r.must(err)
		oldest := []string{opened[2].ID, opened[0].ID, promise.ID, opened[1].ID}
		for _, newest := range []bool{true, false} {
			want := slices.Clone(oldest)
			if newest {
				slices.Reverse(want)
			}
			if seen := r.walk(newest, 3); strings.Join(seen, " ") != strings.Join(want, " ") {
				t.Errorf("newest %v: %v, want %v", newest, seen, want)
			}
		}
		for _, c := range []struct {
			filter cases.Filter
			want   int
		}{
			{cases.Filter{Status: cases.Resolved}, 1}, {cases.Filter{Active: true}, 3}, {cases.Filter{Kind: cases.Promised}, 1},
			{cases.Filter{Since: r.now}, 1}, {cases.Filter{Search: "n-2"}, 1}, {cases.Filter{Search: "ACME"}, 4}, {cases.Filter{Search: "%"}, 0},
			{cases.Filter{Search: "zenith"}, 0}, {cases.Filter{InvoiceID: r.second}, 1}, {cases.Filter{InvoiceID: "nonsense"}, 0}, {cases.Filter{Active: true, Kind: cases.Question, Search: "ext-N-1"}, 2},
		} {
			list, _, err := r.ListForVendor(t.Context(), r.north.ID, c.filter, true, store.PageRequest{})
			r.must(err)
			ours, _, err := r.ListForCustomer(t.Context(), viewer(r.ann), c.filter, store.PageRequest{})
			r.must(err)
			if len(list) != c.want || len(ours) != c.want {
				t.Errorf("%+v: %d for the vendor, %d for the customer", c.filter, len(list), len(ours))
			}
		}
		if n, err := r.CountForVendor(t.Context(), r.north.ID); err != nil || n != 3 {
			t.Errorf("%d wait for the vendor, %v", n, err)
		}
		_, _, err = r.ListForVendor(t.Context(), r.north.ID, cases.Filter{}, true, store.PageRequest{Cursor: "nonsense"})
		r.refused(err, fault.Invalid, "cursor", "cursor")
	})
}

// walk reads all of North's list, page by page.
func (r *room) walk(newest bool, size int) []string {
	r.t.Helper()
	var seen []string
	page := store.PageRequest{Limit: size}
	for {
		list, next, err := r.ListForVendor(r.t.Context(), r.north.ID, cases.Filter{}, newest, page)
		r.must(err)
		for _, item := range list {
			seen = append(seen, item.ID)
		}
		if page.Cursor = next; next == "" {
			return seen
		}
	}
}

func TestExpirePromises(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		r.bring(r.north, "C-1", "Acme", "ann@acme.example", "Ann", record("N-3", 100), record("N-4", 100), record("N-5", 100), record("N-6", 100))
		promised := map[string]string{}
		for number, day := range map[string]string{"N-1": "2026-11-30", "N-2": "2026-11-30", "N-3": "2026-11-30", "N-4": "2026-12-01", "N-5": "2026-11-29", "N-6": "2026-11-30"} {
			opened, err := r.Promise(t.Context(), as(r.ann), r.find(number), day, "")
			r.must(err)
			promised[number] = opened.ID
		}
		r.exec("UPDATE invoices SET status = 'paid', open = 0 WHERE number = 'N-2'")
		r.exec("UPDATE invoices SET held = open WHERE number = 'N-3'") // its payment is processing
		r.exec("UPDATE invoices SET status = 'void', open = 0 WHERE number = 'N-5'")
		_, err := r.Withdraw(t.Context(), as(r.ann), promised["N-6"])
		r.must(err)
		if n, err := r.ExpirePromises(t.Context(), "2026-11-29"); err != nil || n != 0 {
			t.Fatalf("too early: %d, %v", n, err)
		}
		r.now = time.Date(2026, 12, 1, 3, 0, 0, 0, time.UTC)
		if n, err := r.ExpirePromises(t.Context(), "2026-12-01"); err != nil || n != 3 {
			t.Fatalf("%d resolved, %v", n, err)
		}
		if n, err := r.ExpirePromises(t.Context(), "2026-12-01"); err != nil || n != 0 {
			t.Errorf("again: %d, %v", n, err)
		}
		for number, want := range map[string]string{"N-1": "broken", "N-2": "kept", "N-3": "", "N-4": "", "N-5": "noted", "N-6": ""} {
			item, err := r.CustomerCase(t.Context(), viewer(r.ann), promised[number])
			r.must(err)
			if item.Resolution != want || !item.AnsweredAt.IsZero() {
				t.Errorf("%s: %q, want %q", number, item.Resolution, want)
			}
			told := 0
			if want != "" || number == "N-6" { // withdrawn
				told = 1
			}
			if n := r.count("events", "type = 'case.resolved' AND subject_id = ?", promised[number]); n != told {
				t.Errorf("%s: %d events, want %d", number, n, told)
			}
		}
		if len(r.letters.sent) != 0 {
			t.Error("the sweep mails nobody")
		}
		r.exec("UPDATE invoices SET held = 0 WHERE number = 'N-3'") // and failed
		if n, err := r.ExpirePromises(t.Context(), "2026-12-01"); err != nil || n != 1 {
			t.Errorf("after the payment failed: %d, %v", n, err)
		}
	})
}

func TestNotedPromiseHoldsOn(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		opened, err := r.Promise(t.Context(), as(r.ann), r.invoice, "2026-12-10", "")
		r.must(err)
		_, err = r.Resolve(t.Context(), staff(r.north), r.north.ID, opened.ID, cases.Resolution{Outcome: "noted"})
		r.must(err)
		for day, want := range map[money.Date]int{"2026-12-10": 1, "2026-12-11": 0} {
			if got := len(r.holds(r.invoice, day)); got != want {
				t.Errorf("%s: %d holds", day, got)
			}
		}
	})
}

func TestLimits(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		opened := r.dispute()
		for range cases.MostFiles {
			_, err := r.Reply(t.Context(), as(r.ann), opened.ID, "One more", &billing.DocumentRecord{Name: "x.txt", Content: []byte("x")})
			r.must(err)
		}
		_, err := r.Reply(t.Context(), as(r.ann), opened.ID, "One more", &billing.DocumentRecord{Name: "x.txt", Content: []byte("x")})
		r.refused(err, fault.Invalid, "file", "10 files")
		for range cases.MostCases - 1 {
			_, err := r.Ask(t.Context(), as(r.ann), r.invoice, "Again?")
			r.must(err)
		}
		_, err = r.Ask(t.Context(), as(r.ann), r.invoice, "Again?")
		r.refused(err, fault.Limited, "", "50 cases")
	})
}

func TestFollowPlans(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		parts := func(one, two, three string) []cases.Part {
			return []cases.Part{{On: "2026-12-01", Amount: one}, {On: "2027-01-01", Amount: two}, {On: "2027-02-01", Amount: three}}
		}
		for invoice, plan := range map[string][]cases.Part{r.invoice: parts("25.00", "50.00", "50.00"), r.second: parts("20.00", "20.00", "40.00")} {
			opened, err := r.Plan(t.Context(), as(r.ann), invoice, plan, "")
			r.must(err)
			_, err = r.Resolve(t.Context(), staff(r.north), r.north.ID, opened.ID, cases.Resolution{Outcome: "agreed"})
			r.must(err)
		}
		follow := func(day money.Date, want int) {
			t.Helper()
			if n, err := r.ExpirePromises(t.Context(), day); err != nil || n != want {
				t.Fatalf("on %s: %d judged, %v; want %d", day, n, err, want)
			}
		}
		holds := func(day money.Date, first, second int) {
			t.Helper()
			if a, b := len(r.holds(r.invoice, day)), len(r.holds(r.second, day)); a != first || b != second {
				t.Fatalf("on %s: %d and %d holds, want %d and %d", day, a, b, first, second)
			}
		}
		follow("2026-12-02", 0)
		r.exec("UPDATE invoices SET open = 10000 WHERE id = ?", r.invoice) // 25.00 came; nothing for the other
		r.exec("UPDATE invoices SET open = 6001 WHERE id = ?", r.second)   // a cent too few
		follow("2026-12-03", 2)
		follow("2026-12-03", 0)
		holds("2026-12-04", 1, 0)
		holds("2027-01-03", 1, 0)
		holds("2027-01-04", 0, 0)
		if n := r.count("invoice_history", "text LIKE '%missed%' AND invoice_id = ?", r.second); n != 1 {
			t.Errorf("%d lines tell of the missed one", n)
		}
		r.exec("UPDATE invoices SET open = 7000, held = 2000 WHERE id = ?", r.invoice) // 30.00 more came, and 20.00 are on their way
		follow("2027-01-03", 1)
		holds("2027-02-03", 1, 0)
		holds("2027-02-04", 0, 0)
		follow("2027-02-03", 0)
		if n := r.count("invoice_history", "text LIKE '%missed%'"); n != 1 {
			t.Errorf("%d lines tell of missed ones", n)
		}
	})
}
