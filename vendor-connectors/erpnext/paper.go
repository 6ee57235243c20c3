package erpnext

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/rest"
)

const pdfType = "application/pdf"

// Fetch is connectors.Connector.Fetch: the sales invoice in its default print format.
func (c *Client) Fetch(ctx context.Context, ref string) (connectors.Document, error) {
	if ref == "" {
		return connectors.Document{}, fmt.Errorf("%w: no such paper", connectors.ErrGone)
	}
	answer, err := c.api.Do(ctx, rest.Call{Path: "/method/frappe.utils.print_format.download_pdf", Query: url.Values{"doctype": {invoiceType}, "name": {ref}, "no_letterhead": {"0"}},
		Header: http.Header{"Accept": {"*/*"}}})
	if err != nil {
		return connectors.Document{}, err
	}
	if !bytes.HasPrefix(answer.Body, []byte("%PDF-")) {
		return connectors.Document{}, fmt.Errorf("%w: %w", connectors.ErrUnreachable, errNoPDF)
	}
	return connectors.Document{Name: strings.ReplaceAll(ref, "/", "-") + ".pdf", ContentType: pdfType, Content: answer.Body, Held: connectors.HoldReason(answer.Body)}, nil
}
