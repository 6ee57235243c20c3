// Package standardwebhooks signs and verifies webhooks to the letter of the
// Standard Webhooks specification 1.0.0 (symmetric scheme, "v1"), and carries
// its retry schedule. It knows nothing of HTTP clients, databases or clocks.
package standardwebhooks

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Names of the three headers.
const (
	HeaderID        = "webhook-id"
	HeaderTimestamp = "webhook-timestamp"
	HeaderSignature = "webhook-signature"
)

// Tolerance is how far the timestamp of a webhook may be from the receiver's
// clock, in either direction.
const Tolerance = 5 * time.Minute

const (
	secretPrefix = "whsec_"
	minSecret    = 24 // bytes, by the specification
	maxSecret    = 64
	newSecret    = 32
	maxID        = 255
	// maxSignatures bounds the work that one request can ask of Verify. Two
	// are usual while a secret is being rotated.
	maxSignatures = 16
)

// Errors of this package; match with errors.Is.
var (
	ErrSecret    = errors.New("not a webhook secret")
	ErrID        = errors.New("not a webhook id")
	ErrHeaders   = errors.New("the webhook headers are missing or malformed")
	ErrTimestamp = errors.New("the webhook timestamp is more than five minutes away")
	ErrSignature = errors.New("no signature of the webhook matches")
)

// Secret is the key that a sender and a receiver share. Printing it shows
// nothing of the key.
type Secret struct{ key []byte }

// String hides the key, so that a secret cannot slip into a log.
func (Secret) String() string { return secretPrefix + "…" }

// GoString hides the key from %#v too.
func (s Secret) GoString() string { return s.String() }

// NewSecret draws a secret of 32 bytes from random (crypto/rand.Reader) and
// returns it as a vendor sees it, "whsec_" and base64.
func NewSecret(random io.Reader) (string, error) {
	key := make([]byte, newSecret)
	if _, err := io.ReadFull(random, key); err != nil {
		return "", fmt.Errorf("drawing a webhook secret: %w", err)
	}
	return secretPrefix + base64.StdEncoding.EncodeToString(key), nil
}

// ParseSecret reads "whsec_" followed by the base64 of 24 to 64 bytes; any
// other text is ErrSecret.
func ParseSecret(text string) (Secret, error) {
	encoded, found := strings.CutPrefix(text, secretPrefix)
	if !found {
		return Secret{}, fmt.Errorf("%w: it does not begin with %s", ErrSecret, secretPrefix)
	}
	if len(encoded) > base64.StdEncoding.EncodedLen(maxSecret) {
		return Secret{}, fmt.Errorf("%w: it is longer than %d bytes", ErrSecret, maxSecret)
	}
	key, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil || strings.ContainsAny(encoded, "\r\n") {
		return Secret{}, fmt.Errorf("%w: what follows %s is not base64", ErrSecret, secretPrefix)
	}
	if len(key) < minSecret || len(key) > maxSecret {
		return Secret{}, fmt.Errorf("%w: it has %d bytes, and needs %d to %d", ErrSecret, len(key), minSecret, maxSecret)
	}
	return Secret{key: key}, nil
}

// Sign returns the value of webhook-signature: one "v1,…" per secret, the
// newest first, separated by spaces. The id must have no full stop, since the
// signed text is delimited by them (ErrID); at least one secret is needed.
func Sign(id string, at time.Time, body []byte, secrets ...Secret) (string, error) {
	if err := checkID(id); err != nil {
		return "", err
	}
	if at.Unix() <= 0 {
		return "", fmt.Errorf("%w: a webhook needs the time of its attempt", ErrHeaders)
	}
	if len(secrets) == 0 || len(secrets) > maxSignatures {
		return "", fmt.Errorf("%w: signing needs 1 to %d secrets, not %d", ErrSecret, maxSignatures, len(secrets))
	}
	signatures := make([]string, len(secrets))
	for i, secret := range secrets {
		if len(secret.key) < minSecret {
			return "", fmt.Errorf("%w: secret %d is empty", ErrSecret, i+1)
		}
		signatures[i] = signature(secret.key, id, at.Unix(), body)
	}
	return strings.Join(signatures, " "), nil
}

// Headers returns the three headers of one attempt; errors are those of Sign.
func Headers(id string, at time.Time, body []byte, secrets ...Secret) (http.Header, error) {
	signed, err := Sign(id, at, body, secrets...)
	if err != nil {
		return nil, err
	}
	header := make(http.Header, 3)
	header.Set(HeaderID, id)
	header.Set(HeaderTimestamp, strconv.FormatInt(at.Unix(), 10))
	header.Set(HeaderSignature, signed)
	return header, nil
}

// Verify checks a received webhook against the secrets that are valid now:
// ErrHeaders, ErrTimestamp or ErrSignature say why it is not to be trusted.
// Signatures of other schemes ("v1a") are passed over.
func Verify(header http.Header, body []byte, now time.Time, secrets ...Secret) error {
	id, stamp := header.Get(HeaderID), header.Get(HeaderTimestamp)
	if checkID(id) != nil {
		return fmt.Errorf("%w: %s", ErrHeaders, HeaderID)
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || seconds <= 0 || strconv.FormatInt(seconds, 10) != stamp {
		return fmt.Errorf("%w: %s", ErrHeaders, HeaderTimestamp)
	}
	given := strings.Split(header.Get(HeaderSignature), " ")
	if given[0] == "" || len(given) > maxSignatures {
		return fmt.Errorf("%w: %s", ErrHeaders, HeaderSignature)
	}
	// Compared in whole seconds, because a time.Duration cannot hold the
	// distance to the far future that a forged header may name.
	distance, tolerance := seconds-now.Unix(), int64(Tolerance/time.Second)
	if distance > tolerance || distance < -tolerance {
		return ErrTimestamp
	}
	for _, secret := range secrets {
		if len(secret.key) < minSecret {
			continue // the zero Secret would otherwise accept a forgery
		}
		want := []byte(signature(secret.key, id, seconds, body))
		for _, one := range given {
			if hmac.Equal(want, []byte(one)) {
				return nil
			}
		}
	}
	return ErrSignature
}

func signature(key []byte, id string, seconds int64, body []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + strconv.FormatInt(seconds, 10) + "."))
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// checkID allows what can stand in a header and cannot be mistaken for the
// delimiter of the signed text.
func checkID(id string) error {
	if id == "" || len(id) > maxID {
		return fmt.Errorf("%w: it has %d characters, and needs 1 to %d", ErrID, len(id), maxID)
	}
	for i := range len(id) {
		if c := id[i]; c <= ' ' || c > '~' || c == '.' {
			return fmt.Errorf("%w: character %d is a full stop, a space or not printable ASCII", ErrID, i+1)
		}
	}
	return nil
}
