package einvoice

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
)

var declaredEncoding = regexp.MustCompile(`^\s*<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z0-9._:\-]{1,40})["']`)

// toUTF8 answers data in UTF-8 without a byte order mark: what the mark says,
// else what the declaration says, else UTF-8.
func toUTF8(file string, data []byte) ([]byte, error) {
	switch {
	case bytes.HasPrefix(data, []byte("\xEF\xBB\xBF")):
		return data[3:], nil
	case bytes.HasPrefix(data, []byte("\xFF\xFE")), bytes.HasPrefix(data, []byte("<\x00")):
		return decodeWith(file, data, unicode.UTF16(unicode.LittleEndian, unicode.UseBOM))
	case bytes.HasPrefix(data, []byte("\xFE\xFF")), bytes.HasPrefix(data, []byte("\x00<")):
		return decodeWith(file, data, unicode.UTF16(unicode.BigEndian, unicode.UseBOM))
	}
	match := declaredEncoding.FindSubmatch(data[:min(len(data), 400)])
	if match == nil {
		return data, nil
	}
	label := strings.ToLower(string(match[1]))
	if label == "utf-8" || label == "utf8" || label == "us-ascii" {
		return data, nil
	}
	if strings.HasPrefix(label, "utf-16") || strings.HasPrefix(label, "ucs-2") {
		return data, nil // the bytes are not: a tool has converted them and left the words
	}
	charset, err := htmlindex.Get(label)
	if err != nil {
		return nil, &FileError{File: file, Line: 1, Column: 1,
			Message: fmt.Sprintf("the encoding %q is not known; save the file as UTF-8", label)}
	}
	return decodeWith(file, data, charset)
}

func decodeWith(file string, data []byte, charset encoding.Encoding) ([]byte, error) {
	if bytes.HasPrefix(data, []byte("<\x00")) || bytes.HasPrefix(data, []byte("\x00<")) {
		order := unicode.LittleEndian
		if data[0] == 0 {
			order = unicode.BigEndian
		}
		charset = unicode.UTF16(order, unicode.IgnoreBOM)
	}
	decoded, err := charset.NewDecoder().Bytes(data)
	if err != nil || !utf8.Valid(decoded) {
		return nil, &FileError{File: file, Line: 1, Column: 1, Message: "the bytes do not fit the encoding that the file declares; save it as UTF-8"}
	}
	return bytes.TrimPrefix(decoded, []byte("\xEF\xBB\xBF")), nil
}
