// Package signin is OAuth 2 as connectors need it: a person signs in at the books
// (with PKCE, RFC 7636), and what that gave is renewed for as long as the
// connection lives, also when each renewal takes the place of the one before.
package signin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

const (
	early     = 2 * time.Minute        // before its end an access token is renewed
	toKeep    = 10 * time.Second       // for keeping a renewed token, whoever still waits for it
	another   = 250 * time.Millisecond // until the token is looked at again that another process renews just now
	looks     = 6                      // how often it is, at most
	throttled = time.Minute            // to wait where the sign-in server does not say how long
	longest   = 24 * time.Hour         // wait that it can ask for
	mostCode  = 60                     // bytes of its own word for what is wrong
)

// App is the hub as the books know it, with where they let people sign in.
type App struct {
	ClientID     string
	ClientSecret string
	AuthorizeURL string
	TokenURL     string
	Scopes       []string
}

func (a App) config(redirect string) *oauth2.Config {
	return &oauth2.Config{ClientID: a.ClientID, ClientSecret: a.ClientSecret, RedirectURL: redirect, Scopes: a.Scopes,
		Endpoint: oauth2.Endpoint{AuthURL: a.AuthorizeURL, TokenURL: a.TokenURL, AuthStyle: oauth2.AuthStyleInHeader}}
}

// NewVerifier makes the secret of one sign-in, which the caller keeps until the
// person comes back.
func NewVerifier() string { return oauth2.GenerateVerifier() }

// Address is where to send the person. State comes back with it and must be
// compared.
func (a App) Address(redirect, state, verifier string) string {
	return a.config(redirect).AuthCodeURL(state, oauth2.AccessTypeOffline, oauth2.S256ChallengeOption(verifier))
}

// Exchange gives the token for the code that the person came back with.
func (a App) Exchange(ctx context.Context, client *http.Client, redirect, code, verifier string) (connectors.Token, error) {
	token, err := a.config(redirect).Exchange(context.WithValue(ctx, oauth2.HTTPClient, client), code, oauth2.VerifierOption(verifier))
	if err != nil {
		return connectors.Token{}, judged(ctx, err)
	}
	return connectors.Token{Access: token.AccessToken, Refresh: token.RefreshToken, ExpiresAt: token.Expiry.UTC()}, nil
}

// Source gives access tokens of one connection and renews them. It may be used by
// many at once.
type Source struct {
	App  App
	Deps connectors.Deps

	mu sync.Mutex
}

// Access is a token that is good now.
func (s *Source) Access(ctx context.Context) (string, error) {
	token, err := s.Deps.Tokens.Token(ctx)
	if err != nil {
		return "", err
	}
	if token.ExpiresAt.IsZero() || s.Deps.Now().Before(token.ExpiresAt.Add(-early)) {
		return token.Access, nil
	}
	return s.Renew(ctx, token.Access)
}

// Authorize puts a bearer token on a request: rest.Client.Authorize.
func (s *Source) Authorize(ctx context.Context, request *http.Request) error {
	access, err := s.Access(ctx)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+access)
	return nil
}

// Renew gives a token other than the one that the books no longer take. Another
// process may have renewed it meanwhile: then its token is taken. ErrCredentials
// says that the person has to sign in again.
func (s *Source) Renew(ctx context.Context, refused string) (string, error) {
	s.mu.Lock() // one at a time in this process; another process is met in Replace
	defer s.mu.Unlock()
	kept, err := s.Deps.Tokens.Token(ctx)
	if err != nil {
		return "", err
	}
	if kept.Access != refused && (kept.ExpiresAt.IsZero() || s.Deps.Now().Before(kept.ExpiresAt)) {
		return kept.Access, nil
	}
	if kept.Refresh == "" {
		return "", fmt.Errorf("%w: sign in there again", connectors.ErrCredentials)
	}
	calling := context.WithValue(ctx, oauth2.HTTPClient, s.Deps.HTTP)
	fresh, err := s.App.config("").TokenSource(calling, &oauth2.Token{RefreshToken: kept.Refresh}).Token()
	if err != nil {
		return s.overtaken(ctx, kept, judged(ctx, err))
	}
	next := connectors.Token{Access: fresh.AccessToken, Refresh: fresh.RefreshToken}
	if next.Refresh == "" {
		next.Refresh = kept.Refresh
	}
	if !fresh.Expiry.IsZero() { // counted from the hub's clock, not the library's
		next.ExpiresAt = s.Deps.Now().Add(time.Until(fresh.Expiry)).UTC()
	}
	// The one before may be of no use any more, so this one is kept also when nobody
	// waits for it by now.
	keeping, cancel := context.WithTimeout(context.WithoutCancel(ctx), toKeep)
	defer cancel()
	now, err := s.Deps.Tokens.Replace(keeping, kept, next)
	if err != nil {
		return "", fmt.Errorf("keep the renewed token: %w", err)
	}
	return now.Access, nil
}

// overtaken: books that take each refresh token once refuse the slower of two
// processes. What the quicker one keeps is good; it may be about to.
func (s *Source) overtaken(ctx context.Context, was connectors.Token, failure error) (string, error) {
	for range looks {
		now, err := s.Deps.Tokens.Token(ctx)
		if err == nil && now != was {
			return now.Access, nil
		}
		if err != nil || !errors.Is(failure, connectors.ErrCredentials) {
			break
		}
		select {
		case <-ctx.Done():
			return "", failure
		case <-time.After(another):
		}
	}
	return "", failure
}

// judged turns what the library says into what the hub understands. Its own text is
// left out: it holds the whole answer.
func judged(ctx context.Context, err error) error {
	var answer *oauth2.RetrieveError
	if !errors.As(err, &answer) {
		if ended := ctx.Err(); ended != nil {
			return fmt.Errorf("%w: the sign-in server gives no answer: %w", connectors.ErrUnreachable, ended)
		}
		return fmt.Errorf("%w: the sign-in server gives no answer that can be used", connectors.ErrUnreachable)
	}
	switch status := answer.Response.StatusCode; status {
	case http.StatusTooManyRequests:
		return &connectors.ThrottledError{RetryAfter: retryAfter(answer.Response.Header)}
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Errorf("%w: sign in there again%s", connectors.ErrCredentials, code(answer.ErrorCode))
	default:
		return fmt.Errorf("%w: the sign-in server answers %d", connectors.ErrUnreachable, status)
	}
}

func retryAfter(header http.Header) time.Duration {
	seconds, err := strconv.Atoi(header.Get("Retry-After"))
	if err != nil || seconds < 1 {
		return throttled
	}
	return time.Duration(min(seconds, int(longest.Seconds()))) * time.Second
}

// code is a word of RFC 6749 (5.2) for what is wrong: "invalid_grant".
func code(word string) string {
	other := func(r rune) bool { return !(r >= 'a' && r <= 'z' || r == '_') }
	if word == "" || len(word) > mostCode || strings.ContainsFunc(word, other) {
		return ""
	}
	return " (" + word + ")"
}
