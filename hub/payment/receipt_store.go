package payment

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"
)

// receiptRow is a row from which lines are made.
type receiptRow struct {
	ShareID      string `bun:"share_id"`
	InvoiceID    string `bun:"invoice_id"`
	ExternalID   string `bun:"external_id"`
	Number       string `bun:"number"`
	Account      string `bun:"account"`
	AccountName  string `bun:"account_name"`
	CreditNumber string `bun:"credit_number"`
	Amount       int64  `bun:"amount"`
	LateFee      int64  `bun:"late_fee"`
	Discount     int64  `bun:"discount"`
}

const receiptColumns = `i.external_id, i.number, a.external_id AS account, a.name AS account_name`

// receiptLines are, by share, what invoices got of shares that are booked, and
// what was asked for by the others. What was voided later stands there too: a
// receipt says what was paid, and beside it what went back.
func receiptLines(ctx context.Context, tx bun.IDB, shares []Share) (map[string][]ReceiptLine, error) {
	var booked, asked []string
	for _, share := range shares {
		if share.Status.booked() {
			booked = append(booked, share.ID)
		} else {
			asked = append(asked, share.ID)
		}
	}
	var rows []receiptRow
	if len(booked) > 0 {
		applied, err := appliedRows(ctx, tx, booked)
		if err != nil {
			return nil, err
		}
		rows = applied
	}
	if len(asked) > 0 {
		var more []receiptRow
		err := tx.NewRaw(`SELECT pl.share_id, pl.invoice_id, `+receiptColumns+`, COALESCE(c.number, '') AS credit_number, pl.amount, pl.late_fee, pl.discount
			FROM payment_lines AS pl JOIN invoices AS i ON i.id = pl.invoice_id JOIN accounts AS a ON a.id = i.account_id
			LEFT JOIN credits AS c ON c.id = pl.credit_id WHERE pl.share_id IN (?) ORDER BY pl.share_id, i.due_on, pl.id`, bun.List(asked)).Scan(ctx, &more)
		if err != nil {
			return nil, fmt.Errorf("read lines: %w", err)
		}
		rows = append(rows, more...)
	}
	return linesByShare(rows), nil
}

// appliedRows reads what was applied (an application carries the reference of
// its share), and what of the money was a late fee.
func appliedRows(ctx context.Context, tx bun.IDB, shareIDs []string) ([]receiptRow, error) {
	var rows, fees []receiptRow
	err := tx.NewRaw(`SELECT s.id AS share_id, ap.invoice_id, `+receiptColumns+`, COALESCE(c.number, '') AS credit_number,
			CASE WHEN ap.kind = 'discount' THEN 0 ELSE ap.amount END AS amount, CASE WHEN ap.kind = 'discount' THEN ap.amount ELSE 0 END AS discount
		FROM shares AS s JOIN applications AS ap ON ap.vendor_id = s.vendor_id AND ap.reference = s.reference
		JOIN invoices AS i ON i.id = ap.invoice_id JOIN accounts AS a ON a.id = i.account_id LEFT JOIN credits AS c ON c.id = ap.credit_id
		WHERE s.id IN (?) ORDER BY s.id, i.due_on, ap.id`, bun.List(shareIDs)).Scan(ctx, &rows)
	if err != nil {
		return nil, fmt.Errorf("read applications: %w", err)
	}
	err = tx.NewRaw(`SELECT al.share_id, al.invoice_id, `+receiptColumns+`, al.late_fee AS amount, al.late_fee
		FROM allocations AS al JOIN shares AS s ON s.id = al.share_id JOIN invoices AS i ON i.id = al.invoice_id JOIN accounts AS a ON a.id = i.account_id
		WHERE al.payment_id = s.payment_id AND al.late_fee > 0 AND s.id IN (?) ORDER BY al.share_id, i.due_on, al.id`, bun.List(shareIDs)).Scan(ctx, &fees)
	if err != nil {
		return nil, fmt.Errorf("read late fees: %w", err)
	}
	return append(rows, fees...), nil
}

// linesByShare makes one line of an invoice's money, late fee and discount, and
// one of each credit.
func linesByShare(rows []receiptRow) map[string][]ReceiptLine {
	lines := map[string][]ReceiptLine{}
	at := map[string]int{}
	for _, row := range rows {
		key := row.ShareID + row.InvoiceID
		i, seen := at[key]
		if row.CreditNumber != "" || !seen {
			i = len(lines[row.ShareID])
			lines[row.ShareID] = append(lines[row.ShareID], ReceiptLine{InvoiceID: row.InvoiceID, ExternalID: row.ExternalID, Number: row.Number,
				Account: row.Account, AccountName: row.AccountName, CreditNumber: row.CreditNumber})
			if row.CreditNumber == "" {
				at[key] = i
			}
		}
		line := &lines[row.ShareID][i]
		line.Amount += row.Amount
		line.LateFee += row.LateFee
		line.Discount += row.Discount
	}
	return lines
}

// shareReturns are, by share, what went back to the payer, or is about to, the
// oldest first. What failed, and a bank's mere question, is nothing.
func shareReturns(ctx context.Context, tx bun.IDB, shares []Share) (map[string][]Return, error) {
	ids := make([]string, 0, len(shares))
	for _, share := range shares {
		if share.Status.booked() {
			ids = append(ids, share.ID)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	var rows []struct {
		ShareID string    `bun:"share_id"`
		Kind    string    `bun:"kind"`
		Amount  int64     `bun:"amount"`
		State   string    `bun:"state"`
		At      time.Time `bun:"created_at"`
		Changed time.Time `bun:"updated_at"`
	}
	err := tx.NewRaw(`SELECT share_id, 'refund' AS kind, amount, phase AS state, created_at, updated_at FROM refunds
			WHERE share_id IN (?) AND state <> 'failed' AND phase <> 'failed'
		UNION ALL SELECT share_id, 'chargeback' AS kind, amount, state, created_at, updated_at FROM chargeback_shares
			WHERE share_id IN (?) AND amount > 0 AND state IN ('open', 'won', 'lost')`, bun.List(ids), bun.List(ids)).Scan(ctx, &rows)
	if err != nil {
		return nil, fmt.Errorf("read what went back: %w", err)
	}
	returns := map[string][]Return{}
	for _, row := range rows {
		back := Return{Kind: ReturnKind(row.Kind), Amount: row.Amount, Asked: row.At, Done: row.Kind == "chargeback" || row.State == "succeeded"}
		if row.Kind == "chargeback" && row.State == "won" {
			back.Kind, back.Ended = ReturnChargebackWon, row.Changed
		}
		returns[row.ShareID] = append(returns[row.ShareID], back)
	}
	for _, list := range returns {
		slices.SortStableFunc(list, func(a, b Return) int {
			return cmp.Or(a.Asked.Compare(b.Asked), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Amount, b.Amount))
		})
	}
	return returns, nil
}
