package einvoice

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/einvoice/einvoicetest"
)

var update = flag.Bool("update", false, "write the golden files anew")

func plain() einvoicetest.Invoice {
	return einvoicetest.Invoice{
		Number: "KB-1", IssuedOn: "2026-11-02", DueOn: "2026-12-02", Terms: "Net 30", Currency: "EUR",
		Net: "100.00", Tax: "19.00", Total: "119.00", Payable: "119.00", Order: "PO-1", Note: "Thank you.",
		Seller: einvoicetest.Party{Name: "Kranz & Böhm GmbH", VAT: "DE000000018"},
		Buyer: einvoicetest.Party{Name: "Northgate Studios Ltd", ID: "C-204", VAT: "DE000000026", Email: "ap@northgate.example",
			Mailbox: "invoices@northgate.example", Contact: "Ann Pike", Phone: "+49 421 0"},
		Lines: []einvoicetest.Line{{Name: "Paper", Quantity: "10", Price: "10.00", Amount: "100.00"}},
		Files: []einvoicetest.File{{Name: "hours.csv", ContentType: "text/csv", Content: []byte("day,hours\n")}},
	}
}

func mustRead(t *testing.T, name string, data []byte) Result {
	t.Helper()
	result, err := Read(name, data, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// TestSameRecord holds UBL and CII of one invoice against each other.
func TestSameRecord(t *testing.T) {
	for name, change := range map[string]func(*einvoicetest.Invoice){
		"invoice":       func(*einvoicetest.Invoice) {},
		"credit note":   func(i *einvoicetest.Invoice) { i.CreditNote = true },
		"negative":      func(i *einvoicetest.Invoice) { i.Total, i.Payable = "-119.00", "-119.00" },
		"no buyer id":   func(i *einvoicetest.Invoice) { i.Buyer.ID, i.Buyer.VAT = "", "" },
		"VAT as the id": func(i *einvoicetest.Invoice) { i.Buyer.ID = "" },
		"no due date":   func(i *einvoicetest.Invoice) { i.DueOn = "" },
		"prepaid":       func(i *einvoicetest.Invoice) { i.Payable = "19" },
		"forint":        func(i *einvoicetest.Invoice) { i.Currency = "HUF" },
		"many terms": func(i *einvoicetest.Invoice) {
			i.Terms = "#SKONTO#TAGE=7#PROZENT=2.00#\n#SKONTO#TAGE=14#PROZENT=1.00#\n"
		},
	} {
		invoice := plain()
		change(&invoice)
		ubl, cii := mustRead(t, "a.xml", einvoicetest.UBL(invoice)), mustRead(t, "a.xml", einvoicetest.CII(invoice))
		if !ubl.Usable() {
			t.Errorf("%s: %v", name, ubl.Problems)
		}
		if !reflect.DeepEqual(NewDryRun("a.xml", ubl), NewDryRun("a.xml", cii)) {
			t.Errorf("%s:\nUBL %+v\nCII %+v", name, NewDryRun("a.xml", ubl), NewDryRun("a.xml", cii))
		}
		if !reflect.DeepEqual(ubl.Invoice, cii.Invoice) || !reflect.DeepEqual(ubl.Credit, cii.Credit) || !reflect.DeepEqual(ubl.Early, cii.Early) {
			t.Errorf("%s:\nUBL %+v\nCII %+v", name, ubl.Invoice, cii.Invoice)
		}
	}
}

func TestKindsAndAmounts(t *testing.T) {
	for _, test := range []struct {
		name     string
		change   func(*einvoicetest.Invoice)
		kind     Kind
		total    string
		open     string
		problem  string
		status   connectors.Status
		unusable bool
	}{
		{name: "plain", kind: KindInvoice, total: "119.00", open: "119.00", status: "open"},
		{name: "payable as written", change: func(i *einvoicetest.Invoice) { i.Payable = "17.5" }, kind: KindInvoice, total: "119.00", open: "17.50", status: "open"},
		{name: "nothing payable", change: func(i *einvoicetest.Invoice) { i.Payable = "0" }, kind: KindInvoice, total: "119.00", open: "0.00", status: "paid"},
		{name: "negative", change: func(i *einvoicetest.Invoice) { i.Payable = "-20.00" }, kind: KindCredit, total: "119.00", open: "20.00", status: "open"},
		{name: "381", change: func(i *einvoicetest.Invoice) { i.TypeCode = "381" }, kind: KindCredit, total: "119.00", open: "119.00", status: "open"},
		{name: "396", change: func(i *einvoicetest.Invoice) { i.TypeCode = "396" }, kind: KindCredit, total: "119.00", open: "119.00", status: "open"},
		{name: "384", change: func(i *einvoicetest.Invoice) { i.TypeCode = "384" }, kind: KindInvoice, total: "119.00", open: "119.00", status: "open"},
		{name: "389", change: func(i *einvoicetest.Invoice) { i.TypeCode = "389" }, kind: KindInvoice, total: "119.00", open: "119.00", status: "open"},
		{name: "384 negative", change: func(i *einvoicetest.Invoice) { i.TypeCode, i.Total, i.Payable = "384", "-119", "-119" }, kind: KindCredit, total: "119.00", open: "119.00", status: "open"},
		{name: "credit note", change: func(i *einvoicetest.Invoice) { i.CreditNote = true }, kind: KindCredit, total: "119.00", open: "119.00", status: "open"},
		{name: "negative credit note", change: func(i *einvoicetest.Invoice) { i.CreditNote, i.Total, i.Payable = true, "-119", "-119" }, kind: KindCredit, total: "119.00", open: "119.00",
			status: "open", problem: "look whether an invoice was meant"},
		{name: "more payable than total", change: func(i *einvoicetest.Invoice) { i.Payable = "119.01" }, kind: KindInvoice, total: "119.01", open: "119.01", status: "open", problem: "counts as the total"},
		{name: "trailing zeros", change: func(i *einvoicetest.Invoice) { i.Payable = "119.0000" }, kind: KindInvoice, total: "119.00", open: "119.00", status: "open"},
		{name: "too many digits", change: func(i *einvoicetest.Invoice) { i.Payable = "119.001" }, unusable: true, problem: "more digits than EUR has"},
		{name: "no number", change: func(i *einvoicetest.Invoice) { i.Number = "" }, unusable: true, problem: "has no number"},
		{name: "no payable amount", change: func(i *einvoicetest.Invoice) { i.Payable = "" }, kind: KindInvoice, total: "119.00", open: "119.00", status: "open", problem: "so the total counts"},
		{name: "no amount", change: func(i *einvoicetest.Invoice) { i.Payable, i.Total = "", "" }, unusable: true, problem: "no payable amount"},
		{name: "total with too many digits", change: func(i *einvoicetest.Invoice) { i.Total = "119.001" }, kind: KindInvoice, total: "119.00", open: "119.00", status: "open", problem: "more digits than EUR has"},
		{name: "no such currency", change: func(i *einvoicetest.Invoice) { i.Currency = "EUX" }, unusable: true, problem: "EUX"},
		{name: "amount in words", change: func(i *einvoicetest.Invoice) { i.Payable = "1,00" }, unusable: true, problem: "not an amount"},
		{name: "no buyer", change: func(i *einvoicetest.Invoice) { i.Buyer = einvoicetest.Party{} }, unusable: true, problem: "names no buyer"},
		{name: "no issue date", change: func(i *einvoicetest.Invoice) { i.IssuedOn = "" }, unusable: true, problem: "no issue date"},
		{name: "due before issue", change: func(i *einvoicetest.Invoice) { i.DueOn = "2026-10-01" }, kind: KindInvoice, total: "119.00", open: "119.00", status: "open", problem: "before the issue date"},
		{name: "due on no day", change: func(i *einvoicetest.Invoice) { i.DueOn = "2026-13-01" }, kind: KindInvoice, total: "119.00", open: "119.00", status: "open", problem: "not a date"},
		{name: "bad address", change: func(i *einvoicetest.Invoice) { i.Buyer.Email = "ap at northgate" }, kind: KindInvoice, total: "119.00", open: "119.00", status: "open", problem: "not an e-mail address"},
	} {
		invoice := plain()
		if test.change != nil {
			test.change(&invoice)
		}
		for syntax, data := range map[string][]byte{"UBL": einvoicetest.UBL(invoice), "CII": einvoicetest.CII(invoice)} {
			result := mustRead(t, "a.xml", data)
			if test.problem != "" && !strings.Contains(fmt.Sprint(result.Problems), test.problem) {
				t.Errorf("%s %s: problems %v", test.name, syntax, result.Problems)
			}
			if test.problem == "" && len(result.Problems) > 0 {
				t.Errorf("%s %s: problems %v", test.name, syntax, result.Problems)
			}
			if test.unusable {
				if result.Usable() {
					t.Errorf("%s %s is usable", test.name, syntax)
				}
				continue
			}
			status := connectors.Status("none")
			if result.Invoice != nil {
				status = result.Invoice.Status
			} else if result.Credit != nil {
				status = result.Credit.Status
			}
			if result.Kind != test.kind || result.Total.Decimal() != test.total || result.Open.Decimal() != test.open || status != test.status {
				t.Errorf("%s %s: %s %s %s %s %v", test.name, syntax, result.Kind, result.Total, result.Open, status, result.Problems)
			}
		}
	}
}

func TestTerms(t *testing.T) {
	for _, test := range []struct{ terms, due, early string }{
		{"Net 30", "2026-12-02", "[]"},
		{"Payment within 14 days", "2026-11-16", "[]"},
		{"2% within 10 days, net 30", "", "[]"},
		{"see contract", "", "[]"},
		{"#SKONTO#TAGE=14#PROZENT=2.25#\n#SKONTO#TAGE=30#PROZENT=1.00#BASISBETRAG=357.93#", "", "[{14 2.25 } {30 1.00 357.93}]"},
	} {
		invoice := plain()
		invoice.DueOn, invoice.Terms = "", test.terms
		result := mustRead(t, "a.xml", einvoicetest.UBL(invoice))
		if result.DueOn != "" || string(result.TermsDue) != test.due || fmt.Sprint(result.Early) != test.early || result.Terms != test.terms {
			t.Errorf("%q: %q %q %v", test.terms, result.DueOn, result.TermsDue, result.Early)
		}
		if len(result.Problems) != 1 || result.Problems[0].Field != "/due_on" {
			t.Errorf("%q: %v", test.terms, result.Problems)
		}
	}
}

func TestSeveralDueDates(t *testing.T) {
	terms := func(day, discount string) string {
		return `<ram:SpecifiedTradePaymentTerms><ram:DueDateDateTime><udt:DateTimeString format="102">` + day + `</udt:DateTimeString></ram:DueDateDateTime>` + discount + `</ram:SpecifiedTradePaymentTerms>`
	}
	discount := `<ram:ApplicableTradePaymentDiscountTerms><ram:BasisPeriodMeasure unitCode="DAY">10</ram:BasisPeriodMeasure><ram:CalculationPercent>3.00</ram:CalculationPercent></ram:ApplicableTradePaymentDiscountTerms>`
	invoice := plain()
	base := string(einvoicetest.CII(invoice))
	start, end := strings.Index(base, "<ram:SpecifiedTradePaymentTerms>"), strings.Index(base, "</ram:SpecifiedTradePaymentTerms>")+len("</ram:SpecifiedTradePaymentTerms>")
	for _, test := range []struct{ terms, due, says string }{
		{terms("20261112", discount) + terms("20261202", ""), "2026-12-02", "[]"},
		{terms("20261231", discount) + terms("20261202", ""), "2026-12-02", "[]"},
		{terms("20261202", "") + terms("20270102", ""), "2027-01-02", "last one counts"},
		{terms("20261112", discount), "2026-11-12", "[]"},
	} {
		result := mustRead(t, "a.xml", []byte(base[:start]+test.terms+base[end:]))
		if string(result.DueOn) != test.due || !strings.Contains(fmt.Sprint(result.Problems), test.says) {
			t.Errorf("due %s, want %s; %v", result.DueOn, test.due, result.Problems)
		}
	}
}

func TestEncodings(t *testing.T) {
	text := string(einvoicetest.UBL(plain()))
	declared := func(label string) string { return strings.Replace(text, `encoding="UTF-8"`, `encoding="`+label+`"`, 1) }
	latin, _ := charmap.ISO8859_1.NewEncoder().Bytes([]byte(declared("ISO-8859-1")))
	windows, _ := charmap.Windows1252.NewEncoder().Bytes([]byte(declared("windows-1252")))
	little, _ := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().Bytes([]byte(declared("UTF-16")))
	big, _ := unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewEncoder().Bytes([]byte(declared("UTF-16")))
	bare, _ := unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM).NewEncoder().Bytes([]byte(declared("UTF-16LE")))
	for name, data := range map[string][]byte{"latin": latin, "windows": windows, "little": little, "big": big, "no mark": bare,
		"mark": []byte("\xEF\xBB\xBF" + text), "converted": []byte(declared("UTF-16"))} {
		if result := mustRead(t, "a.xml", data); result.Account.Name != "Northgate Studios Ltd" || !result.Usable() {
			t.Errorf("%s: %+v", name, result.Problems)
		}
	}
	if _, err := Read("a.xml", []byte(declared("klingon")), Limits{}); err == nil || !strings.Contains(err.Error(), "klingon") {
		t.Error(err)
	}
}

func TestHardening(t *testing.T) {
	good := string(einvoicetest.UBL(plain()))
	for _, test := range []struct{ name, data, says string }{
		{"empty", " ", "empty"},
		{"words", "hello", "neither XML nor PDF"},
		{"cut", good[:len(good)/2], "malformed XML"},
		{"doctype", strings.Replace(good, "?>", "?>\n<!DOCTYPE x [<!ENTITY a SYSTEM \"file:///etc/passwd\">]>", 1), "a.xml line 2 column"},
		{"entity", strings.Replace(good, "Thank you.", "&bomb;", 1), "malformed XML: invalid character entity &bomb;"},
		{"deep", "<a>" + strings.Repeat("<b>", 101), "deeper than 100"},
		{"two roots", good + "<x/>", "second root"},
		{"mismatch", "<a>\n<b></a>", "line 2 column"},
		{"FatturaPA", `<p:FatturaElettronica xmlns:p="http://ivaservizi.agenziaentrate.gov.it/docs/xsd/fatture/v1.2"/>`, "FatturaPA"},
		{"other Invoice", `<Invoice xmlns="http://books.example/v1"/>`, "books.example"},
		{"other root", `<html/>`, "<html> is not"},
		{"order", `<Order xmlns="urn:oasis:names:specification:ubl:schema:xsd:Order-2"/>`, "Order, not an invoice"},
		{"no PDF inside", "%PDF-1.4\nnothing", "broken"},
	} {
		result, err := Read("dir/a.xml", []byte(test.data), Limits{})
		var place *FileError
		if !errors.As(err, &place) || !strings.Contains(err.Error(), test.says) || result.Usable() {
			t.Errorf("%s: %v", test.name, err)
		}
		run := FailedDryRun("dir/a.xml", err)
		if len(run.Problems) != 1 || run.Problems[0].Message == "" {
			t.Errorf("%s: %+v", test.name, run)
		}
	}
	if _, err := Read("a.xml", []byte("<html/>"), Limits{}); !errors.Is(err, ErrUnknownSyntax) {
		t.Error(err)
	}
	if _, err := Read("a.xml", []byte(good), Limits{XMLBytes: 100}); err == nil || !strings.Contains(err.Error(), "more than the 100") {
		t.Error(err)
	}
	if _, err := Read("a.xml", []byte(good), Limits{Elements: 10}); err == nil || !strings.Contains(err.Error(), "more than 10 elements") {
		t.Error(err)
	}
}

// TestPrepaid does not compute what is payable.
func TestPrepaid(t *testing.T) {
	invoice := plain()
	invoice.Payable = ""
	data := bytes.Replace(einvoicetest.UBL(invoice), []byte("</cac:LegalMonetaryTotal>"), []byte(`<cbc:PrepaidAmount currencyID="EUR">19.00</cbc:PrepaidAmount></cac:LegalMonetaryTotal>`), 1)
	if result := mustRead(t, "a.xml", data); result.Usable() || !strings.Contains(fmt.Sprint(result.Problems), "no payable amount") {
		t.Errorf("%+v", result)
	}
	padded := append(einvoicetest.UBL(plain()), 0, 0, '\n')
	if result := mustRead(t, "a.xml", padded); !result.Usable() {
		t.Errorf("%+v", result.Problems)
	}
}

func TestPrefixesDoNotMatter(t *testing.T) {
	text := string(einvoicetest.UBL(plain()))
	text = strings.NewReplacer("cbc:", "x:", "cac:", "y:", ":cbc", ":x", ":cac", ":y").Replace(text)
	if result := mustRead(t, "a.xml", []byte(text)); !result.Usable() || result.Account.Name != "Northgate Studios Ltd" {
		t.Errorf("%+v", result)
	}
	wrapped := `<sh:StandardBusinessDocument xmlns:sh="http://www.unece.org/cefact/namespaces/StandardBusinessDocumentHeader"><sh:StandardBusinessDocumentHeader/>` +
		text[strings.Index(text, "<Invoice"):] + `</sh:StandardBusinessDocument>`
	if result := mustRead(t, "a.xml", []byte(wrapped)); !result.Usable() {
		t.Errorf("%+v", result.Problems)
	}
}

func TestHeldAttachments(t *testing.T) {
	eicar := `X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-` + `STANDARD-ANTIVIRUS-TEST-FILE!$H+H*`
	invoice := plain()
	invoice.Files = []einvoicetest.File{{Name: "virus.txt", ContentType: "text/plain", Content: []byte(eicar)},
		{Name: "ok.txt", ContentType: "nonsense", Content: []byte("fine")}, {Name: "..\\dir/plain.txt", ContentType: "text/plain", Content: []byte("MARK")}}
	data := bytes.Replace(einvoicetest.UBL(invoice), []byte("TUFSSw=="), []byte("X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD"+"-ANTIVIRUS-TEST-FILE!$H+H*"), 1)
	result := mustRead(t, "a.xml", data)
	var got []string
	for _, document := range result.Documents {
		got = append(got, fmt.Sprintf("%s %s %d %s", document.Name, document.ContentType, len(document.Content), document.Held))
	}
	want := "virus.txt text/plain 68 virus test string found|ok.txt application/octet-stream 4 |plain.txt text/plain 0 virus test string found"
	if strings.Join(got, "|") != want || !result.Usable() || len(result.Problems) != 2 {
		t.Errorf("%s\n%v", strings.Join(got, "|"), result.Problems)
	}
	small, err := Read("a.xml", einvoicetest.UBL(plain()), Limits{Attachment: 1})
	if err != nil || !strings.Contains(fmt.Sprint(small.Documents), "hours.csv") {
		t.Errorf("%v %v", small.Documents, err)
	}
}

// TestLargeInvoice reads more than 10 MB of attachment and lines.
func TestLargeInvoice(t *testing.T) {
	invoice := plain()
	invoice.Files[0].Content = bytes.Repeat([]byte("0123456789"), 800_000)
	for i := range 2_500 {
		invoice.Lines = append(invoice.Lines, einvoicetest.Line{Name: fmt.Sprint("Item ", i), Quantity: "1", Price: "1", Amount: "1"})
	}
	for _, data := range [][]byte{einvoicetest.UBL(invoice), einvoicetest.CII(invoice)} {
		if len(data) < 10<<20 {
			t.Fatalf("only %d bytes", len(data))
		}
		result := mustRead(t, "a.xml", data)
		if !result.Usable() || len(result.Documents[0].Content) != 8_000_000 || len(result.Invoice.Lines) != 1000 {
			t.Errorf("%v", result.Problems)
		}
	}
}

// TestEscaping brings every sign through both syntaxes, and drops what must not
// reach a screen.
func TestEscaping(t *testing.T) {
	invoice := plain()
	invoice.Buyer.Name = "A & \"B\" <C> Größe\u202e \n GmbH"
	invoice.Files[0].Name = "Größe & \"x\".pdf"
	for _, data := range [][]byte{einvoicetest.UBL(invoice), einvoicetest.CII(invoice)} {
		result := mustRead(t, "a.xml", data)
		if result.Account.Name != `A & "B" <C> Größe GmbH` || result.Documents[0].Name != `Größe & "x".pdf` {
			t.Errorf("%q %q", result.Account.Name, result.Documents[0].Name)
		}
	}
	if !bytes.Equal(einvoicetest.PDF([]byte("x"), "a.xml", nil), einvoicetest.PDF([]byte("x"), "a.xml", nil)) {
		t.Error("the same input must give the same PDF")
	}
}

// TestGolden holds the printed record of every carried file against a golden
// file, written anew with -update.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.xml")
	if err != nil || len(files) < 4 {
		t.Fatal(files, err)
	}
	for _, file := range append(files, "testdata/pdf/plain.pdf") {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		run, err := json.MarshalIndent(NewDryRun(filepath.Base(file), mustRead(t, file, data)), "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		golden := file + ".golden.json"
		if *update {
			if err := os.WriteFile(golden, append(run, '\n'), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if string(bytes.TrimSpace(want)) != string(run) {
			t.Errorf("%s:\n%s\nwant\n%s", file, run, want)
		}
	}
}
