// Package einvoice reads one electronic invoice into a neutral record: UBL 2
// Invoice and CreditNote, UN/CEFACT Cross Industry Invoice (also as ZUGFeRD 1),
// and a PDF that carries either (Factur-X, ZUGFeRD).
//
// The payable amount is taken as it is written and never computed again.
// Nothing outside the file is read: external references stay references.
package einvoice

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/sheaf-hub/sheaf/hub/money"
	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

// ErrUnknownSyntax is wrapped by the error for a file that is no e-invoice of
// a syntax that this package knows.
var ErrUnknownSyntax = errors.New("not an e-invoice of a known syntax")

// FileError says where in a file something cannot be read. Line and Column are
// 0 when the place is the file itself.
type FileError struct {
	File         string
	Line, Column int
	Message      string
	cause        error
}

func (e *FileError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.File, e.Message)
	}
	return fmt.Sprintf("%s line %d column %d: %s", e.File, e.Line, e.Column, e.Message)
}

// Unwrap makes errors.Is(err, ErrUnknownSyntax) work.
func (e *FileError) Unwrap() error { return e.cause }

// Kind says what a paper is.
type Kind string

// The two kinds of paper.
const (
	KindInvoice Kind = "invoice"
	KindCredit  Kind = "credit"
)

// Result is what one file says. Exactly one of Invoice and Credit is set when
// the file can be used; neither when something is missing or wrong that
// Problems names. The other fields are filled as far as they could be read.
type Result struct {
	File     string
	Syntax   string // "UBL Invoice", "UBL CreditNote", "CII", "ZUGFeRD 1"
	Source   string // the XML's name inside a PDF; empty for a plain XML file
	TypeCode string // UNTDID 1001 as written: "380", "381", …
	Kind     Kind

	Number   string
	IssuedOn money.Date
	DueOn    money.Date // as written; empty when the file names none
	TermsDue money.Date // what plain terms ("Net 30") make of the issue date, only where DueOn is empty
	Terms    string     // the terms as written, trimmed line by line
	Early    []EarlyPayment
	Currency money.Currency
	Total    money.Amount // with tax, positive for a credit too
	Open     money.Amount // the payable amount as written, positive for a credit too
	Account  connectors.Account

	Documents []connectors.Document
	Invoice   *connectors.Invoice
	Credit    *connectors.Credit
	Problems  []connectors.Problem // what is wrong or missing, and what was understood with care
}

// Usable says whether there is a record to store.
func (r Result) Usable() bool { return r.Invoice != nil || r.Credit != nil }

// Emails are the buyer's addresses as the paper lists them, each once.
func (r Result) Emails() []string {
	emails := make([]string, 0, len(r.Account.Contacts))
	for _, contact := range r.Account.Contacts {
		emails = append(emails, contact.Email)
	}
	return emails
}

// Read reads one file of any known kind; name is used in messages, and for the
// document when the file is a PDF. A file that is not an e-invoice, is broken
// or is too large is a *FileError; anything wrong in the fields of an
// e-invoice stands in the Result's Problems.
func Read(name string, data []byte, limits Limits) (Result, error) {
	limits = limits.filled()
	name = baseName(name)
	switch {
	case len(bytes.TrimSpace(data)) == 0:
		return Result{}, &FileError{File: name, Message: "the file is empty"}
	case isPDF(data):
		return readPDF(name, data, limits)
	case looksLikeXML(data):
		return readXML(name, data, limits)
	}
	return Result{}, &FileError{File: name, cause: ErrUnknownSyntax,
		Message: "this is neither XML nor PDF; an e-invoice is UBL or CII (XML), or a PDF that carries one"}
}

func readXML(name string, data []byte, limits Limits) (Result, error) {
	if len(data) > limits.XMLBytes {
		return Result{}, &FileError{File: name, Message: fmt.Sprintf("the XML has %d bytes, more than the %d that are accepted", len(data), limits.XMLBytes)}
	}
	text, err := toUTF8(name, data)
	if err != nil {
		return Result{}, err
	}
	text = bytes.TrimRight(text, "\x00\x1a \t\r\n") // what some tools pad with
	lines := &lineReader{limits: limits}
	root, err := readTree(name, text, limits, lines.reduce)
	if err != nil {
		return Result{}, err
	}
	paper, err := understand(name, root)
	if err != nil {
		return Result{}, err
	}
	paper.lines, paper.cut = lines.lines, lines.cut
	paper.attachments = append(paper.attachments, lines.attachments...)
	return paper.result(name, limits), nil
}

