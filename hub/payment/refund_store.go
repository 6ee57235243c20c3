package payment

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/store"
)

func insertRefund(ctx context.Context, tx bun.IDB, refund Refund) error {
	if _, err := tx.NewInsert().Model(&refund).Exec(ctx); err != nil {
		return fmt.Errorf("store refund: %w", err)
	}
	return nil
}

func findRefund(ctx context.Context, query *bun.SelectQuery) (Refund, bool, error) {
	var list []Refund
	if err := query.Model(&list).Limit(1).Scan(ctx); err != nil {
		return Refund{}, false, fmt.Errorf("read refund: %w", err)
	}
	if len(list) == 0 {
		return Refund{}, false, nil
	}
	return list[0], true, nil
}

func readRefund(ctx context.Context, db bun.IDB, id string) (Refund, error) {
	refund, found, err := findRefund(ctx, db.NewSelect().Where("id = ?", id))
	if err == nil && !found {
		err = noRefund()
	}
	return refund, err
}

func noRefund() error { return fault.New(fault.NotFound, "There is no such refund.") }

func lockRefund(ctx context.Context, db *store.DB, tx bun.IDB, vendorID, id string) (Refund, error) {
	if !store.ValidID(id) {
		return Refund{}, noRefund()
	}
	refund, found, err := findRefund(ctx, db.ForUpdate(tx.NewSelect().Where("vendor_id = ?", vendorID).Where("id = ?", id)))
	if err == nil && !found {
		err = noRefund()
	}
	return refund, err
}

func refundByKey(ctx context.Context, tx bun.IDB, shareID, key string) (Refund, bool, error) {
	return findRefund(ctx, tx.NewSelect().Where("share_id = ?", shareID).Where("request_key = ?", key))
}

func refundsOf(ctx context.Context, db bun.IDB, paymentID string) ([]Refund, error) {
	var list []Refund
	if err := db.NewSelect().Model(&list).Where("payment_id = ?", paymentID).Order("id").Scan(ctx); err != nil {
		return nil, fmt.Errorf("read refunds: %w", err)
	}
	return list, nil
}

func completeRefund(ctx context.Context, tx bun.IDB, id, ref, phase string, now time.Time) (bool, error) {
	return completeJob(ctx, tx, Refunds, id, func(q *bun.UpdateQuery) *bun.UpdateQuery {
		return q.Set("gateway_ref = ?", ref).Set("phase = ?", phase)
	}, now)
}

func setRefundPhase(ctx context.Context, tx bun.IDB, id, phase, why string, now time.Time) error {
	_, err := tx.NewUpdate().Model((*Refund)(nil)).Set("phase = ?", phase).Set("last_answer = ?", clipped(why)).Set("updated_at = ?", now.UTC()).
		Where("id = ?", id).Exec(ctx)
	if err != nil {
		return fmt.Errorf("change refund: %w", err)
	}
	return nil
}

// lockVendorShare locks a share of a vendor; its payment first, as everywhere.
func lockVendorShare(ctx context.Context, db *store.DB, tx bun.IDB, vendorID, shareID string) (Share, error) {
	var list []Share
	query := func() *bun.SelectQuery {
		list = nil
		return tx.NewSelect().Model(&list).Where("vendor_id = ?", vendorID).Where("id = ?", shareID)
	}
	if err := query().Scan(ctx); err != nil {
		return Share{}, fmt.Errorf("read share: %w", err)
	}
	if len(list) == 0 {
		return Share{}, fault.New(fault.NotFound, "There is no such payment.")
	}
	if _, err := lockPayment(ctx, db, tx, list[0].PaymentID); err != nil {
		return Share{}, err
	}
	if err := db.ForUpdate(query()).Scan(ctx); err != nil {
		return Share{}, fmt.Errorf("lock share: %w", err)
	}
	return list[0], nil
}

// updateReturns stores what went back of a share.
func updateReturns(ctx context.Context, tx bun.IDB, share Share) error {
	_, err := tx.NewUpdate().Model(&share).Column("refunded", "charged_back", "status", "updated_at").WherePK().Exec(ctx)
	if err != nil {
		return fmt.Errorf("change share: %w", err)
	}
	return nil
}

// derivePayment: a payment is refunded or charged back when all of its shares
// with money are, and settled as long as one is not.
func derivePayment(ctx context.Context, tx bun.IDB, paymentID string, now time.Time) error {
	_, err := tx.NewRaw(`UPDATE payments SET updated_at = ?, status = (SELECT CASE
			WHEN COUNT(*) FILTER (WHERE s.status NOT IN ('refunded', 'charged_back')) > 0 THEN 'settled'
			WHEN COUNT(*) FILTER (WHERE s.status = 'charged_back') > 0 THEN 'charged_back'
			ELSE 'refunded' END FROM shares AS s WHERE s.payment_id = payments.id AND s.amount > 0) WHERE id = ?`, now, paymentID).Exec(ctx)
	if err != nil {
		return fmt.Errorf("change payment: %w", err)
	}
	return nil
}

// refundedPayment finds a payment by one of its refunds, or by its charge.
func refundedPayment(ctx context.Context, db bun.IDB, gateway, refundID, sourceRef string) (Payment, bool, error) {
	if store.ValidID(refundID) {
		refund, found, err := findRefund(ctx, db.NewSelect().Where("id = ?", refundID))
		if err != nil {
			return Payment{}, false, err
		}
		if found {
			return findPayment(ctx, db.NewSelect().Where("gateway = ?", gateway).Where("id = ?", refund.PaymentID))
		}
	}
	if sourceRef == "" {
		return Payment{}, false, nil
	}
	return findPayment(ctx, db.NewSelect().Where("gateway = ?", gateway).Where("source_ref = ?", sourceRef).Where("source_ref <> ''"))
}
