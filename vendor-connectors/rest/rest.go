// Package rest is how connectors call books that speak JSON over HTTP. What every
// one of them needs is here once: bounds, credentials that are renewed, waiting
// when asked to, and errors that the hub understands. It sends what it is given
// once, apart from a second time with renewed credentials, which the first did
// not pass: whether a lost write may be repeated is for the connector to know.
package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

const (
	mostBody    = 32 << 20 // bytes of one answer, unless the client says another bound
	mostWords   = 300      // bytes of the books' own words in an error
	callTimeout = 60 * time.Second
	longestWait = 24 * time.Hour
)

// Client calls one server. HTTP and Base are needed.
type Client struct {
	HTTP *http.Client
	Base string // "https://books.example/api", in front of each path
	Now  func() time.Time

	// Authorize puts the credentials on a request; nil: there are none.
	Authorize func(ctx context.Context, request *http.Request) error
	// Renew is asked once when the books answer 401, for credentials that can be
	// had anew; nil: they cannot.
	Renew func(ctx context.Context) error
	// Limit holds calls back, so that the books need not ask for it; nil: nothing does.
	Limit *rate.Limiter
	// MostBody bounds an answer, in bytes; 0: 32 MiB.
	MostBody int64
	// Timeout bounds one call; 0: a minute.
	Timeout time.Duration
	// Words finds in an answer of 400 and more what the books say is wrong; nil, or
	// an answer of "": the beginning of the body, when it is text.
	Words func(status int, body []byte) string
}

// Call is one request. A Write may have been carried out when no answer comes,
// and its errors say so.
type Call struct {
	Method string // "" is GET
	Path   string
	Query  url.Values
	Header http.Header
	Body   any // sent as JSON; nil: nothing is
	Write  bool
}

// Answer is what came back, of 200 to 299 or 304.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// JSON makes the call and decodes the answer into a value, nil for none. An answer
// that is no such JSON is an error like one that was lost.
func (c *Client) JSON(ctx context.Context, call Call, into any) (Answer, error) {
	answer, err := c.Do(ctx, call)
	if err != nil || into == nil || answer.Status == http.StatusNotModified {
		return answer, err
	}
	if err := json.Unmarshal(answer.Body, into); err != nil {
		return answer, lost(call, fmt.Errorf("%s answers something that is not the JSON it should be: %w", c.host(), err))
	}
	return answer, nil
}

// Do makes the call. Errors wrap those of package connectors: ErrCredentials for
// 401 and 403, ErrGone for 404 and 410, a ThrottledError for 429 and for a 503 that
// says when to come again, ErrRefused for other answers from 400 on, and when there
// is none that can be used, ErrUnknown for a Write and ErrUnreachable for the rest.
func (c *Client) Do(ctx context.Context, call Call) (Answer, error) {
	answer, err := c.once(ctx, call)
	if err != nil || answer.Status != http.StatusUnauthorized || c.Renew == nil {
		return c.judged(call, answer, err)
	}
	if err := c.Renew(ctx); err != nil {
		return Answer{}, err
	}
	answer, err = c.once(ctx, call)
	return c.judged(call, answer, err)
}

func (c *Client) once(ctx context.Context, call Call) (Answer, error) {
	timeout := c.Timeout
	if timeout == 0 {
		timeout = callTimeout
	}
	if c.Limit != nil {
		if err := c.Limit.Wait(ctx); err != nil {
			return Answer{}, errors.Join(connectors.ErrUnreachable, err, ctx.Err())
		}
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var way connection
	request, err := c.request(httptrace.WithClientTrace(ctx, way.trace()), call)
	if err != nil {
		return Answer{}, err
	}
	response, err := c.HTTP.Do(request)
	if err != nil {
		return Answer{}, c.failed(call, &way, err)
	}
	defer response.Body.Close()
	most := c.MostBody
	if most == 0 {
		most = mostBody
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, most+1))
	if err == nil && int64(len(body)) > most {
		err = fmt.Errorf("it is larger than %d bytes", most)
	}
	if err != nil {
		return Answer{}, lost(call, fmt.Errorf("the answer of %s could not be read: %w", c.host(), err))
	}
	return Answer{Status: response.StatusCode, Header: response.Header, Body: body}, nil
}

func (c *Client) request(ctx context.Context, call Call) (*http.Request, error) {
	address := strings.TrimSuffix(c.Base, "/") + call.Path
	if len(call.Query) > 0 {
		address += "?" + call.Query.Encode()
	}
	method := call.Method
	if method == "" {
		method = http.MethodGet
	}
	var body io.Reader
	if call.Body != nil {
		encoded, err := json.Marshal(call.Body)
		if err != nil {
			return nil, fmt.Errorf("encode a call to %s: %w", c.host(), err)
		}
		body = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return nil, fmt.Errorf("%w: the call to %s cannot be made: %w", connectors.ErrRefused, c.host(), withoutAddress(err))
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "Sheaf")
	if call.Body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	for name, values := range call.Header {
		request.Header[http.CanonicalHeaderKey(name)] = values
	}
	if c.Authorize != nil {
		if err := c.Authorize(ctx, request); err != nil {
			return nil, err
		}
	}
	return request, nil
}

