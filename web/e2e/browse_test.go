package e2e

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/sheaf-hub/sheaf/web"
)

// pageRoutes are the routes that answer with a page.
func pageRoutes(places map[string]place) []web.Route {
	var list []web.Route
	for _, route := range web.Routes() {
		p, known := places[route.Method+" "+route.Path]
		dev := strings.HasPrefix(route.Path, "/dev/")     // there is no captured mail beside a mail server
		foreign := p.token == "digest" && p.id == "quote" // it is the signed-in customer's
		if route.Method == http.MethodGet && known && !p.file && !dev && !foreign {
			list = append(list, route)
		}
	}
	return list
}

// everyState looks at what pages show when something is special.
func (w *town) everyState(t *testing.T, b *browser) {
	contact := b.with(t).tab(w.contact, w.base)
	invoice := w.base + "/me/invoices/" + w.text("SELECT id FROM invoices WHERE external_id = 'CDRH-ROW-1'") // nothing was said of it yet
	for _, state := range []struct {
		name, address string
		status        int
	}{
		{"me-overdue-ticked", w.base + "/me?select=overdue", http.StatusOK},
		{"me-no-match", w.base + "/me?q=nothing-like-that", http.StatusOK},
		{"me-proposal", w.base + "/me?have=1000.00&have_currency=USD", http.StatusOK},
		{"me-proposal-wrong", w.base + "/me?have=abc&have_currency=USD", http.StatusOK},
		{"not-found", w.base + "/me/nothing", http.StatusNotFound},
		{"link-expired", w.base + "/d/" + strings.Repeat("A", 32), http.StatusGone},
		{"sign-in-expired", w.base + "/sign-in/" + strings.Repeat("A", 32), http.StatusGone},
		{"payment-failed", w.base + "/me/payments/" + w.text("SELECT id FROM payments WHERE status = 'failed'"), http.StatusOK},
		{"payment-processing", w.base + "/me/payments/" + w.text("SELECT id FROM payments WHERE status IN ('processing', 'settled') AND method = 'bank debit'"), http.StatusOK},
	} {
		want := state.status
		if want == http.StatusGone {
			want = 0 // a token that never was is 404, an old one 410
		}
		contact.visit(state.address, want)
		contact.look(state.name)
		contact.quiet(state.name, "status of 4")
	}
	for name, form := range map[string]string{"question": "questions", "dispute": "disputes", "promise": "promises", "notice": "notices"} {
		contact.open(invoice, http.StatusOK)
		submitted := ask[bool](contact, fmt.Sprintf(`(() => {
			const f = document.querySelector('form[action$="/%s"]');
			if (!f) return false;
			for (const e of f.querySelectorAll("textarea, input:not([type=hidden]):not([type=file])")) e.value = "";
			f.noValidate = true;
			f.querySelector("button").click();
			return true;
		})()`, form))
		if !submitted {
			t.Errorf("the invoice's page has no form for %s", form)
			continue
		}
		contact.awaits(`document.querySelector("[data-summary]") !== null`, "an error summary after an empty "+name)
		contact.look(name + "-errors")
		contact.quiet(name+"-errors", "status of 4")
	}
}

// visit is open; a want of 0 takes 404 and 410.
func (t *tab) visit(address string, want int) {
	t.t.Helper()
	if want != 0 {
		t.open(address, want)
		return
	}
	t.do(chromedp.Navigate(address))
	if ask[int](t, `document.querySelectorAll("form").length`) == 0 {
		t.t.Errorf("%s does not offer a new link", address)
	}
}

// awaits waits until a script says yes.
func (t *tab) awaits(script, what string) {
	t.t.Helper()
	if err := within(15*time.Second, func() error {
		if !ask[bool](t, script) {
			return fmt.Errorf("no %s at %s", what, ask[string](t, "location.href"))
		}
		return nil
	}); err != nil {
		t.t.Fatal(err)
	}
}

