package api_test

import (
	"encoding/json"
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sheaf-hub/sheaf/hub/store/storetest"
)

// FuzzAPI sends any body to PUT /invoices: the answer is always JSON that says
// what was done, or a problem with a status that is the caller's; never a 500.
func FuzzAPI(f *testing.F) {
	db := storetest.SQLite(f)
	for _, seed := range []string{first, `{"invoices":[]}`, `{"invoices":[{"external_id":"\u0000","account":"C-104","currency":"USD","total":"1.00"}]}`,
		`{"invoices":[{"external_id":"A","account":"C-104","currency":"JPY","total":"900000000000","due_on":"2200-12-31","lines":[{"amount":"x"}]}]}`,
		`{"invoices":[{"external_id":"A","number":"\u202e","account":"C-104","currency":"USD","total":"1","note":"a\nb","applied":["SH-1"]},{"external_id":"a"}]}`,
		"{\"invoices\":[{\"external_id\":\"\xff\"}]}", strings.Repeat("[", 64)} {
		f.Add([]byte(seed))
	}
	var h *hub
	f.Fuzz(func(t *testing.T, body []byte) {
		if h == nil {
			h = newHub(t, db)
			h.filled()
		}
		h.t = t
		request := httptest.NewRequest("PUT", "/api/v1/invoices", strings.NewReader(string(body)))
		request.Header.Set("Authorization", "Bearer "+h.northKey)
		request.Header.Set("Content-Type", "application/json")
		response, err := h.app.Test(request, -1)
		h.must(err)
		content, err := io.ReadAll(response.Body)
		h.must(err)
		got := answer{status: response.StatusCode, header: response.Header, body: content, t: t}
		conforms(t, "PUT", "/api/v1/invoices", got)
		if got.status != 200 {
			if problem := got.problem(got.status); problem.Status >= 500 {
				t.Errorf("%q: %s", body, content)
			}
			return
		}
		var sent struct {
			Invoices []json.RawMessage `json:"invoices"`
		}
		h.must(json.Unmarshal(body, &sent))
		var done bulk
		got.into(&done)
		if done.Created+done.Updated+done.Unchanged+len(done.Rejected) != len(sent.Invoices) {
			t.Errorf("%q: %d records, %s", body, len(sent.Invoices), content)
		}
	})
}
