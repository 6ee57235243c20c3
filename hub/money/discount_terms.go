package money

import (
	"regexp"
	"strconv"
	"strings"
)

const (
	percentage = `(\d{1,2}(?:[.,]\d{1,2})?)`
	daysOf     = `(\d{1,3})`
)

// slashed is "2/10 net 30", "2%/10 n/30".
var slashed = regexp.MustCompile(`(?i)(?:^|[^\d.,/])` + percentage + `\s?%?\s?/\s?` + daysOf + `(?:\s?d(?:ays?)?)?\s?[,;-]?\s?(?:net|n)(?:\b|\d)`)

// rateFirst is "2% 10 days, net 30" and "2 % Skonto bei Zahlung innerhalb von 10 Tagen".
var rateFirst = regexp.MustCompile(`(?i)(?:^|[^\d.,/])` + percentage + `\s?%[^\d%,;]{0,60}?\b` + daysOf + `\s?(?:d|days?|tagen?)\b`)

// rateBeforeNet is "2% 10, net 30".
var rateBeforeNet = regexp.MustCompile(`(?i)(?:^|[^\d.,/])` + percentage + `\s?%\s?` + daysOf + `\s?,?\s?(?:net|n)\b`)

// daysFirst is "10 Tage 2 % Skonto", "within 10 days 2% discount".
var daysFirst = regexp.MustCompile(`(?i)\b` + daysOf + `\s?(?:d|days?|tagen?)\b[^\d%,;]{0,60}?[^\d.,/]` + percentage + `\s?%`)

// structured is how XRechnung writes it: "#SKONTO#TAGE=10#PROZENT=2.00#".
var structured = regexp.MustCompile(`(?i)^\s*#SKONTO#TAGE=` + daysOf + `#PROZENT=` + percentage + `#\s*$`)

// says marks terms that speak of a discount; where they do not, they must name the
// net days beside it.
var says = regexp.MustCompile(`(?i)\b(?:discount|skonto|abzug|rebate)`)
var saysNet = regexp.MustCompile(`(?i)\b(?:net|n)\s?/?\s?\d`)

// saysOtherwise marks terms whose percentage is none of a discount, as of interest
// and fees, or whose days are not calendar days from the invoice's date.
var saysOtherwise = regexp.MustCompile(`(?i)\b(?:interest|late|penalt\w*|fees?|surcharge|overdue|per annum|p\.?\s?a\.|annual\w*|monthly|after|verzug\w*|zins\w*|mahn\w*|gebühr\w*|nach|tax|vat|mwst|ust|deposit|anzahlung|retention|werktage?n?|arbeitstage?n?|bankarbeitstage?n?|monat\w*|wochen?|no discount|ohne|kein\w*)\b`)

var fractions = regexp.MustCompile(`\d\s?%?\s?/\s?\d`)

// DiscountTerms reads the discount for early payment out of plain payment
// terms, as a rate and the number of days from the invoice's date in which it
// may be taken: "2/10 net 30", "2% 10 days, net 30", "2 % Skonto 10 Tage",
// "#SKONTO#TAGE=10#PROZENT=2.00#". Anything else is not understood and false:
// two discounts in one sentence, the end of a month, working days, and whatever
// speaks of interest or fees. A discount is never guessed.
func DiscountTerms(terms string) (Rate, int, bool) {
	if len(terms) > 300 || notPlain.MatchString(terms) || saysOtherwise.MatchString(terms) ||
		strings.Count(terms, "%") > 1 || len(fractions.FindAllString(terms, 2)) > 1 {
		return 0, 0, false
	}
	if match := structured.FindStringSubmatch(terms); match != nil {
		return discountOf(match[2], match[1], terms)
	}
	if match := slashed.FindStringSubmatch(terms); match != nil {
		return discountOf(match[1], match[2], terms)
	}
	if match := rateBeforeNet.FindStringSubmatch(terms); match != nil {
		return discountOf(match[1], match[2], terms)
	}
	if !says.MatchString(terms) && !saysNet.MatchString(terms) {
		return 0, 0, false
	}
	if at := rateFirst.FindStringSubmatchIndex(terms); at != nil && !netAfter.MatchString(terms[at[1]:]) {
		return discountOf(terms[at[2]:at[3]], terms[at[4]:at[5]], terms)
	}
	if at := daysFirst.FindStringSubmatchIndex(terms); at != nil && says.MatchString(terms) && !netBefore.MatchString(terms[:at[0]]) {
		return discountOf(terms[at[4]:at[5]], terms[at[2]:at[3]], terms)
	}
	return 0, 0, false
}

// The days in which an invoice is due without a discount: "netto 30 Tage", "30 Tage netto".
var netAfter, netBefore = regexp.MustCompile(`(?i)^\s?net`), regexp.MustCompile(`(?i)\bnet\w*\s?$`)

// MostDiscount bounds a discount that terms may name: half.
const MostDiscount Rate = 5_000

func discountOf(percent, days, terms string) (Rate, int, bool) {
	rate, err := ParseRate(strings.Replace(percent, ",", ".", 1))
	n, daysErr := strconv.Atoi(days)
	if err != nil || daysErr != nil || rate == 0 || rate > MostDiscount || n == 0 {
		return 0, 0, false
	}
	if net, known := TermsDays(terms); known && netDays.MatchString(terms) && n > net {
		return 0, 0, false // longer than the invoice itself: the numbers mean something else
	}
	return rate, n, true
}
