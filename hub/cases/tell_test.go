package cases_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/cases"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/money"
)

func TestAsk(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		opened, err := r.Ask(t.Context(), as(r.ann), r.invoice, "  Which order\r\nis\u202e this?\x00 ")
		r.must(err)
		if opened.Kind != cases.Question || opened.Status != cases.Open || opened.Amount != 0 || opened.VendorID != r.north.ID {
			t.Fatalf("opened %+v", opened)
		}
		if again, err := r.Ask(t.Context(), as(r.ann), r.invoice, "And when?"); err != nil || again.ID == opened.ID {
			t.Fatalf("a second question: %+v, %v", again, err)
		}
		if len(r.holds(r.invoice, "")) != 0 {
			t.Error("a question must not stop the chasing")
		}
		thread, err := r.CustomerCase(t.Context(), viewer(r.ann), opened.ID)
		r.must(err)
		if len(thread.Said) != 1 || thread.Said[0].Text != "Which order\nis this?" || thread.Said[0].AuthorName != "Ann" || thread.InvoiceNumber != "N-1" || thread.VendorName != "North" {
			t.Fatalf("thread %+v", thread)
		}
		if n := r.count("events", "type = 'case.opened' AND subject_id = ? AND vendor_id = ?", opened.ID, r.north.ID); n != 1 {
			t.Errorf("%d events", n)
		}
		if n := r.count("deliveries", "vendor_id = ?", r.north.ID); n != 2 {
			t.Errorf("%d deliveries for two questions", n)
		}
		if n := r.count("deliveries", "vendor_id = ?", r.south.ID); n != 0 {
			t.Errorf("another vendor has %d deliveries", n)
		}
		if n := r.count("invoice_history", "invoice_id = ? AND kind = 'case'", r.invoice); n != 2 {
			t.Errorf("%d lines of history", n)
		}
		if n := r.count("audit_log", "action = 'case.opened' AND subject_id = ? AND actor_id = ?", opened.ID, r.ann.ID); n != 1 {
			t.Errorf("%d audit entries", n)
		}
	})
}

func TestWhoMaySpeak(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		_, err := r.Ask(t.Context(), as(r.eve), r.invoice, "Mine?")
		r.refused(err, fault.NotFound, "", "no such invoice")
		_, err = r.Ask(t.Context(), as(r.ann), r.other, "Mine?")
		r.refused(err, fault.NotFound, "", "no such invoice")
		_, err = r.Ask(t.Context(), as(r.ann), "nonsense", "Mine?")
		r.refused(err, fault.NotFound, "", "no such invoice")

		link := as(r.ann)
		link.Actor.Kind, link.Viewer.Only = access.KindLink, []string{r.invoice}
		_, err = r.OpenDispute(t.Context(), link, r.invoice, cases.Dispute{Reason: "damaged"})
		r.refused(err, fault.Forbidden, "", "Sign in")
		only := as(r.ann)
		only.Viewer.Only = []string{r.invoice}
		_, err = r.Ask(t.Context(), only, r.invoice, "Mine?")
		r.refused(err, fault.Forbidden, "", "Sign in")
		posing := as(r.eve)
		posing.Viewer = viewer(r.ann)
		_, err = r.Ask(t.Context(), posing, r.invoice, "Mine?")
		r.refused(err, fault.NotFound, "", "no such case")
		_, err = r.Ask(t.Context(), cases.Author{Actor: access.Actor{Kind: access.KindContact}}, r.invoice, "Nobody")
		r.refused(err, fault.NotFound, "", "no such case")

		r.exec("UPDATE vendors SET status = 'suspended' WHERE id = ?", r.north.ID)
		_, err = r.Ask(t.Context(), as(r.ann), r.invoice, "Still there?")
		r.refused(err, fault.NotFound, "", "no such invoice")
		if n := r.count("cases", "1 = 1"); n != 0 {
			t.Errorf("%d cases were stored", n)
		}
	})
}

