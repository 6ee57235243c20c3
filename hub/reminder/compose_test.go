package reminder_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/mail/letter"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/reminder"
	"github.com/sheaf-hub/sheaf/hub/store"
)

func numbers(lines []letter.DigestLine) string {
	var out []string
	for _, line := range lines {
		text := line.Number + " " + line.Open.String()
		if line.Note != "" {
			text += " (" + line.Note + ")"
		}
		if line.PayURL != "" {
			text += " pay"
		}
		out = append(out, text)
	}
	return plain(strings.Join(out, "; "))
}

// plain has ordinary spaces where amounts hold together.
func plain(text string) string { return strings.ReplaceAll(text, "\u00a0", " ") }

func TestEachInvoiceStandsInItsSection(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		north, south, west := d.vendor("North"), d.vendor("South"), d.vendor("West")
		d.bring(north, "C-1", ann, party.Payables, bill("N-over", 10000, "2026-11-23"), bill("N-today", 1100, "2026-11-24"), bill("N-week", 1200, "2026-12-01"),
			bill("N-later", 1300, "2026-12-02"), bill("N-nodate", 1400, ""), bill("N-disputed", 1500, "2026-11-01"), bill("N-half", 1600, "2026-11-01"),
			bill("N-process", 1700, "2026-11-01"), bill("N-part", 1800, "2026-11-02"), bill("N-promise", 1900, "2026-11-01"), bill("N-plan", 2000, "2026-11-01"),
			bill("N-sent", 2100, "2026-11-01"), bill("N-manual", 2200, "2026-11-01"), bill("N-ended", 2300, "2026-11-03"), bill("N-planned", 2400, "2026-11-01"), bill("N-twice", 2500, "2026-11-01"))
		d.bring(south, "S-1", ann, party.Payables, bill("S-1", 9900, "2026-11-10"))
		d.bring(west, "W-1", ann, party.Payables, bill("W-1", 7700, "2026-11-10"))
		d.says(ann, party.VendorMine, north)
		d.says(ann, party.VendorNotMine, west)
		d.hold("N-disputed", billing.HoldDispute, 0, "")
		d.hold("N-half", billing.HoldDispute, 600, "")
		d.hold("N-promise", billing.HoldPromise, 0, "2026-11-28")
		d.hold("N-plan", billing.HoldPlan, 0, "")
		d.hold("N-sent", billing.HoldSent, 0, "2026-12-01")
		d.hold("N-manual", billing.HoldManual, 0, "2026-12-01")
		d.hold("N-ended", billing.HoldPromise, 0, "2026-11-24") // promised for yesterday: it is asked for again
		d.hold("N-planned", billing.HoldScheduled, 2400, money.Date("2026-12-03").AddDays(billing.ScheduledSlack))
		d.hold("N-twice", billing.HoldScheduled, 1500, money.Date("2027-01-02").AddDays(billing.ScheduledSlack))
		d.hold("N-twice", billing.HoldScheduled, 1000, money.Date("2026-12-04").AddDays(billing.ScheduledSlack))
		d.exec("UPDATE invoices SET held = 1700 WHERE number = 'N-process'")
		d.exec("UPDATE invoices SET held = 800 WHERE number = 'N-part'")
		d.tuesday()
		mail := d.run(ann)
		if len(d.drawn.Vendors) != 1 || len(d.drawn.New) != 1 || d.drawn.New[0].Name != "South" {
			t.Fatalf("%d vendors and new %+v", len(d.drawn.Vendors), d.drawn.New)
		}
		got := d.drawn.Vendors[0]
		for section, pair := range map[string][2]string{
			"overdue":    {numbers(got.Overdue), "N-part EUR 10.00 (EUR 8.00 is on its way) pay; N-ended EUR 23.00 pay; N-over EUR 100.00 pay"},
			"soon":       {numbers(got.Soon), "N-today EUR 11.00 pay; N-week EUR 12.00 pay"},
			"disputed":   {numbers(got.Disputed), "N-disputed EUR 15.00; N-half EUR 16.00 (EUR 6.00 in dispute)"},
			"scheduled":  {numbers(got.Scheduled), "N-planned EUR 24.00 (will be paid on 3 Dec); N-twice EUR 25.00 (EUR 10.00 will be paid on 4 Dec)"},
			"processing": {numbers(got.Processing), "N-process EUR 17.00"},
			"later": {numbers(got.Later), "N-manual EUR 22.00 (on hold by the vendor); N-plan EUR 20.00 (in a payment plan); N-promise EUR 19.00 (promised for " +
				money.Date("2026-11-27").Human("2026-11-24") + "); N-sent EUR 21.00 (you told the vendor that payment is on its way); N-later EUR 13.00 pay; N-nodate EUR 14.00 pay"},
		} {
			if pair[0] != pair[1] {
				t.Errorf("%s:\n got %s\nwant %s", section, pair[0], pair[1])
			}
		}
		contains(t, mail.Text, "N-over", "S-1", "To pay: EUR 183.00", "overdue EUR 133.00", "due within 7 days EUR 23.00", "due later EUR 27.00")
		lacks(t, mail.Text+mail.HTML, "West", "W-1")
		notes := 0
		d.must(d.DB.NewRaw("SELECT count(*) FROM invoice_history WHERE kind = 'reminded'").Scan(context.Background(), &notes))
		if notes != 7 {
			t.Errorf("%d invoices were noted as reminded, want the 7 that are asked for", notes)
		}
	})
}

