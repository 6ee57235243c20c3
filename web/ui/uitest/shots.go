package uitest

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/sheaf-hub/sheaf/web/ui"
)

// Policy is the content security policy that pages are drawn under.
const Policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; form-action 'self' https:; frame-src 'self'; frame-ancestors 'none'"

// Shots takes a picture of every page at 375, 1280 and 1920 pixels into folder, and
// fails where one is wider than its window at 320. Without Chromium, or with
// -short, nothing is drawn.
func Shots(t *testing.T, folder, scheme string, pages []Page) {
	t.Helper()
	chromium, err := exec.LookPath("chromium")
	if err != nil || testing.Short() {
		t.Log("no Chromium, or -short: the pages are not drawn")
		return
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	browser, server := startBrowser(t, chromium), serve(t, pages)
	axe := readAxe(t, filepath.Join(folder, "..", "node_modules", "axe-core", "axe.min.js"))
	for _, p := range pages {
		overflow := open(t, browser, server.URL+"/"+p.Name, 320, scheme, chromedp.Evaluate[int](`document.documentElement.scrollWidth - innerWidth`))
		if overflow > 0 {
			t.Errorf("%s is %d pixels too wide at 320", p.Name, overflow)
		}
		for _, width := range []int64{375, 1280, 1920} {
			if axe != "" && width != 1920 {
				for _, problem := range open(t, browser, server.URL+"/"+p.Name, width, scheme, judge(axe)) {
					t.Errorf("%s at %d: %s", p.Name, width, problem)
				}
			}
			shot := open(t, browser, server.URL+"/"+p.Name, width, scheme, chromedp.FullScreenshot(100))
			file := filepath.Join(folder, fmt.Sprintf("%s-%d-%s.png", p.Name, width, scheme))
			if err := os.WriteFile(file, shot, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// readAxe is axe-core where npm brought it, else nothing.
func readAxe(t *testing.T, file string) string {
	source, err := os.ReadFile(file)
	if err != nil {
		t.Log("no axe-core: the pages are drawn, but not judged")
		return ""
	}
	return string(source)
}

// judge lists what axe-core finds against WCAG 2.2 AA.
func judge(axe string) chromedp.Action[[]string] {
	const rules = `({runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], iframes: false})`
	return chromedp.Evaluate[[]string](axe+`;axe.run(document, `+rules+`).then(r => r.violations.map(v =>
		v.id + ": " + v.help + ": " + v.nodes.slice(0, 3).map(n => n.html.slice(0, 160)).join(" | ")))`, chromedp.EvalAwaitPromise)
}

func serve(t *testing.T, pages []Page) *httptest.Server {
	t.Helper()
	contents := map[string][]byte{}
	for _, p := range pages {
		contents["/"+p.Name] = Render(t, p.Body)
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
		w.Header().Set("Content-Security-Policy", Policy)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(content)
	}))
	t.Cleanup(server.Close)
	return server
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
func open[T any](t *testing.T, browser context.Context, url string, width int64, scheme string, then chromedp.Action[T]) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(browser, 60*time.Second)
	defer cancel()
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
