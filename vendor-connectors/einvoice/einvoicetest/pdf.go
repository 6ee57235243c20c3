package einvoicetest

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"strings"
)

// PDF writes a readable page with the given lines (the first one large) that
// carries xml as the embedded file name. With an empty name it carries none.
// The same input gives the same bytes.
func PDF(xml []byte, name string, lines []string) []byte {
	w := &pdfWriter{}
	w.raw("%PDF-1.7\n%\xE2\xE3\xCF\xD3\n")
	catalog := "<< /Type /Catalog /Pages 2 0 R"
	if name != "" {
		catalog += fmt.Sprintf(" /Names << /EmbeddedFiles << /Names [(%s) 6 0 R] >> >> /AF [6 0 R] /PageMode /UseAttachments", pdfText(name))
	}
	w.object(catalog+" >>", nil)
	w.object("<< /Type /Pages /Kids [3 0 R] /Count 1 >>", nil)
	w.object("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>", nil)
	w.object("", page(lines))
	w.object("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>", nil)
	if name != "" {
		w.object(fmt.Sprintf("<< /Type /Filespec /F (%s) /UF (%s) /AFRelationship /Alternative /Desc (Electronic invoice) /EF << /F 7 0 R /UF 7 0 R >> >>",
			pdfText(name), pdfText(name)), nil)
		w.object("/Type /EmbeddedFile /Subtype /text#2Fxml", xml)
	}
	return w.finish()
}

// page is the content stream of one A4 page; lines beyond it are left out.
func page(lines []string) []byte {
	var content bytes.Buffer
	content.WriteString("BT\n/F1 18 Tf\n56 770 Td\n")
	for i, line := range lines[:min(len(lines), 45)] {
		if i == 1 {
			content.WriteString("/F1 11 Tf\n0 -28 Td\n")
		} else if i > 1 {
			content.WriteString("0 -16 Td\n")
		}
		fmt.Fprintf(&content, "(%s) Tj\n", pdfText(line))
	}
	content.WriteString("ET\n")
	return content.Bytes()
}

// pdfText escapes a string for WinAnsi; what it does not have becomes "?".
func pdfText(text string) string {
	var out strings.Builder
	for _, r := range text {
		switch {
		case r == '(' || r == ')' || r == '\\':
			out.WriteString(`\` + string(r))
		case r == '€':
			out.WriteString(`\200`)
		case r >= 0x20 && r < 0x7F:
			out.WriteRune(r)
		case r >= 0xA0 && r <= 0xFF:
			fmt.Fprintf(&out, `\%03o`, r)
		default:
			out.WriteByte('?')
		}
	}
	return out.String()
}

// pdfWriter numbers objects in the order in which they are written.
type pdfWriter struct {
	buffer  bytes.Buffer
	offsets []int
}

func (w *pdfWriter) raw(text string) { w.buffer.WriteString(text) }

// object writes one object; with a body it is a compressed stream, and entries
// go into its dictionary.
func (w *pdfWriter) object(entries string, body []byte) {
	w.offsets = append(w.offsets, w.buffer.Len())
	fmt.Fprintf(&w.buffer, "%d 0 obj\n", len(w.offsets))
	if body == nil {
		w.raw(entries + "\nendobj\n")
		return
	}
	var packed bytes.Buffer
	zip := zlib.NewWriter(&packed)
	zip.Write(body) // a bytes.Buffer takes everything
	zip.Close()
	fmt.Fprintf(&w.buffer, "<< %s /Filter /FlateDecode /Length %d /Params << /Size %d >> >>\nstream\n", entries, packed.Len(), len(body))
	w.buffer.Write(packed.Bytes())
	w.raw("\nendstream\nendobj\n")
}

func (w *pdfWriter) finish() []byte {
	start := w.buffer.Len()
	fmt.Fprintf(&w.buffer, "xref\n0 %d\n0000000000 65535 f \n", len(w.offsets)+1)
	for _, offset := range w.offsets {
		fmt.Fprintf(&w.buffer, "%010d 00000 n \n", offset)
	}
	fmt.Fprintf(&w.buffer, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(w.offsets)+1, start)
	return w.buffer.Bytes()
}
