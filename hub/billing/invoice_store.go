package billing

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// selectItems is an invoice with its account's name and how many papers it has.
func selectItems(db bun.IDB, items *[]Item) *bun.SelectQuery {
	return db.NewSelect().Model(items).ColumnExpr("i.*").
		ColumnExpr("a.name AS account_name, a.external_id AS account_external_id").
		ColumnExpr("(SELECT count(*) FROM documents AS d WHERE d.invoice_id = i.id) AS documents").
		Join("JOIN accounts AS a ON a.id = i.account_id")
}

// scope is the outermost condition of everything a customer reads: the account
// lists a contact of that customer, and its vendor is approved.
func (v Viewer) scope(query *bun.SelectQuery, account string) *bun.SelectQuery {
	query = query.Where("? IN (SELECT ac.account_id FROM account_contacts AS ac JOIN contacts AS co ON co.id = ac.contact_id WHERE co.customer_id = ?)",
		bun.Ident(account), v.CustomerID)
	if v.Reminded != "" {
		query = query.Where("? IN (SELECT ar.account_id FROM account_contacts AS ar WHERE ar.contact_id = ? AND ar.role <> 'approver')",
			bun.Ident(account), v.Reminded)
	}
	return query.Where("EXISTS (SELECT 1 FROM vendors AS v JOIN accounts AS va ON va.vendor_id = v.id WHERE va.id = ? AND v.status = 'approved')", bun.Ident(account))
}

func (v Viewer) invoices(query *bun.SelectQuery) *bun.SelectQuery {
	query = v.scope(query, "i.account_id")
	if v.Only != nil {
		query = query.Where("i.id IN (?)", bun.List(orNobody(v.Only)))
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

func openItems(ctx context.Context, db bun.IDB, viewer Viewer, limit int64) ([]Item, error) {
	var items []Item
	err := viewer.invoices(selectItems(db, &items)).Where("i.status = ?", Open).
		OrderExpr("i.due_on IS NULL, i.due_on, i.number, i.id").Limit(limit).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read open invoices: %w", err)
	}
	return items, nil
}

func seenItems(ctx context.Context, db bun.IDB, viewer Viewer, ids []string) ([]Item, error) {
	var items []Item
	if len(ids) == 0 {
		return nil, nil
	}
	err := viewer.invoices(selectItems(db, &items)).Where("i.id IN (?)", bun.List(ids)).Order("i.id").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read invoices: %w", err)
	}
	return items, nil
}

func vendorItems(ctx context.Context, db bun.IDB, vendorID string, ids []string) ([]Item, error) {
	var items []Item
	err := selectItems(db, &items).Where("i.vendor_id = ?", vendorID).Where("i.id IN (?)", bun.List(orNobody(ids))).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read invoices: %w", err)
	}
	return items, nil
}

func listInvoices(ctx context.Context, tx bun.IDB, vendorID string, filter InvoiceFilter, newest bool, page store.PageRequest) ([]Item, string, error) {
	var items []Item
	query := selectItems(tx, &items).Where("i.vendor_id = ?", vendorID).Limit(page.Fetch())
	if filter.Status != "" {
		query = query.Where("i.status = ?", filter.Status)
	}
	if filter.AccountID != "" {
		query = query.Where("i.account_id = ?", filter.AccountID)
	}
	if filter.DueBefore != "" {
		query = query.Where("i.due_on < ?", string(filter.DueBefore)).Where("i.open > i.held")
	}
	if filter.Search != "" {
		like := "%" + likeEscape(strings.ToLower(filter.Search)) + "%"
		query = query.Where(`(LOWER(i.number) LIKE ? ESCAPE '\' OR LOWER(i.external_id) LIKE ? ESCAPE '\' OR LOWER(a.name) LIKE ? ESCAPE '\')`, like, like, like)
	}
	if !filter.UpdatedSince.IsZero() {
		query = query.Where("i.updated_at >= ?", filter.UpdatedSince.UTC())
	}
	query, err := byUpdated(query, "i", newest, page)
	if err != nil {
		return nil, "", err
	}
	if err := query.Scan(ctx); err != nil {
		return nil, "", fmt.Errorf("list invoices: %w", err)
	}
	items, next := store.CutPage(items, page, func(i Item) (time.Time, string) { return i.UpdatedAt, i.ID })
	return items, next, nil
}

