// Package trytontest starts a real Tryton server for tests, with books of its own.
package trytontest

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/vendor-connectors/connectortest/trouble"
)

//go:embed prepare.py
var preparation []byte

//go:embed serve.py
var serving []byte

// Server is a Tryton server with one database, with the modules account_invoice and
// account_payment. Its company keeps its books in US dollars; invoices may be in euros
// (two to the dollar), yen (a hundred) and dinars (half of one) too.
type Server struct {
	URL           string
	Database      string
	User          string // in the group Account, as a vendor would make one for the hub
	Password      string
	PaymentMethod string // "Sheaf"; "Sheaf clearing" and the write-off "Discounts given" are there too

	made   made
	rpc    *caller // by the administrator, past the proxy
	calls  *trouble.Handler
	offset string // the file of the clock's offset
	later  int    // how often a due date was changed
}

const (
	// Outsider is a user of the same password who may not read invoices.
	Outsider = "outsider"
	// Bare is a database without any module for accounts, with the user admin.
	Bare = "bare"
)

// made is what the preparation made, by Tryton's ids.
type made struct {
	Company    int64            `json:"company"`
	Receivable int64            `json:"receivable"`
	Revenue    int64            `json:"revenue"`
	Terms      map[string]int64 `json:"terms"`
	Currencies map[string]int64 `json:"currencies"`
}

const (
	administrator = "admin"
	database      = "books"
	password      = "only-in-Tests" // of every user
	patience      = 5 * time.Minute // with the preparation, on a slow machine
	toStart       = time.Minute
	cacheName     = "sheaf-tryton-"
	python        = "/usr/bin/python3" // Debian's modules of Tryton are its own Python's
	packages      = "tryton-server tryton-modules-account-invoice tryton-modules-account-payment tryton-proteus"
)

// Start runs a server until the test ends. Preparing its books takes half a minute;
// they are kept in the user's cache for the next test. Without Tryton the test fails,
// or is left out where only the embedded half is tested.
func Start(t testing.TB) *Server {
	t.Helper()
	trytond := installed(t)
	folder := t.TempDir()
	s := &Server{Database: database, User: "sheaf", Password: password, PaymentMethod: "Sheaf", offset: filepath.Join(folder, "offset")}
	s.made = prepared(t, folder)
	address := freeAddress(t)
	conf := configure(t, folder, address)
	script := filepath.Join(folder, "serve.py")
	write(t, script, serving)
	s.setClock(t, 0)
	command := exec.Command(python, "-W", "ignore", script, trytond, conf, s.offset)
	log, err := os.Create(filepath.Join(folder, "log"))
	if err != nil {
		t.Fatal(err)
	}
	command.Stdout, command.Stderr = log, log
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill() // the one that was started here
		_ = command.Wait()
		_ = log.Close()
	})
	s.rpc = &caller{url: "http://" + address + "/" + database + "/", user: administrator, password: password, client: &http.Client{Timeout: toStart}}
	s.await(t, log.Name())
	s.calls, s.URL = startProxy(t, "http://"+address)
	return s
}

// installed finds the server's program. Without all that is needed the test fails, or
// is left out where only the embedded half is tested.
func installed(t testing.TB) string {
	t.Helper()
	trytond, err := exec.LookPath("trytond")
	if err == nil {
		_, err = exec.LookPath("trytond-admin")
	}
	if err == nil {
		var said []byte
		if said, err = exec.Command(python, "-c", "import proteus, trytond.modules.account_invoice, trytond.modules.account_payment").CombinedOutput(); err != nil {
			err = fmt.Errorf("%w: %s", err, bytes.TrimSpace(said))
		}
	}
	if err == nil {
		return trytond
	}
	if testing.Short() || os.Getenv("SHEAF_TEST_SHORT") != "" {
		t.Skip("needs a Tryton server")
	}
	t.Fatalf("a Tryton server is missing: run .ci/install, or install Debian's %s (%v)", packages, err)
	return ""
}

