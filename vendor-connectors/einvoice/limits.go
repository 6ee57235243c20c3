package einvoice

// Limits bound what one file may cost. The zero value of a field means its
// default.
type Limits struct {
	XMLBytes    int // one XML document, 32 MB by default
	PDFBytes    int // one PDF, 64 MB by default
	Depth       int // nesting of XML elements, 100 by default
	Elements    int // elements of one XML document, 4 million by default
	Attachment  int // one decoded attachment, 24 MB by default
	Attachments int // attachments of one invoice, 200 by default
	Lines       int // invoice lines that are kept for reading, 1000 by default
}

// DefaultLimits are generous for real invoices and small for a machine.
func DefaultLimits() Limits {
	return Limits{
		XMLBytes: 32 << 20, PDFBytes: 64 << 20, Depth: 100, Elements: 4_000_000,
		Attachment: 24 << 20, Attachments: 200, Lines: 1000,
	}
}

func (l Limits) filled() Limits {
	standard := DefaultLimits()
	for _, pair := range []struct{ have, want *int }{
		{&l.XMLBytes, &standard.XMLBytes}, {&l.PDFBytes, &standard.PDFBytes},
		{&l.Depth, &standard.Depth}, {&l.Elements, &standard.Elements},
		{&l.Attachment, &standard.Attachment}, {&l.Attachments, &standard.Attachments},
		{&l.Lines, &standard.Lines},
	} {
		if *pair.have <= 0 {
			*pair.have = *pair.want
		}
	}
	return l
}

// keptElements bounds what of a document is in memory at once; invoice lines
// are read and dropped one by one, so only headers count.
const keptElements = 300_000
