package money

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"time"
)

// ErrDate is answered for what is not a calendar date written 2026-11-30.
var ErrDate = errors.New("not a date")

// Date is a plain calendar date, written 2026-11-30: it has no time and no
// zone. The empty Date means "none given". Dates compare as strings do.
type Date string

const dateLayout = "2006-01-02"

// ParseDate accepts YYYY-MM-DD between the years 1900 and 2200 and nothing
// else; ErrDate otherwise.
func ParseDate(text string) (Date, error) {
	day, err := time.Parse(dateLayout, text)
	if err != nil || day.Year() < 1900 || day.Year() > 2200 {
		return "", fmt.Errorf("%w: %q; write it like 2026-11-30", ErrDate, clip(text))
	}
	return Date(text), nil
}

// DateOf is the calendar date of an instant in a zone.
func DateOf(instant time.Time, zone *time.Location) Date {
	return Date(instant.In(zone).Format(dateLayout))
}

// Time is midnight UTC of the date; the zero time for the empty Date.
func (d Date) Time() time.Time {
	day, err := time.Parse(dateLayout, string(d))
	if err != nil {
		return time.Time{}
	}
	return day
}

// AddDays is the date n days later (earlier when negative); empty stays empty.
func (d Date) AddDays(n int) Date {
	if d == "" {
		return ""
	}
	return Date(d.Time().AddDate(0, 0, n).Format(dateLayout))
}

// DaysUntil counts the days from d to other; negative when other is earlier.
func (d Date) DaysUntil(other Date) int {
	// not Sub: a Duration ends after 292 years
	return int((other.Time().Unix() - d.Time().Unix()) / (24 * 60 * 60))
}

// Human is "30 Nov", with the year when it is not the year of today:
// "30 Nov 2025". The empty Date gives "no date".
func (d Date) Human(today Date) string {
	if d == "" {
		return "no date"
	}
	if len(today) >= 4 && len(d) >= 4 && d[:4] == today[:4] {
		return d.Time().Format("2 Jan")
	}
	return d.Time().Format("2 Jan 2006")
}

// Value stores the empty Date as NULL.
func (d Date) Value() (driver.Value, error) {
	if d == "" {
		return nil, nil
	}
	return string(d), nil
}

// Scan reads what either database gives: text, or a time at midnight.
func (d *Date) Scan(source any) error {
	switch value := source.(type) {
	case nil:
		*d = ""
	case string:
		*d = Date(firstTen(value))
	case []byte:
		*d = Date(firstTen(string(value)))
	case time.Time:
		*d = Date(value.Format(dateLayout))
	default:
		return fmt.Errorf("%w: a %T in the database", ErrDate, source)
	}
	return nil
}

func firstTen(s string) string {
	if len(s) > len(dateLayout) {
		return s[:len(dateLayout)]
	}
	return s
}
