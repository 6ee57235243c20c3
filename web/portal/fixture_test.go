package portal_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/a-h/templ"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/payment"
	. "github.com/sheaf-hub/sheaf/web/portal"
	"github.com/sheaf-hub/sheaf/web/ui"
)

const today = money.Date("2026-11-22")

var noon = time.Date(2026, 11, 22, 12, 5, 0, 0, time.UTC)

// preview is one page as the fixtures fill it. Golden pages are compared byte
// by byte; the others are too large to be read.
type preview struct {
	name   string
	page   templ.Component
	golden bool
}

func amount(decimal string, currency money.Currency) money.Amount {
	a, err := money.Parse(decimal, currency)
	if err != nil {
		panic(err)
	}
	return a
}

func page(title string, current int) ui.Page {
	p := ui.Page{
		Title: title, Today: today, SignedInAs: "ann.weatherby@acme-furniture.example", Of: "Acme Furniture, 3 colleagues",
		SignOut: "/sign-out", Token: "t0k3n", Help: "/help",
		Nav: []ui.NavItem{{Label: "Invoices", URL: "/me"}, {Label: "Payments", URL: "/me/payments"}, {Label: "Questions and disputes", URL: "/me/cases", Count: 2}, {Label: "Settings", URL: "/me/settings"}},
	}
	if current >= 0 {
		p.Nav[current].Current = true
	}
	return p
}

func outside(title string) ui.Page {
	return ui.Page{Title: title, Today: today, Token: "t0k3n", Narrow: true}
}

func invoiceRow1(id, number string, due money.Date, open, total money.Amount) InvoiceRow {
	return InvoiceRow{ID: id, Number: number, URL: "/me/invoices/" + id, Issued: due.AddDays(-30), Due: due, Open: open, Total: total, Payable: true,
		Files: []ui.FileLink{{Name: number + ".pdf", URL: "/me/documents/" + id, Download: "/me/documents/" + id + "?download=1", Detail: "PDF, 84 KB"}}}
}

func freight() VendorSection {
	rows := []InvoiceRow{
		invoiceRow1("i1", "NF-20391", "2026-10-12", amount("1250.00", "EUR"), amount("1250.00", "EUR")),
		invoiceRow1("i2", "NF-20412", "2026-11-10", amount("310.40", "EUR"), amount("940.40", "EUR")),
		invoiceRow1("i3", "NF-20457", "2026-11-25", amount("12480.00", "EUR"), amount("12480.00", "EUR")),
		invoiceRow1("i4", "NF-20460", "2027-01-08", amount("88.00", "EUR"), amount("88.00", "EUR")),
		invoiceRow1("i5", "NF-20377", "2026-11-02", amount("640.00", "EUR"), amount("640.00", "EUR")),
		invoiceRow1("i6", "NF-20380", "2026-11-03", amount("75.50", "EUR"), amount("75.50", "EUR")),
	}
	rows[0].Order = "PO-7781"
	rows[4].Held, rows[4].Statuses = true, []Status{{Tone: ui.ToneWarn, Text: "In dispute"}}
	rows[5].Held, rows[5].Payable, rows[5].Statuses = true, false, []Status{{Tone: ui.ToneInfo, Text: "Payment processing"}}
	return VendorSection{ID: "v1", Name: "Northwind Freight", Account: "C-104", Contact: "Marit Solberg", Phone: "+47 22 00 00 00", PhoneURI: "+4722000000", Email: "billing@northwind.example",
		Answers: "Usually answers within 4 hours", Open: []money.Amount{amount("14843.90", "EUR")}, Invoices: rows,
		Credits: []CreditRow{{ID: "c1", Number: "CN-118", Open: amount("210.00", "EUR"), Against: "for invoices in EUR of this vendor"}, {ID: "c2", Number: "CN-121", Open: amount("40.00", "EUR"), Against: "for invoices in EUR of this vendor"}}}
}

func gulf() VendorSection {
	rows := []InvoiceRow{
		invoiceRow1("i20", "٢٠٢٦/٠٠٤١", "2026-11-20", amount("1200.500", "KWD"), amount("1200.500", "KWD")),
		invoiceRow1("i21", "٢٠٢٦/٠٠٤٤", "", amount("80.250", "KWD"), amount("80.250", "KWD")),
	}
	rows[1].Issued = "2026-11-01"
	rows[1].Statuses = []Status{{Tone: ui.ToneNeutral, Text: "No due date given"}}
	return VendorSection{ID: "v2", Name: "شركة الخليج للأثاث والتجهيزات المكتبية", Account: "حساب ١٠٤", Contact: "فاطمة العلي", Email: "accounts@gulf-furnishing.example", Open: []money.Amount{amount("1280.750", "KWD")}, Invoices: rows}
}

