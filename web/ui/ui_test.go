package ui

import (
	"bytes"
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"
	"github.com/sheaf-hub/sheaf/hub/money"
)

func render(t *testing.T, component templ.Component) string {
	t.Helper()
	var out bytes.Buffer
	if err := component.Render(context.Background(), &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestAssetsAreServedUnderTheHashOfTheirContent(t *testing.T) {
	for name, kind := range map[string]string{"sheaf.css": "text/css; charset=utf-8", "sheaf.js": "text/javascript; charset=utf-8", "sheaf.svg": "image/svg+xml"} {
		url := Asset(name)
		if !regexp.MustCompile(`^/assets/sheaf-[0-9a-f]{12}\.[a-z]+$`).MatchString(url) {
			t.Errorf("%s has the URL %s", name, url)
		}
		content, got, ok := OpenAsset(url)
		if !ok || got != kind || len(content) == 0 {
			t.Errorf("%s: served %v as %q, %d bytes", url, ok, got, len(content))
		}
	}
	for _, other := range []string{"/assets/sheaf.css", "/assets/sheaf-000000000000.css", "/assets/../ui.go", ""} {
		if _, _, ok := OpenAsset(other); ok {
			t.Errorf("%q was served", other)
		}
	}
}

func TestDueIn(t *testing.T) {
	const today = money.Date("2026-11-22")
	for _, c := range []struct {
		due  money.Date
		want string
		tone Tone
	}{
		{"", "", ToneNeutral},
		{"2026-11-10", "12\u00a0days overdue", ToneBad},
		{"2026-11-21", "1\u00a0day overdue", ToneBad},
		{"2026-11-22", "due today", ToneWarn},
		{"2026-11-23", "due tomorrow", ToneWarn},
		{"2026-11-29", "due in 7\u00a0days", ToneWarn},
		{"2026-11-30", "due in 8\u00a0days", ToneNeutral},
	} {
		if got := DueIn(c.due, today); got != c.want {
			t.Errorf("%s: %q, want %q", c.due, got, c.want)
		}
		if got := DueTone(c.due, today); got != c.tone {
			t.Errorf("%s: %s, want %s", c.due, got, c.tone)
		}
	}
}

func TestSmallWords(t *testing.T) {
	for got, want := range map[string]string{
		Count(1, "invoice", "invoices"): "1\u00a0invoice", Count(0, "invoice", "invoices"): "0\u00a0invoices",
		Bytes(999): "999 bytes", Bytes(34_400): "34 KB", Bytes(1_250_000): "1.3 MB", Bytes(10_000_000): "10.0 MB",
		Sentence("due today"): "Due today", Sentence("über"): "Über", Sentence(""): "",
		MomentText(time.Time{}, "2026-11-22"):                                     "never",
		MomentText(time.Date(2026, 11, 2, 9, 5, 0, 0, time.UTC), "2026-11-22"):    "2 Nov at 09:05",
		MomentText(time.Date(2025, 12, 31, 23, 59, 0, 0, time.UTC), "2026-11-22"): "31 Dec 2025 at 23:59",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// The summary and the field say the same words, and the one leads to the other.
func TestErrorsStandAtTheFieldAndInTheSummary(t *testing.T) {
	page := Page{Title: "Pay", Errors: []FieldError{{Field: "promise-date", Text: "Enter a date"}, {Text: "The file is gone"}}}
	field := Field{Name: "date", ID: "promise-date", Label: "Date", Hint: "Like 2026-11-30", Error: page.ErrorFor("promise-date")}
	got := render(t, Layout(page)) + render(t, Input(field))
	for _, want := range []string{
		"<title>Error: Pay – Sheaf</title>", `href="#promise-date"`, "The file is gone", `id="promise-date"`, `name="date"`,
		`aria-describedby="promise-date-hint promise-date-error"`, `aria-invalid="true"`, `id="promise-date-error"`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("lacks %s", want)
		}
	}
}

// What people wrote is never markup, and never a link that runs something.
func TestTextIsEscaped(t *testing.T) {
	const evil = `"><script>alert(1)</script>`
	got := render(t, Layout(Page{Title: evil, SignedInAs: evil, Flash: &Flash{Tone: ToneGood, Title: evil, LinkURL: "javascript:alert(1)", Link: "x"}, Nav: []NavItem{{Label: evil, URL: evil}}})) +
		render(t, Input(Field{Name: "n", Label: evil, Value: evil, Hint: evil, Error: evil})) + render(t, TextArea(Field{Name: "t", Value: "</textarea>" + evil})) +
		render(t, Thread([]Message{{Author: evil, Text: evil}}, "2026-11-22"))
	if strings.Contains(got, "<script>alert") || strings.Contains(got, "javascript:") {
		t.Error("something was not escaped")
	}
}

func TestEveryErrorPageSaysWhatToDo(t *testing.T) {
	for _, status := range []int{400, 403, 404, 409, 410, 413, 422, 429, 500, 503} {
		got := render(t, ErrorPage(ErrorView{Status: status}))
		if strings.Count(got, "<h1>") != 1 || strings.Count(got, "<p>") < 2 {
			t.Errorf("%d says too little", status)
		}
	}
}