// keyboard goes from the list to the receipt with Tab, Space and Enter alone.
func (w *town) keyboard(t *testing.T, b *browser) {
	k := b.with(t).tab(w.contact, w.base)
	k.open(w.base+"/me", http.StatusOK)
	k.tabTo(`document.activeElement.name === "invoice"`, "a box to tick")
	k.do(chromedp.KeyEvent(" "))
	if !ask[bool](k, `document.activeElement.checked`) {
		t.Fatal("Space does not tick the box")
	}
	k.shoot("e2e-keyboard-ticked.png", screen)
	k.press(`document.activeElement.closest("form, [form=pay]") && document.activeElement.type === "submit" && (document.activeElement.form || {}).id === "pay"`,
		"the button to review", `document.querySelector('form[action$="/payments"]') !== null`)
	k.press(`document.activeElement.type === "submit" && document.activeElement.form.action.endsWith("/payments")`, "the button to pay",
		`document.querySelector('[name=outcome]') !== null`)
	k.press(`document.activeElement.value === "succeed"`, "the gateway's button", `document.querySelector("[data-paid]") !== null`)
	k.quiet("the way by keyboard", "")
}

// press tabs to something, presses Enter, and waits for what comes of it.
func (t *tab) press(target, what, then string) {
	t.t.Helper()
	t.tabTo(target, what)
	t.do(chromedp.KeyEvent(kb.Enter))
	t.awaits(then, "page after "+what)
}

// tabTo presses Tab until the focus is where it should be, and sees that it is
// visible on the way.
func (t *tab) tabTo(target, what string) {
	t.t.Helper()
	for range 150 {
		t.do(chromedp.KeyEvent(kb.Tab))
		if ask[bool](t, `!!(`+target+`)`) {
			if !ask[bool](t, `(() => { const s = getComputedStyle(document.activeElement), r = document.activeElement.getBoundingClientRect();
				return (s.outlineStyle !== "none" && s.outlineWidth !== "0px" || s.boxShadow !== "none") && r.width > 0 && r.bottom > 0 && r.top < innerHeight; })()`) {
				t.t.Errorf("the focus on %s cannot be seen", what)
			}
			return
		}
	}
	t.t.Fatalf("Tab does not reach %s at %s", what, ask[string](t, "location.href"))
}

// withoutScripts does the same from the digest's link on a phone, with JavaScript off.
func (w *town) withoutScripts(t *testing.T, b *browser) {
	n := b.with(t).tab(nil, w.base)
	n.do(chromedp.EmulateViewport(phone, 800))
	n.scripts(true)
	n.plain(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, page.Navigate, page.NavigateParams{URL: w.link})
		return err
	})
	for _, step := range []struct{ there, press string }{
		{`[name=invoice]`, `[name=invoice]`},
		{`#pay`, `#pay button[type=submit]:not([name])`},
		{`form[action$="/payments"]`, `form[action$="/payments"] button`},
		{`[name=outcome]`, `[name=outcome][value=succeed]`},
		{`[data-paid]`, ``},
	} {
		n.plainAwaits(`document.readyState === "complete" && document.querySelector('` + step.there + `') !== null`)
		if step.press != "" {
			n.plainAwaits(`(document.querySelector('` + step.press + `').click(), true)`)
		}
	}
	// the page's module shows the button to print: it has not run
	n.plainAwaits(`document.querySelector("[data-print]").hidden`)
	n.quiet("the way without scripts", "")
}

// plain speaks to the tab without what chromedp runs inside of pages.
func (t *tab) plain(call func(context.Context, *chromedp.Target) error) {
	t.t.Helper()
	t.do(chromedp.Func(call))
}

// plainAwaits waits until an expression of the debugger's own is true.
func (t *tab) plainAwaits(expression string) {
	t.t.Helper()
	yes, last := true, ""
	err := within(15*time.Second, func() error {
		t.plain(func(ctx context.Context, target *chromedp.Target) error {
			answer, err := cdp.Call(ctx, target, runtime.Evaluate, runtime.EvaluateParams{Expression: expression, ReturnByValue: &yes})
			if err == nil && answer.Result != nil {
				last = string(answer.Result.Value)
			}
			return err
		})
		if last != "true" {
			return fmt.Errorf("%s says %q", expression, last)
		}
		return nil
	})
	if err != nil {
		t.t.Fatal(err)
	}
}
