// Package paper writes Sheaf's PDFs: statements, receipts and remittance
// advices share its fonts, its foot and its tables.
//
// The fonts in fonts/ are DejaVu (see fonts/LICENSE.txt); they have Latin,
// Greek, Cyrillic, Armenian, Georgian and more, but neither Chinese, Japanese
// nor Korean, and Arabic and Hebrew are not shaped.
package paper

import (
	"bytes"
	_ "embed" // the fonts
	"fmt"
	"strings"
	"time"
	"unicode"

	"codeberg.org/go-pdf/fpdf"

	"github.com/sheaf-hub/sheaf/hub/money"
)

//go:embed fonts/DejaVuSansCondensed.ttf
var regular []byte

//go:embed fonts/DejaVuSansCondensed-Bold.ttf
var bold []byte

// Sizes of a sheet, in mm.
const (
	Width  = 180.0 // between the margins
	row    = 6.0
	margin = 15.0
	bottom = 20.0
	font   = "DejaVu"
)

// Sheet is an A4 document that is being written, top to bottom.
type Sheet struct{ pdf *fpdf.Fpdf }

// New begins a document. Foot stands at the left of each page's end, "Page n of
// m" at the right. The same words at the same instant are the same file.
func New(title, foot string, at time.Time) *Sheet {
	pdf := fpdf.New("P", "mm", "A4", "")
	pdf.AddUTF8FontFromBytes(font, "", regular)
	pdf.AddUTF8FontFromBytes(font, "B", bold)
	pdf.SetMargins(margin, margin, margin)
	pdf.SetAutoPageBreak(true, bottom)
	pdf.SetTitle(clean(title), true)
	pdf.SetLang("en")
	pdf.SetCatalogSort(true)
	pdf.SetCreationDate(at.UTC())
	pdf.SetModificationDate(at.UTC())
	pdf.AliasNbPages("{pages}")
	s := &Sheet{pdf: pdf}
	pdf.SetFooterFunc(func() {
		pdf.SetY(-15)
		pdf.SetFont(font, "", 8)
		pdf.CellFormat(Width/2, row, s.fitted(clean(foot), Width/2), "", 0, "L", false, 0, "")
		wider := pdf.GetStringWidth("{pages}") - pdf.GetStringWidth("1") // than what takes its place
		pdf.CellFormat(Width/2+wider, row, fmt.Sprintf("Page %d of {pages}", pdf.PageNo()), "", 0, "R", false, 0, "")
	})
	pdf.AddPage()
	return s
}

// Bytes ends the document.
func (s *Sheet) Bytes() ([]byte, error) {
	var out bytes.Buffer
	if err := s.pdf.Output(&out); err != nil {
		return nil, fmt.Errorf("write the document: %w", err)
	}
	return out.Bytes(), nil
}

// Title is the document's name, with a line under it.
func (s *Sheet) Title(title, under string) {
	s.text("B", 16, title)
	s.Space(2)
	if under != "" {
		s.text("", 10, under)
	}
}

// Heading begins a part, and keeps so many rows below it on the same page.
func (s *Sheet) Heading(text string, rows int) {
	s.keep(float64(rows+2) * row)
	s.text("B", 12, text)
}

// Text is a paragraph; Small one in smaller letters. Empty: nothing.
func (s *Sheet) Text(text string)  { s.text("", 10, text) }
func (s *Sheet) Small(text string) { s.text("", 9, text) }

// Space leaves so many mm free.
func (s *Sheet) Space(height float64) { s.pdf.Ln(height) }

func (s *Sheet) text(style string, size float64, text string) {
	s.pdf.SetFont(font, style, size)
	for _, line := range s.wrapped(clean(text), Width, 0) {
		s.keep(size * 0.5)
		s.pdf.CellFormat(Width, size*0.5, line, "", 1, "L", false, 0, "")
	}
}

// keep begins a new page when less than so much is left of this one.
func (s *Sheet) keep(height float64) bool {
	_, page := s.pdf.GetPageSize()
	if s.pdf.GetY()+height <= page-bottom {
		return false
	}
	s.pdf.AddPage()
	return true
}

// Fact is one label and its value.
type Fact struct{ Label, Value string }

