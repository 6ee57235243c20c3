package api_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/hub/store/storetest"
	"github.com/sheaf-hub/sheaf/web/api"
)

// page is any list.
type listed struct {
	Data []struct {
		ID         string
		ExternalID string `json:"external_id"`
		Account    string
		Total      string
		Open       string
		SourceOpen string `json:"source_open"`
		Applied    string
		Held       string
		Status     string
		DueOn      *string   `json:"due_on"`
		UpdatedAt  time.Time `json:"updated_at"`
		Type       string
		EventType  string `json:"event_type"`
		State      string
		Amount     string
		Credit     string `json:"credit_amount"`
		Holds      []struct{ Kind string }
	}
	NextCursor *string `json:"next_cursor"`
}

func (h *hub) list(key, path string) listed {
	h.t.Helper()
	var got listed
	h.call("GET", path, key, "").want(200).into(&got)
	return got
}

func TestListsShowWhatWasDone(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		h.filled()
		h.call("PUT", "/api/v1/webhook-endpoints", h.northKey, `{"url":"https://hooks.north.example/sheaf","events":["*"]}`).want(200)
		h.pass(time.Minute)
		h.paid()
		invoice := h.list(h.northKey, "/api/v1/invoices").Data[0]
		if invoice.Open != "85.00" || invoice.SourceOpen != "125.00" || invoice.Applied != "40.00" || invoice.Held != "0.00" || invoice.Total != "125.00" ||
			invoice.Account != "C-104" || invoice.Status != "open" || invoice.DueOn == nil || *invoice.DueOn != "2026-12-01" {
			t.Errorf("%+v", invoice)
		}
		if got := h.list(h.northKey, "/api/v1/credits").Data[0]; got.Open != "0.00" || got.Applied != "40.00" || got.Status != "paid" {
			t.Errorf("%+v", got)
		}
		if got := h.list(h.northKey, "/api/v1/payments").Data; len(got) != 1 || got[0].Credit != "40.00" || got[0].Amount != "0.00" || got[0].Status != "settled" {
			t.Errorf("%+v", got)
		}
		events := h.list(h.northKey, "/api/v1/events").Data
		if len(events) == 0 {
			t.Fatal("no event")
		}
		if deliveries := h.list(h.northKey, "/api/v1/deliveries").Data; len(deliveries) != len(events) || deliveries[0].State != "pending" || deliveries[0].EventType == "" {
			t.Errorf("%+v", deliveries)
		}
		for _, path := range []string{"invoices", "credits", "payments", "cases", "events", "deliveries", "webhook-endpoints"} {
			got := h.call("GET", "/api/v1/"+path, h.keyOfS, "").want(200)
			if string(got.body) != `{"data":[],"next_cursor":null}` {
				t.Errorf("South reads %s: %s", path, got.body)
			}
		}
	})
}

func TestListsPage(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		h.filled()
		for i := range 6 {
			h.pass(time.Second)
			h.put(h.northKey, "/api/v1/invoices", fmt.Sprintf(`{"invoices":[{"external_id":"P-%d","account":"C-104","currency":"USD","total":"1.00"}]}`, i))
		}
		var seen []string
		cursor := ""
		for range 10 {
			page := h.list(h.northKey, "/api/v1/invoices?limit=3&cursor="+cursor)
			for _, invoice := range page.Data {
				seen = append(seen, invoice.ExternalID)
			}
			if page.NextCursor == nil {
				break
			}
			if len(page.Data) != 3 {
				t.Fatalf("%+v", page)
			}
			cursor = *page.NextCursor
		}
		if got := strings.Join(seen, " "); got != "INV-1 P-0 P-1 P-2 P-3 P-4 P-5" {
			t.Errorf("%s", got)
		}
		since := h.clock().Add(-time.Second).Format(time.RFC3339)
		if got := h.list(h.northKey, "/api/v1/invoices?updated_since="+url.QueryEscape(since)).Data; len(got) != 2 || got[0].ExternalID != "P-4" {
			t.Errorf("%+v", got)
		}
	})
}

func TestListsRefuseBadParameters(t *testing.T) { each(t, listsRefuseBadParameters) }

func listsRefuseBadParameters(t *testing.T, h *hub) {
	for _, path := range []string{"invoices", "credits", "payments", "cases", "events", "deliveries"} {
		for parameter, value := range map[string]string{"limit": "0", "cursor": "nonsense", "updated_since": "yesterday", "updatedsince": "2026-11-22T09:00:00Z"} {
			problem := h.call("GET", "/api/v1/"+path+"?"+parameter+"="+value, h.northKey, "").problem(422)
			if len(problem.Errors) != 1 || problem.Errors[0].Parameter != parameter || problem.Errors[0].Pointer != nil {
				t.Errorf("%s?%s=%s: %+v", path, parameter, value, problem)
			}
		}
		for _, query := range []string{"limit=501", "limit=-1", "limit=1e3", "limit=99999999999999999999", "updated_since=2026-11-22", "updated_since=0001-01-01T00:00:00Z",
			"cursor=" + strings.Repeat("A", 1000), "cursor=%00", "limit=%ff",
			"cursor=" + store.EncodeCursor(time.Time{}, store.NewID()), "cursor=" + store.EncodeCursor(time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC), store.NewID())} {
			h.call("GET", "/api/v1/"+path+"?"+query, h.northKey, "").problem(422)
		}
	}
}

