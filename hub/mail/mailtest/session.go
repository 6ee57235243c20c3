package mailtest

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/sheaf-hub/sheaf/hub/mail/rfc822"
)

// session is one connection.
type session struct {
	server   *Server
	conn     *smtp.Conn
	signedIn bool
	from     string
	to       []string
}

func (s *Server) newSession(conn *smtp.Conn) (smtp.Session, error) {
	opened := &session{server: s, conn: conn}
	return opened, opened.judge(s.fails(Connect))
}

// judge passes an SMTP error on, and breaks the connection for errDropped.
func (s *session) judge(err error) error {
	if errors.Is(err, errDropped) {
		_ = s.conn.Conn().Close()
	}
	return err
}

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, username, password string) error {
		if username != s.server.options.Username || password != s.server.options.Password {
			return smtp.ErrAuthFailed
		}
		s.signedIn = true
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if s.server.options.Username != "" && !s.signedIn {
		return &smtp.SMTPError{Code: 530, EnhancedCode: smtp.EnhancedCode{5, 7, 0}, Message: "Authentication required"}
	}
	s.from = from
	return s.judge(s.server.fails(Mail))
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.server.mutex.Lock()
	code, refused := s.server.recipients[strings.ToLower(to)]
	s.server.mutex.Unlock()
	if refused {
		return s.judge(answer(code))
	}
	s.to = append(s.to, to)
	return s.judge(s.server.fails(Rcpt))
}

func (s *session) Data(body io.Reader) error {
	failure := s.server.fails(Data)
	if errors.Is(failure, errDropped) {
		_, _ = io.CopyN(io.Discard, body, 20)
		return s.judge(failure)
	}
	raw, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	drop, delay := s.server.arrived()
	time.Sleep(delay)
	if failure != nil {
		return failure
	}
	parsed, err := rfc822.Parse(raw)
	if err != nil {
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: err.Error()}
	}
	s.server.keep(Message{EnvelopeFrom: s.from, EnvelopeTo: s.to, Parsed: parsed, Raw: bytes.Clone(raw)})
	if drop {
		return s.judge(errDropped)
	}
	return nil
}

func (s *session) Reset() { s.from, s.to = "", nil }

func (s *session) Logout() error { return nil }

// arrived counts a mail whose final dot came, and says how to go on.
func (s *Server) arrived() (drop bool, delay time.Duration) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.attempts++
	if s.dropAfter > 0 {
		s.dropAfter--
		drop = true
	}
	return drop, s.delay
}

func (s *Server) keep(message Message) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.messages = append(s.messages, message)
	close(s.changed)
	s.changed = make(chan struct{})
}
