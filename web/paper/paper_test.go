package paper_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/mail/letter"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/web/paper"
	"github.com/sheaf-hub/sheaf/web/paper/papertest"
)

func eur(minor int64) money.Amount { return money.New(minor, "EUR") }

var noon = time.Date(2026, 11, 22, 12, 5, 0, 0, time.UTC)

// receipt has two vendors, credits, a discount, a late fee, money that no
// invoice took, and what went back; the second vendor has more invoices.
func receipt(more int) letter.Receipt {
	r := letter.Receipt{Payer: "Ann Weatherby, ann@acme.example", Number: "R-7K2M4-XD0WZ", Status: "settled", Charged: eur(177240 + int64(more)*10000), Credits: eur(21000), Discount: eur(2000),
		LateFee: eur(1200), Unapplied: eur(3000), Refunded: eur(5000), ChargedBack: eur(0), Method: "Visa ending 4242", At: noon, Zone: "Europe/Oslo",
		Footer: letter.Footer{HubName: "Sheaf", Postal: []string{"Sheaf Hub Ltd, 1 Granary Row, Anytown"}},
		Vendors: []letter.ReceiptVendor{
			{Name: "Northwind Freight", Reference: "SH-7K2M4-991QA", Amount: eur(136240), State: "sent to the vendor", Unapplied: eur(0), Lines: []letter.ReceiptLine{
				{Invoice: "NF-20391", Account: "C-104", Settled: eur(125000), Credit: eur(21000), Credits: []letter.ReceiptCredit{{Number: "CN-118", Amount: eur(21000)}}, Discount: eur(0), LateFee: eur(1200), Paid: eur(105200)},
				{Invoice: "NF-20412", Account: "C-105", Settled: eur(31040), Credit: eur(0), Discount: eur(0), LateFee: eur(0), Paid: eur(31040)}},
				Returns: []letter.ReceiptReturn{{What: "Refund", At: noon.Add(48 * time.Hour), Amount: eur(5000)}}},
			{Name: "Søren Ærøs Træ: " + strings.Repeat("Extraordinarily Long-Named International Timber & Veneer ", 3), Reference: "SH-0WZ9A-B3CDE", Amount: eur(41000 + int64(more)*10000), Unapplied: eur(3000), State: "paid, on its way to the vendor",
				Lines: []letter.ReceiptLine{{Invoice: "A-VERY-LONG-INVOICE-NUMBER-2026-" + strings.Repeat("0123456789", 8) + "-END", Account: "K-9", Settled: eur(40000), Credit: eur(0), Discount: eur(2000), LateFee: eur(0), Paid: eur(38000)}}},
		}}
	for i := range more {
		r.Vendors[1].Lines = append(r.Vendors[1].Lines, letter.ReceiptLine{Invoice: fmt.Sprintf("Ναύτης-Жук-%d", i), Account: "K-9", Settled: eur(10000), Credit: eur(0), Discount: eur(0), LateFee: eur(0), Paid: eur(10000)})
	}
	return r
}

func remittance(more int) paper.Remittance {
	r := paper.Remittance{Hub: "Sheaf", Vendor: "Northwind Freight", Zone: time.UTC, Reference: "SH-7K2M4-991QA", Status: "Settled", Method: "card", Settled: noon, Unapplied: eur(700),
		Share: eur(106900), ProcessingFee: eur(3100), HubFee: eur(534), Netted: eur(2000), Sent: eur(101266), Transfer: "Sent to you", TransferRef: "tr_1QabcXYZ", SentAt: noon.Add(time.Hour),
		Lines: []paper.RemittanceLine{{Invoice: "NF-20391", ExternalID: "ext-991", Account: "C-104", AccountName: "Acme Furniture Ltd", Credits: []string{"CN-118"}, Settled: eur(127000), Credit: eur(21000),
			Discount: eur(1000), LateFee: eur(1200), Paid: eur(106200)}}, Returns: []paper.RemittanceReturn{{What: "Refund", At: noon, Amount: eur(900)}}}
	for i := range more {
		r.Lines = append(r.Lines, paper.RemittanceLine{Invoice: fmt.Sprintf("NF-3%04d", i), ExternalID: fmt.Sprintf("NF-3%04d", i), Account: "C-104", AccountName: "Acme Furniture Ltd",
			Settled: eur(10000), Credit: eur(0), Discount: eur(0), LateFee: eur(0), Paid: eur(10000)})
	}
	return r
}

func says(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("the paper lacks %q:\n%s", part, text)
		}
	}
}

