package signin_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/signin"
)

const clientSecret = "client-secret-hush"

// server gives tokens, each refresh token for one use.
type server struct {
	*httptest.Server
	mu        sync.Mutex
	good      string // the refresh token that is taken
	serial    int
	renewals  int
	lifetime  int
	challenge string
	answer    func(w http.ResponseWriter) bool // instead of an answer; false: the usual one
	wait      time.Duration                    // before an answer
}

func serve(t *testing.T) *server {
	t.Helper()
	s := &server{good: "refresh-0", lifetime: 1800}
	s.Server = httptest.NewServer(s)
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	time.Sleep(s.wait)
	if s.answer != nil && s.answer(w) {
		return
	}
	id, secret, _ := r.BasicAuth()
	refuse := func(status int, code string) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": code, "error_description": "not " + r.FormValue("refresh_token")})
	}
	switch {
	case id != "hub" || secret != clientSecret:
		refuse(http.StatusUnauthorized, "invalid_client")
		return
	case r.FormValue("grant_type") == "refresh_token" && r.FormValue("refresh_token") != s.good:
		refuse(http.StatusBadRequest, "invalid_grant")
		return
	case r.FormValue("grant_type") == "authorization_code":
		if r.FormValue("code") != "the-code" || oauth2.S256ChallengeFromVerifier(r.FormValue("code_verifier")) != s.challenge || r.FormValue("redirect_uri") != "https://hub.example/back" {
			refuse(http.StatusBadRequest, "invalid_grant")
			return
		}
	}
	s.serial++
	s.renewals++
	s.good = fmt.Sprintf("refresh-%d", s.serial)
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"access_token": fmt.Sprintf("access-%d", s.serial), "refresh_token": s.good, "token_type": "Bearer", "expires_in": s.lifetime})
}

func (s *server) app() signin.App {
	return signin.App{ClientID: "hub", ClientSecret: clientSecret, AuthorizeURL: s.URL + "/authorize", TokenURL: s.URL + "/token", Scopes: []string{"read", "offline_access"}}
}

// store keeps one token, as the hub does.
type store struct {
	mu      sync.Mutex
	kept    connectors.Token
	failure error
	slow    time.Duration // before something is kept
}

func (s *store) Token(context.Context) (connectors.Token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.kept, nil
}

func (s *store) Replace(ctx context.Context, was, next connectors.Token) (connectors.Token, error) {
	time.Sleep(s.slow)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := errors.Join(ctx.Err(), s.failure); err != nil {
		return connectors.Token{}, err
	}
	if s.kept == was {
		s.kept = next
	}
	return s.kept, nil
}

var noon = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

func source(s *server, kept *store) *signin.Source {
	return &signin.Source{App: s.app(), Deps: connectors.Deps{HTTP: s.Client(), Tokens: kept, Now: func() time.Time { return noon }}}
}

func TestSigningIn(t *testing.T) {
	s := serve(t)
	verifier := signin.NewVerifier()
	address, err := url.Parse(s.app().Address("https://hub.example/back", "the-state", verifier))
	if err != nil {
		t.Fatal(err)
	}
	query := address.Query()
	if query.Get("state") != "the-state" || query.Get("code_challenge_method") != "S256" || query.Get("client_id") != "hub" || query.Get("scope") != "read offline_access" ||
		strings.Contains(address.String(), verifier) || strings.Contains(address.String(), clientSecret) {
		t.Errorf("%s", address)
	}
	if sum, err := base64.RawURLEncoding.DecodeString(query.Get("code_challenge")); err != nil || len(sum) != 32 {
		t.Errorf("%q: %v", query.Get("code_challenge"), err)
	}
	s.challenge = query.Get("code_challenge")
	token, err := s.app().Exchange(t.Context(), s.Client(), "https://hub.example/back", "the-code", verifier)
	if err != nil || token.Access != "access-1" || token.Refresh != "refresh-1" || time.Until(token.ExpiresAt) < 29*time.Minute {
		t.Errorf("%+v, %v", token, err)
	}
	if _, err := s.app().Exchange(t.Context(), s.Client(), "https://hub.example/back", "the-code", signin.NewVerifier()); !errors.Is(err, connectors.ErrCredentials) {
		t.Errorf("another verifier: %v", err)
	}
	if signin.NewVerifier() == verifier {
		t.Error("two sign-ins share a secret")
	}
}

func TestATokenIsRenewedBeforeItsEnd(t *testing.T) {
	for name, c := range map[string]struct {
		kept connectors.Token
		want string
	}{
		"good":             {connectors.Token{Access: "a", Refresh: "refresh-0", ExpiresAt: noon.Add(time.Hour)}, "a"},
		"without an end":   {connectors.Token{Access: "a", Refresh: "refresh-0"}, "a"},
		"about to end":     {connectors.Token{Access: "a", Refresh: "refresh-0", ExpiresAt: noon.Add(time.Minute)}, "access-1"},
		"ended, in a zone": {connectors.Token{Access: "a", Refresh: "refresh-0", ExpiresAt: noon.Add(-time.Hour).In(time.FixedZone("", 3600))}, "access-1"},
	} {
		s, kept := serve(t), &store{kept: c.kept}
		request := httptest.NewRequest(http.MethodGet, "/", nil)
		if err := source(s, kept).Authorize(t.Context(), request); err != nil || request.Header.Get("Authorization") != "Bearer "+c.want {
			t.Errorf("%s: %q, %v", name, request.Header.Get("Authorization"), err)
		}
		if c.want == "a" {
			continue
		}
		if kept.kept.Refresh != "refresh-1" || kept.kept.ExpiresAt.Sub(noon).Round(time.Second) != 30*time.Minute {
			t.Errorf("%s: kept is %+v", name, kept.kept)
		}
	}
}

