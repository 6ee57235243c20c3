package ledger

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/money"
)

// BalanceTx is Balance in minor units, inside the caller's transaction.
func (s *Service) BalanceTx(ctx context.Context, tx bun.IDB, account string, currency money.Currency) (int64, error) {
	return sumOf(ctx, tx, account, currency)
}