func timber() VendorSection {
	rows := []InvoiceRow{
		invoiceRow1("i30", "A-VERY-LONG-INVOICE-NUMBER-2026-000000000123456789/07", "2026-11-29", amount("1840000", "JPY"), amount("1840000", "JPY")),
		invoiceRow1("i31", "T-9", "2025-12-30", amount("52000", "JPY"), amount("52000", "JPY")),
		invoiceRow1("i32", "T-10", "2026-12-24", amount("2310.00", "EUR"), amount("2310.00", "EUR")),
	}
	rows[2].Held, rows[2].Statuses = true, []Status{{Tone: ui.ToneInfo, Text: "Promised for 3 Dec"}}
	return VendorSection{ID: "v3", Name: "The Extraordinarily Long-Named International Timber, Veneer & Plywood Trading Company (Kansai Branch)", Account: "0000-4481-2277", Contact: "Haruka Ito, Accounts Receivable Desk Two", Phone: "+81 6 0000 0000", PhoneURI: "+81600000000", Email: "accounts.receivable.kansai.branch@international-timber.example", Answers: "Usually answers within 2 days",
		Open: []money.Amount{amount("1892000", "JPY"), amount("2310.00", "EUR")}, Invoices: rows}
}

func meFilter() MeFilter {
	return MeFilter{
		Vendors:    []ui.Option{{Value: "v1", Label: "Northwind Freight"}, {Value: "v2", Label: "شركة الخليج للأثاث"}, {Value: "v3", Label: "International Timber (Kansai)"}},
		Currencies: []ui.Option{{Value: "EUR", Label: "EUR"}, {Value: "JPY", Label: "JPY"}, {Value: "KWD", Label: "KWD"}},
	}
}

func me() MeView {
	fresh := invoiceRow1("i40", "4471", "2026-11-30", amount("420.00", "EUR"), amount("420.00", "EUR"))
	fresh.URL, fresh.Files = "", nil
	other := invoiceRow1("i41", "2026-88", "2026-12-02", amount("96.00", "EUR"), amount("96.00", "EUR"))
	other.URL, other.Files = "", nil
	early := freight()
	row := &early.Invoices[2]
	row.Note, row.Full, row.Charge = "EUR\u00a012,230.40 if paid by 25 Nov (2\u00a0% discount)", row.Open, amount("12230.40", "EUR")
	return MeView{
		Page: page("Invoices to pay", 0), ContactName: "Ann Weatherby", Base: "/me", PayAction: "/me/quotes",
		Summaries: []CurrencySummary{
			{Overdue: amount("1560.40", "EUR"), OverdueCount: 2, Soon: amount("12480.00", "EUR"), Later: amount("2398.00", "EUR"), Disputed: amount("640.00", "EUR"), Processing: amount("75.50", "EUR"), Credits: amount("250.00", "EUR")},
			{Overdue: amount("52000", "JPY"), OverdueCount: 1, Soon: amount("1840000", "JPY"), Later: amount("0", "JPY")},
			{Overdue: amount("1200.500", "KWD"), OverdueCount: 1, Soon: amount("0", "KWD"), Later: amount("80.250", "KWD")},
		},
		Filter: meFilter(), Propose: ProposeForm{Currency: "EUR", Currencies: meFilter().Currencies},
		Vendors: []VendorSection{early, gulf(), timber()},
		New:     []NewVendor{{ID: "v8", Name: "Brightwell Print Ltd", Invoices: []InvoiceRow{fresh}}, {ID: "v9", Name: "Oakham Cleaning", Invoices: []InvoiceRow{other}}}, NewAction: "/me/vendors",
		Shown: 11, Of: 11, CSV: "/me/invoices.csv", Calendar: "/me/due.ics", Statement: "/me/statement.pdf",
	}
}

func meTicked() MeView {
	v := me()
	v.Page.Flash = &ui.Flash{Tone: ui.ToneGood, Title: "Dispute sent", Text: "Northwind Freight has been told about NF-20377. You are not reminded of it meanwhile.", LinkURL: "/me/invoices/i5", Link: "See what you wrote"}
	v.Propose.Result = &Proposal{Have: amount("5000.00", "EUR"), Used: amount("5000.00", "EUR"), Left: amount("0", "EUR"), Invoices: 3, Partial: "NF-20457"}
	v.Propose.Amount = "5000.00"
	for i := range v.Vendors[0].Invoices[:3] {
		v.Vendors[0].Invoices[i].Checked = true
	}
	v.Vendors[0].Invoices[2].Amount = "3439.60"
	v.Vendors[0].Credits[0].Checked = true
	v.Selected, v.Totals = 3, []money.Amount{amount("4790.00", "EUR")}
	v.Elsewhere = []PayingElsewhere{{Numbers: []string{"T-9", "T-11"}, Total: amount("63000", "JPY"), Who: "Tom Okafor", When: "4 minutes ago", Continue: "/me/payments/p9", Cancel: "/me/payments/p9/cancellations"}}
	return v
}

