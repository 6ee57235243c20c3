package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

func demoCommand(settings *settings) *cobra.Command {
	var gateway string
	command := &cobra.Command{
		Use: "demo", Short: "Try the hub with six invented vendors; needs nothing else", Args: cobra.NoArgs,
		Long: "Start the hub on the embedded default, bring in the open invoices of six invented vendors through the real connectors,\n" +
			"send the first reminders into a captured mailbox, and print links to everything. Nothing leaves this machine.\n" +
			"Without --data everything is gone at the end; with --data the next start finds it again.\n" +
			"With --gateway stripe-fake Stripe is played on a port of its own: vendors have accounts there, one of them half open,\n" +
			"payments, transfers and payouts go through it with signed messages, and its page lets days pass.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			own := *settings // the demo changes them
			d := &demo{settings: &own, out: cmd.OutOrStdout(), problems: cmd.ErrOrStderr()}
			dataGiven := given(cmd, "data", "SHEAF_DATA")
			switch {
			case gateway == "sandbox":
			case gateway != "stripe-fake":
				return fmt.Errorf("there is no gateway %q for the demo; choose sandbox or stripe-fake", gateway)
			case dataGiven:
				return errors.New("the played Stripe forgets everything when it stops, so the demo with it keeps nothing: leave out --data (SHEAF_DATA)")
			default:
				d.stripe = &demoStripe{clock: &d.clock}
			}
			return d.run(cmd.Context(), dataGiven, given(cmd, "addr", "SHEAF_ADDR"))
		},
	}
	command.Flags().StringVar(&gateway, "gateway", "sandbox", "who takes the payments: sandbox, or stripe-fake (Stripe, played in this process, with accounts, payouts and a clock that you move)")
	return command
}

// given says whether a person set a setting, by flag or environment.
func given(cmd *cobra.Command, flag, env string) bool {
	return cmd.Flags().Changed(flag) || os.Getenv(env) != ""
}

// demo is one run of `sheaf demo`.
type demo struct {
	settings      *settings
	out, problems io.Writer
	clock         demoClock
	app           *app
	keeps         bool // the folder stays
	found         bool // an earlier start stored everything
	brought       brought
	stripe        *demoStripe // nil: the sandbox takes the payments
}

// demoClock is the system's clock, held at one instant after another while the
// past week is played. It is let go before the server starts; with the played
// Stripe it can be moved on.
type demoClock struct {
	mu    sync.Mutex
	held  time.Time
	ahead time.Duration
}

func (c *demoClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.held.IsZero() {
		return c.held
	}
	return systemClock().Add(c.ahead)
}

// hold stops the clock at an instant; the zero time lets it go.
func (c *demoClock) hold(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held = at
}

func (c *demoClock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

func (d *demo) run(ctx context.Context, dataGiven, addrGiven bool) (err error) {
	d.standAlone()
	if err := d.chooseAddr(addrGiven); err != nil {
		return err
	}
	remove, err := d.chooseFolder(dataGiven)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	if d.stripe != nil {
		if err := d.stripe.open(d.settings); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, d.stripe.close()) }()
	}
	return d.play(ctx)
}

// play opens the hub, fills it and runs it.
func (d *demo) play(ctx context.Context) (err error) {
	if d.app, err = openApp(ctx, d.settings, quietLog{d.problems}, d.clock.now); err != nil {
		return unlessStopped(ctx, err)
	}
	defer d.app.close()
	if err := d.fill(ctx); err != nil {
		return unlessStopped(ctx, err)
	}
	return d.serve(ctx)
}

// unlessStopped is nil after Ctrl-C: what then broke off is no failure.
func unlessStopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return plain(err)
}

// serve runs the hub and prints the links once it answers.
func (d *demo) serve(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var announcing sync.WaitGroup
	var unannounced error
	if d.stripe != nil {
		announcing.Go(func() { d.stripe.deliver(ctx) })
	}
	err := d.app.run(ctx, true, true, func(string) {
		announcing.Go(func() {
			if err := d.announce(ctx); err != nil && ctx.Err() == nil {
				unannounced = err
				cancel()
			}
		})
	})
	cancel()
	announcing.Wait()
	return errors.Join(err, plain(unannounced))
}

// standAlone leaves out every setting that would make the demo touch something
// else, and says so.
func (d *demo) standAlone() {
	s := d.settings
	outside := map[string]*string{"SHEAF_DATABASE_URL": &s.DatabaseURL, "SHEAF_REDIS_URL": &s.RedisURL, "SHEAF_SMTP_URL": &s.SMTPURL,
		"SHEAF_SECRET_KEYS": &s.SecretKeys, "STRIPE_SECRET_KEY": &s.StripeKey, "STRIPE_WEBHOOK_SECRET": &s.StripeWebhookSecret, "STRIPE_API_BASE": &s.StripeAPIBase,
		"STRIPE_CURRENCIES": &s.StripeCurrencies,
		"SHEAF_DKIM_DOMAIN": &s.DKIMDomain, "SHEAF_DKIM_KEY_FILE": &s.DKIMKeyFile}
	var left []string
	for _, setting := range s.list() {
		if value, known := outside[setting.env]; known && *value != "" {
			left = append(left, setting.env)
			*value = ""
		}
	}
	if len(left) > 0 {
		_, _ = fmt.Fprintf(d.problems, "Not used: %s. The demo always runs on its own; `sheaf serve` uses them.\n", strings.Join(left, ", "))
	}
	fill := func(value *string, fallback string) {
		if *value == "" {
			*value = fallback
		}
	}
	fill(&s.MailFrom, s.HubName+" <reminders@hub.example>")
	fill(&s.Postal, "The demo of "+s.HubName+"|1 Example Street|Exampleton")
	fill(&s.OperatorEmail, "operator@hub.example")
}

// chooseAddr finds out before anything is stored whether the address can be
// had. The default gives way to a program that is there already.
func (d *demo) chooseAddr(fixed bool) error {
	s := d.settings
	host, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		return fmt.Errorf("SHEAF_ADDR is %q; write host:port, such as 127.0.0.1:8080", s.Addr)
	}
	listener, err := net.Listen("tcp", s.Addr)
	if errors.Is(err, syscall.EADDRINUSE) && !fixed {
		if listener, err = net.Listen("tcp", net.JoinHostPort(host, "0")); err == nil {
			_, _ = fmt.Fprintf(d.problems, "Port %s is taken by another program; this is another one. --addr chooses it.\n", port)
		}
	}
	if err != nil {
		return fmt.Errorf("listen on %s: %w. Choose another one with --addr", s.Addr, err)
	}
	_, port, err = net.SplitHostPort(listener.Addr().String())
	s.Addr = net.JoinHostPort(host, port)
	return errors.Join(err, listener.Close())
}

// chooseFolder is the folder that was named, or a new one that remove takes
// away again.
func (d *demo) chooseFolder(named bool) (remove func() error, err error) {
	if d.keeps = named; named {
		return func() error { return nil }, nil
	}
	if d.settings.Data, err = os.MkdirTemp("", "sheaf-demo-"); err != nil {
		return nil, fmt.Errorf("make a folder for the demo: %w; name one with --data", err)
	}
	folder := d.settings.Data
	return func() error { return os.RemoveAll(folder) }, nil
}

// quietLog passes on what a person should know: warnings and errors. The log
// writes one line per call.
type quietLog struct{ out io.Writer }

func (q quietLog) Write(line []byte) (int, error) {
	text := string(line)
	if strings.Contains(text, "level=INFO") || strings.Contains(text, `"level":"INFO"`) {
		return len(line), nil
	}
	return q.out.Write(line)
}
