package tryton

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sheaf-hub/sheaf/hub/money"
)

// What JSON does not have comes as an object with its class
// (trytond/protocols/jsonrpc.py, JSONEncoder).

// decimal is a number to the digit, as text without an exponent; empty: none.
type decimal string

// mostDigits bounds a number: Tryton's own fields have sixteen digits.
const mostDigits = 40

// UnmarshalJSON implements json.Unmarshaler.
func (d *decimal) UnmarshalJSON(raw []byte) error {
	if string(raw) == "null" {
		*d = ""
		return nil
	}
	var object struct {
		Class   string `json:"__class__"`
		Decimal string `json:"decimal"`
	}
	text := ""
	var number json.Number
	switch {
	case json.Unmarshal(raw, &object) == nil && object.Class == "Decimal":
		text = object.Decimal
	case json.Unmarshal(raw, &number) == nil && len(raw) > 0 && raw[0] != '"':
		text = number.String()
	default:
		return fmt.Errorf("no number: %.60s", raw)
	}
	plain, err := withoutExponent(text)
	if err != nil {
		return err
	}
	*d = decimal(plain)
	return nil
}

// withoutExponent writes out what Python writes with an exponent when a number has
// few digits and many zeros: 1E+3, 0E-8.
func withoutExponent(text string) (string, error) {
	bad := fmt.Errorf("no number: %.60q", text)
	mantissa, exponent, _ := strings.Cut(strings.ToUpper(text), "E")
	shift := 0
	if mantissa != strings.ToUpper(text) {
		n, err := strconv.Atoi(exponent)
		if err != nil || n < -mostDigits || n > mostDigits {
			return "", bad
		}
		shift = n
	}
	digits, negative := strings.CutPrefix(mantissa, "-")
	whole, fraction, _ := strings.Cut(digits, ".")
	if whole+fraction == "" || len(whole)+len(fraction) > mostDigits || strings.Trim(whole+fraction, "0123456789") != "" {
		return "", bad
	}
	if shift > 0 {
		fraction += strings.Repeat("0", max(0, shift-len(fraction)))
		whole, fraction = whole+fraction[:shift], fraction[shift:]
	}
	if shift < 0 {
		whole = strings.Repeat("0", max(0, -shift-len(whole))) + whole
		at := len(whole) + shift
		whole, fraction = whole[:at], whole[at:]+fraction
	}
	if whole = strings.TrimLeft(whole, "0"); whole == "" {
		whole = "0"
	}
	if fraction != "" {
		whole += "." + fraction
	}
	if negative {
		whole = "-" + whole
	}
	return whole, nil
}

// amount reads a number as money. Zeros behind the currency's digits say nothing.
func (d decimal) amount(currency money.Currency) (money.Amount, error) {
	text := string(d)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return money.Parse(text, currency)
}

func wireDecimal(amount money.Amount) map[string]any {
	return map[string]any{"__class__": "Decimal", "decimal": amount.Decimal()}
}

// moment is a date or an instant of the server's clock, which is UTC; zero: none.
type moment struct{ time.Time }

type momentWire struct {
	Class       string `json:"__class__"`
	Year        int    `json:"year"`
	Month       int    `json:"month"`
	Day         int    `json:"day"`
	Hour        int    `json:"hour"`
	Minute      int    `json:"minute"`
	Second      int    `json:"second"`
	Microsecond int    `json:"microsecond"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (m *moment) UnmarshalJSON(raw []byte) error {
	if string(raw) == "null" {
		*m = moment{}
		return nil
	}
	var wire momentWire
	if err := json.Unmarshal(raw, &wire); err != nil || (wire.Class != "date" && wire.Class != "datetime") || wire.Year < 1 || wire.Year > 9999 {
		return fmt.Errorf("no date: %.60s", raw)
	}
	at := time.Date(wire.Year, time.Month(wire.Month), wire.Day, wire.Hour, wire.Minute, wire.Second, wire.Microsecond*1000, time.UTC)
	if wireDatetime(at) != wire.in("datetime") { // a day or an hour that no calendar has
		return fmt.Errorf("no date: %.60s", raw)
	}
	m.Time = at
	return nil
}

func (w momentWire) in(class string) momentWire {
	w.Class = class
	return w
}

// date is the day alone; empty: none.
func (m moment) date() money.Date {
	if m.IsZero() {
		return ""
	}
	return money.Date(m.Format(time.DateOnly))
}

func wireDatetime(at time.Time) momentWire {
	at = at.UTC()
	return momentWire{"datetime", at.Year(), int(at.Month()), at.Day(), at.Hour(), at.Minute(), at.Second(), at.Nanosecond() / 1000}
}

func wireDate(day time.Time) map[string]any {
	return map[string]any{"__class__": "date", "year": day.Year(), "month": int(day.Month()), "day": day.Day()}
}

// latest is the last of several instants.
func latest(times ...moment) time.Time {
	var last time.Time
	for _, at := range times {
		if at.After(last) {
			last = at.Time
		}
	}
	return last
}

func text(value *string) string {
	if value == nil {
		return ""
	}
	return *value
}
