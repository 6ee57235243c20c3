package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"
)

// InPipeline is InTx for a hot path of many statements. On PostgreSQL a statement
// that only writes is not sent when it is run: it waits, and goes out in front of
// the next one that reads, or with the COMMIT, in one message. So a change costs
// as many round trips as it has reads, and one more. Work sees three differences:
// an error of a write may come from a later statement, nobody knows how many
// rows a write changed (RETURNING does), and there are no transactions inside.
//
// Measured on two busy cores with cmd/sheaf/settlebench: each round trip is two
// processes that wait for their turn, so settling took about as long as its
// round trips, 24 of them for a group of payments of whatever size.
func (db *DB) InPipeline(ctx context.Context, work func(ctx context.Context, tx bun.IDB) error) error {
	if db.Kind != Postgres { // in this process: there is nothing to save
		return db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error { return work(ctx, tx) })
	}
	return db.again(ctx, func() error { return db.pipeline(ctx, work) })
}

func (db *DB) pipeline(ctx context.Context, work func(ctx context.Context, tx bun.IDB) error) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	p := &pipeline{Conn: conn, waiting: []string{"BEGIN"}}
	done := false
	defer func() { // also when work panics
		if !done {
			p.abandon(ctx)
		}
		_ = conn.Close() // gives it back
	}()
	if err := work(ctx, p); err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, p.with("COMMIT")); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	done = true
	return nil
}

// pipeline is a connection in a transaction, with what waits to be sent.
type pipeline struct {
	bun.Conn
	waiting []string
}

var _ bun.IDB = (*pipeline)(nil)

// with takes what waits, with one statement behind it.
func (p *pipeline) with(query string) string {
	all := strings.Join(append(p.waiting, query), ";\n")
	p.waiting = nil
	return all
}

// abandon rolls back. A connection on which even that fails is thrown away, so
// that nobody gets it in the middle of a transaction.
func (p *pipeline) abandon(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if _, err := p.Conn.ExecContext(ctx, "ROLLBACK"); err != nil {
		_ = p.Raw(func(any) error { return driver.ErrBadConn })
	}
}

// ExecContext keeps a write until something is read.
func (p *pipeline) ExecContext(_ context.Context, query string, args ...any) (sql.Result, error) {
	if len(args) > 0 { // bun writes them into the statement itself
		return nil, errors.New("a statement with arguments cannot wait")
	}
	p.waiting = append(p.waiting, strings.Clone(query))
	return waits{}, nil
}

// QueryContext sends what waits and the query.
func (p *pipeline) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return p.Conn.QueryContext(ctx, p.with(query), args...)
}

// QueryRowContext sends what waits and the query.
func (p *pipeline) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	return p.Conn.QueryRowContext(ctx, p.with(query), args...)
}

// Queries of bun run where they are told to: here.

func (p *pipeline) NewSelect() *bun.SelectQuery             { return p.Conn.NewSelect().Conn(p) }
func (p *pipeline) NewInsert() *bun.InsertQuery             { return p.Conn.NewInsert().Conn(p) }
func (p *pipeline) NewUpdate() *bun.UpdateQuery             { return p.Conn.NewUpdate().Conn(p) }
func (p *pipeline) NewDelete() *bun.DeleteQuery             { return p.Conn.NewDelete().Conn(p) }
func (p *pipeline) NewRaw(q string, a ...any) *bun.RawQuery { return p.Conn.NewRaw(q, a...).Conn(p) }

// BeginTx is refused: a transaction inside would begin before what waits.
func (p *pipeline) BeginTx(context.Context, *sql.TxOptions) (bun.Tx, error) {
	return bun.Tx{}, errors.New("a pipeline has no transactions inside")
}

// RunInTx is refused likewise.
func (p *pipeline) RunInTx(context.Context, *sql.TxOptions, func(context.Context, bun.Tx) error) error {
	return errors.New("a pipeline has no transactions inside")
}

// waits is the result of a write that was not sent yet.
type waits struct{}

var errWaits = errors.New("this write waits in a pipeline: let it return what it changed")

func (waits) LastInsertId() (int64, error) { return 0, errWaits }
func (waits) RowsAffected() (int64, error) { return 0, errWaits }
