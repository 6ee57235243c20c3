package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/sheaf-hub/sheaf/web/api"
	"github.com/sheaf-hub/sheaf/web/page"
	"github.com/sheaf-hub/sheaf/web/ui"
)

// server is the whole of what stands before the handlers, with a few more
// routes behind it that do what handlers should not.
type server struct {
	*fiber.App
	t     *testing.T
	kit   *page.Kit
	ready error
	log   strings.Builder
}

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{t: t}
	log := slog.New(slog.NewTextHandler(&s.log, nil))
	s.kit = &page.Kit{Log: log, Now: time.Now, HubName: "Sheaf", PublicURL: "https://hub.example"}
	deps := Deps{Kit: s.kit, Log: log, Handlers: Handlers{API: &api.Handlers{Log: log, Now: time.Now},
		Health: &Health{Ready: func(context.Context) error { return s.ready }, Registry: prometheus.NewRegistry()}}}
	s.App = New(deps)
	return s
}

// behind is the same server with routes of the test's own in front of the last, which answers 404.
func behind(t *testing.T, add func(s *server, app fiber.Router)) *server {
	t.Helper()
	s := newServer(t)
	stack := s.Stack()
	last := map[string]*fiber.Route{}
	for i, routes := range stack {
		if n := len(routes); n > 0 {
			last[fmt.Sprint(i)] = routes[n-1]
			stack[i] = routes[:n-1]
		}
	}
	add(s, s.App)
	s.Use(func(*fiber.Ctx) error { return fiber.ErrNotFound })
	return s
}

func (s *server) ask(request *http.Request) (*http.Response, string) {
	s.t.Helper()
	response, err := s.Test(request, 10_000)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return response, string(body)
}

func (s *server) get(path string) (*http.Response, string) {
	s.t.Helper()
	return s.ask(httptest.NewRequest(http.MethodGet, path, nil))
}

func safe(t *testing.T, what string, header http.Header) {
	t.Helper()
	for name, want := range map[string]string{"Content-Security-Policy": "default-src 'none'", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
		"Referrer-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin"} {
		if !strings.Contains(header.Get(name), want) {
			t.Errorf("%s: %s is %q", what, name, header.Get(name))
		}
	}
	if header.Get("Server") != "" {
		t.Errorf("%s: names its server", what)
	}
}

func TestEveryRouteSaysWhoMayUseIt(t *testing.T) {
	seen := map[string]bool{}
	known := []Who{Anyone, Link, Contact, Staff, Operator, Key, Machine}
	for _, route := range Routes() {
		name := route.Method + " " + route.Path
		if !slices.Contains(known, route.Who) || seen[name] || len(route.chain()) == 0 {
			t.Errorf("%s: for %q, twice: %t, %d handlers", name, route.Who, seen[name], len(route.chain()))
		}
		seen[name] = true
		area := map[string]bool{"/api/v1": route.Who == Key, "/operator": route.Who == Operator || strings.HasSuffix(route.Path, "/sign-in"),
			"/vendor": route.Who == Staff || strings.HasSuffix(route.Path, "/sign-in"), "/me/": route.Who == Contact, "/d/": route.Who == Link}
		for prefix, right := range area {
			if strings.HasPrefix(route.Path, prefix) && !right {
				t.Errorf("%s is for %s", name, route.Who)
			}
		}
	}
	if len(seen) < 100 {
		t.Errorf("%d routes", len(seen))
	}
}

func TestNobodyGetsPastTheGuards(t *testing.T) {
	s := newServer(t)
	for _, route := range Routes() {
		path := strings.NewReplacer(":id", "0192f1c2-7b5a-7cc0-8000-0123456789ab", ":token", "x", ":ref", "x", ":name", "x").Replace(route.Path)
		want := map[Who]int{Contact: 303, Staff: 303, Operator: 303, Key: 401}[route.Who]
		if want == 303 && route.Method != http.MethodGet {
			want = 401
		}
		if want == 0 {
			continue
		}
		response, body := s.ask(httptest.NewRequest(route.Method, path, nil))
		if response.StatusCode != want {
			t.Errorf("%s %s: %d, want %d: %.200s", route.Method, path, response.StatusCode, want, body)
		}
		safe(t, path, response.Header)
	}
}

