package payment

import (
	"strings"
	"testing"

	"github.com/sheaf-hub/sheaf/hub/money"
)

func TestRefusal(t *testing.T) {
	usd := Limits{Supported: true, Least: 50, Most: 99_999_999}
	kwd := Limits{Supported: true, Least: 200, Step: 10} // three digits, the last one zero
	for _, c := range []struct {
		name   string
		limits Limits
		amount money.Amount
		words  []string // none: it is taken
	}{
		{"usual", usd, money.New(12500, "USD"), nil},
		{"the least", usd, money.New(50, "USD"), nil},
		{"the most", usd, money.New(99_999_999, "USD"), nil},
		{"below the least", usd, money.New(49, "USD"), []string{"least", "USD 0.50", "Tick more", "pay the vendor directly"}},
		{"above the most", usd, money.New(100_000_000, "USD"), []string{"most", "USD 999,999.99", "in parts"}},
		{"not taken", Limits{}, money.New(12500, "IRR"), []string{"IRR", "cannot be taken here", "directly"}},
		{"nothing to charge in a currency that is not taken", Limits{}, money.New(0, "IRR"), nil},
		{"no bounds", Limits{Supported: true}, money.New(1, "USD"), nil},
		{"no decimals", Limits{Supported: true, Least: 50}, money.New(49, "JPY"), []string{"JPY 50."}},
		{"in step", kwd, money.New(12340, "KWD"), nil},
		{"out of step", kwd, money.New(12345, "KWD"), []string{"multiple of KWD 0.010", "comes to KWD 12.340"}},
		{"out of step, and the step below is too little", kwd, money.New(205, "KWD"), []string{"comes to KWD 0.200"}},
		{"a step that starts at nothing", Limits{Supported: true, Step: 100}, money.New(30, "TWD"), []string{"comes to TWD 1.00"}},
		{"steps of one", Limits{Supported: true, Step: 1}, money.New(7, "USD"), nil},
	} {
		said := refusal(c.limits, c.amount)
		if (said == "") != (len(c.words) == 0) {
			t.Errorf("%s: %q", c.name, said)
		}
		for _, word := range c.words {
			if !strings.Contains(strings.ReplaceAll(said, "\u00a0", " "), word) {
				t.Errorf("%s: %q does not say %q", c.name, said, word)
			}
		}
	}
}
