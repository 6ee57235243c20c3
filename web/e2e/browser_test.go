package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// The two widths at which every page is looked at.
const (
	phone  = 375
	screen = 1280
)

// browser is one real Chromium for a whole test.
type browser struct {
	t    testing.TB
	root context.Context
	axe  string
}

func newBrowser(t testing.TB) *browser {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium(t)), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("disable-dev-shm-usage", true), chromedp.UserDataDir(t.TempDir()))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	root, leave := chromedp.NewContext(allocator)
	t.Cleanup(leave)
	if err := chromedp.Do(root); err != nil {
		t.Fatalf("starting Chromium: %v", err)
	}
	return &browser{t: t, root: root, axe: axeSource(t)}
}

func chromium(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("Chromium is not found: run .ci/install")
	return ""
}

// axeSource is axe-core as package-lock.json pins it.
func axeSource(t testing.TB) string {
	t.Helper()
	file := filepath.Join("node_modules", "axe-core", "axe.min.js")
	if _, err := os.Stat(file); err != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		if out, err := exec.CommandContext(ctx, "npm", "ci", "--no-audit", "--no-fund").CombinedOutput(); err != nil {
			t.Fatalf("npm ci in web/e2e: %v\n%s", err, out)
		}
	}
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(source)
}

// tab is one tab with cookies of its own; what its console says is kept.
type tab struct {
	*browser
	ctx    context.Context
	mutex  sync.Mutex
	errors []string
}

// tab opens one as a visitor, nil for nobody.
func (b *browser) tab(v *visitor, base string) *tab {
	b.t.Helper()
	ctx, leave := chromedp.NewContext(b.root, chromedp.WithNewBrowserContext())
	b.t.Cleanup(leave)
	t := &tab{browser: b, ctx: ctx}
	if err := chromedp.Do(ctx); err != nil { // the first call makes the tab, and its context is the tab's
		b.t.Fatalf("opening a tab: %v", err)
	}
	t.do(chromedp.EmulateViewport(screen, 800), cookies(v, base))
	messages := chromedp.Console(ctx)
	go func() {
		for message, err := range messages {
			if err != nil {
				return
			}
			if message.Type == chromedp.ConsoleError || message.Type == chromedp.ConsoleException || message.Type == chromedp.ConsoleWarning {
				t.mutex.Lock()
				t.errors = append(t.errors, fmt.Sprintf("%s: %s (%s)", message.Type, message.Text, message.URL))
				t.mutex.Unlock()
			}
		}
	}()
	return t
}

// cookies gives the tab a visitor's session.
func cookies(v *visitor, base string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		address, err := url.Parse(base)
		if err != nil || v == nil {
			return err
		}
		yes := true
		for _, cookie := range v.client.Jar.Cookies(address) {
			if _, err := cdp.Call(ctx, target, network.SetCookie, network.SetCookieParams{Name: cookie.Name, Value: cookie.Value, URL: base + "/", HTTPOnly: &yes}); err != nil {
				return err
			}
		}
		return nil
	})
}

// do runs steps, within half a minute.
func (t *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	t.t.Helper()
	ctx, cancel := context.WithTimeout(t.ctx, 30*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.t.Fatalf("in the browser at %s: %v", t.here(), err)
	}
}

// here is where the tab is, for messages.
func (t *tab) here() string {
	ctx, cancel := context.WithTimeout(t.ctx, 5*time.Second)
	defer cancel()
	address, err := chromedp.Run(ctx, chromedp.Location())
	if err != nil {
		return "an unknown address"
	}
	return address
}

// ask evaluates a script in the page.
func ask[T any](t *tab, script string) T {
	t.t.Helper()
	ctx, cancel := context.WithTimeout(t.ctx, 60*time.Second)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		t.t.Fatalf("%s: %v", t.here(), err)
	}
	return value
}

// open goes to an address and wants a status.
func (t *tab) open(address string, want int) {
	t.t.Helper()
	ctx, cancel := context.WithTimeout(t.ctx, 30*time.Second)
	defer cancel()
	answer, err := chromedp.Run(ctx, chromedp.NavigateResponse(address))
	if err != nil {
		t.t.Fatalf("%s: %v", address, err)
	}
	if answer != nil && answer.Status != int64(want) {
		t.t.Errorf("%s: %d, wanted %d", address, answer.Status, want)
	}
}

// look examines the page that is open at both widths: axe, width, picture.
func (t *tab) look(name string) {
	t.t.Helper()
	ask[bool](t, t.axe+`; for (const d of document.querySelectorAll("details")) d.open = true; true`)
	for _, width := range []int64{screen, phone} {
		t.do(chromedp.EmulateViewport(width, 800))
		if over := ask[int](t, `document.documentElement.scrollWidth - window.innerWidth`); over > 0 {
			t.t.Errorf("%s scrolls sideways at %d pixels: it is %d too wide", name, width, over)
		}
		t.shoot(fmt.Sprintf("e2e-%s-%d.png", name, width), width)
		for _, found := range t.violations() {
			t.t.Errorf("%s at %d pixels: %s", name, width, found)
		}
	}
	t.do(chromedp.EmulateViewport(screen, 800))
}

