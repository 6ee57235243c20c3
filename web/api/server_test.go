package api_test

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/store/storetest"
	"github.com/sheaf-hub/sheaf/web/api"
)

// TestTheServersOwnRefusalsAreProblems asks a listening server for what it
// refuses before any handler runs.
func TestTheServersOwnRefusalsAreProblems(t *testing.T) {
	h := newHub(t, storetest.SQLite(t))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	h.must(err)
	served := make(chan error, 1)
	go func() { served <- h.app.Listener(listener) }()
	t.Cleanup(func() {
		if err := h.app.Shutdown(); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	client := &http.Client{Timeout: 20 * time.Second}
	ask := func(body io.Reader, headers ...string) answer {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), "PUT", "http://"+listener.Addr().String()+"/api/v1/invoices", body)
		h.must(err)
		request.Header.Set("Authorization", "Bearer "+h.northKey)
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Expect", "100-continue")
		for i := 0; i+1 < len(headers); i += 2 {
			request.Header.Set(headers[i], headers[i+1])
		}
		response, err := client.Do(request)
		h.must(err)
		defer func() { _ = response.Body.Close() }()
		content, err := io.ReadAll(response.Body)
		h.must(err)
		return answer{status: response.StatusCode, header: response.Header, body: content, t: t}
	}
	ask(strings.NewReader(strings.Repeat(" ", api.MaxBody+2<<20))).problem(413, "too-large")
	ask(strings.NewReader("{}"), "X-Long", strings.Repeat("x", 8000)).problem(431, "longer")
	ask(strings.NewReader("{}")).problem(400, "missing")
}
