package smtp

import (
	"context"
	"crypto"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"strconv"
	"strings"
	"sync/atomic"

	gosmtp "github.com/wneessen/go-mail/smtp"

	"github.com/sheaf-hub/sheaf/hub/mail"
	"github.com/sheaf-hub/sheaf/hub/mail/rfc822"
)

// Sender hands each message to one mail server, over a connection of its own.
// It is safe for concurrent use.
type Sender struct {
	config Config
	target target
	dkim   DKIM
	signer crypto.Signer
}

var _ mail.Sender = (*Sender)(nil)

// New checks the settings (ErrConfig) without connecting.
func New(config Config) (*Sender, error) {
	where, err := parseURL(config.URL)
	if err != nil {
		return nil, err
	}
	if config.Hello, err = helloName(config.Hello); err != nil {
		return nil, err
	}
	var signer crypto.Signer
	if config.DKIM != (DKIM{}) {
		if signer, err = parseDKIM(config.DKIM); err != nil {
			return nil, err
		}
	}
	if config.DialTimeout <= 0 {
		config.DialTimeout = defaultDial
	}
	if config.SendTimeout <= 0 {
		config.SendTimeout = defaultSend
	}
	return &Sender{config: config, target: where, dkim: config.DKIM, signer: signer}, nil
}

// Send hands over one message. Its error tells whether the server may have it:
//
//   - mail.ErrRejected: a 5xx to this message, its sender or its recipient, or
//     a message that cannot be written (then mail.ErrHeader may match as well);
//   - mail.ErrDeferred: a 4xx, or no usable connection, a refused sign-in, or a
//     break before the final dot was handed to the network;
//   - mail.ErrUnknown: the final dot left, and no answer came.
func (s *Sender) Send(ctx context.Context, message mail.Message) error {
	raw, err := rfc822.Build(message)
	if err != nil {
		return err
	}
	if raw, err = s.sign(raw); err != nil {
		return fmt.Errorf("%w: it could not be signed: %w", mail.ErrRejected, err)
	}
	ctx, cancel := context.WithTimeout(ctx, s.config.SendTimeout)
	defer cancel()
	session, err := s.connect(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", mail.ErrDeferred, err)
	}
	defer session.close()
	if err := session.envelope(message.From.Email, message.To.Email, len(raw)); err != nil {
		return err
	}
	if err := session.data(raw); err != nil {
		return err
	}
	// The message is taken; how the farewell goes changes nothing.
	_ = session.client.Quit()
	return nil
}

// Check connects, greets, secures and signs in as Send would, and says in
// words what is wrong.
func (s *Sender) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.config.SendTimeout)
	defer cancel()
	session, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer session.close()
	if err := session.client.Noop(); err != nil {
		return fmt.Errorf("the mail server %s greets, but then: %w", s.target.address(), err)
	}
	_ = session.client.Quit()
	return nil
}

// session is one connection that is ready for a message.
type session struct {
	client *gosmtp.Client
	conn   *watchedConn
	stop   func() bool
}

func (s *session) close() {
	s.stop()
	_ = s.client.Close()
}

// watchedConn remembers whether a write failed: as long as none did, all that
// was written, the final dot too, is on its way.
type watchedConn struct {
	net.Conn
	broken atomic.Bool
}

func (c *watchedConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if err != nil {
		c.broken.Store(true)
	}
	return n, err
}

// envelope names sender, recipient and size; 5xx here is about the message.
func (s *session) envelope(from, to string, size int) error {
	if ok, limit := s.client.Extension("SIZE"); ok {
		if most, err := strconv.ParseUint(strings.TrimSpace(limit), 10, 63); err == nil && most > 0 && uint64(size) > most {
			return fmt.Errorf("%w: it has %d bytes, and the server takes %d", mail.ErrRejected, size, most)
		}
	}
	// Asking for SMTPUTF8 without need lets the mail fail at a later server.
	utf8 := !ascii(from) || !ascii(to)
	if ok, _ := s.client.Extension("SMTPUTF8"); utf8 && !ok {
		return fmt.Errorf("%w: the server takes no addresses with other than ASCII letters", mail.ErrRejected)
	}
	s.client.SkipSMTPUTF8(!utf8)
	if err := s.client.Mail("<" + from + ">"); err != nil {
		return beforeDot("the sender", err)
	}
	if err := s.client.Rcpt("<" + to + ">"); err != nil {
		return beforeDot("the recipient", err)
	}
	return nil
}

func (s *session) data(raw []byte) error {
	writer, err := s.client.Data()
	if err != nil {
		return beforeDot("the message", err)
	}
	if _, err := writer.Write(raw); err != nil {
		return fmt.Errorf("%w: the connection broke inside the message: %w", mail.ErrDeferred, err)
	}
	err = writer.Close()
	var reply *textproto.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &reply) && reply.Code >= 400:
		return beforeDot("the message", err)
	case s.conn.broken.Load():
		return fmt.Errorf("%w: the connection broke inside the message: %w", mail.ErrDeferred, err)
	}
	return fmt.Errorf("%w: %w", mail.ErrUnknown, err)
}

// beforeDot classifies what went wrong while the server surely had not taken
// the message: a reply by its code, anything else as deferred. A server that
// wants another sign-in says no to the hub, not to this message.
func beforeDot(what string, err error) error {
	var reply *textproto.Error
	if !errors.As(err, &reply) {
		return fmt.Errorf("%w: %s: %w", mail.ErrDeferred, what, err)
	}
	switch code := reply.Code; {
	case code == 530 || code == 534 || code == 535 || code == 538:
		return fmt.Errorf("%w: the server asks for another sign-in: %w", mail.ErrDeferred, err)
	case code >= 500 && code <= 599:
		return fmt.Errorf("%w: %s: %w", mail.ErrRejected, what, err)
	}
	return fmt.Errorf("%w: %s: %w", mail.ErrDeferred, what, err)
}

func ascii(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r > '~' })
}

// tlsConfig holds for STARTTLS and for TLS from the first byte.
func (s *Sender) tlsConfig() *tls.Config {
	return &tls.Config{ServerName: s.target.host, MinVersion: tls.VersionTLS12, RootCAs: s.config.RootCAs}
}
