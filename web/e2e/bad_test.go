package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
)

// TestWrongSettings: each wrong setting ends the start with exit 1 and words
// that name the setting and what to write.
func TestWrongSettings(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	for _, c := range []struct {
		name, setting, command string
		words                  []string
	}{
		{"no port", "SHEAF_ADDR=localhost", "serve", []string{"SHEAF_ADDR", "host:port"}},
		{"port taken", "SHEAF_ADDR=" + taken.Addr().String(), "serve", []string{taken.Addr().String(), "SHEAF_ADDR"}},
		{"public url with a path", "SHEAF_PUBLIC_URL=https://pay.hub.example/x", "serve", []string{"SHEAF_PUBLIC_URL", "https://"}},
		{"database of another kind", "SHEAF_DATABASE_URL=mysql://x", "serve", []string{"SHEAF_DATABASE_URL", "postgres://"}},
		{"no database there", "SHEAF_DATABASE_URL=postgres://postgres@127.0.0.1:1/x?sslmode=disable", "migrate status", []string{"database"}},
		{"no keys", "SHEAF_SECRET_KEYS=", "serve", []string{"SHEAF_SECRET_KEYS", "openssl rand -base64 32"}},
		{"a short key", "SHEAF_SECRET_KEYS=YWJj", "serve", []string{"SHEAF_SECRET_KEYS"}},
		{"redis without a scheme", "SHEAF_REDIS_URL=127.0.0.1:6379", "serve", []string{"SHEAF_REDIS_URL", "redis://"}},
		{"mail of another kind", "SHEAF_SMTP_URL=ftp://mail.hub.example", "serve", []string{"SHEAF_SMTP_URL", "smtp"}},
		{"no address to send from", "SHEAF_MAIL_FROM=nobody", "serve", []string{"SHEAF_MAIL_FROM", "<"}},
		{"a gateway's key alone", "STRIPE_SECRET_KEY=sk_test_1", "serve", []string{"STRIPE_WEBHOOK_SECRET"}},
		{"a gateway's secret alone", "STRIPE_WEBHOOK_SECRET=whsec_1", "serve", []string{"STRIPE_SECRET_KEY"}},
		{"a host that is none", "SHEAF_ALLOW_PRIVATE_HOSTS=10.0.0.0/99", "serve", []string{"SHEAF_ALLOW_PRIVATE_HOSTS"}},
		{"a log of another kind", "SHEAF_LOG_FORMAT=xml", "serve", []string{"SHEAF_LOG_FORMAT", "json"}},
		{"no folder", "SHEAF_DATA=/dev/null/x", "serve", []string{"SHEAF_DATA"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			env := []string{"SHEAF_DATA=" + t.TempDir(), fmt.Sprintf("SHEAF_ADDR=127.0.0.1:%d", freePort(t)), c.setting}
			if c.name == "no keys" {
				env = append(env, "SHEAF_DATABASE_URL=postgres://postgres@127.0.0.1:1/x?sslmode=disable")
			}
			if strings.Contains(c.name, "database") {
				env = append(env, "SHEAF_SECRET_KEYS="+secretKey)
			}
			got := command(t, env, strings.Fields(c.command)...)
			if got.code != 1 {
				t.Errorf("exit %d: %s", got.code, got.stderr)
			}
			for _, word := range c.words {
				if !strings.Contains(got.stderr, word) {
					t.Errorf("the message lacks %q: %s", word, got.stderr)
				}
			}
			if lines := strings.Count(strings.TrimSpace(got.stderr), "\n"); lines > 1 || strings.Contains(got.stderr, "goroutine") {
				t.Errorf("the message is no short one:\n%s", got.stderr)
			}
		})
	}
}

// problem is an error of the API, as RFC 9457 writes it.
type problem struct {
	Status int    `json:"status"`
	Title  string `json:"title"`
	Detail string `json:"detail"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Errors []struct {
		Pointer string `json:"pointer"`
		Detail  string `json:"detail"`
	} `json:"errors"`
}

// TestBadCalls: what the API makes of bad bodies, and that nothing of it stays.
func TestBadCalls(t *testing.T) {
	t.Parallel()
	tr := newTrio(newHub(t, embedded))
	tr.start()
	tr.pushAll()
	v := tr.vendors[0]
	before, err := list[invoiceRow](v, "/invoices")
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	_, _ = writer.Write([]byte(`{"invoices":[]}`))
	_ = writer.Close()
	for _, c := range []struct {
		name    string
		body    []byte
		headers []string
		status  int
		line    int
	}{
		{"cut off", []byte("{\n  \"invoices\": ["), nil, 400, 2},
		{"no JSON", []byte("{\"invoices\":\n nonsense}"), nil, 400, 2},
		{"very deep", []byte(`{"invoices":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + "}"), nil, 0, 0},
		{"deep in a field", []byte(`{"invoices":[{"external_id":` + strings.Repeat(`{"a":`, 50_000) + "1" + strings.Repeat("}", 50_000) + "}]}"), nil, 0, 0},
		{"packed", packed.Bytes(), []string{"Content-Encoding", "gzip"}, 415, 0},
		{"no JSON by its own words", []byte(`{"invoices":[]}`), []string{"Content-Type", "text/plain"}, 415, 0},
		{"25 MB", bytes.Repeat([]byte(" "), 25<<20), nil, 413, 0},
		{"40 MB", bytes.Repeat([]byte(" "), 40<<20), nil, 413, 0},
		{"too many", []byte(`{"invoices":[` + strings.TrimSuffix(strings.Repeat(`{},`, 1001), ",") + `]}`), nil, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) { v.refuses(t, c.body, c.headers, c.status, c.line) })
	}
	after, err := list[invoiceRow](v, "/invoices")
	if err != nil || len(after) != len(before) {
		t.Errorf("%d invoices before, %d after: %v", len(before), len(after), err)
	}
	tr.verify()
}

