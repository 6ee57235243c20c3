package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/uptrace/bun"
)

// Column is a column that UpdateRows sets, with its type word as migrations
// write it ("{{minor}}"); empty: text.
type Column struct{ Name, Type string }

// UpdateRows sets some columns of many rows, each to values of its own, in one
// statement. Each row is its id, then a value for every column. The caller has
// locked the rows, or knows that nobody else changes them.
func (db *DB) UpdateRows(ctx context.Context, tx bun.IDB, table string, columns []Column, rows [][]any) error {
	if len(rows) == 0 {
		return nil
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
