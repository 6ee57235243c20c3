package console_test

import (
	"time"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/web/console"
	"github.com/sheaf-hub/sheaf/web/ui"
	"github.com/sheaf-hub/sheaf/web/ui/uitest"
)

const today = money.Date("2026-11-22")

var noon = time.Date(2026, 11, 22, 12, 5, 0, 0, time.UTC)

func frame(title, current string, status party.VendorStatus) console.Frame {
	nav := []ui.NavItem{{Label: "Overview", URL: "/vendor"}, {Label: "Invoices", URL: "/vendor/invoices"}, {Label: "Payments", URL: "/vendor/payments"},
		{Label: "Payouts", URL: "/vendor/payouts"}, {Label: "Cases", URL: "/vendor/cases", Count: 2}, {Label: "Tasks", URL: "/vendor/tasks", Count: 14}, {Label: "Imports", URL: "/vendor/imports"},
		{Label: "Deliveries", URL: "/vendor/deliveries"}, {Label: "Preview", URL: "/vendor/preview"}, {Label: "Settings", URL: "/vendor/profile"}}
	for i := range nav {
		nav[i].Current = nav[i].URL == current
	}
	return console.Frame{Status: status, Owner: true, Page: ui.Page{Title: title, Area: ui.AreaConsole, Today: today, Token: "t0k3n", Nav: nav,
		SignedInAs: "mara.lindqvist@northwind-freight.example", Of: "Northwind Freight", SignOut: "/sign-out", Wide: true}}
}

func approved(title, current string) console.Frame {
	return frame(title, current, party.VendorApproved)
}

func amount(decimal string, currency money.Currency) money.Amount {
	a, err := money.Parse(decimal, currency)
	if err != nil {
		panic(err)
	}
	return a
}

func chip(tone ui.Tone, text string) console.Status { return console.Status{Tone: tone, Text: text} }

func invoiceRows() []console.InvoiceRow {
	overdue, open := chip(ui.ToneBad, "Overdue"), chip(ui.ToneNeutral, "Open")
	return []console.InvoiceRow{
		{URL: "/vendor/invoices/1", Number: "NF-20377", Account: "Acme Furniture Ltd", Issued: "2026-09-22", Due: "2026-10-22", Total: amount("1640.00", "EUR"), Open: amount("1640.00", "EUR"), Statuses: []console.Status{overdue, chip(ui.ToneWarn, "In dispute")}},
		{URL: "/vendor/invoices/2", Number: "NF-20391", Account: "Møller & Søn Træindustri Aktieselskab, Afdeling Nordjylland", Issued: "2026-10-30", Due: "2026-11-29", Total: amount("128430.55", "EUR"), Open: amount("98430.55", "EUR"), Held: amount("30000.00", "EUR"), Statuses: []console.Status{open, chip(ui.ToneInfo, "Payment processing")}},
		{URL: "/vendor/invoices/3", Number: "٢٠٢٦/٠٠٤١", Account: "شركة الخليج للأثاث", Issued: "2026-11-02", Due: "", Total: amount("1200.500", "KWD"), Open: amount("1200.500", "KWD"), Statuses: []console.Status{open}},
		{URL: "/vendor/invoices/4", Number: "NF-20402", Account: "Brightwell Print Ltd", Issued: "2025-12-03", Due: "2026-01-02", Total: amount("52000", "JPY"), Open: amount("52000", "JPY"), Statuses: []console.Status{overdue, chip(ui.ToneInfo, "Promised"), chip(ui.ToneWarn, "On hold by you")}},
	}
}

func paymentRows() []console.PaymentRow {
	return []console.PaymentRow{
		{URL: "/vendor/payments/1", Reference: "SH-7QK2-M4XD", At: noon.Add(-2 * time.Hour), Amount: amount("30000.00", "EUR"), Invoices: "NF-20391", Status: chip(ui.ToneInfo, "Processing")},
		{URL: "/vendor/payments/2", Reference: "SH-0WZ9-AB3C", At: noon.Add(-40 * time.Hour), Amount: amount("1350.40", "EUR"), Credit: amount("89.60", "EUR"), Invoices: "NF-20310, NF-20311, NF-20312 and 4 more", Status: chip(ui.ToneGood, "Settled"), HasTransfer: true, Transfer: chip(ui.ToneGood, "Sent to you")},
		{URL: "/vendor/payments/3", Reference: "SH-1RT5-PL0Q", At: noon.Add(-400 * 24 * time.Hour), Amount: amount("420.00", "EUR"), Invoices: "NF-20109", Status: chip(ui.ToneGood, "Settled"), HasTransfer: true, Transfer: chip(ui.ToneBad, "Could not be sent")},
	}
}

