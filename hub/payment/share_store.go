package payment

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/store"
)

func readShare(ctx context.Context, tx bun.IDB, id string) (Share, error) {
	var share Share
	if err := tx.NewSelect().Model(&share).Where("id = ?", id).Scan(ctx); err != nil {
		return share, fmt.Errorf("read share: %w", err)
	}
	return share, nil
}

func receiptShares(ctx context.Context, db bun.IDB, paymentID string) ([]ReceiptShare, error) {
	var list []ReceiptShare
	err := db.NewSelect().Model(&list).ColumnExpr("s.*, v.name AS vendor_name, COALESCE(t.state, '') AS transfer_state").
		Join("JOIN vendors AS v ON v.id = s.vendor_id").Join("LEFT JOIN transfers AS t ON t.share_id = s.id AND t.kind = 'share'").
		Where("s.payment_id = ?", paymentID).Order("v.name", "s.id").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read shares: %w", err)
	}
	return list, nil
}

func listShares(ctx context.Context, tx bun.IDB, vendorID string, since time.Time, page store.PageRequest) ([]Share, string, error) {
	var list []Share
	query := tx.NewSelect().Model(&list).Where("vendor_id = ?", vendorID).Order("updated_at", "id").Limit(page.Fetch()).
		Where("status NOT IN (?, ?)", Pending, Expired) // of a page that nobody paid on, a vendor need not know
	if !since.IsZero() {
		query = query.Where("updated_at >= ?", since.UTC())
	}
	if page.Cursor != "" {
		at, id, err := store.DecodeCursor(page.Cursor)
		if err != nil {
			return nil, "", err
		}
		query = query.Where("(updated_at, id) > (?, ?)", at, id)
	}
	if err := query.Scan(ctx); err != nil {
		return nil, "", fmt.Errorf("list payments: %w", err)
	}
	list, next := store.CutPage(list, page, func(s Share) (time.Time, string) { return s.UpdatedAt, s.ID })
	return list, next, nil
}

// viewLine is one line of a share by the vendor's own names.
type viewLine struct {
	ShareID          string `bun:"share_id"`
	InvoiceID        string `bun:"invoice_id"`
	ExternalID       string `bun:"external_id"`
	Number           string `bun:"number"`
	Account          string `bun:"account"`
	Amount           int64  `bun:"amount"` // of money: with LateFee
	LateFee          int64  `bun:"late_fee"`
	Discount         int64  `bun:"discount"` // beside Amount
	CreditExternalID string `bun:"credit_external_id"`
	CreditNumber     string `bun:"credit_number"`

	DueOn  money.Date `bun:"due_on"` // these order the lines
	Place  int        `bun:"place"`
	LineID string     `bun:"line_id"`
}

// viewLines are what was applied by settled shares, and what was asked for by
// the others.
func viewLines(ctx context.Context, tx bun.IDB, shares []Share) ([]viewLine, error) {
	var settled, asked []string
	for _, share := range shares {
		if share.Status == Settled || share.Status == Refunded || share.Status == ChargedBack {
			settled = append(settled, share.ID)
		} else {
			asked = append(asked, share.ID)
		}
	}
	var lines []viewLine
	if len(settled) > 0 {
		// what a discount settled stands with the money that earned it
		err := tx.NewRaw(`SELECT al.share_id, al.invoice_id, i.external_id, i.number, a.external_id AS account, al.amount, al.late_fee,
				COALESCE(ap.amount, 0) AS discount, '' AS credit_external_id, '' AS credit_number, i.due_on AS due_on, 1 AS place, al.id AS line_id
			FROM allocations AS al JOIN invoices AS i ON i.id = al.invoice_id JOIN accounts AS a ON a.id = i.account_id
			LEFT JOIN applications AS ap ON ap.payment_id = al.payment_id AND ap.invoice_id = al.invoice_id AND ap.kind = 'discount'
			WHERE al.share_id IN (?)
			UNION ALL SELECT s.id, ap.invoice_id, i.external_id, i.number, a.external_id, ap.amount, 0, 0, c.external_id, c.number, i.due_on, 0, ap.id
			FROM shares AS s JOIN applications AS ap ON ap.vendor_id = s.vendor_id AND ap.reference = s.reference AND ap.kind = 'credit'
			JOIN invoices AS i ON i.id = ap.invoice_id JOIN accounts AS a ON a.id = i.account_id JOIN credits AS c ON c.id = ap.credit_id
			WHERE s.id IN (?) ORDER BY 1, due_on, 2, place, line_id`, bun.List(settled), bun.List(settled)).Scan(ctx, &lines)
		if err != nil {
			return nil, fmt.Errorf("read applications: %w", err)
		}
	}
	if len(asked) > 0 {
		var more []viewLine
		err := tx.NewRaw(`SELECT pl.share_id, pl.invoice_id, i.external_id, i.number, a.external_id AS account, pl.amount, pl.late_fee, pl.discount,
				COALESCE(c.external_id, '') AS credit_external_id, COALESCE(c.number, '') AS credit_number
			FROM payment_lines AS pl JOIN invoices AS i ON i.id = pl.invoice_id JOIN accounts AS a ON a.id = i.account_id
			LEFT JOIN credits AS c ON c.id = pl.credit_id WHERE pl.share_id IN (?) ORDER BY pl.share_id, i.due_on, pl.id`, bun.List(asked)).Scan(ctx, &more)
		if err != nil {
			return nil, fmt.Errorf("read lines: %w", err)
		}
		lines = append(lines, more...)
	}
	return lines, nil
}
