// Package workbook reads the sheets of an XLSX file (ECMA-376, Office Open XML)
// row by row: what each cell says, with its number format, so that a date is a
// date and an amount keeps the digits that stand in the file. Formulas give the
// results that were stored with them; nothing is computed and nothing outside the
// file is read. Sheets are streamed; of the file only its table of texts is in memory.
//
// Excelize streams rows too, but says nothing of a cell's format while it does:
// without it, a date is the number 46356.
package workbook

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

// Limits of a workbook. What is packed can be small and unpack to anything; what
// is unpacked is counted while it streams.
const (
	MaxBytes    = 64 << 20  // of the file
	MaxColumns  = 400       // in which something stands
	MaxCell     = 64 << 10  // bytes of one cell
	maxParts    = 5_000     // files in the archive
	maxPart     = 768 << 20 // bytes of one sheet, unpacked
	maxSmall    = 16 << 20  // bytes of the parts that say where things are, unpacked
	maxTexts    = 96 << 20  // bytes of the table of texts, unpacked
	maxRatio    = 400       // times that a part may grow when it is unpacked, once it is over a megabyte
	maxCells    = 20_000_000
	maxRow      = 1_048_576 // of the format itself
	maxMerges   = 20_000
	maxSheets   = 1_000
	maxFormats  = 70_000
	maxDepth    = 64
	maxToken    = 4 << 20 // bytes between two marks of the XML
	maxTextRows = 4_000_000
)

// Error says why a workbook cannot be read, and what to do, for people. Place is
// a cell ("C17") or a part of the file; empty: the file as a whole.
type Error struct{ Place, Message string }

func (e *Error) Error() string {
	if e.Place == "" {
		return e.Message
	}
	return e.Place + ": " + e.Message
}

func broken(place string) *Error {
	return &Error{Place: place, Message: "the workbook is damaged here; open it in a spreadsheet program and save it again"}
}

// Sheet is one sheet of a workbook.
type Sheet struct {
	Name   string
	Hidden bool
	part   string
}

// Book is an open workbook. It reads from the reader that it was opened on.
type Book struct {
	Sheets  []Sheet
	parts   map[string]*zip.File
	since04 bool // dates count from 1904
	texts   []string
	formats []*format // by a cell's style
	ended   func() error
}

var (
	zipMark = []byte("PK\x03\x04")
	oleMark = []byte("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1")
)

// Is says whether a file that begins like this could be a workbook: XLSX, or an
// older or locked one, for which Open has words.
func Is(head []byte) bool { return bytes.HasPrefix(head, zipMark) || bytes.HasPrefix(head, oleMark) }

