package billing

import (
	"context"

	"github.com/sheaf-hub/sheaf/hub/store"
)

// InvoiceDocuments lists the papers of several invoices without their content,
// by invoice id: for a list of invoices that the caller may show. What is held
// back is left out; beyond store.MaxPage papers, those of the last invoices are
// missing, and stand on the invoices' own pages.
func (s *Service) InvoiceDocuments(ctx context.Context, items []Item) (map[string][]Document, error) {
	var ids []string
	papers := 0
	for _, item := range items {
		if item.Documents > 0 && papers+item.Documents <= store.MaxPage {
			ids = append(ids, item.ID)
			papers += item.Documents
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	list, err := documentsOf(ctx, s.DB, "invoice_id", ids)
	byInvoice := make(map[string][]Document, len(ids))
	for _, document := range list {
		if document.Held == "" {
			byInvoice[document.InvoiceID] = append(byInvoice[document.InvoiceID], document)
		}
	}
	return byInvoice, err
}
