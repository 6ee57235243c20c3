package store

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/tink-crypto/tink-go/v2/aead/subtle"
)

// Sealer seals what must not be read from a copy of the database: credentials,
// webhook secrets, mails that hold a sign-in link. The first key seals, all
// open. Sealed text is "v1.KEYID.BASE64"; the context is bound in, so that a
// secret cannot be moved to another row.
type Sealer struct {
	keys []sealKey
}

type sealKey struct {
	id   string
	aead *subtle.XChaCha20Poly1305
	mac  []byte // derived, so that no key serves two purposes
}

// ErrSealed says that no key opens the text, or that it was altered.
var ErrSealed = errors.New("the sealed value cannot be opened: is its key still in SHEAF_SECRET_KEYS?")

// NewSealKey makes a key in the form that NewSealer takes: 32 random bytes in base64.
func NewSealKey() string {
	return base64.StdEncoding.EncodeToString(randomBytes(32))
}

// NewSealer takes one or more keys separated by commas.
func NewSealer(keys string) (*Sealer, error) {
	sealer := &Sealer{}
	for _, text := range strings.Split(keys, ",") {
		text = strings.TrimSpace(text)
		if text == "" {
			continue
		}
		raw, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(raw) != 32 {
			return nil, errors.New("SHEAF_SECRET_KEYS: each key is 32 bytes in base64 (openssl rand -base64 32), separated by commas")
		}
		aead, err := subtle.NewXChaCha20Poly1305(raw)
		if err != nil {
			return nil, fmt.Errorf("SHEAF_SECRET_KEYS: %w", err)
		}
		sum := sha256.Sum256(append([]byte("sheaf key id\x00"), raw...))
		sealer.keys = append(sealer.keys, sealKey{id: hex.EncodeToString(sum[:4]), aead: aead, mac: hmacOf(raw, "sheaf mac key")})
	}
	if len(sealer.keys) == 0 {
		return nil, errors.New("SHEAF_SECRET_KEYS holds no key: make one with openssl rand -base64 32")
	}
	return sealer, nil
}

// Seal hides plain; the same context opens it again.
func (s *Sealer) Seal(plain, context string) (string, error) {
	key := s.keys[0]
	sealed, err := key.aead.Encrypt([]byte(plain), []byte(context))
	if err != nil {
		return "", fmt.Errorf("seal: %w", err)
	}
	return "v1." + key.id + "." + base64.RawURLEncoding.EncodeToString(sealed), nil
}

// Open gives back what Seal hid, or ErrSealed.
func (s *Sealer) Open(sealed, context string) (string, error) {
	parts := strings.SplitN(sealed, ".", 3)
	if len(parts) != 3 || parts[0] != "v1" {
		return "", ErrSealed
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		return "", ErrSealed
	}
	for _, key := range s.keys {
		if key.id != parts[1] {
			continue
		}
		plain, err := key.aead.Decrypt(raw, []byte(context))
		if err != nil {
			return "", ErrSealed
		}
		return string(plain), nil
	}
	return "", ErrSealed
}

// MAC vouches for data that leaves the hub in the clear and comes back, such as
// an unsubscribe link: base64url of HMAC-SHA256 under the first key. The context
// names the use, so that what one use made is worth nothing in another.
func (s *Sealer) MAC(context, data string) string {
	return base64.RawURLEncoding.EncodeToString(macOf(s.keys[0], context, data))
}

// CheckMAC says whether MAC made it, under any of the keys, in constant time.
func (s *Sealer) CheckMAC(context, data, mac string) bool {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(mac)
	if err != nil {
		return false
	}
	for _, key := range s.keys {
		if hmac.Equal(raw, macOf(key, context, data)) {
			return true
		}
	}
	return false
}

// macOf puts the context's length first, so that no two pairs read alike.
func macOf(key sealKey, context, data string) []byte {
	return hmacOf(key.mac, fmt.Sprintf("%d:%s%s", len(context), context, data))
}

func hmacOf(key []byte, text string) []byte {
	sum := hmac.New(sha256.New, key)
	sum.Write([]byte(text))
	return sum.Sum(nil)
}

// NewToken is 192 random bits for a link, a session or a key, in base64url.
// Only its HashToken is stored.
func NewToken() string { return base64.RawURLEncoding.EncodeToString(randomBytes(24)) }

// HashToken is what is stored of a token. The token is random and long, so a
// plain digest is enough.
func HashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// SameToken compares in constant time.
func SameToken(a, b string) bool { return hmac.Equal([]byte(a), []byte(b)) }

func randomBytes(n int) []byte {
	raw := make([]byte, n)
	if _, err := rand.Read(raw); err != nil {
		panic(fmt.Sprintf("no randomness: %v", err))
	}
	return raw
}
