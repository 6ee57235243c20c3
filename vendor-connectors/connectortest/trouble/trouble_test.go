package trouble_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/vendor-connectors/connectortest"
	"github.com/sheaf-hub/sheaf/vendor-connectors/connectortest/trouble"
)

// TestWhatACallerSees plays each trouble once, and counts what was carried out.
func TestWhatACallerSees(t *testing.T) {
	var done atomic.Int32
	handler := &trouble.Handler{Books: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		done.Add(1)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"answer":"whole"}`)
	})}
	server := httptest.NewServer(handler)
	defer server.Close()
	defer handler.Close()
	client := &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for _, c := range []struct {
		trouble connectortest.Trouble
		status  int // 0: no answer
		whole   bool
		carried int32
	}{
		{connectortest.Fine, 200, true, 1}, {connectortest.Throttled, 429, false, 0}, {connectortest.LostAnswer, 0, false, 1}, {connectortest.LostRequest, 0, false, 0},
		{connectortest.Silent, 0, false, 1}, {connectortest.Broken, 500, false, 0}, {connectortest.BrokenLate, 500, false, 1}, {connectortest.Nonsense, 200, false, 1}, {connectortest.Cut, 200, false, 1},
	} {
		before := done.Load()
		if !handler.Play(c.trouble) {
			t.Fatalf("%s is not played", c.trouble)
		}
		response, err := client.Post(server.URL, "application/json", http.NoBody)
		status, body := 0, ""
		if err == nil {
			read, readErr := io.ReadAll(response.Body)
			response.Body.Close()
			status, body = response.StatusCode, string(read)
			if (c.trouble == connectortest.Cut) != errors.Is(readErr, io.ErrUnexpectedEOF) {
				t.Errorf("%s: reading gives %v", c.trouble, readErr)
			}
			if after := response.Header.Get("Retry-After"); (c.trouble == connectortest.Throttled) != (after == "1") {
				t.Errorf("%s: Retry-After %q", c.trouble, after)
			}
		}
		if (c.trouble == connectortest.Silent) != os.IsTimeout(err) || status != c.status || (body == `{"answer":"whole"}`) != c.whole || done.Load()-before != c.carried {
			t.Errorf("%s: %d %q, %v; carried out %d times", c.trouble, status, body, err, done.Load()-before)
		}
	}
	if handler.Calls() != 9 {
		t.Errorf("%d calls were counted", handler.Calls())
	}
	if handler.Play(connectortest.Expired) || handler.Play(connectortest.Revoked) || handler.Play("else") {
		t.Error("plays what these books cannot")
	}
}
