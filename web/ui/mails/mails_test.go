package mails

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/mail/letter"
	"github.com/sheaf-hub/sheaf/hub/money"
)

var update = flag.Bool("update", false, "write the golden mails anew")

const today = money.Date("2026-11-22")

func amount(t testing.TB, decimal string, currency money.Currency) money.Amount {
	t.Helper()
	a, err := money.Parse(decimal, currency)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func footer() letter.Footer {
	return letter.Footer{HubName: "Sheaf", Postal: []string{"Sheaf Hub Ltd", "1 Granary Row", "Anytown"}, HelpURL: "https://sheaf.example/help"}
}

func digest(t testing.TB) letter.Digest {
	line := func(number string, due money.Date, open, total money.Amount) letter.DigestLine {
		return letter.DigestLine{Number: number, Issued: "2026-10-01", Due: due, Open: open, Total: total, PayURL: "https://sheaf.example/d/abc?select=" + number}
	}
	eur := func(decimal string) money.Amount { return amount(t, decimal, "EUR") }
	disputed := letter.DigestLine{Number: "NF-20377", Due: "2026-11-02", Open: eur("640.00"), Total: eur("640.00"), Note: "answered by the vendor on 21 Nov"}
	return letter.Digest{
		Today: today, ContactName: "Ann Weatherby", PageURL: "https://sheaf.example/d/abc", PayAllURL: "https://sheaf.example/d/abc?select=all",
		SettingsURL: "https://sheaf.example/me/settings", Unsubscribe: "https://sheaf.example/u/abc", Rhythm: "every Tuesday at 09:00, Europe/Oslo", Footer: footer(), More: 12,
		Vendors: []letter.DigestVendor{
			{Name: "Northwind Freight", Contact: "Marit Solberg", Phone: "+47 22 00 00 00", PhoneURI: "+4722000000", Email: "billing@northwind.example", Answers: "Usually answers within 4 hours",
				Overdue:  []letter.DigestLine{line("NF-20391", "2026-10-12", eur("1250.00"), eur("1250.00")), line("NF-20412", "2026-11-10", eur("310.40"), eur("940.40"))},
				Soon:     []letter.DigestLine{line("NF-20457", "2026-11-25", eur("12480.00"), eur("12480.00"))},
				Later:    []letter.DigestLine{line("NF-20460", "2027-01-08", eur("88.00"), eur("88.00"))},
				Disputed: []letter.DigestLine{disputed}, Scheduled: []letter.DigestLine{{Number: "NF-20401", Due: "2026-11-09", Open: eur("410.00"), Total: eur("410.00"), Note: "will be paid on 3 Dec"}}, Processing: []letter.DigestLine{{Number: "NF-20380", Due: "2026-11-03", Open: eur("75.50"), Total: eur("75.50")}},
				Credits: []letter.DigestCredit{{Number: "CN-118", Open: eur("210.00")}}, More: 12},
			{Name: "شركة الخليج للأثاث والتجهيزات المكتبية", Contact: "فاطمة العلي", Email: "accounts@gulf-furnishing.example", Overdue: []letter.DigestLine{line("٢٠٢٦/٠٠٤١", "2026-11-20", amount(t, "1200.500", "KWD"), amount(t, "1200.500", "KWD"))}, Later: []letter.DigestLine{line("٢٠٢٦/٠٠٤٤", "", amount(t, "80.250", "KWD"), amount(t, "80.250", "KWD"))}},
			{Name: "The Extraordinarily Long-Named International Timber, Veneer & Plywood Trading Company", Email: "accounts.receivable.kansai.branch@international-timber.example", Soon: []letter.DigestLine{line("A-VERY-LONG-INVOICE-NUMBER-2026-000000000123456789/07", "2026-11-29", amount(t, "1840000", "JPY"), amount(t, "1840000", "JPY"))}},
		},
		New: []letter.NewVendor{{Name: "Brightwell Print <b>Ltd</b>", Invoices: 1, Totals: []money.Amount{eur("420.00")}}},
		Totals: []letter.DigestTotal{
			{Overdue: eur("1560.40"), Soon: eur("12480.00"), Later: eur("88.00"), ToPay: eur("14128.40"), Credits: eur("210.00")},
			{Soon: amount(t, "1840000", "JPY"), ToPay: amount(t, "1840000", "JPY")},
			{Overdue: amount(t, "1200.500", "KWD"), Later: amount(t, "80.250", "KWD"), ToPay: amount(t, "1280.750", "KWD")},
		},
	}
}

// newVendors is a digest of nobody but vendors that the contact does not know
// yet: one with all its lines, one cut, one of which only the sum fits.
func newVendors(t testing.TB) letter.Digest {
	line := func(number string, due money.Date, open string, currency money.Currency) letter.DigestLine {
		return letter.DigestLine{Number: number, Issued: "2026-10-01", Due: due, Open: amount(t, open, currency), Total: amount(t, open, currency)}
	}
	return letter.Digest{
		Today: today, ContactName: "Ann Weatherby", PageURL: "https://sheaf.example/d/abc", SettingsURL: "https://sheaf.example/me/settings",
		Unsubscribe: "https://sheaf.example/u/abc", Rhythm: "every Tuesday at 09:00, Europe/Oslo", Footer: footer(), More: 16,
		New: []letter.NewVendor{
			{Name: "Brightwell Print <b>Ltd</b>", Invoices: 2, Totals: []money.Amount{amount(t, "420.00", "EUR"), amount(t, "1840000", "JPY")},
				Lines: []letter.DigestLine{line("BP-1", "2026-11-01", "420.00", "EUR"), line("invoice of 2026-10-01", "", "1840000", "JPY")}},
			{Name: "شركة الخليج", Invoices: 5, Totals: []money.Amount{amount(t, "1200.500", "KWD")}, Lines: []letter.DigestLine{line("٢٠٢٦/٠٠٤١", "2026-11-30", "240.100", "KWD")}, More: 4},
			{Name: "Full House", Invoices: 12, Totals: []money.Amount{amount(t, "99.00", "EUR")}, More: 12},
		},
	}
}

func lines(t testing.TB) []letter.VendorLine {
	return []letter.VendorLine{{Invoice: "NF-20391", Amount: amount(t, "1250.00", "EUR"), Note: "EUR 210.00 of it by credit CN-118"}, {Invoice: "NF-20412", Amount: amount(t, "310.40", "EUR"), Note: "in part: EUR 630.00 stays open"}}
}

func letters(t testing.TB) map[string]func(letter.Renderer) (letter.Rendered, error) {
	return map[string]func(letter.Renderer) (letter.Rendered, error){
		"digest":     func(r letter.Renderer) (letter.Rendered, error) { return r.Digest(digest(t)) },
		"digest-new": func(r letter.Renderer) (letter.Rendered, error) { return r.Digest(newVendors(t)) },
		"sign-in": func(r letter.Renderer) (letter.Rendered, error) {
			return r.SignIn(letter.SignIn{URL: "https://sheaf.example/sign-in/confirm?token=Zm9vYmFyYmF6cXV4", Minutes: 10, Asked: "from Firefox on Windows, 22 Nov at 12:05", Footer: footer()})
		},
		"case": func(r letter.Renderer) (letter.Rendered, error) {
			return r.CaseUpdate(letter.CaseUpdate{Today: today, ContactName: "Ann Weatherby", Vendor: "Northwind Freight", Kind: "dispute", Invoice: "NF-20377", Resolved: true, Outcome: "Accepted: a credit of EUR 640.00 will follow.", Message: "We are sorry.\nThe driver noted it too.", Author: "Marit Solberg", URL: "https://sheaf.example/me/invoices/i5#k1", Footer: footer()})
		},
		"event-payment": func(r letter.Renderer) (letter.Rendered, error) {
			return r.VendorEvent(letter.VendorEvent{Today: today, Vendor: "Northwind Freight", Type: "payment.settled", Account: "C-104 Acme Furniture", Reference: "SH-7K2M-991Q", Amount: amount(t, "1350.40", "EUR"), Lines: lines(t), URL: "https://sheaf.example/vendor/payments/s1", Footer: footer()})
		},
		"event-chargeback": func(r letter.Renderer) (letter.Rendered, error) {
			return r.VendorEvent(letter.VendorEvent{Today: today, Vendor: "Northwind Freight", Type: "payment.charged_back", Account: "C-104 Acme Furniture", Reference: "SH-7K2M-991Q", Amount: amount(t, "1350.40", "EUR"), Lines: lines(t), Facts: []letter.Fact{{Label: "Reason", Value: "product not received"}, {Label: "Deadline", Value: "Tuesday, 1 December 2026, 17:05 CET"}}, URL: "https://sheaf.example/vendor/chargebacks/k1", Footer: footer()})
		},
		"event-case": func(r letter.Renderer) (letter.Rendered, error) {
			return r.VendorEvent(letter.VendorEvent{Today: today, Vendor: "Northwind Freight", Type: "case.opened", Account: "C-104 Acme Furniture", Amount: amount(t, "640.00", "EUR"), Lines: []letter.VendorLine{{Invoice: "NF-20377"}}, Facts: []letter.Fact{{Label: "Reason", Value: "Goods damaged"}}, Message: "Two of the six chairs came with broken legs.", URL: "https://sheaf.example/vendor/cases/k1", Footer: footer()})
		},
		"schedule-ahead": func(r letter.Renderer) (letter.Rendered, error) { return r.Schedule(schedule(t, letter.ScheduleAhead)) },
		"schedule-failed": func(r letter.Renderer) (letter.Rendered, error) {
			failed := schedule(t, letter.ScheduleFailed)
			failed.Today, failed.Reason = failed.PayOn, "The card was declined. Nothing was charged."
			return r.Schedule(failed)
		},
		"schedule-leftout": func(r letter.Renderer) (letter.Rendered, error) {
			part := schedule(t, letter.ScheduleLeftOut)
			part.Today, part.Charged, part.URL = part.PayOn, amount(t, "1670.00", "EUR"), "https://sheaf.example/me"
			part.Reason = "NF-20412 (EUR 102.41 instead of EUR 100.40, with a late fee of 2\u00a0%, as it was not paid by 20 Nov)"
			part.Vendors[0].Amount, part.Vendors[0].Lines = amount(t, "1250.00", "EUR"), part.Vendors[0].Lines[:1]
			return r.Schedule(part)
		},
		"schedule-nothing": func(r letter.Renderer) (letter.Rendered, error) {
			return r.Schedule(schedule(t, letter.ScheduleNothing))
		},
		"receipt":          func(r letter.Renderer) (letter.Rendered, error) { return r.Receipt(receipt(t)) },
		"receipt-refunded": func(r letter.Renderer) (letter.Rendered, error) { return r.Receipt(refundedReceipt(t)) },
	}
}

// receipt is of two vendors, with credits, a discount, a late fee, and money
// that no invoice took.
func receipt(t testing.TB) letter.Receipt {
	eur := func(decimal string) money.Amount { return amount(t, decimal, "EUR") }
	zero := eur("0")
	return letter.Receipt{Today: today, ContactName: "Ann Weatherby", Payer: "Ann Weatherby", Number: "R-2026-00094", Status: "settled", Charged: eur("1772.40"),
		Credits: eur("210.00"), Discount: eur("20.00"), LateFee: eur("12.00"), Unapplied: eur("30.00"), Method: "card ending 4242", Attached: true,
		At: time.Date(2026, 11, 22, 12, 5, 0, 0, time.UTC), Zone: "Europe/Oslo", URL: "https://sheaf.example/pay/p1", Footer: footer(),
		Vendors: []letter.ReceiptVendor{
			{Name: "Northwind Freight", Reference: "SH-7K2M-991Q", Amount: eur("1362.40"), State: "paid, on its way to the vendor", Lines: []letter.ReceiptLine{
				{Invoice: "NF-20391", Settled: eur("1250.00"), Credit: eur("210.00"), Credits: []letter.ReceiptCredit{{Number: "CN-118", Amount: eur("210.00")}}, Discount: zero, LateFee: eur("12.00"), Paid: eur("1052.00")},
				{Invoice: "NF-20412", Settled: eur("310.40"), Credit: zero, Discount: zero, LateFee: zero, Paid: eur("310.40")}}},
			{Name: "The Extraordinarily Long-Named International Timber, Veneer & Plywood Trading Company", Reference: "SH-0WZ9-AB3C", Amount: eur("410.00"), Unapplied: eur("30.00"), State: "paid, on its way to the vendor",
				Lines: []letter.ReceiptLine{{Invoice: "A-VERY-LONG-INVOICE-NUMBER-2026-000000000123456789/07", Settled: eur("400.00"), Credit: zero, Discount: eur("20.00"), LateFee: zero, Paid: eur("380.00")}}},
		}}
}

func refundedReceipt(t testing.TB) letter.Receipt {
	r := receipt(t)
	r.Status, r.Refunded, r.ChargedBack = "refunded", amount(t, "1362.40", "EUR"), amount(t, "410.00", "EUR")
	r.Vendors[0].State, r.Vendors[0].Returns = "refunded", []letter.ReceiptReturn{{What: "Refund", At: r.At.Add(48 * time.Hour), Amount: amount(t, "1362.40", "EUR")}}
	r.Vendors[1].State, r.Vendors[1].Returns = "charged back", []letter.ReceiptReturn{{What: "Chargeback", At: r.At.Add(72 * time.Hour), Amount: amount(t, "410.00", "EUR")}}
	return r
}

// What a mail says must stand in both its parts; of very many invoices it says
// how many more there are.
func TestReceiptPartsSayTheSame(t *testing.T) {
	r := refundedReceipt(t)
	for i := range 60 {
		line := r.Vendors[0].Lines[1]
		line.Invoice = "NF-3" + strconv.Itoa(1000+i)
		r.Vendors[0].Lines = append(r.Vendors[0].Lines, line)
	}
	mail, err := New().Receipt(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, said := range []string{"R-2026-00094", "EUR 1,772.40", "EUR 210.00 of it by credit CN-118", "and a late fee of EUR 12.00", "paid EUR 1,052.00", "EUR 20.00 of it a discount",
		"Kept for you by the vendor", "EUR 30.00", "Refund", "EUR \u22121,362.40", "Chargeback", "25 Nov at 13:05 CET", "SH-7K2M-991Q", "SH-0WZ9-AB3C", "32 more invoices", "EUR 9,932.80",
		"22 Nov at 13:05 CET", "Card ending 4242", "not a tax invoice", "attached as a PDF", r.URL} {
		for part, text := range map[string]string{"text": mail.Text, "HTML": strings.ReplaceAll(mail.HTML, "&amp;", "&")} {
			if !strings.Contains(strings.ReplaceAll(text, "\u00a0", " "), said) {
				t.Errorf("the %s part lacks %q", part, said)
			}
		}
	}
	if strings.Contains(mail.Text, "NF-31059") {
		t.Error("every invoice of very many is listed")
	}
}

func schedule(t testing.TB, kind letter.ScheduleKind) letter.Schedule {
	return letter.Schedule{Kind: kind, Today: today, ContactName: "Ann Weatherby", PayOn: "2026-11-23", Amount: amount(t, "1770.40", "EUR"), Method: "Visa ending 4242",
		Vendors: []letter.ScheduleVendor{{Name: "Northwind Freight", Amount: amount(t, "1350.40", "EUR"), Lines: []letter.VendorLine{{Invoice: "NF-20391", Amount: amount(t, "1250.00", "EUR")}, {Invoice: "NF-20412", Amount: amount(t, "100.40", "EUR")}}},
			{Name: "Brightwell Print <b>Ltd</b>", Amount: amount(t, "420.00", "EUR"), Lines: []letter.VendorLine{{Invoice: "4471", Amount: amount(t, "420.00", "EUR")}}}},
		URL: "https://sheaf.example/me/schedules#0192f1c2", Footer: footer()}
}

func TestGoldenMails(t *testing.T) {
	for name, render := range letters(t) {
		t.Run(name, func(t *testing.T) {
			mail, err := render(New())
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name+".golden.txt", "Subject: "+mail.Subject+"\n\n"+mail.Text)
			golden(t, name+".golden.html", mail.HTML)
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is not what is rendered; look at both, then run with -update", file)
	}
}

// Both parts must say the same: every number, amount and link of the one
// stands in the other.
func TestDigestPartsSayTheSame(t *testing.T) {
	d := digest(t)
	mail, err := New().Digest(d)
	if err != nil {
		t.Fatal(err)
	}
	said := []string{"Brightwell Print", "1 invoice"}
	for _, vendor := range d.Vendors {
		said = append(said, vendor.Email)
		for _, s := range sections(vendor) {
			for _, line := range s.lines {
				said = append(said, line.Number, line.Open.Grouped(), line.PayURL)
			}
		}
	}
	said = append(said, d.PageURL, d.PayAllURL, d.Unsubscribe, d.SettingsURL, d.Rhythm, "1 Granary Row")
	page := strings.ReplaceAll(strings.ReplaceAll(mail.HTML, "&amp;", "&"), "\u00a0", " ")
	for _, words := range said {
		if !strings.Contains(mail.Text, words) {
			t.Errorf("the text part lacks %q", words)
		}
		if !strings.Contains(page, words) {
			t.Errorf("the HTML part lacks %q", words)
		}
	}
	if strings.Contains(mail.HTML, "<b>Ltd</b>") {
		t.Error("a vendor's name was taken for markup")
	}
}

// The caller limits the lines; with 100 of them the mail must stay under the
// size at which mail programs cut it off.
func TestDigestOfHundredLinesStaysUnderHundredKilobytes(t *testing.T) {
	d := digest(t)
	line := d.Vendors[0].Overdue[0]
	line.PayURL = "https://sheaf.example/d/" + strings.Repeat("t", 43) + "?select=0192f1c2-7b5a-7cc0-8000-0123456789ab"
	d.Vendors[0].Overdue = nil
	for i := range 100 {
		line.Number = "NF-" + strconv.Itoa(20000+i)
		d.Vendors[0].Overdue = append(d.Vendors[0].Overdue, line)
	}
	rendered, err := New().Digest(d)
	if err != nil {
		t.Fatal(err)
	}
	if len(rendered.HTML) > 100_000 {
		t.Errorf("%d bytes", len(rendered.HTML))
	}
	t.Logf("%d bytes", len(rendered.HTML))
}

func TestSubjectsAreOneLine(t *testing.T) {
	d := digest(t)
	d.Totals = nil
	d.Vendors = d.Vendors[:1]
	d.Vendors[0].Name = "Evil\r\nBcc: all@victims.example \u202etxet" + strings.Repeat(" x", 200)
	mail, err := New().Digest(d)
	if err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(mail.Subject, "\r\n\u202e") || len([]rune(mail.Subject)) > 150 {
		t.Errorf("the subject is %q", mail.Subject)
	}
}

func TestLettersWithoutTheirLinkAreRefused(t *testing.T) {
	renderer := New()
	_, digestErr := renderer.Digest(letter.Digest{PageURL: "https://sheaf.example/d/abc"})
	_, signInErr := renderer.SignIn(letter.SignIn{})
	_, caseErr := renderer.CaseUpdate(letter.CaseUpdate{})
	_, eventErr := renderer.VendorEvent(letter.VendorEvent{URL: "https://sheaf.example/vendor"})
	_, scheduleErr := renderer.Schedule(letter.Schedule{URL: "https://sheaf.example/me"})
	_, receiptErr := renderer.Receipt(letter.Receipt{})
	for name, err := range map[string]error{"digest": digestErr, "sign-in": signInErr, "case": caseErr, "event": eventErr, "receipt": receiptErr, "schedule": scheduleErr} {
		if !errors.Is(err, ErrLetter) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
