package tryton

import (
	"encoding/json"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/money"
)

func TestDecimal(t *testing.T) {
	for wire, want := range map[string]string{
		`{"__class__":"Decimal","decimal":"125.00"}`: "125.00", `{"__class__":"Decimal","decimal":"-0.5"}`: "-0.5", `{"__class__":"Decimal","decimal":"0E-8"}`: "0.00000000",
		`{"__class__":"Decimal","decimal":"1E+3"}`: "1000", `{"__class__":"Decimal","decimal":"1.25E+1"}`: "12.5", `{"__class__":"Decimal","decimal":"125E-2"}`: "1.25",
		`{"__class__":"Decimal","decimal":"-12e-3"}`: "-0.012", `7`: "7", `2.5`: "2.5", `null`: "", `{"__class__":"Decimal","decimal":".5"}`: "0.5",
	} {
		var got decimal
		if err := json.Unmarshal([]byte(wire), &got); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v; want %q", wire, got, err, want)
		}
	}
	for _, wire := range []string{`{"__class__":"Decimal","decimal":"NaN"}`, `{"__class__":"Decimal","decimal":"-Infinity"}`, `{"__class__":"Decimal","decimal":""}`, `{"__class__":"Decimal","decimal":"1e999999999"}`,
		`{"__class__":"Decimal","decimal":"1,5"}`, `{"__class__":"Decimal","decimal":"--5"}`, `{"__class__":"date","year":2026}`, `"5"`, `true`, `[]`, `{"__class__":"Decimal","decimal":"` + strings.Repeat("9", 50) + `"}`} {
		var got decimal
		if err := json.Unmarshal([]byte(wire), &got); err == nil {
			t.Errorf("%s: %q, want an error", wire, got)
		}
	}
}

func TestAmountsTakeTheCurrencysDigits(t *testing.T) {
	for _, one := range []struct {
		text     decimal
		currency money.Currency
		minor    int64
	}{{"125.00", "USD", 12500}, {"12000", "JPY", 12000}, {"12000.00", "JPY", 12000}, {"1.2500", "KWD", 1250}, {"-40.00", "USD", -4000}, {"0", "USD", 0}, {"0.00000000", "EUR", 0}} {
		if got, err := one.text.amount(one.currency); err != nil || got.Minor != one.minor {
			t.Errorf("%s %s: %v %v", one.text, one.currency, got, err)
		}
	}
	for text, currency := range map[decimal]money.Currency{"1.5": "JPY", "1.255": "USD", "": "USD"} {
		if got, err := text.amount(currency); err == nil {
			t.Errorf("%q %s: %v, want an error", text, currency, got)
		}
	}
}

func TestMoment(t *testing.T) {
	var at moment
	wire := `{"__class__":"datetime","year":2026,"month":11,"day":27,"hour":23,"minute":26,"second":4,"microsecond":112830}`
	if err := json.Unmarshal([]byte(wire), &at); err != nil || !at.Equal(time.Date(2026, 11, 27, 23, 26, 4, 112830000, time.UTC)) {
		t.Errorf("%v %v", at, err)
	}
	if again, err := json.Marshal(wireDatetime(at.Time)); err != nil || string(again) != wire {
		t.Errorf("%s %v", again, err)
	}
	if err := json.Unmarshal([]byte(`{"__class__":"date","year":2028,"month":2,"day":29}`), &at); err != nil || at.date() != "2028-02-29" {
		t.Errorf("%v %v", at, err)
	}
	if err := json.Unmarshal([]byte(`null`), &at); err != nil || at.date() != "" {
		t.Errorf("%v %v", at, err)
	}
	for _, wire := range []string{`{"__class__":"date","year":2027,"month":2,"day":29}`, `{"__class__":"date","year":0,"month":1,"day":1}`, `{"__class__":"date","year":2027,"month":13,"day":1}`,
		`{"__class__":"datetime","year":2026,"month":1,"day":1,"hour":24}`, `{"__class__":"time","hour":1}`, `"2026-11-27"`, `5`, `{"__class__":"datetime","year":2026,"month":1,"day":1,"microsecond":-1}`} {
		if err := json.Unmarshal([]byte(wire), &at); err == nil {
			t.Errorf("%s: %v, want an error", wire, at)
		}
	}
}

// FuzzDecimal: whatever is taken is a plain number of the same value.
func FuzzDecimal(f *testing.F) {
	for _, seed := range []string{"125.00", "-0.5", "0E-8", "1E+3", "1.25E+1", "NaN", "", ".", "-", "1e", "00.10", "1E-40"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		plain, err := withoutExponent(text)
		if err != nil {
			return
		}
		want, good := new(big.Rat).SetString(text)
		got, plainGood := new(big.Rat).SetString(plain)
		if !good || !plainGood || want.Cmp(got) != 0 || strings.ContainsAny(plain, "eE") {
			t.Fatalf("%q became %q", text, plain)
		}
	})
}

// FuzzMoment: whatever is taken is a day that goes out as it came in.
func FuzzMoment(f *testing.F) {
	f.Add(2026, 11, 27, 23, 26, 4, 112830)
	f.Add(2027, 2, 29, 0, 0, 0, 0)
	f.Fuzz(func(t *testing.T, year, month, day, hour, minute, second, microsecond int) {
		wire := momentWire{"datetime", year, month, day, hour, minute, second, microsecond}
		raw, err := json.Marshal(wire)
		if err != nil {
			t.Fatal(err)
		}
		var at moment
		if json.Unmarshal(raw, &at) == nil && wireDatetime(at.Time) != wire {
			t.Fatalf("%s became %v", raw, at)
		}
	})
}

func TestErrorsOfTrytonAreJudged(t *testing.T) {
	for raw, want := range map[string]string{
		`["UserError",["You are not allowed to access \"Invoice\".","",null]]`: `the books refused the record: Tryton says: You are not allowed to access "Invoice"`,
		`["UserWarning",["name","This is odd.","Go on?"]]`:                     "the books refused the record: Tryton warns, and a person has to decide: This is odd. Go on?",
		`["'account.invoice'",""]`:                                             "the books refused the record: Tryton does not know account.invoice: its module is not activated in this database",
		`["database is locked","Trace"]`:                                       "the books cannot be reached just now: something broke in Tryton at model.account.invoice.search_read: database is locked",
		`["RateLimitException",[]]`:                                            "the books ask to slow down",
		`{}`:                                                                   "the books cannot be reached just now: Tryton answers an error without words",
	} {
		if got := judged(json.RawMessage(raw), false, "model.account.invoice.search_read"); got.Error() != want {
			t.Errorf("%s:\ngot  %s\nwant %s", raw, got, want)
		}
	}
}
