package hubtest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/web/page"
)

func moneyDate(text string) money.Date { return money.Date(text) }

// Browser calls an app as somebody who is signed in, or nobody.
type Browser struct {
	t       testing.TB
	app     *fiber.App
	cookies map[string]string
}

// Answer is what came back.
type Answer struct {
	Status int
	Body   string
	Header http.Header
}

// SignIn gives a browser that is signed in as a member of staff; the zero Staff
// is nobody.
func (h *Hub) SignIn(app *fiber.App, staff access.Staff) *Browser {
	h.t.Helper()
	browser := &Browser{t: h.t, app: app, cookies: map[string]string{}}
	if staff.ID == "" {
		return browser
	}
	token := store.NewToken()
	h.Exec(`INSERT INTO sessions (id, token_hash, staff_id, device, remembered, created_at, seen_at, expires_at) VALUES (?, ?, ?, 'test', ?, ?, ?, ?)`,
		store.NewID(), store.HashToken(token), staff.ID, false, h.Now(), h.Now(), h.Now().Add(12*time.Hour))
	browser.cookies[page.SessionCookie] = token
	return browser
}

// Get fetches a page.
func (b *Browser) Get(path string) Answer {
	b.t.Helper()
	return b.do(httptest.NewRequest(http.MethodGet, path, nil))
}

// Post sends a form: name, value, name, value, …
func (b *Browser) Post(path string, fields ...string) Answer {
	b.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	request := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Sec-Fetch-Site", "same-origin")
	return b.do(request)
}

func (b *Browser) do(request *http.Request) Answer {
	b.t.Helper()
	for name, value := range b.cookies {
		request.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	response, err := b.app.Test(request, 20_000)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, cookie := range response.Cookies() {
		if b.cookies[cookie.Name] = cookie.Value; cookie.MaxAge < 0 {
			delete(b.cookies, cookie.Name)
		}
	}
	return Answer{Status: response.StatusCode, Body: string(body), Header: response.Header}
}

// Want fails unless the answer has this status and holds all of these words.
func (a Answer) Want(t testing.TB, status int, words ...string) Answer {
	t.Helper()
	if a.Status != status {
		t.Fatalf("status %d, want %d: %s", a.Status, status, brief(a.Body))
	}
	for _, word := range words {
		if !strings.Contains(a.Body, word) {
			t.Fatalf("the page does not hold %q: %s", word, brief(a.Body))
		}
	}
	return a
}

// Without fails when the answer holds any of these words.
func (a Answer) Without(t testing.TB, words ...string) Answer {
	t.Helper()
	for _, word := range words {
		if strings.Contains(a.Body, word) {
			t.Fatalf("the page holds %q", word)
		}
	}
	return a
}

// Leads fails unless the answer is a redirect (303) there.
func (a Answer) Leads(t testing.TB, to string) {
	t.Helper()
	if a.Status != http.StatusSeeOther || a.Header.Get("Location") != to {
		t.Fatalf("status %d to %q, want 303 to %q: %s", a.Status, a.Header.Get("Location"), to, brief(a.Body))
	}
}

func brief(body string) string {
	if at := strings.Index(body, "<main"); at >= 0 {
		body = body[at:]
	}
	if len(body) > 1500 {
		body = body[:1500] + "…"
	}
	return body
}