func TestTotalsPerCurrencyAndCredits(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		north, south, west := d.vendor("North"), d.vendor("South"), d.vendor("West")
		yen := bill("N-jpy", 1840000, "2026-11-30")
		yen.Currency = "JPY"
		dinar := bill("S-kwd", 1200500, "2026-11-20")
		dinar.Currency = "KWD"
		d.bring(north, "C-1", ann, party.Payables, bill("N-1", 12500, "2026-11-01"), bill("N-2", 8000, "2026-12-20"), yen)
		d.bring(south, "S-1", ann, party.Payables, dinar)
		d.bring(west, "W-1", ann, party.Payables, bill("W-1", 9999, "2026-11-01"))
		for vendor, account := range map[string]string{north.ID: "C-1", west.ID: "W-1"} {
			target := map[string]party.Vendor{north.ID: north, west.ID: west}[vendor]
			d.push(target, billing.Batch{Credits: []billing.CreditRecord{{ExternalID: "CR-" + account, Number: "CR-" + account, Account: account, Currency: "EUR", Total: 2100, Open: 2100}}})
		}
		d.says(ann, party.VendorMine, north, south)
		d.tuesday()
		mail := d.run(ann)
		var got []string
		for _, total := range d.drawn.Totals {
			got = append(got, fmt.Sprintf("%s: %s overdue, %s soon, %s later, %s credits", total.ToPay, total.Overdue, total.Soon, total.Later, total.Credits))
		}
		want := "EUR 205.00: EUR 125.00 overdue, EUR 0.00 soon, EUR 80.00 later, EUR 21.00 credits\n" +
			"JPY 1,840,000: JPY 0 overdue, JPY 1,840,000 soon, JPY 0 later, JPY 0 credits\n" +
			"KWD 1,200.500: KWD 1,200.500 overdue, KWD 0.000 soon, KWD 0.000 later, KWD 0.000 credits"
		if plain(strings.Join(got, "\n")) != want {
			t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), want)
		}
		contains(t, mail.Text, "CR-C-1")
		lacks(t, mail.Text, "CR-W-1") // a new vendor's credit is that vendor's word alone
	})
}

