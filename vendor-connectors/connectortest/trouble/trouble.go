// Package trouble lets the HTTP server of a fake misbehave as real ones and the
// network do, so that each fake has only its books to play.
package trouble

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"

	"github.com/sheaf-hub/sheaf/vendor-connectors/connectortest"
)

// Handler stands before the handler of some books, counts the calls and lets the
// next ones go wrong. Its server must speak HTTP/1.1, because connections are
// taken over to break them.
type Handler struct {
	Books http.Handler
	// Expire makes the books refuse the access token that they take now, and Revoke
	// every credential from now on; nil: these books cannot.
	Expire, Revoke func()

	mu    sync.Mutex
	next  []connectortest.Trouble
	calls int
	ended chan struct{}
}

// Play queues what happens to the next calls, one after the other; later ones go
// well. It answers false, and queues nothing, when these books cannot play one.
func (h *Handler) Play(troubles ...connectortest.Trouble) bool {
	known := []connectortest.Trouble{connectortest.Fine, connectortest.Throttled, connectortest.Expired, connectortest.Revoked,
		connectortest.LostAnswer, connectortest.LostRequest, connectortest.Silent, connectortest.Broken, connectortest.BrokenLate,
		connectortest.Nonsense, connectortest.Cut}
	for _, one := range troubles {
		if !slices.Contains(known, one) || one == connectortest.Expired && h.Expire == nil || one == connectortest.Revoked && h.Revoke == nil {
			return false
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.next = append(h.next, troubles...)
	return true
}

// Calls is how many came so far.
func (h *Handler) Calls() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.calls
}

// Close ends the calls that are kept waiting, so that a server can be closed.
func (h *Handler) Close() {
	ended := h.end()
	h.mu.Lock()
	defer h.mu.Unlock()
	select {
	case <-ended:
	default:
		close(ended)
	}
}

func (h *Handler) end() chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ended == nil {
		h.ended = make(chan struct{})
	}
	return h.ended
}

func (h *Handler) draw() connectortest.Trouble {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls++
	if len(h.next) == 0 {
		return connectortest.Fine
	}
	one := h.next[0]
	h.next = h.next[1:]
	return one
}

// ServeHTTP answers one call, well or not.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch h.draw() {
	case connectortest.Throttled:
		w.Header().Set("Retry-After", "1")
		http.Error(w, "too many requests", http.StatusTooManyRequests)
	case connectortest.Expired:
		h.Expire()
		h.Books.ServeHTTP(w, r)
	case connectortest.Revoked:
		h.Revoke()
		h.Books.ServeHTTP(w, r)
	case connectortest.LostRequest:
		hangUp(w, nil)
	case connectortest.LostAnswer:
		h.carriedOut(r)
		hangUp(w, nil)
	case connectortest.Silent:
		h.carriedOut(r)
		select {
		case <-r.Context().Done():
		case <-h.end():
		}
		hangUp(w, nil)
	case connectortest.Broken:
		http.Error(w, "internal server error", http.StatusInternalServerError)
	case connectortest.BrokenLate:
		h.carriedOut(r)
		http.Error(w, "internal server error", http.StatusInternalServerError)
	case connectortest.Nonsense:
		h.carriedOut(r)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, "<!doctype html><title>Maintenance</title><p>We are back soon.")
	case connectortest.Cut:
		answer := h.carriedOut(r)
		body := answer.Body.Bytes()
		var cut bytes.Buffer
		fmt.Fprintf(&cut, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", answer.Code, http.StatusText(answer.Code),
			answer.Header().Get("Content-Type"), len(body)+1)
		cut.Write(body[:len(body)/2])
		hangUp(w, cut.Bytes())
	default:
		h.Books.ServeHTTP(w, r)
	}
}

func (h *Handler) carriedOut(r *http.Request) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	h.Books.ServeHTTP(answer, r)
	return answer
}

// hangUp breaks the connection after the first bytes of an answer, or before any.
func hangUp(w http.ResponseWriter, begun []byte) {
	connection, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // breaks it too, where it cannot be taken over
	}
	defer connection.Close()
	if _, err := buffered.Write(begun); err == nil {
		_ = buffered.Flush() // whoever called may have gone already
	}
}
