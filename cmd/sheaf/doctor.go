package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/sheaf-hub/sheaf/hub/mail/smtp"
	"github.com/sheaf-hub/sheaf/hub/queue"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/migrations"
)

// finding is one line of the doctor's.
type finding struct {
	level  string // ok, warn or FAIL
	what   string
	detail string // what is wrong and what to do
}

func doctorCommand(settings *settings) *cobra.Command {
	var ready bool
	command := &cobra.Command{
		Use: "doctor", Short: "Name what is wrong with settings and peers, and what to do; exit 1 when something is", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if ready {
				return checkReady(cmd.Context(), settings)
			}
			return doctor(cmd, settings)
		},
	}
	command.Flags().BoolVar(&ready, "ready", false, "only ask whether the server at --addr is ready (for health checks)")
	return command
}

func checkReady(ctx context.Context, settings *settings) error {
	_, port, err := net.SplitHostPort(settings.Addr)
	if err != nil {
		return fmt.Errorf("SHEAF_ADDR is %q; write host:port", settings.Addr)
	}
	ctx, cancel := context.WithTimeout(ctx, 4*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:"+port+"/readyz", nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("the server does not answer: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, 2000))
	if err != nil || response.StatusCode != http.StatusOK {
		return fmt.Errorf("the server is not ready: %s %s", response.Status, strings.TrimSpace(string(body)))
	}
	return nil
}

func doctor(cmd *cobra.Command, settings *settings) error {
	findings := diagnose(cmd.Context(), settings)
	table := tabwriter.NewWriter(cmd.OutOrStdout(), 2, 4, 2, ' ', 0)
	bad := false
	for _, finding := range findings {
		bad = bad || finding.level == "FAIL"
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\n", finding.level, finding.what, finding.detail)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if bad {
		return &exitError{code: 1}
	}
	return nil
}

func diagnose(ctx context.Context, settings *settings) []finding {
	config, err := settings.check()
	if err != nil {
		var list []finding
		for _, line := range strings.Split(err.Error(), "\n")[1:] {
			list = append(list, finding{"FAIL", "settings", line})
		}
		return list
	}
	findings := []finding{{"ok", "settings", "all can be read"}, config.publicFinding(), config.keyFinding()}
	findings = append(findings, diagnoseDatabase(ctx, config)...)
	findings = append(findings, diagnoseRedis(ctx, config), diagnoseMail(ctx, config))
	findings = append(findings, diagnoseGateway(ctx, config)...)
	return append(findings, diagnoseListener(config), diagnoseDisk(config))
}

func (c *config) publicFinding() finding {
	if c.public.Scheme == "http" && c.public.Hostname() != "localhost" && !strings.HasPrefix(c.public.Hostname(), "127.") {
		return finding{"warn", "public URL", c.PublicURL + " is not https: sign-in links and cookies can be read on the way. Put a TLS proxy in front and set SHEAF_PUBLIC_URL to it"}
	}
	return finding{"ok", "public URL", c.PublicURL}
}

func (c *config) keyFinding() finding {
	if c.keyIsOnDisk {
		return finding{"warn", "secret keys", "kept in " + c.Data + "/secret.key: back it up with the database, or set SHEAF_SECRET_KEYS"}
	}
	return finding{"ok", "secret keys", "from SHEAF_SECRET_KEYS"}
}

func diagnoseDatabase(ctx context.Context, config *config) []finding {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	name := "SQLite in " + config.Data
	if config.DatabaseURL != "" {
		name = "PostgreSQL"
	}
	db, err := store.Open(ctx, store.Config{URL: config.DatabaseURL, Folder: config.Data})
	if err != nil {
		return []finding{{"FAIL", "database", name + ": " + err.Error() + ". Is it running, and are host, port, user and password of SHEAF_DATABASE_URL right?"}}
	}
	defer func() { _ = db.Close() }()
	list, err := db.Migrations(ctx, migrations.Files)
	if err != nil {
		return []finding{{"FAIL", "database", name + ": " + err.Error()}}
	}
	waiting := 0
	for _, migration := range list {
		if migration.AppliedAt.IsZero() {
			waiting++
		}
	}
	if waiting > 0 {
		return []finding{{"ok", "database", name}, {"warn", "migrations", fmt.Sprintf("%d have not run: sheaf migrate up (serve and work run them too)", waiting)}}
	}
	return []finding{{"ok", "database", name}, {"ok", "migrations", fmt.Sprintf("all %d have run", len(list))}}
}