// A mail program cuts at about 100 KB, and the message must not be cut.
func TestFiveHundredInvoicesFitIntoOneMail(t *testing.T) {
	shapes := map[string]struct{ vendors, invoices, credits int }{
		"one vendor":       {1, 500, 0},
		"with its credits": {1, 300, 400},
		"fifty vendors":    {50, 10, 0},
	}
	each(t, func(t *testing.T, d *desk) {
		for name, shape := range shapes {
			d.at(time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC))
			email := strings.ReplaceAll(name, " ", "-") + "@acme.example"
			for v := range shape.vendors {
				vendor := d.vendor(fmt.Sprintf("%s-%02d", strings.ReplaceAll(name, " ", "-"), v))
				var bills []billing.InvoiceRecord
				for i := range shape.invoices {
					bills = append(bills, bill(fmt.Sprintf("INVOICE-2026-%02d-%04d", v, i), 12345, "2026-11-01"))
				}
				d.bring(vendor, "C-1", email, party.Payables, bills...)
				var credits []billing.CreditRecord
				for i := range shape.credits {
					number := fmt.Sprintf("CREDIT-2026-%04d", i)
					credits = append(credits, billing.CreditRecord{ExternalID: number, Number: number, Account: "C-1", Currency: "EUR", Total: 100, Open: 100})
				}
				d.push(vendor, billing.Batch{Credits: credits})
				d.says(email, party.VendorMine, vendor)
			}
			d.tuesday()
			d.plan()
			d.want(d.send(email), reminder.Done, "")
			mail := d.post.To(email)[0]
			if len(mail.HTML) > 100_000 {
				t.Errorf("%s: %d bytes of HTML", name, len(mail.HTML))
			}
			t.Logf("%s: %d bytes of HTML, %d of everything", name, len(mail.HTML), len(mail.Raw))
			shown := reminder.MostLines - shape.vendors
			left := shape.vendors*shape.invoices - shown
			if d.drawn.More != left || strings.Count(mail.Text, "INVOICE-2026") != shown || len(d.drawn.Vendors) != shape.vendors {
				t.Errorf("%s: %d lines and %d more, want %d and %d", name, strings.Count(mail.Text, "INVOICE-2026"), d.drawn.More, shown, left)
			}
			contains(t, mail.Text, fmt.Sprintf("%d more", left), plain(money.New(int64(shape.vendors*shape.invoices)*12345, "EUR").String()))
			if shape.credits > 0 {
				contains(t, mail.Text, "CREDIT-2026-0000  EUR 1.00", "380 more  EUR 380.00", "credits on hand EUR 400.00")
			}
		}
	})
}

// The number is the one text of an unknown vendor that stands in the mail.
func TestNumbersOfANewVendorCannotCarryAMessage(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		north := d.vendor("North")
		odd := []string{"CALL NOW", "Your account is locked, see http://evil.example/1", "www.evil.example/1", "1 https://x", "evil@x.example 1",
			strings.Repeat("9", 31), "Pay now! 1", "<b>1</b>", "WWW.evil.example 2"}
		var bills []billing.InvoiceRecord
		for i, number := range odd {
			record := bill(number, 100+int64(i), "2026-11-01")
			record.ExternalID = fmt.Sprintf("odd-%d", i)
			bills = append(bills, record)
		}
		d.bring(north, "C-1", ann, party.Payables, append(bills, bill("INV-2026/0041", 5000, "2026-11-02"))...)
		d.push(north, billing.Batch{Credits: []billing.CreditRecord{{ExternalID: "c", Number: "CLICK-1", Account: "C-1", Currency: "EUR", Total: 5, Open: 5}}})
		d.tuesday()
		mail := d.run(ann)
		both := mail.Subject + mail.Text + mail.HTML
		contains(t, mail.Text, "INV-2026/0041", "invoice of 2026-10-01", "10 invoices")
		lacks(t, both, "CALL NOW", "evil", "locked", "Pay now!", strings.Repeat("9", 31), "<b>1", "CLICK", "Marit", "ar@north.example", "+47")
		for _, line := range d.drawn.New[0].Lines {
			if line.PayURL != "" || line.Note != "" {
				t.Errorf("a new vendor's line is %+v", line)
			}
		}
		if len(d.drawn.Totals) != 0 || d.drawn.PayAllURL != "" {
			t.Errorf("a new vendor's invoices are asked for: %+v, %q", d.drawn.Totals, d.drawn.PayAllURL)
		}
	})
}