// connection is how far a call came on its way.
type connection struct{ wanted, had atomic.Bool }

func (c *connection) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{GetConn: func(string) { c.wanted.Store(true) }, GotConn: func(httptrace.GotConnInfo) { c.had.Store(true) }}
}

// failed judges a call without an answer. When there never was a connection, because
// nobody listens or the certificate is not good, nothing can have been carried out. That
// the last error is one of dialling does not show it: net/http repeats some calls by
// itself, and an earlier attempt may have arrived.
func (c *Client) failed(call Call, way *connection, err error) error {
	if way.wanted.Load() && !way.had.Load() {
		call.Write = false
	}
	return lost(call, fmt.Errorf("%s gives no answer: %w", c.host(), withoutAddress(err)))
}

// withoutAddress keeps the request's address, which may hold a secret, out of words.
func withoutAddress(err error) error {
	var wrapped *url.Error
	for errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return err
}

func lost(call Call, err error) error {
	if call.Write {
		return fmt.Errorf("%w: %w", connectors.ErrUnknown, err)
	}
	return fmt.Errorf("%w: %w", connectors.ErrUnreachable, err)
}

func (c *Client) judged(call Call, answer Answer, err error) (Answer, error) {
	if err != nil {
		return answer, err
	}
	said := func(kind error) (Answer, error) {
		return answer, fmt.Errorf("%w: %s answers %d%s", kind, c.host(), answer.Status, c.words(answer))
	}
	wait, asked := c.retryAfter(answer.Header)
	switch status := answer.Status; {
	case status >= 200 && status < 300, status == http.StatusNotModified:
		return answer, nil
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable && asked:
		return answer, &connectors.ThrottledError{RetryAfter: wait}
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return said(connectors.ErrCredentials)
	case status == http.StatusNotFound, status == http.StatusGone:
		return said(connectors.ErrGone)
	case status >= 500 && call.Write:
		return said(connectors.ErrUnknown)
	case status >= 500:
		return said(connectors.ErrUnreachable)
	case status >= 300 && status < 400:
		return answer, fmt.Errorf("%w: %s sends us elsewhere, which is not followed: check the address", connectors.ErrRefused, c.host())
	}
	return said(connectors.ErrRefused)
}

func (c *Client) words(answer Answer) string {
	text := ""
	if c.Words != nil {
		text = c.Words(answer.Status, answer.Body)
	}
	if text == "" && strings.HasPrefix(answer.Header.Get("Content-Type"), "text/plain") {
		text = string(answer.Body)
	}
	if text = strings.Join(strings.Fields(text), " "); text == "" {
		return ""
	}
	if len(text) > mostWords {
		text = strings.ToValidUTF8(text[:mostWords], "") + "…"
	}
	return ": " + text
}

// retryAfter reads seconds or a date (RFC 9110, 10.2.3).
func (c *Client) retryAfter(header http.Header) (time.Duration, bool) {
	text := strings.TrimSpace(header.Get("Retry-After"))
	if text != "" && strings.Trim(text, "0123456789") == "" {
		seconds, err := strconv.Atoi(text)
		if err != nil || seconds > int(longestWait.Seconds()) { // or more than fits
			return longestWait, true
		}
		return time.Duration(seconds) * time.Second, true
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0, false
	}
	now := at
	if said, err := http.ParseTime(header.Get("Date")); err == nil { // their clock, when they say it
		now = said
	} else if c.Now != nil {
		now = c.Now()
	}
	return min(max(at.Sub(now), 0), longestWait), true
}

// Address judges the address of a server as a person typed it, for Client.Base:
// http or https, with a host, without a password or a query. The error is for that
// person.
func Address(text string) (string, error) {
	const most = 500
	text = strings.TrimSpace(text)
	address, err := url.Parse(text)
	switch {
	case text == "":
		return "", errors.New("the address is missing; write it like https://books.example")
	case err != nil || len(text) > most || address.Host == "" || address.Scheme != "https" && address.Scheme != "http":
		return "", errors.New("this is not the address of a server; write it like https://books.example")
	case address.User != nil:
		return "", errors.New("the address must not hold a user or a password; they have fields of their own")
	case address.RawQuery != "" || address.Fragment != "":
		return "", errors.New("the address must end before ? and #; write it like https://books.example")
	}
	return strings.TrimRight(text, "/"), nil
}

func (c *Client) host() string {
	address, err := url.Parse(c.Base)
	if err != nil || address.Host == "" {
		return "the server"
	}
	return address.Host
}
