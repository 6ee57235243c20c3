package files

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	connectors "github.com/sheaf-hub/sheaf/vendor-connectors"
	"github.com/sheaf-hub/sheaf/vendor-connectors/connectortest"
)

// server is a real SFTP server in this process, over real SSH.
type server struct {
	address string
	folder  string
	key     ssh.Signer         // of the host
	user    ssh.Signer         // whose key is let in
	secret  ed25519.PrivateKey // the same key
	closed  atomic.Bool        // to everybody
}

func signer(t *testing.T) (ssh.Signer, ed25519.PrivateKey) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	out, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return out, private
}

// inPEM writes a key as ssh-keygen does, with a passphrase or without.
func inPEM(t *testing.T, key ed25519.PrivateKey, passphrase string) string {
	t.Helper()
	block, err := ssh.MarshalPrivateKey(key, "")
	if passphrase != "" {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(key, "", []byte(passphrase))
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(block))
}

func serve(t *testing.T) *server {
	t.Helper()
	s := &server{folder: t.TempDir()}
	s.key, _ = signer(t)
	s.user, s.secret = signer(t)
	config := &ssh.ServerConfig{
		PasswordCallback: func(meta ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
			if meta.User() == "north" && string(password) == "quince" && !s.closed.Load() {
				return nil, nil
			}
			return nil, errors.New("no")
		},
		PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if string(key.Marshal()) == string(s.user.PublicKey().Marshal()) {
				return nil, nil
			}
			return nil, errors.New("no")
		},
	}
	config.AddHostKey(s.key)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.address = listener.Addr().String()
	var working sync.WaitGroup
	t.Cleanup(func() { listener.Close(); working.Wait() })
	working.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			working.Go(func() { s.answer(conn, config) })
		}
	})
	return s
}

func (s *server) answer(conn net.Conn, config *ssh.ServerConfig) {
	defer conn.Close()
	_, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for offered := range channels {
		channel, requests, err := offered.Accept()
		if err != nil {
			return
		}
		go func() {
			for request := range requests {
				_ = request.Reply(request.Type == "subsystem", nil)
			}
		}()
		files, err := sftp.NewServer(channel, sftp.ReadOnly(), sftp.WithServerWorkingDirectory(s.folder))
		if err != nil {
			return
		}
		_ = files.Serve()
		channel.Close()
	}
}

func (s *server) settings(more ...string) map[string]string {
	settings := map[string]string{"host": s.address, "user": "north", "password": "quince", "host_key": ssh.FingerprintSHA256(s.key.PublicKey())}
	for i := 0; i+1 < len(more); i += 2 {
		settings[more[i]] = more[i+1]
	}
	return settings
}

func (s *server) client(t *testing.T, settings map[string]string) *Client {
	t.Helper()
	c, err := newSFTP(settings, connectors.Deps{Vendor: vendor, Now: time.Now, Dial: (&net.Dialer{}).DialContext})
	if err != nil {
		t.Fatal(err)
	}
	c.quiet = time.Millisecond
	return c
}

func TestSFTPContract(t *testing.T) {
	connectortest.Run(t, func(t *testing.T) connectortest.Harness {
		s := serve(t)
		fill(t, s.folder)
		b := newBooks(s.folder)
		b.way = &way{server: s}
		c, err := newSFTP(s.settings("mapping", `{"decimal":"."}`), connectors.Deps{Vendor: vendor, Now: time.Now, Dial: b.way.dial})
		if err != nil {
			t.Fatal(err)
		}
		c.quiet = time.Millisecond
		return connectortest.Harness{Connector: c, Invoices: 1104, Books: b}
	})
}

func TestSFTPSignsIn(t *testing.T) {
	s := serve(t)
	if err := os.Mkdir(filepath.Join(s.folder, "out"), 0o700); err != nil {
		t.Fatal(err)
	}
	lay(t, filepath.Join(s.folder, "out"), "1.csv", rows(1, 1), 1)
	whole := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(s.key.PublicKey())))
	for name, settings := range map[string]map[string]string{
		"password":    s.settings(),
		"key":         s.settings("password", "", "private_key", inPEM(t, s.secret, "")),
		"locked key":  s.settings("password", "", "private_key", strings.ReplaceAll(inPEM(t, s.secret, "quince"), "\n", "\r\n"), "passphrase", "quince"),
		"whole key":   s.settings("host_key", whole),
		"known hosts": s.settings("host_key", "files.example "+whole),
	} {
		settings["path"] = "out"
		c := s.client(t, settings)
		if err := c.Check(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if ids, _, _, err := pull(t, c, ""); err != nil || !slices.Equal(ids, []string{"N-1"}) {
			t.Errorf("%s: %v, %v", name, ids, err)
		}
	}
}