func meError() MeView {
	v := me()
	v.Page.Errors = []ui.FieldError{{Field: "amount-i1", Text: "NF-20391: enter at most EUR 1,250.00, which is all that is open"}, {Field: "have", Text: "Enter the amount that you have, like 5000.00"}}
	v.Vendors[0].Invoices[0].Checked, v.Vendors[0].Invoices[0].Amount, v.Vendors[0].Invoices[0].Error = true, "12500", "At most EUR 1,250.00"
	v.Propose.Amount, v.Propose.Error = "five thousand", "Enter the amount that you have, like 5000.00"
	return v
}

func meMany() MeView {
	v := me()
	v.New = nil
	v.Vendors = nil
	for n := range 10 {
		vendor := freight()
		vendor.ID, vendor.Name = fmt.Sprintf("m%d", n), fmt.Sprintf("Vendor %c & Sons", 'A'+n)
		vendor.Invoices, vendor.Credits = nil, nil
		for i := range 50 {
			id := fmt.Sprintf("m%d-%d", n, i)
			vendor.Invoices = append(vendor.Invoices, invoiceRow1(id, fmt.Sprintf("%c-%05d", 'A'+n, 1000+i), today.AddDays(i*2-40), money.New(int64(10000+i*377), "EUR"), money.New(int64(10000+i*377), "EUR")))
		}
		v.Vendors = append(v.Vendors, vendor)
	}
	v.Shown, v.Of = 500, 500
	return v
}

func meDigest() MeView {
	v := me()
	v.Page.SignedInAs, v.Page.Nav, v.Page.SignOut, v.Page.Of = "", nil, "", ""
	v.Digest = &DigestNote{SentOn: "2026-11-17", To: "a…@acme-furniture.example", SignIn: "/"}
	v.Base, v.PayAction, v.NewAction = "/d/abc", "/d/abc/quotes", ""
	v.CSV, v.Calendar, v.Statement = "", "", ""
	for i := range v.Vendors {
		for j := range v.Vendors[i].Invoices {
			v.Vendors[i].Invoices[j].URL = ""
		}
	}
	return v
}

func meEmpty() MeView {
	return MeView{Page: page("Invoices to pay", 0), ContactName: "Ann Weatherby", Base: "/me", PayAction: "/me/quotes"}
}

func meNoMatch() MeView {
	v := me()
	v.Vendors, v.New, v.Shown = nil, nil, 0
	v.Filter.Set, v.Filter.Query = true, "nothing like it"
	return v
}

func cases() []CaseView {
	return []CaseView{
		{ID: "k1", Title: "Dispute", Status: Status{Tone: ui.ToneWarn, Text: "Open"}, Facts: []ui.Fact{{Label: "Reason", Text: "Goods damaged"}, {Label: "Disputed", Body: ui.Money(amount("640.00", "EUR"))}},
			Messages: []ui.Message{
				{Author: "Ann Weatherby", Side: "You", Mine: true, At: noon.Add(-50 * time.Hour), Text: "Two of the six chairs came with broken legs.\nPictures are attached.", Files: []ui.FileLink{{Name: "chair-1.jpg", URL: "/me/documents/d1", Detail: "JPEG, 1.2 MB"}}},
				{Author: "Marit Solberg", Side: "Northwind Freight", At: noon.Add(-26 * time.Hour), Text: "Thank you, we are sorry. Could you tell us the number on the delivery note?"},
			}, Reply: "/me/cases/k1/messages", Withdraw: "/me/cases/k1/withdrawals"},
		{ID: "k2", Title: "Question", Status: Status{Tone: ui.ToneGood, Text: "Resolved"}, Messages: []ui.Message{{Author: "Ann Weatherby", Side: "You", Mine: true, At: noon.AddDate(-1, 0, 0), Text: "Which delivery is this for?"}}, Outcome: "Answered: it is for the delivery of 3 November."},
	}
}

