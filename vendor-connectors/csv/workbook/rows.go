package workbook

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Cell is what one cell says.
type Cell struct {
	Text   string // trimmed; a date as 2026-11-30; a number with a point and no grouping
	Number bool   // Text is a number
	Unit   string // that the number's format shows beside it: "€", "USD", "kg"
}

// NotComputed stands in a cell whose formula was stored without its result.
const NotComputed = "#NOT-COMPUTED"

// Merge is a cell that covers others: of them all, only the first says anything.
// Rows count from 1, columns from 0, and both ends belong to it.
type Merge struct{ FromRow, ToRow, FromColumn, ToColumn int }

// Rows gives each row in which something stands to a function, in the order of
// the sheet, and answers which cells are merged. The slice is reused by the row
// after it; cells at its end that say nothing are left out.
func (b *Book) Rows(sheet Sheet, each func(row int, cells []Cell) error) ([]Merge, error) {
	reader, err := b.open(sheet.part, maxPart)
	if err != nil {
		return nil, err
	}
	defer reader.close()
	s := &sheetReader{partReader: reader, book: b, each: each}
	for {
		e, err := reader.next()
		switch {
		case errors.Is(err, io.EOF):
			return s.merges, nil
		case err != nil:
			return nil, err
		case e.end && e.name == "row":
			err = s.endRow()
		case e.end:
		case e.name == "row":
			err = s.beginRow(e)
		case e.name == "c" && s.inRow:
			err = s.cell(e)
		case e.name == "mergeCell":
			err = s.merge(e.attr("ref"))
		}
		if err != nil {
			return nil, err
		}
	}
}

// sheetReader is one pass over a sheet.
type sheetReader struct {
	*partReader
	book   *Book
	each   func(int, []Cell) error
	row    int // the present one, from 1
	inRow  bool
	column int // after the last cell
	cells  []Cell
	count  int
	merges []Merge
}

func (s *sheetReader) beginRow(e element) error {
	row := s.row + 1
	if at := e.attr("r"); at != "" {
		number, err := strconv.Atoi(at)
		if err != nil || number < row {
			return broken("row " + clip(at))
		}
		row = number
	}
	if row > maxRow {
		return broken("row " + strconv.Itoa(row))
	}
	s.row, s.inRow, s.column, s.cells = row, true, 0, s.cells[:0]
	return nil
}

func (s *sheetReader) endRow() error {
	if !s.inRow {
		return nil
	}
	s.inRow = false
	if len(s.cells) == 0 {
		return nil
	}
	return s.each(s.row, s.cells)
}

func (s *sheetReader) cell(e element) error {
	column := s.column
	if ref := e.attr("r"); ref != "" {
		at, row, ok := coordinates(ref)
		if !ok || row != s.row || at < column {
			return broken("cell " + clip(ref))
		}
		column = at
	}
	s.column = column + 1
	if s.count++; s.count > maxCells {
		return &Error{Message: fmt.Sprintf("the sheet has more than %d million cells; delete those that are not needed, or split it", maxCells/1_000_000)}
	}
	cell, err := s.value(e)
	if err != nil || cell.Text == "" {
		return err
	}
	if column >= MaxColumns {
		return &Error{Place: "cell " + clip(e.attr("r")), Message: fmt.Sprintf("stands beyond the %d columns that are accepted; delete what is out there", MaxColumns)}
	}
	for len(s.cells) < column {
		s.cells = append(s.cells, Cell{})
	}
	s.cells = append(s.cells, cell)
	return nil
}

// value reads a cell up to its end. A formula is passed over for its result.
func (s *sheetReader) value(c element) (Cell, error) {
	raw, inline, formula, stored := "", "", false, false
	for {
		e, err := s.next()
		if err != nil {
			return Cell{}, s.early(err)
		}
		switch {
		case e.end && e.name == "c":
			if formula && !stored {
				return Cell{Text: NotComputed}, nil
			}
			return s.understood(c, raw, inline)
		case e.end:
		case e.name == "f":
			formula = true
			_, err = s.text()
		case e.name == "v":
			stored = true
			raw, err = s.text()
		case e.name == "is":
			inline, err = s.richText("is")
		}
		if err != nil {
			return Cell{}, err
		}
	}
}

// understood gives a stored value its meaning by the cell's type (18.18.11).
func (s *sheetReader) understood(c element, raw, inline string) (Cell, error) {
	switch c.attr("t") {
	case "s":
		at, err := strconv.Atoi(strings.TrimSpace(raw))
		switch {
		case strings.TrimSpace(raw) == "":
			return Cell{}, nil
		case err != nil || at < 0 || at >= len(s.book.texts):
			return Cell{}, broken("cell " + clip(c.attr("r")))
		}
		return Cell{Text: strings.TrimSpace(s.book.texts[at])}, nil
	case "inlineStr":
		return Cell{Text: strings.TrimSpace(inline)}, nil
	case "str":
		return Cell{Text: strings.TrimSpace(unescape(raw))}, nil
	case "b":
		return Cell{Text: map[string]string{"1": "TRUE", "0": "FALSE"}[strings.TrimSpace(raw)]}, nil
	case "e", "d":
		return Cell{Text: strings.TrimSpace(raw)}, nil
	}
	return s.number(c, strings.TrimSpace(raw)), nil
}

func (s *sheetReader) number(c element, raw string) Cell {
	shown := &format{}
	if style, err := strconv.Atoi(c.attr("s")); err == nil && style >= 0 && style < len(s.book.formats) {
		shown = s.book.formats[style]
	} else if len(s.book.formats) > 0 && c.attr("s") == "" {
		shown = s.book.formats[0]
	}
	if shown.date {
		if date := serial(raw, s.book.since04); date != "" {
			return Cell{Text: date}
		}
		return Cell{Text: raw}
	}
	plain, ok := exact(raw, shown.decimals)
	if !ok {
		return Cell{Text: raw}
	}
	if text, ok := shown.padded(plain); ok {
		return Cell{Text: strings.TrimSpace(text)}
	}
	return Cell{Text: plain, Number: true, Unit: shown.unit}
}

// merge keeps what covers more than one row: beside each other, cells need no more
// than the first.
func (s *sheetReader) merge(ref string) error {
	from, to, _ := strings.Cut(ref, ":")
	fromColumn, fromRow, ok := coordinates(from)
	toColumn, toRow, also := coordinates(to)
	if !ok || !also || toRow < fromRow || toColumn < fromColumn || toRow == fromRow || fromColumn >= MaxColumns {
		return nil
	}
	if len(s.merges) == maxMerges {
		return &Error{Message: fmt.Sprintf("more than %d cells are merged over several rows; undo that, or save the sheet as CSV", maxMerges)}
	}
	s.merges = append(s.merges, Merge{FromRow: fromRow, ToRow: toRow, FromColumn: fromColumn, ToColumn: min(toColumn, MaxColumns-1)})
	return nil
}

// coordinates reads "C17": column 2, row 17.
func coordinates(ref string) (column, row int, ok bool) {
	letters := 0
	for letters < len(ref) && letters < 4 && ref[letters] >= 'A' && ref[letters] <= 'Z' {
		column = column*26 + int(ref[letters]-'A') + 1
		letters++
	}
	row, err := strconv.Atoi(ref[letters:])
	return column - 1, row, letters > 0 && letters < 4 && err == nil && row > 0 && row <= maxRow
}
