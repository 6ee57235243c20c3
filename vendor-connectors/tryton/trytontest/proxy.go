package trytontest

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/vendor-connectors/connectortest/trouble"
)

// proxy stands before the server and forgets sessions when it is told to. What a
// caller asked for is carried out also when the caller has gone.
type proxy struct {
	target string
	client *http.Client

	mu      sync.Mutex
	latest  string          // the session that was used last
	ended   map[string]bool // sessions that are taken no more
	revoked bool
}

func startProxy(t testing.TB, target string) (*trouble.Handler, string) {
	p := &proxy{target: target, client: &http.Client{Timeout: time.Minute}, ended: map[string]bool{}}
	handler := &trouble.Handler{Books: p, Expire: p.expire, Revoke: p.revoke}
	server := httptest.NewServer(handler)
	t.Cleanup(func() {
		handler.Close()
		server.Close()
	})
	return handler, server.URL
}

func (p *proxy) expire() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended[p.latest] = true
}

func (p *proxy) revoke() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.revoked = true
}

// takes says whether the server may hear of a call. One without a session signs in.
func (p *proxy) takes(session string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if session == "" {
		return !p.revoked
	}
	p.latest = session
	return !p.revoked && !p.ended[session]
}

// ServeHTTP implements http.Handler.
func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !p.takes(r.Header.Get("Authorization")) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	status, header, body, err := p.forward(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	for name, values := range header {
		w.Header()[name] = values
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // whoever asked may have gone
}

func (p *proxy) forward(r *http.Request) (int, http.Header, []byte, error) {
	sent, err := io.ReadAll(r.Body)
	if err != nil {
		return 0, nil, nil, err
	}
	request, err := http.NewRequest(r.Method, p.target+r.URL.Path, bytes.NewReader(sent)) // not of the caller's context
	if err != nil {
		return 0, nil, nil, err
	}
	request.Header = r.Header.Clone()
	request.Header.Del("Accept-Encoding")
	response, err := p.client.Do(request)
	if err != nil {
		return 0, nil, nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	header := response.Header.Clone()
	header.Del("Content-Length")
	header.Del("Connection")
	return response.StatusCode, header, body, err
}
