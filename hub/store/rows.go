package store

import (
	"context"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"
)

// InsertAll inserts rows of a model in one statement; none is nothing. Conflict,
// when there is one, is what follows ON ("CONFLICT (id) DO NOTHING"). In a
// pipeline it waits to be sent.
func InsertAll[T any](ctx context.Context, db *DB, tx bun.IDB, rows []T, conflict string) error {
	if len(rows) == 0 {
		return nil
	}
	if p, piped := tx.(*pipeline); piped {
		return p.insert(ctx, db.Table(reflect.TypeFor[T]()), reflect.ValueOf(rows), conflict)
	}
	query := tx.NewInsert().Model(&rows).Returning("NULL")
	if conflict != "" {
		query = query.On(conflict)
	}
	_, err := query.Exec(ctx)
	return err
}

// Column is a column that UpdateRows sets, with its type word as migrations
// write it ("{{minor}}"); empty: text.
type Column struct{ Name, Type string }

// UpdateRows sets some columns of many rows, each to values of its own, in one
// statement. Each row is its id, then a value for every column: text, whole
// numbers, truth, times, or nil. The caller has locked the rows, or knows that
// nobody else changes them. In a pipeline it waits to be sent.
func (db *DB) UpdateRows(ctx context.Context, tx bun.IDB, table string, columns []Column, rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	if p, piped := tx.(*pipeline); piped {
		return p.update(table, columns, rows)
	}
	var values strings.Builder
	args := make([]any, 0, len(rows)*(len(columns)+1)+2)
	one := "(?" + strings.Repeat(", ?", len(columns)) + ")"
	for i, row := range rows {
		if i > 0 {
			values.WriteString(", ")
		}
		values.WriteString(one)
		args = append(args, row...)
	}
	names, sets := []string{"id"}, make([]string, len(columns))
	for i, column := range columns {
		names = append(names, column.Name)
		sets[i] = column.Name + " = CAST(new_rows." + column.Name + " AS " + db.typeName(column.Type) + ")"
	}
	query := "WITH new_rows (" + strings.Join(names, ", ") + ") AS (VALUES " + values.String() + ") UPDATE ? SET " + strings.Join(sets, ", ") +
		" FROM new_rows WHERE ?.id = CAST(new_rows.id AS " + db.typeName("{{uuid}}") + ")"
	args = append(args, bun.Ident(table), bun.Ident(table))
	if _, err := tx.NewRaw(query, args...).Exec(ctx); err != nil {
		return fmt.Errorf("update %s: %w", table, err)
	}
	return nil
}

func (db *DB) typeName(word string) string {
	if word == "" {
		return "TEXT"
	}
	return typeWords[db.Kind].Replace(word)
}

// In a pipeline a statement says the same for any number of rows, so that it is
// prepared once: each column is one array.

func (p *pipeline) update(table string, columns []Column, rows [][]any) error {
	all := append([]Column{{Name: "id", Type: "{{uuid}}"}}, columns...)
	names, sets, arrays, args := make([]string, len(all)), make([]string, len(columns)), make([]string, len(all)), make([]any, len(all))
	for i, column := range all {
		kind := "text"
		if column.Type != "" {
			kind = typeWords[Postgres].Replace(column.Type)
		}
		list := newArray(kind)
		for _, row := range rows {
			if err := list.add(row[i]); err != nil {
				return fmt.Errorf("update %s: %s: %w", table, column.Name, err)
			}
		}
		names[i], arrays[i], args[i] = column.Name, list.placeholder(i+1), list.values()
		if i > 0 {
			sets[i-1] = column.Name + " = n." + column.Name
		}
	}
	p.queue("UPDATE "+table+" AS t SET "+strings.Join(sets, ", ")+" FROM unnest("+strings.Join(arrays, ", ")+") AS n ("+strings.Join(names, ", ")+
		") WHERE t.id = n.id", args...)
	return nil
}

