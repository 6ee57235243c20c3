package operator_test

import (
	"flag"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/web/operator"
	"github.com/sheaf-hub/sheaf/web/ui"
	"github.com/sheaf-hub/sheaf/web/ui/uitest"
)

var (
	scheme = flag.String("scheme", "light", "colours of the pictures: light or dark")
	only   = flag.String("only", "", "take pictures of pages whose name holds this")
)

const today = money.Date("2026-11-22")

var noon = time.Date(2026, 11, 22, 12, 5, 0, 0, time.UTC)

func frame(title, current string) ui.Page {
	nav := []ui.NavItem{{Label: "Overview", URL: "/operator"}, {Label: "Vendors", URL: "/operator/vendors"}, {Label: "Digests", URL: "/operator/digests"},
		{Label: "Dead letters", URL: "/operator/dead-letters"}, {Label: "Transfers", URL: "/operator/transfers"}, {Label: "Tasks", URL: "/operator/tasks"},
		{Label: "Queues", URL: "/operator/queues"}, {Label: "Ledger", URL: "/operator/ledger"}, {Label: "Audit log", URL: "/operator/audit"}}
	for i := range nav {
		nav[i].Current = nav[i].URL == current
	}
	return ui.Page{Title: title, Area: ui.AreaOperator, Today: today, Token: "t0k3n", Nav: nav, SignedInAs: "olive@hub.example", Of: "Operator", SignOut: "/sign-out", Wide: true}
}

func amount(decimal string, currency money.Currency) money.Amount {
	a, err := money.Parse(decimal, currency)
	if err != nil {
		panic(err)
	}
	return a
}

func chip(tone ui.Tone, text string) operator.Status { return operator.Status{Tone: tone, Text: text} }

func overview() operator.OverviewView {
	cell := func(tone ui.Tone, text, count string) operator.StateCell {
		return operator.StateCell{Status: chip(tone, text), Count: count}
	}
	return operator.OverviewView{Page: frame("Overview", "/operator"), Gateway: "sandbox",
		Decide: []ui.Tile{{Figure: "2", Label: "Digests: sent or not?", URL: "/operator/digests", Tone: ui.ToneWarn}, {Figure: "1", Label: "Vendors that wait for approval", URL: "/operator/vendors", Tone: ui.ToneWarn},
			{Figure: "0", Label: "Transfers that failed", URL: "/operator/transfers"}, {Figure: "3", Label: "Transfers being checked", URL: "/operator/transfers", Tone: ui.ToneInfo}, {Figure: "12", Label: "Deliveries given up", URL: "/operator/dead-letters", Tone: ui.ToneBad},
			{Figure: "0", Label: "Mails given up", URL: "/operator/dead-letters"}, {Figure: "1", Label: "Tasks", URL: "/operator/tasks", Tone: ui.ToneWarn}},
		States: []operator.StateRow{{Label: "Vendors", URL: "/operator/vendors", Cells: []operator.StateCell{cell(ui.ToneGood, "Approved", "6"), cell(ui.ToneWarn, "Pending", "1")}},
			{Label: "Digests", URL: "/operator/digests", Cells: []operator.StateCell{cell(ui.ToneGood, "Done", "10412"), cell(ui.ToneInfo, "Pending", "77"), cell(ui.ToneNeutral, "Skipped", "340"), cell(ui.ToneWarn, "Unknown", "2")}}, {Label: "Payments"}}}
}

func digests() operator.DigestsView {
	return operator.DigestsView{Page: frame("Digests", "/operator/digests"), State: "unknown", Decide: true,
		Tabs: []ui.NavItem{{Label: "Pending", URL: "/operator/digests?state=pending", Count: 77}, {Label: "Done", URL: "/operator/digests?state=done", Count: 10412}, {Label: "Failed", URL: "/operator/digests?state=failed"}, {Label: "Unknown", URL: "/operator/digests?state=unknown", Count: 2, Current: true}},
		Rows: []operator.DigestRow{{ID: "1", Email: "ann.weatherby@acme-furniture.example", Period: "2026-W47", Subject: "Overdue with 3 vendors: EUR 1,560.40", State: chip(ui.ToneWarn, "Unknown"), Lines: "14", Attempts: "1", Due: noon, Answer: "no answer: the mail server may have taken the message", Message: "<0193a5b2-7c11-7d5e-8a61-3f0a52f1c001@hub.example>"}}}
}

