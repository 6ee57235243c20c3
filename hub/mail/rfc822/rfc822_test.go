package rfc822

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/mail"
)

func message(name, subject, text, html string) mail.Message {
	return mail.Message{MessageID: "019a0000-0000-7000-8000-000000000001@digest.long-name.sheaf.example", From: mail.Address{Name: name, Email: "hub@sheaf.example"},
		To: mail.Address{Name: name, Email: "ap@acme.example"}, Subject: subject, Text: text, HTML: html, Date: time.Unix(1_790_000_000, 0)}
}

func TestMessageIDStandsOnItsOwnLine(t *testing.T) {
	raw, err := Build(message("", "x", "y", ""))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(raw), "\r\nMessage-ID: <019a0000-0000-7000-8000-000000000001@digest.long-name.sheaf.example>\r\n") {
		t.Errorf("%s", raw)
	}
}

func TestParseRefuses(t *testing.T) {
	nested := "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
	for _, bad := range []string{"", "no header", "Content-Type: x/y/z\r\n\r\nbody", "Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n!!",
		"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nnever closed",
		strings.Repeat(nested+"--b\r\n", maxDepth+2) + "\r\nx"} {
		if _, err := Parse([]byte(bad)); err == nil {
			t.Errorf("%.60q is read", bad)
		}
	}
}

// FuzzBuild holds that no name, subject or text makes another header, a line
// that is too long, or a mail that reads differently from what was written.
func FuzzBuild(f *testing.F) {
	f.Add("Ann", "Hello", "text\n", "<p>html</p>\n")
	f.Add("Größe <x@y>", "a\r\nBcc: b@c.example", ".\r\n.\r\n", "")
	f.Add(`Größe \`, "x", "y", "")
	f.Add(`"Q" \ `, "=?utf-8?q?x?= "+strings.Repeat("ü", 300), "\x00\n", "--b")
	f.Fuzz(func(t *testing.T, name, subject, text, html string) {
		want := message(name, subject, text, html)
		raw, err := Build(want)
		if err != nil {
			if !errors.Is(err, mail.ErrRejected) {
				t.Fatal(err)
			}
			return
		}
		got, err := Parse(raw)
		if err != nil {
			t.Fatalf("%v\n%q", err, raw)
		}
		for line := range strings.SplitSeq(string(raw), "\r\n") {
			if len(line) > 998 || strings.ContainsAny(line, "\r\n\x00") {
				t.Fatalf("line %q", line)
			}
		}
		names := make([]string, 0, 8)
		for _, field := range got.Header {
			if field.Name != "Content-Transfer-Encoding" && field.Name != "Content-Type" {
				names = append(names, field.Name)
			}
		}
		if joined := strings.Join(names, " "); joined != "Date MIME-Version Message-ID Subject From To" {
			t.Fatalf("headers %s\n%q", joined, raw)
		}
		if got.From.Email != want.From.Email || len(got.To) != 1 || got.To[0].Email != want.To.Email {
			t.Fatalf("addresses %+v\n%q", got, raw)
		}
		if squeeze(got.Subject) != squeeze(subject) {
			t.Fatalf("subject %q, want %q\n%q", got.Subject, subject, raw)
		}
	})
}

// squeeze forgets what folding may do to spaces.
func squeeze(text string) string { return strings.Join(strings.Fields(text), " ") }
