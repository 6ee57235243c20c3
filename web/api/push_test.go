package api_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/hub/store/storetest"
	"github.com/sheaf-hub/sheaf/web/api"
)

func TestPushedTwiceChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		for path, body := range map[string]string{"/api/v1/accounts": acme} {
			if got := h.put(h.northKey, path, body); got.Created != 1 || len(got.Rejected) != 0 {
				t.Fatalf("%+v", got)
			}
			if got := h.put(h.northKey, path, body); got.Unchanged != 1 || got.Created+got.Updated != 0 {
				t.Fatalf("%+v", got)
			}
		}
		for path, body := range map[string]string{"/api/v1/invoices": first, "/api/v1/credits": credit} {
			if got := h.put(h.northKey, path, body); got.Created != 1 || len(got.Rejected) != 0 {
				t.Fatalf("%s: %+v", path, got)
			}
			if got := h.put(h.northKey, path, body); got.Unchanged != 1 || got.Created+got.Updated != 0 {
				t.Fatalf("%s: %+v", path, got)
			}
		}
		if got := h.put(h.northKey, "/api/v1/invoices", strings.Replace(first, `"open":"125.00"`, `"open":"25.00"`, 1)); got.Updated != 1 {
			t.Fatalf("%+v", got)
		}
		if got := h.put(h.northKey, "/api/v1/accounts", strings.Replace(acme, "Ann", "Anna", 1)); got.Updated != 1 {
			t.Fatalf("%+v", got)
		}
		entries, _, err := h.handlers.Access.ListAudit(context.Background(), h.north.ID, store.PageRequest{})
		h.must(err)
		pushes := 0
		for _, entry := range entries {
			if entry.Action == "records.pushed" && entry.ActorKind == access.KindKey {
				pushes++
			}
		}
		if pushes != 5 { // three creations and two changes; what changed nothing is no entry
			t.Errorf("%d pushes in the audit log", pushes)
		}
	})
}

// TestEachRecordIsJudgedByItself sends every bad record of the contract in one
// call, with good ones between them.
func TestEachRecordIsJudgedByItself(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		h.filled()
		h.put(h.keyOfS, "/api/v1/accounts", strings.Replace(acme, "C-104", "C-SOUTH", 1))
		record := func(id, changes string) string {
			base := map[string]string{"external_id": `"` + id + `"`, "number": `"` + id + `"`, "account": `"C-104"`, "issued_on": `"2026-11-01"`,
				"due_on": `"2026-12-01"`, "currency": `"USD"`, "total": `"10.00"`, "open": `"10.00"`}
			for _, change := range strings.Split(changes, ",") {
				if name, value, found := strings.Cut(change, "="); found {
					base[name] = value
				}
			}
			var fields []string
			for _, name := range []string{"external_id", "number", "account", "issued_on", "due_on", "currency", "total", "open", "surprise"} {
				if base[name] != "" {
					fields = append(fields, fmt.Sprintf("%q:%s", name, base[name]))
				}
			}
			return "{" + strings.Join(fields, ",") + "}"
		}
		bad := []struct{ changes, pointer, words string }{
			{`account="C-NONE"`, "/account", "C-NONE"},
			{`account="C-SOUTH"`, "/account", "C-SOUTH"}, // another vendor's
			{`currency="XYZ"`, "/currency", "XYZ"},
			{`total="10.001"`, "/total", "digits"},
			{`total="-10.00"`, "/total", "more than zero"},
			{`total="0.00"`, "/total", "more than zero"},
			{`open="-1.00"`, "/open", "negative"},
			{`open="11.00"`, "/open", "more than the total"},
			{`total=10`, "/total", "strings"},
			{`due_on="2026-10-01"`, "/due_on", "before"},
			{`due_on="2026-02-30"`, "/due_on", "2026-02-30"},
			{`number="INV-1"`, "/number", "INV-1"}, // a number that is there with other content
			{`external_id=""`, "/external_id", "missing"},
			{`surprise=1`, "/surprise", "not known"},
			{`external_id="GOOD-0"`, "/external_id", "already"},
		}
		list := []string{record("GOOD-0", "")}
		for i, one := range bad {
			list = append(list, record(fmt.Sprintf("BAD-%d", i), one.changes), record(fmt.Sprintf("GOOD-%d", i+1), ""))
		}
		got := h.put(h.northKey, "/api/v1/invoices", `{"invoices":[`+strings.Join(list, ",")+`]}`)
		if got.Created != len(bad)+1 || len(got.Rejected) != len(bad) {
			t.Fatalf("created %d, rejected %d: %+v", got.Created, len(got.Rejected), got.Rejected)
		}
		for i, one := range bad {
			found := got.Rejected[i]
			at := fmt.Sprintf("/invoices/%d%s", 2*i+1, one.pointer)
			if found.Index != 2*i+1 || len(found.Problems) == 0 || found.Problems[0].Pointer != at || !strings.Contains(found.Problems[0].Message, one.words) {
				t.Errorf("%s: %+v, want %s at index %d", one.changes, found, at, 2*i+1)
			}
		}
		var page struct{ Data []struct{ Number string } }
		h.call("GET", "/api/v1/invoices?limit=500", h.keyOfS, "").want(200).into(&page)
		if len(page.Data) != 0 {
			t.Errorf("South has %+v", page.Data)
		}
	})
}