func TestUnknownPaths(t *testing.T) {
	s := newServer(t)
	for path, kind := range map[string]string{"/nothing": "text/html", "/vendor/nothing": "text/html", "/api/v1/nothing": "application/problem+json", "/api/nothing": "application/problem+json",
		"/assets/nothing.css": "text/html", "/assets/..%2f..%2fgo.mod": "text/html"} {
		response, body := s.get(path)
		if response.StatusCode != 404 || !strings.HasPrefix(response.Header.Get("Content-Type"), kind) {
			t.Errorf("%s: %d %s %.200s", path, response.StatusCode, response.Header.Get("Content-Type"), body)
		}
		safe(t, path, response.Header)
	}
}

func TestAPanicTellsNothingOutside(t *testing.T) {
	s := behind(t, func(_ *server, app fiber.Router) {
		app.Get("/panics", func(*fiber.Ctx) error { panic("secret-detail") })
		app.Get("/api/panics", func(*fiber.Ctx) error { panic("secret-detail") })
		app.Get("/fails", func(*fiber.Ctx) error { return errors.New("secret-detail") })
		app.Get("/late", func(*fiber.Ctx) error { return fmt.Errorf("read: %w", context.DeadlineExceeded) })
	})
	for path, status := range map[string]int{"/panics": 500, "/api/panics": 500, "/fails": 500, "/late": 503} {
		response, body := s.get(path)
		if response.StatusCode != status || strings.Contains(body, "secret") || strings.Contains(body, ".go:") || len(body) < 50 {
			t.Errorf("%s: %d %.300s", path, response.StatusCode, body)
		}
		id := response.Header.Get("X-Request-Id")
		if id == "" || !strings.Contains(s.log.String(), id) {
			t.Errorf("%s: the log does not name request %q", path, id)
		}
		safe(t, path, response.Header)
	}
	if !strings.Contains(s.log.String(), "secret-detail") {
		t.Error("the operator is not told either")
	}
}

func TestACompressedBodyIsRefused(t *testing.T) {
	s := newServer(t)
	for encoding, status := range map[string]int{"gzip": 415, "br": 415, "identity, gzip": 415, "identity": 401} {
		request := httptest.NewRequest(http.MethodPut, "/api/v1/invoices", strings.NewReader("\x1f\x8b"))
		request.Header.Set("Content-Encoding", encoding)
		response, body := s.ask(request)
		if response.StatusCode != status {
			t.Errorf("%s: %d %.200s", encoding, response.StatusCode, body)
		}
		safe(t, encoding, response.Header)
	}
}

// The server itself refuses such a body, before any of ours is asked.
func TestABodyOverTheLimitIsRefused(t *testing.T) {
	s := newServer(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = s.Listener(listener) }()
	t.Cleanup(func() { _ = s.Shutdown() })
	for path, kind := range map[string]string{"/api/v1/invoices": "application/problem+json", "/me/quotes": "text/html"} {
		conn, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: hub.example\r\nContent-Length: %d\r\n\r\n", path, MaxBody+1)
		_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		answer, err := io.ReadAll(conn)
		_ = conn.Close()
		head, _, _ := strings.Cut(string(answer), "\r\n\r\n")
		if err != nil || !strings.HasPrefix(head, "HTTP/1.1 413") || !strings.Contains(head, kind) {
			t.Errorf("%s: %v %.600s", path, err, answer)
		}
		for _, header := range []string{"Content-Security-Policy", "X-Content-Type-Options: nosniff", "Cache-Control: no-store"} {
			if !strings.Contains(head, header) {
				t.Errorf("%s: no %s in %s", path, header, head)
			}
		}
	}
}

func TestAnotherSitesPageChangesNothing(t *testing.T) {
	s := newServer(t)
	cases := []struct {
		name, site, origin string
		refused            bool
	}{
		{"cross-site", "cross-site", "", true}, {"a neighbour", "same-site", "", true}, {"foreign origin", "", "https://evil.example", true},
		{"origin null", "", "null", true}, {"cross-site with our origin", "cross-site", "https://hub.example", true},
		{"our page", "same-origin", "https://hub.example", false}, {"typed", "none", "", false}, {"an older browser", "", "https://hub.example", false}, {"a program", "", "", false},
	}
	for _, path := range []string{"/me/quotes", "/sign-out", "/vendor/keys", "/operator/vendors", "/d/x/quotes"} {
		for _, c := range cases {
			if !c.refused && (path == "/sign-out" || path == "/d/x/quotes") {
				continue // behind the guard stands a handler that has no database here
			}
			request := httptest.NewRequest(http.MethodPost, path, nil)
			request.Host = "internal.example"
			for name, value := range map[string]string{"Sec-Fetch-Site": c.site, "Origin": c.origin} {
				if value != "" {
					request.Header.Set(name, value)
				}
			}
			if response, body := s.ask(request); (response.StatusCode == 403) != c.refused {
				t.Errorf("%s, %s: %d %.200s", path, c.name, response.StatusCode, body)
			}
		}
	}
}

