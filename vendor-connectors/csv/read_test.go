package csv

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

// gather reads a whole file and writes each record as one line.
func gather(t *testing.T, data []byte, options Options) (string, error) {
	t.Helper()
	var out []string
	var done int64
	err := Read(context.Background(), bytes.NewReader(data), int64(len(data)), options, func(page connectors.Page) error {
		if page.Done < done || page.Done > page.Total || page.Total != int64(len(data)) {
			t.Errorf("progress went from %d to %d of %d", done, page.Done, page.Total)
		}
		done = page.Done
		for _, r := range page.Invoices {
			out = append(out, strings.TrimSpace(fmt.Sprintf("invoice %s %s %s|%s %s>%s %s %s %s %s", r.ExternalID, r.Number, r.Account, r.AccountSeen.Name,
				r.IssuedOn, r.DueOn, r.Total.Currency, r.Total.Decimal(), r.Open.Decimal(), r.Status)+mails(r.AccountSeen)))
		}
		for _, r := range page.Credits {
			out = append(out, strings.TrimSpace(fmt.Sprintf("credit %s %s|%s %s %s %s %s %s", r.Number, r.Account, r.AccountSeen.Name, r.IssuedOn,
				r.Total.Currency, r.Total.Decimal(), r.Open.Decimal(), r.Status)+mails(r.AccountSeen)))
		}
		for _, r := range page.Rejected {
			out = append(out, fmt.Sprintf("rejected %s: %s", r.Place, r.Problems[0].Message))
		}
		return nil
	})
	if err == nil && done != int64(len(data)) {
		t.Errorf("progress ended at %d of %d", done, len(data))
	}
	return strings.Join(out, "\n"), err
}

func mails(account *connectors.Account) string {
	var list []string
	for _, contact := range account.Contacts {
		list = append(list, contact.Email)
	}
	if len(list) == 0 {
		return ""
	}
	return " <" + strings.Join(list, " ") + ">"
}

