package party

import (
	"strings"
	"unicode"
)

// PlainText makes text from outside safe to show beside our own words: no
// control or bidi characters, white space folded, at most limit runes. Text is
// still escaped where it is rendered.
func PlainText(text string, limit int) string {
	return cleanText(text, limit, false)
}

// PlainLines is PlainText that keeps line breaks, for messages.
func PlainLines(text string, limit int) string {
	return cleanText(text, limit, true)
}

func cleanText(text string, limit int, lines bool) string {
	var out strings.Builder
	n, gap, breaks := 0, false, 0
	for _, r := range strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\r\n", "\n") {
		switch {
		case lines && r == '\n':
			breaks++
			continue
		case unicode.IsSpace(r):
			gap = true
			continue
		case unicode.IsControl(r) || bidi(r):
			continue
		}
		if n >= limit {
			break
		}
		if out.Len() > 0 {
			if breaks > 0 {
				out.WriteString(strings.Repeat("\n", min(breaks, 2)))
			} else if gap {
				out.WriteByte(' ')
			}
		}
		gap, breaks = false, 0
		out.WriteRune(r)
		n++
	}
	return out.String()
}

// bidi says whether a rune can turn the direction of what follows, or hides
// (Unicode TR 9 and the zero-width format characters).
func bidi(r rune) bool {
	return (r >= 0x202A && r <= 0x202E) || (r >= 0x2066 && r <= 0x2069) || r == 0x200E || r == 0x200F || r == 0x061C ||
		r == 0x200B || r == 0x2060 || r == 0xFEFF
}