func caseRows() []console.CaseRow {
	return []console.CaseRow{
		{URL: "/vendor/cases/1", Kind: "Dispute", Invoice: "NF-20377", Account: "Acme Furniture Ltd", Amount: amount("640.00", "EUR"), Status: chip(ui.ToneWarn, "Waits for you"), Updated: noon.Add(-time.Hour), Last: "Two of the eight pallets never arrived. The delivery note is attached."},
		{URL: "/vendor/cases/2", Kind: "Question", Invoice: "٢٠٢٦/٠٠٤١", Account: "شركة الخليج للأثاث", Status: chip(ui.ToneWarn, "Waits for you"), Updated: noon.Add(-30 * time.Hour), Last: "هل يمكنكم إرسال نسخة من أمر الشراء؟"},
	}
}

func overview() console.OverviewView {
	return console.OverviewView{Frame: approved("Overview", "/vendor"), Vendor: "Northwind Freight", Answers: "Your customers read: Northwind Freight usually answers within 4 hours.",
		Tiles: []ui.Tile{{Figure: "2", Label: "Cases that wait for you", URL: "/vendor/cases", Tone: ui.ToneWarn}, {Figure: "1", Label: "Tasks", URL: "/vendor/tasks", Tone: ui.ToneWarn},
			{Figure: "14", Label: "Cannot be reminded", URL: "/vendor/unreachable", Tone: ui.ToneWarn}, {Figure: "0", Label: "Deliveries given up", URL: "/vendor/deliveries?state=dead"},
			{Figure: "1", Label: "Connections that fail", URL: "/vendor/imports", Tone: ui.ToneBad}},
		Money: []console.Figures{{Invoices: 214, Open: amount("1284310.55", "EUR"), Overdue: amount("98430.10", "EUR"), Held: amount("30000.00", "EUR")},
			{Invoices: 1, Open: amount("1200.500", "KWD"), Overdue: amount("0", "KWD"), Held: amount("0", "KWD")}},
		Aging: []console.AgingRow{{Currency: "EUR", Cells: []console.AgingCell{{Label: "Not due", Amount: amount("1185880.45", "EUR")}, {Label: "1–30 days", Amount: amount("64200.00", "EUR")},
			{Label: "31–60", Amount: amount("22110.10", "EUR")}, {Label: "61–90", Amount: amount("0", "EUR")}, {Label: "Over 90", Amount: amount("12120.00", "EUR")}}}},
		Cases: caseRows(), Payments: paymentRows()}
}

func overviewEmpty() console.OverviewView {
	v := console.OverviewView{Frame: frame("Overview", "/vendor", party.VendorPending), Vendor: "Northwind Freight"}
	for _, label := range []string{"Cases that wait for you", "Tasks", "Cannot be reminded", "Deliveries given up", "Connections that fail"} {
		v.Tiles = append(v.Tiles, ui.Tile{Figure: "0", Label: label, URL: "/vendor"})
	}
	return v
}

func invoice() console.InvoiceView {
	return console.InvoiceView{Frame: approved("Invoice NF-20391", "/vendor/invoices"), URL: "/vendor/invoices/2", Number: "NF-20391", Account: "Møller & Søn Træindustri Aktieselskab, Afdeling Nordjylland",
		Statuses: invoiceRows()[1].Statuses, SourceOpen: amount("128430.55", "EUR"), Applied: amount("30000.00", "EUR"), Held: amount("12000.00", "EUR"), Open: amount("98430.55", "EUR"), BooksAt: noon.Add(-time.Hour),
		Facts: []ui.Fact{{Label: "Customer", Text: "Møller & Søn Træindustri"}, {Label: "Your customer number", Text: "C-104"}, {Label: "Your id", Text: "INV-2026-0020391"}, {Label: "Issued", Body: ui.Day("2026-10-30", today)},
			{Label: "Due", Text: "29 Nov, from the account's terms"}, {Label: "Total", Body: ui.Money(amount("128430.55", "EUR"))}, {Label: "Purchase order", Text: "PO-7/2026"}, {Label: "Note", Text: "Deliver to gate 4 only."}},
		Holds: []console.HoldRow{{Status: chip(ui.ToneInfo, "Payment processing"), Since: noon.Add(-2 * time.Hour)}, {Status: chip(ui.ToneWarn, "In dispute"), Since: noon.Add(-26 * time.Hour), Until: "2026-12-24", CaseURL: "/vendor/cases/1"}},
		Cases: caseRows()[:1], Payments: []console.InvoicePayment{{URL: "/vendor/payments/1", Reference: "SH-7QK2-M4XD", At: noon.Add(-2 * time.Hour), Amount: amount("30000.00", "EUR"), By: "Money", Status: chip(ui.ToneInfo, "Processing")}},
		Files:   []ui.FileLink{{Name: "NF-20391.pdf", URL: "/vendor/documents/1", Detail: "PDF, 34 KB"}, {Name: "a-name-without-any-place-to-break-that-goes-on-and-on-until-it-is-cut.xml", URL: "/vendor/documents/2", Detail: "held back: it holds a program"}},
		Lines:   []billing.Line{{Description: "Full truck load Aalborg–Hamburg", Quantity: "12", UnitPrice: "8,200.00", Amount: "98,400.00"}, {Description: "Fuel surcharge", Quantity: "1", UnitPrice: "30,030.55", Amount: "30,030.55"}},
		History: []ui.Happening{{At: noon.Add(-2 * time.Hour), Text: "A payment of EUR 30,000.00 is processing.", Tone: ui.ToneInfo}, {At: noon.Add(-26 * time.Hour), Text: "The customer opened a dispute about EUR 640.00."}, {At: noon.Add(-500 * time.Hour), Text: "It came in from your books."}}}
}