func TestBadAccountsAndCredits(t *testing.T) {
	h := newHub(t, storetest.SQLite(t))
	got := h.put(h.northKey, "/api/v1/accounts", `{"accounts":[{"external_id":"A"},{"external_id":"B","name":"B","contacts":[{"email":"not an address"}]},
		{"external_id":"C","name":"C","credit_limit":"1.001","currency":"USD"},{"external_id":"D","name":"D","contacts":[{"email":"d@d.example","role":"boss"}]}]}`)
	if len(got.Rejected) != 4 || got.Rejected[1].Problems[0].Pointer != "/accounts/1/contacts/0/email" || got.Rejected[0].ExternalID != "A" {
		t.Errorf("%+v", got)
	}
	h.filled()
	got = h.put(h.northKey, "/api/v1/credits", `{"credits":[{"external_id":"X","account":"C-104","currency":"USD","total":"-4.00"},
		{"external_id":"Y","account":"NOPE","currency":"USD","total":"4.00"},{"external_id":"CR-1","account":"C-104","currency":"USD","total":"40.00","open":"30.00"}]}`)
	if len(got.Rejected) != 2 || got.Updated != 1 || got.Rejected[1].Problems[0].Pointer != "/credits/1/account" {
		t.Errorf("%+v", got)
	}
}

func TestBodiesThatCannotBeUsed(t *testing.T) {
	h := newHub(t, storetest.SQLite(t))
	put := func(body string, headers ...string) answer {
		return h.call("PUT", "/api/v1/invoices", h.northKey, body, headers...)
	}
	problem := put("{\"invoices\":\n [}").problem(400, "malformed JSON")
	if problem.Line != 2 || problem.Column != 3 || len(problem.Errors) != 1 || problem.Errors[0].Pointer == nil {
		t.Errorf("%+v", problem)
	}
	put(`{"invoices":[`+strings.Repeat("[", 100_000)).problem(400, "deeper")
	put(" ").problem(400, "empty")
	put("{\"invoices\":[\"\xff\"]}").problem(400, "UTF-8")
	put(`{"invoices":[]}`).problem(422, `"pointer":"/invoices"`)
	put(`{"invoices":[`+strings.Repeat("{},", 1000)+`{}]}`).problem(422, "1001 records")
	put(`{"bills":[{}]}`).problem(422, "/bills")
	put(`{}`).problem(400, "invoices")
	put(first, "Content-Type", "text/plain").problem(415, "application/json")
	put(first, "Content-Type", "application/json; charset=latin1").problem(415, "UTF-8")
	put(first, "Content-Encoding", "gzip").problem(415, "Content-Encoding")
	put(first, "Content-Encoding", "identity").problem(415)
	put(strings.Repeat(" ", api.MaxBody+1)).problem(413, "bytes")
	h.call("PUT", "/api/v1/webhook-endpoints", h.northKey, `{"url":"`+strings.Repeat("a", 70_000)+`"}`).problem(413)
	// nothing of all this was stored
	var page struct{ Data []any }
	h.call("GET", "/api/v1/invoices", h.northKey, "").want(200).into(&page)
	if len(page.Data) != 0 {
		t.Errorf("%+v", page)
	}
}

func TestAThousandRecords(t *testing.T) {
	each(t, func(t *testing.T, h *hub) {
		h.filled()
		list := make([]string, 1000)
		for i := range list {
			list[i] = fmt.Sprintf(`{"external_id":"T-%d","account":"C-104","currency":"USD","total":"1.00"}`, i)
		}
		body := `{"invoices":[` + strings.Join(list, ",") + `]}`
		if got := h.put(h.northKey, "/api/v1/invoices", body); got.Created != 1000 {
			t.Fatalf("%+v", got)
		}
		if got := h.put(h.northKey, "/api/v1/invoices", body); got.Unchanged != 1000 {
			t.Fatalf("%+v", got)
		}
	})
}
