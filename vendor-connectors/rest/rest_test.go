package rest_test

import (
	"compress/gzip"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/time/rate"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/rest"
)

const secret = "hush-hush-0123456789"

// serve starts a server and a client on it that follows no redirect, like the hub's.
func serve(t *testing.T, handle http.HandlerFunc) *rest.Client {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	client := server.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &rest.Client{HTTP: client, Base: server.URL + "/api/", Timeout: 5 * time.Second,
		Now: func() time.Time { return time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC) },
		Authorize: func(_ context.Context, r *http.Request) error {
			r.Header.Set("Authorization", "Bearer "+secret)
			return nil
		}}
}

func drop(w http.ResponseWriter) {
	connection, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		_ = connection.Close()
	}
}

func TestACallArrivesAsItWasMade(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_ = json.NewEncoder(w).Encode(map[string]string{"got": fmt.Sprintf("%s %s %s %s %s %s", r.Method, r.URL, r.Header.Get("Content-Type"), r.Header.Get("X-Tenant"), r.Header.Get("Authorization"), body)})
	})
	var into struct{ Got string }
	answer, err := c.JSON(t.Context(), rest.Call{Method: http.MethodPost, Path: "/things", Query: url.Values{"q": {"a b"}}, Header: http.Header{"X-Tenant": {"7"}},
		Body: map[string]int{"n": 1}, Write: true}, &into)
	if want := `POST /api/things?q=a+b application/json 7 Bearer ` + secret + ` {"n":1}`; err != nil || into.Got != want || answer.Status != 200 {
		t.Errorf("%q, %v", into.Got, err)
	}
	if _, err := c.JSON(t.Context(), rest.Call{Path: "/things"}, &into); err != nil || !strings.HasPrefix(into.Got, "GET /api/things  ") {
		t.Errorf("%q, %v", into.Got, err)
	}
}

func TestAnswersAreJudged(t *testing.T) {
	for _, c := range []struct {
		status int
		header http.Header
		write  bool
		want   error
	}{
		{200, nil, false, nil}, {204, nil, true, nil}, {304, nil, false, nil},
		{301, http.Header{"Location": {"https://elsewhere.example/?token=" + secret}}, false, connectors.ErrRefused},
		{307, http.Header{"Location": {"https://elsewhere.example/?token=" + secret}}, true, connectors.ErrRefused},
		{400, nil, false, connectors.ErrRefused}, {422, nil, true, connectors.ErrRefused},
		{401, nil, false, connectors.ErrCredentials}, {403, nil, true, connectors.ErrCredentials},
		{404, nil, false, connectors.ErrGone}, {410, nil, false, connectors.ErrGone},
		{429, nil, true, connectors.ErrThrottled}, {503, http.Header{"Retry-After": {"7"}}, false, connectors.ErrThrottled},
		{503, nil, false, connectors.ErrUnreachable}, {500, nil, false, connectors.ErrUnreachable},
		{500, nil, true, connectors.ErrUnknown}, {502, nil, true, connectors.ErrUnknown},
	} {
		client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			for name, values := range c.header {
				w.Header()[name] = values
			}
			w.WriteHeader(c.status)
		})
		_, err := client.Do(t.Context(), rest.Call{Path: "/x", Write: c.write})
		if !errors.Is(err, c.want) || (c.want == nil) != (err == nil) {
			t.Errorf("%d (write: %t): %v, want %v", c.status, c.write, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("%d tells the secret: %v", c.status, err)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	for _, c := range []struct {
		after, date string
		want        time.Duration
	}{
		{"", "", 0}, {"0", "", 0}, {"90", "", 90 * time.Second}, {" 90 ", "", 90 * time.Second}, {"-5", "", 0}, {"soon", "", 0},
		{"999999999", "", 24 * time.Hour}, {"99999999999999999999999", "", 24 * time.Hour},
		{"Fri, 27 Nov 2026 10:01:00 GMT", "Fri, 27 Nov 2026 10:00:00 GMT", time.Minute}, // by their clock, an hour from ours
		{"Fri, 27 Nov 2026 09:00:00 GMT", "Fri, 27 Nov 2026 10:00:00 GMT", 0},
		{"Fri, 27 Nov 2026 09:02:00 GMT", "never", 2 * time.Minute},                      // by ours, when they do not say theirs
		{"Friday, 27-Nov-26 10:01:00 GMT", "Fri, 27 Nov 2026 10:00:00 GMT", time.Minute}, // as RFC 850 wrote it
	} {
		client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", c.after)
			w.Header().Set("Date", c.date)
			w.WriteHeader(http.StatusTooManyRequests)
		})
		var told *connectors.ThrottledError
		if _, err := client.Do(t.Context(), rest.Call{}); !errors.As(err, &told) || told.RetryAfter != c.want {
			t.Errorf("%q at %q: %v, %+v, want %s", c.after, c.date, err, told, c.want)
		}
	}
}