func TestReceipt(t *testing.T) {
	file, err := paper.Writer{}.Receipt(receipt(0))
	if err != nil {
		t.Fatal(err)
	}
	text := papertest.Text(t, file)
	says(t, text, "Receipt R-7K2M4-XD0WZ", "Ann Weatherby, ann@acme.example", "22 November 2026, 13:05 CET", "Visa ending 4242", "Paid; a part went back", "Northwind Freight",
		"Reference SH-7K2M4-991QA · Sent to the vendor", "account C-104 · credit CN-118 EUR 210.00", "account C-105", "− Credits", "+ Late fee", "− Discount",
		"EUR 1,250.00", "EUR 1,052.00", "EUR 1,362.40", "Refund, 24 November 2026", "EUR −50.00", "your account there: K-9", "Kept for you by the vendor", "EUR 30.00",
		"Charged", "EUR 1,772.40", "of which late fees", "EUR 12.00", "Discounts given by vendors", "Refunded so far", "not a tax invoice", "Page 1 of 1", "-END")
	if strings.Contains(text, "Charged back") {
		t.Error("it speaks of a chargeback that never was")
	}
	again, err := paper.Writer{}.Receipt(receipt(0))
	if err != nil || !bytes.Equal(file, again) {
		t.Errorf("the same receipt is not the same file (%v)", err)
	}
}

func TestAReceiptByCreditsAlone(t *testing.T) {
	r := receipt(0)
	r.Vendors, r.Charged, r.LateFee, r.Unapplied, r.Refunded, r.Discount = nil, eur(0), eur(0), eur(0), eur(0), eur(0)
	file, err := paper.Writer{}.Receipt(r)
	if err != nil {
		t.Fatal(err)
	}
	says(t, papertest.Text(t, file), "Payment of EUR 210.00 by credits", "EUR 0.00")
}

// Sixty invoices go over several pages; each begins with the head of the table.
func TestManyInvoices(t *testing.T) {
	for name, write := range map[string]func() ([]byte, error){
		"receipt":    func() ([]byte, error) { return paper.Writer{}.Receipt(receipt(60)) },
		"remittance": func() ([]byte, error) { return remittance(60).Write() },
	} {
		t.Run(name, func(t *testing.T) {
			file, err := write()
			if err != nil {
				t.Fatal(err)
			}
			text := papertest.Text(t, file)
			pages := strings.Split(strings.TrimSuffix(text, "\f"), "\f")
			if len(pages) < 2 {
				t.Fatalf("%d pages", len(pages))
			}
			for i, page := range pages {
				says(t, page, fmt.Sprintf("Page %d of %d", i+1, len(pages)))
				if strings.Contains(page, "EUR 100.00") {
					says(t, page, "On the invoice")
				}
			}
			if n := strings.Count(text, "EUR 100.00"); n != 120 {
				t.Errorf("%d amounts of 60 invoices", n)
			}
		})
	}
}

func TestRemittance(t *testing.T) {
	file, err := remittance(0).Write()
	if err != nil {
		t.Fatal(err)
	}
	says(t, papertest.Text(t, file), "Remittance advice", "SH-7K2M4-991QA", "Acme Furniture Ltd (C-104)", "NF-20391", "id ext-991 · account C-104 · by credit CN-118", "EUR 1,270.00", "EUR 1,062.00",
		"Taken by no invoice", "EUR 7.00", "Your share", "EUR 1,069.00", "Processing fee", "EUR −31.00", "Fee of Sheaf", "EUR −5.34", "Kept for what you owed", "EUR −20.00",
		"Sent to you", "EUR 1,012.66", "tr_1QabcXYZ", "22 November 2026, 13:05 UTC", "Refund, 22 November 2026", "EUR −9.00")
}

// Text comes from vendors: whatever it is, a file comes out, and its words
// cannot play the number of pages.
func TestHostileText(t *testing.T) {
	for _, word := range []string{"", " ", "\x00\r\n\t", "🧾🧾🧾", "\u202eevil", "{pages}", strings.Repeat("W", 5000), strings.Repeat("long words ", 800), "\xff\xfe", "(a) Tj ET \\", "שלום", "发票"} {
		r := receipt(1)
		r.Payer, r.Method, r.Number, r.Zone = word, word, word, word
		r.Footer.HubName = word
		for i := range r.Vendors {
			r.Vendors[i].Name, r.Vendors[i].Reference, r.Vendors[i].State = word, word, word
			for j := range r.Vendors[i].Lines {
				r.Vendors[i].Lines[j].Invoice, r.Vendors[i].Lines[j].Account = word, word
			}
		}
		file, err := paper.Writer{}.Receipt(r)
		if err != nil {
			t.Fatalf("%.20q: %v", word, err)
		}
		if text := papertest.Text(t, file); !strings.Contains(text, "not a tax invoice") || !strings.Contains(text, "Page 1 of ") {
			t.Errorf("%.20q spoils the paper:\n%s", word, text)
		}
	}
	big := receipt(0)
	big.Vendors[0].Lines[0].Settled = money.New(money.MaxMinor*1000, "KWD")
	file, err := paper.Writer{}.Receipt(big)
	if err != nil {
		t.Fatal(err)
	}
	says(t, papertest.Text(t, file), "KWD 900,000,000,000.000")
}
