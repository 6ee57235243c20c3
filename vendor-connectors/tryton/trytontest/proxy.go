package trytontest

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/vendor-connectors/connectortest"
)

// proxy stands before the server and lets calls go wrong.
type proxy struct {
	*httptest.Server
	target string

	mu      sync.Mutex
	calls   int
	next    []connectortest.Trouble
	revoked bool
	ended   chan struct{}
}

func startProxy(t testing.TB, target string) *proxy {
	p := &proxy{target: target, ended: make(chan struct{})}
	p.Server = httptest.NewServer(p)
	t.Cleanup(func() {
		close(p.ended)
		p.Close()
	})
	return p
}

func (p *proxy) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls
}

func (p *proxy) misbehave(troubles []connectortest.Trouble) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next = slices.Clone(troubles)
	return true
}

func (p *proxy) trouble() connectortest.Trouble {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls++
	if p.revoked {
		return connectortest.Revoked
	}
	if len(p.next) == 0 {
		return connectortest.Fine
	}
	next := p.next[0]
	p.next = p.next[1:]
	p.revoked = next == connectortest.Revoked
	return next
}

// ServeHTTP implements http.Handler.
func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	trouble := p.trouble()
	switch trouble {
	case connectortest.Throttled:
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
		return
	case connectortest.Expired, connectortest.Revoked:
		w.WriteHeader(http.StatusUnauthorized)
		return
	case connectortest.Broken:
		w.WriteHeader(http.StatusInternalServerError)
		return
	case connectortest.LostRequest:
		hangUp(w)
		return
	}
	status, header, body, err := p.forward(r)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	switch trouble {
	case connectortest.LostAnswer:
		hangUp(w)
		return
	case connectortest.Silent:
		select {
		case <-r.Context().Done():
		case <-p.ended:
		case <-time.After(time.Minute):
		}
		return
	case connectortest.BrokenLate:
		status, body = http.StatusInternalServerError, nil
	case connectortest.Nonsense:
		body = []byte("<html>Welcome to nginx!</html>")
	case connectortest.Cut:
		header.Set("Content-Length", "100000")
		body = body[:len(body)/2]
	}
	for name, values := range header {
		w.Header()[name] = values
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // whoever asked may be gone
	if trouble == connectortest.Cut {
		hangUp(w)
	}
}

func (p *proxy) forward(r *http.Request) (int, http.Header, []byte, error) {
	sent, err := io.ReadAll(r.Body)
	if err != nil {
		return 0, nil, nil, err
	}
	request, err := http.NewRequest(r.Method, p.target+r.URL.Path, bytes.NewReader(sent)) // not of the caller's context: it is carried out
	if err != nil {
		return 0, nil, nil, err
	}
	request.Header = r.Header.Clone()
	request.Header.Del("Accept-Encoding")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil, nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	header := response.Header.Clone()
	header.Del("Content-Length")
	return response.StatusCode, header, body, err
}

func hangUp(w http.ResponseWriter) {
	hijacker, can := w.(http.Hijacker)
	if !can {
		panic(http.ErrAbortHandler)
	}
	conn, _, err := hijacker.Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	_ = conn.Close()
}
