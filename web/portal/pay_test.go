package portal_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// The bar must say what the ticks come to, in the digits of each currency.
func TestTotalFollowsTheTicks(t *testing.T) {
	chromium, err := exec.LookPath("chromium")
	if err != nil || testing.Short() {
		t.Log("no Chromium, or -short: the module is not run")
		return
	}
	browser := startBrowser(t, chromium)
	server := previewServer(t, previews())
	const (
		tick = `const tick = id => { const box = document.getElementById(id); box.checked = !box.checked; box.dispatchEvent(new Event("input", {bubbles: true})) };`
		fill = `const fill = (id, text) => { const field = document.getElementById(id); field.value = text; field.dispatchEvent(new Event("input", {bubbles: true})) };`
		said = `document.querySelector("[data-total]").innerText.replace(/\s+/g, " ").trim()`
	)
	for _, c := range []struct{ name, page, do, want string }{
		{"nothing", "/me", ``, "Tick what you want to pay."},
		{"one", "/me", `tick("i-i1");`, "1 invoice ticked. EUR 1,250.00"},
		{"a part", "/me", `tick("i-i1"); fill("amount-i1", "0.30");`, "1 invoice ticked. EUR 0.30"},
		{"no digits, three digits", "/me", `tick("i-i30"); tick("i-i20"); tick("i-i21");`, "3 invoices ticked. JPY 1,840,000 KWD 1,280.750"},
		{"a credit", "/me", `tick("i-i1"); tick("c-c1");`, "1 invoice ticked. EUR 1,040.00"},
		{"more credit than invoice", "/me", `tick("i-i4"); tick("c-c1");`, "1 invoice ticked. EUR 0.00"},
		{"another vendor's credit", "/me", `tick("i-i32"); tick("c-c1");`, "1 invoice ticked. EUR 2,310.00"},
		{"too much", "/me", `tick("i-i1"); fill("amount-i1", "1250.01");`, "1 invoice ticked. 1 amount needs your attention."},
		{"not an amount", "/me", `tick("i-i1"); fill("amount-i1", "1e3");`, "1 invoice ticked. 1 amount needs your attention."},
		{"too many digits", "/me", `tick("i-i30"); fill("amount-i30", "10.5");`, "1 invoice ticked. 1 amount needs your attention."},
		{"all overdue", "/me", `document.querySelector("[data-pick=overdue]").click();`, "4 invoices ticked. EUR 1,560.40 JPY 52,000 KWD 1,200.500"},
		{"a vendor", "/me", `document.querySelector("[data-pick-vendor=v3]").click();`, "3 invoices ticked. EUR 2,310.00 JPY 1,892,000"},
		{"a discount", "/me", `tick("i-i3"); tick("i-i1");`, "2 invoices ticked. EUR 13,480.40"},
		{"a part earns none", "/me", `tick("i-i3"); fill("amount-i3", "12479.99");`, "1 invoice ticked. EUR 12,479.99"},
		{"a discount after a credit", "/me", `tick("i-i3"); tick("c-c1");`, "1 invoice ticked. EUR 12,270.00 Before discounts and late fees."},
		{"as served", "/me-ticked", ``, "3 invoices ticked. EUR 4,790.00"},
		{"five hundred", "/me-many", `document.querySelector("[data-pick=all]").click();`, "500 invoices ticked. EUR 96,182.50"},
	} {
		t.Run(c.name, func(t *testing.T) {
			script := "sessionStorage.clear(); location.reload()"
			open(t, browser, server.URL+c.page, 1280, chromedp.Evaluate[any](script))
			got := open(t, browser, server.URL+c.page, 1280, chromedp.Evaluate[string]("{"+tick+fill+c.do+"}"+said))
			if strings.ReplaceAll(got, "\u00a0", " ") != c.want {
				t.Errorf("the bar says %q, want %q", got, c.want)
			}
		})
	}
}

// What is typed into the search narrows the list at once and loses no tick.
func TestSearchNarrowsAndKeepsTicks(t *testing.T) {
	chromium, err := exec.LookPath("chromium")
	if err != nil || testing.Short() {
		t.Log("no Chromium, or -short: the module is not run")
		return
	}
	browser := startBrowser(t, chromium)
	server := previewServer(t, previews())
	const script = `{
		document.getElementById("i-i1").click();
		const search = document.querySelector("input[name=q]");
		search.value = "timber"; search.dispatchEvent(new Event("input", {bubbles: true}));
	}
	[document.querySelectorAll("tr[data-find]").length, [...document.querySelectorAll("tr[data-find]")].filter(row => row.checkVisibility()).length, document.getElementById("i-i1").checked].join(" ")`
	if got := open(t, browser, server.URL+"/me", 1280, chromedp.Evaluate[string](script)); got != "13 3 true" {
		t.Errorf("rows, rows in view, tick kept: %s", got)
	}
	const ticked = `document.getElementById("i-i1").checked + " " + document.getElementById("amount-i1").value + " " + document.getElementById("c-c1").checked`
	open(t, browser, server.URL+"/me", 1280, chromedp.Evaluate[bool](`{
		const field = document.getElementById("amount-i1"); field.value = "20.00"; field.dispatchEvent(new Event("input", {bubbles: true}));
		document.getElementById("c-c1").click();
	} true`))
	if got := open(t, browser, server.URL+"/me", 1280, chromedp.Evaluate[string](ticked)); got != "true 20.00 true" {
		t.Errorf("coming back to the page: %s", got)
	}
	open(t, browser, server.URL+"/payment-settled", 1280, chromedp.Evaluate[bool]("true"))
	if got := open(t, browser, server.URL+"/me", 1280, chromedp.Evaluate[string](ticked)); got != "false 1250.00 false" {
		t.Errorf("coming back after paying: %s", got)
	}
}
