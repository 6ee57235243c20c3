package console_test

import (
	"strings"
	"time"

	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/web/console"
	"github.com/sheaf-hub/sheaf/web/ui"
	"github.com/sheaf-hub/sheaf/web/ui/uitest"
)

func debtRows() []console.DebtRow {
	return []console.DebtRow{{Amount: amount("128430.55", "EUR"), Causes: []console.CauseRow{{URL: "/vendor/chargebacks/1", Words: "chargeback of SH-0WZ9-AB3C", Amount: amount("128000.00", "EUR"), At: noon},
		{URL: "/vendor/payments/2", Words: "refund of SH-7QK2-M4XD", Amount: amount("430.55", "EUR"), At: noon.Add(-40 * time.Hour)}}}}
}

func chargebackRows() []console.ChargebackRow {
	return []console.ChargebackRow{
		{URL: "/vendor/chargebacks/1", Reference: "SH-0WZ9-AB3C", Amount: amount("128430.55", "EUR"), State: chip(ui.ToneBad, "Waits for you"), Reason: "The payer says that the goods or services are not what was agreed", At: noon, Due: noon.Add(9 * 24 * time.Hour), Open: true},
		{URL: "/vendor/chargebacks/2", Reference: "SH-1RT5-PL0Q", Amount: amount("420.00", "EUR"), State: chip(ui.ToneGood, "Decided for you"), Reason: "The payer says that it did not make this payment", At: noon.Add(-60 * 24 * time.Hour)}}
}

func refundedPayment() console.PaymentView {
	frame := approved("Payment SH-0WZ9-AB3C", "/vendor/payments")
	frame.Page.Errors = []ui.FieldError{{Field: "amount", Text: "EUR 9,000.00 is more than the EUR 820.40 that is left of this payment."}}
	return console.PaymentView{Frame: frame, URL: "/vendor/payments/1", Reference: "SH-0WZ9-AB3C", Status: chip(ui.ToneWarn, "Partly refunded"), Amount: amount("1350.40", "EUR"), HasTransfer: true,
		Lines:       []console.PaymentLine{{URL: "/vendor/invoices/1", Number: "NF-20310", Account: "C-104", By: "Money", Amount: amount("1350.40", "EUR")}},
		Facts:       []ui.Fact{{Label: "Money", Body: ui.Money(amount("1350.40", "EUR"))}, {Label: "Method", Text: "Card"}},
		Chargebacks: chargebackRows()[1:], Refund: console.RefundForm{Amount: "9000", Reason: "Two chairs came back", Key: "k", Left: amount("820.40", "EUR")},
		Refunds: []console.RefundRow{{ID: "1", Amount: amount("300.00", "EUR"), Reason: "Two chairs came back, and the customer does not want others for them", By: "Mara Lindqvist", At: noon, State: chip(ui.ToneBad, "Refused"), Why: "the gateway refused it: the charge has been charged back", Decide: true},
			{ID: "2", Amount: amount("230.00", "EUR"), Reason: "Freight was charged twice", By: "Mara Lindqvist", At: noon.Add(-50 * time.Hour), State: chip(ui.ToneGood, "Arrived")}}}
}

func chargeback(answerable bool) console.ChargebackView {
	v := console.ChargebackView{Frame: approved("Chargeback of SH-0WZ9-AB3C", "/vendor/payments"), ID: "1", Amount: amount("128430.55", "EUR"), Reference: "SH-0WZ9-AB3C", State: chip(ui.ToneBad, "Waits for you"),
		Reason: console.Reason{Title: "The payer says that the goods or services are not what was agreed", Help: "Show what was agreed and what was delivered, and what you offered when the payer complained."}, Standing: "It waits for your answer: 9 days and 4 hours are left, until 1 December 2026, 17:05 CET.",
		Facts: []ui.Fact{{Label: "Taken back", Body: ui.Money(amount("128430.55", "EUR"))}, {Label: "Deadline", Text: "Tuesday, 1 December 2026, 17:05 CET"}},
		Lines: []console.PaymentLine{{URL: "/vendor/invoices/2", Number: "NF-20391", Amount: amount("98430.55", "EUR")}, {URL: "/vendor/invoices/3", Number: "٢٠٢٦/٠٠٤١", Amount: amount("30000.00", "EUR")}},
		Form: console.EvidenceForm{MailLog: "2026-10-22 09:00 UTC  to ann.weatherby@acme-furniture.example: NF-20391", VisitLog: strings.Repeat("2026-10-22 09:00 UTC  ann.weatherby@acme-furniture.example signed in (Firefox on Linux), last seen 2026-10-22 09:40 UTC\n", 3),
			Offered: []console.Paper{{ID: "a", Name: "NF-20391.pdf", Detail: "invoice NF-20391, PDF, 34 KB", URL: "/vendor/documents/a"}, {ID: "b", Name: "a-very-long-name-of-a-delivery-note-that-somebody-scanned-at-the-gate-0001.pdf", Detail: "invoice NF-20391, PDF, 1034 KB"}}},
		MayAnswer: answerable}
	if answerable {
		v.Page.Errors = []ui.FieldError{{Field: "files", Text: "Choose PDFs or pictures (PNG or JPEG): the bank takes nothing else."}}
		return v
	}
	v.Given, v.State, v.Standing, v.Reopened = true, chip(ui.ToneInfo, "Answered"), "Your evidence was sent to the bank on 22 November 2026, 13:05 CET. An answer is final; the bank decides within weeks.", amount("98430.55", "EUR")
	v.Form.Text, v.Form.Mails, v.Form.Visits, v.Form.By, v.Form.At = "Everything was delivered on 3 October.\n\nThe delivery note is signed.", true, true, "Mara Lindqvist", noon
	v.Form.Papers = []console.Paper{{ID: "c", Name: "delivery-note.pdf", Detail: "PDF, 212 KB", URL: "/vendor/evidence/c"}}
	return v
}

func returnPreviews() []uitest.Page {
	tabs := []ui.NavItem{{Label: "Payments", URL: "/vendor/payments"}, {Label: "Chargebacks", URL: "/vendor/chargebacks", Count: 1, Current: true}}
	narrow := approved("Give money back", "/vendor/payments")
	narrow.Page.Wide, narrow.Page.Narrow = false, true
	plan := payment.RefundPlan{Amount: amount("300.00", "EUR"), FromAccount: amount("250.00", "EUR"), FromShares: amount("50.00", "EUR"), Left: amount("520.40", "EUR")}
	owing := overview()
	owing.Debts = debtRows()
	return []uitest.Page{
		{Name: "v-payment-refunds", Body: console.Payment(refundedPayment())},
		{Name: "v-refund-review", Body: console.ReviewRefund(console.RefundReview{Frame: narrow, URL: "/vendor/payments/1", Reference: "SH-0WZ9-AB3C", Payer: "account C-104", Form: console.RefundForm{Amount: "300.00", Reason: "Two chairs came back", Key: "k"}, Plan: plan})},
		{Name: "v-overview-owes", Body: console.Overview(owing)},
		{Name: "v-chargebacks", Body: console.Chargebacks(console.ChargebacksView{Frame: approved("Chargebacks", "/vendor/payments"), Tabs: tabs, Rows: chargebackRows()})},
		{Name: "v-chargebacks-empty", Body: console.Chargebacks(console.ChargebacksView{Frame: approved("Chargebacks", "/vendor/payments"), Tabs: tabs, Waiting: true})},
		{Name: "v-chargeback-answer", Body: console.Chargeback(chargeback(true))}, {Name: "v-chargeback-sent", Body: console.Chargeback(chargeback(false))},
	}
}
