package access

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/mail"
	"github.com/sheaf-hub/sheaf/hub/mail/letter"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// How long a sign-in link works, and how many one address may ask for.
const (
	LinkLasts   = 10 * time.Minute
	MostLinks   = 5
	LinksWithin = 15 * time.Minute
)

const mostToken = 128 // longer text is no token of ours and is not hashed

// link is one sign-in link. An address that nobody has gets one too: it is
// never sent, but it counts, so that known and unknown look alike.
type link struct {
	bun.BaseModel `bun:"table:sign_in_links,alias:sl"`
	ID            string    `bun:"id,pk"`
	TokenHash     string    `bun:"token_hash"`
	Kind          string    `bun:"kind"`
	Email         string    `bun:"email"`
	Next          string    `bun:"next"`
	CreatedAt     time.Time `bun:"created_at"`
	ExpiresAt     time.Time `bun:"expires_at"`
	UsedAt        time.Time `bun:"used_at,nullzero"`
}

// LinkView is what the page behind a sign-in link may show before it is used.
type LinkView struct {
	Kind      string // KindContact or KindStaff
	Email     string // masked: "a•••@acme.example"
	ExpiresAt time.Time
}

// RequestSignIn mails a sign-in link to the address, if a contact (kind KindContact)
// or active staff (kind KindStaff, operators too) has it. The answer is the same
// when nobody has it, and when the address asked more than MostLinks times
// within LinksWithin. next is where to go after signing in; what is not a path of
// this hub is dropped. An unusable address is fault.Invalid at "email".
func (s *Service) RequestSignIn(ctx context.Context, kind, email, next string) error {
	if kind != KindContact && kind != KindStaff {
		return fmt.Errorf("access: no sign-in for %q", kind)
	}
	address, err := cleanEmail(email)
	if err != nil {
		return err
	}
	fresh, message, err := s.newLink(kind, address, next)
	if err != nil {
		return err
	}
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		known, err := emailKnown(ctx, tx, kind, address)
		if err != nil {
			return err
		}
		return s.sendLink(ctx, tx, fresh, message, known)
	})
}

func cleanEmail(email string) (string, error) {
	address, err := mail.CleanAddress(email)
	if err != nil {
		return "", fault.At("email", "Enter an e-mail address in the form name@company.example.")
	}
	return address, nil
}

// newLink makes a link and its mail outside of any transaction, since rendering
// takes longer than storing.
func (s *Service) newLink(kind, address, next string) (link, mail.Message, error) {
	now, token := s.now(), store.NewToken()
	fresh := link{ID: store.NewID(), TokenHash: store.HashToken(token), Kind: kind, Email: address, Next: LocalPath(next),
		CreatedAt: now, ExpiresAt: now.Add(LinkLasts)}
	rendered, err := s.Letters.SignIn(letter.SignIn{URL: s.PublicURL + "/sign-in/" + token, Minutes: int(LinkLasts / time.Minute), Footer: s.Footer})
	if err != nil {
		return link{}, mail.Message{}, fmt.Errorf("write the sign-in mail: %w", err)
	}
	return fresh, mail.Message{From: s.From, To: mail.Address{Email: address}, Subject: rendered.Subject,
		Text: rendered.Text, HTML: rendered.HTML, AutoReply: true}, nil
}

func (s *Service) sendLink(ctx context.Context, tx bun.IDB, fresh link, message mail.Message, known bool) error {
	if err := lockAddress(ctx, s.DB, tx, fresh.Email); err != nil {
		return err
	}
	asked, err := countLinks(ctx, tx, fresh.Email, fresh.CreatedAt.Add(-LinksWithin))
	if err != nil || asked >= MostLinks {
		return err
	}
	if err := insertLink(ctx, tx, fresh); err != nil || !known {
		return err
	}
	return s.Outbox.AppendMailTx(ctx, tx, "sign-in", message, fresh.ExpiresAt)
}

// LookAtLink says what a sign-in link is for and changes nothing, so that mail
// scanners may follow it. fault.Gone: used or expired; fault.NotFound: unknown.
func (s *Service) LookAtLink(ctx context.Context, token string) (LinkView, error) {
	found, err := s.linkOf(ctx, s.DB, token)
	if err != nil {
		return LinkView{}, err
	}
	return LinkView{Kind: found.Kind, Email: maskEmail(found.Email), ExpiresAt: found.ExpiresAt}, nil
}

// linkOf reads a link that can still be used, or says why it cannot.
func (s *Service) linkOf(ctx context.Context, db bun.IDB, token string) (link, error) {
	if token == "" || len(token) > mostToken {
		return link{}, errNoLink()
	}
	found, ok, err := readLink(ctx, db, store.HashToken(token))
	switch {
	case err != nil:
		return link{}, err
	case !ok:
		return link{}, errNoLink()
	case !found.UsedAt.IsZero():
		return link{}, fault.New(fault.Gone, "This link has been used already. Each link signs in once; ask for a new one.")
	case !found.ExpiresAt.After(s.now()):
		return link{}, fault.New(fault.Gone, "This link has expired: it worked for %d minutes. Ask for a new one.", int(LinkLasts/time.Minute))
	}
	return found, nil
}

func errNoLink() error {
	return fault.New(fault.NotFound, "We do not know this link. It may be cut off or old; ask for a new one.")
}

// ConsumeLink uses a sign-in link up and opens a session with a new token. Of
// two calls with one link, one wins; the other gets fault.Gone. device is what
// ListSessions shows ("Firefox on Linux"). For staff with several roles under one
// address the session is the first one's, and Staffs lists all of them.
func (s *Service) ConsumeLink(ctx context.Context, token, device string, remember bool) (Session, string, error) {
	if token == "" || len(token) > mostToken {
		return Session{}, "", errNoLink()
	}
	var session Session
	var sessionToken string
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		used, won, err := useLink(ctx, tx, store.HashToken(token), s.now())
		if err != nil {
			return err
		}
		if !won {
			if _, err := s.linkOf(ctx, tx, token); err != nil {
				return err
			}
			return fault.New(fault.Gone, "This link is being used in another window. Go on there, or ask for a new one.")
		}
		session, sessionToken, err = s.openSession(ctx, tx, used, device, remember)
		return err
	})
	if err != nil {
		return Session{}, "", err
	}
	return session, sessionToken, nil
}

// LocalPath gives next back when it is a path of this hub, with or without a
// query, and "" otherwise, so that no link leads a person who signs in elsewhere.
func LocalPath(next string) string {
	const most = 1000
	if len(next) > most || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsFunc(next, unsafeInPath) {
		return ""
	}
	parsed, err := url.Parse(next)
	if err != nil || parsed.Scheme != "" || parsed.Host != "" || parsed.User != nil || strings.Contains(parsed.Path, "//") || strings.Contains(parsed.Path, "\\") {
		return ""
	}
	return next
}

func unsafeInPath(r rune) bool { return r <= ' ' || r == '\\' || r >= 0x7f }

// maskEmail leaves enough for its owner to know it by.
func maskEmail(email string) string {
	local, domain, found := strings.Cut(email, "@")
	if !found || local == "" {
		return "•••"
	}
	return string([]rune(local)[:1]) + "•••@" + domain
}
