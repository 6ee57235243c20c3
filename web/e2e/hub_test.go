package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sheaf-hub/sheaf/hub/mail/mailtest"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/hub/store/storetest"
)

// size is one of the two shapes that the hub runs in.
type size string

const (
	embedded   size = "embedded"   // one process, SQLite, the Redis inside of it
	production size = "production" // serve --no-worker and two of work, PostgreSQL, Redis
)

// sizes are those that this run proves: the embedded half alone with -short.
func sizes() []size {
	if testing.Short() {
		return []size{embedded}
	}
	return []size{embedded, production}
}

// hub is one deployment: its settings, its peers, its processes.
type hub struct {
	t       testing.TB
	size    size
	folder  string
	base    string // public URL
	env     []string
	store   store.Config // where the test looks into the database
	mail    *mailtest.Server
	redis   *redisServer // nil: embedded
	server  *process
	workers []*process
}

// secretKey seals what production stores; any 32 bytes do.
const secretKey = "c2hlYWYtZW5kLXRvLWVuZC10ZXN0LWtleS0zMmJ5dGU="

// newHub prepares a deployment; nothing runs yet.
func newHub(t testing.TB, size size) *hub {
	t.Helper()
	database := ""
	if size == production {
		database = storetest.NewPostgres(t)
	}
	return newHubOn(t, size, t.TempDir(), database)
}

// newHubOn is newHub with a data folder, and for production a database.
func newHubOn(t testing.TB, size size, folder, database string) *hub {
	t.Helper()
	port := freePort(t)
	h := &hub{t: t, size: size, folder: folder, base: fmt.Sprintf("http://127.0.0.1:%d", port), mail: mailtest.Start(t)}
	h.env = []string{
		fmt.Sprintf("SHEAF_ADDR=127.0.0.1:%d", port), "SHEAF_PUBLIC_URL=" + h.base, "SHEAF_DATA=" + folder,
		"SHEAF_SMTP_URL=" + h.mail.URL(), "SHEAF_ALLOW_PRIVATE_HOSTS=127.0.0.1", "SHEAF_OPERATOR_EMAIL=operator@hub.example",
		"SHEAF_MAIL_FROM=Sheaf <reminders@hub.example>",
	}
	h.store = store.Config{Folder: folder, MaxConns: 2}
	if size == production {
		h.redis = newRedis(t)
		h.store = store.Config{URL: database, MaxConns: 2}
		h.env = append(h.env, "SHEAF_DATABASE_URL="+database, "SHEAF_REDIS_URL="+h.redis.url(), "SHEAF_SECRET_KEYS="+secretKey)
	}
	t.Cleanup(h.report)
	return h
}

// report shows what the processes said when the test failed.
func (h *hub) report() {
	if !h.t.Failed() {
		return
	}
	for _, p := range append([]*process{h.server}, h.workers...) {
		if p != nil {
			h.t.Logf("%s said at the end:\n%s", strings.Join(p.command.Args[1:], " "), tail(p.out.String(), 4000))
		}
	}
}

// start runs everything that this size has, and waits until it answers.
func (h *hub) start() {
	h.t.Helper()
	h.startServer()
	if h.size == production {
		for range 2 {
			h.startWorker()
		}
	}
}

func (h *hub) startServer() {
	h.t.Helper()
	arguments := []string{"serve"}
	if h.size == production {
		arguments = append(arguments, "--no-worker")
	}
	h.server = launch(h.t, h.env, binary(h.t), arguments...)
	h.ready()
}

// ready waits for /readyz.
func (h *hub) ready() {
	h.t.Helper()
	server := h.server
	err := within(30*time.Second, func() error {
		if !server.running() {
			return fmt.Errorf("the server ended: %s", tail(server.out.String(), 2000))
		}
		answer, err := quickClient().Get(h.base + "/readyz")
		if err != nil {
			return err
		}
		defer func() { _ = answer.Body.Close() }()
		said, _ := io.ReadAll(answer.Body)
		if answer.StatusCode != http.StatusOK {
			return fmt.Errorf("readyz: %d %s", answer.StatusCode, said)
		}
		return nil
	})
	if err != nil {
		h.t.Fatalf("the server is not ready: %v", err)
	}
}

func (h *hub) startWorker() {
	h.t.Helper()
	h.workers = append(h.workers, launch(h.t, h.env, binary(h.t), "work"))
}

// quickClient asks without keeping connections, so that a restart is seen.
func quickClient() *http.Client {
	return &http.Client{Timeout: 3 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
}

// stop ends every process politely, and fails where one does not end well.
func (h *hub) stop() {
	h.t.Helper()
	for _, p := range append([]*process{h.server}, h.workers...) {
		if p == nil || !p.running() {
			continue
		}
		if err := p.stop(h.t); err != nil {
			h.t.Errorf("%s did not stop well: %v\n%s", strings.Join(p.command.Args[1:], " "), err, tail(p.out.String(), 2000))
		}
	}
}

// run is a command that must succeed; it returns what it printed.
func (h *hub) run(arguments ...string) string {
	h.t.Helper()
	got := command(h.t, h.env, arguments...)
	if got.code != 0 {
		h.t.Fatalf("sheaf %s: exit %d\n%s%s", strings.Join(arguments, " "), got.code, got.stdout, got.stderr)
	}
	return got.stdout
}

// verify holds the database against every invariant.
func (h *hub) verify() {
	h.t.Helper()
	got := command(h.t, h.env, "verify")
	if got.code != 0 {
		h.t.Errorf("verify: exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
}

// database opens what the hub stores, for a test that must look beneath.
func (h *hub) database() *store.DB {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	db, err := store.Open(ctx, h.store)
	if err != nil {
		h.t.Fatalf("opening the database: %v", err)
	}
	h.t.Cleanup(func() { _ = db.Close() })
	return db
}

// addVendor is `vendor add --json`.
func (h *hub) addVendor(name, email string) *vendor {
	h.t.Helper()
	v := &vendor{hub: h, Email: email, receiver: newReceiver(h.t)}
	out := h.run("vendor", "add", name, "--email", email, "--phone", "+1 202 555 0143", "--contact", "Robin "+strings.Fields(name)[0], "--json")
	if err := json.Unmarshal([]byte(out), v); err != nil {
		h.t.Fatalf("vendor add printed %q: %v", out, err)
	}
	if v.ID == "" || v.APIKey == "" || !strings.HasPrefix(v.WebhookSecret, "whsec_") {
		h.t.Fatalf("vendor add printed %q", out)
	}
	v.receiver.trust(h.t, v.WebhookSecret)
	return v
}

// tuesday is a digest's usual moment, far enough ahead that no schedule of its
// own comes near it while the tests run.
func tuesday() time.Time {
	day := time.Now().UTC().AddDate(0, 0, 9)
	for day.Weekday() != time.Tuesday {
		day = day.AddDate(0, 0, 1)
	}
	return time.Date(day.Year(), day.Month(), day.Day(), 9, 30, 0, 0, time.UTC)
}

// digestRun is `digest run --now`; it returns the line of counts.
func (h *hub) digestRun(at time.Time) string {
	h.t.Helper()
	return strings.TrimSpace(h.run("digest", "run", "--now", at.Format(time.RFC3339)))
}

func (h *hub) path(parts ...string) string {
	return filepath.Join(append([]string{h.folder}, parts...)...)
}
