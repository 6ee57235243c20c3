package csv

import "testing"

func TestAmountCells(t *testing.T) {
	for _, test := range []struct{ cell, mark, want, currency string }{
		{"1,234.50", ".", "1234.50", ""}, {"1.234,50", ",", "1234.50", ""}, {"1 234,50", ",", "1234.50", ""}, {"1\u202f234,50", ",", "1234.50", ""},
		{"1'234.50", ".", "1234.50", ""}, {"1’234.50", ".", "1234.50", ""}, {"1,23,456.00", ".", "123456.00", ""}, {"1.234.567", ",", "1234567", ""},
		{"-5", ".", "-5", ""}, {"5-", ".", "-5", ""}, {"(5.00)", ".", "-5.00", ""}, {"\u22125", ".", "-5", ""}, {"5.00 CR", ".", "-5.00", ""}, {"5.00 DR", ".", "5.00", ""},
		{"100.-", ".", "100", ""}, {"100,--", ",", "100", ""}, {"CHF 100.–", ".", "100", "CHF"}, {"+7", ".", "7", ""},
		{"€5", ".", "5", "EUR"}, {"5 €", ".", "5", "EUR"}, {"EUR 5.00", ".", "5.00", "EUR"}, {"5 eur", ".", "5", "EUR"}, {"-$5", ".", "-5", "$"}, {"US$ 5", ".", "5", "USD"},
		{"5 zł", ",", "5", "PLN"}, {"5 kr", ",", "5", "kr"}, {"($1,000.00)", ".", "-1000.00", "$"},
	} {
		n, err := takeApart(test.cell)
		if err != nil {
			t.Errorf("%q: %v", test.cell, err)
			continue
		}
		if got, err := n.decimal(test.mark); err != nil || got != test.want || n.currency != test.currency {
			t.Errorf("%q: %q %q %v, want %q %q", test.cell, got, n.currency, err, test.want, test.currency)
		}
	}
	for _, cell := range []string{"", "-", "five", "5 5 EUR USD", "EUR 5 USD", "5e3", "1 apple", "--", "12 %", "0x10"} {
		if n, err := takeApart(cell); err == nil {
			if got, err := n.decimal("."); err == nil && got != "" {
				t.Errorf("%q was read as %q", cell, got)
			}
		}
	}
	for _, wrong := range []struct{ cell, mark string }{{"1.234.50", "."}, {"12,34.50", "."}, {"1,234,56", "."}, {"1.234,50", "."}, {"1 23", "."}, {"1,234.567,8", "."}} {
		n, err := takeApart(wrong.cell)
		if err != nil {
			continue
		}
		if got, err := n.decimal(wrong.mark); err == nil {
			t.Errorf("%q with %q was read as %q", wrong.cell, wrong.mark, got)
		}
	}
}

func TestMarkEvidence(t *testing.T) {
	for body, want := range map[string]string{"5": "", "1,234": "?", "1.234": "?", "1,23": ",", "1.5": ".", "1.234,5": ",", "1,234.5": ".", "1.234.567": ",",
		"1,234,567": ".", "0.123": ".", "1234.567": ".", "1'234.567": ".", "12,345": "?"} {
		if got := markEvidence(body); got != want {
			t.Errorf("%q proves %q, want %q", body, got, want)
		}
	}
}
