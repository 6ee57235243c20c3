// Package migrations carries the numbered SQL files. Each runs once, in order,
// in a transaction; NNNN_name.sql on both databases, NNNN_name.postgres.sql and
// NNNN_name.sqlite.sql on one of them alone. The words in double braces are
// expanded by store.Migrate.
package migrations

import "embed"

// Files are the migrations, named as above.
//
//go:embed *.sql
var Files embed.FS
