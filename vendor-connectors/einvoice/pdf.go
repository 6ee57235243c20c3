package einvoice

import (
	"errors"
	"fmt"
	"path"
	"strings"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/einvoice/pdf"
)

// invoiceNames are what the standards call the XML inside a PDF, best first.
var invoiceNames = []string{"factur-x.xml", "zugferd-invoice.xml", "xrechnung.xml"}

// readPDF reads the invoice that a PDF carries. The PDF itself becomes the
// first document, and its other embedded files become documents too.
func readPDF(file string, data []byte, limits Limits) (Result, error) {
	if len(data) > limits.PDFBytes {
		return Result{}, &FileError{File: file, Message: fmt.Sprintf("the PDF has %d bytes, more than the %d that are accepted", len(data), limits.PDFBytes)}
	}
	files, err := pdf.Files(data, pdf.Limits{File: limits.XMLBytes, Files: limits.Attachments})
	if err != nil {
		return Result{}, &FileError{File: file, Message: err.Error(), cause: pdfCause(err)}
	}
	var first error
	for _, at := range byPreference(files) {
		result, err := readXML(baseName(files[at].Name), files[at].Content, limits)
		if err == nil {
			return withPapers(result, file, data, files, at, limits), nil
		}
		if first == nil || (errors.Is(first, ErrUnknownSyntax) && !errors.Is(err, ErrUnknownSyntax)) {
			first = err
		}
	}
	if first != nil {
		return Result{}, &FileError{File: file, Message: "inside the PDF, " + first.Error(), cause: errors.Unwrap(first)}
	}
	return Result{}, &FileError{File: file, cause: ErrUnknownSyntax, Message: nothingInside(files)}
}

func pdfCause(err error) error {
	if errors.Is(err, pdf.ErrNotPDF) {
		return ErrUnknownSyntax
	}
	return err
}

func nothingInside(files []pdf.File) string {
	if len(files) == 0 {
		return "the PDF carries no e-invoice: no file is embedded in it"
	}
	var names []string
	for _, found := range files[:min(len(files), 5)] {
		label := baseName(found.Name)
		if found.Err != nil {
			label += " (" + found.Err.Error() + ")"
		}
		names = append(names, label)
	}
	return fmt.Sprintf("the PDF carries no e-invoice; embedded are: %s", strings.Join(names, ", "))
}

// byPreference lists the embedded files that may be the invoice.
func byPreference(files []pdf.File) []int {
	var order, others []int
	for _, wanted := range invoiceNames {
		for i, found := range files {
			if strings.EqualFold(baseName(found.Name), wanted) && usableXML(found) {
				order = append(order, i)
			}
		}
	}
	taken := map[int]bool{}
	for _, i := range order {
		taken[i] = true
	}
	for i, found := range files {
		if taken[i] || !usableXML(found) {
			continue
		}
		if strings.EqualFold(path.Ext(found.Name), ".xml") {
			order = append(order, i)
		} else {
			others = append(others, i)
		}
	}
	return append(order, others...)
}

func usableXML(file pdf.File) bool { return file.Err == nil && looksLikeXML(file.Content) }

func withPapers(result Result, file string, data []byte, files []pdf.File, invoice int, limits Limits) Result {
	result.Source = result.File
	result.File = file
	papers := []connectors.Document{{Name: file, ContentType: "application/pdf", Content: data, Held: held(data)}}
	for i, found := range files {
		if i == invoice || len(papers) >= limits.Attachments {
			continue
		}
		paper := connectors.Document{Name: baseName(found.Name), ContentType: contentType(found.ContentType), Content: found.Content}
		switch {
		case found.Err != nil:
			paper.Held = found.Err.Error()
		case len(found.Content) > limits.Attachment:
			paper.Content, paper.Held = nil, fmt.Sprintf("larger than %d bytes", limits.Attachment)
		default:
			paper.Held = held(found.Content)
		}
		papers = append(papers, paper)
	}
	for i, paper := range papers {
		if paper.Held != "" {
			result.Problems = append(result.Problems, connectors.Problem{Field: fmt.Sprintf("/documents/%d", i), Message: paper.Name + " is held back: " + paper.Held})
		}
	}
	result.Documents = append(papers, result.Documents...)
	if result.Invoice != nil {
		result.Invoice.Documents = result.Documents
	}
	if result.Credit != nil {
		result.Credit.Documents = result.Documents
	}
	return result
}