// TestTwoSourcesWithOneRotatingToken: two processes find at the same time that the
// token has ended. One of them gets a new one, and both go on with it.
func TestTwoSourcesWithOneRotatingToken(t *testing.T) {
	s, kept := serve(t), &store{kept: connectors.Token{Access: "a", Refresh: "refresh-0", ExpiresAt: noon}, slow: 300 * time.Millisecond}
	var all sync.WaitGroup
	got, failed := make([]string, 8), make([]error, 8)
	sources := []*signin.Source{source(s, kept), source(s, kept)}
	for i := range got {
		all.Go(func() { got[i], failed[i] = sources[i%2].Access(t.Context()) })
	}
	all.Wait()
	for i := range got {
		if failed[i] != nil || got[i] != "access-1" {
			t.Errorf("%d: %q, %v", i, got[i], failed[i])
		}
	}
	if s.renewals != 1 || kept.kept.Refresh != s.good {
		t.Errorf("%d renewals; kept is %+v, good is %q", s.renewals, kept.kept, s.good)
	}
}

func TestARefusedTokenIsRenewedUnlessItWasAlready(t *testing.T) {
	s, kept := serve(t), &store{kept: connectors.Token{Access: "b", Refresh: "refresh-0", ExpiresAt: noon.Add(time.Hour)}}
	src := source(s, kept)
	if got, err := src.Renew(t.Context(), "a"); err != nil || got != "b" || s.renewals != 0 {
		t.Errorf("somebody had renewed it: %q, %v, %d renewals", got, err, s.renewals)
	}
	if got, err := src.Renew(t.Context(), "b"); err != nil || got != "access-1" {
		t.Errorf("%q, %v", got, err)
	}
	kept.kept.Refresh = ""
	if _, err := src.Renew(t.Context(), "access-1"); !errors.Is(err, connectors.ErrCredentials) {
		t.Errorf("nothing to renew it with: %v", err)
	}
}

func TestWhatTheSignInServerSaysIsJudged(t *testing.T) {
	status := func(code int, after string) func(http.ResponseWriter) bool {
		return func(w http.ResponseWriter) bool {
			w.Header().Set("Retry-After", after)
			w.WriteHeader(code)
			_, _ = w.Write([]byte(`{"error":"` + strings.Repeat("x", 5000) + `","seen":"refresh-0 ` + clientSecret + `"}`))
			return true
		}
	}
	for name, c := range map[string]struct {
		answer func(http.ResponseWriter) bool
		want   error
		wait   time.Duration
	}{
		"refused":                  {status(400, ""), connectors.ErrCredentials, 0},
		"unauthorized":             {status(401, ""), connectors.ErrCredentials, 0},
		"throttled":                {status(429, "7"), connectors.ErrThrottled, 7 * time.Second},
		"throttled without a time": {status(429, ""), connectors.ErrThrottled, time.Minute},
		"broken":                   {status(502, ""), connectors.ErrUnreachable, 0},
		"not there":                {status(404, ""), connectors.ErrUnreachable, 0},
		"nonsense":                 {func(w http.ResponseWriter) bool { _, _ = w.Write([]byte("<html>")); return true }, connectors.ErrUnreachable, 0},
		"no token": {func(w http.ResponseWriter) bool {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte("{}"))
			return true
		}, connectors.ErrUnreachable, 0},
		"hung up": {func(w http.ResponseWriter) bool {
			connection, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_ = connection.Close()
			}
			return true
		}, connectors.ErrUnreachable, 0},
	} {
		s, kept := serve(t), &store{kept: connectors.Token{Access: "a", Refresh: "refresh-0", ExpiresAt: noon}}
		s.answer = c.answer
		_, err := source(s, kept).Access(t.Context())
		var told *connectors.ThrottledError
		if !errors.Is(err, c.want) || errors.As(err, &told) && told.RetryAfter != c.wait {
			t.Errorf("%s: %v", name, err)
		}
		if text := fmt.Sprint(err); strings.Contains(text, "refresh-0") || strings.Contains(text, clientSecret) || len(text) > 400 {
			t.Errorf("%s tells too much: %.500s", name, text)
		}
		if kept.kept.Refresh != "refresh-0" {
			t.Errorf("%s: kept is %+v", name, kept.kept)
		}
	}
}

// TestANewTokenIsKeptAlthoughNobodyWaits: the one before is of no use any more.
func TestANewTokenIsKeptAlthoughNobodyWaits(t *testing.T) {
	s, kept := serve(t), &store{kept: connectors.Token{Access: "a", Refresh: "refresh-0", ExpiresAt: noon}, slow: 300 * time.Millisecond}
	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
	defer cancel()
	if got, err := source(s, kept).Access(ctx); err != nil || got != "access-1" || kept.kept.Refresh != "refresh-1" {
		t.Errorf("%q, %v; kept is %+v", got, err, kept.kept)
	}
	kept.failure = errors.New("the disk is full")
	if _, err := source(s, kept).Renew(t.Context(), "access-1"); err == nil || strings.Contains(err.Error(), "refresh-") {
		t.Errorf("a token that is not kept must not be used: %v", err)
	}
}

func TestAnEndedContextIsTold(t *testing.T) {
	s, kept := serve(t), &store{kept: connectors.Token{Access: "a", Refresh: "refresh-0", ExpiresAt: noon}}
	s.wait = time.Second
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := source(s, kept).Access(ctx); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, connectors.ErrUnreachable) {
		t.Errorf("%v", err)
	}
}