func TestTextLimits(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		for text, words := range map[string]string{"": "Write something", " \n\t\u200b ": "Write something", strings.Repeat("é", 4001): "longer than 4000"} {
			_, err := r.Ask(t.Context(), as(r.ann), r.invoice, text)
			r.refused(err, fault.Invalid, "text", words)
		}
		opened, err := r.Ask(t.Context(), as(r.ann), r.invoice, strings.Repeat("é", 4000))
		r.must(err)
		_, err = r.Reply(t.Context(), as(r.ann), opened.ID, " ", nil)
		r.refused(err, fault.Invalid, "text", "Write something")
		_, err = r.Answer(t.Context(), staff(r.north), r.north.ID, opened.ID, "")
		r.refused(err, fault.Invalid, "text", "Write something")
		_, err = r.Promise(t.Context(), as(r.ann), r.invoice, "2026-12-01", strings.Repeat("x", 4001))
		r.refused(err, fault.Invalid, "note", "longer")
	})
}

func TestOpenDispute(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		for _, bad := range []struct {
			dispute        cases.Dispute
			pointer, words string
		}{
			{cases.Dispute{Reason: "mood"}, "reason", "Choose"},
			{cases.Dispute{}, "reason", "Choose"},
			{cases.Dispute{Reason: "other"}, "note", "Say what"},
			{cases.Dispute{Reason: "damaged", Amount: "125.01"}, "amount", "more than what is open"},
			{cases.Dispute{Reason: "damaged", Amount: "0"}, "amount", "more than nothing"},
			{cases.Dispute{Reason: "damaged", Amount: "-1"}, "amount", "more than nothing"},
			{cases.Dispute{Reason: "damaged", Amount: "1.005"}, "amount", "2 digits"},
			{cases.Dispute{Reason: "damaged", Amount: "ten"}, "amount", "EUR"},
			{cases.Dispute{Reason: "damaged", File: &billing.DocumentRecord{Name: "x.pdf"}}, "file", "empty"},
			{cases.Dispute{Reason: "damaged", File: &billing.DocumentRecord{Name: "x.pdf", Content: make([]byte, billing.MostDocumentBytes+1)}}, "file", "10 MB"},
		} {
			_, err := r.OpenDispute(t.Context(), as(r.ann), r.invoice, bad.dispute)
			r.refused(err, fault.Invalid, bad.pointer, bad.words)
		}
		if n := r.count("cases", "1 = 1") + r.count("messages", "1 = 1") + r.count("events", "1 = 1") + r.count("holds", "1 = 1"); n != 0 {
			t.Fatalf("a refused dispute left %d rows", n)
		}
		opened, err := r.OpenDispute(t.Context(), as(r.ann), r.invoice, cases.Dispute{Reason: "wrong_price", Amount: "25.00", Note: "It was 100.",
			File: &billing.DocumentRecord{Name: "offer.pdf", ContentType: "application/pdf", Content: []byte("%PDF-1.4")}})
		r.must(err)
		holds := r.holds(r.invoice, "2027-06-01")
		if len(holds) != 1 || holds[0].Kind != billing.HoldDispute || holds[0].CaseID != opened.ID || holds[0].Amount != 2500 || holds[0].EndsOn != "" {
			t.Errorf("holds %+v", holds)
		}
		_, err = r.OpenDispute(t.Context(), as(r.bob), r.invoice, cases.Dispute{Reason: "damaged"})
		r.refused(err, fault.Conflict, "", "open dispute")
		if whole, err := r.OpenDispute(t.Context(), as(r.ann), r.second, cases.Dispute{Reason: "duplicate"}); err != nil || whole.Amount != 8000 {
			t.Errorf("all that is open: %+v, %v", whole, err)
		}
		threads, err := r.CasesOfInvoice(t.Context(), viewer(r.ann), r.invoice)
		r.must(err)
		if len(threads) != 1 || len(threads[0].Files) != 1 || threads[0].Files[0].Name != "offer.pdf" || threads[0].ReasonWords() != "The price is wrong" {
			t.Errorf("threads %+v", threads)
		}
		r.exec("UPDATE invoices SET status = 'paid', open = 0 WHERE id = ?", r.second)
		_, err = r.SentNotice(t.Context(), as(r.ann), r.second, cases.Sent{Method: "cheque", On: "2026-11-20"})
		r.refused(err, fault.Conflict, "", "paid")
	})
}

