package pdf

import (
	"bytes"
	"strconv"
)

// lexer reads objects from data. It never fails: what makes no sense comes out
// as a keyword or nil, and callers look at what they got.
type lexer struct {
	data  []byte
	pos   int
	extra int  // bytes looked at beyond pos
	noEnd bool // there is no endstream any more
}

const (
	maxNesting = 60
	maxItems   = 200_000 // of one array or dictionary
)

const (
	endOfData  keyword = "\x00end"
	endOfArray keyword = "]"
	endOfDict  keyword = ">>"
)

func isSpace(c byte) bool {
	return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f' || c == 0
}

func isDelimiter(c byte) bool {
	switch c {
	case '(', ')', '<', '>', '[', ']', '{', '}', '/', '%':
		return true
	}
	return false
}

func isRegular(c byte) bool { return !isSpace(c) && !isDelimiter(c) }

func (l *lexer) skipSpace() {
	for l.pos < len(l.data) {
		switch c := l.data[l.pos]; {
		case isSpace(c):
			l.pos++
		case c == '%':
			for l.pos < len(l.data) && l.data[l.pos] != '\n' && l.data[l.pos] != '\r' {
				l.pos++
			}
		default:
			return
		}
	}
}

// object reads the next object; references "12 0 R" come out as one.
func (l *lexer) object(depth int) object {
	l.skipSpace()
	if l.pos >= len(l.data) || depth > maxNesting {
		l.pos = len(l.data)
		return endOfData
	}
	switch c := l.data[l.pos]; {
	case c == '/':
		l.pos++
		return l.name()
	case c == '(':
		return l.literal()
	case c == '[':
		l.pos++
		return l.array(depth)
	case c == '<':
		if l.has("<<") {
			l.pos += 2
			return l.inline(l.dict(depth), depth)
		}
		return l.hex()
	case c == '>' && l.has(">>"):
		l.pos += 2
		return endOfDict
	case isDelimiter(c):
		l.pos++
		return keyword(c)
	case c >= '0' && c <= '9' || c == '+' || c == '-' || c == '.':
		return l.number()
	}
	return l.word()
}

func (l *lexer) has(text string) bool {
	return l.pos <= len(l.data) && bytes.HasPrefix(l.data[l.pos:], []byte(text))
}

func (l *lexer) run() []byte {
	start := l.pos
	for l.pos < len(l.data) && isRegular(l.data[l.pos]) {
		l.pos++
	}
	return l.data[start:l.pos]
}

func (l *lexer) word() object {
	switch text := string(l.run()); text {
	case "true":
		return true
	case "false":
		return false
	case "null":
		return nil
	default:
		if len(text) > 200 {
			text = text[:200]
		}
		return keyword(text)
	}
}

// number reads a number, or a reference when "gen R" follows.
func (l *lexer) number() object {
	text := string(l.run())
	whole, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		if real, err := strconv.ParseFloat(text, 64); err == nil {
			return real
		}
		return keyword(text)
	}
	if whole < 0 || whole > 1<<30 {
		return whole
	}
	after := l.pos
	l.skipSpace()
	if gen := l.run(); len(gen) > 0 && len(gen) < 6 && digits(gen) {
		l.skipSpace()
		if l.has("R") && (l.pos+1 >= len(l.data) || !isRegular(l.data[l.pos+1])) {
			l.pos++
			number, _ := strconv.Atoi(string(gen)) // digits alone, at most five
			return ref{int(whole), number}
		}
	}
	l.pos = after
	return whole
}