func TestSFTPSaysWhatIsWrong(t *testing.T) {
	s := serve(t)
	other, _ := signer(t)
	_, stranger := signer(t)
	locked := inPEM(t, s.secret, "quince")
	seen := ssh.FingerprintSHA256(s.key.PublicKey())
	for name, c := range map[string]struct {
		settings map[string]string
		kind     error
		words    string
	}{
		"unknown host key": {s.settings("host_key", "?"), nil, seen + " (ssh-ed25519)"},
		"another host key": {s.settings("host_key", ssh.FingerprintSHA256(other.PublicKey())), nil, seen},
		"another whole":    {s.settings("host_key", string(ssh.MarshalAuthorizedKey(other.PublicKey()))), nil, seen},
		"another password": {s.settings("password", "pear"), connectors.ErrCredentials, `does not let "north" in`},
		"another key":      {s.settings("password", "", "private_key", inPEM(t, stranger, "")), connectors.ErrCredentials, "does not let"},
		"no folder":        {s.settings("path", "nowhere"), nil, `the folder "nowhere" is not there`},
	} {
		err := s.client(t, c.settings).Check(t.Context())
		if err == nil || c.kind != nil && !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.words) || strings.Contains(err.Error(), "quince") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, settings := range map[string]map[string]string{
		"no secret": s.settings("password", ""), "no key": s.settings("private_key", "x"), "locked": s.settings("private_key", locked),
		"wrong passphrase": s.settings("private_key", locked, "passphrase", "x"), "host": s.settings("host", "a b"), "port": s.settings("host", "a:99999"), "user": s.settings("user", ""),
	} {
		if _, err := newSFTP(settings, connectors.Deps{Dial: (&net.Dialer{}).DialContext}); err == nil || strings.Contains(err.Error(), "BEGIN") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := newSFTP(s.settings(), connectors.Deps{}); err == nil {
		t.Error("a hub that lends no way out")
	}
}

// A peer that says nothing, or never stops, ends with the call.
func TestSFTPPeersThatMisbehave(t *testing.T) {
	for name, c := range map[string]struct {
		peer  func(conn net.Conn)
		words string
	}{
		"silent": {func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }, "deadline"},
		"gone":   {func(conn net.Conn) { conn.Close() }, "does not speak SSH"},
		"a web":  {func(conn net.Conn) { _, _ = io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\n\r\n"); conn.Close() }, "does not speak SSH"},
		"endless": {func(conn net.Conn) {
			for {
				if _, err := conn.Write([]byte("SSH-2.0-x\r\n" + strings.Repeat("x", 4000))); err != nil {
					return
				}
			}
		}, "does not speak SSH"},
	} {
		t.Run(name, func(t *testing.T) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			go func() {
				conn, err := listener.Accept()
				if err == nil {
					defer conn.Close()
					c.peer(conn)
				}
			}()
			s := &server{address: listener.Addr().String()}
			s.key, _ = signer(t)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			begun := time.Now()
			err = s.client(t, s.settings()).Check(ctx)
			if err == nil || !strings.Contains(err.Error(), c.words) || time.Since(begun) > 5*time.Second {
				t.Errorf("%v after %s", err, time.Since(begun))
			}
		})
	}
}

// The hub's guard decides where a connection goes.
func TestSFTPGoesWhereTheHubMay(t *testing.T) {
	s := serve(t)
	guarded := errors.New("a private address")
	c, err := newSFTP(s.settings(), connectors.Deps{Dial: func(context.Context, string, string) (net.Conn, error) { return nil, guarded }})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Check(t.Context()); !errors.Is(err, guarded) || !errors.Is(err, connectors.ErrUnreachable) {
		t.Errorf("%v", err)
	}
}