func invoiceFixture() InvoiceView {
	row := freight().Invoices[1]
	row.Statuses = []Status{{Tone: ui.ToneInfo, Text: "Partly paid"}}
	return InvoiceView{
		Page: page("Invoice NF-20412", 0), ID: "i2", Base: "/me/invoices/i2", Number: "NF-20412", Vendor: freight(), Row: row, Order: "PO-7781", Terms: "Net 30", DueNote: "from your account's terms, Net 30", Paid: amount("630.00", "EUR"),
		Note: "Please name the invoice when you pay.", PayAction: "/me/quotes",
		Lines:   []InvoiceLine{{Text: "Pallet freight Oslo–Hamburg", Quantity: "4", Price: "210.10", Amount: amount("840.40", "EUR")}, {Text: "Fuel surcharge, November, as agreed in the framework contract of 2024", Amount: amount("100.00", "EUR")}},
		Files:   []ui.FileLink{{Name: "NF-20412.pdf", URL: "/me/documents/d4", Download: "/me/documents/d4?download=1", Detail: "PDF, 84 KB"}, {Name: "Delivery note 3 November with signatures of the driver.pdf", URL: "/me/documents/d5", Download: "/me/documents/d5?download=1", Detail: "PDF, 1.2 MB"}},
		History: []ui.Happening{{At: noon.Add(-3 * time.Hour), Text: "EUR 630.00 paid with payment R-2026-00081", Who: "Tom Okafor", Tone: ui.ToneGood}, {At: noon.Add(-20 * 24 * time.Hour), Text: "Named in a reminder"}, {At: noon.AddDate(0, -1, -12), Text: "Came in from Northwind Freight"}},
		Cases:   cases(),
		Dispute: DisputeForm{Amount: "310.40", Reasons: []ui.Option{{Value: "damaged", Label: "Goods damaged"}, {Value: "price", Label: "The price is wrong"}}},
		Promise: PromiseForm{Latest: "2027-01-21"},
	}
}

func invoiceErrors() InvoiceView {
	v := invoiceFixture()
	v.Cases = nil
	v.Page.Errors = []ui.FieldError{
		{Field: "dispute-reason", Text: "Choose what is wrong"}, {Field: "dispute-amount", Text: "Enter at most EUR 310.40"}, {Field: "dispute-note", Text: "Say what happened"}, {Field: "dispute-file", Text: "The file is larger than 10 MB"},
		{Field: "promise-date", Text: "Enter a date that is not past, like 2026-12-06"},
	}
	v.Dispute.Open, v.Dispute.Amount = true, "4000"
	v.Promise.Open, v.Promise.Date = true, "2026-01-01"
	v.Question.Open, v.Question.Text = true, "Which delivery is this for?"
	v.Plan = PlanForm{Open: true, Rows: []PlanRow{{On: "2026-12-01", Amount: "200"}, {On: "2027-01-01", Amount: "110.40"}, {}, {}}}
	v.Notice = NoticeForm{Open: true, Barred: "You said on 20 Nov that cheque 1881 is on its way."}
	return v
}

func quote() QuoteView {
	return QuoteView{Page: page("Check before you pay", -1), ID: "q1", Hash: "9f31", PayAction: "/me/payments", Back: "/me",
		Currencies: []QuoteCurrency{
			{Invoices: amount("1560.40", "EUR"), Credits: amount("210.00", "EUR"), Charge: amount("1350.40", "EUR"), State: ui.StepCurrent, Vendors: []QuoteVendor{
				{Name: "Northwind Freight", Charge: amount("1350.40", "EUR"), Lines: []QuoteLine{
					{Number: "NF-20391", Amount: amount("1250.00", "EUR"), Open: amount("1250.00", "EUR"), Credits: []QuoteCredit{{Number: "CN-118", Amount: amount("210.00", "EUR")}}},
					{Number: "NF-20412", Amount: amount("310.40", "EUR"), Open: amount("940.40", "EUR")}}}}},
			{Invoices: amount("1200.500", "KWD"), Charge: amount("1200.500", "KWD"), Credits: amount("0", "KWD"), State: ui.StepTodo, Vendors: []QuoteVendor{
				{Name: "شركة الخليج للأثاث والتجهيزات المكتبية", Charge: amount("1200.500", "KWD"), Lines: []QuoteLine{{Number: "٢٠٢٦/٠٠٤١", Amount: amount("1200.500", "KWD"), Open: amount("1200.500", "KWD")}}}}},
		}}
}

func quoteChanged() QuoteView {
	v := quote()
	v.Currencies = v.Currencies[:1]
	v.Changed = []Difference{{Vendor: "Northwind Freight", Number: "NF-20391", Was: amount("1300.00", "EUR"), Now: amount("1250.00", "EUR"), Why: "The vendor credited part of it"}, {Vendor: "Northwind Freight", Number: "NF-20400", Was: amount("99.00", "EUR"), Now: amount("0", "EUR"), Why: "Paid elsewhere"}}
	v.Elsewhere = []PayingElsewhere{{Numbers: []string{"NF-20391"}, Total: amount("1250.00", "EUR"), Who: "You", When: "2 minutes ago, on another device", Continue: "/checkout/1", Cancel: "/me/payments/p8/cancellations"}}
	return v
}

