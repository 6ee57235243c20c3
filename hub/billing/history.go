package billing

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/store"
)

// History is one thing that happened to an invoice, for both sides to read.
type History struct {
	bun.BaseModel `bun:"table:invoice_history,alias:ih"`
	ID            string    `bun:"id,pk"`
	CustomerID    string    `bun:"customer_id"`
	VendorID      string    `bun:"vendor_id"`
	InvoiceID     string    `bun:"invoice_id"`
	At            time.Time `bun:"at"`
	Kind          string    `bun:"kind"`
	Text          string    `bun:"text"`
}

func newHistory(invoice Invoice, kind, text string, now time.Time) History {
	return History{ID: store.NewID(), CustomerID: invoice.CustomerID, VendorID: invoice.VendorID, InvoiceID: invoice.ID, At: now, Kind: kind, Text: text}
}

// Note is a line to add to an invoice's history.
type Note struct {
	Invoice Invoice
	Kind    string
	Text    string
}

// NoteTx adds lines to histories, inside the change that they tell of. The text
// names nobody but the invoice's own vendor and customer.
func (s *Service) NoteTx(ctx context.Context, tx bun.IDB, notes ...Note) error {
	now := s.Now().UTC()
	rows := make([]History, len(notes))
	for i, note := range notes {
		rows[i] = newHistory(note.Invoice, note.Kind, note.Text, now)
	}
	return insertHistory(ctx, s.DB, tx, rows)
}

// HistoryOf is what happened to an invoice, newest first.
func (s *Service) HistoryOf(ctx context.Context, invoice Invoice, page store.PageRequest) ([]History, string, error) {
	return historyOf(ctx, s.DB, invoice.ID, page)
}
