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

const reportPrefix = "report/"

// document is the printed invoice, which Tryton keeps from the day of its posting: as
// PDF where its report is set so and the server has LibreOffice, else as the open
// document that its template is. Which of them it is, Tryton says.
func (r invoiceRow) document() connectors.Document {
	format := text(r.ReportFormat)
	return connectors.Document{Name: paperName(r.Number, format), ContentType: contentType(format), Ref: reportPrefix + strconv.FormatInt(r.ID, 10)}
}

func paperName(number, format string) string {
	name := strings.NewReplacer("/", "-", "\\", "-").Replace(number)
	if format == "" {
		return name
	}
	return name + "." + format
}

// contentType is that of a format of Tryton's reports (trytond/ir/action.py).
func contentType(format string) string {
	switch format {
	case "pdf":
		return "application/pdf"
	case "odt":
		return "application/vnd.oasis.opendocument.text"
	case "ods":
		return "application/vnd.oasis.opendocument.spreadsheet"
	case "docx":
		return "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
	case "html":
		return "text/html"
	case "txt":
		return "text/plain"
	}
	return "application/octet-stream"
}

// Fetch prints an invoice, or gives what was printed when it was posted. It gives
// nothing but customers' posted invoices, whatever else the user may read.
func (c *Client) Fetch(ctx context.Context, ref string) (connectors.Document, error) {
	number, ours := strings.CutPrefix(ref, reportPrefix)
	id, err := strconv.ParseInt(number, 10, 64)
	if !ours || err != nil || id <= 0 {
		return connectors.Document{}, fmt.Errorf("%w: no such paper", connectors.ErrGone)
	}
	rows, err := c.invoices(ctx, append(customers(), term("id", "=", id)), 1)
	if err != nil {
		return connectors.Document{}, err
	}
	if len(rows) == 0 {
		return connectors.Document{}, fmt.Errorf("%w: invoice %d", connectors.ErrGone, id)
	}
	var printed []json.RawMessage // format, content, whether to print it at once, name
	_, err = c.call(ctx, false, &printed, "report.account.invoice.execute", nil, []int64{id}, map[string]any{"model": "account.invoice", "id": id, "ids": []int64{id}})
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
	raw, err := base64.StdEncoding.DecodeString(content.Base64) // line breaks in it are passed over
	if err != nil || len(raw) == 0 {
		return connectors.Document{}, fmt.Errorf("%w: Tryton prints nothing", connectors.ErrUnreachable)
	}
	return connectors.Document{Name: paperName(rows[0].Number, format), ContentType: contentType(format), Content: raw, Held: connectors.HoldReason(raw)}, nil
}
