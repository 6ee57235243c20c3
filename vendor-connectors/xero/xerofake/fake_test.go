package xerofake

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/money"
)

// desk calls a fake without a network.
type desk struct {
	*Fake
	now    time.Time
	access string
}

func open(cfg Config) *desk {
	d := &desk{now: time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)}
	cfg.Now = func() time.Time { return d.now }
	d.Fake = New(cfg)
	d.access, _, _ = d.SignIn()
	return d
}

func (d *desk) call(t *testing.T, method, path, body string, header ...string) (int, http.Header, map[string]any) {
	t.Helper()
	r := httptest.NewRequest(method, "https://api.xero.com"+prefix+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+d.access)
	r.Header.Set("xero-tenant-id", d.Tenant())
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	var answer map[string]any
	if strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") {
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			t.Fatal(err)
		}
	}
	return w.Code, w.Header(), answer
}

func paymentOf(invoice, text string) string {
	return `{"Payments":[{"Invoice":{"InvoiceID":"` + invoice + `"},"Account":{"Code":"090"},"Date":"2026-11-27","Amount":` + text + `,"Reference":"R"}]}`
}

func TestIdempotencyKeysAreForgotten(t *testing.T) {
	d := open(Config{})
	invoice := d.AddInvoice("Acme", money.New(10000, "EUR"))
	put := func(text string) int {
		status, _, _ := d.call(t, http.MethodPut, "/Payments", paymentOf(invoice, text), "Idempotency-Key", "K")
		return status
	}
	for step, one := range []struct {
		text     string
		after    time.Duration
		status   int
		bookings int
	}{{"10", 0, 200, 1}, {"10", 5 * time.Minute, 200, 1}, {"20", 0, 400, 1}, {"10", time.Minute, 200, 2}, {"500", 6 * time.Minute, 400, 2}} {
		d.now = d.now.Add(one.after)
		if status := put(one.text); status != one.status || len(d.Bookings(invoice)) != one.bookings {
			t.Errorf("step %d: %d and %d bookings, want %+v", step, status, len(d.Bookings(invoice)), one)
		}
	}
}

func TestListsAreFilteredAndCut(t *testing.T) {
	d := open(Config{PageMost: 4})
	for range 6 {
		d.AddInvoice("Acme", money.New(10000, "EUR"))
		d.now = d.now.Add(1500 * time.Millisecond)
	}
	for query, want := range map[string][3]int{ // records on the page, page size, all
		"":                                     {4, 4, 6},
		"?page=2":                              {2, 4, 6},
		"?page=2&pageSize=2":                   {2, 2, 6},
		"?pageSize=5000":                       {4, 4, 6},
		"?pageSize=0":                          {1, 1, 6},
		"?page=9":                              {0, 4, 6},
		"?Statuses=PAID":                       {0, 4, 0},
		"?where=" + esc(`Type=="ACCREC"`):      {4, 4, 6},
		"?where=" + esc(`Status=="PAID"`):      {0, 4, 0},
		"?order=" + esc("UpdatedDateUTC DESC"): {4, 4, 6},
	} {
		status, _, answer := d.call(t, http.MethodGet, "/Invoices"+query, "")
		said := answer["pagination"].(map[string]any)
		if got := [3]int{len(answer["Invoices"].([]any)), int(said["pageSize"].(float64)), int(said["itemCount"].(float64))}; status != 200 || got != want {
			t.Errorf("%q: %d %v, want %v", query, status, got, want)
		}
	}
	for _, query := range []string{"?where=" + esc("Total>5"), "?order=Total"} {
		if status, _, _ := d.call(t, http.MethodGet, "/Invoices"+query, ""); status != 400 {
			t.Errorf("%q: %d", query, status)
		}
	}
	// The third invoice changed at 3.000 s: what changed since then comes after it.
	if _, _, answer := d.call(t, http.MethodGet, "/Invoices", "", "If-Modified-Since", "2026-11-27T09:00:03Z"); len(answer["Invoices"].([]any)) != 3 {
		t.Errorf("since: %v", answer["pagination"])
	}
	if status, _, _ := d.call(t, http.MethodGet, "/Invoices", "", "If-Modified-Since", "yesterday"); status != 400 {
		t.Errorf("a time that is none: %d", status)
	}
}

func esc(text string) string { return url.QueryEscape(text) }

func TestLimitsAreCounted(t *testing.T) {
	d := open(Config{Limits: Limits{Minute: 2, Day: 3}})
	for step, one := range []struct {
		after   time.Duration
		status  int
		problem string
		wait    string
	}{{0, 200, "", ""}, {10 * time.Second, 200, "", ""}, {0, 429, "minute", "50"}, {time.Minute, 200, "", ""}, {time.Minute, 429, "day", "86270"}} {
		d.now = d.now.Add(one.after)
		status, header, _ := d.call(t, http.MethodGet, "/Organisation", "")
		if status != one.status || header.Get("X-Rate-Limit-Problem") != one.problem || header.Get("Retry-After") != one.wait {
			t.Errorf("step %d: %d %v, want %+v", step, status, header, one)
		}
	}
}

func TestWhoIsLetIn(t *testing.T) {
	d := open(Config{})
	if status, _, _ := d.call(t, http.MethodGet, "/Organisation", "", "xero-tenant-id", "another"); status != 403 {
		t.Errorf("another organisation: %d", status)
	}
	if status, _, _ := d.call(t, http.MethodGet, "/Nothing", ""); status != 404 {
		t.Errorf("nothing: %d", status)
	}
	d.now = d.now.Add(30 * time.Minute)
	if status, _, _ := d.call(t, http.MethodGet, "/Organisation", ""); status != 401 {
		t.Errorf("after thirty minutes: %d", status)
	}
}
