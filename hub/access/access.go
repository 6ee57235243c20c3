// Package access says who may come in, and keeps what they did: staff and their
// roles, sign-in links, digest links, sessions, API keys, the audit log. Of
// every token only its hash is stored.
package access

import (
	"strings"
	"time"
	"unicode"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/mail"
	"github.com/sheaf-hub/sheaf/hub/mail/letter"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// Service is this room. All fields are needed, but for Footer.
type Service struct {
	DB        *store.DB
	Sealer    *store.Sealer
	Outbox    *outbox.Service
	Letters   Letters
	Party     *party.Service // for teams
	PublicURL string         // the hub's own address, without a slash at the end
	From      mail.Address   // who sends sign-in links
	Footer    letter.Footer
	Now       func() time.Time
}

// Letters renders the mail with a sign-in link; letter.Renderer is one.
type Letters interface {
	SignIn(letter.SignIn) (letter.Rendered, error)
}

// now is the clock as both databases keep it: UTC, whole microseconds.
func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

// Kinds of actors. KindContact and KindStaff are also the kinds of sign-in links
// and sessions; the hub's own staff signs in as staff and acts as operator.
const (
	KindContact  = "contact"  // a signed-in contact
	KindLink     = "link"     // whoever holds a digest link: it can be forwarded
	KindStaff    = "staff"    // a vendor's staff
	KindOperator = "operator" // the hub's own staff
	KindKey      = "key"      // a vendor's API key
	KindSystem   = "system"   // the hub itself, or its command line
)

// Actor is who does something. Which of the ids are set follows from Kind: a
// contact and a link have CustomerID and ContactID, staff and keys VendorID.
type Actor struct {
	Kind       string
	ID         string // of the contact, digest link, staff row or key; a word for the system
	Name       string // as the audit log shows it
	VendorID   string
	CustomerID string
	ContactID  string
}

// SystemActor is the hub acting by itself; part says what of it: "import", "demo".
func SystemActor(part string) Actor { return Actor{Kind: KindSystem, ID: part, Name: "Sheaf"} }

// ofVendor says whether the actor may act for that vendor: its staff, the
// operator's, or the hub itself. A key may not: it could outlive its removal by
// making another.
func (a Actor) ofVendor(vendorID string) bool {
	switch a.Kind {
	case KindOperator, KindSystem:
		return true
	case KindStaff:
		return a.VendorID == vendorID && vendorID != ""
	default:
		return false
	}
}

// noSuch is what is answered for what does not exist and for what is another's.
func noSuch(what string) error { return fault.New(fault.NotFound, "There is no such %s.", what) }

// plain makes text from outside fit for a list: one line, no control or bidi
// characters, at most most runes.
func plain(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || unicode.Is(unicode.C, r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, text)
	runes := []rune(strings.Join(strings.Fields(text), " "))
	if len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return string(runes)
}
