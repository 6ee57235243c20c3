package csv

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

// book makes a workbook with a program that is not ours.
func book(t testing.TB, fill func(f *excelize.File)) []byte {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	fill(f)
	var out bytes.Buffer
	if err := f.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func put(t testing.TB, f *excelize.File, sheet string, rows ...[]any) {
	t.Helper()
	for i, row := range rows {
		if err := f.SetSheetRow(sheet, fmt.Sprintf("A%d", i+1), &row); err != nil {
			t.Fatal(err)
		}
	}
}

func style(t testing.TB, f *excelize.File, from, to, code string) {
	t.Helper()
	id, err := f.NewStyle(&excelize.Style{CustomNumFmt: &code})
	if err == nil {
		err = f.SetCellStyle("Sheet1", from, to, id)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// gatherSheet is gather for a workbook, whose progress is that of its text.
func gatherSheet(t *testing.T, data []byte, options Options) (string, error) {
	t.Helper()
	var out []string
	err := Read(context.Background(), bytes.NewReader(data), int64(len(data)), options, func(page connectors.Page) error {
		if page.Done > page.Total {
			t.Errorf("%d of %d", page.Done, page.Total)
		}
		for _, r := range page.Invoices {
			out = append(out, strings.TrimSpace(fmt.Sprintf("invoice %s %s|%s %s>%s %s %s %s %s", r.Number, r.Account, r.AccountSeen.Name,
				r.IssuedOn, r.DueOn, r.Total.Currency, r.Total.Decimal(), r.Open.Decimal(), r.Status)+mails(r.AccountSeen)))
		}
		for _, r := range page.Credits {
			out = append(out, fmt.Sprintf("credit %s %s %s %s %s", r.Number, r.Account, r.Total.Currency, r.Total.Decimal(), r.Open.Decimal()))
		}
		for _, r := range page.Rejected {
			out = append(out, fmt.Sprintf("rejected %s: %s", r.Place, r.Problems[0].Message))
		}
		return nil
	})
	return strings.Join(out, "\n"), err
}

var heads = []any{"Invoice No", "Customer No", "Customer", "Invoice Date", "Due Date", "Currency", "Total", "Open"}

func TestReadWorkbook(t *testing.T) {
	day := time.Date(2026, 11, 3, 15, 4, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		fill    func(f *excelize.File)
		options Options
		want    string
	}{
		"types and formats": {func(f *excelize.File) {
			put(t, f, "Sheet1", []any{"Open items"}, []any{}, heads,
				[]any{1001, "C-1", "Acme", day, "2026-12-03", "EUR", 1234.5, 0.1 + 0.2},
				[]any{"A-7", 42, " Böhm\nGmbH ", 46329, 46359.75, "EUR", "1.234,50", 1000},
				[]any{7, "C-2", "Zero", day, nil, "EUR", -12, -12})
			style(t, f, "D5", "D5", "dd.mm.yyyy")
			style(t, f, "E5", "E5", "[$-407]d. mmmm yyyy hh:mm;@")
			style(t, f, "B5", "B5", "00000")
			style(t, f, "A6", "A6", `"INV-"0000`)
			style(t, f, "G4", "H6", `_-* #,##0.00\ "€"_-;-* #,##0.00\ "€"_-`)
		}, Options{}, "invoice 1001 C-1|Acme 2026-11-03>2026-12-03 EUR 1234.50 0.30 open\n" +
			"invoice A-7 00042|Böhm GmbH 2026-11-03>2026-12-03 EUR 1234.50 1000.00 open\n" +
			"credit INV-0007 C-2 EUR 12.00 12.00"},
		"currency by format": {func(f *excelize.File) {
			put(t, f, "Sheet1", []any{"Number", "Customer", "Total"}, []any{"1", "A", 1234.567891}, []any{"2", "A", 5})
			style(t, f, "C2", "C3", `[$USD] #,##0.00`)
		}, Options{}, "invoice 1 a|A > USD 1234.57 1234.57 open\ninvoice 2 a|A > USD 5.00 5.00 open"},
		"more digits than the currency": {func(f *excelize.File) {
			put(t, f, "Sheet1", []any{"Number", "Customer", "Total", "Currency"}, []any{"1", "A", 1.005, "EUR"}, []any{"2", "A", "#N/A", "EUR"})
		}, Options{}, "rejected row 2, column Total: \"1.005\" has more digits than EUR has (2)\nrejected row 3, column Total: the cell shows the error #N/A; mend its formula"},
		"1904": {func(f *excelize.File) {
			yes := true
			if err := f.SetWorkbookProps(&excelize.WorkbookPropsOptions{Date1904: &yes}); err != nil {
				t.Fatal(err)
			}
			put(t, f, "Sheet1", []any{"Number", "Customer", "Date", "Total", "Currency"}, []any{"1", "A", 44867, 5, "EUR"})
			style(t, f, "C2", "C2", "m/d/yy")
		}, Options{}, "invoice 1 a|A 2026-11-03> EUR 5.00 5.00 open"},
		"merged": {func(f *excelize.File) {
			put(t, f, "Sheet1", []any{"Number", "Customer", "Amounts", nil, "Currency"}, []any{nil, nil, "Total", "Open", nil},
				[]any{"1", "Acme", 10, 5, "EUR"}, []any{"2", nil, 20, 20, "EUR"}, []any{"3", nil, nil, nil, "EUR"})
			for _, pair := range [][2]string{{"A1", "A2"}, {"B1", "B2"}, {"C1", "D1"}, {"E1", "E2"}, {"B3", "B5"}, {"C4", "C5"}} {
				if err := f.MergeCell("Sheet1", pair[0], pair[1]); err != nil {
					t.Fatal(err)
				}
			}
		}, Options{}, "invoice 1 acme|Acme > EUR 10.00 5.00 open\ninvoice 2 acme|Acme > EUR 20.00 20.00 open\nrejected row 5, column Total: the row has no amount"},
		"another sheet": {func(f *excelize.File) {
			put(t, f, "Sheet1", []any{"Nothing here"})
			if _, err := f.NewSheet("Offene Posten"); err != nil {
				t.Fatal(err)
			}
			put(t, f, "Offene Posten", []any{"Number", "Customer", "Total", "Currency"}, []any{"1", "A", true, "EUR"}, []any{"2", "A", "7", "EUR"})
		}, Options{Sheet: "offene posten"}, "invoice 2 a|A > EUR 7.00 7.00 open\nrejected row 2, column Total: \"TRUE\" is not an amount"},
		"formulas": {func(f *excelize.File) {
			put(t, f, "Sheet1", []any{"Number", "Customer", "Total", "Currency"}, []any{"1", "A", 5, "EUR"}, []any{"2", "A", nil, "EUR"})
			for _, cell := range []string{"C2", "C3"} { // the first keeps its result
				if err := f.SetCellFormula("Sheet1", cell, "2+3"); err != nil {
					t.Fatal(err)
				}
			}
		}, Options{}, "invoice 1 a|A > EUR 5.00 5.00 open\nrejected row 3, column Total: the cell holds a formula without its result; open the file in a spreadsheet program and save it"},
		"right of the header": {func(f *excelize.File) {
			put(t, f, "Sheet1", []any{"Number", "Customer", "Total", "Currency"}, []any{"1", "A", 5, "EUR", "odd"})
		}, Options{}, "rejected row 2, column 5: something stands in column 5, to the right of the header; give the column a header or delete it"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := gatherSheet(t, book(t, c.fill), c.options)
			if err != nil || got != c.want {
				t.Errorf("%v\ngot\n%s\nwant\n%s", err, got, c.want)
			}
		})
	}
}

// The same rows as text and as a workbook give the same records.
func TestWorkbookSaysWhatItsTextSays(t *testing.T) {
	text := "Invoice No,Customer No,Customer,Invoice Date,Due Date,Currency,Total,Open\n1,C-1,Acme,2026-11-03,2026-12-03,EUR,10.50,10.50\n2,C-2,Böhm,2026-11-04,,CHF,7.05,1\n"
	sheet := book(t, func(f *excelize.File) {
		put(t, f, "Sheet1", heads, []any{1, "C-1", "Acme", time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC), time.Date(2026, 12, 3, 0, 0, 0, 0, time.UTC), "EUR", 10.5, 10.5},
			[]any{2, "C-2", "Böhm", time.Date(2026, 11, 4, 0, 0, 0, 0, time.UTC), nil, "CHF", 7.05, 1})
	})
	want, err := gatherSheet(t, []byte(text), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := gatherSheet(t, sheet, Options{}); err != nil || got != want {
		t.Errorf("%v\n%s\nwant\n%s", err, got, want)
	}
	proposal, err := Inspect(context.Background(), io.MultiReader(bytes.NewReader(sheet)), Options{}) // a reader that cannot seek
	if err != nil || proposal.Encoding != "XLSX" || proposal.Sheet != "Sheet1" || proposal.Delimiter != "" || proposal.Rows != 2 || proposal.Columns[6].Samples[0] != "10.5" {
		t.Errorf("%+v, %v", proposal, err)
	}
}

// archive packs parts as they are.
func archive(t testing.TB, parts map[string]string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for name, text := range parts {
		part, err := w.Create(name)
		if err == nil {
			_, err = io.WriteString(part, text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

const sheetStart = `<worksheet><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>Number</t></is></c>`

func withSheet(t testing.TB, sheet string, more ...string) []byte {
	parts := map[string]string{
		"xl/workbook.xml":            `<workbook xmlns:r="r"><sheets><sheet name="One" sheetId="1" r:id="rId1"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": `<Relationships><Relationship Id="rId1" Type="x/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="x/sharedStrings" Target="/xl/s.xml"/></Relationships>`,
		"xl/worksheets/sheet1.xml":   sheet,
		"xl/s.xml":                   `<sst><si><r><t>Num</t></r><r><t>ber</t></r><rPh><t>nope</t></rPh></si></sst>`,
		"_rels/.rels":                `<Relationships/>`,
	}
	for i := 0; i+1 < len(more); i += 2 {
		parts[more[i]] = more[i+1]
	}
	return archive(t, parts)
}

func TestHostileWorkbooks(t *testing.T) {
	ole := append([]byte("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"), make([]byte, 300<<10)...)
	secret := append(bytes.Clone(ole), []byte("E\x00n\x00c\x00r\x00y\x00p\x00t\x00e\x00d\x00P\x00a\x00c\x00k\x00a\x00g\x00e\x00")...)
	many := map[string]string{}
	for i := range 6000 {
		many[fmt.Sprint(i)] = ""
	}
	good := book(t, func(f *excelize.File) { put(t, f, "Sheet1", heads, []any{1, "C", "A", "", "", "EUR", 1, 1}) })
	for name, c := range map[string]struct {
		data    []byte
		options Options
		words   string
	}{
		"old":           {ole, Options{}, "old kind (XLS)"},
		"password":      {secret, Options{}, "protected with a password"},
		"real password": {sealed(t), Options{}, "protected with a password"},
		"half":          {good[:len(good)/2], Options{}, "damaged"},
		"no workbook":   {archive(t, map[string]string{"a.txt": "x"}), Options{}, "an archive, not a workbook"},
		"binary":        {archive(t, map[string]string{"xl/workbook.bin": "x"}), Options{}, "XLSB"},
		"open document": {archive(t, map[string]string{"mimetype": "x", "content.xml": "<x/>"}), Options{}, "OpenDocument"},
		"word":          {archive(t, map[string]string{"word/document.xml": "<x/>"}), Options{}, "text document"},
		"many parts":    {archive(t, many), Options{}, "more than 5000 files"},
		"no such sheet": {good, Options{Sheet: "Posten"}, `no sheet "Posten"; the workbook has: Sheet1`},
		"empty sheet":   {book(t, func(*excelize.File) {}), Options{}, `"Sheet1" is empty`},
		"bomb":          {withSheet(t, sheetStart+strings.Repeat(`<c t="inlineStr"><is><t>`+strings.Repeat(" ", 1000)+`</t></is></c>`, 20_000)+`</row></sheetData></worksheet>`), Options{}, "unpacks to so much more"},
		"long text":     {withSheet(t, sheetStart+`<c t="inlineStr"><is><t>`+noise(6<<20)), Options{}, "a text of more than 4 MB"},
		"deep":          {withSheet(t, strings.Repeat("<a>", 1000)), Options{}, "nested deeper"},
		"entities":      {withSheet(t, `<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><worksheet><sheetData><row><c t="str"><v>&b;</v></c></row></sheetData></worksheet>`), Options{}, "damaged here"},
		"cut":           {withSheet(t, sheetStart), Options{}, "damaged here"},
		"far column":    {withSheet(t, sheetStart+`<c r="XFD1"><v>1</v></c></row></sheetData></worksheet>`), Options{}, "cell XFD1: stands beyond the 400 columns"},
		"far row":       {withSheet(t, `<worksheet><sheetData><row r="9999999"><c><v>1</v></c></row></sheetData></worksheet>`), Options{}, "row 9999999"},
		"rows back":     {withSheet(t, `<worksheet><sheetData><row r="5"><c><v>1</v></c></row><row r="2"/></sheetData></worksheet>`), Options{}, "row 2"},
		"no text":       {withSheet(t, `<worksheet><sheetData><row r="1"><c r="A1" t="s"><v>7</v></c></row></sheetData></worksheet>`), Options{}, "cell A1"},
		"no header":     {withSheet(t, `<worksheet><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c></row></sheetData></worksheet>`), Options{}, "no header row"},
		"other charset": {withSheet(t, `<?xml version="1.0" encoding="x-odd"?><worksheet/>`), Options{}, "damaged here"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := gatherSheet(t, c.data, c.options)
			if err == nil || !strings.Contains(err.Error(), c.words) {
				t.Errorf("%v, want %q", err, c.words)
			}
		})
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if err := Read(ended, bytes.NewReader(good), 0, Options{}, func(connectors.Page) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("an ended context: %v", err)
	}
}

// sealed is a workbook with a password, as programs write it.
func sealed(t *testing.T) []byte {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	var out bytes.Buffer
	if err := f.Write(&out, excelize.Options{Password: "quince"}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// noise packs badly.
func noise(n int) string {
	var out strings.Builder
	for state := uint32(7); out.Len() < n; {
		state = state*1664525 + 1013904223
		out.WriteByte('A' + byte(state>>24)%26)
	}
	return out.String()
}

func TestMemoryIsFlatForWorkbooks(t *testing.T) {
	const rows = 8_000
	var file bytes.Buffer
	f := excelize.NewFile()
	defer f.Close()
	out, err := f.NewStreamWriter("Sheet1")
	if err != nil {
		t.Fatal(err)
	}
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	must(out.SetRow("A1", []any{"Number", "Customer", "Total", "Currency", "Remark"}))
	const remark = 3000
	remarks := noise(rows * remark)
	for i := range rows {
		must(out.SetRow(fmt.Sprintf("A%d", i+2), []any{i + 1, "A", 12.5, "EUR", remarks[i*remark : (i+1)*remark]}))
	}
	must(out.Flush())
	must(f.Write(&file))
	f.Close()
	f, out = nil, nil
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	count, most := 0, uint64(0)
	err = Read(context.Background(), bytes.NewReader(file.Bytes()), 0, Options{}, func(page connectors.Page) error {
		count += len(page.Invoices)
		if count%2_000 == 0 {
			runtime.GC()
			runtime.ReadMemStats(&after)
			most = max(most, after.HeapAlloc)
		}
		return nil
	})
	if err != nil || count != rows {
		t.Fatalf("%d rows, %v", count, err)
	}
	runtime.KeepAlive(remarks)
	if grown := int64(most) - int64(before.HeapAlloc); grown > 8<<20 {
		t.Errorf("the heap grew by %d bytes while a sheet of 24 MB was read", grown)
	}
}

func FuzzReadWorkbook(f *testing.F) {
	f.Add(`<row r="1"><c r="A1" t="s"><v>0</v></c><c t="str"><v>Customer</v></c><c t="str"><v>Total</v></c></row><row><c><v>1</v></c><c t="str"><v>A</v></c><c s="1"><v>5E-1</v></c></row>`, "#,##0.00 [$€-407]")
	f.Add(`<row><c t="b"><v>1</v></c></row></sheetData><mergeCells><mergeCell ref="A1:B9"/></mergeCells>`, `yyyy"x"`)
	f.Add(`<row r="3"><c r="B3" s="1"><f>A1</f><v>46329</v></c></row>`, `[h]:mm;@`)
	f.Fuzz(func(t *testing.T, rows, code string) {
		var escaped bytes.Buffer
		for _, r := range code {
			if r != '<' && r != '&' && r != '"' {
				escaped.WriteRune(r)
			}
		}
		data := withSheet(t, "<worksheet><sheetData>"+rows+"</sheetData></worksheet>", "xl/styles.xml", `<styleSheet><numFmts><numFmt numFmtId="200" formatCode="`+escaped.String()+`"/></numFmts><cellXfs><xf numFmtId="0"/><xf numFmtId="200"/></cellXfs></styleSheet>`,
			"xl/_rels/workbook.xml.rels", `<Relationships><Relationship Id="rId1" Type="x/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="x/sharedStrings" Target="/xl/s.xml"/><Relationship Id="rId3" Type="x/styles" Target="styles.xml"/></Relationships>`)
		err := Read(context.Background(), bytes.NewReader(data), int64(len(data)), Options{Currency: "EUR"}, func(page connectors.Page) error {
			for _, invoice := range page.Invoices {
				if invoice.Total.Minor <= 0 || invoice.Open.Minor < 0 || invoice.Number == "" || invoice.Account == "" || strings.Contains(invoice.Number+invoice.Account, numberMark) {
					t.Errorf("%+v", invoice)
				}
			}
			return nil
		})
		if err != nil && err.Error() == "" {
			t.Error("an error without words")
		}
	})
}
