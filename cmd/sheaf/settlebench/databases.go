package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"runtime/pprof"
	"strings"
	"time"

	"github.com/uptrace/bun/driver/pgdriver"

	"github.com/sheaf-hub/sheaf/hub/store"
)

// goals are what settling one invoice of one vendor must reach, as parts of
// TPC-B with as many callers.
func goals() map[int]float64 { return map[int]float64{8: 0.85, 32: 1.5, 128: 2.5} }

// onPostgres measures on databases of its own, which it drops. A server that does
// not keep its promises is refused: its figures would be of something else.
func (p plan) onPostgres(ctx context.Context, out io.Writer, figures *figures) error {
	server, err := url.Parse(p.postgres)
	if err != nil {
		return err
	}
	admin := sql.OpenDB(pgdriver.NewConnector(pgdriver.WithDSN(p.postgres)))
	defer func() { _ = admin.Close() }()
	said := ""
	for _, name := range []string{"server_version", "fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "max_wal_size"} {
		var value string
		if err := admin.QueryRowContext(ctx, "SHOW "+name).Scan(&value); err != nil {
			return fmt.Errorf("ask PostgreSQL for %s: %w", name, err)
		}
		if value == "off" {
			return fmt.Errorf("this PostgreSQL runs with %s off; start one that keeps all its promises (SHEAF_SERVERS_DURABLE=1 .ci/with-servers …)", name)
		}
		said += " " + name + "=" + value
	}
	fmt.Fprintln(out, "postgres:"+said)
	floors := map[string]*tpcb{}
	for _, series := range p.series {
		scale, is := scaleOf(series)
		if !is {
			continue
		}
		address, drop, err := newDatabase(ctx, admin, server)
		if err != nil {
			return err
		}
		defer drop()
		if floors[series], err = newTPCB(ctx, address, scale, p.seconds); err != nil {
			return err
		}
		fmt.Fprintf(out, "postgres: %s is pgbench's TPC-B, prepared, scale %d\n", series, scale)
	}
	address, drop, err := newDatabase(ctx, admin, server)
	if err != nil {
		return err
	}
	defer drop()
	return p.on(ctx, figures, store.Config{URL: address.String()}, floors)
}

func newDatabase(ctx context.Context, admin *sql.DB, server *url.URL) (*url.URL, func(), error) {
	name := "bench_" + strings.ReplaceAll(store.NewID(), "-", "")
	if _, err := admin.ExecContext(ctx, "CREATE DATABASE "+name); err != nil {
		return nil, nil, fmt.Errorf("make a database: %w", err)
	}
	address := *server
	address.Path = "/" + name
	return &address, func() {
		ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second) // also after an interrupt
		defer cancel()
		if _, err := admin.ExecContext(ctx, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			fmt.Fprintln(os.Stderr, "settlebench: drop", name+":", err)
		}
	}, nil
}

func (p plan) onSQLite(ctx context.Context, out io.Writer, figures *figures) error {
	folder, err := os.MkdirTemp("", "sheaf-bench-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	fmt.Fprintln(out, "sqlite: WAL, synchronous=FULL; there is no TPC-B on it")
	return p.on(ctx, figures, store.Config{Folder: folder}, nil)
}

// on measures every shape on one hub.
func (p plan) on(ctx context.Context, figures *figures, config store.Config, floors map[string]*tpcb) (err error) {
	h, err := openHub(ctx, config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.close()) }()
	settled := 0
	for _, s := range p.shapes {
		var cells []cell
		for _, clients := range p.clients {
			for _, series := range p.series {
				floor := floors[series]
				if _, is := scaleOf(series); is && floor == nil {
					continue
				}
				cells = append(cells, cell{name: figureName(h.db.Kind, series, s, clients), clients: clients, run: func(ctx context.Context, n int) (int, time.Duration, error) {
					if floor != nil {
						return floor.run(ctx, clients)
					}
					settled += n
					took, err := p.one(ctx, h, config, series, s, n, clients)
					return n, took, err
				}})
			}
			figures.ratios = append(figures.ratios, p.ratios(h.db.Kind, s, clients)...)
		}
		if err := p.measure(ctx, figures, cells, func(ctx context.Context) error { return h.sound(ctx, settled) }); err != nil {
			return err
		}
	}
	return nil
}

// one makes n payments ready and measures how long they take.
func (p plan) one(ctx context.Context, h *hub, config store.Config, series string, s shape, n, clients int) (time.Duration, error) {
	list, err := h.stock(ctx, s, n, series != "hand")
	if err != nil {
		return 0, fmt.Errorf("make payments ready: %w", err)
	}
	switch series {
	case "settle", "nolook":
		h.memory.on.Store(series == "nolook")
		done, err := profiled(p.profile, figureName(h.db.Kind, series, s, clients))
		if err != nil {
			return 0, err
		}
		took, err := h.settle(ctx, list, clients)
		return took, errors.Join(err, done())
	case "hand":
		if h.db.Kind == store.Postgres {
			config.MaxConns = clients // each has its own, as pgbench's
		}
		db, err := store.Open(ctx, config)
		if err != nil {
			return 0, err
		}
		took, err := spread(ctx, n, clients, func(ctx context.Context, _, i int) error { return h.byHand(ctx, db, &list[i]) })
		return took, errors.Join(err, db.Close())
	}
	return 0, fmt.Errorf("there is no series %q", series)
}

// profiled begins a CPU profile and returns what ends it.
func profiled(prefix, name string) (func() error, error) {
	if prefix == "" {
		return func() error { return nil }, nil
	}
	file, err := os.Create(fmt.Sprintf("%s-%s-%d.pprof", prefix, name, time.Now().UnixMilli()))
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		return file.Close()
	}, nil
}

func figureName(kind store.Dialect, series string, s shape, clients int) string {
	return fmt.Sprintf("%s-%s-%s-%d", kind, series, s.name, clients)
}

func (p plan) ratios(kind store.Dialect, s shape, clients int) []ratio {
	var list []ratio
	for _, floor := range []string{"tpcb", "tpcb50", "hand"} {
		for _, series := range []string{"settle", "nolook"} {
			r := ratio{name: fmt.Sprintf("%s-%s/%s-%s-%d", kind, series, floor, s.name, clients),
				of: figureName(kind, series, s, clients), to: figureName(kind, floor, s, clients)}
			if floor == "tpcb" && series == "settle" && s.name == "1x1" {
				r.goal = goals()[clients]
			}
			list = append(list, r)
		}
	}
	return list
}