func TestRead(t *testing.T) {
	for _, test := range []struct {
		name, file string
		options    Options
		want       string
	}{
		{"English, commas", "Invoice Number,Customer ID,Customer Name,Email,Invoice Date,Due Date,Currency,Total,Balance Due,PO Number\n" +
			"INV-1,C-1,Acme Ltd,ap@acme.example,2026-11-01,2026-12-01,USD,\"1,250.00\",\"1,000.50\",PO-7\n", Options{},
			"invoice INV-1 INV-1 C-1|Acme Ltd 2026-11-01>2026-12-01 USD 1250.00 1000.50 open <ap@acme.example>"},
		{"German, semicolons", "Rechnungsnr.;Kundennr.;Kunde;E-Mail;Rechnungsdatum;Fälligkeit;Währung;Bruttobetrag;Offener Betrag\r\n" +
			"R-17;10042;Kranz & Böhm GmbH;ap@kranz.example; 14.11.2026;28.11.2026;EUR;1.234,56;1.234,56\r\n", Options{},
			"invoice R-17 R-17 10042|Kranz & Böhm GmbH 2026-11-14>2026-11-28 EUR 1234.56 1234.56 open <ap@kranz.example>"},
		{"French, spaces, tab", "N° de facture\tCode client\tNom du client\tDate de facture\tDate d'échéance\tDevise\tMontant TTC\tReste à payer\n" +
			"F-9\tCL1\tAtelier Été\t15/11/2026\t31/12/2026\tEUR\t1 234,56\t1\u00a0234,56\n", Options{},
			"invoice F-9 F-9 CL1|Atelier Été 2026-11-15>2026-12-31 EUR 1234.56 1234.56 open"},
		{"Dutch", "Factuurnummer;Klantnaam;Factuurdatum;Vervaldatum;Valuta;Factuurbedrag;Openstaand\nV1;De Molen BV;2026-11-01;2026-11-15;EUR;100,00;100,00\n", Options{},
			"invoice V1 V1 de-molen-bv|De Molen BV 2026-11-01>2026-11-15 EUR 100.00 100.00 open"},
		{"Spanish, pipes", "Nº Factura|Cliente|Fecha de factura|Vencimiento|Moneda|Importe total|Pendiente\nA1|Casa Sol|20/01/2026|20/02/2026|EUR|10,50|10,50\n", Options{},
			"invoice A1 A1 casa-sol|Casa Sol 2026-01-20>2026-02-20 EUR 10.50 10.50 open"},
		{"Swiss grouping and title lines", "Open items,,,\nas of 2026-11-20,,,\n\nInvoice,Customer,Due date,Open (CHF)\n1,Alp AG,2026-12-01,1'234.50\n", Options{},
			"invoice 1 1 alp-ag|Alp AG >2026-12-01 CHF 1234.50 1234.50 open"},
		{"sep line", "sep=;\r\nInvoice;Customer;Amount\r\n7;Acme;5.25\r\n", Options{Currency: "usd"},
			"invoice 7 7 acme|Acme > USD 5.25 5.25 open"},
		{"negatives become credits", "Number,Customer,Currency,Total,Open\n1,A,EUR,-10.00,-4.00\n2,A,EUR,(10.00),(10.00)\n3,A,EUR,10.00-,10.00-\n", Options{},
			"credit 1 a|A  EUR 10.00 4.00 open\ncredit 2 a|A  EUR 10.00 10.00 open\ncredit 3 a|A  EUR 10.00 10.00 open"},
		{"kinds and states", "Type,Number,Customer,Currency,Total,Status\nCredit Memo,1,A,EUR,5,open\nInvoice,2,A,EUR,5,Paid\nInvoice,3,A,EUR,5,Overdue\nPayment,4,A,EUR,5,open\nInvoice,5,A,EUR,5,Voided\nInvoice,6,A,EUR,5,Draft\n", Options{},
			"invoice 2 2 a|A > EUR 5.00 0.00 paid\ninvoice 3 3 a|A > EUR 5.00 5.00 open\ninvoice 5 5 a|A > EUR 5.00 0.00 void\ncredit 1 a|A  EUR 5.00 5.00 open\n" +
				"rejected line 5, column Type: \"Payment\" is neither an invoice nor a credit; leave such rows out\nrejected line 7, column Status: \"Draft\": a draft is not owed yet; leave drafts out"},
		{"symbols", "Number,Customer,Total\n1,A,€ 5.50\n2,A,6.50 €\n3,A,EUR 7.00\n4,A,-€8.00\n", Options{},
			"invoice 1 1 a|A > EUR 5.50 5.50 open\ninvoice 2 2 a|A > EUR 6.50 6.50 open\ninvoice 3 3 a|A > EUR 7.00 7.00 open\ncredit 4 a|A  EUR 8.00 8.00 open"},
		{"dollar signs with a currency", "Number,Customer,Total\n1,A,$5.50\n", Options{Currency: "USD"}, "invoice 1 1 a|A > USD 5.50 5.50 open"},
		{"several mailboxes", "Number,Customer,Email,Total,Currency\n1,A,\"a@x.example; b@x.example, A@x.example\",5,EUR\n", Options{},
			"invoice 1 1 a|A > EUR 5.00 5.00 open <a@x.example b@x.example>"},
		{"month first, proven", "Number,Customer,Invoice date,Total,Currency\n1,A,11/02/2026,5,USD\n2,A,11/22/2026,5,USD\n", Options{},
			"invoice 1 1 a|A 2026-11-02> USD 5.00 5.00 open\ninvoice 2 2 a|A 2026-11-22> USD 5.00 5.00 open"},
		{"order told, short years", "Number,Customer,Invoice date,Total,Currency\n1,A,02.11.26,5,USD\n2,A,02.11.71,5,USD\n", Options{DateOrder: "dmy"},
			"invoice 1 1 a|A 2026-11-02> USD 5.00 5.00 open\ninvoice 2 2 a|A 1971-11-02> USD 5.00 5.00 open"},
		{"named months and times", "Number,Customer,Invoice date,Due date,Total,Currency\n1,A,2 Nov 2026,\"December 2, 2026\",5,USD\n2,A,2026-11-02 00:00:00,20261203,5,USD\n", Options{},
			"invoice 1 1 a|A 2026-11-02>2026-12-02 USD 5.00 5.00 open\ninvoice 2 2 a|A 2026-11-02>2026-12-03 USD 5.00 5.00 open"},
		{"mapping", "Ref,Who,What,Junk total\n1,A,5,9\n", Options{Currency: "EUR", Mapping: map[string]string{"ref": "number", "Who": "account_name", "What": "open", "Junk total": "-"}},
			"invoice 1 1 a|A > EUR 5.00 5.00 open"},
		{"paid so far", "Number,Customer,Currency,Total,Amount Paid\n1,A,EUR,10,4\n2,A,EUR,10,\n", Options{},
			"invoice 1 1 a|A > EUR 10.00 6.00 open\ninvoice 2 2 a|A > EUR 10.00 10.00 open"},
		{"bare due is a date", "Number,Customer,Due,Total,Currency\n1,A,2026-12-01,5,EUR\n", Options{}, "invoice 1 1 a|A >2026-12-01 EUR 5.00 5.00 open"},
		{"bare due is an amount", "Number,Customer,Due,Total,Currency\n1,A,3.50,5.00,EUR\n", Options{}, "invoice 1 1 a|A > EUR 5.00 3.50 open"},
		{"the same row twice is one", "Number,Customer,Total,Currency\n1,A,5,EUR\n1,A,5,EUR\n1,A,6,EUR\n", Options{},
			"invoice 1 1 a|A > EUR 5.00 5.00 open\nrejected line 4, column Number: line 2 has the same number \"1\" with other content; one number is one invoice"},
		{"bad rows", "Number,Customer,Invoice date,Due date,Email,Total,Open,Currency\n" +
			",A,2026-01-01,,,5,5,EUR\n2,,2026-01-01,,,5,5,EUR\n3,A,2026-01-32,,,5,5,EUR\n4,A,2026-02-01,2026-01-01,,5,5,EUR\n5,A,,,no mail,5,5,EUR\n" +
			"6,A,,,,5.1234,5,EUR\n7,A,,,,five,5,EUR\n8,A,,,,5,6,EUR\n9,A,,,,0,0,EUR\n10,A,,,,5,5,XXX1\n11,A,,,,5,5,EUR,extra\n12,A,,,,,,EUR\n13,A,,,,99999999999,,EUR\n", Options{},
			"rejected line 2, column Number: the row has no invoice number\nrejected line 3, column Customer: the row names no customer\n" +
				"rejected line 4, column Invoice date: not a date: \"2026-01-32\"; write it like 2026-11-30\nrejected line 5, column Due date: due on 2026-01-01, before the invoice date 2026-02-01\n" +
				"rejected line 6, column Email: \"no\" is not an e-mail address; write it like ap@acme.example\nrejected line 7, column Total: \"5.1234\" has more digits than EUR has (2)\n" +
				"rejected line 8, column Total: \"five\" is not an amount\nrejected line 9, column Open: EUR\u00a06.00 is open, more than the total of EUR\u00a05.00\n" +
				"rejected line 10, column Total: the total is zero: nothing is owed\nrejected line 11, column Currency: unknown currency: \"XXX1\" is not an ISO 4217 code\n" +
				"rejected line 12, column 9: the row has 9 cells, the header 8; quote cells that hold the delimiter \",\"\nrejected line 13, column Total: the row has no amount\n" +
				"rejected line 14, column Total: amount out of range: \"99999999999\""},
		{"cells with line breaks keep the count", "Number,Customer,Total,Currency\n1,\"A\nB\",5,EUR\n,x,5,EUR\n", Options{},
			"invoice 1 1 a-b|A B > EUR 5.00 5.00 open\nrejected line 4, column Number: the row has no invoice number"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := gather(t, []byte(test.file), test.options)
			if err != nil {
				t.Fatal(err)
			}
			if got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

func TestReadAsks(t *testing.T) {
	for _, test := range []struct {
		name, file, column, option string
		options                    Options
	}{
		{"date order", "Number,Customer,Due date,Total,Currency\n1,A,01/02/2026,5,EUR\n2,A,03/03/2026,5,EUR\n", "Due date", "DateOrder", Options{}},
		{"each column proves itself", "Number,Customer,Invoice date,Due date,Total,Currency\n1,A,20/01/2026,01/02/2026,5,EUR\n", "Due date", "DateOrder", Options{}},
		{"dates contradict", "Number,Customer,Due date,Total,Currency\n1,A,13/02/2026,5,EUR\n2,A,02/13/2026,5,EUR\n", "Due date", "DateOrder", Options{}},
		{"short years", "Number,Customer,Due date,Total,Currency\n1,A,13/02/26,5,EUR\n", "Due date", "DateOrder", Options{}},
		{"decimal mark", "Number,Customer,Total,Currency\n1,A,\"1,234\",EUR\n2,A,\"5,678\",EUR\n", "", "Decimal", Options{}},
		{"decimal marks contradict", "Number;Customer;Total;Currency\n1;A;1,50;EUR\n2;A;2.25;EUR\n", "", "Decimal", Options{}},
		{"currency", "Number,Customer,Total\n1,A,5\n", "", "Currency", Options{}},
		{"dollar", "Number,Customer,Total\n1,A,$5\n", "", "Currency", Options{}},
		{"no header", "1,A,5\n2,B,6\n", "", "Mapping", Options{}},
		{"no number", "Customer,Total,Currency\nA,5,EUR\n", "", "Mapping", Options{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := gather(t, []byte(test.file), test.options)
			var ask *AmbiguousError
			if !errors.As(err, &ask) || ask.Column != test.column || ask.Option != test.option || got != "" {
				t.Errorf("err %v (%+v), records %q", err, ask, got)
			}
		})
	}
}

func TestReadAnswers(t *testing.T) {
	got, err := gather(t, []byte("Number,Customer,Due date,Total\n1,A,01/02/2026,\"1,234\"\n"), Options{DateOrder: "mdy", Decimal: ".", Currency: "EUR"})
	if err != nil || got != "invoice 1 1 a|A >2026-01-02 EUR 1234.00 1234.00 open" {
		t.Errorf("%q %v", got, err)
	}
	got, err = gather(t, []byte("Number,Customer,Due date,Total\n1,A,01/02/2026,\"1,23\"\n"), Options{DateOrder: "dmy", Decimal: ",", Currency: "EUR"})
	if err != nil || got != "invoice 1 1 a|A >2026-02-01 EUR 1.23 1.23 open" {
		t.Errorf("%q %v", got, err)
	}
}

func TestReadEncodings(t *testing.T) {
	text := "Rechnungsnummer;Kunde;Betrag;Währung\nR1;Müller & Söhne – Köln;1,50;€\n"
	want := "invoice R1 R1 müller-söhne-köln|Müller & Söhne – Köln > EUR 1.50 1.50 open"
	windows, _ := charmap.Windows1252.NewEncoder().Bytes([]byte(text))
	little, _ := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().Bytes([]byte(text))
	big, _ := unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewEncoder().Bytes([]byte(text))
	for name, data := range map[string][]byte{"UTF-8": []byte(text), "BOM": []byte("\xEF\xBB\xBF" + text), "Windows-1252": windows, "UTF-16LE": little, "UTF-16BE": big} {
		if got, err := gather(t, data, Options{}); err != nil || got != want {
			t.Errorf("%s: %q %v", name, got, err)
		}
	}
}

func TestReadMalformed(t *testing.T) {
	for _, test := range []struct{ name, file, want string }{
		{"bare quote", "Number,Customer,Total,Currency\n1,A \"B\" C,5,EUR\n", `line 2 column 5: a quote (") stands inside a cell that is not quoted; double it and quote the whole cell`},
		{"open quote", "Number,Customer,Total,Currency\n1,\"A,5,EUR\n", "line 2 column 12: a quoted cell goes on after its closing quote, or is never closed"},
		{"empty", "", "the file is empty"},
		{"workbook", "PK\x03\x04xxxx", "the file is damaged, or an archive that is no workbook; open it in a spreadsheet program and save it again"},
		{"binary", "a\x00b", "the file holds bytes that are no text; save it as CSV in UTF-8"},
		{"endless quote", "Number,Customer,Total,Currency\n1,\"" + strings.Repeat("x\n", maxRecord), "line 2 column 1: a row of more than 2 MB; look for a quote that is never closed after line 1"},
		{"too many columns", "Number,Customer,Total,Currency" + strings.Repeat(",x", 200) + "\n", "line 1 column 1: 204 columns, more than the 200 that are accepted"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := gather(t, []byte(test.file), Options{})
			var format *FormatError
			if !errors.As(err, &format) || err.Error() != test.want {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestCommonExports maps the headers that common programs write.
func TestCommonExports(t *testing.T) {
	for _, test := range []struct{ program, header, want string }{
		{"accounting, cloud", "*ContactName,EmailAddress,*InvoiceNumber,Reference,*InvoiceDate,*DueDate,Total,InvoiceAmountPaid,InvoiceAmountDue,Currency,Type,Status",
			"account_name email number purchase_order issued_on due_on total paid open currency kind status"},
		{"payments", "id,Amount Due,Amount Remaining,Currency,Customer Name,Customer Email,Due Date (UTC),Number,Status,Total",
			"external_id - open currency account_name email due_on number status total"},
		{"ERP", "Number,Invoice Partner Display Name,Invoice/Bill Date,Due Date,Total Signed,Amount Due Signed,Payment Status",
			"number account_name issued_on due_on total open status"},
		{"desktop", "Date,Num,Name,Due Date,Amount,Open Balance,Terms,P.O. #", "issued_on number account_name due_on total open terms purchase_order"},
		{"ERP, German", "Debitor;Name 1;Belegnr;Belegdatum;Nettofälligkeit;Betrag in Belegwährung;Währg;Referenz", "account account_name number issued_on due_on total - purchase_order"},
		{"French", "Numéro;Client;Date d'émission;Échéance;Total TTC;Restant dû;Devise;Statut", "number account_name issued_on due_on total open currency status"},
		{"Dutch", "Factuurnr.;Debiteurnr.;Debiteur;Factuurdatum;Vervaldatum;Factuurbedrag;Openstaand bedrag;Valuta", "number account account_name issued_on due_on total open currency"},
		{"Spanish", "Núm. factura;Cód. cliente;Razón social;Fecha;Fecha vto.;Importe;Pendiente;Correo electrónico", "number account account_name issued_on due_on total open email"},
	} {
		p, err := Inspect(context.Background(), strings.NewReader(test.header+"\n"), Options{Currency: "EUR"})
		if err != nil {
			t.Errorf("%s: %v", test.program, err)
			continue
		}
		var got []string
		for _, column := range p.Columns {
			if column.Field == "" {
				column.Field = "-"
			}
			got = append(got, column.Field)
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%s:\ngot  %s\nwant %s", test.program, strings.Join(got, " "), test.want)
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	file := []byte("Number,Customer,Total,Currency\n1,A,5,EUR\n")
	for _, options := range []Options{{Delimiter: "x"}, {Decimal: ";"}, {DateOrder: "ymx"}, {Currency: "ZZZZ"},
		{Mapping: map[string]string{"Number": "nonsense"}}, {Mapping: map[string]string{"Nowhere": "number"}},
		{Mapping: map[string]string{"Number": "open", "Total": "open"}}} {
		if _, err := gather(t, file, options); !errors.Is(err, ErrOptions) {
			t.Errorf("%+v: %v", options, err)
		}
	}
}

func TestInspectShowsTheMapping(t *testing.T) {
	data, err := os.ReadFile("testdata/offene-posten.csv")
	if err != nil {
		t.Fatal(err)
	}
	p, err := Inspect(context.Background(), bytes.NewReader(data), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if p.Encoding != "Windows-1252" || p.Delimiter != ";" || p.Decimal != "," || p.HeaderLine != 4 || p.Rows != 4 || len(p.Questions) != 0 {
		t.Errorf("%+v", p)
	}
	var shown []string
	for _, column := range p.Columns {
		if len(column.Samples) == 0 || column.Why == "" {
			t.Errorf("%q has samples %q and why %q", column.Header, column.Samples, column.Why)
		}
		shown = append(shown, column.Header+"="+column.Field)
	}
	want := "Beleg-Nr.=number Kdnr=account Kundenname=account_name E-Mail=email Belegdatum=issued_on Fällig am=due_on Whg=currency Betrag brutto=total Restbetrag=open Bemerkung="
	if got := strings.Join(shown, " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got, err := gather(t, data, Options{}); err != nil || strings.Count(got, "invoice ") != 3 || strings.Count(got, "credit ") != 1 {
		t.Errorf("%s %v", got, err)
	}
}

func TestSinkAndContextEndTheReading(t *testing.T) {
	var file strings.Builder
	file.WriteString("Number,Customer,Total,Currency\n")
	for i := range 3 * PageSize {
		fmt.Fprintf(&file, "%d,A,5,EUR\n", i)
	}
	stop := errors.New("stop")
	pages := 0
	err := Read(context.Background(), strings.NewReader(file.String()), 0, Options{}, func(connectors.Page) error { pages++; return stop })
	if !errors.Is(err, stop) || pages != 1 {
		t.Errorf("%v after %d pages", err, pages)
	}
	ctx, cancel := context.WithCancel(context.Background())
	pages = 0
	err = Read(ctx, strings.NewReader(file.String()), 0, Options{}, func(connectors.Page) error { pages++; cancel(); return nil })
	if !errors.Is(err, context.Canceled) || pages != 1 {
		t.Errorf("%v after %d pages", err, pages)
	}
}

// TestMemoryIsFlat reads a file that is much larger than what may stay in memory.
func TestMemoryIsFlat(t *testing.T) {
	const rows = 30_000
	note := strings.Repeat("x", 1000)
	reader, writer := io.Pipe()
	go func() {
		fmt.Fprint(writer, "Number,Customer,Total,Currency,Remark\n")
		for i := range rows {
			fmt.Fprintf(writer, "%d,A,5,EUR,%s\n", i, note)
		}
		writer.Close()
	}()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	count, most := 0, uint64(0)
	err := Read(context.Background(), reader, 0, Options{}, func(page connectors.Page) error {
		count += len(page.Invoices)
		if count%10_000 == 0 {
			runtime.GC()
			runtime.ReadMemStats(&after)
			most = max(most, after.HeapAlloc)
		}
		return nil
	})
	if err != nil || count != rows {
		t.Fatalf("%d rows, %v", count, err)
	}
	if grown := int64(most) - int64(before.HeapAlloc); grown > 12<<20 {
		t.Errorf("the heap grew by %d bytes while 30 MB were read", grown)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("Invoice Number,Customer,Date,Total,Currency\n1,A,2026-01-02,\"1,234.50\",EUR\n"), "", "")
	f.Add([]byte("Rechnungsnr;Kunde;Betrag\n1;\"B\"\"x\";1.234,56 €\n"), "dmy", ",")
	f.Add([]byte("sep=;\nNumber;Customer;Total\n1;A;(5)\n"), "mdy", ".")
	f.Add([]byte("\xFF\xFEN\x00o\x00"), "", "")
	f.Fuzz(func(t *testing.T, data []byte, order, mark string) {
		options := Options{DateOrder: order, Decimal: mark, Currency: "EUR"}
		if options.check() != nil {
			options = Options{Currency: "EUR"}
		}
		err := Read(context.Background(), bytes.NewReader(data), int64(len(data)), options, func(page connectors.Page) error {
			for _, invoice := range page.Invoices {
				if invoice.Total.Minor <= 0 || invoice.Open.Minor < 0 || invoice.Open.Minor > invoice.Total.Minor || invoice.Number == "" || invoice.Account == "" {
					t.Errorf("%+v", invoice)
				}
			}
			for _, credit := range page.Credits {
				if credit.Total.Minor <= 0 || credit.Open.Minor < 0 || credit.Number == "" || credit.Account == "" {
					t.Errorf("%+v", credit)
				}
			}
			for _, rejected := range page.Rejected {
				if rejected.Place == "" || len(rejected.Problems) == 0 {
					t.Errorf("%+v", rejected)
				}
			}
			return nil
		})
		if err != nil && err.Error() == "" {
			t.Error("an error without words")
		}
	})
}
