package payment_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/gateway/stripe/stripefake"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/store"
)

var pdf = []byte("%PDF-1.4 proof of delivery")

func TestTwoVendorsAnswerOneChargeback(t *testing.T) {
	eachCounter(t, func(t *testing.T, c *counter) {
		north := c.owed(c.north, "N-1", 10000)
		p := c.paid(north, c.owed(c.bay, "B-1", 5000))
		c.exec(`INSERT INTO digests (id, customer_id, contact_id, period, state, due_at, attempts, message_id, subject, lines, last_answer, decided_by, created_at, updated_at, sent_at)
			VALUES (?, ?, ?, '2026-W46', 'done', ?, 1, 'x', 'Overdue with 2 vendors: USD 150.00', 2, '', '', ?, ?, ?)`,
			north.ID, c.payer.Contact.CustomerID, c.payer.Contact.ID, c.clock().UTC(), c.clock().UTC(), c.clock().UTC(), c.clock().UTC())
		c.exec("INSERT INTO digest_lines (digest_id, vendor_id, account_id, invoice_id, section, amount, currency) VALUES (?, ?, ?, ?, 'overdue', 10000, 'USD')",
			north.ID, c.north.ID, north.AccountID, north.ID)
		c.exec("INSERT INTO sessions (id, token_hash, contact_id, device, remembered, created_at, seen_at, expires_at) VALUES (?, 'x', ?, 'Firefox on Linux', FALSE, ?, ?, ?)",
			store.NewID(), c.payer.Contact.ID, c.clock().UTC(), c.clock().UTC(), c.clock().UTC())
		dispute := c.charged(p)
		c.work()
		view := c.part(c.north)
		if view.Amount != 10000 || view.Reference != c.share(c.north, p).Reference || len(view.Lines) != 1 || view.Lines[0].Number != "N-1" || view.Reopened == 0 && c.book(c.north, "N-1").Open != 10000 ||
			len(view.Offered) != 1 || view.Offered[0].Name != "N-1.pdf" || !view.MayAnswer(c.clock()) {
			t.Fatalf("%+v", view)
		}
		if !strings.Contains(view.Logs.Mails, "to ap@acme.example: N-1") || strings.Contains(view.Logs.Mails, "2 vendors") || !strings.Contains(view.Logs.Visits, "ap@acme.example signed in (Firefox on Linux)") {
			t.Fatalf("%+v", view.Logs)
		}
		for _, secret := range []string{"B-1", "Baywater", c.bay.ID, c.share(c.bay, p).Reference} {
			if strings.Contains(view.Logs.Mails+view.Logs.Visits+view.Evidence, secret) {
				t.Errorf("one vendor's logs say %q", secret)
			}
		}
		if n, err := c.CountWaitingChargebacks(t.Context(), c.north.ID); err != nil || n != 1 {
			t.Fatal(n, err)
		}
		_, err := c.VendorChargeback(t.Context(), c.bay.ID, view.ID)
		c.wantFault(err, fault.NotFound, "no such chargeback")
		c.wantFault(c.GiveEvidence(t.Context(), c.staff(c.bay), c.bay.ID, view.ID, payment.Evidence{Text: "x"}), fault.NotFound, "no such chargeback")
		c.wantFault(c.AcceptChargeback(t.Context(), c.staff(c.bay), c.bay.ID, view.ID), fault.NotFound, "no such chargeback")

		c.must(c.GiveEvidence(t.Context(), c.staff(c.north), c.north.ID, view.ID, payment.Evidence{Text: "It was delivered on 3 November.\n\nSigned by Ann.", Mails: true, Visits: true,
			Documents: []string{view.Offered[0].ID}, Files: []payment.EvidenceFile{{Kind: payment.PaperCommunication, Name: "letter.exe", Content: pdf}}}))
		if c.count("evidence_submissions", "TRUE") != 0 {
			t.Fatal("one vendor's answer left without the other's")
		}
		view = c.part(c.north)
		if len(view.Papers) != 2 || len(view.Offered) != 0 || view.EvidenceBy != "Mel" || !view.MayAnswer(c.clock()) {
			t.Fatalf("%+v", view)
		}
		paper, err := c.EvidencePaper(t.Context(), c.north.ID, view.Papers[1].ID)
		if err != nil || paper.ContentType != "application/pdf" || len(paper.Content) == 0 {
			t.Fatalf("%+v, %v", paper, err)
		}
		_, err = c.EvidencePaper(t.Context(), c.bay.ID, view.Papers[1].ID)
		c.wantFault(err, fault.NotFound, "no such paper")
		bay := c.part(c.bay)
		c.must(c.GiveEvidence(t.Context(), c.staff(c.bay), c.bay.ID, bay.ID, payment.Evidence{Text: "Ours too.", Documents: []string{bay.Offered[0].ID, view.ID}}))
		c.wantFault(c.GiveEvidence(t.Context(), c.staff(c.bay), c.bay.ID, bay.ID, payment.Evidence{Text: "More."}), fault.Conflict, "final")
		c.wantFault(c.AcceptChargeback(t.Context(), c.staff(c.north), c.north.ID, view.ID), fault.Conflict, "final")
		c.work()
		c.work()
		sent := c.fake.Disputes()[0]
		text := sent.Evidence["uncategorized_text"]
		if sent.ID != dispute || sent.Submissions != 1 || !strings.Contains(text, "Northwind, USD 100.00 for N-1:\nIt was delivered on 3 November.\n\nSigned by Ann.") || !strings.Contains(text, "Baywater, USD 50.00 for B-1:\nOurs too.") ||
			!strings.Contains(sent.Evidence["access_activity_log"], "Firefox on Linux") || sent.Evidence["receipt"] == "" || sent.Evidence["customer_communication"] == "" || len(c.fake.Files()) != 3 {
			t.Fatalf("%+v, %d files", sent, len(c.fake.Files()))
		}
		if view := c.part(c.north); view.SentAt.IsZero() || view.MayAnswer(c.clock()) || view.Leaving {
			t.Fatalf("%+v", view)
		}
		c.must(c.fake.CloseDispute(dispute, stripefake.Won))
		c.listen()
		c.work()
		if view := c.part(c.north); view.State != payment.ChargebackWon || c.book(c.north, "N-1").Open != 0 || c.tasked("chargeback_won") != 2 {
			t.Fatalf("%+v", view)
		}
		c.receivable(c.north, 0)
		c.sound()
		if problems := c.fake.Check(); len(problems) > 0 {
			t.Error(problems)
		}
	})
}