func vendor(suspended bool) operator.VendorView {
	v := operator.VendorView{Page: frame("Northwind Freight", "/operator/vendors"), URL: "/operator/vendors/1", Name: "Northwind Freight", Status: chip(ui.ToneGood, "Approved"),
		Facts: []ui.Fact{{Label: "Id", Text: "0193a5b2-7c11-7d5e-8a61-3f0a52f1c001"}, {Label: "E-mail address", Text: "receivables@northwind-freight.example"}},
		Money: []operator.MoneyRow{{Invoices: 214, Open: amount("1284310.55", "EUR"), Overdue: amount("98430.10", "EUR")}}, Staff: []operator.StaffRow{{Name: "Mara Lindqvist", Email: "mara.lindqvist@northwind-freight.example", Role: "owner", Status: chip(ui.ToneGood, "Active")}},
		Health: []operator.HealthRow{{Name: "Tryton, head office", Status: chip(ui.ToneBad, "Failing"), Error: "The server refused the password."}}}
	v.NeedsAccount, v.Account, v.AccountWhy, v.Waiting = true, chip(ui.ToneWarn, "Not finished"), "The gateway asks for: the bank account that your money goes to.", waitingSums()
	v.AccountFacts = []ui.Fact{{Label: "Country", Text: "DE"}, {Label: "Reference", Text: "acct_1P2q3R4s5T6u7V8w9X"}}
	if suspended {
		v.Status, v.Suspended, v.Reason = chip(ui.ToneBad, "Suspended"), true, "Three customers say that they do not know this company."
		return v
	}
	v.Page.Errors = []ui.FieldError{{Field: "reason", Text: "Say why the vendor is suspended; its staff will read it."}}
	return v
}

const (
	northID = "0193a5b2-7c11-7d5e-8a61-3f0a52f1c001"
	toNorth = "vendor:" + northID + ":payable"
	account = "/operator/ledger/accounts/"
)

func ledgerPage() operator.LedgerView {
	north, lily := operator.Owner{Name: "Northwind Freight", URL: "/operator/vendors/" + northID}, operator.Owner{Name: "Acme Furniture and Interiors of the Upper Valley"}
	return operator.LedgerView{Page: frame("Ledger", "/operator/ledger"), More: true, AllURL: "/operator/ledger?show=held",
		Sums: []ui.Tile{{Label: "Owed to vendors", Figure: amount("1284310.55", "EUR").String(), Hint: "12 accounts", URL: "/operator/ledger?kind=payable"}, {Label: "Taken by no invoice", Figure: amount("40.00", "EUR").String(), Hint: "1 account", URL: "/operator/ledger?kind=unapplied"}, {Label: "Owed to vendors", Figure: amount("98000", "JPY").String(), Hint: "1 account", URL: "/operator/ledger?kind=payable"}},
		Held: []operator.HeldRow{{Owner: north, Words: "Owed to vendors", URL: account + toNorth + "?currency=EUR", Amount: amount("1253000.15", "EUR"), Since: noon.AddDate(0, 0, -12), Days: "for 12 days"},
			{Owner: lily, Words: "Taken by no invoice", URL: account + "customer:" + northID + ":unapplied?currency=EUR", Amount: amount("40.00", "EUR"), Since: noon, Days: "less than a day"}},
		Balances: []operator.BalanceRow{{Account: "gateway", URL: account + "gateway?currency=EUR", Words: "What the payment gateway holds", Amount: amount("31350.40", "EUR")},
			{Account: toNorth, URL: account + toNorth + "?currency=EUR", Words: "What is owed to Northwind Freight", Amount: amount("31350.40", "EUR").Neg()}}}
}

func statement() operator.StatementView {
	north := operator.Owner{Name: "Northwind Freight", URL: "/operator/vendors/" + northID}
	return operator.StatementView{Page: frame("What is owed to Northwind Freight", "/operator/ledger"), Account: toNorth, Words: "What is owed to Northwind Freight", Owner: north, URL: account + toNorth, Currency: "EUR",
		Currencies: []ui.NavItem{{Label: "EUR", URL: account + toNorth + "?currency=EUR", Current: true}, {Label: "JPY", URL: account + toNorth + "?currency=JPY"}}, From: "2026-11-01", To: "2026-11-30", Clear: account + toNorth,
		First: true, Opening: amount("120.00", "EUR").Neg(), Closing: amount("1000.15", "EUR").Neg(),
		Rows: []operator.LineRow{{At: noon, Kind: "Settlement", Memo: "payment 2026-000412", URL: "/operator/ledger/transactions/1", Amount: amount("1000.15", "EUR").Neg(), Balance: amount("1120.15", "EUR").Neg()},
			{At: noon, Kind: "Transfer", Memo: "transfer of NF-8812-220", URL: "/operator/ledger/transactions/2", Vendor: north, Amount: amount("120.00", "EUR"), Balance: amount("1000.15", "EUR").Neg()}}}
}

