// Package statement writes what a customer owes its vendors as a PDF.
//
// The fonts in fonts/ are DejaVu (see fonts/LICENSE.txt); they have Latin,
// Greek, Cyrillic, Armenian, Georgian and more, but neither Chinese, Japanese
// nor Korean, and Arabic and Hebrew are not shaped.
package statement

import (
	"bytes"
	_ "embed" // the fonts
	"fmt"
	"time"

	"codeberg.org/go-pdf/fpdf"

	"github.com/sheaf-hub/sheaf/hub/money"
)

//go:embed fonts/DejaVuSansCondensed.ttf
var regular []byte

//go:embed fonts/DejaVuSansCondensed-Bold.ttf
var bold []byte

// Statement is what is open on a day.
type Statement struct {
	Hub     string // who runs the hub
	For     string // whose statement it is
	At      time.Time
	Day     money.Date
	Vendors []Vendor
	Totals  []Total // over all vendors
}

// Vendor is one vendor's part, one Part per currency.
type Vendor struct {
	Name    string
	Account string // the customer's number there; may be empty
	Contact string // whom to ask; may be empty
	Parts   []Part
}

// Part is what is open with a vendor in one currency.
type Part struct {
	Lines   []Line
	Credits []Line // set against it on request; their Open counts down
	Total   Total
}

// Line is an invoice or a credit.
type Line struct {
	Number string
	Order  string
	Issued money.Date
	Due    money.Date
	Total  money.Amount
	Open   money.Amount
	Note   string // "12 days overdue"; may be empty
}

// Total sums up one currency.
type Total struct {
	Open    money.Amount
	Overdue money.Amount
	Credits money.Amount
}

const (
	font   = "DejaVu"
	margin = 15.0 // mm
	width  = 180.0
	row    = 6.0
)

// column is one column of the table (mm).
type column struct {
	title string
	width float64
	align string
}

func columns() []column {
	return []column{{"Number", 42, "L"}, {"Your order", 28, "L"}, {"Issued", 22, "L"}, {"Due", 22, "L"}, {"Total", 30, "R"}, {"Open", 36, "R"}}
}

// Write makes the PDF.
func Write(s Statement) ([]byte, error) {
	pdf := fpdf.New("P", "mm", "A4", "")
	pdf.AddUTF8FontFromBytes(font, "", regular)
	pdf.AddUTF8FontFromBytes(font, "B", bold)
	pdf.SetMargins(margin, margin, margin)
	pdf.SetAutoPageBreak(true, 20)
	pdf.SetTitle("Statement of open invoices, "+string(s.Day), true)
	pdf.SetLang("en")
	pdf.SetCatalogSort(true) // the same statement is the same file
	pdf.SetCreationDate(s.At.UTC())
	pdf.SetModificationDate(s.At.UTC())
	pdf.AliasNbPages("{pages}")
	pdf.SetFooterFunc(func() {
		pdf.SetY(-15)
		pdf.SetFont(font, "", 8)
		pdf.CellFormat(width/2, row, s.Hub+", "+string(s.Day), "", 0, "L", false, 0, "")
		pdf.CellFormat(width/2, row, fmt.Sprintf("Page %d of {pages}", pdf.PageNo()), "", 0, "R", false, 0, "")
	})
	pdf.AddPage()
	page := &page{Fpdf: pdf, day: s.Day}
	page.head(s)
	for _, vendor := range s.Vendors {
		page.vendor(vendor)
	}
	page.totals(s.Totals)
	var out bytes.Buffer
	if err := pdf.Output(&out); err != nil {
		return nil, fmt.Errorf("write the statement: %w", err)
	}
	return out.Bytes(), nil
}

type page struct {
	*fpdf.Fpdf
	day money.Date
}

func (p *page) text(style string, size float64, text string) {
	p.SetFont(font, style, size)
	p.MultiCell(width, size*0.5, text, "", "L", false)
}

