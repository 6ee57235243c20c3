package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

// mostPipelines is how many pipelines one process runs at once on PostgreSQL:
// each is a change that many share.
const mostPipelines = 4

// openPipelines opens the few connections of InPipeline, by the driver that
// prepares statements and sends many in one message. What it prepares is always a
// look at a few rows by their keys, so that no plan needs to know how large a
// table is, and one plan is made for good.
func openPipelines(address string) (*bun.DB, error) {
	config, err := pgx.ParseConfig(address)
	if err != nil { // it may repeat the password
		return nil, errors.New("SHEAF_DATABASE_URL cannot be read")
	}
	config.ConnectTimeout = 5 * time.Second
	for name, value := range map[string]string{"application_name": "sheaf", "timezone": "UTC", "plan_cache_mode": "force_generic_plan", "enable_hashjoin": "off",
		"enable_mergejoin": "off", "enable_seqscan": "off", "jit": "off"} {
		config.RuntimeParams[name] = value
	}
	sqldb := stdlib.OpenDB(*config)
	sqldb.SetMaxOpenConns(mostPipelines)
	sqldb.SetMaxIdleConns(mostPipelines)
	sqldb.SetConnMaxIdleTime(5 * time.Minute)
	return bun.NewDB(sqldb, pgdialect.New()), nil
}

// InPipeline is InTx for a hot path. On PostgreSQL, what is written by InsertAll
// and UpdateRows waits there, and goes out in front of the next that is asked, or
// with the COMMIT, in one message of prepared statements; Ask sends all its
// questions in one. So a change costs as many round trips as it asks, and one
// more, and nothing is parsed or planned. Work sees two differences: an error of a
// write may come later than the write, and there are no transactions inside.
//
// Measured with cmd/sheaf/settlebench; see docs/performance.md.
func (db *DB) InPipeline(ctx context.Context, work func(ctx context.Context, tx bun.IDB) error) error {
	if db.Kind != Postgres { // in this process: there is nothing to save
		return db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error { return work(ctx, tx) })
	}
	return db.again(ctx, func() error { return db.pipeline(ctx, work) })
}

func (db *DB) pipeline(ctx context.Context, work func(ctx context.Context, tx bun.IDB) error) error {
	conn, err := db.pipelines.Conn(ctx)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	p := &pipeline{Conn: conn, types: &db.columns, batch: &pgx.Batch{}}
	p.queue("BEGIN")
	done := false
	defer func() { // also when work panics
		if !done {
			p.abandon(ctx)
		}
		_ = conn.Close() // gives it back
	}()
	if err := work(ctx, p); err != nil {
		return errors.Join(p.broken, err)
	}
	p.queue("COMMIT")
	if err := p.send(ctx); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	done = true
	return nil
}

// pipeline is a connection in a transaction, with what waits to be sent.
type pipeline struct {
	bun.Conn
	types *columnTypes
	batch *pgx.Batch
	// broken is why what waited could not be sent, where the driver's interface lets
	// nobody say so.
	broken error
	reads  []reading // what the answers to the batch are for, in its order; nil: nothing comes
}

var _ bun.IDB = (*pipeline)(nil)

// reading takes the rows of one answer.
type reading func(rows pgx.Rows) error

func (p *pipeline) queue(query string, args ...any) { p.ask(nil, query, args...) }

func (p *pipeline) ask(read reading, query string, args ...any) {
	p.batch.Queue(query, args...)
	p.reads = append(p.reads, read)
}

// send sends what waits, in one message, and takes the answers.
func (p *pipeline) send(ctx context.Context) error {
	batch, reads := p.batch, p.reads
	if batch.Len() == 0 {
		return nil
	}
	p.batch, p.reads = &pgx.Batch{}, nil
	return p.raw(func(conn *pgx.Conn) (err error) {
		answers := conn.SendBatch(ctx, batch)
		defer func() { err = errors.Join(err, answers.Close()) }()
		for _, read := range reads {
			if read == nil {
				if _, err := answers.Exec(); err != nil {
					return err
				}
				continue
			}
			rows, err := answers.Query()
			if err != nil {
				return err
			}
			err = read(rows)
			rows.Close()
			if err := errors.Join(err, rows.Err()); err != nil {
				return err
			}
		}
		return nil
	})
}

func (p *pipeline) raw(use func(conn *pgx.Conn) error) error {
	return p.Conn.Raw(func(conn any) error {
		driven, ok := conn.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("a pipeline on a %T", conn)
		}
		return use(driven.Conn())
	})
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

// What is run by itself goes behind what waits, in a message of its own.

// ExecContext runs a statement at once.
func (p *pipeline) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if err := p.send(ctx); err != nil {
		return nil, err
	}
	return p.Conn.ExecContext(ctx, query, args...)
}

// QueryContext asks at once.
func (p *pipeline) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if err := p.send(ctx); err != nil {
		return nil, err
	}
	return p.Conn.QueryContext(ctx, query, args...)
}

// QueryRowContext asks at once. When what waits fails, so does the question: the
// transaction is broken.
func (p *pipeline) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if p.broken = p.send(ctx); p.broken != nil {
		ended, cancel := context.WithCancel(ctx)
		cancel()
		return p.Conn.QueryRowContext(ended, query, args...)
	}
	return p.Conn.QueryRowContext(ctx, query, args...)
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
