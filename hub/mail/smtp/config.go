// Package smtp hands mails to a mail server. go-mail writes the message and its
// SMTP client speaks the single commands; the order of the commands is ours,
// because only so is it known whether the server may have taken the message
// when something breaks.
package smtp

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

const (
	defaultDial = 10 * time.Second
	defaultSend = 30 * time.Second
)

// ErrConfig says that a setting of the mail server cannot be used.
var ErrConfig = errors.New("the mail server's setting cannot be used")

// Config of a Sender.
type Config struct {
	// URL is smtp://user:password@host:port?tls=none|starttls|tls, or smtps://
	// for TLS from the first byte. The port is 587, or 465 with TLS. Without
	// tls= an smtp:// connection uses STARTTLS when the server offers it, and
	// insists on it when a password is to be sent to another machine.
	URL string
	// Hello is the name the hub gives itself; the machine's name when empty.
	Hello string
	// DKIM signs every message unless it is the zero value.
	DKIM DKIM
	// RootCAs replaces the system's certificate authorities when set.
	RootCAs *x509.CertPool
	// DialTimeout and SendTimeout are 10 s and 30 s when zero. SendTimeout is
	// for the whole of one message.
	DialTimeout, SendTimeout time.Duration
}

// tlsMode is when the connection becomes a secure one.
type tlsMode int

const (
	tlsOffered tlsMode = iota // STARTTLS when the server offers it
	tlsNone
	tlsStart // STARTTLS or nothing
	tlsFirst // TLS from the first byte
)

// target is what the URL says.
type target struct {
	host, port         string
	username, password string
	mode               tlsMode
}

func (t target) address() string { return net.JoinHostPort(t.host, t.port) }

// parseURL never repeats the URL in an error, since it holds the password.
func parseURL(raw string) (target, error) {
	parsed, err := url.Parse(raw)
	if err != nil {
		return target{}, fmt.Errorf("%w: it is not a URL like smtp://user:password@mail.example:587 (special characters of the password are written as %%XX)", ErrConfig)
	}
	where := target{host: parsed.Hostname(), port: parsed.Port()}
	if parsed.Scheme != "smtp" && parsed.Scheme != "smtps" {
		return target{}, fmt.Errorf("%w: the URL begins with %q, and needs smtp:// or smtps://", ErrConfig, parsed.Scheme)
	}
	if where.host == "" || strings.Trim(parsed.Path, "/") != "" || parsed.Fragment != "" {
		return target{}, fmt.Errorf("%w: after smtp:// only user, password, host, port and ?tls= may stand", ErrConfig)
	}
	if parsed.User != nil {
		where.username = parsed.User.Username()
		where.password, _ = parsed.User.Password()
		if where.username == "" || where.password == "" {
			return target{}, fmt.Errorf("%w: a user name and a password are needed, or neither", ErrConfig)
		}
	}
	if err := where.setMode(parsed); err != nil {
		return target{}, err
	}
	if where.port == "" {
		where.port = map[bool]string{true: "465", false: "587"}[where.mode == tlsFirst]
	}
	if number, err := strconv.ParseUint(where.port, 10, 16); err != nil || number == 0 {
		return target{}, fmt.Errorf("%w: the port %q is not a number from 1 to 65535", ErrConfig, where.port)
	}
	return where, nil
}

func (t *target) setMode(parsed *url.URL) error {
	query := parsed.Query()
	for key, values := range query {
		if key != "tls" || len(values) != 1 {
			return fmt.Errorf("%w: ?%s is not known, only one ?tls=none, starttls or tls", ErrConfig, key)
		}
	}
	modes := map[string]tlsMode{"": tlsOffered, "none": tlsNone, "starttls": tlsStart, "tls": tlsFirst}
	mode, known := modes[query.Get("tls")]
	if !known {
		return fmt.Errorf("%w: ?tls=%s is not known: write none, starttls or tls", ErrConfig, query.Get("tls"))
	}
	if parsed.Scheme == "smtps" {
		if mode != tlsOffered && mode != tlsFirst {
			return fmt.Errorf("%w: smtps:// means TLS from the first byte: leave ?tls= out, or write smtp://", ErrConfig)
		}
		mode = tlsFirst
	}
	if t.username != "" && !loopback(t.host) {
		if mode == tlsNone {
			return fmt.Errorf("%w: with ?tls=none the password would be sent in the clear to %s", ErrConfig, t.host)
		}
		if mode == tlsOffered {
			mode = tlsStart
		}
	}
	t.mode = mode
	return nil
}

func loopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsLoopback() || strings.EqualFold(host, "localhost")
}

// helloName is a name that mail servers accept: the machine's own when it is a
// full one, else localhost.
func helloName(configured string) (string, error) {
	if configured != "" {
		if strings.ContainsFunc(configured, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return "", fmt.Errorf("%w: the name for EHLO has a space or a special character", ErrConfig)
		}
		return configured, nil
	}
	if name, err := os.Hostname(); err == nil && strings.Contains(name, ".") {
		return name, nil
	}
	return "localhost", nil
}
