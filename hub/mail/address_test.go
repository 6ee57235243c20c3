package mail_test

import (
	"errors"
	"strings"
	"testing"
	"unicode"

	"github.com/sheaf-hub/sheaf/hub/mail"
)

func TestCleanAddress(t *testing.T) {
	long := strings.Repeat("a", 64) + "@" + strings.Repeat("b.", 90) + "example"
	for text, want := range map[string]string{
		"ann@acme.example": "ann@acme.example", "  ANN@Acme.Example\n": "ann@acme.example", "ap+invoices@acme.co.example": "ap+invoices@acme.co.example",
		"a.b-c_d@x-y.example": "a.b-c_d@x-y.example", "o'brien@acme.example": "o'brien@acme.example", "ann@bücher.example": "ann@bücher.example",
		"a@b.c": "a@b.c", long: long,
	} {
		got, err := mail.CleanAddress(text)
		if got != want || (err != nil) != (want == "") {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}

func TestCleanAddressRefuses(t *testing.T) {
	for _, bad := range []string{"", "ann", "ann@", "@acme.example", "ann@acme", "ann@@acme.example", "a b@acme.example", `"a b"@acme.example`,
		"Ann <ann@acme.example>", "<ann@acme.example>", "ann@acme.example,bob@acme.example", "ann@acme.example; bob@acme.example",
		"ann@acme..example", "ann@.acme.example", "ann@acme.example.", "ann@-acme.example", "ann@acme-.example", "ann@[127.0.0.1]",
		".ann@acme.example", "ann.@acme.example", "a..b@acme.example", "ann@acme_x.example", "ann@acme.example\r\nBcc: x@y.example", "ann\x00@acme.example",
		"mailto:ann@acme.example", "ann(comment)@acme.example", strings.Repeat("a", 65) + "@acme.example", "a@" + strings.Repeat("b", 64) + ".example",
		strings.Repeat("a", 60) + "@" + strings.Repeat("b.", 100) + "example", "\xff@acme.example",
		"ann@ac\u202eme.example", "an\u200bn@acme.example", "ann@acme\u2028.example", "ann\u00a0x@acme.example", "ann\u0085@acme.example", "ann@acme.ex\ufffdample",
	} {
		if got, err := mail.CleanAddress(bad); !errors.Is(err, mail.ErrAddress) || got != "" {
			t.Errorf("%q passed as %q", bad, got)
		}
	}
}

func FuzzCleanAddress(f *testing.F) {
	for _, seed := range []string{"ann@acme.example", "Ann <a@b.example>", "a@b\r\nc.example", "ann@bücher.example", "K@acme.example"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		address, err := mail.CleanAddress(text)
		if err != nil {
			return
		}
		if again, err := mail.CleanAddress(address); err != nil || again != address {
			t.Fatalf("%q → %q → %q, %v", text, address, again, err)
		}
		if len(address) > 254 || strings.Count(address, "@") != 1 || strings.ContainsFunc(address, func(r rune) bool {
			return unicode.IsSpace(r) || unicode.In(r, unicode.C, unicode.Z) || r == unicode.ReplacementChar
		}) {
			t.Fatalf("%q became %q", text, address)
		}
	})
}
