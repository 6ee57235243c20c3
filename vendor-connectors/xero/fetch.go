package xero

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/rest"
)

// Kinds of records that have papers, as a Document.Ref names them:
// "invoice/ID/pdf", "credit/ID/attachments".
const (
	refInvoice = "invoice"
	refCredit  = "credit"
	refPDF     = "pdf"
	refFiles   = "attachments"
)

// Xero takes ten files of 10 MB per record (developer.xero.com, "Attachments").
const (
	mostFiles     = 10
	mostFileBytes = 25 << 20 // of all of a record together
)

// papers are those of one record: Xero's PDF of it, and what was attached. Which
// files there are costs a call per record, so that is asked when somebody looks.
func papers(kind, id, number string, attached bool) []connectors.Document {
	name := strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/\:*?"<>|`, r) || r < ' ' {
			return '-'
		}
		return r
	}, clip(number, 100))
	documents := []connectors.Document{{Name: name + ".pdf", ContentType: "application/pdf", Ref: kind + "/" + id + "/" + refPDF}}
	if attached {
		documents = append(documents, connectors.Document{Name: "Attachments of " + name + ".zip", ContentType: "application/zip", Ref: kind + "/" + id + "/" + refFiles})
	}
	return documents
}

// Fetch reads a PDF, or the attachments that the vendor shows with its online
// invoice: no others are meant for the customer. One comes as it is, several as a
// ZIP archive; ErrGone when there is none.
func (c *Client) Fetch(ctx context.Context, ref string) (connectors.Document, error) {
	parts := strings.Split(ref, "/")
	if len(parts) != 3 || !isID(parts[1]) || parts[0] != refInvoice && parts[0] != refCredit {
		return connectors.Document{}, fmt.Errorf("%w: %q names no paper of Xero", connectors.ErrGone, clip(ref, 60))
	}
	record := "/Invoices/" + parts[1]
	if parts[0] == refCredit {
		record = "/CreditNotes/" + parts[1]
	}
	switch parts[2] {
	case refPDF:
		return c.fetchPDF(ctx, parts[0], record)
	case refFiles:
		return c.fetchFiles(ctx, record)
	}
	return connectors.Document{}, fmt.Errorf("%w: %q names no paper of Xero", connectors.ErrGone, clip(ref, 60))
}

func (c *Client) fetchPDF(ctx context.Context, kind, record string) (connectors.Document, error) {
	answer, err := c.call(ctx, rest.Call{Path: accounting + record, Header: http.Header{"Accept": {"application/pdf"}}}, nil)
	if err != nil {
		return connectors.Document{}, err
	}
	if !bytes.HasPrefix(answer.Body, []byte("%PDF-")) {
		return connectors.Document{}, fmt.Errorf("%w: Xero answers something that is not a PDF", connectors.ErrUnreachable)
	}
	return connectors.Document{Name: kind + ".pdf", ContentType: "application/pdf", Content: answer.Body, Held: connectors.HoldReason(answer.Body)}, nil
}

type attachment struct {
	AttachmentID, FileName, MimeType string

	ContentLength int64
	IncludeOnline bool
}

func (c *Client) fetchFiles(ctx context.Context, record string) (connectors.Document, error) {
	var answer struct{ Attachments []attachment }
	if err := c.read(ctx, rest.Call{Path: accounting + record + "/Attachments"}, &answer); err != nil {
		return connectors.Document{}, err
	}
	if answer.Attachments == nil {
		return connectors.Document{}, fmt.Errorf("%w: Xero answers something that is not a list of attachments", connectors.ErrUnreachable)
	}
	var documents []connectors.Document
	left := int64(mostFileBytes)
	for _, one := range answer.Attachments {
		if !one.IncludeOnline || !isID(one.AttachmentID) || len(documents) == mostFiles || one.ContentLength > left {
			continue
		}
		document, err := c.fetchFile(ctx, record, one)
		if err != nil {
			return connectors.Document{}, err
		}
		if left -= int64(len(document.Content)); left < 0 {
			return connectors.Document{}, fmt.Errorf("%w: the attachments are larger than %d bytes", connectors.ErrRefused, mostFileBytes)
		}
		documents = append(documents, document)
	}
	switch len(documents) {
	case 0:
		return connectors.Document{}, fmt.Errorf("%w: none of its attachments is shown with the online invoice", connectors.ErrGone)
	case 1:
		return documents[0], nil
	}
	return archive(documents)
}

func (c *Client) fetchFile(ctx context.Context, record string, one attachment) (connectors.Document, error) {
	kind, _, err := mime.ParseMediaType(one.MimeType)
	if err != nil {
		kind = "application/octet-stream"
	}
	answer, err := c.call(ctx, rest.Call{Path: accounting + record + "/Attachments/" + one.AttachmentID, Header: http.Header{"Accept": {kind}, "Contenttype": {kind}}}, nil)
	if err != nil {
		return connectors.Document{}, err
	}
	return connectors.Document{Name: clip(path.Base("/"+one.FileName), 200), ContentType: kind, Content: answer.Body, Held: connectors.HoldReason(answer.Body)}, nil
}

// archive packs files, each under a name of its own, and as they are: what speaks
// against showing one of them is then seen in the whole, too.
func archive(documents []connectors.Document) (connectors.Document, error) {
	var packed bytes.Buffer
	files := zip.NewWriter(&packed)
	whole := connectors.Document{Name: "attachments.zip", ContentType: "application/zip"}
	for i, document := range documents {
		file, err := files.CreateHeader(&zip.FileHeader{Name: strconv.Itoa(i+1) + " " + document.Name, Method: zip.Store})
		if err != nil {
			return whole, fmt.Errorf("pack the attachments: %w", err)
		}
		if _, err := io.Copy(file, bytes.NewReader(document.Content)); err != nil {
			return whole, fmt.Errorf("pack the attachments: %w", err)
		}
	}
	if err := files.Close(); err != nil {
		return whole, fmt.Errorf("pack the attachments: %w", err)
	}
	whole.Content = packed.Bytes()
	whole.Held = connectors.HoldReason(whole.Content)
	return whole, nil
}
