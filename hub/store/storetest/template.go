package storetest

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun/driver/pgdriver"

	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/migrations"
)

// Migrating is most of what a small test would cost, so it is done once: on
// SQLite once in each test binary, whose tests get copies of the file; on
// PostgreSQL once per server and set of migrations, whose tests get databases
// made from that template. Tests of the migrations themselves begin with
// NewPostgres or an empty folder.
var migratedSQLite = sync.OnceValues(func() ([]byte, error) {
	folder, err := os.MkdirTemp("", "sheaf-migrated")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	// The last connection to close writes all of the log into the file.
	if err := migrated(store.Config{Folder: folder, MaxConns: 1}); err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(folder, store.FileName))
})

func migratedFile(t testing.TB) []byte {
	t.Helper()
	file, err := migratedSQLite()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// migratedPostgres is what CREATE DATABASE is told after TEMPLATE.
var migratedPostgres = sync.OnceValues(func() (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	server := sql.OpenDB(pgdriver.NewConnector(pgdriver.WithDSN(os.Getenv(PostgresURL))))
	defer func() { _ = server.Close() }()
	name, err := templateName()
	if err != nil {
		return "", err
	}
	if err := makeTemplate(ctx, server, name); err != nil {
		return "", err
	}
	var version int
	if err := server.QueryRowContext(ctx, "SELECT current_setting('server_version_num')::int").Scan(&version); err != nil {
		return "", err
	}
	if version >= 150000 { // four times as quick as writing it into the log, where nothing is synced
		name += " STRATEGY FILE_COPY"
	}
	return name, nil
})

func migratedTemplate(t testing.TB) string {
	t.Helper()
	if os.Getenv(PostgresURL) == "" {
		t.Fatalf("%s is not set: run make test, or make test-short for the embedded half", PostgresURL)
	}
	name, err := migratedPostgres()
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// makeTemplate makes the template unless another test binary has. A half-made
// one bears another name, so it is never taken for whole.
func makeTemplate(ctx context.Context, server *sql.DB, name string) error {
	conn, err := server.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // and the lock with it
	const templateLock = 7_433_285_002
	if _, err := conn.ExecContext(ctx, fmt.Sprintf("SELECT pg_advisory_lock(%d)", templateLock)); err != nil {
		return err
	}
	var there bool
	if err := conn.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = '"+name+"')").Scan(&there); err != nil || there {
		return err
	}
	half := name + "_half"
	for _, statement := range []string{"DROP DATABASE IF EXISTS " + half, "CREATE DATABASE " + half} {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	address, err := onServer(os.Getenv(PostgresURL), half)
	if err != nil {
		return err
	}
	if err := migrated(store.Config{URL: address, MaxConns: 1}); err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, "ALTER DATABASE "+half+" RENAME TO "+name)
	return err
}

// templateName changes with the migrations.
func templateName() (string, error) {
	hash := sha256.New()
	names, err := fs.Glob(migrations.Files, "*.sql")
	if err != nil {
		return "", err
	}
	for _, name := range names {
		text, err := fs.ReadFile(migrations.Files, name)
		if err != nil {
			return "", err
		}
		_, _ = fmt.Fprintf(hash, "%s %d ", name, len(text))
		_, _ = hash.Write(text)
	}
	return fmt.Sprintf("sheaf_migrated_%x", hash.Sum(nil)[:8]), nil
}

func migrated(config store.Config) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	db, err := store.Open(ctx, config)
	if err != nil {
		return err
	}
	_, err = db.Migrate(ctx, migrations.Files, time.Now().UTC())
	return errors.Join(err, db.Close())
}
