package push

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// BodyError says why a body as a whole cannot be used, and where.
type BodyError struct {
	Offset       int64  // bytes from the start
	Line, Column int    // both count from 1; the column counts bytes
	Pointer      string // RFC 6901, where there is a value to point at
	Message      string
}

func (e *BodyError) Error() string {
	return fmt.Sprintf("line %d column %d (byte %d): %s", e.Line, e.Column, e.Offset, e.Message)
}

const maxDepth = 32

// value is one JSON value. Objects keep the order of their members.
type value struct {
	kind    kind
	text    string // of a string or number
	members []member
	items   []*value
	offset  int64
}

type member struct {
	name  string
	value *value
}

type kind string

const (
	kindObject kind = "an object"
	kindArray  kind = "a list"
	kindString kind = "a string"
	kindNumber kind = "a number"
	kindBool   kind = "true or false"
	kindNull   kind = "null"
)

// parser reads strict JSON into values.
type parser struct {
	body    []byte
	decoder *json.Decoder
}

func parse(body []byte) (*value, error) {
	p := &parser{body: body, decoder: json.NewDecoder(bytes.NewReader(body))}
	p.decoder.UseNumber()
	if !utf8.Valid(body) {
		return nil, p.fail(firstInvalid(body), "the body is not UTF-8")
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, p.fail(0, "the body is empty")
	}
	root, err := p.value(0)
	if err != nil {
		return nil, err
	}
	if _, err := p.decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, p.fail(p.decoder.InputOffset(), "something follows the end of the JSON value")
	}
	return root, nil
}

func firstInvalid(body []byte) int64 {
	for at := 0; at < len(body); {
		r, size := utf8.DecodeRune(body[at:])
		if r == utf8.RuneError && size == 1 {
			return int64(at)
		}
		at += size
	}
	return int64(len(body))
}

func (p *parser) value(depth int) (*value, error) {
	token, err := p.decoder.Token()
	if err != nil {
		return nil, p.syntax(err)
	}
	found := &value{offset: p.decoder.InputOffset()}
	switch token := token.(type) {
	case json.Delim:
		if depth >= maxDepth {
			return nil, p.fail(found.offset, fmt.Sprintf("values are nested deeper than %d", maxDepth))
		}
		if token == '{' {
			return p.object(found, depth)
		}
		return p.array(found, depth)
	case string:
		found.kind, found.text = kindString, token
	case json.Number:
		found.kind, found.text = kindNumber, token.String()
	case bool:
		found.kind, found.text = kindBool, fmt.Sprint(token)
	default:
		found.kind = kindNull
	}
	return found, nil
}

func (p *parser) object(found *value, depth int) (*value, error) {
	found.kind = kindObject
	seen := map[string]bool{}
	for p.decoder.More() {
		token, err := p.decoder.Token()
		if err != nil {
			return nil, p.syntax(err)
		}
		name, isName := token.(string)
		if !isName {
			return nil, p.fail(p.decoder.InputOffset(), "a member's name must be a string")
		}
		if seen[name] {
			return nil, p.fail(p.decoder.InputOffset(), fmt.Sprintf("%q stands twice in one object", clip(name)))
		}
		seen[name] = true
		inside, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		found.members = append(found.members, member{name, inside})
	}
	return found, p.end()
}

func (p *parser) array(found *value, depth int) (*value, error) {
	found.kind = kindArray
	for p.decoder.More() {
		inside, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		found.items = append(found.items, inside)
	}
	return found, p.end()
}

func (p *parser) end() error {
	if _, err := p.decoder.Token(); err != nil {
		return p.syntax(err)
	}
	return nil
}

func (p *parser) syntax(err error) error {
	var broken *json.SyntaxError
	// the decoder counts from where its buffer begins; a second look at the whole counts from the start
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return p.fail(int64(len(p.body)), "malformed JSON: it ends too early")
	}
	if again := json.Unmarshal(p.body, new(json.RawMessage)); errors.As(again, &broken) {
		return p.fail(max(broken.Offset-1, 0), "malformed JSON: "+broken.Error())
	}
	return p.fail(p.decoder.InputOffset(), "malformed JSON: "+err.Error())
}

func (p *parser) fail(offset int64, message string) error {
	offset = min(max(offset, 0), int64(len(p.body)))
	before := p.body[:offset]
	line := bytes.Count(before, []byte("\n")) + 1
	column := len(before) - bytes.LastIndexByte(before, '\n')
	return &BodyError{Offset: offset, Line: line, Column: column, Message: message}
}

// member answers an object's member; nil when it is not there or null.
func (v *value) member(name string) *value {
	for _, found := range v.members {
		if found.name == name && found.value.kind != kindNull {
			return found.value
		}
	}
	return nil
}

// escape makes a name a step of an RFC 6901 pointer.
func escape(name string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

func clip(text string) string {
	const most = 60
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}
