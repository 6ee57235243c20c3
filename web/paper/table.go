package paper

// Column is one column of a table.
type Column struct {
	Title string
	Width float64 // mm
	Kind  Kind
}

// Kind is what a column holds.
type Kind int

// Words are cut where they are too long, long words go on in the next line, and
// a number is never cut.
const (
	Words Kind = iota
	LongWords
	Number
)

// Row is one row of a table.
type Row struct {
	Cells []string
	Note  string // in small letters below; may be empty
	Right bool   // the note stands at the right
}

const mostLines = 4 // of one cell

// Table writes rows under a head that is repeated on each page.
func (s *Sheet) Table(columns []Column, rows []Row) {
	s.keep(3 * row)
	s.head(columns)
	for _, r := range rows {
		s.row(columns, r)
	}
}

func (s *Sheet) head(columns []Column) {
	s.pdf.SetFont(font, "B", 9)
	for _, column := range columns {
		s.pdf.CellFormat(column.Width, row, s.fitted(column.Title, column.Width), "B", 0, column.align(), false, 0, "")
	}
	s.pdf.Ln(row)
}

func (c Column) align() string {
	if c.Kind == Number {
		return "R"
	}
	return "L"
}

func (s *Sheet) row(columns []Column, r Row) {
	const line, small = 4.5, 4.0
	s.pdf.SetFont(font, "", 9)
	cells := make([][]string, len(columns))
	lines := 1
	for i, column := range columns {
		cells[i] = []string{clean(r.Cells[i])}
		if column.Kind == LongWords {
			cells[i] = s.wrapped(clean(r.Cells[i]), column.Width, mostLines)
		}
		lines = max(lines, len(cells[i]))
	}
	s.pdf.SetFont(font, "", 7.5)
	notes := s.wrapped(clean(r.Note), Width, mostLines)
	height := row + float64(lines-1)*line + float64(len(notes))*small
	if s.keep(height) {
		s.head(columns)
	}
	top := s.pdf.GetY()
	s.pdf.SetFont(font, "", 9)
	left := margin
	for i, column := range columns {
		s.cell(column, cells[i], left, top, line)
		left += column.Width
	}
	s.pdf.SetXY(margin, top+row+float64(lines-1)*line)
	s.notes(notes, r.Right, small)
}

func (s *Sheet) cell(column Column, lines []string, left, top, line float64) {
	for n, text := range lines {
		s.pdf.SetXY(left, top+float64(n)*line)
		if column.Kind == Number {
			s.figure(text, column.Width, "")
			continue
		}
		s.pdf.CellFormat(column.Width, row, s.fitted(text, column.Width-2), "", 0, "L", false, 0, "")
	}
}

func (s *Sheet) notes(notes []string, right bool, height float64) {
	s.pdf.SetFont(font, "", 7.5)
	for i, note := range notes {
		if i == 0 {
			s.pdf.SetY(s.pdf.GetY() - 1)
		}
		s.pdf.CellFormat(Width, height, note, "", 1, map[bool]string{true: "R", false: "L"}[right], false, 0, "")
	}
}