func TestEvidenceIsBounded(t *testing.T) {
	eachCounter(t, func(t *testing.T, c *counter) {
		p := c.paid(c.owed(c.north, "N-1", 10000), c.owed(c.bay, "B-1", 5000))
		c.charged(p)
		view, by := c.part(c.north), c.staff(c.north)
		file := func(content []byte) []payment.EvidenceFile {
			return []payment.EvidenceFile{{Name: "a.pdf", Content: content}}
		}
		five := append(append(append(file(pdf), file(pdf)...), append(file(pdf), file(pdf)...)...), file(pdf)...)
		for words, evidence := range map[string]payment.Evidence{
			"20,000 characters": {Text: strings.Repeat("é", 20_001)}, "speaks for you": {Text: " \n\t "}, "PDFs or pictures": {Files: file([]byte("MZ program"))},
			"is empty": {Files: file(nil)}, "at most 4 papers": {Files: five}, "4 MB": {Files: file(append(bytes.Clone(pdf), make([]byte, payment.MostEvidenceBytes)...))},
		} {
			c.wantFault(c.GiveEvidence(t.Context(), by, c.north.ID, view.ID, evidence), fault.Invalid, words)
		}
		if view := c.part(c.north); !view.EvidenceAt.IsZero() || len(view.Papers) != 0 {
			t.Fatalf("%+v", view)
		}
		c.must(c.GiveEvidence(t.Context(), by, c.north.ID, view.ID, payment.Evidence{Text: strings.Repeat("é", 20_000), Files: file(pdf), Documents: []string{view.Offered[0].ID}}))
		view = c.part(c.north)
		c.must(c.GiveEvidence(t.Context(), by, c.north.ID, view.ID, payment.Evidence{Keep: []string{view.Papers[0].ID}})) // a paper alone, the other one gone
		if view = c.part(c.north); len(view.Papers) != 1 || view.Evidence != "" {
			t.Fatalf("%+v", view)
		}
		c.must(c.AcceptChargeback(t.Context(), by, c.north.ID, view.ID))
		c.must(c.AcceptChargeback(t.Context(), by, c.north.ID, view.ID))
		if n := c.count("audit_log", "action = 'chargeback.accepted'"); n != 1 {
			t.Fatal(n)
		}
		c.must(c.AcceptChargeback(t.Context(), c.staff(c.bay), c.bay.ID, c.part(c.bay).ID))
		c.later(8*24*time.Hour + 23*time.Hour)
		_, err := c.FollowDeadlines(t.Context())
		c.must(err)
		c.work()
		if c.count("evidence_submissions", "TRUE") != 0 || c.fake.Disputes()[0].Submissions != 0 || c.tasked("chargeback_unanswered") != 0 {
			t.Fatal("what everybody accepts is contested")
		}
	})
}