func (s *Server) setClock(t testing.TB, by time.Duration) {
	t.Helper()
	next := s.offset + ".next"
	write(t, next, []byte(strconv.FormatFloat(by.Seconds(), 'f', -1, 64)))
	if err := os.Rename(next, s.offset); err != nil {
		t.Fatal(err)
	}
}

func write(t testing.TB, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (s *Server) await(t testing.TB, log string) {
	t.Helper()
	deadline := time.Now().Add(toStart)
	for {
		err := s.rpc.login()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			said, _ := os.ReadFile(log)
			t.Fatalf("Tryton does not come up: %v\n%s", err, said)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func freeAddress(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func configure(t testing.TB, folder, address string) string {
	t.Helper()
	conf, quick := filepath.Join(folder, "trytond.conf"), filepath.Join(folder, "passlib.conf")
	write(t, quick, []byte("[passlib]\nschemes = pbkdf2_sha512\npbkdf2_sha512__default_rounds = 1\n")) // its passwords are no secret, and signing in need not be slow
	write(t, conf, fmt.Appendf(nil, "[database]\nuri = sqlite://\npath = %s\n[web]\nlisten = %s\n[session]\ntimeout = 86400\n[password]\npasslib = %s\n",
		filepath.Join(folder, "data"), address, quick))
	return conf
}

// prepared puts a copy of the prepared books into folder/data.
func prepared(t testing.TB, folder string) made {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		t.Fatal(err)
	}
	version, err := exec.Command("trytond", "--version").CombinedOutput()
	if err != nil {
		t.Fatalf("trytond --version: %v\n%s", err, version)
	}
	year := fmt.Sprint(time.Now().Year()) // the fiscal years are around this one
	sum := sha256.Sum256(bytes.Join([][]byte{preparation, version, []byte(year), []byte("with " + Bare)}, nil))
	kept := filepath.Join(cache, cacheName+hex.EncodeToString(sum[:8]))
	lock, err := os.OpenFile(kept+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil { // another test may prepare them just now
		t.Fatal(err)
	}
	if _, err := os.Stat(kept + ".json"); err != nil {
		prepare(t, kept)
	}
	data := filepath.Join(folder, "data")
	if err := os.MkdirAll(data, 0o700); err != nil {
		t.Fatal(err)
	}
	copyFile(t, kept+".sqlite", filepath.Join(data, database+".sqlite"))
	copyFile(t, kept+"-bare.sqlite", filepath.Join(data, Bare+".sqlite"))
	raw, err := os.ReadFile(kept + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var m made
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// prepare makes the books in a folder of its own, and keeps them.
func prepare(t testing.TB, kept string) {
	t.Helper()
	folder, err := os.MkdirTemp("", "sheaf-tryton-*")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(folder)
	conf := configure(t, folder, "127.0.0.1:0")
	file := filepath.Join(folder, "data", database+".sqlite")
	script, pass := filepath.Join(folder, "prepare.py"), filepath.Join(folder, "pass")
	for name, content := range map[string][]byte{file: nil, script: preparation, pass: []byte(password)} {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, name, content)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	admin := exec.CommandContext(ctx, "trytond-admin", "-c", conf, "-d", database, "--all", "--email", "admin@vendor.example")
	admin.Env = append(os.Environ(), "TRYTONPASSFILE="+pass)
	if said, err := admin.CombinedOutput(); err != nil {
		t.Fatalf("trytond-admin: %v\n%s", err, said)
	}
	copyFile(t, file, kept+"-bare.sqlite")
	said, err := exec.CommandContext(ctx, python, "-W", "ignore", script, database, conf, password).Output()
	if err != nil {
		t.Fatalf("prepare the books: %v\n%s", err, errorOf(err))
	}
	copyFile(t, file, kept+".sqlite")
	write(t, kept+".json", said)
}

func errorOf(err error) []byte {
	if exit, is := err.(*exec.ExitError); is {
		return exit.Stderr
	}
	return nil
}

func copyFile(t testing.TB, from, to string) {
	t.Helper()
	source, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	target, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(target, source)
	if closed := target.Close(); err == nil {
		err = closed
	}
	if err != nil {
		t.Fatal(err)
	}
}
