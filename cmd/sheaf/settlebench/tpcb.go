package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// tpcb is pgbench's built-in TPC-B, prepared.
type tpcb struct {
	program string
	url     string
	seconds int
}

// scaleOf reads the scale from the name of a series: "tpcb" is pgbench's own, one
// branch, for whose row many callers wait; "tpcb50" has fifty. False: it is no TPC-B.
func scaleOf(series string) (int, bool) {
	text, is := strings.CutPrefix(series, "tpcb")
	if !is || text == "" {
		return 1, is
	}
	scale, err := strconv.Atoi(text)
	return scale, err == nil && scale > 0
}

// newTPCB fills its tables at a scale.
func newTPCB(ctx context.Context, server *url.URL, scale int, seconds float64) (*tpcb, error) {
	program, err := findPgbench()
	if err != nil {
		return nil, err
	}
	t := &tpcb{program: program, url: server.String(), seconds: max(2, int(seconds))}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	if said, err := exec.CommandContext(ctx, program, "-i", "-q", "-s", strconv.Itoa(scale), t.url).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("pgbench -i: %w: %s", err, said)
	}
	return t, nil
}

// findPgbench looks beside the newest server, as .ci/with-servers does.
func findPgbench() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/pgbench")
	if err == nil && len(found) > 0 {
		slices.SortFunc(found, func(a, b string) int { return version(a) - version(b) })
		return found[len(found)-1], nil
	}
	program, err := exec.LookPath("pgbench")
	if err != nil {
		return "", errors.New("pgbench is not found; it comes with PostgreSQL's server (Debian: postgresql)")
	}
	return program, nil
}

func version(path string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path)))) // another name sorts first
	return n
}

var saidTPS = regexp.MustCompile(`tps = ([0-9.]+)`)

// run runs for its time, whatever n is, and reads how many it was per second.
func (t *tpcb) run(ctx context.Context, clients int) (int, time.Duration, error) {
	took := time.Duration(t.seconds) * time.Second
	ctx, cancel := context.WithTimeout(ctx, took+60*time.Second)
	defer cancel()
	said, err := exec.CommandContext(ctx, t.program, "-n", "-M", "prepared", "-c", strconv.Itoa(clients), "-j", "2", "-T", strconv.Itoa(t.seconds), t.url).CombinedOutput()
	if err != nil {
		return 0, 0, fmt.Errorf("pgbench: %w: %s", err, said)
	}
	match := saidTPS.FindSubmatch(said)
	if match == nil && bytes.Contains(said, []byte("actually processed: 0")) {
		return 0, took, nil // so busy is the machine
	}
	if match == nil {
		return 0, 0, fmt.Errorf("pgbench does not say how fast it was: %s", said)
	}
	rate, err := strconv.ParseFloat(string(match[1]), 64)
	return int(rate * took.Seconds()), took, err
}
