// Package storetest gives a test a fresh, migrated database of each kind.
package storetest

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun/driver/pgdriver"

	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/migrations"
)

// PostgresURL names the server under test, set by .ci/with-servers.
const PostgresURL = "SHEAF_TEST_POSTGRES_URL"

// Each runs a test on SQLite and, unless -short, on PostgreSQL; each run has a
// fresh database. Without a server a full run fails: it never passes quietly.
func Each(t *testing.T, run func(t *testing.T, db *store.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { run(t, SQLite(t)) })
	if testing.Short() {
		return
	}
	t.Run("postgres", func(t *testing.T) { run(t, Postgres(t)) })
}

// SQLite is a fresh migrated SQLite database in the test's folder.
func SQLite(t testing.TB) *store.DB {
	t.Helper()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, store.FileName), migratedFile(t), 0o600); err != nil {
		t.Fatal(err)
	}
	return open(t, store.Config{Folder: folder})
}

// Postgres is a fresh migrated database on the server that PostgresURL names.
func Postgres(t testing.TB) *store.DB {
	t.Helper()
	return open(t, store.Config{URL: newPostgres(t, " TEMPLATE "+migratedTemplate(t)), MaxConns: 12})
}

// NewPostgres makes an empty database and returns its URL; it is dropped when the test ends.
func NewPostgres(t testing.TB) string {
	t.Helper()
	return newPostgres(t, "")
}

func newPostgres(t testing.TB, template string) string {
	t.Helper()
	server := os.Getenv(PostgresURL)
	if server == "" {
		t.Fatalf("%s is not set: run make test, or make test-short for the embedded half", PostgresURL)
	}
	name := "sheaf_" + strings.ReplaceAll(store.NewID(), "-", "")
	admin(t, server, "CREATE DATABASE "+name+template)
	t.Cleanup(func() { admin(t, server, fmt.Sprintf("DROP DATABASE IF EXISTS %s WITH (FORCE)", name)) })
	address, err := onServer(server, name)
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// onServer is the URL of one database on a server.
func onServer(server, name string) (string, error) {
	parsed, err := url.Parse(server)
	if err != nil {
		return "", err
	}
	parsed.Path = "/" + name
	return parsed.String(), nil
}

func admin(t testing.TB, server, statement string) {
	t.Helper()
	db := sql.OpenDB(pgdriver.NewConnector(pgdriver.WithDSN(server)))
	defer func() { _ = db.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if _, err := db.ExecContext(ctx, statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func open(t testing.TB, config store.Config) *store.DB {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	db, err := store.Open(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.Migrate(ctx, migrations.Files, time.Now().UTC()); err != nil {
		t.Fatal(err)
	}
	return db
}
