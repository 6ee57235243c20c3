package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// redisServer is a Redis of one test's own, so that it may be emptied and ended.
type redisServer struct {
	port    int
	process *process
}

func newRedis(t testing.TB) *redisServer {
	t.Helper()
	r := &redisServer{port: freePort(t)}
	r.start(t)
	return r
}

func (r *redisServer) start(t testing.TB) {
	t.Helper()
	r.process = launch(t, nil, "redis-server", "--port", strconv.Itoa(r.port), "--bind", "127.0.0.1", "--dir", t.TempDir(), "--save", "",
		"--appendonly", "no", "--maxmemory-policy", "noeviction", "--daemonize", "no")
	if err := r.process.said("Ready to accept connections", 20*time.Second); err != nil {
		t.Fatalf("Redis: %v", err)
	}
}

func (r *redisServer) url() string { return fmt.Sprintf("redis://127.0.0.1:%d/0", r.port) }

// empty is FLUSHALL.
func (r *redisServer) empty(t testing.TB) {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: fmt.Sprintf("127.0.0.1:%d", r.port)})
	defer func() { _ = client.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := client.FlushAll(ctx).Err(); err != nil {
		t.Fatalf("emptying Redis: %v", err)
	}
}

// postgresServer is a cluster of one test's own, so that it may be restarted.
type postgresServer struct {
	bin, folder string
	port        int
	as          *syscall.Credential // PostgreSQL does not run as root
}

func newPostgresServer(t testing.TB) *postgresServer {
	t.Helper()
	folder, err := os.MkdirTemp("", "sheaf-e2e-pg-") // not t.TempDir: another user must be able to enter it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	p := &postgresServer{bin: postgresBin(t), folder: filepath.Join(folder, "data"), port: freePort(t)}
	if err := os.Mkdir(p.folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		p.as = ordinaryUser(t)
		if err := os.Chmod(folder, 0o711); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(p.folder, int(p.as.Uid), int(p.as.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	p.run(t, "initdb", "--pgdata="+p.folder, "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
	// durability stays on: a restart in the middle must lose nothing
	settings := fmt.Sprintf("listen_addresses = '127.0.0.1'\nport = %d\nunix_socket_directories = ''\nmax_connections = 100\ntimezone = 'UTC'\n", p.port)
	file, err := os.OpenFile(filepath.Join(p.folder, "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteString(settings); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	p.run(t, "pg_ctl", "--pgdata="+p.folder, "--log="+filepath.Join(p.folder, "log"), "--wait", "start")
	t.Cleanup(func() { p.run(t, "pg_ctl", "--pgdata="+p.folder, "--mode=immediate", "--wait", "stop") })
	return p
}

// crash restarts the server the hard way: every connection breaks, and what was
// not committed is lost.
func (p *postgresServer) crash(t testing.TB) {
	t.Helper()
	p.run(t, "pg_ctl", "--pgdata="+p.folder, "--log="+filepath.Join(p.folder, "log"), "--mode=immediate", "--wait", "restart")
}

func (p *postgresServer) url() string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", p.port)
}

func (p *postgresServer) run(t testing.TB, name string, arguments ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(p.bin, name), arguments...)
	cmd.Dir = p.folder
	cmd.Env = append(cleanEnvironment(), "HOME="+p.folder)
	if p.as != nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.as}
	}
	log, err := os.CreateTemp(t.TempDir(), name) // a pipe would stay open in the server that pg_ctl leaves behind
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Run(); err != nil {
		said, _ := os.ReadFile(log.Name())
		t.Fatalf("%s: %v\n%s", name, err, said)
	}
}

// postgresBin is the folder of the newest PostgreSQL on this machine.
func postgresBin(t testing.TB) string {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		t.Fatal(err)
	}
	if len(found) > 0 {
		slices.Sort(found)
		return filepath.Dir(found[len(found)-1])
	}
	path, err := exec.LookPath("initdb")
	if err != nil {
		t.Fatal("PostgreSQL's initdb is not found: run .ci/install")
	}
	return filepath.Dir(path)
}

func ordinaryUser(t testing.TB) *syscall.Credential {
	t.Helper()
	for _, name := range []string{"postgres", "nobody"} {
		account, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(account.Uid, 10, 32)
		if err != nil {
			continue
		}
		gid, err := strconv.ParseUint(account.Gid, 10, 32)
		if err != nil {
			continue
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	t.Fatal("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")
	return nil
}

// firstLines is for messages about what a program wrote.
func firstLines(text string, most int) string {
	lines := strings.SplitN(strings.TrimSpace(text), "\n", most+1)
	return string(bytes.TrimSpace([]byte(strings.Join(lines[:min(len(lines), most)], "\n"))))
}