func invoiceError() console.InvoiceView {
	v := invoice()
	v.Holds, v.Cases, v.HoldUntil = nil, nil, "2020-01-01"
	v.Page.Errors = []ui.FieldError{{Field: "until", Text: "Enter a date after today and within a year, like 2026-12-06."}}
	return v
}

func caseFixture() console.CaseView {
	return console.CaseView{Frame: approved("Dispute on NF-20377", "/vendor/cases"), URL: "/vendor/cases/1", Title: "Dispute on NF-20377", Account: "Acme Furniture Ltd", Status: chip(ui.ToneWarn, "Waits for you"),
		Messages: []ui.Message{{Author: "Ann Weatherby", Side: "Customer", At: noon.Add(-26 * time.Hour), Text: "Two of the eight pallets never arrived.\nThe delivery note is attached.", Files: []ui.FileLink{{Name: "delivery-note.pdf", URL: "/vendor/documents/9", Detail: "PDF, 210 KB"}}},
			{Author: "Mara Lindqvist", Side: "You", Mine: true, At: noon.Add(-24 * time.Hour), Text: "Thank you, we are sorry. Could you tell us the number on the delivery note?"},
			{Author: "A colleague of Ann Weatherby", Side: "Customer", At: noon.Add(-time.Hour), Text: "It is 884-2 of 12 September."}},
		Facts: []ui.Fact{{Label: "Invoice", Text: "NF-20377"}, {Label: "Open on it", Body: ui.Money(amount("1640.00", "EUR"))}, {Label: "Who wrote", Text: "Ann Weatherby"}, {Label: "Address", Text: "ann.weatherby@acme-furniture.example"},
			{Label: "Amount", Body: ui.Money(amount("640.00", "EUR"))}, {Label: "Reason", Text: "Goods or services missing"}, {Label: "Opened", Body: ui.Moment(noon.Add(-26*time.Hour), today)}},
		Files:    []ui.FileLink{{Name: "delivery-note.pdf", URL: "/vendor/documents/9", Detail: "PDF, 210 KB"}},
		Outcomes: []ui.Option{{Value: "accepted", Label: "Accepted: a credit or a corrected invoice will follow"}, {Value: "partly_accepted", Label: "Accepted in part: a credit or a corrected invoice will follow for that part"}, {Value: "declined", Label: "Declined: the invoice stands"}}}
}

func caseError() console.CaseView {
	v := caseFixture()
	v.Resolution = "declined"
	v.Page.Errors = []ui.FieldError{{Field: "note", Text: "Say why, so that the customer knows what to do."}}
	return v
}

func casePlanOver() console.CaseView {
	v := caseFixture()
	v.Title, v.Over, v.Outcome, v.OutcomeNote, v.Status = "Payment plan on NF-20402", true, "Resolved: agreed: pay each instalment on its day", "Please keep to the days.", chip(ui.ToneGood, "Resolved")
	v.Plan = []console.PlanPart{{On: "2026-12-01", Amount: amount("26000", "JPY")}, {On: "2027-01-01", Amount: amount("26000", "JPY")}}
	return v
}

