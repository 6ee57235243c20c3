package example

import (
	"sync"
	"time"
)

// early is how long before its end a token is no longer used: a call takes a while,
// and clocks differ.
const early = time.Minute

// token is the access token that was bought last. Several calls may use it at once.
type token struct {
	mu     sync.Mutex
	access string
	ends   time.Time
}

// good is a token that is good now: the one at hand, or a new one.
func (t *token) good(now time.Time, buy func() (wireToken, error)) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.access != "" && now.Before(t.ends) {
		return t.access, nil
	}
	bought, err := buy()
	if err != nil {
		return "", err
	}
	t.access, t.ends = bought.AccessToken, now.Add(time.Duration(bought.ExpiresIn)*time.Second-early)
	return t.access, nil
}

func (t *token) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.access = ""
}
