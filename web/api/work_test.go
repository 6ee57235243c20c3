package api_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/cases"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/hub/store/storetest"
)

// asked opens a question of Ann's about INV-1 and answers its id.
func (h *hub) asked() string {
	h.t.Helper()
	by, invoice := h.ann()
	opened, err := h.handlers.Cases.Ask(context.Background(), by, invoice, "Where is the delivery note?")
	h.must(err)
	return opened.ID
}

func (h *hub) ann() (cases.Author, string) {
	h.t.Helper()
	contact, err := h.handlers.Party.ContactByEmail(context.Background(), "ap@acme.example")
	h.must(err)
	by := cases.Author{Actor: access.Actor{Kind: access.KindContact, ID: contact.ID, Name: contact.Name, CustomerID: contact.CustomerID, ContactID: contact.ID},
		Contact: contact, Viewer: billing.Viewer{CustomerID: contact.CustomerID}}
	items, _, err := h.handlers.Billing.OpenItems(context.Background(), by.Viewer, "")
	h.must(err)
	return by, items[0].ID
}

// shown is a case as the API shows it.
type shown struct {
	ID, Kind, Status, Resolution string
	Note                         string `json:"resolution_note"`
	Messages                     []struct{ Side, Text string }
}

func TestCasesAreAnsweredAndResolved(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		h.filled()
		id := h.asked()
		var got shown
		h.call("GET", "/api/v1/cases/"+id, h.northKey, "").want(200).into(&got)
		if got.Kind != "question" || got.Status != "open" || len(got.Messages) != 1 {
			t.Fatalf("%+v", got)
		}
		h.call("POST", "/api/v1/cases/"+id+"/messages", h.northKey, `{"text":"It is in the mail."}`).want(201).into(&got)
		if got.Status != "answered" || len(got.Messages) != 2 || got.Messages[1].Side != "vendor" || got.Messages[1].Text != "It is in the mail." {
			t.Fatalf("%+v", got)
		}
		h.call("PATCH", "/api/v1/cases/"+id, h.northKey, `{"status":"resolved","resolution":"accepted"}`).problem(422, `"pointer":"/resolution"`, "answered")
		h.call("PATCH", "/api/v1/cases/"+id, h.northKey, `{"status":"open","resolution":"answered"}`).problem(422, `"pointer":"/status"`)
		h.call("PATCH", "/api/v1/cases/"+id, h.northKey, `{"status":"resolved","resolution":"answered"}`).want(200).into(&got)
		if got.Status != "resolved" || got.Resolution != "answered" {
			t.Fatalf("%+v", got)
		}
		h.call("PATCH", "/api/v1/cases/"+id, h.northKey, `{"status":"resolved","resolution":"answered"}`).problem(409)
		h.call("POST", "/api/v1/cases/"+id+"/messages", h.northKey, `{"text":"once more"}`).problem(409)
		if list := h.list(h.northKey, "/api/v1/cases").Data; len(list) != 1 || list[0].Status != "resolved" {
			t.Errorf("%+v", list)
		}
	})
}

func TestADisputeHoldsAndItsRefusalNeedsANote(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		h.filled()
		by, invoice := h.ann()
		dispute, err := h.handlers.Cases.OpenDispute(context.Background(), by, invoice, cases.Dispute{Reason: cases.Reasons()[0].Key, Note: "Two boxes were empty."})
		h.must(err)
		if holds := h.list(h.northKey, "/api/v1/invoices").Data[0].Holds; len(holds) != 1 || holds[0].Kind != "dispute" {
			t.Errorf("%+v", holds)
		}
		h.call("PATCH", "/api/v1/cases/"+dispute.ID, h.northKey, `{"status":"resolved","resolution":"declined"}`).problem(422, `"pointer":"/note"`)
		var got shown
		h.call("PATCH", "/api/v1/cases/"+dispute.ID, h.northKey, `{"status":"resolved","resolution":"declined","note":"All boxes were weighed."}`).want(200).into(&got)
		if got.Note != "All boxes were weighed." {
			t.Errorf("%+v", got)
		}
		if holds := h.list(h.northKey, "/api/v1/invoices").Data[0].Holds; len(holds) != 0 {
			t.Errorf("%+v", holds)
		}
	})
}

func TestSmallBodiesAreStrict(t *testing.T) {
	h := newHub(t, storetest.SQLite(t))
	h.filled()
	path := "/api/v1/cases/" + h.asked() + "/messages"
	post := func(body string, headers ...string) answer { return h.call("POST", path, h.northKey, body, headers...) }
	if problem := post("{\n\"text\":}").problem(400, "malformed"); problem.Line != 2 || problem.Column != 8 {
		t.Errorf("%+v", problem)
	}
	post(`{"text":"x"`).problem(400, "too early")
	post(`{"text":"x"} {}`).problem(400, "follows")
	post(`[]`).problem(400, "object")
	post(` `).problem(400, "empty")
	post(strings.Repeat(`{"text":`, 20_000)).problem(413)
	post(strings.Repeat("[", 20_000)).problem(400)
	post(`{"text":5}`).problem(422, `"pointer":"/text"`, "number")
	post(`{"txt":"x"}`).problem(422, `"pointer":"/txt"`)
	post(`{"text":"   "}`).problem(422, `"pointer":"/text"`)
	post(`{"text":"`+strings.Repeat("long ", 5000)+`"}`).problem(422, `"pointer":"/text"`)
	post(`{"text":"x"}`, "Content-Type", "application/x-www-form-urlencoded").problem(415)
	post(`{"text":"x"}`, "Content-Encoding", "br").problem(415)
	post("").problem(415)
}

