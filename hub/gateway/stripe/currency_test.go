package stripe

import (
	"errors"
	"testing"

	stripego "github.com/stripe/stripe-go/v76"

	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/payment"
)

func TestUnitsOfCurrencies(t *testing.T) {
	for _, c := range []struct {
		ours   string
		code   money.Currency
		theirs int64
	}{
		{"10.00", "USD", 1000}, {"500", "JPY", 500}, {"5.120", "KWD", 5120}, {"5", "ISK", 500}, {"5", "UGX", 500}, {"12.00", "MGA", 12}, {"10.45", "HUF", 1045},
		{"800.45", "TWD", 80045}, {"1000", "CLP", 1000}, {"0.01", "EUR", 1}, {"9000000000.00", "IDR", 900_000_000_000},
	} {
		amount, err := money.Parse(c.ours, c.code)
		if err != nil {
			t.Fatal(err)
		}
		units, err := toUnits(amount)
		if err != nil || units != c.theirs {
			t.Errorf("%s %s: %d, %v; want %d", c.ours, c.code, units, err, c.theirs)
		}
		back, err := fromUnits(c.theirs, stripego.Currency(c.code))
		if err != nil || back != amount {
			t.Errorf("%d %s back: %v, %v", c.theirs, c.code, back, err)
		}
	}
	for _, bad := range []money.Amount{money.New(5124, "KWD"), money.New(150, "MGA"), money.New(1, "IQD"), money.New(1, "XXX"), money.New(1, ""), money.New(1, "usd")} {
		if units, err := toUnits(bad); !errors.Is(err, payment.ErrRefused) {
			t.Errorf("%v: %d, %v", bad, units, err)
		}
	}
	for code, units := range map[stripego.Currency]int64{"isk": 150, "ugx": 5, "iqd": 5, "": 1, "zzz": 1} {
		if amount, err := fromUnits(units, code); err == nil {
			t.Errorf("%d %s: %v", units, code, amount)
		}
	}
	if amount, err := fromUnits(1250, "usd"); err != nil || amount != money.New(1250, "USD") {
		t.Errorf("lower case: %v, %v", amount, err)
	}
}

// Both ways give the same for every currency and every amount that its limits allow.
func TestUnitsThereAndBack(t *testing.T) {
	g := &Gateway{}
	for _, code := range currencies() {
		limits := g.Limits(code)
		if !limits.Supported || limits.Step < 1 || limits.Most <= limits.Least || limits.Most%limits.Step != 0 || limits.Least%limits.Step != 0 || limits.Most > money.MaxMinor {
			t.Errorf("%s: %+v", code, limits)
		}
		for _, minor := range []int64{limits.Step, limits.Least, 7 * limits.Step, limits.Most} {
			units, err := toUnits(money.New(minor, code))
			if err != nil || (code != "IDR" && units > most) {
				t.Errorf("%s %d: %d, %v", code, minor, units, err)
			}
			back, err := fromUnits(units, stripego.Currency(code))
			if err != nil || back.Minor != minor {
				t.Errorf("%s %d: back as %v, %v", code, minor, back, err)
			}
		}
		if limits.Step > 1 {
			if units, err := toUnits(money.New(limits.Most+1, code)); err == nil {
				t.Errorf("%s: takes %d beside its step", code, units)
			}
		}
	}
}

// currencies are all that Stripe takes and that our tables of currencies know.
func currencies() []money.Currency {
	var list []money.Currency
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			for c := 'A'; c <= 'Z'; c++ {
				if code := money.Currency([]rune{a, b, c}); digits(code) >= 0 {
					list = append(list, code)
				}
			}
		}
	}
	return list
}

func TestLimits(t *testing.T) {
	if n := len(currencies()); n < 130 {
		t.Errorf("%d currencies", n)
	}
	g := &Gateway{}
	for code, want := range map[money.Currency]payment.Limits{
		"USD": {Supported: true, Least: 50, Most: 99_999_999, Step: 1}, "GBP": {Supported: true, Least: 30, Most: 99_999_999, Step: 1},
		"HUF": {Supported: true, Least: 17500, Most: 99_999_999, Step: 1}, "JPY": {Supported: true, Least: 50, Most: 99_999_999, Step: 1},
		"KWD": {Supported: true, Most: 99_999_990, Step: 10}, "ISK": {Supported: true, Most: 999_999, Step: 1}, "UGX": {Supported: true, Most: 999_999, Step: 1},
		"MGA": {Supported: true, Most: 9_999_999_900, Step: 100}, "IDR": {Supported: true, Most: money.MaxMinor, Step: 1}, "IQD": {}, "XXX": {}, "": {}, "usd": {},
	} {
		if got := g.Limits(code); got != want {
			t.Errorf("%s: %+v, want %+v", code, got, want)
		}
	}
	bounded := &Gateway{config: Config{Currencies: []money.Currency{"USD"}}}
	if !bounded.Limits("USD").Supported || bounded.Limits("EUR").Supported {
		t.Error("the platform's own currencies do not bound what is taken")
	}
}
