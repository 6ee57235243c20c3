package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/sheaf-hub/sheaf/hub/access"
	"github.com/sheaf-hub/sheaf/hub/billing"
	"github.com/sheaf-hub/sheaf/hub/gateway/stripe"
	"github.com/sheaf-hub/sheaf/hub/gateway/stripe/stripefake"
	"github.com/sheaf-hub/sheaf/hub/ledger"
	"github.com/sheaf-hub/sheaf/hub/outbox"
	"github.com/sheaf-hub/sheaf/hub/party"
	"github.com/sheaf-hub/sheaf/hub/payment"
	"github.com/sheaf-hub/sheaf/hub/store"
	"github.com/sheaf-hub/sheaf/hub/worklist"
	"github.com/sheaf-hub/sheaf/migrations"
	"github.com/sheaf-hub/sheaf/web"
	"github.com/sheaf-hub/sheaf/web/api"
	"github.com/sheaf-hub/sheaf/web/hooks"
	"github.com/sheaf-hub/sheaf/web/page"
)

const (
	publicURL = "https://hub.example"
	secret    = "whsec_bench"
)

func clock() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// hub is the hub's real path of a webhook: the server with its route and all that
// every request passes, the Stripe gateway, the rooms, one database. Stripe is
// played in this process, without a network.
type hub struct {
	db        *store.DB
	fake      *stripefake.Fake
	endpoint  string
	gateway   *stripe.Gateway
	memory    *remembering
	payment   *payment.Service
	ledger    *ledger.Service
	billing   *billing.Service
	outbox    *outbox.Service
	party     *party.Service
	server    *fiber.App
	address   string
	refused   atomic.Int64
	vendors   []party.Vendor
	endpoints []outbox.Endpoint
	people    []person
	bills     int
}

// remembering is the gateway with a Look that is answered from memory: what the
// hub would do if Stripe answered at once and in no time.
type remembering struct {
	*stripe.Gateway
	on     atomic.Bool
	states sync.Map
}

// Look implements payment.Gateway.
func (r *remembering) Look(ctx context.Context, ref string) (payment.State, error) {
	if r.on.Load() {
		if state, known := r.states.Load(ref); known {
			return state.(payment.State), nil
		}
	}
	return r.Gateway.Look(ctx, ref)
}

// openHub migrates the database, wires the rooms as cmd/sheaf does, and listens.
func openHub(ctx context.Context, config store.Config) (*hub, error) {
	db, err := store.Open(ctx, config)
	if err != nil {
		return nil, err
	}
	h := &hub{db: db}
	if _, err := db.Migrate(ctx, migrations.Files, clock()); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if err := h.wire(); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if err := h.serve(); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if err := h.settleIn(ctx); err != nil {
		return nil, errors.Join(err, h.close())
	}
	return h, nil
}

func (h *hub) wire() error {
	sealer, err := store.NewSealer(store.NewSealKey())
	if err != nil {
		return err
	}
	h.fake = stripefake.New(stripefake.Config{Now: clock, Seed: 1})
	h.endpoint = h.fake.AddEndpoint(stripefake.Endpoint{Secret: secret, Types: []string{"checkout.session.completed"}})
	h.gateway, err = stripe.New(stripe.Config{Key: h.fake.Key(), WebhookSecrets: []string{secret}, HTTPClient: h.fake.Client(), Now: clock})
	if err != nil {
		return err
	}
	h.memory = &remembering{Gateway: h.gateway}
	h.outbox = &outbox.Service{DB: h.db, Sealer: sealer, Now: clock}
	h.ledger = &ledger.Service{DB: h.db, Now: clock}
	h.party = &party.Service{DB: h.db, Sealer: sealer, Now: clock}
	h.billing = &billing.Service{DB: h.db, Party: h.party, Now: clock}
	rights := &access.Service{DB: h.db, Party: h.party, Sealer: sealer, Outbox: h.outbox, PublicURL: publicURL, Now: clock}
	tasks := &worklist.Service{DB: h.db, Access: rights, Now: clock}
	h.payment = &payment.Service{DB: h.db, Party: h.party, Billing: h.billing, Ledger: h.ledger, Outbox: h.outbox, Access: rights, Gateway: h.memory,
		Accounts: h.gateway, Methods: h.gateway, Disputes: h.gateway, Messages: h.gateway, PublicURL: publicURL, Now: clock,
		Overpaid: tasks.Overpaid, AddTask: tasks.Payment}
	return nil
}

