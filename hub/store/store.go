// Package store opens the database of either size (SQLite or PostgreSQL), runs
// transactions and migrations, and turns a broken constraint into a typed error.
// It knows no table of any room.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	"github.com/uptrace/bun/driver/pgdriver"
	_ "modernc.org/sqlite" // registers the driver "sqlite"
)

// Dialect is the kind of database behind a DB.
type Dialect string

// The two sizes.
const (
	SQLite   Dialect = "sqlite"
	Postgres Dialect = "postgres"
)

// FileName is the database's name in the data folder of the embedded default.
const FileName = "sheaf.db"

// DB is an open database.
type DB struct {
	*bun.DB
	Kind    Dialect
	indexes map[string]string // SQLite: "invoices.vendor_id, invoices.external_id" → the index's name

	pipelines *bun.DB // PostgreSQL: the connections of InPipeline
	columns   columnTypes
}

// Close closes every connection.
func (db *DB) Close() error {
	if db.pipelines == nil {
		return db.DB.Close()
	}
	return errors.Join(db.pipelines.Close(), db.DB.Close())
}

// Config says which database to open.
type Config struct {
	URL      string // postgres://…; empty: SQLite in Folder
	Folder   string // made when it is missing
	MaxConns int    // 0: 25 on PostgreSQL, 8 on SQLite
}

// Open connects and pings within ctx. It does not migrate.
func Open(ctx context.Context, config Config) (*DB, error) {
	var db *DB
	var err error
	if config.URL == "" {
		db, err = openSQLite(config)
	} else {
		db, err = openPostgres(config)
	}
	if err != nil {
		return nil, err
	}
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("reach the database: %w", err), db.Close())
	}
	return db, nil
}

func openSQLite(config Config) (*DB, error) {
	if err := os.MkdirAll(config.Folder, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	// synchronous=FULL: an acknowledged commit survives a power cut.
	pragmas := url.Values{
		"_txlock": {"immediate"},
		"_pragma": {"busy_timeout(15000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(ON)", "temp_store(MEMORY)", "cache_size(-32000)"},
	}
	file := url.URL{Scheme: "file", Opaque: filepath.ToSlash(filepath.Join(config.Folder, FileName)), RawQuery: pragmas.Encode()}
	sqldb, err := sql.Open("sqlite", file.String())
	if err != nil {
		return nil, fmt.Errorf("open SQLite: %w", err)
	}
	sqldb.SetMaxOpenConns(orDefault(config.MaxConns, 8))
	return &DB{DB: bun.NewDB(sqldb, sqlitedialect.New()), Kind: SQLite}, nil
}

func openPostgres(config Config) (*DB, error) {
	parsed, err := url.Parse(config.URL)
	if err != nil || (parsed.Scheme != "postgres" && parsed.Scheme != "postgresql") {
		return nil, errors.New("SHEAF_DATABASE_URL is not of the form postgres://user:password@host:port/name")
	}
	connector := pgdriver.NewConnector(
		pgdriver.WithDSN(config.URL),
		pgdriver.WithDialTimeout(5*time.Second),
		pgdriver.WithReadTimeout(60*time.Second),
		pgdriver.WithWriteTimeout(30*time.Second),
		pgdriver.WithApplicationName("sheaf"),
	)
	pipelines, err := openPipelines(config.URL)
	if err != nil {
		return nil, err
	}
	sqldb := sql.OpenDB(connector)
	sqldb.SetMaxOpenConns(orDefault(config.MaxConns, 25))
	sqldb.SetMaxIdleConns(orDefault(config.MaxConns, 25))
	sqldb.SetConnMaxIdleTime(5 * time.Minute)
	return &DB{DB: bun.NewDB(sqldb, pgdialect.New()), Kind: Postgres, pipelines: pipelines}, nil
}

func orDefault(value, fallback int) int {
	if value == 0 {
		return fallback
	}
	return value
}

// NewID is a fresh identifier: a UUID of version 7 in canonical form, so that
// rows sort by when they were made.
func NewID() string {
	id, err := uuid.NewV7()
	if err != nil { // the machine has no randomness: nothing may go on
		panic(fmt.Sprintf("no randomness: %v", err))
	}
	return id.String()
}

// ValidID says whether text from outside is an identifier in canonical form.
func ValidID(text string) bool {
	id, err := uuid.Parse(text)
	return err == nil && id.String() == text
}

// InTx runs work in one transaction: committed when work returns nil, rolled
// back otherwise. A deadlock or serialization failure is tried again, at most
// five times, so work must have no effect outside its transaction.
func (db *DB) InTx(ctx context.Context, work func(ctx context.Context, tx bun.Tx) error) error {
	return db.again(ctx, func() error { return db.RunInTx(ctx, nil, work) })
}

// again runs a transaction until it ends otherwise than by a deadlock or a
// serialization failure.
func (db *DB) again(ctx context.Context, transaction func() error) error {
	const most = 5
	for attempt := 1; ; attempt++ {
		err := transaction()
		if err == nil || attempt == most || !transient(err) || ctx.Err() != nil {
			return db.typed(err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(attempt*attempt) * 5 * time.Millisecond):
		}
	}
}

// AsVendor runs reads in a transaction that, on PostgreSQL, can see no row of
// another vendor whatever the query says (row-level security).
func (db *DB) AsVendor(ctx context.Context, vendorID string, read func(ctx context.Context, tx bun.Tx) error) error {
	if !ValidID(vendorID) {
		return fmt.Errorf("not a vendor's id: %q", vendorID)
	}
	return db.RunInTx(ctx, &sql.TxOptions{ReadOnly: db.Kind == Postgres}, func(ctx context.Context, tx bun.Tx) error {
		if db.Kind == Postgres {
			// one round trip; the id was checked above
			if _, err := tx.ExecContext(ctx, "SET LOCAL sheaf.vendor_id = '"+vendorID+"'; SET LOCAL ROLE sheaf_vendor"); err != nil {
				return fmt.Errorf("enter the vendor's scope: %w", err)
			}
		}
		return read(ctx, tx)
	})
}

// ForUpdate locks the selected rows until the transaction ends. On SQLite the
// whole database is locked already (_txlock=immediate).
func (db *DB) ForUpdate(query *bun.SelectQuery) *bun.SelectQuery {
	if db.Kind == Postgres {
		return query.For("UPDATE")
	}
	return query
}

// SkipLocked is ForUpdate that passes over what another worker holds.
func (db *DB) SkipLocked(query *bun.SelectQuery) *bun.SelectQuery {
	if db.Kind == Postgres {
		return query.For("UPDATE SKIP LOCKED")
	}
	return query
}

func transient(err error) bool {
	var pg pgdriver.Error
	if errors.As(err, &pg) {
		code := pg.Field('C')
		return code == "40001" || code == "40P01"
	}
	var piped *pgconn.PgError
	if errors.As(err, &piped) {
		return piped.Code == "40001" || piped.Code == "40P01"
	}
	return strings.Contains(err.Error(), "SQLITE_BUSY")
}