// Facts lists those that have a value.
func (s *Sheet) Facts(facts ...Fact) {
	const label = 42.0
	for _, fact := range facts {
		if fact.Value == "" {
			continue
		}
		s.pdf.SetFont(font, "", 9)
		for i, line := range s.wrapped(clean(fact.Value), Width-label, 0) {
			s.keep(5)
			name := ""
			if i == 0 {
				name = fact.Label
			}
			s.pdf.SetFont(font, "B", 9)
			s.pdf.CellFormat(label, 5, name, "", 0, "L", false, 0, "")
			s.pdf.SetFont(font, "", 9)
			s.pdf.CellFormat(Width-label, 5, line, "", 1, "L", false, 0, "")
		}
	}
}

// Sum is an amount at the right, under a rule; strong: in bold.
func (s *Sheet) Sum(label string, amount money.Amount, strong bool) {
	const figure, rest = 36.0, 70.0
	s.keep(row)
	s.pdf.SetFont(font, map[bool]string{true: "B", false: ""}[strong], 9)
	s.pdf.CellFormat(Width-figure-rest, row, "", "", 0, "L", false, 0, "")
	s.pdf.SetDrawColor(200, 200, 200)
	defer s.pdf.SetDrawColor(0, 0, 0)
	s.pdf.CellFormat(rest, row, s.fitted(clean(label), rest), "T", 0, "R", false, 0, "")
	s.figure(amount.String(), figure, "T")
	s.pdf.Ln(row)
}

// figure never cuts a number: it makes the letters smaller instead.
func (s *Sheet) figure(text string, width float64, border string) {
	size, _ := s.pdf.GetFontSize()
	for try := size; s.pdf.GetStringWidth(text) > width-2 && try > 5; {
		try -= 0.5
		s.pdf.SetFontSize(try)
	}
	s.pdf.CellFormat(width, row, text, border, 0, "R", false, 0, "")
	s.pdf.SetFontSize(size)
}

// wrapped breaks a text into lines that fit a width in the current font, also
// within a word that is too long for one. With most > 0 what is left after so
// many lines is cut.
func (s *Sheet) wrapped(text string, width float64, most int) []string {
	var lines []string
	line := ""
	flush := func() { lines, line = append(lines, strings.TrimRight(line, " ")), "" }
	for _, word := range strings.SplitAfter(text, " ") {
		if line != "" && s.pdf.GetStringWidth(line+strings.TrimRight(word, " ")) > width-2 {
			flush()
		}
		for s.pdf.GetStringWidth(strings.TrimRight(word, " ")) > width-2 {
			cut := s.prefix(word, width-2)
			line, word = word[:cut], word[cut:]
			flush()
		}
		line += word
	}
	if strings.TrimSpace(line) != "" {
		flush()
	}
	if most > 0 && len(lines) > most {
		lines = append(lines[:most-1:most-1], s.fitted(strings.Join(lines[most-1:], " "), width-2))
	}
	return lines
}

// prefix is how many bytes of a word fit, one letter at least.
func (s *Sheet) prefix(word string, width float64) int {
	fits := 0
	for at, r := range word {
		end := at + len(string(r))
		if fits > 0 && s.pdf.GetStringWidth(word[:end]) > width {
			break
		}
		fits = end
	}
	return fits
}

// fitted cuts a text that is wider than its room.
func (s *Sheet) fitted(text string, room float64) string {
	if s.pdf.GetStringWidth(text) <= room {
		return text
	}
	return text[:s.prefix(text, room-s.pdf.GetStringWidth("…"))] + "…"
}

// clean gives a box for what the fonts cannot hold, and takes out what has no
// shape of its own. The name of the number of pages must stay ours.
func clean(text string) string {
	text = strings.ReplaceAll(strings.ReplaceAll(text, "{pages}", "{ pages }"), "\n", " ")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\u00a0':
			return r
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r):
			return -1
		case r > 0xffff:
			return '□'
		}
		return r
	}, text)
}

// moment is an instant in a zone, with the zone: "22 November 2026, 10:05 CET".
func moment(at time.Time, zone *time.Location) string {
	if at.IsZero() {
		return ""
	}
	name := at.In(zone).Format("MST")
	if strings.ContainsAny(name, "+-") { // a zone without letters
		name = at.In(zone).Format("UTC-07:00")
	}
	return at.In(zone).Format("2 January 2006, 15:04 ") + name
}

func zoneOf(name string) *time.Location {
	if zone, err := time.LoadLocation(name); err == nil {
		return zone
	}
	return time.UTC
}
