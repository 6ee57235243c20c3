package mail

import (
	"errors"
	"net/mail"
	"strings"
	"unicode"
)

// ErrAddress is answered for what no mail can reach.
var ErrAddress = errors.New("not a usable e-mail address")

// CleanAddress checks one bare address and gives it in the form in which it is
// compared and stored: trimmed and in lower case. It is stricter than RFC 5322:
// no double quotes, no comments, no spaces, nothing invisible, a domain with a
// dot, at most 254 bytes (RFC 5321, 4.5.3.1). An apostrophe is part of a name.
func CleanAddress(text string) (string, error) {
	text = strings.ToLower(strings.TrimSpace(text))
	if len(text) > 254 || strings.ContainsAny(text, " \t\r\n\"(),:;<>[]\\") || strings.ContainsFunc(text, unseen) {
		return "", ErrAddress
	}
	parsed, err := mail.ParseAddress(text)
	if err != nil || parsed.Address != text {
		return "", ErrAddress
	}
	local, domain, _ := strings.Cut(text, "@")
	if len(local) > 64 || !validDomain(domain) {
		return "", ErrAddress
	}
	return text, nil
}

// unseen are the characters that make two addresses look alike: spaces, control
// and format characters of any script, and what was not UTF-8.
func unseen(r rune) bool {
	return r == unicode.ReplacementChar || unicode.In(r, unicode.C, unicode.Z)
}

func validDomain(domain string) bool {
	labels := strings.Split(domain, ".")
	if len(labels) < 2 {
		return false
	}
	for _, label := range labels {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, r := range label {
			if r < 0x80 && r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') {
				return false
			}
		}
	}
	return true
}
