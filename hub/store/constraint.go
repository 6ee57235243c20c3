package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/uptrace/bun/driver/pgdriver"
)

// ConstraintError says which constraint a statement broke, by the name that
// the migrations give it, the same on both databases.
type ConstraintError struct {
	Name  string
	Cause error
}

func (e *ConstraintError) Error() string { return fmt.Sprintf("constraint %s: %v", e.Name, e.Cause) }

// Unwrap gives the driver's error.
func (e *ConstraintError) Unwrap() error { return e.Cause }

// Violates says whether err comes from the constraint of that name.
func Violates(err error, name string) bool {
	var constraint *ConstraintError
	return errors.As(err, &constraint) && constraint.Name == name
}

// Typed turns a driver's constraint error into a *ConstraintError and leaves
// every other error as it is. InTx does it for what its work returns.
func (db *DB) Typed(err error) error { return db.typed(err) }

func (db *DB) typed(err error) error {
	if err == nil {
		return nil
	}
	var already *ConstraintError
	if errors.As(err, &already) {
		return err
	}
	var pg pgdriver.Error
	if errors.As(err, &pg) {
		if pg.IntegrityViolation() {
			return &ConstraintError{Name: pg.Field('n'), Cause: err}
		}
		return err
	}
	var piped *pgconn.PgError
	if errors.As(err, &piped) {
		if strings.HasPrefix(piped.Code, "23") { // integrity_constraint_violation
			return &ConstraintError{Name: piped.ConstraintName, Cause: err}
		}
		return err
	}
	return db.typedSQLite(err)
}

// typedSQLite reads SQLite's words: it names the columns of a unique index and
// the name of a CHECK, so the columns are looked up among the indexes.
func (db *DB) typedSQLite(err error) error {
	_, rest, found := strings.Cut(err.Error(), "constraint failed: ")
	if !found {
		return err
	}
	rest, _, _ = strings.Cut(rest, " (")
	for _, kind := range []string{"UNIQUE constraint failed: ", "CHECK constraint failed: "} {
		rest = strings.TrimPrefix(rest, kind)
	}
	rest = strings.TrimPrefix(rest, "index '")
	rest = strings.TrimSuffix(rest, "'")
	if name, known := db.indexes[rest]; known {
		return &ConstraintError{Name: name, Cause: err}
	}
	return &ConstraintError{Name: rest, Cause: err}
}

// learnIndexes reads the unique indexes of SQLite, for typedSQLite.
func (db *DB) learnIndexes(ctx context.Context) error {
	if db.Kind != SQLite {
		return nil
	}
	var rows []struct {
		Table  string `bun:"tbl"`
		Name   string `bun:"name"`
		Column string `bun:"col"`
	}
	err := db.NewRaw(`SELECT m.name AS tbl, l.name AS name, i.name AS col
		FROM sqlite_master m, pragma_index_list(m.name) l, pragma_index_info(l.name) i
		WHERE m.type = 'table' AND l."unique" = 1 ORDER BY m.name, l.name, i.seqno`).Scan(ctx, &rows)
	if err != nil {
		return fmt.Errorf("read the indexes: %w", err)
	}
	columns := map[string][]string{}
	for _, row := range rows {
		columns[row.Name] = append(columns[row.Name], row.Table+"."+row.Column)
	}
	db.indexes = make(map[string]string, len(columns))
	for name, list := range columns {
		key := strings.Join(list, ", ")
		if !strings.HasPrefix(name, "sqlite_autoindex") || db.indexes[key] == "" {
			db.indexes[key] = name
		}
	}
	return nil
}
