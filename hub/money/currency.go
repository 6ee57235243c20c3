package money

import (
	"fmt"
	"strings"

	iso "github.com/bojanz/currency"
)

// Currency is an ISO 4217 alphabetic code in upper case, such as "EUR".
type Currency string

// ParseCurrency accepts a code in any case and answers ErrCurrency for one
// that ISO 4217 does not list (source: the CLDR tables of bojanz/currency).
func ParseCurrency(code string) (Currency, error) {
	upper := strings.ToUpper(strings.TrimSpace(code))
	if !Currency(upper).Valid() {
		return "", fmt.Errorf("%w: %q is not an ISO 4217 code", ErrCurrency, clip(code))
	}
	return Currency(upper), nil
}

// Valid says whether ISO 4217 lists the code as it is written. The empty code
// is not valid, though the tables take it.
func (c Currency) Valid() bool { return c != "" && iso.IsValid(string(c)) }

// Digits is the number of minor digits: 2 for EUR, 0 for JPY, 3 for KWD.
func (c Currency) Digits() int {
	digits, ok := iso.GetDigits(string(c))
	if !ok {
		return 2
	}
	return int(digits)
}

func clip(s string) string {
	const most = 40
	runes := []rune(s)
	if len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return s
}
