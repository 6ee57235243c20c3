package quickbooksfake

import (
	"encoding/hex"
	"net/http"
	"net/url"
	"time"
)

// Lives of tokens (developer.intuit.com, "OAuth 2.0"). The refresh token changes when
// it is a day old; the fake is the stricter one and does not take the old one any more.
const (
	accessLife  = time.Hour
	refreshLife = 100 * 24 * time.Hour
	rotateAfter = 24 * time.Hour
	codeLife    = 10 * time.Minute
)

// grant is a code that a person came back with.
type grant struct {
	redirect string
	made     time.Time
}

// refresh is a refresh token.
type refresh struct{ made, used time.Time }

func (f *Fake) secret() string {
	text := make([]byte, 20)
	for i := range text {
		text[i] = byte(f.random.IntN(256))
	}
	return hex.EncodeToString(text)
}

// authorize is the page on which a person lets the hub in. The fake's says yes at once.
func (f *Fake) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	back, err := url.Parse(q.Get("redirect_uri"))
	if err != nil || back.Host == "" || q.Get("client_id") != f.cfg.ClientID || q.Get("response_type") != "code" || q.Get("scope") != "com.intuit.quickbooks.accounting" || q.Get("state") == "" {
		http.Error(w, "invalid_request", http.StatusBadRequest)
		return
	}
	f.mu.Lock()
	code := f.secret()
	f.codes[code] = grant{redirect: q.Get("redirect_uri"), made: f.now()}
	f.mu.Unlock()
	answer := back.Query()
	answer.Set("code", code)
	answer.Set("state", q.Get("state"))
	answer.Set("realmId", f.cfg.Company)
	back.RawQuery = answer.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}

// token is where codes and refresh tokens are given for access tokens.
func (f *Fake) token(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	id, secret, _ := r.BasicAuth()
	if id != f.cfg.ClientID || secret != f.cfg.ClientSecret || r.ParseForm() != nil {
		send(w, encoded(http.StatusUnauthorized, obj{"error": "invalid_client"}))
		return
	}
	good, next := false, ""
	switch r.PostForm.Get("grant_type") {
	case "authorization_code":
		found, known := f.codes[r.PostForm.Get("code")]
		delete(f.codes, r.PostForm.Get("code"))
		good = known && f.now().Sub(found.made) <= codeLife && found.redirect == r.PostForm.Get("redirect_uri")
		next = f.secret()
	case "refresh_token":
		next, good = f.rotate(r.PostForm.Get("refresh_token"))
	}
	if !good || f.revoked {
		send(w, encoded(http.StatusBadRequest, obj{"error": "invalid_grant", "error_description": "Incorrect or invalid refresh token"}))
		return
	}
	access := f.admitted(next)
	send(w, encoded(http.StatusOK, obj{"token_type": "bearer", "access_token": access, "expires_in": int(accessLife.Seconds()),
		"refresh_token": next, "x_refresh_token_expires_in": int(refreshLife.Seconds())}))
}

// rotate gives the refresh token that is good from now on.
func (f *Fake) rotate(text string) (string, bool) {
	found, known := f.refreshes[text]
	if !known || f.now().Sub(found.used) > refreshLife {
		return "", false
	}
	if f.now().Sub(found.made) < rotateAfter {
		return text, true
	}
	delete(f.refreshes, text)
	return f.secret(), true
}

// admitted makes an access token, and keeps the refresh token beside it.
func (f *Fake) admitted(refreshing string) string {
	access := f.secret()
	f.access[access] = f.now().Add(accessLife)
	kept, known := f.refreshes[refreshing]
	if !known {
		kept.made = f.now()
	}
	kept.used = f.now()
	f.refreshes[refreshing] = kept
	return access
}

// SignIn makes a token as if a person had just signed in.
func (f *Fake) SignIn() (access, refreshing string, ends time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	refreshing = f.secret()
	access = f.admitted(refreshing)
	return access, refreshing, f.access[access]
}

// Expire lets no access token be taken any more; one that is renewed is.
func (f *Fake) Expire() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.access)
}

// Revoke lets no token be taken or given any more.
func (f *Fake) Revoke() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.revoked = true
}
