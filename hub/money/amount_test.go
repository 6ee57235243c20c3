package money_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/sheaf-hub/sheaf/hub/money"
)

func TestParseKeepsEveryDigit(t *testing.T) {
	for _, c := range []struct {
		text     string
		currency money.Currency
		minor    int64
		back     string
	}{
		{"125.00", "USD", 12500, "125.00"}, {"125", "USD", 12500, "125.00"}, {"0.5", "EUR", 50, "0.50"}, {"-3", "EUR", -300, "-3.00"},
		{"-0.01", "EUR", -1, "-0.01"}, {"0", "EUR", 0, "0.00"}, {"-0.00", "EUR", 0, "0.00"}, {"007", "EUR", 700, "7.00"},
		{"1250", "JPY", 1250, "1250"}, {"1250.000", "JPY", 1250, "1250"}, {"-1", "JPY", -1, "-1"},
		{"0.125", "KWD", 125, "0.125"}, {"7.5", "KWD", 7500, "7.500"}, {"1.2300000000000000000", "USD", 123, "1.23"},
		{"9000000000.00", "USD", money.MaxMinor, "9000000000.00"}, {"900000000000", "JPY", money.MaxMinor, "900000000000"},
		{strings.Repeat("0", 500) + "1.00", "USD", 100, "1.00"},
	} {
		amount, err := money.Parse(c.text, c.currency)
		if err != nil || amount != money.New(c.minor, c.currency) || amount.Decimal() != c.back {
			t.Errorf("%s %s: %+v %q, %v", c.text, c.currency, amount, amount.Decimal(), err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, c := range []struct {
		text     string
		currency money.Currency
		want     error
	}{
		{"1.001", "USD", money.ErrPrecision}, {"0.5", "JPY", money.ErrPrecision}, {"0.0001", "KWD", money.ErrPrecision},
		{"9000000000.01", "USD", money.ErrRange}, {"-9000000000.01", "USD", money.ErrRange}, {strings.Repeat("9", 400), "USD", money.ErrRange},
		{"", "USD", money.ErrAmount}, {"-", "USD", money.ErrAmount}, {".5", "USD", money.ErrAmount}, {"5.", "USD", money.ErrAmount},
		{"+5", "USD", money.ErrAmount}, {"--5", "USD", money.ErrAmount}, {"1e3", "USD", money.ErrAmount}, {"1,000", "USD", money.ErrAmount},
		{" 5", "USD", money.ErrAmount}, {"5\n", "USD", money.ErrAmount}, {"0x10", "USD", money.ErrAmount}, {"1.2.3", "USD", money.ErrAmount},
		{"١٢", "USD", money.ErrAmount}, {"−5", "USD", money.ErrAmount}, {"NaN", "USD", money.ErrAmount}, {"1_000", "USD", money.ErrAmount},
		{"5", "XXZ", money.ErrCurrency}, {"5", "usd", money.ErrCurrency}, {"5", "", money.ErrCurrency},
	} {
		amount, err := money.Parse(c.text, c.currency)
		if !errors.Is(err, c.want) || amount != (money.Amount{}) {
			t.Errorf("%.20q %s: %+v, %v", c.text, c.currency, amount, err)
		}
		if err != nil && len(err.Error()) > 200 {
			t.Errorf("a message of %d bytes", len(err.Error()))
		}
	}
}

func TestCurrency(t *testing.T) {
	for code, digits := range map[string]int{"USD": 2, "eur": 2, " jpy ": 0, "KWD": 3, "CLF": 4} {
		currency, err := money.ParseCurrency(code)
		if err != nil || currency.Digits() != digits || string(currency) != strings.ToUpper(strings.TrimSpace(code)) {
			t.Errorf("%q: %s %d %v", code, currency, currency.Digits(), err)
		}
	}
	for _, bad := range []string{"", "US", "USDX", "$", "XYZ", "€"} {
		if _, err := money.ParseCurrency(bad); !errors.Is(err, money.ErrCurrency) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestAddNeverMixesOrOverflows(t *testing.T) {
	sum, err := money.Amount{}.Add(money.New(5, "EUR"))
	if err != nil || sum != money.New(5, "EUR") {
		t.Fatal(sum, err)
	}
	if sum, err = sum.Add(money.Amount{}); err != nil || sum != money.New(5, "EUR") {
		t.Fatal(sum, err)
	}
	if _, err := sum.Add(money.New(5, "USD")); !errors.Is(err, money.ErrMismatch) {
		t.Fatal(err)
	}
	if _, err := money.New(math.MaxInt64, "EUR").Add(money.New(1, "EUR")); !errors.Is(err, money.ErrRange) {
		t.Fatal(err)
	}
	if _, err := money.New(math.MinInt64, "EUR").Add(money.New(-1, "EUR")); !errors.Is(err, money.ErrRange) {
		t.Fatal(err)
	}
	if !sum.Positive() || sum.Zero() || sum.Neg().Positive() || sum.Neg().Minor != -5 || !(money.Amount{}).Zero() {
		t.Fatal("signs")
	}
}

func TestGroupedAndString(t *testing.T) {
	for _, c := range []struct {
		amount money.Amount
		want   string
	}{
		{money.New(123456700, "USD"), "USD\u00a01,234,567.00"}, {money.New(100000, "JPY"), "JPY\u00a0100,000"}, {money.New(99999, "EUR"), "EUR\u00a0999.99"},
		{money.New(-100000, "EUR"), "EUR\u00a0\u22121,000.00"}, {money.New(-99900, "EUR"), "EUR\u00a0\u2212999.00"}, {money.Amount{}, "0.00"},
		{money.New(math.MinInt64, "USD"), "USD\u00a0\u221292,233,720,368,547,758.08"},
	} {
		if got := c.amount.String(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"125.00", "-3", "0.5", "9000000000", "1e9", "", "00.00", "-0"} {
		for _, currency := range []string{"USD", "JPY", "KWD", "???"} {
			f.Add(seed, currency)
		}
	}
	f.Fuzz(func(t *testing.T, text, code string) {
		amount, err := money.Parse(text, money.Currency(code))
		if err != nil {
			if amount != (money.Amount{}) {
				t.Fatalf("%q: an error and %+v", text, amount)
			}
			return
		}
		if amount.Minor > money.MaxMinor || amount.Minor < -money.MaxMinor {
			t.Fatalf("%q is out of range: %d", text, amount.Minor)
		}
		decimal := amount.Decimal()
		again, err := money.Parse(decimal, amount.Currency)
		if err != nil || again != amount {
			t.Fatalf("%q → %q → %+v, %v", text, decimal, again, err)
		}
		_, fraction, _ := strings.Cut(decimal, ".")
		if len(fraction) != amount.Currency.Digits() {
			t.Fatalf("%q has %d digits", decimal, len(fraction))
		}
		if strings.ReplaceAll(strings.ReplaceAll(amount.Grouped(), ",", ""), "\u2212", "-") != decimal {
			t.Fatalf("%q is grouped as %q", decimal, amount.Grouped())
		}
	})
}

func FuzzDecimal(f *testing.F) {
	f.Add(int64(0), uint8(0))
	f.Add(int64(-1), uint8(2))
	f.Fuzz(func(t *testing.T, minor int64, pick uint8) {
		amount := money.New(minor%(money.MaxMinor+1), []money.Currency{"USD", "JPY", "KWD", "CLF"}[pick%4])
		if again, err := money.Parse(amount.Decimal(), amount.Currency); err != nil || again != amount {
			t.Fatalf("%+v → %q → %+v, %v", amount, amount.Decimal(), again, err)
		}
	})
}
