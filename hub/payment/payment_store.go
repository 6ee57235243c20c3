package payment

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/store"
)

func insertQuote(ctx context.Context, tx bun.IDB, row quoteRow) error {
	if _, err := tx.NewInsert().Model(&row).Exec(ctx); err != nil {
		return fmt.Errorf("store quote: %w", err)
	}
	return nil
}

func readQuote(ctx context.Context, db bun.IDB, customerID, id string) (quoteRow, error) {
	var row quoteRow
	err := db.NewSelect().Model(&row).Where("customer_id = ?", customerID).Where("id = ?", id).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return row, fault.New(fault.NotFound, "There is no such selection. Go back and choose again.")
	}
	if err != nil {
		return row, fmt.Errorf("read quote: %w", err)
	}
	return row, nil
}

// paymentOfQuote locks the quote's row first, so that two clicks at once make one payment.
func paymentOfQuote(ctx context.Context, db *store.DB, tx bun.IDB, quoteID string, currency money.Currency) (Payment, bool, error) {
	var row quoteRow
	if err := db.ForUpdate(tx.NewSelect().Model(&row).Where("id = ?", quoteID)).Scan(ctx); err != nil {
		return Payment{}, false, fmt.Errorf("lock quote: %w", err)
	}
	return findPayment(ctx, tx.NewSelect().Where("quote_id = ?", quoteID).Where("currency = ?", currency))
}

func findPayment(ctx context.Context, query *bun.SelectQuery) (Payment, bool, error) {
	var list []Payment
	if err := query.Model(&list).Limit(1).Scan(ctx); err != nil {
		return Payment{}, false, fmt.Errorf("read payment: %w", err)
	}
	if len(list) == 0 {
		return Payment{}, false, nil
	}
	return list[0], true, nil
}

func paymentByRef(ctx context.Context, db bun.IDB, gateway, ref string) (Payment, bool, error) {
	if ref == "" {
		return Payment{}, false, nil
	}
	payment, found, err := findPayment(ctx, db.NewSelect().Where("gateway = ?", gateway).Where("gateway_ref = ?", ref))
	if err != nil || found {
		return payment, found, err
	}
	return findPayment(ctx, db.NewSelect().Where("gateway = ?", gateway).Where("intent_ref = ?", ref))
}

func customersPayment(ctx context.Context, db bun.IDB, customerID, id string) (Payment, bool, error) {
	return findPayment(ctx, db.NewSelect().Where("customer_id = ?", customerID).Where("id = ?", id))
}

func readPayment(ctx context.Context, db bun.IDB, id string) (Payment, error) {
	payment, found, err := findPayment(ctx, db.NewSelect().Where("id = ?", id))
	if err == nil && !found {
		err = noPayment()
	}
	return payment, err
}

func lockPayment(ctx context.Context, db *store.DB, tx bun.IDB, id string) (Payment, error) {
	payment, found, err := findPayment(ctx, db.ForUpdate(tx.NewSelect().Where("id = ?", id)))
	if err == nil && !found {
		err = noPayment()
	}
	return payment, err
}

func insertPayment(ctx context.Context, tx bun.IDB, payment Payment, shares []Share, lines []Line) error {
	if _, err := tx.NewInsert().Model(&payment).Exec(ctx); err != nil {
		return fmt.Errorf("store payment: %w", err)
	}
	if _, err := tx.NewInsert().Model(&shares).Exec(ctx); err != nil {
		return fmt.Errorf("store shares: %w", err)
	}
	if _, err := tx.NewInsert().Model(&lines).Exec(ctx); err != nil {
		return fmt.Errorf("store lines: %w", err)
	}
	return nil
}