// violations are what axe finds serious or critical.
func (t *tab) violations() []string {
	t.t.Helper()
	found := ask[string](t, `(async () => {
		const r = await axe.run(document, {resultTypes: ["violations"]});
		return JSON.stringify(r.violations.filter(v => v.impact === "serious" || v.impact === "critical").map(v =>
			v.impact + " " + v.id + ": " + v.nodes.slice(0, 3).map(n => n.target + " " + (n.any[0] || n.all[0] || n.none[0] || {}).message).join(" | ")));
	})()`)
	var list []string
	if err := json.Unmarshal([]byte(found), &list); err != nil {
		t.t.Fatalf("axe answered %q: %v", found, err)
	}
	return list
}

// shoot takes a picture of the whole page, up to what a reader would scroll.
func (t *tab) shoot(file string, width int64) {
	t.t.Helper()
	height := min(max(ask[int64](t, `document.documentElement.scrollHeight`), 800), 4000)
	t.do(chromedp.EmulateViewport(width, height))
	ask[bool](t, `new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))`)
	ctx, cancel := context.WithTimeout(t.ctx, 30*time.Second)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		t.t.Fatalf("%s: %v", file, err)
	}
	if err := os.MkdirAll("shots", 0o755); err != nil {
		t.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join("shots", file), picture, 0o644); err != nil {
		t.t.Fatal(err)
	}
	t.do(chromedp.EmulateViewport(width, 800))
}

// quiet fails when the console has said something since the last time. expected
// is a text that may be there, such as the status of a page that is no 200.
func (t *tab) quiet(name, expected string) {
	t.t.Helper()
	t.mutex.Lock()
	defer t.mutex.Unlock()
	for _, line := range t.errors {
		if expected == "" || !strings.Contains(line, expected) {
			t.t.Errorf("%s: the console says %s", name, line)
		}
	}
	t.errors = nil
}

// scripts turns JavaScript off or on for the pages that come.
func (t *tab) scripts(off bool) {
	t.t.Helper()
	t.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: off})
		return err
	}))
}

// TestBrowser looks at every page in a real browser.
func TestBrowser(t *testing.T) {
	if testing.Short() {
		t.Log("the short half draws no pages")
		return
	}
	t.Parallel()
	w, b := newTown(t), newBrowser(t)
	t.Run("pages", func(t *testing.T) { w.everyPage(t, b) })
	t.Run("states", func(t *testing.T) { w.everyState(t, b) })
	t.Run("keyboard", func(t *testing.T) { w.keyboard(t, b) })
	t.Run("without scripts", func(t *testing.T) { w.withoutScripts(t, b) })
	w.verify()
}

// everyPage opens each page of the table as its own visitor.
func (w *town) everyPage(t *testing.T, b *browser) {
	m := &matrix{town: w, places: table()}
	visitors := map[string]*visitor{"me": w.contact, "vendor": w.owner, "operator": w.operator, "pay": w.contact, "invited": w.colleague}
	tabs := map[string]*tab{}
	seen := 0
	for _, route := range pageRoutes(m.places) {
		p := m.places["GET "+route.Path]
		area, _, _ := strings.Cut(strings.TrimPrefix(route.Path, "/"), "/")
		if strings.HasSuffix(route.Path, "/sign-in") {
			area = "sign-in"
		}
		if p.invited {
			area = "invited"
		}
		if tabs[area] == nil {
			tabs[area] = b.with(t).tab(visitors[area], w.base)
		}
		path, name := m.path(route, p, w.tokenFor(p)), pageName(route.Path)
		tabs[area].open(w.base+path, http.StatusOK)
		tabs[area].look(name)
		tabs[area].quiet(name, "")
		seen++
	}
	t.Logf("%d pages at two widths", seen)
}

// with makes the browser speak to a subtest.
func (b *browser) with(t testing.TB) *browser {
	return &browser{t: t, root: b.root, axe: b.axe}
}

// tokenFor is the first tenant's token for a page.
func (w *town) tokenFor(p place) string {
	w.t.Helper()
	switch p.token {
	case "digest":
		return w.token(w.link)
	case "unsubscribe":
		return w.token(w.unsubscribe)
	case "sign-in":
		v := newVisitor(w.t)
		ask, found := v.open(w.t, w.base+"/").byAction("sign-in")
		if !found {
			w.t.Fatal("the first page has no form to sign in")
		}
		before := len(w.mail.To(otherPayer))
		ask.Values = url.Values{"email": {otherPayer}}
		sent, err := v.submit(ask)
		must(w.t, sent, err)
		if err := within(20*time.Second, func() error {
			if len(w.mail.To(otherPayer)) == before {
				return fmt.Errorf("no link came to %s", otherPayer)
			}
			return nil
		}); err != nil {
			w.t.Fatal(err)
		}
		return w.token(signInLink.FindString(w.mail.To(otherPayer)[before].Text))
	}
	return ""
}

func pageName(path string) string {
	name := strings.Trim(strings.NewReplacer("/", "-", ":", "", ".", "-").Replace(path), "-")
	if name == "" {
		return "start"
	}
	return name
}
