package payment

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"
)

// markOffSession makes a payment that nobody has opened a page for one without a
// page; false when it had gone another way before.
func markOffSession(ctx context.Context, tx bun.IDB, paymentID string, method SavedMethod, until, now time.Time) (bool, error) {
	return oneRow(ctx, "mark payment", tx.NewUpdate().Model((*Payment)(nil)).Set("off_session = ?", true).Set("saved_method_id = ?", method.ID).
		Set("method_wanted = ?", method.Class).Set("method_detail = ?", method.Detail).Set("expires_at = ?", until.UTC()).Set("updated_at = ?", now.UTC()).
		Where("id = ?", paymentID).Where("status = ?", Pending).Where("off_session = ?", false).
		Where("checkout_state = 'pending'").Where("gateway_ref = ''"))
}

// beginCharge notes that the gateway is asked for the money; true for the one
// that may ask.
func beginCharge(ctx context.Context, db bun.IDB, paymentID string, now time.Time) (bool, error) {
	return oneRow(ctx, "begin charge", db.NewUpdate().Model((*Payment)(nil)).Set("checkout_state = 'sending'").Set("updated_at = ?", now.UTC()).
		Set("charge_sent_at = COALESCE(charge_sent_at, ?)", now.UTC()).
		Where("id = ?", paymentID).Where("status = ?", Pending).Where("off_session = ?", true).Where("checkout_state = 'pending'"))
}

// retryCharge lets a charge that was surely not made be tried again, unless
// another attempt has begun since payment was read.
func retryCharge(ctx context.Context, db bun.IDB, payment Payment, now time.Time) error {
	_, err := oneRow(ctx, "retry charge", db.NewUpdate().Model((*Payment)(nil)).Set("checkout_state = 'pending'").Set("updated_at = ?", now.UTC()).
		Where("id = ?", payment.ID).Where("checkout_state = ?", payment.CheckoutState).Where("updated_at = ?", payment.UpdatedAt.UTC()).Where("gateway_ref = ''"))
	return err
}

// endCharge takes the right to charge away; false when somebody has it.
func endCharge(ctx context.Context, db bun.IDB, paymentID string, now time.Time) (bool, error) {
	return oneRow(ctx, "end charge", db.NewUpdate().Model((*Payment)(nil)).Set("checkout_state = 'failed'").Set("updated_at = ?", now.UTC()).
		Where("id = ?", paymentID).Where("status = ?", Pending).Where("checkout_state IN ('pending', 'failed')").Where("gateway_ref = ''"))
}

// oneRow runs an update that changes one row or none; true when it changed one.
func oneRow(ctx context.Context, what string, query *bun.UpdateQuery) (bool, error) {
	result, err := query.Exec(ctx)
	if err != nil {
		return false, fmt.Errorf("%s: %w", what, err)
	}
	n, err := result.RowsAffected()
	return n == 1, err
}