func TestRefusedCredentialsAreRenewedOnce(t *testing.T) {
	var calls, renewals atomic.Int32
	good := "new"
	current := atomic.Pointer[string]{}
	old := "old"
	current.Store(&old)
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		if r.Header.Get("Authorization") != good {
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	client.Authorize = func(_ context.Context, r *http.Request) error {
		r.Header.Set("Authorization", *current.Load())
		return nil
	}
	client.Renew = func(context.Context) error {
		renewals.Add(1)
		next := "new"
		current.Store(&next)
		return nil
	}
	if _, err := client.Do(t.Context(), rest.Call{Write: true}); err != nil || calls.Load() != 2 || renewals.Load() != 1 {
		t.Errorf("%v after %d calls and %d renewals", err, calls.Load(), renewals.Load())
	}
	good = "nothing that can be had"
	if _, err := client.Do(t.Context(), rest.Call{}); !errors.Is(err, connectors.ErrCredentials) || calls.Load() != 4 || renewals.Load() != 2 {
		t.Errorf("%v after %d calls and %d renewals", err, calls.Load(), renewals.Load())
	}
	failure := fmt.Errorf("%w: sign in again", connectors.ErrCredentials)
	client.Renew = func(context.Context) error { return failure }
	if _, err := client.Do(t.Context(), rest.Call{}); !errors.Is(err, failure) || calls.Load() != 5 {
		t.Errorf("%v after %d calls", err, calls.Load())
	}
}

func TestALostAnswerOfAWriteIsUnknown(t *testing.T) {
	for name, handle := range map[string]http.HandlerFunc{
		"hung up": func(w http.ResponseWriter, _ *http.Request) { drop(w) },
		"cut": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"id":`)
			_ = http.NewResponseController(w).Flush()
			drop(w)
		},
		"nonsense": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>Back soon</html>") },
		"empty":    func(w http.ResponseWriter, _ *http.Request) {},
		"too large": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `"`+strings.Repeat("x", 5000)+`"`)
		},
		"swelling": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			packed := gzip.NewWriter(w)
			_, _ = io.WriteString(packed, `"`+strings.Repeat("x", 1<<20)+`"`)
			_ = packed.Close()
		},
		"silent": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	} {
		client := serve(t, handle)
		client.MostBody, client.Timeout = 4096, 300*time.Millisecond
		var into any
		if _, err := client.JSON(t.Context(), rest.Call{Method: http.MethodPost, Write: true}, &into); !errors.Is(err, connectors.ErrUnknown) {
			t.Errorf("%s: a write says %v", name, err)
		}
		if _, err := client.JSON(t.Context(), rest.Call{}, &into); !errors.Is(err, connectors.ErrUnreachable) || errors.Is(err, connectors.ErrUnknown) {
			t.Errorf("%s: a read says %v", name, err)
		}
	}
}

// TestWhatWasNeverSentIsNotUnknown: without a connection nothing can be booked.
func TestWhatWasNeverSentIsNotUnknown(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "http://" + listener.Addr().String()
	_ = listener.Close()
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0) // it complains of who hangs up
	defer secure.Close()
	for name, c := range map[string]struct {
		base   string
		client *http.Client
	}{
		"nobody listens":          {closed, &http.Client{}},
		"no such host":            {"http://books.invalid", &http.Client{}},
		"a certificate of nobody": {secure.URL, &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}}}},
	} {
		client := rest.Client{HTTP: c.client, Base: c.base, Timeout: 5 * time.Second}
		_, err := client.Do(t.Context(), rest.Call{Method: http.MethodPost, Path: "/?key=" + secret, Write: true, Body: 1})
		if errors.Is(err, connectors.ErrUnknown) || !errors.Is(err, connectors.ErrUnreachable) || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", name, err)
		}
	}
	limited := rest.Client{HTTP: &http.Client{}, Base: closed, Limit: rate.NewLimiter(rate.Every(time.Hour), 1)}
	limited.Limit.Allow()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := limited.Do(ctx, rest.Call{Write: true}); errors.Is(err, connectors.ErrUnknown) || !errors.Is(err, connectors.ErrUnreachable) {
		t.Errorf("held back by the limit: %v", err)
	}
}

// TestAWriteThatIsRepeatedBelowUsStaysUnknown: net/http repeats a call that carries an
// idempotency key by itself when its kept connection breaks. Then the last attempt may
// be one that never reached the books, and the first one may have.
func TestAWriteThatIsRepeatedBelowUsStaysUnknown(t *testing.T) {
	var carriedOut atomic.Int32
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			return
		}
		carriedOut.Add(1)
		_ = server.Listener.Close() // nobody can connect any more
		drop(w)
	}))
	defer server.Close()
	client := rest.Client{HTTP: server.Client(), Base: server.URL, Timeout: 5 * time.Second}
	if _, err := client.Do(t.Context(), rest.Call{}); err != nil { // a connection to keep
		t.Fatal(err)
	}
	_, err := client.Do(t.Context(), rest.Call{Method: http.MethodPost, Write: true, Header: http.Header{"Idempotency-Key": {"k"}}})
	if carriedOut.Load() != 1 || !errors.Is(err, connectors.ErrUnknown) {
		t.Errorf("carried out %d times, and it says %v", carriedOut.Load(), err)
	}
}

func TestSecretsStayOutOfErrors(t *testing.T) {
	hangsUp := func(w http.ResponseWriter, _ *http.Request) { drop(w) }
	for name, call := range map[string]rest.Call{
		"in the query":           {Query: url.Values{"api_key": {secret}}},
		"in the path":            {Path: "/" + secret},
		"in a path that is none": {Path: "/\x7f" + secret},
		"in a query by hand":     {Path: "/?key=" + secret + "&x=%zz"},
		"in a header":            {Header: http.Header{"X-Key": {secret + "\n"}}},
	} {
		_, err := serve(t, hangsUp).Do(t.Context(), call)
		if err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheBooksOwnWordsAreTold(t *testing.T) {
	long := strings.Repeat("täglich ", 100)
	for _, c := range []struct {
		kind, body string
		words      func(int, []byte) string
		want       string
	}{
		{"text/plain; charset=utf-8", "The period is\r\n  closed.", nil, ": The period is closed."},
		{"text/html", "<html>no</html>", nil, ""},
		{"application/json", `{"m":"Closed."}`, func(_ int, body []byte) string { return string(body[6:13]) }, ": Closed."},
		{"text/plain", "Said otherwise.", func(int, []byte) string { return "" }, ": Said otherwise."},
	} {
		client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", c.kind)
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, c.body)
		})
		client.Words = c.words
		_, err := client.Do(t.Context(), rest.Call{})
		if err == nil || !strings.HasSuffix(err.Error(), " answers 400"+c.want) {
			t.Errorf("%q: %v", c.body, err)
		}
	}
	client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, long)
	})
	if _, err := client.Do(t.Context(), rest.Call{}); err == nil || len(err.Error()) > 450 || strings.ContainsRune(err.Error(), '\uFFFD') {
		t.Errorf("%v", err)
	}
}

func TestAnEndedContextIsTold(t *testing.T) {
	client := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	began := time.Now()
	if _, err := client.Do(ctx, rest.Call{}); !errors.Is(err, context.Canceled) || time.Since(began) > 3*time.Second {
		t.Errorf("%v after %s", err, time.Since(began))
	}
	ctx, cancel = context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := client.Do(ctx, rest.Call{Write: true}); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, connectors.ErrUnknown) {
		t.Errorf("%v", err)
	}
}

func TestAddress(t *testing.T) {
	for text, want := range map[string]string{" https://books.example/ ": "https://books.example", "http://10.0.0.7:8000/erp": "http://10.0.0.7:8000/erp"} {
		if got, err := rest.Address(text); err != nil || got != want {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "books.example", "ftp://books.example", "https://", "https://ann:pw@books.example", "https://books.example/?db=1", "https://books.example/#a",
		"https://books.example/" + strings.Repeat("x", 600), "https://bo oks.example", "file:///etc/passwd"} {
		if got, err := rest.Address(text); err == nil {
			t.Errorf("%q: %q", text, got)
		} else if strings.Contains(err.Error(), "pw") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