func delivery() console.DeliveryView {
	return console.DeliveryView{Frame: approved("payment.settled", "/vendor/deliveries"), URL: "/vendor/deliveries/1", Type: "payment.settled", Target: "https://erp.northwind-freight.example/hooks/sheaf?tenant=nf", State: chip(ui.ToneInfo, "Waiting"), MayReplay: true,
		Attempts: []console.AttemptRow{{Number: "1", At: noon.Add(-time.Hour), Took: "20003 ms", Status: "No answer", Answer: "no answer within the time allowed"}, {Number: "2", At: noon.Add(-50 * time.Minute), Took: "128 ms", Status: "503", Answer: "Service Unavailable: upstream connect error or disconnect/reset before headers"}},
		Facts:    []ui.Fact{{Label: "Event id", Text: "0193a5b2-7c11-7d5e-8a61-3f0a52f1c001"}, {Label: "To", Text: "Webhook"}, {Label: "Next attempt", Body: ui.Moment(noon.Add(time.Hour), today)}, {Label: "Last answer", Text: "503 Service Unavailable"}},
		Body:     "{\n  \"id\": \"0193a5b2-7c11-7d5e-8a61-3f0a52f1c001\",\n  \"type\": \"payment.settled\",\n  \"data\": {\n    \"reference\": \"SH-0WZ9-AB3C\",\n    \"amount\": \"1350.40\"\n  }\n}"}
}

func webhooks(secret string) console.WebhooksView {
	v := console.WebhooksView{Frame: approved("Webhook endpoints", "/vendor/profile"), Secret: secret, SecretOf: "https://erp.northwind-freight.example/hooks/sheaf", Events: []console.Check{{Value: "*", Label: "All events, new ones too", Checked: true}}}
	for _, kind := range []string{"payment.processing", "payment.settled", "payment.failed", "case.opened", "case.message", "account.contact_bounced"} {
		v.Events = append(v.Events, console.Check{Value: kind, Label: kind})
	}
	v.Rows = []console.EndpointRow{{ID: "1", Target: "https://erp.northwind-freight.example/hooks/sheaf?tenant=nf", Events: "All events", Added: noon.Add(-90 * 24 * time.Hour), Active: true, State: chip(ui.ToneGood, "Active")},
		{ID: "2", Target: "https://old.northwind-freight.example/hook", Events: "payment.settled, case.opened", Added: noon.Add(-400 * 24 * time.Hour), State: chip(ui.ToneNeutral, "Disabled"), Reason: "it answered 410 Gone"}}
	return v
}

func webhooksError() console.WebhooksView {
	v := webhooks("")
	v.URL = "http://10.0.0.1/hook"
	v.Page.Errors = []ui.FieldError{{Field: "url", Text: "This address begins with http: only https is called."}, {Field: "events", Text: "Tick at least one event, or all."}}
	return v
}

func preview() console.PreviewView {
	rows := invoiceRows()
	return console.PreviewView{Frame: approved("Preview", "/vendor/preview"), Account: "Acme Furniture Ltd", AccountNumber: "C-104",
		Vendor: party.Profile{Name: "Northwind Freight", ContactName: "Mara Lindqvist", Phone: "+44 20 7946 0123", Email: "receivables@northwind-freight.example"},
		Sums:   []money.Amount{amount("100070.55", "EUR"), amount("52000", "JPY")}, Rows: rows, Contacts: []ui.NavItem{{Label: "ann.weatherby@acme-furniture.example", URL: "/vendor/preview?account=1&contact=1", Current: true}, {Label: "ap@acme-furniture.example", URL: "/vendor/preview?account=1&contact=2"}},
		MailSubject: "Overdue with Northwind Freight: EUR 1,640.00", MailText: "Dear Ann,\n\nThis is what is open today.\n", MailURL: "/nowhere"}
}

func imports() console.ImportsView {
	return console.ImportsView{Frame: approved("Imports", "/vendor/imports"), Connections: []console.ConnectionRow{
		{ID: "1", Name: "Tryton, head office", Kind: "tryton", Health: chip(ui.ToneBad, "Failing"), Error: "The server refused the password. Enter it again under the connection's settings.", LastGood: noon.Add(-50 * time.Hour), Next: noon.Add(time.Hour)},
		{ID: "2", Name: "Nightly CSV", Kind: "csv", Health: chip(ui.ToneWarn, "Waits for your yes"), LastGood: noon.Add(-20 * time.Hour), Held: 131}},
		Runs: []console.RunRow{{URL: "/vendor/imports/1", Source: "csv open-items-2026-11-22.csv", Started: noon.Add(-time.Hour), State: chip(ui.ToneGood, "Done"), Created: "214", Updated: "12", Unchanged: "8041", Rejected: "3"},
			{URL: "/vendor/imports/2", Source: "Tryton, head office", Started: noon.Add(-2 * time.Hour), State: chip(ui.ToneBad, "Failed"), Created: "0", Updated: "0", Unchanged: "0", Rejected: "0"}}}
}