// quoteIncentives has a discount, a late fee, one that is waived, and a bank
// debit on offer; its second checkout is to be paid by one.
func quoteIncentives() QuoteView {
	v := quote()
	v.Requote = "/me/quotes"
	c := &v.Currencies[0]
	c.Invoices, c.Discount, c.LateFee, c.Charge, c.Saving = amount("1560.40", "EUR"), amount("20.80", "EUR"), amount("7.50", "EUR"), amount("1337.10", "EUR"), amount("13.37", "EUR")
	c.Vendors[0].Charge = c.Charge
	c.Vendors[0].Lines[0].Extras = []QuoteExtra{{Label: "Discount: 2\u00a0% for paying by 25 Nov", Amount: amount("-20.80", "EUR")}}
	c.Vendors[0].Lines[1].Extras = []QuoteExtra{{Label: "Late fee of EUR\u00a07.50, as it was not paid by 12 Nov", Amount: amount("7.50", "EUR")}}
	debit := &v.Currencies[1]
	debit.Debit, debit.Discount, debit.Charge = true, amount("12.005", "KWD"), amount("1188.495", "KWD")
	debit.Vendors[0].Charge = debit.Charge
	debit.Vendors[0].Lines[0].Extras = []QuoteExtra{{Label: "Discount: 1\u00a0% for paying by bank debit", Amount: amount("-12.005", "KWD")}}
	debit.Vendors[0].Lines[0].Waived = "Late fee of KWD\u00a05.000, waived for paying by 30 Nov."
	return v
}

func quoteCredits() QuoteView {
	v := quote()
	c := v.Currencies[0]
	c.Invoices, c.Credits, c.Charge = amount("210.00", "EUR"), amount("210.00", "EUR"), amount("0", "EUR")
	c.Vendors = []QuoteVendor{{Name: "Northwind Freight", Charge: amount("0", "EUR"), Lines: []QuoteLine{{Number: "NF-20391", Amount: amount("210.00", "EUR"), Open: amount("1250.00", "EUR"), Credits: []QuoteCredit{{Number: "CN-118", Amount: amount("210.00", "EUR")}}}}}}
	done := v.Currencies[1]
	done.State, done.Receipt = ui.StepDone, "/me/payments/p1"
	v.Currencies = []QuoteCurrency{done, c}
	return v
}

func savedOffer(plan string) *SavedOffer {
	return &SavedOffer{Charge: "/me/quotes/q1/charges", Plan: "/me/quotes/q1/schedules", Add: "/me/methods?currency=EUR&quote=q1", First: "2026-11-23", Last: "2027-02-20",
		Methods: []ui.Option{{Value: "m1", Label: "Visa ending 4242, until November 2028"}, {Value: "m2", Label: "Bank account ending 6789"}},
		Buttons: []SavedButton{{ID: "m1", Name: "Visa ending 4242"}, {ID: "m2", Name: "bank account ending 6789"}}, Credits: plan == "credits"}
}

func quoteSaved() QuoteView {
	v := quote()
	c := &v.Currencies[0]
	c.Credits, c.Charge, c.Vendors[0].Charge, c.Vendors[0].Lines[0].Credits = amount("0", "EUR"), c.Invoices, c.Invoices, nil
	c.Saved, c.Pick = savedOffer(""), SchedulePick{Method: "m2", Date: "2027-06-01"}
	v.Page.Errors = []ui.FieldError{{Field: "date-EUR", Text: "Choose a date from 23 Nov 2026 to 20 Feb 2027."}}
	v.Currencies[1].Saved = &SavedOffer{Add: "/me/methods?currency=KWD&quote=q1"}
	return v
}

func quoteDearer() QuoteView {
	v := quoteSaved()
	v.Page.Errors = nil
	v.Currencies = v.Currencies[:1]
	c := &v.Currencies[0]
	c.Saving = amount("12.50", "EUR")
	c.Saved.Buttons[1].Less, c.Saved.Methods[1].Label = c.Saving, "Bank account ending 6789, EUR\u00a012.50 less"
	c.Pick = SchedulePick{Method: "m1", Date: "2027-01-20", Dearer: &SchedulePrice{On: "2027-01-20", Total: amount("1275.00", "EUR"), Agreed: "127500",
		Differences: []Difference{{Vendor: "Northwind Freight", Number: "NF-20391", Was: amount("1250.00", "EUR"), Now: amount("1275.00", "EUR"), Charge: true, Why: "With a late fee of 2 %, as it was not paid by 30 Nov."}}}}
	return v
}

