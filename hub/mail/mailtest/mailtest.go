// Package mailtest is a real SMTP server inside the test's process. It takes,
// refuses or drops mails as told, and keeps what it took.
package mailtest

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/sheaf-hub/sheaf/hub/mail/rfc822"
)

// Stage is a step of a mail's way where the server can say no.
type Stage int

// Stages. Connect is the greeting after a connection, Data the answer after
// the final dot.
const (
	Connect Stage = iota
	Mail
	Rcpt
	Data
)

// T is the part of testing.TB that Start needs.
type T interface {
	Helper()
	Fatalf(format string, arguments ...any)
	Cleanup(func())
}

// Message is a mail that the server took.
type Message struct {
	EnvelopeFrom string
	EnvelopeTo   []string
	rfc822.Parsed
	Raw []byte
}

// Options of a server; the zero value listens on a free loopback port, in the
// clear, and asks for no sign-in.
type Options struct {
	Addr               string
	TLS                *tls.Config // offers STARTTLS
	ImplicitTLS        bool        // TLS from the first byte instead
	Username, Password string      // sign-in is a must when set
	MaxBytes           int64
	NoUTF8             bool // offers no SMTPUTF8
}

type failure struct {
	code int // 0: drop the connection
	left int // how many more times; negative: until Heal
}

// Server is the running server; its methods are safe for concurrent use.
type Server struct {
	listener net.Listener
	server   *smtp.Server
	options  Options

	mutex      sync.Mutex
	messages   []Message
	changed    chan struct{} // closed and replaced with each message
	failures   map[Stage]failure
	recipients map[string]int
	dropAfter  int
	delay      time.Duration
	attempts   int
}

// Start runs a server for the length of a test.
func Start(t T) *Server { t.Helper(); return StartWith(t, Options{}) }

// StartWith is Start with options.
func StartWith(t T, options Options) *Server {
	t.Helper()
	server, err := Listen(options)
	if err != nil {
		t.Fatalf("starting the mail server: %v", err)
		return nil
	}
	t.Cleanup(func() { _ = server.Close() })
	return server
}

// Listen runs a server until Close, for use outside of a test.
func Listen(options Options) (*Server, error) {
	if options.Addr == "" {
		options.Addr = "127.0.0.1:0"
	}
	listener, err := net.Listen("tcp", options.Addr)
	if err != nil {
		return nil, err
	}
	s := &Server{listener: listener, options: options, changed: make(chan struct{}), failures: map[Stage]failure{}, recipients: map[string]int{}}
	s.server = smtp.NewServer(smtp.BackendFunc(s.newSession))
	s.server.Domain = "mailtest.example"
	s.server.AllowInsecureAuth = options.TLS == nil
	s.server.EnableSMTPUTF8 = !options.NoUTF8
	s.server.MaxMessageBytes = options.MaxBytes
	s.server.MaxRecipients = 100
	s.server.ReadTimeout, s.server.WriteTimeout = time.Minute, time.Minute
	s.server.ErrorLog = log.New(io.Discard, "", 0)
	s.server.TLSConfig = options.TLS
	if options.ImplicitTLS {
		listener = tls.NewListener(listener, options.TLS)
	}
	go func() { _ = s.server.Serve(listener) }()
	return s, nil
}

// Close ends the server and its connections.
func (s *Server) Close() error {
	_ = s.listener.Close()
	return s.server.Close()
}

// Addr is host:port.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// URL is what SHEAF_SMTP_URL takes, sign-in included.
func (s *Server) URL() string {
	address := url.URL{Scheme: "smtp", Host: s.Addr()}
	if s.options.ImplicitTLS {
		address.Scheme = "smtps"
	}
	if s.options.Username != "" {
		address.User = url.UserPassword(s.options.Username, s.options.Password)
	}
	return address.String()
}

// Messages returns what was taken so far, oldest first.
func (s *Server) Messages() []Message {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return slices.Clone(s.messages)
}

// To returns the mails to one address, oldest first.
func (s *Server) To(email string) []Message {
	var found []Message
	for _, message := range s.Messages() {
		if slices.ContainsFunc(message.EnvelopeTo, func(to string) bool { return strings.EqualFold(to, email) }) {
			found = append(found, message)
		}
	}
	return found
}

// Attempts counts the mails that came as far as their final dot, also those
// that were then refused or dropped.
func (s *Server) Attempts() int {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.attempts
}

// Reset forgets the mails and heals the server.
func (s *Server) Reset() {
	s.Heal()
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.messages, s.attempts = nil, 0
}

// WaitFor waits until at least n mails were taken and returns all of them, or
// an error that says how many there are.
func (s *Server) WaitFor(n int, timeout time.Duration) ([]Message, error) {
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	for {
		s.mutex.Lock()
		messages, changed := slices.Clone(s.messages), s.changed
		s.mutex.Unlock()
		if len(messages) >= n {
			return messages, nil
		}
		select {
		case <-changed:
		case <-timer.C:
			return messages, fmt.Errorf("%d mails after %v, wanted %d", len(messages), timeout, n)
		}
	}
}

// Fail answers with the code (400 to 599) at that stage, until Heal.
func (s *Server) Fail(stage Stage, code int) { s.FailTimes(stage, code, -1) }

// FailTimes is Fail for the next n mails only.
func (s *Server) FailTimes(stage Stage, code, n int) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.failures[stage] = failure{code: code, left: n}
}

// FailRecipient answers with the code when a mail is for that address.
func (s *Server) FailRecipient(email string, code int) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.recipients[strings.ToLower(email)] = code
}

// Drop breaks the connection at that stage, until Heal: at Data in the middle
// of the message, which is then not kept.
func (s *Server) Drop(stage Stage) { s.FailTimes(stage, 0, -1) }

// DropAfterData takes the next n mails, keeps them, and breaks the connection
// instead of answering the final dot.
func (s *Server) DropAfterData(n int) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.dropAfter = n
}

// Delay waits that long before it answers the final dot; Close ends no wait.
func (s *Server) Delay(wait time.Duration) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.delay = wait
}

// Heal takes back what Fail, Drop, DropAfterData and Delay said.
func (s *Server) Heal() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	clear(s.failures)
	clear(s.recipients)
	s.dropAfter, s.delay = 0, 0
}

var errDropped = errors.New("the connection is dropped")

// fails says what a stage answers now: nil, an SMTP error, or errDropped.
func (s *Server) fails(stage Stage) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	planned, ok := s.failures[stage]
	if !ok || planned.left == 0 {
		return nil
	}
	if planned.left > 0 {
		planned.left--
		s.failures[stage] = planned
	}
	return answer(planned.code)
}

func answer(code int) error {
	if code == 0 {
		return errDropped
	}
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 0, 0}, Message: "as the test asked"}
}

var _ smtp.AuthSession = (*session)(nil)

// AuthMechanisms is empty, and AUTH not offered, without a user name.
func (s *session) AuthMechanisms() []string {
	if s.server.options.Username == "" {
		return nil
	}
	return []string{sasl.Plain}
}