func importFixture() console.ImportView {
	return console.ImportView{Frame: approved("Import", "/vendor/imports"), Source: "csv open-items-2026-11-22.csv", State: chip(ui.ToneBad, "Failed"), Error: "Line 9,214 ends in the middle of a quoted field.",
		Facts: []ui.Fact{{Label: "Started", Body: ui.Moment(noon.Add(-time.Hour), today)}, {Label: "New", Text: "214"}, {Label: "Not taken", Text: "3"}},
		Rows: []console.RejectionRow{{Place: "line 14", ExternalID: "INV-88", Problems: []string{"The total is negative: send it as a credit.", "There is no currency \"EURO\". Use a code such as EUR."}},
			{Place: "line 2018", ExternalID: "", Problems: []string{"The record has no number."}}}}
}

func payouts() console.PayoutsView {
	return console.PayoutsView{Frame: approved("Payouts", "/vendor/payouts"), CSV: "/vendor/payouts.csv", Account: console.AccountView{Status: chip(ui.ToneWarn, "Ready, wants more"), Tone: ui.ToneWarn,
		Title: "Ready, and the payment service wants to know more", Text: "Money flows now. Without an answer the payment service takes no more of it for you, and your shares wait.",
		Wants: []string{"the identity document of whoever represents the company", "the bank account that your money goes to"}, WantsBy: "2026-12-02", Button: "Answer it", Country: "DE",
		Facts: []ui.Fact{{Label: "Country", Text: "Germany"}, {Label: "Currency", Text: "EUR"}, {Label: "Account", Text: "acct_1P2q3R4s5T6u7V8w9X"}, {Label: "Last looked at", Body: ui.Moment(noon, today)}}},
		Waiting:  []console.WaitingRow{{Amount: amount("30000.00", "EUR"), Shares: 1, Why: "A bank debit whose money is not there yet", Since: noon.Add(-70 * time.Hour)}},
		OnItsWay: []money.Amount{amount("1350.40", "EUR"), amount("52000", "JPY")},
		Sent:     []console.SentRow{{URL: "/vendor/payments/2", Reference: "SH-0WZ9-AB3C", Amount: amount("1350.40", "EUR"), At: noon.Add(-20 * time.Hour)}, {URL: "/vendor/payments/3", Reference: "SH-1RT5-PL0Q", Amount: amount("52000", "JPY"), At: noon.Add(-21 * time.Hour)}},
		Rows: []console.PayoutRow{{URL: "/vendor/payouts/1", Arrives: "2026-11-24", Amount: amount("98430.55", "EUR"), Bank: "Deutsche Handelsbank ending 6789", Status: chip(ui.ToneInfo, "On its way")},
			{URL: "/vendor/payouts/2", Arrives: "2026-11-20", Amount: amount("4012.07", "EUR"), Bank: "Deutsche Handelsbank ending 6789", Statement: "SHEAF HUB PAYOUT", Status: chip(ui.ToneGood, "Arrived")},
			{URL: "/vendor/payouts/3", Arrives: "2025-12-30", Amount: amount("-35.00", "EUR"), Status: chip(ui.ToneBad, "Sent back"), Reason: "The bank account has been closed"}},
		Pages: ui.CursorPager{First: "/vendor/payouts", Next: "/vendor/payouts?cursor=abc"}}
}

func payoutsToStart(owner bool) console.PayoutsView {
	v := console.PayoutsView{Frame: approved("Payouts", "/vendor/payouts"), Account: console.AccountView{Status: chip(ui.ToneWarn, "Not started"), Tone: ui.ToneInfo, Title: "Say where your money should go", Button: "Start",
		Text:      "The payment service needs to know who you are and which bank account is yours. You enter it on its own page, and this hub never sees it. Your customers are billed, reminded and can pay meanwhile: your share waits, and is sent as soon as the account is ready. Nothing is lost.",
		Countries: []ui.Option{{Value: "DK", Label: "Denmark"}, {Value: "DE", Label: "Germany"}}, Limits: []string{"This hub can pay companies in these 2 countries, to a bank account there: Denmark, Germany.", "What you have open in KWD cannot be paid here; your customers are reminded of it, and told to pay you directly."}},
		Waiting: []console.WaitingRow{{Amount: amount("1350.40", "EUR"), Shares: 3, Why: "Your account cannot take money yet", Since: noon.Add(-70 * time.Hour)}}}
	if v.Owner = owner; owner {
		v.Account.Note = "The payment service's page works once, for a few minutes, and this time had passed. Nothing that was entered is lost: the button opens a new one."
		v.Page.Errors = []ui.FieldError{{Field: "country", Text: "This hub can pay vendors in DK, DE. For another country, ask its operator."}}
	}
	return v
}