func TestDeadlines(t *testing.T) {
	eachCounter(t, func(t *testing.T, c *counter) {
		c.charged(c.paid(c.owed(c.north, "N-1", 10000), c.owed(c.bay, "B-1", 5000)))
		view := c.part(c.north)
		follow := func(want int) {
			t.Helper()
			if n, err := c.FollowDeadlines(t.Context()); err != nil || n != want {
				t.Fatalf("%d, %v; want %d", n, err, want)
			}
		}
		follow(0)
		c.later(view.EvidenceDueAt.Sub(c.clock()) - 71*time.Hour)
		c.must(c.GiveEvidence(t.Context(), c.staff(c.north), c.north.ID, view.ID, payment.Evidence{Text: "It was delivered."}))
		follow(1)
		follow(1)
		if c.tasked("chargeback_reminder") != 1 || c.count("evidence_submissions", "TRUE") != 0 {
			t.Fatalf("%+v", c.tasks)
		}
		c.later(48 * time.Hour)
		follow(1)
		follow(0)
		c.work()
		if c.fake.Disputes()[0].Submissions != 1 || c.tasked("chargeback_unanswered") != 1 {
			t.Fatalf("%+v", c.tasks)
		}
		c.wantFault(c.GiveEvidence(t.Context(), c.staff(c.bay), c.bay.ID, c.part(c.bay).ID, payment.Evidence{Text: "Late."}), fault.Conflict, "final")
	})
}

func TestNobodyAnswers(t *testing.T) {
	eachCounter(t, func(t *testing.T, c *counter) {
		dispute := c.charged(c.paid(c.owed(c.north, "N-1", 10000)))
		view := c.part(c.north)
		c.later(view.EvidenceDueAt.Sub(c.clock()) - 23*time.Hour)
		_, err := c.FollowDeadlines(t.Context())
		c.must(err)
		c.work()
		if c.fake.Disputes()[0].Submissions != 0 || c.tasked("chargeback_unanswered") != 2 { // one for the vendor, one for the operator
			t.Fatalf("%+v", c.tasks)
		}
		c.later(24 * time.Hour)
		c.wantFault(c.GiveEvidence(t.Context(), c.staff(c.north), c.north.ID, view.ID, payment.Evidence{Text: "Late."}), fault.Conflict, "deadline has passed")
		c.must(c.fake.CloseDispute(dispute, stripefake.Lost))
		c.listen()
		c.wantFault(c.AcceptChargeback(t.Context(), c.staff(c.north), c.north.ID, view.ID), fault.Conflict, "decided")
		c.work()
		if view := c.part(c.north); view.State != payment.ChargebackLost {
			t.Fatalf("%+v", view)
		}
		c.sound()
	})
}

