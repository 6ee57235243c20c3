package odoo

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

const (
	pdfType  = "application/pdf"
	pdfField = "invoice_pdf_report_file" // where Odoo keeps the PDF that it sent
)

// Fetch is connectors.Connector.Fetch. It gives nothing but PDFs of invoices,
// whatever else the key may read.
func (c *Client) Fetch(ctx context.Context, ref string) (connectors.Document, error) {
	id, err := strconv.ParseInt(ref, 10, 64)
	if err != nil {
		return connectors.Document{}, fmt.Errorf("%w: no such paper", connectors.ErrGone)
	}
	condition := domain{term("id", "=", id), term("res_model", "=", "account.move"), term("res_field", "=", pdfField)}
	document, err := c.fetch(ctx, condition, "datas")
	if err != nil && (errors.Is(err, connectors.ErrRefused) || errors.Is(err, connectors.ErrUnreachable)) && ctx.Err() == nil {
		if later, laterErr := c.fetch(ctx, condition, "raw"); laterErr == nil { // its name from 19.3 on
			return later, nil
		}
	}
	return document, err
}

func (c *Client) fetch(ctx context.Context, condition domain, field string) (connectors.Document, error) {
	var found []map[string]json.RawMessage
	if _, err := c.search(ctx, "ir.attachment", condition, []string{"name", field}, "id", 1, &found); err != nil {
		return connectors.Document{}, err
	}
	if len(found) == 0 {
		return connectors.Document{}, fmt.Errorf("%w: Odoo does not have this paper (any more)", connectors.ErrGone)
	}
	var name, encoded text
	if err := json.Unmarshal(found[0]["name"], &name); err != nil {
		return connectors.Document{}, fmt.Errorf("%w: Odoo gives a paper that cannot be read: %w", connectors.ErrUnreachable, err)
	}
	if err := json.Unmarshal(found[0][field], &encoded); err != nil { // from 20 on it comes with its name and size
		var file struct {
			Content text `json:"content"`
		}
		if err := json.Unmarshal(found[0][field], &file); err != nil {
			return connectors.Document{}, fmt.Errorf("%w: Odoo gives a paper that cannot be read: %w", connectors.ErrUnreachable, err)
		}
		encoded = file.Content
	}
	content, err := base64.StdEncoding.DecodeString(string(encoded))
	if err != nil || !bytes.HasPrefix(content, []byte("%PDF-")) {
		return connectors.Document{}, fmt.Errorf("%w: Odoo gives something that is not a PDF", connectors.ErrUnreachable)
	}
	return connectors.Document{Name: string(name), ContentType: pdfType, Content: content, Held: connectors.HoldReason(content)}, nil
}
