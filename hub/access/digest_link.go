package access

import (
	"context"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// DigestLinkLasts is how long the link in a digest works.
const DigestLinkLasts = 60 * 24 * time.Hour

// Link is a digest's link: to see and pay what that digest lists, nothing more.
type Link struct {
	ID         string
	DigestID   string
	ContactID  string
	CustomerID string
	ExpiresAt  time.Time
}

// Actor is whoever holds the link; it need not be the contact.
func (l Link) Actor() Actor {
	return Actor{Kind: KindLink, ID: l.ID, Name: "Holder of a reminder's link", CustomerID: l.CustomerID, ContactID: l.ContactID}
}

type digestLink struct {
	bun.BaseModel `bun:"table:digest_links,alias:dl"`
	ID            string    `bun:"id,pk"`
	TokenHash     string    `bun:"token_hash"`
	DigestID      string    `bun:"digest_id"`
	ContactID     string    `bun:"contact_id"`
	CreatedAt     time.Time `bun:"created_at"`
	ExpiresAt     time.Time `bun:"expires_at"`
	RevokedAt     time.Time `bun:"revoked_at,nullzero"`
}

// NewDigestLinkTx makes a link to a digest for its contact and returns the token;
// the page is PublicURL/d/{token}.
func (s *Service) NewDigestLinkTx(ctx context.Context, tx bun.IDB, digestID, contactID string) (string, error) {
	now, token := s.now(), store.NewToken()
	return token, insertDigestLink(ctx, tx, digestLink{ID: store.NewID(), TokenHash: store.HashToken(token), DigestID: digestID,
		ContactID: contactID, CreatedAt: now, ExpiresAt: now.Add(DigestLinkLasts)})
}

// DigestLink says what a token opens. fault.Gone: expired or revoked;
// fault.NotFound: unknown.
func (s *Service) DigestLink(ctx context.Context, token string) (Link, error) {
	unknown := fault.New(fault.NotFound, "We do not know this link. It may be cut off: open it from the mail again, or sign in.")
	if token == "" || len(token) > mostToken {
		return Link{}, unknown
	}
	row, customerID, found, err := readDigestLink(ctx, s.DB, store.HashToken(token))
	switch {
	case err != nil:
		return Link{}, err
	case !found:
		return Link{}, unknown
	case !row.RevokedAt.IsZero():
		return Link{}, fault.New(fault.Gone, "This link was withdrawn. Sign in to see your invoices.")
	case !row.ExpiresAt.After(s.now()):
		return Link{}, fault.New(fault.Gone, "This link has expired: it worked for 60 days. Sign in to see your invoices.")
	}
	return Link{ID: row.ID, DigestID: row.DigestID, ContactID: row.ContactID, CustomerID: customerID, ExpiresAt: row.ExpiresAt}, nil
}

// RevokeDigestLinks withdraws every digest link of the signed-in contact, the
// forwarded ones too.
func (s *Service) RevokeDigestLinks(ctx context.Context, actor Actor) error {
	if actor.Kind != KindContact {
		return fault.New(fault.Forbidden, "Sign in to withdraw links.")
	}
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := revokeDigestLinks(ctx, tx, actor.ContactID, s.now()); err != nil {
			return err
		}
		return s.AuditTx(ctx, tx, actor, Change{Action: "digest_links.revoked", SubjectKind: "contact", SubjectID: actor.ContactID, CustomerID: actor.CustomerID})
	})
}

const unsubscribeUse = "unsubscribe"

// UnsubscribeToken stands in the mails to a contact and stops them. It works for
// as long as the key that made it is among SHEAF_SECRET_KEYS: nothing is stored.
func (s *Service) UnsubscribeToken(contactID string) string {
	return contactID + "." + s.Sealer.MAC(unsubscribeUse, contactID)
}

// ContactByUnsubscribeToken is the id of the contact that a token stops mail to;
// fault.NotFound when it was altered.
func (s *Service) ContactByUnsubscribeToken(token string) (string, error) {
	contactID, mac, found := strings.Cut(token, ".")
	if !found || len(token) > mostToken || !store.ValidID(contactID) || !s.Sealer.CheckMAC(unsubscribeUse, contactID, mac) {
		return "", fault.New(fault.NotFound, "We do not know this link. It may be cut off: copy the whole address, or write to us.")
	}
	return contactID, nil
}
