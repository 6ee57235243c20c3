package api_test

import (
	"bufio"
	"fmt"
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
	// no more than the head of a large body is sent: a server that answers early
	// closes, and what is still on its way to it would take the answer along
	ask := func(request string) answer {
		t.Helper()
		connection, err := net.Dial("tcp", listener.Addr().String())
		h.must(err)
		defer func() { _ = connection.Close() }()
		h.must(connection.SetDeadline(time.Now().Add(20 * time.Second)))
		_, err = io.WriteString(connection, request)
		h.must(err)
		response, err := http.ReadResponse(bufio.NewReader(connection), nil)
		h.must(err)
		defer func() { _ = response.Body.Close() }()
		content, err := io.ReadAll(response.Body)
		h.must(err)
		return answer{status: response.StatusCode, header: response.Header, body: content, t: t}
	}
	head := "PUT /api/v1/invoices HTTP/1.1\r\nHost: hub.example\r\nAuthorization: Bearer " + h.northKey + "\r\nContent-Type: application/json\r\n"
	ask(fmt.Sprintf("%sContent-Length: %d\r\n\r\n", head, api.MaxBody+2<<20)).problem(413, "too-large")
	ask(head+"Content-Length: 2\r\n\r\n{}").problem(400, "missing")
	const buffer = 4096 // Fiber's own size for the head of a request
	long := head + "X-Long: "
	ask(long+strings.Repeat("x", buffer-len(long))).problem(431, "longer")
}
