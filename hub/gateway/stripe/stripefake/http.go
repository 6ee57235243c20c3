package stripefake

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// ErrLost is what a client in this process sees of an answer that was cut off.
var ErrLost = errors.New("stripefake: the connection broke before the answer came")

// answer is what goes back: an HTTP answer without a connection.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// call is one request of the API while it runs.
type call struct {
	method, path string
	ids          []string // what stands in the path
	p            *params
	body         *multipartFile
	contentType  string
	raw          []byte // the body as it came
	account      string // Stripe-Account; "" is the platform
	requestID    string
	key          string // Idempotency-Key
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// Client calls the fake in this process: no network, no copies of connections.
func (f *Fake) Client() *http.Client { return &http.Client{Transport: roundTripper{f}} }

type roundTripper struct{ fake *Fake }

// RoundTrip answers from the fake, whatever the host of the URL.
func (t roundTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if r.Body == nil {
		r.Body = http.NoBody
	}
	defer r.Body.Close()
	a, err := t.fake.answer(r)
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: a.status, Status: fmt.Sprintf("%d %s", a.status, http.StatusText(a.status)), Proto: "HTTP/1.1",
		ProtoMajor: 1, ProtoMinor: 1, Header: a.header, Body: io.NopCloser(bytes.NewReader(a.body)), ContentLength: int64(len(a.body)), Request: r}, nil
}

// answer answers any request. The error is a connection that broke.
func (f *Fake) answer(r *http.Request) (answer, error) {
	if strings.HasPrefix(r.URL.Path, "/v1/") {
		return f.api(r)
	}
	return f.pages(r)
}

// api answers a request of the API.
func (f *Fake) api(r *http.Request) (answer, error) {
	c := &call{method: r.Method, path: r.URL.Path, account: r.Header.Get("Stripe-Account"), key: r.Header.Get("Idempotency-Key")}
	values, err := c.readParams(r)
	if err != nil {
		return answer{}, err
	}
	c.p = newParams(values)

	f.mu.Lock()
	f.pass()
	f.serial++
	c.requestID = "req_" + f.word(14)
	hook := f.faults.Request
	f.mu.Unlock()

	fate := Fate{}
	if hook != nil {
		fate = hook(Request{Method: c.method, Path: c.path, Account: c.account, Key: c.key, Form: values})
	}
	if fate.Slow > 0 && fate.SlowBefore {
		if err := f.cfg.Sleep(r.Context(), fate.Slow); err != nil {
			return answer{}, err
		}
	}
	a, release := f.run(c, r.Header, fate)
	f.record(c, r.URL.RawQuery, a)
	if release != nil {
		defer release()
	}
	if fate.Slow > 0 && !fate.SlowBefore {
		if err := f.cfg.Sleep(r.Context(), fate.Slow); err != nil {
			return answer{}, err
		}
	}
	if fate.LoseAnswer || fate.LoseRequest {
		return answer{}, ErrLost
	}
	return a, nil
}

// run judges the request and carries it out, all under the lock.
func (f *Fake) run(c *call, header http.Header, fate Fate) (answer, func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pass()
	if fate.LoseRequest {
		return answer{}, nil
	}
	if problem := f.admit(c, header); problem != nil {
		return f.problemAnswer(c, problem), nil
	}
	switch {
	case fate.TooMany:
		return f.problemAnswer(c, problem429()), nil
	case fate.ErrorBefore:
		return f.problemAnswer(c, problem500()), nil
	}
	if c.method != http.MethodPost || c.key == "" {
		a, _ := f.carryOut(c, fate)
		return a, nil
	}
	return f.once(c, fate)
}

// admit checks who asks, for which account, in which version.
func (f *Fake) admit(c *call, header http.Header) *Problem {
	given := strings.TrimPrefix(header.Get("Authorization"), "Bearer ")
	switch {
	case given == "":
		return &Problem{Status: http.StatusUnauthorized, Type: "invalid_request_error",
			Message: "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."}
	case given != f.cfg.Key:
		return &Problem{Status: http.StatusUnauthorized, Type: "invalid_request_error", Message: "Invalid API Key provided: " + masked(given)}
	}
	if version := header.Get("Stripe-Version"); version != "" && version != Version {
		return invalid("", "", "Invalid Stripe API version: %s", version)
	}
	if c.account == f.platform.ID {
		c.account = ""
	}
	if c.account != "" && f.accounts.get(c.account) == nil {
		return &Problem{Status: http.StatusForbidden, Type: "invalid_request_error", Code: "account_invalid",
			Message: "The provided key '" + masked(f.cfg.Key) + "' does not have access to account '" + c.account + "' (or that account does not exist). Application access may have been revoked."}
	}
	return nil
}

func masked(key string) string {
	if len(key) < 12 {
		return "********"
	}
	return key[:8] + "********" + key[len(key)-4:]
}

// carryOut finds the endpoint and runs it; begun says that the answer is one
// to keep for the idempotency key.
func (f *Fake) carryOut(c *call, fate Fate) (a answer, begun bool) {
	f.call = c
	defer func() { f.call = nil }()
	found, err := f.dispatch(c)
	if err == nil {
		paths := c.p.list("expand")
		err = f.expand(found, paths)
	}
	var problem *Problem
	if errors.As(err, &problem) {
		return f.problemAnswer(c, problem), problem.begun
	}
	if err != nil {
		problem = problem500()
		problem.Message = err.Error()
		return f.problemAnswer(c, problem), true
	}
	if fate.ErrorAfter {
		return f.problemAnswer(c, problem500()), true
	}
	return f.jsonAnswer(c, http.StatusOK, found), true
}

