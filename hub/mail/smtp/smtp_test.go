package smtp

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-msgauth/dkim"

	"github.com/sheaf-hub/sheaf/hub/mail"
	"github.com/sheaf-hub/sheaf/hub/mail/mailtest"
)

func digest() mail.Message {
	return mail.Message{
		MessageID: "019a0000-0000-7000-8000-000000000001@digest.sheaf.example",
		From:      mail.Address{Name: "Sheaf für Größe", Email: "hub@sheaf.example"},
		To:        mail.Address{Name: `Ann "AP" O'Neil`, Email: "ap@acme.example"},
		ReplyTo:   mail.Address{Email: "help@sheaf.example"},
		Subject:   "3 vendors, 12 invoices: 1.250,00 € — " + strings.Repeat("überfällig ", 12),
		Text:      "Hello Ann,\n\n.a line that begins with a dot\n.\nFrom here to there\n" + strings.Repeat("long ", 300) + "\nÄnne\n",
		HTML:      "<p>Hello <b>Ann</b> — 1.250,00 €</p>" + strings.Repeat("<td>x</td>", 300),
		Date:      time.Date(2026, 11, 3, 9, 0, 0, 0, time.FixedZone("x", 3600)),
		ListID:    "digest.sheaf.example", Unsubscribe: "https://sheaf.example/u/" + strings.Repeat("t", 120), AutoReply: true,
		Attachments: []mail.Attachment{{Name: "Übersicht.csv", ContentType: "text/csv", Content: []byte("a;b\r\n1;2\n")}},
	}
}

