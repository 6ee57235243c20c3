package operator

import (
	"time"

	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// WaitingView is /operator/payouts.
type WaitingView struct {
	Page  ui.Page
	Rows  []WaitingRow
	Pages ui.CursorPager
}

// WaitingRow is one vendor whose money waits.
type WaitingRow struct {
	URL     string
	Name    string
	Account Status
	Why     string
	Money   []WaitingSum
}

// WaitingSum is what waits, of one currency and for one reason.
type WaitingSum struct {
	Amount money.Amount
	Shares int
	Why    string
	Since  time.Time
}