func TestOnlyKeysComeIn(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		key, row, err := h.handlers.Access.NewAPIKey(context.Background(), h.north.ID, "old", access.SystemActor("test"))
		h.must(err)
		h.must(h.handlers.Access.RevokeAPIKey(context.Background(), h.north.ID, row.ID, access.SystemActor("test")))
		for _, route := range routes() {
			if route.open {
				continue
			}
			path := strings.ReplaceAll(route.path, ":id", store.NewID())
			for name, header := range map[string]string{"none": "", "word": "nonsense", "basic": "Basic " + h.northKey, "bare": h.northKey, "unknown": "Bearer shf_12345678_" + strings.Repeat("A", 32),
				"revoked": "Bearer " + key, "long": "Bearer shf_" + strings.Repeat("x", 2000)} {
				got := h.call(route.method, path, "", "", "Authorization", header)
				got.problem(401)
				if !strings.HasPrefix(got.header.Get("WWW-Authenticate"), "Bearer") {
					t.Errorf("%s %s %s: no WWW-Authenticate", route.method, path, name)
				}
			}
		}
		h.call("GET", "/api/v1/invoices", key, "").problem(401, "revoked")
		if _, err := h.handlers.DB.ExecContext(context.Background(), "UPDATE vendors SET status = 'suspended' WHERE id = ?", h.north.ID); err != nil {
			t.Fatal(err)
		}
		h.call("GET", "/api/v1/invoices", h.northKey, "").problem(403, "suspended")
	})
}

// TestAnotherVendorsThings tries every route with an id on ids of North, with South's key.
func TestAnotherVendorsThings(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		h.filled()
		var endpoint struct{ ID string }
		h.call("PUT", "/api/v1/webhook-endpoints", h.northKey, `{"url":"https://hooks.north.example/sheaf","events":["*"]}`).want(200).into(&endpoint)
		share := h.paid()
		delivery := h.list(h.northKey, "/api/v1/deliveries").Data[0].ID
		about := h.asked()
		ids := map[string]string{"payments": share, "cases": about, "deliveries": delivery, "webhook-endpoints": endpoint.ID}
		bodies := map[string]string{"/api/v1/payments/:id": `{"status":"booked"}`, "/api/v1/payments/:id/refunds": `{"amount":"1.00","reason":"x","idempotency_key":"k"}`, "/api/v1/cases/:id/messages": `{"text":"x"}`,
			"/api/v1/cases/:id": `{"status":"resolved","resolution":"answered"}`}
		tried := 0
		for _, route := range routes() {
			if !strings.Contains(route.path, ":id") {
				continue
			}
			tried++
			body := bodies[route.path]
			if route.method == "GET" {
				body = ""
			}
			for _, id := range []string{ids[strings.Split(route.path, "/")[3]], store.NewID(), "nonsense", "%00", "..%2f"} {
				h.call(route.method, strings.ReplaceAll(route.path, ":id", id), h.keyOfS, body).problem(404)
			}
		}
		if tried != 8 {
			t.Errorf("%d routes with an id", tried)
		}
	})
}

func TestEveryErrorIsAProblem(t *testing.T) {
	h := newHub(t, storetest.SQLite(t))
	problem := h.call("GET", "/api/v1/nothing", h.northKey, "").problem(404)
	if problem.Instance != "/api/v1/nothing" || problem.Type != "/api/docs#not-found" || problem.RequestID == "" {
		t.Errorf("%+v", problem)
	}
	got := h.call("DELETE", "/api/v1/invoices", h.northKey, "")
	got.problem(405)
	if allow := got.header.Get("Allow"); !strings.Contains(allow, "GET") || !strings.Contains(allow, "PUT") {
		t.Errorf("Allow: %q", allow)
	}
	got = h.call("GET", "/api/panics", "", "")
	got.problem(500)
	if strings.Contains(string(got.body), "secret detail") {
		t.Error("a panic's text is shown")
	}
	docs := h.call("GET", "/api/docs", "", "").body
	for _, code := range []fault.Code{fault.Invalid, fault.Malformed, fault.Unauthenticated, fault.Forbidden, fault.NotFound, fault.Conflict, fault.Gone,
		fault.TooLarge, fault.Unsupported, fault.Limited, fault.Unavailable, fault.Internal} {
		_, anchor, _ := strings.Cut(api.TypeOf(code), "#")
		if anchor == "" || !strings.Contains(string(docs), `id="`+anchor+`"`) {
			t.Errorf("%s: the problem %q is not described", code, anchor)
		}
	}
	h.must(h.handlers.DB.Close())
	h.call("GET", "/api/v1/invoices", h.northKey, "").problem(500)
}

func TestKeysAreLimitedEach(t *testing.T) {
	h := newHub(t, storetest.SQLite(t))
	h.handlers.Limiter = api.NewLimiter(50, 100)
	for range 100 {
		h.call("GET", "/api/v1/events", h.northKey, "").want(200)
	}
	got := h.call("GET", "/api/v1/events", h.northKey, "")
	got.problem(429)
	if got.header.Get("Retry-After") != "1" {
		t.Errorf("Retry-After: %q", got.header.Get("Retry-After"))
	}
	h.call("GET", "/api/v1/events", h.keyOfS, "").want(200)
	h.pass(time.Second)
	for range 50 {
		h.call("GET", "/api/v1/events", h.northKey, "").want(200)
	}
	h.call("GET", "/api/v1/events", h.northKey, "").problem(429)
}
