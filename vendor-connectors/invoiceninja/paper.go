package invoiceninja

import (
	"bytes"
	"context"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strings"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/rest"
)

const pdfType = "application/pdf"

// typeOf is what a name's ending says of its content.
func typeOf(name string) string {
	if kind := mime.TypeByExtension(path.Ext(name)); kind != "" {
		return kind
	}
	return "application/octet-stream"
}

// Fetch is connectors.Connector.Fetch.
func (c *Client) Fetch(ctx context.Context, ref string) (connectors.Document, error) {
	kind, id, _ := strings.Cut(ref, "/")
	call := rest.Call{Path: "/" + kind + "/" + url.PathEscape(id) + "/download", Header: http.Header{"Accept": {"*/*"}}}
	switch {
	case id == "" || strings.Contains(id, "/"):
		return connectors.Document{}, fmt.Errorf("%w: no such paper", connectors.ErrGone)
	case kind == "document":
		call.Path = "/documents/" + url.PathEscape(id) + "/download"
	case kind != "invoice" && kind != "credit":
		return connectors.Document{}, fmt.Errorf("%w: no such paper", connectors.ErrGone)
	}
	answer, err := c.api.Do(ctx, call)
	if err != nil {
		return connectors.Document{}, err
	}
	document := connectors.Document{Name: kind + ".pdf", ContentType: pdfType, Content: answer.Body, Held: connectors.HoldReason(answer.Body)}
	if _, parameters, err := mime.ParseMediaType(answer.Header.Get("Content-Disposition")); err == nil && parameters["filename"] != "" {
		document.Name = path.Base(parameters["filename"])
	}
	if kind == "document" {
		document.ContentType = typeOf(document.Name)
	} else if !bytes.HasPrefix(answer.Body, []byte("%PDF-")) {
		return connectors.Document{}, fmt.Errorf("%w: Invoice Ninja gives something that is not a PDF", connectors.ErrUnreachable)
	}
	return document, nil
}