func (h *hub) serve() error {
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	counted := func(result string) {
		if result != hooks.Handled {
			h.refused.Add(1)
		}
	}
	h.server = web.New(web.Deps{Kit: &page.Kit{Log: log, Now: clock, HubName: "Sheaf", PublicURL: publicURL}, Log: log, Handlers: web.Handlers{
		API: &api.Handlers{Log: log, Now: clock}, Hooks: &hooks.Handlers{Parse: h.gateway.Parse, Notify: h.payment.Notify, Counted: counted, Log: log}}})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	h.address = listener.Addr().String()
	go func() {
		if err := h.server.Listener(listener); err != nil {
			log.Error("the server ended", "error", err)
		}
	}()
	return nil
}

func (h *hub) close() error {
	return errors.Join(h.server.ShutdownWithTimeout(10*time.Second), h.db.Close())
}

// settle posts the webhooks of payments, each caller over a connection of its
// own that is kept open, and waits for every answer.
func (h *hub) settle(ctx context.Context, list []pending, clients int) (time.Duration, error) {
	callers := make([]*caller, clients)
	for i := range callers {
		conn, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, "tcp", h.address)
		if err != nil {
			return 0, err
		}
		defer conn.Close()
		if err := conn.SetDeadline(time.Now().Add(5 * time.Minute)); err != nil {
			return 0, err
		}
		callers[i] = &caller{conn: conn, answers: bufio.NewReader(conn)}
	}
	return spread(ctx, len(list), clients, func(_ context.Context, who, i int) error { return callers[who].post(list[i]) })
}

// spread lets callers take what is to be done, one after another, and says how
// long it took until the last was done.
func spread(ctx context.Context, n, clients int, do func(ctx context.Context, who, i int) error) (time.Duration, error) {
	var next atomic.Int64
	var group sync.WaitGroup
	failures := make([]error, clients)
	started := time.Now()
	for who := range clients {
		group.Go(func() {
			for ctx.Err() == nil && failures[who] == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				failures[who] = do(ctx, who, i)
			}
		})
	}
	group.Wait()
	return time.Since(started), errors.Join(append(failures, ctx.Err())...)
}

// caller is one connection of Stripe's. It writes requests by itself, because
// net/http's client would take a good part of what is measured.
type caller struct {
	conn    net.Conn
	answers *bufio.Reader
	buffer  bytes.Buffer
}

func (c *caller) post(p pending) error {
	c.buffer.Reset()
	fmt.Fprintf(&c.buffer, "POST /webhooks/stripe HTTP/1.1\r\nHost: hub.example\r\nContent-Type: application/json; charset=utf-8\r\nStripe-Signature: %s\r\nContent-Length: %d\r\n\r\n",
		p.message.Signature, len(p.message.Payload))
	c.buffer.Write(p.message.Payload)
	if _, err := c.conn.Write(c.buffer.Bytes()); err != nil {
		return err
	}
	response, err := http.ReadResponse(c.answers, nil)
	if err != nil {
		return err
	}
	said, err := io.ReadAll(io.LimitReader(response.Body, 1<<16))
	if err != nil || response.StatusCode != http.StatusOK {
		return errors.Join(fmt.Errorf("the hub answers %d: %s", response.StatusCode, said), err)
	}
	return response.Body.Close()
}

// sound says whether all that was settled is right, and how much that was.
func (h *hub) sound(ctx context.Context, settled int) error {
	if n := h.refused.Load(); n > 0 {
		return fmt.Errorf("%d webhooks were not handled", n)
	}
	n, err := h.db.NewSelect().Model((*payment.Payment)(nil)).Where("status = ?", payment.Settled).Count(ctx)
	if err != nil || int(n) != settled {
		return errors.Join(fmt.Errorf("%d payments are settled and not %d", n, settled), err)
	}
	_, broken, err := h.payment.Check(ctx)
	if err == nil {
		var more []string
		_, more, err = h.ledger.Check(ctx)
		broken = append(broken, more...)
	}
	if err != nil || len(broken) > 0 {
		return errors.Join(fmt.Errorf("broken: %v", broken), err)
	}
	return nil
}
