package payment

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"
)

// Payees are the names of the vendors of some payments, by payment id: for a
// list of payments that the caller may show.
func (s *Service) Payees(ctx context.Context, payments []Payment) (map[string][]string, error) {
	if len(payments) == 0 {
		return nil, nil
	}
	ids := make([]string, len(payments))
	for i, payment := range payments {
		ids[i] = payment.ID
	}
	var rows []struct {
		PaymentID string `bun:"payment_id"`
		Name      string `bun:"name"`
	}
	err := s.DB.NewSelect().TableExpr("shares AS s").ColumnExpr("s.payment_id, v.name").Join("JOIN vendors AS v ON v.id = s.vendor_id").
		Where("s.payment_id IN (?)", bun.List(ids)).OrderExpr("v.name, s.id").Scan(ctx, &rows)
	if err != nil {
		return nil, fmt.Errorf("read payees: %w", err)
	}
	names := make(map[string][]string, len(ids))
	for _, row := range rows {
		names[row.PaymentID] = append(names[row.PaymentID], row.Name)
	}
	return names, nil
}
