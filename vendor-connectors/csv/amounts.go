package csv

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/sheaf-hub/sheaf/hub/money"
)

// number is an amount cell taken apart: what is left of it when sign and
// currency are gone, still with its grouping and decimal marks.
type number struct {
	body     string // digits and marks
	negative bool
	currency string // an ISO code, or a sign such as "$" that stands for several
	exact    bool   // a number of a workbook: with a point, and nothing between thousands
}

// signs that stand for one currency; others need to be told.
var signs = map[string]string{
	"€": "EUR", "£": "GBP", "US$": "USD", "USD$": "USD", "C$": "CAD", "CA$": "CAD", "A$": "AUD", "AU$": "AUD", "NZ$": "NZD",
	"HK$": "HKD", "S$": "SGD", "R$": "BRL", "zł": "PLN", "ZŁ": "PLN", "Kč": "CZK", "₹": "INR", "₽": "RUB", "₺": "TRY", "₪": "ILS",
	"₩": "KRW", "Fr.": "CHF", "SFr.": "CHF", "sFr.": "CHF", "Ft": "HUF",
}

// severalSigns stand for more than one currency.
var severalSigns = map[string]bool{"$": true, "¥": true, "kr": true, "kr.": true, "Kr": true, "Kr.": true}

var (
	numberBody = regexp.MustCompile(`[0-9](?:[0-9.,'’ ]*[0-9])?`)
	drCr       = regexp.MustCompile(`(?i)\s*\b(cr|dr|c|d|h|s)\.?$`)
)

// takeApart splits an amount cell; an error when it is not one.
func takeApart(cell string) (number, error) {
	text := strings.TrimSpace(strings.NewReplacer("\u00a0", " ", "\u202f", " ", "\u2009", " ", "\u2212", "-", "–", "-").Replace(cell))
	n := number{exact: strings.HasPrefix(text, numberMark)}
	text = bare(text)
	if inner, ok := strings.CutPrefix(text, "("); ok {
		if inner, ok = strings.CutSuffix(inner, ")"); ok {
			n.negative, text = true, strings.TrimSpace(inner)
		}
	}
	if mark := drCr.FindStringSubmatch(text); mark != nil {
		if word := strings.ToLower(mark[1]); word == "cr" || word == "c" || word == "h" {
			n.negative = !n.negative
		}
		text = strings.TrimSpace(text[:len(text)-len(mark[0])])
	}
	for _, round := range []string{".--", ",--", ".-", ",-"} { // 100.– is how Swiss and Dutch write 100.00
		if before, ok := strings.CutSuffix(text, round); ok {
			text = before
			break
		}
	}
	at := numberBody.FindStringIndex(text)
	if at == nil {
		return number{}, fmt.Errorf("%q is not an amount", clip(cell))
	}
	n.body = text[at[0]:at[1]]
	for _, part := range []string{text[:at[0]], text[at[1]:]} {
		part = strings.TrimSpace(part)
		if strings.Contains(part, "-") {
			part = strings.TrimSpace(strings.Replace(part, "-", "", 1))
			n.negative = !n.negative
		}
		part = strings.TrimSpace(strings.TrimPrefix(part, "+"))
		if part == "." || part == "" {
			continue
		}
		if err := n.name(part); err != nil {
			return number{}, fmt.Errorf("%q is not an amount", clip(cell))
		}
	}
	return n, nil
}

// name takes what stands beside the digits as the currency.
func (n *number) name(part string) error {
	code, known := signs[part]
	if !known && severalSigns[part] {
		code = part
	} else if !known {
		currency, err := money.ParseCurrency(part)
		if err != nil {
			return err
		}
		code = string(currency)
	}
	if n.currency != "" && n.currency != code {
		return fmt.Errorf("two currencies")
	}
	n.currency = code
	return nil
}

// markEvidence is what one number proves of the decimal mark: "." or ",", ""
// for nothing, "?" for a number such as 1,234 that can be read both ways.
func markEvidence(body string) string {
	dot, comma := strings.Count(body, "."), strings.Count(body, ",")
	switch {
	case dot == 0 && comma == 0:
		return ""
	case dot > 0 && comma > 0:
		if strings.LastIndexByte(body, '.') > strings.LastIndexByte(body, ',') {
			return "."
		}
		return ","
	case dot > 1:
		return ","
	case comma > 1:
		return "."
	}
	mark, at := ".", strings.IndexByte(body, '.')
	if comma == 1 {
		mark, at = ",", strings.IndexByte(body, ',')
	}
	before, after := body[:at], body[at+1:]
	grouped := len(after) == 3 && len(before) <= 3 && !strings.HasPrefix(before, "0")
	if grouped && !strings.ContainsAny(body, "'’ ") {
		return "?"
	}
	return mark
}

var groups = regexp.MustCompile(`^[0-9]{1,3}(?:G[0-9]{2,3})*G[0-9]{3}$`)

// decimal rewrites a number with a known decimal mark as money.Parse reads it.
func (n number) decimal(mark string) (string, error) {
	if n.exact {
		mark = "."
	}
	whole, fraction, marked := n.body, "", false
	if at := strings.LastIndex(n.body, mark); at >= 0 {
		whole, fraction, marked = n.body[:at], n.body[at+len(mark):], true
	}
	compact := strings.NewReplacer(".", "G", ",", "G", "'", "G", "’", "G", " ", "G").Replace(whole)
	if strings.Contains(compact, "G") && (!groups.MatchString(compact) || mixedGroups(whole, mark)) {
		return "", fmt.Errorf("%q is not an amount with the decimal mark %q", clip(n.body), mark)
	}
	if marked && strings.Trim(fraction, "0123456789") != "" {
		return "", fmt.Errorf("%q is not an amount with the decimal mark %q", clip(n.body), mark)
	}
	text := strings.ReplaceAll(compact, "G", "")
	if fraction != "" {
		text += "." + fraction
	}
	if n.negative {
		text = "-" + text
	}
	return text, nil
}

// mixedGroups says whether thousands are separated in two ways, or by the
// decimal mark itself.
func mixedGroups(whole, mark string) bool {
	kinds := 0
	for _, separator := range []string{".", ",", "'", "’", " "} {
		if strings.Contains(whole, separator) {
			kinds++
			if separator == mark {
				return true
			}
		}
	}
	return kinds > 1
}

func clip(text string) string {
	const most = 60
	text = bare(text)
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}