// The answer left, and the word that it did was lost: it is looked up and not
// sent again.
func TestALostWordAboutEvidenceIsLookedUp(t *testing.T) {
	eachCounter(t, func(t *testing.T, c *counter) {
		c.charged(c.paid(c.owed(c.north, "N-1", 10000)))
		view := c.part(c.north)
		c.fake.SetFaults(stripefake.Faults{Request: func(r stripefake.Request) stripefake.Fate {
			return stripefake.Fate{LoseAnswer: r.Method == "POST" && strings.Contains(r.Path, "/disputes/")}
		}})
		c.must(c.GiveEvidence(t.Context(), c.staff(c.north), c.north.ID, view.ID, payment.Evidence{Text: "It was delivered.", Files: []payment.EvidenceFile{{Name: "a.pdf", Content: pdf}}}))
		refs, err := c.DB.TakeDue(t.Context(), payment.Submissions, "id", c.clock(), 10, time.Minute)
		c.must(err)
		c.must(c.SendEvidence(t.Context(), refs[0]))
		if c.count("evidence_submissions", "state = 'unknown'") != 1 || c.fake.Disputes()[0].Submissions != 1 {
			t.Fatal("the answer was not lost")
		}
		c.fake.SetFaults(stripefake.Faults{})
		c.pass(time.Minute)
		c.work()
		if c.count("evidence_submissions", "state = 'done'") != 1 || c.fake.Disputes()[0].Submissions != 1 || c.part(c.north).SentAt.IsZero() {
			t.Fatal("it was not found")
		}
		detail, err := c.Chargeback(t.Context(), view.ChargebackID)
		if err != nil || len(detail.Parts) != 1 || detail.Submission == nil || len(detail.Papers[view.ID]) != 1 || detail.Phase != payment.DisputeInReview {
			t.Fatalf("%+v, %v", detail, err)
		}
	})
}

func TestEvidenceThatIsRefusedIsTheOperatorsToDecide(t *testing.T) {
	eachCounter(t, func(t *testing.T, c *counter) {
		c.charged(c.paid(c.owed(c.north, "N-1", 10000)))
		view := c.part(c.north)
		c.must(c.GiveEvidence(t.Context(), c.staff(c.north), c.north.ID, view.ID, payment.Evidence{Text: "It was delivered."}))
		c.exec("UPDATE chargebacks SET gateway_ref = 'dp_wrong'")
		c.work()
		if c.count("evidence_submissions", "state = 'failed'") != 1 || c.tasked("evidence_failed") != 1 {
			t.Fatalf("%+v", c.tasks)
		}
		c.exec("UPDATE chargebacks SET gateway_ref = ?", c.fake.Disputes()[0].ID)
		c.must(c.RetryEvidence(t.Context(), c.staff(c.north), view.ChargebackID))
		c.wantFault(c.RetryEvidence(t.Context(), c.staff(c.north), view.ChargebackID), fault.NotFound, "failed")
		c.work()
		if c.fake.Disputes()[0].Submissions != 1 || c.part(c.north).SentAt.IsZero() {
			t.Fatal("it was not sent again")
		}
	})
}

// The books follow the chargeback later: then they alone speak, when the vendor
// says so.
func TestTheVendorSaysThatItsBooksShowTheChargeback(t *testing.T) {
	eachCounter(t, func(t *testing.T, c *counter) {
		invoice := c.owed(c.north, "N-1", 10000)
		p := c.paid(invoice)
		record := bill("C-1", "N-1", 10000, 0) // the books show the payment
		record.Currency, record.Applied = "USD", []string{c.share(c.north, p).Reference}
		c.push(c.north, billing.Batch{Invoices: []billing.InvoiceRecord{record}})
		c.charged(p)
		view := c.part(c.north)
		if book := c.book(c.north, "N-1"); book.Open != 10000 || view.Reopened != 10000 {
			t.Fatalf("%+v, %d", book, view.Reopened)
		}
		record.Open, record.Applied = 10000, nil
		c.wantFault(c.ConfirmChargebackBooked(t.Context(), c.staff(c.bay), c.bay.ID, view.ID), fault.NotFound, "no such chargeback")
		c.must(c.ConfirmChargebackBooked(t.Context(), c.staff(c.north), c.north.ID, view.ID))
		if book := c.book(c.north, "N-1"); book.Reopened != 0 || c.count("audit_log", "action = 'chargeback.booked'") != 1 {
			t.Fatalf("%+v", book)
		}
	})
}