func TestManyLinesOfANewVendorAreCut(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		var bills []billing.InvoiceRecord
		for i := range 25 {
			bills = append(bills, bill(fmt.Sprintf("N-%02d", i), 100, "2026-11-01"))
		}
		d.bring(d.vendor("North"), "C-1", ann, party.Payables, bills...)
		d.tuesday()
		mail := d.run(ann)
		fresh := d.drawn.New[0]
		if len(fresh.Lines) != reminder.MostNewLines || fresh.More != 15 || fresh.Invoices != 25 || d.drawn.More != 15 {
			t.Fatalf("%d lines, %d more of %d; %d in all", len(fresh.Lines), fresh.More, fresh.Invoices, d.drawn.More)
		}
		contains(t, mail.Text, "25 invoices", "EUR 25.00", "15 more")
	})
}

// A colleague sees on the page what the team shares, and is reminded of what
// vendors list it for.
func TestATeamsMembersAreRemindedOfTheirOwn(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		north, south := d.vendor("North"), d.vendor("South")
		d.bring(north, "C-1", ann, party.Payables, bill("N-1", 12500, "2026-11-01"))
		d.bring(south, "S-1", "bob@acme.example", party.Payables, bill("S-1", 9900, "2026-11-01"))
		d.bring(north, "C-2", "bob@acme.example", party.Approver, bill("N-2", 500, "2026-11-01"))
		d.exec("UPDATE contacts SET customer_id = ? WHERE email = 'bob@acme.example'", d.contact(ann).CustomerID)
		d.says(ann, party.VendorMine, north)
		d.tuesday()
		d.plan()
		d.send(ann)
		d.send("bob@acme.example")
		mine, his := d.post.To(ann)[0], d.post.To("bob@acme.example")[0]
		contains(t, mine.Text, "N-1")
		lacks(t, mine.Text, "S-1", "South", "N-2")
		contains(t, his.Text, "S-1")
		lacks(t, his.Text, "N-1", "N-2")
	})
}

func TestPreviewSendsNothing(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		ctx, north, south := context.Background(), d.vendor("North"), d.vendor("South")
		d.bring(north, "C-1", ann, party.Payables, bill("N-1", 12500, "2026-11-01"))
		d.bring(south, "S-1", ann, party.Payables, bill("S-1", 9900, "2026-11-01"))
		d.push(south, billing.Batch{Credits: []billing.CreditRecord{{ExternalID: "c", Number: "CR-South", Account: "S-1", Currency: "EUR", Total: 500, Open: 500}}})
		d.says(ann, party.VendorMine, south)
		contact := d.contact(ann)
		full, err := d.Preview(ctx, " Ann@ACME.example ")
		d.must(err)
		contains(t, full.Text, "North", "S-1", "https://hub.example/me")
		lacks(t, full.Text, "/d/")
		part, err := d.PreviewForVendor(ctx, north.ID, contact.ID)
		d.must(err)
		contains(t, part.Text, "NORTH", "N-1", "Marit of North", "EUR 125.00")
		lacks(t, part.Subject+part.Text+part.HTML, "South", "SOUTH", "S-1", "99.00", "CR-South", "/u/", "/d/")
		stranger := d.vendor("West")
		for name, preview := range map[string]func() error{
			"a vendor without an invoice": func() error { _, err := d.PreviewForVendor(ctx, stranger.ID, contact.ID); return err },
			"an address nobody lists":     func() error { _, err := d.Preview(ctx, "nobody@acme.example"); return err },
			"what is no address":          func() error { _, err := d.Preview(ctx, "not an address"); return err },
		} {
			if err := preview(); fault.CodeOf(err) != fault.NotFound {
				t.Errorf("%s: %v", name, err)
			}
		}
		if n := len(d.post.Messages()); n != 0 || d.post.Attempts() != 0 {
			t.Errorf("%d mails were sent", n)
		}
	})
}