func diagnoseRedis(ctx context.Context, config *config) finding {
	if config.RedisURL == "" {
		if config.DatabaseURL != "" {
			return finding{"warn", "redis", "in this process: fine for one server; with several, set SHEAF_REDIS_URL"}
		}
		return finding{"ok", "redis", "in this process"}
	}
	opt, err := redisOption(config.RedisURL)
	if err != nil {
		return finding{"FAIL", "redis", err.Error()}
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	warning, err := (&queue.Queue{Redis: opt}).Ping(ctx)
	switch {
	case err != nil:
		return finding{"FAIL", "redis", err.Error() + ". Is it running, and is SHEAF_REDIS_URL right? Nothing is lost meanwhile: work waits in the database"}
	case warning != "":
		return finding{"warn", "redis", warning}
	}
	return finding{"ok", "redis", "answers"}
}

func diagnoseMail(ctx context.Context, config *config) finding {
	if config.SMTPURL == "" {
		return finding{"warn", "mail", "captured in " + config.Data + "/mail and shown at /dev/mail: nobody gets any. Set SHEAF_SMTP_URL"}
	}
	sender, err := smtp.New(smtp.Config{URL: config.SMTPURL, DKIM: config.dkim})
	if err != nil {
		return finding{"FAIL", "mail", "SHEAF_SMTP_URL: " + err.Error()}
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	if err := sender.Check(ctx); err != nil {
		return finding{"FAIL", "mail", err.Error()}
	}
	if config.DKIMDomain == "" {
		return finding{"warn", "mail", "the server answers, but mail is not signed: set SHEAF_DKIM_DOMAIN, _SELECTOR and _KEY_FILE unless the server signs"}
	}
	return finding{"ok", "mail", "the server answers; mail is signed for " + config.DKIMDomain}
}

// diagnoseListener says whether the port is free, or a hub of ours has it.
func diagnoseListener(config *config) finding {
	listener, err := net.Listen("tcp", config.Addr)
	if err == nil {
		_ = listener.Close()
		return finding{"ok", "listener", config.Addr + " is free"}
	}
	if errors.Is(err, syscall.EADDRINUSE) {
		client := http.Client{Timeout: 3 * time.Second}
		if response, err := client.Get("http://" + config.Addr + "/healthz"); err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return finding{"ok", "listener", config.Addr + " is served by a hub"}
			}
		}
		return finding{"FAIL", "listener", config.Addr + " is taken by another program: stop it, or set SHEAF_ADDR"}
	}
	return finding{"FAIL", "listener", config.Addr + ": " + err.Error()}
}

// leastFree is how little space makes the doctor speak (bytes).
const leastFree = 500 << 20

func diagnoseDisk(config *config) finding {
	var stat syscall.Statfs_t
	if err := syscall.Statfs(config.Data, &stat); err != nil {
		if config.DatabaseURL != "" {
			return finding{"ok", "disk", "the data folder is not used"}
		}
		return finding{"FAIL", "disk", config.Data + ": " + err.Error()}
	}
	free := stat.Bavail * uint64(stat.Bsize)
	if free < leastFree {
		return finding{"FAIL", "disk", fmt.Sprintf("%d MB are free in %s: make room, or what is sent to the hub is refused", free>>20, config.Data)}
	}
	return finding{"ok", "disk", fmt.Sprintf("%d GB free in %s", free>>30, config.Data)}
}
