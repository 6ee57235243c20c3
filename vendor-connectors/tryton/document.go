package tryton

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

// document is the printed invoice, which Tryton makes when it is asked for.
func (r invoiceRow) document() connectors.Document {
	return connectors.Document{Name: r.Number + ".pdf", ContentType: "application/pdf", Ref: "report/" + strconv.FormatInt(r.ID, 10)}
}

var contentTypes = map[string]string{"pdf": "application/pdf", "odt": "application/vnd.oasis.opendocument.text", "html": "text/html", "txt": "text/plain"}

// Fetch prints an invoice: as PDF where the server can convert, else as the
// document that its template is.
func (c *Client) Fetch(ctx context.Context, ref string) (connectors.Document, error) {
	id, err := strconv.ParseInt(strings.TrimPrefix(ref, "report/"), 10, 64)
	if err != nil || id <= 0 {
		return connectors.Document{}, fmt.Errorf("%w: %q", connectors.ErrGone, ref)
	}
	var rows []struct {
		Number string `json:"number"`
	}
	if err := c.search(ctx, "account.invoice", append(customers(), []any{"id", "=", id}), page{limit: 1}, []string{"number"}, &rows); err != nil {
		return connectors.Document{}, err
	}
	if len(rows) == 0 {
		return connectors.Document{}, fmt.Errorf("%w: invoice %d", connectors.ErrGone, id)
	}
	var printed []json.RawMessage // format, content, print directly, name
	err = c.call(ctx, false, &printed, "report.account.invoice.execute", []int64{id}, map[string]any{"model": "account.invoice", "id": id, "ids": []int64{id}}, map[string]any{})
	if err != nil {
		return connectors.Document{}, err
	}
	var format string
	var content struct {
		Base64 string `json:"base64"`
	}
	if len(printed) < 2 || json.Unmarshal(printed[0], &format) != nil || json.Unmarshal(printed[1], &content) != nil {
		return connectors.Document{}, fmt.Errorf("%w: Tryton does not print this invoice", connectors.ErrUnreachable)
	}
	raw, err := base64.StdEncoding.DecodeString(content.Base64)
	if err != nil || len(raw) == 0 {
		return connectors.Document{}, fmt.Errorf("%w: Tryton prints nothing", connectors.ErrUnreachable)
	}
	return connectors.Document{Name: rows[0].Number + "." + format, ContentType: contentTypes[format], Content: raw}, nil
}
