package csv

import (
	"bufio"
	stdcsv "encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/vendor-connectors/csv/workbook"
)

// A workbook is brought to the same rows as a CSV file: the sheet is written once
// as text, row for row, and everything after that is common to both. A cell that is
// a number begins with this mark, which no text has: its decimal mark is a point,
// whatever the texts around it prove.
const numberMark = "\ufdd0"

// bare is a cell without the mark.
func bare(cell string) string { return strings.TrimPrefix(cell, numberMark) }

// sheetDelimiter stands between the cells of such a text.
const sheetDelimiter = ","

// readSheet turns the source from a workbook into the text of one sheet.
func (s *source) readSheet(name string) error {
	file, ok := s.file.(io.ReaderAt)
	if !ok {
		if err := s.spool(s.file); err != nil {
			return err
		}
		file = s.file.(io.ReaderAt) // a file of ours
	}
	size, err := s.file.Seek(0, io.SeekEnd)
	if err != nil {
		return fmt.Errorf("read the file: %w", err)
	}
	book, err := workbook.Open(file, size, s.ctx.Err)
	if err != nil {
		return inFormat(err)
	}
	sheet, err := book.Sheet(name)
	if err != nil {
		return inFormat(err)
	}
	s.sheet, s.encoding, s.bom = sheet.Name, "XLSX", 0
	for _, one := range book.Sheets {
		if !one.Hidden {
			s.sheets = append(s.sheets, one.Name)
		}
	}
	return s.writeSheet(book, sheet)
}

// inFormat gives the words of a workbook's error as those of a file.
func inFormat(err error) error {
	var own *workbook.Error
	if errors.As(err, &own) {
		return &FormatError{Message: own.Error()}
	}
	return err
}

// writeSheet keeps the sheet as text and lets the source read that.
func (s *source) writeSheet(book *workbook.Book, sheet workbook.Sheet) error {
	text, err := os.CreateTemp("", "import-*.csv")
	if err != nil {
		return fmt.Errorf("keep the sheet while it is read: %w", err)
	}
	before := s.done
	s.done = func() {
		before()
		text.Close()
		os.Remove(text.Name())
	}
	out := &sheetText{out: bufio.NewWriter(text)}
	merges, err := book.Rows(sheet, out.row)
	if err == nil {
		err = out.out.Flush()
	}
	switch {
	case errors.Is(err, errLargeSheet):
		return &FormatError{Message: fmt.Sprintf("the sheet %q holds more than the %d MB that are accepted; split it", clip(sheet.Name), MaxBytes>>20)}
	case err != nil:
		return inFormat(err)
	case out.written == 0:
		return &FormatError{Message: fmt.Sprintf("the sheet %q is empty; the workbook has: %s", clip(sheet.Name), clipList(s.sheets))}
	}
	s.file, s.size, s.merges = text, out.written, byRow(merges)
	return nil
}

var errLargeSheet = errors.New("the sheet is too large")

// sheetText writes rows so that the number of a line is that of the row.
type sheetText struct {
	out     *bufio.Writer
	last    int
	written int64
	cells   []string
}

func (t *sheetText) row(number int, cells []workbook.Cell) error {
	t.cells = t.cells[:0]
	for _, cell := range cells {
		t.cells = append(t.cells, written(cell))
	}
	for gap := number - t.last - 1; gap > 0; gap-- {
		t.written++
		_ = t.out.WriteByte('\n') // Flush tells what went wrong
	}
	t.last = number
	var line strings.Builder
	row := stdcsv.NewWriter(&line)
	_ = row.Write(t.cells) // into memory: it cannot fail
	row.Flush()
	n, _ := t.out.WriteString(line.String())
	if t.written += int64(n); t.written > MaxBytes {
		return errLargeSheet
	}
	return nil
}

// written is a cell as one line. What a number's format shows beside it is kept
// when it is a currency.
func written(cell workbook.Cell) string {
	text := strings.ReplaceAll(strings.Join(strings.FieldsFunc(cell.Text, func(r rune) bool { return r == '\n' || r == '\r' }), " "), numberMark, "")
	if !cell.Number {
		return text
	}
	if _, known := signs[cell.Unit]; known || severalSigns[cell.Unit] {
		return numberMark + text + " " + cell.Unit
	}
	if currency, err := money.ParseCurrency(cell.Unit); err == nil && currency != "" {
		return numberMark + text + " " + string(currency)
	}
	return numberMark + text
}

// byRow orders merged cells by where they begin.
func byRow(merges []workbook.Merge) []workbook.Merge {
	slices.SortFunc(merges, func(a, b workbook.Merge) int { return a.FromRow - b.FromRow })
	return merges
}

// covering are the merged cells that reach into the rows being read: what stands
// in their first row counts in all of them.
type covering struct {
	waiting []workbook.Merge // begin further below
	active  []cover
	skip    func(column int) bool // columns in which it counts once only
}

type cover struct {
	workbook.Merge
	text string
}

// fill completes a row. Cells beyond its end are added only when one says something.
func (c *covering) fill(line int, row []string) []string {
	if len(c.waiting) == 0 && len(c.active) == 0 {
		return row
	}
	c.active = slices.DeleteFunc(c.active, func(one cover) bool { return one.ToRow < line })
	for _, one := range c.active {
		if c.skip != nil && c.skip(one.FromColumn) {
			continue
		}
		for len(row) <= one.FromColumn {
			row = append(row, "")
		}
		if strings.TrimSpace(row[one.FromColumn]) == "" {
			row[one.FromColumn] = one.text
		}
	}
	for len(c.waiting) > 0 && c.waiting[0].FromRow <= line {
		one := c.waiting[0]
		c.waiting = c.waiting[1:]
		if one.FromRow == line && one.FromColumn < len(row) && strings.TrimSpace(row[one.FromColumn]) != "" {
			c.active = append(c.active, cover{Merge: one, text: strings.Clone(row[one.FromColumn])})
		}
	}
	return row
}

// countsOnce are the fields that a merged cell gives to its first row alone: three
// invoices do not owe one sum each because it stands beside all of them.
func (p *plan) countsOnce(column int) bool {
	for _, field := range []string{FieldExternalID, FieldNumber, FieldTotal, FieldOpen, FieldPaid} {
		if at, ok := p.at[field]; ok && at == column {
			return true
		}
	}
	return false
}
