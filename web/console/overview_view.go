package console

import (
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// OverviewView is /vendor.
type OverviewView struct {
	Frame
	Vendor   string
	Answers  string // "You usually answer within 4 hours"; empty: not known yet
	Tiles    []ui.Tile
	Money    []Figures
	Aging    []AgingRow
	Cases    []CaseRow
	Payments []PaymentRow
	Debts    []DebtRow // what the vendor owes the hub
}

// Figures is the state of things in one currency.
type Figures struct {
	Invoices int
	Open     money.Amount
	Overdue  money.Amount
	Held     money.Amount
}

// AgingRow is one currency by days overdue, in the order of the table's columns.
type AgingRow struct {
	Currency string
	Cells    []AgingCell
}

// AgingCell is one bucket.
type AgingCell struct {
	Label  string
	Amount money.Amount
}

func (v OverviewView) lead() string {
	if v.Answers != "" {
		return v.Answers
	}
	return "What is open with your customers, and what waits for you."
}