func TestAssetsAreKeptAndPagesAreNot(t *testing.T) {
	s := newServer(t)
	response, body := s.get(ui.Asset("sheaf.css"))
	if response.StatusCode != 200 || response.Header.Get("Cache-Control") != "public, max-age=31536000, immutable" || !strings.HasPrefix(response.Header.Get("Content-Type"), "text/css") || len(body) < 1000 {
		t.Errorf("the style sheet: %d %v", response.StatusCode, response.Header)
	}
	safe(t, "asset", response.Header)
	if response, _ := s.get("/nothing"); response.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("a page may be kept: %v", response.Header)
	}
}

func TestHealth(t *testing.T) {
	s := newServer(t)
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			response, _ := s.ask(httptest.NewRequest(method, path, nil))
			if response.StatusCode != 200 {
				t.Errorf("%s %s: %d", method, path, response.StatusCode)
			}
		}
	}
	s.ready = errors.New("Redis does not answer")
	if response, body := s.get("/readyz"); response.StatusCode != 503 || !strings.Contains(body, "Redis does not answer") {
		t.Errorf("not ready: %d %s", response.StatusCode, body)
	}
	if response, _ := s.get("/healthz"); response.StatusCode != 200 {
		t.Error("alive, though not ready")
	}
}

func TestAFlashIsShownOnce(t *testing.T) {
	s := behind(t, func(s *server, app fiber.Router) {
		app.Post("/do", func(c *fiber.Ctx) error { return s.kit.Done(c, "/nothing", "It is <done>") })
	})
	response, _ := s.ask(httptest.NewRequest(http.MethodPost, "/do", nil))
	if response.StatusCode != 303 || len(response.Cookies()) != 1 {
		t.Fatalf("%d with %d cookies", response.StatusCode, len(response.Cookies()))
	}
	cookie := response.Cookies()[0]
	request := httptest.NewRequest(http.MethodGet, "/nothing", nil)
	request.AddCookie(cookie)
	response, body := s.ask(request)
	if !strings.Contains(body, "It is &lt;done&gt;") {
		t.Errorf("not shown: %.500s", body)
	}
	if cookies := response.Cookies(); len(cookies) != 1 || cookies[0].Name != cookie.Name || cookies[0].Value != "" {
		t.Errorf("not taken back: %v", cookies)
	}
	if _, body := s.get("/nothing"); strings.Contains(body, "It is") {
		t.Error("shown again")
	}
}

// What is measured must not hold ids, of which there is no end.
func TestObserveIsToldOfRoutesAndNotOfPaths(t *testing.T) {
	var told []string
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	app := New(Deps{Kit: &page.Kit{Log: log, Now: time.Now, PublicURL: "https://hub.example"}, Log: log, Handlers: Handlers{API: &api.Handlers{Log: log, Now: time.Now}, Health: &Health{}},
		Observe: func(method, route string, status int, _ time.Duration) {
			told = append(told, fmt.Sprint(method, " ", route, " ", status))
		}})
	for _, path := range []string{"/me/invoices/secret", "/healthz", "/nothing"} {
		response, err := app.Test(httptest.NewRequest(http.MethodGet, path, nil), 10_000)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
	}
	if len(told) != 3 || told[0] != "GET /me/invoices/:id 303" || told[1] != "GET /healthz 200" || !strings.HasSuffix(told[2], " 404") || strings.Contains(told[2], "nothing") {
		t.Errorf("told %v", told)
	}
}

// The policy refuses what another site would bring, and the page would look broken.
func TestAssetsNameNoOtherSite(t *testing.T) {
	files, err := filepath.Glob("ui/assets/*.css")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(content), "url(http") || strings.Contains(string(content), "@import") {
			t.Errorf("%s loads from elsewhere", file)
		}
	}
}
