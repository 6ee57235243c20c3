package files

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"path"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
)

// Bounds of what a server may cost.
const (
	handshakeTime = 20 * time.Second
	mostListing   = 16 << 20 // bytes of all that is said until the folder is listed
	overhead      = 4 << 20  // bytes that reading a file may cost beside the file
)

// SFTPDescriptor describes the kind "sftp".
func SFTPDescriptor() connectors.Descriptor {
	fields := []connectors.Field{
		{Name: "host", Label: "Server", Help: "Its name, with a port where it is not 22: files.example or files.example:2222.", Required: true},
		{Name: "user", Label: "User", Required: true},
		{Name: "password", Label: "Password", Help: "Or a private key.", Sealed: true},
		{Name: "private_key", Label: "Private key", Help: "As ssh-keygen writes it, with its first and last line.", Sealed: true},
		{Name: "passphrase", Label: "Passphrase of the key", Sealed: true},
		{Name: "host_key", Label: "Key of the server", Required: true,
			Help: "Its fingerprint, such as SHA256:…, or its public key. Not known? Write a question mark: you are told what the server shows, to compare with what its operator says."},
	}
	return connectors.Descriptor{Kind: "sftp", Title: "SFTP server", Summary: "Reads tables and e-invoices from a folder on an SFTP server.", Deletions: true,
		Fields: append(fields, commonFields("On the server; empty: where one is after signing in.")...)}
}

// login is how a server is reached.
type login struct {
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
	address string
	user    string
	methods []ssh.AuthMethod
	pinned  string // as the person wrote it
	path    string
}

// NewSFTP reads a folder on a server, whose key is pinned: another is refused, with
// the key that was seen in the words.
func NewSFTP(settings map[string]string, deps connectors.Deps) (connectors.Connector, error) {
	client, err := newSFTP(settings, deps)
	if err != nil {
		return nil, err
	}
	return client, nil
}

func newSFTP(settings map[string]string, deps connectors.Deps) (*Client, error) {
	if deps.Dial == nil {
		return nil, errors.New("this hub connects to no SFTP servers")
	}
	address, err := serverAddress(settings["host"])
	if err != nil {
		return nil, err
	}
	l := login{dial: deps.Dial, address: address, user: settings["user"], pinned: strings.TrimSpace(settings["host_key"]), path: settings[settingPath]}
	if l.path == "" {
		l.path = "."
	}
	if l.methods, err = methods(settings); err != nil {
		return nil, err
	}
	if strings.ContainsRune(l.path, 0) || l.user == "" {
		return nil, errors.New("a user is needed, and a folder without odd characters")
	}
	return newClient(SFTPDescriptor(), settings, l.open)
}

func serverAddress(text string) (string, error) {
	text = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(text), "sftp://"), "/")
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		host, port = strings.Trim(text, "[]"), "22"
	}
	if number, err := strconv.Atoi(port); err != nil || number < 1 || number > 65535 || host == "" || strings.ContainsAny(host, "/@ \t\\") {
		return "", fmt.Errorf("the server %q is not written like files.example or files.example:2222", clip(text))
	}
	return net.JoinHostPort(host, port), nil
}

func methods(settings map[string]string) ([]ssh.AuthMethod, error) {
	var list []ssh.AuthMethod
	if key := settings["private_key"]; key != "" {
		signer, err := parseKey(key, settings["passphrase"])
		if err != nil {
			return nil, err
		}
		list = append(list, ssh.PublicKeys(signer))
	}
	if password := settings["password"]; password != "" {
		list = append(list, ssh.Password(password), ssh.KeyboardInteractive(func(_, _ string, questions []string, echos []bool) ([]string, error) {
			if len(questions) == 0 {
				return nil, nil
			}
			if len(questions) > 1 || echos[0] {
				return nil, errors.New("the server asks for more than a password")
			}
			return []string{password}, nil
		}))
	}
	if len(list) == 0 {
		return nil, errors.New("a password or a private key is needed")
	}
	return list, nil
}

// parseKey does not repeat the parser's words, which may hold parts of the key.
func parseKey(key, passphrase string) (ssh.Signer, error) {
	text := []byte(strings.ReplaceAll(strings.TrimSpace(key), "\r\n", "\n") + "\n")
	signer, err := ssh.ParsePrivateKey(text)
	var locked *ssh.PassphraseMissingError
	if errors.As(err, &locked) {
		if passphrase == "" {
			return nil, errors.New("the private key has a passphrase: enter it too")
		}
		if signer, err = ssh.ParsePrivateKeyWithPassphrase(text, []byte(passphrase)); err != nil {
			return nil, errors.New("the passphrase does not open the private key")
		}
	}
	if err != nil {
		return nil, errors.New("the private key cannot be read: give it whole, as ssh-keygen writes it, with its first and last line")
	}
	return signer, nil
}

