package smtp

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"

	"github.com/emersion/go-msgauth/dkim"

	"github.com/sheaf-hub/sheaf/hub/mail/rfc822"
)

// DKIM is the key that signs for a domain; the zero value signs nothing.
type DKIM struct {
	Domain, Selector string
	// PrivateKeyPEM is an RSA key of 1024 bits or more (2048 are usual) or an
	// Ed25519 key, in PKCS #8 or PKCS #1.
	PrivateKeyPEM string
}

// signedHeaders are the fields under the signature, in the order of h=. Those a
// message does not have are left out of its list.
func signedHeaders() []string {
	return []string{"From", "To", "Reply-To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type",
		"Content-Transfer-Encoding", "Auto-Submitted", "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post"}
}

// parseDKIM checks the names and reads the key.
func parseDKIM(config DKIM) (crypto.Signer, error) {
	for _, name := range []string{config.Domain, config.Selector} {
		if name == "" || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(";=@", r) }) {
			return nil, fmt.Errorf("%w: DKIM needs a domain and a selector, as their DNS record SELECTOR._domainkey.DOMAIN is named", ErrConfig)
		}
	}
	block, _ := pem.Decode([]byte(config.PrivateKeyPEM))
	if block == nil {
		return nil, fmt.Errorf("%w: the DKIM key is not in PEM form (-----BEGIN PRIVATE KEY-----)", ErrConfig)
	}
	var key any
	var err error
	if block.Type == "RSA PRIVATE KEY" {
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	} else {
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: the DKIM key cannot be read: it must be an RSA or Ed25519 private key without a passphrase", ErrConfig)
	}
	switch key := key.(type) {
	case *rsa.PrivateKey:
		if key.N.BitLen() < 1024 {
			return nil, fmt.Errorf("%w: the DKIM key has %d bits, and receivers ask for 1024 or more", ErrConfig, key.N.BitLen())
		}
		return key, nil
	case ed25519.PrivateKey:
		return key, nil
	}
	return nil, fmt.Errorf("%w: the DKIM key is neither RSA nor Ed25519", ErrConfig)
}

// sign puts the signature before the message. From is listed once more than it
// stands there, so that nobody can add a second one on the way.
func (s *Sender) sign(raw []byte) ([]byte, error) {
	if s.signer == nil {
		return raw, nil
	}
	parsed, err := rfc822.ParseHeader(raw)
	if err != nil {
		return nil, err
	}
	keys := []string{"From"}
	for _, name := range signedHeaders() {
		if parsed.Get(name) != "" {
			keys = append(keys, name)
		}
	}
	var signed bytes.Buffer
	err = dkim.Sign(&signed, bytes.NewReader(raw), &dkim.SignOptions{
		Domain: s.dkim.Domain, Selector: s.dkim.Selector, Signer: s.signer, Hash: crypto.SHA256,
		HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationRelaxed,
		HeaderKeys: keys,
	})
	return signed.Bytes(), err
}
