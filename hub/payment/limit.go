package payment

import (
	"fmt"

	"github.com/sheaf-hub/sheaf/hub/money"
)

// refused is refusal for one currency of a quote.
func (s *Service) refused(part CurrencyQuote) string {
	if part.Charge <= 0 {
		return ""
	}
	return refusal(s.Gateway.Limits(part.Currency), money.New(part.Charge, part.Currency))
}

// refusal says why the gateway would not take one payment of an amount, and what
// the payer can do instead; "" when it takes it.
func refusal(limits Limits, amount money.Amount) string {
	switch {
	case amount.Minor <= 0: // credits cover it: nothing is charged
		return ""
	case !limits.Supported:
		return fmt.Sprintf("Payments in %s cannot be taken here. Pay these invoices to the vendor directly: how stands on the invoice.", amount.Currency)
	case limits.Least > 0 && amount.Minor < limits.Least:
		return fmt.Sprintf("The least that can be paid here at once is %s. Tick more invoices, or pay the vendor directly.", money.New(limits.Least, amount.Currency))
	case limits.Most > 0 && amount.Minor > limits.Most:
		return fmt.Sprintf("The most that can be paid here at once is %s. Tick fewer invoices, or pay in parts.", money.New(limits.Most, amount.Currency))
	case limits.Step > 1 && amount.Minor%limits.Step != 0:
		below := amount.Minor - amount.Minor%limits.Step
		if below == 0 || below < limits.Least {
			below += limits.Step
		}
		return fmt.Sprintf("Payments in %s must be a multiple of %s. Change a part so that it comes to %s, or pay the vendor directly.",
			amount.Currency, money.New(limits.Step, amount.Currency), money.New(below, amount.Currency))
	}
	return ""
}