func sender(t *testing.T, config Config) *Sender {
	t.Helper()
	s, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSendArrivesWhole(t *testing.T) {
	server := mailtest.Start(t)
	want := digest()
	if err := sender(t, Config{URL: server.URL()}).Send(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	got, err := server.WaitFor(1, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	m := got[0]
	if m.EnvelopeFrom != "hub@sheaf.example" || len(m.EnvelopeTo) != 1 || m.EnvelopeTo[0] != "ap@acme.example" {
		t.Errorf("envelope %q to %q", m.EnvelopeFrom, m.EnvelopeTo)
	}
	if m.MessageID != want.MessageID || m.Subject != want.Subject || m.From != want.From || m.To[0] != want.To || !m.Date.Equal(want.Date) {
		t.Errorf("%+v", m.Parsed)
	}
	if m.Text != want.Text || m.HTML != want.HTML {
		t.Errorf("text %q\nhtml %q", m.Text, m.HTML)
	}
	if len(m.Attachments) != 1 || m.Attachments[0].Name != "Übersicht.csv" || string(m.Attachments[0].Content) != "a;b\r\n1;2\n" {
		t.Errorf("attachments %q", m.Attachments)
	}
	for name, value := range map[string]string{"List-Id": "<digest.sheaf.example>", "List-Unsubscribe": "<" + want.Unsubscribe + ">",
		"List-Unsubscribe-Post": "List-Unsubscribe=One-Click", "Auto-Submitted": "auto-generated", "Reply-To": "<help@sheaf.example>",
		"MIME-Version": "1.0", "Date": "Tue, 03 Nov 2026 08:00:00 +0000"} {
		if m.Get(name) != value {
			t.Errorf("%s: %q, want %q", name, m.Get(name), value)
		}
	}
	seen := map[string]bool{}
	for _, field := range m.Header {
		if seen[field.Name] {
			t.Errorf("two headers %s", field.Name)
		}
		seen[field.Name] = true
	}
	for line := range strings.SplitSeq(string(m.Raw), "\r\n") {
		if len(line) > 998 || strings.ContainsAny(line, "\r\n") || !ascii(line) {
			t.Errorf("a line of %d bytes: %q", len(line), line)
		}
	}
}

func TestPlainMessageHasNoListHeaders(t *testing.T) {
	server := mailtest.Start(t)
	message := mail.Message{MessageID: "x@y.example", From: mail.Address{Email: "a@b.example"}, To: mail.Address{Email: "c@d.example"},
		Subject: "Sign in", Text: "Link\n", Date: time.Unix(1_790_000_000, 0)}
	if err := sender(t, Config{URL: server.URL()}).Send(t.Context(), message); err != nil {
		t.Fatal(err)
	}
	m := server.Messages()[0]
	for _, name := range []string{"List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "Auto-Submitted", "Reply-To", "DKIM-Signature", "User-Agent", "X-Mailer"} {
		if m.Get(name) != "" {
			t.Errorf("%s: %s", name, m.Get(name))
		}
	}
	if m.Text != "Link\n" || m.HTML != "" || len(m.Attachments) != 0 {
		t.Errorf("%+v", m.Parsed)
	}
}

func TestRepliesAreClassified(t *testing.T) {
	for _, c := range []struct {
		name  string
		set   func(*mailtest.Server)
		want  error
		taken int
	}{
		{"greeting 4xx", func(s *mailtest.Server) { s.Fail(mailtest.Connect, 421) }, mail.ErrDeferred, 0},
		{"greeting 5xx", func(s *mailtest.Server) { s.Fail(mailtest.Connect, 554) }, mail.ErrDeferred, 0},
		{"greeting drop", func(s *mailtest.Server) { s.Drop(mailtest.Connect) }, mail.ErrDeferred, 0},
		{"mail 4xx", func(s *mailtest.Server) { s.Fail(mailtest.Mail, 451) }, mail.ErrDeferred, 0},
		{"mail 5xx", func(s *mailtest.Server) { s.Fail(mailtest.Mail, 553) }, mail.ErrRejected, 0},
		{"mail asks for sign-in", func(s *mailtest.Server) { s.Fail(mailtest.Mail, 530) }, mail.ErrDeferred, 0},
		{"mail drop", func(s *mailtest.Server) { s.Drop(mailtest.Mail) }, mail.ErrDeferred, 0},
		{"rcpt 4xx", func(s *mailtest.Server) { s.Fail(mailtest.Rcpt, 450) }, mail.ErrDeferred, 0},
		{"rcpt 5xx", func(s *mailtest.Server) { s.FailRecipient("ap@acme.example", 550) }, mail.ErrRejected, 0},
		{"rcpt other", func(s *mailtest.Server) { s.FailRecipient("other@acme.example", 550) }, nil, 1},
		{"rcpt drop", func(s *mailtest.Server) { s.Drop(mailtest.Rcpt) }, mail.ErrDeferred, 0},
		{"data 4xx", func(s *mailtest.Server) { s.Fail(mailtest.Data, 451) }, mail.ErrDeferred, 0},
		{"data 5xx", func(s *mailtest.Server) { s.Fail(mailtest.Data, 554) }, mail.ErrRejected, 0},
		{"drop after the dot", func(s *mailtest.Server) { s.DropAfterData(1) }, mail.ErrUnknown, 1},
		{"fine", func(*mailtest.Server) {}, nil, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := mailtest.Start(t)
			c.set(server)
			err := sender(t, Config{URL: server.URL()}).Send(t.Context(), digest())
			only(t, err, c.want)
			if got := len(server.Messages()); got != c.taken {
				t.Errorf("the server took %d", got)
			}
		})
	}
}

// only fails unless the error is the one wanted and none of the other two.
func only(t *testing.T, err, want error) {
	t.Helper()
	for _, class := range []error{mail.ErrRejected, mail.ErrDeferred, mail.ErrUnknown} {
		if errors.Is(err, class) != (class == want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
	if want == nil && err != nil {
		t.Errorf("%v, want none", err)
	}
}

func TestServerFailsOnceThenTakes(t *testing.T) {
	server := mailtest.Start(t)
	server.FailTimes(mailtest.Rcpt, 451, 1)
	s := sender(t, Config{URL: server.URL()})
	only(t, s.Send(t.Context(), digest()), mail.ErrDeferred)
	only(t, s.Send(t.Context(), digest()), nil)
	if _, err := server.WaitFor(2, 20*time.Millisecond); err == nil {
		t.Error("two mails came, though one was refused")
	}
}

func TestTimeAfterTheDotIsUnknown(t *testing.T) {
	server := mailtest.Start(t)
	server.Delay(400 * time.Millisecond)
	only(t, sender(t, Config{URL: server.URL(), SendTimeout: 200 * time.Millisecond}).Send(t.Context(), digest()), mail.ErrUnknown)
	if _, err := server.WaitFor(1, 2*time.Second); err != nil {
		t.Error("it was taken all the same, which is why nobody may send it again:", err)
	}
}

func TestCancelledBeforeIsDeferred(t *testing.T) {
	server := mailtest.Start(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	only(t, sender(t, Config{URL: server.URL()}).Send(ctx, digest()), mail.ErrDeferred)
	if len(server.Messages()) != 0 {
		t.Error("it was sent")
	}
}

func TestHeadersRefuseLineBreaks(t *testing.T) {
	server := mailtest.Start(t)
	s := sender(t, Config{URL: server.URL()})
	for _, evil := range []string{"x\r\nBcc: all@acme.example", "x\ny", "x\ry", "x\x00", "x\x1b[0m", "x\u0085y", "x\u2028y", "x\x7f", "x\xff"} {
		for name, set := range map[string]func(*mail.Message){
			"Subject":    func(m *mail.Message) { m.Subject = evil },
			"From":       func(m *mail.Message) { m.From.Name = evil },
			"To":         func(m *mail.Message) { m.To.Name = evil },
			"To address": func(m *mail.Message) { m.To.Email = "a@b.example" + evil },
			"Reply-To":   func(m *mail.Message) { m.ReplyTo.Name = evil },
			"Message-ID": func(m *mail.Message) { m.MessageID += evil },
			"List-Id":    func(m *mail.Message) { m.ListID = evil },
			"Unsub":      func(m *mail.Message) { m.Unsubscribe += evil },
			"Attachment": func(m *mail.Message) { m.Attachments[0].Name = evil },
			"Type":       func(m *mail.Message) { m.Attachments[0].ContentType = evil },
		} {
			message := digest()
			set(&message)
			if err := s.Send(t.Context(), message); !errors.Is(err, mail.ErrHeader) || !errors.Is(err, mail.ErrRejected) {
				t.Errorf("%s %q: %v", name, evil, err)
			}
		}
	}
	if server.Attempts() != 0 {
		t.Error("one of them left")
	}
}

func TestUnwritableMessages(t *testing.T) {
	s := sender(t, Config{URL: "smtp://127.0.0.1:1"})
	for name, set := range map[string]func(*mail.Message){
		"no date":        func(m *mail.Message) { m.Date = time.Time{} },
		"no text":        func(m *mail.Message) { m.Text = "" },
		"no id":          func(m *mail.Message) { m.MessageID = "" },
		"id in brackets": func(m *mail.Message) { m.MessageID = "<a@b>" },
		"two recipients": func(m *mail.Message) { m.To.Email = "a@b.example,c@d.example" },
		"name in it":     func(m *mail.Message) { m.To.Email = "Ann <a@b.example>" },
		"quoted local":   func(m *mail.Message) { m.To.Email = `"a b"@b.example` },
		"no domain":      func(m *mail.Message) { m.To.Email = "ann" },
		"javascript":     func(m *mail.Message) { m.Unsubscribe = "javascript:alert(1)" },
		"mailto":         func(m *mail.Message) { m.Unsubscribe = "mailto:a@b.example" },
		"long subject":   func(m *mail.Message) { m.Subject = strings.Repeat("x", 1001) },
		"type":           func(m *mail.Message) { m.Attachments[0].ContentType = "pdf; x" },
		"many files":     func(m *mail.Message) { m.Attachments = make([]mail.Attachment, 21) },
	} {
		message := digest()
		set(&message)
		err := s.Send(t.Context(), message)
		if only(t, err, mail.ErrRejected); errors.Is(err, mail.ErrHeader) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTLSAndSignIn(t *testing.T) {
	web := httptest.NewTLSServer(nil)
	defer web.Close()
	roots := x509.NewCertPool()
	roots.AddCert(web.Certificate())
	secure := &tls.Config{Certificates: web.TLS.Certificates}
	clear := mailtest.StartWith(t, mailtest.Options{})
	offers := mailtest.StartWith(t, mailtest.Options{TLS: secure, Username: "hub", Password: "p@ss:wörd"})
	first := mailtest.StartWith(t, mailtest.Options{TLS: secure, ImplicitTLS: true, Username: "hub", Password: "secret"})
	open := mailtest.StartWith(t, mailtest.Options{Username: "hub", Password: "secret"})
	for _, c := range []struct {
		name, url, words string
		roots            *x509.CertPool
	}{
		{"offered and used", offers.URL(), "", roots},
		{"asked for and used", offers.URL() + "?tls=starttls", "", roots},
		{"from the first byte", first.URL(), "", roots},
		{"in the clear on loopback", open.URL(), "", nil},
		{"none", clear.URL() + "?tls=none", "", nil},
		{"asked for and not offered", clear.URL() + "?tls=starttls", "offers no STARTTLS", nil},
		{"unknown certificate", offers.URL(), "certificate is not valid", nil},
		{"wrong password", "smtp://hub:wrong@" + open.Addr(), "user name and password", nil},
		{"sign-in not offered", "smtp://hub:x@" + clear.Addr(), "asks for no sign-in", nil},
		{"TLS against a clear port", "smtps://" + clear.Addr(), "TLS from the first byte", roots},
		{"nothing listens", "smtp://127.0.0.1:1", "nothing listens there", nil},
		{"no such host", "smtp://mail.invalid:25", "check the host name", nil},
	} {
		s := sender(t, Config{URL: c.url, RootCAs: c.roots, SendTimeout: 3 * time.Second})
		checked, sent := s.Check(t.Context()), s.Send(t.Context(), digest())
		if c.words == "" {
			if checked != nil || sent != nil {
				t.Errorf("%s: %v, %v", c.name, checked, sent)
			}
			continue
		}
		if only(t, sent, mail.ErrDeferred); checked == nil || !strings.Contains(checked.Error(), c.words) || strings.Contains(checked.Error(), "wrong") {
			t.Errorf("%s: %v", c.name, checked)
		}
	}
	only(t, sender(t, Config{URL: "smtp://" + open.Addr()}).Send(t.Context(), digest()), mail.ErrDeferred)
}

func TestAddressBeyondASCII(t *testing.T) {
	message := digest()
	message.To = mail.Address{Name: "Jörg", Email: "jörg@bücher.example"}
	takes := mailtest.Start(t)
	only(t, sender(t, Config{URL: takes.URL()}).Send(t.Context(), message), nil)
	if m := takes.Messages(); len(m) != 1 || m[0].To[0] != message.To {
		t.Errorf("%+v", m)
	}
	only(t, sender(t, Config{URL: mailtest.StartWith(t, mailtest.Options{NoUTF8: true}).URL()}).Send(t.Context(), message), mail.ErrRejected)
}

func TestTooLargeForTheServer(t *testing.T) {
	server := mailtest.StartWith(t, mailtest.Options{MaxBytes: 2000})
	only(t, sender(t, Config{URL: server.URL()}).Send(t.Context(), digest()), mail.ErrRejected)
	if server.Attempts() != 0 {
		t.Error("it was sent although the server had said its limit")
	}
}

func TestSettings(t *testing.T) {
	for _, bad := range []string{"", "localhost:25", "http://x", "smtp://", "smtp://h:0", "smtp://h:x", "smtp://h:99999", "smtp://user@h", "smtp://h/path",
		"smtp://h?tls=maybe", "smtp://h?ssl=1", "smtps://h?tls=none", "smtp://u:geheim@mail.example?tls=none", "smtp://u:gehe im@h:1"} {
		_, err := New(Config{URL: bad})
		if !errors.Is(err, ErrConfig) || strings.Contains(err.Error(), "gehe") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	for raw, want := range map[string]target{
		"smtp://mail.example":                  {host: "mail.example", port: "587", mode: tlsOffered},
		"smtps://mail.example":                 {host: "mail.example", port: "465", mode: tlsFirst},
		"smtp://mail.example?tls=tls":          {host: "mail.example", port: "465", mode: tlsFirst},
		"smtp://u:p%40@mail.example:25":        {host: "mail.example", port: "25", username: "u", password: "p@", mode: tlsStart},
		"smtp://u:p@localhost:25":              {host: "localhost", port: "25", username: "u", password: "p", mode: tlsOffered},
		"smtp://[::1]:2525/?tls=none":          {host: "::1", port: "2525", mode: tlsNone},
		"smtp://mail.example:587?tls=starttls": {host: "mail.example", port: "587", mode: tlsStart},
	} {
		if got, err := parseURL(raw); err != nil || got != want {
			t.Errorf("%s: %+v, %v", raw, got, err)
		}
	}
	if _, err := New(Config{URL: "smtp://h", Hello: "a b"}); !errors.Is(err, ErrConfig) {
		t.Errorf("a name with a space: %v", err)
	}
}

func pemOf(t *testing.T, key any) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func TestDKIM(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pkcs1 := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(rsaKey)}))
	rsaPublic, _ := x509.MarshalPKIXPublicKey(rsaKey.Public())
	records := map[string]string{
		"rsa._domainkey.sheaf.example": "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(rsaPublic),
		"ed._domainkey.sheaf.example":  "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(edKey.Public().(ed25519.PublicKey)),
	}
	lookup := &dkim.VerifyOptions{LookupTXT: func(name string) ([]string, error) {
		if record, ok := records[name]; ok {
			return []string{record}, nil
		}
		return nil, fmt.Errorf("no record %s", name)
	}}
	for name, config := range map[string]DKIM{
		"rsa":    {Domain: "sheaf.example", Selector: "rsa", PrivateKeyPEM: pemOf(t, rsaKey)},
		"pkcs 1": {Domain: "sheaf.example", Selector: "rsa", PrivateKeyPEM: pkcs1},
		"ed":     {Domain: "sheaf.example", Selector: "ed", PrivateKeyPEM: pemOf(t, crypto.PrivateKey(edKey))},
	} {
		server := mailtest.Start(t)
		only(t, sender(t, Config{URL: server.URL(), DKIM: config}).Send(t.Context(), digest()), nil)
		raw := string(server.Messages()[0].Raw)
		verify := func(raw string) error {
			found, err := dkim.VerifyWithOptions(strings.NewReader(raw), lookup)
			if err != nil || len(found) != 1 {
				t.Fatalf("%s: %v, %d signatures", name, err, len(found))
			}
			return found[0].Err
		}
		if err := verify(raw); err != nil {
			t.Errorf("%s: %v\n%s", name, err, raw)
		}
		signature := server.Messages()[0].Get("DKIM-Signature")
		if !strings.Contains(signature, "c=relaxed/relaxed") {
			t.Errorf("%s: %s", name, signature)
		}
		for _, header := range []string{"From", "To", "Reply-To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", "Auto-Submitted",
			"List-Id", "List-Unsubscribe", "List-Unsubscribe-Post"} {
			if changed := strings.Replace(raw, "\r\n"+header+":", "\r\n"+header+": x", 1); changed == raw || verify(changed) == nil {
				t.Errorf("%s: %s may be changed", name, header)
			}
		}
		if verify("From: Other <other@sheaf.example>\r\n"+raw) == nil {
			t.Errorf("%s: a second From passes", name)
		}
		if verify(raw+"more\r\n") == nil {
			t.Errorf("%s: a longer body passes", name)
		}
	}
	for _, bad := range []DKIM{{Domain: "sheaf.example"}, {PrivateKeyPEM: "x"}, {Domain: "a b", Selector: "x", PrivateKeyPEM: pkcs1},
		{Domain: "sheaf.example", Selector: "x", PrivateKeyPEM: "nonsense"}, {Domain: "sheaf.example", Selector: "x", PrivateKeyPEM: pkcs1[:200] + pkcs1[300:]}} {
		if _, err := New(Config{URL: "smtp://h", DKIM: bad}); !errors.Is(err, ErrConfig) {
			t.Errorf("%.60v: %v", bad, err)
		}
	}
}