func quoteSavedCredits() QuoteView {
	v := quote()
	v.Currencies = v.Currencies[:1]
	v.Currencies[0].Saved = savedOffer("credits")
	return v
}

func methods() MethodsView {
	return MethodsView{Page: page("Saved cards and accounts", 1), Own: []MethodRow{{URL: "/me/methods/m1", Name: "Visa ending 4242", Detail: "until November 2028"}, {URL: "/me/methods/m3", Name: "Mastercard ending 4444", Detail: "until October 2026", Expired: true}},
		Team: []MethodRow{{Name: "Bank account ending 6789", Owner: "Tom Okafor"}}, Form: methodForm()}
}

func methodForm() MethodForm {
	return MethodForm{Consent: (&payment.Service{}).ConsentText(), Version: payment.ConsentVersion, Currency: "EUR", Currencies: meFilter().Currencies, Key: "k3y"}
}

func methodsEmpty() MethodsView {
	v := MethodsView{Page: page("Saved cards and accounts", 1), Form: methodForm()}
	v.Form.Quote = "q1"
	v.Page.Errors = []ui.FieldError{{Field: "consent", Text: "Read the terms and tick that you agree. Nothing is saved without it."}}
	return v
}

func method(planned ...ScheduleRow) MethodView {
	return MethodView{Page: page("Visa ending 4242", 1), Name: "Visa ending 4242", Facts: []ui.Fact{{Label: "Saved", Body: ui.Moment(noon, today)}, {Label: "Works", Text: "until November 2028"}}, Consent: (&payment.Service{}).ConsentText(),
		Planned: planned, Remove: "/me/methods/m1/removals"}
}

func upcoming() ScheduleRow {
	return ScheduleRow{ID: "p1", PayOn: "2026-12-03", Amount: amount("1770.40", "EUR"), Method: "Visa ending 4242", Status: Status{Tone: ui.ToneInfo, Text: "Planned"}, Cancel: "/me/schedules/p1/cancellations",
		Vendors: []ScheduleVendor{{Name: "Northwind Freight", Amount: amount("1350.40", "EUR"), Invoices: []string{"NF-20391", "NF-20412"}}, {Name: "شركة الخليج للأثاث والتجهيزات المكتبية", Amount: amount("420.00", "EUR"), Invoices: []string{"٢٠٢٦/٠٠٤١"}}}}
}

func schedules() SchedulesView {
	other := upcoming()
	other.ID, other.Who, other.Cancel, other.Method, other.PayOn = "p2", "Tom Okafor", "", "Bank account ending 6789", "2027-01-04"
	past := func(id string, status Status, note, payment string) ScheduleRow {
		row := upcoming()
		row.ID, row.PayOn, row.Status, row.Note, row.Payment, row.Cancel = id, "2026-11-10", status, note, payment, ""
		return row
	}
	return SchedulesView{Page: page("Planned payments", 1), Upcoming: []ScheduleRow{upcoming(), other}, Pages: ui.CursorPager{Next: "/me/schedules?cursor=x"}, Past: []ScheduleRow{
		past("p3", PaymentStatus("settled"), "", "/me/payments/p1"), past("p4", Status{Tone: ui.ToneBad, Text: "Not paid"}, "The card was declined. Nothing was charged.", "/me/payments/p3"),
		past("p5", Status{Tone: ui.ToneNeutral, Text: "Cancelled"}, "", "")}}
}

func paymentFixture(status string) PaymentView {
	v := PaymentView{Page: page("Payment R-2026-00094", 1), Number: "R-2026-00094", Status: status, Currency: "EUR", Charged: amount("1762.40", "EUR"), Credits: amount("210.00", "EUR"), Discount: amount("20.00", "EUR"), LateFee: amount("12.00", "EUR"),
		Refunded: amount("50.00", "EUR"), Method: "Card ending 4242", Started: noon, Payer: "Ann Weatherby", Base: "/me", PDF: "/me/payments/p1/receipt.pdf",
		Vendors: []PaymentVendor{
			{Name: "Northwind Freight", Reference: "SH-7K2M-991Q", Amount: amount("1362.40", "EUR"), State: PaymentStatus(status), Lines: []PaidLine{
				{Number: "NF-20391", Settled: amount("1250.00", "EUR"), Credits: []QuoteCredit{{Number: "CN-118", Amount: amount("210.00", "EUR")}}, LateFee: amount("12.00", "EUR")}, {Number: "NF-20412", Settled: amount("310.40", "EUR")}},
				Returns: []PaidBack{{What: "Refund", At: noon, Amount: amount("50.00", "EUR"), Waits: true}}},
			{Name: "Brightwell Print Ltd", Reference: "SH-7K2M-002B", Amount: amount("400.00", "EUR"), Unapplied: amount("20.00", "EUR"), State: Status{Tone: ui.ToneGood, Text: "Sent to the vendor"}, Lines: []PaidLine{{Number: "4471", Settled: amount("400.00", "EUR"), Discount: amount("20.00", "EUR")}}},
		}}
	switch status {
	case "settled":
		v.Settled = noon.Add(time.Minute)
		v.Next = &NextCheckout{Charge: amount("1200.500", "KWD"), URL: "/me/quotes/q1"}
	case "pending":
		v.Continue, v.Cancel = "/sandbox/p1", "/me/payments/p1/cancellations"
	case "failed":
		v.Failure, v.Again = "The card was declined.", "/me?select=overdue"
	}
	return v
}

