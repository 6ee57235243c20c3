package csv

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/sheaf-hub/sheaf/hub/money"
)

var (
	isoDate     = regexp.MustCompile(`^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})$`)
	compactDate = regexp.MustCompile(`^(\d{4})(\d{2})(\d{2})$`)
	threeParts  = regexp.MustCompile(`^(\d{1,2})\s*[-/. ]\s*(\d{1,2})\s*[-/. ]\s*(\d{4}|\d{2})$`)
	dayFirst    = regexp.MustCompile(`^(\d{1,2})(?:st|nd|rd|th)?[-/. ]+(?:de )?(\p{L}+)\.?[-/., ]+(?:de )?(\d{4}|\d{2})$`)
	monthFirst  = regexp.MustCompile(`^(\p{L}+)\.?[-/. ]+(\d{1,2})(?:st|nd|rd|th)?[-/., ]+(\d{4}|\d{2})$`)
	timeOfDay   = regexp.MustCompile(`(?i)[T ,]+\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?\s*(?:[ap]\.?m\.?)?\s*(?:Z|UTC|[+-]\d{2}:?\d{2})?$`)
)

// months are the beginnings of month names in the languages of the headers.
var months = map[string]int{
	"jan": 1, "ene": 1, "januar": 1, "jän": 1, "feb": 2, "fev": 2, "fév": 2, "febr": 2, "mar": 3, "mär": 3, "maa": 3, "mrt": 3, "mrz": 3, "apr": 4, "avr": 4, "abr": 4,
	"may": 5, "mai": 5, "mei": 5, "jun": 6, "juin": 6, "jul": 7, "juil": 7, "aug": 8, "aou": 8, "aoû": 8, "ago": 8, "sep": 9, "set": 9,
	"oct": 10, "okt": 10, "nov": 11, "dec": 12, "dez": 12, "déc": 12, "dic": 12,
}

func monthOf(word string) int {
	runes := []rune(strings.ToLower(word))
	for _, length := range []int{4, 3} {
		if len(runes) >= length {
			if month := months[string(runes[:length])]; month > 0 {
				return month
			}
		}
	}
	return 0
}

// dateParts is a date cell taken apart as far as its order allows.
type dateParts struct {
	first, second int
	year          string
	date          money.Date // set when no order is needed
	short         bool       // a two-digit year
}

func takeDate(cell string) (dateParts, error) {
	text := strings.TrimSpace(strings.ReplaceAll(cell, "\u00a0", " "))
	text = strings.TrimSpace(timeOfDay.ReplaceAllString(text, ""))
	for _, pattern := range []*regexp.Regexp{isoDate, compactDate} {
		if match := pattern.FindStringSubmatch(text); match != nil {
			date, err := dateOf(match[1], match[2], match[3])
			return dateParts{date: date}, err
		}
	}
	if match := threeParts.FindStringSubmatch(text); match != nil {
		first, _ := strconv.Atoi(match[1])  // at most two digits
		second, _ := strconv.Atoi(match[2]) // at most two digits
		return dateParts{first: first, second: second, year: match[3], short: len(match[3]) == 2}, nil
	}
	if match := dayFirst.FindStringSubmatch(text); match != nil && monthOf(match[2]) > 0 {
		return namedMonth(match[1], match[2], match[3])
	}
	if match := monthFirst.FindStringSubmatch(text); match != nil && monthOf(match[1]) > 0 {
		return namedMonth(match[2], match[1], match[3])
	}
	return dateParts{}, fmt.Errorf("%q is not a date; write it like 2026-11-30", clip(cell))
}

func namedMonth(day, month, year string) (dateParts, error) {
	if len(year) == 2 {
		number, err := strconv.Atoi(day)
		return dateParts{first: number, second: monthOf(month), year: year, short: true, date: "named"}, err
	}
	date, err := dateOf(year, strconv.Itoa(monthOf(month)), day)
	return dateParts{date: date}, err
}

func dateOf(year, month, day string) (money.Date, error) {
	pad := func(text string) string {
		if len(text) == 1 {
			return "0" + text
		}
		return text
	}
	return money.ParseDate(year + "-" + pad(month) + "-" + pad(day))
}

// parseDate reads a cell in a known order; order "" serves only cells that
// need none.
func parseDate(cell, order string, yearsTold bool) (money.Date, error) {
	parts, err := takeDate(cell)
	if err != nil {
		return "", err
	}
	if parts.date != "" && !parts.short {
		return parts.date, nil
	}
	day, month, year := parts.first, parts.second, parts.year
	if parts.short && !yearsTold {
		return "", fmt.Errorf("%q has a year of two digits; set DateOrder, or write it like 2026-11-30", clip(cell))
	}
	switch {
	case parts.date == "named":
	case order == OrderMDY:
		day, month = month, day
	case order == OrderYMD && parts.short:
		last, _ := strconv.Atoi(parts.year) // two digits
		day, year = last, fmt.Sprintf("%02d", parts.first)
	case order == OrderYMD:
		return "", fmt.Errorf("%q does not begin with the year", clip(cell))
	case order == "" && day != month:
		return "", fmt.Errorf("%q can be read in two ways; set DateOrder", clip(cell))
	}
	if len(year) == 2 {
		year = century(year)
	}
	date, err := dateOf(year, strconv.Itoa(month), strconv.Itoa(day))
	if err != nil {
		return "", fmt.Errorf("%q is not a date in the order %s", clip(cell), order)
	}
	return date, nil
}

func century(short string) string {
	if number, err := strconv.Atoi(short); err == nil && number >= pivot {
		return "19" + short
	}
	return "20" + short
}

// dateEvidence gathers what a column proves of its order.
type dateEvidence struct {
	dmy, mdy  string // a value that proves it
	unclear   string // a value that can be read both ways
	shortYear string // a value with a two-digit year
}

func (e *dateEvidence) look(cell string) {
	parts, err := takeDate(cell)
	if err != nil {
		return
	}
	if parts.short && e.shortYear == "" {
		e.shortYear = cell
	}
	if parts.date != "" {
		return
	}
	switch {
	case parts.first > 12 && parts.second <= 12:
		e.dmy = cell
	case parts.second > 12 && parts.first <= 12:
		e.mdy = cell
	case parts.first != parts.second: // 03/03/2026 is one day either way
		e.unclear = cell
	}
}

// order answers the proven order, or the question to ask.
func (e *dateEvidence) order(column string) (string, *AmbiguousError) {
	ask := func(reason string) (string, *AmbiguousError) {
		return "", &AmbiguousError{Column: column, Option: "DateOrder", Reason: reason + "; set the date order to dmy, mdy or ymd"}
	}
	switch {
	case e.shortYear != "":
		return ask(fmt.Sprintf("%q has a year of two digits", clip(e.shortYear)))
	case e.dmy != "" && e.mdy != "":
		return ask(fmt.Sprintf("%q has the day first and %q the month first", clip(e.dmy), clip(e.mdy)))
	case e.dmy != "":
		return OrderDMY, nil
	case e.mdy != "":
		return OrderMDY, nil
	case e.unclear != "":
		return ask(fmt.Sprintf("%q can be day or month first, and no other value decides it", clip(e.unclear)))
	}
	return "", nil
}
