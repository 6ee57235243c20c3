// Package outbound is the one way to call an address that a vendor gave. It
// speaks HTTPS to public addresses only, decides on the resolved address at
// the moment of dialling (so a name that changes its mind between check and
// call gains nothing), follows no redirect and asks no proxy.
package outbound

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"code.dny.dev/ssrf"
)

// KeptBody is how many bytes of an answer Do keeps, for the delivery log.
const KeptBody = 64 << 10

const (
	dialTimeout    = 10 * time.Second
	defaultTimeout = 20 * time.Second
	maxHeader      = 64 << 10
)

// Errors of this package; match with errors.Is. Their texts are for people.
var (
	// ErrAddress: the URL itself may not be called; CheckURL's messages wrap it.
	ErrAddress = errors.New("this address cannot be called")
	// ErrPrivate: the host leads to an address that is not a public one.
	ErrPrivate = errors.New("the host leads to a private or reserved network address")
	// ErrRedirect: the answer was a 3xx, which is a failure, not a new address.
	ErrRedirect = errors.New("the address answers with a redirect, and redirects are not followed: save the new address instead")
	// ErrTimeout: no full answer within the time allowed.
	ErrTimeout = errors.New("no answer within the time allowed")
)

// Config of a Client; the zero value is the strict one.
type Config struct {
	// AllowPrivate names hosts ("erp.internal"), hosts with a port
	// ("127.0.0.1:8080", "[::1]:8080") and networks ("10.1.0.0/16") that may be
	// private, and may be called over plain HTTP too.
	AllowPrivate []string
	// Timeout is for one whole call, the answer's body included; 20 s when zero.
	Timeout time.Duration
	// UserAgent of every call; "Sheaf" when empty.
	UserAgent string
	// RootCAs replaces the system's certificate authorities when set.
	RootCAs *x509.CertPool
	// Resolver replaces the system's resolver of names when set.
	Resolver *net.Resolver
}

// Client calls addresses that a vendor gave. It is safe for concurrent use.
type Client struct {
	allow     allowList
	http      *http.Client
	dial      dialFunc
	userAgent string
}

// Response is what came back. Body holds the first KeptBody bytes, and
// Truncated says that there were more.
type Response struct {
	Status    int
	Header    http.Header
	Body      []byte
	Truncated bool
}

// OK reports whether the receiver accepted the call: a status of 200 to 299.
func (r Response) OK() bool { return r.Status >= 200 && r.Status <= 299 }

// New returns a Client, or an error that names the entry of AllowPrivate that
// cannot be read.
func New(config Config) (*Client, error) {
	allow, err := parseAllowList(config.AllowPrivate)
	if err != nil {
		return nil, err
	}
	timeout := config.Timeout
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	client := &Client{allow: allow, dial: allow.dialer(config.Resolver, false), userAgent: config.UserAgent}
	if client.userAgent == "" {
		client.userAgent = "Sheaf"
	}
	client.http = &http.Client{
		Transport: &transport{
			client: client,
			secure: newTransport(config.RootCAs, timeout, allow.dialer(config.Resolver, false)),
			plain:  newTransport(config.RootCAs, timeout, allow.dialer(config.Resolver, true)),
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       timeout,
	}
	return client, nil
}

// Dial connects to where HTTPS may go, for peers that speak something else. The
// address is host:port, judged once it is resolved.
func (c *Client) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	connection, err := c.dial(ctx, network, address)
	if err != nil {
		host, _, _ := net.SplitHostPort(address)
		return nil, explain(host, err)
	}
	return connection, nil
}

// HTTP returns the same guarded client as a plain *http.Client, for connectors
// that bring their own protocol. Whoever uses it bounds the answer's body.
func (c *Client) HTTP() *http.Client {
	guarded := *c.http
	return &guarded
}

// Do makes one call and reads the answer. A Response comes back whenever the
// other side gave a status, whatever it was; the error is then nil, or
// ErrRedirect for a 3xx. Otherwise it says why there was no answer, without
// repeating the URL, which may hold a vendor's secret.
func (c *Client) Do(request *http.Request) (Response, error) {
	answer, err := c.http.Do(request)
	if err != nil {
		return Response{}, explain(request.URL.Hostname(), err)
	}
	defer answer.Body.Close()
	response := Response{Status: answer.StatusCode, Header: answer.Header}
	body, err := io.ReadAll(io.LimitReader(answer.Body, KeptBody+1))
	if len(body) > KeptBody {
		body, response.Truncated = body[:KeptBody], true
	}
	response.Body = body
	switch {
	case answer.StatusCode >= 300 && answer.StatusCode <= 399:
		return response, ErrRedirect
	case err != nil && !response.OK():
		return response, nil // the status says enough: it is a failure anyhow
	case err != nil:
		return response, explain(request.URL.Hostname(), err)
	}
	return response, nil
}

// transport picks the dialer by the scheme, after asking whether the URL may
// be called at all: rows may be older than the rule that CheckURL holds.
type transport struct {
	client        *Client
	secure, plain *http.Transport
}

func (t *transport) RoundTrip(request *http.Request) (*http.Response, error) {
	if err := t.client.checkURL(request.URL); err != nil {
		if request.Body != nil {
			request.Body.Close()
		}
		return nil, err
	}
	if request.Header.Get("User-Agent") == "" {
		request = request.Clone(request.Context())
		request.Header.Set("User-Agent", t.client.userAgent)
	}
	if request.URL.Scheme == "http" {
		return t.plain.RoundTrip(request)
	}
	return t.secure.RoundTrip(request)
}

// CloseIdleConnections lets http.Client.CloseIdleConnections reach both pools.
func (t *transport) CloseIdleConnections() {
	t.secure.CloseIdleConnections()
	t.plain.CloseIdleConnections()
}

func newTransport(roots *x509.CertPool, timeout time.Duration, dial dialFunc) *http.Transport {
	return &http.Transport{
		Proxy:                  nil, // a proxy would resolve the name again, out of our sight
		DialContext:            dial,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
		TLSHandshakeTimeout:    dialTimeout,
		ResponseHeaderTimeout:  timeout,
		MaxResponseHeaderBytes: maxHeader,
		MaxIdleConns:           200,
		MaxIdleConnsPerHost:    4,
		IdleConnTimeout:        60 * time.Second,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true, // what is kept is what was sent, and nothing swells
	}
}

// explain turns a failed call into words without the URL.
func explain(host string, err error) error {
	var wrapped *url.Error
	for errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	var dns *net.DNSError
	var timeout net.Error
	switch {
	case errors.Is(err, ErrAddress), errors.Is(err, ErrPrivate):
		return err
	case errors.Is(err, ssrf.ErrProhibitedIP), errors.Is(err, ssrf.ErrProhibitedNetwork), errors.Is(err, ssrf.ErrInvalidHostPort):
		return fmt.Errorf("%s: %w", host, ErrPrivate)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Errorf("%s: %w", host, ErrTimeout)
	case errors.As(err, &dns) && dns.IsNotFound:
		return fmt.Errorf("the host name %s does not exist", host)
	}
	return fmt.Errorf("calling %s: %w", host, err)
}