// open signs in. The connection ends with the context.
func (l login) open(ctx context.Context) (place, error) {
	raw, err := l.dial(ctx, "tcp", l.address)
	if err != nil {
		return nil, l.failed(ctx, "cannot be reached", err)
	}
	conn := &meter{Conn: raw}
	conn.left.Store(mostListing)
	stop := context.AfterFunc(ctx, func() { raw.Close() })
	client, err := l.handshake(ctx, conn)
	if err != nil {
		stop()
		raw.Close()
		return nil, err
	}
	files, err := sftp.NewClient(client)
	if err != nil {
		stop()
		client.Close()
		return nil, l.failed(ctx, "offers no SFTP", err)
	}
	return &remote{login: l, conn: conn, client: client, files: files, stop: stop}, nil
}

func (l login) handshake(ctx context.Context, conn *meter) (*ssh.Client, error) {
	if err := conn.SetDeadline(time.Now().Add(handshakeTime)); err != nil {
		return nil, l.failed(ctx, "cannot be reached", err)
	}
	var other error // the server's key is another one
	config := &ssh.ClientConfig{User: l.user, Auth: l.methods, Timeout: handshakeTime, HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
		if !l.isPinned(key) {
			other = fmt.Errorf("the server %s shows the key %s (%s). Compare it with what its operator says; if it is the same, enter it as key of the server", l.address, ssh.FingerprintSHA256(key), key.Type())
		}
		return other
	}}
	if key := publicKey(l.pinned); key != nil {
		config.HostKeyAlgorithms = algorithms(key.Type())
	}
	link, channels, requests, err := ssh.NewClientConn(conn, l.address, config)
	switch {
	case other != nil:
		return nil, other
	case err != nil && strings.Contains(err.Error(), "unable to authenticate"): // the library has no error of its own for it
		return nil, fmt.Errorf("%w: %s does not let %q in with this password or key", connectors.ErrCredentials, l.address, clip(l.user))
	case err != nil && strings.Contains(err.Error(), "no common algorithm"):
		return nil, fmt.Errorf("%s and the hub have no way of speaking in common, or it has no key of the kind that is pinned", l.address)
	case err != nil:
		return nil, l.failed(ctx, "does not speak SSH as it should", err)
	}
	if err := conn.SetDeadline(time.Time{}); err != nil {
		link.Close()
		return nil, l.failed(ctx, "cannot be reached", err)
	}
	return ssh.NewClient(link, channels, requests), nil
}

// isPinned compares with a fingerprint or a whole key.
func (l login) isPinned(key ssh.PublicKey) bool {
	if pinned := publicKey(l.pinned); pinned != nil {
		return subtle.ConstantTimeCompare(pinned.Marshal(), key.Marshal()) == 1
	}
	return strings.TrimRight(l.pinned, "=") == ssh.FingerprintSHA256(key)
}

// publicKey reads a key as it stands in .pub files and in known_hosts; nil: it is
// none.
func publicKey(text string) ssh.PublicKey {
	if key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(text)); err == nil {
		return key
	}
	if _, _, key, _, _, err := ssh.ParseKnownHosts([]byte(text)); err == nil {
		return key
	}
	return nil
}

func algorithms(kind string) []string {
	if kind == ssh.KeyAlgoRSA {
		return []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
	}
	return []string{kind}
}

func (l login) failed(ctx context.Context, what string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("%w: the server %s %s: %w", connectors.ErrUnreachable, l.address, what, err)
}

// meter bounds what a server may send, so that an endless answer ends.
type meter struct {
	net.Conn
	left atomic.Int64
}

var errEndless = errors.New("it sends more than it should")

func (m *meter) Read(p []byte) (int, error) {
	if m.left.Load() <= 0 {
		return 0, errEndless
	}
	n, err := m.Conn.Read(p)
	m.left.Add(-int64(n))
	return n, err
}

// remote is a folder on a server.
type remote struct {
	login  login
	conn   *meter
	client *ssh.Client
	files  *sftp.Client
	stop   func() bool
}

func (r *remote) close() {
	r.stop()
	r.files.Close()
	r.client.Close()
}

func (r *remote) list(ctx context.Context) ([]file, error) {
	r.conn.left.Store(mostListing)
	entries, err := r.files.ReadDirContext(ctx, r.login.path)
	if err != nil {
		return nil, r.wrong(ctx, fmt.Sprintf("the folder %q", clip(r.login.path)), err)
	}
	var files []file
	for _, entry := range entries {
		name := entry.Name()
		if entry.Mode().IsRegular() && entry.Size() >= 0 && name != "" && !strings.ContainsAny(name, "/\\\x00") {
			files = append(files, file{name, entry.Size(), entry.ModTime()})
		}
	}
	return files, nil
}

func (r *remote) read(ctx context.Context, name string) (io.ReadCloser, error) {
	opened, err := r.files.Open(path.Join(r.login.path, name))
	if err != nil {
		return nil, r.wrong(ctx, fmt.Sprintf("the file %q", clip(name)), err)
	}
	r.conn.left.Store(mostTable + mostTable/8 + overhead)
	return struct {
		io.Reader
		io.Closer
	}{opened, opened}, nil // a plain reader: it is read once, from its beginning
}

func (r *remote) wrong(ctx context.Context, what string, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s is not there on %s", what, r.login.address)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s on %s may not be read by %q", what, r.login.address, clip(r.login.user))
	}
	return fmt.Errorf("%w: %s on %s cannot be read: %w", connectors.ErrUnreachable, what, r.login.address, err)
}
