package cases

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/store"
)

func insertCase(ctx context.Context, tx bun.IDB, c Case) error {
	if _, err := tx.NewInsert().Model(&c).Exec(ctx); err != nil {
		return fmt.Errorf("open case: %w", err)
	}
	return nil
}

func updateCase(ctx context.Context, tx bun.IDB, c Case) error {
	_, err := tx.NewUpdate().Model(&c).Column("status", "resolution", "resolution_note", "updated_at", "answered_at", "resolved_at").WherePK().Exec(ctx)
	if err != nil {
		return fmt.Errorf("change case: %w", err)
	}
	return nil
}

func lockCase(ctx context.Context, db *store.DB, tx bun.IDB, id string) (Case, error) {
	var c Case
	err := db.ForUpdate(tx.NewSelect().Model(&c).Where("id = ?", id)).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return c, noCase()
	}
	if err != nil {
		return c, fmt.Errorf("lock case: %w", err)
	}
	return c, nil
}

func countCases(ctx context.Context, tx bun.IDB, invoiceID string) (int64, error) {
	return tx.NewSelect().Model((*Case)(nil)).Where("invoice_id = ?", invoiceID).Count(ctx)
}

// selectItems is a case with its names. Who opened it is joined only where the
// account lists that mailbox.
func selectItems(db bun.IDB, items *[]Item) *bun.SelectQuery {
	return db.NewSelect().Model(items).ColumnExpr("k.*").
		ColumnExpr("i.number AS invoice_number, i.external_id AS invoice_external_id, a.name AS account_name, a.external_id AS account_external_id").
		ColumnExpr("v.name AS vendor_name, COALESCE(co.name, '') AS contact_name, COALESCE(co.email, '') AS contact_email").
		ColumnExpr(`COALESCE((SELECT COALESCE(NULLIF(c2.name, ''), c2.email) FROM account_contacts AS ac2 JOIN contacts AS c2 ON c2.id = ac2.contact_id
			WHERE ac2.account_id = k.account_id ORDER BY ac2.position LIMIT 1), '') AS colleague`).
		ColumnExpr("(SELECT count(*) FROM messages AS m WHERE m.case_id = k.id) AS messages").
		ColumnExpr("COALESCE((SELECT m.author_side FROM messages AS m WHERE m.case_id = k.id ORDER BY m.id DESC LIMIT 1), '') AS last_side").
		ColumnExpr("COALESCE((SELECT m.text FROM messages AS m WHERE m.case_id = k.id ORDER BY m.id DESC LIMIT 1), '') AS last_text").
		Join("JOIN invoices AS i ON i.id = k.invoice_id").Join("JOIN accounts AS a ON a.id = k.account_id").Join("JOIN vendors AS v ON v.id = k.vendor_id").
		Join("LEFT JOIN account_contacts AS ac ON ac.account_id = k.account_id AND ac.contact_id = k.contact_id").
		Join("LEFT JOIN contacts AS co ON co.id = ac.contact_id")
}

func named(items []Item) []Item {
	for i := range items {
		items[i].name()
	}
	return items
}

// scope is the outermost condition of what a customer reads: the account lists
// a contact of that customer, and its vendor is approved.
func scope(query *bun.SelectQuery, viewer billing.Viewer) *bun.SelectQuery {
	query = query.Where("k.account_id IN (SELECT va.account_id FROM account_contacts AS va JOIN contacts AS vc ON vc.id = va.contact_id WHERE vc.customer_id = ?)", viewer.CustomerID).
		Where("EXISTS (SELECT 1 FROM vendors AS vv WHERE vv.id = k.vendor_id AND vv.status = 'approved')")
	if viewer.Only != nil {
		query = query.Where("k.invoice_id IN (?)", bun.List(orNobody(viewer.Only)))
	}
	return query
}

// orNobody keeps "IN ()" from being written: no id at all matches nothing.
func orNobody(ids []string) []string {
	if len(ids) == 0 {
		return []string{"00000000-0000-0000-0000-000000000000"}
	}
	return ids
}

func oneItem(ctx context.Context, query *bun.SelectQuery, items *[]Item) (Item, bool, error) {
	if err := query.Scan(ctx); err != nil {
		return Item{}, false, fmt.Errorf("read case: %w", err)
	}
	if len(*items) == 0 {
		return Item{}, false, nil
	}
	return named(*items)[0], true, nil
}

func seenCase(ctx context.Context, db bun.IDB, viewer billing.Viewer, id string) (Item, bool, error) {
	var items []Item
	return oneItem(ctx, scope(selectItems(db, &items), viewer).Where("k.id = ?", id), &items)
}

func vendorCase(ctx context.Context, db bun.IDB, vendorID, id string) (Item, bool, error) {
	var items []Item
	return oneItem(ctx, selectItems(db, &items).Where("k.vendor_id = ?", vendorID).Where("k.id = ?", id), &items)
}