// byUpdated orders by (updated_at, id) and goes on after the page's cursor.
func byUpdated(query *bun.SelectQuery, alias string, newest bool, page store.PageRequest) (*bun.SelectQuery, error) {
	direction, beyond := "ASC", ">"
	if newest {
		direction, beyond = "DESC", "<"
	}
	query = query.OrderExpr("?.updated_at "+direction+", ?.id "+direction, bun.Ident(alias), bun.Ident(alias))
	if page.Cursor == "" {
		return query, nil
	}
	at, id, err := store.DecodeCursor(page.Cursor)
	if err != nil {
		return nil, err
	}
	return query.Where("(?.updated_at, ?.id) "+beyond+" (?, ?)", bun.Ident(alias), bun.Ident(alias), at, id), nil
}

func likeEscape(text string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text)
}

func listUnreachable(ctx context.Context, tx bun.IDB, vendorID string, page store.PageRequest) ([]Unreachable, string, error) {
	var items []Item
	query := selectItems(tx, &items).Where("i.vendor_id = ?", vendorID).Where("i.status = ?", Open).
		Where(`NOT EXISTS (SELECT 1 FROM account_contacts AS ac JOIN contacts AS co ON co.id = ac.contact_id
			LEFT JOIN contact_vendors AS cv ON cv.contact_id = co.id AND cv.vendor_id = i.vendor_id
			WHERE ac.account_id = i.account_id AND ac.role <> 'approver' AND co.unsubscribed_at IS NULL AND co.bounced_at IS NULL
			AND COALESCE(cv.state, 'new') <> 'not_mine')`).Limit(page.Fetch())
	query, err := byUpdated(query, "i", true, page)
	if err != nil {
		return nil, "", err
	}
	if err := query.Scan(ctx); err != nil {
		return nil, "", fmt.Errorf("list what cannot be reminded: %w", err)
	}
	items, next := store.CutPage(items, page, func(i Item) (time.Time, string) { return i.UpdatedAt, i.ID })
	list, err := explainUnreachable(ctx, tx, vendorID, items)
	return list, next, err
}

// explainUnreachable says why, account by account, in one query.
func explainUnreachable(ctx context.Context, tx bun.IDB, vendorID string, items []Item) ([]Unreachable, error) {
	ids := make([]string, len(items))
	for i, item := range items {
		ids[i] = item.AccountID
	}
	var rows []struct {
		AccountID string `bun:"account_id"`
		Email     string `bun:"email"`
		Why       string `bun:"why"`
	}
	err := tx.NewRaw(`SELECT ac.account_id, co.email, CASE
			WHEN co.bounced_at IS NOT NULL THEN 'mail to it came back'
			WHEN co.unsubscribed_at IS NOT NULL THEN 'unsubscribed from reminders'
			WHEN cv.state = 'not_mine' THEN 'says that you are not one of its vendors'
			ELSE 'is listed as an approver only' END AS why
		FROM account_contacts AS ac JOIN contacts AS co ON co.id = ac.contact_id
		LEFT JOIN contact_vendors AS cv ON cv.contact_id = co.id AND cv.vendor_id = ac.vendor_id
		WHERE ac.vendor_id = ? AND ac.account_id IN (?)
		UNION ALL SELECT account_id, email, 'is not an address that mail can reach'
		FROM account_unusable_contacts WHERE vendor_id = ? AND account_id IN (?)`,
		vendorID, bun.List(orNobody(ids)), vendorID, bun.List(orNobody(ids))).Scan(ctx, &rows)
	if err != nil {
		return nil, fmt.Errorf("explain: %w", err)
	}
	why := map[string][]string{}
	for _, row := range rows {
		why[row.AccountID] = append(why[row.AccountID], row.Email+" "+row.Why)
	}
	list := make([]Unreachable, len(items))
	for i, item := range items {
		list[i] = Unreachable{Item: item, Reason: "The account lists no e-mail address."}
		if reasons := why[item.AccountID]; len(reasons) > 0 {
			list[i].Reason = strings.Join(reasons, "; ") + "."
		}
	}
	return list, nil
}

func vendorTotals(ctx context.Context, tx bun.IDB, vendorID string, today money.Date) ([]Totals, error) {
	var totals []Totals
	err := tx.NewSelect().Model((*Invoice)(nil)).ColumnExpr("currency, count(*) AS invoices, SUM(open) AS open, SUM(held) AS held").
		ColumnExpr("SUM(CASE WHEN due_on < ? THEN open ELSE 0 END) AS overdue", string(today)).
		Where("vendor_id = ?", vendorID).Where("status = ?", Open).Group("currency").Order("currency").Scan(ctx, &totals)
	if err != nil {
		return nil, fmt.Errorf("sum invoices: %w", err)
	}
	return totals, nil
}
