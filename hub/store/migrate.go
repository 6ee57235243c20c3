package store

import (
	"context"
	"fmt"
	"io/fs"
	"sort"
	"strings"
	"time"

	"github.com/uptrace/bun"
)

// Migration is one numbered file and when it ran.
type Migration struct {
	Name      string    `bun:"name,pk"`
	AppliedAt time.Time `bun:"applied_at"` // zero: not yet
}

// advisoryLock is the key under which one process at a time migrates a PostgreSQL database.
const advisoryLock = 7_433_285_001

var typeWords = map[Dialect]*strings.Replacer{
	SQLite: strings.NewReplacer("{{uuid}}", "TEXT", "{{minor}}", "INTEGER", "{{int}}", "INTEGER", "{{time}}", "TEXT",
		"{{date}}", "TEXT", "{{bool}}", "INTEGER", "{{false}}", "0", "{{json}}", "TEXT", "{{blob}}", "BLOB", "{{strict}}", "STRICT"),
	Postgres: strings.NewReplacer("{{uuid}}", "uuid", "{{minor}}", "bigint", "{{int}}", "integer", "{{time}}", "timestamptz",
		"{{date}}", "date", "{{bool}}", "boolean", "{{false}}", "FALSE", "{{json}}", "jsonb", "{{blob}}", "bytea", "{{strict}}", ""),
}

// Migrate runs every migration that has not run, each in a transaction together
// with its mark, and returns the names of those it ran. Two processes may call
// it at once.
func (db *DB) Migrate(ctx context.Context, files fs.FS, now time.Time) ([]string, error) {
	names, err := db.migrationNames(files)
	if err != nil {
		return nil, err
	}
	if err := db.makeMarks(ctx); err != nil {
		return nil, err
	}
	var ran []string
	for _, name := range names {
		did, err := db.migrateOne(ctx, files, name, now)
		if err != nil {
			return ran, fmt.Errorf("migration %s: %w", name, err)
		}
		if did {
			ran = append(ran, name)
		}
	}
	return ran, db.learnIndexes(ctx)
}

func (db *DB) makeMarks(ctx context.Context) error {
	return db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		if err := db.lockMigrations(ctx, tx); err != nil {
			return err
		}
		ddl := typeWords[db.Kind].Replace(`CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY, applied_at {{time}} NOT NULL) {{strict}}`)
		_, err := tx.ExecContext(ctx, ddl)
		return err
	})
}

func (db *DB) lockMigrations(ctx context.Context, tx bun.Tx) error {
	if db.Kind != Postgres {
		return nil
	}
	_, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock(?)", int64(advisoryLock))
	return err
}

func (db *DB) migrateOne(ctx context.Context, files fs.FS, name string, now time.Time) (bool, error) {
	text, err := fs.ReadFile(files, name+".sql")
	if err != nil {
		return false, err
	}
	did := false
	err = db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		if err := db.lockMigrations(ctx, tx); err != nil {
			return err
		}
		exists, err := tx.NewSelect().Model((*Migration)(nil)).Where("name = ?", name).Exists(ctx)
		if err != nil || exists {
			return err
		}
		// straight to the driver: bun would take a question mark for an argument
		if _, err := tx.Tx.ExecContext(ctx, typeWords[db.Kind].Replace(string(text))); err != nil {
			return err
		}
		did = true
		_, err = tx.NewInsert().Model(&Migration{Name: name, AppliedAt: now.UTC()}).Exec(ctx)
		return err
	})
	return did, err
}

// Migrations lists all that this binary carries for its database, with when each ran.
func (db *DB) Migrations(ctx context.Context, files fs.FS) ([]Migration, error) {
	names, err := db.migrationNames(files)
	if err != nil {
		return nil, err
	}
	if err := db.makeMarks(ctx); err != nil {
		return nil, err
	}
	var applied []Migration
	if err := db.NewSelect().Model(&applied).Scan(ctx); err != nil {
		return nil, err
	}
	when := map[string]time.Time{}
	for _, mark := range applied {
		when[mark.Name] = mark.AppliedAt
	}
	list := make([]Migration, 0, len(names))
	for _, name := range names {
		list = append(list, Migration{Name: name, AppliedAt: when[name]})
	}
	return list, nil
}

func (db *DB) migrationNames(files fs.FS) ([]string, error) {
	entries, err := fs.Glob(files, "*.sql")
	if err != nil {
		return nil, err
	}
	other := "." + string(Postgres) + ".sql"
	if db.Kind == Postgres {
		other = "." + string(SQLite) + ".sql"
	}
	var names []string
	for _, entry := range entries {
		if !strings.HasSuffix(entry, other) {
			names = append(names, strings.TrimSuffix(entry, ".sql"))
		}
	}
	sort.Strings(names)
	return names, nil
}