func TestWebhookEndpointsBeginWithTheVendorsSecret(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		type endpoint struct {
			ID, URL, Secret string
			Events          []string
			DisabledAt      *time.Time `json:"disabled_at"`
		}
		put := func(body string) endpoint {
			t.Helper()
			var got endpoint
			h.call("PUT", "/api/v1/webhook-endpoints", h.northKey, body).want(200).into(&got)
			return got
		}
		one := put(`{"url":"https://hooks.north.example/sheaf","events":["*"]}`)
		if one.Secret != northSecret || one.ID == "" || one.URL != "https://hooks.north.example/sheaf" || len(one.Events) != 1 {
			t.Fatalf("%+v", one)
		}
		again := put(`{"url":"https://hooks.north.example/sheaf","events":["case.opened","payment.settled"]}`)
		if again.ID != one.ID || again.Secret != northSecret || len(again.Events) != 2 {
			t.Fatalf("%+v", again)
		}
		if _, err := standardwebhooks.NewWebhook(one.Secret); err != nil {
			t.Errorf("not a secret of Standard Webhooks: %v", err)
		}
		listed := h.call("GET", "/api/v1/webhook-endpoints", h.northKey, "").want(200)
		if strings.Contains(string(listed.body), "whsec_") || !strings.Contains(string(listed.body), one.ID) {
			t.Errorf("%s", listed.body)
		}
		for body, words := range map[string]string{
			`{"url":"http://hooks.north.example/","events":["*"]}`:                                    "/url",
			`{"url":"https://127.0.0.1/","events":["*"]}`:                                             "/url",
			`{"url":"https://[::1]/","events":["*"]}`:                                                 "/url",
			`{"url":"javascript:alert(1)","events":["*"]}`:                                            "/url",
			`{"url":"","events":["*"]}`:                                                               "/url",
			`{"events":["*"]}`:                                                                        "/url",
			`{"url":"https://hooks.north.example/"}`:                                                  "/events",
			`{"url":"https://hooks.north.example/","events":["payment.like"]}`:                        "/events/0",
			`{"url":"https://hooks.north.example/","events":"*"}`:                                     "/events",
			`{"url":"https://hooks.north.example/","events":["*"],"secret":"whsec_"}`:                 "/secret",
			`{"url":"https://hooks.north.example/","events":[` + strings.Repeat(`"*",`, 20) + `"*"]}`: "/events",
		} {
			h.call("PUT", "/api/v1/webhook-endpoints", h.northKey, body).problem(422, `"pointer":"`+words+`"`)
		}
		h.call("DELETE", "/api/v1/webhook-endpoints/"+one.ID, h.northKey, "").want(http.StatusNoContent)
		h.call("DELETE", "/api/v1/webhook-endpoints/"+one.ID, h.northKey, "").problem(404)
		fresh := put(`{"url":"https://hooks.north.example/sheaf","events":["*"]}`)
		if fresh.ID == one.ID || fresh.Secret != northSecret {
			t.Errorf("%+v", fresh)
		}
		entries, _, err := h.handlers.Access.ListAudit(context.Background(), h.north.ID, store.PageRequest{})
		h.must(err)
		for _, entry := range entries {
			if strings.Contains(entry.Before+entry.After, "whsec_") {
				t.Errorf("a secret stands in the audit log: %+v", entry)
			}
		}
	})
}

func TestDeliveriesAreReplayed(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		h.filled()
		var endpoint struct{ ID string }
		h.call("PUT", "/api/v1/webhook-endpoints", h.northKey, `{"url":"https://hooks.north.example/sheaf","events":["*"]}`).want(200).into(&endpoint)
		h.paid()
		delivery := h.list(h.northKey, "/api/v1/deliveries").Data[0].ID
		if _, err := h.handlers.DB.ExecContext(context.Background(), "UPDATE deliveries SET state = 'dead', next_attempt_at = NULL, attempts = 9"); err != nil {
			t.Fatal(err)
		}
		var got struct {
			State    string
			Attempts int
		}
		h.call("POST", "/api/v1/deliveries/"+delivery+"/replay", h.northKey, "").want(202).into(&got)
		if got.State != "pending" || got.Attempts != 0 {
			t.Errorf("%+v", got)
		}
		h.call("DELETE", "/api/v1/webhook-endpoints/"+endpoint.ID, h.northKey, "").want(204)
		h.call("POST", "/api/v1/deliveries/"+delivery+"/replay", h.northKey, "").problem(409, "disabled")
	})
}

func TestABookedPaymentCountsOnce(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		h.filled()
		share := h.paid()
		path := "/api/v1/payments/" + share
		h.call("PATCH", path, h.northKey, `{"status":"settled"}`).problem(422, `"pointer":"/status"`)
		for range 2 {
			h.call("PATCH", path, h.northKey, `{"status":"booked"}`).want(200)
			got := h.list(h.northKey, "/api/v1/invoices").Data[0]
			if got.Open != "85.00" || got.SourceOpen != "85.00" || got.Applied != "0.00" {
				t.Fatalf("%+v", got)
			}
		}
		// the books now say so themselves: nothing comes off twice
		h.put(h.northKey, "/api/v1/invoices", strings.Replace(first, `"open":"125.00"`, `"open":"85.00"`, 1))
		if got := h.list(h.northKey, "/api/v1/invoices").Data[0]; got.Open != "85.00" {
			t.Errorf("%+v", got)
		}
		if _, err := h.handlers.DB.ExecContext(context.Background(), "UPDATE shares SET status = 'processing'"); err != nil {
			t.Fatal(err)
		}
		h.call("PATCH", path, h.northKey, `{"status":"booked"}`).problem(409, "processing")
	})
}