// itemTx reads a case that the caller may see.
func itemTx(ctx context.Context, tx bun.IDB, id string) (Item, error) {
	var items []Item
	item, found, err := oneItem(ctx, selectItems(tx, &items).Where("k.id = ?", id), &items)
	if err == nil && !found {
		err = noCase()
	}
	return item, err
}

func casesOfInvoice(ctx context.Context, db bun.IDB, viewer billing.Viewer, invoiceID string) ([]Item, error) {
	var items []Item
	err := scope(selectItems(db, &items), viewer).Where("k.invoice_id = ?", invoiceID).Order("k.id").Limit(MostCases).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read cases: %w", err)
	}
	return named(items), nil
}

func listForVendor(ctx context.Context, tx bun.IDB, vendorID string, filter Filter, newest bool, page store.PageRequest) ([]Item, string, error) {
	var items []Item
	query := filter.narrow(selectItems(tx, &items).Where("k.vendor_id = ?", vendorID))
	return pageOf(ctx, query, &items, newest, page)
}

func listForCustomer(ctx context.Context, db bun.IDB, viewer billing.Viewer, filter Filter, page store.PageRequest) ([]Item, string, error) {
	var items []Item
	return pageOf(ctx, filter.narrow(scope(selectItems(db, &items), viewer)), &items, true, page)
}

func (f Filter) narrow(query *bun.SelectQuery) *bun.SelectQuery {
	if f.Status != "" {
		query = query.Where("k.status = ?", f.Status)
	}
	if f.Active {
		query = query.Where("k.status IN (?, ?)", Open, Answered)
	}
	if f.Kind != "" {
		query = query.Where("k.kind = ?", f.Kind)
	}
	if store.ValidID(f.InvoiceID) {
		query = query.Where("k.invoice_id = ?", f.InvoiceID)
	} else if f.InvoiceID != "" {
		query = query.Where("1 = 0")
	}
	if !f.Since.IsZero() {
		query = query.Where("k.updated_at >= ?", f.Since.UTC())
	}
	if f.Search != "" {
		like := "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(strings.ToLower(f.Search)) + "%"
		query = query.Where(`(LOWER(i.number) LIKE ? ESCAPE '\' OR LOWER(i.external_id) LIKE ? ESCAPE '\' OR LOWER(a.name) LIKE ? ESCAPE '\')`, like, like, like)
	}
	return query
}

func pageOf(ctx context.Context, query *bun.SelectQuery, items *[]Item, newest bool, page store.PageRequest) ([]Item, string, error) {
	direction, beyond := "ASC", ">"
	if newest {
		direction, beyond = "DESC", "<"
	}
	query = query.OrderExpr("k.updated_at " + direction + ", k.id " + direction).Limit(page.Fetch())
	if page.Cursor != "" {
		at, id, err := store.DecodeCursor(page.Cursor)
		if err != nil {
			return nil, "", err
		}
		query = query.Where("(k.updated_at, k.id) "+beyond+" (?, ?)", at, id)
	}
	if err := query.Scan(ctx); err != nil {
		return nil, "", fmt.Errorf("list cases: %w", err)
	}
	list, next := store.CutPage(named(*items), page, func(i Item) (time.Time, string) { return i.UpdatedAt, i.ID })
	return list, next, nil
}

func countOpen(ctx context.Context, tx bun.IDB, vendorID string) (int64, error) {
	return tx.NewSelect().Model((*Case)(nil)).Where("vendor_id = ?", vendorID).Where("status = ?", Open).Count(ctx)
}

func countAnswered(ctx context.Context, db bun.IDB, viewer billing.Viewer) (int64, error) {
	return scope(db.NewSelect().Model((*Case)(nil)), viewer).Where("k.status = ?", Answered).Count(ctx)
}

// duePromises are promises whose day is over and whose invoice has nothing on
// its way; no row is locked yet.
func duePromises(ctx context.Context, tx bun.IDB, today money.Date, limit int) ([]Item, error) {
	var items []Item
	err := selectItems(tx, &items).Where("k.kind = ?", Promised).Where("k.status IN (?, ?)", Open, Answered).
		Where("k.promised_on < ?", string(today)).Where("(i.status <> ? OR i.open > i.held)", billing.Open).
		Order("k.promised_on", "k.id").Limit(int64(limit)).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read due promises: %w", err)
	}
	return named(items), nil
}

// duePlans are agreed plans whose hold is about to end while instalments are to come.
func duePlans(ctx context.Context, tx bun.IDB, today money.Date, limit int) ([]Item, error) {
	var items []Item
	err := selectItems(tx, &items).Where("k.kind = ?", Planned).Where("k.resolution = ?", "agreed").Where("k.promised_on >= ?", string(today)).
		Where("EXISTS (SELECT 1 FROM holds AS h WHERE h.case_id = k.id AND h.lifted_at IS NULL AND h.ends_on <= ?)", string(today.AddDays(1))).
		Order("k.id").Limit(int64(limit)).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read due plans: %w", err)
	}
	return named(items), nil
}
