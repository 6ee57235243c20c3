// Package money holds what every room shares and none owns: amounts in whole
// minor units, currencies, exact splits, and the plain dates on which money
// falls due. It imports nothing of Sheaf's.
package money

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Errors of this package; match with errors.Is. Their wrapped text is safe to
// show to whoever sent the value.
var (
	ErrCurrency  = errors.New("unknown currency")
	ErrAmount    = errors.New("not an amount")
	ErrPrecision = errors.New("more digits than the currency has")
	ErrRange     = errors.New("amount out of range")
	ErrMismatch  = errors.New("amounts of different currencies")
)

// MaxMinor bounds every single amount (minor units). It leaves room for ten
// million of the largest in one int64 sum.
const MaxMinor int64 = 900_000_000_000

// Amount is whole minor units of one currency. The zero Amount has no
// currency and adds to any.
type Amount struct {
	Minor    int64
	Currency Currency
}

// New makes an amount from minor units.
func New(minor int64, currency Currency) Amount { return Amount{Minor: minor, Currency: currency} }

// Parse reads a decimal string in major units ("125.00", "-3", "0.5") exactly.
// It answers ErrAmount for anything else (exponents, grouping, signs other
// than one leading minus), ErrPrecision when a digit would be lost, ErrRange
// beyond MaxMinor, ErrCurrency for a currency that does not exist.
func Parse(decimal string, currency Currency) (Amount, error) {
	if !currency.Valid() {
		return Amount{}, fmt.Errorf("%w: %q is not an ISO 4217 code", ErrCurrency, clip(string(currency)))
	}
	minor, err := parseMinor(decimal, currency.Digits())
	if err != nil {
		return Amount{}, err
	}
	return Amount{Minor: minor, Currency: currency}, nil
}

func parseMinor(decimal string, digits int) (int64, error) {
	body, negative := strings.CutPrefix(decimal, "-")
	whole, fraction, dotted := strings.Cut(body, ".")
	if !allDigits(whole) || (dotted && !allDigits(fraction)) {
		return 0, fmt.Errorf("%w: %q; write it like 1250.00", ErrAmount, clip(decimal))
	}
	kept := strings.TrimRight(fraction, "0")
	if len(kept) > digits {
		return 0, fmt.Errorf("%w: %q has %d, the currency has %d", ErrPrecision, clip(decimal), len(kept), digits)
	}
	joined := strings.TrimLeft(whole+kept+strings.Repeat("0", digits-len(kept)), "0")
	if joined == "" {
		return 0, nil
	}
	minor, err := strconv.ParseInt(joined, 10, 64)
	if err != nil || minor > MaxMinor {
		return 0, fmt.Errorf("%w: %q", ErrRange, clip(decimal))
	}
	if negative {
		minor = -minor
	}
	return minor, nil
}

func allDigits(s string) bool {
	if s == "" {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// Decimal writes major units with exactly the currency's digits: "125.00",
// "-3", "0.500". Parse reads it back to the same amount.
func (a Amount) Decimal() string {
	digits := a.Currency.Digits()
	sign := ""
	if a.Minor < 0 {
		sign = "-"
	}
	text := strconv.FormatUint(magnitude(a.Minor), 10)
	if digits == 0 {
		return sign + text
	}
	if missing := digits + 1 - len(text); missing > 0 {
		text = strings.Repeat("0", missing) + text
	}
	cut := len(text) - digits
	return sign + text[:cut] + "." + text[cut:]
}

// Grouped is Decimal with thousands separated by commas: "1,234,567.00".
func (a Amount) Grouped() string {
	whole, fraction, dotted := strings.Cut(a.Decimal(), ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "\u2212", whole[1:]
	}
	var out strings.Builder
	out.WriteString(sign)
	for i, digit := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			out.WriteByte(',')
		}
		out.WriteRune(digit)
	}
	if dotted {
		out.WriteString("." + fraction)
	}
	return out.String()
}

// String is what people read: the currency, then the grouped amount, with a
// no-break space between them so that a line never ends after "EUR".
func (a Amount) String() string {
	if a.Currency == "" {
		return a.Grouped()
	}
	return string(a.Currency) + "\u00a0" + a.Grouped()
}

// Add answers ErrMismatch for two currencies and ErrRange on overflow.
func (a Amount) Add(b Amount) (Amount, error) {
	currency := a.Currency
	switch {
	case currency == "":
		currency = b.Currency
	case b.Currency != "" && b.Currency != currency:
		return Amount{}, fmt.Errorf("%w: %s and %s", ErrMismatch, a.Currency, b.Currency)
	}
	if (b.Minor > 0 && a.Minor > math.MaxInt64-b.Minor) || (b.Minor < 0 && a.Minor < math.MinInt64-b.Minor) {
		return Amount{}, ErrRange
	}
	return Amount{Minor: a.Minor + b.Minor, Currency: currency}, nil
}

// Neg is the amount with its sign turned.
func (a Amount) Neg() Amount { return Amount{Minor: -a.Minor, Currency: a.Currency} }

// Zero says whether nothing is owed either way.
func (a Amount) Zero() bool { return a.Minor == 0 }

// Positive says whether the amount is more than nothing.
func (a Amount) Positive() bool { return a.Minor > 0 }

func magnitude(n int64) uint64 {
	if n < 0 {
		return uint64(-(n + 1)) + 1
	}
	return uint64(n)
}
