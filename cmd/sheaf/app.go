package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/uptrace/bun"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/cases"
	"github.com/sheaf-hub/sheaf/hub/gateway/sandbox"
	"github.com/sheaf-hub/sheaf/hub/gateway/stripe"
	"github.com/sheaf-hub/sheaf/hub/insight"
	"github.com/sheaf-hub/sheaf/hub/intake"
	"github.com/sheaf-hub/sheaf/hub/ledger"
	"github.com/sheaf-hub/sheaf/hub/mail"
	"github.com/sheaf-hub/sheaf/hub/mail/captured"
	"github.com/sheaf-hub/sheaf/hub/mail/smtp"
	"github.com/sheaf-hub/sheaf/hub/money"
	"github.com/sheaf-hub/sheaf/hub/notify"
	"github.com/sheaf-hub/sheaf/hub/notify/outbound"
	"github.com/sheaf-hub/sheaf/hub/notify/standardwebhooks"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/reminder"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/hub/worklist"
	"github.com/sheaf-hub/sheaf/migrations"
	papers "github.com/sheaf-hub/sheaf/web/paper"
	"github.com/sheaf-hub/sheaf/web/ui/mails"

	crand "crypto/rand"
)

// app is the whole hub of one process, wired. This is the only place where
// rooms meet their peers.
type app struct {
	config   *config
	log      *slog.Logger
	now      func() time.Time
	db       *store.DB
	outbox   *outbox.Service
	ledger   *ledger.Service
	party    *party.Service
	access   *access.Service
	billing  *billing.Service
	cases    *cases.Service
	payment  *payment.Service
	sandbox  *sandbox.Gateway // nil when real money moves
	stripe   *stripe.Gateway  // nil without a key
	reminder *reminder.Service
	worklist *worklist.Service
	insight  *insight.Service
	intake   *intake.Service
	notify   *notify.Service
	client   *outbound.Client
	sender   mail.Sender
	mailbox  mail.Mailbox // nil when mail really leaves
	metrics  *metrics
}

// systemClock is the time, as both databases keep it: UTC, whole microseconds.
func systemClock() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// openApp checks the settings, opens and migrates the database, and wires the
// rooms. now is the clock of everything.
func openApp(ctx context.Context, settings *settings, logs io.Writer, now func() time.Time) (*app, error) {
	config, err := settings.check()
	if err != nil {
		return nil, err
	}
	a := &app{config: config, now: now, log: newLogger(config, logs)}
	openCtx, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	if a.db, err = store.Open(openCtx, store.Config{URL: config.DatabaseURL, Folder: config.Data}); err != nil {
		return nil, err
	}
	if _, err := a.db.Migrate(openCtx, migrations.Files, now()); err != nil {
		return nil, fmt.Errorf("bring the database up to date: %w", err)
	}
	if err := a.openMail(); err != nil {
		return nil, err
	}
	if err := a.wire(); err != nil {
		return nil, err
	}
	a.metrics = newMetrics(a.db, now)
	return a, nil
}

func newLogger(config *config, logs io.Writer) *slog.Logger {
	if config.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(logs, nil))
	}
	return slog.New(slog.NewTextHandler(logs, nil))
}

func (a *app) openMail() error {
	if a.config.SMTPURL == "" {
		mailbox, err := captured.New(captured.Config{Folder: filepath.Join(a.config.Data, "mail"), Now: a.now})
		if err != nil {
			return fmt.Errorf("open the captured mailbox: %w", err)
		}
		a.sender, a.mailbox = mailbox, mailbox
		return nil
	}
	sender, err := smtp.New(smtp.Config{URL: a.config.SMTPURL, DKIM: a.config.dkim})
	if err != nil {
		return fmt.Errorf("SHEAF_SMTP_URL: %w", err)
	}
	a.sender = sender
	return nil
}

