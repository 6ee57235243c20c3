package payment

import (
	"slices"
	"strings"

	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/money"
)

// Proposal is how an amount could be spent.
type Proposal struct {
	Amount money.Amount
	Parts  map[string]int64 // invoice id → minor units
	Left   int64            // what no invoice takes
}

// Propose spends an amount over invoices in its currency: overdue first, then
// the oldest due; what is disputed, or on its way already, is left out.
func Propose(items []billing.Item, amount money.Amount, today money.Date) Proposal {
	var candidates []billing.Item
	for _, item := range items {
		_, disputed := item.HoldOf(billing.HoldDispute, today)
		if item.Currency == amount.Currency && item.Payable() > 0 && !disputed {
			candidates = append(candidates, item)
		}
	}
	slices.SortStableFunc(candidates, byDue) // the earliest due is the most overdue
	proposal := Proposal{Amount: amount, Parts: map[string]int64{}, Left: amount.Minor}
	for _, item := range candidates {
		if proposal.Left == 0 {
			break
		}
		part := min(proposal.Left, item.Payable())
		proposal.Parts[item.ID] = part
		proposal.Left -= part
	}
	return proposal
}

// TypedAmount reads an amount as a person types it: "5,000.00", "5000", "5 000".
func TypedAmount(typed string, currency money.Currency) (money.Amount, error) {
	amount, err := money.Parse(cleanTyped(typed, currency.Digits()), currency)
	if err != nil || !amount.Positive() {
		return money.Amount{}, fault.At("amount", "Write an amount in %s, such as %s.", currency, money.New(500000, currency).Decimal())
	}
	return amount, nil
}

// cleanTyped takes out spaces and the commas that group thousands. A comma
// followed by other than three digits is left in, and so refused: it may be a
// decimal mark, and money is never guessed.
func cleanTyped(typed string, digits int) string {
	typed = strings.NewReplacer(" ", "", "\u00a0", "", "\u202f", "").Replace(strings.TrimSpace(typed))
	whole, fraction, dotted := strings.Cut(typed, ".")
	groups := strings.Split(whole, ",")
	for i, group := range groups {
		if (i > 0 && len(group) != 3) || (i == 0 && len(groups) > 1 && (len(group) == 0 || len(group) > 3)) {
			return typed
		}
	}
	if len(groups) == 2 && !dotted && digits == 3 {
		return typed // 1,234 could be a decimal in a currency with three digits
	}
	joined := strings.Join(groups, "")
	if dotted {
		return joined + "." + fraction
	}
	return joined
}
