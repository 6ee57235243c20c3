package money

import (
	"regexp"
	"strconv"
	"strings"
)

var netDays = regexp.MustCompile(`(?i)\b(?:net|n|due in|within|payable in)\s*[/:]?\s*(\d{1,3})\b`)
var bareDays = regexp.MustCompile(`(?i)^\s*(\d{1,3})\s*(?:days?|d)\b`)

// TermsDays reads the days of plain payment terms: "Net 30", "2/10 n/30",
// "30 days", "due on receipt" (0). Anything else is not understood and false:
// a due date is never guessed.
func TermsDays(terms string) (int, bool) {
	lower := strings.ToLower(terms)
	if strings.Contains(lower, "receipt") || strings.Contains(lower, "immediate") {
		return 0, true
	}
	for _, pattern := range []*regexp.Regexp{netDays, bareDays} {
		if match := pattern.FindStringSubmatch(terms); match != nil {
			days, err := strconv.Atoi(match[1])
			return days, err == nil
		}
	}
	return 0, false
}
