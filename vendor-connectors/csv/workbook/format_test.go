package workbook

import "testing"

func TestExact(t *testing.T) {
	for _, c := range []struct {
		raw      string
		decimals int
		want     string
	}{
		{"1234.5600000000001", 0, "1234.56"}, {"0.30000000000000004", 0, "0.3"}, {"1E-3", 0, "0.001"}, {"1.5e3", 0, "1500"}, {"-0", 0, "0"}, {"-0.004", 2, "0"},
		{"12345678901234567890", 0, "12345678901234567890"}, {"33.335", 2, "33.34"}, {"33.335", 1, "33.335"}, {"0.995", 2, "1"}, {"9.999", 2, "10"}, {".5", 0, "0.5"},
		{"5.", 0, "5"}, {"0.004", 2, "0"}, {"0.005", 2, "0.01"}, {"1.005", 2, "1.01"}, {"0", 0, "0"}, {"1E-300", 2, "0"}, {"1234.567", 3, "1234.567"},
		{"", 0, "?"}, {"abc", 0, "?"}, {"1E999", 0, "?"}, {"NaN", 0, "?"}, {"1,5", 0, "?"}, {".", 0, "?"},
	} {
		got, ok := exact(c.raw, c.decimals)
		if !ok {
			got = "?"
		}
		if got != c.want {
			t.Errorf("exact(%q, %d) = %q, want %q", c.raw, c.decimals, got, c.want)
		}
	}
}

func TestSerial(t *testing.T) {
	for raw, want := range map[string]string{"1": "1900-01-01", "59": "1900-02-28", "60": "", "61": "1900-03-01", "46329": "2026-11-03", "46329.999": "2026-11-03",
		"2958465": "9999-12-31", "2958466": "", "-1": "", "0": "", "0.5": "", "x": ""} {
		if got := serial(raw, false); got != want {
			t.Errorf("serial(%q) = %q, want %q", raw, got, want)
		}
	}
	if got := serial("44867", true); got != "2026-11-03" {
		t.Errorf("since 1904: %q", got)
	}
}

func TestParseFormat(t *testing.T) {
	for code, want := range map[string]format{
		"General": {}, "": {}, "@": {}, "0.00": {decimals: 2}, "#,##0.00": {decimals: 2}, "#,##0": {}, "0.00%": {}, "0.00E+00": {}, "# ?/?": {},
		"#,##0.00,": {}, "000": {pad: 3}, `"RE-"0000`: {pad: 4, before: "RE-", unit: "RE"}, "yyyy-mm-dd": {date: true}, "d/m/yy;@": {date: true}, "[$-409]mmmm d, yyyy": {date: true},
		"mmm": {date: true}, "h:mm": {}, "[h]:mm:ss": {}, "mm:ss.0": {}, `#,##0.00\ "€"`: {decimals: 2, unit: "€"}, "[$€-407]\\ #,##0.00": {decimals: 2, unit: "€"},
		"[Red]-#,##0.00": {decimals: 2}, `0.00" days"`: {decimals: 2, unit: "days"}, "General\\ \"x\"": {}, `"unclosed`: {unit: "unclosed"}, "[": {}, "\\": {}, "_": {},
		`_-* #,##0.00\ _€_-;\-* #,##0.00\ _€_-`: {decimals: 2},
	} {
		if got := parseFormat(code); *got != want {
			t.Errorf("%q: %+v, want %+v", code, *got, want)
		}
	}
}
