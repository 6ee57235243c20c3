package main

import (
	"bytes"
	"fmt"

	"codeberg.org/go-pdf/fpdf"

	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/party"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/einvoice"
)

// paper draws one A4 page.
type paper struct {
	*fpdf.Fpdf
	words func(string) string // into the fonts' own encoding
}

// drawPaper draws the page that people read of an e-invoice. With embedded XML
// it is a PDF of the Factur-X kind. The same facts give the same bytes.
func drawPaper(seller party.Profile, facts einvoice.Result, embedded []byte) ([]byte, error) {
	p := paper{Fpdf: fpdf.New("P", "mm", "A4", "")}
	p.words = p.UnicodeTranslatorFromDescriptor("")
	p.SetCreationDate(facts.IssuedOn.Time())
	p.SetModificationDate(facts.IssuedOn.Time())
	p.SetCatalogSort(true)
	title := "Invoice"
	if facts.Kind == einvoice.KindCredit {
		title = "Credit note"
	}
	p.SetTitle(title+" "+facts.Number, true)
	p.SetAuthor(seller.Name, true)
	if embedded != nil {
		p.SetAttachments([]fpdf.Attachment{{Content: embedded, Filename: "factur-x.xml", Description: "The same invoice for programs"}})
		p.SetXmpMetadata([]byte(facturXMetadata))
	}
	p.SetMargins(22, 22, 22)
	p.AddPage()
	p.head(seller, title)
	p.facts(facts)
	if facts.Invoice != nil {
		p.table(facts.Invoice.Lines, facts.Currency)
		p.note(facts.Invoice.Note)
	} else if facts.Credit != nil {
		p.note(facts.Credit.Note)
	}
	p.sums(facts)
	var out bytes.Buffer
	if err := p.Output(&out); err != nil {
		return nil, fmt.Errorf("draw %s: %w", facts.Number, err)
	}
	return out.Bytes(), nil
}

func (p paper) text(size float64, style, text string) {
	p.SetFont("Helvetica", style, size)
	p.MultiCell(0, size*0.5, p.words(text), "", "L", false)
}

func (p paper) head(seller party.Profile, title string) {
	p.text(16, "B", seller.Name)
	p.SetTextColor(90, 90, 90)
	p.text(9, "", seller.ContactName+"  ·  "+seller.Phone+"  ·  "+seller.Email)
	p.SetTextColor(0, 0, 0)
	p.Ln(14)
	p.text(20, "B", title)
	p.Ln(4)
}

func (p paper) facts(facts einvoice.Result) {
	order := ""
	if facts.Invoice != nil {
		order = facts.Invoice.PurchaseOrder
	}
	for _, row := range [][2]string{{"For", facts.Account.Name}, {"Number", facts.Number}, {"Date", facts.IssuedOn.Human("")}, {"Due", human(facts.DueOn)},
		{"Terms", facts.Terms}, {"Your order", order}} {
		if row[1] == "" {
			continue
		}
		p.SetFont("Helvetica", "", 10)
		p.SetTextColor(90, 90, 90)
		p.CellFormat(32, 6, p.words(row[0]), "", 0, "L", false, 0, "")
		p.SetTextColor(0, 0, 0)
		p.CellFormat(0, 6, p.words(row[1]), "", 1, "L", false, 0, "")
	}
	p.Ln(8)
}

func human(day money.Date) string {
	if day == "" {
		return ""
	}
	return day.Human("")
}

func (p paper) table(lines []connectors.Line, currency money.Currency) {
	widths := []float64{90, 18, 28, 30}
	row := func(style, border string, cells ...string) {
		p.SetFont("Helvetica", style, 10)
		for i, cell := range cells {
			align := "R"
			if i == 0 {
				align = "L"
			}
			p.CellFormat(widths[i], 7, p.words(cell), border, 0, align, false, 0, "")
		}
		p.Ln(7)
	}
	row("B", "B", "What", "Quantity", "Price", string(currency))
	for _, line := range lines {
		row("", "", line.Description, line.Quantity, line.UnitPrice, line.Amount)
	}
	p.Ln(4)
}

func (p paper) note(note string) {
	if note != "" {
		p.text(10, "", note)
		p.Ln(4)
	}
}

func (p paper) sums(facts einvoice.Result) {
	row := func(style, label, amount string) {
		p.SetFont("Helvetica", style, 11)
		p.CellFormat(126, 7, p.words(label), "", 0, "R", false, 0, "")
		p.CellFormat(40, 7, p.words(amount), "", 1, "R", false, 0, "")
	}
	if net, known := netOf(facts); known {
		row("", "Without tax", net.String())
		row("", "Tax", money.New(facts.Total.Minor-net.Minor, facts.Currency).String())
	}
	row("", "Total with tax", facts.Total.String())
	label := "To pay"
	if facts.Kind == einvoice.KindCredit {
		label = "In your favour"
	} else if facts.Open != facts.Total {
		row("", "Paid before", money.New(facts.Total.Minor-facts.Open.Minor, facts.Currency).String())
	}
	row("B", label, facts.Open.String())
	p.Ln(20)
	p.SetTextColor(90, 90, 90)
	p.text(8, "I", "This company is invented, and so is this paper: it belongs to the demo of Sheaf.")
}

// netOf sums the lines; a credit's are not read.
func netOf(facts einvoice.Result) (net money.Amount, known bool) {
	net = money.New(0, facts.Currency)
	if facts.Invoice == nil {
		return net, false
	}
	for _, line := range facts.Invoice.Lines {
		amount, err := money.Parse(line.Amount, facts.Currency)
		if err != nil {
			return net, false
		}
		if net, err = net.Add(amount); err != nil {
			return net, false
		}
	}
	return net, true
}

// facturXMetadata says of a PDF that it carries an invoice, and of which kind.
const facturXMetadata = `<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:fx="urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#">
<fx:DocumentType>INVOICE</fx:DocumentType><fx:DocumentFileName>factur-x.xml</fx:DocumentFileName>
<fx:Version>1.0</fx:Version><fx:ConformanceLevel>EN 16931</fx:ConformanceLevel>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>`
