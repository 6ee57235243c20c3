package workbook

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// format is what a number format says that matters here: whether the number is a
// date, and how many of its digits are shown.
type format struct {
	date     bool
	decimals int    // shown after the point; 0: none, or it does not say
	pad      int    // "00000" shows 42 as 00042; 0: it does not pad
	before   string // fixed text around a padded number: "INV-"
	after    string
	unit     string // a sign or a word that is shown beside the number: "€", "USD"
}

// builtIn is the format that a number below 164 stands for (ECMA-376 part 1,
// 18.8.30), without the currency sign, which depends on whose computer shows it.
func builtIn(id string) string {
	number, err := strconv.Atoi(id)
	if err != nil {
		return ""
	}
	switch {
	case number >= 14 && number <= 17, number == 22, number >= 27 && number <= 31, number == 36, number >= 50 && number <= 54, number == 57, number == 58:
		return "yyyy-mm-dd"
	case number >= 18 && number <= 21, number >= 32 && number <= 35, number >= 45 && number <= 47, number == 55, number == 56:
		return "h:mm"
	case number == 2, number == 4, number == 7, number == 8, number == 39, number == 40, number == 43, number == 44:
		return "0.00"
	}
	return ""
}

// parseFormat reads a format's code (ECMA-376 part 1, 18.8.31), of which the first
// section counts: the one for what is above zero.
func parseFormat(code string) *format {
	f := &format{}
	if strings.HasPrefix(strings.ToLower(code), "general") || len(code) > 500 {
		return f
	}
	s := scan(code)
	f.date = s.day || s.month && !s.time
	if f.date || s.time || s.other {
		return f
	}
	mask := s.mask.String()
	if strings.Contains(mask, "E") || strings.Contains(mask, "%") || strings.Contains(mask, "/") || strings.HasSuffix(mask, ",") {
		return f
	}
	if whole, fraction, has := strings.Cut(mask, "."); has {
		if strings.HasSuffix(whole+fraction, ",") {
			return f
		}
		f.decimals = len(fraction)
	} else if len(mask) > 1 && strings.Trim(mask, "0") == "" {
		f.pad, f.before, f.after = len(mask), s.before.String(), s.after.String()
	}
	if f.unit = s.unit; f.unit == "" {
		f.unit = strings.Trim(s.before.String()+" "+s.after.String(), " -+()")
	}
	return f
}

// scanned is the first section of a format's code, taken apart.
type scanned struct {
	mask                    strings.Builder // 0 # ? . , % / E
	before, after           strings.Builder // fixed text
	unit                    string          // of [$€-407]
	day, month, time, other bool
}

func scan(code string) *scanned {
	s := &scanned{}
	runes := []rune(code)
	for i := 0; i < len(runes); i++ {
		switch r := runes[i]; r {
		case ';':
			return s
		case '"':
			end := i + 1
			for end < len(runes) && runes[end] != '"' {
				end++
			}
			s.literal(string(runes[min(i+1, len(runes)):end]))
			i = end
		case '\\':
			if i++; i < len(runes) {
				s.literal(string(runes[i]))
			}
		case '_', '*':
			i++ // a gap as wide as the next character, or filled with it
		case '[':
			end := i + 1
			for end < len(runes) && runes[end] != ']' {
				end++
			}
			s.bracket(string(runes[i+1 : end]))
			i = end
		default:
			s.sign(r, runes, i)
		}
	}
	return s
}

func (s *scanned) sign(r rune, runes []rune, at int) {
	switch r {
	case '0', '#', '?', '.', ',', '%', '/':
		s.mask.WriteRune(r)
	case 'E', 'e':
		if at+1 < len(runes) && (runes[at+1] == '+' || runes[at+1] == '-') {
			s.mask.WriteRune('E')
		} else {
			s.day = true // a year of an era
		}
	case 'y', 'Y', 'd', 'D', 'b', 'B', 'g':
		s.day = true
	case 'm', 'M':
		s.month = true
	case 'h', 'H', 's', 'S':
		s.time = true
	case '@': // text
		s.other = true
	default:
		s.literal(string(r))
	}
}