func payout() console.PayoutView {
	return console.PayoutView{Frame: approved("Payout of EUR 1,902.70", "/vendor/payouts"), Amount: amount("1902.70", "EUR"), Status: chip(ui.ToneBad, "Sent back"), Failed: true, Reason: "The bank account has been closed", CSV: "/vendor/payouts/1/lines.csv",
		Facts: []ui.Fact{{Label: "Expected", Body: ui.Day("2026-11-24", today)}, {Label: "Bank", Text: "Deutsche Handelsbank ending 6789"}, {Label: "Reference", Text: "po_1P2q3R4s5T6u7V8w9X"}},
		Sums:  []console.SumRow{{Label: "Payments of your customers", Hint: "less what you bear of their cost", Amount: amount("1952.70", "EUR")}, {Label: "Taken back", Hint: "for refunds and chargebacks", Amount: amount("-50.00", "EUR")}, {Label: "The payout", Amount: amount("1902.70", "EUR")}},
		Lines: []console.PayoutLineRow{{Head: true, URL: "/vendor/payments/2", Reference: "SH-0WZ9-AB3C", What: "Payment", PartURL: "/vendor/invoices/1", Part: "NF-20310", Account: "C-104", Amount: amount("1250.40", "EUR")},
			{PartURL: "/vendor/invoices/2", Part: "NF-20311/Abschlagsrechnung-2026-0000041", Account: "C-104", Amount: amount("742.30", "EUR")}, {Part: "Cost of the payment", Amount: amount("-40.00", "EUR")},
			{Head: true, URL: "/vendor/payments/1", Reference: "SH-7QK2-M4XD", What: "Taken back", Part: "Refund or chargeback", Amount: amount("-50.00", "EUR")}}}
}

