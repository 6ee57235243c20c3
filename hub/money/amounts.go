package money

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// ErrAmounts is answered for what is not a list of amounts with their currencies.
var ErrAmounts = errors.New("not a list of amounts")

// Amounts is at most one amount per currency, in minor units, each more than
// nothing. It is kept as text that people write too: "EUR 5.00, USD 6.00".
type Amounts map[Currency]int64

// mostAmounts bounds how many currencies one list may name.
const mostAmounts = 40

// ParseAmounts reads such a list; empty text is none. ErrAmounts says what is
// wrong, in words for whoever wrote it.
func ParseAmounts(text string) (Amounts, error) {
	list := Amounts{}
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		code, decimal, _ := strings.Cut(strings.ReplaceAll(part, "\u00a0", " "), " ")
		currency, err := ParseCurrency(code)
		if err != nil {
			return nil, fmt.Errorf("%w: %w; write it like EUR 5.00, USD 6.00", ErrAmounts, err)
		}
		amount, err := Parse(strings.TrimSpace(decimal), currency)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrAmounts, err)
		}
		if _, twice := list[currency]; twice || !amount.Positive() || len(list) == mostAmounts {
			return nil, fmt.Errorf("%w: %q; one amount of more than zero for each currency", ErrAmounts, clip(part))
		}
		list[currency] = amount.Minor
	}
	return list, nil
}

// String is the list by currency: "EUR 5.00, USD 6.00".
func (a Amounts) String() string {
	parts := make([]string, 0, len(a))
	for _, currency := range slices.Sorted(maps.Keys(a)) {
		parts = append(parts, string(currency)+" "+New(a[currency], currency).Decimal())
	}
	return strings.Join(parts, ", ")
}

// Value stores the list as its text.
func (a Amounts) Value() (driver.Value, error) { return a.String(), nil }

// Scan reads what Value stored.
func (a *Amounts) Scan(source any) error {
	var text string
	switch value := source.(type) {
	case string:
		text = value
	case []byte:
		text = string(value)
	case nil:
	default:
		return fmt.Errorf("%w: a %T in the database", ErrAmounts, source)
	}
	list, err := ParseAmounts(text)
	*a = list
	return err
}

// MarshalText writes the text, so that JSON holds decimals and not minor units.
func (a Amounts) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (a *Amounts) UnmarshalText(text []byte) error { return a.Scan(text) }
