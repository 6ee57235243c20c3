package connectors

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/net/idna"
)

// AccountSlug makes a stable external id of an account's name, for papers that
// name the buyer but carry no id of it: the same name always gives the same
// slug, whatever its case, spacing and punctuation. An empty name gives "".
func AccountSlug(name string) string {
	const most = 60
	var slug strings.Builder
	gap := false
	for _, r := range strings.ToLower(name) {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			gap = slug.Len() > 0
			continue
		}
		if gap {
			slug.WriteByte('-')
			gap = false
		}
		slug.WriteRune(r)
	}
	text := slug.String()
	if text == "" && strings.TrimSpace(name) != "" {
		return "name-" + fingerprint(name)
	}
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "-" + fingerprint(text)
	}
	return text
}

func fingerprint(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:6])
}

// ParseEmail accepts one plain mailbox address and answers it with the domain
// in lower-case ASCII. It is stricter than RFC 5322 on purpose: no display
// names, quotes, comments, spaces or address literals; an ASCII local part; a
// domain of at least two labels (international ones become punycode); at most
// 254 bytes. The error is safe to show.
func ParseEmail(text string) (string, error) {
	address := strings.TrimSpace(text)
	at := strings.LastIndexByte(address, '@')
	if at <= 0 || at == len(address)-1 {
		return "", fmt.Errorf("%q is not an e-mail address; write it like ap@acme.example", clip(text))
	}
	local, domain := address[:at], address[at+1:]
	if !plainLocal(local) {
		return "", fmt.Errorf("%q has characters before the @ that cannot be used here", clip(text))
	}
	ascii, err := asciiDomain(domain)
	if err != nil {
		return "", fmt.Errorf("%q has no usable domain after the @", clip(text))
	}
	if len(local)+1+len(ascii) > 254 {
		return "", fmt.Errorf("%q is longer than the 254 characters an address may have", clip(text))
	}
	return local + "@" + ascii, nil
}

func plainLocal(local string) bool {
	const others = "!#$%&'*+/=?^_`{|}~-."
	if len(local) > 64 || local[0] == '.' || local[len(local)-1] == '.' || strings.Contains(local, "..") {
		return false
	}
	for i := range len(local) {
		c := local[i]
		if !letterOrDigit(c) && strings.IndexByte(others, c) < 0 {
			return false
		}
	}
	return true
}

func asciiDomain(domain string) (string, error) {
	ascii, err := idna.Lookup.ToASCII(domain)
	if err != nil {
		return "", err
	}
	labels := strings.Split(ascii, ".")
	if len(labels) < 2 || len(ascii) > 253 {
		return "", fmt.Errorf("not a full domain: %q", domain)
	}
	for _, label := range labels {
		if !hostLabel(label) {
			return "", fmt.Errorf("not a host name: %q", domain)
		}
	}
	if last := labels[len(labels)-1]; strings.Trim(last, "0123456789") == "" {
		return "", fmt.Errorf("an address of a machine, not a domain: %q", domain)
	}
	return ascii, nil
}

func hostLabel(label string) bool {
	if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
		return false
	}
	for i := range len(label) {
		if !letterOrDigit(label[i]) && label[i] != '-' {
			return false
		}
	}
	return true
}

func letterOrDigit(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

func clip(text string) string {
	const most = 60
	runes := []rune(text)
	if len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}
