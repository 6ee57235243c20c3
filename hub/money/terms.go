package money

import (
	"regexp"
	"strconv"
	"strings"
)

var netDays = regexp.MustCompile(`(?i)\b(?:net|n|due in|within|payable in)\s*[/:]?\s*(\d{1,3})\b`)
var bareDays = regexp.MustCompile(`(?i)^\s*(\d{1,3})\s*(?:days?|d)\b`)

// notPlain marks terms whose days do not count from the invoice's date in
// calendar days: "Net 30 EOM", "net 2 months", "10 business days".
var notPlain = regexp.MustCompile(`(?i)\b(?:eom|mfi|months?|weeks?|years?|prox\w*|(?:business|working|banking) days?)\b`)

// TermsDays reads the days of plain payment terms: "Net 30", "2/10 n/30",
// "30 days", "due on receipt" (0). Anything else is not understood and false,
// the end of a month and days after a receipt too: a due date is never guessed.
func TermsDays(terms string) (int, bool) {
	lower := strings.ToLower(terms)
	if strings.Contains(lower, "receipt") || strings.Contains(lower, "immediate") {
		return 0, !strings.ContainsAny(terms, "0123456789")
	}
	if notPlain.MatchString(terms) {
		return 0, false
	}
	for _, pattern := range []*regexp.Regexp{netDays, bareDays} {
		if match := pattern.FindStringSubmatch(terms); match != nil {
			days, err := strconv.Atoi(match[1])
			return days, err == nil
		}
	}
	return 0, false
}