func previews() []uitest.Page {
	outside := ui.Page{Title: "Sign in", Area: ui.AreaConsole, Today: today, Token: "t0k3n", Narrow: true}
	wrong := outside
	wrong.Errors = []ui.FieldError{{Field: "email", Text: "\"mara@\" is not an e-mail address. Write it like name@company.example."}}
	suspended := overview()
	suspended.Frame = frame("Overview", "/vendor", party.VendorSuspended)
	suspended.Reason = "Three customers say that they do not know this company."
	member := approved("API keys", "/vendor/profile")
	member.Owner = false
	wide := approved("Invoices", "/vendor/invoices")
	wide.Page.Wide = true
	flash := wide
	flash.Page.Flash = &ui.Flash{Tone: ui.ToneGood, Title: "The hold is lifted: it is in the next reminder when it is due"}
	pages := ui.CursorPager{First: "/vendor/invoices", Next: "/vendor/invoices?cursor=abc"}
	keys := []console.KeyRow{{ID: "1", Name: "ERP production", Prefix: "shf_1a2b3c4d", Made: noon.Add(-900 * time.Hour), By: "by Mara Lindqvist", Used: noon, Active: true, State: chip(ui.ToneGood, "Active")},
		{ID: "2", Name: "Test", Prefix: "shf_99aabbcc", Made: noon.Add(-9000 * time.Hour), By: "by Sheaf", State: chip(ui.ToneNeutral, "Revoked")}}
	staff := []console.StaffRow{{ID: "1", Name: "Mara Lindqvist", Email: "mara.lindqvist@northwind-freight.example", Role: "Owner", Added: noon, Active: true, You: true, State: chip(ui.ToneGood, "You")},
		{ID: "2", Name: "", Email: "receivables@northwind-freight.example", Role: "Member", Added: noon, Active: true, State: chip(ui.ToneGood, "Active")}}
	profile := console.ProfileView{Frame: approved("Profile", "/vendor/profile"), Name: "Northwind Freight", ContactName: "Mara Lindqvist", Email: "receivables@northwind-freight.example", Phone: "+44 20 7946 0123", Website: "northwind-freight.example", TimeZone: "Europe/Copenhague"}
	profile.Page.Errors = []ui.FieldError{{Field: "time_zone", Text: "There is no time zone \"Europe/Copenhague\". Use an IANA name such as Europe/Berlin."}}
	return []uitest.Page{
		{Name: "v-overview", Body: console.Overview(overview())}, {Name: "v-overview-empty", Body: console.Overview(overviewEmpty())}, {Name: "v-overview-suspended", Body: console.Overview(suspended)},
		{Name: "v-invoices", Body: console.Invoices(console.InvoicesView{Frame: flash, Status: "open", Rows: invoiceRows(), Pages: pages})},
		{Name: "v-invoices-none", Body: console.Invoices(console.InvoicesView{Frame: wide, Status: "paid", Query: "zebra", Set: true})},
		{Name: "v-invoice", Body: console.Invoice(invoice())}, {Name: "v-invoice-error", Body: console.Invoice(invoiceError())},
		{Name: "v-unreachable", Body: console.Unreachable(console.UnreachableView{Frame: approved("Cannot be reminded", "/vendor/invoices"), Rows: []console.UnreachableRow{{URL: "/vendor/invoices/9", Number: "NF-20120", Account: "Gilded Lily Interiors", AccountNumber: "C-220", Due: "2026-10-01", Open: amount("880.00", "EUR"), Reason: "“info@” is not an e-mail address that can be reached."}}})},
		{Name: "v-payments", Body: console.Payments(console.PaymentsView{Frame: wide, CSV: "/vendor/payments.csv", Rows: paymentRows(), Pages: pages})},
		{Name: "v-payments-empty", Body: console.Payments(console.PaymentsView{Frame: wide})},
		{Name: "v-payment", Body: console.Payment(console.PaymentView{Frame: approved("Payment", "/vendor/payments"), Reference: "SH-0WZ9-AB3C", Status: chip(ui.ToneGood, "Settled"), Amount: amount("1350.40", "EUR"), Unapplied: amount("100.00", "EUR"), HasTransfer: true, PDF: "/vendor/payments/2/remittance.pdf", CSV: "/vendor/payments/2/remittance.csv", XML: "/vendor/payments/2/remittance.xml",
			Lines:         []console.PaymentLine{{URL: "/vendor/invoices/1", Number: "NF-20310", Account: "C-104", By: "Money", Note: "EUR 12.00 of it a late fee", Amount: amount("1250.40", "EUR")}, {URL: "/vendor/invoices/1", Number: "NF-20310", Account: "C-104", By: "Discount", Note: "given by you, not paid", Amount: amount("20.00", "EUR")}, {URL: "/vendor/invoices/1", Number: "NF-20311", Account: "C-104", By: "Credit CR-17", Amount: amount("89.60", "EUR")}},
			Facts:         []ui.Fact{{Label: "Money", Body: ui.Money(amount("1350.40", "EUR"))}, {Label: "Method", Text: "Card"}, {Label: "Begun", Body: ui.Moment(noon, today)}},
			TransferFacts: []ui.Fact{{Label: "State", Text: "Sent to you"}, {Label: "Reference", Text: "tr_1P2q3R4s5T6u7V8w9X"}}})},
		{Name: "v-payouts", Body: console.Payouts(payouts())}, {Name: "v-payouts-start", Body: console.Payouts(payoutsToStart(true))}, {Name: "v-payouts-member", Body: console.Payouts(payoutsToStart(false))},
		{Name: "v-payouts-sandbox", Body: console.Payouts(console.PayoutsView{Frame: approved("Payouts", "/vendor/payouts"), NoAccounts: true})}, {Name: "v-payout", Body: console.Payout(payout())},
		{Name: "v-cases", Body: console.Cases(console.CasesView{Frame: approved("Cases", "/vendor/cases"), Status: "open", Rows: caseRows()})}, {Name: "v-cases-empty", Body: console.Cases(console.CasesView{Frame: approved("Cases", "/vendor/cases"), Status: "open"})},
		{Name: "v-case", Body: console.Case(caseFixture())}, {Name: "v-case-error", Body: console.Case(caseError())}, {Name: "v-case-over", Body: console.Case(casePlanOver())},
		{Name: "v-tasks", Body: console.Tasks(console.TasksView{Frame: approved("Tasks", "/vendor/tasks"), Rows: []console.TaskRow{{ID: "1", Title: "EUR 100.00 of SH-0WZ9-AB3C was taken by no invoice", Text: "The invoice had been paid elsewhere meanwhile. Ask the customer what it was meant for.", Made: noon, URL: "/vendor/payments/2", Link: "See the payment"}}})},
		{Name: "v-deliveries", Body: console.Deliveries(console.DeliveriesView{Frame: wide, Rows: []console.DeliveryRow{{URL: "/vendor/deliveries/1", Type: "payment.settled", Kind: "Webhook", Target: "https://erp.northwind-freight.example/hooks/sheaf?tenant=nf", At: noon, State: chip(ui.ToneInfo, "Waiting"), Attempts: "2", Answer: "503 Service Unavailable: upstream connect error or disconnect/reset before headers", Next: noon.Add(time.Hour)},
			{URL: "/vendor/deliveries/2", Type: "account.contact_bounced", Kind: "Mail to your staff", Target: "receivables@northwind-freight.example", At: noon.Add(-time.Hour), State: chip(ui.ToneGood, "Delivered"), Attempts: "1", Answer: "250 taken"}}})},
		{Name: "v-delivery", Body: console.Delivery(delivery())}, {Name: "v-webhooks", Body: console.Webhooks(webhooks("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYq="))}, {Name: "v-webhooks-error", Body: console.Webhooks(webhooksError())},
		{Name: "v-keys", Body: console.Keys(console.KeysView{Frame: approved("API keys", "/vendor/profile"), Rows: keys, Key: "shf_1a2b3c4d_8fJk2mN5qR7tV9wX0yZ3bC6dE8gH1jL4"})}, {Name: "v-keys-member", Body: console.Keys(console.KeysView{Frame: member, Rows: keys})},
		{Name: "v-staff", Body: console.StaffPage(console.StaffView{Frame: approved("Staff", "/vendor/profile"), Rows: staff, Role: "member"})},
		{Name: "v-profile-error", Body: console.Profile(profile)},
		{Name: "v-incentives", Body: console.IncentivesPage(incentives())}, {Name: "v-incentives-error", Body: console.IncentivesPage(incentivesError())},
		{Name: "v-audit", Body: console.Audit(console.AuditView{Frame: approved("Audit log", "/vendor/profile"), Rows: []console.AuditRow{{At: noon, Who: "Mara Lindqvist", WhoKind: "Your staff", What: "Invoice held", After: "{\n  \"number\": \"NF-20391\"\n}"}, {At: noon, Who: "A customer", WhoKind: "On its page", What: "Case opened"}}})},
		{Name: "v-preview", Body: console.Preview(preview())}, {Name: "v-preview-choose", Body: console.Preview(console.PreviewView{Frame: approved("Preview", "/vendor/preview"), Accounts: []console.AccountRow{{URL: "/vendor/preview?account=1", Name: "Acme Furniture Ltd", Number: "C-104"}, {URL: "/vendor/preview?account=2", Name: "شركة الخليج للأثاث", Number: "C-105"}}})},
		{Name: "v-imports", Body: console.Imports(imports())}, {Name: "v-import", Body: console.Import(importFixture())},
		{Name: "v-sign-in", Body: console.SignIn(console.SignInView{Page: outside, Mailbox: "/dev/mail"})}, {Name: "v-sign-in-error", Body: console.SignIn(console.SignInView{Page: wrong, Email: "mara@", Next: "/vendor/cases"})},
		{Name: "v-check-mail", Body: console.CheckMail(console.CheckMailView{Page: outside, Email: "mara@northwind-freight.example", Minutes: 10})},
		{Name: "v-switch", Body: console.Switch(console.SwitchView{Page: outside, Email: "mara@northwind-freight.example", Choices: []console.Choice{{ID: "1", Name: "Northwind Freight", Role: "Owner", Current: true}, {ID: "2", Name: "Brightwell Print Ltd", Role: "Member"}}})},
	}
}

