package workbook

import (
	"archive/zip"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// element is a beginning or an end in a part's XML. Names come without their
// namespace: the strict and the transitional form differ in it alone.
type element struct {
	name  string
	end   bool
	attrs []xml.Attr
}

func (e element) attr(name string) string {
	for _, attr := range e.attrs {
		if attr.Name.Local == name {
			return attr.Value
		}
	}
	return ""
}

// partReader streams one part of the archive and counts what it unpacks.
type partReader struct {
	part    string
	file    *zip.File
	body    io.ReadCloser
	decoder *xml.Decoder
	ended   func() error
	passed  int64 // bytes unpacked
	most    int64
	left    int // bytes until the next mark
	depth   int
	tokens  int
	failed  error // what Read answered, which the decoder wraps
}

func (b *Book) open(part string, most int64) (*partReader, error) {
	file := b.parts[part]
	if file == nil {
		return nil, broken(part)
	}
	body, err := file.Open()
	if err != nil {
		return nil, broken(part)
	}
	r := &partReader{part: part, file: file, body: body, ended: b.ended, most: most, left: maxToken}
	r.decoder = xml.NewDecoder(r)
	r.decoder.CharsetReader = func(charset string, _ io.Reader) (io.Reader, error) {
		return nil, fmt.Errorf("the encoding %q", charset)
	}
	return r, nil
}

func (r *partReader) close() { _ = r.body.Close() } // only read: nothing can be lost

// Read is what the decoder reads.
func (r *partReader) Read(p []byte) (int, error) {
	n, err := r.body.Read(p[:min(len(p), max(r.left, 0))])
	r.passed += int64(n)
	r.left -= n
	packed := int64(max(r.file.CompressedSize64, 1)) //nolint:gosec // the archive is at most MaxBytes long
	switch {
	case r.passed > r.most:
		err = &Error{Place: r.part, Message: fmt.Sprintf("unpacks to more than %d MB; split the workbook, or save the sheet as CSV", r.most>>20)}
	case r.passed > 1<<20 && r.passed/packed > maxRatio:
		err = &Error{Place: r.part, Message: "unpacks to so much more than it holds that it is not read; save the sheet as CSV"}
	case r.left <= 0:
		err = &Error{Place: r.part, Message: fmt.Sprintf("holds a text of more than %d MB", maxToken>>20)}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		r.failed = err
	}
	return n, err
}

// token is the next mark or text; io.EOF ends the part.
func (r *partReader) token() (xml.Token, error) {
	if r.tokens++; r.tokens%4096 == 0 {
		if err := r.ended(); err != nil {
			return nil, err
		}
	}
	token, err := r.decoder.Token()
	r.left = maxToken
	var own *Error
	switch {
	case err == nil:
		return token, nil
	case errors.As(r.failed, &own):
		return nil, own
	case errors.Is(err, io.EOF):
		return nil, io.EOF
	}
	return nil, broken(r.part)
}

// next is the next beginning or end; what stands between is passed over.
func (r *partReader) next() (element, error) {
	for {
		token, err := r.token()
		if err != nil {
			return element{}, err
		}
		if e, ok, err := r.element(token); ok || err != nil {
			return e, err
		}
	}
}

func (r *partReader) element(token xml.Token) (element, bool, error) {
	switch token := token.(type) {
	case xml.StartElement:
		if r.depth++; r.depth > maxDepth {
			return element{}, false, &Error{Place: r.part, Message: "is nested deeper than any workbook is"}
		}
		return element{name: token.Name.Local, attrs: token.Attr}, true, nil
	case xml.EndElement:
		r.depth--
		return element{name: token.Name.Local, end: true}, true, nil
	}
	return element{}, false, nil
}

// walk gives each beginning of a part to a function.
func (b *Book) walk(part string, most int64, see func(element) error) error {
	reader, err := b.open(part, most)
	if err != nil {
		return err
	}
	defer reader.close()
	for {
		e, err := reader.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil && !e.end {
			err = see(e)
		}
		if err != nil {
			return err
		}
	}
}

// text is what stands in an element that has begun, up to its end.
func (r *partReader) text() (string, error) {
	var out strings.Builder
	for depth := 1; ; {
		token, err := r.token()
		if err != nil {
			return "", r.early(err)
		}
		if data, ok := token.(xml.CharData); ok {
			if out.Len() <= MaxCell {
				out.Write(data)
			}
			continue
		}
		e, ok, err := r.element(token)
		switch {
		case err != nil:
			return "", err
		case ok && !e.end:
			depth++
		case ok:
			if depth--; depth == 0 {
				return out.String(), nil
			}
		}
	}
}

// richText joins the runs of a text; how it is pronounced (rPh) is no part of it.
func (r *partReader) richText(until string) (string, error) {
	var out strings.Builder
	spoken := 0
	for {
		e, err := r.next()
		if err != nil {
			return "", r.early(err)
		}
		switch {
		case e.end && e.name == until:
			return unescape(out.String()), nil
		case e.name == "rPh" && e.end:
			spoken--
		case e.name == "rPh":
			spoken++
		case e.name == "t" && !e.end:
			text, err := r.text()
			if err != nil {
				return "", err
			}
			if spoken == 0 && out.Len() <= MaxCell {
				out.WriteString(text)
			}
		}
	}
}

// early turns the end of a part within something into words.
func (r *partReader) early(err error) error {
	if errors.Is(err, io.EOF) {
		return broken(r.part)
	}
	return err
}

var escaped = regexp.MustCompile(`_x[0-9A-Fa-f]{4}_`)

// unescape reads characters that XML cannot hold (ECMA-376 part 1, 22.9.2.19).
func unescape(text string) string {
	if !strings.Contains(text, "_x") {
		return text
	}
	return escaped.ReplaceAllStringFunc(text, func(code string) string {
		number, err := strconv.ParseUint(code[2:6], 16, 16)
		if err != nil || !utf8.ValidRune(rune(number)) {
			return code
		}
		return string(rune(number))
	})
}
