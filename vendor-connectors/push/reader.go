package push

import (
	"encoding/base64"
	"errors"
	"fmt"
	"mime"
	"strings"
	"unicode"

	"github.com/sheaf-hub/sheaf/hub/money"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

// Limits of one record.
const (
	maxID        = 200
	maxName      = 300
	maxTerms     = 500
	maxNote      = 4000
	maxContacts  = 50
	maxLines     = 1000
	maxApplied   = 1000
	maxDocuments = 20
	maxDocument  = 10 << 20
)

// reader reads the fields of one object and notes what is wrong with each.
type reader struct {
	object     *value
	pointer    string
	known      map[string]bool
	problems   []connectors.Problem
	externalID string
}

func newReader(object *value, pointer string) *reader {
	r := &reader{object: object, pointer: pointer, known: map[string]bool{}}
	if object.kind != kindObject {
		r.problem("", fmt.Sprintf("must be an object, not %s", object.kind))
		r.object = &value{kind: kindObject}
	}
	return r
}

func (r *reader) problem(field, message string) {
	at := r.pointer
	if field != "" {
		at += "/" + field
	}
	r.problems = append(r.problems, connectors.Problem{Field: at, Message: message})
}

// field answers a member and remembers that its name is known.
func (r *reader) field(name string) *value {
	r.known[name] = true
	return r.object.member(name)
}

// unknown notes every member that nobody asked for: a misspelt field must not
// vanish silently.
func (r *reader) unknown() {
	for _, found := range r.object.members {
		if !r.known[found.name] {
			r.problem(escape(clip(found.name)), "this field is not known; see the API's description for the names")
			if len(r.problems) > 20 {
				return
			}
		}
	}
}

// text is a string of at most most characters; "" when it is absent.
func (r *reader) text(name string, most int) string {
	found := r.field(name)
	if found == nil {
		return ""
	}
	if found.kind != kindString {
		r.problem(name, fmt.Sprintf("must be a string, not %s", found.kind))
		return ""
	}
	text := strings.TrimSpace(found.text)
	if len([]rune(text)) > most {
		r.problem(name, fmt.Sprintf("is longer than %d characters", most))
		return ""
	}
	for _, c := range text {
		if unicode.IsControl(c) && c != '\n' && c != '\t' && c != '\r' || unicode.Is(unicode.Bidi_Control, c) {
			r.problem(name, fmt.Sprintf("holds the control character U+%04X; send plain text", c))
			return ""
		}
	}
	return text
}

// line is text without line breaks.
func (r *reader) line(name string, most int) string {
	text := r.text(name, most)
	if strings.ContainsAny(text, "\n\r\t") {
		r.problem(name, "must be one line")
		return ""
	}
	return text
}

func (r *reader) required(name string, most int) string {
	before := len(r.problems)
	text := r.line(name, most)
	if text == "" && len(r.problems) == before {
		r.problem(name, "is missing")
	}
	return text
}

func (r *reader) date(name string) money.Date {
	before := len(r.problems)
	text := r.line(name, 100)
	if text == "" || len(r.problems) > before {
		return ""
	}
	date, err := money.ParseDate(text)
	if err != nil {
		r.problem(name, err.Error())
	}
	return date
}

func (r *reader) currency(need bool) money.Currency {
	before := len(r.problems)
	text := r.line("currency", 100)
	switch {
	case len(r.problems) > before:
		return ""
	case text == "" && need:
		r.problem("currency", "is missing; send an ISO 4217 code such as \"EUR\"")
		return ""
	case text == "":
		return ""
	}
	currency, err := money.ParseCurrency(text)
	if err != nil {
		r.problem("currency", err.Error())
	}
	return currency
}

// amount reads a decimal string; ok is false when it is absent or wrong.
func (r *reader) amount(name string, currency money.Currency) (amount money.Amount, ok bool) {
	found := r.field(name)
	if found == nil || currency == "" {
		return money.Amount{}, false
	}
	if found.kind == kindNumber {
		r.problem(name, fmt.Sprintf("write amounts as strings, %q instead of %s: numbers lose digits on the way", clip(found.text), clip(found.text)))
		return money.Amount{}, false
	}
	if found.kind != kindString {
		r.problem(name, fmt.Sprintf("must be a decimal string such as \"125.00\", not %s", found.kind))
		return money.Amount{}, false
	}
	amount, err := money.Parse(found.text, currency)
	if err != nil {
		message := err.Error()
		if errors.Is(err, money.ErrPrecision) {
			message = fmt.Sprintf("%q has more digits than %s has (%d)", clip(found.text), currency, currency.Digits())
		}
		r.problem(name, message)
		return money.Amount{}, false
	}
	return amount, true
}

// list answers the items of a list of at most most.
func (r *reader) list(name string, most int) []*value {
	found := r.field(name)
	if found == nil {
		return nil
	}
	if found.kind != kindArray {
		r.problem(name, fmt.Sprintf("must be a list, not %s", found.kind))
		return nil
	}
	if len(found.items) > most {
		r.problem(name, fmt.Sprintf("has %d items; at most %d are accepted", len(found.items), most))
		return nil
	}
	return found.items
}

// each reads the objects of a list with a reader of their own.
func (r *reader) each(name string, most int, read func(*reader)) {
	for i, item := range r.list(name, most) {
		inner := newReader(item, fmt.Sprintf("%s/%s/%d", r.pointer, name, i))
		read(inner)
		inner.unknown()
		r.problems = append(r.problems, inner.problems...)
	}
}

func (r *reader) strings(name string, most int) []string {
	var texts []string
	for i, item := range r.list(name, most) {
		if item.kind != kindString || item.text == "" || len(item.text) > maxID {
			r.problem(fmt.Sprintf("%s/%d", name, i), fmt.Sprintf("must be a string of 1 to %d characters", maxID))
			continue
		}
		texts = append(texts, item.text)
	}
	return texts
}

func (r *reader) documents() []connectors.Document {
	var documents []connectors.Document
	r.each("documents", maxDocuments, func(d *reader) {
		document := connectors.Document{Name: d.required("name", maxID), ContentType: d.required("content_type", 120)}
		if strings.ContainsAny(document.Name, `/\`) {
			d.problem("name", "must be a file name, without folders")
		}
		if kind, _, err := mime.ParseMediaType(document.ContentType); document.ContentType != "" && (err != nil || !strings.Contains(kind, "/")) {
			d.problem("content_type", "must be a media type such as \"application/pdf\"")
		}
		document.Content = d.base64("content_base64")
		document.Held = connectors.HoldReason(document.Content)
		documents = append(documents, document)
	})
	return documents
}

func (r *reader) base64(name string) []byte {
	found := r.field(name)
	switch {
	case found == nil || (found.kind == kindString && found.text == ""):
		r.problem(name, "is missing")
		return nil
	case found.kind != kindString:
		r.problem(name, fmt.Sprintf("must be a string, not %s", found.kind))
		return nil
	case len(found.text) > base64.StdEncoding.EncodedLen(maxDocument)+4096:
		r.problem(name, fmt.Sprintf("is larger than the %d MB that a document may have", maxDocument>>20))
		return nil
	}
	content, err := base64.StdEncoding.DecodeString(found.text)
	if err != nil {
		r.problem(name, "is not base64 (standard alphabet, with padding)")
		return nil
	}
	if len(content) > maxDocument {
		r.problem(name, fmt.Sprintf("is larger than the %d MB that a document may have", maxDocument>>20))
		return nil
	}
	return content
}
