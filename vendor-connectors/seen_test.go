package connectors

import (
	"strings"
	"testing"
)

func TestAccountSlug(t *testing.T) {
	for name, want := range map[string]string{
		"Acme Ltd":          "acme-ltd",
		"  ACME,  Ltd. ":    "acme-ltd",
		"Kranz & Böhm GmbH": "kranz-böhm-gmbh",
		"":                  "",
		"   ":               "",
		"株式会社":              "株式会社",
	} {
		if got := AccountSlug(name); got != want {
			t.Errorf("AccountSlug(%q) = %q, want %q", name, got, want)
		}
	}
	if a, b := AccountSlug("!!!"), AccountSlug("???"); a == "" || a == b {
		t.Errorf("names of signs alone must differ: %q %q", a, b)
	}
	long := strings.Repeat("very long name ", 20)
	if a, b := AccountSlug(long), AccountSlug(long+"x"); a == b || len(a) > 80 {
		t.Errorf("long names must stay apart and be cut: %q %q", a, b)
	}
}

func TestParseEmail(t *testing.T) {
	good := map[string]string{
		"ap@acme.example":          "ap@acme.example",
		" Ap.Team+x@ACME.example ": "Ap.Team+x@acme.example",
		"a@bücher.example":         "a@xn--bcher-kva.example",
		"o'neil@a-b.example":       "o'neil@a-b.example",
	}
	for text, want := range good {
		if got, err := ParseEmail(text); err != nil || got != want {
			t.Errorf("ParseEmail(%q) = %q, %v; want %q", text, got, err, want)
		}
	}
	bad := []string{"", "@", "a@", "@b.example", "a b@c.example", `"a b"@c.example`, "a@b", "a@1.2.3.4", "a@[1.2.3.4]",
		"Ann <a@b.example>", "a@b..example", ".a@b.example", "a.@b.example", "a..b@c.example", "a@-b.example", "a@b.example\r\nBcc: x@y.example",
		"ä@b.example", "a@b_c.example", "a@b.example,c@d.example", strings.Repeat("a", 65) + "@b.example",
		"a@" + strings.Repeat("b.", 130) + "example"}
	for _, text := range bad {
		if got, err := ParseEmail(text); err == nil {
			t.Errorf("ParseEmail(%q) = %q, want an error", text, got)
		}
	}
}
