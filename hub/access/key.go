package access

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/store"
)

// MostKeys bounds how many API keys one vendor may have that are not revoked.
const MostKeys = 20

const (
	keyMark      = "shf_"
	keyPrefixLen = 8
	keyUsedEvery = time.Minute
)

// APIKey is a key without the key: Prefix is what people know it by, "shf_1a2b3c4d".
type APIKey struct {
	bun.BaseModel `bun:"table:api_keys,alias:ak" json:"-"`
	ID            string    `bun:"id,pk" json:"id"`
	VendorID      string    `bun:"vendor_id" json:"-"`
	Name          string    `bun:"name" json:"name"`
	Prefix        string    `bun:"prefix" json:"prefix"`
	KeyHash       string    `bun:"key_hash" json:"-"`
	CreatedBy     string    `bun:"created_by" json:"-"`
	CreatedAt     time.Time `bun:"created_at" json:"-"`
	LastUsedAt    time.Time `bun:"last_used_at,nullzero" json:"-"`
	RevokedAt     time.Time `bun:"revoked_at,nullzero" json:"-"`
}

// NewAPIKey makes a key for a vendor and returns it in the clear, this once.
// The vendor's staff, operators and the system may; fault.NotFound for others.
func (s *Service) NewAPIKey(ctx context.Context, vendorID, name string, actor Actor) (string, APIKey, error) {
	var key string
	var row APIKey
	err := s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		var err error
		key, row, err = s.NewAPIKeyTx(ctx, tx, vendorID, name, actor)
		return err
	})
	return key, row, err
}

// NewAPIKeyTx is NewAPIKey inside the caller's transaction.
func (s *Service) NewAPIKeyTx(ctx context.Context, tx bun.IDB, vendorID, name string, actor Actor) (string, APIKey, error) {
	if !store.ValidID(vendorID) || !actor.ofVendor(vendorID) {
		return "", APIKey{}, noSuch("vendor")
	}
	if name = plain(name, 100); name == "" {
		return "", APIKey{}, fault.At("name", "Name the key after what will use it, such as \"ERP\".")
	}
	active, err := countKeys(ctx, tx, vendorID)
	if err != nil {
		return "", APIKey{}, err
	}
	if active >= MostKeys {
		return "", APIKey{}, fault.New(fault.Conflict, "There are %d keys already, which is the most. Revoke one first.", active)
	}
	prefix := keyMark + newPrefix()
	key := prefix + "_" + store.NewToken()
	row := APIKey{ID: store.NewID(), VendorID: vendorID, Name: name, Prefix: prefix, KeyHash: store.HashToken(key),
		CreatedBy: plain(actor.Name, 200), CreatedAt: s.now()}
	if err := insertKey(ctx, tx, row); err != nil {
		return "", APIKey{}, err
	}
	return key, row, s.AuditTx(ctx, tx, actor, Change{Action: "key.made", SubjectKind: "key", SubjectID: row.ID, VendorID: vendorID, After: row})
}

func newPrefix() string {
	raw := make([]byte, keyPrefixLen/2)
	if _, err := rand.Read(raw); err != nil {
		panic(fmt.Sprintf("no randomness: %v", err))
	}
	return hex.EncodeToString(raw)
}

// VendorByKey says whose key it is, by one query. fault.Unauthenticated for one
// that is unknown or revoked, fault.Forbidden when the vendor is suspended.
func (s *Service) VendorByKey(ctx context.Context, key string) (vendorID, keyID string, err error) {
	actor, err := s.ActorByKey(ctx, key)
	return actor.VendorID, actor.ID, err
}

// ActorByKey is VendorByKey with the key as an actor, named as its vendor named it.
func (s *Service) ActorByKey(ctx context.Context, key string) (Actor, error) {
	if !strings.HasPrefix(key, keyMark) || len(key) > mostToken {
		return Actor{}, fault.New(fault.Unauthenticated, "This is not an API key of this hub: one begins with %s. Send it as Authorization: Bearer KEY.", keyMark)
	}
	row, status, found, err := readKey(ctx, s.DB, store.HashToken(key))
	switch {
	case err != nil:
		return Actor{}, err
	case !found:
		return Actor{}, fault.New(fault.Unauthenticated, "This API key is not known. Make one under API keys in the console.")
	case !row.RevokedAt.IsZero():
		return Actor{}, fault.New(fault.Unauthenticated, "The API key %s… was revoked on %s. Make another one under API keys in the console.",
			row.Prefix, row.RevokedAt.UTC().Format("2 January 2006"))
	case status == "suspended":
		return Actor{}, fault.New(fault.Forbidden, "This vendor is suspended, so its API is closed. Write to the hub's operator.")
	}
	if now := s.now(); now.Sub(row.LastUsedAt) >= keyUsedEvery {
		if err := touchKey(ctx, s.DB, row.ID, now, now.Add(-keyUsedEvery)); err != nil {
			return Actor{}, err
		}
	}
	return Actor{Kind: KindKey, ID: row.ID, Name: row.Name, VendorID: row.VendorID}, nil
}

// RevokeAPIKey ends a key for good; one that is revoked stays so. fault.NotFound
// for another vendor's.
func (s *Service) RevokeAPIKey(ctx context.Context, vendorID, keyID string, actor Actor) error {
	if !store.ValidID(vendorID) || !store.ValidID(keyID) || !actor.ofVendor(vendorID) {
		return noSuch("API key")
	}
	return s.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		row, found, err := keyOf(ctx, tx, vendorID, keyID)
		if err != nil {
			return err
		}
		if !found {
			return noSuch("API key")
		}
		revoked, err := markKeyRevoked(ctx, tx, vendorID, keyID, s.now())
		if err != nil || !revoked {
			return err
		}
		return s.AuditTx(ctx, tx, actor, Change{Action: "key.revoked", SubjectKind: "key", SubjectID: keyID, VendorID: vendorID, Before: row})
	})
}

// ListAPIKeys is a vendor's keys, newest first, revoked ones too.
func (s *Service) ListAPIKeys(ctx context.Context, vendorID string, page store.PageRequest) ([]APIKey, string, error) {
	var keys []APIKey
	var next string
	err := s.DB.AsVendor(ctx, vendorID, func(ctx context.Context, tx bun.Tx) error {
		var err error
		keys, next, err = listKeys(ctx, tx, vendorID, page)
		return err
	})
	return keys, next, err
}
