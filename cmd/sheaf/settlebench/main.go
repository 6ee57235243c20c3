// Command settlebench measures how many payments the hub settles per second:
// from the signed webhook that comes in to everything of that payment
// committed. In turn with it, in the same run, it measures two floors: pgbench's
// TPC-B with prepared statements, and the same rows written by one hand-made
// statement. `make bench` runs it beside a PostgreSQL of its own that keeps all
// its promises; docs/performance.md says how to read it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"time"
)

// plan is what one run measures.
type plan struct {
	postgres string // URL of the server; empty: SQLite alone
	sqlite   bool
	clients  []int
	shapes   []shape
	rounds   int
	seconds  float64 // aimed at, of each figure of each round
	series   []string
	profile  string
}

// shape is what one payment is made of.
type shape struct {
	name              string
	vendors, invoices int // invoices in all, a multiple of vendors
}

func shapes() []shape {
	return []shape{{"1x1", 1, 1}, {"4x12", 4, 12}}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	p, err := parse(os.Args[1:])
	if err == nil {
		err = p.run(ctx, os.Stdout)
	}
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "settlebench:", err)
		stop()
		os.Exit(1)
	}
}

func parse(arguments []string) (plan, error) {
	var p plan
	flags := flag.NewFlagSet("settlebench", flag.ContinueOnError)
	flags.StringVar(&p.postgres, "postgres", os.Getenv("SHEAF_TEST_POSTGRES_URL"), "URL of a PostgreSQL server on which databases may be made; empty: SQLite alone")
	flags.BoolVar(&p.sqlite, "sqlite", true, "measure SQLite too")
	clients := flags.String("clients", "8,32,128", "how many callers at once")
	names := flags.String("shapes", "1x1,4x12", "vendors x invoices of a payment")
	series := flags.String("series", "tpcb,tpcb50,hand,settle,nolook", "what to measure, in this order; tpcbN is pgbench at scale N, tpcb at its own")
	flags.IntVar(&p.rounds, "rounds", 3, "how often each is measured")
	flags.Float64Var(&p.seconds, "seconds", 2, "how long each is measured in a round, about")
	flags.StringVar(&p.profile, "cpuprofile", "", "write a CPU profile of each settling to a file of its own, whose name begins so")
	if err := flags.Parse(arguments); err != nil {
		return p, err
	}
	p.series = strings.Split(*series, ",")
	for _, text := range strings.Split(*clients, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 200 {
			return p, fmt.Errorf("-clients: %q is not a number from 1 to 200", text)
		}
		p.clients = append(p.clients, n)
	}
	for _, name := range strings.Split(*names, ",") {
		known := false
		for _, s := range shapes() {
			if s.name == name {
				p.shapes, known = append(p.shapes, s), true
			}
		}
		if !known {
			return p, fmt.Errorf("-shapes: there is no %q", name)
		}
	}
	if p.rounds < 1 || p.seconds <= 0 {
		return p, errors.New("-rounds and -seconds must be above zero")
	}
	return p, nil
}

func (p plan) run(ctx context.Context, out io.Writer) error {
	fmt.Fprintf(out, "settled payments per second, %d rounds in turn, about %.1f s each, after one to warm up; min/median/max; ratios are of medians\n", p.rounds, p.seconds)
	figures := &figures{}
	var failures []error
	if p.postgres != "" {
		failures = append(failures, p.onPostgres(ctx, out, figures))
	}
	if p.sqlite && errors.Join(failures...) == nil {
		failures = append(failures, p.onSQLite(ctx, out, figures))
	}
	figures.print(out)
	return errors.Join(failures...)
}

// cell is one thing that is measured: it runs about n transactions with so many
// callers and says how many there were and how long they took.
type cell struct {
	name    string
	clients int
	run     func(ctx context.Context, n int) (int, time.Duration, error)
}

// measure runs the cells in turn, so that what else the machine does falls on all
// of them alike.
func (p plan) measure(ctx context.Context, figures *figures, cells []cell, after func(context.Context) error) error {
	rates := map[string]float64{}     // of the last round
	for round := range p.rounds + 1 { // the first is short, warms all up, and does not count
		for _, c := range cells {
			n := c.clients * 20
			if rate := rates[c.name]; rate > 0 {
				n = max(c.clients*4, int(rate*p.seconds))
			}
			done, took, err := c.run(ctx, min(n, mostAtOnce))
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			rates[c.name] = float64(done) / took.Seconds()
			if round > 0 {
				figures.add(c.name, rates[c.name])
			}
		}
		if err := after(ctx); err != nil {
			return err
		}
	}
	return nil
}

// mostAtOnce bounds how many payments are made ready for one figure.
const mostAtOnce = 12_000
