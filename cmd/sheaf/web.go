package main

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/fault"
	"github.com/sheaf-hub/sheaf/hub/gateway/sandbox"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/queue"
	"github.com/sheaf-hub/sheaf/web"
	"github.com/sheaf-hub/sheaf/web/api"
	"github.com/sheaf-hub/sheaf/web/console"
	"github.com/sheaf-hub/sheaf/web/operator"
	"github.com/sheaf-hub/sheaf/web/page"
	"github.com/sheaf-hub/sheaf/web/portal"
)

// Calls that one API key may make: a sustained rate, and at once.
const (
	keyPerSecond = 50
	keyBurst     = 100
)

// webDeps gives the server its rooms.
func (a *app) webDeps(carrier *queue.Queue) web.Deps {
	kit := &page.Kit{Access: a.access, Log: a.log, Now: a.now, HubName: a.config.HubName, PublicURL: a.config.PublicURL, Secure: a.config.public.Scheme == "https"}
	captured := ""
	if a.mailbox != nil {
		captured = "/dev/mail"
	}
	return web.Deps{
		Kit: kit, Log: a.log, TrustedProxies: a.config.proxies, Observe: a.metrics.request, PayOrigin: a.config.StripeAPIBase,
		Handlers: web.Handlers{
			Portal: &portal.Handlers{Kit: kit, DB: a.db, Access: a.access, Party: a.party, Billing: a.billing, Payment: a.payment, Cases: a.cases,
				Reminder: a.reminder, Insight: a.insight, Worklist: a.worklist, Sandbox: a.sandboxPage(), Mailbox: a.mailbox, HelpURL: a.config.HelpURL},
			Console: &console.Handlers{Kit: kit, DB: a.db, Party: a.party, Access: a.access, Billing: a.billing, Payment: a.payment, Outbox: a.outbox,
				Cases: a.cases, Worklist: a.worklist, Insight: a.insight, Intake: a.intake, Reminder: a.reminder, CheckURL: a.client.CheckURL, Mailbox: captured},
			Operator: &operator.Handlers{Kit: kit, DB: a.db, Party: a.party, Access: a.access, Billing: a.billing, Payment: a.payment, Outbox: a.outbox,
				Ledger: a.ledger, Reminder: a.reminder, Worklist: a.worklist, Insight: a.insight, Intake: a.intake, Enroll: a.enrollByOperator,
				Queues: func(ctx context.Context) (operator.QueueState, error) { return a.queueState(ctx, carrier) }, Gateway: a.payment.Gateway.Name(), Mailbox: captured},
			API: &api.Handlers{DB: a.db, Access: a.access, Party: a.party, Billing: a.billing, Cases: a.cases, Payment: a.payment, Outbox: a.outbox,
				Intake: a.intake, CheckURL: a.client.CheckURL, Limiter: api.NewLimiter(keyPerSecond, keyBurst), Log: a.log, Now: a.now},
			Hooks:  a.hooks(),
			Health: &web.Health{Ready: func(ctx context.Context) error { return a.ready(ctx, carrier) }, Registry: a.metrics.registry},
		},
	}
}

// ready says what is missing before this process can serve. Without Redis it
// serves all the same: work waits in the database.
func (a *app) ready(ctx context.Context, _ *queue.Queue) error {
	if err := a.db.PingContext(ctx); err != nil {
		a.log.Warn("not ready", "error", err)
		return errors.New("the database does not answer")
	}
	return nil
}

var requestLabels = []string{"method", "route", "status"}

func requestHistogram() *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "sheaf_request_seconds", Help: "How long requests took, by route and status.",
		Buckets: []float64{.002, .01, .05, .2, 1, 5, 30}}, requestLabels)
}

func (m *metrics) request(method, route string, status int, took time.Duration) {
	m.requests.WithLabelValues(method, route, strconv.Itoa(status)).Observe(took.Seconds())
}

// sandboxPage is nil where the sandbox is not the gateway.
func (a *app) sandboxPage() portal.SandboxGateway {
	if a.sandbox == nil {
		return nil
	}
	return sandboxPage{a.sandbox}
}

// sandboxPage shows the sandbox's checkout to the page that plays it.
type sandboxPage struct{ gateway *sandbox.Gateway }

// Page implements portal.SandboxGateway.
func (p sandboxPage) Page(ctx context.Context, ref string) (portal.SandboxCheckout, error) {
	checkout, err := p.gateway.Page(ctx, ref)
	if err != nil {
		return portal.SandboxCheckout{}, err
	}
	return portal.SandboxCheckout{Amount: checkout.Amount, Lines: checkout.Lines, Method: checkout.Method, Phase: checkout.Phase, ReturnURL: checkout.ReturnURL, CancelURL: checkout.CancelURL}, nil
}

// Decide implements portal.SandboxGateway.
func (p sandboxPage) Decide(ctx context.Context, ref, outcome string) (string, error) {
	return p.gateway.Decide(ctx, ref, outcome)
}

// SetupPage implements portal.SandboxGateway.
func (p sandboxPage) SetupPage(ctx context.Context, ref string) (portal.SandboxSetup, error) {
	page, err := p.gateway.SetupPage(ctx, ref)
	return portal.SandboxSetup{Open: page.Open, ReturnURL: page.ReturnURL}, err
}

// DecideSetup implements portal.SandboxGateway.
func (p sandboxPage) DecideSetup(ctx context.Context, ref, outcome string) error {
	return p.gateway.DecideSetup(ctx, ref, outcome)
}

// enrollByOperator adds a vendor that is approved from the start: the operator
// adds it by hand.
func (a *app) enrollByOperator(ctx context.Context, actor access.Actor, profile party.Profile) (operator.Enrolled, error) {
	added, err := a.enroll(ctx, actor, profile, party.VendorApproved)
	return operator.Enrolled{VendorID: added.Vendor.ID, APIKey: added.APIKey, WebhookSecret: added.WebhookSecret}, err
}

// queueState is what moves the work, for the operator's page.
func (a *app) queueState(ctx context.Context, carrier *queue.Queue) (operator.QueueState, error) {
	var state operator.QueueState
	figures, err := carrier.Figures(ctx)
	if err != nil {
		return state, fault.Wrap(fault.Unavailable, err, "Redis does not answer. Nothing is lost: work waits in the database and goes on when it is back.")
	}
	for _, q := range figures {
		state.Queues = append(state.Queues, operator.QueueFigures{Name: q.Name, Active: q.Active, Pending: q.Pending, Scheduled: q.Scheduled, Retry: q.Retry,
			Archived: q.Archived, Processed: q.Processed, Failed: q.Failed, Latency: time.Duration(q.LatencyMS) * time.Millisecond})
	}
	jobs, err := carrier.Schedule(ctx)
	for _, job := range jobs {
		state.Schedules = append(state.Schedules, operator.Schedule{Name: job.Name, LastRun: job.LastAt, LastResult: job.LastResult, NextRun: job.NextAt})
	}
	return state, err
}