func (f *Fake) problemAnswer(c *call, problem *Problem) answer {
	a := f.jsonAnswer(c, problem.Status, problem.view(c.requestID))
	if problem.Status == http.StatusTooManyRequests {
		a.header.Set("Stripe-Rate-Limited-Reason", "global-rate")
	}
	return a
}

func (f *Fake) jsonAnswer(c *call, status int, body obj) answer {
	text := appendJSON(make([]byte, 0, 2048), body)
	header := http.Header{}
	header.Set("Content-Type", "application/json")
	header.Set("Request-Id", c.requestID)
	header.Set("Stripe-Version", Version)
	if c.key != "" {
		header.Set("Idempotency-Key", c.key)
	}
	if c.account != "" {
		header.Set("Stripe-Account", c.account)
	}
	return answer{status: status, header: header, body: text}
}

// readParams reads the query and the body. The error is a broken connection.
func (c *call) readParams(r *http.Request) (url.Values, error) {
	values := r.URL.Query()
	if r.Body == nil || c.method != http.MethodPost {
		return values, nil
	}
	const bound = 4 * fileMost
	var err error
	if c.raw, err = io.ReadAll(io.LimitReader(r.Body, bound)); err != nil {
		return nil, err
	}
	if c.contentType = r.Header.Get("Content-Type"); strings.HasPrefix(c.contentType, "multipart/form-data") {
		r.Body = io.NopCloser(bytes.NewReader(c.raw))
		return c.readMultipart(r, values)
	}
	form, err := url.ParseQuery(string(c.raw))
	if err != nil {
		form = url.Values{"": {"unreadable"}} // becomes an unknown parameter
	}
	for name, given := range form {
		values[name] = append(values[name], given...)
	}
	return values, nil
}

// handler is one endpoint. It runs under the lock.
type handler func(*Fake, *call) (obj, error)

// route is one line of the list of endpoints; * in its path is an id.
type route struct {
	method, path string
	run          handler
	connected    bool // may be asked with Stripe-Account
}

// dispatch finds the endpoint of a request and runs it.
func (f *Fake) dispatch(c *call) (obj, error) {
	given := strings.Split(strings.Trim(c.path, "/"), "/")
	for i := range routes {
		r := &routes[i]
		if r.method != c.method {
			continue
		}
		ids, ok := match(r.path, given)
		if !ok {
			continue
		}
		if c.account != "" && !r.connected {
			return nil, invalid("", "", "stripefake does not serve %s %s for connected accounts.", c.method, c.path)
		}
		c.ids = ids
		return r.run(f, c)
	}
	return nil, &Problem{Status: http.StatusNotFound, Type: "invalid_request_error",
		Message: fmt.Sprintf("Unrecognized request URL (%s: %s). Please see https://stripe.com/docs or we can help at https://support.stripe.com/.", c.method, c.path)}
}

func match(pattern string, given []string) ([]string, bool) {
	var ids []string
	rest := strings.TrimPrefix(pattern, "/")
	for i, part := range given {
		segment, after, more := strings.Cut(rest, "/")
		if more != (i < len(given)-1) {
			return nil, false
		}
		switch {
		case segment == "*":
			ids = append(ids, part)
		case segment != part:
			return nil, false
		}
		rest = after
	}
	return ids, true
}

// keptFor is how long an idempotency key is remembered.
const keptFor = 24 * time.Hour

// keptAnswer is what an idempotency key stands for.
type keptAnswer struct {
	path, form string
	at         time.Time
	running    bool
	answer     answer
}

// once carries a request out under its idempotency key, or answers again.
func (f *Fake) once(c *call, fate Fate) (answer, func()) {
	place := c.account + "\x00" + c.key
	form := c.p.values.Encode()
	if c.body != nil {
		form += "\x00" + c.body.name + "\x00" + string(c.body.content)
	}
	kept := f.keys[place]
	if kept != nil && !kept.running && f.now.Sub(kept.at) >= keptFor {
		delete(f.keys, place)
		kept = nil
	}
	if kept != nil {
		return f.again(c, kept, form), nil
	}
	kept = &keptAnswer{path: c.path, form: form, at: f.now}
	a, begun := f.carryOut(c, fate)
	if !begun {
		return a, nil
	}
	kept.answer = a
	f.keys[place] = kept
	if fate.Slow <= 0 {
		return a, nil
	}
	kept.running = true
	return a, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		kept.running = false
	}
}

func (f *Fake) again(c *call, kept *keptAnswer, form string) answer {
	problem := &Problem{Status: http.StatusBadRequest, Type: "idempotency_error"}
	switch {
	case kept.path != c.path:
		problem.Message = fmt.Sprintf("Keys for idempotent requests can only be used for the same endpoint they were first used for ('%s' vs '%s'). Try using a key other than '%s' if you meant to execute a different request.", c.path, kept.path, c.key)
	case kept.form != form:
		problem.Message = fmt.Sprintf("Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '%s' if you meant to execute a different request.", c.key)
	case kept.running:
		problem.Status, problem.Code = http.StatusConflict, "idempotency_key_in_use"
		problem.Message = fmt.Sprintf("There is currently another in-progress request using this Idempotent Key (that probably means you submitted twice, and the other request is still going through): %s. Please try again later.", c.key)
	default:
		a := answer{status: kept.answer.status, header: kept.answer.header.Clone(), body: kept.answer.body}
		a.header.Set("Idempotent-Replayed", "true")
		a.header.Set("Original-Request", a.header.Get("Request-Id"))
		a.header.Set("Request-Id", c.requestID)
		return a
	}
	return f.problemAnswer(c, problem)
}