func (s *scanned) literal(text string) {
	if s.mask.Len() == 0 {
		s.before.WriteString(text)
	} else {
		s.after.WriteString(text)
	}
}

// bracket reads [$€-407] and [h]; colours and conditions do not matter.
func (s *scanned) bracket(text string) {
	if sign, ok := strings.CutPrefix(text, "$"); ok {
		if at := strings.LastIndexByte(sign, '-'); at >= 0 {
			sign = sign[:at]
		}
		s.unit = strings.TrimSpace(sign)
		return
	}
	if text != "" && strings.Trim(strings.ToLower(text), "hms") == "" {
		s.time = true
	}
}

// serial reads the count of days of a date, "" when it is none. The count has a
// 29 February 1900, which never was, where it begins in 1900.
func serial(raw string, since04 bool) string {
	plain, ok := exact(raw, 0)
	if !ok || strings.HasPrefix(plain, "-") {
		return ""
	}
	whole, _, _ := strings.Cut(plain, ".")
	days, err := strconv.Atoi(whole)
	const last = 2_958_465 // 31 December 9999
	if err != nil || days > last {
		return ""
	}
	begin := time.Date(1899, time.December, 30, 0, 0, 0, 0, time.UTC)
	switch {
	case since04:
		begin = time.Date(1904, time.January, 1, 0, 0, 0, 0, time.UTC)
	case days == 0 || days == 60:
		return ""
	case days < 60:
		days++
	}
	return begin.AddDate(0, 0, days).Format("2006-01-02")
}

var numberPattern = regexp.MustCompile(`^([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]{1,3}))?$`)

// significant is how many digits of a number spreadsheets show and compute with;
// what stands after them is the trace of a binary fraction (0.30000000000000004).
const significant = 15

// exact writes a number as digits without an exponent, as a spreadsheet shows it:
// to 15 significant digits after the point, and to the shown decimals where
// these are at least two. No binary fraction is ever in between.
func exact(raw string, decimals int) (string, bool) {
	match := numberPattern.FindStringSubmatch(strings.TrimSpace(raw))
	if match == nil || match[2]+match[3] == "" || len(raw) > 400 {
		return "", false
	}
	digits, scale := match[2]+match[3], len(match[3])
	if match[4] != "" {
		exponent, err := strconv.Atoi(match[4])
		if err != nil || exponent > 40 || exponent < -340 {
			return "", false
		}
		scale -= exponent
	}
	if scale < 0 {
		digits, scale = digits+strings.Repeat("0", -scale), 0
	}
	digits = strings.TrimLeft(digits, "0")
	digits, scale = round(digits, scale, min(len(digits)-significant, scale))
	if decimals >= 2 {
		digits, scale = round(digits, scale, scale-decimals)
	}
	if len(digits) <= scale {
		digits = strings.Repeat("0", scale-len(digits)+1) + digits
	}
	whole, fraction := digits[:len(digits)-scale], strings.TrimRight(digits[len(digits)-scale:], "0")
	if fraction != "" {
		whole += "." + fraction
	}
	if match[1] == "-" && strings.Trim(whole, "0.") != "" {
		whole = "-" + whole
	}
	return whole, true
}

// round drops the last digits, half away from zero as spreadsheets do.
func round(digits string, scale, drop int) (string, int) {
	if drop <= 0 {
		return digits, scale
	}
	if drop > len(digits) {
		return "", scale - drop
	}
	kept := []byte("0" + digits[:len(digits)-drop])
	if digits[len(digits)-drop] >= '5' {
		for i := len(kept) - 1; ; i-- {
			if kept[i]++; kept[i] <= '9' {
				break
			}
			kept[i] = '0'
		}
	}
	return strings.TrimLeft(string(kept), "0"), scale - drop
}

// padded shows a whole number as its format does: 42 as INV-00042.
func (f *format) padded(number string) (string, bool) {
	if f.pad == 0 || strings.Trim(number, "0123456789") != "" {
		return "", false
	}
	return f.before + strings.Repeat("0", max(f.pad-len(number), 0)) + number + f.after, true
}
