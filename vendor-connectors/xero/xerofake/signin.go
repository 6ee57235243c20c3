package xerofake

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"time"
)

// Lives of tokens (developer.xero.com, "The standard authorization code flow").
const (
	accessLife  = 30 * time.Minute
	refreshLife = 60 * 24 * time.Hour
	graceLife   = 30 * time.Minute // of a refresh token after its first use
	codeLife    = 5 * time.Minute
)

// grant is a code that a person came back with.
type grant struct {
	redirect, challenge string
	made                time.Time
}

// refresh is a refresh token.
type refresh struct {
	made time.Time
	used time.Time // first; zero: not yet
}

// authorize is the page on which a person lets the hub in. The fake's says yes at once.
func (f *Fake) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	back, err := url.Parse(q.Get("redirect_uri"))
	if err != nil || back.Host == "" || q.Get("client_id") != f.cfg.ClientID || q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" {
		http.Error(w, "unauthorized_client", http.StatusBadRequest)
		return
	}
	f.mu.Lock()
	code := f.secret()
	f.codes[code] = grant{redirect: q.Get("redirect_uri"), challenge: q.Get("code_challenge"), made: f.now()}
	f.mu.Unlock()
	answer := back.Query()
	answer.Set("code", code)
	answer.Set("state", q.Get("state"))
	answer.Set("scope", q.Get("scope"))
	back.RawQuery = answer.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}

// token is where codes and refresh tokens are given for access tokens.
func (f *Fake) token(w http.ResponseWriter, r *http.Request) {
	id, secret, _ := r.BasicAuth()
	if r.Method != http.MethodPost || id != f.cfg.ClientID || secret != f.cfg.ClientSecret || r.ParseForm() != nil {
		refuseToken(w, "invalid_client")
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	good := false
	switch r.PostForm.Get("grant_type") {
	case "authorization_code":
		good = f.takeCode(r.PostForm)
	case "refresh_token":
		good = f.takeRefresh(r.PostForm.Get("refresh_token"))
	default:
		refuseToken(w, "unsupported_grant_type")
		return
	}
	if !good || f.revoked {
		refuseToken(w, "invalid_grant")
		return
	}
	access, next := f.secret(), f.secret()
	f.access[access] = f.now().Add(accessLife)
	f.refreshes[next] = &refresh{made: f.now()}
	send(w, jsonAnswer(http.StatusOK, obj{"access_token": access, "refresh_token": next, "expires_in": int(accessLife.Seconds()), "token_type": "Bearer"}))
}

func (f *Fake) takeCode(form url.Values) bool {
	found, known := f.codes[form.Get("code")]
	delete(f.codes, form.Get("code"))
	sum := sha256.Sum256([]byte(form.Get("code_verifier")))
	return known && f.now().Sub(found.made) <= codeLife && found.redirect == form.Get("redirect_uri") &&
		found.challenge == base64.RawURLEncoding.EncodeToString(sum[:])
}

func (f *Fake) takeRefresh(text string) bool {
	found := f.refreshes[text]
	switch {
	case found == nil || f.now().Sub(found.made) > refreshLife:
		return false
	case found.used.IsZero():
		found.used = f.now()
		return true
	}
	return f.now().Sub(found.used) <= graceLife
}

func refuseToken(w http.ResponseWriter, why string) {
	send(w, jsonAnswer(http.StatusBadRequest, obj{"error": why}))
}

// SignIn makes a token as if a person had just signed in.
func (f *Fake) SignIn() (access, refreshing string, ends time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	access, refreshing = f.secret(), f.secret()
	f.access[access] = f.now().Add(accessLife)
	f.refreshes[refreshing] = &refresh{made: f.now()}
	return access, refreshing, f.access[access]
}
