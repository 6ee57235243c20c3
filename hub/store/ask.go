package store

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"
)

// Question is one of several that Ask asks at once.
type Question struct {
	rows  any // pointer to a slice of models
	query string
	ids   []string
}

// ByIDs asks for rows of a model by a list of ids, which stands in the query as
// "IN (?)", any number of times; with "FOR UPDATE" at its end they are locked (on
// SQLite the whole database is locked already). A star at the beginning ("SELECT *",
// "SELECT s.*") stands for the model's own columns: those that a later release has
// added are left out. Rows are added to the slice.
func ByIDs[T any](rows *[]T, query string, ids []string) Question {
	return Question{rows: rows, query: query, ids: ids}
}

// Ask asks questions in their order; in a pipeline on PostgreSQL in one message.
// A question for no ids is not asked.
func (db *DB) Ask(ctx context.Context, tx bun.IDB, questions ...Question) error {
	p, piped := tx.(*pipeline)
	for _, question := range questions {
		if len(question.ids) == 0 {
			continue
		}
		if !piped {
			if err := db.askOne(ctx, tx, question); err != nil {
				return err
			}
			continue
		}
		table := db.Table(reflect.TypeOf(question.rows).Elem().Elem())
		question.query = named(question.query, table)
		p.ask(func(rows pgx.Rows) error { return scanRows(rows, table, reflect.ValueOf(question.rows).Elem()) },
			strings.ReplaceAll(question.query, "IN (?)", "= ANY ($1::text[]::uuid[])"), question.ids)
	}
	if piped {
		return p.send(ctx)
	}
	return nil
}

func (db *DB) askOne(ctx context.Context, tx bun.IDB, question Question) error {
	query := named(question.query, db.Table(reflect.TypeOf(question.rows).Elem().Elem()))
	if db.Kind == SQLite {
		query = strings.TrimSuffix(query, " FOR UPDATE")
	}
	args := make([]any, strings.Count(query, "IN (?)"))
	for i := range args {
		args[i] = bun.List(question.ids)
	}
	return tx.NewRaw(query, args...).Scan(ctx, question.rows)
}

// named puts the model's columns in the place of the star.
func named(query string, table *schema.Table) string {
	before, after, found := strings.Cut(query, "*")
	prefix, selects := strings.CutPrefix(before, "SELECT ")
	if !found || !selects || strings.ContainsAny(prefix, " (") {
		return query
	}
	var columns strings.Builder
	for i, field := range table.Fields {
		if i > 0 {
			columns.WriteString(", ")
		}
		columns.WriteString(prefix + field.Name)
	}
	return "SELECT " + columns.String() + after
}

// scanRows adds rows to a slice of models, by the names of their columns.
func scanRows(rows pgx.Rows, table *schema.Table, into reflect.Value) error {
	described := rows.FieldDescriptions()
	fields := make([]*schema.Field, len(described))
	for i, column := range described {
		if fields[i] = table.LookupField(column.Name); fields[i] == nil {
			return fmt.Errorf("%s has no field for the column %s", table.TypeName, column.Name)
		}
	}
	for rows.Next() {
		row := reflect.New(table.Type).Elem()
		for i, raw := range rows.RawValues() {
			value, err := driverValue(described[i], raw)
			if err == nil {
				err = fields[i].ScanValue(row, value)
			}
			if err != nil {
				return fmt.Errorf("read %s: %w", described[i].Name, err)
			}
		}
		into.Set(reflect.Append(into, row))
	}
	return rows.Err()
}

// epoch is where PostgreSQL begins to count.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

var errWireForm = errors.New("an answer of PostgreSQL in a form that is not known here")

// driverValue gives what a driver of database/sql would, for the types that our
// tables have: PostgreSQL's binary form is documented with each type's send
// function (COPY's binary format uses the same).
func driverValue(column pgconn.FieldDescription, raw []byte) (any, error) {
	if raw == nil {
		return nil, nil
	}
	oid := column.DataTypeOID
	if column.Format == pgtype.TextFormatCode || oid == pgtype.TextOID || oid == pgtype.VarcharOID || oid == pgtype.JSONOID {
		return string(raw), nil
	}
	switch {
	case oid == pgtype.UUIDOID && len(raw) == 16:
		text := make([]byte, 36)
		hex.Encode(text, raw[:4])
		hex.Encode(text[9:], raw[4:6])
		hex.Encode(text[14:], raw[6:8])
		hex.Encode(text[19:], raw[8:10])
		hex.Encode(text[24:], raw[10:])
		text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
		return string(text), nil
	case oid == pgtype.Int8OID && len(raw) == 8:
		return int64(binary.BigEndian.Uint64(raw)), nil
	case oid == pgtype.Int4OID && len(raw) == 4:
		return int64(int32(binary.BigEndian.Uint32(raw))), nil
	case oid == pgtype.BoolOID && len(raw) == 1:
		return raw[0] == 1, nil
	case oid == pgtype.TimestamptzOID && len(raw) == 8:
		return epoch.Add(time.Duration(int64(binary.BigEndian.Uint64(raw))) * time.Microsecond), nil
	case oid == pgtype.DateOID && len(raw) == 4:
		return epoch.AddDate(0, 0, int(int32(binary.BigEndian.Uint32(raw)))).Format(time.DateOnly), nil
	case oid == pgtype.JSONBOID && len(raw) > 0 && raw[0] == 1:
		return string(raw[1:]), nil
	}
	return nil, fmt.Errorf("%w: type %d, %d bytes", errWireForm, oid, len(raw))
}
