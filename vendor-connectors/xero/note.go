package xero

import (
	"context"
	"fmt"
	"strings"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/rest"
)

// mostNote is how much a history record of Xero holds, in characters.
const mostNote = 2500

type historyRecord struct {
	Details string
}

// RecordNote writes what a customer said into the history of the invoice, with our
// reference at its end, by which it is found again.
func (c *Client) RecordNote(ctx context.Context, note connectors.Note) error {
	if !isID(note.Invoice) || note.Reference == "" || len(note.Reference) > mostReference {
		return refused("a note needs an invoice of Xero and a reference of at most %d bytes", mostReference)
	}
	mark := " [" + note.Reference + "]"
	path := "/Invoices/" + note.Invoice
	records, err := c.history(ctx, path)
	if err != nil {
		return err
	}
	for _, record := range records {
		if strings.HasSuffix(strings.TrimSpace(record.Details), strings.TrimSpace(mark)) {
			return nil
		}
	}
	text := note.At.UTC().Format("2006-01-02 15:04 UTC: ") + strings.TrimSpace(note.Text)
	return c.addHistory(ctx, path, note.Reference, clip(text, mostNote-len(mark))+mark)
}

func (c *Client) history(ctx context.Context, path string) ([]historyRecord, error) {
	var answer struct{ HistoryRecords []historyRecord }
	if err := c.read(ctx, rest.Call{Path: accounting + path + "/History"}, &answer); err != nil {
		return nil, err
	}
	if answer.HistoryRecords == nil {
		return nil, fmt.Errorf("%w: Xero answers something that is not a history", connectors.ErrUnreachable)
	}
	return answer.HistoryRecords, nil
}

func (c *Client) addHistory(ctx context.Context, path, reference, text string) error {
	body := struct{ HistoryRecords []historyRecord }{[]historyRecord{{Details: text}}}
	var answer struct {
		HistoryRecords []struct {
			ValidationErrors []validationError
		}
	}
	if err := c.write(ctx, path+"/History", reference, body, &answer); err != nil {
		return err
	}
	if len(answer.HistoryRecords) == 0 {
		return unclear("note")
	}
	return judged("", answer.HistoryRecords[0].ValidationErrors)
}
