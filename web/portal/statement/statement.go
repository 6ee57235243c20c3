// Package statement writes what a customer owes its vendors as a PDF.
package statement

import (
	"time"

	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/web/paper"
)

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

func columns() []paper.Column {
	return []paper.Column{{Title: "Number", Width: 42}, {Title: "Your order", Width: 28}, {Title: "Issued", Width: 22}, {Title: "Due", Width: 22},
		{Title: "Total", Width: 30, Kind: paper.Number}, {Title: "Open", Width: 36, Kind: paper.Number}}
}

// Write makes the PDF.
func Write(s Statement) ([]byte, error) {
	sheet := paper.New("Statement of open invoices, "+string(s.Day), s.Hub+", "+string(s.Day), s.At)
	page := &page{Sheet: sheet, day: s.Day}
	page.head(s)
	for _, vendor := range s.Vendors {
		page.vendor(vendor)
	}
	page.totals(s.Totals)
	return sheet.Bytes()
}

type page struct {
	*paper.Sheet
	day money.Date
}

func (p *page) head(s Statement) {
	p.Title("Statement of open invoices", "As of "+s.Day.Time().Format("2 January 2006")+", for "+s.For)
	p.Small("What your vendors' books say is open, less what was paid through " + s.Hub + " and is not in the books yet.")
	p.Space(4)
	if len(s.Vendors) == 0 {
		p.Text("Nothing is open.")
	}
}

func (p *page) vendor(v Vendor) {
	p.Heading(v.Name, 2)
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
	p.Small(line)
	for _, part := range v.Parts {
		p.part(part)
	}
	p.Space(4)
}

func (p *page) part(part Part) {
	p.Space(1)
	rows := make([]paper.Row, 0, len(part.Lines)+len(part.Credits))
	for _, line := range part.Lines {
		rows = append(rows, p.row(line))
	}
	for _, credit := range part.Credits {
		credit.Number = "Credit " + credit.Number
		credit.Open, credit.Total = credit.Open.Neg(), credit.Total.Neg()
		rows = append(rows, p.row(credit))
	}
	p.Table(columns(), rows)
	p.sums(part.Total)
}

func (p *page) row(line Line) paper.Row {
	return paper.Row{Note: line.Note, Right: true,
		Cells: []string{line.Number, line.Order, day(line.Issued, p.day), day(line.Due, p.day), line.Total.String(), line.Open.String()}}
}

func day(date, today money.Date) string {
	if date == "" {
		return ""
	}
	return date.Human(today)
}

func (p *page) sums(total Total) {
	p.Sum("Open", total.Open, true)
	if total.Overdue.Positive() {
		p.Sum("of which overdue", total.Overdue, false)
	}
	if total.Credits.Positive() {
		p.Sum("Credits on hand", total.Credits, false)
	}
}

func (p *page) totals(totals []Total) {
	if len(totals) == 0 {
		return
	}
	p.Heading("In all", 3*len(totals))
	for _, total := range totals {
		p.sums(total)
	}
}