// understand tells the syntaxes apart by the root element.
func understand(file string, root *node) (*facts, error) {
	invoice := unwrap(root)
	switch {
	case invoice.name == "Invoice" && invoice.space == ublNamespace+"Invoice-2":
		return ublFacts(invoice, "UBL Invoice"), nil
	case invoice.name == "CreditNote" && invoice.space == ublNamespace+"CreditNote-2":
		return ublFacts(invoice, "UBL CreditNote"), nil
	case invoice.name == "CrossIndustryInvoice" && strings.HasPrefix(invoice.space, ciiNamespace):
		return ciiFacts(invoice, "CII"), nil
	case invoice.name == "CrossIndustryDocument" && strings.HasPrefix(invoice.space, zugferd1Namespace),
		invoice.name == "Invoice" && strings.HasPrefix(invoice.space, zugferdRCNamespace):
		return ciiFacts(invoice, "ZUGFeRD 1"), nil
	}
	return nil, &FileError{File: file, Line: root.line, Column: root.column, cause: ErrUnknownSyntax, Message: unknownRoot(root)}
}

func unknownRoot(root *node) string {
	known := "; the known ones are UBL 2 Invoice and CreditNote and UN/CEFACT CrossIndustryInvoice"
	switch root.name {
	case "FatturaElettronica":
		return "this is a FatturaPA file, not an e-invoice of a known syntax" + known
	case "CrossIndustryOrder", "Order", "OrderResponse", "DespatchAdvice", "ApplicationResponse", "Reminder":
		return fmt.Sprintf("this is a %s, not an invoice", root.name)
	case "Invoice", "CreditNote", "CrossIndustryInvoice", "CrossIndustryDocument":
		return fmt.Sprintf("<%s> of the namespace %q is not an e-invoice of a known syntax%s", root.name, clip(root.space), known)
	}
	return fmt.Sprintf("<%s> is not an e-invoice of a known syntax%s", clip(root.name), known)
}

// unwrap looks into the envelope that Peppol sends invoices in.
func unwrap(root *node) *node {
	if root.name != "StandardBusinessDocument" {
		return root
	}
	for _, child := range root.children {
		if child.name != "StandardBusinessDocumentHeader" {
			return child
		}
	}
	return root
}

const (
	ublNamespace      = "urn:oasis:names:specification:ubl:schema:xsd:"
	ciiNamespace      = "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:"
	zugferd1Namespace = "urn:ferd:CrossIndustryDocument:invoice:"

	zugferdRCNamespace = "urn:ferd:invoice:" // the release candidate of ZUGFeRD 1
)

// family says whether a namespace is one that invoices are made of.
func family(space string) bool {
	return strings.HasPrefix(space, ublNamespace) || strings.HasPrefix(space, "urn:un:unece:uncefact:") ||
		strings.HasPrefix(space, "urn:ferd:")
}

func isPDF(data []byte) bool {
	return bytes.Contains(data[:min(len(data), 1024)], []byte("%PDF-"))
}

func looksLikeXML(data []byte) bool {
	head := data[:min(len(data), 1024)]
	for _, mark := range []string{"\xEF\xBB\xBF", "\xFF\xFE", "\xFE\xFF"} {
		head = bytes.TrimPrefix(head, []byte(mark))
	}
	head = bytes.TrimLeft(head, "\x00 \t\r\n")
	return len(head) > 0 && head[0] == '<'
}

// baseName keeps the last part of a name and nothing that a header, a path or
// a screen could stumble over.
func baseName(name string) string {
	name = path.Base(strings.ReplaceAll(name, "\\", "/"))
	name = strings.Map(printable, name)
	if name = strings.TrimSpace(name); name == "" || name == "." || name == "/" || name == ".." {
		return "file"
	}
	if runes := []rune(name); len(runes) > 150 {
		name = string(runes[:120]) + "…" + path.Ext(string(runes[len(runes)-20:]))
	}
	return name
}