func TestOneDisputeOfManyAtOnce(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		var group sync.WaitGroup
		results := make([]error, 6)
		for i := range results {
			group.Go(func() {
				_, results[i] = r.OpenDispute(t.Context(), as(r.ann), r.invoice, cases.Dispute{Reason: "damaged"})
			})
		}
		group.Wait()
		won := 0
		for _, err := range results {
			if err == nil {
				won++
			} else {
				r.refused(err, fault.Conflict, "", "open dispute")
			}
		}
		if won != 1 || r.count("holds", "1 = 1") != 1 || r.count("events", "1 = 1") != 1 || r.count("messages", "1 = 1") != 1 {
			t.Errorf("%d won; %d holds, %d events, %d messages", won, r.count("holds", "1 = 1"), r.count("events", "1 = 1"), r.count("messages", "1 = 1"))
		}
	})
}

func TestPromise(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		// it is the 23rd in Berlin already
		for _, bad := range []string{"", "tomorrow", "2026-11-22", "2027-02-22", "2026-02-30"} {
			_, err := r.Promise(t.Context(), as(r.ann), r.invoice, bad, "")
			r.refused(err, fault.Invalid, "date", " date ")
		}
		opened, err := r.Promise(t.Context(), as(r.ann), r.invoice, "2027-02-21", "")
		r.must(err)
		if opened.PromisedOn != "2027-02-21" || opened.Amount != 12500 {
			t.Errorf("opened %+v", opened)
		}
		if len(r.holds(r.invoice, "2027-02-21")) != 1 || len(r.holds(r.invoice, "2027-02-22")) != 0 {
			t.Error("the hold must end the day after the promised one")
		}
		_, err = r.Promise(t.Context(), as(r.ann), r.invoice, "2026-12-01", "")
		r.refused(err, fault.Conflict, "", "promise to pay")
		if _, err := r.Promise(t.Context(), as(r.ann), r.second, "2026-11-23", "today"); err != nil {
			t.Errorf("today: %v", err)
		}
		r.exec("UPDATE invoices SET held = open WHERE id = ?", r.second)
		_, err = r.Plan(t.Context(), as(r.ann), r.second, []cases.Part{{On: "2026-12-01", Amount: "40.00"}, {On: "2027-01-01", Amount: "40.00"}}, "")
		r.refused(err, fault.Conflict, "", "on its way")
	})
}

func TestSentNotice(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		for _, bad := range []struct {
			sent    cases.Sent
			pointer string
		}{
			{cases.Sent{Method: "pigeon", On: "2026-11-20"}, "method"},
			{cases.Sent{Method: "cheque", On: "2026-11-24"}, "date"},
			{cases.Sent{Method: "cheque", On: "2024-11-24"}, "date"},
			{cases.Sent{Method: "cheque", On: "2026-11-20", Amount: "126"}, "amount"},
		} {
			_, err := r.SentNotice(t.Context(), as(r.ann), r.invoice, bad.sent)
			r.refused(err, fault.Invalid, bad.pointer, "")
		}
		opened, err := r.SentNotice(t.Context(), as(r.ann), r.invoice, cases.Sent{Method: "cheque", Number: " 10\n42 ", On: "2026-11-20", Address: "1 Road\nTown", Amount: "100"})
		r.must(err)
		thread, err := r.VendorCase(t.Context(), r.north.ID, opened.ID)
		r.must(err)
		want := cases.Details{Method: "cheque", Number: "10 42", SentOn: "2026-11-20", Address: "1 Road\nTown"}
		if got := thread.Details; got.Method != want.Method || got.Number != want.Number || got.SentOn != want.SentOn || got.Address != want.Address {
			t.Errorf("details %+v", got)
		}
		if !strings.Contains(thread.Said[0].Text, "number 10 42") {
			t.Errorf("said %q", thread.Said[0].Text)
		}
		if len(r.holds(r.invoice, "2026-12-06")) != 1 || len(r.holds(r.invoice, "2026-12-07")) != 0 {
			t.Error("the hold must last 14 days from the 23rd")
		}
	})
}

