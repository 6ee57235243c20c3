package ui

import (
	"fmt"
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sheaf-hub/sheaf/hub/money"
)

// DueIn says how a due date stands to today: "12 days overdue", "due today",
// "due tomorrow", "due in 5 days". Empty for no date.
func DueIn(due, today money.Date) string {
	if due == "" || today == "" {
		return ""
	}
	switch days := today.DaysUntil(due); {
	case days < -1:
		return strconv.Itoa(-days) + "\u00a0days overdue"
	case days == -1:
		return "1\u00a0day overdue"
	case days == 0:
		return "due today"
	case days == 1:
		return "due tomorrow"
	default:
		return "due in " + strconv.Itoa(days) + "\u00a0days"
	}
}

// Sentence is the text with its first letter large.
func Sentence(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	if size == 0 {
		return ""
	}
	return string(unicode.ToUpper(first)) + text[size:]
}

// DueTone is the tone that goes with DueIn.
func DueTone(due, today money.Date) Tone {
	if due == "" || today == "" {
		return ToneNeutral
	}
	switch days := today.DaysUntil(due); {
	case days < 0:
		return ToneBad
	case days <= 7:
		return ToneWarn
	default:
		return ToneNeutral
	}
}

// Count is a number with its noun: "1 invoice", "12 invoices".
func Count(n int, one, many string) string {
	if n == 1 {
		return "1\u00a0" + one
	}
	return strconv.Itoa(n) + "\u00a0" + many
}

// MomentText is an instant as people read it, in the zone of at: "22 Nov at
// 09:14", with the year when it is not this one. The zero time gives "never".
func MomentText(at time.Time, today money.Date) string {
	if at.IsZero() {
		return "never"
	}
	return money.DateOf(at, at.Location()).Human(today) + " at " + at.Format("15:04")
}

// Bytes is a file's size: "812 bytes", "34 KB", "1.2 MB".
func Bytes(n int64) string {
	const kilo = 1000
	switch {
	case n < kilo:
		return strconv.FormatInt(n, 10) + " bytes"
	case n < kilo*kilo:
		return strconv.FormatInt((n+kilo/2)/kilo, 10) + " KB"
	default:
		tenths := (n + kilo*kilo/20) / (kilo * kilo / 10)
		return fmt.Sprintf("%d.%d MB", tenths/10, tenths%10)
	}
}
