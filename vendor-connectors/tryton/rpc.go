package tryton

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/rest"
)

// Tryton's JSON-RPC: every call is a POST to /DATABASE/ of a method and its
// parameters, the last of which is the context. What a user did wrong, and what broke
// in the server, comes with status 200 and an error in the body
// (trytond/protocols/jsonrpc.py).

const (
	mostSessions = 3    // that one call begins, when each of them ends at once
	mostRows     = 1000 // of one search
	mostSearches = 1000 // of rows that belong to one page
	mostWords    = 300  // bytes of Tryton's own words
)

type envelope struct {
	Result json.RawMessage `json:"result"`
	Error  json.RawMessage `json:"error"`
}

// session is one that Tryton gave, with the company and language of its user, in
// whose context Tryton's own client makes every call.
type session struct {
	key   string
	about map[string]any
}

// errSession says that Tryton does not take the session any more; nothing was
// carried out.
var errSession = errors.New("the session has ended")

func (c *Client) begin(ctx context.Context) (*session, error) {
	c.mu.Lock()
	known := c.session
	c.mu.Unlock()
	if known != nil {
		return known, nil
	}
	key, err := c.login(ctx)
	if err != nil {
		return nil, err
	}
	fresh := &session{key: key}
	var preferences struct {
		Company  *int64 `json:"company"`
		Language string `json:"language"`
	}
	raw, _, err := c.post(ctx, key, false, "model.res.user.get_preferences", true, map[string]any{})
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(raw, &preferences); err != nil {
		return nil, fmt.Errorf("%w: Tryton answers the user's preferences with something else", connectors.ErrUnreachable)
	}
	fresh.about = map[string]any{"language": preferences.Language}
	if preferences.Company != nil {
		fresh.about["company"] = *preferences.Company
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.session = fresh
	return fresh, nil
}

// forget lets the next call begin a session, unless another call did already.
func (c *Client) forget(ended *session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.session == ended {
		c.session = nil
	}
}

func (c *Client) login(ctx context.Context) (string, error) {
	user := c.settings["user"]
	raw, _, err := c.post(ctx, "", false, "common.db.login", user, map[string]string{"password": c.settings["password"]})
	switch {
	case errors.Is(err, connectors.ErrGone), errors.Is(err, errNoDatabase):
		return "", fmt.Errorf("%w: this server has no database %q, or is no Tryton server; look at both in the login window of your Tryton client", connectors.ErrRefused, c.settings["database"])
	case errors.Is(err, connectors.ErrCredentials) && !errors.Is(err, errMoreThanPassword):
		return "", fmt.Errorf("%w: Tryton does not accept this user and password", connectors.ErrCredentials)
	case errors.Is(err, connectors.ErrRefused):
		return "", fmt.Errorf("this does not answer as a Tryton server does; look at the address in the login window of your Tryton client: %w", err)
	case err != nil:
		return "", err
	}
	var answer []json.RawMessage
	var id json.Number
	var key string
	if err := json.Unmarshal(raw, &answer); err != nil || len(answer) < 2 || json.Unmarshal(answer[0], &id) != nil || json.Unmarshal(answer[1], &key) != nil || key == "" {
		return "", fmt.Errorf("%w: Tryton does not answer a login with a session", connectors.ErrUnreachable)
	}
	return base64.StdEncoding.EncodeToString([]byte(user + ":" + id.String() + ":" + key)), nil
}

// call makes a call in a session, and again in a new one when Tryton does not take
// that any more. About is added to the context.
func (c *Client) call(ctx context.Context, write bool, into any, method string, about map[string]any, params ...any) (time.Time, error) {
	for try := 1; ; try++ {
		known, err := c.begin(ctx)
		if err == nil {
			full := maps.Clone(known.about)
			maps.Copy(full, about)
			var raw json.RawMessage
			var now time.Time
			if raw, now, err = c.post(ctx, known.key, write, method, append(slices.Clone(params), full)...); err == nil {
				return now, decode(raw, into, write, method)
			}
		}
		if !errors.Is(err, errSession) || try == mostSessions {
			return time.Time{}, err
		}
		c.forget(known)
	}
}

func decode(raw json.RawMessage, into any, write bool, method string) error {
	if into == nil {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("%w: Tryton answers %s with something else than it should: %w", lostAs(write), method, err)
	}
	return nil
}

// lostAs is what a call is when its answer cannot be used.
func lostAs(write bool) error {
	if write {
		return connectors.ErrUnknown
	}
	return connectors.ErrUnreachable
}

// post makes one call. The time is the server's.
func (c *Client) post(ctx context.Context, session string, write bool, method string, params ...any) (json.RawMessage, time.Time, error) {
	call := rest.Call{Method: http.MethodPost, Path: "/" + c.settings["database"] + "/", Write: write,
		Body: map[string]any{"id": c.ids.Add(1), "method": method, "params": params}}
	if session != "" {
		call.Header = http.Header{"Authorization": {"Session " + session}}
	}
	var answer envelope
	got, err := c.rest.JSON(ctx, call, &answer)
	if err == nil && len(answer.Error) > 0 && string(answer.Error) != "null" {
		err = judged(answer.Error, write, method)
	}
	switch {
	case err != nil && session != "" && errors.Is(err, connectors.ErrCredentials):
		return nil, time.Time{}, fmt.Errorf("%w: %w", errSession, err)
	case err != nil:
		return nil, time.Time{}, err
	case answer.Result == nil:
		return nil, time.Time{}, fmt.Errorf("%w: Tryton's answer has no result", lostAs(write))
	}
	now, err := http.ParseTime(got.Header.Get("Date"))
	if err != nil {
		now = time.Time{} // it does not say
	}
	return answer.Result, now.UTC(), nil
}

var (
	errNoDatabase       = errors.New("the server has no such database")
	errMoreThanPassword = errors.New("this user has to give more than a password")
)

// judged puts an error of Tryton's into words. What its users are told is a list of a
// class and of words; anything else is text and a traceback: something broke, and
// Tryton has taken back what it had done, as far as it can.
func judged(raw json.RawMessage, write bool, method string) error {
	var parts []json.RawMessage
	var name, broken string
	var said []any
	if json.Unmarshal(raw, &parts) != nil || len(parts) == 0 || json.Unmarshal(parts[0], &name) != nil {
		return fmt.Errorf("%w: Tryton answers an error without words", lostAs(write))
	}
	if len(parts) > 1 && json.Unmarshal(parts[1], &said) != nil {
		_ = json.Unmarshal(parts[1], &broken) // the traceback, which is not repeated
	}
	word := func(i int) string {
		if i < len(said) {
			text, _ := said[i].(string)
			return text
		}
		return ""
	}
	switch name {
	case "UserError":
		return fmt.Errorf("%w: Tryton says: %s", connectors.ErrRefused, brief(word(0)+" "+word(1)))
	case "UserWarning":
		return fmt.Errorf("%w: Tryton warns, and a person has to decide: %s", connectors.ErrRefused, brief(word(1)+" "+word(2)))
	case "LoginException":
		return fmt.Errorf("%w: %w: %s. Take a user for the hub that needs only a password", connectors.ErrCredentials, errMoreThanPassword, brief(word(1)))
	case "RateLimitException":
		return &connectors.ThrottledError{RetryAfter: time.Minute}
	}
	model := method
	if first, last := strings.IndexByte(method, '.'), strings.LastIndexByte(method, '.'); first < last {
		model = method[first+1 : last]
	}
	switch {
	case strings.HasPrefix(name, "401"):
		return fmt.Errorf("%w: the session has ended", connectors.ErrCredentials)
	case name == "'"+model+"'": // Python's KeyError
		return fmt.Errorf("%w: Tryton does not know %s: its module is not activated in this database", connectors.ErrRefused, model)
	case method == "common.db.login" && strings.Contains(name, "exist"):
		return errNoDatabase // its own words tell where the server keeps its files
	}
	return fmt.Errorf("%w: something broke in Tryton at %s: %s", lostAs(write), method, brief(name))
}

func brief(words string) string {
	words = strings.TrimRight(strings.Join(strings.Fields(words), " "), ".")
	if len(words) > mostWords {
		words = strings.ToValidUTF8(words[:mostWords], "") + "…"
	}
	return words
}

// query is a search. Domains are Tryton's: lists of [field, operator, value].
type query struct {
	model  string
	domain []any
	order  []any
	limit  int
	fields []string
}

func term(field, operator string, value any) []any { return []any{field, operator, value} }

func byID() []any { return []any{[]any{"id", "ASC"}} }

// search reads rows, and tells the server's time.
func (c *Client) search(ctx context.Context, q query, into any) (time.Time, error) {
	return c.call(ctx, false, into, "model."+q.model+".search_read", nil, q.domain, 0, q.limit, q.order, q.fields)
}

// row is one that has an id.
type row interface{ key() int64 }

// searchAll reads all rows of a search, in the order of their ids.
func searchAll[R row](ctx context.Context, c *Client, q query) ([]R, error) {
	var all []R
	q.order, q.limit = byID(), mostRows
	domain := q.domain
	for range mostSearches {
		var some []R
		if _, err := c.search(ctx, q, &some); err != nil {
			return nil, err
		}
		all = append(all, some...)
		if len(some) < q.limit {
			return all, nil
		}
		q.domain = append(slices.Clone(domain), term("id", ">", some[len(some)-1].key()))
	}
	return nil, fmt.Errorf("%w: Tryton's %s does not come to an end", connectors.ErrUnreachable, q.model)
}