func TestPlan(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		for _, bad := range []struct {
			parts          []cases.Part
			pointer, words string
		}{
			{nil, "instalments", "2 to 12"},
			{[]cases.Part{{"2026-12-01", "125.00"}}, "instalments", "2 to 12"},
			{make([]cases.Part, 13), "instalments", "2 to 12"},
			{[]cases.Part{{"2026-12-01", "60.00"}, {"2026-12-01", "65.00"}}, "instalments/1/on", "2 Dec 2026"},
			{[]cases.Part{{"2026-11-22", "60.00"}, {"2026-12-01", "65.00"}}, "instalments/0/on", "23 Nov 2026"},
			{[]cases.Part{{"2026-12-01", "60.00"}, {"2028-01-01", "65.00"}}, "instalments/1/on", "date"},
			{[]cases.Part{{"2026-12-01", "60.00"}, {"2027-01-01", "64.99"}}, "instalments", "124.99"},
			{[]cases.Part{{"2026-12-01", "0"}, {"2027-01-01", "125.00"}}, "instalments/0/amount", "nothing"},
		} {
			_, err := r.Plan(t.Context(), as(r.ann), r.invoice, bad.parts, "")
			r.refused(err, fault.Invalid, bad.pointer, bad.words)
		}
		opened, err := r.Plan(t.Context(), as(r.ann), r.invoice, []cases.Part{{"2026-12-01", "60.00"}, {"2027-01-01", "65.00"}}, "We are short.")
		r.must(err)
		if holds := r.holds(r.invoice, "2030-01-01"); len(holds) != 1 || holds[0].Kind != billing.HoldPlan {
			t.Errorf("holds %+v", holds)
		}
		_, err = r.Resolve(t.Context(), staff(r.north), r.north.ID, opened.ID, cases.Resolution{Outcome: "declined"})
		r.refused(err, fault.Invalid, "note", "why")
		_, err = r.Resolve(t.Context(), staff(r.north), r.north.ID, opened.ID, cases.Resolution{Outcome: "agreed"})
		r.must(err)
		if len(r.holds(r.invoice, "2026-12-03")) != 1 || len(r.holds(r.invoice, "2026-12-04")) != 0 {
			t.Error("an agreed plan holds until its first instalment had time to arrive")
		}
	})
}

// TestEventsNameNobodyElse reads what leaves for the vendor.
func TestEventsNameNobodyElse(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		opened, err := r.Plan(t.Context(), as(r.bob), r.invoice, []cases.Part{{"2026-12-01", "60.00"}, {"2027-01-01", "65.00"}}, "We are short.")
		r.must(err)
		data := r.text("SELECT data FROM events WHERE subject_id = ?", opened.ID)
		for _, secret := range []string{r.ann.ID, r.bob.ID, r.bob.Email, "Bob", r.ann.CustomerID, r.invoice, r.south.ID} {
			if strings.Contains(data, secret) {
				t.Errorf("the event bears %q: %s", secret, data)
			}
		}
		var view cases.View
		decoder := json.NewDecoder(bytes.NewReader([]byte(data)))
		decoder.DisallowUnknownFields()
		r.must(decoder.Decode(&view))
		if view.ID != opened.ID || view.Amount != "125.00" || view.Currency != money.Currency("EUR") || view.Invoice.ExternalID != "ext-N-1" || view.Invoice.Number != "N-1" ||
			view.Account != "C-1" || len(view.Details.Instalments) != 2 || view.Details.Instalments[1].Amount != "65.00" || len(view.Messages) != 1 ||
			view.Messages[0].Text != "We are short." || view.Messages[0].Author != "A colleague of Ann" || view.PromisedOn != "2027-01-01" {
			t.Errorf("view %s", data)
		}
	})
}