func (p *pipeline) insert(ctx context.Context, table *schema.Table, rows reflect.Value, conflict string) error {
	types, err := p.columnTypes(ctx, table.Name)
	if err != nil {
		return err
	}
	names, arrays, args := make([]string, len(table.Fields)), make([]string, len(table.Fields)), make([]any, len(table.Fields))
	for i, field := range table.Fields {
		list := newArray(types[field.Name])
		for row := range rows.Len() {
			value, err := columnValue(field, rows.Index(row))
			if err == nil {
				err = list.add(value)
			}
			if err != nil {
				return fmt.Errorf("insert into %s: %s: %w", table.Name, field.Name, err)
			}
		}
		names[i], arrays[i], args[i] = field.Name, list.placeholder(i+1), list.values()
	}
	query := "INSERT INTO " + table.Name + " AS " + table.Alias + " (" + strings.Join(names, ", ") + ") SELECT * FROM unnest(" + strings.Join(arrays, ", ") + ")"
	if conflict != "" {
		query += " ON " + conflict
	}
	p.queue(query, args...)
	return nil
}

// columnValue is what a field holds: text, a whole number, truth, a time, or nil.
func columnValue(field *schema.Field, row reflect.Value) (any, error) {
	value := field.Value(row)
	if field.NullZero && value.IsZero() {
		return nil, nil
	}
	switch value.Kind() {
	case reflect.String:
		return value.String(), nil
	case reflect.Bool:
		return value.Bool(), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return value.Int(), nil
	}
	if at, is := value.Interface().(time.Time); is {
		return at, nil
	}
	return nil, fmt.Errorf("a %s cannot be sent in a pipeline", value.Type())
}

// array gathers the values of one column of a PostgreSQL type.
type array struct {
	kind  string
	texts []*string
	whole []*int64
	truth []*bool
	times []*time.Time
}

func newArray(kind string) *array { return &array{kind: kind} }

func (a *array) add(value any) error {
	switch a.kind {
	case "bigint", "integer":
		if number, is := value.(int); is {
			value = int64(number)
		}
		return addTo(&a.whole, value, a.kind)
	case "boolean":
		return addTo(&a.truth, value, a.kind)
	case "timestamptz", "timestamp with time zone":
		return addTo(&a.times, value, a.kind)
	case "":
		return fmt.Errorf("there is no such column")
	}
	return addTo(&a.texts, value, a.kind)
}

func addTo[T any](list *[]*T, value any, kind string) error {
	if value == nil {
		*list = append(*list, nil)
		return nil
	}
	typed, is := value.(T)
	if !is {
		return fmt.Errorf("a %T for a column of type %s", value, kind)
	}
	*list = append(*list, &typed)
	return nil
}

// placeholder is the array in a statement. What is not text goes as text, and
// PostgreSQL reads it as it reads a literal.
func (a *array) placeholder(n int) string {
	mark := "$" + strconv.Itoa(n)
	switch a.kind {
	case "bigint", "integer":
		return mark + "::bigint[]"
	case "boolean":
		return mark + "::boolean[]"
	case "timestamptz", "timestamp with time zone":
		return mark + "::timestamptz[]"
	case "text":
		return mark + "::text[]"
	}
	return mark + "::text[]::" + a.kind + "[]"
}

func (a *array) values() any {
	switch {
	case a.whole != nil:
		return a.whole
	case a.truth != nil:
		return a.truth
	case a.times != nil:
		return a.times
	}
	return a.texts
}

// columnTypes remembers the types of the columns of tables that were written to.
type columnTypes struct {
	mu     sync.Mutex
	tables map[string]map[string]string
}

// columnTypes asks the database once for each table.
func (p *pipeline) columnTypes(ctx context.Context, table string) (map[string]string, error) {
	p.types.mu.Lock()
	known := p.types.tables[table]
	p.types.mu.Unlock()
	if known != nil {
		return known, nil
	}
	known = map[string]string{}
	p.ask(func(rows pgx.Rows) error {
		var name, kind string
		_, err := pgx.ForEachRow(rows, []any{&name, &kind}, func() error {
			known[name] = kind
			return nil
		})
		return err
	}, "SELECT attname::text, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = to_regclass($1::text) AND attnum > 0 AND NOT attisdropped", table)
	if err := p.send(ctx); err != nil {
		return nil, fmt.Errorf("read the columns of %s: %w", table, err)
	}
	p.types.mu.Lock()
	defer p.types.mu.Unlock()
	if p.types.tables == nil {
		p.types.tables = map[string]map[string]string{}
	}
	p.types.tables[table] = known
	return known, nil
}
