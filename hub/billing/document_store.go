package billing

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/store"
)

// insertDocuments adds papers; the same content under the same name is there once.
func insertDocuments(ctx context.Context, tx bun.IDB, documents []Document) error {
	for len(documents) > 0 { // in small pieces: one may be ten megabytes
		n, bytes := 0, 0
		for n < len(documents) && (n == 0 || bytes+documents[n].Bytes < MostDocumentBytes) {
			bytes += documents[n].Bytes
			n++
		}
		piece := documents[:n]
		if _, err := tx.NewInsert().Model(&piece).On("CONFLICT DO NOTHING").Exec(ctx); err != nil {
			return fmt.Errorf("add documents: %w", err)
		}
		documents = documents[n:]
	}
	return nil
}

// keepContent fills a paper that was fetched.
func keepContent(ctx context.Context, db bun.IDB, document Document) error {
	_, err := db.NewUpdate().Model(&document).Column("content", "bytes", "content_type", "held").WherePK().Exec(ctx)
	if err != nil {
		return fmt.Errorf("keep a document: %w", err)
	}
	return nil
}

func documentsOf(ctx context.Context, db bun.IDB, column string, ids []string) ([]Document, error) {
	var list []Document
	err := db.NewSelect().Model(&list).ExcludeColumn("content").Where("? IN (?)", bun.Ident(column), bun.List(orNobody(ids))).
		Order("id").Limit(store.MaxPage).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read documents: %w", err)
	}
	return list, nil
}

func seenDocument(ctx context.Context, db bun.IDB, viewer Viewer, id string) (Document, bool, error) {
	var list []Document
	query := db.NewSelect().Model(&list).ColumnExpr("d.*").
		Join("LEFT JOIN cases AS k ON k.id = d.case_id").
		Join("JOIN invoices AS i ON i.id = COALESCE(d.invoice_id, k.invoice_id)").Where("d.id = ?", id)
	if err := viewer.invoices(query).Scan(ctx); err != nil {
		return Document{}, false, fmt.Errorf("read document: %w", err)
	}
	if len(list) == 0 {
		return seenCreditDocument(ctx, db, viewer, id)
	}
	return list[0], true, nil
}

func seenCreditDocument(ctx context.Context, db bun.IDB, viewer Viewer, id string) (Document, bool, error) {
	if viewer.Only != nil {
		return Document{}, false, nil
	}
	var list []Document
	query := db.NewSelect().Model(&list).ColumnExpr("d.*").Join("JOIN credits AS c ON c.id = d.credit_id").Where("d.id = ?", id)
	if err := viewer.scope(query, "c.account_id").Scan(ctx); err != nil {
		return Document{}, false, fmt.Errorf("read document: %w", err)
	}
	if len(list) == 0 {
		return Document{}, false, nil
	}
	return list[0], true, nil
}

func vendorDocument(ctx context.Context, tx bun.IDB, vendorID, id string) (Document, bool, error) {
	var list []Document
	if err := tx.NewSelect().Model(&list).Where("vendor_id = ?", vendorID).Where("id = ?", id).Scan(ctx); err != nil {
		return Document{}, false, fmt.Errorf("read document: %w", err)
	}
	if len(list) == 0 {
		return Document{}, false, nil
	}
	return list[0], true, nil
}
