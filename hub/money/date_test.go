package money_test

import (
	"errors"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/money"
)

func TestParseDate(t *testing.T) {
	for _, good := range []string{"2026-11-30", "1900-01-01", "2200-12-31", "2028-02-29"} {
		if date, err := money.ParseDate(good); err != nil || string(date) != good {
			t.Errorf("%s: %s, %v", good, date, err)
		}
	}
	for _, bad := range []string{"", "2026-02-29", "2026-13-01", "2026-1-2", "30.11.2026", "11/30/2026", "2026-11-30T00:00:00Z", " 2026-11-30", "1899-12-31", "2201-01-01", "2026-11-31"} {
		if date, err := money.ParseDate(bad); !errors.Is(err, money.ErrDate) || date != "" {
			t.Errorf("%q: %s, %v", bad, date, err)
		}
	}
}

func FuzzParseDate(f *testing.F) {
	f.Add("2026-11-30")
	f.Fuzz(func(t *testing.T, text string) {
		date, err := money.ParseDate(text)
		if err == nil && (date.Time().Format("2006-01-02") != text || date.AddDays(1).AddDays(-1) != date) {
			t.Fatal(text)
		}
	})
}

func TestDateCounts(t *testing.T) {
	leap := money.Date("2028-02-28")
	if leap.AddDays(2) != "2028-03-01" || leap.AddDays(-28) != "2028-01-31" || money.Date("").AddDays(5) != "" {
		t.Fatal("AddDays")
	}
	if leap.DaysUntil("2028-03-01") != 2 || money.Date("2028-03-01").DaysUntil(leap) != -2 || leap.DaysUntil(leap) != 0 {
		t.Fatal("DaysUntil")
	}
	if money.Date("1900-01-01").DaysUntil("2200-12-31") != 109937 {
		t.Fatal("three centuries:", money.Date("1900-01-01").DaysUntil("2200-12-31"))
	}
	auckland := time.FixedZone("NZDT", 13*3600)
	if got := money.DateOf(time.Date(2026, 11, 30, 11, 30, 0, 0, time.UTC), auckland); got != "2026-12-01" {
		t.Fatal(got)
	}
	for _, c := range [][3]string{{"2026-11-30", "2026-01-01", "30 Nov"}, {"2025-11-03", "2026-01-01", "3 Nov 2025"}, {"", "2026-01-01", "no date"}} {
		if got := money.Date(c[0]).Human(money.Date(c[1])); got != c[2] {
			t.Errorf("%v: %s", c, got)
		}
	}
	if !money.Date("").Time().IsZero() {
		t.Fatal("no date has a time")
	}
}

func TestDateInTheDatabase(t *testing.T) {
	if value, err := money.Date("").Value(); value != nil || err != nil {
		t.Fatal(value, err)
	}
	if value, err := money.Date("2026-11-30").Value(); value != "2026-11-30" || err != nil {
		t.Fatal(value, err)
	}
	for _, source := range []any{"2026-11-30", []byte("2026-11-30"), "2026-11-30 00:00:00+00:00", time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)} {
		var date money.Date
		if err := date.Scan(source); err != nil || date != "2026-11-30" {
			t.Errorf("%v: %s, %v", source, date, err)
		}
	}
	date := money.Date("2026-11-30")
	if err := date.Scan(nil); err != nil || date != "" {
		t.Fatal(date, err)
	}
	if err := date.Scan(7); !errors.Is(err, money.ErrDate) {
		t.Fatal(err)
	}
}

func TestTermsDaysNeverGuesses(t *testing.T) {
	for terms, want := range map[string]int{"Net 30": 30, "NET30": 30, "net-30": -1, "2/10 n/30": 30, "2/10 net 30": 30, "30 days": 30, "30d": 30, "Due on receipt": 0,
		"immediate": 0, "Payable within 14 days": 14, "due in 7 days": 7, "Net 0": 0, "net: 45": 45, "  60 Days net": 60,
		"": -1, "soon": -1, "Net 1000": -1, "as agreed": -1, "Invoice 30": -1, "COD": -1,
		"Net 2 months": -1, "net 2 weeks": -1, "Net 30 EOM": -1, "30 days end of month": -1, "Net 10th prox.": -1, "Net 10 prox": -1,
		"30 days after receipt of goods": -1, "within 10 business days": -1, "net 10 working days": -1} {
		days, ok := money.TermsDays(terms)
		if ok != (want >= 0) || (ok && days != want) {
			t.Errorf("%q: %d %v, want %d", terms, days, ok, want)
		}
	}
}