func (a *app) wire() error {
	var err error
	c, letters := a.config, mails.New()
	if a.client, err = outbound.New(outbound.Config{AllowPrivate: c.allow}); err != nil {
		return fmt.Errorf("SHEAF_ALLOW_PRIVATE_HOSTS: %w", err)
	}
	a.outbox = &outbox.Service{DB: a.db, Sealer: c.sealer, Now: a.now}
	a.ledger = &ledger.Service{DB: a.db, Now: a.now}
	a.party = &party.Service{DB: a.db, Sealer: c.sealer, Now: a.now}
	a.access = &access.Service{DB: a.db, Party: a.party, Sealer: c.sealer, Outbox: a.outbox, Letters: letters, PublicURL: c.PublicURL, From: c.from, Footer: c.footer, Now: a.now}
	a.billing = &billing.Service{DB: a.db, Party: a.party, Now: a.now}
	a.cases = &cases.Service{DB: a.db, Party: a.party, Billing: a.billing, Access: a.access, Outbox: a.outbox, Letters: letters, From: c.from,
		PublicURL: c.PublicURL, Footer: c.footer, Now: a.now}
	a.worklist = &worklist.Service{DB: a.db, Access: a.access, Now: a.now}
	a.insight = &insight.Service{DB: a.db, Now: a.now}
	a.payment = &payment.Service{DB: a.db, Party: a.party, Billing: a.billing, Ledger: a.ledger, Outbox: a.outbox,
		Letters: letters, Papers: papers.Writer{}, From: c.from, PublicURL: c.PublicURL, Footer: c.footer, Now: a.now, Access: a.access, Overpaid: a.worklist.Overpaid, AddTask: a.worklist.Payment}
	if err := a.openGateway(); err != nil {
		return err
	}
	a.intake = &intake.Service{DB: a.db, Party: a.party, Access: a.access, Billing: a.billing, Outbox: a.outbox, Sealer: c.sealer,
		Connectors: connectorKinds(c.Folders), HTTP: a.client.HTTP(), Dial: a.client.Dial, Log: a.log, Now: a.now}
	a.reminder = &reminder.Service{DB: a.db, Party: a.party, Billing: a.billing, Access: a.access, Outbox: a.outbox, Letters: letters, Sender: a.sender,
		From: c.from, ListID: c.listID, PublicURL: c.PublicURL, Footer: c.footer, Now: a.now, Answers: a.answers, Offers: a.offers, Stale: a.intake.Stale, Told: a.payment.Shown}
	a.notify = &notify.Service{DB: a.db, Outbox: a.outbox, Party: a.party, Billing: a.billing, Client: a.client, Sender: a.sender, Letters: letters,
		From: c.from, PublicURL: c.PublicURL, Footer: c.footer, Jitter: notify.Jitter{}, Books: a.intake, NotBooked: a.worklist.NotBooked, Now: a.now}
	return nil
}

// answers says in words how fast vendors usually answer.
func (a *app) answers(ctx context.Context, vendorIDs []string) (map[string]string, error) {
	times, err := a.insight.ResponseTimes(ctx, vendorIDs)
	if err != nil {
		return nil, err
	}
	words := make(map[string]string, len(times))
	for id, response := range times {
		words[id] = response.Words()
	}
	return words, nil
}

// offers says in words what discounts and late fees there are on invoices.
func (a *app) offers(ctx context.Context, items []billing.Item, today money.Date) (map[string]string, error) {
	offers, err := a.payment.Offers(ctx, items)
	words := make(map[string]string, len(offers))
	for id, offer := range offers {
		words[id] = offer.Note(today)
	}
	return words, err
}

// close gives back what the app holds.
func (a *app) close() {
	if err := a.db.Close(); err != nil {
		a.log.Warn("the database did not close cleanly", "error", err)
	}
	if closer, ok := a.mailbox.(io.Closer); ok {
		if err := closer.Close(); err != nil {
			a.log.Warn("the captured mailbox did not close cleanly", "error", err)
		}
	}
}

// enrolled is a vendor that has just joined, with what is shown once.
type enrolled struct {
	Vendor        party.Vendor
	APIKey        string
	WebhookSecret string
}

// enroll adds a vendor with its owner, its first API key, the secret of its
// webhooks, and mail to its staff: all or nothing.
func (a *app) enroll(ctx context.Context, actor access.Actor, profile party.Profile, status party.VendorStatus) (enrolled, error) {
	var out enrolled
	secret, err := standardwebhooks.NewSecret(crand.Reader)
	if err != nil {
		return out, err
	}
	out.WebhookSecret = secret
	err = a.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		var err error
		if out.Vendor, err = a.party.AddVendorTx(ctx, tx, profile, status, secret); err != nil {
			return err
		}
		if _, err = a.access.AddStaffTx(ctx, tx, access.NewStaff{VendorID: out.Vendor.ID, Email: out.Vendor.Email, Name: out.Vendor.ContactName, Role: access.RoleOwner}, actor); err != nil {
			return err
		}
		if out.APIKey, _, err = a.access.NewAPIKeyTx(ctx, tx, out.Vendor.ID, "first key", actor); err != nil {
			return err
		}
		if _, _, err = a.outbox.PutEndpointTx(ctx, tx, out.Vendor.ID, outbox.Mail, out.Vendor.Email, notify.StaffEvents()); err != nil {
			return err
		}
		return a.access.AuditTx(ctx, tx, actor, access.Change{Action: "vendor.added", SubjectKind: "vendor", SubjectID: out.Vendor.ID,
			VendorID: out.Vendor.ID, After: out.Vendor.Profile()})
	})
	return out, err
}
