package stripe

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/payment"
)

func line(vendor, number string, minor int64, currency money.Currency) payment.CheckoutLine {
	return payment.CheckoutLine{Vendor: vendor, Number: number, Amount: money.New(minor, currency)}
}

// names are the lines of Stripe's page, with their amounts.
func names(t *testing.T, lines []payment.CheckoutLine, total money.Amount) []string {
	t.Helper()
	items, err := lineItems(lines, total)
	if err != nil {
		t.Fatal(err)
	}
	want, err := toUnits(total)
	if err != nil {
		t.Fatal(err)
	}
	var shown []string
	sum := int64(0)
	for _, item := range items {
		if *item.Quantity != 1 || *item.PriceData.Currency != strings.ToLower(string(total.Currency)) || *item.PriceData.UnitAmount <= 0 || *item.PriceData.ProductData.Name == "" {
			t.Errorf("%+v", item.PriceData)
		}
		sum += *item.PriceData.UnitAmount
		shown = append(shown, fmt.Sprintf("%s %d", *item.PriceData.ProductData.Name, *item.PriceData.UnitAmount))
	}
	if sum != want || len(items) > mostLines {
		t.Errorf("%d lines of %d for %d", len(items), sum, want)
	}
	return shown
}

func TestLinesOfThePage(t *testing.T) {
	two := []payment.CheckoutLine{line("North", "N-1", 100, "USD"), line("South", "S-1", 0, "USD"), line("North", "N-2", 200, "USD")}
	if got := fmt.Sprint(names(t, two, money.New(300, "USD"))); got != "[North · N-1 100 North · N-2 200]" {
		t.Error(got)
	}
	if got := fmt.Sprint(names(t, nil, money.New(300, "USD"))); got != "[Invoices 300]" {
		t.Error(got)
	}
	fractions := []payment.CheckoutLine{line("North", "N-1", 1005, "KWD"), line("North", "N-2", 1005, "KWD"), line("South", "S-1", 500, "KWD")}
	if got := fmt.Sprint(names(t, fractions, money.New(2510, "KWD"))); got != "[North · 2 invoices 2010 South · 1 invoice 500]" {
		t.Error(got)
	}
	odd := []payment.CheckoutLine{line("North", "N-1", 1005, "KWD"), line("South", "S-1", 1005, "KWD")}
	if got := fmt.Sprint(names(t, odd, money.New(2010, "KWD"))); got != "[2 invoices of 2 vendors 2010]" {
		t.Error(got)
	}
	var many []payment.CheckoutLine
	for i := range 240 {
		many = append(many, line(fmt.Sprintf("Vendor %d", i%3), fmt.Sprintf("I-%d", i), 10, "USD"))
	}
	if got := names(t, many, money.New(2400, "USD")); len(got) != 3 || got[0] != "Vendor 0 · 80 invoices 800" {
		t.Error(got)
	}
	for i := range many {
		many[i].Vendor = fmt.Sprintf("Vendor %d", i)
	}
	if got := names(t, many, money.New(2400, "USD")); len(got) != 1 || got[0] != "240 invoices of 240 vendors 2400" {
		t.Error(got)
	}
	if got := names(t, many[:100], money.New(1000, "USD")); len(got) != 100 {
		t.Errorf("%d lines of a hundred", len(got))
	}
	long := []payment.CheckoutLine{line(strings.Repeat("ü", 400), "1", 5, "USD")}
	if got := names(t, long, money.New(5, "USD")); len([]rune(got[0])) != mostName+len(" 5") {
		t.Errorf("%d characters", len([]rune(got[0])))
	}
}

// Whatever the lines are, the page comes to the payment's amount or is refused.
func TestAnyLinesComeToTheAmount(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		currency := []money.Currency{"USD", "JPY", "KWD", "ISK", "MGA"}[random.IntN(5)]
		var lines []payment.CheckoutLine
		sum := int64(0)
		for i := range random.IntN(140) + 1 {
			minor := random.Int64N(3000) - 100
			sum += minor
			lines = append(lines, line(fmt.Sprintf("V%d", random.IntN(130)), fmt.Sprint(i), minor, currency))
		}
		total := money.New(sum, currency)
		if _, err := positive(total); err != nil {
			if _, err := lineItems(lines, total); !errors.Is(err, payment.ErrRefused) {
				t.Errorf("%s: %v", total, err)
			}
			continue
		}
		names(t, lines, total)
	}
}
