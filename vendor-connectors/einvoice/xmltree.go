package einvoice

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// node is one element: its own text, its children, and where it began.
type node struct {
	space, name  string
	attrs        []xml.Attr
	children     []*node
	text         string
	line, column int
}

// treeReader turns XML into nodes. It refuses document types (and with them
// every entity of the file's own), and bounds depth and number of elements.
type treeReader struct {
	file     string
	limits   Limits
	decoder  *xml.Decoder
	elements int
	kept     int
	stack    []*node
	texts    [][]byte
	root     *node
	reduce   func(line *node) bool // true: the element was used up; its children are dropped
}

// readTree answers the root element of data, which is UTF-8 already. Errors are
// *FileError with line and column.
func readTree(file string, data []byte, limits Limits, reduce func(*node) bool) (*node, error) {
	r := &treeReader{file: file, limits: limits, decoder: xml.NewDecoder(bytes.NewReader(data)), reduce: reduce}
	r.decoder.CharsetReader = func(_ string, input io.Reader) (io.Reader, error) { return input, nil }
	for {
		token, err := r.decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, r.syntaxError(err)
		}
		if err := r.take(token); err != nil {
			return nil, err
		}
	}
	if r.root == nil {
		return nil, r.fail("there is no XML element in the file")
	}
	return r.root, nil
}

func (r *treeReader) take(token xml.Token) error {
	switch token := token.(type) {
	case xml.StartElement:
		return r.open(token)
	case xml.EndElement:
		r.close()
	case xml.CharData:
		if depth := len(r.stack); depth > 0 {
			r.texts[depth-1] = append(r.texts[depth-1], token...)
		}
	case xml.Directive:
		return r.fail("a document type (<!DOCTYPE …>) is not accepted; write the invoice without one")
	}
	return nil
}

func (r *treeReader) open(start xml.StartElement) error {
	r.elements++
	r.kept++
	switch {
	case r.elements > r.limits.Elements || r.kept > keptElements:
		return r.fail(fmt.Sprintf("more than %d elements", min(r.limits.Elements, keptElements)))
	case len(r.stack) >= r.limits.Depth:
		return r.fail(fmt.Sprintf("elements are nested deeper than %d", r.limits.Depth))
	case len(r.stack) == 0 && r.root != nil:
		return r.fail("a second root element; one file holds one invoice")
	case len(start.Attr) > 200:
		return r.fail("more than 200 attributes on one element")
	}
	line, column := r.decoder.InputPos()
	next := &node{space: start.Name.Space, name: start.Name.Local, attrs: start.Attr, line: line, column: column}
	if depth := len(r.stack); depth > 0 {
		parent := r.stack[depth-1]
		parent.children = append(parent.children, next)
	} else {
		r.root = next
	}
	r.stack = append(r.stack, next)
	r.texts = append(r.texts, nil)
	return nil
}

func (r *treeReader) close() {
	last := len(r.stack) - 1
	closed := r.stack[last]
	closed.text = string(r.texts[last])
	r.stack, r.texts = r.stack[:last], r.texts[:last]
	if r.reduce != nil && r.reduce(closed) {
		r.kept -= closed.size()
		closed.children = nil
	}
}

// size counts the elements below n.
func (n *node) size() int {
	count := 0
	for _, child := range n.children {
		count += 1 + child.size()
	}
	return count
}

func (r *treeReader) fail(message string) error {
	line, column := r.decoder.InputPos()
	return &FileError{File: r.file, Line: line, Column: column, Message: message}
}

func (r *treeReader) syntaxError(err error) error {
	message := err.Error()
	var syntax *xml.SyntaxError
	if errors.As(err, &syntax) {
		message = syntax.Msg
	}
	return r.fail("malformed XML: " + strings.TrimPrefix(message, "xml: "))
}

// all answers the elements that path leads to, in document order. A step may
// name alternatives: "OrderReference|BuyerOrder". Elements of a namespace that
// is not of the invoice's family are not seen.
func (n *node) all(path ...string) []*node {
	if n == nil {
		return nil
	}
	found := []*node{n}
	for _, step := range path {
		var next []*node
		for _, parent := range found {
			for _, child := range parent.children {
				if matches(step, child.name) && family(child.space) {
					next = append(next, child)
				}
			}
		}
		found = next
	}
	return found
}

// first is the first of all(path) that has text or children; nil when none has.
func (n *node) first(path ...string) *node {
	for _, found := range n.all(path...) {
		if len(found.children) > 0 || found.value() != "" {
			return found
		}
	}
	return nil
}

func matches(step, name string) bool {
	for {
		option, rest, more := strings.Cut(step, "|")
		if option == name {
			return true
		}
		if !more {
			return false
		}
		step = rest
	}
}

// value is the element's own text without the space around it; "" for nil.
func (n *node) value() string {
	if n == nil {
		return ""
	}
	return strings.TrimSpace(n.text)
}

// attr is an attribute's value by its local name, "" when it is not there.
func (n *node) attr(name string) string {
	if n == nil {
		return ""
	}
	for _, attr := range n.attrs {
		if strings.EqualFold(attr.Name.Local, name) {
			return strings.TrimSpace(attr.Value)
		}
	}
	return ""
}

func (n *node) place() string {
	if n == nil {
		return ""
	}
	return fmt.Sprintf("line %d column %d", n.line, n.column)
}
