package portal_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/sheaf-hub/sheaf/web/portal"
	"github.com/sheaf-hub/sheaf/web/ui"
	"golang.org/x/net/html"
)

var (
	update = flag.Bool("update", false, "write the golden pages anew")
	dark   = flag.Bool("dark", false, "take the screenshots in dark colours")
	only   = flag.String("only", "", "take the screenshots of pages whose name holds this")
)

const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; form-action 'self' https:; frame-src 'self'; frame-ancestors 'none'"

func render(t *testing.T, component templ.Component) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := component.Render(context.Background(), &out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestGoldenPages(t *testing.T) {
	for _, p := range previews() {
		if !p.golden {
			continue
		}
		t.Run(p.name, func(t *testing.T) {
			// the assets' hashes change with every stroke of the pen; the pages do not
			got := regexp.MustCompile(`(/assets/[a-z]+)-[0-9a-f]{12}`).ReplaceAll(render(t, p.page), []byte("$1"))
			file := filepath.Join("testdata", p.name+".golden.html")
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s is not as %s says; look at it, then run with -update", p.name, file)
			}
		})
	}
}

// Every page keeps the rules that the security policy and readers rely on.
func TestPagesAreWellMade(t *testing.T) {
	for _, p := range previews() {
		t.Run(p.name, func(t *testing.T) {
			doc, err := html.Parse(bytes.NewReader(render(t, p.page)))
			if err != nil {
				t.Fatal(err)
			}
			check := pageCheck{ids: map[string]bool{}, labels: map[string]bool{}}
			check.walk(doc)
			check.nesting(render(t, p.page))
			for _, problem := range check.problems() {
				t.Error(problem)
			}
		})
	}
}

type pageCheck struct {
	ids    map[string]bool
	labels map[string]bool
	refs   []string // ids that something points to
	fields []string // ids of fields without an aria-label
	found  []string
	h1     int
}

func (c *pageCheck) walk(n *html.Node) {
	if n.Type == html.ElementNode {
		c.element(n)
	}
	for child := n.FirstChild; child != nil; child = child.NextSibling {
		c.walk(child)
	}
}

func (c *pageCheck) element(n *html.Node) {
	attributes := map[string]string{}
	for _, a := range n.Attr {
		attributes[a.Key] = a.Val
	}
	if id, ok := attributes["id"]; ok {
		if c.ids[id] || id == "" {
			c.found = append(c.found, "the id "+id+" stands twice or is empty")
		}
		c.ids[id] = true
	}
	if _, ok := attributes["style"]; ok {
		c.found = append(c.found, "an inline style on "+n.Data)
	}
	for key := range attributes {
		if strings.HasPrefix(key, "on") {
			c.found = append(c.found, "an inline handler on "+n.Data)
		}
	}
	for _, key := range []string{"aria-labelledby", "aria-describedby", "for"} {
		c.refs = append(c.refs, strings.Fields(attributes[key])...)
	}
	switch n.Data {
	case "h1":
		c.h1++
	case "script":
		if attributes["src"] == "" {
			c.found = append(c.found, "an inline script")
		}
	case "label":
		c.labels[attributes["for"]] = true
	case "input", "select", "textarea":
		if attributes["aria-label"] == "" && attributes["type"] != "hidden" {
			c.fields = append(c.fields, attributes["id"])
		}
	}
}

// nesting reads the tokens, since a parser drops a form within a form.
func (c *pageCheck) nesting(page []byte) {
	tokens, depth := html.NewTokenizer(bytes.NewReader(page)), 0
	for {
		kind := tokens.Next()
		name, _ := tokens.TagName()
		switch {
		case kind == html.ErrorToken:
			return
		case kind == html.StartTagToken && string(name) == "form":
			depth++
		case kind == html.EndTagToken && string(name) == "form":
			depth--
		}
		if depth > 1 {
			c.found = append(c.found, "a form in a form")
			return
		}
	}
}

func (c *pageCheck) problems() []string {
	for _, ref := range c.refs {
		if !c.ids[ref] {
			c.found = append(c.found, "something points to the id "+ref+", which is not there")
		}
	}
	for _, id := range c.fields {
		if !c.labels[id] {
			c.found = append(c.found, "the field "+id+" has no label")
		}
	}
	if c.h1 != 1 {
		c.found = append(c.found, fmt.Sprintf("%d h1 instead of one", c.h1))
	}
	return c.found
}

