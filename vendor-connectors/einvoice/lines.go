package einvoice

import (
	"strings"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

// lineReader reads invoice lines while the file streams by, so that an invoice
// of a hundred thousand lines needs no more memory than a short one.
type lineReader struct {
	limits      Limits
	lines       []connectors.Line
	attachments []attachment
	cut         bool // there were more lines than are kept
}

// reduce takes a finished element; true means that its children are not needed
// any more.
func (r *lineReader) reduce(n *node) bool {
	if !family(n.space) {
		return false
	}
	var line connectors.Line
	switch n.name {
	case "InvoiceLine", "CreditNoteLine":
		line = ublLine(n)
	case "IncludedSupplyChainTradeLineItem":
		line = ciiLine(n)
	default:
		return false
	}
	r.attachments = append(r.attachments, embedded(n)...)
	if len(r.lines) < r.limits.Lines {
		r.lines = append(r.lines, line)
	} else {
		r.cut = true
	}
	return true
}

// embedded finds the binary objects below an element that are papers of the
// invoice: those inside a document reference, not a signature's.
func embedded(n *node) []attachment {
	var found []attachment
	if strings.HasSuffix(n.name, "DocumentReference") || strings.HasSuffix(n.name, "ReferencedDocument") {
		for _, object := range n.all("Attachment", "EmbeddedDocumentBinaryObject") {
			found = append(found, attachment{at: object, name: firstOf(n.first("ID"))})
		}
		for _, object := range n.all("AttachmentBinaryObject") {
			found = append(found, attachment{at: object, name: firstOf(n.first("IssuerAssignedID|ID"))})
		}
		return found
	}
	for _, child := range n.children {
		if family(child.space) && child.name != "UBLExtensions" {
			found = append(found, embedded(child)...)
		}
	}
	return found
}

func firstOf(nodes ...*node) *node {
	for _, n := range nodes {
		if n.value() != "" {
			return n
		}
	}
	return nil
}

func isMailScheme(scheme string) bool {
	return strings.EqualFold(scheme, "EM") || strings.EqualFold(scheme, "SMTP") || strings.EqualFold(scheme, "mailto")
}
