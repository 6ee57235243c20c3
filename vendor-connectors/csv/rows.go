package csv

import (
	"bytes"
	stdcsv "encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
)

// delimiters are tried in this order.
var delimiters = []string{",", ";", "\t", "|"}

// rowReader reads rows with their line numbers and bounds what one row may
// hold, so that a quote that is never closed does not swallow the file.
type rowReader struct {
	guard  *guard
	csv    *stdcsv.Reader
	offset int // lines above the first that csv sees
	line   int

	covering covering
}

// guard ends the reading when one row has taken too many bytes.
type guard struct {
	r    io.Reader
	left int
}

var errLongRow = errors.New("row too long")

func (g *guard) Read(p []byte) (int, error) {
	if g.left <= 0 {
		return 0, errLongRow
	}
	n, err := g.r.Read(p[:min(len(p), g.left)])
	g.left -= n
	return n, err
}

// newRows reads text with a delimiter. A first line "sep=;" is skipped.
func newRows(text io.Reader, delimiter string) *rowReader {
	r := &rowReader{guard: &guard{r: text, left: maxRecord}}
	body := io.Reader(r.guard)
	head := make([]byte, 7)
	n, err := io.ReadFull(body, head)
	head = head[:n]
	switch {
	case err == nil && isSeparatorLine(head):
		r.offset = 1
		if head[5] == '\r' && head[6] != '\n' {
			head = head[6:]
		} else if head[5] == '\n' {
			head = head[6:]
		} else {
			head = nil
		}
	case err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		body = failing{err}
	}
	r.csv = stdcsv.NewReader(io.MultiReader(bytes.NewReader(head), body))
	r.csv.Comma = rune(delimiter[0])
	r.csv.FieldsPerRecord = -1
	r.csv.ReuseRecord = true
	return r
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func isSeparatorLine(head []byte) bool {
	return len(head) >= 6 && strings.EqualFold(string(head[:4]), "sep=") && (head[5] == '\n' || head[5] == '\r')
}

// next answers the next row; the slice is reused by the call after it. io.EOF
// ends the file, a *FormatError says where it is malformed.
func (r *rowReader) next() ([]string, error) {
	row, err := r.csv.Read()
	r.guard.left = maxRecord
	if err == nil {
		r.line, _ = r.csv.FieldPos(0)
		r.line += r.offset
		return r.covering.fill(r.line, row), nil
	}
	var broken *stdcsv.ParseError
	switch {
	case errors.Is(err, errLongRow):
		return nil, &FormatError{Line: r.line + 1, Column: 1, Message: fmt.Sprintf("a row of more than %d MB; look for a quote that is never closed after line %d", maxRecord>>20, r.line)}
	case errors.As(err, &broken):
		message := map[bool]string{
			true:  "a quote (\") stands inside a cell that is not quoted; double it and quote the whole cell",
			false: "a quoted cell goes on after its closing quote, or is never closed",
		}[errors.Is(broken.Err, stdcsv.ErrBareQuote)]
		return nil, &FormatError{Line: broken.Line + r.offset, Column: broken.Column, Message: message}
	}
	return nil, err
}

func blank(row []string) bool {
	for _, cell := range row {
		if strings.TrimSpace(cell) != "" {
			return false
		}
	}
	return true
}