// A page of 500 invoices must stay one that a phone can hold.
func TestFiveHundredInvoicesStayLight(t *testing.T) {
	const most = 1_000_000
	sent := render(t, portal.Me(meMany()))
	if len(sent) > most {
		t.Errorf("%d bytes for 500 invoices; at most %d", len(sent), most)
	}
	start := time.Now()
	const rounds = 10
	for range rounds {
		if err := portal.Me(meMany()).Render(context.Background(), io.Discard); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d bytes, %v each", len(sent), time.Since(start)/rounds)
}

// previewServer serves the pages as web does: with the same policy.
func previewServer(t *testing.T, pages []preview) *httptest.Server {
	t.Helper()
	contents := map[string][]byte{}
	for _, p := range pages {
		contents["/"+p.name] = render(t, p.page)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if content, kind, ok := ui.OpenAsset(r.URL.Path); ok {
			w.Header().Set("Content-Type", kind)
			_, _ = w.Write(content)
			return
		}
		content, ok := contents[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(content)
	}))
	t.Cleanup(server.Close)
	return server
}

// TestPreview takes a picture of every page at 375 and 1280 pixels, and fails
// where a page is wider than its window at 320.
func TestPreview(t *testing.T) {
	chromium, err := exec.LookPath("chromium")
	if err != nil || testing.Short() {
		t.Log("no Chromium, or -short: the pages are not drawn")
		return
	}
	folder := filepath.Join("..", "e2e", "shots")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	browser := startBrowser(t, chromium)
	pages := previews()
	server := previewServer(t, pages)
	for _, p := range pages {
		if !strings.Contains(p.name, *only) {
			continue
		}
		overflow := open(t, browser, server.URL+"/"+p.name, 320, chromedp.Evaluate[int](`document.documentElement.scrollWidth - innerWidth`))
		if overflow > 0 {
			t.Errorf("%s is %d pixels too wide at 320", p.name, overflow)
		}
		for _, width := range []int64{375, 1280} {
			shot := open(t, browser, server.URL+"/"+p.name, width, capture(width, p.name == "me-many"))
			file := filepath.Join(folder, fmt.Sprintf("%s-%d%s.png", p.name, width, suffix()))
			if err := os.WriteFile(file, shot, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func suffix() string {
	if *dark {
		return "-dark"
	}
	return ""
}

// capture takes the whole page by making the window as tall as it, so that the
// bar which stays in view stands at the end; or only the window.
func capture(width int64, window bool) chromedp.Action[[]byte] {
	return func(ctx context.Context, tab *chromedp.Target) ([]byte, error) {
		if !window {
			height, err := chromedp.Evaluate[int64](`document.documentElement.scrollHeight`)(ctx, tab)
			if err != nil {
				return nil, err
			}
			if _, err := chromedp.EmulateViewport(width, max(height, 800))(ctx, tab); err != nil {
				return nil, err
			}
		}
		// two frames, so that what was out of view is painted
		const painted = `new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))`
		if _, err := chromedp.Evaluate[bool](painted, chromedp.EvalAwaitPromise)(ctx, tab); err != nil {
			return nil, err
		}
		return chromedp.CaptureScreenshot()(ctx, tab)
	}
}

func startBrowser(t *testing.T, chromium string) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium), chromedp.NoSandbox, chromedp.Flag("disable-gpu", true), chromedp.Flag("no-first-run", true),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.UserDataDir(t.TempDir()))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	browser, leave := chromedp.NewContext(allocator)
	t.Cleanup(leave)
	if err := chromedp.Do(browser); err != nil {
		t.Fatal(err)
	}
	return browser
}

// open shows a page at a width and does one thing with it.
func open[T any](t *testing.T, browser context.Context, url string, width int64, then chromedp.Action[T]) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(browser, 30*time.Second)
	defer cancel()
	scheme := "light"
	if *dark {
		scheme = "dark"
	}
	colours := chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		return err
	})
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, 800), colours, chromedp.Navigate(url)); err != nil {
		t.Fatalf("%s at %d: %v", url, width, err)
	}
	result, err := chromedp.Run(ctx, then)
	if err != nil {
		t.Fatalf("%s at %d: %v", url, width, err)
	}
	return result
}
