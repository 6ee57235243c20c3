package einvoice

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/sheaf-hub/sheaf/hub/money"
)

// EarlyPayment is one offer of a discount for paying early, as the invoice
// words it. Nothing is computed from it.
type EarlyPayment struct {
	Days    int    `json:"days"`            // after the issue date
	Percent string `json:"percent"`         // decimal, "2.25"
	Basis   string `json:"basis,omitempty"` // decimal, what the percentage is of; empty: the payable amount
}

// maxEarly bounds how many offers one invoice may make.
const maxEarly = 20

var (
	skonto       = regexp.MustCompile(`(?i)#SKONTO#TAGE=([0-9]{1,4})#PROZENT=([0-9]{1,3}(?:[.,][0-9]{1,4})?)#(?:BASISBETRAG=(-?[0-9]{1,15}(?:[.,][0-9]{1,4})?)#)?`)
	decimalWords = regexp.MustCompile(`^-?[0-9]{1,15}(\.[0-9]{1,6})?$`)
	numbers      = regexp.MustCompile(`[0-9]+`)
)

// earlyPayments reads the notation that XRechnung prescribes inside the terms
// and the discount terms of CII.
func earlyPayments(terms string, discounts []*node) []EarlyPayment {
	var early []EarlyPayment
	for _, match := range skonto.FindAllStringSubmatch(terms, maxEarly) {
		days, err := strconv.Atoi(match[1])
		if err != nil {
			continue
		}
		early = append(early, EarlyPayment{Days: days, Percent: point(match[2]), Basis: point(match[3])})
	}
	for _, discount := range discounts {
		offer, ok := ciiDiscount(discount)
		if ok && len(early) < maxEarly {
			early = append(early, offer)
		}
	}
	return early
}

func ciiDiscount(discount *node) (EarlyPayment, bool) {
	period := discount.first("BasisPeriodMeasure")
	days, err := strconv.Atoi(period.value())
	unit := strings.ToUpper(period.attr("unitCode"))
	percent := discount.first("CalculationPercent").value()
	if err != nil || days < 0 || days > 9999 || (unit != "DAY" && unit != "") || !decimalWords.MatchString(percent) {
		return EarlyPayment{}, false
	}
	basis := discount.first("BasisAmount").value()
	if !decimalWords.MatchString(basis) {
		basis = ""
	}
	return EarlyPayment{Days: days, Percent: percent, Basis: basis}, true
}

func point(decimal string) string { return strings.ReplaceAll(decimal, ",", ".") }

// plainTerms reads the days of terms that say one thing alone ("Net 30",
// "Payment within 30 days"). Terms with a percentage, a second number or more
// than a few words are for people.
func plainTerms(terms string) (int, bool) {
	if strings.ContainsAny(terms, "%#") || len(terms) > 80 || len(numbers.FindAllString(terms, 3)) > 1 {
		return 0, false
	}
	return money.TermsDays(terms)
}
