package smtp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"strings"
	"syscall"
	"time"

	gosmtp "github.com/wneessen/go-mail/smtp"
)

// connect dials, greets, secures and signs in. Its errors are words for the
// operator, and never hold the password.
func (s *Sender) connect(ctx context.Context) (*session, error) {
	dialer := &net.Dialer{Timeout: s.config.DialTimeout}
	plain, err := dialer.DialContext(ctx, "tcp", s.target.address())
	if err != nil {
		return nil, s.explain("cannot be reached", err)
	}
	conn := &watchedConn{Conn: plain}
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline)
	}
	// A cancelled context ends whatever the connection is waiting for.
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	client, err := s.greet(ctx, conn)
	if err != nil {
		stop()
		_ = conn.Close()
		return nil, err
	}
	ready := &session{client: client, conn: conn, stop: stop}
	if err := s.signIn(client); err != nil {
		ready.close()
		return nil, err
	}
	return ready, nil
}

// greet ends with EHLO over the connection that the message will use.
func (s *Sender) greet(ctx context.Context, conn net.Conn) (*gosmtp.Client, error) {
	if s.target.mode == tlsFirst {
		secure := tls.Client(conn, s.tlsConfig())
		if err := secure.HandshakeContext(ctx); err != nil {
			return nil, s.explain("does not speak TLS from the first byte (is ?tls=starttls meant?)", err)
		}
		conn = secure
	}
	client, err := gosmtp.NewClient(conn, s.target.host)
	if err != nil {
		return nil, s.explain("does not greet as a mail server", err)
	}
	if err := client.Hello(s.config.Hello); err != nil {
		return nil, s.explain("does not accept the greeting as "+s.config.Hello, err)
	}
	if s.target.mode == tlsNone || s.target.mode == tlsFirst {
		return client, nil
	}
	offered, _ := client.Extension("STARTTLS")
	if !offered && s.target.mode == tlsOffered {
		return client, nil
	}
	if !offered {
		return nil, fmt.Errorf("the mail server %s offers no STARTTLS, and without it the connection would be open to all: use a port that does, smtps://, or ?tls=none without a password", s.target.address())
	}
	if err := client.StartTLS(s.tlsConfig()); err != nil {
		return nil, s.explain("does not complete STARTTLS", err)
	}
	return client, nil
}

func (s *Sender) signIn(client *gosmtp.Client) error {
	if s.target.username == "" {
		return nil
	}
	offered, mechanisms := client.Extension("AUTH")
	if !offered {
		return fmt.Errorf("the mail server %s asks for no sign-in: take user and password out of the setting", s.target.address())
	}
	open := loopback(s.target.host) // parseURL made TLS a must for any other host
	var auth gosmtp.Auth
	for mechanism := range strings.FieldsSeq(strings.ToUpper(mechanisms)) {
		switch mechanism {
		case "PLAIN":
			auth = gosmtp.PlainAuth("", s.target.username, s.target.password, s.target.host, open)
		case "LOGIN":
			if auth == nil {
				auth = gosmtp.LoginAuth(s.target.username, s.target.password, s.target.host, open)
			}
		}
	}
	if auth == nil {
		return fmt.Errorf("the mail server %s signs in by %s, and the hub by PLAIN or LOGIN", s.target.address(), mechanisms)
	}
	if err := client.Auth(auth); err != nil {
		return s.explain("does not accept the user name and password", err)
	}
	return nil
}

// explain says what is wrong and, where it is known, what to do.
func (s *Sender) explain(what string, err error) error {
	var dns *net.DNSError
	var reply *textproto.Error
	var unknownAuthority x509.UnknownAuthorityError
	var otherName x509.HostnameError
	var invalid x509.CertificateInvalidError
	var timeout net.Error
	advice := ""
	switch {
	case errors.As(err, &reply):
		advice = "; the number is its own answer"
	case errors.As(err, &dns):
		advice = "; check the host name"
	case errors.Is(err, syscall.ECONNREFUSED):
		advice = "; nothing listens there, check host and port"
	case errors.As(err, &unknownAuthority), errors.As(err, &otherName), errors.As(err, &invalid):
		advice = "; its certificate is not valid for that name here"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		advice = "; no answer in time, check the port and the firewall"
	}
	return fmt.Errorf("the mail server %s %s: %w%s", s.target.address(), what, err, advice)
}