func booking(altered bool) operator.TransactionView {
	north := operator.Owner{Name: "Northwind Freight", URL: "/operator/vendors/" + northID}
	v := operator.TransactionView{Page: frame("Settlement", "/operator/ledger"), Kind: "Settlement", Seal: chip(ui.ToneGood, "As it was sealed"), Payment: northID,
		Facts:   []ui.Fact{{Label: "Memo", Text: "payment 2026-000412"}, {Label: "Batch", Text: "18"}, {Label: "Hash of the batch", Text: "seals:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}},
		Entries: ledgerPage().Balances, Others: []operator.OtherRow{{At: noon, Kind: "Transfer", Memo: "transfer of NF-8812-220", URL: "/operator/ledger/transactions/2", Vendor: north, Amount: amount("120.00", "EUR")}}}
	if altered {
		v.Seal, v.Altered = chip(ui.ToneBad, "Altered after it was sealed"), []string{"the amount of entry " + northID + " was altered"}
	}
	return v
}

func waitingSums() []operator.WaitingSum {
	return []operator.WaitingSum{{Amount: amount("31350.40", "EUR"), Shares: 12, Why: "for its account", Since: noon.Add(-80 * time.Hour)}, {Amount: amount("52000", "JPY"), Shares: 1, Why: "for the payer's bank", Since: noon}}
}

func previews() []uitest.Page {
	narrow := frame("Add a vendor", "/operator/vendors")
	narrow.Wide, narrow.Narrow = false, true
	outside := ui.Page{Title: "Sign in", Area: ui.AreaOperator, Today: today, Narrow: true}
	return []uitest.Page{
		{Name: "o-overview", Body: operator.Overview(overview())},
		{Name: "o-vendors", Body: operator.Vendors(operator.VendorsView{Page: frame("Vendors", "/operator/vendors"), Rows: []operator.VendorRow{{URL: "/operator/vendors/1", Name: "Northwind Freight", Email: "receivables@northwind-freight.example", Status: chip(ui.ToneGood, "Approved"), Since: noon}, {URL: "/operator/vendors/2", Name: "شركة الخليج للأثاث", Email: "ar@gulf.example", Status: chip(ui.ToneBad, "Suspended"), Reason: "Three customers say that they do not know this company.", Since: noon}}})},
		{Name: "o-vendor-error", Body: operator.Vendor(vendor(false))}, {Name: "o-vendor-suspended", Body: operator.Vendor(vendor(true))},
		{Name: "o-payouts", Body: operator.Waiting(operator.WaitingView{Page: frame("Money that waits", "/operator/vendors"), Rows: []operator.WaitingRow{{URL: "/operator/vendors/1", Name: "Northwind Freight", Account: chip(ui.ToneWarn, "Not finished"), Why: "The gateway asks for: the bank account that your money goes to, your date of birth.", Money: waitingSums()}}})},
		{Name: "o-vendor-new", Body: operator.NewVendor(operator.NewVendorView{Page: narrow})},
		{Name: "o-vendor-added", Body: operator.NewVendor(operator.NewVendorView{Page: narrow, Done: true, Name: "Northwind Freight", Email: "receivables@northwind-freight.example", VendorID: "0193a5b2-7c11-7d5e-8a61-3f0a52f1c001", APIKey: "shf_1a2b3c4d_8fJk2mN5qR7tV9wX0yZ3bC6dE8gH1jL4", WebhookSecret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"})},
		{Name: "o-digests", Body: operator.Digests(digests())}, {Name: "o-digests-empty", Body: operator.Digests(operator.DigestsView{Page: frame("Digests", "/operator/digests"), Tabs: digests().Tabs})},
		{Name: "o-dead", Body: operator.DeadLetters(operator.DeadLettersView{Page: frame("Dead letters", "/operator/dead-letters"), Kind: "deliveries", Deliveries: []operator.DeadDelivery{{ID: "1", VendorID: "1", Vendor: "Northwind Freight", Type: "payment.settled", Target: "https://erp.northwind-freight.example/hooks/sheaf?tenant=nf", At: noon, Attempts: "9", Answer: "503 Service Unavailable: upstream connect error or disconnect/reset before headers"}}})},
		{Name: "o-dead-mails", Body: operator.DeadLetters(operator.DeadLettersView{Page: frame("Dead letters", "/operator/dead-letters"), Kind: "mails", Mails: []operator.DeadMail{{ID: "1", Kind: "Case", To: "ann@acme-furniture.example", Subject: "Northwind Freight answered your question about NF-20377", At: noon, Attempts: "8", Answer: "550 no such mailbox"}, {ID: "2", Kind: "Sign in", To: "bo@acme-furniture.example", Subject: "Your link to sign in", At: noon, Attempts: "8", Answer: "expired", Expired: true}}})},
		{Name: "o-transfers", Body: operator.Transfers(operator.TransfersView{Page: frame("Transfers", "/operator/transfers"), State: "failed", Rows: []operator.TransferRow{{ID: "1", Vendor: "Northwind Freight", Amount: amount("1350.40", "EUR"), State: chip(ui.ToneBad, "Failed"), Attempts: "3", Changed: noon, Answer: "the gateway refused it: the destination account is closed", Retry: true}}})},
		{Name: "o-tasks", Body: operator.Tasks(operator.TasksView{Page: frame("Tasks", "/operator/tasks"), Rows: []operator.TaskRow{{ID: "1", Title: "ann@acme-furniture.example does not know Gilded Lily Interiors", Text: "The contact said that this vendor is not its own.", Made: noon}}})},
		{Name: "o-queues", Body: operator.Queues(operator.QueuesView{Page: frame("Queues", "/operator/queues"), Problem: "Redis did not answer. Work waits in the database and goes on when Redis is back.",
			Queues:    []operator.QueueRow{{Name: "money", Active: "1", Pending: "0", Scheduled: "0", Retry: "0", Archived: "0", Processed: "412", Failed: "0", Latency: "12ms"}, {Name: "news", Active: "8", Pending: "2310", Scheduled: "0", Retry: "3", Archived: "1", Processed: "99412", Failed: "17", Latency: "4.2s"}},
			Schedules: []operator.ScheduleRow{{Name: "Plan digests", Last: noon, Result: "planned 12", Next: noon.Add(time.Minute)}, {Name: "Reconcile payments", Last: noon.Add(-time.Hour), Result: "failed: the gateway does not answer", Next: noon.Add(-10 * time.Minute), Late: true}}})},
		{Name: "o-ledger", Body: operator.Ledger(ledgerPage())}, {Name: "o-ledger-empty", Body: operator.Ledger(operator.LedgerView{Page: frame("Ledger", "/operator/ledger")})},
		{Name: "o-statement", Body: operator.Statement(statement())}, {Name: "o-booking", Body: operator.Transaction(booking(false))}, {Name: "o-booking-altered", Body: operator.Transaction(booking(true))},
		{Name: "o-audit", Body: operator.Audit(operator.AuditView{Page: frame("Audit log", "/operator/audit"), Rows: []operator.AuditRow{{At: noon, Who: "olive@hub.example", WhoKind: "Operator", What: "Vendor approved", Vendor: "Northwind Freight", Before: "{\n  \"status\": \"pending\"\n}", After: "{\n  \"status\": \"approved\"\n}"}}})},
		{Name: "o-sign-in", Body: operator.SignIn(operator.SignInView{Page: outside, Mailbox: "/dev/mail"})}, {Name: "o-sign-in-sent", Body: operator.SignIn(operator.SignInView{Page: outside, Sent: true, Email: "olive@hub.example", Minutes: "10"})},
		{Name: "o-switch", Body: operator.Switch(operator.SwitchView{Page: narrow, Email: "olive@hub.example", Choices: []operator.Choice{{ID: "1", Name: "The hub itself", Role: "Operator", Current: true}, {ID: "2", Name: "Northwind Freight", Role: "Owner"}}})},
	}
}

func TestPagesAreWellMade(t *testing.T) {
	for _, p := range append(previews(), moneyPreviews()...) {
		t.Run(p.Name, func(t *testing.T) { uitest.Check(t, uitest.Render(t, p.Body)) })
	}
}

func TestPictures(t *testing.T) {
	var chosen []uitest.Page
	for _, p := range append(previews(), moneyPreviews()...) {
		if strings.Contains(p.Name, *only) {
			chosen = append(chosen, p)
		}
	}
	uitest.Shots(t, filepath.Join("..", "e2e", "shots"), *scheme, chosen)
}
