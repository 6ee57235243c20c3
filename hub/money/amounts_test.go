package money_test

import (
	"errors"
	"maps"
	"testing"

	"github.com/sheaf-hub/sheaf/hub/money"
)

func TestAmounts(t *testing.T) {
	for text, want := range map[string]struct {
		back string
		list money.Amounts
	}{
		"":                             {"", money.Amounts{}},
		"usd 6, EUR 5.00":              {"EUR 5.00, USD 6.00", money.Amounts{"EUR": 500, "USD": 600}},
		" JPY 1200 ,, KWD\u00a00.125,": {"JPY 1200, KWD 0.125", money.Amounts{"JPY": 1200, "KWD": 125}},
	} {
		list, err := money.ParseAmounts(text)
		if err != nil || list.String() != want.back || !maps.Equal(list, want.list) {
			t.Errorf("%q: %v, %v", text, list, err)
		}
		stored, _ := list.Value()
		var again money.Amounts
		if err := again.Scan(stored); err != nil || !maps.Equal(again, list) {
			t.Errorf("%q comes back as %v, %v", text, again, err)
		}
	}
	for _, text := range []string{"5.00", "EUR", "EUR 0", "EUR -1", "EUR 1.001", "JPY 1.5", "XXZ 5", "EUR 5, EUR 6", "EUR 5 USD 6", "EUR 1e3", "EUR 9999999999999"} {
		if list, err := money.ParseAmounts(text); !errors.Is(err, money.ErrAmounts) || list != nil {
			t.Errorf("%q: %v, %v", text, list, err)
		}
	}
}

func FuzzParseAmounts(f *testing.F) {
	for _, seed := range []string{"EUR 5.00, USD 6", "JPY 5", ",,", "EUR 5, EUR 5"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		list, err := money.ParseAmounts(text)
		if err != nil {
			return
		}
		again, err := money.ParseAmounts(list.String())
		if err != nil || !maps.Equal(again, list) {
			t.Fatalf("%q → %q → %v, %v", text, list, again, err)
		}
		for currency, minor := range list {
			if minor <= 0 || minor > money.MaxMinor || !currency.Valid() {
				t.Fatalf("%q holds %s %d", text, currency, minor)
			}
		}
	})
}