func paymentList() PaymentsView {
	return PaymentsView{Page: page("Payments", 1), Saved: true, Pages: ui.CursorPager{Next: "/me/payments?cursor=x", Summary: "50 payments on this page"}, Payments: []PaymentRow{
		{URL: "/me/payments/p1", Number: "R-2026-00094", When: noon, Vendors: "2 vendors", Charged: amount("1350.40", "EUR"), Credits: amount("210.00", "EUR"), Status: PaymentStatus("settled")},
		{URL: "/me/payments/p2", Number: "R-2026-00081", When: noon.AddDate(0, 0, -2), Vendors: "Northwind Freight", Charged: amount("630.00", "EUR"), Status: PaymentStatus("processing")},
		{URL: "/me/payments/p3", Number: "R-2025-00007", When: noon.AddDate(-1, 0, 0), Vendors: "شركة الخليج للأثاث", Charged: amount("80.250", "KWD"), Status: PaymentStatus("failed")},
	}}
}

func settings() SettingsView {
	return SettingsView{Page: page("Settings", 3), Email: "ann.weatherby@acme-furniture.example", Day: "tuesday", Hour: "9", Zone: "Europe/Oslo", Zones: []ui.Option{{Value: "Europe/Oslo", Label: "Europe/Oslo"}, {Value: "UTC", Label: "UTC"}}, Next: "Tuesday, 24 Nov at 09:00",
		Devices:     []Device{{ID: "s1", Name: "Firefox on Windows", Seen: noon, This: true}, {ID: "s2", Name: "Safari on iPhone", Seen: noon.Add(-30 * time.Hour)}},
		Team:        []Colleague{{Name: "Ann Weatherby", Email: "ann.weatherby@acme-furniture.example", You: true}, {Name: "Tom Okafor", Email: "tom@acme-furniture.example"}},
		Invitations: []Invitation{{ID: "n1", Email: "new.colleague.with.long.name@acme-furniture.example", Sent: noon.Add(-time.Hour)}}, CanLeave: true, Links: true,
		NotMine: []NotMine{{Name: "Unknown Office Supplies", Action: "/me/vendors/v9"}}}
}

func signInError() SignInView {
	v := SignInView{Page: outside("Sign in"), Action: "/sign-in", Email: "ann@", Demo: true}
	v.Page.Errors = []ui.FieldError{{Field: "email", Text: "Enter an e-mail address, like name@company.example"}}
	return v
}