// Open reads what a workbook says of itself. Ended is asked now and then and ends
// the reading with its error; nil: nothing does.
func Open(r io.ReaderAt, size int64, ended func() error) (*Book, error) {
	if ended == nil {
		ended = func() error { return nil }
	}
	if size > MaxBytes {
		return nil, &Error{Message: fmt.Sprintf("the workbook is larger than the %d MB that are accepted; split it, or save the sheet as CSV", MaxBytes>>20)}
	}
	if err := judgeArchive(r, size); err != nil {
		return nil, err
	}
	archive, err := zip.NewReader(r, size)
	if err != nil {
		return nil, &Error{Message: "the file is damaged, or an archive that is no workbook; open it in a spreadsheet program and save it again"}
	}
	b := &Book{parts: map[string]*zip.File{}, ended: ended}
	for _, file := range archive.File {
		name := strings.ToLower(strings.TrimPrefix(strings.ReplaceAll(file.Name, `\`, "/"), "/"))
		if _, twice := b.parts[name]; !twice {
			b.parts[name] = file
		}
		if file.Flags&1 != 0 {
			return nil, locked()
		}
	}
	if err := b.readBook(); err != nil {
		return nil, err
	}
	return b, nil
}

func locked() *Error {
	return &Error{Message: "the workbook is protected with a password; remove the password (save it without one) and import it again"}
}

// judgeArchive looks at the bytes before anything is unpacked: what is no archive,
// and one with more parts than any workbook has, of which the list alone could
// fill the memory.
func judgeArchive(r io.ReaderAt, size int64) error {
	entry := []byte("PK\x01\x02") // of the list of parts
	encrypted := []byte("E\x00n\x00c\x00r\x00y\x00p\x00t\x00e\x00d\x00P\x00a\x00c\x00k\x00a\x00g\x00e\x00")
	old, secret, count := false, false, 0
	buffer := make([]byte, 256<<10)
	keep := len(encrypted) - 1 // of the chunk before, for what lies across
	kept := 0
	file := io.NewSectionReader(r, 0, size)
	for first := true; ; first = false {
		n, err := io.ReadFull(file, buffer[kept:])
		chunk := buffer[:kept+n]
		if first {
			old = bytes.HasPrefix(chunk, oleMark)
			if !old && !bytes.HasPrefix(chunk, zipMark) {
				return &Error{Message: "this is no workbook"}
			}
		}
		secret = secret || old && bytes.Contains(chunk, encrypted)
		count += bytes.Count(chunk, entry)
		if err != nil {
			break
		}
		kept = copy(buffer, chunk[len(chunk)-keep:])
		count -= bytes.Count(buffer[:kept], entry) // they are counted again
	}
	switch {
	case secret:
		return locked()
	case old:
		return &Error{Message: "this is a workbook of the old kind (XLS); save it as XLSX or CSV"}
	case count > maxParts:
		return &Error{Message: fmt.Sprintf("the archive holds more than %d files; that is no workbook", maxParts)}
	}
	return nil
}

// Sheet finds the sheet with a name, any case; with none, the first that is shown.
func (b *Book) Sheet(name string) (Sheet, error) {
	for _, sheet := range b.Sheets {
		if name == "" && !sheet.Hidden || name != "" && strings.EqualFold(strings.TrimSpace(name), strings.TrimSpace(sheet.Name)) {
			return sheet, nil
		}
	}
	if name == "" {
		return Sheet{}, &Error{Message: "the workbook has no sheet that is shown"}
	}
	return Sheet{}, &Error{Message: fmt.Sprintf("there is no sheet %q; the workbook has: %s", clip(name), b.names())}
}

func (b *Book) names() string {
	const most = 20
	var names []string
	for _, sheet := range b.Sheets {
		if len(names) == most {
			names = append(names, "…")
			break
		}
		names = append(names, clip(sheet.Name))
	}
	return strings.Join(names, ", ")
}

// readBook follows the file from its root to its sheets, texts and formats.
func (b *Book) readBook() error {
	main := b.mainPart()
	if main == "" {
		return b.noWorkbook()
	}
	links, err := b.links(main)
	if err != nil {
		return err
	}
	if err := b.readSheets(main, links); err != nil {
		return err
	}
	for _, link := range links {
		switch {
		case strings.HasSuffix(link.kind, "/sharedStrings"):
			err = b.readTexts(link.target)
		case strings.HasSuffix(link.kind, "/styles"):
			err = b.readFormats(link.target)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *Book) mainPart() string {
	roots, err := b.links("")
	if err == nil {
		for _, link := range roots {
			if strings.HasSuffix(link.kind, "/officeDocument") && b.parts[link.target] != nil && strings.HasSuffix(link.target, ".xml") {
				return link.target
			}
		}
	}
	if b.parts["xl/workbook.xml"] != nil {
		return "xl/workbook.xml"
	}
	return ""
}

func (b *Book) noWorkbook() error {
	switch {
	case b.parts["xl/workbook.bin"] != nil:
		return &Error{Message: "this is a binary workbook (XLSB); save it as XLSX or CSV"}
	case b.parts["content.xml"] != nil && b.parts["mimetype"] != nil:
		return &Error{Message: "this is an OpenDocument file; save it as XLSX or CSV"}
	case b.parts["word/document.xml"] != nil:
		return &Error{Message: "this is a text document, not a workbook"}
	}
	return &Error{Message: "this is an archive, not a workbook; unpack it and import the files in it"}
}

// link is one relationship of a part.
type link struct{ id, kind, target string }

// links reads the relationships of a part, those of the file itself for "".
func (b *Book) links(part string) (map[string]link, error) {
	name := path.Join(path.Dir(part), "_rels", path.Base(part)+".rels")
	if part == "" {
		name = "_rels/.rels"
	}
	found := map[string]link{}
	err := b.walk(name, maxSmall, func(e element) error {
		if e.name != "Relationship" || strings.EqualFold(e.attr("TargetMode"), "External") || len(found) >= maxParts {
			return nil
		}
		target := strings.ReplaceAll(e.attr("Target"), `\`, "/")
		if rooted, ok := strings.CutPrefix(target, "/"); ok {
			target = path.Clean(rooted)
		} else {
			target = path.Join(path.Dir(part), target)
		}
		found[e.attr("Id")] = link{e.attr("Id"), e.attr("Type"), strings.ToLower(target)}
		return nil
	})
	return found, err
}

func (b *Book) readSheets(main string, links map[string]link) error {
	err := b.walk(main, maxSmall, func(e element) error {
		switch e.name {
		case "workbookPr":
			b.since04 = e.attr("date1904") == "1" || strings.EqualFold(e.attr("date1904"), "true")
		case "sheet":
			to := links[e.attr("id")]
			if len(b.Sheets) < maxSheets && strings.HasSuffix(to.kind, "/worksheet") {
				b.Sheets = append(b.Sheets, Sheet{Name: e.attr("name"), Hidden: e.attr("state") != "" && e.attr("state") != "visible", part: to.target})
			}
		}
		return nil
	})
	if err == nil && len(b.Sheets) == 0 {
		err = &Error{Message: "the workbook has no sheets"}
	}
	return err
}

// readTexts reads the table of texts that cells point into.
func (b *Book) readTexts(part string) error {
	reader, err := b.open(part, maxTexts)
	if err != nil {
		return err
	}
	defer reader.close()
	for {
		e, err := reader.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if e.name != "si" || e.end {
			continue
		}
		text, err := reader.richText("si")
		if err != nil {
			return err
		}
		if len(b.texts) == maxTextRows {
			return &Error{Message: "the workbook holds more texts than are accepted; save the sheet as CSV"}
		}
		b.texts = append(b.texts, text)
	}
}

// readFormats reads which number format each style of a cell has.
func (b *Book) readFormats(part string) error {
	own := map[string]*format{}
	within := ""
	return b.walk(part, maxSmall, func(e element) error {
		switch {
		case e.name == "cellXfs" || e.name == "cellStyleXfs" || e.name == "dxfs":
			within = e.name
		case e.name == "numFmt" && within == "" && len(own) < maxFormats:
			own[e.attr("numFmtId")] = parseFormat(e.attr("formatCode"))
		case e.name == "xf" && within == "cellXfs" && len(b.formats) < maxFormats:
			id := e.attr("numFmtId")
			if own[id] == nil {
				own[id] = parseFormat(builtIn(id))
			}
			b.formats = append(b.formats, own[id])
		}
		return nil
	})
}

func clip(text string) string {
	const most = 60
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}
