// Package trytontest starts a real Tryton server for tests, with books of its own.
package trytontest

import (
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
	"syscall"
	"testing"
	"time"
)

//go:embed prepare.py
var preparation []byte

// Server is a Tryton server with one database. Its company keeps its books in US
// dollars; invoices may be in euros (two to the dollar), yen (a hundred) and dinars
// (half of one) too.
type Server struct {
	URL           string
	Database      string
	User          string
	Password      string
	PaymentMethod string // "Sheaf"; "Sheaf clearing" and "Discounts given" are there too

	made  made
	rpc   *caller
	proxy *proxy
}

// made is what the preparation made, by Tryton's ids.
type made struct {
	Company    int64            `json:"company"`
	Receivable int64            `json:"receivable"`
	Revenue    int64            `json:"revenue"`
	Term       int64            `json:"term"`
	Currencies map[string]int64 `json:"currencies"`
}

const (
	database  = "books"
	password  = "only-for-tests"
	patience  = 3 * time.Minute // of the preparation, on a slow machine
	toStart   = time.Minute
	cacheName = "sheaf-tryton-"
)

// Start runs a server until the test ends. Preparing its books takes half a minute;
// they are kept in the user's cache for the next test. Without Tryton the test fails,
// or is left out where only the embedded half is tested.
func Start(t testing.TB) *Server {
	t.Helper()
	for _, program := range []string{"trytond", "trytond-admin", "/usr/bin/python3"} {
		if _, err := exec.LookPath(program); err != nil {
			if testing.Short() || os.Getenv("SHEAF_TEST_SHORT") != "" {
				t.Skip("needs a Tryton server")
			}
			t.Fatalf("%s is missing: run .ci/install (Debian: tryton-server tryton-modules-account-invoice tryton-proteus)", program)
		}
	}
	folder := t.TempDir()
	s := &Server{Database: database, User: "admin", Password: password, PaymentMethod: "Sheaf"}
	s.made = prepared(t, folder)
	address := freeAddress(t)
	conf := configure(t, folder, address)
	command := exec.Command("trytond", "-c", conf)
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
	s.rpc = &caller{url: "http://" + address + "/" + database + "/", user: s.User, password: s.Password, client: &http.Client{Timeout: toStart}}
	s.await(t, filepath.Join(folder, "log"))
	s.proxy = startProxy(t, "http://"+address)
	s.URL = s.proxy.URL
	return s
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
	conf := filepath.Join(folder, "trytond.conf")
	text := fmt.Sprintf("[database]\nuri = sqlite://\npath = %s\n[web]\nlisten = %s\n[session]\ntimeout = 86400\n", filepath.Join(folder, "data"), address)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
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
	sum := sha256.Sum256(append(append(preparation, version...), year...))
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
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	admin := exec.CommandContext(ctx, "trytond-admin", "-c", conf, "-d", database, "--all", "--email", "admin@vendor.example")
	admin.Env = append(os.Environ(), "TRYTONPASSFILE="+pass)
	if said, err := admin.CombinedOutput(); err != nil {
		t.Fatalf("trytond-admin: %v\n%s", err, said)
	}
	// Debian's modules of Tryton are its own Python's
	said, err := exec.CommandContext(ctx, "/usr/bin/python3", "-W", "ignore", script, database, conf).Output()
	if err != nil {
		t.Fatalf("prepare the books: %v\n%s", err, errorOf(err))
	}
	copyFile(t, file, kept+".sqlite")
	if err := os.WriteFile(kept+".json", said, 0o600); err != nil {
		t.Fatal(err)
	}
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