func previews() []preview {
	narrow := outside("Pay")
	return []preview{
		{"sign-in", SignIn(SignInView{Page: outside("Sign in"), Action: "/sign-in"}), true},
		{"sign-in-error", SignIn(signInError()), true},
		{"check-mail", CheckMail(CheckMailView{Page: outside("Check your mail"), Email: "ann@acme-furniture.example", Minutes: 10, Again: "/", Mailbox: "/dev/mail"}), true},
		{"confirm", Confirm(ConfirmView{Page: outside("Sign in"), Action: "/sign-in/confirm", Token: "abc", Email: "ann@acme-furniture.example"}), true},
		{"expired", Expired(ExpiredView{Page: outside("This link has expired"), Action: "/sign-in"}), true},
		{"me", Me(me()), true},
		{"me-ticked", Me(meTicked()), false},
		{"me-error", Me(meError()), true},
		{"me-many", Me(meMany()), false},
		{"me-empty", Me(meEmpty()), true},
		{"me-no-match", Me(meNoMatch()), false},
		{"digest", Me(meDigest()), true},
		{"invoice", Invoice(invoiceFixture()), true},
		{"invoice-errors", Invoice(invoiceErrors()), true},
		{"quote", Quote(quote()), true},
		{"quote-incentives", Quote(quoteIncentives()), true},
		{"quote-changed", Quote(quoteChanged()), true},
		{"quote-credits", Quote(quoteCredits()), false},
		{"quote-saved", Quote(quoteSaved()), true},
		{"quote-saved-credits", Quote(quoteSavedCredits()), false},
		{"quote-dearer", Quote(quoteDearer()), true},
		{"methods", Methods(methods()), true},
		{"methods-none", Methods(methodsEmpty()), false},
		{"method", Method(method()), false},
		{"method-planned", Method(method(upcoming())), true},
		{"schedules", Schedules(schedules()), true},
		{"schedules-none", Schedules(SchedulesView{Page: page("Planned payments", 1)}), false},
		{"sandbox-methods", SandboxMethods(SandboxMethodsView{Page: narrow, Action: "/sandbox/methods/s1", Open: true, Return: "/me/methods"}), false},
		{"payment-settled", Payment(paymentFixture("settled")), true},
		{"payment-processing", Payment(paymentFixture("processing")), false},
		{"payment-pending", Payment(paymentFixture("pending")), false},
		{"payment-failed", Payment(paymentFixture("failed")), false},
		{"payments", Payments(paymentList()), true},
		{"payments-empty", Payments(PaymentsView{Page: page("Payments", 1)}), false},
		{"cases", Cases(CasesView{Page: page("Questions and disputes", 2), Cases: []CaseRow{{URL: "/me/invoices/i5#k1", Kind: "Dispute", Invoice: "NF-20377", Vendor: "Northwind Freight", Status: Status{Tone: ui.ToneWarn, Text: "Open"}, Amount: amount("640.00", "EUR"), Updated: "21 Nov at 10:05", Last: "Thank you, we are sorry. Could you tell us the number on the delivery note?"}, {URL: "/me/invoices/i20#k2", Kind: "Question", Invoice: "٢٠٢٦/٠٠٤١", Vendor: "شركة الخليج للأثاث", Status: Status{Tone: ui.ToneGood, Text: "Resolved"}, Updated: "3 Feb 2025 at 09:12"}}}), true},
		{"case", ShownCase(CasePage{Page: page("Dispute on NF-20377", 2), InvoiceURL: "/me/invoices/i5", Number: "NF-20377", Vendor: "Northwind Freight", Case: cases()[0]}), true},
		{"cases-empty", Cases(CasesView{Page: page("Questions and disputes", 2)}), false},
		{"settings", Settings(settings()), true},
		{"invitation", InvitationPage(InvitationView{Page: outside("Join a team"), From: "Ann Weatherby", Email: "ann@customer.example", Accept: "/invitations/x/acceptances", Decline: "/invitations/x/refusals"}), false},
		{"unsubscribe", Unsubscribe(UnsubscribeView{Page: outside("Unsubscribe"), Email: "a…@acme-furniture.example", Action: "/u/abc", Settings: "/me/settings"}), true},
		{"unsubscribe-done", Unsubscribe(UnsubscribeView{Page: outside("Unsubscribed"), Email: "a…@acme-furniture.example", Done: true, Resubscribe: "/u/abc/resubscribe"}), false},
		{"sandbox", Sandbox(SandboxView{Page: narrow, Amount: amount("1770.40", "EUR"), Number: "R-2026-00094", Action: "/sandbox/p1", Cancel: "/me", Vendors: []SandboxVendor{{Name: "Northwind Freight", Amount: amount("1350.40", "EUR"), Detail: "2 invoices"}, {Name: "Brightwell Print Ltd", Amount: amount("420.00", "EUR"), Detail: "1 invoice"}}}), true},
		{"mailbox", Mailbox(MailboxView{Page: page("Captured mail", -1), Mails: []MailRow{{URL: "/dev/mail/1", To: "ann@acme-furniture.example", Subject: "Overdue with 3 vendors: EUR 1,560.40, JPY 52,000, KWD 1,200.500", At: noon}}}), false},
		{"mail", Mail(MailView{Page: page("Mail", -1), From: "Sheaf <reminders@sheaf.example>", To: "ann@acme-furniture.example", Subject: "Overdue with 3 vendors", At: noon, Links: []string{"https://sheaf.example/d/abc"}, Text: strings.Repeat("Dear Ann,\n\nThis is what is open with your 3 vendors today, in one mail.\n\n", 3), RawURL: "/dev/mail/1/raw"}), false},
		{"error-404", ui.ErrorPage(ui.ErrorView{Page: outside(""), Status: 404, Action: "Go to the first page", URL: "/", RequestID: "0192-77"}), true},
		{"error-410", ui.ErrorPage(ui.ErrorView{Page: outside(""), Status: 410, Action: "Sign in", URL: "/"}), false},
		{"error-500", ui.ErrorPage(ui.ErrorView{Page: page("", -1), Status: 500, RequestID: "0192-77"}), false},
	}
}