func TestAnswersAndPhoneStandBesideTheVendor(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		north := d.vendor("North")
		d.bring(north, "C-1", ann, party.Payables, bill("N-1", 12500, "2026-11-01"))
		d.says(ann, party.VendorMine, north)
		d.Answers = func(_ context.Context, ids []string) (map[string]string, error) {
			return map[string]string{ids[0]: "Usually answers within 4 hours"}, nil
		}
		d.tuesday()
		mail := d.run(ann)
		contains(t, mail.Text, "Usually answers within 4 hours", "Marit of North", "ar@north.example")
		contains(t, mail.HTML, "tel:+4722000000")
	})
}

func TestOffersStandBesideWhatIsAskedFor(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		north, stranger := d.vendor("North"), d.vendor("Stranger")
		d.bring(north, "C-1", ann, party.Payables, bill("N-1", 12500, "2026-11-01"))
		d.bring(stranger, "S-1", ann, party.Payables, bill("S-1", 700, "2026-11-01"))
		d.says(ann, party.VendorMine, north)
		var asked, told []string
		d.Offers = func(_ context.Context, items []billing.Item, today money.Date) (map[string]string, error) {
			words := map[string]string{}
			for _, item := range items {
				asked = append(asked, item.Number)
				words[item.ID] = "EUR 122.50 if paid by " + money.Date("2027-01-02").Human(today) + " (2 % discount)"
			}
			return words, nil
		}
		d.Told = func(_ context.Context, items []billing.Item) error {
			for _, item := range items {
				told = append(told, item.Number)
			}
			return nil
		}
		d.tuesday()
		mail := d.run(ann)
		contains(t, mail.Text, "EUR 122.50 if paid by 2 Jan 2027 (2 % discount)")
		contains(t, mail.HTML, "if paid by 2 Jan 2027")
		if strings.Count(mail.Text, "2 % discount") != 1 || strings.Join(asked, " ") != "N-1" || strings.Join(told, " ") != "N-1" {
			t.Fatalf("asked %v, told %v in\n%s", asked, told, mail.Text)
		}
	})
}

func TestBooksThatWereNotReadForDaysAreNotAskedFor(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		north, south := d.vendor("North"), d.vendor("South")
		d.bring(north, "C-1", ann, party.Payables)
		fresh, old := store.NewID(), store.NewID()
		for connection, number := range map[string]string{fresh: "FRESH-1", old: "OLD-1"} {
			one := bill(number, 1000, "2026-11-01")
			one.Account = "C-1"
			d.push(north, billing.Batch{Invoices: []billing.InvoiceRecord{one}, ConnectionID: connection})
		}
		d.bring(south, "S-1", ann, party.Payables, bill("PUSHED-1", 2000, "2026-11-01"))
		d.says(ann, party.VendorMine, north, south)
		d.tuesday()
		d.Stale = func(_ context.Context, ids []string) (map[string]bool, error) {
			if len(ids) != 2 {
				t.Errorf("asked of %v", ids)
			}
			return map[string]bool{old: true}, nil
		}
		mail := d.run(ann)
		contains(t, mail.Text, "FRESH-1", "PUSHED-1", "To pay: EUR 30.00")
		lacks(t, mail.Text+mail.HTML, "OLD-1")
		shown, err := d.PreviewForVendor(t.Context(), north.ID, d.contact(ann).ID)
		d.must(err)
		contains(t, shown.Text, "FRESH-1", "OLD-1") // before it goes live a vendor sees what will be sent
		lacks(t, shown.Text, "PUSHED-1")
	})
}