// refuses wants a problem; a status of 0 stands for 400, 413 or 422.
func (v *vendor) refuses(t *testing.T, body []byte, headers []string, status, line int) {
	t.Helper()
	got, raw, err := v.ask(http.MethodPut, "/invoices", body, headers...)
	if err != nil {
		if status == 413 && len(body) > 32<<20 { // the server may close before all of it was sent
			return
		}
		t.Fatal(err)
	}
	var said problem
	if err := json.Unmarshal(raw, &said); err != nil {
		t.Fatalf("%d is no problem: %s", got, tail(string(raw), 300))
	}
	ok := got == status || status == 0 && (got == 400 || got == 413 || got == 422)
	if !ok || said.Status != got || said.Detail == "" || line != 0 && said.Line != line {
		t.Errorf("%d %+v", got, said)
	}
}

// TestSpentLinksAndTamperedQuotes: what a browser holds may be old or altered.
func TestSpentLinksAndTamperedQuotes(t *testing.T) {
	t.Parallel()
	tr := newTrio(newHub(t, embedded))
	tr.start()
	tr.pushAll()
	tr.digestRun(tuesday())
	link := linkIn(tr.oneDigest().Text)
	v := newVisitor(t)

	tr.tampered(v.open(t, link), v)
	page, err := tr.signIn(v, "/", payer)
	must(t, page, err)
	tr.spent(t, "used")
	tr.set("UPDATE sign_in_links SET used_at = NULL, expires_at = ?")
	tr.spent(t, "expired")
	tr.set("UPDATE digest_links SET expires_at = ?")
	if old, err := newVisitor(t).get(link); err != nil || old.Status != http.StatusGone || strings.Contains(old.text(), "ALDX") {
		t.Errorf("an expired digest's link: %v %v", old, err)
	}
	tr.verify()
}

// tampered sends a quote with another hash: 409, and nothing is charged.
func (tr *trio) tampered(page *sheet, v *visitor) {
	tr.t.Helper()
	f, found := page.form(func(n *html.Node) bool { return attr(n, "id") == "pay" })
	if !found {
		tr.t.Fatal("there is nothing to pay")
	}
	f.Values["invoice"] = f.choices("invoice")
	quote, err := v.submit(f)
	quote = must(tr.t, quote, err)
	confirm, found := quote.form(func(n *html.Node) bool { return strings.HasSuffix(attr(n, "action"), "/payments") })
	if !found {
		tr.t.Fatalf("nothing to confirm: %s", quote.text())
	}
	hash := []byte(confirm.Values.Get("hash"))
	hash[0] ^= 1
	confirm.Values.Set("hash", string(hash))
	if answer, err := v.submit(confirm); err != nil || answer.Status != http.StatusConflict || !strings.Contains(answer.text(), "Nothing was charged") {
		tr.t.Errorf("a tampered quote: %v %v", answer, err)
	}
	if n := tr.count("SELECT COUNT(*) FROM payments"); n != 0 {
		tr.t.Errorf("a tampered quote made %d payments", n)
	}
}

// spent tries the last sign-in link again, as a look and as a press.
func (tr *trio) spent(t *testing.T, why string) {
	t.Helper()
	mails := tr.mail.To(payer)
	link := signInLink.FindString(mails[len(mails)-1].Text)
	if link == "" {
		t.Fatal("the last mail holds no link")
	}
	v := newVisitor(t)
	if look, err := v.get(link); err != nil || look.Status != http.StatusGone {
		t.Errorf("looking at a link that is %s: %v %v", why, look, err)
	}
	request, err := http.NewRequest(http.MethodPost, link, nil)
	if err != nil {
		t.Fatal(err)
	}
	if press, err := v.do(request); err != nil || press.Status != http.StatusGone || len(press.Header.Values("Set-Cookie")) != 0 {
		t.Errorf("using a link that is %s: %v %v", why, press, err)
	}
}

// set changes a time to an hour ago.
func (h *hub) set(query string) {
	h.t.Helper()
	db := h.database()
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(h.t.Context(), query, time.Now().UTC().Add(-time.Hour)); err != nil {
		h.t.Fatalf("%s: %v", query, err)
	}
}