func digits(text []byte) bool {
	for _, c := range text {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(text) > 0
}

func (l *lexer) name() name {
	raw := l.run()
	if bytes.IndexByte(raw, '#') < 0 {
		return name(raw)
	}
	var out []byte
	for i := 0; i < len(raw); i++ {
		if raw[i] == '#' && i+2 < len(raw) {
			if code, err := strconv.ParseUint(string(raw[i+1:i+3]), 16, 8); err == nil {
				out = append(out, byte(code))
				i += 2
				continue
			}
		}
		out = append(out, raw[i])
	}
	return name(out)
}

func (l *lexer) array(depth int) object {
	items := array{}
	for len(items) < maxItems {
		switch item := l.object(depth + 1); item {
		case endOfArray, endOfData:
			return items
		default:
			if word, isWord := item.(keyword); isWord && (word == "endobj" || word == "stream" || word == "obj") {
				return items
			}
			items = append(items, item)
		}
	}
	return items
}

func (l *lexer) dict(depth int) dict {
	entries := dict{}
	for len(entries) < maxItems {
		before := l.pos
		key := l.object(depth + 1)
		switch key := key.(type) {
		case name:
			value := l.object(depth + 1)
			if value == endOfDict || value == endOfData {
				return entries
			}
			entries[key] = value
		case keyword:
			if key == endOfDict || key == endOfData {
				return entries
			}
			if key == "endobj" || key == "stream" || key == "obj" { // the closing >> is missing
				l.pos = before
				return entries
			}
		}
	}
	return entries
}

// inline takes a stream that stands inside another object. The format does not
// allow that; a widely used library wrote attachments so for years.
func (l *lexer) inline(entries dict, depth int) object {
	if depth == 0 || l.noEnd {
		return entries
	}
	after := l.pos
	l.skipSpace()
	if !l.has("stream\n") && !l.has("stream\r") {
		l.pos = after
		return entries
	}
	l.pos += len("stream")
	if l.has("\r\n") {
		l.pos++
	}
	l.pos++
	body := l.data[min(l.pos, len(l.data)):]
	end := bytes.Index(body, []byte("endstream"))
	if end < 0 {
		l.extra, l.noEnd = l.extra+len(body), true
		l.pos = after
		return entries
	}
	if length, ok := entries["Length"].(int64); ok && length >= 0 && int(length) <= len(body) &&
		bytes.HasPrefix(bytes.TrimLeft(body[length:], "\r\n "), []byte("endstream")) {
		end = int(length)
	}
	l.pos += end
	l.skipSpace()
	l.pos = min(l.pos+len("endstream"), len(l.data))
	return &stream{dict: entries, raw: body[:end]}
}

func (l *lexer) hex() object {
	l.pos++
	var out str
	high, half := byte(0), false
	for l.pos < len(l.data) {
		c := l.data[l.pos]
		l.pos++
		if c == '>' {
			break
		}
		value, ok := hexValue(c)
		switch {
		case !ok:
		case half:
			out, half = append(out, high<<4|value), false
		default:
			high, half = value, true
		}
	}
	if half {
		out = append(out, high<<4)
	}
	return out
}

func hexValue(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// literal reads a (string) with its escapes and balanced brackets.
func (l *lexer) literal() object {
	l.pos++
	var out str
	for open := 1; l.pos < len(l.data); {
		c := l.data[l.pos]
		l.pos++
		switch c {
		case '(':
			open++
		case ')':
			if open--; open == 0 {
				return out
			}
		case '\\':
			out = l.escape(out)
			continue
		}
		out = append(out, c)
	}
	return out
}

func (l *lexer) escape(out str) str {
	if l.pos >= len(l.data) {
		return out
	}
	c := l.data[l.pos]
	l.pos++
	switch c {
	case 'n':
		return append(out, '\n')
	case 'r':
		return append(out, '\r')
	case 't':
		return append(out, '\t')
	case 'b':
		return append(out, '\b')
	case 'f':
		return append(out, '\f')
	case '\n':
		return out
	case '\r':
		if l.has("\n") {
			l.pos++
		}
		return out
	}
	if c < '0' || c > '7' {
		return append(out, c)
	}
	code := int(c - '0')
	for i := 0; i < 2 && l.pos < len(l.data) && l.data[l.pos] >= '0' && l.data[l.pos] <= '7'; i++ {
		code = code<<3 | int(l.data[l.pos]-'0')
		l.pos++
	}
	return append(out, byte(code))
}