func (p *page) head(s Statement) {
	p.text("B", 16, "Statement of open invoices")
	p.Ln(2)
	p.text("", 10, "As of "+s.Day.Time().Format("2 January 2006")+", for "+s.For)
	p.text("", 9, "What your vendors' books say is open, less what was paid through "+s.Hub+" and is not in the books yet.")
	p.Ln(4)
	if len(s.Vendors) == 0 {
		p.text("", 10, "Nothing is open.")
	}
}

func (p *page) vendor(v Vendor) {
	p.keep(4 * row)
	p.text("B", 12, v.Name)
	line := ""
	for _, part := range []struct{ label, text string }{{"Your account there: ", v.Account}, {"Ask: ", v.Contact}} {
		if part.text == "" {
			continue
		}
		if line != "" {
			line += "   "
		}
		line += part.label + part.text
	}
	if line != "" {
		p.text("", 9, line)
	}
	for _, part := range v.Parts {
		p.part(part)
	}
	p.Ln(4)
}

// keep begins a new page when less than so much is left of this one.
func (p *page) keep(height float64) {
	_, pageHeight := p.GetPageSize()
	if p.GetY()+height > pageHeight-20 {
		p.AddPage()
	}
}

func (p *page) part(part Part) {
	p.keep(3 * row)
	p.Ln(1)
	p.SetFont(font, "B", 9)
	for _, column := range columns() {
		p.CellFormat(column.width, row, column.title, "B", 0, column.align, false, 0, "")
	}
	p.Ln(row)
	for _, line := range part.Lines {
		p.line(line)
	}
	for _, credit := range part.Credits {
		credit.Number = "Credit " + credit.Number
		credit.Open, credit.Total = credit.Open.Neg(), credit.Total.Neg()
		p.line(credit)
	}
	p.SetFont(font, "B", 9)
	p.sum("Open", part.Total.Open)
	if part.Total.Overdue.Positive() {
		p.sum("of which overdue", part.Total.Overdue)
	}
	if part.Total.Credits.Positive() {
		p.sum("Credits on hand", part.Total.Credits)
	}
}

func (p *page) line(line Line) {
	p.keep(row)
	p.SetFont(font, "", 9)
	cells := []string{line.Number, line.Order, day(line.Issued, p.day), day(line.Due, p.day), line.Total.String(), line.Open.String()}
	for i, column := range columns() {
		p.CellFormat(column.width, row, p.fitted(cells[i], column.width-2), "", 0, column.align, false, 0, "")
	}
	p.Ln(row)
	if line.Note != "" {
		p.SetFont(font, "", 7.5)
		p.SetXY(margin, p.GetY()-1)
		p.CellFormat(width, 4, p.fitted(line.Note, width-2), "", 0, "R", false, 0, "")
		p.Ln(4)
	}
}

func day(date, today money.Date) string {
	if date == "" {
		return ""
	}
	return date.Human(today)
}

// fitted cuts a text that is wider than its cell.
func (p *page) fitted(text string, room float64) string {
	if p.GetStringWidth(text) <= room {
		return text
	}
	runes := []rune(text)
	for len(runes) > 0 && p.GetStringWidth(string(runes)+"…") > room {
		runes = runes[:len(runes)-1]
	}
	return string(runes) + "…"
}

func (p *page) sum(label string, amount money.Amount) {
	p.keep(row)
	p.CellFormat(width-66, row, "", "", 0, "L", false, 0, "")
	p.CellFormat(30, row, label, "T", 0, "R", false, 0, "")
	p.CellFormat(36, row, amount.String(), "T", 0, "R", false, 0, "")
	p.Ln(row)
}

func (p *page) totals(totals []Total) {
	if len(totals) == 0 {
		return
	}
	p.keep(float64(2+3*len(totals)) * row)
	p.text("B", 12, "In all")
	p.SetFont(font, "B", 10)
	for _, total := range totals {
		p.sum("Open", total.Open)
		p.SetFont(font, "", 9)
		if total.Overdue.Positive() {
			p.sum("of which overdue", total.Overdue)
		}
		if total.Credits.Positive() {
			p.sum("Credits on hand", total.Credits)
		}
		p.SetFont(font, "B", 10)
	}
}