func incentives() console.IncentivesView {
	return console.IncentivesView{Frame: approved("Discounts and late fees", "/vendor/profile"), EarlyRate: "2", EarlyDays: "10", FromTerms: true, DebitRate: "1", DebitMost: "EUR 5.00, USD 6.00",
		LateRate: "1.5", LateFixed: "EUR 15.00", LateDays: "5", WaivedBy: "2026-12-24", Example: amount("1000.00", "EUR"), Rows: []console.IncentiveRow{
			{When: "Paid by 2 Dec", Why: []string{"EUR −20.00: 2 % for paying by 2 Dec"}, Charge: amount("980.00", "EUR")},
			{When: "Paid by 2 Dec, by bank debit", Why: []string{"EUR −20.00: 2 % for paying by 2 Dec", "EUR −5.00: 1 % for paying by bank debit, at most EUR 5.00"}, Charge: amount("975.00", "EUR")},
			{When: "Paid on the day it is due, 22 Dec", Charge: amount("1000.00", "EUR")},
			{When: "Paid on 27 Dec, 5 days late", Why: []string{"EUR 30.00: late fee of 1.5 % and EUR 15.00, as it was not paid by 26 Dec"}, Charge: amount("1030.00", "EUR")}}}
}

func incentivesError() console.IncentivesView {
	v := console.IncentivesView{Frame: approved("Discounts and late fees", "/vendor/profile"), EarlyRate: "2,5", EarlyDays: "10"}
	v.Page.Errors = []ui.FieldError{{Field: "early_rate", Text: "Write a percentage like 2 or 1.5."}}
	return v
}