// beginCheckout notes that the gateway is asked for the page; true the first time.
func beginCheckout(ctx context.Context, db bun.IDB, paymentID string, now time.Time) (bool, error) {
	result, err := db.NewUpdate().Model((*Payment)(nil)).Set("checkout_state = 'sending'").Set("updated_at = ?", now.UTC()).
		Where("id = ?", paymentID).Where("checkout_state = 'pending'").Exec(ctx)
	if err != nil {
		return false, fmt.Errorf("begin checkout: %w", err)
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

func setCheckout(ctx context.Context, db bun.IDB, paymentID, state, ref, url string, now time.Time) error {
	query := db.NewUpdate().Model((*Payment)(nil)).Set("checkout_state = ?", state).Set("updated_at = ?", now.UTC()).Where("id = ?", paymentID)
	if ref != "" {
		query = query.Set("gateway_ref = ?", ref).Set("checkout_url = ?", url)
	} else {
		query = query.Where("gateway_ref = ''")
	}
	if _, err := query.Exec(ctx); err != nil {
		return fmt.Errorf("store checkout: %w", err)
	}
	return nil
}

// freshCheckoutKey puts another key in the place of one that is spent, and returns
// the one that counts: of two processes that ask at once, both get the same, so
// that they open one page.
func freshCheckoutKey(ctx context.Context, db bun.IDB, paymentID, spent string) (string, error) {
	_, err := db.NewUpdate().Model((*Payment)(nil)).Set("idempotency_key = ?", "checkout-"+paymentID+"-"+store.NewID()).
		Where("id = ?", paymentID).Where("idempotency_key = ?", spent).Exec(ctx)
	if err != nil {
		return "", fmt.Errorf("change key: %w", err)
	}
	payment, err := readPayment(ctx, db, paymentID)
	return payment.IdempotencyKey, err
}

// adoptRef notes where a payment's money was found, when it was not where the
// row said.
func adoptRef(ctx context.Context, db bun.IDB, paymentID, was, ref string, now time.Time) error {
	_, err := db.NewUpdate().Model((*Payment)(nil)).Set("gateway_ref = ?", ref).Set("checkout_state = 'done'").Set("updated_at = ?", now.UTC()).
		Where("id = ?", paymentID).Where("gateway_ref = ?", was).Exec(ctx)
	if err != nil {
		return fmt.Errorf("adopt reference: %w", err)
	}
	return nil
}

func updatePayment(ctx context.Context, tx bun.IDB, payment Payment) error {
	_, err := tx.NewUpdate().Model(&payment).Column("status", "method", "method_detail", "failure", "processing_at", "updated_at").WherePK().Exec(ctx)
	if err != nil {
		return fmt.Errorf("change payment: %w", err)
	}
	return nil
}

func updateShares(ctx context.Context, tx bun.IDB, payment Payment) error {
	_, err := tx.NewUpdate().Model((*Share)(nil)).Set("status = ?", payment.Status).Set("method = ?", payment.Method).
		Set("updated_at = ?", payment.UpdatedAt).Where("payment_id = ?", payment.ID).Exec(ctx)
	if err != nil {
		return fmt.Errorf("change shares: %w", err)
	}
	return nil
}

// partsOf reads the shares and lines of payments, in a fixed order.
func partsOf(ctx context.Context, tx bun.IDB, paymentIDs ...string) ([]Share, []Line, error) {
	var shares []Share
	if err := tx.NewSelect().Model(&shares).Where("payment_id IN (?)", bun.List(paymentIDs)).Order("id").Scan(ctx); err != nil {
		return nil, nil, fmt.Errorf("read shares: %w", err)
	}
	var lines []Line
	if err := tx.NewSelect().Model(&lines).Where("payment_id IN (?)", bun.List(paymentIDs)).OrderExpr("credit_id IS NULL, id").Scan(ctx); err != nil {
		return nil, nil, fmt.Errorf("read lines: %w", err)
	}
	return shares, lines, nil
}

// holdersOf names, for each invoice, this customer's open payment that holds it.
func holdersOf(ctx context.Context, tx bun.IDB, customerID string, invoiceIDs []string) (map[string]string, error) {
	var rows []struct {
		InvoiceID string `bun:"invoice_id"`
		PaymentID string `bun:"payment_id"`
	}
	err := tx.NewSelect().TableExpr("payment_lines AS pl").ColumnExpr("DISTINCT pl.invoice_id, pl.payment_id").
		Join("JOIN payments AS p ON p.id = pl.payment_id").Where("p.customer_id = ?", customerID).
		Where("pl.invoice_id IN (?)", bun.List(invoiceIDs)).Where("p.status = ?", Pending).Scan(ctx, &rows)
	if err != nil {
		return nil, fmt.Errorf("read open payments: %w", err)
	}
	holders := make(map[string]string, len(rows))
	for _, row := range rows {
		holders[row.InvoiceID] = row.PaymentID
	}
	return holders, nil
}

func listPayments(ctx context.Context, db bun.IDB, customerID string, page store.PageRequest) ([]Payment, string, error) {
	var list []Payment
	query := db.NewSelect().Model(&list).Where("customer_id = ?", customerID).Order("id DESC").Limit(page.Fetch())
	if page.Cursor != "" {
		_, id, err := store.DecodeCursor(page.Cursor)
		if err != nil {
			return nil, "", err
		}
		query = query.Where("id < ?", id)
	}
	if err := query.Scan(ctx); err != nil {
		return nil, "", fmt.Errorf("list payments: %w", err)
	}
	list, next := store.CutPage(list, page, func(p Payment) (time.Time, string) { return p.CreatedAt, p.ID })
	return list, next, nil
}

func openPayments(ctx context.Context, db bun.IDB, after string, limit int64) ([]Payment, error) {
	var list []Payment
	query := db.NewSelect().Model(&list).Where("status IN (?, ?)", Pending, Processing).Order("id").Limit(limit)
	if after != "" {
		query = query.Where("id > ?", after)
	}
	if err := query.Scan(ctx); err != nil {
		return nil, fmt.Errorf("read open payments: %w", err)
	}
	return list, nil
}
