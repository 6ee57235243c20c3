package money_test

import (
	"errors"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/sheaf-hub/sheaf/hub/money"
)

func TestParseRate(t *testing.T) {
	for text, want := range map[string]money.Rate{"2": 200, "1.5": 150, " 0.25 % ": 25, "100": 10_000, "0": 0, "2.00": 200, "2%": 200} {
		rate, err := money.ParseRate(text)
		if err != nil || rate != want {
			t.Errorf("%q: %d, %v", text, rate, err)
		}
	}
	for _, text := range []string{"", "-1", "-0", "100.01", "1.234", "1,5", "2 %%", "%", "two", "1e1", "99999999999999999999"} {
		if rate, err := money.ParseRate(text); !errors.Is(err, money.ErrRate) || rate != 0 {
			t.Errorf("%q: %d, %v", text, rate, err)
		}
	}
	for rate, want := range map[money.Rate]string{200: "2", 150: "1.5", 25: "0.25", 1000: "10", 10_000: "100", 5: "0.05", 0: "0"} {
		if rate.Percent() != want || rate.String() != want+"\u00a0%" {
			t.Errorf("%d is written %q", rate, rate.Percent())
		}
		if again, err := money.ParseRate(rate.Percent()); err != nil || again != rate {
			t.Errorf("%d does not read back: %d, %v", rate, again, err)
		}
	}
}

// Of is held against exact arithmetic, for any amount and rate.
func TestRateOfIsExactAndRoundsHalfUp(t *testing.T) {
	for _, c := range []struct {
		rate        money.Rate
		minor, want int64
	}{{200, 10_000, 200}, {200, 25, 1}, {200, 24, 0}, {5000, 1, 1}, {150, 99_999, 1500}, {10_000, money.MaxMinor, money.MaxMinor}, {200, 0, 0}, {200, -5, 0}, {0, 500, 0}, {-3, 500, 0}} {
		if got := c.rate.Of(c.minor); got != c.want {
			t.Errorf("%d of %d: %d, want %d", c.rate, c.minor, got, c.want)
		}
	}
	random := rand.New(rand.NewPCG(7, 11))
	for range 20_000 {
		rate, minor := money.Rate(random.Int64N(10_001)), random.Int64N(money.MaxMinor+1)
		if random.IntN(2) == 0 {
			minor = random.Int64N(1000)
		}
		twice := new(big.Int).Mul(big.NewInt(minor), big.NewInt(2*int64(rate)))
		want := twice.Add(twice, big.NewInt(10_000)).Div(twice, big.NewInt(20_000)).Int64()
		if got := rate.Of(minor); got != want || got < 0 || got > minor {
			t.Fatalf("%d of %d: %d, want %d", rate, minor, got, want)
		}
	}
}

func TestDiscountTerms(t *testing.T) {
	for terms, want := range map[string]struct {
		rate money.Rate
		days int
	}{
		"2/10 net 30": {200, 10}, "2/10 n/30": {200, 10}, "2/10, net 30": {200, 10}, "2%/10 net 30": {200, 10}, "1.5/15 Net 45": {150, 15},
		"2/10 days, net 30 days": {200, 10}, "Terms: 3/7 N30": {300, 7}, "2% 10 days, net 30": {200, 10}, "2% 10, net 30": {200, 10},
		"2 % Skonto 10 Tage": {200, 10}, "2,5 % Skonto bei Zahlung innerhalb von 14 Tagen": {250, 14}, "10 Tage 2 % Skonto": {200, 10},
		"10 Tage 2% Skonto, 30 Tage netto": {200, 10},
		"10 Tage 2% Skonto 30 Tage netto":  {200, 10}, "30 Tage netto, 2% Skonto 10 Tage": {200, 10}, "netto 30 Tage 2% Skonto 10 Tage": {200, 10}, "2% discount if paid within 10 days": {200, 10}, "Within 8 days 3% discount": {300, 8},
		"2% 10 Net 30": {200, 10}, "#SKONTO#TAGE=14#PROZENT=2.00#": {200, 14}, "zahlbar innerhalb von 8 Tagen mit 2 % Abzug": {200, 8},
	} {
		rate, days, ok := money.DiscountTerms(terms)
		if !ok || rate != want.rate || days != want.days {
			t.Errorf("%q: %v in %d days, %t", terms, rate, days, ok)
		}
	}
	for _, terms := range []string{"", "Net 30", "30 days", "due on receipt", "2/10", "2/10/2026", "2/10/26 net 30", "2/10 EOM", "2/10 net 30 EOM", "2% 10 days",
		"2% per month interest after 10 days", "1.5% late fee after 30 days", "2/10, 1/20, net 30", "3% 7 days, 2% 14 days, net 30", "2% discount within 10 business days",
		"2 % Skonto 10 Werktage", "5% Verzugszinsen nach 10 Tagen", "0/10 net 30", "2/0 net 30", "80% discount 10 days", "2/40 net 30", "19% VAT, 10 days net 10",
		"50/50, net 30", "5% retention 10 days, net 30", "#SKONTO#TAGE=14#PROZENT=2.00#BASISBETRAG=100.00#", "#SKONTO#TAGE=7#PROZENT=3.00#\n#SKONTO#TAGE=14#PROZENT=2.00#",
		"no discount, 2% 10 days net 30", "kein Skonto 2 % 10 Tage", "netto 30 Tage, 2% Skonto", "netto 30 Tage 2% Skonto", "net 30, 2 payments / 10"} {
		if rate, days, ok := money.DiscountTerms(terms); ok || rate != 0 || days != 0 {
			t.Errorf("%q is understood as %v in %d days", terms, rate, days)
		}
	}
}

func FuzzDiscountTerms(f *testing.F) {
	for _, seed := range []string{"2/10 net 30", "2% 10 days, net 30", "2 % Skonto 10 Tage", "10 Tage 2,5 % Skonto", "#SKONTO#TAGE=14#PROZENT=2.00#", "Net 30", "%/", "2/2/2 net 2"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, terms string) {
		rate, days, ok := money.DiscountTerms(terms)
		if !ok && (rate != 0 || days != 0) {
			t.Fatalf("%q is not understood, and is %v in %d days", terms, rate, days)
		}
		if ok && (rate <= 0 || rate > money.MostDiscount || days <= 0 || days > 999) {
			t.Fatalf("%q: %v in %d days", terms, rate, days)
		}
	})
}
