package quickbooks

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/rest"
)

// Kinds of records that have papers, as a Document.Ref names them: "invoice/12/pdf",
// "creditmemo/13/pdf", "invoice/12/file/5000000000000010341".
const (
	refInvoice = "invoice"
	refCredit  = "creditmemo"
	refPDF     = "pdf"
	refFile    = "file"
)

const (
	mostFiles     = 19       // of one invoice, beside its PDF
	mostFileBytes = 25 << 20 // QuickBooks takes 100 MB per upload, and e-mails 25
)

// paper is QuickBooks' own PDF of a record.
func paper(kind, id, number string) connectors.Document {
	return connectors.Document{Name: fileName(number) + ".pdf", ContentType: "application/pdf", Ref: kind + "/" + id + "/" + refPDF}
}

func fileName(text string) string {
	return clip(strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/\:*?"<>|`, r) || r < ' ' {
			return '-'
		}
		return r
	}, text), 150)
}

type wireAttachable struct {
	ID string `json:"Id"`

	FileName, ContentType, TempDownloadURI string

	AttachableRef []struct {
		IncludeOnSend bool
		EntityRef     struct {
			Type  string `json:"type"`
			Value string `json:"value"`
		}
	}
}

// invoices are those that the file is sent with: the others are the vendor's own notes.
func (w wireAttachable) invoices() []string {
	var ids []string
	for _, one := range w.AttachableRef {
		if one.IncludeOnSend && strings.EqualFold(one.EntityRef.Type, txnInvoice) && isID(one.EntityRef.Value) && !slices.Contains(ids, one.EntityRef.Value) {
			ids = append(ids, one.EntityRef.Value)
		}
	}
	return ids
}

func (w wireAttachable) document(content []byte) connectors.Document {
	kind, _, err := mime.ParseMediaType(w.ContentType)
	if err != nil {
		kind = "application/octet-stream"
	}
	return connectors.Document{Name: fileName(path.Base("/" + w.FileName)), ContentType: kind, Content: content}
}

// attached finds the files of open invoices. They are no reason to hold an invoice
// back: when QuickBooks does not take the question, the invoices come without them.
func (p *pulling) attached(ctx context.Context, records []json.RawMessage) (map[string][]connectors.Document, error) {
	var ids []string
	for _, raw := range records {
		var wire struct {
			ID      string `json:"Id"`
			Balance json.Number
		}
		if json.Unmarshal(raw, &wire) == nil && isID(wire.ID) && strings.Trim(wire.Balance.String(), "0.") != "" {
			ids = append(ids, wire.ID)
		}
	}
	files := map[string][]connectors.Document{}
	for part := range slices.Chunk(ids, mostIDs) {
		got, err := p.query(ctx, statement{entity: "Attachable",
			where: []string{equals("AttachableRef.EntityRef.Type", txnInvoice), oneOf("AttachableRef.EntityRef.value", part)}})
		if errors.Is(err, connectors.ErrRefused) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		for _, raw := range got.records {
			var wire wireAttachable
			if json.Unmarshal(raw, &wire) != nil || !isID(wire.ID) || wire.FileName == "" {
				continue // a note without a file, or nothing that can be shown
			}
			for _, id := range wire.invoices() {
				if len(files[id]) < mostFiles {
					document := wire.document(nil)
					document.Ref = strings.Join([]string{refInvoice, id, refFile, wire.ID}, "/")
					files[id] = append(files[id], document)
				}
			}
		}
	}
	return files, nil
}

// Fetch reads QuickBooks' PDF of an invoice or credit memo, or a file that is sent with
// an invoice; no others are meant for the customer.
func (c *Client) Fetch(ctx context.Context, ref string) (connectors.Document, error) {
	parts := strings.Split(ref, "/")
	switch {
	case len(parts) == 3 && (parts[0] == refInvoice || parts[0] == refCredit) && isID(parts[1]) && parts[2] == refPDF:
		return c.fetchPDF(ctx, parts[0], parts[1])
	case len(parts) == 4 && parts[0] == refInvoice && isID(parts[1]) && parts[2] == refFile && isID(parts[3]):
		return c.fetchFile(ctx, parts[1], parts[3])
	}
	return connectors.Document{}, fmt.Errorf("%w: %q names no paper of QuickBooks", connectors.ErrGone, clip(ref, 60))
}

func (c *Client) fetchPDF(ctx context.Context, kind, id string) (connectors.Document, error) {
	answer, err := c.call(ctx, rest.Call{Path: "/" + kind + "/" + id + "/pdf", Header: http.Header{"Accept": {"application/pdf"}}}, nil)
	if err != nil {
		return connectors.Document{}, err
	}
	if !bytes.HasPrefix(answer.Body, []byte("%PDF-")) {
		return connectors.Document{}, unusable("a PDF")
	}
	if len(answer.Body) > mostFileBytes {
		return connectors.Document{}, refused("the PDF is larger than %d bytes", mostFileBytes)
	}
	return connectors.Document{Name: kind + ".pdf", ContentType: "application/pdf", Content: answer.Body, Held: connectors.HoldReason(answer.Body)}, nil
}

// fetchFile asks where the file can be had for the next fifteen minutes, and gets it
// there, without our credentials: it is another server.
func (c *Client) fetchFile(ctx context.Context, invoice, id string) (connectors.Document, error) {
	found, err := c.byID(ctx, "Attachable", []string{id})
	if err != nil {
		return connectors.Document{}, err
	}
	var wire wireAttachable
	if len(found) != 1 || json.Unmarshal(found[0], &wire) != nil || wire.ID != id || !slices.Contains(wire.invoices(), invoice) {
		return connectors.Document{}, fmt.Errorf("%w: the file is not sent with this invoice any more", connectors.ErrGone)
	}
	address, err := url.Parse(wire.TempDownloadURI)
	if err != nil || address.Host == "" || address.Scheme != "https" && address.Scheme != "http" || address.User != nil {
		return connectors.Document{}, unusable("the address of a file")
	}
	elsewhere := rest.Client{HTTP: c.deps.HTTP, Base: address.Scheme + "://" + address.Host, Now: c.deps.Now, MostBody: mostFileBytes, Timeout: c.timeout}
	answer, err := elsewhere.Do(ctx, rest.Call{Path: address.RequestURI(), Header: http.Header{"Accept": {"*/*"}}})
	if errors.Is(err, connectors.ErrCredentials) { // the address has ended; nobody has to sign in again
		return connectors.Document{}, fmt.Errorf("%w: %s does not give the file just now", connectors.ErrUnreachable, address.Host)
	}
	if err != nil {
		return connectors.Document{}, err
	}
	document := wire.document(answer.Body)
	document.Held = connectors.HoldReason(answer.Body)
	return document, nil
}
