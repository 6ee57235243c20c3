package console

import (
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// IncentivesView is /vendor/incentives. Field IDs for Page.Errors: the form's
// names. Fields are as typed; empty: off.
type IncentivesView struct {
	Frame
	EarlyRate, EarlyDays                    string
	FromTerms                               bool
	DebitRate, DebitMost                    string
	LateRate, LateFixed, LateMost, LateDays string
	WaivedBy, WaivedDays                    string
	Example                                 money.Amount // of the example's invoice
	Rows                                    []IncentiveRow
}

// IncentiveRow is what the example's invoice costs.
type IncentiveRow struct {
	When   string
	Why    []string
	Charge money.Amount
}

// facts are the settings as a member reads them.
func (v IncentivesView) facts() []ui.Fact {
	percent := func(typed string) string {
		if typed == "" {
			return "Off"
		}
		return typed + "\u00a0%"
	}
	early := percent(v.EarlyRate)
	if v.EarlyDays != "" {
		early += " within " + v.EarlyDays + " days of the invoice's date"
	}
	facts := []ui.Fact{{Label: "For paying early", Text: early}, {Label: "Discounts from terms", Text: yesNo(v.FromTerms)}, {Label: "For paying by bank debit", Text: percent(v.DebitRate)}}
	fee := percent(v.LateRate)
	if v.LateFixed != "" {
		fee = v.LateFixed
		if v.LateRate != "" {
			fee = percent(v.LateRate) + " and " + v.LateFixed
		}
	}
	if v.LateDays != "" {
		fee += ", from " + v.LateDays + " days after the due date"
	}
	return append(facts, ui.Fact{Label: "Late fee", Text: fee})
}

func yesNo(yes bool) string {
	if yes {
		return "Taken"
	}
	return "Not taken"
}
