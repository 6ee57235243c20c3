// Package einvoicetest writes electronic invoices, for tests and for the files
// that the demo carries: the same invoice as UBL, as CII and inside a PDF.
package einvoicetest

import (
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"strings"
)

// Invoice is what the writers write. Amounts and dates are text and are written
// as they stand, so that tests can write wrong ones too.
type Invoice struct {
	Number     string
	TypeCode   string // "380" when empty
	CreditNote bool   // UBL: write a CreditNote; CII: type code 381
	IssuedOn   string // 2026-11-01
	DueOn      string // may be empty
	Terms      string
	Currency   string
	Net        string // without tax
	Tax        string
	Total      string // with tax
	Payable    string
	Order      string // the buyer's purchase order
	Note       string
	Seller     Party
	Buyer      Party
	Lines      []Line
	Files      []File
}

// Party is a seller or buyer.
type Party struct {
	Name    string
	ID      string // the id that the seller knows it by
	VAT     string
	Email   string // of the contact
	Mailbox string // the electronic address, scheme EM
	Contact string
	Phone   string
	Street  string
	City    string
	Zip     string
	Country string // "DE"
}

// Line is one line of an invoice.
type Line struct {
	Name, Quantity, Unit, Price, Amount string
}

// File is an attachment.
type File struct {
	Name, ContentType string
	Content           []byte
}

// out gathers XML text.
type out struct{ strings.Builder }

// tag writes an element with escaped text; nothing when the text is empty.
// open may carry attributes: `cbc:ID schemeID="EM"`.
func (o *out) tag(open, text string) {
	if text == "" {
		return
	}
	element, _, _ := strings.Cut(open, " ")
	fmt.Fprintf(o, "<%s>%s</%s>\n", open, escape(text), element)
}

// wrap writes an element around others; nothing when there are none inside.
func (o *out) wrap(element string, inside func(*out)) {
	var body out
	inside(&body)
	if body.Len() == 0 {
		return
	}
	fmt.Fprintf(o, "<%s>\n%s</%s>\n", element, body.String(), element)
}

func escape(text string) string {
	var escaped strings.Builder
	if err := xml.EscapeText(&escaped, []byte(text)); err != nil {
		return ""
	}
	return strings.ReplaceAll(escaped.String(), "&#xA;", "\n")
}

func encode(content []byte) string { return base64.StdEncoding.EncodeToString(content) }

func or(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}
