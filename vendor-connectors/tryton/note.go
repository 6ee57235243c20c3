package tryton

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

const mostNote = 4000 // bytes

// RecordNote writes what a customer said as a note on the invoice, where Tryton's
// client shows it, with our reference at its end.
func (c *Client) RecordNote(ctx context.Context, note connectors.Note) error {
	invoice, err := idOf(note.Invoice)
	if err = errors.Join(err, soundReference(note.Reference)); err != nil {
		return fmt.Errorf("%w: %w", connectors.ErrRefused, err)
	}
	resource, mark := fmt.Sprintf("account.invoice,%d", invoice), "["+note.Reference+"]"
	notes, err := searchAll[noteRow](ctx, c, query{model: "ir.note", domain: []any{term("resource", "=", resource)}, fields: []string{"message"}})
	if err != nil || slices.ContainsFunc(notes, func(n noteRow) bool { return strings.HasSuffix(strings.TrimSpace(text(n.Message)), mark) }) {
		return err
	}
	said := strings.TrimSpace(note.Text)
	if len(said) > mostNote {
		said = strings.ToValidUTF8(said[:mostNote], "") + "…"
	}
	message := note.At.UTC().Format("2006-01-02 15:04 UTC: ") + said + " " + mark
	_, err = c.call(ctx, true, nil, "model.ir.note.create", nil, []any{map[string]any{"resource": resource, "message": message}})
	return err
}

type noteRow struct {
	ID      int64   `json:"id"`
	Message *string `json:"message"`
}

func (r noteRow) key() int64 { return r.ID }
