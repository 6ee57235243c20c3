package csv

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"github.com/sheaf-hub/sheaf/vendor-connectors/csv/workbook"
)

// source is a file that can be read several times: once for its encoding, once
// for what its columns prove, once for the records.
type source struct {
	file     io.ReadSeeker
	size     int64
	encoding string
	bom      int64
	done     func()
	ctx      context.Context
	passed   int64 // raw bytes of the present pass

	sheet  string // of a workbook; empty: the file is text
	sheets []string
	merges []workbook.Merge
}

// newSource keeps a reader that can seek as it is and spools any other into a
// file of its own, so that memory stays flat.
func newSource(ctx context.Context, r io.Reader, sheet string) (*source, error) {
	s := &source{ctx: ctx, done: func() {}}
	if file, ok := r.(io.ReadSeeker); ok {
		s.file = file
	} else if err := s.spool(r); err != nil {
		return nil, err
	}
	if err := s.detect(sheet); err != nil {
		s.done()
		return nil, err
	}
	return s, nil
}

func (s *source) spool(r io.Reader) error {
	file, err := os.CreateTemp("", "import-*.csv")
	if err != nil {
		return fmt.Errorf("keep the file while it is read: %w", err)
	}
	s.file = file
	s.done = func() {
		file.Close()
		os.Remove(file.Name())
	}
	if _, err := io.Copy(file, io.LimitReader(&watched{s: s, r: r}, MaxBytes+1)); err != nil {
		s.done()
		return fmt.Errorf("keep the file while it is read: %w", err)
	}
	return nil
}

// watched counts what is read and stops when the context ends.
type watched struct {
	s *source
	r io.Reader
}

func (w *watched) Read(p []byte) (int, error) {
	if err := w.s.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := w.r.Read(p)
	w.s.passed += int64(n)
	return n, err
}

// detect finds the encoding: a workbook, a byte order mark, else UTF-8 where the
// whole file is valid, else Windows-1252.
func (s *source) detect(sheet string) error {
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read the file: %w", err)
	}
	head, valid, err := s.look()
	if err != nil {
		return err
	}
	s.encoding = "UTF-8"
	switch {
	case s.size == 0:
		return &FormatError{Message: "the file is empty"}
	case s.size > MaxBytes:
		return &FormatError{Message: fmt.Sprintf("the file is larger than the %d MB that are accepted; split it", MaxBytes>>20)}
	case bytes.HasPrefix(head, []byte("\xEF\xBB\xBF")):
		s.bom = 3
	case bytes.HasPrefix(head, []byte("\xFF\xFE")):
		s.encoding, s.bom = "UTF-16LE", 2
		return nil
	case bytes.HasPrefix(head, []byte("\xFE\xFF")):
		s.encoding, s.bom = "UTF-16BE", 2
		return nil
	case workbook.Is(head):
		return s.readSheet(sheet)
	case bytes.HasPrefix(head, []byte("%PDF-")):
		return &FormatError{Message: "this is a PDF, not CSV"}
	}
	if bytes.IndexByte(head, 0) >= 0 {
		return &FormatError{Message: "the file holds bytes that are no text; save it as CSV in UTF-8"}
	}
	if !valid {
		s.encoding = "Windows-1252"
	}
	return nil
}

// look reads the whole file once for its size and whether it is UTF-8.
func (s *source) look() (head []byte, valid bool, err error) {
	valid = true
	reader := &watched{s: s, r: s.file}
	buffer := make([]byte, 64<<10)
	kept := 0
	s.size = 0
	for {
		n, err := reader.Read(buffer[kept:])
		s.size += int64(n)
		if head == nil {
			head = bytes.Clone(buffer[:min(kept+n, 4096)])
		}
		chunk := buffer[:kept+n]
		for valid && len(chunk) > 0 {
			r, width := utf8.DecodeRune(chunk)
			if r == utf8.RuneError && width == 1 {
				if err == nil && !utf8.FullRune(chunk) {
					break
				}
				valid = false
			}
			chunk = chunk[width:]
		}
		if !valid {
			chunk = nil
		}
		kept = copy(buffer, chunk)
		if errors.Is(err, io.EOF) || s.size > MaxBytes {
			return head, valid, nil
		}
		if err != nil {
			return nil, false, fmt.Errorf("read the file: %w", err)
		}
	}
}

// open begins a new pass over the text.
func (s *source) open() (io.Reader, error) {
	if _, err := s.file.Seek(s.bom, io.SeekStart); err != nil {
		return nil, fmt.Errorf("read the file: %w", err)
	}
	s.passed = s.bom
	raw := &watched{s: s, r: s.file}
	switch s.encoding {
	case "UTF-16LE":
		return unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM).NewDecoder().Reader(raw), nil
	case "UTF-16BE":
		return unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM).NewDecoder().Reader(raw), nil
	case "Windows-1252":
		return charmap.Windows1252.NewDecoder().Reader(raw), nil
	}
	return raw, nil
}
